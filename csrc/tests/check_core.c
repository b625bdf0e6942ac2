/* Checks of csrc/core but its files (check_file.c). Prints "N passed, 0 failed"; says which line failed.

     cc -std=c11 -O2 -Icsrc -Isrc/cnn/include check_core.c, all of csrc/core and csrc/isa, -lm -pthread

   Without csrc/isa: -DCHECK_CORE_ALONE gives empty kernel tables. With an argument it is a child of itself: see ask_child. */
#define _GNU_SOURCE
#include "check.h"
#include "core/cpu.h"
#include "core/memory.h"
#include "core/pool.h"
#include "core/random.h"
#include "core/status.h"
#include "kernels/kernels.h"
#include <fenv.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(CHECK_CORE_ALONE)
#define I(name, family) extern const cnn_kernels cnn_kernels_##name; const cnn_kernels cnn_kernels_##name = {.isa = #name};
#include "isas.def"
#undef I
#endif

/* ---- memory -------------------------------------------------------------------------------------------------------------------- */

static void *host_allocate(void *user, size_t bytes) {
  void *block = malloc(bytes);
  ++*(int *)user;
  if (block) memset(block, 0xab, bytes);
  return block;
}

static void host_release(void *user, void *block) {
  --*(int *)user;
  free(block);
}

static int all_zero(const unsigned char *p, size_t n) {
  while (n && !*p) p++, n--;
  return n == 0;
}

static void check_memory(void) {
  int held = 0;
  const size_t live = cnn_memory_live(), count = cnn_memory_count();
  void *blocks[200];
  {
    const cnn_allocator host = {sizeof host, &held, host_allocate, host_release}; /* gone before its blocks are */
    for (size_t i = 0; i < 200; i++) blocks[i] = cnn_memory_new(i % 2 ? &host : NULL, i * 13 + 1);
  }
  for (size_t i = 0; i < 200; i++) {
    CHECK(blocks[i] && (uintptr_t)blocks[i] % CNN_ALIGNMENT == 0 && all_zero(blocks[i], i * 13 + 1));
    memset(blocks[i], 0xff, i * 13 + 1);
  }
  CHECK(cnn_memory_live() == live + 200 && cnn_memory_count() == count + 200 && held == 100);
  for (size_t i = 0; i < 200; i++) cnn_memory_release(blocks[i]);
  cnn_memory_release(NULL);
  CHECK(cnn_memory_live() == live && held == 0);
  CHECK(!cnn_memory_new(NULL, SIZE_MAX) && !cnn_memory_new(NULL, PTRDIFF_MAX) && cnn_memory_live() == live);

  cnn_memory_fail_after(1);
  void *first = cnn_memory_new(NULL, 8), *second = cnn_memory_new(NULL, 8), *third = cnn_memory_new(NULL, 8);
  CHECK(first && !second && third);
  cnn_memory_release(first);
  cnn_memory_release(third);

  size_t n = 7;
  CHECK(!cnn_size_mul(SIZE_MAX / 2 + 1, 2, &n) && !cnn_size_add(SIZE_MAX, 1, &n) && n == 7);
  CHECK(cnn_size_mul(SIZE_MAX / 2, 2, &n) && n == SIZE_MAX - 1);
  CHECK(cnn_size_add(n, 1, &n) && n == SIZE_MAX && cnn_size_mul(n, 0, &n) && n == 0);
}

/* ---- status -------------------------------------------------------------------------------------------------------------------- */

static int digits_of(const char *text) { /* significant ones */
  int n = 0, zeros = 0;
  for (; *text && *text != 'e'; text++) {
    if (*text < '0' || *text > '9') continue;
    if (*text == '0' && n == 0) continue;
    n++;
    zeros = *text == '0' ? zeros + 1 : 0;
  }
  return n - zeros;
}

