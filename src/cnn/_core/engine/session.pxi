# Sessions: prediction. A plan without a backward pass, a frame for each thread, and the values: the network's own, or a snapshot.

cdef struct Session:
    const Network *net
    cnn_allocator allocator
    cnn_executor executor
    int32_t has_executor
    Pace pace              # of calls whose work hardly pays for a team,
    size_t paced           # of so many rows
    int32_t engaged        # several threads do this call
    cnn_error *error
    int32_t in_block       # lives in the caller's block
    int32_t training
    Plan plan
    Frame *frames
    int32_t n_frames
    void *snapshot         # NULL: live
    char *kept             # what ops make of the parameters alone,
    uint64_t version       # of these
    uint64_t panels        # the version that panels are of,
    uint64_t seen          # and that of the last call of many rows; 0: none. One more than the network's
    int32_t *values        # wanted
    size_t n_values
    size_t *row_bytes      # of each wanted value
    Inner *inners          # of the inputs of a call
    unsigned char *bound   # wanted value i may be written where the caller wants it
    uint64_t step          # calls so far: new random numbers for each, when training
    size_t max_rows        # of a call, for those who were promised memory for so many; 0: any

cdef enum:
    PANELS_AT_ONCE = 256    # rows of a call that pay for panels of its own
    TILE_WORK = 1000000     # multiply-adds of a tile that are worth handing to another thread
    WAKING_WORK = 6000000   # multiply-adds of a call, for which threads are woken; of less, down to
    READY_WORK = 160000     # this, they take part if they need not be
    WORK_NANOSECOND = 50    # of one thread
    MOVED_WORK = 4          # multiply-adds that take as long as a number that comes in or is written
    WEIGHT_WORK = 16        # ... that it takes to read a weight and put it in order,
    PANEL_WORK = 4          # and to read it from a panel
    DIVIDED = 82            # percent of the threads' time that is of use where they divide a product
    TEAM_WEIGHTS = 1000000  # from here on they divide the ops of many rows too, so that each weight is packed once for all

cdef struct Prediction:    # one call
    Session *s
    const cnn_data *data
    void **outputs
    size_t rows, tile


cdef void session_release(Session *s) noexcept nogil:
    if s == NULL:
        return
    frames_release(s.frames, s.n_frames)
    plan_release(&s.plan)
    cnn_memory_release(s.snapshot)
    cnn_memory_release(s.kept)
    cnn_memory_release(s.values)
    cnn_memory_release(s.row_bytes)
    cnn_memory_release(s.bound)
    cnn_memory_release(s.inners)
    cnn_memory_release(s)


cdef const cnn_executor *session_executor(const Session *s) noexcept nogil:
    return &s.executor if s.has_executor else NULL


cdef const void *session_parameters(const Session *s) noexcept nogil:
    return s.snapshot if s.snapshot != NULL else s.net.arena


cdef void session_wish(const Network *net, const cnn_session_setup *setup, PlanWish *wish) noexcept nogil:
    cdef const cnn_options *options = setup.options
    memset(wish, 0, sizeof(PlanWish))
    wish.values = setup.values if setup.values != NULL else net.graph.outputs
    wish.n_values = setup.n_values if setup.values != NULL else net.graph.n_outputs
    wish.max_rows = setup.max_rows
    wish.input_dims = setup.input_dims
    if options != NULL and options.executor != NULL:
        wish.members = cnn_executor_width(options.executor)
    elif net.has_executor:
        wish.members = cnn_executor_width(&net.executor)
    wish.team = wish.members > 1 and net.graph.arena >= TEAM_WEIGHTS and divides_ops(&net.graph)


cdef inline int32_t session_frames(const Plan *p) noexcept nogil:
    return 1 if p.team else p.members


