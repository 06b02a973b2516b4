"""What each platform is given: headers, spelling, hashes, limits, against its own documented rules spelt out anew here.

The rules below are written from the platforms' pages (docs/export.md) without a look at ours: plain loops, no shared
code. Literal rows beside them keep both honest.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from export_shop import DECIDED, all_may, exported, folder_of, people, publish, run_tables
from winback.destinations import Destinations, Google, HubSpot, Klaviyo, Mailchimp, Meta, TikTok
from winback.export import addresses, google, hashing, mailchimp, meta, tiktok
from winback.export.addresses import Unusable
from winback.export.destination import Column
from winback.export.known import KNOWN
from winback.people_text import is_live

USERS = (
    "anna", "Anna", "ANNA.MARIA", "a.n.n.a", "jane.doe+promo", "Jane+a+b", "o'neil", "x_y-z", "user%1", "1234567",
    "josé", "анна", "李雷", "mÜller", "a", "first.last.name",
)  # fmt: skip
DOMAINS = (
    "gmail.com",
    "GMAIL.com",
    "googlemail.com",
    "Example.org",
    "mail.example.co.uk",
    "bücher.example",
    "пример.рф",
)
EMAILS = [f"{user}@{domain}" for user in USERS for domain in DOMAINS]
PHONES = (
    ("020 7946 0018", "GB", "442079460018"), ("(020) 7946-0018", "GB", "442079460018"),
    ("+44 20 7946 0018", "", "442079460018"), ("0044 20 7946 0018", "GB", "442079460018"),
    ("+44 (0)20 7946 0018", "GB", "442079460018"), ("8 (912) 345-67-89", "RU", "79123456789"),
    ("+7 912 345 67 89", "RU", "79123456789"), ("912 345 67 89", "RU", "79123456789"),
    ("030 123456", "DE", "4930123456"), ("0171/2345678", "DE", "491712345678"),
    ("+49 171 2345678", "US", "491712345678"), ("(800) 555-0100", "US", "18005550100"),
    ("1-800-555-0100", "US", "18005550100"), ("800.555.0100", "US", "18005550100"),
    ("011 44 20 7946 0018", "US", "442079460018"), ("138 1234 5678", "CN", "8613812345678"),
    ("+86 138 1234 5678", "", "8613812345678"), ("01 23 45 67 89", "FR", "33123456789"),
    ("06 12 34 56 78", "FR", "33612345678"), ("02 1234 5678", "AU", "61212345678"),
    ("0612345678", "NL", "31612345678"), ("\uff0b\uff11 800 555 0100", "", "18005550100"),
    ("11 91234-5678", "BR", "5511912345678"), ("098765 43210", "IN", "919876543210"),
    ("090-1234-5678", "JP", "819012345678"), ("+380 50 123 45 67", "UA", "380501234567"),
    ("+44 844 412 4653", "", "448444124653"), ("1-234-567-8910", "US", "12345678910"),
)  # fmt: skip
FIRST = ("Anna", "  ANNA ", "Mary Ann", "O'Neil", "Jean-Luc", "St. John", "José", "Jose\u0301", "Zoë", "Łukasz", "İpek")
LAST = (
    "\u0410\u043d\u043d\u0430", "\u0410\u041d\u041d\u0410-\u041c\u0410\u0420\u0418\u042f",
    *("Ёлкин", "李", "李雷", "やまだ", "김철수", "Ελένη", "محمد", "דוד", "अनिता", "สมชาย", "Ødegård"),
)  # fmt: skip
NAMES = FIRST + LAST
# The column of Meta's file, what was given, where, and what is hashed.
PLACES = (
    (4, "London", "GB", "london"), (4, " new  york ", "US", "newyork"), (4, "St. Louis", "US", "stlouis"),
    (4, "Winston-Salem", "US", "winstonsalem"), (4, "Paris 15", "FR", "paris"), (4, "L'Aquila", "IT", "laquila"),
    (4, "Санкт-Петербург", "RU", "санктпетербург"), (4, "上海市", "CN", "上海市"),
    (4, "Orle\u0301ans", "FR", "orléans"),
    (5, "CA", "US", "ca"), (5, " ny ", "us", "ny"), (5, "US-TX", "US", "tx"), (5, "D.C.", "US", "dc"),
    (5, "New South Wales", "AU", "newsouthwales"), (5, "Île-de-France", "FR", "îledefrance"),
    (5, "Московская обл.", "RU", "московскаяобл"), (5, "us", "", "us"), (5, "广东省", "CN", "广东省"),
    (6, "94016-1234", "US", "94016"), (6, "94016", "us", "94016"), (6, "101 30", "", "10130"),
    (6, "SW1A 1AA", "GB", "sw1a1"), (6, "m1 1ae", "UK", "m11"), (6, "B33 8TH", "gb", "b338"),
    (6, "CR2 6XH", "GB", "cr26"), (6, "DN55 1PT", "GB", "dn551"), (6, "SW1A", "GB", "sw1a"),
    (6, "SW1A 1AA", "", "sw1a1aa"), (6, "K1A 0B1", "CA", "k1a0b1"), (6, "1012 AB", "NL", "1012ab"),
    (6, "〒100-0001", "JP", "〒100-0001"),
)  # fmt: skip


def sha(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def google_email(text: str) -> str:
    """Lower case, no blanks at all; at Google's own mail no dots before the @ and nothing from the + on."""
    user, domain = "".join(composed(text).split()).lower().split("@")
    if domain in ("gmail.com", "googlemail.com"):
        if "+" in user:
            user = user[: user.index("+")]
        user = "".join(letter for letter in user if letter != ".")
    return user + "@" + domain


