"""The model card: a page about one model for those who decide on its use, made from its card's values alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Card = dict[str, Any]
Interval = dict[str, float | None]
# How each figure is called and written, and what would be perfect.
FIGURES = {
    "auc": ("AUC", "number", "1; chance: 0.5"),
    "average_precision": ("average precision", "number", "1; chance: the share that left"),
    "log_loss": ("log loss", "number", "0"),
    "brier": ("Brier score", "number", "0"),
    "churned": ("share that left", "share", ""),
    "mean_predicted": ("mean chance", "share", "the share that left"),
    "off": ("mean chance less share that left", "share", "0 %"),
    "calibration_slope": ("calibration slope", "number", "1; below: too sure"),
    "calibration_intercept": ("calibration intercept", "number", "0; above: too few feared"),
    "calibration_error": ("calibration error, ten equal bins", "share", "0 %, never reached"),
    "top_decile_lift": ("lift of the riskiest tenth", "number", ""),
    "lift_quality": ("lift quality", "whole", "100; chance: 0"),
    "expected_profit": ("expected maximum profit a customer", "number", ""),
    "profit": ("maximum profit a customer", "number", ""),
}
OF_CUTOFFS = ("auc", "log_loss", "churned", "mean_predicted", "calibration_slope", "calibration_error", "lift_quality")
OF_SLICES = ("auc", "churned", "mean_predicted", "calibration_slope")
MEANS = {
    "A": "surely better than the best single rule and than a logistic regression, and calibrated",
    "B": "surely better than the best single rule and calibrated, but a logistic regression would do as well",
    "C": "better than the best single rule, but perhaps by luck, or not calibrated: its order can be used, "
    "its chances cannot",
    "D": "no better than a single rule: use the rule",
}

ENTERED = {
    "exclude": "were left out",
    "controls": "were left out, and those held out stand for them",
    "model": "count with the outcome that they would have had untreated",
    "ignore": "were taken as if nobody had treated them",
}


def card_markdown(card: Card) -> str:
    """The page. A card may also hold `made_from` (hashes of what went in) and `sha256` (of the model's file)."""
    told = card["examination"]
    parts = (
        _title(card),
        _question(card),
        _data(card),
        _figures(told),
        _peers(told),
        _slices(told),
        _reach(told),
        _limits(card),
        _use(card),
        _reproduce(card),
    )
    return "\n\n".join(parts) + "\n"


def _title(card: Card) -> str:
    verdict = card["examination"]["grade"]
    return (
        f"# Model card: {card['spec']['name']}\n\n"
        f"**Grade {verdict['letter']}**: {MEANS[verdict['letter']]}.\n\n"
        f"Better than the best single rule: {verdict['beats_rule']}. Better than a logistic regression on the same "
        f"features: {verdict['beats_logistic']}. Calibrated: {'yes' if verdict['calibrated'] else 'no'}."
    )


def _question(card: Card) -> str:
    spec = card["spec"]
    active, out = spec["active_days"], spec["leave_out"]
    asked = f"customers who bought in the {active} days before" if active else "all customers who ever bought"
    hidden = f" Left out on purpose: {', '.join(out)}." if out else ""
    return (
        "## What it answers\n\n"
        f"The chance that a customer buys nothing in the {spec['horizon_days']} days from a date. Asked of {asked}.\n\n"
        f"It reads what was recorded before that date.{hidden} Estimator: {_plain(spec['estimator'])}."
    )


def _data(card: Card) -> str:
    told = card["examination"]
    after = ", ".join(card["examined_after"])
    return (
        "## Data\n\n"
        f"Examined on {told['pooled']['rows']:,} rows of {told['customers']:,} customers, of which "
        f"{told['pooled']['left']:,} left, at {', '.join(c['cutoff'] for c in told['cutoffs'])}, by a model that "
        f"had learned from {after}. The model in use learned from all {card['rows']:,} rows, up to {card['today']}; "
        f"{_share(card['reference']['base_rate'])} is where its reasons start."
    )


def _figures(told: Card) -> str:
    pooled = [(text, _between(told["pooled"][name], how), best) for name, (text, how, best) in FIGURES.items()]
    columns = [(FIGURES[name][0], FIGURES[name][1]) for name in OF_CUTOFFS]
    cutoffs = [
        (c["cutoff"], f"{c['rows']:,}", *(_between(c[name], FIGURES[name][1]) for name in OF_CUTOFFS))
        for c in told["cutoffs"]
    ]
    drawn, campaign = told["interval"], told["campaign"]
    return (
        "## Figures on dates it had not seen\n\n"
        f"In brackets {_share(drawn['level'], 0)} intervals from {drawn['samples']:,} samples of customers, each with "
        f"all their rows. All cutoffs together:\n\n{_table(('figure', 'found', 'best'), pooled)}\n\n"
        f"Profits are for a customer worth {campaign['clv']:g}, an incentive of {campaign['incentive_cost']:g}, a "
        f"contact of {campaign['contact_cost']:g}, and an acceptance of Beta({campaign['alpha']:g}, "
        f"{campaign['beta']:g}).\n\n{_table(('cutoff', 'customers', *(text for text, _ in columns)), cutoffs)}"
    )


def _peers(told: Card) -> str:
    rows = [("**this model**", _between(told["mean_auc"], "number"), "")]
    rows += [(p["peer"], _between(p["auc"], "number"), _between(p["auc_gain"], "signed")) for p in told["peers"]]
    return (
        "## Against what is simpler\n\nMean of the cutoffs' own AUCs; the gain is taken in the same samples.\n\n"
        + _table(("who", "mean AUC", "this model is better by"), rows)
    )


def _slices(told: Card) -> str:
    rows = [
        (s["column"], s["part"], f"{s['rows']:,}", *(_between(s[n], FIGURES[n][1]) for n in OF_SLICES))
        for s in told["slices"]
    ]
    names = [FIGURES[n][0] for n in OF_SLICES]
    small = [f"{s['column']} {s['part']} ({s['rows']:,} rows, {s['left']:,} left)" for s in told["too_small"]]
    table = _table(("by", "part", "rows", *names), rows) if rows else "No part is large enough to be told of."
    return f"## Parts of the customers\n\n{table}\n\nToo small to be told of: {'; '.join(small) or 'none'}."


def _reach(told: Card) -> str:
    rows = [
        (
            _share(t["threshold"], 0),
            f"{t['listed']:,}",
            *(_between(t[name], "share") for name in ("caught", "disturbed", "precision")),
            _number(t["contacts_per_leaver"]["value"], "number"),
            *_warning(t["lead_time"]),
        )
        for t in told["thresholds"]
        if t["listed"]
    ]
    tenths = [
        (str(d["decile"]), f"{d['customers']:,}", _number(d["lift"], "number"), _share(d["gained"]))
        for d in told["deciles"]
    ]
    head = (
        "chance from", "listed", "of leavers caught", "of stayers disturbed", "of the list leaves",
        "contacts a leaver", "of lapses warned of in time", "days of warning, median",
    )  # fmt: skip
    return (
        "## Whom a list would reach\n\n"
        f"{_table(head, rows)}\n\n{_table(('tenth', 'customers', 'lift', 'of leavers so far'), tenths)}"
    )


def _warning(lead: Card | None) -> tuple[str, str]:
    if lead is None:
        return "", ""
    return _between(lead["in_time"], "share"), _between(lead["days"], "whole")


def _limits(card: Card) -> str:
    told = card["examination"]
    said = [
        "A chance is no cause, and a reason is what the model went by, not what moved the customer.",
        "It holds for customers, seasons and a shop like those it was examined on; figures of one year say nothing "
        "of another kind of year.",
        "It cannot tell a pause from a farewell before the horizon is over.",
        "It tells what becomes of customers whom no campaign of ours treats. " + campaigns_words(card.get("campaigns")),
    ]
    weak = [f"{s['column']} {s['part']}" for s in told["slices"] if (s["auc"]["low"] or 0) <= 0.5]
    far = [f"{s['column']} {s['part']}" for s in told["slices"] if _surely_off(s["off"])]
    said += [f"It does not surely tell leavers from stayers among: {', '.join(weak)}."] if weak else []
    said += [f"Its mean chance is surely off among: {', '.join(far)}."] if far else []
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in said)


