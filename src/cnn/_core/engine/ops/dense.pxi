# y = x W' + b; W (units, features), b (units,). Works on the last axis: every leading position of a row is a row of its own.

cdef enum:
    DENSE_WEIGHT = 0
    DENSE_BIAS = 1
    DENSE_TINY = 64        # weights: up to so many a single row is cheaper written out here than handed to kernels
    DENSE_READ = 2         # rows that would take as long as reading the weights for a single one

cdef cnn_status dense_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, cnn_error *error) noexcept nogil:
    cdef int64_t units = attribute_integer(g, node, CNN_ATTRIBUTE_UNITS, 0)
    if node.n_inputs != 1:
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: Dense takes one input, not %d", node_name(g, node), node.n_inputs)
    if x.dtype != CNN_FLOAT32:
        return cnn_fail(error, CNN_E_DTYPE, "%s: Dense takes floats; put OneHot before it for integer codes", node_name(g, node))
    if units < 1:
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: units is %l; it must be at least 1", node_name(g, node), units)
    if x.rank < 2 or x.dims[x.rank - 1] == OPEN:
        return cnn_fail(error, CNN_E_SHAPE, "%s: Dense needs a fixed number of features on the last axis; its input has the shape %D",
                        node_name(g, node), <size_t>x.rank, x.dims)
    y[0] = x[0]
    y.dims[x.rank - 1] = <size_t>units
    return CNN_OK

cdef cnn_status dense_blocks(Graph *g, int32_t index, const PlanValue *x, const PlanValue *y, cnn_error *error) noexcept nogil:
    cdef const Node *node = &g.nodes[index]
    cdef size_t dims[2]
    cdef int32_t init = <int32_t>attribute_integer(g, node, CNN_ATTRIBUTE_INIT, CNN_INIT_DEFAULT)
    cdef int32_t bias_init = <int32_t>attribute_integer(g, node, CNN_ATTRIBUTE_BIAS_INIT, CNN_INIT_ZEROS)
    cdef int bias = attribute_integer(g, node, CNN_ATTRIBUTE_BIAS, 1) != 0
    cdef int32_t made
    dims[0] = y.dims[y.rank - 1]
    dims[1] = x.dims[x.rank - 1]
    made = graph_add_block(g, index, "weight", CNN_BLOCK_WEIGHT, 2, dims, init, 0.0, dims[1], dims[0], error)
    if made >= 0 and bias:
        made = graph_add_block(g, index, "bias", CNN_BLOCK_WEIGHT, 1, dims, bias_init, 0.0, dims[1], dims[0], error)
    return <cnn_status>-made if made < 0 else CNN_OK

cdef void dense_plan(OpPlan *p) noexcept nogil:
    cdef const PlanValue *x = &p.values[p.inputs[0]]
    cdef const PlanValue *y = &p.values[p.output]
    cdef size_t features = x.dims[x.rank - 1], units = y.dims[y.rank - 1], positions = x.row // features
    cdef float *f32 = NULL
    cdef double *f64 = NULL
    p.keeps_input = 1
    p.flops = <double>positions * <double>features * <double>units
    p.integer[0] = <int64_t>features
    p.integer[1] = <int64_t>units
    p.integer[2] = <int64_t>positions
    if p.graph.dtype == CNN_FLOAT32:
        p.scratch = dense_scratch(p, p.rows * positions, f32) * sizeof(float)
    else:
        p.scratch = dense_scratch(p, p.rows * positions, f64) * sizeof(double)
    p.integer[3] = <int64_t>rounded(p.scratch)  # of one member
    if p.team:  # a single row needs none
        p.scratch = rounded(p.scratch) * <size_t>p.members
    if not p.training and p.rows * positions > 1 and units >= DENSE_FEW:
        p.keeps_panels = 1
        p.kept = panels_size(units, features) * item_bytes(p.graph, CNN_FLOAT32)

cdef size_t dense_scratch(const OpPlan *p, size_t m, const real *tag) noexcept nogil:
    """Elements for the largest of the three products with up to m rows; a slice needs no more than the whole."""
    cdef size_t features = <size_t>p.integer[0], units = <size_t>p.integer[1], most, n
    most = k_gemm_scratch(p.kernels, 0, 1, m, units, features, tag)
    if p.training:
        n = k_gemm_scratch(p.kernels, 0, 0, m, features, units, tag)
        most = n if n > most else most
        n = k_gemm_scratch(p.kernels, 1, 0, units, features, m, tag)
        most = n if n > most else most
    return most

