"""Which module may know which, and which may do what. Each rule is shown to catch a planted violation."""

from __future__ import annotations

import ast
import importlib.metadata
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import winback

PACKAGE = Path(winback.__file__).parent
GROUND = {"errors", "toml_files", "limits", "config", "store"}
# A layer, and the layers it may import besides itself. `winback` is the package's own __init__.
LAYERS = {
    "winback": {"errors"},
    "errors": set(),
    "toml_files": {"errors"},
    "limits": {"toml_files"},
    "destinations": {"toml_files"},
    "config": {"errors", "limits", "toml_files", "destinations"},
    "store": {"errors"},
    "people_text": {"store"},
    "runs": GROUND,
    "attempts": GROUND | {"runs"},
    "facts": GROUND | {"runs"},
    "prove": GROUND | {"facts"},
    "guess": GROUND | {"runs", "facts", "risk"},
    "doctor": GROUND | {"runs", "facts", "risk"},
    "risk": GROUND | {"runs", "facts"},
    "offers": GROUND,
    "campaigns": GROUND | {"people_text"},
    "export": GROUND | {"runs", "people_text", "destinations"},
    "effects": GROUND,
    "learn": GROUND,
    "insight": GROUND | {"runs"},
    "simulate": GROUND,
    "consent": GROUND | {"facts", "runs"},
    "spark": GROUND | {"facts", "risk"},
}
# What joins layers: each knows all layers and those named before it.
for _part in (
    *("jobs", "permitting", "valuing", "measuring", "training", "weighing", "deciding", "making", "nightly"),
    *("answering", "tidying", "attempting", "back_filling", "api"),
):
    LAYERS[_part] = LAYERS.keys() - {"winback"}
LAYERS["cli"] = LAYERS.keys() - {"winback"}
# The folders of `risk`: each knows those before it.
RISK = ("asking", "scoring", "examining", "watching", "learning", "keeping")
# A library, and the only modules that may import it.
OWNERS = {
    "duckdb": {"winback.store"},
    "mlflow": {"winback.risk.keeping.registry"},
    "pyspark": {f"winback.spark.{module}" for module in ("features", "scores", "session", "tables")},
    **{name: set() for name in ("pickle", "cloudpickle", "dill", "marshal", "shelve")},
    "joblib.load": set(),
    "pipeline": set(),  # the source root; through it the package would exist twice
}
HEAVY = {"duckdb", "joblib", "mlflow", "numpy", "pandas", "pyarrow", "pyspark", "scipy", "sklearn", "skops", "woodelf"}
CLOCKS = {"now", "utcnow", "today", "time", "time_ns"}
CLOCK_HOLDERS = {"datetime", "date", "time", "Timestamp"}
Modules = dict[str, ast.Module]
Rule = Callable[[str, ast.Module], Iterator[str]]


def layer(module: str) -> str:
    """`winback.risk.scoring.score` is of the layer `risk`."""
    return module.split(".")[1] if "." in module else module


