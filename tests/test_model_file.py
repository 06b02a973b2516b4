"""The model file: equal bytes for equal estimators, and nothing foreign ever comes to life."""

from __future__ import annotations

import ast
import hashlib
import io
import json
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

import winback
from winback.errors import ModelRefused
from winback.risk.keeping import model_file
from winback.risk.scoring.estimator import ChurnClassifier

Members = dict[str, bytes]
NEXT = "It was not loaded. Put it back as it was, or train anew in another state folder ([project] state)."


def fitted(seed: int = 0) -> ChurnClassifier:
    """A small model of 200 customers and 4 features, the last of them never known."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(200, 4))
    X[::7, 1], X[:, 3] = np.nan, np.nan
    y = (X[:, 0] + random.normal(size=200) > 0).astype(int)
    earlier, later = np.arange(100), np.arange(100, 200)
    return ChurnClassifier(n_models=2, max_iter=5, min_samples_leaf=10, max_features=1.0).fit(
        X, y, folds=[(earlier, later)]
    )


@pytest.fixture(scope="module")
def estimator() -> ChurnClassifier:
    return fitted()


@pytest.fixture(scope="module")
def good(estimator: ChurnClassifier, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a good model file."""
    path = tmp_path_factory.mktemp("good") / "model.skops"
    model_file.save(estimator, path)
    return path.read_bytes()


def load_bytes(folder: Path, data: bytes) -> Any:
    """Load `data` under its own hash, as if somebody had recorded it as good."""
    (folder / "model.skops").write_bytes(data)
    return model_file.load(folder / "model.skops", hashlib.sha256(data).hexdigest())


def members_of(data: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(members: Members, compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def with_schema(data: bytes, change: Callable[[dict[str, Any]], Any]) -> bytes:
    """A good file whose schema was changed, by `change` in place or into what it returns."""
    members = members_of(data)
    schema = json.loads(members["schema.json"])
    changed = change(schema)
    members["schema.json"] = json.dumps(schema if changed is None else changed).encode()
    return zipped(members)


def test_a_saved_estimator_comes_back_and_predicts_the_same_bits(tmp_path: Path, estimator: ChurnClassifier) -> None:
    X = np.random.default_rng(1).normal(size=(500, 4))
    sha256 = model_file.save(estimator, tmp_path / "model.skops")
    assert sha256 == hashlib.sha256((tmp_path / "model.skops").read_bytes()).hexdigest()
    back = model_file.load(tmp_path / "model.skops", sha256)
    assert type(back) is ChurnClassifier
    assert back.get_params() == estimator.get_params()
    assert back.predict_proba(X).tobytes() == estimator.predict_proba(X).tobytes()


def test_equal_estimators_have_equal_bytes_and_others_have_not(
    tmp_path: Path, estimator: ChurnClassifier, good: bytes
) -> None:
    paths = [tmp_path / name for name in ("same", "loaded", "other")]
    model_file.save(fitted(), paths[0])
    model_file.save(load_bytes(tmp_path, good), paths[1])
    model_file.save(fitted(seed=1), paths[2])
    assert [path.read_bytes() == good for path in paths] == [True, True, False]


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_another_process_writes_the_same_bytes(tmp_path: Path, good: bytes, hash_seed: str) -> None:
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1])\n"
        "from test_model_file import fitted, model_file\n"
        "model_file.save(fitted(), Path(sys.argv[2]))"
    )
    source = str(Path(winback.__file__).parents[1])
    subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path / "model.skops")],
        env={**os.environ, "PYTHONPATH": source, "PYTHONHASHSEED": hash_seed},
        check=True,
    )
    assert (tmp_path / "model.skops").read_bytes() == good


def test_only_our_estimator_can_be_saved(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused) as refused:
        model_file.save(LogisticRegression(), tmp_path / "model.skops")
    assert str(refused.value) == (
        "LogisticRegression cannot be saved, for it could not be loaded: it holds a sklearn.linear_model."
        "_logistic.LogisticRegression, expected a winback.risk.scoring.estimator.ChurnClassifier."
    )
    assert list(tmp_path.iterdir()) == []


# --- hostile files -------------------------------------------------------------------------------

EVIL_MODULE = """
from pathlib import Path
CANARY = Path(__file__).with_name("canary")
CANARY.touch()  # importing it is enough
class Evil:
    def __setstate__(self, state): CANARY.touch()
    def __reduce__(self): return Evil, ()
    def strike(self): CANARY.touch()
def strike(*_): CANARY.touch()
"""


