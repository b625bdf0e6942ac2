# Hooks: C functions that the engine calls without the interpreter lock, and that call Python with it.
#
# They run on the thread that called the engine. What Python raises is kept (keep_pending); the hook returns non-zero, the engine ends with
# CNN_STOPPED, and `check` raises it on. Arrays handed to Python are copies: it may keep them.

# (thread, network) of the Function layers at work, so that training the same network from inside one is an error, not a deadlock.
cdef set at_work = set()


# ---- Function layers ---------------------------------------------------------------------------------------------------------------

cdef class FunctionHook:
    """The code of a Function layer.

    forward(x) -> y, or forward(x, parameters) -> y where the layer has parameters: a dict of arrays by name. x is an array with the batch
    first, or a list of them where the layer has several inputs. y has the layer's output shape.
    backward(x, y, dy) -> dx, or backward(x, y, dy, parameters) -> (dx, {name: gradient}). dx is like x (a list of several; None: zero); a
    parameter that is not named has the gradient zero."""
    cdef object function
    cdef str label
    cdef list names
    cdef size_t network

    cdef dict parameters(self, size_t n, const cnn_tensor *p):
        cdef size_t i
        return {self.names[i]: array_of_tensor(&p[i]) for i in range(n)}

    cdef int forward(self, size_t n_x, const cnn_tensor *x, size_t n_p, const cnn_tensor *p, const cnn_tensor *y) except -1:
        cdef size_t i
        inputs = array_of_tensor(&x[0]) if n_x == 1 else [array_of_tensor(&x[i]) for i in range(n_x)]
        result = self.function.forward(inputs, self.parameters(n_p, p)) if n_p else self.function.forward(inputs)
        return fill_tensor(y, result, f"the result of {self.label}'s forward")

    cdef int backward(self, size_t n_x, const cnn_tensor *x, const cnn_tensor *y, const cnn_tensor *dy, size_t n_p, const cnn_tensor *p,
                      const cnn_tensor *dx, const cnn_tensor *dp) except -1:
        cdef size_t i
        gradients = {}
        inputs = array_of_tensor(&x[0]) if n_x == 1 else [array_of_tensor(&x[i]) for i in range(n_x)]
        if n_p:
            result = self.function.backward(inputs, array_of_tensor(y), array_of_tensor(dy), self.parameters(n_p, p))
            if not isinstance(result, tuple) or len(result) != 2 or not isinstance(result[1], dict):
                raise TypeError(f"{self.label}'s backward must return (dx, {{name: gradient}}), as the layer has parameters; it returned {described(result)}")
            result, gradients = result
            unknown = set(gradients) - set(self.names)
            if unknown:
                raise ValueError(f"{self.label}'s backward returned a gradient of {sorted(unknown)[0]!r}; its parameters are {', '.join(self.names)}")
        else:
            result = self.function.backward(inputs, array_of_tensor(y), array_of_tensor(dy))
        if n_x == 1:
            result = [result]
        elif not isinstance(result, (list, tuple)) or <size_t>len(result) != n_x:
            raise TypeError(f"{self.label}'s backward must return a list of {n_x} arrays, one an input; it returned {described(result)}")
        for i in range(n_x):
            self.give(&dx[i], result[i], f"the gradient of input {i} from {self.label}'s backward")
        for i in range(n_p):
            self.give(&dp[i], gradients.get(self.names[i]), f"the gradient of {self.names[i]} from {self.label}'s backward")
        return 0

    cdef int give(self, const cnn_tensor *to, object value, str what) except -1:
        if to.data == NULL:
            return 0
        if value is None:
            memset(<void *>to.data, 0, tensor_bytes(to))
            return 0
        return fill_tensor(to, value, what)


