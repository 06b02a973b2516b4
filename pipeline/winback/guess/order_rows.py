"""What a row is: an order or a line of one; what came back; which rows are none that anybody paid for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from winback.guess.glance import Column
from winback.guess.roles import Look, Role

# Words of a status that say that nobody bought anything in the end, and that goods or money went back.
NOT_BOUGHT = re.compile(
    r"(?i)(wc-)?(cancel+ed|void(ed)?|failed|abandoned|expired|rejected|declined|test"
    r"|storniert|abgebrochen|fehlgeschlagen|annul[ée]e?|[ée]chou[ée]e?|cancelad[oa]|anulad[oa]|fallid[oa]"
    r"|отмен[её]н[оа]?|отменен|аннулирован[оа]?|ошибка|已取消|取消|交易关闭|已关闭|失败)"
)
WENT_BACK = re.compile(
    r"(?i)(wc-)?(refund(ed)?|return(ed)?|chargeback|erstattet|retourniert|rembours[ée]e?|reembolsad[oa]|devuelt[oa]"
    r"|возвращ[её]н[оа]?|возврат|已退款|退款|退货)"
)
LINE_ROLES = ("quantity", "price", "product_id", "category")


@dataclass(frozen=True)
class Grain:
    """Whether a row is an order or a line, why, and the roles that must not be mapped for it to be true."""

    grain: Literal["row", "line"]
    why: str
    without: tuple[str, ...] = ()
    rules: tuple[Mapping[str, Any], ...] = ()


def grain_of(looks: Mapping[str, Look], roles: Mapping[str, Role]) -> Grain:
    """The grain that the order's number speaks for."""
    if "order_id" not in roles:
        return Grain("row", "no column numbers the orders, so each row counts as one")
    order = looks[roles["order_id"].column]
    name = order.column.name
    if order.repeated < 1.005:
        return Grain("row", f"each {name} stands in one row")
    if clash := _clash(looks, roles):
        return Grain("row", clash, ("order_id",))
    groups = _groups(order.column)
    if "amount" in roles and (whole := _of_whole_orders(looks[roles["amount"].column], order, groups)):
        return whole
    return Grain("line", f"{order.repeated:.1f} rows have one {name}: lines of one order, to be added up")


def _groups(order: Column) -> dict[str, list[int]]:
    """The places of the first rows by order, orders of several rows alone."""
    found: dict[str, list[int]] = {}
    for place, value in enumerate(order.stretch):
        if value is not None:
            found.setdefault(value, []).append(place)
    return {value: places for value, places in found.items() if len(places) > 1}


def _clash(looks: Mapping[str, Look], roles: Mapping[str, Role]) -> str:
    """Why a number cannot be an order's: its rows tell of different customers or moments."""
    order = looks[roles["order_id"].column].column
    groups = _groups(order)
    for role, what in (("customer_id", "customers"), ("ordered_at", "moments")):
        if role not in roles or not groups:
            continue
        values = looks[roles[role].column].column.stretch
        torn = sum(len({values[place] for place in places} - {None}) > 1 for places in groups.values())
        if torn > 0.02 * len(groups):
            return f"{torn:,} of {len(groups):,} numbers in {order.name} have several {what}, so it is no order's"
    return ""


def _of_whole_orders(amount: Look, order: Look, groups: Mapping[str, Sequence[int]]) -> Grain | None:
    """The grain where the amount is the order's and stands in one of its lines, or in each of them."""
    values = amount.column.stretch
    told = [[values[place] for place in places if values[place] is not None] for places in groups.values()]
    if not told:
        return None
    once = sum(len(each) <= 1 for each in told) / len(told)
    if once > 0.95 and amount.column.filled < order.column.filled:
        rule = {"column": amount.column.name, "missing": True, "then": "leave_out"}
        why = f"{amount.column.name} is the order's and stands in its first row alone; the other rows are left out"
        return Grain("row", why, LINE_ROLES, (rule,))
    same = sum(len(set(each)) == 1 and len(each) > 1 for each in told) / len(told)
    if same > 0.95:
        why = f"{amount.column.name} is the same in all rows of an order, so it is the order's and counts once"
        return Grain("row", why, LINE_ROLES)
    return None


def rules_of(looks: Mapping[str, Look], roles: Mapping[str, Role]) -> tuple[list[dict[str, Any]], list[str]]:
    """The rules that the rows ask for, each with the sentence that says why."""
    rules: list[dict[str, Any]] = []
    told: list[str] = []
    for found in (_without_customer(looks, roles), _by_status(looks, roles), _by_prefix(looks, roles)):
        rules += [rule for rule, _ in found]
        told += [why for _, why in found]
    return rules, told


Found = list[tuple[dict[str, Any], str]]


def _without_customer(looks: Mapping[str, Look], roles: Mapping[str, Role]) -> Found:
    """Rows of nobody, such as those of guests, can be counted for nobody."""
    found: Found = []
    for role in ("customer_id", "order_id"):
        if role in roles and (look := looks[roles[role].column]).column.filled < look.rows:
            name, rows = look.column.name, look.rows - look.column.filled
            rule = {"column": name, "missing": True, "then": "leave_out"}
            found.append((rule, f"{rows:,} rows ({rows / look.rows:.1%}) have no {name} and are left out"))
    return found


def _by_status(looks: Mapping[str, Look], roles: Mapping[str, Role]) -> Found:
    """Orders that were called off or paid back."""
    if "status" not in roles:
        return []
    column = looks[roles["status"].column].column
    counts = Counter(column.values)
    words = [w for w in counts if NOT_BOUGHT.fullmatch(w) or WENT_BACK.fullmatch(w)]
    if not words or len(words) == len(counts):
        return []
    listed = ", ".join(f"{word} ({counts[word] / len(column.values):.1%})" for word in words)
    rule = {"column": column.name, "equals": words, "then": "leave_out"}
    return [(rule, f"rows whose {column.name} is {listed} are left out: nothing was sold in the end")]


def _by_prefix(looks: Mapping[str, Look], roles: Mapping[str, Role]) -> Found:
    """Orders marked by a letter before their number, all of whose amounts or pieces are below zero: returns."""
    signed = [looks[roles[role].column] for role in ("quantity", "amount", "price") if role in roles]
    if "order_id" not in roles or not signed:
        return []
    order = looks[roles["order_id"].column].column
    marks = [re.match(r"[A-Za-z]+(?=\d)", value or "") for value in order.spread]
    counts = Counter(mark[0] for mark in marks if mark)
    plain = sum(1 for value, mark in zip(order.spread, marks, strict=True) if value and not mark)
    for letters, count in counts.items():
        if count < plain and _all_below(letters, marks, signed[0]):
            rule = {"column": order.name, "starts_with": letters, "then": "return"}
            share = count / len(order.values)
            return [(rule, f"{order.name} beginning with {letters} ({share:.1%}) are returns: they are below zero")]
    return []


def _all_below(letters: str, marks: Sequence[re.Match[str] | None], signed: Look) -> bool:
    values = [v for v, m in zip(signed.column.spread, marks, strict=True) if v is not None and m and m[0] == letters]
    return bool(values) and sum(value.lstrip("$€£ ").startswith("-") for value in values) > 0.95 * len(values)
