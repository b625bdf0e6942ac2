# y = scale x + offset.

cdef cnn_status rescale_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, cnn_error *error) noexcept nogil:
    cdef cnn_status status = op_takes(g, node, "Rescale", 1, 1, reads(CNN_ATTRIBUTE_SCALE) | reads(CNN_ATTRIBUTE_OFFSET), error)
    cdef double scale = attribute_number(g, node, CNN_ATTRIBUTE_SCALE, 1.0), offset = attribute_number(g, node, CNN_ATTRIBUTE_OFFSET, 0.0)
    if status == CNN_OK:
        status = op_floats(g, node, x, "Rescale", error)
    if status != CNN_OK:
        return status
    if not m_isfinite(scale) or not m_isfinite(offset):
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: scale is %g and offset %g; both must be finite", node_name(g, node), scale, offset)
    y[0] = x[0]
    return CNN_OK

cdef int rescale_layout(const OpPlan *p) noexcept nogil:
    return LAYOUT_SAME

cdef void rescale_plan(OpPlan *p) noexcept nogil:
    p.number[0] = attribute_number(p.graph, p.node, CNN_ATTRIBUTE_SCALE, 1.0)
    p.number[1] = attribute_number(p.graph, p.node, CNN_ATTRIBUTE_OFFSET, 0.0)
    p.in_place = 1
    p.flops = <double>p.values[p.inputs[0]].row

cdef cnn_status rescale_forward(Op *op, const real *parameters) noexcept nogil:
    cdef real scale = <real>op.plan.number[0], offset = <real>op.plan.number[1]
    cdef size_t n = op.run.rows * op_row(op, 0), i
    cdef const real *x = op_x(op, 0, parameters)
    cdef real *y = op_y(op, 0, parameters)
    for i in range(n):
        y[i] = scale * x[i] + offset
    return CNN_OK

cdef cnn_status rescale_backward(Op *op, const real *parameters, real *gradients) noexcept nogil:
    cdef real scale = <real>op.plan.number[0]
    cdef size_t n = op.run.rows * op_row(op, 0)
    cdef const real *dy = op_dy(op, 0, parameters)
    cdef real *dx = op_dx(op, 0, parameters)
    if dx != NULL and op.add[0]:
        k_axpy(op.run.kernels, n, scale, dy, dx)
    elif dx != NULL:
        k_scale(op.run.kernels, n, scale, dy, dx)
    return CNN_OK
