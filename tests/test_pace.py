"""Training may change between its team of threads and one thread alone, between any two steps: no bit tells."""

import os

import numpy as np
import pytest
from test_c_api import build
from test_c_api import run as run_program

import cnn

ROWS = 96
RNG = np.random.default_rng(4)
IMAGES = RNG.normal(size=(ROWS, 3, 12, 12))
FLAT = IMAGES.reshape(ROWS, -1)
SERIES = RNG.normal(size=(1200, 6))


def conv(*after):
    return [cnn.Conv2D(16, 3, padding=1), *after, cnn.Activation("relu"), cnn.MaxPool2D(2)]


# What divides its work: ops by units, features, rows and images; batches by parts; gathers, losses, sums of gradients, updates.
NETWORKS = {
    "units": (FLAT, lambda: [cnn.Dense(300, activation="relu"), cnn.Dropout(0.2), cnn.Dense(200), cnn.LayerNorm(), cnn.PReLU()]),
    "parts": (SERIES, lambda: [cnn.Dense(64, activation="tanh"), cnn.Dense(32, activation="tanh")]),
    "images": (IMAGES, lambda: [*conv(), *conv(), cnn.Flatten(), cnn.Dense(40)]),
    "whole batches": (IMAGES, lambda: [*conv(cnn.BatchNorm()), *conv(cnn.GroupNorm(4)), cnn.Flatten(), cnn.Dense(40)]),
}  # fmt: skip


class Changes(cnn.Callback):
    """By turns so many steps alone, so many with the team."""

    def __init__(self, steps):
        self.steps, self.n = steps, 0

    def on_train_batch_begin(self, batch, logs):
        self.n += 1
        self.network._trainer.pace = self.n // self.steps % 2 == 1


def trained(name, dtype, threads, callbacks=(), optimizer="adam", **options):
    x, layers = NETWORKS[name]
    x = x.astype(dtype)
    if optimizer == "adam":  # L-BFGS takes all rows at once
        options["batch_size"] = 400 if name == "parts" else 32
    options = {"epochs": 4, "callbacks": list(callbacks), "optimizer": optimizer, "verbose": 0, **options}
    with cnn.threads(threads):
        net = cnn.Network([cnn.Input(x.shape[1:]), *layers(), cnn.Dense(5, activation="softmax")], dtype=dtype, seed=3)
        net.fit(x, np.arange(len(x)) % 5, **options)
        return net, b"".join(np.ascontiguousarray(v).tobytes() for v in net.parameters.values())


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("threads", [2, 3])
def test_changes_do_not_show(name, threads, dtype, isa):
    net, expected = trained(name, dtype, 1)
    for steps in (1, 2):
        other, bits = trained(name, dtype, threads, [Changes(steps)])
        assert bits == expected
        assert other.history.history["loss"] == net.history.history["loss"]


def test_changes_do_not_show_with_lbfgs():
    expected = trained("parts", "float64", 1, optimizer="lbfgs")[1]
    assert trained("parts", "float64", 2, [Changes(1)], optimizer="lbfgs")[1] == expected


def test_changes_do_not_show_with_augmented_images():
    augment = cnn.data.Augment(flip="horizontal", shift=2, noise=0.1)
    for name in ("images", "whole batches"):
        expected = trained(name, "float32", 1, augment=augment)[1]
        assert trained(name, "float32", 3, [Changes(1)], augment=augment)[1] == expected


def test_a_fit_may_begin_alone():
    """Room that a fit makes is for the team, too."""
    augment = cnn.data.Augment(shift=2)

    def run(threads, alone):
        net, _ = trained("images", "float32", threads, epochs=1)
        with cnn.threads(threads):
            net._trainer.pace = alone
            net.fit(IMAGES, np.arange(ROWS) % 5, epochs=2, augment=augment, callbacks=[Changes(2)], verbose=0)
        return net.predict(IMAGES).tobytes()

    assert run(3, True) == run(1, False)


@pytest.mark.parametrize("sizes, batch_size", [([6, 2, 1], 1), ([6, 16, 3], 16), ([6, 200, 100, 3], 2)])
def test_small_steps_are_not_timed(sizes, batch_size):
    with cnn.threads(2):
        net = cnn.Network(sizes, seed=1)
        net.fit(SERIES, SERIES[:, : sizes[-1]], epochs=5, batch_size=batch_size, verbose=0)
        assert net._trainer.pace == (False, 0, 0)


def test_a_team_is_timed():
    with cnn.threads(2):
        net, _ = trained("units", "float32", 2)
        for _ in range(10000):
            net.fit(FLAT, np.arange(ROWS) % 5, epochs=5, verbose=0)
            if net._trainer.pace[1] > 0:
                return
    raise AssertionError("it is not")


