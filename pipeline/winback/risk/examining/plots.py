"""Pictures of an examination: how true the chances are, how many leavers a list holds, and what moves the model."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from winback.facts.features import declared
from winback.risk.scoring.own_estimator import Classifier
from winback.risk.scoring.reasons import feature_log_odds

NOT_MADE = 'not made: pip install "winback[plots]"'
BINS = 10
BARS = 20
ROWS_ASKED = 500  # of the held-out rows, for the mean share of a feature


def pictures(model: Classifier, examined: pd.DataFrame) -> dict[str, bytes]:
    """PNG files by name, of the held-out rows with `churned` and `probability`; none where matplotlib is missing."""
    if importlib.util.find_spec("matplotlib") is None:
        return {}
    return {
        "calibration.png": _drawn(examined, _calibration),
        "gains.png": _drawn(examined, _gains),
        "importance.png": _drawn(importance(model, examined), _importance),
    }


def importance(model: Classifier, examined: pd.DataFrame) -> pd.Series[float]:
    """How far each feature moves a held-out customer's log-odds in the mean, up or down; the largest first."""
    rows = examined.iloc[np.linspace(0, len(examined) - 1, min(ROWS_ASKED, len(examined))).astype(int)]
    shares: pd.Series[float] = feature_log_odds(model, rows[list(model.feature_names_in_)]).abs().mean()
    return shares.sort_values(ascending=False, kind="stable")


def _drawn(shown: Any, draw: Any) -> bytes:
    """One picture as PNG; equal data give equal bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(6, 5), layout="constrained")
    FigureCanvasAgg(figure)
    draw(figure.subplots(), shown)
    held = io.BytesIO()
    figure.savefig(held, format="png", dpi=100, metadata={"Software": None})
    return held.getvalue()


def _parts(examined: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for cutoff, rows in examined.groupby("cutoff"):
        yield f"{cutoff:%Y-%m-%d}", rows.sort_values("probability", ascending=False, kind="stable")


def _diagonal(panel: Any) -> None:
    panel.plot([0, 1], [0, 1], color="#777777", linewidth=0.8)


def _calibration(panel: Any, examined: pd.DataFrame) -> None:
    _diagonal(panel)
    for name, rows in _parts(examined):
        tenths = rows.groupby(np.arange(len(rows)) * BINS // len(rows))[["probability", "churned"]].mean()
        panel.plot(tenths["probability"], tenths["churned"], marker="o", label=name)
    panel.set(xlabel="mean predicted chance of a tenth", ylabel="share that left", title="Calibration")
    panel.legend()


def _gains(panel: Any, examined: pd.DataFrame) -> None:
    _diagonal(panel)
    for name, rows in _parts(examined):
        found = rows["churned"].cumsum() / max(int(rows["churned"].sum()), 1)
        panel.plot(np.arange(1, len(rows) + 1) / len(rows), found, label=name)
    panel.set(xlabel="share of customers, riskiest first", ylabel="share of leavers among them", title="Gains")
    panel.legend()


def _importance(panel: Any, shares: pd.Series[float]) -> None:
    """One bar a feature, of those that move most; one colour a driver."""
    shown = shares.head(BARS)[::-1]
    driver_of = {f.name: f.driver for f in declared.builtin()}
    drivers = [driver_of.get(str(name), "own") for name in shown.index]
    for number, driver in enumerate(dict.fromkeys(reversed(drivers))):
        at = [place for place, each in enumerate(drivers) if each == driver]
        panel.barh(at, shown.iloc[at], color=f"C{number % 10}", label=driver)
    panel.set_yticks(range(len(shown)), shown.index, fontsize=7)
    panel.set(xlabel="mean distance that it moves the log-odds of leaving", title="Importance")
    panel.legend(fontsize=7, loc="lower right")
