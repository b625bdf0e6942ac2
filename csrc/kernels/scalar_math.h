/* clang-format off: tables, in columns */
/* The scalar math, for any C or Cython: cnn_<function>_f32 and _f64, static inline, no libm but sqrt.

   log, log1p and erf are math_tmpl.h with one lane. exp, expm1, tanh and sigmoid are made for latency instead, since a small network
   waits for each of them: a table of 2^(j/64) leaves a polynomial of degree 6; the rare rest (huge, subnormal, NaN) takes math_tmpl.h.
   Errors in ULP:  exp 0.6 (1.1 past 700)  expm1 1.8  tanh 2.7  sigmoid 2.5  sin, cos 0.9  pow 0.8  (f32: 0.6 for all of these). */
#ifndef CNN_SCALAR_MATH_H
#define CNN_SCALAR_MATH_H
#include "vec/names.h"
#define ISA one
#define DTYPE f64
#define real double
#define REAL_BITS 64
#include "vec/scalar.h"
#include "kernels/math_tmpl.h"
#undef DTYPE
#undef real
#undef REAL_BITS
#define DTYPE f32
#define real float
#define REAL_BITS 32
#include "vec/scalar.h"
#include "kernels/math_tmpl.h"
#undef DTYPE
#undef real
#undef REAL_BITS
#undef ISA

#if defined(__GNUC__) || defined(__clang__)
#define CNN_RARE(x) __builtin_expect(!!(x), 0)
#define CNN_ASIDE static __attribute__((noinline, cold, unused))
#else
#define CNN_RARE(x) (x)
#define CNN_ASIDE static
#endif
/* The rare rest of each, out of the way of code into which the usual part goes. */
#define CNN_REST(name) \
  CNN_ASIDE double cnn_##name##_rest_f64(double x) { return v_##name##_f64_one(x); } \
  CNN_ASIDE float cnn_##name##_rest_f32(float x) { return v_##name##_f32_one(x); }
CNN_REST(exp)
CNN_REST(expm1)
CNN_REST(tanh)
CNN_REST(sigmoid)
#undef CNN_REST
#undef CNN_ASIDE
V_INLINE uint64_t cnn_bits(double v) { return v_to_bits_f64_one(v); }
V_INLINE double cnn_of_bits(uint64_t bits) { return v_from_bits_f64_one(bits); }
V_INLINE double cnn_abs(double v) { return fabs(v); }
V_INLINE double cnn_copysign(double v, double sign) { return v_copysign_f64_one(v, sign); }

