"""Who is left alone on purpose, so that the effect of a campaign can be measured."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

TREATED = "treated"
HELD_OUT = "held_out"


def held_out(customer_ids: pd.Series[str], share: float, key: str) -> pd.Series[bool]:
    """Whether each customer is held out; `0 <= share <= 1` of all customers are, in the long run.

    A keyed hash of the id gives each customer a fixed place in [0, 1), and those below `share` are held
    out. So the answer depends on nothing but id, share and key: not on the day, the other customers or
    their order. Whoever is held out at 5 % is so at 10 %, and another key draws anew.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share must be between 0 and 1, and is {share!r}")
    if customer_ids.isna().any():
        raise ValueError(f"every customer needs an id; {int(customer_ids.isna().sum())} have none")
    return pd.Series(_places(customer_ids, key) < share, index=customer_ids.index, name=HELD_OUT)


def assignments(scores: pd.DataFrame, share: float, key: str) -> pd.DataFrame:
    """One row a customer and cutoff, in the order of `scores`: customer_id, cutoff, arm."""
    held = held_out(scores["customer_id"], share, key)
    arm = np.where(held, HELD_OUT, TREATED)
    return scores[["customer_id", "cutoff"]].assign(arm=pd.array(arm.tolist(), dtype="str"))


def _places(customer_ids: pd.Series[str], key: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Each customer's place in [0, 1)."""
    # BLAKE2b takes keys of up to 64 bytes; hashing first lets a key be any text.
    keyed = hashlib.blake2b(key=hashlib.sha512(key.encode("utf-8")).digest(), digest_size=8)
    digests = bytearray()
    for customer_id in customer_ids.tolist():
        one = keyed.copy()
        one.update(customer_id.encode("utf-8"))
        digests += one.digest()
    # 53 of the 64 bits: what a float holds exactly, so that no place is rounded up to 1.
    places: np.ndarray[tuple[int], np.dtype[np.float64]]
    places = (np.frombuffer(digests, dtype=">u8") >> np.uint64(11)) / np.float64(2**53)
    return places
