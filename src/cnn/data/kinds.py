"""What to do with a file that is no CSV file."""

from ..signatures import recognised

ADVICE = {
    "model": "cnn.load reads those that net.save has written",
    "idx": "use cnn.data.read_idx",
    "npz": "use cnn.data.read_npz",
    "picture": "read it with Pillow or imageio and pass the array",
    "gzip": "unpack it first: it is packed twice",
    "packed": "unpack it first (of packed files only gzip's are read)",
    "archive": "unpack it first",
    "zip": "unpack it first",
    "sheet": "save the sheet as CSV",
    "frame": "read it with pandas or polars and pass the frame",
    "hdf5": "read it with pandas and pass the frame",
    "database": "read it with pandas.read_sql and pass the frame",
    "array": "read it with np.load and pass the array",
    "pickle": "load it where you trust it, and pass the frame or the arrays",
    "json": "read it with json.load and pass the list of dicts, or with pandas.read_json and pass the frame",
    "pdf": "a table in it must be saved as CSV",
    "page": "was it saved instead of the file?",
}


def foreign(start: bytes, path: str) -> str | None:
    """The end of "'x.csv' is no CSV file but ...", of its first bytes; None for what may be one."""
    kind = recognised(start, path)
    return kind and f"{kind[1]}; {ADVICE[kind[0]]}"
