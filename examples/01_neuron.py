"""One neuron: a weighted sum, a bias, an activation."""

import math

import numpy as np
import story

import cnn

args = story.arguments(__doc__)

# Two inputs, two weights, one bias.
weights = np.array([0.0, 1.0])
bias = 4.0
inputs = np.array([2.0, 3.0])

# By hand: the sum of weight * input, plus the bias, is 0*2 + 1*3 + 4 = 7. The sigmoid squeezes any number into 0..1.
total = np.dot(weights, inputs) + bias
by_hand = 1 / (1 + math.exp(-total))
print(f"by hand:     sum = {total:g}, sigmoid(sum) = {by_hand}")

# The same by the engine, which also trains networks of it.
neuron = cnn.Neuron(weights, bias, activation="sigmoid")
print(f"cnn.Neuron:  {neuron.feedforward(inputs)}")

# A weight says how much an input counts: here the first counts nothing, whatever it is.
print(f"first input 100 instead of 2:  {neuron.feedforward([100, 3])}")
# The bias shifts the point where the neuron wakes up: without it the sum is 3.
neuron.bias = 0
print(f"bias 0 instead of 4:           {neuron.feedforward(inputs)}")

# The activation is what the sum goes through. Without one (linear) any stack of layers would be one weighted sum again.
print("\nthe same sum through other activations")
print("    sum  " + "".join(f"{name:>9}" for name in ("linear", "sigmoid", "tanh", "relu")))
for x in (-4, -1, 0, 1, 4):
    row = [cnn.Neuron([1], activation=name).feedforward([x]) for name in ("linear", "sigmoid", "tanh", "relu")]
    print(f"{x:7}  " + "".join(f"{y:9.4f}" for y in row))

axes = story.panels(3)
if axes:
    xs = np.linspace(-6, 6, 121)
    for ax, name in zip(axes, ("sigmoid", "tanh", "relu"), strict=True):
        curve = cnn.Neuron([1], activation=name)
        ax.axhline(0, color="lightgray")
        ax.axvline(0, color="lightgray")
        ax.plot(xs, [curve.feedforward([x]) for x in xs], linewidth=2)
        ax.set_title(name)
        ax.set_xlabel("weights · inputs + bias")
    axes[0].set_ylabel("output")
    story.save(axes, args.folder, "01_neuron.png")
