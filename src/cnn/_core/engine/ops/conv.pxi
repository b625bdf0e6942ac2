# y = weight . windows of x + bias, of images (rows, channels, height, width) or series (rows, channels, length): a cross-correlation, as
# everywhere; weight (filters, channels / groups, kernel...), bias (filters,).

cdef cnn_status conv_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, cnn_error *error) noexcept nogil:
    cdef const Attribute *kernel = attribute(g, node, CNN_ATTRIBUTE_KERNEL_SIZE)
    cdef const char *kind = b"Conv1D" if kernel != NULL and kernel.count == 1 else b"Conv2D"
    cdef uint64_t keys = (reads(CNN_ATTRIBUTE_FILTERS) | reads(CNN_ATTRIBUTE_KERNEL_SIZE) | reads(CNN_ATTRIBUTE_STRIDE)
                          | reads(CNN_ATTRIBUTE_PADDING) | reads(CNN_ATTRIBUTE_SAME) | reads(CNN_ATTRIBUTE_DILATION) | reads(CNN_ATTRIBUTE_GROUPS)
                          | reads(CNN_ATTRIBUTE_BIAS) | reads(CNN_ATTRIBUTE_INIT) | reads(CNN_ATTRIBUTE_BIAS_INIT) | reads(CNN_ATTRIBUTE_L1)
                          | reads(CNN_ATTRIBUTE_L2) | reads(CNN_ATTRIBUTE_MAX_NORM))
    cdef cnn_status status = op_takes(g, node, kind, 1, 1, keys, error)
    return status if status != CNN_OK else conv_sizes(g, node, x, kind, 0, y, error)

cdef cnn_status conv_blocks(Graph *g, int32_t index, const PlanValue *x, const PlanValue *y, cnn_error *error) noexcept nogil:
    return conv_add_blocks(g, index, x, y, 0, error)

cdef int conv_layout(const OpPlan *p) noexcept nogil:
    cdef Conv c
    conv_describe(p, 0, &c)
    return LAYOUT_TO_PLAIN if c.planes else LAYOUT_ANY if conv_reads_plain(p, &c) else LAYOUT_EITHER

cdef void conv_plan(OpPlan *p) noexcept nogil:
    conv_plan_as(p, 0)

cdef void conv_prepare(const OpPlan *p, void *tables) noexcept nogil:
    conv_prepare_as(p, 0, tables)

cdef void conv_keep(Op *op, const real *parameters) noexcept nogil:
    conv_keep_as(op, 0, op_w(op, CONV_WEIGHT, parameters))

cdef cnn_status conv_forward(Op *op, const real *parameters) noexcept nogil:
    conv_apply(op, 0, &op.values[op.inputs[0]], op_x(op, 0, parameters), &op.values[op.output], op_y(op, 0, parameters),
               op_w(op, CONV_WEIGHT, parameters), op_w(op, CONV_BIAS, parameters) if op.node.n_blocks > 1 else NULL, 0)
    return CNN_OK

cdef cnn_status conv_backward(Op *op, const real *parameters, real *gradients) noexcept nogil:
    cdef const PlanValue *x = &op.values[op.inputs[0]]
    cdef const Op *made = op.pool if op.pool != NULL else op  # whose output's gradient is read
    cdef const PlanValue *y = &op.values[made.output]
    cdef const real *dy = op_dy(made, 0, parameters)
    cdef real *dx = op_dx(op, 0, parameters)
    cdef real *dw = op_dw(op, CONV_WEIGHT, gradients)
    cdef real *db = op_dw(op, CONV_BIAS, gradients) if op.node.n_blocks > 1 else NULL
    if dw != NULL and op.pool != NULL:
        picked_weights_gradient(op, x, op_x(op, 0, parameters), dy, dw, op_dw_adds(op, CONV_WEIGHT))
    elif dw != NULL:
        conv_weights_gradient(op, x, op_x(op, 0, parameters), y, dy, dw, op_dw_adds(op, CONV_WEIGHT))
    if db != NULL:
        conv_bias_gradient(op, y, dy, db, op_dw_adds(op, CONV_BIAS))
    if dx != NULL:
        conv_apply(op, 1, y, dy, x, dx, op_w(op, CONV_WEIGHT, parameters), <const real *>NULL, op.add[0])
    return CNN_OK
