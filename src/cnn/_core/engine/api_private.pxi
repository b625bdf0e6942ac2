# The entry points of engine.h: what the Python bindings need beyond cnn.h.

cdef public cnn_status cnn_array_find_nonfinite(const cnn_array *array, size_t *row, size_t *element) noexcept nogil:
    if not find_nonfinite(array, row, element):
        row[0] = array.dims[0]
    return CNN_OK


# ---- Networks ----------------------------------------------------------------------------------------------------------------------

cdef public size_t cnn_network_node_count(const cnn_network *network) noexcept nogil:
    return (<const Network *>network).graph.n_nodes

cdef public size_t cnn_network_value_count(const cnn_network *network) noexcept nogil:
    return (<const Network *>network).graph.n_values

cdef public cnn_status cnn_network_node(const cnn_network *network, size_t index, cnn_node_info *out) noexcept nogil:
    cdef const Graph *g = &(<const Network *>network).graph
    cdef const Node *n
    if index >= g.n_nodes:
        return CNN_E_ARGUMENT
    n = &g.nodes[index]
    out.op = <cnn_op>n.op
    out.name = g.text + n.name
    out.n_inputs = <size_t>n.n_inputs
    out.n_outputs = <size_t>n.n_outputs
    out.n_attributes = <size_t>n.n_attributes
    out.n_blocks = <size_t>n.n_blocks
    out.inputs = g.links + n.inputs
    out.blocks = g.links + n.blocks
    out.output = n.output
    out.shares = n.shares
    return CNN_OK

cdef public cnn_status cnn_network_node_attribute(const cnn_network *network, size_t node, size_t index, cnn_attribute *out) noexcept nogil:
    cdef const Graph *g = &(<const Network *>network).graph
    cdef const Attribute *a
    if node >= g.n_nodes or index >= <size_t>g.nodes[node].n_attributes:
        return CNN_E_ARGUMENT
    a = &g.attributes[g.nodes[node].attributes + index]
    memset(out, 0, sizeof(cnn_attribute))
    out.name = attribute_name(a.key)
    out.integer = a.integer
    out.number = a.number
    out.text = g.text + a.text if a.text != NONE else NULL
    out.list = g.ints + a.first
    out.count = a.count
    return CNN_OK

cdef public cnn_status cnn_network_value(const cnn_network *network, size_t value, cnn_tensor_info *out) noexcept nogil:
    cdef const Network *net = <const Network *>network
    if value >= net.graph.n_values:
        return CNN_E_ARGUMENT
    return value_info(net, <int32_t>value, out)

cdef public int32_t cnn_network_input_value(const cnn_network *network, size_t index) noexcept nogil:
    return (<const Network *>network).graph.inputs[index]

cdef public int32_t cnn_network_output_value(const cnn_network *network, size_t index) noexcept nogil:
    return (<const Network *>network).graph.outputs[index]

cdef public cnn_status cnn_network_block(const cnn_network *network, size_t index, cnn_block_info *out) noexcept nogil:
    cdef const Graph *g = &(<const Network *>network).graph
    cdef const Block *b
    if index >= g.n_blocks:
        return CNN_E_ARGUMENT
    b = &g.blocks[index]
    out.name = g.text + b.name
    out.node = b.node
    out.kind = b.kind
    out.rank = b.rank
    memcpy(out.dims, b.dims, sizeof(b.dims))
    out.offset = b.offset
    out.count = b.count
    out.trainable = b.trainable
    out.lr_scale = b.lr_scale
    out.l1 = b.l1
    out.l2 = b.l2
    out.max_norm = b.max_norm
    return CNN_OK

