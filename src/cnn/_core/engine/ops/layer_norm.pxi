# y = (x - mean) / sqrt(var + eps) weight + bias, mean and (biased) variance of each row: over the last axis, of (n, ..., features), and over
# (channels, height, width) of images; weight and bias have the shape of what is normalized. Ba, Kiros & Hinton 2016.

cdef enum:
    LAYER_NORM_ROWS = 64   # that are worked on while they lie in the first cache, at most,
    LAYER_NORM_CHUNK = 4096    # and so many numbers, or one row

cdef size_t layer_norm_axes(const PlanValue *x) noexcept nogil:
    """The first axis that is normalized over."""
    return 1 if x.rank == 4 else <size_t>x.rank - 1

cdef cnn_status layer_norm_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, cnn_error *error) noexcept nogil:
    cdef cnn_status status = norm_shape(g, node, x, y, "LayerNorm", 0, error)
    cdef size_t first, n = 0
    if status != CNN_OK:
        return status
    first = layer_norm_axes(x)
    if not sizes_product(<size_t>x.rank - first, x.dims + first, &n) or n == OPEN:
        return cnn_fail(error, CNN_E_SHAPE, "%s: LayerNorm needs fixed sizes, a weight for each number that it normalizes; its input has the shape %D",
                        node_name(g, node), <size_t>x.rank, x.dims)
    if n == 1:
        return cnn_fail(error, CNN_E_SHAPE, "%s: LayerNorm over one number always gives 0; its input has the shape %D", node_name(g, node),
                        <size_t>x.rank, x.dims)
    return CNN_OK

cdef cnn_status layer_norm_blocks(Graph *g, int32_t index, const PlanValue *x, const PlanValue *y, cnn_error *error) noexcept nogil:
    cdef size_t first = layer_norm_axes(x)
    cdef int32_t made = norm_parameters(g, index, x.rank - <int32_t>first, x.dims + first, error)
    return <cnn_status>-made if made < 0 else CNN_OK

