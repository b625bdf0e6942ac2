# What the pools share: windows over an image (n, channels, height, width), or over a signal (n, channels, length), which is an image of
# height 1. The work is done channels last, an image at a time; a plain one goes through scratch. Rows are independent.
#
# PyTorch's rules: output sizes round down, in ceil_mode up, but a window must begin inside the image or the padding before it; padding
# has no part in a maximum. Padding must be smaller than the window, so that every window holds a pixel (PyTorch: at most half of it).

cdef enum:                 # in plan.integer
    WINDOW_HEIGHT = 0      # of the image
    WINDOW_WIDTH = 1
    WINDOW_ROWS = 2        # windows below and beside each other
    WINDOW_COLUMNS = 3
    WINDOW_TALL = 4        # pixels of a window
    WINDOW_WIDE = 5
    WINDOW_DOWN = 6        # from one window to the next
    WINDOW_ACROSS = 7
    WINDOW_TOP = 8         # padding
    WINDOW_BOTTOM = 9
    WINDOW_LEFT = 10
    WINDOW_RIGHT = 11
    WINDOW_COUNTED = 12    # padding counts in the divisor of an average

cdef enum:
    WINDOW_TAPS = 1 << 24  # the number of the largest one is kept as a real
    WINDOW_WORK = 30000    # taps of an image that are worth dividing

cdef struct Window:        # of one axis
    int64_t size, stride, before, behind

cdef inline const char *hint_last(const PlanValue *x) noexcept nogil:
    """What to add to a message about an image whose channels seem to stand last."""
    if x.rank == 4 and x.dims[1] == x.dims[2] and x.dims[3] <= 4 and x.dims[1] > 4:
        return "; channels seem to be last here, and they come first: X.transpose(0, 3, 1, 2)"
    return ""

cdef cnn_status image_shape(const Graph *g, const Node *node, const PlanValue *x, const char *kind, size_t axes, cnn_error *error) noexcept nogil:
    """Checks that the input has floats, and `axes` axes (0: one or two) behind the channels."""
    cdef cnn_status status = op_floats(g, node, x, kind, error)
    cdef size_t behind = <size_t>x.rank - 2
    if status != CNN_OK:
        return status
    if x.rank < 3 or x.rank > 4 or (axes and behind != axes) or x.dims[1] == OPEN:
        return cnn_fail(error, CNN_E_SHAPE, "%s: %s needs %s with a fixed number of channels; its input has the shape %D", node_name(g, node), kind,
                        b"(n, channels, length)" if axes == 1 else
                        b"(n, channels, height, width)" if axes == 2 else b"(n, channels, length) or (n, channels, height, width)",
                        <size_t>x.rank, x.dims)
    return CNN_OK

cdef int64_t list_at(const Graph *g, const Attribute *a, size_t i, int64_t default) noexcept nogil:
    return default if a == NULL or i >= a.count else g.ints[a.first + i]

cdef Window window_axis(const Graph *g, const Node *node, size_t axis, size_t size) noexcept nogil:
    """The window along the axis-th axis behind the channels, which has `size` pixels (OPEN: not known yet)."""
    cdef Window w
    cdef const Attribute *padding = attribute(g, node, CNN_ATTRIBUTE_PADDING)
    cdef int64_t total
    w.size = list_at(g, attribute(g, node, CNN_ATTRIBUTE_KERNEL_SIZE), axis, 1)
    w.stride = list_at(g, attribute(g, node, CNN_ATTRIBUTE_STRIDE), axis, w.size)
    w.before = list_at(g, padding, 2 * axis, 0)
    w.behind = list_at(g, padding, 2 * axis + 1, 0)
    if attribute_integer(g, node, CNN_ATTRIBUTE_SAME, 0) and size != OPEN and w.stride > 0:
        total = (<int64_t>size - 1) // w.stride * w.stride + w.size - <int64_t>size
        w.before = total // 2 if total > 0 else 0
        w.behind = total - w.before if total > 0 else 0
    return w

