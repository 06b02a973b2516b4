"""The declared features: complete, well named, and said in words that take numbers."""

from __future__ import annotations

import importlib.resources
import re
import string
import tomllib
from collections import Counter
from pathlib import Path
from typing import get_args

import pytest

from random_features import random_features
from winback.errors import ConfigError
from winback.facts.features.columns import FORMULAS
from winback.facts.features.declared import (
    Driver,
    Feature,
    Kind,
    available,
    builtin,
    declare,
    expand,
    in_language,
    named,
)
from winback.facts.features.feature import OF_TWO, Table
from winback.facts.features.ranges import limits
from winback.facts.features.streams import STREAMS
from winback.prove.history import COLUMNS, MOMENTS
from winback.prove.meanings import MEANINGS
from winback.prove.streams import STREAMS as TOLD_STREAMS

EVERYTHING = {source for f in builtin() for source in f.sources}
ORDERS = {"orders", "orders.discount", "orders.lines", "orders.quantity", "orders.channel"}
BY_NAME = {f.name: f for f in builtin()}
LANGUAGES = ("en", "ru", "zh")
CYRILLIC, CHINESE = re.compile("[\u0400-\u04ff]"), re.compile("[\u4e00-\u9fff]")
# The meaning of a feature, and so what no two of them may share.
MEANING = ("kind", "table", "measure", "of", "window", "lag", "q", "prior", "over", "under")

OF_N = ("since_nth", "spans", "last")


def quoted(sentence: str) -> set[str]:
    """The names in a sentence's braces."""
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


def said(name: str) -> list[Feature]:
    """A feature in each of the languages."""
    return [in_language([BY_NAME[name]], language)[0] for language in LANGUAGES]


def test_there_are_enough_of_them():
    """At least 120 where everything is mapped; enough of them from orders alone."""
    assert len(available(EVERYTHING, use="decisions")) == len(builtin()) >= 120
    assert len(available(EVERYTHING)) >= 120
    assert len(available({"orders"})) >= 60


def test_every_family_is_there():
    """What a person would ask a shop's history, by its cause."""
    assert {driver: count for driver, count in Counter(f.driver for f in builtin()).items() if count < 4} == {}
    assert {f.driver for f in builtin()} == set(get_args(Driver))


def test_names_are_unique_and_plain():
    names = [f.name for f in builtin()]
    assert len(set(names)) == len(names)
    assert [n for n in names if not re.fullmatch(r"[a-z][a-z0-9_]*", n)] == []
    assert not {"customer_id", "cutoff", "churned", "value"} & set(names)


def test_no_two_measure_the_same():
    alike = [
        (*[getattr(f, part) for part in MEANING], f.n if f.kind in OF_N else 1, *sorted(f.where.items()))
        for f in builtin()
    ]
    assert [meaning for meaning, count in Counter(alike).items() if count > 1] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_are_unique(language):
    labels = Counter(f.label for f in in_language(builtin(), language))
    assert [label for label, count in labels.items() if count > 1] == []


@pytest.mark.parametrize("feature", builtin(), ids=lambda f: f.name)
def test_a_feature_is_complete(feature):
    """It has a driver, a unit, a range, words and a formula; what it quotes is declared and at hand where it is."""
    assert feature.unit.strip()
    assert feature.kind in OF_TWO or feature.kind in FORMULAS
    low, high = limits(feature)
    assert low < high
    for told in said(feature.name):
        assert told.label.strip()
        assert not re.search(r"[{}]", told.name + told.label)
        others = quoted(told.sentence) - {"value"}
        assert others <= BY_NAME.keys()
        assert frozenset().union(*(BY_NAME[name].sources for name in others)) <= feature.sources | {"orders"}
        assert others == quoted(feature.sentence) - {"value"}
        assert bool(told.plain) == bool(feature.plain)


@pytest.mark.parametrize("feature", builtin(), ids=lambda f: f.name)
def test_words_are_of_their_language(feature):
    _, russian, chinese = said(feature.name)
    for words in (russian.label, russian.sentence, *([russian.plain] if russian.plain else [])):
        assert CYRILLIC.search(words)
        assert not CHINESE.search(words)
    for words in (chinese.label, chinese.sentence, *([chinese.plain] if chinese.plain else [])):
        assert CHINESE.search(words)
        assert not CYRILLIC.search(words)