HOST = r"""
#define _POSIX_C_SOURCE 199309L
#include "cnn/cnn.h"
#include <stdio.h>
#include <string.h>
#include <time.h>
#define CHECK(x) do { if (!(x)) { printf("failed: %s: %s\n", #x, error.text); return 1; } } while (0)
enum { FEATURES = 256, UNITS = 192, CLASSES = 10, ROWS = 32 };
static float x[ROWS * FEATURES], y[ROWS * CLASSES];
static int runs, slow;

/* A host whose threads take long to come. */
static void run(void *user, int32_t members, void (*body)(void *arg, int32_t member, int32_t members), void *arg) {
  const struct timespec while_they_come = {0, 200000};
  runs += user == &runs;
  if (slow) nanosleep(&while_they_come, NULL);
  for (int32_t m = members; m-- > 0;) body(arg, m, members);
}

static cnn_error error = {sizeof error, CNN_OK, -1, ""};

static int trainer_of(const cnn_executor *executor, cnn_options *options, cnn_network **net, cnn_trainer **trainer) {
  const int64_t shape[] = {FEATURES};
  const cnn_attribute input[] = {{"shape", 0, 0, NULL, shape, 1}}, hidden[] = {{"units", UNITS, 0, NULL, NULL, 0}};
  const cnn_attribute dense[] = {{"units", CLASSES, 0, NULL, NULL, 0}}, tanh_[] = {{"activation", CNN_TANH, 0, NULL, NULL, 0}};
  cnn_trainer_options to = {.size = sizeof to, .options = options, .max_batch = ROWS};
  cnn_builder *builder;
  int32_t value;
  *options = (cnn_options){sizeof *options, NULL, executor, &error};
  CHECK(!cnn_builder_create(options, &builder));
  CHECK(!cnn_builder_add(builder, CNN_OP_INPUT, NULL, 0, input, 1, &value));
  CHECK(!cnn_builder_add(builder, CNN_OP_DENSE, &value, 1, hidden, 1, &value));
  CHECK(!cnn_builder_add(builder, CNN_OP_ACTIVATION, &value, 1, tanh_, 1, &value));
  CHECK(!cnn_builder_add(builder, CNN_OP_DENSE, &value, 1, dense, 1, &value));
  CHECK(!cnn_builder_finish(builder, &value, 1, CNN_FLOAT32, 7, net));
  cnn_builder_free(builder);
  CHECK(!cnn_trainer_create(*net, &to, trainer));
  return 0;
}

int main(void) {
  const cnn_executor host = {sizeof host, &runs, 2, run};
  const time_t until = time(NULL) + 50;
  cnn_options options[2];
  cnn_network *net[2];
  cnn_trainer *trainer[2];
  int steps = 0, quiet = 0, before;
  for (int i = 0; i < ROWS * FEATURES; i++) x[i] = (float)(i * 37 % 101) / 101 - 0.5f;
  for (int i = 0; i < ROWS * CLASSES; i++) y[i] = (float)(i * 17 % 23) / 23;
  CHECK(!trainer_of(&host, &options[0], &net[0], &trainer[0]) && !trainer_of(NULL, &options[1], &net[1], &trainer[1]));

  for (int s = 0; s < 30; s++, steps++) { /* at first it is used at every step */
    before = runs;
    CHECK(!cnn_trainer_step(trainer[0], x, y, ROWS, NULL) && runs > before);
  }
  slow = 1; /* then it is found to cost more than it gives, */
  for (; quiet < 30 && time(NULL) < until; steps++) {
    before = runs;
    CHECK(!cnn_trainer_step(trainer[0], x, y, ROWS, NULL));
    quiet = runs == before ? quiet + 1 : 0;
  }
  CHECK(quiet == 30);
  slow = 0; /* and is tried again */
  for (before = runs; runs == before && time(NULL) < until; steps++) CHECK(!cnn_trainer_step(trainer[0], x, y, ROWS, NULL));
  CHECK(runs > before);

  for (int s = 0; s < steps; s++) CHECK(!cnn_trainer_step(trainer[1], x, y, ROWS, NULL));
  CHECK(!memcmp(cnn_network_parameter_data(net[0], 0), cnn_network_parameter_data(net[1], 0), FEATURES * UNITS * sizeof(float)));
  for (int i = 0; i < 2; i++) cnn_trainer_free(trainer[i]), cnn_network_free(net[i]);
  printf("the same\n");
  return 0;
}
"""


@pytest.mark.skipif(os.name == "nt", reason="a POSIX program")
def test_a_host_that_is_slow_is_done_without(tmp_path):
    (tmp_path / "host.c").write_text(HOST)
    assert run_program(build(tmp_path / "host.c", tmp_path / "host", "-Wno-missing-field-initializers")) == "the same\n"
