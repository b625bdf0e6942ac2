/* conv_*: convolutions straight from a padded, channels-last image, nothing copied. Every output is one multiply-add chain in a fixed
   order, as in gemm_tmpl.h (of scatter one a window, of planes outer one a lane): tiles and blocks change the schedule, not one bit.

     forward    y = windows b: a tile is some pixels by some vectors of columns. It goes along the elements of the window: each step loads
                a row of b and broadcasts one element of each pixel's window. Rows are pointers and elements offsets, so both may lie
                anywhere.
     outer      dw = windows^T dy: the same tile with the roles exchanged: rows are elements of the window, steps go along pixels
     scatter    windows += dy b: rows are pixels, columns the elements of a run of the window, steps go along the columns of dy
     planes     the same y and dw, of y and dy as planes of one column: lanes are pixels

   More rows than gemm's where a row is short of vectors: with few columns there would be fewer chains than the multiply-add has stages. */
#if defined(__aarch64__) || defined(_M_ARM64)
#define CONV_ARM 1
#else
#define CONV_ARM 0
#endif
#define NV FN(conv_nv)
#define MASKED FN(conv_masked)
#define KC FN(conv_kc)
#define ROWS_1 FN(conv_rows_1)
#define ROWS_2 FN(conv_rows_2)
#define ROWS_3 FN(conv_rows_3)
#define ROWS_4 FN(conv_rows_4)
#define job FN(conv_job)
#define tile_fn FN(conv_tile_fn)
#define dots_fn FN(conv_dots_fn)

enum {
  MASKED = VL * sizeof(real) == 64,        /* a load or store of some lanes costs no more than a whole one: every last vector is one */
  FN(conv_many) = MASKED || (CONV_ARM && VL > 1), /* 32 vector registers, not 16 */
  NV = FN(conv_many) ? 4 : 2,
  /* rows of a tile of 1, 2, 3, 4 vectors. Arm: GCC keeps every broadcast of a step in a register of its own. */
  ROWS_1 = FN(conv_many) || VL * sizeof(real) == 32 ? 9 : 4,
  ROWS_2 = !FN(conv_many) ? VL * sizeof(real) == 32 ? 6 : 4
  : CONV_ARM              ? 9
                          : 10,
  ROWS_3 = CONV_ARM ? 6 : 8,
  ROWS_4 = CONV_ARM ? 5 : 6,
  FN(conv_most_flipped) = ROWS_1 < ROWS_2 ? ROWS_1 : ROWS_2, /* its tiles are of one vector and of two */
  FN(conv_packed) = 16384 / sizeof(real), /* of dy, half of the first cache */
  KC = 768, /* rows of b at a time: KC x NV VL of it stay in the second cache while the pixels go by */
};

typedef struct { /* one tile, and what its whole panel shares */
  const real *x[10], *begin[10];
  real *y[10];
  const int32_t *step, *from; /* the chain goes along `step`, offsets from x; its rows of b are at `from`, or ldb apart when that is NULL */
  size_t steps;
  const real *b;
  size_t ldb, last; /* `last` lanes exist of the last vector of a row */
  int adds; /* scatter: y += the chains, row after row, for rows may overlap */
  size_t ahead; /* from a row of y to that row of the next tile, where it is worth a prefetch */
} job;
typedef void tile_fn(const job *a);

static const real FN(conv_zeros)[4 * VL];

#define LOAD(p, j) (some && (j) == nv - 1 ? v_load_n((p) + (j) * VL, last) : v_load((p) + (j) * VL))
#define STORE(p, j, v) \
  if (some && (j) == nv - 1) v_store_n((p) + (j) * VL, v, last); \
  else v_store((p) + (j) * VL, v)
#define EACH_ROW _Pragma("GCC unroll 10") for (int i = 0; i < mr; i++)
#define EACH_VECTOR _Pragma("GCC unroll 4") for (int j = 0; j < nv; j++)
#define ROW_AFTER_ROW _Pragma("GCC unroll 1") for (int i = 0; i < mr; i++)

/* Without masks a store of some lanes is long: once for all tiles, which are of one vector then. */
V_APART void FN(conv_store_some)(int mr, const job *a, const vreal *rows) {
  const size_t last = a->last;
  for (int i = 0; i < mr; i++) v_store_n(a->y[i], a->adds ? v_add(v_load_n(a->y[i], last), rows[i]) : rows[i], last);
}

