"""The 2-2-1 network: two inputs, two hidden neurons, one output neuron."""

import numpy as np
import story

import cnn

args = story.arguments(__doc__)

# Each neuron of a layer gets all outputs of the layer before. `normal` draws every weight from N(0, 1), as the tutorial does;
# with a seed the same numbers come every time. float64 because we compare digits.
net = cnn.Network(
    [2, 2, 1], activation="sigmoid", output="sigmoid", init="normal", bias_init="normal", dtype="float64", seed=1
)
net.summary()

# A network is its neurons: the first layer with weights is called dense_1, the next dense_2.
h1, h2 = net.layer("dense_1").neurons
o1 = net.layer("dense_2").neurons[0]
print(f"\nh1 = {h1}\nh2 = {h2}\no1 = {o1}\n")

# By hand: the outputs of h1 and h2 are the inputs of o1. No more happens in a feedforward network of any size.
x = [2, 3]
out_h1 = h1.feedforward(x)
out_h2 = h2.feedforward(x)
print(f"neuron by neuron: {o1.feedforward([out_h1, out_h2])}")
print(f"net.feedforward:  {net.feedforward(x)}")

# The same with matrices, which is how all libraries do it: one row of `weight` for each neuron.
p = net.parameters


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


hidden = sigmoid(p["dense_1.weight"] @ x + p["dense_1.bias"])
print(f"with matrices:    {sigmoid(p['dense_2.weight'] @ hidden + p['dense_2.bias'])[0]}")

# Weights can be set by hand. These make exclusive or: h1 says "at least one", h2 says "not both", o1 says "h1 and h2".
# A neuron of a layer is a view: what is written to it is the network's at once.
h1.weights, h1.bias = [20, 20], -10
h2.weights, h2.bias = [-20, -20], 30
o1.weights, o1.bias = [20, 20], -30
print("\nexclusive or, with weights chosen by hand")
for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
    print(f"  {a} xor {b}: {net.feedforward([a, b]):.4f}")

axes = story.panels(3)
if axes:
    line = np.linspace(-0.5, 1.5, 101)
    grid = np.array([[a, b] for b in line for a in line])
    values = net.activations(grid)
    pictures = {
        "h1: at least one": values["dense_1"][:, 0],
        "h2: not both": values["dense_1"][:, 1],
        "o1: h1 and h2": values["dense_2"][:, 0],
    }
    for ax, (title, z) in zip(axes, pictures.items(), strict=True):
        ax.imshow(z.reshape(101, 101), extent=(-0.5, 1.5, -0.5, 1.5), origin="lower", cmap="coolwarm", vmin=0, vmax=1)
        ax.scatter([0, 1], [0, 1], s=60, color="white", edgecolor="black", marker="o")  # their target is 0
        ax.scatter([0, 1], [1, 0], s=60, color="black", edgecolor="white", marker="s")  # and of these 1
        ax.set_title(title)
        ax.set_xticks([0, 1])
        ax.set_yticks([0, 1])
    axes[1].set_xlabel("blue: output 0; red: output 1; circles want 0, squares 1")
    story.save(axes, args.folder, "02_network.png")
