/* clang-format off: one operation a line, in columns */
/* AVX2 with FMA: 256 bits. See names.h. */
#if REAL_BITS == 32
typedef __m256 vreal;
typedef __m256 vmask;
enum { VL = 8 };
#define X(op) _mm256_##op##_ps
#define V_INT(op) _mm256_##op##_epi32
#define V_BITS(v) _mm256_castps_si256(v)
#define V_REAL(i) _mm256_castsi256_ps(i)
#define V_ISET(i) _mm256_set1_epi32((int)(i))

#define HALVE(op, v, h) do { \
    h = _mm_##op##_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1)); \
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
V_INLINE __m256d v_widen_low(vreal v) { return _mm256_cvtps_pd(_mm256_castps256_ps128(v)); }
V_INLINE __m256d v_widen_high(vreal v) { return _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1)); }
#else
typedef __m256d vreal;
typedef __m256d vmask;
enum { VL = 4 };
#define X(op) _mm256_##op##_pd
#define V_INT(op) _mm256_##op##_epi64
#define V_BITS(v) _mm256_castpd_si256(v)
#define V_REAL(i) _mm256_castsi256_pd(i)
#define V_ISET(i) _mm256_set1_epi64x((int64_t)(i))

#define HALVE(op, v, h) do { \
    h = _mm_##op##_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1)); \
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

V_INLINE void v_store(real *p, vreal v) { X(storeu)(p, v); }

#define V_HAS_FIRST
/* Ones, then zeros: read VL - n lanes in, it is the mask of the first n. */
V_INLINE vmask v_first(size_t n) {
  static const int32_t ones_zeros[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
  return V_REAL(_mm256_loadu_si256((const __m256i *)(const void *)(ones_zeros + (VL - n) * (REAL_BITS / 32))));
}
V_INLINE vreal v_load_n(const real *p, size_t n) { return X(maskload)(p, V_BITS(v_first(n))); }
/* In pieces: the masked store is a dozen times as slow as a plain one on some processors. */
V_INLINE void v_store_n(real *p, vreal v, size_t n) {
#if REAL_BITS == 32
  __m128 rest = _mm256_castps256_ps128(v);
  if (n & 8) {
    v_store(p, v);
    return;
  }
  if (n & 4) {
    _mm_storeu_ps(p, rest);
    rest = _mm256_extractf128_ps(v, 1);
    p += 4;
  }
  if (n & 2) {
    _mm_storel_pi((__m64 *)(void *)p, rest);
    rest = _mm_movehl_ps(rest, rest);
    p += 2;
  }
  if (n & 1) _mm_store_ss(p, rest);
#else
  __m128d rest = _mm256_castpd256_pd128(v);
  if (n & 4) {
    v_store(p, v);
    return;
  }
  if (n & 2) {
    _mm_storeu_pd(p, rest);
    rest = _mm256_extractf128_pd(v, 1);
    p += 2;
  }
  if (n & 1) _mm_store_sd(p, rest);
#endif
}

#if REAL_BITS == 32
#define V_ORDER(v) _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(v), 0xd8))
V_INLINE vreal v_evens(vreal a, vreal b) { return V_ORDER(_mm256_shuffle_ps(a, b, 0x88)); }
V_INLINE vreal v_odds(vreal a, vreal b) { return V_ORDER(_mm256_shuffle_ps(a, b, 0xdd)); }
#undef V_ORDER
#else
V_INLINE vreal v_evens(vreal a, vreal b) { return _mm256_permute4x64_pd(_mm256_unpacklo_pd(a, b), 0xd8); }
V_INLINE vreal v_odds(vreal a, vreal b) { return _mm256_permute4x64_pd(_mm256_unpackhi_pd(a, b), 0xd8); }
#endif
V_INLINE vreal v_zip_low(vreal a, vreal b) { return X(permute2f128)(X(unpacklo)(a, b), X(unpackhi)(a, b), 0x20); }
V_INLINE vreal v_zip_high(vreal a, vreal b) { return X(permute2f128)(X(unpacklo)(a, b), X(unpackhi)(a, b), 0x31); }

V_INLINE vreal v_set1(real s) { return X(set1)(s); }
V_INLINE vreal v_zero(void) { return X(setzero)(); }
V_INLINE vreal v_load(const real *p) { return X(loadu)(p); }

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

V_INLINE vmask v_lt(vreal a, vreal b) { return X(cmp)(a, b, _CMP_LT_OQ); }
V_INLINE vmask v_le(vreal a, vreal b) { return X(cmp)(a, b, _CMP_LE_OQ); }
V_INLINE vmask v_gt(vreal a, vreal b) { return X(cmp)(a, b, _CMP_GT_OQ); }
V_INLINE vmask v_eq(vreal a, vreal b) { return X(cmp)(a, b, _CMP_EQ_OQ); }
V_INLINE vmask v_unordered(vreal a, vreal b) { return X(cmp)(a, b, _CMP_UNORD_Q); }
V_INLINE vreal v_select(vmask m, vreal a, vreal b) { return X(blendv)(b, a, m); }
V_INLINE vmask v_mask_and(vmask a, vmask b) { return X (and)(a, b); }
V_INLINE vmask v_mask_or(vmask a, vmask b) { return X(or)(a, b); }
V_INLINE vmask v_mask_not(vmask m) { return X(xor)(m, V_REAL(_mm256_set1_epi32(-1))); }
V_INLINE int v_any(vmask m) { return X(movemask)(m) != 0; }

V_INLINE vreal v_round(vreal v) { return X(round)(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
V_INLINE vreal v_pow2(vreal k) { return V_REAL(V_INT(slli)(V_BITS(v_add(k, v_set1(V_OF(V_MAGIC) + V_OF(V_BIAS)))), V_OF(V_MANTISSA))); }
V_INLINE vreal v_exponent(vreal v) {
  __m256i bits = V_INT(srli)(V_INT(add)(V_BITS(v), V_ISET(V_OF(V_ONE) - V_OF(V_ROOT))), V_OF(V_MANTISSA));
  vreal count = V_REAL(V_ISET(V_OF(V_COUNT)));
  return v_sub(X(or)(V_REAL(bits), count), v_add(count, v_set1(V_OF(V_BIAS))));
}
V_INLINE vreal v_mantissa(vreal v) {
  __m256i bits = V_INT(add)(V_BITS(v), V_ISET(V_OF(V_ONE) - V_OF(V_ROOT)));
  return V_REAL(V_INT(add)(_mm256_and_si256(bits, V_ISET(((uint64_t)1 << V_OF(V_MANTISSA)) - 1)), V_ISET(V_OF(V_ROOT))));
}
#undef X
#undef V_INT
#undef V_BITS
#undef V_REAL
#undef V_ISET
#undef HALVE
#include "vec/common.h"
#undef V_HAS_FIRST
