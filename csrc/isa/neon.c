/* Every 64-bit Arm; no target region, for the instructions are its baseline. */
#include "kernels/kernels.h"
#include "vec/names.h"
#if defined(__aarch64__) || defined(_M_ARM64)
#include <arm_neon.h>
#define ISA neon
#define VEC "vec/neon.h"
#define ROWS 1
#define LINES 0
#include "kernels/instantiate.h"
#else
typedef int cnn_no_neon; /* a translation unit may not be empty */
#endif
