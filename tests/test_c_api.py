"""C's side: the examples built by a real compiler against the header and library of this package, no Python in them, and the same bits."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import cnn
from cnn import datasets

EXAMPLES = Path(__file__).resolve().parent.parent / "examples" / "embed_c"
COMPILER = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the examples' command line is a POSIX compiler's")


def build(source, out, *flags):
    assert COMPILER, "a C compiler is needed to test the C side"
    command = [
        COMPILER,
        "-std=c99",
        "-O2",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-pedantic",
        *flags,
        f"-I{cnn.get_include()}",
        str(source),
    ]
    subprocess.run([*command, cnn.get_library(), "-lm", "-pthread", "-o", str(out)], check=True)
    return out


def run(program, *arguments, **environment):
    return subprocess.run(
        [str(program), *map(str, arguments)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    ).stdout


def test_xor(tmp_path):
    assert "right, and the same after save and load" in run(
        build(EXAMPLES / "xor.c", tmp_path / "xor"), tmp_path / "xor.cnn"
    )


def test_digits_have_pythons_bits(tmp_path, isa):
    """The C program and Python, from one seed: the same trained weights and predictions, bit for bit, on every instruction set."""
    X, y = datasets.digits()
    np.c_[X, y].astype(np.uint8).tofile(tmp_path / "digits.bin")
    program = build(EXAMPLES / "digits.c", tmp_path / "digits")
    run(program, tmp_path / "digits.bin", tmp_path / "digits.cnn", tmp_path / "out.bin", CNN_ISA=isa)
    theirs = np.fromfile(tmp_path / "out.bin", dtype=np.float32).reshape(-1, 10)

    x = (X / 16).astype(np.float32)
    net = cnn.Network([64, 64, 10], output="softmax", seed=7)
    net.fit(x[:-360], y[:-360], epochs=40, batch_size=32, verbose=0)
    np.testing.assert_array_equal(net.predict(x[-360:]), theirs)
    loaded = cnn.load(tmp_path / "digits.cnn")
    for name, value in net.parameters.items():
        np.testing.assert_array_equal(loaded.parameters[name], value)
    net.save(tmp_path / "python.cnn")
    loaded.save(tmp_path / "again.cnn")
    assert (
        cnn.load(tmp_path / "again.cnn").predict(x[:9]).tobytes()
        == cnn.load(tmp_path / "python.cnn").predict(x[:9]).tobytes()
    )


def test_the_library_holds_no_python():
    symbols = subprocess.run(["nm", cnn.get_library()], check=True, capture_output=True, text=True).stdout.split()
    names = [s for s in symbols if s.startswith(("Py", "_Py"))]
    assert not names
    forbidden = {
        "abort",
        "exit",
        "printf",
        "fprintf",
        "puts",
        "setlocale",
        "signal",
        "sigaction",
        "feenableexcept",
        "fesetenv",
    }
    assert not forbidden & set(symbols)


def test_only_the_api_is_visible():
    lines = subprocess.run(
        ["nm", "--defined-only", "--extern-only", cnn.get_library()], check=True, capture_output=True, text=True
    ).stdout
    names = {line.split()[-1] for line in lines.splitlines() if len(line.split()) == 3}
    assert names
    assert all(name.startswith("cnn_") for name in names)
    header = (Path(cnn.get_include()) / "cnn" / "cnn.h").read_text()
    assert all(f"{name}(" in header for name in names)


def test_the_header_is_c99_and_cpp_and_short(tmp_path):
    header = Path(cnn.get_include()) / "cnn" / "cnn.h"
    assert len(header.read_text().splitlines()) <= 600
    (tmp_path / "a.c").write_text('#include "cnn/cnn.h"\nint main(void) { return CNN_OK; }\n')
    (tmp_path / "a.cpp").write_text(
        '#include "cnn/cnn.h"\nint main() { return cnn_abi_version() == CNN_ABI_VERSION ? 0 : 1; }\n'
    )
    build(tmp_path / "a.c", tmp_path / "a")
    compiler = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if compiler:
        command = [
            compiler,
            "-std=c++11",
            "-Wall",
            "-Wextra",
            "-pedantic",
            f"-I{cnn.get_include()}",
            str(tmp_path / "a.cpp"),
            cnn.get_library(),
        ]
        subprocess.run([*command, "-lm", "-pthread", "-o", str(tmp_path / "b")], check=True)
        run(tmp_path / "b")


STATE = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cnn/cnn.h"
/* Counts the program's own calls of malloc, calloc, realloc and free, and says what a warm step and a warm prediction do. */
static long calls;
extern void *__libc_malloc(size_t); extern void *__libc_calloc(size_t, size_t); extern void *__libc_realloc(void *, size_t); extern void __libc_free(void *);
void *malloc(size_t n) { ++calls; return __libc_malloc(n); }
void *calloc(size_t a, size_t b) { ++calls; return __libc_calloc(a, b); }
void *realloc(void *p, size_t n) { ++calls; return __libc_realloc(p, n); }
void free(void *p) { ++calls; __libc_free(p); }
static int stop_after(void *user, const cnn_epoch_info *info) { return info->epoch + 1 == *(unsigned *)user; }
#define CHECK(x) do { if (!(x)) { printf("{\"failed\": \"%s\", \"error\": \"%s\"}\n", #x, error.text); return 1; } } while (0)
int main(int argc, char **argv) {
  cnn_error error = {sizeof error, CNN_OK, -1, ""};
  cnn_options options = {sizeof options, NULL, NULL, &error};
  const size_t sizes[] = {6, 9, 3};
  static float x[40][6], y[40][3], p[40][3], q[40][3], dx[40][6];
  int32_t labels[40];
  double loss, other;
  cnn_network *a, *b;
  cnn_trainer *ta, *tb;
  cnn_session *s, *in;
  unsigned two = 2;
  (void)argc;
  for (int i = 0; i < 40; ++i) {
    for (int j = 0; j < 6; ++j) x[i][j] = (float)((i * 7 + j * 3) % 11) / 11.0f;
    labels[i] = i % 3;
    for (int j = 0; j < 3; ++j) y[i][j] = j == labels[i];
  }
  CHECK(!cnn_network_create_dense(sizes, 3, CNN_TANH, CNN_SOFTMAX, CNN_FLOAT32, 5, &options, &a));
  CHECK(!cnn_network_create_dense(sizes, 3, CNN_TANH, CNN_SOFTMAX, CNN_FLOAT32, 5, &options, &b));
  cnn_trainer_options to;
  memset(&to, 0, sizeof to);
  to.size = sizeof to; to.max_batch = 40;
  CHECK(!cnn_trainer_create(a, &to, &ta));
  CHECK(!cnn_trainer_create(b, &to, &tb));
  /* labels and one-hot rows are one loss */
  CHECK(!cnn_trainer_step_labels(ta, x[0], labels, 40, &loss));
  CHECK(!cnn_trainer_step(tb, x[0], y[0], 40, &other));
  CHECK(loss > 0.5 && loss - other < 1e-6 && other - loss < 1e-6);
  /* state: save, go on, load elsewhere, go on: the same bits */
  CHECK(!cnn_network_save(a, argv[1]) && !cnn_trainer_save_state(ta, argv[2]));
  for (int i = 0; i < 5; ++i) CHECK(!cnn_trainer_step_labels(ta, x[0], labels, 40, &loss));
  cnn_trainer_free(tb); cnn_network_free(b);
  CHECK(!cnn_network_open(argv[1], &options, &b) && !cnn_trainer_create(b, &to, &tb) && !cnn_trainer_load_state(tb, argv[2]));
  for (int i = 0; i < 5; ++i) CHECK(!cnn_trainer_step_labels(tb, x[0], labels, 40, &other));
  CHECK(memcmp(&loss, &other, sizeof loss) == 0);
  for (size_t i = 0; i < cnn_network_parameter_count(a); ++i) {
    cnn_tensor_info info = {sizeof info, NULL, CNN_FLOAT32, 0, {0}};
    size_t n = 1;
    CHECK(!cnn_network_parameter(a, i, &info));
    for (int d = 0; d < info.rank; ++d) n *= info.dims[d];
    CHECK(memcmp(cnn_network_parameter_data(a, i), cnn_network_parameter_data(b, i), n * sizeof(float)) == 0);
  }
  /* a stopped fit */
  CHECK(cnn_trainer_fit_labels(ta, x[0], labels, 40, 9, stop_after, &two) == CNN_STOPPED);
  /* wrong calls: a sentence, and nothing changed */
  labels[7] = 3;
  CHECK(cnn_trainer_step_labels(ta, x[0], labels, 40, &loss) == CNN_E_VALUE && strstr(error.text, "label 3"));
  labels[7] = 1;
  CHECK(cnn_trainer_step(ta, x[0], y[0], 41, &loss) == CNN_E_ARGUMENT);
  CHECK(cnn_trainer_step_f64(ta, (double *)x, (double *)y, 4, &loss) == CNN_E_DTYPE);
  CHECK(cnn_network_open("/nowhere/at/all.cnn", &options, &b) == CNN_E_IO && strstr(error.text, "/nowhere/at/all.cnn"));
  /* sessions: a snapshot, refreshed; and one in the caller's block */
  cnn_session_options so = {sizeof so, NULL, 40, 0};
  size_t bytes = 0;
  CHECK(!cnn_session_create(a, &so, &s) && !cnn_session_run(s, x[0], 40, p[0]));
  CHECK(!cnn_trainer_step_labels(ta, x[0], labels, 40, &loss) && !cnn_session_run(s, x[0], 40, q[0]) && memcmp(p, q, sizeof p) == 0);
  CHECK(!cnn_session_refresh(s) && !cnn_session_run(s, x[0], 40, q[0]) && memcmp(p, q, sizeof p) != 0);
  CHECK(!cnn_session_size(a, &so, &bytes) && bytes > 0);
  char *block = malloc(bytes + 3);
  CHECK(cnn_session_create_in(a, &so, block + 3, bytes / 2, &in) == CNN_E_MEMORY);
  CHECK(!cnn_session_create_in(a, &so, block + 3, bytes, &in) && !cnn_session_run(in, x[0], 40, p[0]) && memcmp(p, q, sizeof p) == 0);
  cnn_session_free(in);
  /* nothing is allocated in a warm step or prediction */
  CHECK(!cnn_trainer_forward(ta, x, 40, q)); /* makes room, once */
  long before = calls;
  for (int i = 0; i < 10; ++i) {
    CHECK(!cnn_session_run(s, x[0], 40, q[0]) && !cnn_session_run(s, x[0], 1, q[0]));
    CHECK(!cnn_trainer_step_labels(ta, x[0], labels, 40, &loss) && !cnn_trainer_step(ta, x[0], y[0], 7, &loss));
    CHECK(!cnn_trainer_forward(ta, x, 40, q) && !cnn_trainer_backward(ta, y, 0, dx) && !cnn_trainer_apply(ta));
  }
  long warm = calls - before;
  cnn_session_free(s); cnn_trainer_free(ta); cnn_trainer_free(tb); cnn_network_free(a); cnn_network_free(b);
  cnn_session_free(NULL); cnn_trainer_free(NULL); cnn_network_free(NULL); cnn_builder_free(NULL);
  free(block);
  printf("{\"warm\": %ld, \"dx\": %g}\n", warm, dx[3][2]);
  return 0;
}
"""


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="the interposed malloc is glibc's")
def test_state_errors_sessions_and_no_allocation(tmp_path):
    (tmp_path / "state.c").write_text(STATE)
    command = [
        COMPILER,
        "-std=gnu99",
        "-O1",
        f"-I{cnn.get_include()}",
        str(tmp_path / "state.c"),
        cnn.get_library(),
        "-lm",
        "-pthread",
    ]
    subprocess.run([*command, "-o", str(tmp_path / "state")], check=True)
    done = subprocess.run(
        [str(tmp_path / "state"), str(tmp_path / "a.cnn"), str(tmp_path / "a.state")], capture_output=True, text=True
    )
    result = json.loads(done.stdout)
    assert done.returncode == 0, result
    assert result["warm"] == 0
    assert result["dx"] != 0


