/* picked_*: the gradients of a convolution behind a pool of maxima (cnn_picks: kernels.h). Of each window of the pool one pixel a column
   has a gradient, which the pool's output and the number of its tap tell; the others' zeros are not multiplied. So a column has pixels of its
   own, and lanes are the neighbouring elements of a window of the convolution: `nc` runs of it by `nv` vectors at a time. */
#define MASKS FN(picked_masks)
#define LARGE FN(picked_large)
#define TAPS FN(picked_taps)
#define COLUMNS FN(picked_columns)
#define job FN(picked_job)
#define tile_fn FN(picked_fn)

enum {
  MASKS = VL * sizeof(real) >= 32, /* loads of some lanes cost no more than whole ones: no tiles for whole vectors alone */
  LARGE = MASKS || FN(conv_many),  /* elsewhere, on old machines, small tiles do */
  TAPS = 16,
  COLUMNS = 64
};

typedef struct {
  const cnn_picks *p;
  const real *x, *d, *where, *b;
  real *y;
  size_t ldy, ldb, last; /* `last` lanes exist of the last vector */
  int accumulate;
  size_t n;              /* scatter: so many columns have their gradient here: */
  const int32_t *row;    /* where the weights of each begin */
  const real *value;     /* and its gradient */
} job;
typedef void tile_fn(const job *a);

#define LOAD(p, j) (some && (j) == nv - 1 ? v_load_n((p) + (j) * VL, last) : v_load((p) + (j) * VL))
/* Without AVX-512 a store of some lanes is long: the `rest` waits for one function. */
V_APART void FN(picked_store_some)(int n, const vreal *rest, real *y, ptrdiff_t step, size_t last) {
  for (int c = 0; c < n; c++) v_store_n(y + c * step, rest[c], last);
}
#define STORE(p, j, v, rest) \
  if (!some || (j) < nv - 1) v_store((p) + (j) * VL, v); \
  else if (FN(conv_masked)) v_store_n((p) + (j) * VL, v, last); \
  else rest = v
#define EACH_COLUMN _Pragma("GCC unroll 2") for (int f = 0; f < nf; f++)
#define EACH_CHUNK _Pragma("GCC unroll 5") for (int c = 0; c < nc; c++)
#define EACH_VECTOR _Pragma("GCC unroll 2") for (int j = 0; j < nv; j++)
#define EACH EACH_CHUNK EACH_VECTOR

/* In bytes: of elements the compiler would make a second loop for steps of one. */
#define AFTER(p, bytes) ((const real *)(const void *)((const char *)(p) + (bytes)))

/* Two columns where one has too few chains for the multiply-add's stages. */
V_INLINE void FN(picked_outer_tile)(const int nf, const int nc, const int nv, const int some, const job *a) {
  enum { BYTES = sizeof(real) };
  const cnn_picks *p = a->p;
  const size_t last = a->last, length = p->length;
  const ptrdiff_t chunk = p->chunk, d_step = p->d_window * BYTES, where_step = p->where_window * BYTES;
  const int32_t *shift = p->shift;
  vreal s[2][5][2], rest[2][5];
  EACH_COLUMN EACH s[f][c][j] = a->accumulate ? LOAD(a->y + (size_t)f * a->ldy + (size_t)c * length, j) : v_zero();
  const real *d = a->d, *where = a->where, *row = a->x;
  for (size_t i = 0; i < p->rows; i++, row += p->row) {
    const real *x = row;
    for (size_t k = 0; k < p->columns; k++, x += p->column, d = AFTER(d, d_step), where = AFTER(where, where_step)) {
      STAY_SCALAR;
      EACH_COLUMN {
        const real *at = x + shift[(int)where[f * p->where_column]];
        const vreal u = v_set1(d[f * p->d_column]);
        EACH s[f][c][j] = v_fma(u, LOAD(at + c * chunk, j), s[f][c][j]);
      }
    }
  }
  EACH_COLUMN EACH STORE(a->y + (size_t)f * a->ldy + (size_t)c * length, j, s[f][c][j], rest[f][c]);
  if (some && !FN(conv_masked))
    EACH_COLUMN FN(picked_store_some)(nc, rest[f], a->y + (size_t)f * a->ldy + (nv - 1) * VL, (ptrdiff_t)length, last);
}

