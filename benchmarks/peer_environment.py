"""The environment of the contenders that cannot share ours: other engines, and libraries that need pandas 2."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

REQUIREMENTS = Path(__file__).parent / "peers" / "requirements.txt"


def environment() -> str | None:
    """The Python that has the peers, installed into a temporary folder when first asked for; None if that fails."""
    name = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"winback-peers-{name}"
    python, stamp = folder / "bin" / "python", folder / "installed"
    if not stamp.exists():
        print(f"installing {REQUIREMENTS.name} of the peers", file=sys.stderr)
        steps = [
            [sys.executable, "-m", "venv", "--clear", str(folder)],
            [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(REQUIREMENTS)],
        ]
        for step in steps:
            done = subprocess.run(step, capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"polars, featuretools and lifetimes are left out: {done.stderr.strip()[-300:]}")
                return None
        stamp.touch()
    return str(python)
