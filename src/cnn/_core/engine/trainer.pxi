# Trainers: gradients of a batch, and the optimizer's step.
#
# A batch is cut into parts, their number a function of shapes alone; each part sums its gradient in an arena of its own, tile after tile,
# and the arenas are added in order. So the bits are the same for every number of threads.

cdef enum:
    MAX_PARTS = 4

cdef struct Span:          # of the arena: neighbouring blocks that are updated alike
    size_t offset, count
    double lr_scale

cdef struct Target:        # of one output
    Loss loss
    LossTable table
    double weight
    cnn_loss_hook hook
    void *user
    int32_t value          # the loss is computed on it
    int32_t output         # the network's output value
    size_t width           # numbers of a unit
    size_t positions       # units of a row
    size_t row             # numbers of a row of the prediction
    size_t classes         # labels are below it; 0: no labels
    size_t target_row      # numbers of a row that `targets` has room for: more than `row` only for a hook's own targets
    void *targets          # (batch, positions) labels or (batch, row) numbers
    double *losses         # (batch, positions)
    double *scale          # (batch, positions)
    void *predictions      # (batch, row of the output): kept for metrics
    Inner inner            # of the target array that is bound

cdef struct Trainer:
    Network *net
    cnn_allocator allocator
    cnn_executor executor
    int32_t has_executor
    cnn_error *error
    Plan plan
    Frame *frames
    int32_t n_frames
    Target *targets
    size_t n_targets
    Inner *inners          # of the inputs
    double *weights        # of a cnn_batch, when it has any
    size_t max_batch, n_parts
    void *gradients[MAX_PARTS]
    Span *spans
    size_t n_spans
    cnn_optimizer_options optimizer
    OptimizerTable table
    void *slots[MAX_SLOTS]
    Lbfgs *lbfgs
    double lr
    double constants[MAX_CONSTANTS]    # of the optimizer's formulas, in the network's dtype, at this rate
    double constants_rate
    uint64_t epoch, step, updates   # updates: optimizer steps taken, for bias correction
    int32_t in_order
    int32_t penalties, limits   # some block has l1 or l2; max_norm
    cnn_fit_hooks hooks    # reduce and tick, while a fit or an evaluation runs
    int64_t ticked         # when, and how many batches until the clock is looked at again
    size_t until_tick, tick_every
    int32_t keep_predictions
    Plan manual            # for forward and backward by hand: from the outputs themselves, a whole batch in one tile; made when first asked for
    Frame *manual_frame
    size_t manual_rows     # that forward has left there
    int32_t input_gradients
    # the batch at work
    const cnn_data *data
    const uint32_t *rows   # its rows in data, or NULL: from `first` on
    size_t first, n, part_rows
    uint64_t first_row
    int32_t training, backward
    cnn_flag stopped       # by a tick between tiles: every thread leaves the unfinished step


cdef const cnn_executor *trainer_executor(const Trainer *t) noexcept nogil:
    return &t.executor if t.has_executor else NULL


cdef void trainer_release(Trainer *t) noexcept nogil:
    cdef size_t i
    if t == NULL:
        return
    frames_release(t.frames, t.n_frames)
    plan_release(&t.plan)
    frames_release(t.manual_frame, 1)
    plan_release(&t.manual)
    if t.targets != NULL:
        for i in range(t.n_targets):
            cnn_memory_release(t.targets[i].targets)
            cnn_memory_release(t.targets[i].losses)
            cnn_memory_release(t.targets[i].scale)
            cnn_memory_release(t.targets[i].predictions)
    cnn_memory_release(t.targets)
    cnn_memory_release(t.inners)
    cnn_memory_release(t.weights)
    for i in range(MAX_PARTS):
        cnn_memory_release(t.gradients[i])
    for i in range(MAX_SLOTS):
        cnn_memory_release(t.slots[i])
    lbfgs_release(t.lbfgs)
    cnn_memory_release(t.spans)
    cnn_memory_release(t)


cdef size_t parts_of(const Trainer *t, size_t rows) noexcept nogil:
    """Parts of a batch: a function of shapes only. Each has work enough to be worth a hand-over and rows enough to pay for a gradient arena."""
    cdef size_t parts = rows // 16, work
    if t.plan.couples:
        return 1
    work = <size_t>(<double>rows * t.plan.flops / 0.5e6)
    parts = work if work < parts else parts
    parts = parts if parts < MAX_PARTS else MAX_PARTS
    return parts if parts > 1 else 1


