"""Trying architectures, activations and optimizers on two data sets that no straight line divides."""

import numpy as np
import story

import cnn
from cnn.datasets import moons, spirals

args = story.arguments(__doc__, starts=5)

# Fresh points of the same kind (another seed) tell how much has been learnt.
sets = {
    "moons": (moons(400, noise=0.2, seed=0), moons(2000, noise=0.2, seed=1)),
    "spirals": (spirals(600, seed=0), spirals(2000, seed=1)),
}


def fit(data, hidden, activation, optimizer, seed=0, epochs=40):
    X, y = data
    net = cnn.Network([2, *hidden, int(y.max()) + 1], activation=activation, output="softmax", seed=seed)
    net.fit(X, y, epochs=epochs, optimizer=optimizer, verbose=0)
    return net


def row(name, hidden=(16, 16), activation="tanh", optimizer=lambda: cnn.Adam(0.01)):
    """The mean accuracy over some starts: a single one may be luck."""
    text = f"  {name:28}"
    for train, test in sets.values():
        scores = [
            fit(train, hidden, activation, optimizer(), seed).evaluate(*test, metrics=["accuracy"])["accuracy"]
            for seed in range(args.starts)
        ]
        text += f"{np.mean(scores):10.1%}"
    print(text)


print(f"accuracy on fresh points, mean of {args.starts} starts, 40 epochs")
print(f"  {'':28}{'moons':>10}{'spirals':>10}")
print("architectures (tanh, Adam)")
for hidden in ((), (4,), (16,), (64,), (16, 16), (8, 8, 8)):
    row("-".join(map(str, (2, *hidden, "classes"))), hidden=hidden)
print("activations (16-16, Adam)")
for activation in ("linear", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu"):
    row(activation, activation=activation)
print("optimizers (16-16, tanh)")
for name, optimizer in {
    "SGD(0.1)": lambda: cnn.SGD(0.1),
    "SGD(0.1, momentum=0.9)": lambda: cnn.SGD(0.1, momentum=0.9),
    "Adagrad(0.1)": lambda: cnn.Adagrad(0.1),
    "RMSprop(0.01)": lambda: cnn.RMSprop(0.01),
    "Adam(0.01)": lambda: cnn.Adam(0.01),
    "AdamW(0.01)": lambda: cnn.AdamW(0.01),
}.items():
    row(name, optimizer=optimizer)
print("Without hidden layers, or with linear ones, the boundary is straight, however long it is trained.")

axes = story.panels(3, 2)
if axes:
    shown = (("no hidden layer", (), "tanh"), ("4 tanh units", (4,), "tanh"), ("16-16 relu", (16, 16), "relu"))
    for k, (train, _) in enumerate(sets.values()):
        for ax, (title, hidden, activation) in zip(axes[3 * k :], shown, strict=False):
            net = fit(train, hidden, activation, cnn.Adam(0.01), epochs=150)
            cnn.plots.decision_boundary(net, train[0][:150], train[1][:150], ax=ax, resolution=100)
            ax.set_title(title, fontsize="medium")
            ax.get_legend().remove()
            ax.set_xlabel("")
            ax.set_ylabel("")
    story.save(axes, args.folder, "09_activations_optimizers.png")
