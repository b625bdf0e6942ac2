/* Counter-based random numbers: Philox4x64-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11).
   A number is a function of its key and counter, never of a position in a stream. */
#ifndef CNN_CORE_RANDOM_H
#define CNN_CORE_RANDOM_H
#include <stddef.h>
#include <stdint.h>

/* What a number is for: the second key word's high half. */
enum {
  CNN_RANDOM_INIT = 1,
  CNN_RANDOM_SHUFFLE,
  CNN_RANDOM_DROPOUT,
  CNN_RANDOM_NOISE,
  CNN_RANDOM_AUGMENT,
  CNN_RANDOM_SPLIT,
  CNN_RANDOM_USER
};

typedef struct {
  uint64_t key[2];
  uint64_t counter[4];
} cnn_random;

/* counter[0] is left for the element (0 here), counter[1] = row, counter[2] = step, counter[3] = epoch; key = {seed, purpose << 32 | node}. */
cnn_random cnn_random_at(uint64_t seed, uint32_t purpose, uint32_t node, uint64_t epoch, uint64_t step, uint64_t row);
/* The four words at counter[0] + block (no carry into counter[1]). numpy.random.Philox adds 1 before its first block, so with the same
   counter and key its raw words begin with our block 1. */
void cnn_random_block(const cnn_random *, uint64_t block, uint64_t out[4]);
/* Element e of the stream of `at`; uniform in [0, 1) from the high 53 bits, normal by Box-Muller on elements 2j and 2j+1 of uniform. */
double cnn_random_uniform(const cnn_random *, uint64_t element);
void cnn_random_uniforms(const cnn_random *, uint64_t first, size_t n, double *out);
void cnn_random_normals(const cnn_random *, uint64_t first, size_t n, double *out);
uint64_t cnn_random_below(const cnn_random *, uint64_t element,
                          uint64_t bound); /* uniform integer in [0, bound), bound > 0, by 128-bit multiplication (bias < 2^-64 bound) */
/* Bernoulli mask: out[i] = 1 if uniform16/32 of element (first + i) >= rate, from 32-bit halves (8 elements a block): dropout. */
void cnn_random_mask(const cnn_random *, uint64_t first, size_t n, double rate, uint8_t *keep);
/* A permutation of 0..n-1 (Fisher-Yates). */
void cnn_random_permutation(const cnn_random *, size_t n, uint32_t *out);
#endif
