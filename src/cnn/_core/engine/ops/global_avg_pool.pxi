# The mean of each channel's pixels: (n, channels), or with keep_dims (n, channels, 1, 1). See windows.pxi.

cdef cnn_status global_avg_pool_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, cnn_error *error) noexcept nogil:
    return global_shape(g, node, x, y, "GlobalAvgPool1D", "GlobalAvgPool2D", "GlobalAvgPool", error)

cdef int global_avg_pool_layout(const OpPlan *p) noexcept nogil:
    return LAYOUT_EITHER

cdef void global_avg_pool_plan(OpPlan *p) noexcept nogil:
    window_plan(p, 1, 0)

cdef cnn_status global_avg_pool_forward(Op *op, const real *parameters) noexcept nogil:
    windows_forward(op, WINDOW_MEAN, parameters)
    return CNN_OK

cdef cnn_status global_avg_pool_backward(Op *op, const real *parameters, real *gradients) noexcept nogil:
    windows_backward(op, WINDOW_MEAN_BACKWARD, parameters)
    return CNN_OK