/* {what rounding took, relative; 2^(j/64)} */
static const double cnn_power_table[64][2] = {
    {0, 0x1.0000000000000p+0},
    {-0x1.160139cd8dc5dp-56, 0x1.02c9a3e778061p+0},
    {0x1.cd2523567f613p-55, 0x1.059b0d3158574p+0},
    {0x1.0f74e61e6c861p-57, 0x1.0874518759bc8p+0},
    {0x1.79aa65d837b6dp-54, 0x1.0b5586cf9890fp+0},
    {0x1.ebe3d702f9cd1p-60, 0x1.0e3ec32d3d1a2p+0},
    {-0x1.556522a2fbd0ep-54, 0x1.11301d0125b51p+0},
    {-0x1.1c923b9d5f416p-54, 0x1.1429aaea92de0p+0},
    {-0x1.01b15eaa59348p-55, 0x1.172b83c7d517bp+0},
    {0x1.b898c3f1353bfp-55, 0x1.1a35beb6fcb75p+0},
    {0x1.aecf73e3a2f60p-54, 0x1.1d4873168b9aap+0},
    {0x1.a6f4144a6c38dp-55, 0x1.2063b88628cd6p+0},
    {0x1.68efde3a8a894p-54, 0x1.2387a6e756238p+0},
    {0x1.0472b981fe7f2p-55, 0x1.26b4565e27cddp+0},
    {0x1.2f7e16d09ab31p-55, 0x1.29e9df51fdee1p+0},
    {0x1.b3782720c0ab4p-55, 0x1.2d285a6e4030bp+0},
    {0x1.34d754db0abb6p-55, 0x1.306fe0a31b715p+0},
    {0x1.fdd395dd3f84ap-55, 0x1.33c08b26416ffp+0},
    {-0x1.24aedcc4b5068p-54, 0x1.371a7373aa9cbp+0},
    {-0x1.1d1e83e9436d2p-56, 0x1.3a7db34e59ff7p+0},
    {0x1.59f48a72a4c6dp-55, 0x1.3dea64c123422p+0},
    {-0x1.8a78f4817895bp-58, 0x1.4160a21f72e2ap+0},
    {0x1.363ed60c2ac11p-59, 0x1.44e086061892dp+0},
    {0x1.ecce1daa10379p-57, 0x1.486a2b5c13cd0p+0},
    {0x1.690cebb7aafb0p-56, 0x1.4bfdad5362a27p+0},
    {-0x1.f94340071a38ep-55, 0x1.4f9b2769d2ca7p+0},
    {-0x1.8dec6bd0f385fp-56, 0x1.5342b569d4f82p+0},
    {0x1.3350518fdd78ep-54, 0x1.56f4736b527dap+0},
    {0x1.063e1e21c5409p-54, 0x1.5ab07dd485429p+0},
    {0x1.432e62b64c035p-54, 0x1.5e76f15ad2148p+0},
    {-0x1.c33c53bef4da8p-55, 0x1.6247eb03a5585p+0},
    {-0x1.3cedd78565858p-54, 0x1.6623882552225p+0},
    {-0x1.3b3efbf5e2228p-54, 0x1.6a09e667f3bcdp+0},
    {-0x1.367efb86da9eep-57, 0x1.6dfb23c651a2fp+0},
    {-0x1.81f647e5a3ecfp-56, 0x1.71f75e8ec5f74p+0},
    {-0x1.619321e55e68ap-55, 0x1.75feb564267c9p+0},
    {-0x1.b32dcb94da51dp-56, 0x1.7a11473eb0187p+0},
    {0x1.5ebe1abd66c55p-57, 0x1.7e2f336cf4e62p+0},
    {-0x1.369b6f13b3734p-54, 0x1.82589994cce13p+0},
    {-0x1.4d450d872576ep-54, 0x1.868d99b4492edp+0},
    {0x1.db72fc1f0eab4p-55, 0x1.8ace5422aa0dbp+0},
    {0x1.bf68359f35f44p-56, 0x1.8f1ae99157736p+0},
    {-0x1.da9b88b6c1e29p-58, 0x1.93737b0cdc5e5p+0},
    {-0x1.2434322f4f9aap-54, 0x1.97d829fde4e50p+0},
    {0x1.1affc2b91ce27p-56, 0x1.9c49182a3f090p+0},
    {-0x1.7c50422622263p-55, 0x1.a0c667b5de565p+0},
    {-0x1.1bbd1d3bcbb15p-54, 0x1.a5503b23e255dp+0},
    {0x1.469846e735ab3p-55, 0x1.a9e6b5579fdbfp+0},
    {0x1.c1a7792cb3387p-55, 0x1.ae89f995ad3adp+0},
    {-0x1.5c3d956dcaebap-58, 0x1.b33a2b84f15fbp+0},
    {-0x1.8d6f438ad9334p-57, 0x1.b7f76f2fb5e47p+0},
    {0x1.4ffd70a5fddcdp-56, 0x1.bcc1e904bc1d2p+0},
    {0x1.36eae30af0cb3p-56, 0x1.c199bdd85529cp+0},
    {0x1.4e08fd10959acp-55, 0x1.c67f12e57d14bp+0},
    {0x1.76b2c6c921968p-57, 0x1.cb720dcef9069p+0},
    {-0x1.fad5d3ffffa6fp-55, 0x1.d072d4a07897cp+0},
    {0x1.4a385a63d07a7p-56, 0x1.d5818dcfba487p+0},
    {0x1.e5a50d5c192acp-55, 0x1.da9e603db3285p+0},
    {-0x1.2d52107b43e1fp-55, 0x1.dfc97337b9b5fp+0},
    {0x1.4b604603a88d3p-56, 0x1.e502ee78b3ff6p+0},
    {-0x1.ff7128fd391f0p-55, 0x1.ea4afa2a490dap+0},
    {0x1.ec3bc41aa2008p-55, 0x1.efa1bee615a27p+0},
    {0x1.a64a931d185eep-55, 0x1.f50765b6e4540p+0},
    {0x1.7893b4d91cd9dp-56, 0x1.fa7c1819e90d8p+0},
};
#define CNN_LN2_64_HIGH 0x1.62e42fef8p-7 /* ln 2 / 64; trailing zeros: 17 bits times it are exact */
#define CNN_LN2_64_LOW 0x1.1cf79abc9e3b4p-42
#define CNN_64_LN2 0x1.71547652b82fep+6

