/* conv_*: convolutions straight from a padded, channels-last image, nothing copied. Every output is one multiply-add chain in a fixed
   order, as in gemm_tmpl.h: tiles and blocks change the schedule, not one bit.

     forward    y = windows b: a tile is some pixels by some vectors of columns; each step loads a row of b and broadcasts one element
                of each pixel's window. Pixels are pointers, so they may lie anywhere.
     outer      dw = windows^T dy: the same tile with the roles exchanged: a pointer for each element of the window, steps along pixels
     depthwise  lanes are channels; the tiles are pixels (forward) or taps (outer) by one vector

   More rows than gemm's where a row is short of vectors: with few columns there would be fewer chains than the multiply-add has stages. */
#if defined(__aarch64__) || defined(_M_ARM64)
#define CONV_ARM 1
#else
#define CONV_ARM 0
#endif
#define NV FN(conv_nv)
#define MASKS FN(conv_masks)
#define KC FN(conv_kc)
#define ROWS_1 FN(conv_rows_1)
#define ROWS_2 FN(conv_rows_2)
#define ROWS_3 FN(conv_rows_3)
#define ROWS_4 FN(conv_rows_4)
#define job FN(conv_job)
#define tile_fn FN(conv_tile_fn)

enum {
  FN(conv_many) = VL * sizeof(real) == 64 || (CONV_ARM && VL > 1), /* 32 vector registers, not 16 */
  MASKS = VL * sizeof(real) >= 32,                                 /* loads and stores of some lanes cost no more than whole ones */
  NV = FN(conv_many) ? 4 : 2,
  /* rows of a tile of 1, 2, 3, 4 vectors. Arm: GCC keeps every broadcast of a step in a register of its own. */
  ROWS_1 = FN(conv_many) || MASKS ? 12 : 8,
  ROWS_2 = !FN(conv_many) ? MASKS ? 6 : 4 : CONV_ARM ? 9 : 12,
  ROWS_3 = CONV_ARM ? 6 : 8,
  ROWS_4 = CONV_ARM ? 5 : 6,
  KC = 768, /* rows of b at a time: KC x NV VL of it stay in the second cache while the pixels go by */
};

typedef struct { /* what the tiles of one panel share */
  const int32_t *row, *to; /* of forward a pixel, of outer an element of the window: where it is in x, and in y (NULL: ldy apart) */
  const int32_t *step;     /* of forward the chunks, of outer the pixels */
  size_t steps, length;
  const real *x, *b, *start;
  const int32_t *from; /* outer: the rows of b (NULL: ldb apart) */
  real *y;
  size_t ldb, ldy, last; /* `last` lanes exist of the last vector of a row */
  int accumulate;
} job;
typedef void tile_fn(const job *a, size_t row);

#define AT(p, j) (some && (j) == nv - 1 ? v_load_n((p) + (j) * VL, a->last) : v_load((p) + (j) * VL))
#define ROW_OF_Y(i) (a->y + (a->to ? (size_t)a->to[row + (size_t)(i)] : (row + (size_t)(i)) * a->ldy))
#define EACH_ROW _Pragma("GCC unroll 12") for (int i = 0; i < mr; i++)
#define EACH _Pragma("GCC unroll 4") for (int j = 0; j < nv; j++)

V_INLINE void FN(conv_begin)(const int mr, const int nv, const int some, const job *a, size_t row, vreal s[12][4]) {
  if (a->accumulate) EACH_ROW EACH s[i][j] = AT(ROW_OF_Y(i), j);
  else if (a->start) EACH_ROW EACH s[i][j] = AT(a->start, j);
  else EACH_ROW EACH s[i][j] = v_zero();
}
V_INLINE void FN(conv_end)(const int mr, const int nv, const int some, const job *a, size_t row, vreal s[12][4]) {
  EACH_ROW {
    real *y = ROW_OF_Y(i);
    EACH if (some && j == nv - 1) v_store_n(y + j * VL, s[i][j], a->last);
    else v_store(y + j * VL, s[i][j]);
  }
}

