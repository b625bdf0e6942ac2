/* What check_products and check_windows share: random numbers, arenas, the multiply-add of an instruction set. */
#ifndef CNN_PRODUCTS_H
#define CNN_PRODUCTS_H
#include "tests/bench.h"
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

static long passed, failed;

static uint64_t state = 1;
static uint32_t next32(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(state >> 33) ^ (uint32_t)(state >> 13);
}

/* ---- arenas: the array ends (or begins) where the mapping does, and touching the next byte is a fault. */
enum { ARENA = 1 << 24 };
typedef struct {
  char *base;
} arena;
static size_t page;

static arena arena_new(void) {
  page = (size_t)sysconf(_SC_PAGESIZE);
  char *p = mmap(NULL, ARENA + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED || mprotect(p + page, ARENA, PROT_READ | PROT_WRITE)) exit(2);
  return (arena){p + page};
}
/* at_end 1: the last byte is the arena's last; 0: the first is its first (64-byte aligned). */
static void *arena_take(arena a, size_t bytes, int at_end) {
  if (bytes > ARENA) exit(2);
  return at_end ? a.base + ARENA - bytes : a.base;
}

static int fused(const char *isa) { return strcmp(isa, "scalar") && strcmp(isa, "sse2"); }

#define CHAIN(real, SUF, FMA) \
  static real chain_##SUF(int fuse, real a, real b, real c) { \
    volatile real product; \
    if (fuse) return FMA(a, b, c); \
    product = a * b; \
    return product + c; \
  } \
  static void fill_##SUF(real *p, size_t n) { \
    for (size_t i = 0; i < n; i++) p[i] = (real)((int32_t)next32() * (1.0 / 2147483648.0)); \
  } \
  static int same_##SUF(const real *x, const real *y, size_t n) { return n == 0 || memcmp(x, y, n * sizeof *x) == 0; }
CHAIN(float, f32, fmaf)
CHAIN(double, f64, fma)
#endif