V_INLINE void FN(picked_scatter_tile)(const int nc, const int nv, const int some, const job *a) {
  const size_t last = a->last, n = a->n;
  const ptrdiff_t chunk = a->p->chunk;
  const int32_t *row = a->row;
  const real *value = a->value;
  real *y = a->y;
  vreal s[5][2], rest[5];
  EACH s[c][j] = v_zero();
  for (size_t e = 0; e < n; e++) {
    STAY_SCALAR;
    const real *b = a->b + row[e];
    const vreal u = v_set1(value[e]);
    EACH s[c][j] = v_fma(u, LOAD(b + (size_t)c * a->ldb, j), s[c][j]);
  }
  EACH s[c][j] = v_add(LOAD(y + c * chunk, j), s[c][j]);
  EACH STORE(y + c * chunk, j, s[c][j], rest[c]);
  if (some && !FN(conv_masked)) FN(picked_store_some)(nc, rest, y + (nv - 1) * VL, chunk, last);
}

/* Tiles: of 1, 3 or 5 runs by one vector of one or two columns, or by two vectors; whole, or of `last` lanes. */
#define EACH_TILE(T, some) T(1, 1, some) T(3, 1, some) T(5, 1, some) T(1, 2, some) T(3, 2, some) T(5, 2, some)
#define TILE(nc, nv, some) \
  static void FN(picked_outer_##nc##x##nv##_##some)(const job *a) { FN(picked_outer_tile)(1, nc, nv, some, a); } \
  static void FN(picked_scatter_##nc##x##nv##_##some)(const job *a) { FN(picked_scatter_tile)(nc, nv, some, a); }
#define PAIR(nc, nv, some) \
  static void FN(picked_pair_##nc##_##some)(const job *a) { FN(picked_outer_tile)(2, nc, nv, some, a); }
#define EACH_PAIR(T, some) T(1, 1, some) T(3, 1, some) T(5, 1, some)
EACH_TILE(TILE, 0)
EACH_TILE(TILE, 1)
EACH_PAIR(PAIR, 0)
EACH_PAIR(PAIR, 1)
#undef TILE
#undef PAIR
/* What is never taken is not referred to, and so not compiled in. */
#define TAKEN(name, some) (MASKS || (some) ? (VL > 1 ? FN(name##_1) : NULL) : FN(name##_0))
#define TILE(nc, nv, some) [some][nv - 1][nc / 2] = LARGE || (nc <= 3 && nv == 1) ? TAKEN(picked_outer_##nc##x##nv, some) : NULL,
static tile_fn *const FN(picked_outer_tiles)[2][2][3] = {EACH_TILE(TILE, 0) EACH_TILE(TILE, 1)};
#undef TILE
#define TILE(nc, nv, some) [some][nv - 1][nc / 2] = LARGE || (nc <= 3 && nv == 1) ? TAKEN(picked_scatter_##nc##x##nv, some) : NULL,
static tile_fn *const FN(picked_scatter_tiles)[2][2][3] = {EACH_TILE(TILE, 0) EACH_TILE(TILE, 1)};
#undef TILE
#define PAIR(nc, nv, some) [some][nc / 2] = LARGE ? TAKEN(picked_pair_##nc, some) : NULL,
static tile_fn *const FN(picked_pairs)[2][3] = {EACH_PAIR(PAIR, 0) EACH_PAIR(PAIR, 1)};
#undef PAIR
#undef TAKEN
#undef EACH_TILE
#undef EACH_PAIR

/* The next tile of a window: element i of each of nc of the `left` runs that are left, nv vectors of it. */
V_INLINE size_t FN(picked_next)(size_t left, size_t elements, size_t *nv, size_t *last) {
  *nv = LARGE && elements > VL ? 2 : 1;
  *last = elements < *nv * VL ? elements - (*nv - 1) * VL : VL;
  return LARGE && left >= 5 ? 5 : left >= 3 ? 3 : 1;
}

static void FN(picked_outer)(const cnn_picks *p, size_t n, const real *x, const real *d, const real *where, real *dw, int accumulate) {
#ifdef HALF
  if (p->length <= VL / 2) { /* twice as many of the next lower instruction set's half vectors go through in the same time */
    NARROWER.picked_outer(p, n, x, d, where, dw, accumulate);
    return;
  }
#endif
  job a = {.p = p, .accumulate = accumulate, .ldy = p->chunks * p->length};
  for (size_t i = 0, nv = 1; i < p->length; i += nv * VL)
    for (size_t c = 0, nc; c < p->chunks; c += nc) {
      nc = FN(picked_next)(p->chunks - c, p->length - i, &nv, &a.last);
      for (size_t f = 0, pair; f < n; f += 1 + pair) {
        pair = LARGE && nv == 1 && f + 1 < n;
        a.x = x + (ptrdiff_t)c * p->chunk + i;
        a.d = d + (ptrdiff_t)f * p->d_column;
        a.where = where + (ptrdiff_t)f * p->where_column;
        a.y = dw + f * a.ldy + c * p->length + i;
        (pair ? FN(picked_pairs)[a.last < VL][nc / 2] : FN(picked_outer_tiles)[a.last < VL][nv - 1][nc / 2])(&a);
      }
    }
}

static void FN(picked_scatter)(const cnn_picks *p, size_t n, const real *d, const real *where, const real *b, size_t ldb, real *x) {
#ifdef HALF
  if (p->length <= VL / 2) {
    NARROWER.picked_scatter(p, n, d, where, b, ldb, x);
    return;
  }
#endif
  job a = {.p = p, .ldb = ldb};
  int32_t row[TAPS][COLUMNS];
  real value[TAPS][COLUMNS];
  for (size_t first = 0; first < n; first += COLUMNS) {
    const size_t some = n - first < COLUMNS ? n - first : COLUMNS;
    for (size_t m = 0; m < p->rows * p->columns; m++) {
      size_t count[TAPS] = {0};
      for (size_t f = first; f < first + some; f++) {
        const ptrdiff_t at = (ptrdiff_t)m * p->where_window + (ptrdiff_t)f * p->where_column;
        const size_t tap = (size_t)(int)where[at], e = count[tap];
        const real v = d[(ptrdiff_t)m * p->d_window + (ptrdiff_t)f * p->d_column];
        row[tap][e] = (int32_t)(f * p->chunks * ldb);
        value[tap][e] = v;
        count[tap] = e + (v != 0); /* behind a relu many are 0 */
      }
      real *window = x + (ptrdiff_t)(m / p->columns) * p->row + (ptrdiff_t)(m % p->columns) * p->column;
      for (size_t tap = 0; tap < p->taps; tap++) {
        a.n = count[tap], a.row = row[tap], a.value = value[tap];
        for (size_t i = 0, nv = 1; i < p->length && a.n; i += nv * VL)
          for (size_t c = 0, nc; c < p->chunks; c += nc) {
            nc = FN(picked_next)(p->chunks - c, p->length - i, &nv, &a.last);
            a.b = b + c * ldb + i;
            a.y = window + p->shift[tap] + (ptrdiff_t)c * p->chunk + i;
            FN(picked_scatter_tiles)[a.last < VL][nv - 1][nc / 2](&a);
          }
      }
    }
  }
}

#undef AFTER
#undef LOAD
#undef STORE
#undef EACH_COLUMN
#undef EACH_CHUNK
#undef EACH_VECTOR
#undef EACH
#undef MASKS
#undef LARGE
#undef TAPS
#undef COLUMNS
#undef job
#undef tile_fn