/* 2^shift e^(x + low) = the result (1 + *fraction), if that is well above subnormal, |x| < 760 and |low| far below x;
   scaled = x 64 / ln 2, which the caller may have sooner than from x. */
V_INLINE double cnn_exp_split(double x, double scaled, double low, int64_t shift, double *fraction) {
  double moved = scaled + V_MAGIC_64, n = moved - V_MAGIC_64;
  double r = (x - n * CNN_LN2_64_HIGH) - n * CNN_LN2_64_LOW, r2;
  uint64_t bits = cnn_bits(moved);
  const double *row = cnn_power_table[bits & 63];
  if (low != 0) r += low; /* a constant 0, but in pow */
  r2 = r * r;
  *fraction = ((row[0] + r) + r2 * (0.5 + r * 0x1.5555555554af0p-3)) +
              r2 * r2 * ((0x1.5555555554e0dp-5 + r * 0x1.111122812ac10p-7) + r2 * 0x1.6c16d5562317cp-10);
  return cnn_of_bits(cnn_bits(row[1]) + ((bits & ~(uint64_t)63) << 46) + ((uint64_t)shift << 52));
}
/* The same to 2^-36, which is plenty for float. */
V_INLINE double cnn_exp_split_f32(double x, double *fraction) {
  double moved = x * CNN_64_LN2 + V_MAGIC_64, z = x * CNN_64_LN2 - (moved - V_MAGIC_64);
  uint64_t bits = cnn_bits(moved);
  *fraction = z * (0x1.62e42fef9f204p-7 + z * 0x1.ebfc2141d198cp-15) + z * z * (z * 0x1.c6b0cb08423eep-23);
  return cnn_of_bits(cnn_bits(cnn_power_table[bits & 63][1]) + ((bits & ~(uint64_t)63) << 46));
}

V_INLINE double cnn_exp_f64(double x) {
  double p, power = cnn_exp_split(x, x * CNN_64_LN2, 0, 0, &p);
  return CNN_RARE(!(cnn_abs(x) < 700)) ? cnn_exp_rest_f64(x) : power + power * p;
}
V_INLINE float cnn_exp_f32(float x) {
  double p, power = cnn_exp_split_f32(x, &p);
  return CNN_RARE(!(cnn_abs(x) < 700)) ? cnn_exp_rest_f32(x) : (float)(power + power * p);
}

V_INLINE double cnn_expm1_f64(double x) {
  double p, power = cnn_exp_split(x, x * CNN_64_LN2, 0, 0, &p);
  return CNN_RARE(!(cnn_abs(x) < 700)) ? cnn_expm1_rest_f64(x) : cnn_copysign((power - 1) + power * p, x);
}
V_INLINE float cnn_expm1_f32(float x) {
  double p, power = cnn_exp_split_f32(x, &p);
  return CNN_RARE(!(cnn_abs(x) < 700)) ? cnn_expm1_rest_f32(x) : (float)cnn_copysign((power - 1) + power * p, x);
}

