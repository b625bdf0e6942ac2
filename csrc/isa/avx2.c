/* x86 with AVX2 and FMA (Haswell, Zen and later). */
#include "kernels/kernels.h"
#include "vec/names.h"
#if defined(__x86_64__) || defined(__i386__) || defined(_M_X64) || defined(_M_IX86)
#include <immintrin.h>
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#elif defined(__GNUC__)
#pragma GCC target("avx2,fma")
#endif
#define ISA avx2
#define VEC "vec/avx2.h"
#define ROWS 1
#define LINES 0
#include "kernels/instantiate.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#else
typedef int cnn_no_avx2; /* a translation unit may not be empty */
#endif