cdef int function_forward(void *user, int training, size_t n_x, const cnn_tensor *x, size_t n_p, const cnn_tensor *p, const cnn_tensor *y) noexcept with gil:
    cdef FunctionHook hook = <FunctionHook>user
    cdef object place = (this_thread(), hook.network)
    cdef bint outer = place not in at_work
    at_work.add(place)
    try:
        hook.forward(n_x, x, n_p, p, y)
        return 0
    except BaseException as e:
        keep_pending(e)
        return 1
    finally:
        if outer:
            at_work.discard(place)


cdef int function_backward(void *user, size_t n_x, const cnn_tensor *x, const cnn_tensor *y, const cnn_tensor *dy, size_t n_p, const cnn_tensor *p,
                           const cnn_tensor *dx, const cnn_tensor *dp) noexcept with gil:
    cdef FunctionHook hook = <FunctionHook>user
    cdef object place = (this_thread(), hook.network)
    cdef bint outer = place not in at_work
    at_work.add(place)
    try:
        hook.backward(n_x, x, y, dy, n_p, p, dx, dp)
        return 0
    except BaseException as e:
        keep_pending(e)
        return 1
    finally:
        if outer:
            at_work.discard(place)


# ---- Losses of one's own -----------------------------------------------------------------------------------------------------------

cdef object target_for(object y_true, object y_pred, bint integers):
    """As a function in Python wants its targets: integers where integers were given, and in the predictions' shape where they are as
    many numbers, so that nothing broadcasts to (n, n)."""
    if integers:
        y_true = y_true.astype(DTYPES[<int>CNN_INT64])
    return y_true.reshape(y_pred.shape) if y_true.size == y_pred.size else y_true


cdef class LossHook:
    """f(y_true, y_pred) -> (losses (n,), gradients like y_pred): each sample's own, unweighted. Called a tile of the batch at a time."""
    cdef object function
    cdef bint integers     # of the data at work

    cdef int run(self, const cnn_tensor *target, const cnn_tensor *prediction, double *losses, void *gradients) except -1:
        cdef cnn_tensor t
        y_pred = array_of_tensor(prediction)
        result = self.function(target_for(array_of_tensor(target), y_pred, self.integers), y_pred)
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeError(f"the loss must return (losses, gradients); it returned {described(result)}")
        t = prediction[0]
        t.data = losses
        t.dtype = CNN_FLOAT64
        t.rank = 1
        fill_tensor(&t, result[0], "the loss's first result, one number a sample,")
        t = prediction[0]
        t.data = gradients
        return fill_tensor(&t, result[1], "the loss's second result, the gradient,")


cdef int loss_run(void *user, size_t output, const cnn_tensor *target, const cnn_tensor *prediction, double *losses, void *gradients) noexcept with gil:
    try:
        (<LossHook>user).run(target, prediction, losses, gradients)
        return 0
    except BaseException as e:
        keep_pending(e)
        return 1


cdef int loss_none(void *user, size_t output, const cnn_tensor *target, const cnn_tensor *prediction, double *losses, void *gradients) noexcept nogil:
    """Of a trainer whose gradients come from outside."""
    return 1


# ---- Data in batches, and what metrics in Python see of them -------------------------------------------------------------------------