cdef public cnn_status cnn_network_set_block(cnn_network *network, size_t index, int32_t trainable, double lr_scale) noexcept nogil:
    cdef Network *net = <Network *>network
    cdef Block *b
    if index >= net.graph.n_blocks:
        return cnn_fail(net.error, CNN_E_ARGUMENT, "block %z was asked for; the network has %z", index, net.graph.n_blocks)
    b = &net.graph.blocks[index]
    if trainable and b.kind != CNN_BLOCK_WEIGHT:
        return cnn_fail(net.error, CNN_E_ARGUMENT, "%s is no weight and cannot be trained", net.graph.text + b.name)
    if not (lr_scale >= 0) or lr_scale - lr_scale != 0:
        return cnn_fail(net.error, CNN_E_ARGUMENT, "lr_scale is %g; it must be a finite number of at least 0", lr_scale)
    b.trainable = 1 if trainable else 0
    b.lr_scale = lr_scale
    return CNN_OK

cdef public void *cnn_network_arena(cnn_network *network, size_t *bytes) noexcept nogil:
    bytes[0] = (<Network *>network).arena_bytes
    return (<Network *>network).arena

cdef public uint64_t cnn_network_seed(const cnn_network *network) noexcept nogil:
    return (<const Network *>network).seed

cdef public uint64_t cnn_network_version(const cnn_network *network) noexcept nogil:
    return (<const Network *>network).version

cdef public void cnn_network_touch(cnn_network *network) noexcept nogil:
    (<Network *>network).version += 1

cdef public void *cnn_network_view(cnn_network *network, size_t index, int32_t change) noexcept nogil:
    cdef Network *net = <Network *>network
    net.views += change
    if change < 0:
        net.version += 1
    return <char *>net.arena + net.graph.blocks[index].offset * dtype_size(net.graph.dtype)

cdef public int64_t cnn_network_views(const cnn_network *network) noexcept nogil:
    return (<const Network *>network).views

cdef public cnn_status cnn_network_clone(const cnn_network *network, cnn_dtype dtype, const cnn_options *options, cnn_network **out) noexcept nogil:
    cdef Network *made = NULL
    cdef cnn_status status = network_clone(<const Network *>network, dtype, options, &made)
    if status == CNN_OK:
        out[0] = <cnn_network *>made
    return status

cdef public cnn_status cnn_network_initialize(cnn_network *network, uint64_t seed) noexcept nogil:
    return network_fill(<Network *>network, seed, (<Network *>network).error)

cdef public cnn_status cnn_network_set_function(cnn_network *network, size_t node, const cnn_function *function) noexcept nogil:
    cdef Network *net = <Network *>network
    if node >= net.graph.n_nodes or net.graph.nodes[node].op != CNN_OP_FUNCTION:
        return cnn_fail(net.error, CNN_E_ARGUMENT, "node %z is no Function", node)
    if net.functions == NULL:
        net.functions = <cnn_function *>cnn_memory_new(&net.allocator, net.graph.n_nodes * sizeof(cnn_function))
        if net.functions == NULL:
            return cnn_fail(net.error, CNN_E_MEMORY, "not enough memory for a Function")
    net.functions[node] = function[0]
    return CNN_OK


cdef public cnn_status cnn_network_bind(const cnn_network *network, const size_t *const *input_dims, int32_t value, cnn_tensor_info *out,
                                        cnn_error *error) noexcept nogil:
    cdef const Network *net = <const Network *>network
    cdef PlanWish wish
    cdef Plan p
    cdef cnn_status status
    memset(&wish, 0, sizeof(wish))
    wish.values = &value
    wish.n_values = 1
    wish.input_dims = input_dims
    status = plan_bind(&p, net, &wish, &net.allocator, error)
    if status == CNN_OK:
        out.dtype = <cnn_dtype>p.values[value].dtype
        out.rank = p.values[value].rank
        memcpy(out.dims, p.values[value].dims, sizeof(out.dims))
        plan_release(&p)
    return status


# ---- Sessions ----------------------------------------------------------------------------------------------------------------------

