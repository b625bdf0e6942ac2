"""From what was seen of the columns to what is done with them; and the columns that arguments name."""

from collections.abc import Iterable
from typing import Any

from . import values
from .columns import Column
from .survey import Survey
from .tables import Table, nearest

MOST_CLASSES = 10_000
_FEW = 20  # whole numbers with at most so many different values are taken for classes


def checked_names(argument: str, given: Any) -> list[str]:
    if isinstance(given, str) or not hasattr(given, "__iter__"):
        wanted = "the name of a column, or a list of names" if argument == "target" else "a list of column names"
        raise TypeError(f"{argument} is {given!r}; expected {wanted}")
    names = [str(name) for name in given]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise ValueError(f"{argument} has {name!r} twice")
    return names


def place(table: Table, name: str, what: str) -> int:
    if name.strip() in table.names:
        return table.names.index(name.strip())
    hint = getattr(table, "hint", str)()
    raise ValueError(f"{table.label}: {what} {name!r} is not there; {nearest(name, table.names)}{hint}")


def _check_numeric(table: Table, survey: Survey) -> None:
    """Of a target that must be numbers."""
    if survey.kind == "text":
        name = table.names[survey.column]
        if survey.odd is None:
            raise ValueError(f"{table.label}: the target {name!r} holds text; regression needs numbers")
        text, place = survey.odd
        raise ValueError(f"{table.label}, {place}: the target {name!r} is {text!r}, which is no number")


def settled(name: str, survey: Survey, notes: list[str]) -> Column | None:
    """The fitted column, or None for one that is left out."""
    if survey.n == 0:
        notes.append(f"column {name!r} is left out: it is blank")
        return None
    if survey.kind == "number":
        return Column(name, survey.mean, survey.std)
    odd = survey.odd
    if survey.distinct is None:
        reason = f"it has more than {survey.limit} different texts"
        if odd is not None:
            reason += f", and with {odd[0]!r} in {odd[1]} it is no column of numbers"
        notes.append(f"column {name!r} is left out: {reason}")
        return None
    if odd is not None:
        notes.append(f"column {name!r} holds numbers and text ({odd[0]!r} in {odd[1]}): taken as text")
    return Column(name, categories=sorted(survey.distinct))


def settled_target(
    table: Table, surveys: list[Survey], task: str | None, notes: list[str]
) -> tuple[str, list[Any] | None]:
    """(task, classes) of the target; `task` is what was asked for.

    Raises
    ------
    ValueError
        For text where numbers are needed, for one value in all rows, for too many classes.
    """
    if len(surveys) > 1 or task == "regression":
        for survey in surveys:
            _check_numeric(table, survey)
        return "regression", None
    survey, name = surveys[0], table.names[surveys[0].column]
    if survey.odd is not None and (
        survey.distinct is None or sum(values.number(t, table.comma) is not None for t in survey.distinct) > _FEW
    ):
        _check_numeric(table, survey)  # numbers with a slip among them, no classes
    few = survey.whole and survey.levels is not None and len(survey.levels) <= _FEW
    if task is None:
        task = "classification" if survey.kind == "text" or few else "regression"
        if survey.kind == "number":
            count = f"{len(survey.levels)} different" if survey.levels is not None else "many"
            values_text = f"{count} whole numbers" if few else "numbers"
            other = "regression" if task == "classification" else "classification"
            notes.append(f"the target {name!r} holds {values_text}: taken as {task}; for {other} say task={other!r}")
    if task != "classification":
        return "regression", None
    found: Iterable[Any] | None = survey.levels if survey.kind == "number" else survey.distinct
    if found is None:
        raise ValueError(
            f"{table.label}: the target {name!r} has more than {MOST_CLASSES} different values; for numbers say"
            " task='regression'"
        )
    ordered = sorted(found)
    if len(ordered) < 2:
        raise ValueError(
            f"{table.label}: the target {name!r} has the same value in all rows, {ordered[0]!r}; there is nothing to learn"
        )
    if survey.kind == "number":
        return task, [int(v) for v in ordered] if survey.whole else ordered
    return task, [table.original(survey.column, text) for text in ordered]
