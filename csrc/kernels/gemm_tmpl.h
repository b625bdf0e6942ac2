/* gemm: c (+)= op(a) op(b), every output one multiply-add chain in ascending k.

   Vector lanes lie along n or m and never along k, so the chain of an output does not depend on where it lies: tiles, edges and
   blocks of k change the schedule, not one bit. The way is a function of shape alone:

     narrow   scalar tiles of at most 4 x 4, any strides, nothing packed: one column, tiny products, and the odd columns of
              instruction sets without masks
     flipped  a stored (k, m) and few columns: the transposed product, lanes along m
     turned   b stored (n, k) and few rows: the transposed product too, lanes along m; a is packed, not b, which is read once
     in place b stored (k, n) is read where it lies
     packed   a block of b, KC x NC, is copied to scratch first, in panels as wide as the tile: always when b is stored (n, k), and
              when many rows go through a wide b. Long rows of a stored (k, m) are packed too when they go through many panels.

   The vector tile keeps MR x NV accumulators in registers for a whole block of k: it loads NV vectors of b and broadcasts one a for
   each row. As few rows as that are few enough streams to read a in place. */
#if defined(__aarch64__) || defined(_M_ARM64)
#define GEMM_ARM 1
#else
#define GEMM_ARM 0
#endif
#define GEMM_SHUFFLES 0
#ifdef __has_builtin
#if __has_builtin(__builtin_shufflevector) /* Clang, and GCC from 12 on */
#undef GEMM_SHUFFLES
#define GEMM_SHUFFLES 1
#endif
#endif
#if defined(__GNUC__) || defined(__clang__)
#define PREFETCH(p) __builtin_prefetch(p, 1)
#define PREFETCH_READ(p) __builtin_prefetch(p)
#else
#define PREFETCH(p) ((void)(p))
#define PREFETCH_READ(p) ((void)(p))
#endif

#define MR FN(gemm_mr)
#define NV FN(gemm_nv)
#define NC FN(gemm_nc)
#define KC FN(gemm_kc)
#define MC FN(gemm_mc)
#define RUN FN(gemm_run)
#define MASKS FN(gemm_masks)
#define FREE_MASKS FN(gemm_free_masks)
#define tile_fn FN(gemm_tile_fn)

enum {
  FN(gemm_many) = VL * sizeof(real) == 64 || (GEMM_ARM && VL > 1), /* 32 vector registers, not 16 */
  MASKS = VL * sizeof(real) >= 32,                                 /* loads and stores of some lanes cost no more than whole ones */
  FREE_MASKS = VL * sizeof(real) == 64,                            /* one tile for both: nothing is gained by a second */
  MR = MASKS      ? 6
  : FN(gemm_many) ? 5
                  : 4, /* Arm: five, for GCC keeps every a of a step in a register of its own */
  NV = FN(gemm_many) ? 4 : 2,
  KC = 1024,                    /* at most, in blocks as even as possible */
  NC = 1024 / sizeof(real),     /* KC x NC of b: 1 MB, in panels of at most 256 KB */
  RUN = 256 / sizeof(real),     /* of a row of b, at least, that is packed at a time */
  MC = 384 / sizeof(real)       /* MC x KC of a: 384 KB, in the second cache while it goes through the panels of b */
};
/* A packed tile of a, and a line: so that the tiles, which are written side by side, are not in the same sets of the first cache. */
#define A_TILE(k) (MR * (k) + 64 / sizeof(real))

/* a b + c in one lane, rounded as v_fma of this instruction set does. */
V_INLINE real FN(s_fma)(real a, real b, real c) {
  if (MASKS || (GEMM_ARM && VL > 1)) return REAL_BITS == 32 ? (real)fmaf((float)a, (float)b, (float)c) : (real)fma(a, b, c);
  return a * b + c;
}