cdef class Collected:
    """Predictions and targets of the first output, as the engine writes them while an epoch goes on: float64, a row a sample."""
    cdef double **predictions  # an output each; NULL but for the first
    cdef double **targets
    cdef size_t room, prediction_row, target_row
    cdef tuple prediction_shape, target_shape
    cdef bint integers

    def __dealloc__(self):
        if self.predictions != NULL:
            cnn_memory_release(self.predictions[0])
            cnn_memory_release(self.targets[0])
        PyMem_Free(self.predictions)
        PyMem_Free(self.targets)

    cdef int begin(self, size_t outputs, tuple prediction_shape) except -1:
        self.predictions = <double **>PyMem_Malloc(outputs * sizeof(double *))
        if self.predictions == NULL:
            raise MemoryError()
        self.predictions[0] = NULL
        self.targets = <double **>PyMem_Malloc(outputs * sizeof(double *))
        if self.targets == NULL:
            PyMem_Free(self.predictions)
            self.predictions = NULL
            raise MemoryError()
        memset(self.predictions, 0, outputs * sizeof(double *))
        memset(self.targets, 0, outputs * sizeof(double *))
        self.prediction_shape = prediction_shape
        self.prediction_row = 1
        for n in prediction_shape:
            self.prediction_row *= <size_t>n
        return 0

    cdef int reserve(self, Data d, size_t used) except -1:
        """Room for d's rows behind those used."""
        cdef const cnn_array *y
        cdef tuple shape
        cdef size_t rows = used + d.c.rows
        if d.c.n_targets == 0:
            return 0  # the engine says so
        y = &d.c.targets[0]
        shape = shape_tuple(y.rank, y.dims)[1:]
        if self.room and shape != self.target_shape:
            raise ValueError(f"the targets of one batch have rows of the shape {self.target_shape}, of another {shape}")
        if rows <= self.room:
            return 0
        self.target_shape = shape
        self.integers = is_integer(y.dtype)
        self.target_row = 1
        for n in shape:
            self.target_row *= <size_t>n
        if self.room:
            rows += rows // 2
        self.grow(&self.predictions[0], used * self.prediction_row, rows, self.prediction_row)
        self.grow(&self.targets[0], used * self.target_row, rows, self.target_row)
        self.room = rows
        return 0

    cdef int grow(self, double **p, size_t used, size_t rows, size_t row) except -1:
        cdef size_t bytes = 0
        cdef double *more = NULL
        if cnn_size_mul(rows, row, &bytes) and cnn_size_mul(bytes, sizeof(double), &bytes):
            more = <double *>cnn_memory_new(NULL, bytes + sizeof(double))
        if more == NULL:
            raise MemoryError(f"not enough memory for the predictions of {rows} rows, which a metric in Python needs")
        if used:
            memcpy(more, p[0], used * sizeof(double))
        cnn_memory_release(p[0])
        p[0] = more
        return 0

    cdef list figures(self, object functions, size_t rows):
        """Of each function f(y_true, y_pred) its number."""
        cdef object f64 = DTYPES[<int>CNN_FLOAT64]
        cdef list out = []
        for f in functions:
            y_pred = array_from(self.predictions[0], rows * self.prediction_row * sizeof(double), f64, (rows,) + self.prediction_shape)
            y_true = array_from(self.targets[0], rows * self.target_row * sizeof(double), f64, (rows,) + self.target_shape)
            out.append(float(f(target_for(y_true, y_pred, self.integers), y_pred)))
        return out


cdef bint is_integer(cnn_dtype dtype) noexcept:
    return dtype != CNN_FLOAT32 and dtype != CNN_FLOAT64 and dtype != CNN_FLOAT16


cdef class Source:
    """A data set as the engine reads it: arrays held whole, or batches from a callable(epoch, batch) -> data or None."""
    cdef cnn_source c
    cdef object call
    cdef Data data             # the arrays, or the batch at work
    cdef Collected collected   # None: no metric in Python
    cdef Trainer trainer
    cdef size_t rows           # of the epoch so far, or of all of it

    cdef int next(self, uint64_t epoch, uint64_t batch, cnn_data *out) except -1:
        cdef object parts = self.call(epoch, batch)
        if batch == 0:
            self.rows = 0
        if parts is None:
            return 1
        self.data = data_from(parts)
        if self.data.c.rows == 0:
            raise ValueError(f"batch {batch} has no rows")
        self.trainer.check_data(self.data)
        if self.collected is not None:
            self.collected.reserve(self.data, self.rows)
        self.rows += self.data.c.rows
        out[0] = self.data.c
        return 0


cdef int source_next(void *user, uint64_t epoch, uint64_t batch, cnn_data *out) noexcept with gil:
    try:
        return (<Source>user).next(epoch, batch, out)
    except BaseException as e:
        keep_pending(e)
        return -1


# ---- A fit -------------------------------------------------------------------------------------------------------------------------

