"""Amounts of money and numbers of pieces: nothing, below zero, another unit, another currency, one far too large."""

# Names in these statements are the contracts' and our own.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from winback.facts.check.findings import Finding, number, of_all, percent
from winback.facts.check.look import Look
from winback.facts.check.rhythm import OLDEST
from winback.facts.days import begins, microseconds

FEW_MONTH_ROWS = 20
UNIT_CHANGE = 20.0  # times the median of the months before
FAR_TOO_LARGE, SHARE_OF_ALL = 100.0, 0.02
ZEROS, NEGATIVES = 0.05, 0.3


def check_amounts(look: Look) -> Iterator[Finding]:
    """What is odd about the amounts, discounts and quantities of the orders."""
    found = look.one("""
        SELECT count(*) AS n, count(*) FILTER (amount_cents = 0) AS zero, count(*) FILTER (amount_cents < 0) AS below,
            count(*) FILTER (amount_cents % 100 = 0) AS whole, median(abs(amount_cents)) AS middle,
            max(amount_cents) AS most, coalesce(sum(amount_cents) FILTER (amount_cents > 0), 0)::DOUBLE AS total,
            count(*) FILTER (discount_cents < 0) AS discount_below,
            count(*) FILTER (discount_cents > 0) AS discounted,
            count(*) FILTER (quantity <= 0 AND amount_cents > 0) AS no_pieces
        FROM orders WHERE part = 0
    """)
    if not found["n"]:
        return
    yield from _none_or_below(found)
    yield from _unit(found)
    if found["middle"] and found["most"] >= FAR_TOO_LARGE * found["middle"] * 10 and found["total"]:
        share = found["most"] / found["total"]
        if share >= SHARE_OF_ALL:
            yield Finding(
                "orders", "amount", "warning", "huge_amount",
                f"one order of {number(found['most'] / 100)} is {percent(share)} of all sales; half of the "
                "orders are at "
                f"most {number(found['middle'] / 100)}",
                "A slip of the pen or a sale to a firm? It pulls every mean: correct it or leave it out.",
                1, share,
            )  # fmt: skip
    yield from _discounts(found)
    yield from _unit_change(look)
    yield from _channels(look)


def _none_or_below(found: dict[str, float]) -> Iterator[Finding]:
    rows, zero, below = int(found["n"]), int(found["zero"]), int(found["below"])
    if zero:
        grave = zero >= ZEROS * rows
        yield Finding(
            "orders", "amount", "warning" if grave else "note", "amount_zero",
            f"{of_all(zero, rows, 'orders')} have an amount of 0",
            "Gifts and samples count as orders; if these are something else (cancelled, unpaid), leave them out.",
            zero, zero / rows,
        )  # fmt: skip
    if below:
        grave = below >= NEGATIVES * rows
        yield Finding(
            "orders", "amount", "warning" if grave else "note", "amount_below_zero",
            f"{of_all(below, rows, 'orders')} have an amount below zero and are taken for returns",
            "That many returns are rare: is the sign of the amounts turned round?" if grave
            else "Right if the log writes returns that way; they are no sign of staying.",
            below, below / rows,
        )  # fmt: skip
    if no_pieces := int(found["no_pieces"]):
        yield Finding(
            "orders", "quantity", "warning" if no_pieces >= ZEROS * rows else "note", "no_pieces",
            f"{of_all(no_pieces, rows, 'orders')} have an amount above zero and a quantity of 0 or less",
            "Returns have an amount below zero too: look whether the amounts of such rows should be.",
            no_pieces, no_pieces / rows,
        )  # fmt: skip


def _unit(found: dict[str, float]) -> Iterator[Finding]:
    """All amounts whole, and large: cents read as units."""
    if found["whole"] == found["n"] and found["middle"] >= 50_000 and found["n"] >= 100:
        yield Finding(
            "orders", "amount", "note", "amount_without_cents",
            f"every amount is a whole number and half are at least {number(found['middle'] / 100)}",
            "If the source counts in cents, divide by 100: costs and gains are reckoned in the project's currency.",
        )  # fmt: skip


def _discounts(found: dict[str, float]) -> Iterator[Finding]:
    if (below := int(found["discount_below"])) > found["discounted"]:
        yield Finding(
            "orders", "discount", "warning", "discount_below_zero",
            f"{of_all(below, int(found['n']), 'orders')} have a discount below zero, "
            f"{int(found['discounted']):,} above it",
            "A discount is what the price was lowered by, above zero: turn the sign in the source.",
            below, below / found["n"],
        )  # fmt: skip


def _unit_change(look: Look) -> Iterator[Finding]:
    """The month from which amounts are many times larger or smaller than in all the months before."""
    months = look.ask(f"""
        SELECT strftime(ordered_at, '%Y-%m') AS month, median(amount_cents) AS middle FROM orders
        WHERE part = 0 AND amount_cents > 0 AND at_us >= {microseconds(begins(OLDEST, look.zone))}
        GROUP BY 1 HAVING count(*) >= {FEW_MONTH_ROWS} ORDER BY 1
    """)
    middle = months["middle"].to_numpy(np.float64)
    steps = np.diff(np.log(middle)) if len(middle) > 1 else np.zeros(0)
    if not len(steps) or (factor := float(np.exp(np.abs(steps).max()))) < UNIT_CHANGE:
        return
    at = int(np.abs(steps).argmax()) + 1
    yield Finding(
        "orders", "amount", "error", "unit_change",
        f"from {months['month'][at]} on the middle amount is {number(middle[at] / 100)}, in the month before it was "
        f"{number(middle[at - 1] / 100)}: {number(round(factor))} times {'more' if steps[at - 1] > 0 else 'less'}",
        "The unit changed, such as from units to cents, or the currency: bring all amounts to one.",
        share=factor,
    )  # fmt: skip


def _channels(look: Look) -> Iterator[Finding]:
    """Channels whose usual amounts are so far apart that they seem to be in two currencies."""
    if "channel" not in look.columns:
        return
    found = look.ask(f"""
        SELECT channel, median(amount_cents) AS middle FROM orders
        WHERE part = 0 AND amount_cents > 0 AND channel IS NOT NULL GROUP BY 1 HAVING count(*) >= {FEW_MONTH_ROWS}
        ORDER BY middle, channel
    """)
    if len(found) > 1 and found["middle"].iloc[-1] >= UNIT_CHANGE * found["middle"].iloc[0]:
        low, high = found.iloc[0], found.iloc[-1]
        yield Finding(
            "orders", "amount", "warning", "channels_apart",
            f"the middle amount is {number(low['middle'] / 100)} in channel {low['channel']!r} and "
            f"{number(high['middle'] / 100)} in {high['channel']!r}",
            "Are they in two currencies or units? Convert the amounts, or map currency so that the others are "
            "refused.",
        )  # fmt: skip
