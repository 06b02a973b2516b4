"""A catalogue as tables that people read: the part of docs/actions.md that is never written by hand."""

from __future__ import annotations

from collections.abc import Sequence

from winback.offers.action import STAGES, Action, Condition

BEGIN, END = "<!-- actions: begin -->", "<!-- actions: end -->"
_HEAD = "| id | answers | for whom | channels and cost | gives | keeps | limits |\n|---|---|---|---|---|---|---|"
_NAMES = "| id | English | Russian | Chinese |\n|---|---|---|---|"


def actions_page(actions: Sequence[Action]) -> str:
    """The part of docs/actions.md between BEGIN and END: one table a family, then all names by language."""
    families = sorted({action.family for action in actions if action.per_customer})
    parts = [f"## {family.replace('_', ' ').capitalize()}\n\n{_table(actions, family)}" for family in families]
    brand = [action for action in actions if not action.per_customer]
    if brand:
        listed = "\n".join(f"- `{action.id}`: {action.name['en']}. {action.message['en']}" for action in brand)
        parts.append(f"## For the brand as a whole, never decided on for one customer\n\n{listed}\n")
    names = [f"| {a.id} | {a.name['en']} | {a.name['ru']} | {a.name['zh']} |" for a in actions]
    return "\n".join([*parts, "## Names\n", _NAMES, *names, ""])


def _table(actions: Sequence[Action], family: str) -> str:
    return "\n".join([_HEAD, *(_row(a) for a in actions if a.per_customer and a.family == family), ""])


def _row(action: Action) -> str:
    cells = (
        action.id,
        ", ".join(action.drivers),
        _for_whom(action),
        ", ".join(f"{channel} {action.contact_cost_by(channel):.2f}" for channel in action.channels),
        _gives(action),
        f"{action.save_rate:.0%} (of {action.save_rate_strength:g})",
        _limits(action),
    )
    return f"| {' | '.join(cells)} |"


def _for_whom(action: Action) -> str:
    """Stages, shortened where it is most of them, and conditions."""
    lacking = [stage for stage in STAGES if stage not in action.stages]
    stages = ", ".join(action.stages) if len(lacking) > 2 else f"all but {' and '.join(lacking)}" if lacking else "all"
    return "; ".join([stages, *(in_words(condition) for condition in action.only_if)])


def in_words(condition: Condition) -> str:
    """A condition as a short phrase.

    >>> in_words(Condition(feature="orders_90d", at_least=3, below=9))
    'orders_90d from 3 to below 9'
    """
    low, high = condition.at_least, condition.below
    if low is not None and high is not None:
        return f"{condition.feature} from {low:g} to below {high:g}"
    if low is not None:
        return f"{condition.feature} at least {low:g}"
    return f"{condition.feature} {f'below {high:g}' if high is not None else f'is {condition.equals}'}"


def _gives(action: Action) -> str:
    """The incentive and how many of those who stay take it."""
    if not action.monetary:
        return "nothing"
    share = action.incentive_basis == "basket_share"
    gift = f"{action.incentive_cost:.0%} of a basket" if share else f"{action.incentive_cost:.2f}"
    return f"{gift}, taken by {action.accept_rate:.0%}"


def _limits(action: Action) -> str:
    told = [
        f"{action.capacity} a run" if action.capacity is not None else "",
        f"{action.cooldown_days} days after a contact" if action.cooldown_days else "",
        f"{action.max_repeats} a year" if action.max_repeats is not None else "",
        "needs approval" if action.needs_approval else "",
    ]
    return "; ".join(filter(None, told))