def node(loader: str, name: str, **more: Any) -> dict[str, Any]:
    """A node of a skops schema for `name`, such as "builtins.eval"."""
    module, _, own = name.rpartition(".")
    return {"__class__": own, "__module__": module, "__loader__": loader, **more}


def constant(value: Any) -> dict[str, Any]:
    return node("JsonNode", "builtins.str", content=json.dumps(value), is_json=True)


def pack(loader: str, *items: dict[str, Any]) -> dict[str, Any]:
    name = {"TupleNode": "builtins.tuple", "ListNode": "builtins.list"}[loader]
    return node(loader, name, content=list(items))


def mapping(**items: dict[str, Any]) -> dict[str, Any]:
    keys = node("ListNode", "builtins.list", content=[node("TypeNode", "builtins.str") for _ in items])
    return node("DictNode", "builtins.dict", content=items, key_types=keys)


def function(name: str) -> dict[str, Any]:
    module, _, own = name.rpartition(".")
    return node("FunctionNode", name, content={"module_path": module, "function": own})


def attribute(evil: dict[str, Any]) -> Callable[[bytes], bytes]:
    """A good file in which `evil` stands for an attribute of the estimator."""
    return lambda good: with_schema(good, lambda schema: schema["content"]["content"].update(n_models=evil))


NPY_OF_OBJECTS = io.BytesIO()
np.save(NPY_OF_OBJECTS, np.array([{}, []], dtype=object), allow_pickle=True)
NPY_HUGE = (
    b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000,), }".ljust(127) + b"\n"
)


def replaced(name: str, content: bytes) -> Callable[[bytes], bytes]:
    return lambda good: zipped({**members_of(good), name: content})


def overlapping(good: bytes) -> bytes:
    """An archive whose directory lists one member of 200 kB a hundred times under as many names."""
    names = [f"{number:06d}.npy" for number in range(100)]
    one = zipped({"000000.npy": b"\0" * 200_000})
    start = one.index(b"PK\x01\x02")
    entry = one[start : one.index(b"PK\x05\x06")]
    entries = b"".join(entry.replace(b"000000.npy", name.encode()) for name in names)
    end = b"PK\x05\x06" + b"\0" * 4 + (100).to_bytes(2, "little") * 2
    return one[:start] + entries + end + len(entries).to_bytes(4, "little") + start.to_bytes(4, "little") + b"\0\0"


def encrypted(good: bytes) -> bytes:
    """A good file whose members all say that they are encrypted."""
    data = bytearray(good)
    position = -1
    while (position := data.find(b"PK\x01\x02", position + 1)) >= 0:
        data[position + 8] |= 1
    return bytes(data)


