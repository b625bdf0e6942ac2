/* Every kernel of kernels.def but the matrix products (check_products.c) and what has windows (check_windows.c), on every instruction
   set of this machine, in both dtypes, against long double definitions.

   check_kernels [isa]      correctness: awkward sizes, unaligned arrays between unmapped pages, aliasing, position independence, ULPs
   check_kernels --bench    nanoseconds an element and the share of what the first and second cache give, measured here, of the best
                            instruction set, or of [isa]

   A kernel without a check does not compile: kernels.def calls check_<name>. Checks are in check_kernels_tmpl.h and what it
   includes, once a dtype. */
#if !defined(_WIN32) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* MAP_ANONYMOUS, clock_gettime */
#endif
#include "tests/bench.h"
#include "kernels/scalar_math.h"
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

typedef long double wide;
static long passed, failed;
static const char *isa, *dtype, *only;
static int bench;
static limits limit;

static void verdict(int good, const char *what, const char *how, size_t n, int mode) {
  if (good) passed++;
  else if (++failed <= 20) printf("FAILED %s %s %s: %s, n %zu, mode %d\n", isa, dtype, what, how, n, mode);
}

static uint64_t state = 1;
static double uniform(void) { /* [0, 1) */
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (double)(state >> 11) * 0x1p-53;
}
static uint64_t random_bits(void) {
  uint64_t high = (uint64_t)(uniform() * 0x1p32);
  return high << 32 | (uint64_t)(uniform() * 0x1p32);
}

/* Arrays of up to 64 KiB, each between two unmapped pages. Mode 0 starts at the first byte, mode 1 ends at the last one, others start
   mode - 1 elements in; the rest of the pages holds a pattern that must survive. */
enum { ARRAYS = 7, ROOM = 65536, MODES = 5, PATTERN = 0xA5 };
static unsigned char *room[ARRAYS];

static void make_rooms(void) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  for (int i = 0; i < ARRAYS; i++) {
    unsigned char *all = mmap(NULL, ROOM + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED || mprotect(all, page, PROT_NONE) || mprotect(all + page + ROOM, page, PROT_NONE)) abort();
    room[i] = all + page;
  }
}
static void *place(int i, size_t bytes, size_t element, int mode) {
  memset(room[i], PATTERN, ROOM);
  return room[i] + (mode == 1 ? ROOM - bytes : mode ? (size_t)(mode - 1) * element : 0);
}
static int patterned(const unsigned char *from, const unsigned char *to) {
  return from == to || (*from == PATTERN && !memcmp(from, from + 1, (size_t)(to - from) - 1));
}
static int intact(int i, const void *array, size_t bytes) {
  const unsigned char *a = array;
  return patterned(room[i], a) && patterned(a + bytes, room[i] + ROOM);
}

static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 129, 1000};
enum { SIZES = sizeof sizes / sizeof *sizes };

/* ---- bench: `rows` rows of 64 elements an array, once in the first cache and once in the second. */
enum { BENCH_COLUMNS = 64, BENCH_LEVELS = 2 };
static const size_t bench_bytes[BENCH_LEVELS] = {4096, 57344}; /* an array */

/* read, written: of each element, in arrays; also_read: written ones that are read before */
static void bench_line(const char *name, size_t size, double read, double written, double also_read, const double *seconds) {
  printf("  %-22s", name);
  for (int i = 0; i < BENCH_LEVELS; i++) {
    const double bytes = (double)bench_bytes[i];
    const char *level;
    const double part = share_of_memory(&limit, read * bytes, written * bytes, also_read * bytes, seconds[i], &level);
    printf("  %7.3f ns an element %5.1f %% of %s", seconds[i] * 1e9 / bytes * (double)size, part, level);
  }
  printf("\n");
}

/* The definitions, in long double. */
static wide sigmoid_wide(wide x) { return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x)); }
static wide cdf_wide(wide z) { return erfcl(-z * 0.70710678118654752440084436210485L) / 2; }
static wide gelu_inner_wide(wide z) { return 0.79788456080286535587989211986876L * (z + 0.044715L * z * z * z); }
static wide ramp_wide(wide z) { return fminl(fmaxl(z + 3, 0), 6); }
#define SELU_SCALE 1.0507009873554804934193349852946L
#define SELU_ALPHA 1.6732632423543772848170429916717L