cdef public cnn_status cnn_session_new(const cnn_network *network, const cnn_session_setup *setup, cnn_session **out) noexcept nogil:
    cdef Session *s = NULL
    cdef cnn_status status = session_make(<const Network *>network, setup, &s)
    if status == CNN_OK:
        out[0] = <cnn_session *>s
    return status

cdef public cnn_status cnn_session_predict(cnn_session *session, const cnn_data *data, void *const *outputs, cnn_error *error) noexcept nogil:
    return session_predict(<Session *>session, data, <void **>outputs, error)

cdef public cnn_status cnn_session_predict_exact(cnn_session *session, const void *x, size_t rows, void *y, cnn_error *error) noexcept nogil:
    return session_predict_exact(<Session *>session, x, rows, y, error)

cdef public cnn_status cnn_session_memory(const cnn_network *network, const cnn_session_setup *setup, size_t *bytes, cnn_error *error) noexcept nogil:
    cdef const Network *net = <const Network *>network
    cdef PlanWish wish
    cdef Plan p
    cdef cnn_status status
    session_wish(net, setup, &wish)
    status = plan_make_in(&p, net, &wish, &net.allocator, error)
    if status == CNN_OK:
        bytes[0] = p.kept
        bytes[1] = sizeof(Session) + frames_bytes(&p, session_frames(&p))
        plan_release(&p)
    return status


# ---- Losses and schedules ----------------------------------------------------------------------------------------------------------

cdef public double cnn_schedule_at(const cnn_schedule *schedule, double epoch) noexcept nogil:
    return schedule_at(schedule, epoch)

cdef public cnn_status cnn_loss_resolve(const cnn_network *network, size_t output, cnn_loss *kind, int32_t *value, size_t *classes, cnn_error *error) noexcept nogil:
    return loss_resolve(&(<const Network *>network).graph, output, kind, value, classes, error)


# ---- Trainers ----------------------------------------------------------------------------------------------------------------------

cdef public cnn_status cnn_trainer_new(cnn_network *network, const cnn_trainer_setup *setup, cnn_trainer **out) noexcept nogil:
    cdef Trainer *t = NULL
    cdef cnn_status status = trainer_make(<Network *>network, setup, &t)
    if status == CNN_OK:
        out[0] = <cnn_trainer *>t
    return status

cdef public cnn_status cnn_trainer_run(cnn_trainer *trainer, cnn_fit_options *options, cnn_error *error) noexcept nogil:
    return trainer_run(<Trainer *>trainer, options, error)

cdef public cnn_status cnn_trainer_evaluate(cnn_trainer *trainer, const cnn_source *source, size_t batch_rows, const cnn_metric_spec *specs,
                                            size_t n_metrics, double *record, double **predictions, double **targets, double *weights,
                                            const cnn_fit_hooks *hooks, cnn_error *error) noexcept nogil:
    cdef Trainer *t = <Trainer *>trainer
    cdef Metric *metrics = NULL
    cdef Collect c
    cdef cnn_status status = CNN_OK
    memset(&c, 0, sizeof(c))
    c.predictions = predictions
    c.targets = targets
    c.weights = weights
    if source.next == NULL:
        if source.data.rows == 0:
            return cnn_fail(error, CNN_E_VALUE, "X has no rows")
        status = check_batch(t, &source.data, 1, error)
    if batch_rows == 0 or batch_rows > t.max_batch:
        batch_rows = t.max_batch
    if status == CNN_OK:
        status = metrics_make(t, specs, n_metrics, source.data.rows, &metrics, error)
    if status == CNN_OK:
        if hooks != NULL:
            t.hooks = hooks[0]
        ticks_begin(t)
        status = evaluate(t, source, batch_rows, 0, specs, n_metrics, metrics, &c, record, error)
        memset(&t.hooks, 0, sizeof(t.hooks))
    metrics_free(metrics, n_metrics)
    return status

