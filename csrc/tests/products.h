/* What check_products and check_windows share: random numbers, arenas, the multiply-add of an instruction set, its peak, the clock. */
#ifndef CNN_PRODUCTS_H
#define CNN_PRODUCTS_H
#include "core/cpu.h"
#include "kernels/kernels.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

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

/* ---- bench */
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Twelve independent chains in registers: the most multiply-adds that an instruction set gives. */
#define PEAK(name, attribute, vec, set1, step) \
  attribute static double peak_##name(void) { \
    double best = 1e9; \
    for (int repeat = 0; repeat < 40; repeat++) { \
      vec s[12], x = set1(1), y = set1(0); \
      for (int i = 0; i < 12; i++) s[i] = set1(i); \
      double t = now(); \
      for (int n = 0; n < 20000; n++) { \
        _Pragma("GCC unroll 12") for (int i = 0; i < 12; i++) { s[i] = step(s[i], x, y); __asm__ volatile("" : KEEP(s[i])); } \
      } \
      t = now() - t; \
      best = t < best ? t : best; \
    } \
    return 2.0 * 12 * 20000 * PEAK_LANES(vec) / best * 1e-9; \
  }
#define PEAK_LANES(vec) ((double)sizeof(vec))  /* in bytes; the caller divides by the size of a real (one lane: the same in both dtypes) */
#if defined(__x86_64__)
#define KEEP(v) "+x"(v)
#define MULADD_PS(s, x, y) _mm_add_ps(_mm_mul_ps(s, x), y)
PEAK(avx512, __attribute__((target("avx512f"))), __m512, _mm512_set1_ps, _mm512_fmadd_ps)
PEAK(avx2, __attribute__((target("avx2,fma"))), __m256, _mm256_set1_ps, _mm256_fmadd_ps)
PEAK(sse2, , __m128, _mm_set1_ps, MULADD_PS)
#undef KEEP
#define KEEP(v) "+x"(v)
#define MULADD(s, x, y) ((s) * (x) + (y))
PEAK(scalar, , float, (float), MULADD)
#else
#define KEEP(v) "+w"(v)
#define MULADD(s, x, y) ((s) * (x) + (y))
PEAK(scalar, , float, (float), MULADD)
#if defined(__aarch64__)
#define NEON_STEP(s, x, y) vfmaq_f32(y, s, x)
PEAK(neon, , float32x4_t, vdupq_n_f32, NEON_STEP)
#endif
#endif

static double peak_of(const char *isa) {
#if defined(__x86_64__)
  if (!strcmp(isa, "avx512")) return peak_avx512();
  if (!strcmp(isa, "avx2")) return peak_avx2();
  if (!strcmp(isa, "sse2")) return peak_sse2();
#elif defined(__aarch64__)
  if (!strcmp(isa, "neon")) return peak_neon();
#endif
  return peak_scalar();
}

/* Seconds of one call: the minimum over short runs, spread over `budget` seconds; data of ordinary size, so no denormals. */
#define TIME(result, call, budget) \
  do { \
    double best_ = 1e9, end_ = now() + (budget); \
    long calls_ = 1; \
    for (int first_ = 1; first_ || now() < end_; first_ = 0) { \
      double t_; \
      for (;;) { \
        t_ = now(); \
        for (long i_ = 0; i_ < calls_; i_++) { call; } \
        t_ = now() - t_; \
        if (t_ > 2e-5 || calls_ > 1 << 20) break; \
        calls_ *= 2; \
      } \
      if (t_ / (double)calls_ < best_) best_ = t_ / (double)calls_; \
    } \
    result = best_; \
  } while (0)
#endif
