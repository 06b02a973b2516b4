"""Where the rows of a source went."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Accounting:
    """Where one source's rows went: `rows_in` is the sum of accepted, duplicates, quarantined and all left out.

    `reasons` counts the quarantined, `left_out` by the rule that did it. `next_future`: when the
    first of the rows refused for a date that lies ahead can be taken in.
    """

    table: str
    rows_in: int
    accepted: int
    duplicates: int
    quarantined: int
    reasons: dict[str, int]
    left_out: dict[str, int] = field(default_factory=dict)
    next_future: str | None = field(default=None, compare=False)


def added_up(before: Accounting, now: Accounting) -> Accounting:
    """The accounting of a source of which some files were read before and the others now."""
    due = [moment for moment in (before.next_future, now.next_future) if moment]
    return Accounting(
        now.table,
        before.rows_in + now.rows_in,
        before.accepted + now.accepted,
        before.duplicates + now.duplicates,
        before.quarantined + now.quarantined,
        _sum(before.reasons, now.reasons),
        _sum(before.left_out, now.left_out),
        min(due, default=None),
    )


def _sum(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return dict(sorted((Counter(one) + Counter(other)).items()))
