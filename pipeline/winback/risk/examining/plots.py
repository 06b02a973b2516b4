"""Two pictures of an examination: how true the chances are, and how many leavers a list of some length holds."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

NOT_MADE = 'not made: pip install "winback[plots]"'
BINS = 10


def pictures(examined: pd.DataFrame) -> dict[str, bytes]:
    """PNG files by name, of the held-out rows with `churned` and `probability`; none where matplotlib is missing."""
    if importlib.util.find_spec("matplotlib") is None:
        return {}
    return {"calibration.png": _drawn(examined, _calibration), "gains.png": _drawn(examined, _gains)}


def _drawn(examined: pd.DataFrame, draw: Any) -> bytes:
    """One picture with a line a cutoff."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(6, 5), layout="constrained")
    FigureCanvasAgg(figure)
    panel = figure.subplots()
    panel.plot([0, 1], [0, 1], color="#777777", linewidth=0.8)
    draw(panel, examined)
    panel.legend()
    held = io.BytesIO()
    figure.savefig(held, format="png", dpi=100, metadata={"Software": None})
    return held.getvalue()


def _parts(examined: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for cutoff, rows in examined.groupby("cutoff"):
        yield f"{cutoff:%Y-%m-%d}", rows.sort_values("probability", ascending=False, kind="stable")


def _calibration(panel: Any, examined: pd.DataFrame) -> None:
    for name, rows in _parts(examined):
        tenths = rows.groupby(np.arange(len(rows)) * BINS // len(rows))[["probability", "churned"]].mean()
        panel.plot(tenths["probability"], tenths["churned"], marker="o", label=name)
    panel.set(xlabel="mean predicted chance of a tenth", ylabel="share that left", title="Calibration")


def _gains(panel: Any, examined: pd.DataFrame) -> None:
    for name, rows in _parts(examined):
        found = rows["churned"].cumsum() / max(int(rows["churned"].sum()), 1)
        panel.plot(np.arange(1, len(rows) + 1) / len(rows), found, label=name)
    panel.set(xlabel="share of customers, riskiest first", ylabel="share of leavers among them", title="Gains")
