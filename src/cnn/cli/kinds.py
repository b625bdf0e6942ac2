"""What a file of data is, by its first bytes; what it should be, where it is something else."""

import gzip
import os
import re
import zipfile
import zlib

from .console import Failed

__all__ = ["check_kind", "kind_of"]

_SAVE = 'np.savez("data.npz", X=X, y=y)'
_PICTURE = (
    "put pictures into a folder for each class, as in root/cat/1.png, and give root; or make one NPZ of all, of the arrays"
    f" X (n, height, width) and y, with {_SAVE}, or give an IDX file"
)
_NAMES = {
    "csv": "a CSV file",
    "npz": "an NPZ file",
    "idx": "an IDX file",
    "folder": "a folder of pictures",
    "picture": "a picture",
}
_TABLE = 'save the table as CSV, as in frame.to_csv("data.csv", index=False)'
_UNPACK = "unpack it first, or use gzip, which is read as it is"
_OTHERS = (
    (rb"\x89PNG\r\n", "a PNG picture", _PICTURE),
    (rb"\xff\xd8\xff", "a JPEG picture", _PICTURE),
    (rb"GIF8[79]a", "a GIF picture", _PICTURE),
    (rb"BM....\0\0\0\0", "a BMP picture", _PICTURE),
    (rb"RIFF....WEBP", "a WebP picture", _PICTURE),
    (rb"II\*\0|MM\0\*", "a TIFF picture", _PICTURE),
    (rb"\x93NUMPY", "a single array (.npy)", f"put X and y into an NPZ file: {_SAVE}"),
    (rb"\x80[\x02-\x05]", "a pickle, which is not read", f"save its arrays with {_SAVE}, or its table as CSV"),
    (rb"BZh[1-9]1AY&SY", "compressed with bzip2", _UNPACK),
    (rb"\xfd7zXZ\0", "compressed with xz", _UNPACK),
    (rb"\x28\xb5\x2f\xfd", "compressed with zstd", _UNPACK),
    (rb"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"),
    (rb"PAR1", "a Parquet file", _TABLE),
    (rb"\x89HDF", "an HDF5 file", _TABLE),
    (rb"(\xef\xbb\xbf)?\s*(\{\s*[\"}]|\[\s*[\[{\"\d-])", "a JSON file", _TABLE),
)


def kind_of(path: str, *, pictures: bool = False) -> str:
    """ "csv", "npz" or "idx"; with `pictures` "folder" and "picture", too.

    Raises
    ------
    Failed
        For an archive, and without `pictures` for a folder and a picture: with what to do.
    """
    label = repr(os.path.basename(path) or path)
    if os.path.isdir(path):
        if pictures:
            return "folder"
        raise Failed(
            f"{path!r} is a folder, and the network takes no pictures; of arrays make an NPZ of X (n, height, width) and y, with"
            f" {_SAVE}, or give the IDX file"
        )
    with open(path, "rb") as file:
        start = file.read(64)
        if start[8:9] == b"{" and start[4:8] == bytes(4):
            raise Failed(f"{label} is a model file; DATA is a CSV, NPZ or IDX file")
        if start[:2] == b"\x1f\x8b":
            file.seek(0)
            try:
                start = gzip.GzipFile(fileobj=file).read(64)
            except (EOFError, OSError, zlib.error):
                raise Failed(f"{label} is a damaged gzip file") from None
    for magic, what, advice in _OTHERS:
        if re.match(magic, start, re.DOTALL):
            if pictures and advice is _PICTURE:
                return "picture"
            raise Failed(f"{label} is {what}; {advice}")
    if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _archive(path, label)
    if len(start) >= 4 and start[:2] == b"\0\0" and start[2] in (8, 9, 11, 12, 13, 14):
        return "idx"
    return "csv"


def _archive(path: str, label: str) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):
        names = []  # its reader says what is wrong with it
    if path.lower().endswith((".xlsx", ".ods")) or any(name in ("[Content_Types].xml", "mimetype") for name in names):
        raise Failed(f"{label} is a spreadsheet (Excel, OpenDocument); save the sheet as CSV")
    if names and not all(name.endswith(".npy") for name in names):
        raise Failed(f"{label} is a ZIP archive; unpack it, and give the file in it ({names[0]!r})")
    return "npz"


def check_kind(path: str, kind: str) -> None:
    """That a file is what the network was trained on."""
    found = kind_of(path, pictures=kind == "folder")
    if found != kind:
        raise Failed(f"{os.path.basename(path)!r} is {_NAMES[found]}, and the network was trained on {_NAMES[kind]}")
