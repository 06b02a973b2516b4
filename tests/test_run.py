"""The whole job on the sample: what it leaves behind, and what must not change it."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import os
import random
import re
import sqlite3
import tomllib
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import shop
from winback import nightly, runs, store
from winback.campaigns.words import HEADERS
from winback.consent import ledger
from winback.errors import (
    CampaignChanged,
    DataRefused,
    FeatureMismatch,
    ModelRefused,
    RunInProgress,
    TooManyBadRows,
    WindowNotRecorded,
)
from winback.facts.features import declared
from winback.facts.labels.labels import refuse_silence
from winback.risk.keeping import registry
from winback.risk.keeping.promotions import history

BESIDE = (
    "features.parquet",
    "permissions.parquet",
    "rates.parquet",
    "effects.parquet",
    "values.parquet",
    "candidates.parquet",
)
FILES = {*shop.OUTPUTS, *BESIDE, "model.json", "publish_gate.json", "summary.json"}
STEPS = ("permissions", "model", "features", "values", "scores", "reasons", "decisions", "list", "publish_gate")
INPUTS = ("orders.csv", "events.csv", "contacts.csv")
FORMULA = re.compile(r"[\s\"]*[=+\-@\t\r]")


@pytest.fixture(scope="module")
def published(published_shop: Path) -> Path:
    """The configuration of a shop whose run for TODAY is published; tests that change it take a copy."""
    return published_shop


@pytest.fixture(scope="module")
def folder(published: Path) -> Path:
    """The folder of the published run."""
    found = runs.current(published.parent / "runs")
    assert found is not None
    return found


@pytest.fixture(scope="module")
def tables(folder: Path) -> dict[str, pd.DataFrame]:
    """The Parquet files of the published run, by name."""
    return {name: store.read_table(folder / f"{name}.parquet").to_pandas() for name in shop.TABLES}


@pytest.fixture
def mine(published: Path, tmp_path: Path) -> Path:
    """A copy of the published shop to change."""
    return shop.copy(published, tmp_path / "shop")


KINDS = {"string": "text", "large_string": "text", "double": "number", "int64": "integer", "bool": "flag"}
KINDS |= {"date32[day]": "day", "timestamp[us, tz=UTC]": "moment"}


def test_every_column_that_is_written_is_explained(published: Path, folder: Path, tree: Path) -> None:
    """docs/reference/tables.md is made of these words; features.parquet has a page of its own."""
    told = tomllib.loads((tree / "docs" / "reference" / "columns.toml").read_text("utf-8"))["table"]
    state = published.parent / "state"
    files = {path.stem: path for path in folder.glob("*.parquet") if path.stem != "features"}
    files |= {"campaign": next((state / "campaigns").rglob("*.parquet"))}
    files |= {"list": next((state / "lists").rglob("*.parquet"))}
    written = {
        name: {field.name: KINDS[str(field.type)] for field in pq.read_schema(path)} for name, path in files.items()
    }
    written["suppressions"] = {field.name: KINDS[str(field.type)] for field in ledger._SCHEMA}
    explained = {
        name: {column: words.split(": ")[0] for column, words in entry["columns"].items()}
        for name, entry in told.items()
    }
    assert explained == written


def people(folder: Path) -> list[dict[str, str]]:
    """The rows of the list for people, by the names of its columns."""
    names = {words.format("EUR"): name for name, words in HEADERS["en"].items()}
    with (folder / "at_risk.csv").open(encoding="utf-8-sig", newline="") as handle:
        return [{names[header]: cell for header, cell in row.items()} for row in csv.DictReader(handle)]


def test_a_run_leaves_these_files_and_no_other(folder: Path):
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    steps = {f"steps/{name}.json" for name in STEPS}
    assert files == FILES | steps | {"manifest.json"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.rglob("*"))


def test_everyone_of_the_cohort_is_scored_and_decided_once(tables: dict[str, pd.DataFrame]):
    """The cohort is counted from the file itself: whoever ordered in the 90 days before."""
    orders = pd.read_csv(shop.TEMPLATE / "data" / "sample" / "orders.csv", parse_dates=["ordered_at"])
    today = pd.Timestamp(shop.TODAY, tz="UTC")
    seen = orders["ordered_at"].between(today - pd.Timedelta(days=90), today, inclusive="left")
    cohort = sorted(set(orders["customer_id"][seen]))
    assert 200 < len(cohort) < orders["customer_id"].nunique()
    for name in ("scores", "decisions", "assignments"):
        assert tables[name]["customer_id"].tolist() == cohort
        assert set(tables[name]["cutoff"]) == {today}
    reasons = tables["reasons"]
    assert set(reasons["customer_id"]) == set(cohort)
    assert not reasons.duplicated(["customer_id", "cutoff", "driver"]).any()
    assert not reasons.duplicated(["customer_id", "cutoff", "rank"]).any()


def test_probabilities_are_what_the_reasons_add_up_to(tables: dict[str, pd.DataFrame]):
    scores, reasons = tables["scores"], tables["reasons"]
    assert scores["probability"].between(0, 1, inclusive="neither").all()
    assert (scores["at_risk"] == (scores["probability"] >= 0.3)).all()
    assert 0 < scores["at_risk"].sum() < len(scores)
    assert len(set(reasons["base_rate"])) == 1
    told = reasons["base_rate"].iloc[0] + reasons.groupby("customer_id")["points"].sum()
    off = told[scores["customer_id"]].to_numpy() - scores["probability"].to_numpy()
    assert np.abs(off).max() < 1e-9
    assert reasons["points"].abs().max() > 0.05


def test_held_out_people_never_get_an_action(tables: dict[str, pd.DataFrame]):
    decisions = tables["decisions"].merge(tables["assignments"], on=["customer_id", "cutoff"])
    held_out = decisions[decisions["arm"] == "held_out"]
    assert len(held_out) > 10
    assert set(held_out["action"]) == {"leave_alone"}
    assert (held_out["expected_cost"] == 0).all()
    treated = decisions[decisions["action"] != "leave_alone"]
    assert len(treated) > 5
    assert treated["customer_id"].isin(tables["scores"]["customer_id"][tables["scores"]["at_risk"]]).all()
    assert 0 < treated["expected_cost"].sum() <= 20.0


def test_manifest_vouches_for_every_file(folder: Path):
    manifest = runs.verify(folder)
    assert manifest["files"].keys() == FILES
    for name, stamp in manifest["files"].items():
        held = (folder / name).read_bytes()
        assert stamp == {"bytes": len(held), "sha256": hashlib.sha256(held).hexdigest()}
    assert (manifest["run_id"], manifest["logical_date"]) == (folder.name, "2026-02-15")
    model = store.read_json(folder / "model.json")
    assert manifest["model"] == {key: model[key] for key in ("name", "version", "sha256")}


def test_every_input_row_is_accounted_for_in_the_manifest(published: Path, folder: Path):
    manifest = store.read_json(folder / "manifest.json")
    counted = {row["table"]: row for row in manifest["accounting"]}
    assert list(counted) == ["orders", "events", "contacts"]
    for table, row in counted.items():
        path = published.parent / f"{table}.csv"
        assert row["rows_in"] == len(shop.rows(path)[1])
        assert row["rows_in"] == row["accepted"] + row["duplicates"] + row["quarantined"]
        assert manifest["inputs"][path.name] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert manifest["accounting"] == store.read_json(folder / "summary.json")["accounting"]


def test_list_holds_those_at_risk_and_no_formula(folder: Path, tables: dict[str, pd.DataFrame]):
    listed = people(folder)
    scores = tables["scores"]
    assert sorted(row["customer_id"] for row in listed) == sorted(scores["customer_id"][scores["at_risk"]])
    assert [cell for row in listed for cell in row.values() if FORMULA.match(cell) and not is_number(cell)] == []
    assert all(row["reason_1"].startswith("Adds ") for row in listed)


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def test_a_customer_named_like_a_formula_is_text_in_the_list(mine: Path):
    """And a name decides nothing but who is held out."""
    plain = store.read_table(shop.run(mine)[0] / "scores.parquet").to_pandas()
    for name in INPUTS:
        header, lines = shop.rows(mine.parent / name)
        shop.write_rows(mine.parent / name, header, ["=" + line for line in lines])
    folder, _, did = shop.run(mine)
    assert did
    scores = store.read_table(folder / "scores.parquet").to_pandas()
    assert scores["customer_id"].tolist() == [f"={name}" for name in plain["customer_id"]]
    assert scores["probability"].tolist() == plain["probability"].tolist()
    listed = people(folder)
    assert len(listed) == scores["at_risk"].sum()
    assert all(row["customer_id"].startswith("'=C") for row in listed)


def test_contacts_we_made_inform_decisions_and_never_the_risk(mine: Path, folder: Path):
    """Without a single contact the scores and reasons are the same bytes, and other people get an action."""
    header, lines = shop.rows(mine.parent / "contacts.csv")
    assert len(lines) > 1000
    shop.write_rows(mine.parent / "contacts.csv", header, [])
    without, _, did = shop.run(mine)
    assert did
    risk, offers = ("scores.parquet", "reasons.parquet"), ("decisions.parquet",)
    assert shop.contents(without, risk) == shop.contents(folder, risk)
    assert shop.contents(without, offers) != shop.contents(folder, offers)
    (version,) = registry.versions(mine.parent / "state", "small")
    model = registry.load_version(mine.parent / "state", version)
    used = declared.named([str(name) for name in model.feature_names_in_])
    assert len(used) > 50
    assert {feature.source.partition(".")[0] for feature in used} <= {"orders", "order_categories", "events"}


def test_another_list_of_a_night_takes_no_place_unasked(mine: Path):
    """The list before may have been used; only `replace` says that it was not."""
    path = mine.parent / "state" / "campaigns" / "small-2026-02-15"
    before = shop.contents(path)
    mine.write_text(mine.read_text("utf-8").replace("probability = 0.3", "probability = 0.2"), "utf-8")
    with pytest.raises(CampaignChanged, match=r"^campaign small-2026-02-15 is assigned already .*--replace-list"):
        shop.run(mine, replace=False)
    assert shop.contents(path) == before
    shop.run(mine)
    after = shop.contents(path)
    assert after["withdrawn-1-assignments.parquet"] == before["assignments.parquet"] != after["assignments.parquet"]


def test_a_second_identical_run_changes_nothing_and_says_so(mine: Path):
    before = stamped(mine.parent / "runs"), stamped(mine.parent / "state")
    folder, summary, did = shop.run(mine)
    assert not did
    assert summary == store.read_json(folder / "summary.json")
    assert stamped(mine.parent / "runs") == before[0]
    after = stamped(mine.parent / "state")
    assert {name for name in after if after[name] != before[1].get(name)} <= {"lock"}
    assert after.keys() == before[1].keys()
    assert [v.version for v in registry.versions(mine.parent / "state", "small")] == [1]


def stamped(folder: Path) -> dict[str, tuple[Any, ...]]:
    """Content, target and time of change of everything below a folder."""
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mtime_ns,
            str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else None,
        )
        for path in sorted(folder.rglob("*"))
    }


def shuffled(path: Path) -> None:
    """The rows of all files in another order."""
    order = random.Random(1)
    for name in INPUTS:
        header, lines = shop.rows(path.parent / name)
        order.shuffle(lines)
        shop.write_rows(path.parent / name, header, lines)


def in_two_files(path: Path) -> None:
    """Orders as two files that a pattern finds, the later rows in the first."""
    header, lines = shop.rows(path.parent / "orders.csv")
    (path.parent / "orders.csv").unlink()
    (path.parent / "orders").mkdir()
    shop.write_rows(path.parent / "orders" / "a.csv", header, lines[3000:])
    shop.write_rows(path.parent / "orders" / "b.csv", header, lines[:3000])
    shop.edit(path, "orders.csv", "orders/*.csv")


def without_the_future(path: Path) -> None:
    """No row of the run's date or later, the instant being the second column of every file."""
    for name in INPUTS:
        header, lines = shop.rows(path.parent / name)
        kept = [line for line in lines if line.split(",")[1] < shop.TODAY.isoformat()]
        assert len(lines) - len(kept) > 20
        shop.write_rows(path.parent / name, header, kept)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(shuffled, marks=pytest.mark.deep),
        pytest.param(in_two_files, marks=pytest.mark.deep),
        without_the_future,
    ],
)
def test_what_says_nothing_about_the_past_changes_no_byte(tmp_path: Path, folder: Path, change: Any):
    """A new shop that learns anew: the inputs differ, so the run's name does; what it says does not."""
    path = shop.lay_down(tmp_path / "shop")
    change(path)
    again, _, did = shop.run(path)
    assert did
    assert again.name != folder.name
    assert shop.contents(again, shop.OUTPUTS) == shop.contents(folder, shop.OUTPUTS)
    assert store.read_json(again / "model.json")["sha256"] == store.read_json(folder / "model.json")["sha256"]


