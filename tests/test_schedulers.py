"""The examples for schedulers: each is read by what it is for, or by the next best, and its command is tried."""

from __future__ import annotations

import configparser
import datetime as dt
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import yaml

from winback.cli import cli

NEVER_TRIED_AGAIN = {1, 2, 70}
FILES = (
    *("schedulers/winback.crontab", "schedulers/winback.service", "schedulers/winback.timer"),
    *("schedulers/airflow_dag.py", "schedulers/kubernetes.yaml", "schedulers/github_actions.yml"),
)
SHELL = (
    '#!/bin/sh\nprintf "%s\\n" "$*" >> "$CALLS"\necho "TZ=${TZ:-} LOG=${WINBACK_LOG:-}" >> "$CALLS"\nexit ${CODE:-0}\n'
)


@pytest.fixture
def folder(tree: Path) -> Path:
    return tree / "configs" / "schedulers"


@pytest.fixture
def shell(tmp_path: Path) -> Any:
    """Runs a command line with a winback and a sleep that only write down what they were asked."""
    for name, text in (("winback", SHELL), ("sleep", "#!/bin/sh\n")):
        (tmp_path / name).write_text(text, "utf-8")
        (tmp_path / name).chmod(0o755)

    def run(line: str, **environment: str) -> tuple[int, list[str]]:
        calls = tmp_path / "calls"
        calls.write_text("", "utf-8")
        told = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "CALLS": str(calls), **environment}
        done = subprocess.run(["/bin/sh", "-ec", line], env=told, cwd=tmp_path, check=False, capture_output=True)
        return done.returncode, calls.read_text("utf-8").splitlines()

    return run


def parsed(words: list[str]) -> Any:
    """The options of a winback command; a usage error where there are none such."""
    command = cli.get_command(cli.make_context("winback", [*words, "--help"], resilient_parsing=True), words[0])
    assert command is not None
    return command.make_context(words[0], words[1:]).params


def test_each_example_is_told_of(tree: Path, folder: Path):
    text = (tree / "docs" / "scheduling.md").read_text("utf-8")
    assert {path.relative_to(folder.parent).as_posix() for path in folder.iterdir()} == set(FILES)
    assert [name for name in FILES if f"configs/{name}" not in text] == []


def test_the_line_of_cron(folder: Path, shell: Any):
    lines = [line for line in (folder / "winback.crontab").read_text("utf-8").splitlines() if line and line[0] != "#"]
    settings = dict(line.split("=", 1) for line in lines[:-1])
    assert settings == {
        "CRON_TZ": "Europe/Berlin",
        "MAILTO": "crm-alerts@example.com",
        "WINBACK_LOG": "json",
    }
    fields = lines[-1].split(maxsplit=5)
    assert all(re.fullmatch(r"\*|\d+(,\d+)*", field) for field in fields[:5])
    minutes, hours = ([int(part) for part in field.split(",")] for field in fields[:2])
    assert (minutes, hours, fields[2:5]) == ([10], [4, 5, 6], ["*"] * 3)
    assert re.search(r"(?<!\\)%", fields[5]) is None  # a bare one is a line's end to cron
    line = fields[5].replace("\\%", "%").replace("cd /srv/shop && ", "")
    before = berlin()
    code, calls = shell(line, WINBACK_LOG="json")
    assert code == 0
    assert calls[1:] == ["TZ= LOG=json"]
    params = parsed(shlex.split(calls[0]))
    assert before <= params["today"] <= berlin()
    assert params["as_json"]
    _, calls = shell(line, CODE="1")  # what failed is told, and so mailed
    assert calls[2] == "history --config winback.toml --failed"


def berlin() -> dt.date:
    """Today, in the zone of the examples."""
    done = subprocess.run(["date", "+%F"], env={"TZ": "Europe/Berlin"}, capture_output=True, text=True, check=True)
    return dt.date.fromisoformat(done.stdout.strip())


def unit(path: Path) -> configparser.ConfigParser:
    """A unit of systemd, whose keys are told once each here."""
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(path.read_text("utf-8"))
    return parser


def test_the_units_of_systemd(folder: Path, shell: Any):
    service, timer = unit(folder / "winback.service"), unit(folder / "winback.timer")
    assert timer["Timer"]["OnCalendar"] == "*-*-* 04:10:00 Europe/Berlin"
    assert timer["Timer"]["Persistent"] == "true"
    told = service["Service"]
    assert (told["Type"], told["Restart"], told["UMask"]) == ("oneshot", "on-failure", "0077")
    assert set(map(int, told["RestartPreventExitStatus"].split())) == NEVER_TRIED_AGAIN
    assert service["Unit"]["OnFailure"] == "winback-failed.service"
    words = shlex.split(told["ExecStart"].replace("%%", "%"))
    assert words[:2] == ["/bin/sh", "-c"]
    before = berlin()
    code, calls = shell(words[2], TZ="Europe/Berlin")
    assert code == 0
    assert before <= parsed(shlex.split(calls[0]))["today"] <= berlin()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_takes_its_units(folder: Path, tmp_path: Path):
    for name in ("winback.service", "winback.timer"):
        shutil.copy(folder / name, tmp_path / name)
    (tmp_path / "winback-failed.service").write_text("[Service]\nType=oneshot\nExecStart=/bin/true\n", "utf-8")
    units = [str(tmp_path / name) for name in ("winback.service", "winback.timer")]
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "winback" in line and "winback-failed" not in line]
    assert ours == []