cdef cnn_status trainer_spans(Trainer *t, cnn_error *error) noexcept nogil:
    """What the optimizer updates: runs of blocks that have a gradient and one rate."""
    cdef const Graph *g = &t.net.graph
    cdef const Block *b
    cdef Span *last = NULL
    cdef size_t i, end
    t.spans = <Span *>cnn_memory_new(&t.allocator, (g.n_blocks + 1) * sizeof(Span))
    if t.spans == NULL:
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for a trainer")
    t.n_spans = 0
    for i in range(g.n_blocks):
        b = &g.blocks[i]
        if not t.plan.wanted[i]:
            last = NULL
            continue
        t.penalties |= b.l1 != 0 or b.l2 != 0
        t.limits |= b.max_norm > 0
        end = b.offset + b.count
        if last != NULL and last.lr_scale == b.lr_scale:
            last.count = end - last.offset  # the few elements of padding between are zero and stay so
        else:
            last = &t.spans[t.n_spans]
            t.n_spans += 1
            last.offset = b.offset
            last.count = b.count
            last.lr_scale = b.lr_scale
    return CNN_OK


cdef cnn_status trainer_slots(Trainer *t, cnn_error *error) noexcept nogil:
    cdef size_t n = t.net.graph.arena, i, j
    cdef size_t item = 4 if t.net.graph.dtype == CNN_FLOAT32 else 8
    cdef cnn_status status = optimizer_table(&t.optimizer, &t.table, error)
    if status != CNN_OK:
        return status
    for i in range(MAX_SLOTS):
        cnn_memory_release(t.slots[i])
        t.slots[i] = NULL
    lbfgs_release(t.lbfgs)
    t.lbfgs = NULL
    t.updates = 0
    t.lr = t.optimizer.lr
    t.constants_rate = -1
    for i in range(<size_t>t.table.slots):
        t.slots[i] = cnn_memory_new(&t.allocator, n * item + 64)
        if t.slots[i] == NULL:
            return cnn_fail(error, CNN_E_MEMORY, "not enough memory for the optimizer (%z bytes)", n * item * <size_t>t.table.slots)
        if t.table.slot_fill[i] != 0:
            for j in range(n):
                if t.net.graph.dtype == CNN_FLOAT32:
                    (<float *>t.slots[i])[j] = <float>t.table.slot_fill[i]
                else:
                    (<double *>t.slots[i])[j] = t.table.slot_fill[i]
    if t.table.driver:
        t.lbfgs = lbfgs_new(&t.allocator, n, item, &t.optimizer, error)
        if t.lbfgs == NULL:
            return CNN_E_MEMORY
    return CNN_OK


cdef cnn_status target_make(Trainer *t, Target *o, size_t output, const cnn_loss_spec *spec, cnn_error *error) noexcept nogil:
    """Everything of one output but its buffers."""
    cdef cnn_loss kind = spec.kind if spec != NULL else CNN_LOSS_INFER
    cdef cnn_status status
    o.output = t.net.graph.outputs[output]
    o.weight = spec.weight if spec != NULL else 1.0
    o.loss.kernels = cnn_kernels_current()
    if spec != NULL and spec.hook != NULL:
        o.hook = spec.hook
        o.user = spec.user
        o.value = o.output
        return CNN_OK
    status = loss_resolve(&t.net.graph, output, &kind, &o.value, &o.classes, error)
    if status != CNN_OK:
        return status
    o.loss.kind = kind
    o.loss.constant = loss_constant(kind, spec.constant if spec != NULL else 0)
    status = loss_check(kind, o.loss.constant, error)
    if status != CNN_OK:
        return status
    if not loss_table(kind, &o.table):
        return cnn_fail(error, CNN_E_ARGUMENT, "loss %d is not known", <int>kind)
    return CNN_OK


