# y = (x - mean) / std by feature; a NaN first becomes `fill` (itself NaN: none is filled). The features lie along `axis`, by default the
# last, batch counted; shape: (m,) for m features, (1,) for one mean and std of all elements. The blocks are constants, set from outside.

cdef enum:
    NORMALIZE_MEAN = 0
    NORMALIZE_STD = 1
    NORMALIZE_FILL = 2

cdef size_t normalize_features(const Graph *g, const Node *node, const PlanValue *x, size_t axis) noexcept nogil:
    """m; 0 when the shape attribute is no list of one size."""
    cdef const Attribute *shape = attribute(g, node, CNN_ATTRIBUTE_SHAPE)
    if shape == NULL:
        return x.dims[axis]
    return <size_t>g.ints[shape.first] if shape.count == 1 and g.ints[shape.first] > 0 else 0

cdef cnn_status normalize_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, cnn_error *error) noexcept nogil:
    cdef cnn_status status = op_takes(g, node, "Normalize", 1, 1, reads(CNN_ATTRIBUTE_SHAPE) | reads(CNN_ATTRIBUTE_AXIS), error)
    cdef int64_t axis = attribute_integer(g, node, CNN_ATTRIBUTE_AXIS, -1)
    cdef size_t at, m
    if status == CNN_OK:
        status = op_floats(g, node, x, "Normalize", error)
    if status != CNN_OK:
        return status
    if not real_axis(x, axis, &at):
        return cnn_fail(error, CNN_E_SHAPE, "%s: axis is %l; an input of shape %D has no such axis of features", node_name(g, node), axis,
                        <size_t>x.rank, x.dims)
    m = normalize_features(g, node, x, at)
    if m == 0:
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: shape is the number of features, one size of at least 1", node_name(g, node))
    if x.dims[at] == OPEN and m != 1:
        return cnn_fail(error, CNN_E_SHAPE, "%s: Normalize needs a fixed number of features on axis %l; its input has the shape %D",
                        node_name(g, node), axis, <size_t>x.rank, x.dims)
    if m != 1 and m != x.dims[at]:
        return cnn_fail(error, CNN_E_SHAPE, "%s: means of %z features, but its input of shape %D has %z on axis %l", node_name(g, node), m,
                        <size_t>x.rank, x.dims, x.dims[at], axis)
    y[0] = x[0]
    return CNN_OK

cdef cnn_status normalize_blocks(Graph *g, int32_t index, const PlanValue *x, const PlanValue *y, cnn_error *error) noexcept nogil:
    cdef const Node *node = &g.nodes[index]
    cdef size_t at = 0, m
    cdef int32_t made
    real_axis(x, attribute_integer(g, node, CNN_ATTRIBUTE_AXIS, -1), &at)
    m = normalize_features(g, node, x, at)
    made = graph_add_block(g, index, "mean", CNN_BLOCK_CONSTANT, 1, &m, CNN_INIT_ZEROS, 0.0, m, m, error)
    if made >= 0:
        made = graph_add_block(g, index, "std", CNN_BLOCK_CONSTANT, 1, &m, CNN_INIT_ZEROS, 1.0, m, m, error)
    if made >= 0:
        made = graph_add_block(g, index, "fill", CNN_BLOCK_CONSTANT, 1, &m, CNN_INIT_ZEROS, M_NAN, m, m, error)
    return <cnn_status>-made if made < 0 else CNN_OK

cdef void normalize_plan(OpPlan *p) noexcept nogil:
    cdef const PlanValue *x = &p.values[p.inputs[0]]
    cdef size_t at = 0, inner = 1, m, i
    real_axis(x, attribute_integer(p.graph, p.node, CNN_ATTRIBUTE_AXIS, -1), &at)
    m = normalize_features(p.graph, p.node, x, at)
    if m == 1:
        inner = x.row
    else:
        for i in range(at + 1, <size_t>x.rank):
            inner *= x.dims[i]
    p.integer[0] = <int64_t>m
    p.integer[1] = <int64_t>inner  # elements side by side of one feature
    p.keeps_input = 1  # for where a NaN was
    p.in_place = 1
    p.flops = <double>x.row

cdef cnn_status normalize_forward(Op *op, const real *parameters) noexcept nogil:
    cdef size_t m = <size_t>op.plan.integer[0], inner = <size_t>op.plan.integer[1], groups = op.run.rows * op_row(op, 0) // (m * inner), i, c, e
    cdef const real *mean = op_w(op, NORMALIZE_MEAN, parameters)
    cdef const real *std = op_w(op, NORMALIZE_STD, parameters)
    cdef const real *fill = op_w(op, NORMALIZE_FILL, parameters)
    cdef const real *x = op_x(op, 0, parameters)
    cdef real *y = op_y(op, 0, parameters)
    for i in range(groups):
        if inner == 1:
            for c in range(m):
                y[c] = ((fill[c] if m_isnan(x[c]) else x[c]) - mean[c]) / std[c]
        else:
            for c in range(m):
                for e in range(c * inner, (c + 1) * inner):
                    y[e] = ((fill[c] if m_isnan(x[e]) else x[e]) - mean[c]) / std[c]
        x += m * inner
        y += m * inner
    return CNN_OK

cdef cnn_status normalize_backward(Op *op, const real *parameters, real *gradients) noexcept nogil:
    """dy / std; 0 where a NaN was filled."""
    cdef size_t m = <size_t>op.plan.integer[0], inner = <size_t>op.plan.integer[1], groups = op.run.rows * op_row(op, 0) // (m * inner), i, c, e
    cdef const real *std = op_w(op, NORMALIZE_STD, parameters)
    cdef const real *x = op_x(op, 0, parameters)
    cdef const real *dy = op_dy(op, 0, parameters)
    cdef real *dx = op_dx(op, 0, parameters)
    cdef int add = op.add[0]
    if dx == NULL:
        return CNN_OK
    for i in range(groups):
        for c in range(m):
            for e in range(c * inner, (c + 1) * inner):
                dx[e] = (dx[e] if add else 0) + (0 if m_isnan(x[e]) else dy[e] / std[c])
        x += m * inner
        dy += m * inner
        dx += m * inner
    return CNN_OK
