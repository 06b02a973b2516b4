"""Registering, promoting and loading models; MLflow is shown everything and believed nothing."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import alembic.command
import numpy as np
import pytest

from winback import __version__, store
from winback.errors import ConfigError, ModelRefused
from winback.risk.keeping import aliases, model_file, registry
from winback.risk.keeping.promotions import Promotion, Version, history
from winback.risk.keeping.registry import ModelRecord
from winback.risk.scoring.estimator import ChurnClassifier

DAY = dt.datetime(2017, 12, 31, tzinfo=dt.UTC)
RECORD = ModelRecord(
    params={"horizon_days": 28, "trees": {"max_iter": 5, "early_stopping": False}},
    metrics={"auc": 0.85, "holdout": {"2017-10-01": {"auc": 0.867, "log_loss": None}}},
    tags={"training_key": "a" * 64, "spec_sha256": "b" * 64},
    artifacts={"spec.toml": 'name = "inactivity"\n', "evaluation.json": "{}\n"},
    features=("days_since_last_order", "orders_28d"),
)


def fitted(seed: int) -> ChurnClassifier:
    random = np.random.default_rng(seed)
    X = random.normal(size=(200, 2))
    y = (X[:, 0] + random.normal(size=200) > 0).astype(int)
    return ChurnClassifier(n_models=1, max_iter=3, min_samples_leaf=10, random_state=seed).fit(
        X, y, [(np.arange(100), np.arange(100, 200))]
    )


@pytest.fixture(scope="module")
def models() -> list[ChurnClassifier]:
    return [fitted(0), fitted(1)]


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's database as it is before the first model; to create it takes seconds."""
    folder = tmp_path_factory.mktemp("store")
    with registry.opened(folder, "inactivity"):
        return folder / "mlflow.db"


@pytest.fixture
def state(tmp_path: Path, empty_store: Path) -> Path:
    (tmp_path / "state").mkdir()
    shutil.copy(empty_store, tmp_path / "state")
    return tmp_path / "state"


@pytest.fixture
def client(state: Path) -> Iterator[Any]:
    """MLflow itself, to look at what it was told and to meddle with it."""
    with registry.opened(state, "inactivity") as found:
        yield found


def keyed(letter: str) -> ModelRecord:
    return replace(RECORD, tags={"training_key": letter * 64})


def promote(state: Path, version: Version, reason: str = "gates passed") -> None:
    aliases.appoint(state, Promotion(DAY, version, reason, "a person", None))