static void check_double(double value) {
  char ours[40], shorter[40];
  cnn_format(ours, sizeof ours, "%g", value);
  const double back = strtod(ours, NULL);
  CHECK(memcmp(&back, &value, 8) == 0);
  const int n = digits_of(ours);
  if (n > 1) { /* no shorter text reads back the same */
    snprintf(shorter, sizeof shorter, "%.*e", n - 2, value);
    CHECK(strtod(shorter, NULL) != value);
  }
  snprintf(shorter, sizeof shorter, "%.*e", n ? n - 1 : 0, value);
  if (strtod(shorter, NULL) == value) { /* and of those as short, ours is the nearest */
    char again[40];
    snprintf(again, sizeof again, "%.*e", n ? n - 1 : 0, back);
    cnn_format(ours, sizeof ours, "%g", strtod(again, NULL));
    CHECK(strtod(ours, NULL) == value);
  }
}

static int prints(double value, const char *expected) {
  char text[40];
  return cnn_format(text, sizeof text, "%g", value) == strlen(expected) && !strcmp(text, expected);
}

static void check_status(void) {
  char text[64];
  const size_t dims[] = {3, CNN_OPEN, 4};
  CHECK(prints(0.1, "0.1") && prints(3, "3") && prints(0, "0") && prints(-0.0, "-0") && prints(1e-5, "1e-05") && prints(0.0001, "0.0001"));
  CHECK(prints(1e16, "1e+16") && prints(123456789012345680.0, "1.2345678901234568e+17") && prints(1e15, "1000000000000000"));
  CHECK(prints(NAN, "nan") && prints(INFINITY, "inf") && prints(-INFINITY, "-inf"));
  CHECK(prints(5e-324, "5e-324") && prints(1.7976931348623157e308, "1.7976931348623157e+308"));
  CHECK(prints(-12.5, "-12.5") && prints(2.2250738585072014e-308, "2.2250738585072014e-308"));
  CHECK(prints(0x1p-44, "5.684341886080802e-14") && prints(9007199254740993.0, "9007199254740992"));
  for (int i = 0; i < 30000; i++) {
    uint64_t bits[4];
    const cnn_random random = cnn_random_at(1, CNN_RANDOM_USER, 0, 0, 0, (uint64_t)i);
    double value;
    cnn_random_block(&random, 0, bits);
    memcpy(&value, &bits[0], 8);
    if (isfinite(value)) check_double(value);
    check_double((double)(bits[1] % 2000001) / 1000.0); /* what people write */
  }
  for (int e = -1074; e < 1024; e++) check_double(ldexp(1, e)), check_double(nextafter(ldexp(1, e), 0));

  const size_t wanted = cnn_format(text, sizeof text, "%s|%d|%z|%l|%D|%D|%D|%%", "a", -5, (size_t)7, INT64_MIN, (size_t)3, dims, (size_t)1,
                                   dims, (size_t)0, NULL);
  CHECK(wanted == strlen(text));
  CHECK(!strcmp(text, "a|-5|7|-9223372036854775808|(3, ?, 4)|(3,)|()|%"));
  CHECK(cnn_format(text, 5, "%s", "abcdefgh") == 8 && !strcmp(text, "abcd"));
  CHECK(cnn_format(text, 5, "%s", "abc\xc3\xa9") == 5 && !strcmp(text, "abc")); /* never half a character */
  CHECK(cnn_format(text, 5, "%s", "ab\xc3\xa9\xc3\xa9") == 6 && !strcmp(text, "ab\xc3\xa9"));
  CHECK(cnn_format(NULL, 0, "%d", 1234) == 4);

  cnn_error error = {.size = sizeof error};
  CHECK(cnn_fail_at(&error, CNN_E_SHAPE, 4, "%s: %d", "layer", 3) == CNN_E_SHAPE && error.status == CNN_E_SHAPE);
  CHECK(error.node == 4 && !strcmp(error.text, "layer: 3"));
  cnn_fail(&error, CNN_E_SHAPE, "in %s", error.text);
  CHECK(error.node == -1 && !strcmp(error.text, "in layer: 3"));
  char many[1000];
  memset(many, 'x', 999), many[999] = 0;
  cnn_fail(&error, CNN_E_VALUE, "%s", many);
  CHECK(strlen(error.text) == sizeof error.text - 1);
  cnn_error small = {.size = 8, .status = CNN_OK};
  CHECK(cnn_fail(&small, CNN_E_VALUE, "x") == CNN_E_VALUE && small.status == CNN_OK && cnn_fail_at(NULL, CNN_E_IO, 0, "x") == CNN_E_IO);
#define TEXT(name, code, message) CHECK(!strcmp(cnn_status_message(name), message) && name == code);
  CNN_STATUS_LIST(TEXT)
  CHECK(!strcmp(cnn_status_message((cnn_status)99), "unknown status"));
  CHECK(cnn_version_number() == (CNN_VERSION_MAJOR << 16 | CNN_VERSION_MINOR << 8 | CNN_VERSION_PATCH));
  CHECK(cnn_abi_version() == CNN_ABI_VERSION);
}

