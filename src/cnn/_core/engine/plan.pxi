# Plans: a graph with every size bound, pruned to what is wanted, and a place in one frame of memory for everything that it touches.
#
# Time runs 0 .. steps-1 forward, `steps` at the loss, then 2 steps - s for the backward of step s. A thing's lifetime is an interval of
# that time; things whose lifetimes do not meet may share memory.

cdef struct PlanStep:
    int32_t node
    OpTable table
    OpPlan plan
    int32_t layout         # how it takes values in memory
    int32_t backward       # runs in the backward pass
    int32_t pool           # the step whose gradient it takes, -1: its own
    int32_t leader         # the step that does it forward: itself, or one whose parts it follows
    int32_t aside          # the losses do without it: it makes an output that only metrics and callers see
    size_t saved           # place in the frame, NONE
    size_t kept            # place in what a session keeps
    size_t add             # place of its inputs' flags in plan.add
    unsigned char again[MAX_BLOCKS]

cdef struct Plan:
    const Graph *graph     # the network's, or
    Graph *rewritten       # what does the same in less time; NULL: nothing does
    const cnn_allocator *allocator
    const cnn_kernels *kernels
    size_t rows            # of a tile, at most
    int32_t training
    int32_t team           # threads divide the ops, not the rows, among them:
    int32_t members        # so many at most
    int32_t couples
    PlanValue *values      # by value
    size_t *place          # by value: in the frame; NONE: outside (an input) or unused
    size_t *gradient       # by value: in the frame; NONE: no gradient
    size_t *place_input    # by value: an input's own buffer, for data that must be gathered
    int32_t *root          # by value: values of one root share their memory
    PlanStep *steps
    size_t n_steps
    int32_t *forward       # steps to run, in order
    int32_t *backward
    size_t n_forward, n_backward
    unsigned char *add     # a flag an input of each step
    unsigned char *wanted  # by block: has a gradient
    unsigned char *moved   # by block: a buffer, and backward leaves what it becomes
    size_t scratch         # place in the frame
    size_t frame           # bytes
    size_t kept            # bytes of what a session keeps
    char *tables           # constants of all ops
    size_t tables_bytes
    double flops           # multiply-adds of a row, forward
    double dense           # of them, in dense products
    double numbers         # that the values of a row have

cdef struct PlanWish:      # what a plan is to be made for
    const int32_t *values  # wanted: kept until the end of the forward pass
    size_t n_values
    const int32_t *losses  # values that a gradient starts from; NULL: no backward pass
    size_t n_losses
    int32_t training
    int32_t input_gradients
    size_t max_rows        # 0: as many as fit the cache
    int32_t whole          # max_rows in one tile
    int32_t team           # threads are to divide the ops, not the rows, among them
    int32_t members        # so many at most
    const size_t *const *input_dims


cdef void plan_release(Plan *p) noexcept nogil:
    cnn_memory_release(p.values)
    cnn_memory_release(p.place)
    cnn_memory_release(p.gradient)
    cnn_memory_release(p.root)
    cnn_memory_release(p.place_input)
    cnn_memory_release(p.steps)
    cnn_memory_release(p.forward)
    cnn_memory_release(p.backward)
    cnn_memory_release(p.add)
    cnn_memory_release(p.wanted)
    cnn_memory_release(p.tables)
    cnn_memory_release(p.moved)
    cnn_memory_release(p.rewritten)
    memset(p, 0, sizeof(Plan))