#define CAT_(a, b) a##_##b
#define CAT(a, b) CAT_(a, b)
#define T_(name) CAT(name, TYPE)

#define TYPE f32
#define real float
#define BITS 32
#define EPS 0x1p-23
#define LARGEST 0x1.fffffep127L
#define LEAST_EXPONENT -149
#include "tests/check_kernels_tmpl.h"
#undef TYPE
#undef real
#undef BITS
#undef EPS
#undef LARGEST
#undef LEAST_EXPONENT

#define TYPE f64
#define real double
#define BITS 64
#define EPS 0x1p-52
#define LARGEST 0x1.fffffffffffffp1023L
#define LEAST_EXPONENT -1074
#include "tests/check_kernels_tmpl.h"
#undef TYPE

static int here(const char *name) {
#if defined(__x86_64__)
  if (!strcmp(name, "avx2")) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (!strcmp(name, "avx512"))
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw");
#endif
  return name != NULL;
}

static void check_table(const cnn_kernels *table) {
  isa = table->isa;
  if (!here(isa) || (only && strcmp(isa, only))) return;
  int scalar = !strcmp(isa, "scalar");
#define K(result, name, arguments) verdict(t->name != NULL, #name, "missing", 0, 0), CAT(check_##name, TYPE)(t);
#define R(result, name, arguments) \
  verdict(!scalar || t->name == NULL, #name, "a row of its own under scalar", 0, 0); \
  if (t->name != NULL) CAT(check_##name, TYPE)(t);
#define L(result, name, arguments) \
  if (t->name != NULL) CAT(check_##name, TYPE)(t);
  {
    const cnn_kernels_f32 *t = &table->f32;
    dtype = "f32";
    if (bench) limit = limits_of(isa, sizeof(float)), print_limits(isa, dtype, &limit);
#define TYPE f32
#include "kernels/kernels.def"
#undef TYPE
  }
  {
    const cnn_kernels_f64 *t = &table->f64;
    dtype = "f64";
    if (bench) limit = limits_of(isa, sizeof(double)), print_limits(isa, dtype, &limit);
#define TYPE f64
#include "kernels/kernels.def"
#undef TYPE
  }
  printf("\n");
}

#define I(name, family) CAT(DECLARE, family)(name)
#define DECLARE_any(name) extern const cnn_kernels cnn_kernels_##name;
#if defined(__x86_64__)
#define DECLARE_x86(name) extern const cnn_kernels cnn_kernels_##name;
#define RUN_x86(name) check_table(&cnn_kernels_##name);
#define DECLARE_arm(name)
#define RUN_arm(name)
#elif defined(__aarch64__)
#define DECLARE_x86(name)
#define RUN_x86(name)
#define DECLARE_arm(name) extern const cnn_kernels cnn_kernels_##name;
#define RUN_arm(name) check_table(&cnn_kernels_##name);
#else
#define DECLARE_x86(name)
#define RUN_x86(name)
#define DECLARE_arm(name)
#define RUN_arm(name)
#endif
#define RUN_any(name) check_table(&cnn_kernels_##name);
#include "isas.def"
#undef I
#define I(name, family) CAT(RUN, family)(name)

int main(int count, char **words) {
  bench = count > 1 && !strcmp(words[1], "--bench");
  make_rooms();
  if (bench) {
    const cnn_kernels *t = bench_kernels(count > 2 ? words[2] : NULL);
    if (!t) return 2;
    check_table(t);
    return failed != 0;
  }
  only = count > 1 ? words[1] : NULL;
  isa = "inline", dtype = "f32", scalar_math_f32();
  dtype = "f64", scalar_math_f64();
  printf("\n");
#include "isas.def"
  printf("%ld passed, %ld failed\n", passed, failed);
  return failed != 0;
}
