/* window_*: pooling. `pixels` windows, each `step` elements behind the last, of height rows `ld` elements apart of width pixels; all
   channels last, lanes along channels. Taps go row by row; the windows of an edge are calls of their own, with what lies inside the image.

   The lanes behind the last channel: a whole vector is read and written as long as that is inside the arrays, for the pixels behind write
   over what was too much. With 6 channels this is twice as fast as masks.
   pair_*: windows of 2 x 2, side by side, in a plane of one channel: lanes along the windows of a row.

   The number of the largest tap is kept as a real (exact up to 2^24): to and from bytes takes longer than the memory that they save. */

V_INLINE vreal FN(window_at)(const real *p, const int some, size_t lanes) { return some ? v_load_n(p, lanes) : v_load(p); }
V_INLINE void FN(window_to)(real *p, vreal v, const int some, size_t lanes) {
  if (some) v_store_n(p, v, lanes);
  else v_store(p, v);
}

#define EACH _Pragma("GCC unroll 4") for (size_t i = 0; i < nv; i++)
#define EACH_TAP \
  for (size_t a = 0; a < (usual ? 2 : height); a++) \
    for (size_t b = 0; b < (usual ? 2 : width); b++)
#define TAP(p) ((p) + a * ld + b * channels)

/* The largest of four taps, and its number: in pairs, which gives the first of equals as one by one does, unless there is a NaN. */
V_INLINE vreal FN(window_max_of_4)(const vreal *tap, vreal *number) {
  const vmask second = v_gt(tap[1], tap[0]), fourth = v_gt(tap[3], tap[2]);
  vreal best = v_max(tap[1], tap[0]), other = v_max(tap[3], tap[2]);
  if (number) *number = v_select(v_gt(other, best), v_select(fourth, v_set1(3), v_set1(2)), v_select(second, v_set1(1), v_zero()));
  best = v_max(other, best);
  if (v_any(v_mask_or(v_unordered(tap[0], tap[1]), v_unordered(tap[2], tap[3])))) {
    vreal first = v_zero();
    best = tap[0];
    for (int t = 1; t < 4; t++) {
      const vmask more = v_mask_or(v_gt(tap[t], best), v_isnan(tap[t]));
      best = v_select(more, tap[t], best), first = v_select(more, v_set1((real)t), first);
    }
    if (number) *number = first;
  }
  return best;
}

/* ---- one window: nv vectors of channels, or one of `lanes` lanes where `some`. The `usual` one is of 2 x 2. */
V_INLINE void FN(window_max_one)(const size_t nv, const int some, size_t lanes, const int usual, size_t height, size_t width, size_t ld,
                                 size_t channels, const real *x, real *y, real *where) {
  vreal best[4], tap[4], number = v_zero();
  EACH best[i] = FN(window_at)(x + i * VL, some, lanes), tap[i] = number;
  if (usual) {
    EACH {
      vreal taps[4] = {best[i]};
      for (size_t t = 1; t < 4; t++) taps[t] = FN(window_at)(x + (t >> 1) * ld + (t & 1) * channels + i * VL, some, lanes);
      best[i] = FN(window_max_of_4)(taps, where ? &tap[i] : NULL);
    }
  } else EACH_TAP {
      EACH {
        const vreal v = FN(window_at)(TAP(x) + i * VL, some, lanes);
        const vmask more = v_mask_or(v_gt(v, best[i]), v_isnan(v));
        best[i] = v_select(more, v, best[i]);
        if (where) tap[i] = v_select(more, number, tap[i]);
      }
      if (where) number = v_add(number, v_set1(1));
    }
  EACH FN(window_to)(y + i * VL, best[i], some, lanes);
  if (where) EACH FN(window_to)(where + i * VL, tap[i], some, lanes);
}

V_INLINE void FN(window_max_back)(const int some, size_t lanes, const int usual, size_t height, size_t width, size_t ld, size_t channels,
                                  const real *dy, const real *where, real *dx, const int accumulate) {
  const vreal d = FN(window_at)(dy, some, lanes), tap = FN(window_at)(where, some, lanes);
  vreal number = v_zero();
  EACH_TAP {
    const vreal v = v_select(v_eq(tap, number), d, v_zero());
    FN(window_to)(TAP(dx), accumulate ? v_add(FN(window_at)(TAP(dx), some, lanes), v) : v, some, lanes);
    number = v_add(number, v_set1(1));
  }
}

