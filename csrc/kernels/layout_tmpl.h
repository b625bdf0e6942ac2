/* Between channels last and channels first. */
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
