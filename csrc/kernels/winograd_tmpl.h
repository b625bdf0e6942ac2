/* winograd_*: 3x3 convolutions of stride 1 with fewer multiplications, F(m x m, 3 x 3) for m = 2 and 4: Lavin and Gray, "Fast algorithms
   for convolutional neural networks", 2015. An image is cut into tiles of m x m outputs, each of which sees s x s inputs, s = m + 2:

     y = A^T ((G g G^T) * (B^T d B)) A          * by element: for each of the s s elements a product, pixels x channels x filters

   2.25 and 4 times fewer multiply-adds than conv_forward. For m = 2 the error is no larger than that of one long chain, for m = 4 (float32)
   some 5 times as large. Bands of tile rows, so that what the products read and write stays in the second cache; an output depends on its
   own tile only, and so not on the band. Lanes are channels. */
#define BAND FN(winograd_band)
enum { BAND = 512 * 1024 / sizeof(real) }; /* elements of a band before and after the products */

/* B^T d */
V_INLINE void FN(winograd_in)(const int m, vreal *d) {
  if (m == 2) {
    const vreal low = v_sub(d[0], d[2]), sum = v_add(d[1], d[2]), difference = v_sub(d[2], d[1]);
    d[3] = v_sub(d[1], d[3]);
    d[0] = low, d[1] = sum, d[2] = difference;
  } else {
    const vreal two = v_set1(2), four = v_set1(4), five = v_set1(5);
    const vreal low = v_fma(four, d[0], v_fnma(five, d[2], d[4])), high = v_fma(four, d[1], v_fnma(five, d[3], d[5]));
    const vreal even = v_fnma(four, d[2], d[4]), odd = v_fnma(four, d[1], d[3]);
    const vreal even2 = v_sub(d[4], d[2]), odd2 = v_mul(two, v_sub(d[3], d[1]));
    d[0] = low, d[1] = v_add(even, odd), d[2] = v_sub(even, odd), d[3] = v_add(even2, odd2), d[4] = v_sub(even2, odd2), d[5] = high;
  }
}

/* A^T d: the first m of d */
V_INLINE void FN(winograd_out)(const int m, vreal *d) {
  const vreal sum = v_add(d[1], d[2]), difference = v_sub(d[1], d[2]);
  if (m == 2) {
    d[0] = v_add(d[0], sum);
    d[1] = v_sub(difference, d[3]);
  } else {
    const vreal sum2 = v_add(d[3], d[4]), difference2 = v_sub(d[3], d[4]);
    d[0] = v_add(d[0], v_add(sum, sum2));
    d[1] = v_fma(v_set1(2), difference2, difference);
    d[2] = v_fma(v_set1(4), sum2, sum);
    d[3] = v_add(v_fma(v_set1(8), difference2, difference), d[5]);
  }
}

/* G g: s of 3 */
V_INLINE void FN(winograd_of_weights)(const int m, vreal *d) {
  const vreal first = d[0], middle = d[1], last = d[2], both = v_add(first, last);
  if (m == 2) {
    const vreal half = v_set1((real)0.5), even = v_mul(half, both), odd = v_mul(half, middle);
    d[1] = v_add(even, odd), d[2] = v_sub(even, odd), d[3] = last;
  } else {
    const vreal sixth = v_set1((real)(-1.0 / 6)), even = v_mul(sixth, both), odd = v_mul(sixth, middle);
    const vreal even2 = v_fma(v_set1((real)(1.0 / 6)), last, v_mul(v_set1((real)(1.0 / 24)), first));
    const vreal odd2 = v_mul(v_set1((real)(1.0 / 12)), middle);
    d[0] = v_mul(v_set1((real)0.25), first);
    d[1] = v_add(even, odd), d[2] = v_sub(even, odd), d[3] = v_add(even2, odd2), d[4] = v_sub(even2, odd2), d[5] = last;
  }
}

/* One vector of channels. some: not all of it exists, and of the tile only rows x columns. */
#define EACH(i, n) _Pragma("GCC unroll 6") for (int i = 0; i < (n); i++)
#define ONE_BY_ONE(i, n) _Pragma("GCC unroll 1") for (int i = 0; i < (n); i++) /* six times less code, and as fast: d is in memory anyway */
#define LOAD(p) (some ? FN(winograd_get)(p, lanes) : v_load(p))
#define STORE(p, v) (some ? FN(winograd_put)(p, v, lanes) : v_store(p, v))

