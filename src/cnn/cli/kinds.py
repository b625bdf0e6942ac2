"""What a file of data is, by its first bytes; what it should be, where it is something else."""

import os

from ..data.kinds import ADVICE
from ..data.opening import first_bytes
from ..signatures import first_in_archive, recognised
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
_ADVICE = ADVICE | {
    "model": "DATA is a CSV, NPZ or IDX file",
    "picture": _PICTURE,
    "packed": "unpack it first, or use gzip, which is read as it is",
    "array": f"put X and y into an NPZ file: {_SAVE}",
    "pickle": f"save its arrays with {_SAVE}, or its table as CSV",
    **dict.fromkeys(("frame", "hdf5", "database", "json"), _TABLE),
}


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
        start, _ = first_bytes(file)
    family, name = recognised(start, path) or ("csv", "")
    if family in ("csv", "npz", "idx") or (pictures and family == "picture"):
        return family
    first = first_in_archive(start) if family == "zip" else ""
    inside = f", and give the file in it ({first!r})" if first else ""
    raise Failed(f"{label} is {name}; {_ADVICE[family]}{inside}")


def check_kind(path: str, kind: str) -> None:
    """That a file is what the network was trained on."""
    found = kind_of(path, pictures=kind == "folder")
    if found != kind:
        raise Failed(f"{os.path.basename(path)!r} is {_NAMES[found]}, and the network was trained on {_NAMES[kind]}")
