/* conv_*, depthwise_*, winograd_* and transpose of every instruction set of this machine, against plain loops, bit for bit.

   check_windows [isa]     correctness: awkward sizes, strides, dilations, parts of the channels, rows anywhere in y, windows in no order,
                           unmapped pages right behind (and in front of) every array, gaps between rows untouched
   check_windows --bench   shares of the limits measured here, of the best instruction set, or of [isa] */
#if !defined(_WIN32) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* MAP_ANONYMOUS, clock_gettime */
#endif
#include "tests/products.h"

static const char *isa, *dtype;
static arena arena_x, arena_b, arena_y, arena_want, arena_start, arena_u, arena_scratch;

/* ---- geometry: an image just as large as its windows need */
enum { MOST = 4096 };
typedef struct {
  cnn_windows w;
  size_t extent;   /* elements of x */
  size_t channels; /* of the image */
  int32_t pixel[MOST], chunk[MOST], to[MOST];
} geometry;
typedef struct {
  size_t height, width, kernel_h, kernel_w, stride, dilation, channels, used; /* outputs; `used` channels of each element, a group's */
} shape;

static void verdict(int good, const char *what, const geometry *g, const shape *s, size_t n, int way) {
  if (good) {
    passed++;
  } else if (++failed <= 20) {
    printf("FAILED %s %s %s: %zux%zu outputs, kernel %zux%zu, stride %zu, dilation %zu, %zu of %zu channels, k %zu x %zu, n %zu, way %d\n",
           isa, dtype, what, s->height, s->width, s->kernel_h, s->kernel_w, s->stride, s->dilation, s->used, s->channels, g->w.chunks,
           g->w.length, n, way);
  }
}

static void shuffle(int32_t *p, size_t n) {
  for (size_t i = n; i > 1; i--) {
    const size_t j = next32() % i;
    const int32_t t = p[j];
    p[j] = p[i - 1], p[i - 1] = t;
  }
}

/* So many of the columns that are left are the next strip of depthwise_outer (kernels.def). */
static size_t next_strip(size_t left) { return left >= 7 ? 7 : left >= 4 ? 4 : left >= 2 ? 2 : 1; }

/* taps: every chunk is one tap, `used` long; else a kernel's row is one run where it is one in memory. */
static void windows_of(geometry *g, const shape *s, int taps, int disordered) {
  const size_t width = (s->width - 1) * s->stride + (s->kernel_w - 1) * s->dilation + 1;
  const size_t height = (s->height - 1) * s->stride + (s->kernel_h - 1) * s->dilation + 1;
  const size_t first = s->channels - s->used;
  const int runs = !taps && s->dilation == 1 && s->used == s->channels;
  size_t m = 0, c = 0;
  for (size_t i = 0; i < s->height; i++)
    for (size_t j = 0; j < s->width; j++) g->pixel[m++] = (int32_t)((i * width + j) * s->stride * s->channels + first);
  for (size_t i = 0; i < s->kernel_h; i++)
    for (size_t j = 0; j < (runs ? 1 : s->kernel_w); j++) g->chunk[c++] = (int32_t)((i * width + j) * s->dilation * s->channels);
  if (disordered) shuffle(g->pixel, m), shuffle(g->chunk, c);
  g->w = (cnn_windows){m, g->pixel, c, (runs ? s->kernel_w : 1) * s->used, g->chunk};
  g->channels = s->channels;
  g->extent = height * width * s->channels;
}

/* Rows of n elements of y, `extra` apart: in order (NULL), or anywhere. Returns the extent. */
static size_t rows_of(geometry *g, size_t n, size_t extra, const int32_t **to, size_t *ld) {
  const size_t rows = g->w.pixels;
  *ld = n + extra;
  for (size_t m = 0; m < rows; m++) g->to[m] = (int32_t)(m * *ld);
  *to = next32() % 2 ? g->to : NULL;
  if (*to) shuffle(g->to, rows);
  return rows && n ? (rows - 1) * *ld + n : 0;
}

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define T_(name) PASTE(name, TYPE)
#define TYPE f32
#define real float
#include "tests/check_windows_tmpl.h"
#undef TYPE
#undef real
#define TYPE f64
#define real double
#include "tests/check_windows_tmpl.h"
#undef TYPE
#undef real

int main(int argc, char **argv) {
  const int bench = argc > 1 && !strcmp(argv[1], "--bench");
  arena *const arenas[] = {&arena_x, &arena_b, &arena_y, &arena_want, &arena_start, &arena_u, &arena_scratch};
  for (int i = 0; i < 7; i++) *arenas[i] = arena_new();
  if (bench) {
    const cnn_kernels *t = bench_kernels(argc > 2 ? argv[2] : NULL);
    if (!t) return 2;
    const double budget = argc > 3 ? atof(argv[3]) : 0.05;
    isa = t->isa;
    dtype = "f32", bench_f32(&t->f32, budget);
    dtype = "f64", bench_f64(&t->f64, budget);
    return 0;
  }
  for (int i = 0; i < CNN_ISA_COUNT; i++) {
    const cnn_kernels *t = cnn_kernels_of(i);
    if (!t || !cnn_isa_available(i) || (argc > 1 && strcmp(argv[1], t->isa))) continue;
    isa = t->isa;
    const long before = passed;
    dtype = "f32", check_f32(&t->f32);
    dtype = "f64", check_f64(&t->f64);
    printf("%s: %ld passed\n", isa, passed - before);
  }
  printf("%ld passed, %ld failed\n", passed, failed);
  return failed != 0;
}
