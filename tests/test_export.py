"""Exports: who is in them, who never is, what is said of the rest, and that doing it again changes nothing."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from export_shop import ADS, DECIDED, MAY, RUN, all_may, exported, folder_of, none_may, people, publish, run_tables
from winback.destinations import Destinations
from winback.errors import ConfigError, ExportRefused, RunDamaged
from winback.export import ledger
from winback.export.people import Wanted
from winback.toml_files import parse

NOTHING_MORE = dict.fromkeys(("First Name", "Last Name", "Country", "Zip"), "")
LATER = "2026-02-22-000000000002"


def listed(root: Path, receipt: dict, file: str = "add.csv") -> list[dict[str, str]]:
    """The rows of an exported CSV."""
    path = folder_of(root, receipt) / file
    return pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records") if path.exists() else []


def ids(root: Path, receipt: dict, file: str = "add.csv") -> list[str]:
    return [row["customer_id"] for row in listed(root, receipt, file)]


def held(root: Path) -> dict[str, bytes]:
    """Every file below the folders that an export writes to."""
    paths = [*(root / "exports").rglob("*"), *(root / "state").rglob("*")]
    return {str(path.relative_to(root)): path.read_bytes() for path in paths if path.is_file()}


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    publish(tmp_path, run_tables(DECIDED))
    return tmp_path


def test_a_list_for_people_says_who_what_and_why(root: Path):
    (receipt,) = exported(root, "csv")
    text = (folder_of(root, receipt) / "add.csv").read_bytes().decode("utf-8")
    assert text.splitlines()[:3] == [
        '\ufeff"customer_id","first_name","last_name","language","channel","email","phone","action",'
        '"reason_1","reason_2","reason_3"',
        '"c01","Ann","O\'Neil c01","en","email","c01@example.org","\'+442079461000","voucher",'
        '"service of c01","recency of c01",""',
        '"c02","Ann","O\'Neil c02","en","sms","c02@example.org","\'+442079461001","voucher",'
        '"service of c02","recency of c02",""',
    ]
    assert ids(root, receipt) == list(DECIDED)


def test_google_gets_hashes_in_its_own_columns_and_nothing_else(root: Path):
    (receipt,) = exported(root, "google")
    rows = listed(root, receipt, "add-granted.csv")
    assert rows[0] == {
        "Email": sha("c01@example.org"),
        "Phone": sha("+442079461000"),
        **NOTHING_MORE,
    }
    assert len(rows) == 5
    assert receipt["campaign"] == "list-5ef5ef"


def test_names_and_country_go_to_google_only_with_a_postcode(root: Path):
    """It matches by all four or not at all."""
    whom = people(*DECIDED).assign(postcode=["SW1A 1AA ", "", "", "", ""])
    (receipt,) = exported(root, "google", customers=whom)
    rows = listed(root, receipt, "add-granted.csv")
    assert [list(row.values())[2:] for row in rows[:2]] == [
        [sha("ann"), sha("o'neil c01"), "GB", "SW1A 1AA"],
        ["", "", "", ""],
    ]


def test_receipt_counts_what_was_sent_and_what_was_not(root: Path):
    whom = people(*DECIDED, c04={"email": "no address", "phone": ""}, c05={"phone": "12", "country": ""})
    (receipt,) = exported(root, "google", customers=whom, permissions=none_may("c01"))
    path = folder_of(root, receipt) / "add-granted.csv"
    rejects = folder_of(root, receipt) / "rejects.csv"
    assert receipt == {
        "destination": "google",
        "campaign": "list-5ef5ef",
        "run_id": RUN,
        "action": None,
        "channel": None,
        "decided": 5,
        "sent": 3,
        "sent_by_job": {"granted": 3, "unspecified": 0},
        "dropped": {"no_permission": 1, "no_usable_address": 1},
        "removed": 0,
        "cannot_be_removed": 0,
        "rejected_values": {
            "email": {"not exactly one @": 1},
            "phone": {"no country code and no country to complete it by": 1},
        },
        "advice": "google advises against lists of fewer than 100",
        "files": {
            name.name: {
                "bytes": name.stat().st_size,
                "rows": rows,
                "sha256": hashlib.sha256(name.read_bytes()).hexdigest(),
            }
            for name, rows in ((path, 3), (rejects, 2))
        },
    }
    assert json.loads((folder_of(root, receipt) / "receipt.json").read_text("utf-8")) == receipt
    assert rejects.read_text("utf-8-sig").splitlines() == [
        '"customer_id","field","reason"',
        '"c04","email","not exactly one @"',
        '"c05","phone","no country code and no country to complete it by"',
    ]


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda rows: rows[rows["customer_id"] != "c01"], "absent"),
        (lambda rows: rows.assign(may_profile=rows["customer_id"] != "c01"), "not profiled"),
        (lambda rows: rows.assign(may_email=rows["customer_id"] != "c01"), "not by this channel"),
        (lambda rows: rows.assign(may_email=[pd.NA, *[True] * (len(rows) - 1)]), "unknown"),
        (lambda rows: rows.drop(columns="may_profile"), "never asked"),
    ],
)
def test_whoever_may_not_or_is_not_known_to_is_not_sent(root: Path, change, cause: str):
    (receipt,) = exported(root, "csv", permissions=lambda ids: change(all_may(ids)))
    assert "c01" not in ids(root, receipt), cause
    assert receipt["dropped"]["no_permission"] >= 1


def test_a_permission_for_another_channel_brings_no_address_along(root: Path):
    """c02 is to get a text message: the e-mail address may not be used, and is not sent."""
    (receipt,) = exported(root, "csv", permissions=lambda ids: all_may(ids).assign(may_email=False))
    assert [(row["customer_id"], row["email"], row["phone"]) for row in listed(root, receipt)] == [
        ("c02", "", "'+442079461001"),
        ("c03", "", "'+442079461002"),
    ]


def test_permissions_are_asked_for_at_each_export(root: Path):
    asked: list[list[str]] = []

    def permissions(ids: list[str]) -> pd.DataFrame:
        asked.append(ids)
        return all_may(ids)

    exported(root, "csv", permissions=permissions)
    exported(root, "csv", permissions=permissions)
    assert asked == [list(DECIDED)] * 2


@pytest.mark.parametrize("consent", [{}, {"ad_user_data": False}, {"ad_personalization": pd.NA}])
def test_google_takes_nobody_who_did_not_grant_both(root: Path, consent: dict):
    def permissions(ids: list[str]) -> pd.DataFrame:
        rows = all_may(ids)
        return rows.drop(columns=list(ADS)) if not consent else rows.assign(**consent)

    (receipt,) = exported(root, "google", permissions=permissions)
    assert (receipt["sent"], receipt["dropped"]) == (0, {"no_ad_consent": 5})


def test_actions_that_wait_for_an_approval_wait(root: Path):
    tables = run_tables(DECIDED)
    tables["decisions"]["needs_approval"] = tables["decisions"]["action"] == "voucher"
    publish(root, tables, LATER)
    (receipt,) = exported(root, "csv")
    assert (ids(root, receipt), receipt["dropped"]) == (["c03"], {"awaiting_approval": 4})
    (receipt,) = exported(root, "csv", wanted=Wanted(approved=frozenset({"voucher"})))
    assert ids(root, receipt) == list(DECIDED)


@pytest.mark.parametrize(
    ("wanted", "campaign", "expected"),
    [
        (Wanted(action="voucher"), "voucher", ["c01", "c02", "c04", "c05"]),
        (Wanted(channel="sms"), "sms", ["c02"]),
        (Wanted(action="voucher", channel="email"), "voucher-email", ["c01", "c04", "c05"]),
        (Wanted(action="nothing"), "nothing", []),
    ],
)
def test_one_action_or_channel_is_a_campaign_of_its_own(root: Path, wanted: Wanted, campaign: str, expected: list):
    (receipt,) = exported(root, "csv", wanted=wanted)
    assert (receipt["campaign"], ids(root, receipt)) == (campaign, expected)


@pytest.mark.parametrize("to", ["csv", "google", "parquet"])
@pytest.mark.parametrize("said_by", ["decisions", "assignments", "caller"])
def test_nobody_held_out_is_ever_sent(tmp_path: Path, to: str, said_by: str):
    """Whichever table says so: the export is refused as a whole, and nothing is written."""
    tables = run_tables(DECIDED)
    if said_by == "decisions":
        more = tables["decisions"].query("customer_id == 'c01'").assign(cause="held_out", action="leave_alone")
        tables["decisions"] = pd.concat([tables["decisions"], more])
    if said_by == "assignments":
        tables["assignments"].loc[tables["assignments"]["customer_id"] == "c01", "arm"] = "held_out"
    publish(tmp_path, tables)
    wanted = Wanted(held_out=frozenset({"c01"}) if said_by == "caller" else frozenset())
    with pytest.raises(ExportRefused) as error:
        exported(tmp_path, to, wanted=wanted)
    assert str(error.value) == (
        "1 held-out customers would be sent: ['c01']. Nobody held out may be, or no effect can be measured; nothing "
        "was written. The run's tables contradict each other: run again."
    )
    assert held(tmp_path) == {}


@pytest.mark.parametrize("to", ["csv", "google", "parquet"])
def test_the_same_export_again_is_the_same_to_the_byte(root: Path, to: str):
    first = exported(root, to)
    before = held(root)
    for _ in range(4):
        assert exported(root, to) == first
    assert held(root) == before


def test_what_was_lost_of_an_export_is_written_again(root: Path):
    (receipt,) = exported(root, "csv")
    before = held(root)
    (folder_of(root, receipt) / "add.csv").unlink()
    (folder_of(root, receipt) / "stranger.csv").write_text("x")
    exported(root, "csv")
    assert held(root) == before


def test_who_may_not_any_more_leaves_and_doing_it_again_says_the_same(root: Path):
    exported(root, "google")
    (receipt,) = exported(root, "google", permissions=none_may("c02"))
    assert receipt["removed"] == 1
    assert listed(root, receipt, "remove.csv") == [
        {"Email": sha("c02@example.org"), "Phone": sha("+442079461001"), **NOTHING_MORE}
    ]
    before = held(root)
    assert exported(root, "google", permissions=none_may("c02")) == [receipt]
    assert held(root) == before


def test_a_list_of_people_tells_who_left_by_id(root: Path):
    exported(root, "csv")
    publish(root, run_tables({"c01": ("voucher", "email"), "c09": ("voucher", "email")}), LATER)
    (receipt,) = exported(root, "csv", customers=people(*DECIDED, "c09"))
    assert ids(root, receipt) == ["c01", "c09"]
    assert listed(root, receipt, "remove.csv") == [{"customer_id": i} for i in ("c02", "c03", "c04", "c05")]


def test_an_address_that_changed_takes_the_old_one_off(root: Path):
    exported(root, "google")
    (receipt,) = exported(root, "google", customers=people(*DECIDED, c01={"email": "new@example.org"}))
    assert listed(root, receipt, "remove.csv") == [{"Email": sha("c01@example.org"), "Phone": "", **NOTHING_MORE}]


def test_everything_is_for_its_owner_alone(root: Path):
    exported(root, "google")
    exported(root, "csv")
    for top in ("exports", "state"):
        for path in [root / top, *(root / top).rglob("*")]:
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_nothing_is_exported_before_a_run_is_published(tmp_path: Path):
    with pytest.raises(
        RunDamaged, match=r"nothing is published in .*runs yet; `winback run --date YYYY-MM-DD` does it"
    ):
        exported(tmp_path, "csv")


def test_a_damaged_run_is_not_exported(root: Path):
    (root / "runs" / RUN / "decisions.parquet").write_bytes(b"PAR1")
    with pytest.raises(RunDamaged, match="has 4 bytes"):
        exported(root, "csv")


def test_ledger_has_two_lines_a_delivery(root: Path):
    exported(root, "csv")
    exported(root, "csv")
    lines = ledger.lines(root / "state" / "exports" / "csv" / "all")
    assert [(line["status"], line["sent"], line["made_at"]) for line in lines] == [
        ("prepared", 5, "2026-02-15T06:00:00+00:00"),
        ("delivered", 5, "2026-02-15T06:00:00+00:00"),
    ]


def test_where_somebody_was_delivered_is_known(root: Path):
    exported(root, "google")
    exported(root, "csv")
    state = root / "state"
    assert ledger.deliveries_of(state, ["c01", "nobody"]) == {
        "c01": [
            {"destination": "csv", "campaign": "all", "run_id": RUN},
            {"destination": "google", "campaign": "list-5ef5ef", "run_id": RUN},
        ]
    }


@pytest.mark.parametrize("to", ["google", "meta", "tiktok"])
def test_an_ad_platform_goes_by_the_permission_for_ads_alone(root: Path, to: str):
    """Neither the channel decided nor a permission for it matters."""
    no = dict.fromkeys((*MAY[1:-1],), False)
    (receipt,) = exported(
        root, to, permissions=lambda ids: all_may(ids).assign(**no, may_ads=[i != "c02" for i in ids])
    )
    assert (receipt["sent"], receipt["dropped"]) == (4, {"no_permission": 1})


def test_whom_nothing_is_known_of_any_more_cannot_be_removed_and_that_is_told(root: Path):
    exported(root, "mailchimp")
    publish(root, run_tables({"c04": ("voucher", "email")}), LATER)
    (receipt,) = exported(root, "mailchimp", customers=people("c04", "c05"))
    assert (receipt["removed"], receipt["cannot_be_removed"]) == (2, 1)
    assert [row["Email Address"] for row in listed(root, receipt, "remove.csv")] == ["c05@example.org"]


def test_a_decision_names_its_own_driver_and_an_older_run_has_none(root: Path):
    tables = run_tables(DECIDED)
    tables["decisions"]["driver"] = "recency"
    (before,) = exported(root, "parquet")
    publish(root, tables, LATER)
    (after,) = exported(root, "parquet")
    found = [set(pd.read_parquet(folder_of(root, r) / "add.parquet")["driver"]) for r in (before, after)]
    assert found == [{"service"}, {"recency"}]


def test_a_customer_without_a_country_has_the_shops(root: Path):
    whom = people(*DECIDED, c01={"country": ""}, c02={"country": " "})
    for country, sent in ((None, 3), ("GB", 5)):
        (receipt,) = exported(root, "csv", Destinations(country=country), customers=whom)
        assert sum(row["phone"] != "" for row in listed(root, receipt)) == sent


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ({"google": {"columns": ["driver"]}}, "google.columns: unknown key"),
        ({"csv": {"columns": ["secret"]}}, "csv.columns.0: Input should be 'email', 'phone', "),
        ({"klaviyo": {"columns": ["email"]}}, "klaviyo.columns.0: Input should be 'action', "),
        ({"country": "Germany"}, "country: String should match pattern"),
        ({"meta": {"rows_per_file": 0}}, "meta.rows_per_file: Input should be greater than or equal to 1"),
        ({"tiktok": {"already_hashed": ["first_name"]}}, "tiktok.already_hashed.0: Input should be 'email' or 'phone'"),
    ],
)
def test_settings_are_checked(text: dict, fault: str):
    with pytest.raises(ConfigError) as error:
        parse(Destinations, text, "destinations")
    assert fault in str(error.value)


def test_permissions_of_one_customer_twice_are_refused(root: Path):
    with pytest.raises(ExportRefused, match=r"permissions have 1 customers twice: \['c01'\]"):
        exported(root, "csv", permissions=lambda ids: pd.concat([all_may(ids), all_may(["c01"])]))


def test_the_permissions_of_these_tests_are_those_of_the_contract():
    assert MAY[0] == "may_profile"
    assert all(all_may(["x"])[list(MAY)].all())


def test_other_campaigns_lose_who_may_not_any_more(root: Path):
    """c01 withdraws: the campaign asked for, another one of this run and one of an earlier run all lose them."""
    exported(root, "google", wanted=Wanted(action="voucher"), campaign="spring")
    publish(root, run_tables(DECIDED), LATER)
    exported(root, "google", wanted=Wanted(channel="email"))
    receipts = exported(root, "google", permissions=none_may("c01"), campaign="summer")
    told = [(r["campaign"], r["sent"], r.get("stay"), r["removed"], list(r["files"])) for r in receipts]
    assert told == [
        ("summer", 4, None, 0, ["add-granted.csv"]),
        ("list-822444", 2, None, 1, ["add-granted.csv", "remove.csv"]),
        ("spring", 0, 3, 1, ["remove.csv"]),
    ]
    assert [row["Email"] for row in listed(root, receipts[2], "remove.csv")] == [sha("c01@example.org")]
    before = held(root)
    assert [r["campaign"] for r in exported(root, "google", permissions=none_may("c01"), campaign="summer")] == [
        "summer"
    ]
    assert held(root) == before


def aged(*old: str) -> Callable[[list[str]], pd.DataFrame]:
    """Permissions in which the grants of these are too old, and all others have new ones."""

    def permissions(ids: list[str]) -> pd.DataFrame:
        was = all_may(ids)[["customer_id", *MAY]].rename(columns=lambda name: name.replace("may_", "was_"))
        return was.merge(all_may([each for each in ids if each not in old]), on="customer_id", how="left")

    return permissions


@pytest.mark.parametrize("to", ["csv", "google"])
def test_whose_grant_is_too_old_is_left_out_and_told(root: Path, to: str):
    (receipt,) = exported(root, to, permissions=aged("c01"))
    assert receipt["dropped"]["consent_too_old"] == 1


def test_an_export_whose_consents_are_all_too_old_is_refused(root: Path):
    with pytest.raises(ExportRefused) as error:
        exported(root, "csv", permissions=aged(*DECIDED))
    assert str(error.value) == (
        "every consent there is for csv, of 5 customers, is older than [consent] max_age_days; nothing was written. Is "
        "[sources.consents] up to date? If so, ask them again."
    )
    assert not (root / "exports").exists()
    assert not (root / "state" / "exports").exists()


def test_whoever_was_sent_before_is_taken_off_when_all_consents_are_too_old(root: Path):
    exported(root, "csv")
    (receipt,) = exported(root, "csv", permissions=aged(*DECIDED))
    assert (receipt["sent"], receipt["removed"], receipt["dropped"]) == (0, 5, {"consent_too_old": 5})
    assert receipt["advice"] == (
        "every consent there is is older than [consent] max_age_days: is [sources.consents] up to date?"
    )


def test_what_a_killed_export_left_is_gone_after_the_next(root: Path):
    (receipt,) = exported(root, "csv")
    left = ledger.folder_of(root / "state", "csv", receipt["campaign"]) / ".d1.parquet.77.tmp"
    left.write_bytes(b"PAR1")
    exported(root, "csv")
    assert not left.exists()