cdef public cnn_status cnn_trainer_step_data(cnn_trainer *trainer, const cnn_data *data, int training, int apply, double *loss, double *penalty,
                                             cnn_error *error) noexcept nogil:
    cdef Trainer *t = <Trainer *>trainer
    cdef cnn_status status
    if data.rows == 0:
        return cnn_fail(error, CNN_E_VALUE, "X has no rows")
    if data.rows > t.max_batch:
        return cnn_fail(error, CNN_E_ARGUMENT, "the batch has %z rows; the trainer was made for at most %z", data.rows, t.max_batch)
    status = check_batch(t, data, 1, error)
    if status != CNN_OK:
        return status
    bind_batch(t, data)
    penalty[0] = penalty_now(t)
    if apply:
        return trainer_step(t, CNN_NAN_RAISE, loss, error)
    status = trainer_gradient(t, training, 1, loss, error)
    if status == CNN_OK:
        if t.net.graph.dtype == CNN_FLOAT32:
            trainer_penalty(t, 1, <float *>t.net.arena, <float *>t.gradients[0])
        else:
            trainer_penalty(t, 1, <double *>t.net.arena, <double *>t.gradients[0])
    return status

cdef public cnn_status cnn_trainer_forward_data(cnn_trainer *trainer, const cnn_data *data, int training, void *const *outputs, cnn_error *error) noexcept nogil:
    return forward_data(<Trainer *>trainer, data, training, <void **>outputs, error)

cdef public cnn_status cnn_trainer_backward_data(cnn_trainer *trainer, const void *const *dy, int accumulate, void *const *dx, cnn_error *error) noexcept nogil:
    return backward_data(<Trainer *>trainer, dy, accumulate, <void **>dx, error)

cdef public const void *cnn_trainer_gradient(const cnn_trainer *trainer, size_t block) noexcept nogil:
    cdef const Trainer *t = <const Trainer *>trainer
    if block >= t.net.graph.n_blocks or not t.plan.wanted[block]:
        return NULL
    return <char *>t.gradients[0] + t.net.graph.blocks[block].offset * (4 if t.net.graph.dtype == CNN_FLOAT32 else 8)

cdef public void cnn_trainer_memory(const cnn_trainer *trainer, size_t *bytes) noexcept nogil:
    cdef const Trainer *t = <const Trainer *>trainer
    cdef const Plan *p = &t.plan
    cdef const Target *o
    cdef size_t item = 4 if t.net.graph.dtype == CNN_FLOAT32 else 8, arena = t.net.graph.arena * item, i
    bytes[0] = t.n_parts * arena
    bytes[1] = (2 * t.lbfgs.history + 5) * arena if t.lbfgs != NULL else <size_t>t.table.slots * arena
    bytes[1] += arena if t.kept != NULL else 0
    bytes[2] = sizeof(Trainer) + frames_bytes(p, t.n_frames)
    for i in range(t.n_targets):
        o = &t.targets[i]
        bytes[2] += sizeof(Target) + t.max_batch * (o.target_row * item + o.positions * 2 * sizeof(double) + p.values[o.output].row * item)


cdef public int32_t cnn_trainer_pace(const cnn_trainer *trainer, double *costs) noexcept nogil:
    cdef const Pace *p = &(<const Trainer *>trainer).pace
    costs[0] = p.team_cost
    costs[1] = p.alone_cost
    return p.alone

cdef public void cnn_trainer_set_pace(cnn_trainer *trainer, int32_t alone) noexcept nogil:
    pace_change(&(<Trainer *>trainer).pace, alone, 0)

cdef public double cnn_trainer_lr(const cnn_trainer *trainer) noexcept nogil:
    return (<const Trainer *>trainer).lr

