"""How much processor time an export of a million people takes, by part.

    python benchmarks/export.py [PEOPLE] [DESTINATION]

Each has an address, a number (two thirds as E.164, the rest as people write them), a name and a postcode, in five
countries. Parts: making the rows, and writing them as files. Nothing is written to a disk.
"""

from __future__ import annotations

import resource
import sys
import time

import numpy as np
import pandas as pd

from winback.destinations import Destinations
from winback.export.known import KNOWN
from winback.export.rows import rows_of
from winback.export.written import files_of

# Country, country code, how a number goes on, and how it is written at home.
PLACES = (
    ("DE", "+49171", "0171 "),
    ("GB", "+447911", "07911 "),
    ("FR", "+33612", "06 12 "),
    ("IN", "+919876", "09876 "),
)
US = ("US", "+1212555", "(212) 555-")
DIGITS = {"DE": 7, "GB": 6, "FR": 6, "IN": 6, "US": 4}
FIRST = ("Anna", "José", "Анна", "李雷", "Mary Ann", "O'Neil", "Zoë", "Jean-Luc")


def people(count: int, seed: int = 1) -> pd.DataFrame:
    """People of five countries with everything that a destination may ask for."""
    chance = np.random.default_rng(seed)
    places = (*PLACES, US)
    where = chance.integers(0, len(places), count)
    tails = chance.integers(0, 10**7, count)
    plain = chance.random(count) < 2 / 3
    numbers = [
        f"{places[w][1 if p else 2]}{t % 10 ** DIGITS[places[w][0]]:0{DIGITS[places[w][0]]}}"
        for w, t, p in zip(where.tolist(), tails.tolist(), plain.tolist(), strict=True)
    ]
    texts = {
        "customer_id": [f"c{n:07}" for n in range(count)],
        "email": [f"user.{n}+x@{'gmail.com' if n % 3 else 'Example.org'}" for n in range(count)],
        "phone": numbers,
        "first_name": [FIRST[n] for n in chance.integers(0, len(FIRST), count)],
        "last_name": [f"Miller {n}" for n in chance.integers(0, 20_000, count)],
        "country": [places[w][0] for w in where],
        "language": ["en"] * count,
        "city": [f"Town {n}" for n in chance.integers(0, 5_000, count)],
        "region": ["CA"] * count,
        "postcode": [f"{n:05}" for n in chance.integers(0, 90_000, count)],
        "action": ["voucher"] * count,
        "channel": ["email"] * count,
    }
    return pd.DataFrame(texts, dtype="str")


def main(count: int, to: str) -> None:
    """Print the seconds of processor time of each part, and the most memory."""
    whom, destination = people(count), KNOWN[to](Destinations())
    begun = time.process_time()
    made = rows_of(whom, destination, destination.jobs[0])
    rows = time.process_time()
    files = files_of("add", made.rows, destination)
    written = time.process_time()
    size = sum(len(held) for held, _ in files.values())
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"{count:,} people to {to}: rows {rows - begun:.1f} s, files {written - rows:.1f} s of processor time; "
        f"{len(made.rows):,} sent, {len(made.rejects):,} values not, {size / 1e6:.0f} MB, {most:.1f} GB at most"
    )


if __name__ == "__main__":
    words = sys.argv[1:]
    main(int(words[0]) if words else 1_000_000, words[1] if words[1:] else "google")
