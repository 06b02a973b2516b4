"""winback export, from a shop's files to files for a tool: what it prints, and whose consent it asks."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

import shop
from winback import config, runs, store
from winback.campaigns import approvals, ledger
from winback.cli import cli
from winback.cli.export import AD_PURPOSES, refuse_unknown, with_ad_consent, with_words
from winback.cli.forget import exports
from winback.consent.kept import suppress
from winback.consent.ledger import ERASED, ledger_of
from winback.errors import ErasureIncomplete, ExportRefused, RunDamaged
from winback.export.addressed import addressed
from winback.export.people import Wanted
from winback.limits import Consent
from winback.permitting import refuse_restored

SOURCES = """
[sources.customers]
path = "customers.csv"
columns = { customer_id = "id", signed_up_at = "since", country = "country", email = "email", phone = "phone" }

[sources.consents]
path = "consents.csv"
columns = { customer_id = "id", channel = "channel", purpose = "purpose", status = "status", recorded_at = "at" }

[gates]
"""
GRANTS = [("any", "marketing"), ("ads", "ad_user_data"), ("ads", "ad_personalization")]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with a published list, of which every customer granted everything but one, who never said."""
    path = shop.lay_down(tmp_path_factory.mktemp("shop"))
    _, lines = shop.rows(path.parent / "orders.csv")
    first: dict[str, str] = {}
    for who, day in sorted(line.split(",")[:2] for line in lines):
        first.setdefault(who, day)
    ids = sorted(first)
    whom = [f"{i},{first[i]},DE,{i.lower()}@example.org,0171 {2345000 + n}" for n, i in enumerate(ids)]
    shop.write_rows(path.parent / "customers.csv", "id,since,country,email,phone", whom)
    said = [f"{i},{channel},{purpose},granted,2025-02-01" for i in ids for channel, purpose in GRANTS]
    shop.write_rows(path.parent / "consents.csv", "id,channel,purpose,status,at", said)
    shop.edit(path, "\n[gates]\n", SOURCES)
    shop.edit(path, "kept_elsewhere = true", "kept_elsewhere = false")
    shop.run(path)
    return path


@pytest.fixture
def mine(published: Path, tmp_path: Path) -> Path:
    return shop.copy(published, tmp_path / "shop")


def called(path: Path, *words: str, code: int = 0) -> str:
    """What the command prints."""
    done = CliRunner().invoke(cli, ["export", "--config", str(path), *words], catch_exceptions=code == 0)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done.output


def receipts(path: Path, *words: str) -> list[dict]:
    return json.loads(called(path, *words, "--json"))


def test_a_list_goes_to_google_and_is_told_in_a_few_lines(mine: Path):
    text = called(mine, "--to", "google")
    (receipt,) = receipts(mine, "--to", "google")
    folder = mine.parent / "exports" / "google" / "list-5ef5ef" / receipt["run_id"]
    sent = receipt["sent"]
    assert sent > 0
    assert text.splitlines() == [
        f"google / list-5ef5ef: {sent} sent, 0 to remove",
        "  google advises against lists of fewer than 100",
        f"  {folder / 'add-granted.csv'} ({sent} rows)",
    ]
    assert len((folder / "add-granted.csv").read_text("utf-8").splitlines()) == sent + 1


def test_a_consent_withdrawn_after_the_run_counts_at_the_export(mine: Path):
    """The list was published while they agreed: it is the export that asks again."""
    before = pd.read_csv(_only(mine, receipts(mine, "--to", "csv")[0]))
    gone = before["customer_id"].iloc[0]
    with (mine.parent / "consents.csv").open("a") as file:
        file.write(f"{gone},any,marketing,withdrawn,2026-02-14\n")
    (receipt,) = receipts(mine, "--to", "csv")
    after = pd.read_csv(_only(mine, receipt))
    assert set(before["customer_id"]) - set(after["customer_id"]) == {gone}
    assert (receipt["dropped"], receipt["removed"]) == ({"no_permission": 1}, 1)
    assert pd.read_csv(_only(mine, receipt, "remove.csv"))["customer_id"].tolist() == [gone]


