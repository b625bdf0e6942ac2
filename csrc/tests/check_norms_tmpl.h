/* The checks of norm_tmpl.h's kernels, for one dtype: against long double, between unmapped pages, at every place alike; sums by column go
   on where an earlier call has ended, and the bits are those of one call. */
static const size_t T_(norm_widths)[] = {1, 2, 3, 5, 8, 15, 16, 17, 33, 63, 64, 65, 100, 129};
enum { T_(NORM_WIDTHS) = sizeof T_(norm_widths) / sizeof *T_(norm_widths), T_(NORM_MOST) = 16 * 129 };

static real *T_(norm_array)(int i, size_t n, int mode, real *copy) {
  real *p = place(i, n * sizeof(real), sizeof(real), (mode + i) % MODES);
  for (size_t j = 0; j < n; j++) p[j] = copy[j] = (real)(100 + T_(draw)('n'));
  return p;
}
/* Equal to a few roundings of what is added up. */
static int T_(norm_near)(double got, wide right, wide size, wide eps) { return fabsl(got - right) <= 8 * eps * (size + 1); }

static void T_(norm_column_sums)(const TABLE *t, int cross) {
  const char *name = cross ? "column_cross" : "column_moments";
  static real x0[T_(NORM_MOST)], dy0[T_(NORM_MOST)], c0[200];
  static double first[400], second[400];
  for (int w = 0; w < T_(NORM_WIDTHS); w++)
    for (size_t rows = 0; rows < 7; rows++)
      for (int mode = 0; mode < MODES; mode++) {
        size_t n = T_(norm_widths)[w], count = rows * n + n / 2;
        real *x = T_(norm_array)(0, count, mode, x0), *dy = T_(norm_array)(1, count, mode, dy0), *c = T_(norm_array)(2, n, mode, c0);
        double *sums = place(3, 2 * n * sizeof(double), sizeof(double), mode);
        int good = 1, on;
        for (size_t j = 0; j < 2 * n; j++) sums[j] = first[j] = second[j] = (double)j;
        if (cross) t->column_cross(count, n, dy, x, c, sums);
        else t->column_moments(count, n, x, c, sums);
        for (size_t j = 0; j < n; j++) {
          wide a = j, b = n + j, size_a = a, size_b = b;
          for (size_t i = j; i < count; i += n) {
            wide d = (real)(x0[i] - c0[j]), p = cross ? dy0[i] : d;
            a += p, b += p * d, size_a += fabsl(p), size_b += fabsl(p * d);
          }
          good &= T_(norm_near)(sums[j], a, size_a, 0x1p-52L) && T_(norm_near)(sums[n + j], b, size_b, 0x1p-52L);
        }
        verdict(good, name, "wrong", n, mode);
        verdict(intact(3, sums, 2 * n * sizeof(double)) && T_(same)(x, x0, count) && T_(same)(c, c0, n), name, "wrote outside", n, mode);
        memcpy(first, sums, 2 * n * sizeof(double));
        size_t half = rows / 2 * n;
        if (cross) t->column_cross(half, n, dy0, x0, c0, second), t->column_cross(count - half, n, dy0 + half, x0 + half, c0, second);
        else t->column_moments(half, n, x0, c0, second), t->column_moments(count - half, n, x0 + half, c0, second);
        on = !memcmp(first, second, 2 * n * sizeof(double));
        verdict(on, name, "a call does not go on with the chain of the one before", n, mode);
      }
}
static void T_(check_column_moments)(const TABLE *t) {
  BENCH("column_moments", 1, 0, t->column_moments(rows * n, n, a[0], a[1], (double *)(void *)a[6]))
  T_(norm_column_sums)(t, 0);
}
static void T_(check_column_cross)(const TABLE *t) {
  BENCH("column_cross", 2, 0, t->column_cross(rows * n, n, a[0], a[1], a[2], (double *)(void *)a[6]))
  T_(norm_column_sums)(t, 1);
}

