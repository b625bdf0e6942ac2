# y = (x - mean) / sqrt(var + eps) weight + bias, mean and (biased) variance of each row's groups of neighbouring channels (axis 1), over all
# positions; weight and bias by channel. Wu & He 2018. One group is a layer norm whose weights do not depend on the image's size; as many
# groups as channels are instance norm.

cdef enum:
    GROUP_NORM_GROUPS = 0  # plan.integer
    GROUP_NORM_SUMS = 1    # places in scratch: sums by column,
    GROUP_NORM_ROWS = 2    # a row of x and one of dy, turned to channels last

cdef cnn_status group_norm_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, cnn_error *error) noexcept nogil:
    cdef cnn_status status = norm_shape(g, node, x, y, "GroupNorm", reads(CNN_ATTRIBUTE_GROUPS), error)
    cdef int64_t groups = attribute_integer(g, node, CNN_ATTRIBUTE_GROUPS, 0)
    cdef size_t n
    if status == CNN_OK:
        status = norm_fixed_channels(g, node, x, "GroupNorm", error)
    if status != CNN_OK:
        return status
    if groups < 1:
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: groups is %l; it must be at least 1", node_name(g, node), groups)
    if x.dims[1] % <size_t>groups:
        return cnn_fail(error, CNN_E_SHAPE, "%s: groups is %l, which does not divide the %z channels (%z %% %l = %z); its input has the shape %D",
                        node_name(g, node), groups, x.dims[1], x.dims[1], groups, x.dims[1] % <size_t>groups, <size_t>x.rank, x.dims)
    n = row_elements(x)
    if n == <size_t>groups:
        return cnn_fail(error, CNN_E_SHAPE, "%s: %l groups of one number each, of which normalizing makes 0; its input has the shape %D",
                        node_name(g, node), groups, <size_t>x.rank, x.dims)
    return CNN_OK

cdef cnn_status group_norm_blocks(Graph *g, int32_t index, const PlanValue *x, const PlanValue *y, cnn_error *error) noexcept nogil:
    cdef int32_t made = norm_parameters(g, index, 1, &x.dims[1], error)
    return <cnn_status>-made if made < 0 else CNN_OK

cdef int group_norm_layout(const OpPlan *p) noexcept nogil:
    return LAYOUT_SAME

cdef inline size_t group_norm_saved(const OpPlan *p) noexcept nogil:
    """Numbers kept of a row: (center, scale, shift) of each group; then, from backward itself, each channel's dbias and dweight."""
    return 3 * <size_t>p.integer[GROUP_NORM_GROUPS] + 2 * p.values[p.inputs[0]].dims[1]

cdef void group_norm_plan(OpPlan *p) noexcept nogil:
    cdef const PlanValue *x = &p.values[p.inputs[0]]
    cdef size_t item = real_bytes(p.graph), groups = <size_t>attribute_integer(p.graph, p.node, CNN_ATTRIBUTE_GROUPS, 1)
    cdef size_t width = norm_fold(x.dims[1])
    p.number[0] = attribute_number(p.graph, p.node, CNN_ATTRIBUTE_EPS, 1e-5)
    p.integer[GROUP_NORM_GROUPS] = <int64_t>groups
    p.in_place = p.keeps_input = 1
    p.by_rows = ROWS_FORWARD
    p.flops = 4 * <double>x.row
    if p.training:
        p.saved = p.rows * group_norm_saved(p) * item
    p.scratch = rounded((4 * width + 3 * groups) * item)
    p.integer[GROUP_NORM_SUMS] = <int64_t>p.scratch
    p.scratch += rounded(2 * width * sizeof(double))
    p.integer[GROUP_NORM_ROWS] = <int64_t>p.scratch
    if not lies_last(x):
        p.scratch += 2 * x.row * item