V_INLINE void FN(conv_tile)(const int mr, const int nv, const int some, const job *a) {
  const size_t last = a->last, ldb = a->ldb;
  const real *x[10], *b = a->b;
  vreal s[10][4];
  EACH_ROW EACH_VECTOR s[i][j] = LOAD(a->begin[i], j);
  EACH_ROW x[i] = a->x[i];
  if (a->ahead) ROW_AFTER_ROW EACH_VECTOR PREFETCH(a->y[i] + a->ahead + j * VL);
  const int32_t *step = a->step, *const end = step + a->steps, *from = a->from;
#define STEP(row_of_b) \
  { \
    STAY_SCALAR; \
    const real *row = row_of_b; \
    const ptrdiff_t at = *step; \
    vreal v[4]; \
    EACH_VECTOR v[j] = LOAD(row, j); \
    EACH_ROW { \
      const vreal u = v_set1(x[i][at]); \
      EACH_VECTOR s[i][j] = v_fma(u, v[j], s[i][j]); \
    } \
  }
  if (from)
    for (; step < end; step++, from++) STEP(b + *from)
  else
    for (; step < end; step++, b += ldb) STEP(b)
#undef STEP
  if (some && !MASKED) {
    vreal rows[10];
    EACH_ROW rows[i] = s[i][0];
    FN(conv_store_some)(mr, a, rows);
    return;
  }
  if (a->adds) EACH_ROW {
      EACH_VECTOR s[i][j] = v_add(LOAD(a->y[i], j), s[i][j]);
      EACH_VECTOR STORE(a->y[i], j, s[i][j]);
    }
  else EACH_ROW EACH_VECTOR STORE(a->y[i], j, s[i][j]);
}

/* ---- the tiles of each size: [nv][mr - 1], and [0] for one vector that is not whole where there are no masks. What this instruction
   set cannot hold in registers is not referred to, and so not compiled in. */
#define UP_TO_6(T, nv) T(1, nv) T(2, nv) T(3, nv) T(4, nv) T(5, nv) T(6, nv)
#define UP_TO_8(T, nv) UP_TO_6(T, nv) T(7, nv) T(8, nv)
#define UP_TO_10(T, nv) UP_TO_8(T, nv) T(9, nv) T(10, nv)
#define EACH_TILE(T) UP_TO_10(T, 1) UP_TO_10(T, 2) UP_TO_8(T, 3) UP_TO_6(T, 4)
#define TILE(mr, nv) static void FN(conv_##mr##x##nv)(const job *a) { FN(conv_tile)(mr, nv, MASKED, a); }
#define SOME(mr, nv) static void FN(conv_some_##mr)(const job *a) { FN(conv_tile)(mr, nv, 1, a); }
EACH_TILE(TILE)
UP_TO_10(SOME, 1)
#undef TILE
#undef SOME
#define TILE(mr, nv) [nv][mr - 1] = nv <= NV && mr <= ROWS_##nv ? FN(conv_##mr##x##nv) : NULL,
#define SOME(mr, nv) [0][mr - 1] = VL > 1 && !MASKED && mr <= ROWS_1 ? FN(conv_some_##mr) : NULL,
static tile_fn *const FN(conv_tiles)[5][10] = {EACH_TILE(TILE) UP_TO_10(SOME, 1)};
#undef TILE
#undef SOME
#undef EACH_TILE

/* The tiles of the next panel of n columns: their vectors, rows, and the lanes of the last vector. Without masks an unfilled vector is
   a panel of its own. */
V_INLINE tile_fn *const *FN(conv_panel)(size_t n, size_t *nv, size_t *rows, size_t *last) {
  *nv = MASKED ? (n + VL - 1) / VL : n < VL ? 1 : n / VL;
  if (*nv > NV) *nv = NV;
  *last = n < *nv * VL ? n - (*nv - 1) * VL : VL;
  *rows = *nv == 1 ? ROWS_1 : *nv == 2 ? ROWS_2 : *nv == 3 ? ROWS_3 : ROWS_4;
  return FN(conv_tiles)[!MASKED && *last < VL ? 0 : *nv];
}

