"""What an export is called: names that tell an ad platform nothing of the people in it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection

from winback.errors import ExportRefused
from winback.export.destination import Destination
from winback.export.people import Wanted
from winback.export.place import checked_name

# Platforms block audiences whose names speak of health or money, and nobody's risk is their business.
TELLING = (
    "churn", "risk", "leav", "lapse", "lost", "cancel", "inactiv", "win-?_?back", "retention", "reactivat", "dormant",
    "debt", "credit", "income", "loan", "bankrupt", "insolv", "payment", "dunning", "decline", "poor", "rich",
    "health", "sick", "ill", "medic", "patient", "diabet", "pregnan", "disab", "depress", "cancer", "hiv",
)  # fmt: skip


def campaign_name(destination: Destination, wanted: Wanted, given: str | None, drivers: Collection[str]) -> str:
    """`given`, or a name made of what is asked for; ExportRefused where it would tell an ad platform why.

    For an ad platform a name of our own is a digest: "list-3fa9c2", the same for the same question.
    """
    asked = "-".join(part for part in (wanted.action, wanted.channel) if part) or "all"
    if given is None:
        name = f"list-{hashlib.sha256(asked.encode()).hexdigest()[:6]}" if destination.is_ads else asked
        return checked_name(name, "a campaign")
    if destination.is_ads and (word := _telling(given, drivers)):
        raise ExportRefused(
            f"a campaign for {destination.name} cannot be called {given[:60]!r}: {word!r} tells the platform something "
            "of the people in it. Use a neutral name, such as 'spring-list'."
        )
    return checked_name(given, "a campaign")


def _telling(name: str, drivers: Collection[str]) -> str:
    """The first word in `name` that speaks of risk, of a reason, of health or of money; empty where none does."""
    plain = re.sub(r"[^a-z]+", "-", name.lower())
    causes = [re.escape(driver.lower().replace("_", "-")) for driver in sorted(drivers)]
    found = re.search(rf"(?:^|-)({'|'.join([*TELLING, *causes])})", plain)
    return found[1] if found else ""
