"""CSV files, in chunks: a pass over one holds a block of about 1 MB, never the file."""

import contextlib
import csv
import gzip
import io
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

import numpy as np

from . import values
from .csv_chunks import BlockChunk, RowsChunk, line_count, row_lines
from .kinds import foreign
from .opening import first_bytes, opened
from .values import Fault

_BLOCK = 1 << 20  # bytes at a time
_LONGEST = 1 << 26  # of a line
_NEWLINE = 10
_END = "\x1e the end of the block \x1e"  # a line of its own behind a block
_SEPARATORS = ",;\t|"


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
        with opened(self.path) as file:
            start, self._gzipped = first_bytes(file)
        kind = foreign(start, os.fsdecode(self.path))
        if kind is not None:
            raise ValueError(f"{self.label} is no CSV file but {kind}")
        if start[:2] in (b"\xff\xfe", b"\xfe\xff") and encoding == "utf-8":
            raise ValueError(
                f"{self.label} is UTF-16; save it as UTF-8, or read it with read_csv(path, encoding='utf-16')"
            )
        self.trailing = False
        self._read_header()
        self.comma = self.delimiter == ";"

    def _read_header(self) -> None:
        lines = _lines(self._blocks())
        line = self._first_line(lines, 0)
        said = re.fullmatch(r'"?sep=(.*?)"?', line.rstrip("\r\n"), re.IGNORECASE)
        if said and len(said[1]) < 2:  # as Excel writes it
            if said[1] not in (*_SEPARATORS, ""):
                raise ValueError(
                    f"{self.label}, line {self._header_lines}: the separator is {said[1]!r}; those that are read are"
                    " , ; tab and |"
                )
            line = self._first_line(lines, self._header_lines)
        self.delimiter = (said and said[1]) or _delimiter(line, os.fsdecode(self.path))
        reader = csv.reader(chain([line], lines), delimiter=self.delimiter)
        try:
            header = next(reader)
        except csv.Error as error:
            raise ValueError(f"{self.label}, line {self._header_lines}: {error}") from None
        self._header_lines += reader.line_num - 1
        self.names = [name.strip() for name in header]
        self._check_names()
        first: list[str] = []
        with contextlib.suppress(csv.Error, ValueError):  # said with its line when the rows are read
            first = next((row for row in reader if row), [])
            self.trailing = len(first) == len(header) + 1 and not first[-1].strip()
        if self.trailing:
            self.names.append("")
        if len(header) == 1:
            self._check_spaces(line, first)

    def _first_line(self, lines: Iterator[str], before: int) -> str:
        """The next line that is not blank; `before` were read."""
        for self._header_lines, line in enumerate(lines, before + 1):
            if line.strip():
                return line
        raise ValueError(f"{self.label} is empty; its first line must be the names of the columns")

    def _check_names(self) -> None:
        seen: dict[str, int] = {}
        for i, name in enumerate(self.names, 1):
            if name and name in seen:
                hint = self.hint() or (_NO_HEADER if _is_number(name) else "")
                raise ValueError(
                    f"{self.label}, line {self._header_lines}: columns {seen[name]} and {i} are both named {name!r};"
                    f" each name must be there once{hint}"
                )
            seen[name] = i

    def _check_spaces(self, header: str, first: list[str]) -> None:
        names, row = header.split(), first[0].split() if len(first) == 1 else []
        if len(names) == len(row) > 1 and 2 * sum(map(_is_number, row)) >= len(row):
            raise ValueError(
                f"{self.label}: its lines look separated by spaces; the separators that are read are , ; tab and |"
            )

    def hint(self) -> str:
        """What to say when the header looks like a row."""
        return _NO_HEADER if 2 * sum(map(_is_number, self.names)) > len(self.names) else ""

    def header_notes(self) -> list[str]:
        """The same for a table that could be read."""
        numbers = [name for name in self.names if _is_number(name)]
        if not self.hint():
            return []
        shown = ", ".join(numbers[:3]) + (", ..." if len(numbers) > 3 else "")
        return [f"the first line is taken as the header, and holds numbers: {shown}"]

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
                self._check_packed()
                raise ValueError(
                    f"{self.label}, line {at}: byte 0x{block[error.start]:02x} is not UTF-8: save the file as UTF-8, or"
                    " pass cnn.data.read_csv(path, encoding='cp1252')"
                ) from None
        at = block.find(b"\0")
        if at >= 0:
            self._check_packed()
            raise ValueError(
                f"{self.label}, line {line + line_count(block[:at])} holds a NUL byte: this is no text file"
            )
        return block

    def _check_packed(self) -> None:
        """Of a file that is no text."""
        if not self._gzipped and os.fsdecode(self.path).lower().endswith(".gz"):
            raise ValueError(f"{self.label} is named .gz, and neither compressed by gzip nor text: write it again")

    def chunks(self) -> Iterator["RowsChunk | BlockChunk"]:
        for chunk in self._all_chunks():
            if self.trailing:
                self._check_trailing(chunk)
            yield chunk

    def _check_trailing(self, chunk: "RowsChunk | BlockChunk") -> None:
        width = len(self.names)
        for row, text in enumerate(chunk.texts(width - 1)):
            if text.strip():
                raise ValueError(
                    f"{self.label}, {chunk.place(row)}: {width} values, and the header has {width - 1} columns"
                )

    def _all_chunks(self) -> Iterator["RowsChunk | BlockChunk"]:
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


_NO_HEADER = " (does the file begin with a line of column names?)"


def _delimiter(header: str, path: str) -> str:
    outside = "".join(header.split('"')[::2])
    if "\t" in outside and path.lower().removesuffix(".gz").endswith((".tsv", ".tab")):
        return "\t"
    return max(_SEPARATORS, key=outside.count)  # of equals the first


def _is_number(name: str) -> bool:
    value = values.number(name, True)
    return value is not None and value == value


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