def plain_email(text: str) -> str:
    """Meta, Mailchimp: trimmed, lower case, nothing else; so TikTok, which takes blanks out."""
    return composed(text).strip().lower()


def google_name(text: str) -> str:
    """Trimmed, lower case."""
    return composed(text).strip().lower()


def meta_name(text: str) -> str:
    """Lower case, no punctuation, every letter kept in UTF-8."""
    marks = "'-."
    return "".join(letter for letter in composed(text).strip().lower() if letter not in marks)


DANA = "07e2f1394b0ea80e2adca010ea8318df697001a005ba7452720edda4b0ce57b3"
JANE = "d6117306485ed0e50afab3ac871e98f81699151f30281527d63ff5f233656c69"
Rule = Callable[[str], str]
VECTORS: list[tuple[str, Column, str, str, str]] = [
    *(("google", google.COLUMNS[0], mail, "", google_email(mail)) for mail in EMAILS),
    *(("google", google.COLUMNS[1], given, where, "+" + digits) for given, where, digits in PHONES),
    *(("google", google.COLUMNS[place], name, "", google_name(name)) for place in (2, 3) for name in NAMES),
    *(("google", google.COLUMNS[0], f" {mail}\u00a0", "", google_email(mail)) for mail in EMAILS[:30]),
    *(("meta", meta.COLUMNS[0], mail, "", plain_email(mail)) for mail in EMAILS),
    *(("meta", meta.COLUMNS[1], given, where, digits) for given, where, digits in PHONES),
    *(("meta", meta.COLUMNS[place], name, "", meta_name(name)) for place in (2, 3) for name in NAMES),
    *(("meta", meta.COLUMNS[0], f"\t{mail.upper()} ", "", plain_email(mail.upper())) for mail in EMAILS[:20]),
    *(("meta", meta.COLUMNS[place], given, where, made) for place, given, where, made in PLACES),
    *(("meta", meta.COLUMNS[7], code, "", made) for code, made in (("DE", "de"), ("uk", "gb"), (" us ", "us"))),
    *(("tiktok", tiktok.COLUMNS[0], mail, "", plain_email(mail)) for mail in EMAILS),
    *(("tiktok", tiktok.COLUMNS[0], mail.replace("@", " @ "), "", plain_email(mail)) for mail in EMAILS[:70]),
    *(("tiktok", tiktok.COLUMNS[1], given, where, "+" + digits) for given, where, digits in PHONES),
]  # fmt: skip


