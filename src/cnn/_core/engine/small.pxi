# Small networks, a row a step: a chain of small dense layers and activations element by element, trained by plain gradient descent, as one
# function.
#
# Such a step takes less time than going from node to node does. So what the plan's nodes, the loss and the optimizer would do one after
# another is written out here over the same definitions in the same order, and gives the same bits: where a loop of one's own or a metric
# needs the steps apart, they are apart.

cdef int small_layer(const PlanStep *s, const Graph *g, const unsigned char *wanted, SmallLayer *l) noexcept nogil:
    """Takes a node into the layer; 0: it is none that small networks are made of."""
    cdef const Node *node = &g.nodes[s.node]
    cdef size_t i
    if node.n_inputs != 1 or node.n_outputs != 1 or not s.backward:
        return 0
    if node.op == CNN_OP_ACTIVATION:
        if l.units == 0 or l.activation != CNN_LINEAR or s.plan.code[0] == NULL:
            return 0
        l.activation = <int32_t>attribute_integer(g, node, CNN_ATTRIBUTE_ACTIVATION, CNN_LINEAR)
        l.forward = s.plan.code[0]
        l.backward = s.plan.code[1]
        l.c[0] = s.plan.number[0]
        l.c[1] = s.plan.number[1]
        return 1
    if node.op != CNN_OP_DENSE or s.plan.integer[2] != 1:
        return 0
    for i in range(<size_t>node.n_blocks):
        if not wanted[g.links[node.blocks + i]] or s.again[i]:
            return 0
    l.features = <size_t>s.plan.integer[0]
    l.units = <size_t>s.plan.integer[1]
    l.weight = g.blocks[g.links[node.blocks]].offset
    l.bias = g.blocks[g.links[node.blocks + 1]].offset if node.n_blocks > 1 else NONE
    return l.features * l.units <= DENSE_TINY and l.features <= SMALL_WIDTH and l.units <= SMALL_WIDTH


cdef void small_make(Trainer *t) noexcept nogil:
    cdef const Graph *g = &t.net.graph
    cdef const PlanStep *s
    cdef SmallLayer *l
    cdef size_t i
    cdef int32_t value, uses = 0
    t.small.n = 0
    if (g.n_inputs != 1 or g.n_outputs != 1 or t.targets[0].hook != NULL or t.input_gradients or t.penalties or t.limits or t.n_spans != 1
            or t.spans[0].count > SGD_SMALL or g.values[g.inputs[0]].dtype != CNN_FLOAT32):
        return
    memset(&t.small, 0, sizeof(Small))
    value = g.inputs[0]
    for i in range(t.plan.n_steps):
        s = &t.plan.steps[i]
        if g.links[g.nodes[s.node].inputs] != value:
            break
        l = &t.small.layers[uses - 1 if uses else 0]
        if g.nodes[s.node].op == CNN_OP_DENSE:
            if uses == SMALL_LAYERS:
                break
            l = &t.small.layers[uses]
            l.activation = CNN_LINEAR
            uses += 1
        if not small_layer(s, g, t.plan.wanted, l):
            break
        value = g.nodes[s.node].output
        if value == t.targets[0].value:
            t.small.n = uses
            return


cdef int small_applies(const Trainer *t) noexcept nogil:
    """To the steps that are to come."""
    return (t.small.n != 0 and t.optimizer.kind == CNN_OPTIMIZER_SGD and t.optimizer.momentum == 0 and t.optimizer.weight_decay == 0 and t.optimizer.clip_norm <= 0
            and t.optimizer.clip_value <= 0 and not t.keep_predictions and t.hooks.reduce == NULL)


cdef inline real small_value(int32_t kind, real z) noexcept nogil:
    if kind == CNN_SIGMOID:
        return sigmoid_value(z, <real *>NULL)
    if kind == CNN_TANH:
        return tanh_value(z, <real *>NULL)
    if kind == CNN_RELU:
        return relu_value(z, <real *>NULL)
    return z


cdef inline real small_slope(int32_t kind, real y) noexcept nogil:
    if kind == CNN_SIGMOID:
        return sigmoid_slope(<real>0, y, <real *>NULL)
    if kind == CNN_TANH:
        return tanh_slope(<real>0, y, <real *>NULL)
    return relu_slope(<real>0, y, <real *>NULL)


cdef inline void forward_n(int32_t kind, size_t n, const SmallLayer *l, const real *x, const real *w, const real *b, real *y) noexcept nogil:
    """kind, and n up to 4, are constants wherever this is called. A unit's sum goes into its activation without a stop in memory."""
    cdef size_t i
    for i in range(l.units):
        y[i] = small_value(kind, dense_tiny_unit(n, x, w + i * n, b + i if b != NULL else NULL))
        CNN_STAY_SCALAR()