/* ---- random: the words of numpy.random.Philox(counter=counter, key=key).random_raw(8) ------------------------------------------ */

static const struct {
  uint64_t counter[4], key[2], words[8];
} numpy[] = {
    {{0, 0, 0, 0},
     {0, 0},
     {0x2f4ba6408e4d89b, 0x3dd62b0b9ca8c5b2, 0x1c8667a55d902e79, 0x907d7a052fd5b4dc, 0x809bf322883987c3, 0x471128b9e807f7dd,
      0xf250ba0dbec065b7, 0xfc6ed66767a457bc}},
    {{7, 1, 2, 3},
     {0x123456789abcdef0, 0xfedcba9876543210},
     {0xb349c71d2d7d3571, 0x78fc7fef3f7819bc, 0xa15bfd25c700a464, 0xfa089efe487d01f0, 0xa5594b5bea8ecb3f, 0x2f98ed0289d28d40,
      0xdc3a408e9c273a82, 0x11469ac78fd32f0e}},
    {{4, 11, 12, 13},
     {42, UINT64_C(3) << 32 | 5},
     {0x18c276a0e2c5842b, 0xe7b72ad137b5670f, 0x79579ef6399355e3, 0x288f1e33718935f, 0x9236b60a00adc931, 0x2d41051cd178addc,
      0xbad6a5e120a342bf, 0x58eb047b39b82386}},
};

static void check_random(void) {
  for (size_t i = 0; i < sizeof numpy / sizeof *numpy; i++) {
    cnn_random random;
    uint64_t words[8];
    memcpy(random.key, numpy[i].key, sizeof random.key);
    memcpy(random.counter, numpy[i].counter, sizeof random.counter);
    cnn_random_block(&random, 1, words); /* NumPy adds 1 first */
    cnn_random_block(&random, 2, words + 4);
    CHECK(!memcmp(words, numpy[i].words, sizeof words));
  }
  const cnn_random at = cnn_random_at(42, 3, 5, 13, 12, 11);
  CHECK(at.key[0] == 42 && at.key[1] == numpy[2].key[1] && at.counter[0] == 0 && !memcmp(at.counter + 1, numpy[2].counter + 1, 24));
  CHECK(cnn_random_uniform(&at, 21) == (double)(numpy[2].words[1] >> 11) / 9007199254740992.0);

  enum { N = 40000 };
  static double whole[N], part[N];
  static uint8_t mask[N], mask_part[N];
  double sum = 0, squares = 0, kept = 0;
  cnn_random_uniforms(&at, 0, N, whole);
  for (size_t i = 0; i < N; i++) {
    CHECK(whole[i] == cnn_random_uniform(&at, i) && whole[i] >= 0 && whole[i] < 1);
    sum += whole[i];
  }
  CHECK(fabs(sum / N - 0.5) < 0.01);
  cnn_random_normals(&at, 0, N, whole);
  cnn_random_mask(&at, 0, N, 0.3, mask);
  for (size_t i = sum = 0; i < N; i++) sum += whole[i], squares += whole[i] * whole[i], kept += mask[i];
  CHECK(fabs(sum / N) < 0.02 && fabs(squares / N - 1) < 0.03 && fabs(kept / N - 0.7) < 0.01);
  const double u = cnn_random_uniform(&at, 0), v = cnn_random_uniform(&at, 1), radius = sqrt(-2 * log1p(-u));
  CHECK(fabs(whole[0] - radius * cos(2 * acos(-1) * v)) < 1e-14);
  CHECK(fabs(whole[1] - radius * sin(2 * acos(-1) * v)) < 1e-14);
  for (size_t first = 0; first < 20; first++) /* any part of a stream is that part */
    for (size_t n = 0; n < 20; n++) {
      cnn_random_normals(&at, first, n, part);
      cnn_random_mask(&at, first, n, 0.3, mask_part);
      CHECK(!memcmp(part, whole + first, n * sizeof *part) && !memcmp(mask_part, mask + first, n));
    }
  cnn_random_mask(&at, 0, N, 0, mask);
  CHECK(memchr(mask, 0, N) == NULL);
  cnn_random_mask(&at, 0, N, 1, mask);
  CHECK(memchr(mask, 1, N) == NULL);

  size_t hits[10] = {0};
  for (size_t i = 0; i < N; i++) hits[cnn_random_below(&at, i, 10)]++;
  for (int i = 0; i < 10; i++) CHECK(hits[i] > N / 10 - 300 && hits[i] < N / 10 + 300);
  static uint32_t order[1000];
  for (size_t n = 0; n <= 1000; n += n < 10 ? 1 : 330) {
    static uint8_t seen[1000];
    memset(seen, 0, sizeof seen);
    cnn_random_permutation(&at, n, order);
    for (size_t i = 0; i < n; i++) CHECK(order[i] < n && !seen[order[i]]++);
  }
  size_t moved[3][3] = {{0}};
  for (uint64_t row = 0; row < 6000; row++) {
    const cnn_random each = cnn_random_at(1, CNN_RANDOM_SHUFFLE, 0, 0, 0, row);
    cnn_random_permutation(&each, 3, order);
    for (int i = 0; i < 3; i++) moved[i][order[i]]++;
  }
  for (int i = 0; i < 9; i++) CHECK(moved[i / 3][i % 3] > 1800 && moved[i / 3][i % 3] < 2200);
}

