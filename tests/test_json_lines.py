"""JSON lines: each is a row or rejected on its own; numbers keep their digits, nested keys get dotted names."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winback.errors import SourceError
from winback.facts.intake import byte_blocks, json_lines
from winback.facts.intake.json_lines import MAX_NESTING, read_json_lines, with_columns


def read(folder: Path, content: bytes, name: str = "x.jsonl", encoding: str = "utf-8"):
    """The rows as (line, {name: value}) and the rejected lines as (line, reason, value)."""
    (folder / name).write_bytes(content)
    lines = read_json_lines(folder / name, encoding)
    rows = [
        (row["line"], {key: row[f"c{i}"] for i, key in enumerate(lines.header) if row[f"c{i}"] is not None})
        for row in lines.rows.to_pylist()
    ]
    rejected = [(row["line"], row["reason"], row["value"]) for row in lines.rejected.to_pylist()]
    assert lines.count == len(rows) + len(rejected)
    return rows, rejected


@pytest.mark.parametrize(
    ("content", "row"),
    [
        (b'{"a": 1.10, "b": 12345678901234567890.123456789}', {"a": "1.10", "b": "12345678901234567890.123456789"}),
        (b'{"a": 1e400, "b": -0, "c": 1E-2}', {"a": "1e400", "b": "-0", "c": "1E-2"}),
        (b'{"a": true, "b": false, "c": null, "d": ""}', {"a": "true", "b": "false", "d": ""}),
        (b'{"a": {"b": {"c": "x", "d": 2}}, "e": {}}', {"a.b.c": "x", "a.b.d": "2"}),
        (b'{"a.b": 1, "a": {"c": 2}}', {"a.b": "1", "a.c": "2"}),
        (
            '{"a": [1.50, "é\\n", null, true, {"b": [2]}, []]}'.encode(),
            {"a": '[1.50, "é\\n", null, true, {"b": [2]}, []]'},
        ),
        (b'  {" a " : "  x "}\r', {"a": "  x "}),
        (b'{"a": "\\u00e9\\ud83d\\ude00\\n\\u0000"}', {"a": "é😀\n\0"}),
        (b'{"": 1, "A": 2, "a": 3}', {"": "1", "A": "2", "a": "3"}),
        (b'{"n": %s}' % (b"9" * 6000), {"n": "9" * 6000}),
        (b"{}", {}),
    ],
)
def test_a_row(tmp_path, content, row):
    assert read(tmp_path, content) == ([(1, row)], [])


@pytest.mark.parametrize(
    ("line", "reason", "value"),
    [
        (b"", "empty_line", ""),
        (b"  ", "empty_line", ""),
        (b'{"a": 1', "bad_json", "Expecting ',' delimiter at character 8"),
        (b'{"a": 1} {"a": 2}', "bad_json", "Extra data at character 10"),
        (b"{'a': 1}", "bad_json", "Expecting property name enclosed in double quotes at character 2"),
        (b"[1, 2]", "bad_json", "an object was expected"),
        (b'"text"', "bad_json", "an object was expected"),
        (b'{"a": NaN}', "bad_json", "NaN is no JSON number"),
        (b'{"a": -Infinity}', "bad_json", "-Infinity is no JSON number"),
        (b'{"a": "\t"}', "bad_json", "Invalid control character at at character 8"),
        (b'{"a": "\xff"}', "bad_encoding", "utf-8"),
        (b'{"a": "\\ud800"}', "bad_encoding", "UTF-8"),
        (b'{"\\udfff": 1}', "bad_encoding", "UTF-8"),
        (b'{"a": ["\\ud800"]}', "bad_encoding", "UTF-8"),
        (b'{"a": 1, "a": 2}', "repeated_key", "'a'"),
        (b'{"a": 1, " a": 2}', "repeated_key", "'a'"),
        (b'{"a.b": 1, "a": {"b": 2}}', "repeated_key", "'a.b'"),
        (b'{"a": [{"b": 1, "b": 2}]}', "repeated_key", "'b'"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "deep_json", "32 levels"),
        (b'{"a":' + b"[" * 33 + b"]" * 33 + b"}", "deep_json", "32 levels"),
        (b"[" * 200_000, "deep_json", "32 levels"),
        (b'{"a": "\0"}', "control_character", ""),
        (b'{"a": 1}\r{"a": 2}', "control_character", ""),
    ],
)
def test_a_bad_line_costs_itself(tmp_path, line, reason, value):
    rows, rejected = read(tmp_path, b'{"k": 1}\n' + line + b'\n{"k": 3}\n')
    assert rejected == [(2, reason, value)]
    assert rows == [(1, {"k": "1"}), (3, {"k": "3"})]


def test_as_deep_as_may_be(tmp_path):
    name = ".".join("a" * MAX_NESTING)
    assert read(tmp_path, b'{"a":' * MAX_NESTING + b"1" + b"}" * MAX_NESTING) == ([(1, {name: "1"})], [])


def test_a_line_with_more_columns_than_a_file_may_have(tmp_path, monkeypatch):
    """What a refused line would have brought is not among the columns."""
    monkeypatch.setattr(json_lines, "MAX_COLUMNS", 3)
    content = b'{"a": 1, "b": 2}\n{"c": 3, "d": 4}\n{"c": 5}\n{"e": 6}\n'
    rows, rejected = read(tmp_path, content)
    assert rows == [(1, {"a": "1", "b": "2"}), (3, {"c": "5"})]
    assert rejected == [(2, "too_many_columns", "3"), (4, "too_many_columns", "3")]


def test_packed_and_recoded(tmp_path):
    assert read(tmp_path, gzip.compress(b'{"a": 1}\n{"a": 2}'), "x.jsonl.gz")[0] == [(1, {"a": "1"}), (2, {"a": "2"})]
    assert read(tmp_path, '{"a": "é"}\n'.encode("utf-16"), encoding="utf-16") == ([(1, {"a": "é"})], [])
    assert read(tmp_path, b'\xef\xbb\xbf{"a": 1}\n') == ([(1, {"a": "1"})], [])


def test_a_file_that_is_one_list_is_told_so(tmp_path):
    with pytest.raises(SourceError) as error:
        read(tmp_path, json.dumps([{"a": 1}], indent=1).encode())
    assert str(error.value) == (
        "x.jsonl is one JSON list, not JSON lines; write one object a line, for example with jq -c '.[]' x.jsonl"
    )


def test_columns_of_several_files(tmp_path):
    read(tmp_path, b'{"a": 1, "b": 2}\n{"b": 3}')
    wider = with_columns(read_json_lines(tmp_path / "x.jsonl", "utf-8"), ("c", "b", "a"))
    assert (wider.header, wider.rows.to_pylist()) == (
        ("c", "b", "a"),
        [{"c0": None, "c1": "2", "c2": "1", "line": 1}, {"c0": None, "c1": "3", "c2": None, "line": 2}],
    )


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.decimals(allow_nan=False, allow_infinity=False), st.text()
)


@settings(max_examples=60)
@given(
    table=st.lists(st.dictionaries(st.text("abé.", min_size=1, max_size=3), VALUES, max_size=4), max_size=12),
    block=st.sampled_from([1, 9, 1 << 20]),
)
def test_what_a_program_writes_is_read_back(tmp_path_factory, table, block):
    """Numbers to the last digit, wherever blocks end."""

    def written(value):
        return str(value) if isinstance(value, Decimal) else json.dumps(value)

    def expected(value):
        return json.dumps(value) if isinstance(value, bool) else str(value)

    content = "".join(
        "{" + ", ".join(f"{json.dumps(key)}: {written(value)}" for key, value in row.items()) + "}\n" for row in table
    )
    told = [{key: expected(value) for key, value in row.items() if value is not None} for row in table]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(byte_blocks, "BLOCK_BYTES", block)
        rows, rejected = read(tmp_path_factory.getbasetemp(), content.encode())
    assert (rows, rejected) == (list(enumerate(told, start=1)), [])
