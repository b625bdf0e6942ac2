/* The checks and the bench of check_windows.c for one dtype: TYPE, real. */
#define TABLE PASTE(cnn_kernels, TYPE)

/* acc 0: from 0; 1: from y; 2: from start */
static void T_(products)(const TABLE *t, const shape *s, size_t n, int taps, int disordered, int acc, size_t extra, int at_end) {
  static geometry g;
  windows_of(&g, s, taps, disordered);
  const cnn_windows *w = &g.w;
  const int fuse = fused(isa), way = acc + 4 * taps + 8 * disordered;
  const size_t k = w->chunks * w->length;
  const int32_t *to;
  size_t ldy, ldb = n + 2 * extra, ny = rows_of(&g, n, extra, &to, &ldy), nb = k && n ? (k - 1) * ldb + n : 0;
  real *x = arena_take(arena_x, g.extent * sizeof *x, at_end), *b = arena_take(arena_b, nb * sizeof *b, at_end);
  real *y = arena_take(arena_y, ny * sizeof *y, at_end), *start = arena_take(arena_start, n * sizeof *y, at_end);
  real *want = arena_take(arena_want, (ny > nb ? ny : nb) * sizeof *y, 0);
  T_(fill)(x, g.extent), T_(fill)(b, nb), T_(fill)(y, ny), T_(fill)(start, n);

  memcpy(want, y, ny * sizeof *y);
  for (size_t m = 0; m < w->pixels; m++)
    for (size_t j = 0; j < n; j++) {
      real *out = want + (to ? (size_t)to[m] : m * ldy) + j, sum = acc == 1 ? *out : acc == 2 ? start[j] : 0;
      for (size_t e = 0; e < k; e++)
        sum = T_(chain)(fuse, x[w->pixel[m] + w->chunk[e / w->length] + (ptrdiff_t)(e % w->length)], b[e * ldb + j], sum);
      *out = sum;
    }
  t->conv_forward(w, n, x, b, ldb, acc == 2 ? start : NULL, y, to, ldy, acc == 1);
  verdict(T_(same)(y, want, ny), "conv_forward", &g, s, n, way);

  if (acc == 2) return;
  memcpy(want, b, nb * sizeof *b);
  for (size_t e = 0; e < k; e++)
    for (size_t j = 0; j < n; j++) {
      real sum = acc ? want[e * ldb + j] : 0;
      for (size_t m = 0; m < w->pixels; m++)
        sum = T_(chain)(fuse, x[w->pixel[m] + w->chunk[e / w->length] + (ptrdiff_t)(e % w->length)], y[(to ? (size_t)to[m] : m * ldy) + j],
                        sum);
      want[e * ldb + j] = sum;
    }
  t->conv_outer(w, n, x, y, to, ldy, b, ldb, acc);
  verdict(T_(same)(b, want, nb), "conv_outer", &g, s, n, way);
}

static void T_(planes)(const TABLE *t, const shape *s, size_t n, int acc, size_t extra, int at_end) {
  static geometry g;
  windows_of(&g, s, 0, 0);
  const cnn_windows *w = &g.w;
  const size_t k = w->chunks * w->length, ldb = n + extra, ldy = w->pixels + 2 * extra;
  const size_t nb = k && n ? (k - 1) * ldb + n : 0, ny = n ? (n - 1) * ldy + w->pixels : 0;
  real *x = arena_take(arena_x, g.extent * sizeof *x, at_end), *b = arena_take(arena_b, nb * sizeof *b, at_end);
  real *y = arena_take(arena_y, ny * sizeof *y, at_end), *start = arena_take(arena_start, n * sizeof *y, at_end);
  real *want = arena_take(arena_want, (ny > nb ? ny : nb) * sizeof *y, 0);
  T_(fill)(x, g.extent), T_(fill)(b, nb), T_(fill)(y, ny), T_(fill)(start, n);

  memcpy(want, y, ny * sizeof *y);
  for (size_t m = 0; m < w->pixels; m++)
    for (size_t j = 0; j < n; j++) {
      real sum = acc == 1 ? want[j * ldy + m] : acc == 2 ? start[j] : 0;
      for (size_t e = 0; e < k; e++)
        sum = T_(chain)(fused(isa), x[w->pixel[m] + w->chunk[e / w->length] + (ptrdiff_t)(e % w->length)], b[e * ldb + j], sum);
      want[j * ldy + m] = sum;
    }
  t->conv_planes(w, s->width, n, x, b, ldb, acc == 2 ? start : NULL, y, ldy, acc == 1);
  verdict(T_(same)(y, want, ny), "conv_planes", &g, s, n, acc);

  if (acc == 2) return;
  int good = 1;
  memcpy(want, b, nb * sizeof *b);
  t->conv_planes_outer(w, s->width, n, x, y, ldy, b, ldb, acc);
  for (size_t e = 0; e < k; e++)
    for (size_t j = 0; j < n; j++) {
      double sum = acc ? want[e * ldb + j] : 0, size = fabs(sum);
      for (size_t m = 0; m < w->pixels; m++) {
        const double term = (double)x[w->pixel[m] + w->chunk[e / w->length] + (ptrdiff_t)(e % w->length)] * y[j * ldy + m];
        sum += term, size += fabs(term);
      }
      good &= fabs((double)b[e * ldb + j] - sum) <= (sizeof(real) == 4 ? 0x1p-23 : 0x1p-50) * size * (double)(w->pixels + 4);
      want[e * ldb + j] = b[e * ldb + j];
    }
  verdict(good && T_(same)(b, want, nb), "conv_planes_outer", &g, s, n, acc);
}

