"""CSV, IDX and NPZ files: what is read is what was written, and whatever else is in a file is said in one sentence."""

import bz2
import csv
import gzip
import io
import lzma
import math
import pickle
import random
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import cnn
from cnn import signatures
from cnn.cli import kinds as cli_kinds
from cnn.data import kinds as data_kinds
from cnn.data import read_csv, read_idx, read_npz
from cnn.data.csv_file import CsvTable
from cnn.data.digits import parse
from cnn.data.values import BLANKS, is_blank


def written(path, rows, **options):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, **options).writerows(rows)
    return path


def meaning(column):
    """What a column of texts is, said slowly: floats with NaN, or texts with None."""

    def one(text):
        text = text.strip()
        if is_blank(text):
            return math.nan
        if "_" in text:
            raise ValueError
        return float(text)

    try:
        return [one(text) for text in column]
    except ValueError:
        return [None if text.strip() in BLANKS else text.strip() for text in column]


def same(got, expected):
    assert len(got) == len(expected)
    if expected and not any(isinstance(v, str) or v is None for v in expected):
        assert got.dtype == np.float64
        np.testing.assert_array_equal(got, np.array(expected))
    elif expected:
        assert got.dtype == object
        assert got.tolist() == expected


def check(path, names, rows):
    got = read_csv(path)
    assert list(got) == names
    rows = [row for row in rows if not (len(names) == 1 and row == [])]
    for j, name in enumerate(names):
        same(got[name], meaning([row[j] for row in rows]))


# ---- CSV

FIELDS = st.one_of(
    st.integers(-(10**18), 10**18).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-1000, max_value=1000).map(str),
    st.sampled_from(
        ["", " ", "NA", "?", "nan", "1.", ".5", "+3", "-0", "1e5", "1_000", " 7 ", "00012", ".", "-", "1.2.3", "12a"]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6),
)


@st.composite
def tables(draw):
    width = draw(st.integers(1, 5))
    kinds = draw(st.lists(st.sampled_from(["number", "decimal", "any"]), min_size=width, max_size=width))
    number = st.one_of(st.floats(allow_nan=False, allow_infinity=False).map(repr), st.just(""))
    strategies = {"number": number, "decimal": st.integers(-99999, 99999).map(lambda i: str(i / 100)), "any": FIELDS}
    rows = draw(st.lists(st.tuples(*(strategies[kind] for kind in kinds)), max_size=12))
    return [f"c{j}" for j in range(width)], [list(row) for row in rows]