cdef cnn_status target_buffers(Trainer *t, Target *o, cnn_error *error) noexcept nogil:
    cdef const PlanValue *v = &t.plan.values[o.value]
    cdef size_t item = 4 if t.net.graph.dtype == CNN_FLOAT32 else 8
    o.row = v.row
    o.width = v.dims[v.rank - 1] if v.rank > 1 and o.hook == NULL else v.row
    o.positions = v.row // o.width
    o.target_row = v.row
    o.loss.width = o.width
    o.targets = cnn_memory_new(&t.allocator, t.max_batch * o.row * item + 64)
    o.losses = <double *>cnn_memory_new(&t.allocator, t.max_batch * o.positions * sizeof(double))
    o.scale = <double *>cnn_memory_new(&t.allocator, t.max_batch * o.positions * sizeof(double))
    o.predictions = cnn_memory_new(&t.allocator, t.max_batch * t.plan.values[o.output].row * item + 64)
    if o.targets == NULL or o.losses == NULL or o.scale == NULL or o.predictions == NULL:
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for a batch of %z rows", t.max_batch)
    return CNN_OK


cdef cnn_status trainer_make(Network *net, const cnn_trainer_setup *setup, Trainer **out) noexcept nogil:
    cdef const cnn_options *options = setup.options
    cdef cnn_error *error = options.error if options != NULL else net.error
    cdef const cnn_allocator *allocator = options.allocator if options != NULL and options.allocator != NULL else &net.allocator
    cdef Trainer *t
    cdef cnn_status status
    if net.borrowed != NULL:
        return cnn_fail(error, CNN_E_STATE, "the network was opened with cnn_network_view_memory: it is read-only and cannot be trained")
    if setup.losses != NULL and setup.n_losses != net.graph.n_outputs:
        return cnn_fail(error, CNN_E_ARGUMENT, "%z losses were given; the network has %z outputs", setup.n_losses, net.graph.n_outputs)
    t = <Trainer *>cnn_memory_new(allocator, sizeof(Trainer))
    if t == NULL:
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for a trainer")
    t.net = net
    t.allocator = allocator[0]
    t.error = error
    t.max_batch = setup.max_batch if setup.max_batch else 32
    t.input_gradients = setup.input_gradients
    if options != NULL:
        if options.executor != NULL:
            t.executor = options.executor[0]
            t.has_executor = 1
    elif net.has_executor:
        t.executor = net.executor
        t.has_executor = 1
    t.optimizer = setup.optimizer
    if t.optimizer.kind == CNN_OPTIMIZER_DEFAULT:
        optimizer_defaults(CNN_OPTIMIZER_ADAM, &t.optimizer)
    status = trainer_fill(t, setup, error)
    if status != CNN_OK:
        trainer_release(t)
        return status
    out[0] = t
    return CNN_OK


cdef cnn_status trainer_fill(Trainer *t, const cnn_trainer_setup *setup, cnn_error *error) noexcept nogil:
    cdef Network *net = t.net
    cdef PlanWish wish
    cdef size_t i, n = net.graph.n_outputs, parts
    cdef size_t item = 4 if net.graph.dtype == CNN_FLOAT32 else 8
    cdef cnn_status status = CNN_OK
    cdef int32_t *losses = <int32_t *>cnn_memory_new(&t.allocator, n * sizeof(int32_t))
    t.targets = <Target *>cnn_memory_new(&t.allocator, n * sizeof(Target))
    t.inners = <Inner *>cnn_memory_new(&t.allocator, net.graph.n_inputs * sizeof(Inner))
    if losses == NULL or t.targets == NULL or t.inners == NULL:
        cnn_memory_release(losses)
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for a trainer")
    t.n_targets = n
    for i in range(n):
        status = target_make(t, &t.targets[i], i, &setup.losses[i] if setup.losses != NULL else NULL, error)
        if status != CNN_OK:
            break
        losses[i] = t.targets[i].value
    if status == CNN_OK:
        memset(&wish, 0, sizeof(wish))
        wish.values = net.graph.outputs
        wish.n_values = n
        wish.losses = losses
        wish.n_losses = n
        wish.training = 1
        wish.input_gradients = setup.input_gradients
        wish.max_rows = t.max_batch
        wish.input_dims = setup.input_dims
        status = plan_make_in(&t.plan, net, &wish, &t.allocator, error)
    cnn_memory_release(losses)
    if status != CNN_OK:
        return status
    for i in range(n):
        status = target_buffers(t, &t.targets[i], error)
        if status != CNN_OK:
            return status
    t.n_frames = cnn_executor_width(trainer_executor(t))
    parts = parts_of(t, t.max_batch)
    if <size_t>t.n_frames > parts:
        t.n_frames = <int32_t>parts
    t.frames = frames_new(&t.plan, net, t.n_frames, error)
    if t.frames == NULL:
        t.n_frames = 0
        return CNN_E_MEMORY
    t.n_parts = parts
    for i in range(parts):
        t.gradients[i] = cnn_memory_new(&t.allocator, net.graph.arena * item + 64)
        if t.gradients[i] == NULL:
            return cnn_fail(error, CNN_E_MEMORY, "not enough memory for the gradients of %z parameters", net.graph.arena)
    status = trainer_spans(t, error)
    if status == CNN_OK:
        status = trainer_slots(t, error)
    return status