static void T_(scatter)(const TABLE *t, const shape *s, size_t n, int taps, int disordered, size_t extra, int at_end) {
  static geometry g;
  windows_of(&g, s, taps, disordered);
  const cnn_windows *w = &g.w;
  const size_t k = w->chunks * w->length, ldb = k + extra, block = 768;
  const int apart =
      s->stride * s->channels >= w->length || s->width == 1; /* else where windows overlap the order is the instruction set's own */
  const int32_t *to;
  size_t ld, ny = rows_of(&g, n, extra, &to, &ld), nb = n ? (n - 1) * ldb + k : 0;
  real *x = arena_take(arena_x, g.extent * sizeof *x, at_end), *b = arena_take(arena_b, nb * sizeof *b, at_end);
  real *y = arena_take(arena_y, ny * sizeof *y, at_end), *want = arena_take(arena_want, g.extent * sizeof *x, 0);
  T_(fill)(x, g.extent), T_(fill)(b, nb), T_(fill)(y, ny);

  memcpy(want, x, g.extent * sizeof *x);
  for (size_t e = 0; e < n; e += block)
    for (size_t c = 0; c < w->chunks; c++)
      for (size_t m = 0; m < w->pixels; m++)
        for (size_t i = 0; i < w->length; i++) {
          real sum = 0;
          for (size_t j = e; j < n && j < e + block; j++)
            sum = T_(chain)(fused(isa), y[(size_t)g.to[m] + j], b[j * ldb + c * w->length + i], sum);
          want[w->pixel[m] + w->chunk[c] + (ptrdiff_t)i] += sum;
        }
  t->conv_scatter(w, n, y, g.to, b, ldb, x);
  int good = apart ? T_(same)(x, want, g.extent) : 1;
  for (size_t i = 0; i < g.extent; i++)
    good &= fabs((double)x[i] - (double)want[i]) <= (sizeof(real) == 4 ? 0x1p-23 : 0x1p-52) * (double)(s->kernel_h * s->kernel_w * (n + 4));
  verdict(good, "conv_scatter", &g, s, n, 4 * taps + 8 * disordered);
}

/* Close to the direct sum in double, and whole images the bits of their parts. */
static void T_(winograd)(const TABLE *t, size_t height, size_t width, size_t channels, size_t n, int acc, size_t extra, int at_end) {
  static geometry g;
  const shape s = {height, width, 3, 3, 1, 1, channels, channels};
  windows_of(&g, &s, 0, 0);
  const cnn_windows *w = &g.w;
  const size_t e = 16, k = 9 * channels, ldb = n + extra, nb = (k - 1) * ldb + n, ldx = (width + 2) * channels;
  const size_t ldy = width * n + extra, ny = (height - 1) * ldy + width * n, size = t->winograd_scratch(height, width, channels, n);
  real *x = arena_take(arena_x, g.extent * sizeof *x, at_end), *b = arena_take(arena_b, nb * sizeof *b, at_end);
  real *y = arena_take(arena_y, ny * sizeof *y, at_end), *start = arena_take(arena_start, n * sizeof *y, at_end);
  real *parts = arena_take(arena_want, ny * sizeof *y, 0), *u = arena_take(arena_u, e * channels * n * sizeof *u, at_end);
  real *scratch = arena_take(arena_scratch, (size * sizeof *scratch + 63) / 64 * 64, 1);
  T_(fill)(x, g.extent), T_(fill)(b, nb), T_(fill)(y, ny), T_(fill)(start, n);
  memset(scratch, 0xff, size * sizeof *scratch); /* NaN: nothing unwritten is used */
  memcpy(parts, y, ny * sizeof *y);
  t->winograd_weights(channels, n, b, ldb, 0, channels / 2, u), t->winograd_weights(channels, n, b, ldb, channels / 2, channels, u);
  for (size_t i = 0, rows; i < height; i += rows) {
    rows = 2 * (1 + next32() % 3) < height - i ? 2 : height - i;
    t->winograd_forward(rows, width, channels, n, x + i * ldx, ldx, u, acc == 2 ? start : NULL, parts + i * ldy, ldy, acc == 1, scratch);
  }
  real *old = malloc(ny * sizeof *old);
  if (!old) exit(2);
  memcpy(old, y, ny * sizeof *y);
  t->winograd_forward(height, width, channels, n, x, ldx, u, acc == 2 ? start : NULL, y, ldy, acc == 1, scratch);
  verdict(T_(same)(y, parts, ny), "winograd_forward by rows", &g, &s, n, acc);
  int good = 1;
  for (size_t p = 0; p < w->pixels; p++)
    for (size_t j = 0; j < n; j++) {
      const size_t at = p / width * ldy + p % width * n + j;
      double sum = acc == 1 ? old[at] : acc == 2 ? start[j] : 0;
      for (size_t i = 0; i < k; i++) sum += (double)x[w->pixel[p] + w->chunk[i / w->length] + (ptrdiff_t)(i % w->length)] * b[i * ldb + j];
      good &= fabs((double)y[at] - sum) <=
              (sizeof(real) == 4 ? 0x1p-23 : 0x1p-52) * (double)(k + e); /* roundings of the sum and of the transforms */
    }
  for (size_t i = 0; i + 1 < height; i++) good &= T_(same)(y + i * ldy + width * n, old + i * ldy + width * n, extra);
  verdict(good, "winograd_forward", &g, &s, n, acc);
  free(old);
}