V_INLINE void FN(conv_forward_tile)(const int mr, const int nv, const int some, const job *a, size_t row) {
  vreal s[12][4];
  const real *window[12], *b = a->b;
  FN(conv_begin)(mr, nv, some, a, row, s);
  EACH_ROW window[i] = a->x + a->row[row + (size_t)i];
  for (size_t c = 0; c < a->steps; c++) {
    const ptrdiff_t chunk = a->step[c];
    const real *at[12];
    EACH_ROW at[i] = window[i] + chunk;
    for (size_t t = 0; t < a->length; t++, b += a->ldb) {
      vreal v[4];
      EACH v[j] = AT(b, j);
      EACH_ROW {
        const vreal u = v_set1(at[i][t]);
        EACH s[i][j] = v_fma(u, v[j], s[i][j]);
      }
    }
  }
  FN(conv_end)(mr, nv, some, a, row, s);
}

V_INLINE void FN(conv_outer_tile)(const int mr, const int nv, const int some, const job *a, size_t row) {
  vreal s[12][4];
  const real *at[12];
  FN(conv_begin)(mr, nv, some, a, row, s);
  EACH_ROW at[i] = a->x + a->row[i];
  for (size_t m = 0; m < a->steps; m++) {
    const ptrdiff_t pixel = a->step[m];
    const real *b = a->b + (a->from ? (size_t)a->from[m] : m * a->ldb);
    vreal v[4];
    EACH v[j] = AT(b, j);
    EACH_ROW {
      const vreal u = v_set1(at[i][pixel]);
      EACH s[i][j] = v_fma(u, v[j], s[i][j]);
    }
  }
  FN(conv_end)(mr, nv, some, a, row, s);
}