#ifdef HALF
/* Odd columns that fill no more than half a vector. */
V_INLINE size_t FN(conv_few)(size_t n) { return n % VL <= VL / 2 ? n % VL : 0; }
#endif

/* Where elements first .. first + n - 1 of a window lie: the list of chunks where each is one element, else what is written to room. */
static const int32_t *FN(conv_elements)(const cnn_windows *w, size_t first, size_t n, int32_t *room) {
  if (w->length == 1 || !n) return w->chunk + first;
  for (size_t i = 0, c = first / w->length, t = first % w->length; i < n; i++) {
    room[i] = w->chunk[c] + (int32_t)t;
    if (++t == w->length) c++, t = 0;
  }
  return room;
}

/* ---- flipped: y^T = b^T windows^T where neighbouring pixels are neighbours in x (one channel, stride 1) and columns are few: lanes along
   the pixels, a row a column. */
V_INLINE size_t FN(conv_run)(const int32_t *pixel, size_t most) {
  enum { STEP = 8 };
  size_t n = 1;
  for (int32_t apart = 0; n + STEP <= most; n += STEP) { /* without a branch a pixel */
    for (size_t i = n; i < n + STEP; i++) apart |= pixel[i] - pixel[0] - (int32_t)i;
    if (apart) break;
  }
  while (n < most && pixel[n] == pixel[0] + (int32_t)n) n++;
  return n;
}
V_INLINE int FN(conv_is_flipped)(const cnn_windows *w, size_t n, const int32_t *to) {
  if (VL == 1 || to || n > FN(conv_most_flipped) || w->chunks * w->length > KC || w->pixels < VL || w->pixel[1] != w->pixel[0] + 1)
    return 0;
  const size_t run = FN(conv_run)(w->pixel, w->pixels);
  const size_t plain = MASKED && n <= VL / 2 ? 2 : (MASKED ? 4 : 3) * ((n + VL - 1) / VL); /* quarters of a vector a pixel */
  return 4 * n * ((run + VL - 1) / VL) <= run * plain;
}

static void FN(conv_flipped)(const cnn_windows *w, size_t n, const real *x, const real *b, size_t ldb, const real *start, real *y,
                             size_t ldy, int accumulate) {
  enum { WIDTH = 2 * VL };
  real t[10 * WIDTH], first[10 * WIDTH]; /* (n, WIDTH) of y^T, and where its chains begin */
  int32_t element[KC], row[KC];
  job a = {.step = row, .steps = w->chunks * w->length};
  a.from = FN(conv_elements)(w, 0, a.steps, element);
  for (size_t e = 0; e < a.steps; e++) row[e] = (int32_t)(e * ldb);
  for (size_t j = 0; j < n; j++) {
    a.x[j] = b + j;
    a.y[j] = t + j * WIDTH;
    a.begin[j] = accumulate ? a.y[j] : start ? first + j * WIDTH : FN(conv_zeros);
    for (size_t r = 0; start && r < WIDTH; r += VL) v_store(first + j * WIDTH + r, v_set1(start[j]));
  }
  for (size_t m = 0, lanes; m < w->pixels; m += lanes) {
    size_t nv, rows;
    const size_t run = FN(conv_run)(w->pixel + m, w->pixels - m < WIDTH ? w->pixels - m : WIDTH);
    tile_fn *tile = FN(conv_panel)(run, &nv, &rows, &a.last)[n - 1];
    lanes = (nv - 1) * VL + a.last;
    if (accumulate) FN(pack)(1, n, lanes, y + m * ldy, ldy, t, WIDTH);
    a.b = x + w->pixel[m];
    tile(&a);
    FN(pack)(1, lanes, n, t, WIDTH, y + m * ldy, ldy);
  }
}