V_INLINE void FN(window_sum_one)(const size_t nv, const int some, size_t lanes, const int usual, size_t height, size_t width, size_t ld,
                                 size_t channels, vreal scale, const real *x, real *y) {
  vreal sum[4];
  EACH sum[i] = v_zero();
  EACH_TAP EACH sum[i] = v_add(sum[i], FN(window_at)(TAP(x) + i * VL, some, lanes));
  EACH FN(window_to)(y + i * VL, v_mul(sum[i], scale), some, lanes);
}

V_INLINE void FN(window_sum_back)(const int some, size_t lanes, const int usual, size_t height, size_t width, size_t ld, size_t channels,
                                  vreal scale, const real *dy, real *dx, const int accumulate) {
  const vreal v = v_mul(FN(window_at)(dy, some, lanes), scale);
  EACH_TAP FN(window_to)(TAP(dx), accumulate ? v_add(FN(window_at)(TAP(dx), some, lanes), v) : v, some, lanes);
}

/* ---- a run of windows. ONE(nv, some, usual, j) does channels j... of window m: of usual windows a vector at a time, which is enough to
   do, of others `most`. `loose` windows have VL elements behind their last channel in every array; not those of a gradient that is added
   to, or whose windows leave gaps, or whose taps are written more than a vector at a time. Some lanes of a usual window have code of
   their own only where it is short. */
#define RUN(ONE, most) \
  const int usual = height == 2 && width == 2; \
  for (size_t m = 0; m < pixels; m++) { \
    const size_t end = m < loose ? channels : channels / VL * VL; \
    size_t j = 0; \
    if (usual) \
      for (; j < end; j += VL) ONE(1, 0, 1, j); \
    if (most > 1) \
      for (; j + most * VL <= channels; j += most * VL) ONE(most, 0, 0, j); \
    for (; j < end; j += VL) ONE(1, 0, 0, j); \
    if (j >= channels) continue; \
    if (FN(conv_masked) && usual) ONE(1, 1, 1, j); \
    else ONE(1, 1, 0, j); \
  }

V_INLINE size_t FN(window_loose)(size_t pixels, size_t step, size_t channels) {
  const size_t each = step < channels ? step : channels, behind = each ? (VL + each - 1) / each : pixels;
  return pixels > behind ? pixels - behind : 0;
}

static void FN(window_max)(size_t pixels, size_t step, size_t height, size_t width, size_t ld, size_t channels, const real *x, real *y,
                           real *where) {
  const size_t loose = FN(window_loose)(pixels, step, channels);
#define ONE(nv, some, usual, j) \
  FN(window_max_one)(nv, some, channels - (j), usual, height, width, ld, channels, x + m * step + j, y + m * channels + j, NULL)
#define ONE_KEPT(nv, some, usual, j) \
  FN(window_max_one)(nv, some, channels - (j), usual, height, width, ld, channels, x + m * step + j, y + m * channels + j, \
    where + m * channels + j)
  if (where) {
    RUN(ONE_KEPT, 4)
  } else {
    RUN(ONE, 4)
  }
#undef ONE
#undef ONE_KEPT
}

static void FN(window_max_backward)(size_t pixels, size_t step, size_t height, size_t width, size_t ld, size_t channels, const real *dy,
                                    const real *where, real *dx, int accumulate) {
  const size_t loose = accumulate || channels >= VL || step != width * channels ? 0 : FN(window_loose)(pixels, step, channels);
#define ONE(nv, some, usual, j) \
  FN(window_max_back)(some, channels - (j), usual, height, width, ld, channels, dy + m * channels + j, where + m * channels + j, \
    dx + m * step + j, 0)
#define ONE_MORE(nv, some, usual, j) \
  FN(window_max_back)(some, channels - (j), usual, height, width, ld, channels, dy + m * channels + j, where + m * channels + j, \
    dx + m * step + j, 1)
  if (accumulate) {
    RUN(ONE_MORE, 1)
  } else {
    RUN(ONE, 1)
  }
#undef ONE
#undef ONE_MORE
}

static void FN(window_sum)(size_t pixels, size_t step, size_t height, size_t width, size_t ld, size_t channels, real scale, const real *x,
                           real *y) {
  const size_t loose = FN(window_loose)(pixels, step, channels);
#define ONE(nv, some, usual, j) \
  FN(window_sum_one)(nv, some, channels - (j), usual, height, width, ld, channels, v_set1(scale), x + m * step + j, y + m * channels + j)
  RUN(ONE, 4)
#undef ONE
}

