# Inverted dropout: in training y = x m / (1 - rate), m 0 with probability rate, else 1; otherwise y = x. Srivastava et al. 2014.
# A row's mask depends on (seed, node, epoch, step, the row's number), so not on tiles or threads.

cdef cnn_status dropout_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, cnn_error *error) noexcept nogil:
    cdef cnn_status status = op_takes(g, node, "Dropout", 1, 1, reads(CNN_ATTRIBUTE_RATE), error)
    cdef double rate = attribute_number(g, node, CNN_ATTRIBUTE_RATE, 0.5)
    if status == CNN_OK:
        status = op_floats(g, node, x, "Dropout", error)
    if status != CNN_OK:
        return status
    if not (rate >= 0 and rate < 1):
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: rate is %g; it must be at least 0 and below 1", node_name(g, node), rate)
    y[0] = x[0]
    return CNN_OK

cdef int dropout_layout(const OpPlan *p) noexcept nogil:
    return LAYOUT_SAME

cdef void dropout_plan(OpPlan *p) noexcept nogil:
    cdef size_t row = p.values[p.inputs[0]].row
    p.number[0] = attribute_number(p.graph, p.node, CNN_ATTRIBUTE_RATE, 0.5)
    p.in_place = 1
    p.by_rows = ROWS_FORWARD | ROWS_BACKWARD
    p.flops = 4 * <double>row
    if p.training:
        p.saved = p.rows * row  # the mask: drawing it again costs more than a byte each
    else:
        p.scratch = row
    if p.values[p.inputs[0]].last:
        p.scratch += row

cdef void dropout_mask(Op *op, double rate, size_t r, unsigned char *keep) noexcept nogil:
    """The mask of row r, drawn in the order of the value's dims however it lies in memory."""
    cdef const PlanValue *x = &op.values[op.inputs[0]]
    cdef size_t channels = x.dims[1], positions = x.row // channels, i, c
    cdef unsigned char *drawn = <unsigned char *>op.scratch + (0 if op.plan.saved else x.row)
    cdef cnn_random stream = op_random(op, CNN_RANDOM_DROPOUT, r)
    if not x.last:
        cnn_random_mask(&stream, 0, x.row, rate, keep)
        return
    cnn_random_mask(&stream, 0, x.row, rate, drawn)
    for c in range(channels):
        for i in range(positions):
            keep[i * channels + c] = drawn[c * positions + i]

cdef inline void dropout_apply(size_t n, real scale, const unsigned char *keep, const real *x, real *y, int add) noexcept nogil:
    cdef size_t i
    for i in range(n):
        y[i] = (y[i] if add else 0) + x[i] * (scale * keep[i])

cdef cnn_status dropout_forward(Op *op, const real *parameters) noexcept nogil:
    cdef double rate = op.plan.number[0]
    cdef real scale = <real>(1 / (1 - rate))
    cdef size_t row = op_row(op, 0), r
    cdef const real *x = op_x(op, 0, parameters)
    cdef real *y = op_y(op, 0, parameters)
    cdef unsigned char *keep = <unsigned char *>(op.saved if op.plan.saved else op.scratch)
    if not op.run.training or rate == 0:
        if x != y:
            memcpy(y, x, op.run.rows * row * sizeof(real))
        return CNN_OK
    for r in range(op.run.rows):
        dropout_mask(op, rate, r, keep)
        dropout_apply(row, scale, keep, x + r * row, y + r * row, 0)
        if op.plan.saved:
            keep += row
    return CNN_OK

cdef cnn_status dropout_backward(Op *op, const real *parameters, real *gradients) noexcept nogil:
    cdef double rate = op.plan.number[0]
    cdef size_t n = op.run.rows * op_row(op, 0)
    cdef const real *dy = op_dy(op, 0, parameters)
    cdef real *dx = op_dx(op, 0, parameters)
    if not op.run.training or rate == 0:
        pass_gradient(op, 0, n, dy)
    elif dx != NULL and op.add[0]:
        dropout_apply(n, <real>(1 / (1 - rate)), <const unsigned char *>op.saved, dy, dx, 1)
    elif dx != NULL:
        dropout_apply(n, <real>(1 / (1 - rate)), <const unsigned char *>op.saved, dy, dx, 0)
    return CNN_OK
