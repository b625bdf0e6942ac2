# The sum of two or more inputs of one shape.

cdef cnn_status add_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, cnn_error *error) noexcept nogil:
    cdef cnn_status status = op_takes(g, node, "Add", 2, NONE, 0, error)
    if status == CNN_OK:
        status = op_floats(g, node, x, "Add", error)
    if status == CNN_OK:
        status = same_shapes(g, node, x, "Add", y, error)
    return status

cdef int add_layout(const OpPlan *p) noexcept nogil:
    return LAYOUT_SAME

cdef void add_plan(OpPlan *p) noexcept nogil:
    p.by_rows = ROWS_FORWARD | ROWS_BACKWARD
    p.flops = <double>(p.node.n_inputs - 1) * <double>p.values[p.output].row

cdef cnn_status add_forward(Op *op, const real *parameters) noexcept nogil:
    cdef size_t n = op.run.rows * op_row(op, 0), i, e
    cdef const real *a = op_x(op, 0, parameters)
    cdef const real *b = op_x(op, 1, parameters)
    cdef real *y = op_y(op, 0, parameters)
    for e in range(n):
        y[e] = a[e] + b[e]
    for i in range(2, <size_t>op.node.n_inputs):
        k_add(op.run.kernels, n, op_x(op, i, parameters), y)
    return CNN_OK

cdef cnn_status add_backward(Op *op, const real *parameters, real *gradients) noexcept nogil:
    cdef size_t i
    for i in range(<size_t>op.node.n_inputs):
        pass_gradient(op, i, op.run.rows * op_row(op, 0), op_dy(op, 0, parameters))
    return CNN_OK