/* s: outputs, taps, stride, dilation; of `channels` numbers of a pixel of x, and of y, `used`. backwards: through the weights, as a gradient
   goes. Windows of 3 x 3 neighbours may reach beyond the image. */
static void T_(depthwise)(const TABLE *t, const shape *s, int backwards, int acc, size_t extra, int at_end) {
  static const geometry none;
  const int near = s->kernel_h == 3 && s->kernel_w == 3 && s->stride % s->dilation == 0 && t->depthwise_joins(s->stride / s->dilation);
  const size_t top = near && next32() % 2, bottom = near && next32() % 2, left = near && next32() % 2, right = near && next32() % 2;
  const size_t n = s->used;
  const size_t wide = (s->width - 1) * s->stride + (s->kernel_w ? s->kernel_w - 1 : 0) * s->dilation + 1 - (left + right) * s->dilation;
  const size_t high = (s->height - 1) * s->stride + (s->kernel_h ? s->kernel_h - 1 : 0) * s->dilation + 1 - (top + bottom) * s->dilation;
  const size_t ldb = n + extra, ldy = n + 2 * extra, taps = s->kernel_h * s->kernel_w, way = (size_t)acc + 4 * (size_t)backwards;
  const ptrdiff_t pixel = (ptrdiff_t)s->channels, line = (ptrdiff_t)wide * pixel, sign = backwards ? -1 : 1;
  const cnn_taps g = {.rows = s->height,
                      .columns = s->width,
                      .height = s->kernel_h,
                      .width = s->kernel_w,
                      .x_row = (ptrdiff_t)s->stride * line,
                      .x_column = (ptrdiff_t)s->stride * pixel,
                      .y_row = (ptrdiff_t)(s->width * ldy),
                      .y_column = (ptrdiff_t)ldy,
                      .tap_row = (ptrdiff_t)s->dilation * line,
                      .tap_column = (ptrdiff_t)s->dilation * pixel,
                      .weight_row = sign * (ptrdiff_t)(s->kernel_w * ldb),
                      .weight_column = sign * (ptrdiff_t)ldb,
                      .top = (int)top,
                      .bottom = (int)bottom,
                      .left = (int)left,
                      .right = (int)right};
  const ptrdiff_t inside = (ptrdiff_t)top * g.tap_row + (ptrdiff_t)left * g.tap_column; /* of the first window */
  const size_t nx = (high * wide - 1) * s->channels + n, ny = (s->height * s->width - 1) * ldy + n, nb = taps ? (taps - 1) * ldb + n : 0;
  const int fuse = fused(isa);
  real *x = arena_take(arena_x, nx * sizeof *x, at_end), *b = arena_take(arena_b, nb * sizeof *b, at_end);
  real *y = arena_take(arena_y, ny * sizeof *y, at_end), *start = arena_take(arena_start, n * sizeof *y, at_end);
  real *want = arena_take(arena_want, (ny > nb ? ny : nb) * sizeof *y, 0);
  real *first = backwards && taps ? b + (taps - 1) * ldb : b;
  T_(fill)(x, nx), T_(fill)(b, nb), T_(fill)(y, ny), T_(fill)(start, n);
#define AT(m, e) \
  x[(ptrdiff_t)(m / g.columns) * g.x_row + (ptrdiff_t)(m % g.columns) * g.x_column + (ptrdiff_t)(e / g.width) * g.tap_row + \
    (ptrdiff_t)(e % g.width) * g.tap_column - inside + (ptrdiff_t)j]
#define LIES_OUTSIDE(m, e) \
  ((top && m / g.columns + e / g.width == 0) || (bottom && m / g.columns + e / g.width == g.rows + 1) || \
   (left && m % g.columns + e % g.width == 0) || (right && m % g.columns + e % g.width == g.columns + 1))
  memcpy(want, y, ny * sizeof *y);
  for (size_t m = 0; m < s->height * s->width; m++)
    for (size_t j = 0; j < n; j++) {
      real sum = acc == 1 ? want[m * ldy + j] : acc == 2 ? start[j] : 0;
      for (size_t e = 0; e < taps; e++)
        if (!LIES_OUTSIDE(m, e)) sum = T_(chain)(fuse, AT(m, e), first[sign * (ptrdiff_t)(e * ldb) + (ptrdiff_t)j], sum);
      want[m * ldy + j] = sum;
    }
  t->depthwise_forward(&g, n, x, first, acc == 2 ? start : NULL, y, acc == 1);
  verdict(T_(same)(y, want, ny), "depthwise_forward", &none, s, n, (int)way);

  memcpy(want, b, nb * sizeof *b);
  for (size_t e = 0; e < taps; e++)
    for (size_t j = 0; j < n; j++) {
      real *out = want + (first - b) + sign * (ptrdiff_t)(e * ldb) + (ptrdiff_t)j;
      for (size_t begin = 0, end; begin < s->width; begin = end) {
        end = begin + (near ? next_strip(s->width - begin) : s->width);
        for (size_t r = 0; r < s->height; r++)
          for (size_t m = r * s->width + begin; m < r * s->width + end; m++)
            if (!LIES_OUTSIDE(m, e)) *out = T_(chain)(fuse, AT(m, e), y[m * ldy + j], *out);
      }
    }
  t->depthwise_outer(&g, n, x, y, first);
  verdict(T_(same)(b, want, nb), "depthwise_outer", &none, s, n, (int)way);
#undef AT
#undef LIES_OUTSIDE
}