def test_the_cron_job_of_kubernetes(folder: Path, shell: Any):
    job = yaml.safe_load((folder / "kubernetes.yaml").read_text("utf-8"))
    spec = job["spec"]
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "CronJob")
    assert (spec["schedule"], spec["timeZone"]) == ("10 4 * * *", "Europe/Berlin")
    assert (spec["concurrencyPolicy"], spec["startingDeadlineSeconds"]) == ("Forbid", 21600)
    rules = spec["jobTemplate"]["spec"]["podFailurePolicy"]["rules"]
    assert (rules[0]["action"], set(rules[0]["onExitCodes"]["values"])) == ("FailJob", NEVER_TRIED_AGAIN)
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["restartPolicy"] == "Never"  # which a podFailurePolicy needs
    assert pod["securityContext"]["runAsNonRoot"] is True
    (container,) = pod["containers"]
    assert container["name"] == rules[0]["onExitCodes"]["containerName"]
    limits = container["securityContext"]
    assert (limits["allowPrivilegeEscalation"], limits["readOnlyRootFilesystem"]) == (False, True)
    assert limits["capabilities"] == {"drop": ["ALL"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    assert container["workingDir"] in {mount["mountPath"] for mount in container["volumeMounts"]}
    environment = {each["name"]: each.get("value") for each in container["env"]}
    assert environment["TZ"] == "Europe/Berlin"
    before = berlin()
    code, calls = shell(container["args"][0], TZ="Europe/Berlin")
    assert code == 0
    assert before <= parsed(shlex.split(calls[0]))["today"] <= berlin()


@pytest.mark.parametrize(("code", "tries"), [(0, 1), (1, 1), (2, 1), (70, 1), (75, 3)])
def test_the_workflow_of_github(folder: Path, shell: Any, code: int, tries: int):
    flow = yaml.safe_load((folder / "github_actions.yml").read_text("utf-8"))
    assert flow["concurrency"] == {"group": "winback", "cancel-in-progress": False}
    assert flow["permissions"] == {}
    (step,) = flow["jobs"]["night"]["steps"]
    assert step["env"]["ASKED"] == "${{ inputs.date }}"
    ended, calls = shell(step["run"], ASKED="2026-02-15", CODE=str(code))
    assert (ended, len(calls) // 2) == (code, tries)
    assert parsed(shlex.split(calls[0]))["today"] == dt.date(2026, 2, 15)


class _TriedAgain(Exception):
    pass


class _Failed(_TriedAgain):
    pass


@pytest.fixture
def airflow(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The file of Airflow, imported beside a stand-in for Airflow that keeps what it was told."""
    kept: dict[str, Any] = {"called": []}

    def marked(kind: str, **told: Any) -> Any:
        def mark(function: Any) -> Any:
            kept[kind], kept[f"{kind}_function"] = told, function

            def call() -> None:
                kept["called"].append(function.__name__)
                if kind == "dag":
                    function()

            return call

        return mark

    sdk, exceptions = types.ModuleType("airflow.sdk"), types.ModuleType("airflow.exceptions")
    sdk.dag = lambda **told: marked("dag", **told)  # type: ignore[attr-defined]
    sdk.task = lambda **told: marked("task", **told)  # type: ignore[attr-defined]
    exceptions.AirflowException, exceptions.AirflowFailException = _TriedAgain, _Failed  # type: ignore[attr-defined]
    for name, module in (("airflow", types.ModuleType("airflow")), ("airflow.sdk", sdk)):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setitem(sys.modules, "airflow.exceptions", exceptions)
    return {**runpy.run_path(str(folder / "airflow_dag.py")), "kept": kept}


def test_the_dag_of_airflow(airflow: dict[str, Any]):
    kept = airflow["kept"]
    assert kept["called"] == ["nights", "run"]
    assert (kept["dag"]["schedule"], kept["dag"]["catchup"], kept["dag"]["max_active_runs"]) == ("10 4 * * *", False, 1)
    assert kept["dag"]["start_date"].tzinfo is airflow["ZONE"]
    assert kept["task"]["retries"] == 6


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-02-15T03:10:00+00:00", "2026-02-15"),
        ("2026-02-14T23:30:00+00:00", "2026-02-15"),  # past midnight in Berlin
        ("2026-07-14T21:59:00+00:00", "2026-07-14"),
        ("2026-07-14T22:00:00+00:00", "2026-07-15"),  # summer time
    ],
)
def test_the_date_is_that_of_the_schedule_in_the_zone(airflow: dict[str, Any], moment: str, day: str):
    assert airflow["day_of"](dt.datetime.fromisoformat(moment)) == day


@pytest.mark.parametrize(
    ("code", "raised"), [(0, None), (75, _TriedAgain), (-9, _TriedAgain), (1, _Failed), (2, _Failed), (70, _Failed)]
)
def test_airflow_tries_again_only_where_that_may_help(
    airflow: dict[str, Any], monkeypatch: pytest.MonkeyPatch, code: int, raised: type[Exception] | None
):
    asked: list[list[str]] = []

    def called(words: list[str], **_: Any) -> Any:
        asked.append(words)
        return types.SimpleNamespace(returncode=code)

    monkeypatch.setattr(subprocess, "run", called)
    run, moment = airflow["kept"]["task_function"], dt.datetime(2026, 2, 15, 3, 10, tzinfo=dt.UTC)
    if raised is None:
        run(moment)
    else:
        with pytest.raises(_TriedAgain) as found:
            run(moment)
        assert found.type is raised
    assert parsed(asked[0][1:])["today"] == dt.date(2026, 2, 15)


def test_airflow_without_a_date_runs_nothing(airflow: dict[str, Any]):
    with pytest.raises(_Failed, match="a list is for a day"):
        airflow["kept"]["task_function"]()
