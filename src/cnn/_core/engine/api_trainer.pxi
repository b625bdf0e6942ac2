# The trainer's entry points of cnn.h.

cdef public cnn_status cnn_trainer_create(cnn_network *network, const cnn_trainer_options *options, cnn_trainer **out) noexcept nogil:
    cdef Network *net = <Network *>network
    cdef cnn_trainer_setup setup
    cdef cnn_loss_spec losses[8]
    cdef cnn_error *error
    cdef Trainer *t = NULL
    cdef size_t i
    cdef cnn_status status
    if net == NULL or out == NULL:
        return CNN_E_ARGUMENT
    memset(&setup, 0, sizeof(setup))
    memset(losses, 0, sizeof(losses))
    error = net.error
    if options != NULL and options.size >= CNN_TRAINER_OPTIONS_FIRST and options.options != NULL and options.options.size >= sizeof(cnn_options):
        error = options.options.error
    if options != NULL:
        status = check_size(options.size, CNN_TRAINER_OPTIONS_FIRST, "cnn_trainer_options", net.error)
        if status == CNN_OK:
            status = check_options(options.options)
        if status == CNN_OK and options.optimizer != NULL:
            status = check_size(options.optimizer.size, sizeof(cnn_optimizer_options), "cnn_optimizer_options", error)
        if status != CNN_OK:
            return status
        setup.options = options.options
        setup.max_batch = options.max_batch
        if options.optimizer != NULL:
            setup.optimizer = options.optimizer[0]
        if options.loss != CNN_LOSS_INFER:
            if net.graph.n_outputs > 8:
                return cnn_fail(error, CNN_E_UNSUPPORTED, "the network has %z outputs; give loss CNN_LOSS_INFER", net.graph.n_outputs)
            for i in range(net.graph.n_outputs):
                losses[i].kind = options.loss
                losses[i].constant = options.loss_constant
                losses[i].weight = 1
            setup.losses = losses
            setup.n_losses = net.graph.n_outputs
    setup.input_gradients = 1
    status = trainer_make(net, &setup, &t)
    if status == CNN_OK and options != NULL and options.size > CNN_TRAINER_OPTIONS_FIRST and options.augment != NULL:
        t.small.n = 0  # it takes rows as they lie
        status = trainer_augment(t, options.augment, error)
    if status != CNN_OK:
        trainer_release(t)
        return status
    t.in_order = options.in_order if options != NULL else 0
    out[0] = <cnn_trainer *>t
    return CNN_OK

cdef public void cnn_trainer_free(cnn_trainer *trainer) noexcept nogil:
    trainer_release(<Trainer *>trainer)

cdef public cnn_status cnn_optimizer_defaults(cnn_optimizer kind, cnn_optimizer_options *out) noexcept nogil:
    return optimizer_defaults(kind, out)


cdef cnn_status data_of(Trainer *t, const void *x, int32_t dtype, const void *y, int labels, size_t n, cnn_data *data, cnn_array *a) noexcept nogil:
    """The plain case: one input, one output, contiguous. a: room for both arrays."""
    cdef const Graph *g = &t.net.graph
    cdef const PlanValue *v
    cdef cnn_tensor tensor
    if g.n_inputs != 1 or g.n_outputs != 1:
        return cnn_fail(t.error, CNN_E_ARGUMENT, "the network has %z inputs and %z outputs; use the call that takes a cnn_batch", g.n_inputs, g.n_outputs)
    if g.dtype != dtype:
        return cnn_fail(t.error, CNN_E_DTYPE, "the network is %s; this call takes %s", dtype_name(g.dtype), dtype_name(dtype))
    if x == NULL or y == NULL:
        return cnn_fail(t.error, CNN_E_ARGUMENT, "x or y is NULL")
    memset(data, 0, sizeof(cnn_data))
    v = &t.plan.values[g.inputs[0]]
    tensor.data = x
    tensor.dtype = <cnn_dtype>dtype
    tensor.rank = v.rank
    memcpy(tensor.dims, v.dims, sizeof(tensor.dims))
    tensor.dims[0] = n
    array_of(&tensor, &a[0])
    v = &t.plan.values[t.targets[0].value]
    tensor.data = y
    tensor.rank = v.rank
    memcpy(tensor.dims, v.dims, sizeof(tensor.dims))
    tensor.dims[0] = n
    if labels:
        if t.targets[0].classes == 0:
            return cnn_fail(t.error, CNN_E_ARGUMENT, "labels are for cross_entropy; this network's loss takes numbers")
        tensor.dtype = CNN_INT32
        tensor.rank -= 1
    array_of(&tensor, &a[1])
    data.rows = n
    data.n_inputs = 1
    data.n_targets = 1
    data.inputs = &a[0]
    data.targets = &a[1]
    return CNN_OK


