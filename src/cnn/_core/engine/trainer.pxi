# Trainers: a network, a plan with a backward pass, an optimizer, and memory for all of it.

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

cdef enum:
    SMALL_LAYERS = 8
    SMALL_WIDTH = 16       # values of a layer

cdef struct SmallLayer:
    size_t features, units
    size_t weight, bias    # places in the arena; NONE
    int32_t activation     # CNN_LINEAR: none
    void *forward          # of other activations than those that are written out
    void *backward
    double c[2]

cdef struct Small:
    int32_t n              # layers up to the loss; 0: the network is none of these
    SmallLayer layers[SMALL_LAYERS]

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
    Augment augment        # of its training batches
    size_t max_batch, n_parts
    void *gradients[MAX_PARTS]
    int32_t has_moved      # buffers that training moves
    int32_t moved          # gradients[0] holds what they become at the next update
    void *kept             # the same of a driver's step, to which its gradients must not show it; laid out like the arena
    int32_t keep           # the next evaluation is the first of its step
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
    Small small
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
    Pace pace


cdef const cnn_executor *trainer_executor(const Trainer *t) noexcept nogil:
    return &t.executor if t.has_executor else NULL

cdef const cnn_executor *trainer_team(const Trainer *t) noexcept nogil:
    """Who works at a step now. NULL: the caller's thread alone."""
    return &t.executor if t.has_executor and not t.pace.alone else NULL


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
    cnn_memory_release(t.augment.scratch)
    for i in range(MAX_PARTS):
        cnn_memory_release(t.gradients[i])
    for i in range(MAX_SLOTS):
        cnn_memory_release(t.slots[i])
    lbfgs_release(t.lbfgs)
    cnn_memory_release(t.kept)
    cnn_memory_release(t.spans)
    cnn_memory_release(t)


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
        t.has_moved |= t.plan.moved[i]
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
        if t.kept == NULL and t.has_moved:
            t.kept = cnn_memory_new(&t.allocator, n * item + 64)
            if t.kept == NULL:
                return cnn_fail(error, CNN_E_MEMORY, "not enough memory for the optimizer (%z bytes)", n * item)
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
    pace_make(&t.pace, &t.executor)
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
        wish.team = divides_ops(&net.graph)
        wish.members = cnn_executor_width(trainer_executor(t))
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
    t.frames = frames_new(&t.plan, net, t.n_frames, NULL, error)
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
        small_make(t)
        status = trainer_slots(t, error)
    return status


cdef cnn_status trainer_augment(Trainer *t, const cnn_augment *how, cnn_error *error) noexcept nogil:
    """Training batches are augmented from now on."""
    cdef const Graph *g = &t.net.graph
    cdef const PlanValue *v
    cdef size_t i, most = 0
    cdef const char *name = ""
    cdef cnn_status status = augment_check(how, error)
    for i in range(g.n_inputs):
        v = &t.plan.values[g.inputs[i]]
        name = node_name(g, &g.nodes[g.values[g.inputs[i]].node])
        if status == CNN_OK and is_images(v):
            status = augment_fits(how, name, v.dims[2], v.dims[3], error)
            most = v.row if v.row > most else most
    if status != CNN_OK:
        return status
    if most == 0:
        return cnn_fail(error, CNN_E_SHAPE, "augment: %s has rows of the shape %D; images are (channels, height, width)", name,
                        <size_t>v.rank - 1, v.dims + 1)
    t.augment.room = augment_room(most, g.dtype)
    t.augment.scratch = cnn_memory_new(&t.allocator, t.augment.room * <size_t>cnn_executor_width(trainer_executor(t)))
    if t.augment.scratch == NULL:
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory to augment images")
    t.augment.how = how[0]
    t.augment.active = 1
    return CNN_OK


cdef void trainer_augment_end(Trainer *t) noexcept nogil:
    cnn_memory_release(t.augment.scratch)
    memset(&t.augment, 0, sizeof(Augment))
