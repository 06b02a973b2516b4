"""For operations: every row accounted for, what was asked before publishing, when each step ended."""

from __future__ import annotations

from itertools import pairwise

from markupsafe import Markup

from winback.insight.report.held import Held
from winback.insight.report.marks import block, code, said, section, table
from winback.insight.report.words import DASH, Words


def operations(run: Held, words: Words) -> Markup:
    """The section of those who run it."""
    return section(
        "operations",
        words["operations"],
        _rows(run, words),
        _steps(run, words),
        _versions(run, words),
        _gate(run, words),
    )


def _rows(run: Held, words: Words) -> Markup:
    rows = [
        [
            code(each["table"]),
            words.number(each["rows_in"]),
            words.number(each["accepted"]),
            words.number(each["duplicates"]),
            words.number(sum(each["left_out"].values())),
            words.number(each["quarantined"]),
        ]
        for each in run.summary["accounting"]
    ]
    heads = [words[k] for k in ("source", "rows_in", "accepted", "duplicates", "ruled_out", "quarantined")]
    reasons = [
        [code(f"{each['table']}: {reason}"), words.number(n)]
        for each in run.summary["accounting"]
        for reason, n in each["reasons"].items()
    ]
    why = table([words["reason"], words["quarantined"]], reasons, words["quarantined"]) if reasons else Markup("")
    return block(words["rows"], table(heads, rows, words["rows"], "full"), why, said(words["rows_note"]))


def _steps(run: Held, words: Words) -> Markup:
    took = [DASH, *(words.number((b - a).total_seconds(), 1) for (_, a), (_, b) in pairwise(run.steps))]
    rows = [[code(name), f"{at:%Y-%m-%d %H:%M:%S}", each] for (name, at), each in zip(run.steps, took, strict=True)]
    return block(
        words["timings"], table([words["step"], words["finished"], words["seconds"]], rows, words["timings"], "close")
    )


def _versions(run: Held, words: Words) -> Markup:
    rows = [[code(name), version] for name, version in run.versions.items()]
    return block(words["versions"], table([words["package"], words["version"]], rows, words["versions"]))


def _gate(run: Held, words: Words) -> Markup:
    rows = [
        [*(words.phrase(str(g[part])) for part in ("name", "found", "needed")), words["yes" if g["passed"] else "no"]]
        for g in run.gate
    ]
    heads = [words[k] for k in ("asked_for", "result", "needed", "passed")]
    return block(words["gate"], table(heads, rows, words["gate"], "full text"))
