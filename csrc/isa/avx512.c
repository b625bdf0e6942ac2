/* x86 with AVX-512 F, VL, DQ and BW (Skylake-X, Zen 4 and later). */
#include "kernels/kernels.h"
#include "vec/names.h"
#if defined(__x86_64__) || defined(__i386__) || defined(_M_X64) || defined(_M_IX86)
#include <immintrin.h>
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma"))), apply_to = function)
#elif defined(__GNUC__)
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")
#endif
#define ISA avx512
#define HALF avx2 /* of which it has every instruction, at half the width */
#define VEC "vec/avx512.h"
#define ROWS 1
#define LINES 1
#include "kernels/instantiate.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#else
typedef int cnn_no_avx512; /* a translation unit may not be empty */
#endif