cdef cnn_status step_checked(Trainer *t, const cnn_data *data, double *loss, cnn_error *error) noexcept nogil:
    """One optimizer step on data of at most max_batch rows."""
    cdef double value = 0
    cdef cnn_status status
    if data.rows == 0:
        return cnn_fail(error, CNN_E_VALUE, "the batch has no rows")
    if data.rows > t.max_batch:
        return cnn_fail(error, CNN_E_ARGUMENT, "the batch has %z rows; the trainer was made for at most %z", data.rows, t.max_batch)
    status = check_batch(t, data, 1, error)
    if status != CNN_OK:
        return status
    bind_batch(t, data)
    status = trainer_step(t, CNN_NAN_RAISE, &value, error)
    if status == CNN_OK and loss != NULL:
        loss[0] = value
    return status


cdef cnn_status step_plain(Trainer *t, const void *x, int32_t dtype, const void *y, int labels, size_t n, double *loss) noexcept nogil:
    cdef cnn_data data
    cdef cnn_array arrays[2]
    cdef cnn_status status = data_of(t, x, dtype, y, labels, n, &data, arrays)
    return step_checked(t, &data, loss, t.error) if status == CNN_OK else status

cdef public cnn_status cnn_trainer_step(cnn_trainer *trainer, const float *x, const float *y, size_t n, double *loss) noexcept nogil:
    return step_plain(<Trainer *>trainer, x, CNN_FLOAT32, y, 0, n, loss)

cdef public cnn_status cnn_trainer_step_f64(cnn_trainer *trainer, const double *x, const double *y, size_t n, double *loss) noexcept nogil:
    return step_plain(<Trainer *>trainer, x, CNN_FLOAT64, y, 0, n, loss)

cdef public cnn_status cnn_trainer_step_labels(cnn_trainer *trainer, const float *x, const int32_t *labels, size_t n, double *loss) noexcept nogil:
    return step_plain(<Trainer *>trainer, x, CNN_FLOAT32, labels, 1, n, loss)


