"""CSV files, in chunks: memory does not grow with the file."""

import csv
import gzip
import io
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np

from . import values
from .csv_chunks import BlockChunk, RowsChunk, line_count, row_lines
from .tables import nearest
from .values import Fault

_BLOCK = 1 << 20  # bytes at a time
_LONGEST = 1 << 26  # of a line
_NEWLINE = 10
_END = "\x1e the end of the block \x1e"  # a line of its own behind a block
_KNOWN = (
    (b"PK\x03\x04", "an Excel file or a ZIP archive; save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an Excel file; save the sheet as CSV"),
    (b"PAR1", "a Parquet file; read it with pandas or polars and pass the frame"),
    (b"\x93NUMPY", "a NumPy array; use np.load"),
    (b"\x89HDF", "an HDF5 file; read it with pandas and pass the frame"),
)


class CsvTable:
    """A CSV file as a `Table`.

    Parameters
    ----------
    path : str or PathLike
        Gzipped or not.
    encoding : str, default "utf-8"

    Raises
    ------
    OSError
        When it cannot be read.
    ValueError
        When it is empty, no text, or has no usable header.
    """

    def __init__(self, path: str | os.PathLike[str], encoding: str = "utf-8") -> None:
        self.path, self.encoding = os.fspath(path), encoding
        self.label = repr(os.path.basename(os.fsdecode(self.path)))
        with open(self.path, "rb") as file:
            start = file.read(8)
        self._gzipped = start[:2] == b"\x1f\x8b"
        for magic, kind in _KNOWN:
            if start.startswith(magic):
                raise ValueError(f"{self.label} is no CSV file but {kind}")
        if start[:2] in (b"\xff\xfe", b"\xfe\xff") and encoding == "utf-8":
            raise ValueError(
                f"{self.label} is UTF-16; save it as UTF-8, or read it with read_csv(path, encoding='utf-16')"
            )
        self._read_header()
        self.comma = self.delimiter == ";"

    def _read_header(self) -> None:
        lines = _lines(self._blocks())
        header: list[str] = []
        line = ""
        self._header_lines = 0
        for line in lines:
            self._header_lines += 1
            if line.strip():
                break
        if not line.strip():
            raise ValueError(f"{self.label} is empty; its first line must be the names of the columns")
        self.delimiter = _delimiter(line, os.fsdecode(self.path))
        reader = csv.reader(chain([line], lines), delimiter=self.delimiter)
        try:
            header = next(reader)
        except csv.Error as error:
            raise ValueError(f"{self.label}, line {self._header_lines}: {error}") from None
        self._header_lines += reader.line_num - 1
        self.names = [name.strip() for name in header]
        seen: dict[str, int] = {}
        for i, name in enumerate(self.names, 1):
            if name and name in seen:
                raise ValueError(
                    f"{self.label}, line {self._header_lines}: columns {seen[name]} and {i} are both named {name!r};"
                    f" each name must be there once{self.hint()}"
                )
            seen[name] = i

    def hint(self) -> str:
        """What to say when the header looks like a row."""
        odd = sum(values.number(name, True) is not None for name in self.names)
        return " (does the file begin with a line of column names?)" if 2 * odd > len(self.names) else ""

    def is_text(self, column: int) -> bool:
        return False

    def original(self, column: int, text: str) -> Any:
        return text

    def error(self, chunk: Any, fault: Fault, column: int | None = None) -> ValueError:
        where = "" if column is None else f", column {self.names[column]!r}"
        return ValueError(f"{self.label}, {chunk.place(fault.index)}{where}: {fault.sentence}")

    # ---- Reading

    def _open(self) -> Any:
        if self._gzipped:
            file: Any = gzip.open(self.path, "rb")  # noqa: SIM115 (the caller's `with`)
        else:
            file = open(self.path, "rb")  # noqa: SIM115
        if self.encoding.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig"):
            return file
        return _Recoded(file, self.encoding)

    def _blocks(self) -> Iterator[tuple[bytes, int]]:
        """(whole lines as UTF-8, the number of the first)."""
        carry, line, start = b"", 1, True
        with self._open() as file:
            while True:
                try:
                    data = file.read(_BLOCK)
                except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                    raise ValueError(f"{self.label} is damaged after line {line}: {error}") from None
                except UnicodeError as error:
                    raise ValueError(f"{self.label} is not {self.encoding}: {error}") from None
                if not data:
                    break
                if start:
                    data, start = data.removeprefix(b"\xef\xbb\xbf"), False
                data = carry + data
                cut = max(data.rfind(b"\n") + 1, 0) or data.rfind(b"\r", 0, len(data) - 1) + 1
                if not cut and len(data) > _LONGEST:
                    raise ValueError(
                        f"{self.label}, line {line} is longer than {_LONGEST >> 20} MB: this is no CSV file"
                    )
                block, carry = data[:cut], data[cut:]
                if block:
                    yield self._checked(block, line), line
                    line += line_count(block)
        if carry:
            yield self._checked(carry, line), line

    def _checked(self, block: bytes, line: int) -> bytes:
        if not block.isascii():
            try:
                block.decode()
            except UnicodeDecodeError as error:
                at = line + line_count(block[: error.start])
                raise ValueError(
                    f"{self.label}, line {at}: byte 0x{block[error.start]:02x} is not UTF-8: save the file as UTF-8, or"
                    " pass cnn.data.read_csv(path, encoding='cp1252')"
                ) from None
        at = block.find(b"\0")
        if at >= 0:
            raise ValueError(
                f"{self.label}, line {line + line_count(block[:at])} holds a NUL byte: this is no text file"
            )
        return block

    def chunks(self) -> Iterator["RowsChunk | BlockChunk"]:
        blocks = self._blocks()
        skip, first = self._header_lines, 0
        for block, line in blocks:
            block = block if block.endswith((b"\n", b"\r")) else block + b"\n"
            while skip and block:
                block = block[_line_end(block) :]
                skip, line = skip - 1, line + 1
            if not block:
                continue
            lined = block
            if b"\r" in block:
                lined = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            plain = lined if b'"' not in block else self._unquoted(lined)
            chunk: BlockChunk | RowsChunk | None = None
            if plain is not None:
                chunk = BlockChunk.of(plain, self, first, line)
            if chunk is None:
                rows = self._rows(block, line)
                if rows is None:  # a value goes on in the next block
                    yield from self._records(chain([(block, line)], blocks), first, line)
                    return
                chunk = RowsChunk(rows, self, first, line)
            if chunk.rows:
                first += chunk.rows
                yield chunk

    def _unquoted(self, block: bytes) -> bytes | None:
        """Without the quotes, when they are around whole values that hold no separator and no other quote."""
        data = np.frombuffer(block, np.uint8)
        ends = np.flatnonzero((data == ord(self.delimiter)) | (data == _NEWLINE))
        quotes = np.flatnonzero(data == ord('"'))
        if len(quotes) % 2:
            return None
        opening, closing = quotes[::2], quotes[1::2]
        field = np.searchsorted(ends, opening)
        before = np.where(field > 0, ends[field - 1] + 1, 0)
        if (before == opening).all() and (ends[field] == closing + 1).all():
            return block.replace(b'"', b"")
        return None

    def _rows(self, block: bytes, line: int) -> list[list[str]] | None:
        """The rows of a block by the csv module, which knows quotes; None when it ends within one."""
        reader = csv.reader(chain(io.StringIO(block.decode(), newline=""), [_END]), delimiter=self.delimiter)
        try:
            rows = list(reader)
        except csv.Error:
            return None  # said with its line by _records
        return rows[:-1] if rows[-1] == [_END] else None

    def _records(self, blocks: Iterable[tuple[bytes, int]], first: int, line: int) -> Iterator["RowsChunk"]:
        """All rows from here on by the csv module; `line` is the first."""
        reader = csv.reader(chain(_lines(blocks), [_END]), delimiter=self.delimiter)
        most, last = max(1, 100_000 // len(self.names)), False
        held: list[list[str]] = []  # the last row so far, which must be _END at last
        while not last:
            begin = reader.line_num + line - sum(map(row_lines, held))
            try:
                fresh = list(islice(reader, most))
            except csv.Error as error:
                hint = " (is a quotation mark never closed?)" if "field limit" in str(error) else ""
                raise ValueError(f"{self.label}, line {reader.line_num + line - 1}: {error}{hint}") from None
            rows = held + fresh
            held, last = [rows.pop()], len(fresh) < most
            if last and held != [[_END]]:
                at = begin + sum(map(row_lines, rows))
                raise ValueError(f"{self.label}, line {at}: a quotation mark is opened and never closed")
            chunk = RowsChunk(rows, self, first, begin)
            first += chunk.rows
            if chunk.rows:
                yield chunk


def _line_end(block: bytes) -> int:
    """Where the second line begins."""
    ends = [i for i in (block.find(b"\n"), block.find(b"\r")) if i >= 0]
    at = min(ends, default=len(block) - 1)
    return at + (2 if block[at : at + 2] == b"\r\n" else 1)


def _lines(blocks: Iterable[tuple[bytes, int]]) -> Iterator[str]:
    return chain.from_iterable(io.StringIO(block.decode(), newline="") for block, _ in blocks)


def _delimiter(header: str, path: str) -> str:
    outside = "".join(header.split('"')[::2])
    if "\t" in outside and path.lower().removesuffix(".gz").endswith((".tsv", ".tab")):
        return "\t"
    return max(",;\t|", key=outside.count)  # of equals the first


class _Recoded:
    """A file in another encoding, read as UTF-8."""

    def __init__(self, file: Any, encoding: str) -> None:
        import codecs

        try:
            self._decoder = codecs.getincrementaldecoder(encoding)()
        except LookupError:
            file.close()
            raise ValueError(f"encoding is {encoding!r}, which is not known; expected 'utf-8', 'cp1252', ...") from None
        self._file = file

    def __enter__(self) -> "_Recoded":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, size: int) -> bytes:
        while True:
            data = self._file.read(size)
            text = self._decoder.decode(data, not data)
            if text or not data:
                return text.removeprefix("\ufeff").encode()


