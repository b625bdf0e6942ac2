/* pool_*: the taps of each window by channel, lanes along channels. transpose: between channels last and channels first. */

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
        v_store(number, tap);
        for (size_t i = 0; i < VL && i < lanes; i++) where[m * channels + j + i] = (int32_t)number[i];
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

static void FN(transpose)(size_t rows, size_t columns, const real *x, size_t ldx, real *y, size_t ldy) {
  FN(pack)(1, columns, rows, x, ldx, y, ldy);
}
