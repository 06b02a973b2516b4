"""Model specs: which question is asked of whom, by which estimator, and what it must show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from winback.config import Days, ModelChoice, Share
from winback.facts.features import declared
from winback.facts.features.feature import Feature
from winback.risk.estimator import ChurnClassifier
from winback.toml_files import STRICT, parse, read_toml, shipped

Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, config=STRICT)
class Boosting:
    """The parameters of the ChurnClassifier."""

    n_models: Annotated[int, Field(ge=1, le=100)] = 5
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.05
    max_iter: Annotated[int, Field(ge=1, le=10_000)] = 120
    max_leaf_nodes: Annotated[int, Field(ge=2, le=1024)] = 6
    min_samples_leaf: Count = 60
    l2_regularization: Annotated[float, Field(ge=0)] = 10.0
    max_features: Annotated[float, Field(gt=0, le=1)] = 0.1
    random_state: Annotated[int, Field(ge=0)] = 0


@dataclass(frozen=True, config=STRICT)
class Gates:
    """What a candidate must show before it becomes the champion."""

    min_customers: Count = 500
    min_churned: Count = 100
    min_auc_gain: float = 0.0
    max_calibration_error: Share = 0.05


@dataclass(frozen=True, config=STRICT)
class Spec:
    """One question: leaves = no order in `[cutoff, cutoff + horizon_days)`.

    Asked of customers with an order in `[cutoff - active_days, cutoff)`, or of all (None).
    `leave_out` names features the model may not see.
    """

    name: Annotated[str, Field(pattern="^[a-z][a-z0-9_-]{0,62}$")]
    horizon_days: Days
    active_days: Days | None = None
    leave_out: tuple[str, ...] = ()
    estimator: Boosting = Boosting()
    gates: Gates = Gates()

    def new_estimator(self) -> ChurnClassifier:
        """The estimator, not fitted."""
        return ChurnClassifier(**asdict(self.estimator))

    def as_dict(self) -> dict[str, Any]:
        """The spec as plain values."""
        return asdict(self)


def load_spec(choice: ModelChoice, base: Path, own: Sequence[Feature] = ()) -> Spec:
    """The spec a project chose, with the project's own horizon and cohort in it; `own` are its own features."""
    path = shipped("models", choice.spec, base)
    spec = parse(Spec, read_toml(path), str(path))
    declared.named(spec.leave_out, own)
    horizon_days = choice.horizon_days or spec.horizon_days
    return replace(spec, horizon_days=horizon_days, active_days=choice.active_days or spec.active_days)