cdef cnn_status session_make(const Network *net, const cnn_session_setup *setup, Session **out) noexcept nogil:
    cdef const cnn_options *options = setup.options
    cdef cnn_error *error = options.error if options != NULL else net.error
    cdef const cnn_allocator *allocator = options.allocator if options != NULL and options.allocator != NULL else &net.allocator
    cdef PlanWish wish
    cdef Session *s
    cdef size_t i, j
    cdef int32_t v
    cdef cnn_status status
    session_wish(net, setup, &wish)
    for i in range(wish.n_values):
        if wish.values[i] < 0 or <size_t>wish.values[i] >= net.graph.n_values:
            return cnn_fail(error, CNN_E_ARGUMENT, "value %d is wanted; there are %z values", wish.values[i], net.graph.n_values)
    s = <Session *>cnn_memory_new(allocator, sizeof(Session))
    if s == NULL:
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for a session")
    s.net = net
    s.allocator = allocator[0]
    s.error = error
    s.training = setup.training
    if options != NULL:
        if options.executor != NULL:
            s.executor = options.executor[0]
            s.has_executor = 1
    elif net.has_executor:
        s.executor = net.executor
        s.has_executor = 1
    pace_make(&s.pace, &s.executor)
    status = plan_make_in(&s.plan, net, &wish, &s.allocator, error)
    if status != CNN_OK:
        session_release(s)
        return status
    s.n_values = wish.n_values
    s.values = <int32_t *>cnn_memory_new(&s.allocator, s.n_values * sizeof(int32_t))
    s.row_bytes = <size_t *>cnn_memory_new(&s.allocator, s.n_values * sizeof(size_t))
    s.bound = <unsigned char *>cnn_memory_new(&s.allocator, s.n_values)
    s.inners = <Inner *>cnn_memory_new(&s.allocator, net.graph.n_inputs * sizeof(Inner))
    if not setup.live:
        s.snapshot = cnn_memory_new(&s.allocator, net.arena_bytes + 64)
    s.n_frames = session_frames(&s.plan)
    s.kept = <char *>cnn_memory_new(&s.allocator, s.plan.kept + 64)
    if s.kept != NULL:
        s.frames = frames_new(&s.plan, net, s.n_frames, s.kept, error)
    if s.frames == NULL:
        s.n_frames = 0
    if s.values == NULL or s.row_bytes == NULL or s.bound == NULL or s.inners == NULL or s.kept == NULL or s.frames == NULL or (not setup.live and s.snapshot == NULL):
        session_release(s)
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for a session")
    for i in range(s.n_values):
        v = wish.values[i]
        s.values[i] = v
        s.row_bytes[i] = value_bytes(&s.plan, v, 1)
        s.bound[i] = s.plan.place[v] != NONE  # not the input itself in other clothes
        for j in range(i):
            if s.plan.root[s.values[j]] == s.plan.root[v]:
                s.bound[i] = 0
    session_take(s)
    out[0] = s
    return CNN_OK


cdef void session_take(Session *s) noexcept nogil:
    """The network's values of now."""
    if s.snapshot != NULL:
        memcpy(s.snapshot, s.net.arena, s.net.arena_bytes)
    s.version = s.net.version
    session_keep(s, 0)
    if s.snapshot != NULL:
        s.panels = s.net.version + 1
        session_keep(s, 1)


cdef void session_keep(Session *s, int panels) noexcept nogil:
    """What ops make of the parameters alone: panels, or all else."""
    cdef Frame *f = &s.frames[0]
    cdef const PlanStep *step
    cdef size_t i
    f.run.kernels = s.plan.kernels
    f.run.team = session_executor(s)
    for i in range(s.plan.n_steps):
        step = &s.plan.steps[i]
        if step.plan.kept and step.plan.keeps_panels == panels:
            if s.net.graph.dtype == CNN_FLOAT32:
                step.table.keep_f32(&f.ops[i], <const float *>session_parameters(s))
            else:
                step.table.keep_f64(&f.ops[i], <const double *>session_parameters(s))


