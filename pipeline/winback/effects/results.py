"""What came of everybody who was listed, treated or held out: one row a customer, from his first listing on."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass

import pandas as pd

LEAVE_ALONE = "leave_alone"
KEYS = ["campaign", "customer_id"]
NEEDED = (
    *("campaign", "customer_id", "cutoff", "arm", "action", "driver", "stage"),
    *("probability", "margin_at_stake", "expected_net_gain", "contact_cost", "incentive_cost", "propensity"),
    *("spend_90d", "orders_90d"),
)


@dataclass(frozen=True)
class Terms:
    """How money is counted. `margin_rate`: share of sales that is margin. `horizon_days`: how long one counts."""

    margin_rate: float
    horizon_days: int


def first_listings(assignments: pd.DataFrame) -> pd.DataFrame:
    """The row of each customer's first campaign in which there was something to do; both arms by the same rule.

    Later listings are left out: whether a customer is listed again depends on what was done to him, so among
    those the treated and the held-out are no longer alike.
    """
    acted = assignments[~assignments["action"].isin([LEAVE_ALONE, ""])]
    return acted.sort_values(["cutoff", *KEYS]).drop_duplicates("customer_id").reset_index(drop=True)


def fresh_listings(assignments: pd.DataFrame, horizon_days: int) -> pd.DataFrame:
    """The rows of each customer whose windows do not overlap: the first, the next at least a horizon later, and so on.

    For learning, which knows each row's own chance to leave; to compare the arms take `first_listings`.
    """
    rows = assignments[~assignments["action"].isin([LEAVE_ALONE, ""])].sort_values(
        ["customer_id", "cutoff", "campaign"]
    )
    kept, later = [], rows
    while len(later):
        now = later.drop_duplicates("customer_id")
        kept.append(now)
        ends = later["customer_id"].map(now.set_index("customer_id")["cutoff"]) + pd.Timedelta(days=horizon_days)
        later = later[later["cutoff"] >= ends]
    return pd.concat([rows.head(0), *kept]).sort_values(["cutoff", *KEYS]).reset_index(drop=True)


def results(
    entries: pd.DataFrame, assignments: pd.DataFrame, takings: pd.DataFrame, outcomes: pd.DataFrame, terms: Terms
) -> pd.DataFrame:
    """One row of `entries` each with what came of it within the horizon from its cutoff.

    `entries`: rows of the assignment ledger (`first_listings`, `fresh_listings`). `assignments`: all rows of the
    ledger, for later contacts of the same window cost as well. `takings`: orders and revenue, in the order of
    `entries`. `outcomes`: the contract's rows.

        stayed    1.0 with an order in the window, else 0.0
        margin    margin_rate x revenue
        cost      contact_cost of every contact of the treated + incentives: what `redeemed` and `cost` rows say
        redeemed  1.0 with a `redeemed` or `accepted` row, else 0.0; NaN where nobody told
        net_gain  stayed x margin_at_stake - cost       what a kept customer is worth, as decisions reckon it
        earned    margin - cost                         what the window itself brought

    Where a campaign has no outcome rows at all, each treated customer who bought is taken to have redeemed: no
    campaign looks better for not telling. `incentives` says which: "told" or "assumed".
    """
    _check(entries, takings)
    rows = entries.assign(
        stayed=(takings["orders"].to_numpy() > 0).astype(float),
        orders=takings["orders"].to_numpy(dtype=float),
        revenue=takings["revenue"].to_numpy(dtype=float),
    )
    rows["margin"] = terms.margin_rate * rows["revenue"]
    told = set(outcomes["campaign"])
    rows["incentives"] = ["told" if name in told else "assumed" for name in rows["campaign"]]
    rows["cost"] = _contacts(rows, assignments, terms) + _incentives(rows, assignments, outcomes, terms)
    rows["redeemed"] = _redeemed(rows, outcomes, terms)
    rows["net_gain"] = rows["stayed"] * rows["margin_at_stake"] - rows["cost"]
    rows["earned"] = rows["margin"] - rows["cost"]
    return rows


def _check(entries: pd.DataFrame, takings: pd.DataFrame) -> None:
    if missing := [name for name in NEEDED if name not in entries.columns]:
        raise ValueError(f"assignments lack the columns {missing}")
    if len(entries) != len(takings):
        raise ValueError(f"one row of takings a row of entries expected; {len(takings)} came for {len(entries)}")
    twice = entries.loc[entries[["customer_id", "cutoff"]].duplicated(), "customer_id"].tolist()
    if twice:
        raise ValueError(f"one row a customer and cutoff expected; {len(twice)} repeat: {reprlib.repr(twice)}")


def _window(rows: pd.DataFrame, others: pd.DataFrame, moment: str, terms: Terms) -> pd.DataFrame:
    """Rows of `others` that lie within the window of a customer of `rows`, with the window's `place`."""
    begins = rows[["customer_id", "cutoff"]].reset_index(names="place").rename(columns={"cutoff": "begins"})
    found = others.merge(begins, on="customer_id", how="inner")
    after = found[moment] - found["begins"]
    return found[(after >= pd.Timedelta(0)) & (after < pd.Timedelta(days=terms.horizon_days))]


def _redeemed(rows: pd.DataFrame, outcomes: pd.DataFrame, terms: Terms) -> pd.Series[float]:
    """Whether each customer redeemed something within his window."""
    found = _window(rows, outcomes[outcomes["kind"].isin(["redeemed", "accepted"])], "happened_at", terms)
    told = pd.Series(rows.index.isin(found["place"]), index=rows.index).astype(float)
    return told.where(rows["incentives"] == "told")


def _contacts(rows: pd.DataFrame, assignments: pd.DataFrame, terms: Terms) -> pd.Series[float]:
    """What contacting each customer cost within his window; nothing for the held-out."""
    made = assignments[(assignments["arm"] == "treated") & ~assignments["action"].isin([LEAVE_ALONE, ""])]
    found = _window(rows, made[["customer_id", "cutoff", "contact_cost"]], "cutoff", terms)
    return found.groupby("place")["contact_cost"].sum().reindex(rows.index, fill_value=0.0)


def _incentives(
    rows: pd.DataFrame, assignments: pd.DataFrame, outcomes: pd.DataFrame, terms: Terms
) -> pd.Series[float]:
    """What incentives cost: `value` of rows redeemed (its incentive_cost where empty) and cost; else assumed."""
    paid = outcomes[outcomes["kind"].isin(["redeemed", "cost"])]
    prices = assignments[[*KEYS, "incentive_cost"]].drop_duplicates(KEYS)
    priced = paid.merge(prices, on=KEYS, how="left")
    amounts = priced["value"].fillna(priced["incentive_cost"].where(priced["kind"] == "redeemed")).fillna(0.0)
    found = _window(rows, priced.assign(amount=amounts)[["customer_id", "happened_at", "amount"]], "happened_at", terms)
    told = found.groupby("place")["amount"].sum().reindex(rows.index, fill_value=0.0)
    assumed = rows["incentive_cost"] * rows["stayed"] * (rows["arm"] == "treated")
    return told.where(rows["incentives"] == "told", assumed)
