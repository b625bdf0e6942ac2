"""`Preprocessing`: means, codes, classes and errors, against the same done by hand."""

import csv
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cnn
from cnn.data import Preprocessing

TABLE = {
    "size": [1.0, 2.0, None, 4.0],
    "colour": ["red", "blue", "red", None],
    "new": [True, False, None, True],
    "good": ["no", "yes", "yes", "no"],
}
X = np.array([[1, 1, 1], [2, 0, 0], [np.nan, 1, np.nan], [4, np.nan, 1]], np.float32)


def as_csv(table, path, **options):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, **options)
        writer.writerow(table)
        for row in zip(*table.values(), strict=True):
            writer.writerow(["" if v is None else str(v).lower() if isinstance(v, bool) else v for v in row])
    return path


FORMS = {
    "dict": lambda t, p: t,
    "arrays": lambda t, p: {k: np.array(v, object) for k, v in t.items()},
    "rows": lambda t, p: [dict(zip(t, row, strict=True)) for row in zip(*t.values(), strict=True)],
    "rows without blanks": lambda t, p: [
        {k: v for k, v in zip(t, row, strict=True) if v is not None} for row in zip(*t.values(), strict=True)
    ],
    "pandas": lambda t, p: pd.DataFrame(t),
    "pandas, its own types": lambda t, p: pd.DataFrame(t).convert_dtypes(),
    "pandas, categories": lambda t, p: pd.DataFrame(t).astype({"colour": "category", "good": "category"}),
    "pandas, other rows' index": lambda t, p: pd.DataFrame(t, index=[7, 7, 3, 0]),
    "polars": lambda t, p: pl.DataFrame(t),
    "polars, categories": lambda t, p: pl.DataFrame(t).with_columns(pl.col("colour").cast(pl.Categorical)),
    "CSV": lambda t, p: as_csv(t, p / "t.csv"),
    "CSV as str": lambda t, p: str(as_csv(t, p / "t.csv")),
    "CSV, semicolons": lambda t, p: as_csv(t, p / "t.csv", delimiter=";"),
    "CSV, quoted": lambda t, p: as_csv(t, p / "t.csv", quoting=csv.QUOTE_ALL),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_table_means_the_same(form, tmp_path):
    table = FORMS[form](TABLE, tmp_path)
    prep = Preprocessing("good")
    x, y = prep.fit_transform(table)
    assert x.dtype == np.float32
    np.testing.assert_array_equal(x, X)
    assert y.dtype == np.int64
    assert y.tolist() == [0, 1, 1, 0]
    assert prep.columns == ["size", "colour", "new"]
    assert prep.kinds == ["number", "text", "text"]
    assert prep.categories == {"colour": ["blue", "red"], "new": ["false", "true"]}
    assert prep.classes == ["no", "yes"]
    assert prep.task == "classification"
    np.testing.assert_array_equal(prep.transform(table), X)
    np.testing.assert_array_equal(prep.targets(table), y)
    for other in FORMS.values():
        np.testing.assert_array_equal(prep.transform(other(TABLE, tmp_path)), X)
    assert prep == Preprocessing("good").fit(TABLE)


def test_means_and_spreads():
    prep = Preprocessing().fit(TABLE | {"same": [0.1] * 4})
    known = np.array([1, 2, 4])
    np.testing.assert_allclose(prep.mean[[0, 4]], [known.mean(), 0.1], rtol=1e-15)
    np.testing.assert_allclose(prep.std[[0, 4]], [known.std(), 1], rtol=1e-15)
    np.testing.assert_array_equal(prep.fill, [known.mean(), np.nan, np.nan, np.nan, 0.1])
    assert prep.target is prep.task is prep.classes is None


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_means_of_many_blocks(data):
    """Merged from blocks: as of the whole column."""
    n = data.draw(st.integers(1, 300))
    scale, shift = data.draw(st.sampled_from([1e-3, 1, 1e6])), data.draw(st.sampled_from([0.0, 1.0, 1e4]))
    x = np.round(np.random.default_rng(n).normal(shift, scale, n), 6)
    blank = np.random.default_rng(n + 1).random(n) < data.draw(st.sampled_from([0, 0.3]))
    if blank.all():
        return
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("cnn.data.csv_file._BLOCK", 50)
        path = Path(folder) / "t.csv"
        rows = (f"{'' if b else repr(float(v))},k\n" for v, b in zip(x, blank, strict=True))
        path.write_text("a,b\n" + "".join(rows))
        prep = Preprocessing(columns=["a"]).fit(path)
        known = x[~blank]
        np.testing.assert_allclose(prep.mean, [known.mean()], rtol=1e-12, atol=1e-12 * scale)
        np.testing.assert_allclose(prep.std, [known.std() or 1], rtol=1e-9)
        got = prep.transform(path)[:, 0]
        np.testing.assert_array_equal(got, np.where(blank, np.nan, x).astype(np.float32))


def test_the_layers_do_the_rest():
    """What goes into the first Dense: standardised numbers, filled blanks, indicator columns."""
    prep = Preprocessing("good").fit(TABLE)
    layers = prep.layers()
    assert [type(layer) for layer in layers] == [cnn.Input, cnn.Normalize, cnn.OneHot]
    net = cnn.Network([*layers, cnn.Dense(5, init="zeros")], dtype="float64", seed=0)
    net.parameters["dense_1.weight"][...] = np.eye(5)
    size = (np.array([1, 2, 7 / 3, 4]) - 7 / 3) / np.std([1, 2, 4])
    expected = np.column_stack([size, [0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 1]])
    np.testing.assert_allclose(net.predict(prep.transform(TABLE)), expected, atol=1e-15)
    assert [type(layer) for layer in Preprocessing(columns=["size"]).fit(TABLE).layers()] == [cnn.Input, cnn.Normalize]
    one = Preprocessing(columns=["colour"]).fit({"colour": ["a", "a"]})
    assert cnn.Network([*one.layers(), cnn.Dense(1)]).predict(one.transform({"colour": ["a"]})).shape == (1, 1)


# ---- The target


TASKS = {
    "text": (["a", "b", "a"], "classification", ["a", "b"], [0, 1, 0]),
    "bools": ([True, False, True], "classification", [False, True], [1, 0, 1]),
    "few whole numbers": ([7, 3, 7], "classification", [3, 7], [1, 0, 1]),
    "whole floats": ([2.0, 0.0, 2.0], "classification", [0, 2], [1, 0, 1]),
    "minus": ([-1, 1, 1], "classification", [-1, 1], [0, 1, 1]),
    "numbers": ([0.5, 1.5, 0.5], "regression", None, [0.5, 1.5, 0.5]),
    "many whole numbers": (list(range(30)), "regression", None, list(range(30))),
}


@pytest.mark.parametrize("form", ["dict", "pandas", "polars", "CSV"])
@pytest.mark.parametrize("name", TASKS)
def test_the_task_is_found(name, form, tmp_path):
    values, task, classes, codes = TASKS[name]
    table = FORMS[form]({"x": list(np.arange(len(values)) / 7), "y": values}, tmp_path)
    prep = Preprocessing("y")
    _, y = prep.fit_transform(table)
    assert prep.task == task
    if name == "bools" and form == "CSV":
        classes = ["false", "true"]
    assert prep.classes == classes
    if classes is not None:
        assert [type(c) for c in prep.classes] == [type(c) for c in classes]
    np.testing.assert_array_equal(y, codes)
    assert y.dtype == (np.int64 if classes is not None else np.float64)
    assert any("say task=" in note for note in prep.notes) == (name not in ("text", "bools"))
    assert Preprocessing.from_json(json.loads(json.dumps(prep.to_json()))) == prep


def test_the_task_that_is_said():
    prep = Preprocessing("y", task="regression").fit({"x": [1.5, 2, 3], "y": [3, 7, 7]})
    assert prep.targets({"y": [4]}).tolist() == [4.0]
    prep = Preprocessing("y", task="classification").fit({"x": [1.5, 2, 3], "y": [0.5, 1.5, 0.5]})
    assert prep.classes == [0.5, 1.5]
    prep = Preprocessing("y", task="classification").fit({"x": np.arange(50.0), "y": np.arange(50)})
    assert prep.classes == list(range(50))
    with pytest.raises(ValueError, match="task is 'clustering'"):
        Preprocessing("y", task="clustering")
    with pytest.raises(ValueError, match="the target 'y' holds text; regression needs numbers"):
        Preprocessing("y", task="regression").fit({"x": [1, 2], "y": ["a", "b"]})


def test_several_targets():
    table = {"a": [1.5, 2, 3], "b": [1, 2, 3], "c": [4, 5, 6]}
    prep = Preprocessing(["c", "a"])
    x, y = prep.fit_transform(table)
    assert prep.columns == ["b"]
    assert y.tolist() == [[4, 1.5], [5, 2], [6, 3]]
    assert x.tolist() == [[1], [2], [3]]
    assert Preprocessing(["c"], task="regression").fit_transform(table)[1].shape == (3, 1)
    with pytest.raises(ValueError, match="the target 'a' holds text"):
        Preprocessing(["c", "a"]).fit(table | {"a": ["x", "y", "z"]})
    with pytest.raises(ValueError, match="target has 2 columns; classification takes one"):
        Preprocessing(["a", "b"], task="classification")


def test_decode():
    prep = Preprocessing("good").fit(TABLE)
    assert prep.decode([[0.9, 0.1], [0.2, 0.8]]).tolist() == ["no", "yes"]
    assert prep.decode(np.array([[0.4], [0.6]])).tolist() == ["no", "yes"]
    assert prep.decode([0.4, 0.6]).tolist() == ["no", "yes"]
    with pytest.raises(ValueError, match=r"prediction has the shape \(1, 3\); expected \(n, 2\)"):
        prep.decode([[0, 0, 1]])
    bools = Preprocessing("new").fit({"x": [1, 2.5], "new": [True, False]})
    assert bools.decode([[0.1, 0.9]]).tolist() == [True]
    three = Preprocessing("y").fit({"x": [1, 2, 3], "y": [5, 6, 7]})
    assert three.decode([[0, 0, 1]]).tolist() == [7]
    with pytest.raises(ValueError, match="3 classes need 3 columns"):
        three.decode([[0.5]])
    regression = Preprocessing("y").fit({"x": [1, 2, 3], "y": [0.5, 6, 7]})
    assert regression.decode([[0.25], [4.0]]).tolist() == [[0.25], [4.0]]


# ---- Blank targets


@settings(max_examples=60, deadline=None)
@given(
    kinds=st.lists(st.sampled_from(["number", "text"]), min_size=1, max_size=2, unique=True),
    several=st.booleans(),
    rows=st.integers(4, 60),
    seed=st.integers(0, 2**32 - 1),
    form=st.sampled_from(["dict", "pandas", "CSV", "CSV, quoted"]),
    block=st.sampled_from([1 << 20, 64]),
)
def test_rows_with_a_blank_target_are_left_out(kinds, several, rows, seed, form, block, tmp_path_factory):
    """As if they had never been in the table, whatever is in their other columns."""
    r = np.random.default_rng(seed)
    table = {"x": r.normal(size=rows).round(2).tolist(), "c": r.choice(["u", "v"], rows).tolist()}
    numeric = several or kinds[0] == "number"
    goals = ["y", "z"] if several else ["y"]
    for goal in goals:
        made = r.normal(size=rows).round(2) if numeric else r.choice(["p", "q"], rows)
        table[goal] = [None if blank else v for v, blank in zip(made.tolist(), r.random(rows) < 0.4, strict=True)]
    kept = [i for i in range(rows) if all(table[goal][i] is not None for goal in goals)]
    for i in set(range(rows)) - set(kept):
        table["x"][i] = r.choice(["no number", "", "1e99"])
    if not kept or (not numeric and len({table["y"][i] for i in kept}) < 2):
        return
    target = goals if several else "y"
    options = {"task": "regression"} if numeric else {}
    clean = {name: [column[i] for i in kept] for name, column in table.items()}
    expected = Preprocessing(target, **options)
    X, y = expected.fit_transform(clean)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cnn.data.csv_file._BLOCK", block)
        given_table = FORMS[form](table, tmp_path_factory.getbasetemp())
        prep = Preprocessing(target, skip_blank_targets=True, **options)
        got = prep.fit_transform(given_table)
        np.testing.assert_array_equal(got[0], X)
        np.testing.assert_array_equal(got[1], y)
        told = prep.to_json()
        np.testing.assert_allclose(prep.mean, expected.mean, rtol=1e-12, atol=1e-14)
        assert told["classes"] == expected.classes
        np.testing.assert_array_equal(prep.targets(given_table), y)
        np.testing.assert_array_equal(prep._both(given_table)[0], X)
        assert Preprocessing.from_json(json.loads(json.dumps(told))) == prep
        if len(kept) == rows:
            return
        first = next(i for i in range(rows) if i not in kept)
        place = f"line {first + 2}" if form.startswith("CSV") else f"row {first}"
        many = rows - len(kept)
        where = f"{many} rows, first in {place}: leave them out" if many > 1 else f"{place}: leave the row out"
        with pytest.raises(ValueError, match=rf"the target is blank in {where} \(skip_blank_targets=True\), or fill"):
            Preprocessing(target, **options).fit(given_table)


def test_nothing_but_blank_targets():
    with pytest.raises(ValueError, match="the table has no rows with a target"):
        Preprocessing("y", skip_blank_targets=True).fit({"x": [1, 2], "y": [None, None]})


# ---- The head


@pytest.mark.parametrize("scale", [1.0, 1e5, 1e-3])
@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_the_head_of_a_regression_trains_at_any_scale(scale, shift, tmp_path):
    r = np.random.default_rng(0)
    a, b = r.normal(size=500), r.choice(["x", "y", "z"], 500)
    y = scale * (shift + np.sin(a) + (b == "x") + 0.05 * r.normal(size=500))
    path = as_csv({"a": a.tolist(), "b": b.tolist(), "y": y.tolist()}, tmp_path / "t.csv")
    prep = Preprocessing("y")
    X, got = prep.fit_transform(path)
    np.testing.assert_allclose(got, y, rtol=1e-15)
    net = cnn.Network([*prep.layers(), cnn.Dense(32, activation="relu"), *prep.head()], seed=0)
    assert abs(net.predict(X).mean() - y.mean()) < 2 * y.std()  # in the target's units before it has learnt anything
    net.fit(X, got, epochs=100, verbose=0)
    assert cnn.metrics.r2(y, net.predict(X)) > 0.97
    told = json.loads(json.dumps(prep.to_json()))["scales"]
    np.testing.assert_allclose([told[0]["mean"], told[0]["std"]], [y.mean(), y.std()], rtol=1e-12)
    again = Preprocessing.from_json(prep.to_json()).head()[1]
    for key in ("mean", "std"):
        np.testing.assert_array_equal(again._values[key], prep.head()[1]._values[key])


def test_heads():
    assert [(type(layer), layer.units) for layer in Preprocessing("good").fit(TABLE).head()] == [(cnn.Dense, 2)]
    several = Preprocessing(["a", "b"]).fit({"x": [1, 2, 3.5], "a": [1, 2, 4], "b": [7, 7, 7]})
    net = cnn.Network([*several.layers(), cnn.Dense(2, init="zeros"), *several.head()], dtype="float64", seed=0)
    np.testing.assert_allclose(net.predict([[1.0]]), [[7 / 3, 7]], rtol=1e-14)
    with pytest.raises(ValueError, match="no target"):
        Preprocessing().fit(TABLE).head()
    with pytest.raises(ValueError, match="call fit"):
        Preprocessing("good").head()


def test_decode_of_names():
    """What `classify` gives stays; what may mean two things is no answer."""
    words = Preprocessing("good").fit(TABLE)
    assert words.decode(np.array(["yes", "no"])).tolist() == ["yes", "no"]
    assert words.decode([1, 0]).tolist() == ["yes", "no"]
    with pytest.raises(ValueError, match=r"prediction has 'perhaps', which is no class; .* 'no', 'yes'$"):
        words.decode(["yes", "perhaps"])
    with pytest.raises(ValueError, match="prediction has 2, which is no class"):
        words.decode([1, 2])
    assert Preprocessing("new").fit({"x": [1, 2.5], "new": [True, False]}).decode([True, False]).tolist() == [
        True,
        False,
    ]
    for classes, given_, expected in [([0, 1, 2], [2, 1], [2, 1]), ([5, 7], [7, 5], [7, 5]), ([1, 2], [2, 2], None)]:
        prep = Preprocessing("y").fit({"x": np.arange(len(classes)) / 7, "y": classes})
        if expected is None:
            with pytest.raises(ValueError, match="may be classes or their places; decode takes probabilities"):
                prep.decode(given_)
        else:
            assert prep.decode(given_).tolist() == expected


def test_other_libraries_names():
    with pytest.raises(AttributeError, match=r"no attribute 'inverse_transform': decode\(net.predict\(X\)\)"):
        Preprocessing().inverse_transform  # noqa: B018
    with pytest.raises(AttributeError, match=r"no attribute 'nothing'$"):
        Preprocessing().nothing  # noqa: B018


# ---- Errors


def test_errors_name_the_place(tmp_path):
    prep = Preprocessing("good").fit(TABLE)
    path = tmp_path / "new.csv"
    rows = [
        ("size,colour,new,good\n1,red,true,no\n2,green,true,no\n",
         "'new.csv', line 3, column 'colour': 'green' is a category that fit has not seen; known: 'blue', 'red'"),
        ("size,colour,new,good\n1,red,true,no\n\n1x,red,true,no\n", "'new.csv', line 4, column 'size': '1x' is no number"),
        ("size,colour,new,good\n1,red,true,no\ninf,red,true,no\n",
         "'new.csv', line 3, column 'size': inf is an infinity; expected a finite number, or nothing"),
        ("size,colour,new,good\n1e39,red,true,no\n",
         "'new.csv', line 2, column 'size': 1e+39 is too large for float32; expected a finite number, or nothing"),
        ("size,colours,new,good\n1,red,true,no\n", "'new.csv': column 'colour' is not there; did you mean 'colours'?"),
    ]  # fmt: skip
    targets = [
        ("good,size\nyes,1\n,2\n", "'new.csv', column 'good': the target is blank in line 3: leave the row out (skip_blank_targets=True), or fill it in"),
        ("good\nyes\nperhaps\n",
         "'new.csv', line 3, column 'good': 'perhaps' is a class that fit has not seen; known: 'no', 'yes'"),
        ("size\n1\n", "'new.csv': target 'good' is not there; the columns are size"),
    ]  # fmt: skip
    for read, said in ((prep.transform, rows), (prep.targets, targets)):
        for text, sentence in said:
            path.write_text(text)
            with pytest.raises(ValueError, match=r".") as raised:
                read(path)
            assert str(raised.value) == sentence
    for form in ("dict", "pandas", "polars", "rows"):
        with pytest.raises(ValueError, match=r"^row 1, column 'colour': 'green' is a category"):
            prep.transform(FORMS[form](TABLE | {"colour": ["red", "green", None, "red"]}, tmp_path))


FIT = [
    ("a,b\n", "'t.csv' has no rows, only a header"),
    ("a,b\n1,x\n2,\n", "'t.csv', column 'b': the target is blank in line 3: leave the row out (skip_blank_targets=True), or fill it in"),
    ("a,b\n1,x\n2,x\n", "'t.csv': the target 'b' has the same value in all rows, 'x'; there is nothing to learn"),
    ("a,c\n1,2\n", "'t.csv': target 'b' is not there; the columns are a, c"),
    ("1,2.5\n3,4\n", "(does the file begin with a line of column names?)"),
    ("b\nx\ny\n", "'t.csv' has no column to learn from: it has no other than the target"),
    ("a,b\ninf,x\n1,y\n", "'t.csv', line 2, column 'a': inf is an infinity"),
    ("a,b\n1,2\n2,inf\n", "'t.csv', line 3, column 'b': inf is an infinity"),
    ("a,b\n" + "".join(f"{i},{i / 3}\n" for i in range(30)) + "1,3.o\n", "'t.csv', line 32: the target 'b' is '3.o', which is no number"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "sentence"), FIT)
def test_errors_of_fit(text, sentence, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=r".") as raised:
        Preprocessing("b").fit(path)
    assert sentence in str(raised.value)


def test_unseen_categories_list_ten_at_most():
    prep = Preprocessing().fit({"a": [f"k{i:02}" for i in range(30)] * 2})
    with pytest.raises(ValueError, match=r"known: 'k00', .*'k09', and 20 more"):
        prep.transform({"a": ["k99"]})


def test_errors_of_arguments():
    for call, error, sentence in [
        (lambda: Preprocessing("y").transform(TABLE), ValueError, "has not seen a table yet; call fit"),
        (lambda: Preprocessing().fit(np.ones((3, 2))), TypeError, r"the table is a ndarray of the shape \(3, 2\); expected a path"),
        (lambda: Preprocessing().fit(3), TypeError, "the table is a int"),
        (lambda: Preprocessing().fit(pl.DataFrame(TABLE).lazy()), TypeError, r"LazyFrame; pass table.collect\(\)"),
        (lambda: Preprocessing().fit({"a": [1, 2], "b": [1]}), ValueError, "column 'b' has 1 rows and column 'a' has 2"),
        (lambda: Preprocessing().fit({"a": np.ones((2, 2))}), ValueError, r"column 'a' has the shape \(2, 2\)"),
        (lambda: Preprocessing().fit({"a": [[1], [2]]}), TypeError, "row 0 holds a value of the type list"),
        (lambda: Preprocessing().fit({"a": [1j, 2]}), TypeError, "complex"),
        (lambda: Preprocessing().fit({}), ValueError, "no rows"),
        (lambda: Preprocessing().fit(pd.DataFrame([[1, 2]], columns=["a", "a"])), ValueError, "two columns named 'a'"),
        (lambda: Preprocessing(columns=["sise"]).fit(TABLE), ValueError, "columns: column 'sise' is not there; did you mean 'size'"),
        (lambda: Preprocessing(drop=["sise"]).fit(TABLE), ValueError, "drop: column 'sise' is not there"),
        (lambda: Preprocessing("good", columns=["good"]).fit(TABLE), ValueError, "columns has 'good', which is the target"),
        (lambda: Preprocessing(columns="size"), TypeError, "columns is 'size'; expected a list"),
        (lambda: Preprocessing(columns=["a", "a"]), ValueError, "columns has 'a' twice"),
        (lambda: Preprocessing(max_categories=0), ValueError, "max_categories is 0"),
        (lambda: Preprocessing(target_column="y"), TypeError, "no argument 'target_column'"),
        (lambda: Preprocessing().fit(TABLE).targets(TABLE), ValueError, "has no target"),
        (lambda: Preprocessing.from_json({"format": "x"}), ValueError, "not what Preprocessing.to_json gives"),
        (lambda: Preprocessing.from_json([]), ValueError, "not what Preprocessing.to_json gives"),
        (lambda: cnn.data.read_cvs, AttributeError, "did you mean 'read_csv'"),
    ]:  # fmt: skip
        with pytest.raises(error, match=sentence):
            call()


def test_a_failed_fit_leaves_what_was_learnt():
    prep = Preprocessing("good").fit(TABLE)
    before = prep.to_json()
    with pytest.raises(ValueError, match="blank"):
        prep.fit(TABLE | {"good": ["no", None, "yes", "no"]})
    assert prep.to_json() == before


def test_repr():
    assert repr(Preprocessing("good")) == "<cnn.data.Preprocessing('good'), not fitted>"
    fitted = Preprocessing("good").fit(TABLE)
    assert repr(fitted) == "<cnn.data.Preprocessing('good'), 1 column of numbers, 2 of text, 2 classes>"
    assert fitted != "something else"
    assert fitted != Preprocessing("good").fit(TABLE | {"size": [1, 2, 3, 5]})


# ---- Large files


PEAK = """
import resource, sys
import cnn, cnn.network, cnn.data.preprocessing, cnn.data.csv_file
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
before = peak()
prep = cnn.data.Preprocessing("y").fit(sys.argv[1])
fitted = peak()
X, y = prep._both(sys.argv[1])
print(fitted - before, peak() - before, X.nbytes, type(X).__name__, len(X), float(X[:, 0].sum(dtype="f8")), int(y.sum()))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="measures with getrusage")
@pytest.mark.parametrize("spill", [False, True])
def test_memory_does_not_grow_with_the_text(spill, tmp_path):
    block = "".join(
        f"{i % 977}.{i % 10:012},{i % 5}.{'0' * 30}{i % 7},word{i % 9},{'ab'[i % 2]}\n" for i in range(10_000)
    )
    path, times = tmp_path / "large.csv", 85
    with open(path, "w") as file:
        file.write("a,b,c,y\n")
        for _ in range(times):
            file.write(block)
    text = path.stat().st_size
    assert text > 45e6
    program = PEAK.replace("before =", "cnn.data.rows.SPILL = 1 << 20\nbefore =") if spill else PEAK
    program = program.replace("import cnn,", "import cnn.data.rows, cnn,")
    run = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    fitted, peak, size, kind, rows, total, ones = run.stdout.split()
    assert int(rows) == 10_000 * times
    assert kind == ("memmap" if spill else "ndarray")
    np.testing.assert_allclose(float(total), times * sum(i % 977 + (i % 10) * 1e-12 for i in range(10_000)), rtol=1e-6)
    assert int(ones) == 5000 * times
    assert int(fitted) < 0.6 * text  # some buffers of a block
    if not spill:
        assert int(peak) < int(fitted) + 3 * int(size) + 2 * 8 * int(rows)
    assert int(peak) < 0.9 * text


def test_a_large_x_is_a_file_that_goes(tmp_path, monkeypatch):
    monkeypatch.setattr("cnn.data.rows.SPILL", 1000)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("cnn.data.csv_file._BLOCK", 500)
    rows = np.random.default_rng(0).normal(size=(300, 3)).round(3)
    path = tmp_path / "t.csv"
    np.savetxt(path, rows, "%.3f", delimiter=",", header="a,b,c", comments="")
    x = Preprocessing().fit(path).transform(path)
    assert isinstance(x, np.memmap)
    np.testing.assert_array_equal(x, rows.astype(np.float32))
    net = cnn.Network([3, 4, 1], seed=0)
    np.testing.assert_array_equal(net.predict(x), net.predict(rows.astype(np.float32)))
    del x
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]
