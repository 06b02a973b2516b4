"""A PostgreSQL server of the tests' own: a new cluster in a temporary folder, reached by a socket there."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PASSWORD = "s3cret-Pa55/wörd@x"  # noqa: S105
ACCOUNT = "postgres"  # whom the server runs as where the tests run as root, which it refuses to do


def _programs() -> Path | None:
    """The folder of the newest server programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    named = shutil.which("initdb")
    return found[-1].parent if found else Path(named).parent if named else None


def _lacking() -> str | None:
    """What this machine lacks to run a server and ask it."""
    if importlib.util.find_spec("adbc_driver_postgresql") is None:
        return "adbc-driver-postgresql is not installed (pip install 'winback[sql]')"
    if _programs() is None:
        return "no PostgreSQL server (initdb) is on this machine"
    if os.geteuid() == 0 and subprocess.run(["id", ACCOUNT], capture_output=True, check=False).returncode:
        return f"PostgreSQL does not run as root and there is no account {ACCOUNT!r}"
    return None


@contextmanager
def server() -> Iterator[str]:
    """The folder of a running server's socket; user `shop` has the password PASSWORD, database `postgres`."""
    if reason := _lacking():
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="winback-pg-"))
    programs, account = _programs(), {"user": ACCOUNT, "group": ACCOUNT, "extra_groups": []}
    if os.geteuid() == 0:
        shutil.chown(folder, ACCOUNT, ACCOUNT)
    else:
        account = {}
    settings: dict[str, Any] = {"cwd": folder, "env": {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}, **account}
    secret = folder / "secret"
    secret.write_text(PASSWORD, "utf-8")
    secret.chmod(0o644)
    new = ["initdb", "-D", "data", "-U", "shop", "-E", "UTF8", "--auth=scram-sha-256", "--pwfile=secret", "--no-sync"]
    options = ["-k", str(folder), "-c", "listen_addresses=", "-c", "fsync=off", "-c", "log_min_messages=panic"]
    process = None
    try:
        subprocess.run([f"{programs}/{new[0]}", *new[1:]], check=True, capture_output=True, **settings)
        process = subprocess.Popen(
            [f"{programs}/postgres", "-D", "data", *options], stderr=subprocess.DEVNULL, **settings
        )
        ready = [f"{programs}/pg_ctl", "-D", "data", "-t", "60", "-w", "status"]
        wait = [f"{programs}/pg_isready", "-h", str(folder), "-t", "1"]
        for _ in range(600):
            if subprocess.run(wait, capture_output=True, check=False).returncode == 0:
                break
            assert process.poll() is None, subprocess.run(ready, capture_output=True, check=False, **settings).stdout
        yield str(folder)
    finally:
        if process is not None:
            process.send_signal(signal.SIGINT)  # ends sessions too; SIGTERM would wait for them
            process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)
