# Codes to indicator columns. A row is positions of m columns (the last axis; without one, a single column). classes: one number for all
# columns, or one a column, 0 for a column that goes through as it is. Column j with K classes becomes K columns, 1 at the code's place.
# A NaN (a missing value) is all zeros; anything else that is no integer in [0, K) is an error.

cdef size_t one_hot_classes(const Graph *g, const Attribute *classes, size_t column) noexcept nogil:
    return <size_t>g.ints[classes.first + (column if classes.count > 1 else 0)]

cdef cnn_status one_hot_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, cnn_error *error) noexcept nogil:
    cdef cnn_status status = op_takes(g, node, "OneHot", 1, 1, reads(CNN_ATTRIBUTE_CLASSES), error)
    cdef const Attribute *classes = attribute(g, node, CNN_ATTRIBUTE_CLASSES)
    cdef size_t columns, width = 0, each, i
    if status != CNN_OK:
        return status
    if classes == NULL or classes.count == 0:
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: OneHot needs classes, one number or one a column", node_name(g, node))
    for i in range(classes.count):
        if g.ints[classes.first + i] < 0:
            return cnn_fail(error, CNN_E_ARGUMENT, "%s: number %z of classes is %l; it must be at least 1, or 0 for a column as it is",
                            node_name(g, node), i, g.ints[classes.first + i])
    columns = x.dims[x.rank - 1] if x.rank > 1 else 1
    if columns == OPEN:
        return cnn_fail(error, CNN_E_SHAPE, "%s: OneHot needs a fixed number of columns on the last axis; its input has the shape %D",
                        node_name(g, node), <size_t>x.rank, x.dims)
    if classes.count > 1 and classes.count != columns:
        return cnn_fail(error, CNN_E_SHAPE, "%s: classes of %z columns, but its input of shape %D has %z", node_name(g, node), classes.count,
                        <size_t>x.rank, x.dims, columns)
    for i in range(classes.count):
        each = one_hot_classes(g, classes, i)
        if not cnn_size_add(width, each if each else 1, &width):
            return too_large(g, node, x, error)
    if classes.count == 1 and not cnn_size_mul(width, columns, &width):
        return too_large(g, node, x, error)
    y[0] = x[0]
    y.dtype = CNN_FLOAT32
    if x.rank == 1:
        y.rank = 2
    y.dims[y.rank - 1] = width
    return CNN_OK

cdef void one_hot_plan(OpPlan *p) noexcept nogil:
    cdef const PlanValue *x = &p.values[p.inputs[0]]
    cdef const PlanValue *y = &p.values[p.output]
    p.integer[0] = <int64_t>(x.dims[x.rank - 1] if x.rank > 1 else 1)  # columns in,
    p.integer[1] = <int64_t>y.dims[y.rank - 1]                         # and out

cdef cnn_status one_hot_fail(const Op *op, size_t element, double code, size_t classes) noexcept nogil:
    cdef size_t columns = <size_t>op.plan.integer[0], row = op_row(op, 0)
    return cnn_fail_at(op.run.error, CNN_E_VALUE, op.index, "%s: row %z, column %z: %g is not a class; the classes are the integers 0 to %z",
                       node_name(op.graph, op.node), <size_t>op.run.first_row + element // row, element % columns, code, classes - 1)

cdef cnn_status one_hot_forward(Op *op, const real *parameters) noexcept nogil:
    cdef const Attribute *classes = attribute(op.graph, op.node, CNN_ATTRIBUTE_CLASSES)
    cdef size_t columns = <size_t>op.plan.integer[0], n = op.run.rows * op_row(op, 0), e, k
    cdef int32_t dtype = op.values[op.inputs[0]].dtype
    cdef const void *x = op.data[op.inputs[0]]
    cdef real *y = op_y(op, 0, parameters)
    cdef double code  # holds every code that can be a class
    for e in range(n):
        k = one_hot_classes(op.graph, classes, e % columns)
        if dtype == CNN_INT32:
            code = (<const int32_t *>x)[e]
        elif dtype == CNN_INT64:
            code = <double>(<const int64_t *>x)[e]
        else:
            code = (<const real *>x)[e]
        if k == 0:
            y[0] = <real>code
            y += 1
            continue
        memset(y, 0, k * sizeof(real))
        if code == code:
            if not (code >= 0 and code < <double>k and code == <double><size_t>code):
                return one_hot_fail(op, e, code, k)
            y[<size_t>code] = 1
        y += k
    return CNN_OK

cdef cnn_status one_hot_backward(Op *op, const real *parameters, real *gradients) noexcept nogil:
    """A code has no gradient: 0, but for the columns that went through."""
    cdef const Attribute *classes = attribute(op.graph, op.node, CNN_ATTRIBUTE_CLASSES)
    cdef size_t columns = <size_t>op.plan.integer[0], n = op.run.rows * op_row(op, 0), e, k
    cdef const real *dy = op_dy(op, 0, parameters)
    cdef real *dx = op_dx(op, 0, parameters)
    if dx == NULL:
        return CNN_OK
    for e in range(n):
        k = one_hot_classes(op.graph, classes, e % columns)
        if not op.add[0]:
            dx[e] = 0
        if k == 0:
            dx[e] += dy[0]
        dy += k if k else 1
    return CNN_OK