def test_one_order_more_in_the_past_is_noticed(mine: Path, folder: Path):
    """The test above could pass on outputs that depend on nothing."""
    with (mine.parent / "orders.csv").open("a", encoding="utf-8") as handle:
        handle.write("C0001,2026-02-14T10:00:00Z,25.00,0.00,tea,shop\n")
    again, _, _ = shop.run(mine)
    for name in ("scores.parquet", "reasons.parquet", "at_risk.csv"):
        assert (again / name).read_bytes() != (folder / name).read_bytes(), name


def test_a_later_date_uses_the_champion_and_becomes_current(mine: Path, folder: Path):
    later, summary, did = shop.run(mine, shop.LATER)
    assert did
    assert later.name.startswith("2026-02-22-")
    assert runs.current(mine.parent / "runs") == later
    assert summary["model"]["version"] == 1
    assert [v.version for v in registry.versions(mine.parent / "state", "small")] == [1]
    assert len(history(mine.parent / "state", "small")) == 1
    model = ("model.json",)
    assert shop.contents(later, model) == shop.contents(folder, model)
    assert shop.contents(later, shop.OUTPUTS) != shop.contents(folder, shop.OUTPUTS)
    assert runs.verify(mine.parent / "runs" / folder.name)["run_id"] == folder.name