cdef int64_t window_count(Window w, int64_t size, int ceil_mode) noexcept nogil:
    """How many windows there are along an axis of `size` pixels; 0 where the first is too large."""
    cdef int64_t room = size + w.before + w.behind - w.size, n
    if room < 0:
        return 0
    n = (room + (w.stride - 1 if ceil_mode else 0)) // w.stride + 1
    return n - 1 if ceil_mode and (n - 1) * w.stride >= size + w.before else n

cdef cnn_status window_numbers(const Graph *g, const Node *node, size_t axes, cnn_error *error) noexcept nogil:
    """Checks what the attributes say by themselves."""
    cdef const Attribute *sizes = attribute(g, node, CNN_ATTRIBUTE_KERNEL_SIZE)
    cdef const Attribute *strides = attribute(g, node, CNN_ATTRIBUTE_STRIDE)
    cdef const Attribute *padding = attribute(g, node, CNN_ATTRIBUTE_PADDING)
    cdef int64_t taps = 1
    cdef size_t i
    cdef Window w
    if sizes == NULL or sizes.count != axes or (strides != NULL and strides.count != axes) or (padding != NULL and padding.count != 2 * axes):
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: kernel_size and stride have a number for each axis (%z here), padding two", node_name(g, node), axes)
    if padding != NULL and attribute_integer(g, node, CNN_ATTRIBUTE_SAME, 0):
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: padding is given, and it is to be 'same'; give one of them", node_name(g, node))
    for i in range(axes):
        w = window_axis(g, node, i, OPEN)
        if w.size < 1 or w.stride < 1 or w.size > WINDOW_TAPS or w.stride > WINDOW_TAPS:
            return cnn_fail(error, CNN_E_ARGUMENT, "%s: a window of %l at a stride of %l; both must be at least 1 and at most %d", node_name(g, node),
                            w.size, w.stride, <int>WINDOW_TAPS)
        if w.before < 0 or w.behind < 0 or w.before >= w.size or w.behind >= w.size:
            return cnn_fail(error, CNN_E_ARGUMENT, "%s: padding is %l and %l; it must be at least 0 and smaller than the window, which is %l",
                            node_name(g, node), w.before, w.behind, w.size)
        taps *= w.size
        if taps > WINDOW_TAPS:
            return cnn_fail(error, CNN_E_ARGUMENT, "%s: a window of %l pixels; %d is the most", node_name(g, node), taps, <int>WINDOW_TAPS)
    return CNN_OK

cdef cnn_status window_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, const char *one, const char *two, uint64_t keys,
                             cnn_error *error) noexcept nogil:
    """The shape function of a pool called `one` in one dimension and `two` in two."""
    cdef const Attribute *sizes = attribute(g, node, CNN_ATTRIBUTE_KERNEL_SIZE)
    cdef size_t axes = 1 if sizes != NULL and sizes.count == 1 else 2, i
    cdef const char *kind = one if axes == 1 else two
    cdef int ceil_mode = attribute_integer(g, node, CNN_ATTRIBUTE_CEIL_MODE, 0) != 0
    cdef cnn_status status = op_takes(g, node, kind, 1, 1, keys | reads(CNN_ATTRIBUTE_KERNEL_SIZE) | reads(CNN_ATTRIBUTE_STRIDE) |
                                      reads(CNN_ATTRIBUTE_PADDING) | reads(CNN_ATTRIBUTE_SAME) | reads(CNN_ATTRIBUTE_CEIL_MODE), error)
    cdef Window w
    if status == CNN_OK:
        status = image_shape(g, node, x, kind, axes, error)
    if status == CNN_OK:
        status = window_numbers(g, node, axes, error)
    if status != CNN_OK:
        return status
    y[0] = x[0]
    for i in range(axes):
        w = window_axis(g, node, i, x.dims[2 + i])
        if x.dims[2 + i] == OPEN:
            continue
        y.dims[2 + i] = <size_t>window_count(w, <int64_t>x.dims[2 + i], ceil_mode)
        if y.dims[2 + i] == 0:
            return cnn_fail(error, CNN_E_SHAPE, "%s: the window spans %l pixels of the %s, and the padded image has %l (%l + %z + %l)%s",
                            node_name(g, node), w.size, b"length" if axes == 1 else b"width" if i else b"height",
                            w.before + <int64_t>x.dims[2 + i] + w.behind, w.before, x.dims[2 + i], w.behind, hint_last(x))
    return CNN_OK

