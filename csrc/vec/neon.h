/* clang-format off: one operation a line, in columns */
/* Advanced SIMD of 64-bit Arm: 128 bits, fused multiply-add. See names.h. */
#if REAL_BITS == 32
typedef float32x4_t vreal;
typedef uint32x4_t vmask;
enum { VL = 4 };
#define X(op) v##op##q_f32
#define U(op) v##op##q_u32
#define V_DUP(s) vdupq_n_f32(s)
#define V_BITS(v) vreinterpretq_u32_f32(v)
#define V_REAL(i) vreinterpretq_f32_u32(i)

V_INLINE vreal v_load_n(const real *p, size_t n) {
  const float32x2_t none = vdup_n_f32(0);
  switch (n) {
    case 0: return vdupq_n_f32(0);
    case 1: return vsetq_lane_f32(*p, vdupq_n_f32(0), 0);
    case 2: return vcombine_f32(vld1_f32(p), none);
    case 3: return vcombine_f32(vld1_f32(p), vset_lane_f32(p[2], none, 0));
    default: return vld1q_f32(p);
  }
}
V_INLINE void v_store_n(real *p, vreal v, size_t n) {
  if (n >= 4) vst1q_f32(p, v);
  else {
    if (n >= 2) vst1_f32(p, vget_low_f32(v));
    if (n == 3) vst1q_lane_f32(p + 2, v, 2);
    if (n == 1) vst1q_lane_f32(p, v, 0);
  }
}
V_INLINE real v_sum(vreal v) {
  float32x2_t h = vadd_f32(vget_low_f32(v), vget_high_f32(v));
  return vget_lane_f32(h, 0) + vget_lane_f32(h, 1);
}
V_INLINE real v_hmax(vreal v) { return vmaxvq_f32(v); }
V_INLINE float64x2_t v_widen_low(vreal v) { return vcvt_f64_f32(vget_low_f32(v)); }
V_INLINE float64x2_t v_widen_high(vreal v) { return vcvt_f64_f32(vget_high_f32(v)); }
#else
typedef float64x2_t vreal;
typedef uint64x2_t vmask;
enum { VL = 2 };
#define X(op) v##op##q_f64
#define U(op) v##op##q_u64
#define V_DUP(s) vdupq_n_f64(s)
#define V_BITS(v) vreinterpretq_u64_f64(v)
#define V_REAL(i) vreinterpretq_f64_u64(i)

V_INLINE vreal v_load_n(const real *p, size_t n) {
  return n >= 2 ? vld1q_f64(p) : n ? vsetq_lane_f64(*p, vdupq_n_f64(0), 0) : vdupq_n_f64(0);
}
V_INLINE void v_store_n(real *p, vreal v, size_t n) {
  if (n >= 2) vst1q_f64(p, v);
  else if (n) vst1q_lane_f64(p, v, 0);
}
V_INLINE real v_sum(vreal v) { return vgetq_lane_f64(v, 0) + vgetq_lane_f64(v, 1); }
V_INLINE real v_hmax(vreal v) { return vmaxvq_f64(v); }
#endif

V_INLINE vreal v_evens(vreal a, vreal b) { return X(uzp1)(a, b); }
V_INLINE vreal v_odds(vreal a, vreal b) { return X(uzp2)(a, b); }
V_INLINE vreal v_zip_low(vreal a, vreal b) { return X(zip1)(a, b); }
V_INLINE vreal v_zip_high(vreal a, vreal b) { return X(zip2)(a, b); }

V_INLINE vreal v_set1(real s) { return V_DUP(s); }
V_INLINE vreal v_zero(void) { return V_DUP(0); }
V_INLINE vreal v_load(const real *p) { return X(ld1)(p); }
V_INLINE void v_store(real *p, vreal v) { X(st1)(p, v); }