def test_an_earlier_date_than_the_champion_learned_from_is_refused(mine: Path, folder: Path):
    with pytest.raises(ModelRefused) as caught:
        shop.run(mine, shop.EARLIER)
    assert str(caught.value) == (
        "the champion of small (version 1) learned from data up to 2026-02-15; a list for 2026-02-01 made "
        "with it would know the future. Give the runs of earlier dates a state folder of their own "
        "([project] state)."
    )
    assert runs.current(mine.parent / "runs") == mine.parent / "runs" / folder.name


def test_a_feed_that_fell_silent_is_no_reason_for_a_list(mine: Path, folder: Path):
    """The sample ends with February; a list for June would hold everybody."""
    facts = shop.job(mine).facts
    refuse_silence(facts, "UTC", dt.date(2026, 3, 7))
    with pytest.raises(WindowNotRecorded):
        refuse_silence(facts, "UTC", dt.date(2026, 3, 8))
    with pytest.raises(DataRefused) as caught:
        shop.run(mine, dt.date(2026, 6, 1))
    assert str(caught.value) == (
        "the newest order before 2026-06-01 is from 2026-02-28: 92 days lack, more than the 7 that max_silence_days "
        "allows. Is the feed complete? For a log that has ended, ask with --date 2026-03-01.\n"
        "`winback check` shows all that is known of the data; the gates are set in [gates]."
    )
    assert runs.current(mine.parent / "runs") == mine.parent / "runs" / folder.name