AUGMENTED = r"""
#include "cnn/cnn.h"
#include <stdio.h>
#include <string.h>
#define CHECK(x) do { if (!(x)) { printf("failed: %s: %s\n", #x, error.text); return 1; } } while (0)
static float x[30][2][6][5];
int main(int argc, char **argv) {
  cnn_error error = {sizeof error, CNN_OK, -1, ""};
  cnn_options options = {sizeof options, NULL, NULL, &error};
  const int64_t shape[] = {2, 6, 5};
  const cnn_attribute input[] = {{"shape", 0, 0, NULL, shape, 3}}, dense[] = {{"units", 3, 0, NULL, NULL, 0}};
  const cnn_attribute softmax[] = {{"activation", CNN_SOFTMAX, 0, NULL, NULL, 0}};
  int32_t value, labels[30];
  cnn_builder *builder;
  cnn_network *net;
  cnn_trainer *trainer;
  for (int i = 0; i < 30; ++i) {
    labels[i] = i % 3;
    for (int j = 0; j < 60; ++j) (&x[i][0][0][0])[j] = (float)((i * 7 + j * 13) % 17);
  }
  CHECK(argc == 2 && !cnn_builder_create(&options, &builder));
  CHECK(!cnn_builder_add(builder, CNN_OP_INPUT, NULL, 0, input, 1, &value) && !cnn_builder_add(builder, CNN_OP_FLATTEN, &value, 1, NULL, 0, &value));
  CHECK(!cnn_builder_add(builder, CNN_OP_DENSE, &value, 1, dense, 1, &value));
  CHECK(!cnn_builder_add(builder, CNN_OP_ACTIVATION, &value, 1, softmax, 1, &value));
  CHECK(!cnn_builder_finish(builder, &value, 1, CNN_FLOAT32, 7, &net));
  cnn_augment augment = {.size = sizeof augment, .flip_horizontal = 1, .shift = {1, 1}, .crop = {2, 1}, .rotate = 10, .noise = 0.5, .fill = CNN_FILL_EDGE};
  cnn_optimizer_options sgd = {.size = sizeof sgd};
  CHECK(!cnn_optimizer_defaults(CNN_OPTIMIZER_SGD, &sgd));
  sgd.lr = 0.01;
  cnn_trainer_options to = {.size = sizeof to, .options = &options, .optimizer = &sgd, .max_batch = 8, .augment = &augment};
  augment.rotate = 181;
  CHECK(cnn_trainer_create(net, &to, &trainer) == CNN_E_ARGUMENT && strstr(error.text, "rotate is 181 degrees"));
  augment.rotate = 10;
  augment.size = 8;
  CHECK(cnn_trainer_create(net, &to, &trainer) == CNN_E_ARGUMENT && strstr(error.text, "the size of cnn_augment is 8"));
  augment.size = sizeof augment;
  to.size = offsetof(cnn_trainer_options, augment); /* of a program compiled before there was one: it is not read */
  to.augment = (const cnn_augment *)1;
  CHECK(!cnn_trainer_create(net, &to, &trainer));
  cnn_trainer_free(trainer);
  to.size = sizeof to;
  to.augment = &augment;
  CHECK(!cnn_trainer_create(net, &to, &trainer));
  memset(&augment, 0xff, sizeof augment); /* it was copied */
  CHECK(!cnn_trainer_fit_labels(trainer, x[0][0][0], labels, 30, 3, NULL, NULL));
  CHECK(!cnn_trainer_step_labels(trainer, x[0][0][0], labels, 8, NULL));
  CHECK(!cnn_network_save(net, argv[1]));
  cnn_trainer_free(trainer);
  cnn_network_free(net);
  cnn_builder_free(builder);
  return 0;
}
"""


def test_augmented_training_has_pythons_bits(tmp_path):
    (tmp_path / "a.c").write_text(AUGMENTED)
    print(run(build(tmp_path / "a.c", tmp_path / "a", "-Wno-missing-field-initializers"), tmp_path / "a.cnn"))
    i, j = np.mgrid[:30, :60]
    X = ((i * 7 + j * 13) % 17).astype(np.float32).reshape(30, 2, 6, 5)
    y = np.arange(30) % 3
    net = cnn.Network([cnn.Input((2, 6, 5)), cnn.Flatten(), cnn.Dense(3), cnn.Activation("softmax")], seed=7)
    augment = cnn.data.Augment(flip="horizontal", shift=1, crop=(2, 1), rotate=10, noise=0.5, fill="edge")
    net.fit(X, y, epochs=3, batch_size=8, optimizer=cnn.SGD(0.01), augment=augment, verbose=0)
    # fit has made 3 epochs of 4 steps; the step that follows is the fifth of the fourth: the counters go on
    net.partial_fit(augment(X[:8], seed=7, epoch=3, step=4), y[:8])
    for name, value in cnn.load(tmp_path / "a.cnn").parameters.items():
        np.testing.assert_array_equal(net.parameters[name], value)
