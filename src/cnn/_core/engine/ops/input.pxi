# What goes into the network. shape: the sizes of a sample, -1 where one is bound when the network runs; dtype: float32 (or float64) for
# the network's own float type, or int32, int64. The executor puts the data there: nothing runs.

cdef cnn_status input_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, cnn_error *error) noexcept nogil:
    cdef cnn_status status = op_takes(g, node, "Input", 0, 0, reads(CNN_ATTRIBUTE_SHAPE) | reads(CNN_ATTRIBUTE_DTYPE), error)
    cdef const Attribute *shape = attribute(g, node, CNN_ATTRIBUTE_SHAPE)
    cdef int64_t dtype = attribute_integer(g, node, CNN_ATTRIBUTE_DTYPE, CNN_FLOAT32), size
    cdef size_t i
    if status != CNN_OK:
        return status
    if shape == NULL:
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: Input needs a shape, the sizes of one sample", node_name(g, node))
    if shape.count >= MAX_RANK:
        return cnn_fail(error, CNN_E_SHAPE, "%s: a sample of %z dimensions; %d is the most", node_name(g, node), shape.count, <int>MAX_RANK - 1)
    if dtype != CNN_FLOAT32 and dtype != CNN_FLOAT64 and dtype != CNN_INT32 and dtype != CNN_INT64:
        return cnn_fail(error, CNN_E_DTYPE, "%s: an input's dtype is float, int32 or int64 (other data are converted to it)", node_name(g, node))
    y.dtype = CNN_FLOAT32 if dtype == CNN_FLOAT64 else <int32_t>dtype
    y.rank = <int32_t>shape.count + 1
    y.dims[0] = OPEN
    for i in range(shape.count):
        size = g.ints[shape.first + i]
        if size < 1 and size != -1:
            return cnn_fail(error, CNN_E_SHAPE, "%s: size %z of its shape is %l; a size is at least 1, or -1 where it is open",
                            node_name(g, node), i, size)
        y.dims[i + 1] = OPEN if size == -1 else <size_t>size
    return CNN_OK

cdef cnn_status input_forward(Op *op, const real *parameters) noexcept nogil:
    return CNN_OK

cdef cnn_status input_backward(Op *op, const real *parameters, real *gradients) noexcept nogil:
    return CNN_OK
