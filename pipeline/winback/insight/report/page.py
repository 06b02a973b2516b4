"""The page itself: one HTML file that asks nothing of a network."""

from __future__ import annotations

import importlib.resources

from markupsafe import Markup

from winback.insight.report.held import Beside, Held
from winback.insight.report.manager import manager
from winback.insight.report.marketer import as_script, marketer, people
from winback.insight.report.marks import joined
from winback.insight.report.operations import operations
from winback.insight.report.scientist import scientist
from winback.insight.report.words import Words

SECTIONS = ("manager", "marketer", "scientist", "operations")
SAID_BY_SCRIPT = ("threshold_means", "comma", "found", "page")
# Nothing may be fetched; what runs and how it looks lies in the file.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "img-src data:; base-uri 'none'; form-action 'none'"
)
SHAPE = Markup("""<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<link rel="icon" href="data:,">
<title>{title} {date}</title>
<style>{style}</style>
</head>
<body>
<a class="skip" href="#manager">{skip}</a>
<header><h1>{title}</h1><p>{date} · {run} {run_id}</p><nav aria-label="{parts}"><ul>{links}</ul></nav></header>
<main>{sections}</main>
{told}
<script>{script}</script>
</body>
</html>
""")


def page(run: Held, beside: Beside, words: Words, customers: bool = True) -> str:
    """One run as HTML; without `customers` the page names none and may be passed on."""
    told = people(run, beside, words, customers) | {"words": {name: words[name] for name in SAID_BY_SCRIPT}}
    sections = (
        manager(run, beside, words),
        marketer(run, beside, words, customers),
        scientist(run, beside, words),
        operations(run, words),
    )
    links = joined(Markup('<li><a href="#{}">{}</a></li>').format(name, words[name]) for name in SECTIONS)
    whole = SHAPE.format(
        language=words.language,
        policy=POLICY,
        title=words["title"],
        date=run.date.isoformat(),
        style=_own("report.css"),
        skip=words["skip"],
        run=words["run"],
        run_id=run.run_id,
        parts=words["parts"],
        links=links,
        sections=joined(sections),
        told=as_script(told | {"language": words.language, "currency": words.currency}),
        script=_own("report.js"),
    )
    return str(whole)


def _own(name: str) -> Markup:
    """A file of ours, as it is."""
    text = importlib.resources.files("winback.insight.report").joinpath(name).read_text("utf-8")
    return Markup(text)  # noqa: S704 - our own file
