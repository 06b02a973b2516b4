"""Rows mended after they were refused: the result is what clean input would have given."""

from __future__ import annotations

import csv
import datetime as dt
import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from winback import store
from winback.cli import cli
from winback.config import Sources, parse
from winback.errors import SourceError
from winback.facts.intake.ingest import Accounting, ingest

RECEIVED = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
NAMES = ("id", "who", "when", "much", "kind")
COLUMNS = {"order_id": "id", "customer_id": "who", "ordered_at": "when", "amount": "much", "category": "kind"}


def clean_rows(count: int = 60) -> list[tuple[str, ...]]:
    return [(f"o{i % 40}", f"c{i % 40 % 7}", f"2026-01-{i % 40 % 28 + 1:02d}", f"{i}.5", "tea") for i in range(count)]


def take(folder: Path, **source) -> list[Accounting]:
    given = {"columns": COLUMNS, "max_bad_share": 1.0, "grain": "line", **source}
    return ingest(parse(Sources, {"orders": given}, "test"), folder, folder / "out", "UTC", RECEIVED)


def tables(folder: Path) -> list[bytes]:
    return [
        (folder / "out" / f"{table}.parquet").read_bytes() for table in ("orders", "order_categories", "quarantine")
    ]


def quarantine(folder: Path) -> list[dict]:
    return store.read_table(folder / "out" / "quarantine.parquet").to_pylist()


def write_mended(path: Path, rows: list[dict]) -> None:
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, ["table", "file", "line", "reason", "detail", "raw"])
        writer.writeheader()
        writer.writerows(rows)


def damaged(line: str, chance: random.Random) -> bytes:
    """A line that is no good row any more."""
    of = line.split(",")
    return chance.choice(
        [
            f'"{line}'.encode(),
            b"",
            line.encode() + b",more",
            line.encode() + b"\xff",
            ",".join([of[0], "", *of[2:]]).encode(),
            ",".join([*of[:2], "2026-02-30", *of[3:]]).encode(),
            ",".join([*of[:3], "much", *of[4:]]).encode(),
        ]
    )


@pytest.mark.parametrize("seed", range(4))
def test_mended_lines_give_what_clean_lines_give(tmp_path, seed):
    """Of delimited text, whatever was wrong with them; the edited rows come in the order of the quarantine or not."""
    chance = random.Random(seed)
    lines = [",".join(row) for row in clean_rows()]
    header = ",".join(NAMES)
    for part in range(2):
        (tmp_path / f"{part}.csv").write_text("\n".join([header, *lines[part::2]]) + "\n")
    clean = take(tmp_path, path="?.csv"), tables(tmp_path)
    for part in range(2):
        bad = [damaged(line, chance) if chance.random() < 0.3 else line.encode() for line in lines[part::2]]
        (tmp_path / f"{part}.csv").write_bytes(b"\n".join([header.encode(), *bad]) + b"\n")
    take(tmp_path, path="?.csv")
    refused = quarantine(tmp_path)
    assert len(refused) > 5
    for row in refused:
        row["raw"] = lines[int(row["file"][0]) :: 2][row["line"] - 2]
    write_mended(tmp_path / "mended.csv", chance.sample(refused, len(refused)))
    assert (take(tmp_path, path="?.csv", mended="mended.csv"), tables(tmp_path)) == clean


def test_mended_rows_of_parquet(tmp_path):
    rows = clean_rows()
    data = dict(zip(NAMES, map(list, zip(*rows, strict=True)), strict=True))
    pq.write_table(pa.table(data), tmp_path / "o.parquet")
    clean = take(tmp_path, path="o.parquet"), tables(tmp_path)
    data["much"][3], data["who"][7] = "?", None
    pq.write_table(pa.table(data), tmp_path / "o.parquet")
    take(tmp_path, path="o.parquet")
    refused = [{**row, "raw": ",".join(rows[row["line"] - 1])} for row in quarantine(tmp_path)]
    assert [row["line"] for row in refused] == [4, 8]
    pq.write_table(pa.Table.from_pylist(refused), tmp_path / "mended.parquet")
    assert (take(tmp_path, path="o.parquet", mended="mended.parquet"), tables(tmp_path)) == clean


def test_mended_json_lines(tmp_path):
    """A line that is no JSON is mended as JSON, a row that was read as delimited text of its keys."""
    rows = clean_rows()
    objects = [json.dumps(dict(zip(NAMES, row, strict=True))) for row in rows]
    (tmp_path / "o.jsonl").write_text("\n".join(objects) + "\n")
    clean = take(tmp_path, path="o.jsonl"), tables(tmp_path)
    bad = [*objects]
    bad[4] = bad[4][:-1]
    bad[9] = bad[9].replace(rows[9][2], "soon")
    (tmp_path / "o.jsonl").write_text("\n".join(bad) + "\n")
    take(tmp_path, path="o.jsonl")
    refused = quarantine(tmp_path)
    assert [row["line"] for row in refused] == [5, 10]
    refused[0]["raw"] = objects[4]
    refused[1]["raw"] = refused[1]["raw"].replace("soon", rows[9][2])
    write_mended(tmp_path / "mended.csv", refused)
    assert (take(tmp_path, path="o.jsonl", mended=["mended.csv"]), tables(tmp_path)) == clean


