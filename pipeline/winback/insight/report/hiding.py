"""Small groups hidden, so that no figure of a page is about a few people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

LEAST = 10  # people in the smallest group that is told


def hidden(counts: Sequence[float], least: int = LEAST) -> list[bool]:
    """Which groups of one whole must not be told: those of fewer people than `least`, and one more with a single one.

    With one group hidden its size would be the whole less the others, so the next smallest is hidden too
    (complementary suppression), as long as there is one. Empty groups are told.

    >>> hidden([120, 40, 3])
    [False, True, True]
    >>> hidden([120, 4, 3, 0])
    [False, True, True, False]
    """
    small = [0 < count < least for count in counts]
    if sum(small) == 1:
        others = [place for place, count in enumerate(counts) if count > 0 and not small[place]]
        if others:
            small[min(others, key=lambda place: counts[place])] = True
    return small


def told_groups(groups: Mapping[str, float], least: int = LEAST) -> dict[str, float | None]:
    """Each group's count, None where it must not be told."""
    marks = hidden(list(groups.values()), least)
    return {name: None if mark else count for (name, count), mark in zip(groups.items(), marks, strict=True)}
