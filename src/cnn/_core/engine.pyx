# The engine: what a network does. Typed Cython over C arrays; every function is noexcept nogil and touches no Python object; nothing runs
# at module level. Reached through cnn.h and engine.h; compiled once, for the extension and for libcnn (docs/building.md).

cdef extern from "cnn/cnn.h":
    pass
cdef extern from "engine.h":
    pass
cdef extern from "engine_file.h":
    pass

include "cnn_types.pxi"
include "engine/machine.pxi"
include "engine/types.pxi"
include "engine/kernels.pxi"
include "engine/math.pxi"
include "engine/op.pxi"

# what single things do
include "engine/activations.pxi"
include "engine/activation_loops.pxi"
include "engine/losses.pxi"
include "engine/metrics.pxi"
include "engine/optimizers.pxi"
include "engine/lbfgs.pxi"
include "engine/initializers.pxi"
include "engine/schedules.pxi"

# the five objects
include "engine/graph.pxi"
include "engine/ops/common.pxi"
include "engine/panels.pxi"
include "engine/convolution.pxi"
include "engine/convolution_products.pxi"
include "engine/convolution_weights.pxi"
include "engine/depthwise.pxi"
include "engine/ops/windows.pxi"
include "engine/picked.pxi"
include "engine/ops/moments.pxi"
include "engine/registry.pxi"
include "engine/network.pxi"
include "engine/plan.pxi"
include "engine/rewriting.pxi"
include "engine/plan_memory.pxi"
include "engine/layouts.pxi"
include "engine/frame.pxi"
include "engine/gather.pxi"
include "engine/augment.pxi"
include "engine/pace.pxi"
include "engine/session.pxi"
include "engine/trainer.pxi"
include "engine/gradient.pxi"
include "engine/update.pxi"
include "engine/small.pxi"
include "engine/fit.pxi"

# the doors
include "engine/model_record.pxi"
include "engine/model_contents.pxi"
include "engine/model_file.pxi"
include "engine/api.pxi"
include "engine/api_trainer.pxi"
include "engine/api_private.pxi"
