# A frame: the memory of one plan for one thread, with every pointer in its place; and the two passes over it.

cdef struct Frame:
    void *memory
    void **data            # by value; inputs are set before each tile
    void **gradient        # by value
    Op *ops                # by step
    Run run
    cnn_error error        # of this frame's last failure


cdef void frame_release(Frame *f) noexcept nogil:
    cnn_memory_release(f.memory)
    cnn_memory_release(f.data)
    cnn_memory_release(f.gradient)
    cnn_memory_release(f.ops)
    memset(f, 0, sizeof(Frame))


cdef void frame_bind(Frame *f, const Plan *p, int32_t value, void *memory) noexcept nogil:
    """Gives a value (an input, or an output of the caller's) its memory, and all that share it."""
    cdef size_t v
    cdef int32_t root = p.root[value]
    for v in range(p.graph.n_values):
        if p.root[v] == root:
            f.data[v] = memory


cdef cnn_status frame_make(Frame *f, const Plan *p, const Network *net, cnn_error *error) noexcept nogil:
    cdef size_t v, i, n = p.graph.n_values
    cdef Op *op
    cdef const Node *node
    memset(f, 0, sizeof(Frame))
    f.memory = cnn_memory_new(p.allocator, p.frame + 64)
    f.data = <void **>cnn_memory_new(p.allocator, n * sizeof(void *))
    f.gradient = <void **>cnn_memory_new(p.allocator, n * sizeof(void *))
    f.ops = <Op *>cnn_memory_new(p.allocator, (p.n_steps + 1) * sizeof(Op))
    if f.memory == NULL or f.data == NULL or f.gradient == NULL or f.ops == NULL:
        frame_release(f)
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for a tile of %z rows (%z bytes)", p.rows, p.frame)
    for v in range(n):
        if p.place[v] != NONE:
            f.data[v] = <char *>f.memory + p.place[v]
        if p.gradient[v] != NONE:
            f.gradient[v] = <char *>f.memory + p.gradient[v]
    for i in range(p.n_steps):
        op = &f.ops[i]
        node = &p.graph.nodes[p.steps[i].node]
        op.graph = p.graph
        op.node = node
        op.index = p.steps[i].node
        op.plan = &p.steps[i].plan
        op.inputs = p.graph.links + node.inputs
        op.output = node.output
        op.values = p.values
        op.data = f.data
        op.gradient = f.gradient
        op.add = p.add + p.steps[i].add
        op.blocks = p.graph.links + node.blocks
        op.wanted = p.wanted
        op.again = p.steps[i].again
        op.saved = <char *>f.memory + p.steps[i].saved if p.steps[i].saved != NONE else NULL
        op.scratch = <char *>f.memory + p.scratch
        op.function = &net.functions[op.index] if net.functions != NULL and net.functions[op.index].forward != NULL else NULL
    return CNN_OK


cdef cnn_status frame_forward(Frame *f, const Plan *p, const real *parameters, int everything) noexcept nogil:
    """everything 0: only what the losses need."""
    cdef size_t i
    cdef int32_t s
    cdef cnn_status status
    cdef Op *op
    for i in range(p.n_forward):
        s = p.forward[i]
        if p.steps[s].aside and not everything:
            continue
        op = &f.ops[s]
        op.run = &f.run
        if real is float:
            status = p.steps[s].table.forward_f32(op, parameters)
        else:
            status = p.steps[s].table.forward_f64(op, parameters)
        if status != CNN_OK:
            return status
    return CNN_OK


cdef cnn_status frame_backward(Frame *f, const Plan *p, const real *parameters, real *gradients) noexcept nogil:
    cdef size_t i
    cdef int32_t s
    cdef cnn_status status
    cdef Op *op
    for i in range(p.n_backward):
        s = p.backward[i]
        op = &f.ops[s]
        op.run = &f.run
        if real is float:
            status = p.steps[s].table.backward_f32(op, parameters, gradients)
        else:
            status = p.steps[s].table.backward_f64(op, parameters, gradients)
        if status != CNN_OK:
            return status
    return CNN_OK


cdef Frame *frames_new(const Plan *p, const Network *net, int32_t n, cnn_error *error) noexcept nogil:
    cdef int32_t i
    cdef Frame *frames = <Frame *>cnn_memory_new(p.allocator, <size_t>n * sizeof(Frame))
    if frames == NULL:
        cnn_fail(error, CNN_E_MEMORY, "not enough memory for a plan")
        return NULL
    for i in range(n):
        if frame_make(&frames[i], p, net, error) != CNN_OK:
            frames_release(frames, i)
            return NULL
    return frames


cdef void frames_release(Frame *frames, int32_t n) noexcept nogil:
    cdef int32_t i
    if frames == NULL:
        return
    for i in range(n):
        frame_release(&frames[i])
    cnn_memory_release(frames)


cdef cnn_status frames_error(const Frame *frames, int32_t n, cnn_error *error) noexcept nogil:
    """The status of the first frame that failed, and its sentence to the caller."""
    cdef int32_t i
    for i in range(n):
        if frames[i].error.status != CNN_OK:
            if error != NULL and error.size >= sizeof(cnn_error):
                error[0] = frames[i].error
                error.size = sizeof(cnn_error)
            return frames[i].error.status
    return CNN_OK