static void FN(conv_forward)(const cnn_windows *w, size_t n, const real *x, const real *b, size_t ldb, const real *start, real *y,
                             const int32_t *to, size_t ldy, int accumulate) {
  if (!w->pixels || !n) return;
  if (FN(conv_is_flipped)(w, n, to)) {
    FN(conv_flipped)(w, n, x, b, ldb, start, y, ldy, accumulate);
    return;
  }
#ifdef HALF
  const size_t few = FN(conv_few)(n);
  n -= few;
  if (few) NARROWER.conv_forward(w, few, x, b + n, ldb, start ? start + n : NULL, y + n, to, ldy, accumulate);
#endif
  const size_t k = w->chunks * w->length;
  size_t e = 0;
  do { /* once even when k is 0 */
    int32_t element[KC];
    job a = {.steps = k - e < KC ? k - e : KC, .ldb = ldb};
    a.step = FN(conv_elements)(w, e, a.steps, element);
    for (size_t j = 0, nv, rows; j < n; j += nv * VL) {
      tile_fn *const *tiles = FN(conv_panel)(n - j, &nv, &rows, &a.last);
      const size_t count = (w->pixels + rows - 1) / rows;
      a.b = b + e * ldb + j;
      for (size_t i = 0, m = 0; i < count; i++) {
        const size_t mr = w->pixels / count + (i < w->pixels % count);
        for (size_t r = 0; r < mr; r++, m++) {
          STAY_SCALAR;
          a.x[r] = x + w->pixel[m];
          a.y[r] = y + (to ? (size_t)to[m] : m * ldy) + j;
          a.begin[r] = accumulate || e ? a.y[r] : start ? start + j : FN(conv_zeros);
        }
        tiles[mr - 1](&a);
      }
    }
    e += a.steps;
  } while (e < k);
}

/* A panel of dy whose rows are so far apart that they would drive each other out of the first cache, closer together. */
V_INLINE int FN(conv_packs_dy)(size_t pixels, size_t panel, size_t lddy, size_t tiles) {
  return lddy * sizeof(real) % 1024 == 0 && pixels >= 16 && pixels * panel <= FN(conv_packed) && tiles >= 8;
}

static void FN(conv_outer)(const cnn_windows *w, size_t n, const real *x, const real *dy, const int32_t *from, size_t lddy, real *dw,
                           size_t lddw, int accumulate) {
#ifdef HALF
  const size_t few = FN(conv_few)(n);
  n -= few;
  if (few) NARROWER.conv_outer(w, few, x, dy + n, from, lddy, dw + n, lddw, accumulate);
#endif
  const size_t k = w->chunks * w->length;
  real packed[FN(conv_packed)];
  for (size_t j = 0, nv, rows; j < n; j += nv * VL) {
    job a = {.step = w->pixel, .steps = w->pixels, .from = from, .b = dy + j, .ldb = lddy};
    tile_fn *const *tiles = FN(conv_panel)(n - j, &nv, &rows, &a.last);
    const size_t count = (k + rows - 1) / rows;
    if (!from && FN(conv_packs_dy)(w->pixels, nv * VL, lddy, count)) {
      for (size_t m = 0; m < w->pixels; m++)
        for (size_t v = 0; v < nv * VL; v += VL) v_store(packed + m * nv * VL + v, v_get(dy + m * lddy + j + v, n - j - v));
      a.b = packed, a.ldb = nv * VL;
    }
    for (size_t i = 0, e = 0, c = 0, t = 0; i < count; i++) {
      const size_t mr = k / count + (i < k % count);
      for (size_t r = 0; r < mr; r++, e++) {
        STAY_SCALAR;
        a.x[r] = x + w->chunk[c] + t;
        a.y[r] = dw + e * lddw + j;
        a.begin[r] = accumulate ? a.y[r] : FN(conv_zeros);
        if (++t == w->length) c++, t = 0;
      }
      a.ahead = accumulate && a.steps >= 32 && e + mr <= k ? mr * lddw : 0; /* dw is cold, a line a row */
      tiles[mr - 1](&a);
    }
  }
}

static void FN(conv_scatter)(const cnn_windows *w, size_t n, const real *dy, const int32_t *from, const real *b, size_t ldb, real *x) {
  int32_t element[KC];
  for (size_t i = 0; i < n && i < KC; i++) element[i] = (int32_t)i;
  for (size_t e = 0; e < n; e += KC) {
    job a = {.step = element, .steps = n - e < KC ? n - e : KC, .ldb = ldb, .adds = 1};
    for (size_t c = 0; c < w->chunks; c++)
      for (size_t j = 0, nv, rows; j < w->length; j += nv * VL) {
        tile_fn *const *tiles = FN(conv_panel)(w->length - j, &nv, &rows, &a.last);
        const size_t count = (w->pixels + rows - 1) / rows;
        a.b = b + e * ldb + c * w->length + j;
        for (size_t i = 0, m = 0; i < count; i++) {
          const size_t mr = w->pixels / count + (i < w->pixels % count);
          for (size_t r = 0; r < mr; r++, m++) {
            STAY_SCALAR;
            a.x[r] = dy + from[m] + e;
            a.y[r] = x + w->pixel[m] + w->chunk[c] + j;
            a.begin[r] = FN(conv_zeros);
          }
          tiles[mr - 1](&a);
        }
      }
  }
}