/* Of an image of 3 x 3 windows, two pixels apart, rows `begin` to `stop` - 1 at a time. */
static void T_(doubles)(const TABLE *t, size_t rows, size_t columns, size_t n, int acc, size_t extra, int at_end) {
  static const geometry none;
  const shape s = {rows, columns, 3, 3, 2, 1, n + extra, n};
  const size_t top = next32() % 2, bottom = next32() % 2, left = next32() % 2, right = next32() % 2;
  const size_t high = 2 * rows + 1 - top - bottom, wide = 2 * columns + 1 - left - right, ldx = n + extra, ldy = n + 2 * extra,
               ldb = n + extra;
  const size_t nx = (high * wide - 1) * ldx + n, ny = (rows * columns - 1) * ldy + n, nb = 8 * ldb + n;
  const ptrdiff_t pixel = (ptrdiff_t)ldx, line = (ptrdiff_t)(wide * ldx);
  const cnn_taps g = {.rows = rows,
                      .columns = columns,
                      .height = 3,
                      .width = 3,
                      .x_row = 2 * line,
                      .x_column = 2 * pixel,
                      .y_row = (ptrdiff_t)(columns * ldy),
                      .y_column = (ptrdiff_t)ldy,
                      .tap_row = line,
                      .tap_column = pixel,
                      .weight_row = (ptrdiff_t)(3 * ldb),
                      .weight_column = (ptrdiff_t)ldb,
                      .top = (int)top,
                      .bottom = (int)bottom,
                      .left = (int)left,
                      .right = (int)right};
  const int fuse = fused(isa);
  real *x = arena_take(arena_x, nx * sizeof *x, at_end), *b = arena_take(arena_b, nb * sizeof *b, at_end);
  real *dy = arena_take(arena_y, ny * sizeof *dy, at_end), *start = arena_take(arena_start, n * sizeof *x, at_end);
  real *want = arena_take(arena_want, nx * sizeof *x, 0);
  T_(fill)(x, nx), T_(fill)(b, nb), T_(fill)(dy, ny), T_(fill)(start, n);
  memcpy(want, x, nx * sizeof *x);
  for (size_t i = 0; i < high; i++)
    for (size_t k = 0; k < wide; k++)
      for (size_t j = 0; j < n; j++) {
        real *p = want + (i * wide + k) * ldx + j;
        *p = acc == 1 ? *p : acc == 2 ? start[j] : 0;
        for (size_t r = 0; r < rows; r++)
          for (size_t c = 0; c < columns; c++) {
            const size_t u = i + top - 2 * r, v = k + left - 2 * c; /* the tap; not one where it is more than 2 */
            if (u < 3 && v < 3) *p = T_(chain)(fuse, dy[(r * columns + c) * ldy + j], b[(3 * u + v) * ldb + j], *p);
          }
      }
  for (size_t begin = 0, stop; begin < rows; begin = stop) {
    stop = begin + 1 + next32() % (rows - begin);
    t->depthwise_scatter(&g, begin, stop, n, dy, b, acc == 2 ? start : NULL, x, acc == 1);
  }
  verdict(T_(same)(x, want, nx), "depthwise_scatter", &none, &s, n, (int)(top + 2 * bottom + 4 * left + 8 * right));
}

static void T_(transposes)(const TABLE *t, size_t rows, size_t columns, size_t extra, int at_end) {
  static const geometry none;
  const shape s = {.height = rows, .width = columns};
  const size_t ldx = columns + extra, ldy = rows + 2 * extra;
  const size_t nx = rows && columns ? (rows - 1) * ldx + columns : 0, ny = rows && columns ? (columns - 1) * ldy + rows : 0;
  real *x = arena_take(arena_x, nx * sizeof *x, at_end), *y = arena_take(arena_y, ny * sizeof *y, at_end);
  real *want = arena_take(arena_want, ny * sizeof *y, 0);
  T_(fill)(x, nx), T_(fill)(y, ny);
  memcpy(want, y, ny * sizeof *y);
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < columns; j++) want[j * ldy + i] = x[i * ldx + j];
  t->transpose(rows, columns, x, ldx, y, ldy);
  verdict(T_(same)(y, want, ny), "transpose", &none, &s, extra, at_end);
}