def linked(good: bytes) -> bytes:
    """A good file whose schema is marked as a symbolic link, for those who unpack it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members_of(good).items():
            info = zipfile.ZipInfo("../canary" if name == "0.npy" else name)
            info.external_attr = (0o120777 if name == "0.npy" else 0o600) << 16
            archive.writestr(info, content)
    return buffer.getvalue()


def duplicated(good: bytes) -> bytes:
    """A good file with a second schema, which zipfile would read instead of the first."""
    members = {**members_of(good), "schema.jsoN": b"{}"}
    return zipped(members).replace(b"schema.jsoN", b"schema.json")


def deep(_: dict[str, Any]) -> Any:
    value: Any = []
    for _unused in range(400):
        value = pack("ListNode", value) if value else pack("ListNode")
    return value


def pickled(dumps: Callable[[Any], bytes]) -> Callable[[bytes], bytes]:
    def make(_: bytes) -> bytes:
        import evil_module  # type: ignore[import-not-found]  # noqa: PLC0415  written by the fixture

        return dumps(evil_module.Evil())

    return make


def joblib_dumps(value: Any) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(value, buffer)
    return buffer.getvalue()


HOSTILE: dict[str, Callable[[bytes], bytes]] = {
    "pickle": pickled(pickle.dumps),
    "pickle of protocol 0": pickled(lambda value: pickle.dumps(value, protocol=0)),
    "joblib": pickled(joblib_dumps),
    "cloudpickle": pickled(cloudpickle.dumps),
    "pickle named schema.json": lambda good: zipped({**members_of(good), "schema.json": pickle.dumps(ValueError)}),
    "array of pickled objects": replaced("0.npy", NPY_OF_OBJECTS.getvalue()),
    "array that claims 800 GB": replaced("0.npy", NPY_HUGE),
    "array that is no array": replaced("0.npy", b"\x80\x04K\x01."),
    "type whose import runs code": attribute(node("TypeNode", "evil_module.Evil")),
    "object whose state runs code": attribute(node("ObjectNode", "evil_module.Evil", content=mapping(a=constant(1)))),
    "object made by its constructor": attribute(
        node("ConstructorFromReduceNode", "evil_module.Evil", content=pack("TupleNode"))
    ),
    "function builtins.eval": attribute(function("builtins.eval")),
    "function os.system": attribute(function("os.system")),
    "function under a trusted name": attribute(
        {**function("evil_module.strike"), **node("FunctionNode", "builtins.dict")}
    ),
    "function of numpy": attribute(function("numpy.load")),
    "partial": attribute(
        node(
            "PartialNode",
            "functools.partial",
            content={
                "func": function("evil_module.strike"),
                "args": pack("TupleNode"),
                "kwds": mapping(),
                "namespace": constant(None),
            },
        )
    ),
    "operator.methodcaller": attribute(
        node("OperatorFuncNode", "operator.methodcaller", attrs=pack("TupleNode", constant("strike")))
    ),
    "operator under a trusted type": attribute(
        node("OperatorFuncNode", "builtins.list", attrs=pack("TupleNode", constant("strike")))
    ),
    "bound method": attribute(
        node(
            "MethodNode",
            "evil_module.Evil",
            content={"func": "strike", "obj": node("ObjectNode", "evil_module.Evil")},
        )
    ),
    "reduce": attribute(
        node(
            "TreeNode",
            "sklearn.tree._tree.Tree",
            __reduce__={"args": pack("TupleNode")},
            content=mapping(),
        )
    ),
    "loss that is a function": attribute(
        node("LossNode", "evil_module.strike", __reduce__={"args": pack("TupleNode")}, content=mapping())
    ),
    "random generator that is a function": attribute(
        node(
            "RandomGeneratorNode",
            "numpy.random._generator.Generator",
            content={"bit_generator": mapping(bit_generator=constant("seed")), "seed_seq": mapping()},
        )
    ),
    "estimator that skops trusts and we do not": attribute(
        node("ObjectNode", "sklearn.preprocessing._function_transformer.FunctionTransformer", content=mapping())
    ),
    "trusted type by another loader": attribute(node("ObjectNode", "builtins.dict", content=mapping())),
    "loader nobody knows": attribute(node("EvilNode", "builtins.dict")),
    "reference to nowhere": attribute({**node("CachedNode", "builtins.dict"), "__id__": 10**9}),
    "another root": lambda good: with_schema(good, lambda schema: schema["content"]),
    "older protocol": lambda good: with_schema(good, lambda schema: schema.update(protocol=0)),
    "protocol to come": lambda good: with_schema(good, lambda schema: schema.update(protocol=3)),
    "protocol that is true": lambda good: with_schema(good, lambda schema: schema.update(protocol=True)),
    "no protocol": lambda good: with_schema(good, lambda schema: schema.pop("protocol") and None),
    "schema that is a list": lambda good: with_schema(good, lambda schema: [schema]),
    "schema that is a number": lambda good: with_schema(good, lambda _: 7),
    "node without a class": attribute({"__loader__": "DictNode"}),
    "names that are numbers": attribute({"__class__": 1, "__module__": 2, "__loader__": 3}),
    "schema 400 levels deep": attribute(deep({})),
    "schema 200,000 levels deep": lambda good: zipped({**members_of(good), "schema.json": b"[" * 200_000}),
    "no schema": lambda good: zipped({k: v for k, v in members_of(good).items() if k != "schema.json"}),
    "no versions": lambda good: zipped({k: v for k, v in members_of(good).items() if k != "versions.json"}),
    "other versions": replaced("versions.json", b'{"numpy": "1.0"}'),
    "missing array": lambda good: zipped({k: v for k, v in members_of(good).items() if k != "0.npy"}),
    "zip bomb": lambda good: zipped({**members_of(good), "schema.json": b" " * 50_000_000}, zipfile.ZIP_DEFLATED),
    "overlapping members": overlapping,
    "two schemas": duplicated,
    "encrypted": encrypted,
    "path upwards": replaced("../canary", b""),
    "absolute path": replaced("/canary", b""),
    "path with a backslash": replaced("..\\canary", b""),
    "name with a line break": replaced("1.npy\n", b""),
    "link to another file": linked,
    "member that is no part of the model": replaced("999.npy", b"#!/bin/sh"),
    "declares its own trusted types": replaced("MLmodel", b"skops_trusted_types: [evil_module.Evil]"),
    "nothing": lambda _: b"",
    "text": lambda _: b"name: champion\n",
    "archive without members": lambda _: zipped({}),
    "truncated": lambda good: good[:-100],
    "beginning missing": lambda good: good[100:],
}


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file that any code of `evil_module` leaves; absent when the test begins."""
    (tmp_path / "evil_module.py").write_text(EVIL_MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "evil_module", raising=False)
    yield tmp_path / "canary"
    sys.modules.pop("evil_module", None)


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_refused_before_any_of_its_code_runs(
    tmp_path: Path, canary: Path, good: bytes, kind: str
) -> None:
    data = HOSTILE[kind](good)
    sys.modules.pop("evil_module", None)
    canary.unlink(missing_ok=True)
    assert data != good
    with pytest.raises(ModelRefused) as refused:
        load_bytes(tmp_path, data)
    assert not canary.exists()
    assert "evil_module" not in sys.modules
    assert str(refused.value).startswith(f"{tmp_path / 'model.skops'} is ")
    assert str(refused.value).endswith(NEXT)


