"""winback suppress, winback consent and winback forget, as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from test_suppressions import CONFIG, GRANTS, NO_STOPS, change
from winback import store
from winback.cli import cli, main


def typed(folder: Path, *words: str) -> Result:
    """The outcome of a command on the project of `folder`."""
    verb, *rest = words
    group = verb.split()
    return CliRunner().invoke(cli, [*group, "--config", str(folder / "winback.toml"), *rest])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Four customers who granted e-mail, and a table of theirs."""
    (tmp_path / "winback.toml").write_text(CONFIG, "utf-8")
    (tmp_path / "consents.csv").write_text(GRANTS, "utf-8")
    (tmp_path / "stops.csv").write_text(NO_STOPS, "utf-8")
    facts = tmp_path / "state" / "facts" / "f"
    facts.mkdir(parents=True)
    (tmp_path / "runs").mkdir()
    store.write_table(facts / "orders.parquet", pd.DataFrame({"customer_id": ["Anna-1", "b", "b"], "n": [1, 2, 3]}))
    return tmp_path


def test_suppress(project: Path):
    (project / "ids.txt").write_text("\ufeffb\n\nc\nb\n", "utf-8")
    done = typed(project, "suppress add", "--customer", "a", "--file", str(project / "ids.txt"), "--reason", "bounced")
    assert done.exit_code == 0
    assert done.output.startswith("3 of 3 are new in ")
    again = typed(project, "suppress add", "--customer", "a", "--json")
    assert json.loads(again.output) == {"asked": 1, "added": 0}
    typed(project, "suppress add", "--customer", "a", "--channel", "sms")
    assert typed(project, "suppress list").output == (
        "kind suppressed, channel all, entries 3\nkind suppressed, channel sms, entries 1\n"
    )
    held = json.loads(typed(project, "suppress list", "--customer", "c", "--json").output)
    assert [(each["kind"], each["reason"], each["entries"]) for each in held] == [("suppressed", "bounced", 1)]
    assert typed(project, "suppress list", "--customer", "nobody").output == "Nothing is held.\n"
    assert typed(project, "suppress verify").output.startswith("4 entries in 2 files of ")


def test_a_reason_tells_nobody(project: Path):
    for reason in ("mail of anna@example.org", "call 0170 5550123", "Anna-1 asked", "x" * 101):
        done = typed(project, "suppress add", "--customer", "Anna-1", "--reason", reason)
        assert done.exit_code == 2
        assert "--reason is kept for ever, so it must not hold personal data" in done.output
    assert "give --customer ID, or --file" in typed(project, "suppress add").output


def test_damage_is_one_line(project: Path, capsys):
    typed(project, "suppress add", "--customer", "a")
    change(project / "state" / "suppressions" / "000001.parquet")
    with pytest.raises(SystemExit) as end:
        main(["suppress", "verify", "--config", str(project / "winback.toml")])
    assert end.value.code == 1
    assert "is not as it was written: 000001.parquet was changed" in capsys.readouterr().err


def test_consent_of_one_and_of_all(project: Path):
    assert typed(project, "consent", "--customer", "a").output.splitlines()[:3] == [
        "may profile  yes", "may email    yes", "may sms      yes",
    ]  # fmt: skip
    assert json.loads(typed(project, "consent", "--customer", "nobody", "--json").output)["may_email"] is False
    with pytest.raises(Exception, match="nothing is published yet"):
        CliRunner().invoke(
            cli, ["consent", "--config", str(project / "winback.toml")], catch_exceptions=False, standalone_mode=False
        )


def test_forget(project: Path):
    done = typed(project, "forget", "--customer", "b", "--reason", "asked")
    assert done.exit_code == 0, done.output
    assert done.output.splitlines() == [
        "Erased 1 person from 1 files:",
        "  state/facts/f/orders.parquet: 2 rows removed",
        "Out of reach, to be done by hand:",
        "  [sources.orders] path orders.csv",
        "  [sources.consents] path consents.csv",
        "  [sources.suppressions] path stops.csv",
        "  lists and audiences that were uploaded or handed over: remove the person there, or send a removal list",
        "  backups of the project's folder, and copies that people made of lists",
    ]
    receipt = store.read_json(project / "state" / "suppressions" / "receipts" / "000001.json")
    assert (receipt["reason"], receipt["left"], len(receipt["people"])) == ("asked", [], 1)
    assert json.loads(typed(project, "consent", "--customer", "b", "--json").output)["may_profile"] is False


def test_a_restore_brings_nobody_back_for_long(project: Path):
    """Not even the table itself: the next `forget --restored` finds who was erased by their keyed hashes."""
    orders = project / "state" / "facts" / "f" / "orders.parquet"
    before = orders.read_bytes()
    assert typed(project, "forget", "--restored").output == "Nobody who was erased is back.\n"
    typed(project, "forget", "--customer", "b", "--customer", "Anna-1")
    orders.write_bytes(before)
    receipt = json.loads(typed(project, "forget", "--restored", "--json").output)
    assert [each["rows"] for each in receipt["files"]] == [3]
    assert store.read_table(orders).num_rows == 0
