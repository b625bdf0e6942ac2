# (rows, everything else) in C order: a view.

cdef cnn_status flatten_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, cnn_error *error) noexcept nogil:
    cdef cnn_status status = op_takes(g, node, "Flatten", 1, 1, 0, error)
    if status != CNN_OK:
        return status
    y[0] = x[0]
    y.rank = 2
    if not sizes_product(<size_t>x.rank - 1, x.dims + 1, &y.dims[1]):
        return too_large(g, node, x, error)
    return CNN_OK

cdef void flatten_plan(OpPlan *p) noexcept nogil:
    p.view = 1

cdef cnn_status flatten_forward(Op *op, const real *parameters) noexcept nogil:
    cdef const void *x = op.data[op.inputs[0]]
    cdef void *y = op.data[op.output]
    if x != y:
        memcpy(y, x, op.run.rows * op_row(op, 0) * item_bytes(op.graph, op.values[op.inputs[0]].dtype))
    return CNN_OK

cdef cnn_status flatten_backward(Op *op, const real *parameters, real *gradients) noexcept nogil:
    pass_gradient(op, 0, op.run.rows * op_row(op, 0), op_dy(op, 0, parameters))
    return CNN_OK