/* ---- planes. Where a run leaves lanes empty and a mask costs nothing, vectors go on from run to run: a tile is some columns by two
   vectors of pixels, of which both lie in one run or both (`split`) in two. */
typedef struct {
  const real *b, *start;
  size_t ldb, steps, ldy;
  const int32_t *from;
  const real *x[2], *next[2]; /* where lane 0 would be in the run of the first lanes, and in that of the others */
  size_t lanes[2]; /* in the first */
  real *y[2];
} FN(conv_flat_job);
typedef void FN(conv_flat_fn)(const FN(conv_flat_job) * a);

V_INLINE void FN(conv_flat_tile)(const int mr, const int split, const FN(conv_flat_job) * a) {
  const int nv = 2;
  const real *b = a->b;
  const vmask in_first[2] = {v_first(split ? a->lanes[0] : 0), v_first(split ? a->lanes[1] : 0)};
  vreal s[8][2];
  EACH_ROW EACH_VECTOR s[i][j] = a->start ? v_set1(a->start[i]) : v_zero();
  for (const int32_t *from = a->from, *const end = from + a->steps; from < end; from++, b += a->ldb) {
    STAY_SCALAR;
    const ptrdiff_t at = *from;
    vreal v[2];
    EACH_VECTOR v[j] = split ? v_select(in_first[j], v_load(a->x[j] + at), v_load(a->next[j] + at)) : v_load(a->x[j] + at);
    EACH_ROW {
      const vreal u = v_set1(b[i]);
      EACH_VECTOR s[i][j] = v_fma(u, v[j], s[i][j]);
    }
  }
  EACH_ROW EACH_VECTOR v_store(a->y[j] + (size_t)i * a->ldy, s[i][j]);
}

