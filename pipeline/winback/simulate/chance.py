"""Randomness by counter: the value of a seed, a purpose, a customer and a number, whoever asks and in whatever order.

So a customer is the same in any chunk, the past is the same however far the future goes, and a decision
changes nothing but what it acts on. Words are mixed by the finalizer of SplitMix64 (Steele, Lea and Flood,
"Fast splittable pseudorandom number generators", OOPSLA 2014), once a key.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Record = TypeVar("Record")
Words = NDArray[np.uint64]
_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def taken(record: Record, rows: Ints | Flags) -> Record:
    """These rows of a dataclass of arrays of one length, and of such dataclasses."""
    columns = {
        name: value[rows] if isinstance(value, np.ndarray) else taken(value, rows)
        for name, value in vars(record).items()
    }
    return type(record)(**columns)


def uniform(seed: int, purpose: str, *keys: ArrayLike) -> Floats:
    """A number strictly between 0 and 1 for each of the broadcast whole-number keys."""
    words = np.array([_start(seed, purpose)], dtype=np.uint64)
    for key in keys:
        words = _mixed(
            words + (np.atleast_1d(np.asarray(key, dtype=np.int64)).astype(np.uint64) + np.uint64(1)) * _STEP
        )
    numbers: Floats = ((words >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
    return numbers


def normal(seed: int, purpose: str, *keys: ArrayLike) -> Floats:
    """A standard normal number for each of the keys."""
    return np.asarray(ndtri(uniform(seed, purpose, *keys)), dtype=np.float64)


def waiting(seed: int, purpose: str, *keys: ArrayLike) -> Floats:
    """An exponential number of mean 1 for each of the keys."""
    return -np.log(uniform(seed, purpose, *keys))


def hump(u: Floats, rise: float, fall: float) -> Floats:
    """A share from 0 to 1 with Kumaraswamy's distribution: much like a beta, and inverted in one line."""
    return (1 - (1 - u) ** (1 / fall)) ** (1 / rise)


def _mixed(words: Words) -> Words:
    words = (words ^ (words >> np.uint64(30))) * _FIRST
    words = (words ^ (words >> np.uint64(27))) * _SECOND
    return words ^ (words >> np.uint64(31))


@cache
def _start(seed: int, purpose: str) -> int:
    """Where the numbers of one purpose begin; another purpose has nothing to do with them."""
    return int.from_bytes(hashlib.sha256(f"{seed} {purpose}".encode()).digest()[:8], "little")
