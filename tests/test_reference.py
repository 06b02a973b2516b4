"""docs/reference/: each page is what the code says, and leaves nothing out."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Annotated, Literal

import pytest
from pydantic import Field

from winback import errors


@pytest.fixture(scope="module")
def generate(tree: Path) -> ModuleType:
    """docs/generate.py."""
    made = importlib.util.spec_from_file_location("generate", tree / "docs" / "generate.py")
    module = importlib.util.module_from_spec(made)
    sys.modules["generate"] = module
    made.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pages(generate: ModuleType) -> dict[str, str]:
    return generate.pages()


def cells(page: str) -> list[list[str]]:
    """The cells of all rows of a page's tables, but for the heads."""
    lines = re.findall(r"(?m)^\| `.*\|$", page)
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


@pytest.mark.parametrize("name", ["cli.md", "config.md", "features.md", "tables.md", "errors.md"])
def test_the_page_is_what_the_code_says(tree: Path, pages: dict[str, str], name: str) -> None:
    """Where this fails: python docs/generate.py"""
    assert (tree / "docs" / "reference" / name).read_text("utf-8") == pages[name]


def test_there_is_no_other_page(tree: Path, pages: dict[str, str]) -> None:
    assert {path.name for path in (tree / "docs" / "reference").glob("*.md")} == set(pages)


def test_every_key_is_explained(pages: dict[str, str]) -> None:
    """By a sentence of its class, and numbers by what they count."""
    keys = cells(pages["config.md"])
    assert len(keys) > 150
    assert [key[0] for key in keys if not key[5]] == []
    numbers = [key for key in keys if re.match(r"(whole )?number", key[1])]
    assert [key[0] for key in numbers if not key[2]] == []


def test_every_option_and_command_is_explained(pages: dict[str, str]) -> None:
    assert [option[0] for option in cells(pages["cli.md"]) if not option[3]] == []
    parts = pages["cli.md"].split("\n## ")[1:]
    assert [part.split("\n")[0] for part in parts if "\n\nExample" not in part] == []


def test_every_error_is_told(pages: dict[str, str]) -> None:
    named = [kind.__name__ for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert [row[0].strip("`") for row in cells(pages["errors.md"])] == named


@pytest.mark.parametrize(
    ("hint", "told", "bounds"),
    [
        (Annotated[int, Field(ge=1, le=12)], "whole number", "1 to 12"),
        (Annotated[float, Field(gt=0)] | None, "number", "above 0"),
        (Annotated[str, Field(pattern="^[A-Z]{2}$")], "text", "`^[A-Z]{2}$`"),
        (tuple[Literal["a", "b"], ...], "list of `a`, `b`", ""),
        (dict[str, float] | float, "table of number or number", ""),
    ],
)
def test_types_and_bounds_are_told_in_words(generate: ModuleType, hint: object, told: str, bounds: str) -> None:
    assert generate.told_type(hint) == told
    assert generate.bounds(hint) == bounds


def test_a_key_that_no_sentence_names_is_seen(generate: ModuleType) -> None:
    class Said:
        """Some limits.

        `first`, `second`: how many
        there are. `max_..._index`: how far off. `third` is told within a sentence.
        """

    told = {name: generate.sentence(Said, name) for name in ("first", "second", "max_score_index", "third", "fourth")}
    assert told == {
        "first": "How many there are.",
        "second": "How many there are.",
        "max_score_index": "How far off.",
        "third": "`third` is told within a sentence.",
        "fourth": "",
    }
