/* Between channels last and channels first. */
static void FN(transpose)(size_t rows, size_t columns, const real *x, size_t ldx, real *y, size_t ldy) {
  if (rows == 1 && ldy == 1) FN(pack)(0, 1, columns, x, 0, y, 0);
  else if (columns == 1 && ldx == 1) FN(pack)(0, 1, rows, x, 0, y, 0);
  else FN(pack)(1, columns, rows, x, ldx, y, ldy);
}

static void FN(pad_rows)(size_t rows, size_t n, const real *x, size_t ldx, real *y, size_t ldy) {
  const size_t gap = ldy - n;
  for (size_t i = 0; i < rows; i++, x += ldx, y += ldy) {
    for (size_t j = 0; j < n; j += VL) v_put(y + j, v_get(x + j, n - j), n - j);
    for (size_t j = 0; j < gap && i + 1 < rows; j += VL) v_put(y + n + j, v_zero(), gap - j);
  }
}
