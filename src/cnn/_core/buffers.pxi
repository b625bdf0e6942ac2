# Python's buffers, by hand: the only code that touches them. Arrays go in as cnn_array, with any strides, dtype and byte order.

cdef extern from *:
    """
    #ifdef Py_GIL_DISABLED
    enum { CNN_FREE_THREADED = 1 };
    #else
    enum { CNN_FREE_THREADED = 0 };
    #endif
    """
    int CNN_FREE_THREADED

cdef extern from "Python.h":
    ctypedef struct PyObject:
        pass
    Py_ssize_t Py_REFCNT(PyObject *x) noexcept
    ctypedef struct Py_buffer_c "Py_buffer":
        void *buf
        PyObject *obj
        Py_ssize_t len
        Py_ssize_t itemsize
        int readonly
        int ndim
        char *format
        Py_ssize_t *shape
        Py_ssize_t *strides
        Py_ssize_t *suboffsets
        void *internal
    # Without "except": the exact path takes a failure as "not for me".
    int get_buffer "PyObject_GetBuffer" (object x, Py_buffer_c *view, int flags)
    void release_buffer "PyBuffer_Release" (Py_buffer_c *view)
    enum:
        PyBUF_SIMPLE
        PyBUF_WRITABLE
        PyBUF_RECORDS
        PyBUF_RECORDS_RO
        PyBUF_FORMAT

cdef object np_empty = numpy.empty
cdef object ndarray = numpy.ndarray
cdef tuple DTYPE_NAMES = ("float32", "float64", "int32", "int64", "uint8", "int8", "uint16", "int16", "uint32", "uint64", "bool", "float16")
cdef list DTYPES = [numpy.dtype(name) for name in DTYPE_NAMES]
cdef bint LITTLE = numpy.little_endian


cdef inline size_t item_of(cnn_dtype dtype) noexcept nogil:
    if dtype == CNN_FLOAT64 or dtype == CNN_INT64 or dtype == CNN_UINT64:
        return 8
    if dtype == CNN_FLOAT32 or dtype == CNN_INT32 or dtype == CNN_UINT32:
        return 4
    return 2 if dtype == CNN_UINT16 or dtype == CNN_INT16 or dtype == CNN_FLOAT16 else 1


cdef cnn_dtype dtype_code(object name) except? CNN_FLOAT16:
    if name not in ("float32", "float64"):
        raise ValueError(f"dtype {name!r} is not possible; there are 'float32' and 'float64'")
    return CNN_FLOAT32 if name == "float32" else CNN_FLOAT64


cdef int kind_of(const char *format, Py_ssize_t itemsize, cnn_dtype *dtype, int32_t *swapped) noexcept:
    """The dtype of a buffer's format (struct's notation: an order, a letter); 0 where it is none of ours."""
    cdef char letter
    swapped[0] = 0
    if format == NULL:
        format = "B"
    if format[0] == c'>' or format[0] == c'!':
        swapped[0] = LITTLE
        format += 1
    elif format[0] == c'<':
        swapped[0] = not LITTLE
        format += 1
    elif format[0] == c'@' or format[0] == c'=':
        format += 1
    letter = format[0]
    if letter == 0 or format[1] != 0:
        return 0
    # A letter's size depends on the order in front of it, so the size is taken from the buffer.
    if letter == c'f' or letter == c'd' or letter == c'e':
        dtype[0] = CNN_FLOAT32 if itemsize == 4 else CNN_FLOAT64 if itemsize == 8 else CNN_FLOAT16
        return itemsize == 4 or itemsize == 8 or itemsize == 2
    if letter == c'?':
        dtype[0] = CNN_BOOL
        return itemsize == 1
    if letter == c'b' or letter == c'h' or letter == c'i' or letter == c'l' or letter == c'q' or letter == c'n':
        dtype[0] = CNN_INT8 if itemsize == 1 else CNN_INT16 if itemsize == 2 else CNN_INT32 if itemsize == 4 else CNN_INT64
    elif letter == c'B' or letter == c'H' or letter == c'I' or letter == c'L' or letter == c'Q' or letter == c'N':
        dtype[0] = CNN_UINT8 if itemsize == 1 else CNN_UINT16 if itemsize == 2 else CNN_UINT32 if itemsize == 4 else CNN_UINT64
    else:
        return 0
    return itemsize == 1 or itemsize == 2 or itemsize == 4 or itemsize == 8


