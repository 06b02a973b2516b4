"""Model specs: which question is asked of whom, by which estimator, and what it must show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from winback.config import Days, ModelChoice, Share
from winback.facts.features import declared
from winback.facts.features.feature import Driver, Feature
from winback.facts.labels.rule_labels import Rule
from winback.toml_files import STRICT, parse, read_toml, shipped

Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, config=STRICT)
class Boosting:
    """The parameters of the ChurnClassifier.

    `n_models`: ensembles of different seeds that are averaged. `learning_rate`, `max_iter`, `max_leaf_nodes`,
    `min_samples_leaf`, `l2_regularization`, `max_features`: as scikit-learn's HistGradientBoostingClassifier has them.
    `random_state`: the first seed.
    """

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
    """What a candidate must show before it becomes the champion.

    `min_customers`, `min_churned`: to learn from. `min_auc_gain`: mean gain of AUC on the best single rule, on dates
    not seen. `max_calibration_error`: mean chance less the share that left, there.
    """

    min_customers: Count = 500
    min_churned: Count = 100
    min_auc_gain: float = 0.0
    max_calibration_error: Share = 0.05


@dataclass(frozen=True, config=STRICT)
class OwnEstimator:
    """A scikit-learn classifier of the user's own: where it is imported from, and its parameters.

    `path`: "module:Class". `parameters`: what it is made with. `trusted` are the types that its fitted state is made
    of, as skops names them; a model file that holds any other is refused.
    """

    path: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
    parameters: dict[str, Any] = field(default_factory=dict)
    trusted: tuple[str, ...] = ()


@dataclass(frozen=True, config=STRICT)
class Search:
    """Which parameters of the estimator are tried.

    `parameters`: lists of values by name; `trials` of all their combinations are drawn. Judged by mean log loss on
    forward folds inside the training cutoffs; after each fold the worse half is given up.
    """

    trials: Annotated[int, Field(ge=2, le=1000)] = 16
    parameters: dict[str, tuple[Any, ...]] = field(default_factory=dict)


@dataclass(frozen=True, config=STRICT)
class Spec:
    """One question, what answers it, and what the answer must show.

    `kind` says what is asked, and of whom, at a cutoff:
    inactivity    no order in the window? Of customers with an order in the `active_days` before the cutoff, or
                  of all (None). `churned`: another rule over what they do and do not do in the window.
    subscription  does the customer end the subscription? Of the subscribed.
    payment       does the subscription end by a failed payment? Of the subscribed.
    return        still no order in the window? Of customers with none in the `lapsed_days` before the cutoff; who
                  comes back by himself is unlikely to be among them.

    `name`: of the model and its campaigns. The window is `[cutoff + lead_days, cutoff + lead_days + horizon_days)`:
    `horizon_days` is how long it is, `lead_days` how long after the cutoff it begins. `grace_days`: who subscribes
    again within them has not left. `failed_days`: an end so soon after a failed payment is the payment's doing.
    `calibrated`: whether chances are calibrated on rows outside the fit. The model sees the features named in
    `features` or of the `drivers` (empty: all), less those of `leave_out` and of `leave_out_drivers`.
    """

    name: Annotated[str, Field(pattern="^[a-z][a-z0-9_-]{0,62}$")]
    horizon_days: Days
    kind: Literal["inactivity", "subscription", "payment", "return"] = "inactivity"
    active_days: Days | None = None
    lapsed_days: Days | None = None
    lead_days: Annotated[int, Field(ge=0, le=365)] = 0
    grace_days: Annotated[int, Field(ge=0, le=365)] = 7
    failed_days: Annotated[int, Field(ge=0, le=365)] = 30
    churned: Rule | None = None
    features: tuple[str, ...] = ()
    drivers: tuple[Driver, ...] = ()
    leave_out: tuple[str, ...] = ()
    leave_out_drivers: tuple[Driver, ...] = ()
    estimator: Boosting = Boosting()
    own_estimator: OwnEstimator | None = None
    search: Search | None = None
    calibrated: bool = True
    gates: Gates = Gates()

    def __post_init__(self) -> None:
        """What is asked for goes with the kind of question."""
        if (self.kind == "return") != (self.lapsed_days is not None):
            raise ValueError(
                "lapsed_days (how long a customer has not ordered) belongs to kind 'return', and it needs it"
            )
        if self.kind != "inactivity" and (self.churned or self.active_days):
            raise ValueError(f"active_days and churned belong to kind 'inactivity', not to {self.kind!r}")

    @property
    def of_subscriptions(self) -> bool:
        """Whether the question is asked of subscribers."""
        return self.kind in ("subscription", "payment")

    @property
    def reach_days(self) -> int:
        """How many days after a cutoff its outcome is known."""
        return self.lead_days + self.horizon_days + (self.grace_days if self.of_subscriptions else 0)

    @property
    def trusted(self) -> tuple[str, ...]:
        """The types, beside winback's own, that a model of this spec may be made of."""
        return self.own_estimator.trusted if self.own_estimator else ()

    def chosen(self, offered: Sequence[Feature]) -> list[Feature]:
        """The features of those offered that the model may see."""
        return [
            f
            for f in offered
            if (not self.features or f.name in self.features)
            and (not self.drivers or f.driver in self.drivers)
            and f.name not in self.leave_out
            and f.driver not in self.leave_out_drivers
        ]

    def as_dict(self) -> dict[str, Any]:
        """The spec as plain values."""
        return asdict(self)


def spec_of(model: Any) -> Spec:
    """The spec that a trained model answers, with the parameters that a search found for it."""
    asked = parse(Spec, model.card_["spec"], "the model's spec")
    return with_parameters(asked, model.card_.get("search", {}).get("found", {}))


def with_parameters(spec: Spec, parameters: dict[str, Any]) -> Spec:
    """The spec with some of its estimator's parameters changed; ConfigError for a value that it does not take."""
    if spec.own_estimator is not None:
        own = spec.own_estimator
        return replace(spec, own_estimator=replace(own, parameters=own.parameters | parameters))
    return replace(spec, estimator=parse(Boosting, {**vars(spec.estimator), **parameters}, "[search]"))


def load_spec(choice: ModelChoice, base: Path, own: Sequence[Feature] = ()) -> Spec:
    """The spec a project chose, with the project's own horizon and cohort in it; `own` are its own features."""
    path = shipped("models", choice.spec, base)
    spec = parse(Spec, read_toml(path), str(path))
    declared.named({*spec.leave_out, *spec.features}, own)
    horizon_days = choice.horizon_days or spec.horizon_days
    return replace(spec, horizon_days=horizon_days, active_days=choice.active_days or spec.active_days)
