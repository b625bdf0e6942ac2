/* cross_entropy: its definition is in engine/losses.pxi. With d = z - max z and `others` the sum of e^d but for one of the largest, whose e^d is
   1: the loss is log(1 + others) - d of the row's class, and its derivative there -(others + (1 - e^d)) / (1 + others), so that nothing
   cancels where the class is all but certain.

   Of few classes lanes go along the rows, of many along the classes. Either way in groups of rows, whose logarithms are vectors. */
#define GROUP FN(cross_entropy_group)
#define FEW FN(cross_entropy_few)
enum { GROUP = 64, FEW = 16 };

/* Rows of z as columns of d: the largest of each, what is less than it, and the sum. d becomes e^d. */
V_INLINE void FN(cross_entropy_columns)(size_t rows, size_t n, real *d, real *top, real *others) {
  for (size_t i = 0; i < rows; i += VL) {
    const size_t left = rows - i;
    vreal best = v_get(d + i, left), sum = v_zero(), equal = v_set1(-1);
    for (size_t j = 1; j < n; j++) best = v_max(v_get(d + j * GROUP + i, left), best);
    for (size_t j = 0; j < n; j++) {
      const vreal less = v_sub(v_get(d + j * GROUP + i, left), best), e = FN(v_exp)(less);
      const vmask largest = v_eq(less, v_zero());
      sum = v_add(sum, v_select(largest, v_zero(), e));
      equal = v_add(equal, v_select(largest, v_set1(1), v_zero()));
      v_put(d + j * GROUP + i, e, left);
    }
    v_put(top + i, best, left);
    v_put(others + i, v_add(sum, equal), left);
  }
}
/* The same of one row; e may be NULL. */
V_INLINE void FN(cross_entropy_row)(size_t n, const real *z, real *e, real *top, real *others) {
  vreal best = v_set1(z[0]), sum = v_zero(), equal = v_zero();
  for (size_t i = 0; i < n; i += VL) {
    const vreal v = v_get(z + i, n - i);
    best = v_max(n - i >= VL ? v : v_select(v_first(n - i), v, best), best);
  }
  *top = z[0] == z[0] ? v_hmax(best) : z[0];
  best = v_set1(*top);
  for (size_t i = 0; i < n; i += VL) {
    const vreal less = v_sub(v_get(z + i, n - i), best), power = FN(v_exp)(less);
    const vmask largest = v_eq(less, v_zero());
    vreal other = v_select(largest, v_zero(), power), one = v_select(largest, v_set1(1), v_zero());
    if (n - i < VL) other = v_select(v_first(n - i), other, v_zero()), one = v_select(v_first(n - i), one, v_zero());
    sum = v_add(sum, other);
    equal = v_add(equal, one);
    if (e) v_put(e + i, power, n - i);
  }
  *others = v_sum(sum) + (v_sum(equal) - 1);
}

static void FN(cross_entropy)(size_t rows, size_t n, const int32_t *label, const real *z, const double *scale, double *losses, real *dz) {
  real d[FEW * GROUP], top[GROUP], others[GROUP], own[GROUP], logs[GROUP], gain[GROUP], right[GROUP];
  const size_t few = n <= FEW;
  for (size_t some; rows; rows -= some, label += some, losses += some, z += some * n) {
    some = rows < GROUP ? rows : GROUP;
    if (few) {
      FN(transpose)(some, n, z, n, d, GROUP);
      FN(cross_entropy_columns)(some, n, d, top, others);
    } else {
      for (size_t i = 0; i < some; i++) FN(cross_entropy_row)(n, z + i * n, dz ? dz + i * n : NULL, top + i, others + i);
    }
    for (size_t i = 0; i < some; i++) {
      own[i] = z[i * n + ((size_t)label[i] < n ? (size_t)label[i] : 0)] - top[i];
      gain[i] = dz ? (real)scale[i] : 0;
    }
    for (size_t i = 0; i < some; i += VL) {
      const size_t left = some - i;
      const vreal sum = v_get(others + i, left), whole = v_add(sum, v_set1(1));
      v_put(logs + i, FN(v_log1p)(sum), left);
      if (!dz) continue;
      const vreal share = v_div(v_get(gain + i, left), whole), lacks = v_sub(v_set1(1), FN(v_exp)(v_get(own + i, left)));
      v_put(gain + i, share, left);
      v_put(right + i, v_neg(v_mul(share, v_add(sum, lacks))), left);
    }
    for (size_t i = 0; i < some; i++) losses[i] = (size_t)label[i] < n ? (double)logs[i] - (double)own[i] : NAN;
    if (!dz) continue;
    if (few) {
      for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < some; i += VL)
          v_put(d + j * GROUP + i, v_mul(v_get(d + j * GROUP + i, some - i), v_get(gain + i, some - i)), some - i);
      FN(transpose)(n, some, d, GROUP, dz, n);
    }
    for (size_t i = 0; i < some; i++, dz += n) {
      if (!few) FN(scale)(n, gain[i], dz, dz);
      if ((size_t)label[i] < n) dz[label[i]] = right[i];
      else memset(dz, 0, n * sizeof *dz);
    }
    scale += some;
  }
}
#undef GROUP
#undef FEW