cdef inline void session_refreshed(Session *s, size_t rows) noexcept nogil:
    """Before each call: what is kept belongs to the values of now. Those of a snapshot stay."""
    if s.snapshot == NULL and s.plan.kept:
        if s.version != s.net.version or s.net.views or s.net.exposed:
            s.version = s.net.version
            session_keep(s, 0)
        if rows > 1:
            session_take_panels(s, rows)


cdef void session_take_panels(Session *s, size_t rows) noexcept nogil:
    """Panels are made when they have been missed twice, or many rows come at once: until then, products put weights in order as they go."""
    cdef uint64_t now = s.net.version + 1
    if s.net.views or s.net.exposed:
        s.panels = s.seen = 0
    elif s.panels != now:
        if s.seen == now or rows >= PANELS_AT_ONCE:
            s.panels = now
            session_keep(s, 1)
        s.seen = now


cdef inline void session_begin(Session *s, size_t rows) noexcept nogil:
    """A call of so many rows: what it needs to be made, and whether several threads do it."""
    cdef double work = <double>(rows if rows > 1 else DENSE_READ) * s.plan.flops + <double>rows * MOVED_WORK * s.plan.numbers
    session_refreshed(s, rows)
    s.engaged = s.plan.members > 1 and work >= READY_WORK
    if s.engaged and work < WAKING_WORK:
        if rows != s.paced:
            s.paced = rows
            pace_forget(&s.pace)
        pace_begin(&s.pace)
        s.engaged = not s.pace.alone and cnn_executor_ready(&s.pace.team, <int64_t>(work / WORK_NANOSECOND))


cdef inline void session_end(Session *s, size_t rows) noexcept nogil:
    if rows == s.paced:
        pace_end(&s.pace, rows)


cdef inline int session_has_panels(const Session *s) noexcept nogil:
    return s.panels != 0 and (s.snapshot != NULL or s.panels == s.net.version + 1)


cdef cnn_status session_tile(Session *s, Frame *f, size_t first, size_t n, int alone, void **outputs, cnn_error *error) noexcept nogil:
    """Rows first .. first + n - 1; the inputs are bound. alone: all rows of the call."""
    cdef size_t i
    cdef cnn_status status
    cdef void *to
    for i in range(s.n_values):
        if s.bound[i]:
            frame_bind(f, &s.plan, s.values[i], <char *>outputs[i] + first * s.row_bytes[i])
    f.run.kernels = s.plan.kernels
    f.run.team = session_executor(s) if s.engaged and (s.plan.team or f.run.all_rows == 1) else NULL
    f.run.panels = session_has_panels(s)
    f.run.few = session_executor(s) if s.engaged and n > 1 and alone else NULL
    f.run.rows = n
    f.run.training = s.training
    f.run.fresh = 1
    f.run.seed = s.net.seed
    f.run.epoch = 0
    f.run.step = s.step
    f.run.first_row = first
    f.run.error = error
    if s.net.graph.dtype == CNN_FLOAT32:
        status = frame_forward(f, &s.plan, <const float *>session_parameters(s), 1)
    else:
        status = frame_forward(f, &s.plan, <const double *>session_parameters(s), 1)
    if status == CNN_OK:
        for i in range(s.n_values):
            if not s.bound[i]:
                to = <char *>outputs[i] + first * s.row_bytes[i]
                memcpy(to, f.data[s.values[i]], n * s.row_bytes[i])
    return status


cdef void prediction_tile(void *arg, size_t index, int32_t member) noexcept nogil:
    cdef Prediction *c = <Prediction *>arg
    cdef Session *s = c.s
    cdef Frame *f = &s.frames[member]
    cdef size_t first = index * c.tile, n = c.rows - first if c.rows - first < c.tile else c.tile, i
    cdef int32_t v
    if f.error.status != CNN_OK:
        return
    for i in range(s.net.graph.n_inputs):
        v = s.net.graph.inputs[i]
        bind_input(f, &s.plan, v, &c.data.inputs[i], &s.inners[i], NULL, first, n, NULL)
    f.error.status = session_tile(s, f, first, n, c.tile >= c.rows, c.outputs, &f.error)


