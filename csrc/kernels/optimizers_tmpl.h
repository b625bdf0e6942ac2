/* Optimizer updates (rows of the definitions in engine/optimizers.pxi; formulas in kernels.def), one pass over the parameters. */

#define UPDATE(name) static void FN(name##_update)(size_t n, real *w, const real *g, real *s, real *t, const real *h)
#define EACH for (size_t i = 0, left = n; i < n; i += VL, left = n - i)
#define GET(p) v_get(p + i, left)
#define PUT(p, v) v_put(p + i, v, left)

UPDATE(sgd) {
  vreal rate = v_set1(h[0]), decay = v_set1(h[1]);
  (void)s, (void)t;
  EACH {
    vreal old = GET(w);
    PUT(w, v_fnma(rate, v_fma(decay, old, GET(g)), old));
  }
}

UPDATE(momentum) {
  vreal rate = v_set1(h[0]), decay = v_set1(h[1]), momentum = v_set1(h[2]);
  int nesterov = h[3] != 0;
  (void)t;
  EACH {
    vreal old = GET(w), gradient = v_fma(decay, old, GET(g)), speed = v_fma(momentum, GET(s), gradient);
    PUT(s, speed);
    PUT(w, v_fnma(rate, nesterov ? v_fma(momentum, speed, gradient) : speed, old));
  }
}

UPDATE(rmsprop) {
  vreal rate = v_set1(h[0]), decay = v_set1(h[1]), alpha = v_set1(h[2]), rest = v_set1(1 - h[2]), eps = v_set1(h[3]);
  (void)t;
  EACH {
    vreal old = GET(w), gradient = v_fma(decay, old, GET(g));
    vreal square = v_fma(alpha, GET(s), v_mul(rest, v_mul(gradient, gradient)));
    PUT(s, square);
    PUT(w, v_sub(old, v_div(v_mul(rate, gradient), v_add(v_sqrt(square), eps))));
  }
}

UPDATE(adagrad) {
  vreal rate = v_set1(h[0]), decay = v_set1(h[1]), eps = v_set1(h[2]);
  (void)t;
  EACH {
    vreal old = GET(w), gradient = v_fma(decay, old, GET(g)), square = v_fma(gradient, gradient, GET(s));
    PUT(s, square);
    PUT(w, v_sub(old, v_div(v_mul(rate, gradient), v_add(v_sqrt(square), eps))));
  }
}

UPDATE(adam) {
  int decoupled = h[7] != 0;
  vreal decay = v_set1(decoupled ? 0 : h[1]), keep = v_set1(decoupled ? 1 - h[0] * h[1] : 1);
  vreal rest1 = v_set1(1 - h[2]), beta2 = v_set1(h[3]), rest2 = v_set1(1 - h[3]);
  vreal eps = v_set1(h[4]), rate = v_set1(h[5]), correction = v_set1(h[6]);
  EACH {
    vreal old = GET(w), gradient = v_fma(decay, old, GET(g)), first = GET(s);
    first = v_fma(rest1, v_sub(gradient, first), first);
    vreal second = v_fma(beta2, GET(t), v_mul(rest2, v_mul(gradient, gradient)));
    PUT(s, first);
    PUT(t, second);
    PUT(w, v_sub(v_mul(old, keep), v_div(v_mul(rate, first), v_fma(v_sqrt(second), correction, eps))));
  }
}

#undef UPDATE
#undef EACH
#undef GET
#undef PUT
