"""For the data scientist: how good the model was on dates it had not seen, what it leans on, and its history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from winback.insight.report.drawn import Axes, Line, picture, ticks
from winback.insight.report.held import Beside, Held
from winback.insight.report.hiding import LEAST, told_groups
from winback.insight.report.marks import bar, block, named, said, section, table
from winback.insight.report.words import DASH, Words

MOST_DRIFT, MOST_FEATURES = 12, 12


def scientist(run: Held, beside: Beside, words: Words) -> Markup:
    """The data scientist's section."""
    return section(
        "scientist",
        words["scientist"],
        _quality(run, words),
        _calibration(run, words),
        _gains(run, words),
        _drivers(run, words),
        _features(run, beside, words),
        _slices(run, beside, words),
        _drift(beside, words),
        _history(beside, words),
    )


def _quality(run: Held, words: Words) -> Markup:
    """One row a cutoff of the examination."""
    rows = [
        [
            str(q["cutoff"]),
            words.number(q["customers"]),
            words.percent(q["churned"]),
            words.percent(q["mean_predicted"]),
            words.number(q["auc"], 3),
            words.number(q["rule_auc"], 3),
            words.number(q["log_loss"], 3),
            words.number(q["calibration_slope"], 2),
        ]
        for q in run.summary["quality"]
    ]
    heads = [words[k] for k in ("cutoff", "customers", "left_share", "predicted")]
    heads += ["AUC", words["best_rule"], "log loss", words["slope"]]
    model, letter = run.summary["model"], run.card.get("examination", {}).get("grade", {}).get("letter", DASH)
    whole = f"{model['name']} {model['version']}"
    told = f"{whole}, {words['grade']} {letter}, {words['learned_from'].format(n=words.number(model['rows']))}"
    return block(words["quality"], said(told), table(heads, rows, words["quality"], "full"))


def _calibration(run: Held, words: Words) -> Markup:
    """Predicted against observed, of tenths by chance, or of dates and parts where the card has no tenths."""
    examined = run.card.get("examination", {})
    tenths = [p for p in examined.get("deciles", []) if "mean_predicted" in p and p["customers"] >= LEAST]
    others = [*examined.get("cutoffs", []), *examined.get("slices", [])]
    parts = tenths or [p for p in others if p.get("rows", LEAST) >= LEAST]
    points = sorted((_value(p, "mean_predicted"), _value(p, "churned")) for p in parts)
    points = [(x, y) for x, y in points if x == x and y == y]  # noqa: PLR0124 - nan
    if not points:
        return Markup("")
    most = max(0.01, *(value for point in points for value in point)) * 1.1
    end = ticks(min(1.0, most))[-1]
    axes = Axes(words["calibration"], words["predicted"], words["observed"], (end, end))
    ideal = Line(words["ideal"], [(0.0, 0.0), axes.most], "dashed")
    dots = Line(words["a_tenth"] if tenths else words["a_part"], points, "dots")
    return block(words["calibration"], picture(axes, [dots, ideal], words))


def _value(part: Mapping[str, Any], name: str) -> float:
    found = part.get(name, {})
    value = found.get("value") if isinstance(found, Mapping) else found
    return float("nan") if value is None else float(value)


def _gains(run: Held, words: Words) -> Markup:
    deciles = run.card.get("examination", {}).get("deciles", [])
    if not deciles:
        return Markup("")
    points = [(0.0, 0.0), *((d["decile"] / len(deciles), d["gained"]) for d in deciles)]
    axes = Axes(words["gains"], words["share_listed"], words["share_caught"])
    lot = Line(words["by_chance"], [(0.0, 0.0), (1.0, 1.0)], "dashed")
    return block(words["gains"], picture(axes, [Line(words["model"], points), lot], words))


def _drivers(run: Held, words: Words) -> Markup:
    """Mean weight of each driver, and for how many of those at risk it comes first."""
    weights = run.card["reference"]["log_odds"]
    first = told_groups({entry["driver"]: entry["first_for"] for entry in run.summary["drivers"]})
    most = max([*weights.values(), 1e-9])
    rows = [
        [
            words.named("drivers", driver),
            bar(weight / most, words.number(weight, 3)),
            words["hidden"] if (count := first.get(driver, 0)) is None else words.number(count),
        ]
        for driver, weight in sorted(weights.items(), key=lambda each: -each[1])
    ]
    return block(
        words["driver_weights"],
        table([words["driver"], words["weight"], words["first_for"]], rows, words["driver_weights"]),
    )


def _features(run: Held, beside: Beside, words: Words) -> Markup:
    reasons = run.frames["reasons"]
    mine = reasons[reasons["customer_id"].isin(run.at_risk) & (reasons["points"] > 0) & reasons["feature"].notna()]
    found = mine[mine["feature"] != ""].groupby("feature")["points"].agg(["size", "mean"])
    found = found[found["size"] >= LEAST].sort_values(["size", "mean"], ascending=False).head(MOST_FEATURES)
    most = float(found["size"].max()) if len(found) else 1.0
    rows = [
        [
            _feature(beside, str(name)),
            bar(row["size"] / most, words.number(row["size"])),
            words.number(100 * row["mean"], 1),
        ]
        for name, row in found.iterrows()
    ]
    heads = [words["feature"], words["quoted_for"], words["points"]]
    return block(words["features"], table(heads, rows, words["features"])) if rows else Markup("")


def _feature(beside: Beside, name: str) -> Markup:
    return named(beside.labels.get(name, name), name)


def _slices(run: Held, beside: Beside, words: Words) -> Markup:
    parts = [p for p in run.card.get("examination", {}).get("slices", []) if p["rows"] >= LEAST and p["left"] >= LEAST]
    rows = [
        [
            f"{beside.labels.get(p['column'], p['column'])}: {words.phrase(str(p['part']))}",
            words.number(p["rows"]),
            words.percent(_value(p, "churned")),
            words.percent(_value(p, "mean_predicted")),
            words.number(_value(p, "auc"), 3),
        ]
        for p in parts
    ]
    heads = [words["part"], words["rows_in"], words["left_share"], words["predicted"], "AUC"]
    return block(words["slices"], table(heads, rows, words["slices"])) if rows else Markup("")


def _drift(beside: Beside, words: Words) -> Markup:
    if beside.drift is None:
        return block(words["drift"], said(words["no_drift"]))
    rows = [
        [
            _feature(beside, str(each["column"])),
            words.number(each["index"], 2),
            words["yes"] if each["drifted"] else words["no"],
        ]
        for each in list(beside.drift)[:MOST_DRIFT]
    ]
    return block(words["drift"], table([words["feature"], words["index"], words["drifted"]], rows, words["drift"]))


def _history(beside: Beside, words: Words) -> Markup:
    if not beside.history:
        return block(words["history"], said(words["no_history"]))
    names = ("version", "at", "kind", "reason", "approver")
    rows = [[words.phrase(str(each[name])) for name in names] for each in reversed(beside.history)]
    heads = [words[k] for k in ("version", "when", "happened", "reason", "approver")]
    return block(words["history"], table(heads, rows, words["history"], "full text"))
