"""The model file read from C: damaged ones by a program with little memory, and networks that borrow the bytes."""

import os
import shutil
import subprocess

from model_files import POSIX, small_file
from test_model_file_damage import files_to_damage

import cnn

COMPILER = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")

HOSTILE = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include "cnn/cnn.h"
/* Damages a file at random, as its bytes lie just before a page that cannot be read. argv: file, seed, times. */
static uint64_t state;
static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state * UINT64_C(0x2545F4914F6CDD1D);
}
static uint64_t word(const unsigned char *p, size_t n) {
  uint64_t w = 0;
  for (size_t i = 0; i < n; i++) w |= (uint64_t)p[i] << 8 * i;
  return w;
}
static uint64_t mixed(uint64_t h, uint64_t w) { h ^= w; return (h << 29 | h >> 35) * UINT64_C(0x9E3779B97F4A7C15); }
static uint64_t checksum(const unsigned char *p, size_t n) {
  uint64_t lane[4] = {1, 2, 3, 4}, h = n;
  for (size_t at = 0; at < n; at += 32)
    for (int i = 0; i < 4; i++) {
      const size_t from = at + 8 * (size_t)i;
      lane[i] = mixed(lane[i], from < n ? word(p + from, n - from < 8 ? n - from : 8) : 0);
    }
  for (int i = 0; i < 4; i++) h = mixed(h, lane[i]);
  h = (h ^ h >> 32) * UINT64_C(0xBB67AE8584CAA73B);
  h = (h ^ h >> 29) * UINT64_C(0xD2E7470EE14C6C93);
  return h ^ h >> 32;
}
static size_t bytes_now;
static void *allocate(void *user, size_t n) {
  size_t *p;
  (void)user;
  if (n > (64u << 20)) { puts("a large allocation"); exit(1); }
  p = malloc(n + 16);
  bytes_now += n;
  if (p) *p = n, p += 2;
  return p;
}
static void release(void *user, void *block) { (void)user; if (block) { bytes_now -= ((size_t *)block)[-2]; free((size_t *)block - 2); } }
static int use(cnn_network *net, const cnn_options *options) {
  void *copy = NULL;
  size_t size = 0;
  cnn_session_options so = {sizeof so, options, 2, 4};
  cnn_session *s = NULL;
  cnn_tensor_info in = {sizeof in, NULL, CNN_FLOAT32, 0, {0}}, out = in;
  static float x[4096], y[4096];
  size_t n = 1, m = 1;
  if (cnn_network_save_memory(net, &copy, &size)) return 1;
  cnn_memory_free(copy);
  if (cnn_network_input_count(net) != 1 || cnn_network_output_count(net) != 1 || cnn_network_dtype(net) != CNN_FLOAT32) return 0;
  if (cnn_network_input(net, 0, &in) || cnn_network_output(net, 0, &out)) return 1;
  for (int i = 1; i < in.rank; i++) { if (in.dims[i] > 1000) return 0; n *= in.dims[i]; }
  for (int i = 1; i < out.rank; i++) { if (out.dims[i] > 1000) return 0; m *= out.dims[i]; }
  if (n > 2000 || m > 2000 || in.dtype != CNN_FLOAT32) return 0;
  if (cnn_session_create(net, &so, &s)) return 0;
  (void)cnn_session_run(s, x, 2, y);
  cnn_session_free(s);
  return 0;
}
int main(int argc, char **argv) {
  const cnn_allocator allocator = {sizeof allocator, NULL, allocate, release};
  cnn_error error = {sizeof error, CNN_OK, -1, ""};
  const cnn_options options = {sizeof options, &allocator, NULL, &error};
  const size_t page = (size_t)sysconf(_SC_PAGESIZE), room = 16 * page;
  unsigned char *area = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), base[65536];
  long loaded = 0, times = argc > 3 ? atol(argv[3]) : 0;
  FILE *f = fopen(argv[1], "rb");
  const size_t size = f ? fread(base, 1, sizeof base, f) : 0;
  if (!size || size > 8 * page || area == MAP_FAILED || mprotect(area + room, page, PROT_NONE)) return 2;
  fclose(f);
  state = strtoull(argv[2], NULL, 10) * 2 + 1;
  for (long t = 0; t < times; t++) {
    size_t n = t % 8 == 0 ? (size_t)t / 8 % size : size;
    unsigned char *p = area + room - n;
    static const uint64_t numbers[] = {
      0, 1, 2, 8, 9, 63, 64, 255, 4096, 65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff, UINT64_C(1) << 62, ~UINT64_C(0)};
    memcpy(p, base, n);
    for (uint64_t k = next() % 4; k > 0 && n > 200; k--) {
      const size_t start = 8 + (size_t)word(p, 8) % (n - 8), left = n - start > 8 ? n - start - 8 : 1;
      const size_t at = next() % 2 ? next() % (n - 8) : start + next() % left;
      const uint64_t v = numbers[next() % 16];
      if (at + 8 > n) continue;
      if (next() % 3 == 0) p[at] = (unsigned char)next();
      else memcpy(p + at, &v, next() % 2 ? 4 : 8);
    }
    if (n > 8 && next() % 4) {
      const uint64_t start = 8 + word(p, 8), length = start < n && n - start > 96 ? word(p + start + 24, 8) : 0;
      if (length > 96 && length <= n - start) {
        const uint64_t sum = checksum(p + start, (size_t)length - 8);
        memcpy(p + start + length - 8, &sum, 8);
      }
    }
    for (int view = 0; view < 2; view++) {
      cnn_network *net = NULL;
      const cnn_status status = view ? cnn_network_view_memory(p, n, &options, &net) : cnn_network_open_memory(p, n, &options, &net);
      if (!status) {
        if (!net || use(net, &options)) { puts("a network that cannot be used"); return 1; }
        loaded += !view;
        cnn_network_free(net);
      } else if (net || !error.text[0] || strchr(error.text, '\n') || (status != CNN_E_FILE && !(view && status == CNN_E_ARGUMENT))) {
        printf("status %d, %s\n", (int)status, error.text);
        return 1;
      }
      if (bytes_now) { printf("%zu bytes were not given back\n", bytes_now); return 1; }
    }
  }
  printf("%ld loaded\n", loaded);
  return 0;
}
"""


def compiled(tmp_path, name, source, *flags):
    (tmp_path / f"{name}.c").write_text(source)
    command = [
        COMPILER,
        "-std=gnu99",
        "-O1",
        "-g",
        *flags,
        f"-I{cnn.get_include()}",
        str(tmp_path / f"{name}.c"),
        cnn.get_library(),
    ]
    return subprocess.run([*command, "-lm", "-pthread", "-o", str(tmp_path / name)], capture_output=True, text=True)


@POSIX
def test_damage_at_random_from_c(tmp_path):
    """With a page behind the bytes that cannot be touched; blocks of the engine are ASan's where it links; nothing leaks."""
    assert COMPILER, "a C compiler is needed"
    if compiled(tmp_path, "hostile", HOSTILE, "-fsanitize=address").returncode:
        assert compiled(tmp_path, "hostile", HOSTILE).returncode == 0
    bases = [small_file(tmp_path), *files_to_damage()]
    for i, base in enumerate(bases):
        (tmp_path / "base.cnn").write_bytes(base)
        command = [tmp_path / "hostile", tmp_path / "base.cnn", str(i + 1), "20000"]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr[-3000:]


