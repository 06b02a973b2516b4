"""A simulated shop in a folder: checked and run at once, going on after decisions, refusing what cannot be."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import get_args

import pandas as pd
import pytest
from click.testing import CliRunner

import shop as runs_of
from winback import config, store
from winback.cli.simulate import command
from winback.errors import ConfigError, WinbackError
from winback.facts.features.feature import Driver
from winback.facts.intake.load import load
from winback.offers.catalogue import load_catalogue
from winback.simulate import files, papers
from winback.simulate.actions import IDS
from winback.simulate.papers import COLUMNS
from winback.simulate.shop import Shop

TABLES = tuple(table for table in COLUMNS if table != "outcomes")  # those come with the first contact
TINY = Shop(customers=120, days=200, seed=3, subscribers=0.2)


def read(folder: Path, table: str) -> pd.DataFrame:
    """All files of one table."""
    return pd.concat([store.read_table(path).to_pandas() for path in sorted((folder / table).iterdir())])


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("shop") / "tiny"
    files.write(TINY, folder, [dt.date(2024, 5, 1)])
    return folder


def test_what_lies_in_the_folder(tiny):
    names = sorted(path.relative_to(tiny).as_posix() for path in tiny.rglob("*") if path.is_file())
    tables = sorted(f"{table}/day-0000.parquet" for table in TABLES)
    told = ["customers.parquet", "cutoffs/day-0121.parquet", "cutoffs/day-0200.parquet", "done.parquet"]
    told = [f"truth/{name}" for name in (*told, "effects.parquet", "shop.json", "stays/day-0200.parquet")]
    assert names == sorted(["actions.toml", "winback.toml", *tables, *told])


def test_equal_shops_are_written_as_equal_bytes(tiny, tmp_path):
    files.write(TINY, tmp_path / "again", [dt.date(2024, 5, 1)])
    assert runs_of.contents(tmp_path / "again") == runs_of.contents(tiny)


def test_the_truth_lies_apart(tiny):
    """Nothing that the configuration names lies in truth/, and no table has a column of it."""
    given = config.load(tiny / "winback.toml").sources.given()
    assert set(given) == set(TABLES)
    assert not any("truth" in source.path for source in given.values())
    hidden = {"cause", "leaves", "onset", "traced", "stays", "level"}
    assert not any(hidden & set(read(tiny, table).columns) for table in TABLES)


def test_the_catalogue_can_be_used_and_knows_every_action(tiny):
    assert {action.id for action in load_catalogue(tiny / "actions.toml", (), get_args(Driver))} == set(IDS)


@pytest.mark.parametrize(("days", "horizon", "first"), [(200, 28, None), (730, 60, "2025-02-01")])
def test_the_question_fits_the_log(days, horizon, first):
    text = papers.configuration(Shop(days=days), "csv")
    assert f"horizon_days = {horizon}\n" in text
    assert (f"first = {first}\n" in text) == bool(first)


def test_a_shop_goes_on_as_it_would_have(tiny, tmp_path):
    """Nobody decided about anybody: the days added are those of the longer log, and no file is changed."""
    files.write(Shop(**{**vars(TINY), "days": 200}), tmp_path / "on")
    before = runs_of.contents(tmp_path / "on", tuple(f"{table}/day-0000.parquet" for table in TABLES))
    added = files.go_on(tmp_path / "on", 28)
    after = runs_of.contents(tmp_path / "on", tuple(f"{table}/day-0000.parquet" for table in TABLES))
    assert before == after
    assert added["orders"] > 0
    latest = read(tmp_path / "on", "orders")["ordered_at"].max()
    assert pd.Timestamp("2024-08-10", tz="UTC") < latest < pd.Timestamp("2024-08-16", tz="UTC")
    assert store.read_json(tmp_path / "on" / "truth" / "shop.json")["until"] == 228


@pytest.fixture
def decided(tmp_path) -> Path:
    """A shop in which every other customer got a card link, and 28 days have gone by."""
    folder = tmp_path / "decided"
    files.write(TINY, folder)
    made = [(f"c{n:07}", "card_link" if n % 2 else "leave_alone") for n in range(100)]
    files.go_on(folder, 28, made)
    return folder


def test_decisions_become_contacts_and_outcomes(decided):
    contacts, outcomes = read(decided, "contacts"), read(decided, "outcomes")
    mine = contacts[contacts["campaign"] == "card_link 2024-07-19"]
    assert len(mine.drop_duplicates()) == 50
    assert set(mine["channel"]) == {"sms"}
    assert mine["contacted_at"].dt.date.unique() == [dt.date(2024, 7, 19)]
    delivered = outcomes[outcomes["kind"] == "delivered"]
    assert 40 <= delivered["customer_id"].nunique() <= 50
    assert set(outcomes["campaign"]) == {"card_link 2024-07-19"}
    assert set(config.load(decided / "winback.toml").sources.given()) == set(COLUMNS)


def test_a_second_round_remembers_the_first(decided, tmp_path):
    files.go_on(decided, 28, [("c0000001", "price_offer")])
    done = store.read_table(decided / "truth" / "done.parquet").to_pandas()
    assert done["action"].value_counts().to_dict() == {"card_link": 50, "price_offer": 1}
    assert done.loc[done["action"] == "price_offer", "day"].tolist() == [dt.date(2024, 8, 16)]
    days = sorted(path.name for path in (decided / "orders").iterdir())
    assert days == ["day-0000.parquet", "day-0200.parquet", "day-0228.parquet"]


def test_decisions_are_read_from_files(tmp_path):
    frame = pd.DataFrame({"customer_id": ["c0000001", "c0000002"], "action": ["price_offer", None], "cause": ["", "x"]})
    store.write_table(tmp_path / "d.parquet", frame)
    frame.to_csv(tmp_path / "d.csv", index=False)
    told = [("c0000001", "price_offer"), ("c0000002", "")]
    assert files.read_decisions(tmp_path / "d.parquet") == files.read_decisions(tmp_path / "d.csv") == told


@pytest.mark.parametrize(
    ("decisions", "said"),
    [
        ([("c0000001", "price_ofer")], "1 actions are not among those whose effect is known (first: 'price_ofer'). "
         "Did you mean 'price_offer'?"),
        ([("c9", "price_offer")], "1 customers are not of this shop (first: ['c9'])."),
        ([("c0000001", "price_offer"), ("c0000001", "card_link")],
         "one action a customer expected; 2 rows repeat some of them."),
    ],
)  # fmt: skip
def test_decisions_that_cannot_be_are_refused(tiny, decisions, said):
    before = runs_of.contents(tiny)
    with pytest.raises(ConfigError) as error:
        files.go_on(tiny, 28, decisions)
    assert str(error.value) == said
    assert runs_of.contents(tiny) == before


def run(*args: object) -> tuple[int, str]:
    """Exit code and what was said, winback's own errors among it."""
    done = CliRunner().invoke(command, [str(arg) for arg in args])
    return done.exit_code, str(done.exception) if isinstance(done.exception, WinbackError) else done.output


