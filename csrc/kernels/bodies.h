/* Every template, for the current ISA and DTYPE. */
#include VEC
#include "kernels/math_tmpl.h"
#include "kernels/vector_tmpl.h"
#include "kernels/gemm_tmpl.h"
#include "kernels/conv_tmpl.h"
#include "kernels/depthwise_tmpl.h"
#include "kernels/winograd_tmpl.h"
#include "kernels/layout_tmpl.h"
#include "kernels/gemv_tmpl.h"
#include "kernels/window_tmpl.h"
#include "kernels/norm_tmpl.h"
#if ROWS
#include "kernels/activations_tmpl.h"
#include "kernels/optimizers_tmpl.h"
#endif
