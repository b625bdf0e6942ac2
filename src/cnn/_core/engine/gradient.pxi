# The gradient of a batch.
#
# Two ways to use threads, chosen by shapes alone. Networks with few parameters and many rows: the batch is cut into parts, each sums its
# gradient in an arena of its own, tile after tile, and the arenas are added in order. Networks with many parameters: one part, whose ops
# are divided among the threads (slices of units or features), so that there is one gradient and each thread keeps to its own weights.
# Either way the bits are the same for every number of threads.

cdef enum:
    PART_USES = 32         # of each parameter by a batch of few rows that are worth two parts
    PART_WORK = 500000     # multiply-adds of a part's forward pass

cdef int divides_ops(const Graph *g) noexcept nogil:
    """Many parameters, each used but a few times by a row: where a kernel goes over an image, the parts' gradients cost little."""
    cdef const Block *b
    cdef const Value *y
    cdef double uses = 0
    cdef size_t i, j, row
    for i in range(g.n_blocks):
        b = &g.blocks[i]
        y = &g.values[g.nodes[b.node].output]
        row = 1
        for j in range(1, <size_t>y.rank):
            row *= y.dims[j] if y.dims[j] != OPEN else 1
        uses += <double>b.count * (<double>(row // b.dims[0]) if b.rank > 1 and row > b.dims[0] else 1)
    return g.arena >= TEAM_PARAMETERS and uses < 4 * <double>g.arena


cdef size_t parts_of(const Trainer *t, size_t rows) noexcept nogil:
    """Parts of a batch: a function of shapes only. Each has work enough to be worth a hand-over and to pay for a gradient arena."""
    cdef double work = <double>rows * t.plan.flops
    if t.plan.couples or t.plan.team:
        return 1
    if rows >= 64 and work >= MAX_PARTS * PART_WORK:
        return MAX_PARTS
    if work >= 1.5 * PART_WORK and (rows >= 32 or (rows >= 2 and work > PART_USES * <double>t.net.graph.arena)):
        return 2
    return 1


cdef struct LossWork:
    const Target *target
    const void *targets
    const void *p
    void *dp               # NULL: not wanted
    int32_t single         # float32
    size_t first           # unit of the batch
    size_t units, slice


cdef cnn_status target_tile(Trainer *t, Target *o, size_t index, Frame *f, size_t first, size_t n, real *tag) noexcept nogil:
    """Targets of the batch's rows first .. first + n - 1, their losses, and the gradient at the loss's value."""
    cdef size_t units = n * o.positions, at = first * o.positions
    cdef const cnn_array *y = &t.data.targets[index]
    cdef real *p = <real *>f.data[o.value]
    cdef real *dp = <real *>f.gradient[o.value] if t.backward else NULL
    cdef void *target
    cdef LossWork work
    cdef size_t from_ = t.first + first
    if o.loss.labels:
        target = <int32_t *>o.targets + at
        gather(y, &o.inner, t.rows, from_, n, <int32_t *>target)
    else:
        target = <real *>o.targets + first * o.inner.row
        gather(y, &o.inner, t.rows, from_, n, <real *>target)
    if o.hook != NULL:
        return target_hook(t, o, index, target, p, dp, first, n)
    work.target = o
    work.targets = target
    work.p = p
    work.dp = dp
    work.single = real is float
    work.first = at
    work.units = units
    work.slice = units
    if f.run.team != NULL and <double>units * <double>o.width * LOSS_WORK >= 2 * SLICE_WORK:
        work.slice = (units + <size_t>t.plan.members - 1) // <size_t>t.plan.members
    cnn_parallel_for(f.run.team, (units + work.slice - 1) // work.slice if units else 0, loss_slice, &work)
    return CNN_OK


cdef void loss_slice(void *arg, size_t index, int32_t member) noexcept nogil:
    """Units know nothing of each other."""
    cdef const LossWork *a = <const LossWork *>arg
    cdef const Target *o = a.target
    cdef size_t at = index * a.slice, n = a.slice if a.units - at > a.slice else a.units - at, place = at * o.width
    cdef const double *scale = o.scale + a.first + at
    cdef double *losses = o.losses + a.first + at
    cdef const void *targets
    if o.loss.labels:
        targets = <const int32_t *>a.targets + at
    elif a.single:
        targets = <const float *>a.targets + place
    else:
        targets = <const double *>a.targets + place
    if a.single:
        o.table.f32(&o.loss, n, targets, <const float *>a.p + place, scale, losses, <float *>a.dp + place if a.dp != NULL else NULL)
    else:
        o.table.f64(&o.loss, n, targets, <const double *>a.p + place, scale, losses, <double *>a.dp + place if a.dp != NULL else NULL)


cdef cnn_status target_hook(Trainer *t, Target *o, size_t index, void *target, real *p, real *dp, size_t first, size_t n) noexcept nogil:
    """A loss of the caller's own: per-sample losses and gradients; weighing is ours."""
    cdef cnn_tensor y, z
    cdef const PlanValue *v = &t.plan.values[o.value]
    cdef size_t i, j
    cdef real *gradients = dp
    cdef double s
    memset(&y, 0, sizeof(y))
    z.data = p
    z.dtype = <cnn_dtype>t.net.graph.dtype
    z.rank = v.rank
    memcpy(z.dims, v.dims, sizeof(z.dims))
    z.dims[0] = n
    y = z
    y.data = target
    y.rank = t.data.targets[index].rank
    memcpy(y.dims, t.data.targets[index].dims, sizeof(y.dims))
    y.dims[0] = n
    if gradients == NULL:
        gradients = <real *>o.predictions + first * o.row  # overwritten by the predictions afterwards
    if o.hook(o.user, index, &y, &z, o.losses + first, gradients):
        return CNN_STOPPED
    for i in range(n):
        s = o.scale[first + i]
        if dp != NULL:
            for j in range(o.row):
                dp[i * o.row + j] = <real>(dp[i * o.row + j] * s)
    return CNN_OK


cdef void augment_input(Trainer *t, Frame *f, size_t index, size_t first, size_t n, const cnn_executor *team) noexcept nogil:
    """Input `index` of a tile, gathered into the frame's own buffer and changed on the way."""
    cdef int32_t v = t.net.graph.inputs[index]
    cdef const size_t *dims = t.plan.values[v].dims
    cdef Augmenting c
    c.augment = &t.augment
    c.array = &t.data.inputs[index]
    c.inner = &t.inners[index]
    c.rows = t.rows
    c.to = <char *>f.memory + t.plan.place_input[v]
    c.dtype = t.net.graph.dtype
    c.input = <int32_t>index
    c.channels = dims[1]
    c.height = dims[2]
    c.width = dims[3]
    c.first = t.first + first
    c.n = n
    c.seed = t.net.seed
    c.epoch = t.epoch
    c.step = t.step
    c.first_row = t.first_row + first
    frame_bind(f, &t.plan, v, c.to)
    augment_run(&c, <int32_t>(f - t.frames), team, t.plan.members)


cdef cnn_status trainer_tile(Trainer *t, Frame *f, size_t first, size_t n, int fresh, real *gradients, const real *parameters) noexcept nogil:
    """Rows first .. first + n - 1 of the batch, all the way."""
    cdef size_t i, row
    cdef int32_t v
    cdef Target *o
    cdef const cnn_executor *team = trainer_team(t) if t.plan.team and t.plan.members > 1 else NULL
    cdef cnn_status status
    for i in range(t.net.graph.n_inputs):
        v = t.net.graph.inputs[i]
        if t.augment.active and t.training and is_images(&t.plan.values[v]):
            augment_input(t, f, i, first, n, team)
        else:
            bind_input(f, &t.plan, v, &t.data.inputs[i], &t.inners[i], t.rows, t.first + first, n, team)
    f.run.team = team
    f.run.kernels = t.plan.kernels
    f.run.rows = n
    f.run.training = t.training
    f.run.all_rows = t.n
    f.run.fresh = fresh
    f.run.seed = t.net.seed
    f.run.epoch = t.epoch
    f.run.step = t.step
    f.run.first_row = t.first_row + first
    f.run.error = &f.error
    status = frame_forward(f, &t.plan, parameters, t.keep_predictions)
    if status != CNN_OK:
        return status
    for i in range(t.n_targets):
        o = &t.targets[i]
        if t.data.n_targets:
            status = target_tile(t, o, i, f, first, n, gradients)
            if status != CNN_OK:
                return status
        if t.keep_predictions:
            row = t.plan.values[o.output].row
            memcpy(<real *>o.predictions + first * row, f.data[o.output], n * row * sizeof(real))
    if t.backward:
        status = frame_backward(f, &t.plan, parameters, gradients)
    return status


cdef void trainer_part(void *arg, size_t index, int32_t member) noexcept nogil:
    cdef Trainer *t = <Trainer *>arg
    cdef Frame *f = &t.frames[member]
    cdef size_t first = index * t.part_rows, end = first + t.part_rows, n
    cdef int fresh = 1
    cdef cnn_status status = CNN_OK
    if end > t.n:
        end = t.n
    while first < end and f.error.status == CNN_OK:
        if cnn_flag_is_raised(&t.stopped):
            return
        if member == 0 and first > index * t.part_rows and tick_between(t) != CNN_OK:
            f.error.status = CNN_STOPPED
            cnn_flag_raise(&t.stopped)
            return
        n = end - first if end - first < t.plan.rows else t.plan.rows
        if t.net.graph.dtype == CNN_FLOAT32:
            status = trainer_tile(t, f, first, n, fresh, <float *>t.gradients[index], <const float *>t.net.arena)
        else:
            status = trainer_tile(t, f, first, n, fresh, <double *>t.gradients[index], <const double *>t.net.arena)
        f.error.status = status
        fresh = 0
        first += n


cdef void batch_scale(Trainer *t) noexcept nogil:
    """scale[unit] = output's weight x sample's weight / (rows x positions); the rows' total weight has been brought to mean 1 before."""
    cdef size_t i, j, k, width = t.data.weight_width
    cdef double base, w
    cdef Target *o
    for k in range(t.n_targets):
        o = &t.targets[k]
        base = o.weight / (<double>t.data.total_rows if t.data.total_rows else <double>t.n)
        if o.loss.kind != CNN_LOSS_QUADRATIC:  # which is a sum over outputs, all others are means
            base /= <double>o.positions
        for i in range(t.n):
            for j in range(o.positions):
                w = base
                if t.data.weights != NULL:
                    w *= t.data.weights[(<size_t>t.rows[t.first + i] if t.rows != NULL else t.first + i) * width + (j if width > 1 else 0)]
                o.scale[i * o.positions + j] = w


cdef cnn_status tick_between(Trainer *t) noexcept nogil:
    """Between the tiles of one large batch, on the caller's thread: a tick when one is due."""
    cdef int64_t now
    if t.hooks.tick == NULL:
        return CNN_OK
    now = cnn_clock_nanoseconds()
    if now - t.ticked < 20000000:
        return CNN_OK
    t.ticked = now
    return CNN_STOPPED if t.hooks.tick(t.hooks.user, t.epoch, t.step, 0) else CNN_OK


cdef double batch_loss(const Trainer *t) noexcept nogil:
    cdef double total = 0
    cdef size_t i, k
    cdef const Target *o
    for k in range(t.n_targets):
        o = &t.targets[k]
        for i in range(t.n * o.positions):
            total += o.scale[i] * o.losses[i]
    return total


cdef void add_range(Trainer *t, size_t parts, size_t first, size_t n) noexcept nogil:
    cdef size_t i
    for i in range(1, parts):
        if t.net.graph.dtype == CNN_FLOAT32:
            k_add(t.plan.kernels, n, <const float *>t.gradients[i] + first, <float *>t.gradients[0] + first)
        else:
            k_add(t.plan.kernels, n, <const double *>t.gradients[i] + first, <double *>t.gradients[0] + first)


cdef void add_slice(void *arg, size_t index, int32_t member) noexcept nogil:
    """What the same thread will update."""
    cdef const Updating *c = <const Updating *>arg
    cdef size_t i, first = 0, n
    for i in range(c.t.net.graph.n_blocks):
        n = span_slice(c, i, index, &first)
        if n:
            add_range(c.t, c.parts, first, n)


cdef void add_parts(Trainer *t, size_t parts) noexcept nogil:
    cdef size_t i
    cdef Updating c
    c.t = t
    c.slices = <size_t>t.plan.members
    c.parts = parts
    for i in range(t.n_spans):
        c.span = &t.spans[i]
        if c.slices > 1 and c.span.count >= 2 * SLICE_UPDATE:
            cnn_parallel_for(trainer_team(t), c.slices, add_slice, &c)
        else:
            add_range(t, parts, c.span.offset, c.span.count)


cdef void bind_data(Trainer *t, const cnn_data *data) noexcept nogil:
    """The data set that the next batches are rows of; it has been checked."""
    cdef size_t i
    t.data = data
    for i in range(data.n_inputs):
        inner_of(&data.inputs[i], &t.inners[i])
    for i in range(data.n_targets):
        inner_of(&data.targets[i], &t.targets[i].inner)
        t.targets[i].loss.labels = target_is_labels(t, &t.targets[i], &data.targets[i])


cdef void bind_rows(Trainer *t, const uint32_t *rows, size_t first, size_t n) noexcept nogil:
    """The batch: rows first .. first + n - 1 of the data, or of `rows`."""
    t.rows = rows
    t.first = first
    t.n = n
    t.first_row = t.data.first_row
    if t.data.n_targets:
        batch_scale(t)


cdef void bind_batch(Trainer *t, const cnn_data *data) noexcept nogil:
    bind_data(t, data)
    bind_rows(t, NULL, 0, data.rows)


cdef int target_is_labels(const Trainer *t, const Target *o, const cnn_array *a) noexcept nogil:
    """Class labels: integers without an axis for the classes (or with one of length 1)."""
    cdef size_t n = 1, i
    if o.classes == 0:
        return 0
    for i in range(1, <size_t>a.rank):
        n *= a.dims[i]
    return n == o.positions and o.classes > 1


cdef cnn_status trainer_gradient(Trainer *t, int training, int backward, double *loss, cnn_error *error) noexcept nogil:
    """Forward and (backward 1) gradient of the bound batch into gradients[0]; *loss is the data term."""
    cdef size_t parts = parts_of(t, t.n), i
    cdef cnn_status status = plan_least_rows(&t.plan, t.n, error) if training else CNN_OK
    if status != CNN_OK:
        return status
    if parts > t.n_parts:
        parts = t.n_parts
    t.part_rows = (t.n + parts - 1) // parts
    t.training = training
    t.backward = backward
    t.moved = 0
    cnn_flag_lower(&t.stopped)
    for i in range(<size_t>t.n_frames):
        t.frames[i].error.size = sizeof(cnn_error)
        t.frames[i].error.status = CNN_OK
    if parts == 1:
        trainer_part(t, 0, 0)
    else:
        cnn_parallel_for(trainer_team(t) if t.n_frames > 1 else NULL, parts, trainer_part, t)
    status = frames_error(t.frames, t.n_frames, error)
    if status != CNN_OK:
        return status
    if backward and parts > 1:
        add_parts(t, parts)
    t.moved = backward
    if t.data.n_targets:
        loss[0] = batch_loss(t)
    return CNN_OK
