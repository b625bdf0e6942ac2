# The entry points of cnn.h: checks, casts, and one call inwards. (The file's are in model_file.pxi.)

cdef cnn_status check_size(size_t size, size_t expected, const char *what, cnn_error *error) noexcept nogil:
    """Every option struct begins with its size: smaller than the first version's, it was not set."""
    if size < expected:
        return cnn_fail(error, CNN_E_ARGUMENT, "the size of %s is %z; set it to sizeof, which is %z", what, size, expected)
    return CNN_OK

cdef cnn_status check_options(const cnn_options *options) noexcept nogil:
    if options != NULL and options.size < sizeof(cnn_options):
        return CNN_E_ARGUMENT  # its error may not be there to be written to
    if options != NULL and options.allocator != NULL and options.allocator.size < sizeof(cnn_allocator):
        return check_size(options.allocator.size, sizeof(cnn_allocator), "cnn_allocator", options.error)
    if options != NULL and options.executor != NULL and options.executor.size < sizeof(cnn_executor):
        return check_size(options.executor.size, sizeof(cnn_executor), "cnn_executor", options.error)
    return CNN_OK


# ---- Networks ----------------------------------------------------------------------------------------------------------------------

cdef public cnn_status cnn_builder_create(const cnn_options *options, cnn_builder **out) noexcept nogil:
    cdef Builder *b
    cdef cnn_status status = check_options(options)
    if status != CNN_OK:
        return status
    if out == NULL:
        return cnn_fail(options_error(options), CNN_E_ARGUMENT, "out is NULL")
    b = <Builder *>cnn_memory_new(options_allocator(options), sizeof(Builder))
    if b == NULL:
        return cnn_fail(options_error(options), CNN_E_MEMORY, "not enough memory for a builder")
    b.allocator = options_allocator(options)[0]
    if options != NULL:
        b.options = options[0]
        if options.executor != NULL:
            b.executor = options.executor[0]
            b.options.executor = &b.executor
    b.options.size = sizeof(cnn_options)
    b.options.allocator = &b.allocator
    graph_init(&b.graph, &b.allocator)
    out[0] = <cnn_builder *>b
    return CNN_OK


cdef struct Builder:
    cnn_allocator allocator
    cnn_executor executor
    cnn_options options
    Graph graph


cdef public cnn_status cnn_builder_add(cnn_builder *builder, cnn_op op, const int32_t *inputs, size_t n_inputs, const cnn_attribute *attributes,
                                       size_t n, int32_t *value) noexcept nogil:
    cdef Builder *b = <Builder *>builder
    cdef int32_t made = -1
    cdef cnn_status status
    if b == NULL:
        return CNN_E_ARGUMENT
    if (inputs == NULL and n_inputs) or (attributes == NULL and n):
        return cnn_fail(b.options.error, CNN_E_ARGUMENT, "inputs or attributes is NULL but its count is not 0")
    status = graph_add(&b.graph, <int32_t>op, inputs, n_inputs, attributes, n, &made, b.options.error)
    if status == CNN_OK and value != NULL:
        value[0] = made
    return status


cdef public cnn_status cnn_builder_finish(cnn_builder *builder, const int32_t *outputs, size_t n, cnn_dtype dtype, uint64_t seed,
                                          cnn_network **out) noexcept nogil:
    cdef Builder *b = <Builder *>builder
    cdef Graph copy
    cdef Network *net = NULL
    cdef cnn_status status
    if b == NULL:
        return CNN_E_ARGUMENT
    if out == NULL or (outputs == NULL and n):
        return cnn_fail(b.options.error, CNN_E_ARGUMENT, "out or outputs is NULL")
    status = graph_copy(&b.graph, &b.allocator, &copy, b.options.error)
    if status != CNN_OK:
        return status
    status = network_from_graph(&copy, outputs, n, dtype, seed, 1, &b.options, &net)
    graph_release(&copy)
    if status == CNN_OK:
        out[0] = <cnn_network *>net
    return status


cdef public void cnn_builder_free(cnn_builder *builder) noexcept nogil:
    if builder != NULL:
        graph_release(&(<Builder *>builder).graph)
        cnn_memory_release(builder)


