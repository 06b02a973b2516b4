"""Value on a real grocer's log, forward in time: the figures of docs/value.md, and ahead of simpler ways."""

from __future__ import annotations

from pathlib import Path

import pytest

from winback.offers.value import errors

pytestmark = pytest.mark.deep


def test_what_households_will_spend_is_told_better_than_by_simpler_ways(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tree / "benchmarks"))
    import value as bench  # noqa: PLC0415

    job, case = bench.grocer(tmp_path), bench.GROCER[0]
    learning, rows = bench.outcomes(job, case.cutoffs, case.window), bench.outcomes(job, (case.asked,), case.days)
    stays, _ = bench.told_of(learning, rows, case)
    stayed = (rows["stayed"] & (rows["days_since_last_order"] < bench.LAPSED_DAYS)).to_numpy()
    actual = rows["spend"].clip(lower=0.0).to_numpy()[stayed]
    found = {name: errors(actual, told[stayed]) for name, told in stays.items() if told.min() < told.max()}
    ours = found.pop("winback")
    for figure in ("mae", "rmse"):
        assert ours[figure] < min(other[figure] for other in found.values())
    for figure in ("spearman", "gini"):
        assert ours[figure] > max(other[figure] for other in found.values())
    assert ours["rmse"] == pytest.approx(279.55, abs=3)
    assert ours["gini"] == pytest.approx(0.856, abs=0.005)
    assert ours["level"] == pytest.approx(0.947, abs=0.02)
