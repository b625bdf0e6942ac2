# Prediction: the exact case, everything else, and prepared snapshots.

cdef enum:
    REUSED = 4096              # bytes of a result: its memory is used again. For larger ones a new array is nothing to the rest
    SHORT = 100000             # multiply-adds: below it (some 10 us) a call keeps the interpreter lock, as giving it up costs time too
    LONG = 1000000000          # above it (some 20 ms) Ctrl-C is looked for in between

cdef struct Live:              # a session on the network's own values, between calls in Network.sessions
    cnn_session *c
    cnn_options options
    cnn_error error
    size_t configuration


cdef void live_free(Live *live) noexcept nogil:
    if live != NULL:
        cnn_session_free(live.c)
        cnn_memory_release(live)


cdef Live *live_new(Network network, cnn_session_setup *setup) except NULL:
    cdef Live *live = <Live *>cnn_memory_new(NULL, sizeof(Live))
    cdef cnn_status status
    if live == NULL:
        raise MemoryError("not enough memory for a session")
    fresh(&live.error)
    live.options.size = sizeof(cnn_options)
    live.options.error = &live.error
    if not network.has_functions:  # Python's code is called on the caller's own thread
        live.options.executor = cnn_pool()
    live.configuration = configuration
    setup.options = &live.options
    status = cnn_session_new(network.c, setup, &live.c)
    if status != CNN_OK:
        try:
            check(status, &live.error)
        finally:
            live_free(live)
    return live


cdef Live *live_take(Network network) except NULL:
    """For one call, on one thread; live_give ends it."""
    cdef Live *live
    cdef cnn_session_setup setup
    while True:
        live = <Live *>cnn_spares_take(&network.sessions)
        if live == NULL:
            memset(&setup, 0, sizeof(setup))
            setup.live = 1
            return live_new(network, &setup)
        if live.configuration == configuration:
            return live
        live_free(live)


cdef inline void live_give(Network network, Live *live) noexcept nogil:
    if not cnn_spares_give(&network.sessions, live):
        live_free(live)


# ---- The exact case ----------------------------------------------------------------------------------------------------------------

cdef inline bint is_exact(const Py_buffer_c *b, Network network) noexcept:
    """C-contiguous rows of the network's input."""
    cdef Py_ssize_t stride = network.item
    cdef int i
    if b.ndim != network.rank or b.itemsize != stride or b.format == NULL or b.format[1] != 0:
        return False
    if b.format[0] != (c'f' if stride == 4 else c'd') or <size_t>b.buf % <size_t>stride:
        return False
    for i in range(b.ndim - 1, 0, -1):
        if <size_t>b.shape[i] != network.dims[i] or (b.strides[i] != stride and b.shape[i] > 1):
            return False
        stride *= b.shape[i]
    return b.strides[0] == stride or b.shape[0] <= 1


cdef inline bint is_exact_out(const Py_buffer_c *b, const Py_buffer_c *x, Network network) noexcept:
    """C-contiguous, of the network's dtype, one row of the output for each of x, and not in x's memory. Its shape is checked here too."""
    cdef Py_ssize_t stride = network.item
    cdef int i
    if b.ndim != len(network.out_shape) + 1 or b.itemsize != stride or b.format == NULL or b.format[1] != 0:
        return False
    if b.format[0] != (c'f' if stride == 4 else c'd') or <size_t>b.buf % <size_t>stride:
        return False
    for i in range(b.ndim - 1, 0, -1):
        if b.shape[i] != <Py_ssize_t>network.out_shape[i - 1] or (b.strides[i] != stride and b.shape[i] > 1):
            return False
        stride *= b.shape[i]
    if b.shape[0] != x.shape[0] or (b.strides[0] != stride and b.shape[0] > 1):
        return False
    return <char *>b.buf >= <char *>x.buf + x.len or <char *>x.buf >= <char *>b.buf + b.len


