"""What is older than it is kept: literal projects, what goes of them, and what never does."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from typing import Any

import pytest

from winback import runs, store, tidying
from winback.errors import RunInProgress
from winback.limits import Retention
from winback.risk.keeping.promotions import Promotion, Version, add
from winback.tidying import Owned, Removal, removable, tidy

NOW = dt.datetime(2026, 2, 15, 5, tzinfo=dt.UTC)
KEEP = Retention(keep_runs_days=60, keep_unpublished_days=30, keep_facts_days=14, keep_models_days=90)
SHA = "0123456789ab"


def night(root: Path, day: str, *, facts: str = "", horizon: int = 28, published: bool = True) -> str:
    """A run's folder of a date; what it was made from lies in facts/<facts>."""
    name = f"{day}-{SHA}"
    folder = root / "runs" / name
    store.write_json(folder / "model.json", {"card": {"spec": {"horizon_days": horizon}}})
    if published:
        store.write_json(folder / "manifest.json", {"facts": facts or f"f{day}", "files": {}})
    return name


def facts(root: Path, name: str, received: str, inputs: dict[str, str] | None = None) -> None:
    """A folder of ingested tables."""
    told = {"received_at": f"{received}T04:00:00+00:00", "sources": {"orders": {"inputs": inputs or {}}}}
    store.write_json(root / "state" / "facts" / name / "ingest.json", told)


def point(root: Path, name: str) -> None:
    (root / "runs" / "current").symlink_to(name)


def owned(root: Path) -> Owned:
    return Owned(root / "state", root / "runs", NOW)


def going(root: Path, keep: Retention = KEEP) -> list[tuple[str, str]]:
    """What goes, by kind and name."""
    return sorted((each.kind, each.path.name) for each in removable(owned(root), keep))


def aged(path: Path, days: float) -> None:
    at = (NOW - dt.timedelta(days=days)).timestamp()
    os.utime(path, (at, at))


def test_nothing_goes_before_the_first_run(tmp_path: Path):
    night(tmp_path, "2020-01-01", published=False)
    facts(tmp_path, "old", "2020-01-01")
    assert going(tmp_path) == []
    assert tidy(owned(tmp_path), KEEP) == []


@pytest.mark.parametrize(
    ("day", "horizon", "goes"),
    [
        ("2026-02-14", 28, False),
        ("2025-12-17", 28, False),  # 60 days before the newest: the last that is kept
        ("2025-12-16", 28, True),
        ("2025-12-16", 61, False),  # its outcomes are awaited to the day
        ("2025-12-16", 60, True),
        ("2024-01-01", 28, True),
    ],
)
def test_published_runs(tmp_path: Path, day: str, horizon: int, goes: bool):
    point(tmp_path, night(tmp_path, "2026-02-15"))
    name = night(tmp_path, day, horizon=horizon)
    assert going(tmp_path) == ([("run", name)] if goes else [])


def test_the_current_run_stays_however_old(tmp_path: Path):
    """A back-fill of later dates never becomes current."""
    point(tmp_path, night(tmp_path, "2024-02-15", facts="now"))
    night(tmp_path, "2026-02-15", facts="later")
    facts(tmp_path, "now", "2024-02-15")
    assert going(tmp_path) == []


@pytest.mark.parametrize(("day", "goes"), [("2026-01-16", False), ("2026-01-15", True), ("2026-02-20", False)])
def test_what_refused_nights_left(tmp_path: Path, day: str, goes: bool):
    point(tmp_path, night(tmp_path, "2026-02-15"))
    name = night(tmp_path, day, published=False)
    assert going(tmp_path) == ([("unpublished run", name)] if goes else [])


def test_other_folders_are_nobodys_to_remove(tmp_path: Path):
    point(tmp_path, night(tmp_path, "2026-02-15"))
    for name in ("sample", "2020-01-01-mine", "2020-01-01-0123456789abc"):
        (tmp_path / "runs" / name).mkdir()
    store.write_json(tmp_path / "runs" / "sample" / "manifest.json", {"facts": "x"})
    (tmp_path / "runs" / f"report-2026-02-15-{SHA}.html").write_text("", "utf-8")
    assert going(tmp_path) == []