cdef cnn_status add_named(Graph *g, int32_t op, size_t number, const char *key, int64_t attribute_, int32_t *value, cnn_error *error) noexcept nogil:
    """A DENSE "dense_<number>", or the ACTIVATION "dense_<number>.activation" after it: the names that Python's Network gives."""
    cdef cnn_attribute a[2]
    cdef char name[64]
    cdef int32_t input_ = value[0]
    memset(a, 0, sizeof(a))
    cnn_format(name, sizeof(name), b"dense_%z" if op == CNN_OP_DENSE else b"dense_%z.activation", number)
    a[0].name = "name"
    a[0].text = name
    a[1].name = key
    a[1].integer = attribute_
    return graph_add(g, op, &input_, 1, a, 2, value, error)


cdef public cnn_status cnn_network_create_dense(const size_t *sizes, size_t count, cnn_activation hidden, cnn_activation output, cnn_dtype dtype,
                                                uint64_t seed, const cnn_options *options, cnn_network **out) noexcept nogil:
    cdef cnn_error *error = options_error(options)
    cdef Graph g
    cdef Network *net = NULL
    cdef int32_t value = -1
    cdef int64_t first
    cdef cnn_attribute shape
    cdef size_t i
    cdef cnn_status status = check_options(options)
    if status != CNN_OK:
        return status
    if sizes == NULL or out == NULL:
        return cnn_fail(error, CNN_E_ARGUMENT, "sizes or out is NULL")
    if count < 2:
        return cnn_fail(error, CNN_E_ARGUMENT, "%z sizes were given; a network needs at least two: inputs and outputs", count)
    for i in range(count):
        if sizes[i] == 0 or sizes[i] > (<size_t>1 << 40):
            return cnn_fail(error, CNN_E_ARGUMENT, "sizes[%z] is %z; it must be at least 1", i, sizes[i])
    graph_init(&g, options_allocator(options))
    first = <int64_t>sizes[0]
    memset(&shape, 0, sizeof(shape))
    shape.name = "shape"
    shape.list = &first
    shape.count = 1
    status = graph_add(&g, CNN_OP_INPUT, NULL, 0, &shape, 1, &value, error)
    for i in range(1, count):
        if status == CNN_OK:
            status = add_named(&g, CNN_OP_DENSE, i, "units", <int64_t>sizes[i], &value, error)
        if status == CNN_OK and (hidden if i + 1 < count else output) != CNN_LINEAR:
            status = add_named(&g, CNN_OP_ACTIVATION, i, "activation", <int64_t>(hidden if i + 1 < count else output), &value, error)
    if status == CNN_OK:
        status = network_from_graph(&g, &value, 1, dtype, seed, 1, options, &net)
    graph_release(&g)
    if status == CNN_OK:
        out[0] = <cnn_network *>net
    return status


cdef public void cnn_network_free(cnn_network *network) noexcept nogil:
    network_release(<Network *>network)

cdef public cnn_dtype cnn_network_dtype(const cnn_network *network) noexcept nogil:
    return <cnn_dtype>(<const Network *>network).graph.dtype

cdef public size_t cnn_network_input_count(const cnn_network *network) noexcept nogil:
    return (<const Network *>network).graph.n_inputs

cdef public size_t cnn_network_output_count(const cnn_network *network) noexcept nogil:
    return (<const Network *>network).graph.n_outputs

cdef public size_t cnn_network_parameter_count(const cnn_network *network) noexcept nogil:
    return (<const Network *>network).graph.n_blocks


cdef cnn_status value_info(const Network *net, int32_t value, cnn_tensor_info *out) noexcept nogil:
    cdef const Value *v = &net.graph.values[value]
    cdef cnn_tensor_info info
    memset(&info, 0, sizeof(info))
    info.size = out.size
    info.name = node_name(&net.graph, &net.graph.nodes[v.node])
    info.dtype = <cnn_dtype>(net.graph.dtype if v.dtype == CNN_FLOAT32 else v.dtype)
    info.rank = v.rank
    memcpy(info.dims, v.dims, sizeof(info.dims))
    if out.size < sizeof(cnn_tensor_info):
        return cnn_fail(net.error, CNN_E_ARGUMENT, "out->size is %z; set it to sizeof(cnn_tensor_info)", out.size)
    out[0] = info
    return CNN_OK

