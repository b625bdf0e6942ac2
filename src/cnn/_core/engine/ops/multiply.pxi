# The product, element by element, of two or more inputs of one shape. Beside an image (n, channels, ...) an input may have one number a
# channel, (n, channels) or (n, channels, 1, 1): each goes with all of its channel's pixels (squeeze and excitation: Hu et al. 2018).

cdef inline int by_channel(const PlanValue *v) noexcept nogil:
    """One number a channel: (n, channels, 1, ...)."""
    cdef size_t i
    for i in range(2, <size_t>v.rank):
        if v.dims[i] != 1:
            return 0
    return v.rank >= 2

cdef cnn_status multiply_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, cnn_error *error) noexcept nogil:
    cdef cnn_status status = op_takes(g, node, "Multiply", 2, NONE, 0, error)
    cdef size_t n = <size_t>node.n_inputs, best = 0, i, j
    cdef int differ
    if status == CNN_OK:
        status = op_floats(g, node, x, "Multiply", error)
    if status != CNN_OK:
        return status
    for i in range(1, n):
        if x[i].rank > x[best].rank or (x[i].rank == x[best].rank and by_channel(&x[best]) and not by_channel(&x[i])):
            best = i
    y[0] = x[best]
    for i in range(n):
        if y.rank > 2 and (x[i].rank == 2 or x[i].rank == y.rank) and by_channel(&x[i]):
            differ = x[i].dims[1] != y.dims[1] and x[i].dims[1] != OPEN and y.dims[1] != OPEN
        else:
            differ = x[i].rank != y.rank
            if not differ:
                for j in range(<size_t>y.rank):
                    if y.dims[j] == OPEN:
                        y.dims[j] = x[i].dims[j]
                    elif x[i].dims[j] != OPEN and x[i].dims[j] != y.dims[j]:
                        differ = 1
        if differ:
            return cnn_fail(error, CNN_E_SHAPE, "%s: Multiply needs inputs of one shape, not %D and %D%s", node_name(g, node), <size_t>x[best].rank,
                            x[best].dims, <size_t>x[i].rank, x[i].dims,
                            b"; beside an image it also takes one number a channel, (n, channels) or (n, channels, 1, 1)" if y.rank > 2 else b"")
    return CNN_OK

cdef int multiply_layout(const OpPlan *p) noexcept nogil:
    return LAYOUT_SAME

cdef void multiply_plan(OpPlan *p) noexcept nogil:
    cdef const PlanValue *y = &p.values[p.output]
    cdef size_t i
    for i in range(<size_t>p.node.n_inputs):
        if p.values[p.inputs[i]].row != y.row:
            p.integer[0] = 1  # some have one number a channel
    p.by_rows = ROWS_FORWARD | ROWS_BACKWARD
    p.keeps_input = 1
    p.flops = <double>(p.node.n_inputs - 1) * <double>y.row
    if p.integer[0] and p.training:
        p.scratch = y.row * item_bytes(p.graph, CNN_FLOAT32)

# ---- with numbers a channel: an image at a time

cdef void channels_times(const cnn_kernels *k, const PlanValue *v, size_t row, const real *a, const real *b, real *y) noexcept nogil:
    """y = a b for one image described by v: b has as many numbers as that (row of them), or one a channel. y may be a."""
    cdef size_t channels = v.dims[1], positions = v.row // channels, i, j
    if row == v.row:
        k_mul(k, v.row, a, b, y, 0)
    elif lies_last(v):
        for i in range(positions):
            k_mul(k, channels, a + i * channels, b, y + i * channels, 0)
    else:
        for j in range(channels):
            k_scale(k, positions, b[j], a + j * positions, y + j * positions)

cdef void channels_sum(const cnn_kernels *k, const PlanValue *v, const real *x, real *sums) noexcept nogil:
    """sums[channel] += x over its pixels, in ascending order however x lies."""
    cdef size_t channels = v.dims[1], positions = v.row // channels, i, j
    if lies_last(v):
        k_sum_rows(k, positions, channels, x, channels, sums)
        return
    for j in range(channels):
        for i in range(positions):
            sums[j] += x[j * positions + i]

cdef void multiply_channels(const Op *op, const real *tag) noexcept nogil:
    """The image's own numbers first, then the others in their order."""
    cdef const PlanValue *v = &op.values[op.output]
    cdef size_t image = 0, r, i, row
    cdef const real *begin
    cdef real *y
    while op_row(op, image) != v.row:
        image += 1
    for r in range(op.run.rows):
        y = op_y(op, 0, tag) + r * v.row
        begin = op_x(op, image, tag) + r * v.row
        for i in range(<size_t>op.node.n_inputs):
            if i != image:
                row = op_row(op, i)
                channels_times(op.run.kernels, v, row, begin, op_x(op, i, tag) + r * row, y)
                begin = y

cdef void multiply_channels_backward(const Op *op, size_t input_, const real *tag) noexcept nogil:
    """dx (+)= dy times the others, in their order; summed over the pixels where the input has one number a channel."""
    cdef const PlanValue *v = &op.values[op.output]
    cdef size_t own = op_row(op, input_), r, i, row
    cdef const real *begin
    cdef real *dx = op_dx(op, input_, tag)
    cdef real *product
    for r in range(op.run.rows):
        product = dx if own == v.row and not op.add[input_] else <real *>op.scratch
        begin = op_dy(op, 0, tag) + r * v.row
        for i in range(<size_t>op.node.n_inputs):
            if i != input_:
                row = op_row(op, i)
                channels_times(op.run.kernels, v, row, begin, op_x(op, i, tag) + r * row, product)
                begin = product
        if own != v.row:
            if not op.add[input_]:
                memset(dx, 0, own * sizeof(real))
            channels_sum(op.run.kernels, v, product, dx)
        elif op.add[input_]:
            k_add(op.run.kernels, own, product, dx)
        dx += own

cdef cnn_status multiply_forward(Op *op, const real *parameters) noexcept nogil:
    cdef size_t n = op.run.rows * op_row(op, 0), i
    cdef real *y = op_y(op, 0, parameters)
    if op.plan.integer[0]:
        multiply_channels(op, parameters)
        return CNN_OK
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
        if op.plan.integer[0]:
            multiply_channels_backward(op, i, parameters)
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