V_INLINE vreal v_add(vreal a, vreal b) { return X(add)(a, b); }
V_INLINE vreal v_sub(vreal a, vreal b) { return X(sub)(a, b); }
V_INLINE vreal v_mul(vreal a, vreal b) { return X(mul)(a, b); }
V_INLINE vreal v_div(vreal a, vreal b) { return X(div)(a, b); }
V_INLINE vreal v_sqrt(vreal v) { return X(sqrt)(v); }
V_INLINE vreal v_neg(vreal v) { return X(neg)(v); }
V_INLINE vreal v_abs(vreal v) { return X(abs)(v); }
V_INLINE vreal v_fma(vreal a, vreal b, vreal c) { return X(fma)(c, a, b); }
V_INLINE vreal v_fnma(vreal a, vreal b, vreal c) { return X(fms)(c, a, b); }

V_INLINE vmask v_lt(vreal a, vreal b) { return X(clt)(a, b); }
V_INLINE vmask v_le(vreal a, vreal b) { return X(cle)(a, b); }
V_INLINE vmask v_gt(vreal a, vreal b) { return X(cgt)(a, b); }
V_INLINE vmask v_eq(vreal a, vreal b) { return X(ceq)(a, b); }
V_INLINE vreal v_select(vmask m, vreal a, vreal b) { return X(bsl)(m, a, b); }
V_INLINE vmask v_mask_and(vmask a, vmask b) { return U (and)(a, b); }
V_INLINE vmask v_mask_or(vmask a, vmask b) { return U(orr)(a, b); }
#if REAL_BITS == 32
V_INLINE vmask v_mask_not(vmask m) { return vmvnq_u32(m); }
V_INLINE int v_any(vmask m) { return vmaxvq_u32(m) != 0; }
#else
V_INLINE vmask v_mask_not(vmask m) { return vreinterpretq_u64_u32(vmvnq_u32(vreinterpretq_u32_u64(m))); }
V_INLINE int v_any(vmask m) { return vmaxvq_u32(vreinterpretq_u32_u64(m)) != 0; }
#endif
V_INLINE vmask v_unordered(vreal a, vreal b) { return v_mask_not(v_mask_and(v_eq(a, a), v_eq(b, b))); }
/* The instructions return NaN if either is; ours take the second, as on x86. */
V_INLINE vreal v_min(vreal a, vreal b) { return v_select(v_lt(a, b), a, b); }
V_INLINE vreal v_max(vreal a, vreal b) { return v_select(v_gt(a, b), a, b); }
V_INLINE vreal v_copysign(vreal v, vreal sign) { return v_select(V_BITS(v_set1((real)-0.0)), sign, v); }

V_INLINE vreal v_round(vreal v) { return X(rndn)(v); }
#if REAL_BITS == 32
#define V_SHIFT(op, bits) v##op##q_n_u32(bits, 23)
#define V_ISET(i) vdupq_n_u32((uint32_t)(i))
#else
#define V_SHIFT(op, bits) v##op##q_n_u64(bits, 52)
#define V_ISET(i) vdupq_n_u64((uint64_t)(i))
#endif
V_INLINE vreal v_pow2(vreal k) { return V_REAL(V_SHIFT(shl, V_BITS(v_add(k, v_set1(V_OF(V_MAGIC) + V_OF(V_BIAS)))))); }
V_INLINE vreal v_exponent(vreal v) {
  vmask bits = V_SHIFT(shr, U(add)(V_BITS(v), V_ISET(V_OF(V_ONE) - V_OF(V_ROOT))));
  vmask count = V_ISET(V_OF(V_COUNT));
  return v_sub(V_REAL(U(orr)(bits, count)), v_add(V_REAL(count), v_set1(V_OF(V_BIAS))));
}
V_INLINE vreal v_mantissa(vreal v) {
  vmask bits = U(add)(V_BITS(v), V_ISET(V_OF(V_ONE) - V_OF(V_ROOT)));
  return V_REAL(U(add)(U (and)(bits, V_ISET(((uint64_t)1 << V_OF(V_MANTISSA)) - 1)), V_ISET(V_OF(V_ROOT))));
}
#undef X
#undef U
#undef V_DUP
#undef V_BITS
#undef V_REAL
#undef V_SHIFT
#undef V_ISET
#include "vec/common.h"
