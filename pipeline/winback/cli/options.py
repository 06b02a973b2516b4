"""Options that several verbs share."""

from __future__ import annotations

import datetime as dt
import difflib
from pathlib import Path
from typing import Any

import click

PLACES = ("winback.toml", "configs/winback.toml")


def _default_config() -> str:
    return next((place for place in PLACES if Path(place).is_file()), PLACES[0])


config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    default=_default_config,
    show_default="winback.toml, else configs/winback.toml",
    help="The project's configuration.",
)
spec_option = click.option("--spec", help="Another question than the project's: a spec's file, or a shipped name.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object, for schedulers.")


class Named(click.Group):
    """A group of commands that names the nearest one where there is none of that name."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first word names, or a usage error with the nearest name."""
        known = self.list_commands(ctx)
        if args and args[0] not in known and not args[0].startswith("-") and not ctx.resilient_parsing:
            near = difflib.get_close_matches(args[0], known, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known)}."
            raise click.UsageError(f"No such command {args[0]!r}. {hint}", ctx)
        return super().resolve_command(ctx, args)


class Day(click.ParamType):  # type: ignore[type-arg]
    """A date written YYYY-MM-DD."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.date:
        """The date, or a usage error."""
        if isinstance(value, dt.date):
            return value
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a date; write one such as 2017-12-31", param, ctx)


class Pair(click.ParamType):  # type: ignore[type-arg]
    """A column of the contract and of the file, written happened_at=Sent."""

    name = "name=column"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Both names, or a usage error."""
        if isinstance(value, tuple):
            return value
        name, sign, column = str(value).partition("=")
        if not (name and sign and column):
            self.fail(f"{value!r} names no two columns; write for example happened_at=Sent", param, ctx)
        return name, column
