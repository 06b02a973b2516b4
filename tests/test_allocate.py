"""One option a customer within a budget and the room of actions and channels, against trying everything."""

import itertools
from math import fsum

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winback.offers import allocate as by_prices
from winback.offers.allocate import Allocation, allocate
from winback.offers.options import NONE, Options, Room, costs, fits, gains, used

NO = -np.inf
INF = np.inf


def options(gain: list, cost: list | None = None, contact: list | None = None, **more) -> Options:
    """Options whose actions all have the same one channel, which costs nothing, unless said otherwise."""
    gains_ = np.array(gain, dtype=float)
    costs_ = np.zeros(gains_.shape) if cost is None else np.array(cost, dtype=float)
    ways = np.array(contact if contact else [[0.0]] * gains_.shape[1], dtype=float).reshape(gains_.shape[1], -1)
    reach = np.array(more.pop("reach", np.ones((len(gains_), ways.shape[1]))), dtype=bool)
    return Options(gains_, costs_, ways, reach, **more)


def room(
    budget: float = INF, actions: list | None = None, channels: list | None = None, of: Options | None = None
) -> Room:
    """Room without end, unless said otherwise."""
    shape = of.contact.shape if of else (len(actions or [0]), len(channels or [0]))
    places = zip(shape, (actions, channels), strict=True)
    full = [np.full(size, INF) if asked is None else np.array(asked, float) for size, asked in places]
    return Room(budget, *full)


def every_option(given_: Options, row: int) -> list[tuple[float, float, int, int]]:
    """Gain, cost, action and channel of all that may be done for one customer, nothing among it."""
    found = [(0.0, 0.0, NONE, NONE)]
    for action, channel in np.ndindex(given_.contact.shape):
        contact = given_.contact[action, channel]
        gain = given_.gain[row, action] - contact
        if given_.reach[row, channel] and np.isfinite(contact) and gain > given_.least:
            found.append((gain, given_.cost[row, action] + contact, action, channel))
    return found


def best_of_all(given_: Options, limits: Room) -> float:
    """The largest total gain of all possible choices."""
    best = 0.0
    for taken in itertools.product(*(every_option(given_, row) for row in range(len(given_)))):
        by = [
            np.bincount([t[k] for t in taken if t[k] != NONE], minlength=n)
            for k, n in zip((2, 3), given_.contact.shape, strict=True)
        ]
        if (
            fsum(t[1] for t in taken) <= limits.budget
            and (by[0] <= limits.actions).all()
            and (by[1] <= limits.channels).all()
        ):
            best = max(best, fsum(t[0] for t in taken))
    return best


def instance(seed: int) -> tuple[Options, Room]:
    """A small problem: costs of a few sizes or of any, some options not on offer, resources that end or do not."""
    rng = np.random.default_rng(seed)
    count, actions, channels = rng.integers(1, 6), rng.integers(1, 4), rng.integers(1, 4)
    shape = (count, actions)
    gain = rng.normal(1, 2, shape)
    gain[rng.random(shape) < 0.2] = NO
    cost = rng.choice([0, 0.5, 1, 2.5], shape) if seed % 2 else rng.gamma(1, 1, shape)
    contact = rng.choice([0, 0.1, 0.5, INF], (actions, channels))
    given_ = Options(gain, cost, contact, rng.random((count, channels)) < 0.8, float(rng.choice([0, 0.4])))
    budget = float(rng.choice([INF, rng.uniform(0, 1.5 * count)]))
    places = [np.where(rng.random(n) < 0.5, INF, rng.integers(0, 3, n)) for n in (actions, channels)]
    return given_, Room(budget, *places)


def check(given_: Options, limits: Room, found: Allocation) -> None:
    """What holds of every allocation: each limit to the last digit, each option on offer, nothing above the bound."""
    assert fits(used(given_, found.picks), limits)
    for row, pick in enumerate(zip(found.picks.action.tolist(), found.picks.channel.tolist(), strict=True)):
        assert pick in {(action, channel) for _, _, action, channel in every_option(given_, row)}
    assert fsum(gains(given_, found.picks)) <= found.bound
    assert 0 <= found.gap <= 1


