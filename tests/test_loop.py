"""The closed loop by the real job: what harms is used no more, and the next model knows whom we treated."""

from __future__ import annotations

import datetime as dt
import importlib
from pathlib import Path

import pytest

from winback.facts.labels.retraining import Campaigns
from winback.risk.learning.train import train
from winback.training import asked, plan_of

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.deep
def test_what_harms_is_used_no_more_within_two_cycles(tmp_path, monkeypatch):
    """Three nights of 14 days: a praised push drives away, a praised letter does nothing, an unloved call works."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    loop = importlib.import_module("loop")
    told, changed = loop.nights(tmp_path / "shop", 1800, 3)
    assert told.loc[0, "push"] > 400
    assert told.loc[1:, "push"].tolist() == [0, 0]
    assert told.loc[2, "letter"] < 0.02 * told.loc[2, "call"]
    assert told.loc[1, "rate_push"] < -0.2
    assert told.loc[2, "rate_call"] > 0.3
    assert told.loc[2, "net_gain"] > 0 > told.loc[0, "net_gain"]
    words = changed.set_index(["group", "metric"])["verdict"]
    assert words[("push", "stayed")] == words[("push", "net_gain")] == "harms"
    assert words[("letter", "stayed")] in ("unclear", "less_than_promised")

    job = loop.a_job(tmp_path / "shop" / "winback.toml", loop.FIRST + dt.timedelta(days=loop.DAYS + 3 * loop.WINDOW))
    about = asked(job)
    assert isinstance(about.campaigns, Campaigns)
    model = train(job.facts, plan_of(job), job.zone, job.today, about).model
    how = model.card_["campaigns"]
    assert how["treated"] > 1000
    assert how["left_out"] < how["treated"] / 5
    assert how["not_examined"] > 500
    assert abs(how["this"]["all"] - how["seen"]["all"]) < 0.05
    assert how["this"]["all"] > how["naive"]["all"]