cdef object predict_exact(Network network, object x, object out):
    """The prediction, or None when this is not the exact case."""
    cdef Py_buffer_c b, o
    cdef object y = out
    cdef Py_ssize_t rows
    if get_buffer(x, &b, PyBUF_RECORDS_RO) < 0:
        PyErr_Clear()
        return None
    rows = b.shape[0] if b.ndim else 0
    if not is_exact(&b, network) or <double>rows * network.cost > LONG:
        release_buffer(&b)
        return None
    if <double>rows * network.cost < SHORT:
        return predict_short(network, &b, out)
    try:
        if y is None:
            y = new_output(network, rows)
        elif type(y) is not ndarray:
            return None
        if get_buffer(y, &o, PyBUF_RECORDS) < 0:
            PyErr_Clear()
            return None
        try:
            if out is not None and not is_exact_out(&o, &b, network):
                return None
            exact_rows(network, b.buf, rows, o.buf)
        finally:
            release_buffer(&o)
    finally:
        release_buffer(&b)
    return y


cdef inline object new_output(Network network, Py_ssize_t rows):
    if rows == 1:
        return PyObject_Call(np_empty, network.one_row, NULL)
    return np_empty((rows,) + network.out_shape, network.out_dtype)


cdef inline bint is_free(PyObject *y) noexcept:
    """Nobody has it but the attribute that it was read from. Whoever has a view or a buffer of an array has the array."""
    return not CNN_FREE_THREADED and y != <PyObject *>None and Py_REFCNT(y) == 1


cdef inline object spare_output(Network network):
    """One of the last two results, when it is free (as it is in a loop that keeps only the last), else None."""
    if not is_free(<PyObject *>network.recent):
        network.recent, network.older = network.older, network.recent
        if not is_free(<PyObject *>network.recent):
            return None
    return network.recent


cdef object short_output(Network network, Py_buffer_c *b, object out, void **to):
    """For so little work that the interpreter lock is kept: out, or a new array, whose numbers lie at *to; None when out does not fit. That
    lock and the references to the arrays keep their memory, so both buffers are given back here and nothing is left to undo."""
    cdef Py_buffer_c o
    cdef Py_ssize_t rows = b.shape[0]
    cdef object y = out
    cdef bint good
    if out is None and rows == 1 and network.reuses:  # numpy.empty takes half as long again as all the rest for a small network
        y = spare_output(network)
    if y is not None:
        good = type(y) is ndarray and get_buffer(y, &o, PyBUF_RECORDS) == 0
        if good:
            good = is_exact_out(&o, b, network)  # of a spare one too: its shape may have been changed
            to[0] = o.buf
            release_buffer(&o)
        else:
            PyErr_Clear()
        if good or out is not None:
            release_buffer(b)
            return y if good else None
    release_buffer(b)
    y = new_output(network, rows)
    if get_buffer(y, &o, PyBUF_WRITABLE) < 0:
        PyErr_Clear()
        return None
    to[0] = o.buf
    release_buffer(&o)
    if rows == 1 and network.reuses:
        network.recent = y
    return y


cdef object predict_short(Network network, Py_buffer_c *b, object out):
    cdef const void *x = b.buf
    cdef Py_ssize_t rows = b.shape[0]
    cdef void *to = NULL
    cdef object y = short_output(network, b, out, &to)
    if y is not None and rows:
        exact_rows(network, x, rows, to)
    return y


cdef int exact_rows(Network network, const void *x, size_t rows, void *y) except -1:
    cdef int mode = network.read()
    cdef Live *live = <Live *>cnn_spares_take(&network.sessions)
    cdef cnn_status status
    if live == NULL or live.configuration != configuration:
        live_free(live)
        try:
            live = live_take(network)
        except BaseException:
            network.read_end(mode)
            raise
    if <double>rows * network.cost < SHORT:
        status = cnn_session_predict_exact(live.c, x, rows, y, &live.error)
    else:
        with nogil:
            status = cnn_session_predict_exact(live.c, x, rows, y, &live.error)
    network.read_end(mode)
    if status != CNN_OK:
        failed_rows(live, status)
    live_give(network, live)
    return 0


cdef int failed_rows(Live *live, cnn_status status) except -1:
    try:
        check(status, &live.error)
    finally:
        live_free(live)
    return 0


