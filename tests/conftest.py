"""Shared by all tests: the seed of the property tests' search, where the tree is, and shops with published runs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import settings

import shop

# The same examples on every machine and in every order: a failure seen once can be seen again.
settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile("same")


@pytest.fixture(scope="session")
def tree() -> Path:
    """The root of the repository, for tests of its files; tests of the package have no use for it."""
    return Path(__file__).parents[1]


@pytest.fixture(scope="session")
def texts(tree: Path) -> dict[str, str]:
    """Every text file that git keeps or would keep, by path from the root."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=tree,
        check=True,
        capture_output=True,
        text=True,
    )
    names = sorted(name for name in set(listed.stdout.split("\0")) if name and (tree / name).is_file())
    contents = {name: (tree / name).read_bytes() for name in names}
    return {name: held.decode("utf-8") for name, held in contents.items() if b"\0" not in held}


@pytest.fixture(scope="session")
def published_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of a shop whose run for TODAY is published; tests that change it take a copy."""
    path = shop.lay_down(tmp_path_factory.mktemp("published"))
    _, _, did = shop.run(path)
    assert did
    return path


@pytest.fixture(scope="session")
def two_nights(published_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of the same shop after the run for LATER; tests that change it take a copy."""
    path = shop.copy(published_shop, tmp_path_factory.mktemp("nights") / "shop")
    shop.run(path, shop.LATER)
    return path
