# Networks: making, describing, values, files; the gate of readers and one writer; and the door to prediction.

cdef class Network:
    """The compiled part of `cnn.Network`, which subclasses it."""
    cdef cnn_network *c        # NULL: not built
    cdef cnn_options options
    cdef cnn_error own_error
    cdef cnn_error *error      # the engine's network keeps this pointer: own_error, or the builder's
    cdef Builder builder
    cdef cnn_gate gate
    cdef cnn_spares sessions   # live ones, each for one thread at a time
    cdef dict functions        # FunctionHooks by node
    cdef cnn_dtype dtype
    cdef double cost           # of a row: about so many multiply-adds
    cdef bint has_functions
    # The exact case, where there is one: one input and one output of the network's dtype, every size but the batch known.
    cdef bint exact
    cdef int rank
    cdef size_t dims[8]        # of the input
    cdef Py_ssize_t item
    cdef tuple out_shape       # of a row of the output
    cdef tuple one_row         # arguments of numpy.empty for one row
    cdef bint reuses           # the memory of such results, once nobody has them any more:
    cdef object recent, older
    cdef object out_dtype
    cdef object __weakref__

    def __cinit__(self):
        self.error = &self.own_error
        fresh(self.error)
        self.options.size = sizeof(cnn_options)
        self.options.error = self.error
        self.functions = {}

    def __dealloc__(self):
        cdef Live *live = <Live *>cnn_spares_take(&self.sessions)
        while live != NULL:
            live_free(live)
            live = <Live *>cnn_spares_take(&self.sessions)
        cnn_network_free(self.c)

    # ---- Readers and writers

    cdef cnn_network *built(self) except NULL:
        if self.c == NULL:
            raise RuntimeError("the network has not been built")
        return self.c

    cdef int read(self) except -1:
        """To be followed by read_end(what it returned)."""
        cdef int mode
        if self.c == NULL:
            self.built()
        mode = cnn_gate_read(&self.gate, this_thread())
        if mode == CNN_GATE_BUSY:
            self.raise_busy()
        return mode

    cdef int raise_busy(self) except -1:
        raise BusyError("the network is being trained by another thread; a copy made before, with net.copy(), can be used meanwhile")

    cdef inline void read_end(self, int mode) noexcept nogil:
        if mode == CNN_GATE_IN:
            cnn_gate_read_end(&self.gate)

    cdef int write(self, bint within=False) except -1:
        """To be followed by write_end(what it returned). Waits for readers. within: may also be done by the hooks of the network's own fit."""
        cdef size_t me = this_thread()
        cdef int mode, done
        self.built()
        mode = cnn_gate_write(&self.gate, me)
        if mode == CNN_GATE_BUSY:
            self.raise_busy()
        if mode == CNN_GATE_OWN:
            if not within:
                raise BusyError("the network is being trained: this cannot be done by a callback, loss or layer of the same fit")
            return mode
        try:
            done = cnn_gate_wait(&self.gate, 0)
            if not done and at_work and (me, <size_t>self.c) in at_work:
                raise BusyError("the network is predicting: a Function layer cannot train the network that it is part of")
            while not done:
                with nogil:
                    done = cnn_gate_wait(&self.gate, 50000000)
                PyErr_CheckSignals()
        except BaseException:
            cnn_gate_write_end(&self.gate)
            raise
        return mode

    cdef inline void write_end(self, int mode) noexcept nogil:
        if mode == CNN_GATE_IN:
            cnn_gate_write_end(&self.gate)

    # ---- Making

    cdef int unbuilt(self) except -1:
        if self.c != NULL:
            raise RuntimeError("the network is built already")
        fresh(self.error)
        return 0

    cdef int finish(self) except -1:
        """What is asked often, once."""
        cdef cnn_tensor_info x, y
        self.dtype = cnn_network_dtype(self.c)
        self.item = item_of(self.dtype)
        self.out_dtype = DTYPES[<int>self.dtype]
        self.has_functions = has_functions(self.c)
        self.cost = network_cost(self.c)
        if cnn_network_input_count(self.c) != 1 or cnn_network_output_count(self.c) != 1 or self.has_functions:
            return 0
        value_info(self.c, cnn_network_input_value(self.c, 0), &x)
        value_info(self.c, cnn_network_output_value(self.c, 0), &y)
        if x.dtype != self.dtype or y.dtype != self.dtype or not is_plain(&x) or not is_plain(&y):
            return 0
        self.rank = x.rank
        memcpy(self.dims, x.dims, sizeof(x.dims))
        self.out_shape = shape_tuple(y.rank, y.dims)[1:]
        self.one_row = ((1,) + self.out_shape, self.out_dtype)
        self.reuses = value_bytes(&y) <= REUSED
        self.exact = True
        return 0

    def _build(self, Builder builder not None, outputs, dtype, seed):
        cdef Buffer b = take_exact(numpy.asarray(outputs, DTYPES[<int>CNN_INT32]).reshape(-1), DTYPES[<int>CNN_INT32], None, "outputs")
        cdef cnn_dtype code = dtype_code(dtype)
        self.unbuilt()
        fresh(&builder.error)
        check(cnn_builder_finish(builder.c, <const int32_t *>b.view.buf, b.array.dims[0], code, seed_of(seed), &self.c), &builder.error)
        self.builder = builder
        self.error = &builder.error
        self.finish()

    def _open(self, path):
        """Reads a model file; returns what was saved with the network."""
        return self.open_from(path_of(path), None)

    def _open_bytes(self, data):
        """The same from bytes, which are copied."""
        return self.open_from(None, data)

    cdef dict open_from(self, bytes path, object data):
        cdef cnn_extras *extras = NULL
        cdef int32_t foreign = 0
        cdef Buffer b = None
        cdef const char *p = NULL
        cdef const void *bytes_ = NULL
        cdef size_t size = 0
        cdef cnn_status status
        self.unbuilt()
        if path is not None:
            p = path
        else:
            b = bytes_buffer(data)
            bytes_ = b.view.buf
            size = b.view.len
        with nogil:
            status = cnn_network_open_with(p, bytes_, size, &self.options, &self.c, &extras, &foreign)
        check_file(status, self.error, foreign)
        try:
            self.finish()
            return extras_dict(extras)
        finally:
            cnn_extras_free(extras)

    def _open_parts(self, record, size_t data_bytes):
        """From the bytes of a `__cnn__` tensor alone; values are 0. data_bytes: how many bytes of tensors are at hand."""
        cdef Buffer b = bytes_buffer(record)
        self.unbuilt()
        check(cnn_network_open_parts(b.view.buf, b.view.len, data_bytes, &self.options, &self.c), self.error)
        self.finish()

    def _clone_from(self, Network other not None, dtype=None):
        cdef cnn_dtype code
        cdef cnn_status status
        cdef int mode
        self.unbuilt()
        mode = other.read()
        try:
            code = other.dtype if dtype is None else dtype_code(dtype)
            with nogil:
                status = cnn_network_clone(other.c, code, &self.options, &self.c)
            check(status, self.error)
            self.finish()
            for node, hook in other.functions.items():
                self.set_function(node, (<FunctionHook>hook).function)
        finally:
            other.read_end(mode)

    # ---- Files

    def _save(self, path, extras=None):
        """extras: arrays by name, kept beside the network."""
        cdef bytes p = path_of(path)
        self.save_to(p, extras, False)

    def _save_bytes(self, extras=None):
        return self.save_to(None, extras, False)

    def _save_state(self, path, extras):
        """A file of extras alone, which only this network reads."""
        self.save_to(path_of(path), extras, True)

    cdef object save_to(self, bytes path, object extras, bint alone):
        cdef Extras e = Extras.__new__(Extras)
        cdef const char *p = NULL
        cdef void *data = NULL
        cdef size_t size = 0
        cdef cnn_error error
        cdef cnn_status status
        cdef int mode
        e.fill(extras)
        fresh(&error)
        if path is not None:
            p = path
        mode = self.read()
        with nogil:
            if alone:
                status = cnn_state_save(self.c, p, e.c, e.n, &error)
            elif p != NULL:
                status = cnn_network_save_with(self.c, p, e.c, e.n, &error)
            else:
                status = cnn_network_save_memory_with(self.c, e.c, e.n, &data, &size, &error)
        self.read_end(mode)
        check(status, &error)
        if p != NULL:
            return None
        try:
            return PyBytes_FromStringAndSize(<const char *>data, size)
        finally:
            cnn_memory_free(data)

    def _open_state(self, path):
        """What _save_state, or _save with extras, has written: arrays by name."""
        cdef bytes p = path_of(path)
        cdef const char *text = p
        cdef cnn_extras *extras = NULL
        cdef cnn_options options
        cdef cnn_error error
        cdef cnn_status status
        fresh(&error)
        memset(&options, 0, sizeof(options))
        options.size = sizeof(options)
        options.error = &error
        self.built()
        with nogil:
            status = cnn_state_open(self.c, text, &options, &extras)
        check(status, &error)
        try:
            return extras_dict(extras)
        finally:
            cnn_extras_free(extras)

    @staticmethod
    def _extras(path):
        """What was saved with a network: arrays by name."""
        return Network.__new__(Network)._open(path)

    # ---- Describing

    @property
    def _built(self):
        return self.c != NULL

    @property
    def _dtype(self):
        self.built()
        return DTYPE_NAMES[<int>self.dtype]

    @property
    def _seed(self):
        return cnn_network_seed(self.built())

    @property
    def _version(self):
        return cnn_network_version(self.built())

    @property
    def _views(self):
        """Buffer exports of the parameters that are alive."""
        return cnn_network_views(self.built())

    @property
    def _inputs(self):
        return [cnn_network_input_value(self.built(), i) for i in range(cnn_network_input_count(self.built()))]

    @property
    def _outputs(self):
        return [cnn_network_output_value(self.built(), i) for i in range(cnn_network_output_count(self.built()))]

    def _nodes(self):
        """Of each node: op, name, inputs, output, n_outputs, attributes, blocks (numbers), shares (a node, or -1)."""
        return [node_dict(self.built(), i) for i in range(cnn_network_node_count(self.built()))]

    def _blocks(self):
        """Of each block: name, node, kind, shape, trainable, lr_scale, l1, l2, max_norm, count."""
        return [block_dict(self.built(), i) for i in range(cnn_network_parameter_count(self.built()))]

    def _values(self):
        """Of each value: its dtype and its shape (None: open)."""
        cdef cnn_tensor_info info
        cdef list out = []
        for i in range(cnn_network_value_count(self.built())):
            value_info(self.c, i, &info)
            out.append((DTYPE_NAMES[<int>info.dtype], shape_tuple(info.rank, info.dims)))
        return out

    def _metadata(self):
        cdef const char *key
        cdef const char *value
        cdef dict out = {}
        cdef int mode = self.read()
        try:
            for i in range(cnn_network_metadata_count(self.c)):
                cnn_network_metadata_at(self.c, i, &key, &value)
                out[key.decode("utf-8")] = value.decode("utf-8")
            return out
        finally:
            self.read_end(mode)

    def _set_metadata(self, str key not None, value):
        cdef bytes k = key.encode("utf-8"), v
        cdef const char *text = NULL
        cdef int mode
        if value is not None:
            v = (<str?>value).encode("utf-8")
            text = v
        if b"\0" in k or (value is not None and b"\0" in v):
            raise ValueError("metadata cannot hold a null character")
        mode = self.write(True)
        try:
            fresh(self.error)
            check(cnn_network_set_metadata(self.c, k, text), self.error)
        finally:
            self.write_end(mode)

    # ---- Values

    def _initialize(self, seed):
        """Fresh initial values."""
        cdef uint64_t s = seed_of(seed)
        cdef cnn_status status
        cdef int mode = self.write()
        fresh(self.error)
        with nogil:
            status = cnn_network_initialize(self.c, s)
        self.write_end(mode)
        check(status, self.error)

    def _block(self, Py_ssize_t index):
        """A writable view of a block's values."""
        return numpy.asarray(block_view(self, index))

    def _set_block(self, Py_ssize_t index, bint trainable, double lr_scale):
        cdef int mode
        self.block_number(index)
        mode = self.write()
        try:
            fresh(self.error)
            check(cnn_network_set_block(self.c, index, trainable, lr_scale), self.error)
            configuration_changed()
        finally:
            self.write_end(mode)

    cdef int block_number(self, Py_ssize_t index) except -1:
        cdef Py_ssize_t n = cnn_network_parameter_count(self.built())
        if not 0 <= index < n:
            raise IndexError(f"block {index} was asked for; the network has {n}")
        return 0

    def _arena(self):
        """All values as bytes."""
        cdef size_t size = 0
        cdef const char *p
        cdef int mode = self.read()
        try:
            p = <const char *>cnn_network_arena(self.c, &size)
            return PyBytes_FromStringAndSize(p, size)
        finally:
            self.read_end(mode)

    def _set_arena(self, data):
        cdef Buffer b = bytes_buffer(data)
        cdef size_t size = 0
        cdef int mode
        cdef void *p = cnn_network_arena(self.built(), &size)
        if <size_t>b.view.len != size:
            raise ValueError(f"{b.view.len} bytes were given; the network's values take {size}")
        mode = self.write(True)
        memcpy(p, b.view.buf, size)
        cnn_network_touch(self.c)
        self.write_end(mode)

    def _mix_from(self, Network other not None, double tau):
        """values = (1 - tau) values + tau other's; tau 1 copies."""
        cdef int mode, others
        if not 0 <= tau <= 1:
            raise ValueError(f"tau is {tau}; it must be 0 to 1")
        if self.built() == other.built():
            return
        same_blocks(self, other)
        mode = self.write(True)
        try:
            others = other.read()
            with nogil:
                mix_values(self.c, other.c, self.dtype, tau)
            other.read_end(others)
            cnn_network_touch(self.c)
        finally:
            self.write_end(mode)

    def _set_function(self, Py_ssize_t node, function):
        """function.forward and .backward: the code of a Function layer (FunctionHook says how they are called); None takes it away."""
        cdef int mode = self.write()
        try:
            self.set_function(node, function)
        finally:
            self.write_end(mode)

    cdef int set_function(self, Py_ssize_t node, object function) except -1:
        cdef cnn_function f
        cdef FunctionHook hook = None
        memset(&f, 0, sizeof(f))
        if function is not None:
            hook = function_hook(self.c, node, function)
            f.user = <void *>hook
            f.forward = function_forward
            f.backward = function_backward
        fresh(self.error)
        check(cnn_network_set_function(self.c, node, &f), self.error)
        self.functions[node] = hook  # the old one lives until sessions with it are gone: none runs now, and none is used again
        if hook is None:
            del self.functions[node]
        return configuration_changed()

    # ---- Prediction

    @cython.binding(False)
    @cython.embedsignature(True)
    @cython.embedsignature.format("clinic")
    def predict(self, X, *, batch_size=None, lengths=None, out=None, check=True):
        """Outputs for the rows of X: an array (n, *output_shape). lengths: the valid time steps of each row. out: an array to write into."""
        cdef object y
        if self.exact and type(X) is ndarray and batch_size is None and lengths is None:
            y = predict_exact(self, X, out)
            if y is not None:
                return y
        return self._predict_any(X, batch_size, lengths, out, check)

    def _predict_any(self, X, batch_size, lengths, out, check):
        """For what is not the exact case; `cnn.Network` has its own."""
        return self._run([numpy.asarray(X)], lengths=lengths, outputs=None if out is None else [out])[0]

    def _run(self, inputs, values=None, bint training=False, outputs=None, lengths=None):
        """Values (None: the network's outputs) for the rows of the inputs, arrays of any dtype and strides. outputs: arrays to write into."""
        return run_network(self, inputs, values, training, outputs, lengths)

    def _session(self, size_t max_batch=1):
        """A prepared snapshot."""
        return session_of(self, max_batch)

    def _prediction_memory(self):
        """Bytes of a prediction, of any number of rows: (what is made of the parameters and kept, workspace)."""
        cdef cnn_session_setup setup
        cdef cnn_options options
        cdef cnn_error error
        cdef size_t[2] bytes
        self.built()
        if self.has_functions:
            raise ValueError("a Function sees whole batches, of any size")
        memset(&setup, 0, sizeof(setup))
        memset(&options, 0, sizeof(options))
        fresh(&error)
        options.size = sizeof(options)
        options.executor = cnn_pool()
        setup.options = &options
        check(cnn_session_memory(self.c, &setup, bytes, &error), &error)
        return bytes[0], bytes[1]
