"""Backpropagation with its numbers: Mazur's worked example, step by step.

Matt Mazur, "A Step by Step Backpropagation Example" (2015): two inputs, two hidden neurons, two outputs, all with the sigmoid.
"""

import numpy as np
import story

import cnn

args = story.arguments(__doc__, steps=10_000)

net = cnn.Network([2, 2, 2], activation="sigmoid", output="sigmoid", dtype="float64", seed=0)
net.set_parameters(
    {
        "dense_1.weight": [[0.15, 0.20], [0.25, 0.30]],  # a row for each neuron
        "dense_1.bias": [0.35, 0.35],
        "dense_2.weight": [[0.40, 0.45], [0.50, 0.55]],
        "dense_2.bias": [0.60, 0.60],
    }
)
x, target = [0.05, 0.10], [0.01, 0.99]

# Every number of one step. Forward: sums and outputs. Backward, from the last layer to the first: how the loss changes with
# each output (dL/dout), the slope of the activation (dout/dsum), and their product (dL/dsum); times the input it is the slope for
# a weight, and the weight goes a little the other way. `quadratic` is half the sum of squares, Mazur's error.
trace = net.trace(x, target, loss="quadratic", lr=0.5)

# The same numbers as an object. Mazur prints E = 0.298371109, w5 = 0.35891648 and so on.
print("\nas Mazur prints them")
print(f"  E  = {trace.loss:.9f}")
for name, value in zip(("w5", "w6", "w7", "w8"), trace.new_parameters["dense_2.weight"].flat, strict=True):
    print(f"  {name} = {value:.8f}")
for name, value in zip(("w1", "w2", "w3", "w4"), trace.new_parameters["dense_1.weight"].flat, strict=True):
    print(f"  {name} = {value:.8f}")

# `gradients` gives all slopes at once. The test of any slope: change the weight a little, and see how the loss changes.
_, slopes = net.gradients([x], [target], loss="quadratic")
weight = net.parameters["dense_1.weight"]
h = 1e-5
weight[0, 0] += h
up = net.evaluate([x], [target], loss="quadratic")["loss"]
weight[0, 0] -= 2 * h
down = net.evaluate([x], [target], loss="quadratic")["loss"]
weight[0, 0] += h
print(
    f"\nslope for w1 by backpropagation: {slopes['dense_1.weight'][0, 0]:.9f}; by a small change: {(up - down) / 2 / h:.9f}"
)

# Many steps. Mazur leaves the biases as they are, so they are put back each time.
biases = {name: value.copy() for name, value in net.parameters.items() if name.endswith("bias")}
optimizer = cnn.SGD(0.5)
losses = []
for _ in range(args.steps):
    losses.append(net.partial_fit([x], [target], loss="quadratic", optimizer=optimizer))
    net.set_parameters(biases, strict=False)
losses.append(net.evaluate([x], [target], loss="quadratic")["loss"])
print(f"\nE after 1 step: {losses[1]:.9f}; after {args.steps} steps: {losses[-1]:.10f}")
print(f"outputs now: {np.round(net.feedforward(x), 9).tolist()} for the targets {target}")

axes = story.panels(1, width=5)
if axes:
    axes[0].loglog(np.arange(1, len(losses) + 1), losses, linewidth=2)
    axes[0].set_xlabel("step")
    axes[0].set_ylabel("E")
    axes[0].set_title("Mazur's example: the error")
    axes[0].grid(alpha=0.3)
    story.save(axes, args.folder, "03_backpropagation.png")