/* ---- narrow: mr x nc outputs (at most 8 chains or 4 x 4), a strided by (ar, ak) and b by (bk, bc). */
V_INLINE void FN(gemm_dots)(const size_t mr, const size_t nc, size_t k, const real *a, size_t ar, size_t ak, const real *b, size_t bk,
                            size_t bc, real *c, size_t ldc, const real *from, size_t ldf) {
  real s[8][4];
#pragma GCC unroll 8
  for (size_t i = 0; i < mr; i++)
#pragma GCC unroll 4
    for (size_t j = 0; j < nc; j++) s[i][j] = from ? from[i * ldf + j] : 0;
  for (; k; k--, a += ak, b += bk) {
    STAY_SCALAR;
#pragma GCC unroll 8
    for (size_t i = 0; i < mr; i++)
#pragma GCC unroll 4
      for (size_t j = 0; j < nc; j++) s[i][j] = FN(s_fma)(a[i * ar], b[j * bc], s[i][j]);
  }
#pragma GCC unroll 8
  for (size_t i = 0; i < mr; i++)
#pragma GCC unroll 4
    for (size_t j = 0; j < nc; j++) c[i * ldc + j] = s[i][j];
}

static void FN(gemm_narrow)(size_t m, size_t n, size_t k, const real *a, size_t ar, size_t ak, const real *b, size_t bk, size_t bc, real *c,
                            size_t ldc, const real *from, size_t ldf) {
  for (; n; n -= n < 4 ? n : 4, b += 4 * bc, c += 4, from += from ? 4 : 0) {
    size_t i = 0;
#define ROWS_OF(mr, nc) \
  for (; i + mr <= m; i += mr) FN(gemm_dots)(mr, nc, k, a + i * ar, ar, ak, b, bk, bc, c + i * ldc, ldc, from ? from + i * ldf : NULL, ldf)
#define COLUMNS(nc) ROWS_OF(4, nc); ROWS_OF(1, nc)
    switch (n) {
      case 1:
        ROWS_OF(8, 1);
        COLUMNS(1);
        break;
      case 2: COLUMNS(2); break;
      case 3: COLUMNS(3); break;
      default: COLUMNS(4);
    }
#undef COLUMNS
#undef ROWS_OF
  }
}

/* ---- the vector tile: mr x nv vectors; `some`: of the last vector of each row only `last` lanes exist. */
typedef void tile_fn(size_t k, const real *a, size_t ar, size_t ak, const real *b, size_t ldb, real *c, size_t ldc, size_t last,
                     const real *from, size_t ldf);

V_INLINE void FN(gemm_tile)(const int mr, const int nv, const int some, size_t k, const real *a, size_t ar, size_t ak, const real *b,
                            size_t ldb, real *c, size_t ldc, size_t last, const real *from, size_t ldf) {
#define AT(p, j) (some && (j) == nv - 1 ? v_load_n((p) + (j) * VL, last) : v_load((p) + (j) * VL))
  vreal s[6][4]; /* of one size for all: GCC leaves s[mr][nv] in memory */
#pragma GCC unroll 6
  for (int i = 0; i < mr; i++)
#pragma GCC unroll 4
    for (int j = 0; j < nv; j++) s[i][j] = from ? AT(from + i * ldf, j) : v_zero();
  if (k >= 64) /* the next tile's c is one cold line a row: have it when its turn comes */
#pragma GCC unroll 6
    for (int i = 0; i < mr; i++)
#pragma GCC unroll 4
      for (int j = 0; j < nv; j += MASKS && NV > 2 ? 1 : 2) PREFETCH(c + (mr + i) * ldc + j * VL);
  for (; k; k--, a += ak, b += ldb) {
    vreal row[4];
#pragma GCC unroll 4
    for (int j = 0; j < nv; j++) row[j] = AT(b, j);
#pragma GCC unroll 6
    for (int i = 0; i < mr; i++) {
      vreal x = v_set1(a[i * ar]);
#pragma GCC unroll 4
      for (int j = 0; j < nv; j++) s[i][j] = v_fma(x, row[j], s[i][j]);
    }
  }
#pragma GCC unroll 6
  for (int i = 0; i < mr; i++)
#pragma GCC unroll 4
    for (int j = 0; j < nv; j++)
      if (some && j == nv - 1) v_store_n(c + i * ldc + j * VL, s[i][j], last);
      else v_store(c + i * ldc + j * VL, s[i][j]);
#undef AT
}

