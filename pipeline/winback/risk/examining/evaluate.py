"""How well probabilities did on cutoffs the model had not seen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from winback.errors import ModelNotBetter, NotEnoughData
from winback.risk.asking.specs import Gates
from winback.risk.examining import figures
from winback.risk.examining.baselines import best_rule
from winback.risk.examining.ranked import Floats, ranked


@dataclass(frozen=True)
class Quality:
    """The figures of one held-out cutoff; rates and probabilities are shares, not percent."""

    cutoff: str
    customers: int
    churned: float
    auc: float
    rule: str
    rule_auc: float
    logistic_auc: float
    average_precision: float
    log_loss: float
    logistic_log_loss: float
    brier: float
    mean_predicted: float
    calibration_slope: float
    calibration_intercept: float
    calibration_error: float
    top_decile_lift: float
    lift_quality: float

    @property
    def auc_gain(self) -> float:
        """AUC above the best single rule."""
        return self.auc - self.rule_auc

    def as_dict(self) -> dict[str, Any]:
        """The figures as plain values."""
        return asdict(self)


def quality(rows: pd.DataFrame, predicted: Floats, logistic: Floats) -> Quality:
    """The figures of one cutoff's rows, which hold `churned` and the features of the rules."""
    churned = rows["churned"].to_numpy(dtype=bool)
    cutoff = f"{rows['cutoff'].iloc[0]:%Y-%m-%d}"
    if churned.all() or not churned.any():
        raise NotEnoughData(f"of {len(rows)} customers at {cutoff} {churned.sum()} left: one outcome only.")
    rule, rule_auc = best_rule(rows, churned)
    counts, of_peer = ranked(churned, predicted), ranked(churned, logistic)
    return Quality(
        cutoff=cutoff,
        customers=len(rows),
        churned=float(churned.mean()),
        auc=float(figures.auc(counts)[0]),
        rule=rule,
        rule_auc=rule_auc,
        logistic_auc=float(figures.auc(of_peer)[0]),
        average_precision=float(figures.average_precision(counts)[0]),
        log_loss=float(figures.log_loss(counts)[0]),
        logistic_log_loss=float(figures.log_loss(of_peer)[0]),
        brier=float(figures.brier(counts)[0]),
        mean_predicted=float(predicted.mean()),
        calibration_slope=float(figures.calibration_slope(counts)[0]),
        calibration_intercept=float(figures.calibration_intercept(counts)[0]),
        calibration_error=float(figures.calibration_error(counts)[0]),
        top_decile_lift=float(figures.lift(counts, 0.1)[0]),
        lift_quality=float(figures.lift_quality(counts)[0]),
    )


def refuse_thin_data(rows: pd.DataFrame, gates: Gates) -> None:
    """NotEnoughData, with the number that is missing, for too few rows or too few of an outcome."""
    left = int(rows["churned"].sum())
    found = {"customers": len(rows), "that left": left, "that stayed": len(rows) - left}
    limits = {
        "customers": gates.min_customers,
        "that left": gates.min_churned,
        "that stayed": gates.min_churned,
    }
    for what, limit in limits.items():
        if found[what] < limit:
            raise NotEnoughData(
                f"the training rows hold {found[what]} {what}, {limit} are needed ({limit - found[what]} more). "
                "A longer history or earlier cutoffs give more; [gates] of the spec holds the limit."
            )


def refuse_weak_model(examined: list[Quality], gates: Gates) -> None:
    """ModelNotBetter when a gate is missed, with the figures."""
    gain = float(np.mean([q.auc_gain for q in examined]))
    rows = np.array([q.customers for q in examined])
    off = float(np.average([q.mean_predicted - q.churned for q in examined], weights=rows))
    if gain <= gates.min_auc_gain:
        raise ModelNotBetter(
            f"on the held-out cutoffs the model's AUC is {gain:+.4f} against the best single rule "
            f"({', '.join(sorted({q.rule for q in examined}))}), more than {gates.min_auc_gain:+.4f} is asked. "
            "It was not promoted; the rule alone would do as well."
        )
    if abs(off) > gates.max_calibration_error:
        raise ModelNotBetter(
            f"on the held-out cutoffs the mean predicted chance is {off:+.3f} from what happened, "
            f"{gates.max_calibration_error:.3f} is allowed. It was not promoted; look for a change in the data."
        )