static vreal FN(winograd_get)(const real *p, size_t lanes) { return v_get(p, lanes); }
static void FN(winograd_put)(real *p, vreal v, size_t lanes) { v_put(p, v, lanes); }

/* x: columns `step` apart, rows ldx, to v (s s, ld) */
V_INLINE void FN(winograd_input)(const int m, const int some, size_t lanes, int rows, int columns, const real *x, size_t step, size_t ldx,
                                 real *v, size_t ld) {
  const int s = m + 2;
  vreal d[6][6];
  ONE_BY_ONE(p, s) {
    EACH(q, s) d[p][q] = some && (p >= rows || q >= columns) ? v_zero() : LOAD(x + (size_t)p * ldx + (size_t)q * step);
    FN(winograd_in)(m, d[p]);
  }
  ONE_BY_ONE(q, s) {
    vreal t[6];
    EACH(p, s) t[p] = d[p][q];
    FN(winograd_in)(m, t);
    EACH(p, s) STORE(v + (size_t)(s * p + q) * ld, t[p]);
  }
}

V_INLINE void FN(winograd_output)(const int m, const int some, size_t lanes, int rows, int columns, const real *v, size_t ld,
                                  const real *start, real *y, size_t step, size_t ldy, int accumulate) {
  const int s = m + 2;
  const vreal first = start && !accumulate ? LOAD(start) : v_zero();
  vreal d[6][6];
  ONE_BY_ONE(p, s) {
    EACH(q, s) d[p][q] = LOAD(v + (size_t)(s * p + q) * ld);
    FN(winograd_out)(m, d[p]);
  }
  ONE_BY_ONE(q, m) {
    vreal t[6];
    EACH(p, s) t[p] = d[p][q];
    FN(winograd_out)(m, t);
    EACH(p, m) if (!some || (p < rows && q < columns)) {
      real *to = y + (size_t)p * ldy + (size_t)q * step;
      STORE(to, v_add(t[p], accumulate ? LOAD(to) : first));
    }
  }
}

/* b: taps `step` apart, to u (s s, ld) */
V_INLINE void FN(winograd_weights_to)(const int m, const int some, size_t lanes, const real *b, size_t step, real *u, size_t ld) {
  const int s = m + 2;
  vreal d[3][6];
  ONE_BY_ONE(p, 3) {
    EACH(q, 3) d[p][q] = LOAD(b + (size_t)(3 * p + q) * step);
    FN(winograd_of_weights)(m, d[p]);
  }
  ONE_BY_ONE(q, s) {
    vreal g[6];
    EACH(p, 3) g[p] = d[p][q];
    FN(winograd_of_weights)(m, g);
    EACH(p, s) STORE(u + (size_t)(s * p + q) * ld, g[p]);
  }
}
#undef EACH
#undef ONE_BY_ONE
#undef LOAD
#undef STORE

#define SIZE(m) \
  static void FN(winograd_input_##m)(size_t rows, size_t columns, size_t channels, const real *x, size_t ldx, real *v, size_t ld) { \
    for (size_t c = 0; c < channels; c += VL) { \
      const size_t lanes = channels - c; \
      STAY_SCALAR; \
      if (rows >= m + 2 && columns >= m + 2 && lanes >= VL) FN(winograd_input)(m, 0, VL, 0, 0, x + c, channels, ldx, v + c, ld); \
      else FN(winograd_input)(m, 1, lanes, (int)rows, (int)columns, x + c, channels, ldx, v + c, ld); \
    } \
  } \
  static void FN(winograd_output_##m)(size_t rows, size_t columns, size_t n, const real *v, size_t ld, const real *start, real *y, \
                                      size_t ldy, int accumulate) { \
    for (size_t j = 0; j < n; j += VL) { \
      const size_t lanes = n - j; \
      STAY_SCALAR; \
      const real *from = start ? start + j : NULL; \
      if (rows >= m && columns >= m && lanes >= VL) \
        FN(winograd_output)(m, 0, VL, 0, 0, v + j, ld, from, y + j, n, ldy, accumulate); \
      else FN(winograd_output)(m, 1, lanes, (int)rows, (int)columns, v + j, ld, from, y + j, n, ldy, accumulate); \
    } \
  } \
  static void FN(winograd_weights_##m)(size_t channels, size_t n, const real *b, size_t ldb, size_t first, size_t end, real *u) { \
    for (size_t c = first; c < end; c++) \
      for (size_t j = 0; j < n; j += VL) { \
        const real *from = b + c * ldb + j; \
        real *to = u + c * n + j; \
        STAY_SCALAR; \
        if (n - j >= VL) FN(winograd_weights_to)(m, 0, VL, from, channels * ldb, to, channels * n); \
        else FN(winograd_weights_to)(m, 1, n - j, from, channels * ldb, to, channels * n); \
      } \
  }