@settings(max_examples=400, deadline=None)
@example(table=(["a", "b"], [["", "0\x1f"]]), delimiter=",", end="\n", quoting=0, bom=False, block=1 << 20)
@example(table=(["a", "b"], [["1", "\r"]]), delimiter="\t", end="\n", quoting=0, bom=False, block=40)
@given(
    table=tables(),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    bom=st.booleans(),
    block=st.sampled_from([1 << 20, 40, 7]),
)
def test_what_csv_writes_is_read(table, delimiter, end, quoting, bom, block, tmp_path_factory):
    names, rows = table
    if len(names) == 1:
        delimiter = ","
    if delimiter == ";":  # where a comma is a decimal point
        rows = [[text.replace(",", "") for text in row] for row in rows]
    if end == "\n":  # which Python's writer takes for the only line end, and so does not quote the other before 3.13
        rows = [[text.replace("\r", "") for text in row] for row in rows]
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows([names, *rows])
    path = tmp_path_factory.getbasetemp() / "written.csv"
    path.write_bytes(("\ufeff" if bom else "").encode() + out.getvalue().encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cnn.data.csv_file._BLOCK", block)
        check(path, names, rows)


SEED = st.integers(0, 2**32 - 1)


@settings(max_examples=200, deadline=None)
@given(seed=SEED, block=st.sampled_from([1 << 20, 1000]))
def test_numbers_are_those_of_float(seed, block, tmp_path_factory):
    """Every way to write a number, to the bit."""
    r = random.Random(seed)

    def number():
        whole = "".join(r.choices("0123456789", k=r.randint(0, r.choice([3, 9, 18]))))
        fraction = "".join(r.choices("0123456789", k=r.randint(0, r.choice([3, 9, 18]))))
        text = whole + r.choice(["", "." + fraction]) if whole else "." + (fraction or "0")
        return r.choice(["", "-", "+"]) + text + (r.choice(["e5", "E-7"]) if r.random() < 0.05 else "")

    rows = [[number() if r.random() < 0.95 else "" for _ in range(3)] for _ in range(100)]
    path = written(tmp_path_factory.getbasetemp() / "numbers.csv", [["a", "b", "c"], *rows])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cnn.data.csv_file._BLOCK", block)
        got = read_csv(path)
    for j, name in enumerate("abc"):
        expected = np.array([float(row[j]) if row[j] else math.nan for row in rows])
        assert got[name].tobytes() == expected.tobytes()


@settings(max_examples=500, deadline=None)
@given(text=st.text("0123456789+-. ,eE_xn", max_size=24))
@example("9" * 15)
@example("-.5")
def test_one_number_as_bytes(text):
    """`parse` knows a number only where `float` reads the same one."""
    data = text.encode()
    points = [i for i, c in enumerate(text) if c == "."]
    point = len(text) if not points else points[0] if len(points) == 1 else -1
    places = [np.array([i]) for i in (0, len(text), point)]
    value, known = parse(data, *places)
    if text == "":
        assert known[0]
        assert math.isnan(value[0])
    elif known[0]:
        assert value.tobytes() == np.array([float(text)]).tobytes()
    elif text.isdigit():
        assert len(text) > 15


@settings(max_examples=300, deadline=None)
@given(
    data=st.binary(max_size=300), zipped=st.booleans(), start=st.sampled_from([b"", b"a,b\n", b"a;b\r\n1;2\r\n", b'"'])
)
def test_any_bytes_are_a_table_or_a_sentence(data, zipped, start, tmp_path_factory):
    data = start + data
    path = tmp_path_factory.getbasetemp() / "bytes.csv"
    path.write_bytes(gzip.compress(data) if zipped else data)
    for read in (read_csv, read_idx, read_npz, lambda p: cnn.data.Preprocessing().fit_transform(p)):
        try:
            read(path)
        except (ValueError, OSError) as error:
            text = str(error)
            assert len(text) > 15
            assert "\n" not in text


@settings(max_examples=100, deadline=None)
@given(
    cut=st.integers(0, 400),
    flip=st.integers(0, 399),
    bit=st.integers(0, 7),
    kind=st.sampled_from(["csv.gz", "npz", "idx.gz"]),
)
def test_a_damaged_file_is_a_sentence(cut, flip, bit, kind, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / f"damaged.{kind}"
    rows = "a,b\n" + "".join(f"{i},{i * i}\n" for i in range(200))
    if kind == "npz":
        np.savez_compressed(path, a=np.arange(50), b=np.ones(3))
    else:
        path.write_bytes(gzip.compress(rows.encode() if kind == "csv.gz" else idx_bytes(np.arange(500, dtype="u1"))))
    data = bytearray(path.read_bytes())[: cut + 1]
    data[flip % len(data)] ^= 1 << bit
    path.write_bytes(data)
    read = {"csv.gz": read_csv, "npz": read_npz, "idx.gz": read_idx}[kind]
    try:
        read(path)
    except (ValueError, OSError) as error:
        assert len(str(error)) > 15


BAD = {
    "empty": (b"", "'bad.csv' is empty; its first line must be the names of the columns"),
    "blank lines": (b"\n\n  \n", "'bad.csv' is empty"),
    "a short row": (b"a,b\n1,2\n3\n", "'bad.csv', line 3: 1 value, and the header has 2 columns"),
    "a long row": (b"a,b\n\n1,2\n3,4,5\n", "'bad.csv', line 4: 3 values, and the header has 2 columns"),
    "a long and a short row": (b"a,b\n1,2,3\n4\n", "'bad.csv', line 2: 3 values"),
    "ragged after lines in quotes": (b'a,b\n"1\n2",x\n3\n', "'bad.csv', line 4: 1 value,"),
    "ragged, CRLF": (b"a,b\r\n1,2\r\n3\r\n", "'bad.csv', line 3: 1 value"),
    "ragged, CR": (b"a,b\r1,2\r3\r", "'bad.csv', line 3: 1 value"),
    "NUL": (b"a,b\n1,2\n3,\0\n", "'bad.csv', line 3 holds a NUL byte"),
    "latin-1": ("a,b\n1,2\nMünchen,3\n".encode("latin-1"), "'bad.csv', line 3: byte 0xfc is not UTF-8"),
    "UTF-16": ("a,b\n1,2\n".encode("utf-16"), "'bad.csv' is UTF-16"),
    "Excel": (
        b"PK\x03\x04" + bytes(22) + b"\x13\0\0\0[Content_Types].xml",
        "'bad.csv' is no CSV file but an Excel file",
    ),
    "twice the same name": (b"a,b,a\n1,2,3\n", "'bad.csv', line 1: columns 1 and 3 are both named 'a'"),
    "no header": (b"1,5.5,1\n2,3,4\n", "both named '1'; each name must be there once (does the file begin with"),
    "an open quote": (b'a,b\n1,2\n3,"4\n5,6\n', "'bad.csv', line 3: a quotation mark is opened and never closed"),
    "an open quote where a batch of rows ends": (
        b"a\n" + b"1\n" * 99_999 + b'"2\n',
        "'bad.csv', line 100001: a quotation mark",
    ),
    "an open quote behind rows": (
        b'a,b\n"1\n2",2\n' + b"1,2\n" * 60_000 + b'3,"4\n',
        "'bad.csv', line 60004: a quotation mark",
    ),
    "a long open quote": (b'a,b\n1,2\n3,"4\n' + b"5,6\n" * 50_000, "'bad.csv', line 3"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files(name, tmp_path):
    data, sentence = BAD[name]
    path = tmp_path / "bad.csv"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r".") as raised:
        read_csv(path)
    if name != "a long open quote":  # found where the longest value that csv reads ends
        assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


def test_lines_are_counted_across_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("cnn.data.csv_file._BLOCK", 64)
    for kind in ("plain", "quotes", "lines in quotes", "blank lines"):
        cell = {"quotes": '"x"', "lines in quotes": '"x\ny"'}.get(kind, "x")
        row = f"1,{cell}\n" + ("\n" if kind == "blank lines" else "")
        text = "a,b\n" + row * 100
        line = text.count("\n") + 1
        path = tmp_path / "lines.csv"
        path.write_text(text + "7\n" + row * 50)
        with pytest.raises(ValueError, match=f"line {line}: 1 value,"):
            read_csv(path)


def test_a_file_that_is_not_there(tmp_path):
    """The sentence that `cnn.load` has."""
    for read in (read_csv, read_idx, read_npz, cnn.data.Preprocessing().fit, cnn.load):
        with pytest.raises(FileNotFoundError) as raised:
            read(tmp_path / "nowhere.csv")
        assert str(raised.value) == f"cannot read {str(tmp_path / 'nowhere.csv')!r}: no such file or directory"
        assert raised.value.errno == 2
        with pytest.raises(IsADirectoryError) as raised:
            read(tmp_path)
        assert str(raised.value) == f"cannot read {str(tmp_path)!r}: it is a directory"


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a,b;c\n1,2\n", ["a", "b;c"]),
        ("a;b,c;d\n1;2;3\n", ["a", "b,c", "d"]),
        ('"a;;;b",c\n1,2\n', ["a;;;b", "c"]),
        ("a|b\n1|2\n", ["a", "b"]),
        ("a\tb\n1\t2\n", ["a", "b"]),
        (" a , b \n1,2\n", ["a", "b"]),
        ("alone\n1\n2\n", ["alone"]),
        ("\n\na,b\n1,2\n", ["a", "b"]),
    ],
)
def test_the_separator_is_found(text, names, suffix, tmp_path):
    path = tmp_path / f"t.csv{suffix}"
    path.write_bytes(gzip.compress(text.encode()) if suffix else text.encode())
    assert list(read_csv(path)) == names
    assert all(column.dtype == np.float64 for column in read_csv(path).values())


def test_a_tsv_has_tabs_whatever_else_is_in_its_header(tmp_path):
    path = tmp_path / "t.tsv"
    path.write_text("size, in cm, rounded\tname\n1\tx\n")
    assert list(read_csv(path)) == ["size, in cm, rounded", "name"]


def test_decimal_commas_go_with_semicolons(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('a;b;c\n1,5;x,y;"2,25"\n-0,125;z;1.5\n;w;3\n')
    got = read_csv(path)
    np.testing.assert_array_equal(got["a"], [1.5, -0.125, np.nan])
    np.testing.assert_array_equal(got["c"], [2.25, 1.5, 3])
    assert got["b"].tolist() == ["x,y", "z", "w"]


def test_encodings(tmp_path):
    text = "name,n\nMünchen,1\nKöln,2\n"
    for encoding in ("cp1252", "utf-16", "utf-8-sig", "UTF_8"):
        (tmp_path / "t.csv").write_bytes(text.encode(encoding))
        got = read_csv(tmp_path / "t.csv", encoding=encoding)
        assert got["name"].tolist() == ["München", "Köln"]
        assert got["n"].tolist() == [1, 2]
    with pytest.raises(ValueError, match="encoding is 'klingon'"):
        read_csv(tmp_path / "t.csv", encoding="klingon")


def test_columns_by_name(tmp_path):
    path = written(tmp_path / "t.csv", [["a", "b", "c"], [1, 2, 3], [4, 5, 6]])
    assert {k: v.tolist() for k, v in read_csv(path, ["c", "a"]).items()} == {"c": [3, 6], "a": [1, 4]}
    with pytest.raises(ValueError, match="column 'd' is not there; the columns are a, b, c"):
        read_csv(path, ["d"])
    assert {k: v.tolist() for k, v in read_csv(written(tmp_path / "h.csv", [["a", "b"]])).items()} == {"a": [], "b": []}


def test_a_column_that_turns_to_text_late(tmp_path, monkeypatch):
    monkeypatch.setattr("cnn.data.csv_file._BLOCK", 64)
    cells = [f"{i:03}" for i in range(100)] + ["x"] + ["007"] * 9
    path = written(tmp_path / "t.csv", [["a", "b"], *([c, i] for i, c in enumerate(cells))])
    got = read_csv(path)
    assert got["a"].tolist() == cells
    assert got["b"].tolist() == list(range(110))


def test_places_of_rows(tmp_path):
    """The line of each row, by counting by hand."""
    path = tmp_path / "t.csv"
    path.write_bytes(b'a,b\r\n1,x\r\n\r\n2,"y\r\nz"\r\n3,w\r\n')
    table = CsvTable(path)
    assert [chunk.place(i) for chunk in table.chunks() for i in range(chunk.rows)] == ["line 2", "line 4", "line 6"]
    path.write_text("\na,b\n1,x\n2,y\n")
    assert [chunk.place(i) for chunk in CsvTable(path).chunks() for i in range(chunk.rows)] == ["line 3", "line 4"]


def zipped(name):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, "a,b\n1,2\n")
    return out.getvalue()


def npy():
    out = io.BytesIO()
    np.save(out, np.ones(2))
    return out.getvalue()


FOREIGN = {
    "PNG": (b"\x89PNG\r\n\x1a\n" + bytes(9), "a PNG picture"),
    "JPEG": (b"\xff\xd8\xff\xe0" + bytes(9), "a JPEG picture"),
    "GIF": (b"GIF89a" + bytes(9), "a GIF picture"),
    "BMP": (b"BM\x36\x10\0\0" + bytes(9), "a BMP picture"),
    "WebP": (b"RIFF\x0a\x10\0\0WEBPVP8 ", "a WebP picture"),
    "PNM": (b"P6\n# by hand\n8 8\n255\n" + bytes(9), "a PNM picture"),
    "TIFF": (b"II*\0\x08\0\0\0" + bytes(9), "a TIFF picture"),
    "bzip2": (bz2.compress(b"a,b\n1,2\n"), "compressed by bzip2"),
    "bzip2 of nothing": (bz2.compress(b""), "compressed by bzip2"),
    "xz": (lzma.compress(b"a,b\n1,2\n"), "compressed by xz"),
    "zstd": (b"\x28\xb5\x2f\xfd\x04\0" + bytes(9), "compressed by zstd"),
    "7z": (b"7z\xbc\xaf\x27\x1c\0\4" + bytes(9), "a 7z archive; unpack it first"),
    "TAR": (bytes(257) + b"ustar\0" + bytes(249), "a TAR archive; unpack it first"),
    "ZIP": (zipped("t.csv"), "a ZIP archive; unpack it first"),
    "ZIP of nothing": (b"PK\x05\x06" + bytes(18), "a ZIP archive; unpack it first"),
    "Excel": (zipped("[Content_Types].xml"), "an Excel file; save the sheet as CSV"),
    "old Excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel file; save the sheet as CSV"),
    "OpenDocument": (zipped("mimetype"), "an OpenDocument file; save the sheet as CSV"),
    "IDX": (b"\0\0\x08\x01\0\0\0\x02ab", "an IDX file; use cnn.data.read_idx"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(9), "an HDF5 file"),
    "NPZ": (zipped("x.npy"), "an NPZ file of NumPy; use cnn.data.read_npz"),
    "NPY": (npy(), "a NumPy array; read it with np.load"),
    "PDF": (b"%PDF-1.7\n", "a PDF file"),
    "SQLite": (b"SQLite format 3\0" + bytes(9), "an SQLite database"),
    "Parquet": (b"PAR1" + bytes(9), "a Parquet file"),
    "pickle": (pickle.dumps({"a": [1]}), "a pickle, which may run any code"),
    "model": (struct.pack("<Q", 9) + b'{"a": 1 }', "a model file (safetensors)"),
    "JSON rows": (b'[{"a": 1}, {"a": 2}]', "JSON; read it with json.load"),
    "JSON columns": (b'\xef\xbb\xbf {\n  "a": [1, 2]}', "JSON; read it with json.load"),
    "a web page": (b"<!DOCTYPE html><html>", "a web page"),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", FOREIGN)
def test_files_of_other_kinds_are_named(name, packed, tmp_path):
    data, sentence = FOREIGN[name]
    path = tmp_path / ("x.csv.gz" if packed else "x.csv")
    path.write_bytes(gzip.compress(data) if packed else data)
    for read in (read_csv, cnn.data.Preprocessing().fit):
        with pytest.raises(ValueError, match=r"^'x.csv(.gz)?' is no CSV file but ") as raised:
            read(path)
        assert f"is no CSV file but {sentence}" in str(raised.value)


def test_what_is_packed_twice(tmp_path):
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(gzip.compress(b"a,b\n1,2\n")))
    with pytest.raises(ValueError, match=r"^'x.csv.gz' is no CSV file but compressed by gzip; unpack it first: "):
        read_csv(path)