cdef cnn_status plan_prune(Plan *p, const PlanWish *wish, cnn_error *error) noexcept nogil:
    """Steps: the nodes that the wanted values and losses need, in order; inputs are no steps."""
    cdef const Graph *g = p.graph
    cdef unsigned char *needed = <unsigned char *>cnn_memory_new(p.allocator, g.n_nodes)
    cdef size_t i, j, links = 0
    cdef const Node *node
    if needed == NULL:
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for a plan")
    for i in range(wish.n_values):
        needed[g.values[wish.values[i]].node] = 1
    for i in range(wish.n_losses):
        needed[g.values[wish.losses[i]].node] = 2
    for i in range(g.n_nodes, 0, -1):
        node = &g.nodes[i - 1]
        if needed[i - 1]:
            for j in range(<size_t>node.n_inputs):
                needed[g.values[g.links[node.inputs + j]].node] |= needed[i - 1]
            if node.op != CNN_OP_INPUT:
                p.n_steps += 1
                links += <size_t>node.n_inputs
    p.steps = <PlanStep *>cnn_memory_new(p.allocator, (p.n_steps + 1) * sizeof(PlanStep))
    p.forward = <int32_t *>cnn_memory_new(p.allocator, (p.n_steps + 1) * sizeof(int32_t))
    p.backward = <int32_t *>cnn_memory_new(p.allocator, (p.n_steps + 1) * sizeof(int32_t))
    p.add = <unsigned char *>cnn_memory_new(p.allocator, links + 1)
    if p.steps == NULL or p.forward == NULL or p.backward == NULL or p.add == NULL:
        cnn_memory_release(needed)
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for a plan")
    j = 0
    links = 0
    for i in range(g.n_nodes):
        node = &g.nodes[i]
        if needed[i] and node.op != CNN_OP_INPUT:
            p.steps[j].node = <int32_t>i
            p.steps[j].saved = NONE
            p.steps[j].aside = wish.n_losses and not needed[i] & 2
            p.steps[j].add = links
            op_table(node.op, &p.steps[j].table)
            links += <size_t>node.n_inputs
            j += 1
    cnn_memory_release(needed)
    return CNN_OK


cdef cnn_status plan_shapes(Plan *p, const PlanWish *wish, cnn_error *error) noexcept nogil:
    """Binds every size, all but the rows."""
    cdef const Graph *g = p.graph
    cdef const Node *node
    cdef PlanValue *inputs
    cdef PlanValue outputs[MAX_OUTPUTS]
    cdef PlanValue *v
    cdef size_t i, j, most = 1
    cdef int32_t made
    cdef cnn_status status = CNN_OK
    for i in range(g.n_inputs):
        v = &p.values[g.inputs[i]]
        value_describe(&g.values[g.inputs[i]], v)
        for j in range(1, <size_t>v.rank):
            if v.dims[j] == OPEN:
                if wish.input_dims == NULL or wish.input_dims[i] == NULL:
                    return cnn_fail(error, CNN_E_SHAPE, "%s: its shape %D has open sizes, which must be given here",
                                    node_name(g, &g.nodes[g.values[g.inputs[i]].node]), <size_t>v.rank, v.dims)
                v.dims[j] = wish.input_dims[i][j - 1]
        status = check_row(v, g, &g.nodes[g.values[g.inputs[i]].node], error)
        if status != CNN_OK:
            return status
        v.row = row_elements(v)
    for i in range(p.n_steps):
        most = <size_t>g.nodes[p.steps[i].node].n_inputs if <size_t>g.nodes[p.steps[i].node].n_inputs > most else most
    inputs = <PlanValue *>cnn_memory_new(p.allocator, most * sizeof(PlanValue))
    if inputs == NULL:
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for a plan")
    for i in range(p.n_steps):
        node = &g.nodes[p.steps[i].node]
        for j in range(<size_t>node.n_inputs):
            inputs[j] = p.values[g.links[node.inputs + j]]
        status = node_shape(&p.steps[i].table, <Graph *>g, node, inputs, outputs, &made, error)
        if status != CNN_OK:
            break
        memcpy(&p.values[node.output], outputs, <size_t>node.n_outputs * sizeof(PlanValue))
    cnn_memory_release(inputs)
    return status


cdef size_t value_bytes(const Plan *p, int32_t value, size_t rows) noexcept nogil:
    cdef const PlanValue *v = &p.values[value]
    cdef size_t item = 8 if v.dtype == CNN_INT64 or (v.dtype == CNN_FLOAT32 and p.graph.dtype == CNN_FLOAT64) else 4
    return v.row * (rows if v.batched else 1) * item


cdef int32_t find_root(const int32_t *root, int32_t v) noexcept nogil:
    while root[v] != v:
        v = root[v]
    return v