# ---- Everything else ---------------------------------------------------------------------------------------------------------------

cdef class Sizes:
    """Concrete sizes for a session of a network with open ones."""
    cdef size_t dims[8 * 16]
    cdef const size_t *inputs[16]
    cdef bint needed


cdef Sizes open_sizes(Network network, Data data):
    cdef Sizes s = Sizes.__new__(Sizes)
    cdef cnn_tensor_info info
    cdef size_t i, n = cnn_network_input_count(network.c)
    cdef int32_t k
    if n != data.c.n_inputs:
        return s  # the engine says so
    for i in range(n):
        value_info(network.c, cnn_network_input_value(network.c, i), &info)
        if not is_plain(&info):
            s.needed = True
        if i >= 16:
            continue
        for k in range(1, 8):
            s.dims[8 * i + k - 1] = data.c.inputs[i].dims[k] if k < data.c.inputs[i].rank else 1
        s.inputs[i] = &s.dims[8 * i]
    if s.needed and n > 16:
        raise ValueError(f"the network has {n} inputs, some of open sizes; 16 are possible")
    return s


cdef tuple bound_shape(Network network, size_t value, size_t rows, Sizes sizes):
    """A value's shape in a call."""
    cdef cnn_tensor_info info
    cdef cnn_error error
    cdef int32_t k
    value_info(network.c, value, &info)
    if not is_plain(&info):
        if sizes is None:
            raise ValueError("this is not possible for a network with open sizes")
        fresh(&error)
        check(cnn_network_bind(network.c, &sizes.inputs[0], <int32_t>value, &info, &error), &error)
    return tuple([rows if k == 0 and info.dims[k] == <size_t>-1 else info.dims[k] for k in range(info.rank)])


cdef object value_dtype(Network network, size_t value):
    cdef cnn_tensor_info info
    value_info(network.c, value, &info)
    return DTYPES[<int>info.dtype]


cdef class Outputs:
    """Arrays for the engine to write into."""
    cdef list arrays, buffers
    cdef void **to
    cdef size_t *row_bytes     # 0: not one row a row of the call
    cdef size_t n

    def __dealloc__(self):
        PyMem_Free(self.to)
        PyMem_Free(self.row_bytes)

    cdef int begin(self, Network network, list values, size_t rows, Sizes sizes, object given) except -1:
        cdef Buffer b
        cdef size_t i, n = len(values)
        if given is not None and <size_t>len(given) != n:
            raise ValueError(f"{len(given)} arrays were given to write into; {n} are needed")
        self.n = n
        self.to = <void **>PyMem_Malloc((n + 1) * sizeof(void *))
        self.row_bytes = <size_t *>PyMem_Malloc((n + 1) * sizeof(size_t))
        if self.to == NULL or self.row_bytes == NULL:
            raise MemoryError()
        self.arrays = []
        self.buffers = []
        for i in range(n):
            shape = bound_shape(network, values[i], rows, sizes)
            dtype = value_dtype(network, values[i])
            if given is None:
                y = np_empty(shape, dtype)
                b = take_flat(y)
            else:
                y = given[i]
                b = take_exact(y, dtype, shape, "out", True)
            self.arrays.append(y)
            self.buffers.append(b)
            self.to[i] = b.view.buf
            self.row_bytes[i] = b.view.len // rows if rows and shape and <size_t>shape[0] == rows else 0
        return 0


cdef list value_numbers(Network network, object values):
    cdef size_t n = cnn_network_value_count(network.c)
    if values is None:
        return network._outputs
    values = [int(v) for v in values]
    for v in values:
        if not 0 <= v < n:
            raise IndexError(f"value {v} was asked for; the network has {n}")
    return values


