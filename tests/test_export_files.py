"""Files of an export: none calculates, none is larger than asked, none lies anywhere but in its folder."""

from __future__ import annotations

import csv
import io
import os
import stat
from pathlib import Path

import pandas as pd
import pytest

from export_shop import DECIDED, RUN, exported, folder_of, people, publish, run_tables
from test_people_file import IGNORED, TRIGGERS, is_live
from winback.destinations import Destinations, HubSpot, PeopleCsv
from winback.errors import ExportRefused
from winback.export import ledger, place
from winback.export.campaign import campaign_name
from winback.export.files import people_csv
from winback.export.hubspot import hubspot
from winback.export.known import KNOWN
from winback.export.people import Wanted
from winback.export.rows import rows_of
from winback.export.written import files_of

BEFORE = ("", '"', '";', "a;", '","', 'x";"', "name\n", "\r\n", "'")
REST = ("1+1", "cmd|' /C calc'!A0", 'HYPERLINK("http://x.example","y")', "SUM(A1:A9)", "")
SKIPPED = ("", *IGNORED, " \0", "\ufeff\u200b", "\xa0 ", "\u2003\x85", " \u3000")
FORMULAS = [f"{b}{s}{t}{r}" for b in BEFORE for s in SKIPPED for t in TRIGGERS for r in REST]
FIELDS = ("email", "phone", "first_name", "last_name", "language", "action", "reason_1")


def whom() -> pd.DataFrame:
    """People whose every text is a formula, each of them once in every column."""
    rows = {name: pd.array([*FORMULAS[n:], *FORMULAS[:n]], dtype="str") for n, name in enumerate(FIELDS)}
    return pd.DataFrame(rows).assign(customer_id=FORMULAS, country="", channel="email")


def test_ten_thousand_formulas_none_of_them_live_in_a_file_for_people():
    """As ids, names, words and reasons, as two readers see them, and as one sees them who splits at semicolons."""
    assert len(set(FORMULAS)) >= 10_000
    destination = people_csv(PeopleCsv(columns=("first_name", "last_name", "language", "action", "reason_1")))
    made = rows_of(whom(), destination, destination.jobs[0])
    ((held, count),) = files_of("add", made.rows, destination).values()
    text = held.decode("utf-8-sig")
    by_csv = list(csv.reader(io.StringIO(text), strict=True))
    by_pandas = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False, header=None).to_numpy().tolist()
    assert by_csv == by_pandas
    assert len(by_csv) == count + 1
    cells = [cell for row in by_csv for cell in row]
    assert len([cell for cell in cells if cell]) > 50_000
    assert [cell for cell in cells if is_live(cell)] == []
    assert [piece for line in text.split("\n") for piece in line.split(";") if is_live(piece.replace('"', ""))] == []


def test_in_a_file_for_machines_a_formula_is_left_out_and_told_and_nothing_is_altered():
    destination = hubspot(HubSpot(columns=("reason_1", "action")))
    everybody = whom()[::5]
    emails = [f"a{n}@example.org" for n in range(len(everybody))]
    given = everybody.assign(email=emails, phone="+44 20 7946 0018")
    made = rows_of(given, destination, destination.jobs[0])
    ((held, _),) = files_of("add", made.rows, destination).values()
    rows = list(csv.DictReader(io.StringIO(held.decode("utf-8"), newline=""), strict=True))
    assert {row["Phone Number"] for row in rows} == {"+442079460018"}
    assert [cell for row in rows for header, cell in row.items() if header != "Phone Number" and is_live(cell)] == []
    for field in ("reason_1", "action"):
        sent = [row[f"winback_{field}"] for row in rows]
        assert all(value in ("", meant) for value, meant in zip(sent, given[field], strict=True))
        told = (made.rejects["field"] == field).sum()
        assert told == sent.count("") - sum(not meant.strip() for meant in given[field])