cdef cnn_status global_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, const char *one, const char *two, const char *any_,
                             cnn_error *error) noexcept nogil:
    """The same where the window is the whole image. The attribute axis says how many axes that is: -1 one, -2 two."""
    cdef int64_t axis = attribute_integer(g, node, CNN_ATTRIBUTE_AXIS, 0)
    cdef const char *kind = one if axis == -1 else two if axis == -2 else any_
    cdef cnn_status status = op_takes(g, node, kind, 1, 1, reads(CNN_ATTRIBUTE_AXIS) | reads(CNN_ATTRIBUTE_KEEP_DIMS), error)
    cdef size_t i, taps = 1
    if status == CNN_OK and (axis < -2 or axis > 0):
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: axis is %l; it is -1 for signals, -2 for images", node_name(g, node), axis)
    if status == CNN_OK:
        status = image_shape(g, node, x, kind, <size_t>-axis, error)
    if status != CNN_OK:
        return status
    y[0] = x[0]
    for i in range(2, <size_t>x.rank):
        if x.dims[i] != OPEN and not cnn_size_mul(taps, x.dims[i], &taps):
            taps = NONE
        y.dims[i] = 1
    if taps > WINDOW_TAPS:
        return cnn_fail(error, CNN_E_SHAPE, "%s: an image of shape %D has more than %d pixels", node_name(g, node), <size_t>x.rank - 1, x.dims + 1,
                        <int>WINDOW_TAPS)
    if not attribute_integer(g, node, CNN_ATTRIBUTE_KEEP_DIMS, 0):
        y.rank = 2
    return CNN_OK

cdef inline int windows_apart(const OpPlan *p) noexcept nogil:
    return p.integer[WINDOW_DOWN] >= p.integer[WINDOW_TALL] and p.integer[WINDOW_ACROSS] >= p.integer[WINDOW_WIDE]

cdef inline int windows_inside(const OpPlan *p) noexcept nogil:
    return (p.integer[WINDOW_TOP] == 0 and p.integer[WINDOW_LEFT] == 0
            and (p.integer[WINDOW_ROWS] - 1) * p.integer[WINDOW_DOWN] + p.integer[WINDOW_TALL] <= p.integer[WINDOW_HEIGHT]
            and (p.integer[WINDOW_COLUMNS] - 1) * p.integer[WINDOW_ACROSS] + p.integer[WINDOW_WIDE] <= p.integer[WINDOW_WIDTH])

