/* Sums and scalings for normalization, by column (statistics of channels; lanes are channels) and by row (statistics of a row).

   Sums are kept in double, of differences from a center that lies among the numbers: a mean a million times the deviation costs no
   digits. Columns: one chain each, in ascending order of rows, that goes on from the sums given. Rows: the order depends on n alone.
   `count` numbers are rows of n, one after another; the last row may be short. */
#if defined(__GNUC__) || defined(__clang__)
#define TESTED(flag) __asm__ volatile("" : "+r"(flag)) /* in a loop: it is looked at there, and there are no two loops of it */
#else
#define TESTED(flag) ((void)(flag))
#endif
#define WIDE_VL FN(norm_wide)
#define HALVES FN(norm_halves)
#define PANEL FN(norm_panel)
enum {
  WIDE_VL = sizeof(vwide) / sizeof(double),
  HALVES = VL / WIDE_VL,        /* wide vectors of a vector */
  PANEL = FN(gemm_many) ? 4 : 2 /* vectors of columns whose sums fit in registers */
};

V_INLINE vwide FN(norm_widen)(vreal v, int half) {
#if REAL_BITS == 64
  return (void)half, v;
#else
  return half ? v_widen_high(v) : v_widen_low(v);
#endif
}
V_INLINE size_t FN(norm_lanes)(size_t n, int half) { return n > (size_t)half * WIDE_VL ? n - (size_t)half * WIDE_VL : 0; }

/* For n columns of `vectors` vectors: first[j] += p and second[j] += p q over rows, where with dy p is dy and q is x - center, and
   without it both are x - center. */
V_INLINE void FN(norm_panel_sums)(const int vectors, size_t rows, size_t n, const real *dy, const real *x, size_t ld, const real *center,
                                  double *first, double *second) {
  vwide a[PANEL][HALVES], b[PANEL][HALVES];
  vreal c[PANEL];
#pragma GCC unroll 4
  for (int v = 0; v < vectors; v++) {
    size_t j = (size_t)v * VL, left = n - j;
    c[v] = v_get(center + j, left);
#pragma GCC unroll 2
    for (int h = 0; h < HALVES; h++) {
      a[v][h] = WIDE(get)(first + j + h * WIDE_VL, FN(norm_lanes)(left, h));
      b[v][h] = WIDE(get)(second + j + h * WIDE_VL, FN(norm_lanes)(left, h));
    }
  }
  for (size_t i = 0; i < rows; i++)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) {
      size_t at = i * ld + (size_t)v * VL, left = n - (size_t)v * VL;
      vreal d = v_sub(v_get(x + at, left), c[v]), g = dy ? v_get(dy + at, left) : d;
#pragma GCC unroll 2
      for (int h = 0; h < HALVES; h++) {
        vwide p = FN(norm_widen)(g, h), q = dy ? FN(norm_widen)(d, h) : p;
        a[v][h] = WIDE(add)(a[v][h], p);
        b[v][h] = WIDE(fma)(p, q, b[v][h]);
      }
    }
#pragma GCC unroll 4
  for (int v = 0; v < vectors; v++) {
    size_t j = (size_t)v * VL, left = n - j;
#pragma GCC unroll 2
    for (int h = 0; h < HALVES; h++) {
      WIDE(put)(first + j + h * WIDE_VL, a[v][h], FN(norm_lanes)(left, h));
      WIDE(put)(second + j + h * WIDE_VL, b[v][h], FN(norm_lanes)(left, h));
    }
  }
}

V_INLINE void FN(norm_columns)(size_t rows, size_t n, const real *dy, const real *x, size_t ld, const real *center, double *first,
                               double *second) {
  size_t j = 0;
  for (; j + PANEL * VL <= n; j += PANEL * VL)
    FN(norm_panel_sums)(PANEL, rows, PANEL * VL, dy ? dy + j : NULL, x + j, ld, center + j, first + j, second + j);
  for (; j < n; j += VL) FN(norm_panel_sums)(1, rows, n - j, dy ? dy + j : NULL, x + j, ld, center + j, first + j, second + j);
}

static void FN(column_moments)(size_t count, size_t n, const real *x, const real *center, double *sums) {
  size_t rows = count / n, rest = count - rows * n;
  FN(norm_columns)(rows, n, NULL, x, n, center, sums, sums + n);
  if (rest) FN(norm_columns)(1, rest, NULL, x + rows * n, n, center, sums, sums + n);
}

