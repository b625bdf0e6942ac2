/* exp, expm1, log, log1p, tanh, sigmoid and erf of a vector: polynomials and one division, no table, no branch, no libm.

   Largest error in ULP over the whole range, results that are subnormal included (check_kernels fails beyond these):
     exp 1.1   expm1 2.1   log 1.0   log1p 2.2   tanh 2.75   sigmoid 2.4   erf 1.5
   NaN gives NaN; exp overflows to infinity and underflows gradually; log(0) = -inf, log(x < 0) = NaN; odd functions keep -0.
   The polynomials are near-minimax fits of our own, weighted by the value they go into. */

/* c0 + c1 x + ...: even and odd powers apart, two chains instead of one. */
V_INLINE vreal FN(polynomial)(vreal x, const real *c, int count) {
  vreal square = v_mul(x, x), even = v_set1(c[(count - 1) & ~1]), odd = v_set1(c[((count - 2) & ~1) + 1]);
  for (int i = ((count - 1) & ~1) - 2; i >= 0; i -= 2) even = v_fma(even, square, v_set1(c[i]));
  for (int i = ((count - 2) & ~1) - 1; i >= 0; i -= 2) odd = v_fma(odd, square, v_set1(c[i]));
  return v_fma(odd, x, even);
}

#if REAL_BITS == 32
#define LOG2E 0x1.715476p+0f
#define LN2_HIGH 0x1.62e4p-1f /* trailing zeros: k times it is exact */
#define LN2_LOW 0x1.7f7d1cp-20f
#define EXP_HIGH 89.0f
#define EXP_LOW -104.0f
#define EXPM1_LOW -20.0f
#define LOG_SMALLEST 0x1p-126f
#define LOG_GROW 24
#define TINY 0x1p-26f
#define ERF_MIDDLE 0.93f
#define ERF_HIGH 3.95f
#else
#define LOG2E 0x1.71547652b82fep+0
#define LN2_HIGH 0x1.62e42feep-1
#define LN2_LOW 0x1.a39ef35793c76p-33
#define EXP_HIGH 710.0
#define EXP_LOW -746.0
#define EXPM1_LOW -40.0
#define LOG_SMALLEST 0x1p-1022
#define LOG_GROW 54
#define TINY 0x1p-55
#define ERF_MIDDLE 1.0
#define ERF_HIGH 5.95
#endif

/* x = k ln 2 + r, |r| <= ln 2 / 2; *tail = e^r - 1, rounded once but for r itself. */
V_INLINE vreal FN(exp_reduce)(vreal x, vreal *tail) {
  vreal k = v_round(v_mul(x, v_set1(LOG2E)));
  vreal r = v_fnma(k, v_set1(LN2_LOW), v_fnma(k, v_set1(LN2_HIGH), x));
  vreal r2 = v_mul(r, r);
#if REAL_BITS == 32
  vreal c01 = v_fma(r, v_set1(0x1.5554a2p-3f), v_set1(0.5f));
  vreal c23 = v_fma(r, v_set1(0x1.123062p-7f), v_set1(0x1.55567ap-5f));
  vreal q = v_fma(v_fma(v_set1(0x1.6b7f1ap-10f), r2, c23), r2, c01);
#else
  vreal r4 = v_mul(r2, r2);
  vreal c01 = v_fma(r, v_set1(0x1.5555555555501p-3), v_set1(0.5));
  vreal c23 = v_fma(r, v_set1(0x1.1111111128ac9p-7), v_set1(0x1.55555555531d1p-5));
  vreal c45 = v_fma(r, v_set1(0x1.a01a011b83eb2p-13), v_set1(0x1.6c16c17cd4726p-10));
  vreal c67 = v_fma(r, v_set1(0x1.71df56429d2b3p-19), v_set1(0x1.a019aaf5697ccp-16));
  vreal c89 = v_fma(r, v_set1(0x1.ad1f2034d8223p-26), v_set1(0x1.289fc40dda726p-22));
  vreal q = v_fma(v_fma(c89, r4, v_fma(c67, r2, c45)), r4, v_fma(c23, r2, c01));
#endif
  *tail = v_fma(q, r2, r);
  return k;
}

