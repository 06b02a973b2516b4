"""What a declaration may not say, and what it is told then."""

from __future__ import annotations

import pytest

from test_declared import PLAIN
from winback.errors import ConfigError
from winback.facts.features.declared import builtin, declare, expand


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"kind": "totl"}, "no kind is called 'totl'. Did you mean 'total'?"),
        ({"table": "ticket"}, "no table is called 'ticket'. Did you mean 'tickets'?"),
        ({"driver": "frequncy"}, "no driver is called 'frequncy'. Did you mean 'frequency'?"),
        ({"measure": "spent"}, "orders has no measure 'spent'. Did you mean 'spend'?"),
        (
            {"table": "surveys", "measure": "points"},
            "surveys has no measure 'points'. Known: rows, active_days, score.",
        ),
        ({"kind": "share", "of": "row"}, "orders has no measure 'row'. Did you mean 'rows'?"),
        (
            {"where": {"chanel": "web"}},
            "rows of orders cannot be chosen by 'chanel' in `where`. Did you mean 'channel'?",
        ),
        (
            {"table": "order_products", "where": {"category": "tea"}},
            "rows of order_products cannot be chosen by 'category' in `where`. Known: none.",
        ),
        (
            {"table": "contacts"},
            "contacts are made by us, and to whom we write depends on the risk we saw: a model that saw them would "
            'learn our own habits. Write use = "decisions".',
        ),
        ({"kind": "trend"}, "kind 'trend' needs a window in days: windows = [28]."),
        (
            {"kind": "since_first", "windows": [7]},
            "kind 'since_first' looks at all the past and has no window (came: 7).",
        ),
        ({"windows": [0]}, "a window has 1 to 3570 days (came: 0)."),
        ({"windows": [3571]}, "a window has 1 to 3570 days (came: 3571)."),
        ({"lag": 7}, "a lag is days between a window and the cutoff, 0 or more, and needs a window (came: 7)."),
        (
            {"windows": [7], "lag": -1},
            "a lag is days between a window and the cutoff, 0 or more, and needs a window (came: -1).",
        ),
        (
            {"kind": "rate", "windows": [7], "lag": 1},
            "kind 'rate' counts by what was seen of the window up to the cutoff and has no lag (came: 1).",
        ),
        ({"kind": "since_nth", "n": 0}, "n counts from 1 (came: 0)."),
        ({"kind": "overdue", "q": 1.5}, "q is a share, 0..1 (came: 1.5)."),
        ({"kind": "overdue_prior", "prior": -1.0}, "prior is a number of days, 0 or more (came: -1.0)."),
        ({"low": 2.0, "high": 1.0}, "low = 2.0 is above high = 1.0."),
        ({"kind": "ratio"}, "kind 'ratio' needs two other features by name: over = ..., under = ..."),
        ({"over": "x", "under": "y"}, "over and under belong to the kinds ratio and difference."),
        ({"kind": "share"}, "`of` is the measure that a share is of; a share needs one, no other kind has one."),
        ({"of": "rows"}, "`of` is the measure that a share is of; a share needs one, no other kind has one."),
        (
            {"kind": "distinct", "table": "surveys"},
            "rows of surveys have no column whose different values could be counted.",
        ),
        ({"kind": "last"}, "kind 'last' reads a number of single rows: give it a measure other than 'rows'."),
        ({"kind": "until_renewal"}, "kind 'until_renewal' is of table 'subscriptions' only (came: 'orders')."),
        (
            {"kind": "days_until", "table": "card_expiries"},
            "kind 'days_until' and measure 'expires_day' belong together: neither means anything without the other.",
        ),
        (
            {"where": {"discounted": 1}, "measure": "spend"},
            "what was recorded later of an order does not say whether the order had a discount: with `where` by "
            "discounted, measure rows or active_days (came: 'spend').",
        ),
        (
            {"name": "x_{w}d"},
            "a name is small letters, digits and _, and none of customer_id, cutoff, churned, value. {w} in it needs "
            "windows = [28].",
        ),
        (
            {"name": "cutoff"},
            "a name is small letters, digits and _, and none of customer_id, cutoff, churned, value.",
        ),
        ({"inputs": []}, "inputs are found by name: over = ..., under = ..."),
    ],
)
def test_what_means_nothing_is_refused(told, message):
    with pytest.raises(ConfigError) as caught:
        expand(PLAIN | told)
    assert str(caught.value) == f"feature {told.get('name', 'x')!r}: {message}"


def test_an_unknown_key_is_refused():
    with pytest.raises(ConfigError) as caught:
        expand(PLAIN | {"knd": "total"})
    assert str(caught.value) == "feature 'x' cannot be used:\n  knd: unknown key. Did you mean 'kind'?"


HALF = PLAIN | {"name": "half", "kind": "ratio", "over": "orders_7d", "under": "orders_28d"}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (
            [PLAIN | {"name": "orders_28d"}],
            "mine.toml: two features are called 'orders_28d'; every name must be its own.",
        ),
        ([HALF, HALF], "mine.toml: two features are called 'half'; every name must be its own."),
        (
            [HALF | {"over": "order_7d"}],
            "feature 'half' is made of a feature that is none, 'order_7d'. Did you mean 'orders_7d'?",
        ),
        (
            [HALF | {"over": "gap_variation"}],
            "feature 'half': 'gap_variation' is itself made of two features; name those with a kind of rows.",
        ),
        (
            [HALF | {"under": "contacts_28d"}],
            "feature 'half': 'contacts_28d' is for decisions only, so this one is: use = \"decisions\".",
        ),
        (
            [HALF | {"sentence": "{value} of {order_28d}"}],
            "feature 'half': its sentence quotes a feature that is none, 'order_28d'. Did you mean 'orders_28d'?",
        ),
    ],
)
def test_what_does_not_go_with_the_others_is_refused(entries, message):
    with pytest.raises(ConfigError) as caught:
        declare(entries, "mine.toml", builtin())
    assert str(caught.value) == message


def test_what_goes_with_the_others_is_taken():
    (half,) = declare([HALF], "mine.toml", builtin())
    assert [part.name for part in half.inputs] == ["orders_7d", "orders_28d"]
