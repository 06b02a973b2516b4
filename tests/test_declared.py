"""The declared features: complete, well named, and said in words that take numbers."""

from __future__ import annotations

import importlib.resources
import re
import string
from typing import get_args

import pytest

from winback.errors import ConfigError
from winback.facts.columns import FORMULAS
from winback.facts.declared import Driver, Feature, Kind, available, builtin, expand, named

EVERYTHING = {"orders", "orders.discount", "orders.lines", "order_categories", "events"}
NAMES = {f.name for f in builtin()}


def quoted(sentence: str) -> set[str]:
    """The names in a sentence's braces."""
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


def test_there_are_enough_of_them():
    """At least 60 where everything is mapped; more than half of them from orders alone."""
    assert len(available(EVERYTHING)) == len(builtin()) >= 60
    assert len(available({"orders"})) >= 45


def test_names_are_unique_and_plain():
    names = [f.name for f in builtin()]
    assert len(set(names)) == len(names)
    assert [n for n in names if not re.fullmatch(r"[a-z][a-z0-9_]*", n)] == []
    assert not {"customer_id", "cutoff", "churned", "value"} & set(names)


def test_no_two_measure_the_same():
    alike = [(f.kind, f.table, f.measure, f.of, f.window, f.n if f.kind == "since_nth" else 1, f.q) for f in builtin()]
    assert len(set(alike)) == len(alike)


def test_labels_are_unique():
    labels = [f.label for f in builtin()]
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize("feature", builtin(), ids=lambda f: f.name)
def test_a_feature_is_complete(feature):
    """It has a driver, a unit, a label and a formula; what it quotes is declared and at hand where it is."""
    assert feature.driver in get_args(Driver)
    assert feature.unit.strip()
    assert feature.label.strip()
    assert not re.search(r"[{}]", feature.name + feature.label)
    assert feature.kind == "distinct" or feature.kind in FORMULAS
    others = quoted(feature.sentence) - {"value"}
    assert others <= NAMES
    assert {f.source for f in named(others)} <= {"orders", feature.source}


@pytest.mark.parametrize("feature", builtin(), ids=lambda f: f.name)
def test_a_sentence_takes_numbers(feature):
    """The window is written out; every number of the customer's own appears; no brace is left."""
    numbers = dict.fromkeys(NAMES, 31.0) | {"value": 17.0}
    said = feature.sentence.format(**numbers)
    assert said
    assert not re.search(r"[{}]|nan", said)
    assert said[0].isupper() or said[0].isdigit()
    assert ("1700%" if feature.unit == "share" else "17") in said or "31" in said
    assert feature.window is None or str(feature.window) in feature.name + feature.label + said


@pytest.mark.parametrize("feature", builtin(), ids=lambda f: f.name)
def test_a_sentence_bears_every_number(feature):
    for number in (0.0, -12.5, 1e12, 0.004, float("nan")):
        assert feature.sentence.format(**dict.fromkeys(NAMES, number), value=number)


def test_windows_in_names_are_the_windows():
    said = {f.name: re.search(r"_(\d+)d$", f.name) for f in builtin()}
    assert {name: int(found[1]) for name, found in said.items() if found} == {
        f.name: f.window for f in builtin() if f.window
    }


def test_every_driver_is_in_use_and_every_kind_has_a_formula():
    assert {f.driver for f in builtin()} == set(get_args(Driver))
    assert set(get_args(Kind)) == {*FORMULAS, "distinct"}


def test_every_kind_is_explained():
    """The head of features.toml says what each kind means."""
    text = importlib.resources.files("winback.facts").joinpath("features.toml").read_text("utf-8")
    head = text[: text.index("[[feature]]")]
    assert [kind for kind in get_args(Kind) if not re.search(rf"\b{kind}\b", head)] == []


@pytest.mark.parametrize(
    ("sources", "present", "absent"),
    [
        ({"orders"}, "orders_28d", "engagements_28d categories_28d discount_share_28d lines_28d"),
        ({"orders", "events"}, "engagements_28d", "categories_28d"),
        ({"orders", "order_categories"}, "categories_28d categories_per_order_28d", "engagements_28d"),
        ({"orders", "orders.discount"}, "discount_share_28d discounted_orders_share_28d", "lines_28d"),
        ({"orders", "orders.lines"}, "lines_28d lines_mean_28d", "discount_share_28d"),
        (set(), "", "orders_28d"),
    ],
)
def test_what_is_not_mapped_switches_its_features_off(sources, present, absent):
    names = {f.name for f in available(sources)}
    assert set(present.split()) <= names
    assert not set(absent.split()) & names


def test_named_keep_the_declared_order():
    assert [f.name for f in named(["spend_28d", "orders_28d", "orders_7d"])] == [
        "orders_7d",
        "orders_28d",
        "spend_28d",
    ]
    assert named([]) == ()
    assert named(NAMES) == builtin()


def test_an_unknown_name_is_an_error():
    with pytest.raises(ConfigError) as caught:
        named(["orders_28d", "oders_28d", "zzz"])
    assert str(caught.value) == "no feature is declared as 'oders_28d'; `winback features` lists them all."


ENTRY = {
    "name": "orders_{w}d",
    "kind": "total",
    "driver": "frequency",
    "unit": "orders",
    "label": "orders in {w} days",
    "sentence": "{value:.0f} in {w} days",
}


def test_an_entry_declares_one_feature_a_window():
    short, long = expand(ENTRY | {"measure": "orders", "windows": [7, 90]})
    assert (short.name, short.label, short.sentence, short.window) == (
        "orders_7d",
        "orders in 7 days",
        "{value:.0f} in 7 days",
        7,
    )
    assert (long.name, long.window, long.table, long.source) == ("orders_90d", 90, "orders", "orders")


def test_an_entry_declares_one_feature_an_n():
    entry = ENTRY | {"name": "since_{n}", "kind": "since_nth"}
    assert [(f.name, f.n, f.window) for f in expand(entry | {"n": [2, 5]})] == [
        ("since_2", 2, None),
        ("since_5", 5, None),
    ]
    assert [f.n for f in expand(entry | {"n": 3})] == [3]


def test_expanding_leaves_the_entry_alone():
    entry = ENTRY | {"windows": [7], "n": [1]}
    kept = dict(entry)
    assert expand(entry) == expand(entry)
    assert entry == kept


@pytest.mark.parametrize("wrong", [{"knid": "total"}, {"kind": "sum"}, {"driver": "luck"}, {"table": "tickets"}])
def test_an_entry_with_an_unknown_word_is_refused(wrong):
    with pytest.raises(ConfigError, match=re.escape("feature 'orders_{w}d'")):
        expand(ENTRY | wrong)


def test_a_source_is_the_table_or_what_is_needed():
    feature = expand(ENTRY)[0]
    assert isinstance(feature, Feature)
    assert feature.source == "orders"
    assert expand(ENTRY | {"needs": "orders.discount"})[0].source == "orders.discount"
    assert expand(ENTRY | {"table": "events"})[0].source == "events"
