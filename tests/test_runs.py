"""A run's name, lock, steps and pointer."""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winback import runs, store
from winback.errors import ConfigError, RunDamaged, RunInProgress

DAY = dt.date(2017, 12, 31)
OLD, NEW = "2017-11-30-aaaaaaaaaaaa", "2017-12-31-bbbbbbbbbbbb"


def write(folder: Path, name: str, text: str, log: list[str] | None = None) -> dict[str, Any]:
    """A step's work: one file, and the number of its characters."""
    with store.whole_file(folder / name) as temporary:
        temporary.write_text(text, "utf-8")
    if log is not None:
        log.append(name)
    return {"characters": len(text)}


def finished(root: Path, name: str, text: str = "c1,0.9\n") -> Path:
    """A published run of one step."""
    runs.step(root / name, "list", lambda: write(root / name, "list.csv", text), ["list.csv"])
    runs.publish(root, name, {"logical_date": name[:10]})
    return root / name


def test_the_name_of_a_run_is_a_function_of_what_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    name = runs.run_id(DAY, "ab" * 32, {"orders": "01" * 32, "events": "02" * 32})
    assert name.startswith("2017-12-31-")
    assert len(name) == len("2017-12-31-") + 12
    assert name == runs.run_id(DAY, "ab" * 32, {"events": "02" * 32, "orders": "01" * 32})
    others = {
        runs.run_id(dt.date(2018, 1, 1), "ab" * 32, {"orders": "01" * 32, "events": "02" * 32})[11:],
        runs.run_id(DAY, "ac" * 32, {"orders": "01" * 32, "events": "02" * 32})[11:],
        runs.run_id(DAY, "ab" * 32, {"orders": "01" * 32, "events": "03" * 32})[11:],
        runs.run_id(DAY, "ab" * 32, {"orders": "01" * 32})[11:],
    }
    monkeypatch.setattr(runs, "__version__", "9.9")
    others.add(runs.run_id(DAY, "ab" * 32, {"orders": "01" * 32, "events": "02" * 32})[11:])
    assert len(others - {name[11:]}) == 5


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3), st.randoms())
def test_the_order_of_inputs_does_not_change_the_name(inputs: dict[str, str], random: Any) -> None:
    shuffled = list(inputs.items())
    random.shuffle(shuffled)
    assert runs.run_id(DAY, "c", inputs) == runs.run_id(DAY, "c", dict(shuffled))


def _hold(state: Path, ready: Any) -> None:
    with runs.project_lock(state):
        ready.set()
        multiprocessing.Event().wait()


