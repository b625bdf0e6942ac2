/* cross_entropy: its definition is in engine/losses.pxi. With d = z - max z and `others` the sum of e^d but for one of the largest, whose e^d is
   1: the loss is log(1 + others) - d of the row's class, and its derivative there -(others + (1 - e^d)) / (1 + others), so that nothing
   cancels where the class is all but certain.

   Of few classes lanes go along the rows, of many along the classes. Either way in groups of rows, whose logarithms are vectors. */
#define GROUP FN(cross_entropy_group)
#define FEW FN(cross_entropy_few)
enum { GROUP = 64, FEW = 16 };

/* Rows of z as columns: the largest of each, and the sum. z becomes e^d. */
V_APART void FN(cross_entropy_columns)(size_t rows, size_t n, real *z, real *top, real *others) {
  for (size_t i = 0; i < rows; i += VL) {
    const size_t left = rows - i;
    vreal best = v_get(z + i, left), sum = v_zero(), equal = v_set1(-1);
    for (size_t j = 1; j < n; j++) best = v_max(v_get(z + j * GROUP + i, left), best);
    for (size_t j = 0; j < n; j++) {
      const vreal d = v_sub(v_get(z + j * GROUP + i, left), best), e = FN(v_exp)(d);
      const vmask largest = v_eq(d, v_zero());
      sum = v_add(sum, v_select(largest, v_zero(), e));
      equal = v_add(equal, v_select(largest, v_set1(1), v_zero()));
      v_put(z + j * GROUP + i, e, left);
    }
    v_put(top + i, best, left);
    v_put(others + i, v_add(sum, equal), left);
  }
}
/* The same of one row; e may be NULL. */
V_APART void FN(cross_entropy_row)(size_t n, const real *z, real *e, real *top, real *others) {
  vreal best = v_set1(z[0]), sum = v_zero(), equal = v_zero();
  for (size_t i = 0; i < n; i += VL) best = v_max(v_select(v_first(n - i < VL ? n - i : VL), v_get(z + i, n - i), best), best);
  *top = z[0] == z[0] ? v_hmax(best) : z[0];
  best = v_set1(*top);
  for (size_t i = 0; i < n; i += VL) {
    const vreal d = v_sub(v_get(z + i, n - i), best), power = FN(v_exp)(d);
    const vmask here = v_first(n - i < VL ? n - i : VL), largest = v_eq(d, v_zero());
    sum = v_add(sum, v_select(v_mask_and(here, v_mask_not(largest)), power, v_zero()));
    equal = v_add(equal, v_select(v_mask_and(here, largest), v_set1(1), v_zero()));
    if (e) v_put(e + i, power, n - i);
  }
  *others = v_sum(sum) + (v_sum(equal) - 1);
}

static void FN(cross_entropy)(size_t rows, size_t n, const int32_t *label, const real *z, const double *scale, double *losses, real *dz) {
  real d[FEW * GROUP], top[GROUP], others[GROUP], own[GROUP], powers[GROUP], logs[GROUP], gain[GROUP], right[GROUP];
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
      STAY_SCALAR;
      own[i] = z[i * n + ((size_t)label[i] < n ? (size_t)label[i] : 0)] - top[i];
      gain[i] = dz ? (real)scale[i] : 0;
    }
    FN(exp)(some, own, powers);
    for (size_t i = 0; i < some; i += VL) {
      const size_t left = some - i;
      const vreal sum = v_get(others + i, left), whole = v_add(sum, v_set1(1));
      v_put(logs + i, FN(v_log1p)(sum), left);
      const vreal share = v_div(v_get(gain + i, left), whole), lacks = v_sub(v_set1(1), v_get(powers + i, left));
      v_put(gain + i, share, left);
      v_put(right + i, v_neg(v_mul(share, v_add(sum, lacks))), left);
    }
    for (size_t i = 0; i < some; i++) {
      STAY_SCALAR;
      losses[i] = (size_t)label[i] < n ? (double)logs[i] - (double)own[i] : NAN;
    }
    if (!dz) continue;
    if (few) {
      for (size_t j = 0; j < n; j++) FN(mul)(some, d + j * GROUP, gain, d + j * GROUP, 0);
      FN(transpose)(n, some, d, GROUP, dz, n);
    } else {
      for (size_t i = 0; i < some; i++) FN(scale)(n, gain[i], dz + i * n, dz + i * n);
    }
    for (size_t i = 0; i < some; i++, dz += n) {
      STAY_SCALAR;
      if ((size_t)label[i] < n) dz[label[i]] = right[i];
      else memset(dz, 0, n * sizeof *dz);
    }
    scale += some;
  }
}
#undef GROUP
#undef FEW