def nodes(tree: ast.AST, *, lazily: bool = True, typed: bool = False) -> Iterator[ast.AST]:
    """A module's nodes; without `lazily` those that run at its import, with `typed` also those never run."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and dotted(node.test).endswith("TYPE_CHECKING") and not typed:
            continue
        yield node
        if lazily or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from nodes(node, lazily=lazily, typed=typed)


def imported(tree: ast.Module, *, lazily: bool = True, typed: bool = False) -> Iterator[tuple[str, int]]:
    """Everything a module imports, `from a import b` as `a.b`, with its line."""
    for node in nodes(tree, lazily=lazily, typed=typed):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            yield from ((f"{origin}.{alias.name}", node.lineno) for alias in node.names)


def within(name: str, root: str) -> bool:
    """Whether `name` is `root` or lies in it."""
    return f"{name}.".startswith(f"{root}.")


def upward(module: str, tree: ast.Module) -> Iterator[str]:
    """Imports of a layer that this one does not know."""
    own = layer(module)
    known = LAYERS.get(own)
    if known is None:
        yield f"{module}: {own!r} has no place in LAYERS; give it one"
        return
    for name, line in imported(tree, typed=True):
        if name.startswith("."):
            yield f"{module}:{line} imports {name}; write it from the root, winback..."
        elif within(name, "winback") and name != "winback.__version__" and layer(name) not in known | {own}:
            yield f"{module}:{line} imports {name}; {own} knows only {sorted(known) or 'nothing'}"


def backward(module: str, tree: ast.Module) -> Iterator[str]:
    """Imports of a later folder of `risk` by an earlier one."""
    _, _, rest = module.partition("winback.risk.")
    folder = rest.partition(".")[0]
    later = RISK[RISK.index(folder) + 1 :] if folder in RISK else ()
    for name, line in imported(tree, typed=True):
        if any(within(name, f"winback.risk.{other}") for other in later):
            yield f"{module}:{line} imports {name}; {folder} comes before it"


def foreign(module: str, tree: ast.Module) -> Iterator[str]:
    """Imports of a library that belongs to another module, or to none."""
    for name, line in imported(tree):
        for root, owners in OWNERS.items():
            if within(name, root) and module not in owners:
                yield f"{module}:{line} imports {name}; only {sorted(owners) or 'nobody'} may"


def calls(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Every dotted name that is called, with its line; what is not a name counts as `?`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield dotted(node.func), node.lineno


def dotted(node: ast.expr) -> str:
    """`a.b.c` of an expression."""
    if isinstance(node, ast.Name):
        return node.id
    return f"{dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else "?"


def unpickled(module: str, tree: ast.Module) -> Iterator[str]:
    """Calls that run code found in a file."""
    for name, line in calls(tree):
        if name in ("joblib.load", "pd.read_pickle", "pandas.read_pickle", "eval", "exec"):
            yield f"{module}:{line} calls {name}; a file must not bring code along"


def prints(module: str, tree: ast.Module) -> Iterator[str]:
    """Output and exits outside the command line."""
    if layer(module) == "cli":
        return
    for name, line in calls(tree):
        last = name.rsplit(".", 1)[-1]
        if last in ("print", "pprint", "echo", "secho") or name in ("sys.exit", "exit", "quit", "SystemExit"):
            yield f"{module}:{line} calls {name}; only cli speaks and exits"


def clocks(module: str, tree: ast.Module) -> Iterator[str]:
    """Looks at the clock outside the command line; what a stage does depends on its arguments alone."""
    if layer(module) == "cli":
        return
    for name, line in calls(tree):
        holder, _, last = name.rpartition(".")
        if last in CLOCKS and holder.rsplit(".", 1)[-1] in CLOCK_HOLDERS:
            yield f"{module}:{line} calls {name}; time is an argument"


RULES: list[Rule] = [upward, backward, foreign, unpickled, prints, clocks]


def heavy_at_start(modules: Modules) -> Iterator[str]:
    """Libraries loaded as soon as the command line is imported, through whichever module."""
    seen, ahead = {"winback"}, [name for name in modules if layer(name) == "cli"]
    while ahead:
        module = ahead.pop()
        if module in seen or module not in modules:
            continue
        seen.add(module)
        for name, line in imported(modules[module], lazily=False):
            if name.split(".")[0] in HEAVY:
                yield f"{module}:{line} imports {name} at the start; import it where it is used"
            ahead += [name, name.rpartition(".")[0]] if within(name, "winback") else []


def cycles(modules: Modules) -> Iterator[str]:
    """Modules that import each other, directly or in a ring."""
    known = {
        module: {m for name, _ in imported(tree) for m in (name, name.rpartition(".")[0]) if m in modules}
        for module, tree in modules.items()
    }
    free: set[str] = set()
    while ready := {m for m, needs in known.items() if m not in free and needs - {m} <= free}:
        free |= ready
    if rest := sorted(known.keys() - free):
        yield f"in a ring, or behind one: {rest}"


def modules_of(package: Path) -> Modules:
    """The syntax trees of a package's modules by dotted name."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        if "template" not in parts:
            found[".".join(parts).removesuffix(".__init__")] = ast.parse(path.read_text("utf-8"))
    return found


MODULES = modules_of(PACKAGE)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("module", MODULES)
def test_module_keeps_the_rule(rule: Rule, module: str):
    assert list(rule(module, MODULES[module])) == []


def test_no_cycle():
    assert list(cycles(MODULES)) == []


def test_command_line_starts_light():
    """`winback --help` is for people who wait: it loads no numeric library, not even through a helper."""
    assert list(heavy_at_start(MODULES)) == []


