"""The sample that comes with winback: reproducible, clean, and with something to learn in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from winback import config

FILES = ("orders.csv", "events.csv", "contacts.csv")
HORIZON, ACTIVE = pd.Timedelta(days=28), pd.Timedelta(days=90)


@pytest.fixture(scope="module")
def sample(tree: Path) -> dict[str, pd.DataFrame]:
    """The three tables by name, their second column as instants."""
    frames = {}
    for name in FILES:
        frame = pd.read_csv(tree / "data" / "sample" / name)
        stamps = frame.columns[1]
        frame[stamps] = pd.to_datetime(frame[stamps], utc=True, format="%Y-%m-%dT%H:%M:%SZ")
        frames[name.removesuffix(".csv")] = frame
    return frames


def test_generator_writes_these_very_bytes(tree: Path, tmp_path: Path):
    program = tree / "data" / "make_sample.py"
    subprocess.run([sys.executable, program, tmp_path / "again"], check=True)
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (tree / "data" / "sample" / name).read_bytes(), name


def test_sample_stays_small(tree: Path):
    assert sum((tree / "data" / "sample" / name).stat().st_size for name in FILES) < 600_000


def test_sample_is_clean(sample: dict[str, pd.DataFrame]):
    """Nothing to quarantine: no gap, no repeated row, nothing outside the shop's fourteen months."""
    begin, end = pd.Timestamp("2025-01-01", tz="UTC"), pd.Timestamp("2026-03-01", tz="UTC")
    for frame in sample.values():
        assert not frame.isna().any(axis=None)
        assert not frame.duplicated().any()
        assert frame.iloc[:, 1].between(begin, end, inclusive="left").all()
    orders = sample["orders"]
    assert not orders.duplicated(["customer_id", "ordered_at"]).any()
    assert (orders.amount > 0).all()
    assert (orders.discount >= 0).all()
    assert orders.customer_id.nunique() == 400
    assert set(sample["events"].kind) == {"visit", "email_open", "email_click"}


def test_config_maps_every_column(tree: Path, sample: dict[str, pd.DataFrame]):
    """`configs/sample.toml` reads these files, from wherever it is called."""
    path = tree / "configs" / "sample.toml"
    sources = config.load(path).sources.given()
    assert sources.keys() == sample.keys()
    for table, source in sources.items():
        assert (path.parent / source.path).resolve() == tree / "data" / "sample" / f"{table}.csv"
        assert set(source.columns.values()) == set(sample[table].columns)


def test_there_is_more_to_learn_than_recency(sample: dict[str, pd.DataFrame]):
    """Four plain measures, fitted on the past, beat days since the last order by a clear margin."""
    months = pd.date_range("2025-05-01", "2026-02-01", freq="MS", tz="UTC")
    past, (held_out,) = months[:-2], months[-1:]
    measures, left = zip(*(known(sample, cutoff) for cutoff in past), strict=True)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(np.vstack(measures), np.concatenate(left))
    measures, left = known(sample, held_out)
    assert 0.1 < left.mean() < 0.4
    recency, fitted = (
        roc_auc_score(left, measures[:, 0]),
        roc_auc_score(left, model.predict_proba(measures)[:, 1]),
    )
    assert fitted > recency + 0.05


def known(sample: dict[str, pd.DataFrame], cutoff: pd.Timestamp) -> tuple[np.ndarray, np.ndarray]:
    """One row an active customer: four measures in log days, the first since the last order; and who left."""
    orders, events = sample["orders"], sample["events"]
    before = orders[orders.ordered_at < cutoff].groupby("customer_id").ordered_at.agg(["min", "max", "size"])
    before = before[before["max"] >= cutoff - ACTIVE]
    after = orders[(orders.ordered_at >= cutoff) & (orders.ordered_at < cutoff + HORIZON)]
    seen = events[events.occurred_at < cutoff].groupby("customer_id").occurred_at.max().reindex(before.index)
    since_order = (cutoff - before["max"]).dt.total_seconds() / 86400
    usual = ((before["max"] - before["min"]).dt.total_seconds() / 86400 + 20) / before["size"]
    since_event = (cutoff - seen).dt.total_seconds() / 86400
    measures = np.log1p(np.column_stack([since_order, usual, since_order / usual, since_event]))
    return measures, ~before.index.isin(after.customer_id)
