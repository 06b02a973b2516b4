"""The choice among listed options as a linear and as a whole-number program, solved by HiGHS."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array, diags_array

from winback.errors import SolverFailed
from winback.offers.options import NONE, Bools, Floats, Ints, Options, Picks, Prices, Room, patterns_of

NODES = 500  # of the tree that is searched for whole numbers: no clock, so that the same input has the same answer


@dataclass(frozen=True)
class Listed:
    """One value a listed option: its customer's row, its action and channel, its net gain and expected cost."""

    row: Ints
    action: Ints
    channel: Ints
    gain: Floats
    cost: Floats

    def __len__(self) -> int:
        """The number of options."""
        return len(self.row)


def listed(options: Options, rows: Ints, room: Room) -> Listed:
    """Every option of these customers whose net gain is above the least, except those that another beats outright.

    A channel with room without end beats every channel of the same action that costs no less.
    """
    pattern, patterns = patterns_of(options.reach[rows])
    sense = _sensible(options.contact, patterns, np.isinf(room.channels))
    place, action, channel = np.nonzero(sense[pattern])
    row = rows[place]
    contact = options.contact[action, channel]
    gain = options.gain[row, action] - contact
    good = gain > options.least
    return Listed(row[good], action[good], channel[good], gain[good], (options.cost[row, action] + contact)[good])


def _sensible(contact: Floats, patterns: Bools, endless: Bools) -> Bools:
    """By pattern of reach, action and channel: whether the channel is there and no endless one beats it."""
    there = patterns[:, None, :] & np.isfinite(contact)[None, :, :]
    free = np.where(there & endless, contact, np.inf)
    first = free.argmin(axis=2)[:, :, None] == np.arange(contact.shape[1])
    sensible: Bools = there & ((contact < free.min(axis=2)[:, :, None]) | (first & endless))
    return sensible


def among(options: Options, row: Ints, picks: Picks) -> Listed:
    """The options that are taken, of the customers of these rows."""
    taken = row[picks.action[row] != NONE]
    action, channel = picks.action[taken], picks.channel[taken]
    contact = options.contact[action, channel]
    return Listed(taken, action, channel, options.gain[taken, action] - contact, options.cost[taken, action] + contact)


def only(those: Listed, keep: Any) -> Listed:
    """Some of the options: where `keep` is true, or at these places."""
    return Listed(those.row[keep], those.action[keep], those.channel[keep], those.gain[keep], those.cost[keep])


def relaxed(those: Listed, room: Room) -> tuple[Floats, Prices]:
    """How much of each option, 0..1, is taken where parts may be taken, and what the resources are worth then."""
    if not len(those):
        return np.zeros(0), Prices(0.0, np.zeros(len(room.actions)), np.zeros(len(room.channels)))
    matrix, sizes, ends = _rows(those, room)
    found = linprog(-those.gain, A_ub=matrix, b_ub=sizes, bounds=(0, 1), method="highs")
    if found.status != 0:
        raise SolverFailed(f"the linear program of {len(those):,} options was not solved: {found.message}")
    worth = np.zeros(1 + len(room.actions) + len(room.channels))
    worth[ends] = np.maximum(-found.ineqlin.marginals[: len(ends)], 0.0)
    split = 1 + len(room.actions)
    return found.x, Prices(float(worth[0]), worth[1:split], worth[split:])


def whole(those: Listed, room: Room) -> tuple[Ints, float]:
    """Which options are taken where only whole ones are, and what no such choice can gain more than."""
    if not len(those):
        return np.zeros(0, dtype=np.int64), 0.0
    matrix, sizes, _ = _rows(those, room)
    # Rows and gains of like size: with numbers far apart the solver has to mend its own answers.
    height = np.maximum(abs(matrix).max(axis=1).toarray().ravel(), 1e-9)
    matrix, sizes = (diags_array(1 / height) @ matrix).tocsr(), sizes / height
    largest = float(those.gain.max())
    asked = {"mip_rel_gap": 0.0, "node_limit": NODES}
    ones = np.ones(len(those))
    rules = LinearConstraint(matrix, ub=sizes)
    with _silence():
        found = milp(-those.gain / largest, integrality=ones, bounds=Bounds(0, 1), constraints=rules, options=asked)
    if found.x is None:
        raise SolverFailed(f"the program of {len(those):,} options was not solved: {found.message}")
    return np.flatnonzero(found.x > 0.5), -float(found.mip_dual_bound) * largest


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """HiGHS tells on the process's own standard output when it mends an answer, whatever it is asked: not to a reader.

    Its words wait in the C library's buffer, which is emptied before and after.
    """
    if os.name != "posix":
        yield
        return
    libc = ctypes.CDLL(None)
    libc.fflush(None)
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        libc.fflush(None)
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def _rows(those: Listed, room: Room) -> tuple[csr_array, Floats, Ints]:
    """The constraints: a row a resource that ends, then a row a customer; their sizes; which resources end."""
    sizes = np.array([room.budget, *room.actions, *room.channels])
    ends = np.flatnonzero(np.isfinite(sizes))
    place = np.full(len(sizes), -1)
    place[ends] = np.arange(len(ends))
    _, customer = np.unique(those.row, return_inverse=True)
    many, one = np.arange(len(those)), np.ones(len(those))
    entries = (
        (np.full(len(those), place[0]), those.cost),
        (place[1 + those.action], one),
        (place[1 + len(room.actions) + those.channel], one),
        (len(ends) + customer, one),
    )
    row, value, column = (np.concatenate(p) for p in zip(*((r, v, many) for r, v in entries), strict=True))
    there = row >= 0
    height = len(ends) + (int(customer.max()) + 1 if len(those) else 0)
    matrix = csr_array((value[there], (row[there], column[there])), shape=(height, len(those)))
    return matrix, np.concatenate([sizes[ends], np.ones(height - len(ends))]), ends
