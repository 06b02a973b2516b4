"""winback init --from: what is printed, asked, tried and written."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from winback import config
from winback.cli import cli, init_from

CDNOW = Path(__file__).parents[2] / "shared" / "data" / "cdnow" / "cdnow_sample.parquet"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a German file of 60 customers over 300 days, in which the command is called."""
    lines = ["Kunde;Kaufdatum;Betrag"]
    for n in range(900):
        day = dt.date(2025, 1, 1) + dt.timedelta(days=n // 3)
        lines.append(f"K{n * 7 % 61};{day:%d.%m.%Y};{5 + n % 40},{n % 10}0 €")
    (tmp_path / "käufe.csv").write_text("\n".join(lines) + "\n", "cp1252")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def called(*words: str, say: str = "") -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["init", *words], input=say, catch_exceptions=True)
    return done.exit_code, done.output + (str(done.exception) if done.exit_code and done.exception else "")


def test_yes_writes_a_project_that_a_run_accepts(here: Path):
    code, out = called("shop", "--from", "käufe.csv", "--yes")
    assert code == 0, out
    loaded = config.load(here / "shop" / "winback.toml")
    source = loaded.sources.orders
    assert source is not None
    assert (source.path, source.delimiter, source.encoding) == ("../käufe.csv", ";", "cp1252")
    assert (source.date_format, source.number_format) == ("%d.%m.%Y", "1234,56 €")
    assert source.columns == {"customer_id": "Kunde", "ordered_at": "Kaufdatum", "amount": "Betrag"}
    assert (loaded.project.currency, loaded.consent.kept_elsewhere) == ("EUR", False)
    assert (here / "shop" / ".gitignore").read_text("utf-8").splitlines()[1:] == ["state/", "runs/"]
    assert (here / "shop" / "actions.toml").is_file()
    assert "Read so: 900 rows, 900 used, 0 duplicates, 0 left out, 0 refused" in out
    assert "439 customers are missing: 61 customers ordered before 2025-10-28" in out
    assert out.endswith(
        "Next:\n  winback check --config shop/winback.toml --date 2025-10-28\n"
        "  winback run --config shop/winback.toml --date 2025-10-28\n"
    )


def test_without_a_terminal_nothing_is_written(here: Path):
    code, out = called(
        "shop", "--from", "käufe.csv", "--currency", "CHF", "--zone", "Europe/Zurich", "--kept-elsewhere"
    )
    assert code == 0
    assert not (here / "shop").exists()
    shown = tomllib.loads(out.partition("would be:\n\n")[2].partition("Nothing was written.")[0])
    assert (shown["project"]["currency"], shown["project"]["time_zone"]) == ("CHF", "Europe/Zurich")
    assert shown["consent"] == {"kept_elsewhere": True}
    assert out.endswith("Nothing was written. There is no terminal to ask on; --yes writes it.\n")


def test_on_a_terminal_it_asks_before_it_writes(here: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(init_from, "on_terminal", lambda: True)
    code, out = called("shop", "--from", "käufe.csv", say="n\n")
    assert code == 0
    assert not (here / "shop").exists()
    code, out = called("shop", "--from", "käufe.csv", say="y\n")
    assert code == 0
    assert (here / "shop" / "winback.toml").is_file()
    code, out = called("shop", "--from", "käufe.csv", say="y\n")
    assert (code, "shop/winback.toml exists already; nothing was written." in out) == (1, True)


def test_what_the_file_does_not_decide_is_refused_or_asked(here: Path, monkeypatch: pytest.MonkeyPatch):
    rows = [f"{n % 9},03/0{1 + n % 9}/2025,{n}.50" for n in range(1, 60)]
    (here / "o.csv").write_text("\n".join(["customer,date,amount", *rows]) + "\n", "utf-8")
    code, out = called("shop", "--from", "o.csv", "--yes")
    assert code == 1
    assert "the file does not decide this, and nothing was written:" in out
    assert "--date-format %d/%m/%Y" in out
    assert "--date-format %m/%d/%Y" in out
    assert not (here / "shop").exists()
    monkeypatch.setattr(init_from, "on_terminal", lambda: True)
    code, out = called("shop", "--from", "o.csv", say="2\ny\n")
    assert code == 0, out
    assert config.load(here / "shop" / "winback.toml").sources.orders.date_format == "%m/%d/%Y"  # type: ignore[union-attr]


@pytest.mark.skipif(not CDNOW.is_file(), reason="the real data are not on this machine")
def test_a_real_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """CDNOW: two ids that both look like the customer's, dates of Parquet, pieces."""
    monkeypatch.chdir(tmp_path)
    code, out = called("--from", str(CDNOW), "--yes", "--column", "customer_id=sample_id")
    assert code == 0, out
    columns = tomllib.loads((tmp_path / "winback.toml").read_text("utf-8"))["sources"]["orders"]["columns"]
    assert columns == {"customer_id": "sample_id", "ordered_at": "date", "amount": "spend", "quantity": "cds"}
    assert "Orders of 2,357 customers, 1997-01-01 to 1998-06-30 (UTC), in USD" in out
    assert "winback run --date 1998-07-01" in out
