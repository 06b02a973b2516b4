"""For the manager: who is at risk and what is at stake, retention against the last period, money earned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from winback.insight.metrics.defined import unit_of
from winback.insight.report.held import Beside, Held
from winback.insight.report.hiding import LEAST
from winback.insight.report.marks import Cell, block, joined, said, section, table
from winback.insight.report.words import DASH, Words

Row = Mapping[Any, Any]
MOST_COHORTS, MOST_AGES = 13, 12


def manager(run: Held, beside: Beside, words: Words) -> Markup:
    """The manager's section."""
    known = beside.metrics is not None and len(beside.metrics) > 0
    return section(
        "manager",
        words["manager"],
        _headline(run, words),
        _retention(beside.metrics, words) if known else block(words["retention"], said(words["no_metrics"])),
        _cohorts(beside.metrics, words) if known else Markup(""),
        _earned(beside.lift, words),
    )


def _headline(run: Held, words: Words) -> Markup:
    """The run's four figures."""
    told = run.summary
    risk = words["at_risk"].format(days=told["horizon_days"])
    cards = [
        (words.number(told["at_risk"]), risk),
        (words.number(told["customers"]), words["asked"]),
        (words.money(told["margin_at_stake"]), words["at_stake"]),
        (words.money(told["expected_net_gain"]), words["net_gain"]),
    ]
    each = Markup('<div class="card"><dd>{}</dd><dt>{}</dt></div>')
    return Markup('<dl class="cards">{}</dl>').format(joined(each.format(*card) for card in cards))


def _retention(figures: pd.DataFrame | None, words: Words) -> Markup:
    """The newest whole period against the one before."""
    if figures is None:
        return Markup("")
    periods = [p for p in dict.fromkeys(figures["period"]) if p != "all" and _whole(figures, p)]
    last, before = sorted(periods)[-1], (sorted(periods)[-2:-1] or [""])[0]
    rows = []
    for name, said_as in words.of["metrics"].items():
        mine = {row["period"]: row for row in figures[figures["metric"] == name].to_dict("records") if not row["n"]}
        if last in mine and not mine[last]["undefined"]:
            rows.append(_compared(name, said_as, (mine[last], mine.get(before)), words))
    heads = [words["metric"], last, words["interval"], before or words["before"], words["change"]]
    return block(words["retention"], table(heads, rows, words["retention"], "full"))


def _whole(figures: pd.DataFrame, period: str) -> bool:
    """Whether figures of a period, not of a cohort, are told."""
    return bool((figures["period"][figures["n"] == ""] == period).any())


def _compared(name: str, said_as: str, both: tuple[Row, Row | None], words: Words) -> list[Cell]:
    now, then = both
    unit = unit_of(name)
    few = unit == "share" and 0 < now["denominator"] < LEAST
    interval = (
        f"{_figure(now['low'], unit, words)} {DASH} {_figure(now['high'], unit, words)}" if now["interval"] else ""
    )
    if few or then is None or then["undefined"]:
        cells: list[Cell] = [
            words["hidden"] if few else _figure(now["value"], unit, words),
            "" if few else interval,
            DASH,
            "",
        ]
        return [said_as, *cells]
    change = now["value"] - then["value"]
    sign = "+" if change > 0 else ""
    points = f"{words.number(100 * change, 1)} {words['points_short']}"
    told = f"{sign}{points if unit == 'share' else _figure(change, unit, words)}"
    return [said_as, _figure(now["value"], unit, words), interval, _figure(then["value"], unit, words), told]


def _figure(value: float, unit: str, words: Words) -> str:
    if unit == "share":
        return words.percent(value)
    return words.money(value) if unit == "money" else words.number(value)


def _cohorts(figures: pd.DataFrame | None, words: Words) -> Markup:
    """The heat map: a row a cohort, a column a month since its first order. Cohorts of few are hidden."""
    if figures is None:
        return Markup("")
    told = figures[figures["metric"] == "period_k"]
    rows, cells = [], {(row["period"], int(row["n"])): row for row in told.to_dict("records")}
    ages = range(1, min(MOST_AGES, max((k for _, k in cells), default=0)) + 1)
    for cohort in sorted({cohort for cohort, _ in cells})[-MOST_COHORTS:]:
        size = cells[(cohort, 1)]["denominator"]
        if size < LEAST:
            rows.append([cohort, words["hidden"], *[""] * len(ages)])
            continue
        rows.append([cohort, words.number(size), *(_shade(cells.get((cohort, k)), words) for k in ages)])
    heads = [words["cohort"], words["customers"], *(str(k) for k in ages)]
    return block(words["cohorts"], table(heads, rows, words["cohorts"], "full heat")) if rows else Markup("")


def _shade(row: Row | None, words: Words) -> Cell:
    if row is None or row["value"] != row["value"]:
        return ""
    shape = Markup('<span class="shade" style="--share:{}%">{}</span>')
    return shape.format(round(100 * row["value"]), words.percent(row["value"], 0))


def _earned(lift: pd.DataFrame | None, words: Words) -> Markup:
    """What campaigns brought, measured; nothing is claimed where nothing was."""
    if lift is None or lift.empty:
        return block(words["earned"], said(words["no_lift"]))
    rows = [
        [
            str(r["campaign"]),
            str(r["metric"]),
            words.number(r["value"], 2),
            f"{words.number(r['low'], 2)} {DASH} {words.number(r['high'], 2)}",
        ]
        for r in lift.to_dict("records")
    ]
    heads = [words["campaign"], words["metric"], words["value"], words["interval"]]
    return block(words["earned"], table(heads, rows, words["earned"]))
