# The training loop: all epochs of a fit, and the evaluation of a data set. It leaves the engine only through hooks.

cdef struct Collect:       # predictions and targets kept for metrics in Python; a row of float64 each
    double **predictions
    double **targets
    double *weights
    size_t row             # next

cdef struct Fit:
    Trainer *t
    cnn_fit_options *f
    cnn_error *error
    uint32_t *order        # of the epoch's rows, NULL: as they lie
    Metric *metrics
    uint64_t steps_before  # of the last epoch, for schedules over batches of unknown number


cdef size_t array_row(const cnn_array *a) noexcept nogil:
    cdef size_t n = 1, i
    for i in range(1, <size_t>a.rank):
        n *= a.dims[i]
    return n


cdef cnn_status check_target(const Trainer *t, size_t index, const cnn_array *a, size_t rows, cnn_error *error) noexcept nogil:
    """The target of one output: shape and, for labels, dtype."""
    cdef const Target *o = &t.targets[index]
    cdef const PlanValue *v = &t.plan.values[o.value]
    cdef size_t row = array_row(a), rank = <size_t>v.rank
    if a.dims[0] != rows:
        return cnn_fail(error, CNN_E_SHAPE, "y has %z rows and X has %z", a.dims[0], rows)
    if dtype_size(a.dtype) == 0:
        return cnn_fail(error, CNN_E_DTYPE, "y has an unknown dtype")
    if o.hook != NULL:
        return CNN_OK
    if target_is_labels(t, o, a):
        if a.dtype == CNN_FLOAT32 or a.dtype == CNN_FLOAT64 or a.dtype == CNN_FLOAT16:
            return cnn_fail(error, CNN_E_DTYPE, "y holds %s numbers; cross_entropy takes class labels as integers (0 to %z) or one row of %z probabilities a sample",
                            dtype_name(a.dtype), o.classes - 1, o.classes)
        return CNN_OK
    if row != o.row:
        return cnn_fail(error, CNN_E_SHAPE, "y has the shape %D; the output of %s needs targets of the shape %D", <size_t>a.rank, a.dims,
                        node_name(&t.net.graph, &t.net.graph.nodes[t.net.graph.values[o.output].node]), rank, v.dims)
    return CNN_OK


cdef cnn_status check_labels(const Trainer *t, const Target *o, const cnn_array *a, cnn_error *error) noexcept nogil:
    """Every label is a class."""
    cdef Inner inner
    cdef size_t r, j
    cdef int64_t label
    cdef int64_t chunk[64]
    cdef size_t done, n
    if o.positions > 64:
        return check_labels_wide(t, o, a, error)
    inner_of(a, &inner)
    for r in range(a.dims[0]):
        gather(a, &inner, NULL, r, 1, chunk)
        for j in range(o.positions):
            if chunk[j] < 0 or <size_t>chunk[j] >= o.classes:
                return cnn_fail(error, CNN_E_VALUE, "y has the label %l in row %z; the network has %z classes, labelled 0 to %z",
                                chunk[j], r, o.classes, o.classes - 1)
    return CNN_OK

cdef cnn_status check_labels_wide(const Trainer *t, const Target *o, const cnn_array *a, cnn_error *error) noexcept nogil:
    cdef Inner inner
    cdef size_t r, j
    cdef int64_t *row = <int64_t *>cnn_memory_new(&t.allocator, o.positions * sizeof(int64_t))
    cdef cnn_status status = CNN_OK
    if row == NULL:
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory to check the labels")
    inner_of(a, &inner)
    for r in range(a.dims[0]):
        gather(a, &inner, NULL, r, 1, row)
        for j in range(o.positions):
            if row[j] < 0 or <size_t>row[j] >= o.classes:
                status = cnn_fail(error, CNN_E_VALUE, "y has the label %l in row %z, step %z; the network has %z classes, labelled 0 to %z",
                                  row[j], r, j, o.classes, o.classes - 1)
                break
        if status != CNN_OK:
            break
    cnn_memory_release(row)
    return status