def test_a_second_run_is_refused_and_a_killed_holder_blocks_nobody(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    holder = context.Process(target=_hold, args=(tmp_path / "state", ready), daemon=True)
    holder.start()
    assert ready.wait(60)
    lock = tmp_path / "state" / "lock"
    os.utime(lock, (0, 0))
    with pytest.raises(RunInProgress) as refused, runs.project_lock(tmp_path / "state"):
        pass
    assert str(refused.value) == (
        f"another run (pid {holder.pid}, since 1970-01-01 00:00:00 UTC) holds {lock}. "
        "Wait until it has ended, then run again; nothing was changed."
    )
    holder.kill()
    holder.join()
    assert lock.read_text() == f"{holder.pid}\n"
    with runs.project_lock(tmp_path / "state"):
        assert lock.read_text() == f"{os.getpid()}\n"
    holder.close()


def test_the_lock_excludes_a_second_holder_in_the_same_process(tmp_path: Path) -> None:
    with runs.project_lock(tmp_path):  # noqa: SIM117  the second is what must fail
        with pytest.raises(RunInProgress, match=f"pid {os.getpid()}"), runs.project_lock(tmp_path):
            pass


def _fail_under_lock(state: Path) -> None:
    with runs.project_lock(state):
        raise ZeroDivisionError


@pytest.mark.parametrize("state", ["file", "file/state", "file/deeper/state"])
def test_a_file_in_the_place_of_the_state_folder_is_said(tmp_path: Path, state: str):
    (tmp_path / "file").write_text("mine", "utf-8")
    with pytest.raises(ConfigError) as refused, runs.project_lock(tmp_path / state):
        pass
    assert str(refused.value) == (
        f"the state folder {tmp_path / state} cannot be made: {tmp_path / 'file'} is not a folder. "
        "Name another in [project] state."
    )
    assert (tmp_path / "file").read_text("utf-8") == "mine"


def test_an_error_frees_the_lock(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            _fail_under_lock(tmp_path)


def test_what_is_written_under_the_lock_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with runs.project_lock(tmp_path / "state"):
            run = finished(tmp_path / "runs", NEW)
        (tmp_path / "after").touch()
    finally:
        os.umask(before)
    modes = {
        path: stat.S_IMODE(path.stat().st_mode)
        for path in [
            run,
            run / "steps",
            run / "list.csv",
            run / "manifest.json",
            tmp_path / "state",
            tmp_path / "after",
        ]
    }
    assert [oct(mode) for mode in modes.values()] == ["0o700", "0o700", "0o600", "0o600", "0o700", "0o644"]


def test_sweep_removes_our_temporaries_and_nothing_else(tmp_path: Path) -> None:
    stale = [".list.csv.123.tmp", f"steps/.score.json.{os.getpid()}.tmp", ".current.7.tmp", ".current.8.tmp"]
    kept = ["list.csv", ".hidden", "x.tmp", ".notes.tmp", "steps/score.json", ".list.csv.12x.tmp"]
    for name in stale[:2] + kept:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / stale[2]).symlink_to("steps")
    (tmp_path / stale[3]).symlink_to("gone")
    (tmp_path / ".folder.9.tmp").mkdir()
    assert runs.sweep(tmp_path) == sorted(tmp_path / name for name in stale)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if not path.is_dir()}
    assert left == set(kept)
    assert runs.sweep(tmp_path / "absent") == []


def test_a_finished_step_is_skipped_and_returns_what_it_returned(tmp_path: Path) -> None:
    log: list[str] = []
    for _ in range(2):
        result = runs.step(tmp_path, "list", lambda: write(tmp_path, "list.csv", "abc", log), ["list.csv"])
        assert result == {"characters": 3}
    assert log == ["list.csv"]


def test_the_first_and_the_later_results_of_a_step_are_the_same_value(tmp_path: Path) -> None:
    def make() -> dict[str, Any]:
        return {"pair": (1, 2), "share": 0.1}

    first = runs.step(tmp_path, "count", make, [])
    assert first == {"pair": [1, 2], "share": 0.1} == runs.step(tmp_path, "count", make, [])


