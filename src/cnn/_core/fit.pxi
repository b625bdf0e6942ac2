# What a trainer does: all epochs of a fit, evaluation, one step and its parts.

@cython.no_gc_clear
cdef class Trainer(TrainerBase):
    """One trainer of one network. losses: one a network output: None to infer it, (name, constant, weight) or (callable, 0.0, weight); None
    altogether for a trainer whose gradients come from outside (forward and backward)."""

    # ---- All epochs

    cdef Source source(self, object data, object functions):
        cdef Source s = Source.__new__(Source)
        s.trainer = self
        if functions:
            s.collected = Collected.__new__(Collected)
            s.collected.begin(cnn_network_output_count(self.network.c), bound_shape(self.network, cnn_network_output_value(self.network.c, 0), 1, None)[1:])
        if callable(data):
            s.call = data
            s.c.next = source_next
            s.c.user = <void *>s
            return s
        s.data = self.batch(data)
        s.c.data = s.data.c
        s.rows = s.data.c.rows
        if s.collected is not None:
            s.collected.reserve(s.data, 0)
        return s

    def fit(self, train, validation=None, *, size_t epochs, size_t batch_rows, size_t steps_per_epoch=0, uint64_t first_epoch=0, bint shuffle=True,
            on_nan="raise", metrics=(), schedule=None, epoch_begin=None, epoch_end=None, batch_begin=None, batch_end=None, tick=None, reduce=None,
            functions=(), augment=None):
        """All epochs; (records of the epochs done, "done" or "stopped"). When it raises, the records are in self.columns.

        train, validation: (inputs, targets, weights[, lengths]) with lists of arrays, or a callable(epoch, batch) -> such data, None at the end
        of the epoch. schedule: (kind, lr, constants, warmup), or (callable, lr). Hooks: epoch_begin(epoch), epoch_end(epoch, record),
        batch_begin(epoch, batch), batch_end(epoch, batch, loss), tick(epoch, batch, loss) about every 20 ms; a true result stops. functions:
        metrics f(y_true, y_pred) of the first output, behind the others in a record. on_nan: "raise", "stop" or "ignore". augment: of the
        training batches' images, as augment_images takes it."""
        cdef Fit fit = Fit.__new__(Fit)
        cdef cnn_fit_options o
        cdef cnn_augment how
        cdef Metrics m = Metrics.__new__(Metrics)
        cdef cnn_error error
        cdef cnn_status status
        cdef int mode
        self.needs_loss()
        memset(&o, 0, sizeof(o))
        fresh(&error)
        o.on_nan = number_of({"raise": CNN_NAN_RAISE, "stop": CNN_NAN_STOP, "ignore": CNN_NAN_IGNORE}, on_nan, "on_nan")
        m.fill(metrics)
        fit.trainer = self
        fit.functions = callables(functions, "a metric")
        fit.train = self.source(train, fit.functions)
        if steps_per_epoch and fit.train.call is None and steps_per_epoch < fit.train.rows // max(batch_rows, 1) + 1:
            fit.train.rows = min(fit.train.rows, steps_per_epoch * batch_rows)
        if validation is not None:
            fit.validation = self.source(validation, fit.functions)
        fit.n_metrics = m.n
        fit.figures = []
        fit.width = 3 + m.n + (1 + m.n if validation is not None else 0)
        for f in (epoch_begin, epoch_end, batch_begin, batch_end, tick, reduce):
            if f is not None and not callable(f):
                raise TypeError(f"a hook must be callable; {described(f)} was given")
        fit.epoch_begin, fit.epoch_end, fit.batch_begin = epoch_begin, epoch_end, batch_begin
        fit.batch_end, fit.tick, fit.reduce = batch_end, tick, reduce
        schedule_from(schedule, &o.schedule)
        o.train = fit.train.c
        o.validation = &fit.validation.c if fit.validation is not None else NULL
        o.epochs, o.batch_rows, o.steps_per_epoch, o.first_epoch = epochs, batch_rows, steps_per_epoch, first_epoch
        o.shuffle = shuffle
        if augment is not None:
            augment_from(augment, &how)
            o.augment = &how
        o.metrics = m.c
        o.n_metrics = m.n
        o.hooks.user = <void *>fit
        o.hooks.tick = fit_tick
        if epoch_begin is not None:
            o.hooks.epoch_begin = fit_epoch_begin
        if epoch_end is not None or fit.functions:
            o.hooks.epoch_end = fit_epoch_end
        if batch_begin is not None:
            o.hooks.batch_begin = fit_batch_begin
        if batch_end is not None:
            o.hooks.batch_end = fit_batch_end
        if reduce is not None:
            o.hooks.reduce = fit_reduce
        if o.schedule.kind == CNN_LR_HOOK:
            fit.rate = schedule[0]
            o.schedule.hook = fit_rate
            o.schedule.user = <void *>fit
            o.hooks.batch_begin = fit_batch_begin
        if fit.functions:
            o.train_predictions = fit.train.collected.predictions
            o.train_targets = fit.train.collected.targets
            if fit.validation is not None:
                o.validation_predictions = fit.validation.collected.predictions
                o.validation_targets = fit.validation.collected.targets
        mode = self.enter(True)
        try:
            self.columns = []
            o.records = <double *>records_room(epochs, fit.width)
            with nogil:
                status = cnn_trainer_run(self.c, &o, &error)
            self.columns = fit_columns(fit, &o)
        finally:
            cnn_memory_release(o.records)
            self.leave(True, mode)
        raise_pending()
        if status == CNN_STOPPED or (status == CNN_E_NONFINITE and o.on_nan == CNN_NAN_STOP):
            return self.columns, "stopped"
        check(status, &error)
        return self.columns, "done"

    def evaluate(self, data, *, size_t batch_rows, metrics=(), functions=()):
        """[loss, *metrics, *functions' figures] of the network as it is."""
        cdef Metrics m = Metrics.__new__(Metrics)
        cdef Source s
        cdef cnn_error error
        cdef cnn_status status
        cdef double *record
        cdef double **predictions = NULL
        cdef double **targets = NULL
        cdef size_t i
        cdef int mode
        cdef cnn_fit_hooks hooks
        memset(&hooks, 0, sizeof(hooks))
        hooks.tick = evaluate_tick
        self.needs_loss()
        fresh(&error)
        m.fill(metrics)
        functions = callables(functions, "a metric")
        s = self.source(data, functions)
        if s.collected is not None:
            predictions = s.collected.predictions
            targets = s.collected.targets
        record = <double *>records_room(1, 1 + m.n)
        try:
            mode = self.enter(False)
            try:
                with nogil:
                    status = cnn_trainer_evaluate(self.c, &s.c, batch_rows, m.c, m.n, record, predictions, targets, NULL, &hooks, &error)
            finally:
                self.leave(False, mode)
            raise_pending()
            check(status, &error)
            out = [record[i] for i in range(1 + m.n)]
        finally:
            cnn_memory_release(record)
        return out + (s.collected.figures(functions, s.rows) if functions else [])

    # ---- One step, and its parts

    def step(self, data, *, bint training=True, bint apply=True):
        """(loss, penalty) of one batch, before the update; the gradient, and with apply the update."""
        cdef Data d
        cdef double loss = 0, penalty = 0
        cdef cnn_status status
        cdef bint writes = apply or training
        cdef int mode
        self.needs_loss()
        d = self.batch(data)
        mode = self.enter(writes)
        with nogil:
            status = cnn_trainer_step_data(self.c, &d.c, training, apply, &loss, &penalty, &self.error)
        self.leave(writes, mode)
        check(status, &self.error)
        return loss, penalty

    def forward(self, inputs, bint training, lengths=None):
        """The network's outputs; what backward needs is kept."""
        cdef Data d = data_from((inputs, None, None, lengths))
        cdef Outputs to = Outputs.__new__(Outputs)
        cdef cnn_status status
        cdef int mode
        self.made()
        if d.c.rows > self.max_batch:
            raise ValueError(f"X has {d.c.rows} rows; the trainer was made for at most {self.max_batch}")
        to.begin(self.network, self.network._outputs, d.c.rows, open_sizes(self.network, d), None)
        mode = self.enter(training)
        self.forward_rows = 0
        with nogil:
            status = cnn_trainer_forward_data(self.c, &d.c, training, <void *const *>to.to, &self.error)
        if status == CNN_OK:
            self.forward_rows = d.c.rows
        self.leave(training, mode)
        check(status, &self.error)
        return to.arrays

    def backward(self, gradients, bint accumulate):
        """From dL/d(outputs) of the last forward: the parameters' gradients (added with accumulate), and dL/d(inputs), None of integer ones."""
        cdef Outputs to = Outputs.__new__(Outputs)
        cdef list buffers = []
        cdef list values
        cdef const void **given
        cdef cnn_status status
        cdef Buffer b
        cdef size_t i, n
        cdef int mode
        self.made()
        if self.forward_rows == 0:
            raise RuntimeError("backward was called before forward")
        values = self.network._inputs
        n = cnn_network_output_count(self.network.c)
        gradients = list(gradients)
        if <size_t>len(gradients) != n:
            raise ValueError(f"{len(gradients)} gradients were given; the network has {n} outputs")
        for i in range(n):
            v = cnn_network_output_value(self.network.c, i)
            buffers.append(take_exact(gradients[i], value_dtype(self.network, v), bound_shape(self.network, v, self.forward_rows, None), "the gradient"))
        to.begin(self.network, values, self.forward_rows, None, None)
        given = <const void **>PyMem_Malloc((n + 1) * sizeof(void *))
        if given == NULL:
            raise MemoryError()
        try:
            for i in range(n):
                b = buffers[i]
                given[i] = b.view.buf
            kinds = [value_dtype(self.network, v).kind for v in values]
            for i in range(to.n):
                if kinds[i] != "f":
                    to.to[i] = NULL
            mode = self.enter(False)
            with nogil:
                status = cnn_trainer_backward_data(self.c, given, accumulate, <void *const *>to.to, &self.error)
            self.leave(False, mode)
        finally:
            PyMem_Free(given)
        check(status, &self.error)
        return [to.arrays[i] if kinds[i] == "f" else None for i in range(to.n)]

    def apply(self):
        """The optimizer's update, from the gradients."""
        cdef cnn_status status
        cdef int mode = self.enter(True)
        with nogil:
            status = cnn_trainer_apply(self.c)
        self.leave(True, mode)
        check(status, &self.error)

    def gradient(self, Py_ssize_t block):
        """A copy; None where the block has no gradient."""
        cdef cnn_block_info info
        cdef const void *p
        cdef int mode
        self.made()
        self.network.block_number(block)
        mode = self.enter(False)
        try:
            p = cnn_trainer_gradient(self.c, block)
            if p == NULL:
                return None
            check(cnn_network_block(self.network.c, block, &info), NULL)
            return array_from(p, info.count * self.network.item, self.network.out_dtype, shape_tuple(info.rank, info.dims))
        finally:
            self.leave(False, mode)


