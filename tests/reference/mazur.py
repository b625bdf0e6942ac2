"""Matt Mazur's worked backpropagation example: 2-2-2, sigmoid, `quadratic`, one step of the weights, biases fixed."""

import numpy as np

X = np.array([[0.05, 0.10]])
Y = np.array([[0.01, 0.99]])
W1 = np.array([[0.15, 0.20], [0.25, 0.30]])
B1 = np.array([0.35, 0.35])
W2 = np.array([[0.40, 0.45], [0.50, 0.55]])
B2 = np.array([0.60, 0.60])
LR = 0.5

LOSS_BEFORE = 0.298371109
W1_AFTER = np.array([[0.14978072, 0.19956143], [0.24975114, 0.29950229]])
W2_AFTER = np.array([[0.35891648, 0.40866619], [0.51130127, 0.56137012]])
LOSS_AFTER = 0.291027774
