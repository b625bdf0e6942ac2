# Networks: a graph and the arena of its values.

cdef cnn_error *options_error(const cnn_options *options) noexcept nogil:
    return options.error if options != NULL else NULL

cdef const cnn_allocator *options_allocator(const cnn_options *options) noexcept nogil:
    return options.allocator if options != NULL and options.allocator != NULL else cnn_memory_default()


cdef void network_release(Network *net) noexcept nogil:
    cdef size_t i
    if net == NULL:
        return
    for i in range(net.n_notes):
        cnn_memory_release(net.notes[i].key)
        cnn_memory_release(net.notes[i].value)
    cnn_memory_release(net.notes)
    cnn_memory_release(net.functions)
    if net.borrowed == NULL:
        cnn_memory_release(net.arena)
    graph_release(&net.graph)
    cnn_memory_release(net)


cdef const cnn_executor *network_executor(const Network *net) noexcept nogil:
    return &net.executor if net.has_executor else NULL


cdef cnn_status network_fill(Network *net, uint64_t seed, cnn_error *error) noexcept nogil:
    """Initial values: a function of (seed, number of the block)."""
    cdef size_t i
    cdef cnn_status status
    for i in range(net.graph.n_blocks):
        if net.graph.dtype == CNN_FLOAT32:
            status = initialize_block(&net.allocator, &net.graph.blocks[i], seed, <int32_t>i, <float *>net.arena + net.graph.blocks[i].offset, error)
        else:
            status = initialize_block(&net.allocator, &net.graph.blocks[i], seed, <int32_t>i, <double *>net.arena + net.graph.blocks[i].offset, error)
        if status != CNN_OK:
            return status
    net.seed = seed
    net.version += 1
    return CNN_OK


cdef cnn_status network_from_graph(Graph *g, const int32_t *outputs, size_t n, int32_t dtype, uint64_t seed, int fill,
                                   const cnn_options *options, Network **out) noexcept nogil:
    """Takes the graph over (it is empty afterwards) when all goes well."""
    cdef cnn_error *error = options_error(options)
    cdef const cnn_allocator *allocator = options_allocator(options)
    cdef Network *net
    cdef size_t item = 4 if dtype == CNN_FLOAT32 else 8
    cdef cnn_status status = graph_finish(g, outputs, n, dtype, error)
    if status != CNN_OK:
        return status
    net = <Network *>cnn_memory_new(allocator, sizeof(Network))
    if net == NULL:
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for a network")
    net.allocator = allocator[0]
    if options != NULL and options.executor != NULL:
        net.executor = options.executor[0]
        net.has_executor = 1
    net.error = error
    net.seed = seed
    net.arena_bytes = g.arena * item
    net.arena = cnn_memory_new(allocator, net.arena_bytes + 64)
    if net.arena == NULL:
        cnn_memory_release(net)
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for %z parameters (%z bytes)", g.arena, g.arena * item)
    net.graph = g[0]
    net.graph.allocator = &net.allocator
    if fill:
        status = network_fill(net, seed, error)
        if status != CNN_OK:
            memset(&net.graph, 0, sizeof(Graph))
            network_release(net)
            return status
    graph_init(g, allocator)
    out[0] = net
    return CNN_OK


cdef void convert_arena(const Network *net, Network *to) noexcept nogil:
    cdef size_t i, j
    cdef const Block *a
    cdef const Block *b
    for i in range(net.graph.n_blocks):
        a = &net.graph.blocks[i]
        b = &to.graph.blocks[i]
        for j in range(a.count):
            if net.graph.dtype == CNN_FLOAT32:
                if to.graph.dtype == CNN_FLOAT32:
                    (<float *>to.arena)[b.offset + j] = (<float *>net.arena)[a.offset + j]
                else:
                    (<double *>to.arena)[b.offset + j] = (<float *>net.arena)[a.offset + j]
            elif to.graph.dtype == CNN_FLOAT32:
                (<float *>to.arena)[b.offset + j] = <float>(<double *>net.arena)[a.offset + j]
            else:
                (<double *>to.arena)[b.offset + j] = (<double *>net.arena)[a.offset + j]


cdef cnn_status network_clone(const Network *net, int32_t dtype, const cnn_options *options, Network **out) noexcept nogil:
    cdef cnn_error *error = options_error(options)
    cdef Graph g
    cdef Network *made = NULL
    cdef size_t i, offset = 0
    cdef cnn_status status = graph_copy(&net.graph, options_allocator(options), &g, error)
    if status != CNN_OK:
        return status
    for i in range(g.n_blocks):  # a borrowed network's blocks lie as in its file
        g.blocks[i].offset = offset
        offset += (g.blocks[i].count + ALIGN - 1) // ALIGN * ALIGN
    g.arena = offset
    status = network_from_graph(&g, net.graph.outputs, net.graph.n_outputs, dtype, net.seed, 0, options, &made)
    if status != CNN_OK:
        graph_release(&g)
        return status
    convert_arena(net, made)
    for i in range(net.n_notes):
        status = notes_set(made, net.notes[i].key, net.notes[i].value)
        if status != CNN_OK:
            network_release(made)
            return status
    out[0] = made
    return CNN_OK
