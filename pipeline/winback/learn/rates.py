"""The response rates that decisions are made with: the table of the catalogue's guesses and of what was learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from scipy import special

from winback.learn.responses import Cells, Floats, Learned, Priors, Seen, learned, nothing_seen, summed

ANY = "any"
SURELY_HARMFUL = 0.9
KEYS = ["action", "driver", "stage"]
POOLS = np.array([5.0, 15.0, 50.0, 150.0, 500.0])  # customers that the rate of all stages counts for in one


class Guessed(Protocol):
    """What learning needs to know of an action of the catalogue."""

    @property
    def id(self) -> str: ...
    @property
    def drivers(self) -> tuple[str, ...]: ...
    @property
    def stages(self) -> tuple[str, ...]: ...
    @property
    def save_rate(self) -> float: ...
    @property
    def save_rate_strength(self) -> float: ...
    @property
    def accept_rate(self) -> float: ...
    @property
    def accept_rate_strength(self) -> float: ...


@dataclass(frozen=True)
class Rates:
    """`table`: one row a cell, as `learn_rates` says. `known`: what is known of its save rates, in its order."""

    table: pd.DataFrame
    known: Learned


def learn_rates(results: pd.DataFrame, actions: Sequence[Guessed]) -> Rates:
    """What each action is expected to do: one row an action x driver x stage, `any` for whoever has no row of his own.

    `save_rate` (of leavers whose reasons it answers; below zero it drives away), `low, high` (95 %), `chance_harmful`
    (that it is below zero), `harmful` (at least 0.9: a sleeping dog, to be left alone), `guess` (the catalogue's),
    `accept_rate` (of the treated who stayed), `n` (customers treated).

    `results`: rows with closed windows (`effects.results`, of `fresh_listings`): action, driver, stage, probability,
    arm, stayed, redeemed; `answered` (share of the reasons, 1 where not told). Rows of unknown actions are left out.
    """
    actions = sorted(actions, key=lambda action: action.id)
    table = _cells(actions, results)
    codes = [pd.factorize(table[key])[0].astype(np.int64) for key in KEYS]
    cells = Cells(*codes)
    rows = _placed(results, table)
    seen = Seen(
        rows["cell"].to_numpy(dtype=np.int64),
        rows["probability"].to_numpy(dtype=float),
        answered_of(rows),
        (rows["arm"] == "treated").to_numpy(),
        (rows["stayed"] == 0).to_numpy(),
    )
    sums = summed(cells, seen) if len(rows) else nothing_seen(cells)
    priors = Priors(_of(actions, "save_rate"), _of(actions, "save_rate_strength"))
    known = learned(cells, sums, priors)
    harmful = special.ndtr(-known.mean / known.spread)
    table = table.assign(
        save_rate=known.mean,
        low=known.mean - 1.959964 * known.spread,
        high=known.mean + 1.959964 * known.spread,
        chance_harmful=harmful,
        harmful=harmful >= SURELY_HARMFUL,
        guess=priors.save_rate[codes[0]],
        accept_rate=_accepted(rows, table, actions),
        n=sums.treated.astype(np.int64),
    )
    return Rates(table, known)


def drawn(rates: Rates, seed: int) -> pd.DataFrame:
    """The table with save rates as they may truly be, drawn once (Thompson, Biometrika 25, 1933).

    Cells that surely harm are not drawn: they keep their rate, so that nobody is driven away to learn it again.
    """
    found = rates.known.draw(np.random.default_rng(seed))
    kept = np.where(rates.table["harmful"], rates.table["save_rate"], found)
    return rates.table.assign(save_rate=kept)


def looked_up(table: pd.DataFrame, rows: pd.DataFrame, value: str) -> pd.Series[float]:
    """A rate for each of `rows` (action, driver, stage): of its cell, else of any stage, any driver, any of both."""
    found = pd.Series(np.nan, index=rows.index)
    for driver, stage in ((True, True), (True, False), (False, True), (False, False)):
        asked = rows[KEYS].assign(**({} if driver else {"driver": ANY}), **({} if stage else {"stage": ANY}))
        matched = asked.merge(table[[*KEYS, value]], on=KEYS, how="left")[value].set_axis(rows.index)
        found = found.fillna(matched)
    return found


def answered_of(rows: pd.DataFrame) -> Floats:
    """The share of each row's reasons that its action answers; 1 where it is not told."""
    if "answered" not in rows:
        return np.ones(len(rows))
    found: Floats = rows["answered"].fillna(1.0).to_numpy(dtype=float)
    return found


def _of(actions: Sequence[Guessed], field: str) -> Floats:
    return np.array([getattr(action, field) for action in actions], dtype=float)


def _cells(actions: Sequence[Guessed], results: pd.DataFrame) -> pd.DataFrame:
    """The combinations: what each action answers, and `any`; of one that answers any driver, those that were seen."""
    seen = sorted(set(results["driver"]) - {""})
    rows = []
    for action in actions:
        drivers = seen if ANY in action.drivers else [*action.drivers]
        rows += [
            {"action": action.id, "driver": driver, "stage": stage}
            for driver in sorted({*drivers, ANY})
            for stage in sorted({*action.stages, ANY})
        ]
    return pd.DataFrame(rows, columns=KEYS)


def _placed(results: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """The results of known actions with their `cell`; driver and stage are `any` where the catalogue names them not."""
    rows = results[results["action"].isin(table["action"])]
    places = table.reset_index(names="cell")
    cell = pd.Series(np.nan, index=rows.index)
    for by in (KEYS, ["action", "driver"], ["action", "stage"], ["action"]):
        of_any = places[(places[[key for key in KEYS if key not in by]] == ANY).all(axis=1)]
        cell = cell.fillna(rows[by].merge(of_any, on=by, how="left")["cell"].set_axis(rows.index))
    return rows.assign(cell=cell.astype(np.int64))


def _accepted(rows: pd.DataFrame, table: pd.DataFrame, actions: Sequence[Guessed]) -> Floats:
    """Of the treated who stayed, the share that redeems: a stage's, drawn towards the action's, and that to the guess.

    Each is a Beta's mean: (redeemed + k rate) / (stayed + k). Of the action k is accept_rate_strength; of its stages
    the one of POOLS under which all of them are most likely (beta-binomial, empirical Bayes).
    """
    known = rows[(rows["arm"] == "treated") & (rows["stayed"] == 1) & rows["redeemed"].notna()]
    told = {str(action): found for action, found in known.groupby("action")}
    rates = np.zeros(len(table))
    for action in actions:
        mine = (table["action"] == action.id).to_numpy()
        if action.id not in told:
            rates[mine] = action.accept_rate
            continue
        stages, index = np.unique(table.loc[mine, "stage"], return_inverse=True)
        redeemed = told[action.id].groupby("stage")["redeemed"].agg(["sum", "count"])
        counts, (hits, n) = redeemed.reindex(stages, fill_value=0).to_numpy(dtype=float), redeemed.sum()
        k = action.accept_rate_strength
        whole = (float(hits) + k * action.accept_rate) / (int(n) + k)
        pool = _pool(counts, whole)
        rates[mine] = ((counts[:, 0] + pool * whole) / (counts[:, 1] + pool))[index]
    return rates


def _pool(counts: Floats, rate: float) -> float:
    """The pool under which successes of trials (rows of both) are most likely; the largest where nothing is."""
    rate = min(max(rate, 1e-6), 1 - 1e-6)
    hits, misses = counts[:, :1], counts[:, 1:] - counts[:, :1]
    likely = special.betaln(hits + POOLS * rate, misses + POOLS * (1 - rate))
    likely = (likely - special.betaln(POOLS * rate, POOLS * (1 - rate))).sum(axis=0)
    return float(POOLS[::-1][np.argmax(likely[::-1])])