def test_help_loads_nothing_heavy():
    """The same, seen in a process of its own."""
    program = (
        "import sys\nfrom winback.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit as end: assert not end.code, end.code\n"
        f"print('heavy:', sorted(set({sorted(HEAVY)}) & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "heavy: []"


def test_installed_command_is_the_command_line():
    """The command `winback` runs `winback.cli:main`, which the tests above look at."""
    scripts = importlib.metadata.distribution("winback").entry_points.select(group="console_scripts")
    assert [(script.name, script.value) for script in scripts] == [("winback", "winback.cli:main")]


@pytest.mark.parametrize(
    ("rule", "module", "source", "fault"),
    [
        (upward, "winback.facts.days", "from winback.risk import x", "'limits', 'runs', 'store', 'toml_files']"),
        (upward, "winback.facts.features.kernel", "def f():\n    import winback.cli", ":2 imports winback.cli"),
        (upward, "winback.offers.decide", "from winback import facts", "imports winback.facts"),
        (upward, "winback.campaigns.assign", "from winback.offers.decide import x", "campaigns knows only"),
        (upward, "winback.store", "from winback.config import load", "store knows only ['errors']"),
        (upward, "winback.errors", "import winback.store", "errors knows only nothing"),
        (upward, "winback.nightly", "from winback.cli import main", "imports winback.cli.main"),
        (upward, "winback.risk.fit", "from .score import x", "write it from the root"),
        (upward, "winback.offers.value", "if TYPE_CHECKING:\n    import winback.risk", "offers knows only"),
        (upward, "winback.helpers", "", "has no place in LAYERS"),
        (backward, "winback.risk.asking.specs", "from winback.risk.scoring import score", "asking comes before it"),
        (foreign, "winback.facts.intake.ingest", "import duckdb", "only ['winback.store'] may"),
        (foreign, "winback.risk.scoring.score", "def f():\n    import mlflow", "['winback.risk.keeping.registry'] may"),
        (foreign, "winback.facts.intake.ingest", "if x:\n    import duckdb", "only ['winback.store'] may"),
        (foreign, "winback.store", "import pickle", "only nobody may"),
        (foreign, "winback.store", "from joblib import load", "imports joblib.load; only nobody may"),
        (foreign, "winback.cli.main", "import pipeline.winback", "only nobody may"),
        (unpickled, "winback.risk.keeping.registry", "joblib.load('m')", "calls joblib.load"),
        (unpickled, "winback.store", "eval('1')", "calls eval"),
        (prints, "winback.store", "print(1)", "calls print"),
        (prints, "winback.insight.report", "Console().print(1)", "calls ?.print"),
        (prints, "winback.facts.intake.ingest", "click.echo('x')", "calls click.echo"),
        (prints, "winback.nightly", "raise SystemExit(1)", "calls SystemExit"),
        (clocks, "winback.risk.fit", "dt.datetime.now(dt.UTC)", "time is an argument"),
        (clocks, "winback.risk.fit", "datetime.utcnow()", "calls datetime.utcnow"),
        (clocks, "winback.nightly", "x = dt.date.today()", "calls dt.date.today"),
        (clocks, "winback.runs", "time.time()", "calls time.time"),
        (clocks, "winback.facts.labels.labels", "pd.Timestamp.now()", "calls pd.Timestamp.now"),
    ],
)  # fmt: skip
def test_rule_catches(rule: Rule, module: str, source: str, fault: str):
    found = list(rule(module, ast.parse(source)))
    assert len(found) == 1
    assert fault in found[0]


@pytest.mark.parametrize(
    ("rule", "module", "source"),
    [
        (upward, "winback.cli.main", "from winback import __version__\nfrom winback.nightly import run"),
        (
            upward,
            "winback.facts.features.table",
            "import winback.facts.days\nfrom winback.store import connect",
        ),
        (foreign, "winback.risk.fit", "from joblib import Parallel\nimport pipelines"),
        (foreign, "winback.facts.intake.ingest", "if TYPE_CHECKING:\n    import duckdb"),
        (foreign, "winback.facts.intake.ingest", "if typing.TYPE_CHECKING:\n    import duckdb"),
        (prints, "winback.cli.main", "print(1)\nsys.exit(1)"),
        (clocks, "winback.cli.main", "dt.date.today()"),
        (clocks, "winback.runs", "time.perf_counter()\nframe.time()"),
    ],
)
def test_rule_lets_pass(rule: Rule, module: str, source: str):
    assert list(rule(module, ast.parse(source))) == []


def test_heavy_start_is_caught_through_another_module():
    """A library reached in two steps counts; one imported inside a function or for its types does not."""
    sources = {
        "winback": "",
        "winback.cli": "if TYPE_CHECKING:\n    import pandas\ndef verb():\n    import numpy",
        "winback.cli.main": "from winback.words import say",
        "winback.words": "try:\n    import pandas as pd\nexcept ImportError:\n    pass",
    }
    found = list(heavy_at_start({name: ast.parse(text) for name, text in sources.items()}))
    assert found == ["winback.words:2 imports pandas at the start; import it where it is used"]


def test_cycle_is_caught():
    sources = {"winback.a": "from winback.b import x", "winback.b": "import winback.a", "winback.c": ""}
    found = list(cycles({name: ast.parse(text) for name, text in sources.items()}))
    assert found == ["in a ring, or behind one: ['winback.a', 'winback.b']"]
