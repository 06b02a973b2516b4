"""Files that are whole or absent, and names that stay names whatever is in them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winback import store
from winback.errors import SourceError

HOSTILE = [
    'a"b',
    '"',
    '""',
    "a'b",
    "'; DROP TABLE kept; --",
    '"; DROP TABLE kept; --',
    '") AS x; DROP TABLE kept; --',
    "select",
    "a b",
    "tab\tnew\nline",
    "/* */ --",
    "$1",
    "?",
    "{x}",
    "Ä ß 顧客 🙂",
    "a\\b",
    " ",
]


@pytest.fixture(scope="module")
def con():
    with store.connect() as opened:
        opened.execute("CREATE TABLE kept AS SELECT 1 AS one")
        yield opened


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_column_is_only_a_column(con: store.Connection, name: str) -> None:
    rows = con.sql(f"SELECT one AS {store.identifier(name)} FROM kept").to_arrow_table()
    assert rows.to_pydict() == {name: [1]}
    again = con.sql(f"SELECT {store.identifier(name)} AS held FROM rows").to_arrow_table()
    assert again.to_pydict() == {"held": [1]}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_table_is_only_a_table(con: store.Connection, name: str) -> None:
    con.execute(f"CREATE TABLE {store.identifier(name)} (x INTEGER)")
    con.execute(f"DROP TABLE {store.identifier(name)}")
    assert con.execute("SELECT one FROM kept").fetchall() == [(1,)]


@pytest.mark.parametrize("text", [*HOSTILE, "", "''"])
def test_a_hostile_text_is_only_a_text(con: store.Connection, text: str) -> None:
    assert con.execute(f"SELECT {store.literal(text)} FROM kept").fetchall() == [(text,)]


NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=20)


@settings(max_examples=50)
@given(NAMES)
def test_any_name_and_text_comes_back(name: str) -> None:
    with store.connect(threads=1) as con:
        rows = con.sql(f"SELECT {store.literal(name)} AS {store.identifier(name)}").to_arrow_table()
    assert rows.to_pydict() == {name: [name]}


@pytest.mark.parametrize("name", ["", "a\0b", "\0"])
def test_a_name_that_cannot_be(name: str) -> None:
    with pytest.raises(SourceError) as refused:
        store.identifier(name)
    assert str(refused.value) == f"a column or table cannot be called {name!r}"


def test_a_connection_is_on_utc_and_fetches_nothing() -> None:
    with store.connect(threads=1) as con:
        settings = con.execute(
            "SELECT current_setting('TimeZone'), current_setting('threads'), "
            "current_setting('autoinstall_known_extensions'), current_setting('preserve_insertion_order')"
        ).fetchone()
    assert settings == ("UTC", 1, False, True)


def test_each_connection_has_its_own_tables() -> None:
    with store.connect() as one, store.connect() as other:
        one.execute("CREATE TABLE mine (x INTEGER)")
        assert other.execute("SELECT count(*) FROM information_schema.tables").fetchone() == (0,)


def test_a_file_appears_whole_with_the_folders_above_it(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "list.csv"
    with store.whole_file(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
        assert temporary.parent == path.parent
    assert path.read_text() == "new"
    assert [p.name for p in path.parent.iterdir()] == ["list.csv"]


def test_the_old_content_stays_when_the_writer_fails(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("old")
    with pytest.raises(RuntimeError, match=r"^halfway$"), store.whole_file(path) as temporary:
        temporary.write_text("ne")
        raise RuntimeError("halfway")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_first_writing_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), store.whole_file(tmp_path / "list.csv") as temporary:
        temporary.write_text("ne")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_writer_that_wrote_nothing_is_no_success(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), store.whole_file(path):
        pass
    assert path.read_text() == "old"


def test_the_content_is_on_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut between the two must not leave an empty file under the real name."""
    path, seen = tmp_path / "list.csv", []
    sync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (seen.append(("sync", path.exists())), sync(handle)))
    monkeypatch.setattr(
        Path, "replace", lambda self, target: (seen.append(("name", path.exists())), replace(self, target))
    )
    with store.whole_file(path) as temporary:
        temporary.write_text("new")
    assert seen == [("sync", False), ("name", False), ("sync", True)]


FRAME = pd.DataFrame(
    {
        "customer_id": pd.Series(["b", "a", None], dtype="str"),
        "probability": [0.1, float("nan"), 1 / 3],
        "cutoff": pd.to_datetime(["2026-01-01", "2026-02-01", None], utc=True).as_unit("us"),
        "rank": [3, 1, 2],
    }
)


def test_equal_frames_give_equal_bytes(tmp_path: Path) -> None:
    """Whatever their index and however they were put together."""
    odd_index = FRAME.set_index(pd.Index([7, 7, 9], name="left over"))
    pieces = pd.concat([FRAME.iloc[:1], FRAME.iloc[1:]])
    for name, frame in {"a": FRAME, "b": odd_index, "c": pieces, "d": FRAME.copy()}.items():
        store.write_table(tmp_path / name, frame)
    assert len({(tmp_path / name).read_bytes() for name in "abcd"}) == 1


def test_another_frame_gives_other_bytes(tmp_path: Path) -> None:
    store.write_table(tmp_path / "a", FRAME)
    for number, other in enumerate([FRAME.iloc[::-1], FRAME.rename(columns={"rank": "place"}), FRAME[:2]]):
        store.write_table(tmp_path / str(number), other)
        assert store.sha256(tmp_path / str(number)) != store.sha256(tmp_path / "a")


def test_a_table_comes_back_as_it_was(tmp_path: Path) -> None:
    store.write_table(tmp_path / "t.parquet", FRAME)
    back = store.read_table(tmp_path / "t.parquet")
    assert {f.name: str(f.type) for f in back.schema} == {
        "customer_id": "large_string",
        "probability": "double",
        "cutoff": "timestamp[us, tz=UTC]",
        "rank": "int64",
    }
    assert back.schema.metadata is None
    pd.testing.assert_frame_equal(back.to_pandas(), FRAME)


def test_an_arrow_table_keeps_what_it_says_of_itself(tmp_path: Path) -> None:
    table = pa.table({"x": [1]}).replace_schema_metadata({"written by": "us"})
    store.write_table(tmp_path / "t.parquet", table)
    assert store.read_table(tmp_path / "t.parquet").schema.metadata == {b"written by": b"us"}


def test_a_table_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    store.write_table(path, pd.DataFrame({"x": [1]}))
    no_such_type = pa.table({"x": pa.array([(1, 2, 3)], pa.month_day_nano_interval())})
    with pytest.raises(pa.ArrowNotImplementedError):
        store.write_table(path, no_such_type)
    assert store.read_table(path).to_pydict() == {"x": [1]}
    assert list(tmp_path.iterdir()) == [path]


def test_json_has_sorted_keys_and_an_end(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    store.write_json(path, {"b": [1.5, None], "a": "顧"})
    assert path.read_bytes() == '{\n  "a": "顧",\n  "b": [\n    1.5,\n    null\n  ]\n}\n'.encode()
    assert store.read_json(path) == {"a": "顧", "b": [1.5, None]}


def test_json_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    store.write_json(path, 1)
    with pytest.raises(TypeError):
        store.write_json(path, {"a": object()})
    assert json.loads(path.read_text()) == 1


def test_sha256_of_known_bytes(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    assert store.sha256(tmp_path / "f") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