cdef inline void forward_of(int32_t kind, const SmallLayer *l, const real *x, const real *w, const real *b, real *y) noexcept nogil:
    if l.features == 1:
        forward_n(kind, 1, l, x, w, b, y)
    elif l.features == 2:
        forward_n(kind, 2, l, x, w, b, y)
    elif l.features == 3:
        forward_n(kind, 3, l, x, w, b, y)
    elif l.features == 4:
        forward_n(kind, 4, l, x, w, b, y)
    else:
        forward_n(kind, l.features, l, x, w, b, y)


cdef inline void small_forward(const SmallLayer *l, const real *x, const real *w, const real *b, real *z, real *y) noexcept nogil:
    cdef real c[2]
    if l.activation == CNN_SIGMOID:
        forward_of(CNN_SIGMOID, l, x, w, b, y)
    elif l.activation == CNN_TANH:
        forward_of(CNN_TANH, l, x, w, b, y)
    elif l.activation == CNN_RELU:
        forward_of(CNN_RELU, l, x, w, b, y)
    elif l.activation == CNN_LINEAR:
        forward_of(CNN_LINEAR, l, x, w, b, y)
    else:
        forward_of(CNN_LINEAR, l, x, w, b, z)
        c[0] = <real>l.c[0]
        c[1] = <real>l.c[1]
        if real is float:
            (<activation_forward_f32>l.forward)(k_definitions(), l.units, z, y, c)
        else:
            (<activation_forward_f64>l.forward)(k_definitions(), l.units, z, y, c)


cdef inline void backward_unit(size_t n, int first, real g, const real *x, real *w, real *dx, real rate) noexcept nogil:
    """A unit's share of dx (NULL: not wanted), from its weights as they were, and the update of each."""
    cdef size_t j
    for j in range(n):
        if dx != NULL:
            dx[j] = g * w[j] if first else dx[j] + g * w[j]
        w[j] = sgd_value(w[j], g * x[j], rate, <real>0)
        CNN_STAY_SCALAR()


cdef inline void backward_n(int32_t kind, size_t n, const SmallLayer *l, const real *x, const real *y, const real *dy, real *w, real *b, real *dx,
                            real rate) noexcept nogil:
    cdef size_t i
    cdef real g
    for i in range(l.units):
        g = dy[i] if kind == CNN_LINEAR else dy[i] * small_slope(kind, y[i])
        if dx == NULL:
            backward_unit(n, 0, g, x, w, <real *>NULL, rate)
        elif i == 0:
            backward_unit(n, 1, g, x, w, dx, rate)
        else:
            backward_unit(n, 0, g, x, w, dx, rate)
        if b != NULL:
            b[i] = sgd_value(b[i], g, rate, <real>0)
        w += n


cdef inline void backward_of(int32_t kind, const SmallLayer *l, const real *x, const real *y, const real *dy, real *w, real *b, real *dx,
                             real rate) noexcept nogil:
    if l.features == 1:
        backward_n(kind, 1, l, x, y, dy, w, b, dx, rate)
    elif l.features == 2:
        backward_n(kind, 2, l, x, y, dy, w, b, dx, rate)
    elif l.features == 3:
        backward_n(kind, 3, l, x, y, dy, w, b, dx, rate)
    elif l.features == 4:
        backward_n(kind, 4, l, x, y, dy, w, b, dx, rate)
    else:
        backward_n(kind, l.features, l, x, y, dy, w, b, dx, rate)


cdef inline void small_backward(const SmallLayer *l, const real *x, const real *z, const real *y, real *dy, real *w, real *b, real *dx,
                                real rate) noexcept nogil:
    cdef real c[2]
    if l.activation == CNN_SIGMOID:
        backward_of(CNN_SIGMOID, l, x, y, dy, w, b, dx, rate)
    elif l.activation == CNN_TANH:
        backward_of(CNN_TANH, l, x, y, dy, w, b, dx, rate)
    elif l.activation == CNN_RELU:
        backward_of(CNN_RELU, l, x, y, dy, w, b, dx, rate)
    else:
        if l.activation != CNN_LINEAR:
            c[0] = <real>l.c[0]
            c[1] = <real>l.c[1]
            if real is float:
                (<activation_backward_f32>l.backward)(k_definitions(), l.units, dy, z, y, dy, c, 0)
            else:
                (<activation_backward_f64>l.backward)(k_definitions(), l.units, dy, z, y, dy, c, 0)
        backward_of(CNN_LINEAR, l, x, y, dy, w, b, dx, rate)


cdef inline void small_loss(Target *o, const void *target, const real *p, real *dp) noexcept nogil:
    if o.loss.kind == CNN_LOSS_MSE:
        loss_of_terms(CNN_LOSS_MSE, &o.loss, 1, <const real *>target, p, o.scale, o.losses, dp)
    elif o.loss.kind == CNN_LOSS_QUADRATIC:
        loss_of_terms(CNN_LOSS_QUADRATIC, &o.loss, 1, <const real *>target, p, o.scale, o.losses, dp)
    elif real is float:
        o.table.f32(&o.loss, 1, target, p, o.scale, o.losses, dp)
    else:
        o.table.f64(&o.loss, 1, target, p, o.scale, o.losses, dp)


