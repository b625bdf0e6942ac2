/* Activations (rows of the definitions in engine/activations.pxi). Each is two inline functions of a vector: f(z, c0, c1), and
   f_back(dy, v, c0, c1) = dy f', v being y or z as kernels.def says; the loops are made from them. */

V_INLINE vreal FN(v_positive)(vreal test, vreal a, vreal b) { return v_select(v_gt(test, v_zero()), a, b); }
#define F(name) V_INLINE vreal FN(f_##name)(vreal z, vreal c0, vreal c1)
#define B(name, v) V_INLINE vreal FN(b_##name)(vreal dy, vreal v, vreal c0, vreal c1)
#define NO_CONSTANTS (void)c0, (void)c1
#define ONE v_set1(1)
#define NUMBER(x) v_set1((real)(x))

F(sigmoid) {
  NO_CONSTANTS;
  return FN(v_sigmoid)(z);
}
B(sigmoid, y) {
  NO_CONSTANTS;
  return v_mul(dy, v_mul(y, v_sub(ONE, y)));
}

F(tanh) {
  NO_CONSTANTS;
  return FN(v_tanh)(z);
}
B(tanh, y) {
  NO_CONSTANTS;
  return v_mul(dy, v_fnma(y, y, ONE));
}

F(relu) {
  NO_CONSTANTS;
  return v_max(v_zero(), z);
} /* of 0 and NaN, max gives the second */
B(relu, y) {
  NO_CONSTANTS;
  return FN(v_positive)(y, dy, v_zero());
}

F(leaky_relu) {
  (void)c1;
  return FN(v_positive)(z, z, v_mul(z, c0));
}
B(leaky_relu, y) {
  (void)c1;
  return FN(v_positive)(y, dy, v_mul(dy, c0));
}

F(elu) {
  (void)c1;
  return FN(v_positive)(z, z, v_mul(c0, FN(v_expm1)(z)));
}
B(elu, y) {
  (void)c1;
  return FN(v_positive)(y, dy, v_mul(dy, v_add(y, c0)));
}

#define SELU_SCALE 1.0507009873554804934193349852946
#define SELU_ALPHA_SCALE (1.6732632423543772848170429916717 * SELU_SCALE)
F(selu) {
  NO_CONSTANTS;
  return FN(v_positive)(z, v_mul(z, NUMBER(SELU_SCALE)), v_mul(NUMBER(SELU_ALPHA_SCALE), FN(v_expm1)(z)));
}
B(selu, y) {
  NO_CONSTANTS;
  return v_mul(dy, FN(v_positive)(y, NUMBER(SELU_SCALE), v_add(y, NUMBER(SELU_ALPHA_SCALE))));
}

#define ROOT_HALF 0.70710678118654752440084436210485
#define NORMAL_PEAK 0.39894228040143267793994605993438 /* 1 / sqrt(2 pi) */
V_INLINE vreal FN(v_normal_cdf)(vreal z) { return v_mul(NUMBER(0.5), v_add(ONE, FN(v_erf)(v_mul(z, NUMBER(ROOT_HALF))))); }
F(gelu) {
  NO_CONSTANTS;
  return v_mul(z, FN(v_normal_cdf)(z));
}
B(gelu, z) {
  NO_CONSTANTS;
  vreal density = v_mul(NUMBER(NORMAL_PEAK), FN(v_exp)(v_mul(v_mul(z, z), NUMBER(-0.5))));
  return v_mul(dy, v_fma(z, density, FN(v_normal_cdf)(z)));
}

#define GELU_ROOT 0.79788456080286535587989211986876 /* sqrt(2 / pi) */
#define GELU_CUBE 0.044715
V_INLINE vreal FN(gelu_inner)(vreal z, vreal z2) {
  return FN(v_tanh)(v_mul(v_mul(z, NUMBER(GELU_ROOT)), v_fma(z2, NUMBER(GELU_CUBE), ONE)));
}
F(gelu_tanh) {
  NO_CONSTANTS;
  return v_mul(v_mul(NUMBER(0.5), z), v_add(ONE, FN(gelu_inner)(z, v_mul(z, z))));
}
B(gelu_tanh, z) {
  NO_CONSTANTS;
  vreal z2 = v_mul(z, z), t = FN(gelu_inner)(z, z2);
  vreal inner = v_mul(NUMBER(GELU_ROOT), v_fma(z2, NUMBER(3 * GELU_CUBE), ONE));
  vreal slope = v_fma(v_mul(z, v_fnma(t, t, ONE)), inner, v_add(ONE, t));
  return v_mul(dy, v_mul(NUMBER(0.5), slope));
}

F(silu) {
  NO_CONSTANTS;
  return v_mul(z, FN(v_sigmoid)(z));
}
B(silu, z) {
  NO_CONSTANTS;
  vreal s = FN(v_sigmoid)(z);
  return v_mul(dy, v_mul(s, v_fma(z, v_sub(ONE, s), ONE)));
}

/* log(1 + e^b) / beta with b = beta z, as max(b, 0) + log1p(e^-|b|). */
F(softplus) {
  vreal b = v_mul(z, c0), soft = v_add(v_max(v_zero(), b), FN(v_log1p)(FN(v_exp)(v_neg(v_abs(b)))));
  return v_select(v_gt(b, c1), z, v_mul(soft, v_div(ONE, c0)));
}
B(softplus, z) {
  vreal b = v_mul(z, c0);
  return v_select(v_gt(b, c1), dy, v_mul(dy, FN(v_sigmoid)(b)));
}

