/* The checks of check_kernels.c for one dtype: TYPE, real, BITS, EPS, LARGEST, LEAST_EXPONENT. */
#define TABLE CAT(cnn_kernels, TYPE)
#if BITS == 32
typedef uint32_t T_(bits);
#else
typedef uint64_t T_(bits);
#endif
static real T_(of_bits)(T_(bits) b) {
  real v;
  memcpy(&v, &b, sizeof v);
  return v;
}
static int T_(same)(const real *a, const real *b, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (memcmp(a + i, b + i, sizeof *a) && !(a[i] != a[i] && b[i] != b[i])) return 0;
  return 1;
}

/* Distance in units in the last place of the right answer; what rounds to infinity counts as the next power of two. */
static double T_(ulps)(real got, wide right) {
  if (right != right || got != got) return (right != right) == (got != got) ? 0 : INFINITY;
  wide top = LARGEST * (1 + (wide)EPS / 2), value = got;
  if (fabsl(right) >= top) right = copysignl(top, right);
  if (fabsl(value) > LARGEST) value = copysignl(top, value);
  int exponent;
  frexpl(right, &exponent);
  exponent -= BITS == 32 ? 24 : 53;
  if (exponent < LEAST_EXPONENT || right == 0) exponent = LEAST_EXPONENT;
  return (double)(fabsl(value - right) / ldexpl(1, exponent));
}

/* ---- kernels that work an element at a time. arrays: a letter each, n [-4, 4], p [0, 4], w wide; a capital is written as well.
   alias: pairs of digits, "10": array 1 may be array 0 (flag 0). run(t, n, a, c, flag) calls; right(v, c, flag) is the definition on
   one element of each array, in place. tolerance: in EPS of the largest magnitude involved. */
typedef struct {
  const char *name, *arrays, *alias;
  int flags;
  double tolerance;
  const real *c;
  void (*run)(const TABLE *t, size_t n, real **a, const real *c, int flag);
  void (*right)(wide *v, const real *c, int flag);
} T_(element);

static real T_(draw)(char kind) {
  double u = uniform();
  switch (kind | 32) {
    case 'p': return (real)(u * 4);
    case 'w': return (real)((u - 0.5) * 90);
    default: return (real)((u - 0.5) * 8);
  }
}

/* Apart by a few lines, so that they do not meet in one set of the cache. */
static real **T_(bench_arrays)(int level) {
  static real *a[ARRAYS];
  for (int i = 0; i < ARRAYS; i++) {
    a[i] = (real *)(void *)(room[i] + 320 * i);
    for (size_t j = 0; j < bench_bytes[level] / sizeof(real); j++) a[i][j] = T_(draw)('p') / 8 + (real)0.1;
  }
  return a;
}
#define BENCH(name, read, written, call) \
  if (bench) { \
    double seconds_[BENCH_LEVELS]; \
    for (int level_ = 0; level_ < BENCH_LEVELS; level_++) { \
      const size_t n = BENCH_COLUMNS, rows = bench_bytes[level_] / sizeof(real) / n; \
      real **a = T_(bench_arrays)(level_); \
      TIME(seconds_[level_], call, 0.005); \
    } \
    bench_line(name, sizeof(real), read, written, 0, seconds_); \
    return; \
  }

/* Whether another number in array i makes another result. */
static int T_(is_read)(const TABLE *t, const T_(element) * e, int i) {
  real first[ARRAYS];
  int differs = 0;
  for (int other = 0; other < 2; other++) {
    real **a = T_(bench_arrays)(0);
    for (int j = 0; e->arrays[j]; j++) a[j][0] = (real)0.3 + (real)0.1 * (real)j;
    if (other) a[i][0] = -5;
    e->run(t, 1, a, e->c, 0);
    for (int j = 0; e->arrays[j]; j++) {
      if (other && (j != i || e->arrays[j] < 'a')) differs |= memcmp(a[j], first + j, sizeof(real)) != 0;
      first[j] = a[j][0];
    }
  }
  return differs;
}

