"""Writes the packaged digits as digits.c reads them: 64 pixels and the label, a byte each."""

import sys

import numpy as np

from cnn import datasets

X, y = datasets.digits()
np.c_[X, y].astype(np.uint8).tofile(sys.argv[1] if len(sys.argv) > 1 else "digits.bin")