/* ---- pool ---------------------------------------------------------------------------------------------------------------------- */

typedef struct {
  atomic_size_t sum, calls;
  atomic_int widest;
  size_t nested;
  const cnn_executor *executor;
} totals;

static void add_one(void *arg, size_t index, int32_t member) {
  totals *t = arg;
  int widest = atomic_load(&t->widest);
  while (member + 1 > widest && !atomic_compare_exchange_weak(&t->widest, &widest, member + 1)) {}
  atomic_fetch_add(&t->sum, index + 1);
  atomic_fetch_add(&t->calls, 1);
}

static void add_nested(void *arg, size_t index, int32_t member) {
  totals *t = arg, inner = {.executor = t->executor};
  (void)index, (void)member;
  cnn_parallel_for(t->executor, t->nested, add_one, &inner);
  if (inner.widest == 1) atomic_fetch_add(&t->sum, inner.sum);
  atomic_fetch_add(&t->calls, 1);
}

static void add_wide(void *arg, size_t index, int32_t member) {
  const double start = seconds();
  add_one(arg, index, member);
  while (seconds() - start < 20e-6) {}
}

static int sums_right(const cnn_executor *executor, size_t count) {
  totals t = {.executor = executor};
  cnn_parallel_for(executor, count, add_one, &t);
  return t.sum == count * (count + 1) / 2 && t.calls == count && t.widest <= cnn_executor_width(executor);
}

static void one_after_another(void *user, int32_t members, void (*body)(void *, int32_t, int32_t), void *arg) {
  ++*(int *)user;
  for (int32_t member = members; member-- > 0;) body(arg, member, members);
}

static void *sum_often(void *arg) {
  for (int i = 0; i < 2000; i++)
    if (!sums_right(cnn_pool(), (size_t)i % 50)) *(int *)arg = 1;
  return NULL;
}

/* RUN: what a processor of another kind is emulated by (csrc/Makefile). */
static int emulated(void) {
  const char *run = getenv("RUN");
  return run && *run;
}

