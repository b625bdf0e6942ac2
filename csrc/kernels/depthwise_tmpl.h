/* depthwise_*: convolutions with a filter for each channel; lanes along the channels.

     forward  a tile is some neighbouring outputs, whose chains are kept in registers, by a vector of channels. Vectors go innermost, so that
              the pixels that a tile sees are read, and those that it makes written, in runs of all their channels
     outer    a tile is some taps, whose sums are kept in registers, by a vector of channels. It goes along the pixels of a row, or of a few

   Five neighbouring taps, the windows of neighbouring outputs a pixel apart: each number is loaded once, not at each tap.
   Tiles come in sizes with holes, for each is a kilobyte of code: a chain is the same in any of them. */
#define TAPS FN(depthwise_taps)
#define OUTPUTS FN(depthwise_outputs)
#define MASKED FN(depthwise_masked)
#define SOME FN(depthwise_some)
#define FIVES FN(depthwise_fives)
#define RUN FN(depthwise_run)

enum {
  MASKED = VL * sizeof(real) == 64,       /* a vector is a line of a cache; a load or store of some lanes costs no more than of all */
#ifdef REMNANT
  SOME = 0, /* what is left behind the last whole vector is done by an instruction set that rounds alike */
#else
  SOME = VL > 1 && !MASKED, /* small tiles of their own for it */
#endif
  TAPS = VL * sizeof(real) >= 32 ? 9 : 3,
  OUTPUTS = VL > 1 ? 8 : 4,
  FIVES = VL * sizeof(real) >= 32,
  RUN = 64, /* pixels of a tile of taps: its sums are loaded and stored once for them */
};

/* GCC would load it again at every use */
#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define HOLD(v) __asm__("" : "+v"(v))
#elif defined(__aarch64__) && (defined(__GNUC__) || defined(__clang__))
#define HOLD(v) __asm__("" : "+w"(v))
#else
#define HOLD(v) ((void)0)
#endif
#define LOAD(p) (masked ? v_load_n(p, lanes) : v_load(p))
#define STORE(p, v) \
  if (masked) v_store_n(p, v, lanes); \
  else v_store(p, v)
#define EACH_VECTOR(j) \
  for (size_t j = MASKED || !masked ? 0 : channels / VL * VL, end = masked ? channels : channels / VL * VL, lanes = VL; \
       j < end && (lanes = end - j < VL ? end - j : VL, 1); j += VL)
#ifdef REMNANT
extern const cnn_kernels CNN_PASTE2(cnn_kernels, REMNANT);
#define WHOLE (channels / VL * VL)
#endif
/* The next tile of what is left: 7 where it comes out even, as 14 and 28 do, else 8, 4, 2 or 1. */
V_INLINE size_t FN(depthwise_next)(size_t left) {
  if (OUTPUTS == 8 && left >= 7) return left % 7 ? 8 : 7;
  return left >= 4 ? 4 : left >= 2 ? 2 : 1;
}
#define NEXT(t, n) _Pragma("GCC unroll 5") for (int t = 0; t < (n); t++)

/* 3 x 3 taps, outputs `n` of them apart */
#define APART(g, n) ((g)->height == 3 && (g)->width == 3 && (g)->x_row == n * (g)->tap_row && (g)->x_column == n * (g)->tap_column)
#define NEAR(g) APART(g, 1)
#define JOINED(g) (NEAR(g) || (MASKED && APART(g, 2)))

#include "kernels/depthwise_near_tmpl.h"

#define EACH_OUTPUT _Pragma("GCC unroll 8") for (int i = 0; i < mr; i++)
#define EACH_TAP _Pragma("GCC unroll 9") for (int i = 0; i < mr; i++)

typedef void FN(depthwise_tile)(const cnn_taps *g, size_t channels, const real *x, const real *b, const real *start, real *y,
                                int accumulate);

V_INLINE void FN(depthwise_outputs_of)(const int mr, const int masked, const int near, const cnn_taps *g, size_t channels, const real *x,
                                       const real *b, const real *start, real *y, int accumulate) {
  const ptrdiff_t step = g->x_column, to = g->y_column, tap = g->tap_column, weight = g->weight_column, below = g->tap_row,
                  weight_below = g->weight_row;
  const size_t height = g->height, width = g->width;
  EACH_VECTOR(j) {
    vreal s[8];
    EACH_OUTPUT s[i] = accumulate ? LOAD(y + i * to + j) : start ? LOAD(start + j) : v_zero();
    const real *p = x + j, *w = b + j;
    for (size_t u = 0; u < height; u++, p += below, w += weight_below) {
      if (near) {
        vreal v[5];
        NEXT(t, near) {
          v[t] = LOAD(w + t * weight);
          HOLD(v[t]);
        }
        _Pragma("GCC unroll 12") for (int c = 0; c < mr + near - 1; c++) {
          vreal at = LOAD(p + c * step);
          HOLD(at);
          EACH_OUTPUT if (c >= i && c < i + near) s[i] = v_fma(at, v[c - i], s[i]);
        }
      } else {
        const real *q = p, *r = w;
        for (size_t t = 0; t < width; t++, q += tap, r += weight) {
          STAY_SCALAR;
          vreal v = LOAD(r);
          HOLD(v);
          EACH_OUTPUT s[i] = v_fma(LOAD(q + i * step), v, s[i]);
        }
      }
    }
    EACH_OUTPUT { STORE(y + i * to + j, s[i]); }
  }
}

