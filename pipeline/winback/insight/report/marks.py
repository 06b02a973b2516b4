"""Pieces of a page: whatever goes in as text is escaped, once, by MarkupSafe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

Cell = str | Markup


def joined(pieces: Iterable[Cell], between: str = "") -> Markup:
    """Pieces one after the other."""
    return Markup(between).join(pieces)  # noqa: S704 - our own words between them


def table(heads: Sequence[Cell], rows: Iterable[Sequence[Cell]], caption: str, kind: str = "") -> Markup:
    """A table whose first column names its rows; the others are figures unless `kind` says "text"."""
    cells = (Markup('<th scope="col">{}</th>').format(head) if head else Markup("<td></td>") for head in heads)
    top = joined(cells)
    body = joined(
        Markup('<tr><th scope="row">{}</th>{}</tr>').format(
            row[0], joined(Markup("<td>{}</td>").format(c) for c in row[1:])
        )
        for row in rows
    )
    shape = Markup(
        '<div class="wide" tabindex="0" role="region" aria-label="{}"><table class="{}"><caption>{}</caption>'
        "<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>"
    )
    return shape.format(caption, kind, caption, top, body)


def code(name: str) -> Markup:
    """A name as files and settings have it."""
    return Markup("<code>{}</code>").format(name)


def named(label: str, name: str) -> Markup:
    """Something in words, its name in files below."""
    return code(name) if label == name else Markup('{}<span class="reason">{}</span>').format(label, code(name))


def block(title: str, *pieces: Cell) -> Markup:
    """A titled block of a section."""
    return Markup('<section class="block"><h3>{}</h3>{}</section>').format(title, joined(pieces))


def said(text: str, kind: str = "note") -> Markup:
    """A sentence."""
    return Markup('<p class="{}">{}</p>').format(kind, text)


def section(name: str, title: str, *pieces: Cell) -> Markup:
    """One of the four parts of the page."""
    shape = Markup(
        '<section id="{0}" aria-labelledby="{0}-title"><h2 id="{0}-title">{1}</h2><div class="grid">{2}</div></section>'
    )
    return shape.format(name, title, joined(pieces))


def bar(share: float, text: str) -> Markup:
    """A figure with a bar of its share of the largest one behind it."""
    width = round(100 * max(0.0, min(1.0, share)), 1)
    return Markup('<span class="bar" style="--share:{}%">{}</span>').format(width, text)
