/* What reads or adds up windows without a product. pool_*: their taps by channel, lanes along channels. conv_scatter: a sum into windows.
   transpose: between channels last and channels first. */

/* x > best || isnan(x): so the first of equals, and the last NaN. The tap's number is kept as a real: exact up to 2^24. */
static void FN(pool_max)(const cnn_windows *w, size_t channels, const real *x, real *y, size_t ldy, int32_t *where) {
  for (size_t m = 0; m < w->pixels; m++, y += ldy) {
    const real *window = x + w->pixel[m];
    for (size_t j = 0; j < channels; j += VL) {
      const size_t lanes = channels - j;
      vreal best = v_get(window + w->chunk[0] + j, lanes), tap = v_zero();
      for (size_t c = 1; c < w->chunks; c++) {
        const vreal v = v_get(window + w->chunk[c] + j, lanes);
        const vmask more = v_mask_or(v_gt(v, best), v_isnan(v));
        best = v_select(more, v, best);
        tap = v_select(more, v_set1((real)c), tap);
      }
      v_put(y + j, best, lanes);
      if (where) {
        real number[VL];
        int32_t *to = where + m * channels + j;
        v_store(number, tap);
        if (lanes >= VL)
          for (size_t i = 0; i < VL; i++) to[i] = (int32_t)number[i];
        else
          for (size_t i = 0; i < lanes; i++) to[i] = (int32_t)number[i];
      }
    }
  }
}

static void FN(pool_sum)(const cnn_windows *w, size_t channels, const real *x, const real *scale, real *y, size_t ldy) {
  for (size_t m = 0; m < w->pixels; m++, y += ldy) {
    const real *window = x + w->pixel[m];
    for (size_t j = 0; j < channels; j += VL) {
      const size_t lanes = channels - j;
      vreal sum = v_zero();
      for (size_t c = 0; c < w->chunks; c++) sum = v_add(sum, v_get(window + w->chunk[c] + j, lanes));
      v_put(y + j, v_mul(sum, v_set1(scale[m])), lanes);
    }
  }
}

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
