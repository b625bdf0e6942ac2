# y = f(z), element by element; softmax over the features: the last axis, axis 1 of images.

cdef enum:
    ACTIVATION_CHANNELS = 0  # in plan.integer, of softmax: the features, and how many positions lie between one and the next (1 unless images)
    ACTIVATION_POSITIONS = 1
    ACTIVATION_TINY = 16     # numbers of a single row: its definition is quicker than a kernel

cdef cnn_status activation_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, cnn_error *error) noexcept nogil:
    cdef ActivationTable table
    cdef double c[2]
    cdef int32_t kind = <int32_t>attribute_integer(g, node, CNN_ATTRIBUTE_ACTIVATION, -1), n
    if node.n_inputs != 1:
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: Activation takes one input, not %d", node_name(g, node), node.n_inputs)
    if not activation_table(kind, &table):
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: there is no activation of number %d", node_name(g, node), kind)
    if x.dtype != CNN_FLOAT32:
        return cnn_fail(error, CNN_E_DTYPE, "%s: Activation takes floats; put OneHot or Embedding before it for integer codes", node_name(g, node))
    if table.rowwise and x.rank < 2:
        return cnn_fail(error, CNN_E_SHAPE, "%s: %s needs an axis of features; its input has the shape %D", node_name(g, node),
                        activation_name(kind), <size_t>x.rank, x.dims)
    n = activation_constants(kind, c)
    if n < 1 and attribute(g, node, CNN_ATTRIBUTE_ALPHA) != NULL:
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: %s has no constant alpha", node_name(g, node), activation_name(kind))
    if n < 2 and attribute(g, node, CNN_ATTRIBUTE_BETA) != NULL:
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: %s has no constant beta", node_name(g, node), activation_name(kind))
    c[0] = attribute_number(g, node, CNN_ATTRIBUTE_ALPHA, c[0])
    c[1] = attribute_number(g, node, CNN_ATTRIBUTE_BETA, c[1])
    # As float32 holds them, so that a network is valid in both dtypes or in neither.
    if not m_isfinite(<float>c[0]) or not m_isfinite(<float>c[1]):
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: the constants of %s are %g and %g; they must be finite", node_name(g, node),
                        activation_name(kind), c[0], c[1])
    if kind == CNN_LEAKY_RELU and not c[0] >= 0:
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: alpha, the slope of leaky_relu below 0, is %g; it must not be negative",
                        node_name(g, node), c[0])
    if (kind == CNN_ELU or kind == CNN_SOFTPLUS) and not <float>c[0] > 0:
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: alpha of %s is %g; it must be above 0", node_name(g, node), activation_name(kind), c[0])
    y[0] = x[0]
    return CNN_OK

cdef int activation_layout(const OpPlan *p) noexcept nogil:
    cdef int softmax = attribute_integer(p.graph, p.node, CNN_ATTRIBUTE_ACTIVATION, CNN_LINEAR) == CNN_SOFTMAX
    return LAYOUT_PLAIN if softmax and p.values[p.inputs[0]].rank != 4 else LAYOUT_SAME

cdef void activation_plan(OpPlan *p) noexcept nogil:
    cdef const PlanValue *x = &p.values[p.inputs[0]]
    cdef int32_t kind = <int32_t>attribute_integer(p.graph, p.node, CNN_ATTRIBUTE_ACTIVATION, CNN_LINEAR)
    cdef size_t axis = 1 if x.rank == 4 else <size_t>x.rank - 1, i
    cdef size_t positions = 1
    cdef ActivationTable table
    activation_table(kind, &table)
    activation_constants(kind, p.number)
    p.number[0] = attribute_number(p.graph, p.node, CNN_ATTRIBUTE_ALPHA, p.number[0])
    p.number[1] = attribute_number(p.graph, p.node, CNN_ATTRIBUTE_BETA, p.number[1])
    if p.graph.dtype == CNN_FLOAT32:
        p.code[0] = <void *>table.forward_f32  # NULL for softmax, which goes by rows
        p.code[1] = <void *>table.backward_f32
    else:
        p.code[0] = <void *>table.forward_f64
        p.code[1] = <void *>table.backward_f64
    p.in_place = 1
    p.keeps_input = table.keeps_input
    p.keeps_output = table.keeps_output
    p.flops = <double>x.row if kind == CNN_LINEAR or kind == CNN_RELU or kind == CNN_LEAKY_RELU else 8 * <double>x.row
    p.by_rows = ROWS_FORWARD | ROWS_BACKWARD
    p.by_parts = not table.rowwise
    if table.rowwise:
        if not x.last:
            for i in range(axis + 1, <size_t>x.rank):
                positions *= x.dims[i]
        p.integer[ACTIVATION_CHANNELS] = <int64_t>x.dims[axis]
        p.integer[ACTIVATION_POSITIONS] = <int64_t>positions
        if positions > 1:
            p.scratch = 2 * <size_t>SOFTMAX_BLOCK * x.dims[axis] * (sizeof(float) if p.graph.dtype == CNN_FLOAT32 else sizeof(double))

