/* winograd_*: 3x3 convolutions of stride 1 with fewer multiplications, F(2x2, 3x3): Lavin and Gray, "Fast algorithms for convolutional neural
   networks", 2015. An image is cut into tiles of 2x2 outputs, each of which sees 4x4 inputs:

     y = A^T ((G g G^T) * (B^T d B)) A          * by element: for each of the 16 elements a product, pixels x channels x filters

   2.25 times fewer multiply-adds than conv_forward, and the error is no larger than that of one long chain (F(4x4, 3x3) has 4 times fewer,
   and in float32 some 5 times the error). Bands of tile rows, so that what the products read and write stays in the second cache; an output
   depends on its own tile only, and so not on the band. Lanes are channels. */
#define BAND FN(winograd_band)
enum { BAND = 512 * 1024 / sizeof(real) }; /* elements of a band before and after the products */

/* B^T d */
V_INLINE void FN(winograd_in)(vreal *d) {
  const vreal low = v_sub(d[0], d[2]), sum = v_add(d[1], d[2]), difference = v_sub(d[2], d[1]);
  d[3] = v_sub(d[1], d[3]);
  d[0] = low, d[1] = sum, d[2] = difference;
}

/* A^T d: the first 2 of d */
V_INLINE void FN(winograd_out)(vreal *d) {
  const vreal sum = v_add(d[1], d[2]), difference = v_sub(d[1], d[2]);
  d[0] = v_add(d[0], sum);
  d[1] = v_sub(difference, d[3]);
}

/* G g: 4 of 3 */
V_INLINE void FN(winograd_of_weights)(vreal *d) {
  const vreal last = d[2], half = v_set1((real)0.5), even = v_mul(half, v_add(d[0], last)), odd = v_mul(half, d[1]);
  d[1] = v_add(even, odd), d[2] = v_sub(even, odd), d[3] = last;
}

/* One vector of channels. some: not all of it exists, and of the tile only rows x columns. */
#define EACH(i, n) _Pragma("GCC unroll 4") for (int i = 0; i < (n); i++)
#define ONE_BY_ONE(i, n) _Pragma("GCC unroll 1") for (int i = 0; i < (n); i++) /* less code, and as fast: d is in memory anyway */
#define LOAD(p) (some ? FN(winograd_get)(p, lanes) : v_load(p))
#define STORE(p, v) (some ? FN(winograd_put)(p, v, lanes) : v_store(p, v))

static vreal FN(winograd_get)(const real *p, size_t lanes) { return v_get(p, lanes); }
static void FN(winograd_put)(real *p, vreal v, size_t lanes) { v_put(p, v, lanes); }

/* x: columns `step` apart, rows ldx, to v (16, ld) */
V_INLINE void FN(winograd_input)(const int some, size_t lanes, int rows, int columns, const real *x, size_t step, size_t ldx, real *v,
                                 size_t ld) {
  vreal d[4][4];
  ONE_BY_ONE(p, 4) {
    EACH(q, 4) d[p][q] = some && (p >= rows || q >= columns) ? v_zero() : LOAD(x + (size_t)p * ldx + (size_t)q * step);
    FN(winograd_in)(d[p]);
  }
  ONE_BY_ONE(q, 4) {
    vreal t[4];
    EACH(p, 4) t[p] = d[p][q];
    FN(winograd_in)(t);
    EACH(p, 4) STORE(v + (size_t)(4 * p + q) * ld, t[p]);
  }
}

V_INLINE void FN(winograd_output)(const int some, size_t lanes, int rows, int columns, const real *v, size_t ld, const real *start, real *y,
                                  size_t step, size_t ldy, int accumulate) {
  const vreal first = start && !accumulate ? LOAD(start) : v_zero();
  vreal d[4][4];
  ONE_BY_ONE(p, 4) {
    EACH(q, 4) d[p][q] = LOAD(v + (size_t)(4 * p + q) * ld);
    FN(winograd_out)(d[p]);
  }
  ONE_BY_ONE(q, 2) {
    vreal t[4];
    EACH(p, 4) t[p] = d[p][q];
    FN(winograd_out)(t);
    EACH(p, 2) if (!some || (p < rows && q < columns)) {
      real *to = y + (size_t)p * ldy + (size_t)q * step;
      STORE(to, v_add(t[p], accumulate ? LOAD(to) : first));
    }
  }
}

/* b: taps `step` apart, to u (16, ld) */
V_INLINE void FN(winograd_weights_to)(const int some, size_t lanes, const real *b, size_t step, real *u, size_t ld) {
  vreal d[3][4];
  ONE_BY_ONE(p, 3) {
    EACH(q, 3) d[p][q] = LOAD(b + (size_t)(3 * p + q) * step);
    FN(winograd_of_weights)(d[p]);
  }
  ONE_BY_ONE(q, 4) {
    vreal g[4];
    EACH(p, 3) g[p] = d[p][q];
    FN(winograd_of_weights)(g);
    EACH(p, 4) STORE(u + (size_t)(4 * p + q) * ld, g[p]);
  }
}
#undef EACH
#undef ONE_BY_ONE
#undef LOAD
#undef STORE

