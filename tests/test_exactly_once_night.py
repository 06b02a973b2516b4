"""A night called 1, 2 and 5 times, twice at once, and killed at random: one list, one campaign, one delivery.

This file is also the child, `python test_exactly_once_night.py FOLDER NUMBER memory`: it imports everything once
and forks a process for every call. With `memory` a schedule begins where reasons, decisions or list were just made, and
what a night reads before (sources, model, permissions) is not read again; with `whole` all of it is.
"""

from __future__ import annotations

import importlib
import json
import os
import pickle
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import shop
import winback
from test_kill_run import IMPORTED_LATE, small_shop
from winback import jobs, making, nightly, permitting, runs, store, training
from winback.campaigns import ledger
from winback.cli.export import with_ad_consent, with_words
from winback.errors import RunInProgress
from winback.export.addressed import addressed
from winback.export.delivery import Shop
from winback.export.export import export, published
from winback.export.people import Wanted

pytestmark = [pytest.mark.deep, pytest.mark.skipif(sys.platform != "linux", reason="kills processes as Linux does")]
SEED = 2026
MADE_AT = shop.RECEIVED.isoformat()
PLACES = ("csv", "google", "sql")
WATCHED = ("open", "os.rename", "os.remove", "os.mkdir", "os.symlink", "os.truncate", "fcntl.flock", "sqlite3.connect")
# How often a schedule begins there: "launch" is what comes after the gate, the ledgers, the pointer and the exports.
CUTS = {"decisions": 1, "list": 1, "publish": 3, "launch": 20}
BUSY = 75
MORE = """
[sources.customers]
path = "customers.csv"
columns = { customer_id = "id", signed_up_at = "since", country = "country", email = "email", first_name = "name" }

[destinations.google]
consent = "may_ads"

[destinations.sql]
url = "sqlite:///lists.db"
"""


def lay_down(folder: Path) -> Path:
    """A small shop whose customers have addresses, with lists for people, for an ad platform and for a database."""
    path = small_shop(folder)
    path.write_text(path.read_text("utf-8") + MORE, "utf-8")
    first = pd.read_csv(folder / "orders.csv", dtype=str).groupby("customer_id")["ordered_at"].min()
    lines = [f"{who},{at},GB,{who}@example.org,Ann" for who, at in first.items()]
    shop.write_rows(folder / "customers.csv", "id,since,country,email,name", lines)
    return path


def night(job: jobs.Job, places: Sequence[str] = PLACES, say: Callable[[str], None] = lambda _: None) -> None:
    """What a schedule calls every night: the run, then an export to each of the places."""
    nightly.run(job, say)
    settings, base = job.config, job.base
    with runs.project_lock(job.state):
        manifest = published(job.runs)[1]
        allowed = nightly.permissions_now(job, job.received_at)
        customers = addressed(job.state / "facts" / manifest["facts"])
        whom = with_words(Wanted(), settings, job.state, manifest)
        handed = Shop(
            base,
            job.runs,
            job.state,
            base / "exports",
            customers,
            lambda _: with_ad_consent(allowed, settings.consent),
            MADE_AT,
        )
        for place in places:
            export(place, handed, settings.destinations, whom)


def from_memory(read: Path) -> None:
    """Let the nights of this process not read sources, model and permissions again."""
    accounting, found, allowed = pickle.loads(read.read_bytes())  # noqa: S301 - written by ourselves
    nightly.taken_in = lambda _: accounting
    making.model_of = lambda *_: found
    nightly.permissions_now = lambda *_: allowed


def forked(act: Callable[[], None]) -> int:
    """The id of a process that does this."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            act()
            code = 0
        except RunInProgress:
            code = BUSY
        except Exception:  # noqa: BLE001 - told, and the end of this process
            traceback.print_exc()
        finally:
            os._exit(code)
    return pid


def ended(pid: int) -> str:
    """How it ended: well, busy, or killed."""
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return "killed"
    return {0: "well", BUSY: "busy"}.get(os.WEXITSTATUS(status), f"exit {os.WEXITSTATUS(status)}")


def counting(strike: int | None) -> list[int]:
    """Count this process's operations on files from now on; SIGKILL before the one of number `strike`."""
    count, fsync = [0], os.fsync

    def happened() -> None:
        count[0] += 1
        if count[0] == strike:
            os.kill(os.getpid(), signal.SIGKILL)

    def operation(event: str, _: object) -> None:
        if event in WATCHED:
            happened()

    def fsync_counted(handle: int) -> None:
        happened()
        fsync(handle)
        happened()

    os.fsync = fsync_counted
    sys.addaudithook(operation)
    return count