def test_the_command_makes_a_shop_and_lets_it_go_on(tmp_path):
    code, said = run(tmp_path / "s", "--customers", 40, "--days", 60, "--without", "tickets", "--json")
    told = json.loads(said)
    assert (code, told["date"]) == (0, "2024-03-01")
    assert "tickets" not in told["rows"]
    assert not (tmp_path / "s" / "tickets").exists()
    (tmp_path / "d.csv").write_text("customer_id,action\nc0000003,senior_call\n", "utf-8")
    code, said = run(tmp_path / "s", "--go-on", "--days", 7, "--decisions", tmp_path / "d.csv")
    assert code == 0
    assert "rows of orders" in said


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--late-share", "2"], "late_share is a share from 0 to 1; came 2.0."),
        (["--cutoff", "2023-01-01"], "cutoffs lie after 2024-01-01 and up to 2025-12-31; came 1 others: 2023-01-01."),
        (["--go-on"], "{folder} holds no simulated shop: there is no {folder}/truth/shop.json. "
         "`winback simulate DIR` makes one."),
        (["--start", "yesterday"], "'yesterday' is not a date; write one such as 2017-12-31"),
        (["--decisions", "d.csv"], "--decisions is for a shop that goes on: add --go-on."),
    ],
)  # fmt: skip
def test_the_command_says_what_is_wrong(tmp_path, args, said):
    folder = tmp_path / "new"
    code, output = run(folder, *args)
    assert code != 0
    assert said.format(folder=folder) in output
    assert not folder.exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine", "utf-8")
    code, output = run(tmp_path)
    assert (code, output) == (1, f"{tmp_path} is not an empty folder; a simulated shop is written to a new one.")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_every_row_is_taken_in(tmp_path, ending):
    """Of what is written nothing is refused; only the rows that were written twice are dropped."""
    counts = files.write(Shop(customers=80, days=120, seed=4, subscribers=0.5), tmp_path / "s", ending=ending)
    job = runs_of.job(tmp_path / "s" / "winback.toml", dt.date(2024, 4, 30))
    found = load(job.facts, job.sources, job.base, job.inputs, (job.zone, job.received_at), "EUR")
    for table in found:
        assert table.quarantined == 0, table
        assert table.accepted + table.duplicates == counts[table.table], table


@pytest.mark.deep
def test_a_simulated_shop_is_run_from_files_to_list_twice(tmp_path):
    """A model is trained, a list is published; its decisions come true and the next list knows them."""
    folder = tmp_path / "s"
    files.write(Shop(customers=1_500, days=400, seed=1), folder)
    run_folder, _, did = runs_of.run(folder / "winback.toml", dt.date(2025, 2, 4))
    assert did
    decisions = files.read_decisions(run_folder / "decisions.parquet")
    assert {action for _, action in decisions} & set(IDS)
    files.go_on(folder, 28, decisions)
    later, _, _ = runs_of.run(folder / "winback.toml", dt.date(2025, 3, 4))
    assert store.read_table(later / "decisions.parquet").num_rows > 0