cdef class Buffer:
    """One buffer, held as long as this object lives, and the array that lies in it."""
    cdef Py_buffer_c view
    cdef cnn_array array
    cdef bint held

    def __dealloc__(self):
        if self.held:
            release_buffer(&self.view)

    cdef bint contiguous(self) noexcept:
        cdef ptrdiff_t stride = self.view.itemsize
        cdef int i
        for i in range(self.view.ndim - 1, -1, -1):
            if self.view.shape[i] > 1 and self.view.strides[i] != stride:
                return self.view.len == 0
            stride *= self.view.shape[i]
        return True

    cdef bint aligned(self) noexcept:
        cdef size_t item = self.view.itemsize
        cdef int i
        if self.view.len == 0:
            return True
        if <size_t>self.view.buf % item:
            return False
        for i in range(self.view.ndim):
            if self.view.shape[i] > 1 and <size_t>self.view.strides[i] % item:
                return False
        return True


cdef str described(object x):
    return f"{x.dtype} values" if isinstance(x, ndarray) else f"a {type(x).__name__}"


cdef Buffer take(object x, str name, bint writable=False):
    """Any array of numbers, with at least one dimension."""
    cdef Buffer b = Buffer.__new__(Buffer)
    cdef int i
    if get_buffer(x, &b.view, PyBUF_RECORDS if writable else PyBUF_RECORDS_RO) < 0:
        PyErr_Clear()
        if writable and isinstance(x, ndarray) and not x.flags.writeable:
            raise ValueError(f"{name} is read-only")
        raise TypeError(f"{name} must be an array of numbers; {described(x)} was given")
    b.held = True
    if not kind_of(b.view.format, b.view.itemsize, &b.array.dtype, &b.array.swapped):
        raise TypeError(f"{name} must hold numbers; {described(x)} was given")
    if b.view.ndim < 1 or b.view.ndim > 8:
        raise ValueError(f"{name} has {b.view.ndim} dimensions; 1 to 8 are possible")
    if not b.aligned() and not writable:
        return take(numpy.array(x, order="C"), name)
    b.array.data = b.view.buf
    b.array.rank = b.view.ndim
    for i in range(b.view.ndim):
        b.array.dims[i] = b.view.shape[i]
        b.array.strides[i] = b.view.strides[i]
    return b


cdef Buffer take_exact(object x, object dtype, object shape, str name, bint writable=False):
    """C-contiguous, native, of this dtype and shape (None: any). What is not is converted, or refused where it is to be written."""
    cdef Buffer b
    cdef object y = x
    if not writable:
        try:
            y = numpy.require(x, dtype, ("C", "A"))
        except (TypeError, ValueError, OverflowError) as e:
            raise TypeError(f"{name} must be an array of numbers: {e}") from None
    b = take(y, name, writable)
    if writable and (not isinstance(y, ndarray) or y.dtype != dtype):
        raise ValueError(f"{name} must be an array of {dtype}; one of {described(x)} was given")
    if writable and not (b.contiguous() and b.aligned()):
        raise ValueError(f"{name} must be a C-contiguous and aligned array")
    if shape is not None and shape_tuple(b.array.rank, b.array.dims) != shape:
        raise ValueError(f"{name} has the shape {shape_tuple(b.array.rank, b.array.dims)}; {shape} was expected")
    return b


cdef tuple shape_tuple(int32_t rank, const size_t *dims):
    cdef list shape = []
    cdef int32_t i
    for i in range(rank):
        shape.append(None if dims[i] == <size_t>-1 else dims[i])
    return tuple(shape)


cdef object array_from(const void *data, size_t bytes, object dtype, tuple shape):
    """A new array with a copy of these bytes."""
    cdef object y = np_empty(shape, dtype)
    cdef Buffer b
    if bytes:
        b = take_flat(y)
        if <size_t>b.view.len != bytes:
            raise SystemError("a copy of another size than its array")
        memcpy(b.view.buf, data, bytes)
    return y


