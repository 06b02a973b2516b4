"""Add and remove, replayed as a platform does it: what is there then is exactly who may and should be."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from export_shop import all_may, exported, folder_of, people, publish, run_tables
from winback.export.people import Wanted

ALL = [f"c{n:02}" for n in range(12)]
CAMPAIGNS = (("a", Wanted()), ("b", Wanted(action="voucher")))


def replayed(root: Path, receipt: dict[str, Any], there: set[tuple[str, str]]) -> None:
    """Upload the files of a delivery: first what is added, then what is removed."""
    for kind, change in (("add", there.update), ("remove", there.difference_update)):
        for path in folder_of(root, receipt).glob(f"{kind}*.csv"):
            with path.open(encoding="utf-8-sig", newline="") as file:
                for row in csv.DictReader(file):
                    mine = ("Email", "Phone", "customer_id")
                    change({(header, row[header]) for header in mine if row.get(header)})


@pytest.mark.parametrize("to", ["google", "csv"])
@pytest.mark.parametrize("seed", [1, *(pytest.param(n, marks=pytest.mark.deep) for n in range(2, 12))])
def test_what_a_platform_holds_is_who_may_and_should_be_there(tmp_path: Path, to: str, seed: int):
    """Runs come, people say yes and no, share and change addresses; two campaigns, at times exported twice."""
    chance = np.random.default_rng(seed)
    platform: dict[str, set[tuple[str, str]]] = {name: set() for name, _ in CAMPAIGNS}
    for night in range(4):
        listed = chance.choice(ALL, 7, replace=False).tolist()
        actions = {who: (str(chance.choice(["voucher", "call_back"])), "email") for who in listed}
        publish(tmp_path, run_tables(actions), f"2026-02-{10 + night}-00000000000{night}")
        moved = {who: {"email": f"{who}-{night}@example.org"} for who in chance.choice(ALL, 2).tolist()}
        shared = {who: {"phone": "020 7946 0000"} for who in chance.choice(ALL, 3).tolist()}
        whom = people(*ALL, **{who: {**shared.get(who, {}), **moved.get(who, {})} for who in {*shared, *moved}})
        for name, wanted in CAMPAIGNS:
            refused = set(chance.choice(ALL, 4).tolist())
            given = {"customers": whom, "permissions": lambda ids, no=refused: all_may([i for i in ids if i not in no])}
            for _ in range(int(chance.integers(1, 3))):
                receipts = exported(tmp_path, to, wanted=wanted, campaign=name, **given)
                for receipt in receipts:
                    replayed(tmp_path, receipt, platform[receipt["campaign"]])
            assert platform[name] == sent(tmp_path, receipts[0]), (night, name)
            assert not {value for other, _ in CAMPAIGNS for value in platform[other]} & {
                ("customer_id", i) for i in refused
            }
        assert len(platform["a"]) + len(platform["b"]) > 0


def sent(root: Path, receipt: dict[str, Any]) -> set[tuple[str, str]]:
    """What the newest list holds."""
    found: set[tuple[str, str]] = set()
    for path in folder_of(root, receipt).glob("add*.csv"):
        rows = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig").to_dict("records")
        found |= {(h, row[h]) for row in rows for h in ("Email", "Phone", "customer_id") if row.get(h)}
    return found
