"""Physical lines: each is a row or rejected on its own, whatever stands around it."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winback.errors import ConfigError, SourceError
from winback.facts.intake import byte_blocks, quoted_rows
from winback.facts.intake.byte_blocks import Limits
from winback.facts.intake.text_lines import read_lines


def read(folder: Path, content: bytes, delimiter: str = ",", encoding: str = "utf-8", name: str = "x.csv"):
    """The rows as (line, fields...) and the rejected lines as (line, reason) of a file with `content`."""
    path = folder / name
    path.write_bytes(content)
    lines = read_lines(path, delimiter, encoding)
    rows = sorted((row["line"], *(row[f"c{i}"] for i in range(len(lines.header)))) for row in lines.rows.to_pylist())
    rejected = sorted(zip(lines.rejected["line"].to_pylist(), lines.rejected["reason"].to_pylist(), strict=True))
    assert lines.count == len(rows) + len(rejected)
    return rows, rejected


@pytest.mark.parametrize(
    ("content", "rows", "rejected"),
    [
        (b"a,b\n1,2\n3,4\n", [(2, "1", "2"), (3, "3", "4")], []),
        (b"a,b\n1,2\n3,4", [(2, "1", "2"), (3, "3", "4")], []),
        (b"a,b\r\n1,2\r\n3,4\r\n", [(2, "1", "2"), (3, "3", "4")], []),
        (b"a,b\r\n1,2\r\n3,4\r", [(2, "1", "2"), (3, "3", "4")], []),
        (b"\xef\xbb\xbfa,b\n1,2\n", [(2, "1", "2")], []),
        (b"a,b\n", [], []),
        (b"a,b", [], []),
        (b"a,b\n\n1,2\n  \n\n", [(3, "1", "2")], [(2, "empty_line"), (4, "empty_line"), (5, "empty_line")]),
        (b'a,b\n"x, y","say ""hi"""\n"",\n', [(2, "x, y", 'say "hi"'), (3, "", "")], []),
        (b'a,b\n1,12" pipe\n2,"open\n3,4\n', [(2, "1", '12" pipe'), (4, "3", "4")], [(3, "open_quote")]),
        (b'a,b\n"1"x,2\n3,4\n', [(3, "3", "4")], [(2, "bad_quote")]),
        (b"a,b\n1\n1,2,3\n3,4\n", [(4, "3", "4")], [(2, "ragged_row"), (3, "ragged_row")]),
        (b'a,b\n"1,2"\n3,4\n', [(3, "3", "4")], [(2, "ragged_row")]),
        (b"a,b\n\xff,1\n\xc3\xa9,2\n", [(3, "é", "2")], [(2, "bad_encoding")]),
        (b"a,b\n\0\0\0\n1,2\n1,\0\n", [(3, "1", "2")], [(2, "control_character"), (4, "control_character")]),
        (b"a,b\n1,2\r3,4\n5,6\n", [(3, "5", "6")], [(2, "control_character")]),
        (b"a\nx\n\n \n", [(2, "x")], [(3, "empty_line"), (4, "empty_line")]),
    ],
)
def test_lines(tmp_path, content, rows, rejected):
    assert read(tmp_path, content) == (rows, rejected)


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "utf-16", "utf-16-le", "utf-8-sig", "shift_jis"])
def test_other_encodings_and_delimiters(tmp_path, encoding):
    text = 'größe;b\n1;"x;ß"\n' if encoding != "shift_jis" else '大きさ;b\n1;"x;表"\n'
    rows, rejected = read(tmp_path, text.encode(encoding), ";", encoding)
    assert (rows, rejected) == ([(2, "1", text.split('"')[1])], [])


@pytest.mark.parametrize(("encoding", "content"), [("ascii", b"a,b\n\xe9,1\n1,2\n"), ("cp1252", b"a,b\n\x81,1\n1,2\n")])
def test_a_byte_outside_the_encoding_costs_its_line(tmp_path, encoding, content):
    assert read(tmp_path, content, ",", encoding) == ([(3, "1", "2")], [(2, "bad_encoding")])


def test_gzip(tmp_path):
    content = gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n")
    assert read(tmp_path, content, name="x.csv.gz") == ([(2, "1", "2"), (3, "3", "4")], [])