cdef list run_network(Network network, object inputs, object values, bint training, object outputs, object lengths):
    cdef Data data = data_from((inputs, None, None, lengths))
    cdef Outputs to = Outputs.__new__(Outputs)
    cdef Buffer wanted
    cdef Sizes sizes
    cdef list numbers
    cdef cnn_session_setup setup
    cdef Live *live
    cdef bint plain
    cdef int mode
    network.built()
    if data.c.rows > 0xffffffff:
        raise ValueError(f"X has {data.c.rows} rows; at most {0xffffffff} are possible")
    sizes = open_sizes(network, data)
    numbers = value_numbers(network, values)
    to.begin(network, numbers, data.c.rows, sizes, outputs)
    if outputs is not None:
        for y in outputs:
            for x in inputs:
                if numpy.may_share_memory(x, y):
                    raise ValueError("out lies in the memory of X")
    plain = values is None and not training and not sizes.needed and not network.has_functions
    mode = network.read()
    try:
        if plain:
            live = live_take(network)
        else:
            memset(&setup, 0, sizeof(setup))
            setup.live = 1
            setup.training = training
            wanted = take_exact(numpy.asarray(numbers, DTYPES[<int>CNN_INT32]).reshape(-1), DTYPES[<int>CNN_INT32], None, "values")
            setup.values = <const int32_t *>wanted.view.buf
            setup.n_values = len(numbers)
            setup.max_rows = data.c.rows if network.has_functions else 0  # a Function sees whole batches
            if sizes.needed:
                setup.input_dims = <const size_t *const *>&sizes.inputs[0]
            live = live_new(network, &setup)
        try:
            run_rows(network, live, data, to, plain)
        except BaseException:
            live_free(live)
            raise
        if plain:
            live_give(network, live)
        else:
            live_free(live)
    finally:
        network.read_end(mode)
    return to.arrays


cdef int run_rows(Network network, Live *live, Data data, Outputs to, bint pieces) except -1:
    """All rows at once; or, when that takes long and the rows are each their own, piece after piece."""
    cdef size_t rows = data.c.rows, step = rows, first = 0, i
    cdef cnn_status status
    if pieces and network.cost * <double>rows > LONG:
        step = <size_t>(LONG / network.cost) // 256 * 256
        if step < 256:
            step = 256
    for i in range(to.n):
        if to.row_bytes[i] == 0:
            step = rows
    while True:
        data.c.rows = rows - first if rows - first < step + 256 else step
        for i in range(data.c.n_inputs):
            if step < rows:
                data.arrays[i].dims[0] = data.c.rows
        with nogil:
            status = cnn_session_predict(live.c, &data.c, <void *const *>to.to, &live.error)
        check(status, &live.error)
        first += data.c.rows
        if first >= rows:
            return 0
        for i in range(to.n):
            to.to[i] = <char *>to.to[i] + data.c.rows * to.row_bytes[i]
        for i in range(data.c.n_inputs):
            data.arrays[i].data = <char *>data.arrays[i].data + <ptrdiff_t>data.c.rows * data.arrays[i].strides[0]
        if data.c.lengths != NULL:
            data.c.lengths += data.c.rows
        PyErr_CheckSignals()


# ---- Snapshots ---------------------------------------------------------------------------------------------------------------------

