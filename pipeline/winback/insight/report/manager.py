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
COUNTED = ("stayed", "orders")  # effects that are no money


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
    if _few(now):
        return [said_as, words["hidden"], "", DASH, ""]
    interval = f"{_figure(now['low'], unit, words)} {DASH} {_figure(now['high'], unit, words)}"
    told_now = [said_as, _figure(now["value"], unit, words), interval if now["interval"] else ""]
    if then is None or then["undefined"] or _few(then):
        return [*told_now, words["hidden"] if then is not None and _few(then) else DASH, ""]
    change = now["value"] - then["value"]
    sign = "+" if change > 0 else ""
    points = f"{words.number(100 * change, 1)} {words['points_short']}"
    told = f"{sign}{points if unit == 'share' else _figure(change, unit, words)}"
    return [*told_now, _figure(then["value"], unit, words), told]


def _few(row: Row) -> bool:
    """Whether a figure is about too few people to be told."""
    return bool(0 < row["people"] < LEAST)


def _figure(value: float, unit: str, words: Words) -> str:
    if unit == "share":
        return words.percent(value)
    return words.money(value) if unit == "money" else words.number(value, 0 if unit == "count" else 1)


def _cohorts(figures: pd.DataFrame | None, words: Words) -> Markup:
    """The heat map: a row a cohort, a column a month since its first order. Cohorts of few are hidden."""
    if figures is None:
        return Markup("")
    told = figures[figures["metric"] == "period_k"]
    rows, cells = [], {(row["period"], int(row["n"])): row for row in told.to_dict("records")}
    ages = range(1, min(MOST_AGES, max((k for _, k in cells), default=0)) + 1)
    cohorts = sorted({cohort for cohort, _ in cells})
    before = dict(zip(cohorts[1:], cohorts, strict=False))
    for cohort in cohorts[-MOST_COHORTS:]:
        size = cells[(cohort, 1)]["denominator"]
        if size < LEAST:
            rows.append([cohort, words["hidden"], *[""] * len(ages)])
            continue
        both = [(cells.get((cohort, k)), cells.get((before.get(cohort, ""), k))) for k in ages]
        rows.append([cohort, words.number(size), *(_shade(now, then, words) for now, then in both)])
    if not rows:
        return Markup("")
    heads = [words["cohort"], words["customers"], *(str(k) for k in ages)]
    heat = table(heads, rows, words["cohorts"], "full heat")
    return block(words["cohorts"], heat, said(words["cohorts_note"]))


def _shade(now: Row | None, then: Row | None, words: Words) -> Cell:
    """A cell of the heat map: the share, and by how many points it differs from the cohort before at the same age."""
    if now is None or now["value"] != now["value"]:
        return ""
    told = words.percent(now["value"], 0)
    if then is not None and then["value"] == then["value"] and then["denominator"] >= LEAST:
        change = 100 * (now["value"] - then["value"])
        sign = "+" if round(change) > 0 else ""
        told = Markup("{}<small>{}{}</small>").format(told, sign, words.number(change))
    shape = Markup('<span class="shade" style="--share:{}%">{}</span>')
    return shape.format(round(100 * now["value"]), told)


def _earned(lift: pd.DataFrame | None, words: Words) -> Markup:
    """What campaigns brought, measured; nothing is claimed where nothing was."""
    if lift is None or lift.empty:
        return block(words["earned"], said(words["no_lift"]))
    rows = [
        [
            words.named("effects", str(r["metric"])),
            _effect(r, "value", words),
            f"{_effect(r, 'low', words)} {DASH} {_effect(r, 'high', words)}" if r["value"] == r["value"] else "",
            words.named("verdicts", str(r["verdict"])),
        ]
        for r in lift.to_dict("records")
    ]
    heads = [words["effect"], words["value"], words["interval_ever"], words["verdict"]]
    arms = {arm: words.number(lift[arm].iloc[0]) for arm in ("treated", "held_out")}
    told = words["arms"].format(**arms) if lift[list(arms)].iloc[0].min() >= LEAST else ""
    return block(words["earned"], said(told), table(heads, rows, words["earned"], "full"), said(words["earned_note"]))


def _effect(row: Row, which: str, words: Words) -> str:
    """An effect or the end of its interval: money, or a count of customers or orders."""
    return words.number(row[which]) if row["metric"] in COUNTED else words.money(row[which])
