"""Numbers as people write them: an example in the configuration tells how, and nothing else is taken."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winback import store
from winback.config import Rule, Source, Sources
from winback.errors import ConfigError
from winback.facts.intake.ingest import ingest
from winback.facts.intake.number_format import Written, plain, written

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("example", "signs"),
    [
        ("1234.56", Written("", "", ".", "")),
        ("1,234.56", Written("", ",", ".", "")),
        ("1.234,56", Written("", ".", ",", "")),
        ("1 234,56", Written("", " ", ",", "")),
        ("1\u202f234,56 €", Written("", "\u202f", ",", "€")),
        ("1'234.56", Written("", "'", ".", "")),
        ("$1,234.56", Written("$", ",", ".", "")),
        ("CHF 1'234.56", Written("CHF", "'", ".", "")),
        ("1234,56 руб.", Written("", "", ",", "руб.")),
    ],
)
def test_an_example_tells_the_signs(example: str, signs: Written):
    assert written(example) == signs


@pytest.mark.parametrize("example", ["", "1.234.56", "1,234,56", "12,34", "#.##0,00", "1234", "-1.234,56"])
def test_another_text_is_refused(example: str):
    with pytest.raises(ConfigError) as refused:
        written(example)
    assert str(refused.value) == (
        f"number_format = {example!r} is not understood; write 1234.56 as the file would, "
        'such as "1.234,56", "1 234,56", "1,234.56" or "$1,234.56"'
    )


def read(example: str, text: str) -> str | None:
    with store.connect() as con:
        (row,) = con.execute(f"SELECT {plain('t', written(example))} FROM (SELECT ? AS t)", [text]).fetchall()
    return row[0]


@pytest.mark.parametrize(
    ("example", "text", "number"),
    [
        ("1.234,56", "12,5", "12.5"),
        ("1.234,56", "1.234.567,89", "1234567.89"),
        ("1.234,56", "1234,5", "1234.5"),
        ("1.234,56", "-7", "-7"),
        ("1.234,56", "12.50", None),  # as plain text it would be twelve and a half; in this file it is an error
        ("1.234,56", "1.23,4", None),
        ("1.234,56 €", "9,90 €", "9.90"),
        ("1.234,56 €", "9,90€", "9.90"),
        ("1.234,56 €", "9,90", "9.90"),
        ("1.234,56 €", "9,90 $", None),
        ("$1,234.56", "-$5.00", "-5.00"),
        ("$1,234.56", "$-5.00", "-5.00"),
        ("$1,234.56", "€5.00", None),
        ("1 234,56", "1 234 567,8", "1234567.8"),
        ("1,234.56", "12,34", None),
        ("1,234.56", "5.", "5."),
    ],
)
def test_only_what_is_written_so_is_a_number(example: str, text: str, number: str | None):
    assert read(example, text) == (number or f"not written so: {text}")


@given(
    cents=st.integers(-(10**9), 10**9),
    group=st.sampled_from(["", ".", " ", "'", "\u202f"]),
    after=st.sampled_from(["", " €"]),
)
def test_what_is_written_by_the_example_is_read_back(cents: int, group: str, after: str):
    text = f"{cents / 100:,.2f}".replace(".", "#").replace(",", group).replace("#", ",") + after
    assert read(f"1{group}234,56{after}", text) == f"{cents / 100:.2f}"


def test_a_run_reads_such_a_file(tmp_path: Path):
    """A number of another writing costs its own row; a rule about numbers sees numbers; constants stay."""
    lines = [
        "kunde;datum;menge;preis",
        "a;1.2.2026;2;1.000,50",
        "b;2.2.2026;1;7.5",
        "c;3.2.2026;1;-3,00",
        "d;4.2.2026;-1,5;4,00",
    ]
    (tmp_path / "o.csv").write_text("\n".join(lines) + "\n", "utf-8")
    source = Source(
        path="o.csv",
        delimiter=";",
        date_format="%d.%m.%Y",
        number_format="1.234,56",
        columns={"customer_id": "kunde", "ordered_at": "datum", "amount": {"product": ("menge", "preis", 0.5)}},
        rules=(Rule(column="menge", below=-1.0, then="leave_out"),),
        max_bad_share=0.5,
    )
    (count,) = ingest(Sources(orders=source), tmp_path, tmp_path / "out", "UTC", NOW)
    assert (count.accepted, count.quarantined, count.left_out) == (2, 1, {"menge is below -1": 1})
    orders = pq.read_table(tmp_path / "out" / "orders.parquet").to_pylist()
    assert {row["customer_id"]: row["amount_cents"] for row in orders} == {"a": 100050, "c": -150}
    (bad,) = pq.read_table(tmp_path / "out" / "quarantine.parquet").to_pylist()
    assert (bad["line"], bad["reason"]) == (3, "bad_amount")
