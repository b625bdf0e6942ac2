/* depthwise_*, windows of 3 x 3 pixels, neighbouring ones as far apart as their pixels: in strips of some columns. At the
   image's border the outermost taps of a window may lie outside: they are left out.

     where a vector is a line of a cache   vectors go outermost, and a strip top down. A row of pixels meets three rows of outputs, of which one
                                           begins and one ends; all three stay in registers (outer: their gradients). So a strip loads a line
                                           once, however few of them the first cache would keep. Its lines are no run that the machine would
                                           see, so those of the next vector are asked for meanwhile
     elsewhere                             vectors share a line, so they go innermost; a tile is two rows of a strip, which share their pixels */
#define STRIP FN(depthwise_strip)
#define SLIDES FN(depthwise_slides)
#define HIGH FN(depthwise_high)
#define ROWS_OF_RUN FN(depthwise_rows_of_run)
enum {
  SLIDES = MASKED,
  STRIP = SLIDES ? 7 : 4,
  HIGH = SLIDES || VL == 1 ? 1 : 2, /* rows of a tile */
  ROWS_OF_RUN = 16, /* a run's sums are loaded and stored once */
};

#if defined(__GNUC__) || defined(__clang__)
#define AHEAD(p, writes) __builtin_prefetch(p, writes, 2)
#else
#define AHEAD(p, writes) ((void)0)
#endif
#define EACH_OUTPUT _Pragma("GCC unroll 7") for (int k = 0; k < mr; k++)
/* The pixel at `at`, which goes on. */
#define PIXEL(v) \
  vreal v = LOAD(at); \
  HOLD(v); \
  at += step
/* The same, and the one of the next vector is asked for. */
#define NEXT_PIXEL(v) \
  AHEAD(at + ahead, 0); \
  PIXEL(v)
/* s[k], k < mr, of outputs `to` apart */
#define BEGIN(s, at, to) \
  do { \
    const real *old_ = y + (at) + j; \
    const vreal begin_ = !accumulate && start ? LOAD(start + j) : v_zero(); \
    EACH_OUTPUT (s)[k] = begin_; \
    if (accumulate) EACH_OUTPUT { (s)[k] = LOAD(old_); old_ += (to); } \
  } while (0)

#include "kernels/depthwise_halving_tmpl.h"
#if LINES
#include "kernels/depthwise_doubling_tmpl.h"
#endif
#define EACH_COLUMN _Pragma("GCC unroll 9") for (int c = 0; c < mr + 2; c++) if ((c || !left) && (c < mr + 1 || !right))
#define EACH_THAT_SEES EACH_OUTPUT if (c >= k && c < k + 3) /* column c */