static void T_(norm_columns)(const TABLE *t, int blend) {
  const char *name = blend ? "column_blend" : "column_scale";
  static real in[7][T_(NORM_MOST)], plain[T_(NORM_MOST)];
  for (int w = 0; w < T_(NORM_WIDTHS); w++)
    for (size_t rows = 0; rows < 4; rows++)
      for (int flag = 0; flag < 2; flag++)
        for (int mode = 0; mode < MODES; mode++) {
          size_t n = T_(norm_widths)[w], count = rows * n + n / 2;
          real *a[7];
          int good = 1;
          for (int i = 0; i < 7; i++) a[i] = T_(norm_array)(i, i == 0 || i == 1 || i == 6 ? count : n, mode, in[i]);
          if (blend) t->column_blend(count, n, a[0], a[1], a[2], a[3], a[4], a[5], a[6], flag);
          else t->column_scale(count, n, a[1], a[2], a[3], a[4], a[6], flag);
          for (size_t i = 0; i < count; i++) {
            size_t j = i % n;
            wide d = (real)(in[1][i] - in[2][j]);
            wide right = blend ? (wide)in[3][j] * in[0][i] + in[4][j] * d + in[5][j] : d * in[3][j] + in[4][j];
            wide size = fabsl(right) + fabsl((wide)in[3][j] * (blend ? in[0][i] : d)) + fabsl(in[4][j] * d) + fabsl((wide)in[5][j]) + 100;
            good &= T_(norm_near)(a[6][i], right + (flag ? in[6][i] : 0), size, EPS);
          }
          verdict(good, name, "wrong", n, mode);
          verdict(intact(6, a[6], count * sizeof(real)) && T_(same)(a[1], in[1], count), name, "wrote outside", n, mode);
          if (flag) continue;
          memcpy(plain, a[6], count * sizeof(real));
          if (blend) t->column_blend(count, n, a[0], a[1], a[2], a[3], a[4], a[5], a[0], 0);
          else t->column_scale(count, n, a[1], a[2], a[3], a[4], a[1], 0);
          verdict(T_(same)(blend ? a[0] : a[1], plain, count), name, "aliasing or place matters", n, mode);
        }
}
static void T_(check_column_scale)(const TABLE *t) {
  BENCH("column_scale", 1, 1, t->column_scale(rows * n, n, a[0], a[1], a[2], a[3], a[4], 0))
  T_(norm_columns)(t, 0);
}
static void T_(check_column_blend)(const TABLE *t) {
  BENCH("column_blend", 2, 1, t->column_blend(rows * n, n, a[0], a[1], a[2], a[3], a[4], a[5], a[6], 0))
  T_(norm_columns)(t, 1);
}

static void T_(norm_row_sums)(const TABLE *t, int cross) {
  const char *name = cross ? "row_cross" : "row_moments";
  static real x0[T_(NORM_MOST)], dy0[T_(NORM_MOST)], w0[200], each0[32];
  for (int s = 0; s < T_(NORM_WIDTHS); s++)
    for (int mode = 0; mode < MODES; mode++) {
      enum { ROWS = 3 };
      size_t n = T_(norm_widths)[s];
      real *x = T_(norm_array)(0, ROWS * n, mode, x0), *dy = T_(norm_array)(1, ROWS * n, mode, dy0), *w = T_(norm_array)(2, n, mode, w0);
      real *each = T_(norm_array)(3, 3 * ROWS, mode, each0);
      double *sums = place(4, 2 * ROWS * sizeof(double), sizeof(double), mode), again[2];
      int good = 1, alone = 1;
      if (cross) t->row_cross(ROWS, n, dy, x, w, each, sums);
      else t->row_moments(ROWS, n, x, sums);
      for (size_t i = 0; i < ROWS; i++) {
        wide a = 0, b = 0, size_a = 0, size_b = 0;
        for (size_t j = 0; j < n; j++) {
          wide d = (real)(x0[i * n + j] - (cross ? each0[3 * i] : x0[i * n])), p = cross ? (real)(dy0[i * n + j] * w0[j]) : d;
          a += p, b += p * d, size_a += fabsl(p), size_b += fabsl(p * d);
        }
        good &= T_(norm_near)(sums[2 * i], a, size_a, 0x1p-52L) && T_(norm_near)(sums[2 * i + 1], b, size_b, 0x1p-52L);
        if (cross) t->row_cross(1, n, dy0 + i * n, x0 + i * n, w0, each0 + 3 * i, again);
        else t->row_moments(1, n, x0 + i * n, again);
        alone &= !memcmp(again, sums + 2 * i, sizeof again);
      }
      verdict(good, name, "wrong", n, mode);
      verdict(alone, name, "place matters", n, mode);
      verdict(intact(4, sums, 2 * ROWS * sizeof(double)) && T_(same)(x, x0, ROWS * n), name, "wrote outside", n, mode);
    }
}
static void T_(check_row_moments)(const TABLE *t) {
  BENCH("row_moments", 1, 0, t->row_moments(rows, n, a[0], (double *)(void *)a[6]))
  T_(norm_row_sums)(t, 0);
}
static void T_(check_row_cross)(const TABLE *t) {
  BENCH("row_cross", 2, 0, t->row_cross(rows, n, a[0], a[1], a[2], a[3], (double *)(void *)a[6]))
  T_(norm_row_sums)(t, 1);
}

