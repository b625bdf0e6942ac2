/* depthwise_*, windows of 3 x 3 pixels, neighbouring ones as far apart as their pixels: in strips of some columns. At the
   image's border the outermost taps of a window may lie outside: they are left out. */
#define EACH_OUTPUT _Pragma("GCC unroll 7") for (int k = 0; k < mr; k++)

/* The strip of so many columns that begins at column c. Returns where that is in x. */
V_INLINE ptrdiff_t FN(depthwise_strip)(const cnn_taps *g, size_t c, size_t columns, cnn_taps *part) {
  *part = *g;
  part->columns = columns, part->left = g->left && c == 0, part->right = g->right && c + columns == g->columns;
  return (ptrdiff_t)c * g->x_column - (c && g->left ? g->tap_column : 0);
}
V_INLINE size_t FN(depthwise_next_strip)(size_t left) { return left >= 7 ? 7 : left >= 4 ? 4 : left >= 2 ? 2 : 1; }

#if LINES
#include "kernels/depthwise_slides_tmpl.h"
#else
#include "kernels/depthwise_blocks_tmpl.h"
#endif
#undef EACH_OUTPUT
