# What networks are made of and described by: builders, attributes, views of values, and what lies beside them in a file.

cdef class Builder:
    """Builds a graph, op by op."""
    cdef cnn_builder *c
    cdef cnn_options options
    cdef cnn_error error

    def __cinit__(self):
        fresh(&self.error)
        self.options.size = sizeof(cnn_options)
        self.options.error = &self.error
        check(cnn_builder_create(&self.options, &self.c), &self.error)

    def __dealloc__(self):
        cnn_builder_free(self.c)

    def add(self, op, inputs, /, **attributes):
        """The first output value's number. Attributes by the names of cnn.h: ints, floats, str, or sequences of ints."""
        cdef Attributes a = Attributes.__new__(Attributes)
        cdef int32_t *values
        cdef int32_t value = -1
        cdef size_t i, n
        cdef int code = number_of(OPS, op, "op")
        cdef Buffer b = take_exact(numpy.asarray(inputs, DTYPES[<int>CNN_INT32]).reshape(-1), DTYPES[<int>CNN_INT32], None, "inputs")
        a.fill(attributes)
        fresh(&self.error)
        check(cnn_builder_add(self.c, <cnn_op>code, <const int32_t *>b.view.buf, b.array.dims[0], a.c, a.n, &value), &self.error)
        return value


cdef class Attributes:
    """A dict as cnn_attributes."""
    cdef cnn_attribute *c
    cdef size_t n
    cdef list kept

    def __dealloc__(self):
        PyMem_Free(self.c)

    cdef int fill(self, dict attributes) except -1:
        cdef bytes text
        cdef Buffer b
        cdef cnn_attribute *a
        self.kept = []
        self.c = <cnn_attribute *>PyMem_Malloc((len(attributes) + 1) * sizeof(cnn_attribute))
        if self.c == NULL:
            raise MemoryError()
        for name, value in attributes.items():
            number_of(ATTRIBUTES, name, "attribute")
            kind = ATTRIBUTE_TYPES[name]
            a = &self.c[self.n]
            memset(a, 0, sizeof(cnn_attribute))
            text = name.encode()
            self.kept.append(text)
            a.name = text
            try:
                if kind == "integer":
                    a.integer = value
                elif kind == "number":
                    a.number = value
                elif kind == "text":
                    text = value.encode("utf-8")
                    if b"\0" in text:
                        raise ValueError(f"{name} has a null character in it")
                    self.kept.append(text)
                    a.text = text
                else:
                    b = take_exact(numpy.asarray(value, DTYPES[<int>CNN_INT64]).reshape(-1), DTYPES[<int>CNN_INT64], None, name)
                    self.kept.append(b)
                    a.list = <const int64_t *>b.view.buf
                    a.count = b.array.dims[0]
            except OverflowError:
                raise ValueError(f"{name} is {value}, which is too large") from None
            except (TypeError, AttributeError):
                kinds = {"integer": "an integer", "number": "a number", "text": "a string", "list": "a sequence of integers"}
                raise TypeError(f"{name} must be {kinds[kind]}; {described(value)} was given") from None
            self.n += 1
        return 0


@cython.no_gc_clear
cdef class BlockView:
    """The buffer of one block's values. While an export of it lives the network does; the network's version counts when one ends."""
    cdef Network network
    cdef size_t index
    cdef void *data
    cdef Py_ssize_t shape[8]
    cdef Py_ssize_t strides[8]
    cdef int rank
    cdef Py_ssize_t bytes, item

    def __getbuffer__(self, Py_buffer *view, int flags):
        if self.network is None:
            raise BufferError("the view has not been made")
        view.buf = self.data
        view.obj = self
        view.len = self.bytes
        view.itemsize = self.item
        view.readonly = 0
        view.ndim = self.rank
        view.format = NULL
        if flags & PyBUF_FORMAT:
            view.format = b"f" if self.item == 4 else b"d"
        view.shape = self.shape
        view.strides = self.strides
        view.suboffsets = NULL
        view.internal = NULL
        cnn_network_view(self.network.c, self.index, 1)

    def __releasebuffer__(self, Py_buffer *view):
        cnn_network_view(self.network.c, self.index, -1)


cdef BlockView block_view(Network network, Py_ssize_t index):
    cdef BlockView v = BlockView.__new__(BlockView)
    cdef cnn_block_info info
    cdef int i
    network.block_number(index)
    check(cnn_network_block(network.c, index, &info), NULL)
    v.network = network
    v.index = index
    v.data = cnn_network_view(network.c, index, 0)
    v.item = network.item
    v.rank = info.rank
    v.bytes = info.count * network.item
    stride = v.item
    for i in range(info.rank - 1, -1, -1):
        v.shape[i] = info.dims[i]
        v.strides[i] = stride
        stride *= info.dims[i]
    return v


