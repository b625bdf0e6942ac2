"""Where the large arrays of a plan lie: at different places of a page, so that what an op writes does not meet in the cache what it reads."""

import os
import subprocess

import numpy as np
import pytest

import cnn

COMPILER = os.environ.get("CC", "cc")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the command line is a POSIX compiler's")
PAGE, LINE = 4096, 64

# A session in a block of the program's own, which is then searched: the values of layer i are all i + 1.
PROGRAM = r"""
#include "cnn/cnn.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define CHECK(x) do { if (!(x)) { printf("failed: %s: %s\n", #x, error.text); return 1; } } while (0)
int main(int argc, char **argv) {
  cnn_error error = {sizeof error, CNN_OK, -1, ""};
  cnn_options options = {sizeof options, NULL, NULL, &error};
  cnn_session_options so = {sizeof so, &options, 0, 0};
  cnn_network *net;
  cnn_session *s;
  size_t bytes, count, n;
  CHECK(argc == 4);
  so.max_batch = (size_t)atol(argv[2]);
  count = (size_t)atol(argv[3]);
  CHECK(!cnn_network_open(argv[1], &options, &net) && !cnn_session_size(net, &so, &bytes));
  real *block = malloc(bytes), *x = calloc(count, sizeof(real)), *y = calloc(count, sizeof(real));
  CHECK(block && x && y);
  memset(block, 0, bytes);
  CHECK(!cnn_session_create_in(net, &so, block, bytes, &s) && !run(s, x, so.max_batch, y));
  for (size_t i = 0; i + count <= bytes / sizeof(real); i += n) {
    for (n = 1; i + n < bytes / sizeof(real) && block[i + n] == block[i]; ++n) {}
    if (block[i] >= 1 && n == count) printf("%g %zu\n", (double)block[i], (size_t)(block + i));
  }
  cnn_session_free(s);
  cnn_network_free(net);
  free(block);
  free(x);
  free(y);
  return 0;
}
"""


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("places")
    (folder / "places.c").write_text(PROGRAM)
    for dtype, flags in {
        "float32": ["-Dreal=float", "-Drun=cnn_session_run"],
        "float64": ["-Dreal=double", "-Drun=cnn_session_run_f64"],
    }.items():
        command = [COMPILER, "-std=c99", "-O1", *flags, f"-I{cnn.get_include()}", str(folder / "places.c")]
        subprocess.run([*command, cnn.get_library(), "-lm", "-pthread", "-o", str(folder / dtype)], check=True)
    return folder


NETWORKS = {
    "dense": lambda: [cnn.Input(1024), *(cnn.Dense(1024) for _ in range(5))],
    "images": lambda: [cnn.Input((16, 8, 8)), *(cnn.Conv2D(16, 3, padding="same") for _ in range(5))],
    "depthwise": lambda: [cnn.Input((16, 8, 8)), *(cnn.Conv2D(16, 3, padding="same", groups=16) for _ in range(5))],
}


def places(programs, layers, dtype, rows, tmp_path):
    """By layer, the address of its values, where nothing has been written over them."""
    net = cnn.Network(layers, dtype=dtype, seed=0)
    biases = [values for name, values in net.parameters.items() if name.endswith("bias")]
    for values in net.parameters.values():
        values[...] = 0
    for i, values in enumerate(biases):
        values[...] = i + 1
    net.save(tmp_path / "net.cnn")
    command = [programs / dtype, tmp_path / "net.cnn", str(rows), str(rows * 1024)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    return {int(layer): int(place) for layer, place in (line.split() for line in done.stdout.splitlines())}


@pytest.mark.parametrize("rows", [8, 10])  # one tile of them
@pytest.mark.parametrize("network", NETWORKS)
def test_an_op_reads_and_writes_at_different_places_of_a_page(network, rows, dtype, programs, tmp_path):
    """Whole pages each: the first thing that a plan would do is to put them behind each other."""
    found = places(programs, NETWORKS[network](), dtype, rows, tmp_path)
    assert {3, 4} <= {*found}, found  # of the last two that are in the session's memory
    apart = (found[3] - found[4]) % PAGE
    assert LINE <= apart <= PAGE - LINE
    assert np.dtype(dtype).itemsize * rows * 1024 % PAGE == 0