cdef void window_plan(OpPlan *p, int whole, int keeps) noexcept nogil:
    """The plan function of the pools. whole: of the global ones; keeps: which tap won is kept for backward."""
    cdef const PlanValue *x = &p.values[p.inputs[0]]
    cdef const PlanValue *y = &p.values[p.output]
    cdef size_t axes = <size_t>x.rank - 2, item = item_bytes(p.graph, CNN_FLOAT32), i, at
    cdef Window w
    for i in range(2):
        at = i + 2 - axes  # 1D: the width
        if i < axes and whole:
            w = Window(size=<int64_t>x.dims[2 + i], stride=1, before=0, behind=0)
        elif i < axes:
            w = window_axis(p.graph, p.node, i, x.dims[2 + i])
        else:
            w = Window(size=1, stride=1, before=0, behind=0)
            at = 0
        p.integer[WINDOW_HEIGHT + at] = <int64_t>x.dims[2 + i] if i < axes else 1
        p.integer[WINDOW_ROWS + at] = 1 if whole or i >= axes else <int64_t>y.dims[2 + i]
        p.integer[WINDOW_TALL + at] = w.size
        p.integer[WINDOW_DOWN + at] = w.stride
        p.integer[WINDOW_TOP + 2 * at] = w.before
        p.integer[WINDOW_BOTTOM + 2 * at] = w.behind
    p.integer[WINDOW_COUNTED] = attribute_integer(p.graph, p.node, CNN_ATTRIBUTE_COUNT_INCLUDE_PAD, 1)
    p.by_rows = ROWS_FORWARD | ROWS_BACKWARD
    p.flops = <double>y.row * <double>(p.integer[WINDOW_TALL] * p.integer[WINDOW_WIDE])
    if keeps and p.training:
        p.saved = p.rows * y.row * item
        i = <size_t>(p.integer[WINDOW_TALL] * p.integer[WINDOW_WIDE])
        p.gives_picks = i >= 4 and i <= PICKED_TAPS and windows_inside(p) and windows_apart(p)
    if not lies_last(x) or not lies_last(y):
        p.scratch = rounded(x.row * item) + rounded(y.row * item)

# ---- One image: a run of windows a row, but those on the edge, of which a part lies outside, apart. apply: 0 max, 1 its gradient, 2 average,
# 3 its gradient. image: x or dx; out: y or dy.

cdef enum:
    WINDOW_MAX = 0
    WINDOW_MAX_BACKWARD = 1
    WINDOW_MEAN = 2
    WINDOW_MEAN_BACKWARD = 3

cdef inline double window_scale(const OpPlan *p, int64_t top, int64_t left, size_t taps) noexcept nogil:
    """1 / the pixels that an average divides by: of the window as far as the padding goes, or of its part inside the image."""
    cdef int64_t bottom = top + p.integer[WINDOW_TALL], right = left + p.integer[WINDOW_WIDE]
    cdef int64_t last_row = p.integer[WINDOW_HEIGHT] + p.integer[WINDOW_BOTTOM], last_column = p.integer[WINDOW_WIDTH] + p.integer[WINDOW_RIGHT]
    if not p.integer[WINDOW_COUNTED]:
        return 1 / <double>taps
    bottom = bottom if bottom < last_row else last_row
    right = right if right < last_column else last_column
    return 1 / <double>((bottom - top) * (right - left))

cdef inline void window_run(const OpPlan *p, int apply, size_t channels, int64_t i, int64_t j, size_t n, real *image, real *out, real *where,
                            int adds) noexcept nogil:
    """Windows (i, j), (i, j + 1), ..., of which no part lies outside to the left or right unless n is 1."""
    cdef int64_t top = i * p.integer[WINDOW_DOWN] - p.integer[WINDOW_TOP], left = j * p.integer[WINDOW_ACROSS] - p.integer[WINDOW_LEFT]
    cdef int64_t bottom = top + p.integer[WINDOW_TALL], right = left + p.integer[WINDOW_WIDE]
    cdef int64_t first_row = top if top > 0 else 0, first_column = left if left > 0 else 0
    cdef int64_t last_row = bottom if bottom < p.integer[WINDOW_HEIGHT] else p.integer[WINDOW_HEIGHT]
    cdef int64_t last_column = right if right < p.integer[WINDOW_WIDTH] else p.integer[WINDOW_WIDTH]
    cdef size_t tall = <size_t>(last_row - first_row), wide = <size_t>(last_column - first_column)
    cdef size_t ld = <size_t>p.integer[WINDOW_WIDTH] * channels, step = <size_t>p.integer[WINDOW_ACROSS] * channels
    cdef size_t at = <size_t>(i * p.integer[WINDOW_COLUMNS] + j) * channels
    cdef real scale
    image += <size_t>first_row * ld + <size_t>first_column * channels
    out += at
    if where != NULL:
        where += at
    if apply == WINDOW_MAX:
        k_window_max(p.kernels, n, step, tall, wide, ld, channels, image, out, where)
    elif apply == WINDOW_MAX_BACKWARD:
        k_window_max_backward(p.kernels, n, step, tall, wide, ld, channels, out, where, image, adds)
    else:
        scale = <real>window_scale(p, top, left, tall * wide)
        if apply == WINDOW_MEAN:
            k_window_sum(p.kernels, n, step, tall, wide, ld, channels, scale, image, out)
        else:
            k_window_sum_backward(p.kernels, n, step, tall, wide, ld, channels, scale, out, image, adds)

