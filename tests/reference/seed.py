"""The tutorial's neuron and network (`seed.txt`), written out as printed, in Python's floats and math.exp.

Repaired misprints: `total =, inputs)` and its kin are the dot product of the weights and the inputs; in the network
each neuron has two weights (the text draws one number and then indexes it). The dot product is w[0] x[0] + w[1] x[1],
without fused multiply-add.
"""

import math


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > -709 else 0.0  # math.exp raises where np.exp gives inf


def mse_loss(y_true, y_pred) -> float:
    return sum((t - p) ** 2 for t, p in zip(y_true, y_pred, strict=True)) / len(y_true)


class Neuron:
    def __init__(self, weights, bias):
        self.weights = [float(w) for w in weights]
        self.bias = float(bias)

    def total(self, inputs) -> float:
        total = 0.0
        for w, x in zip(self.weights, inputs, strict=True):
            total += w * float(x)
        return total + self.bias

    def feedforward(self, inputs) -> float:
        return sigmoid(self.total(inputs))


class NeuralNetwork:
    """2-2-1: h1 (w1, w2, b1), h2 (w3, w4, b2), o1 (w5, w6, b3)."""

    def __init__(self, weights, biases):
        w1, w2, w3, w4, w5, w6 = weights
        b1, b2, b3 = biases
        self.h1 = Neuron([w1, w2], b1)
        self.h2 = Neuron([w3, w4], b2)
        self.o1 = Neuron([w5, w6], b3)

    @property
    def weights(self) -> list[float]:
        """[w1, ..., w6]."""
        return self.h1.weights + self.h2.weights + self.o1.weights

    @property
    def biases(self) -> list[float]:
        """[b1, b2, b3]."""
        return [self.h1.bias, self.h2.bias, self.o1.bias]

    def feedforward(self, inputs) -> float:
        out_h1 = self.h1.feedforward(inputs)
        out_h2 = self.h2.feedforward(inputs)
        return self.o1.feedforward([out_h1, out_h2])

    def train(self, data, all_y_trues, learn_rate=0.1, epochs=1000):
        for _epoch in range(epochs):
            for sample, y_true in zip(data, all_y_trues, strict=True):
                x = [float(v) for v in sample]
                # --- do a feedforward (we'll need these values later)
                sum_h1 = self.h1.total(x)
                out_h1 = sigmoid(sum_h1)

                sum_h2 = self.h2.total(x)
                out_h2 = sigmoid(sum_h2)

                sum_o1 = self.o1.total([out_h1, out_h2])
                out_o1 = sigmoid(sum_o1)
                y_pred = out_o1

                # --- calculate partial derivatives
                d_L_d_ypred = -2 * (float(y_true) - y_pred)

                # Neuron o1
                d_ypred_d_w5 = out_h1 * sigmoid(sum_o1) * (1 - sigmoid(sum_o1))
                d_ypred_d_w6 = out_h2 * sigmoid(sum_o1) * (1 - sigmoid(sum_o1))
                d_ypred_d_b3 = sigmoid(sum_o1) * (1 - sigmoid(sum_o1))

                d_ypred_d_h1 = self.o1.weights[0] * sigmoid(sum_o1) * (1 - sigmoid(sum_o1))
                d_ypred_d_h2 = self.o1.weights[1] * sigmoid(sum_o1) * (1 - sigmoid(sum_o1))

                # Neuron h1
                d_h1_d_w1 = x[0] * sigmoid(sum_h1) * (1 - sigmoid(sum_h1))
                d_h1_d_w2 = x[1] * sigmoid(sum_h1) * (1 - sigmoid(sum_h1))
                d_h1_d_b1 = sigmoid(sum_h1) * (1 - sigmoid(sum_h1))

                # Neuron h2
                d_h2_d_w3 = x[0] * sigmoid(sum_h2) * (1 - sigmoid(sum_h2))
                d_h2_d_w4 = x[1] * sigmoid(sum_h2) * (1 - sigmoid(sum_h2))
                d_h2_d_b2 = sigmoid(sum_h2) * (1 - sigmoid(sum_h2))

                # --- Update weights and biases
                # Neuron h1
                self.h1.weights[0] -= learn_rate * d_L_d_ypred * d_ypred_d_h1 * d_h1_d_w1
                self.h1.weights[1] -= learn_rate * d_L_d_ypred * d_ypred_d_h1 * d_h1_d_w2
                self.h1.bias -= learn_rate * d_L_d_ypred * d_ypred_d_h1 * d_h1_d_b1

                # Neuron h2
                self.h2.weights[0] -= learn_rate * d_L_d_ypred * d_ypred_d_h2 * d_h2_d_w3
                self.h2.weights[1] -= learn_rate * d_L_d_ypred * d_ypred_d_h2 * d_h2_d_w4
                self.h2.bias -= learn_rate * d_L_d_ypred * d_ypred_d_h2 * d_h2_d_b2

                # Neuron o1
                self.o1.weights[0] -= learn_rate * d_L_d_ypred * d_ypred_d_w5
                self.o1.weights[1] -= learn_rate * d_L_d_ypred * d_ypred_d_w6
                self.o1.bias -= learn_rate * d_L_d_ypred * d_ypred_d_b3


XOR_DATA = [[0, 0], [0, 1], [1, 0], [1, 1]]
XOR_TARGETS = [0, 1, 1, 0]
NEURON_EXAMPLE = {"weights": [0, 1], "bias": 4, "inputs": [2, 3], "output": 0.9990889488055994}
