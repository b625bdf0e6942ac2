"""What a session keeps of a network's values (weights in the order of a kernel, ...): every change of them is seen, bit for bit."""

import copy
import gc
import os
import subprocess
from itertools import pairwise

import numpy as np
import pytest

import cnn
from cnn import _core

pytestmark = pytest.mark.usefixtures("divided")

COMPILER = os.environ.get("CC", "cc")
RNG = np.random.default_rng(3)
X = RNG.standard_normal((6, 4, 10, 9))
Y = RNG.integers(0, 3, 6)
LAYERS = {
    "winograd": lambda: [cnn.Conv2D(16, 1), cnn.Conv2D(17, 3, padding="same", activation="relu")],
    "plain": lambda: [cnn.Conv2D(5, (3, 2), stride=2, padding=1, activation="relu")],
    "groups": lambda: [cnn.Conv2D(6, 3, groups=2), cnn.Conv2D(6, 3, groups=6)],
    "transposed": lambda: [cnn.ConvTranspose2D(5, 3, stride=2)],
    "transposed winograd": lambda: [cnn.Conv2D(16, 1), cnn.ConvTranspose2D(18, 3, padding=1)],
    "normalized": lambda: [
        cnn.Conv2D(8, 3),
        cnn.BatchNorm(),
        cnn.Activation("relu"),
        cnn.Conv2D(8, 3, padding="same"),
        cnn.BatchNorm(),
    ],
}


@pytest.fixture(params=LAYERS)
def layers(request):
    return LAYERS[request.param]


def network(layers, dtype="float32", seed=0):
    return cnn.Network(
        [cnn.Input((4, 10, 9)), *layers(), cnn.GlobalAvgPool2D(), cnn.Dense(3, activation="softmax")],
        dtype=dtype,
        seed=seed,
    )


def assert_now(net):
    """One row, a batch and a snapshot have the bits of a network that has never predicted anything else."""
    x = X.astype(net.dtype)
    fresh = net.copy()
    for rows in (x[:1], x, x[1:3]):
        np.testing.assert_array_equal(net.predict(rows), fresh.copy().predict(rows))
        np.testing.assert_array_equal(net.session(max_batch=6).run(rows), net.predict(rows))