@pytest.mark.parametrize(
    ("old", "lost"),
    [
        ('columns.discount = "discount"\n', "discount_share_28d"),
        ('columns.category = "category"\n', "categories_28d"),
        (re.search(r"\[sources.events\]\n.*\n.*\n", shop.CONFIG)[0], "days_since_last_engagement"),
    ],
)
def test_a_champion_is_not_used_without_what_it_reads(mine: Path, folder: Path, old: str, lost: str):
    """Not even where the columns would be there and empty."""
    shop.edit(mine, old, "")
    with pytest.raises(FeatureMismatch) as caught:
        shop.run(mine)
    assert re.fullmatch(
        r"the champion of small \(version 1\) reads \d+ features that the configured sources do not give "
        rf"\(first: \['{lost}'.*\]\)\. Configure what it was trained on, or train anew in another state folder "
        r"\(\[project\] state\)\.",
        str(caught.value),
    )
    assert runs.current(mine.parent / "runs") == mine.parent / "runs" / folder.name


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("winback.toml", "budget = 20.0", "budget = 21.0"),
        ("small.toml", "max_iter = 20", "max_iter = 21"),
        ("orders.csv", "C0001,2025-05-23T11:01:00Z,25.77", "C0001,2025-05-23T11:01:00Z,25.78"),
    ],
)
def test_another_question_is_another_run(mine: Path, folder: Path, file: str, old: str, new: str):
    assert shop.job(mine).run_id == folder.name
    shop.edit(mine.parent / file, old, new)
    assert shop.job(mine).run_id != folder.name


