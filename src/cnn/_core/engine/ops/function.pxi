# A layer of the caller's own: op.function's hooks, with contiguous arrays. It sees whole batches (the rows may depend on each other).
# block_names "a,b" and block_shapes (rank, sizes..., rank, sizes...) are its parameters; shape is a sample of its output, -1 for the size
# that the first input has in that place, and without a shape the output is like the first input. function: the name it is registered by.

cdef enum:
    MAX_FUNCTION_INPUTS = 16
    MAX_BLOCK_NAME = 64

cdef cnn_status function_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, cnn_error *error) noexcept nogil:
    cdef uint64_t keys = (reads(CNN_ATTRIBUTE_SHAPE) | reads(CNN_ATTRIBUTE_FUNCTION) | reads(CNN_ATTRIBUTE_BLOCK_NAMES)
                          | reads(CNN_ATTRIBUTE_BLOCK_SHAPES) | reads(CNN_ATTRIBUTE_INIT) | reads(CNN_ATTRIBUTE_L1) | reads(CNN_ATTRIBUTE_L2)
                          | reads(CNN_ATTRIBUTE_MAX_NORM))
    cdef cnn_status status = op_takes(g, node, "Function", 1, MAX_FUNCTION_INPUTS, keys, error)
    cdef const Attribute *shape = attribute(g, node, CNN_ATTRIBUTE_SHAPE)
    cdef size_t i
    cdef int64_t size
    if status != CNN_OK:
        return status
    y[0] = x[0]
    y.dtype = CNN_FLOAT32
    if shape == NULL:
        return CNN_OK
    if shape.count >= MAX_RANK:
        return cnn_fail(error, CNN_E_SHAPE, "%s: a sample of %z dimensions; %d is the most", node_name(g, node), shape.count, <int>MAX_RANK - 1)
    y.rank = <int32_t>shape.count + 1
    for i in range(1, shape.count + 1):
        size = g.ints[shape.first + i - 1]
        if size < 1 and not (size == -1 and i < <size_t>x.rank):
            return cnn_fail(error, CNN_E_SHAPE, "%s: size %z of its output is %l; a size is at least 1, or -1 where the input, %D, has one too",
                            node_name(g, node), i - 1, size, <size_t>x.rank, x.dims)
        y.dims[i] = x.dims[i] if size == -1 else <size_t>size
    return CNN_OK

cdef cnn_status function_blocks(Graph *g, int32_t index, const PlanValue *x, const PlanValue *y, cnn_error *error) noexcept nogil:
    cdef const Node *node = &g.nodes[index]
    cdef int32_t made
    cdef const Attribute *names = attribute(g, node, CNN_ATTRIBUTE_BLOCK_NAMES)
    cdef const Attribute *shapes = attribute(g, node, CNN_ATTRIBUTE_BLOCK_SHAPES)
    cdef int32_t init = <int32_t>attribute_integer(g, node, CNN_ATTRIBUTE_INIT, CNN_INIT_ZEROS)
    cdef char name[MAX_BLOCK_NAME]  # a copy: adding a block may move the graph's text
    cdef size_t dims[MAX_RANK]
    cdef size_t at = 0, place = 0, length, rank, fan_in, i
    cdef const int64_t *sizes
    if names == NULL and shapes == NULL:
        return CNN_OK
    if names == NULL or shapes == NULL:
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: block_names and block_shapes go together", node_name(g, node))
    if init < CNN_INIT_DEFAULT or init >= CNN_INIT_END:
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: init is %d, which is not known", node_name(g, node), init)
    while g.text[names.text + at]:
        length = 0
        while g.text[names.text + at] and g.text[names.text + at] != 44 and length < MAX_BLOCK_NAME - 1:  # ","
            name[length] = g.text[names.text + at]
            length += 1
            at += 1
        name[length] = 0
        if length == 0 or (g.text[names.text + at] and g.text[names.text + at] != 44):
            return cnn_fail(error, CNN_E_ARGUMENT, "%s: the names of parameters are 1 to 63 bytes long, not '%s'", node_name(g, node), name)
        for i in range(<size_t>node.n_blocks):
            if strcmp(g.text + g.blocks[g.links[node.blocks + i]].name + strlen(node_name(g, node)) + 1, name) == 0:
                return cnn_fail(error, CNN_E_ARGUMENT, "%s: two of its parameters are called '%s'", node_name(g, node), name)
        if g.text[names.text + at] == 44:
            at += 1
            if g.text[names.text + at] == 0:
                return cnn_fail(error, CNN_E_ARGUMENT, "%s: block_names ends in a comma", node_name(g, node))
        sizes = g.ints + shapes.first + place
        rank = <size_t>sizes[0] if place < shapes.count and sizes[0] >= 0 and sizes[0] <= MAX_RANK else NONE
        if rank == NONE or shapes.count - place - 1 < rank:
            return cnn_fail(error, CNN_E_ARGUMENT, "%s: block_shapes does not give the rank (up to 8) and the sizes of '%s'",
                            node_name(g, node), name)
        for i in range(rank):
            if sizes[i + 1] < 1:
                return cnn_fail(error, CNN_E_SHAPE, "%s.%s: size %z is %l; it must be at least 1", node_name(g, node), name, i, sizes[i + 1])
            dims[i] = <size_t>sizes[i + 1]
        place += 1 + rank
        fan_in = 1  # as of a weight (out, in, ...)
        for i in range(1, rank):
            if not cnn_size_mul(fan_in, dims[i], &fan_in):
                return cnn_fail(error, CNN_E_SHAPE, "%s.%s: parameters of the shape %D do not fit in memory",
                                node_name(g, node), name, rank, dims)
        made = graph_add_block(g, index, name, CNN_BLOCK_WEIGHT, <int32_t>rank, dims, init, 0.0, fan_in, dims[0] if rank else 1, error)
        if made < 0:
            return <cnn_status>-made
    if place != shapes.count:
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: block_shapes has more shapes than block_names has names", node_name(g, node))
    return CNN_OK

