"""Parquet files that are wider, deeper or longer than their bytes let expect are refused before they are read."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from winback.errors import SourceError
from winback.facts.intake import byte_blocks
from winback.facts.intake.byte_blocks import Limits
from winback.facts.intake.parquet_rows import MAX_NESTING, alike
from winback.facts.intake.text_lines import MAX_COLUMNS


def written(folder: Path, table: pa.Table) -> dict[str, Path]:
    pq.write_table(table, folder / "x.parquet")
    return {"in/x.parquet": folder / "x.parquet"}


def test_files_by_their_columns(tmp_path):
    files = {}
    for name, columns in (("a", {"x": [1, 2]}), ("b", {"x": ["1"]}), ("c", {"x": [3]}), ("d", {"x": [1], "y": [1]})):
        pq.write_table(pa.table(columns), tmp_path / name)
        files[name] = tmp_path / name
    assert alike(files, Limits()) == ([["a", "c"], ["b"], ["d"]], 5)


def test_rows_that_take_no_bytes(tmp_path, monkeypatch):
    """A column of one value packs into nothing; what is counted is what it comes to."""
    monkeypatch.setattr(byte_blocks, "HARMLESS_BYTES", 1 << 20)
    files = written(tmp_path, pa.table({"x": pa.repeat(pa.scalar(1), 1_000_000)}))
    size = files["in/x.parquet"].stat().st_size
    assert size < 5_000
    with pytest.raises(SourceError) as error:
        alike(files, Limits())
    assert str(error.value) == (
        f"in/x.parquet has {size:,} bytes and comes to more than 200 times as many when unpacked, so it was not read "
        "on. Raise max_expansion of the source if it is as it should be"
    )
    with pytest.raises(SourceError, match=r"^in/x\.parquet comes to more than 0\.001 GB when unpacked"):
        alike(files, Limits(expansion=10_000, decoded_gb=0.001))
    assert alike(files, Limits(expansion=10_000)) == ([["in/x.parquet"]], 1_000_000)


def test_too_wide(tmp_path):
    names = [f"c{i}" for i in range(MAX_COLUMNS + 1)]
    files = written(tmp_path, pa.table({name: pa.array([1], pa.int8()) for name in names}))
    with pytest.raises(SourceError) as error:
        alike(files, Limits())
    assert str(error.value) == "in/x.parquet has 10,001 columns; at most 10,000 are read"


def test_too_deep(tmp_path):
    value: object = 1
    for _ in range(MAX_NESTING + 1):
        value = {"a": value}
    files = written(tmp_path, pa.table({"x": [value]}))
    with pytest.raises(SourceError) as error:
        alike(files, Limits())
    assert str(error.value) == "in/x.parquet has columns nested 33 levels deep; at most 32 are read"


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"\0" * 20 + b"PAR1", b"who,when\n"])
def test_what_is_no_parquet(tmp_path, content):
    (tmp_path / "x.parquet").write_bytes(content)
    with pytest.raises(SourceError, match=r"^in/x\.parquet cannot be read as Parquet: "):
        alike({"in/x.parquet": tmp_path / "x.parquet"}, Limits())