def test_the_page_of_a_run_goes_with_it(tmp_path: Path):
    point(tmp_path, night(tmp_path, "2026-02-15"))
    name = night(tmp_path, "2025-01-01")
    (tmp_path / "runs" / f"report-{name}.html").write_text("", "utf-8")
    assert going(tmp_path) == [("report", f"report-{name}.html"), ("run", name)]


@pytest.mark.parametrize(
    ("name", "received", "goes"),
    [
        ("current", "2025-06-01", False),  # what the current run was made from, whenever it was
        ("recent", "2026-01-01", False),  # of a run of the last 14 days
        ("older", "2026-01-31", True),
        ("nobodys", "2026-02-02", False),  # received not long ago: perhaps another project's
        ("nobodys", "2026-01-31", True),
    ],
)
def test_ingested_tables(tmp_path: Path, name: str, received: str, goes: bool):
    point(tmp_path, night(tmp_path, "2026-02-15", facts="current"))
    night(tmp_path, "2026-02-01", facts="recent")
    night(tmp_path, "2026-01-31", facts="older")
    facts(tmp_path, name, received)
    assert going(tmp_path) == ([("facts", name)] if goes else [])


def test_tables_that_are_not_whole_go_by_their_age(tmp_path: Path):
    point(tmp_path, night(tmp_path, "2026-02-15"))
    for name, days in (("half", 15), ("at_work", 0)):
        (tmp_path / "state" / "facts" / name).mkdir(parents=True)
        aged(tmp_path / "state" / "facts" / name, days)
    assert going(tmp_path) == [("facts", "half")]


def test_copies_of_databases_stay_with_what_was_made_from_them(tmp_path: Path):
    point(tmp_path, night(tmp_path, "2026-02-15", facts="now"))
    facts(tmp_path, "now", "2026-02-15", {"shop": "aa"})
    facts(tmp_path, "old", "2025-02-15", {"shop": "bb"})
    folder = tmp_path / "state" / "snapshots"
    for sha, listing in (("aa", "1.json"), ("bb", "2.json"), ("cc", "3.json")):
        store.write_json(folder / listing, {"shop": f"{sha}.parquet"})
        (folder / f"{sha}.parquet").write_bytes(b"")
    for path in folder.iterdir():
        aged(
            path, 0 if path.name == "3.json" else 20
        )  # the third was fetched a moment ago, of a content that was there
    wanted = [("facts", "old"), ("snapshot", "2.json"), ("snapshot", "bb.parquet")]
    assert going(tmp_path) == wanted


def promoted(root: Path, number: int, kind: str, day: str) -> Version:
    """A version to which this happened."""
    version = Version("small", number, f"{number:064}", f"r{number}", f"mlartifacts/models/m{number}/model.skops")
    path = root / "state" / version.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"model")
    add(root / "state", Promotion(dt.datetime.fromisoformat(f"{day}T05:00:00+00:00"), version, "", "", None, kind))
    return version


def test_models_that_never_were_champion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    point(tmp_path, night(tmp_path, "2026-02-15"))
    rows = [
        (1, "promoted", "2024-01-01"),
        (2, "refused", "2024-02-01"),
        (3, "promoted", "2024-03-01"),
        (4, "challenger", "2024-04-01"),
        (5, "refused", "2026-02-01"),
        (6, "passed", "2024-06-01"),
    ]
    versions = [promoted(tmp_path, *row) for row in rows]
    monkeypatch.setattr(tidying.registry, "versions", lambda *_: versions)
    gone = [each.path.parent.name for each in removable(owned(tmp_path), KEEP) if each.kind == "model"]
    assert gone == ["m2", "m6"]