cdef public cnn_status cnn_trainer_set_optimizer(cnn_trainer *trainer, const cnn_optimizer_options *options) noexcept nogil:
    cdef Trainer *t = <Trainer *>trainer
    cdef OptimizerTable table
    cdef cnn_status status = optimizer_table(options, &table, t.error)
    if status != CNN_OK:
        return status
    if t.optimizer.kind == options.kind and t.table.slots == table.slots and not table.driver:
        t.optimizer = options[0]
        t.table = table
        t.lr = options.lr
        t.constants_rate = -1
        return CNN_OK
    t.optimizer = options[0]
    return trainer_slots(t, t.error)

cdef public void cnn_trainer_counters(const cnn_trainer *trainer, uint64_t *epoch, uint64_t *step, uint64_t *updates) noexcept nogil:
    epoch[0] = (<const Trainer *>trainer).epoch
    step[0] = (<const Trainer *>trainer).step
    updates[0] = (<const Trainer *>trainer).updates

cdef public void cnn_trainer_set_counters(cnn_trainer *trainer, uint64_t epoch, uint64_t step, uint64_t updates) noexcept nogil:
    (<Trainer *>trainer).epoch = epoch
    (<Trainer *>trainer).step = step
    (<Trainer *>trainer).updates = updates

cdef public size_t cnn_trainer_slot_count(const cnn_trainer *trainer) noexcept nogil:
    cdef const Trainer *t = <const Trainer *>trainer
    return LBFGS_BUFFERS if t.table.driver else <size_t>t.table.slots

cdef public void *cnn_trainer_slot(cnn_trainer *trainer, size_t index, size_t *bytes) noexcept nogil:
    cdef Trainer *t = <Trainer *>trainer
    cdef LbfgsBuffer buffers[LBFGS_BUFFERS]
    bytes[0] = 0
    if index >= cnn_trainer_slot_count(trainer):
        return NULL
    if t.table.driver:
        lbfgs_buffers(t.lbfgs, buffers)
        bytes[0] = buffers[index].bytes
        return buffers[index].data
    bytes[0] = t.net.arena_bytes
    return t.slots[index]


# ---- The trainer's state in a file --------------------------------------------------------------------------------------------------

cdef enum:
    STATE_EXTRAS = 1 + LBFGS_BUFFERS

cdef size_t state_extras(Trainer *t, uint64_t *counters, cnn_extra *extras) noexcept nogil:
    """counters: epoch, step, updates, optimizer; then the slots as bytes."""
    cdef const char *names[STATE_EXTRAS]
    cdef size_t i, n = cnn_trainer_slot_count(<cnn_trainer *>t), bytes
    names[0] = "__state__.counters"
    names[1] = "__state__.slot0"
    names[2] = "__state__.slot1"
    names[3] = "__state__.slot2"
    names[4] = "__state__.slot3"
    names[5] = "__state__.slot4"
    names[6] = "__state__.slot5"
    memset(extras, 0, STATE_EXTRAS * sizeof(cnn_extra))
    counters[0] = t.epoch
    counters[1] = t.step
    counters[2] = t.updates
    counters[3] = <uint64_t>t.optimizer.kind
    memcpy(&counters[4], &t.lr, sizeof(double))
    extras[0].name = names[0]
    extras[0].tensor.data = counters
    extras[0].tensor.dtype = CNN_UINT64
    extras[0].tensor.rank = 1
    extras[0].tensor.dims[0] = 5
    for i in range(n):
        extras[1 + i].name = names[1 + i]
        extras[1 + i].tensor.data = cnn_trainer_slot(<cnn_trainer *>t, i, &bytes)
        extras[1 + i].tensor.dtype = CNN_UINT8
        extras[1 + i].tensor.rank = 1
        extras[1 + i].tensor.dims[0] = bytes
    return 1 + n

