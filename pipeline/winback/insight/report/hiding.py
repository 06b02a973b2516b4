"""Small groups hidden, so that no figure of a page is about a few people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

LEAST = 10  # people in the smallest group that is told


def hidden(counts: Sequence[float], least: int = LEAST) -> list[bool]:
    """Which groups of one whole must not be told: those of fewer people than `least`, and what would give them away.

    The whole less what is told is what is hidden: so never one group alone, and never fewer people than `least`
    together; the next smallest groups are hidden too (complementary suppression), as long as there are any. Empty
    groups are told.

    >>> hidden([120, 40, 3])
    [False, True, True]
    >>> hidden([120, 40, 4, 3, 0])
    [False, True, True, True, False]
    >>> hidden([120, 40, 7, 6])
    [False, False, True, True]
    """
    marks = [0 < count < least for count in counts]
    others = sorted((place for place, count in enumerate(counts) if count >= least), key=lambda place: counts[place])
    for place in others if any(marks) else ():
        if sum(marks) > 1 and sum(count for count, mark in zip(counts, marks, strict=True) if mark) >= least:
            break
        marks[place] = True
    return marks


def told_groups(groups: Mapping[str, float], least: int = LEAST) -> dict[str, float | None]:
    """Each group's count, None where it must not be told."""
    marks = hidden(list(groups.values()), least)
    return {name: None if mark else count for (name, count), mark in zip(groups.items(), marks, strict=True)}