CHANGES = {
    "set_parameters": lambda net, layers: net.set_parameters(network(layers, net.dtype, 5).parameters),
    "copy_from": lambda net, layers: net.copy_from(network(layers, net.dtype, 6)),
    "mixed": lambda net, layers: net.copy_from(network(layers, net.dtype, 7), 0.25),
    "reset": lambda net, layers: net.reset(8),
    "fit": lambda net, layers: net.fit(X, Y, epochs=2, batch_size=3, verbose=0),
    "lbfgs": lambda net, layers: net.fit(X, Y, epochs=2, optimizer="lbfgs", verbose=0),
    "partial_fit": lambda net, layers: net.partial_fit(X, Y),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_seen(layers, change, dtype):
    net = network(layers, dtype)
    assert_now(net)
    before = net.predict(X.astype(dtype))
    CHANGES[change](net, layers)
    assert (net.predict(X.astype(dtype)) != before).any()
    assert_now(net)


def test_a_step_by_hand_is_seen(layers):
    net = network(layers)
    net.predict(X)
    for _ in range(2):
        net.backward(net.forward(X, training=True) - np.eye(3, dtype=np.float32)[Y])
        net.step("sgd")
        assert_now(net)


def test_views_are_seen_while_they_live(layers):
    net = network(layers)
    for name in list(net.parameters):
        assert_now(net)
        view = net.parameters[name]
        assert net._views == 1
        for factor in (1.5, -2):
            view *= factor
            assert_now(net)
        del view
        gc.collect()
        assert net._views == 0
        assert_now(net)


def test_a_view_made_before_the_first_prediction(layers):
    net = network(layers)
    weight = next(iter(net.parameters.values()))
    for _ in range(3):
        net.predict(X)
        weight += 0.25
        assert_now(net)


def test_a_snapshot_stays_until_it_is_refreshed(layers):
    net = network(layers)
    x = X.astype(np.float32)
    session = net.session(max_batch=6)
    before = session.run(x)
    net.reset(4)
    np.testing.assert_array_equal(session.run(x), before)
    session.refresh()
    np.testing.assert_array_equal(session.run(x), net.predict(x))
    assert (net.predict(x) != before).any()


def test_the_hooks_of_a_fit_see_the_values_of_now(layers):
    net = network(layers)
    seen = []

    class Look(cnn.Callback):
        def on_train_batch_end(self, *_):
            seen.append(net.predict(X))
            np.testing.assert_array_equal(seen[-1], copy.copy(net).predict(X))

    net.fit(X, Y, epochs=2, batch_size=3, verbose=0, callbacks=[Look()])
    assert len(seen) == 4
    assert all((a != b).any() for a, b in pairwise(seen))


def test_the_loss_of_a_search_sees_its_trials():
    """L-BFGS tries values inside a step."""
    net = network(LAYERS["winograd"])
    seen = []

    def loss(y, p):
        seen.append(net.predict(X))
        np.testing.assert_array_equal(seen[-1], net.copy().predict(X))
        d = p - np.eye(3, dtype=p.dtype)[y]
        return (d * d).sum(axis=1), 2 * d

    net.fit(X, Y, epochs=3, optimizer="lbfgs", loss=loss, verbose=0)
    assert len(seen) > 3
    assert (seen[0] != seen[-1]).any()


def test_a_warm_prediction_allocates_nothing_by_the_engine(layers):
    net = network(layers)
    x = X.astype(np.float32)
    out = net.predict(x)
    net.predict(x[:1])
    made = _core.allocations()[0]
    net.predict(x, out=out)
    net.predict(x[:1], out=out[:1])
    view = next(iter(net.parameters.values()))
    net.predict(x, out=out)
    assert view.base is not None
    assert _core.allocations()[0] == made


SNAPSHOTS = r"""
#include "cnn/cnn.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define CHECK(x) do { if (!(x)) { printf("failed: %s: %s\n", #x, error.text); return 1; } } while (0)
static float x[6][4][10][9], y[6][3], z[6][3];
int main(int argc, char **argv) {
  cnn_error error = {sizeof error, CNN_OK, -1, ""};
  cnn_options options = {sizeof options, NULL, NULL, &error};
  cnn_session_options so = {sizeof so, &options, 6, 0};
  cnn_network *net;
  cnn_session *s, *placed, *fresh;
  size_t bytes;
  for (int i = 0; i < 6 * 360; ++i) (&x[0][0][0][0])[i] = (float)((i * 7) % 17) / 8 - 1;
  CHECK(argc == 2 && !cnn_network_open(argv[1], &options, &net));
  CHECK(!cnn_session_create(net, &so, &s) && !cnn_session_size(net, &so, &bytes));
  char *block = malloc(bytes);
  CHECK(block && !cnn_session_create_in(net, &so, block, bytes, &placed));
  for (size_t i = 0; i < cnn_network_parameter_count(net); ++i) {
    float *values = cnn_network_parameter_data(net, i);
    for (int round = 0; round < 2; ++round) {
      CHECK(!cnn_session_run(s, x[0][0][0], 6, y[0]) && !cnn_session_run(placed, x[0][0][0], 6, z[0]) && !memcmp(y, z, sizeof y));
      values[0] += 0.5f;
      CHECK(!cnn_session_run(s, x[0][0][0], 6, z[0]) && !memcmp(y, z, sizeof y)); /* a snapshot */
      CHECK(!cnn_session_refresh(s) && !cnn_session_refresh(placed) && !cnn_session_create(net, &so, &fresh));
      CHECK(!cnn_session_run(s, x[0][0][0], 6, y[0]) && !cnn_session_run(fresh, x[0][0][0], 6, z[0]) && !memcmp(y, z, sizeof y));
      CHECK(!cnn_session_run(placed, x[0][0][0], 1, y[0]) && !cnn_session_run(fresh, x[0][0][0], 1, z[0]) && !memcmp(y, z, sizeof y[0]));
      cnn_session_free(fresh);
    }
  }
  cnn_session_free(s);
  cnn_session_free(placed);
  cnn_network_free(net);
  free(block);
  return 0;
}
"""


def test_snapshots_from_c(layers, tmp_path):
    """Values written through pointers are taken by refresh, and not before; the stated size is enough."""
    network(layers).save(tmp_path / "net.cnn")
    (tmp_path / "snapshots.c").write_text(SNAPSHOTS)
    program = str(tmp_path / "snapshots")
    command = [COMPILER, "-std=c99", "-O1", f"-I{cnn.get_include()}", str(tmp_path / "snapshots.c"), cnn.get_library()]
    subprocess.run([*command, "-lm", "-pthread", "-o", program], check=True)
    done = subprocess.run([program, str(tmp_path / "net.cnn")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
