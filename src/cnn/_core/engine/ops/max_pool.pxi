# The largest number of each window, by channel; a NaN wins. The gradient goes to the first of equals. See windows.pxi.

cdef cnn_status max_pool_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, cnn_error *error) noexcept nogil:
    return window_shape(g, node, x, y, "MaxPool1D", "MaxPool2D", 0, error)

cdef int max_pool_layout(const OpPlan *p) noexcept nogil:
    return LAYOUT_AS_INPUT

cdef void max_pool_plan(OpPlan *p) noexcept nogil:
    window_plan(p, 0, 1)

cdef cnn_status max_pool_forward(Op *op, const real *parameters) noexcept nogil:
    windows_forward(op, WINDOW_MAX, parameters)
    return CNN_OK

cdef cnn_status max_pool_backward(Op *op, const real *parameters, real *gradients) noexcept nogil:
    windows_backward(op, WINDOW_MAX_BACKWARD, parameters)
    return CNN_OK