def test_numbers_stay_numbers_in_both_kinds(tmp_path: Path):
    tables = run_tables(DECIDED)
    tables["decisions"]["expected_net_gain"] = -1.5
    publish(tmp_path, tables)
    columns = ("expected_net_gain", "probability")
    settings = Destinations(hubspot=HubSpot(columns=columns), csv=PeopleCsv(columns=columns))
    (receipt,) = exported(tmp_path, "hubspot", settings)
    assert (folder_of(tmp_path, receipt) / "add.csv").read_text("utf-8").splitlines()[1].endswith(",-1.5,0.625")
    (receipt,) = exported(tmp_path, "csv", settings)
    assert (folder_of(tmp_path, receipt) / "add.csv").read_text("utf-8").splitlines()[1] == '"c01",-1.5,0.625'


def test_parquet_is_exact(tmp_path: Path):
    publish(tmp_path, run_tables({"=1+1": ("voucher", "sms")}))
    (receipt,) = exported(tmp_path, "parquet", customers=people("=1+1", **{"=1+1": {"language": "-x"}}))
    (row,) = pd.read_parquet(folder_of(tmp_path, receipt) / "add.parquet").to_dict("records")
    assert row == {
        "customer_id": "=1+1", "action": "voucher", "channel": "sms", "email": "=1+1@example.org",
        "phone": "+442079461000", "language": "-x", "driver": "service", "probability": 0.625,
    }  # fmt: skip


@pytest.mark.parametrize(("most", "sizes"), [(1_000, [5]), (90, [2, 2, 1]), (60, [1, 1, 1, 1, 1])])
def test_a_file_is_split_between_rows_when_it_would_be_too_large(most: int, sizes: list[int]):
    destination = KNOWN["klaviyo"](Destinations())
    rows = pd.DataFrame({"Email": [f"person{n}@example.org" for n in range(5)], "First Name": ["Анна"] * 5})
    small = type(destination)(**{**vars(destination), "max_bytes": most})
    files = files_of("add", rows, small)
    assert [count for _, count in files.values()] == sizes
    assert all(len(held) <= most for held, _ in files.values())
    joined = b"".join(held.removeprefix(b"Email,First Name\n") for held, _ in files.values())
    assert joined.decode() == "".join(f"person{n}@example.org,Анна\n" for n in range(5))
    assert list(files) == (["add.csv"] if len(sizes) == 1 else [f"add-{n}.csv" for n in range(1, len(sizes) + 1)])


def test_a_row_that_fits_no_file_is_refused():
    destination = KNOWN["klaviyo"](Destinations())
    small = type(destination)(**{**vars(destination), "max_bytes": 30})
    with pytest.raises(ExportRefused, match="one row is longer than the 30 bytes a file may have"):
        files_of("add", pd.DataFrame({"Email": ["somebody.quite.long@example.org"]}), small)


BAD_NAMES = [
    "", ".", "..", "../x", "/etc", "a/b", "a\\b", "a\0b", "a\n", " a", "a ", "-a", ".a", "~", "$HOME", "%2e%2e",
    "a" * 101, "a" * 256, "con", "CON", "nul", "Aux.txt", "com1", "LPT9.csv", "a:b", "a*b", "a?", "a|b", 'a"b', "a<b",
    "a>b", "a;b", "a.", "имя", "a\u202eb", "a\u200bb", "\ufeffa", "=a", "@a", "+a",
    *(f"{up}{target}" for up in ("../", "..\\", "....//", "%2e%2e/", "/", "\\\\", "C:\\", "file://", "./", "a/../../")
      for target in ("x", "etc/passwd", "..", "runs/current", "con")),
    *(f"a{chr(code)}b" for code in (*range(32), 127, *range(0x80, 0xA0))),
    *(f"{chr(code)}a" for code in (*range(33, 48), *range(58, 65), *range(91, 97), *range(123, 127))),
]  # fmt: skip