cdef public cnn_status cnn_network_input(const cnn_network *network, size_t index, cnn_tensor_info *out) noexcept nogil:
    cdef const Network *net = <const Network *>network
    if index >= net.graph.n_inputs:
        return cnn_fail(net.error, CNN_E_ARGUMENT, "input %z was asked for; the network has %z", index, net.graph.n_inputs)
    return value_info(net, net.graph.inputs[index], out)

cdef public cnn_status cnn_network_output(const cnn_network *network, size_t index, cnn_tensor_info *out) noexcept nogil:
    cdef const Network *net = <const Network *>network
    if index >= net.graph.n_outputs:
        return cnn_fail(net.error, CNN_E_ARGUMENT, "output %z was asked for; the network has %z", index, net.graph.n_outputs)
    return value_info(net, net.graph.outputs[index], out)

cdef public cnn_status cnn_network_parameter(const cnn_network *network, size_t index, cnn_tensor_info *out) noexcept nogil:
    cdef const Network *net = <const Network *>network
    cdef const Block *b
    cdef cnn_tensor_info info
    if index >= net.graph.n_blocks:
        return cnn_fail(net.error, CNN_E_ARGUMENT, "parameter %z was asked for; the network has %z", index, net.graph.n_blocks)
    if out.size < sizeof(cnn_tensor_info):
        return cnn_fail(net.error, CNN_E_ARGUMENT, "out->size is %z; set it to sizeof(cnn_tensor_info)", out.size)
    b = &net.graph.blocks[index]
    memset(&info, 0, sizeof(info))
    info.size = out.size
    info.name = net.graph.text + b.name
    info.dtype = <cnn_dtype>net.graph.dtype
    info.rank = b.rank
    memcpy(info.dims, b.dims, sizeof(info.dims))
    out[0] = info
    return CNN_OK

cdef public void *cnn_network_parameter_data(cnn_network *network, size_t index) noexcept nogil:
    cdef Network *net = <Network *>network
    if index >= net.graph.n_blocks:
        return NULL
    if not net.exposed:
        net.exposed = 1
    return <char *>net.arena + net.graph.blocks[index].offset * (4 if net.graph.dtype == CNN_FLOAT32 else 8)


# ---- Sessions ----------------------------------------------------------------------------------------------------------------------

cdef cnn_status session_setup(const Network *net, const cnn_session_options *options, cnn_session_setup *setup, size_t *dims, const size_t **input_dims) noexcept nogil:
    """The private setup of a public session; dims has MAX_RANK places for each input."""
    cdef size_t i, j
    memset(setup, 0, sizeof(cnn_session_setup))
    setup.max_rows = 1
    if options != NULL:
        setup.options = options.options
        setup.max_rows = options.max_batch if options.max_batch else 1
    for i in range(net.graph.n_inputs):
        input_dims[i] = dims + MAX_RANK * i
        for j in range(MAX_RANK):
            dims[MAX_RANK * i + j] = options.max_time if options != NULL else 0
    if options != NULL and options.max_time:
        setup.input_dims = <const size_t *const *>input_dims
    return CNN_OK


cdef cnn_status session_open(const Network *net, const cnn_session_options *options, const cnn_allocator *allocator, Session **out) noexcept nogil:
    cdef cnn_session_setup setup
    cdef cnn_options own
    cdef size_t fixed[8 * MAX_RANK]
    cdef const size_t *fixed_dims[8]
    cdef cnn_status status = CNN_OK
    memset(&own, 0, sizeof(own))
    if options != NULL:
        status = check_size(options.size, sizeof(cnn_session_options), "cnn_session_options", net.error)
        if status == CNN_OK:
            status = check_options(options.options)
    if status != CNN_OK:
        return status
    if net.graph.n_inputs > 8:
        return cnn_fail(net.error, CNN_E_UNSUPPORTED, "the network has %z inputs; a session takes at most 8", net.graph.n_inputs)
    session_setup(net, options, &setup, fixed, fixed_dims)
    if setup.options != NULL:
        own = setup.options[0]
    else:
        own.error = net.error
        own.executor = &net.executor if net.has_executor else NULL
    own.size = sizeof(own)
    if allocator != NULL:
        own.allocator = allocator
    setup.options = &own
    status = session_make(net, &setup, out)
    if status == CNN_OK:
        out[0].max_rows = setup.max_rows
    return status


