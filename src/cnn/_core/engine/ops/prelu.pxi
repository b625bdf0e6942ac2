# y = x > 0 ? x : a x with a learnt slope a (He et al. 2015): one, or with the attribute axis (1 or the last) one for each index of that axis.
# Starts at alpha. In memory a row is (positions, slopes) or, plain with axis 1, (slopes, positions).

cdef enum:                 # in plan.integer
    PRELU_CHANNELS = 0     # of a row; its slopes, where there are several
    PRELU_POSITIONS = 1
    PRELU_FIRST = 2        # the channels stand before the positions
    PRELU_SHARED = 3       # one slope

cdef cnn_status prelu_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, cnn_error *error) noexcept nogil:
    cdef cnn_status status = op_takes(g, node, "PReLU", 1, 1, reads(CNN_ATTRIBUTE_ALPHA) | reads(CNN_ATTRIBUTE_AXIS), error)
    cdef double slope = attribute_number(g, node, CNN_ATTRIBUTE_ALPHA, 0.25)
    cdef int64_t axis = attribute_integer(g, node, CNN_ATTRIBUTE_AXIS, 1)
    cdef size_t at
    if status == CNN_OK:
        status = op_floats(g, node, x, "PReLU", error)
    if status != CNN_OK:
        return status
    if not m_isfinite(<float>slope):
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: the first slope is %g; it must be finite", node_name(g, node), slope)
    if x.rank < 2 or not real_axis(x, axis, &at) or (at != 1 and at != <size_t>x.rank - 1):
        return cnn_fail(error, CNN_E_SHAPE, "%s: axis is %l; PReLU has a slope for each index of axis 1, or of the last, of an input of shape %D",
                        node_name(g, node), axis, <size_t>x.rank, x.dims)
    if attribute(g, node, CNN_ATTRIBUTE_AXIS) != NULL and x.dims[at] == OPEN:
        return cnn_fail(error, CNN_E_SHAPE, "%s: a slope for each index of axis %l needs a fixed size there; its input has the shape %D", node_name(g, node),
                        axis, <size_t>x.rank, x.dims)
    y[0] = x[0]
    return CNN_OK

cdef cnn_status prelu_blocks(Graph *g, int32_t index, const PlanValue *x, const PlanValue *y, cnn_error *error) noexcept nogil:
    cdef const Node *node = &g.nodes[index]
    cdef size_t slopes = 1, at = 1
    cdef int32_t made
    if attribute(g, node, CNN_ATTRIBUTE_AXIS) != NULL:
        real_axis(x, attribute_integer(g, node, CNN_ATTRIBUTE_AXIS, 1), &at)
        slopes = x.dims[at]
    made = graph_add_block(g, index, "weight", CNN_BLOCK_WEIGHT, 1, &slopes, CNN_INIT_ZEROS, attribute_number(g, node, CNN_ATTRIBUTE_ALPHA, 0.25),
                           slopes, slopes, error)
    return <cnn_status>-made if made < 0 else CNN_OK

cdef int prelu_layout(const OpPlan *p) noexcept nogil:
    cdef size_t at = 1
    real_axis(&p.values[p.output], attribute_integer(p.graph, p.node, CNN_ATTRIBUTE_AXIS, 1), &at)
    return LAYOUT_SAME if at == 1 else LAYOUT_PLAIN