V_INLINE vreal FN(v_exp)(vreal x) {
  vreal tail, k = FN(exp_reduce)(v_max(v_set1(EXP_LOW), v_min(v_set1(EXP_HIGH), x)), &tail);
  return v_scale2(v_add(tail, v_set1(1)), k);
}

/* e^x - 1 for x <= 0: 2^k tail + (2^k - 1), the second term exact. */
V_INLINE vreal FN(expm1_negative)(vreal x) {
  vreal tail, k = FN(exp_reduce)(v_max(v_set1(EXPM1_LOW), x), &tail);
  vreal scale = v_pow2(k);
  return v_fma(scale, tail, v_sub(scale, v_set1(1)));
}

/* At half size until the end, so that 2^1023 is the largest power that arises. */
V_INLINE vreal FN(v_expm1)(vreal x) {
  vreal tail, k = FN(exp_reduce)(v_max(v_set1(EXPM1_LOW), v_min(v_set1(EXP_HIGH), x)), &tail);
  vreal scale = v_pow2(v_sub(k, v_set1(1)));
  vreal half = v_fma(scale, tail, v_sub(scale, v_set1((real)0.5)));
  return v_select(v_lt(v_abs(x), v_set1(TINY)), x, v_add(half, half));
}

/* log(1 + f) + k ln 2 for 1 + f in [sqrt 1/2, sqrt 2): with s = f / (2 + f), log(1 + f) = f - (f^2 / 2 - s (f^2 / 2 + R(s^2))).
   c: what rounding took from 1 + f. */
V_INLINE vreal FN(log_reduced)(vreal f, vreal k, vreal c) {
#if REAL_BITS == 32
  static const real coefficients[] = {0x1.555554p-1f, 0x1.999a7cp-2f, 0x1.24389ep-2f, 0x1.e2ff12p-3f};
#else
  static const real coefficients[] = {0x1.5555555555593p-1, 0x1.999999997fa88p-2, 0x1.249249421f42cp-2, 0x1.c71c51e2acb97p-3,
                                      0x1.7466472111422p-3, 0x1.39a0dedc86727p-3, 0x1.2f0e5a492d816p-3};
#endif
  vreal s = v_div(f, v_add(f, v_set1(2))), z = v_mul(s, s);
  vreal r = v_mul(z, FN(polynomial)(z, coefficients, sizeof coefficients / sizeof *coefficients));
  vreal half = v_mul(v_mul(f, v_set1((real)0.5)), f);
  vreal low = v_fma(s, v_add(half, r), v_fma(k, v_set1(LN2_LOW), c));
  return v_fma(k, v_set1(LN2_HIGH), v_sub(f, v_sub(half, low)));
}

V_INLINE vreal FN(log_special)(vreal x, vreal y) { /* of log x for x that is 0, negative, infinite or NaN */
  y = v_select(v_lt(x, v_set1(INFINITY)), y, x);
  y = v_select(v_eq(x, v_zero()), v_set1(-INFINITY), y);
  return v_select(v_lt(x, v_zero()), v_set1(NAN), y);
}

V_INLINE vreal FN(v_log)(vreal x) {
  vmask small = v_lt(x, v_set1(LOG_SMALLEST));
  vreal normal = v_select(small, v_mul(x, v_set1((real)((uint64_t)1 << LOG_GROW))), x);
  vreal k = v_sub(v_exponent(normal), v_select(small, v_set1(LOG_GROW), v_zero()));
  return FN(log_special)(x, FN(log_reduced)(v_sub(v_mantissa(normal), v_set1(1)), k, v_zero()));
}

/* log u for u = fl(1 + x), corrected by (1 + x - u) / u; that quotient needs four bits, so 1 / m is 1 - f + f^2. */
V_INLINE vreal FN(v_log1p)(vreal x) {
  vreal one = v_set1(1), u = v_add(x, one), k = v_exponent(u);
  vmask near_one = v_eq(k, v_zero());
  vreal lost = v_select(v_gt(k, v_zero()), v_sub(one, v_sub(u, x)), v_sub(x, v_sub(u, one)));
  vreal f = v_sub(v_mantissa(u), one);
  vreal lost_of_m = v_mul(lost, v_pow2(v_neg(v_min(k, v_set1(60))))); /* beyond 2^60 nothing is lost that shows */
  vreal c = v_select(near_one, v_zero(), v_mul(lost_of_m, v_fma(f, v_sub(f, one), one)));
  vreal y = FN(log_reduced)(v_select(near_one, x, f), k, c);
  return v_select(v_lt(v_abs(x), v_set1(TINY)), x, FN(log_special)(u, y));
}

