# In training y = x + std e, e from N(0, 1), a function of (seed, node, epoch, step, the row's number); otherwise y = x.

cdef enum:
    NOISE_CHUNK = 256
    NOISE_WORK = 500       # multiply-adds that take as long as a number of noise

cdef cnn_status gaussian_noise_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, cnn_error *error) noexcept nogil:
    cdef cnn_status status = op_takes(g, node, "GaussianNoise", 1, 1, reads(CNN_ATTRIBUTE_STD), error)
    cdef double std = attribute_number(g, node, CNN_ATTRIBUTE_STD, 1.0)
    if status == CNN_OK:
        status = op_floats(g, node, x, "GaussianNoise", error)
    if status != CNN_OK:
        return status
    if not (std >= 0 and m_isfinite(std)):
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: std is %g; it must be at least 0", node_name(g, node), std)
    y[0] = x[0]
    return CNN_OK

cdef void gaussian_noise_plan(OpPlan *p) noexcept nogil:
    p.number[0] = attribute_number(p.graph, p.node, CNN_ATTRIBUTE_STD, 1.0)
    p.in_place = 1
    p.by_rows = ROWS_FORWARD
    p.flops = NOISE_WORK * <double>p.values[p.inputs[0]].row if p.training else 0

cdef cnn_status gaussian_noise_forward(Op *op, const real *parameters) noexcept nogil:
    cdef double std = op.plan.number[0]
    cdef double noise[NOISE_CHUNK]
    cdef size_t row = op_row(op, 0), r, first, n, i
    cdef const real *x = op_x(op, 0, parameters)
    cdef real *y = op_y(op, 0, parameters)
    cdef cnn_random stream
    if not op.run.training or std == 0:
        if x != y:
            memcpy(y, x, op.run.rows * row * sizeof(real))
        return CNN_OK
    for r in range(op.run.rows):
        stream = op_random(op, CNN_RANDOM_NOISE, r)
        first = 0
        while first < row:
            n = row - first if row - first < NOISE_CHUNK else NOISE_CHUNK
            cnn_random_normals(&stream, first, n, noise)
            for i in range(n):
                y[i] = x[i] + <real>(std * noise[i])
            x += n
            y += n
            first += n
    return CNN_OK

cdef cnn_status gaussian_noise_backward(Op *op, const real *parameters, real *gradients) noexcept nogil:
    pass_gradient(op, 0, op.run.rows * op_row(op, 0), op_dy(op, 0, parameters))
    return CNN_OK