static void FN(column_cross)(size_t count, size_t n, const real *dy, const real *x, const real *center, double *sums) {
  size_t rows = count / n, rest = count - rows * n;
  FN(norm_columns)(rows, n, dy, x, n, center, sums, sums + n);
  if (rest) FN(norm_columns)(1, rest, dy + rows * n, x + rows * n, n, center, sums, sums + n);
}

/* y (+)= (x - center) a + b or, from two, a dy + b (x - center) + c, for `vectors` vectors of columns; some: for the one of n columns. */
V_INLINE vreal FN(norm_at)(const real *p, const int some, size_t n) { return some ? v_load_n(p, n) : v_load(p); }
V_INLINE void FN(norm_panel_blend)(const int two, const int vectors, const int some, size_t rows, size_t n, size_t ld, const real *dy,
                                   const real *x, const real *center, const real *a, const real *b, const real *c, real *y,
                                   int accumulate) {
  vreal m[PANEL], p[PANEL], q[PANEL], s[PANEL];
#pragma GCC unroll 4
  for (int v = 0; v < vectors; v++) {
    size_t j = (size_t)v * VL;
    m[v] = FN(norm_at)(center + j, some, n), p[v] = FN(norm_at)(a + j, some, n), q[v] = FN(norm_at)(b + j, some, n);
    s[v] = two ? FN(norm_at)(c + j, some, n) : v_zero();
  }
  for (size_t i = 0; i < rows; i++) {
    TESTED(accumulate);
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) {
      size_t at = i * ld + (size_t)v * VL;
      vreal d = v_sub(FN(norm_at)(x + at, some, n), m[v]);
      vreal r = two ? v_fma(p[v], FN(norm_at)(dy + at, some, n), v_fma(q[v], d, s[v])) : v_fma(d, p[v], q[v]);
      if (accumulate) r = v_add(FN(norm_at)(y + at, some, n), r);
      if (some) v_store_n(y + at, r, n);
      else v_store(y + at, r);
    }
  }
}

/* Panel by panel of some rows at a time: what is given by column stays in registers, and the rows' lines in the first cache. */
V_INLINE void FN(norm_blend)(const int two, size_t count, size_t n, const real *dy, const real *x, const real *center, const real *a,
                             const real *b, const real *c, real *y, int accumulate) {
  while (count) {
    size_t rows = count / n < 16 ? count / n : 16, width = n, j = 0;
    if (rows == 0) rows = 1, width = count;
#define BLEND(vectors, some) \
  FN(norm_panel_blend)(two, vectors, some, rows, width - j, n, two ? dy + j : NULL, x + j, center + j, a + j, b + j, two ? c + j : NULL, y + j, \
                       accumulate)
    for (; j + PANEL * VL <= width; j += PANEL * VL) BLEND(PANEL, 0);
    for (; j + VL <= width; j += VL) BLEND(1, 0);
    if (j < width) BLEND(1, 1);
#undef BLEND
    x += rows * width, y += rows * width, count -= rows * width;
    if (two) dy += rows * width;
  }
}

static void FN(column_scale)(size_t count, size_t n, const real *x, const real *center, const real *scale, const real *shift, real *y,
                             int accumulate) {
  FN(norm_blend)(0, count, n, NULL, x, center, scale, shift, NULL, y, accumulate);
}

static void FN(column_blend)(size_t count, size_t n, const real *dy, const real *x, const real *center, const real *a, const real *b,
                             const real *c, real *dx, int accumulate) {
  FN(norm_blend)(1, count, n, dy, x, center, a, b, c, dx, accumulate);
}

/* The sums of p and p q over one row, in two chains a half; with dy p is dy w, and q is x - center. */
V_INLINE void FN(norm_row)(size_t n, const real *dy, const real *w, const real *x, real center, double *sums) {
  vwide a[2][HALVES], b[2][HALVES];
  vreal c = v_set1(center);
#pragma GCC unroll 2
  for (int k = 0; k < 2; k++)
#pragma GCC unroll 2
    for (int h = 0; h < HALVES; h++) a[k][h] = b[k][h] = WIDE(zero)();
  for (size_t i = 0; i < n; i += 2 * VL)
#pragma GCC unroll 2
    for (int k = 0; k < 2; k++) {
      size_t j = i + (size_t)k * VL, left = n > j ? n - j : 0;
      vreal d = v_sub(v_get(x + j, left), c), g;
      if (left < VL) d = v_select(v_first(left), d, v_zero());
      g = dy ? v_mul(v_get(dy + j, left), v_get(w + j, left)) : d;
#pragma GCC unroll 2
      for (int h = 0; h < HALVES; h++) {
        vwide p = FN(norm_widen)(g, h), q = dy ? FN(norm_widen)(d, h) : p;
        a[k][h] = WIDE(add)(a[k][h], p);
        b[k][h] = WIDE(fma)(p, q, b[k][h]);
      }
    }
#pragma GCC unroll 2
  for (int h = 0; h < HALVES; h++) {
    a[0][h] = WIDE(add)(a[0][h], a[1][h]);
    b[0][h] = WIDE(add)(b[0][h], b[1][h]);
  }
  sums[0] = WIDE(sum)(HALVES > 1 ? WIDE(add)(a[0][0], a[0][HALVES - 1]) : a[0][0]);
  sums[1] = WIDE(sum)(HALVES > 1 ? WIDE(add)(b[0][0], b[0][HALVES - 1]) : b[0][0]);
}

