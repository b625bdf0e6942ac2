"""Exclusive or from random starts: how often the tutorial's settings learn it, why often not, and what always works."""

import numpy as np
import story

import cnn
from cnn.datasets import xor

args = story.arguments(__doc__, starts=1000)
X, y = xor("float64")


def tutorial_network(seed):
    """2-2-1 with sigmoids; weights and biases from N(0, 1)."""
    return cnn.Network(
        [2, 2, 1], activation="sigmoid", output="sigmoid", init="normal", bias_init="normal", dtype="float64", seed=seed
    )


def right(net):
    """Whether all four answers are on the right side of one half."""
    return bool(((net.predict(X) > 0.5) == (y > 0.5)).all())


# 1. The tutorial's loop (plain gradient descent, one sample at a time, squared error) from many starts.
print(f"{args.starts} random starts of the tutorial's 2-2-1 network")
ends = {}
for lr, epochs in ((0.1, 1000), (0.5, 5000)):
    count, ends[lr] = 0, np.zeros(args.starts)
    for seed in range(args.starts):
        net = tutorial_network(seed)
        net.train(X, y, learn_rate=lr, epochs=epochs)
        count += right(net)
        ends[lr][seed] = net.evaluate(X, y)["loss"]
    print(f"  lr {lr}, {epochs} epochs: {count} of {args.starts} right ({count / args.starts:.1%})")

# 2. Where the others stand: on plateaus, flat ground where the slopes are so small that steps lead nowhere. The first is at 1/4, where
# all four outputs are 1/2. With lr 0.1, 1000 epochs are too few to leave it; with more and larger steps other plateaus remain.
print(
    f"\nlr 0.1 and 1000 epochs: half of the starts end with a loss above {np.median(ends[0.1]):.3f}; all outputs at 1/2 would be 0.250"
)
final = ends[0.5]
print("lr 0.5 and 5000 epochs: the loss at the end")
print(f"  below 0.01           {np.sum(final < 0.01):4}   learnt")
print(f"  0.12 to 0.13         {np.sum(abs(final - 0.125) < 0.005):4}   near 1/8: two answers right, two at 1/2")
print(f"  0.16 to 0.175        {np.sum(abs(final - 0.1675) < 0.0075):4}   near 1/6: one answer 0, three at 2/3")
other = (final >= 0.01) & (abs(final - 0.125) >= 0.005) & (abs(final - 0.1675) >= 0.0075)
print(f"  anything else        {np.sum(other):4}")

stuck = int(np.flatnonzero(abs(final - 0.125) < 0.005)[0])
net = tutorial_network(stuck)
net.train(X, y, learn_rate=0.5, epochs=5000)
hidden = net.activations(X)["dense_1"]
print(f"\nstart {stuck} ends near 1/8. Where the hidden neurons agree, the output neuron cannot tell the points apart:")
for x, h, p, t in zip(X, hidden, net.predict(X), y, strict=True):
    print(f"  {x.astype(int)}: h1 = {h[0]:.2f}, h2 = {h[1]:.2f}, output = {p[0]:.2f}, target {t[0]:.0f}")
_, slopes = net.gradients(X, y, loss="mse")
print(
    f"and the largest slope of a hidden weight is {abs(slopes['dense_1.weight']).max():.1e}: a sigmoid near 0 or 1 is flat"
)

# 3. Symmetry. Two hidden neurons that begin alike get the same slopes, so they stay alike: there is only one of them.
net = tutorial_network(0)
net.layer("dense_1").weight = [[0.5, -0.3], [0.5, -0.3]]
net.layer("dense_1").bias = [0.1, 0.1]
net.layer("dense_2").weight = [[0.7, 0.7]]
net.train(X, y, learn_rate=0.5, epochs=5000)
w = net.layer("dense_1").weight
print(
    f"\nhidden neurons that begin alike, after 5000 epochs: {w[0].round(4).tolist()} and {w[1].round(4).tolist()};",
    end=" ",
)
print(f"alike: {(w[0] == w[1]).all()}; learnt: {right(net)}, loss {net.evaluate(X, y)['loss']:.4f}")

# 4. What always works: more hidden neurons than needed (one that is stuck does not matter), tanh (its slope is up to 1, the
# sigmoid's 1/4), cross-entropy (its slope does not vanish where the answer is wrong), Adam (steps of one size on flat ground, too).
# Without loss= the network takes the one that suits its output; for a sigmoid that is binary cross-entropy.
count, nearest = 0, 0.5
for seed in range(args.starts):
    net = cnn.Network([2, 8, 1], activation="tanh", output="sigmoid", seed=seed)
    net.fit(X, y, epochs=400, batch_size=4, optimizer=cnn.Adam(0.05), verbose=0)
    count += right(net)
    nearest = min(nearest, abs(net.predict(X) - 0.5).min())
print(f"\n8 tanh neurons, Adam(0.05), cross-entropy, 400 epochs: {count} of {args.starts} right;", end=" ")
print(f"no answer is further than {0.5 - nearest:.3f} from its target")

axes = story.panels(2, width=4)
if axes:
    # Training goes on where it was, so that a fit may be cut into pieces to look at the loss in between.
    looks = np.unique(np.geomspace(1, 5000, 80).astype(int))
    for seed in range(min(args.starts, 60)):
        net, losses = tutorial_network(seed), []
        for before, now in zip([0, *looks], looks, strict=False):
            net.train(X, y, learn_rate=0.5, epochs=int(now - before))
            losses.append(net.evaluate(X, y)["loss"])
        colour = "tab:blue" if final[seed] < 0.01 else "tab:orange" if final[seed] < 0.15 else "tab:red"
        axes[0].semilogx(looks, losses, color=colour, alpha=0.5, linewidth=0.8)
    for level, name in ((1 / 4, "1/4"), (1 / 6, "1/6"), (1 / 8, "1/8")):
        axes[0].axhline(level, color="gray", linestyle=":", linewidth=0.8)
        axes[0].text(6000, level, name, va="center")
    axes[0].set_xlim(1, 5000)
    axes[0].set_ylim(0, 0.4)
    axes[0].set_title("60 starts, lr 0.5")
    axes[0].set_xlabel("epoch")
    axes[0].set_ylabel("loss")
    bins = np.linspace(0, 0.26, 53)
    axes[1].hist(ends[0.5], bins=bins, label="lr 0.5, 5000 epochs", color="tab:blue")
    axes[1].hist(ends[0.1], bins=bins, label="lr 0.1, 1000 epochs", color="black", histtype="step")
    axes[1].set_yscale("log")
    axes[1].set_ylim(0.7, 2e4)
    axes[1].set_title(f"{args.starts} starts: loss at the end")
    axes[1].set_xlabel("loss")
    axes[1].legend(fontsize="small", loc="upper right")
    story.save(axes, args.folder, "04_xor.png")
