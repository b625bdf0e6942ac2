/* clang-format off: one operation a line, in columns */
/* SSE2: 128 bits, every 64-bit x86. No fused multiply-add, no blend, no rounding instruction. See names.h. */
#if REAL_BITS == 32
typedef __m128 vreal;
typedef __m128 vmask;
enum { VL = 4 };
#define X(op) _mm_##op##_ps
#define V_INT(op) _mm_##op##_epi32
#define V_BITS(v) _mm_castps_si128(v)
#define V_REAL(i) _mm_castsi128_ps(i)
#define V_ISET(i) _mm_set1_epi32((int)(i))

V_INLINE vreal v_load_n(const real *p, size_t n) {
  switch (n) {
    case 0: return _mm_setzero_ps();
    case 1: return _mm_load_ss(p);
    case 2: return _mm_setr_ps(p[0], p[1], 0, 0);
    case 3: return _mm_setr_ps(p[0], p[1], p[2], 0);
    default: return _mm_loadu_ps(p);
  }
}
V_INLINE void v_store_n(real *p, vreal v, size_t n) {
  if (n >= 4) _mm_storeu_ps(p, v);
  else {
    if (n >= 2) _mm_storel_pi((__m64 *)(void *)p, v);
    if (n == 3) _mm_store_ss(p + 2, _mm_movehl_ps(v, v));
    if (n == 1) _mm_store_ss(p, v);
  }
}
#define HALVE(op, v) do { v = X(op)(v, _mm_movehl_ps(v, v)); v = X(op)(v, _mm_shuffle_ps(v, v, 1)); } while (0)
V_INLINE real v_sum(vreal v) {
  HALVE(add, v);
  return _mm_cvtss_f32(v);
}
V_INLINE real v_hmax(vreal v) {
  HALVE(max, v);
  return _mm_cvtss_f32(v);
}
V_INLINE __m128d v_widen_low(vreal v) { return _mm_cvtps_pd(v); }
V_INLINE __m128d v_widen_high(vreal v) { return _mm_cvtps_pd(_mm_movehl_ps(v, v)); }
#else
typedef __m128d vreal;
typedef __m128d vmask;
enum { VL = 2 };
#define X(op) _mm_##op##_pd
#define V_INT(op) _mm_##op##_epi64
#define V_BITS(v) _mm_castpd_si128(v)
#define V_REAL(i) _mm_castsi128_pd(i)
#define V_ISET(i) _mm_set1_epi64x((int64_t)(i))

V_INLINE vreal v_load_n(const real *p, size_t n) { return n >= 2 ? _mm_loadu_pd(p) : n ? _mm_load_sd(p) : _mm_setzero_pd(); }
V_INLINE void v_store_n(real *p, vreal v, size_t n) {
  if (n >= 2) _mm_storeu_pd(p, v);
  else if (n) _mm_store_sd(p, v);
}
V_INLINE real v_sum(vreal v) { return _mm_cvtsd_f64(_mm_add_pd(v, _mm_unpackhi_pd(v, v))); }
V_INLINE real v_hmax(vreal v) { return _mm_cvtsd_f64(_mm_max_pd(v, _mm_unpackhi_pd(v, v))); }
#endif

#if REAL_BITS == 32
V_INLINE vreal v_evens(vreal a, vreal b) { return _mm_shuffle_ps(a, b, 0x88); }
V_INLINE vreal v_odds(vreal a, vreal b) { return _mm_shuffle_ps(a, b, 0xdd); }
#else
V_INLINE vreal v_evens(vreal a, vreal b) { return _mm_unpacklo_pd(a, b); }
V_INLINE vreal v_odds(vreal a, vreal b) { return _mm_unpackhi_pd(a, b); }
#endif
V_INLINE vreal v_zip_low(vreal a, vreal b) { return X(unpacklo)(a, b); }
V_INLINE vreal v_zip_high(vreal a, vreal b) { return X(unpackhi)(a, b); }

