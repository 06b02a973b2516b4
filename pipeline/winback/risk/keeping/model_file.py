"""A fitted estimator as one file, and the only way back.

The file is a skops archive in a canonical form, so that equal estimators give equal bytes. Loading
believes nothing that a file says about itself: first the SHA-256 of its bytes is compared with the
one recorded, then the archive's shape and versions are checked, then every part it names is looked
up in PARTS, and only then is anything constructed, from those same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import re
import reprlib
import zipfile
from collections.abc import Collection, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from winback import __version__, store
from winback.errors import ModelRefused

LIMIT_BYTES = 256 * 1024 * 1024
LIBRARIES = ("numpy", "scikit-learn", "skops")
MEMBER = re.compile(r"schema\.json|versions\.json|[0-9]{1,7}\.npy")
PROTOCOL = 2  # of skops; an older one would choose older, laxer readers

# What a fitted ChurnClassifier is made of, by the skops node that builds it, and not one type more.
# It lives here and nowhere else: never take such a list from a file, from MLflow's MLmodel or from
# what skops trusts by itself. Nodes that call something (functions, methods, partials, operators,
# reduce) are absent on purpose.
PARTS = {
    "DictNode": ("builtins.dict",),
    "ListNode": ("builtins.list",),
    "TupleNode": ("builtins.tuple",),
    "JsonNode": ("builtins.str",),
    "TypeNode": ("builtins.str",),
    "NdArrayNode": ("numpy.ndarray", "numpy.uint64"),
    "RandomGeneratorNode": ("numpy.random._generator.Generator",),
    "LossNode": ("sklearn._loss._loss.CyHalfBinomialLoss",),
    "ObjectNode": (
        "sklearn._loss.link.Interval",
        "sklearn._loss.link.LogitLink",
        "sklearn._loss.loss.HalfBinomialLoss",
        "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
        "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingClassifier",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.preprocessing._label.LabelEncoder",
        "winback.risk.scoring.estimator.ChurnClassifier",
    ),
}
ROOT = "winback.risk.scoring.estimator.ChurnClassifier"
# A user's own estimator, and what is harmless in it whatever it is; its types are named by its spec.
OWN_ROOT = "winback.risk.scoring.own_estimator.OwnClassifier"
OWN_PARTS = (
    "numpy.dtype",
    "builtins.bytes", "builtins.bytearray", "collections.OrderedDict", "collections.defaultdict",
    "sklearn.impute._base.SimpleImputer", "sklearn.pipeline.Pipeline", OWN_ROOT,
)  # fmt: skip
PLAIN_LOADERS = (
    "ObjectNode",
    "DictNode",
    "DefaultDictNode",
    "OrderedDictNode",
    "NdArrayNode",
    "DTypeNode",
    "TypeNode",
    "BytesNode",
    "BytearrayNode",
)
TRUSTED = tuple(sorted({name for names in PARTS.values() for name in names}))


def save(estimator: Any, path: Path, trusted: Collection[str] = ()) -> str:
    """The SHA-256 of `path`, where the estimator now is; equal estimators have equal bytes. `trusted`: see `load`."""
    import skops.io  # noqa: PLC0415  it loads the whole of scikit-learn

    data = _canonical(skops.io.dumps(estimator))
    if fault := _fault(data, trusted):
        raise ModelRefused(f"{type(estimator).__name__} cannot be saved, for it could not be loaded: {fault}.")
    with store.whole_file(path) as temporary:
        temporary.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def load(path: Path, sha256: str, trusted: Collection[str] = ()) -> Any:
    """The estimator in `path`, whose bytes must have the recorded `sha256`.

    `trusted`: types that a user's own estimator is made of, from the spec that the user holds; never from a file.
    """
    import skops.io  # noqa: PLC0415

    data = _checked_bytes(path, sha256)
    try:
        fault = _fault(data, trusted)
        estimator = None if fault else skops.io.loads(data, trusted=[*TRUSTED, *OWN_PARTS, *trusted])
    except Exception as error:  # whatever a malformed file makes the readers raise
        what = f"{type(error).__name__}: {str(error)[:200]}"
        raise ModelRefused(f"{path} is not a model of winback ({what}). {_NEXT}") from error
    if fault:
        raise ModelRefused(f"{path} is refused: {fault}. {_NEXT}")
    return estimator


_NEXT = "It was not loaded. Put it back as it was, or train anew in another state folder ([project] state)."


def _checked_bytes(path: Path, sha256: str) -> bytes:
    """The bytes of `path`, read once, when they are the ones recorded."""
    try:
        with path.open("rb") as handle:
            data = handle.read(LIMIT_BYTES + 1)
    except OSError as error:
        raise ModelRefused(f"{path} cannot be read: {error.strerror}. {_NEXT}") from error
    if len(data) > LIMIT_BYTES:
        raise ModelRefused(f"{path} is larger than {LIMIT_BYTES} bytes, the most a model may have. {_NEXT}")
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ModelRefused(f"{path} has SHA-256 {found}, but {sha256} was recorded for it. {_NEXT}")
    return data


def _fault(data: bytes, trusted: Collection[str] = ()) -> str:
    """Why `data` is not an archive of ours, in words: its shape, its versions, its parts."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return _misshapen(archive, len(data)) or _foreign(archive, trusted)