static int in_child(int (*good)(void)) {
  int status = -1;
  const pid_t child = fork();
  if (child == 0) _exit(good() ? 0 : 1);
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int child_sums(void) {
  int right = 1;
  for (size_t n = 0; n < 200; n++) right &= sums_right(cnn_pool(), n);
  return right;
}

static int child_of_child_sums(void) { return child_sums() && in_child(child_sums); }

static void fork_inside(void *arg, size_t index, int32_t member) {
  (void)member;
  if (index % 16 == 0) *(int *)arg |= !in_child(child_sums);
}

/* Not where the thread sanitizer looks on, nor under an emulator, whose own tables of threads do not survive a fork. */
static int threads_live_after_fork(void) {
#if defined(__SANITIZE_THREAD__)
  return 0;
#else
  return !emulated();
#endif
}

static void nothing(void *arg, size_t index, int32_t member) { (void)arg, (void)index, (void)member; }

static atomic_int mode_differs; /* of rounding: 1/3 upwards in every member */
static void third(void *arg, size_t index, int32_t member) {
  volatile double one = 1, three = 3;
  const double quotient = one / three, start = seconds();
  (void)index, (void)member;
  if (quotient != *(double *)arg) mode_differs = 1;
  while (seconds() - start < 20e-6) {}
}

static void ask_inside(void *arg, size_t index, int32_t member) {
  (void)index, (void)member;
  if (cnn_executor_ready(cnn_pool(), 1000)) *(int *)arg = 1;
}

static void check_ready(void) {
  int runs = 0, inside = 0, spins = 0, again = 0;
  const cnn_executor host = {sizeof host, &runs, 3, one_after_another};
  cnn_pool_set_threads(1, NULL);
  CHECK(!cnn_executor_ready(NULL, 1000) && !cnn_executor_ready(cnn_pool(), 1000) && !cnn_executor_ready(&host, 1000));
  cnn_pool_set_threads(2, NULL);
  cnn_pool_shutdown();
  for (int tries = 0; tries < 50 && cnn_cpu_count() > 1 && !(spins && again); tries++) { /* a machine may be busy with other things */
    usleep(20000);
    CHECK(!cnn_executor_ready(cnn_pool(), 1000)); /* no thread, or one that sleeps */
    again = cnn_executor_ready(cnn_pool(), 1000); /* and so soon again */
    CHECK(sums_right(cnn_pool(), 100));
    spins = cnn_executor_ready(cnn_pool(), 0);
  }
  CHECK(cnn_cpu_count() == 1 || (spins && again));
  cnn_parallel_for(cnn_pool(), 20, ask_inside, &inside);
  CHECK(!inside);
  cnn_executor_always_ready(1);
  CHECK(cnn_executor_ready(&host, 0) && cnn_executor_ready(cnn_pool(), 0) && !cnn_executor_ready(NULL, 0));
  cnn_executor_always_ready(0);
}

static void check_pool(void) {
  cnn_error error = {.size = sizeof error};
  const int32_t counts[] = {1, 2, 4, 9, 2};
  CHECK(cnn_pool_threads() >= 1 && !cnn_pool_environment_error() && cnn_cpu_count() >= 1);
  CHECK(cnn_pool_set_threads(0, &error) == CNN_E_ARGUMENT && strstr(error.text, "1 to 256"));
  CHECK(cnn_pool_set_threads(257, NULL) == CNN_E_ARGUMENT);
  CHECK(cnn_executor_width(NULL) == 1 && sums_right(NULL, 100));
  for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
    CHECK(cnn_pool_set_threads(counts[c], NULL) == CNN_OK && cnn_pool_threads() == counts[c]);
    const cnn_executor *executor = cnn_pool();
    CHECK(executor->threads == counts[c] && cnn_executor_width(executor) == counts[c]);
    for (size_t n = 0; n < 300; n++) CHECK(sums_right(executor, n));
    usleep(2000); /* asleep by now */
    CHECK(sums_right(executor, 1000));
    totals wide = {.executor = executor}, nested = {.executor = executor, .nested = 10};
    for (int tries = 1; tries <= 50; tries++) { /* a machine may be busy with other things for a while */
      cnn_parallel_for(executor, 100, add_wide, &wide);
      CHECK(wide.calls == (size_t)tries * 100);
      if (wide.widest > 1 || (counts[c] == 1 && tries == 5)) break;
    }
    CHECK((wide.widest > 1) == (counts[c] > 1));
    cnn_parallel_for(executor, 20, add_nested, &nested);
    CHECK(nested.calls == 20 && nested.sum == 20 * 55);
  }
  for (int i = 0; i < 300; i++) { /* set_threads while the workers spin; an executor of another width goes on working */
    const cnn_executor *before = cnn_pool();
    cnn_pool_set_threads(1 + i * 7 % 4, NULL);
    CHECK(sums_right(cnn_pool(), 20) && sums_right(before, 20));
    if (i % 50 == 0) cnn_pool_shutdown();
  }
  cnn_pool_set_threads(4, NULL);

  int runs = 0, wrong[3] = {0};
  const cnn_executor host = {sizeof host, &runs, 3, one_after_another}, empty = {.size = sizeof empty, .threads = 8};
  CHECK(sums_right(&host, 10) && runs == 1 && sums_right(&host, 1) && runs == 1);
  CHECK(sums_right(&empty, 10) && cnn_executor_width(&empty) == 1);
  totals nested = {.executor = &host, .nested = 10};
  cnn_parallel_for(&host, 20, add_nested, &nested);
  CHECK(nested.sum == 20 * 55 && runs == 2);

  pthread_t threads[3]; /* a busy pool */
  for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, sum_often, &wrong[i]);
  for (int i = 0; i < 300; i++) cnn_pool_set_threads(1 + i % 4, NULL), usleep(100);
  for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  CHECK(!wrong[0] && !wrong[1] && !wrong[2]);

  volatile double one = 1, three = 3;
  cnn_pool_set_threads(4, NULL);
  fesetround(FE_UPWARD);
  double up = one / three;
  cnn_parallel_for(cnn_pool(), 100, third, &up);
  fesetround(FE_TONEAREST);
  CHECK(up != one / three && !mode_differs);

  if (threads_live_after_fork()) {
    cnn_pool_set_threads(4, NULL);
    CHECK(sums_right(cnn_pool(), 100) && in_child(child_sums) && in_child(child_of_child_sums) && sums_right(cnn_pool(), 100));
    usleep(2000);
    CHECK(in_child(child_sums) && sums_right(cnn_pool(), 100));
    int bad = 0;
    cnn_pool_set_threads(2, NULL);
    cnn_parallel_for(cnn_pool(), 64, fork_inside, &bad);
    CHECK(!bad && sums_right(cnn_pool(), 100));
  }

  cnn_pool_set_threads(2, NULL);
  double best = 1, all = seconds();
  for (int i = 0; i < 2000; i++) {
    const double start = seconds();
    cnn_parallel_for(cnn_pool(), 2, nothing, NULL);
    const double took = seconds() - start;
    if (took < best) best = took;
  }
  printf("engaging two threads: %.2f us at best, %.2f us on average\n", best * 1e6, (seconds() - all) / 2000 * 1e6);
  cnn_pool_shutdown();
  CHECK(sums_right(cnn_pool(), 100));
}

