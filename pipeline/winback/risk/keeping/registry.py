"""Trained models and their versions. The only module that imports MLflow.

    <state>/mlflow.db       MLflow's store: runs, metrics, versions, aliases
    <state>/mlartifacts/    its files

MLflow's store is for looking at. What is loaded is decided by our history, which holds the SHA-256
of every champion: a version or a file that was changed elsewhere is refused, not believed.
Writers hold the project's lock.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import uuid
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from winback import __version__, store
from winback.errors import ConfigError, ModelRefused
from winback.risk.keeping import model_file
from winback.risk.keeping.promotions import Version, history

NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
OURS = "winback"  # the tag that marks a run as ours; its value is the version that made it
KIND = {"mlflow.experimentKind": "custom_model_development"}  # so that MLflow's pages open the table of runs
QUIET = {
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}


@dataclass(frozen=True)
class ModelRecord:
    """What is written down about a trained model.

    `tags` must have a "training_key": the hash of all that the training was made from. `params` and
    `metrics` may be nested. `artifacts` are texts or bytes by file name. `trusted` types: see
    `model_file.load`.
    """

    params: dict[str, Any]
    metrics: dict[str, Any]
    tags: dict[str, str]
    artifacts: dict[str, str | bytes] = field(default_factory=dict)
    features: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()


def register(state: Path, name: str, estimator: Any, record: ModelRecord) -> Version:
    """The version of `name` that holds `estimator`; the one there already when nothing changed."""
    with opened(state, name) as client, _scratch(state) as folder:
        experiment = _experiment(client, state, name)
        _close_leftovers(client)
        sha256 = model_file.save(estimator, folder / "model" / "model.skops", record.trusted)
        made_from = {"training_key": record.tags["training_key"], "sha256": sha256}
        for known in _versions(client, name, made_from):
            if (state / known.path).is_file() and store.sha256(state / known.path) == sha256:
                return known
        version = _log(client, experiment, name, record, folder, made_from)
        store.sync_folder((state / version.path).parent)
        return version


@contextmanager
def _scratch(state: Path) -> Iterator[Path]:
    """An empty folder for the files of a model; one name for all, so a killed process leaves one at most."""
    folder = state / ".model.tmp"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def opened(state: Path, name: str) -> Iterator[Any]:
    """A client of MLflow's store in `state`, for the model `name`, that neither talks nor phones."""
    if not NAME.fullmatch(name):
        raise ConfigError(f"a model cannot be called {name!r}: expected 1 to 63 of a-z, 0-9, - and _")
    if odd := set(str(state.resolve())) & set("%?#"):
        raise ConfigError(f"the state folder {state.resolve()} has {sorted(odd)} in its path: choose another")
    for key, value in QUIET.items():
        os.environ.setdefault(key, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own business with its libraries
        from mlflow import MlflowClient  # noqa: PLC0415  takes seconds

        for logger in ("mlflow", "alembic"):
            logging.getLogger(logger).setLevel(logging.WARNING)
        if not (state / "mlflow.db").exists():
            _create_database(state)
        uri = f"sqlite:///{state.resolve() / 'mlflow.db'}"
        yield MlflowClient(tracking_uri=uri, registry_uri=uri)


def _create_database(state: Path) -> None:
    """Make MLflow's database, whole or not at all: MLflow cannot open one whose making was cut short."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore  # noqa: PLC0415

    with _scratch(state) as folder:
        database = folder.resolve() / f"{uuid.uuid4().hex}.db"  # a new name: MLflow keeps connections by name
        made = SqlAlchemyStore(f"sqlite:///{database}", str(state.resolve() / "mlartifacts"))
        made.engine.dispose()
        database.replace(state / "mlflow.db")
        store.sync_folder(state)


def _experiment(client: Any, state: Path, name: str) -> str:
    """The id of MLflow's experiment whose files lie in `state`.

    MLflow writes absolute paths into its database; a state folder that was moved gets a new one.
    """
    place = (state.resolve() / "mlartifacts").as_uri()
    title, found = name, client.get_experiment_by_name(name)
    if found is not None and found.artifact_location != place:
        title = f"{name} in {state.resolve()}"
        found = client.get_experiment_by_name(title)
    return str(found.experiment_id if found else client.create_experiment(title, place, KIND))


def _close_leftovers(client: Any) -> None:
    """Mark what a killed winback left open: the lock says that none is at work. Other runs are not ours to end."""
    experiments = [each.experiment_id for each in client.search_experiments()]
    ours = f"attributes.status = 'RUNNING' AND tags.{OURS} LIKE '%'"
    for run in client.search_runs(experiments, ours):
        client.set_terminated(run.info.run_id, "KILLED")
    for model in client.search_logged_models(experiments):
        if str(model.status) == "PENDING" and OURS in model.tags:
            client.finalize_logged_model(model.model_id, "FAILED")


def _log(
    client: Any, experiment: str, name: str, record: ModelRecord, folder: Path, made_from: dict[str, str]
) -> Version:
    """A new run, model and version of MLflow, the version last: once it exists, all of it does."""
    ours = {OURS: __version__}
    title = f"{name} {made_from['training_key'][:12]}"
    run_id = client.create_run(experiment, run_name=title, tags=ours).info.run_id
    for key, value in _flat(record.params):
        client.log_param(run_id, key, str(value)[:6000])
    for key, value in _flat(record.metrics):
        client.log_metric(run_id, key, float(value))
    for key, value in {**record.tags, **made_from}.items():
        client.set_tag(run_id, key, value)
    client.log_inputs(run_id, [_rows_learned_from(record)])
    _write(folder / "run", record.artifacts)
    client.log_artifacts(run_id, str(folder / "run"))
    model = client.create_logged_model(experiment, name=name, source_run_id=run_id, tags=ours)
    _describe(folder / "model" / "MLmodel", record.features, run_id, model.model_id)
    client.log_model_artifacts(model.model_id, str(folder / "model"))
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run_id, [_made(model.model_id)])
    client.set_terminated(run_id, "FINISHED")
    if not client.search_registered_models(f"name='{name}'"):
        client.create_registered_model(name)
    tags = {**made_from, "path": f"mlartifacts/models/{model.model_id}/artifacts/model.skops"}
    client.create_model_version(name, model.artifact_location, run_id, tags, model_id=model.model_id)
    return _versions(client, name, made_from)[0]


def _made(model_id: str) -> Any:
    """That a run made a model, as MLflow's pages show it."""
    from mlflow.entities import LoggedModelOutput  # noqa: PLC0415

    return LoggedModelOutput(model_id, 0)


def _rows_learned_from(record: ModelRecord) -> Any:
    """The training rows as MLflow shows a data set: how many, of which columns, made from which inputs."""
    from mlflow.entities import Dataset, DatasetInput, InputTag  # noqa: PLC0415

    made_from = record.tags.get("inputs_sha256", record.tags["training_key"])
    columns = [{"type": "double", "name": name, "required": True} for name in record.features]
    rows = Dataset(
        name="labelled rows",
        digest=made_from[:12],
        source_type="winback",
        source=json.dumps({"inputs_sha256": made_from}),
        schema=json.dumps({"mlflow_colspec": columns}),
        profile=json.dumps({"num_rows": record.params.get("rows")}),
    )
    return DatasetInput(rows, [InputTag("mlflow.data.context", "training")])


def _write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write texts and bytes under their names."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, held in files.items():
        with store.whole_file(folder / name) as temporary:
            temporary.write_bytes(held.encode() if isinstance(held, str) else held)


def attach(state: Path, version: Version, files: Mapping[str, str | bytes], tags: Mapping[str, str]) -> None:
    """Add files and tags to the run of a version that is registered already.

    Not through MLflow, which would write where the state folder once was.
    """
    _write(_artifacts(state, version), files)
    with opened(state, version.name) as client:
        for key, value in tags.items():
            client.set_tag(version.run_id, key, value)
            client.set_model_version_tag(version.name, str(version.version), key, value)


def artifact(state: Path, version: Version, name: str) -> str | None:
    """The text of one of the files written down with a version; to be shown, not believed."""
    path = _artifacts(state, version) / name
    return path.read_text("utf-8") if path.is_file() else None


def _artifacts(state: Path, version: Version) -> Path:
    """Where MLflow keeps what was written down with a version."""
    return state / "mlartifacts" / version.run_id / "artifacts"


def _flat(values: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of a nested dict that have a value, each with its path as "outer/inner"."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{key}/")
        elif value is not None:
            yield f"{above}{key}", value


def _describe(path: Path, features: tuple[str, ...], run_id: str, model_id: str) -> None:
    """Write the MLmodel file by which MLflow knows the model; we never read it."""
    import sklearn  # noqa: PLC0415
    from mlflow.models import Model, ModelSignature  # noqa: PLC0415
    from mlflow.types import ColSpec, Schema  # noqa: PLC0415

    flavor = {
        "pickled_model": "model.skops",  # MLflow's name for the key, whatever the format
        "serialization_format": "skops",
        "skops_trusted_types": list(model_file.TRUSTED),
        "sklearn_version": sklearn.__version__,
    }
    signature = ModelSignature(
        Schema([ColSpec("double", feature) for feature in features]) if features else None,
        Schema([ColSpec("double", "probability")]),
    )
    Model(flavors={"sklearn": flavor}, signature=signature, run_id=run_id, model_id=model_id).save(path)


def versions(state: Path, name: str) -> list[Version]:
    """The registered versions of `name`, newest first, as MLflow's tags have them."""
    if not (state / "mlflow.db").exists():
        return []
    with opened(state, name) as client:
        return _versions(client, name, {})


def version_of(state: Path, name: str, number: int) -> Version:
    """The registered version with a number; ModelRefused where there is none."""
    found = versions(state, name)
    for version in found:
        if version.version == number:
            return version
    known = ", ".join(str(version.version) for version in reversed(found)) or "none yet"
    raise ModelRefused(f"there is no version {number} of {name}; registered: {known}.")


def _versions(client: Any, name: str, made_from: dict[str, str]) -> list[Version]:
    """The versions of `name` whose tags are `made_from`, newest first."""
    found = client.search_model_versions(f"name='{name}'", order_by=["version_number DESC"])
    return [
        Version(name, int(v.version), v.tags["sha256"], v.run_id, v.tags["path"])
        for v in found
        if {"sha256", "path"} <= v.tags.keys() and made_from.items() <= v.tags.items()
    ]


def load_version(state: Path, version: Version, trusted: tuple[str, ...] = ()) -> Any:
    """The estimator of `version`, whose file has the SHA-256 under which it was promoted.

    Before its first promotion that is the one `register` returned.
    """
    for row in history(state, version.name):
        if row.model.version == version.version and row.model != version:
            raise ModelRefused(
                f"version {version.version} of {version.name} was {row.kind} with SHA-256 {row.model.sha256} "
                f"at {row.model.path}, but {version.sha256} at {version.path} is asked for. A number is "
                "never given twice: if mlflow.db was deleted, move promotions.jsonl away too and train again."
            )
    return model_file.load(state / version.path, version.sha256, trusted)
