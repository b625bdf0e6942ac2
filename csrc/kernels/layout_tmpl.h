/* What moves elements without a product. conv_scatter: adds windows into an image. transpose: between channels last and channels first. */

/* Every eighth pixel, so that what is loaded has not just been stored, shifted by a pixel: that waits for the store. */
static void FN(conv_scatter)(const cnn_windows *w, const real *a, size_t lda, real *x) {
  for (size_t m0 = 0; m0 < 8; m0++)
    for (size_t m = m0; m < w->pixels; m += 8) {
      const real *row = a + m * lda;
      for (size_t c = 0; c < w->chunks; c++, row += w->length) {
        real *to = x + w->pixel[m] + w->chunk[c];
        for (size_t i = 0; i < w->length; i += VL)
          v_put(to + i, v_add(v_get(to + i, w->length - i), v_get(row + i, w->length - i)), w->length - i);
      }
    }
}

static void FN(transpose)(size_t rows, size_t columns, const real *x, size_t ldx, real *y, size_t ldy) {
  if (rows == 1 && ldy == 1) FN(pack)(0, 1, columns, x, 0, y, 0);
  else if (columns == 1 && ldx == 1) FN(pack)(0, 1, rows, x, 0, y, 0);
  else FN(pack)(1, columns, rows, x, ldx, y, ldy);
}