cdef void plan_describe(Plan *p, PlanStep *s) noexcept nogil:
    """What an op reads of its use here."""
    memset(&s.plan, 0, sizeof(OpPlan))
    s.plan.graph = p.graph
    s.plan.node = &p.graph.nodes[s.node]
    s.plan.kernels = p.kernels
    s.plan.values = p.values
    s.plan.inputs = p.graph.links + s.plan.node.inputs
    s.plan.output = s.plan.node.output
    s.plan.rows = p.rows
    s.plan.training = p.training
    s.plan.members = p.members
    s.plan.team = p.team


cdef void plan_ops(Plan *p) noexcept nogil:
    """Asks every op for its plan, with p.rows rows."""
    cdef size_t i
    cdef PlanStep *s
    p.couples = 0
    p.flops = 0
    p.dense = 0
    p.numbers = 0
    for i in range(p.graph.n_values):
        if p.values[i].batched:
            p.values[i].dims[0] = p.rows
            p.numbers += <double>p.values[i].row
    for i in range(p.n_steps):
        s = &p.steps[i]
        plan_describe(p, s)
        if s.table.plan != NULL:
            s.table.plan(&s.plan)
        if s.plan.by_rows and p.team:
            s.plan.scratch_each = rounded(s.plan.scratch)
            s.plan.scratch = s.plan.scratch_each * <size_t>p.members
        p.couples |= s.plan.couples
        p.flops += s.plan.flops
        if p.graph.nodes[s.node].op == CNN_OP_DENSE:
            p.dense += s.plan.flops


cdef enum:
    TILE_BYTES = 512 << 10         # of a tile's values: what stays in the second cache
    TEAM_TILE_BYTES = 32 << 20     # where threads divide the ops
    TILE_USES = 128                # times a tile should use a weight, for products pack their weights once a tile
    WIDE_USES = 512                # the same, predicting with many weights

cdef void plan_rows(Plan *p, const PlanWish *wish) noexcept nogil:
    """A tile: what keeps a small network's rows in the second cache, and still gives products enough rows; where threads divide the
    ops, what makes the products large without using much memory."""
    cdef size_t bytes = 1, i, least, most = 1024 if p.team else 2048
    cdef double uses
    for i in range(p.graph.n_values):
        bytes += value_bytes(p, <int32_t>i, 1)
    p.rows = 1
    plan_ops(p)
    uses = WIDE_USES if not p.training and p.graph.arena >= TEAM_PARAMETERS else TILE_USES
    uses *= <double>p.graph.arena / (p.flops + 1)
    least = <size_t>(uses if uses < WIDE_USES else WIDE_USES) + 1
    p.rows = <size_t>(TEAM_TILE_BYTES if p.team else TILE_BYTES) // bytes
    p.rows = p.rows if p.rows > least else least
    p.rows = p.rows if p.rows < most else most
    if wish.max_rows and (wish.whole or wish.max_rows < p.rows):
        p.rows = wish.max_rows
    plan_ops(p)
    if p.couples and p.training:
        p.team = 1  # one tile, so nothing but the ops to divide
    if p.couples and (p.training or wish.max_rows > p.rows):
        p.rows = wish.max_rows if wish.max_rows > p.rows else p.rows
        plan_ops(p)


