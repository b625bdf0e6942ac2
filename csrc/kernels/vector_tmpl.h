/* Vectors: sums, scaled sums, reductions, and f(x) for the functions of math_tmpl.h.
   Reductions use four chains and combine them in one order, so a result is a function of the values and n alone. */

static void FN(axpy)(size_t n, real alpha, const real *x, real *y) {
  vreal a = v_set1(alpha);
  for (size_t i = 0; i < n; i += VL) v_put(y + i, v_fma(a, v_get(x + i, n - i), v_get(y + i, n - i)), n - i);
}

static void FN(scale)(size_t n, real alpha, const real *x, real *y) {
  vreal a = v_set1(alpha);
  for (size_t i = 0; i < n; i += VL) v_put(y + i, v_mul(a, v_get(x + i, n - i)), n - i);
}

static void FN(add)(size_t n, const real *x, real *y) {
  for (size_t i = 0; i < n; i += VL) v_put(y + i, v_add(v_get(y + i, n - i), v_get(x + i, n - i)), n - i);
}

static void FN(mul)(size_t n, const real *a, const real *b, real *y, int accumulate) {
  if (accumulate)
    for (size_t i = 0; i < n; i += VL) v_put(y + i, v_fma(v_get(a + i, n - i), v_get(b + i, n - i), v_get(y + i, n - i)), n - i);
  else
    for (size_t i = 0; i < n; i += VL) v_put(y + i, v_mul(v_get(a + i, n - i), v_get(b + i, n - i)), n - i);
}

static void FN(slope_scale)(size_t rows, size_t n, const real *slopes, int each, const real *x, const real *v, real *y, int accumulate) {
  for (; rows; rows--, x += n, v += n, y += n) {
    vreal slope = n ? v_set1(*slopes) : v_zero();
    for (size_t i = 0; i < n; i += VL) {
      vreal s = v_get(v + i, n - i);
      if (each) slope = v_get(slopes + i, n - i);
      s = v_select(v_gt(v_get(x + i, n - i), v_zero()), s, v_mul(slope, s));
      v_put(y + i, accumulate ? v_add(v_get(y + i, n - i), s) : s, n - i);
    }
  }
}

static void FN(slope_share)(size_t n, const real *x, const real *dy, real *y) {
  for (size_t i = 0; i < n; i += VL) {
    const vreal z = v_get(x + i, n - i);
    v_put(y + i, v_select(v_gt(z, v_zero()), v_zero(), v_mul(z, v_get(dy + i, n - i))), n - i);
  }
}

/* sum over i of STEP(chain, i); the lanes past n read 0, which adds nothing. */
#define REDUCE(STEP) \
  vreal s0 = v_zero(), s1 = v_zero(), s2 = v_zero(), s3 = v_zero(); \
  size_t i = 0; \
  for (; i + 4 * VL <= n; i += 4 * VL) { \
    s0 = STEP(s0, v_load, i); \
    s1 = STEP(s1, v_load, i + VL); \
    s2 = STEP(s2, v_load, i + 2 * VL); \
    s3 = STEP(s3, v_load, i + 3 * VL); \
  } \
  for (; i < n; i += VL) s0 = STEP(s0, TAIL, i); \
  return v_sum(v_add(v_add(s0, s2), v_add(s1, s3)));
#define TAIL(p) v_get(p, n - i)

static real FN(dot)(size_t n, const real *x, const real *y) {
#define STEP(s, LOAD, i) v_fma(LOAD(x + (i)), LOAD(y + (i)), s)
  REDUCE(STEP)
#undef STEP
}

static real FN(sum)(size_t n, const real *x) {
#define STEP(s, LOAD, i) v_add(s, LOAD(x + (i)))
  REDUCE(STEP)
#undef STEP
}

#if REAL_BITS == 64
static double FN(sum_squares)(size_t n, const real *x) { return FN(dot)(n, x, x); }
#else
/* A float's square is exact in double. */
static double FN(sum_squares)(size_t n, const real *x) {
  vwide low = WIDE(zero)(), high = WIDE(zero)();
  for (size_t i = 0; i < n; i += VL) {
    vreal v = v_get(x + i, n - i);
    vwide a = v_widen_low(v), b = v_widen_high(v);
    low = WIDE(fma)(a, a, low);
    high = WIDE(fma)(b, b, high);
  }
  return WIDE(sum)(WIDE(add)(low, high));
}
#endif
#undef TAIL
#undef REDUCE

static size_t FN(find_nonfinite)(size_t n, const real *x) {
  for (size_t i = 0; i < n; i += VL) {
    vreal v = v_get(x + i, n - i);
    if (v_any(v_isnan(v_sub(v, v))))
      for (;; i++)
        if (x[i] - x[i] != 0) return i;
  }
  return n;
}

static void FN(clip)(size_t n, real low, real high, real *x) {
  vreal a = v_set1(low), b = v_set1(high);
  for (size_t i = 0; i < n; i += VL) v_put(x + i, v_max(a, v_min(b, v_get(x + i, n - i))), n - i);
}

/* Four vectors of columns at a time: y stays in registers while x streams. */
static void FN(sum_rows)(size_t rows, size_t n, const real *x, size_t ldx, real *y) {
  size_t j = 0;
  for (; j + 4 * VL <= n; j += 4 * VL) {
    vreal s0 = v_load(y + j), s1 = v_load(y + j + VL), s2 = v_load(y + j + 2 * VL), s3 = v_load(y + j + 3 * VL);
    for (size_t i = 0; i < rows; i++) {
      const real *row = x + i * ldx + j;
      s0 = v_add(s0, v_load(row));
      s1 = v_add(s1, v_load(row + VL));
      s2 = v_add(s2, v_load(row + 2 * VL));
      s3 = v_add(s3, v_load(row + 3 * VL));
    }
    v_store(y + j, s0);
    v_store(y + j + VL, s1);
    v_store(y + j + 2 * VL, s2);
    v_store(y + j + 3 * VL, s3);
  }
  for (; j < n; j += VL) {
    vreal s = v_get(y + j, n - j);
    for (size_t i = 0; i < rows; i++) s = v_add(s, v_get(x + i * ldx + j, n - j));
    v_put(y + j, s, n - j);
  }
}

#define MAP(name) \
  static void FN(name)(size_t n, const real *x, real *y) { \
    for (size_t i = 0; i < n; i += VL) v_put(y + i, FN(v_##name)(v_get(x + i, n - i)), n - i); \
  }
MAP(exp)
MAP(log)
#undef MAP
