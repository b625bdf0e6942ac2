/* Between channels last and channels first. */
static void FN(transpose)(size_t rows, size_t columns, const real *x, size_t ldx, real *y, size_t ldy) {
  if (rows == 1 && ldy == 1) FN(pack)(0, 1, columns, x, 0, y, 0);
  else if (columns == 1 && ldx == 1) FN(pack)(0, 1, rows, x, 0, y, 0);
  else FN(pack)(1, columns, rows, x, ldx, y, ldy);
}