#define EACH_ROWS(T, nv) T(1, nv) T(2, nv) T(3, nv) T(4, nv) T(5, nv) T(6, nv)
#define EACH_TILE(T) EACH_ROWS(T, 1) EACH_ROWS(T, 2) EACH_ROWS(T, 3) EACH_ROWS(T, 4)
#define TILE(mr, nv) \
  static void FN(gemm_tile_##mr##x##nv)(size_t k, const real *a, size_t ar, size_t ak, const real *b, size_t ldb, real *c, \
                                        size_t ldc, size_t last, const real *from, size_t ldf) { \
    FN(gemm_tile)(mr, nv, 0, k, a, ar, ak, b, ldb, c, ldc, last, from, ldf); \
  } \
  static void FN(gemm_some_##mr##x##nv)(size_t k, const real *a, size_t ar, size_t ak, const real *b, size_t ldb, real *c, \
                                        size_t ldc, size_t last, const real *from, size_t ldf) { \
    FN(gemm_tile)(mr, nv, 1, k, a, ar, ak, b, ldb, c, ldc, last, from, ldf); \
  }
EACH_TILE(TILE)
#undef TILE

/* [some][nv - 1][mr - 1]; what this instruction set cannot hold in registers is not referred to, and so not compiled in. */
static tile_fn *const FN(gemm_tiles)[2][4][6] = {
#define TILE(mr, nv) \
  [0][nv - 1][mr - 1] = mr > MR || nv > NV ? NULL : FREE_MASKS ? FN(gemm_some_##mr##x##nv) : FN(gemm_tile_##mr##x##nv),
    EACH_TILE(TILE)
#undef TILE
#define TILE(mr, nv) [1][nv - 1][mr - 1] = mr <= MR && nv <= NV && MASKS ? FN(gemm_some_##mr##x##nv) : NULL,
        EACH_TILE(TILE)
#undef TILE
};
#undef EACH_TILE
#undef EACH_ROWS

/* m rows through one panel of nv vectors: of a packed in tiles (pack_tiles), or in tiles as even as possible: 32 rows are 6 6 5 5 5 5,
   not five sixes and a two. */
static void FN(gemm_panel)(size_t m, size_t nv, size_t k, int packed, const real *a, size_t ar, size_t ak, const real *b, size_t ldb,
                           real *c, size_t ldc, size_t last, const real *from, size_t ldf) {
  tile_fn *const *tiles = FN(gemm_tiles)[last < VL][nv - 1];
  const size_t count = (m + MR - 1) / MR, rows = packed ? MR : m / count, longer = packed ? 0 : m % count;
  for (size_t t = 0, mr; m; m -= mr, t++) {
    mr = rows + (t < longer) < m ? rows + (t < longer) : m;
    tiles[mr - 1](k, a, ar, ak, b, ldb, c, ldc, last, from, ldf);
    a += packed ? A_TILE(k) : mr * ar;
    c += mr * ldc;
    if (from) from += mr * ldf;
  }
}

/* ---- flipped: c^T = op(b)^T a for a stored (k, m) and few columns n: lanes along m, where both have their elements in a row. */
static void FN(gemm_flipped)(size_t m, size_t n, size_t k, const real *a, size_t lda, const real *b, size_t bk, size_t bc, real *c,
                             size_t ldc, const real *from, size_t ldf) {
  enum { WIDTH = NV * VL };
  real t[8 * WIDTH]; /* (n, WIDTH) of c^T */
  const size_t odd = MASKS ? 0 : m % VL;
  m -= odd;
  if (odd) FN(gemm_narrow)(odd, n, k, a + m, 1, lda, b, bk, bc, c + m * ldc, ldc, from ? from + m * ldf : NULL, ldf);
  for (size_t i = 0; i < m; i += WIDTH, c += WIDTH * ldc) {
    const size_t lanes = m - i < WIDTH ? m - i : WIDTH, nv = (lanes + VL - 1) / VL;
    if (from)
      for (size_t r = 0; r < lanes; r++)
        for (size_t j = 0; j < n; j++) t[j * WIDTH + r] = from[(i + r) * ldf + j];
    FN(gemm_panel)(n, nv, k, 0, b, bc, bk, a + i, lda, t, WIDTH, lanes - (nv - 1) * VL, from ? t : NULL, WIDTH);
    for (size_t r = 0; r < lanes; r++)
      for (size_t j = 0; j < n; j++) c[r * ldc + j] = t[j * WIDTH + r];
  }
}

/* ---- packing: to (k, width), rows `stride` apart, from b stored (k, width), or (width, k) when tb.
   Transposed in squares of 16 bytes, or with 256-bit vectors two squares at once, one in each half: shuffles that cross the halves
   are slow. LOW and HIGH interleave single lanes. */
#define SQUARE ((int)(16 / sizeof(real)))
#if GEMM_SHUFFLES
#define MIX(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
typedef real FN(pack_16) __attribute__((vector_size(16)));
typedef real FN(pack_32) __attribute__((vector_size(32)));

V_INLINE void FN(pack_square)(const real *b, size_t ldb, real *to, size_t stride) {
  FN(pack_16) r[4], t[4];
#pragma GCC unroll 4
  for (int i = 0; i < SQUARE; i++) memcpy(&r[i], b + i * ldb, 16);
#if REAL_BITS == 32
#define LOW(x, y) MIX(x, y, 0, 4, 1, 5)
#define HIGH(x, y) MIX(x, y, 2, 6, 3, 7)
  t[0] = LOW(r[0], r[2]), t[1] = HIGH(r[0], r[2]), t[2] = LOW(r[1], r[3]), t[3] = HIGH(r[1], r[3]);
  r[0] = LOW(t[0], t[2]), r[1] = HIGH(t[0], t[2]), r[2] = LOW(t[1], t[3]), r[3] = HIGH(t[1], t[3]);
#else
#define LOW(x, y) MIX(x, y, 0, 2)
#define HIGH(x, y) MIX(x, y, 1, 3)
  t[0] = LOW(r[0], r[1]), t[1] = HIGH(r[0], r[1]);
  r[0] = t[0], r[1] = t[1];
#endif
#undef LOW
#undef HIGH
#pragma GCC unroll 4
  for (int i = 0; i < SQUARE; i++) memcpy(to + i * stride, &r[i], 16);
}

V_INLINE void FN(pack_two_squares)(const real *b, size_t ldb, real *to, size_t stride) {
  FN(pack_32) r[4], t[4];
#pragma GCC unroll 4
  for (int i = 0; i < SQUARE; i++) {
    FN(pack_16) x, y;
    memcpy(&x, b + i * ldb, 16);
    memcpy(&y, b + (i + SQUARE) * ldb, 16);
#if REAL_BITS == 32
    r[i] = MIX(x, y, 0, 1, 2, 3, 4, 5, 6, 7);
#else
    r[i] = MIX(x, y, 0, 1, 2, 3);
#endif
  }
#if REAL_BITS == 32
#define LOW(x, y) MIX(x, y, 0, 8, 1, 9, 4, 12, 5, 13)
#define HIGH(x, y) MIX(x, y, 2, 10, 3, 11, 6, 14, 7, 15)
  t[0] = LOW(r[0], r[2]), t[1] = HIGH(r[0], r[2]), t[2] = LOW(r[1], r[3]), t[3] = HIGH(r[1], r[3]);
  r[0] = LOW(t[0], t[2]), r[1] = HIGH(t[0], t[2]), r[2] = LOW(t[1], t[3]), r[3] = HIGH(t[1], t[3]);
#else
#define LOW(x, y) MIX(x, y, 0, 4, 2, 6)
#define HIGH(x, y) MIX(x, y, 1, 5, 3, 7)
  t[0] = LOW(r[0], r[1]), t[1] = HIGH(r[0], r[1]);
  r[0] = t[0], r[1] = t[1];
#endif
#undef LOW
#undef HIGH
#pragma GCC unroll 4
  for (int i = 0; i < SQUARE; i++) memcpy(to + i * stride, &r[i], 32);
}

#undef MIX
#else
V_INLINE void FN(pack_square)(const real *b, size_t ldb, real *to, size_t stride) {
#pragma GCC unroll 4
  for (int j = 0; j < SQUARE; j++)
#pragma GCC unroll 4
    for (int i = 0; i < SQUARE; i++) to[j * stride + i] = b[i * ldb + j];
}

V_INLINE void FN(pack_two_squares)(const real *b, size_t ldb, real *to, size_t stride) {
  FN(pack_square)(b, ldb, to, stride);
  FN(pack_square)(b + SQUARE * ldb, ldb, to + SQUARE, stride);
}
#endif

V_INLINE void FN(pack_few)(const int width, size_t k, const real *b, size_t ldb, real *to, size_t stride) {
  for (size_t p = 0; p < k; p++) {
    STAY_SCALAR;
#pragma GCC unroll 4
    for (int i = 0; i < width; i++) to[p * stride + (size_t)i] = b[(size_t)i * ldb + p];
  }
}

V_APART void FN(pack)(int tb, size_t k, size_t width, const real *b, size_t ldb, real *to, size_t stride) {
  if (!tb) {
    for (; k; k--, b += ldb, to += stride)
      for (size_t j = 0; j < width; j += VL) v_put(to + j, v_get(b + j, width - j), width - j);
    return;
  }
  enum { STEP = MASKS ? 2 * SQUARE : SQUARE };
  const size_t lines = stride * sizeof(real) % 1024 ? 64 : 8; /* at a time stay in the first cache until whole; these share few sets */
  for (size_t p0 = 0; p0 < k; p0 += lines) {
    const size_t p1 = k - p0 < lines ? k : p0 + lines;
    size_t j = 0;
    for (; j + STEP <= width; j += STEP) {
      const real *from = b + j * ldb;
      size_t p = p0;
      for (size_t i = 0; i < STEP && p1 < k; i++) /* runs too short for the processor to see what comes next */
        for (size_t q = p1; q < p1 + lines && q < k; q += 64 / sizeof(real)) PREFETCH_READ(from + i * ldb + q);
      for (; p + SQUARE <= p1; p += SQUARE)
        if (MASKS) FN(pack_two_squares)(from + p, ldb, to + p * stride + j, stride);
        else FN(pack_square)(from + p, ldb, to + p * stride + j, stride);
      for (; p < p1; p++)
        for (size_t i = 0; i < STEP; i++) to[p * stride + j + i] = from[i * ldb + p];
    }
    for (; j + SQUARE <= width; j += SQUARE) {
      size_t p = p0;
      for (; p + SQUARE <= p1; p += SQUARE) FN(pack_square)(b + j * ldb + p, ldb, to + p * stride + j, stride);
      for (; p < p1; p++) FN(pack_few)(SQUARE, 1, b + j * ldb + p, ldb, to + p * stride + j, stride);
    }
    switch (width - j) {
      case 3: FN(pack_few)(3, p1 - p0, b + j * ldb + p0, ldb, to + p0 * stride + j, stride); break;
      case 2: FN(pack_few)(2, p1 - p0, b + j * ldb + p0, ldb, to + p0 * stride + j, stride); break;
      case 1: FN(pack_few)(1, p1 - p0, b + j * ldb + p0, ldb, to + p0 * stride + j, stride);
    }
  }
}
#undef SQUARE

/* a stored (k, m) to tiles of MR rows, k of them after another. */
static void FN(pack_tiles)(size_t m, size_t k, const real *a, size_t lda, real *to) {
  for (size_t p = 0; p < k; p++, a += lda, to += MR) {
    size_t i = 0;
    real *t = to;
    for (; i + MR <= m; i += MR, t += A_TILE(k)) memcpy(t, a + i, MR * sizeof(real));
    for (; i < m; i++) *t++ = a[i];
  }
}

/* Some panels of b stored (k, n): what a row has of them is read in one run, for the processor does not see runs coming that are a page
   apart. */
static void FN(pack_panels)(size_t n, size_t k, const real *b, size_t ldb, real *to) {
  for (size_t p = 0; p < k; p++, b += ldb)
    for (size_t j = 0; j < n; j += NV * VL) {
      const size_t width = n - j < NV * VL ? n - j : NV * VL, stride = (width + VL - 1) / VL * VL;
      real *t = to + j * k + p * stride;
      for (size_t v = 0; v < width; v += 64 / sizeof(real)) PREFETCH_READ(b + 8 * ldb + j + v);
      for (size_t v = 0; v < width; v += VL) v_put(t + v, v_get(b + j + v, width - v), width - v);
    }
}

/* ---- turned: c^T = b a^T for b stored (n, k) and one panel of rows of a: lanes along m. Scratch: a block of a^T, and all of c^T. */
enum { FN(gemm_turn) = 256 }; /* of k at a time: that block of a^T in the first cache */

static void FN(gemm_turned)(size_t m, size_t n, size_t k, const real *a, size_t lda, const real *b, size_t ldb, real *c, size_t ldc,
                            int accumulate, const real *from, real *scratch) {
  const size_t nv = (m + VL - 1) / VL, stride = nv * VL;
  real *const turned = scratch + FN(gemm_turn) * stride;
  if (accumulate) FN(pack)(1, n, m, c, ldc, turned, stride);
  else if (from)
    for (size_t j = 0; j < n; j++)
      for (size_t v = 0; v < nv; v++) v_store(turned + j * stride + v * VL, v_set1(from[j]));
  for (size_t p = 0; p < k; p += FN(gemm_turn)) {
    const size_t kc = k - p < FN(gemm_turn) ? k - p : FN(gemm_turn);
    FN(pack)(1, kc, m, a + p, lda, scratch, stride);
    FN(gemm_panel)(n, nv, kc, 0, b + p, ldb, 1, scratch, stride, turned, stride, m - (nv - 1) * VL, p || from ? turned : NULL, stride);
  }
  FN(pack)(1, m, n, turned, stride, c, ldc);
}

/* ---- which way */
V_INLINE int FN(gemm_turns)(int ta, int tb, size_t n, size_t k) { return !ta && tb && MASKS && n >= 32 && k >= 128; }
V_INLINE int FN(gemm_is_turned)(int ta, int tb, size_t m, size_t n, size_t k) {
  const size_t lanes = (m + VL - 1) / VL * VL;
  return FN(gemm_turns)(ta, tb, n, k) && lanes <= NV * VL && 4 * m >= 3 * lanes;
}
V_INLINE int FN(gemm_is_flipped)(int ta, size_t m, size_t n, size_t k) {
  return ta && n <= 8 && m >= VL && k >= 4 && n * ((m + VL - 1) / VL) < m * ((n + VL - 1) / VL);
}
V_INLINE int FN(gemm_is_narrow)(int tb, size_t m, size_t n, size_t k) {
  return n == 1 || (tb && m * n <= 16) || m * n * k <= 64 || (!MASKS && n < VL);
}
V_INLINE int FN(gemm_packs_b)(int tb, size_t m, size_t n, size_t k) { return tb || (m >= 128 && n * sizeof(real) >= 2048 && k >= 64); }
/* (k, m) with long rows: a tile takes a few elements of each, and what is a page apart falls into few sets of the caches. Pays when a
   goes through many panels. */
V_INLINE int FN(gemm_packs_a)(int ta, size_t m, size_t n, size_t k) {
  return ta && m * sizeof(real) >= 2048 && n >= 16 * NV * VL && k >= 64;
}
/* Of b in scratch, k times columns: one panel when all rows go through it at once. Where a is packed it is packed anew for every such
   block, so that one is wider, and less deep. */
V_INLINE size_t FN(gemm_most)(int packs_a, size_t k) { return packs_a ? (k < KC / 2 ? k : KC / 2) : k < KC ? k : KC; }
V_INLINE size_t FN(gemm_depth)(int packs_a, size_t k) {
  const size_t most = FN(gemm_most)(packs_a, k), blocks = most ? (k + most - 1) / most : 0;
  return blocks ? (k + blocks - 1) / blocks : 0;
}
V_INLINE size_t FN(gemm_width)(int packs_a, size_t m, size_t n) {
  const size_t most = m <= MC ? NV * VL : packs_a ? 4 * NC : NC;
  return n < most ? (n + VL - 1) / VL * VL : most;
}
V_INLINE size_t FN(gemm_a_size)(size_t depth) { return (MC + MR - 1) / MR * A_TILE(depth); }

/* For up to m rows, up to n columns: with fewer another way may be taken. */
static size_t FN(gemm_scratch)(int ta, int tb, size_t m, size_t n, size_t k) {
  const size_t rows = m < NV * VL ? m : NV * VL, turned = FN(gemm_turns)(ta, tb, n, k);
  const size_t turning = turned ? (rows + VL - 1) / VL * VL * (FN(gemm_turn) + n) : 0;
  if (!tb && (FN(gemm_is_flipped)(ta, m, n, k) || FN(gemm_is_narrow)(tb, m, n, k))) return 0;
  const int packs_b = FN(gemm_packs_b)(tb, m, n, k);
  size_t packing = packs_b ? FN(gemm_width)(0, m, n) * FN(gemm_most)(0, k) : 0;
  if (FN(gemm_packs_a)(ta, m, n, k)) {
    const size_t depth = FN(gemm_most)(1, k), both = (packs_b ? FN(gemm_width)(1, m, n) * depth : 0) + FN(gemm_a_size)(depth);
    packing = both > packing ? both : packing;
  }
  return packing > turning ? packing : turning;
}

static void FN(gemm)(int ta, int tb, size_t m, size_t n, size_t k, const real *a, size_t lda, const real *b, size_t ldb, real *c,
                     size_t ldc, int accumulate, const real *start, real *scratch) {
  if (!m || !n) return;
  const real *const from = accumulate ? c : start;
  const size_t ldf = accumulate ? ldc : 0;
  const size_t ar = ta ? 1 : lda, ak = ta ? lda : 1, bk = tb ? 1 : ldb, bc = tb ? ldb : 1;
  if (FN(gemm_is_flipped)(ta, m, n, k)) {
    FN(gemm_flipped)(m, n, k, a, lda, b, bk, bc, c, ldc, from, ldf);
    return;
  }
  if (FN(gemm_is_narrow)(tb, m, n, k)) {
    FN(gemm_narrow)(m, n, k, a, ar, ak, b, bk, bc, c, ldc, from, ldf);
    return;
  }
#ifdef HALF
  if (n <= VL / 2 || (FN(gemm_turns)(ta, tb, n, k) && m <= VL / 2 && 8 * m >= 3 * VL)) { /* its scratch is no larger */
    NARROWER.gemm(ta, tb, m, n, k, a, lda, b, ldb, c, ldc, accumulate, start, scratch);
    return;
  }
#endif
  if (FN(gemm_is_turned)(ta, tb, m, n, k)) {
    FN(gemm_turned)(m, n, k, a, lda, b, ldb, c, ldc, accumulate, from, scratch);
    return;
  }
  const int packs_a = FN(gemm_packs_a)(ta, m, n, k), packs_b = FN(gemm_packs_b)(tb, m, n, k);
  const size_t depth = FN(gemm_depth)(packs_a, k), columns = FN(gemm_width)(packs_a, m, n);
  real *const a_copy = packs_b ? scratch + columns * depth : scratch;
  const size_t odd = MASKS ? 0 : n % VL;
  n -= odd;
  if (odd) FN(gemm_narrow)(m, odd, k, a, ar, ak, b + n * bc, bk, bc, c + n, ldc, from ? from + n : NULL, ldf);
  for (size_t j0 = 0; j0 < n; j0 += columns) {
    const size_t j1 = n - j0 < columns ? n : j0 + columns;
    size_t p = 0;
    do { /* once even when k is 0 */
      const size_t kc = k - p < depth ? k - p : depth;
      for (size_t i = 0, mc; i < m; i += mc) {
        mc = m - i < MC ? m - i : MC;
        const real *rows = a + i * ar + p * ak;
        if (packs_a) FN(pack_tiles)(mc, kc, rows, lda, a_copy), rows = a_copy;
        for (size_t j = j0; j < j1; j += NV * VL) {
          const size_t width = j1 - j < NV * VL ? j1 - j : NV * VL, nv = (width + VL - 1) / VL, last = width - (nv - 1) * VL;
          const real *panel = b + p * bk + j * bc;
          size_t stride = ldb;
          if (packs_b) {
            real *b_copy = scratch + (j - j0) * kc;
            stride = nv * VL;
            if (i == 0 && tb) FN(pack)(1, kc, width, panel, ldb, b_copy, stride); /* just before its first use */
            else if (i == 0 && (j - j0) % RUN == 0) FN(pack_panels)(j1 - j < RUN ? j1 - j : RUN, kc, panel, ldb, b_copy);
            panel = b_copy;
          }
          real *to = c + i * ldc + j;
          const real *first = p ? to : from ? from + i * ldf + j : NULL;
          FN(gemm_panel)(mc, nv, kc, packs_a, rows, packs_a ? 1 : ar, packs_a ? MR : ak, panel, stride, to, ldc, last, first,
                         p ? ldc : ldf);
        }
      }
      p += kc;
    } while (p < k);
  }
}

#undef MR
#undef NV
#undef NC
#undef KC
#undef MC
#undef RUN
#undef A_TILE
#undef MASKS
#undef FREE_MASKS
#undef tile_fn
#undef GEMM_ARM
#undef GEMM_SHUFFLES