@pytest.mark.parametrize("to", ["csv", "google"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, to: str):
    """More than 200 names, as campaigns and as actions: each refused, and nothing written."""
    destination = KNOWN[to](Destinations())
    tried = 0
    for name in dict.fromkeys(BAD_NAMES):
        for wanted, named in ((Wanted(), name), (Wanted(action=name), None)):
            tried += 1
            if named is None and (destination.is_ads or not name):
                continue  # a digest, or no filter
            with pytest.raises(ExportRefused, match=r"a campaign cannot be called|tells the platform"):
                campaign_name(destination, wanted, named, set())
    assert tried >= 200
    publish(tmp_path, run_tables(DECIDED))
    with pytest.raises(ExportRefused, match=r"a campaign cannot be called '\.\./\.\./x'; use up to 100 letters"):
        exported(tmp_path, to, campaign="../../x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["runs"]


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("churn-march", "churn"), ("High Risk", "risk"), ("about_to_leave", "leav"), ("lapsed-90d", "lapse"),
        ("winback", "winback"), ("win_back", "win-back"), ("service-issues", "service"), ("diabetes", "diabet"),
        ("low-income", "income"), ("credit", "credit"), ("payment-failed", "payment"),
    ],
)  # fmt: skip
def test_a_name_tells_an_ad_platform_nothing(name: str, word: str):
    with pytest.raises(ExportRefused) as error:
        campaign_name(KNOWN["meta"](Destinations()), Wanted(), name, {"service", "recency"})
    assert str(error.value) == (
        f"a campaign for meta cannot be called {name!r}: {word!r} tells the platform something of the people in it. "
        "Use a neutral name, such as 'spring-list'."
    )
    assert campaign_name(KNOWN["csv"](Destinations()), Wanted(), "churn-march", {"churn"}) == "churn-march"


@pytest.mark.parametrize("name", ["spring-list", "2026-w07", "all-customers-a", "willow", "still"])
def test_a_neutral_name_is_kept(name: str):
    assert campaign_name(KNOWN["meta"](Destinations()), Wanted(), name, {"service"}) == name


def test_our_own_name_for_an_ad_platform_is_a_digest():
    names = {campaign_name(KNOWN["google"](Destinations()), Wanted(a), None, set()) for a in ("pause_plan", "voucher")}
    assert len(names) == 2
    assert all(name.startswith("list-") and len(name) == 11 for name in names)


@pytest.mark.parametrize("depth", range(3))
@pytest.mark.parametrize("kind", ["link to a folder", "dangling link", "file"])
def test_a_link_or_file_in_place_of_a_folder_is_not_followed(tmp_path: Path, depth: int, kind: str):
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    parts = ["google", "list-5ef5ef", RUN]
    above = root.joinpath(*parts[:depth])
    above.mkdir(parents=True)
    if kind == "file":
        (above / parts[depth]).write_text("x")
    else:
        (above / parts[depth]).symlink_to(outside if kind == "link to a folder" else tmp_path / "nowhere")
    with (
        pytest.raises(ExportRefused, match=f"'{parts[depth]}' below .* is not a folder of ours"),
        place.folder(root, parts),
    ):
        pass
    assert list(outside.iterdir()) == []
    assert not (tmp_path / "nowhere").exists()


def test_a_link_put_there_after_the_check_leads_nowhere(tmp_path: Path):
    """The folder is held open: what its name means by now does not matter."""
    outside = tmp_path / "outside"
    outside.mkdir()
    with place.folder(tmp_path / "root", ["a", "b"]) as handle:
        (tmp_path / "root" / "a").rename(tmp_path / "moved")
        (tmp_path / "root" / "a").symlink_to(outside)
        place.write(handle, {"x.csv": b"1", "receipt.json": b"{}"}, "receipt.json")
    assert list(outside.iterdir()) == []
    assert sorted(path.name for path in (tmp_path / "moved" / "b").iterdir()) == ["receipt.json", "x.csv"]


