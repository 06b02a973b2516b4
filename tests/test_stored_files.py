"""Object stores: what a URI stands for, its content copied and hashed, credentials kept out of everything."""

from __future__ import annotations

import datetime as dt
import hashlib

import pyarrow.fs as pafs
import pytest

from winback import store
from winback.config import Sources
from winback.errors import ConfigError, MissingExtra, SourceError
from winback.facts.intake import object_store
from winback.facts.intake.ingest import ingest
from winback.facts.intake.object_store import is_uri, stored_files
from winback.facts.intake.snapshots import fetched
from winback.facts.intake.sources import fingerprint, named_files
from winback.toml_files import parse

COLUMNS = {"customer_id": "who", "ordered_at": "at", "amount": "much"}
FILES = {
    "2026/01/a.csv": b"who,at,much\nc1,2026-01-01,1\n",
    "2026/01/b.csv": b"who,at,much\nc2,2026-01-02,2\n",
    "2026/02/c.jsonl": b'{"who": "c3", "at": "2026-01-03", "much": 3}\n',
    "2026/02/readme.md": b"not data",
    "2026/_SUCCESS": b"",
    "2026/.tmp/d.csv": b"who,at,much\n",
    "e.csv": b"who,at,much\nc5,2026-01-05,5\n",
}


@pytest.fixture(params=["shop", "mock"])
def bucket(request, tmp_path, monkeypatch) -> str:
    """A bucket with FILES: a folder by its own URI, and one that stands in for a store in the network."""
    folder = tmp_path / "bucket"
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    if request.param == "shop":
        return f"file://{folder}"
    there = pafs.SubTreeFileSystem(str(tmp_path), pafs.LocalFileSystem())
    monkeypatch.setattr(
        object_store, "_file_system", lambda uri: (there, uri.removeprefix("s3://").partition("?")[0].rstrip("/"))
    )
    return "s3://bucket"


@pytest.mark.parametrize(
    ("inside", "names"),
    [
        ("/2026/01/a.csv", ["2026/01/a.csv"]),
        ("/2026/01", ["2026/01/a.csv", "2026/01/b.csv"]),
        ("/2026/01/", ["2026/01/a.csv", "2026/01/b.csv"]),
        ("/2026/01/*.csv", ["2026/01/a.csv", "2026/01/b.csv"]),
        ("/2026/*/[a-b].csv", ["2026/01/a.csv", "2026/01/b.csv"]),
        ("/2026/*/[!a].csv", ["2026/01/b.csv"]),
        ("/*.csv", ["e.csv"]),
        ("/20*/02/*", ["2026/02/c.jsonl", "2026/02/readme.md"]),
        ("/**/*.csv", ["2026/01/a.csv", "2026/01/b.csv", "e.csv"]),
        ("", ["2026/01/a.csv", "2026/01/b.csv", "2026/02/c.jsonl", "e.csv"]),
    ],
)
def test_what_a_uri_stands_for(bucket, inside, names):
    assert list(stored_files(bucket + inside)) == [f"{bucket}/{name}" for name in names]


def sources(path: str) -> Sources:
    return parse(Sources, {"orders": {"path": path, "columns": COLUMNS, "max_bad_share": 1.0}}, "x")


def test_a_store_gives_what_its_files_give(bucket, tmp_path):
    """Names are those of the store, hashes those of the content; the rows are those of the files."""
    given = fetched(sources(f"{bucket}/2026"), tmp_path, tmp_path / "state")
    held = ("2026/01/a.csv", "2026/01/b.csv", "2026/02/c.jsonl")
    assert fingerprint(given, tmp_path) == {
        f"{bucket}/{name}": hashlib.sha256(FILES[name]).hexdigest() for name in held
    }
    ingest(given, tmp_path, tmp_path / "out", "UTC", dt.datetime(2026, 3, 1, tzinfo=dt.UTC))
    orders = store.read_table(tmp_path / "out" / "orders.parquet")
    assert sorted(orders["customer_id"].to_pylist()) == ["c1", "c2", "c3"]


