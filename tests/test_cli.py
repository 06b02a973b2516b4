"""The command line: what it prints where, how it fails, and that what the documents show can be typed."""

from __future__ import annotations

import errno
import json
import os
import re
import shlex
import shutil
import subprocess
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

import shop
from winback import __version__, runs, store
from winback.cli import VERBS, cli, main
from winback.facts.features.declared import builtin

Call = Callable[..., tuple[int, str, str]]
SAMPLE = ("--config", "configs/sample.toml")
FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^(?:\$ )?(?:\.venv/bin/)?winback (\S.*)$", re.MULTILINE)
IN_TEXT = re.compile(r"`winback (\w[^`]*)`")
PLACEHOLDERS = {
    "DIR": "my-shop",
    "FOLDER": "my-shop",
    "DAY": "2026-03-01",
    "YYYY-MM-DD": "2026-03-01",
    "{today}": "2026-03-01",
    "VERSION": "3",
    "NAME": "google",
    **dict.fromkeys(("mended.csv", "bounced.txt", "asked.txt", "report.csv"), __file__),  # a file that is there
    "{version.version}": "3",
}
SUMMARY = {
    "run_id": "2026-02-15-0123456789ab",
    "today": "2026-02-15",
    "currency": "EUR",
    "accounting": [
        {"table": "orders", "rows_in": 6661, "accepted": 6650, "duplicates": 10, "quarantined": 1},
        {"table": "events", "rows_in": 0, "accepted": 0, "duplicates": 0, "quarantined": 0},
    ],
    "model": {"name": "small", "version": 3, "rows": 1234},
    "horizon_days": 28,
    "quality": [
        {
            "cutoff": "2026-01-01",
            "customers": 290,
            "churned": 0.262,
            "mean_predicted": 0.2519,
            "auc": 0.86449,
            "rule": "orders_90d",
            "rule_auc": 0.804,
            "log_loss": 0.3622,
            "calibration_slope": 1.008,
        }
    ],
    "customers": 1258,
    "at_risk": 45,
    "mean_probability": 0.2471,
    "base_rate": 0.26,
    "drivers": [
        {"driver": "recency", "first_for": 40, "mean_points": 0.158},
        {"driver": "cadence", "first_for": 5, "mean_points": -0.0191},
        {"driver": "tenure", "first_for": 0, "mean_points": -0.5},
    ],
    "actions": [
        {
            "action": "a",
            "name": "Coupons [/b] for three",
            "customers": 7,
            "expected_cost": 7.154,
            "expected_net_gain": 16.1,
        },
    ],
    "left_alone": {"contacted_recently": 32, "held_out": 6},
    "expected_cost": 7.154,
    "expected_net_gain": 1016.1,
    "margin_at_stake": 3705.4,
    "consent": {"kept_elsewhere": False, "table": True, "not_asked": 2},
    "campaign": {"name": "small-2026-02-15", "shows": {"treated": 39, "held_out": 6, "smallest_fall": 0.5123}},
}
SCREEN = """
winback  2026-02-15  run 2026-02-15-0123456789ab

Data accounted for
source   rows  accepted  duplicates  quarantined
orders  6,661     6,650          10            1
events      0         0           0            0

Model small version 3, examined on dates it had not seen
cutoff      people   left  predicted    AUC   rule  log loss  slope
2026-01-01     290  26.2%      25.2%  0.864  0.804     0.362   1.01
rule: AUC of the best single rule, orders_90d

45 of 1,258 customers are at risk of leaving within 28 days.
Mean chance of all: 24.7%. Margin at stake: 3,705 EUR.

Why
driver   first reason for  mean points
recency                40        +15.8
cadence                 5         -1.9

What to do
action                                       customers  cost EUR  net gain EUR
Coupons [/b] for three                               7      7.15         16.10
leave alone: contacted too recently                 32
leave alone: held out to measure the effect          6
all, expected                                       45      7.15      1,016.10

Campaign small-2026-02-15: 39 treated, 6 held out.
Alone it can show a fall of leaving by 51.2 points; winback lift pools weeks.

The list   runs/current/at_risk.csv
All of it  runs/2026-02-15-0123456789ab
"""


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Call the command: exit code, what it printed, and what it said besides."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")

    def called(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return called


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The configuration of a small shop, in whose folder the command is called."""
    path = shop.lay_down(tmp_path, customers=5)
    monkeypatch.chdir(tmp_path)
    return path


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `winback init` lays down, with a quicker model, after `winback run`; commands are called in it."""
    folder = tmp_path_factory.mktemp("project")
    command = Path(sysconfig.get_path("scripts")) / "winback"
    made = subprocess.run([command, "init", "."], cwd=folder, capture_output=True, text=True, check=False)
    count = sum(path.is_file() for path in shop.TEMPLATE.rglob("*"))
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout == (f"{count} files in .. Try:\n  winback run --config configs/sample.toml --date 2026-03-01\n")
    shop.edit(folder / "configs" / "sample.toml", "[model]\n", '[model]\nspec = "../models/inactivity.toml"\n')
    spec = folder / "models" / "inactivity.toml"
    spec.write_text(re.sub(r"n_models = \d+", "n_models = 1", spec.read_text("utf-8")), "utf-8")
    words = ["run", *SAMPLE, "--date", "2026-03-01"]
    ran = subprocess.run([command, *words], cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    (folder / "stdout").write_text(ran.stdout, "utf-8")
    (folder / "stderr").write_text(ran.stderr, "utf-8")
    return folder


@pytest.fixture
def inside(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project, as the folder in which the command is called."""
    monkeypatch.chdir(project)
    return project


# --- help ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_says_what_it_does_and_shows_an_example(verb: str, call: Call):
    code, out, err = call(verb, "--help")
    assert (code, err) == (0, "")
    (example,) = re.findall(r"Example: winback (.*?)\n\n", out, re.DOTALL)
    words = shlex.split(example)
    assert words[0] == verb
    parse(words)
    assert all(line.rstrip().endswith(".") for line in VERBS[verb].splitlines())


def test_help_lists_the_verbs(call: Call):
    code, out, err = call("--help")
    assert (code, err) == (0, "")
    listed = re.findall(r"^  (\w+)  +\S", out.partition("Commands:")[2], re.MULTILINE)
    assert listed == sorted(VERBS)
    assert call("-h") == (0, out, "")


def test_version(call: Call):
    assert call("--version") == (0, f"winback, version {__version__}\n", "")


# --- init and run --------------------------------------------------------------------------------


def test_init_lays_down_the_template(project: Path):
    laid = shop.contents(project)
    template = shop.contents(shop.TEMPLATE)
    assert {"configs/winback.toml", "configs/actions.toml", "models/inactivity.toml"} <= template.keys()
    assert {"data/sample/orders.csv", "data/README.md"} <= template.keys()
    changed = {"configs/sample.toml", "models/inactivity.toml"}
    assert [name for name, held in template.items() if laid[name] != held and name not in changed] == []


def test_init_overwrites_nothing(tmp_path: Path, call: Call):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "winback.toml").write_text("mine", "utf-8")
    code, out, err = call("init", tmp_path)
    assert (code, out) == (1, "")
    assert err == (
        f"Error: {tmp_path} holds 1 of the project's files already (first: configs/winback.toml); "
        "nothing was written.\n"
    )
    assert shop.contents(tmp_path) == {"configs/winback.toml": b"mine"}


def test_run_prints_the_screen_and_says_its_steps_beside(project: Path):
    """What is printed can be piped; what is said on the way goes to stderr, a line a stage."""
    said = (project / "stderr").read_text("utf-8")
    assert re.sub(r"\d+\.\d s", "0.0 s", said) == (
        "[1/8] Reading the sources (0.0 s)\n"
        "[2/8] Learning from the past (0.0 s)\n"
        "[3/8] Describing today's customers (0.0 s)\n"
        "[4/8] Scoring today's customers (0.0 s)\n"
        "[5/8] Finding the reasons (0.0 s)\n"
        "[6/8] Drawing the hold-out, choosing actions (0.0 s)\n"
        "[7/8] Writing the list (0.0 s)\n"
        "[8/8] Publishing (0.0 s)\n"
    )
    printed = (project / "stdout").read_text("utf-8")
    run_id = (project / "runs" / "sample" / "current").readlink()
    assert printed.startswith(f"\nwinback  2026-03-01  run {run_id}\n\nData accounted for")
    assert printed.endswith(f"The list   runs/sample/current/at_risk.csv\nAll of it  runs/sample/{run_id}\n")
    assert "\x1b" not in printed + said


def test_run_again_says_that_nothing_was_changed(inside: Path, call: Call):
    run_id = (inside / "runs" / "sample" / "current").readlink()
    code, out, err = call("run", *SAMPLE, "--date", "2026-03-01")
    assert (code, err) == (0, "")
    assert out == (
        f"Run {run_id} is published already; nothing was changed.\n" + (inside / "stdout").read_text("utf-8")
    )


def test_run_prints_one_json_object_and_nothing_else(inside: Path, call: Call):
    code, out, err = call("run", *SAMPLE, "--date", "2026-03-01", "--json")
    assert (code, err) == (0, "")
    assert out.count("\n") == 1
    told = json.loads(out)
    folder = Path(told.pop("folder"))
    assert told.pop("published_now") is False
    assert told == store.read_json(folder / "summary.json")
    assert runs.verify(folder)["run_id"] == told["run_id"]


def test_a_run_that_does_something_is_as_quiet_as_json(inside: Path, tmp_path: Path, call: Call):
    """On a copy, because it publishes."""
    path = shop.copy(inside / "configs" / "sample.toml", tmp_path / "configs")
    for name in ("models", "data", "state", "runs"):
        shop.copy(inside / name / "any", tmp_path / name)
    code, out, err = call("run", "--config", path, "--date", "2026-03-02", "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert (told["published_now"], told["today"], told["model"]["version"]) == (True, "2026-03-02", 1)


# --- JSON for machines ---------------------------------------------------------------------------


def leaves(command: click.Command, words: list[str]) -> Iterator[tuple[list[str], click.Command]]:
    """Every command that does something, with the words that call it."""
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            found = command.get_command(click.Context(command), name)
            assert found is not None
            yield from leaves(found, [*words, name])
    if words and (not isinstance(command, click.Group) or command.invoke_without_command):
        yield words, command


WITHOUT_JSON = {"init", "completion"}  # what they lay down or print is the result
AS_JSON = {
    "show": {"run_id", "today", "customers", "at_risk", "model", "actions"},
    "history": {"attempts"},
    "tidy": {"removed", "things", "bytes"},
    "backfill --from 2026-03-01 --to 2026-03-01": {"dates", "outcomes", "not_tried"},
    "consent": set(),
    "campaigns": set(),
    "models": set(),
    "models list": set(),
    "models card": set(),
    "quarantine list": set(),
    "suppress list": set(),
    "suppress verify": set(),
    "outcomes list": set(),
}


def test_every_verb_that_prints_a_result_has_json():
    lacking = [" ".join(words) for words, command in leaves(cli, []) if not _has_json(command)]
    assert set(lacking) == WITHOUT_JSON


def _has_json(command: click.Command) -> bool:
    return any("--json" in option.opts for option in command.params)


@pytest.mark.parametrize("line", AS_JSON)
def test_json_is_one_document_on_stdout(line: str, inside: Path, call: Call):
    code, out, err = call(*line.split(), *SAMPLE, "--json")
    assert (code, err) == (0, "")
    assert out.count("\n") == 1
    told = json.loads(out)
    assert AS_JSON[line] <= (told.keys() if isinstance(told, dict) else set())


# --- show, models, features ----------------------------------------------------------------------


def publish(folder: Path, summary: dict[str, Any]) -> Path:
    """A published run that says `summary`."""
    place = folder / "runs" / summary["run_id"]

    def make() -> dict[str, Any]:
        store.write_json(place / "summary.json", summary)
        return {}

    runs.step(place, "list", make, ["summary.json"])
    runs.publish(folder / "runs", summary["run_id"], {"logical_date": summary["today"]})
    return place


def test_show_prints_this(small: Path, call: Call):
    publish(small.parent, SUMMARY)
    code, out, err = call("show")
    assert (code, err) == (0, "")
    assert "\n".join(line.rstrip() for line in out.splitlines()) == SCREEN.rstrip("\n")


def test_show_as_json_is_the_summary(small: Path, call: Call):
    publish(small.parent, SUMMARY)
    code, out, err = call("show", "--json")
    assert (code, err, json.loads(out)) == (0, "", SUMMARY)


def test_show_is_the_screen_of_the_run(inside: Path, call: Call):
    assert call("show", *SAMPLE) == (0, (inside / "stdout").read_text("utf-8"), "")


def test_show_before_the_first_run(small: Path, call: Call):
    assert call("show") == (
        1,
        "",
        "Error: nothing is published in runs yet; `winback run --date YYYY-MM-DD` does it.\n",
    )


def test_show_finds_a_damaged_file(small: Path, call: Call):
    place = publish(small.parent, SUMMARY)
    held = (place / "summary.json").read_bytes()
    wanted = store.sha256(place / "summary.json")
    (place / "summary.json").write_bytes(held[:-3])
    found = store.sha256(place / "summary.json")
    file = f"runs/{place.name}/summary.json"
    assert call("show") == (
        1,
        "",
        (
            f"Error: {file} has {len(held) - 3} bytes and SHA-256 {found} (expected {len(held)} bytes and "
            f"{wanted}). Run again for 2026-02-15: what is damaged is made anew, the rest is kept.\n"
        ),
    )


def test_models_lists_the_promotions(inside: Path, small: Path, call: Call, monkeypatch: pytest.MonkeyPatch):
    assert call("models") == (0, "No version of small was promoted yet; `winback run` trains one.\n", "")
    monkeypatch.chdir(inside)
    code, out, err = call("models", *SAMPLE)
    assert (code, err) == (0, "")
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d UTC  inactivity version 1  [0-9a-f]{12}  "
        r"AUC at least \+0\.\d{3} above the best single rule \(gates of the spec\)\n",
        out,
    )
    (row,) = json.loads(call("models", *SAMPLE, "--json")[1])
    model = store.read_json(inside / "runs" / "sample" / "current" / "model.json")
    assert (row["version"], row["sha256"]) == (1, model["sha256"])
    assert row["sha256"][:12] in out
    assert row["reason"] in out


def test_features_lists_what_a_model_may_see(call: Call):
    code, out, err = call("features")
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == [feature.name for feature in builtin()]
    assert len(out.splitlines()) >= 60
    told = json.loads(call("features", "--json")[1])
    assert [row["name"] for row in told] == [feature.name for feature in builtin()]
    assert {"driver", "unit", "sentence", "label"} <= told[0].keys()


# --- failures ------------------------------------------------------------------------------------


def test_no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Call):
    monkeypatch.chdir(tmp_path)
    for words in (["run", "--date", "2026-03-01"], ["show"], ["models"]):
        assert call(*words) == (
            1,
            "",
            "Error: no file winback.toml. `winback init DIR` lays down a project with one to start from.\n",
        )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'spec = "small.toml"',
            'spec = "small.toml"\nhorizon = 5',
            "winback.toml cannot be used:\n  model.horizon: unknown key. Did you mean 'horizon_days'?",
        ),
        (
            "[offers]",
            "[ofers]",
            "winback.toml cannot be used:\n  ofers: unknown key. Did you mean 'offers'?",
        ),
        (
            'spec = "small.toml"',
            'spec = "large.toml"',
            "no file large.toml. `winback init DIR` lays down a project with one to start from.",
        ),
        (
            'path = "orders.csv"',
            'path = "order.csv"',
            (
                "no file is called 'order.csv' (looked in .). A path is relative to the configuration file; "
                "a pattern such as data/*.csv may be used"
            ),
        ),
        (
            'path = "orders.csv"',
            'path = "package:no_such_shop/data/orders.csv"',
            (
                "'package:no_such_shop/data/orders.csv' reads a file of the package 'no_such_shop', which is not "
                "installed; run: pip install no-such-shop"
            ),
        ),
        (
            "budget = 20.0",
            "budget = 20,0",
            (
                "winback.toml is not valid TOML: Expected newline or end of document after a statement "
                "(at line 40, column 12)"
            ),
        ),
    ],
)
def test_what_cannot_be_used_is_one_message_and_its_exit_code(small: Path, call: Call, old: str, new: str, said: str):
    """A file that is not there may come yet; all else is for a person to mend."""
    shop.edit(small, old, new)
    code = 75 if said.startswith("no file is called") else 1
    assert call("run", "--date", "2026-02-15") == (code, "", f"Error: {said}\n")
    assert not (small.parent / "runs").exists()


def test_a_column_that_is_not_there_is_said_with_those_that_are(small: Path, call: Call):
    shop.edit(small, 'columns.amount = "amount"', 'columns.amount = "total"')
    code, out, err = call("run", "--date", "2026-02-15")
    assert (code, out, re.sub(r"\d+\.\d s", "0.0 s", err)) == (
        1,
        "",
        (
            "[1/8] Reading the sources (0.0 s)\n"
            "Error: orders.csv has no column 'total', which the mapping names; it has 'customer_id', 'ordered_at', "
            "'amount', 'discount', 'category', 'channel'. "
            "Correct the name in the configuration, or the header of the file\n"
        ),
    )


def test_too_little_data_is_said_with_numbers(small: Path, call: Call):
    assert call("run", "--date", "2026-02-15", "--json") == (
        1,
        "",
        (
            "Error: 45 customers are missing: 5 customers ordered before 2026-02-15, min_customers asks for 50.\n"
            "16 positives are missing: 4 customers are churned after a training cutoff, min_positives asks for 20.\n"
            "18 negatives are missing: 2 customers are not churned after a training cutoff, "
            "min_negatives asks for 20.\n"
            "`winback check` shows all that is known of the data; the gates are set in [gates].\n"
        ),
    )
    assert runs.current(small.parent / "runs") is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run"], "Error: Missing option '--date'."),
        (
            ["run", "--date", "yesterday"],
            "Error: Invalid value for '--date': 'yesterday' is not a date; write one such as 2017-12-31",
        ),
        (["run", "--date", "2026-02-30"], "Error: Invalid value for '--date': '2026-02-30' is not a date"),
        (["run", "--dates", "2026-02-15"], "Error: No such option '--dates'. Did you mean '--date'?"),
        (["walk"], "Error: No such command 'walk'. Known: backfill, campaigns, check, completion,"),
        (["rum"], "Error: No such command 'rum'. Did you mean 'run'?"),
        (["models", "promot"], "Error: No such command 'promot'. Did you mean 'promote'?"),
        (["init"], "Error: Missing argument 'FOLDER'."),
        (["show", "more"], "Error: Got unexpected extra argument (more)"),
    ],
)
def test_wrong_use_is_exit_code_2(call: Call, words: list[str], said: str):
    code, out, err = call(*words)
    assert (code, out) == (2, "")
    assert err.startswith("Usage: winback ")
    assert err.splitlines()[-1].startswith(said)


def test_a_bug_keeps_its_traceback(small: Path, call: Call, monkeypatch: pytest.MonkeyPatch):
    """What winback does not name as its own failure is not dressed up as one."""
    monkeypatch.setattr("winback.config.load", lambda _: 1 / 0)
    code, out, err = call("show")
    assert (code, out) == (70, "")
    assert err.startswith("Traceback (most recent call last):\n")
    assert err.endswith("ZeroDivisionError: division by zero\n")


# --- examples ------------------------------------------------------------------------------------

# What an example names, as it is called in the shop that the examples are run on.
HERE = {
    **dict.fromkeys(("2017-12-31", "2018-03-31", "2026-03-03"), "2026-03-01"),
    **dict.fromkeys(("3", "4"), "1"),
    "inactivity-28d-2026-03-01": "inactivity-2026-03-01",
    "inactivity-28d-2026-03-01/call": "inactivity-2026-03-01/call",
    "inactivity-28d/call": "inactivity/call",
    "5000": "40",
    "540": "90",
}
# What a shop after its first run does not have: the example says so, in one line, and does nothing.
REFUSED = {
    "campaigns approve": "no action",
    "campaigns reject": "no action",
    "features": "no file my_features.toml",
    "lift": "no campaign was assigned before 2026-03-01",
    "policy": "no campaign was assigned before 2026-03-01",
    "models rollback": "no version of inactivity was champion before",
    "score": "there is no champion for the spec return yet",
    "backfill": "",  # its model is of the last day, and would know the future of the days before
    "train": "`winback check` shows all that is known of the data",
    "outcomes add": "",
}
SLOW = {"windows", "models challenge"}  # draws with matplotlib; both are run by tests of their own
REPORT = "campaign,customer_id,happened_at,kind,value\ninactivity-2026-03-01,C0002,2026-03-02,delivered,\n"


def examples() -> Iterator[tuple[str, str]]:
    """Each example in a help text with the verb it is of."""
    context = click.Context(cli, info_name="winback")
    ahead = [((verb,), cli.get_command(context, verb)) for verb in sorted(VERBS)]
    for words, verb in ahead:
        if isinstance(verb, click.Group):
            ahead += [((*words, name), verb.get_command(context, name)) for name in verb.list_commands(context)]
        assert verb is not None
        found = re.findall(r"Example: winback (.*?)(?:\n\n|\Z)", verb.help or "", re.DOTALL)
        assert found, f"winback {' '.join(words)} --help has no example"
        yield from ((" ".join(words), " ".join(example.split())) for example in found)


@pytest.fixture(scope="module")
def workshop(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, as the one that commands mean without --config, with the files examples name."""
    folder = tmp_path_factory.mktemp("workshop") / "shop"
    shop.copy(project / "any", folder)
    sample = (folder / "configs" / "sample.toml").read_text("utf-8")
    (folder / "configs" / "winback.toml").write_text(sample, "utf-8")
    shop.copy(folder / "data" / "sample" / "any", folder / "given")
    (folder / "given" / "orders.csv").replace(folder / "orders.csv")
    (folder / "report.csv").write_text(REPORT, "utf-8")
    (folder / "bounced.txt").write_text("C0007\n", "utf-8")
    return folder


@pytest.mark.parametrize(("verb", "example"), list(examples()), ids=[example for _, example in examples()])
def test_every_example_does_what_it_says(
    verb: str, example: str, workshop: Path, call: Call, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(workshop)
    words = [HERE.get(word, word) for word in shlex.split(example)]
    parse(words)
    if verb in SLOW:
        return
    code, _, err = call(*words)
    if verb in REFUSED:
        assert code == 1 or not REFUSED[verb]
        assert REFUSED[verb] in err
    else:
        assert (code, [line for line in err.splitlines() if line.startswith("Error")]) == (0, [])


# --- completion ----------------------------------------------------------------------------------

COMPLETING = {
    "bash": 'eval "$(winback completion bash)"; COMP_WORDS=({line}); COMP_CWORD={at}; '
    '_winback_completion winback; echo "${{COMPREPLY[@]}}"',
    "zsh": 'autoload -U compinit; compinit -u; eval "$(winback completion zsh)"; whence -w _winback_completion; '
    "env COMP_WORDS='{line}' COMP_CWORD={at} _WINBACK_COMPLETE=zsh_complete winback",
    "fish": "winback completion fish | source; complete -C '{line}'",
}


@pytest.mark.parametrize("shell", COMPLETING)
@pytest.mark.parametrize(
    ("line", "at", "completed"),
    [("winback wind", 1, "windows"), ("winback models ro", 2, "rollback"), ("winback run --repl", 2, "--replace-list")],
)
def test_a_shell_completes(shell: str, line: str, at: int, completed: str):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    env = {**os.environ, "PATH": f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"}
    program = COMPLETING[shell].format(line=line, at=at)
    done = subprocess.run([shell, "-c", program], capture_output=True, text=True, check=False, env=env)
    assert (completed in done.stdout.split(), done.stderr) == (True, "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_each_shell(shell: str, call: Call):
    code, out, err = call("completion", shell)
    assert (code, err) == (0, "")
    assert f"_WINBACK_COMPLETE={shell}_complete" in out


# --- what is written down ------------------------------------------------------------------------


def parse(words: list[str]) -> None:
    """Refuse words that the command would refuse, without doing anything."""
    context, verb = click.Context(cli, info_name="winback"), cli
    while words and isinstance(verb, click.Group):
        verb = verb.get_command(context, words[0])
        assert verb is not None, words
        context = verb.make_context(words[0], list(words[1:]), parent=context)
        words = [*context._protected_args, *context.args]


TYPED_ELSEWHERE = ("docs/init.md", "docs/tutorial.md", "docs/scheduling.md", "docs/retention.md", "docs/policy.md")


def written(texts: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Each command that a document shows or a message names: where, and its words as text.

    Those of the pages in folders of docs/ and of what is shown with its output are typed by test_docs.
    """
    for name, text in texts.items():
        if name in TYPED_ELSEWHERE or name.startswith(("docs/howto/", "docs/reference/")):
            continue
        if name.endswith(".md"):
            blocks = "\n".join(FENCE.findall(text))
            yield from ((name, command) for command in COMMAND.findall(blocks))
        if name.endswith(".md") or name.startswith("pipeline/"):
            yield from ((name, command) for command in IN_TEXT.findall(text))


def fault(command: str) -> str:
    """Why a command cannot be typed; nothing when it can."""
    words = [PLACEHOLDERS.get(word, word) for word in shlex.split(command, comments=True)]
    try:
        if words not in ([words[0]], ["init", "--from"]) or words[0] not in VERBS:  # these are names, not commands
            parse(words)
    except click.exceptions.Exit:  # --help
        return ""
    except (click.UsageError, AssertionError) as error:
        return str(error)
    return ""


def test_every_command_written_down_can_be_typed(texts: dict[str, str]):
    commands = list(written(texts))
    shown = {command.split()[0] for name, command in commands if name == "README.md"}
    assert shown == set(VERBS)
    assert [(name, command, fault(command)) for name, command in commands if fault(command)] == []


@pytest.mark.parametrize("command", ["walk", "run --dates 2026-01-01", "models promote NAME 3", "run --date soon"])
def test_commands_that_do_not_exist_are_found(command: str):
    texts = {"docs/any.md": f"Do:\n```sh\n$ winback {command}  # so\n```\nor `winback {command}`."}
    found = list(written(texts))
    assert [words.partition("  #")[0] for _, words in found] == [command, command]
    assert all(fault(words) for _, words in found)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_what_the_machine_refuses_is_one_line(number: int, monkeypatch, capsys):
    """Wrong rights on the state, a full disk."""

    def refused(**_: object) -> None:
        raise OSError(number, os.strerror(number), "state/lock")

    monkeypatch.setattr(cli, "main", refused)
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 1
    assert capsys.readouterr().err == (
        f"Error: state/lock: {os.strerror(number)}. Look at the rights of the folder and the room on its disk, then "
        "run again; what was finished is kept.\n"
    )


def test_another_fault_of_the_machine_is_a_bug(monkeypatch, capsys):
    def failed(**_: object) -> None:
        raise OSError(errno.EBADF, "bad file", "x")

    monkeypatch.setattr(cli, "main", failed)
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 70
    assert capsys.readouterr().err.endswith("OSError: [Errno 9] bad file: 'x'\n")