@pytest.mark.parametrize("advice", [data_kinds.ADVICE, cli_kinds._ADVICE])
def test_there_is_advice_for_every_kind_of_file(advice):
    """The command line reads two of them."""
    assert {*advice} == {family for _, family, _ in signatures._SIGNATURES} | {"npz", "zip", "sheet"}


def test_headers_in_brackets_are_no_json(tmp_path):
    (tmp_path / "t.csv").write_text("[id],{x}\n1,2\n")
    assert list(read_csv(tmp_path / "t.csv")) == ["[id]", "{x}"]


def test_a_gz_that_is_not_gzipped(tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_text("a,b\n1,2\n")
    assert read_csv(path)["a"].tolist() == [1]
    for data in (b"a,b\n1,\xff\n", b"a,b\n1,\0\n"):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"'t.csv.gz' is named .gz, and neither compressed by gzip nor text"):
            read_csv(path)
    path.write_bytes(bz2.compress(b"a,b\n"))
    with pytest.raises(ValueError, match="compressed by bzip2"):
        read_csv(path)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(("said", "separator"), [("sep=;", ";"), ('"sep=,"', ","), ("SEP=|", "|"), ("sep=\t", "\t")])
def test_a_line_that_says_the_separator(said, separator, end, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        said + end + f"a,;|{separator}b{end}1{separator}2{end}x{separator}{end}".replace("a,;|", "a"), newline=""
    )
    got = read_csv(path)
    assert list(got) == ["a", "b"]
    assert got["a"].tolist() == ["1", "x"]
    with pytest.raises(ValueError, match="line 4, column 'b': 'y' is no number"):
        path.write_text(said + end + f"a{separator}b{end}1{separator}2{end}3{separator}y{end}", newline="")
        cnn.data.Preprocessing().fit({"a": [1], "b": [2]}).transform(path)
    path.write_text("sep=#\na#b\n1#2\n")
    with pytest.raises(ValueError, match=r"line 1: the separator is '#'; those that are read are , ; tab and \|"):
        read_csv(path)


