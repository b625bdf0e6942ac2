"""Gradient checking finds a planted bug, and says where it is."""

import numpy as np
import story

import cnn

args = story.arguments(__doc__)

# A layer of our own in NumPy: y = scale * x / (1 + |x|), with one `scale` for each unit, which is learnt.
# backward gets dy, the slopes of the loss for y; it gives those for x and for scale.


def forward(x, parameters):
    return parameters["scale"] * x / (1 + abs(x))


def wrong_backward(x, y, dy, parameters):
    dx = dy * parameters["scale"] / (1 + abs(x))  # the planted bug: it should be (1 + |x|) squared
    return dx, {"scale": (dy * x / (1 + abs(x))).sum(axis=0)}


def right_backward(x, y, dy, parameters):
    dx = dy * parameters["scale"] / (1 + abs(x)) ** 2
    return dx, {"scale": (dy * x / (1 + abs(x))).sum(axis=0)}


def network(backward):
    return cnn.Network(
        [
            cnn.Input(3),
            cnn.Dense(5, activation="tanh"),
            cnn.Function(forward, backward, parameters={"scale": np.ones(5)}),
            cnn.Dense(2, activation="softmax"),
        ],
        seed=0,
    )


random = np.random.default_rng(0)
X = random.normal(size=(100, 3))
y = (X.sum(axis=1) > 0).astype(int)

# A wrong gradient often trains all the same: the curve does not give it away.
for name, backward in (("with the bug", wrong_backward), ("without it", right_backward)):
    net = network(backward)
    net.fit(X, y, epochs=50, optimizer=cnn.Adam(0.01), verbose=0)
    result = net.evaluate(X, y, metrics=["accuracy"])
    print(f"trained {name + ':':13} loss {result['loss']:.3f}, accuracy {result['accuracy']:.0%}")
print()

# check_gradients compares backpropagation with differences: each weight is moved a little, and the loss computed again.
wrong = network(wrong_backward).check_gradients(X[:5], y[:5])
print(wrong)
print(f"ok: {bool(wrong)}; the worst is {wrong.worst}")

# Backpropagation goes from the last layer to the first. dense_2 and function_1.scale are right, everything below is wrong:
# so what function_1 hands down (dx) is wrong.
culprits = [name for name, error in wrong.errors.items() if error > 1e-6]
print(f"wrong: {', '.join(culprits)}; so the mistake is in what function_1 hands down to dense_1\n")

right = network(right_backward).check_gradients(X[:5], y[:5])
print(f"with (1 + |x|) ** 2:\n{right}\nok: {bool(right)}")

axes = story.panels(1, width=5.5)
if axes:
    names = list(wrong.errors)
    for k, (label, report) in enumerate((("with the bug", wrong), ("repaired", right))):
        axes[0].barh(
            np.arange(len(names)) + 0.4 * k - 0.2, [report.errors[n] for n in names], 0.4, label=label, left=1e-16
        )
    axes[0].axvline(1e-6, color="gray", linestyle=":")
    axes[0].set_xscale("log")
    axes[0].set_xlim(1e-13, 10)
    axes[0].set_yticks(range(len(names)), names)
    axes[0].invert_yaxis()
    axes[0].set_xlabel("relative error of the gradient")
    axes[0].set_title("check_gradients")
    axes[0].legend(loc="lower right", fontsize="small")
    story.save(axes, args.folder, "07_gradient_checking.png")
