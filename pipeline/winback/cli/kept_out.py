"""What git must not see of a project."""

from __future__ import annotations

from pathlib import Path

KEPT_OUT = "# What winback keeps and makes: personal data and keys, never to be committed.\nstate/\nruns/\n"


def keep_out(folder: Path) -> None:
    """A .gitignore, where there is none, that keeps personal data out of the history."""
    if not (folder / ".gitignore").exists():
        (folder / ".gitignore").write_text(KEPT_OUT, "utf-8")
