"""One run a day for Airflow 3. The date is that of the schedule, never that of a late start or of a retry."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
from zoneinfo import ZoneInfo

from airflow.exceptions import AirflowException, AirflowFailException
from airflow.sdk import dag, task

ZONE = ZoneInfo("Europe/Berlin")
PROJECT = "/srv/shop"
TRY_AGAIN = 75  # another run is at work, or the data are not there yet


def day_of(scheduled: dt.datetime) -> str:
    """The date, in the business's zone, of the moment the schedule names."""
    return scheduled.astimezone(ZONE).date().isoformat()


@task(retries=6, retry_delay=dt.timedelta(minutes=20), execution_timeout=dt.timedelta(hours=4))
def run(data_interval_end: dt.datetime | None = None) -> None:
    """One night; Airflow tries it again only where that may help."""
    if data_interval_end is None:
        raise AirflowFailException("trigger it with a logical date: a list is for a day, and not for now")
    words = ["winback", "run", "--config", "winback.toml", "--date", day_of(data_interval_end), "--json"]
    done = subprocess.run(words, cwd=PROJECT, env={**os.environ, "WINBACK_LOG": "json"}, check=False)
    if done.returncode == TRY_AGAIN or done.returncode < 0:  # or it was killed: running again finishes it
        raise AirflowException(f"not yet: exit code {done.returncode}")
    if done.returncode:
        raise AirflowFailException(f"somebody has to look: exit code {done.returncode}; see winback history")


@dag(
    dag_id="winback",
    schedule="10 4 * * *",
    start_date=dt.datetime(2026, 1, 1, tzinfo=ZONE),
    catchup=False,  # nights of the past are made up for by `winback backfill`, which launches nothing
    max_active_runs=1,
    tags=["crm"],
)
def nights() -> None:
    """Every night at 04:10 in the business's zone."""
    run()


nights()
