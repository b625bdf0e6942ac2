/* What the benches share: the clock, and the limits of an instruction set, measured where the kernels are: multiply-adds in registers, and
   the bytes that it loads and stores in each cache. */
#ifndef CNN_BENCH_H
#define CNN_BENCH_H
#include "core/cpu.h"
#include "kernels/kernels.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

static double now(void) { /* seconds */
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds of one call: the minimum over five short runs or more, spread over `budget` seconds; data of ordinary size, so no denormals. */
#define TIME(result, call, budget) \
  do { \
    double best_ = 1e9, end_ = now() + (budget); \
    long calls_ = 1; \
    for (int runs_ = 0; runs_ < 5 || now() < end_; runs_++) { \
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

/* Twelve independent chains in registers: the most multiply-adds that an instruction set gives. Loads and stores that wait for nothing. An
   empty asm at each step: neither left out nor turned into other instructions. */
#define LIMITS(name, attribute, vec, set1, step) \
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
    return 2.0 * 12 * 20000 * (double)sizeof(vec) / best * 1e-9; /* in bytes; the caller divides by the size of a real */ \
  } \
  attribute static void read_##name(const void *memory, size_t bytes) { \
    const vec *p = memory; \
    for (size_t i = 0; i < bytes / sizeof *p; i += 8) { \
      _Pragma("GCC unroll 8") for (int j = 0; j < 8; j++) { vec v = p[i + (size_t)j]; __asm__ volatile("" : KEEP(v)); } \
    } \
  } \
  attribute static void write_##name(void *memory, size_t bytes) { \
    vec *p = memory, v = set1(0); \
    for (size_t i = 0; i < bytes / sizeof *p; i += 8) { \
      _Pragma("GCC unroll 8") for (int j = 0; j < 8; j++) { __asm__ volatile("" : KEEP(v)); p[i + (size_t)j] = v; } \
    } \
  }
#define MULADD(s, x, y) ((s) * (x) + (y))
#if defined(__x86_64__)
#define KEEP(v) "+x"(v)
#define MULADD_PS(s, x, y) _mm_add_ps(_mm_mul_ps(s, x), y)
#define KINDS(T) T(avx512) T(avx2) T(sse2)
LIMITS(avx512, __attribute__((target("avx512f"))), __m512, _mm512_set1_ps, _mm512_fmadd_ps)
LIMITS(avx2, __attribute__((target("avx2,fma"))), __m256, _mm256_set1_ps, _mm256_fmadd_ps)
LIMITS(sse2, , __m128, _mm_set1_ps, MULADD_PS)
#elif defined(__aarch64__)
#define KEEP(v) "+w"(v)
#define NEON_STEP(s, x, y) vfmaq_f32(y, s, x)
#define KINDS(T) T(neon)
LIMITS(neon, , float32x4_t, vdupq_n_f32, NEON_STEP)
#else
#define KEEP(v) "+r"(v)
#define KINDS(T)
#endif
LIMITS(scalar, , float, (float), MULADD)

enum { LEVELS = 3 };
static const struct {
  const char *name;
  size_t measured, holds; /* bytes: what the limit is measured with, and up to what a kernel's arrays are compared with it */
} levels[LEVELS] = {{"L1", 16 << 10, 32 << 10}, {"L2", 384 << 10, 768 << 10}, {"L3", 6 << 20, (size_t)-1}};
typedef struct {
  double peak;                        /* GFLOP/s */
  double read[LEVELS], write[LEVELS]; /* GB/s */
} limits;

/* size: of a real. One lane of a scalar instruction is as fast for either dtype. */
static limits limits_of(const char *isa, size_t size) {
  static _Alignas(64) char memory[6 << 20];
  double (*peak)(void) = peak_scalar;
  void (*read)(const void *, size_t) = read_scalar, (*write)(void *, size_t) = write_scalar;
#define PICK(name) \
  if (!strcmp(isa, #name)) peak = peak_##name, read = read_##name, write = write_##name;
  KINDS(PICK)
#undef PICK
  const int scalar = peak == peak_scalar;
  const double wider = scalar ? (double)size / sizeof(float) : 1;
  memset(memory, 1, sizeof memory); /* untouched pages are one page of zeros, which the caches know by one address only */
  limits l = {.peak = peak() / (double)(scalar ? sizeof(float) : size)};
  for (int i = 0; i < LEVELS; i++) {
    double reading, writing;
    TIME(reading, read(memory, levels[i].measured), 0.02);
    TIME(writing, write(memory, levels[i].measured), 0.02);
    l.read[i] = wider * (double)levels[i].measured / reading * 1e-9;
    l.write[i] = wider * (double)levels[i].measured / writing * 1e-9;
  }
  return l;
}
static void print_limits(const char *isa, const char *dtype, const limits *l) {
  printf("\n%s %s: multiply-adds %.1f GFLOP/s", isa, dtype, l->peak);
  for (int i = 0; i < LEVELS; i++) printf("; %s read %.0f, write %.0f GB/s", levels[i].name, l->read[i], l->write[i]);
  printf("\n");
}

/* What part of a measured time the caches need, in percent: loads and stores go beside each other; behind the first cache a line that is
   only written comes in, too. */
static double share_of_memory(const limits *l, double read, double written, double also_read, double seconds, const char **level) {
  const double touched = read + written - also_read;
  int i = 0;
  while ((double)levels[i].holds < touched) i++;
  const double in = (i ? touched : read) / l->read[i], out = written / l->write[i];
  *level = levels[i].name;
  return (in > out ? in : out) * 1e-7 / seconds;
}

/* The instruction set of this name, or the best that this machine has; NULL when there is none of that name. */
static const cnn_kernels *bench_kernels(const char *isa) {
  const cnn_kernels *best = NULL;
  for (int i = 0; i < CNN_ISA_COUNT; i++) {
    const cnn_kernels *t = cnn_kernels_of(i);
    if (t && cnn_isa_available(i) && (!isa || !strcmp(isa, t->isa))) best = t;
  }
  if (!best) fprintf(stderr, "no instruction set %s here\n", isa ? isa : "");
  return best;
}
#endif
