"""When to train again: declared rules over what the published runs show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from winback.limits import Monitor

SCORE = "probability"
Told = Mapping[str, Any]


def advice(told: Told, limits: Monitor) -> list[dict[str, Any]]:
    """One entry a rule: whether it raises an alarm, and the sentence with its numbers.

    `told`: run, drift and matured as the monitor observed them. Rules that cannot be asked yet say so.
    """
    rules = (_features, _score, _calibration, _order, _age)
    return [{"rule": name, "alarm": alarm, "said": said} for rule in rules for name, alarm, said in rule(told, limits)]


def _features(told: Told, limits: Monitor) -> Iterator[tuple[str, bool, str]]:
    columns = [each for each in told["drift"]["columns"] if each["column"] != SCORE]
    drifted = [each for each in columns if each["drifted"]]
    named = ", ".join(f"{each['column']} {each['index']:.2f}" for each in drifted[:5])
    said = (
        f"{len(drifted)} of {len(columns)} features have drifted since training{f' ({named})' if named else ''}; "
        f"{limits.drifted_features} are an alarm."
    )
    yield "features", len(drifted) >= limits.drifted_features, said


def _score(told: Told, _: Monitor) -> Iterator[tuple[str, bool, str]]:
    for each in told["drift"]["columns"]:
        if each["column"] == SCORE:
            yield (
                "score",
                each["drifted"],
                f"stability index of the chances {each['index']:.2f}, limit {each['limit']:g}.",
            )


def _calibration(told: Told, limits: Monitor) -> Iterator[tuple[str, bool, str]]:
    if (found := newest(told)) is None:
        yield "calibration", False, "no run of this model has matured yet."
        return
    date, group = found
    error = group["off"]
    sure = error["low"] > 0 or error["high"] < 0
    said = (
        f"run of {date}: mean chance {group['mean_chance']:.1%}, {group['left'] / group['customers']:.1%} left, "
        f"{error['value']:+.1%} ({error['low']:+.1%} to {error['high']:+.1%}); an alarm above "
        f"{limits.max_mean_error:.1%} where the interval is without 0."
    )
    yield "calibration", bool(sure and abs(error["value"]) > limits.max_mean_error), said


def _order(told: Told, _: Monitor) -> Iterator[tuple[str, bool, str]]:
    if (found := newest(told)) is None:
        return
    date, group = found
    above = group["above_rule"]
    said = (
        f"run of {date}: AUC {group['auc']['value']:.3f}, of the best single rule ({group['rule']}) "
        f"{group['rule_auc']:.3f}, {above['value']:+.3f} ({above['low']:+.3f} to {above['high']:+.3f}); an alarm where "
        "the interval lies below 0."
    )
    yield "order", above["high"] < 0, said


def _age(told: Told, limits: Monitor) -> Iterator[tuple[str, bool, str]]:
    days = told["run"]["model_days"]
    said = f"the model was trained {days} days ago; max_model_days is {limits.max_model_days}."
    yield "age", days > limits.max_model_days, said


def newest(told: Told) -> tuple[str, Told] | None:
    """The newest run of the model in use that has figures: of those left alone where they suffice, else of all."""
    for run in reversed(told["matured"]):
        if run["version"] == told["run"]["version"]:
            for group in ("left_alone", "all"):
                if "off" in run.get(group, {}):
                    return run["date"], run[group]
    return None