def test_a_mended_row_that_is_still_bad_is_refused_where_it_was(tmp_path):
    (tmp_path / "o.csv").write_text("id,who,when,much,kind\no1,c,x,1,\no2,c,2026-01-02,1,\n")
    rows = [{"table": "orders", "file": "o.csv", "line": 2, "raw": "o1,c,y,1,"}]
    rows += [{"table": "events", "file": "o.csv", "line": 3, "raw": "not ours"}]
    write_mended(tmp_path / "mended.csv", rows)
    assert take(tmp_path, path="o.csv", mended="mended.csv") == [Accounting("orders", 2, 1, 0, 1, {"bad_date": 1})]
    assert [(row["file"], row["line"], row["raw"]) for row in quarantine(tmp_path)] == [("o.csv", 2, "o1,c,y,1,")]
    write_mended(tmp_path / "mended.csv", [{**rows[0], "raw": 'o1,"c'}])
    assert take(tmp_path, path="o.csv", mended="mended.csv")[0].reasons == {"open_quote": 1}
    assert [(row["file"], row["line"], row["raw"]) for row in quarantine(tmp_path)] == [("o.csv", 2, 'o1,"c')]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "table,file,line,raw\norders,o.csv,9,x\norders,o.csv,8,x\n",
            "mended.csv mends 2 rows that are not there, the first at line 8 of o.csv. "
            "The file was changed since; leave the row out of the mended ones",
        ),
        (
            "table,file,line\norders,o.csv,2\n",
            "row 1 of mended.csv has no raw; mended rows have the columns table, file, line, raw of "
            "quarantine.parquet. `winback quarantine list --out FILE` writes such a file",
        ),
        (
            "table,file,line,raw\norders,o.csv,two,\n",
            "row 1 of mended.csv has the line 'two'; mended rows have the columns table, file, line, raw of "
            "quarantine.parquet. `winback quarantine list --out FILE` writes such a file",
        ),
    ],
)
def test_mended_rows_that_cannot_be_used(tmp_path, content, message):
    (tmp_path / "o.csv").write_text("id,who,when,much,kind\no1,c,2026-01-02,1,\n")
    (tmp_path / "mended.csv").write_text(content)
    with pytest.raises(SourceError) as error:
        take(tmp_path, path="o.csv", mended="mended.csv")
    assert str(error.value) == message


CONFIG = """
[sources.orders]
path = "o.csv"
columns = { order_id = "id", customer_id = "who", ordered_at = "when", amount = "much", category = "kind" }
max_bad_share = 0.9
"""


def winback(*words: str) -> str:
    done = CliRunner().invoke(cli, ["quarantine", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_command_lists_and_takes_in_again(tmp_path, monkeypatch):
    """From refused rows to a file, its edited rows taken in, and nothing personal on the screen unless asked for."""
    monkeypatch.chdir(tmp_path)
    Path("winback.toml").write_text(CONFIG)
    Path("o.csv").write_text("id,who,when,much,kind\no1,anna,soon,1,\no2,bert,2026-01-02,1,\no3,carl,2026-01-03,x,\n")
    with pytest.raises(SourceError) as error:
        CliRunner().invoke(cli, ["quarantine", "list"], catch_exceptions=False)
    assert str(error.value) == (
        "the files as they are now were not taken in yet, so there is no list of what was refused of them. "
        "`winback quarantine replay` takes them in"
    )
    assert winback("replay") == (
        "orders         3 rows: 1 accepted, 0 duplicates, 0 left out by rule, 2 refused (bad_amount 1, bad_date 1)\n"
    )
    assert winback("list", "--out", "m.csv") == (
        "orders         bad_amount                             1  first: o.csv, line 4\n"
        "orders         bad_date                               1  first: o.csv, line 2\n"
        "Written to m.csv. Edit its `raw`, then: winback quarantine replay --mended m.csv\n"
    )
    assert Path("m.csv").stat().st_mode & 0o077 == 0
    assert "anna,soon" in winback("list", "--show", "--reason", "bad_date")
    assert json.loads(winback("list", "--json", "--table", "orders"))["refused"][0] == {
        "table": "orders", "reason": "bad_amount", "rows": 1, "file": "o.csv", "line": 4,
    }  # fmt: skip
    Path("m.csv").write_text(Path("m.csv").read_text().replace("soon", "2026-01-01").replace("03,x", "03,1"))
    lines = winback("replay", "--mended", "m.csv").splitlines()
    assert lines[0] == "orders         3 rows: 3 accepted, 0 duplicates, 0 left out by rule, 0 refused"
    assert lines[1].startswith('To keep the mended rows, write mended = ["')
    (facts,) = (json.loads(winback("replay", "--mended", "m.csv", "--json"))["folder"],)
    assert [row["customer_id"] for row in store.read_table(Path(facts) / "orders.parquet").to_pylist()] == [
        "anna", "bert", "carl",
    ]  # fmt: skip


def test_the_mapping_mended(tmp_path, monkeypatch):
    """Rows refused for a date format are taken in when the configuration names it."""
    monkeypatch.chdir(tmp_path)
    Path("winback.toml").write_text(CONFIG)
    Path("o.csv").write_text("id,who,when,much,kind\no1,anna,02.01.2026,1,\n")
    assert "cannot be used" in str(CliRunner().invoke(cli, ["quarantine", "replay"]).exception)
    assert winback("list") == "orders         bad_date                               1  first: o.csv, line 2\n"
    Path("winback.toml").write_text(CONFIG + 'date_format = "%d.%m.%Y"\n')
    assert winback("replay").startswith("orders         1 rows: 1 accepted")
    assert winback("list") == "No row was refused.\n"