def test_the_corpus_is_of_every_family() -> None:
    assert len(HOSTILE) >= 40
    families = "pickle", "joblib", "cloudpickle", "type", "function", "path", "bomb", "link", "two", "declares", "array"
    assert [family for family in families if not any(family in kind for kind in HOSTILE)] == []


@pytest.mark.parametrize(
    "kind", ["type whose import runs code", "object whose state runs code", "object made by its constructor"]
)
def test_the_corpus_is_live_where_the_file_is_believed(canary: Path, good: bytes, kind: str) -> None:
    data = HOSTILE[kind](good)
    skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))
    assert canary.exists()


def test_the_pickles_of_the_corpus_are_live(canary: Path, good: bytes) -> None:
    data = HOSTILE["pickle"](good)
    sys.modules.pop("evil_module")
    canary.unlink()
    pickle.loads(data)  # noqa: S301
    assert canary.exists()


MESSAGES = {
    "function os.system": "is refused: 1 of its parts are not among those we load: os.system by FunctionNode",
    "older protocol": "is refused: it has skops protocol 0, expected 2",
    "another root": "is refused: it has skops protocol None, expected 2",
    "path upwards": "is refused: 1 members have names that a model's members never have: ['../canary']",
    "two schemas": "is refused: 1 members share their name with another",
    "overlapping members": "is refused: its members claim 20000000 bytes but the file has 205662",
    "zip bomb": "is refused: 56 members are compressed or encrypted: "
    "['0.npy', '1.npy', '2.npy', '3.npy', '4.npy', '5.npy', ...]",
    "encrypted": "is refused: 56 members are compressed or encrypted: "
    "['0.npy', '1.npy', '2.npy', '3.npy', '4.npy', '5.npy', ...]",
    "member that is no part of the model": "is refused: 1 of its members are no part of the model: ['999.npy']",
    "text": "is not a model of winback (BadZipFile: File is not a zip file)",
}


@pytest.mark.parametrize("kind", MESSAGES)
def test_the_refusal_says_what_came(tmp_path: Path, canary: Path, good: bytes, kind: str) -> None:
    with pytest.raises(ModelRefused) as refused:
        load_bytes(tmp_path, HOSTILE[kind](good))
    assert str(refused.value) == f"{tmp_path / 'model.skops'} {MESSAGES[kind]}. {NEXT}"


def test_a_file_that_is_not_the_recorded_one_is_not_even_opened_as_an_archive(
    tmp_path: Path, good: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zipfile, "ZipFile", None)
    path = tmp_path / "model.skops"
    path.write_bytes(good)
    found = hashlib.sha256(good).hexdigest()
    with pytest.raises(ModelRefused) as refused:
        model_file.load(path, "ab" * 32)
    assert str(refused.value) == f"{path} has SHA-256 {found}, but {'ab' * 32} was recorded for it. {NEXT}"


