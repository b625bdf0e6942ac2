/* gemm, gemv and gemv_t of every instruction set of this machine, against plain loops, bit for bit.

   check_products [isa]     correctness: awkward sizes, all transpositions, leading dimensions larger than needed, unmapped pages
                            right behind (and in front of) every array, gaps between rows untouched
   check_products --bench   shares of the limits measured here, of the best instruction set, or of [isa] */
#if !defined(_WIN32) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* MAP_ANONYMOUS, clock_gettime */
#endif
#include "core/memory.h"
#include "tests/products.h"

static void verdict(int good, const char *isa, const char *what, const size_t *v) {
  if (good) {
    passed++;
  } else if (++failed <= 20) {
    printf("FAILED %s %s: ta %zu tb %zu accumulate %zu m %zu n %zu k %zu extra %zu\n", isa, what, v[0], v[1], v[2], v[3], v[4], v[5], v[6]);
  }
}

static arena arena_a, arena_b, arena_c, arena_s, arena_r, arena_f;

/* With leading dimension ld, the extent of r rows of n is (r - 1) ld + n elements. */
static size_t extent(size_t rows, size_t n, size_t ld) { return rows && n ? (rows - 1) * ld + n : 0; }

#define BODIES(real, SUF) \
  static void gemm_one_##SUF(const cnn_kernels *t, int ta, int tb, int acc, size_t m, size_t n, size_t k, size_t extra, int at_end) { \
    const cnn_kernels_##SUF *K = &t->SUF; \
    int fuse = fused(t->isa); \
    size_t lda = (ta ? m : k) + extra, ldb = (tb ? k : n) + 2 * extra, ldc = n + 3 * extra; \
    size_t na = ta ? extent(k, m, lda) : extent(m, k, lda), nb = tb ? extent(n, k, ldb) : extent(k, n, ldb), nc = extent(m, n, ldc); \
    size_t ns = K->gemm_scratch(ta, tb, m, n, k), v[] = {(size_t)ta, (size_t)tb, (size_t)acc, m, n, k, extra}; \
    real *a = arena_take(arena_a, na * sizeof *a, at_end), *b = arena_take(arena_b, nb * sizeof *b, at_end); \
    real *c = arena_take(arena_c, nc * sizeof *c, at_end), *want = arena_take(arena_r, nc * sizeof *c, at_end); \
    real *scratch = ns ? arena_take(arena_s, (ns * sizeof *c + 63) / 64 * 64, 1) : NULL; \
    real *start = arena_take(arena_f, n * sizeof *c, at_end); \
    fill_##SUF(a, na), fill_##SUF(b, nb), fill_##SUF(c, nc), fill_##SUF(start, n); \
    if (scratch) memset(scratch, 0xff, ns * sizeof *c); /* NaN: nothing unwritten is used */ \
    if (nc) memcpy(want, c, nc * sizeof *c); \
    for (size_t i = 0; i < m; i++) \
      for (size_t j = 0; j < n; j++) { \
        real s = acc == 1 ? want[i * ldc + j] : acc == 2 ? start[j] : 0; \
        for (size_t p = 0; p < k; p++) \
          s = chain_##SUF(fuse, ta ? a[p * lda + i] : a[i * lda + p], tb ? b[j * ldb + p] : b[p * ldb + j], s); \
        want[i * ldc + j] = s; \
      } \
    K->gemm(ta, tb, m, n, k, a, lda, b, ldb, c, ldc, acc == 1, acc == 2 ? start : NULL, scratch); \
    verdict(same_##SUF(c, want, nc), t->isa, "gemm " #SUF, v); \
    verdict(ns * sizeof(real) <= 5 << 19, t->isa, "gemm_scratch " #SUF, v); \
  } \
  static void vectors_one_##SUF(const cnn_kernels *t, int acc, size_t m, size_t n, size_t extra, int at_end) { \
    const cnn_kernels_##SUF *K = &t->SUF; \
    int fuse = fused(t->isa); \
    size_t lda = n + extra, na = extent(m, n, lda), v[] = {0, 0, (size_t)acc, m, n, 0, extra}, longest = m > n ? m : n; \
    real *a = arena_take(arena_a, na * sizeof *a, at_end), *x = arena_take(arena_b, n * sizeof *x, at_end); \
    real *y = arena_take(arena_c, m * sizeof *y, at_end), *one = malloc((3 * longest + 2 * na + 4) * sizeof *one); \
    real *row = one + longest, *was = row + longest, *want = was + longest, *moved = want + na + 1; \
    if (!one) exit(2); \
    fill_##SUF(a, na), fill_##SUF(x, n), fill_##SUF(y, m); \
    if (m) memcpy(was, y, m * sizeof *y); \
    K->gemv(m, n, a, lda, x, y, acc); \
    /* each row alone, moved by one element: its sum is a function of the row, and close to the sum in double */ \
    int good = 1, near = 1; \
    for (size_t i = 0; i < m; i++) { \
      double s = 0, size = 0; \
      for (size_t j = 0; j < n; j++) s += (double)a[i * lda + j] * x[j], size += fabs((double)a[i * lda + j] * x[j]); \
      if (n) memcpy(moved + 1, a + i * lda, n * sizeof *a); \
      one[0] = was[i]; \
      K->gemv(1, n, moved + 1, n, x, one, acc); \
      good &= same_##SUF(one, y + i, 1); \
      near &= fabs(y[i] - (acc ? was[i] + s : s)) <= (size + 1) * (sizeof(real) == 4 ? 1e-5 : 1e-14); \
    } \
    verdict(good, t->isa, "gemv rows " #SUF, v); \
    verdict(near, t->isa, "gemv value " #SUF, v); \
    /* the transpose: chains in ascending row */ \
    x = arena_take(arena_b, m * sizeof *x, at_end), y = arena_take(arena_c, n * sizeof *y, at_end); \
    fill_##SUF(x, m), fill_##SUF(y, n); \
    for (size_t j = 0; j < n; j++) { \
      row[j] = acc ? y[j] : 0; \
      for (size_t i = 0; i < m; i++) row[j] = chain_##SUF(fuse, a[i * lda + j], x[i], row[j]); \
    } \
    K->gemv_t(m, n, a, lda, x, y, acc); \
    verdict(same_##SUF(row, y, n), t->isa, "gemv_t " #SUF, v); \
    free(one); \
  } \
  static void both_##SUF(const cnn_kernels *t, size_t m, size_t n, size_t k) { \
    for (int way = 0; way < 12; way++) \
      gemm_one_##SUF(t, way & 1, way >> 1 & 1, way >> 2, m, n, k, next32() % 3 ? next32() % 5 : 0, (int)(next32() % 4 != 0)); \
  } \
  static void check_##SUF(const cnn_kernels *t) { \
    static const size_t edges[] = {11, 12, 13, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 66, 95, 97, 127, 128, 129, 130}; \
    enum { EDGES = sizeof edges / sizeof *edges }; \
    for (size_t m = 0; m <= 9; m++) \
      for (size_t n = 0; n <= 9; n++) \
        for (size_t k = 0; k <= 9; k++) both_##SUF(t, m, n, k); \
    for (size_t e = 0; e < EDGES; e++) \
      for (size_t f = 0; f < EDGES; f++) both_##SUF(t, edges[f] % 27, edges[e], 1 + next32() % 20); \
    for (size_t e = 0; e < EDGES; e++) both_##SUF(t, edges[e], 1 + next32() % 12, 1 + next32() % 40); \
    static const size_t deep[] = {511, 512, 513, 1023, 1025, 1100}; \
    for (size_t d = 0; d < 6; d++) \
      for (int i = 0; i < 4; i++) both_##SUF(t, 1 + next32() % 14, 1 + next32() % 70, deep[d]); \
    both_##SUF(t, 193, 70, 70), both_##SUF(t, 385, 33, 5), both_##SUF(t, 129, 521, 65); \
    for (int i = 0; i < 3000; i++) { /* scratch for a product is enough for one of fewer rows and columns */ \
      const size_t most = i % 2 ? 300 : 3000; \
      size_t m = 1 + next32() % most, n = 1 + next32() % most, k = 1 + next32() % most, way = next32() % 4; \
      size_t fewer = 1 + next32() % m, less = 1 + next32() % n, v[] = {way & 1, way >> 1, m, n, k, fewer, less}; \
      verdict(t->SUF.gemm_scratch(way & 1, way >> 1, fewer, less, k) <= t->SUF.gemm_scratch(way & 1, way >> 1, m, n, k), t->isa, \
              "gemm_scratch " #SUF, v); \
    } \
    static const size_t turned[] = {6, 8, 12, 13, 16, 23, 24, 25, 31, 32, 33, 40, 48, 57, 63, 64, 65}; \
    for (size_t r = 0; r < sizeof turned / sizeof *turned; r++) both_##SUF(t, turned[r], 32 + next32() % 70, 128 + next32() % 600); \
    both_##SUF(t, 32, 33, 2047), both_##SUF(t, 16, 50, 2050); \
    /* packed a and b, several blocks of each; then also of k */ \
    gemm_one_##SUF(t, 1, 0, 0, 521, 1037, 64, 3, 1), gemm_one_##SUF(t, 1, 1, 1, 513, 1025, 65, 0, 1); \
    gemm_one_##SUF(t, 1, 0, 1, 513, 257, 513, 1, 1), gemm_one_##SUF(t, 1, 0, 1, 515, 1037, 513, 0, 1); \
    gemm_one_##SUF(t, 0, 0, 0, 131, 521, 1030, 1, 1), gemm_one_##SUF(t, 0, 1, 1, 131, 261, 1030, 0, 1); \
    for (int i = 0; i < 100; i++) both_##SUF(t, next32() % 60, next32() % 140, next32() % 90); \
    for (int acc = 0; acc < 2; acc++) \
      for (int at_end = 0; at_end < 2; at_end++) { \
        for (size_t m = 0; m <= 19; m++) \
          for (size_t n = 0; n <= 70; n++) vectors_one_##SUF(t, acc, m, n, next32() % 4, at_end); \
        for (int i = 0; i < 50; i++) vectors_one_##SUF(t, acc, next32() % 70, next32() % 900, next32() % 4, at_end); \
      } \
  }

BODIES(float, f32)
BODIES(double, f64)

/* ---- bench */
static char *bench_memory; /* from the engine's allocator: the pages are as large as a network's */

#define BENCH(real, SUF) \
  static void bench_##SUF(const cnn_kernels *t, double budget) { \
    static const struct { const char *what; int ta, tb, acc; size_t m, n, k; } shapes[] = { \
      {"cube", 0, 0, 0, 256, 256, 256}, {"cube", 0, 0, 0, 512, 512, 512}, {"cube", 0, 0, 0, 1024, 1024, 1024}, \
      {"cube", 0, 0, 0, 2048, 2048, 2048}, {"cube Y", 0, 1, 0, 256, 256, 256}, {"cube Y", 0, 1, 0, 512, 512, 512}, \
      {"cube Y", 0, 1, 0, 1024, 1024, 1024}, {"cube dW", 1, 0, 1, 512, 512, 512}, {"cube dW", 1, 0, 1, 1024, 1024, 1024}, \
      {"Y", 0, 1, 0, 32, 128, 784}, {"Y", 0, 1, 0, 32, 10, 128}, {"dX", 0, 0, 0, 32, 128, 10}, {"dW", 1, 0, 1, 10, 128, 32}, \
      {"dW", 1, 0, 1, 128, 784, 32}, {"32x784x128", 0, 0, 0, 32, 128, 784}, \
      {"Y", 0, 1, 0, 256, 1024, 784}, {"Y", 0, 1, 0, 256, 1024, 1024}, {"dX", 0, 0, 0, 256, 1024, 1024}, \
      {"dW", 1, 0, 1, 1024, 784, 256}, {"dW", 1, 0, 1, 1024, 1024, 256}, {"Y", 0, 1, 0, 512, 2048, 2048}, \
      {"dX", 0, 0, 0, 512, 2048, 2048}, {"dW", 1, 0, 1, 2048, 2048, 512}, \
      {"Y", 0, 1, 0, 64, 64, 64}, {"dX", 0, 0, 0, 64, 64, 64}, {"dW", 1, 0, 1, 64, 64, 64}, {"Y", 0, 1, 0, 32, 32, 32}, \
      {"dX", 0, 0, 0, 32, 32, 32}, {"dW", 1, 0, 1, 32, 32, 32}, {"Y", 0, 1, 0, 16, 16, 4}, {"dX", 0, 0, 0, 16, 4, 16}, \
      {"dW", 1, 0, 1, 16, 4, 16}, {"Y", 0, 1, 0, 16, 3, 16}, {"dX", 0, 0, 0, 16, 16, 3}, {"dW", 1, 0, 1, 3, 16, 16}, \
      {"Y", 0, 1, 0, 4, 2, 2}, {"dW", 1, 0, 1, 2, 2, 4}, {"dot", 0, 1, 0, 1, 1, 1}, {"Y", 0, 1, 0, 64, 1, 64}, \
      {"dX", 0, 0, 0, 64, 64, 1}, {"dW", 1, 0, 1, 1, 64, 64}, {"Y", 0, 1, 0, 64, 64, 1}, {"Y", 0, 1, 0, 64, 64, 2}, \
      {"dX", 0, 0, 0, 64, 2, 64}, {"dW", 1, 0, 1, 64, 2, 64}, {"Y", 0, 1, 0, 64, 4, 64}, {"dX", 0, 0, 0, 64, 4, 64}, \
      {"dW", 1, 0, 1, 64, 4, 64}, {"Y", 0, 1, 0, 64, 8, 64}, {"dW", 1, 0, 1, 64, 8, 64}, {"Y", 0, 1, 0, 1, 128, 784}, \
      {"Y", 0, 1, 0, 4, 128, 784}, {"Y", 0, 1, 0, 8, 128, 784}, \
      {"Y", 0, 1, 0, 64, 128, 784}, {"Y", 0, 1, 0, 128, 128, 784}, {"Y", 0, 1, 0, 192, 128, 784}}; \
    static const size_t sizes[][2] = {{2, 2}, {1, 2}, {16, 4}, {3, 16}, {32, 4}, {16, 32}, {10, 128}, {128, 784}, \
                                      {1024, 784}, {1024, 1024}}; \
    const cnn_kernels_##SUF *K = &t->SUF; \
    const limits l = limits_of(t->isa, sizeof(real)); \
    real *a = (real *)bench_memory, *b = a + (1 << 22) + 16, *c = b + (1 << 22) + 16, *s = c + (1 << 22) + 16; \
    for (size_t i = 0; i < 3 << 22; i++) a[i] = (real)((int32_t)next32() * (1.0 / 2147483648.0)); \
    print_limits(t->isa, #SUF, &l); \
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) { \
      const int ta = shapes[i].ta, tb = shapes[i].tb; \
      const size_t m = shapes[i].m, n = shapes[i].n, k = shapes[i].k; \
      double sec, flop = 2.0 * (double)m * (double)n * (double)k; \
      TIME(sec, K->gemm(ta, tb, m, n, k, a, ta ? m : k, b, tb ? k : n, c, n, shapes[i].acc, NULL, s), budget); \
      printf("  gemm %-10s %d%d  %4zu x %4zu x %4zu  %10.3f us %7.1f GF %6.1f %%\n", shapes[i].what, ta, tb, m, n, k, sec * 1e6, \
             flop / sec * 1e-9, flop / sec * 1e-7 / l.peak); \
      memset(c, 0, m * n * sizeof *c); \
    } \
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) { \
      const size_t m = sizes[i][0], n = sizes[i][1]; \
      double v, vt, bytes = (double)(m * n * sizeof(real)); \
      const char *in; \
      TIME(v, K->gemv(m, n, a, n, b, c, 0), budget); \
      TIME(vt, K->gemv_t(m, n, a, n, b, c, 0), budget); \
      const double part = share_of_memory(&l, bytes, 0, 0, v, &in), part_t = share_of_memory(&l, bytes, 0, 0, vt, &in); \
      printf("  %4zu x %4zu  gemv %9.1f ns %5.1f %%  gemv_t %9.1f ns %5.1f %% of %s\n", m, n, v * 1e9, part, vt * 1e9, part_t, in); \
    } \
  }
BENCH(float, f32)
BENCH(double, f64)

int main(int argc, char **argv) {
  const int bench = argc > 1 && !strcmp(argv[1], "--bench");
  arena *const arenas[] = {&arena_a, &arena_b, &arena_c, &arena_s, &arena_r, &arena_f};
  for (int i = 0; i < 6; i++) *arenas[i] = arena_new();
  if (bench) {
    const cnn_kernels *t = bench_kernels(argc > 2 ? argv[2] : NULL);
    if (!t || !(bench_memory = cnn_memory_new(NULL, (size_t)7 << 24))) return 2;
    const double budget = argc > 3 ? atof(argv[3]) : 0.05;
    bench_f32(t, budget), bench_f64(t, budget);
    return 0;
  }
  for (int isa = 0; isa < CNN_ISA_COUNT; isa++) {
    const cnn_kernels *t = cnn_kernels_of(isa);
    if (!t || !cnn_isa_available(isa) || (argc > 1 && strcmp(argv[1], t->isa))) continue;
    long before = passed;
    check_f32(t), check_f64(t);
    printf("%s: %ld passed\n", t->isa, passed - before);
  }
  printf("%ld passed, %ld failed\n", passed, failed);
  return failed != 0;
}