/* Behind a pool of maxima of tall x wide outputs, some of which have no gradient. dw and x are added to where acc is 1. */
static void T_(picked)(const TABLE *t, shape s, size_t tall, size_t wide, size_t n, int planes, int acc, int at_end) {
  static geometry g;
  const size_t rows = s.height / tall, columns = s.width / wide, windows = rows * columns;
  windows_of(&g, &s, 0, 0);
  const size_t k = g.w.chunks * g.w.length, ldb = g.w.length + next32() % 3;
  int32_t shift[16];
  for (size_t i = 0; i < tall * wide; i++) shift[i] = g.pixel[i / wide * s.width + i % wide];
  const cnn_picks p = {.rows = rows,
                       .columns = columns,
                       .row = tall * s.width < g.w.pixels ? g.pixel[tall * s.width] : 0,
                       .column = wide < s.width ? g.pixel[wide] : 0,
                       .taps = tall * wide,
                       .shift = shift,
                       .chunks = g.w.chunks,
                       .length = g.w.length,
                       .chunk = g.w.chunks > 1 ? g.chunk[1] : 0,
                       .d_window = planes ? 1 : (ptrdiff_t)n,
                       .d_column = planes ? (ptrdiff_t)windows : 1,
                       .where_window = (ptrdiff_t)n,
                       .where_column = 1};
  real *x = arena_take(arena_x, g.extent * sizeof *x, at_end), *d = arena_take(arena_start, windows * n * sizeof *d, at_end);
  real *where = arena_take(arena_u, windows * n * sizeof *where, at_end),
       *b = arena_take(arena_b, n * g.w.chunks * ldb * sizeof *b, at_end);
  real *dw = arena_take(arena_y, n * k * sizeof *dw, at_end), *want = arena_take(arena_want, (n * k + g.extent) * sizeof *want, 0);
  T_(fill)(x, g.extent), T_(fill)(d, windows * n), T_(fill)(b, n * g.w.chunks * ldb), T_(fill)(dw, n * k);
  for (size_t i = 0; i < windows * n; i++) where[i] = (real)(next32() % (tall * wide)), d[i] = next32() % 3 ? d[i] : 0;
#define AT(m, j) (g.pixel[(m) / columns * tall * s.width + (m) % columns * wide] + shift[(int)where[(m) * n + (j)]])
#define D(m, j) d[(ptrdiff_t)(m) * p.d_window + (ptrdiff_t)(j) * p.d_column]
  memcpy(want, dw, n * k * sizeof *want);
  for (size_t j = 0; j < n; j++)
    for (size_t e = 0; e < k; e++) {
      real sum = acc ? want[j * k + e] : 0;
      for (size_t m = 0; m < windows; m++)
        sum = T_(chain)(fused(isa), D(m, j), x[AT(m, j) + g.chunk[e / g.w.length] + (ptrdiff_t)(e % g.w.length)], sum);
      want[j * k + e] = sum;
    }
  t->picked_outer(&p, n, x, d, where, dw, acc);
  verdict(T_(same)(dw, want, n * k), "picked_outer", &g, &s, n, acc);
  memcpy(want, x, g.extent * sizeof *want);
  for (size_t first = 0; first < n; first += 64)
    for (size_t m = 0; m < windows; m++)
      for (size_t tap = 0; tap < tall * wide; tap++)
        for (size_t e = 0; e < k; e++) {
          real sum = 0;
          ptrdiff_t at = -1;
          for (size_t j = first; j < n && j < first + 64; j++)
            if ((size_t)where[m * n + j] == tap && D(m, j) != 0) {
              sum = T_(chain)(fused(isa), D(m, j), b[(j * g.w.chunks + e / g.w.length) * ldb + e % g.w.length], sum);
              at = AT(m, j) + g.chunk[e / g.w.length] + (ptrdiff_t)(e % g.w.length);
            }
          if (at >= 0) want[at] += sum;
        }
  t->picked_scatter(&p, n, d, where, b, ldb, x);
  verdict(T_(same)(x, want, g.extent), "picked_scatter", &g, &s, n, planes);
#undef AT
#undef D
}

static void T_(paddings)(const TABLE *t, size_t rows, size_t n, size_t extra, int at_end) {
  static const geometry none;
  const shape s = {.height = rows, .width = n};
  const size_t ldx = n + next32() % 3, ldy = n + extra;
  const size_t nx = rows ? (rows - 1) * ldx + n : 0, ny = rows ? (rows - 1) * ldy + n : 0;
  real *x = arena_take(arena_x, nx * sizeof *x, at_end), *y = arena_take(arena_y, ny * sizeof *y, at_end);
  real *want = arena_take(arena_want, ny * sizeof *y, 0);
  T_(fill)(x, nx), T_(fill)(y, ny);
  memset(want, 0, ny * sizeof *y);
  for (size_t i = 0; i < rows; i++) memcpy(want + i * ldy, x + i * ldx, n * sizeof *x);
  t->pad_rows(rows, n, x, ldx, y, ldy);
  verdict(T_(same)(y, want, ny), "pad_rows", &none, &s, extra, at_end);
}