/* ---- the tiles of each size */
#define UP_TO_6(T, nv) T(1, nv) T(2, nv) T(3, nv) T(4, nv) T(5, nv) T(6, nv)
#define UP_TO_8(T, nv) UP_TO_6(T, nv) T(7, nv) T(8, nv)
#define UP_TO_12(T, nv) UP_TO_8(T, nv) T(9, nv) T(10, nv) T(11, nv) T(12, nv)
#define EACH_TILE(T) UP_TO_12(T, 1) UP_TO_12(T, 2) UP_TO_8(T, 3) UP_TO_6(T, 4)
#define TILE(mr, nv) \
  static void FN(conv_forward_##mr##x##nv)(const job *a, size_t row) { FN(conv_forward_tile)(mr, nv, 0, a, row); } \
  static void FN(conv_forward_some_##mr##x##nv)(const job *a, size_t row) { FN(conv_forward_tile)(mr, nv, 1, a, row); } \
  static void FN(conv_outer_##mr##x##nv)(const job *a, size_t row) { FN(conv_outer_tile)(mr, nv, 0, a, row); } \
  static void FN(conv_outer_some_##mr##x##nv)(const job *a, size_t row) { FN(conv_outer_tile)(mr, nv, 1, a, row); }
EACH_TILE(TILE)
#undef TILE

/* [some][nv - 1][mr - 1]; what this instruction set cannot hold in registers is not referred to, and so not compiled in. */
#define HELD(mr, nv) (nv <= NV && mr <= ROWS_##nv)
#define TILE(mr, nv) [0][nv - 1][mr - 1] = HELD(mr, nv) ? FN(conv_forward_##mr##x##nv) : NULL,
#define SOME(mr, nv) [1][nv - 1][mr - 1] = HELD(mr, nv) && VL > 1 && (MASKS || nv == 1) ? FN(conv_forward_some_##mr##x##nv) : NULL,
static tile_fn *const FN(conv_forward_tiles)[2][4][12] = {EACH_TILE(TILE) EACH_TILE(SOME)};
#undef TILE
#undef SOME
#define TILE(mr, nv) [0][nv - 1][mr - 1] = HELD(mr, nv) ? FN(conv_outer_##mr##x##nv) : NULL,
#define SOME(mr, nv) [1][nv - 1][mr - 1] = HELD(mr, nv) && VL > 1 && (MASKS || nv == 1) ? FN(conv_outer_some_##mr##x##nv) : NULL,
static tile_fn *const FN(conv_outer_tiles)[2][4][12] = {EACH_TILE(TILE) EACH_TILE(SOME)};
#undef TILE
#undef SOME
#undef HELD
#undef EACH_TILE
#undef UP_TO_6
#undef UP_TO_8
#undef UP_TO_12

V_INLINE size_t FN(conv_rows)(size_t nv) { return nv == 1 ? ROWS_1 : nv == 2 ? ROWS_2 : nv == 3 ? ROWS_3 : ROWS_4; }

/* The next panel of n columns: its vectors, and the lanes of the last. Without masks an unfilled vector is a panel of its own. */
V_INLINE size_t FN(conv_panel)(size_t n, size_t *last) {
  size_t nv = MASKS ? (n + VL - 1) / VL : n < VL ? 1 : n / VL;
  nv = nv < NV ? nv : NV;
  *last = n < nv * VL ? n - (nv - 1) * VL : VL;
  return nv;
}

static void FN(conv_forward)(const cnn_windows *w, size_t n, const real *x, const real *b, size_t ldb, const real *start, real *y,
                             const int32_t *to, size_t ldy, int accumulate) {
  if (!w->pixels) return;
  for (size_t j = 0, nv; j < n; j += nv * VL) {
    job a = {.row = w->pixel, .to = to, .y = y + j, .ldb = ldb, .ldy = ldy};
    nv = FN(conv_panel)(n - j, &a.last);
    const size_t rows = FN(conv_rows)(nv), count = (w->pixels + rows - 1) / rows;
    tile_fn *const *tiles = FN(conv_forward_tiles)[a.last < VL][nv - 1];
    size_t c = 0, t = 0; /* a block of k: whole chunks, or a part of one */
    do {                 /* once even when k is 0 */
      const size_t whole = w->length ? KC / w->length : w->chunks, left = w->chunks - c;
      a.steps = !left ? 0 : !whole ? 1 : left < whole ? left : whole;
      a.length = whole ? w->length : w->length - t < KC ? w->length - t : KC;
      a.step = w->chunk + c;
      a.x = x + t;
      a.b = b + (c * w->length + t) * ldb + j;
      a.start = start ? start + j : NULL;
      a.accumulate = accumulate || c || t;
      for (size_t i = 0, row = 0; i < count; i++) {
        const size_t mr = w->pixels / count + (i < w->pixels % count);
        tiles[mr - 1](&a, row);
        row += mr;
      }
      if (whole) c += a.steps;
      else if ((t += a.length) == w->length) c++, t = 0;
    } while (c < w->chunks);
  }
}

static void FN(conv_outer)(const cnn_windows *w, size_t n, const real *x, const real *dy, const int32_t *from, size_t lddy, real *dw,
                           size_t lddw, int accumulate) {
  const size_t k = w->chunks * w->length;
  if (!k) return;
  for (size_t j = 0, nv; j < n; j += nv * VL) {
    int32_t element[12];
    job a = {.row = element, .step = w->pixel, .steps = w->pixels, .x = x, .b = dy + j, .from = from, .ldb = lddy,
             .y = dw + j, .ldy = lddw, .accumulate = accumulate};
    nv = FN(conv_panel)(n - j, &a.last);
    const size_t rows = FN(conv_rows)(nv), count = (k + rows - 1) / rows;
    tile_fn *const *tiles = FN(conv_outer_tiles)[a.last < VL][nv - 1];
    for (size_t i = 0, row = 0, c = 0, t = 0; i < count; i++) {
      const size_t mr = k / count + (i < k % count);
      for (size_t e = 0; e < mr; e++) {
        element[e] = w->chunk[c] + (int32_t)t;
        if (++t == w->length) c++, t = 0;
      }
      tiles[mr - 1](&a, row);
      row += mr;
    }
  }
}

/* ---- depthwise: one vector of channels, a tile of pixels or of taps */
V_INLINE void FN(conv_depthwise_forward_tile)(const int mr, const int some, const job *a, size_t row) {
  enum { nv = 1 };
  vreal s[12][4];
  const real *window[12], *b = a->b;
  FN(conv_begin)(mr, nv, some, a, row, s);
  EACH_ROW window[i] = a->x + a->row[row + (size_t)i];
  for (size_t c = 0; c < a->steps; c++, b += a->ldb) {
    const ptrdiff_t tap = a->step[c];
    const vreal v = AT(b, 0);
    EACH_ROW s[i][0] = v_fma(AT(window[i] + tap, 0), v, s[i][0]);
  }
  FN(conv_end)(mr, nv, some, a, row, s);
}

V_INLINE void FN(conv_depthwise_outer_tile)(const int mr, const int some, const job *a, size_t row) {
  enum { nv = 1 };
  vreal s[12][4];
  const real *at[12];
  FN(conv_begin)(mr, nv, some, a, row, s);
  EACH_ROW at[i] = a->x + a->row[row + (size_t)i];
  for (size_t m = 0; m < a->steps; m++) {
    const ptrdiff_t pixel = a->step[m];
    const vreal v = AT(a->b + (a->from ? (size_t)a->from[m] : m * a->ldb), 0);
    EACH_ROW s[i][0] = v_fma(AT(at[i] + pixel, 0), v, s[i][0]);
  }
  FN(conv_end)(mr, nv, some, a, row, s);
}
#undef AT
#undef ROW_OF_Y
#undef EACH_ROW
#undef EACH

#define EACH_TILE(T) T(1) T(2) T(3) T(4) T(5) T(6) T(7) T(8) T(9) T(10) T(11) T(12)
#define TILE(mr) \
  static void FN(conv_depthwise_forward_##mr)(const job *a, size_t row) { FN(conv_depthwise_forward_tile)(mr, 0, a, row); } \
  static void FN(conv_depthwise_forward_some_##mr)(const job *a, size_t row) { FN(conv_depthwise_forward_tile)(mr, 1, a, row); } \
  static void FN(conv_depthwise_outer_##mr)(const job *a, size_t row) { FN(conv_depthwise_outer_tile)(mr, 0, a, row); } \
  static void FN(conv_depthwise_outer_some_##mr)(const job *a, size_t row) { FN(conv_depthwise_outer_tile)(mr, 1, a, row); }
EACH_TILE(TILE)
#undef TILE
#define TILE(mr) [0][0][mr - 1] = mr <= ROWS_1 ? FN(conv_depthwise_forward_##mr) : NULL,
#define SOME(mr) [0][1][mr - 1] = mr <= ROWS_1 && VL > 1 ? FN(conv_depthwise_forward_some_##mr) : NULL,
#define TILE_OUTER(mr) [1][0][mr - 1] = mr <= ROWS_1 ? FN(conv_depthwise_outer_##mr) : NULL,
#define SOME_OUTER(mr) [1][1][mr - 1] = mr <= ROWS_1 && VL > 1 ? FN(conv_depthwise_outer_some_##mr) : NULL,
static tile_fn *const FN(conv_depthwise_tiles)[2][2][12] = {EACH_TILE(TILE) EACH_TILE(SOME) EACH_TILE(TILE_OUTER) EACH_TILE(SOME_OUTER)};
#undef TILE
#undef SOME
#undef TILE_OUTER
#undef SOME_OUTER
#undef EACH_TILE

/* Tiles of rows one after the other, and in each all channels: what a tile reads of x lies together. */
static void FN(conv_depthwise)(int outer, size_t rows, size_t channels, job *a) {
  const real *x = a->x, *b = a->b, *start = a->start;
  real *y = a->y;
  const size_t count = (rows + ROWS_1 - 1) / ROWS_1;
  for (size_t i = 0, row = 0; i < count; i++) {
    const size_t mr = rows / count + (i < rows % count);
    for (size_t j = 0; j < channels; j += VL) {
      a->last = channels - j < VL ? channels - j : VL;
      a->x = x + j, a->b = b + j, a->y = y + j, a->start = start ? start + j : NULL;
      FN(conv_depthwise_tiles)[outer][a->last < VL][mr - 1](a, row);
    }
    row += mr;
  }
}

static void FN(conv_depthwise_forward)(const cnn_windows *w, size_t channels, const real *x, const real *b, const real *start, real *y,
                                       const int32_t *to, size_t ldy, int accumulate) {
  job a = {.row = w->pixel, .to = to, .step = w->chunk, .steps = w->chunks, .x = x, .b = b, .start = start, .y = y,
           .ldb = channels, .ldy = ldy, .accumulate = accumulate};
  FN(conv_depthwise)(0, w->pixels, channels, &a);
}

static void FN(conv_depthwise_outer)(const cnn_windows *w, size_t channels, const real *x, const real *dy, const int32_t *from,
                                     size_t lddy, real *dw, int accumulate) {
  job a = {.row = w->chunk, .step = w->pixel, .steps = w->pixels, .x = x, .b = dy, .from = from, .y = dw,
           .ldb = lddy, .ldy = channels, .accumulate = accumulate};
  FN(conv_depthwise)(1, w->chunks, channels, &a);
}

#undef NV
#undef MASKS
#undef KC
#undef ROWS_1
#undef ROWS_2
#undef ROWS_3
#undef ROWS_4
#undef job
#undef tile_fn
#undef CONV_ARM
