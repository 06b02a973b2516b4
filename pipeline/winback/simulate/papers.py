"""The configuration and the catalogue of a simulated shop: what `winback run` needs to work on it at once."""

from __future__ import annotations

import datetime as dt

from winback.simulate.actions import ACTIONS, Action
from winback.simulate.shop import Shop

COLUMNS: dict[str, tuple[str, ...]] = {
    "orders": ("order_id", "ordered_at", "amount", "discount", "quantity", "category", "channel", "product_id"),
    "events": ("occurred_at", "kind", "value"),
    "tickets": ("ticket_id", "opened_at", "resolved_at", "topic", "csat"),
    "surveys": ("answered_at", "kind", "score"),
    "payments": ("payment_id", "attempted_at", "status", "amount", "decline_code", "card_expires"),
    "customers": ("signed_up_at", "country", "language"),
    "contacts": ("contacted_at", "campaign", "channel"),
    "subscriptions": (
        "subscription_id",
        "started_at",
        "ended_at",
        "plan",
        "price",
        "period",
        "auto_renew",
        "cancel_reason",
    ),
    "outcomes": ("campaign", "happened_at", "kind", "value"),
}
YEAR_AGO = 397  # days of log after which the same weeks of a year ago have been seen
LONG = 520  # days of log that allow a horizon of 60 days and cutoffs to learn from


def horizon_of(shop: Shop) -> int:
    """The days of silence this shop's configuration counts as leaving: longer than any pause, if the log allows."""
    return 60 if shop.days >= LONG else 28


def configuration(shop: Shop, ending: str) -> str:
    """winback.toml."""
    lines = [
        "# A simulated shop. What is true of it lies in truth/; no run reads that.",
        f"#   winback run --config winback.toml --date {shop.start + dt.timedelta(days=shop.days)}",
        "",
        "[project]",
        'currency = "EUR"',
        f'time_zone = "{shop.time_zone}"',
    ]
    lines += [source(table, ending) for table in COLUMNS if shop.keeps(table) and table != "outcomes"]
    lines += ["", "[model]", f"horizon_days = {horizon_of(shop)}", "active_days = 90", ""]
    if shop.days - YEAR_AGO > 2.5 * horizon_of(shop):
        lines += ["[cutoffs]", f"first = {shop.start + dt.timedelta(days=YEAR_AGO)}", ""]
    lines += ["[offers]", 'catalogue = "actions.toml"', "at_risk_probability = 0.4", ""]
    return "\n".join([*lines, "[consent]", "kept_elsewhere = true", ""])


def source(table: str, ending: str) -> str:
    """The section of winback.toml that reads one table."""
    mapped = ", ".join(f'{c} = "{c}"' for c in ("customer_id", *COLUMNS[table], "recorded_at"))
    grain = 'grain = "line"\n' if table == "orders" else ""
    return f'\n[sources.{table}]\npath = "{table}/*.{ending}"\n{grain}columns = {{ {mapped} }}'


def catalogue() -> str:
    """actions.toml: every action with the same guess of what it does, which is to be learned."""
    about = (
        "# What may be done in the simulated shop. Every save_rate is the same guess; truth/effects.parquet knows.\n"
    )
    return about + "\n".join(_action(action) for action in ACTIONS)


def _action(action: Action) -> str:
    contact, incentive = action.costs
    drivers = ", ".join(f'"{driver}"' for driver in action.drivers)
    name = action.id.replace("_", " ")
    lines = [
        "[[actions]]",
        f'id = "{action.id}"',
        f'name = "{name[0].upper()}{name[1:]}"',
        f'message = "Made up: {name}."',
        f'family = "{action.family}"',
        f"drivers = [{drivers}]",
        f'channels = ["{action.channel}"]',
        f"contact_cost = {contact}",
        *([f"incentive_cost = {incentive}", f"accept_rate = {action.accepts}"] if incentive else []),
        "save_rate = 0.1",
        "cooldown_days = 28",
        "",
    ]
    return "\n".join(lines)
