"""The gate before any list: planted faults are stopped, healthy nights are not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import shop as runs_of
import simulated_nights as nights
from winback import runs, store
from winback.campaigns import words
from winback.errors import PublishRefused
from winback.facts.check.gates import Gate
from winback.limits import Publish
from winback.risk.keeping.champions import features_of
from winback.risk.watching import publish_gate
from winback.risk.watching.publish_list import Made
from winback.risk.watching.publish_scores import Scored
from winback.simulate.shop import Shop

HEADERS = (words.HEADERS["en"]["customer_id"], words.HEADERS["en"]["chance_to_leave_percent"])

SMALL = Shop(customers=700, days=470, seed=5, without=("tickets", "surveys"))
LARGE = Shop(customers=2000, days=740, seed=6)
Night = tuple[Scored, Made]
Plant = Callable[[Scored, Made, Scored], Night]


@dataclass(frozen=True)
class Opened:
    """A shop with its published nights, its model, and what the next night is held to."""

    config: Path
    found: nights.Found
    folders: list[Path]
    terms: publish_gate.Terms


def opened(shop: Shop, folder: Path, count: int) -> Opened:
    """The last so many days of a shop as nights, with a model of six months before them."""
    start = shop.start + dt.timedelta(days=shop.days - count)
    path = nights.lay_down(folder, shop)
    job = nights.ingested(path, start)
    found = nights.fitted(job, [start - dt.timedelta(days=28 + 30 * n) for n in reversed(range(6))])
    days = [start + dt.timedelta(days=n) for n in range(count)]
    rows = nights.features_of_days(job, found[1], days)
    folders = [nights.night(job, day, rows[day], found) for day in days]
    clocks = {f.name for f in features_of(found[1], job.features) if f.kind == "since_nth"}
    terms = publish_gate.Terms("UTC", replace(job.config.offers, budget=1e6), Publish(), 1, clocks)
    return Opened(path, found, folders, terms)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """Twenty healthy nights of a small shop."""
    return opened(SMALL, tmp_path_factory.mktemp("nights") / "shop", 20)


def day_of(folder: Path) -> dt.date:
    return dt.date.fromisoformat(folder.name[:10])


def read(folder: Path) -> Night:
    return publish_gate.scored(folder, day_of(folder)), publish_gate.made(folder, str, HEADERS)


def refused(now: Scored, made: Made, before: Scored | None, terms: publish_gate.Terms) -> list[Gate]:
    return [gate for gate in publish_gate.publish_gates(now, made, before, terms) if not gate.passed]


def test_twenty_healthy_nights_are_published(shop: Opened):
    """Each was compared with the night before, in all gates."""
    told = [store.read_json(folder / "publish_gate.json") for folder in shop.folders]
    assert [each["compared_with"] for each in told] == [None, *(str(day_of(folder)) for folder in shop.folders[:-1])]
    assert {len(each["gates"]) for each in told[1:]} == {35}
    assert all(gate["passed"] and gate["refusal"] == "" for each in told for gate in each["gates"])
    assert runs.current(shop.folders[0].parent) == shop.folders[-1]


@pytest.mark.deep
def test_two_hundred_healthy_nights_are_published(tmp_path: Path):
    """A refused night would raise."""
    assert len({folder.name for folder in opened(LARGE, tmp_path / "shop", 201).folders[1:]}) == 200


def on(part: str, **columns: Any) -> Plant:
    """Columns of a table, each a value or made anew from the table."""

    def plant(now: Scored, made: Made, _: Scored) -> Night:
        holder = now if part in ("features", "scores") else made
        frame = getattr(holder, part)
        changed = replace(
            holder, **{part: frame.assign(**{k: v(frame) if callable(v) else v for k, v in columns.items()})}
        )
        return (changed, made) if holder is now else (now, changed)

    return plant


def rows(part: str, choose: Callable[[pd.DataFrame], pd.DataFrame]) -> Plant:
    """Rows of a table, or several tables joined by `+`."""

    def plant(now: Scored, made: Made, _: Scored) -> Night:
        for name in part.split("+"):
            if name in ("features", "scores"):
                now = replace(now, **{name: choose(getattr(now, name))})
            else:
                made = replace(made, **{name: choose(getattr(made, name))})
        return now, made

    return plant


def rescored(change: Callable[[Scored, Scored], Any]) -> Plant:
    """Other chances, with flags, reasons and list that go with them: only the chances can give them away."""

    def plant(now: Scored, made: Made, before: Scored) -> Night:
        chance = np.asarray(change(now, before), dtype=np.float64)
        scores = now.scores.assign(probability=chance, at_risk=chance >= 0.4)
        moved = pd.Series(chance - now.chance, index=now.scores["customer_id"])
        first = made.reasons["rank"] == 1
        reasons = made.reasons.copy()
        reasons.loc[first, "points"] += reasons.loc[first, "customer_id"].map(moved)
        risky = scores[scores["at_risk"]]
        percent = (100 * risky["probability"]).round(1).astype(str)
        listed = pd.DataFrame({"customer_id": risky["customer_id"], "chance_to_leave_percent": percent})
        decisions = made.decisions.assign(action="leave_alone")
        return replace(now, scores=scores), replace(made, reasons=reasons, listed=listed, decisions=decisions)

    return plant


def yesterdays(part: str) -> Plant:
    """What was computed yesterday, with today's date on it."""

    def plant(now: Scored, made: Made, before: Scored) -> Night:
        ours, theirs = (getattr(run, part).set_index("customer_id") for run in (now, before))
        common = ours.index.intersection(theirs.index)
        old = theirs.loc[common].assign(cutoff=ours["cutoff"].loc[common])
        mixed = pd.concat([old, ours.drop(common)]).loc[ours.index].reset_index()
        return replace(now, **{part: mixed[getattr(now, part).columns]}), made

    return plant