cdef cnn_status check_finite(const cnn_array *a, const char *name, int fillable, cnn_error *error) noexcept nogil:
    cdef size_t row = 0, element = 0
    if find_nonfinite(a, &row, &element):
        return cnn_fail(error, CNN_E_VALUE, "%s has a NaN or an infinity in row %z, column %z%s", name, row, element,
                        b": leave the row out, or fill NaNs in the network, whose first layer Normalize(fill=...) does it" if fillable else b"")
    return CNN_OK


cdef int fills_nan(const Network *net, size_t input) noexcept nogil:
    """Input goes into nothing but Normalize and OneHot, which have a meaning for NaN."""
    cdef const Graph *g = &net.graph
    cdef size_t i, j
    cdef int any_ = 0
    for i in range(g.n_nodes):
        for j in range(<size_t>g.nodes[i].n_inputs):
            if g.links[g.nodes[i].inputs + j] == g.inputs[input]:
                if g.nodes[i].op != CNN_OP_NORMALIZE and g.nodes[i].op != CNN_OP_ONE_HOT:
                    return 0
                any_ = 1
    return any_


cdef cnn_status check_batch(Trainer *t, const cnn_data *d, int with_targets, cnn_error *error) noexcept nogil:
    """All that can be wrong with data, before anything is changed: shapes, NaN, labels, weights."""
    cdef size_t i
    cdef cnn_status status = check_data(t.net, &t.plan, d, error)
    if status != CNN_OK:
        return status
    for i in range(d.n_inputs):
        if not fills_nan(t.net, i):
            status = check_finite(&d.inputs[i], "X", 1, error)
            if status != CNN_OK:
                return status
    if not with_targets:
        return CNN_OK
    if d.n_targets != t.n_targets:
        return cnn_fail(error, CNN_E_ARGUMENT, "the network has %z outputs; %z targets were given", t.n_targets, d.n_targets)
    for i in range(d.n_targets):
        status = check_target(t, i, &d.targets[i], d.rows, error)
        if status == CNN_OK:
            status = check_finite(&d.targets[i], "y", 0, error)
        if status == CNN_OK and t.targets[i].hook == NULL and target_is_labels(t, &t.targets[i], &d.targets[i]):
            status = check_labels(t, &t.targets[i], &d.targets[i], error)
        if status == CNN_OK:
            status = target_room(t, &t.targets[i], array_row(&d.targets[i]), error)
        if status != CNN_OK:
            return status
    return CNN_OK


cdef cnn_status target_room(Trainer *t, Target *o, size_t row, cnn_error *error) noexcept nogil:
    """A loss of the caller's own may have targets wider than the predictions."""
    cdef size_t item = 4 if t.net.graph.dtype == CNN_FLOAT32 else 8
    cdef void *more
    if row <= o.target_row:
        return CNN_OK
    more = cnn_memory_new(&t.allocator, t.max_batch * row * item + 64)
    if more == NULL:
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for targets of %z numbers a row", row)
    cnn_memory_release(o.targets)
    o.targets = more
    o.target_row = row
    return CNN_OK


# ---- Metrics of the bound batch, after its pass ----------------------------------------------------------------------------------

cdef void batch_metrics(Trainer *t, const cnn_metric_spec *specs, Metric *metrics, size_t n, real *tag) noexcept nogil:
    cdef size_t i
    cdef Target *o
    for i in range(n):
        o = &t.targets[specs[i].output]
        # scale carries the weight of each unit, up to a factor that is the same for all of a batch
        metric_update(&metrics[i], t.n * o.positions, o.width, o.loss.labels, o.targets, <const real *>o.predictions,
                      o.scale if o.weight > 0 else NULL, <double>t.n / o.weight if o.weight > 0 else 1.0)


cdef double any_number(const void *values, size_t i, int labels, real *tag) noexcept nogil:
    return <double>(<const int32_t *>values)[i] if labels else <double>(<const real *>values)[i]


cdef void collect_batch(Trainer *t, Collect *c, real *tag) noexcept nogil:
    cdef size_t k, i, row, n
    cdef Target *o
    for k in range(t.n_targets):
        o = &t.targets[k]
        row = t.plan.values[o.output].row
        if c.predictions != NULL and c.predictions[k] != NULL:
            for i in range(t.n * row):
                c.predictions[k][c.row * row + i] = <double>(<const real *>o.predictions)[i]
        if c.targets != NULL and c.targets[k] != NULL:
            n = array_row(&t.data.targets[k])
            for i in range(t.n * n):
                c.targets[k][c.row * n + i] = any_number(o.targets, i, o.loss.labels, tag)
    if c.weights != NULL:
        for i in range(t.n):
            c.weights[c.row + i] = t.data.weights[(<size_t>t.rows[t.first + i] if t.rows != NULL else t.first + i) * t.data.weight_width] if t.data.weights != NULL else 1.0
    c.row += t.n