def test_before_the_first_model_there_are_no_versions_and_no_champion(state: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    for folder in (state, tmp_path / "new"):
        assert registry.versions(folder, "inactivity") == []
        assert aliases.champion(folder, "inactivity") is None
        assert history(folder) == []
    assert list((tmp_path / "new").iterdir()) == []


def test_a_registered_model_is_in_mlflow_with_all_that_was_written_down(
    state: Path, models: list[ChurnClassifier], client: Any
) -> None:
    version = registry.register(state, "inactivity", models[0], RECORD)
    assert (version.name, version.version) == ("inactivity", 1)
    assert store.sha256(state / version.path) == version.sha256
    run = client.get_run(version.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"horizon_days": "28", "trees/max_iter": "5", "trees/early_stopping": "False"}
    assert run.data.metrics == {"auc": 0.85, "holdout/2017-10-01/auc": 0.867}
    assert {k: v for k, v in run.data.tags.items() if not k.startswith("mlflow.")} == {
        "training_key": "a" * 64,
        "spec_sha256": "b" * 64,
        "sha256": version.sha256,
        "winback": __version__,
    }
    texts = state / "mlartifacts" / version.run_id / "artifacts"
    assert (texts / "spec.toml").read_text() == 'name = "inactivity"\n'
    assert (texts / "evaluation.json").read_text() == "{}\n"
    shown = client.get_model_version("inactivity", "1")
    assert shown.run_id == version.run_id
    assert shown.status == "READY"
    assert shown.source == (state / version.path).parent.as_uri()
    model = client.get_logged_model(Path(version.path).parts[2])
    assert str(model.status) == "READY"
    described = (state / version.path).with_name("MLmodel").read_text()
    assert '"name": "days_since_last_order"' in described
    assert registry.versions(state, "inactivity") == [version]
    assert aliases.champion(state, "inactivity") is None


def test_the_same_training_is_registered_once(state: Path, models: list[ChurnClassifier], client: Any) -> None:
    (state / ".model.tmp" / "left by a kill").mkdir(parents=True)
    first = registry.register(state, "inactivity", models[0], RECORD)
    assert registry.register(state, "inactivity", models[0], RECORD) == first
    other_data = registry.register(state, "inactivity", models[0], keyed("c"))
    other_model = registry.register(state, "inactivity", models[1], RECORD)
    assert [v.version for v in (first, other_data, other_model)] == [1, 2, 3]
    assert registry.versions(state, "inactivity") == [other_model, other_data, first]
    assert len(client.search_runs(["1"])) == 3
    assert registry.register(state, "lapsed", models[0], RECORD).version == 1
    assert not [path for path in state.iterdir() if path.name.startswith(".")]


def test_a_promoted_model_is_the_champion_and_is_loaded(
    state: Path, models: list[ChurnClassifier], client: Any
) -> None:
    first = registry.register(state, "inactivity", models[0], RECORD)
    second = registry.register(state, "inactivity", models[1], RECORD)
    promote(state, first)
    assert aliases.champion(state, "inactivity") == first
    promote(state, second)
    promote(state, second)
    assert aliases.champion(state, "inactivity") == second
    assert client.get_model_version_by_alias("inactivity", "champion").version == 2
    promote(state, first, "rollback")
    promote(state, second)
    promote(state, first, "rollback")
    assert aliases.champion(state, "inactivity") == first
    rows = history(state, "inactivity")
    assert [(row.model.version, row.previous, row.reason) for row in rows] == [
        (1, None, "gates passed"),
        (2, 1, "gates passed"),
        (1, 2, "rollback"),
        (2, 1, "gates passed"),
        (1, 2, "rollback"),
    ]
    assert {(row.at, row.approver) for row in rows} == {(DAY, "a person")}
    assert history(state, "lapsed") == []
    X = np.random.default_rng(2).normal(size=(50, 2))
    loaded = registry.load_version(state, first)
    assert loaded.predict_proba(X).tobytes() == models[0].predict_proba(X).tobytes()


def test_a_row_of_the_history_is_flat_json(state: Path, models: list[ChurnClassifier]) -> None:
    version = registry.register(state, "inactivity", models[0], RECORD)
    at = DAY.astimezone(dt.timezone(dt.timedelta(hours=5)))
    aliases.appoint(state, Promotion(at, version, "gates passed", "é", None))
    (line,) = (state / "promotions.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "at": "2017-12-31T00:00:00+00:00",
        "name": "inactivity",
        "version": 1,
        "sha256": version.sha256,
        "run_id": version.run_id,
        "path": version.path,
        "reason": "gates passed",
        "approver": "é",
        "previous": None,
        "kind": "promoted",
    }


def test_a_time_without_zone_is_refused(state: Path) -> None:
    with pytest.raises(ValueError, match="needs a time zone"):
        at = dt.datetime(2017, 12, 31)  # noqa: DTZ001
        aliases.appoint(state, Promotion(at, Version("inactivity", 1, "a", "b", "c"), "", "", None))


@pytest.mark.parametrize("name", ["", "Inactivity", "a b", "../x", "a'b", "a" * 64])
def test_a_name_that_is_none_is_refused(state: Path, name: str, models: list[ChurnClassifier]) -> None:
    with pytest.raises(ConfigError) as refused:
        registry.register(state, name, models[0], RECORD)
    assert str(refused.value) == f"a model cannot be called {name!r}: expected 1 to 63 of a-z, 0-9, - and _"


def test_a_state_folder_that_mlflow_cannot_address_is_refused(tmp_path: Path, models: list[ChurnClassifier]) -> None:
    with pytest.raises(ConfigError, match=r"has \['%'\] in its path: choose another"):
        registry.register(tmp_path / "50%", "inactivity", models[0], RECORD)


def test_a_state_folder_may_have_spaces_and_may_be_moved(tmp_path: Path, models: list[ChurnClassifier]) -> None:
    (tmp_path / "état 1").mkdir()
    first = registry.register(tmp_path / "état 1", "inactivity", models[0], RECORD)
    promote(tmp_path / "état 1", first)
    moved = (tmp_path / "état 1").rename(tmp_path / "moved")
    assert aliases.champion(moved, "inactivity") == first
    assert registry.load_version(moved, first).n_models == 1
    second = registry.register(moved, "inactivity", models[1], RECORD)
    assert second.version == 2
    promote(moved, second)
    assert registry.load_version(moved, second).random_state == 1
    assert [path.name for path in tmp_path.iterdir()] == ["moved"]


# --- meddling ------------------------------------------------------------------------------------


def test_an_alias_moved_in_mlflow_is_not_believed(state: Path, models: list[ChurnClassifier], client: Any) -> None:
    first = registry.register(state, "inactivity", models[0], RECORD)
    registry.register(state, "inactivity", models[1], RECORD)
    said = (
        "which inactivity is the champion is in doubt: MLflow's alias is on {}, but "
        f"{state / 'promotions.jsonl'} says that {{}} was promoted last. The alias was moved "
        "outside winback: move it back there, or train anew in another state folder ([project] state)."
    )
    client.set_registered_model_alias("inactivity", "champion", "2")
    with pytest.raises(ModelRefused) as refused:
        aliases.champion(state, "inactivity")
    assert str(refused.value) == said.format("version 2", "nothing")
    promote(state, first)
    assert aliases.champion(state, "inactivity") == first
    client.set_registered_model_alias("inactivity", "champion", "2")
    with pytest.raises(ModelRefused) as refused:
        aliases.champion(state, "inactivity")
    assert str(refused.value) == said.format("version 2", "version 1 at 2017-12-31 00:00 UTC")
    client.delete_registered_model_alias("inactivity", "champion")
    with pytest.raises(ModelRefused) as refused:
        aliases.champion(state, "inactivity")
    assert str(refused.value) == said.format("no version", "version 1 at 2017-12-31 00:00 UTC")
    promote(state, first, "put back")
    assert aliases.champion(state, "inactivity") == first


def test_tags_changed_in_mlflow_do_not_choose_what_is_loaded(
    state: Path, models: list[ChurnClassifier], client: Any
) -> None:
    first = registry.register(state, "inactivity", models[0], RECORD)
    second = registry.register(state, "inactivity", models[1], RECORD)
    promote(state, first)
    client.set_model_version_tag("inactivity", "1", "sha256", second.sha256)
    client.set_model_version_tag("inactivity", "1", "path", second.path)
    assert aliases.champion(state, "inactivity") == first
    shown = registry.versions(state, "inactivity")[1]
    assert shown == replace(first, sha256=second.sha256, path=second.path)
    for act in (registry.load_version, promote):
        with pytest.raises(ModelRefused) as refused:
            act(state, shown)
        assert str(refused.value) == (
            f"version 1 of inactivity was promoted with SHA-256 {first.sha256} at {first.path}, but "
            f"{second.sha256} at {second.path} is asked for. A number is never given twice: if "
            "mlflow.db was deleted, move promotions.jsonl away too and train again."
        )


def test_a_file_changed_on_disk_is_neither_loaded_nor_promoted(state: Path, models: list[ChurnClassifier]) -> None:
    version = registry.register(state, "inactivity", models[0], RECORD)
    model_file.save(models[1], state / version.path)
    for act in (registry.load_version, promote):
        with pytest.raises(ModelRefused, match=f"but {version.sha256} was recorded for it"):
            act(state, version)
    assert aliases.champion(state, "inactivity") is None
    assert history(state) == []


def test_a_model_whose_file_was_damaged_is_registered_anew(state: Path, models: list[ChurnClassifier]) -> None:
    for number, damage in enumerate([Path.touch, Path.unlink, lambda path: path.write_bytes(b"")], start=1):
        version = registry.register(state, "inactivity", models[0], RECORD)
        assert version.version == max(number - 1, 1)
        damage(state / version.path)
    assert registry.register(state, "inactivity", models[0], RECORD).version == 3


def test_runs_that_a_kill_left_open_are_closed_and_others_are_not_ours(
    state: Path, models: list[ChurnClassifier], client: Any
) -> None:
    """A data scientist may be at work in the same store; only a winback is kept out by our lock."""
    registry.register(state, "inactivity", models[0], RECORD)
    elsewhere = client.create_experiment("elsewhere")
    ours = [client.create_run(each, tags={"winback": "0.1.0"}).info.run_id for each in ("1", elsewhere)]
    theirs = [client.create_run(each).info.run_id for each in ("1", elsewhere)]
    model = client.create_logged_model("1", name="theirs").model_id
    registry.register(state, "inactivity", models[1], RECORD)
    assert {client.get_run(run).info.status for run in ours} == {"KILLED"}
    assert {client.get_run(run).info.status for run in theirs} == {"RUNNING"}
    assert str(client.get_logged_model(model).status) == "PENDING"


def test_files_are_added_to_a_version_wherever_the_state_folder_lies(
    state: Path, models: list[ChurnClassifier], tmp_path: Path
) -> None:
    record = replace(RECORD, artifacts={"picture.png": bytes([137, 255, 0])})
    version = registry.register(state, "inactivity", models[0], record)
    moved = state.rename(tmp_path / "moved")
    registry.attach(moved, version, {"gates.json": "{}"}, {"gates": "passed"})
    assert registry.artifact(moved, version, "gates.json") == "{}"
    assert registry.artifact(moved, version, "card.json") is None
    place = moved / "mlartifacts" / version.run_id / "artifacts"
    assert (place / "picture.png").read_bytes() == bytes([137, 255, 0])
    with registry.opened(moved, "inactivity") as client:
        assert client.get_run(version.run_id).data.tags["gates"] == "passed"
        assert client.get_model_version("inactivity", "1").tags["gates"] == "passed"
    assert not state.exists()


# --- kills ---------------------------------------------------------------------------------------


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the package may catch it."""


class Death:
    """Comes right before or right after the `point`-th call of anything it was wrapped around."""

    def __init__(self, point: int, *, after: bool) -> None:
        self.left, self.after = point, after

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.left -= 1
            if (mine := self.left == 0) and not self.after:
                raise Killed
            result = function(*args, **kwargs)
            if mine:
                raise Killed
            return result

        return call


class Mortal:
    """MLflow's client with `death` around every call."""

    def __init__(self, client: Any, death: Death) -> None:
        self.client, self.death = client, death

    def __getattr__(self, name: str) -> Any:
        return self.death.wrap(getattr(self.client, name))


@pytest.fixture
def dies(client: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., bool]:
    """Whether `work` was killed at its `point`-th word to MLflow or change of a name on disk."""

    def run(work: Callable[[], object], point: int, *, after: bool) -> bool:
        death = Death(point, after=after)
        with monkeypatch.context() as patch:
            patch.setattr(registry, "opened", lambda *_: nullcontext(Mortal(client, death)))
            patch.setattr(Path, "replace", death.wrap(Path.replace))
            patch.setattr(Path, "unlink", death.wrap(Path.unlink))
            try:
                work()
            except Killed:
                return True
        return False

    return run


@pytest.mark.deep
def test_a_kill_while_registering_never_multiplies_versions(
    state: Path, models: list[ChurnClassifier], client: Any, dies: Callable[..., bool]
) -> None:
    kills = 0
    for point in range(1, 100):
        record = ModelRecord({"a": 1}, {"b": 1}, {"training_key": f"{point}"}, {"spec.toml": ""}, ("c",))
        if not dies(partial(registry.register, state, "inactivity", models[0], record), point, after=False):
            break
        kills += 1
        for version in registry.versions(state, "inactivity"):
            assert store.sha256(state / version.path) == version.sha256
        version = registry.register(state, "inactivity", models[0], record)
        assert version.version == point
        assert [v.version for v in registry.versions(state, "inactivity")] == list(range(point, 0, -1))
        runs = client.search_runs(["1"], max_results=1000)
        assert {run.info.status for run in runs} <= {"FINISHED", "KILLED"}
        assert {str(model.status) for model in client.search_logged_models(["1"])} <= {"READY", "FAILED"}
    assert kills >= 15


@pytest.mark.parametrize("after", [False, True])
def test_a_kill_while_promoting_leaves_a_champion_that_loads(
    state: Path, models: list[ChurnClassifier], dies: Callable[..., bool], after: bool
) -> None:
    versions = [registry.register(state, "inactivity", model, RECORD) for model in models]
    promote(state, versions[0])
    old, new = versions
    seen, kills = set(), 0
    for point in range(1, 20):
        if not dies(partial(promote, state, new), point, after=after):
            break
        kills += 1
        champion = aliases.champion(state, "inactivity")
        assert champion in (old, new)
        registry.load_version(state, champion)
        seen.add(champion == new)
        promote(state, new)
        assert aliases.champion(state, "inactivity") == new
        last = history(state)[-1]
        assert (last.model, last.previous) == (new, old.version)
        old, new = new, old
    assert kills >= 6
    assert seen == {False, True}
    assert len(history(state)) == kills + 2
    assert not (state / "promotion.pending.json").exists()


@pytest.mark.parametrize("after", [False, True])
def test_what_a_kill_left_pending_is_settled_without_another_promotion(
    state: Path, models: list[ChurnClassifier], dies: Callable[..., bool], after: bool
) -> None:
    old, new = (registry.register(state, "inactivity", model, RECORD) for model in models)
    promote(state, old)
    left = 0
    for point in range(1, 20):
        if not dies(partial(promote, state, new), point, after=after):
            break
        left += (state / "promotion.pending.json").exists()
        champion = aliases.champion(state, "inactivity")
        aliases.settle(state)
        assert not (state / "promotion.pending.json").exists()
        assert history(state)[-1].model == aliases.champion(state, "inactivity") == champion
        promote(state, old)
    assert left >= 3


def test_a_database_whose_making_was_cut_short_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow makes its tables in a hundred steps and cannot go on from the middle."""
    upgrade = alembic.command.upgrade

    def cut_short(settings: Any, _: str) -> None:
        upgrade(settings, "+9")
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(alembic.command, "upgrade", cut_short)
        with pytest.raises(Killed), registry.opened(tmp_path, "inactivity"):
            pass
    assert not (tmp_path / "mlflow.db").exists()
    with registry.opened(tmp_path, "inactivity") as client:
        assert client.search_model_versions("name='inactivity'") == []
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]


def test_mlflow_speaks_to_no_server_and_its_database_is_ours(
    state: Path, models: list[ChurnClassifier], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://nowhere.invalid:1")
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", "http://nowhere.invalid:1")
    version = registry.register(state, "inactivity", models[0], RECORD)
    with sqlite3.connect(state / "mlflow.db") as con:
        assert con.execute("SELECT name, version FROM model_versions").fetchall() == [("inactivity", 1)]
    con.close()
    assert registry.versions(state, "inactivity") == [version]


def test_nothing_is_said_on_the_way(
    state: Path, models: list[ChurnClassifier], capfd: pytest.CaptureFixture[str]
) -> None:
    promote(state, registry.register(state, "inactivity", models[0], RECORD))
    assert capfd.readouterr() == ("", "")