BORROWED = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "cnn/cnn.h"
#define CHECK(x) do { if (!(x)) { printf("line %d: %s: %s\n", __LINE__, #x, error.text); return 1; } } while (0)
int main(int argc, char **argv) {
  cnn_error error = {sizeof error, CNN_OK, -1, ""};
  const cnn_options options = {sizeof options, NULL, NULL, &error};
  static const float x[2][3] = {{1, 2, 3}, {-1, 0, 2}};
  float a[2][2], b[2][2];
  cnn_network *borrowed = NULL, *own = NULL;
  cnn_session *s = NULL;
  cnn_trainer *t = NULL;
  cnn_session_options so = {sizeof so, NULL, 2, 0};
  cnn_trainer_options to;
  void *bytes = NULL;
  size_t n = 0;
  unsigned char *area = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  FILE *f = fopen(argv[1], "rb");
  const size_t size = f && area != MAP_FAILED ? fread(area, 1, 1 << 15, f) : 0;
  (void)argc;
  fclose(f);
  memset(&to, 0, sizeof to);
  to.size = sizeof to;
  memmove(area + (1 << 15) + 1, area, size);
  CHECK(cnn_network_view_memory(area + (1 << 15) + 1, size, &options, &borrowed) == CNN_E_ARGUMENT && !borrowed);
  CHECK(strstr(error.text, "multiple"));
  CHECK(!cnn_network_open_memory(area + (1 << 15) + 1, size, &options, &own)); /* copied: any alignment */
  CHECK(mprotect(area, 1 << 16, PROT_READ) == 0);
  CHECK(!cnn_network_view_memory(area, size, &options, &borrowed));
  CHECK(!cnn_session_create(borrowed, &so, &s) && !cnn_session_run(s, x[0], 2, a[0]));
  cnn_session_free(s);
  CHECK(!cnn_session_create(own, &so, &s) && !cnn_session_run(s, x[0], 2, b[0]));
  cnn_session_free(s);
  CHECK(memcmp(a, b, sizeof a) == 0);
  CHECK(!cnn_network_save_memory(borrowed, &bytes, &n) && n == size && memcmp(bytes, area, n) == 0);
  cnn_memory_free(bytes);
  const unsigned char *values = cnn_network_parameter_data(borrowed, 0);
  CHECK(values == NULL || (values >= area && values < area + size));
  CHECK(cnn_trainer_create(borrowed, &to, &t) != CNN_OK && !t && error.text[0]); /* read-only */
  puts(error.text);
  CHECK(!cnn_network_metadata(borrowed, "nothing") && !strcmp(cnn_network_metadata(borrowed, "note"), "\xc3\xa4\xc3\xb6\xc3\xbc"));
  CHECK(!cnn_trainer_create(own, &to, &t));
  cnn_trainer_free(t);
  cnn_network_free(borrowed);
  cnn_network_free(own);
  return 0;
}
"""


@POSIX
def test_borrowed_networks(tmp_path):
    """Bytes that cannot be written are used as they lie; a trainer is refused."""
    assert COMPILER, "a C compiler is needed"
    built = compiled(tmp_path, "borrowed", BORROWED)
    assert built.returncode == 0, built.stderr
    (tmp_path / "a.cnn").write_bytes(small_file(tmp_path))
    done = subprocess.run([str(tmp_path / "borrowed"), str(tmp_path / "a.cnn")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "read-only" in done.stdout or "borrowed" in done.stdout