cdef public cnn_status cnn_trainer_save_state(const cnn_trainer *trainer, const char *path_utf8) noexcept nogil:
    cdef Trainer *t = <Trainer *>trainer
    cdef cnn_extra extras[STATE_EXTRAS]
    cdef uint64_t counters[5]
    cdef size_t n
    if path_utf8 == NULL:
        return cnn_fail(t.error, CNN_E_ARGUMENT, "path is NULL")
    n = state_extras(t, counters, extras)
    return cnn_state_save(<const cnn_network *>t.net, path_utf8, extras, n, t.error)

cdef public cnn_status cnn_trainer_load_state(cnn_trainer *trainer, const char *path_utf8) noexcept nogil:
    cdef Trainer *t = <Trainer *>trainer
    cdef cnn_extra extras[STATE_EXTRAS]
    cdef uint64_t counters[5]
    cdef cnn_extras *found = NULL
    cdef const cnn_extra *e
    cdef cnn_options options
    cdef size_t n, i
    cdef cnn_status status
    if path_utf8 == NULL:
        return cnn_fail(t.error, CNN_E_ARGUMENT, "path is NULL")
    memset(&options, 0, sizeof(options))
    options.size = sizeof(options)
    options.allocator = &t.allocator
    options.error = t.error
    n = state_extras(t, counters, extras)
    status = cnn_state_open(<const cnn_network *>t.net, path_utf8, &options, &found)
    if status != CNN_OK:
        return status
    for i in range(n):
        e = cnn_extras_find(found, extras[i].name)
        if e == NULL or e.tensor.dtype != extras[i].tensor.dtype or e.tensor.rank != 1 or e.tensor.dims[0] != extras[i].tensor.dims[0]:
            cnn_extras_free(found)
            return cnn_fail(t.error, CNN_E_FILE, "'%s' holds no state of this optimizer (%s is missing or of another size)", path_utf8, extras[i].name)
    e = cnn_extras_find(found, extras[0].name)
    if (<const uint64_t *>e.tensor.data)[3] != counters[3]:
        cnn_extras_free(found)
        return cnn_fail(t.error, CNN_E_FILE, "'%s' holds the state of another optimizer", path_utf8)
    memcpy(counters, e.tensor.data, sizeof(counters))
    t.epoch = counters[0]
    t.step = counters[1]
    t.updates = counters[2]
    memcpy(&t.lr, &counters[4], sizeof(double))
    for i in range(1, n):
        e = cnn_extras_find(found, extras[i].name)
        memcpy(<void *>extras[i].tensor.data, e.tensor.data, e.tensor.dims[0])
    cnn_extras_free(found)
    return CNN_OK


cdef public cnn_status cnn_augment_images(const cnn_augment *how, const cnn_array *images, uint64_t seed, uint64_t epoch, uint64_t step,
                                          cnn_dtype dtype, void *out, cnn_error *error) noexcept nogil:
    cdef Augment a
    cdef Augmenting c
    cdef Inner inner
    cdef cnn_status status = augment_check(how, error)
    if status == CNN_OK and images.rank != 4:
        status = cnn_fail(error, CNN_E_SHAPE, "X has the shape %D; images are (n, channels, height, width)", <size_t>images.rank, images.dims)
    if status == CNN_OK:
        status = augment_fits(how, "X", images.dims[2], images.dims[3], error)
    if status != CNN_OK or images.dims[0] == 0:
        return status
    inner_of(images, &inner)
    memset(&a, 0, sizeof(a))
    memset(&c, 0, sizeof(c))
    a.how = how[0]
    a.room = augment_room(inner.row, dtype)
    a.scratch = cnn_memory_new(NULL, a.room)
    if a.scratch == NULL:
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory to augment images")
    c.augment = &a
    c.array = images
    c.inner = &inner
    c.to = out
    c.dtype = dtype
    c.channels = images.dims[1]
    c.height = images.dims[2]
    c.width = images.dims[3]
    c.n = images.dims[0]
    c.seed = seed
    c.epoch = epoch
    c.step = step
    augment_run(&c, 0, NULL, 1)
    cnn_memory_release(a.scratch)
    return CNN_OK