cdef void function_plan(OpPlan *p) noexcept nogil:
    """Scratch: the hook writes gradients, so those to be added to are written there first."""
    cdef size_t item = item_bytes(p.graph, CNN_FLOAT32), i
    p.couples = 1
    p.keeps_input = 1
    p.keeps_output = 1
    if p.training:
        for i in range(<size_t>p.node.n_inputs):
            p.scratch += (p.rows * p.values[p.inputs[i]].row * item + 63) // 64 * 64
        for i in range(<size_t>p.node.n_blocks):
            p.scratch += (p.graph.blocks[p.graph.links[p.node.blocks + i]].count * item + 63) // 64 * 64

cdef cnn_status function_missing(const Op *op) noexcept nogil:
    cdef const Attribute *a = attribute(op.graph, op.node, CNN_ATTRIBUTE_FUNCTION)
    cdef const char *name = node_name(op.graph, op.node)
    return cnn_fail_at(op.run.error, CNN_E_UNSUPPORTED, op.index, "%s: its function is not here; pass functions={\"%s\": ...} to cnn.load", name,
                       name if a == NULL else op.graph.text + a.text)

cdef void function_value(const Op *op, int32_t value, const void *data, cnn_tensor *out) noexcept nogil:
    cdef const PlanValue *v = &op.values[value]
    out.data = data
    out.dtype = <cnn_dtype>(op.graph.dtype if v.dtype == CNN_FLOAT32 else v.dtype)
    out.rank = v.rank
    memcpy(out.dims, v.dims, sizeof(v.dims))
    out.dims[0] = op.run.rows

cdef void function_block(const Op *op, size_t i, const void *data, cnn_tensor *out) noexcept nogil:
    cdef const Block *b = &op.graph.blocks[op.blocks[i]]
    out.data = data
    out.dtype = <cnn_dtype>op.graph.dtype
    out.rank = b.rank
    memcpy(out.dims, b.dims, sizeof(b.dims))

cdef cnn_status function_forward(Op *op, const real *parameters) noexcept nogil:
    cdef cnn_tensor x[MAX_FUNCTION_INPUTS]
    cdef cnn_tensor w[MAX_BLOCKS]
    cdef cnn_tensor y
    cdef size_t inputs = <size_t>op.node.n_inputs, blocks = <size_t>op.node.n_blocks, i
    if op.function == NULL or op.function.forward == NULL:
        return function_missing(op)
    for i in range(inputs):
        function_value(op, op.inputs[i], op.data[op.inputs[i]], &x[i])
    for i in range(blocks):
        function_block(op, i, op_w(op, i, parameters), &w[i])
    function_value(op, op.output, op.data[op.output], &y)
    return CNN_STOPPED if op.function.forward(op.function.user, op.run.training, inputs, x, blocks, w, &y) else CNN_OK

cdef cnn_status function_backward(Op *op, const real *parameters, real *gradients) noexcept nogil:
    cdef cnn_tensor x[MAX_FUNCTION_INPUTS]
    cdef cnn_tensor dx[MAX_FUNCTION_INPUTS]
    cdef cnn_tensor w[MAX_BLOCKS]
    cdef cnn_tensor dw[MAX_BLOCKS]
    cdef cnn_tensor y
    cdef cnn_tensor dy
    cdef size_t inputs = <size_t>op.node.n_inputs, blocks = <size_t>op.node.n_blocks, count, i
    cdef char *scratch = <char *>op.scratch
    cdef real *to
    if op.function == NULL:
        return function_missing(op)
    if op.function.backward == NULL:
        return cnn_fail_at(op.run.error, CNN_E_UNSUPPORTED, op.index, "%s: its Function has no backward, which gradients need",
                           node_name(op.graph, op.node))
    function_value(op, op.output, op.data[op.output], &y)
    function_value(op, op.output, op.gradient[op.output], &dy)
    for i in range(inputs):
        to = op_dx(op, i, parameters)
        function_value(op, op.inputs[i], op.data[op.inputs[i]], &x[i])
        function_value(op, op.inputs[i], to, &dx[i])
        if to != NULL and op.add[i]:
            dx[i].data = scratch
            scratch += (op.run.rows * op_row(op, i) * sizeof(real) + 63) // 64 * 64
    for i in range(blocks):
        to = op_dw(op, i, gradients)
        function_block(op, i, op_w(op, i, parameters), &w[i])
        function_block(op, i, to, &dw[i])
        if to != NULL and op_dw_adds(op, i):
            dw[i].data = scratch
            scratch += (op.graph.blocks[op.blocks[i]].count * sizeof(real) + 63) // 64 * 64
    if op.function.backward(op.function.user, inputs, x, &y, &dy, blocks, w, dx, dw):
        return CNN_STOPPED
    for i in range(inputs):
        if dx[i].data != NULL and op.add[i]:
            k_add(op.run.kernels, op.run.rows * op_row(op, i), <const real *>dx[i].data, op_dx(op, i, parameters))
    for i in range(blocks):
        if dw[i].data != NULL and op_dw_adds(op, i):
            k_add(op.run.kernels, op.graph.blocks[op.blocks[i]].count, <const real *>dw[i].data, op_dw(op, i, gradients))
    return CNN_OK