cdef extern from *:
    """
    #if defined(__GNUC__) || defined(__clang__)
    #define CNN_STAY_SCALAR() __asm__ volatile("") /* in a loop: a handful of elements is not worth vector code */
    #else
    #define CNN_STAY_SCALAR() ((void)0)
    #endif
    """
    void CNN_STAY_SCALAR() nogil

cdef inline real dense_tiny_unit(size_t features, const real *x, const real *w, const real *b) noexcept nogil:
    cdef size_t j
    cdef real sum_ = b[0] if b != NULL else <real>0
    for j in range(features):
        sum_ += w[j] * x[j]
        CNN_STAY_SCALAR()
    return sum_

cdef inline void dense_tiny_units(size_t features, size_t units, const real *x, const real *w, const real *b, real *y) noexcept nogil:
    cdef size_t i
    for i in range(units):
        y[i] = dense_tiny_unit(features, x, w + i * features, b + i if b != NULL else NULL)
        CNN_STAY_SCALAR()

cdef void dense_tiny_forward(size_t features, size_t units, const real *x, const real *w, const real *b, real *y) noexcept nogil:
    """Of few features the compiler knows how many."""
    if features == 1:
        dense_tiny_units(1, units, x, w, b, y)
    elif features == 2:
        dense_tiny_units(2, units, x, w, b, y)
    elif features == 3:
        dense_tiny_units(3, units, x, w, b, y)
    elif features == 4:
        dense_tiny_units(4, units, x, w, b, y)
    else:
        dense_tiny_units(features, units, x, w, b, y)

cdef inline void dense_tiny_backward(size_t features, size_t units, const real *x, const real *w, const real *dy, real *dw, int dw_adds,
                                     real *db, int db_adds, real *dx, int dx_adds) noexcept nogil:
    cdef size_t i, j
    cdef real g
    for i in range(units):
        g = dy[i]
        if dw != NULL:
            for j in range(features):
                dw[i * features + j] = dw[i * features + j] + g * x[j] if dw_adds else g * x[j]
                CNN_STAY_SCALAR()
        if db != NULL:
            db[i] = db[i] + g if db_adds else g
        if dx != NULL:
            for j in range(features):
                dx[j] = dx[j] + g * w[i * features + j] if dx_adds or i else g * w[i * features + j]
                CNN_STAY_SCALAR()

# ---- Parts for threads: slices of units, of dx slices of features; where these are few, of the product's other axis. Each output is one
# chain whatever the slice, so the bits are the same.

cdef enum:
    DENSE_FEW = 16         # columns of a product that are not worth dividing

cdef struct DenseWork:
    const Op *op
    const void *parameters
    void *gradients
    int across             # the other axis is divided
    size_t n, width        # all of the axis, and a slice

cdef struct DenseCut:      # a slice: n columns from `first`, and of the other axis so many from `other`
    size_t first, n, other, others

cdef inline real *dense_scratch_of(const Op *op, int32_t member, const real *tag) noexcept nogil:
    return <real *>(<char *>op.scratch + <size_t>member * (<size_t>op.plan.integer[3] if op.plan.team else op.run.apart))

cdef inline int dense_panels(const Op *op) noexcept nogil:
    return op.run.panels and op.plan.keeps_panels

cdef void dense_forward_part(const Op *op, const real *parameters, size_t row, size_t rows, size_t first, size_t n, int32_t member) noexcept nogil:
    """Some units of some rows."""
    cdef size_t features = <size_t>op.plan.integer[0], units = <size_t>op.plan.integer[1]
    cdef const real *x = op_x(op, 0, parameters) + row * features
    cdef const real *w = op_w(op, DENSE_WEIGHT, parameters) + first * features
    cdef real *y = op_y(op, 0, parameters) + row * units + first
    cdef const cnn_kernels *k = op.run.kernels
    cdef const real *b = op_w(op, DENSE_BIAS, parameters) + first if op.node.n_blocks > 1 else NULL
    if op.run.all_rows == 1 and rows == 1:
        k_gemv(k, n, features, w, features, x, y, 0)
        if b != NULL:
            k_add(k, n, b, y)
    elif dense_panels(op):
        panels_product(k, rows, first, n, features, x, <const real *>op.kept, b, y, units)
    else:
        k_gemm(k, 0, 1, rows, n, features, x, features, w, features, y, units, 0, b, dense_scratch_of(op, member, parameters))