/* ---- cpu and environment ------------------------------------------------------------------------------------------------------- */

/* Runs this program anew with a variable set, and compares what it prints. */
static int ask_child(const char *program, const char *question, const char *name, const char *value, const char *expected) {
  int pipes[2], status;
  char answer[400];
  size_t n = 0;
  if (pipe(pipes)) return 0;
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    unsetenv("CNN_ISA"), unsetenv("CNN_NUM_THREADS"), unsetenv("OMP_NUM_THREADS");
    setenv(name, value, 1);
    dup2(pipes[1], 1);
    execl("/bin/sh", "sh", "-c", "exec $RUN \"$0\" \"$1\"", program, question, (char *)NULL);
    _exit(1);
  }
  close(pipes[1]);
  for (ssize_t got; n < sizeof answer - 1 && (got = read(pipes[0], answer + n, sizeof answer - 1 - n)) > 0;) n += (size_t)got;
  answer[n] = 0;
  close(pipes[0]);
  waitpid(child, &status, 0);
  const int right = WIFEXITED(status) && WEXITSTATUS(status) == 0 && !strcmp(answer, expected);
  if (!right) printf("%s=%s: '%s', not '%s'\n", name, value, answer, expected);
  return right;
}

static int answer_parent(const char *question) {
  const char *trouble = !strcmp(question, "isa") ? cnn_isa_environment_error() : cnn_pool_environment_error();
  if (trouble) printf("%s", trouble);
  else if (!strcmp(question, "isa")) printf("%s", cnn_isa_name(cnn_isa_current()));
  else printf("%d", (int)cnn_pool_threads());
  return 0;
}

