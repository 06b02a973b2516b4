"""Model specs: the shipped ones, and what a wrong one is told."""

import json
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest

from winback.config import ModelChoice
from winback.errors import ConfigError
from winback.facts.features import declared
from winback.risk.asking.specs import Boosting, Gates, Spec, load_spec, spec_of
from winback.risk.scoring.estimator import ChurnClassifier
from winback.risk.scoring.own_estimator import new_estimator

LEAST = 'name = "own"\nhorizon_days = 30\n'


def written(folder: Path, text: str, **changed: int) -> Spec:
    """The spec in a file with this text, and with what the project changes of it."""
    (folder / "own.toml").write_text(text, encoding="utf-8")
    return load_spec(ModelChoice(spec="own.toml", **changed), folder)


def told(folder: Path, text: str) -> str:
    """What is said of a file with this text, after its name."""
    with pytest.raises(ConfigError) as refused:
        written(folder, text)
    return str(refused.value).removeprefix(f"{folder / 'own.toml'} cannot be used:\n  ").replace("\n  ", "\n")


def test_the_least_that_can_be_written(tmp_path: Path) -> None:
    spec = written(tmp_path, LEAST)
    assert spec == Spec("own", 30, active_days=None, leave_out=(), estimator=Boosting(), gates=Gates())
    assert spec.gates == Gates(min_customers=500, min_churned=100, min_auc_gain=0.0, max_calibration_error=0.05)


def test_the_shipped_specs(tree: Path) -> None:
    """Read from the wheel, and again from the tree: they are the same files."""
    general, grocer = (load_spec(ModelChoice(spec=n), tree) for n in ("inactivity", "inactivity-28d"))
    assert (general.name, general.horizon_days, general.active_days) == ("inactivity", 30, None)
    assert (grocer.name, grocer.horizon_days, grocer.active_days) == ("inactivity-28d", 28, 90)
    assert general.leave_out == ()
    assert grocer.leave_out == ("days_since_first_order", "orders_total", "engagements_total")
    for spec, name in ((general, "inactivity.toml"), (grocer, "inactivity-28d.toml")):
        assert load_spec(ModelChoice(spec=name), tree / "models") == spec


def test_a_shipped_spec_writes_out_what_is_the_default() -> None:
    """Whoever copies the file sees every value; it must be the one that holds without it."""
    general = load_spec(ModelChoice(), Path("nowhere"))
    assert general.estimator == Boosting()
    assert general.gates == Gates()


def test_the_estimator_knows_every_parameter_with_the_same_default() -> None:
    assert asdict(Boosting()) | {"calibrated": True} == ChurnClassifier().get_params()


def test_the_estimator_of_a_spec_has_its_parameters(tmp_path: Path) -> None:
    spec = written(tmp_path, LEAST + "[estimator]\nn_models = 2\nmax_features = 0.5\nrandom_state = 7\n")
    model = new_estimator(spec)
    assert (model.n_models, model.max_features, model.random_state) == (2, 0.5, 7)
    assert model.max_iter == Boosting().max_iter


@pytest.mark.parametrize(
    ("in_file", "chosen", "expected"),
    [
        ("", {}, (30, None)),
        ("", {"horizon_days": 45}, (45, None)),
        ("", {"active_days": 60}, (30, 60)),
        ("active_days = 90", {}, (30, 90)),
        ("active_days = 90", {"active_days": 1}, (30, 1)),
        ("active_days = 90", {"horizon_days": 3650, "active_days": 3650}, (3650, 3650)),
    ],
)
def test_a_project_changes_the_horizon_and_the_cohort(
    tmp_path: Path, in_file: str, chosen: dict[str, int], expected: tuple[int, int | None]
) -> None:
    spec = written(tmp_path, LEAST + in_file, **chosen)
    assert (spec.horizon_days, spec.active_days) == expected
    assert spec.name == "own"


def test_what_a_project_changes_is_in_the_plain_values(tmp_path: Path) -> None:
    """They are what a champion is compared with: another horizon is another question."""
    spec = written(tmp_path, LEAST, horizon_days=45)
    assert spec.as_dict() == {
        "name": "own",
        "horizon_days": 45,
        "kind": "inactivity",
        "active_days": None,
        "lapsed_days": None,
        "lead_days": 0,
        "grace_days": 7,
        "failed_days": 30,
        "churned": None,
        "features": (),
        "drivers": (),
        "leave_out": (),
        "leave_out_drivers": (),
        "estimator": asdict(Boosting()),
        "own_estimator": None,
        "search": None,
        "calibrated": True,
        "gates": asdict(Gates()),
    }


def test_the_shipped_specs_of_the_other_questions(tree: Path) -> None:
    """Read from the wheel, and again from the tree."""
    files = ("subscription.toml", "payment.toml", "return.toml")
    asked = {Path(name).stem: load_spec(ModelChoice(spec=Path(name).stem), tree) for name in files}
    assert {name: (s.kind, s.horizon_days, s.reach_days, s.lapsed_days) for name, s in asked.items()} == {
        "subscription": ("subscription", 30, 37, None),
        "payment": ("payment", 30, 37, None),
        "return": ("return", 60, 60, 90),
    }
    assert [load_spec(ModelChoice(spec=name), tree / "models") for name in files] == list(asked.values())


