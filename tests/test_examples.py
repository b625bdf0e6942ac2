"""examples/: every script runs as a learner runs it, and prints the facts that it is about."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(path.name for path in FOLDER.glob("[0-9]*.py"))
QUICK = {
    "04_xor.py": ["--starts", "300"],
    "08_hyperparameters.py": ["--tries", "12"],
    "09_activations_optimizers.py": ["--starts", "1"],
    "10_lenet.py": ["--real", "0", "--epochs", "6"],
    "11_fashion_resnet.py": ["--real", "0", "--epochs", "5"],
    "12_lecun1989.py": ["--real", "0", "--passes", "5", "--seeds", "1"],
}
pytestmark = pytest.mark.skipif(not SCRIPTS, reason="examples/ is not here")


def run(name, cwd, *arguments, **environment):
    """What the script prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", FOLDER / name, *map(str, arguments)],
        cwd=cwd, env={**os.environ, "MPLBACKEND": "Agg", **environment}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, f"{name}:\n{done.stdout}\n{done.stderr}"
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """name -> (text, folder); each script runs once."""
    found = {}

    def of(name):
        if name not in found:
            folder = tmp_path_factory.mktemp(name[:2])
            found[name] = run(name, folder, *QUICK.get(name, ())), folder
        return found[name]

    return of


def number(pattern, text):
    match = re.search(pattern, text)
    assert match, f"{pattern!r} is not in\n{text}"
    return float(match[1])


def test_every_example_is_tested():
    assert [name[:3] for name in SCRIPTS] == [f"{k:02}_" for k in range(1, len(SCRIPTS) + 1)]
    assert set(QUICK) <= set(SCRIPTS) and len(SCRIPTS) == 12


@pytest.mark.parametrize("name", SCRIPTS)
def test_runs_and_draws(name, printed):
    text, folder = printed(name)
    assert len(text) > 200
    pytest.importorskip("matplotlib")
    picture = folder / name.replace(".py", ".png")
    assert f"picture: {picture.name}" in text
    assert picture.read_bytes().startswith(b"\x89PNG") and 2_000 < picture.stat().st_size < 60_000
    assert os.listdir(folder) == [picture.name]


def test_without_matplotlib(tmp_path):
    """A module of that name which cannot be imported: the example goes on without a picture."""
    (tmp_path / "matplotlib.py").write_text("raise ImportError")
    text = run("01_neuron.py", tmp_path, PYTHONPATH=str(tmp_path))
    assert "pip install cnn[plot]" in text and not list(tmp_path.glob("*.png"))


def test_the_folder_can_be_given(tmp_path):
    pytest.importorskip("matplotlib")
    run("01_neuron.py", tmp_path, "here/and/there")
    assert (tmp_path / "here" / "and" / "there" / "01_neuron.png").exists()


def test_neuron(printed):
    text, _ = printed("01_neuron.py")
    assert "sigmoid(sum) = 0.9990889488055994\n" in text and "cnn.Neuron:  0.9990889488055994\n" in text


def test_network(printed):
    text, _ = printed("02_network.py")
    values = [number(rf"{name}:\s+([\d.]+)", text) for name in ("neuron by neuron", "net.feedforward", "with matrices")]
    assert max(values) - min(values) < 1e-15
    assert [number(rf"{x}: ([\d.]+)", text) for x in ("0 xor 0", "0 xor 1", "1 xor 0", "1 xor 1")] == [0, 1, 1, 0]


def test_backpropagation(printed):
    """To the digits that Mazur prints."""
    text, _ = printed("03_backpropagation.py")
    for line in (
        "E  = 0.298371109", "w5 = 0.35891648", "w6 = 0.40866619", "w7 = 0.51130127", "w8 = 0.56137012", "w1 = 0.14978072",
        "w2 = 0.19956143", "w3 = 0.24975114", "w4 = 0.29950229", "E after 1 step: 0.291027774",
    ):  # fmt: skip
        assert line in text
    assert (
        "dL/dout = 0.4*0.138499 + 0.5*-0.0380982 = 0.0363503064" in text
    )  # a hidden neuron's, from the neurons it feeds
    assert text.count("0.000438568;") == 1 and "by a small change: 0.000438568" in text
    assert number(r"after 10000 steps: ([\d.]+)", text) < 4e-5


