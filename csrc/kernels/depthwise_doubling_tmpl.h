/* depthwise_scatter: the gradient of x where outputs are two pixels apart, and the transposed convolution. A row of outputs makes two rows of x
   and what it adds to the next one; so a strip keeps the row above, and each element of x is written once. Strips, and the order in them, as in
   depthwise_slides_tmpl.h. */
#define EVEN(k) (x_at + (2 * (k)) * step)
#define ODD(k) (x_at + (2 * (k) + 1) * step)
#define BEGUN(p) (accumulate ? LOAD(p) : begin_with)

/* One row of x of a strip: of the outputs above by their last row of taps, of those beside it by row u; d[0] is left of the strip. */
#define ROW(has_above, has, u) \
  do { \
    EACH_OUTPUT { \
      if (k || !left) { \
        real *to_ = EVEN(k); \
        vreal s_ = BEGUN(to_); \
        if (has_above && (k || inner)) s_ = v_fma(above[k], w[2][2], s_); \
        if (has_above) s_ = v_fma(above[k + 1], w[2][0], s_); \
        if (has && (k || inner)) s_ = v_fma(d[k], w[u][2], s_); \
        if (has) s_ = v_fma(d[k + 1], w[u][0], s_); \
        STORE(to_, s_); \
      } \
      real *to_ = ODD(k); \
      vreal s_ = BEGUN(to_); \
      if (has_above) s_ = v_fma(above[k + 1], w[2][1], s_); \
      if (has) s_ = v_fma(d[k + 1], w[u][1], s_); \
      STORE(to_, s_); \
    } \
    if (ends) { \
      real *to_ = EVEN(mr); \
      vreal s_ = BEGUN(to_); \
      if (has_above) s_ = v_fma(above[mr], w[2][2], s_); \
      if (has) s_ = v_fma(d[mr], w[u][2], s_); \
      STORE(to_, s_); \
    } \
    x_at += below; \
  } while (0)

/* x: where the first pixel of row `begin` and column `first` of the outputs would be. */
V_INLINE void FN(depthwise_double)(const int mr, const cnn_taps *g, size_t begin, size_t stop, size_t first, size_t channels,
                                   const real *dy, const real *b, const real *start, real *x, int accumulate) {
  enum { masked = 1 };
  const ptrdiff_t step = g->tap_column, below = g->tap_row, from = g->y_column;
  const int inner = first > 0, left = !inner && g->left, ends = first + (size_t)mr == g->columns && !g->right;
  for (size_t j = 0, lanes; j < channels; j += VL) {
    lanes = channels - j < VL ? channels - j : VL;
    const vreal begin_with = !accumulate && start ? LOAD(start + j) : v_zero();
    const real *q = dy + j;
    real *x_at = x + j;
    vreal w[3][3], d[8], above[8] = {v_zero()}; /* `above` is not read before it is written: the compiler does not see it */
    NEXT(u, 3) NEXT(t, 3) {
      w[u][t] = LOAD(b + u * g->weight_row + t * g->weight_column + j);
      HOLD(w[u][t]);
    }
#define OUTPUTS_OF(row, p) \
  do { \
    row[0] = inner ? LOAD(p - from) : v_zero(); \
    EACH_OUTPUT row[k + 1] = LOAD(p + k * from); \
  } while (0)
    if (begin) OUTPUTS_OF(above, (q - g->y_row));
    for (size_t r = begin; r < stop; r++, q += g->y_row) {
      OUTPUTS_OF(d, q);
      if (r) ROW(1, 1, 0);
      else if (!g->top) ROW(0, 1, 0);
      else x_at += below;
      ROW(0, 1, 1);
      above[0] = d[0];
      EACH_OUTPUT above[k + 1] = d[k + 1];
    }
    if (stop == g->rows && !g->bottom) ROW(1, 0, 0);
#undef OUTPUTS_OF
  }
}
#undef ROW
#undef EVEN
#undef ODD
#undef BEGUN

#define DOUBLE(mr) \
  static void FN(depthwise_double_##mr)(const cnn_taps *g, size_t begin, size_t stop, size_t first, size_t channels, const real *dy, \
                                        const real *b, const real *start, real *x, int accumulate) { \
    FN(depthwise_double)(mr, g, begin, stop, first, channels, dy, b, start, x, accumulate); \
  }
DOUBLE(1)
DOUBLE(7)
#undef DOUBLE

static void FN(depthwise_scatter)(const cnn_taps *g, size_t begin, size_t end, size_t channels, const real *dy, const real *b,
                                  const real *start, real *x, int accumulate) {
  const real *q = dy + (ptrdiff_t)begin * g->y_row;
  real *p = x + ((ptrdiff_t)(2 * begin) - g->top) * g->tap_row - g->left * g->tap_column;
  for (size_t c = 0, wide; c < g->columns; c += wide ? 7 : 1) {
    const ptrdiff_t at = (ptrdiff_t)c;
    wide = g->columns - c >= 7;
    (wide ? FN(depthwise_double_7) : FN(depthwise_double_1))(g, begin, end, c, channels, q + at * g->y_column, b, start,
                                                             p + 2 * at * g->tap_column, accumulate);
  }
}