@pytest.mark.parametrize(
    ("gain", "cost", "budget", "expected"),
    [
        ([[1, 2], [3, NO]], [[1, 1], [1, 1]], INF, [1, 0]),
        ([[2, 2]], [[1, 1]], INF, [0]),  # equals: the first
        ([[NO, 0], [-1, NO]], [[1, 1], [1, 1]], INF, [NONE, NONE]),
        ([[5, 4], [5, 4]], [[10, 1], [10, 1]], 2.0, [1, 1]),  # the cheap one for both
        ([[1], [10]], [[1], [10.1]], 10.5, [NONE, 0]),  # not the one that is best for its price
        ([[1], [10]], [[1], [10.1]], 0.0, [NONE, NONE]),
        ([[1], [10]], [[0], [10.1]], 0.0, [0, NONE]),  # what costs nothing is always taken
        ([[1]], [[0.1]], 0.1, [0]),
        ([[2, 2]], [[5, 1]], 2.0, [1]),  # the first of equals does not fit, the second does
        (np.empty((0, 2)), np.empty((0, 2)), 1.0, []),
    ],
)
def test_choices_within_a_budget(gain: list, cost: list, budget: float, expected: list[int]) -> None:
    given_ = options(gain, cost)
    assert allocate(given_, room(budget, of=given_)).picks.action.tolist() == expected


def test_three_times_a_tenth_is_above_three_tenths_if_by_a_hair() -> None:
    given_ = options([[1.0]] * 3, [[0.1]] * 3)
    assert (allocate(given_, room(0.3, of=given_)).picks.action == 0).sum() == 2


@pytest.mark.parametrize("size", [1e-12, 1e-9, 1e-7, 1e-3])
def test_sums_far_below_what_a_solver_looks_at_are_kept_to(size: float) -> None:
    """A solver allows itself a millionth beyond each limit; here that would be all of the budget."""
    given_ = options([[5.0], [4.0], [3.0]], [[size]] * 3)
    found = allocate(given_, room(2.5 * size, of=given_))
    assert fsum(costs(given_, found.picks)) <= 2.5 * size
    assert fsum(gains(given_, found.picks)) == 9.0
    nothing = allocate(given_, room(0.0, of=given_))
    assert nothing.picks.action.tolist() == [NONE] * 3


def test_an_action_and_a_channel_take_no_more_than_there_is_room_for() -> None:
    """The letter is best for all but has one place; of the others one may be called, and one is left with nothing."""
    given_ = options([[9, 5], [8, 5], [7, 1]], contact=[[0, INF], [INF, 0]])
    found = allocate(given_, room(actions=[1, INF], channels=[INF, 1], of=given_))
    assert list(zip(found.picks.action, found.picks.channel, strict=True)) == [(0, 0), (1, 1), (NONE, NONE)]
    assert (found.bound, found.gap, found.method) == (14.0, 0.0, "whole")


def test_the_dearer_channel_is_taken_where_the_cheaper_is_full_or_not_permitted() -> None:
    given_ = options([[5.0]] * 3, contact=[[0.1, 1.0]], reach=[[1, 1], [1, 1], [0, 1]])
    found = allocate(given_, room(channels=[1, INF], of=given_))
    assert sorted(found.picks.channel.tolist()) == [0, 1, 1]
    assert found.picks.channel[2] == 1


def test_a_dearer_channel_is_not_taken_for_less_than_the_least() -> None:
    given_ = options([[5.0]] * 2, contact=[[0.1, 1.0]], least=4.5)
    found = allocate(given_, room(channels=[1, INF], of=given_))
    assert sorted(found.picks.action.tolist()) == [NONE, 0]


def test_where_there_is_room_for_all_each_gets_his_best() -> None:
    for seed in range(100):
        given_, _ = instance(seed)
        found = allocate(given_, room(of=given_))
        assert found.method == "free"
        assert fsum(gains(given_, found.picks)) == pytest.approx(best_of_all(given_, room(of=given_)))
        assert found.gap == 0