static void T_(bench_element)(const TABLE *t, const T_(element) * e) {
  double seconds[BENCH_LEVELS], read = 0, written = 0, also_read = 0;
  for (int level = 0; level < BENCH_LEVELS; level++) {
    const size_t n = bench_bytes[level] / sizeof(real);
    real **a = T_(bench_arrays)(level);
    TIME(seconds[level], e->run(t, n, a, e->c, 0), 0.005);
  }
  for (int i = 0; e->arrays[i]; i++) {
    const int is_read = T_(is_read)(t, e, i), is_written = e->arrays[i] < 'a';
    read += is_read, written += is_written, also_read += is_read && is_written;
  }
  bench_line(e->name, sizeof(real), read, written, also_read, seconds);
}

static void T_(elementwise)(const TABLE *t, const T_(element) * e) {
  if (bench) {
    T_(bench_element)(t, e);
    return;
  }
  static real in[ARRAYS][1024], out[ARRAYS][1024];
  int count = (int)strlen(e->arrays);
  real *a[ARRAYS];
  for (int flag = 0; flag <= e->flags; flag++)
    for (int s = 0; s < SIZES; s++)
      for (int mode = 0; mode < MODES; mode++) {
        size_t n = sizes[s], bytes = n * sizeof(real);
        for (int i = 0; i < count; i++) {
          a[i] = place(i, bytes, sizeof(real), (mode + i) % MODES);
          for (size_t j = 0; j < n; j++) a[i][j] = in[i][j] = T_(draw)(e->arrays[i]);
        }
        e->run(t, n, a, e->c, flag);
        int inside = 1, kept = 1, good = 1, alone = 1;
        for (int i = 0; i < count; i++) {
          inside &= intact(i, a[i], bytes);
          if (e->arrays[i] >= 'a') kept &= T_(same)(a[i], in[i], n);
          memcpy(out[i], a[i], bytes);
        }
        for (size_t j = 0; j < n; j++) {
          wide v[ARRAYS] = {0}, size = 0;
          real one[ARRAYS], *p[ARRAYS];
          for (int i = 0; i < count; i++) {
            v[i] = one[i] = in[i][j];
            size = fmaxl(size, fabsl(v[i]));
            p[i] = &one[i];
          }
          e->right(v, e->c, flag);
          e->run(t, 1, p, e->c, flag);
          for (int i = 0; i < count; i++) {
            good &= fabsl(out[i][j] - v[i]) <= e->tolerance * EPS * fmaxl(fabsl(v[i]), fmaxl(size, 1));
            alone &= T_(same)(one + i, out[i] + j, 1);
          }
        }
        verdict(inside, e->name, "wrote outside", n, mode);
        verdict(kept, e->name, "wrote an input", n, mode);
        verdict(good, e->name, "wrong", n, mode);
        verdict(alone, e->name, "position matters", n, mode);
        for (const char *pair = flag ? "" : e->alias; *pair; pair += 2) { /* adding to itself is another sum: only flag 0 */
          int to = pair[0] - '0', from = pair[1] - '0';
          real *b[ARRAYS];
          for (int i = 0; i < count; i++) memcpy(b[i] = a[i], in[i], bytes);
          b[to] = b[from];
          e->run(t, n, b, e->c, flag);
          verdict(T_(same)(b[to], out[to], n), e->name, "aliasing matters", n, mode);
        }
      }
}

