# Two or more inputs side by side along `axis` (any but the batch's; by default the last); all their other sizes are the same.
# In memory: for every leading position, a piece of each input in turn; of channels-last images, for every position.

cdef cnn_status concat_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, cnn_error *error) noexcept nogil:
    cdef cnn_status status = op_takes(g, node, "Concat", 2, NONE, reads(CNN_ATTRIBUTE_AXIS), error)
    cdef int64_t axis = attribute_integer(g, node, CNN_ATTRIBUTE_AXIS, -1)
    cdef size_t at, i, j
    cdef int differ
    if status != CNN_OK:
        return status
    if not real_axis(x, axis, &at):
        return cnn_fail(error, CNN_E_SHAPE, "%s: axis is %l; Concat joins inputs of shape %D along any axis but the batch's",
                        node_name(g, node), axis, <size_t>x.rank, x.dims)
    y[0] = x[0]
    for i in range(1, <size_t>node.n_inputs):
        if x[i].dtype != x.dtype:
            return cnn_fail(error, CNN_E_DTYPE, "%s: Concat cannot join inputs of different dtypes; put OneHot before it for integer codes",
                            node_name(g, node))
        differ = x[i].rank != x.rank
        if not differ:
            for j in range(<size_t>x.rank):
                if j == at:
                    if y.dims[j] == OPEN or x[i].dims[j] == OPEN:
                        y.dims[j] = OPEN
                    elif not cnn_size_add(y.dims[j], x[i].dims[j], &y.dims[j]):
                        return too_large(g, node, x, error)
                elif y.dims[j] == OPEN:
                    y.dims[j] = x[i].dims[j]
                elif x[i].dims[j] != OPEN and x[i].dims[j] != y.dims[j]:
                    differ = 1
        if differ:
            return cnn_fail(error, CNN_E_SHAPE, "%s: inputs of shape %D and %D cannot be joined on axis %l: their other sizes differ",
                            node_name(g, node), <size_t>x.rank, x.dims, <size_t>x[i].rank, x[i].dims, axis)
    return CNN_OK

cdef int concat_layout(const OpPlan *p) noexcept nogil:
    cdef size_t at = 0
    real_axis(&p.values[p.output], attribute_integer(p.graph, p.node, CNN_ATTRIBUTE_AXIS, -1), &at)
    return LAYOUT_SAME if at == 1 else LAYOUT_PLAIN

cdef void concat_plan(OpPlan *p) noexcept nogil:
    cdef const PlanValue *y = &p.values[p.output]
    cdef size_t at = 0, pieces = 1, i
    real_axis(y, attribute_integer(p.graph, p.node, CNN_ATTRIBUTE_AXIS, -1), &at)
    for i in range(1, at):
        pieces *= y.dims[i]
    if y.last:
        pieces = y.row // y.dims[1]
    p.by_rows = ROWS_FORWARD | ROWS_BACKWARD
    p.flops = <double>y.row
    p.integer[0] = <int64_t>pieces  # leading positions of a row

cdef cnn_status concat_forward(Op *op, const real *parameters) noexcept nogil:
    cdef size_t pieces = <size_t>op.plan.integer[0], item = item_bytes(op.graph, op.values[op.output].dtype), whole, piece, i, j
    cdef char *place = <char *>op.data[op.output]
    cdef char *to
    cdef const char *x
    whole = op_row_out(op, 0) // pieces * item
    for i in range(<size_t>op.node.n_inputs):
        piece = op_row(op, i) // pieces * item
        x = <const char *>op.data[op.inputs[i]]
        to = place
        for j in range(op.run.rows * pieces):
            memcpy(to, x, piece)
            x += piece
            to += whole
        place += piece
    return CNN_OK

cdef cnn_status concat_backward(Op *op, const real *parameters, real *gradients) noexcept nogil:
    cdef size_t pieces = <size_t>op.plan.integer[0], whole = op_row_out(op, 0) // pieces, piece, i, j, e
    cdef const real *place = op_dy(op, 0, parameters)
    cdef const real *dy
    cdef real *dx
    for i in range(<size_t>op.node.n_inputs):
        piece = op_row(op, i) // pieces
        dx = op_dx(op, i, parameters)
        dy = place
        place += piece
        if dx == NULL:
            continue
        for j in range(op.run.rows * pieces):
            if op.add[i]:
                for e in range(piece):
                    dx[e] += dy[e]
            else:
                memcpy(dx, dy, piece * sizeof(real))
            dx += piece
            dy += whole
    return CNN_OK
