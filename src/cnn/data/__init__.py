"""Data of one's own: tables with text and blanks (`Preprocessing`), pictures (`read_images`, `ImagePreprocessing`), images changed in
training (`Augment`), and readers for CSV, IDX and NPZ files.

>>> import cnn
>>> table = {"size": [1.0, 2.0, None, 4.0], "colour": ["red", "blue", "red", ""], "good": ["no", "yes", "yes", "no"]}
>>> prep = cnn.data.Preprocessing("good").fit(table)
>>> prep.transform(table).tolist()
[[1.0, 1.0], [2.0, 0.0], [nan, 1.0], [4.0, nan]]
>>> net = cnn.Network([*prep.layers(), cnn.Dense(8, activation="relu"), *prep.head()], seed=0)
>>> net.preprocessing = prep
>>> history = net.fit(table, epochs=2, verbose=0)
>>> net.predict([{"size": 3, "colour": "blue"}]).shape
(1, 2)

A *table* is a path to a CSV file (``.csv``, ``.tsv``, gzipped or not), a pandas or polars frame, a dict of columns, or a list of dicts
with a row each. The first line of a file names the columns. The separator (comma, semicolon, tab or ``|``) is found from it; with
semicolons a decimal comma is read, too; a line ``sep=;`` before the names says the separator. A value is blank when it is empty,
``NA``, ``N/A``, ``NaN``, ``nan``, ``null``, ``NULL``, ``None`` or ``?``, or None, NaN or NaT in a frame; spaces around it do not
count. A blank line is no row, but in a file with one column, where it is a blank value.

Images are ``(n, channels, height, width)``, and bytes may stay bytes: a batch at a time becomes floats, and ``Rescale(1 / 255)`` or
`Normalize` as the network's first layer scales it::

    X, y, classes = cnn.data.read_images("pictures", size=32)
    net = cnn.Network([cnn.Input(X.shape[1:]), cnn.Rescale(1 / 255), ...], seed=0)
    net.preprocessing = cnn.data.ImagePreprocessing(X.shape[2:], "RGB", classes)
    net.fit(X, y, augment=cnn.data.Augment(flip="horizontal", crop=4))
    net.classify("picture.png")
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .augment import Augment
    from .csv_columns import read_csv
    from .idx import read_idx
    from .image_preprocessing import ImagePreprocessing
    from .images import read_images
    from .npz import read_npz
    from .preprocessing import Preprocessing

__all__ = ["Augment", "ImagePreprocessing", "Preprocessing", "read_csv", "read_idx", "read_images", "read_npz"]

_PLACES = {
    "Augment": "augment",
    "ImagePreprocessing": "image_preprocessing",
    "Preprocessing": "preprocessing",
    "read_csv": "csv_columns",
    "read_idx": "idx",
    "read_images": "images",
    "read_npz": "npz",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        from ..names import unknown

        raise AttributeError(
            f"module 'cnn.data' has no attribute {name!r}: {unknown('name', name, __all__)}", name=name
        )
    from importlib import import_module

    value = getattr(import_module(f".{_PLACES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
