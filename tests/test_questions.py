"""Of whom each kind of question is asked, and what counts as a case of it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from history import orders
from label_logs import payments, subscriptions
from winback import store
from winback.errors import NotEnoughData
from winback.facts.labels.rule_labels import Rule
from winback.risk.asking.questions import answers, asked_of, base_of, history_starts
from winback.risk.asking.specs import Spec

TODAY, CUTOFF = dt.date(2026, 5, 1), dt.date(2026, 2, 1)
FEED = "feed: " + ", ".join(f"2026-0{m}-{d} until=2026-0{m}-{d}T12:00" for m in (1, 2, 3, 4) for d in (10, 20, 28))


def shop(folder: Path, line: str) -> Path:
    """A facts folder with these orders, and those of somebody who orders every week."""
    weekly = [dt.date(2025, 10, 1) + dt.timedelta(days=7 * n) for n in range(31)]
    always = "always: " + ", ".join(f"{day} 10" for day in weekly)
    store.write_table(folder / "orders.parquet", orders(f"{line}; {always}"))
    return folder


def club(folder: Path, line: str, paid: str = "") -> Path:
    """A facts folder with these subscriptions and attempts to pay, and a feed that never falls silent."""
    store.write_table(folder / "subscriptions.parquet", subscriptions(f"{line}; {FEED}"))
    store.write_table(folder / "payments.parquet", payments(paid))
    return folder


def cases(facts: Path, spec: Spec, zone: str = "UTC") -> dict[str, bool | None]:
    """What came of everybody who is asked about; None for no case."""
    cohort = asked_of(facts, spec, [CUTOFF], zone)
    found = answers(facts, spec, cohort, zone, TODAY)
    assert found.dtype == "boolean"
    return dict(zip(cohort["customer_id"], [None if pd.isna(v) else bool(v) for v in found], strict=True))


SHOP = (
    "gone: 2026-01-20 10; stays: 2026-01-20 10, 2026-02-20 10; late: 2026-01-20 10, 2026-03-10 10; old: 2025-10-05 10"
)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (Spec("s", 28), {"always": False, "gone": True, "late": True, "old": True, "stays": False}),
        (Spec("s", 28, active_days=30), {"always": False, "gone": True, "late": True, "stays": False}),
        # the window is [03-01, 03-29): whoever came in February only has left by then
        (Spec("s", 28, active_days=30, lead_days=28), {"always": False, "gone": True, "late": False, "stays": True}),
        (Spec("s", 28, kind="return", lapsed_days=60), {"old": True}),
        (
            Spec("s", 28, active_days=30, churned=Rule(did_not="orders", at_least=2)),
            {"always": False, "gone": True, "late": True, "stays": True},
        ),
    ],
)
def test_questions_about_orders(tmp_path: Path, spec: Spec, expected: dict[str, bool]) -> None:
    assert cases(shop(tmp_path, SHOP), spec) == expected
    assert base_of(spec) == "orders"


def test_who_comes_back(tmp_path: Path) -> None:
    facts = shop(tmp_path, "back: 2025-10-05 10, 2026-02-28T23:59 5; not: 2025-10-05 10, 2026-03-01 5")
    assert cases(facts, Spec("s", 28, kind="return", lapsed_days=60)) == {"back": False, "not": True}


CLUB = (
    "stays: 2025-06-01; cancels: 2025-06-01 until=2026-02-10 why=too_dear; "
    "unpaid: 2025-06-01 until=2026-02-10 why=payment_failed; early: 2025-06-01 until=2026-02-03 why=too_dear; "
    "past: 2025-06-01 until=2026-01-10"
)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        # who left in the other way is no case
        (Spec("s", 28, kind="subscription"), {"stays": False, "cancels": True, "unpaid": None, "early": True}),
        (Spec("s", 28, kind="payment"), {"stays": False, "cancels": None, "unpaid": True, "early": None}),
        # nor is who had left before the window began
        (
            Spec("s", 28, kind="subscription", lead_days=5),
            {"stays": False, "cancels": True, "unpaid": None, "early": None},
        ),
    ],
)
def test_questions_about_subscriptions(tmp_path: Path, spec: Spec, expected: dict[str, bool | None]) -> None:
    assert cases(club(tmp_path, CLUB), spec) == expected
    assert base_of(spec) == "subscriptions"


def test_an_end_of_which_nobody_says_whose_doing_it_was_is_no_case(tmp_path: Path) -> None:
    club(tmp_path, "left: 2025-06-01 until=2026-02-10; stays: 2025-06-01")
    (tmp_path / "payments.parquet").unlink()
    assert cases(tmp_path, Spec("s", 28, kind="payment")) == {"left": None, "stays": False}


def test_a_window_begins_with_the_business_day(tmp_path: Path) -> None:
    """Five days of lead over a change of the clocks: the order at the first instant of the window counts."""
    facts = shop(tmp_path, "a: 2026-01-20 10, 2026-02-06T05:00 1; b: 2026-01-20 10, 2026-02-06T04:59:59 1")
    spec = Spec("s", 14, active_days=30, lead_days=5)
    found = cases(facts, spec, "America/New_York")
    assert (found["a"], found["b"]) == (False, True)


def test_the_history_starts_with_the_question_s_own_log(tmp_path: Path) -> None:
    club(shop(tmp_path, SHOP), CLUB)
    assert history_starts(tmp_path, Spec("s", 28), "UTC") == dt.date(2025, 10, 1)
    assert history_starts(tmp_path, Spec("s", 28, kind="payment"), "UTC") == dt.date(2025, 6, 1)


def test_no_subscription_at_all(tmp_path: Path) -> None:
    store.write_table(tmp_path / "subscriptions.parquet", subscriptions(""))
    with pytest.raises(NotEnoughData) as caught:
        history_starts(tmp_path, Spec("s", 28, kind="payment"), "UTC")
    assert str(caught.value) == "the subscriptions table is empty; check the quarantine for the reasons."
