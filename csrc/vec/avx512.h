/* clang-format off: one operation a line, in columns */
/* AVX-512 (F, VL, DQ, BW): 512 bits, mask registers. See names.h. */
#if REAL_BITS == 32
typedef __m512 vreal;
typedef __mmask16 vmask;
enum { VL = 16 };
#define X(op) _mm512_##op##_ps
#define V_CMP(a, b, how) _mm512_cmp_ps_mask(a, b, how)
#define V_INT(op) _mm512_##op##_epi32
#define V_BITS(v) _mm512_castps_si512(v)
#define V_REAL(i) _mm512_castsi512_ps(i)
#define V_ISET(i) _mm512_set1_epi32((int)(i))

#define HALVE(op, v, h) do { \
    __m256 q = _mm256_##op##_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1)); \
    h = _mm_##op##_ps(_mm256_castps256_ps128(q), _mm256_extractf128_ps(q, 1)); \
    h = _mm_##op##_ps(h, _mm_movehl_ps(h, h)); \
    h = _mm_##op##_ps(h, _mm_shuffle_ps(h, h, 1)); \
  } while (0)
V_INLINE real v_sum(vreal v) {
  __m128 h;
  HALVE(add, v, h);
  return _mm_cvtss_f32(h);
}
V_INLINE real v_hmax(vreal v) {
  __m128 h;
  HALVE(max, v, h);
  return _mm_cvtss_f32(h);
}
V_INLINE __m512d v_widen_low(vreal v) { return _mm512_cvtps_pd(_mm512_castps512_ps256(v)); }
V_INLINE __m512d v_widen_high(vreal v) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1)); }
#else
typedef __m512d vreal;
typedef __mmask8 vmask;
enum { VL = 8 };
#define X(op) _mm512_##op##_pd
#define V_CMP(a, b, how) _mm512_cmp_pd_mask(a, b, how)
#define V_INT(op) _mm512_##op##_epi64
#define V_BITS(v) _mm512_castpd_si512(v)
#define V_REAL(i) _mm512_castsi512_pd(i)
#define V_ISET(i) _mm512_set1_epi64((int64_t)(i))

#define HALVE(op, v, h) do { \
    __m256d q = _mm256_##op##_pd(_mm512_castpd512_pd256(v), _mm512_extractf64x4_pd(v, 1)); \
    h = _mm_##op##_pd(_mm256_castpd256_pd128(q), _mm256_extractf128_pd(q, 1)); \
    h = _mm_##op##_pd(h, _mm_unpackhi_pd(h, h)); \
  } while (0)
V_INLINE real v_sum(vreal v) {
  __m128d h;
  HALVE(add, v, h);
  return _mm_cvtsd_f64(h);
}
V_INLINE real v_hmax(vreal v) {
  __m128d h;
  HALVE(max, v, h);
  return _mm_cvtsd_f64(h);
}
#endif

#define V_HAS_FIRST
V_INLINE vmask v_first(size_t n) { return (vmask)((1u << n) - 1); }
V_INLINE vreal v_load_n(const real *p, size_t n) { return X(maskz_loadu)(v_first(n), p); }
V_INLINE void v_store_n(real *p, vreal v, size_t n) { X(mask_storeu)(p, v_first(n), v); }

#if REAL_BITS == 32
#define V_MIX(a, b, ...) _mm512_permutex2var_ps(a, _mm512_setr_epi32(__VA_ARGS__), b)
V_INLINE vreal v_evens(vreal a, vreal b) { return V_MIX(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30); }
V_INLINE vreal v_odds(vreal a, vreal b) { return V_MIX(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31); }
V_INLINE vreal v_zip_low(vreal a, vreal b) { return V_MIX(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23); }
V_INLINE vreal v_zip_high(vreal a, vreal b) { return V_MIX(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31); }
#else
#define V_MIX(a, b, ...) _mm512_permutex2var_pd(a, _mm512_setr_epi64(__VA_ARGS__), b)
V_INLINE vreal v_evens(vreal a, vreal b) { return V_MIX(a, b, 0, 2, 4, 6, 8, 10, 12, 14); }
V_INLINE vreal v_odds(vreal a, vreal b) { return V_MIX(a, b, 1, 3, 5, 7, 9, 11, 13, 15); }
V_INLINE vreal v_zip_low(vreal a, vreal b) { return V_MIX(a, b, 0, 8, 1, 9, 2, 10, 3, 11); }
V_INLINE vreal v_zip_high(vreal a, vreal b) { return V_MIX(a, b, 4, 12, 5, 13, 6, 14, 7, 15); }
#endif
#undef V_MIX

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
V_INLINE vreal v_fma(vreal a, vreal b, vreal c) { return X(fmadd)(a, b, c); }
V_INLINE vreal v_fnma(vreal a, vreal b, vreal c) { return X(fnmadd)(a, b, c); }
V_INLINE vreal v_min(vreal a, vreal b) { return X(min)(a, b); }
V_INLINE vreal v_max(vreal a, vreal b) { return X(max)(a, b); }

V_INLINE vmask v_lt(vreal a, vreal b) { return V_CMP(a, b, _CMP_LT_OQ); }
V_INLINE vmask v_le(vreal a, vreal b) { return V_CMP(a, b, _CMP_LE_OQ); }
V_INLINE vmask v_gt(vreal a, vreal b) { return V_CMP(a, b, _CMP_GT_OQ); }
V_INLINE vmask v_eq(vreal a, vreal b) { return V_CMP(a, b, _CMP_EQ_OQ); }
V_INLINE vmask v_unordered(vreal a, vreal b) { return V_CMP(a, b, _CMP_UNORD_Q); }
V_INLINE vreal v_select(vmask m, vreal a, vreal b) { return X(mask_blend)(m, b, a); }
V_INLINE vmask v_mask_and(vmask a, vmask b) { return (vmask)(a & b); }
V_INLINE vmask v_mask_or(vmask a, vmask b) { return (vmask)(a | b); }
V_INLINE vmask v_mask_not(vmask m) { return (vmask)~m; }
V_INLINE int v_any(vmask m) { return m != 0; }

V_INLINE vreal v_round(vreal v) { return X(roundscale)(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
V_INLINE vreal v_scale2(vreal v, vreal k) { return X(scalef)(v, k); }
#define V_HAS_SCALE2
V_INLINE vreal v_pow2(vreal k) { return v_scale2(v_set1(1), k); }
V_INLINE vreal v_exponent(vreal v) {
  __m512i bits = V_INT(srli)(V_INT(add)(V_BITS(v), V_ISET(V_OF(V_ONE) - V_OF(V_ROOT))), V_OF(V_MANTISSA));
  vreal count = V_REAL(V_ISET(V_OF(V_COUNT)));
  return v_sub(X(or)(V_REAL(bits), count), v_add(count, v_set1(V_OF(V_BIAS))));
}
V_INLINE vreal v_mantissa(vreal v) {
  __m512i bits = V_INT(add)(V_BITS(v), V_ISET(V_OF(V_ONE) - V_OF(V_ROOT)));
  return V_REAL(V_INT(add)(_mm512_and_si512(bits, V_ISET(((uint64_t)1 << V_OF(V_MANTISSA)) - 1)), V_ISET(V_OF(V_ROOT))));
}
#undef X
#undef V_CMP
#undef V_INT
#undef V_BITS
#undef V_REAL
#undef V_ISET
#undef HALVE
#include "vec/common.h"
#undef V_HAS_SCALE2
#undef V_HAS_FIRST
