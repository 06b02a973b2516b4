"""Does learning what actions do pay? 26 made-up weeks from wrong guesses, against what would have been best.

    python benchmarks/learning.py [--seeds 5] [--customers 2000] [--explore 0.3]

Every week new customers at risk come, each with a main reason, a stage, a chance to leave and a margin at stake. Some
actions truly work, some do nothing, some harm; the catalogue guesses wrongly. What came of a week is known four weeks
later. Policies meet the same customers with the same luck; what is added up is the true expected net gain of what they
do. A tenth is held out by all of them. See docs/learning.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from winback.learn.responses import Cells, Learned, Priors, Seen, Sums, learned, nothing_seen, summed

WEEKS, HELD_OUT = 26, 0.1
DELAY = 4  # weeks until the outcome of a week is known
ACTIONS, DRIVERS, STAGES = 10, 6, 4
NONE = -1
# Effect on leavers of those it answers, once; the catalogue's guess of it; contact, incentive, true share of redeemers.
TRUE = np.array([0.30, 0.20, 0.12, 0.08, 0.25, 0.0, 0.0, 0.03, -0.10, -0.06])
GUESS = np.array([0.03, 0.05, 0.10, 0.12, 0.02, 0.15, 0.12, 0.10, 0.12, 0.10])
CONTACT = np.array([0.5, 0.05, 0.1, 1.2, 4.0, 0.05, 0.75, 0.05, 0.01, 0.03])
INCENTIVE = np.array([4.0, 3.0, 0.0, 0.0, 0.0, 2.0, 6.0, 0.0, 0.0, 0.0])
ACCEPTS = np.array([0.5, 0.3, 0.0, 0.0, 0.0, 0.3, 0.6, 0.0, 0.0, 0.0])
STRENGTH = 50.0
HARMFUL = np.flatnonzero(TRUE < 0)


@dataclass(frozen=True)
class World:
    """What is true: save rates by cell, and which cells there are (`place`: action x driver x stage -> cell or -1)."""

    cells: Cells
    place: np.ndarray
    rates: np.ndarray


@dataclass(frozen=True)
class Week:
    """The customers of one week."""

    driver: np.ndarray
    stage: np.ndarray
    chance: np.ndarray
    margin: np.ndarray
    held_out: np.ndarray
    luck: np.ndarray


def world(rng: np.random.Generator) -> World:
    """Each action answers two or three drivers; its effect differs by driver and stage."""
    answers = np.zeros((ACTIONS, DRIVERS), dtype=bool)
    for action in range(ACTIONS):
        answers[action, rng.choice(DRIVERS, 3, replace=False)] = True
    action, driver = np.nonzero(answers)
    cells = Cells(*(np.repeat(part, STAGES) for part in (action, driver)), np.tile(np.arange(STAGES), len(action)))
    place = np.full((ACTIONS, DRIVERS, STAGES), NONE)
    place[cells.action, cells.driver, cells.stage] = np.arange(len(cells))
    by_driver, by_stage = rng.lognormal(0, 0.35, (ACTIONS, DRIVERS)), rng.lognormal(0, 0.25, (ACTIONS, STAGES))
    rates = TRUE[cells.action] * by_driver[cells.action, cells.driver] * by_stage[cells.action, cells.stage]
    return World(cells, place, np.clip(rates, -0.5, 0.8))


def week(rng: np.random.Generator, customers: int) -> Week:
    """New customers at risk."""
    chance = 0.3 + 0.65 * rng.beta(1.2, 1.5, customers)
    return Week(
        rng.integers(0, DRIVERS, customers),
        rng.integers(0, STAGES, customers),
        chance,
        rng.lognormal(3.3, 0.6, customers),
        rng.random(customers) < HELD_OUT,
        rng.random((2, customers)),
    )


def gains(w: World, now: Week, rates: np.ndarray) -> np.ndarray:
    """The net gain of each action (column) for each customer, were these the rates; -inf where it answers nothing."""
    place = w.place[:, now.driver, now.stage].T
    kept = now.chance[:, None] * np.where(place >= 0, rates[place], 0.0)
    cost = CONTACT + INCENTIVE * ACCEPTS * (1 - now.chance[:, None] + kept)
    return np.where(place >= 0, kept * now.margin[:, None] - cost, -np.inf)


def best(gain: np.ndarray) -> np.ndarray:
    """The action of the largest gain above nothing."""
    return np.where(gain.max(axis=1) > 0, gain.argmax(axis=1), NONE)


def seen_of(w: World, now: Week, action: np.ndarray) -> Seen:
    """What is seen of those something was to be done for: the held-out beside the treated."""
    rows = np.flatnonzero(action != NONE)
    cell = w.place[action[rows], now.driver[rows], now.stage[rows]]
    treated = ~now.held_out[rows]
    chance = now.chance[rows] * (1 - treated * w.rates[cell])
    left = now.luck[0, rows] < chance
    return Seen(cell, now.chance[rows], np.ones(len(rows)), treated, left)


Policy = Callable[[int, World, Week, Sums, np.random.Generator], np.ndarray]
PRIORS = Priors(GUESS, np.full(ACTIONS, STRENGTH))


def known(w: World, sums: Sums) -> Learned:
    return learned(w.cells, sums, PRIORS)


def oracle(_: int, w: World, now: Week, __: Sums, ___: np.random.Generator) -> np.ndarray:
    return best(gains(w, now, w.rates))


def fixed_priors(_: int, w: World, now: Week, __: Sums, ___: np.random.Generator) -> np.ndarray:
    return best(gains(w, now, GUESS[w.cells.action]))


def greedy(_: int, w: World, now: Week, sums: Sums, __: np.random.Generator) -> np.ndarray:
    return best(gains(w, now, known(w, sums).mean))


def exploring(most: float) -> Policy:
    """The best by what is known; for as many as cost at most this share of it, by rates drawn."""

    def policy(_: int, w: World, now: Week, sums: Sums, rng: np.random.Generator) -> np.ndarray:
        what = known(w, sums)
        expected = gains(w, now, what.mean)
        chosen = best(expected)
        tries = [best(gains(w, now, what.draw(rng))) for _ in range(20)]
        drawn = np.array(tries)[rng.integers(0, 20, len(chosen)), np.arange(len(chosen))]
        worth, tried = (_worth(expected, action).sum() for action in (chosen, drawn))
        share = min(1.0, most * worth / max(worth - tried, 1e-9))
        return np.where(rng.random(len(chosen)) < share, drawn, chosen)

    return policy


def _worth(gain: np.ndarray, action: np.ndarray) -> np.ndarray:
    return np.where(action == NONE, 0.0, gain[np.arange(len(action)), action])


def ab_then_commit(weeks: int) -> Policy:
    """Any action that answers, or none, by lot until some weeks are known; then what did best by driver."""

    def policy(number: int, w: World, now: Week, _: Sums, rng: np.random.Generator) -> np.ndarray:
        if number < weeks + DELAY:
            possible = np.isfinite(gains(w, now, GUESS[w.cells.action]))
            return np.where(possible, rng.random(possible.shape), -1).argmax(axis=1)
        return best(gains(w, now, by_test(w, FROZEN[weeks])))

    return policy


FROZEN: dict[int, Sums] = {}


def by_test(w: World, sums: Sums) -> np.ndarray:
    """Save rates as a plain test reads them: the difference to the forecast by action and driver, no pooling."""
    key = w.cells.action * DRIVERS + w.cells.driver
    size = ACTIONS * DRIVERS
    xx, xr = (np.bincount(key, part, size) for part in (sums.xx, sums.xr))
    return (xr / np.maximum(xx, 1e-9))[key]


def played(policy: Policy, w: World, weeks: list[Week], seed: int, freeze: int | None = None) -> pd.DataFrame:
    """One row a week: true expected net gain of the treated, and their share with a harmful action."""
    rng, sums, rows = np.random.default_rng(seed), nothing_seen(w.cells), []
    waiting: list[Sums] = []
    for number, now in enumerate(weeks):
        if number >= DELAY:
            sums = sums + waiting[number - DELAY]
        if freeze is not None and number == freeze + DELAY:
            FROZEN[freeze] = sums
        action = policy(number, w, now, sums, rng)
        done = np.flatnonzero((action != NONE) & ~now.held_out)
        gain = gains(w, now, w.rates)[done, action[done]].sum()
        harm = np.isin(action[done], HARMFUL).sum() / max(len(done), 1)
        rows.append({"week": number + 1, "gain": gain, "harmful": harm})
        waiting.append(summed(w.cells, seen_of(w, now, action)))
    return pd.DataFrame(rows)


def compared(seed: int, customers: int, share: float) -> pd.DataFrame:
    """One row a policy and week of one made-up world."""
    rng = np.random.default_rng(seed)
    w = world(rng)
    weeks = [week(rng, customers) for _ in range(WEEKS)]
    policies: dict[str, tuple[Policy, int | None]] = {
        "oracle": (oracle, None),
        "learned, exploring": (exploring(share), None),
        "learned, greedy": (greedy, None),
        "fixed priors": (fixed_priors, None),
        "A/B 4 weeks, then commit": (ab_then_commit(4), 4),
        "A/B 8 weeks, then commit": (ab_then_commit(8), 8),
    }
    parts = [played(p, w, weeks, seed, freeze).assign(policy=name) for name, (p, freeze) in policies.items()]
    return pd.concat(parts).assign(seed=seed)


def main() -> None:
    """Print the tables of docs/learning.md."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--seeds", type=int, default=5)
    asked.add_argument("--customers", type=int, default=2_000)
    asked.add_argument("--explore", type=float, default=0.3)
    given = asked.parse_args()
    told = pd.concat([compared(seed, given.customers, given.explore) for seed in range(given.seeds)])
    best_gain = told[told["policy"] == "oracle"].set_index(["seed", "week"])["gain"]
    told["oracle"] = best_gain.reindex(pd.MultiIndex.from_frame(told[["seed", "week"]])).to_numpy()
    told["regret"] = told["oracle"] - told["gain"]
    told["span"] = pd.cut(told["week"], [0, 4, 8, 13, 19, 26], labels=["1-4", "5-8", "9-13", "14-19", "20-26"])
    told["of_oracle"] = told["gain"] / told["oracle"]
    for title, value in (
        ("share of the oracle's net gain", "of_oracle"),
        ("regret a week", "regret"),
        ("share of actions that harm", "harmful"),
    ):
        print(f"\n{title}, by weeks")
        spans = told.pivot_table(index="policy", columns="span", values=value, observed=True)
        print(spans.round(4 if value == "harmful" else 3 if value == "of_oracle" else 0).to_string())
    late = told[told["week"] >= 20].groupby(["policy", "seed"])[["gain", "oracle"]].sum()
    worst = (late["gain"] / late["oracle"]).groupby("policy").min()
    total = told.groupby("policy")["regret"].sum() / given.seeds
    print(
        "\ncumulative regret of 26 weeks, mean of the worlds; least share of the oracle from week 20 on, of any world"
    )
    print(pd.DataFrame({"regret": total.round(0), "worst": worst.round(3)}).to_string())


if __name__ == "__main__":
    main()
