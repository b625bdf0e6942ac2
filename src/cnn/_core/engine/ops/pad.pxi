# More pixels around an image, or around a signal: `value`, or in the modes reflect and replicate those inside (x[1] next to x[0], and x[0]
# again, as numpy.pad's "reflect" and "edge"). Works on planes of elements: a channels-last image is one plane of pixels, a plain one has a
# plane for every channel.

cdef enum:                 # the attribute mode
    PAD_CONSTANT = 0
    PAD_REFLECT = 1
    PAD_REPLICATE = 2

cdef enum:                 # in plan.integer
    PAD_HEIGHT = 0
    PAD_WIDTH = 1
    PAD_TOP = 2
    PAD_BOTTOM = 3
    PAD_LEFT = 4
    PAD_RIGHT = 5
    PAD_PLANES = 6
    PAD_ELEMENT = 7
    PAD_MODE = 8

cdef cnn_status pad_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, cnn_error *error) noexcept nogil:
    cdef cnn_status status = op_takes(g, node, "Pad", 1, 1, reads(CNN_ATTRIBUTE_PADDING) | reads(CNN_ATTRIBUTE_MODE) | reads(CNN_ATTRIBUTE_VALUE), error)
    cdef const Attribute *padding = attribute(g, node, CNN_ATTRIBUTE_PADDING)
    cdef int64_t mode = attribute_integer(g, node, CNN_ATTRIBUTE_MODE, PAD_CONSTANT), side
    cdef size_t axes = <size_t>x.rank - 2, size, i
    if status == CNN_OK:
        status = image_shape(g, node, x, "Pad", 0, error)
    if status != CNN_OK:
        return status
    if mode < PAD_CONSTANT or mode > PAD_REPLICATE:
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: mode is %l; 0 is constant, 1 reflect, 2 replicate", node_name(g, node), mode)
    if padding == NULL or (padding.count != 1 and padding.count != 2 * axes):
        return cnn_fail(error, CNN_E_SHAPE, "%s: padding has %z numbers; an input of shape %D takes %z, two for each axis behind the channels, or one for all",
                        node_name(g, node), padding.count if padding != NULL else <size_t>0, <size_t>x.rank, x.dims, 2 * axes)
    y[0] = x[0]
    for i in range(2 * axes):
        side = list_at(g, padding, i if padding.count > 1 else 0, 0)
        size = x.dims[2 + i // 2]
        if side < 0:
            return cnn_fail(error, CNN_E_ARGUMENT, "%s: padding is %l; it must not be negative", node_name(g, node), side)
        if size == OPEN:
            continue
        if mode == PAD_REFLECT and <uint64_t>side >= size:
            return cnn_fail(error, CNN_E_SHAPE, "%s: padding by %l reflected pixels needs more than that in the image, which has %z%s", node_name(g, node),
                            side, size, hint_last(x))
        if not cnn_size_add(y.dims[2 + i // 2], <size_t>side, &y.dims[2 + i // 2]):
            return too_large(g, node, x, error)
    return CNN_OK

cdef int pad_layout(const OpPlan *p) noexcept nogil:
    return LAYOUT_SAME

cdef void pad_plan(OpPlan *p) noexcept nogil:
    cdef const PlanValue *x = &p.values[p.inputs[0]]
    cdef const Attribute *padding = attribute(p.graph, p.node, CNN_ATTRIBUTE_PADDING)
    cdef size_t axes = <size_t>x.rank - 2, i
    p.integer[PAD_HEIGHT] = <int64_t>x.dims[2] if axes == 2 else 1
    p.integer[PAD_WIDTH] = <int64_t>x.dims[x.rank - 1]
    for i in range(2 * axes):
        p.integer[(PAD_TOP if axes == 2 else PAD_LEFT) + i] = list_at(p.graph, padding, i if padding.count > 1 else 0, 0)
    p.integer[PAD_PLANES] = 1 if lies_last(&p.values[p.output]) else <int64_t>x.dims[1]
    p.integer[PAD_ELEMENT] = <int64_t>x.dims[1] if lies_last(&p.values[p.output]) else 1
    p.integer[PAD_MODE] = attribute_integer(p.graph, p.node, CNN_ATTRIBUTE_MODE, PAD_CONSTANT)
    p.number[0] = attribute_number(p.graph, p.node, CNN_ATTRIBUTE_VALUE, 0)
    p.by_rows = ROWS_FORWARD | ROWS_BACKWARD
    p.flops = <double>p.values[p.output].row

cdef inline int64_t pad_source(int64_t i, int64_t size, int64_t mode) noexcept nogil:
    """Where pixel i of an axis comes from, counted from the image's first; -1: from nowhere."""
    if i >= 0 and i < size:
        return i
    if mode == PAD_CONSTANT:
        return -1
    if mode == PAD_REFLECT:
        return -i if i < 0 else 2 * (size - 1) - i
    return 0 if i < 0 else size - 1

cdef cnn_status pad_forward(Op *op, const real *parameters) noexcept nogil:
    cdef const OpPlan *p = op.plan
    cdef int64_t height = p.integer[PAD_HEIGHT], width = p.integer[PAD_WIDTH], mode = p.integer[PAD_MODE], i, j, row, column
    cdef int64_t left = p.integer[PAD_LEFT], right = p.integer[PAD_RIGHT]
    cdef size_t planes = op.run.rows * <size_t>p.integer[PAD_PLANES], element = <size_t>p.integer[PAD_ELEMENT], n, e
    cdef const real *x = op_x(op, 0, parameters)
    cdef const real *source
    cdef real *y = op_y(op, 0, parameters)
    cdef real value = <real>p.number[0]
    for n in range(planes):
        for i in range(-p.integer[PAD_TOP], height + p.integer[PAD_BOTTOM]):
            row = pad_source(i, height, mode)
            for j in range(-left, width + right):
                if j == 0 and row >= 0:
                    memcpy(y, x + <size_t>(row * width) * element, <size_t>width * element * sizeof(real))
                    y += <size_t>width * element
                    continue
                if j > 0 and j < width and row >= 0:
                    continue
                column = pad_source(j, width, mode)
                if row >= 0 and column >= 0:
                    source = x + <size_t>(row * width + column) * element
                    for e in range(element):
                        y[e] = source[e]
                else:
                    for e in range(element):
                        y[e] = value
                y += element
        x += <size_t>(height * width) * element
    return CNN_OK

cdef cnn_status pad_backward(Op *op, const real *parameters, real *gradients) noexcept nogil:
    """Each pixel's gradient goes to where it came from, in the order of the padded pixels."""
    cdef const OpPlan *p = op.plan
    cdef int64_t height = p.integer[PAD_HEIGHT], width = p.integer[PAD_WIDTH], mode = p.integer[PAD_MODE], i, j, row, column
    cdef int64_t left = p.integer[PAD_LEFT], right = p.integer[PAD_RIGHT]
    cdef size_t planes = op.run.rows * <size_t>p.integer[PAD_PLANES], element = <size_t>p.integer[PAD_ELEMENT], n, e
    cdef const real *dy = op_dy(op, 0, parameters)
    cdef real *dx = op_dx(op, 0, parameters)
    cdef real *to
    if dx == NULL:
        return CNN_OK
    if not op.add[0]:
        memset(dx, 0, op.run.rows * op_row(op, 0) * sizeof(real))
    for n in range(planes):
        for i in range(-p.integer[PAD_TOP], height + p.integer[PAD_BOTTOM]):
            row = pad_source(i, height, mode)
            if row < 0:
                dy += <size_t>(left + width + right) * element
                continue
            for j in range(-left, width + right):
                if j == 0:
                    k_add(op.run.kernels, <size_t>width * element, dy, dx + <size_t>(row * width) * element)
                    dy += <size_t>width * element
                if j >= 0 and j < width:
                    continue
                column = pad_source(j, width, mode)
                if column >= 0:
                    to = dx + <size_t>(row * width + column) * element
                    for e in range(element):
                        to[e] += dy[e]
                dy += element
        dx += <size_t>(height * width) * element
    return CNN_OK
