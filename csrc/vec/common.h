/* clang-format off: one operation a line, in columns */
/* What follows from the rest of the vocabulary; the last line of every vec/<isa>.h. No include guard: once a dtype. */
V_INLINE vmask v_isnan(vreal v) { return v_unordered(v, v); }
V_INLINE vreal v_get(const real *p, size_t n) { return n >= VL ? v_load(p) : v_load_n(p, n); }
V_INLINE void v_put(real *p, vreal v, size_t n) {
  if (n >= VL) v_store(p, v);
  else v_store_n(p, v, n);
}

#ifndef V_HAS_SCALE2
/* In two exact-or-last steps, for 2^k itself may be out of range. */
V_INLINE vreal v_scale2(vreal v, vreal k) {
  vreal half = v_round(v_mul(k, v_set1((real)0.5)));
  return v_mul(v_mul(v, v_pow2(half)), v_pow2(v_sub(k, half)));
}
#endif

#ifndef V_HAS_FIRST
V_INLINE vmask v_first(size_t n) {
  static const real ones[4] = {1, 1, 1, 1}; /* of which VL are read: only 128-bit sets come here */
  return v_gt(v_load_n(ones, n), v_zero());
}
#endif

#if REAL_BITS == 64
typedef vreal vwide;
#endif