V_INLINE void FN(depthwise_slide)(const int mr, const cnn_taps *g, size_t channels, const real *x, const real *b, const real *start,
                                  real *y, int accumulate) {
  enum { masked = 1 };
  const ptrdiff_t step = g->x_column, to = g->y_column, below = g->x_row, below_to = g->y_row;
  const size_t rows = g->rows, top = (size_t)g->top, end = rows + 2 - (size_t)g->bottom;
  const int left = g->left, right = g->right;
  for (size_t j = 0, lanes; j < channels; j += VL) {
    lanes = channels - j < VL ? channels - j : VL;
    const int last = j + VL >= channels;
    const ptrdiff_t ahead = last ? mr * step - (ptrdiff_t)j : VL, ahead_to = last ? mr * to - (ptrdiff_t)j : VL;
    vreal w[3][3], s[3][7]; /* s: by the row of taps that is next */
    NEXT(u, 3) NEXT(t, 3) {
      w[u][t] = LOAD(b + u * g->weight_row + t * g->weight_column + j);
      HOLD(w[u][t]);
    }
    EACH_OUTPUT s[0][k] = s[1][k] = s[2][k] = v_zero();
    if (top) BEGIN(s[1], 0, to);
    const real *p = x + j;
    real *q = y + j;
    for (size_t i = top; i < end; i++, p += below) { /* rows of windows: row u of the taps of output i - u */
      if (i < rows) BEGIN(s[0], (ptrdiff_t)i * below_to, to);
      if (i >= 2 && i < rows) {
        const real *at = p;
        EACH_COLUMN {
          NEXT_PIXEL(v);
          EACH_THAT_SEES NEXT(u, 3) s[u][k] = v_fma(v, w[u][c - k], s[u][k]);
        }
      } else {
        NEXT(u, 3) if (i >= (size_t)u && i - (size_t)u < rows) {
          const real *at = p;
          EACH_COLUMN {
            NEXT_PIXEL(v);
            EACH_THAT_SEES s[u][k] = v_fma(v, w[u][c - k], s[u][k]);
          }
        }
      }
      if (i >= 2) {
        real *q_at = q;
        EACH_OUTPUT {
          AHEAD(q_at + ahead_to, 1);
          STORE(q_at, s[2][k]);
          q_at += to;
        }
        q += below_to;
      }
      EACH_OUTPUT s[2][k] = s[1][k], s[1][k] = s[0][k];
    }
    if (g->bottom) {
      EACH_OUTPUT { STORE(q + k * to, s[2][k]); }
    }
  }
}
V_INLINE void FN(depthwise_slide_sums)(const int mr, const cnn_taps *g, size_t channels, const real *x, const real *dy, real *dw) {
  enum { masked = 1 };
  const ptrdiff_t step = g->x_column, from = g->y_column, below = g->x_row, below_from = g->y_row;
  const size_t rows = g->rows, top = (size_t)g->top, end = rows + 2 - (size_t)g->bottom;
  const int left = g->left, right = g->right;
  for (size_t j = 0, lanes; j < channels; j += VL) {
    lanes = channels - j < VL ? channels - j : VL;
    const int last = j + VL >= channels;
    const ptrdiff_t ahead = last ? mr * step - (ptrdiff_t)j : VL, ahead_from = last ? mr * from - (ptrdiff_t)j : VL;
    vreal s[3][3], d[3][7]; /* d: by the row of taps that is next */
    NEXT(u, 3) NEXT(t, 3) s[u][t] = LOAD(dw + u * g->weight_row + t * g->weight_column + j);
    const real *p = x + j, *q = dy + j;
    EACH_OUTPUT d[0][k] = d[1][k] = d[2][k] = v_zero();
    if (top) {
      EACH_OUTPUT d[1][k] = LOAD(q + k * from);
      q += below_from;
    }
    for (size_t i = top; i < end; i++, p += below) {
      if (i < rows) {
        const real *q_at = q;
        EACH_OUTPUT {
          AHEAD(q_at + ahead_from, 0);
          d[0][k] = LOAD(q_at);
          HOLD(d[0][k]);
          q_at += from;
        }
        q += below_from;
      }
      if (i >= 2 && i < rows) {
        const real *at = p;
        EACH_COLUMN {
          NEXT_PIXEL(v);
          EACH_THAT_SEES NEXT(u, 3) s[u][c - k] = v_fma(v, d[u][k], s[u][c - k]);
        }
      } else {
        NEXT(u, 3) if (i >= (size_t)u && i - (size_t)u < rows) {
          const real *at = p;
          EACH_COLUMN {
            NEXT_PIXEL(v);
            EACH_THAT_SEES s[u][c - k] = v_fma(v, d[u][k], s[u][c - k]);
          }
        }
      }
      EACH_OUTPUT d[2][k] = d[1][k], d[1][k] = d[0][k];
    }
    NEXT(u, 3) NEXT(t, 3) { STORE(dw + u * g->weight_row + t * g->weight_column + j, s[u][t]); }
  }
}

/* One or two rows of a strip. */
V_INLINE void FN(depthwise_pair)(const int high, const int mr, const int masked, const cnn_taps *g, size_t channels, const real *x,
                                 const real *b, const real *start, real *y, int accumulate) {
  const ptrdiff_t step = g->x_column, to = g->y_column;
  const int left = g->left, right = g->right;
  EACH_VECTOR(j) {
    vreal s[2][4], w[2][3]; /* of the upper output's row of taps, and of the one above it, the lower one's */
    NEXT(r, high) BEGIN(s[r], r * g->y_row, to);
    const real *p = x + j;
    NEXT(i, high + 2) {
      NEXT(t, 3) {
        w[1][t] = w[0][t];
        if (i < 3) {
          w[0][t] = LOAD(b + i * g->weight_row + t * g->weight_column + j);
          HOLD(w[0][t]);
        }
      }
      if ((i || !g->top) && (i < high + 1 || !g->bottom)) {
        const real *at = p;
        EACH_COLUMN {
          vreal v = LOAD(at);
          HOLD(v);
          at += step;
          NEXT(r, high) EACH_OUTPUT if (i >= r && i < r + 3 && c >= k && c < k + 3) s[r][k] = v_fma(v, w[r][c - k], s[r][k]);
        }
        p += g->x_row;
      }
    }
    NEXT(r, high) EACH_OUTPUT { STORE(y + r * g->y_row + k * to + j, s[r][k]); }
  }
}
V_INLINE void FN(depthwise_pair_sums)(const int mr, const int masked, const cnn_taps *g, size_t channels, const real *x, const real *dy,
                                      real *dw) {
  const ptrdiff_t step = g->x_column, from = g->y_column;
  const size_t rows = g->rows;
  const int left = g->left, right = g->right;
  EACH_VECTOR(j) {
    vreal s[3][3];
    NEXT(u, 3) NEXT(t, 3) s[u][t] = LOAD(dw + u * g->weight_row + t * g->weight_column + j);
    const real *p = x + j, *q = dy + j;
    for (size_t r = 0; r < rows; r++, q += g->y_row) {
      const ptrdiff_t first = left ? step : 0;
      const real *at = p;
      vreal d[4];
      EACH_OUTPUT {
        d[k] = LOAD(q + k * from);
        HOLD(d[k]);
      }
      NEXT(u, 3) if ((u || r || !g->top) && (u < 2 || r + 1 < rows || !g->bottom)) {
        EACH_COLUMN {
          vreal v = LOAD(at + c * step - first);
          HOLD(v);
          EACH_THAT_SEES s[u][c - k] = v_fma(v, d[k], s[u][c - k]);
        }
        at += g->x_row;
      }
      if (r || !g->top) p += g->x_row;
    }
    NEXT(u, 3) NEXT(t, 3) { STORE(dw + u * g->weight_row + t * g->weight_column + j, s[u][t]); }
  }
}