def test_a_link_in_place_of_a_file_is_replaced(tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("untouched")
    with place.folder(tmp_path / "root", ["a"]) as handle:
        for name in ("x.csv", "receipt.json", f".x.csv.{os.getpid()}.tmp"):
            (tmp_path / "root" / "a" / name).symlink_to(secret)
        place.write(handle, {"x.csv": b"1", "receipt.json": b"{}"}, "receipt.json")
    assert secret.read_text() == "untouched"
    found = {path.name: path for path in (tmp_path / "root" / "a").iterdir()}
    assert sorted(found) == ["receipt.json", "x.csv"]
    assert not any(path.is_symlink() for path in found.values())
    assert {stat.S_IMODE(path.stat().st_mode) for path in found.values()} == {0o600}


def test_a_folder_without_its_receipt_is_not_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Whatever dies while files are replaced, the old receipt does not vouch for new files."""
    with place.folder(tmp_path, ["a"]) as handle:
        place.write(handle, {"x.csv": b"old", "receipt.json": b"{old}"}, "receipt.json")
        real = place._write

        def dying(folder: int, name: str, held: bytes) -> None:
            if name == "y.csv":
                raise OSError("no space left")
            real(folder, name, held)

        monkeypatch.setattr(place, "_write", dying)
        with pytest.raises(OSError, match="no space left"):
            place.write(handle, {"x.csv": b"new", "y.csv": b"new", "receipt.json": b"{new}"}, "receipt.json")
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["x.csv"]


@pytest.mark.parametrize("at", ["keep", "append", "folder", "write", "second append"])
def test_a_killed_export_is_finished_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str):
    publish(tmp_path, run_tables(DECIDED))
    calls: list[str] = []

    def dies(module: object, name: str, when: int) -> None:
        real = getattr(module, name)

        def dying(*given: object) -> object:
            calls.append(name)
            if calls.count(name) == when:
                raise KeyboardInterrupt
            return real(*given)

        patched.setattr(module, name, dying)

    with monkeypatch.context() as patched:
        owner = ledger if at in ("keep", "append", "second append") else place
        dies(owner, at.removeprefix("second "), 2 if at.startswith("second") else 1)
        with pytest.raises(KeyboardInterrupt):
            exported(tmp_path, "csv")
    (receipt,) = exported(tmp_path, "csv")
    assert receipt["sent"] == 5
    assert (folder_of(tmp_path, receipt) / "receipt.json").exists()
    lines = ledger.lines(tmp_path / "state" / "exports" / "csv" / "all")
    assert lines[-1]["status"] == "delivered"
    assert len({line["delivery"] for line in lines}) == 1


def test_a_torn_line_of_the_ledger_is_cut_off(tmp_path: Path):
    ledger.append(tmp_path, {"delivery": "a"})
    with (tmp_path / ledger.LEDGER).open("ab") as file:
        file.write(b'{"delivery": "b')
    assert ledger.lines(tmp_path) == [{"delivery": "a"}]
    ledger.append(tmp_path, {"delivery": "c"})
    assert ledger.lines(tmp_path) == [{"delivery": "a"}, {"delivery": "c"}]


@pytest.mark.parametrize("held", [b"{}\nnot json\n", b"{}\n", b"[1]\n", b"\xff\xfe\n", b"null\n"])
def test_a_ledger_changed_by_hand_is_not_guessed_at(tmp_path: Path, held: bytes):
    (tmp_path / ledger.LEDGER).write_bytes(held)
    with pytest.raises(ExportRefused, match="was changed by other hands: a line of it is no delivery"):
        ledger.lines(tmp_path)
    with pytest.raises(ExportRefused, match="is missing, so nobody knows who has to be taken off the list"):
        ledger.members(tmp_path, "gone")


def test_a_folder_that_cannot_be_is_told_before_anything_is_begun(tmp_path: Path):
    publish(tmp_path, run_tables(DECIDED))
    (tmp_path / "exports").write_text("a file")
    with pytest.raises(ExportRefused) as error:
        exported(tmp_path, "csv")
    assert str(error.value) == (
        f"the folder {tmp_path / 'exports'} cannot be written to (File exists); name another in [destinations] folder "
        "or --out"
    )
    assert not (tmp_path / "state" / "exports").exists()


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A full disk: no half file, no temporary, and a folder that a person put there stays."""

    def full(handle: int) -> None:
        raise OSError("no space left")

    with place.folder(tmp_path, ["a"]) as handle:
        (tmp_path / "a" / "notes").mkdir()
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", full)
            with pytest.raises(OSError, match="no space left"):
                place.write(handle, {"x.csv": b"1", "receipt.json": b"{}"}, "receipt.json")
        assert [path.name for path in (tmp_path / "a").iterdir()] == ["notes"]
        place.write(handle, {"x.csv": b"1", "receipt.json": b"{}"}, "receipt.json")
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["notes", "receipt.json", "x.csv"]
