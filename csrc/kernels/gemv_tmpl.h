/* One row through a dense layer, and back. After gemm_tmpl.h, for its scalar parts.

   gemv sums each row in an order of its own, a function of n alone: up to TINY a chain; beyond, two vectors of partial sums, even
   vectors of x into the first and odd ones into the second, a last part-vector into the second, then v_sum of their sum. Rows go
   through together in fours only to have independent chains; the order within each does not change. Long vectors need no more than
   two chains for what the third cache gives, which gives most to one run of memory. */
#define TINY FN(gemv_tiny)
#define STREAM FN(gemv_stream)
enum { TINY = 4, STREAM = 1 << 20 /* bytes that the second cache does not keep */ };

V_INLINE void FN(gemv_tiny_rows)(const size_t n, size_t m, const real *a, size_t lda, const real *x, real *y, int accumulate) {
  real xs[TINY]; /* y may be x for all that the compiler knows, but these are no memory */
#pragma GCC unroll 4
  for (size_t j = 0; j < n; j++) xs[j] = x[j];
  for (size_t i = 0; i < m; i++, a += lda) {
    real s = 0;
    STAY_SCALAR;
#pragma GCC unroll 4
    for (size_t j = 0; j < n; j++) s = FN(s_fma)(a[j], xs[j], s);
    y[i] = accumulate ? y[i] + s : s;
  }
}

V_INLINE void FN(gemv_rows)(const int rows, size_t n, const real *a, size_t lda, const real *x, real *y, int accumulate) {
  vreal even[4], odd[4];
#pragma GCC unroll 4
  for (int i = 0; i < rows; i++) even[i] = odd[i] = v_zero();
  size_t j = 0;
  for (; j + 2 * VL <= n; j += 2 * VL) {
    vreal x0 = v_load(x + j), x1 = v_load(x + j + VL);
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++) {
      even[i] = v_fma(v_load(a + i * lda + j), x0, even[i]);
      odd[i] = v_fma(v_load(a + i * lda + j + VL), x1, odd[i]);
    }
  }
  if (j + VL <= n) {
    vreal x0 = v_load(x + j);
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++) even[i] = v_fma(v_load(a + i * lda + j), x0, even[i]);
    j += VL;
  }
  if (j < n) {
    vreal x1 = v_load_n(x + j, n - j);
#pragma GCC unroll 4
    for (int i = 0; i < rows; i++) odd[i] = v_fma(v_load_n(a + i * lda + j, n - j), x1, odd[i]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < rows; i++) {
    real s = v_sum(v_add(even[i], odd[i]));
    y[i] = accumulate ? y[i] + s : s;
  }
}

static void FN(gemv)(size_t m, size_t n, const real *a, size_t lda, const real *x, real *y, int accumulate) {
  switch (n) {
    case 0: FN(gemv_tiny_rows)(0, m, a, lda, x, y, accumulate); return;
    case 1: FN(gemv_tiny_rows)(1, m, a, lda, x, y, accumulate); return;
    case 2: FN(gemv_tiny_rows)(2, m, a, lda, x, y, accumulate); return;
    case 3: FN(gemv_tiny_rows)(3, m, a, lda, x, y, accumulate); return;
    case TINY: FN(gemv_tiny_rows)(TINY, m, a, lda, x, y, accumulate); return;
  }
  if (VL * sizeof(real) == 64 && m * n * sizeof(real) >= STREAM)
    for (; m; m--, a += lda, y++) FN(gemv_rows)(1, n, a, lda, x, y, accumulate);
  for (; m >= 4; m -= 4, a += 4 * lda, y += 4) FN(gemv_rows)(4, n, a, lda, x, y, accumulate);
  switch (m) {
    case 3: FN(gemv_rows)(3, n, a, lda, x, y, accumulate); break;
    case 2: FN(gemv_rows)(2, n, a, lda, x, y, accumulate); break;
    case 1: FN(gemv_rows)(1, n, a, lda, x, y, accumulate); break;
  }
}

/* `rows` rows added to y, a chain in ascending row; the first of all starts from 0 unless accumulate. */
V_INLINE void FN(gemv_t_rows)(const int rows, size_t n, const real *a, size_t lda, const real *x, real *y, int accumulate) {
  vreal xs[8];
#pragma GCC unroll 8
  for (int i = 0; i < rows; i++) xs[i] = v_set1(x[i]);
  size_t j = 0;
  for (; j + VL <= n; j += VL) {
    vreal s = accumulate ? v_load(y + j) : v_zero();
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++) s = v_fma(v_load(a + i * lda + j), xs[i], s);
    v_store(y + j, s);
  }
  if (j < n) {
    vreal s = accumulate ? v_load_n(y + j, n - j) : v_zero();
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++) s = v_fma(v_load_n(a + i * lda + j, n - j), xs[i], s);
    v_store_n(y + j, s, n - j);
  }
}

static void FN(gemv_t)(size_t m, size_t n, const real *a, size_t lda, const real *x, real *y, int accumulate) {
  switch (n) { /* scalars, for few elements and because masked stores that scalar code soon reads would be slow */
    case 1: FN(gemm_dots)(1, 1, m, x, 0, 1, a, lda, 1, y, 0, accumulate ? y : NULL, 0); return;
    case 2: FN(gemm_dots)(1, 2, m, x, 0, 1, a, lda, 1, y, 0, accumulate ? y : NULL, 0); return;
    case 3: FN(gemm_dots)(1, 3, m, x, 0, 1, a, lda, 1, y, 0, accumulate ? y : NULL, 0); return;
    case TINY: FN(gemm_dots)(1, TINY, m, x, 0, 1, a, lda, 1, y, 0, accumulate ? y : NULL, 0); return;
  }
  if (!m && !accumulate)
    for (size_t j = 0; j < n; j++) y[j] = 0;
#define TAKE(rows) FN(gemv_t_rows)(rows, n, a, lda, x, y, accumulate), a += rows * lda, x += rows, accumulate = 1
  if (n * sizeof(real) < 2048) /* of long rows few enough are read at once for the processor to see what comes next */
    for (; m >= 8; m -= 8) TAKE(8);
  for (; m >= 4; m -= 4) TAKE(4);
  if (m & 2) TAKE(2);
  if (m & 1) TAKE(1);
#undef TAKE
}
#undef TINY
#undef STREAM
#undef PREFETCH
#undef PREFETCH_READ
