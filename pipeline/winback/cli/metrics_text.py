"""Metrics on the screen and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import pandas as pd

    from winback.insight.metrics.definitions import Unit
    from winback.insight.metrics.table import Terms

LAST_PERIODS = 4


def as_json(told: pd.DataFrame, terms: Terms) -> dict[str, Any]:
    """The terms and one object a figure; null for what is not defined."""
    rows = told.astype(object).where(told.notna(), None).to_dict("records")
    asked = {
        "active_days": terms.active_days,
        "customers_by": terms.customers_by,
        "margin_rate": terms.margin_rate,
        "period": terms.length,
        "until": terms.until.isoformat(),
    }
    return {"terms": asked, "figures": rows}


def show(told: pd.DataFrame, terms: Terms, one: bool) -> None:
    """One metric in full; of several the newest periods side by side."""
    click.echo(
        f"A customer {_customer(terms)}. Known up to {terms.until}, margin rate {terms.margin_rate:g}. "
        "In brackets: 95 % intervals. Figures by age are of all cohorts together."
    )
    if one:
        _show_rows(told)
    else:
        _show_newest(told)


def _customer(terms: Terms) -> str:
    if terms.customers_by == "subscriptions":
        return "has a running subscription"
    return f"ordered in the last {terms.active_days} days"


def _show_rows(told: pd.DataFrame) -> None:
    """Every row of one metric."""
    from rich.text import Text  # noqa: PLC0415

    from winback.insight.metrics.defined import unit_of  # noqa: PLC0415

    table = _table(["period", "n", "part", "value", "interval", "made of", "why not"])
    unit = unit_of(str(told["metric"].iloc[0])) if len(told) else "share"
    for row in told.to_dict("records"):
        base = (
            "" if row["denominator"] != row["denominator"] else f"{row['numerator']:,.10g} / {row['denominator']:,.10g}"
        )
        cells = (row["period"], row["n"], row["segment"], number(row["value"], unit), interval(row, unit), base)
        table.add_row(*(Text(str(cell)) for cell in cells), Text(row["undefined"]))
    _print(table)


def _show_newest(told: pd.DataFrame) -> None:
    """A line a metric, a column a period of the newest; by age, of all cohorts together. Undefined ones below."""
    from rich.text import Text  # noqa: PLC0415

    from winback.insight.metrics.defined import by_age, unit_of  # noqa: PLC0415

    for segment, rows in told.groupby("segment", sort=True):
        newest = sorted(set(rows["period"]) - {"all"})[-LAST_PERIODS:]
        whole = (rows["n"] == "") | (rows["period"] == "all") | ~rows["metric"].map(by_age)
        rows = rows[rows["period"].isin([*newest, "all"]) & whole]  # noqa: PLW2901
        table = _table([str(segment), *newest, "of the newest"])
        for (metric, n), each in rows.groupby(["metric", "n"], sort=False):
            unit, by = unit_of(str(metric)), {row["period"]: row for row in each.to_dict("records")}
            if not each["value"].notna().any():
                continue
            asked = newest if not by_age(str(metric)) else [*[""] * (len(newest) - 1), "all"]
            cells = [number(by[p]["value"], unit) if p in by else "" for p in asked]
            sure = interval(by[asked[-1]], unit) if asked[-1] in by else ""
            table.add_row(Text(f"{metric} {n}".strip()), *(Text(cell) for cell in cells), Text(sure))
        _print(table)
    _show_undefined(told)


def _show_undefined(told: pd.DataFrame) -> None:
    """Metrics that are nowhere defined, by reason."""
    known = told.groupby("metric")["value"].transform(lambda value: value.notna().any()).astype(bool)
    last = told[~known].drop_duplicates("metric", keep="last")
    for reason, rows in last.groupby("undefined", sort=True):
        click.echo(f"Not told ({reason}): {', '.join(rows['metric'])}")


def number(value: float, unit: Unit) -> str:
    """A figure for people; a dash for what is not known."""
    if value != value:  # noqa: PLR0124 - nan
        return "-"
    forms = {
        "share": f"{value:.1%}",
        "count": f"{value:,.0f}" if value == round(value) else f"{value:,.2f}",
        "money": f"{value:,.2f}",
        "points": f"{value:.0f}",
    }
    return forms.get(unit, f"{value:.3g}")


def interval(row: Any, unit: Unit) -> str:
    """The interval of a row in brackets, empty where it has none."""
    return f"({number(row['low'], unit)} to {number(row['high'], unit)})" if row["interval"] else ""


def _table(heads: list[str]) -> Any:
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for n, head in enumerate(heads):
        table.add_column(head, justify="left" if n == 0 else "right", header_style="dim", no_wrap=True)
    return table


def _print(table: Any) -> None:
    from rich.console import Console  # noqa: PLC0415

    console = Console(highlight=False, soft_wrap=True, width=400)  # lines are cut nowhere
    console.print()
    console.print(table)