@pytest.mark.parametrize("feature", builtin(), ids=lambda f: f.name)
def test_a_sentence_takes_numbers(feature):
    """The window is written out; every number of the customer's own appears; no brace is left."""
    numbers = dict.fromkeys(BY_NAME, 31.0) | {"value": 17.0}
    for told in said(feature.name):
        for words in filter(None, (told.sentence, told.plain)):
            spoken = words.format(**numbers)
            assert not re.search(r"[{}]|nan", spoken)
            assert ("1700%" if "%}" in words else "17") in spoken or "31" in spoken
    spoken = feature.sentence.format(**numbers)
    assert spoken[0].isupper() or spoken[0].isdigit() or spoken[0] == "+"
    assert feature.window is None or feature.lag or str(feature.window) in feature.name + feature.label + spoken


@pytest.mark.parametrize("feature", builtin(), ids=lambda f: f.name)
def test_a_sentence_bears_every_number(feature):
    for number in (0.0, -12.5, 1e12, 0.004, float("nan")):
        for told in said(feature.name):
            assert told.sentence.format(**dict.fromkeys(BY_NAME, number), value=number)


@pytest.mark.parametrize("language", ["ru", "zh"])
def test_a_language_replaces_the_words_alone(language):
    english = {f.name: f for f in builtin()}
    for f in in_language(builtin(), language):
        same = english[f.name]
        assert (f.kind, f.window, f.driver, f.unit) == (same.kind, same.window, same.driver, same.unit)
        assert f.sentence != same.sentence
    assert in_language(builtin(), "en") == builtin()


def test_a_feature_without_words_of_a_language_keeps_its_own():
    (feature,) = in_language(expand(PLAIN), "ru")
    assert feature.sentence == PLAIN["sentence"]


def test_windows_in_names_are_the_windows():
    read = {f.name: re.search(r"_(\d+)d$", f.name) for f in builtin() if f.kind not in OF_TWO and f.kind != "spans"}
    assert {name: int(found[1]) for name, found in read.items() if found} == {
        f.name: f.window for f in builtin() if f.window and f.kind != "spans"
    }


def test_every_kind_has_a_formula_and_a_meaning():
    assert set(get_args(Kind)) == {*FORMULAS, *OF_TWO} == {*MEANINGS, *OF_TWO}
    assert {f.kind for f in builtin()} == set(get_args(Kind))


def test_every_stream_is_known_to_all():
    """Declarations, the oracle and the random histories speak of the same streams and tables."""
    assert set(get_args(Table)) == set(STREAMS) == set(TOLD_STREAMS)
    assert {s.table for s in STREAMS.values()} == set(COLUMNS) == set(MOMENTS)
    assert {name: s.table for name, s in STREAMS.items()} == {name: t for name, (t, _) in TOLD_STREAMS.items()}


def test_every_kind_and_stream_is_explained():
    """The head of features.toml says what each kind means and names the streams."""
    text = importlib.resources.files("winback.facts.features").joinpath("features.toml").read_text("utf-8")
    head = text[: text.index("[[feature]]")]
    words = (*get_args(Kind), *get_args(Table), *Feature.__dataclass_fields__)
    untold = [word for word in words if not re.search(rf"\b{word}\b", head)]
    assert untold == ["unit", "label", "needs", "inputs"]


def test_the_set_of_the_benchmarks():
    """More than a hundred, from the columns of orders alone."""
    path = Path(__file__).parents[1] / "benchmarks" / "features_100.toml"
    features = declare(tomllib.loads(path.read_text("utf-8"))["feature"], path.name)
    assert len(features) >= 100
    assert frozenset().union(*(f.sources for f in features)) <= ORDERS


@pytest.mark.parametrize(
    ("sources", "present", "absent"),
    [
        (
            {"orders"},
            "orders_28d returns_90d gap_variation",
            "engagements_28d categories_28d discount_share_28d lines_28d",
        ),
        ({"orders", "events"}, "engagements_28d visits_per_order_90d", "categories_28d"),
        ({"orders", "order_categories"}, "categories_28d categories_per_order_28d", "engagements_28d"),
        ({"orders", "orders.discount"}, "discount_share_28d days_since_full_price_order", "lines_28d"),
        ({"orders", "orders.lines"}, "lines_28d lines_mean_28d", "discount_share_28d pieces_mean_90d"),
        ({"orders", "orders.channel"}, "channels_180d", "lines_28d"),
        ({"tickets"}, "tickets_90d", "ticket_topics_365d tickets_open orders_28d"),
        ({"tickets", "tickets.resolved_at"}, "tickets_open resolve_hours_last", "ticket_csat_last"),
        ({"subscriptions", "subscriptions.period"}, "days_until_renewal", "price_rises_365d"),
        ({"payments"}, "failed_payments_28d", "card_expires_in_days funds_declines_180d"),
        ({"contacts", "contacts.campaign"}, "", "contacts_28d campaigns_90d"),
        (set(), "", "orders_28d"),
    ],
)
def test_what_is_not_mapped_switches_its_features_off(sources, present, absent):
    names = {f.name for f in available(sources)}
    assert set(present.split()) <= names
    assert not set(absent.split()) & names