cdef void after_batch(Trainer *t, const cnn_metric_spec *specs, Metric *metrics, size_t n_metrics, Collect *c) noexcept nogil:
    if t.net.graph.dtype == CNN_FLOAT32:
        batch_metrics(t, specs, metrics, n_metrics, <float *>NULL)
        collect_batch(t, c, <float *>NULL)
    else:
        batch_metrics(t, specs, metrics, n_metrics, <double *>NULL)
        collect_batch(t, c, <double *>NULL)


cdef void ticks_begin(Trainer *t) noexcept nogil:
    t.ticked = cnn_clock_nanoseconds()
    t.tick_every = t.until_tick = 1


cdef cnn_status trainer_tick(Trainer *t, uint64_t batch, double loss) noexcept nogil:
    """Looks at the clock every so many batches that 20 ms go by between; the tick hook may stop the work."""
    cdef int64_t now, gone
    if t.hooks.tick == NULL:
        return CNN_OK
    t.until_tick -= 1
    if t.until_tick:
        return CNN_OK
    now = cnn_clock_nanoseconds()
    gone = now - t.ticked
    if gone > 30000000:
        t.tick_every = t.tick_every // 2 if t.tick_every > 1 else 1
    elif gone < 10000000:
        t.tick_every = t.tick_every * 2 if t.tick_every < (<size_t>1 << 30) else t.tick_every
    t.until_tick = t.tick_every
    if gone < 10000000:
        return CNN_OK
    t.ticked = now
    return CNN_STOPPED if t.hooks.tick(t.hooks.user, t.epoch, batch, loss) else CNN_OK


# ---- Evaluation --------------------------------------------------------------------------------------------------------------------

cdef cnn_status evaluate(Trainer *t, const cnn_source *source, size_t batch_rows, uint64_t epoch, const cnn_metric_spec *specs, size_t n_metrics,
                         Metric *metrics, Collect *c, double *record, cnn_error *error) noexcept nogil:
    """Loss, then metrics, with dropout off; the network is not changed. Arrays were checked; batches of a hook are checked here."""
    cdef cnn_data batch
    cdef const cnn_data *data = &source.data
    cdef size_t i, first = 0, n
    cdef uint64_t number = 0
    cdef double loss, total = 0, rows = 0
    cdef int kept = t.keep_predictions, got
    cdef cnn_status status = CNN_OK
    for i in range(n_metrics):
        metric_reset(&metrics[i])
    t.keep_predictions = 1
    while status == CNN_OK:
        if source.next != NULL:
            memset(&batch, 0, sizeof(batch))
            got = source.next(source.user, epoch, number, &batch)
            if got == 1:
                break
            if got != 0:
                status = CNN_STOPPED
                break
            status = check_batch(t, &batch, 1, error)
            if status == CNN_OK and batch.rows > t.max_batch:
                status = cnn_fail(error, CNN_E_SHAPE, "a batch has %z rows; the first had %z", batch.rows, t.max_batch)
            if status != CNN_OK or batch.rows == 0:
                number += 1
                continue
            data = &batch
            first = 0
            n = batch.rows
        else:
            if first >= data.rows:
                break
            n = data.rows - first if data.rows - first < batch_rows else batch_rows
        bind_data(t, data)
        bind_rows(t, NULL, first, n)
        status = trainer_gradient(t, 0, 0, &loss, error)
        if status == CNN_OK:
            total += loss * <double>n
            rows += <double>n
            after_batch(t, specs, metrics, n_metrics, c)
            number += 1
            first += n
            status = trainer_tick(t, number, loss)
    t.keep_predictions = kept
    if status != CNN_OK:
        return status
    record[0] = total / rows if rows > 0 else 0
    for i in range(n_metrics):
        record[1 + i] = metric_end(&metrics[i])
    return CNN_OK


