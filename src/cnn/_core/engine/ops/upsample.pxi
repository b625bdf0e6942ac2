# An image `stride` times as high and wide: each pixel as a block of its likes (nearest), or bilinear interpolation as PyTorch does it:
# output pixel i reads at (i + 1/2) / stride - 1/2, not before 0; with align_corners at i (size - 1) / (output size - 1). Works on planes of
# elements, as pad does.

cdef enum:                 # the attribute mode
    UPSAMPLE_NEAREST = 0
    UPSAMPLE_BILINEAR = 1
    UPSAMPLE_ALIGNED = 2   # bilinear, with align_corners

cdef enum:                 # in plan.integer
    UPSAMPLE_HEIGHT = 0
    UPSAMPLE_WIDTH = 1
    UPSAMPLE_DOWN = 2
    UPSAMPLE_ACROSS = 3
    UPSAMPLE_PLANES = 4
    UPSAMPLE_ELEMENT = 5
    UPSAMPLE_MODE = 6

cdef cnn_status upsample_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, cnn_error *error) noexcept nogil:
    cdef cnn_status status = op_takes(g, node, "Upsample2D", 1, 1, reads(CNN_ATTRIBUTE_STRIDE) | reads(CNN_ATTRIBUTE_MODE), error)
    cdef const Attribute *stride = attribute(g, node, CNN_ATTRIBUTE_STRIDE)
    cdef int64_t mode = attribute_integer(g, node, CNN_ATTRIBUTE_MODE, UPSAMPLE_NEAREST)
    cdef size_t i
    if status == CNN_OK:
        status = image_shape(g, node, x, "Upsample2D", 2, error)
    if status != CNN_OK:
        return status
    if mode < UPSAMPLE_NEAREST or mode > UPSAMPLE_ALIGNED:
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: mode is %l; 0 is nearest, 1 bilinear, 2 bilinear with align_corners", node_name(g, node), mode)
    if stride == NULL or stride.count != 2 or g.ints[stride.first] < 1 or g.ints[stride.first + 1] < 1:
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: stride has two numbers, how many times as high and as wide the image becomes, of at least 1",
                        node_name(g, node))
    y[0] = x[0]
    for i in range(2):
        if x.dims[2 + i] != OPEN and not cnn_size_mul(x.dims[2 + i], <size_t>g.ints[stride.first + i], &y.dims[2 + i]):
            return too_large(g, node, x, error)
    return CNN_OK

cdef int upsample_layout(const OpPlan *p) noexcept nogil:
    return LAYOUT_SAME

cdef void upsample_plan(OpPlan *p) noexcept nogil:
    cdef const PlanValue *x = &p.values[p.inputs[0]]
    cdef const Attribute *stride = attribute(p.graph, p.node, CNN_ATTRIBUTE_STRIDE)
    p.integer[UPSAMPLE_HEIGHT] = <int64_t>x.dims[2]
    p.integer[UPSAMPLE_WIDTH] = <int64_t>x.dims[3]
    p.integer[UPSAMPLE_DOWN] = p.graph.ints[stride.first]
    p.integer[UPSAMPLE_ACROSS] = p.graph.ints[stride.first + 1]
    p.integer[UPSAMPLE_PLANES] = 1 if lies_last(&p.values[p.output]) else <int64_t>x.dims[1]
    p.integer[UPSAMPLE_ELEMENT] = <int64_t>x.dims[1] if lies_last(&p.values[p.output]) else 1
    p.integer[UPSAMPLE_MODE] = attribute_integer(p.graph, p.node, CNN_ATTRIBUTE_MODE, UPSAMPLE_NEAREST)
    p.by_rows = ROWS_FORWARD | ROWS_BACKWARD
    p.flops = <double>p.values[p.output].row * (1 if p.integer[UPSAMPLE_MODE] == UPSAMPLE_NEAREST else 4)
    if p.training or p.integer[UPSAMPLE_MODE] != UPSAMPLE_NEAREST:  # a line of the smaller image
        p.scratch = x.dims[3] * <size_t>p.integer[UPSAMPLE_ELEMENT] * item_bytes(p.graph, CNN_FLOAT32)
    if p.integer[UPSAMPLE_MODE] != UPSAMPLE_NEAREST:
        p.tables = (x.dims[2] * <size_t>p.integer[UPSAMPLE_DOWN] + x.dims[3] * <size_t>p.integer[UPSAMPLE_ACROSS]) * sizeof(cnn_between)

cdef void upsample_prepare(const OpPlan *p, void *tables) noexcept nogil:
    """Where the lines, and then the pixels of a line, of the output read."""
    cdef cnn_between *to = <cnn_between *>tables
    cdef int64_t mode = p.integer[UPSAMPLE_MODE], height = p.integer[UPSAMPLE_HEIGHT], width = p.integer[UPSAMPLE_WIDTH]
    cdef int64_t down = p.integer[UPSAMPLE_DOWN], across = p.integer[UPSAMPLE_ACROSS], i
    if mode == UPSAMPLE_NEAREST:
        return
    for i in range(height * down):
        to[i] = upsample_between(i, height, down, mode)
    to += height * down
    for i in range(width * across):
        to[i] = upsample_between(i, width, across, mode)

# ---- nearest: a pool of blocks, the other way round