def test_another_budget_is_kept_to(mine: Path, folder: Path):
    shop.edit(mine, "budget = 20.0", "budget = 1.0")
    tight, summary, did = shop.run(mine)
    assert did
    risk = ("scores.parquet", "reasons.parquet", "assignments.parquet")
    assert shop.contents(tight, risk) == shop.contents(folder, risk)
    assert 0 < summary["expected_cost"] <= 1.0
    assert summary["left_alone"]["over_budget"] > 0
    assert runs.current(mine.parent / "runs") == tight


def test_a_run_while_another_is_at_work_is_refused(mine: Path):
    stages: list[str] = []

    def say(stage: str) -> None:
        stages.append(stage)
        with pytest.raises(RunInProgress, match=rf"^another run \(pid {os.getpid()}, since .* UTC\) holds "):
            shop.run(mine)

    _, did = nightly.run(shop.job(mine, shop.LATER), say)
    assert did
    assert stages == list(nightly.STAGES)


def test_a_damaged_file_is_mended_by_running_again(mine: Path, folder: Path):
    for name in sorted(FILES):
        damaged = mine.parent / "runs" / folder.name / name
        held = damaged.read_bytes()
        damaged.write_bytes(held[:100] + bytes([held[100] ^ 1]) + held[101:])
    again, _, did = shop.run(mine)
    assert did
    assert shop.contents(again) == shop.contents(folder)
    assert [v.version for v in registry.versions(mine.parent / "state", "small")] == [1]