cdef cnn_status metrics_make(Trainer *t, const cnn_metric_spec *specs, size_t n, size_t rows, Metric **out, cnn_error *error) noexcept nogil:
    cdef size_t i
    cdef Target *o
    cdef Metric *m
    cdef cnn_status status
    out[0] = NULL
    if n == 0:
        return CNN_OK
    m = <Metric *>cnn_memory_new(&t.allocator, n * sizeof(Metric))
    if m == NULL:
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for the metrics")
    for i in range(n):
        if specs[i].output >= t.n_targets:
            metrics_free(m, i)
            return cnn_fail(error, CNN_E_ARGUMENT, "a metric of output %z; the network has %z outputs", specs[i].output, t.n_targets)
        o = &t.targets[specs[i].output]
        status = metric_make(&t.allocator, &m[i], &specs[i], o.width, rows * o.positions, o.loss.kind, o.value == o.output, error)
        if status != CNN_OK:
            metrics_free(m, i)
            return status
    out[0] = m
    return CNN_OK

cdef void metrics_free(Metric *m, size_t n) noexcept nogil:
    cdef size_t i
    if m == NULL:
        return
    for i in range(n):
        metric_free(&m[i])
    cnn_memory_release(m)


# ---- Fit ---------------------------------------------------------------------------------------------------------------------------

cdef cnn_status fit_batch(Fit *s, uint64_t batch, double *sum_, double *rows, double progress) noexcept nogil:
    """One step on the bound batch, with all that hangs on it."""
    cdef Trainer *t = s.t
    cdef cnn_fit_options *f = s.f
    cdef double loss = 0
    cdef Collect c
    cdef cnn_status status
    if f.schedule.kind != CNN_LR_CONSTANT or f.schedule.lr >= 0 or f.schedule.warmup > 0:
        t.lr = schedule_at(&f.schedule, <double>t.epoch + progress)
    if f.hooks.batch_begin != NULL and f.hooks.batch_begin(f.hooks.user, t.epoch, batch):
        return CNN_STOPPED
    status = trainer_step(t, f.on_nan, &loss, s.error)
    if status == CNN_E_NONFINITE and f.on_nan == CNN_NAN_STOP:
        return CNN_STOPPED
    if status != CNN_OK:
        return status
    sum_[0] += loss * <double>t.n
    rows[0] += <double>t.n
    if t.keep_predictions:
        memset(&c, 0, sizeof(c))
        c.predictions = f.train_predictions
        c.targets = f.train_targets
        c.weights = f.train_weights
        c.row = <size_t>rows[0] - t.n
        after_batch(t, f.metrics, s.metrics, f.n_metrics, &c)
    if f.hooks.batch_end != NULL and f.hooks.batch_end(f.hooks.user, t.epoch, batch, loss):
        return CNN_STOPPED
    return trainer_tick(t, batch, loss)


cdef int fit_is_small(const Fit *s) noexcept nogil:
    """Rows go through the small-network path many at a time: nobody wants to hear of each."""
    cdef const cnn_fit_options *f = s.f
    return (f.train.next == NULL and f.batch_rows == 1 and f.hooks.batch_begin == NULL and f.hooks.batch_end == NULL and not f.schedule.warmup > 0
            and f.schedule.kind == CNN_LR_CONSTANT and not f.schedule.lr >= 0 and small_applies(s.t))


cdef cnn_status fit_small_rows(Fit *s, size_t n, double *sum_) noexcept nogil:
    """An epoch of n steps, a row each."""
    cdef Trainer *t = s.t
    cdef size_t first = 0, some
    cdef cnn_status status = CNN_OK
    while first < n and status == CNN_OK:
        some = n - first
        if t.hooks.tick != NULL and some > t.until_tick:
            some = t.until_tick
        status = small_steps(t, s.order, first, some, s.f.on_nan, sum_, s.error)
        if status == CNN_E_NONFINITE and s.f.on_nan == CNN_NAN_STOP:
            return CNN_STOPPED
        first += some
        if status == CNN_OK and t.hooks.tick != NULL:
            t.until_tick -= some - 1
            status = trainer_tick(t, first - 1, t.targets[0].scale[0] * t.targets[0].losses[0])
    return status