cdef public cnn_status cnn_trainer_step_batch(cnn_trainer *trainer, const cnn_batch *batch, double *loss) noexcept nogil:
    cdef Trainer *t = <Trainer *>trainer
    cdef cnn_array inputs[8]
    cdef cnn_array targets[8]
    cdef cnn_data data
    cdef double *weights
    cdef double factor
    cdef size_t i
    cdef cnn_status status
    if batch == NULL or check_size(batch.size, sizeof(cnn_batch), "cnn_batch", t.error) != CNN_OK:
        return CNN_E_ARGUMENT
    if batch.n_inputs > 8 or batch.n_targets > 8:
        return cnn_fail(t.error, CNN_E_ARGUMENT, "the batch has more than 8 inputs or targets")
    status = batch_arrays(batch.inputs, batch.n_inputs, batch.rows, "input", inputs, t.error)
    if status == CNN_OK:
        status = batch_arrays(batch.targets, batch.n_targets, batch.rows, "target", targets, t.error)
    if status != CNN_OK:
        return status
    memset(&data, 0, sizeof(data))
    data.rows = batch.rows
    data.n_inputs = batch.n_inputs
    data.n_targets = batch.n_targets
    data.inputs = inputs
    data.targets = targets
    data.lengths = batch.lengths
    data.first_row = batch.first_row
    # The engine divides by the batch's own rows: a share of a larger batch (total_rows, total_weight) is weighed down to its part.
    factor = batch.total_weight if batch.total_weight > 0 else <double>batch.total_rows
    factor = <double>batch.rows / factor if factor > 0 else 1.0
    if batch.sample_weight != NULL or factor != 1.0:
        if batch.rows > t.max_batch:
            return cnn_fail(t.error, CNN_E_ARGUMENT, "the batch has %z rows; the trainer was made for at most %z", batch.rows, t.max_batch)
        if t.weights == NULL:
            t.weights = <double *>cnn_memory_new(&t.allocator, t.max_batch * sizeof(double))
        if t.weights == NULL:
            return cnn_fail(t.error, CNN_E_MEMORY, "not enough memory for the weights of %z rows", t.max_batch)
        weights = t.weights
        for i in range(batch.rows):
            weights[i] = factor
            if batch.sample_weight != NULL:
                if t.net.graph.dtype == CNN_FLOAT32:
                    weights[i] *= (<const float *>batch.sample_weight)[i]
                else:
                    weights[i] *= (<const double *>batch.sample_weight)[i]
            if weights[i] < 0 or weights[i] - weights[i] != 0:
                return cnn_fail(t.error, CNN_E_VALUE, "sample_weight of row %z is negative or not finite", i)
        data.weights = weights
        data.weight_width = 1
    return step_checked(t, &data, loss, t.error)


# ---- The parts of a step -----------------------------------------------------------------------------------------------------------

cdef cnn_status manual_make(Trainer *t, cnn_error *error) noexcept nogil:
    cdef const Graph *g = &t.net.graph
    cdef PlanWish wish
    cdef const size_t **dims
    cdef size_t i
    cdef cnn_status status
    if t.manual_frame != NULL:
        return CNN_OK
    dims = <const size_t **>cnn_memory_new(&t.allocator, g.n_inputs * sizeof(size_t *))
    if dims == NULL:
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for a plan")
    for i in range(g.n_inputs):
        dims[i] = &t.plan.values[g.inputs[i]].dims[1]
    memset(&wish, 0, sizeof(wish))
    wish.values = wish.losses = g.outputs
    wish.n_values = wish.n_losses = g.n_outputs
    wish.training = 1
    wish.input_gradients = t.input_gradients
    wish.max_rows = t.max_batch
    wish.whole = 1
    wish.input_dims = dims
    status = plan_make_in(&t.manual, t.net, &wish, &t.allocator, error)
    cnn_memory_release(dims)
    if status == CNN_OK:
        t.manual_frame = frames_new(&t.manual, t.net, 1, NULL, error)
        if t.manual_frame == NULL:
            plan_release(&t.manual)
            return CNN_E_MEMORY
    return status


cdef cnn_status forward_data(Trainer *t, const cnn_data *data, int training, void **outputs, cnn_error *error) noexcept nogil:
    """Forward of a whole batch, which stays in the frame for backward_data."""
    cdef const Graph *g = &t.net.graph
    cdef Frame *f
    cdef size_t i
    cdef cnn_status status = check_data(t.net, &t.plan, data, error)
    if status == CNN_OK and (data.rows == 0 or data.rows > t.max_batch):
        status = cnn_fail(error, CNN_E_ARGUMENT, "forward was given %z rows; the trainer takes 1 to %z", data.rows, t.max_batch)
    if status == CNN_OK:
        status = manual_make(t, error)
    if status == CNN_OK and training:
        status = plan_least_rows(&t.manual, data.rows, error)
    if status != CNN_OK:
        return status
    f = t.manual_frame
    t.manual_rows = 0
    for i in range(g.n_inputs):
        inner_of(&data.inputs[i], &t.inners[i])
        keep_input(f, &t.manual, g.inputs[i], &data.inputs[i], &t.inners[i], data.rows)
    f.run.kernels = t.manual.kernels
    f.run.rows = data.rows
    f.run.training = training
    f.run.all_rows = data.rows
    f.run.seed = t.net.seed
    f.run.epoch = t.epoch
    f.run.step = t.step
    f.run.first_row = 0
    f.run.error = error
    if g.dtype == CNN_FLOAT32:
        status = frame_forward(f, &t.manual, <const float *>t.net.arena, 1)
    else:
        status = frame_forward(f, &t.manual, <const double *>t.net.arena, 1)
    if status != CNN_OK:
        return status
    t.manual_rows = data.rows
    for i in range(g.n_outputs):
        memcpy(outputs[i], f.data[g.outputs[i]], data.rows * value_bytes(&t.manual, g.outputs[i], 1))
    return CNN_OK


