# y = (x - mean) / sqrt(var + eps) weight + bias by channel (axis 1). Ioffe & Szegedy 2015, with PyTorch's definitions: in training mean and
# (biased) variance are the batch's, over rows and positions, and the running ones move towards them, (1 - momentum) old + momentum new,
# the variance unbiased; else they are the running ones. A layer that is not trainable uses the running ones always, and leaves them.
#
# The batch's statistics couple its rows, so the batch is one tile. It is divided into blocks of rows, whose number is a function of
# shapes; their sums are added in order, whatever thread has made them. Channels are lanes: an image that does not lie channels last goes
# through scratch. Of few channels several positions make a wide row (FOLD), the first position of each image at its beginning.

cdef enum:
    BATCH_NORM_MEAN = 2    # blocks; weight and bias are NORM_WEIGHT, NORM_BIAS
    BATCH_NORM_VAR = 3
    BATCH_NORM_BLOCKS = 16
    BATCH_NORM_BLOCK = 8192    # numbers of a block, at least
    # plan.integer
    BATCH_NORM_FROZEN = 0
    BATCH_NORM_SUMS = 1    # places in scratch: the blocks' sums,
    BATCH_NORM_SAVED = 2   # where nothing is saved, what would be,
    BATCH_NORM_ROWS = 3    # rows that are turned to channels last, two a member
    # stages of the work
    BATCH_NORM_MOMENTS = 0
    BATCH_NORM_SCALE = 1
    BATCH_NORM_CROSS = 2
    BATCH_NORM_BLEND = 3
    BATCH_NORM_PASS = 4

cdef cnn_status batch_norm_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, cnn_error *error) noexcept nogil:
    cdef cnn_status status = norm_shape(g, node, x, y, "BatchNorm", reads(CNN_ATTRIBUTE_MOMENTUM), error)
    cdef double momentum = attribute_number(g, node, CNN_ATTRIBUTE_MOMENTUM, 0.1)
    if status == CNN_OK and not (momentum >= 0 and momentum <= 1):
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: momentum is %g; it must be 0 to 1", node_name(g, node), momentum)
    return norm_fixed_channels(g, node, x, "BatchNorm", error) if status == CNN_OK else status

cdef cnn_status batch_norm_blocks(Graph *g, int32_t index, const PlanValue *x, const PlanValue *y, cnn_error *error) noexcept nogil:
    cdef size_t n = x.dims[1]
    cdef int32_t made = norm_parameters(g, index, 1, &n, error)
    if made >= 0:
        made = graph_add_block(g, index, "running_mean", CNN_BLOCK_BUFFER, 1, &n, CNN_INIT_ZEROS, 0.0, n, n, error)
    if made >= 0:
        made = graph_add_block(g, index, "running_var", CNN_BLOCK_BUFFER, 1, &n, CNN_INIT_ZEROS, 1.0, n, n, error)
    return <cnn_status>-made if made < 0 else CNN_OK

cdef int batch_norm_layout(const OpPlan *p) noexcept nogil:
    return LAYOUT_SAME

cdef void batch_norm_plan(OpPlan *p) noexcept nogil:
    cdef const PlanValue *x = &p.values[p.inputs[0]]
    cdef size_t item = real_bytes(p.graph), channels = x.dims[1], width = norm_fold(channels)
    cdef int moves = p.training and not norm_frozen(p.graph, p.node)
    p.number[0] = attribute_number(p.graph, p.node, CNN_ATTRIBUTE_EPS, 1e-5)
    p.number[1] = attribute_number(p.graph, p.node, CNN_ATTRIBUTE_MOMENTUM, 0.1)
    p.integer[BATCH_NORM_FROZEN] = norm_frozen(p.graph, p.node)
    p.in_place = 1
    p.keeps_input = p.couples = p.moves_buffers = moves
    p.least_rows = 2 if moves and x.row == channels else 0
    p.by_rows = 0 if moves else ROWS_FORWARD | ROWS_BACKWARD
    p.by_parts = not p.training and lies_last(x)
    p.flops = (4 if moves else 2) * <double>x.row
    if moves:
        p.saved = 4 * channels * item
    p.scratch = rounded(4 * width * item)
    p.kept = 0 if p.training else p.scratch
    p.integer[BATCH_NORM_SAVED] = <int64_t>p.scratch
    p.scratch += rounded(4 * channels * item)
    p.integer[BATCH_NORM_SUMS] = <int64_t>p.scratch
    if moves:
        p.scratch += BATCH_NORM_BLOCKS * 2 * width * sizeof(double)
    p.integer[BATCH_NORM_ROWS] = <int64_t>p.scratch
    if not lies_last(x):
        p.scratch += 2 * x.row * item * (<size_t>p.members if moves and p.members > 1 else 1)