#define TILE(mr, name, masked, near) \
  static void FN(depthwise_##name##_##mr)(const cnn_taps *g, size_t channels, const real *x, const real *b, const real *start, real *y, \
                                          int accumulate) { \
    FN(depthwise_outputs_of)(mr, masked, near, g, channels, x, b, start, y, accumulate); \
  }
#define TILES(T) T(1) T(2) T(4) T(7) T(8)
#define ALL(mr) TILE(mr, any, MASKED, 0) TILE(mr, five, MASKED, 5)
TILES(ALL)
TILE(1, some, 1, 0)
TILE(2, some, 1, 0)
#undef ALL
#undef TILE
#define PICK(mr) [0][mr - 1] = mr <= OUTPUTS ? FN(depthwise_any_##mr) : NULL, [1][mr - 1] = FIVES ? FN(depthwise_five_##mr) : NULL,
static FN(depthwise_tile) *const
    FN(depthwise_tiles)[3][8] = {TILES(PICK)[2] = {SOME ? FN(depthwise_some_1) : NULL, SOME ? FN(depthwise_some_2) : NULL}};
#undef PICK
#undef TILES

static void FN(depthwise_forward)(const cnn_taps *g, size_t channels, const real *x, const real *b, const real *start, real *y,
                                  int accumulate) {
  cnn_taps turned;
#ifdef REMNANT
  if (channels % VL)
    CNN_PASTE2(cnn_kernels, REMNANT)
        .DTYPE.depthwise_forward(g, channels - WHOLE, x + WHOLE, b + WHOLE, start ? start + WHOLE : NULL, y + WHOLE, accumulate);
#endif
  if (JOINED(g)) {
    FN(depthwise_near)(g, channels, x, b, start, y, accumulate);
    return;
  }
  if (g->columns == 1) { /* a column is a row, too */
    turned = *g;
    turned.rows = 1, turned.columns = g->rows, turned.x_column = g->x_row, turned.y_column = g->y_row;
    g = &turned;
  }
  const int five = FIVES && g->tap_column == g->x_column && g->width == 5;
  for (size_t r = 0; r < g->rows; r++) {
    const real *p = x + (ptrdiff_t)r * g->x_row;
    real *q = y + (ptrdiff_t)r * g->y_row;
    for (size_t c = 0, mr; c < g->columns; c += mr) {
      mr = FN(depthwise_next)(g->columns - c);
      FN(depthwise_tiles)[five][mr - 1](g, channels, p + (ptrdiff_t)c * g->x_column, b, start, q + (ptrdiff_t)c * g->y_column, accumulate);
    }
    for (size_t c = 0, mr; SOME && channels % VL && c < g->columns; c += mr) {
      mr = g->columns - c >= 2 ? 2 : 1;
      FN(depthwise_tiles)[2][mr - 1](g, channels, p + (ptrdiff_t)c * g->x_column, b, start, q + (ptrdiff_t)c * g->y_column, accumulate);
    }
  }
}

/* ---- outer: taps first .. first + mr - 1, counted row by row */
V_INLINE void FN(depthwise_sums_of)(const int mr, const int masked, const cnn_taps *g, size_t rows, size_t first, size_t channels,
                                    const real *x, const real *dy, real *dw) {
  const ptrdiff_t step = g->x_column, from = g->y_column;
  const size_t columns = g->columns;
  ptrdiff_t at[9], to[9];
  EACH_TAP {
    const ptrdiff_t u = (ptrdiff_t)((first + (size_t)i) / g->width), t = (ptrdiff_t)((first + (size_t)i) % g->width);
    at[i] = u * g->tap_row + t * g->tap_column, to[i] = u * g->weight_row + t * g->weight_column;
  }
  EACH_VECTOR(j) {
    const real *p[9];
    vreal s[9];
    EACH_TAP s[i] = LOAD(dw + to[i] + j);
    for (size_t r = 0; r < rows; r++) {
      const real *q = dy + (ptrdiff_t)r * g->y_row + j;
      EACH_TAP p[i] = x + (ptrdiff_t)r * g->x_row + at[i] + j;
      ptrdiff_t here = 0;
      for (size_t c = 0; c < columns; c++, q += from, here += step) {
        STAY_SCALAR;
        vreal v = LOAD(q);
        HOLD(v);
        EACH_TAP s[i] = v_fma(LOAD(p[i] + here), v, s[i]);
      }
    }
    EACH_TAP { STORE(dw + to[i] + j, s[i]); }
  }
}
/* five neighbouring taps of row `first` */
static void FN(depthwise_sums_5)(const cnn_taps *g, size_t rows, size_t first, size_t channels, const real *x, const real *dy, real *dw) {
  enum { masked = MASKED };
  const ptrdiff_t step = g->x_column, from = g->y_column, weight = g->weight_column;
  const size_t columns = g->columns;
  x += (ptrdiff_t)first * g->tap_row, dw += (ptrdiff_t)first * g->weight_row;
  EACH_VECTOR(j) {
    vreal s[5], before[4]; /* what the taps to the left have seen is still there */
    NEXT(t, 5) s[t] = LOAD(dw + t * weight + j);
    for (size_t r = 0; r < rows; r++) {
      const real *p = x + (ptrdiff_t)r * g->x_row + j, *q = dy + (ptrdiff_t)r * g->y_row + j;
      NEXT(t, 4) before[t] = LOAD(p + t * step);
      p += 4 * step;
      for (size_t c = 0; c < columns; c++, p += step, q += from) {
        vreal v = LOAD(q), at = LOAD(p);
        HOLD(v);
        HOLD(at);
        NEXT(t, 4) s[t] = v_fma(before[t], v, s[t]);
        s[4] = v_fma(at, v, s[4]);
        NEXT(t, 3) before[t] = before[t + 1];
        before[3] = at;
      }
    }
    NEXT(t, 5) { STORE(dw + t * weight + j, s[t]); }
  }
}
typedef void FN(depthwise_summer)(const cnn_taps *g, size_t rows, size_t first, size_t channels, const real *x, const real *dy, real *dw);
#define TILE(mr, name, masked) \
  static void FN(depthwise_##name##_##mr)(const cnn_taps *g, size_t rows, size_t first, size_t channels, const real *x, const real *dy, \
                                          real *dw) { \
    FN(depthwise_sums_of)(mr, masked, g, rows, first, channels, x, dy, dw); \
  }
