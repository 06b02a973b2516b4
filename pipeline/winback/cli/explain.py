"""winback explain."""

from __future__ import annotations

import json
from pathlib import Path

import click

from winback.cli.options import config_option, json_option


@click.command("explain")
@config_option
@click.option("--customer", required=True, help="The customer's id, as the sources have it.")
@click.option("--run", "run_id", help="A published run. Default: the current one.")
@json_option
def command(config_path: Path, customer: str, run_id: str | None, as_json: bool) -> None:
    """Explain one customer of a published run: events, features, score, reasons, candidates with gains, decision.

    In the project's language; every file is compared with its hash first.

    Example: winback explain --customer C0002
    """
    from winback import config, runs  # noqa: PLC0415
    from winback.cli.explain_text import Shown, print_story  # noqa: PLC0415
    from winback.cli.labels import labels  # noqa: PLC0415
    from winback.errors import RunDamaged  # noqa: PLC0415
    from winback.facts.intake.contract_tables import HAPPENED  # noqa: PLC0415
    from winback.insight.story import story  # noqa: PLC0415

    loaded = config.load(config_path)
    folder = config_path.parent / loaded.project.runs
    run = _run(folder, run_id)
    facts = config_path.parent / loaded.project.state / "facts" / runs.verify(run)["facts"]
    if not facts.is_dir():
        raise RunDamaged(
            f"the ingested tables of {run.name} are gone: they are kept for [retention] keep_facts_days = "
            f"{loaded.retention.keep_facts_days} days. Run again for its date, or keep them for longer."
        )
    told = story(run, facts, HAPPENED, customer)
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, default=lambda moment: moment.isoformat()))
        return
    project = loaded.project
    names = labels(loaded, config_path.parent, project.language)
    shown = Shown(project.language, project.time_zone, project.currency, *names)
    print_story(told, shown)


def _run(folder: Path, run_id: str | None) -> Path:
    """The folder of the run that is meant."""
    from winback import runs  # noqa: PLC0415
    from winback.errors import RunDamaged  # noqa: PLC0415

    if run_id is not None:
        known = sorted(path.parent.name for path in folder.glob("*/manifest.json") if not path.parent.is_symlink())
        if run_id not in known:
            raise RunDamaged(f"no published run in {folder} is called {run_id!r}; the newest are {known[-3:]}.")
        return folder / run_id
    if (current := runs.current(folder)) is None:
        raise RunDamaged(f"nothing is published in {folder} yet; `winback run --date YYYY-MM-DD` does it.")
    return current
