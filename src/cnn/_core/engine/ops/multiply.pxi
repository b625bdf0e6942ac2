# The product, element by element, of two or more inputs of one shape.

cdef cnn_status multiply_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, cnn_error *error) noexcept nogil:
    cdef cnn_status status = op_takes(g, node, "Multiply", 2, NONE, 0, error)
    if status == CNN_OK:
        status = op_floats(g, node, x, "Multiply", error)
    if status == CNN_OK:
        status = same_shapes(g, node, x, "Multiply", y, error)
    return status

cdef int multiply_layout(const OpPlan *p) noexcept nogil:
    return LAYOUT_SAME

cdef void multiply_plan(OpPlan *p) noexcept nogil:
    p.by_rows = ROWS_FORWARD | ROWS_BACKWARD
    p.keeps_input = 1
    p.flops = <double>(p.node.n_inputs - 1) * <double>p.values[p.output].row

cdef cnn_status multiply_forward(Op *op, const real *parameters) noexcept nogil:
    cdef size_t n = op.run.rows * op_row(op, 0), i
    cdef real *y = op_y(op, 0, parameters)
    k_mul(op.run.kernels, n, op_x(op, 0, parameters), op_x(op, 1, parameters), y, 0)
    for i in range(2, <size_t>op.node.n_inputs):
        k_mul(op.run.kernels, n, op_x(op, i, parameters), <const real *>y, y, 0)
    return CNN_OK

cdef cnn_status multiply_backward(Op *op, const real *parameters, real *gradients) noexcept nogil:
    """dx of each input (+)= dy times the product of all the others."""
    cdef size_t n = op.run.rows * op_row(op, 0), inputs = <size_t>op.node.n_inputs, i, j, e
    cdef const real *dy = op_dy(op, 0, parameters)
    cdef real *dx
    cdef real product
    for i in range(inputs):
        dx = op_dx(op, i, parameters)
        if dx == NULL:
            continue
        if inputs == 2:
            k_mul(op.run.kernels, n, dy, op_x(op, 1 - i, parameters), dx, op.add[i])
            continue
        for e in range(n):
            product = dy[e]
            for j in range(inputs):
                if j != i:
                    product *= op_x(op, j, parameters)[e]
            dx[e] = dx[e] + product if op.add[i] else product
    return CNN_OK