@pytest.mark.deep
def test_a_run_mended_under_another_champion_is_of_one_model(mine: Path):
    """The model it was made by is not the champion of its question any more: all of it is made anew."""
    first, _, _ = shop.run(mine, shop.LATER)
    shop.edit(mine.parent / "small.toml", "max_iter = 20", "max_iter = 21")
    assert shop.run(mine, shop.LATER)[1]["model"]["version"] == 2
    shop.edit(mine.parent / "small.toml", "max_iter = 21", "max_iter = 20")
    (first / "reasons.parquet").unlink()
    again, summary, did = shop.run(mine, shop.LATER)
    assert (again, did) == (first, True)
    scores = store.read_table(first / "scores.parquet").to_pandas()
    told = [summary["model"]["version"], *{int(version) for version in scores["model_version"]}]
    told += [store.read_json(first / "model.json")["version"], runs.verify(first)["model"]["version"]]
    assert told == [3, 3, 3, 3]


def test_too_many_bad_rows_leave_the_old_list_and_a_quarantine(mine: Path, folder: Path):
    with (mine.parent / "orders.csv").open("a", encoding="utf-8") as handle:
        handle.writelines(f"C{n:04},2026-02-14T10:00:00Z,much,0.00,tea,shop\n" for n in range(1, 101))
    with pytest.raises(TooManyBadRows) as caught:
        shop.run(mine)
    facts = shop.job(mine).facts
    assert str(caught.value) == (
        "orders: 100 of 6,760 rows (1.48%) cannot be used, more than the 1.00% that max_bad_share = 0.01 "
        f"allows: bad_amount 100.\nEach is in {facts / 'quarantine.parquet'} with file, line and reason. "
        "Correct the file or its mapping, or raise max_bad_share if they may be left out"
    )
    quarantine = store.read_table(facts / "quarantine.parquet").to_pandas()
    assert quarantine["line"].tolist() == list(range(6662, 6762))
    assert set(quarantine["file"]) == {"orders.csv"}
    assert runs.current(mine.parent / "runs") == mine.parent / "runs" / folder.name
    assert runs.verify(mine.parent / "runs" / folder.name)
    assert sorted(p.name for p in (mine.parent / "runs").iterdir()) == [folder.name, "current"]


def test_few_bad_rows_are_left_out_and_told(mine: Path):
    with (mine.parent / "orders.csv").open("a", encoding="utf-8") as handle:
        handle.write("C0001,2026-02-14T10:00:00Z,much,0.00,tea,shop\n")
    folder, summary, _ = shop.run(mine)
    assert summary["accounting"][0] == {
        "table": "orders",
        "rows_in": 6661,
        "accepted": 6660,
        "duplicates": 0,
        "quarantined": 1,
        "reasons": {"bad_amount": 1},
        "left_out": {},
        "next_future": None,
    }
    assert runs.verify(folder)["accounting"] == summary["accounting"]


def test_orders_from_a_database_give_the_same_list(mine: Path, folder: Path):
    header, lines = shop.rows(mine.parent / "orders.csv")
    with closing(sqlite3.connect(mine.parent / "shop.db")) as database:
        database.execute(f"CREATE TABLE orders ({header})")
        database.executemany(
            f"INSERT INTO orders VALUES ({', '.join('?' * len(header.split(',')))})", csv.reader(lines)
        )
        database.commit()
    (mine.parent / "orders.csv").unlink()
    shop.edit(mine, 'path = "orders.csv"', 'url = "sqlite:///shop.db"\ntable = "orders"')
    again, summary, did = shop.run(mine)
    assert did
    assert summary["accounting"][0]["accepted"] == 6660
    for name in shop.OUTPUTS:
        assert store.sha256(again / name) == store.sha256(folder / name), name


def test_days_begin_at_the_business_clock(mine: Path, tmp_path: Path):
    """The cutoff of a run is midnight where the business is."""
    shop.edit(mine, 'currency = "EUR"', 'currency = "EUR"\ntime_zone = "Europe/Berlin"')
    folder, _, _ = shop.run(mine)
    cutoffs = store.read_table(folder / "scores.parquet").to_pandas()["cutoff"]
    assert set(cutoffs) == {pd.Timestamp("2026-02-14T23:00:00Z")}
