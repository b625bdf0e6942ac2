# What shape functions ask of every op's inputs and attributes. The sentence names the layer; the graph adds the node's number.

cdef inline uint64_t reads(int32_t key) noexcept nogil:
    """A set of attributes that holds this one."""
    return <uint64_t>1 << key

cdef cnn_status op_takes(const Graph *g, const Node *node, const char *kind, size_t least, size_t most, uint64_t keys,
                         cnn_error *error) noexcept nogil:
    """Checks that a `kind` ("Dropout") has least to most inputs (NONE: any number), and no attributes but keys and any op's own."""
    cdef uint64_t own = reads(CNN_ATTRIBUTE_NAME) | reads(CNN_ATTRIBUTE_SHARE) | reads(CNN_ATTRIBUTE_TRAINABLE) | reads(CNN_ATTRIBUTE_LR_SCALE)
    cdef size_t n = <size_t>node.n_inputs, i
    cdef int32_t key
    if n < least or n > most:
        if least == most:
            return cnn_fail(error, CNN_E_ARGUMENT, "%s: %s takes %z input%s, not %z", node_name(g, node), kind, least, b"" if least == 1 else b"s", n)
        if most == NONE:
            return cnn_fail(error, CNN_E_ARGUMENT, "%s: %s takes at least %z inputs, not %z", node_name(g, node), kind, least, n)
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: %s takes %z to %z inputs, not %z", node_name(g, node), kind, least, most, n)
    for i in range(<size_t>node.n_attributes):
        key = g.attributes[node.attributes + i].key
        if not (keys | own) & reads(key):
            return cnn_fail(error, CNN_E_ARGUMENT, "%s: %s has no attribute '%s'", node_name(g, node), kind, attribute_name(key))
    return CNN_OK

cdef cnn_status op_floats(const Graph *g, const Node *node, const PlanValue *x, const char *kind, cnn_error *error) noexcept nogil:
    cdef size_t i
    for i in range(<size_t>node.n_inputs):
        if x[i].dtype != CNN_FLOAT32:
            return cnn_fail(error, CNN_E_DTYPE, "%s: %s takes floats; put OneHot before it for integer codes", node_name(g, node), kind)
    return CNN_OK

cdef cnn_status same_shapes(const Graph *g, const Node *node, const PlanValue *x, const char *kind, PlanValue *y, cnn_error *error) noexcept nogil:
    """y: the one shape of all inputs, a size that is open in some being that of the others."""
    cdef size_t i, j
    cdef int differ
    y[0] = x[0]
    for i in range(1, <size_t>node.n_inputs):
        differ = x[i].rank != x.rank
        if not differ:
            for j in range(<size_t>x.rank):
                if y.dims[j] == OPEN:
                    y.dims[j] = x[i].dims[j]
                elif x[i].dims[j] != OPEN and x[i].dims[j] != y.dims[j]:
                    differ = 1
        if differ:
            return cnn_fail(error, CNN_E_SHAPE, "%s: %s needs inputs of one shape, not %D and %D", node_name(g, node), kind,
                            <size_t>x.rank, x.dims, <size_t>x[i].rank, x[i].dims)
    return CNN_OK

cdef int sizes_product(size_t n, const size_t *dims, size_t *out) noexcept nogil:
    """*out = their product, OPEN where one is open; 0 when it does not fit."""
    cdef size_t i, product = 1
    cdef int is_open = 0
    for i in range(n):
        if dims[i] == OPEN:
            is_open = 1
        elif not cnn_size_mul(product, dims[i], &product):
            return 0
    out[0] = OPEN if is_open else product
    return 1

cdef cnn_status too_large(const Graph *g, const Node *node, const PlanValue *x, cnn_error *error) noexcept nogil:
    return cnn_fail(error, CNN_E_SHAPE, "%s: its output for an input of shape %D does not fit in memory", node_name(g, node), <size_t>x.rank, x.dims)

cdef int real_axis(const PlanValue *x, int64_t axis, size_t *out) noexcept nogil:
    """*out = the axis, counted from the end when it is negative; 0 when there is no such axis, or it is the batch's."""
    if axis < 0:
        axis += x.rank
    if axis < 1 or axis >= x.rank:
        return 0
    out[0] = <size_t>axis
    return 1

cdef inline size_t item_bytes(const Graph *g, int32_t dtype) noexcept nogil:
    """Of an element of a value; CNN_FLOAT32 stands for the network's own float type."""
    return 8 if dtype == CNN_INT64 or (dtype == CNN_FLOAT32 and g.dtype == CNN_FLOAT64) else 4

cdef inline int lies_last(const PlanValue *v) noexcept nogil:
    """Channels last in memory; one channel, or one position, lies both ways."""
    return v.last or v.dims[1] == 1 or v.row == v.dims[1]

cdef void to_last(const cnn_kernels *k, size_t channels, size_t positions, const real *x, real *y) noexcept nogil:
    """An image (channels, positions) to (positions, channels)."""
    k_transpose(k, channels, positions, x, positions, y, channels)

cdef void to_plain(const cnn_kernels *k, size_t channels, size_t positions, const real *x, real *y) noexcept nogil:
    """An image (positions, channels) to (channels, positions)."""
    to_last(k, positions, channels, x, y)

cdef void pass_gradient(const Op *op, size_t i, size_t n, const real *dy) noexcept nogil:
    """dx (+)= dy for input i."""
    cdef real *dx = op_dx(op, i, dy)
    if dx == NULL:
        return
    if op.add[i]:
        k_add(op.run.kernels, n, dy, dx)
    elif dx != dy:
        memcpy(dx, dy, n * sizeof(real))
