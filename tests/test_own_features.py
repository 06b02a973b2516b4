"""Features that a project declares itself: listed, proved and measured by `winback features`, and computed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from winback.cli.features import command
from winback.config import load
from winback.errors import ConfigError
from winback.facts.features.declared import builtin, own_features

# Nine lines: what the development guide promises.
WEB = """
[[feature]]
name = "web_orders_{w}d"
kind = "total"
where = { channel = "web" }
windows = [28, 90]
driver = "habits"
unit = "orders"
label = "orders on the web in the last {w} days"
sentence = "{value:.0f} orders on the web in the last {w} days"
"""
SHARE = """
[[feature]]
name = "web_share_90d"
kind = "ratio"
over = "web_orders_90d"
under = "orders_90d"
driver = "habits"
unit = "share"
label = "share of orders on the web, last 90 days"
sentence = "{value:.0%} of the orders of the last 90 days came over the web"
ru = { label = "доля заказов на сайте за 90 дн.", sentence = "Доля заказов на сайте за последние 90 дн.: {value:.0%}" }
"""
CONFIG = """
[project]
language = "ru"
[sources.orders]
path = "orders.csv"
columns = { customer_id = "who", ordered_at = "at", amount = "paid", channel = "by" }
[features]
files = ["web.toml", "share.toml"]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in {"web.toml": WEB, "share.toml": SHARE, "winback.toml": CONFIG}.items():
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def call(*words: str | Path) -> Result:
    return CliRunner().invoke(command, [str(word) for word in words], catch_exceptions=False)


def test_the_example_of_the_guide_is_this_one():
    guide = Path(__file__).parents[1] / "docs" / "development.md"
    assert WEB.strip() in guide.read_text("utf-8")
    assert len(WEB.strip().splitlines()) < 10


def test_a_later_file_may_build_on_an_earlier_one(project):
    features = own_features(load(project / "winback.toml").features.files, project)
    assert [f.name for f in features] == ["web_orders_28d", "web_orders_90d", "web_share_90d"]
    assert [f.name for f in features[2].inputs] == ["web_orders_90d", "orders_90d"]
    assert features[2].sources == {"orders", "orders.channel"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "{path} declares no feature. Each one starts with a line [[feature]]."),
        ("[[features]]\nname = 'x'", "{path} cannot be used:\n  features: unknown key. Did you mean 'feature'?"),
        ("feature = 3", "{path} declares no feature. Each one starts with a line [[feature]]."),
        (WEB.replace("total", "totl"), "feature 'web_orders_{w}d': no kind is called 'totl'. Did you mean 'total'?"),
        (
            WEB.replace("channel", "chanel"),
            "feature 'web_orders_{w}d': rows of orders cannot be chosen by 'chanel' in `where`. "
            "Did you mean 'channel'?",
        ),
        (
            WEB.replace("web_orders", "orders"),
            "{path}: two features are called 'orders_28d'; every name must be its own.",
        ),
    ],
)
def test_a_file_that_cannot_be_used_says_why(text, message, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        own_features(["mine.toml"], tmp_path)
    assert str(caught.value) == message.replace("{path}", str(path))


def test_a_file_that_is_not_there_says_so(tmp_path):
    with pytest.raises(ConfigError, match="no file "):
        own_features(["mine.toml"], tmp_path)


def test_they_are_listed_after_the_others_in_the_projects_language(project):
    lines = call("--config", project / "winback.toml").output.splitlines()
    assert [line.split()[0] for line in lines[-3:]] == ["web_orders_28d", "web_orders_90d", "web_share_90d"]
    assert len(lines) == len(builtin()) + 3
    label = builtin()[0].ru.label
    assert lines[0] == f"days_since_last_order           orders                    recency      {label} (days)"
    assert lines[-1].endswith("доля заказов на сайте за 90 дн. (share)")
    assert lines[-2].endswith("orders on the web in the last 90 days (orders)")


def test_they_are_listed_as_plain_values():
    told = json.loads(call("--json").output)
    first = next(row for row in told if row["name"] == "weekend_share_90d")
    assert (first["low"], first["high"], first["sources"]) == (0.0, 1.0, ["orders"])
    assert "inputs" not in first


def test_a_file_is_proved(project):
    done = call("--prove", project / "web.toml", "--logs", "16")
    assert done.output.splitlines() == [
        "web_orders_28d                  holds on 16 random histories: oracle, range, 7 relations",
        "web_orders_90d                  holds on 16 random histories: oracle, range, 7 relations",
    ]
    assert done.exit_code == 0


def test_a_feature_that_fails_is_told_and_ends_in_exit_code_1(project):
    """Its range is too narrow: more than one order on the web happens."""
    (project / "web.toml").write_text(WEB + "high = 1.0\n", "utf-8")
    done = call("--prove", project / "web.toml", "--logs", "16")
    assert done.exit_code == 1
    assert done.output.startswith("web_orders_28d                  FAILS: range; first (seed ")
    assert " is not within 0 to 1" in done.output
    faults = json.loads(call("--prove", project / "web.toml", "--logs", "16", "--json").output)
    assert {fault["check"] for fault in faults} == {"range"}


def test_measuring_needs_a_project():
    done = call("--cost")
    assert done.exit_code == 2
    assert "--cost and --ablation look at a project's facts: give --config and --date." in done.output