cdef cnn_status plan_gradients(Plan *p, const PlanWish *wish, unsigned char *flows, cnn_error *error) noexcept nogil:
    """Which steps run backward, and which blocks get a gradient. flows[v]: a gradient of value v is made."""
    cdef const Graph *g = p.graph
    cdef const Node *node
    cdef const Block *block
    cdef size_t i, j, k
    cdef int wants, reached
    cdef unsigned char *reaches = <unsigned char *>cnn_memory_new(p.allocator, g.n_values)
    if reaches == NULL:
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for a plan")
    for i in range(wish.n_losses):
        reaches[wish.losses[i]] = 1
    for i in range(p.n_steps, 0, -1):
        node = &g.nodes[p.steps[i - 1].node]
        reached = 0
        for j in range(<size_t>node.n_outputs):
            reached |= reaches[node.output + j]
        if reached:
            for j in range(<size_t>node.n_inputs):
                reaches[g.links[node.inputs + j]] = 1
    if wish.input_gradients:
        for i in range(g.n_inputs):
            flows[g.inputs[i]] = g.values[g.inputs[i]].dtype == CNN_FLOAT32
    for i in range(p.n_steps):
        node = &g.nodes[p.steps[i].node]
        wants = 0
        for j in range(<size_t>node.n_inputs):
            wants |= flows[g.links[node.inputs + j]]
        for j in range(<size_t>node.n_blocks):
            wants |= g.blocks[g.links[node.blocks + j]].trainable
        p.steps[i].backward = 0
        for j in range(<size_t>node.n_outputs):
            flows[node.output + j] = 1 if wants and reaches[node.output + j] else 0
            p.steps[i].backward |= flows[node.output + j]
        if p.steps[i].backward:
            for j in range(<size_t>node.n_blocks):
                k = <size_t>g.links[node.blocks + j]
                if g.blocks[k].trainable:
                    p.wanted[k] = 1
                if p.steps[i].plan.moves_buffers and g.blocks[k].kind == CNN_BLOCK_BUFFER:
                    p.moved[k] = 1
    cnn_memory_release(reaches)
    # The last step in forward order is the first to write backward: a shared block is written by it, added to by the others.
    reaches = <unsigned char *>cnn_memory_new(p.allocator, g.n_blocks + 1)
    if reaches == NULL:
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for a plan")
    for i in range(p.n_steps, 0, -1):
        node = &g.nodes[p.steps[i - 1].node]
        if p.steps[i - 1].backward:
            for j in range(<size_t>node.n_blocks):
                k = <size_t>g.links[node.blocks + j]
                p.steps[i - 1].again[j] = reaches[k]
                reaches[k] = 1
    cnn_memory_release(reaches)
    return CNN_OK


cdef cnn_status plan_tables(Plan *p, cnn_error *error) noexcept nogil:
    """What ops compute once: a block of memory for all of them."""
    cdef size_t i, at = 0
    for i in range(p.n_steps):
        p.tables_bytes += rounded(p.steps[i].plan.tables)
    if p.tables_bytes == 0:
        return CNN_OK
    p.tables = <char *>cnn_memory_new(p.allocator, p.tables_bytes)
    if p.tables == NULL:
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for a plan")
    for i in range(p.n_steps):
        if p.steps[i].plan.tables:
            p.steps[i].plan.table = p.tables + at
            p.steps[i].table.prepare(&p.steps[i].plan, p.steps[i].plan.table)
            at += rounded(p.steps[i].plan.tables)
    return CNN_OK


cdef cnn_status plan_orders(Plan *p, const PlanWish *wish, cnn_error *error) noexcept nogil:
    """What runs, in which order, and who adds into a gradient that another has begun."""
    cdef const Graph *g = p.graph
    cdef const Node *node
    cdef size_t i, j
    cdef int32_t x
    cdef unsigned char *begun = <unsigned char *>cnn_memory_new(p.allocator, g.n_values)
    if begun == NULL:
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for a plan")
    for i in range(wish.n_losses):
        begun[wish.losses[i]] = 1
    for i in range(p.n_steps):
        node = &g.nodes[p.steps[i].node]
        if p.steps[i].leader == <int32_t>i and not (p.steps[i].plan.view and p.root[node.output] == p.root[g.links[node.inputs]]):
            p.forward[p.n_forward] = <int32_t>i
            p.n_forward += 1
    for i in range(p.n_steps, 0, -1):
        node = &g.nodes[p.steps[i - 1].node]
        if not p.steps[i - 1].backward or p.steps[i - 1].plan.picked:
            continue
        for j in range(<size_t>node.n_inputs):
            x = g.links[node.inputs + j]
            p.add[p.steps[i - 1].add + j] = begun[x]
            begun[x] = 1
        x = g.links[node.inputs]
        if p.steps[i - 1].plan.view and p.gradient[x] != NONE and p.gradient[x] == p.gradient[node.output]:
            continue
        p.backward[p.n_backward] = <int32_t>(i - 1)
        p.n_backward += 1
    for i in range(g.n_inputs):
        if not begun[g.inputs[i]]:  # the loss does not depend on it
            p.gradient[g.inputs[i]] = NONE
    cnn_memory_release(begun)
    return CNN_OK


