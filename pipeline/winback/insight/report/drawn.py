"""Pictures as inline SVG: lines in the page's own colours, and their figures in words for who cannot see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from winback.insight.report.marks import joined

WIDTH, HEIGHT, LEFT, BELOW, TOP, RIGHT = 520, 300, 52, 44, 12, 24
Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """Points of a line in the data's own units, its name, and its look: a, b, dots or dashed."""

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


def picture(axes: Axes, lines: Sequence[Line], name: str = "") -> Markup:
    """A picture of lines with a legend; `name` lets the page's script find it."""
    body = joined([_grid(axes), *(_line(axes, line) for line in lines), _names(axes)])
    keys = joined(Markup('<li class="key {}">{}</li>').format(line.look, line.name) for line in lines)
    shape = Markup(
        '<figure class="picture"{}><svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
        '<figcaption><ul class="keys">{}</ul></figcaption></figure>'
    )
    told = f"{axes.title}. " + " ".join(_told(axes, line) for line in lines)
    mark = Markup(' id="{}"').format(name) if name else ""
    return shape.format(mark, WIDTH, HEIGHT, told, body, keys)


def _told(axes: Axes, line: Line) -> str:
    """A line in words: its first, middle and last points."""
    places = sorted({0, len(line.points) // 2, len(line.points) - 1}) if line.points else []
    points = [f"{_figure(axes, line.points[p][0])}: {_figure(axes, line.points[p][1])}" for p in places]
    return f"{line.name} ({', '.join(points)})."


def _figure(axes: Axes, value: float) -> str:
    return f"{100 * value:.0f}%" if axes.shares else f"{value:,.0f}"


def _at(axes: Axes, point: Point) -> Point:
    across = LEFT + (WIDTH - LEFT - RIGHT) * point[0] / (axes.most[0] or 1)
    return round(across, 1), round(HEIGHT - BELOW - (HEIGHT - BELOW - TOP) * point[1] / (axes.most[1] or 1), 1)


def _grid(axes: Axes) -> Markup:
    """Lines at quarters of both axes, and their figures."""
    pieces = []
    for quarter in range(5):
        x, y = axes.most[0] * quarter / 4, axes.most[1] * quarter / 4
        low, high = _at(axes, (0, y)), _at(axes, (axes.most[0], y))
        pieces.append(Markup('<path class="rule" d="M{} {}H{}"/>').format(*low, high[0]))
        text = Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>')
        pieces.append(text.format(LEFT - 6, low[1] + 4, "end", _figure(axes, y)))
        pieces.append(text.format(_at(axes, (x, 0))[0], HEIGHT - BELOW + 16, "middle", _figure(axes, x)))
    return joined(pieces)


def _line(axes: Axes, line: Line) -> Markup:
    points = " ".join(f"{x},{y}" for x, y in (_at(axes, point) for point in line.points))
    dots = joined(
        Markup('<circle class="{}" cx="{}" cy="{}" r="3"/>').format(line.look, *_at(axes, p)) for p in line.points
    )
    shown = Markup('<polyline class="{}" points="{}"/>').format(line.look, points)
    if line.look == "dots":
        return dots
    return shown if line.look == "dashed" else shown + dots


def _names(axes: Axes) -> Markup:
    across = Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>').format(
        (WIDTH + LEFT) // 2, HEIGHT - 8, axes.across
    )
    middle = (HEIGHT - BELOW) // 2
    up = Markup('<text transform="translate(12 {}) rotate(-90)" text-anchor="middle">{}</text>').format(middle, axes.up)
    return across + up
