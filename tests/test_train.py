"""From the sample's files to a champion: what training must show, keep, and not depend on."""

import datetime as dt
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import candidates
import shop
from winback.config import Cutoffs
from winback.errors import FeatureMismatch, NotEnoughData
from winback.facts.features import declared
from winback.facts.intake.ingest import ingest
from winback.risk.asking.dataset import Ask, Plan, plan_cutoffs, rows_at
from winback.risk.asking.specs import Boosting, Gates, Spec
from winback.risk.examining.card import card_markdown
from winback.risk.keeping import model_file
from winback.risk.keeping.champions import features_of
from winback.risk.learning.train import fit, train
from winback.risk.scoring.estimator import ChurnClassifier
from winback.risk.scoring.reasons import reasons_for
from winback.risk.scoring.score import score

DAY = dt.timedelta(days=1)
SPEC = Spec(
    "small",
    horizon_days=28,
    active_days=90,
    leave_out=("orders_total",),
    estimator=Boosting(n_models=1, max_iter=40, learning_rate=0.1, max_features=0.3),
    gates=Gates(min_customers=500, min_churned=100, max_calibration_error=0.1),
)
PLAN = Plan(
    train=tuple(dt.date(2025, month, 1) for month in (6, 7, 8, 9, 10, 11, 12)),
    holdout=(dt.date(2026, 1, 1), dt.date(2026, 1, 15)),
)
Rows = list[str]


def taken_in(folder: Path, change: Callable[[str, Rows], Rows] = lambda _, lines: lines) -> Path:
    """The facts of the sample, with its files' lines changed before they are read."""
    asked = shop.job(shop.lay_down(folder))
    for table in ("orders", "events", "contacts"):
        header, lines = shop.rows(folder / f"{table}.csv")
        shop.write_rows(folder / f"{table}.csv", header, change(table, lines))
    ingest(asked.config.sources, asked.base, folder / "facts", "UTC", shop.RECEIVED)
    return folder / "facts"


def trained(facts: Path, zone: str = "UTC", **changed: object) -> ChurnClassifier:
    """The small model of these facts."""
    offered = declared.available({"orders", "orders.discount", "order_categories", "events"})
    return train(facts, PLAN, zone, shop.TODAY, Ask(replace(SPEC, **changed), offered)).model