def test_a_long_line_costs_itself(tmp_path):
    """Also one that is longer than a block, which is never held in memory as a whole."""
    long = b"9" * (byte_blocks.MAX_LINE_BYTES + 1)
    rows, rejected = read(tmp_path, b"a,b\n1,2\n" + long + b",2\n3,4\n" + long)
    assert (rows, rejected) == ([(2, "1", "2"), (4, "3", "4")], [(3, "long_line"), (5, "long_line")])


@pytest.mark.parametrize("block", [1, 2, 3, 7, 64])
def test_where_blocks_end_changes_nothing(tmp_path, monkeypatch, block):
    monkeypatch.setattr(byte_blocks, "BLOCK_BYTES", block)
    monkeypatch.setattr(byte_blocks, "MAX_LINE_BYTES", 12)
    content = b'a,b\r\n1,2\r\n\r\n"x,y",\xc3\xa9\r\n' + b"7" * 50 + b",2\r\n\xff,1\r\n3,4"
    assert read(tmp_path, content) == (
        [(2, "1", "2"), (4, "x,y", "é"), (7, "3", "4")],
        [(3, "empty_line"), (5, "long_line"), (6, "bad_encoding")],
    )


def test_only_the_start_of_a_bad_line_is_kept(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"a,b\n" + b"x" * 100_000)
    assert read_lines(tmp_path / "x.csv", ",", "utf-8").rejected["raw"].to_pylist() == ["x" * 4_000]


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"", "x.csv", "line 1 of x.csv is empty; it must name the columns"),
        (b"\n1,2\n", "x.csv", "line 1 of x.csv is empty; it must name the columns"),
        (b"a,b,a,b\n", "x.csv", "line 1 of x.csv names a column twice: 'a', 'b'"),
        (b'a,"b\n', "x.csv", "line 1 of x.csv is no header in utf-8: unexpected end of data"),
        (b"a,b\n", "x.csv.gz", "x.csv.gz is not a whole gzip file: Not a gzipped file (b'a,')"),
        (b"a," * 10_000, "x.csv", "line 1 of x.csv names 10,001 columns; at most 10,000 are read"),
    ],
)
def test_what_is_no_table_at_all(tmp_path, content, name, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError) as error:
        read_lines(tmp_path / name, ",", "utf-8")
    assert str(error.value) == message


def test_half_a_gzip_file(tmp_path):
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 1000)[:-20])
    with pytest.raises(SourceError, match=r"^x\.csv\.gz is not a whole gzip file: "):
        read_lines(tmp_path / "x.csv.gz", ",", "utf-8")


@pytest.mark.parametrize(
    ("delimiter", "encoding", "message"),
    [
        ('"', "utf-8", "delimiter = '\"' cannot part fields; use one such as ',', ';', '|' or '\\t'"),
        ("§", "utf-8", "delimiter = '§' cannot part fields; use one such as ',', ';', '|' or '\\t'"),
        (",", "utf-9", "encoding = 'utf-9' is not known; use one such as 'utf-8' or 'cp1252'"),
        (",", "rot13", "encoding = 'rot13' is not known; use one such as 'utf-8' or 'cp1252'"),
    ],
)
def test_settings_that_cannot_be_used(tmp_path, delimiter, encoding, message):
    with pytest.raises(ConfigError) as error:
        read(tmp_path, b"a,b\n", delimiter, encoding)
    assert str(error.value) == message


def one_by_one(content: bytes, width: int):
    """The same answer, slowly: every line by itself, with the standard library."""
    rows, rejected = [], []
    body = content.removesuffix(b"\n").split(b"\n")[1:] if content else []
    for number, line in enumerate((each.removesuffix(b"\r") for each in body), start=2):
        if not line.strip() or b"\0" in line or b"\r" in line:
            rejected.append(number)
        else:
            try:
                fields = next(csv.reader([line.decode("utf-8")], strict=True))
            except (UnicodeDecodeError, csv.Error):
                fields = []
            if len(fields) == width:
                rows.append((number, *fields))
            else:
                rejected.append(number)
    return rows, rejected


