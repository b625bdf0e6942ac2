# Trainers: the engine's trainer, its losses, its optimizer and state, and who may use it. What it does is in fit.pxi.

@cython.no_gc_clear
cdef class TrainerBase:
    """A trainer without what it does."""
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
    cdef readonly list classes  # by output: labels are below it; 0: targets are numbers
    cdef public list columns   # of the last fit

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
        self.columns = []
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
            raise BusyError("the network's trainer is at work, in another thread or for the fit that this is a callback of; net.copy() has one of its own")
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
        cdef uint64_t epoch = 0, step = 0, updates = 0
        cdef void *p
        cdef const void *q
        for i in range(n):
            q = cnn_trainer_slot(old, i, &bytes)
            p = cnn_trainer_slot(c, i, &more)
            if bytes == more and p != NULL:
                memcpy(p, q, bytes)
        cnn_trainer_counters(old, &epoch, &step, &updates)
        cnn_trainer_set_counters(c, epoch, step, updates)
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

    # ---- The optimizer and its state

    @property
    def optimizer(self):
        return self.kind

    @property
    def memory(self):
        """Bytes: (gradients, optimizer, workspace)."""
        cdef size_t[3] bytes
        self.made()
        cnn_trainer_memory(self.c, bytes)
        return bytes[0], bytes[1], bytes[2]

    @property
    def pace(self):
        """(whether the next step is one thread's alone, milliseconds of a row with the team, and alone)."""
        cdef double[2] costs
        self.made()
        alone = bool(cnn_trainer_pace(self.c, costs))
        return alone, costs[0], costs[1]

    @pace.setter
    def pace(self, bint alone):
        """For the steps to come, until it judges anew; also from a hook of the trainer's own fit."""
        self.made()
        cnn_trainer_set_pace(self.c, alone)

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
        """epoch, step, updates"""
        cdef uint64_t epoch = 0, step = 0, updates = 0
        if self.c != NULL:
            cnn_trainer_counters(self.c, &epoch, &step, &updates)
        return epoch, step, updates

    @property
    def epoch(self):
        return self.counters()[0]

    @epoch.setter
    def epoch(self, uint64_t epoch):
        at = self.counters()
        self.set_counters(epoch, at[1], at[2])

    @property
    def step_count(self):
        """Steps of the optimizer so far."""
        return self.counters()[2]

    @step_count.setter
    def step_count(self, uint64_t updates):
        at = self.counters()
        self.set_counters(at[0], at[1], updates)

    cdef int set_counters(self, uint64_t epoch, uint64_t step, uint64_t updates) except -1:
        self.made()
        cnn_trainer_set_counters(self.c, epoch, step, updates)
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
            cnn_trainer_counters(self.c, &counters[0], &counters[1], &counters[2])
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
            raise BusyError("the network is being trained by another thread; a copy made before, with net.copy(), can be used meanwhile")
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
            cnn_trainer_set_counters(self.c, counters[0], counters[1], counters[2])
            for i in range(n):
                p = cnn_trainer_slot(self.c, i, &bytes)
                memcpy(p, (<Buffer>slots[i]).view.buf, bytes)
        finally:
            self.leave(True, mode)
