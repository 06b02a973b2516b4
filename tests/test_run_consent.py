"""Consent in the whole job: who objected is nowhere, and what changes under a run changes its list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import shop
from winback import nightly, store
from winback.errors import PublishRefused

HEADER = "customer_id,channel,purpose,status,recorded_at"
SOURCE = "\n".join(
    [
        "",
        "[sources.consents]",
        'path = "consents.csv"',
        *(f'columns.{name} = "{name}"' for name in HEADER.split(",")),
        "",
    ]
)
OBJECTOR = "C0002"


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop in which everybody said yes to e-mail, and one no to being profiled; its run is not made yet."""
    path = shop.lay_down(tmp_path_factory.mktemp("consents"))
    path.write_text(path.read_text("utf-8").replace("kept_elsewhere = true\n", "") + SOURCE, "utf-8")
    known = sorted(pd.read_csv(path.parent / "orders.csv", dtype=str)["customer_id"].unique())
    lines = [f"{each},email,marketing,granted,2025-06-01T00:00:00Z" for each in known]
    lines.append(f"{OBJECTOR},any,profiling,objected,2025-07-01T00:00:00Z")
    shop.write_rows(path.parent / "consents.csv", HEADER, lines)
    return path


def made(path: Path, clock: Callable[[], dt.datetime]) -> dict[str, pd.DataFrame]:
    job = shop.job(path)
    _, did = nightly.run(job, lambda _: None, clock, replace=True)
    assert did
    folder = job.runs / job.run_id
    names = ("permissions", "features", "scores", "reasons", "decisions", "assignments")
    return {name: store.read_table(folder / f"{name}.parquet").to_pandas() for name in names}


def withdrawing(path: Path, ids: list[str]) -> Callable[[], dt.datetime]:
    """A clock: each time but the first that it is looked at, the next of `ids` has just withdrawn."""
    left, at = [*ids], [shop.RECEIVED]

    def clock() -> dt.datetime:
        if at[0] > shop.RECEIVED and left:
            with (path.parent / "consents.csv").open("a", encoding="utf-8") as file:
                file.write(f"{left.pop(0)},email,marketing,withdrawn,{at[0].isoformat()}\n")
        at[0] += dt.timedelta(minutes=1)
        return at[0]

    return clock


def acted(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    decisions = tables["decisions"]
    return decisions[decisions["action"] != "leave_alone"]


def test_who_objected_is_nowhere_and_only_what_is_permitted_is_done(given: Path, tmp_path: Path) -> None:
    tables = made(shop.copy(given, tmp_path / "shop"), lambda: shop.RECEIVED)
    assert OBJECTOR in set(tables["permissions"]["customer_id"])
    for name in ("features", "scores", "reasons", "decisions", "assignments"):
        assert len(tables[name]) > 0
        assert OBJECTOR not in set(tables[name]["customer_id"])
    assert set(acted(tables)["channel"]) == {"email"}


@pytest.mark.deep
def test_a_no_that_comes_while_the_list_is_made_is_heard(given: Path, tmp_path: Path) -> None:
    before = acted(made(shop.copy(given, tmp_path / "first"), lambda: shop.RECEIVED))["customer_id"].tolist()
    path = shop.copy(given, tmp_path / "second")
    tables = made(path, withdrawing(path, before[:1]))
    assert before[0] not in set(acted(tables)["customer_id"])
    told = tables["decisions"].set_index("customer_id").loc[before[0]]
    assert (told["action"], told["cause"]) == ("leave_alone", "no_consent")


@pytest.mark.deep
def test_a_list_is_not_published_while_consent_does_not_rest(given: Path, tmp_path: Path) -> None:
    path = shop.copy(given, tmp_path / "shop")
    ids = [f"C{number:04}" for number in range(3, 40)]
    with pytest.raises(PublishRefused) as caught:
        nightly.run(shop.job(path), lambda _: None, withdrawing(path, ids))
    assert str(caught.value) == (
        "the list for 2026-02-15 is not published: consent changed while each of 3 lists was made. The list before "
        "stays. Run again when the sources of consent are at rest."
    )
    assert not (path.parent / "runs" / "current").exists()