TILE(1, sums_of_any, MASKED)
TILE(3, sums_of_any, MASKED)
TILE(8, sums_of_any, MASKED)
TILE(9, sums_of_any, MASKED)
TILE(1, sums_of_some, 1)
#undef TILE
static FN(depthwise_summer) *const FN(depthwise_summers)[9] = {
    [0] = FN(depthwise_sums_of_any_1),
    [2] = FN(depthwise_sums_of_any_3),
    [7] = TAPS == 9 ? FN(depthwise_sums_of_any_8) : NULL,
    [8] = TAPS == 9 ? FN(depthwise_sums_of_any_9) : NULL,
};
/* The next of the taps that are left: 9 9 8 8 8 8 ... where it comes out even. */
V_INLINE size_t FN(depthwise_next_taps)(size_t left) {
  if (TAPS == 9 && left >= 8) return left % 8 ? 9 : 8;
  return left >= 3 ? 3 : 1;
}

static void FN(depthwise_outer)(const cnn_taps *g, size_t channels, const real *x, const real *dy, real *dw) {
  const size_t taps = g->height * g->width, most = g->columns && g->columns < RUN ? RUN / g->columns : 1;
  const int fives = MASKED && g->width == 5 && g->tap_column == g->x_column;
#ifdef REMNANT
  if (channels % VL) CNN_PASTE2(cnn_kernels, REMNANT).DTYPE.depthwise_outer(g, channels - WHOLE, x + WHOLE, dy + WHOLE, dw + WHOLE);
#endif
  if (JOINED(g)) {
    FN(depthwise_near_outer)(g, channels, x, dy, dw);
    return;
  }
  for (size_t r = 0, rows; r < g->rows; r += rows) {
    rows = g->rows - r < most ? g->rows - r : most;
    const real *p = x + (ptrdiff_t)r * g->x_row, *q = dy + (ptrdiff_t)r * g->y_row;
    if (fives)
      for (size_t u = 0; u < g->height; u++) FN(depthwise_sums_5)(g, rows, u, channels, p, q, dw);
    else
      for (size_t first = 0, mr; first < taps; first += mr) {
        mr = FN(depthwise_next_taps)(taps - first);
        FN(depthwise_summers)[mr - 1](g, rows, first, channels, p, q, dw);
      }
    for (size_t i = 0; SOME && channels % VL && i < taps; i++) FN(depthwise_sums_of_some_1)(g, rows, i, channels, p, q, dw);
  }
}

static int FN(depthwise_joins)(size_t apart) { return apart == 1 || (MASKED && apart == 2); }

/* Of pixels that are a multiple of 2048 bytes apart, the lines that a row of a strip writes share two sets of the first cache. */
static int FN(depthwise_doubles)(size_t channels) { return MASKED && channels * sizeof(real) % 2048; }

/* Pixels that are a multiple of 1024 bytes apart share a few sets of the first cache. */
static int FN(depthwise_packs)(size_t channels, int joined) { return !joined && channels * sizeof(real) % 1024 == 0; }
#ifdef REMNANT
#undef WHOLE
#endif
#undef HOLD
#undef LOAD
#undef STORE
#undef EACH_VECTOR
#undef EACH_OUTPUT
#undef EACH_TAP
#undef NEXT
#undef APART
#undef NEAR
#undef JOINED
#undef MASKED
#undef SOME
#undef TAPS
#undef OUTPUTS
#undef FIVES
#undef RUN
