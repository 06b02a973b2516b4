"""[publish] and [monitor] of a project: when a night is not published, and when it is advised to train again."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from winback.toml_files import STRICT

Share = Annotated[float, Field(ge=0, le=1)]
Index = Annotated[float, Field(gt=0)]
Factor = Annotated[float, Field(gt=1)]
Days = Annotated[int, Field(ge=0, le=3650)]


@dataclass(frozen=True, config=STRICT)
class Publish:
    """How far a night may lie from what its model learned from, and from the list before, and still be published.

    `max_..._index`: population stability index. `max_..._change`: difference of two shares (of mean chances).
    `max_..._factor`: times as many, times as large, or the inverse. `max_same_chance`: share of the customers
    who may have one and the same chance. `max_silence_days`: since the newest row of a stream. docs/monitor.md
    says what each is compared with and why it is as it is.
    """

    max_customers_factor: Factor = 2.0
    max_same_chance: Share = 0.5
    max_mean_change: Share = 0.15
    max_score_index: Index = 0.5
    max_at_risk_change: Share = 0.15
    max_missing_change: Share = 0.2
    max_unit_factor: Factor = 5.0
    max_feature_index: Index = 0.5
    max_silence_days: Days = 7


@dataclass(frozen=True, config=STRICT)
class Monitor:
    """When `winback monitor` raises an alarm and advises to train again; docs/monitor.md says why at these figures.

    `least_index`: population stability index from which a feature or the score has drifted; `drifted_features`:
    how many of them are an alarm. `max_mean_error`: mean chance less share that left. `max_model_days`: since the
    model was trained.
    """

    least_index: Index = 0.1
    drifted_features: Annotated[int, Field(ge=1)] = 1
    max_mean_error: Share = 0.03
    max_model_days: Days = 180
