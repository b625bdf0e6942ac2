"""What a file that is no table is, by its first bytes, and what to do with it."""

import os
import re

START = 512  # bytes that `foreign` wants to see
_PICTURE = "; read it with Pillow or imageio and pass the array"
_UNPACK = "; unpack it first (of packed files only gzip's are read)"
_KINDS = (
    (b"\x89PNG\r\n", "a PNG picture" + _PICTURE),
    (b"\xff\xd8\xff", "a JPEG picture" + _PICTURE),
    (b"GIF8", "a GIF picture" + _PICTURE),
    (b"BZh", "compressed by bzip2" + _UNPACK),
    (b"\xfd7zXZ\0", "compressed by xz" + _UNPACK),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd" + _UNPACK),
    (b"\x1f\x8b", "compressed by gzip twice; unpack it first"),
    (b"\xd0\xcf\x11\xe0", "an Excel file; save the sheet as CSV"),
    (b"PAR1", "a Parquet file; read it with pandas or polars and pass the frame"),
    (b"\x93NUMPY", "a NumPy array; read it with np.load and pass the array"),
    (b"\x89HDF", "an HDF5 file; read it with pandas and pass the frame"),
    (b"%PDF-", "a PDF file; a table in it must be saved as CSV"),
    (b"SQLite format 3\0", "an SQLite database; read it with pandas.read_sql and pass the frame"),
    (b"<!DOCTYPE", "a web page; was it saved instead of the file?"),
    (b"<html", "a web page; was it saved instead of the file?"),
)
_JSON = re.compile(rb'\s*(\[\s*[\[{"\d\-\]]|\{\s*["}])')


def foreign(start: bytes, path: str) -> str | None:
    """The end of "'x.csv' is no CSV file but ..."; None for what may be one.

    Parameters
    ----------
    start : bytes
        The first `START` of them.
    path : str
        By which archives are told apart.
    """
    for magic, kind in _KINDS:
        if start.startswith(magic):
            return kind
    if start[:4] == b"PK\x03\x04":
        return _archive(start, os.path.basename(path).lower())
    if start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05" and len(start) > 2:
        return "a pickle, which may run any code; load it where you trust it, and pass the frame or the arrays"
    if start[8:9] == b"{" and start[4:8] == bytes(4):
        return "a model file (safetensors); cnn.load reads those that net.save has written"
    if start[257:262] == b"ustar":
        return "a TAR archive; unpack it first"
    if _JSON.match(start.removeprefix(b"\xef\xbb\xbf")):
        return "JSON; read it with json.load and pass the list of dicts, or with pandas.read_json and pass the frame"
    return None


def _archive(start: bytes, name: str) -> str:
    first = start[30 : 30 + int.from_bytes(start[26:28], "little")]
    if name.endswith((".xlsx", ".xlsm")) or first.startswith((b"[Content_Types]", b"xl/", b"_rels/")):
        return "an Excel file; save the sheet as CSV"
    if name.endswith(".ods") or start[30:].startswith(b"mimetypeapplication/vnd.oasis"):
        return "an OpenDocument file; save the sheet as CSV"
    if name.endswith(".npz") or first.endswith(b".npy"):
        return "an NPZ file of NumPy; use cnn.data.read_npz"
    return "a ZIP archive; unpack it first"
