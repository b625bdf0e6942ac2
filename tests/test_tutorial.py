"""docs/tutorial.md: its code runs from top to bottom and prints what the page says, and what it says of the text it retells is true."""

import contextlib
import io
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

PAGE = Path(__file__).parents[1] / "docs" / "tutorial.md"
BLOCKS = (
    re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    if PAGE.exists()
    else []
)
pytestmark = pytest.mark.skipif(not BLOCKS, reason="docs/ is not here")


def test_the_page_runs(tmp_path, monkeypatch):
    """Python in one namespace; a ``text`` block is what the block before it has printed; ``sh`` blocks in a shell's place."""
    monkeypatch.chdir(tmp_path)
    names, printed = {"__name__": "tutorial"}, ""
    for number, (language, text) in enumerate(BLOCKS):
        if language == "python":
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(text, f"tutorial.md, block {number}", "exec"), names)
            printed = out.getvalue()
            following = BLOCKS[number + 1][0] if number + 1 < len(BLOCKS) else ""
            assert following == "text" or not printed, (
                f"block {number} prints, and the page does not show it:\n{printed}"
            )
        elif language == "text":
            assert printed == text, f"what comes before block {number} prints\n{printed}"
        elif language == "sh":
            for line in text.splitlines():
                program, *arguments = shlex.split(line)
                assert program == "cnn"
                done = subprocess.run([sys.executable, "-m", "cnn", *arguments], capture_output=True, text=True)
                assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
        else:
            pytest.fail(f"a block of {language!r}")


def test_pictures_are_there_and_small():
    """Every picture of the page exists, none is left over, and all together are small."""
    folder = PAGE.parent / "pictures"
    named = set(re.findall(r"\]\(pictures/([^)]+)\)", PAGE.read_text(encoding="utf-8")))
    assert named == {path.name for path in folder.iterdir()}
    sizes = [path.stat().st_size for path in folder.iterdir()]
    assert max(sizes) < 60_000 and sum(sizes) < 300_000


def test_transfer_as_the_page_says():
    import cnn

    net = cnn.Network([4, 8, 2], seed=0)
    new = cnn.Network(net.layers[:-1] + [cnn.Dense(3, activation="softmax")], seed=1)
    new.freeze(upto=-2)
    kept = net.layers[-2].weight.copy()
    new.fit(np.ones((8, 4)), np.zeros(8, int), epochs=2, verbose=0)
    assert (new.layers[-2].weight == kept).all() and new.output_shape == (3,)


def test_a_trace_shows_where_each_slope_comes_from():
    """The factors that are printed multiply to what is printed; of a wide layer the first weights are enough."""
    import cnn

    net = cnn.Network([20, 3, 2], activation="tanh", dtype="float64", seed=0)
    out = io.StringIO()
    trace = net.trace(np.linspace(-1, 1, 20), [1, 2], file=out)
    text = out.getvalue()
    assert text.count("(17 more)") == 3 and text.count("... 17 more weights") == 3
    assert len(re.findall(r"dL/dout = 2 \(p - t\) / 2 = 2 \(", text)) == 2
    hidden, last = trace.layers
    for line in re.findall(r"dL/dout = (.*)$", text, re.MULTILINE)[2:]:
        *terms, total = line.replace(" = ", " + ").split(" + ")
        assert sum(float(a) * float(b) for a, b in (term.split("*") for term in terms)) == pytest.approx(
            float(total), rel=1e-4
        )
    np.testing.assert_allclose(last["weight"].T @ last["dL_dsum"], hidden["dL_dout"], rtol=1e-12)
    wide = cnn.Network([2, 3], output="softmax", seed=0).trace([1, 2], [1, 0, 0], loss="mse", file=io.StringIO())
    assert "dL/dout * dout/dsum" not in repr(wide)  # of softmax that is no single product


# ---- The text's code, as printed but for what a case is about


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class Neuron:
    def __init__(self, weights, bias):
        self.weights = weights
        self.bias = bias

    def feedforward(self, inputs):
        return sigmoid(np.dot(self.weights, inputs) + self.bias)


def printed_network():
    """(h1, h2, o1) with one normal number where two weights are needed."""
    return [Neuron(np.random.normal(), np.random.normal()) for _ in range(3)]  # noqa: NPY002, as printed


@pytest.mark.parametrize(
    "line",
    [
        "total =, inputs) + self.bias",
        "sum_h1 =, x) + self.h1.bias",
        "sum_o1 =, np.array([out_h1, out_h2])) + self.o1.bias",
    ],
)
def test_a_lost_dot_is_a_syntax_error(line):
    with pytest.raises(SyntaxError):
        compile(line, "text", "exec")


def test_one_weight_for_two_inputs():
    h1, h2, o1 = printed_network()
    x = np.array([2, 3])
    assert np.shape(o1.feedforward(np.array([h1.feedforward(x), h2.feedforward(x)]))) == (2, 2)
    with pytest.raises(TypeError, match="'float' object is not subscriptable"):
        o1.weights[0]


def test_whole_weights_are_cut():
    weights = np.array([0, 1])
    weights[0] -= 0.05
    weights[1] -= 0.05
    assert weights.tolist() == [0, 0]


def test_the_second_class_has_no_neurons():
    class NeuralNetwork:
        # ... [initialization as before]

        def train(self, data, all_y_trues):
            return self.h1

    with pytest.raises(AttributeError, match="h1"):
        NeuralNetwork().train([], [])


def test_sigmoid_overflows():
    with pytest.warns(RuntimeWarning, match="overflow"):
        assert sigmoid(np.float64(-710)) == 0
    assert sigmoid(np.float64(-709)) > 0


def test_zip_leaves_out_the_rest():
    assert list(zip([1, 2, 3], [4], strict=False)) == [(1, 4)]
    with pytest.raises(ValueError):
        list(zip([1, 2, 3], [4], strict=True))


def test_sigmoids_of_a_step():
    """25 a step: 3 forward; 10 with sum_o1, 6 with sum_h1, 6 with sum_h2, as the text's lines stand in tests/reference/seed.py."""
    text = (Path(__file__).parent / "reference" / "seed.py").read_text(encoding="utf-8")
    loop = text[text.index("def train") : text.index("# --- Update")]
    assert len(re.findall(r"\bsigmoid\(", loop)) == 25
