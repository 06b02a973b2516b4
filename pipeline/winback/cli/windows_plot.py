"""The picture that `winback windows` draws."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from winback.errors import MissingExtra

if TYPE_CHECKING:
    import pandas as pd

    from winback.facts.windows.choice import Choice, Limits

LONGEST = 365  # days that silences are followed for at most
BLUE, ORANGE, GREEN = "#1f5fa8", "#d1651a", "#2c7f4f"
SHADES = ("#1f5fa8", "#d1651a", "#2c7f4f", "#9a4f96", "#8c6d1f", "#4d4d4d", "#c23b5a", "#3a9aa8", "#777777")


def refuse_missing() -> None:
    """MissingExtra where matplotlib is not installed."""
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingExtra('--plot draws with matplotlib, which is not installed; run: pip install "winback[plots]"')


def draw(evidence: pd.DataFrame, choice: Choice, limits: Limits, path: Path) -> None:
    """Write the picture of the evidence: four panels over the windows, the recommended one marked.

    Hollow marks: silences that could not be followed for as long again, at most a year.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    from winback.store import whole_file  # noqa: PLC0415

    figure = Figure(figsize=(13.5, 9.5), layout="constrained")
    FigureCanvasAgg(figure)
    every = evidence[evidence["by"] == "all"].reset_index(drop=True)
    figure.suptitle(_title(choice), fontsize=14, fontweight="bold")
    (gone, parts), (question, warning) = figure.subplots(2, 2)
    for panel in (gone, parts, question, warning):
        _windows(panel, every, choice)
    _gone(gone, every, limits)
    _parts(parts, evidence, every)
    _question(question, every, limits)
    _warning(warning, every, limits)
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def _title(choice: Choice) -> str:
    if choice.window_days is None:
        return "Churn windows: the log cannot tell of any yet"
    return f"Churn windows: {choice.window_days} days are recommended ({choice.kind})"


def _gone(panel: Any, every: pd.DataFrame, limits: Limits) -> None:
    _line(panel, 100 * every["came_back"], BLUE, "of silences so long: came back later", _short(every))
    _line(panel, 100 * every["silent_share"], ORANGE, "of purchases: followed by a silence so long")
    panel.axhline(100 * limits.came_back, color=BLUE, linestyle=":", linewidth=1)
    panel.axhline(100 * limits.silent_share, color=ORANGE, linestyle=":", linewidth=1)
    panel.set_ylim(0, 102)
    _frame(panel, "Who is called gone and comes back (dotted: the most that may)", "share (%)")


def _parts(panel: Any, evidence: pd.DataFrame, every: pd.DataFrame) -> None:
    kept = evidence[evidence["by"] != "all"]
    for shade, (name, rows) in zip(SHADES, kept.groupby(["by", "segment"], sort=False), strict=False):
        lined_up = rows.set_index("window_days").reindex(every["window_days"]).reset_index()
        if lined_up["came_back"].notna().any():
            _line(panel, 100 * lined_up["came_back"], shade, f"{name[0]}: {name[1]}", _short(lined_up))
    panel.set_ylim(0, 102)
    _frame(panel, "The same by part (hollow: followed for less than the window)", "came back later (%)")


def _short(rows: pd.DataFrame) -> pd.Series:
    """Whether the silences of a row were followed for less than the window again, at most a year."""
    return rows["followed_days"] < rows["window_days"].clip(upper=LONGEST)


def _question(panel: Any, every: pd.DataFrame, limits: Limits) -> None:
    _line(panel, every["auc"], BLUE, "AUC of the best single rule")
    _line(panel, every["base_rate"], ORANGE, "base rate: bought nothing in the next window")
    panel.axhline(limits.auc, color=BLUE, linestyle=":", linewidth=1)
    panel.set_ylim(0, 1.02)
    people = zip(every["window_days"], every["positives"], every["customers"], strict=True)
    panel.set_xticks(range(len(every)), [f"{days}\n{left:,}\nof {asked:,}" for days, left, asked in people], fontsize=7)
    panel.set_xlabel("window (days), and people who left of those asked about")
    _frame(panel, "Can it be foreseen? (dotted: the least AUC)", "AUC, and share of customers (0 to 1)")


def _warning(panel: Any, every: pd.DataFrame, limits: Limits) -> None:
    _line(panel, every["warning_days"], GREEN, "from the end of the usual gap to the end of the window")
    panel.axhline(limits.warning_days, color=GREEN, linestyle=":", linewidth=1)
    panel.set_ylim(bottom=0)
    _frame(panel, "Warning left to act (dotted: the least)", "days, median")


def _line(panel: Any, figures: pd.Series, color: str, label: str, hollow: pd.Series | None = None) -> None:
    """A line with a mark at each window; hollow marks where `hollow` says so."""
    panel.plot(figures.index, figures, color=color, marker="o", markersize=5.5, linewidth=1.8, label=label)
    if hollow is not None and hollow.any():
        panel.plot(figures.index[hollow], figures[hollow], "o", color=color, markerfacecolor="white", markersize=5.5)


def _frame(panel: Any, title: str, unit: str) -> None:
    lines = len(panel.get_legend_handles_labels()[1])
    columns = 2 if lines < 3 else 4
    panel.set_title(title, fontsize=11, loc="left", pad=8 + 15 * math.ceil(lines / columns))
    panel.set_ylabel(unit)
    panel.grid(axis="y", color="#e4e4e4", linewidth=0.8)
    panel.spines[["top", "right"]].set_visible(False)
    if lines:
        place = {"loc": "lower left", "bbox_to_anchor": (-0.02, 1.0), "borderpad": 0}
        panel.legend(fontsize=8, frameon=False, ncols=columns, **place)


def _windows(panel: Any, every: pd.DataFrame, choice: Choice) -> None:
    """The windows evenly spaced along the bottom, the recommended one marked."""
    panel.set_xlabel("window (days without a purchase)")
    panel.set_xticks(range(len(every)), [f"{window}" for window in every["window_days"]])
    panel.set_xlim(-0.5, len(every) - 0.5)
    if choice.window_days is not None:
        place = every.index[every["window_days"] == choice.window_days][0]
        panel.axvspan(place - 0.35, place + 0.35, color="#f3e6b3", zorder=0)