def test_a_file_larger_than_the_limit_is_refused_without_reading_it_all(
    tmp_path: Path, good: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_file, "LIMIT_BYTES", 1000)
    with pytest.raises(ModelRefused) as refused:
        load_bytes(tmp_path, good)
    path = tmp_path / "model.skops"
    assert str(refused.value) == f"{path} is larger than 1000 bytes, the most a model may have. {NEXT}"


@pytest.mark.parametrize(("name", "reason"), [("absent", "No such file or directory"), (".", "Is a directory")])
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(ModelRefused) as refused:
        model_file.load(tmp_path / name, "ab" * 32)
    assert str(refused.value) == f"{tmp_path / name} cannot be read: {reason}. {NEXT}"


@pytest.mark.parametrize("library", ["python", *model_file.LIBRARIES])
def test_a_model_of_another_version_is_refused(
    tmp_path: Path, good: bytes, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = {**model_file.versions(), library: "0.0"}
    monkeypatch.setattr(model_file, "versions", lambda: here)
    with pytest.raises(ModelRefused, match=f"it was saved with .*, here is .*'{library}': '0.0'"):
        load_bytes(tmp_path, good)


def test_a_model_says_which_winback_wrote_it_and_is_not_bound_to_it(good: bytes, tmp_path: Path) -> None:
    said = json.loads(members_of(good)["versions.json"])
    assert said == {"winback": winback.__version__, **model_file.versions()}
    later = zipped({**members_of(good), "versions.json": json.dumps({**said, "winback": "9.9"}).encode()})
    assert type(load_bytes(tmp_path, later)) is ChurnClassifier
    silent = zipped({**members_of(good), "versions.json": json.dumps(model_file.versions()).encode()})
    with pytest.raises(ModelRefused, match="it was saved with"):
        load_bytes(tmp_path, silent)


@settings(max_examples=200)
@given(data=st.data())
def test_a_file_with_any_changed_bytes_loads_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, good: bytes, data: st.DataObject
) -> None:
    changed = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    try:
        loaded = load_bytes(tmp_path_factory.mktemp("changed"), bytes(changed))
    except ModelRefused:
        return
    assert type(loaded) is ChurnClassifier


# --- no other way in -----------------------------------------------------------------------------

LOADERS = {"load_model", "read_pickle", "get_untrusted_types", "Unpickler"}


def ways_in(source: str, *, is_model_file: bool = False) -> list[str]:
    """What in `source` could bring an object to life from a file, except our loader's own call."""
    found = []
    for part in ast.walk(ast.parse(source)):
        if isinstance(part, ast.Attribute | ast.Name):
            name = part.attr if isinstance(part, ast.Attribute) else part.id
            found += [name] if name in LOADERS else []
        elif isinstance(part, ast.keyword) and part.arg == "allow_pickle":
            forbidden = isinstance(part.value, ast.Constant) and part.value.value is False
            found += [] if forbidden else ["allow_pickle"]
        elif isinstance(part, ast.Import | ast.ImportFrom) and not is_model_file:
            names = [getattr(part, "module", None) or ""] + [alias.name for alias in part.names]
            found += ["skops" for name in names if name.split(".")[0] == "skops"]
    return found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import skops.io", ["skops"]),
        ("from skops import io", ["skops"]),
        ("mlflow.sklearn.load_model(uri)", ["load_model"]),
        ("from pandas import read_pickle as r\nread_pickle(p)", ["read_pickle"]),
        ("np.load(p, allow_pickle=True)", ["allow_pickle"]),
        ("np.load(p, allow_pickle=no)", ["allow_pickle"]),
        ("np.load(p, allow_pickle=False)", []),
        ("skops.io.get_untrusted_types(file=p)", ["get_untrusted_types"]),
        ("model_file.load(p, h)", []),
    ],
)
def test_the_lint_finds_ways_in(source: str, found: list[str]) -> None:
    assert ways_in(source) == found


def test_the_loader_is_the_only_way_in() -> None:
    package = Path(winback.__file__).parent
    sources = {path: path.read_text("utf-8") for path in package.rglob("*.py")}
    found = {path: ways_in(text, is_model_file=path.name == "model_file.py") for path, text in sources.items()}
    assert {str(path): names for path, names in found.items() if names} == {}
    assert len(sources) > 10
    loader = sources[package / "risk" / "keeping" / "model_file.py"]
    assert loader.count("skops.io.load") == 1
    assert "trusted=[*TRUSTED, *OWN_PARTS, *trusted]" in loader
