"""A simulated shop as files: tables to be read as any shop's, configuration, and apart from both the truth."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from winback import store
from winback.errors import ConfigError
from winback.simulate import papers, truth
from winback.simulate.actions import IDS, NOTHING, Deeds, numbers_of
from winback.simulate.chance import taken
from winback.simulate.habits import dates
from winback.simulate.rows import names, words
from winback.simulate.shop import Shop, customers_by, date_of, day_of, shop_of
from winback.simulate.world import World, as_of, chunks, made, tables_of, world

Say = Callable[[int, int], None]
LEFT_ALONE = ("", "none", "leave_alone")


def write(shop: Shop, folder: Path, cutoffs: Sequence[dt.date] = (), ending: str = "parquet") -> dict[str, int]:
    """How many rows of each table were written to an empty folder, with winback.toml and the truth beside them.

    `truth/` tells the chance of no order at each of `cutoffs` (by default only the day after the log),
    and what each action would do on that last day.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder} is not an empty folder; a simulated shop is written to a new one.")
    asked = [day_of(shop, cutoff) for cutoff in cutoffs]
    if wrong := [cutoff for cutoff, day in zip(cutoffs, asked, strict=True) if not 0 < day <= shop.days]:
        last = date_of(shop, shop.days)
        raise ConfigError(f"cutoffs lie after {shop.start} and up to {last}; came {len(wrong)} others: {wrong[0]}.")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "winback.toml").write_text(papers.configuration(shop, ending), "utf-8")
    (folder / "actions.toml").write_text(papers.catalogue(), "utf-8")
    return _write_span(world(shop), folder, (0, ending), asked)


def go_on(folder: Path, days: int, decisions: Sequence[tuple[str, str]] = ()) -> dict[str, int]:
    """How many rows were added by so many days more, after what was decided on the first of them.

    `decisions`: customer_id and action; no action, or leave_alone, does nothing. Everything written before
    stays as it is; new files lie beside it. Equal decisions in an equal shop give equal rows, and who is
    not decided about has the very future he would have had.
    """
    told = _told(folder)
    shop, until = shop_of(told["shop"]), int(told["until"])
    if days < 1:
        raise ConfigError(f"a shop goes on by at least 1 day; came {days}.")
    done = _joined(_done_before(folder, shop), _deeds(shop, until, decisions))
    counts = _write_span(world(shop, until + days, done), folder, (until, told["ending"]), [])
    if "outcomes" in counts:
        _configure_outcomes(folder / "winback.toml", told["ending"])
    return counts


def _configure_outcomes(path: Path, ending: str) -> None:
    """Outcomes are read from the first contact on: a source without rows would be called a fault."""
    text = path.read_text("utf-8")
    if "[sources.outcomes]" not in text:
        path.write_text(f"{text}{papers.source('outcomes', ending)}\n", "utf-8")


def read_decisions(path: Path) -> list[tuple[str, str]]:
    """customer_id and action of each row of a Parquet or CSV file, such as a run's decisions.parquet."""
    try:
        table = store.read_table(path) if path.suffix == ".parquet" else pa_csv.read_csv(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise ConfigError(f"{path} cannot be read as a Parquet or CSV file: {error}") from error
    if lacking := {"customer_id", "action"} - set(table.column_names):
        raise ConfigError(f"{path} has the columns {table.column_names} but needs {sorted(lacking)} too.")
    customers, actions = (table[name].cast(pa.string()).to_pylist() for name in ("customer_id", "action"))
    return [(customer, action or "") for customer, action in zip(customers, actions, strict=True)]


def _write_span(w: World, folder: Path, span: tuple[int, str], cutoffs: Sequence[int]) -> dict[str, int]:
    """The rows of a span of days and the truth at its end, customers by customers."""
    since, ending = span
    hidden = folder / "truth"
    horizon = papers.horizon_of(w.shop)
    counts: dict[str, int] = {}
    with contextlib.ExitStack() as stack:
        writers: dict[Path, Any] = {}

        def add(path: Path, table: pa.Table) -> None:
            if path not in writers:
                writers[path] = stack.enter_context(_writer(path, table.schema))
            writers[path].write_table(table)

        for who in chunks(w):
            some = made(w, who)
            for name, table in tables_of(some, since).items():
                add(folder / name / f"day-{since:04}.{ending}", table)
                counts[name] = counts.get(name, 0) + table.num_rows
            add(hidden / "customers.parquet", truth.customers(some))
            for cutoff in dict.fromkeys([*cutoffs, w.until]):
                then = some if cutoff == w.until else made(as_of(w, cutoff), who)
                add(hidden / "cutoffs" / f"day-{cutoff:04}.parquet", truth.at_cutoff(then, horizon))
            add(hidden / "stays" / f"day-{w.until:04}.parquet", truth.stays(w, some.people, horizon))
    store.write_table(hidden / "effects.parquet", truth.effects_table())
    store.write_table(hidden / "done.parquet", _done_table(w))
    store.write_json(hidden / "shop.json", {"shop": w.shop.as_dict(), "until": w.until, "ending": ending})
    return counts


@contextlib.contextmanager
def _writer(path: Path, schema: pa.Schema) -> Iterator[Any]:
    """A Parquet or CSV file that grows by tables and is whole or absent."""
    with store.whole_file(path) as temporary:
        made = pa_csv.CSVWriter if path.suffix == ".csv" else pq.ParquetWriter
        with made(temporary, schema) as writer:
            yield writer


def _told(folder: Path) -> dict[str, Any]:
    path = folder / "truth" / "shop.json"
    if not path.is_file():
        raise ConfigError(f"{folder} holds no simulated shop: there is no {path}. `winback simulate DIR` makes one.")
    told: dict[str, Any] = store.read_json(path)
    return told


def _done_table(w: World) -> pa.Table:
    """One row a contact made so far."""
    day = pa.array(dates(w.shop, w.done.day))
    return pa.table({"customer_id": names("c", w.done.who), "day": day, "action": words(IDS, w.done.action)})


def _done_before(folder: Path, shop: Shop) -> Deeds:
    table = store.read_table(folder / "truth" / "done.parquet")
    if not table.num_rows:
        return NOTHING
    who = np.array([int(name[1:]) for name in table["customer_id"].to_pylist()])
    day = np.array([day_of(shop, day) for day in table["day"].to_pylist()])
    return Deeds(who, day, numbers_of(table["action"].to_pylist()))


def _deeds(shop: Shop, day: int, decisions: Sequence[tuple[str, str]]) -> Deeds:
    """The decisions that do something, by number; ConfigError for customers and actions that are not known."""
    acting = [(customer, action) for customer, action in decisions if action not in LEFT_ALONE]
    known = {f"c{n:07}": n for n in range(customers_by(shop, day))}
    if strangers := [customer for customer, _ in acting if customer not in known]:
        raise ConfigError(f"{len(strangers)} customers are not of this shop (first: {strangers[:3]}).")
    if len({customer for customer, _ in acting}) < len(acting):
        raise ConfigError(f"one action a customer expected; {len(acting)} rows repeat some of them.")
    who = np.array([known[customer] for customer, _ in acting], dtype=np.int64)
    return Deeds(who, np.full(len(acting), day), numbers_of([action for _, action in acting]))


def _joined(before: Deeds, now: Deeds) -> Deeds:
    now = taken(now, np.argsort(now.who, kind="stable"))
    parts = ((before.who, now.who), (before.day, now.day), (before.action, now.action))
    return Deeds(*(np.concatenate(part) for part in parts))