static void check_cpu(const char *program) {
  char have[100] = "", sentence[300], number[12];
  cnn_error error = {.size = sizeof error};
  CHECK(cnn_isa_available(CNN_ISA_scalar) && !cnn_isa_available(-1) && !cnn_isa_available(CNN_ISA_COUNT));
  CHECK(!cnn_isa_name(-1) && !cnn_isa_name(CNN_ISA_COUNT) && cnn_isa_find("no") == -1 && cnn_isa_find(NULL) == -1);
  for (int isa = 0; isa < CNN_ISA_COUNT; isa++) {
    CHECK(cnn_isa_find(cnn_isa_name(isa)) == isa);
    if (!cnn_isa_available(isa)) continue;
    CHECK(!strcmp(cnn_kernels_of(isa)->isa, cnn_isa_name(isa)) && cnn_isa_use(cnn_isa_name(isa), &error) == CNN_OK);
    CHECK(cnn_isa_current() == isa && cnn_kernels_current() == cnn_kernels_of(isa));
    strcat(strcat(have, isa ? ", " : ""), cnn_isa_name(isa));
    CHECK(ask_child(program, "isa", "CNN_ISA", cnn_isa_name(isa), cnn_isa_name(isa)));
  }
#if defined(__x86_64__) /* the compiler's own detection agrees */
  __builtin_cpu_init();
  CHECK(cnn_isa_available(CNN_ISA_avx2) == (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")));
  CHECK(cnn_isa_available(CNN_ISA_avx512) == (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                                              __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")));
  CHECK(!cnn_isa_available(CNN_ISA_neon) && !cnn_kernels_of(CNN_ISA_neon));
  snprintf(sentence, sizeof sentence, "'neon' is not available here; this machine has %s", have);
  CHECK(cnn_isa_use("neon", &error) == CNN_E_ARGUMENT && !strcmp(error.text, sentence));
#endif
  CHECK(cnn_isa_use(NULL, NULL) == CNN_OK && cnn_isa_current() == cnn_isa_best());
  CHECK(cnn_isa_use("foo", &error) == CNN_E_ARGUMENT && cnn_isa_current() == cnn_isa_best());
  snprintf(sentence, sizeof sentence, "CNN_ISA='foo' is not an instruction set; this machine has %s", have);
  CHECK(ask_child(program, "isa", "CNN_ISA", "foo", sentence));
  CHECK(ask_child(program, "isa", "CNN_ISA", "", cnn_isa_name(cnn_isa_best())));

  snprintf(number, sizeof number, "%d", (int)cnn_cpu_count());
  CHECK(ask_child(program, "threads", "CNN_NUM_THREADS", "3", "3") && ask_child(program, "threads", "OMP_NUM_THREADS", "5,2", "5"));
  CHECK(ask_child(program, "threads", "CNN_NUM_THREADS", "", number) && ask_child(program, "threads", "OMP_NUM_THREADS", "many", number));
  CHECK(ask_child(program, "threads", "CNN_NUM_THREADS", "abc\n", "CNN_NUM_THREADS='abc?' is not a number of threads from 1 to 256"));
  CHECK(ask_child(program, "threads", "CNN_NUM_THREADS", "257", "CNN_NUM_THREADS='257' is not a number of threads from 1 to 256"));
}

int main(int count, char **arguments) {
  if (count > 1) return answer_parent(arguments[1]);
  check_memory();
  check_status();
  check_random();
  check_cpu(arguments[0]);
  check_ready();
  check_pool();
  if (!threads_live_after_fork()) printf("threads after a fork: not checked here; ");
  return check_report();
}
