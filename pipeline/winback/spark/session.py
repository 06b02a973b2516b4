"""A session on this machine, and what is said where Spark cannot run."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from winback.errors import MissingExtra

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

OPTIONS = {
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",  # else an old type that has no zone
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}


def local_session(cores: int = 2, options: Mapping[str, str] | None = None) -> SparkSession:
    """A Spark session that runs on this machine's cores with this Python; stop it with `.stop()`.

    `options` are settings of Spark, such as {"spark.driver.memory": "4g"}. A session that is already
    open in this process is given back as it is.
    """
    check_installed()
    with pandas_unsaid():
        from pyspark.errors import PySparkRuntimeError  # noqa: PLC0415  an extra
        from pyspark.sql import SparkSession  # noqa: PLC0415

        # Spark asks the environment which Python its workers are, and would else take any `python3`.
        os.environ["PYSPARK_PYTHON"] = sys.executable
        builder = SparkSession.builder.master(f"local[{cores}]").appName("winback")
        for name, value in {**OPTIONS, **(options or {})}.items():
            builder = builder.config(name, value)
        try:
            return builder.getOrCreate()
        except PySparkRuntimeError as error:
            raise MissingExtra(
                f"Spark did not start: {error}. It needs Java 17 or newer; see docs/spark.md."
            ) from error


def check_installed() -> None:
    """MissingExtra where pyspark or Java is absent."""
    if importlib.util.find_spec("pyspark") is None:
        raise MissingExtra('this needs Spark, which is not installed; run: pip install "winback[spark]"')
    if java() is None:
        raise MissingExtra(
            "Spark needs Java 17 or newer, and there is none: neither in JAVA_HOME nor on the PATH. "
            "Install it (Debian: apt-get install openjdk-17-jre-headless) or set JAVA_HOME."
        )


def java() -> str | None:
    """The `java` that Spark would start, None where there is none."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=str(Path(home) / "bin") if home else None)


@contextmanager
def pandas_unsaid() -> Iterator[None]:
    """Without Spark's warning about the version of pandas: no row here passes through it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        yield