V_INLINE vreal FN(v_ramp)(vreal z) { return v_max(v_zero(), v_min(v_set1(6), v_add(z, v_set1(3)))); }
V_INLINE vmask FN(v_on_ramp)(vreal z) { return v_lt(v_abs(z), v_set1(3)); }
F(hard_sigmoid) {
  NO_CONSTANTS;
  return v_div(FN(v_ramp)(z), v_set1(6));
}
B(hard_sigmoid, z) {
  NO_CONSTANTS;
  return v_select(FN(v_on_ramp)(z), v_div(dy, v_set1(6)), v_zero());
}

F(hard_swish) { /* by pieces: z * 6 would overflow, and infinity * 0 is a NaN */
  NO_CONSTANTS;
  vreal middle = v_div(v_mul(z, v_add(z, v_set1(3))), v_set1(6));
  return v_select(v_le(z, v_set1(-3)), v_zero(), v_select(v_le(v_set1(3), z), z, middle));
}
B(hard_swish, z) {
  NO_CONSTANTS;
  vreal middle = v_mul(dy, v_add(v_div(z, v_set1(3)), NUMBER(0.5)));
  return v_select(v_le(z, v_set1(-3)), v_zero(), v_select(v_le(v_set1(3), z), dy, middle));
}

/* The loops. v: which of y and z the derivative reads; count: how many constants c holds. */
#define ACTIVATION(name, v, count) \
  static void FN(name##_forward)(size_t n, const real *z, real *y, const real *c) { \
    vreal c0 = v_set1(count > 0 ? c[0] : 0), c1 = v_set1(count > 1 ? c[1] : 0); \
    (void)c; \
    for (size_t i = 0; i < n; i += VL) v_put(y + i, FN(f_##name)(v_get(z + i, n - i), c0, c1), n - i); \
  } \
  static void FN(name##_backward)(size_t n, const real *dy, const real *z, const real *y, real *dz, const real *c, int accumulate) { \
    vreal c0 = v_set1(count > 0 ? c[0] : 0), c1 = v_set1(count > 1 ? c[1] : 0); \
    (void)c, (void)z, (void)y; \
    for (size_t i = 0; i < n; i += VL) { \
      vreal d = FN(b_##name)(v_get(dy + i, n - i), v_get(v + i, n - i), c0, c1); \
      if (accumulate) d = v_add(v_get(dz + i, n - i), d); \
      v_put(dz + i, d, n - i); \
    } \
  }
ACTIVATION(sigmoid, y, 0)
ACTIVATION(tanh, y, 0)
ACTIVATION(relu, y, 0)
ACTIVATION(leaky_relu, y, 1)
ACTIVATION(elu, y, 1)
ACTIVATION(selu, y, 0)
ACTIVATION(gelu, z, 0)
ACTIVATION(gelu_tanh, z, 0)
ACTIVATION(silu, z, 0)
ACTIVATION(softplus, z, 2)
ACTIVATION(hard_sigmoid, z, 0)
ACTIVATION(hard_swish, z, 0)

/* Less the largest, so that exp cannot overflow; a NaN reaches the sum and so the whole row. */
static void FN(softmax_forward)(size_t rows, size_t n, const real *z, real *y) {
  for (; rows; rows--, z += n, y += n) {
    vreal best = v_set1(-INFINITY), sum = v_zero();
    for (size_t i = 0; i < n; i += VL) {
      vreal v = n - i >= VL ? v_load(z + i) : v_select(v_first(n - i), v_load_n(z + i, n - i), v_set1(-INFINITY));
      best = v_max(v, best);
    }
    vreal top = v_set1(v_hmax(best));
    for (size_t i = 0; i < n; i += VL) {
      vreal e = FN(v_exp)(v_sub(v_get(z + i, n - i), top));
      v_put(y + i, e, n - i);
      sum = v_add(sum, n - i >= VL ? e : v_select(v_first(n - i), e, v_zero()));
    }
    vreal total = v_set1(v_sum(sum));
    for (size_t i = 0; i < n; i += VL) v_put(y + i, v_div(v_get(y + i, n - i), total), n - i);
  }
}

static void FN(softmax_backward)(size_t rows, size_t n, const real *dy, const real *y, real *dz, int accumulate) {
  for (; rows; rows--, dy += n, y += n, dz += n) {
    vreal inner = v_set1(FN(dot)(n, dy, y));
    for (size_t i = 0; i < n; i += VL) {
      vreal d = v_mul(v_get(y + i, n - i), v_sub(v_get(dy + i, n - i), inner));
      if (accumulate) d = v_add(v_get(dz + i, n - i), d);
      v_put(dz + i, d, n - i);
    }
  }
}

#undef F
#undef B
#undef NO_CONSTANTS
#undef ONE
#undef NUMBER
#undef SELU_SCALE
#undef SELU_ALPHA_SCALE
#undef ROOT_HALF
#undef NORMAL_PEAK
#undef GELU_ROOT
#undef GELU_CUBE
#undef ACTIVATION
