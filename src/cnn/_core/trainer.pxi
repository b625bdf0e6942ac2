# Training: the engine's trainer, its losses, its state, and all epochs of a fit.

@cython.no_gc_clear
cdef class Trainer:
    """One trainer of one network. losses: one a network output: None to infer it, (name, constant, weight) or (callable, 0.0, weight); None
    altogether for a trainer whose gradients come from outside (forward and backward)."""
    cdef cnn_trainer *c
    cdef readonly Network network
    cdef cnn_trainer_setup setup
    cdef cnn_loss_spec *specs
    cdef cnn_options options
    cdef cnn_error error
    cdef cnn_gate gate         # the trainer's own memory: one call at a time
    cdef size_t configuration
    cdef list hooks            # LossHooks by output, None where the loss is the engine's
    cdef str kind
    cdef size_t forward_rows   # of the last forward
    cdef bint has_loss
    cdef readonly size_t max_batch
    cdef readonly list losses  # names; "custom" for a callable
    cdef readonly list classes # by output: labels are below it; 0: targets are numbers
    cdef public list records   # of the last fit

    def __init__(self, Network network not None, losses, optimizer, options, size_t max_batch, bint input_gradients=False):
        if self.c != NULL:
            raise RuntimeError("the trainer has been made already")
        if max_batch < 1:
            raise ValueError("max_batch is 0; it must be at least 1")
        network.built()
        fresh(&self.error)
        memset(&self.setup, 0, sizeof(self.setup))
        self.network = network
        self.max_batch = max_batch
        self.records = []
        self.setup.max_batch = max_batch
        self.setup.input_gradients = input_gradients
        optimizer_from(optimizer, options, &self.setup.optimizer)
        self.kind = optimizer
        self.take_losses(losses)
        cdef int mode = network.read()
        try:
            self.c = self.make()
        finally:
            network.read_end(mode)

    def __dealloc__(self):
        cnn_trainer_free(self.c)
        PyMem_Free(self.specs)

    cdef int take_losses(self, object losses) except -1:
        cdef size_t i, n = cnn_network_output_count(self.network.c), classes
        cdef int32_t value
        cdef LossHook hook
        self.has_loss = losses is not None
        losses = list(losses) if self.has_loss else [None] * n
        if <size_t>len(losses) != n:
            raise ValueError(f"{len(losses)} losses were given; the network has {n} outputs")
        PyMem_Free(self.specs)
        self.specs = <cnn_loss_spec *>PyMem_Malloc((n + 1) * sizeof(cnn_loss_spec))
        if self.specs == NULL:
            raise MemoryError()
        memset(self.specs, 0, n * sizeof(cnn_loss_spec))
        self.hooks = []
        self.losses = []
        self.classes = []
        for i in range(n):
            name, constant, weight = losses[i] if losses[i] is not None else (None, 0.0, 1.0)
            self.specs[i].constant = constant
            self.specs[i].weight = weight
            if not 0 <= self.specs[i].weight < float("inf"):
                raise ValueError(f"the weight of loss {i} is {weight}; it must be a finite number of at least 0")
            hook = None
            value = 0
            classes = 0
            if not self.has_loss:
                self.specs[i].hook = loss_none
            elif callable(name):
                hook = LossHook.__new__(LossHook)
                hook.function = name
                self.specs[i].hook = loss_run
                self.specs[i].user = <void *>hook
            else:
                if name is not None:
                    self.specs[i].kind = <cnn_loss><int>number_of(LOSSES, name, "loss")
                check(cnn_loss_resolve(self.network.c, i, &self.specs[i].kind, &value, &classes, &self.error), &self.error)
            self.hooks.append(hook)
            self.losses.append("custom" if hook is not None else name_of(LOSSES, self.specs[i].kind) if self.has_loss else "none")
            self.classes.append(classes)
        self.setup.losses = self.specs
        self.setup.n_losses = n
        return 0

    cdef cnn_trainer *make(self) except NULL:
        cdef cnn_trainer *c = NULL
        fresh(&self.error)
        memset(&self.options, 0, sizeof(self.options))
        self.options.size = sizeof(cnn_options)
        self.options.error = &self.error
        # Python's code is called on the caller's own thread: whatever it relies on (numpy.errstate, a debugger) is there.
        if not self.network.has_functions and not any(h is not None for h in self.hooks):
            self.options.executor = cnn_pool()
        self.setup.options = &self.options
        check(cnn_trainer_new(self.network.c, &self.setup, &c), &self.error)
        self.configuration = configuration
        return c

    # ---- Who may: the network's gate, and the trainer's own

    cdef int enter(self, bint writes) except -1:
        """To be followed by leave(writes, what it returned)."""
        cdef int mode
        self.made()
        mode = self.network.write() if writes else self.network.read()
        if cnn_gate_write(&self.gate, this_thread()) != CNN_GATE_IN:
            self.network_end(writes, mode)
            raise BusyError("the trainer is at work: a callback of its own fit, and other threads, need a trainer of their own")
        try:
            if self.configuration != configuration:
                self.renew()
            fresh(&self.error)
        except BaseException:
            self.leave(writes, mode)
            raise
        return mode

    cdef void network_end(self, bint writes, int mode) noexcept:
        if writes:
            self.network.write_end(mode)
        else:
            self.network.read_end(mode)

    cdef void leave(self, bint writes, int mode) noexcept:
        cnn_gate_write_end(&self.gate)
        self.network_end(writes, mode)

    cdef int renew(self) except -1:
        """For another instruction set, number of threads, or set of trainable blocks: the same trainer in new memory."""
        cdef cnn_trainer *old = self.c
        cdef cnn_trainer *c = self.make()
        cdef size_t i, bytes = 0, more = 0, n = cnn_trainer_slot_count(old)
        cdef uint64_t epoch = 0, step = 0
        cdef void *p
        cdef const void *q
        for i in range(n):
            q = cnn_trainer_slot(old, i, &bytes)
            p = cnn_trainer_slot(c, i, &more)
            if bytes == more and p != NULL:
                memcpy(p, q, bytes)
        cnn_trainer_counters(old, &epoch, &step)
        cnn_trainer_set_counters(c, epoch, step)
        cnn_trainer_set_lr(c, cnn_trainer_lr(old))
        cnn_trainer_free(old)
        self.c = c
        self.forward_rows = 0
        return 0

    cdef int made(self) except -1:
        if self.c == NULL:
            raise RuntimeError("the trainer has not been made")
        return 0

    cdef int needs_loss(self) except -1:
        self.made()
        if not self.has_loss:
            raise RuntimeError("the trainer has no loss: its gradients come from outside, by backward()")
        return 0

    cdef int check_data(self, Data data) except -1:
        """What the engine leaves to us: how many weights a row has; and what a loss in Python wants to know of its targets."""
        cdef cnn_tensor_info v
        cdef size_t i, steps
        cdef int32_t k
        for i in range(len(self.hooks)):
            if self.hooks[i] is not None and i < data.c.n_targets:
                (<LossHook>self.hooks[i]).integers = is_integer(data.c.targets[i].dtype)
            elif data.c.weights != NULL and data.c.weight_width > 1:
                value_info(self.network.c, cnn_network_output_value(self.network.c, i), &v)
                steps = 1
                for k in range(1, v.rank - 1):
                    if v.dims[k] != <size_t>-1:
                        steps *= v.dims[k]
                if data.c.weight_width != steps:
                    raise ValueError(f"sample_weight has {data.c.weight_width} weights a row; the output has {steps} step{'s' if steps > 1 else ''}")
        return 0

    cdef Data batch(self, object parts):
        cdef Data data = data_from(parts)
        self.check_data(data)
        return data

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
            functions=()):
        """All epochs; (records of the epochs done, "done" or "stopped"). When it raises, the records are in self.records.

        train, validation: (inputs, targets, weights[, lengths]) with lists of arrays, or a callable(epoch, batch) -> such data, None at the end
        of the epoch. schedule: (kind, lr, constants, warmup), or (callable, lr). Hooks: epoch_begin(epoch), epoch_end(epoch, record),
        batch_begin(epoch, batch), batch_end(epoch, batch, loss), tick(epoch, batch, loss) about every 20 ms; a true result stops. functions:
        metrics f(y_true, y_pred) of the first output, behind the others in a record. on_nan: "raise", "stop" or "ignore"."""
        cdef Fit fit = Fit.__new__(Fit)
        cdef cnn_fit_options o
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
            self.records = []
            o.records = <double *>records_room(epochs, fit.width)
            with nogil:
                status = cnn_trainer_run(self.c, &o, &error)
            self.records = fit_records(fit, &o)
        finally:
            cnn_memory_release(o.records)
            self.leave(True, mode)
        raise_pending()
        if status == CNN_STOPPED or (status == CNN_E_NONFINITE and o.on_nan == CNN_NAN_STOP):
            return self.records, "stopped"
        check(status, &error)
        return self.records, "done"

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
                    status = cnn_trainer_evaluate(self.c, &s.c, batch_rows, m.c, m.n, record, predictions, targets, NULL, &error)
            finally:
                self.leave(False, mode)
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

    # ---- The optimizer and its state

    @property
    def optimizer(self):
        return self.kind

    @property
    def lr(self):
        return cnn_trainer_lr(self.c) if self.c != NULL else 0.0

    @lr.setter
    def lr(self, double lr):
        """Also from a hook of the trainer's own fit."""
        if self.c == NULL or not 0 <= lr < float("inf"):
            raise ValueError(f"lr is {lr}; it must be a finite number of at least 0")
        check(cnn_trainer_set_lr(self.c, lr), &self.error)
        self.setup.optimizer.lr = lr

    def set_optimizer(self, kind, options):
        """The same kind: its state stays; another: afresh. A hook of the trainer's own fit may change options, not the kind."""
        cdef cnn_optimizer_options o
        cdef cnn_status status
        cdef int mode
        optimizer_from(kind, options, &o)
        self.made()
        mode = cnn_gate_write(&self.gate, this_thread())
        if mode == CNN_GATE_BUSY or (mode == CNN_GATE_OWN and (kind != self.kind or kind == "lbfgs")):
            raise BusyError("the trainer is at work: its optimizer cannot be replaced now")
        fresh(&self.error)
        status = cnn_trainer_set_optimizer(self.c, &o)
        if status == CNN_OK:
            self.setup.optimizer = o
            self.kind = kind
        if mode == CNN_GATE_IN:
            cnn_gate_write_end(&self.gate)
        check(status, &self.error)

    cdef tuple counters(self):
        cdef uint64_t epoch = 0, step = 0
        if self.c != NULL:
            cnn_trainer_counters(self.c, &epoch, &step)
        return epoch, step

    @property
    def epoch(self):
        return self.counters()[0]

    @epoch.setter
    def epoch(self, uint64_t epoch):
        self.set_counters(epoch, self.counters()[1])

    @property
    def step_count(self):
        """Steps of the optimizer so far."""
        return self.counters()[1]

    @step_count.setter
    def step_count(self, uint64_t step):
        self.set_counters(self.counters()[0], step)

    cdef int set_counters(self, uint64_t epoch, uint64_t step) except -1:
        self.made()
        cnn_trainer_set_counters(self.c, epoch, step)
        return 0

    def state(self):
        """Slots and counters, to be saved beside the network: as cnn_trainer_save_state writes them, so that C goes on from them too. Also
        from a hook of the trainer's own fit."""
        cdef size_t i, bytes = 0
        cdef const void *p
        cdef uint64_t counters[5]
        cdef double lr = self.lr
        cdef dict out = {}
        cdef int mode = self.read_own()
        try:
            cnn_trainer_counters(self.c, &counters[0], &counters[2])
            counters[1] = 0
            counters[3] = <uint64_t><int>OPTIMIZERS[self.kind]
            memcpy(&counters[4], &lr, sizeof(double))
            out["counters"] = array_from(counters, sizeof(counters), DTYPES[<int>CNN_UINT64], (5,))
            for i in range(cnn_trainer_slot_count(self.c)):
                p = cnn_trainer_slot(self.c, i, &bytes)
                out[f"slot{i}"] = array_from(p, bytes, DTYPES[<int>CNN_UINT8], (bytes,))
            return out
        finally:
            if mode == CNN_GATE_IN:
                cnn_gate_read_end(&self.gate)

    cdef int read_own(self) except -1:
        cdef int mode
        self.made()
        mode = cnn_gate_read(&self.gate, this_thread())
        if mode == CNN_GATE_BUSY:
            raise BusyError("the trainer is at work in another thread")
        return mode

    def set_state(self, state):
        """What state() gave, of a trainer of the same kind."""
        cdef Buffer b
        cdef size_t i, n, bytes = 0
        cdef const uint64_t *counters
        cdef double lr = 0
        cdef void *p
        cdef list slots = []
        cdef int mode = self.enter(True)
        try:
            n = cnn_trainer_slot_count(self.c)
            missing = [k for k in ["counters"] + [f"slot{i}" for i in range(n)] if k not in state]
            if missing:
                raise ValueError(f"the state has no {missing[0]}; it is of another optimizer than {self.kind}")
            for i in range(n):
                p = cnn_trainer_slot(self.c, i, &bytes)
                slots.append(take_exact(state[f"slot{i}"], DTYPES[<int>CNN_UINT8], (bytes,), f"slot{i} of the state"))
            b = take_exact(state["counters"], DTYPES[<int>CNN_UINT64], (5,), "counters of the state")
            counters = <const uint64_t *>b.view.buf
            if counters[3] != <uint64_t><int>OPTIMIZERS[self.kind]:
                raise ValueError(f"the state is of {name_of(OPTIMIZERS, counters[3])}; the trainer's optimizer is {self.kind}")
            memcpy(&lr, &counters[4], sizeof(double))
            check(cnn_trainer_set_lr(self.c, lr), &self.error)
            self.setup.optimizer.lr = lr
            cnn_trainer_set_counters(self.c, counters[0], counters[2])
            for i in range(n):
                p = cnn_trainer_slot(self.c, i, &bytes)
                memcpy(p, (<Buffer>slots[i]).view.buf, bytes)
        finally:
            self.leave(True, mode)


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


cdef list fit_records(Fit fit, const cnn_fit_options *o):
    cdef size_t i, n = o.epochs_done
    if not fit.functions:
        return [fit.record(o.records + i * fit.width, None) for i in range(n)]
    return [fit.record(o.records + i * fit.width, fit.figures[i]) for i in range(min(n, <size_t>len(fit.figures)))]
