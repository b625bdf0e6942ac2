# (rows, *shape) in C order: a view. One size of shape may be -1: what is left.

cdef cnn_status reshape_fail(const Graph *g, const Node *node, const PlanValue *x, const PlanValue *y, cnn_error *error) noexcept nogil:
    return cnn_fail(error, CNN_E_SHAPE, "%s: a sample of shape %D cannot be reshaped to %D", node_name(g, node), <size_t>x.rank - 1, x.dims + 1,
                    <size_t>y.rank - 1, y.dims + 1)

cdef cnn_status reshape_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, cnn_error *error) noexcept nogil:
    cdef cnn_status status = op_takes(g, node, "Reshape", 1, 1, reads(CNN_ATTRIBUTE_SHAPE), error)
    cdef const Attribute *shape = attribute(g, node, CNN_ATTRIBUTE_SHAPE)
    cdef size_t given, known = 1, rest = 0, i
    cdef int64_t size
    if status != CNN_OK:
        return status
    if shape == NULL:
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: Reshape needs a shape, the sizes of one sample", node_name(g, node))
    if shape.count >= MAX_RANK:
        return cnn_fail(error, CNN_E_SHAPE, "%s: a sample of %z dimensions; %d is the most", node_name(g, node), shape.count, <int>MAX_RANK - 1)
    if not sizes_product(<size_t>x.rank - 1, x.dims + 1, &given):
        return too_large(g, node, x, error)
    y[0] = x[0]
    y.rank = <int32_t>shape.count + 1
    for i in range(1, shape.count + 1):
        size = g.ints[shape.first + i - 1]
        if size == -1 and rest == 0:
            rest = i
        elif size < 1:
            return cnn_fail(error, CNN_E_SHAPE, "%s: size %z of its shape is %l; a size is at least 1, and one may be -1",
                            node_name(g, node), i - 1, size)
        elif not cnn_size_mul(known, <size_t>size, &known):
            return too_large(g, node, x, error)
        y.dims[i] = OPEN if size == -1 else <size_t>size
    if given == OPEN:  # is checked when it is bound
        return CNN_OK
    if given % known != 0 or (rest == 0 and given != known):
        return reshape_fail(g, node, x, y, error)
    if rest:
        y.dims[rest] = given // known
    return CNN_OK

cdef void reshape_plan(OpPlan *p) noexcept nogil:
    p.view = 1

cdef cnn_status reshape_forward(Op *op, const real *parameters) noexcept nogil:
    return flatten_forward(op, parameters)

cdef cnn_status reshape_backward(Op *op, const real *parameters, real *gradients) noexcept nogil:
    return flatten_backward(op, parameters, gradients)