/* (1 - e) / (1 + e) with e = e^(-2|x|) */
V_INLINE double cnn_tanh_f64(double x) {
  double p, size = cnn_abs(x), power = cnn_exp_split(-2 * size, size * (-2 * CNN_64_LN2), 0, 0, &p);
  if (CNN_RARE(!(cnn_abs(x) < 350))) return cnn_tanh_rest_f64(x);
  return cnn_copysign(((power - 1) + power * p) / ((power + 1) + power * p), x);
}
V_INLINE float cnn_tanh_f32(float x) {
  double p, power = cnn_exp_split_f32(-2 * cnn_abs(x), &p);
  if (CNN_RARE(!(cnn_abs(x) < 350))) return cnn_tanh_rest_f32(x);
  return (float)cnn_copysign(((power - 1) + power * p) / ((power + 1) + power * p), x);
}

V_INLINE double cnn_sigmoid_f64(double x) {
  double p, power = cnn_exp_split(-x, x * -CNN_64_LN2, 0, 0, &p);
  return CNN_RARE(!(cnn_abs(x) < 700)) ? cnn_sigmoid_rest_f64(x) : 1 / ((power + 1) + power * p);
}
V_INLINE float cnn_sigmoid_f32(float x) {
  double p, power = cnn_exp_split_f32(-x, &p);
  return CNN_RARE(!(cnn_abs(x) < 700)) ? cnn_sigmoid_rest_f32(x) : (float)(1 / ((power + 1) + power * p));
}

V_INLINE double cnn_log_f64(double x) { return v_log_f64_one(x); }
V_INLINE float cnn_log_f32(float x) { return v_log_f32_one(x); }
V_INLINE double cnn_log1p_f64(double x) { return v_log1p_f64_one(x); }
V_INLINE float cnn_log1p_f32(float x) { return v_log1p_f32_one(x); }
V_INLINE double cnn_erf_f64(double x) { return v_erf_f64_one(x); }
V_INLINE float cnn_erf_f32(float x) { return v_erf_f32_one(x); }

/* a b = the result + *low, exactly (Dekker; magnitudes below 2^990). */
V_INLINE double cnn_product(double a, double b, double *low) {
  double c = a * 134217729.0, d = b * 134217729.0, product = a * b;
  double ah = c - (c - a), al = a - ah, bh = d - (d - b), bl = b - bh;
  *low = ((ah * bh - product) + ah * bl + al * bh) + al * bl;
  return product;
}
/* a + b = the result + *low, exactly. */
V_INLINE double cnn_total(double a, double b, double *low) {
  double total = a + b, part = total - a;
  *low = (a - (total - part)) + (b - part);
  return total;
}

