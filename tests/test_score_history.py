"""One customer over several published runs."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import shop
from winback import store
from winback.cli import main
from winback.errors import NotEnoughData
from winback.insight.score_history import score_history


@pytest.fixture
def config(two_nights: Path) -> Path:
    """A shop with two nights, a week apart."""
    return two_nights


def of(config: Path, run_id: str, table: str, customer: str) -> pd.DataFrame:
    frame = store.read_table(config.parent / "runs" / run_id / f"{table}.parquet").to_pandas()
    return frame[frame["customer_id"] == customer]


def at_risk_twice(folder: Path) -> str:
    """Somebody at risk in both runs."""
    runs = [store.read_table(path).to_pandas() for path in sorted(folder.glob("2026*/scores.parquet"))]
    both = pd.concat(runs).query("at_risk").groupby("customer_id").size()
    return str(both[both == 2].index[0])


def test_a_customer_at_risk_in_both(config: Path) -> None:
    """The drivers' changes add up to the change of the probability, for one model has one base rate."""
    folder = config.parent / "runs"
    customer = at_risk_twice(folder)
    first, second = score_history(folder, customer)
    assert [first["date"], second["date"]] == [str(shop.TODAY), str(shop.LATER)]
    for told in (first, second):
        row = of(config, told["run_id"], "scores", customer).iloc[0]
        assert (told["probability"], told["at_risk"], told["stage"]) == (row["probability"], True, row["stage"])
    assert (first["change"], first["drivers"]) == (None, {})
    assert second["change"] == second["probability"] - first["probability"]
    assert sum(second["drivers"].values()) == pytest.approx(second["change"], abs=1e-9)
    sizes = [abs(change) for change in second["drivers"].values()]
    assert sizes == sorted(sizes, reverse=True)
    now, then = (
        of(config, told["run_id"], "reasons", customer).set_index("driver")["points"] for told in (second, first)
    )
    assert second["drivers"]["recency"] == pytest.approx(now["recency"] - then["recency"])


def test_somebody_nobody_scored(config: Path) -> None:
    with pytest.raises(NotEnoughData) as caught:
        score_history(config.parent / "runs", "nobody")
    assert str(caught.value) == f"no published run in {config.parent / 'runs'} scored a customer 'nobody'."


def test_the_verb_tells_it(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    customer = at_risk_twice(config.parent / "runs")
    told = score_history(config.parent / "runs", customer)
    with pytest.raises(SystemExit):
        main(["show", "--config", str(config), "--customer", customer, "--json"])
    assert json.loads(capsys.readouterr().out) == told
    with pytest.raises(SystemExit):
        main(["show", "--config", str(config), "--customer", customer])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [row["date"] for row in told]
    assert f"{100 * told[-1]['change']:+.1f} points since" in lines[-1]
