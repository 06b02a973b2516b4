"""What has changed since permissions were last read: which decisions still stand, who has to leave a list."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from winback.consent.permissions import COLUMNS

LEAVE_ALONE = "leave_alone"


def still_permitted(decisions: pd.DataFrame, permissions: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether each row of `decisions` (customer_id, action, channel) may stand under freshly read `permissions`.

    Whoever is contacted must still be permitted the channel; whoever is left alone must still be permitted a score.
    A customer or a channel that `permissions` do not know is a no.
    """
    now = permissions.drop_duplicates("customer_id").set_index("customer_id")[list(COLUMNS)]
    flags = now.reindex(decisions["customer_id"]).to_numpy(dtype=object) == True  # noqa: E712 - a missing one is a no
    contacted = (decisions["action"] != LEAVE_ALONE).to_numpy(dtype=bool)
    at = pd.Index(COLUMNS).get_indexer(pd.Index([f"may_{channel}" for channel in decisions["channel"]]))
    reached = flags[np.arange(len(decisions)), at] & (at > 0)
    return np.asarray(flags[:, 0] & (reached | ~contacted), dtype=bool)


def changed_since(before: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """One row a customer who may less `now` than `before`: customer_id, and lost, the columns that turned to no.

    Both are frames of `permissions`. Whoever is not in `now` has lost all; more that is permitted is no row.
    """
    old = before.set_index("customer_id")[list(COLUMNS)].astype(bool)
    new = now.set_index("customer_id")[list(COLUMNS)].astype(bool).reindex(old.index, fill_value=False)
    gone = old & ~new
    rows = gone[gone.any(axis=1)]
    lost = [" ".join(name for name, is_lost in zip(COLUMNS, row, strict=True) if is_lost) for row in rows.to_numpy()]
    return pd.DataFrame({"customer_id": rows.index.to_numpy(), "lost": lost}, dtype="object")


def movements(held: Collection[str], permitted: Collection[str]) -> tuple[list[str], list[str]]:
    """Whom to add to a list kept elsewhere and whom to remove from it, each sorted by id.

    `held`: who is on it by all that was sent; `permitted`: who should be on it now. The held ones without the removed
    and with the added are the permitted ones.
    """
    there, wanted = set(held), set(permitted)
    return sorted(wanted - there), sorted(there - wanted)


def digest(permissions: pd.DataFrame) -> str:
    """The SHA-256 of a frame of `permissions`, whatever the order of its rows: for what was made by it."""
    rows = permissions[["customer_id", *COLUMNS]].sort_values("customer_id")
    flags = np.packbits(rows[list(COLUMNS)].to_numpy(dtype=bool), axis=1)
    told = "\0".join(rows["customer_id"].astype(str)).encode() + b"\0\0" + flags.tobytes()
    return hashlib.sha256(told).hexdigest()
