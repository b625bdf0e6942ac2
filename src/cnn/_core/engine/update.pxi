# The optimizer's step, with penalties and limits, and the hooks around it.

cdef enum:
    SLICE_UPDATE = 8192    # parameters of a block that are worth dividing among threads
    TAKEN = 4096           # bytes that a thread takes from the others at once: as many lines as a processor has stores under way

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


# ---- Buffers that training moves (running statistics). Backward leaves what they become where their gradient would be; they take it when
# the step is made, so that a step which is dropped leaves no trace. By hand the same: of all backward passes since the last step, in order,
# but none of a forward pass alone. L-BFGS moves them once a step, by its first evaluation, which is at the weights before the step.

cdef void buffers_copy(const Trainer *t, const void *source, void *to) noexcept nogil:
    """Of two arenas."""
    cdef size_t item = 4 if t.net.graph.dtype == CNN_FLOAT32 else 8, i
    cdef const Block *b
    for i in range(t.net.graph.n_blocks):
        b = &t.net.graph.blocks[i]
        if t.plan.moved[i]:
            memcpy(<char *>to + b.offset * item, <const char *>source + b.offset * item, b.count * item)


cdef void buffers_keep(Trainer *t) noexcept nogil:
    """Out of a driver's sight, to whom all that is not 0 is a gradient."""
    cdef size_t item = 4 if t.net.graph.dtype == CNN_FLOAT32 else 8, i
    cdef const Block *b
    if t.keep:
        buffers_copy(t, t.gradients[0], t.kept)
    t.keep = 0
    for i in range(t.net.graph.n_blocks):
        b = &t.net.graph.blocks[i]
        if t.plan.moved[i]:
            memset(<char *>t.gradients[0] + b.offset * item, 0, b.count * item)


cdef void trainer_constants(Trainer *t, double lr, real *h) noexcept nogil:
    cdef double h64[MAX_CONSTANTS]
    cdef size_t j
    optimizer_constants(&t.optimizer, lr, t.updates, h64)
    for j in range(MAX_CONSTANTS):
        h[j] = <real>h64[j]
    t.constants_rate = lr


cdef struct Updating:      # one optimizer step of the network's parameters, for several threads
    Trainer *t
    const Span *span
    size_t slices
    size_t parts           # whose gradients are added


cdef size_t span_slice(const Updating *c, size_t block, size_t index, size_t *first) noexcept nogil:
    """How many parameters of a block are in slice `index` of the span, and where in the arena they begin."""
    cdef const Block *b = &c.t.net.graph.blocks[block]
    cdef size_t width = b.count if b.count < SLICE_UPDATE else (b.count + c.slices - 1) // c.slices, before = index * width
    if not c.t.plan.wanted[block] or b.offset < c.span.offset or b.offset >= c.span.offset + c.span.count or before >= b.count:
        return 0
    first[0] = b.offset + before
    return b.count - before if b.count - before < width else width


cdef void update_range(Trainer *t, const Span *span, size_t first, size_t n, real *w, real *g) noexcept nogil:
    """Some of a span's parameters; which row they take is decided by the whole span."""
    cdef real *slots[MAX_SLOTS]
    cdef const cnn_kernels *k = k_definitions() if span.count <= <size_t>t.table.small else t.plan.kernels
    cdef size_t j
    for j in range(<size_t>t.table.slots):
        slots[j] = <real *>t.slots[j] + first
    if real is float:
        t.table.f32(k, n, w + first, g + first, slots, <real *>t.constants)
    else:
        t.table.f64(k, n, w + first, g + first, slots, <real *>t.constants)


cdef void update_part(Trainer *t, const Span *span, size_t first, size_t n, real *w, real *g) noexcept nogil:
    """The same, of parameters that all threads have read."""
    cdef size_t some
    while n:
        some = n if n < TAKEN // sizeof(real) else TAKEN // sizeof(real)
        cnn_memory_take(w + first, some * sizeof(real))
        update_range(t, span, first, some, w, g)
        first += some
        n -= some


cdef void update_slice(void *arg, size_t index, int32_t member) noexcept nogil:
    """The same share of each block that the thread had in its ops, more or less: what it has in its caches."""
    cdef const Updating *c = <const Updating *>arg
    cdef Trainer *t = c.t
    cdef const Graph *g = &t.net.graph
    cdef size_t i, first = 0, n
    for i in range(g.n_blocks):
        n = span_slice(c, i, index, &first)
        if n == 0:
            continue
        if g.dtype == CNN_FLOAT32:
            update_part(t, c.span, first, n, <float *>t.net.arena, <float *>t.gradients[0])
        else:
            update_part(t, c.span, first, n, <double *>t.net.arena, <double *>t.gradients[0])


