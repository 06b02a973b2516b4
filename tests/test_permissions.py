"""Who may be scored and contacted, by literal records; histories at random are in test_consent_histories."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from winback import config, store
from winback.config import Source, Sources
from winback.consent.changes import changed_since, digest, movements, still_permitted
from winback.consent.gate import permitted
from winback.consent.ledger import ledger_of
from winback.consent.permissions import COLUMNS, permissions
from winback.consent.recorded import recorded
from winback.consent.words import CHANNELS
from winback.errors import ConfigError
from winback.facts.intake.ingest import ingest
from winback.limits import Consent

AS_OF = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
STRICT, ELSEWHERE = Consent(), Consent(kept_elsewhere=True)


def day(number: int) -> pd.Timestamp:
    """A moment so many days after AS_OF."""
    return pd.Timestamp(AS_OF) + pd.Timedelta(days=number)


def consents(*rows: tuple) -> pd.DataFrame:
    """Rows of channel, purpose, status, recorded_at of the customer "a"."""
    frame = pd.DataFrame(rows, columns=["channel", "purpose", "status", "recorded_at"], dtype="object")
    return frame.assign(customer_id="a")


def suppressions(*rows: tuple) -> pd.DataFrame:
    """Rows of channel, recorded_at of the customer "a"."""
    return pd.DataFrame(rows, columns=["channel", "recorded_at"], dtype="object").assign(customer_id="a")


def may(rows: pd.DataFrame | None, blocked: pd.DataFrame | None = None, settings: Consent = STRICT) -> set[str]:
    """What the customer "a" may: `profile` and channels."""
    found = permissions(rows, blocked, AS_OF, settings, ["a"]).iloc[0]
    return {name.removeprefix("may_") for name in COLUMNS if found[name]}


GRANT = ("email", "marketing", "granted", day(-30))
NOT_ADS = set(CHANNELS) - {"ads"}


@pytest.mark.parametrize(
    ("rows", "allowed"),
    [
        ([], {"profile"}),
        ([GRANT], {"profile", "email"}),
        ([("any", "marketing", "granted", day(-1))], {"profile", *NOT_ADS}),
        ([("any", "any", "granted", day(-1))], {"profile", *CHANNELS}),
        ([GRANT, ("email", "marketing", "withdrawn", day(-29))], {"profile"}),
        ([GRANT, ("email", "marketing", "objected", day(-29))], {"profile"}),
        ([GRANT, ("email", "marketing", "unknown", day(-29))], {"profile"}),
        ([GRANT, ("email", "marketing", "withdrawn", day(-31))], {"profile", "email"}),
        ([GRANT, ("email", "marketing", "withdrawn", day(-30))], {"profile"}),
        ([GRANT, ("email", "marketing", "unknown", day(-30))], {"profile"}),
        ([GRANT, ("sms", "marketing", "withdrawn", day(-1))], {"profile", "email"}),
        ([GRANT, ("any", "marketing", "withdrawn", day(-1))], set()),
        ([GRANT, ("any", "marketing", "unknown", day(-1))], {"profile"}),
        ([GRANT, ("any", "marketing", "withdrawn", day(-31))], {"email"}),
        ([GRANT, ("any", "profiling", "objected", day(-31))], {"email"}),
        ([GRANT, ("email", "profiling", "objected", day(-1))], {"email"}),
        ([("any", "profiling", "objected", day(-2)), ("email", "profiling", "granted", day(-1))], set()),
        ([("any", "profiling", "objected", day(-2)), ("any", "profiling", "granted", day(-1))], {"profile"}),
        ([("any", "profiling", "objected", day(-2)), ("any", "marketing", "granted", day(-1))], NOT_ADS),
        ([GRANT, ("email", "marketing", "withdrawn", day(0))], {"profile"}),
        ([GRANT, ("email", "marketing", "withdrawn", day(1))], {"profile", "email"}),
        ([("email", "marketing", "granted", day(0))], {"profile", "email"}),
        ([("email", "marketing", "granted", day(1))], {"profile"}),
        ([("email", "marketing", "granted", None)], {"profile"}),
        ([("email", "marketing", "granted", "not a date")], {"profile"}),
        ([("email", "marketing", "granted", day(0)), ("email", "marketing", "withdrawn", None)], {"profile"}),
        ([("email", "service", "granted", day(-1))], {"profile"}),
        ([GRANT, ("email", "service", "withdrawn", day(-1))], {"profile", "email"}),
        ([GRANT, ("carrier pigeon", "marketing", "withdrawn", day(-1))], set()),
        ([("carrier pigeon", "marketing", "granted", day(-1))], {"profile"}),
        ([("email", "newsletter", "granted", day(-1))], {"profile"}),
        ([GRANT, ("email", "newsletter", "withdrawn", day(-1))], set()),
        ([("phone", "marketing", "granted", day(-1))], {"profile", "call"}),
        ([("sms", "marketing", "granted", day(-2)), ("phone", "marketing", "withdrawn", day(-1))], {"profile"}),
        ([("mail", "marketing", "granted", day(-1))], {"profile"}),
        ([GRANT, ("mail", "marketing", "withdrawn", day(-1))], {"profile"}),
    ],
)
def test_records_of_one_customer(rows, allowed):
    assert may(consents(*rows)) == allowed


ODD = (
    None, np.nan, pd.NaT, pd.NA, "", " ", "\t", "-", "?", "unknown", "UNKNOWN", "Unknown ", "n/a", "N/A", "NA", "NULL",
    "null", "None", "nan", "NaN", "<NA>", "yes", "Yes", "y", "Y", "true", "True", True, "t", "1", 1, 1.0, "on", "ok",
    "opt-in", "optin", "opted in", "subscribed", "active", "accepted", "consented", "given", "grant", "granted?",
    "gr anted", "not granted", "granted, withdrawn", "granted;", "'granted'", '"granted"', "granted\u200b",
    "gr\u0430nted", "pending", "0", 0, "false", False, "no", "N",
    "opt-out", "unsubscribed", "withdrawn", "objected", "revoked", "expired",
    "ja", "да", "是", b"granted",
)  # fmt: skip


@pytest.mark.parametrize("settings", [STRICT, Consent(opt_out_channels=("post",))], ids=["strict", "opt-out"])
def test_nothing_but_granted_permits(settings):
    """Neither alone nor after a grant; and on a channel of opting out only a plain 'unknown' is no objection."""
    alone = [(f"alone {n}", channel, word) for n, word in enumerate(ODD) for channel in ("email", "post")]
    after = [(f"after {n}", "email", word) for n, word in enumerate(ODD)]
    granted = [(who, channel, "granted", day(-30)) for who, channel, _ in after]
    rows = [(*row, day(-1)) for row in alone + after] + granted
    frame = pd.DataFrame(rows, columns=["customer_id", "channel", "status", "recorded_at"], dtype="object")
    ids = frame["customer_id"].unique()
    found = permissions(frame.assign(purpose="marketing"), None, AS_OF, settings, ids).set_index("customer_id")
    assert len(ODD) >= 40
    assert not found["may_email"].any()
    unknown = [isinstance(word, str) and word.strip().lower() == "unknown" for word in ODD]
    assert [found.loc[f"alone {n}", "may_post"] for n in range(len(ODD))] == [
        bool(settings.opt_out_channels) and is_unknown for is_unknown in unknown
    ]


@pytest.mark.parametrize("status", ["granted", "Granted", "GRANTED", " granted ", "granted\t"])
def test_granted_is_granted_however_it_is_written(status):
    assert "email" in may(consents(("email", "marketing", status, day(-1))))


@pytest.mark.parametrize("channel", ["email", "E-Mail", "e_mail", " EMAIL ", "e mail", "\uff45mail", "emails"])
def test_channel_is_known_however_it_is_written(channel):
    assert may(consents((channel, "Marketing", "granted", day(-1)))) == {"profile", "email"}


@pytest.mark.parametrize("channel", [None, np.nan, "", "?", "emial", "email, sms", "no email", 5])
def test_what_is_no_channel_permits_nothing_and_forbids_all(channel):
    assert may(consents((channel, "marketing", "granted", day(-1)))) == {"profile"}
    assert may(consents(GRANT, (channel, "marketing", "withdrawn", day(-1)))) == set()


@pytest.mark.parametrize("purpose", [None, np.nan, "", "?", "marketing, service", 5])
def test_what_is_no_purpose_permits_nothing_and_forbids_all(purpose):
    assert may(consents(("email", purpose, "granted", day(-1)))) == {"profile"}
    assert may(consents(GRANT, ("email", purpose, "withdrawn", day(-1)))) == set()


def test_old_grants_count_as_unknown():
    settings = Consent(max_age_days=30)
    assert may(consents(GRANT), settings=settings) == {"profile", "email"}
    older = ("email", "marketing", "granted", day(-30) - pd.Timedelta(microseconds=1))
    assert may(consents(older), settings=settings) == {"profile"}
    again = [("post", "marketing", "objected", day(-60)), ("post", "marketing", "granted", day(-50))]
    taken_back = Consent(opt_out_channels=("post",))
    assert "post" in may(consents(*again), settings=taken_back)
    assert "post" not in may(consents(*again), settings=Consent(opt_out_channels=("post",), max_age_days=30))


AD_DATA, AD_PERSONAL = (("ads", f"ad_{what}", "granted", day(-9)) for what in ("user_data", "personalization"))


@pytest.mark.parametrize(
    ("rows", "settings", "allowed"),
    [
        ([AD_DATA, AD_PERSONAL], STRICT, True),
        ([AD_DATA], STRICT, False),
        ([AD_PERSONAL, ("ads", "marketing", "granted", day(-9))], STRICT, False),
        ([AD_DATA, AD_PERSONAL, ("any", "marketing", "objected", day(-10))], STRICT, False),
        ([AD_DATA, AD_PERSONAL, ("ads", "ad_user_data", "withdrawn", day(-1))], STRICT, False),
        ([("ads", "marketing", "granted", day(-9))], Consent(ads_purposes=("marketing",)), True),
        ([("email", "marketing", "granted", day(-9))], Consent(ads_purposes=("marketing",)), False),
        ([], Consent(opt_out_channels=("ads",)), True),
        ([("ads", "ad_user_data", "withdrawn", day(-1))], Consent(opt_out_channels=("ads",)), False),
        ([("any", "marketing", "withdrawn", day(-1))], Consent(opt_out_channels=("ads",)), False),
    ],
)
def test_audiences_need_all_their_purposes(rows, settings, allowed):
    assert ("ads" in may(consents(*rows), settings=settings)) == allowed


@pytest.mark.parametrize(
    ("rows", "allowed"),
    [
        ([], {"profile", *CHANNELS}),
        ([("email", "marketing", "unknown", day(-1))], {"profile", *CHANNELS}),
        ([("email", "marketing", "withdrawn", day(-1))], {"profile", *CHANNELS} - {"email"}),
        ([("email", "marketing", "withdrawn", day(-2)), ("email", "marketing", "unknown", day(-1))],
         {"profile", *CHANNELS} - {"email"}),
        ([("email", "marketing", "withdrawn", day(-2)), ("email", "marketing", "granted", day(-1))],
         {"profile", *CHANNELS}),
        ([("email", "marketing", "withdrawn", day(-1)), ("email", "marketing", "granted", day(-1))],
         {"profile", *CHANNELS} - {"email"}),
        ([("any", "marketing", "objected", day(-1))], set()),
    ],
)  # fmt: skip
def test_where_only_a_no_forbids(rows, allowed):
    assert may(consents(*rows), settings=ELSEWHERE) == allowed


@pytest.mark.parametrize(
    ("rows", "allowed"),
    [
        ([], set()),
        ([("any", "profiling", "granted", day(-1))], {"profile"}),
        ([("email", "profiling", "granted", day(-1))], set()),
        ([("any", "profiling", "granted", day(-1)), ("any", "profiling", "unknown", day(0))], set()),
    ],
)
def test_profiling_by_consent_alone(rows, allowed):
    assert may(consents(*rows), settings=Consent(profile_by_consent=True)) == allowed


ALL_GRANTED = consents(("any", "any", "granted", day(0)))


@pytest.mark.parametrize(
    ("row", "allowed"),
    [
        (("", day(-1)), set()),
        ((None, day(-1)), set()),
        (("carrier pigeon", day(-1)), set()),
        (("email", day(-1)), {"profile", *CHANNELS} - {"email"}),
        (("phone", day(0)), {"profile", *CHANNELS} - {"call", "sms"}),
        (("email", None), {"profile", *CHANNELS} - {"email"}),
        (("email", day(1)), {"profile", *CHANNELS}),
    ],
)
@pytest.mark.parametrize("settings", [STRICT, ELSEWHERE], ids=["strict", "elsewhere"])
def test_suppressions_are_for_good(row, allowed, settings):
    assert may(ALL_GRANTED, suppressions(row), settings) == allowed


def test_one_row_a_customer_in_the_order_asked():
    found = permissions(consents(GRANT), None, AS_OF, STRICT, ["z", "a", "z", None])
    assert list(found.columns) == ["customer_id", *COLUMNS]
    assert found["customer_id"].tolist() == ["z", "a"]
    assert found["may_email"].tolist() == [False, True]
    assert {str(found[name].dtype) for name in COLUMNS} == {"bool"}
    assert permissions(None, None, AS_OF, STRICT, []).empty


def test_ids_of_one_person_may_what_each_may():
    rows = pd.concat([consents(GRANT).assign(customer_id=each) for each in "abcx"])
    blocked = suppressions(("email", day(-1))).assign(customer_id="c")
    found = permissions(rows, blocked, AS_OF, STRICT, list("abx"), {"a": "b", "b": "c", "c": "a", "q": "r"})
    assert dict(zip(found["customer_id"], found["may_email"], strict=True)) == {"a": False, "b": False, "x": True}


def test_clock_has_a_zone():
    with pytest.raises(ValueError, match="as_of needs a time zone, came"):
        permissions(None, None, AS_OF.replace(tzinfo=None), STRICT, ["a"])


FILE = """customer,channel,purpose,status,at,where
a,email,marketing,granted,2026-01-01,web
b,email,marketing,granted,2026-01-01,web
b,email,marketing,unsubscribed,2026-02-01,web
c,email,marketing,granted,2026-01-01,web
c,email,marketing,withdrawn,last week,web
d,email,marketing,granted,2026-01-01,web
d,email,marketing,withdrawn
e,email,marketing,granted,2026-01-01,web
"e,email,marketing,withdrawn,2026-02-01,web
f,email,marketing,granted,2026-01-01,web
g,email,,granted,2026-01-01,web
,email,marketing,withdrawn,2026-02-01,web
"""


def test_a_withdrawal_that_cannot_be_read_is_a_no(tmp_path: Path):
    """An older grant does not stay in force because the row that ended it was refused."""
    (tmp_path / "consents.csv").write_text(FILE, "utf-8")
    (tmp_path / "orders.csv").write_text("customer,at,amount\n" + "a,2026-01-01,5\n", "utf-8")
    (tmp_path / "stops.csv").write_text("customer,at\nf,never\n", "utf-8")
    columns = {"customer_id": "customer", "recorded_at": "at"}
    said = {"channel": "channel", "purpose": "purpose", "status": "status", "source": "where"}
    sources = Sources(
        orders=Source(path="orders.csv", columns={"customer_id": "customer", "ordered_at": "at", "amount": "amount"}),
        consents=Source(path="consents.csv", columns=columns | said, max_bad_share=1.0),
        suppressions=Source(path="stops.csv", columns=columns, max_bad_share=1.0),
    )
    ingest(sources, tmp_path, tmp_path / "facts", "UTC", AS_OF)
    found = recorded(tmp_path / "facts", list("abcdefg"))
    assert found.unread == ("b", "c", "d", "e", "f", "g")
    assert found.unplaced == 1
    ledger = ledger_of(tmp_path, tmp_path / "state", STRICT)
    frame = permitted(tmp_path / "facts", ledger, STRICT, AS_OF, list("abcdefg"))
    assert frame.loc[frame["may_email"], "customer_id"].tolist() == ["a"]
    assert frame.loc[frame["may_profile"], "customer_id"].tolist() == ["a"]


def test_refused_rows_of_every_kind_name_their_customer(tmp_path: Path):
    raws = ['{"who": 12, "status": "x"}', "12.0;email;x", "no|12|x", '"12', "{bad 12", 'a\t"12"\tx', "121", ""]
    rows = [{"table": "consents", "raw": raw} for raw in raws] + [{"table": "orders", "raw": "7"}]
    store.write_table(tmp_path / "quarantine.parquet", pd.DataFrame(rows))
    found = recorded(tmp_path, ["12", "7"])
    assert (found.unread, found.unplaced) == (("12",), 2)
    assert recorded(tmp_path / "nowhere", ["12"]).unread == ()


def test_consent_is_kept_in_one_place():
    orders = 'sources.orders = { path = "o.csv", columns = {} }\nsources.consents = { path = "c.csv", columns = {} }\n'
    told = tomllib.loads(orders + "consent.kept_elsewhere = true")
    with pytest.raises(ConfigError, match=r"kept_elsewhere = true contradicts \[sources.consents\]"):
        config.parse(config.Config, told, "winback.toml")


def decisions(*rows: tuple[str, str, str]) -> pd.DataFrame:
    """Rows of customer_id, action, channel."""
    return pd.DataFrame(rows, columns=["customer_id", "action", "channel"], dtype="object")


def test_decisions_that_no_longer_stand():
    now = permissions(
        pd.concat([consents(GRANT), consents(("any", "profiling", "objected", day(-1))).assign(customer_id="o")]),
        None, AS_OF, STRICT, ["a", "o"],
    )  # fmt: skip
    rows = decisions(
        ("a", "gift", "email"), ("a", "gift", "sms"), ("a", "gift", ""), ("a", "gift", None), ("a", "gift", "profile"),
        ("a", "leave_alone", ""), ("o", "leave_alone", ""), ("stranger", "leave_alone", ""),
        ("stranger", "gift", "email"),
    )  # fmt: skip
    assert still_permitted(rows, now).tolist() == [True, False, False, False, False, True, False, False, False]


def test_who_may_less_than_before():
    before = permissions(ALL_GRANTED, None, AS_OF, STRICT, ["a", "b"])
    now = permissions(ALL_GRANTED, suppressions(("email", day(-1)), ("sms", day(-1))), AS_OF, STRICT, ["b", "a"])
    assert changed_since(before, now).to_dict("records") == [{"customer_id": "a", "lost": "may_email may_sms"}]
    assert changed_since(now, before).empty
    assert changed_since(before, now.iloc[:1])["lost"].str.split().str.len().tolist() == [9]
    assert digest(before) != digest(now)
    assert digest(before) == digest(before.iloc[::-1])


def test_list_and_its_movements_give_the_truth():
    assert movements(["a", "b"], ["c", "b"]) == (["c"], ["a"])
    assert movements([], []) == ([], [])
