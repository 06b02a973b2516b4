"""Who is left alone on purpose, so that the effect of a campaign can be measured.

Two draws, one after the other. *Global*: a keyed hash of the id, so that nobody's arm ever depends on
anything but id, key and share; these customers are left alone by every campaign. *Of a campaign*: among
the others that are listed, within strata of chance and value, so that the arms are alike in what moves
the outcome most. Such a draw depends on who else is listed; so it is made once, stored, and kept for
whoever is listed again (`earlier`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

TREATED = "treated"
HELD_OUT = "held_out"
GLOBAL, CAMPAIGN, NOBODY = "global", "campaign", ""
# Parts of the chance, and of the value within each, between which the draw is balanced. A stratum is two by
# two of these cells: large enough to compare its arms, where a cell is not.
BANDS, TOGETHER = 6, 2

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Shares:
    """Which shares (0..1) are held out: of all customers, and of each campaign's others; `key` draws both."""

    everywhere: float
    campaign: float
    key: str

    def __post_init__(self) -> None:
        for share in (self.everywhere, self.campaign):
            _refuse_share(share)


def held_out(customer_ids: pd.Series[str], share: float, key: str) -> pd.Series[bool]:
    """Whether each customer is held out; `0 <= share <= 1` of all customers are, in the long run.

    A keyed hash of the id gives each customer a fixed place in [0, 1), and those below `share` are held
    out. So the answer depends on nothing but id, share and key: not on the day, the other customers or
    their order. Whoever is held out at 5 % is so at 10 %, and another key draws anew.
    """
    _refuse_share(share)
    if customer_ids.isna().any():
        raise ValueError(f"every customer needs an id; {int(customer_ids.isna().sum())} have none")
    return pd.Series(_places(customer_ids, key) < share, index=customer_ids.index, name=HELD_OUT)


def _refuse_share(share: float) -> None:
    if not 0 <= share <= 1:
        raise ValueError(f"share must be between 0 and 1, and is {share!r}")


def draw(customers: pd.DataFrame, shares: Shares, campaign: str, earlier: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row a customer, in the order of `customers`: customer_id, cutoff, arm, held_by, stratum, propensity.

    `customers`: customer_id, cutoff, probability, margin_at_stake, at_risk (who is listed). `campaign`: a name
    as `ledger.campaign_name` gives it. `earlier`: customer_id, arm, held_by, propensity of whoever a campaign of
    the same series listed before (`ledger.earlier_arms`): he keeps his arm, so that nobody who was held out
    last night is treated tonight.

    The listed who are new are ordered by cell (a sixth of the chance and, within it, of the value), within a cell
    by a keyed hash, and every 1/share-th of them is held out from a start that the campaign's name draws:
    systematic sampling (W. G. Madow, L. H. Madow, Ann. Math. Statist. 15, 1944). So each has the same chance, the
    whole and every cell lie within one customer of their share, and small lists are not passed over for ever.
    `stratum`: "c<third of the chance>v<third of the value>", "" for whoever is not listed. `held_by`: global,
    campaign or "". `propensity`: the chance, before anything was drawn, of the arm that he is in.
    """
    ids, listed = customers["customer_id"], customers["at_risk"].to_numpy(dtype=bool)
    everywhere = held_out(ids, shares.everywhere, shares.key).to_numpy()
    cells = np.full(len(customers), -1)
    cells[listed] = _cells(customers[listed])
    kept = _kept(ids, earlier)
    # Who was held out everywhere and is so no longer is drawn as if new.
    known = listed & ~everywhere & kept["arm"].notna().to_numpy() & (kept["held_by"] != GLOBAL).to_numpy()
    new = listed & ~everywhere & ~known
    here = np.zeros(len(customers), dtype=bool)
    here[new] = _drawn(ids[new], cells[new], shares, campaign)
    here[known] = (kept["arm"] == HELD_OUT).to_numpy()[known]
    treated = (1 - shares.everywhere) * np.where(listed, 1 - shares.campaign, 1.0)
    propensity = np.where(everywhere | here, 1 - treated, treated)
    propensity[known] = kept["propensity"].to_numpy(dtype=float)[known]
    return (
        customers[["customer_id", "cutoff"]]
        .reset_index(drop=True)
        .assign(
            arm=_texts(np.where(everywhere | here, HELD_OUT, TREATED)),
            held_by=_texts(np.select([everywhere, here], [GLOBAL, CAMPAIGN], NOBODY)),
            stratum=_texts(np.where(listed, np.array(_STRATA)[cells], "")),
            propensity=propensity,
        )
    )


def _kept(ids: pd.Series[str], earlier: pd.DataFrame | None) -> pd.DataFrame:
    """The earlier arm of each customer, empty where there is none."""
    columns = ["arm", "held_by", "propensity"]
    if earlier is None or earlier.empty:
        return pd.DataFrame(np.nan, index=range(len(ids)), columns=columns, dtype=object)
    if not earlier["customer_id"].is_unique:
        raise ValueError("earlier has more than one arm of a customer; one row a customer expected")
    return earlier.set_index("customer_id")[columns].reindex(ids.to_numpy())


def _turn(cell: int) -> tuple[int, ...]:
    """When a cell's turn is: stratum by stratum, the values there and back, so that neighbours are alike."""
    chance, value = divmod(cell, BANDS)
    band, part = chance // TOGETHER, value // TOGETHER
    return band, -part if band % 2 else part, chance, -value if chance % 2 else value


_STRATA = [f"c{1 + cell // BANDS // TOGETHER}v{1 + cell % BANDS // TOGETHER}" for cell in range(BANDS**2)]
_TURN = np.argsort(sorted(range(BANDS**2), key=_turn))


def _cells(listed: pd.DataFrame) -> NDArray[np.int64]:
    """Each customer's cell, numbered by the sixth of the chance, then by that of the value within it."""
    chance = _bands(listed["probability"].to_numpy(dtype=float))
    value = np.zeros(len(listed), dtype=np.int64)
    for band in range(BANDS):
        value[chance == band] = _bands(listed["margin_at_stake"].to_numpy(dtype=float)[chance == band])
    return chance * BANDS + value


def _bands(values: Floats) -> NDArray[np.int64]:
    """Which of BANDS equally large parts each value lies in; equal values lie in one part."""
    if not len(values):
        return np.zeros(0, dtype=np.int64)
    edges = np.quantile(values, np.arange(1, BANDS) / BANDS)
    return np.searchsorted(edges, values, side="left").astype(np.int64)


def _drawn(ids: pd.Series[str], cells: NDArray[np.int64], shares: Shares, campaign: str) -> Bools:
    """Who is held out of the customers drawn now."""
    order = np.lexsort((ids.to_numpy(), _places(ids, f"{shares.key}\n{campaign}"), _TURN[cells]))
    (start,) = _places(pd.Series([campaign], dtype="str"), f"{shares.key}\nstart")
    held = np.zeros(len(ids), dtype=bool)
    held[order] = np.diff(np.floor(np.arange(len(ids) + 1) * shares.campaign + start)) > 0
    return held


def _texts(values: NDArray[np.str_]) -> pd.Series[str]:
    return pd.Series(values.tolist(), dtype="str")


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
