"""What a file is, by its first bytes. What to do about it depends on who was given it: the command line, `cnn.data` or `cnn.load`."""

import re

START = 512  # bytes that `recognised` wants to see
GZIP = b"\x1f\x8b"
ZIP = (b"PK\x03\x04", b"PK\x05\x06")  # of an empty one, too

# So strict that a CSV file whose first name begins alike is none of them.
_SIGNATURES = (
    (rb".{4}\0{4}\{", "model", "a model file (safetensors)"),
    (rb"\0\0[\x08\x09\x0b-\x0e]", "idx", "an IDX file"),
    (rb"\x89PNG\r\n", "picture", "a PNG picture"),
    (rb"\xff\xd8\xff", "picture", "a JPEG picture"),
    (rb"GIF8[79]a", "picture", "a GIF picture"),
    (rb"BM.{4}\0{4}", "picture", "a BMP picture"),
    (rb"RIFF.{4}WEBP", "picture", "a WebP picture"),
    (rb"II\*\0|MM\0\*", "picture", "a TIFF picture"),
    (rb"P[1-6]\n(#[^\n]*\n)*\d+ \d+\n", "picture", "a PNM picture"),
    (GZIP, "gzip", "compressed by gzip"),
    (rb"BZh[1-9](1AY&SY|\x17rE8P\x90)", "packed", "compressed by bzip2"),
    (rb"\xfd7zXZ\0", "packed", "compressed by xz"),
    (rb"\x28\xb5\x2f\xfd", "packed", "compressed by zstd"),
    (rb"7z\xbc\xaf\x27\x1c", "archive", "a 7z archive"),
    (rb".{257}ustar", "archive", "a TAR archive"),
    (rb"\xd0\xcf\x11\xe0", "sheet", "an Excel file"),
    (rb"PAR1[\0-\x08\x0e-\x1f]", "frame", "a Parquet file"),
    (rb"\x89HDF\r\n", "hdf5", "an HDF5 file"),
    (rb"SQLite format 3\0", "database", "an SQLite database"),
    (rb"\x93NUMPY", "array", "a NumPy array"),
    (rb"\x80[\x02-\x05].", "pickle", "a pickle, which may run any code"),
    (rb"(\xef\xbb\xbf)?\s*(\[\s*[\[{\"\d\]-]|\{\s*[\"}])", "json", "JSON"),
    (rb"%PDF-", "pdf", "a PDF file"),
    (rb"(?i:\s*<(!doctype|html))", "page", "a web page"),
)


def recognised(start: bytes, path: str) -> tuple[str, str] | None:
    """The family of a file and its name, as in ("picture", "a PNG picture"); None for one that may be a CSV file.

    Parameters
    ----------
    start : bytes
        The first `START` of them.
    path : str
        By which archives are told apart.
    """
    if start.startswith(ZIP):
        return _archive(first_in_archive(start), path.lower().removesuffix(".gz"))
    return next(((family, name) for pattern, family, name in _SIGNATURES if re.match(pattern, start, re.DOTALL)), None)


def first_in_archive(start: bytes) -> str:
    """The name of the first file in a ZIP archive; empty where there is none."""
    return start[30 : 30 + int.from_bytes(start[26:28], "little")].decode(errors="replace")


def _archive(first: str, path: str) -> tuple[str, str]:
    if path.endswith((".xlsx", ".xlsm")) or first.startswith(("[Content_Types]", "xl/", "_rels/", "docProps/")):
        return "sheet", "an Excel file"
    if path.endswith(".ods") or first == "mimetype":
        return "sheet", "an OpenDocument file"
    if path.endswith(".npz") or first.endswith(".npy"):
        return "npz", "an NPZ file of NumPy"
    return "zip", "a ZIP archive"