@pytest.mark.parametrize("platform", ["google", "meta", "tiktok"])
def test_every_golden_vector_is_what_the_platform_hashes(platform: str):
    """At least 200 of each, counted once however often they are written."""
    mine = [(column, given, where, made) for name, column, given, where, made in VECTORS if name == platform]
    assert len({(column.header, given, where) for column, given, where, _ in mine}) >= 200
    wrong = [(column.header, given) for column, given, where, made in mine if column.of(given, where) != sha(made)]
    assert wrong == []


def test_mailchimp_calls_a_contact_by_the_md5_of_the_address_in_lower_case():
    ascii_only = [
        f"{user}{n}@{domain}" for user in USERS if user.isascii() for domain in DOMAINS for n in ("", "7", ".8")
    ]
    assert len(set(ascii_only)) >= 200
    for mail in ascii_only:
        assert mailchimp.member_id(mail) == hashlib.md5(plain_email(mail).encode(), usedforsecurity=False).hexdigest()
    with pytest.raises(Unusable, match="letters before the @ that Mailchimp does not take"):
        mailchimp.member_id("josé@example.org")


@pytest.mark.parametrize(
    ("made", "digest"),
    [
        # Google prints this one in its guide to sending audience members.
        (google.COLUMNS[0].of("dana@example.com", ""), DANA),
        # TikTok's help page prints the hash of janedoe@gmail.com.
        (tiktok.COLUMNS[0].of("Jane Doe@gmail.com", ""), JANE),
        # Mailchimp's documentation prints this member id.
        (mailchimp.member_id("Urist.McVankab@freddiesjokes.com"), "62eeb292278cc15f5817cb78f7790b08"),
    ],
)  # fmt: skip
def test_hashes_that_the_platforms_print(made: str, digest: str):
    assert made == digest


@pytest.mark.parametrize(
    ("column", "given", "where", "spelt"),
    [
        (google.COLUMNS[0], " Jane.Doe+promo@Gmail.com ", "", "janedoe@gmail.com"),
        (meta.COLUMNS[0], " Jane.Doe+promo@Gmail.com ", "", "jane.doe+promo@gmail.com"),
        (tiktok.COLUMNS[0], " Jane.Doe+promo@Gmail.com ", "", "jane.doe+promo@gmail.com"),
        (google.COLUMNS[0], "baklavainthebalkans@gmail.com ", "", "baklavainthebalkans@gmail.com"),
        (google.COLUMNS[0], "cloudy.San.Francisco@GMAIL.com", "", "cloudysanfrancisco@gmail.com"),
        (google.COLUMNS[1], "(800)555-0100", "US", "+18005550100"),
        (meta.COLUMNS[1], "1-234-567-8910", "US", "12345678910"),
        (meta.COLUMNS[1], "+44 844 412 4653", "", "448444124653"),
        (google.COLUMNS[2], "Анна", "", "анна"),
        (meta.COLUMNS[2], "李", "", "李"),
        (meta.COLUMNS[3], "O'Neil-Smith", "", "oneilsmith"),
    ],
)
def test_platforms_spell_the_same_person_differently(column: Column, given: str, where: str, spelt: str):
    assert column.of(given, where) == sha(spelt)


@pytest.mark.parametrize("column", [*google.COLUMNS[2:4], *meta.COLUMNS[2:4]])
@pytest.mark.parametrize("name", NAMES)
def test_no_name_of_any_script_becomes_the_hash_of_nothing(column: Column, name: str):
    assert column.of(name, "") != sha("")


@pytest.mark.parametrize("column", [*google.COLUMNS, *meta.COLUMNS, *tiktok.COLUMNS])
@pytest.mark.parametrize("nothing", ["", " ", "\u200b", "'-.", "\ufeff\u00ad"])
def test_nothing_is_never_hashed(column: Column, nothing: str):
    made = ""
    try:
        made = column.of(nothing, "GB")
    except Unusable:
        return
    assert made != sha("")
    assert column.header in ("Zip", "First Name", "Last Name", "zip")