cdef cnn_status plan_bind(Plan *p, const Network *net, const PlanWish *wish, const cnn_allocator *allocator, cnn_error *error) noexcept nogil:
    """The steps and the shapes alone."""
    cdef cnn_status status
    memset(p, 0, sizeof(Plan))
    p.graph = &net.graph
    p.allocator = allocator
    p.values = <PlanValue *>cnn_memory_new(p.allocator, p.graph.n_values * sizeof(PlanValue))
    if p.values == NULL:
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for a plan")
    status = plan_rewrite(p, wish, error)
    if status == CNN_OK:
        status = plan_prune(p, wish, error)
    if status == CNN_OK:
        status = plan_shapes(p, wish, error)
    if status != CNN_OK:
        plan_release(p)
    return status


cdef const PlanStep *plan_lacks_rows(const Plan *p, size_t rows) noexcept nogil:
    """The first step that cannot train on a batch of so many rows."""
    cdef size_t i
    for i in range(p.n_steps):
        if rows < p.steps[i].plan.least_rows:
            return &p.steps[i]
    return NULL


cdef cnn_status plan_least_rows(const Plan *p, size_t rows, cnn_error *error) noexcept nogil:
    cdef const PlanStep *s = plan_lacks_rows(p, rows)
    if s == NULL:
        return CNN_OK
    return cnn_fail(error, CNN_E_SHAPE, "%s: a training batch of %z row%s has no variance by channel; it needs at least %z rows, or trainable=False",
                    node_name(p.graph, s.plan.node), rows, b"" if rows == 1 else b"s", s.plan.least_rows)


cdef cnn_status plan_make_in(Plan *p, const Network *net, const PlanWish *wish, const cnn_allocator *allocator, cnn_error *error) noexcept nogil:
    cdef const Graph *g = &net.graph
    cdef unsigned char *flows
    cdef cnn_status status
    status = plan_bind(p, net, wish, allocator, error)
    if status != CNN_OK:
        return status
    p.kernels = cnn_kernels_current()
    p.training = 1 if wish.losses != NULL else 0
    p.team = wish.team
    p.members = wish.members if wish.members > 1 else 1
    p.place = <size_t *>cnn_memory_new(p.allocator, g.n_values * sizeof(size_t))
    p.gradient = <size_t *>cnn_memory_new(p.allocator, g.n_values * sizeof(size_t))
    p.root = <int32_t *>cnn_memory_new(p.allocator, g.n_values * sizeof(int32_t))
    p.place_input = <size_t *>cnn_memory_new(p.allocator, g.n_values * sizeof(size_t))
    p.wanted = <unsigned char *>cnn_memory_new(p.allocator, g.n_blocks + 1)
    p.moved = <unsigned char *>cnn_memory_new(p.allocator, g.n_blocks + 1)
    flows = <unsigned char *>cnn_memory_new(p.allocator, g.n_values)
    if (p.place == NULL or p.gradient == NULL or p.root == NULL or p.place_input == NULL or p.wanted == NULL
            or p.moved == NULL or flows == NULL):
        cnn_memory_release(flows)
        plan_release(p)
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for a plan")
    status = plan_layouts(p, wish, error)
    if status == CNN_OK:
        plan_rows(p, wish)
        plan_followers(p)
        status = plan_gradients(p, wish, flows, error)
    if status == CNN_OK:
        plan_picks(p, wish, flows)
        status = plan_memory(p, wish, flows, error)
    if status == CNN_OK:
        status = plan_orders(p, wish, error)
    if status == CNN_OK:
        status = plan_tables(p, error)
    cnn_memory_release(flows)
    if status != CNN_OK:
        plan_release(p)
    return status
