/* clang-format off: one operation a line, in columns */
/* One lane of plain C: the definition of the vocabulary, and what runs where nothing else does. See names.h. */
typedef real vreal;
typedef int vmask;
enum { VL = 1 };

#if REAL_BITS == 32
#define V_INT uint32_t
#else
#define V_INT uint64_t
#endif
V_INLINE V_INT FN(v_to_bits)(real v) {
  V_INT bits;
  memcpy(&bits, &v, sizeof bits);
  return bits;
}
V_INLINE real FN(v_from_bits)(V_INT bits) {
  real v;
  memcpy(&v, &bits, sizeof v);
  return v;
}

V_INLINE vreal v_set1(real s) { return s; }
V_INLINE vreal v_zero(void) { return 0; }
V_INLINE vreal v_load(const real *p) { return *p; }
V_INLINE void v_store(real *p, vreal v) { *p = v; }
V_INLINE vreal v_load_n(const real *p, size_t n) { return n ? *p : 0; }
V_INLINE void v_store_n(real *p, vreal v, size_t n) {
  if (n) *p = v;
}

V_INLINE vreal v_add(vreal a, vreal b) { return a + b; }
V_INLINE vreal v_sub(vreal a, vreal b) { return a - b; }
V_INLINE vreal v_mul(vreal a, vreal b) { return a * b; }
V_INLINE vreal v_div(vreal a, vreal b) { return a / b; }
V_INLINE vreal v_neg(vreal v) { return -v; }
V_INLINE vreal v_fma(vreal a, vreal b, vreal c) { return a * b + c; }
V_INLINE vreal v_fnma(vreal a, vreal b, vreal c) { return c - a * b; }
V_INLINE vreal v_min(vreal a, vreal b) { return a < b ? a : b; }
V_INLINE vreal v_max(vreal a, vreal b) { return a > b ? a : b; }

V_INLINE vmask v_lt(vreal a, vreal b) { return a < b; }
V_INLINE vmask v_le(vreal a, vreal b) { return a <= b; }
V_INLINE vmask v_gt(vreal a, vreal b) { return a > b; }
V_INLINE vmask v_eq(vreal a, vreal b) { return a == b; }
V_INLINE vmask v_unordered(vreal a, vreal b) { return a != a || b != b; }
V_INLINE vreal v_select(vmask m, vreal a, vreal b) { return m ? a : b; }
V_INLINE vmask v_mask_and(vmask a, vmask b) { return a & b; }
V_INLINE vmask v_mask_or(vmask a, vmask b) { return a | b; }
V_INLINE vmask v_mask_not(vmask m) { return !m; }
V_INLINE int v_any(vmask m) { return m; }

V_INLINE vreal v_round(vreal v) { return (v + V_OF(V_MAGIC)) - V_OF(V_MAGIC); }
V_INLINE vreal v_pow2(vreal k) { return FN(v_from_bits)(FN(v_to_bits)(k + (V_OF(V_MAGIC) + V_OF(V_BIAS))) << V_OF(V_MANTISSA)); }
V_INLINE vreal v_exponent(vreal v) {
  V_INT bits = (FN(v_to_bits)(v) + (V_OF(V_ONE) - V_OF(V_ROOT))) >> V_OF(V_MANTISSA);
  return FN(v_from_bits)(bits | V_OF(V_COUNT)) - (FN(v_from_bits)(V_OF(V_COUNT)) + V_OF(V_BIAS));
}
V_INLINE vreal v_mantissa(vreal v) {
  V_INT bits = FN(v_to_bits)(v) + (V_OF(V_ONE) - V_OF(V_ROOT));
  return FN(v_from_bits)((bits & (((V_INT)1 << V_OF(V_MANTISSA)) - 1)) + V_OF(V_ROOT));
}
V_INLINE vreal v_evens(vreal a, vreal b) { return (void)b, a; }
V_INLINE vreal v_odds(vreal a, vreal b) { return (void)a, b; }
V_INLINE vreal v_zip_low(vreal a, vreal b) { return (void)b, a; }
V_INLINE vreal v_zip_high(vreal a, vreal b) { return (void)a, b; }
V_INLINE real v_sum(vreal v) { return v; }
V_INLINE real v_hmax(vreal v) { return v; }

#if REAL_BITS == 32
/* These three become instructions, not calls. */
V_INLINE vreal v_sqrt(vreal v) { return sqrtf(v); }
V_INLINE vreal v_abs(vreal v) { return fabsf(v); }
V_INLINE vreal v_copysign(vreal v, vreal sign) { return copysignf(v, sign); }
V_INLINE double v_widen_low(vreal v) { return v; }
V_INLINE double v_widen_high(vreal v) {
  (void)v;
  return 0;
}
#else
V_INLINE vreal v_sqrt(vreal v) { return sqrt(v); }
V_INLINE vreal v_abs(vreal v) { return fabs(v); }
V_INLINE vreal v_copysign(vreal v, vreal sign) { return copysign(v, sign); }
#endif
#undef V_INT
#include "vec/common.h"
