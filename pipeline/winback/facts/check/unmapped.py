"""Which features the configured sources cannot give, and what would switch them on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from winback.config import Source
from winback.facts.check.findings import Finding
from winback.facts.check.look import DERIVED, Look
from winback.facts.features.declared import Feature, builtin
from winback.facts.intake.contracts import CONTRACTS


def at_hand(sources: Mapping[str, Source]) -> frozenset[str]:
    """The tables and columns that sources give, as features ask for them: orders, orders.discount, order_products."""
    names = set(sources) | {f"{table}.{column}" for table, source in sources.items() for column in source.columns}
    names |= {table for table, (source, column) in DERIVED.items() if f"{source}.{column}" in names}
    if "orders" in sources and sources["orders"].grain == "line":
        names.add("orders.lines")
    return frozenset(names)


def check_features(sources: Mapping[str, Source]) -> Iterator[Finding]:
    """One note a table or column that is not mapped and would switch features on."""
    known = at_hand(sources)
    features = [f for f in builtin() if f.use == "risk"]
    lost: dict[tuple[str, str], list[Feature]] = defaultdict(list)
    for feature in features:
        if lacking := feature.sources - known:
            lost[_place(max(lacking, key=lambda name: ("." not in name, name)), sources)].append(feature)
    given = {f.driver for f in features if f.sources <= known}
    for (table, column), off in sorted(lost.items(), key=lambda item: (-len(item[1]), item[0])):
        yield _off((table, column), off, given, sources)


def _place(source: str, sources: Mapping[str, Source]) -> tuple[str, str]:
    """The table and column that would switch a feature on; of a table that is not mapped at all, the table."""
    table, column = DERIVED.get(source, (source.partition(".")[0], source.partition(".")[2]))
    return (table, column) if table in sources else (table, "")


def _off(
    place: tuple[str, str], features: Sequence[Feature], given: Collection[str], sources: Mapping[str, Source]
) -> Finding:
    count, drivers = len(features), sorted({f.driver for f in features})
    gone = [driver for driver in drivers if driver not in given]
    words = f"not mapped, so {count} feature{'s are' if count > 1 else ' is'} switched off ({', '.join(drivers)})"
    if gone:
        words += f"; nothing else tells of {' or '.join(gone)}"
    return Finding(*place, "note", "features_off", words, _advice(*place, features, sources), count)


def _advice(table: str, column: str, features: Sequence[Feature], sources: Mapping[str, Source]) -> str:
    """The line of configuration that would switch the features on."""
    if table not in sources:
        needed = [c.name for c in CONTRACTS[table] if c.required]
        asked = sorted({name.partition(".")[2] for f in features for name in f.sources if name.startswith(f"{table}.")})
        more = [name for name in asked if name not in (*needed, "lines")]
        also = f" and, for all of them, {', '.join(more)}" if more else ""
        return f"If there is such a table, map [sources.{table}] with {', '.join(needed)}{also}."
    if column == "lines":
        return 'If the rows of orders are lines with an order_id, set grain = "line".'
    return f'If the source tells it, map {column} = "..." in [sources.{table}.columns].'


def check_reach(look: Look, offered: Collection[Feature], log_days: int) -> Iterator[Finding]:
    """The features of a table that look further back than it does."""
    far = [f for f in offered if look.table in f.sources and f.stream.table == look.table and f.reach > log_days]
    if far:
        most = max(f.reach for f in far)
        yield Finding(
            look.told, look.moment, "note", "history_short_of_features",
            f"{len(far)} features look back further than the {log_days:,} days since the first row",
            f"They are left out until then; {most:,} days of history would give all of them.", len(far),
        )  # fmt: skip
