"""All that is told of a model's chances on cutoffs it had not seen, with intervals, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from winback.risk.examining import figures
from winback.risk.examining.baselines import at_each_cutoff, rules
from winback.risk.examining.gains import by_threshold, deciles
from winback.risk.examining.grade import grade
from winback.risk.examining.intervals import LEVEL, Draws, Figure, drawn, draws, measured
from winback.risk.examining.profit import PAPER, Campaign, expected_maximum_profit, maximum_profit
from winback.risk.examining.ranked import Flags, Floats, ranked
from winback.risk.examining.slices import slices

SMALLEST, FEWEST = 200, 10
IN_SLICES = ("auc", "log_loss", "brier", "churned", "mean_predicted", "off", "calibration_slope")
LOGISTIC = "logistic regression, same features"


@dataclass(frozen=True)
class Terms:
    """How an examination is made: the question's horizon, the campaign it is valued for, samples and seed."""

    horizon_days: int
    campaign: Campaign = PAPER
    samples: int = 500
    seed: int = 0


def all_figures(campaign: Campaign) -> dict[str, Figure]:
    """The figures of an examination by name."""
    return {
        "auc": figures.auc,
        "average_precision": figures.average_precision,
        "log_loss": figures.log_loss,
        "brier": figures.brier,
        "churned": lambda counts: counts.share_left,
        "mean_predicted": figures.mean_predicted,
        "off": lambda counts: figures.mean_predicted(counts) - counts.share_left,
        "calibration_slope": figures.calibration_slope,
        "calibration_intercept": figures.calibration_intercept,
        "calibration_error": figures.calibration_error,
        "top_decile_lift": lambda counts: figures.lift(counts, 0.1),
        "lift_quality": figures.lift_quality,
        "expected_profit": lambda counts: expected_maximum_profit(counts, campaign).profit,
        "profit": lambda counts: maximum_profit(counts, campaign).profit,
    }


def examination(rows: pd.DataFrame, chance: Floats, peers: Mapping[str, Floats], terms: Terms) -> dict[str, Any]:
    """Figures over all held-out rows, by cutoff and by slice, against peers, by decile and threshold, and a grade.

    `rows` hold customer_id, cutoff, churned and what slices and rules are told by; `peers` are rankings of
    the same rows, the higher the more at risk, LOGISTIC among them.
    """
    rows = rows.reset_index(drop=True)
    churned, among = rows["churned"].to_numpy(dtype=bool), draws(rows["customer_id"], terms.samples, terms.seed)
    told = all_figures(terms.campaign)
    pooled = _told(churned, chance, told, among)
    against = compared(rows, chance, dict([_best_rule(rows)]) | dict(peers), among)
    verdict = (against["peers"][0]["auc_gain"], _gain_over(against, LOGISTIC))
    parts, small = _by_slice(rows, chance, {name: told[name] for name in IN_SLICES}, among)
    return {
        "interval": {"level": LEVEL, "samples": terms.samples, "seed": terms.seed, "drawn": "customers"},
        "campaign": asdict(terms.campaign),
        "customers": int(rows["customer_id"].nunique()),
        "pooled": pooled,
        "cutoffs": _by_cutoff(rows, chance, told, among),
        **against,
        "slices": parts,
        "too_small": small,
        "deciles": deciles(churned, chance),
        "thresholds": by_threshold(rows, chance, terms.horizon_days, among),
        "grade": grade(*verdict, pooled["calibration_slope"], pooled["off"]),
    }


def compared(rows: pd.DataFrame, chance: Floats, peers: Mapping[str, Floats], among: Draws) -> dict[str, Any]:
    """The mean AUC over the cutoffs, of the model and of each peer, and the gain over each in the same samples."""
    own_value, own = mean_auc(rows, chance, among)
    entries = []
    for name, ranks in peers.items():
        value, samples = mean_auc(rows, ranks, among)
        gain = among.interval(own_value - value, own - samples)
        entries.append({"peer": name, "auc": among.interval(value, samples), "auc_gain": gain})
    return {"mean_auc": among.interval(own_value, own), "peers": entries}


def mean_auc(rows: pd.DataFrame, chance: Floats, among: Draws) -> tuple[float, Floats]:
    """The mean over cutoffs of the AUC within each, of these rows and in each sample."""
    churned = rows["churned"].to_numpy(dtype=bool)
    at = at_each_cutoff(rows)
    values = [figures.auc(ranked(churned[k], chance[k]))[0] for k in at]
    samples = [drawn(churned[k], chance[k], {"auc": figures.auc}, among.of(k))["auc"] for k in at]
    return float(np.mean(values)), np.mean(samples, axis=0)


def _best_rule(rows: pd.DataFrame) -> tuple[str, Floats]:
    """The rule with the highest mean AUC over the cutoffs: chosen in hindsight, to its advantage."""
    churned = rows["churned"].to_numpy(dtype=bool)
    at = at_each_cutoff(rows)
    found = rules(rows) or {"chance": np.zeros(len(rows))}
    means = {name: np.mean([figures.auc(ranked(churned[k], r[k]))[0] for k in at]) for name, r in found.items()}
    name = max(means, key=lambda rule: means[rule])
    return f"rule: {name}", found[name]


def _gain_over(against: dict[str, Any], peer: str) -> dict[str, Any]:
    (found,) = [entry["auc_gain"] for entry in against["peers"] if entry["peer"] == peer]
    return dict(found)


def _told(churned: Flags, chance: Floats, told: Mapping[str, Figure], among: Draws) -> dict[str, Any]:
    return {"rows": len(churned), "left": int(churned.sum()), **measured(churned, chance, told, among)}


def _by_cutoff(rows: pd.DataFrame, chance: Floats, told: Mapping[str, Figure], among: Draws) -> list[dict[str, Any]]:
    """One entry a held-out cutoff."""
    churned = rows["churned"].to_numpy(dtype=bool)
    return [
        {"cutoff": f"{rows['cutoff'].iloc[k[0]]:%Y-%m-%d}", **_told(churned[k], chance[k], told, among.of(k))}
        for k in at_each_cutoff(rows)
    ]


def _by_slice(
    rows: pd.DataFrame, chance: Floats, told: Mapping[str, Figure], among: Draws
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """One entry a slice, over all cutoffs; and those too small to be told of."""
    churned = rows["churned"].to_numpy(dtype=bool)
    large, small = [], []
    for column, part, within in slices(rows):
        left, size = int(churned[within].sum()), int(within.sum())
        named = {"column": column, "part": part}
        if size < SMALLEST or min(left, size - left) < FEWEST:
            small.append(named | {"rows": size, "left": left})
        else:
            large.append(named | _told(churned[within], chance[within], told, among.of(within)))
    return large, small
