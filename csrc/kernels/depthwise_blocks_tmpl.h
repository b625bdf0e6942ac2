/* depthwise_near_tmpl.h, where a line of a cache is several vectors: they go innermost, a row of pixels at a time, for pixels may be so far apart
   that all of a strip share a few sets of the first cache: a line would be gone when a whole strip later its second vector comes. What of the
   outputs a row does not end (outer: the gradients that it meets once more, and the sums) stays in a block of the stack, beside the weights. */
#define BLOCK FN(depthwise_block_size)
#define block_room FN(depthwise_block_room)
#define PITCH FN(depthwise_block_pitch)
enum { BLOCK = 512 / sizeof(real), PITCH = BLOCK + 64 / sizeof(real) }; /* no two a page apart: a load would wait for a store */
typedef struct {
  _Alignas(64) real taps[3][3][PITCH]; /* the weights, or their sums */
  real rows[3][7][PITCH]; /* outputs that have met the first row of taps, two of them, and (of one column, for all) none; or gradients */
} block_room;

#define EACH_OF_BLOCK(j) for (size_t j = 0; j < n; j += VL)
#define EACH_COLUMN _Pragma("GCC unroll 9") for (int c = 0; c < mr + 2; c++)
#define LIES_INSIDE(k, t) (((k) || (t) || !left) && ((k) < mr - 1 || (t) < 2 || !right))
#define PIXELS_OF(row) \
  do { \
    const real *at_ = (row); \
    EACH_COLUMN { \
      v[c] = v_zero(); /* never met, but the compiler does not see it */ \
      if ((c || !left) && (c < mr + 1 || !right)) { \
        v[c] = LOAD(at_); \
        HOLD(v[c]); \
        at_ += step; \
      } \
    } \
  } while (0)
#define MEET_TAPS(u) \
  NEXT(t, 3) { \
    vreal w_ = v_load(room->taps[u][t] + j); \
    HOLD(w_); \
    EACH_OUTPUT if (LIES_INSIDE(k, t)) s[k] = v_fma(v[k + t], w_, s[k]); \
  }

/* n channels of a strip: a block, or (masked) fewer than a vector. */
V_INLINE void FN(depthwise_block)(const int mr, const int masked, const cnn_taps *g, size_t n, const real *x, real *y, int accumulate,
                                  block_room *room) {
  const ptrdiff_t step = g->x_column, to = g->y_column, below_to = g->y_row;
  const size_t rows = g->rows, end = rows + 2 - (size_t)g->bottom, lanes = n;
  const int left = g->left, right = g->right;
  const real *none = room->rows[2][0], *p = x;
  if (g->top) EACH_OF_BLOCK(j) EACH_OUTPUT v_store(room->rows[0][k] + j, accumulate ? LOAD(y + k * to + j) : v_load(none + j));
  for (size_t i = (size_t)g->top; i < end; i++, p += g->x_row) { /* row u of the taps of output i - u */
    real *begins = y + (ptrdiff_t)i * below_to, *ends = y + ((ptrdiff_t)i - 2) * below_to;
    EACH_OF_BLOCK(j) {
      vreal v[7], s[5];
      PIXELS_OF(p + j);
      if (i >= 2) {
        EACH_OUTPUT s[k] = v_load(room->rows[1][k] + j);
        MEET_TAPS(2);
        EACH_OUTPUT { STORE(ends + k * to + j, s[k]); }
      }
      if (i >= 1 && i <= rows) {
        EACH_OUTPUT s[k] = v_load(room->rows[0][k] + j);
        MEET_TAPS(1);
        EACH_OUTPUT v_store(room->rows[1][k] + j, s[k]);
      }
      if (i < rows) {
        EACH_OUTPUT s[k] = accumulate ? LOAD(begins + k * to + j) : v_load(none + j);
        MEET_TAPS(0);
        EACH_OUTPUT v_store(room->rows[0][k] + j, s[k]);
      }
    }
  }
  real *last = y + (ptrdiff_t)(rows - 1) * below_to;
  if (g->bottom) EACH_OF_BLOCK(j) EACH_OUTPUT {
      STORE(last + k * to + j, v_load(room->rows[1][k] + j));
    }
}
V_INLINE void FN(depthwise_block_sums)(const int mr, const cnn_taps *g, size_t n, const real *x, const real *dy, block_room *room) {
  enum { masked = 0 };
  const ptrdiff_t step = g->x_column, from = g->y_column;
  const size_t rows = g->rows, top = (size_t)g->top, end = rows + 2 - (size_t)g->bottom, lanes = VL;
  const int left = g->left, right = g->right;
  const real *p = x;
  if (top) EACH_OF_BLOCK(j) EACH_OUTPUT v_store(room->rows[0][k] + j, v_load(dy + k * from + j));
  for (size_t i = top; i < end; i++, p += g->x_row) {
    const real *q = dy + (ptrdiff_t)i * g->y_row;
    EACH_OF_BLOCK(j) {
      vreal v[9];
      PIXELS_OF(p + j);
      NEXT(u, 3) if (i >= (size_t)u && i - (size_t)u < rows) {
        real *d = room->rows[(i - (size_t)u) % 3][0] + j;
        vreal s[3];
        NEXT(t, 3) s[t] = v_load(room->taps[u][t] + j);
        EACH_OUTPUT {
          vreal d_ = v_load(u ? d + k * PITCH : q + k * from + j);
          HOLD(d_);
          if (!u) v_store(d + k * PITCH, d_);
          NEXT(t, 3) if (LIES_INSIDE(k, t)) s[t] = v_fma(v[k + t], d_, s[t]);
        }
        NEXT(t, 3) v_store(room->taps[u][t] + j, s[t]);
      }
    }
  }
}
/* The same sums, of a whole strip and the lanes behind the last whole vector: in the same order, no more than one loop. */
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

