/* clang-format off: one operation a line, in columns */
/* The vocabulary of vector operations that every kernel template is written in.

   vec/<isa>.h is included once for f64 and then once for f32 (order matters: widening needs f64), with these set by the includer:
     ISA  scalar, sse2, ...      DTYPE  f32 or f64      real  float or double      REAL_BITS  32 or 64
   and defines static inline functions. FN(name) is name_<dtype>_<isa>, so instances of many kinds live in one file; the short names
   below are macros that stand for the FN form of whatever DTYPE is current. Templates name their own functions FN(dot).

   vreal   a vector of VL reals                vmask   the result of a comparison, one truth a lane
   v_set1(s) v_zero()                          v_load(p) v_store(p, v)        any alignment
   v_load_n(p, n) v_store_n(p, v, n)           the first n lanes, 0 <= n <= VL; others read as 0; no other byte is touched
   v_get(p, n) v_put(p, v, n)                  the same for any n: all VL lanes when n >= VL (the loop over an array is one line)
   v_add v_sub v_mul v_div v_sqrt v_neg v_abs
   v_fma(a, b, c) = a b + c                    v_fnma(a, b, c) = c - a b      fused where the instruction set can, else mul and add
   v_min(a, b) = a < b ? a : b                 v_max(a, b) = a > b ? a : b    so b whenever either is NaN, and of two zeros
   v_copysign(a, s)                            |a| with the sign bit of s
   v_lt v_le v_gt v_eq (false with NaN)        v_isnan(v), v_unordered(a, b): one of them is
   v_select(m, a, b) = m ? a : b               v_mask_and v_mask_or v_mask_not v_any(m)
   v_first(n)                                  vmask of the first n lanes, 0 <= n <= VL
   v_round(v)                                  nearest, ties to even; |v| < 2^22 (f32), 2^51 (f64)
   v_pow2(k)                                   2^k, k integer-valued, result normal
   v_scale2(v, k) = v 2^k                      v normal, k integer-valued, |k| <= 250 (f32), 2000 (f64): rounded once, also to a
                                               subnormal; overflows to infinity
   v_mantissa(v) v_exponent(v)                 v = mantissa 2^exponent, mantissa in [sqrt 1/2, sqrt 2); v positive and normal
   v_evens(a, b) v_odds(a, b)                  every second lane of a and then of b, from the first or from the second on
   v_zip_low(a, b) v_zip_high(a, b)            the reverse: a first, b first, a second ..., of which the first or the second VL
   v_sum(v) v_hmax(v)                          over lanes, in the fixed order of halving (lane i with lane i + VL/2, and so on)
   v_widen_low(v) v_widen_high(v)              f32 only: the two halves as vwide (scalar: the value, and 0)
   vwide  WIDE(add)(a, b)                      the vreal of f64 and its v_add, v_fma ..., whatever the current DTYPE */
#ifndef CNN_VEC_NAMES_H
#define CNN_VEC_NAMES_H
#include <math.h> /* INFINITY, NAN, and what becomes an instruction: sqrt fabs copysign */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CNN_PASTE3_(a, b, c) a##_##b##_##c
#define CNN_PASTE3(a, b, c) CNN_PASTE3_(a, b, c)
#define FN(name) CNN_PASTE3(name, DTYPE, ISA)

#if defined(__GNUC__) || defined(__clang__)
#define V_INLINE static inline __attribute__((always_inline, unused))
#ifdef __clang__
#define V_APART static __attribute__((noinline)) /* large, and called from several places */
#else
#define V_APART static __attribute__((noinline, noclone))
#endif
#define STAY_SCALAR __asm__ volatile("") /* in a loop: GCC would make ten kilobytes of vector code for a handful of elements */
#else
#define V_INLINE static __forceinline
#define V_APART static
#define STAY_SCALAR ((void)0)
#endif

#define vreal FN(vreal)
#define vmask FN(vmask)
#define VL FN(VL)
#define v_set1 FN(v_set1)
#define v_zero FN(v_zero)
#define v_load FN(v_load)
#define v_store FN(v_store)
#define v_load_n FN(v_load_n)
#define v_store_n FN(v_store_n)
#define v_get FN(v_get)
#define v_put FN(v_put)
#define v_add FN(v_add)
#define v_sub FN(v_sub)
#define v_mul FN(v_mul)
#define v_div FN(v_div)
#define v_sqrt FN(v_sqrt)
#define v_neg FN(v_neg)
#define v_abs FN(v_abs)
#define v_copysign FN(v_copysign)
#define v_fma FN(v_fma)
#define v_fnma FN(v_fnma)
#define v_min FN(v_min)
#define v_max FN(v_max)
#define v_lt FN(v_lt)
#define v_le FN(v_le)
#define v_gt FN(v_gt)
#define v_eq FN(v_eq)
#define v_isnan FN(v_isnan)
#define v_unordered FN(v_unordered)
#define v_select FN(v_select)
#define v_mask_and FN(v_mask_and)
#define v_mask_or FN(v_mask_or)
#define v_mask_not FN(v_mask_not)
#define v_any FN(v_any)
#define v_first FN(v_first)
#define v_round FN(v_round)
#define v_pow2 FN(v_pow2)
#define v_scale2 FN(v_scale2)
#define v_mantissa FN(v_mantissa)
#define v_exponent FN(v_exponent)
#define v_evens FN(v_evens)
#define v_odds FN(v_odds)
#define v_zip_low FN(v_zip_low)
#define v_zip_high FN(v_zip_high)
#define v_sum FN(v_sum)
#define v_hmax FN(v_hmax)
#define v_widen_low FN(v_widen_low)
#define v_widen_high FN(v_widen_high)

#define vwide CNN_PASTE2(vwide, ISA)
#define WIDE_OF_(op, isa) v_##op##_f64_##isa
#define WIDE_OF(op, isa) WIDE_OF_(op, isa)
#define WIDE(op) WIDE_OF(op, ISA)

/* The layout of each dtype. Adding V_MAGIC to an integer-valued number leaves the integer in its low bits; one more V_BIAS makes
   those bits an exponent field. */
#define V_MAGIC_32 0x1.8p23f
#define V_MAGIC_64 0x1.8p52
#define V_BIAS_32 127
#define V_BIAS_64 1023
#define V_MANTISSA_32 23
#define V_MANTISSA_64 52
#define V_ONE_32 0x3f800000          /* bits of 1, of sqrt 1/2 and of the 2^23 or 2^52 whose low bits count in ones */
#define V_ONE_64 0x3ff0000000000000
#define V_ROOT_32 0x3f3504f3
#define V_ROOT_64 0x3fe6a09e667f3bcd
#define V_COUNT_32 0x4b000000
#define V_COUNT_64 0x4330000000000000
#define CNN_PASTE2_(a, b) a##_##b
#define CNN_PASTE2(a, b) CNN_PASTE2_(a, b)
#define V_OF(name) CNN_PASTE2(name, REAL_BITS)
#endif
