"""CS231n's check of an affine layer. Its weight is (in, out): transpose it for a Dense layer's (out, in)."""

import numpy as np

X = np.linspace(-0.1, 0.5, 240).reshape(2, 120)
W_IN_OUT = np.linspace(-0.2, 0.3, 360).reshape(120, 3)
WEIGHT = np.ascontiguousarray(W_IN_OUT.T)
BIAS = np.linspace(-0.3, 0.1, 3)
OUTPUT = np.array([[1.49834967, 1.70660132, 1.91485297], [3.25553199, 3.5141327, 3.77273342]])