PIECES = st.sampled_from(
    [b"a", b",", b'"', b'""', b"\n", b"\n", b"\r\n", b"\r", b" ", b"\0", b"\xff", "é".encode(), b"1,2\n"]
)


@pytest.mark.parametrize("header", [b"x\n", b"x,y\n", b"x,y,z\n"])
@settings(max_examples=100)
@given(pieces=st.lists(PIECES, max_size=30))
def test_screening_equals_reading_one_by_one(tmp_path_factory, header, pieces):
    content = header + b"".join(pieces)
    rows, rejected = read(tmp_path_factory.getbasetemp(), content)
    assert (rows, [line for line, _ in rejected]) == one_by_one(content, header.count(b",") + 1)


def read_spanning(folder: Path, content: bytes):
    """The rows as (line, fields...), the rejected as (line, reason), and the number of lines that went on."""
    (folder / "x.csv").write_bytes(content)
    lines = read_lines(folder / "x.csv", ",", "utf-8", quoted_newlines=True)
    rows = sorted((row["line"], *(row[f"c{i}"] for i in range(len(lines.header)))) for row in lines.rows.to_pylist())
    rejected = sorted(zip(lines.rejected["line"].to_pylist(), lines.rejected["reason"].to_pylist(), strict=True))
    assert lines.count == len(rows) + len(rejected)
    return rows, rejected, lines.continued


@pytest.mark.parametrize(
    ("content", "rows", "rejected", "continued"),
    [
        (b'a,b\n1,"x\ny"\n3,4\n', [(2, "1", "x\ny"), (4, "3", "4")], [], 1),
        (b'a,b\r\n1,"x\r\n\r\ny"\r\n3,4\r\n', [(2, "1", "x\r\n\r\ny"), (5, "3", "4")], [], 2),
        (b'a,b\n"1,\n2","3\n""4"""\n5,6', [(2, "1,\n2", '3\n"4"'), (5, "5", "6")], [], 2),
        (b'a,b\n1,"open\n3,4\n5,6\n', [(3, "3", "4"), (4, "5", "6")], [(2, "open_quote")], 0),
        (b'a,b\n1,"open\n"3",4\n5,6\n', [(3, "3", "4"), (4, "5", "6")], [(2, "open_quote")], 0),
        (b'a,b\n1,"open\n3,"x\ny"\n5,6\n', [(3, "3", "x\ny"), (5, "5", "6")], [(2, "open_quote")], 1),
        (b'a,b\n1,"x\n7,8\ny",2\n3,4\n', [(5, "3", "4")], [(2, "ragged_row")], 2),
        (b'a,b\n1,"x\n\0y"\n3,4\n', [(4, "3", "4")], [(2, "control_character")], 1),
        (b'a,b\n1,"x\ra\ny"\n3,4\n', [(4, "3", "4")], [(2, "control_character")], 1),
        (b'a,b\n1,"x\n\xffy"\n3,4\n', [(4, "3", "4")], [(2, "bad_encoding")], 1),
        (b'a,b\n1,12" pipe\n2,"x\ny"\n', [(2, "1", '12" pipe'), (3, "2", "x\ny")], [], 1),
        (b'a,b\n1,"x\n', [], [(2, "open_quote")], 0),
        (b"a,b\n\n1,2\n", [(3, "1", "2")], [(2, "empty_line")], 0),
    ],
)
@pytest.mark.parametrize("block", [1, 5, 1 << 20])
def test_fields_that_span_lines(tmp_path, monkeypatch, content, rows, rejected, continued, block):
    monkeypatch.setattr(byte_blocks, "BLOCK_BYTES", block)
    assert read_spanning(tmp_path, content) == (rows, rejected, continued)


@pytest.mark.parametrize("limit", ["lines", "bytes"])
def test_a_quote_left_open_costs_its_own_line_however_long_the_file(tmp_path, monkeypatch, limit):
    if limit == "bytes":
        monkeypatch.setattr(byte_blocks, "MAX_LINE_BYTES", 500)
    filler = b"".join(b"%d,x\n" % i for i in range(quoted_rows.MAX_LINES + 50))
    rows, rejected, continued = read_spanning(tmp_path, b'a,b\n1,"open\n' + filler + b'2,end"\n3,4\n')
    assert rejected == [(2, "open_quote")]
    assert (len(rows), continued) == (quoted_rows.MAX_LINES + 52, 0)


