"""docs/python.md and docs/notebooks: what they show runs, and gives what they say."""

from __future__ import annotations

import inspect
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from winback import api


@pytest.fixture(scope="module")
def page(tree: Path) -> str:
    return (tree / "docs" / "python.md").read_text("utf-8")


@pytest.fixture(scope="module")
def made(tree: Path, page: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the page's program made, in a folder of its own."""
    folder = tmp_path_factory.mktemp("python")
    shutil.copytree(tree / "data" / "sample", folder / "data" / "sample")
    names: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as moved:
        moved.chdir(folder)
        exec(compile(re.findall(r"(?s)```python\n(.*?)```", page)[0], "python.md", "exec"), names)  # noqa: S102 - ours
    return names


def test_the_loop_gives_a_list_and_what_it_changed(made: dict[str, Any]) -> None:
    decisions, customers = made["decisions"], made["customers"]
    assert set(decisions["customer_id"]) == set(made["now"]["customer_id"]) == set(customers["customer_id"])
    assert (decisions["action"] != "leave_alone").any()
    assert decisions["expected_cost"].sum() <= 100
    held = customers.set_index("customer_id")["held_out"]
    assert held.any()
    assert (decisions.set_index("customer_id").loc[held[held].index, "action"] == "leave_alone").all()
    effect = made["effect"].set_index("metric")
    assert effect["verdict"].tolist() == ["unclear", "unclear"]
    assert (effect["low"] < 0).all()
    assert (effect["high"] > 0).all()


def test_the_points_add_up_to_the_chance(made: dict[str, Any]) -> None:
    why = made["why"]
    added = why.groupby("customer_id")["points"].sum() + why["base_rate"].iloc[0]
    scored = made["scored"].set_index("customer_id")["probability"]
    assert (added - scored).abs().max() < 1e-9


def test_the_model_is_examined_on_dates_it_has_not_seen(made: dict[str, Any]) -> None:
    assert made["quality"]["cutoff"].tolist() == [str(day) for day in made["days"].holdout]
    assert made["learning"]["cutoff"].max() < made["examined"]["cutoff"].min()
    assert {"auc", "rule_auc", "logistic_auc", "calibration_slope"} <= set(made["quality"])


def test_every_column_of_the_facts_is_counted(made: dict[str, Any]) -> None:
    accounting = made["facts"].accounting
    assert accounting["table"].tolist() == ["orders", "events"]
    counted = accounting[["accepted", "duplicates", "quarantined"]].sum(axis=1)
    assert (accounting["rows_in"] == counted).all()
    assert (made["retention"]["metric"] == "crr_ids").sum() > 3


def test_the_page_tells_every_function(page: str) -> None:
    """And with its own parameters."""
    told = dict(re.findall(r"(?m)^\| `(\w+)\(([^)]*)\)`", page))
    functions = {name: getattr(api, name) for name in api.__all__ if inspect.isfunction(getattr(api, name))}
    assert set(functions) - set(told) == {"actions", "limits_of"}
    for name, parameters in told.items():
        assert parameters.split(", ") == list(inspect.signature(functions[name]).parameters), name


def test_every_function_is_documented() -> None:
    for name in api.__all__:
        assert inspect.getdoc(getattr(api, name)), name


@pytest.fixture(scope="module")
def notebook(tree: Path) -> dict[str, Any]:
    return json.loads((tree / "docs" / "notebooks" / "loop.ipynb").read_text("utf-8"))


def test_the_notebook_is_kept_without_outputs(notebook: dict[str, Any]) -> None:
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(cells) >= 10
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    for cell in cells:
        compile("".join(cell["source"]), cell["id"], "exec")


@pytest.mark.deep
def test_the_notebook_runs_and_holds_against_the_truth(notebook: dict[str, Any]) -> None:
    """Its cells one after the other, as a kernel would; half a minute."""
    names: dict[str, Any] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), cell["id"], "exec"), names)  # noqa: S102 - ours
    assert (names["quality"]["auc"] > names["quality"]["rule_auc"]).all()
    assert names["agreement"] > 0.7
    assert (names["calibration"]["chance"] - names["calibration"]["churned"]).abs().max() < 0.12
    true = (names["done"]["stays"] - names["done"]["alone"]).mean()
    assert true > 0
    assert names["measured"]["low"] < true < names["measured"]["high"]
