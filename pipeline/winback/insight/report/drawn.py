"""Pictures as inline SVG: lines in the page's own colours, and their figures in words for who cannot see them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from winback.insight.report.marks import joined
from winback.insight.report.words import Words

WIDTH, HEIGHT, LEFT, BELOW, TOP, RIGHT = 520, 300, 64, 44, 12, 24
Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """Points of a line in the data's own units, its name, and its look: a, b, dots, dashed or mark (one point)."""

    name: str
    points: Sequence[Point]
    look: str = "a"


@dataclass(frozen=True)
class Axes:
    """The title of a picture, the names of its axes, how far they reach from 0, and whether they are shares."""

    title: str
    across: str
    up: str
    most: Point = (1.0, 1.0)
    shares: bool = True


def picture(axes: Axes, lines: Sequence[Line], words: Words, name: str = "") -> Markup:
    """A picture of lines with a legend; `name` lets the page's script find it."""
    axes = replace(axes, most=(ticks(axes.most[0])[-1], ticks(axes.most[1])[-1]))
    body = joined([_grid(axes, words), *(_line(axes, line) for line in lines), _names(axes)])
    keys = joined(Markup('<li class="key {}">{}</li>').format(line.look, line.name) for line in lines)
    shape = Markup(
        '<figure class="picture"{}><svg viewBox="0 0 {} {}" data-ends="{} {} {} {}" role="img" aria-label="{}">{}</svg>'
        '<figcaption><ul class="keys">{}</ul></figcaption></figure>'
    )
    told = f"{axes.title}. " + " ".join(_told(axes, line, words) for line in lines)
    mark = Markup(' id="{}"').format(name) if name else ""
    ends = (LEFT, WIDTH - RIGHT, TOP, HEIGHT - BELOW)
    return shape.format(mark, WIDTH, HEIGHT, *ends, told, body, keys)


def ticks(most: float) -> list[float]:
    """Round numbers from 0 to `most` or just above, three to six of them.

    >>> ticks(1.0), ticks(1054.0), ticks(0.0)
    ([0.0, 0.25, 0.5, 0.75, 1.0], [0.0, 250.0, 500.0, 750.0, 1000.0, 1250.0], [0.0, 0.25, 0.5, 0.75, 1.0])
    """
    most = most if most > 0 else 1.0
    size = 10.0 ** math.floor(math.log10(most / 4))
    step = next(each * size for each in (1, 2, 2.5, 5, 10) if each * size * 5 >= most * (1 - 1e-9))
    step = 0.25 if most == 1 else step
    return [round(n * step, 9) for n in range(math.ceil(round(most / step, 6)) + 1)]


def _told(axes: Axes, line: Line, words: Words) -> str:
    """A line in words: its first, middle and last points."""
    places = sorted({0, len(line.points) // 2, len(line.points) - 1}) if line.points else []
    points = [": ".join(_figure(axes, value, words) for value in line.points[p]) for p in places]
    return f"{line.name} ({', '.join(points)})."


def _figure(axes: Axes, value: float, words: Words) -> str:
    return words.percent(value, 0) if axes.shares else words.number(value)


def _at(axes: Axes, point: Point) -> Point:
    across = LEFT + (WIDTH - LEFT - RIGHT) * point[0] / (axes.most[0] or 1)
    return round(across, 1), round(HEIGHT - BELOW - (HEIGHT - BELOW - TOP) * point[1] / (axes.most[1] or 1), 1)


def _grid(axes: Axes, words: Words) -> Markup:
    """Lines at round numbers of both axes, and their figures."""
    pieces, text = [], Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>')
    for y in ticks(axes.most[1]):
        low, high = _at(axes, (0, y)), _at(axes, (axes.most[0], y))
        pieces.append(Markup('<path class="rule" d="M{} {}H{}"/>').format(*low, high[0]))
        pieces.append(text.format(LEFT - 6, low[1] + 4, "end", _figure(axes, y, words)))
    across = [
        (_at(axes, (x, 0))[0], HEIGHT - BELOW + 16, "middle", _figure(axes, x, words)) for x in ticks(axes.most[0])
    ]
    pieces += [text.format(*each) for each in across]
    return joined(pieces)


def _line(axes: Axes, line: Line) -> Markup:
    points = " ".join(f"{x},{y}" for x, y in (_at(axes, point) for point in line.points))
    dots = joined(
        Markup('<circle class="{}" cx="{}" cy="{}" r="{}"/>').format(
            line.look, *_at(axes, p), 6 if line.look == "mark" else 3
        )
        for p in line.points
    )
    shown = Markup('<polyline class="{}" points="{}"/>').format(line.look, points)
    if line.look in ("dots", "mark"):
        return dots
    return shown if line.look == "dashed" else shown + dots


def _names(axes: Axes) -> Markup:
    across = Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>').format(
        (WIDTH + LEFT) // 2, HEIGHT - 8, axes.across
    )
    middle = (HEIGHT - BELOW) // 2
    up = Markup('<text transform="translate(12 {}) rotate(-90)" text-anchor="middle">{}</text>').format(middle, axes.up)
    return across + up