cdef class Fit:
    """One fit: what its hooks need, and the records of the epochs done."""
    cdef Trainer trainer
    cdef Source train, validation
    cdef object epoch_begin, epoch_end, batch_begin, batch_end, tick, reduce, rate
    cdef tuple functions
    cdef size_t width, n_metrics   # of a record of the engine
    cdef list figures              # of the functions: an epoch each

    cdef list record(self, const double *numbers, list figures):
        """The engine's record with the functions' numbers behind its metrics."""
        cdef size_t i, first = 3 + self.n_metrics
        cdef list out = [numbers[i] for i in range(self.width)]
        if figures is None:
            return out
        return out[:first] + figures[0] + out[first:] + figures[1]

    cdef bint end_epoch(self, uint64_t epoch, const double *numbers) except -1:
        cdef list figures = None
        if self.functions:
            figures = [self.train.collected.figures(self.functions, self.train.rows), []]
            if self.validation is not None:
                figures[1] = self.validation.collected.figures(self.functions, self.validation.rows)
            self.figures.append(figures)
        return self.epoch_end is not None and bool(self.epoch_end(epoch, self.record(numbers, figures)))


cdef int fit_epoch_begin(void *user, uint64_t epoch) noexcept with gil:
    try:
        return bool((<Fit>user).epoch_begin(epoch))
    except BaseException as e:
        keep_pending(e)
        return 1


cdef int fit_epoch_end(void *user, uint64_t epoch, const double *record) noexcept with gil:
    try:
        return (<Fit>user).end_epoch(epoch, record)
    except BaseException as e:
        keep_pending(e)
        return 1


cdef int fit_batch_begin(void *user, uint64_t epoch, uint64_t batch) noexcept with gil:
    cdef Fit fit = <Fit>user
    try:
        if fit.rate is not None and pending and this_thread() in pending:  # the schedule, just asked, has raised
            return 1
        return fit.batch_begin is not None and bool(fit.batch_begin(epoch, batch))
    except BaseException as e:
        keep_pending(e)
        return 1


cdef int fit_batch_end(void *user, uint64_t epoch, uint64_t batch, double loss) noexcept with gil:
    try:
        return bool((<Fit>user).batch_end(epoch, batch, loss))
    except BaseException as e:
        keep_pending(e)
        return 1


cdef int fit_tick(void *user, uint64_t epoch, uint64_t batch, double loss) noexcept with gil:
    """Ctrl-C, and progress."""
    cdef Fit fit = <Fit>user
    try:
        PyErr_CheckSignals()
        return fit.tick is not None and bool(fit.tick(epoch, batch, loss))
    except BaseException as e:
        keep_pending(e)
        return 1


cdef int evaluate_tick(void *user, uint64_t epoch, uint64_t batch, double loss) noexcept with gil:
    try:
        PyErr_CheckSignals()
        return 0
    except BaseException as e:
        keep_pending(e)
        return 1


cdef int fit_reduce(void *user, void *values, size_t count, cnn_dtype dtype) noexcept with gil:
    """reduce(values) -> their sums over all ranks, or None when it has written them into `values`."""
    cdef cnn_tensor t
    try:
        memset(&t, 0, sizeof(t))
        t.data = values
        t.dtype = dtype
        t.rank = 1
        t.dims[0] = count
        array = array_of_tensor(&t)
        result = (<Fit>user).reduce(array)
        fill_tensor(&t, array if result is None else result, "the result of reduce")
        return 0
    except BaseException as e:
        keep_pending(e)
        return 1


cdef double fit_rate(void *user, double epoch) noexcept with gil:
    """The learning rate of a schedule in Python. When it fails, batch_begin, which comes next, ends the fit."""
    cdef double lr
    try:
        lr = (<Fit>user).rate(epoch)
        if not 0 <= lr < float("inf"):
            raise ValueError(f"the schedule's rate at epoch {epoch:.6g} is {lr}; it must be a finite number of at least 0")
        return lr
    except BaseException as e:
        keep_pending(e)
        return 0