cdef void upsample_nearest(const OpPlan *p, const real *x, real *y) noexcept nogil:
    cdef size_t width = <size_t>p.integer[UPSAMPLE_WIDTH], down = <size_t>p.integer[UPSAMPLE_DOWN], across = <size_t>p.integer[UPSAMPLE_ACROSS]
    cdef size_t element = <size_t>p.integer[UPSAMPLE_ELEMENT], line = width * across * element, i
    for i in range(<size_t>p.integer[UPSAMPLE_HEIGHT]):
        k_window_sum_backward(p.kernels, width, across * element, down, across, line, element, <real>1, x + i * width * element, y + i * down * line, 0)

cdef void upsample_nearest_backward(const OpPlan *p, const real *dy, real *dx, int adds, real *scratch) noexcept nogil:
    cdef size_t width = <size_t>p.integer[UPSAMPLE_WIDTH], down = <size_t>p.integer[UPSAMPLE_DOWN], across = <size_t>p.integer[UPSAMPLE_ACROSS]
    cdef size_t element = <size_t>p.integer[UPSAMPLE_ELEMENT], line = width * across * element, i
    for i in range(<size_t>p.integer[UPSAMPLE_HEIGHT]):
        k_window_sum(p.kernels, width, across * element, down, across, line, element, <real>1, dy + i * down * line,
                     scratch if adds else dx + i * width * element)
        if adds:
            k_add(p.kernels, width * element, scratch, dx + i * width * element)

# ---- bilinear: along the height, of whole lines, and then along each line

cdef cnn_between upsample_between(int64_t i, int64_t size, int64_t times, int64_t mode) noexcept nogil:
    cdef cnn_between b
    cdef double at
    if mode == UPSAMPLE_ALIGNED:
        at = <double>(i * (size - 1)) / <double>(size * times - 1) if size * times > 1 else 0.0
    else:
        at = (<double>i + 0.5) / <double>times - 0.5
    at = at if at > 0 else 0
    b.low = <size_t>at
    b.high = b.low + 1 if b.low + 1 < <size_t>size else b.low
    b.part = at - <double>b.low
    return b

cdef void upsample_plane(const OpPlan *p, const real *x, real *y, real *line) noexcept nogil:
    cdef size_t element = <size_t>p.integer[UPSAMPLE_ELEMENT], n = <size_t>p.integer[UPSAMPLE_WIDTH] * element, i
    cdef size_t height = <size_t>(p.integer[UPSAMPLE_HEIGHT] * p.integer[UPSAMPLE_DOWN]), width = <size_t>(p.integer[UPSAMPLE_WIDTH] * p.integer[UPSAMPLE_ACROSS])
    cdef const cnn_between *to = <const cnn_between *>p.table
    for i in range(height):
        k_between(p.kernels, 1, n, to + i, x, line)
        k_between(p.kernels, width, element, to + height, line, y + i * width * element)

cdef void upsample_plane_backward(const OpPlan *p, const real *dy, real *dx, real *line) noexcept nogil:
    """Adds to dx, in the order of the output's lines."""
    cdef size_t element = <size_t>p.integer[UPSAMPLE_ELEMENT], n = <size_t>p.integer[UPSAMPLE_WIDTH] * element, i
    cdef size_t height = <size_t>(p.integer[UPSAMPLE_HEIGHT] * p.integer[UPSAMPLE_DOWN]), width = <size_t>(p.integer[UPSAMPLE_WIDTH] * p.integer[UPSAMPLE_ACROSS])
    cdef const cnn_between *to = <const cnn_between *>p.table
    for i in range(height):
        memset(line, 0, n * sizeof(real))
        k_between_backward(p.kernels, width, element, to + height, dy + i * width * element, line)
        k_between_backward(p.kernels, 1, n, to + i, line, dx)

cdef cnn_status upsample_forward(Op *op, const real *parameters) noexcept nogil:
    cdef const OpPlan *p = op.plan
    cdef size_t planes = <size_t>p.integer[UPSAMPLE_PLANES], n
    cdef size_t each = op_row(op, 0) // planes, each_out = op_row_out(op, 0) // planes
    cdef const real *x = op_x(op, 0, parameters)
    cdef real *y = op_y(op, 0, parameters)
    for n in range(op.run.rows * planes):
        if p.integer[UPSAMPLE_MODE] == UPSAMPLE_NEAREST:
            upsample_nearest(p, x + n * each, y + n * each_out)
        else:
            upsample_plane(p, x + n * each, y + n * each_out, <real *>op.scratch)
    return CNN_OK

cdef cnn_status upsample_backward(Op *op, const real *parameters, real *gradients) noexcept nogil:
    cdef const OpPlan *p = op.plan
    cdef size_t planes = <size_t>p.integer[UPSAMPLE_PLANES], n
    cdef size_t each = op_row(op, 0) // planes, each_out = op_row_out(op, 0) // planes
    cdef const real *dy = op_dy(op, 0, parameters)
    cdef real *dx = op_dx(op, 0, parameters)
    if dx == NULL:
        return CNN_OK
    if p.integer[UPSAMPLE_MODE] != UPSAMPLE_NEAREST and not op.add[0]:
        memset(dx, 0, op.run.rows * op_row(op, 0) * sizeof(real))
    for n in range(op.run.rows * planes):
        if p.integer[UPSAMPLE_MODE] == UPSAMPLE_NEAREST:
            upsample_nearest_backward(p, dy + n * each_out, dx + n * each, op.add[0], <real *>op.scratch)
        else:
            upsample_plane_backward(p, dy + n * each_out, dx + n * each, <real *>op.scratch)
    return CNN_OK