def chances(model: ChurnClassifier, facts: Path) -> pd.Series:
    """Each customer's probability to leave after TODAY."""
    features = features_of(model)
    rows = rows_at(facts, [shop.TODAY], "UTC", Ask(SPEC, features))
    return score(model, rows, features, 0.5).set_index("customer_id")["probability"]


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return taken_in(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def model(facts: Path) -> ChurnClassifier:
    return trained(facts)


@pytest.fixture(scope="module")
def published(model: ChurnClassifier, facts: Path) -> pd.Series:
    return chances(model, facts)


def test_the_plan_is_one_that_winback_would_make() -> None:
    asked = Cutoffs(first=PLAN.train[0], holdout=PLAN.holdout)
    assert plan_cutoffs(asked, 28, dt.date(2025, 1, 1), shop.TODAY) == PLAN


def test_the_card_says_what_was_asked_learned_and_shown(model: ChurnClassifier) -> None:
    card = model.card_
    told = ["spec", "today", "examined_after", "fitted_on", "rows", "quality", "examination", "search", "reference"]
    assert list(card) == [*told, "drift_reference"]
    assert list(card["drift_reference"]["columns"]) == [*(f.name for f in features_of(model)), "probability"]
    assert card["spec"] == SPEC.as_dict()
    assert card["today"] == "2026-02-15"
    assert card["examined_after"] == [f"2025-{month:02}-01" for month in range(6, 13)]
    assert card["fitted_on"] == [*card["examined_after"], "2026-01-01", "2026-01-15"]
    assert [q["cutoff"] for q in card["quality"]] == ["2026-01-01", "2026-01-15"]
    assert card["rows"] > 1000
    for figures in card["quality"]:
        assert figures["auc"] > figures["rule_auc"]
        assert 0.1 < figures["churned"] < 0.4
        assert 0.6 < figures["auc"] < 0.95
        assert figures["log_loss"] < -np.log([figures["churned"], 1 - figures["churned"]]) @ [
            figures["churned"],
            1 - figures["churned"],
        ]
    assert set(card["reference"]) == {"base_rate", "log_odds"}
    assert set(card["reference"]["log_odds"]) == {f.driver for f in features_of(model)}


def test_the_card_holds_the_whole_examination(model: ChurnClassifier) -> None:
    """Of the same rows as the figures by cutoff; left-out columns tell slices and peers, but not the model."""
    told, figures = model.card_["examination"], pd.DataFrame(model.card_["quality"])
    assert told["pooled"]["rows"] == figures["customers"].sum()
    assert [c["cutoff"] for c in told["cutoffs"]] == figures["cutoff"].to_list()
    for name in ("auc", "log_loss", "calibration_slope", "lift_quality"):
        assert [c[name]["value"] for c in told["cutoffs"]] == pytest.approx(figures[name].to_list())
    assert told["mean_auc"]["value"] == pytest.approx(figures["auc"].mean())
    assert [p["peer"] for p in told["peers"]] == [
        "rule: orders_28d",
        "logistic regression, same features",
        "logistic regression, recency, frequency and money",
        "MBG/NBD, fewest expected purchases",
    ]
    assert told["peers"][1]["auc"]["value"] == pytest.approx(figures["logistic_auc"].mean())
    assert {s["column"] for s in (*told["slices"], *told["too_small"])} == {"orders_total", "days_since_first_order"}
    assert all(t["lead_time"]["lapses"] > 0 for t in told["thresholds"])
    assert card_markdown(model.card_).startswith("# Model card: small\n\n**Grade ")


def test_the_model_reads_what_was_always_seen_and_not_left_out(model: ChurnClassifier) -> None:
    """The log starts in 2025: at the first cutoff, 151 days later, a window of 180 days was not seen."""
    names = {f.name for f in features_of(model)}
    assert {"days_since_last_order", "orders_28d", "orders_90d", "engagements_28d"} <= names
    assert {"orders_180d", "spend_180d", "orders_total"} <= {f.name for f in declared.builtin()} - names
    assert names == set(model.feature_names_in_)


def test_the_base_rate_is_that_of_all_rows_it_was_fitted_on(model: ChurnClassifier) -> None:
    learned = sum(q["customers"] for q in model.card_["quality"])
    assert learned < model.card_["rows"]
    assert 0.1 < model.card_["reference"]["base_rate"] < 0.4


def test_trained_again_it_is_the_same_to_the_bit(model: ChurnClassifier, facts: Path, published: pd.Series) -> None:
    again = trained(facts)
    assert again.card_ == model.card_
    pd.testing.assert_series_equal(chances(again, facts), published, check_exact=True)


def test_the_order_of_the_files_rows_changes_no_bit(
    model: ChurnClassifier, published: pd.Series, tmp_path: Path
) -> None:
    """From shuffled files to facts, card and scores."""

    def shuffled(table: str, lines: Rows) -> Rows:
        mixed = random.Random(table).sample(lines, len(lines))
        assert mixed != lines
        return mixed

    other = taken_in(tmp_path, shuffled)
    again = trained(other)
    assert again.card_ == model.card_
    pd.testing.assert_series_equal(chances(again, other), published, check_exact=True)


def test_what_customers_are_called_changes_no_score(
    model: ChurnClassifier, published: pd.Series, tmp_path: Path
) -> None:
    """Names that sort the other way round, some with blanks, quotes, other alphabets: nothing is read from them."""

    def name(old: str) -> str:
        return f"{9999 - int(old[1:]):04} 顧客 '{old[::-1]}"

    def renamed(_: str, lines: Rows) -> Rows:
        return [",".join([name(line.split(",", 1)[0]), line.split(",", 1)[1]]) for line in lines]

    found = chances(model, taken_in(tmp_path, renamed))
    assert found.index.tolist() == sorted(name(old) for old in published.index)
    assert found.to_dict() == {name(old): chance for old, chance in published.items()}


def with_an_order_more(folder: Path, today: dt.date) -> Path:
    """The facts of the sample in which everybody ordered once more on the eve of `today`, as the last time."""
    stamp = f"{today - DAY}T12:00:00Z"

    def one_more(table: str, lines: Rows) -> Rows:
        if table != "orders":
            return lines
        before = [line.split(",") for line in lines if line.split(",")[1] < stamp]
        last = {fields[0]: fields for fields in sorted(before, key=lambda fields: fields[1])}
        return [*lines, *(",".join([who, stamp, *rest]) for who, _, *rest in last.values())]

    return taken_in(folder, one_more)


@pytest.mark.deep
def test_an_order_more_makes_hardly_anybody_who_was_overdue_likelier_to_leave(facts: Path, tmp_path: Path) -> None:
    """Of those who order every other week or more often and have paused for over twice as long as usual.

    Of others it may, and rightly: who buys every five weeks and is due tomorrow will order in the 28 days
    that are asked about, and who has just ordered will not. A single seed would be rougher.
    """
    model = trained(facts, estimator=replace(SPEC.estimator, n_models=3))
    features, then, now = features_of(model), [], []
    for today in (PLAN.holdout[0], shop.TODAY):
        after = with_an_order_more(tmp_path / f"{today}", today)
        was, is_now = (
            rows_at(each, [today], "UTC", Ask(SPEC, features)).set_index("customer_id") for each in (facts, after)
        )
        overdue = was[(was["gap_median_days"] <= 14) & (was["overdue_median_ratio"] > 2)]
        then.extend(model.predict_proba(overdue[model.feature_names_in_])[:, 1])
        now.extend(model.predict_proba(is_now.loc[overdue.index, model.feature_names_in_])[:, 1])
    assert len(then) > 40
    assert np.less_equal(now, then).mean() >= 0.95
    assert np.mean(now) < 0.7 * np.mean(then)


def test_what_happens_from_today_on_changes_no_score(
    model: ChurnClassifier, published: pd.Series, facts: Path, tmp_path: Path
) -> None:
    """Nor the model: what was trained for TODAY knows of no row of TODAY or later."""

    def until_today(_: str, lines: Rows) -> Rows:
        kept = [line for line in lines if line.split(",")[1] < f"{shop.TODAY}"]
        assert len(kept) < len(lines)
        return kept

    known = taken_in(tmp_path, until_today)
    again = trained(known)
    assert again.card_ == model.card_
    pd.testing.assert_series_equal(chances(again, known), published, check_exact=True)


def test_a_model_from_its_file_gives_the_same_bits(
    model: ChurnClassifier, facts: Path, published: pd.Series, tmp_path: Path
) -> None:
    """Scores and reasons."""
    sha256 = model_file.save(model, tmp_path / "model.skops")
    loaded = model_file.load(tmp_path / "model.skops", sha256)
    assert loaded.card_ == model.card_
    assert loaded.card_["spec"] == SPEC.as_dict()
    pd.testing.assert_series_equal(chances(loaded, facts), published, check_exact=True)
    features = features_of(model)
    rows = rows_at(facts, [shop.TODAY], "UTC", Ask(SPEC, features)).assign(probability=published.to_numpy())
    ours, theirs = (reasons_for(each, rows, features) for each in (model, loaded))
    pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
    total = ours.groupby("customer_id")["points"].sum() + ours["base_rate"].iloc[0]
    assert (total - published).abs().max() < 1e-9


def test_a_cutoff_is_called_by_the_businesss_date(facts: Path) -> None:
    """East of Greenwich the day begins while it is still yesterday in UTC."""
    model = trained(facts, zone="Asia/Tokyo")
    assert [q["cutoff"] for q in model.card_["quality"]] == ["2026-01-01", "2026-01-15"]


def test_too_few_rows_stop_the_training(facts: Path) -> None:
    with pytest.raises(NotEnoughData, match="the training rows hold "):
        trained(facts, gates=Gates(min_customers=100_000))


def test_a_past_that_ranks_nobody_later_is_refused() -> None:
    """Whoever seemed likely to leave stays later, and the other way round."""
    both = candidates.rows([dt.date(2025, 7, 1), dt.date(2025, 9, 1)], 300)
    later = both["cutoff"] == both["cutoff"].max()
    with pytest.raises(NotEnoughData) as refused:
        fit(candidates.SPEC, both.assign(churned=both["churned"] ^ later), candidates.FEATURES)
    assert str(refused.value) == (
        "predictions for 300 later rows do not rank them at all; there is too little history, or the past does not "
        "resemble the later dates."
    )


def test_the_examined_model_has_not_seen_the_holdouts(facts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the two fits only the second, after the examination, has rows of a hold-out."""
    seen, fit = [], ChurnClassifier.fit

    def watched(self: ChurnClassifier, X: pd.DataFrame, y: np.ndarray, folds: list) -> ChurnClassifier:
        seen.append(len(X))
        assert all(max(train) < len(X) for train, _ in folds)
        return fit(self, X, y, folds)

    monkeypatch.setattr(ChurnClassifier, "fit", watched)
    card = trained(facts).card_
    assert seen == [card["rows"] - sum(q["customers"] for q in card["quality"]), card["rows"]]


def test_holdouts_without_a_cohort_are_refused(facts: Path) -> None:
    """A shop that is closed on Sundays, asked about yesterday's customers on a Monday."""
    nobody = Plan(PLAN.train, (dt.date(2024, 1, 1),))
    offered = declared.named(["days_since_last_order", "orders_28d"])
    with pytest.raises(NotEnoughData) as refused:
        train(facts, nobody, "UTC", shop.TODAY, Ask(replace(SPEC, leave_out=()), offered))
    assert str(refused.value) == "nobody was in the cohort at any of the hold-out cutoffs; choose others."


def test_features_are_read_in_the_models_order(
    model: ChurnClassifier, published: pd.Series, facts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later winback may declare them in another; the model goes on with its own."""
    turned = tuple(reversed(declared.builtin()))
    monkeypatch.setattr(declared, "builtin", lambda: turned)
    assert [f.name for f in features_of(model)] == list(model.feature_names_in_)
    pd.testing.assert_series_equal(chances(model, facts), published, check_exact=True)


@pytest.mark.parametrize("count", [1, 7])
def test_features_that_are_declared_no_more(
    model: ChurnClassifier, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    gone = [str(name) for name in model.feature_names_in_[:count]]
    left = tuple(f for f in declared.builtin() if f.name not in gone)
    monkeypatch.setattr(declared, "builtin", lambda: left)
    with pytest.raises(FeatureMismatch) as refused:
        features_of(model)
    assert str(refused.value) == (
        f"the model reads {count} features that this version of winback does not declare (first: {gone[:5]}). Train "
        "again, or run the version of winback that trained it."
    )