def test_messages_go_by_their_age(tmp_path: Path):
    point(tmp_path, night(tmp_path, "2026-02-15"))
    folder = tmp_path / "state" / "history" / "messages"
    folder.mkdir(parents=True)
    for name, days in (("old.txt", 90.1), ("new.txt", 89.9)):
        (folder / name).write_text("", "utf-8")
        aged(folder / name, days)
    assert going(tmp_path) == [("message", "old.txt")]


def project(root: Path) -> None:
    """A run that goes, its facts that go, and all that has to stay."""
    point(root, night(root, "2026-02-15", facts="now"))
    night(root, "2025-01-01", facts="old")
    facts(root, "now", "2026-02-15")
    facts(root, "old", "2025-01-01")
    for name in (
        "campaigns/x-2025-01-01/assignments.parquet",
        "lists/x/2025-01-01.parquet",
        "keys/k",
        "suppressions/1",
    ):
        (root / "state" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "state" / name).write_bytes(b"kept")


def left(root: Path) -> list[str]:
    """The files, but for the lock and the history."""
    found = [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    return sorted(name for name in found if name != "state/lock" and "history" not in name)


LEFT = [
    f"runs/2026-02-15-{SHA}/manifest.json",
    f"runs/2026-02-15-{SHA}/model.json",
    "state/campaigns/x-2025-01-01/assignments.parquet",
    "state/facts/now/ingest.json",
    "state/keys/k",
    "state/lists/x/2025-01-01.parquet",
    "state/suppressions/1",
]


def test_what_goes_is_written_down_and_gone(tmp_path: Path):
    project(tmp_path)
    rows = tidy(owned(tmp_path), KEEP)
    assert left(tmp_path) == LEFT
    lines = (tmp_path / "state" / "history" / "removed.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == rows
    assert [(row["kind"], row["path"]) for row in rows] == [
        ("run", f"runs/2025-01-01-{SHA}"),
        ("facts", "state/facts/old"),
    ]
    assert {row["at"] for row in rows} == {NOW.isoformat()}
    assert rows[0]["bytes"] > 0
    assert rows[0]["why"] == "410 days before the newest run; keep_runs_days = 60"
    assert tidy(owned(tmp_path), KEEP) == []


@pytest.mark.parametrize("strike", range(8))
def test_killed_half_way_nobody_reads_a_half_and_the_next_call_ends_it(
    tmp_path: Path, strike: int, monkeypatch: pytest.MonkeyPatch
):
    """Struck before the removal of the file of this number; what is left of a run has no manifest."""
    project(tmp_path)
    calls = 0

    def struck(*words: Any, really: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == strike + 1:
            raise KeyboardInterrupt
        return really(*words, **named)

    with monkeypatch.context() as patched:
        for owner, name in ((os, "unlink"), (os, "rmdir")):
            really = getattr(owner, name)
            patched.setattr(owner, name, lambda *a, really=really, **k: struck(*a, really=really, **k))
        try:
            tidy(owned(tmp_path), KEEP)
        except KeyboardInterrupt:
            for path in (tmp_path / "runs").glob("*/manifest.json"):
                assert (path.parent / "model.json").is_file()
            assert runs.current(tmp_path / "runs")
        else:
            assert calls <= strike
    tidy(owned(tmp_path), Retention(keep_runs_days=60, keep_unpublished_days=30, keep_facts_days=14))
    assert [name for name in left(tmp_path) if "/old" not in name] == LEFT


def test_beside_a_run_nothing_is_removed(tmp_path: Path):
    project(tmp_path)
    before = left(tmp_path)
    with runs.project_lock(tmp_path / "state"), pytest.raises(RunInProgress):
        tidy(owned(tmp_path), KEEP)
    assert left(tmp_path) == before


def test_the_bytes_of_a_removal_are_those_of_its_files(tmp_path: Path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").write_bytes(b"12345")
    (tmp_path / "a" / "d").write_bytes(b"123")
    assert Removal("run", tmp_path / "a", "").bytes == 8
    assert Removal("message", tmp_path / "a" / "d", "").bytes == 3
