"""Training where our own campaigns treated some: they enter as the mode says, and nobody is examined on them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import shop
from winback.facts.features import declared
from winback.facts.intake.ingest import ingest
from winback.facts.labels.retraining import Campaigns
from winback.risk.asking.dataset import Ask, Plan
from winback.risk.asking.specs import Boosting, Gates, Spec
from winback.risk.examining.card import campaigns_words
from winback.risk.learning.candidate import Candidate
from winback.risk.learning.train import train

PLAN = Plan(train=tuple(dt.date(2025, month, 1) for month in (9, 10, 11, 12)), holdout=(dt.date(2026, 1, 1),))
SPEC = Spec(
    "small",
    horizon_days=28,
    active_days=90,
    estimator=Boosting(n_models=1, max_iter=15, learning_rate=0.1, max_features=0.5),
    gates=Gates(min_customers=100, min_churned=20),
    calibrated=False,
)
OFFERED = declared.named(["days_since_last_order", "orders_28d", "orders_90d", "spend_90d"])


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    asked = shop.job(shop.lay_down(folder))
    ingest(asked.config.sources, asked.base, folder / "facts", "UTC", shop.RECEIVED)
    return folder / "facts"


def ledger(arms: str = "tth", save_rate: float = 0.5) -> pd.DataFrame:
    """Every third customer of the sample held out, by turns with those treated, on the day of each cutoff."""
    ids = [f"C{n:04}" for n in range(1, 401)]
    days = [pd.Timestamp(day, tz="UTC") for day in (*PLAN.train[2:], *PLAN.holdout)]
    frames = [pd.DataFrame({"customer_id": ids, "cutoff": day}) for day in days]
    rows = pd.concat(frames, ignore_index=True)
    arm = np.resize(np.array([{"t": "treated", "h": "held_out"}[a] for a in arms]), len(rows))
    return rows.assign(arm=arm, action="call", propensity=2 / 3, save_rate=save_rate)


def trained(facts: Path, campaigns: Campaigns | None, spec: Spec = SPEC) -> Candidate:
    return train(facts, PLAN, "UTC", shop.TODAY, Ask(spec, OFFERED, (), campaigns))


@pytest.fixture(scope="module")
def plain(facts: Path) -> Candidate:
    """A model of before the first campaign."""
    return trained(facts, None)


def test_where_nobody_was_treated_nothing_changes(facts: Path, plain: Candidate) -> None:
    found = trained(facts, Campaigns(ledger("h"), 28))
    assert found.model.card_ == plain.model.card_
    pd.testing.assert_frame_equal(found.examined, plain.examined, check_exact=True)
    assert "campaigns" not in plain.model.card_


@pytest.mark.parametrize("mode", ["model", "exclude"])
def test_no_treated_customer_enters_as_if_untreated(facts: Path, plain: Candidate, mode: str) -> None:
    """The oracle goes through the ledger row by row."""
    campaigns = Campaigns(ledger(), 28, mode)  # type: ignore[arg-type]
    found = trained(facts, campaigns)
    treated = {
        (row.customer_id, cutoff)
        for row in campaigns.assignments.itertuples()
        if row.arm == "treated"
        for cutoff in found.model.card_["fitted_on"]
        if abs((row.cutoff.date() - dt.date.fromisoformat(cutoff)).days) < 28
    }

    def among(rows: pd.DataFrame) -> np.ndarray:
        days = rows["cutoff"].dt.strftime("%Y-%m-%d")
        return np.array([pair in treated for pair in zip(rows["customer_id"], days, strict=True)])

    assert not among(found.examined).any()
    assert len(found.examined) == (~among(plain.examined)).sum()
    told = found.model.card_["campaigns"]
    assert told["treated"] == among(plain.learning).sum() + among(plain.examined).sum()
    assert told["not_examined"] == among(plain.examined).sum()
    if mode == "model":
        assert told["left_out"] == 0 < told["drawn_anew"]
        both = plain.learning.merge(found.learning, on=["customer_id", "cutoff"])
        assert set(np.flatnonzero(both["churned_x"] != both["churned_y"])) <= set(np.flatnonzero(among(both)))
    else:
        assert not among(found.learning).any()
        assert told["left_out"] == told["treated"]


def test_the_naive_way_learns_another_model_and_both_are_shown(facts: Path, plain: Candidate) -> None:
    model = trained(facts, Campaigns(ledger(save_rate=0.9), 28))
    naive = trained(facts, Campaigns(ledger(), 28, "ignore"))
    assert naive.model.card_["quality"] == plain.model.card_["quality"]
    told, names = model.model.card_["campaigns"], [f.name for f in OFFERED]
    assert told["this"]["all"] > told["naive"]["all"]
    later = plain.examined[names]
    chances = [each.model.predict_proba(later)[:, 1].mean() for each in (model, naive)]
    assert chances[0] > chances[1] + 0.02
    assert campaigns_words(told).startswith(
        f"Of {told['rows']:,} rows {told['treated']:,} are of customers whom a campaign treated: they count with the "
        f"outcome that they would have had untreated ({told['drawn_anew']:,} of them another one; 0 left out, not "
    )
