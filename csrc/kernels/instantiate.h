/* All kernels of one instruction set, in both dtypes, and their table. The includer (isa/<isa>.c) opens the target region and sets
   ISA, VEC ("vec/<isa>.h"), ROWS (1 when the R rows of kernels.def pay) and LINES (1 for the L rows). f64 first: f32 widens to it. */
#define DTYPE f64
#define real double
#define REAL_BITS 64
#include "kernels/bodies.h"
#undef DTYPE
#undef real
#undef REAL_BITS

#define DTYPE f32
#define real float
#define REAL_BITS 32
#include "kernels/bodies.h"
#undef DTYPE
#undef real
#undef REAL_BITS

#define CNN_TEXT_(x) #x
#define CNN_TEXT(x) CNN_TEXT_(x)
#define K(result, name, arguments) .name = FN(name),
#if ROWS
#define R(result, name, arguments) .name = FN(name),
#else
#define R(result, name, arguments) .name = NULL,
#endif
#if LINES
#define L(result, name, arguments) .name = FN(name),
#else
#define L(result, name, arguments) .name = NULL,
#endif
extern const cnn_kernels CNN_PASTE2(cnn_kernels, ISA);
const cnn_kernels CNN_PASTE2(cnn_kernels, ISA) = {
    .isa = CNN_TEXT(ISA),
    .f32 =
        {
#define DTYPE f32
#include "kernels/kernels.def"
#undef DTYPE
        },
    .f64 =
        {
#define DTYPE f64
#include "kernels/kernels.def"
#undef DTYPE
        },
};
#undef K
#undef R
#undef L