cdef cnn_status group_norm_forward(Op *op, const real *parameters) noexcept nogil:
    cdef const PlanValue *v = &op.values[op.inputs[0]]
    cdef const cnn_kernels *k = op.run.kernels
    cdef size_t row = v.row, channels = v.dims[1], positions = row // channels, width = norm_fold(channels)
    cdef size_t groups = <size_t>op.plan.integer[GROUP_NORM_GROUPS], size = channels // groups, r, i, c
    cdef const real *w = op_w(op, NORM_WEIGHT, parameters)
    cdef const real *b = op_w(op, NORM_BIAS, parameters)
    cdef real *center = <real *>op.scratch
    cdef real *scale = center + width
    cdef real *shift = scale + width
    cdef real *each = center + 4 * width
    cdef double *sums = <double *>(<char *>op.scratch + op.plan.integer[GROUP_NORM_SUMS])
    cdef real *turned = <real *>(<char *>op.scratch + op.plan.integer[GROUP_NORM_ROWS])
    cdef const real *x
    cdef real *y
    cdef double s, q
    for r in range(op.run.rows):
        x = op_x(op, 0, parameters) + r * row
        y = op_y(op, 0, parameters) + r * row
        if op.plan.saved:
            each = <real *>op.saved + r * group_norm_saved(op.plan)
        if not lies_last(v):
            to_last(k, channels, positions, x, turned)
            x = turned
        for c in range(channels):
            center[c] = x[c // size * size]
        norm_spread(width, channels, center)
        memset(sums, 0, 2 * width * sizeof(double))
        k_column_moments(k, row, width, x, center, sums)
        for i in range(groups):
            s = q = 0
            for c in range(i * size, (i + 1) * size):
                s += norm_sum(sums, width, channels, c)
                q += norm_sum(sums + width, width, channels, c)
            norm_each(<double>size * <double>positions, s, q, center[i * size], op.plan.number[0], each + 3 * i)
            for c in range(i * size, (i + 1) * size):
                center[c] = each[3 * i]
                scale[c] = each[3 * i + 1] * w[c]
                shift[c] = each[3 * i + 2] * w[c] + b[c]
        norm_spread(width, channels, center)
        norm_spread(width, channels, scale)
        norm_spread(width, channels, shift)
        k_column_scale(k, row, width, x, center, scale, shift, y if lies_last(v) else turned, 0)
        if not lies_last(v):
            to_plain(k, channels, positions, turned, y)
    return CNN_OK

cdef void group_norm_backward_row(const Op *op, const real *parameters, size_t r, void *scratch) noexcept nogil:
    """With h = (x - mean) / std and g = dy weight: dx = (g - mean of g - h mean of g h) / std by group; the row's part of dbias (sum dy) and of
    dweight (sum dy h) stays behind what is saved of it."""
    cdef const PlanValue *v = &op.values[op.inputs[0]]
    cdef const cnn_kernels *k = op.run.kernels
    cdef size_t row = v.row, channels = v.dims[1], positions = row // channels, width = norm_fold(channels)
    cdef size_t groups = <size_t>op.plan.integer[GROUP_NORM_GROUPS], size = channels // groups, i, c
    cdef const real *w = op_w(op, NORM_WEIGHT, parameters)
    cdef const real *x = op_x(op, 0, parameters) + r * row
    cdef const real *dy = op_dy(op, 0, parameters) + r * row
    cdef real *dx = op_dx(op, 0, parameters)
    cdef const real *each = <const real *>op.saved + r * group_norm_saved(op.plan)
    cdef real *parts = <real *>op.saved + r * group_norm_saved(op.plan) + 3 * groups
    cdef real *center = <real *>scratch
    cdef real *a = center + width
    cdef real *b = a + width
    cdef real *d = b + width
    cdef double *sums = <double *>(<char *>scratch + op.plan.integer[GROUP_NORM_SUMS])
    cdef real *turned = <real *>(<char *>scratch + op.plan.integer[GROUP_NORM_ROWS])
    cdef double n = <double>size * <double>positions, scale, shift, s, q, channel_s, channel_q
    if not lies_last(v):
        to_last(k, channels, positions, x, turned)
        to_last(k, channels, positions, dy, turned + row)
        x = turned
        dy = turned + row
    for c in range(channels):
        center[c] = each[c // size * 3]
    norm_spread(width, channels, center)
    memset(sums, 0, 2 * width * sizeof(double))
    k_column_cross(k, row, width, dy, x, center, sums)
    for i in range(groups):
        s = q = 0
        scale = each[3 * i + 1]
        shift = each[3 * i + 2]
        for c in range(i * size, (i + 1) * size):
            channel_s = norm_sum(sums, width, channels, c)
            channel_q = scale * norm_sum(sums + width, width, channels, c) + shift * channel_s
            parts[c] = <real>channel_s
            parts[channels + c] = <real>channel_q
            s += w[c] * channel_s
            q += w[c] * channel_q
        for c in range(i * size, (i + 1) * size):
            a[c] = <real>(scale * w[c])
            b[c] = <real>(-scale / n * q * scale)
            d[c] = <real>(-scale / n * (s + q * shift))
    if dx == NULL:
        return
    norm_spread(width, channels, a)
    norm_spread(width, channels, b)
    norm_spread(width, channels, d)
    if lies_last(v):
        k_column_blend(k, row, width, dy, x, center, a, b, d, dx + r * row, op.add[0])
        return
    k_column_blend(k, row, width, dy, x, center, a, b, d, turned, 0)
    if op.add[0]:
        to_plain(k, channels, positions, turned, turned + row)
        k_add(k, row, turned + row, dx + r * row)
    else:
        to_plain(k, channels, positions, turned, dx + r * row)

cdef struct GroupNormWork:
    const Op *op
    const void *parameters
    size_t rows            # of a slice

cdef void group_norm_slice(void *arg, size_t index, int32_t member) noexcept nogil:
    cdef GroupNormWork *c = <GroupNormWork *>arg
    cdef void *scratch = <char *>c.op.scratch + <size_t>member * c.op.plan.scratch_each
    cdef size_t r = index * c.rows, end = c.op.run.rows if c.op.run.rows - r < c.rows else r + c.rows
    while r < end:
        if c.op.graph.dtype == CNN_FLOAT32:
            group_norm_backward_row(c.op, <const float *>c.parameters, r, scratch)
        else:
            group_norm_backward_row(c.op, <const double *>c.parameters, r, scratch)
        r += 1

cdef cnn_status group_norm_backward(Op *op, const real *parameters, real *gradients) noexcept nogil:
    """Each row by itself; then the rows' parts of dweight and dbias are added in order."""
    cdef size_t channels = op.values[op.inputs[0]].dims[1], rows = op.run.rows, slices = 1, r
    cdef real *dw = op_dw(op, NORM_WEIGHT, gradients)
    cdef real *db = op_dw(op, NORM_BIAS, gradients)
    cdef const real *parts = <const real *>op.saved + 3 * <size_t>op.plan.integer[GROUP_NORM_GROUPS]
    cdef GroupNormWork work
    if op.run.team != NULL and <double>rows * op.plan.flops >= 2 * SLICE_WORK:
        slices = 2 * <size_t>op.plan.members
    work.op = op
    work.parameters = parameters
    work.rows = (rows + slices - 1) // slices
    cnn_parallel_for(op.run.team if slices > 1 else NULL, (rows + work.rows - 1) // work.rows, group_norm_slice, &work)
    if db != NULL:
        if not op_dw_adds(op, NORM_BIAS):
            memset(db, 0, channels * sizeof(real))
        k_sum_rows(op.run.kernels, rows, channels, parts, group_norm_saved(op.plan), db)
    if dw != NULL:
        if not op_dw_adds(op, NORM_WEIGHT):
            memset(dw, 0, channels * sizeof(real))
        k_sum_rows(op.run.kernels, rows, channels, parts + channels, group_norm_saved(op.plan), dw)
    return CNN_OK
