"""score_on_spark: the chance to leave of each customer, by the registered model file, on a cluster."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from winback.errors import FeatureMismatch
from winback.facts.features.feature import Feature
from winback.risk.keeping import model_file
from winback.risk.scoring.score import score
from winback.spark.session import pandas_unsaid

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SCHEMA = "customer_id string, cutoff timestamp, probability double, at_risk boolean"


def score_on_spark(
    rows: DataFrame, model: Path, sha256: str, features: Sequence[Feature], at_risk_probability: float
) -> DataFrame:
    """One row a row of `features_on_spark`: customer_id, cutoff, probability (0..1), at_risk; as `score` gives it.

    The bytes of the model file go to the workers, which load them as `model_file.load` does: only when
    their SHA-256 is `sha256`.
    """
    model_file.load(model, sha256)
    names = ["customer_id", "cutoff", *(f.name for f in features)]
    if missing := [name for name in names if name not in rows.columns]:
        raise FeatureMismatch(f"the model reads {len(missing)} columns that these rows lack (first: {missing[:5]}).")
    quoted = ["`" + name.replace("`", "``") + "`" for name in names]
    run = partial(
        _batch_scores, data=model.read_bytes(), sha256=sha256, features=tuple(features), at_risk=at_risk_probability
    )
    with pandas_unsaid():
        return rows.select(*quoted).mapInArrow(run, SCHEMA)


def _batch_scores(
    batches: Iterator[pa.RecordBatch], data: bytes, sha256: str, features: Sequence[Feature], at_risk: float
) -> Iterator[pa.RecordBatch]:
    """The scores of one part of the rows; runs on a worker."""
    model = _model(data, sha256)
    for batch in batches:
        if batch.num_rows:
            scores = score(model, pa.table(batch).to_pandas(), features, at_risk)
            yield from pa.Table.from_pandas(scores, preserve_index=False).to_batches()


@lru_cache(maxsize=2)
def _model(data: bytes, sha256: str) -> Any:
    """The estimator, loaded once a worker."""
    with tempfile.NamedTemporaryFile(suffix=".skops") as file:
        file.write(data)
        file.flush()
        return model_file.load(Path(file.name), sha256)
