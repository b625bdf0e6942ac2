# A frame: the memory of one plan for one thread, with every pointer in its place; and the two passes over it.

cdef struct Frame:
    void *memory
    void **data            # by value; inputs are set before each tile
    void **gradient        # by value
    Op *ops                # by step
    Run run
    cnn_error error        # of this frame's last failure


cdef void frame_release(Frame *f) noexcept nogil:
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


cdef cnn_status frame_make(Frame *f, const Plan *p, const Network *net, void *memory, char *kept, cnn_error *error) noexcept nogil:
    """memory: p.frame bytes, zero."""
    cdef size_t v, i, n = p.graph.n_values
    cdef Op *op
    cdef const Node *node
    memset(f, 0, sizeof(Frame))
    f.memory = memory
    f.data = <void **>cnn_memory_new(p.allocator, n * sizeof(void *))
    f.gradient = <void **>cnn_memory_new(p.allocator, n * sizeof(void *))
    f.ops = <Op *>cnn_memory_new(p.allocator, (p.n_steps + 1) * sizeof(Op))
    if f.data == NULL or f.gradient == NULL or f.ops == NULL:
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for a plan")
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
        op.kept = kept + p.steps[i].kept if p.steps[i].plan.kept else NULL
        op.table = &p.steps[i].table
        op.run = &f.run
        if p.steps[i].pool >= 0:
            op.pool = &f.ops[p.steps[i].pool]
        if p.steps[i].leader != <int32_t>i:
            f.ops[i - 1].next = op
        op.function = &net.functions[op.index] if net.functions != NULL and net.functions[op.index].forward != NULL else NULL
    return CNN_OK


# ---- Rows: where threads divide the ops, those whose rows do not meet (OpPlan.by_rows; they cannot fail) run on slices of rows.

cdef struct RowsWork:
    Op *op
    const PlanStep *step
    const void *parameters
    void *gradients
    size_t slice
    int32_t backward

cdef enum:
    MAX_SLICED = 8         # inputs and outputs of an op that is run so

cdef cnn_status step_run(const PlanStep *s, Op *op, int backward, const real *parameters, real *gradients) noexcept nogil:
    if real is float:
        return s.table.backward_f32(op, parameters, gradients) if backward else s.table.forward_f32(op, parameters)
    else:
        return s.table.backward_f64(op, parameters, gradients) if backward else s.table.forward_f64(op, parameters)

cdef void rows_slice(void *arg, size_t index, int32_t member) noexcept nogil:
    """The op on rows of its own: the same op with pointers moved on."""
    cdef RowsWork *c = <RowsWork *>arg
    cdef Op op = c.op[0]
    cdef Run run = c.op.run[0]
    cdef size_t first = index * c.slice, n = <size_t>op.node.n_inputs, i, shift
    cdef int32_t values[MAX_SLICED]
    cdef PlanValue described[MAX_SLICED]
    cdef void *data[MAX_SLICED]
    cdef void *gradient[MAX_SLICED]
    cdef int32_t v
    run.rows = c.slice if c.op.run.rows - first > c.slice else c.op.run.rows - first
    run.first_row += first
    run.team = NULL
    for i in range(n + <size_t>op.node.n_outputs):
        v = op.inputs[i] if i < n else op.output + <int32_t>(i - n)
        values[i] = <int32_t>i
        described[i] = op.values[v]
        shift = first * op.values[v].row * item_bytes(op.graph, op.values[v].dtype) if op.values[v].batched else 0
        data[i] = <char *>op.data[v] + shift if op.data[v] != NULL else NULL
        gradient[i] = <char *>op.gradient[v] + shift if op.gradient[v] != NULL else NULL
    op.run = &run
    op.inputs = values
    op.output = <int32_t>n
    op.values = described
    op.data = data
    op.gradient = gradient
    if op.saved != NULL:
        op.saved = <char *>op.saved + op.plan.saved // op.plan.rows * first
    op.scratch = <char *>op.scratch + <size_t>member * op.plan.scratch_each
    if op.graph.dtype == CNN_FLOAT32:
        step_run(c.step, &op, c.backward, <const float *>c.parameters, <float *>c.gradients)
    else:
        step_run(c.step, &op, c.backward, <const double *>c.parameters, <double *>c.gradients)