def test_what_was_copied_stays_as_it_was(bucket, tmp_path):
    """A file that changes or comes later is another input; an equal one is copied once."""
    before = fetched(sources(f"{bucket}/2026/01"), tmp_path, tmp_path / "state")
    was = fingerprint(before, tmp_path)
    (tmp_path / "bucket/2026/01/b.csv").write_bytes(FILES["2026/01/a.csv"])
    (tmp_path / "bucket/2026/01/z.csv").write_bytes(b"who,at,much\n")
    after = fetched(sources(f"{bucket}/2026/01"), tmp_path, tmp_path / "state")
    now = fingerprint(after, tmp_path)
    assert fingerprint(before, tmp_path) == was
    assert sorted(now) == [f"{bucket}/2026/01/{name}.csv" for name in "abz"]
    assert now[f"{bucket}/2026/01/a.csv"] == now[f"{bucket}/2026/01/b.csv"] == was[f"{bucket}/2026/01/a.csv"]
    assert len(list((tmp_path / "state/snapshots").glob("*.csv"))) == 3
    assert not list((tmp_path / "state/snapshots").glob(".*"))


def test_lookups_are_copied_too(bucket, tmp_path):
    (tmp_path / "x.csv").write_text("who,at,item\nc1,2026-01-01,c1\n")
    lookup = {"path": f"{bucket}/2026/01/a.csv", "on": "who", "columns": ["much"]}
    columns = {**COLUMNS, "customer_id": "who"}
    given = parse(Sources, {"orders": {"path": "x.csv", "columns": columns, "lookups": [lookup]}}, "x")
    copied = fetched(given, tmp_path, tmp_path / "state")
    assert list(fingerprint(copied, tmp_path)) == sorted(["x.csv", f"{bucket}/2026/01/a.csv"])
    ingest(copied, tmp_path, tmp_path / "out", "UTC", dt.datetime(2026, 3, 1, tzinfo=dt.UTC))
    assert store.read_table(tmp_path / "out" / "orders.parquet")["amount_cents"].to_pylist() == [100]


def test_any_file_system_of_fsspec(tmp_path):
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed (pip install 'winback[stores]')")
    fsspec.filesystem("memory").pipe("/shop/a.csv", FILES["e.csv"])
    given = fetched(sources("memory://shop/*.csv"), tmp_path, tmp_path / "state")
    (copy,) = named_files(given.orders.path, tmp_path).values()
    assert copy.read_bytes() == FILES["e.csv"]


def test_nothing_there(bucket):
    with pytest.raises(SourceError) as error:
        stored_files(f"{bucket}/2027/*.csv")
    assert str(error.value) == (
        f"no file is called '{bucket}/2027/*.csv'. Write a file, a folder, or a pattern such as "
        f"{bucket}/2027/*.parquet, and look whether the credentials in the environment may list it"
    )


@pytest.mark.parametrize(
    "uri",
    [
        "s3://AKIA123:s3cretkey@shop/x.csv",
        "s3://shop/x.csv?secret_key=s3cretkey",
        "s3://shop/x.csv?region=x&access_key=s3cretkey",
        "abfs://c@shop.dfs.core.windows.net/x.csv?sas_token=s3cretkey",
    ],
)
def test_credentials_in_a_configuration_are_refused_and_not_repeated(tmp_path, uri):
    with pytest.raises(ConfigError) as error:
        fetched(sources(uri), tmp_path, tmp_path / "state")
    kind = uri.partition("://")[0]
    assert str(error.value) == (
        f"a path that begins with {kind}:// holds a key or a password; take it out of the configuration and set it in "
        "the environment instead, for example as AWS_SECRET_ACCESS_KEY"
    )


def test_a_store_that_needs_a_package(tmp_path):
    with pytest.raises((MissingExtra, SourceError)) as error:
        stored_files("nosuchstore://shop/x.csv")
    assert "nosuchstore" in str(error.value)


@pytest.mark.parametrize(
    ("written", "is_one"),
    [
        ("s3://shop/x.csv", True),
        ("gs://shop", True),
        ("file:///x", True),
        ("abfs://c@a.dfs.core.windows.net/x", True),
        ("data/x.csv", False),
        ("C://x", False),
        ("package:shop/x", False),
        ("", False),
    ],
)
def test_which_paths_are_uris(written, is_one):
    assert is_uri(written) == is_one