cdef void layer_norm_plan(OpPlan *p) noexcept nogil:
    cdef const PlanValue *x = &p.values[p.inputs[0]]
    cdef size_t first = layer_norm_axes(x), n = 1, i
    for i in range(first, <size_t>x.rank):
        n *= x.dims[i]
    p.number[0] = attribute_number(p.graph, p.node, CNN_ATTRIBUTE_EPS, 1e-5)
    p.integer[0] = <int64_t>n
    p.in_place = p.keeps_input = 1
    p.by_rows = ROWS_FORWARD
    p.flops = 4 * <double>x.row
    if p.training:
        p.saved = p.rows * (x.row // n) * 3 * real_bytes(p.graph)

cdef cnn_status layer_norm_forward(Op *op, const real *parameters) noexcept nogil:
    cdef size_t n = <size_t>op.plan.integer[0], rows = op.run.rows * (op_row(op, 0) // n), some = LAYER_NORM_CHUNK // n, first, m, i
    cdef double[2 * LAYER_NORM_ROWS] sums
    cdef real[3 * LAYER_NORM_ROWS] unsaved
    cdef real *each = unsaved
    cdef const real *x = op_x(op, 0, parameters)
    cdef real *y = op_y(op, 0, parameters)
    some = 1 if some < 1 else some if some < LAYER_NORM_ROWS else LAYER_NORM_ROWS
    first = 0
    while first < rows:
        m = rows - first if rows - first < some else some
        if op.plan.saved:
            each = <real *>op.saved + 3 * first
        k_row_moments(op.run.kernels, m, n, x + first * n, sums)
        for i in range(m):
            norm_each(<double>n, sums[2 * i], sums[2 * i + 1], x[(first + i) * n], op.plan.number[0], each + 3 * i)
        k_row_scale(op.run.kernels, m, n, x + first * n, each, op_w(op, NORM_WEIGHT, parameters), op_w(op, NORM_BIAS, parameters), y + first * n)
        first += m
    return CNN_OK

cdef struct LayerNormWork:
    const Op *op
    const void *parameters
    void *gradients
    size_t width           # columns, or rows, of a slice

cdef void layer_norm_products(const Op *op, real *gradients, size_t column, size_t columns, size_t first, size_t rows, const real *tag) noexcept nogil:
    """dweight and dbias of some columns, from some rows: each goes on with its chain."""
    cdef size_t n = <size_t>op.plan.integer[0]
    cdef real *dw = op_dw(op, NORM_WEIGHT, gradients)
    cdef real *db = op_dw(op, NORM_BIAS, gradients)
    k_row_products(op.run.kernels, rows, columns, op_dy(op, 0, tag) + first * n + column, op_x(op, 0, tag) + first * n + column, n,
                   <const real *>op.saved + 3 * first, dw + column if dw != NULL else NULL, db + column if db != NULL else NULL)

cdef void layer_norm_blend(const Op *op, const real *parameters, size_t first, size_t rows) noexcept nogil:
    """With h = (x - mean) / std and g = dy weight: dx = (g - mean of g - h mean of g h) / std, of rows that fit the stack's arrays."""
    cdef size_t n = <size_t>op.plan.integer[0], i
    cdef double[2 * LAYER_NORM_ROWS] sums
    cdef real[3 * LAYER_NORM_ROWS] blend
    cdef const real *each = <const real *>op.saved + 3 * first
    cdef const real *w = op_w(op, NORM_WEIGHT, parameters)
    cdef const real *x = op_x(op, 0, parameters) + first * n
    cdef const real *dy = op_dy(op, 0, parameters) + first * n
    cdef double q, scale, shift
    k_row_cross(op.run.kernels, rows, n, dy, x, w, each, sums)
    for i in range(rows):
        scale = each[3 * i + 1]
        shift = each[3 * i + 2]
        q = scale * sums[2 * i + 1] + shift * sums[2 * i]
        blend[3 * i] = each[3 * i + 1]
        blend[3 * i + 1] = <real>(-scale / n * q * scale)
        blend[3 * i + 2] = <real>(-scale / n * (sums[2 * i] + q * shift))
    k_row_blend(op.run.kernels, rows, n, dy, x, w, each, blend, op_dx(op, 0, parameters) + first * n, op.add[0])

cdef void layer_norm_rows(const Op *op, const real *parameters, real *gradients, size_t first, size_t end, int products) noexcept nogil:
    """dx of some rows and, where wanted, the products of all columns; a piece at a time."""
    cdef size_t n = <size_t>op.plan.integer[0], some = LAYER_NORM_CHUNK // n, m
    some = 1 if some < 1 else some if some < LAYER_NORM_ROWS else LAYER_NORM_ROWS
    while first < end:
        m = end - first if end - first < some else some
        if products:
            layer_norm_products(op, gradients, 0, n, first, m, parameters)
        if op.gradient[op.inputs[0]] != NULL:
            layer_norm_blend(op, parameters, first, m)
        first += m

cdef void layer_norm_columns_slice(void *arg, size_t index, int32_t member) noexcept nogil:
    cdef LayerNormWork *c = <LayerNormWork *>arg
    cdef size_t n = <size_t>c.op.plan.integer[0], rows = c.op.run.rows * (op_row(c.op, 0) // n), first = index * c.width
    cdef size_t some = n - first if n - first < c.width else c.width
    if c.op.graph.dtype == CNN_FLOAT32:
        layer_norm_products(c.op, <float *>c.gradients, first, some, 0, rows, <const float *>NULL)
    else:
        layer_norm_products(c.op, <double *>c.gradients, first, some, 0, rows, <const double *>NULL)

cdef void layer_norm_rows_slice(void *arg, size_t index, int32_t member) noexcept nogil:
    cdef LayerNormWork *c = <LayerNormWork *>arg
    cdef size_t rows = c.op.run.rows * (op_row(c.op, 0) // <size_t>c.op.plan.integer[0]), first = index * c.width
    cdef size_t end = rows if rows - first < c.width else first + c.width
    if c.op.graph.dtype == CNN_FLOAT32:
        layer_norm_rows(c.op, <const float *>c.parameters, <float *>NULL, first, end, 0)
    else:
        layer_norm_rows(c.op, <const double *>c.parameters, <double *>NULL, first, end, 0)

cdef cnn_status layer_norm_backward(Op *op, const real *parameters, real *gradients) noexcept nogil:
    """dweight = sum dy h and dbias = sum dy over rows: one chain each, from row to row and from tile to tile."""
    cdef size_t n = <size_t>op.plan.integer[0], rows = op.run.rows * (op_row(op, 0) // n), slices
    cdef real *dw = op_dw(op, NORM_WEIGHT, gradients)
    cdef real *db = op_dw(op, NORM_BIAS, gradients)
    cdef int products = dw != NULL or db != NULL
    cdef LayerNormWork work
    if dw != NULL and not op_dw_adds(op, NORM_WEIGHT):
        memset(dw, 0, n * sizeof(real))
    if db != NULL and not op_dw_adds(op, NORM_BIAS):
        memset(db, 0, n * sizeof(real))
    if op.run.team == NULL or <double>op.run.rows * op.plan.flops < 2 * SLICE_WORK:
        layer_norm_rows(op, parameters, gradients, 0, rows, products)
        return CNN_OK
    work.op = op
    work.parameters = parameters
    work.gradients = gradients
    if products:
        work.width = slice_width(op, op.run.team, <double>op.run.rows * op.plan.flops, n)
        cnn_parallel_for(op.run.team, (n + work.width - 1) // work.width, layer_norm_columns_slice, &work)
    if op_dx(op, 0, parameters) != NULL:
        slices = 2 * <size_t>op.plan.members
        work.width = (rows + slices - 1) // slices
        cnn_parallel_for(op.run.team, (rows + work.width - 1) // work.width, layer_norm_rows_slice, &work)
    return CNN_OK