def test_xor_rates(printed):
    """The shares of starts that learn it, within four binomial errors of the outside figures."""
    text, _ = printed("04_xor.py")
    for settings, share in (("lr 0.1, 1000 epochs", 0.136), ("lr 0.5, 5000 epochs", 0.72)):
        found = number(rf"{settings}: (\d+) of 300 right", text) / 300
        assert abs(found - share) < 4 * (share * (1 - share) / 300) ** 0.5
    assert "400 epochs: 300 of 300 right" in text
    learnt, eighth, sixth, other = (
        number(rf"{name} +(\d+)", text) for name in ("below 0.01", "0.12 to 0.13", "0.16 to 0.175", "anything else")
    )
    assert learnt + eighth + sixth + other == 300 and other <= 3 and eighth > 5 * sixth > 0
    assert "alike: True; learnt: False" in text


def test_learning_rates(printed):
    text, _ = printed("05_learning_rates.py")
    assert number(r" 0\.001 +([\d.]+)", text) > 1.8 and number(r"  3 +([\d.]+)", text) > 2.2
    assert number(r" 0\.3 +[\d.]+ +([\d.]+)%", text) > 96
    assert "the loss became infinite" in text and "weights are still numbers: True" in text
    assert "0 whole epochs of 5" in text and "loss nan" in text
    assert number(r"clip_norm=1: loss ([\d.]+)", text) < 6


def test_fitting(printed):
    text, _ = printed("06_fitting.py")
    fresh = {
        name: number(rf"{name} +[\d.]+ +([\d.]+)", text)
        for name in ("underfits", "64 units: overfits", "l2=0.001", "early stopping", "1000 points")
    }
    over = fresh["64 units: overfits"]
    assert number(r"64 units: overfits +([\d.]+)", text) < 0.05 < 0.18 < over < fresh["underfits"]
    assert max(fresh["l2=0.001"], fresh["early stopping"], fresh["1000 points"]) < over / 1.5
    digits = text[text.index("digits,") :]
    over = number(r"overfits +[\d.]+% +([\d.]+)%", digits)
    for cure in ("l2=0.01", "dropout 0.7", "early stopping"):
        assert number(rf"{cure} +[\d.]+% +([\d.]+)%", digits) > over + 4


def test_gradient_checking(printed):
    text, _ = printed("07_gradient_checking.py")
    assert "ok: False; the worst is dense_1." in text and "wrong: dense_1.weight, dense_1.bias;" in text
    assert text.endswith(("07_gradient_checking.png\n", "[plot])\n"))
    assert text.count("ok: True") == 1


def test_hyperparameters(printed):
    text, _ = printed("08_hyperparameters.py")
    assert number(r"([\d.]+)% of digits never looked at", text) > 92
    assert "--search" in text


def test_activations_and_optimizers(printed):
    text, _ = printed("09_activations_optimizers.py")
    moons, spirals = (re.search(r"  2-16-16-classes +([\d.]+)% +([\d.]+)%", text) or pytest.fail(text)).groups()
    assert float(moons) > 94 and float(spirals) > 97
    assert number(r"  linear +[\d.]+% +([\d.]+)%", text) < 50


def test_lenet(printed):
    text, _ = printed("10_lenet.py")
    assert "61,706 parameters" in text
    right = number(r"epoch  6: ([\d.]+)% of 297", text)
    assert right > 85
    misread = number(r"misread: (\d+) of 297", text)
    assert abs(misread - 297 * (1 - right / 100)) < 0.5
    assert text.count("read as") == min(misread, 6)


def test_residual_network(printed):
    text, _ = printed("11_fashion_resnet.py")
    assert "77754 parameters" in text
    assert number(r"epoch  5: [\d.]+% of the training pictures as changed, ([\d.]+)%", text) > 80


def test_the_network_of_1989(printed):
    """Digits that it has not seen: 90 of 100 would be misread by chance."""
    text, _ = printed("12_lecun1989.py")
    parameters, train, test = re.search(r"     0 +(\d+) +([\d.]+)% +([\d.]+)%", text).groups()
    assert parameters == "9760" and float(train) < 3 and float(test) < 15
