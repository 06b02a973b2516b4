"""The ledger of suppressions, and permissions after files and states of long ago were brought back."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import threading
from pathlib import Path

import pandas as pd
import pytest

from winback import config, store
from winback.consent.gate import permitted, reread
from winback.consent.kept import erased_among, suppress
from winback.consent.keyed import key_of, keyed
from winback.consent.ledger import ERASED, Ledger, add, entries, head, ledger_of
from winback.errors import LedgerDamaged
from winback.limits import Consent

AS_OF = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
LATER = AS_OF + dt.timedelta(days=1)


def ledger_in(folder: Path) -> Ledger:
    """The ledger of a project in `folder`."""
    return ledger_of(folder, folder / "state", Consent())


def test_where_it_lies(tmp_path: Path):
    assert ledger_in(tmp_path) == Ledger(tmp_path / "state" / "suppressions", tmp_path / "state" / "keys")
    elsewhere = Consent(suppressions="../no", keys="../keys")
    assert ledger_of(tmp_path, tmp_path / "state", elsewhere) == Ledger(tmp_path / "../no", tmp_path / "../keys")


def test_what_is_added_is_there_once(tmp_path: Path):
    ledger = ledger_in(tmp_path)
    assert entries(ledger).empty
    assert head(ledger) == {"files": 0, "sha256": ""}
    assert suppress(ledger, ["a", "b", "a"], "", "asked by phone", AS_OF) == 2
    assert suppress(ledger, ["a", "b"], "", "again", LATER) == 0
    assert suppress(ledger, ["a"], "email", "", LATER) == 1
    rows = entries(ledger)
    assert rows[["kind", "channel", "reason"]].to_numpy().tolist() == [
        ["suppressed", "", "asked by phone"], ["suppressed", "", "asked by phone"], ["suppressed", "email", ""],
    ]  # fmt: skip
    assert rows["recorded_at"].tolist() == [AS_OF, AS_OF, LATER]
    key = key_of(ledger.keys, make=False)
    assert set(rows["person"]) == set(keyed(key, ["a", "b"]))
    assert head(ledger)["files"] == 2


def test_nobody_else_can_read_it(tmp_path: Path):
    ledger = ledger_in(tmp_path)
    suppress(ledger, ["a"], "", "", AS_OF)
    files = [path for folder in (ledger.folder, ledger.keys) for path in folder.rglob("*")]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert {ledger.folder.stat().st_mode & 0o777, ledger.keys.stat().st_mode & 0o777} == {0o700}
    assert len(files) == 5


def test_hashes_are_keyed(tmp_path: Path):
    key = bytes(range(32))
    assert keyed(key, ["Jefe"]) == ["909a4c674dde4c01248e3d2697de0c09"] != keyed(bytes(32), ["Jefe"])
    assert keyed(key, ["a", "b", "a"])[0] == keyed(key, ["a"])[0] != keyed(key, ["b"])[0]
    (tmp_path / "people.key").write_text("5" * 63)
    with pytest.raises(LedgerDamaged, match="is no key of 64 hex digits"):
        key_of(tmp_path, make=True)


def change(path: Path) -> None:
    """Flip a byte in the middle of a file."""
    held = bytearray(path.read_bytes())
    held[len(held) // 2] ^= 1
    path.write_bytes(bytes(held))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda led: change(led.folder / "000003.parquet"), "000003.parquet was changed"),
        (lambda led: change(led.folder / "000001.parquet"), "000002.parquet does not follow the file before it"),
        (lambda led: (led.folder / "000002.parquet").rename(led.folder / "000009.parquet"),
         "000002.parquet is missing"),
        (lambda led: (led.folder / "000003.parquet").unlink(), "it had 3 files and has 2"),
        (lambda led: shutil.rmtree(led.folder), "it had 3 files and has 0"),
        (lambda led: shutil.copy(led.folder / "000001.parquet", led.folder / "000004.parquet"),
         "000004.parquet does not follow the file before it"),
        (lambda led: (led.keys / "people.key").unlink(), "is missing or is no key"),
        (lambda led: (led.keys / "people.key").write_text("00" * 32), "000001.parquet was written with another key"),
        (lambda led: (led.folder / "000004.parquet").write_bytes(b""), "000004.parquet cannot be read"),
    ],
)  # fmt: skip
def test_damage_is_seen(tmp_path: Path, damage, told):
    """Whatever is changed, missing or exchanged; even where the whole folder is, the other head tells."""
    ledger = ledger_in(tmp_path)
    for number in range(3):
        suppress(ledger, [f"c{number}"], "", "", AS_OF)
    damage(ledger)
    for act in (lambda: entries(ledger), lambda: suppress(ledger, ["d"], "", "", AS_OF)):
        with pytest.raises(LedgerDamaged, match=told):
            act()


def test_a_writer_killed_before_it_told_is_no_damage(tmp_path: Path):
    ledger = ledger_in(tmp_path)
    suppress(ledger, ["a"], "", "", AS_OF)
    heads = {folder: (folder / "head.json").read_text() for folder in (ledger.folder, ledger.keys)}
    suppress(ledger, ["b"], "", "", AS_OF)
    for folder, text in heads.items():
        (folder / "head.json").write_text(text)
        assert len(entries(ledger)) == 2
    assert suppress(ledger, ["c"], "", "", AS_OF) == 1
    assert {json.loads((folder / "head.json").read_text())["files"] for folder in heads} == {3}


def test_several_writers_lose_nothing(tmp_path: Path):
    ledger = ledger_in(tmp_path)
    suppress(ledger, ["first"], "", "", AS_OF)
    threads = [threading.Thread(target=suppress, args=(ledger, [f"c{n}", "all"], "", "", AS_OF)) for n in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(entries(ledger)) == 1 + 6 + 1


def test_who_was_erased(tmp_path: Path):
    ledger = ledger_in(tmp_path)
    assert erased_among(ledger, ["a"]) == set()
    suppress(ledger, ["a"], "", "", AS_OF, ERASED)
    suppress(ledger, ["b"], "", "", AS_OF)
    assert erased_among(ledger, ["a", "b", "c"]) == {"a"}


CONFIG = """
[sources.orders]
path = "orders.csv"
columns = { customer_id = "customer", ordered_at = "at", amount = "amount" }
[sources.consents]
path = "consents.csv"
columns = { customer_id = "customer", channel = "channel", purpose = "purpose", status = "status", recorded_at = "at" }
[sources.suppressions]
path = "stops.csv"
columns = { customer_id = "customer", recorded_at = "at", channel = "channel" }
"""
GRANTS = "customer,channel,purpose,status,at\n" + "".join(
    f"{who},{channel},marketing,granted,2026-01-0{day}\n"
    for who in "abcd" for day, channel in enumerate(("email", "sms"), start=1)
)  # fmt: skip
NO_STOPS = "customer,at,channel\n"


def shop(folder: Path) -> config.Config:
    """A project of four customers who granted e-mail and SMS, and the words of the sources about that."""
    (folder / "state").mkdir(parents=True)
    (folder / "winback.toml").write_text(CONFIG, "utf-8")
    (folder / "consents.csv").write_text(GRANTS, "utf-8")
    (folder / "stops.csv").write_text(NO_STOPS, "utf-8")
    return config.load(folder / "winback.toml")


def reached(settings: config.Config, folder: Path, channel: str = "email") -> str:
    """Who may be reached."""
    frame = reread(settings, folder, AS_OF, list("abcd"))
    return "".join(frame.loc[frame[f"may_{channel}"], "customer_id"])


def test_what_a_killed_reading_left_is_removed(tmp_path: Path):
    settings = shop(tmp_path)
    (tmp_path / "state" / ".consent-killed").mkdir()
    (tmp_path / "state" / ".consent-killed" / "consents.parquet").write_bytes(b"PAR1")
    assert reached(settings, tmp_path) == "abcd"
    assert list((tmp_path / "state").glob(".consent-*")) == []


def test_an_old_file_brings_nobody_back(tmp_path: Path):
    """What was once said no to stays so after the files of before it were restored, until a newer grant comes."""
    settings = shop(tmp_path)
    assert reached(settings, tmp_path) == "abcd"
    (tmp_path / "consents.csv").write_text(
        GRANTS + "a,email,marketing,withdrawn,2026-02-01\nb,any,profiling,objected,2026-02-01\n"
        "c,email,newsletter,unknown,2026-02-01\nd,post,marketing,unknown,2026-02-01\n", "utf-8",
    )  # fmt: skip
    (tmp_path / "stops.csv").write_text(NO_STOPS + "d,2026-02-02,sms\n", "utf-8")
    assert [reached(settings, tmp_path, channel) for channel in ("email", "sms")] == ["bd", "abc"]
    first = head(ledger_in(tmp_path))
    for name, text in (("consents.csv", GRANTS), ("stops.csv", NO_STOPS)):
        (tmp_path / name).write_text(text, "utf-8")
    assert [reached(settings, tmp_path, channel) for channel in ("email", "sms")] == ["bd", "abc"]
    assert not reread(settings, tmp_path, AS_OF, ["b"])["may_profile"].item()
    assert head(ledger_in(tmp_path)) == first
    (tmp_path / "consents.csv").write_text(GRANTS + "a,email,marketing,granted,2026-02-20\n", "utf-8")
    assert reached(settings, tmp_path) == "abd"


def test_no_ledger_is_made_for_nobody(tmp_path: Path):
    settings = shop(tmp_path)
    assert reached(settings, tmp_path) == "abcd"
    assert list((tmp_path / "state").iterdir()) == []


def test_a_suppression_by_hand_counts_at_once(tmp_path: Path):
    settings = shop(tmp_path)
    suppress(ledger_in(tmp_path), ["a"], "", "", AS_OF)
    suppress(ledger_in(tmp_path), ["b"], "", "", AS_OF, ERASED)
    suppress(ledger_in(tmp_path), ["c"], "sms", "", AS_OF)
    assert [reached(settings, tmp_path, channel) for channel in ("email", "sms")] == ["cd", "d"]


def test_damage_lists_nobody(tmp_path: Path):
    settings = shop(tmp_path)
    suppress(ledger_in(tmp_path), ["a"], "", "", AS_OF)
    change(ledger_in(tmp_path).folder / "000001.parquet")
    with pytest.raises(LedgerDamaged):
        permitted(tmp_path, ledger_in(tmp_path), settings.consent, AS_OF, ["b"])


def test_same_rows_give_the_same_bytes(tmp_path: Path):
    """In whatever order they come; the key apart."""
    (tmp_path / "one/keys").mkdir(parents=True)
    (tmp_path / "one/keys/people.key").write_text("07" * 32)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    rows = pd.DataFrame(
        {"customer_id": ["a", "b"], "kind": "suppressed", "channel": "", "purpose": "any", "reason": ""}
    )
    rows = rows.assign(recorded_at=AS_OF)
    for name, held in (("one", rows), ("two", rows.iloc[::-1])):
        add(Ledger(tmp_path / name / "no", tmp_path / name / "keys"), held, AS_OF)
    assert store.sha256(tmp_path / "one/no/000001.parquet") == store.sha256(tmp_path / "two/no/000001.parquet")