def test_lines_that_spaces_separate(tmp_path):
    path = tmp_path / "t.txt"
    for text in ("a b c\n1 2 x\n", "5.1  3.5\n4.9  3.0\n"):
        path.write_text(text)
        with pytest.raises(ValueError, match="look separated by spaces; the separators that are read are , ; tab and"):
            read_csv(path)
    path.write_text("first name\nAnna Maria\n")
    assert read_csv(path)["first name"].tolist() == ["Anna Maria"]


def test_a_separator_behind_every_row(tmp_path, monkeypatch):
    path = tmp_path / "t.csv"
    for block in (1 << 20, 8):
        monkeypatch.setattr("cnn.data.csv_file._BLOCK", block)
        for header in ("a,b", "a,b,"):
            path.write_text(f"{header}\n1,2,\n3,x,\n5,, \n")
            prep = cnn.data.Preprocessing().fit(path)
            assert prep.columns == ["a", "b"]
            got = read_csv(path)
            assert got["a"].tolist() == [1, 3, 5]
            assert got["b"].tolist() == ["2", "x", None]
        path.write_text("a,b\n1,2,\n3,4,\n5,6\n")
        with pytest.raises(ValueError, match="line 4: 2 values, and the first row has 3"):
            read_csv(path)
        path.write_text("a,b\n1,2,\n3,4,\n5,6,7\n")
        with pytest.raises(ValueError, match="line 4: 3 values, and the header has 2 columns"):
            read_csv(path)


