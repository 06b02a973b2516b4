"""The champion of a question: whom it serves, and that it comes back as it was trained."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import shop
from test_train import DAY, PLAN, SPEC, chances, taken_in
from winback.errors import ModelRefused
from winback.facts.features import declared
from winback.risk.asking.dataset import Ask
from winback.risk.asking.specs import Boosting, Gates
from winback.risk.keeping import registry
from winback.risk.keeping.champions import champion_for
from winback.risk.keeping.enrolment import enrol
from winback.risk.keeping.file_gates import Asked
from winback.risk.learning.candidate import Candidate
from winback.risk.learning.train import train

OFFERED = declared.available({"orders", "orders.discount", "order_categories", "events"})
ASKED = Asked(SPEC, shop.TODAY, OFFERED)
AT = dt.datetime(2026, 2, 15, 4, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return taken_in(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def candidate(facts: Path) -> Candidate:
    return train(facts, PLAN, "UTC", shop.TODAY, Ask(SPEC, OFFERED))


@pytest.fixture(scope="module")
def state(candidate: Candidate, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the small model is the champion."""
    folder = tmp_path_factory.mktemp("state")
    first = enrol(folder, candidate, {"inputs": "a", "today": shop.TODAY}, ASKED, AT)
    again = enrol(folder, candidate, {"today": shop.TODAY, "inputs": "a"}, ASKED, AT + DAY)
    assert (first.name, first.version) == ("small", 1)
    assert again == first
    return folder


def test_before_the_first_training_there_is_no_champion(tmp_path: Path) -> None:
    assert champion_for(tmp_path, SPEC, shop.TODAY) is None
    assert list(tmp_path.iterdir()) == []


def test_the_champion_comes_back_as_it_was_trained(state: Path, facts: Path, candidate: Candidate) -> None:
    found = champion_for(state, SPEC, shop.TODAY)
    assert found is not None
    version, model = found
    assert (version.name, version.version) == ("small", 1)
    pd.testing.assert_series_equal(chances(model, facts), chances(candidate.model, facts), check_exact=True)


@pytest.mark.parametrize("days", [0, 1, 400])
def test_a_champion_serves_from_its_own_day_on(state: Path, days: int) -> None:
    assert champion_for(state, SPEC, shop.TODAY + days * DAY) is not None


def test_a_champion_may_not_know_the_future(state: Path) -> None:
    with pytest.raises(ModelRefused) as refused:
        champion_for(state, SPEC, shop.TODAY - DAY)
    assert str(refused.value) == (
        "the champion of small (version 1) learned from data up to 2026-02-15; a list for 2026-02-14 made with it "
        "would know the future. Give the runs of earlier dates a state folder of their own ([project] state)."
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "other"},
        {"horizon_days": 29},
        {"active_days": None},
        {"leave_out": ()},
        {"estimator": Boosting()},
        {"gates": Gates()},
    ],
)
def test_the_champion_of_another_question_is_none(state: Path, changed: dict[str, object]) -> None:
    """Even of a day that it must not serve: a new one is trained for the new question."""
    assert champion_for(state, replace(SPEC, **changed), shop.TODAY) is None
    assert champion_for(state, replace(SPEC, **changed), shop.TODAY - DAY) is None


TRAINING = """
import random, sys
from pathlib import Path
sys.path[:0] = [sys.argv[1]]
import shop
from test_champions import OFFERED
from test_train import PLAN, SPEC, taken_in
from winback.risk.asking.dataset import Ask
from winback.risk.keeping import model_file
from winback.risk.keeping.golden import golden_rows
from winback.risk.learning.train import train
mix = random.Random(int(sys.argv[3]))
facts = taken_in(Path(sys.argv[2]), lambda _, lines: mix.sample(lines, len(lines)))
made = train(facts, PLAN, "UTC", shop.TODAY, Ask(SPEC, OFFERED))
made.model.golden_ = golden_rows(made.model, made.examined)
print(model_file.save(made.model, Path(sys.argv[2], "model.skops")))
"""


@pytest.mark.deep
def test_trained_elsewhere_from_shuffled_files_it_is_the_same_file(
    candidate: Candidate, state: Path, tmp_path: Path
) -> None:
    """In another process, with other seeds of Python's own hashes and another order of all rows."""
    (version,) = registry.versions(state, "small")
    for seed in ("1", "2"):
        words = [sys.executable, "-c", TRAINING, str(Path(__file__).parent), str(tmp_path / seed), seed]
        env = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
        assert done.stdout.strip() == version.sha256, done.stderr
