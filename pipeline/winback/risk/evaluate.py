"""How well probabilities did on cutoffs the model had not seen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from winback.errors import ModelNotBetter, NotEnoughData
from winback.risk.baselines import best_rule
from winback.risk.specs import Gates

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


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
    top_decile_lift: float

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
    return Quality(
        cutoff=cutoff,
        customers=len(rows),
        churned=float(churned.mean()),
        auc=float(roc_auc_score(churned, predicted)),
        rule=rule,
        rule_auc=rule_auc,
        logistic_auc=float(roc_auc_score(churned, logistic)),
        average_precision=float(average_precision_score(churned, predicted)),
        log_loss=float(log_loss(churned, predicted)),
        logistic_log_loss=float(log_loss(churned, logistic)),
        brier=float(brier_score_loss(churned, predicted)),
        mean_predicted=float(predicted.mean()),
        calibration_slope=slope(churned, predicted),
        top_decile_lift=lift(churned, predicted, 0.1),
    )


def slope(churned: Flags, predicted: Floats) -> float:
    """The slope of the outcomes on the predicted log-odds: 1 is right, below 1 is too sure of itself."""
    z = logit(np.clip(predicted, 1e-9, 1 - 1e-9))
    fit = LogisticRegression(C=np.inf, tol=1e-8).fit(z[:, None], churned)
    return float(fit.coef_[0, 0])


def lift(churned: Flags, predicted: Floats, share: float) -> float:
    """How many times more leavers the riskiest `share` holds than chance would give it."""
    top = np.argsort(-predicted, kind="stable")[: max(1, round(share * len(predicted)))]
    return float(churned[top].mean() / churned.mean())


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
