"""Nothing of the future and nothing of the rows' order changes a bit of any feature.

Each relation changes a random log in a way that must not be seen at a cutoff, and compares the bits of
every feature there. Planted leaks show that the relations can fail.
"""

from __future__ import annotations

import datetime as dt
import inspect
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from random_logs import Event, History, Order, one_database, random_history, random_shop, write
from winback.facts import features, kernel, logs
from winback.facts.declared import builtin
from winback.facts.features import features_at

LOGS_IN_A_SHOP = 8
SHOPS = range(27)  # 216 random logs
MICROSECOND = dt.timedelta(microseconds=1)
Relation = Callable[[History, dt.date, random.Random], History]


def deleted(history: History, cutoff: dt.date, chance: random.Random) -> History:
    """Every row is gone that happened or was recorded at or after the cutoff."""
    return history.without(history.midnight(cutoff))


def continued(history: History, cutoff: dt.date, chance: random.Random) -> History:
    """Others come and the same go on: rows that happen, or are recorded, at or after the cutoff."""
    more = random_history(chance.randrange(10**6), "0-", (cutoff + dt.timedelta(days=40),), history.zone)
    more = more.plus(random_history(chance.randrange(10**6), "new", more.cutoffs, history.zone))
    midnight = history.midnight(cutoff)
    return history.plus(
        replace(
            more,
            orders=tuple(replace(o, id=f"more {o.id}") for o in more.orders if max(o.at, o.recorded) >= midnight),
            events=tuple(e for e in more.events if max(e.at, e.recorded) >= midnight),
        )
    )


def on_the_instant(history: History, cutoff: dt.date, chance: random.Random) -> History:
    """Every customer orders and visits at the very instant of the cutoff."""
    return _added(history, history.midnight(cutoff), history.midnight(cutoff))


def recorded_late(history: History, cutoff: dt.date, chance: random.Random) -> History:
    """Every customer ordered and visited long ago and just now, which was recorded on the cutoff."""
    midnight = history.midnight(cutoff)
    just_now = _added(history, midnight - MICROSECOND, midnight)
    return _added(just_now, midnight - dt.timedelta(days=chance.choice([3, 100, 600])), midnight)


def _added(history: History, at: dt.datetime, recorded: dt.datetime) -> History:
    """The history with an order, of a category nobody else buys, and an event of every customer."""
    customers = sorted({o.customer for o in history.orders})
    category = frozenset({"caviar"})
    return replace(
        history,
        orders=history.orders + tuple(Order(f"{at} {c}", c, at, recorded, 12_345, 67, 3, category) for c in customers),
        events=history.events + tuple(Event(c, at, recorded, "visit") for c in customers),
    )


UNSEEN: list[Relation] = [deleted, continued, on_the_instant, recorded_late]


def differing(one: pd.DataFrame, other: pd.DataFrame) -> list[str]:
    """The columns in which two tables of features differ in any bit, or `rows`."""
    if not one[["customer_id", "cutoff"]].equals(other[["customer_id", "cutoff"]]):
        return ["rows"]
    return [name for name in one.columns[2:] if one[name].to_numpy().tobytes() != other[name].to_numpy().tobytes()]


def at(table: pd.DataFrame, history: History, cutoff: dt.date) -> pd.DataFrame:
    """The rows of one cutoff."""
    return table[table["cutoff"] == history.midnight(cutoff)].reset_index(drop=True)


def told(history: History, folder: Path, *cutoffs: dt.date, batch: int | None = None) -> pd.DataFrame:
    """Every declared feature of a history at these cutoffs."""
    return features_at(write(history, folder, batch), cutoffs, history.zone, builtin())


def faults(seed: int, folder: Path) -> Iterator[str]:
    """What of the future shows in the features of a shop with several random logs."""
    chance = random.Random(seed)
    history = asked_in_time(random_shop(seed, LOGS_IN_A_SHOP))
    together = told(history, folder, *history.cutoffs)
    for cutoff in history.cutoffs:
        alone = at(together, history, cutoff)
        for relation in UNSEEN if cutoff == history.cutoffs[0] else UNSEEN[:1]:
            changed = told(relation(history, cutoff, chance), folder, cutoff)
            yield from (f"shop {seed}, {cutoff}, {relation.__name__}: {c}" for c in differing(alone, changed))
    shuffled = told(history.shuffled(chance), folder, *history.cutoffs, batch=7)
    yield from (f"shop {seed}, shuffled: {c}" for c in differing(together, shuffled))