static void T_(check)(const TABLE *t) {
  static const size_t columns[] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17,
                                   18, 19, 20, 24, 31, 32, 33, 40, 47, 48, 49, 63, 64, 65, 72, 80, 96, 130};
  enum { COLUMNS = sizeof columns / sizeof *columns };
  shape s;
  for (size_t pixels = 1; pixels <= 26; pixels++) /* every number of rows of every width of tile, and of elements of the window */
    for (size_t c = 0; c < COLUMNS; c++)
      for (int acc = 0; acc < 3; acc++) {
        s = (shape){1, pixels, 1, 1 + next32() % 3, 1, 1, 1 + next32() % 9, 0};
        s.used = s.channels;
        T_(products)(t, &s, columns[c], 0, 0, acc, next32() % 3, (int)(next32() % 4 != 0));
        s = (shape){1, 1 + next32() % 20, 1, pixels, 1, 1, 1, 1};
        T_(products)(t, &s, columns[c], 0, 0, acc, next32() % 3, (int)(next32() % 4 != 0));
        s = (shape){1, pixels, 1, 1, 1 + next32() % 3, 1, columns[c] + 1, columns[c] + 1};
        T_(scatter)(t, &s, 1 + next32() % 9, 0, 0, next32() % 3, (int)(next32() % 4 != 0));
        if (!columns[c]) continue;
        s = (shape){1 + next32() % 2, pixels, next32() % 5, next32() % 5, 1 + next32() % 2, 1, columns[c] + next32() % 3, columns[c]};
        T_(depthwise)(t, &s, (int)(next32() % 2), acc, next32() % 3, (int)(next32() % 4 != 0));
        if (pixels <= 18 && t->depthwise_scatter)
          T_(doubles)(t, 1 + next32() % 5, pixels, columns[c], acc, next32() % 3, (int)(next32() % 4 != 0));
        s = (shape){pixels, 1 + next32() % 3, 3, 3, 1 + next32() % 2, 1, columns[c] + next32() % 3, columns[c]};
        T_(depthwise)(t, &s, (int)(next32() % 2), acc, next32() % 3, (int)(next32() % 4 != 0));
      }
  for (size_t width = 1; width <= 20; width++) { /* pixels a page apart */
    s = (shape){1 + next32() % 5, width, 3, 3, 1, 1, 4096 / sizeof(real), 1 + next32() % 150};
    T_(depthwise)(t, &s, (int)(next32() % 2), (int)(next32() % 3), next32() % 3, (int)(next32() % 4 != 0));
  }
  for (size_t n = 1; n <= 12; n++) /* one channel, whose neighbouring pixels are neighbours in memory: rows of every length */
    for (size_t width = 1; width <= 70; width++) {
      s = (shape){1 + next32() % 4, width, 1 + next32() % 3, 1 + next32() % 5, 1, 1, 1, 1};
      T_(products)(t, &s, n, 0, 0, (int)(next32() % 3), next32() % 3, (int)(next32() % 4 != 0));
      s.stride = 1, s.kernel_h += next32() % 4, s.dilation += next32() % 2;
      T_(planes)(t, &s, n + next32() % 2 * 12, (int)(next32() % 3), next32() % 3, (int)(next32() % 4 != 0));
    }
  for (int i = 0; i < 1500; i++) {
    s = (shape){1 + next32() % 7, 1 + next32() % 9, 1 + next32() % 5,  1 + next32() % 5,
                1 + next32() % 3, 1 + next32() % 3, 1 + next32() % 12, 0};
    s.used = next32() % 2 ? s.channels : 1 + next32() % s.channels;
    const size_t n = next32() % 2 ? columns[next32() % COLUMNS] : 1 + next32() % 20;
    const int disordered = next32() % 4 == 0, at_end = next32() % 4 != 0;
    T_(products)(t, &s, n, (int)(next32() % 2), disordered, i % 3, next32() % 4, at_end);
    T_(scatter)(t, &s, n, (int)(next32() % 2), disordered, next32() % 4, at_end);
    s.channels += next32() % 3 ? 0 : next32() % 70, s.used = next32() % 2 ? s.channels : 1 + next32() % s.channels;
    T_(depthwise)(t, &s, disordered, i % 3, next32() % 4, at_end);
  }
  /* several blocks of k: of whole chunks, and of parts of chunks */
  static const shape deep[] = {{3, 5, 3, 3, 1, 1, 100, 100},   {2, 3, 3, 3, 1, 2, 300, 300},   {3, 3, 2, 2, 1, 1, 769, 769},
                               {1, 4, 1, 1, 1, 1, 1700, 1700}, {2, 2, 2, 2, 1, 2, 1536, 1536}, {2, 3, 28, 28, 1, 1, 1, 1}};
  for (size_t i = 0; i < sizeof deep / sizeof *deep; i++)
    for (int acc = 0; acc < 3; acc++) T_(products)(t, &deep[i], 1 + next32() % 40, 0, 0, acc, next32() % 2, 1);
  s = (shape){2, 35, 28, 28, 1, 1, 1, 1};
  for (int acc = 0; acc < 3; acc++) T_(planes)(t, &s, 7, acc, 1, 1);
  s = (shape){2, 3, 2, 2, 1, 1, 3, 3};
  T_(scatter)(t, &s, 1600, 0, 0, 1, 1);
  for (size_t height = 1; height <= 9; height++)
    for (size_t width = 1; width <= 9; width++)
      for (int acc = 0; acc < 3; acc++)
        T_(winograd)(t, height, width, 1 + next32() % 20, 1 + next32() % 40, acc, next32() % 3, (int)(next32() % 4 != 0));
  T_(winograd)(t, 28, 40, 70, 33, 0, 1, 1), T_(winograd)(t, 31, 33, 64, 64, 2, 0, 1), T_(winograd)(t, 3, 50, 96, 520, 1, 0, 1);
  for (size_t rows = 0; rows <= 40; rows++)
    for (size_t columns_ = 0; columns_ <= 40; columns_++) T_(transposes)(t, rows, columns_, next32() % 3, (int)(next32() % 2));
  for (int i = 0; i < 1500; i++) {
    const size_t tall = 1 + next32() % 4, wide = 1 + next32() % 4;
    s = (shape){tall * (1 + next32() % 3) + next32() % 2,
                wide * (1 + next32() % 4) + next32() % 2,
                1 + next32() % 7,
                1 + next32() % 5,
                1 + next32() % 2,
                1,
                1 + next32() % 9,
                0};
    s.used = s.channels;
    T_(picked)(t, s, tall, wide, i % 50 ? 1 + next32() % 12 : 60 + next32() % 80, (int)(next32() % 2), i % 2, (int)(next32() % 4 != 0));
  }
  for (size_t rows = 0; rows <= 4; rows++)
    for (size_t n = 0; n <= 70; n++) T_(paddings)(t, rows, n, n % 3 * (next32() % 40), (int)(next32() % 2));
  for (int i = 0; i < 100; i++) {
    const size_t few = next32() % 2 ? 1 + next32() % 8 : 1 + next32() % 130, many = 1 + next32() % 900;
    T_(transposes)(t, few, many, next32() % 3, 1), T_(transposes)(t, many, few, next32() % 3, 1);
  }
}