#define ELEMENT(name, arrays, alias, flags, tolerance, constants, call, definition) \
  static void T_(run_##name)(const TABLE *t, size_t n, real **a, const real *c, int flag) { (void)flag, (void)c; call; } \
  static void T_(right_##name)(wide *v, const real *c, int flag) { (void)flag, (void)c; definition; } \
  static void T_(check_##name)(const TABLE *t) { \
    T_(elementwise)(t, &(T_(element)){#name, arrays, alias, flags, tolerance, constants, T_(run_##name), T_(right_##name)}); \
    if (!bench) T_(after_##name)(t); \
  }
#define AFTER(name) static void T_(after_##name)(const TABLE *t) { (void)t; }
#define C(...) ((const real[8]){__VA_ARGS__}) /* in parentheses, to pass through other macros */

/* ---- functions: dense sampling against libm in long double */
typedef struct {
  real x;
  double worst;
} T_(ulp);
static void T_(sweep)(const char *name, void (*f)(size_t, const real *, real *), wide (*right)(wide), double bound, double low,
                      double high) {
  static real x[1024], y[1024];
  T_(ulp) most = {0, 0};
  const real special[] = {0, (real)-0.0, INFINITY, -INFINITY, NAN, 1, -1, (real)LARGEST, (real)-LARGEST};
#ifdef __aarch64__
  const int rounds = 48; /* long double is software there */
#else
  const int rounds = 480;
#endif
  for (int round = 0; round < rounds; round++) {
    for (size_t i = 0; i < 1024; i++) {
      double u = uniform();
      if (round % 4 == 0) x[i] = T_(of_bits)((T_(bits))random_bits());
      else if (round % 4 == 1) x[i] = (real)(low + u * (high - low));
      else if (round % 4 == 2) x[i] = (real)((u - 0.5) * 8);
      else x[i] = (real)(1 + (u - 0.5) * (round % 8 == 3 ? 1 : 1e-3));
    }
    if (round == 0) memcpy(x, special, sizeof special);
    f(1024, x, y);
    for (size_t i = 0; i < 1024; i++) {
      double d = T_(ulps)(y[i], right(x[i]));
      if (d > most.worst) most = (T_(ulp)){x[i], d};
    }
  }
  printf("%-7s %s %-8s %.3f ULP at %a\n", isa, dtype, name, most.worst, (double)most.x);
  verdict(most.worst <= bound, name, "error above its bound", 0, 0);
}
static int T_(odd)(void (*f)(size_t, const real *, real *)) {
  real x[2] = {(real)-0.0, 0}, y[2];
  f(2, x, y);
  return T_(same)(x, y, 2);
}
#define LOWEST (BITS == 32 ? -105 : -750)
#define HIGHEST (BITS == 32 ? 90 : 712)
#define SWEEP(name, wide_name, bound, low, high, is_odd) \
  static void T_(after_##name)(const TABLE *t) { \
    T_(sweep)(#name, t->name, wide_name, bound, low, high); \
    if (is_odd) verdict(T_(odd)(t->name), #name, "-0 lost", 0, 0); \
  }
SWEEP(exp, expl, 1.1, LOWEST, HIGHEST, 0)
SWEEP(log, logl, 1.0, 0, 100, 0)
ELEMENT(exp, "nN", "10", 0, 2, C(0), t->exp(n, a[0], a[1]), v[1] = expl(v[0]))
ELEMENT(log, "pN", "10", 0, 2, C(0), t->log(n, a[0], a[1]), v[1] = logl(v[0]))

#define SCALAR(name) \
  static void T_(all_##name)(size_t n, const real *x, real *y) { for (size_t i = 0; i < n; i++) y[i] = T_(cnn_##name)(x[i]); }
SCALAR(exp)
SCALAR(expm1) SCALAR(log) SCALAR(log1p) SCALAR(tanh) SCALAR(sigmoid) SCALAR(erf) SCALAR(sin) SCALAR(cos) static void T_(pow)(void) {
  const double special[] = {0,   -0.0,   1,      -1,          0.5,   -0.5,   2,      -2,       3,         -3,
                            2.5, 0x1p53, 0x1p60, -0x1p53 + 1, 1e300, -1e300, 1e-310, INFINITY, -INFINITY, NAN};
  enum { SPECIAL = sizeof special / sizeof *special };
  double worst = 0, x_worst = 0, y_worst = 0;
  int good = 1;
  for (int i = 0; i < SPECIAL; i++)
    for (int j = 0; j < SPECIAL; j++) {
      real x = (real)special[i], y = (real)special[j], got = T_(cnn_pow)(x, y), right = (real)powl(x, y);
      int fine = T_(same)(&got, &right, 1) || (right != 0 && T_(ulps)(got, powl(x, y)) <= 1);
      if (!fine) printf("pow(%g, %g) = %g, not %g\n", (double)x, (double)y, (double)got, (double)right);
      good &= fine;
    }
  verdict(good, "pow", "special values", 0, 0);
  for (int i = 0; i < 200000; i++) {
    real x = i % 3 ? (real)(uniform() * (i % 3 == 1 ? 3 : 1000)) : (real)cnn_abs((double)T_(of_bits)((T_(bits))random_bits()));
    real y = (real)((uniform() - 0.5) * (i % 3 ? 60 : 4));
    double d = T_(ulps)(T_(cnn_pow)(x, y), powl(x, y));
    if (d > worst) worst = d, x_worst = (double)x, y_worst = (double)y;
  }
  printf("%-7s %s pow      %.3f ULP at %a, %a\n", isa, dtype, worst, x_worst, y_worst);
  verdict(worst <= 0.8, "pow", "error above its bound", 0, 0);
}
static void T_(scalar_math)(void) {
  T_(sweep)("exp", T_(all_exp), expl, 1.1, LOWEST, HIGHEST);
  T_(sweep)("expm1", T_(all_expm1), expm1l, 2.1, -40, HIGHEST);
  T_(sweep)("log", T_(all_log), logl, 1.0, 0, 100);
  T_(sweep)("log1p", T_(all_log1p), log1pl, 2.2, -1, 100);
  T_(sweep)("tanh", T_(all_tanh), tanhl, 2.75, -20, 20);
  T_(sweep)("sigmoid", T_(all_sigmoid), sigmoid_wide, 2.5, LOWEST, 40);
  T_(sweep)("erf", T_(all_erf), erfl, 1.5, -6, 6);
  T_(sweep)("sin", T_(all_sin), sinl, 0.9, -1000, 1000);
  T_(sweep)("cos", T_(all_cos), cosl, 0.9, -1000, 1000);
  T_(pow)();
  void (*const odd[])(size_t, const real *, real *) = {T_(all_expm1), T_(all_log1p), T_(all_tanh), T_(all_erf), T_(all_sin)};
  for (int i = 0; i < 5; i++) verdict(T_(odd)(odd[i]), "odd function", "-0 lost", 0, i);
}

/* ---- vectors */
AFTER(axpy) AFTER(scale) AFTER(add) AFTER(mul) AFTER(slope_scale) AFTER(slope_share)
ELEMENT(axpy, "nN", "", 0, 8, C((real)0.7), t->axpy(n, c[0], a[0], a[1]), v[1] += c[0] * v[0])
ELEMENT(scale, "nN", "10", 0, 1, C((real)0.7), t->scale(n, c[0], a[0], a[1]), v[1] = c[0] * v[0])
ELEMENT(add, "nN", "", 0, 1, C(0), t->add(n, a[0], a[1]), v[1] += v[0])
ELEMENT(mul, "nnN", "2021", 1, 8, C(0), t->mul(n, a[0], a[1], a[2], flag), v[2] = (flag ? v[2] : 0) + v[0] * v[1])
ELEMENT(slope_scale, "nnnN", "3132", 1, 8, C(0), t->slope_scale(1, n, a[0], 1, a[1], a[2], a[3], flag),
        v[3] = (flag ? v[3] : 0) + (v[1] > 0 ? 1 : v[0]) * v[2])
ELEMENT(slope_share, "nnN", "2021", 0, 1, C(0), t->slope_share(n, a[0], a[1], a[2]), v[2] = v[0] > 0 ? 0 : v[0] * v[1])
static void T_(after_clip)(const TABLE *t) {
  real x[19], low = -1, high = 2;
  for (int i = 0; i < 19; i++) x[i] = i % 3 ? NAN : INFINITY;
  t->clip(19, low, high, x);
  int good = 1;
  for (int i = 0; i < 19; i++) good &= i % 3 ? x[i] != x[i] : x[i] == 2;
  verdict(good, "clip", "NaN or infinity", 19, 0);
}
ELEMENT(clip, "N", "", 0, 0, C(-1, 2), t->clip(n, c[0], c[1], a[0]), v[0] = fminl(fmaxl(v[0], c[0]), c[1]))

/* Reductions: over every size and place; the result may not depend on the place. */
#define REDUCTION(name, inputs, call, start, step, tolerance) \
  static double T_(run_##name)(const TABLE *t, size_t n, const real *x, const real *y) { return (void)y, (double)(call); } \
  static void T_(check_##name)(const TABLE *t) { \
    static volatile double sink; \
    (void)sink; \
    BENCH(#name, inputs, 0, sink = T_(run_##name)(t, rows * n, a[0], a[1])) \
    static real in[2][1024]; \
    for (int s = 0; s < SIZES; s++) { \
      size_t n = sizes[s]; \
      double first = 0; \
      for (size_t j = 0; j < 2048; j++) in[j & 1][j >> 1] = T_(draw)('n'); \
      for (int mode = 0; mode < MODES; mode++) { \
        real *x = place(0, n * sizeof(real), sizeof(real), mode), *y = place(1, n * sizeof(real), sizeof(real), (mode + 1) % MODES); \
        memcpy(x, in[0], n * sizeof(real)), memcpy(y, in[1], n * sizeof(real)); \
        double got = T_(run_##name)(t, n, x, y); \
        wide right = start, size = 0; \
        for (size_t i = 0; i < n; i++) step; \
        if (mode == 0) first = got; \
        verdict(got == right || fabsl(got - right) <= (tolerance) * fmaxl(size, fabsl(right)), #name, "wrong", n, mode); \
        verdict(!memcmp(&got, &first, sizeof got), #name, "the place matters", n, mode); \
        verdict(intact(0, x, n * sizeof(real)), #name, "wrote outside", n, mode); \
      } \
    } \
    T_(after_##name)(t); \
  }
AFTER(dot)
AFTER(sum)
REDUCTION(dot, 2, t->dot(n, x, y), 0, (right += (wide)x[i] * y[i], size += fabsl((wide)x[i] * y[i])), EPS * 40)
REDUCTION(sum, 1, t->sum(n, x), 0, (right += x[i], size += fabsl(x[i])), EPS * 40)
static void T_(after_sum_squares)(const TABLE *t) { /* where float overflows, double does not */
  real big[3] = {(real)(BITS == 32 ? 1e30 : 1e100), 1, 2};
  double b = big[0];
  verdict(t->sum_squares(3, big) == b * b, "sum_squares", "overflow", 3, 0);
}
REDUCTION(sum_squares, 1, t->sum_squares(n, x), 0, (right += (wide)x[i] * x[i], size = right), 0x1p-52 * 40)
static void T_(after_find_nonfinite)(const TABLE *t) {
  static real x[70];
  int good = 1;
  for (size_t n = 1; n <= 70; n++)
    for (size_t k = 0; k < n; k++) {
      for (size_t i = 0; i < n; i++) x[i] = i > k && i % 3 == 0 ? (real)NAN : (real)LARGEST;
      x[k] = k & 1 ? -INFINITY : NAN;
      good &= t->find_nonfinite(n, x) == k;
    }
  verdict(good, "find_nonfinite", "index", 70, 0);
}
REDUCTION(find_nonfinite, 1, t->find_nonfinite(n, x), (wide)n, (void)size, 0)

#define PLACE_ROWS(i, rows, n, ld) place(i, ((rows) ? ((rows) - 1) * (ld) + (n) : 0) * sizeof(real), sizeof(real), mode)
#define ROWS_INTACT(i, p, rows, n, ld) intact(i, p, ((rows) ? ((rows) - 1) * (ld) + (n) : 0) * sizeof(real))
static void T_(check_sum_rows)(const TABLE *t) {
  BENCH("sum_rows", 1, 0, t->sum_rows(rows, n, a[0], n, a[1]))
  for (int s = 0; s < SIZES - 1; s++)
    for (size_t rows = 0; rows < 5; rows++)
      for (int mode = 0; mode < MODES; mode++) {
        size_t n = sizes[s], ld = n + (size_t)(mode & 1) * 3;
        real *m = PLACE_ROWS(0, rows, n, ld), *v = place(1, n * sizeof(real), sizeof(real), (mode + 1) % MODES);
        static real m0[8 * 200], v0[200];
        for (size_t i = 0; i < rows; i++)
          for (size_t j = 0; j < n; j++) m[i * ld + j] = m0[i * n + j] = T_(draw)('n');
        for (size_t j = 0; j < n; j++) v[j] = v0[j] = T_(draw)('n');
        t->sum_rows(rows, n, m, ld, v);
        int good = ROWS_INTACT(0, m, rows, n, ld) && intact(1, v, n * sizeof(real));
        for (size_t j = 0; j < n; j++) {
          real total = v0[j];
          for (size_t i = 0; i < rows; i++) {
            total += m0[i * n + j];
            good &= m[i * ld + j] == m0[i * n + j];
          }
          good &= v[j] == total;
        }
        unsigned char pattern[3 * sizeof(real)];
        memset(pattern, PATTERN, sizeof pattern);
        for (size_t i = 0; i + 1 < rows; i++) good &= !memcmp(m + i * ld + n, pattern, (ld - n) * sizeof(real));
        verdict(good, "sum_rows", "wrong", n, mode);
      }
}

/* ---- pools */
#include "tests/check_pools_tmpl.h"

/* ---- interpolation: forward, and back as its transpose */
static void T_(between_one)(const TABLE *t, size_t pixels, size_t n, int mode) {
  enum { LINE = 7 };
  cnn_between to[40];
  const size_t in = LINE * n * sizeof(real), out = pixels * n * sizeof(real);
  real *x = place(0, in, sizeof(real), mode), *y = place(1, out, sizeof(real), (mode + 1) % MODES), was[LINE * 70];
  int good = 1, back = 1;
  for (size_t i = 0; i < LINE * n; i++) x[i] = T_(draw)('n');
  for (size_t j = 0; j < pixels; j++) {
    to[j].low = (size_t)(uniform() * LINE), to[j].high = (size_t)(uniform() * LINE), to[j].part = j % 3 ? uniform() : 0;
  }
  t->between(pixels, n, to, x, y);
  for (size_t j = 0; j < pixels; j++)
    for (size_t i = 0; i < n; i++) {
      const wide a = x[to[j].low * n + i], b = x[to[j].high * n + i], low = (real)(1 - to[j].part), high = (real)to[j].part;
      good &= fabsl(y[j * n + i] - (low * a + high * b)) <= 2 * (wide)EPS * (fabsl(low * a) + fabsl(high * b));
    }
  verdict(good, "between", "wrong", n, mode);
  memcpy(was, x, in);
  t->between_backward(pixels, n, to, y, x);
  for (size_t i = 0; i < LINE * n; i++) {
    wide s = was[i], size = fabsl(s);
    for (size_t j = 0; j < pixels; j++) {
      const wide low = to[j].low == i / n ? (wide)(real)(1 - to[j].part) * y[j * n + i % n] : 0;
      const wide high = to[j].high == i / n ? (wide)(real)to[j].part * y[j * n + i % n] : 0;
      s += low + high, size += fabsl(low) + fabsl(high);
    }
    back &= fabsl(x[i] - s) <= 2 * (wide)(pixels + 1) * (wide)EPS * size;
  }
  verdict(back, "between_backward", "wrong", n, mode);
  verdict(intact(0, x, in) && intact(1, y, out), "between", "wrote outside", n, mode);
}
static void T_(check_between)(const TABLE *t) {
  static cnn_between line[256];
  for (size_t j = 0; j < 256; j++) line[j] = (cnn_between){j, j, 0.25};
  BENCH("between", 1, 1, t->between(rows, n, line, a[0], a[1]))
  for (int mode = 0; mode < MODES; mode++)
    for (size_t n = 1; n <= 70; n += n < 36 ? 1 : 17)
      for (size_t pixels = 0; pixels <= 40; pixels += pixels < 3 ? 1 : 37) T_(between_one)(t, pixels, n, mode);
}
static void T_(check_between_backward)(const TABLE *t) {
  static cnn_between line[256];
  for (size_t j = 0; j < 256; j++) line[j] = (cnn_between){j, j, 0.25};
  BENCH("between_backward", 2, 1, t->between_backward(rows, n, line, a[0], a[1]))
}

/* ---- matrix products: check_products.c */
static void T_(check_gemm)(const TABLE *t) { (void)t; }
static void T_(check_gemm_scratch)(const TABLE *t) { (void)t; }
static void T_(check_gemv)(const TABLE *t) { (void)t; }
static void T_(check_gemv_t)(const TABLE *t) { (void)t; }

/* ---- convolutions, transpose: check_windows.c */
static void T_(check_conv_forward)(const TABLE *t) { (void)t; }
static void T_(check_conv_outer)(const TABLE *t) { (void)t; }
static void T_(check_conv_planes)(const TABLE *t) { (void)t; }
static void T_(check_conv_planes_outer)(const TABLE *t) { (void)t; }
static void T_(check_conv_scatter)(const TABLE *t) { (void)t; }
static void T_(check_depthwise_forward)(const TABLE *t) { (void)t; }
static void T_(check_depthwise_outer)(const TABLE *t) { (void)t; }
static void T_(check_depthwise_scatter)(const TABLE *t) { (void)t; }
static void T_(check_depthwise_doubles)(const TABLE *t) { (void)t; }
static void T_(check_depthwise_joins)(const TABLE *t) { (void)t; }
static void T_(check_depthwise_packs)(const TABLE *t) { (void)t; }
static void T_(check_winograd_weights)(const TABLE *t) { (void)t; }
static void T_(check_winograd_forward)(const TABLE *t) { (void)t; }
static void T_(check_winograd_scratch)(const TABLE *t) { (void)t; }
static void T_(check_transpose)(const TABLE *t) { (void)t; }
static void T_(check_picked_outer)(const TABLE *t) { (void)t; }
static void T_(check_picked_scatter)(const TABLE *t) { (void)t; }
static void T_(check_pad_rows)(const TABLE *t) { (void)t; }

/* ---- activations. Backward arrays: dy, z, y, dz; z or y as the row reads, unrelated here, for the derivative is of one of them. */
#define ACTIVATION(name, constants, f, v_index, derivative) \
  AFTER(name##_backward) \
  ELEMENT(name##_forward, "nN", "10", 0, 8, constants, t->name##_forward(n, a[0], a[1], c), wide z = v[0]; v[1] = (f)) \
  ELEMENT(name##_backward, "nnnN", "30", 1, 24, constants, t->name##_backward(n, a[0], v_index == 1 ? a[1] : NULL, \
          v_index == 2 ? a[2] : NULL, a[3], c, flag), wide u = v[v_index]; v[3] = (flag ? v[3] : 0) + v[0] * (derivative))
#define SWEEP_ROW(name, wide_name, bound, low, high, is_odd) \
  static const TABLE *T_(table_of_##name); \
  static void T_(row_##name)(size_t n, const real *x, real *y) { T_(table_of_##name)->name##_forward(n, x, y, C(0)); } \
  static void T_(after_##name##_forward)(const TABLE *t) { \
    T_(table_of_##name) = t; \
    T_(sweep)(#name, T_(row_##name), wide_name, bound, low, high); \
    if (is_odd) verdict(T_(odd)(T_(row_##name)), #name, "-0 lost", 0, 0); \
  }
SWEEP_ROW(sigmoid, sigmoid_wide, 2.4, LOWEST, 40, 0)
SWEEP_ROW(tanh, tanhl, 2.75, -20, 20, 1)
AFTER(relu_forward) AFTER(leaky_relu_forward) AFTER(elu_forward) AFTER(selu_forward) AFTER(gelu_forward) AFTER(gelu_tanh_forward)
AFTER(silu_forward) AFTER(softplus_forward) AFTER(hard_sigmoid_forward) AFTER(hard_swish_forward)
ACTIVATION(sigmoid, C(0), sigmoid_wide(z), 2, u * (1 - u))
ACTIVATION(tanh, C(0), tanhl(z), 2, 1 - u * u)
ACTIVATION(relu, C(0), z > 0 ? z : 0, 2, u > 0)
ACTIVATION(leaky_relu, C((real)0.01), z > 0 ? z : c[0] * z, 2, u > 0 ? 1 : (wide)c[0])
ACTIVATION(elu, C((real)1.5), z > 0 ? z : c[0] * expm1l(z), 2, u > 0 ? 1 : u + c[0])
ACTIVATION(selu, C(0), SELU_SCALE *(z > 0 ? z : SELU_ALPHA * expm1l(z)), 2, u > 0 ? SELU_SCALE : u + SELU_ALPHA * SELU_SCALE)
ACTIVATION(gelu, C(0), z *cdf_wide(z), 1, cdf_wide(u) + u * expl(-u * u / 2) * 0.39894228040143267793994605993438L)
ACTIVATION(gelu_tanh, C(0), z / 2 * (1 + tanhl(gelu_inner_wide(z))), 1,
           (1 + tanhl(gelu_inner_wide(u))) / 2 + u / 2 * (1 - tanhl(gelu_inner_wide(u)) * tanhl(gelu_inner_wide(u))) *
                                                     0.79788456080286535587989211986876L * (1 + 3 * 0.044715L * u * u))
ACTIVATION(silu, C(0), z *sigmoid_wide(z), 1, sigmoid_wide(u) * (1 + u * (1 - sigmoid_wide(u))))
ACTIVATION(softplus, C(2, 5), z *c[0] > c[1] ? z : log1pl(expl(c[0] * z)) / c[0], 1, u *c[0] > c[1] ? 1 : sigmoid_wide(c[0] * u))
ACTIVATION(hard_sigmoid, C(0), ramp_wide(z) / 6, 1, fabsl(u) < 3 ? 1 / 6.0L : 0)
ACTIVATION(hard_swish, C(0), z *ramp_wide(z) / 6, 1, fabsl(u) < 3 ? u / 3 + 0.5L : u > 0)

#include "tests/check_losses_tmpl.h"

/* ---- optimizers: arrays w, g, s, t; each step once plain and with the other setting of its switch */
#define H(k) ((wide)c[k])
AFTER(sgd_update)
AFTER(momentum_update) AFTER(rmsprop_update) AFTER(adagrad_update)
    ELEMENT(sgd_update, "Nn", "", 0, 8, C((real)0.1, (real)0.01), t->sgd_update(n, a[0], a[1], NULL, NULL, c),
            v[0] -= H(0) * (v[1] + H(1) * v[0]))
#define MOMENTUM(name, nesterov) \
  ELEMENT(name, "NnN", "", 0, 8, C((real)0.1, (real)0.01, (real)0.9, nesterov), t->momentum_update(n, a[0], a[1], a[2], NULL, c), \
          wide g = v[1] + H(1) * v[0]; v[2] = H(2) * v[2] + g; v[0] -= H(0) * (nesterov ? g + H(2) * v[2] : v[2]))
#define ADAM(name, decoupled) \
  ELEMENT(name, "NnNP", "", 0, 16, C((real)0.1, (real)0.01, (real)0.9, (real)0.99, (real)1e-6, (real)0.2, (real)1.5, decoupled), \
          t->adam_update(n, a[0], a[1], a[2], a[3], c), \
          wide g = v[1] + (decoupled ? 0 : H(1) * v[0]); if (decoupled) v[0] *= 1 - H(0) * H(1); v[2] += (1 - H(2)) * (g - v[2]); \
          v[3] = H(3) * v[3] + (1 - H(3)) * g * g; v[0] -= H(5) * v[2] / (sqrtl(v[3]) * H(6) + H(4)))
        AFTER(nesterov) MOMENTUM(nesterov, 1) AFTER(adamw) ADAM(adamw, 1) static void T_(after_adam_update)(const TABLE *t) {
  T_(check_adamw)(t), T_(check_nesterov)(t);
}
MOMENTUM(momentum_update, 0)
ELEMENT(rmsprop_update, "NnP", "", 0, 16, C((real)0.1, (real)0.01, (real)0.9, (real)1e-3), t->rmsprop_update(n, a[0], a[1], a[2], NULL, c),
        wide g = v[1] + H(1) * v[0];
        v[2] = H(2) * v[2] + (1 - H(2)) * g * g; v[0] -= H(0) * g / (sqrtl(v[2]) + H(3)))
ELEMENT(adagrad_update, "NnP", "", 0, 16, C((real)0.1, (real)0.01, (real)1e-3), t->adagrad_update(n, a[0], a[1], a[2], NULL, c),
        wide g = v[1] + H(1) * v[0];
        v[2] += g * g; v[0] -= H(0) * g / (sqrtl(v[2]) + H(2)))
ADAM(adam_update, 0)

#include "tests/check_norms_tmpl.h"

#undef TABLE
#undef ELEMENT
#undef AFTER
#undef C
#undef LOWEST
#undef HIGHEST
#undef SWEEP
#undef SCALAR
#undef REDUCTION
#undef BENCH
#undef PLACE_ROWS
#undef ROWS_INTACT
#undef ACTIVATION
#undef H
#undef MOMENTUM
#undef ADAM