static void T_(norm_rows)(const TABLE *t, int blend) {
  const char *name = blend ? "row_blend" : "row_scale";
  static real in[7][T_(NORM_MOST)], plain[T_(NORM_MOST)];
  enum { ROWS = 3 };
  for (int s = 0; s < T_(NORM_WIDTHS); s++)
    for (int flag = 0; flag <= blend; flag++)
      for (int mode = 0; mode < MODES; mode++) {
        size_t n = T_(norm_widths)[s], lengths[7] = {ROWS * n, ROWS * n, n, n, 3 * ROWS, 3 * ROWS, ROWS * n};
        real *a[7]; /* dy x w b each blend y */
        int good = 1;
        for (int i = 0; i < 7; i++) a[i] = T_(norm_array)(i, lengths[i], mode, in[i]);
        if (blend) t->row_blend(ROWS, n, a[0], a[1], a[2], a[4], a[5], a[6], flag);
        else t->row_scale(ROWS, n, a[1], a[4], a[2], a[3], a[6]);
        for (size_t i = 0; i < ROWS; i++)
          for (size_t j = 0; j < n; j++) {
            const real *e = in[4] + 3 * i, *k = in[5] + 3 * i;
            wide d = (real)(in[1][i * n + j] - e[0]), g = (real)(in[0][i * n + j] * in[2][j]);
            wide right = blend ? k[0] * g + k[1] * d + k[2] : (d * e[1] + e[2]) * in[2][j] + in[3][j];
            wide size = blend ? fabsl(k[0] * g) + fabsl(k[1] * d) + 200 : (fabsl(d * e[1]) + 200) * in[2][j];
            good &= T_(norm_near)(a[6][i * n + j], right + (flag ? in[6][i * n + j] : 0), size, EPS);
          }
        verdict(good, name, "wrong", n, mode);
        verdict(intact(6, a[6], ROWS * n * sizeof(real)) && T_(same)(a[1], in[1], ROWS * n), name, "wrote outside", n, mode);
        if (flag) continue;
        memcpy(plain, a[6], ROWS * n * sizeof(real));
        if (blend) t->row_blend(ROWS, n, a[0], a[1], a[2], a[4], a[5], a[0], 0);
        else t->row_scale(ROWS, n, a[1], a[4], a[2], a[3], a[1]);
        verdict(T_(same)(blend ? a[0] : a[1], plain, ROWS * n), name, "aliasing or place matters", n, mode);
      }
}
static void T_(check_row_scale)(const TABLE *t) {
  BENCH("row_scale", 1, 1, t->row_scale(rows, n, a[0], a[1], a[2], a[3], a[4]))
  T_(norm_rows)(t, 0);
}
static void T_(check_row_blend)(const TABLE *t) {
  BENCH("row_blend", 2, 1, t->row_blend(rows, n, a[0], a[1], a[2], a[3], a[4], a[5], 0))
  T_(norm_rows)(t, 1);
}

static void T_(check_row_products)(const TABLE *t) {
  BENCH("row_products", 2, 0, t->row_products(rows, n, a[0], a[1], n, a[2], a[3], a[4]))
  static real x0[T_(NORM_MOST)], dy0[T_(NORM_MOST)], each0[32], dw0[200], db0[200];
  static real one_dw[200], one_db[200];
  enum { ROWS = 5, GAP = 3 };
  for (int s = 0; s < T_(NORM_WIDTHS); s++)
    for (int mode = 0; mode < MODES; mode++) {
      size_t n = T_(norm_widths)[s], ld = n + (mode & 1) * GAP, extent = (ROWS - 1) * ld + n;
      real *x = T_(norm_array)(0, extent, mode, x0), *dy = T_(norm_array)(1, extent, mode, dy0),
           *each = T_(norm_array)(2, 3 * ROWS, mode, each0);
      real *dw = T_(norm_array)(3, n, mode, dw0), *db = T_(norm_array)(4, n, mode, db0);
      int good = 1;
      t->row_products(ROWS, n, dy, x, ld, each, dw, db);
      for (size_t j = 0; j < n; j++) {
        wide a = dw0[j], b = db0[j], size = 0;
        for (size_t i = 0; i < ROWS; i++) {
          wide d = (real)(x0[i * ld + j] - each0[3 * i]), g = dy0[i * ld + j];
          a += g * (d * each0[3 * i + 1] + each0[3 * i + 2]);
          b += g;
          size += fabsl(g) * (fabsl(d * each0[3 * i + 1]) + 200);
        }
        good &= T_(norm_near)(dw[j], a, size, EPS) && T_(norm_near)(db[j], b, fabsl(b), EPS);
      }
      verdict(good, "row_products", "wrong", n, mode);
      verdict(intact(3, dw, n * sizeof(real)) && intact(4, db, n * sizeof(real)), "row_products", "wrote outside", n, mode);
      /* row after row, column after column, and one of the two alone: the same chains */
      memcpy(one_dw, dw0, n * sizeof(real)), memcpy(one_db, db0, n * sizeof(real));
      for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < n; j++) {
          t->row_products(1, 1, dy0 + i * ld + j, x0 + i * ld + j, ld, each0 + 3 * i, one_dw + j, NULL);
          t->row_products(1, 1, dy0 + i * ld + j, x0 + i * ld + j, ld, each0 + 3 * i, NULL, one_db + j);
        }
      verdict(T_(same)(one_dw, dw, n) && T_(same)(one_db, db, n), "row_products", "place matters", n, mode);
    }
}