cdef void window_image(const OpPlan *p, int apply, size_t channels, int64_t from_, int64_t end, real *image, real *out, real *where,
                       int adds) noexcept nogil:
    """Of rows from_ .. end - 1 of the windows."""
    cdef int64_t columns = p.integer[WINDOW_COLUMNS], across = p.integer[WINDOW_ACROSS], i, j
    cdef int64_t first = (p.integer[WINDOW_LEFT] + across - 1) // across, behind = 0
    cdef int64_t room = p.integer[WINDOW_WIDTH] + p.integer[WINDOW_LEFT] - p.integer[WINDOW_WIDE]
    if room >= 0:
        behind = room // across + 1
    first = first if first < columns else columns
    behind = behind if behind < columns else columns
    behind = behind if behind > first else first
    for i in range(from_, end):
        for j in range(first):
            window_run(p, apply, channels, i, j, 1, image, out, where, adds)
        if behind > first:
            window_run(p, apply, channels, i, first, <size_t>(behind - first), image, out, where, adds)
        for j in range(behind, columns):
            window_run(p, apply, channels, i, j, 1, image, out, where, adds)

cdef inline int windows_keep(const Op *op, const real *tag) noexcept nogil:
    """Whether which tap won is kept."""
    return op.plan.saved > 0 and (op_dx(op, 0, tag) != NULL or op.plan.picked)

# ---- Plain images, in planes: lanes are neighbouring windows, where these are 2 x 2 and side by side

cdef inline int windows_paired(const OpPlan *p) noexcept nogil:
    return (not lies_last(&p.values[p.inputs[0]]) and p.integer[WINDOW_TALL] == 2 and p.integer[WINDOW_WIDE] == 2
            and p.integer[WINDOW_DOWN] == 2 and p.integer[WINDOW_ACROSS] == 2 and p.integer[WINDOW_TOP] == 0 and p.integer[WINDOW_LEFT] == 0
            and 2 * p.integer[WINDOW_ROWS] <= p.integer[WINDOW_HEIGHT] and 2 * p.integer[WINDOW_COLUMNS] <= p.integer[WINDOW_WIDTH])

cdef void pairs_image(const OpPlan *p, int apply, size_t channels, real *image, real *out, real *where) noexcept nogil:
    cdef size_t rows = <size_t>p.integer[WINDOW_ROWS], n = <size_t>p.integer[WINDOW_COLUMNS], ld = <size_t>p.integer[WINDOW_WIDTH], c
    for c in range(channels):
        if apply == WINDOW_MAX:
            k_pair_max(p.kernels, rows, n, ld, image, out, where)
        elif apply == WINDOW_MAX_BACKWARD:
            k_pair_max_backward(p.kernels, rows, n, ld, out, where, image)
        elif apply == WINDOW_MEAN:
            k_pair_sum(p.kernels, rows, n, ld, <real>0.25, image, out)
        else:
            k_pair_sum_backward(p.kernels, rows, n, ld, <real>0.25, out, image)
        image += ld * <size_t>p.integer[WINDOW_HEIGHT]
        out += rows * n
        if where != NULL:
            where += rows * n

