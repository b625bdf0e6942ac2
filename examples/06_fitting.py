"""Underfitting and overfitting, seen on curves, and the cures."""

import numpy as np
import story

import cnn
from cnn.datasets import digits

args = story.arguments(__doc__, steps=3000)


# ---- A noisy sine: what a network has learnt can be drawn


def sine(n, seed):
    """n points of a sine with noise of 0.3: no network can have a squared error below 0.3 * 0.3 = 0.09 on fresh points."""
    random = np.random.default_rng(seed)
    x = random.uniform(-1, 1, (n, 1))
    return x, np.sin(2 * np.pi * x[:, 0]) + random.normal(0, 0.3, n)


few, fresh, many = sine(30, 1), sine(500, 2), sine(1000, 3)


def fit(units, data=few, l2=0.0, callbacks=None):
    """Two hidden layers of so many tanh units; the validation loss is of fresh points. As many steps, however many points."""
    batch = min(len(data[0]), 100)
    net = cnn.Network(
        [
            cnn.Input(1),
            cnn.Dense(units, activation="tanh", l2=l2),
            cnn.Dense(units, activation="tanh", l2=l2),
            cnn.Dense(1, l2=l2),
        ],
        seed=0,
    )
    history = net.fit(
        *data, epochs=args.steps * batch // len(data[0]), batch_size=batch, optimizer=cnn.Adam(0.003),
        validation_data=fresh, callbacks=callbacks, verbose=0,
    ).history  # fmt: skip
    return net, history


print("a noisy sine, 30 points      training loss   loss on fresh points   (noise alone: 0.09)")
runs = {}
for name, data, result in (
    ("1 unit a layer: underfits", few, fit(1)),
    ("64 units: overfits", few, fit(64)),
    ("64 units, l2=0.001", few, fit(64, l2=0.001)),
    ("64 units, early stopping", few, fit(64, callbacks=[cnn.EarlyStopping(patience=200)])),
    ("64 units, 1000 points", many, fit(64, many)),
):
    net, history = runs[name] = result
    print(f"  {name:26} {net.evaluate(*data)['loss']:12.3f} {net.evaluate(*fresh)['loss']:18.3f}")
print("Underfitting: both losses are high. Overfitting: the training loss is below the noise, the other one far above.")

# ---- Real digits, with noise in the labels: of the 600 to learn from, nearly a third are called something else

X, y = digits()
X = X / 16
random = np.random.default_rng(0)
order = random.permutation(len(X))
train, more, test = order[:600], order[:1200], order[1200:]
labels = y.copy()
wrong = random.choice(more, 360, replace=False)
labels[wrong] = (labels[wrong] + random.integers(1, 10, 360)) % 10


def read(rows=train, l2=0.0, dropout=0.0, callbacks=None):
    """128 relu units; the validation digits have their right labels."""
    net = cnn.Network(
        [
            cnn.Input(64),
            cnn.Dense(128, activation="relu", l2=l2),
            cnn.Dropout(dropout),
            cnn.Dense(10, activation="softmax", l2=l2),
        ],
        seed=0,
    )
    net.fit(
        X[rows], labels[rows], epochs=100, optimizer=cnn.Adam(2e-3), metrics=["accuracy"],
        validation_data=(X[test], y[test]), callbacks=callbacks, verbose=0,
    )  # fmt: skip
    return net


print("\ndigits, 30 % of the labels wrong   accuracy on these labels   on fresh digits")
for name, net, rows in (
    ("128 units: overfits", read(), train),
    ("twice the data", read(rows=more), more),
    ("l2=0.01", read(l2=0.01), train),
    ("dropout 0.7", read(dropout=0.7), train),
    ("early stopping", read(callbacks=[cnn.EarlyStopping(patience=5)]), train),
):
    known = net.evaluate(X[rows], labels[rows], metrics=["accuracy"])["accuracy"]
    unknown = net.evaluate(X[test], y[test], metrics=["accuracy"])["accuracy"]
    print(f"  {name:32} {known:12.1%} {unknown:22.1%}")
print(
    "The first network has learnt wrong labels by heart; the cures keep it from that. Only 70 % of the labels are right."
)

axes = story.panels(3, 2)
if axes:
    line = np.linspace(-1, 1, 201)[:, None]
    shown = ["1 unit a layer: underfits", "64 units: overfits", "64 units, l2=0.001"]
    for above, below, name in zip(axes[:3], axes[3:], shown, strict=True):
        net, history = runs[name]
        above.plot(line, np.sin(2 * np.pi * line), color="gray", linestyle=":")
        above.plot(few[0], few[1], ".", color="black")
        above.plot(line, net.predict(line), color="tab:red")
        above.set_ylim(-2, 2)
        above.set_title(name, fontsize="medium")
        below.semilogy(history["loss"], label="training", color="tab:blue", linewidth=1)
        below.semilogy(history["val_loss"], label="fresh points", color="tab:orange", linewidth=1)
        below.axhline(0.09, color="gray", linestyle=":")
        below.set_ylim(0.02, 1)
        below.set_xlabel("epoch")
    axes[3].set_ylabel("loss")
    axes[3].legend(fontsize="small")
    story.save(axes, args.folder, "06_fitting.png")
