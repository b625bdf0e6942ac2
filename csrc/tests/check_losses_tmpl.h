/* The checks of softmax and of the cross-entropy of labels, for one dtype: against long double, between unmapped pages, at every place alike. */
static void T_(check_softmax_forward)(const TABLE *t) {
  BENCH("softmax_forward", 1, 1, t->softmax_forward(rows, n, a[0], a[1]))
  for (int s = 1; s < SIZES; s++)
    for (size_t rows = 0; rows < 4; rows++)
      for (int mode = 0; mode < MODES; mode++) {
        size_t n = sizes[s], bytes = rows * n * sizeof(real);
        real *z = place(0, bytes, sizeof(real), mode), *y = place(1, bytes, sizeof(real), (mode + 1) % MODES);
        for (size_t i = 0; i < rows * n; i++) z[i] = T_(draw)('w');
        t->softmax_forward(rows, n, z, y);
        int good = intact(0, z, bytes) && intact(1, y, bytes);
        for (size_t r = 0; r < rows; r++) {
          wide top = -INFINITY, sum = 0;
          for (size_t i = 0; i < n; i++) top = fmaxl(top, z[r * n + i]);
          for (size_t i = 0; i < n; i++) sum += expl(z[r * n + i] - top);
          for (size_t i = 0; i < n; i++) {
            wide right = expl(z[r * n + i] - top) / sum;
            good &= fabsl(y[r * n + i] - right) <= 64 * EPS * right + EPS * EPS;
          }
        }
        verdict(good, "softmax_forward", "wrong", n, mode);
        static real before[4096];
        memcpy(before, y, bytes);
        t->softmax_forward(rows, n, z, z);
        verdict(T_(same)(z, before, rows * n), "softmax_forward", "aliasing matters", n, mode);
        if (rows != 3) continue;
        z[n + n / 2] = NAN;
        t->softmax_forward(rows, n, z, y);
        for (size_t i = 0; i < 3 * n; i++) good &= (y[i] != y[i]) == (i >= n && i < 2 * n);
        verdict(good, "softmax_forward", "NaN", n, mode);
      }
}

static void T_(check_cross_entropy)(const TABLE *t) {
  static int32_t labels[1 << 16];
  static double scales[1 << 16], losses[1 << 16];
  for (size_t i = 0; i < 1 << 16; i++) labels[i] = (int32_t)(i % BENCH_COLUMNS), scales[i] = 1;
  BENCH("cross_entropy", 1, 1, t->cross_entropy(rows, n, labels, a[0], scales, losses, a[1]))
  for (int s = 1; s < SIZES; s++)
    for (size_t rows = 0; rows < 140; rows += rows < 5 ? 1 : 27)
      for (int mode = 0; mode < MODES; mode++) {
        size_t n = sizes[s], bytes = rows * n * sizeof(real);
        if (rows > 2 && n > 65) continue;
        if (rows > 5 && (n > 17 || mode)) continue; /* groups of rows */
        real *z = place(0, bytes, sizeof(real), mode), *dz = place(1, bytes, sizeof(real), (mode + 1) % MODES);
        int32_t *label = (int32_t *)place(2, rows * sizeof *label, sizeof *label, mode);
        for (size_t i = 0; i < rows * n; i++) z[i] = T_(draw)('w');
        for (size_t r = 0; r < rows; r++) {
          label[r] = (int32_t)((r * 2654435761u >> 7) % n);
          if (r % 7 == 3) z[r * n + (size_t)label[r]] = 60; /* all but certain */
          if (r % 7 == 5) label[r] = r % 2 ? -1 : (int32_t)n;
          if (r % 7 == 6 && n > 1) z[r * n + n / 2] = z[r * n];
          scales[r] = 0.5 + (double)r;
        }
        t->cross_entropy(rows, n, label, z, scales, losses, dz);
        int good = intact(0, z, bytes) && intact(1, dz, bytes) && intact(2, label, rows * sizeof *label);
        for (size_t r = 0; r < rows; r++) {
          wide top = -INFINITY, sum = 0, others = 0;
          const size_t own = (size_t)label[r];
          if (own >= n) {
            good &= losses[r] != losses[r];
            for (size_t i = 0; i < n; i++) good &= dz[r * n + i] == 0;
            continue;
          }
          for (size_t i = 0; i < n; i++) top = fmaxl(top, z[r * n + i]);
          for (size_t i = 0; i < n; i++) sum += expl(z[r * n + i] - top), others += i == own ? 0 : expl(z[r * n + i] - top);
          const wide loss = z[r * n + own] == top ? log1pl(others) : logl(sum) - (z[r * n + own] - top);
          good &= fabsl(losses[r] - loss) <= 64 * EPS * loss + EPS * EPS;
          for (size_t i = 0; i < n; i++) {
            const wide right = scales[r] * (i == own ? -others / sum : expl(z[r * n + i] - top) / sum);
            good &= fabsl(dz[r * n + i] - right) <= 64 * EPS * fabsl(right) + EPS * EPS;
          }
        }
        verdict(good, "cross_entropy", "wrong", n, mode);
        static real before[1 << 16];
        static double once[1 << 16];
        memcpy(before, dz, bytes), memcpy(once, losses, rows * sizeof *once);
        t->cross_entropy(rows, n, label, z, scales, losses, NULL);
        verdict(!memcmp(once, losses, rows * sizeof *once), "cross_entropy", "another loss without a gradient", n, mode);
        for (size_t r = 0; r < rows; r++) t->cross_entropy(1, n, label + r, z + r * n, scales + r, losses + r, dz + r * n);
        verdict(T_(same)(dz, before, rows * n) && !memcmp(once, losses, rows * sizeof *once), "cross_entropy", "rows one by one", n, mode);
      }
}

static void T_(check_softmax_backward)(const TABLE *t) {
  BENCH("softmax_backward", 2, 1, t->softmax_backward(rows, n, a[0], a[1], a[2], 0))
  for (int s = 1; s < SIZES; s++)
    for (int flag = 0; flag < 2; flag++)
      for (int mode = 0; mode < MODES; mode++) {
        size_t rows = 3, n = sizes[s], bytes = rows * n * sizeof(real);
        real *p[3];
        static real old[4096];
        for (int i = 0; i < 3; i++) {
          p[i] = place(i, bytes, sizeof(real), (mode + i) % MODES);
          for (size_t j = 0; j < rows * n; j++) p[i][j] = T_(draw)(i == 1 ? 'p' : 'n');
        }
        memcpy(old, p[2], bytes);
        t->softmax_backward(rows, n, p[0], p[1], p[2], flag);
        int good = intact(0, p[0], bytes) && intact(1, p[1], bytes) && intact(2, p[2], bytes);
        for (size_t r = 0; r < rows; r++) {
          wide inner = 0;
          for (size_t i = r * n; i < r * n + n; i++) inner += (wide)p[0][i] * p[1][i];
          for (size_t i = r * n; i < r * n + n; i++) {
            wide right = (flag ? old[i] : 0) + p[1][i] * (p[0][i] - inner);
            good &= fabsl(p[2][i] - right) <= 64 * EPS * (16 * (wide)n + fabsl(right));
          }
        }
        verdict(good, "softmax_backward", "wrong", n, mode);
        if (flag) continue;
        memcpy(old, p[2], bytes);
        t->softmax_backward(rows, n, p[0], p[1], p[0], 0);
        verdict(T_(same)(p[0], old, rows * n), "softmax_backward", "aliasing matters", n, mode);
      }
}
