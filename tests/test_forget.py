"""A canary person put everywhere that winback writes, erased, and looked for in every byte that is left."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import hashlib
import io
import json
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import shop
from winback import config, runs, store
from winback.consent import erased_tables
from winback.consent.erased_texts import changed
from winback.consent.forget import JOURNAL, Owned, forget
from winback.consent.kept import erased_among, refuser
from winback.consent.ledger import entries, ledger_of
from winback.consent.marks import forms, is_telling, marks_of
from winback.errors import ErasureIncomplete
from winback.facts.intake.ledger import Since
from winback.facts.intake.load import load_since

WHEN = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
WHO, OTHER = "C0059", "C0060"
EMAIL, PHONE, NAME = "Canary.Quill+shop@Example.org", "+49 170 5550123", "Quillcanary"


def needles() -> set[bytes]:
    """What must be nowhere: the id, the addresses, and their hashes as each platform makes them."""
    plain = EMAIL.strip().lower()
    texts = {WHO, EMAIL, plain, "canaryquill@example.org", PHONE, "+491705550123", "491705550123", NAME}
    hashed = {hashlib.sha256(text.encode()).hexdigest() for text in texts - {NAME}}
    hashed |= {hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() for text in (plain, WHO)}
    return {text.encode() for text in texts | hashed | {each.upper() for each in hashed}}


def unpacked(path: Path) -> Iterator[bytes]:
    """The bytes of a file, and all that is packed in it: columns of Parquet, gz, zip."""
    held = path.read_bytes()
    yield held
    if path.suffix == ".gz":
        yield gzip.decompress(held)
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        texts = [column for column in table.itercolumns() if not pa.types.is_floating(column.type)]
        yield from (repr(column.unique().to_pylist()).encode() for column in texts)
        metadata = pq.ParquetFile(path).metadata
        groups = [metadata.row_group(n) for n in range(metadata.num_row_groups)]
        yield repr(
            [(group.column(n).statistics, metadata.metadata) for group in groups for n in range(group.num_columns)]
        ).encode()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            yield from (packed.read(name) for name in packed.namelist())


def hits(*roots: Path) -> list[str]:
    """Where one of the needles is, by file name or content."""
    wanted = needles()
    found = []
    for path in sorted(path for root in roots for path in root.rglob("*") if path.is_file()):
        told = [*unpacked(path), path.name.encode()]
        found += [f"{path.name}: {needle.decode()}" for needle in wanted if any(needle in held for held in told)]
    return found


@pytest.fixture(scope="module")
def shop_run(tmp_path_factory) -> Path:
    """The configuration of a shop with a published run, the canary among its customers."""
    path = shop.lay_down(tmp_path_factory.mktemp("forget") / "shop")
    (path.parent / "customers.csv").write_text(
        "customer_id,since,email,phone,name\n"
        f"{WHO},2025-01-01,{EMAIL},{PHONE},{NAME}\n{OTHER},2025-01-01,other@example.org,,Other\n"
        f"{WHO},never,{EMAIL},{PHONE},{NAME}\n"
        f'"{WHO},2025-01-01,{EMAIL}\n',
        "utf-8",
    )
    text = path.read_text("utf-8").replace(
        "[gates]",
        '[sources.customers]\npath = "customers.csv"\nmax_bad_share = 1.0\ncolumns = { customer_id = "customer_id", '
        'signed_up_at = "since", email = "email", phone = "phone", first_name = "name" }\n\n[gates]',
    )
    path.write_text(text, "utf-8")
    shop.run(path)
    return path


def owned(path: Path) -> Owned:
    """What is the shop's."""
    state = path.parent / "state"
    return Owned(state, path.parent / "runs", ledger_of(path.parent, state, config.load(path).consent))


