# The mean of each window, by channel; with count_include_pad (the default) padding counts as zeros. See windows.pxi.

cdef cnn_status avg_pool_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, cnn_error *error) noexcept nogil:
    return window_shape(g, node, x, y, "AvgPool1D", "AvgPool2D", reads(CNN_ATTRIBUTE_COUNT_INCLUDE_PAD), error)

cdef int avg_pool_layout(const OpPlan *p) noexcept nogil:
    return LAYOUT_AS_INPUT

cdef void avg_pool_plan(OpPlan *p) noexcept nogil:
    window_plan(p, 0, 0)

cdef cnn_status avg_pool_forward(Op *op, const real *parameters) noexcept nogil:
    windows_forward(op, WINDOW_MEAN, parameters)
    return CNN_OK

cdef cnn_status avg_pool_backward(Op *op, const real *parameters, real *gradients) noexcept nogil:
    windows_backward(op, WINDOW_MEAN_BACKWARD, parameters)
    return CNN_OK
