/* Philox4x64-10. The same words as numpy.random.Philox of the same key, but NumPy adds 1 to its counter before the first block:
   cnn_random_block(r, 1) is the first that np.random.Philox(counter=r.counter, key=r.key).random_raw(4) gives. */
#include "core/random.h"
#include "kernels/scalar_math.h"
#include <math.h>

#if defined(__SIZEOF_INT128__)
__extension__ typedef unsigned __int128 u128;
static inline uint64_t multiply(uint64_t a, uint64_t b, uint64_t *high) {
  const u128 product = (u128)a * b;
  *high = (uint64_t)(product >> 64);
  return (uint64_t)product;
}
#elif defined(_M_X64)
#include <intrin.h>
static inline uint64_t multiply(uint64_t a, uint64_t b, uint64_t *high) { return _umul128(a, b, high); }
#else
static inline uint64_t multiply(uint64_t a, uint64_t b, uint64_t *high) {
  const uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
  const uint64_t middle = a1 * b0 + (a0 * b0 >> 32), other = a0 * b1 + (uint32_t)middle;
  *high = a1 * b1 + (middle >> 32) + (other >> 32);
  return a * b;
}
#endif

cnn_random cnn_random_at(uint64_t seed, uint32_t purpose, uint32_t node, uint64_t epoch, uint64_t step, uint64_t row) {
  return (cnn_random){{seed, (uint64_t)purpose << 32 | node}, {0, row, step, epoch}};
}

static inline void philox(const cnn_random *random, uint64_t block, uint64_t out[4]) {
  uint64_t c0 = random->counter[0] + block, c1 = random->counter[1], c2 = random->counter[2], c3 = random->counter[3];
  uint64_t k0 = random->key[0], k1 = random->key[1];
  for (int round = 0; round < 10; round++) {
    uint64_t high0, high2;
    const uint64_t low0 = multiply(c0, UINT64_C(0xD2E7470EE14C6C93), &high0);
    const uint64_t low2 = multiply(c2, UINT64_C(0xCA5A826395121157), &high2);
    c0 = high2 ^ c1 ^ k0, c1 = low2, c2 = high0 ^ c3 ^ k1, c3 = low0;
    k0 += UINT64_C(0x9E3779B97F4A7C15), k1 += UINT64_C(0xBB67AE8584CAA73B);
  }
  out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

void cnn_random_block(const cnn_random *random, uint64_t block, uint64_t out[4]) { philox(random, block, out); }

static inline double uniform_of(uint64_t word) { return (double)(word >> 11) * 0x1p-53; }

static inline uint64_t word_of(const cnn_random *random, uint64_t element) {
  uint64_t words[4];
  philox(random, element / 4, words);
  return words[element % 4];
}

double cnn_random_uniform(const cnn_random *random, uint64_t element) { return uniform_of(word_of(random, element)); }

/* The loops below walk whole blocks; only the first may begin, and the last end, within one. */

void cnn_random_uniforms(const cnn_random *random, uint64_t first, size_t n, double *out) {
  for (size_t j = first % 4, block = 0; n; j = 0, block++) {
    uint64_t words[4];
    philox(random, first / 4 + block, words);
    for (; j < 4 && n; j++, n--) *out++ = uniform_of(words[j]);
  }
}

void cnn_random_normals(const cnn_random *random, uint64_t first, size_t n, double *out) {
  const double two_pi = 6.283185307179586476925;
  for (size_t j = first % 4, block = 0; n; j = 0, block++) {
    uint64_t words[4];
    double normal[4];
    philox(random, first / 4 + block, words);
    for (int pair = 0; pair < 4; pair += 2) {
      const double radius = sqrt(-2.0 * cnn_log_f64(1.0 - uniform_of(words[pair]))); /* of (0, 1]: never log 0 */
      const double angle = two_pi * uniform_of(words[pair + 1]);
      normal[pair] = radius * cnn_cos_f64(angle);
      normal[pair + 1] = radius * cnn_sin_f64(angle);
    }
    for (; j < 4 && n; j++, n--) *out++ = normal[j];
  }
}

uint64_t cnn_random_below(const cnn_random *random, uint64_t element, uint64_t bound) {
  uint64_t high;
  multiply(word_of(random, element), bound, &high);
  return high;
}

void cnn_random_mask(const cnn_random *random, uint64_t first, size_t n, double rate, uint8_t *keep) {
  /* u / 2^32 >= rate, in integers: u >= the first whole number that is not below rate 2^32 */
  const double scaled = rate > 0 ? rate < 1 ? rate * 0x1p32 : 0x1p32 : 0;
  uint64_t least = (uint64_t)scaled;
  least += (double)least < scaled;
  for (size_t j = first % 8, block = 0; n; j = 0, block++) {
    uint64_t words[4];
    philox(random, first / 8 + block, words);
    for (; j < 8 && n; j++, n--) *keep++ = (uint32_t)(words[j / 2] >> j % 2 * 32) >= least;
  }
}

void cnn_random_permutation(const cnn_random *random, size_t n, uint32_t *out) {
  uint64_t words[4];
  for (size_t i = 0; i < n; i++) out[i] = (uint32_t)i;
  for (size_t element = 0, left = n; left > 1; element++, left--) { /* one of those left goes to their end */
    uint64_t chosen;
    if (element % 4 == 0) philox(random, element / 4, words);
    multiply(words[element % 4], left, &chosen);
    const uint32_t last = out[left - 1];
    out[left - 1] = out[chosen];
    out[chosen] = last;
  }
}