/* The same sums, of the lanes behind the last whole vector: in the same order, no more than one loop. */
static void FN(depthwise_some_sums)(const cnn_taps *g, size_t channels, const real *x, const real *dy, real *dw) {
  enum { masked = 1 };
  const size_t j = channels / VL * VL, lanes = channels - j, columns = g->columns;
  vreal s[3][3];
  NEXT(u, 3) NEXT(t, 3) s[u][t] = LOAD(dw + u * g->weight_row + t * g->weight_column + j);
  for (size_t r = 0; r < g->rows; r++)
    for (size_t k = 0; k < columns; k++) {
      const vreal d = LOAD(dy + (ptrdiff_t)r * g->y_row + (ptrdiff_t)k * g->y_column + j);
      NEXT(u, 3) if ((u || r || !g->top) && (u < 2 || r + 1 < g->rows || !g->bottom)) {
        const real *at = x + ((ptrdiff_t)r + u - g->top) * g->x_row + ((ptrdiff_t)k - g->left) * g->x_column + j;
        NEXT(t, 3)
        if ((t || k || !g->left) && (t < 2 || k + 1 < columns || !g->right)) s[u][t] = v_fma(LOAD(at + t * g->x_column), d, s[u][t]);
      }
    }
  NEXT(u, 3) NEXT(t, 3) { STORE(dw + u * g->weight_row + t * g->weight_column + j, s[u][t]); }
}

typedef void FN(depthwise_strip_of)(const cnn_taps *g, size_t channels, const real *x, const real *b, const real *start, real *y,
                                    int accumulate);
