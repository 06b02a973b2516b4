"""Hold-outs: the same answer for ever, whoever else is there."""

import hashlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback.campaigns.assign import held_out

KEY = "winback hold-out 1"
IDS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), unique=True, max_size=30)


def ids(count: int) -> pd.Series:
    return pd.Series([f"C{number}" for number in range(count)], dtype="str")


def test_who_is_held_out_never_changes() -> None:
    """Golden: if these change, customers of running campaigns change sides."""
    held = np.flatnonzero(held_out(ids(1000), 0.05, KEY)).tolist()
    assert held == [
        *(1, 11, 14, 21, 70, 86, 135, 149, 215, 316, 321, 347, 362, 366, 387, 395, 416, 432, 444, 473),
        *(479, 488, 491, 544, 552, 554, 587, 589, 593, 607, 638, 669, 677, 691, 700, 702, 722, 774, 790),
        *(792, 842, 848, 862, 867, 868, 878, 911, 917, 948, 962, 968, 970, 990),
    ]


@pytest.mark.parametrize(
    ("customer_id", "place"),
    [
        ("1", 0.6970764309294887),
        ("0", 0.2445848103834237),
        ("42", 0.47887475593186923),
        ("C000017", 0.7213670401091817),
        ("anna@example.org", 0.8038707573205311),
        ("\u00c5lesund", 0.3905949818648713),
        ("\u5ba2\u6237", 0.3078887214439736),
        ("", 0.0056786073653486745),
        (" 1", 0.7544728937108804),
        ("O'Neil", 0.09651843236948066),
        ("=1", 0.6495143628733743),
    ],
)
def test_a_place_is_the_keyed_hash_of_the_id_as_a_share_of_the_largest_hash(customer_id: str, place: float) -> None:
    """Another program can repeat it: BLAKE2b of 8 bytes, big-endian, keyed with the SHA-512 of the key."""
    key = hashlib.sha512(KEY.encode()).digest()
    digest = hashlib.blake2b(customer_id.encode(), key=key, digest_size=8).digest()
    assert int.from_bytes(digest, "big") / 2**64 == pytest.approx(place, abs=1e-15)
    series = pd.Series([customer_id], dtype="str")
    assert not held_out(series, place - 1e-12, KEY)[0]
    assert held_out(series, place + 1e-12, KEY)[0]


@given(IDS, st.floats(0, 1), st.randoms(use_true_random=False))
def test_order_and_company_do_not_matter(names: list[str], share: float, random) -> None:
    whole = dict(zip(names, held_out(pd.Series(names, dtype="str"), share, KEY), strict=True))
    shuffled = random.sample(names, random.randint(0, len(names)))
    assert held_out(pd.Series(shuffled, dtype="str"), share, KEY).tolist() == [whole[n] for n in shuffled]


@given(IDS, st.floats(0, 1), st.floats(0, 1))
def test_whoever_is_held_out_at_a_share_is_so_at_every_larger_one(names: list[str], a: float, b: float) -> None:
    small, large = sorted([a, b])
    series = pd.Series(names, dtype="str")
    assert not (held_out(series, small, KEY) & ~held_out(series, large, KEY)).any()


def test_share_zero_holds_nobody_and_share_one_everybody() -> None:
    assert not held_out(ids(5000), 0.0, KEY).any()
    assert held_out(ids(5000), 1.0, KEY).all()


def test_another_key_draws_independently() -> None:
    first, second = held_out(ids(40_000), 0.5, KEY), held_out(ids(40_000), 0.5, KEY + "!")
    assert abs((first & second).mean() - 0.25) < 0.01
    assert abs(first.mean() - 0.5) < 0.01


def test_a_key_may_be_any_text() -> None:
    assert held_out(ids(100), 0.5, "ключ" * 100).any()


def test_the_share_is_kept_within_a_tenth_of_a_point_at_a_million_ids() -> None:
    assert abs(held_out(ids(1_000_000), 0.1, KEY).mean() - 0.1) < 0.001


def test_places_are_uniform() -> None:
    """Chi-square over ten equal bins of 50,000 ids; 27.9 is passed by one key in a thousand."""
    series = ids(50_000)
    counts = np.diff([int(held_out(series, tenth / 10, KEY).sum()) for tenth in range(11)])
    assert ((counts - 5000) ** 2 / 5000).sum() < 27.9


def test_index_is_kept_so_that_the_answer_can_be_assigned() -> None:
    series = pd.Series(["b", "a"], index=[7, 3], dtype="str")
    assert held_out(series, 0.5, KEY).index.tolist() == [7, 3]


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_outside_0_to_1_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match=f"share must be between 0 and 1, and is {share}"):
        held_out(ids(1), share, KEY)


def test_a_missing_id_is_refused() -> None:
    with pytest.raises(ValueError, match="every customer needs an id; 1 have none"):
        held_out(pd.Series(["a", None], dtype="str"), 0.5, KEY)