# ---- Parts of a fit ----------------------------------------------------------------------------------------------------------------

cdef class Metrics:
    """(name, constant, output) each, as the engine takes them."""
    cdef cnn_metric_spec *c
    cdef size_t n

    def __dealloc__(self):
        PyMem_Free(self.c)

    cdef int fill(self, object metrics) except -1:
        metrics = list(metrics)
        self.c = <cnn_metric_spec *>PyMem_Malloc((len(metrics) + 1) * sizeof(cnn_metric_spec))
        if self.c == NULL:
            raise MemoryError()
        for name, constant, output in metrics:
            self.c[self.n].kind = <cnn_metric><int>number_of(METRICS, name, "metric")
            self.c[self.n].constant = constant
            self.c[self.n].output = output
            self.n += 1
        return 0


cdef tuple callables(object functions, str what):
    for f in functions:
        if not callable(f):
            raise TypeError(f"{what} must be callable; {described(f)} was given")
    return tuple(functions)


cdef void *records_room(size_t epochs, size_t width) except NULL:
    cdef size_t bytes = 0
    cdef void *p = NULL
    if cnn_size_mul(epochs, width, &bytes) and cnn_size_mul(bytes, sizeof(double), &bytes):
        p = cnn_memory_new(NULL, bytes + sizeof(double))
    if p == NULL:
        raise MemoryError(f"not enough memory for the records of {epochs} epochs")
    return p


cdef list column_of(const double *p, size_t n, size_t width):
    """Every width-th number, n of them. Where one stays the same for many epochs, as the learning rate does, so does the float."""
    cdef list out = []
    cdef object number = None
    cdef size_t i
    for i in range(n):
        if i == 0 or memcmp(p + i * width, p + (i - 1) * width, sizeof(double)):
            number = p[i * width]
        out.append(number)
    return out


cdef list fit_columns(Fit fit, const cnn_fit_options *o):
    """The figures of the epochs done, a list each: few long lists cost the garbage collector nothing, a list an epoch does."""
    cdef size_t i, j, n = o.epochs_done, first = 3 + fit.n_metrics
    cdef list columns
    if fit.functions:
        n = min(n, <size_t>len(fit.figures))
    columns = [column_of(o.records + j, n, fit.width) for j in range(fit.width)]
    if not fit.functions:
        return columns
    mine = [[fit.figures[i][0][j] for i in range(n)] for j in range(<size_t>len(fit.functions))]
    theirs = [[fit.figures[i][1][j] for i in range(n)] for j in range(<size_t>len(fit.functions))] if fit.validation is not None else []
    return columns[:first] + mine + columns[first:] + theirs