typedef void FN(depthwise_strip_sums)(const cnn_taps *g, size_t channels, const real *x, const real *dy, real *dw);
#define STRIP_OF(name, kind, ...) \
  static void FN(depthwise_##name)(const cnn_taps *g, size_t channels, const real *x, const real *b, const real *start, real *y, \
                                   int accumulate) { \
    FN(depthwise_##kind)(__VA_ARGS__, g, channels, x, b, start, y, accumulate); \
  }
#define STRIP_SUMS(name, kind, ...) \
  static void FN(depthwise_##name)(const cnn_taps *g, size_t channels, const real *x, const real *dy, real *dw) { \
    FN(depthwise_##kind)(__VA_ARGS__, g, channels, x, dy, dw); \
  }
#define SLIDE(mr) \
  STRIP_OF(slide_##mr, slide, mr) STRIP_SUMS(slide_sums_##mr, slide_sums, mr) \
  STRIP_OF(halve_##mr, halve, mr) STRIP_SUMS(halve_sums_##mr, halve_sums, mr)
#define PAIR(mr) STRIP_OF(one_##mr, pair, 1, mr, 0) STRIP_OF(two_##mr, pair, 2, mr, 0) STRIP_SUMS(pair_sums_##mr, pair_sums, mr, 0)
#define EACH_SLIDE(T) T(1) T(2) T(4) T(7)
#define EACH_PAIR(T) T(1) T(2) T(3) T(4)
EACH_SLIDE(SLIDE)
EACH_PAIR(PAIR)
STRIP_OF(one_of_some_1, pair, 1, 1, 1)
STRIP_OF(one_of_some_4, pair, 1, 4, 1)
#undef STRIP_OF
#undef STRIP_SUMS
#undef SLIDE
#undef PAIR
#define PICK_SLIDE(mr) \
  [0][mr - 1] = SLIDES ? FN(depthwise_slide_##mr) : NULL, [4][mr - 1] = SLIDES ? FN(depthwise_halve_##mr) : NULL,
#define PICK_PAIR(mr) \
  [1][mr - 1] = SLIDES ? NULL : FN(depthwise_one_##mr), [2][mr - 1] = HIGH == 2 ? FN(depthwise_two_##mr) : NULL,
/* By kind: a strip top down; one row, or two; one row of some lanes; a strip whose outputs are two pixels apart. */
static FN(depthwise_strip_of) *const
    FN(depthwise_strips)[5][7] = {EACH_SLIDE(PICK_SLIDE) EACH_PAIR(PICK_PAIR)[3] = {SOME ? FN(depthwise_one_of_some_1) : NULL,
                                                                                    [3] = SOME ? FN(depthwise_one_of_some_4) : NULL}};
#undef PICK_SLIDE
#undef PICK_PAIR
#define PICK_SLIDE(mr) \
  [0][mr - 1] = SLIDES ? FN(depthwise_slide_sums_##mr) : NULL, [2][mr - 1] = SLIDES ? FN(depthwise_halve_sums_##mr) : NULL,
#define PICK_PAIR(mr) [1][mr - 1] = SLIDES ? NULL : FN(depthwise_pair_sums_##mr),
static FN(depthwise_strip_sums) *const FN(depthwise_strip_summers)[3][7] = {EACH_SLIDE(PICK_SLIDE) EACH_PAIR(PICK_PAIR)};
#undef PICK_SLIDE
#undef PICK_PAIR

/* The next strip of the columns that are left. */
V_INLINE size_t FN(depthwise_next_strip)(size_t left, const int some) {
  if (left >= STRIP) return STRIP;
  return left >= 4 ? 4 : some ? 1 : left == 3 && !SLIDES ? 3 : left >= 2 ? 2 : 1;
}
/* Rows r .. r + high - 1, or up to the last, of the strip that begins at column c. Returns where they begin in x. */
V_INLINE ptrdiff_t FN(depthwise_part)(const cnn_taps *g, size_t r, size_t high, size_t c, const int some, cnn_taps *part) {
  part->rows = g->rows - r < high ? g->rows - r : high, part->columns = FN(depthwise_next_strip)(g->columns - c, some);
  part->top = g->top && r == 0, part->bottom = g->bottom && r + part->rows == g->rows;
  part->left = g->left && c == 0, part->right = g->right && c + part->columns == g->columns;
  return (ptrdiff_t)r * g->x_row - (r && g->top ? g->tap_row : 0) + (ptrdiff_t)c * g->x_column - (c && g->left ? g->tap_column : 0);
}
V_INLINE void FN(depthwise_by_strips)(size_t high, const int some, const cnn_taps *g, size_t channels, const real *x, const real *b,
                                      const real *start, real *y, int accumulate) {
  cnn_taps part = *g;
  for (size_t r = 0; r < g->rows; r += part.rows)
    for (size_t c = 0; c < g->columns; c += part.columns) {
      const real *p = x + FN(depthwise_part)(g, r, high, c, some, &part);
      const size_t kind = some ? 3 : !SLIDES ? part.rows : NEAR(g) ? 0 : 4;
      real *q = y + (ptrdiff_t)r * g->y_row + (ptrdiff_t)c * g->y_column;
      FN(depthwise_strips)[kind][part.columns - 1](&part, channels, p, b, start, q, accumulate);
    }
}
static void FN(depthwise_near)(const cnn_taps *g, size_t channels, const real *x, const real *b, const real *start, real *y,
                               int accumulate) {
  FN(depthwise_by_strips)(SLIDES ? g->rows : HIGH, 0, g, channels, x, b, start, y, accumulate);
  if (SOME && channels % VL) FN(depthwise_by_strips)(1, 1, g, channels, x, b, start, y, accumulate);
}
static void FN(depthwise_near_outer)(const cnn_taps *g, size_t channels, const real *x, const real *dy, real *dw) {
  cnn_taps part = *g;
  for (size_t c = 0; c < g->columns; c += part.columns)
    for (size_t r = 0; r < g->rows; r += part.rows) {
      const real *p = x + FN(depthwise_part)(g, r, SLIDES ? g->rows : ROWS_OF_RUN, c, 0, &part);
      const real *q = dy + (ptrdiff_t)r * g->y_row + (ptrdiff_t)c * g->y_column;
      FN(depthwise_strip_summers)[!SLIDES ? 1 : NEAR(g) ? 0 : 2][part.columns - 1](&part, channels, p, q, dw);
      if (SOME && channels % VL) FN(depthwise_some_sums)(&part, channels, p, q, dw);
    }
}
#undef EACH_SLIDE
#undef EACH_PAIR
#undef AHEAD
#undef BEGIN
#undef PIXEL
#undef NEXT_PIXEL
#undef EACH_THAT_SEES
#undef EACH_OUTPUT
#undef EACH_COLUMN
#undef STRIP
#undef SLIDES
#undef HIGH
#undef ROWS_OF_RUN
