"""What was assigned and said, told of the campaigns that were launched."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd

from winback import store
from winback.campaigns import approvals, assign, ledger, movements, night
from winback.errors import NotEnoughData

LEFT_ALONE = "leave_alone"


def newest(state: Path) -> str:
    """The name of the campaign launched last; NotEnoughData before the first."""
    if not (names := ledger.campaigns(state)):
        raise NotEnoughData("no campaign was launched yet; `winback run --date YYYY-MM-DD` launches one.")
    return names[-1]


def in_short(state: Path, runs: Path, campaign: str) -> dict[str, Any]:
    """A campaign in one line: campaign, listed, treated, held_out by whom, acted_on, waiting (for approval)."""
    rows, asked = ledger.read(state, campaign), _needing_still(state, runs, campaign)
    treated = rows["arm"] == assign.TREATED
    return {
        "campaign": campaign,
        "listed": len(rows),
        "treated": int(treated.sum()),
        "held_out": {by: int((rows["held_by"] == by).sum()) for by in (assign.GLOBAL, assign.CAMPAIGN)},
        "acted_on": int((treated & (rows["action"] != LEFT_ALONE)).sum()),
        "waiting": asked.loc[asked["said"] == approvals.WAITING, "action"].tolist(),
    }


def in_full(state: Path, runs: Path, campaign: str) -> dict[str, Any]:
    """A campaign with its actions by arm, what it can show, how its list moved, and what was said of its actions."""
    rows = ledger.read(state, campaign)
    series, day = campaign[: -len("-YYYY-MM-DD")], dt.date.fromisoformat(campaign[-len("YYYY-MM-DD") :])
    listed = day in movements.nights(state, series)
    return {
        **in_short(state, runs, campaign),
        "actions": _actions(rows),
        "shows": night.shows(rows, rows["arm"]),
        "moved": movements.moved(movements.read(state, series, day)) if listed else {},
        "approvals": _needing_still(state, runs, campaign).drop(columns="campaign").to_dict("records"),
    }


def _actions(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """One entry an action: customers of each arm (of the held-out: who would have had it), and money of the treated."""
    told = []
    for action, part in rows.groupby("action"):
        treated = part[part["arm"] == assign.TREATED]
        counts = {"treated": len(treated), "held_out": len(part) - len(treated)}
        money = {name: float(treated[name].sum()) for name in ("contact_cost", "expected_net_gain")}
        told.append({"action": str(action), **counts, **money})
    return sorted(told, key=lambda each: (each["action"] == LEFT_ALONE, -each["expected_net_gain"], each["action"]))


def needing_approval(state: Path, runs: Path, campaign: str) -> pd.DataFrame:
    """One row an action of the campaign that needs approval, as `approvals.asked` gives it."""
    rows = ledger.read(state, campaign)
    decided = (
        store.read_table(path).to_pandas() for path in sorted(runs.glob(f"{campaign[-10:]}-*/decisions.parquet"))
    )
    # A day may have several runs, but only one of them was launched: the one that decided what the ledger has.
    launched = [each for each in decided if _decided(each, rows)]
    if not launched:
        raise NotEnoughData(f"no run in {runs} holds the decisions of campaign {campaign}; it was removed since.")
    return approvals.asked(launched[-1], campaign, approvals.history(state))


def _needing_still(state: Path, runs: Path, campaign: str) -> pd.DataFrame:
    """The same, without a row of a campaign so old that its run was removed: nobody waits for it any more."""
    if next(runs.glob(f"{campaign[-10:]}-*/decisions.parquet"), None) is None:
        return pd.DataFrame(columns=["campaign", "action", "said"])
    return needing_approval(state, runs, campaign)


def _decided(decisions: pd.DataFrame, rows: pd.DataFrame) -> bool:
    """Whether these are the decisions that the rows of the ledger were made of."""
    would = decisions.set_index("customer_id")["would_have_done"].reindex(rows["customer_id"])
    return would.tolist() == rows["action"].tolist()