def struck(calm: Callable[[], None], draw: random.Random, size: tuple[int, float]) -> Callable[[], None]:
    """The same night that dies at a random operation on files, or after a random time of computing."""
    operations, seconds = size
    at, after = draw.randint(1, operations), draw.random() * seconds
    by_operation = draw.random() < 0.7

    def act() -> None:
        if by_operation:
            counting(at)
        else:
            signal.signal(signal.SIGPROF, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_PROF, max(after, 0.001))
        calm()

    return act


def dump(database: Path) -> str:
    """What is in the database that lists go to."""
    if not database.exists():
        return ""
    with closing(sqlite3.connect(database)) as con:
        return "\n".join(con.iterdump())


def tree(root: Path) -> dict[str, bytes | str]:
    """Every file of the runs, ledgers and exports with its bytes, links with their target, and the database's rows."""
    places = (root / "runs", root / "exports", *(root / "state" / name for name in ("campaigns", "lists", "exports")))
    found = [p for place in places for p in sorted(place.rglob("*")) if p.is_symlink() or p.is_file()]
    held = {str(p.relative_to(root)): str(p.readlink()) if p.is_symlink() else p.read_bytes() for p in found}
    return {**held, "lists.db": dump(root / "lists.db")}


@dataclass(frozen=True)
class Scene:
    """Tonight, what was there before and after it in peace, and how many operations and seconds it takes from a cut."""

    base: Path
    job: jobs.Job
    before: dict[str, bytes | str]
    calm: dict[str, bytes | str]
    cuts: dict[str, int]
    sizes: dict[str, tuple[int, float]]


def differences(root: Path, scene: Scene, places: Sequence[str]) -> list[str]:
    """The files that are not as after an undisturbed night; where nothing was exported to, as before it."""
    others = tuple(f"{above}/{each}/" for above in ("exports", "state/exports") for each in {*PLACES} - {*places})
    others += () if "sql" in places else ("lists.db",)
    wanted = {name: held for name, held in scene.calm.items() if not name.startswith(others)}
    wanted |= {name: held for name, held in scene.before.items() if name.startswith(others)}
    now = tree(root)
    return sorted(name for name in now.keys() | wanted.keys() if now.get(name) != wanted.get(name))


def schedule(scene: Scene, seed: int) -> dict[str, Any]:
    """What came of a night called 1, 2 or 5 times, some struck and some two at once, and then in peace."""
    draw, root = random.Random(f"{SEED} {seed}"), scene.base / "schedule"
    cut = draw.choices(list(scene.cuts), list(scene.cuts.values()))[0]
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(scene.base / f"at {cut}", root, symlinks=True)
    places = [draw.choice(PLACES)]
    calm, ends = partial(night, replace(scene.job, base=root), places), []
    for call in range(draw.choice([1, 2, 5])):
        acts = [struck(calm, draw, scene.sizes[cut]) if not call or draw.random() < 0.7 else calm]
        acts += [calm] if draw.random() < 0.2 else []
        ends += [[ended(pid) for pid in [forked(act) for act in acts]]]
    peace = [ended(forked(calm)) for _ in range(draw.choice([1, 1, 1, 2]))]
    told = {"cut": cut, "place": places[0], "ends": ends, "peace": peace, "twice": twice(root)}
    return {**told, "differs": differences(root, scene, places)}


def twice(root: Path) -> int:
    """How many people have two rows in a campaign, a list of a night or a delivery."""
    state = root / "state"
    tables = [ledger.read(state, name)["customer_id"] for name in ledger.campaigns(state)]
    tables += [store.read_table(path).to_pandas()["customer_id"] for path in state.glob("lists/*/*.parquet")]
    tables += [pd.read_csv(path)["customer_id"] for path in root.glob("exports/csv/*/*/add.csv")]
    return sum(int(ids.duplicated().sum()) for ids in tables)


