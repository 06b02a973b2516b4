"""The pages of docs/: commands that can be typed, settings that can be read, links and modules that are there."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from test_layers import MODULES
from winback.cli import cli
from winback.config import Config
from winback.facts.features.declared import declare
from winback.offers.catalogue import load_catalogue
from winback.toml_files import parse

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
HOWTOS = sorted((DOCS / "howto").glob("*.md"))
ORDERS = {"path": "orders.csv", "columns": {"customer_id": "a", "ordered_at": "b", "amount": "c"}}


def blocks(page: Path, *languages: str) -> list[str]:
    """The blocks of code of a page in one of the languages."""
    found = re.findall(r"(?ms)^```(\w*)\n(.*?)^```", page.read_text("utf-8"))
    return [text for language, text in found if language in languages]


def commands(page: Path) -> list[str]:
    """Every command of winback in a page's blocks, whole, without what follows in a pipe or a comment."""
    lines = "\n".join(blocks(page, "", "sh", "bash", "console")).replace("\\\n", " ").splitlines()
    told = [re.split(r"\s(?:#|\||>|&&)(?:\s|$)", line.strip().removeprefix("$ "))[0] for line in lines]
    return [line for line in told if re.match(r"winback [a-z]", line)]


def refuse_unknown(command: str) -> None:
    """click's own error for a command that cannot be typed so; nothing is run."""
    parent = click.Context(cli, info_name="winback")
    group, words = cli, shlex.split(command)[1:]
    while isinstance(group, click.Group) and words and group.get_command(parent, words[0]) is not None:
        group, words = group.get_command(parent, words[0]), words[1:]
    if isinstance(group, click.Group) and words and not words[0].startswith("-"):
        raise click.UsageError(f"No such command {words[0]!r}.")
    group.make_context("winback", words, parent=parent, resilient_parsing=False)


@pytest.mark.parametrize(
    "page", [*PAGES, DOCS.parent / "README.md"], ids=lambda page: page.parent.name + "/" + page.name
)
def test_every_command_can_be_typed(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for command in commands(page):
        for named in re.findall(r"--file (\S+)|(\S+\.csv)", command):
            Path("".join(named)).touch()
        try:
            refuse_unknown(command)
        except click.UsageError as error:
            pytest.fail(f"{command}: {error.format_message()}")


@pytest.mark.parametrize(
    "command", ["winback run", "winback run --date x", "winback nothing", "winback lift --nothing"]
)
def test_a_command_that_cannot_be_typed_is_seen(command: str) -> None:
    with pytest.raises(click.UsageError):
        refuse_unknown(command)


@pytest.mark.parametrize("page", HOWTOS, ids=lambda page: page.parent.name + "/" + page.name)
def test_every_setting_of_a_howto_can_be_read(page: Path, tmp_path: Path) -> None:
    """Each block is a part of a project, a declared feature or a catalogue."""
    assert commands(page) or blocks(page, "python")
    for text in blocks(page, "toml"):
        values = tomllib.loads(text)
        if "feature" in values:
            assert declare(values["feature"], page.name)
        elif "actions" in values:
            (tmp_path / "actions.toml").write_text(text, "utf-8")
            assert load_catalogue(tmp_path / "actions.toml", (), ("service", "satisfaction"), ())
        else:
            sources = {"orders": ORDERS} | values.get("sources", {})
            parse(Config, values | {"sources": sources}, page.name)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name + "/" + page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for place in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", re.sub(r"(?s)```.*?```", "", page.read_text("utf-8"))):
        assert "://" in place or (page.parent / place).exists(), place


def test_the_index_names_every_page() -> None:
    """Those of reference/ by the folder's own line."""
    index = (DOCS / "README.md").read_text("utf-8")
    named = {(DOCS / place).resolve() for place in re.findall(r"\]\(([^)#]+)\)", index)}
    assert {page for page in PAGES if page.resolve() not in named} == {DOCS / "README.md"}


def test_the_theory_names_modules_that_are_there() -> None:
    named = set(re.findall(r"`(winback(?:\.\w+)+)`", (DOCS / "theory.md").read_text("utf-8")))
    assert len(named) > 15
    assert named - set(MODULES) == set()


def test_the_architecture_names_every_part() -> None:
    """Every folder and every module, but for those of FOLDERS, which it describes as a whole."""
    page = (DOCS / "architecture.md").read_text("utf-8")
    words = set(re.findall(r"\w+", page.split("## The way of the data")[0]))
    named = [module.removeprefix("winback.") for module in MODULES if module != "winback"]
    told = [module for module in named if not module.startswith(FOLDERS)]
    assert len(told) > 150
    assert [module for module in told if not set(module.split(".")) <= words] == []


# Folders that are described as a whole, and modules of a kind that it names: contract_*, a destination each.
FOLDERS = (
    *("cli.", "insight.metrics.", "insight.report.", "prove.", "spark.", "facts.intake.contract_"),
    *(f"export.{name}" for name in ("google", "hubspot", "klaviyo", "mailchimp", "meta", "tiktok")),
)
