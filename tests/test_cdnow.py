"""Three columns are enough: a record shop's log with five lines of configuration, held against what came after."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from winback import config, jobs, nightly, store

pytestmark = pytest.mark.deep
TODAY, HORIZON = dt.date(1997, 12, 31), dt.timedelta(days=90)
CONFIG = """\
model = { horizon_days = 90 }
[sources.orders]
path = "orders.csv"
columns = { customer_id = "customer", ordered_at = "date", amount = "amount" }
"""


@pytest.fixture(scope="module")
def log(tree: Path) -> Path:
    """The record shop's orders, which are not part of the repository."""
    path = tree.parent / "shared" / "data" / "cdnow" / "orders.csv"
    if not path.is_file():
        pytest.skip(f"no {path}")
    return path


@pytest.fixture(scope="module")
def folder(log: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the run for the last day of 1997."""
    project = tmp_path_factory.mktemp("records")
    shutil.copyfile(log, project / "orders.csv")
    (project / "winback.toml").write_text(CONFIG, "utf-8")
    received = dt.datetime(1998, 7, 1, tzinfo=dt.UTC)
    job = jobs.prepare(config.load(project / "winback.toml"), project, TODAY, received)
    _, did = nightly.run(job, lambda _: None)
    assert did
    return job.runs / job.run_id


@pytest.fixture(scope="module")
def outcomes(log: Path) -> pd.DataFrame:
    """Days since the last order before TODAY and whether none came in the 90 days from it, by customer."""
    orders = pd.read_csv(log, parse_dates=["date"], dtype={"customer": str})
    today = pd.Timestamp(TODAY)
    last = orders[orders["date"] < today].groupby("customer")["date"].max()
    after = orders[(orders["date"] >= today) & (orders["date"] < today + HORIZON)]
    return pd.DataFrame({"days": (today - last).dt.days, "left": ~last.index.isin(after["customer"])})


def test_every_row_is_accounted_for(folder: Path):
    (counted,) = store.read_json(folder / "manifest.json")["accounting"]
    assert (counted["table"], counted["rows_in"], counted["quarantined"]) == ("orders", 69_659, 0)
    assert counted["accepted"] + counted["duplicates"] == 69_659


def test_chances_rank_all_customers_better_than_recency(folder: Path, outcomes: pd.DataFrame):
    """Of 23,570 customers, against what really happened in the 90 days after the run's date."""
    scores = store.read_table(folder / "scores.parquet").to_pandas().set_index("customer_id")
    assert set(scores.index) == set(outcomes.index)
    assert len(scores) == 23_570
    told = scores["probability"][outcomes.index]
    auc, recency = (float(roc_auc_score(outcomes["left"], ranks)) for ranks in (told, outcomes["days"]))
    assert recency == pytest.approx(0.792, abs=0.002)
    assert auc >= 0.805, f"AUC {auc:.4f}, recency alone {recency:.4f}"
    assert abs(told.mean() - outcomes["left"].mean()) < 0.02
