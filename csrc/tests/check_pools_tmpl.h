/* window_*: against plain loops in the same order, bit for bit, at the ends of their arrays. */
#define MOST_PIXELS 9
static void T_(pools)(const TABLE *t, int what) {
  static const char *const names[] = {"window_max", "window_max_backward", "window_sum", "window_sum_backward"};
  static const size_t shapes[][3] = {{2, 2, 2}, {3, 3, 3}, {3, 3, 1}, {1, 2, 2}, {2, 1, 2}, {2, 2, 3}, {1, 1, 1}, {2, 3, 2}, {4, 5, 5}};
  static real image[4096], right[4096], many[MOST_PIXELS * 200], tap[MOST_PIXELS * 200];
  static const size_t widths[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65};
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
      for (size_t pixels = 0; pixels <= MOST_PIXELS; pixels += pixels < 3 ? 1 : 3)
        for (int mode = 0; mode < MODES; mode++) {
          const size_t height = shapes[s][0], width = shapes[s][1], channels = widths[w], step = shapes[s][2] * channels;
          const size_t across = pixels ? (pixels - 1) * step + width * channels : 0, ld = across + (size_t)(mode & 1) * 3;
          const size_t n = pixels ? (height - 1) * ld + across : 0, out = pixels * channels;
          const int apart = shapes[s][2] >= width, adds = !apart || mode > 2;
          if (n > sizeof image / sizeof *image) continue;
          real *x = place(0, n * sizeof(real), sizeof(real), mode), *y = place(1, out * sizeof(real), sizeof(real), (mode + 1) % MODES);
          real *where = place(2, out * sizeof(real), sizeof(real), (mode + 2) % MODES), scale = (real)0.3;
          for (size_t i = 0; i < n; i++) {
            x[i] = image[i] = uniform() < 0.02 ? (real)NAN : (real)(int)(uniform() * 5) - 2 + (real)(what > 1) * T_(draw)('n');
            if (what & 1) x[i] = image[i] = adds ? T_(draw)('n') : 7; /* of a gradient that is not added to, only the gaps stay */
            right[i] = image[i];
          }
          for (size_t i = 0; i < out; i++) {
            y[i] = many[i] = T_(draw)('n');
            where[i] = tap[i] = (real)(int)(uniform() * (double)(height * width));
          }
          if (what == 0) t->window_max(pixels, step, height, width, ld, channels, x, y, mode & 1 ? NULL : where);
          if (what == 1) t->window_max_backward(pixels, step, height, width, ld, channels, y, where, x, adds);
          if (what == 2) t->window_sum(pixels, step, height, width, ld, channels, scale, x, y);
          if (what == 3) t->window_sum_backward(pixels, step, height, width, ld, channels, scale, y, x, adds);
          for (size_t m = 0; m < pixels; m++)
            for (size_t j = 0; j < channels; j++) {
              const size_t at = m * channels + j;
              real best = image[m * step + j], first = 0, sum = 0;
              for (size_t a = 0; a < height; a++)
                for (size_t b = 0; b < width; b++) {
                  const size_t i = m * step + a * ld + b * channels + j;
                  const real number = (real)(a * width + b), share = what == 3 ? scale * many[at] : number == tap[at] ? many[at] : 0;
                  if (image[i] > best || image[i] != image[i]) best = image[i], first = number;
                  sum += image[i];
                  right[i] = adds ? right[i] + share : share;
                }
              if (what == 0) many[at] = best, tap[at] = mode & 1 ? tap[at] : first;
              if (what == 2) many[at] = sum * scale;
            }
          int good = intact(0, x, n * sizeof(real)) && intact(1, y, out * sizeof(real)) && intact(2, where, out * sizeof(real));
          good &= T_(same)(x, what & 1 ? right : image, n) && T_(same)(y, many, out) && T_(same)(where, tap, out);
          verdict(good, names[what], "wrong", channels, (int)s * 100 + mode * 10 + (int)pixels);
        }
}
/* The same numbers as of an image of one channel. */
static void T_(pairs)(const TABLE *t, int what) {
  static const char *const names[] = {"pair_max", "pair_max_backward", "pair_sum", "pair_sum_backward"};
  static real image[4096], right[4096], many[1024], tap[1024];
  for (size_t rows = 0; rows <= 4; rows++)
    for (size_t n = 0; n <= 70; n++)
      for (int mode = 0; mode < MODES; mode++) {
        const size_t ld = 2 * n + (size_t)(mode & 1) * 3, size = rows && n ? (2 * rows - 1) * ld + 2 * n : 0, out = rows * n;
        real *x = place(0, size * sizeof(real), sizeof(real), mode), *y = place(1, out * sizeof(real), sizeof(real), (mode + 1) % MODES);
        real *where = place(2, out * sizeof(real), sizeof(real), (mode + 2) % MODES), scale = (real)0.3;
        for (size_t i = 0; i < size; i++) x[i] = image[i] = right[i] = uniform() < 0.02 ? (real)NAN : (real)(int)(uniform() * 5) - 2;
        for (size_t i = 0; i < out; i++) y[i] = many[i] = T_(draw)('n'), where[i] = tap[i] = (real)(int)(uniform() * 4);
        if (what == 0) t->pair_max(rows, n, ld, x, y, mode & 1 ? NULL : where);
        if (what == 1) t->pair_max_backward(rows, n, ld, y, where, x);
        if (what == 2) t->pair_sum(rows, n, ld, scale, x, y);
        if (what == 3) t->pair_sum_backward(rows, n, ld, scale, y, x);
        for (size_t i = 0; i < rows; i++) {
          const size_t at = i * n, from = 2 * i * ld;
          real *const tap_of = mode & 1 ? NULL : tap + at;
          if (what == 0) cnn_kernels_of(0)->TYPE.window_max(n, 2, 2, 2, ld, 1, image + from, many + at, tap_of);
          if (what == 1) cnn_kernels_of(0)->TYPE.window_max_backward(n, 2, 2, 2, ld, 1, many + at, tap + at, right + from, 0);
          if (what == 2) cnn_kernels_of(0)->TYPE.window_sum(n, 2, 2, 2, ld, 1, scale, image + from, many + at);
          if (what == 3) cnn_kernels_of(0)->TYPE.window_sum_backward(n, 2, 2, 2, ld, 1, scale, many + at, right + from, 0);
        }
        int good = intact(0, x, size * sizeof(real)) && intact(1, y, out * sizeof(real)) && intact(2, where, out * sizeof(real));
        good &= T_(same)(x, right, size) && T_(same)(y, many, out) && T_(same)(where, tap, out);
        verdict(good, names[what], "wrong", n, (int)rows * 10 + mode);
      }
}
/* 2x2 over two rows of an image of 16 channels: a tap an element. The image is a[0], what has a number a window behind it. */
#define POOL rows * n / 64, 32, 2, 2, rows * n / 2, 16
static void T_(check_window_max)(const TABLE *t) {
  BENCH("window_max", 1, 0.5, t->window_max(POOL, a[0], a[1], a[2]))
  T_(pools)(t, 0);
}
static void T_(check_window_max_backward)(const TABLE *t) {
  BENCH("window_max_backward", 0.5, 1, t->window_max_backward(POOL, a[1], a[2], a[0], 0))
  T_(pools)(t, 1);
}
static void T_(check_window_sum)(const TABLE *t) {
  BENCH("window_sum", 1, 0.25, t->window_sum(POOL, 1, a[0], a[1]))
  T_(pools)(t, 2);
}
static void T_(check_window_sum_backward)(const TABLE *t) {
  BENCH("window_sum_backward", 0.25, 1, t->window_sum_backward(POOL, 1, a[1], a[0], 0))
  T_(pools)(t, 3);
}
#undef POOL
#define PAIRS rows * n / 128, 32, 64
static void T_(check_pair_max)(const TABLE *t) {
  BENCH("pair_max", 1, 0.5, t->pair_max(PAIRS, a[0], a[1], a[2]))
  T_(pairs)(t, 0);
}
static void T_(check_pair_max_backward)(const TABLE *t) {
  BENCH("pair_max_backward", 0.5, 1, t->pair_max_backward(PAIRS, a[1], a[2], a[0]))
  T_(pairs)(t, 1);
}
static void T_(check_pair_sum)(const TABLE *t) {
  BENCH("pair_sum", 1, 0.25, t->pair_sum(PAIRS, 1, a[0], a[1]))
  T_(pairs)(t, 2);
}
static void T_(check_pair_sum_backward)(const TABLE *t) {
  BENCH("pair_sum_backward", 0.25, 1, t->pair_sum_backward(PAIRS, 1, a[1], a[0]))
  T_(pairs)(t, 3);
}
#undef PAIRS
#undef MOST_PIXELS