/* x > 0 and finite, |y| < 2^64, y log x within +-750: log x = n ln 2 / 64 + log(1 + g), the powers of the table being exact logarithms. */
static inline double cnn_pow_positive(double x, double y) {
  double shift = 0, low, high, g_low, square_low;
  if (x < 0x1p-1022) x *= 0x1p54, shift = 54 * 64;
  double n = v_round_f64_one(v_log_f64_one(x) * CNN_64_LN2);
  int64_t whole = (int64_t)n;
  const double *row = cnn_power_table[whole & 63];
  double m = v_scale2_f64_one(x, -(double)((whole - (whole & 63)) / 64));
  n -= shift;
  double g = (m - row[1]) / row[1], back = cnn_product(g, row[1], &low);
  g_low = (((m - row[1]) - back) - low) / row[1] - row[0] * (1 + g);
  double square = cnn_product(g, g, &square_low);
  double cube = square * g * (0x1.5555555555555p-2 - g * (0.25 - g * (0.2 - g * (0x1.5555555555555p-3 - g * 0x1.2492492492492p-3))));
  high = cnn_total(n * CNN_LN2_64_HIGH, g, &low);
  low += g_low + n * CNN_LN2_64_LOW + (cube - 0.5 * square_low - g * g_low);
  double rest;
  high = cnn_total(high, -0.5 * square, &rest);
  high = cnn_total(high, low + rest, &low);
  double product = cnn_product(y, high, &rest), p;
  rest += y * low;
  int64_t shift_back = cnn_abs(product) < 700 ? 0 : product < 0 ? -600 : 600; /* rounded once, to a subnormal too */
  double power = cnn_exp_split(product, product * CNN_64_LN2, rest, -shift_back, &p);
  return (power + power * p) * v_pow2_f64_one((double)shift_back);
}
static inline double cnn_pow_f64(double x, double y) {
  double size = cnn_abs(x), big = cnn_abs(y);
  if (y == 0 || x == 1) return 1;
  if (x != x || y != y) return x + y;
  int whole = big >= 0x1p53 || (double)(int64_t)y == y, odd = big < 0x1p53 && whole && ((int64_t)y & 1);
  double sign = odd && (cnn_bits(x) >> 63) ? -1.0 : 1.0;
  if (size == 0 || size > 0x1.fffffffffffffp1023) return (size == 0) == (y > 0) ? sign * 0.0 : sign * INFINITY;
  if (x < 0 && !whole && big <= 0x1.fffffffffffffp1023) return NAN;
  if (size == 1) return sign;
  double estimate = y * v_log_f64_one(size);
  if (!(cnn_abs(estimate) < 750)) return estimate > 0 ? sign * INFINITY : sign * 0.0;
  return sign * cnn_pow_positive(size, y);
}
static inline float cnn_pow_f32(float x, float y) { return (float)cnn_pow_f64(x, y); }

/* 64 x 64 bits -> the upper 64, the lower in *low. */
static inline uint64_t cnn_product_bits(uint64_t a, uint64_t b, uint64_t *low) {
  uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
  uint64_t middle = ah * bl + (al * bl >> 32), cross = al * bh + (uint32_t)middle;
  *low = a * b;
  return ah * bh + (middle >> 32) + (cross >> 32);
}
/* x / (pi / 2) for large x, in whole turns that vanish, quarters (returned) and the rest in [-1/2, 1/2] times pi / 2 = *r + *low:
   of 2 / pi only the 192 bits that matter, those before them give multiples of 4 (Payne and Hanek). */
