"""Where the inputs are: paths, patterns, files of packages; names and hashes without this machine in them."""

# Rows of literal tables stay on one line.

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from winback.config import Sources
from winback.errors import MissingExtra, SourceError
from winback.facts.intake.sources import files_of, fingerprint, named_files
from winback.toml_files import parse

COLUMNS = {"customer_id": "c", "ordered_at": "d", "amount": "a"}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A project folder with files whose content is their own name."""
    names = ("in/b.csv", "in/a.csv", "in/deep/c.csv", "in/odd [1]*.csv", "look.parquet", "in/note.txt")
    packed = ("all/d1/x.JSONL.zst", "all/d1/y.csv.gz", "all/z.ndjson", "all/notes.md", "all/.hidden.csv")
    written_by_tools = ("all/_SUCCESS", "all/_old/w.csv", "all/.tmp/v.csv", "none/README")
    for name in (*names, *packed, *written_by_tools):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def sources(path: str, lookup: str | None = None) -> Sources:
    lookups = [{"path": lookup, "on": "k"}] if lookup else []
    return parse(Sources, {"orders": {"path": path, "columns": COLUMNS, "lookups": lookups}}, "x")


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("in/a.csv", ["in/a.csv"]),
        ("in/?.csv", ["in/a.csv", "in/b.csv"]),
        ("in/[b-z].csv", ["in/b.csv"]),
        ("in/**/*.csv", ["in/a.csv", "in/b.csv", "in/deep/c.csv", "in/odd [1]*.csv"]),
        ("in/odd [1]*.csv", ["in/odd [1]*.csv"]),
        ("in/../in/a.csv", ["in/../in/a.csv"]),
        ("all", ["all/d1/x.JSONL.zst", "all/d1/y.csv.gz", "all/z.ndjson"]),
        ("all/", ["all/d1/x.JSONL.zst", "all/d1/y.csv.gz", "all/z.ndjson"]),
        ("all/d?", ["all/d1/x.JSONL.zst", "all/d1/y.csv.gz"]),
    ],
)
def test_files(base, path, names):
    assert named_files(path, base) == {name: base / name for name in names}


def test_absolute_path(base):
    assert files_of(sources(str(base / "in" / "*.csv")).orders, Path("elsewhere")) == [
        base / "in" / "a.csv",
        base / "in" / "b.csv",
        base / "in" / "odd [1]*.csv",
    ]


def test_lookups_are_inputs_too(base):
    given = sources("in/?.csv", "look.parquet")
    assert files_of(given.orders, base) == [base / "in/a.csv", base / "in/b.csv", base / "look.parquet"]
    names = ["in/a.csv", "in/b.csv", "look.parquet"]
    assert fingerprint(given, base) == {name: hashlib.sha256(name.encode()).hexdigest() for name in names}


@pytest.fixture
def package(tmp_path, monkeypatch) -> str:
    """An installed package that must not be imported."""
    folder = tmp_path / "site" / "shop_data_x"
    (folder / "data").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('imported')")
    for name in ("a.parquet", "b.parquet"):
        (folder / "data" / name).write_text(name)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return "package:shop_data_x/data"


def test_files_of_a_package_are_found_without_importing_it(package, tmp_path):
    given = sources(f"{package}/*.parquet", f"{package}/a.parquet")
    assert [path.name for path in files_of(given.orders, tmp_path)] == ["a.parquet", "b.parquet", "a.parquet"]
    assert list(fingerprint(given, tmp_path)) == [f"{package}/a.parquet", f"{package}/b.parquet"]
    assert "shop_data_x" not in sys.modules


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        (
            "in/x.csv",
            SourceError,
            (
                "no file is called 'in/x.csv' (looked in {base}). A path is relative to the configuration file; "
                "a pattern such as data/*.csv may be used"
            ),
        ),
        (
            "in/*.tsv",
            SourceError,
            (
                "no file is called 'in/*.tsv' (looked in {base}). A path is relative to the configuration file; "
                "a pattern such as data/*.csv may be used"
            ),
        ),
        (
            "none",
            SourceError,
            (
                "the folder 'none' has no data files (looked in {base}/none); their names end in .csv, .json, "
                ".jsonl, .ndjson, .parquet, .pq, .psv, .tsv, .txt, or in one of these and .gz or .zst"
            ),
        ),
        (
            "a" * 300,
            SourceError,
            f"'{'a' * 60}' cannot be looked for: File name too long",
        ),
        (
            "package:no_such_shop/data/x.parquet",
            MissingExtra,
            (
                "'package:no_such_shop/data/x.parquet' reads a file of the package 'no_such_shop', "
                "which is not installed; run: pip install no-such-shop"
            ),
        ),
        (
            "package:os.path/x.parquet",
            SourceError,
            "'package:os.path/x.parquet': 'os.path' is not the import name of a package",
        ),
        (
            "package:winback",
            SourceError,
            "'package:winback' names no file; write for example package:NAME/data/orders.parquet",
        ),
    ],
)
def test_what_cannot_be_found(base, path, error, message):
    with pytest.raises(error) as raised:
        files_of(sources(path).orders, base)
    assert str(raised.value) == message.format(base=base)
