/* Every 64-bit x86. */
#include "kernels/kernels.h"
#include "vec/names.h"
#if defined(__x86_64__) || defined(__i386__) || defined(_M_X64) || defined(_M_IX86)
#include <immintrin.h>
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("sse2"))), apply_to = function)
#elif defined(__GNUC__)
#pragma GCC target("sse2")
#endif
#define ISA sse2
#define REMNANT scalar /* which rounds alike, for lanes behind the last whole vector */
#define VEC "vec/sse2.h"
#define ROWS 1
#define LINES 0
#include "kernels/instantiate.h"
#ifdef __clang__
#pragma clang attribute pop
#endif
#else
typedef int cnn_no_sse2; /* a translation unit may not be empty */
#endif