# ---- Describing --------------------------------------------------------------------------------------------------------------------

cdef int value_info(const cnn_network *c, size_t value, cnn_tensor_info *out) except -1:
    out.size = sizeof(cnn_tensor_info)
    return check(cnn_network_value(c, value, out), NULL)


cdef size_t value_bytes(const cnn_tensor_info *v) noexcept:
    """Of a row."""
    cdef size_t bytes = item_of(v.dtype)
    cdef int32_t i
    for i in range(1, v.rank):
        bytes *= v.dims[i]
    return bytes


cdef bint is_plain(const cnn_tensor_info *v) noexcept:
    """Rows of a known size."""
    cdef int32_t i
    if v.rank < 1 or v.dims[0] != <size_t>-1:
        return False
    for i in range(1, v.rank):
        if v.dims[i] == <size_t>-1:
            return False
    return True


cdef bint has_functions(const cnn_network *c) noexcept:
    cdef cnn_node_info node
    cdef size_t i
    for i in range(cnn_network_node_count(c)):
        if cnn_network_node(c, i, &node) == CNN_OK and node.op == CNN_OP_FUNCTION:
            return True
    return False


cdef double network_cost(const cnn_network *c) except -1:
    """About how many multiply-adds a row takes, to tell short calls from long ones: every weight once for each place where it is applied,
    and some for every value."""
    cdef cnn_node_info node
    cdef cnn_block_info block
    cdef cnn_tensor_info v
    cdef size_t i, j
    cdef int32_t k
    cdef double cost = 0, row, weights, outputs
    for i in range(cnn_network_node_count(c)):
        check(cnn_network_node(c, i, &node), NULL)
        value_info(c, node.output, &v)
        row = 1
        for k in range(1, v.rank):
            row *= 64 if v.dims[k] == <size_t>-1 else v.dims[k]
        weights = 0
        outputs = row
        for j in range(node.n_blocks):
            check(cnn_network_block(c, node.blocks[j], &block), NULL)
            weights += block.count
            if block.rank > 1 and block.dims[0] < outputs:
                outputs = block.dims[0]
        cost += 4 * row + weights * (row / outputs)
    return cost


cdef dict node_dict(const cnn_network *c, size_t index):
    cdef cnn_node_info node
    cdef cnn_attribute a
    cdef size_t i, j
    cdef dict attributes = {}
    check(cnn_network_node(c, index, &node), NULL)
    for i in range(node.n_attributes):
        check(cnn_network_node_attribute(c, index, i, &a), NULL)
        name = a.name.decode()
        kind = ATTRIBUTE_TYPES[name]
        if kind == "integer":
            attributes[name] = a.integer
        elif kind == "number":
            attributes[name] = a.number
        elif kind == "text":
            attributes[name] = a.text.decode("utf-8") if a.text != NULL else ""
        else:
            attributes[name] = tuple([a.list[j] for j in range(a.count)])
    return {
        "op": name_of(OPS, node.op), "name": node.name.decode("utf-8"), "inputs": [node.inputs[i] for i in range(node.n_inputs)],
        "output": node.output, "n_outputs": node.n_outputs, "attributes": attributes,
        "blocks": [node.blocks[i] for i in range(node.n_blocks)], "shares": node.shares,
    }


cdef dict block_dict(const cnn_network *c, size_t index):
    cdef cnn_block_info b
    check(cnn_network_block(c, index, &b), NULL)
    return {
        "name": b.name.decode("utf-8"), "node": b.node, "kind": ("weight", "buffer", "constant")[b.kind], "shape": shape_tuple(b.rank, b.dims),
        "trainable": bool(b.trainable), "lr_scale": b.lr_scale, "l1": b.l1, "l2": b.l2, "max_norm": b.max_norm, "count": b.count,
    }


# ---- Values ------------------------------------------------------------------------------------------------------------------------

cdef int same_blocks(Network a, Network b) except -1:
    cdef cnn_block_info x, y
    cdef size_t i, n = cnn_network_parameter_count(a.c)
    if a.dtype != b.dtype:
        raise ValueError(f"the networks' dtypes differ: {DTYPE_NAMES[<int>a.dtype]} and {DTYPE_NAMES[<int>b.dtype]}")
    if cnn_network_parameter_count(b.c) != n:
        raise ValueError(f"the networks differ: one has {n} blocks of parameters, the other {cnn_network_parameter_count(b.c)}")
    for i in range(n):
        check(cnn_network_block(a.c, i, &x), NULL)
        check(cnn_network_block(b.c, i, &y), NULL)
        if shape_tuple(x.rank, x.dims) != shape_tuple(y.rank, y.dims):
            raise ValueError(f"the networks differ: {x.name.decode()} has the shape {shape_tuple(x.rank, x.dims)}, {y.name.decode()} {shape_tuple(y.rank, y.dims)}")
    return 0


