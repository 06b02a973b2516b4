"""The metrics by hand: published examples, edges where there is no figure, and the page that defines them."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import shop
from winback.cli import main
from winback.errors import ConfigError
from winback.facts.days import day_numbers, microseconds
from winback.insight.metrics import churn, cohorts, cost, figure, repeat, retention, revenue, value, voice
from winback.insight.metrics.ages import Ages, by_age
from winback.insight.metrics.benchmarks import benchmarks
from winback.insight.metrics.coded import Tables
from winback.insight.metrics.defined import FAMILIES, family_of, known_metrics, page, published
from winback.insight.metrics.figure import Figure, Pairs
from winback.insight.metrics.named import GROUPS
from winback.insight.metrics.periods import EPOCH, period_of, periods
from winback.insight.metrics.table import Terms, by_period

Call = Callable[..., tuple[int, str, str]]
NONE = Pairs(0, 0.0, 0.0, 0.0, 0.0, 0.0)
HALF = retention.crr_ids(50, 100)


@pytest.mark.parametrize(
    ("told", "value_", "why"),
    [
        (retention.crr_ids(0, 0), None, "no customers at the start"),
        (retention.crr_totals(450, 100, 500), 0.7, ""),
        (retention.crr_totals(210, 30, 200), 0.9, ""),
        (retention.crr_totals(130, 10, 100), 1.2, ""),
        (retention.crr_totals(5, 5, 0), None, "no customers at the start"),
        (churn.churn_average(0, 0, 0), None, "no customers at start or end"),
        (churn.churn_stripe(0, 0, 0, 0), None, "no customers at the start or new"),
        (churn.churn_annualised(churn.churn_start(10, 100), 12), 1 - 0.9**12, ""),
        (churn.churn_annualised(churn.churn_start(0, 0), 12), None, "no customers at the start"),
        (revenue.nrr(NONE), None, "no recurring revenue at the start"),
        (repeat.repeat_rate_period(0, 0), None, "no buyers"),
        (repeat.one_time_income(0.0, 0, 0.2, 0.0, 0), None, "no one-time buyers"),
        (repeat.one_time_income(9.0, 3, 0.2, 0.0, 0), None, "no acquisition cost of a one-time buyer is known"),
        (value.arppu(0.0, 0.0, 0), None, "no paying customers"),
        (value.ltv_churn(Figure(10.0), 0.5, churn.churn_start(0, 9)), None, "nobody left, so a life has no end"),
        (value.ltv_churn(Figure(10.0), 0.5, churn.churn_start(0, 0)), None, "no customers at the start"),
        (value.ltv_to_cac(Figure(60.0), Figure(0.0)), None, "no cost of winning a customer"),
        (value.top_fifth_share([]), None, "no revenue"),
        (value.top_fifth_share([4.0, 3.0, 2.0, -9.0]), (0.6 * 4.0) / 9.0, ""),
        (cost.crc_kept({}, 5), None, "no retention cost is given"),
        (cost.crc_kept({"programmes": 10.0}, 0), None, "no customers kept"),
        (cost.regain_profit(80, figure.nothing("no x"), Figure(1.0), 0.0), None, "no x"),
        (voice.nps(0, 0, 0), None, "no answers"),
        (voice.nps(0, 10, 10), -100.0, ""),
        (voice.csat_mean(0.0, 0.0, 0), None, "no answers"),
        (voice.contact_rate_orders(3, 0), None, "no orders"),
    ],
)
def test_a_figure_or_the_reason_why_there_is_none(told: Figure, value_: float | None, why: str):
    assert told.undefined == why
    assert told.value == pytest.approx(value_ if value_ is not None else np.nan, nan_ok=True)


@pytest.mark.parametrize(("part", "whole"), [(0, 1), (1, 1), (0, 40), (3, 40), (40, 40), (500, 1000)])
def test_wilson_is_scipys(part: int, whole: int):
    ours = figure.share(part, whole, "people")
    theirs = stats.binomtest(part, whole).proportion_ci(method="wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


def test_a_share_of_more_than_the_whole_is_refused():
    with pytest.raises(ValueError, match=r"^a share is of 0 to 3 people; came 4$"):
        figure.share(4, 3, "people")


def test_student_is_scipys():
    numbers = np.random.default_rng(1).gamma(2.0, 10.0, 60)
    ours = figure.mean(numbers.sum(), (numbers**2).sum(), 60, "people")
    theirs = stats.ttest_1samp(numbers, 0.0).confidence_interval()
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


@pytest.mark.parametrize("made", ["nps", "ratio"])
def test_the_other_intervals_hold_95_times_of_100(made: str):
    """Of 600 samples of 150 customers; a fair 95 % lies between 93 and 97 %."""
    rng, held = np.random.default_rng(7), 0
    for _ in range(600):
        if made == "nps":
            answers = rng.choice([1, 0, -1], 150, p=[0.8, 0.15, 0.05])
            found, truth = voice.nps((answers > 0).sum(), (answers < 0).sum(), 150), 75.0
        else:
            before = rng.gamma(2.0, 10.0, 150)
            after = before * rng.choice([0.0, 1.0, 1.2], 150, p=[0.3, 0.5, 0.2])
            sums = (after.sum(), before.sum(), (after**2).sum(), (after * before).sum(), (before**2).sum())
            found, truth = revenue.nrr(Pairs(150, *map(float, sums))), 0.74
        held += found.low <= truth <= found.high
    assert 0.93 <= held / 600 <= 0.97


def test_cohorts_that_are_too_young_are_cut_off():
    """Ten began 30 days ago and three of them came on day 7; five began yesterday and count nowhere."""
    rows = [(f"a{n}", 0) for n in range(10)] + [(f"a{n}", 7) for n in range(3)] + [(f"b{n}", 29) for n in range(5)]
    some = cohorts.aged(pd.DataFrame(rows, columns=["customer_id", "day"]), until=31)
    assert (cohorts.day_n(some, 7).numerator, cohorts.day_n(some, 7).denominator) == (3, 10)
    assert cohorts.day_n(some, 1).denominator == 15
    assert cohorts.day_n(some, 31).undefined == "no customers watched long enough"
    with pytest.raises(ValueError, match=r"^a bracket is of days M to N with 1 <= M <= N; came 9 to 3$"):
        cohorts.bracket_m_n(some, 9, 3)


def test_calendar_days_and_24_hours_differ():
    """Bought at 23:00 and at 01:00 of the next day: back on day 1, and within the first 24 hours."""
    hour = 3_600_000_000
    frame = pd.DataFrame({"customer_id": ["a", "a"], "day": [0, 1], "at": [23 * hour, 25 * hour]})
    assert cohorts.day_n(cohorts.aged(frame, until=9), 1).value == 1.0
    assert cohorts.day_n_24h(cohorts.aged(frame, until=9, until_at=9 * 24 * hour), 1).value == 0.0


def day(month: int, number: int) -> int:
    """A day of 2026 in days since 1970."""
    return (dt.date(2026, month, number) - EPOCH).days


def test_a_quarter_by_hand():
    """a stays, b leaves, c returns, d is new; active for 31 days."""
    orders = pd.DataFrame(
        [
            ("a", day(1, 20), 10.0), ("a", day(2, 20), 10.0), ("a", day(3, 20), 30.0), ("b", day(2, 10), 20.0),
            ("c", day(1, 2), 10.0), ("c", day(3, 25), 5.0), ("d", day(3, 9), 8.0), ("d", day(3, 9), -8.0),
        ],
        columns=["customer_id", "day", "amount"],
    )  # fmt: skip
    costs = pd.DataFrame({"day": [day(3, 1)] * 2, "component": ["acquisition", "service"], "amount": [50.0, 9.0]})
    people = pd.DataFrame({"customer_id": ["d", "a"], "acquisition_cost": [4.0, 6.0]})
    terms = Terms(active_days=31, margin_rate=0.5, until=dt.date(2026, 4, 1))
    given = Tables(orders=orders, costs=costs, customers=people)
    table = by_period(given, periods(dt.date(2026, 3, 1), terms.until, "month"), terms)
    told = table.set_index("metric")["value"].to_dict()
    wanted = {
        "customers_start": 2, "customers_end": 3, "customers_new": 1, "customers_lost": 1, "customers_returned": 1,
        "crr_ids": 0.5, "crr_totals": 1.0, "churn_start": 0.5, "churn_average": 0.4, "churn_stripe": 1 / 3,
        "return_rate": 1.0, "revenue": 35.0, "arppu": 17.5, "cac_recorded": 4.0, "cac_spend": 50.0, "crc_kept": 9.0,
        "crc_all": 3.0, "arpu_base": 35 / 4, "ltv_churn": 35 / 4, "ltv_to_cac": 35 / 16, "repeat_rate_ever": 0.5,
        "revenue_retention_orders": 1.0, "one_time_share": 0.5,
    }  # fmt: skip
    assert {name: told[name] for name in wanted} == pytest.approx(wanted)
    reasons = table.set_index("metric")["undefined"]
    assert (reasons["nps"], reasons["nrr"]) == ("no table surveys", "no table subscriptions")
    assert reasons["winback_rate"] == "no table contacts"


def test_the_rest_by_hand():
    """Subscribers a (4 a month, then 6), b (10, ends) and c (5, new); answers, questions, visits and letters.

    a and b return in March; of a's return alone 90 days are over by June.
    """
    since = [day(1, 5), day(1, 9), day(3, 3), day(3, 15)]
    spans = pd.DataFrame(
        {"customer_id": list("abca"), "since": since, "until": [np.nan, day(3, 20), np.nan, np.nan],
         "monthly": [4.0, 10.0, 5.0, 2.0]}
    )  # fmt: skip
    rows = [("a", day(1, 2), 10.0), ("a", day(3, 2), 20.0), ("a", day(3, 30), 20.0), ("b", day(1, 3), 40.0),
            ("b", day(3, 12), 10.0), ("d", day(1, 8), 5.0)]  # fmt: skip
    orders = pd.DataFrame(rows, columns=["customer_id", "day", "amount"])
    asked = [("a", "nps", 10), ("b", "nps", 9), ("c", "nps", 7), ("d", "nps", 6), ("a", "csat", 4), ("b", "csat", 1),
             ("a", "ces", 7), ("b", "ces", 2)]  # fmt: skip
    surveys = pd.DataFrame(
        [(who, day(3, 9), *rest) for who, *rest in asked], columns=["customer_id", "day", "kind", "score"]
    )
    given = Tables(
        orders=orders, subscriptions=spans, surveys=surveys,
        events=pd.DataFrame({"customer_id": ["c"], "day": [day(3, 31)]}),
        tickets=pd.DataFrame({"customer_id": ["a", "a", "c"], "day": [day(3, 4)] * 3, "csat": [5.0, 3.0, np.nan]}),
        contacts=pd.DataFrame({"customer_id": ["a", "b"], "day": [day(3, 1), day(3, 10)]}),
        costs=pd.DataFrame({"day": [day(3, 1)] * 2, "component": ["win_back", "acquisition"], "amount": [5.0, 8.0]}),
    )  # fmt: skip
    until = dt.date(2026, 6, 1)
    table = by_period(given, periods(dt.date(2026, 3, 1), dt.date(2026, 4, 1), "month"), Terms(30, 0.5, until))
    told = table.set_index("metric")["value"].to_dict()
    wanted = {
        "mrr_end": 11.0, "nrr": 6 / 14, "grr": 4 / 14, "revenue_churn": 10 / 14, "revenue_churn_gross": 10 / 14,
        "nps": 25.0, "csat_top2": 0.5, "csat_mean": 2.5, "ces": 4.5, "csat_tickets": 0.5,
        "contact_rate_customers": 1.0, "contact_rate_orders": 1.0, "arpu_active": 50 / 3, "average_order_value": 50 / 3,
        "orders_per_buyer": 1.5, "repeat_rate_period": 0.5, "repeat_rate_returning": 1.0, "top_fifth_share": 16 / 50,
        "winback_rate": 1.0, "winback_rate_uncontacted": 0.0, "second_life_value": 40.0 * 0.5,
        "regain_profit": 2 * 1.0 * 20.0 - 5.0, "one_time_share": 1 / 3,
    }  # fmt: skip
    assert {name: told[name] for name in wanted} == pytest.approx(wanted)


def test_costs_are_never_laid_upon_parts():
    """By channel, costs count where they say which channel they are of; without that column nothing is told."""
    orders = pd.DataFrame({"customer_id": ["a", "b"], "day": [day(1, 3)] * 2, "amount": [1.0, 1.0]})
    people = pd.DataFrame({"customer_id": ["a", "b"], "channel": ["web", "shop"]})
    costs = pd.DataFrame({"day": [day(2, 2)] * 2, "component": ["service", "surveys"], "amount": [6.0, 3.0]})
    terms, asked = Terms(31, 0.5, dt.date(2026, 3, 1)), periods(dt.date(2026, 2, 1), dt.date(2026, 3, 1), "month")

    def told(costs: pd.DataFrame, by: str) -> pd.DataFrame:
        table = by_period(Tables(orders=orders, customers=people, costs=costs), asked, terms, by)
        return table[table["metric"] == "crc_all"].set_index(["segment", "n"])

    def at_end(costs: pd.DataFrame, by: str = "") -> dict:
        return told(costs, by)["numerator"].dropna().to_dict()

    later = orders.assign(day=day(2, 20))
    orders = pd.concat([orders, later])
    assert at_end(costs) == {("all", ""): 9.0, ("all", "service"): 6.0, ("all", "surveys"): 3.0}
    assert set(told(costs, "channel")["undefined"]) == {"costs are not told by channel"}
    mine = costs.assign(channel=["web", "shop"])
    assert at_end(mine, "channel") == {
        ("shop", ""): 3.0, ("shop", "surveys"): 3.0, ("web", ""): 6.0, ("web", "service"): 6.0
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "by", "fault"),
    [
        (Tables(), "orders", "customers by orders need the table orders"),
        (Tables(), "subscriptions", "customers by subscriptions need the table subscriptions"),
        (
            Tables(orders=pd.DataFrame({"customer_id": ["a", "b"], "day": [1, 1], "amount": [1.0, np.nan]})),
            "orders",
            "orders have an amount that is no number in 1 rows, the first of 'b'",
        ),
    ],
)
def test_what_cannot_be_told_at_all_is_refused(given: Tables, by: str, fault: str):
    terms = Terms(31, 0.5, dt.date(2026, 3, 1), customers_by=by)
    with pytest.raises(ValueError, match=f"^{fault}$"):
        by_period(given, periods(dt.date(2026, 2, 1), terms.until, "month"), terms)


def test_a_shop_of_subscriptions_alone_is_told():
    """No orders: what needs them says so, and the rest is told; a month of 29 days too."""
    spans = pd.DataFrame({"customer_id": ["a"], "since": [19000], "until": [np.nan], "monthly": [3.0]})
    tickets = pd.DataFrame({"customer_id": ["a"], "day": [(dt.date(2028, 2, 29) - EPOCH).days], "csat": [4.0]})
    terms = Terms(31, 0.5, dt.date(2028, 3, 1), customers_by="subscriptions")
    asked = periods(dt.date(2028, 2, 1), terms.until, "month")
    told = by_period(Tables(subscriptions=spans, tickets=tickets), asked, terms).set_index("metric")
    assert asked[0].days == (21215, 21244)
    assert told.loc[["crr_ids", "csat_tickets", "mrr_end"], "value"].tolist() == [1.0, 1.0, 3.0]
    assert told.loc["contact_rate_orders", "undefined"] == told.loc["revenue", "undefined"] == "no table orders"


def test_periods_are_whole():
    assert [p.name for p in periods(dt.date(2026, 1, 2), dt.date(2026, 4, 30), "month")] == ["2026-02", "2026-03"]
    assert period_of(dt.date(2027, 1, 1), "week").name == "2026-W53"
    assert {(p := period_of(EPOCH + dt.timedelta(days=n), "quarter")).end > p.start for n in range(0, 4000, 7)} == {
        True
    }


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Asia/Kolkata", "Pacific/Apia"])
def test_a_row_counts_in_the_month_of_the_wall_clock(zone: str):
    """A second before and after each midnight that ends a month, with clocks changed in some and a leap year's too."""
    for number in range(24):
        midnight = dt.datetime(2024 + number // 12 * 2, number % 12 + 1, 1, tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)
        moments = [midnight + dt.timedelta(seconds=n) for n in (-1, 0, 10_800)]
        days = day_numbers(np.array([microseconds(each) for each in moments]), zone)
        names = [period_of(EPOCH + dt.timedelta(days=int(each)), "month").name for each in days]
        assert names == [each.astimezone(ZoneInfo(zone)).strftime("%Y-%m") for each in moments]


def test_every_metric_is_told_once_and_defined():
    """Each group's rules and the retention by age together are all there is in the definitions."""
    grouped = [name for rules in GROUPS.values() for name in rules]
    frame = pd.DataFrame({"customer_id": ["a"], "day": [0], "amount": [1.0], "at": [0]})
    terms = Terms(1, 0.5, EPOCH + dt.timedelta(days=100))
    aged = by_age(Tables(orders=frame), terms, Ages(until_at=100 * cohorts.US_PER_DAY))
    assert sorted([*grouped, *aged["metric"].unique(), "ltv_fitted"]) == sorted(known_metrics([]))
    assert len(known_metrics([])) == sum(len(family_of(module)) for module in FAMILIES)


def test_the_page_is_made_from_the_code(texts: dict[str, str]):
    parts = dict(re.findall(r"(?s)<!-- (\w+) -->\n(.*?)<!-- end -->", texts["docs/metrics.md"]))
    assert parts == {"benchmarks": published(), "definitions": page()}
    code = re.search(r"(?s)```python\n(.*?)```", texts["docs/metrics.md"])[1]
    space: dict[str, object] = {}
    exec(compile(code, "docs/metrics.md", "exec"), space)  # noqa: S102 - our own page
    table = space["table"].set_index(["metric", "period"])["value"]
    assert table["revenue"].tolist() == [15.0, 20.0, 10.0]


def test_benchmarks_are_dated_and_sourced():
    told = {each.source: (each.published, each.rates) for each in benchmarks()}
    assert told["Paddle, also printed as HubSpot's"][0] == 2021
    assert told["First Page Sage"] == (2025, {"e_commerce": 62, "b2b_saas": 74, "financial_services": 74})


def test_an_unknown_metric_names_the_nearest():
    with pytest.raises(ConfigError, match=r"^there is no metric 'crr_id'. Did you mean 'crr_ids'\?$"):
        known_metrics(["crr_id"])


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Calls winback where the sample's project lies; the exit code, what was printed, and what on the error stream."""
    for name in ("configs", "data", "models"):
        shutil.copytree(shop.TEMPLATE / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)

    def run(*args: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as done:
            main(["metrics", "--config", "configs/sample.toml", *args])
            sys.exit(0)
        return (int(done.value.code or 0), *capsys.readouterr())

    return run


def test_the_verb_reads_the_facts(call: Call):
    """Revenue and new customers of all months are those of the file."""
    code, out, err = call("--json")
    assert (code, err) == (0, "")
    told = json.loads(out, parse_constant=pytest.fail)
    figures = pd.DataFrame(told["figures"])
    log = pd.read_csv(next(Path("data/sample").glob("orders.csv*")))
    months = pd.to_datetime(log["ordered_at"], utc=True).dt.strftime("%Y-%m")
    revenue_ = figures[figures["metric"] == "revenue"].set_index("period")["value"]
    assert revenue_.to_dict() == pytest.approx(log.groupby(months)["amount"].sum()[revenue_.index].to_dict())
    assert set(figures["metric"]) == set(known_metrics([]))
    fitted = figures[figures["metric"] == "ltv_fitted"].iloc[0]
    assert (fitted["n"], fitted["period"], fitted["undefined"]) == ("365", "all", "")
    assert fitted["low"] < fitted["value"] < fitted["high"]
    assert told["terms"]["customers_by"] == "orders"
    code, out, _ = call("--by", "channel", "--metric", "crr_ids", "--period", "quarter")
    assert code == 0
    assert len(out.splitlines()) > 4
    code, out, _ = call()
    assert code == 0
    assert re.search(r"(?m)^crr_ids +.*%\)", out)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--by", "chanel"), "customers are not parted by 'chanel'. Did you mean 'channel'?"),
        (("--by", "plan"), "'plan' is told by the table subscriptions, which is not mapped."),
        (("--by", "country"), "'country' is told by the customers' table, and [sources.customers] is not configured."),
        (("--costs", "no.csv"), "there is no file no.csv; costs are told by day, component and amount."),
        (("--age", "x"), "an age is a number of days such as 30, or a bracket such as 31-60; came 'x'."),
        (("--metric", "nrrr"), "there is no metric 'nrrr'. Did you mean 'nrr'?"),
        (
            ("--costs", "2026-01-01,aquisition,5"),
            "costs.csv, row 1: there is no component 'aquisition'. Did you mean 'acquisition'?",
        ),
        (("--costs", "2026-01-01,service,-5"), "costs.csv, row 1: a cost is money of 0 or more; came -5."),
        (
            ("--costs", "01.02.2026,service,5"),
            "costs.csv, row 1: Invalid isoformat string: '01.02.2026'. Days are written 2026-01-31, amounts 1200.50.",
        ),
    ],
)
def test_what_cannot_be_asked_is_said(call: Call, args: tuple[str, ...], message: str):
    if message.startswith("costs.csv"):
        Path("costs.csv").write_text(f"day,component,amount\n{args[1]}\n", "utf-8")
        args = ("--costs", "costs.csv")
    assert call(*args) == (1, "", f"Error: {message}\n")
