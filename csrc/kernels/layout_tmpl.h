/* Images: channels last and first, zeros around them, and larger ones from smaller. */
static void FN(transpose)(size_t rows, size_t columns, const real *x, size_t ldx, real *y, size_t ldy) {
  if (rows == 1 && ldy == 1) FN(pack)(0, 1, columns, x, 0, y, 0);
  else if (columns == 1 && ldx == 1) FN(pack)(0, 1, rows, x, 0, y, 0);
  else FN(pack)(1, columns, rows, x, ldx, y, ldy);
}

/* Whole vectors where rows are longer: the last of a row ends with it, and the zeros that are too many are written over by the next row. */
static void FN(pad_rows)(size_t rows, size_t n, const real *x, size_t ldx, real *y, size_t ldy) {
  for (size_t i = 0; i < rows; i++, x += ldx, y += ldy) {
    const size_t gap = i + 1 < rows ? ldy - n : 0;
    if (n < VL) {
      v_store_n(y, v_load_n(x, n), n);
      for (size_t j = 0; j < gap; j += VL) v_put(y + n + j, v_zero(), gap - j);
      continue;
    }
    for (size_t j = 0; j + VL < n; j += VL) v_store(y + j, v_load(x + j));
    v_store(y + n - VL, v_load(x + n - VL));
    for (size_t j = 0; j < gap; j += VL) v_store(y + n + j, v_zero());
  }
}

static void FN(between)(size_t pixels, size_t n, const cnn_between *to, const real *x, real *y) {
  for (size_t j = 0; j < pixels; j++, y += n) {
    const real *a = x + to[j].low * n, *b = x + to[j].high * n, low = (real)(1 - to[j].part), high = (real)to[j].part;
    if (n == 1) *y = FN(s_fma)(high, *b, low * *a);
    else
      for (size_t i = 0; i < n; i += VL)
        v_put(y + i, v_fma(v_set1(high), v_get(b + i, n - i), v_mul(v_set1(low), v_get(a + i, n - i))), n - i);
  }
}

static void FN(between_backward)(size_t pixels, size_t n, const cnn_between *to, const real *dy, real *dx) {
  for (size_t j = 0; j < pixels; j++, dy += n) {
    real *a = dx + to[j].low * n, *b = dx + to[j].high * n, low = (real)(1 - to[j].part), high = (real)to[j].part;
    if (n == 1) {
      *a = FN(s_fma)(low, *dy, *a);
      *b = FN(s_fma)(high, *dy, *b);
    } else
      for (size_t i = 0; i < n; i += VL) {
        const vreal d = v_get(dy + i, n - i);
        v_put(a + i, v_fma(v_set1(low), d, v_get(a + i, n - i)), n - i);
        v_put(b + i, v_fma(v_set1(high), d, v_get(b + i, n - i)), n - i);
      }
  }
}