@cython.no_gc_clear
cdef class Session:
    """A prepared snapshot of a network: its values of now, and all the memory that a run needs. For one thread at a time."""
    cdef Network network
    cdef Live *live
    cdef cnn_gate gate
    cdef readonly size_t max_batch

    def __dealloc__(self):
        live_free(self.live)

    cdef int enter(self) except -1:
        if self.live == NULL:
            raise RuntimeError("the session has not been made; use net.session()")
        if cnn_gate_write(&self.gate, this_thread()) != CNN_GATE_IN:
            raise BusyError("the session is running in another thread; a session is for one thread, make one for each")
        return 0

    @cython.binding(False)
    @cython.embedsignature(True)
    @cython.embedsignature.format("clinic")
    def run(self, x, out=None):
        """The output for x: rows (n, ...), or one row without the axis of rows. A list of arrays where the network has several inputs."""
        return self.run_best(x, out)

    cdef object run_best(self, object x, object out):
        cdef Network net = self.network
        cdef Py_buffer_c b, o
        cdef object y = out
        cdef cnn_status status
        if type(x) is not ndarray or not net.exact or get_buffer(x, &b, PyBUF_RECORDS_RO) < 0:
            PyErr_Clear()
            return self.run_any(x, out)
        if not is_exact(&b, net) or b.shape[0] < 1 or <size_t>b.shape[0] > self.max_batch:
            release_buffer(&b)
            return self.run_any(x, out)
        if <double>b.shape[0] * net.cost < SHORT:
            return self.run_short(&b, out, x)
        try:
            if y is None:
                y = new_output(net, b.shape[0])
            elif type(y) is not ndarray:
                return self.run_any(x, out)
            if get_buffer(y, &o, PyBUF_RECORDS) < 0:
                PyErr_Clear()
                return self.run_any(x, out)
            try:
                if out is not None and not is_exact_out(&o, &b, net):
                    return self.run_any(x, out)
                self.enter()
                with nogil:
                    status = cnn_session_predict_exact(self.live.c, b.buf, b.shape[0], o.buf, &self.live.error)
                cnn_gate_write_end(&self.gate)
                check(status, &self.live.error)
            finally:
                release_buffer(&o)
        finally:
            release_buffer(&b)
        return y

    cdef object run_short(self, Py_buffer_c *b, object out, object x):
        """As predict_short."""
        cdef const void *at = b.buf
        cdef size_t rows = b.shape[0]
        cdef void *to = NULL
        cdef object y = short_output(self.network, b, out, &to)
        cdef cnn_status status
        if y is None:
            return self.run_any(x, out)
        self.enter()
        status = cnn_session_predict_exact(self.live.c, at, rows, to, &self.live.error)
        cnn_gate_write_end(&self.gate)
        check(status, &self.live.error)
        return y

    cdef object run_any(self, object x, object out):
        cdef Data data
        cdef Outputs to = Outputs.__new__(Outputs)
        cdef cnn_status status
        cdef cnn_tensor_info info
        cdef bint one = False
        if self.live == NULL:
            self.enter()
        several = cnn_network_input_count(self.network.c) > 1
        inputs = [numpy.asarray(i) for i in (x if several else [x])]
        if not several:
            value_info(self.network.c, cnn_network_input_value(self.network.c, 0), &info)
            one = inputs[0].ndim == info.rank - 1
            if one:
                inputs = [inputs[0][None]]
        data = data_from((inputs, None, None))
        if data.c.rows > self.max_batch:
            raise ValueError(f"x has {data.c.rows} rows; the session was made for at most {self.max_batch} (net.session(max_batch=...))")
        several = cnn_network_output_count(self.network.c) > 1
        given = out
        if out is not None:
            out = list(out) if several else [numpy.asarray(out)[None] if one else out]
            for y in out:
                if any(numpy.may_share_memory(i, y) for i in inputs):
                    raise ValueError("out lies in the memory of x")
        to.begin(self.network, self.network._outputs, data.c.rows, open_sizes(self.network, data), out)
        self.enter()
        with nogil:
            status = cnn_session_predict(self.live.c, &data.c, <void *const *>to.to, &self.live.error)
        cnn_gate_write_end(&self.gate)
        check(status, &self.live.error)
        if out is not None:
            return given
        results = [y[0] for y in to.arrays] if one else to.arrays
        return results if several else results[0]

    def refresh(self):
        """Takes the network's values of now."""
        cdef int mode
        self.enter()
        try:
            mode = self.network.read()
            cnn_session_refresh(self.live.c)
            self.network.read_end(mode)
        finally:
            cnn_gate_write_end(&self.gate)


cdef Session session_of(Network network, size_t max_batch):
    cdef Session s = Session.__new__(Session)
    cdef cnn_session_setup setup
    cdef int mode
    if max_batch < 1:
        raise ValueError("max_batch is 0; it must be at least 1")
    memset(&setup, 0, sizeof(setup))
    setup.max_rows = max_batch
    s.network = network
    s.max_batch = max_batch
    mode = network.read()
    try:
        s.live = live_new(network, &setup)
    finally:
        network.read_end(mode)
    return s
