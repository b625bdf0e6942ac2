/* The kernel tables of this build. Each instruction set's own file (isa/<name>.c) defines cnn_kernels_<name>; a family of other
   processors leaves a NULL in its place, so that a row has the same index everywhere. */
#include "core/cpu.h"
#include "kernels/kernels.h"

#define I(name, family) extern const cnn_kernels cnn_kernels_##name;
#include "isas.def"
#undef I

#define ROW_any(name) &cnn_kernels_##name
#if defined(__x86_64__) || defined(__i386__) || defined(_M_X64) || defined(_M_IX86)
#define ROW_x86(name) &cnn_kernels_##name
#else
#define ROW_x86(name) NULL
#endif
#if defined(__aarch64__) || defined(_M_ARM64)
#define ROW_arm(name) &cnn_kernels_##name
#else
#define ROW_arm(name) NULL
#endif

static const cnn_kernels *const tables[CNN_ISA_COUNT] = {
#define I(name, family) ROW_##family(name),
#include "isas.def"
#undef I
};

const cnn_kernels *cnn_kernels_of(int isa) { return isa >= 0 && isa < CNN_ISA_COUNT ? tables[isa] : NULL; }

const cnn_kernels *cnn_kernels_current(void) { return tables[cnn_isa_current()]; }