cdef public cnn_status cnn_session_create(const cnn_network *network, const cnn_session_options *options, cnn_session **out) noexcept nogil:
    cdef Session *s = NULL
    cdef cnn_status status
    if network == NULL or out == NULL:
        return CNN_E_ARGUMENT
    status = session_open(<const Network *>network, options, NULL, &s)
    if status == CNN_OK:
        out[0] = <cnn_session *>s
    return status


cdef struct Region:        # an allocator over one block: it counts, or hands out what lies behind one another
    char *memory           # NULL: only counts, and takes the memory from elsewhere
    size_t used, size

cdef void *region_allocate(void *user, size_t bytes) noexcept nogil:
    cdef Region *r = <Region *>user
    cdef char *at
    if r.memory == NULL:
        r.used += rounded(bytes)
        return cnn_memory_default().allocate(cnn_memory_default().user, bytes)
    if rounded(bytes) > r.size - r.used:
        return NULL
    at = r.memory + r.used
    r.used += rounded(bytes)
    return at

cdef void region_release(void *user, void *block) noexcept nogil:
    if (<Region *>user).memory == NULL:
        cnn_memory_default().release(cnn_memory_default().user, block)


cdef public cnn_status cnn_session_size(const cnn_network *network, const cnn_session_options *options, size_t *bytes) noexcept nogil:
    cdef Session *s = NULL
    cdef Region counter
    cdef cnn_allocator allocator
    cdef cnn_status status
    if network == NULL or bytes == NULL:
        return CNN_E_ARGUMENT
    memset(&counter, 0, sizeof(counter))
    memset(&allocator, 0, sizeof(allocator))
    allocator.size = sizeof(allocator)
    allocator.user = &counter
    allocator.allocate = region_allocate
    allocator.release = region_release
    status = session_open(<const Network *>network, options, &allocator, &s)
    if status == CNN_OK:
        session_release(s)
        bytes[0] = counter.used + rounded(sizeof(Region)) + 64
    return status


cdef public cnn_status cnn_session_create_in(const cnn_network *network, const cnn_session_options *options, void *block, size_t bytes,
                                             cnn_session **out) noexcept nogil:
    cdef Session *s = NULL
    cdef Region *region
    cdef cnn_allocator allocator
    cdef size_t skip
    cdef cnn_status status
    if network == NULL or block == NULL or out == NULL:
        return CNN_E_ARGUMENT
    skip = (64 - <size_t>block % 64) % 64
    if bytes < skip + rounded(sizeof(Region)):
        return cnn_fail((<const Network *>network).error, CNN_E_MEMORY, "the block of %z bytes is smaller than cnn_session_size says", bytes)
    region = <Region *>(<char *>block + skip)
    region.memory = <char *>region + rounded(sizeof(Region))
    region.used = 0
    region.size = bytes - skip - rounded(sizeof(Region))
    memset(&allocator, 0, sizeof(allocator))
    allocator.size = sizeof(allocator)
    allocator.user = region
    allocator.allocate = region_allocate
    allocator.release = region_release
    status = session_open(<const Network *>network, options, &allocator, &s)
    if status == CNN_OK:
        s.in_block = 1
        out[0] = <cnn_session *>s
    return status


cdef public cnn_status cnn_session_refresh(cnn_session *session) noexcept nogil:
    session_take(<Session *>session)
    return CNN_OK