cdef void parts_slice(void *arg, size_t index, int32_t member) noexcept nogil:
    cdef const RowsWork *c = <const RowsWork *>arg
    cdef size_t all_ = c.op.run.rows * op_row_out(c.op, 0), first = index * c.slice, n = c.slice if all_ - first > c.slice else all_ - first
    if c.op.graph.dtype == CNN_FLOAT32:
        c.op.table.part_f32(c.op, NULL, first, n)
    else:
        c.op.table.part_f64(c.op, NULL, first, n)

cdef cnn_status frame_step(Op *op, const PlanStep *s, int backward, const real *parameters, real *gradients) noexcept nogil:
    cdef RowsWork work
    cdef const PlanValue *y
    cdef size_t rows = op.run.rows, pixels, slices
    if op.run.team == NULL or not s.plan.by_rows & (ROWS_BACKWARD if backward else ROWS_FORWARD):
        return step_run(s, op, backward, parameters, gradients)
    work.slice = slice_rows(op, rows, <double>rows * s.plan.flops)
    y = &op.values[op.output]
    if rows < <size_t>s.plan.members and s.plan.by_parts and not backward and y.batched and y.rank > 1:
        work.op = op
        pixels = rows * y.row // y.dims[1]
        work.slice = slice_rows(op, pixels, <double>rows * s.plan.flops)
        slices = (pixels + work.slice - 1) // work.slice
        work.slice *= y.dims[1]
        cnn_parallel_for(op.run.team, slices, parts_slice, &work)
        return CNN_OK
    if work.slice >= rows or op.node.n_inputs + op.node.n_outputs > MAX_SLICED:
        return step_run(s, op, backward, parameters, gradients)
    work.op = op
    work.step = s
    work.parameters = parameters
    work.gradients = gradients
    work.backward = backward
    cnn_parallel_for(op.run.team, (rows + work.slice - 1) // work.slice, rows_slice, &work)
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
        status = frame_step(op, &p.steps[s], 0, parameters, <real *>NULL)
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
        status = frame_step(op, &p.steps[s], 1, parameters, gradients)
        if status != CNN_OK:
            return status
    return CNN_OK


cdef Frame *frames_new(const Plan *p, const Network *net, int32_t n, char *kept, cnn_error *error) noexcept nogil:
    """kept: p.kept bytes for all of them."""
    cdef int32_t i
    cdef size_t apart = rounded(p.frame + 64)
    cdef Frame *frames = <Frame *>cnn_memory_new(p.allocator, <size_t>n * sizeof(Frame))
    if frames == NULL:
        cnn_fail(error, CNN_E_MEMORY, "not enough memory for a plan")
        return NULL
    frames.memory = cnn_memory_new(p.allocator, <size_t>n * apart)
    if frames.memory == NULL:
        cnn_fail(error, CNN_E_MEMORY, "not enough memory for a tile of %z rows (%z bytes)", p.rows, p.frame)
        frames_release(frames, 0)
        return NULL
    for i in range(n):
        if frame_make(&frames[i], p, net, <char *>frames.memory + <size_t>i * apart, kept, error) != CNN_OK:
            frames_release(frames, i + 1)
            return NULL
        frames[i].run.apart = apart
    return frames


cdef void frames_release(Frame *frames, int32_t n) noexcept nogil:
    cdef int32_t i
    if frames == NULL:
        return
    cnn_memory_release(frames.memory)  # of all of them
    for i in range(n):
        frame_release(&frames[i])
    cnn_memory_release(frames)


cdef size_t frames_bytes(const Plan *p, int32_t n) noexcept nogil:
    """Of a plan and n frames."""
    return (p.tables_bytes + p.n_steps * (sizeof(PlanStep) + 8) + p.graph.n_values * (sizeof(PlanValue) + 28)
            + <size_t>n * (p.frame + sizeof(Frame) + p.n_steps * sizeof(Op) + p.graph.n_values * 2 * sizeof(void *)))


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
