"""A plain NumPy float64 reference of everything that `cnn` computes. It never imports `cnn`.

Slow and obvious on purpose: one formula a function, with its source. Definitions and constants are PyTorch's.
"""
