"""The limits a project sets: [gates], [publish], [monitor], [consent], [campaigns], [training], [stages], [retention].

What the data must show; when a night is not published; when it is advised to train again; who may be contacted; who
is left alone to measure, and when somebody leaves the list; how a model learns from who was treated; when a customer
counts as new, cooling, lapsed or lost; how long what a night wrote is kept.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from winback.toml_files import STRICT

Share = Annotated[float, Field(ge=0, le=1)]
Index = Annotated[float, Field(gt=0)]
Factor = Annotated[float, Field(gt=1)]
Days = Annotated[int, Field(ge=0, le=3650)]
SomeDays = Annotated[int, Field(ge=1, le=3650)]


@dataclass(frozen=True, config=STRICT)
class DataGates:
    """What the data must show before a model learns from them or scores with them.

    The defaults are the smallest figures that vendors publish for the same question. `min_customers`: who ever
    bought. `min_positives`, `min_negatives`: outcomes of each kind to learn from. `min_history_days`: none means
    what the question's windows take. `max_missing_share`: a needed column may be empty in this share of the rows.
    `max_silence_days`: without an order. `min_recorded_share`: of the orders in the 30 days before the training
    cutoffs, what must have been known by then.
    """

    min_customers: Annotated[int, Field(ge=1)] = 500
    min_positives: Annotated[int, Field(ge=1)] = 100
    min_negatives: Annotated[int, Field(ge=1)] = 100
    min_history_days: SomeDays | None = None
    max_missing_share: Share = 0.2
    max_silence_days: Days = 7
    min_recorded_share: Share = 0.8


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


Channel = Literal["email", "sms", "push", "post", "call", "app", "store", "ads"]
AdPurpose = Literal["marketing", "ad_user_data", "ad_personalization"]


@dataclass(frozen=True, config=STRICT)
class Consent:
    """When a customer may be contacted; whatever is unknown is a no. docs/consent.md explains each.

    `kept_elsewhere`: there is no table of consents here, the tool that sends asks its own. `opt_out_channels`: only a
    withdrawal, an objection or a suppression forbids them. `max_age_days`: older grants no longer count.
    `ads_purposes`: all that must be granted before anybody is put on an audience. `profile_by_consent`: nobody is
    scored who did not grant the purpose profiling. `suppressions`, `keys`: folders, best outside of what a restore of
    the state brings back (none: in the state folder).
    """

    kept_elsewhere: bool = False
    opt_out_channels: tuple[Channel, ...] = ()
    max_age_days: Annotated[int, Field(ge=1, le=36500)] | None = None
    ads_purposes: Annotated[tuple[AdPurpose, ...], Field(min_length=1)] = ("ad_user_data", "ad_personalization")
    profile_by_consent: bool = False
    suppressions: str | None = None
    keys: str | None = None


@dataclass(frozen=True, config=STRICT)
class Campaigns:
    """How a list becomes a campaign that can be measured; docs/campaigns.md.

    `name`: of the series of nightly campaigns; none: the question's name. `holdout_share`: of those listed and not
    held out everywhere ([offers] holdout_share). Whoever is on the list stays until his chance has been below
    at_risk_probability for `leave_nights` runs in a row, or lies more than `leave_margin` below it.
    """

    name: Annotated[str, Field(pattern="^([a-z0-9][a-z0-9_-]{0,99})?$")] = ""
    holdout_share: Share = 0.05
    leave_margin: Share = 0.05
    leave_nights: Annotated[int, Field(ge=1, le=365)] = 3


@dataclass(frozen=True, config=STRICT)
class Training:
    """How a model learns from customers whom our own campaigns treated (docs/learning.md).

    `treated`: model (with the label that they would have had untreated, where measured), exclude, controls (left out,
    the held-out stand for them), ignore (as if nobody was treated; for comparison).
    """

    treated: Literal["model", "exclude", "controls", "ignore"] = "model"


@dataclass(frozen=True, config=STRICT)
class Stages:
    """The limits of a customer's stages of life.

    `new_days`: since the first order. `cooling_ratio`: days since the last order, in times the customer's own median
    gap. `cooling_gaps`: fewer gaps than this tell no rhythm. `cooling_days`: since the last order of who has no
    rhythm yet. `lapsed_days`, `lost_days`: since the last order. `returned_days`: since an order that ended such a
    silence.
    """

    new_days: SomeDays = 30
    cooling_ratio: Annotated[float, Field(gt=1)] = 2.0
    cooling_gaps: Annotated[int, Field(ge=1)] = 2
    cooling_days: SomeDays = 60
    lapsed_days: SomeDays = 90
    lost_days: SomeDays = 365
    returned_days: SomeDays = 60

    def __post_init__(self) -> None:
        """Each stage begins after the one before it."""
        if not self.cooling_days < self.lapsed_days < self.lost_days:
            raise ValueError("cooling_days, lapsed_days and lost_days must grow in this order")


@dataclass(frozen=True, config=STRICT)
class Retention:
    """How long what a night wrote is kept, in days up to the newest published date; docs/retention.md says why.

    `nightly`: the night removes what is older after it published; else only `winback tidy --remove` does.
    `keep_runs_days`: published runs, never shorter than the windows in which their outcomes are awaited.
    `keep_unpublished_days`: what refused and failed nights left. `keep_facts_days`: the ingested tables of a run, and
    the copies of databases they were made from. `keep_models_days`: files of models that never were champion.
    `keep_messages_days`: the messages of failed nights.
    """

    nightly: bool = True
    keep_runs_days: Annotated[int, Field(ge=31, le=36500)] = 400
    keep_unpublished_days: SomeDays = 30
    keep_facts_days: SomeDays = 14
    keep_models_days: SomeDays = 400
    keep_messages_days: SomeDays = 90