def undisturbed(path: Path, base: Path) -> None:
    """Do the night in peace; keep what the project was at each cut, and what the night had read."""

    def say(stage: str) -> None:
        if stage in CUTS:
            shutil.copytree(path.parent, base / f"at {stage}", symlinks=True)

    job, gate = shop.job(path), making.gate

    def gate_then_copied(*given: Any) -> None:
        gate(*given)
        say("launch")

    making.gate = gate_then_copied
    night(job, say=say)
    with runs.project_lock(job.state):
        found = training.taken_in(job), making.model_of(job, job.runs / job.run_id, lambda _: None)
        read = (*found, permitting.permissions_now(job, job.received_at))
    (base / "read").write_bytes(pickle.dumps(read))


def warm(base: Path, job: jobs.Job) -> None:
    """Do a night in this very process: those forked from it then need not import what it did."""
    shutil.copytree(base / "at decisions", base / "warm", symlinks=True)
    night(replace(job, base=base / "warm"))
    shutil.rmtree(base / "warm")


def sized(base: Path, job: jobs.Job, cut: str) -> tuple[int, float]:
    """How many operations on files, and how many seconds of computing, a night in peace takes from a cut."""
    root, told = base / "sized", base / "size.json"
    shutil.copytree(base / f"at {cut}", root, symlinks=True)

    def act() -> None:
        count, begun = counting(None), time.process_time()
        night(replace(job, base=root), PLACES[:1])
        told.write_text(json.dumps([count[0], time.process_time() - begun]))

    assert ended(forked(act)) == "well"
    shutil.rmtree(root)
    operations, seconds = json.loads(told.read_text())
    return operations, seconds


def scene_of(base: Path, cuts: dict[str, int], *, memory: bool) -> Scene:
    """A shop that had its list some days before, and is to make tonight's."""
    path = lay_down(base / "shop")
    if not (base / "read").exists():
        assert ended(forked(lambda: night(shop.job(path, shop.EARLIER)))) == "well"
        shutil.copytree(path.parent, base / "at start", symlinks=True)
        assert ended(forked(lambda: undisturbed(path, base))) == "well"
    if memory:
        from_memory(base / "read")
        warm(base, shop.job(path))
    job = shop.job(path)
    trees = tree(base / "at start"), tree(path.parent)
    return Scene(base, job, *trees, cuts, {cut: sized(base, job, cut) for cut in cuts})


def all_schedules(base: Path, number: int, *, memory: bool) -> list[dict[str, Any]]:
    """What came of so many schedules."""
    scene = scene_of(base, CUTS if memory else {"start": 1, "publish": 2, "launch": 2}, memory=memory)
    told = []
    for seed in range(number):
        told.append(schedule(scene, seed))
        (base / "progress.json").write_text(json.dumps(told))
    return told


@pytest.mark.parametrize(("number", "memory"), [(1000, True), (15, False)], ids=["1000 schedules", "15 whole nights"])
def test_whatever_happens_to_a_night_its_list_is_one(tmp_path: Path, number: int, memory: bool) -> None:
    child = subprocess.run(
        [sys.executable, __file__, tmp_path, str(number), "memory" if memory else "whole"],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(winback.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (child.stderr, child.returncode) == ("", 0)
    told = json.loads(child.stdout)
    assert len(told) == number
    assert [each for each in told if each["differs"] or each["twice"] or {*each["peace"]} != {"well"}] == []
    ends = Counter(end for each in told for call in each["ends"] for end in call)
    assert set(ends) <= {"killed", "busy", "well"}
    assert ends["killed"] >= number / 2
    assert not memory or ends["busy"] > number / 20


if __name__ == "__main__":
    for module in IMPORTED_LATE:
        importlib.import_module(module)
    print(json.dumps(all_schedules(Path(sys.argv[1]), int(sys.argv[2]), memory=sys.argv[3] == "memory")))  # noqa: T201