def plant(path: Path) -> None:
    """The canary in every other kind of file that may come to lie in the state or the runs."""
    state = path.parent / "state"
    sent = hashlib.sha256(EMAIL.lower().encode()).hexdigest()
    rows = pd.DataFrame({"customer_id": [WHO, OTHER], "there": True, "Email": [sent, "00" * 32]})
    members = state / "exports" / "google" / "c1" / "d1.parquet"
    members.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pandas(rows), members, use_dictionary=True)
    (state / "exports" / "audience.csv").write_text(f"Email,Phone\r\n{sent},\r\n{'00' * 32},\r\n", "utf-8")
    (state / "exports" / "people.csv.gz").write_bytes(
        gzip.compress(f"\ufeffname,mail\nX,{EMAIL}\nY,y@z.org\n".encode())
    )
    (state / "exports" / "sent.json").write_text(
        json.dumps({"people": [{"customer_id": WHO, "n": 1}, {"n": 2}], "to": EMAIL})
    )
    (state / "exports" / "ledger.jsonl").write_text(
        json.dumps({"customer_id": WHO}) + "\n" + json.dumps({"n": 1}) + "\n"
    )
    (state / "run.log").write_text(f"started\nwrote to {PHONE.replace(' ', '')}\nscored '{WHO}'\nended\n", "utf-8")
    (state / "snapshots").mkdir()
    pq.write_table(pa.table({"client": [WHO, OTHER]}), state / "snapshots" / "aa.parquet")
    (state / "snapshots" / "bb.csv").write_text(f"client;mail\n{OTHER};o@example.org\n", "utf-8")
    keys = next((state / "facts").iterdir()) / "keys"
    keys.mkdir(exist_ok=True)
    with closing(sqlite3.connect(state / "mlflow.db")) as con:
        con.execute("CREATE TABLE notes (text TEXT)")
        con.executemany("INSERT INTO notes VALUES (?)", [(f"asked by {EMAIL}",), ("a night",)])
        con.commit()


def erase(path: Path, **more) -> dict:
    """Forget the canary."""
    return forget(owned(path), [WHO], WHEN, "asked", **more)


def test_nothing_of_an_erased_person_is_left(shop_run: Path, tmp_path: Path):
    path = shop.copy(shop_run, tmp_path / "shop")
    plant(path)
    places = (path.parent / "state", path.parent / "runs")
    assert len(hits(*places)) > 20
    before = len(shop.contents(path.parent))
    receipt = erase(path, outside=["orders.csv"])
    assert hits(*places) == []
    assert receipt["left"] == []
    assert receipt["outside"] == ["orders.csv", "delivered to google, campaign c1: remove the person there"]
    assert receipt["people"] == entries(owned(path).ledger)["person"].tolist()
    files = {row["file"].rpartition("/")[2] for row in receipt["files"]}
    assert files >= {
        "orders.parquet", "order_categories.parquet", "events.parquet", "contacts.parquet", "customers.parquet",
        "quarantine.parquet", "features.parquet", "scores.parquet", "reasons.parquet", "assignments.parquet",
        "decisions.parquet", "at_risk.csv", "d1.parquet", "audience.csv", "people.csv.gz", "sent.json", "ledger.jsonl",
        "run.log", "aa.parquet", "mlflow.db",
    }  # fmt: skip
    assert before - 1 + 6 >= len(shop.contents(path.parent))
    assert not (path.parent / "state" / JOURNAL).exists()


def test_the_others_stay_as_they_were(shop_run: Path, tmp_path: Path):
    path = shop.copy(shop_run, tmp_path / "shop")
    plant(path)
    tables = {p: store.read_table(p) for root in ("state", "runs") for p in (path.parent / root).rglob("*.parquet")}
    erase(path)
    for place, was in tables.items():
        if "customer_id" in was.column_names:
            kept = was.filter(pa.compute.not_equal(was["customer_id"], WHO))
            assert store.read_table(place).equals(kept), place
    lines = (path.parent / "state/exports/audience.csv").read_bytes()
    assert lines == b"Email,Phone\r\n" + b"00" * 32 + b",\r\n"
    assert (
        gzip.decompress((path.parent / "state/exports/people.csv.gz").read_bytes()).decode()
        == "\ufeffname,mail\nY,y@z.org\n"
    )
    assert json.loads((path.parent / "state/exports/sent.json").read_text()) == {"people": [{"n": 2}], "to": "erased"}
    assert (path.parent / "state/run.log").read_text() == "started\nended\n"
    assert (path.parent / "state/snapshots/bb.csv").exists()
    refused = store.read_table(next((path.parent / "state/facts").iterdir()) / "quarantine.parquet").to_pylist()
    assert [(row["raw"], row["detail"]) for row in refused] == [("", "the person was erased")] * 2
    with closing(sqlite3.connect(path.parent / "state/mlflow.db")) as con:
        assert [text for (text,) in con.execute("SELECT text FROM notes")] == ["erased", "a night"]