static inline int cnn_quarters_large(double x, double *r, double *low) {
  static const uint64_t words[] = {0,
                                   0xa2f9836e4e441529,
                                   0xfc2757d1f534ddc0,
                                   0xdb6295993c439041,
                                   0xfe5163abdebbc561,
                                   0xb7246e3a424dd2e0,
                                   0x06492eea09d1921c,
                                   0xfe1deb1cb129a73e,
                                   0xe88235f52ebb4484,
                                   0xe99c7026b45f7e41,
                                   0x3991d639835339f4,
                                   0x9c845f8bbdf9283b,
                                   0x1ff897ffde05980f,
                                   0xef2f118b5a0a6d1f,
                                   0x6d367ecf27cb09b7,
                                   0x4f463f669e5fea2d,
                                   0x7527bac7ebe5f17b,
                                   0x3d0739f78a5292ea,
                                   0x6bfb5fb11f8d5d08,
                                   0x56033046fc7b6bab,
                                   0xf0cfbc209af4361d};
  uint64_t bits = cnn_bits(x), m = (bits & (((uint64_t)1 << 52) - 1)) | (uint64_t)1 << 52, p[3], carry = 0, w[3];
  int skip = (int)(bits >> 52 & 0x7ff) - 1075 - 2 + 64, word = skip / 64, bit = skip % 64;
  for (int i = 0; i < 3; i++) w[i] = bit ? words[word + i] << bit | words[word + i + 1] >> (64 - bit) : words[word + i];
  for (int i = 2; i >= 0; i--) {
    uint64_t high = cnn_product_bits(m, w[i], &p[i]);
    p[i] += carry;
    carry = high + (p[i] < carry);
  }
  int quarters = (int)(p[0] >> 62);
  for (int i = 0; i < 3; i++) p[i] = p[i] << 2 | (i < 2 ? p[i + 1] >> 62 : 0);
  quarters += (int)(p[0] >> 63); /* to the nearest: the rest is a two's complement fraction */
  double top = (double)(int32_t)(uint32_t)(p[0] >> 32) * 0x1p-32, rest, error;
  double f = cnn_total(top, (double)(uint32_t)p[0] * 0x1p-64, &rest);
  f = cnn_total(f, rest + ((double)p[1] * 0x1p-128 + (double)p[2] * 0x1p-192), &rest);
  *r = cnn_product(f, 0x1.921fb54442d18p+0, &error);
  *low = error + (f * 0x1.1a62633145c07p-54 + rest * 0x1.921fb54442d18p+0);
  return quarters;
}
/* |x| = (quarters + 4 any) pi / 2 + *r + *low, |r| <= pi / 4 */
V_INLINE int cnn_quarters(double x, double *r, double *low) {
  double n = v_round_f64_one(x * 0x1.45f306dc9c883p-1), a, b, c;
  if (CNN_RARE(!(x < 0x1p19))) return cnn_quarters_large(x, r, low);
  a = x - n * 0x1.921fb544p+0;         /* 33 bits of pi / 2: exact */
  b = cnn_total(a, -n * 0x1.0b4611a6p-34, &c); /* 33 more */
  *r = cnn_total(b, c - n * 0x1.3198a2e037073p-69, low);
  return (int)n;
}
V_INLINE double cnn_sin_near(double r, double low) {
  double z = r * r, cube = z * r;
  double p = 0x1.111111110f84dp-7 +
             z * (-0x1.a01a019c0c466p-13 + z * (0x1.71de3573481f1p-19 + z * (-0x1.ae5e62d6de9f6p-26 + z * 0x1.5d9208926f723p-33)));
  return r - ((z * (0.5 * low - cube * p) - low) + cube * 0x1.5555555555549p-3);
}
V_INLINE double cnn_cos_near(double r, double low) {
  double z = r * r, half = 0.5 * z, one = 1 - half;
  double p =
      z * (0x1.555555555554cp-5 +
           z * (-0x1.6c16c16c1515ap-10 +
                z * (0x1.a01a019cae332p-16 + z * (-0x1.27e4f80758cfcp-22 + z * (0x1.1ee9ea1ecb6b6p-29 - z * 0x1.8fadab16e8da9p-37)))));
  return one + (((1 - one) - half) + (z * p - r * low));
}
static inline double cnn_sin_f64(double x) {
  double r, low, size = cnn_abs(x), y;
  if (!(size <= 0x1.fffffffffffffp1023)) return x - x;
  int quarters = cnn_quarters(size, &r, &low);
  y = quarters & 1 ? cnn_cos_near(r, low) : cnn_sin_near(r, low);
  return size < 0x1p-27 ? x : (quarters & 2) != 0 ? -cnn_copysign(1, x) * y : cnn_copysign(1, x) * y;
}
static inline double cnn_cos_f64(double x) {
  double r, low, size = cnn_abs(x), y;
  if (!(size <= 0x1.fffffffffffffp1023)) return x - x;
  int quarters = cnn_quarters(size, &r, &low);
  y = quarters & 1 ? cnn_sin_near(r, low) : cnn_cos_near(r, low);
  return (quarters + 1) & 2 ? -y : y;
}
static inline float cnn_sin_f32(float x) { return (float)cnn_sin_f64(x); }
static inline float cnn_cos_f32(float x) { return (float)cnn_cos_f64(x); }

#endif