cdef void keep_input(Frame *f, const Plan *p, int32_t v, const cnn_array *a, const Inner *o, size_t rows) noexcept nogil:
    """A copy in the frame: backward may come when the caller's array is gone."""
    cdef int32_t dtype = p.graph.dtype if p.values[v].dtype == CNN_FLOAT32 else p.values[v].dtype
    bind_input(f, p, v, a, o, NULL, 0, rows, NULL)
    if is_direct(a, o, dtype):
        memcpy(<char *>f.memory + p.place_input[v], a.data, rows * value_bytes(p, v, 1))
        frame_bind(f, p, v, <char *>f.memory + p.place_input[v])


cdef cnn_status backward_data(Trainer *t, const void *const *dy, int accumulate, void **dx, cnn_error *error) noexcept nogil:
    """From dL/d(outputs) of the last forward_data into gradients[0]."""
    cdef const Graph *g = &t.net.graph
    cdef Frame *f = t.manual_frame
    cdef size_t i, bytes
    cdef int32_t v
    cdef cnn_status status
    if f == NULL or t.manual_rows == 0:
        return cnn_fail(error, CNN_E_STATE, "backward was called without a forward before it; each forward allows one backward")
    for i in range(g.n_outputs):
        if f.gradient[g.outputs[i]] != NULL:
            memcpy(f.gradient[g.outputs[i]], dy[i], t.manual_rows * value_bytes(&t.manual, g.outputs[i], 1))
    if accumulate and not t.moved:
        buffers_copy(t, t.net.arena, t.gradients[0])
    t.moved = 0
    f.run.fresh = not accumulate
    f.run.error = error
    if g.dtype == CNN_FLOAT32:
        status = frame_backward(f, &t.manual, <const float *>t.net.arena, <float *>t.gradients[0])
    else:
        status = frame_backward(f, &t.manual, <const double *>t.net.arena, <double *>t.gradients[0])
    # In-place ops have written over what they no longer needed: a second backward needs a forward of its own.
    t.manual_rows = 0
    if status != CNN_OK:
        return status
    t.moved = 1
    if dx != NULL:
        for i in range(g.n_inputs):
            v = g.inputs[i]
            bytes = f.run.rows * value_bytes(&t.manual, v, 1)
            if dx[i] == NULL:
                continue
            if f.gradient[v] != NULL:
                memcpy(dx[i], f.gradient[v], bytes)
            else:
                memset(dx[i], 0, bytes)
    return CNN_OK


cdef public cnn_status cnn_trainer_forward(cnn_trainer *trainer, const void *x, size_t n, void *y) noexcept nogil:
    cdef Trainer *t = <Trainer *>trainer
    cdef cnn_data data
    cdef cnn_array arrays[2]
    cdef cnn_status status = data_of(t, x, t.net.graph.dtype, x, 0, n, &data, arrays)
    if status != CNN_OK:
        return status
    if y == NULL:
        return cnn_fail(t.error, CNN_E_ARGUMENT, "y is NULL")
    data.n_targets = 0
    return forward_data(t, &data, 1, &y, t.error)

cdef public cnn_status cnn_trainer_backward(cnn_trainer *trainer, const void *dy, int accumulate, void *dx) noexcept nogil:
    cdef Trainer *t = <Trainer *>trainer
    if dy == NULL or t.net.graph.n_outputs != 1 or t.net.graph.n_inputs != 1:
        return cnn_fail(t.error, CNN_E_ARGUMENT, "dy is NULL, or the network has several inputs or outputs")
    return backward_data(t, &dy, accumulate, &dx, t.error)