cdef void dense_weights_part(const Op *op, const real *parameters, real *gradients, size_t first, size_t n, size_t feature, size_t width,
                             int32_t member) noexcept nogil:
    """dw of some units by some features, and with the first feature their db."""
    cdef size_t features = <size_t>op.plan.integer[0], units = <size_t>op.plan.integer[1], m = op.run.rows * <size_t>op.plan.integer[2]
    cdef const real *dy = op_dy(op, 0, parameters) + first
    cdef real *dw = op_dw(op, DENSE_WEIGHT, gradients)
    cdef real *db = op_dw(op, DENSE_BIAS, gradients) if op.node.n_blocks > 1 else NULL
    cdef const cnn_kernels *k = op.run.kernels
    if dw != NULL:
        k_gemm(k, 1, 0, n, width, m, dy, units, op_x(op, 0, parameters) + feature, features, dw + first * features + feature, features,
               op_dw_adds(op, DENSE_WEIGHT), <const real *>NULL, dense_scratch_of(op, member, parameters))
    if db != NULL and feature == 0:
        if not op_dw_adds(op, DENSE_BIAS):
            memset(db + first, 0, n * sizeof(real))
        k_sum_rows(k, m, n, dy, units, db + first)

cdef void dense_input_part(const Op *op, const real *parameters, size_t row, size_t rows, size_t first, size_t n, int32_t member) noexcept nogil:
    """dx of some features of some rows."""
    cdef size_t features = <size_t>op.plan.integer[0], units = <size_t>op.plan.integer[1]
    cdef const real *w = op_w(op, DENSE_WEIGHT, parameters) + first
    cdef const real *dy = op_dy(op, 0, parameters) + row * units
    cdef real *dx = op_dx(op, 0, parameters) + row * features + first
    cdef const cnn_kernels *k = op.run.kernels
    if op.run.all_rows == 1 and rows == 1:
        k_gemv_t(k, units, n, w, features, dy, dx, op.add[0])
    else:
        k_gemm(k, 0, 0, rows, n, units, dy, units, w, features, dx, features, op.add[0], <const real *>NULL, dense_scratch_of(op, member, parameters))

cdef inline DenseCut dense_cut(const DenseWork *c, size_t index, size_t columns, size_t others) noexcept nogil:
    """Slice `index` of a product of so many columns."""
    cdef DenseCut p
    cdef size_t first = index * c.width, n = c.n - first if c.n - first < c.width else c.width
    p.first = 0 if c.across else first
    p.n = columns if c.across else n
    p.other = first if c.across else 0
    p.others = n if c.across else others
    return p

cdef void dense_forward_slice(void *arg, size_t index, int32_t member) noexcept nogil:
    cdef const DenseWork *c = <const DenseWork *>arg
    cdef DenseCut p = dense_cut(c, index, <size_t>c.op.plan.integer[1], c.op.run.rows * <size_t>c.op.plan.integer[2])
    if c.op.graph.dtype == CNN_FLOAT32:
        dense_forward_part(c.op, <const float *>c.parameters, p.other, p.others, p.first, p.n, member)
    else:
        dense_forward_part(c.op, <const double *>c.parameters, p.other, p.others, p.first, p.n, member)

cdef void dense_weights_slice(void *arg, size_t index, int32_t member) noexcept nogil:
    cdef const DenseWork *c = <const DenseWork *>arg
    cdef DenseCut p = dense_cut(c, index, <size_t>c.op.plan.integer[1], <size_t>c.op.plan.integer[0])
    if c.op.graph.dtype == CNN_FLOAT32:
        dense_weights_part(c.op, <const float *>c.parameters, <float *>c.gradients, p.first, p.n, p.other, p.others, member)
    else:
        dense_weights_part(c.op, <const double *>c.parameters, <double *>c.gradients, p.first, p.n, p.other, p.others, member)

cdef void dense_input_slice(void *arg, size_t index, int32_t member) noexcept nogil:
    cdef const DenseWork *c = <const DenseWork *>arg
    cdef DenseCut p = dense_cut(c, index, <size_t>c.op.plan.integer[0], c.op.run.rows * <size_t>c.op.plan.integer[2])
    if c.op.graph.dtype == CNN_FLOAT32:
        dense_input_part(c.op, <const float *>c.parameters, p.other, p.others, p.first, p.n, member)
    else:
        dense_input_part(c.op, <const double *>c.parameters, p.other, p.others, p.first, p.n, member)