WHOLE = """name = "whole"
horizon_days = 30
active_days = 90
lead_days = 7
churned = { all = [ { did_not = "orders" }, { did = "events", kind = "cancel_request" } ] }
drivers = ["recency", "frequency"]
leave_out = ["orders_28d"]
calibrated = false

[own_estimator]
path = "sklearn.linear_model:LogisticRegression"
parameters = { C = 0.1 }
trusted = ["sklearn.linear_model._logistic.LogisticRegression"]

[search]
trials = 3
parameters = { C = [0.01, 1.0] }
"""


def test_a_spec_survives_its_own_plain_values(tmp_path: Path) -> None:
    """The card of a model keeps them, also after a way through JSON, and the model's spec is read from there."""
    spec = written(tmp_path, WHOLE)
    assert spec.reach_days == 37
    assert spec.trusted == ("sklearn.linear_model._logistic.LogisticRegression",)
    for plain in (spec.as_dict(), json.loads(json.dumps(spec.as_dict()))):
        assert spec_of(SimpleNamespace(card_={"spec": plain})) == spec
    found = spec_of(SimpleNamespace(card_={"spec": spec.as_dict(), "search": {"found": {"C": 1.0}}}))
    assert found.own_estimator is not None
    assert found.own_estimator.parameters == {"C": 1.0}


def test_the_features_a_model_may_see(tmp_path: Path) -> None:
    spec = written(tmp_path, WHOLE)
    offered = declared.named(["days_since_last_order", "orders_28d", "orders_90d", "spend_90d"])
    assert [f.name for f in spec.chosen(offered)] == ["days_since_last_order", "orders_90d"]
    only = written(tmp_path, LEAST + 'features = ["spend_90d", "orders_28d"]\nleave_out_drivers = ["monetary"]\n')
    assert [f.name for f in only.chosen(offered)] == ["orders_28d"]
    assert [f.name for f in written(tmp_path, LEAST).chosen(offered)] == [f.name for f in offered]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "name: is required\nhorizon_days: is required"),
        (
            LEAST + "lapsed_days = 90",
            "lapsed_days (how long a customer has not ordered) belongs to kind 'return', and it needs it",
        ),
        (
            LEAST + 'kind = "return"',
            "lapsed_days (how long a customer has not ordered) belongs to kind 'return', and it needs it",
        ),
        (
            LEAST + 'kind = "payment"\nactive_days = 90',
            "active_days and churned belong to kind 'inactivity', not to 'payment'",
        ),
        (LEAST + "horizn = 1", "horizn: unknown key. Did you mean 'horizon_days'?"),
        (LEAST + "[estimator]\nn_model = 1", "estimator.n_model: unknown key. Did you mean 'n_models'?"),
        (
            LEAST + "[gates]\nzzz = 1",
            "gates.zzz: unknown key. Known: max_calibration_error, min_auc_gain, min_churned, min_customers.",
        ),
        (
            'name = "Own spec"\nhorizon_days = 0',
            "name: String should match pattern '^[a-z][a-z0-9_-]{0,62}$' (came: 'Own spec')\n"
            "horizon_days: Input should be greater than or equal to 1 (came: 0)",
        ),
        (
            LEAST + "[estimator]\nlearning_rate = 0.0\nmax_features = 1.1\nn_models = 0",
            "estimator.n_models: Input should be greater than or equal to 1 (came: 0)\n"
            "estimator.learning_rate: Input should be greater than 0 (came: 0.0)\n"
            "estimator.max_features: Input should be less than or equal to 1 (came: 1.1)",
        ),
        (
            LEAST + "[gates]\nmin_auc_gain = nan",
            "gates.min_auc_gain: Input should be a finite number (came: nan)",
        ),
        (LEAST + 'leave_out = "orders_28d"', "leave_out: Input should be a valid tuple (came: 'orders_28d')"),
        (
            LEAST + 'leave_out = ["orders_28d", "orders_27d"]',
            "no feature is declared as 'orders_27d'; `winback features` lists them all.",
        ),
        (LEAST + 'leave_out = [""]', "no feature is declared as ''; `winback features` lists them all."),
    ],
)
def test_a_wrong_spec_is_told(tmp_path: Path, text: str, fault: str) -> None:
    assert told(tmp_path, text) == fault


def test_a_spec_that_winback_does_not_have() -> None:
    with pytest.raises(ConfigError) as refused:
        load_spec(ModelChoice(spec="inactivity-30d"), Path("nowhere"))
    assert str(refused.value) == (
        "no file of models that comes with winback is called 'inactivity-30d'. Did you mean 'inactivity-28d'? "
        "A file of your own is named with its ending, '.toml'."
    )