def asked_in_time(history: History) -> History:
    """The history asked at no more than three cutoffs, and at none before which nobody had ordered."""
    first = min(max(o.at, o.recorded) for o in history.orders)
    return replace(history, cutoffs=tuple(c for c in history.cutoffs if first < history.midnight(c))[:3])


@pytest.mark.parametrize("seed", SHOPS)
def test_the_future_and_the_order_of_rows_change_no_bit(seed, tmp_path, monkeypatch):
    one_database(monkeypatch)
    assert list(faults(seed, tmp_path)) == []


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(1000, 1125))
def test_the_future_and_the_order_of_rows_change_no_bit_deep(seed, tmp_path, monkeypatch):
    """1,000 random logs more."""
    one_database(monkeypatch)
    assert list(faults(seed, tmp_path)) == []


@pytest.mark.parametrize("seed", SHOPS[:6])
def test_partitions_change_no_bit(seed, tmp_path, monkeypatch):
    one_database(monkeypatch)
    history = asked_in_time(random_shop(seed, LOGS_IN_A_SHOP))
    whole = told(history, tmp_path, *history.cutoffs)
    monkeypatch.setattr(logs, "ROWS_PER_PARTITION", 40)
    assert len(logs.partitions(tmp_path, history.zone, max(history.cutoffs))) > 1
    assert differing(whole, told(history, tmp_path, *history.cutoffs)) == []


def test_processes_side_by_side_change_no_bit(tmp_path, monkeypatch):
    history = asked_in_time(random_shop(5, LOGS_IN_A_SHOP))
    whole = told(history, tmp_path, *history.cutoffs)
    monkeypatch.setattr(logs, "ROWS_PER_PARTITION", 100)
    split = features_at(tmp_path, history.cutoffs, history.zone, builtin(), jobs=2)
    assert differing(whole, split) == []


PLANTED: list[tuple[ModuleType, str, str, str]] = [
    # a day that begins a window, or the cutoff's own, counts as before it
    (kernel, "positions", 'side="right"', 'side="left"'),
    # the row after the cutoff is taken for the last
    (kernel, "View.nth_last", "self.stop - n", "np.minimum(self.stop - n + 1, len(values) - 1)"),
    # every category, too, counts on the cutoff's own day
    (kernel, "distinct", 'enters = np.searchsorted(cutoffs, day, side="right")', "enters = 0 * day"),
    # a row that was recorded late was always known
    (kernel, "late_pairs", "log.recorded_day > log.day", "log.recorded_day < 0"),
    # a row recorded on the cutoff was known at it
    (kernel, "late_pairs", "log.recorded_day[rows] >= cutoff", "log.recorded_day[rows] > cutoff"),
    (kernel, "known_at", "log.recorded_day < cutoff", "log.recorded_day <= cutoff"),
    (features, "known_pairs", "first_known[:, None] < ", "first_known[:, None] <= "),
    # when a row was recorded does not matter to whether its customer is known
    (features, "known_pairs", "np.maximum(orders.day, orders.recorded_day)", "orders.day"),
    # the log began where it is known today to have begun
    (logs, "log_starts", "known < cutoff", "known < 10**9"),
    (logs, "log_starts", "known < cutoff", "known <= cutoff"),
    # the pause that the next order ends
    (kernel, "last_values", "ends[seen.stop]", "ends[np.minimum(seen.stop + 1, len(flags))]"),
    # days of the calendar in Greenwich
    (logs, "Part.words", "store.literal(self.zone)", "store.literal('UTC')"),
    # rows are not sorted within a day
    (logs, "orders_log", "ORDERS.format", "ORDERS.replace(', us, order_id', '').format"),
]


@pytest.mark.parametrize(("module", "path", "right", "wrong"), PLANTED)
def test_a_planted_leak_is_caught(module, path, right, wrong, tmp_path, monkeypatch):
    one_database(monkeypatch)
    plant(monkeypatch, module, path, right, wrong)
    assert any(next(faults(seed, tmp_path), None) for seed in SHOPS[:8])


def plant(monkeypatch: pytest.MonkeyPatch, module: ModuleType, path: str, right: str, wrong: str) -> None:
    """Put a function, or a class's method, of a module in place with one piece of its text changed."""
    name, _, _method = path.partition(".")
    source = inspect.getsource(getattr(module, name))
    assert source.count(right) == 1, f"{path} has changed: find another leak to plant"
    scope = dict(vars(module))
    exec(source.replace(right, wrong), scope)  # noqa: S102 - the package's own text
    monkeypatch.setattr(module, name, scope[name])