cdef struct BatchNormWork:
    const Op *op
    int32_t stage
    size_t rows            # of a block

cdef inline size_t batch_norm_block_rows(const Op *op) noexcept nogil:
    """A function of shapes, so that the blocks, and the order of a sum over them, are the same for any number of threads."""
    cdef size_t rows = op.run.rows, blocks = rows * op_row(op, 0) // BATCH_NORM_BLOCK
    blocks = blocks if blocks < BATCH_NORM_BLOCKS else BATCH_NORM_BLOCKS
    blocks = blocks if blocks < rows else rows
    return (rows + blocks - 1) // blocks if blocks > 1 else rows

cdef inline real *batch_norm_columns(const Op *op, size_t i, const real *tag) noexcept nogil:
    """Array i of 4, a number for each column of a wide row."""
    return <real *>(op.kept if op.kept != NULL else op.scratch) + i * norm_fold(op.values[op.inputs[0]].dims[1])

cdef inline real *batch_norm_saved(const Op *op, const real *tag) noexcept nogil:
    """By channel: (center, scale, shift) three by three, then the batch's unbiased variances."""
    return <real *>(op.saved if op.plan.saved else <char *>op.scratch + op.plan.integer[BATCH_NORM_SAVED])

cdef inline double *batch_norm_sums(const Op *op) noexcept nogil:
    return <double *>(<char *>op.scratch + op.plan.integer[BATCH_NORM_SUMS])

cdef void batch_norm_run(const Op *op, int32_t stage, size_t count, const real *x, const real *dy, real *to, int add, double *sums) noexcept nogil:
    """Numbers that lie channels last; `to` is y or dx."""
    cdef size_t width = norm_fold(op.values[op.inputs[0]].dims[1])
    cdef const real *center = batch_norm_columns(op, 0, x)
    cdef const real *a = batch_norm_columns(op, 1, x)
    cdef const real *b = batch_norm_columns(op, 2, x)
    cdef const real *c = batch_norm_columns(op, 3, x)
    if stage == BATCH_NORM_MOMENTS:
        k_column_moments(op.run.kernels, count, width, x, center, sums)
    elif stage == BATCH_NORM_CROSS:
        k_column_cross(op.run.kernels, count, width, dy, x, center, sums)
    elif stage == BATCH_NORM_SCALE:
        k_column_scale(op.run.kernels, count, width, x, center, a, b, to, 0)
    elif stage == BATCH_NORM_PASS:
        k_column_scale(op.run.kernels, count, width, dy, center, a, b, to, add)
    else:
        k_column_blend(op.run.kernels, count, width, dy, x, center, a, b, c, to, add)

cdef void batch_norm_rows(const Op *op, int32_t stage, size_t first, size_t n, size_t block, int32_t member, const real *tag) noexcept nogil:
    cdef const PlanValue *v = &op.values[op.inputs[0]]
    cdef const cnn_kernels *k = op.run.kernels
    cdef size_t row = v.row, channels = v.dims[1], positions = row // channels, r
    cdef int summing = stage == BATCH_NORM_MOMENTS or stage == BATCH_NORM_CROSS, add = op.add[0]
    cdef int has_x = stage != BATCH_NORM_PASS, has_dy = stage != BATCH_NORM_MOMENTS and stage != BATCH_NORM_SCALE
    cdef const real *x = op_x(op, 0, tag) + first * row if has_x else NULL
    cdef const real *dy = op_dy(op, 0, tag) + first * row if has_dy else NULL
    cdef real *to = NULL
    cdef double *sums = batch_norm_sums(op) + block * 2 * norm_fold(channels)
    cdef real *turned = <real *>(<char *>op.scratch + op.plan.integer[BATCH_NORM_ROWS]) + 2 * row * <size_t>member
    if not summing:
        to = (op_y(op, 0, tag) if stage == BATCH_NORM_SCALE else op_dx(op, 0, tag)) + first * row
    else:
        memset(sums, 0, 2 * norm_fold(channels) * sizeof(double))
    if lies_last(v) and (positions == 1 or not summing):
        batch_norm_run(op, stage, n * row, x, dy, to, add, sums)
        return
    for r in range(n):
        if lies_last(v):
            batch_norm_run(op, stage, row, x + r * row if has_x else NULL, dy + r * row if has_dy else NULL, to, 0, sums)
            continue
        if has_x:
            to_last(k, channels, positions, x + r * row, turned)
        if has_dy:
            to_last(k, channels, positions, dy + r * row, turned + row)
        batch_norm_run(op, stage, row, turned, turned + row, turned, 0, sums)
        if not summing and add and has_dy:
            to_plain(k, channels, positions, turned, turned + row)
            k_add(k, row, turned + row, to + r * row)
        elif not summing:
            to_plain(k, channels, positions, turned, to + r * row)