cdef cnn_status fit_epoch(Fit *s, double *record) noexcept nogil:
    cdef Trainer *t = s.t
    cdef cnn_fit_options *f = s.f
    cdef cnn_data given
    cdef const cnn_data *data = &f.train.data
    cdef size_t first = 0, n = 0, i, batches
    cdef uint64_t batch = 0
    cdef double sum_ = 0, rows = 0
    cdef int got, small = fit_is_small(s)
    cdef cnn_random at
    cdef cnn_status status = CNN_OK
    if f.train.next == NULL and t.data != data:
        bind_data(t, data)
    if s.order != NULL:
        at = cnn_random_at(t.net.seed, CNN_RANDOM_SHUFFLE, 0, t.epoch, 0, 0)
        cnn_random_permutation(&at, data.rows, s.order)
    for i in range(f.n_metrics):
        metric_reset(&s.metrics[i])
    batches = (data.rows + f.batch_rows - 1) // f.batch_rows if f.train.next == NULL else <size_t>s.steps_before
    if batches == 0:
        batches = f.expected_steps
    if f.steps_per_epoch and (f.steps_per_epoch < batches or batches == 0):
        batches = f.steps_per_epoch
    if small:
        batch = batches
        rows = <double>batches
        status = fit_small_rows(s, batches, &sum_)
    while status == CNN_OK and not small and (f.steps_per_epoch == 0 or batch < f.steps_per_epoch):
        if f.train.next != NULL:
            memset(&given, 0, sizeof(given))
            got = f.train.next(f.train.user, t.epoch, batch, &given)
            if got == 1:
                break
            if got != 0:
                return CNN_STOPPED
            status = check_batch(t, &given, 1, s.error)
            if status == CNN_OK and given.rows > t.max_batch:
                status = cnn_fail(s.error, CNN_E_SHAPE, "batch %l has %z rows; the first had %z", <int64_t>batch, given.rows, t.max_batch)
            if status != CNN_OK:
                return status
            if given.rows == 0:
                return cnn_fail(s.error, CNN_E_VALUE, "batch %l has no rows", <int64_t>batch)
            bind_batch(t, &given)
        else:
            if first >= data.rows:
                break
            n = data.rows - first if data.rows - first < f.batch_rows else f.batch_rows
            bind_rows(t, s.order, first, n)
            first += n
        status = fit_batch(s, batch, &sum_, &rows, <double>batch / <double>batches if batches > batch else 1.0 if batches else 0.0)
        batch += 1
    if status != CNN_OK:
        return status
    if rows == 0:
        return cnn_fail(s.error, CNN_E_VALUE, "the data have no rows")
    s.steps_before = batch
    record[0] = sum_ / rows
    record[1] = penalty_now(t)
    record[2] = t.lr
    for i in range(f.n_metrics):
        record[3 + i] = metric_end(&s.metrics[i])
    return CNN_OK


cdef cnn_status fit_run(Fit *s, Metric *val_metrics) noexcept nogil:
    cdef Trainer *t = s.t
    cdef cnn_fit_options *f = s.f
    cdef size_t e, width = 3 + f.n_metrics + (1 + f.n_metrics if f.validation != NULL else 0)
    cdef double *record
    cdef Collect c
    cdef cnn_status status
    for e in range(f.epochs):
        t.epoch = f.first_epoch + e
        t.step = 0
        record = f.records + e * width
        if f.hooks.epoch_begin != NULL and f.hooks.epoch_begin(f.hooks.user, t.epoch):
            return CNN_STOPPED
        status = fit_epoch(s, record)
        if status != CNN_OK:
            return status
        if f.validation != NULL:
            memset(&c, 0, sizeof(c))
            c.predictions = f.validation_predictions
            c.targets = f.validation_targets
            c.weights = f.validation_weights
            t.tick_every = t.until_tick = 1  # these batches take another time than the steps
            status = evaluate(t, f.validation, t.max_batch, t.epoch, f.metrics, f.n_metrics, val_metrics, &c,
                              record + 3 + f.n_metrics, s.error)
            t.tick_every = t.until_tick = 1
            if status != CNN_OK:
                return status
        f.epochs_done = e + 1
        t.epoch += 1
        if f.hooks.epoch_end != NULL and f.hooks.epoch_end(f.hooks.user, t.epoch - 1, record):
            return CNN_STOPPED
    return CNN_OK