def thrice(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame.assign(customer_id=frame["customer_id"] + tail) for tail in ("", "x", "y")])


def some(frame: pd.DataFrame) -> pd.Series:
    """Every second row."""
    return pd.Series(np.arange(len(frame)) % 2 == 0, index=frame.index)


def logit_moved(by: float) -> Callable[[Scored, Scored], Any]:
    return lambda now, _: 1 / (1 + (1 / now.chance - 1) * np.exp(-by))


ALL = "features+scores+reasons+assignments+decisions"
FAULTS: list[tuple[str, Plant, str]] = [
    ("three quarters of the customers are lost", rows(ALL, lambda f: f[f["customer_id"].str[-1].isin(["1", "2"])]),
     "number of customers since training"),
    ("every customer under three names", rows(ALL, thrice), "number of customers since training"),
    ("customers twice", rows("features+scores", lambda f: pd.concat([f, f.head(3)])), "customers of features"),
    ("customers without a score", rows("scores", lambda f: f.iloc[5:]), "cohort of scores"),
    ("nobody", rows("features+scores", lambda f: f.head(0)), "customers of features"),
    ("a chance that is no number", on("scores", probability=lambda f: f["probability"].where(f.index > 0)), "chances"),
    ("chances in percent", on("scores", probability=lambda f: 100 * f["probability"]), "chances"),
    ("chances below zero", on("scores", probability=lambda f: f["probability"] - 0.3), "chances"),
    ("one chance for all", rescored(lambda now, _: np.full(len(now.scores), 0.3)), "different chances"),
    ("the chance to stay", rescored(lambda now, _: 1 - now.chance), "mean chance"),
    ("too sure of everything", rescored(lambda now, _: (now.chance > 0.25) * 0.9 + now.chance / 20),
     "chances since training"),
    ("everybody fears more", rescored(logit_moved(1.5)), "share at risk"),
    ("scores of yesterday", yesterdays("scores"), "chances are new"),
    ("scores of another customer", on("scores", probability=lambda f: np.roll(f["probability"], 1)), "points"),
    ("another day", on("scores", cutoff=lambda f: f["cutoff"] - pd.Timedelta(days=1)), "cutoff of scores"),
    ("the beginning of the day in another zone", on("features", cutoff=lambda f: f["cutoff"] + pd.Timedelta(hours=1)),
     "cutoff of features"),
    ("another version", on("scores", model_version="7"), "model version"),
    ("flags of another threshold", on("scores", at_risk=lambda f: f["probability"] >= 0.3), "at risk"),
    ("features of yesterday", yesterdays("features"), "features are new"),
    ("a feature is not there", rows("features", lambda f: f.drop(columns="spend_90d")), "features, features there"),
    ("a feature is unknown", on("features", orders_90d=np.nan), "features, unknown values"),
    ("a feature is unknown for half", on("features", orders_90d=lambda f: f["orders_90d"].mask(some(f))),
     "features, unknown values"),
    ("unknown became zero", on("features", gap_median_days=lambda f: f["gap_median_days"].mask(some(f), np.nan)),
     "features, unknown values"),
    ("a feature is zero", on("features", orders_90d=0.0), "features, equal values"),
    ("a feature is one number", on("features", visits_28d=3.0), "features, equal values"),
    ("cents for euros", on("features", spend_90d=lambda f: 100 * f["spend_90d"]), "features, units"),
    ("thousands", on("features", spend_90d=lambda f: f["spend_90d"] / 1000), "features, units"),
    ("orders counted twice", on("features", orders_90d=lambda f: 2 * f["orders_90d"]), "features, spread"),
    ("one feature in the place of another", on("features", orders_28d=lambda f: f["orders_total"]), "features, spread"),
    ("visits ended twelve days ago", on("features", days_since_last_visit=lambda f: f["days_since_last_visit"] + 12),
     "features, news"),
    ("reasons off by a little", on("reasons", points=lambda f: f["points"] + 2e-5 * (f["rank"] == 1)), "points"),
    ("a reason twice", rows("reasons", lambda f: pd.concat([f, f.head(1).assign(points=0.0)])), "drivers"),
    ("reasons of strangers", on("reasons", customer_id=lambda f: f["customer_id"].replace(f["customer_id"][0], "x")),
     "cohort of reasons"),
    ("no decision for some", rows("decisions", lambda f: f.iloc[3:]), "cohort of decisions"),
    ("decisions for strangers", on("decisions", customer_id=lambda f: f["customer_id"] + "x"), "cohort of decisions"),
    ("actions for all", on("decisions", action="price_offer"), "actions for those at risk"),
    ("the held-out are treated", on("assignments", arm="held_out"), "actions for those treated"),
    ("more than the budget", on("decisions", expected_cost=1e6), "budget"),
    ("a gain that is no number", on("decisions", expected_net_gain=np.inf), "money"),
    ("a list cut short", rows("listed", lambda f: f.iloc[:-1]), "list"),
    ("a list with strangers", on("listed", customer_id=lambda f: ["x", *f["customer_id"][1:]]), "listed chances"),
    ("chances of another list", on("listed", chance_to_leave_percent=lambda f: np.roll(f.iloc[:, 1], 1)),
     "listed chances"),
    ("a list that cannot be read", lambda now, made, _: (now, replace(made, listed=None)), "list"),
]  # fmt: skip


