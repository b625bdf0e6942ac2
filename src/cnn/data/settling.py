"""From what was seen of the columns to what is done with them; and the columns that arguments name."""

from collections.abc import Iterable
from typing import Any

from . import looks, values
from .columns import Column
from .survey import Survey
from .tables import Table, nearest

MOST_CLASSES = 10_000
_FEW = 20  # whole numbers with at most so many different values are taken for classes; so many texts are never too many
_COUNTED = 20  # rows from which on a column that counts them is told


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


def wanted_columns(
    table: Table, asked: list[str] | None, drop: list[str], goals: list[int], notes: list[str]
) -> list[int]:
    """The places of the columns to learn from; `notes` gets a sentence for each that has no name."""
    dropped = {place(table, name, "drop: column") for name in drop}
    if asked is None:
        added = len(table.names) - 1 if getattr(table, "trailing", False) else None  # no column of the file
        unnamed = [j for j, name in enumerate(table.names) if not name and j not in dropped and j != added]
        notes.extend(f"column {j + 1} is left out: it has no name" for j in unnamed)
        return [j for j, name in enumerate(table.names) if name and j not in goals and j not in dropped]
    places = [place(table, name, "columns: column") for name in asked]
    for name, j in zip(asked, places, strict=True):
        if j in goals:
            raise ValueError(f"columns has {name!r}, which is the target")
    return [j for j in places if j not in dropped]


def _check_numeric(table: Table, survey: Survey) -> None:
    """Of a target that must be numbers."""
    if survey.kind == "text":
        name = table.names[survey.column]
        dressed = looks.dressed_number(survey.sample, table.comma)
        if dressed is not None:
            raise ValueError(f"{table.label}: the target {name!r} is text such as {dressed!r}: write plain numbers")
        if survey.odd is None:
            raise ValueError(f"{table.label}: the target {name!r} holds text; regression needs numbers")
        text, place = survey.odd
        raise ValueError(f"{table.label}, {place}: the target {name!r} is {text!r}, which is no number")


def settled(table: Table, survey: Survey, notes: list[str], *, told: bool) -> Column | None:
    """The fitted column, or None for one that is left out.

    Parameters
    ----------
    table : Table
    survey : Survey
    notes : list of str
        Gets a sentence more.
    told : bool
        Whether a column of numbers that looks like an identifier is told: not where it was asked for by name.
    """
    name = table.names[survey.column]
    if survey.n == 0:
        notes.append(f"column {name!r} is left out: it is blank")
        return None
    if survey.kind == "number":
        if told:
            notes.extend(_identifier(name, survey))
        return Column(name, survey.mean, survey.std)
    reason = _reason_to_leave_out(survey, table.comma)
    if reason is not None:
        notes.append(f"column {name!r} is left out: {reason}")
        return None
    dressed = looks.dressed_number(survey.sample, table.comma)
    if dressed is not None:
        notes.append(f"column {name!r} is text such as {dressed!r}, taken as categories: write plain numbers")
    elif survey.odd is not None:
        text, where = survey.odd
        notes.append(f"column {name!r} holds numbers and text ({text!r} in {where}): taken as text")
    return Column(name, categories=sorted(survey.distinct or ()))


def _identifier(name: str, survey: Survey) -> list[str]:
    if survey.counts and survey.n >= _COUNTED:
        what = "counts the rows"
    elif survey.whole and looks.identifier(name):
        what = "looks like an identifier"
    else:
        return []
    return [f"column {name!r} {what}, and is learnt from as a number; to leave it out say drop={name!r}"]


def _reason_to_leave_out(survey: Survey, comma: bool) -> str | None:
    """Of a column of text; None for one that is categories."""
    date = looks.date(survey.sample)
    if date is not None:
        return f"it holds dates such as {date!r}; make columns of numbers of them (month, weekday, hour)"
    if survey.distinct is None:
        reason = f"it has more than {survey.limit} different texts"
    elif len(survey.distinct) > max(_FEW, survey.n / 2):
        reason = f"it has {len(survey.distinct)} different texts in {survey.n} rows"
    else:
        return None
    dressed = looks.dressed_number(survey.sample, comma)
    if dressed is not None:
        return f"it is text such as {dressed!r}; write plain numbers"
    if survey.odd is not None:
        reason += f", and with {survey.odd[0]!r} in {survey.odd[1]} it is no column of numbers"
    return reason


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
    dressed = looks.dressed_number(survey.sample, table.comma) if survey.kind == "text" and task is None else None
    if dressed is not None:
        if survey.distinct is None or len(survey.distinct) > _FEW:
            raise ValueError(
                f"{table.label}: the target {name!r} is text such as {dressed!r}: write plain numbers, or say"
                " task='classification'"
            )
        notes.append(f"the target {name!r} is text such as {dressed!r}: taken as classes; for numbers write plain ones")
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
