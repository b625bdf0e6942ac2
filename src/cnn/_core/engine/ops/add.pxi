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
    p.by_parts = 1
    p.in_place = not p.training
    p.flops = <double>(p.node.n_inputs - 1) * <double>p.values[p.output].row

cdef void add_part(const Op *op, const real *tag, size_t first, size_t n) noexcept nogil:
    cdef const real *a = op_x(op, 0, tag) + first
    cdef const real *b = op_x(op, 1, tag) + first
    cdef real *y = op_y(op, 0, tag) + first
    cdef size_t i, e
    if y == a:
        k_add(op.run.kernels, n, b, y)
    else:
        for e in range(n):
            y[e] = a[e] + b[e]
    for i in range(2, <size_t>op.node.n_inputs):
        k_add(op.run.kernels, n, op_x(op, i, tag) + first, y)

cdef cnn_status add_forward(Op *op, const real *parameters) noexcept nogil:
    add_part(op, parameters, 0, op.run.rows * op_row(op, 0))
    return CNN_OK

cdef cnn_status add_backward(Op *op, const real *parameters, real *gradients) noexcept nogil:
    cdef size_t i
    for i in range(<size_t>op.node.n_inputs):
        pass_gradient(op, i, op.run.rows * op_row(op, 0), op_dy(op, 0, parameters))
    return CNN_OK
