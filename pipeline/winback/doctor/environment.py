"""Python, the libraries against the ranges they were tested in, the machine, its locale and its zone data."""

from __future__ import annotations

import locale
import os
import platform
import shutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from zoneinfo import ZoneInfo

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from winback.doctor.finding import Finding, graded

GIGABYTE = 1e9


def environment(folder: Path) -> Iterator[Finding]:
    """Findings about where winback runs; `folder`: the project's, whose disk is looked at."""
    yield _python()
    yield from _libraries([Requirement(each) for each in metadata.requires("winback") or ()])
    yield from _machine(folder)
    yield _locale()
    yield _zones()


def _python() -> Finding:
    wanted = SpecifierSet(metadata.metadata("winback")["Requires-Python"])
    found = platform.python_version()
    return graded("python", f"{found} (wanted {wanted})", f"Install Python {wanted}.", fail=found not in wanted)


def _libraries(required: list[Requirement]) -> Iterator[Finding]:
    """One finding for all core libraries that are as they should be, one for each that is not, one for the extras."""
    core = [each for each in required if not each.marker or each.marker.evaluate({"extra": ""})]
    odd = [finding for each in core if (finding := _odd(each))]
    if not odd:
        yield Finding("libraries", "ok", f"{len(core)} libraries, each in the range it was tested in")
    yield from odd
    extras: dict[str, list[str]] = {}
    for extra in metadata.metadata("winback").get_all("Provides-Extra") or ():
        only = [
            each for each in required if each not in core and each.marker and each.marker.evaluate({"extra": extra})
        ]
        extras.setdefault("there" if all(map(_installed, only)) else "not there", []).append(extra)
        yield from (finding for each in only if _installed(each) and (finding := _odd(each)))
    told = "; ".join(f"{how}: {', '.join(names)}" for how, names in sorted(extras.items(), reverse=True))
    yield Finding("extras", "ok", told)


def _installed(requirement: Requirement) -> str:
    """The version that is installed, empty where none is."""
    try:
        return metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return ""


def _odd(requirement: Requirement) -> Finding | None:
    """What is wrong with a library: it is missing, or of a version that was not tested."""
    found, name = _installed(requirement), canonicalize_name(requirement.name)
    if not found:
        return Finding(
            name, "fail", f"not installed (wanted {requirement.specifier})", f"Run: pip install '{requirement}'"
        )
    if not requirement.specifier.contains(found, prereleases=True):
        wanted = f"{requirement.name}{requirement.specifier}"
        return Finding(name, "fail", f"{found} (wanted {requirement.specifier})", f"Run: pip install '{wanted}'")
    return None


def _machine(folder: Path) -> Iterator[Finding]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield graded("cpu", f"{cores} cores", "", warn=False)
    free = _free_memory()
    if free is not None:
        todo = "Close other programs: a run of a million orders takes about 2 GB."
        yield graded(
            "memory", f"{free / GIGABYTE:.1f} GB free", todo, warn=free < 1.5 * GIGABYTE, fail=free < 0.3 * GIGABYTE
        )
    place = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    left = shutil.disk_usage(place).free
    todo = f"Make room on the disk of {place}: a run that cannot write stops and leaves the old list."
    yield graded("disk", f"{left / GIGABYTE:.1f} GB free", todo, warn=left < 2 * GIGABYTE, fail=left < 0.2 * GIGABYTE)


def _free_memory() -> float | None:
    """Bytes that programs may still take, where the system tells."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    except OSError:
        return None
    kilobytes = next((line.split()[1] for line in lines if line.startswith("MemAvailable:")), None)
    return float(kilobytes) * 1024 if kilobytes else None


def _locale() -> Finding:
    found = locale.getpreferredencoding(False)
    todo = "Set LANG=C.UTF-8 (or PYTHONUTF8=1): names in other letters may not be printed."
    return graded("locale", found, todo, warn=found.lower().replace("-", "") != "utf8")


def _zones() -> Finding:
    try:
        ZoneInfo("Europe/Berlin")
    except (KeyError, OSError):
        return Finding("time zones", "fail", "the system has no zone data", "Run: pip install tzdata")
    return Finding("time zones", "ok", "zone data are there")