cdef void batch_norm_block(void *arg, size_t index, int32_t member) noexcept nogil:
    cdef BatchNormWork *c = <BatchNormWork *>arg
    cdef size_t first = index * c.rows, n = c.op.run.rows - first if c.op.run.rows - first < c.rows else c.rows
    if c.op.graph.dtype == CNN_FLOAT32:
        batch_norm_rows(c.op, c.stage, first, n, index, member, <const float *>NULL)
    else:
        batch_norm_rows(c.op, c.stage, first, n, index, member, <const double *>NULL)

cdef size_t batch_norm_divide(Op *op, int32_t stage) noexcept nogil:
    """Does a stage for every block of rows; how many there are."""
    cdef BatchNormWork c
    cdef size_t blocks
    cdef const cnn_executor *team = op.run.team if <double>op.run.rows * op.plan.flops >= 2 * SLICE_WORK else NULL
    c.op = op
    c.stage = stage
    c.rows = batch_norm_block_rows(op)
    blocks = (op.run.rows + c.rows - 1) // c.rows
    cnn_parallel_for(team, blocks, batch_norm_block, &c)
    return blocks

cdef void batch_norm_add_blocks(Op *op, size_t blocks) noexcept nogil:
    """The sums of all blocks into those of the first."""
    cdef size_t width = norm_fold(op.values[op.inputs[0]].dims[1]), i, j
    cdef double *sums = batch_norm_sums(op)
    for i in range(1, blocks):
        for j in range(2 * width):
            sums[j] += sums[i * 2 * width + j]

cdef void batch_norm_statistics(Op *op, const real *tag) noexcept nogil:
    """The batch's, into what is saved. Differences are taken from the first row's first position."""
    cdef const PlanValue *v = &op.values[op.inputs[0]]
    cdef size_t channels = v.dims[1], positions = v.row // channels, width = norm_fold(channels), c
    cdef double n = <double>op.run.rows * <double>positions, variance
    cdef const double *sums = batch_norm_sums(op)
    cdef const real *x = op_x(op, 0, tag)
    cdef real *about = batch_norm_columns(op, 0, tag)
    cdef real *saved = batch_norm_saved(op, tag)
    for c in range(channels):
        about[c] = x[c if lies_last(v) else c * positions]
    norm_spread(width, channels, about)
    batch_norm_add_blocks(op, batch_norm_divide(op, BATCH_NORM_MOMENTS))
    for c in range(channels):
        variance = norm_each(n, norm_sum(sums, width, channels, c), norm_sum(sums + width, width, channels, c), about[c], op.plan.number[0], saved + 3 * c)
        saved[3 * channels + c] = <real>(variance * (n / (n - 1)))

cdef void batch_norm_running(Op *op, const real *parameters) noexcept nogil:
    """The running statistics, into what is saved."""
    cdef const real *mean = op_w(op, BATCH_NORM_MEAN, parameters)
    cdef const real *var = op_w(op, BATCH_NORM_VAR, parameters)
    cdef real *saved = batch_norm_saved(op, parameters)
    cdef size_t c
    for c in range(op.values[op.inputs[0]].dims[1]):
        saved[3 * c] = mean[c]
        saved[3 * c + 1] = <real>(1 / sqrt(var[c] + op.plan.number[0]))
        saved[3 * c + 2] = 0

cdef void batch_norm_make_columns(Op *op, const real *parameters) noexcept nogil:
    cdef size_t channels = op.values[op.inputs[0]].dims[1], width = norm_fold(channels), c
    cdef const real *w = op_w(op, NORM_WEIGHT, parameters)
    cdef const real *b = op_w(op, NORM_BIAS, parameters)
    cdef const real *saved = batch_norm_saved(op, parameters)
    cdef real *center = batch_norm_columns(op, 0, parameters)
    cdef real *scale = batch_norm_columns(op, 1, parameters)
    cdef real *shift = batch_norm_columns(op, 2, parameters)
    if op.plan.moves_buffers and op.run.training:
        batch_norm_statistics(op, parameters)
    else:
        batch_norm_running(op, parameters)
    for c in range(channels):
        center[c] = saved[3 * c]
        scale[c] = saved[3 * c + 1] * w[c]
        shift[c] = saved[3 * c + 2] * w[c] + b[c]
    norm_spread(width, channels, center)
    norm_spread(width, channels, scale)
    norm_spread(width, channels, shift)

cdef void batch_norm_keep(Op *op, const real *parameters) noexcept nogil:
    batch_norm_make_columns(op, parameters)

