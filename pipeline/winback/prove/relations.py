"""Changes of a history that must not be seen in the features at a cutoff, in any bit."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from winback.prove.history import History, Row, known_from
from winback.prove.making import Edges
from winback.prove.random_history import random_history

MICROSECOND = dt.timedelta(microseconds=1)
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Turn:
    """What a relation may use: the cutoff nothing may be seen at, chance, the edges of the features."""

    cutoff: dt.date
    chance: random.Random
    edges: Edges

    def another(self, like: History, customers: str) -> History:
        """A further random history on the calendar of this one, around a month after the cutoff."""
        asked = replace(like, cutoffs=(self.cutoff + 40 * DAY,))
        return random_history(self.chance.randrange(10**6), self.edges, customers, asked)


Relation = Callable[[History, Turn], History]


def truncated(history: History, turn: Turn) -> History:
    """All that happened or was recorded at or after the cutoff is gone."""
    return history.without(history.midnight(turn.cutoff))


def continued(history: History, turn: Turn) -> History:
    """Others come and the same go on: rows that happen, or are recorded, at or after the cutoff."""
    midnight = history.midnight(turn.cutoff)
    more = turn.another(history, "0-").plus(turn.another(history, "new"))
    late = more.changed(lambda name, rows: tuple(r for r in rows if known_from(name, r) >= midnight))
    return history.plus(_with_other_ids(late, "more"))


def _with_other_ids(history: History, prefix: str) -> History:
    """The history with orders of other names, so that none of them is one that was there."""

    def renamed(_: str, rows: tuple[Row, ...]) -> tuple[Row, ...]:
        return tuple(r | {"order_id": f"{prefix} {r['order_id']}"} if "order_id" in r else r for r in rows)

    return history.changed(renamed)


def on_the_instant(history: History, turn: Turn) -> History:
    """Every customer does everything at the very instant of the cutoff."""
    return _with_copies(history, turn, happened=history.midnight(turn.cutoff))


def recorded_late(history: History, turn: Turn) -> History:
    """Every customer did everything just before the cutoff and long ago, which was recorded on the cutoff."""
    midnight = history.midnight(turn.cutoff)
    now = _with_copies(history, turn, happened=midnight - MICROSECOND)
    return _with_copies(now, turn, happened=midnight - turn.chance.choice([3, 100, 600]) * DAY)


def delivered_again(history: History, turn: Turn) -> History:
    """Every row comes a second time, on the cutoff or after it."""
    midnight = history.midnight(turn.cutoff)
    late = midnight + turn.chance.choice([dt.timedelta(0), MICROSECOND, 9 * DAY])
    again = history.changed(lambda _, rows: tuple(_known_later(row, late) for row in rows))
    return history.plus(_with_other_ids(again, "again"))


def _with_copies(history: History, turn: Turn, happened: dt.datetime) -> History:
    """The history with a row of each kind of every customer, which nobody knew before the cutoff."""
    midnight, pattern = history.midnight(turn.cutoff), _one_of_each(history, turn)
    customers = history.customers()

    def added(name: str, rows: tuple[Row, ...]) -> tuple[Row, ...]:
        moved = [_known_later(_moved(row, happened), midnight) for row in pattern.tables[name][:1]]
        return rows + tuple(row | {"customer_id": who} | _id(row, who, happened) for row in moved for who in customers)

    return history.changed(added)


def _one_of_each(history: History, turn: Turn) -> History:
    """A history that has at least one row in each table, with words that nobody else uses."""
    found = turn.another(history, "x")
    while not all(found.tables.values()):
        found = found.plus(turn.another(history, "x"))
    return found.changed(lambda _, rows: tuple(row | _caviar(row) for row in rows))


def _caviar(row: Row) -> Row:
    return {column: "caviar" for column in ("category", "product_id") if column in row}


def _id(row: Row, who: str, happened: dt.datetime) -> Row:
    return {"order_id": f"{happened} {who}"} if "order_id" in row else {}


def _moved(row: Row, happened: dt.datetime) -> Row:
    """A row that happened at another moment, the later moments in it as far from it as they were."""
    moment = next(name for name in row if name.endswith("_at") and name not in LATER)
    shift = happened - row[moment]
    return row | {name: row[name] + shift for name in (moment, "resolved_at", "ended_at") if row.get(name)}


LATER = ("recorded_at", "resolved_at", "resolved_recorded_at", "csat_recorded_at", "ended_at", "ended_recorded_at")


def _known_later(row: Row, instant: dt.datetime) -> Row:
    """A row that was recorded at an instant, all of it."""
    recorded = [name for name in row if name.endswith("recorded_at")]
    return row | {name: instant for name in recorded if row[name] is not None}


def shuffled(history: History, turn: Turn) -> History:
    """The rows lie in another order."""
    return history.shuffled(turn.chance)


def relabelled(history: History, turn: Turn) -> tuple[History, dict[str, str]]:
    """Customers have other names, whose order is another."""
    names = history.customers()
    strange = [f"{turn.chance.choice(STRANGE)}{number}" for number in range(len(names))]
    others = dict(zip(names, turn.chance.sample(strange, len(names)), strict=True))
    return history.renamed(others), others


STRANGE = ["x", "'; --", "Ω", "名", "\u202e", " ", "%s", "{}", '"', "🙂", "NULL", "0"]
UNSEEN: dict[str, Relation] = {
    "truncate": truncated,
    "append the future": continued,
    "at the very cutoff": on_the_instant,
    "delivered again": delivered_again,
    "recorded late": recorded_late,
    "shuffle": shuffled,
}