def _misshapen(archive: zipfile.ZipFile, size: int) -> str:
    """What is wrong with the archive's members, in words; they are stored, so they cannot unfold to more."""
    members = archive.infolist()
    names = [member.filename for member in members]
    if odd := [name for name in names if not MEMBER.fullmatch(name)]:
        return f"{len(odd)} members have names that a model's members never have: {reprlib.repr(odd)}"
    if len(set(names)) < len(names):
        return f"{len(names) - len(set(names))} members share their name with another"
    if packed := [m.filename for m in members if m.compress_type != zipfile.ZIP_STORED or m.flag_bits & 1]:
        return f"{len(packed)} members are compressed or encrypted: {reprlib.repr(packed)}"
    if (total := sum(member.file_size for member in members)) > size:
        return f"its members claim {total} bytes but the file has {size}"
    return ""


def _foreign(archive: zipfile.ZipFile, trusted: Collection[str]) -> str:
    """Which versions or parts of the archive are not ours, in words."""
    saved, here = json.loads(archive.read("versions.json")), versions()
    by = saved.pop("winback", None) if isinstance(saved, dict) else None
    if not isinstance(by, str) or saved != here:
        return f"it was saved with {saved}, here is {here}"
    schema = json.loads(archive.read("schema.json"))
    if schema.get("protocol") != PROTOCOL:
        return f"it has skops protocol {schema.get('protocol')!r}, expected {PROTOCOL}"
    expected = (ROOT, OWN_ROOT) if trusted else (ROOT,)
    if (root := _type(schema)) not in expected:
        return f"it holds a {root}, expected a {' or a '.join(expected)}"
    came = {(node["__loader__"], _type(node)) for node in _nodes(schema)}
    known = {(loader, name) for loader in PARTS for name in PARTS[loader]}
    if trusted:
        known |= {(loader, name) for loader in PLAIN_LOADERS for name in (OWN_ROOT, *OWN_PARTS, *trusted)}
    if unknown := sorted(came - known):
        return f"{len(unknown)} of its parts are not among those we load: {_listed(unknown)}"
    named = {"schema.json", "versions.json", *(str(node["file"]) for node in _nodes(schema) if "file" in node)}
    if spare := sorted(set(archive.namelist()) - named):
        return f"{len(spare)} of its members are no part of the model: {reprlib.repr(spare)}"
    return ""


def _type(node: dict[str, Any]) -> str:
    return f"{node['__module__']}.{node['__class__']}"


def _listed(parts: list[tuple[str, str]]) -> str:
    return ", ".join(f"{name} by {loader}" for loader, name in parts[:5]) + (" …" if len(parts) > 5 else "")


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Every dict of a schema that names a type or a loader, at whatever depth, in reading order."""
    waiting = [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if value.keys() & {"__loader__", "__module__", "__class__"}:
                yield value
            waiting.extend(reversed(value.values()))
        elif isinstance(value, list):
            waiting.extend(reversed(value))


def _canonical(data: bytes) -> bytes:
    """A skops archive without what differs between two savings of one estimator.

    skops names objects and members by their address in memory and stamps members with the time:
    here they are numbered in the order of the schema and bear the oldest date a zip can.
    """
    ids: dict[Any, int] = {}
    files: dict[str, str] = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        schema = json.loads(archive.read("schema.json"))
        for node in _nodes(schema):
            if node["__loader__"] == "JsonNode":
                node.pop("__id__", None)  # a constant: whether two share an address is an accident
            else:
                node["__id__"] = ids.setdefault(node["__id__"], len(ids) + 1)
            if "file" in node:
                node["file"] = files.setdefault(node["file"], f"{len(files)}.npy")
        members = {new: archive.read(old) for old, new in files.items()}
    members["schema.json"] = json.dumps(schema, separators=(",", ":")).encode()
    members["versions.json"] = json.dumps({"winback": __version__, **versions()}, sort_keys=True).encode()
    return _zipped(members)


def _zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def versions() -> dict[str, str]:
    """The versions a model file is bound to; scikit-learn itself only warns when they differ.

    A file also says which winback wrote it, which binds nobody: what a model reads is checked by name.
    """
    python = ".".join(platform.python_version_tuple()[:2])
    return {"python": python, **{name: metadata.version(name) for name in LIBRARIES}}