@pytest.mark.parametrize(
    ("make", "given", "where", "reason"),
    [
        (addresses.email, "anna", "", "not exactly one @"),
        (addresses.email, "a@b@c.de", "", "not exactly one @"),
        (addresses.email, "a b@c.de", "", "a blank inside the address"),
        (addresses.email, "@c.de", "", "not of the form name@domain.top"),
        (addresses.email, "a@localhost", "", "not of the form name@domain.top"),
        (addresses.email, "a@b..de", "", "not of the form name@domain.top"),
        (addresses.email, f"{'a' * 250}@b.de", "", "longer than 254 characters, or with control characters"),
        (addresses.email, "a\0@b.de", "", "longer than 254 characters, or with control characters"),
        (addresses.phone, "020 7946 0018", "", "no country code and no country to complete it by"),
        (addresses.phone, "0044 20 7946 0018", "", "no country code and no country to complete it by"),
        (addresses.phone, "020 7946 0018", "Atlantis", "not a telephone number"),
        (addresses.phone, "call me", "GB", "not a telephone number"),
        (addresses.phone, "12", "GB", "no such number in its country"),
        (addresses.phone, "+44 123", "", "no such number in its country"),
        (addresses.country, "Germany", "", "not a two-letter country code"),
        (meta.region, "California", "US", "not the two letters of a state"),
        (meta.city, "12-3", "", "nothing is left of it"),
        (addresses.name, sha("x"), "", "looks hashed already; say so in already_hashed"),
        (lambda text, _: hashing.sha256_as_given(text), "abc", "",
         "said to be hashed already, but not 64 hexadecimal digits"),
        (lambda text, _: hashing.sha256_of(text), sha("x"), "", "nothing to hash, or hashed already"),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_says_why_without_saying_it(make, given: str, where: str, reason: str):
    with pytest.raises(Unusable) as error:
        make(given, where)
    assert str(error.value) == reason
    assert given not in reason


SPELLINGS = [
    addresses.email, addresses.email_without_blanks, google.email, addresses.name, addresses.name_without_punctuation,
    addresses.as_given, mailchimp.address, meta.city, meta.region, meta.zip_code,
]  # fmt: skip


@pytest.mark.parametrize("make", SPELLINGS, ids=lambda make: f"{make.__module__}.{make.__name__}")
@given(
    st.one_of(st.text(max_size=12), st.sampled_from(EMAILS), st.builds("{}@{}.{}".format, *[st.text(max_size=6)] * 3))
)
def test_spelling_what_is_spelt_changes_nothing(make: Callable[[str], str], text: str):
    try:
        once = make(text)
    except Unusable:
        return
    assert make(once) == once
    assert once


@pytest.mark.parametrize(("given", "where", "digits"), PHONES)
def test_a_number_that_is_complete_is_left_as_it_is(given: str, where: str, digits: str):
    once = addresses.phone(given, where)
    assert once == f"+{digits}"
    assert {addresses.phone(once, other) for other in ("", "US", "DE", where)} == {once}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    publish(tmp_path, run_tables(DECIDED))
    return tmp_path


HEADERS = {
    "google": {"add-granted.csv": "Email,Phone,First Name,Last Name,Country,Zip"},
    "meta": {"add.csv": "email,phone,fn,ln,ct,st,zip,country"},
    "tiktok": {"add.csv": "Email_SHA256,Phone_SHA256"},
    "klaviyo": {
        "add-email.csv": "Email,First Name,Last Name,Email Marketing Consent,winback_action",
        "add-sms.csv": "Phone Number,First Name,Last Name,SMS Marketing Consent,winback_action",
    },
    "mailchimp": {"add.csv": "Email Address,First Name,Last Name,winback_action"},
    "hubspot": {"add.csv": "Email,First Name,Last Name,Phone Number,winback_action,winback_channel"},
}


@pytest.mark.parametrize("to", HEADERS)
def test_headers_are_exactly_the_platforms_own(root: Path, to: str):
    (receipt,) = exported(root, to, Destinations(klaviyo=Klaviyo(consent_columns=True)))
    found = {path.name: path.read_text("utf-8").splitlines()[0] for path in folder_of(root, receipt).glob("add*.csv")}
    assert found == HEADERS[to]


ADS = ("google", "meta", "tiktok")


@pytest.mark.parametrize("to", ADS)
def test_an_ad_platform_learns_nothing_but_hashes(root: Path, to: str):
    """No raw address, no id of ours, no reason, chance or action: by pattern, and by every word of a canary."""
    canary = {
        "email": "Canary.Bird+x@gmail.com",
        "phone": "020 7946 9999",
        "first_name": "Канарейка",
        "last_name": "李鸟",
    }
    whom = people(*DECIDED, c01=canary)
    (receipt,) = exported(root, to, customers=whom)
    folder = folder_of(root, receipt)
    words = [
        "canary",
        "bird",
        "7946",
        "канарейка",
        "李鸟",
        "c01",
        "example.org",
        "service",
        "recency",
        "voucher",
        "0.625",
    ]
    for path in folder.iterdir():
        text = path.read_text("utf-8").lower()
        assert not [word for word in words if word in text], path.name
        if path.suffix == ".csv":
            cells = [cell for line in text.splitlines()[1:] for cell in line.split(",") if cell]
            assert cells
            assert all(re.fullmatch("[0-9a-f]{64}", cell) for cell in cells)
    assert not [word for word in words if word in str(folder.relative_to(root))]


@pytest.mark.parametrize("to", ADS)
def test_hashes_of_the_shop_pass_once_and_nothing_else_does(root: Path, to: str):
    own = sha("c01@example.org").upper()
    whom = people(*DECIDED, c01={"email": own, "phone": ""}, c02={"email": "c02@example.org", "phone": ""})
    said = {"already_hashed": ("email",)}
    settings = Destinations(google=Google(**said), meta=Meta(**said), tiktok=TikTok(**said))
    (receipt,) = exported(root, to, settings, customers=whom)
    text = next(folder_of(root, receipt).glob("add*.csv")).read_text("utf-8")
    assert text.splitlines()[1].startswith(own.lower())
    assert receipt["dropped"] == {"no_usable_address": 1}
    assert receipt["rejected_values"]["email"] == {"said to be hashed already, but not 64 hexadecimal digits": 4}
    (receipt,) = exported(root, to, customers=whom)
    assert own.lower() not in next(folder_of(root, receipt).glob("add*.csv")).read_text("utf-8")
    assert sha(own.lower()) not in next(folder_of(root, receipt).glob("add*.csv")).read_text("utf-8")
    assert receipt["rejected_values"]["email"] == {"not exactly one @": 1}


def test_google_gets_a_job_for_each_state_of_consent(root: Path):
    """c01 granted both; c02 and c03 said nothing, of whom only the American may go; c04 denied one, c05 is Swiss."""

    def permissions(ids: list[str]) -> pd.DataFrame:
        said = {"c01": (True, True), "c04": (True, False)}
        rows = all_may(ids)
        for place, column in enumerate(("ad_user_data", "ad_personalization")):
            rows[column] = pd.array([said.get(i, (pd.NA, pd.NA))[place] for i in ids], dtype="boolean")
        return rows

    whom = people(*DECIDED, c02={"country": "us", "phone": ""}, c04={"country": "US"}, c05={"country": "CH"})
    settings = Destinations(google=Google(unspecified_countries=("US", "CH", "GB")))
    (receipt,) = exported(root, "google", settings, customers=whom, permissions=permissions)
    assert receipt["sent_by_job"] == {"granted": 1, "unspecified": 1}
    assert receipt["dropped"] == {"no_ad_consent": 3}
    text = (folder_of(root, receipt) / "add-unspecified.csv").read_text("utf-8")
    assert text.splitlines()[1] == sha("c02@example.org") + ",,,,,"


def test_google_takes_a_consent_to_ads_for_both_where_the_shop_says_so(root: Path):
    settings = Destinations(google=Google(consent="may_ads"))
    silent = lambda ids: all_may(ids).drop(columns=["ad_user_data", "ad_personalization"])  # noqa: E731
    (receipt,) = exported(root, "google", settings, permissions=silent)
    assert receipt["sent_by_job"] == {"granted": 5, "unspecified": 0}


@pytest.mark.parametrize(
    ("to", "settings", "rows"),
    [
        ("meta", Destinations(meta=Meta(rows_per_file=2)), [2, 2, 1]),
        ("google", Destinations(google=Google(rows_per_file=4)), [4, 1]),
        ("tiktok", Destinations(tiktok=TikTok(rows_per_file=5)), [5]),
    ],
)
def test_files_hold_as_many_rows_as_the_platform_takes(root: Path, to: str, settings: Destinations, rows: list[int]):
    (receipt,) = exported(root, to, settings)
    assert [file["rows"] for file in receipt["files"].values()] == rows
    paths = sorted(folder_of(root, receipt).glob("add*.csv"))
    assert [len(path.read_text("utf-8").splitlines()) - 1 for path in paths] == rows
    assert len({path.read_text("utf-8").splitlines()[0] for path in paths}) == 1


@pytest.mark.parametrize(
    ("to", "settings", "limits"),
    [
        ("google", Destinations(), (1_000_000, 1_000_000_000)),
        ("meta", Destinations(), (10_000, 1_000_000_000)),
        ("tiktok", Destinations(), (1_000_000, 1_000_000_000)),
        ("klaviyo", Destinations(), (1_000_000, 50_000_000)),
        ("hubspot", Destinations(), (500_000, 20_000_000)),
        ("hubspot", Destinations(hubspot=HubSpot(plan="paid")), (1_048_575, 512_000_000)),
    ],
)
def test_limits_are_the_platforms_own(to: str, settings: Destinations, limits: tuple[int, int]):
    destination = KNOWN[to](settings)
    assert (destination.max_rows, destination.max_bytes) == limits
    assert all(len(job.columns) < 1000 for job in destination.jobs)


def test_klaviyo_gets_the_address_of_the_channel_first_and_the_phone_to_the_byte(root: Path):
    (receipt,) = exported(root, "klaviyo")
    folder = folder_of(root, receipt)
    assert (folder / "add-sms.csv").read_bytes() == (
        b"Phone Number,First Name,Last Name,winback_action\n+442079461001,Ann,O'Neil c02,voucher\n"
    )
    assert receipt["sent_by_job"] == {"email": 3, "sms": 1}
    assert receipt["dropped"] == {"other_channel": 1}


def test_mailchimp_is_told_who_leaves_by_address_and_member_id(root: Path):
    whom = people(*DECIDED, c01={"email": "Urist.McVankab@freddiesjokes.com"}, c04={"last_name": "Й" * 128})
    (receipt,) = exported(root, "mailchimp", customers=whom)
    assert receipt["rejected_values"] == {"last_name": {"longer than 255 bytes, where Mailchimp would cut it off": 1}}
    publish(root, run_tables({"c04": ("voucher", "email")}), "2026-02-22-000000000002")
    (receipt,) = exported(root, "mailchimp", customers=whom)
    assert (folder_of(root, receipt) / "remove.csv").read_text("utf-8").splitlines() == [
        "Email Address,Member ID",
        "urist.mcvankab@freddiesjokes.com,62eeb292278cc15f5817cb78f7790b08",
        f"c05@example.org,{hashlib.md5(b'c05@example.org', usedforsecurity=False).hexdigest()}",
    ]


def test_a_value_that_would_calculate_is_left_out_of_a_file_for_machines(root: Path):
    """A phone begins with a + and is meant to; a name does not."""
    whom = people(*DECIDED, c01={"first_name": "=HYPERLINK(1)", "last_name": "Ann;=1"})
    (receipt,) = exported(root, "hubspot", customers=whom)
    rows = pd.read_csv(folder_of(root, receipt) / "add.csv", dtype=str, keep_default_na=False)
    assert rows.iloc[0, :4].tolist() == ["c01@example.org", "", "", "+442079461000"]
    formula = {"would be a formula in a spreadsheet": 1}
    assert receipt["rejected_values"] == {"first_name": formula, "last_name": formula}
    live = rows.drop(columns="Phone Number").map(is_live)
    assert not live.any(axis=None)


def test_settings_of_an_ad_platform_have_no_columns_to_add():
    with pytest.raises(ValidationError, match="columns"):
        replace(Meta(), columns=("driver",))
    assert not any(hasattr(kind(), "columns") for kind in (Google, Meta, TikTok))
    assert Mailchimp().columns == ("action",)
