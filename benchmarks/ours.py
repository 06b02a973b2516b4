"""winback's own feature engine as a contender."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from winback.facts.days import day_of
from winback.facts.features import declared
from winback.facts.features.feature import Feature
from winback.facts.features.table import features_table, write_features


def declarations(file: Path) -> tuple[Feature, ...]:
    """The features declared in a file."""
    return declared.declare(tomllib.loads(file.read_text("utf-8"))["feature"], file.name)


def chosen(job: dict[str, Any]) -> tuple[list[dt.date], tuple[Feature, ...]]:
    """The cutoffs and the features of a job."""
    features = declarations(Path(job["declared"]))
    names = job.get("only") or [f.name for f in features]
    return [day_of(day) for day in job["cutoffs"]], tuple(f for f in features if f.name in names)


def in_memory(job: dict[str, Any]) -> pa.Table:
    """All features as one Arrow table."""
    cutoffs, features = chosen(job)
    return features_table(Path(job["facts"]), cutoffs, "UTC", features, job["jobs"])


def written(job: dict[str, Any]) -> int:
    """How many rows of features were written."""
    cutoffs, features = chosen(job)
    return write_features(Path(job["facts"]), cutoffs, "UTC", features, Path(job["out"]), job["jobs"])


def keep(result: pa.Table, path: Path) -> None:
    """Write the result; cutoffs as day numbers."""
    days = pa.array(result["cutoff"].cast(pa.int64()).to_numpy() // 86_400_000_000)
    pq.write_table(result.set_column(1, "cutoff", days), path)