typedef void FN(depthwise_strip_of)(const cnn_taps *g, size_t n, const real *x, real *y, int accumulate, block_room *room);
typedef void FN(depthwise_strip_sums)(const cnn_taps *g, size_t n, const real *x, const real *dy, block_room *room);
#define STRIP(name, mr, masked) \
  static void FN(depthwise_##name##_##mr)(const cnn_taps *g, size_t n, const real *x, real *y, int accumulate, block_room *room) { \
    FN(depthwise_block)(mr, masked, g, n, x, y, accumulate, room); \
  }
#define SUMS(mr) \
  static void FN(depthwise_block_sums_##mr)(const cnn_taps *g, size_t n, const real *x, const real *dy, block_room *room) { \
    FN(depthwise_block_sums)(mr, g, n, x, dy, room); \
  }
#define WHOLE_STRIP(mr) STRIP(block, mr, 0)
#define EACH_STRIP(T) T(1) T(2) T(3) T(4) T(5)
#define EACH_SUMS_STRIP(T) T(1) T(2) T(4) T(7)
EACH_STRIP(WHOLE_STRIP)
EACH_SUMS_STRIP(SUMS)
STRIP(block_of_some, 1, 1)
STRIP(block_of_some, 5, 1)
#undef STRIP
#undef SUMS
#undef WHOLE_STRIP
/* Whole vectors, and some lanes. */
#define PICK(mr) FN(depthwise_block_##mr),
static FN(depthwise_strip_of) *const FN(depthwise_strips)[2][5] = {
    {EACH_STRIP(PICK)}, {SOME ? FN(depthwise_block_of_some_1) : NULL, [4] = SOME ? FN(depthwise_block_of_some_5) : NULL}};
#undef PICK
#define PICK(mr) [mr - 1] = FN(depthwise_block_sums_##mr),
static FN(depthwise_strip_sums) *const FN(depthwise_strip_summers)[7] = {EACH_SUMS_STRIP(PICK)};
#undef PICK
#undef EACH_STRIP
#undef EACH_SUMS_STRIP

static void FN(depthwise_near)(const cnn_taps *g, size_t channels, const real *x, const real *b, const real *start, real *y,
                               int accumulate) {
  const size_t whole = channels / VL * VL, all = SOME ? channels : whole;
  block_room room;
  cnn_taps part;
  for (size_t first = 0, n; first < all; first += n) {
    const int some = first >= whole;
    n = some ? all - whole : whole - first < BLOCK ? whole - first : BLOCK;
    NEXT(u, 3) NEXT(t, 3) memcpy(room.taps[u][t], b + u * g->weight_row + t * g->weight_column + first, n * sizeof(real));
    for (size_t j = 0; j < n; j++) room.rows[2][0][j] = start ? start[first + j] : 0;
    for (size_t c = 0; c < g->columns; c += part.columns) {
      const size_t left = g->columns - c;
      const size_t columns = left >= 10 || left == 5 ? 5 : some ? 1 : left < 5 ? left : (left + 1) / 2;
      const ptrdiff_t at = FN(depthwise_strip)(g, c, columns, &part);
      real *q = y + (ptrdiff_t)c * g->y_column + first;
      FN(depthwise_strips)[some][part.columns - 1](&part, n, x + at + first, q, accumulate, &room);
    }
  }
}
static void FN(depthwise_near_outer)(const cnn_taps *g, size_t channels, const real *x, const real *dy, real *dw) {
  const size_t whole = channels / VL * VL;
  block_room room;
  cnn_taps part;
  for (size_t first = 0, n; first < whole; first += n) {
    n = whole - first < BLOCK ? whole - first : BLOCK;
    real *w = dw + first;
    NEXT(u, 3) NEXT(t, 3) memcpy(room.taps[u][t], w + u * g->weight_row + t * g->weight_column, n * sizeof(real));
    for (size_t c = 0; c < g->columns; c += part.columns) {
      const ptrdiff_t at = FN(depthwise_strip)(g, c, FN(depthwise_next_strip)(g->columns - c), &part);
      const real *q = dy + (ptrdiff_t)c * g->y_column + first;
      FN(depthwise_strip_summers)[part.columns - 1](&part, n, x + at + first, q, &room);
    }
    NEXT(u, 3) NEXT(t, 3) memcpy(w + u * g->weight_row + t * g->weight_column, room.taps[u][t], n * sizeof(real));
  }
  for (size_t c = 0; SOME && whole < channels && c < g->columns; c += part.columns) {
    const ptrdiff_t at = FN(depthwise_strip)(g, c, FN(depthwise_next_strip)(g->columns - c), &part);
    FN(depthwise_some_sums)(&part, channels, x + at, dy + (ptrdiff_t)c * g->y_column, dw);
  }
}
#undef BLOCK
#undef PITCH
#undef block_room
#undef EACH_OF_BLOCK
#undef EACH_COLUMN
#undef LIES_INSIDE
#undef PIXELS_OF
#undef MEET_TAPS
