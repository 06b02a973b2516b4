"""What is quick is what is plain: the short ways of an export give what the long ones give, to the byte."""

from __future__ import annotations

import csv
import io
import random
import re
import unicodedata
from typing import Any

import pandas as pd
import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from test_export_platforms import EMAILS, NAMES, PHONES
from winback.destinations import Destinations
from winback.export import addresses, written
from winback.export.addresses import Unusable
from winback.export.destination import Destination
from winback.export.e164 import is_valid
from winback.export.known import KNOWN
from winback.export.rows import rows_of

SEED = 7
HOSTILE = (
    *(
        "",
        " ",
        "=1+1",
        "+1",
        "-2",
        "@x",
        "a\nb",
        "a\rb",
        'a"b',
        "a,b",
        "\u200bAnn",
        "Jose\u0301",
        "\x00",
        "\x1c a\x1f",
        "\ufeff",
    ),
    *(
        "\U0001f600 Ann",
        "nan",
        "None",
        "A" * 300,
        "\u00a0Ann\u2003B",
        "'=1",
        "ab" * 32,
        "李 雷",
        "\tx ",
        "0",
        "1e5",
        "é",
    ),
)


def called(make: Any, *given: str) -> str:
    """What a function answers, or why it does not."""
    try:
        return str(make(*given))
    except Unusable as error:
        return f"unusable: {error}"


def numbers(count: int) -> list[str]:
    """E.164 numbers of every country code: some that the library gives as examples, most of them changed in places."""
    draw, found = random.Random(SEED), []
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        for region in regions:
            for kind in phonenumbers.PhoneNumberType.values():
                made = phonenumbers.example_number_for_type(region, kind) if region != "001" else None
                found += [f"+{code}{phonenumbers.national_significant_number(made)}"] if made else []
        found += [f"+{code}{draw.randrange(10 ** draw.randint(3, 13))}" for _ in range(count)]
    changed = [
        text[: (at := draw.randrange(1, len(text)))] + str(draw.randrange(10)) + text[at + 1 :] for text in found
    ]
    return [*found, *changed, *(text + "1" for text in found[::7]), *(text[:-1] for text in found[::5])]


@pytest.mark.parametrize("count", [3, pytest.param(400, marks=pytest.mark.deep)])
def test_plain_numbers_are_judged_as_the_library_does(count: int):
    asked = numbers(count)
    judged = [text for text in asked if is_valid(text) is not None]
    assert len(judged) > len(asked) / 2
    assert sum(bool(is_valid(text)) for text in judged) > 200
    assert [text for text in asked if called(addresses.phone, text, "") != called(addresses._read, text, "")] == []


@pytest.mark.parametrize("where", ["", "GB", "US", "DE", "Atlantis"])
def test_numbers_as_people_write_them_are_read_as_before(where: str):
    texts = [
        *(text for text, _, _ in PHONES),
        *HOSTILE,
        "+0123456789",
        "+999123456789",
        "+4402079460018",
        "+390612345678",
    ]
    for text in texts:
        assert called(addresses.phone, text, where) == called(addresses._read, addresses.trimmed(text), where), text


@given(st.one_of(st.text(max_size=30), st.text(alphabet="".join(map(chr, range(128))), max_size=30)))
def test_blanks_of_plain_texts_are_put_in_order_as_those_of_others(text: str):
    assert addresses.trimmed(text) == addresses._BLANKS.sub(" ", unicodedata.normalize("NFC", text)).strip()


def plainly(people: pd.DataFrame, destination: Destination, job: Any) -> dict[str, list[str]]:
    """The columns of a job made value by value, as they are written down in the rules."""
    made: dict[str, list[str]] = {}
    for column in job.columns:
        values = []
        for text, where in zip(people[column.field], people["country"], strict=True):
            told = called(column.of, text, where) if text.strip() else ""
            live = destination.form == "machine" and not column.signed and re.match("[=+@-]", told)
            values.append("" if told.startswith("unusable") or live else told)
        made[column.header] = values
    return made


@pytest.mark.parametrize("to", ["google", "meta", "tiktok"])
def test_people_who_share_a_name_get_what_each_alone_would(to: str):
    draw = random.Random(SEED)
    texts = [*HOSTILE, *NAMES[:9]]
    fields = ("email", "phone", "first_name", "last_name", "city", "region", "postcode")
    pool = dict.fromkeys(fields, texts) | {"email": [*EMAILS[:20], *HOSTILE], "phone": [p[0] for p in PHONES]}
    people = pd.DataFrame({field: draw.choices(held, k=400) for field, held in pool.items()}, dtype="str")
    people = people.assign(
        country=draw.choices(["GB", "US", "", "uk", "Atlantis"], k=400), customer_id=[str(n) for n in range(400)]
    )
    destination = KNOWN[to](Destinations())
    job = destination.jobs[0]
    wanted = pd.DataFrame(plainly(people, destination, job), index=people["customer_id"])
    for header in job.together:
        wanted[header] = wanted[header].where((wanted[list(job.together)] != "").all(axis=1), "")
    made = rows_of(people, destination, job)
    assert made.rows.astype(object).equals(wanted.loc[made.rows.index].astype(object).rename_axis("id"))
    assert len(made.rows) > 100
    rejected = made.rejects.groupby("customer_id").size()
    assert rejected.sum() == len(made.rejects) > 100


@given(st.lists(st.tuples(st.text(max_size=6), st.one_of(st.none(), st.floats(), st.integers())), max_size=6))
def test_rows_are_written_as_one_by_one(rows: list[tuple[str, Any]]):
    frame = pd.DataFrame(rows, columns=["a,b", "n"])
    lines = []
    for values in [tuple(frame.columns), *frame.itertuples(index=False, name=None)]:
        text = io.StringIO()
        csv.writer(text).writerow(["" if value is None or value != value else value for value in values])  # noqa: PLR0124
        lines.append(text.getvalue().removesuffix("\r\n").encode() + b"\n")
    destination = Destination("x", "machine", ("email",), ())
    assert written.files_of("add", frame, destination) == {"add.csv": (b"".join(lines), len(rows))}