def read_csv(
    path: str | os.PathLike[str], columns: Sequence[str] | None = None, encoding: str = "utf-8"
) -> dict[str, np.ndarray]:
    """The columns of a CSV file.

    Parameters
    ----------
    path : path
        Gzipped or not. The separator is found from the first line, which names the columns.
    columns : sequence of str, optional
        Only these, in this order.
    encoding : str, default "utf-8"

    Returns
    -------
    dict of str to ndarray of shape (n,)
        A column of numbers is float64, with NaN for blanks; any other holds str, and None for blanks, as objects.

    Raises
    ------
    OSError
        When it cannot be read.
    ValueError
        For a file that is no CSV, with the line; for a column that is not there.
    """
    table = CsvTable(path, encoding)
    wanted = list(table.names if columns is None else columns)
    for name in wanted:
        if name not in table.names:
            raise ValueError(f"{table.label}: column {name!r} is not there; {nearest(str(name), table.names)}")
    places = [table.names.index(name) for name in wanted]
    parts: list[list[Any]] = [[] for _ in wanted]
    for chunk in table.chunks():
        for part, place in zip(parts, places, strict=True):
            found = None if part and isinstance(part[-1], list) else chunk.numbers(place)
            part.append(list(chunk.texts(place)) if found is None else found)
    kinds = [any(isinstance(item, list) for item in part) for part in parts]
    if any(
        mixed and not all(isinstance(item, list) for item in part) for mixed, part in zip(kinds, parts, strict=True)
    ):
        # A column that began with numbers and goes on with text is text from its first row on: how the numbers were written is read again.
        for part, mixed in zip(parts, kinds, strict=True):
            if mixed:
                part.clear()
        for chunk in table.chunks():
            for part, place, mixed in zip(parts, places, kinds, strict=True):
                if mixed:
                    part.append(list(chunk.texts(place)))
    return {name: _joined(part, mixed) for name, part, mixed in zip(wanted, parts, kinds, strict=True)}


def _joined(parts: list[Any], text: bool) -> np.ndarray:
    if not text:
        return np.concatenate(parts) if parts else np.empty(0)
    stripped = [None if (t := item.strip()) in values.BLANKS else t for part in parts for item in part]
    array = np.empty(len(stripped), object)
    array[:] = stripped
    return array
