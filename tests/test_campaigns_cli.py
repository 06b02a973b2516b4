"""winback campaigns: what was assigned, what it can show, and who said yes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import nights
from winback import store
from winback.cli import main

CONFIG = """
[project]
currency = "EUR"

[sources.orders]
path = "orders.csv"
columns = { customer_id = "customer_id", ordered_at = "ordered_at", amount = "amount" }
"""
FIRST, THIRD = "inactivity-28d-2026-02-15", "inactivity-28d-2026-02-17"
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which three nights were launched; a mail of the third night needs approval."""
    root = tmp_path_factory.mktemp("launched")
    (root / "winback.toml").write_text(CONFIG, "utf-8")
    for number in range(3):
        nights.run(root, number)
    decisions = root / "runs" / nights.run_id(2) / "decisions.parquet"
    store.write_table(decisions, store.read_table(decisions).to_pandas().assign(needs_approval=True))
    return root


@pytest.fixture
def call(
    launched: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Call `winback campaigns` in the project: exit code, what it printed, and what it said besides."""
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.chdir(launched)

    def called(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["campaigns", *words])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), "\n".join(line.rstrip() for line in out.splitlines()), err

    return called


def test_the_list(call: Call) -> None:
    code, out, _ = call()
    assert (code, out) == (0, LIST.strip("\n"))
    assert call("list")[1] == out
    rows = json.loads(call("list", "--json")[1])
    assert [row["campaign"] for row in rows][::2] == [FIRST, THIRD]
    assert rows[2]["waiting"] == ["mail"]


LIST = """
Campaigns
campaign                   listed  treated  held out  acted on  waits for approval
inactivity-28d-2026-02-15      21       15         6        15
inactivity-28d-2026-02-16      20       15         5        15
inactivity-28d-2026-02-17      20       14         6        14                mail
"""


def test_one_campaign(call: Call) -> None:
    code, out, _ = call("show", THIRD)
    assert (code, out) == (0, SHOWN.rstrip("\n"))
    assert call("show")[1] == out
    told = json.loads(call("show", "--json")[1])
    assert told["actions"][0]["treated"] + told["actions"][0]["held_out"] == told["listed"]


SHOWN = """
Campaign inactivity-28d-2026-02-17

20 listed: 14 treated, 6 held out (3 everywhere, 3 of this campaign).
It can show a fall of 54.0 points in the chance to leave (from 55.7%), or 69.89 EUR a customer, four times in
five. The held-out are so few that this is a rough guess.

Actions
action  treated  held out  cost of contact EUR  net gain EUR
mail         14         6                 1.40         21.00
entered: 1 (1 risk rose)
stayed: 19 (19 at risk)
left: 1 (1 risk fell)
approval of mail for 14 customers: waiting
"""


def test_a_campaign_that_is_not_there(call: Call) -> None:
    assert call("show", "x-2026-02-15") == (
        1,
        "",
        "Error: no campaign is called 'x-2026-02-15'; assigned are inactivity-28d-2026-02-15, "
        "inactivity-28d-2026-02-16, inactivity-28d-2026-02-17. `winback campaigns list` shows all.\n",
    )


def test_power_of_a_planned_list(call: Call) -> None:
    words = ("--customers", "620", "--base-rate", "0.4", "--fall", "0.05", "--new-a-week", "150")
    code, out, _ = call("power", *words)
    assert (code, out) == (0, POWER.strip("\n"))
    told = json.loads(call("power", *words, "--json")[1])
    assert told["customers_needed"] == 8090
    assert told["weeks"] == 51


POWER = """
620 customers of whom 40.0% would leave
held out       customers held out  smallest fall to be seen, points
5.0%                           31                              21.8
10.0% (yours)                  62                              16.8
20.0%                         124                              13.0
50.0%                         310                              10.7
To see a fall of 5.0 points, 8,090 customers must be listed: pool 51 weeks of lists.
"""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--customers", "100", "--held-out", "0", "--fall", "0.1"),
            "With 0.0% held out a fall of 10.0 points from 50.0%",
        ),
        (("--customers", "100", "--fall", "0.1"), "customers must be listed: at this pace ten years would not do."),
        (("--customers", "9000", "--fall", "0.1"), "customers must be listed: one list shows it."),
        (("--customers", "60"), "The held-out are so few that these are rough guesses."),
        ((FIRST,), " (yours)"),
    ],
)
def test_power_says(call: Call, words: tuple[str, ...], said: str) -> None:
    code, out, _ = call("power", *words)
    assert code == 0
    assert said in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("power", FIRST, "--customers", "3"), "name a campaign or --customers, not both"),
        (("power", "--customers", "3", "--base-rate", "1"), "--base-rate must lie between 0 and 1"),
        (("approve", "mail", "--by", "D", "--reason", "r"), "write the campaign and the action, such as"),
        (("--json", "list"), "write the options after the verb: winback campaigns list ..."),
    ],
)
def test_what_cannot_be_asked(call: Call, words: tuple[str, ...], said: str) -> None:
    code, out, err = call(*words)
    assert (code, out) == (2, "")
    assert said in " ".join(err.split())


def test_yes_and_no(call: Call) -> None:
    said = ("--by", "Dana, CRM", "--reason", "fits")
    assert call("approve", f"{THIRD}/mail", *said) == (0, f"mail of {THIRD} is approved.", "")
    assert json.loads(call("show", "--json")[1])["approvals"][0]["said"] == "approved"
    assert call("reject", "inactivity-28d/mail", *said) == (0, "mail of inactivity-28d is rejected.", "")
    assert "approval of mail for" in (shown := call("show")[1])
    assert "customers: approved by Dana, CRM: fits" in shown
    code, _, err = call("approve", f"{FIRST}/mail", *said)
    assert (code, err) == (1, f"Error: campaign {FIRST} has no action 'mail' that needs approval; it has none.\n")
    assert call("reject", f"{THIRD}/mail", *said)[0] == 0


def test_before_the_first(tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "winback.toml").write_text(CONFIG, "utf-8")
    monkeypatch.chdir(tmp_path)
    assert call() == (0, "No campaign was launched yet; `winback run --date YYYY-MM-DD` launches one.", "")
    assert call("show")[2] == "Error: no campaign was launched yet; `winback run --date YYYY-MM-DD` launches one.\n"
