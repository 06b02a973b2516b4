"""The command `winback`: one small file a verb, loaded when it is called."""

from __future__ import annotations

import errno
import importlib
import os
import sys
import traceback
from typing import Any, NoReturn

import click

from winback import __version__
from winback.cli import log_lines
from winback.cli.options import Named
from winback.errors import BUG, WinbackError

# Threads that wait for others should sleep: where cores are few or busy, spinning ones take the time of the working.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

VERBS = {
    "backfill": "Make up for nights of the past, in order, without launching their lists.",
    "campaigns": "List the campaigns that were launched; show one, what it can prove, and approve its actions.",
    "check": "Report what is odd about the data, and whether they are enough to learn from.",
    "completion": "Print the script that lets a shell complete winback's commands.",
    "consent": "Show whom winback may score and contact, by which way, and why not.",
    "export": "Write the list as a marketing tool takes it, for those who may be sent to it now.",
    "explain": "Explain one customer: what happened, what was measured, weighed and decided.",
    "decide": "Decide again for the published run, or see what other budgets would bring; writes nothing.",
    "doctor": "Say whether this machine and this project are fit to run, and what to do.",
    "features": "List what a model may see of a customer.",
    "forget": "Erase people from all that winback owns, with a receipt.",
    "history": "Show every attempt to run a night, and what became of it.",
    "init": "Lay down a project to start from.",
    "lift": "Show what campaigns changed, in customers and money, against those held out.",
    "metrics": "Show every retention metric, by period, cohort and part of the customers.",
    "models": "List and compare the trained models; promote one, roll back, see which was champion when.",
    "monitor": "Show whether customers, chances and outcomes are still as the model learned them.",
    "outcomes": "Hand in what came of campaigns: who was reached, who answered, what it cost.",
    "policy": "Show what decisions earned, what others would have, and what other budgets would bring.",
    "quarantine": "Show the rows that were refused and why; take them in again once they are mended.",
    "report": "Write a run as one HTML page that opens offline.",
    "run": "Do everything for one date, from raw files to a published list.",
    "score": "Score everybody a question is asked of, with reasons, without making a list.",
    "show": "Show the published run again.",
    "simulate": "Make up a shop whose causes of leaving are known.",
    "suppress": "Never contact somebody again: add to the ledger of suppressions, count and check it.",
    "tidy": "Show what is older than the project keeps it, and remove it.",
    "train": "Train a model for a question, examine it, and promote it if it passes its gates.",
    "windows": "Show after how many silent days a customer should count as gone, with evidence.",
}


# What the machine refuses: rights, a disk that is full or read-only. Any other is a bug.
NOT_OURS = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT)
MACHINE = "Look at the rights of the folder and the room on its disk, then run again; what was finished is kept."


class Verbs(Named):
    """The verbs by name; a verb's module is imported only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The verbs, sorted."""
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of a verb."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"winback.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The verbs with a line each, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(VERBS.items()))


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="winback")
@log_lines.log_option
def cli() -> None:
    """Which customers are about to leave, why, and what to do about each of them.

    Example: winback run --config configs/winback.toml --date 2017-12-31
    """


def main(args: list[str] | None = None) -> Any:
    """Run the command; winback's own errors become one message and their exit code, anything else is a bug."""
    try:
        return cli.main(args=args, prog_name="winback")
    except WinbackError as error:
        _ended(error, f"Error: {error}\n", error.exit_code)
    except Exception as error:  # noqa: BLE001 - a scheduler has to tell a bug from a refusal
        if isinstance(error, OSError) and error.errno in NOT_OURS and error.filename:
            _ended(error, f"Error: {error.filename}: {error.strerror}. {MACHINE}\n", 1)
        _ended(error, traceback.format_exc(), BUG)


def _ended(error: Exception, told: str, code: int) -> NoReturn:
    """Say what went wrong, in words or as a line for machines, and end with the code."""
    if log_lines.in_json():
        log_lines.failed(error, code)
    else:
        click.echo(told, err=True, nl=False)
    sys.exit(code)
