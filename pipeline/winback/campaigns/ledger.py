"""What was assigned to whom, written down before a list leaves, and never changed afterwards.

    <state>/campaigns/<series>-<logical date>/assignments.parquet

A *series* is one campaign over its nights: the question's name, or a name of the project's own. Writers
hold the project's lock.
"""

from __future__ import annotations

import datetime as dt
import re
import reprlib
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from winback import store
from winback.campaigns.written_once import write_once
from winback.errors import NotEnoughData

NAME = re.compile(r"(?P<series>[a-z0-9][a-z0-9_-]{0,99})-(?P<date>\d{4}-\d{2}-\d{2})")
FILE = "assignments.parquet"
SCHEMA = pa.schema(
    [
        ("campaign", pa.string()),
        ("customer_id", pa.string()),
        ("cutoff", pa.timestamp("us", tz="UTC")),
        *((name, pa.string()) for name in ("arm", "held_by", "stratum", "action", "channel", "driver", "stage")),
        *(
            (name, pa.float64())
            for name in (
                "probability",
                "margin_at_stake",
                "expected_net_gain",
                "contact_cost",
                "incentive_cost",
                "propensity",
                "choice_propensity",
                "answered",
                "spend_90d",
                "orders_90d",
            )
        ),
    ]
)

UNTOLD = {"choice_propensity": 1.0, "answered": float("nan")}  # of decisions that do not tell it


def campaign_name(series: str, day: dt.date) -> str:
    """The name of a night's campaign, such as "inactivity-28d-2026-02-15"; ValueError where it is no file name."""
    name = f"{series}-{day.isoformat()}"
    if not NAME.fullmatch(name):
        raise ValueError(f"a campaign's name has small letters, digits, _ and - (at most 100), and is {series!r}")
    return name


def day_of(campaign: str) -> dt.date:
    """The night of a campaign that `campaign_name` named."""
    return dt.date.fromisoformat(campaign[-10:])


def assigned(campaign: str, arms: pd.DataFrame, decisions: pd.DataFrame, facts: pd.DataFrame) -> pd.DataFrame:
    """One row a customer listed, in order of customer_id, with the columns of SCHEMA.

    `arms` as `assign.draw` gives them; whoever has no stratum is not listed. `decisions` as decided. `facts`:
    customer_id, stage, probability, spend_90d, orders_90d. Of the held-out, `action` and `channel` are what
    would have been done, and costs and gain are 0. `choice_propensity`: the chance of this action, where some were
    tries (1: none was). `answered`: the share of the reasons that the action answers; NaN where the decisions do not
    tell. ValueError where a table lacks somebody who is listed.
    """
    rows: pd.DataFrame = arms[arms["stratum"] != ""].sort_values("customer_id")
    for name, table in (("decisions", decisions), ("facts", facts)):
        lost = rows.loc[~rows["customer_id"].isin(table["customer_id"]), "customer_id"]
        if len(lost):
            raise ValueError(f"{len(lost)} customers listed are not in {name}: {reprlib.repr(lost.tolist())}")
    decided = decisions.drop(columns=["cutoff", "action", "channel"]).rename(
        columns={"would_have_done": "action", "would_have_channel": "channel"}
    )
    for table in (decided, facts):
        new = ["customer_id", *(c for c in SCHEMA.names if c in table.columns and c not in rows.columns)]
        rows = rows.merge(table[new], on="customer_id", how="left", validate="one_to_one")
    rows = rows.assign(**{name: value for name, value in UNTOLD.items() if name not in rows})
    written: pd.DataFrame = rows.assign(campaign=campaign)[SCHEMA.names]
    return written.reset_index(drop=True)


def record(state: Path, campaign: str, rows: pd.DataFrame) -> Path:
    """The file that holds `rows` from now on; CampaignChanged where it holds others already."""
    path = path_of(state, campaign)
    write_once(path, rows, SCHEMA, f"campaign {campaign} is assigned")
    return path


def path_of(state: Path, campaign: str) -> Path:
    """Where the rows of a campaign lie."""
    return state / "campaigns" / campaign / FILE


def campaigns(state: Path, series: str | None = None) -> list[str]:
    """The names of the campaigns assigned, of `series` or of all, by date and name."""
    found = [NAME.fullmatch(path.parent.name) for path in (state / "campaigns").glob(f"*/{FILE}")]
    kept = [match for match in found if match and series in (None, match["series"])]
    return [match[0] for match in sorted(kept, key=lambda match: (match["date"], match[0]))]


def read(state: Path, campaign: str) -> pd.DataFrame:
    """The rows of one campaign; NotEnoughData where there is none of that name."""
    if campaign not in (known := campaigns(state)):
        raise NotEnoughData(
            f"no campaign is called {campaign!r}; assigned are {', '.join(known[-3:]) or 'none'}. "
            "`winback campaigns list` shows all."
        )
    frame: pd.DataFrame = store.read_table(path_of(state, campaign)).to_pandas()
    return frame


def earlier_arms(state: Path, series: str) -> pd.DataFrame:
    """One row a customer that a campaign of the series ever listed: customer_id, arm, held_by, propensity.

    The row is that of the first draw that was the campaign's own, so what comes from here stays as it was
    drawn; of whoever was never drawn, being held out everywhere, his first row.
    """
    columns = ["customer_id", "arm", "held_by", "propensity"]
    rows = read_all(state, campaigns(state, series), columns)
    rows = rows.assign(everywhere=rows["held_by"] == "global").sort_values("everywhere", kind="stable")
    return rows.drop_duplicates("customer_id")[columns].reset_index(drop=True)


def read_all(state: Path, names: Sequence[str], columns: Sequence[str] = SCHEMA.names) -> pd.DataFrame:
    """The rows of these campaigns, one below the other in this order; none of none.

    Read at once: a night asks for all nights before it, and one file after the other takes ten times as long.
    """
    tables = []
    for name in names:
        with pq.ParquetFile(path_of(state, name)) as file:
            tables.append(file.read(columns=list(columns), use_threads=False))
    none = SCHEMA.empty_table().select(list(columns))
    frame: pd.DataFrame = pa.concat_tables([none, *tables], promote_options="default").to_pandas()
    return frame
