/* Every template, for the current ISA and DTYPE. */
#ifdef HALF
/* The next lower instruction set, for what fills no more than half a vector: it does twice as many of its half vectors in the same time
   where the multiply-add unit is two of half the width, and no fewer elsewhere. */
extern const cnn_kernels CNN_PASTE2(cnn_kernels, HALF);
#define NARROWER CNN_PASTE2(cnn_kernels, HALF).DTYPE
#endif
#include VEC
#include "kernels/math_tmpl.h"
#include "kernels/vector_tmpl.h"
#include "kernels/gemm_tmpl.h"
#include "kernels/conv_tmpl.h"
#include "kernels/picked_tmpl.h"
#include "kernels/depthwise_tmpl.h"
#include "kernels/winograd_tmpl.h"
#include "kernels/layout_tmpl.h"
#include "kernels/gemv_tmpl.h"
#include "kernels/window_tmpl.h"
#include "kernels/norm_tmpl.h"
#if ROWS
#include "kernels/activations_tmpl.h"
#include "kernels/losses_tmpl.h"
#include "kernels/optimizers_tmpl.h"
#endif
#undef NARROWER
