"""The data dictionary: the contracts as the text of data/README.md."""

from __future__ import annotations

from collections.abc import Sequence

from winback.facts.intake.contracts import CONTRACTS, MISSING, REASONS, TABLES, Column

BEGIN, END = "<!-- dictionary: begin -->", "<!-- dictionary: end -->"

_MAPPED = "A column marked * must be mapped and may not be empty in a row. Money is in the project's currency."
_NOTHING = "No text at all, or one of these, compared exactly after blanks around it are taken off:"


def dictionary() -> str:
    """The part of data/README.md between BEGIN and END."""
    nothing = ", ".join(f"`{word}`" for word in MISSING if word)
    parts = [
        f"## What a source is mapped onto\n\n{_MAPPED}\n",
        *(f"### [sources.{table}.columns]\n\n{_table(columns)}" for table, columns in CONTRACTS.items()),
        "## What ingest writes\n\nOne file each; moments are UTC. A column marked * is never empty.\n",
        *(f"### {table}.parquet\n\n{_table(columns)}" for table, columns in TABLES.items()),
        f"## What counts as nothing\n\n{_NOTHING}\n\n{nothing}\n",
        f"## Why a row is refused\n\n{_reasons()}",
    ]
    return "\n".join(parts)


def _table(columns: Sequence[Column]) -> str:
    rows = [
        f"| {column.name}{' *' * column.required} | {column.kind} | {column.unit} | {column.meaning} |"
        for column in columns
    ]
    return "\n".join(["| column | type | unit | meaning |", "|---|---|---|---|", *rows, ""])


def _reasons() -> str:
    rows = [f"| {code} | {_shown(sentence)} |" for code, sentence in REASONS.items()]
    return "\n".join(["| reason | detail |", "|---|---|", *rows, ""])


def _shown(sentence: str) -> str:
    """A reason's sentence with dots for what differs from row to row."""
    return sentence.format(column="ordered_at", source="column ...", value="...", words="one of its words")
