"""The picture that `winback lift` draws."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from winback.cli.lift_text import records

if TYPE_CHECKING:
    import pandas as pd

COLORS = {"works": "#2c7f4f", "harms": "#c23b5a", "less_than_promised": "#8c6d1f"}
UNSURE = "#6b7785"


def draw(every: pd.DataFrame, parts: pd.DataFrame, by: str, currency: str, path: Path) -> None:
    """Write the picture: customers kept and net gain, a row a part and one for all, with both intervals.

    Thick: the interval for one look. Thin: for any number of looks. A cross: what was promised.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    from winback.store import whole_file  # noqa: PLC0415

    names = [*sorted(parts["group"].unique(), reverse=True), "all"]
    figure = Figure(figsize=(12.5, 2.4 + 0.42 * len(names)), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"What the campaigns changed, by {by}", fontsize=14, fontweight="bold")
    kept, gain = figure.subplots(1, 2, sharey=True)
    for panel, metric in ((kept, "stayed"), (gain, "net_gain")):
        rows = _rows(every, parts, metric, names)
        for place, row in enumerate(rows):
            _effect(panel, place, row)
        panel.axvline(0, color="#333333", linewidth=0.9)
        panel.axhline(len(names) - 1.5, color="#cccccc", linewidth=0.8)
        panel.grid(axis="x", color="#e4e4e4", linewidth=0.8)
        panel.spines[["top", "right", "left"]].set_visible(False)
    kept.set_yticks(range(len(names)), [_label(row) for row in _rows(every, parts, "stayed", names)])
    kept.set_title("customers kept, against those held out", fontsize=11, loc="left")
    gain.set_title(f"net gain, {currency}: kept x margin at stake - cost", fontsize=11, loc="left")
    figure.supxlabel(
        "thick: 95 % for one look on a day fixed beforehand; thin: 95 % however often one looks; x: what was promised\n"
        "green: works; red: harms, costs more than it brings; brown: less than was promised; grey: not enough data yet",
        fontsize=9,
    )
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def _rows(every: pd.DataFrame, parts: pd.DataFrame, metric: str, names: list[str]) -> list[dict[str, Any]]:
    """The rows of one metric in the order of `names`, the last that of all."""
    of_parts = parts[parts["metric"] == metric].set_index("group")
    found = [{"group": name, **records(of_parts.loc[[name]])[0]} for name in names[:-1]]
    return [*found, records(every[every["metric"] == metric])[0]]


def _label(row: dict[str, Any]) -> str:
    return f"{row['group']}\n{row['treated']:,} treated, {row['held_out']:,} held out"


def _effect(panel: Any, place: int, row: dict[str, Any]) -> None:
    """One effect with its two intervals; only its place where an arm is too small for any."""
    color = COLORS.get(row["verdict"], UNSURE)
    panel.plot([row["total_ever_low"], row["total_ever_high"]], [place, place], color=color, linewidth=1.2)
    panel.plot([row["total_low"], row["total_high"]], [place, place], color=color, linewidth=5, alpha=0.55)
    panel.plot(row["total"], place, "o", color=color, markersize=7)
    panel.plot(row["promised"] * row["treated"], place, "x", color="#333333", markersize=6)