def test_a_healthy_night_passes_every_gate(shop: Opened):
    """Else the planted faults below would prove nothing."""
    before, _ = read(shop.folders[-2])
    assert refused(*read(shop.folders[-1]), before, shop.terms) == []
    assert refused(*read(shop.folders[-1]), None, shop.terms) == []


@pytest.mark.parametrize(("plant", "name"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_a_planted_fault_is_stopped(shop: Opened, plant: Plant, name: str):
    before, _ = read(shop.folders[-2])
    now, made = plant(*read(shop.folders[-1]), before)
    found = refused(now, made, before, shop.terms)
    assert name in [gate.name for gate in found]
    assert all(gate.refusal.startswith(f"{gate.name}: ") for gate in found)


def files(table: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Path], None]:
    """A fault of the feed: the file of a table, changed."""

    def plant(folder: Path) -> None:
        (path,) = (folder / table).iterdir()
        store.write_table(path, change(store.read_table(path).to_pandas()))

    return plant


def again(frame: pd.DataFrame) -> pd.DataFrame:
    """Every order once more, under another number."""
    return pd.concat([frame, frame.assign(order_id="again " + frame["order_id"], amount=frame["amount"] + 0.01)])


def until(frame: pd.DataFrame, moment: str, days: int) -> pd.DataFrame:
    """The rows of a file that ends so many days earlier."""
    return frame[frame[moment] < frame[moment].max() - pd.Timedelta(days=days)]


FEED = [
    ("cents for euros", files("orders", lambda f: f.assign(amount=100 * f["amount"])), "features, units"),
    ("every order twice", files("orders", again), "features, spread"),
    ("a third of the customers", files("orders", lambda f: f[f["customer_id"].str[-1].isin(list("147"))]),
     "number of customers since"),
    ("visits end two weeks ago", files("events", lambda f: until(f, "occurred_at", 14)), "features, news"),
    ("visits are called otherwise", files("events", lambda f: f.assign(kind=f["kind"].replace("visit", "cart"))),
     "features, "),
    ("events of other people", files("events", lambda f: f.assign(customer_id="x" + f["customer_id"])), "features, "),
    ("no discounts", files("orders", lambda f: f.assign(discount=0.0)), "features, equal values"),
    ("no category", files("orders", lambda f: f.assign(category="all")), "features, equal values"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("plant", "said"),
    [pytest.param(*fault[1:], id=fault[0], marks=[pytest.mark.deep] * (n > 0)) for n, fault in enumerate(FEED)],
)
def test_a_fault_of_the_feed_leaves_the_list_before(shop: Opened, tmp_path: Path, plant: Any, said: str):
    """From the file on: taken in, described, scored, and stopped at the gate."""
    path = runs_of.copy(shop.config, tmp_path / "shop")
    plant(path.parent)
    day = day_of(shop.folders[-1]) + dt.timedelta(days=1)
    job = nights.ingested(path, day)
    rows = nights.features_of_days(job, shop.found[1], [day])[day]
    with pytest.raises(PublishRefused) as caught:
        nights.night(job, day, rows, shop.found)
    first, *reasons, last = str(caught.value).splitlines()
    assert first == (
        f"the list for {day} is not published: {len(reasons)} of 35 gates refuse it. The list before stays."
    )
    assert [line for line in reasons if line.startswith(said)]
    assert last.startswith("Mend the data and run again; where this is how the business is now, train again or set")
    assert runs.current(path.parent / "runs") == path.parent / "runs" / shop.folders[-1].name
    told = store.read_json(job.runs / job.run_id / "publish_gate.json")
    assert [gate["refusal"] for gate in told["gates"] if not gate["passed"]] == reasons
    assert not (job.runs / job.run_id / "manifest.json").exists()


def test_the_limits_are_the_configurations(shop: Opened):
    """What is refused by one is let pass by another."""
    before, _ = read(shop.folders[-2])
    now, made = on("features", spend_90d=lambda f: 8 * f["spend_90d"])(*read(shop.folders[-1]), before)
    assert [gate.name for gate in refused(now, made, before, shop.terms)] == ["features, units", "features, spread"]
    wide = replace(shop.terms, publish=Publish(max_unit_factor=10, max_feature_index=9))
    assert refused(now, made, before, wide) == []


def test_a_level_that_was_published_once_is_let_pass(shop: Opened):
    """Prices that rose on the day before, and stay."""
    risen = [publish_gate.scored(folder, day_of(folder)) for folder in shop.folders[-2:]]
    risen = [replace(run, features=run.features.assign(spend_90d=8 * run.features["spend_90d"])) for run in risen]
    assert refused(risen[1], read(shop.folders[-1])[1], risen[0], shop.terms) == []


@pytest.mark.parametrize("cut", [1, 40, 400])
def test_a_list_cut_off_is_no_table(shop: Opened, tmp_path: Path, cut: int):
    """Whether it ends within a row or between two."""
    whole = (shop.folders[-1] / "at_risk.csv").read_bytes()
    (tmp_path / "at_risk.csv").write_bytes(whole[:-cut])
    for name in ("reasons", "assignments", "decisions"):
        (tmp_path / f"{name}.parquet").write_bytes((shop.folders[-1] / f"{name}.parquet").read_bytes())
    now, _ = read(shop.folders[-1])
    found = refused(now, publish_gate.made(tmp_path, str, HEADERS), None, shop.terms)
    assert "list" in [gate.name for gate in found]


def test_a_damaged_run_is_compared_with_nothing(shop: Opened, tmp_path: Path):
    """The one before it is taken."""
    path = runs_of.copy(shop.config, tmp_path / "shop")
    last = path.parent / "runs" / shop.folders[-1].name
    day = day_of(last) + dt.timedelta(days=1)
    found = publish_gate.last_published(last.parent, last.name, day)
    assert found is not None
    assert found.today == day_of(last)
    with (last / "scores.parquet").open("ab") as handle:
        handle.write(b"x")
    found = publish_gate.last_published(last.parent, last.name, day)
    assert found is not None
    assert found.today == day_of(shop.folders[-2])
    assert publish_gate.last_published(last.parent, last.name, day + dt.timedelta(days=40)) is None
