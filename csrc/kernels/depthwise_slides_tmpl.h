/* depthwise_near_tmpl.h, where a vector is a line of a cache: vectors go outermost, and a strip top down. A row of pixels meets three rows of
   outputs, of which one begins and one ends; all three stay in registers (outer: their gradients). So a strip loads a line once, however few of
   them the first cache would keep. Its lines are no run that the machine would see, so those of the next vector are asked for meanwhile. */
#if defined(__GNUC__) || defined(__clang__)
#define AHEAD(p, writes) __builtin_prefetch(p, writes, 2)
#else
#define AHEAD(p, writes) ((void)0)
#endif
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
#include "kernels/depthwise_doubling_tmpl.h"
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

typedef void FN(depthwise_strip_of)(const cnn_taps *g, size_t channels, const real *x, const real *b, const real *start, real *y,
                                    int accumulate);
typedef void FN(depthwise_strip_sums)(const cnn_taps *g, size_t channels, const real *x, const real *dy, real *dw);
#define SLIDE(mr, kind) \
  static void FN(depthwise_##kind##_##mr)(const cnn_taps *g, size_t channels, const real *x, const real *b, const real *start, real *y, \
                                          int accumulate) { \
    FN(depthwise_##kind)(mr, g, channels, x, b, start, y, accumulate); \
  } \
  static void FN(depthwise_##kind##_sums_##mr)(const cnn_taps *g, size_t channels, const real *x, const real *dy, real *dw) { \
    FN(depthwise_##kind##_sums)(mr, g, channels, x, dy, dw); \
  }
#define EACH_STRIP(T, kind) T(1, kind) T(2, kind) T(4, kind) T(7, kind)
EACH_STRIP(SLIDE, slide)
EACH_STRIP(SLIDE, halve)
#undef SLIDE
/* Of outputs one pixel apart, and two. */
#define PICK(mr, kind) [mr - 1] = FN(depthwise_##kind##_##mr),
static FN(depthwise_strip_of) *const FN(depthwise_strips)[2][7] = {{EACH_STRIP(PICK, slide)}, {EACH_STRIP(PICK, halve)}};
#undef PICK
#define PICK(mr, kind) [mr - 1] = FN(depthwise_##kind##_sums_##mr),
static FN(depthwise_strip_sums) *const FN(depthwise_strip_summers)[2][7] = {{EACH_STRIP(PICK, slide)}, {EACH_STRIP(PICK, halve)}};
#undef PICK
#undef EACH_STRIP

static void FN(depthwise_near)(const cnn_taps *g, size_t channels, const real *x, const real *b, const real *start, real *y,
                               int accumulate) {
#ifdef HALF
  if (NEAR(g) && g->x_column * (ptrdiff_t)sizeof(real) % 4096 == 0) { /* a strip's lines share one set: better some neighbours at once */
    NARROWER.depthwise_forward(g, channels, x, b, start, y, accumulate);
    return;
  }
#endif
  cnn_taps part;
  for (size_t c = 0; c < g->columns; c += part.columns) {
    const ptrdiff_t at = FN(depthwise_strip)(g, c, FN(depthwise_next_strip)(g->columns - c), &part);
    FN(depthwise_strips)[!NEAR(g)][part.columns - 1](&part, channels, x + at, b, start, y + (ptrdiff_t)c * g->y_column, accumulate);
  }
}
static void FN(depthwise_near_outer)(const cnn_taps *g, size_t channels, const real *x, const real *dy, real *dw) {
  cnn_taps part;
  for (size_t c = 0; c < g->columns; c += part.columns) {
    const ptrdiff_t at = FN(depthwise_strip)(g, c, FN(depthwise_next_strip)(g->columns - c), &part);
    FN(depthwise_strip_summers)[!NEAR(g)][part.columns - 1](&part, channels, x + at, dy + (ptrdiff_t)c * g->y_column, dw);
  }
}
#undef AHEAD
#undef BEGIN
#undef PIXEL
#undef NEXT_PIXEL
#undef EACH_THAT_SEES
#undef EACH_COLUMN