cdef inline cnn_status small_step(Trainer *t, const real *x, const void *target, real *w, real rate, int on_nan, double *loss) noexcept nogil:
    cdef real z[SMALL_LAYERS][SMALL_WIDTH]
    cdef real y[SMALL_LAYERS][SMALL_WIDTH]
    cdef real d[2][SMALL_WIDTH]
    cdef const Small *p = &t.small
    cdef const SmallLayer *l
    cdef Target *o = &t.targets[0]
    cdef const real *at = x
    cdef real *dy = d[0]
    cdef real *dx = d[1]
    cdef int32_t i
    for i in range(p.n):
        l = &p.layers[i]
        small_forward(l, at, w + l.weight, w + l.bias if l.bias != NONE else NULL, z[i], y[i])
        at = y[i]
    small_loss(o, target, at, dy)
    loss[0] = o.scale[0] * o.losses[0]
    if loss[0] - loss[0] != 0 and on_nan != CNN_NAN_IGNORE:
        return CNN_E_NONFINITE
    for i in range(p.n - 1, 0, -1):
        l = &p.layers[i]
        small_backward(l, y[i - 1], z[i], y[i], dy, w + l.weight, w + l.bias if l.bias != NONE else NULL, dx, rate)
        dy, dx = dx, dy
    l = &p.layers[0]
    small_backward(l, x, z[0], y[0], dy, w + l.weight, w + l.bias if l.bias != NONE else NULL, <real *>NULL, rate)
    return CNN_OK


cdef inline const void *small_row(const cnn_array *a, const Inner *o, size_t r, int direct, void *room, int labels, real *tag) noexcept nogil:
    """Row r of the data: where it lies, or converted in `room`."""
    if direct:
        return <const char *>a.data + <ptrdiff_t>r * a.strides[0]
    if labels:
        gather(a, o, NULL, r, 1, <int32_t *>room)
    else:
        gather(a, o, NULL, r, 1, <real *>room)
    return room


cdef int row_is_direct(const cnn_array *a, const Inner *o, int32_t dtype) noexcept nogil:
    cdef size_t item = dtype_size(dtype)
    return a.dtype == dtype and not a.swapped and o.rank == 0 and <size_t>a.data % item == 0 and a.strides[0] % <ptrdiff_t>item == 0


cdef cnn_status small_run(Trainer *t, const uint32_t *order, size_t first, size_t n, int on_nan, double *sum_, real *tag) noexcept nogil:
    """n steps, a row each, on rows first .. first + n - 1 of the data (or of order); their losses are added to *sum_. When a loss is no
    number, t.first is its row and nothing was updated by it."""
    cdef const cnn_array *x = &t.data.inputs[0]
    cdef const cnn_array *y = &t.data.targets[0]
    cdef Target *o = &t.targets[0]
    cdef real room[SMALL_WIDTH]
    cdef real *w = <real *>t.net.arena
    cdef real rate
    cdef size_t i, r
    cdef double loss = 0
    cdef int direct_x = row_is_direct(x, &t.inners[0], t.net.graph.dtype)
    cdef int direct_y = row_is_direct(y, &o.inner, CNN_INT32 if o.loss.labels else t.net.graph.dtype)
    cdef cnn_status status = CNN_OK
    if t.constants_rate != t.lr * t.spans[0].lr_scale:
        trainer_constants(t, t.lr * t.spans[0].lr_scale, <real *>t.constants)
    rate = (<real *>t.constants)[0]
    bind_rows(t, order, first, 1)
    for i in range(first, first + n):
        r = order[i] if order != NULL else i
        t.first = i
        if t.data.weights != NULL:
            batch_scale(t)
        status = small_step(t, <const real *>small_row(x, &t.inners[0], r, direct_x, room, 0, tag),
                            small_row(y, &o.inner, r, direct_y, o.targets, o.loss.labels, tag), w, rate, on_nan, &loss)
        if status != CNN_OK:
            break
        sum_[0] += loss
    n = t.first - first + (1 if status == CNN_OK else 0)
    t.step += n
    t.updates += n
    t.net.version += n
    return status


cdef cnn_status small_steps(Trainer *t, const uint32_t *order, size_t first, size_t n, int on_nan, double *sum_, cnn_error *error) noexcept nogil:
    cdef double loss = sum_[0]
    cdef cnn_status status
    if t.net.graph.dtype == CNN_FLOAT32:
        status = small_run(t, order, first, n, on_nan, sum_, <float *>NULL)
    else:
        status = small_run(t, order, first, n, on_nan, sum_, <double *>NULL)
    return not_finite(t, t.targets[0].scale[0] * t.targets[0].losses[0], error) if status == CNN_E_NONFINITE else status