def test_who_has_the_same_name_stays(tmp_path: Path):
    """A hash of a first name is many people's."""
    mine, others, shared = (hashlib.sha256(text.encode()).hexdigest() for text in ("c@example.org", "o@x.org", "ann"))
    rows = {"customer_id": [WHO, OTHER], "sent_Email": [mine, others], "sent_First Name": [shared] * 2}
    pq.write_table(pa.table({**rows, "sent_Zip": ["1" * 64] * 2}), tmp_path / "members.parquet")
    pq.write_table(
        pa.table({"customer_id": [WHO], "city": [shared], "email": ["c@example.org"]}), tmp_path / "c.parquet"
    )
    assert erased_tables.seen(tmp_path / "members.parquet", marks_of([WHO])) == {mine}
    assert erased_tables.seen(tmp_path / "c.parquet", marks_of([WHO])) == {"c@example.org"}


def test_row_groups_still_end_between_customers(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(store, "ROWS_PER_GROUP", 3)
    rows = pd.DataFrame({"customer_id": ["a"] * 2 + ["b"] * 3 + ["c"] * 4 + ["d"], "n": range(10)})
    store.write_table(tmp_path / "t.parquet", rows, together="customer_id")
    assert erased_tables.erase(tmp_path / "t.parquet", marks_of(["b"])) == 3
    file = pq.ParquetFile(tmp_path / "t.parquet")
    groups = [file.read_row_group(n)["customer_id"].unique().to_pylist() for n in range(file.num_row_groups)]
    assert sorted(each for group in groups for each in group) == ["a", "c", "d"]
    assert erased_tables.erase(tmp_path / "t.parquet", marks_of(["a", "c", "d"])) == 7
    assert store.read_table(tmp_path / "t.parquet").num_rows == 0
    assert erased_tables.erase(tmp_path / "t.parquet", marks_of(["a"])) == 0


def test_runs_still_verify_and_are_not_made_again(shop_run: Path, tmp_path: Path):
    path = shop.copy(shop_run, tmp_path / "shop")
    erase(path)
    folder = runs.current(path.parent / "runs")
    assert runs.verify(folder)["run_id"] == folder.name
    assert shop.run(path)[2] is False
    held = shop.contents(path.parent)
    assert erase(path)["files"] == []
    again = {name: held for name, held in shop.contents(path.parent).items() if "receipts" not in name}
    assert again == {name: held for name, held in held.items() if "receipts" not in name}
    (folder / "manifest.json").unlink()
    assert shop.run(path)[2] is True
    assert hits(path.parent / "state", path.parent / "runs") == []


def test_damage_of_before_is_not_vouched_for(shop_run: Path, tmp_path: Path):
    path = shop.copy(shop_run, tmp_path / "shop")
    folder = runs.current(path.parent / "runs")
    (folder / "model.json").write_text("{}")
    erase(path)
    with pytest.raises(runs.RunDamaged, match=r"model\.json"):
        runs.verify(folder)


def test_the_same_person_is_refused_when_they_come_again(shop_run: Path, tmp_path: Path):
    """From the same source, and with a line that is no row."""
    path = shop.copy(shop_run, tmp_path / "shop")
    erase(path)
    refuses = refuser(owned(path).ledger)
    header, lines = shop.rows(path.parent / "orders.csv")
    shop.write_rows(path.parent / "orders.csv", header, [*lines, f"{WHO},2026-01-05"])
    job = shop.job(path, shop.LATER)
    since = Since(job.zone, job.received_at, "EUR", job.inputs, job.facts.parent, refuses)
    done = {each.table: each for each in load_since(job.facts, job.sources, job.base, since)}
    assert done["orders"].left_out["the person was erased"] > 5
    assert done["orders"].quarantined == 1
    for each in done.values():
        assert each.rows_in == each.accepted + each.duplicates + each.quarantined + sum(each.left_out.values())
    assert hits(path.parent / "state", path.parent / "runs") == []
    assert OTHER in store.read_table(job.facts / "orders.parquet")["customer_id"].to_pylist()


class Killed(BaseException):
    """As if the process had been killed."""


def killing(monkeypatch, after: int) -> Callable[[], None]:
    """Let so many files be written, then die at each further one."""
    count, write = [0], store.whole_file

    def dying(path: Path):
        count[0] += 1
        if count[0] > after:
            raise Killed
        return write(path)

    monkeypatch.setattr(store, "whole_file", dying)
    return lambda: monkeypatch.setattr(store, "whole_file", write)


ALL_KILLS = [pytest.param(n, marks=pytest.mark.deep) for n in range(30) if n not in (5, 16)]


@pytest.mark.parametrize("after", [5, 16, *ALL_KILLS])
def test_killed_half_way_and_called_again_it_finishes(shop_run: Path, tmp_path: Path, monkeypatch, after: int):
    path = shop.copy(shop_run, tmp_path / "shop")
    plant(path)
    alive = killing(monkeypatch, after)
    with suppress(Killed):
        erase(path)
    alive()
    erase(path)
    assert hits(path.parent / "state", path.parent / "runs") == []
    folder = runs.current(path.parent / "runs")
    assert runs.verify(folder)["run_id"] == folder.name
    assert len(entries(owned(path).ledger)) == 1
    assert not (path.parent / "state" / JOURNAL).exists()


def test_what_cannot_be_erased_is_told(shop_run: Path, tmp_path: Path):
    path = shop.copy(shop_run, tmp_path / "shop")
    (path.parent / "state" / "own.bin").write_bytes(b"\xff\xfe" + EMAIL.encode())
    with pytest.raises(ErasureIncomplete, match=r"1 files still hold something of the people erased: state/own\.bin"):
        erase(path)
    told = sorted((owned(path).ledger.folder / "receipts").glob("*.json"))
    assert store.read_json(told[-1])["left"] == ["state/own.bin"]


def test_many_at_once_and_short_ids(tmp_path: Path):
    """A short id is a value like any other: it is looked for in columns of ids alone."""
    state = tmp_path / "state"
    rows = pd.DataFrame({"customer_id": [str(n) for n in range(100)], "orders": [str(n) for n in range(100)]})
    (state / "facts" / "f").mkdir(parents=True)
    (tmp_path / "runs").mkdir()
    store.write_table(state / "facts" / "f" / "orders.parquet", rows)
    (state / "card.json").write_text('{"trees": "12", "rows": ["12"]}')
    who = Owned(state, tmp_path / "runs", ledger_of(tmp_path, state, config.Consent()))
    forget(who, [str(n) for n in range(90)], WHEN)
    assert store.read_table(state / "facts/f/orders.parquet")["customer_id"].to_pylist() == [
        str(n) for n in range(90, 100)
    ]
    assert (state / "card.json").read_text() == '{"trees": "12", "rows": ["12"]}'
    assert erased_among(who.ledger, ["5", "95"]) == {"5"}


@pytest.mark.parametrize(
    ("value", "telling"),
    [("C0059", True), ("a@b.c", True), ("1234", False), ("12345678", False), ("491705550123", True), ("abc", False)],
)
def test_only_what_tells_is_looked_for_everywhere(value, telling):
    assert is_telling(value) == telling


def test_forms_of_an_address():
    found = set(forms(EMAIL)) | set(forms(PHONE))
    assert needles() - {text.encode() for text in found} == {
        needle for text in (WHO, NAME) for needle in needles() if _is_of(text, needle)
    }


def _is_of(text: str, needle: bytes) -> bool:
    sha256, md5 = (
        hashlib.sha256(text.encode()).hexdigest(),
        hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(),
    )
    return needle.decode() in (text, sha256, sha256.upper(), md5, md5.upper())


def test_csv_of_people_keeps_what_is_quoted(tmp_path: Path):
    """Values with line breaks and a guard against formulas are read as a spreadsheet reads them."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows([["\ufeffcustomer_id", "why"], ["'=C1", "a\nb"], ["C2", "c\r\nd"], ["C3", "e"]])
    left, count = changed("at_risk.csv", out.getvalue(), marks_of(["=C1", "C3"]))
    assert (left, count) == ('"\ufeffcustomer_id","why"\r\n"C2","c\r\nd"\r\n', 2)