/* With t = e^(-2|x|) - 1, tanh |x| = -t / (t + 2): as good near 0 as anywhere. */
V_INLINE vreal FN(v_tanh)(vreal x) {
  vreal t = FN(expm1_negative)(v_mul(v_abs(x), v_set1(-2)));
  vreal y = v_div(t, v_add(t, v_set1(2)));
  return v_copysign(v_select(v_lt(v_abs(x), v_set1(TINY)), x, y), x);
}

/* 1 / (1 + e^-|x|), and for x < 0 e^-|x| times that, which stays right down to the last subnormal. */
V_INLINE vreal FN(v_sigmoid)(vreal x) {
  vreal e = FN(v_exp)(v_neg(v_abs(x)));
  return v_div(v_select(v_lt(x, v_zero()), e, v_set1(1)), v_add(e, v_set1(1)));
}

/* x + x P(x^2) near 0, 1 - e^-Q(|x|) elsewhere; Q = -log erfc, fitted with the weight of erfc. */
V_INLINE vreal FN(v_erf)(vreal x) {
#if REAL_BITS == 32
  static const real inner[] = {0x1.06eba8p-3f, -0x1.812742p-2f,  0x1.ce2e08p-4f, -0x1.b80e8cp-6f,
                               0x1.54c7dp-8f,  -0x1.aa3e06p-11f, 0x1.5cd126p-14f};
  static const real outer[] = {0x1.d15134p-13f, 0x1.20a834p+0f, 0x1.4654f8p-1f,  0x1.a90922p-4f,
                               -0x1.6adec8p-6f, 0x1.8c445ap-9f, -0x1.96a0aap-13f};
#else
  static const real inner[] = {0x1.06eba8214db69p-3,  -0x1.812746b0379e6p-2,  0x1.ce2f21a042b20p-4,  -0x1.b82ce31284992p-6,
                               0x1.565bcd0db015fp-8,  -0x1.c02db3d8e8df1p-11, 0x1.f9a321a0a3e95p-14, -0x1.f4d1df30566efp-17,
                               0x1.b9def12d79fa8p-20, -0x1.5f1d331cb4bfbp-23, 0x1.f7a3ebc3e00c2p-27, -0x1.386a4c7710eb8p-30,
                               0x1.057876733bcdcp-34};
  static const real outer[] = {0x1.8c59f2bd884d0p-23,  0x1.20dd555dc2074p+0,   0x1.45f432d391b0bp-1,   0x1.a4d9a37e71683p-4,
                               -0x1.388e5a52a1b09p-6,  -0x1.28029246c7076p-12, 0x1.d041e3e724e20p-10,  -0x1.5110775c7eb93p-11,
                               0x1.81e1389d146d8p-15,  0x1.2474282a3f934p-14,  -0x1.777872f169567p-15, 0x1.137283d8d1c63p-16,
                               -0x1.209f8ecb7d760p-18, 0x1.c5a6ac9b08b83p-21,  -0x1.0c00aa16c03b9p-23, 0x1.d07d276cb0330p-27,
                               -0x1.177a67fa23423p-30, 0x1.a1d3a49548f3dp-35,  -0x1.245d13f3719a9p-40};
#endif
  vreal a = v_min(v_set1(ERF_HIGH), v_abs(x));
  vreal p = FN(polynomial)(v_mul(a, a), inner, sizeof inner / sizeof *inner);
  vreal q = FN(polynomial)(a, outer, sizeof outer / sizeof *outer);
  vreal near = v_fma(a, p, a);
  vreal far = v_neg(FN(expm1_negative)(v_neg(q)));
  return v_copysign(v_select(v_lt(a, v_set1(ERF_MIDDLE)), near, far), x);
}

#undef LOG2E
#undef LN2_HIGH
#undef LN2_LOW
#undef EXP_HIGH
#undef EXP_LOW
#undef EXPM1_LOW
#undef LOG_SMALLEST
#undef LOG_GROW
#undef TINY
#undef ERF_MIDDLE
#undef ERF_HIGH
