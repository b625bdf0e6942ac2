/* depthwise_slides_tmpl.h, of outputs two pixels apart: a strip top down, two rows of pixels at a time. The first of them is the last row of
   taps of the outputs above and the first of the ones that begin, the second their middle one. */
#define EACH_COLUMN _Pragma("GCC unroll 15") for (int c = 0; c < 2 * mr + 1; c++) if ((c || !left) && (c < 2 * mr || !right))
#define EACH_THAT_SEES EACH_OUTPUT if (c >= 2 * k && c < 2 * k + 3) /* column c, as tap c - 2 k */

V_INLINE void FN(depthwise_halve)(const int mr, const cnn_taps *g, size_t channels, const real *x, const real *b, const real *start,
                                  real *y, int accumulate) {
  enum { masked = 1 };
  const ptrdiff_t step = g->tap_column, to = g->y_column, below = g->tap_row, below_to = g->y_row;
  const size_t rows = g->rows;
  const int left = g->left, right = g->right;
  for (size_t j = 0, lanes; j < channels; j += VL) {
    lanes = channels - j < VL ? channels - j : VL;
    const int last = j + VL >= channels;
    const ptrdiff_t ahead_to = last ? mr * to - (ptrdiff_t)j : VL;
    vreal w[3][3], s[7], above[7]; /* of the outputs of this row, and of those above */
    NEXT(u, 3) NEXT(t, 3) {
      w[u][t] = LOAD(b + u * g->weight_row + t * g->weight_column + j);
      HOLD(w[u][t]);
    }
    const real *p = x + j;
    real *q = y + j;
    for (size_t r = 0; r <= rows; r++) {
      if (r < rows) BEGIN(s, (ptrdiff_t)r * below_to, to);
      if (r && (r < rows || !g->bottom)) {
        const real *at = p;
        EACH_COLUMN {
          PIXEL(v);
          EACH_THAT_SEES {
            s[k] = v_fma(v, w[0][c - 2 * k], s[k]);
            above[k] = v_fma(v, w[2][c - 2 * k], above[k]);
          }
        }
        p += below;
      } else if (!r && !g->top) {
        const real *at = p;
        EACH_COLUMN {
          PIXEL(v);
          EACH_THAT_SEES s[k] = v_fma(v, w[0][c - 2 * k], s[k]);
        }
        p += below;
      }
      if (r) {
        real *q_at = q;
        EACH_OUTPUT {
          AHEAD(q_at + ahead_to, 1);
          STORE(q_at, above[k]);
          q_at += to;
        }
        q += below_to;
      }
      if (r < rows) {
        const real *at = p;
        EACH_COLUMN {
          PIXEL(v);
          EACH_THAT_SEES s[k] = v_fma(v, w[1][c - 2 * k], s[k]);
        }
        p += below;
      }
      EACH_OUTPUT above[k] = s[k];
    }
  }
}
V_INLINE void FN(depthwise_halve_sums)(const int mr, const cnn_taps *g, size_t channels, const real *x, const real *dy, real *dw) {
  enum { masked = 1 };
  const ptrdiff_t step = g->tap_column, from = g->y_column, below = g->tap_row, below_from = g->y_row;
  const size_t rows = g->rows;
  const int left = g->left, right = g->right;
  for (size_t j = 0, lanes; j < channels; j += VL) {
    lanes = channels - j < VL ? channels - j : VL;
    const int last = j + VL >= channels;
    const ptrdiff_t ahead_from = last ? mr * from - (ptrdiff_t)j : VL;
    vreal s[3][3], d[7], above[7];
    NEXT(u, 3) NEXT(t, 3) s[u][t] = LOAD(dw + u * g->weight_row + t * g->weight_column + j);
    const real *p = x + j, *q = dy + j;
    for (size_t r = 0; r <= rows; r++) {
      if (r < rows) {
        const real *q_at = q;
        EACH_OUTPUT {
          AHEAD(q_at + ahead_from, 0);
          d[k] = LOAD(q_at);
          HOLD(d[k]);
          q_at += from;
        }
        q += below_from;
      }
      if (r && r < rows) {
        const real *at = p;
        EACH_COLUMN {
          PIXEL(v);
          EACH_THAT_SEES {
            s[0][c - 2 * k] = v_fma(v, d[k], s[0][c - 2 * k]);
            s[2][c - 2 * k] = v_fma(v, above[k], s[2][c - 2 * k]);
          }
        }
        p += below;
      } else if (r ? !g->bottom : !g->top) {
        const real *at = p;
        EACH_COLUMN {
          PIXEL(v);
          EACH_THAT_SEES {
            if (r) s[2][c - 2 * k] = v_fma(v, above[k], s[2][c - 2 * k]);
            else s[0][c - 2 * k] = v_fma(v, d[k], s[0][c - 2 * k]);
          }
        }
        p += below;
      }
      if (r < rows) {
        const real *at = p;
        EACH_COLUMN {
          PIXEL(v);
          EACH_THAT_SEES s[1][c - 2 * k] = v_fma(v, d[k], s[1][c - 2 * k]);
        }
        p += below;
      }
      EACH_OUTPUT above[k] = d[k];
    }
    NEXT(u, 3) NEXT(t, 3) { STORE(dw + u * g->weight_row + t * g->weight_column + j, s[u][t]); }
  }
}
#undef EACH_COLUMN
#undef EACH_THAT_SEES
