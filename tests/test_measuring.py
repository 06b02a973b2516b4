"""From a project's ledger, orders and outcomes to what its campaigns changed, on the command line too."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import shop
from campaign_results import assigned
from winback import config, jobs, measuring
from winback.campaigns import ledger
from winback.cli import cli
from winback.errors import NotEnoughData
from winback.measuring import campaigns_of, learned_rates, measured, responses

NIGHT, LATER = dt.date(2026, 1, 10), dt.date(2026, 1, 24)
TODAY = dt.date(2026, 2, 15)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """The configuration of a shop with two nights: the first of 60 customers, the other of the same and 20 more."""
    folder = tmp_path_factory.mktemp("shop")
    path = shop.lay_down(folder, customers=100)
    known = sorted(pd.read_csv(folder / "orders.csv", dtype={"customer_id": str})["customer_id"].unique())
    for day, count in ((NIGHT, 60), (LATER, 80)):
        name = ledger.campaign_name("inactivity", day)
        ids = sorted(known[:count])
        rows = assigned("thtt" * (count // 4), name, pd.Timestamp(day, tz="UTC"), customer_id=ids)
        ledger.record(folder / "state", name, rows.assign(**ledger.UNTOLD)[ledger.SCHEMA.names])
    return path


def a_job(path: Path, today: dt.date = TODAY) -> jobs.Job:
    return jobs.prepare(config.load(path), path.parent, today, shop.RECEIVED)


def lift(path: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["lift", "--config", str(path), *words], env={"COLUMNS": "150"})
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def test_everybody_counts_from_the_first_list_and_open_windows_wait(project):
    found = measured(a_job(project))
    assert (len(found.results), found.waiting, found.known_on, found.listed_again) == (60, 20, dt.date(2026, 2, 21), 60)
    assert set(found.results["campaign"]) == {"inactivity-2026-01-10"}
    assert found.checks["campaign"].tolist() == ["inactivity-2026-01-10", "inactivity-2026-01-24"]


def test_a_later_contact_in_the_window_is_paid_for(project):
    """1 for each of two nights, and what the incentive costs where nobody told."""
    rows = measured(a_job(project)).results
    treated = rows[rows["arm"] == "treated"]
    assert (treated["cost"] == 2.0 + 5.0 * treated["stayed"]).all()
    assert (rows.loc[rows["arm"] == "held_out", "cost"] == 0).all()


def test_one_night_or_a_series_may_be_asked_for(project):
    assert len(measured(a_job(project), "inactivity").results) == 60
    assert len(measured(a_job(project, dt.date(2026, 3, 1)), "inactivity-2026-01-24").results) == 20
    with pytest.raises(NotEnoughData, match="no campaign is called 'spring-2026-01-01'"):
        measured(a_job(project), "spring-2026-01-01")


def test_what_cannot_be_told_yet_is_said(project, tmp_path):
    with pytest.raises(NotEnoughData, match="the 28 days of 60 customers listed end on 2026-02-07 at the earliest"):
        measured(a_job(project, dt.date(2026, 1, 20)))
    with pytest.raises(NotEnoughData, match="no campaign was assigned before 2026-01-10"):
        measured(a_job(project, NIGHT))


def test_the_command_prints_draws_and_tells_as_json(project, tmp_path):
    code, out = lift(project, "--date", "2026-02-15", "--plot", str(tmp_path / "lift.png"))
    assert code == 0, out
    assert "60 customers, each from the first list on: 45 treated, 15 held out. 20 more wait" in out
    assert "coupon " in out
    assert "60 later listings of the same customers are part of their first one." in out
    assert (tmp_path / "lift.png").read_bytes()[:4] == b"\x89PNG"
    code, out = lift(project, "--date", "2026-02-15", "--by", "stage", "--json")
    told = json.loads(out)
    assert (code, told["customers"], told["waiting"], told["known_on"]) == (0, 60, 20, "2026-02-21")
    assert [row["metric"] for row in told["all"]][:2] == ["stayed", "orders"]
    assert {row["group"] for row in told["parts"]} == {"cooling"}


def test_outcomes_are_handed_in_and_count(project, tmp_path):
    rows = measured(a_job(project)).results
    one = rows.loc[(rows["arm"] == "treated") & (rows["stayed"] == 1), "customer_id"].iloc[0]
    report = tmp_path / "report.csv"
    report.write_text(f"Who,When,value\n{one},2026-01-12,3.5\n", "utf-8")
    words = ["outcomes", "add", str(report), "--config", str(project), "--kind", "redeemed"]
    words += ["--campaign", "inactivity-2026-01-10", "--column", "customer_id=Who", "--column", "happened_at=When"]
    said = "report.csv: 1 rows in = 1 accepted (1 of them new) + 0 duplicates + 0 put aside.\n"
    assert CliRunner().invoke(cli, words).output == said
    assert "handed in before" in CliRunner().invoke(cli, words).output
    listed = CliRunner().invoke(cli, ["outcomes", "list", "--config", str(project)]).output
    assert "report.csv: 1 rows in" in listed
    found = measured(a_job(project)).results.set_index("customer_id")
    assert set(found["incentives"]) == {"told"}
    assert found.loc[one, "cost"] == 2.0 + 3.5
    assert CliRunner().invoke(cli, ["outcomes", "add", str(report), "--column", "no"]).exit_code == 2


def test_the_policy_command_tells_what_was_earned_and_what_cannot_be_told(project):
    words = ["policy", "--config", str(project), "--date", "2026-02-15"]
    out = " ".join(CliRunner().invoke(cli, words, env={"COLUMNS": "170"}).output.split())
    assert "45 customers treated, 15 held out at random: net gain " in out
    assert "20 more wait for their window to close." in out
    assert "Without other budgets: nothing is published in" in out
    assert "not enough data: the log holds too few such decisions" in out
    told = json.loads(CliRunner().invoke(cli, [*words, "--json"]).stdout)
    assert (told["earned"]["metric"], told["budgets"], told["waiting"]) == ("net_gain", None, 20)
    assert [row["policy"] for row in told["policies"]][:2] == ["in use", "leave_alone"]
    assert told["policies"][1]["better"] is None


def test_rates_are_learned_from_what_was_listed(project):
    """The second listing of a customer lies in the window of the first, and is not counted again."""
    job = a_job(project, dt.date(2026, 3, 1))
    measured(job)  # takes the facts in
    rows = responses(job)
    assert len(rows) == 80
    table = learned_rates(job).table
    assert {action.id for action in job.actions if action.per_customer} == set(table["action"])
    assert {"save_rate", "accept_rate", "n", "guess", "harmful"} <= set(table.columns)


def test_before_the_first_campaign_the_catalogue_holds(project, tmp_path):
    early = a_job(project, NIGHT)
    measured(a_job(project))
    table = learned_rates(early).table
    assert (table["n"] == 0).all()
    assert table["save_rate"].to_numpy() == pytest.approx(table["guess"].to_numpy())


def test_training_is_told_who_was_treated_and_what_was_measured(project, tmp_path, monkeypatch):
    """Nobody knows what the coupon does before 100 were treated with it. Who was reached by mistake is treated."""
    assert campaigns_of(a_job(project, NIGHT)) is None
    path = shop.copy(project, tmp_path / "copy")
    job = a_job(path)
    measured(job)
    rows = ledger.read(job.state, "inactivity-2026-01-10")
    held = rows.loc[rows["arm"] == "held_out", "customer_id"].iloc[0]
    report = tmp_path / "sent.csv"
    report.write_text(f"customer_id,happened_at,campaign,kind\n{held},2026-01-12,inactivity-2026-01-10,delivered\n")
    assert CliRunner().invoke(cli, ["outcomes", "add", str(report), "--config", str(path)]).exit_code == 0
    found = campaigns_of(job)
    assert (found.days, found.mode, len(found.assignments)) == (28, "model", 60 + 80 + 1)
    assert found.assignments["save_rate"].isna().all()
    stray = found.assignments.iloc[-1]
    assert (stray["customer_id"], stray["arm"], str(stray["cutoff"].date())) == (held, "treated", "2026-01-12")
    rates = pd.DataFrame({"action": ["coupon"], "driver": "any", "stage": "any", "save_rate": 0.2, "n": 100})
    monkeypatch.setattr(measuring, "learned_rates", lambda _: SimpleNamespace(table=rates))
    assert campaigns_of(job).assignments["save_rate"].tolist() == pytest.approx([0.2] * 140 + [np.nan], nan_ok=True)