cdef void pairs_forward(Op *op, int apply, const real *tag) noexcept nogil:
    cdef const PlanValue *vx = &op.values[op.inputs[0]]
    cdef const PlanValue *vy = &op.values[op.output]
    cdef const real *x = op_x(op, 0, tag)
    cdef real *y = op_y(op, 0, tag)
    cdef real *where = <real *>op.saved if windows_keep(op, tag) else NULL
    cdef size_t r
    for r in range(op.run.rows):
        pairs_image(op.plan, apply, vx.dims[1], <real *>x + r * vx.row, <real *>op.scratch if lies_last(vy) else y + r * vy.row,
                    where + r * vy.row if where != NULL else NULL)
        if lies_last(vy):
            to_last(op.run.kernels, vx.dims[1], vy.row // vx.dims[1], <const real *>op.scratch, y + r * vy.row)

cdef void pairs_backward(Op *op, int apply, const real *tag) noexcept nogil:
    cdef const OpPlan *p = op.plan
    cdef const PlanValue *vx = &op.values[op.inputs[0]]
    cdef const PlanValue *vy = &op.values[op.output]
    cdef size_t channels = vx.dims[1], r
    cdef const real *dy = op_dy(op, 0, tag)
    cdef const real *given
    cdef real *dx = op_dx(op, 0, tag)
    cdef real *where = <real *>op.saved
    cdef real *image
    for r in range(op.run.rows):
        image = <real *>op.scratch + rounded(vy.row * sizeof(real)) // sizeof(real) if op.add[0] else dx + r * vx.row
        given = dy + r * vy.row
        if not windows_cover(p):
            memset(image, 0, vx.row * sizeof(real))
        if lies_last(vy):
            to_plain(op.run.kernels, channels, vy.row // channels, given, <real *>op.scratch)
            given = <const real *>op.scratch
        pairs_image(p, apply, channels, image, <real *>given, where + r * vy.row if apply == WINDOW_MAX_BACKWARD else NULL)
        if op.add[0]:
            k_add(op.run.kernels, vx.row, image, dx + r * vx.row)

# ---- All rows of a tile

cdef struct WindowsWork:   # an image that threads divide
    const OpPlan *plan
    int apply
    int64_t slice
    void *image
    void *out

cdef void windows_slice(void *arg, size_t index, int32_t member) noexcept nogil:
    cdef const WindowsWork *a = <const WindowsWork *>arg
    cdef size_t channels = a.plan.values[a.plan.output].dims[1]
    cdef int64_t first = <int64_t>index * a.slice, end = first + a.slice
    end = end if end < a.plan.integer[WINDOW_ROWS] else a.plan.integer[WINDOW_ROWS]
    if a.plan.graph.dtype == CNN_FLOAT32:
        window_image(a.plan, a.apply, channels, first, end, <float *>a.image, <float *>a.out, <float *>NULL, 0)
    else:
        window_image(a.plan, a.apply, channels, first, end, <double *>a.image, <double *>a.out, <double *>NULL, 0)

cdef int windows_divided(Op *op, int apply, void *image, void *out) noexcept nogil:
    """Does an image on several threads, where that pays."""
    cdef WindowsWork a
    cdef int64_t members = op.plan.members
    if op.run.team == NULL or op.plan.flops < WINDOW_WORK or op.plan.integer[WINDOW_ROWS] < members:
        return 0
    a.plan = op.plan
    a.apply = apply
    a.slice = (op.plan.integer[WINDOW_ROWS] + members - 1) // members
    a.image = image
    a.out = out
    cnn_parallel_for(op.run.team, <size_t>((op.plan.integer[WINDOW_ROWS] + a.slice - 1) // a.slice), windows_slice, &a)
    return 1

cdef void windows_forward(Op *op, int apply, const real *tag) noexcept nogil:
    cdef const PlanValue *vx = &op.values[op.inputs[0]]
    cdef const PlanValue *vy = &op.values[op.output]
    cdef size_t channels = vx.dims[1], r
    cdef const real *x = op_x(op, 0, tag)
    cdef real *y = op_y(op, 0, tag)
    cdef real *scratch = <real *>op.scratch
    cdef real *made = scratch if lies_last(vx) else scratch + rounded(vx.row * sizeof(real)) // sizeof(real)
    cdef real *where = <real *>op.saved if windows_keep(op, tag) else NULL
    cdef real *image
    cdef real *out
    if windows_paired(op.plan):
        pairs_forward(op, apply, tag)
        return
    for r in range(op.run.rows):
        if not lies_last(vx):
            to_last(op.run.kernels, channels, vx.row // channels, x, scratch)
        image = <real *>x if lies_last(vx) else scratch
        out = y if lies_last(vy) else made
        if where != NULL or not windows_divided(op, apply, image, out):
            window_image(op.plan, apply, channels, 0, op.plan.integer[WINDOW_ROWS], image, out, where, 0)
        if not lies_last(vy):
            to_plain(op.run.kernels, channels, vy.row // channels, made, y)
        x += vx.row
        y += vy.row
        if where != NULL:
            where += vy.row

cdef int windows_cover(const OpPlan *p) noexcept nogil:
    """Whether every pixel is in one window and in no more."""
    return (p.integer[WINDOW_DOWN] == p.integer[WINDOW_TALL] and p.integer[WINDOW_ACROSS] == p.integer[WINDOW_WIDE]
            and p.integer[WINDOW_ROWS] * p.integer[WINDOW_TALL] == p.integer[WINDOW_HEIGHT] and p.integer[WINDOW_TOP] == 0
            and p.integer[WINDOW_COLUMNS] * p.integer[WINDOW_WIDE] == p.integer[WINDOW_WIDTH] and p.integer[WINDOW_LEFT] == 0)

cdef void windows_backward(Op *op, int apply, const real *tag) noexcept nogil:
    cdef const OpPlan *p = op.plan
    cdef const PlanValue *vx = &op.values[op.inputs[0]]
    cdef const PlanValue *vy = &op.values[op.output]
    cdef size_t channels = vx.dims[1], r
    cdef const real *dy = op_dy(op, 0, tag)
    cdef real *dx = op_dx(op, 0, tag)
    cdef real *scratch = <real *>op.scratch
    cdef real *given = scratch if lies_last(vx) else scratch + rounded(vx.row * sizeof(real)) // sizeof(real)
    cdef real *where = <real *>op.saved
    cdef real *image
    cdef int apart = windows_apart(p)
    cdef int covered = windows_cover(p)
    cdef int adds = 1 if op.add[0] and lies_last(vx) else 0
    cdef int more = 0 if apart and not adds else 1
    if dx == NULL:
        return
    if windows_paired(p):
        pairs_backward(op, apply, tag)
        return
    for r in range(op.run.rows):
        image = dx if lies_last(vx) else scratch
        if not adds and not covered:
            memset(image, 0, vx.row * sizeof(real))
        if not lies_last(vy):
            to_last(op.run.kernels, channels, vy.row // channels, dy, given)
        window_image(p, apply, channels, 0, p.integer[WINDOW_ROWS], image, <real *>dy if lies_last(vy) else given, where, more)
        if not lies_last(vx):
            plain_gradient(op.run.kernels, channels, vx.row // channels, image, dx, op.add[0])
        dy += vy.row
        dx += vx.row
        if apply == WINDOW_MAX_BACKWARD:
            where += vy.row

cdef void plain_gradient(const cnn_kernels *k, size_t channels, size_t positions, const real *image, real *dx, int adds) noexcept nogil:
    """dx (+)= the image, which lies channels last."""
    cdef size_t c, i
    if not adds:
        to_plain(k, channels, positions, image, dx)
        return
    for c in range(channels):
        for i in range(positions):
            dx[c * positions + i] += image[i * channels + c]
