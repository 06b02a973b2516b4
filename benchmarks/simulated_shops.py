"""Simulated shops: how near a model comes to the truth, and whether its reasons name the planted cause.

    python benchmarks/simulated_shops.py [SEEDS] [CUSTOMERS]

Each seed is a shop of two years (`winback simulate`), looked at 60 days before its end: a model of the
cutoffs before is compared with the true chance to place no order in those 60 days, and its reasons with
the causes that are at work. docs/simulate.md says what the figures mean.
"""

from __future__ import annotations

import datetime as dt
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from sklearn.metrics import roc_auc_score

from winback import config, jobs, store
from winback.facts.intake.load import load
from winback.facts.labels.labels import oldest_order
from winback.risk.asking.dataset import Ask, labelled_rows, plan_cutoffs, seen_throughout
from winback.risk.learning.train import fit
from winback.risk.scoring.reasons import reasons_for, reference
from winback.simulate import files
from winback.simulate.shop import Shop, date_of

DAYS, HORIZON = 730, 60
# The drivers in which a cause shows itself beside fewer orders.
SHOWN_IN = {
    "price_pressure": {"discounts", "monetary"},
    "service_failure": {"service", "satisfaction"},
    "product_trouble": {"returns", "service", "satisfaction"},
    "novelty_gone": {"breadth", "loyalty", "engagement"},
    "payment_failure": {"payments", "subscription"},
    "competitor": {"engagement", "monetary"},
    "natural_end": {"engagement"},
}
USELESS = """
[[feature]]
name = "last_visit_seconds"
kind = "last"
table = "events"
measure = "value"
where = { kind = "visit" }
driver = "habits"
unit = "seconds"
label = "seconds of the last visit"
sentence = "The last visit took {value:.0f} seconds"
"""


def learned(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The examined rows with `churned` and `probability`, and the reasons of each."""
    (folder / "useless.toml").write_text(USELESS, "utf-8")
    paper = folder / "winback.toml"
    paper.write_text(paper.read_text("utf-8") + '\n[features]\nfiles = ["useless.toml"]\n', "utf-8")
    today = date_of(Shop(days=DAYS), DAYS)
    job = jobs.prepare(config.load(paper), folder, today, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    load(job.facts, job.sources, job.base, job.inputs, (job.zone, job.received_at), job.config.project.currency)
    plan = plan_cutoffs(job.config.cutoffs, job.spec.horizon_days, oldest_order(job.facts, job.zone), today)
    features = [f for f in job.features if f.name not in job.spec.leave_out]
    rows = labelled_rows(job.facts, [*plan.train, *plan.holdout], job.zone, today, Ask(job.spec, features))
    used = seen_throughout(rows, features)
    names = [f.name for f in used]
    examined = rows["cutoff"] == rows["cutoff"].max()
    learning, rows = rows[~examined].reset_index(drop=True), rows[examined].reset_index(drop=True)
    model = fit(job.spec, learning, used)
    model.card_ = {"reference": asdict(reference(model, learning[names], used))}
    rows["probability"] = model.predict_proba(rows[names])[:, 1]
    return rows, reasons_for(model, rows, used)


def named(reasons: pd.DataFrame, told: pd.DataFrame) -> pd.DataFrame:
    """One row a churner whose cause left a trace: where it is told, and its rank by points."""
    pushes = reasons[(reasons["points"] > 0) & reasons["customer_id"].isin(told["customer_id"])]
    pushes = pushes.merge(told[["customer_id", "cause"]], on="customer_id")
    pushes["right"] = [d in SHOWN_IN[c] for d, c in zip(pushes["driver"], pushes["cause"], strict=True)]
    found = told[["customer_id", "cause"]].set_index("customer_id")
    for column, by in {"told": "place", "by_points": "rank"}.items():
        found[column] = pushes[pushes["right"]].groupby("customer_id")[by].min()
    return found


def figures(rows: pd.DataFrame, reasons: pd.DataFrame, truth: pd.DataFrame) -> tuple[dict[str, float], pd.DataFrame]:
    """The figures of one shop, and the places of the causes."""
    all_of = rows[["customer_id", "churned", "probability"]].merge(truth, on="customer_id", validate="one_to_one")
    auc, best = (float(roc_auc_score(all_of["churned"], all_of[c])) for c in ("probability", "leaves"))
    places = named(reasons, all_of[all_of["churned"] & all_of["traced"]])
    pausing = all_of[all_of["on_pause"] & all_of["cause"].isna()]
    top, best_top = (all_of[c].quantile(0.9) for c in ("probability", "leaves"))
    first = reasons[(reasons["rank"] <= 3) & (reasons["points"] > 0)]
    useless = first.loc[first["feature"] == "last_visit_seconds", "customer_id"].nunique()
    found = {"customers": len(all_of), "churned": all_of["churned"].mean(), "auc": auc, "truth": best}
    found |= {"ratio": auc / best, "traced": len(places), "useless": useless / len(all_of)}
    for column in ("told", "by_points"):
        found |= {f"1st {column}": (places[column] <= 1).mean(), f"2 {column}": (places[column] <= 2).mean()}
    pauses = {"paused": len(pausing), "in top": (pausing["probability"] > top).mean()}
    return {**found, **pauses, "truth in top": (pausing["leaves"] > best_top).mean()}, places


def shops(seeds: int, customers: int) -> Iterator[tuple[dict[str, float], pd.DataFrame]]:
    """The figures of each seed's shop."""
    for seed in range(1, seeds + 1):
        with tempfile.TemporaryDirectory() as name:
            asked = Shop(customers=customers, days=DAYS, seed=seed)
            cutoff = date_of(asked, DAYS - HORIZON)
            files.write(asked, Path(name) / "shop", [cutoff])
            truth = store.read_table(Path(name) / "shop" / "truth" / "cutoffs" / f"day-{DAYS - HORIZON:04}.parquet")
            rows, reasons = learned(Path(name) / "shop")
            yield figures(rows, reasons, truth.to_pandas())


def main() -> None:
    """Print the table."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    customers = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000
    began, found, places = time.monotonic(), [], []
    for number, (told, place) in enumerate(shops(seeds, customers), start=1):
        found.append(told)
        places.append(place)
        shown = {name: round(float(value), 4) for name, value in told.items()}
        print(f"seed {number} ({time.monotonic() - began:.0f} s): {shown}", flush=True)
    frame, of_cause = pd.DataFrame(found), pd.concat(places)
    print(frame.agg(["mean", "min", "max"]).T.round(4).to_string())
    share = of_cause.groupby("cause")[["told", "by_points"]]
    print(pd.concat({k: share.agg(lambda c, k=k: (c <= k).mean()) for k in (1, 2)}, axis=1).round(3).to_string())
    print(of_cause["cause"].value_counts().to_string())


if __name__ == "__main__":
    main()