def test_grants_grow_too_old_between_the_run_and_the_export(mine: Path):
    """They granted in 2025, and today is later."""
    shop.edit(mine, "kept_elsewhere = false", "max_age_days = 1")
    assert "is older than [consent] max_age_days; nothing was written." in str(refused(mine, "--to", "csv"))
    with (mine.parent / "consents.csv").open("a") as file:
        newest = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
        file.writelines(f"C{n:04},any,marketing,granted,{newest:%Y-%m-%d %H:%M:%S}\n" for n in range(200))
    (receipt,) = receipts(mine, "--to", "csv")
    assert receipt["sent"] > 0
    assert receipt["dropped"]["consent_too_old"] > 0


def test_a_mistyped_action_does_not_take_off_everybody(tmp_path: Path):
    settings = config.load(shop.lay_down(tmp_path / "shop"))
    refuse_unknown(None, settings, tmp_path)
    refuse_unknown("personal_discount", settings, tmp_path)
    with pytest.raises(ExportRefused) as error:
        refuse_unknown("personal_discont", settings, tmp_path)
    assert str(error.value) == (
        "no action of the catalogue is called 'personal_discont'. Did you mean 'personal_discount'?"
    )


def test_only_what_exports_wrote_is_gone_through_by_forget(tmp_path: Path):
    """The folder may be one in which a shop keeps files of its own."""
    settings = config.load(shop.lay_down(tmp_path / "shop"))
    for name in ("google", "mine", "csv"):
        (tmp_path / "exports" / name).mkdir(parents=True)
    assert exports(settings, tmp_path) == [tmp_path / "exports" / name for name in ("google", "csv")]


def test_a_backup_from_before_brings_nobody_back(mine: Path, tmp_path: Path):
    """One was erased and one withdrew since; state, runs and sources are what they were, the ledger lies elsewhere."""
    base, kept = mine.parent, f"{tmp_path}/kept"
    shop.edit(mine, "kept_elsewhere = false", f'suppressions = "{kept}/suppressions"\nkeys = "{kept}/keys"')
    gone, quiet, *_ = pd.read_csv(_only(mine, receipts(mine, "--to", "csv")[0]))["customer_id"]
    for name in ("state", "runs", "exports"):
        shutil.copytree(base / name, tmp_path / "backup" / name, symlinks=True)
    said = (base / "consents.csv").read_text("utf-8")
    (base / "consents.csv").write_text(f"{said}{quiet},any,marketing,withdrawn,2026-02-14\n")
    receipts(mine, "--to", "csv")
    done = CliRunner().invoke(cli, ["forget", "--config", str(mine), "--customer", gone])
    assert done.exit_code == 0, done.output
    assert not any(gone.encode() in held for held in shop.contents(base / "exports").values())
    for name in ("state", "runs", "exports"):
        shutil.rmtree(base / name)
        shutil.copytree(tmp_path / "backup" / name, base / name, symlinks=True)
    (base / "consents.csv").write_text(said)
    (receipt,) = receipts(mine, "--to", "csv")
    assert not {gone, quiet} & set(pd.read_csv(_only(mine, receipt))["customer_id"])
    assert {gone, quiet} == set(pd.read_csv(_only(mine, receipt, "remove.csv"))["customer_id"])
    folder, _, _ = shop.run(mine, shop.LATER)
    tables = {name: store.read_table(folder / f"{name}.parquet").to_pandas() for name in shop.TABLES}
    assert [name for name, rows in tables.items() if gone in set(rows["customer_id"])] == []
    acted = tables["decisions"].query("action != 'leave_alone'")
    assert quiet not in set(acted["customer_id"])
    assert gone.encode() not in (folder / "at_risk.csv").read_bytes()


def test_a_restored_list_with_somebody_who_was_erased_is_not_taken_for_done(mine: Path, tmp_path: Path):
    kept = f"{tmp_path}/kept"
    shop.edit(mine, "kept_elsewhere = false", f'suppressions = "{kept}/suppressions"\nkeys = "{kept}/keys"')
    folder = runs.current(mine.parent / "runs")
    job = replace(shop.job(mine), today=shop.TODAY)
    refuse_restored(job, folder)
    suppress(ledger_of(mine.parent, job.state, job.config.consent), ["C0009", "nobody"], "", "", shop.RECEIVED, ERASED)
    with pytest.raises(ErasureIncomplete) as error:
        refuse_restored(job, folder)
    assert str(error.value) == (
        f"1 people who were erased are back in {folder}, as after a restore of a backup. Run `winback forget "
        "--restored` to erase them again."
    )