cdef cnn_status session_run_typed(Session *s, const void *x, size_t n, void *y, int32_t dtype) noexcept nogil:
    cdef const Graph *g = &s.net.graph
    if g.n_inputs != 1 or s.n_values != 1 or g.values[g.inputs[0]].dtype != CNN_FLOAT32:
        return cnn_fail(s.error, CNN_E_ARGUMENT, "the network has %z inputs and %z outputs; use cnn_session_run_batch", g.n_inputs, s.n_values)
    if g.dtype != dtype:
        return cnn_fail(s.error, CNN_E_DTYPE, "the network is %s; call cnn_session_run%s", dtype_name(g.dtype), b"" if g.dtype == CNN_FLOAT32 else b"_f64")
    if n == 0:
        return CNN_OK
    if n > s.max_rows:
        return cnn_fail(s.error, CNN_E_ARGUMENT, "%z rows were given; the session was made for at most %z (max_batch)", n, s.max_rows)
    if x == NULL or y == NULL:
        return cnn_fail(s.error, CNN_E_ARGUMENT, "x or y is NULL")
    return session_predict_exact(s, x, n, y, s.error)

cdef public cnn_status cnn_session_run(cnn_session *session, const float *x, size_t n, float *y) noexcept nogil:
    return session_run_typed(<Session *>session, x, n, y, CNN_FLOAT32)

cdef public cnn_status cnn_session_run_f64(cnn_session *session, const double *x, size_t n, double *y) noexcept nogil:
    return session_run_typed(<Session *>session, x, n, y, CNN_FLOAT64)


cdef void array_of(const cnn_tensor *source, cnn_array *out) noexcept nogil:
    """A contiguous tensor as an array with strides."""
    cdef size_t i, stride = dtype_size(source.dtype)
    memset(out, 0, sizeof(cnn_array))
    out.data = source.data
    out.dtype = source.dtype
    out.rank = source.rank
    memcpy(out.dims, source.dims, sizeof(out.dims))
    for i in range(<size_t>source.rank, 0, -1):
        out.strides[i - 1] = <ptrdiff_t>stride
        stride *= source.dims[i - 1]


cdef cnn_status batch_arrays(const cnn_tensor *tensors, size_t n, size_t rows, const char *what, cnn_array *out, cnn_error *error) noexcept nogil:
    cdef size_t i
    for i in range(n):
        if tensors[i].rank < 1 or tensors[i].rank > MAX_RANK or tensors[i].dims[0] != rows or (tensors[i].data == NULL and rows):
            return cnn_fail(error, CNN_E_SHAPE, "%s %z: its rank must be 1 to 8, its first dimension the batch's %z rows, its data not NULL", what, i, rows)
        array_of(&tensors[i], &out[i])
    return CNN_OK


cdef public cnn_status cnn_session_run_batch(cnn_session *session, const cnn_batch *batch, const cnn_tensor *outputs, size_t n_outputs) noexcept nogil:
    cdef Session *s = <Session *>session
    cdef cnn_array inputs[8]
    cdef void *to[8]
    cdef cnn_data data
    cdef size_t i
    cdef cnn_status status
    if batch == NULL or outputs == NULL:
        return cnn_fail(s.error, CNN_E_ARGUMENT, "batch or outputs is NULL")
    status = check_size(batch.size, sizeof(cnn_batch), "cnn_batch", s.error)
    if status == CNN_OK and batch.rows > s.max_rows:
        status = cnn_fail(s.error, CNN_E_ARGUMENT, "%z rows were given; the session was made for at most %z (max_batch)", batch.rows, s.max_rows)
    if status != CNN_OK:
        return status
    if n_outputs != s.n_values or n_outputs > 8 or batch.n_inputs > 8:
        return cnn_fail(s.error, CNN_E_ARGUMENT, "%z outputs were given; the network has %z", n_outputs, s.n_values)
    status = batch_arrays(batch.inputs, batch.n_inputs, batch.rows, "input", inputs, s.error)
    if status != CNN_OK:
        return status
    for i in range(n_outputs):
        to[i] = <void *>outputs[i].data
        if outputs[i].dtype != <cnn_dtype>s.net.graph.dtype or (to[i] == NULL and batch.rows):
            return cnn_fail(s.error, CNN_E_DTYPE, "output %z must be %s and its data not NULL", i, dtype_name(s.net.graph.dtype))
    memset(&data, 0, sizeof(data))
    data.rows = batch.rows
    data.n_inputs = batch.n_inputs
    data.inputs = inputs
    data.lengths = batch.lengths
    return session_predict(s, &data, to, s.error)


cdef public void cnn_session_free(cnn_session *session) noexcept nogil:
    session_release(<Session *>session)