V_INLINE vreal v_set1(real s) { return X(set1)(s); }
V_INLINE vreal v_zero(void) { return X(setzero)(); }
V_INLINE vreal v_load(const real *p) { return X(loadu)(p); }
V_INLINE void v_store(real *p, vreal v) { X(storeu)(p, v); }

V_INLINE vreal v_add(vreal a, vreal b) { return X(add)(a, b); }
V_INLINE vreal v_sub(vreal a, vreal b) { return X(sub)(a, b); }
V_INLINE vreal v_mul(vreal a, vreal b) { return X(mul)(a, b); }
V_INLINE vreal v_div(vreal a, vreal b) { return X(div)(a, b); }
V_INLINE vreal v_sqrt(vreal v) { return X(sqrt)(v); }
V_INLINE vreal v_neg(vreal v) { return X(xor)(v, v_set1((real)-0.0)); }
V_INLINE vreal v_abs(vreal v) { return X(andnot)(v_set1((real)-0.0), v); }
V_INLINE vreal v_copysign(vreal v, vreal sign) { return X(or)(v_abs(v), X (and)(sign, v_set1((real)-0.0))); }
V_INLINE vreal v_fma(vreal a, vreal b, vreal c) { return v_add(v_mul(a, b), c); }
V_INLINE vreal v_fnma(vreal a, vreal b, vreal c) { return v_sub(c, v_mul(a, b)); }
V_INLINE vreal v_min(vreal a, vreal b) { return X(min)(a, b); }
V_INLINE vreal v_max(vreal a, vreal b) { return X(max)(a, b); }

V_INLINE vmask v_lt(vreal a, vreal b) { return X(cmplt)(a, b); }
V_INLINE vmask v_le(vreal a, vreal b) { return X(cmple)(a, b); }
V_INLINE vmask v_gt(vreal a, vreal b) { return X(cmpgt)(a, b); }
V_INLINE vmask v_eq(vreal a, vreal b) { return X(cmpeq)(a, b); }
V_INLINE vmask v_unordered(vreal a, vreal b) { return X(cmpunord)(a, b); }
V_INLINE vreal v_select(vmask m, vreal a, vreal b) { return X(or)(X (and)(m, a), X(andnot)(m, b)); }
V_INLINE vmask v_mask_and(vmask a, vmask b) { return X (and)(a, b); }
V_INLINE vmask v_mask_or(vmask a, vmask b) { return X(or)(a, b); }
V_INLINE vmask v_mask_not(vmask m) { return X(xor)(m, V_REAL(_mm_set1_epi32(-1))); }
V_INLINE int v_any(vmask m) { return X(movemask)(m) != 0; }

V_INLINE vreal v_round(vreal v) { return v_sub(v_add(v, v_set1(V_OF(V_MAGIC))), v_set1(V_OF(V_MAGIC))); }
V_INLINE vreal v_pow2(vreal k) { return V_REAL(V_INT(slli)(V_BITS(v_add(k, v_set1(V_OF(V_MAGIC) + V_OF(V_BIAS)))), V_OF(V_MANTISSA))); }
V_INLINE vreal v_exponent(vreal v) {
  __m128i bits = V_INT(srli)(V_INT(add)(V_BITS(v), V_ISET(V_OF(V_ONE) - V_OF(V_ROOT))), V_OF(V_MANTISSA));
  vreal count = V_REAL(V_ISET(V_OF(V_COUNT)));
  return v_sub(X(or)(V_REAL(bits), count), v_add(count, v_set1(V_OF(V_BIAS))));
}
V_INLINE vreal v_mantissa(vreal v) {
  __m128i bits = V_INT(add)(V_BITS(v), V_ISET(V_OF(V_ONE) - V_OF(V_ROOT)));
  return V_REAL(V_INT(add)(_mm_and_si128(bits, V_ISET(((uint64_t)1 << V_OF(V_MANTISSA)) - 1)), V_ISET(V_OF(V_ROOT))));
}
#undef X
#undef V_INT
#undef V_BITS
#undef V_REAL
#undef V_ISET
#undef HALVE
#include "vec/common.h"
