"""The input usability report: what a person should know of the data before a model learns from them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from winback import store
from winback.config import Source, Sources
from winback.facts.check.amounts import check_amounts
from winback.facts.check.clock import check_clock
from winback.facts.check.findings import SEVERITIES, Finding, frame
from winback.facts.check.ids import check_buyers, check_ids, check_people, check_signed_up, check_strangers
from winback.facts.check.known import check_known
from winback.facts.check.look import DERIVED, Look, opened
from winback.facts.check.rhythm import rhythm_of
from winback.facts.check.rows import check_rows
from winback.facts.check.unmapped import at_hand, check_features, check_reach
from winback.facts.check.volume import check_volume
from winback.facts.check.words import check_kinds, check_payments, check_words
from winback.facts.days import US_PER_DAY, begins, microseconds
from winback.facts.features.declared import Feature, available, builtin
from winback.facts.intake.contracts import TABLES
from winback.facts.intake.ingest import Accounting


def usability(
    facts: Path,
    when: tuple[str, dt.date],
    accounting: Sequence[Accounting] = (),
    sources: Sources | None = None,
) -> pd.DataFrame:
    """One row a finding: table, column, severity, code, finding, advice, count, share.

    Looks through the tables in the folder `facts` as they were known when the day `when[1]` began in the
    zone `when[0]`. Where the row counts of the ingest or the configured sources are not at hand, nothing
    is said of them. Only words of kinds (categories, channels, plans, ...) that
    several customers share are ever shown, never an id, an address or a name.
    """
    given = sources.given() if sources else {}
    offered = available(at_hand(given))
    found = [*_of_sources(facts, accounting, given)]
    with opened(facts, given, *when) as looks:
        for look in looks.values():
            found += _of_table(look, looks)
            found += _of_reach(look, offered)
    if given:
        found += check_features(given)
    return frame(sorted(found, key=_place))


def tolerant(sources: Sources) -> Sources:
    """The sources with every limit on refused rows lifted, so that all that is wrong can be told at once."""
    lifted = {table: replace(source, max_bad_share=1.0) for table, source in sources.given().items()}
    return replace(sources, **lifted)


def _place(finding: Finding) -> tuple[int, int]:
    """Tables in the order of the contracts, the gravest of each first."""
    tables = list(TABLES)
    at = tables.index(finding.table) if finding.table in tables else len(tables)
    return at, SEVERITIES.index(finding.severity)


def _of_sources(facts: Path, accounting: Sequence[Accounting], given: Mapping[str, Source]) -> Iterator[Finding]:
    """What became of the rows of each source."""
    path = facts / "quarantine.parquet"
    bad = store.read_table(path).select(["table", "file", "line", "reason"]).to_pandas() if path.exists() else None
    for count in accounting:
        if count.table in given and bad is not None:
            yield from check_rows(count, given[count.table], bad[bad["table"] == count.table])


def _of_table(look: Look, looks: Mapping[str, Look]) -> Iterator[Finding]:
    """All that can be said of one table."""
    if look.table in DERIVED:
        yield from check_words(look)
        return
    if not look.rows:
        if look.later:
            yield Finding(
                look.table, look.moment, "error", "all_later",
                f"all {look.later:,} rows happened or became known on {look.today} or after",
                "Ask with a later --date, or look whether the dates are right.", look.later, 1.0,
            )  # fmt: skip
        return
    rhythm = rhythm_of(look)
    yield from check_clock(look, rhythm)
    yield from check_volume(look, rhythm)
    yield from check_known(look)
    yield from check_ids(look)
    base = "orders" if "orders" in looks else "subscriptions"
    if base in looks and looks[base].rows:
        yield from check_strangers(look, base)
    if look.table == "orders":
        yield from check_buyers(look)
        yield from check_amounts(look)
    elif look.table == "events":
        yield from check_kinds(look, _kinds_asked_for())
    elif look.table == "payments":
        yield from check_payments(look)
    elif look.table == "customers":
        yield from check_people(look)
        if "orders" in looks:
            yield from check_signed_up(look)
    yield from check_words(look)


def _of_reach(look: Look, offered: Collection[Feature]) -> Iterator[Finding]:
    """The offered features that look back further than the table does."""
    if look.rows:
        first = look.one(f"SELECT min(at_us) AS us FROM {look.table}")["us"]  # noqa: S608 - a contract's name
        days = (microseconds(begins(look.today, look.zone)) - first) // US_PER_DAY
        yield from check_reach(look, offered, days)


def _kinds_asked_for() -> set[str]:
    """The kinds of events that declared features name."""
    return {str(kind) for f in builtin() if f.table == "events" for kind in f.where.get("kind", ())}
