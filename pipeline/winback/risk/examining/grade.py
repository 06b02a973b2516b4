"""One letter for a model, from how surely it beats what is simpler and whether its chances can be taken as such."""

from __future__ import annotations

from typing import Any

SLOPES, LEVELS = (0.9, 1.1), (-0.01, 0.01)
SLOPES_AT_MOST, LEVELS_AT_MOST = (0.8, 1.25), (-0.02, 0.02)
Interval = dict[str, float | None]


def grade(over_rule: Interval, over_logistic: Interval, slope: Interval, off: Interval) -> dict[str, Any]:
    """The letter, and a sentence for each of its three grounds.

    `over_...`: AUC less that of the peer; `off`: mean chance less share of leavers; all with intervals.
    A: surely above the best rule and above the logistic regression, and calibrated. B: surely above the
    rule, not surely below the logistic regression, and calibrated: the simpler model would do as well.
    C: above the rule, but perhaps by luck, or not calibrated: use its order, not its chances. D: not above.
    """
    fits = calibrated(slope, off)
    surely, above = _over(over_rule["low"], 0), _over(over_rule["value"], 0)
    beats, keeps_up = _over(over_logistic["low"], 0), _over(over_logistic["high"], 0)
    letter = "D" if not above else "C" if not (surely and fits and keeps_up) else "A" if beats else "B"
    return {
        "letter": letter,
        "beats_rule": "surely" if surely else "perhaps" if above else "no",
        "beats_logistic": "surely" if beats else "perhaps" if keeps_up else "no",
        "calibrated": fits,
    }


def calibrated(slope: Interval, off: Interval) -> bool:
    """Whether slope and mean chance are near what is right, and luck would explain the rest.

    The figures themselves lie in the wider limits, and their intervals reach into the narrower ones: small
    samples are not blamed for scatter, nor large ones excused by it.
    """
    inside = _between(slope["value"], SLOPES_AT_MOST) and _between(off["value"], LEVELS_AT_MOST)
    return inside and _meets(slope, SLOPES) and _meets(off, LEVELS)


def _over(value: float | None, limit: float) -> bool:
    return value is not None and value > limit


def _between(value: float | None, limits: tuple[float, float]) -> bool:
    return value is not None and limits[0] <= value <= limits[1]


def _meets(found: Interval, limits: tuple[float, float]) -> bool:
    """Whether an interval and the limits have a value in common."""
    low, high = found["low"], found["high"]
    return low is not None and high is not None and low <= limits[1] and high >= limits[0]