cdef cnn_status trainer_update(Trainer *t, real *w, real *g, cnn_error *error) noexcept nogil:
    """Penalties, clipping, the step: w from g."""
    cdef size_t i
    cdef Updating c
    if t.penalties:
        trainer_penalty(t, 1, w, g)
    if t.optimizer.clip_norm > 0 or t.optimizer.clip_value > 0:
        trainer_clip(t, g)
    t.updates += 1
    c.t = t
    c.slices = <size_t>t.plan.members
    for i in range(t.n_spans):
        c.span = &t.spans[i]
        if t.constants_rate != t.lr * c.span.lr_scale or (i == 0 and not t.table.steady):
            trainer_constants(t, t.lr * c.span.lr_scale, <real *>t.constants)
        if c.slices > 1 and (t.plan.team or parts_of(t, t.n) > 1) and c.span.count >= 2 * SLICE_UPDATE:  # else all is in this thread's cache
            cnn_parallel_for(trainer_team(t), c.slices, update_slice, &c)
        else:
            update_range(t, c.span, c.span.offset, c.span.count, w, g)
    if t.limits:
        trainer_limit(t, w)
    if t.has_moved and t.moved:
        buffers_copy(t, g, w)
    t.moved = 0
    t.net.version += 1
    return CNN_OK


cdef cnn_status trainer_reduce(Trainer *t, double *loss) noexcept nogil:
    """Sums over ranks, through the caller's hook. Of running statistics the ranks' mean is wanted, each weighing as many rows as it has:
    its share of it is what goes into the sum. (A variance is so that within ranks, by which each has normalized.)"""
    cdef size_t i
    cdef size_t item = 4 if t.net.graph.dtype == CNN_FLOAT32 else 8
    cdef const Block *b
    cdef double share = <double>t.n / <double>t.data.total_rows if t.data.total_rows else 1.0
    cdef int64_t began
    if t.hooks.reduce == NULL:
        return CNN_OK
    began = cnn_clock_nanoseconds()
    for i in range(t.n_spans):
        if t.hooks.reduce(t.hooks.user, <char *>t.gradients[0] + t.spans[i].offset * item, t.spans[i].count, <cnn_dtype>t.net.graph.dtype):
            return CNN_STOPPED
    for i in range(t.net.graph.n_blocks):
        b = &t.net.graph.blocks[i]
        if not t.plan.moved[i]:
            continue
        if t.net.graph.dtype == CNN_FLOAT32:
            k_scale(t.plan.kernels, b.count, <float>share, <float *>t.gradients[0] + b.offset, <float *>t.gradients[0] + b.offset)
        else:
            k_scale(t.plan.kernels, b.count, share, <double *>t.gradients[0] + b.offset, <double *>t.gradients[0] + b.offset)
        if t.hooks.reduce(t.hooks.user, <char *>t.gradients[0] + b.offset * item, b.count, <cnn_dtype>t.net.graph.dtype):
            return CNN_STOPPED
    if t.hooks.reduce(t.hooks.user, loss, 1, CNN_FLOAT64):
        return CNN_STOPPED
    pace_wait(&t.pace, began)
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
    cdef cnn_status status
    t.net.version += 1
    status = trainer_tick(t, 0, loss[0])
    pace_begin(&t.pace)
    if status == CNN_OK:
        status = trainer_gradient(t, 1, 1, loss, t.error)
    if status == CNN_OK:
        status = trainer_reduce(t, loss)
    if status != CNN_OK:
        return status
    pace_end(&t.pace, t.n)
    if t.has_moved:
        buffers_keep(t)
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
    t.keep = 1
    if t.net.graph.dtype == CNN_FLOAT32:
        status = lbfgs_step(t.lbfgs, <float *>t.net.arena, <float *>t.gradients[0], evaluate_for_lbfgs, t, loss)
    else:
        status = lbfgs_step(t.lbfgs, <double *>t.net.arena, <double *>t.gradients[0], evaluate_for_lbfgs, t, loss)
    t.error = kept
    t.moved = 0
    if status == CNN_OK and t.has_moved:
        buffers_copy(t, t.kept, t.net.arena)
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
    if t.n == 1 and small_applies(t) and t.data.n_targets:
        loss[0] = 0
        return small_steps(t, t.rows, t.first, 1, on_nan, loss, error)
    if t.table.driver:
        status = driver_step(t, loss, error)
    else:
        pace_begin(&t.pace)
        status = trainer_gradient(t, 1, 1, loss, error)
        if status == CNN_OK:
            status = trainer_reduce(t, loss)
        if status == CNN_OK and loss[0] - loss[0] != 0 and on_nan != CNN_NAN_IGNORE:
            return not_finite(t, loss[0], error)
        if status == CNN_OK:
            status = trainer_apply(t, error)
        if status == CNN_OK:
            pace_end(&t.pace, t.n)
    if status == CNN_OK:
        t.step += 1
    return status
