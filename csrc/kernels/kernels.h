/* Kernel tables, made from kernels.def: one row an instruction set, one struct of pointers a dtype. */
#ifndef CNN_KERNELS_H
#define CNN_KERNELS_H
#include <stddef.h>
#include <stdint.h>

/* The windows of a convolution or a pool in one image: channels last, and padded, so that every window lies inside. */
typedef struct {
  size_t pixels;          /* m: outputs of one channel */
  const int32_t *pixel;   /* (pixels,) where each one's window begins, in elements of x */
  size_t chunks, length;  /* k = chunks * length: a window is `chunks` runs of `length` neighbouring elements */
  const int32_t *chunk;   /* (chunks,) where each run begins, relative to the window */
} cnn_windows;

/* A rectangle of outputs of one channels-last image that all meet the same taps, and how far neighbours are apart: in x, in y (and dy), and in
   the weights. */
typedef struct {
  size_t rows, columns, height, width; /* of outputs; of taps */
  ptrdiff_t x_row, x_column;           /* from the window of an output to that of the next */
  ptrdiff_t y_row, y_column;
  ptrdiff_t tap_row, tap_column;       /* from a tap to the next: in x */
  ptrdiff_t weight_row, weight_column; /* and in the weights */
  /* 3 x 3 taps that depthwise_joins: whether the outermost taps of the first or the last row or column of outputs are left out, as they lie
     outside the image. x is what the first tap of the first output meets that is not; weights count from tap (0, 0) on. */
  int top, bottom, left, right;
} cnn_taps;

/* The windows of a pool of maxima over the outputs of a convolution, apart from each other, and where they lie in the convolution's image. */
typedef struct {
  size_t rows, columns; /* of windows */
  ptrdiff_t row, column; /* from a window to the next: in x */
  size_t taps; /* of a window of the pool, at most 16 */
  const int32_t *shift; /* (taps,) of each tap: in x, from the first */
  size_t chunks, length; /* a window of the convolution: so many runs of so many neighbouring elements, */
  ptrdiff_t chunk; /* and from one to the next: in x */
  ptrdiff_t d_window, d_column; /* from a window of the pool, or a column, to the next: in the gradient of the pool's output, */
  ptrdiff_t where_window, where_column; /* and in the numbers of the taps that won */
} cnn_picks;

/* Where an element of an interpolated line, or a line of an image, reads. */
typedef struct {
  size_t low, high;
  double part; /* of high */
} cnn_between;

typedef struct {
#define K(result, name, arguments) result(*name) arguments;
#define R(result, name, arguments) result(*name) arguments;
#define L(result, name, arguments) result(*name) arguments;
#define real float
#include "kernels.def"
#undef real
} cnn_kernels_f32;

typedef struct {
#define real double
#include "kernels.def"
#undef real
#undef K
#undef R
#undef L
} cnn_kernels_f64;

typedef struct {
  const char *isa;
  cnn_kernels_f32 f32;
  cnn_kernels_f64 f64;
} cnn_kernels;

const cnn_kernels *cnn_kernels_of(int isa); /* NULL when it is not compiled in */
const cnn_kernels *cnn_kernels_current(void); /* of cnn_isa_current() */
#endif
