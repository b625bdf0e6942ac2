/* One row through a dense layer, and back. After gemm_tmpl.h, for its scalar parts.

   gemv sums each row in an order of its own, a function of n alone: up to TINY a chain; beyond, two vectors of partial sums, even
   vectors of x into the first and odd ones into the second, a last part-vector into the second, then v_sum of their sum. Rows go
   through together in fours only to have independent chains; the order within each does not change. */
#define TINY FN(gemv_tiny)
enum { TINY = 4 };

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
  for (; m >= 4; m -= 4, a += 4 * lda, y += 4) FN(gemv_rows)(4, n, a, lda, x, y, accumulate);
  switch (m) {
    case 3: FN(gemv_rows)(3, n, a, lda, x, y, accumulate); break;
    case 2: FN(gemv_rows)(2, n, a, lda, x, y, accumulate); break;
    case 1: FN(gemv_rows)(1, n, a, lda, x, y, accumulate); break;
  }
}

/* gemv_few sums each in an order of its own, too: one vector of partial sums, then v_sum. Rows of a go through in groups, each while it is in
   the first cache for all rows of x. */
#define FEW_UNITS FN(gemv_few_units)
#define FEW_ROWS FN(gemv_few_rows)
enum { FEW_ROWS = FN(gemm_masks) || FN(gemm_many) ? 4 : 3, FEW_UNITS = FN(gemm_many) ? 6 : 3 }; /* sums in registers */

V_INLINE void FN(gemv_few_tile)(const int units, const int rows, size_t n, const real *a, size_t lda, const real *x, size_t ldx, real *y,
                                size_t ldy) {
  vreal s[6][4]; /* of one size for all, as in gemm_tile */
#pragma GCC unroll 6
  for (int i = 0; i < units; i++)
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) s[i][r] = v_zero();
#define TAKE(load) \
  do { \
    vreal xs[4]; \
    _Pragma("GCC unroll 4") for (int r = 0; r < rows; r++) xs[r] = load(x + r * ldx + j); \
    _Pragma("GCC unroll 6") for (int i = 0; i < units; i++) { \
      vreal w = load(a + i * lda + j); \
      _Pragma("GCC unroll 4") for (int r = 0; r < rows; r++) s[i][r] = v_fma(w, xs[r], s[i][r]); \
    } \
  } while (0)
#define LOAD_LAST(p) v_load_n(p, n - j)
  size_t j = 0;
  for (; j + VL <= n; j += VL) TAKE(v_load);
  if (j < n) TAKE(LOAD_LAST);
#undef LOAD_LAST
#undef TAKE
#pragma GCC unroll 6
  for (int i = 0; i < units; i++)
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++) y[r * ldy + i] = v_sum(s[i][r]);
}

static void FN(gemv_few)(size_t rows, size_t m, size_t n, const real *a, size_t lda, const real *x, size_t ldx, real *y, size_t ldy) {
  const size_t groups = (rows + FEW_ROWS - 1) / FEW_ROWS, units = m < FEW_UNITS ? 1 : FEW_UNITS;
  for (size_t i = 0; i < m; i += units) {
    if (m - i < units) i = m - units; /* the last group takes some for a second time */
    for (size_t g = groups, r = 0, count; g; g--, r += count) {
      count = (rows - r + g - 1) / g; /* as even as possible: five are three and two */
#define TAKE(count) \
  case count: \
    if (count > FEW_ROWS) break; \
    if (units == 1) FN(gemv_few_tile)(1, count, n, a + i * lda, lda, x + r * ldx, ldx, y + r * ldy + i, ldy); \
    else FN(gemv_few_tile)(FEW_UNITS, count, n, a + i * lda, lda, x + r * ldx, ldx, y + r * ldy + i, ldy); \
    break
      switch (count) {
        TAKE(1);
        TAKE(2);
        TAKE(3);
        TAKE(4);
      }
#undef TAKE
    }
  }
}
#undef FEW_ROWS
#undef FEW_UNITS

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
  for (; m >= 8; m -= 8) TAKE(8);
  if (m & 4) TAKE(4);
  if (m & 2) TAKE(2);
  if (m & 1) TAKE(1);
#undef TAKE
}
#undef TINY
#undef STAY_SCALAR
#undef PREFETCH
#undef PREFETCH_READ