cdef void mix_block(floating *to, const floating *other, size_t n, double tau) noexcept nogil:
    cdef size_t i
    for i in range(n):
        to[i] = <floating>((1 - tau) * to[i] + tau * other[i])


cdef void mix_values(cnn_network *to, cnn_network *other, cnn_dtype dtype, double tau) noexcept nogil:
    cdef cnn_block_info b
    cdef void *p
    cdef const void *q
    cdef size_t i
    for i in range(cnn_network_parameter_count(to)):
        cnn_network_block(to, i, &b)
        p = cnn_network_view(to, i, 0)
        q = cnn_network_view(other, i, 0)
        if tau == 1:
            memcpy(p, q, b.count * item_of(dtype))
        elif dtype == CNN_FLOAT32:
            mix_block(<float *>p, <const float *>q, b.count, tau)
        else:
            mix_block(<double *>p, <const double *>q, b.count, tau)


cdef FunctionHook function_hook(const cnn_network *c, size_t node, object function):
    cdef FunctionHook hook = FunctionHook.__new__(FunctionHook)
    cdef dict d
    if node >= cnn_network_node_count(c):
        raise IndexError(f"node {node} was asked for; the network has {cnn_network_node_count(c)}")
    if not callable(getattr(function, "forward", None)):
        raise TypeError(f"function must have a method forward; {described(function)} was given")
    d = node_dict(c, node)
    hook.function = function
    hook.label = d["name"]
    hook.names = [block_dict(c, b)["name"].rpartition(".")[2] for b in d["blocks"]]
    hook.network = <size_t>c
    return hook


# ---- Files -------------------------------------------------------------------------------------------------------------------------

cdef Buffer bytes_buffer(object data):
    """bytes, or whatever has contiguous bytes."""
    cdef Buffer b = Buffer.__new__(Buffer)
    if get_buffer(data, &b.view, PyBUF_SIMPLE) < 0:
        PyErr_Clear()
        raise TypeError(f"bytes are needed; {described(data)} was given")
    b.held = True
    return b


cdef int check_file(cnn_status status, const cnn_error *error, int32_t foreign) except -1:
    if status == CNN_E_FILE:
        e = error_of(status, error)
        e.foreign = bool(foreign)
        raise e
    return check(status, error)


EXTRA = "__state__."  # in front of extras' names in the file


cdef class Extras:
    """Arrays by name, as the engine saves them beside a network."""
    cdef cnn_extra *c
    cdef size_t n
    cdef list kept

    def __dealloc__(self):
        PyMem_Free(self.c)

    cdef int fill(self, object extras) except -1:
        cdef Buffer b
        cdef bytes key
        cdef int32_t i
        self.kept = []
        if not extras:
            return 0
        self.c = <cnn_extra *>PyMem_Malloc(len(extras) * sizeof(cnn_extra))
        if self.c == NULL:
            raise MemoryError()
        for name, value in extras.items():
            array = numpy.asarray(value)
            scalar = array.ndim == 0
            b = take_exact(array.reshape(1) if scalar else array, array.dtype.newbyteorder("="), None, f"extra {name!r}")
            key = (EXTRA + name).encode("utf-8")
            if b"\0" in key:
                raise ValueError(f"the name {name!r} has a null character in it")
            self.kept += [key, b]
            self.c[self.n].name = key
            memset(&self.c[self.n].tensor, 0, sizeof(cnn_tensor))
            self.c[self.n].tensor.data = b.view.buf
            self.c[self.n].tensor.dtype = b.array.dtype
            self.c[self.n].tensor.rank = 0 if scalar else b.array.rank
            for i in range(b.array.rank):
                self.c[self.n].tensor.dims[i] = b.array.dims[i]
            self.n += 1
        return 0


cdef dict extras_dict(const cnn_extras *extras):
    cdef const cnn_extra *e
    cdef dict out = {}
    for i in range(cnn_extras_count(extras)):
        e = cnn_extras_at(extras, i)
        out[e.name.decode("utf-8").removeprefix(EXTRA)] = array_of_tensor(&e.tensor)
    return out