cdef Buffer take_flat(object y):
    """A new array of our own, to be written: its bytes."""
    cdef Buffer b = Buffer.__new__(Buffer)
    if get_buffer(y, &b.view, PyBUF_WRITABLE) < 0:
        PyErr_Clear()
        raise SystemError("a new array gives no buffer")
    b.held = True
    return b


cdef size_t tensor_bytes(const cnn_tensor *t) noexcept nogil:
    cdef size_t n = item_of(t.dtype)
    cdef int32_t i
    for i in range(t.rank):
        n *= t.dims[i]
    return n


cdef object array_of_tensor(const cnn_tensor *t):
    """A copy."""
    return array_from(t.data, tensor_bytes(t), DTYPES[<int>t.dtype], shape_tuple(t.rank, t.dims))


cdef int fill_tensor(const cnn_tensor *t, object value, str what) except -1:
    """Writes a result of Python's into the engine's memory."""
    cdef Buffer b
    cdef object shape = shape_tuple(t.rank, t.dims)
    if shape == ():
        value = numpy.reshape(value, (1,))
        shape = (1,)
    b = take_exact(value, DTYPES[<int>t.dtype], shape, what)
    memcpy(<void *>t.data, b.view.buf, b.view.len)
    return 0


cdef class Data:
    """Inputs, targets, weights and lengths as the engine takes them, with the buffers that they lie in."""
    cdef cnn_data c
    cdef list buffers
    cdef cnn_array *arrays

    def __dealloc__(self):
        PyMem_Free(self.arrays)

    cdef int fill(self, object inputs, object targets, object weights, object lengths) except -1:
        cdef size_t i, n
        cdef Buffer b
        inputs = tuple(inputs)
        targets = tuple(targets) if targets is not None else ()
        n = len(inputs) + len(targets)
        self.arrays = <cnn_array *>PyMem_Malloc((n + 1) * sizeof(cnn_array))
        if self.arrays == NULL:
            raise MemoryError()
        self.buffers = []
        for i in range(n):
            if i < <size_t>len(inputs):
                b = take(inputs[i], "X" if len(inputs) == 1 else f"input {i}")
            else:
                b = take(targets[i - len(inputs)], "y" if len(targets) == 1 else f"target {i - len(inputs)}")
            self.buffers.append(b)
            self.arrays[i] = b.array
        self.c.rows = self.arrays[0].dims[0] if inputs else 0
        self.c.n_inputs = len(inputs)
        self.c.n_targets = len(targets)
        self.c.inputs = self.arrays
        self.c.targets = self.arrays + self.c.n_inputs
        if weights is not None:
            b = take_exact(weights, DTYPES[<int>CNN_FLOAT64], None, "sample_weight")
            if b.array.rank > 2 or b.array.dims[0] != self.c.rows or (b.array.rank == 2 and b.array.dims[1] == 0):
                raise ValueError(f"sample_weight has the shape {shape_tuple(b.array.rank, b.array.dims)}; ({self.c.rows},) was expected, one weight a row")
            self.buffers.append(b)
            self.c.weights = <const double *>b.view.buf
            self.c.weight_width = b.array.dims[1] if b.array.rank == 2 else 1
        if lengths is not None:
            b = take_exact(lengths, DTYPES[<int>CNN_INT32], (self.c.rows,), "lengths")
            self.buffers.append(b)
            self.c.lengths = <const int32_t *>b.view.buf
        return 0


cdef Data data_from(object parts):
    """(inputs, targets, weights) or (inputs, targets, weights, lengths)."""
    cdef Data d = Data.__new__(Data)
    if not isinstance(parts, tuple) or not 3 <= len(parts) <= 4:
        raise TypeError("data must be a tuple (inputs, targets, weights) or (inputs, targets, weights, lengths)")
    d.fill(parts[0], parts[1], parts[2], parts[3] if len(parts) == 4 else None)
    return d