#define EACH_FLAT(T) T(1) T(2) T(3) T(4) T(5) T(6) T(8) /* seven are 4 and 3 */
#define FLAT(mr) \
  static void FN(conv_flat_##mr)(const FN(conv_flat_job) * a) { FN(conv_flat_tile)(mr, 0, a); } \
  static void FN(conv_flat_split_##mr)(const FN(conv_flat_job) * a) { FN(conv_flat_tile)(mr, 1, a); }
EACH_FLAT(FLAT)
#undef FLAT
#define FLAT(mr) [mr - 1] = {MASKED ? FN(conv_flat_##mr) : NULL, MASKED ? FN(conv_flat_split_##mr) : NULL},
static FN(conv_flat_fn) *const FN(conv_flat_tiles)[8][2] = {EACH_FLAT(FLAT)};
#undef FLAT
#undef EACH_FLAT

V_INLINE int FN(conv_is_flat)(const cnn_windows *w, size_t run) {
  return MASKED && run >= VL && w->chunks * w->length <= KC && (w->pixels + VL - 1) / VL < w->pixels / run * ((run + VL - 1) / VL);
}

static void FN(conv_flat)(const cnn_windows *w, size_t run, size_t n, const real *x, const real *b, size_t ldb, const real *start, real *y,
                          size_t ldy) {
  int32_t element[KC];
  FN(conv_flat_job) a[2] = {{.ldb = ldb, .steps = w->chunks * w->length, .ldy = ldy}};
  a->from = FN(conv_elements)(w, 0, a->steps, element);
  for (size_t j0 = 0, mr; j0 < n; j0 += mr) {
    const size_t left = n - j0, tiles = (left + 7) / 8;
    mr = left == 7 ? 4 : (left + tiles - 1) / tiles;
    if (mr == 7) mr = 8;
    a->b = b + j0, a->start = start ? start + j0 : NULL;
    a[1] = a[0];
    size_t found[2] = {0, 0}, in_run = run; /* vectors of a tile that wait for another; pixels that are left of the run */
    for (size_t m = 0; m < w->pixels; m += VL) {
      if (m + VL > w->pixels) m = w->pixels - VL, in_run = run - m % run; /* what was done is done again: the same bits */
      const int split = in_run < VL;
      FN(conv_flat_job) *job_of = &a[split];
      const size_t at = found[split];
      job_of->x[at] = x + w->pixel[m];
      job_of->next[at] = split ? x + w->pixel[m + in_run] - in_run : NULL;
      job_of->lanes[at] = in_run;
      job_of->y[at] = y + j0 * ldy + m;
      if (at) FN(conv_flat_tiles)[mr - 1][split](job_of);
      found[split] = !at;
      in_run = in_run > VL ? in_run - VL : in_run + run - VL;
    }
    for (int split = 0; split < 2; split++)
      if (found[split]) {
        FN(conv_flat_job) *const job_of = &a[split];
        job_of->x[1] = job_of->x[0], job_of->next[1] = job_of->next[0], job_of->lanes[1] = job_of->lanes[0], job_of->y[1] = job_of->y[0];
        FN(conv_flat_tiles)[mr - 1][split](job_of);
      }
  }
}

/* Elsewhere it is conv_tile again: a row a column, lanes along a run of pixels. */
static void FN(conv_planes)(const cnn_windows *w, size_t run, size_t n, const real *x, const real *b, size_t ldb, const real *start,
                            real *y, size_t ldy, int accumulate) {
  enum { WIDTH = 2 * VL };
  if (!accumulate && FN(conv_is_flat)(w, run)) {
    FN(conv_flat)(w, run, n, x, b, ldb, start, y, ldy);
    return;
  }
  real first[10 * WIDTH];
  const size_t k = w->chunks * w->length, most = FN(conv_most_flipped);
  const int again = !MASKED && !accumulate && k <= KC && run >= VL; /* the last vector of a run may go back over pixels that are done */
  size_t e = 0;
  do { /* once even when k is 0 */
    int32_t element[KC], row[KC];
    job a = {.step = row, .steps = k - e < KC ? k - e : KC};
    a.from = FN(conv_elements)(w, e, a.steps, element);
    for (size_t i = 0; i < a.steps; i++) row[i] = (int32_t)((e + i) * ldb);
    for (size_t j0 = 0, mr; j0 < n; j0 += mr) {
      mr = n - j0 < most ? n - j0 : most;
      for (size_t j = 0; j < mr && start; j++)
        for (size_t i = 0; i < WIDTH; i += VL) v_store(first + j * WIDTH + i, v_set1(start[j0 + j]));
      for (size_t j = 0; j < mr; j++) a.x[j] = b + j0 + j;
      for (size_t m = 0; m < w->pixels; m += run)
        for (size_t i = 0, nv, rows; i < run; i += (nv - 1) * VL + a.last) {
          if (again && run - i < VL) i = run - VL;
          tile_fn *tile = FN(conv_panel)(run - i < WIDTH ? run - i : WIDTH, &nv, &rows, &a.last)[mr - 1];
          a.b = x + w->pixel[m] + i;
          for (size_t j = 0; j < mr; j++) {
            STAY_SCALAR;
            a.y[j] = y + (j0 + j) * ldy + m + i;
            a.begin[j] = accumulate || e ? a.y[j] : start ? first + j * WIDTH : FN(conv_zeros);
          }
          tile(&a);
        }
    }
    e += a.steps;
  } while (e < k);
}

/* Outer: each lane has a sum of its own, of elements of the window by planes of dy. */
typedef struct {
  const real *x[4], *dy;
  const int32_t *pixel;
  size_t pixels, run, lddy, lddw;
  real *dw[4];
  int accumulate;
} FN(conv_dots_job);
typedef void dots_fn(const FN(conv_dots_job) * a);
enum { FN(conv_dots_rows) = FN(conv_many) ? 4 : 2, FN(conv_dots_columns) = FN(conv_many) || VL * sizeof(real) == 32 ? 6 : 4 };

V_INLINE void FN(conv_dots)(const int mr, const int n, const FN(conv_dots_job) * a) {
  const size_t run = a->run, lddy = a->lddy;
  const real *x[4], *dy = a->dy;
  vreal s[4][6], sums[4 * 6];
#define EACH_ELEMENT _Pragma("GCC unroll 4") for (int i = 0; i < mr; i++)
#define EACH_PLANE _Pragma("GCC unroll 6") for (int j = 0; j < n; j++)
#define STEP(load, ...) \
  { \
    vreal u[4]; \
    EACH_ELEMENT u[i] = load(x[i] + at + t, ##__VA_ARGS__); \
    EACH_PLANE { \
      if (CONV_ARM) STAY_SCALAR; /* GCC would load all planes first, and have two of the sums in memory */ \
      const vreal v = load(dy + (size_t)j * lddy + t, ##__VA_ARGS__); \
      EACH_ELEMENT s[i][j] = v_fma(u[i], v, s[i][j]); \
    } \
  }
  EACH_ELEMENT EACH_PLANE s[i][j] = v_zero();
  EACH_ELEMENT x[i] = a->x[i];
  for (size_t m = 0; m < a->pixels; m += run, dy += run) {
    const ptrdiff_t at = a->pixel[m];
    size_t t = 0;
    for (; t + VL <= run; t += VL) STEP(v_load)
    if (VL > 1 && t < run) STEP(v_load_n, run - t)
  }
  EACH_ELEMENT EACH_PLANE sums[i * n + j] = s[i][j];
  _Pragma("GCC unroll 1") for (int e = 0; e < mr * n; e++) { /* a loop: dozens of these sums in a row are a kilobyte */
    real *dw = a->dw[e / n] + e % n;
    *dw = v_sum(sums[e]) + (a->accumulate ? *dw : 0);
  }
#undef STEP
#undef EACH_ELEMENT
#undef EACH_PLANE
}

#define EACH_DOTS(T) T(1) T(2) T(3) T(4) T(5) T(6)
#define DOTS(n) \
  static void FN(conv_dots_##n)(const FN(conv_dots_job) * a) { FN(conv_dots)(FN(conv_dots_rows), n, a); } \
  static void FN(conv_dots_one_##n)(const FN(conv_dots_job) * a) { FN(conv_dots)(1, n, a); }
EACH_DOTS(DOTS)
#undef DOTS
#define DOTS(n) \
  [n - 1] = {n <= FN(conv_dots_columns) ? FN(conv_dots_one_##n) : NULL, n <= FN(conv_dots_columns) ? FN(conv_dots_##n) : NULL},
static dots_fn *const FN(conv_dots_tiles)[6][2] = {EACH_DOTS(DOTS)};
#undef DOTS
#undef EACH_DOTS

static void FN(conv_planes_outer)(const cnn_windows *w, size_t run, size_t n, const real *x, const real *dy, size_t lddy, real *dw,
                                  size_t lddw, int accumulate) {
  const size_t k = w->chunks * w->length, most = FN(conv_dots_columns), count = (n + most - 1) / most;
  FN(conv_dots_job) a = {.pixel = w->pixel, .pixels = w->pixels, .run = run, .lddy = lddy, .accumulate = accumulate};
  for (size_t g = 0, j = 0, columns; g < count; g++, j += columns) {
    columns = n / count + (g < n % count);
    a.dy = dy + j * lddy;
    for (size_t e = 0, c = 0, t = 0, mr; e < k; e += mr) {
      mr = k - e >= FN(conv_dots_rows) ? FN(conv_dots_rows) : 1;
      for (size_t i = 0; i < mr; i++) {
        a.x[i] = x + w->chunk[c] + t;
        a.dw[i] = dw + (e + i) * lddw + j;
        if (++t == w->length) c++, t = 0;
      }
      FN(conv_dots_tiles)[columns - 1][mr > 1](&a);
    }
  }
}

#undef LOAD
#undef STORE
#undef EACH_ROW
#undef EACH_VECTOR
#undef ROW_AFTER_ROW

#undef UP_TO_6
#undef UP_TO_8
#undef UP_TO_10

#undef NV
#undef MASKED
#undef KC
#undef ROWS_1
#undef ROWS_2
#undef ROWS_3
#undef ROWS_4
#undef job
#undef tile_fn
#undef dots_fn
#undef CONV_ARM
