"""`winback train` and `winback score`: the other questions and an own estimator, from files to reasons."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import shop
from winback.cli import main

RETURN = """name = "return"
kind = "return"
horizon_days = 28
lapsed_days = 28
leave_out_drivers = ["engagement"]  # in so small a shop it tells all by itself, which the gate takes for a leak

[estimator]
n_models = 1
max_iter = 20

[gates]
min_customers = 50
min_churned = 5
min_auc_gain = -1.0
max_calibration_error = 1.0
"""
OWN = """name = "own"
horizon_days = 28
features = ["days_since_last_order", "orders_28d", "orders_90d", "spend_90d", "days_since_first_order"]

[own_estimator]
path = "sklearn.linear_model:LogisticRegression"
parameters = { max_iter = 5000 }
trusted = ["sklearn.linear_model._logistic.LogisticRegression"]

[search]
trials = 3
parameters = { C = [0.01, 1.0] }

[gates]
min_customers = 50
min_churned = 5
min_auc_gain = -1.0
max_calibration_error = 1.0
"""


def said(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    """What a command prints as JSON."""
    with pytest.raises(SystemExit) as end:
        main([*words, "--json"])
    out, err = capsys.readouterr()
    assert not end.value.code, err
    found: dict[str, object] = json.loads(out)
    return found


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop of the tests, with two specs more."""
    folder = shop.lay_down(tmp_path_factory.mktemp("shop")).parent
    (folder / "return.toml").write_text(RETURN, encoding="utf-8")
    (folder / "own.toml").write_text(OWN, encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["return", pytest.param("own", marks=pytest.mark.deep)])
def test_a_question_is_learned_and_answered(project: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    asked = ("--config", str(project / "winback.toml"), "--date", str(shop.TODAY), "--spec", f"{name}.toml")
    out = project / f"{name}-scores"
    with pytest.raises(SystemExit) as end:
        main(["score", *asked, "--out", str(out)])
    assert end.value.code == 1
    assert f"there is no champion for the spec {name} yet; run `winback train` first." in capsys.readouterr().err
    told = said(capsys, "train", *asked)
    assert (told["spec"], told["version"], told["promoted"]) == (name, 1, True)
    answered = said(capsys, "score", *asked, "--out", str(out))
    scores = pd.read_parquet(out / "scores.parquet")
    assert answered["customers"] == len(scores) > 20
    assert scores["probability"].between(0, 1).all()
    assert ("return_probability" in scores) == (name == "return")
    reasons = pd.read_parquet(out / "reasons.parquet")
    total = reasons.groupby("customer_id")["points"].sum() + reasons.groupby("customer_id")["base_rate"].first()
    assert (total - scores.set_index("customer_id")["probability"]).abs().max() < 1e-9


def test_an_own_estimator_is_refused_without_its_types(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is trusted because it lies in a model file."""
    text = OWN.replace('trusted = ["sklearn.linear_model._logistic.LogisticRegression"]', "").replace('own"', 'bare"')
    (project / "bare.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit) as end:
        main(["train", "--config", str(project / "winback.toml"), "--date", str(shop.TODAY), "--spec", "bare.toml"])
    assert end.value.code == 1
    assert "OwnClassifier cannot be saved, for it could not be loaded" in capsys.readouterr().err


def test_a_list_is_made_of_no_other_question(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = (project / "winback.toml").read_text(encoding="utf-8")
    (project / "other.toml").write_text(config.replace('spec = "small.toml"', 'spec = "return.toml"'), encoding="utf-8")
    with pytest.raises(SystemExit) as end:
        main(["run", "--config", str(project / "other.toml"), "--date", str(shop.TODAY)])
    assert end.value.code == 1
    assert capsys.readouterr().err == (
        "Error: a list is made of who stops ordering: it needs [sources.orders] and a spec of kind 'inactivity' (came: "
        "'return'). Other questions are learned by `winback train` and answered by `winback score`.\n"
    )