cdef void batch_norm_part(const Op *op, const real *tag, size_t first, size_t n) noexcept nogil:
    batch_norm_run(op, BATCH_NORM_SCALE, n, op_x(op, 0, tag) + first, <const real *>NULL, op_y(op, 0, tag) + first, 0, NULL)

cdef cnn_status batch_norm_forward(Op *op, const real *parameters) noexcept nogil:
    if op.kept == NULL:
        batch_norm_make_columns(op, parameters)
    if op.plan.moves_buffers:
        batch_norm_divide(op, BATCH_NORM_SCALE)
    else:
        batch_norm_rows(op, BATCH_NORM_SCALE, 0, op.run.rows, 0, 0, parameters)
    return CNN_OK

cdef void batch_norm_leave(Op *op, const real *parameters, real *gradients) noexcept nogil:
    """What the running statistics become when the step is made."""
    cdef size_t channels = op.values[op.inputs[0]].dims[1], c
    cdef const real *saved = batch_norm_saved(op, parameters)
    cdef real *mean = op_buffer(op, BATCH_NORM_MEAN, gradients)
    cdef real *var = op_buffer(op, BATCH_NORM_VAR, gradients)
    cdef double momentum = op.plan.number[1]
    if not op_dw_adds(op, BATCH_NORM_MEAN):
        memcpy(mean, op_w(op, BATCH_NORM_MEAN, parameters), channels * sizeof(real))
        memcpy(var, op_w(op, BATCH_NORM_VAR, parameters), channels * sizeof(real))
    if not op.run.training:
        return
    for c in range(channels):
        mean[c] = <real>((1 - momentum) * mean[c] + momentum * (<double>saved[3 * c] - <double>saved[3 * c + 2] / <double>saved[3 * c + 1]))
        var[c] = <real>((1 - momentum) * var[c] + momentum * <double>saved[3 * channels + c])

cdef cnn_status batch_norm_backward(Op *op, const real *parameters, real *gradients) noexcept nogil:
    """With h = (x - mean) / std and n numbers a channel: dbias = sum dy, dweight = sum dy h, and in training
    dx = weight / std (dy - dbias / n - h dweight / n), else weight / std dy."""
    cdef const PlanValue *v = &op.values[op.inputs[0]]
    cdef size_t channels = v.dims[1], width = norm_fold(channels), c
    cdef double n = <double>op.run.rows * <double>(v.row // channels), s, q, t, scale, shift
    cdef const real *w = op_w(op, NORM_WEIGHT, parameters)
    cdef const real *saved = batch_norm_saved(op, parameters)
    cdef const double *sums = batch_norm_sums(op)
    cdef real *dw = op_dw(op, NORM_WEIGHT, gradients)
    cdef real *db = op_dw(op, NORM_BIAS, gradients)
    cdef real *center = batch_norm_columns(op, 0, parameters)
    cdef real *columns = center
    cdef int coupled = op.plan.moves_buffers and op.run.training
    memset(columns, 0, 4 * width * sizeof(real))
    if op.plan.moves_buffers:
        for c in range(channels):
            center[c] = saved[3 * c]
        norm_spread(width, channels, center)
        batch_norm_add_blocks(op, batch_norm_divide(op, BATCH_NORM_CROSS))
        batch_norm_leave(op, parameters, gradients)
    else:
        batch_norm_running(op, parameters)
    for c in range(channels):
        scale = saved[3 * c + 1]
        shift = saved[3 * c + 2]
        t = scale * w[c]
        columns[width + c] = <real>t
        if not op.plan.moves_buffers:
            continue
        s = norm_sum(sums, width, channels, c)
        q = scale * norm_sum(sums + width, width, channels, c) + shift * s
        if db != NULL:
            add_or_set(&db[c], s, op_dw_adds(op, NORM_BIAS))
        if dw != NULL:
            add_or_set(&dw[c], q, op_dw_adds(op, NORM_WEIGHT))
        if coupled:
            columns[2 * width + c] = <real>(-t / n * q * scale)
            columns[3 * width + c] = <real>(-t / n * (s + q * shift))
    if op_dx(op, 0, parameters) == NULL:
        return CNN_OK
    if not coupled:
        memset(center, 0, width * sizeof(real))
    for c in range(1, 4):
        norm_spread(width, channels, columns + c * width)
    if coupled:
        batch_norm_divide(op, BATCH_NORM_BLEND)
    elif op.plan.moves_buffers:
        batch_norm_divide(op, BATCH_NORM_PASS)
    else:
        batch_norm_rows(op, BATCH_NORM_PASS, 0, op.run.rows, 0, 0, parameters)
    return CNN_OK