DAMAGES = {
    "changed": lambda folder: (folder / "list.csv").write_text("abd"),
    "shortened": lambda folder: (folder / "list.csv").write_text("ab"),
    "removed": lambda folder: (folder / "list.csv").unlink(),
    "record removed": lambda folder: (folder / "steps/list.json").unlink(),
    "record torn": lambda folder: (folder / "steps/list.json").write_text('{"files'),
    "record of another kind": lambda folder: (folder / "steps/list.json").write_text("[]"),
    "made by other versions": lambda folder: (folder / "steps/list.json").write_text(
        (folder / "steps/list.json").read_text().replace(runs.__version__, "0.0.0")
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_step_is_made_again_to_the_same_bytes(tmp_path: Path, damage: str) -> None:
    log: list[str] = []

    def list_step() -> dict[str, Any]:
        return runs.step(tmp_path, "list", lambda: write(tmp_path, "list.csv", "abc", log), ["list.csv"])

    list_step()
    before = (tmp_path / "steps/list.json").read_bytes()
    DAMAGES[damage](tmp_path)
    assert list_step() == {"characters": 3}
    assert log == ["list.csv", "list.csv"]
    assert (tmp_path / "list.csv").read_text() == "abc"
    assert (tmp_path / "steps/list.json").read_bytes() == before


def test_a_step_that_must_write_another_file_is_made_again(tmp_path: Path) -> None:
    log: list[str] = []
    runs.step(tmp_path, "list", lambda: write(tmp_path, "a", "x", log), ["a"])
    runs.step(tmp_path, "list", lambda: write(tmp_path, "b", "x", log), ["b"])
    assert log == ["a", "b"]


def test_a_step_given_another_model_is_made_again(tmp_path: Path) -> None:
    log: list[str] = []
    for model in ("aa", "aa", "bb"):
        runs.step(tmp_path, "model", lambda m=model: write(tmp_path, "model", m, log), ["model"], given=model)
        runs.step(tmp_path, "list", lambda: write(tmp_path, "list", "x", log), ["list"], after=["model"])
    assert log == ["model", "list", "model", "list"]


@pytest.mark.parametrize(("second", "redone"), [("one", ["a"]), ("two", ["a", "b", "c"])])
def test_a_step_redone_with_another_outcome_undoes_those_after_it(
    tmp_path: Path, second: str, redone: list[str]
) -> None:
    def flow(text: str, log: list[str]) -> None:
        runs.step(tmp_path, "a", lambda: write(tmp_path, "a", text, log), ["a"])
        runs.step(tmp_path, "b", lambda: write(tmp_path, "b", "b", log), ["b"], after=["a"])
        runs.step(tmp_path, "c", lambda: write(tmp_path, "c", "c", log), ["c"], after=["b"])
        runs.step(tmp_path, "d", lambda: write(tmp_path, "d", "d", log), ["d"])

    flow("one", [])
    (tmp_path / "a").unlink()
    log: list[str] = []
    flow(second, log)
    # "b" wrote the same bytes, but its record names the "a" it was made from, so "c" follows too
    assert log == redone


def test_a_published_run_is_current_and_verifies(tmp_path: Path) -> None:
    assert runs.current(tmp_path) is None
    assert not runs.is_published(tmp_path, NEW)
    run = finished(tmp_path, NEW)
    assert runs.current(tmp_path) == run
    assert (tmp_path / "current").readlink() == Path(NEW)
    manifest = runs.verify(run)
    assert manifest["logical_date"] == "2017-12-31"
    assert manifest["run_id"] == NEW
    assert manifest["files"] == {
        "list.csv": {
            "bytes": 7,
            "sha256": "3ae9902937ce009cbcaff55650e086151b802cfda19feb37dd9c953206d31909",
        }
    }
    assert set(manifest["versions"]) == {"winback", "python", *runs.LIBRARIES}
    assert runs.is_published(tmp_path, NEW)


def test_publishing_again_changes_nothing(tmp_path: Path) -> None:
    run = finished(tmp_path, NEW)
    places = [run / "manifest.json", run / "list.csv", run / "steps/list.json", tmp_path / "current"]
    before = [path.lstat() for path in places]
    finished(tmp_path, NEW)
    assert [path.lstat() for path in places] == before


def test_a_newer_list_takes_the_place_of_an_older_and_never_the_reverse(tmp_path: Path) -> None:
    finished(tmp_path, OLD)
    finished(tmp_path, NEW)
    assert runs.current(tmp_path) == tmp_path / NEW
    assert runs.is_published(tmp_path, OLD)
    finished(tmp_path, "2017-10-31-cccccccccccc")
    assert runs.current(tmp_path) == tmp_path / NEW
    assert runs.is_published(tmp_path, "2017-10-31-cccccccccccc")
    finished(tmp_path, "2017-12-31-dddddddddddd")
    assert runs.current(tmp_path) == tmp_path / "2017-12-31-dddddddddddd"
    assert not runs.is_published(tmp_path, NEW)


def test_a_written_run_that_the_pointer_never_reached_is_not_published(tmp_path: Path) -> None:
    finished(tmp_path, OLD)
    finished(tmp_path, NEW)
    (tmp_path / "current").unlink()
    (tmp_path / "current").symlink_to(OLD)
    assert not runs.is_published(tmp_path, NEW)
    finished(tmp_path, NEW)
    assert runs.is_published(tmp_path, NEW)


def test_a_damaged_file_is_named_and_the_next_run_makes_it_anew(tmp_path: Path) -> None:
    run = finished(tmp_path, NEW)
    wanted = store.sha256(run / "list.csv")
    (run / "list.csv").write_text("c1,0.8\n")
    with pytest.raises(RunDamaged) as damaged:
        runs.verify(run)
    assert str(damaged.value) == (
        f"{run / 'list.csv'} has 7 bytes and SHA-256 {store.sha256(run / 'list.csv')} "
        f"(expected 7 bytes and {wanted}). "
        "Run again for 2017-12-31: what is damaged is made anew, the rest is kept."
    )
    assert not runs.is_published(tmp_path, NEW)
    finished(tmp_path, NEW)
    assert runs.is_published(tmp_path, NEW)


def test_a_missing_file_and_a_missing_manifest_are_named(tmp_path: Path) -> None:
    run = finished(tmp_path, NEW)
    wanted = store.sha256(run / "list.csv")
    (run / "list.csv").unlink()
    again = "Run again for 2017-12-31: what is damaged is made anew, the rest is kept."
    with pytest.raises(RunDamaged) as damaged:
        runs.verify(run)
    assert str(damaged.value) == (f"{run / 'list.csv'} is missing (expected 7 bytes, SHA-256 {wanted}). {again}")
    for torn in ["", '{"files": {', "{}"]:
        (run / "manifest.json").write_text(torn)
        with pytest.raises(RunDamaged) as damaged:
            runs.verify(run)
        assert str(damaged.value) == f"{run / 'manifest.json'} is missing or unreadable. {again}"


def test_a_pointer_to_a_run_that_is_gone_is_refused_and_the_next_run_mends_it(tmp_path: Path) -> None:
    finished(tmp_path, OLD)
    (tmp_path / "current").unlink()
    (tmp_path / "current").symlink_to(NEW)
    with pytest.raises(RunDamaged) as damaged:
        runs.current(tmp_path)
    assert str(damaged.value) == (
        f"{tmp_path / 'current'} points at {tmp_path / NEW}, which is gone. "
        "Run again for 2017-12-31: what is damaged is made anew, the rest is kept."
    )
    finished(tmp_path, OLD)
    assert runs.current(tmp_path) == tmp_path / OLD


PUBLISH_FAULTS = {
    "no step": (lambda run: (run / "steps/list.json").unlink(), "holds no finished step"),
    "torn record": (lambda run: (run / "steps/list.json").write_text("{"), "steps/list.json is unreadable"),
    "changed file": (
        lambda run: (run / "list.csv").write_text("c1,0.8\n"),
        "list.csv has 7 bytes and SHA-256",
    ),
    "stale step": (
        lambda run: runs.step(run, "list", lambda: write(run, "other.csv", "x"), ["other.csv"]),
        "step 'export' of .* was made before a step it reads was redone",
    ),
}


@pytest.mark.parametrize("fault", PUBLISH_FAULTS)
def test_nothing_damaged_is_published(tmp_path: Path, fault: str) -> None:
    finished(tmp_path, OLD)
    run = tmp_path / NEW
    runs.step(run, "list", lambda: write(run, "list.csv", "c1,0.9\n"), ["list.csv"])
    if fault == "stale step":
        runs.step(run, "export", dict, [], after=["list"])
    damage, message = PUBLISH_FAULTS[fault]
    damage(run)
    with pytest.raises(RunDamaged, match=message):
        runs.publish(tmp_path, NEW, {})
    assert runs.current(tmp_path) == tmp_path / OLD
    assert not (run / "manifest.json").exists()


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["keep", "change", "remove"])), max_size=6))
def test_whatever_was_damaged_a_flow_ends_with_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, damages: list[tuple[str, str]]
) -> None:
    root = tmp_path_factory.mktemp("flow")

    def flow() -> dict[str, bytes]:
        for before, name in [("", "a"), ("a", "b"), ("b", "c"), ("c", "d")]:
            made = root / NEW
            runs.step(
                made,
                name,
                lambda n=name, m=made: write(m, n, n * 3),
                [name],
                after=[before] if before else [],
            )
        runs.publish(root, NEW, {"rows": 4})
        return {p.name: p.read_bytes() for p in sorted((root / NEW).rglob("*")) if p.is_file()}

    first = flow()
    for name, damage in damages:
        path = root / NEW / name
        if damage == "change":
            path.write_text("?")
        elif damage == "remove":
            path.unlink(missing_ok=True)
    assert flow() == first
    assert json.loads(first["manifest.json"])["rows"] == 4
