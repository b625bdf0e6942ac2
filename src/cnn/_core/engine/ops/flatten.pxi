# (rows, everything else) in C order: a view, unless the image lies channels last.

cdef cnn_status flatten_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, cnn_error *error) noexcept nogil:
    cdef cnn_status status = op_takes(g, node, "Flatten", 1, 1, 0, error)
    if status != CNN_OK:
        return status
    y[0] = x[0]
    y.rank = 2
    if not sizes_product(<size_t>x.rank - 1, x.dims + 1, &y.dims[1]):
        return too_large(g, node, x, error)
    return CNN_OK

cdef int flatten_layout(const OpPlan *p) noexcept nogil:
    return LAYOUT_ANY

cdef void flatten_plan(OpPlan *p) noexcept nogil:
    p.by_rows = ROWS_FORWARD | ROWS_BACKWARD
    p.view = not p.values[p.inputs[0]].last
    p.flops = <double>p.values[p.output].row

cdef cnn_status flatten_forward(Op *op, const real *parameters) noexcept nogil:
    cdef const PlanValue *v = &op.values[op.inputs[0]]
    cdef size_t channels = v.dims[1], positions = v.row // channels, r
    cdef const void *x = op.data[op.inputs[0]]
    cdef void *y = op.data[op.output]
    if v.last:
        for r in range(op.run.rows):
            to_plain(op.run.kernels, channels, positions, op_x(op, 0, parameters) + r * v.row, op_y(op, 0, parameters) + r * v.row)
    elif x != y:
        memcpy(y, x, op.run.rows * op_row(op, 0) * item_bytes(op.graph, v.dtype))
    return CNN_OK

cdef cnn_status flatten_backward(Op *op, const real *parameters, real *gradients) noexcept nogil:
    cdef const PlanValue *v = &op.values[op.inputs[0]]
    cdef size_t channels = v.dims[1], positions = v.row // channels, r, c, i
    cdef const real *dy = op_dy(op, 0, parameters)
    cdef real *dx = op_dx(op, 0, parameters)
    if not v.last:
        pass_gradient(op, 0, op.run.rows * v.row, dy)
    elif dx != NULL and not op.add[0]:
        for r in range(op.run.rows):
            to_last(op.run.kernels, channels, positions, dy + r * v.row, dx + r * v.row)
    elif dx != NULL:
        for r in range(op.run.rows):
            for c in range(channels):
                for i in range(positions):
                    dx[r * v.row + i * channels + c] += dy[r * v.row + c * positions + i]
    return CNN_OK