# ---- The gradient of a batch -------------------------------------------------------------------------------------------------------

cdef cnn_status target_tile(Trainer *t, Target *o, size_t index, Frame *f, size_t first, size_t n, real *tag) noexcept nogil:
    """Targets of the batch's rows first .. first + n - 1, their losses, and the gradient at the loss's value."""
    cdef size_t units = n * o.positions, at = first * o.positions
    cdef const cnn_array *y = &t.data.targets[index]
    cdef real *p = <real *>f.data[o.value]
    cdef real *dp = <real *>f.gradient[o.value] if t.backward else NULL
    cdef void *target
    cdef size_t from_ = t.first + first
    if o.loss.labels:
        target = <int32_t *>o.targets + at
        gather(y, &o.inner, t.rows, from_, n, <int32_t *>target)
    else:
        target = <real *>o.targets + first * o.inner.row
        gather(y, &o.inner, t.rows, from_, n, <real *>target)
    if o.hook != NULL:
        return target_hook(t, o, index, target, p, dp, first, n)
    if real is float:
        o.table.f32(&o.loss, units, target, p, o.scale + at, o.losses + at, dp)
    else:
        o.table.f64(&o.loss, units, target, p, o.scale + at, o.losses + at, dp)
    return CNN_OK


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


cdef cnn_status trainer_tile(Trainer *t, Frame *f, size_t first, size_t n, int fresh, real *gradients, const real *parameters) noexcept nogil:
    """Rows first .. first + n - 1 of the batch, all the way."""
    cdef size_t i, row
    cdef int32_t v
    cdef Target *o
    cdef cnn_status status
    for i in range(t.net.graph.n_inputs):
        v = t.net.graph.inputs[i]
        bind_input(f, &t.plan, v, &t.data.inputs[i], &t.inners[i], t.rows, t.first + first, n)
    f.run.kernels = t.plan.kernels
    f.run.rows = n
    f.run.training = t.training
    f.run.single = t.n == 1
    f.run.fresh = fresh
    f.run.seed = t.net.seed
    f.run.epoch = t.epoch
    f.run.step = t.step
    f.run.first_row = t.first_row + first
    f.run.error = &f.error
    status = frame_forward(f, &t.plan, parameters)
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


cdef void add_parts(Trainer *t, size_t parts, real *tag) noexcept nogil:
    cdef size_t i, j
    for i in range(1, parts):
        for j in range(t.n_spans):
            k_add(t.plan.kernels, t.spans[j].count, <const real *>t.gradients[i] + t.spans[j].offset, <real *>t.gradients[0] + t.spans[j].offset)


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
    cdef cnn_status status = CNN_OK
    if parts > t.n_parts:
        parts = t.n_parts
    t.part_rows = (t.n + parts - 1) // parts
    t.training = training
    t.backward = backward
    cnn_flag_lower(&t.stopped)
    for i in range(<size_t>t.n_frames):
        t.frames[i].error.size = sizeof(cnn_error)
        t.frames[i].error.status = CNN_OK
    if parts == 1:
        trainer_part(t, 0, 0)
    else:
        cnn_parallel_for(trainer_executor(t) if t.n_frames > 1 else NULL, parts, trainer_part, t)
    status = frames_error(t.frames, t.n_frames, error)
    if status != CNN_OK:
        return status
    if backward and parts > 1:
        if t.net.graph.dtype == CNN_FLOAT32:
            add_parts(t, parts, <float *>t.gradients[0])
        else:
            add_parts(t, parts, <double *>t.gradients[0])
    if t.data.n_targets:
        loss[0] = batch_loss(t)
    return CNN_OK