static void FN(window_sum_backward)(size_t pixels, size_t step, size_t height, size_t width, size_t ld, size_t channels, real scale,
                                    const real *dy, real *dx, int accumulate) {
  const size_t loose = accumulate || channels >= VL || step != width * channels ? 0 : FN(window_loose)(pixels, step, channels);
#define ONE(nv, some, usual, j) \
  FN(window_sum_back)(some, channels - (j), usual, height, width, ld, channels, v_set1(scale), dy + m * channels + j, dx + m * step + j, 0)
#define ONE_MORE(nv, some, usual, j) \
  FN(window_sum_back)(some, channels - (j), usual, height, width, ld, channels, v_set1(scale), dy + m * channels + j, dx + m * step + j, 1)
  if (accumulate) {
    RUN(ONE_MORE, 1)
  } else {
    RUN(ONE, 1)
  }
#undef ONE
#undef ONE_MORE
}
#undef EACH
#undef EACH_TAP
#undef TAP
#undef RUN

/* ---- in a plane */
#define EACH_PAIR \
  for (size_t i = 0; i < rows; i++) \
    for (size_t j = 0; j < n; j += VL)

/* The taps of the windows of `lanes` lanes. */
V_INLINE void FN(pair_taps)(const real *x, size_t ld, size_t lanes, vreal *tap) {
  for (int a = 0; a < 2; a++, x += ld) {
    const vreal v = v_get(x, 2 * lanes), w = 2 * lanes > VL ? v_get(x + VL, 2 * lanes - VL) : v_zero();
    tap[2 * a] = v_evens(v, w), tap[2 * a + 1] = v_odds(v, w);
  }
}
V_INLINE void FN(pair_shares)(real *dx, size_t ld, size_t lanes, const vreal *tap) {
  for (int a = 0; a < 2; a++, dx += ld) {
    v_put(dx, v_zip_low(tap[2 * a], tap[2 * a + 1]), 2 * lanes);
    if (2 * lanes > VL) v_put(dx + VL, v_zip_high(tap[2 * a], tap[2 * a + 1]), 2 * lanes - VL);
  }
}

static void FN(pair_max)(size_t rows, size_t n, size_t ld, const real *x, real *y, real *where) {
  for (size_t j = 0; j < n; j += VL) {
    const size_t lanes = n - j < VL ? n - j : VL;
    const real *from = x + 2 * j;
    for (size_t i = 0, at = j; i < rows; i++, at += n, from += 2 * ld) {
      vreal tap[4], number;
      FN(pair_taps)(from, ld, lanes, tap);
      v_put(y + at, FN(window_max_of_4)(tap, where ? &number : NULL), lanes);
      if (where) v_put(where + at, number, lanes);
    }
  }
}

static void FN(pair_max_backward)(size_t rows, size_t n, size_t ld, const real *dy, const real *where, real *dx) {
  EACH_PAIR {
    const size_t at = i * n + j, lanes = n - j < VL ? n - j : VL;
    const vreal d = v_get(dy + at, lanes), number = v_get(where + at, lanes);
    vreal tap[4];
    for (int t = 0; t < 4; t++) tap[t] = v_select(v_eq(number, v_set1((real)t)), d, v_zero());
    FN(pair_shares)(dx + 2 * i * ld + 2 * j, ld, lanes, tap);
  }
}

static void FN(pair_sum)(size_t rows, size_t n, size_t ld, real scale, const real *x, real *y) {
  EACH_PAIR {
    const size_t lanes = n - j < VL ? n - j : VL;
    vreal tap[4], sum = v_zero();
    FN(pair_taps)(x + 2 * i * ld + 2 * j, ld, lanes, tap);
    for (int t = 0; t < 4; t++) sum = v_add(sum, tap[t]);
    v_put(y + i * n + j, v_mul(sum, v_set1(scale)), lanes);
  }
}

static void FN(pair_sum_backward)(size_t rows, size_t n, size_t ld, real scale, const real *dy, real *dx) {
  EACH_PAIR {
    const size_t lanes = n - j < VL ? n - j : VL;
    const vreal d = v_mul(v_get(dy + i * n + j, lanes), v_set1(scale)), tap[4] = {d, d, d, d};
    FN(pair_shares)(dx + 2 * i * ld + 2 * j, ld, lanes, tap);
  }
}
#undef EACH_PAIR
