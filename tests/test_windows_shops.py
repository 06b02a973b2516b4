"""The evidence on two real logs: the figures that docs/windows.md tells."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

import shop
from winback.cli import main

pytestmark = pytest.mark.deep
CDNOW = """\
[sources.orders]
path = "orders.csv"
columns = { customer_id = "customer", ordered_at = "date", amount = "amount" }
"""


def told(
    capsys: pytest.CaptureFixture[str], config: Path
) -> tuple[dict[str, Any], dict[tuple[int, str], dict[str, Any]]]:
    """The JSON of the command, and its rows by window and segment."""
    main_args = ["windows", "--config", str(config), "--json"]
    with pytest.raises(SystemExit) as done:
        main(main_args)
        sys.exit(0)
    assert not done.value.code
    found = json.loads(capsys.readouterr().out)
    return found, {(row["window_days"], row["segment"]): row for row in found["windows"]}


def test_a_grocer(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for name in ("configs", "models"):
        shutil.copytree(shop.TEMPLATE / name, tmp_path / name)
    found, rows = told(capsys, tmp_path / "configs" / "winback.toml")
    assert (found["recommended_days"], found["kind"]) == (28, "lapse")
    month, long = rows[28, "all"], rows[120, "all"]
    assert month["came_back"] == pytest.approx(0.977, abs=0.0005)
    assert (month["followed_days"], round(month["warning_days"])) == (214, 16)
    assert month["silent_share"] == pytest.approx(0.034, abs=0.0005)
    assert month["base_rate"] == pytest.approx(0.10, abs=0.0005)
    assert (month["rule"], month["auc"]) == ("few orders in the window", pytest.approx(0.814, abs=0.0005))
    assert long["came_back"] == pytest.approx(0.758, abs=0.0005)


def test_a_record_shop(tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    orders = tree.parent / "shared" / "data" / "cdnow" / "orders.csv"
    if not orders.is_file():
        pytest.skip(f"no {orders}")
    shutil.copyfile(orders, tmp_path / "orders.csv")
    (tmp_path / "winback.toml").write_text(CDNOW, "utf-8")
    found, rows = told(capsys, tmp_path / "winback.toml")
    assert (found["recommended_days"], found["kind"]) == (180, "gone")
    for window, share in {30: 0.540, 90: 0.388, 180: 0.249}.items():
        assert rows[window, "all"]["came_back"] == pytest.approx(share, abs=0.0005)
        assert rows[window, "all"]["followed_days"] == 365
    chosen = rows[180, "all"]
    assert (round(chosen["warning_days"]), chosen["rule"]) == (86, "days since last order")
    assert chosen["auc"] == pytest.approx(0.708, abs=0.0005)
    assert rows[90, "all"]["warning_days"] == 0
    assert rows[180, "one-time"]["came_back"] == pytest.approx(0.189, abs=0.0005)
    assert rows[180, "heavy"]["came_back"] == pytest.approx(0.478, abs=0.0005)