cdef cnn_status fit_least_rows(const Trainer *t, const cnn_fit_options *f, cnn_error *error) noexcept nogil:
    """The batches of arrays, the last one too, have as many rows as training needs."""
    cdef size_t rows = f.train.data.rows, whole = rows // f.batch_rows, last = rows % f.batch_rows
    cdef const PlanStep *s
    if whole == 0 or last == 0 or (f.steps_per_epoch and f.steps_per_epoch <= whole):
        return plan_least_rows(&t.plan, f.batch_rows if whole else last, error)
    s = plan_lacks_rows(&t.plan, last)
    if s == NULL:
        return CNN_OK
    return cnn_fail(error, CNN_E_SHAPE, "%s: the last training batch, of %z rows in batches of %z, would be %z row%s, which has no variance by channel;"
                    " with another batch_size it has at least %z rows", node_name(&t.net.graph, s.plan.node), rows, f.batch_rows, last,
                    b"" if last == 1 else b"s", s.plan.least_rows)


cdef cnn_status trainer_run(Trainer *t, cnn_fit_options *f, cnn_error *error) noexcept nogil:
    """Checks everything, then trains."""
    cdef Fit s
    cdef Metric *val_metrics = NULL
    cdef size_t rows = f.train.data.rows
    cdef int32_t small = t.small.n
    cdef cnn_status status = CNN_OK
    memset(&s, 0, sizeof(s))
    s.t = t
    s.f = f
    s.error = error
    f.epochs_done = 0
    if f.schedule.lr >= 0 or f.schedule.kind != CNN_LR_CONSTANT:
        status = schedule_check(&f.schedule, error)
        if status != CNN_OK:
            return status
    if f.train.next == NULL:
        if rows == 0:
            return cnn_fail(error, CNN_E_VALUE, "X has no rows")
        if rows >= <size_t>1 << 32:
            return cnn_fail(error, CNN_E_VALUE, "X has %z rows; a fit takes at most 4294967295 (give it batches)", rows)
        if f.batch_rows == 0 or f.batch_rows > t.max_batch:
            return cnn_fail(error, CNN_E_ARGUMENT, "batch_size is %z; it must be 1 to %z", f.batch_rows, t.max_batch)
        status = check_batch(t, &f.train.data, 1, error)
        if status == CNN_OK:
            status = fit_least_rows(t, f, error)
    if status == CNN_OK and f.validation != NULL and f.validation.next == NULL:
        status = check_batch(t, &f.validation.data, 1, error)
        if status == CNN_OK and f.validation.data.rows == 0:
            status = cnn_fail(error, CNN_E_VALUE, "validation_data has no rows")
    if status == CNN_OK:
        status = metrics_make(t, f.metrics, f.n_metrics, rows, &s.metrics, error)
    if status == CNN_OK and f.validation != NULL:
        status = metrics_make(t, f.metrics, f.n_metrics, f.validation.data.rows, &val_metrics, error)
    if status == CNN_OK and f.shuffle and f.train.next == NULL and f.batch_rows < rows:  # one batch of all rows has no order
        s.order = <uint32_t *>cnn_memory_new(&t.allocator, rows * sizeof(uint32_t))
        if s.order == NULL:
            status = cnn_fail(error, CNN_E_MEMORY, "not enough memory to shuffle %z rows", rows)
    if status == CNN_OK and f.augment != NULL:
        t.small.n = 0  # it takes rows as they lie
        status = trainer_augment(t, f.augment, error)
    if status == CNN_OK:
        t.hooks = f.hooks
        t.keep_predictions = f.n_metrics > 0 or f.train_predictions != NULL
        ticks_begin(t)
        t.data = NULL
        status = fit_run(&s, val_metrics)
        t.keep_predictions = 0
        memset(&t.hooks, 0, sizeof(t.hooks))
    if f.augment != NULL:
        trainer_augment_end(t)
        t.small.n = small
    cnn_memory_release(s.order)
    metrics_free(s.metrics, f.n_metrics)
    metrics_free(val_metrics, f.n_metrics)
    return status