# ---- The optimizer's step ----------------------------------------------------------------------------------------------------------

cdef double trainer_penalty(Trainer *t, int add, real *w, real *g) noexcept nogil:
    """The penalties' value; with add 1 their gradient is added."""
    cdef size_t i
    cdef const Block *b
    cdef double total = 0
    for i in range(t.net.graph.n_blocks):
        b = &t.net.graph.blocks[i]
        if t.plan.wanted[i] and (b.l1 != 0 or b.l2 != 0):
            if add:
                penalty_add(t.plan.kernels, b.count, b.l1, b.l2, w + b.offset, g + b.offset)
            else:
                total += penalty_value(b.count, b.l1, b.l2, w + b.offset)
    return total

cdef double penalty_now(Trainer *t) noexcept nogil:
    if t.net.graph.dtype == CNN_FLOAT32:
        return trainer_penalty(t, 0, <float *>t.net.arena, <float *>t.gradients[0])
    return trainer_penalty(t, 0, <double *>t.net.arena, <double *>t.gradients[0])


cdef void trainer_clip(Trainer *t, real *g) noexcept nogil:
    cdef size_t i
    cdef double norm = 0, scale
    if t.optimizer.clip_value > 0:
        for i in range(t.n_spans):
            k_clip(t.plan.kernels, t.spans[i].count, <real>-t.optimizer.clip_value, <real>t.optimizer.clip_value, g + t.spans[i].offset)
    if t.optimizer.clip_norm > 0:
        for i in range(t.n_spans):
            norm += k_sum_squares(t.plan.kernels, t.spans[i].count, g + t.spans[i].offset)
        scale = clip_scale(sqrt(norm), t.optimizer.clip_norm)
        if scale < 1:
            for i in range(t.n_spans):
                k_scale(t.plan.kernels, t.spans[i].count, <real>scale, g + t.spans[i].offset, g + t.spans[i].offset)