static void T_(bench)(const TABLE *t, double budget) {
  static const struct {
    const char *what;
    shape s;
    size_t n;
  } shapes[] = {
      {"3x3 64->64, 16x16", {16, 16, 3, 3, 1, 1, 64, 64}, 64},  {"3x3 32->32, 32x32", {32, 32, 3, 3, 1, 1, 32, 32}, 32},
      {"3x3 64->128, 8x8", {8, 8, 3, 3, 1, 1, 64, 64}, 128},    {"3x3 3->32, 32x32", {32, 32, 3, 3, 1, 1, 3, 3}, 32},
      {"3x3 128->128, 8x8", {8, 8, 3, 3, 1, 1, 128, 128}, 128}, {"3x3 256->256, 7x7", {7, 7, 3, 3, 1, 1, 256, 256}, 256},
      {"3x3 16->16, 28x28", {28, 28, 3, 3, 1, 1, 16, 16}, 16},  {"3x3 64->64 stride 2, 8x8", {8, 8, 3, 3, 2, 1, 64, 64}, 64},
      {"5x5 1->6, 28x28", {28, 28, 5, 5, 1, 1, 1, 1}, 6},       {"5x5 6->16, 10x10", {10, 10, 5, 5, 1, 1, 6, 6}, 16},
      {"5x5 16->6, 14x14", {14, 14, 5, 5, 1, 1, 16, 16}, 6},    {"5x5 1->20, 24x24", {24, 24, 5, 5, 1, 1, 1, 1}, 20},
      {"5x5 20->40, 8x8", {8, 8, 5, 5, 1, 1, 20, 20}, 40},      {"3x3 8 of 64->8, 16x16", {16, 16, 3, 3, 1, 1, 64, 8}, 8},
  };
  static const shape deep[] = {{112, 112, 3, 3, 1, 1, 32, 32}, {56, 56, 3, 3, 1, 1, 32, 32},   {56, 56, 3, 3, 1, 1, 128, 128},
                               {28, 28, 3, 3, 1, 1, 64, 64},   {28, 28, 3, 3, 1, 1, 240, 240}, {28, 28, 3, 3, 1, 1, 256, 256},
                               {14, 14, 3, 3, 1, 1, 64, 64},   {14, 14, 3, 3, 1, 1, 256, 256}, {14, 14, 3, 3, 1, 1, 512, 512},
                               {14, 14, 3, 3, 1, 1, 576, 576}, {7, 7, 3, 3, 1, 1, 960, 960},   {7, 7, 3, 3, 1, 1, 1024, 1024},
                               {28, 28, 3, 3, 2, 1, 64, 64},   {28, 28, 3, 3, 2, 1, 128, 128}, {14, 14, 3, 3, 2, 1, 240, 240},
                               {28, 28, 5, 5, 1, 1, 64, 64},   {14, 14, 5, 5, 1, 1, 120, 120}, {28, 28, 3, 3, 1, 1, 6, 6}};
  static const size_t sizes[][2] = {{1, 784}, {3, 1024},  {1024, 3},  {6, 196},  {196, 6},  {16, 25},
                                    {25, 16}, {32, 1024}, {1024, 32}, {64, 256}, {256, 64}, {512, 49}};
  static geometry g;
  const limits l = limits_of(isa, sizeof(real));
  const char *level;
  const size_t all = ARENA / sizeof(real);
  real *x = (real *)arena_x.base, *b = (real *)arena_b.base, *y = (real *)arena_y.base, *start = (real *)arena_start.base;
  T_(fill)(x, all), T_(fill)(b, all), T_(fill)(y, all), T_(fill)(start, all);
  print_limits(isa, dtype, &l);
  static int32_t order[MOST];
  double forward, outer, scatter;
#define SHARE(sec) (sec) * 1e6, flop / (sec) * 1e-7 / l.peak
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    const size_t n = shapes[i].n;
    windows_of(&g, &shapes[i].s, 0, 0);
    const double flop = 2.0 * (double)(g.w.pixels * g.w.chunks * g.w.length * n);
    TIME(forward, t->conv_forward(&g.w, n, x, b, n, start, y, NULL, n, 0), budget);
    T_(fill)(y, g.w.pixels * n), T_(fill)(b, all);
    TIME(outer, t->conv_outer(&g.w, n, x, y, NULL, n, (real *)arena_want.base, n, 1), budget);
    memset(arena_want.base, 0, ARENA);
    for (size_t m = 0, p = 0, width = shapes[i].s.width; p < width; p++) /* by columns: neighbours in the list do not overlap */
      for (size_t q = p; q < g.w.pixels; q += width, m++) order[m] = g.pixel[q], g.to[m] = (int32_t)(q * n);
    g.w.pixel = order;
    TIME(scatter, t->conv_scatter(&g.w, n, y, g.to, b, g.w.chunks * g.w.length, (real *)arena_want.base), budget);
    memset(arena_want.base, 0, ARENA);
    if (shapes[i].s.channels == 1) {
      double planes, dots;
      g.w.pixel = g.pixel;
      TIME(planes, t->conv_planes(&g.w, shapes[i].s.width, n, x, b, n, start, y, g.w.pixels, 0), budget);
      T_(fill)(y, g.w.pixels * n), T_(fill)(b, all);
      TIME(dots, t->conv_planes_outer(&g.w, shapes[i].s.width, n, x, y, g.w.pixels, (real *)arena_want.base, n, 1), budget);
      memset(arena_want.base, 0, ARENA);
      printf("  %-26s planes  %8.2f us %6.1f %%   outer %8.2f us %6.1f %%\n", shapes[i].what, SHARE(planes), SHARE(dots));
    }
    printf("  %-26s forward %8.2f us %6.1f %%   outer %8.2f us %6.1f %%   scatter %8.2f us %6.1f %%\n", shapes[i].what, SHARE(forward),
           SHARE(outer), SHARE(scatter));
  }
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    const shape *s = &shapes[i].s;
    const size_t n = shapes[i].n;
    if (s->kernel_h != 3 || s->stride != 1 || s->used != s->channels || 36 * s->channels * n > all) continue;
    const double flop = 2.0 * (double)(s->height * s->width * 9 * s->channels * n);
    real *u = (real *)arena_u.base, *scratch = (real *)arena_scratch.base;
    double weights, winograd;
    TIME(weights, t->winograd_weights(s->channels, n, b, n, 0, s->channels, u), budget);
    TIME(winograd,
         t->winograd_forward(s->height, s->width, s->channels, n, x, (s->width + 2) * s->channels, u, NULL, y, s->width * n, 0, scratch),
         budget);
    const double filters = (double)(s->channels * n * sizeof(real)),
                 part = share_of_memory(&l, 9 * filters, 16 * filters, 0, weights, &level);
    printf("  winograd %-26s %8.2f us %6.1f %%   weights %8.2f us %5.1f %% of %s\n", shapes[i].what, SHARE(winograd), weights * 1e6, part,
           level);
  }
  for (size_t i = 0; i < sizeof deep / sizeof *deep; i++) { /* of an image with its zeros */
    real *other = y + 576 / sizeof(real); /* in a page, as far away as plans place it */
    const shape *s = &deep[i];
    const int near = s->kernel_h == 3 && t->depthwise_joins(s->stride); /* which leave the zeros out */
    const size_t wide = (s->width - 1) * s->stride + s->kernel_w - (near ? 2 : 0);
    const ptrdiff_t n = (ptrdiff_t)s->channels, step = (ptrdiff_t)s->stride * n, line = (ptrdiff_t)wide * n;
    const cnn_taps taps = {s->height,
                           s->width,
                           s->kernel_h,
                           s->kernel_w,
                           (ptrdiff_t)s->stride * line,
                           step,
                           (ptrdiff_t)s->width * n,
                           n,
                           line,
                           n,
                           (ptrdiff_t)s->kernel_w * n,
                           n,
                           near,
                           near,
                           near,
                           near};
    const double outputs = (double)(s->height * s->width * s->channels);
    const double flop =
        2 * (near ? (double)((3 * s->height - 2) * (3 * s->width - 2) * s->channels) : outputs * (double)(s->kernel_h * s->kernel_w));
    const double read = (double)(wide * ((s->height - 1) * s->stride + s->kernel_h - (near ? 2 : 0)) * s->channels);
    TIME(forward, t->depthwise_forward(&taps, s->channels, x, b, start, other, 0), budget);
    T_(fill)(other, s->height * s->width * s->channels);
    TIME(outer, t->depthwise_outer(&taps, s->channels, x, other, (real *)arena_want.base), budget);
    memset(arena_want.base, 0, ARENA);
    printf("  depthwise %zux%zu/%zu %4zu, %zux%-3zu forward %8.2f us %6.1f %%, ", s->kernel_h, s->kernel_w, s->stride, s->channels,
           s->height, s->width, SHARE(forward));
    double part = share_of_memory(&l, read * sizeof(real), outputs * sizeof(real), 0, forward, &level);
    printf("%5.1f %% of %s   outer %8.2f us %6.1f %%, ", part, level, SHARE(outer));
    part = share_of_memory(&l, (read + outputs) * sizeof(real), 0, 0, outer, &level);
    printf("%5.1f %% of %s", part, level);
    if (near && s->stride == 2 && t->depthwise_scatter) {
      TIME(scatter, t->depthwise_scatter(&taps, 0, s->height, s->channels, other, b, NULL, x, 0), budget);
      T_(fill)(x, all);
      part = share_of_memory(&l, outputs * sizeof(real), read * sizeof(real), 0, scatter, &level);
      printf("   scatter %8.2f us %6.1f %%, %5.1f %% of %s", SHARE(scatter), part, level);
    }
    printf("\n");
  }
#undef SHARE
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    const size_t rows = sizes[i][0], columns = sizes[i][1];
    TIME(forward, t->transpose(rows, columns, x, columns, y, rows), budget);
    const double bytes = (double)(rows * columns * sizeof(real)), part = share_of_memory(&l, bytes, bytes, 0, forward, &level);
    printf("  transpose %4zu x %4zu  %8.2f us %6.3f ns an element %5.1f %% of %s\n", rows, columns, forward * 1e6,
           forward * 1e9 / (double)(rows * columns), part, level);
  }
}
#undef TABLE
