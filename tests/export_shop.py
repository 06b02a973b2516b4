"""A published run, small and complete, to export from; who may be sent what, and where they live."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from winback import runs, store
from winback.destinations import Destinations
from winback.export.delivery import Shop
from winback.export.export import export
from winback.export.people import Wanted

CUTOFF = pd.Timestamp("2026-02-15", tz="UTC")
RUN = "2026-02-15-000000000001"
MAY = ("may_profile", *(f"may_{c}" for c in ("email", "sms", "push", "post", "call", "app", "store", "ads")))
ADS = ("ad_user_data", "ad_personalization")
# Who is decided for in the run below, and how.
DECIDED: Mapping[str, tuple[str, str]] = {
    "c01": ("voucher", "email"),
    "c02": ("voucher", "sms"),
    "c03": ("call_back", "call"),
    "c04": ("voucher", "email"),
    "c05": ("voucher", "email"),
}


def run_tables(decided: Mapping[str, tuple[str, str]], held: tuple[str, ...] = ("h01",)) -> dict[str, pd.DataFrame]:
    """The tables of a run in which these are decided for, `held` held out and two left alone."""
    alone = {"l01": "would_stay_anyway", "l02": "no_consent", **dict.fromkeys(held, "held_out")}
    ids = sorted({*decided, *alone})
    decisions = pd.DataFrame(
        {
            "customer_id": ids,
            "cutoff": CUTOFF,
            "action": [decided.get(i, ("leave_alone", ""))[0] for i in ids],
            "cause": ["" if i in decided else alone[i] for i in ids],
            "channel": [decided.get(i, ("", ""))[1] for i in ids],
            "contact_cost": 0.1,
            "incentive_cost": 1.0,
            "expected_net_gain": [float(n) for n in range(len(ids))],
            "needs_approval": False,
        }
    )
    scores = pd.DataFrame({"customer_id": ids, "cutoff": CUTOFF, "probability": 0.625, "stage": "cooling"})
    arms = pd.DataFrame({"customer_id": ids, "arm": ["held_out" if i in held else "treated" for i in ids]})
    reasons = pd.DataFrame(
        [(i, d, p, f"{d} of {i}") for i in ids for d, p in (("recency", 0.2), ("service", 0.3), ("tenure", -0.1))],
        columns=["customer_id", "driver", "points", "sentence"],
    )
    return {"decisions": decisions, "scores": scores, "assignments": arms, "reasons": reasons}


def publish(root: Path, tables: Mapping[str, pd.DataFrame], run_id: str = RUN) -> None:
    """Make these tables the current run of `root/runs`."""
    folder = root / "runs" / run_id

    def make() -> dict[str, Any]:
        for name, table in tables.items():
            store.write_table(folder / f"{name}.parquet", table)
        return {}

    runs.step(folder, "decisions", make, [f"{name}.parquet" for name in tables], given=run_id)
    runs.publish(root / "runs", run_id, {"logical_date": run_id[:10]})


def people(*ids: str, **changed: Mapping[str, str]) -> pd.DataFrame:
    """Customers with addresses made of their ids; `changed` gives some of them other values."""
    rows = [
        {
            "customer_id": i,
            "signed_up_at": CUTOFF - dt.timedelta(days=400),
            "country": "GB",
            "language": "en",
            "email": f"{i}@example.org",
            "phone": f"020 7946 {1000 + n:04d}",
            "first_name": "Ann",
            "last_name": f"O'Neil {i}",
            **changed.get(i, {}),
        }
        for n, i in enumerate(ids)
    ]
    return pd.DataFrame(rows)


def all_may(ids: list[str]) -> pd.DataFrame:
    """Permissions of people who may be sent everything."""
    return pd.DataFrame({"customer_id": ids, **dict.fromkeys((*MAY, *ADS), True)})


def none_may(*refused: str) -> Callable[[list[str]], pd.DataFrame]:
    """Permissions in which these may nothing, and all others everything."""
    return lambda ids: all_may([i for i in ids if i not in refused])


def shop(root: Path, permissions: Callable[[list[str]], pd.DataFrame] = all_may, customers: Any = None) -> Shop:
    """What an export from `root` is made from."""
    whom = people(*DECIDED, "h01", "l01", "l02") if customers is None else customers
    return Shop(root, root / "runs", root / "state", root / "exports", whom, permissions, "2026-02-15T06:00:00+00:00")


def exported(root: Path, to: str, settings: Destinations | None = None, **given: Any) -> list[dict[str, Any]]:
    """The receipts of an export of everything; `given` are parts of `shop`, or wanted and campaign."""
    wanted, campaign = given.pop("wanted", Wanted()), given.pop("campaign", None)
    return export(to, shop(root, **given), settings or Destinations(), wanted, campaign)


def folder_of(root: Path, receipt: Mapping[str, Any]) -> Path:
    """Where an export wrote its files."""
    return root / "exports" / str(receipt["destination"]) / str(receipt["campaign"]) / str(receipt["run_id"])
