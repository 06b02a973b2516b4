"""Leaks that are planted in the engine are found by the proof; parts, files and threads change no bit."""

from __future__ import annotations

import inspect
import sys
from types import ModuleType

import pandas as pd
import pytest

from winback import store
from winback.facts.features import columns, kernel, logs, parts, renewals, values
from winback.facts.features import table as features
from winback.facts.features.declared import builtin
from winback.facts.features.table import features_at
from winback.prove.comparing import differing, told
from winback.prove.history import History, write
from winback.prove.making import edges_of
from winback.prove.proof import LOGS_IN_A_SHOP, asked_in_time, shop_faults
from winback.prove.random_history import random_shop

EDGES = edges_of(builtin())


def a_shop(seed: int) -> History:
    return asked_in_time(random_shop(seed, EDGES, LOGS_IN_A_SHOP))


@pytest.mark.parametrize("seed", range(4))
def test_parts_and_groups_of_rows_change_no_bit(seed, tmp_path, monkeypatch):
    """Customers read in many parts from small groups of rows, and each part in many blocks."""
    history = a_shop(seed)
    whole = told(history, tmp_path, builtin())
    folder = write(history, tmp_path / "small", rows_in_a_group=7)
    monkeypatch.setattr(store, "ROWS_PER_GROUP", 20)
    monkeypatch.setattr(features, "BLOCK_PAIRS", 3)
    assert len(parts.spans(folder, "orders")) > 1
    assert differing(whole, features_at(folder, history.cutoffs, history.zone, builtin())) == []


@pytest.mark.parametrize("seed", range(4))
def test_later_files_change_no_bit(seed, tmp_path):
    """Rows of one customer lie in several files, as incremental loads leave them."""
    history = a_shop(seed)
    whole = told(history, tmp_path, builtin())
    folder = write(history, tmp_path / "files", files=3)
    assert len(store.table_files(folder, "orders")) == 3
    assert differing(whole, features_at(folder, history.cutoffs, history.zone, builtin())) == []


def test_work_side_by_side_changes_no_bit(tmp_path, monkeypatch):
    history = a_shop(5)
    whole = told(history, tmp_path, builtin())
    folder = write(history, tmp_path / "small", rows_in_a_group=7)
    monkeypatch.setattr(store, "ROWS_PER_GROUP", 20)
    assert differing(whole, features_at(folder, history.cutoffs, history.zone, builtin(), jobs=2)) == []


@pytest.mark.parametrize("seed", range(4))
def test_each_cutoff_alone_is_as_all_together(seed, tmp_path):
    history = a_shop(seed)
    together = told(history, tmp_path, builtin())
    alone = pd.concat([told(history, tmp_path, builtin(), [cutoff]) for cutoff in history.cutoffs])
    assert differing(together, alone.sort_values(["customer_id", "cutoff"], ignore_index=True)) == []


PLANTED: list[tuple[ModuleType, str, str, str]] = [
    # a day that begins a window, or the cutoff's own, counts as before it
    (kernel, "positions", 'side="right"', 'side="left"'),
    # the row after the cutoff is taken for the last
    (kernel, "View.nth_last", "self.stop - n", "np.minimum(self.stop - n + 1, len(values) - 1)"),
    # every category, too, counts from the beginning of time
    (values, "_stay", 'enters = np.searchsorted(asked.days, rows.day + lag, side="right")', "enters = 0 * rows.day"),
    # a row that was recorded late was always known
    (kernel, "late_pairs", "log.recorded_day > log.day", "log.recorded_day < 0"),
    (logs, "stream_log", "recorded = np.maximum(", "recorded = np.minimum("),
    # a row recorded on the cutoff was known at it
    (kernel, "late_pairs", "recorded >= cutoff", "recorded > cutoff"),
    (kernel, "known_at", "log.recorded_day < cutoff", "log.recorded_day <= cutoff"),
    (features, "known_pairs", "first_known[:, None] < ", "first_known[:, None] <= "),
    # when a row was recorded does not matter to whether its customer is known
    (features, "known_pairs", "np.maximum(base.day, base.recorded_day)", "base.day"),
    # the log began where it is known today to have begun
    (parts, "earliest_known", "known < cutoff", "known < 10**9"),
    (parts, "earliest_known", "known < cutoff", "known <= cutoff"),
    # the pause that the next order ends
    (kernel, "last_values", "ends.take(view.stop)", "ends.take(np.minimum(view.stop + 1, len(flags)))"),
    # days of the calendar in Greenwich
    (logs, "stream_log", "_rows(stream, table, zone)", '_rows(stream, table, "UTC")'),
    # rows are not sorted within a customer, nor at one instant
    (logs, "in_order", "return log.take(np.lexsort((log.us, log.customer)))", "return log"),
    (columns, "Seen.in_order", "return found[np.lexsort((found, log.us, log.customer))]", "return found"),
    # what was recorded later of an order was always known
    (features, "as_recorded", "kernel.late_pairs(rows.changes, pairs.customers, pairs.days)", "False"),
    # a subscription that ends on the cutoff or soon after has ended
    (renewals, "next_renewal", ">= cutoff", ">= cutoff + 30"),
]
SEEDS = (0, 5, 1, 2, 3, 4)  # shops in which they show, the likeliest first


@pytest.mark.parametrize(("module", "path", "right", "wrong"), PLANTED)
def test_a_planted_leak_is_caught(module, path, right, wrong, tmp_path, monkeypatch):
    """By the relations and the ranges alone, without the oracle: nobody has to know what is right to see a leak."""
    plant(monkeypatch, module, path, right, wrong)
    found = (fault for seed in SEEDS for fault in shop_faults(seed, EDGES, builtin(), tmp_path))
    assert next((fault for fault in found if fault.check != "oracle"), None) is not None


def plant(monkeypatch: pytest.MonkeyPatch, module: ModuleType, path: str, right: str, wrong: str) -> None:
    """Put a function, or a class's method, in place with one piece of its text changed, wherever it is used."""
    name, _, _method = path.partition(".")
    honest = getattr(module, name)
    source = inspect.getsource(honest)
    assert source.count(right) == 1, f"{path} has changed: find another leak to plant"
    scope = dict(vars(sys.modules[honest.__module__]))
    exec(source.replace(right, wrong), scope)  # noqa: S102 - the package's own text
    for user in [m for m in sys.modules.values() if getattr(m, "__name__", "").startswith("winback.facts")]:
        if getattr(user, name, None) is honest:
            monkeypatch.setattr(user, name, scope[name])
