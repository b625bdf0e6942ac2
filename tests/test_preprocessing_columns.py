"""Columns that `Preprocessing` leaves out, blanks and numbers in disguise, and what is said about them."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_preprocessing import FORMS, TABLE, as_csv

from cnn.data import Preprocessing


def test_columns_that_are_left_out():
    n = 120
    table = {
        "name": [f"person {i}" for i in range(n)],
        "empty": [None] * n,
        "": list(range(n)),
        "x": np.arange(n) / 7,
        "slip": [*map(str, range(n - 1)), "12o"],
        "few": ["a", "b"] * (n // 2),
        "mixed": ["1", "2", "x"] * (n // 3),
    }
    prep = Preprocessing().fit(table)
    assert prep.columns == ["x", "few", "mixed"]
    assert prep.notes == [
        "column 3 is left out: it has no name",
        "column 'name' is left out: it has more than 100 different texts",
        "column 'empty' is left out: it is blank",
        "column 'slip' is left out: it has more than 100 different texts, and with '12o' in row 119 it is no column of numbers",
        "column 'mixed' holds numbers and text ('x' in row 2): taken as text",
    ]
    assert Preprocessing(max_categories=120).fit(table).columns == ["x", "few", "mixed"]
    doubled = {name: [*column, *column] for name, column in table.items()}
    assert Preprocessing(max_categories=120).fit(doubled).columns == ["name", "x", "slip", "few", "mixed"]
    assert Preprocessing(drop=[""]).fit(table).notes == prep.notes[1:]
    assert Preprocessing(drop="few").fit(table).columns == ["x", "mixed"]
    assert Preprocessing(columns=["few", "x"]).fit(table).columns == ["few", "x"]
    with pytest.raises(ValueError, match=r"no column to learn from: column 'name' is left out"):
        Preprocessing(columns=["name"]).fit(table)


def test_a_column_that_turns_to_text_late(tmp_path, monkeypatch):
    monkeypatch.setattr("cnn.data.csv_file._BLOCK", 64)
    cells = ["01", "2", "3"] * 40 + ["A"]
    path = as_csv({"code": cells, "x": range(len(cells))}, tmp_path / "t.csv")
    prep = Preprocessing().fit(path)
    assert prep.categories == {"code": ["01", "2", "3", "A"]}
    np.testing.assert_array_equal(Preprocessing().fit_transform(path)[0], prep.transform(path))
    np.testing.assert_array_equal(prep.transform(path)[:, 0], [{"01": 0, "2": 1, "3": 2, "A": 3}[c] for c in cells])
    # A frame of some of the rows holds numbers: they are the same categories.
    np.testing.assert_array_equal(prep.transform({"code": [3, 2, 1.0, None], "x": [0] * 4})[:, 0], [2, 1, 0, np.nan])


def test_true_and_false_in_other_spellings():
    prep = Preprocessing().fit({"a": ["True", "False", ""]})
    np.testing.assert_array_equal(prep.transform({"a": [True, False, None]})[:, 0], [1, 0, np.nan])
    np.testing.assert_array_equal(prep.transform({"a": ["TRUE", "false", " "]})[:, 0], [1, 0, np.nan])


@settings(max_examples=100, deadline=None)
@given(
    columns=st.lists(st.sampled_from(["number", "text", "either"]), min_size=1, max_size=4),
    goal=st.sampled_from(["number", "text", "few", None]),
    rows=st.integers(2, 60),
    seed=st.integers(0, 2**32 - 1),
    block=st.sampled_from([1 << 20, 64]),
)
def test_one_pass_and_two_give_the_same(columns, goal, rows, seed, block, tmp_path_factory):
    r = np.random.default_rng(seed)
    kinds = {
        "number": lambda: r.normal(0, 5, rows).round(2).astype(str),
        "text": lambda: r.choice([" b", "a", "", "long enough for three words", "é"], rows),
        "either": lambda: r.choice(["1", "2", "02", "", "x"], rows, p=[0.4, 0.4, 0.1, 0.09, 0.01]),
        "few": lambda: r.choice(["3", "7", "12"], rows),
    }
    table = {f"c{i}": kinds[kind]().tolist() for i, kind in enumerate(columns)}
    if goal is not None:
        table["y"] = [value if value.strip() else "a" for value in kinds[goal]().tolist()]
        if len(set(table["y"])) == 1:
            return
    path = as_csv(table, tmp_path_factory.getbasetemp() / "passes.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cnn.data.csv_file._BLOCK", block)
        once, twice = Preprocessing("y" if goal else None), Preprocessing("y" if goal else None)
        try:
            x, y = once.fit_transform(path)
        except ValueError as error:
            assert "no column to learn from" in str(error) or "no rows" in str(error)
            return
        assert twice.fit(path) == once
        np.testing.assert_array_equal(twice.transform(path), x)
        assert x.dtype == np.float32
        if goal is None:
            assert y is None
        else:
            targets = twice.targets(path)
            np.testing.assert_array_equal(targets, y)
            assert targets.dtype == y.dtype
            if once.classes is not None:
                expected = [float(v) if goal == "few" else v.strip() for v in table["y"]]
                assert [once.classes[code] for code in y] == expected
        frame = pd.DataFrame(table)
        np.testing.assert_array_equal(once.transform(frame), x)


@pytest.mark.parametrize("blank", ["", " ", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?", " NA "])
def test_blanks(blank, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(f"a,b\n1,x\n{blank},{blank}\n3,y\n")
    prep = Preprocessing().fit(path)
    assert prep.categories == {"b": ["x", "y"]}
    np.testing.assert_array_equal(prep.transform(path), [[1, 0], [np.nan, np.nan], [3, 1]])
    np.testing.assert_array_equal(prep.transform({"a": [blank, 1], "b": ["y", blank]}), [[np.nan, 1], [1, np.nan]])


@pytest.mark.parametrize("value", [None, math.nan, np.nan, pd.NA, pd.NaT, np.datetime64("NaT"), np.float32("nan")])
def test_blanks_of_frames(value):
    prep = Preprocessing().fit(TABLE)
    column = np.array([value, "red"], object)
    x = prep.transform(
        {"size": np.array([value, 1.5], object), "colour": column, "new": [None, True], "good": ["no", value]}
    )
    np.testing.assert_array_equal(x, [[np.nan, np.nan, np.nan, 0], [1.5, 1, 1, np.nan]])


def test_columns_of_dates_are_blank_or_left_out():
    days = pd.date_range("2024-01-01", periods=3).to_list()
    prep = Preprocessing().fit(pd.DataFrame({"day": [*days, pd.NaT], "x": [1, 2, 3, 4.5]}))
    assert prep.columns == ["x"]
    assert prep.notes == [
        "column 'day' is left out: it holds dates such as '2024-01-01'; make columns of numbers of them (month, weekday, hour)"
    ]
    blank = pd.DataFrame({"day": [pd.NaT] * 3, "kind": pd.Categorical([None] * 3, ["a"]), "x": [1, 2, 3.5]})
    prep = Preprocessing().fit(blank)
    assert prep.columns == ["x"]
    assert prep.notes == ["column 'day' is left out: it is blank", "column 'kind' is left out: it is blank"]


def left_out(table, target=None, **options):
    prep = Preprocessing(target, **options).fit(table)
    return prep.columns, prep.notes


def test_columns_that_tell_rows_apart(tmp_path, monkeypatch):
    """They are learnt from, and told: counters of rows, and whole numbers of such a name."""
    monkeypatch.setattr("cnn.data.csv_file._BLOCK", 40)
    n = 30
    table = {
        "n": list(range(7, 7 + n)),
        "customer_id": [3 * i % 11 for i in range(n)],
        "PassengerId": [i // 2 for i in range(n)],
        "id": [i / 7 for i in range(n)],
        "back": list(range(n, 0, -1)),
        "gap": [*range(n - 1), n],
        "late": [0, *range(n - 1)],
        "halves": [i + 0.5 for i in range(n)],
        "blanks": [*range(n - 1), None],
        "avoid": [i % 3 for i in range(n)],
    }
    expected = [
        "column 'n' counts the rows, and is learnt from as a number; to leave it out say drop='n'",
        *(
            f"column {name!r} looks like an identifier, and is learnt from as a number; to leave it out say drop={name!r}"
            for name in ("customer_id", "PassengerId")
        ),
    ]
    for form in ("dict", "pandas", "CSV"):
        columns, notes = left_out(FORMS[form](table, tmp_path))
        assert columns == list(table)
        assert notes == expected
    assert left_out(table, drop=["n", "customer_id", "PassengerId"])[1] == []
    assert left_out(table, columns=["n", "customer_id"])[1] == []
    assert left_out({name: column[:19] for name, column in table.items()})[1] == expected[1:]


DRESSED = ["$1,000.00", "1,000", "12%", "3.5 %", "€ 9", "-1'000'000", "7 EUR", "1.234,50", "0,5", "USD 7"]
PLAIN = ["12 cats", "1.2.3", "1,00,0", "12-14", "B12", "abcd 1", "$", "%"]


@pytest.mark.parametrize("text", DRESSED + PLAIN)
def test_numbers_with_other_signs_in_them(text):
    few = {"price": [text, "2", "3"] * 5, "x": list(np.arange(15) / 7)}
    columns, notes = left_out(few)
    assert columns == ["price", "x"]
    if text in PLAIN:
        assert notes == [f"column 'price' holds numbers and text ({text!r} in row 0): taken as text"]
        return
    assert notes == [f"column 'price' is text such as {text!r}, taken as categories: write plain numbers"]
    with pytest.raises(ValueError, match=r"the target 'price' is text such as .*: write plain numbers$"):
        Preprocessing("price", task="regression").fit(few)
    many = {"price": [text, *map(str, range(50, 74))], "x": list(np.arange(25) / 7)}
    columns, notes = left_out(many)
    assert columns == ["x"]
    assert notes == [f"column 'price' is left out: it is text such as {text!r}; write plain numbers"]
    with pytest.raises(ValueError, match=r"the target 'price' is text such as .*: write plain numbers$"):
        Preprocessing("price").fit(many)


def test_a_target_of_percents():
    many = {"price": [f"{i}%" for i in range(25)], "x": list(np.arange(25) / 7)}
    with pytest.raises(ValueError, match=r"the target 'price' is text such as '0%': .*, or say task='classification'$"):
        Preprocessing("price").fit(many)
    assert len(Preprocessing("price", task="classification").fit(many).classes) == 25
    prep = Preprocessing("y").fit({"x": [1.5, 2, 3], "y": ["1%", "2%", "1%"]})
    assert prep.classes == ["1%", "2%"]
    assert prep.notes == ["the target 'y' is text such as '1%': taken as classes; for numbers write plain ones"]


def test_thousands_with_decimal_commas_are_told(tmp_path):
    (tmp_path / "t.csv").write_text("a;b\n" + "".join(f"1.23{i % 3},5;{i},5\n" for i in range(12)))
    columns, notes = left_out(tmp_path / "t.csv")
    assert columns == ["a", "b"]
    assert notes == ["column 'a' is text such as '1.230,5', taken as categories: write plain numbers"]


@pytest.mark.parametrize(
    ("different", "rows", "kept"), [(20, 20, True), (21, 21, False), (21, 42, True), (30, 59, False)]
)
def test_texts_that_differ_in_most_rows(different, rows, kept, tmp_path):
    table = {"a": [f"w{i % different}" for i in range(rows)], "x": list(np.arange(rows) / 7)}
    for form in ("dict", "CSV"):
        columns, notes = left_out(FORMS[form](table, tmp_path))
        assert ("a" in columns) == kept
        said = f"column 'a' is left out: it has {different} different texts in {rows} rows"
        assert notes == ([] if kept else [said])


@pytest.mark.parametrize(
    "day", ["2024-03-0{}", "2024/3/{}", "{}/3/2024", "0{}.03.24", "2024-03-0{}T10:30:00Z", "{}-3-2024 7:05 PM", "2024-03-0{} 10:30:00.5+01:00"]
)  # fmt: skip
def test_dates_are_left_out(day, tmp_path):
    table = {"day": [day.format(i % 4 + 1) for i in range(12)] + [None], "x": list(np.arange(13) / 7)}
    for form in ("dict", "CSV"):
        columns, notes = left_out(FORMS[form](table, tmp_path))
        assert columns == ["x"]
        assert notes[0].startswith(f"column 'day' is left out: it holds dates such as {day.format(1)!r}; make columns")
    other = {"a": [*table["day"][:4], "soon"], "x": [1, 2, 3, 4, 5.5]}
    assert left_out(other)[0] == ["a", "x"]


def test_a_first_line_of_numbers_is_told(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("5.1,3.5,1.4,0.2,setosa\n4.9,3.0,1.4,0.2,setosa\n")
    assert left_out(path)[1] == ["the first line is taken as the header, and holds numbers: 5.1, 3.5, 1.4, ..."]
    path.write_text("width,2024,kind\n4.9,3.0,a\n")
    assert left_out(path)[1] == []