def refused(path: Path, *words: str) -> BaseException | None:
    """Why the command ended so."""
    done = CliRunner().invoke(cli, ["export", "--config", str(path), *words])
    assert isinstance(done.exception, ExportRefused)
    return done.exception


def _only(path: Path, receipt: dict, name: str = "add.csv") -> Path:
    return path.parent / "exports" / receipt["destination"] / receipt["campaign"] / receipt["run_id"] / name


def test_one_action_of_one_channel_goes_where_it_is_told_to(mine: Path, tmp_path: Path):
    (every,) = receipts(mine, "--to", "csv")
    frame = pd.read_csv(_only(mine, every))
    action = frame["action"].iloc[0]
    (receipt,) = receipts(mine, "--to", "csv", "--action", action, "--out", str(tmp_path / "elsewhere"))
    assert receipt["sent"] == (frame["action"] == action).sum()
    assert (tmp_path / "elsewhere" / "csv" / action / receipt["run_id"] / "add.csv").is_file()


def test_a_telling_name_is_refused_in_one_line(mine: Path, capsys: pytest.CaptureFixture[str]):
    from winback.cli import main  # noqa: PLC0415

    with pytest.raises(SystemExit) as ended:
        main(["export", "--config", str(mine), "--to", "meta", "--campaign", "high-risk"])
    assert ended.value.code == 1
    assert capsys.readouterr().err == (
        "Error: a campaign for meta cannot be called 'high-risk': 'risk' tells the platform something of the people in "
        "it. Use a neutral name, such as 'spring-list'.\n"
    )


@pytest.mark.parametrize(
    ("consent", "said"),
    [
        (Consent(), [True, False]),
        (Consent(kept_elsewhere=True), [pd.NA, pd.NA]),
        (Consent(opt_out_channels=("ads",)), [pd.NA, pd.NA]),
        (Consent(ads_purposes=("marketing",)), [pd.NA, pd.NA]),
        (Consent(opt_out_channels=("post",)), [True, False]),
    ],
)
def test_google_is_told_granted_only_where_it_was_recorded(consent: Consent, said: list):
    rows = with_ad_consent(pd.DataFrame({"customer_id": ["a", "b"], "may_ads": [True, False]}), consent)
    for purpose in AD_PURPOSES:
        assert [str(value) for value in rows[purpose]] == [str(value) for value in said]


def test_approvals_and_the_draw_of_the_nights_campaign_are_heard(tmp_path: Path):
    """Yes to an action in the series; held out by the ledger of assignments; another night's is nobody's business."""
    settings = config.load(shop.lay_down(tmp_path / "shop"))
    state, manifest = tmp_path / "state", {"logical_date": "2026-02-15", "model": {"name": "small"}}
    assert with_words(Wanted("a", "email"), settings, state, manifest) == Wanted("a", "email")
    said = approvals.Word(shop.RECEIVED, "small", "voucher", approvals.APPROVED, "Ann", "within budget")
    state.mkdir()
    approvals.say(state, said, {"voucher"})
    for day, who in (("2026-02-15", "c1"), ("2026-02-14", "c2")):
        rows = pd.DataFrame({"customer_id": [who, "c3"], "arm": ["held_out", "treated"]})
        store.write_table(ledger.path_of(state, f"small-{day}"), rows)
    heard = with_words(Wanted("a", "email"), settings, state, manifest)
    assert heard == Wanted("a", "email", frozenset({"voucher"}), frozenset({"c1"}))


def test_the_newest_address_counts_and_no_table_is_nobody(tmp_path: Path):
    assert addressed(tmp_path).columns.tolist() == ["customer_id"]
    for number, day in enumerate(("2026-01-02", "2026-01-01")):
        rows = pd.DataFrame({"customer_id": ["a", "b"][: 2 - number], "email": [f"{day}@x.org"] * (2 - number)})
        path = tmp_path / ("customers.parquet" if not number else "customers.1.parquet")
        store.write_table(path, rows.assign(recorded_at=pd.Timestamp(day, tz="UTC")))
    assert addressed(tmp_path).set_index("customer_id")["email"].to_dict() == dict.fromkeys("ab", "2026-01-02@x.org")
    with pytest.raises(RunDamaged, match="is gone, which the published run was made from; run again for its date"):
        addressed(tmp_path / "gone")