cdef inline size_t activation_elements(const Op *op) noexcept nogil:
    return op_row(op, 0) * (op.run.rows if op.values[op.inputs[0]].batched else 1)

cdef inline const cnn_kernels *activation_kernels(const Op *op, size_t n) noexcept nogil:
    return k_definitions() if op.run.all_rows == 1 and n <= ACTIVATION_TINY else op.run.kernels

cdef void activation_part(const Op *op, const real *tag, size_t first, size_t n) noexcept nogil:
    cdef const cnn_kernels *k = activation_kernels(op, activation_elements(op))
    cdef real c[2]
    c[0] = <real>op.plan.number[0]
    c[1] = <real>op.plan.number[1]
    if real is float:
        (<activation_forward_f32>op.plan.code[0])(k, n, op_x(op, 0, tag) + first, op_y(op, 0, tag) + first, c)
    else:
        (<activation_forward_f64>op.plan.code[0])(k, n, op_x(op, 0, tag) + first, op_y(op, 0, tag) + first, c)

cdef cnn_status activation_forward(Op *op, const real *parameters) noexcept nogil:
    cdef size_t n = activation_elements(op)
    cdef size_t channels = <size_t>op.plan.integer[ACTIVATION_CHANNELS], positions = <size_t>op.plan.integer[ACTIVATION_POSITIONS]
    cdef const real *z = op_x(op, 0, parameters)
    cdef real *y = op_y(op, 0, parameters)
    cdef const cnn_kernels *k = activation_kernels(op, n)
    if op.plan.code[0] != NULL:
        activation_part(op, parameters, 0, n)
    elif positions == 1:
        softmax_forward(k, n // channels, channels, z, y)
    else:
        softmax_channels_forward(k, n // (channels * positions), channels, positions, z, y, <real *>op.scratch)
    return CNN_OK

cdef cnn_status activation_backward(Op *op, const real *parameters, real *gradients) noexcept nogil:
    cdef size_t n = activation_elements(op)
    cdef size_t channels = <size_t>op.plan.integer[ACTIVATION_CHANNELS], positions = <size_t>op.plan.integer[ACTIVATION_POSITIONS]
    cdef const real *z = op_x(op, 0, parameters)
    cdef const real *y = op_y(op, 0, parameters)
    cdef const real *dy = op_dy(op, 0, parameters)
    cdef real *dz = op_dx(op, 0, parameters)
    cdef const cnn_kernels *k = activation_kernels(op, n)
    cdef real c[2]
    if dz == NULL:
        return CNN_OK
    c[0] = <real>op.plan.number[0]
    c[1] = <real>op.plan.number[1]
    if op.plan.code[1] != NULL:
        if real is float:
            (<activation_backward_f32>op.plan.code[1])(k, n, dy, z, y, dz, c, op.add[0])
        else:
            (<activation_backward_f64>op.plan.code[1])(k, n, dy, z, y, dz, c, op.add[0])
    elif positions == 1:
        softmax_backward(k, n // channels, channels, dy, y, dz, op.add[0])
    else:
        softmax_channels_backward(k, n // (channels * positions), channels, positions, dy, y, dz, op.add[0], <real *>op.scratch)
    return CNN_OK