static void FN(row_moments)(size_t rows, size_t n, const real *x, double *sums) {
  for (size_t i = 0; i < rows; i++) FN(norm_row)(n, NULL, NULL, x + i * n, x[i * n], sums + 2 * i);
}

static void FN(row_cross)(size_t rows, size_t n, const real *dy, const real *x, const real *w, const real *each, double *sums) {
  for (size_t i = 0; i < rows; i++) FN(norm_row)(n, dy + i * n, w, x + i * n, each[3 * i], sums + 2 * i);
}

/* each: of a row (center, scale, shift), so that (x - center) scale + shift is the normalized number. */
static void FN(row_scale)(size_t rows, size_t n, const real *x, const real *each, const real *w, const real *b, real *y) {
  for (; rows; rows--, x += n, y += n, each += 3) {
    vreal center = v_set1(each[0]), scale = v_set1(each[1]), shift = v_set1(each[2]);
    for (size_t j = 0; j < n; j += VL) {
      vreal v = v_fma(v_sub(v_get(x + j, n - j), center), scale, shift);
      v_put(y + j, v_fma(v, v_get(w + j, n - j), v_get(b + j, n - j)), n - j);
    }
  }
}

static void FN(row_blend)(size_t rows, size_t n, const real *dy, const real *x, const real *w, const real *each, const real *blend,
                          real *dx, int accumulate) {
  for (; rows; rows--, dy += n, x += n, dx += n, each += 3, blend += 3) {
    vreal center = v_set1(each[0]), a = v_set1(blend[0]), b = v_set1(blend[1]), c = v_set1(blend[2]);
    for (size_t j = 0; j < n; j += VL) {
      vreal v = v_fma(b, v_sub(v_get(x + j, n - j), center), c);
      v = v_fma(a, v_mul(v_get(dy + j, n - j), v_get(w + j, n - j)), v);
      v_put(dx + j, accumulate ? v_add(v_get(dx + j, n - j), v) : v, n - j);
    }
  }
}

V_INLINE void FN(norm_panel_products)(const int vectors, size_t rows, size_t n, const real *dy, const real *x, size_t ld, const real *each,
                                      real *dw, real *db) {
  vreal a[PANEL], b[PANEL];
#pragma GCC unroll 4
  for (int v = 0; v < vectors; v++) {
    a[v] = dw ? v_get(dw + v * VL, n - (size_t)v * VL) : v_zero();
    b[v] = db ? v_get(db + v * VL, n - (size_t)v * VL) : v_zero();
  }
  for (size_t i = 0; i < rows; i++) {
    vreal center = v_set1(each[3 * i]), scale = v_set1(each[3 * i + 1]), shift = v_set1(each[3 * i + 2]);
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) {
      size_t at = i * ld + (size_t)v * VL, left = n - (size_t)v * VL;
      vreal g = v_get(dy + at, left);
      a[v] = v_fma(g, v_fma(v_sub(v_get(x + at, left), center), scale, shift), a[v]);
      b[v] = v_add(b[v], g);
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < vectors; v++) {
    if (dw) v_put(dw + v * VL, a[v], n - (size_t)v * VL);
    if (db) v_put(db + v * VL, b[v], n - (size_t)v * VL);
  }
}

static void FN(row_products)(size_t rows, size_t n, const real *dy, const real *x, size_t ld, const real *each, real *dw, real *db) {
  size_t j = 0;
  for (; j + PANEL * VL <= n; j += PANEL * VL)
    FN(norm_panel_products)(PANEL, rows, PANEL * VL, dy + j, x + j, ld, each, dw ? dw + j : NULL, db ? db + j : NULL);
  for (; j < n; j += VL) FN(norm_panel_products)(1, rows, n - j, dy + j, x + j, ld, each, dw ? dw + j : NULL, db ? db + j : NULL);
}
#undef TESTED
#undef WIDE_VL
#undef HALVES
#undef PANEL
