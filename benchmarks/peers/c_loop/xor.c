/* The hand-written loop that the XOR step is held against: 2-2-1, sigmoids, mean square error, float64, a sample a step, and nothing else.
   Both hidden units are one 128-bit vector, the exponential is its own, the weights stay in registers. Built with -O3 -march=native
   -ffp-contract=fast. What a step costs is the latency of one chain: two exponentials, two divisions, the sums between them.
   There is no clamp: sums beyond +-700 are not expected and give rubbish. */
#include <stddef.h>
#include <stdint.h>

typedef double v2 __attribute__((vector_size(16)));
typedef int64_t i2 __attribute__((vector_size(16)));

/* 2^f for |f| <= 1/2: interpolated at Chebyshev nodes, degree 11, within 4.3e-18. */
static const double c1 = 0x1.62e42fefa39efp-1, c2 = 0x1.ebfbdff82c5aep-3, c3 = 0x1.c6b08d704a0c6p-5, c4 = 0x1.3b2ab6fb9f1a5p-7,
                    c5 = 0x1.5d87fe78a3f9cp-10, c6 = 0x1.430913112c61bp-13, c7 = 0x1.ffcbfc6da6ed1p-17, c8 = 0x1.62bfc2c86d700p-20,
                    c9 = 0x1.b524ebd13a55fp-24, c10 = 0x1.e6228acd1c6e5p-28, c11 = 0x1.e9ec1fcb69a7fp-32;
static const double log2e = 0x1.71547652b82fep+0,
                    magic = 0x1.8p52; /* adding magic rounds to a whole number, which stands in the low bits */

/* e^-x, once for a vector and once for a number: the same lines. */
#define EXP_OF_MINUS(NAME, V, I)                                                                 \
  static inline V NAME(V x) {                                                                    \
    V k = x * -log2e + magic;                                                                    \
    V f = x * -log2e - (k - magic);                                                              \
    V f2 = f * f, f4 = f2 * f2;                                                                  \
    V low = (f * c1 + 1.0) + f2 * (f * c3 + c2), middle = (f * c5 + c4) + f2 * (f * c7 + c6);    \
    V high = (f * c9 + c8) + f2 * (f * c11 + c10);                                               \
    union { V v; I i; } bits = {.v = k}, r = {.v = low + f4 * (middle + f4 * high)};             \
    r.i += bits.i << 52;                                                                         \
    return r.v;                                                                                  \
  }
EXP_OF_MINUS(exp_minus, double, int64_t)
EXP_OF_MINUS(exp_minus_2, v2, i2)

/* w: w1..w4 (a row a hidden unit), b1, b2, w5, w6, b3. x: n rows of 2, y: n. */
void xor_train(double *w, const double *x, const double *y, size_t n, size_t epochs, double rate) {
  v2 w_0 = {w[0], w[2]}, w_1 = {w[1], w[3]}, b_h = {w[4], w[5]}, w_o = {w[6], w[7]};
  double b_o = w[8];
  for (size_t epoch = 0; epoch < epochs; epoch++) {
    for (size_t i = 0; i < n; i++) {
      const double x0 = x[2 * i], x1 = x[2 * i + 1];
      const v2 h = 1.0 / (exp_minus_2(w_0 * x0 + (w_1 * x1 + b_h)) + 1.0);
      const v2 products = w_o * h;
      const double p = 1.0 / (exp_minus(products[0] + (products[1] + b_o)) + 1.0);
      const double d = 2.0 * rate * (y[i] - p) * (p * (1.0 - p)); /* -rate dL/d(sum of the output) */
      const v2 d_h = d * (w_o * (h * (1.0 - h)));
      w_o += d * h;
      b_o += d;
      w_0 += d_h * x0;
      w_1 += d_h * x1;
      b_h += d_h;
    }
  }
  const double out[9] = {w_0[0], w_1[0], w_0[1], w_1[1], b_h[0], b_h[1], w_o[0], w_o[1], b_o};
  for (int i = 0; i < 9; i++) w[i] = out[i];
}