@pytest.mark.parametrize("block", [1 << 20, 3])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_blank_line_of_one_column_is_a_blank_value(block, end, tmp_path, monkeypatch):
    """So that predictions stay beside their rows."""
    monkeypatch.setattr("cnn.data.csv_file._BLOCK", block)
    path = tmp_path / "t.csv"
    for last in ("4", '"4"'):
        path.write_text(end.join(["a", "1", "", " ", "", last, ""]), newline="")
        np.testing.assert_array_equal(read_csv(path)["a"], [1, np.nan, np.nan, np.nan, 4])
        table = CsvTable(path)
        lines = [chunk.place(i) for chunk in table.chunks() for i in range(chunk.rows)]
        assert lines == [f"line {i}" for i in range(2, 7)]
        prep = cnn.data.Preprocessing().fit(path)
        net = cnn.Network([*prep.layers(), cnn.Dense(1)], seed=0)
        net.preprocessing = prep
        assert net.predict(path).shape == (5, 1)


# ---- IDX

TYPES = {"u1": 8, "i1": 9, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx_bytes(array):
    kind = array.dtype.str[1:]
    head = struct.pack(">BBBB", 0, 0, TYPES[kind], array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("shape", [(0,), (5,), (3, 4), (2, 3, 4), (3, 0, 2), ()])
@pytest.mark.parametrize("zipped", [False, True])
def test_idx(kind, shape, zipped, tmp_path):
    array = (np.arange(math.prod(shape)) * 7 - (0 if kind == "u1" else 9)).astype(kind).reshape(shape)
    path = tmp_path / "a.idx"
    path.write_bytes(gzip.compress(idx_bytes(array)) if zipped else idx_bytes(array))
    got = read_idx(path)
    assert got.shape == shape
    assert got.dtype.newbyteorder("=") == np.dtype(kind)
    np.testing.assert_array_equal(got, array)
    if not zipped and array.size and shape:
        assert isinstance(got, np.memmap)
        assert not got.flags.writeable


def test_a_network_takes_idx_as_it_is(tmp_path):
    x = np.random.default_rng(0).integers(-99, 99, (20, 3)).astype("i2")
    (tmp_path / "x.idx").write_bytes(idx_bytes(x))
    net = cnn.Network([3, 4, 2], seed=0)
    np.testing.assert_array_equal(net.predict(read_idx(tmp_path / "x.idx")), net.predict(x))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "no IDX file: it begins with nothing"),
        (b"PK\x03\x04", "no IDX file: it begins with 50 4b 03 04"),
        (b"\0\0\x0a\1\0\0\0\1x", "no IDX file"),
        (b"\0\0\x08\2\0\0\0\1", "ends within its header: 8 bytes, and 2 dimensions need 12"),
        (b"\0\0\x08\1\0\0\0\5abcd", "has 12 bytes, and its header, the shape (5,) of uint8, asks for 13"),
        (b"\0\0\x08\1\0\0\0\3abcd", "asks for 11"),
        (b"\0\0\x0e\3" + b"\xff" * 12, "asks for "),
        (b"\0\0\x08\xff" + b"\1" * 2000, "255 dimensions"),
    ],
)
def test_bad_idx(data, sentence, tmp_path):
    path = tmp_path / "bad.idx"
    for content in (data, gzip.compress(data)):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"^'bad.idx' ") as raised:
            read_idx(path)
        assert sentence in str(raised.value)


# ---- NPZ


def test_npz(tmp_path):
    arrays = {"x": np.arange(6.0).reshape(2, 3), "names": np.array(["a", "b"]), "n": np.array(3)}
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "a.npz", **arrays)
        got = read_npz(tmp_path / "a.npz")
        assert list(got) == list(arrays)
        for name in arrays:
            np.testing.assert_array_equal(got[name], arrays[name])


def test_bad_npz(tmp_path):
    path = tmp_path / "bad.npz"
    np.savez(path, a=np.ones(2), b=np.array([{}, None]))
    with pytest.raises(ValueError, match=r"'bad.npz': 'b' holds Python objects"):
        read_npz(path)
    np.save(tmp_path / "one.npy", np.ones(2))
    with pytest.raises(ValueError, match=r"single array \(.npy\)"):
        read_npz(tmp_path / "one.npy")
    path.write_bytes(b"hello, world")
    with pytest.raises(ValueError, match=r"'bad.npz' is no NPZ file: it begins with 68 65 6c 6c"):
        read_npz(path)
    with pytest.raises(FileNotFoundError):
        read_npz(tmp_path / "nowhere.npz")