def test_small_problems_are_solved_as_well_as_by_trying_everything() -> None:
    binding = 0
    for seed in range(600):
        given_, limits = instance(seed)
        found = allocate(given_, limits)
        check(given_, limits, found)
        possible = best_of_all(given_, limits)
        assert fsum(gains(given_, found.picks)) == pytest.approx(possible, abs=1e-9), seed
        assert found.bound >= possible - 1e-9
        binding += found.method == "whole"
    assert binding > 300


def test_prices_reach_what_trying_everything_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way of large problems, taken with small ones: its bound holds, and its last step makes it exact here."""
    monkeypatch.setattr(by_prices, "WHOLE", -1)
    for seed in range(150):
        given_, limits = instance(seed)
        found = allocate(given_, limits)
        check(given_, limits, found)
        possible = best_of_all(given_, limits)
        assert found.bound >= possible - 1e-9
        assert fsum(gains(given_, found.picks)) == pytest.approx(possible, abs=1e-9), seed


def crowd(count: int, seed: int = 0, actions: int = 12, channels: int = 4) -> tuple[Options, Room]:
    """A list of real length on which a budget, most actions and half of the channels are short."""
    rng = np.random.default_rng(seed)
    kept = rng.beta(2, 3, (count, 1)) * rng.gamma(1, 0.06, (count, actions)) * (rng.random((count, actions)) > 0.4)
    cost = rng.choice([0, 0, 2, 4, 8], actions) * rng.uniform(0.1, 0.5, actions) * (0.5 + kept)
    gain = np.where(kept > 0, kept * rng.lognormal(4, 1, (count, 1)) - cost, NO)
    contact = rng.choice([0.02, 0.05, 0.1, 0.8, 2.5], (actions, channels))
    places = np.where(rng.random(actions) < 0.7, np.floor(count * rng.uniform(0.01, 0.05, actions)), INF)
    ways = np.where(np.arange(channels) < channels // 2, np.floor(count * 0.05), INF)
    return Options(gain, cost, contact, rng.random((count, channels)) < 0.7), Room(count * 0.1, places, ways)


@pytest.mark.parametrize("count", [1_500, 6_000])
def test_on_lists_of_real_length_nearly_nothing_is_lost(count: int) -> None:
    given_, limits = crowd(count)
    found = allocate(given_, limits)
    assert found.method == "prices"
    assert fits(used(given_, found.picks), limits)
    assert found.gap < 1e-3


def test_the_same_problem_has_the_same_answer() -> None:
    given_, limits = crowd(1_500, seed=3)
    one, other = (allocate(given_, limits) for _ in range(2))
    assert (one.picks.action == other.picks.action).all()
    assert one.bound == other.bound


@pytest.mark.parametrize("copies", [1, 40])
def test_customers_who_are_all_alike_do_not_crowd_out_each_other(copies: int) -> None:
    """Ties everywhere: 50 (or 2,000) customers of the same gains; half of them find a place in the better action."""
    given_ = options([[5.0, 3.0, 1.0]] * 50 * copies, [[1.0, 0.5, 0.0]] * 50 * copies)
    found = allocate(given_, room(actions=[20 * copies, 10 * copies, INF], of=given_))
    assert np.bincount(found.picks.action).tolist() == [20 * copies, 10 * copies, 20 * copies]
    assert found.gap < 1e-3


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_no_limit_is_ever_passed(seed: int, large: bool) -> None:
    given_, limits = instance(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(by_prices, "WHOLE", -1 if large else 4_000)
        check(given_, limits, allocate(given_, limits))


def test_the_price_is_what_one_more_unit_of_budget_brings() -> None:
    given_ = options([[10.0], [6.0], [2.0]], [[2.0], [2.0], [2.0]])
    found = [allocate(given_, room(budget, of=given_)).prices.money for budget in (1.0, 3.0, 5.0, 6.0)]
    assert found == pytest.approx([5.0, 3.0, 1.0, 0.0])