static void FN(winograd_input_tile)(size_t rows, size_t columns, size_t channels, const real *x, size_t ldx, real *v, size_t ld) {
  for (size_t c = 0; c < channels; c += VL) {
    const size_t lanes = channels - c;
    STAY_SCALAR;
    if (rows >= 4 && columns >= 4 && lanes >= VL) FN(winograd_input)(0, VL, 0, 0, x + c, channels, ldx, v + c, ld);
    else FN(winograd_input)(1, lanes, (int)rows, (int)columns, x + c, channels, ldx, v + c, ld);
  }
}
static void FN(winograd_output_tile)(size_t rows, size_t columns, size_t n, const real *v, size_t ld, const real *start, real *y,
                                     size_t ldy, int accumulate) {
  for (size_t j = 0; j < n; j += VL) {
    const size_t lanes = n - j;
    STAY_SCALAR;
    const real *from = start ? start + j : NULL;
    if (rows >= 2 && columns >= 2 && lanes >= VL) FN(winograd_output)(0, VL, 0, 0, v + j, ld, from, y + j, n, ldy, accumulate);
    else FN(winograd_output)(1, lanes, (int)rows, (int)columns, v + j, ld, from, y + j, n, ldy, accumulate);
  }
}
static void FN(winograd_weights)(size_t channels, size_t n, const real *b, size_t ldb, size_t first, size_t end, real *u) {
  for (size_t c = first; c < end; c++)
    for (size_t j = 0; j < n; j += VL) {
      const real *from = b + c * ldb + j;
      real *to = u + c * n + j;
      STAY_SCALAR;
      if (n - j >= VL) FN(winograd_weights_to)(0, VL, from, channels * ldb, to, channels * n);
      else FN(winograd_weights_to)(1, n - j, from, channels * ldb, to, channels * n);
    }
}

/* Tile rows of a band, at most: what BAND holds, at least one. */
V_INLINE size_t FN(winograd_most)(size_t down, size_t across, size_t channels, size_t n) {
  const size_t rows = BAND / (16 * across * (channels + n) + 1), most = rows ? rows : 1;
  return most < down ? most : down;
}
/* Between the same element of two tiles: an odd number of lines apart, so that they use all sets of the first cache. */
V_INLINE size_t FN(winograd_apart)(size_t elements) {
  const size_t line = 64 / sizeof(real);
  return ((elements + line - 1) / line | 1) * line;
}

static size_t FN(winograd_scratch)(size_t height, size_t width, size_t channels, size_t n) {
  const size_t across = (width + 1) / 2, down = (height + 1) / 2;
  const size_t tiles = FN(winograd_most)(down, across, channels, n) * across, gemm = FN(gemm_scratch)(0, 0, tiles, n, channels);
  return 16 * (FN(winograd_apart)(tiles * channels) + FN(winograd_apart)(tiles * n)) + gemm;
}

static void FN(winograd_forward)(size_t height, size_t width, size_t channels, size_t n, const real *x, size_t ldx, const real *u,
                                 const real *start, real *y, size_t ldy, int accumulate, real *scratch) {
  const size_t across = (width + 1) / 2, down = (height + 1) / 2;
  const size_t most = FN(winograd_most)(down, across, channels, n), bands = most ? (down + most - 1) / most : 1;
  const size_t band = (down + bands - 1) / bands; /* as even as possible */
  const size_t ldv = FN(winograd_apart)(band * across * channels), ldp = FN(winograd_apart)(band * across * n);
  real *v = scratch, *product = v + 16 * ldv, *packed = product + 16 * ldp;
  for (size_t i0 = 0, rows; i0 < down; i0 += rows) {
    rows = down - i0 < band ? down - i0 : band;
    for (size_t i = 0; i < rows; i++)
      for (size_t j = 0; j < across; j++)
        FN(winograd_input_tile)(height + 2 - (i0 + i) * 2, width + 2 - j * 2, channels, x + (i0 + i) * 2 * ldx + j * 2 * channels, ldx,
                                v + (i * across + j) * channels, ldv);
    for (size_t e = 0; e < 16; e++)
      FN(gemm)(0, 0, rows * across, n, channels, v + e * ldv, channels, u + e * channels * n, n, product + e * ldp, n, 0, NULL, packed);
    for (size_t i = 0; i < rows; i++)
      for (size_t j = 0; j < across; j++)
        FN(winograd_output_tile)(height - (i0 + i) * 2, width - j * 2, n, product + (i * across + j) * n, ldp, start,
                                 y + (i0 + i) * 2 * ldy + j * 2 * n, ldy, accumulate);
  }
}
#undef BAND
