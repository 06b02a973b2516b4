"""A few nights of the soak, so that its program keeps working and nothing is left behind."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest


@pytest.mark.deep
def test_nights_leave_no_files_locks_or_threads(tree: Path, tmp_path: Path):
    spec = importlib.util.spec_from_file_location("soak", tree / "benchmarks" / "soak.py")
    assert spec is not None
    assert spec.loader is not None
    soak = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(soak)
    rows = soak.soak(12, tmp_path / "shop", lambda *_, **__: None)
    assert {row["outcome"] for row in rows} == {"published"}
    assert {(row["temporary"], row["at_work"]) for row in rows} == {(0, 0)}
    assert {row["open_files"] for row in rows[2:]} == {rows[2]["open_files"]}
    assert {row["threads"] for row in rows[2:]} == {rows[2]["threads"]}
    assert [row["facts_folders"] for row in rows] == [1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8, 8]
    assert rows[-1]["rss_mb"] < rows[2]["rss_mb"] + 50