def test_contacts_are_for_decisions_only():
    """What we sent is never offered to a model of risk."""
    contacts = {f.name for f in builtin() if f.table == "contacts"}
    assert contacts == {f.name for f in builtin() if f.use == "decisions"}
    assert not contacts & {f.name for f in available(EVERYTHING)}
    assert contacts <= {f.name for f in available(EVERYTHING, use="decisions")}


def test_named_keep_the_declared_order():
    assert [f.name for f in named(["spend_28d", "orders_28d", "orders_7d"])] == ["orders_7d", "orders_28d", "spend_28d"]
    assert named([]) == ()
    assert named(BY_NAME) == builtin()


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
PLAIN = ENTRY | {"name": "x", "sentence": "{value:.0f}"}


def test_an_entry_declares_one_feature_a_window():
    short, long = expand(ENTRY | {"windows": [7, 90]})
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


def test_an_entry_declares_one_feature_a_lag():
    entry = ENTRY | {"name": "orders_{w}d_{lag}d_ago", "windows": [7, 28], "lag": [0, 364]}
    assert [(f.name, f.window, f.lag, f.reach) for f in expand(entry)] == [
        ("orders_7d_0d_ago", 7, 0, 7),
        ("orders_7d_364d_ago", 7, 364, 371),
        ("orders_28d_0d_ago", 28, 0, 28),
        ("orders_28d_364d_ago", 28, 364, 392),
    ]


def test_words_of_all_languages_are_written_out():
    words = {"label": "заказы за {w} дн.", "sentence": "{value:.0f} за {w} дн.", "plain": "за {w}"}
    (feature,) = expand(ENTRY | {"windows": [7], "ru": words, "zh": words})
    assert (feature.ru.label, feature.zh.sentence, feature.ru.plain) == (
        "заказы за 7 дн.",
        "{value:.0f} за 7 дн.",
        "за 7",
    )


def test_a_ratio_holds_what_it_is_made_of():
    half = ENTRY | {"name": "half_{w}d", "kind": "ratio", "over": "orders_{w}d", "under": "orders_28d", "windows": [7]}
    features = declare([ENTRY | {"windows": [7, 28]}, half], "x")
    assert [f.inputs for f in features] == [(), (), features[:2]]
    assert (features[2].name, features[2].window, features[2].sources) == ("half_7d", None, {"orders"})


def test_expanding_leaves_the_entry_alone():
    entry = ENTRY | {"windows": [7], "n": [1], "lag": [0], "where": {"channel": "web"}}
    kept = dict(entry)
    assert expand(entry) == expand(entry)
    assert entry == kept


def test_one_word_or_several():
    (one,), (two,) = (expand(PLAIN | {"where": {"channel": words}}) for words in ("web", ["web", "app"]))
    assert (one.where, two.where) == ({"channel": ("web",)}, {"channel": ("web", "app")})
    assert one.sources == {"orders", "orders.channel"}


def test_a_feature_is_a_key_and_has_a_source():
    feature = expand(PLAIN | {"where": {"channel": "web"}})[0]
    assert {feature: 1}[feature] == 1
    assert feature.source == "orders.channel"
    assert expand(PLAIN | {"needs": "orders.discount"})[0].source == "orders.discount"
    assert expand(PLAIN | {"table": "events"})[0].source == "events"
    assert BY_NAME["visits_per_order_90d"].source == "events"


@pytest.mark.parametrize("seed", range(20))
def test_what_can_be_declared_has_a_range(seed):
    """Whatever the declaration says, its range is not empty."""
    for feature in random_features(seed, 40):
        low, high = limits(feature)
        assert low < high


@pytest.mark.parametrize(
    ("told", "low", "high"),
    [
        ({}, 0, float("inf")),
        ({"measure": "spend"}, float("-inf"), float("inf")),
        ({"kind": "share", "measure": "weekend", "of": "rows", "windows": [7]}, 0, 1),
        ({"kind": "share", "measure": "discount", "of": "list_price", "windows": [7]}, float("-inf"), float("inf")),
        ({"kind": "mean", "measure": "hour", "windows": [7]}, 0, 23),
        ({"kind": "gap_mean"}, 1, float("inf")),
        ({"kind": "gap_mean", "low": 5.0, "high": 6.0}, 5, 6),
        ({"low": -float("inf")}, float("-inf"), float("inf")),
        ({"kind": "last", "table": "subscriptions", "measure": "auto_renew"}, 0, 1),
        ({"kind": "acceleration", "windows": [7]}, float("-inf"), float("inf")),
    ],
)
def test_ranges(told, low, high):
    (feature,) = expand(PLAIN | told)
    assert limits(feature) == (low, high)