cdef inline const cnn_executor *dense_team(const Op *op) noexcept nogil:
    return op.run.team if op.run.team != NULL else op.run.few

cdef inline size_t dense_divide(DenseWork *work, double flops, size_t columns, size_t others) noexcept nogil:
    """Which axis of a product is divided, and how many slices that makes."""
    work.across = columns < DENSE_FEW and columns < others
    work.n = others if work.across else columns
    work.width = slice_width(work.op, dense_team(work.op), flops, work.n)
    if dense_panels(work.op):
        work.width = panel_lines(work.width)
    return 1 if work.width >= work.n else (work.n + work.width - 1) // work.width

cdef inline size_t dense_divide_rows(DenseWork *work, double flops, size_t rows) noexcept nogil:
    work.across = 1
    work.n = rows
    work.width = slice_count(work.op, dense_team(work.op), flops)
    work.width = (rows + work.width - 1) // work.width
    return (rows + work.width - 1) // work.width

cdef void dense_keep(Op *op, const real *parameters) noexcept nogil:
    panels_make(op, <size_t>op.plan.integer[1], <size_t>op.plan.integer[0], op_w(op, DENSE_WEIGHT, parameters), <real *>op.kept)

cdef cnn_status dense_forward(Op *op, const real *parameters) noexcept nogil:
    cdef size_t features = <size_t>op.plan.integer[0], units = <size_t>op.plan.integer[1], m = op.run.rows * <size_t>op.plan.integer[2], slices
    cdef DenseWork work
    if op.run.all_rows == 1 and m == 1 and features * units <= DENSE_TINY:
        dense_tiny_forward(features, units, op_x(op, 0, parameters), op_w(op, DENSE_WEIGHT, parameters),
                           op_w(op, DENSE_BIAS, parameters) if op.node.n_blocks > 1 else NULL, op_y(op, 0, parameters))
        return CNN_OK
    work.op = op
    work.parameters = parameters
    if dense_panels(op) and m >= PANEL_ROWS:
        slices = dense_divide_rows(&work, <double>m * <double>features * <double>units, m)
    else:
        slices = dense_divide(&work, (<double>m if m > 1 else DENSE_READ) * <double>features * <double>units, units, m)
    if slices == 1:
        dense_forward_part(op, parameters, 0, m, 0, units, 0)
    else:
        cnn_parallel_for(dense_team(op), slices, dense_forward_slice, &work)
    return CNN_OK

cdef cnn_status dense_backward(Op *op, const real *parameters, real *gradients) noexcept nogil:
    cdef size_t features = <size_t>op.plan.integer[0], units = <size_t>op.plan.integer[1], m = op.run.rows * <size_t>op.plan.integer[2], slices
    cdef double flops = <double>m * <double>features * <double>units
    cdef real *dw = op_dw(op, DENSE_WEIGHT, gradients)
    cdef real *db = op_dw(op, DENSE_BIAS, gradients) if op.node.n_blocks > 1 else NULL
    cdef real *dx = op_dx(op, 0, parameters)
    cdef DenseWork work
    if op.run.all_rows == 1 and m == 1 and features * units <= DENSE_TINY:
        dense_tiny_backward(features, units, op_x(op, 0, parameters), op_w(op, DENSE_WEIGHT, parameters), op_dy(op, 0, parameters), dw,
                            op_dw_adds(op, DENSE_WEIGHT), db, op_dw_adds(op, DENSE_BIAS), dx, op.add[0])
        return CNN_OK
    work.op = op
    work.parameters = parameters
    work.gradients = gradients
    slices = dense_divide(&work, flops, units, features)
    if slices == 1:
        dense_weights_part(op, parameters, gradients, 0, units, 0, features, 0)
    else:
        cnn_parallel_for(dense_team(op), slices, dense_weights_slice, &work)
    if dx == NULL:
        return CNN_OK
    slices = dense_divide(&work, flops, features, m)
    if slices == 1:
        dense_input_part(op, parameters, 0, m, 0, features, 0)
    else:
        cnn_parallel_for(dense_team(op), slices, dense_input_slice, &work)
    return CNN_OK