SIZE(2)
SIZE(4)
#undef SIZE

/* Tile rows of a band, at most: what BAND holds, at least one. */
V_INLINE size_t FN(winograd_most)(int m, size_t down, size_t across, size_t channels, size_t n) {
  const size_t s = (size_t)m + 2, rows = BAND / (s * s * across * (channels + n) + 1), most = rows ? rows : 1;
  return most < down ? most : down;
}
/* Between the same element of two s s: an odd number of lines apart, so that they use all sets of the first cache. */
V_INLINE size_t FN(winograd_apart)(size_t elements) {
  const size_t line = 64 / sizeof(real);
  return ((elements + line - 1) / line | 1) * line;
}

static size_t FN(winograd_scratch)(int m, size_t height, size_t width, size_t channels, size_t n) {
  const size_t step = (size_t)m, s = step + 2, across = (width + step - 1) / step, down = (height + step - 1) / step;
  const size_t tiles = FN(winograd_most)(m, down, across, channels, n) * across, gemm = FN(gemm_scratch)(0, 0, tiles, n, channels);
  return s * s * (FN(winograd_apart)(tiles * channels) + FN(winograd_apart)(tiles * n)) + gemm;
}

static void FN(winograd_weights)(int m, size_t channels, size_t n, const real *b, size_t ldb, size_t first, size_t end, real *u) {
  (m == 2 ? FN(winograd_weights_2) : FN(winograd_weights_4))(channels, n, b, ldb, first, end, u);
}

static void FN(winograd_forward)(int m, size_t height, size_t width, size_t channels, size_t n, const real *x, size_t ldx, const real *u,
                                 const real *start, real *y, size_t ldy, int accumulate, real *scratch) {
  const size_t step = (size_t)m, s = step + 2, across = (width + step - 1) / step, down = (height + step - 1) / step;
  const size_t most = FN(winograd_most)(m, down, across, channels, n), bands = most ? (down + most - 1) / most : 1;
  const size_t band = (down + bands - 1) / bands; /* as even as possible */
  const size_t ldv = FN(winograd_apart)(band * across * channels), ldp = FN(winograd_apart)(band * across * n);
  real *v = scratch, *product = v + s * s * ldv, *packed = product + s * s * ldp;
  for (size_t i0 = 0, rows; i0 < down; i0 += rows) {
    rows = down - i0 < band ? down - i0 : band;
    for (size_t i = 0; i < rows; i++)
      for (size_t j = 0; j < across; j++)
        (m == 2 ? FN(winograd_input_2) : FN(winograd_input_4))(height + 2 - (i0 + i) * step, width + 2 - j * step, channels,
                                                               x + (i0 + i) * step * ldx + j * step * channels, ldx,
                                                               v + (i * across + j) * channels, ldv);
    for (size_t e = 0; e < s * s; e++)
      FN(gemm)(0, 0, rows * across, n, channels, v + e * ldv, channels, u + e * channels * n, n, product + e * ldp, n, 0, NULL, packed);
    for (size_t i = 0; i < rows; i++)
      for (size_t j = 0; j < across; j++)
        (m == 2 ? FN(winograd_output_2) : FN(winograd_output_4))(height - (i0 + i) * step, width - j * step, n,
                                                                 product + (i * across + j) * n, ldp, start,
                                                                 y + (i0 + i) * step * ldy + j * step * n, ldy, accumulate);
  }
}
#undef BAND
