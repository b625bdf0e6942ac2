"""Hyperparameters: random search in plain Python, and an honest figure for the winner."""

import numpy as np
import story

import cnn
from cnn.datasets import digits

args = story.arguments(__doc__, tries=24)

# Three parts: to train on, to choose by, and to report. The third is looked at once, at the end: whoever has chosen the best of many
# by some digits has chosen their luck, too.
X, y = digits()
X = X / 16
order = np.random.default_rng(0).permutation(len(X))
train, choose, report = order[:1000], order[1000:1400], order[1400:]


def fit(settings, seed):
    net = cnn.Network(
        [
            cnn.Input(64),
            cnn.Dense(settings["units"], activation="relu"),
            cnn.Dropout(settings["dropout"]),
            cnn.Dense(10, activation="softmax"),
        ],
        seed=seed,
    )
    net.fit(
        X[train], y[train], epochs=40, batch_size=settings["batch"], optimizer=cnn.Adam(settings["lr"]),
        validation_data=(X[choose], y[choose]), callbacks=[cnn.EarlyStopping(patience=5)], verbose=0,
    )  # fmt: skip
    return net


# Random search: each try draws all settings anew, from a seed, so that the search can be repeated. The learning rate is drawn on a
# logarithmic scale: 0.001 to 0.01 is as far as 0.01 to 0.1.
random = np.random.default_rng(1)
tries = []
for k in range(args.tries):
    settings = {
        "lr": float(10 ** random.uniform(-4.5, 0)),
        "units": int(2 ** random.integers(2, 9)),
        "dropout": float(random.uniform(0, 0.6)),
        "batch": int(2 ** random.integers(3, 8)),
    }
    net = fit(settings, seed=k)
    loss = net.evaluate(X[choose], y[choose])["loss"]
    tries.append((loss, k, settings))

tries.sort(key=lambda one: one[0])
print("validation loss        lr  units  dropout  batch")
for loss, _, s in [*tries[:5], *tries[-3:]]:
    print(f"{loss:15.4f} {s['lr']:9.5f} {s['units']:6} {s['dropout']:8.2f} {s['batch']:6}")
print(f"(the best five and the worst three of {len(tries)})")

loss, k, settings = tries[0]
net = fit(settings, seed=k)  # the same seed: the same network
chosen = net.evaluate(X[choose], y[choose], metrics=["accuracy"])["accuracy"]
honest = net.evaluate(X[report], y[report], metrics=["accuracy"])["accuracy"]
print(f"\nthe best: {chosen:.1%} of the digits it was chosen by, {honest:.1%} of digits never looked at before")
print("For a table of your own the command line does this: cnn train data.csv --target price --search 24")

axes = story.panels(2, width=3.6)
if axes:
    losses = [loss for loss, _, _ in tries]
    axes[0].loglog([s["lr"] for _, _, s in tries], losses, "o", alpha=0.7)
    axes[0].set_xlabel("learning rate")
    axes[0].set_ylabel("validation loss")
    axes[1].loglog([s["units"] for _, _, s in tries], losses, "o", alpha=0.7, base=10)
    axes[1].set_xlabel("units")
    axes[0].set_title(f"{len(tries)} tries: the rate matters most", fontsize="medium")
    story.save(axes, args.folder, "08_hyperparameters.png")
