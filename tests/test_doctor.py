"""winback doctor: what it says of a machine, of tracking servers, and of a project that is well or not."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from packaging.requirements import Requirement

import shop
from winback import config, runs
from winback.cli import cli
from winback.doctor import environment
from winback.doctor.belongings import belongings, secrets
from winback.doctor.tracking import tracking

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return shop.lay_down(tmp_path, customers=5)


def levels(found: object) -> dict[str, str]:
    return {finding.about: finding.level for finding in found}  # type: ignore[attr-defined]


def of_project(path: Path) -> dict[str, str]:
    return levels(belongings(config.load(path), path.parent, NOW))


def test_this_machine_is_fit(tmp_path: Path):
    found = {finding.about: finding for finding in environment.environment(tmp_path / "not" / "there")}
    assert {"python", "libraries", "extras", "cpu", "disk", "locale", "time zones"} <= found.keys()
    assert found["python"].level == found["libraries"].level == "ok"
    assert "in the range it was tested in" in found["libraries"].found


@pytest.mark.parametrize(
    ("wanted", "level", "todo"),
    [
        ("pandas>=3", None, ""),
        ("pandas<1", "fail", "Run: pip install 'pandas<1'"),
        ("no-such-library-at-all>=1", "fail", "Run: pip install 'no-such-library-at-all>=1'"),
    ],
)
def test_libraries_out_of_their_range_are_told(wanted: str, level: str | None, todo: str):
    found = environment._odd(Requirement(wanted))
    assert (found and found.level, found.todo if found else "") == (level, todo)


@pytest.mark.parametrize(
    ("environ", "level", "said"),
    [
        ({}, "ok", "no tracking server"),
        ({"MLFLOW_TRACKING_URI": "http://models.example:5000"}, "fail", "another machine, in clear"),
        ({"MLFLOW_TRACKING_URI": "http://10.0.0.7:5000"}, "fail", "another machine, in clear"),
        ({"MLFLOW_TRACKING_URI": "http://127.0.0.1:5000"}, "warn", "this machine, without a login"),
        ({"MLFLOW_TRACKING_URI": "https://models.example"}, "warn", "another machine, without a login"),
        ({"MLFLOW_TRACKING_URI": "https://models.example", "MLFLOW_TRACKING_TOKEN": "t"}, "ok", "with a login"),
        ({"MLFLOW_TRACKING_URI": "https://me:secret@models.example"}, "fail", "a password stands in the address"),
        ({"MLFLOW_REGISTRY_URI": "databricks://shop"}, "warn", "databricks store"),
        ({"MLFLOW_TRACKING_INSECURE_TLS": "true"}, "fail", "certificates are not checked"),
        ({"MLFLOW_HOST": "::"}, "fail", "listens to every network"),
    ],
)
def test_tracking_servers(environ: dict[str, str], level: str, said: str):
    (found,) = tracking(environ)
    assert found.level == level
    assert said in found.found
    assert "secret" not in found.found + found.todo
    assert bool(found.todo) == (level != "ok")


@pytest.mark.parametrize("uri", ["{}", "file:{}", "sqlite:///{}/mlflow.db"])
def test_a_tracking_folder_of_others(tmp_path: Path, uri: str):
    environ = {"MLFLOW_TRACKING_URI": uri.format(tmp_path)}
    tmp_path.chmod(0o700)
    assert [finding.level for finding in tracking(environ)] == ["ok"]
    tmp_path.chmod(0o777)
    assert [finding.level for finding in tracking(environ)] == ["fail"]


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ('url = "postgresql://shop:hunter2@db/shop"', "fail"),
        ('url_env = "SHOP_DB"', "ok"),
        ('api_key = "abc"', "fail"),
        ('holdout_key = "complete journey 2017"', "ok"),
    ],
)
def test_secrets_in_a_configuration(tmp_path: Path, line: str, level: str):
    """Also in one that is no TOML."""
    path = tmp_path / "winback.toml"
    path.write_text(f"[broken\n{line}\n", "utf-8")
    (found,) = secrets(path)
    assert found.level == level
    assert "hunter2" not in found.found


def test_a_new_project(small: Path):
    assert of_project(small) == {
        **dict.fromkeys(("sources.orders", "sources.events", "sources.contacts", "state", "keys", "runs"), "ok"),
        **dict.fromkeys(("lock", "leftovers", "model"), "ok"),
        "published list": "warn",
    }


def test_what_is_wrong_with_a_project(small: Path):
    folder = small.parent
    (folder / "orders.csv").unlink()
    (folder / "state" / "keys").mkdir(parents=True, mode=0o700)
    (folder / "state").chmod(0o755)
    (folder / "state" / "keys" / "people.key").write_text("x", "utf-8")
    (folder / "state" / "keys" / "people.key").chmod(0o644)
    (folder / "state" / "keys").chmod(0o755)
    (folder / "runs").mkdir()
    (folder / "runs").chmod(0o777)
    (folder / "runs" / ".list.123.tmp").touch()
    (folder / "runs" / "current").symlink_to("2026-01-01-gone")
    found = of_project(small)
    assert {about: level for about, level in found.items() if level != "ok"} == {
        "sources.orders": "fail",
        "state": "warn",
        "keys": "fail",
        "runs": "fail",
        "leftovers": "warn",
        "published list": "fail",
    }


def test_a_run_that_is_going_on(small: Path):
    state = small.parent / "state"
    with runs.project_lock(state):
        found = {finding.about: finding for finding in belongings(config.load(small), small.parent, NOW)}
        assert found["lock"].level == "warn"
        assert found["lock"].found.startswith("a run is going on (pid ")
    assert of_project(small)["lock"] == "ok"


def test_the_command(small: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    done = CliRunner().invoke(cli, ["doctor", "--config", str(small)])
    assert done.exit_code == 0
    assert done.output.splitlines()[-1].endswith(" 0 fail")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://models.example")
    done = CliRunner().invoke(cli, ["doctor", "--config", str(small), "--json"])
    told = json.loads(done.output)
    assert (done.exit_code, told["passed"]) == (1, False)
    assert [finding["about"] for finding in told["findings"] if finding["level"] == "fail"] == ["MLFLOW_TRACKING_URI"]


def test_a_broken_configuration_is_one_finding(small: Path):
    shop.edit(small, "[offers]", "[ofers]")
    done = CliRunner().invoke(cli, ["doctor", "--config", str(small), "--json"])
    (bad,) = [finding for finding in json.loads(done.output)["findings"] if finding["level"] == "fail"]
    assert done.exit_code == 1
    assert (bad["about"], "Did you mean 'offers'?" in bad["found"]) == ("project", True)


def test_no_configuration_is_no_failure(tmp_path: Path):
    done = CliRunner().invoke(cli, ["doctor", "--config", str(tmp_path / "winback.toml")])
    assert done.exit_code == 0
    assert "winback init --from orders.csv" in done.output