ROW = st.lists(st.text(st.sampled_from('a,"\né'), max_size=6), min_size=2, max_size=2)


@settings(max_examples=100)
@given(table=st.lists(ROW, max_size=20), block=st.sampled_from([1, 7, 1 << 20]), quoting=st.sampled_from([0, 1]))
def test_what_a_program_writes_is_read_back(tmp_path_factory, table, block, quoting):
    """Rows written by the standard library, with newlines in them, come back as they were, with their lines."""
    out, expected, line = io.StringIO(), [], 2
    writer = csv.writer(out, lineterminator="\n", quoting=quoting)
    for row in table:
        before = out.tell()
        writer.writerow(row)
        out.seek(before)
        expected.append((line, *row))
        line += out.read().count("\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(byte_blocks, "BLOCK_BYTES", block)
        content = b"x,y\n" + out.getvalue().encode()
        assert read_spanning(tmp_path_factory.getbasetemp(), content) == (expected, [], line - 2 - len(expected))


def packed(folder: Path, name: str, content: bytes) -> Path:
    """A file of `content` packed as its name says."""
    path = folder / name
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(content))
    else:
        with pa.CompressedOutputStream(str(path), "zstd") as out:
            out.write(content)
    return path


def test_zstd(tmp_path):
    packed(tmp_path, "y.csv.zst", b"3,4\n")
    frames = packed(tmp_path, "x.csv.zst", b"a,b\n1,2\n").read_bytes() + (tmp_path / "y.csv.zst").read_bytes()
    assert read(tmp_path, frames, name="x.csv.zst") == ([(2, "1", "2"), (3, "3", "4")], [])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,2\n", "x.csv.zst is not a whole zstd file: ZSTD decompress failed: Unknown frame descriptor"),
        (None, "x.csv.zst is not a whole zstd file: Truncated compressed stream"),
    ],
)
def test_what_is_not_zstd(tmp_path, content, message):
    half = packed(tmp_path, "x.csv.zst", b"a,b\n" + b"1,2\n" * 1000).read_bytes()[:-5]
    with pytest.raises(SourceError) as error:
        read(tmp_path, half if content is None else content, name="x.csv.zst")
    assert str(error.value) == message


@pytest.mark.parametrize("name", ["x.csv.gz", "x.csv.zst"])
def test_a_file_that_swells_past_its_bounds_is_refused(tmp_path, monkeypatch, name):
    """Refused after as much as is allowed was unpacked, however much more there is."""
    monkeypatch.setattr(byte_blocks, "BLOCK_BYTES", 1 << 16)
    monkeypatch.setattr(byte_blocks, "HARMLESS_BYTES", 1 << 17)
    path = packed(tmp_path, name, b"a,b\n" + b"1,2\n" * 200_000)
    size = path.stat().st_size
    with pytest.raises(SourceError) as error:
        read_lines(path, ",", "utf-8", limits=Limits(expansion=10))
    assert str(error.value) == (
        f"{name} has {size:,} bytes and comes to more than 10 times as many when unpacked, so it was not read on. "
        "Raise max_expansion of the source if it is as it should be"
    )
    with pytest.raises(SourceError) as error:
        read_lines(path, ",", "utf-8", limits=Limits(expansion=10_000, decoded_gb=0.0005))
    assert str(error.value) == (
        f"{name} comes to more than 0.0005 GB when unpacked, so it was not read on. "
        "Split it, or raise max_decoded_gb of the source if it is as it should be"
    )
    assert read_lines(path, ",", "utf-8", limits=Limits(expansion=10_000)).count == 200_000


def test_a_long_field_is_read_whatever_stands_in_other_lines(tmp_path):
    """A byte that is no UTF-8 makes lines be read by the standard library, which has a bound of its own."""
    long = "é" * 200_000
    rows, rejected = read(tmp_path, f"a,b\n1,{long}\n".encode() + b"\xff,2\n")
    assert (rows, rejected) == ([(2, "1", long)], [(3, "bad_encoding")])