def campaigns_words(told: Card | None) -> str:
    """How customers whom our own campaigns treated entered the model, and what the naive way would have told."""
    if told is None:
        return "No campaign had treated a customer of any row that it learned from."
    how = f"Of {told['rows']:,} rows {told['treated']:,} are of customers whom a campaign treated: they "
    how += ENTERED[told["mode"]]
    if told["mode"] == "model":
        how += f" ({told['drawn_anew']:,} of them another one; {told['left_out']:,} left out, not measured yet)"
    seen, this, naive = told["seen"], told["this"], told["naive"]
    return (
        f"{how}. Of {seen['rows']:,} examined rows that nobody treated {_share(seen['all'])} left: it tells "
        f"{_share(this['all'])} (AUC {_number(this['auc'], 'number')}); with the treated as they were, "
        f"{_share(naive['all'])} (AUC {_number(naive['auc'], 'number')}). Of the riskiest tenth "
        f"{_share(seen['riskiest'])} left: told {_share(this['riskiest'])}, and {_share(naive['riskiest'])}."
    )


def _surely_off(off: Interval) -> bool:
    low, high = off["low"], off["high"]
    return low is not None and high is not None and (low > 0 or high < 0)


def _use(card: Card) -> str:
    days = card["spec"]["horizon_days"]
    return (
        "## How to use it\n\n"
        "- Rank customers by their chance, and choose the threshold in the table above by what a contact costs.\n"
        "- Keep a random part of the list uncontacted: only that shows what contacting changes.\n"
        f"- Compare chances with outcomes once {days} days have passed; train again when they part.\n"
        "- Do not use it to refuse service, set prices of single customers, or judge people."
    )


def _reproduce(card: Card) -> str:
    drawn = card["examination"]["interval"]
    lines = [f"Intervals: {drawn['samples']:,} samples, seed {drawn['seed']}. Gates: {_plain(card['spec']['gates'])}."]
    if "sha256" in card:
        lines.append(f"Model file: SHA-256 `{card['sha256']}`.")
    for name, value in sorted(_leaves(card.get("made_from", {}))):
        lines.append(f"{name}: `{value}`.")
    return "## Making it again\n\n" + "\n".join(f"- {line}" for line in lines)


def _leaves(values: Any, name: str = "") -> Iterable[tuple[str, str]]:
    """The plain values of nested ones, each with the names on the way to it."""
    if isinstance(values, dict):
        for key, value in values.items():
            yield from _leaves(value, f"{name} {key}".strip())
    else:
        yield name, str(values)


def _plain(values: Card) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', '/') for cell in line)} |" for line in lines)


def _between(found: Interval, how: str) -> str:
    """A figure and its interval."""
    if found["value"] is None:
        return "unknown"
    return f"{_number(found['value'], how)} [{_number(found['low'], how)}, {_number(found['high'], how)}]"


def _number(value: float | None, how: str) -> str:
    if value is None:
        return "unknown"
    return _share(value) if how == "share" else format(value, {"number": ".3f", "signed": "+.3f", "whole": ".0f"}[how])


def _share(value: float, digits: int = 1) -> str:
    return f"{round(100 * value, digits) + 0.0:.{digits}f} %"  # + 0.0: no minus before a nought
