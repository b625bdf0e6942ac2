/* depthwise_scatter: the gradient of x where outputs are two pixels apart, and the transposed convolution. A row of outputs makes two rows of x
   and what it adds to the next one; so a strip keeps the row above, and each element of x is written once. Vectors go outermost or innermost
   as in depthwise_near_tmpl.h. */
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
V_INLINE void FN(depthwise_double)(const int mr, const int masked, const cnn_taps *g, size_t begin, size_t stop, size_t first, size_t channels,
                                   const real *dy, const real *b, const real *start, real *x, int accumulate) {
  const ptrdiff_t step = g->tap_column, below = g->tap_row, from = g->y_column;
  const int inner = first > 0, left = !inner && g->left, ends = first + (size_t)mr == g->columns && !g->right;
  EACH_VECTOR(j) {
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

typedef void FN(depthwise_doubler)(const cnn_taps *g, size_t begin, size_t stop, size_t first, size_t channels, const real *dy, const real *b,
                                   const real *start, real *x, int accumulate);
#define DOUBLER(mr, name, masked) \
  static void FN(depthwise_##name##_##mr)(const cnn_taps *g, size_t begin, size_t stop, size_t first, size_t channels, const real *dy, \
                                          const real *b, const real *start, real *x, int accumulate) { \
    FN(depthwise_double)(mr, masked, g, begin, stop, first, channels, dy, b, start, x, accumulate); \
  }
DOUBLER(1, double, MASKED)
DOUBLER(2, double, MASKED)
DOUBLER(7, double, MASKED)
DOUBLER(1, double_some, 1)
#undef DOUBLER

static void FN(depthwise_scatter)(const cnn_taps *g, size_t begin, size_t end, size_t channels, const real *dy, const real *b,
                                  const real *start, real *x, int accumulate) {
#ifdef REMNANT
  if (channels % VL)
    CNN_PASTE2(cnn_kernels, REMNANT)
        .DTYPE.depthwise_scatter(g, begin, end, channels - WHOLE, dy + WHOLE, b + WHOLE, start ? start + WHOLE : NULL, x + WHOLE,
                                 accumulate);
#endif
  for (size_t r = begin, rows; r < end; r += rows) {
    rows = SLIDES ? end - begin : 1;
    for (size_t c = 0, mr; c < g->columns; c += mr) {
      const real *q = dy + (ptrdiff_t)r * g->y_row + (ptrdiff_t)c * g->y_column;
      real *p = x + ((ptrdiff_t)(2 * r) - g->top) * g->tap_row + ((ptrdiff_t)(2 * c) - g->left) * g->tap_column;
      mr = g->columns - c;
      mr = mr >= 7 && SLIDES ? 7 : mr >= 2 && VL > 1 ? 2 : 1;
      (mr == 7 ? FN(depthwise_double_7) : mr == 2 ? FN(depthwise_double_2) : FN(depthwise_double_1))(g, r, r + rows, c, channels, q, b, start,
                                                                                                   p, accumulate);
      for (size_t i = 0; SOME && channels % VL && i < mr; i++)
        FN(depthwise_double_some_1)(g, r, r + rows, c + i, channels, q + (ptrdiff_t)i * g->y_column, b, start,
                                    p + (ptrdiff_t)(2 * i) * g->tap_column, accumulate);
    }
  }
}
