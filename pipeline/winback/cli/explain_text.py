"""What `winback explain` prints: one customer, from events to decision."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from winback.campaigns.words import CAUSES, CHANNELS, DECIMAL, LEAVE_ALONE, Language
from winback.cli.explain_words import STAGES, TABLES, WORDS
from winback.cli.screen import plain_table

LEFT_ALONE = "leave_alone"


@dataclass(frozen=True)
class Shown:
    """How a story is shown: language, clock, currency, and what people read of features and actions, by name."""

    language: Language
    zone: str
    currency: str
    features: dict[str, str]
    actions: dict[str, str]

    def say(self, word: str, **values: object) -> str:
        """One of the words, with its values put in."""
        return WORDS[self.language][word].format(currency=self.currency, **values)

    def number(self, value: Any, form: str = ",.2f") -> str:
        """A number as the language writes it."""
        if value is None:
            return self.say("unknown")
        text = format(value, form)
        return text.replace(",", "\u00a0").replace(".", ",") if DECIMAL[self.language] == "," else text


def print_story(told: dict[str, Any], shown: Shown) -> None:
    """Print a story: title, then its six steps in order, then the score of every run."""
    console = Console(highlight=False)
    title = shown.say("title", customer=told["customer_id"], today=told["today"], run=told["run_id"])
    console.print(Text(f"\n{title}\n", style="bold"))
    for part in (_events, _features, _score, _reasons, _candidates, _decision):
        for line in part(told, shown):
            console.print(line)
        console.print()
    console.print(Text(shown.say("history"), style="bold"))
    print_history(told["history"], shown)


def print_history(rows: list[dict[str, Any]], shown: Shown) -> None:
    """Print a line a run: the score, and what moved it since the run before."""
    for row in rows:
        click.echo(_scored(row, shown))


def _scored(row: dict[str, Any], shown: Shown) -> str:
    stage = STAGES[shown.language].get(row["stage"], row["stage"])
    line = f"{row['date']}  {shown.number(row['probability'], '6.1%')}  {stage:<8}"
    if row["change"] is None:
        return line.rstrip()
    moved = [f"{driver} {shown.number(100 * by, '+.1f')}" for driver, by in list(row["drivers"].items())[:3]]
    since = shown.say("since", change=shown.number(100 * row["change"], "+.1f"))
    return f"{line}  {since}" + (f": {', '.join(moved)}" if moved else "")


def _events(told: dict[str, Any], shown: Shown) -> Iterator[Table | Text]:
    names = TABLES[shown.language]
    table = plain_table(shown.say("events"), shown.say("when"), shown.say("what"))
    table.columns[1].justify, table.columns[1].no_wrap = "left", False
    for event in told["events"]["newest"]:
        what = [f"{n}={_short(value, shown)}" for n, value in event["what"].items() if value not in {None, ""}]
        name = names.get(event["table"], event["table"])
        at = event["at"].astimezone(ZoneInfo(shown.zone))
        table.add_row(f"{at:%Y-%m-%d %H:%M}", Text(f"{name}: {', '.join(what)}"))
    counts = [f"{names.get(name, name)} {count:,}" for name, count in told["events"]["count"].items()]
    yield table
    yield Text(shown.say("counted", counts=", ".join(counts)) if counts else shown.say("none"), style="dim")


def _short(value: Any, shown: Shown) -> str:
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int | float):
        return shown.number(value, "g" if float(value).is_integer() else ".2f")
    return f"{value.astimezone(ZoneInfo(shown.zone)):%Y-%m-%d}"


def _features(told: dict[str, Any], shown: Shown) -> Iterator[Table]:
    table = plain_table(shown.say("features"), *(shown.say(word) for word in ("feature", "value", "peers")))
    for row in told["reasons"]:
        if row["feature"]:
            values = (shown.number(row[name], ",.4g") for name in ("value", "peers"))
            table.add_row(Text(shown.features.get(row["feature"], row["feature"])), *values)
    yield table


def _score(told: dict[str, Any], shown: Shown) -> Iterator[Text]:
    score = told["score"]
    chance = shown.say(
        "chance",
        probability=shown.number(score["probability"], ".1%"),
        base=shown.number(score["base_rate"], ".1%"),
        stage=STAGES[shown.language].get(score["stage"], score["stage"]),
        model=score["model_version"],
    )
    yield Text(shown.say("score"), style="bold")
    yield Text(f"{chance}{shown.say('at_risk' if score['at_risk'] else 'not_at_risk')}")


def _reasons(told: dict[str, Any], shown: Shown) -> Iterator[Table]:
    table = plain_table(shown.say("reasons"), shown.say("reason"), shown.say("points"))
    table.columns[0].no_wrap = False
    table.add_row(shown.say("start"), shown.number(100 * told["score"]["base_rate"], ".1f"))
    for row in told["reasons"]:
        text = row["sentence"] or shown.features.get(row["feature"] or "", "") or row["driver"]
        rest = row["driver"] == "rest"
        table.add_row(Text(shown.say("rest") if rest else text), shown.number(100 * row["points"], "+.1f"))
    table.add_row(shown.say("total"), shown.number(100 * told["score"]["probability"], ".1f"), style="bold")
    yield table


def _candidates(told: dict[str, Any], shown: Shown) -> Iterator[Table | Text]:
    if not told["candidates"]:
        yield Text(shown.say("candidates"), style="bold")
        yield Text(shown.say("not_kept" if told["candidates"] is None else "no_candidates"))
        return
    words = ("action", "channel", "kept", "cost", "gain", "against")
    table = plain_table(shown.say("candidates"), *(shown.say(word) for word in words))
    for column in (1, 5):
        table.columns[column].justify = "left"
    table.columns[5].no_wrap = False
    for row in told["candidates"]:
        numbers = (
            shown.number(row["chance_kept"], ".1%"),
            *map(shown.number, (row["expected_cost"], row["expected_net_gain"])),
        )
        against = (CAUSES[shown.language] | WORDS[shown.language] | {"": ""})[row["stands_against"]]
        table.add_row(Text(_action(row["action"], shown)), _channel(row["channel"], shown), *numbers, Text(against))
    yield table


def _decision(told: dict[str, Any], shown: Shown) -> Iterator[Text]:
    made, arm = told["decision"], told["assignment"]
    yield Text(shown.say("decision"), style="bold")
    if made["action"] == LEFT_ALONE:
        yield Text(LEAVE_ALONE[shown.language].format(CAUSES[shown.language][made["cause"]]))
        if made["would_have_done"] != LEFT_ALONE:
            yield Text(shown.say("would", action=_action(made["would_have_done"], shown)))
    else:
        cost, gain = (shown.number(made[name]) for name in ("expected_cost", "expected_net_gain"))
        channel = _channel(made["channel"], shown)
        yield Text(shown.say("act", action=_action(made["action"], shown), channel=channel, cost=cost, gain=gain))
    if made.get("needs_approval"):
        yield Text(shown.say("approval"))
    yield Text(shown.say("stake", stake=shown.number(made["margin_at_stake"])))
    said = [shown.say(arm["arm"])]
    said += [shown.say(f"by_{arm['held_by']}")] if arm.get("held_by") else []
    if arm.get("stratum"):
        said.append(shown.say("propensity", propensity=shown.number(arm["propensity"], ".1%"), stratum=arm["stratum"]))
    yield Text("; ".join(said))


def _action(name: str, shown: Shown) -> str:
    return shown.actions.get(name, name)


def _channel(name: str, shown: Shown) -> str:
    return CHANNELS[shown.language].get(name, name)
