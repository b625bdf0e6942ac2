"""`Preprocessing`: from a table with text and blanks to the numbers that a network takes, and back to names."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import read_json, whole
from ..names import Spelled
from . import goal_rows, values
from .columns import Codes, Column, finite_numbers
from .decoding import decoded
from .recording import Record
from .rows import Rows
from .settling import MOST_CLASSES, checked_names, place, settled, settled_target, wanted_columns
from .survey import Survey
from .tables import Chunk, Table, open_table
from .values import Fault

if TYPE_CHECKING:
    from ..layers import Layer

FORMAT = "cnn.data.Preprocessing"
_OTHER_NAMES = {
    "inverse_transform": "decode(net.predict(X)) gives the names of classes; numbers are in the target's own units anyway",
    "classes_": "write classes",
    "feature_names_in_": "write columns",
    "get_feature_names_out": "write columns",
}


class Preprocessing(Spelled):
    """How a table becomes X and y, learnt from a table by `fit`.

    Text becomes codes, blanks become NaN, numbers stay as they are: scaling, filling and one-hot are layers of the network
    (`layers`), so that a network means the same in Python, in C and in every export.

    Parameters
    ----------
    target : str or list of str, optional
        The column to predict; a list of them for several numbers at once; None: inputs only.
    task : {"classification", "regression"}, optional
        By default from the target: text, true and false, and whole numbers with at most 20 different values are classes.
    columns : sequence of str, optional
        The columns to learn from; by default all but the target.
    drop : str or sequence of str, default ()
        Columns to leave out.
    max_categories : int, default 100
        Columns of text with more different texts (names, numbers of orders) are left out, and so are those with different texts in
        most of their rows, and dates.
    skip_blank_targets : bool, default False
        Leave rows out where the target is blank, in `fit` and wherever targets are asked for; else a blank target is an error.

    Attributes
    ----------
    columns : list of str
        The columns used, in the order of X.
    kinds : list of {"number", "text"}
        Of these columns.
    categories : dict of str to list of str
        Of the columns of text, sorted.
    classes : list or None
        Of the target, sorted: str, int, float or bool.
    task : {"classification", "regression"} or None
    notes : list of str
        What `fit` has decided by itself, in sentences.

    Examples
    --------
    >>> import cnn
    >>> table = {"width": [1.0, 2.5, None], "colour": ["red", "blue", "red"], "kind": ["a", "b", "a"]}
    >>> prep = cnn.data.Preprocessing("kind")
    >>> X, y = prep.fit_transform(table)
    >>> X.tolist(), y.tolist(), prep.classes
    ([[1.0, 1.0], [2.5, 0.0], [nan, 1.0]], [0, 1, 0], ['a', 'b'])
    >>> prep.decode([[0.2, 0.8]]).tolist()
    ['b']
    """

    def __init__(
        self,
        target: str | Sequence[str] | None = None,
        *,
        task: str | None = None,
        columns: Sequence[str] | None = None,
        drop: str | Sequence[str] = (),
        max_categories: int = 100,
        skip_blank_targets: bool = False,
    ) -> None:
        if task not in (None, "classification", "regression"):
            raise ValueError(f"task is {task!r}; expected 'classification', 'regression' or None")
        self.target = target if target is None or isinstance(target, str) else checked_names("target", target)
        if task == "classification" and isinstance(self.target, list) and len(self.target) != 1:
            raise ValueError(f"target has {len(self.target)} columns; classification takes one")
        self.max_categories = whole("max_categories", max_categories)
        self.skip_blank_targets = bool(skip_blank_targets)
        self._asked: dict[str, Any] = {
            "task": task,
            "columns": None if columns is None else checked_names("columns", columns),
            "drop": checked_names("drop", [drop] if isinstance(drop, str) else drop),
        }
        self._columns: list[Column] | None = None
        self.task: str | None = None
        self.classes: list[Any] | None = None
        self.notes: list[str] = []
        self._class_codes: Codes | None = None
        self._scales: list[tuple[float, float]] | None = None  # mean and spread of each target that is a number

    def __getattr__(self, name: str) -> Any:
        hint = _OTHER_NAMES.get(name)
        said = f": {hint}" if hint else ""
        raise AttributeError(f"'Preprocessing' has no attribute {name!r}{said}", name=name, obj=self)

    # ---- What is known

    def _fitted(self) -> list[Column]:
        if self._columns is None:
            raise ValueError("this Preprocessing has not seen a table yet; call fit(table) first")
        return self._columns

    @property
    def columns(self) -> list[str]:
        return [column.name for column in self._fitted()]

    @property
    def kinds(self) -> list[str]:
        return [column.kind for column in self._fitted()]

    @property
    def categories(self) -> dict[str, list[str]]:
        return {c.name: list(c.codes.texts) for c in self._fitted() if c.codes is not None}

    @property
    def mean(self) -> np.ndarray:
        """Of each column, 0 for text."""
        return np.array([column.mean for column in self._fitted()])

    @property
    def std(self) -> np.ndarray:
        """Of each column over the population, 1 for text and for a constant."""
        return np.array([column.std for column in self._fitted()])

    @property
    def fill(self) -> np.ndarray:
        """What stands for a blank: the mean; NaN for text, which OneHot makes all zeros."""
        return np.array([column.mean if column.codes is None else np.nan for column in self._fitted()])

    @property
    def _targets(self) -> list[str]:
        return [] if self.target is None else [self.target] if isinstance(self.target, str) else self.target

    @property
    def _single(self) -> bool:
        """Whether y is a vector."""
        return isinstance(self.target, str) or self.task == "classification"

    def __repr__(self) -> str:
        goal = f"{self.target!r}" if self.target is not None else ""
        if self._columns is None:
            return f"<cnn.data.Preprocessing({goal}), not fitted>"
        text = sum(column.codes is not None for column in self._columns)
        numbers = len(self._columns) - text
        parts = [f"{numbers} column{'s' * (numbers != 1)} of numbers, {text} of text"]
        if self.classes is not None:
            parts.append(f"{len(self.classes)} classes")
        elif self.task:
            parts.append(self.task)
        return f"<cnn.data.Preprocessing({goal}), {', '.join(parts)}>"

    def __eq__(self, other: object) -> bool:
        return self.to_json() == other.to_json() if isinstance(other, Preprocessing) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    # ---- Learning

    def fit(self, table: Any) -> "Preprocessing":
        """Learn kinds, means, spreads and categories of the columns, and the classes of the target.

        Parameters
        ----------
        table : path, frame, dict of columns, or list of dicts

        Returns
        -------
        Preprocessing
            Itself.

        Raises
        ------
        ValueError
            With line and column: for a table without rows, a column that is not there, a blank target, an infinity.
        OSError
            When a file cannot be read.
        """
        self._fit(open_table(table))
        return self

    def fit_transform(self, table: Any) -> tuple[np.ndarray, np.ndarray | None]:
        """`fit`, and X and y of the same table (None without a target)."""
        opened = open_table(table)
        found = self._fit(opened, record=True)
        return found or self._read(opened, inputs=True, target=bool(self._targets))

    def _fit(self, table: Table, record: bool = False) -> tuple[np.ndarray, np.ndarray | None] | None:
        """With `record`, X and y where they could be kept."""
        goals = [place(table, name, "target") for name in self._targets]
        notes: list[str] = getattr(table, "header_notes", list)()
        asked = self._asked["columns"]
        wanted = wanted_columns(table, asked, self._asked["drop"], goals, notes)
        surveys = {j: Survey(j, self.max_categories) for j in wanted}
        surveys.update({j: Survey(j, MOST_CLASSES) for j in goals})
        rows, kept = 0, Record(goals)
        for chunk in goal_rows.chunks(table, goals, self.skip_blank_targets):
            rows += chunk.rows
            found = {}
            for j, survey in surveys.items():
                try:
                    found[j] = survey.take(table, chunk)
                except Fault as fault:
                    raise table.error(chunk, fault, j) from None
            if record:
                kept.add(surveys, found, chunk.rows)
        if not rows:
            without = " with a target" if goals and self.skip_blank_targets else ""
            raise ValueError(
                f"{table.label} has no rows{without}" + (", only a header" * bool(table.names and not without))
            )
        columns = [c for j in wanted if (c := settled(table, surveys[j], notes, told=asked is None)) is not None]
        if not columns:
            left = f": {'; '.join(notes)}" if notes else "" if wanted else ": it has no other than the target"
            raise ValueError(f"{table.label} has no column to learn from{left}")
        task, classes = None, None
        if goals:
            task, classes = settled_target(table, [surveys[j] for j in goals], self._asked["task"], notes)
        self._columns, self.notes, self.task = columns, notes, task
        self._set_classes(classes)
        self._scales = [(surveys[j].mean, surveys[j].std) for j in goals] if task == "regression" else None
        if not record:
            return None
        used = {place(table, column.name, "column"): column for column in columns}
        return kept.arrays(surveys, used, task == "classification", self._single)

    def _set_classes(self, classes: list[Any] | None) -> None:
        self.classes = classes
        self._class_codes = None if classes is None else Codes([values.text_of(c) for c in classes], "class")

    # ---- Use

    def transform(self, table: Any) -> np.ndarray:
        """X of a table: its columns in the order of `columns`, found by name; others do not matter.

        Returns
        -------
        ndarray of shape (n, len(columns)), float32
            Numbers as they are, text as codes from 0, NaN for blanks. More than 256 MB are a memory map of a temporary file.

        Raises
        ------
        ValueError
            With line and column: for a category that `fit` has not seen, text among numbers, a missing column.
        """
        return self._read(open_table(table), inputs=True, target=False)[0]

    def targets(self, table: Any) -> np.ndarray:
        """y of a table.

        Returns
        -------
        ndarray
            Classification: codes (n,), int64, places in `classes`. Regression: the numbers, float64, (n,) or (n, k).

        Raises
        ------
        ValueError
            With line and column: for a blank (rows with one are left out with `skip_blank_targets`), a class that `fit` has not
            seen, text among numbers.
        """
        y = self._read(open_table(table), inputs=False, target=True)[1]
        assert y is not None
        return y

    def _both(self, table: Any) -> tuple[np.ndarray, np.ndarray | None]:
        """X and y in one pass."""
        return self._read(open_table(table), inputs=True, target=True)

    def _read(self, table: Table, *, inputs: bool, target: bool) -> tuple[np.ndarray, np.ndarray | None]:
        """(X, y) in one pass; what is not asked for is empty, or None."""
        columns = self._fitted() if inputs else []
        self._fitted()
        places = [place(table, column.name, "column") for column in columns]
        goals: list[int] = []
        if target:
            if not self._targets:
                raise ValueError(
                    "this Preprocessing has no target: say which column it is, as in Preprocessing('price')"
                )
            goals = [place(table, name, "target") for name in self._targets]
        X = Rows((len(columns),), np.float32)
        y = Rows(() if self._single else (len(goals),), np.int64 if self.task == "classification" else np.float64)
        for chunk in goal_rows.chunks(table, goals, self.skip_blank_targets):
            block = np.empty((chunk.rows, len(columns)), np.float32)
            for k, (column, j) in enumerate(zip(columns, places, strict=True)):
                try:
                    block[:, k] = column.of(chunk, j, table.comma)
                except Fault as fault:
                    raise table.error(chunk, fault, j) from None
            X.add(block)
            if goals:
                found = [self._goal(table, chunk, j) for j in goals]
                y.add(found[0] if self._single else np.column_stack(found))
        return X.array(), y.array() if goals else None

    def _goal(self, table: Table, chunk: Chunk, column: int) -> np.ndarray:
        """One target column."""
        try:
            if self._class_codes is not None:
                return self._class_codes.of(chunk, column).astype(np.int64)
            return finite_numbers(chunk, column, table.comma)
        except Fault as fault:
            raise table.error(chunk, fault, column) from None

    def decode(self, prediction: Any) -> np.ndarray:
        """What a prediction says.

        Parameters
        ----------
        prediction : array-like
            As `Network.predict` gives it; names, as `Network.classify` gives them, stay as they are.

        Returns
        -------
        ndarray
            Classification: the name of each row's class, the largest of (n, k), or by one probability of the second class,
            (n, 1) or (n,). Regression: the numbers as they are.

        Raises
        ------
        ValueError
            For another shape, a name that is no class, and whole numbers that may be names or places of classes.
        """
        self._fitted()
        return np.asarray(prediction) if self.classes is None else decoded(prediction, self.classes)

    def layers(self) -> "list[Layer]":
        """The first layers of a network that takes `transform`'s X: `Input`, `Normalize`, and `OneHot` where there is text.

        Put them before your own: ``cnn.Network([*prep.layers(), cnn.Dense(16, activation="relu"), *prep.head()])``.
        """
        from ..layers import Input, Normalize, OneHot

        columns = self._fitted()
        found: list[Any] = [Input(len(columns)), Normalize(self.mean, self.std, self.fill)]
        if any(column.codes is not None for column in columns):
            found.append(OneHot([0 if column.codes is None else len(column.codes.texts) for column in columns]))
        return found

    def head(self) -> "list[Layer]":
        """The last layers of a network for this target.

        Returns
        -------
        list of layers
            Classification: a softmax with an output a class. Regression: a `Dense` and a `Normalize`, which brings its outputs, of
            mean 0 and spread 1, to the targets' mean and spread: so the network speaks in the target's own units.

        Raises
        ------
        ValueError
            Without a target.

        Notes
        -----
        The loss is in the target's own units, too: for a target with the spread s, that of mse and its gradients are s * s times
        those of a scaled target. Adam, AdamW, RMSprop, Adagrad and Rprop divide by the size of the gradients, so they do not mind; for a
        spread below about 1e-3 write the target in smaller units (mm for m), as Adam's `eps` (1e-8) is then no longer small beside the
        gradients. SGD needs a rate that is s * s times smaller.
        """
        from ..layers import Dense, Normalize

        self._fitted()
        if self.classes is not None:
            return [Dense(len(self.classes), activation="softmax")]
        if self._scales is None:
            raise ValueError("this Preprocessing has no target: say which column it is, as in Preprocessing('price')")
        mean, std = np.array(self._scales).T
        return [Dense(len(mean)), Normalize(-mean / std, 1 / std)]

    # ---- Files

    def to_json(self) -> dict[str, Any]:
        """All of it, as values that JSON has."""
        return {
            "format": FORMAT,
            "version": 1,
            "target": self.target,
            "task": self.task,
            "classes": self.classes,
            "columns": None if self._columns is None else [column.to_json() for column in self._columns],
            "scales": None if self._scales is None else [{"mean": mean, "std": std} for mean, std in self._scales],
            "skip_blank_targets": self.skip_blank_targets,
            "max_categories": self.max_categories,
            "asked": self._asked,
            "notes": self.notes,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Preprocessing":
        """From what `to_json` has given.

        Raises
        ------
        ValueError
            For anything else.
        """
        with read_json(data, FORMAT):
            asked = data["asked"]
            made = cls(
                data["target"],
                task=asked["task"],
                columns=asked["columns"],
                drop=asked["drop"],
                max_categories=data["max_categories"],
                skip_blank_targets=data["skip_blank_targets"],
            )
            if data["columns"] is not None:
                made._columns = [Column.from_json(one) for one in data["columns"]]
                made.task, made.notes = data["task"], [str(note) for note in data["notes"]]
                made._set_classes(None if data["classes"] is None else list(data["classes"]))
                if data["scales"] is not None:
                    made._scales = [(float(one["mean"]), float(one["std"])) for one in data["scales"]]
        return made