cdef void trainer_limit(Trainer *t, real *w) noexcept nogil:
    """max_norm: each unit's weights, after the step."""
    cdef size_t i
    cdef const Block *b
    for i in range(t.net.graph.n_blocks):
        b = &t.net.graph.blocks[i]
        if t.plan.wanted[i] and b.max_norm > 0:
            max_norm_rows(t.plan.kernels, b.dims[0], b.count // b.dims[0], b.max_norm, w + b.offset)


cdef void trainer_constants(Trainer *t, double lr, real *h) noexcept nogil:
    cdef double h64[MAX_CONSTANTS]
    cdef size_t j
    optimizer_constants(&t.optimizer, lr, t.updates, h64)
    for j in range(MAX_CONSTANTS):
        h[j] = <real>h64[j]
    t.constants_rate = lr


cdef cnn_status trainer_update(Trainer *t, real *w, real *g, cnn_error *error) noexcept nogil:
    """Penalties, clipping, the step: w from g."""
    cdef real *h = <real *>t.constants
    cdef real *slots[MAX_SLOTS]
    cdef size_t i, j
    cdef Span *s
    if t.penalties:
        trainer_penalty(t, 1, w, g)
    if t.optimizer.clip_norm > 0 or t.optimizer.clip_value > 0:
        trainer_clip(t, g)
    t.updates += 1
    for i in range(t.n_spans):
        s = &t.spans[i]
        if t.constants_rate != t.lr * s.lr_scale or (i == 0 and not t.table.steady):
            trainer_constants(t, t.lr * s.lr_scale, h)
        for j in range(<size_t>t.table.slots):
            slots[j] = <real *>t.slots[j] + s.offset
        if real is float:
            t.table.f32(t.plan.kernels, s.count, w + s.offset, g + s.offset, slots, h)
        else:
            t.table.f64(t.plan.kernels, s.count, w + s.offset, g + s.offset, slots, h)
    if t.limits:
        trainer_limit(t, w)
    t.net.version += 1
    return CNN_OK


cdef cnn_status trainer_reduce(Trainer *t, double *loss) noexcept nogil:
    """Sums over ranks, through the caller's hook."""
    cdef size_t i
    cdef size_t item = 4 if t.net.graph.dtype == CNN_FLOAT32 else 8
    if t.hooks.reduce == NULL:
        return CNN_OK
    for i in range(t.n_spans):
        if t.hooks.reduce(t.hooks.user, <char *>t.gradients[0] + t.spans[i].offset * item, t.spans[i].count, <cnn_dtype>t.net.graph.dtype):
            return CNN_STOPPED
    if t.hooks.reduce(t.hooks.user, loss, 1, CNN_FLOAT64):
        return CNN_STOPPED
    return CNN_OK


cdef cnn_status trainer_apply(Trainer *t, cnn_error *error) noexcept nogil:
    if t.table.driver:
        return cnn_fail(error, CNN_E_STATE, "LBFGS evaluates the loss itself: use a step on data, not apply")
    if t.net.graph.dtype == CNN_FLOAT32:
        return trainer_update(t, <float *>t.net.arena, <float *>t.gradients[0], error)
    return trainer_update(t, <double *>t.net.arena, <double *>t.gradients[0], error)


cdef cnn_status evaluate_for_lbfgs(void *user, double *loss) noexcept nogil:
    """The loss with penalties and its gradient at the values of now."""
    cdef Trainer *t = <Trainer *>user
    cdef cnn_status status = trainer_tick(t, 0, loss[0])
    if status == CNN_OK:
        status = trainer_gradient(t, 1, 1, loss, t.error)
    if status == CNN_OK:
        status = trainer_reduce(t, loss)
    if status != CNN_OK:
        return status
    if t.net.graph.dtype == CNN_FLOAT32:
        trainer_penalty(t, 1, <float *>t.net.arena, <float *>t.gradients[0])
    else:
        trainer_penalty(t, 1, <double *>t.net.arena, <double *>t.gradients[0])
    loss[0] += penalty_now(t)
    return CNN_OK


cdef cnn_status not_finite(const Trainer *t, double loss, cnn_error *error) noexcept nogil:
    return cnn_fail(error, CNN_E_NONFINITE, "the loss became %s in epoch %l, step %l; try a smaller learning rate (it is %g) or clip_norm=1",
                    b"NaN" if loss != loss else b"infinite", <int64_t>t.epoch, <int64_t>t.step, t.lr)


cdef cnn_status driver_step(Trainer *t, double *loss, cnn_error *error) noexcept nogil:
    """L-BFGS: it evaluates as often as it needs, on the bound batch."""
    cdef cnn_error *kept = t.error
    cdef double penalty = penalty_now(t)
    cdef cnn_status status
    loss[0] = penalty
    t.error = error
    t.lbfgs.lr = t.lr
    if t.net.graph.dtype == CNN_FLOAT32:
        status = lbfgs_step(t.lbfgs, <float *>t.net.arena, <float *>t.gradients[0], evaluate_for_lbfgs, t, loss)
    else:
        status = lbfgs_step(t.lbfgs, <double *>t.net.arena, <double *>t.gradients[0], evaluate_for_lbfgs, t, loss)
    t.error = kept
    loss[0] -= penalty
    t.net.version += 1
    if status == CNN_E_NONFINITE:
        return not_finite(t, loss[0], error)
    if t.limits and t.net.graph.dtype == CNN_FLOAT32:
        trainer_limit(t, <float *>t.net.arena)
    elif t.limits:
        trainer_limit(t, <double *>t.net.arena)
    return status


cdef cnn_status trainer_step(Trainer *t, int on_nan, double *loss, cnn_error *error) noexcept nogil:
    """One step on the bound batch. A loss that is no number ends it before the update."""
    cdef cnn_status status
    if t.table.driver:
        status = driver_step(t, loss, error)
    else:
        status = trainer_gradient(t, 1, 1, loss, error)
        if status == CNN_OK:
            status = trainer_reduce(t, loss)
        if status == CNN_OK and loss[0] - loss[0] != 0 and on_nan != CNN_NAN_IGNORE:
            return not_finite(t, loss[0], error)
        if status == CNN_OK:
            status = trainer_apply(t, error)
    if status == CNN_OK:
        t.step += 1
    return status