cdef public cnn_status cnn_trainer_apply(cnn_trainer *trainer) noexcept nogil:
    cdef Trainer *t = <Trainer *>trainer
    cdef cnn_status status = trainer_apply(t, t.error)
    if status == CNN_OK:
        t.step += 1
    return status

cdef public cnn_status cnn_trainer_set_lr(cnn_trainer *trainer, double lr) noexcept nogil:
    cdef Trainer *t = <Trainer *>trainer
    if not (lr >= 0) or lr - lr != 0:
        return cnn_fail(t.error, CNN_E_ARGUMENT, "lr is %g; it must be a finite number of at least 0", lr)
    t.lr = lr
    t.optimizer.lr = lr
    return CNN_OK


# ---- Fit ---------------------------------------------------------------------------------------------------------------------------

cdef struct Progress:
    int (*progress)(void *user, const cnn_epoch_info *info) noexcept nogil
    void *user

cdef int progress_epoch(void *user, uint64_t epoch, const double *record) noexcept nogil:
    cdef Progress *p = <Progress *>user
    cdef cnn_epoch_info info
    memset(&info, 0, sizeof(info))
    info.size = sizeof(info)
    info.epoch = epoch
    info.loss = record[0]
    info.penalty = record[1]
    info.lr = record[2]
    return p.progress(p.user, &info)

cdef cnn_status fit_plain(Trainer *t, const void *x, int32_t dtype, const void *y, int labels, size_t n, size_t epochs,
                          int (*progress)(void *user, const cnn_epoch_info *info) noexcept nogil, void *user) noexcept nogil:
    cdef cnn_data data
    cdef cnn_array arrays[2]
    cdef cnn_fit_options f
    cdef Progress p
    cdef cnn_status status = data_of(t, x, dtype, y, labels, n, &data, arrays)
    if status != CNN_OK or epochs == 0:
        return status
    memset(&f, 0, sizeof(f))
    f.train.data = data
    f.epochs = epochs
    f.first_epoch = t.epoch
    f.batch_rows = t.max_batch
    f.shuffle = not t.in_order
    f.schedule.lr = -1
    if progress != NULL:
        p.progress = progress
        p.user = user
        f.hooks.user = &p
        f.hooks.epoch_end = progress_epoch
    f.records = <double *>cnn_memory_new(&t.allocator, epochs * 3 * sizeof(double))
    if f.records == NULL:
        return cnn_fail(t.error, CNN_E_MEMORY, "not enough memory for the records of %z epochs", epochs)
    status = trainer_run(t, &f, t.error)
    cnn_memory_release(f.records)
    return status

cdef public cnn_status cnn_trainer_fit(cnn_trainer *trainer, const float *x, const float *y, size_t n, size_t epochs,
                                       int (*progress)(void *user, const cnn_epoch_info *info) noexcept nogil, void *user) noexcept nogil:
    return fit_plain(<Trainer *>trainer, x, CNN_FLOAT32, y, 0, n, epochs, progress, user)

cdef public cnn_status cnn_trainer_fit_f64(cnn_trainer *trainer, const double *x, const double *y, size_t n, size_t epochs,
                                           int (*progress)(void *user, const cnn_epoch_info *info) noexcept nogil, void *user) noexcept nogil:
    return fit_plain(<Trainer *>trainer, x, CNN_FLOAT64, y, 0, n, epochs, progress, user)

cdef public cnn_status cnn_trainer_fit_labels(cnn_trainer *trainer, const float *x, const int32_t *labels, size_t n, size_t epochs,
                                              int (*progress)(void *user, const cnn_epoch_info *info) noexcept nogil, void *user) noexcept nogil:
    return fit_plain(<Trainer *>trainer, x, CNN_FLOAT32, labels, 1, n, epochs, progress, user)
