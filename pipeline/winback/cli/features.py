"""winback features."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from winback.cli.options import json_option


@click.command("features")
@json_option
def command(as_json: bool) -> None:
    """List what a model may see of a customer: name, driver, unit and meaning, by the source it needs.

    Example: winback features
    """
    from winback.facts.declared import builtin  # noqa: PLC0415

    if as_json:
        click.echo(json.dumps([asdict(f) for f in builtin()]))
        return
    for feature in builtin():
        words = f"{feature.driver:<11} {feature.label} ({feature.unit})"
        click.echo(f"{feature.name:<28} {feature.source:<17} {words}")
