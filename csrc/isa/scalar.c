/* Plain C: the meaning of every kernel, on any processor. The neural definitions (R rows) are the engine's own. */
#include "kernels/kernels.h"
#include "vec/names.h"
#define ISA scalar
#define VEC "vec/scalar.h"
#define ROWS 0
#define LINES 0
#include "kernels/instantiate.h"
