"""A figure with its base, its interval, and in words why there is none where there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from scipy.special import stdtrit

NAN = float("nan")
Z = 1.959963984540054  # the normal quantile that leaves 2.5 % above it
LEVEL = 0.95


@dataclass(frozen=True)
class Figure:
    """One metric's value.

    `numerator / denominator` is what the value is made of, nan where it is no fraction. `low` and `high`: its 95 %
    interval, made as `interval` says, nan where that is empty. `undefined`: empty, or why the value is nan.
    `people`: how many customers (or answers) it is about, nan where that is not told.
    """

    value: float
    numerator: float = NAN
    denominator: float = NAN
    low: float = NAN
    high: float = NAN
    interval: str = ""
    undefined: str = ""
    people: float = NAN


def nothing(reason: str, numerator: float = NAN, denominator: float = NAN) -> Figure:
    """A figure that is not defined, and why: never a silent zero."""
    return Figure(NAN, float(numerator), float(denominator), undefined=reason)


def fraction(numerator: float, denominator: float, base: str) -> Figure:
    """`numerator / denominator` without an interval; undefined, naming the `base`, where that is 0.

    >>> fraction(30.0, 0.0, "customers at the start").undefined
    'no customers at the start'
    """
    if math.isnan(numerator) or math.isnan(denominator):
        return nothing(f"{base}: not known", numerator, denominator)
    if denominator == 0:
        return nothing(f"no {base}", numerator, denominator)
    return Figure(float(numerator / denominator), float(numerator), float(denominator))


def share(part: float, whole: float, base: str) -> Figure:
    """The share of `part` among `whole` people or things counted, with Wilson's interval.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (158), 1927: all
    shares that a test at 5 % would not refuse. It never leaves [0, 1] and holds for shares near its ends.

    >>> found = share(15, 100, "customers")
    >>> found.value, round(found.low, 4), round(found.high, 4)
    (0.15, 0.0931, 0.2328)
    """
    plain = fraction(part, whole, base)
    if plain.undefined:
        return plain
    if not 0 <= part <= whole:
        raise ValueError(f"a share is of 0 to {whole:g} {base}; came {part:g}")
    low, high = wilson(part, whole)
    return Figure(plain.value, plain.numerator, plain.denominator, low, high, "Wilson", people=float(whole))


def wilson(part: float, whole: float) -> tuple[float, float]:
    """Wilson's interval of the share `part / whole`; whole > 0.

    With p = part/whole, n = whole and z = 1.96: (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n).
    """
    p, n = part / whole, whole
    middle, grown = p + Z**2 / (2 * n), 1 + Z**2 / n
    half = Z * math.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    low = (middle - half) / grown if part else 0.0
    return low, (middle + half) / grown if part < whole else 1.0


def mean(total: float, squares: float, count: float, base: str) -> Figure:
    """The mean of `count` numbers with their sum and sum of squares, and Student's interval.

    The interval needs two numbers, and takes the mean of so many for normal: few and very uneven amounts make it
    too short.

    >>> mean(12.0, 56.0, 3, "buyers").value
    4.0
    """
    plain = replace(fraction(total, count, base), people=float(count))
    if plain.undefined or count < 2 or math.isnan(squares):
        return plain
    spread = max(0.0, squares - total**2 / count) / (count - 1)
    half = float(stdtrit(count - 1, (1 + LEVEL) / 2)) * math.sqrt(spread / count)
    return replace(plain, low=plain.value - half, high=plain.value + half, interval="Student")


@dataclass(frozen=True)
class Pairs:
    """Sums over `count` customers of an amount after (a), one before (b), and of a², ab and b²."""

    count: float
    a: float
    b: float
    aa: float
    ab: float
    bb: float


def ratio(pairs: Pairs, base: str) -> Figure:
    """Σa / Σb over the same customers, with the interval of a ratio of means.

    The variance is that of a - (Σa/Σb) b over customers, divided by n · mean(b)² (Cochran, *Sampling Techniques*,
    3rd ed. 1977, section 6.4): customers are the units that vary, not the money.

    >>> ratio(Pairs(2, 90.0, 100.0, 4500.0, 4700.0, 5000.0), "revenue at the start").value
    0.9
    """
    return spread(fraction(pairs.a, pairs.b, base), pairs)


def spread(plain: Figure, pairs: Pairs | None) -> Figure:
    """The figure a / b with the interval of `ratio`; as it is where it has none, or no sums are given."""
    if plain.undefined or pairs is None:
        return plain
    plain = replace(plain, people=float(pairs.count))
    if pairs.count < 2:
        return plain
    rest = max(0.0, pairs.aa - 2 * plain.value * pairs.ab + plain.value**2 * pairs.bb)
    error = math.sqrt(rest * pairs.count / (pairs.count - 1)) / abs(pairs.b)
    half = float(stdtrit(pairs.count - 1, (1 + LEVEL) / 2)) * error
    return replace(plain, low=plain.value - half, high=plain.value + half, interval="ratio")


def moved(figure: Figure, change: tuple[float, float]) -> Figure:
    """The figure `a + b * value` of another one for `change` = (a, b); its interval moves along."""
    if figure.undefined:
        return figure
    a, b = change
    ends = sorted((a + b * figure.low, a + b * figure.high)) if figure.interval else [NAN, NAN]
    return Figure(a + b * figure.value, NAN, figure.denominator, ends[0], ends[1], figure.interval)