cdef struct Gathering:     # the rows of one input, for several threads
    const cnn_array *array
    const Inner *inner
    const uint32_t *rows
    void *to
    int32_t dtype
    size_t first, n, slice


cdef void gather_slice(void *arg, size_t index, int32_t member) noexcept nogil:
    cdef const Gathering *c = <const Gathering *>arg
    cdef size_t at = index * c.slice, n = c.n - at if c.n - at < c.slice else c.slice, first = c.first + at
    if c.dtype == CNN_FLOAT32:
        gather(c.array, c.inner, c.rows, first, n, <float *>c.to + at * c.inner.row)
    elif c.dtype == CNN_FLOAT64:
        gather(c.array, c.inner, c.rows, first, n, <double *>c.to + at * c.inner.row)
    elif c.dtype == CNN_INT32:
        gather(c.array, c.inner, c.rows, first, n, <int32_t *>c.to + at * c.inner.row)
    else:
        gather(c.array, c.inner, c.rows, first, n, <int64_t *>c.to + at * c.inner.row)


cdef void bind_input(Frame *f, const Plan *p, int32_t v, const cnn_array *a, const Inner *o, const uint32_t *rows, size_t first, size_t n,
                     const cnn_executor *team) noexcept nogil:
    """Input v of a tile: where it lies, or gathered into the frame's own buffer."""
    cdef Gathering c
    c.dtype = p.values[v].dtype
    if c.dtype == CNN_FLOAT32:
        c.dtype = p.graph.dtype
    if rows == NULL and is_direct(a, o, c.dtype):
        frame_bind(f, p, v, <char *>a.data + <ptrdiff_t>first * a.strides[0])
        return
    c.array = a
    c.inner = o
    c.rows = rows
    c.to = <char *>f.memory + p.place_input[v]
    c.first = first
    c.n = c.slice = n
    frame_bind(f, p, v, c.to)
    if team == NULL or n * o.row < 16384:
        gather_slice(&c, 0, 0)
    else:
        c.slice = (n + <size_t>p.members - 1) // <size_t>p.members
        cnn_parallel_for(team, (n + c.slice - 1) // c.slice, gather_slice, &c)


cdef size_t tile_rows(const Session *s, size_t rows) noexcept nogil:
    """Rows of a tile for a call of `rows`: enough tiles for every thread when the work is worth it. All rows, where threads get more done by
    dividing the dense products (Run.few): then the weights are read once, but the other ops are one thread's. Bits do not depend on it."""
    cdef const Plan *p = &s.plan
    cdef const cnn_executor *executor = session_executor(s)
    cdef size_t width = <size_t>cnn_executor_width(executor), tiles, tile
    cdef double n = <double>rows, work = n * p.flops, weights = (PANEL_WORK if session_has_panels(s) else WEIGHT_WORK) * <double>p.graph.arena
    if p.team or not s.engaged or rows == 1 or work <= 2 * TILE_WORK:
        return p.rows
    tiles = rows // 16 if 16 * p.flops < TILE_WORK else <size_t>(work / TILE_WORK)
    tiles = tiles if tiles < rows else rows
    if tiles > width:
        tiles = 2 * width if tiles >= 2 * width and work > 8 * <double>width * weights else width
    if work / <double>(tiles if tiles < width else width) + weights > work - n * p.dense + (n * p.dense + weights) * 100 / (DIVIDED * <double>width):
        return p.rows
    tile = (rows + tiles - 1) // tiles
    return tile if tile < p.rows else p.rows


cdef cnn_status check_data(const Network *net, const Plan *p, const cnn_data *data, cnn_error *error) noexcept nogil:
    """Inputs: number, shapes."""
    cdef size_t i, j, rank
    cdef const PlanValue *v
    cdef const cnn_array *a
    if data.n_inputs != net.graph.n_inputs:
        return cnn_fail(error, CNN_E_ARGUMENT, "the network has %z inputs; %z were given", net.graph.n_inputs, data.n_inputs)
    for i in range(data.n_inputs):
        v = &p.values[net.graph.inputs[i]]
        a = &data.inputs[i]
        rank = <size_t>v.rank
        if a.dims[0] != data.rows:
            return cnn_fail(error, CNN_E_SHAPE, "input %z has %z rows; %z were expected", i, a.dims[0], data.rows)
        if a.rank != v.rank or memcmp(a.dims + 1, v.dims + 1, (rank - 1) * sizeof(size_t)) != 0:
            return cnn_fail(error, CNN_E_SHAPE, "%s has rows of the shape %D; %D was given",
                            node_name(&net.graph, &net.graph.nodes[net.graph.values[net.graph.inputs[i]].node]),
                            rank - 1, v.dims + 1, <size_t>a.rank, a.dims)
        if dtype_size(a.dtype) == 0:
            return cnn_fail(error, CNN_E_DTYPE, "input %z has an unknown dtype", i)
    return CNN_OK


cdef cnn_status session_predict(Session *s, const cnn_data *data, void **outputs, cnn_error *error) noexcept nogil:
    cdef cnn_status status = check_data(s.net, &s.plan, data, error)
    if status != CNN_OK or data.rows == 0:
        return status
    session_begin(s, data.rows)
    status = session_predict_tiles(s, data, outputs, tile_rows(s, data.rows), error)
    session_end(s, data.rows)
    return status


cdef cnn_status session_predict_tiles(Session *s, const cnn_data *data, void **outputs, size_t tile, cnn_error *error) noexcept nogil:
    cdef Prediction c
    cdef size_t tiles = (data.rows + tile - 1) // tile, i
    memset(&c, 0, sizeof(c))
    c.s = s
    c.data = data
    c.outputs = outputs
    c.rows = data.rows
    c.tile = tile
    for i in range(data.n_inputs):
        inner_of(&data.inputs[i], &s.inners[i])
    for i in range(<size_t>s.n_frames):
        s.frames[i].run.all_rows = c.rows
        s.frames[i].error.size = sizeof(cnn_error)
        s.frames[i].error.status = CNN_OK
    if s.plan.team or tiles == 1:
        for i in range(tiles):
            prediction_tile(&c, i, 0)
    else:
        cnn_parallel_for(session_executor(s) if s.engaged else NULL, tiles, prediction_tile, &c)
    s.step += 1
    return frames_error(s.frames, s.n_frames, error)


cdef cnn_status session_predict_exact(Session *s, const void *x, size_t rows, void *y, cnn_error *error) noexcept nogil:
    """One input, one output, contiguous, in the network's dtype; the caller has checked."""
    cdef Frame *f = &s.frames[0]
    cdef size_t i, n, tile = rows
    cdef int32_t v = s.net.graph.inputs[0]
    cdef cnn_data data
    cdef cnn_array a
    cdef cnn_status status
    session_begin(s, rows)
    if rows > 1:
        tile = tile_rows(s, rows)
    if tile >= rows:
        f.run.all_rows = rows
        frame_bind(f, &s.plan, v, <void *>x)
        status = session_tile(s, f, 0, rows, 1, &y, error)
        session_end(s, rows)
        return status
    memset(&data, 0, sizeof(data))
    memset(&a, 0, sizeof(a))
    a.data = x
    a.dtype = <cnn_dtype>s.net.graph.dtype
    a.rank = s.plan.values[v].rank
    memcpy(a.dims, s.plan.values[v].dims, sizeof(a.dims))
    a.dims[0] = rows
    n = s.plan.values[v].row * (4 if s.net.graph.dtype == CNN_FLOAT32 else 8)
    a.strides[0] = <ptrdiff_t>n
    for i in range(1, <size_t>a.rank):
        n //= a.dims[i]
        a.strides[i] = <ptrdiff_t>n
    data.rows = rows
    data.n_inputs = 1
    data.inputs = &a
    status = session_predict_tiles(s, &data, &y, tile, error)
    session_end(s, rows)
    return status