cdef void prelu_plan(OpPlan *p) noexcept nogil:
    cdef const PlanValue *x = &p.values[p.inputs[0]]
    cdef size_t at = 1
    real_axis(x, attribute_integer(p.graph, p.node, CNN_ATTRIBUTE_AXIS, 1), &at)
    p.integer[PRELU_CHANNELS] = <int64_t>x.dims[at]
    p.integer[PRELU_POSITIONS] = <int64_t>(x.row // x.dims[at])
    p.integer[PRELU_FIRST] = at == 1 and not lies_last(x)
    p.integer[PRELU_SHARED] = attribute(p.graph, p.node, CNN_ATTRIBUTE_AXIS) == NULL
    p.keeps_input = 1
    p.by_rows = ROWS_FORWARD
    p.flops = 2 * <double>x.row
    if p.training:  # of this, frame.pxi takes as much for each member of a team
        p.scratch = prelu_room(p) + prelu_partial(p) // <size_t>(p.members if p.team and p.members > 1 else 1) + 1

cdef inline size_t prelu_partial(const OpPlan *p) noexcept nogil:
    """Bytes of the sums of each row."""
    return rounded(p.rows * <size_t>(1 if p.integer[PRELU_SHARED] else p.integer[PRELU_CHANNELS]) * item_bytes(p.graph, CNN_FLOAT32))

cdef inline size_t prelu_room(const OpPlan *p) noexcept nogil:
    """Bytes that one thread works in."""
    cdef size_t channels = <size_t>p.integer[PRELU_CHANNELS], row = channels * <size_t>p.integer[PRELU_POSITIONS]
    return rounded((row * (2 if p.integer[PRELU_FIRST] else 1) + channels) * item_bytes(p.graph, CNN_FLOAT32))

cdef void prelu_rows(const OpPlan *p, size_t rows, const real *slopes, const real *x, const real *v, real *y, int adds) noexcept nogil:
    """y (+)= v (x > 0 ? 1 : slope): of forward v is x, of backward dy."""
    cdef size_t channels = <size_t>p.integer[PRELU_CHANNELS], positions = <size_t>p.integer[PRELU_POSITIONS], r
    if p.integer[PRELU_SHARED]:
        k_slope_scale(p.kernels, 1, rows * channels * positions, slopes, 0, x, v, y, adds)
    elif p.integer[PRELU_FIRST]:
        for r in range(rows * channels):
            k_slope_scale(p.kernels, 1, positions, slopes + r % channels, 0, x + r * positions, v + r * positions, y + r * positions, adds)
    else:
        k_slope_scale(p.kernels, rows * positions, channels, slopes, 1, x, v, y, adds)

cdef cnn_status prelu_forward(Op *op, const real *parameters) noexcept nogil:
    cdef const real *x = op_x(op, 0, parameters)
    prelu_rows(op.plan, op.run.rows, op_w(op, 0, parameters), x, x, op_y(op, 0, parameters), 0)
    return CNN_OK

cdef struct PreluWork:
    const Op *op
    const void *slopes
    const void *x
    const void *dy
    void *dx               # NULL: not wanted
    int32_t sums           # wanted
    size_t slice

cdef void prelu_back(const PreluWork *a, const real *slopes, size_t first, size_t end, int32_t member) noexcept nogil:
    """Some rows: dx, and for each row the sums of its shares of dw."""
    cdef const OpPlan *p = a.op.plan
    cdef size_t channels = <size_t>p.integer[PRELU_CHANNELS], positions = <size_t>p.integer[PRELU_POSITIONS], row = channels * positions, r
    cdef const real *x
    cdef const real *dy
    cdef real *partial = <real *>a.op.scratch
    cdef real *share = <real *>(<char *>a.op.scratch + prelu_partial(p) + <size_t>member * prelu_room(p))  # of each element
    cdef real *turned = share + row if p.integer[PRELU_FIRST] else share
    cdef real *sums
    for r in range(first, end):
        x = <const real *>a.x + r * row
        dy = <const real *>a.dy + r * row
        if a.sums:
            k_slope_share(a.op.run.kernels, row, x, dy, share)
            if p.integer[PRELU_FIRST]:
                to_last(a.op.run.kernels, channels, positions, share, turned)
            sums = turned + row if p.integer[PRELU_SHARED] else partial + r * channels
            memset(sums, 0, channels * sizeof(real))
            k_sum_rows(a.op.run.kernels, positions, channels, turned, channels, sums)
            if p.integer[PRELU_SHARED]:
                partial[r] = k_sum(a.op.run.kernels, channels, sums)
        if a.dx != NULL:
            prelu_rows(p, 1, slopes, x, dy, <real *>a.dx + r * row, a.op.add[0])

cdef void prelu_back_slice(void *arg, size_t index, int32_t member) noexcept nogil:
    cdef const PreluWork *a = <const PreluWork *>arg
    cdef size_t first = index * a.slice, end = first + a.slice if a.op.run.rows - first > a.slice else a.op.run.rows
    if a.op.graph.dtype == CNN_FLOAT32:
        prelu_back(a, <const float *>a.slopes, first, end, member)
    else:
        prelu_back(a, <const double *>a.slopes, first, end, member)

cdef cnn_status prelu_backward(Op *op, const real *parameters, real *gradients) noexcept nogil:
    """dw: a chain over the rows, of each row's chain over positions; of one slope, of the sum of its channels' chains."""
    cdef size_t rows = op.run.rows, width = <size_t>(1 if op.plan.integer[PRELU_SHARED] else op.plan.integer[PRELU_CHANNELS])
    cdef real *dw = op_dw(op, 0, gradients)
    cdef PreluWork a
    a.op = op
    a.slopes = op_w(op, 0, parameters)
    a.x = op_x(op, 0, parameters)
    a.dy = op_dy(op, 0, parameters)
    a.dx = op_dx(op, 0, parameters)
    a.sums = dw != NULL
    a.slice = slice_rows(op, rows, 2 * <double>rows * op.plan.flops)
    cnn_parallel_for(op.run.team, (rows + a.slice - 1) // a.slice, prelu_back_slice, &a)
    if dw != NULL:
        if not op_dw_adds(op, 0):
            memset(dw, 0, width * sizeof(real))
        k_sum_rows(op.run.kernels, rows, width, <const real *>op.scratch, width, dw)
    return CNN_OK
