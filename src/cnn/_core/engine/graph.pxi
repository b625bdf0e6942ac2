# Graphs: built node by node, checked as they grow, immutable afterwards.

cdef void graph_init(Graph *g, const cnn_allocator *allocator) noexcept nogil:
    memset(g, 0, sizeof(Graph))
    g.allocator = allocator

cdef void graph_release(Graph *g) noexcept nogil:
    cnn_memory_release(g.nodes)
    cnn_memory_release(g.values)
    cnn_memory_release(g.attributes)
    cnn_memory_release(g.blocks)
    cnn_memory_release(g.links)
    cnn_memory_release(g.ints)
    cnn_memory_release(g.text)
    cnn_memory_release(g.inputs)
    cnn_memory_release(g.outputs)
    memset(g, 0, sizeof(Graph))


cdef int make_room(const cnn_allocator *allocator, void **items, size_t *room, size_t used, size_t more, size_t item) noexcept nogil:
    """Room for `more` behind the `used` first items; 0 when there is not enough memory."""
    cdef size_t wanted, bytes
    cdef void *moved
    if not cnn_size_add(used, more, &wanted):
        return 0
    if wanted <= room[0]:
        return 1
    if wanted < 2 * room[0]:
        wanted = 2 * room[0]
    if wanted < 8:
        wanted = 8
    if not cnn_size_mul(wanted, item, &bytes):
        return 0
    moved = cnn_memory_new(allocator, bytes)
    if moved == NULL:
        return 0
    if used:
        memcpy(moved, items[0], used * item)
    cnn_memory_release(items[0])
    items[0] = moved
    room[0] = wanted
    return 1


cdef size_t graph_text(Graph *g, const char *text, size_t n) noexcept nogil:
    """A copy of n bytes of text in the graph, ended by 0; its offset, NONE when there is not enough memory."""
    cdef size_t at = g.n_text
    if not make_room(g.allocator, <void **>&g.text, &g.room_text, g.n_text, n + 1, 1):
        return NONE
    memcpy(g.text + at, text, n)
    g.text[at + n] = 0
    g.n_text += n + 1
    return at


cdef int32_t graph_find_node(const Graph *g, const char *name) noexcept nogil:
    cdef size_t i
    for i in range(g.n_nodes):
        if strcmp(g.text + g.nodes[i].name, name) == 0:
            return <int32_t>i
    return -1


cdef int graph_link(Graph *g, int32_t what) noexcept nogil:
    if not make_room(g.allocator, <void **>&g.links, &g.room_links, g.n_links, 1, sizeof(int32_t)):
        return 0
    g.links[g.n_links] = what
    g.n_links += 1
    return 1


cdef void value_describe(const Value *v, PlanValue *out) noexcept nogil:
    """A value of the graph as shape functions see it."""
    memset(out, 0, sizeof(PlanValue))
    out.dtype = v.dtype
    out.rank = v.rank
    memcpy(out.dims, v.dims, sizeof(v.dims))
    out.batched = 1
    out.row = row_elements(out)


cdef cnn_status check_row(const PlanValue *v, const Graph *g, const Node *node, cnn_error *error) noexcept nogil:
    """Every op's outputs: a rank that fits, no size 0, a row whose bytes can be counted."""
    cdef size_t n = 8, i
    if v.rank < 1 or v.rank > MAX_RANK:
        return cnn_fail(error, CNN_E_SHAPE, "%s: an output of rank %d; ranks are 1 to 8", node_name(g, node), v.rank)
    for i in range(1, <size_t>v.rank):
        if v.dims[i] == 0:
            return cnn_fail(error, CNN_E_SHAPE, "%s: its output would have the shape %D, with nothing in it", node_name(g, node), <size_t>v.rank, v.dims)
        if v.dims[i] != OPEN and not cnn_size_mul(n, v.dims[i], &n):
            return cnn_fail(error, CNN_E_SHAPE, "%s: its output of shape %D does not fit in memory", node_name(g, node), <size_t>v.rank, v.dims)
    return CNN_OK


cdef int32_t graph_add_block(Graph *g, int32_t node, const char *name, int32_t kind, int32_t rank, const size_t *dims,
                             int32_t init, double fill, size_t fan_in, size_t fan_out, cnn_error *error) noexcept nogil:
    """Gives the newest node a parameter block "<node's name>.<name>"; its number, or minus the status when it failed."""
    cdef Node *n = &g.nodes[node]
    cdef Block *b
    cdef size_t count = 1, end, i, length = strlen(g.text + n.name), at
    cdef int weight = kind == CNN_BLOCK_WEIGHT
    for i in range(<size_t>rank):
        if dims[i] == 0 or not cnn_size_mul(count, dims[i], &count):
            return -<int32_t>cnn_fail(error, CNN_E_SHAPE, "%s.%s: parameters of the shape %D cannot be held", g.text + n.name, name, <size_t>rank, dims)
    if not cnn_size_add(g.arena, count, &end) or not cnn_size_add(end, ALIGN, &end) or end > (<size_t>1 << 59):
        return -<int32_t>cnn_fail(error, CNN_E_SHAPE, "%s.%s: parameters of the shape %D do not fit in memory", g.text + n.name, name, <size_t>rank, dims)
    if init < 0 or init >= CNN_INIT_END:
        return -<int32_t>cnn_fail(error, CNN_E_ARGUMENT, "%s.%s: initial values %d are not known", g.text + n.name, name, init)
    if n.n_blocks >= MAX_BLOCKS:
        return -<int32_t>cnn_fail(error, CNN_E_ARGUMENT, "%s: more than 16 arrays of parameters", g.text + n.name)
    if (not make_room(g.allocator, <void **>&g.blocks, &g.room_blocks, g.n_blocks, 1, sizeof(Block))
            or not make_room(g.allocator, <void **>&g.text, &g.room_text, g.n_text, length + strlen(name) + 2, 1)
            or not graph_link(g, <int32_t>g.n_blocks)):
        return -<int32_t>cnn_fail(error, CNN_E_MEMORY, "%s: not enough memory for the graph", g.text + n.name)
    at = g.n_text
    memcpy(g.text + at, g.text + n.name, length)
    g.text[at + length] = 46  # "."
    memcpy(g.text + at + length + 1, name, strlen(name) + 1)
    g.n_text += length + strlen(name) + 2
    b = &g.blocks[g.n_blocks]
    memset(b, 0, sizeof(Block))
    b.name = at
    b.node = node
    b.kind = kind
    b.rank = rank
    for i in range(<size_t>rank):
        b.dims[i] = dims[i]
    b.offset = g.arena
    b.count = count
    b.init = init
    b.fill = fill
    b.fan_in = fan_in
    b.fan_out = fan_out
    b.trainable = 1 if weight and attribute_integer(g, n, CNN_ATTRIBUTE_TRAINABLE, 1) else 0
    b.lr_scale = attribute_number(g, n, CNN_ATTRIBUTE_LR_SCALE, 1.0)
    if weight and rank > 1:  # biases are not penalised
        b.l1 = attribute_number(g, n, CNN_ATTRIBUTE_L1, 0.0)
        b.l2 = attribute_number(g, n, CNN_ATTRIBUTE_L2, 0.0)
        b.max_norm = attribute_number(g, n, CNN_ATTRIBUTE_MAX_NORM, 0.0)
    g.arena = (end - 1) // ALIGN * ALIGN
    g.n_blocks += 1
    n.n_blocks += 1
    return <int32_t>(g.n_blocks - 1)


cdef cnn_status graph_copy_attribute(Graph *g, const cnn_attribute *from_, Attribute *to, cnn_error *error) noexcept nogil:
    cdef int32_t key
    cdef int kind
    cdef size_t i
    if from_.name == NULL:
        return cnn_fail(error, CNN_E_ARGUMENT, "an attribute has no name")
    key = attribute_key(from_.name)
    if key < 0:
        return cnn_fail(error, CNN_E_ARGUMENT, "'%s' is not an attribute", from_.name)
    memset(to, 0, sizeof(Attribute))
    to.key = key
    to.text = NONE
    kind = attribute_type(key)
    if kind == 0:
        to.integer = from_.integer
    elif kind == 1:
        if from_.number != from_.number:
            return cnn_fail(error, CNN_E_ARGUMENT, "attribute %s is NaN", from_.name)
        if from_.number < 0 and (key == CNN_ATTRIBUTE_L1 or key == CNN_ATTRIBUTE_L2 or key == CNN_ATTRIBUTE_MAX_NORM or key == CNN_ATTRIBUTE_LR_SCALE):
            return cnn_fail(error, CNN_E_ARGUMENT, "%s is %g; it must be at least 0", from_.name, from_.number)
        to.number = from_.number
    elif kind == 2:
        if from_.text == NULL:
            return cnn_fail(error, CNN_E_ARGUMENT, "attribute %s has no text", from_.name)
        if not is_utf8(from_.text):
            return cnn_fail(error, CNN_E_ARGUMENT, "attribute %s is not UTF-8", from_.name)
        to.text = graph_text(g, from_.text, strlen(from_.text))
        if to.text == NONE:
            return cnn_fail(error, CNN_E_MEMORY, "not enough memory for the graph")
    else:
        if from_.count and from_.list == NULL:
            return cnn_fail(error, CNN_E_ARGUMENT, "attribute %s has no list", from_.name)
        if not make_room(g.allocator, <void **>&g.ints, &g.room_ints, g.n_ints, from_.count, sizeof(int64_t)):
            return cnn_fail(error, CNN_E_MEMORY, "not enough memory for the graph")
        to.first = g.n_ints
        to.count = from_.count
        for i in range(from_.count):
            g.ints[g.n_ints + i] = from_.list[i]
        g.n_ints += from_.count
    return CNN_OK


cdef cnn_status graph_name_node(Graph *g, Node *node, const char *op_name_, cnn_error *error) noexcept nogil:
    """The name that was given, or "<op>_<k>" with the first k that is free."""
    cdef const Attribute *a = attribute(g, node, CNN_ATTRIBUTE_NAME)
    cdef char name[64]
    cdef size_t k
    if a != NULL:
        if g.text[a.text] == 0:
            return cnn_fail(error, CNN_E_ARGUMENT, "a layer's name is empty")
        if g.text[a.text] == 95 and g.text[a.text + 1] == 95:
            return cnn_fail(error, CNN_E_ARGUMENT, "the layer name '%s' begins with __, which is kept for the file's own tensors", g.text + a.text)
        if graph_find_node(g, g.text + a.text) >= 0:
            return cnn_fail(error, CNN_E_ARGUMENT, "two layers are called '%s'", g.text + a.text)
        node.name = a.text
        return CNN_OK
    k = 1
    cnn_format(name, sizeof(name), "%s_%z", op_name_, k)
    while graph_find_node(g, name) >= 0:
        k += 1
        cnn_format(name, sizeof(name), "%s_%z", op_name_, k)
    node.name = graph_text(g, name, strlen(name))
    if node.name == NONE:
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for the graph")
    return CNN_OK


cdef cnn_status graph_share_blocks(Graph *g, int32_t index, int32_t shares, cnn_error *error) noexcept nogil:
    """The newest node has made blocks of its own; if they match those of `shares` it uses these instead."""
    cdef Node *node = &g.nodes[index]
    cdef Node *other = &g.nodes[shares]
    cdef const Block *a
    cdef const Block *b
    cdef size_t i
    cdef int same = node.op == other.op and node.n_blocks == other.n_blocks
    if same:
        for i in range(<size_t>node.n_blocks):
            a = &g.blocks[g.links[node.blocks + i]]
            b = &g.blocks[g.links[other.blocks + i]]
            if a.rank != b.rank or memcmp(a.dims, b.dims, <size_t>a.rank * sizeof(size_t)) != 0:
                same = 0
    if not same:
        return cnn_fail(error, CNN_E_SHAPE, "%s cannot share the parameters of %s: their shapes differ", g.text + node.name, g.text + other.name)
    if node.n_blocks:
        g.n_blocks -= <size_t>node.n_blocks
        g.arena = g.blocks[g.n_blocks].offset
        for i in range(<size_t>node.n_blocks):
            g.links[node.blocks + i] = g.links[other.blocks + i]
    node.shares = shares
    return CNN_OK


cdef cnn_status node_shape(const OpTable *table, Graph *g, const Node *node, const PlanValue *inputs, PlanValue *outputs, int32_t *n,
                           cnn_error *error) noexcept nogil:
    """All outputs of a node, checked; outputs has room for MAX_OUTPUTS."""
    cdef size_t i
    cdef cnn_status status
    memset(outputs, 0, MAX_OUTPUTS * sizeof(PlanValue))
    for i in range(MAX_OUTPUTS):
        outputs[i].batched = 1
    status = table.shape(g, node, inputs, outputs, error)
    n[0] = 0
    for i in range(MAX_OUTPUTS):
        if status == CNN_OK and (outputs[i].rank > 0 or i == 0):
            status = check_row(&outputs[i], g, node, error)
            outputs[i].row = row_elements(&outputs[i])
            n[0] += 1
    return status


cdef cnn_status graph_try_add(Graph *g, int32_t op, const int32_t *inputs, size_t n_inputs, const cnn_attribute *attributes, size_t n,
                              int32_t *value, cnn_error *error) noexcept nogil:
    cdef OpTable table
    cdef Node *node
    cdef PlanValue outputs[MAX_OUTPUTS]
    cdef PlanValue *described = NULL
    cdef size_t i
    cdef int32_t index = <int32_t>g.n_nodes
    cdef int64_t shares
    cdef cnn_status status = CNN_OK
    if not op_table(op, &table):
        return cnn_fail(error, CNN_E_ARGUMENT, "op %d is not known", op)
    for i in range(n_inputs):
        if inputs[i] < 0 or <size_t>inputs[i] >= g.n_values:
            return cnn_fail(error, CNN_E_ARGUMENT, "%s: input %z is the value %d; there are %z values", table.name, i, inputs[i], g.n_values)
    if (not make_room(g.allocator, <void **>&g.nodes, &g.room_nodes, g.n_nodes, 1, sizeof(Node))
            or not make_room(g.allocator, <void **>&g.values, &g.room_values, g.n_values, MAX_OUTPUTS, sizeof(Value))
            or not make_room(g.allocator, <void **>&g.attributes, &g.room_attributes, g.n_attributes, n, sizeof(Attribute))
            or not make_room(g.allocator, <void **>&g.inputs, &g.room_inputs, g.n_inputs, 1, sizeof(int32_t))):
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for the graph")
    node = &g.nodes[index]
    memset(node, 0, sizeof(Node))
    node.op = op
    node.shares = -1
    node.n_inputs = <int32_t>n_inputs
    node.output = <int32_t>g.n_values
    node.inputs = g.n_links
    node.attributes = g.n_attributes
    for i in range(n_inputs):
        if not graph_link(g, inputs[i]):
            return cnn_fail(error, CNN_E_MEMORY, "not enough memory for the graph")
    for i in range(n):
        status = graph_copy_attribute(g, &attributes[i], &g.attributes[g.n_attributes], error)
        if status != CNN_OK:
            return status
        g.n_attributes += 1
        node.n_attributes += 1
    status = graph_name_node(g, node, table.name, error)
    if status != CNN_OK:
        return status
    node.blocks = g.n_links
    if n_inputs:
        described = <PlanValue *>cnn_memory_new(g.allocator, n_inputs * sizeof(PlanValue))
        if described == NULL:
            return cnn_fail(error, CNN_E_MEMORY, "not enough memory for the graph")
        for i in range(n_inputs):
            value_describe(&g.values[inputs[i]], &described[i])
    g.n_nodes += 1
    status = node_shape(&table, g, node, described, outputs, &node.n_outputs, error)
    if status == CNN_OK:
        for i in range(<size_t>node.n_outputs):
            g.values[g.n_values].node = index
            g.values[g.n_values].dtype = outputs[i].dtype
            g.values[g.n_values].rank = outputs[i].rank
            memcpy(g.values[g.n_values].dims, outputs[i].dims, sizeof(outputs[i].dims))
            g.n_values += 1
        if table.blocks != NULL:
            status = table.blocks(g, index, described, outputs, error)
    cnn_memory_release(described)
    if status != CNN_OK:
        if error != NULL and error.size >= sizeof(cnn_error):
            error.node = index
        return status
    node = &g.nodes[index]
    shares = attribute_integer(g, node, CNN_ATTRIBUTE_SHARE, -1)
    if shares >= 0:
        if shares >= index:
            return cnn_fail(error, CNN_E_ARGUMENT, "%s: share is %l; it must be the number of an earlier op", node_name(g, node), shares)
        status = graph_share_blocks(g, index, <int32_t>shares, error)
        if status != CNN_OK:
            return status
    if op == CNN_OP_INPUT:
        g.inputs[g.n_inputs] = node.output
        g.n_inputs += 1
    value[0] = node.output
    return CNN_OK


cdef cnn_status graph_add(Graph *g, int32_t op, const int32_t *inputs, size_t n_inputs, const cnn_attribute *attributes, size_t n,
                          int32_t *value, cnn_error *error) noexcept nogil:
    """Adds a node; *value is its first output. On failure the graph is as it was (only room may have grown)."""
    cdef Graph before = g[0]
    cdef cnn_status status = graph_try_add(g, op, inputs, n_inputs, attributes, n, value, error)
    if status != CNN_OK:
        g.n_nodes = before.n_nodes
        g.n_values = before.n_values
        g.n_attributes = before.n_attributes
        g.n_blocks = before.n_blocks
        g.n_links = before.n_links
        g.n_ints = before.n_ints
        g.n_text = before.n_text
        g.n_inputs = before.n_inputs
        g.arena = before.arena
    return status


cdef int graph_copy_array(const cnn_allocator *allocator, void **to, size_t *room, const void *source, size_t n, size_t item) noexcept nogil:
    to[0] = NULL
    room[0] = 0
    if n == 0:
        return 1
    to[0] = cnn_memory_new(allocator, n * item)
    if to[0] == NULL:
        return 0
    memcpy(to[0], source, n * item)
    room[0] = n
    return 1


cdef cnn_status graph_copy(const Graph *source, const cnn_allocator *allocator, Graph *to, cnn_error *error) noexcept nogil:
    cdef Graph g = source[0]
    cdef int ok
    graph_init(to, allocator)
    g.allocator = allocator
    g.nodes = NULL
    ok = graph_copy_array(allocator, <void **>&to.nodes, &to.room_nodes, source.nodes, source.n_nodes, sizeof(Node))
    ok &= graph_copy_array(allocator, <void **>&to.values, &to.room_values, source.values, source.n_values, sizeof(Value))
    ok &= graph_copy_array(allocator, <void **>&to.attributes, &to.room_attributes, source.attributes, source.n_attributes, sizeof(Attribute))
    ok &= graph_copy_array(allocator, <void **>&to.blocks, &to.room_blocks, source.blocks, source.n_blocks, sizeof(Block))
    ok &= graph_copy_array(allocator, <void **>&to.links, &to.room_links, source.links, source.n_links, sizeof(int32_t))
    ok &= graph_copy_array(allocator, <void **>&to.ints, &to.room_ints, source.ints, source.n_ints, sizeof(int64_t))
    ok &= graph_copy_array(allocator, <void **>&to.text, &to.room_text, source.text, source.n_text, 1)
    ok &= graph_copy_array(allocator, <void **>&to.inputs, &to.room_inputs, source.inputs, source.n_inputs, sizeof(int32_t))
    ok &= graph_copy_array(allocator, <void **>&to.outputs, &to.room_outputs, source.outputs, source.n_outputs, sizeof(int32_t))
    to.n_nodes = source.n_nodes
    to.n_values = source.n_values
    to.n_attributes = source.n_attributes
    to.n_blocks = source.n_blocks
    to.n_links = source.n_links
    to.n_ints = source.n_ints
    to.n_text = source.n_text
    to.n_inputs = source.n_inputs
    to.n_outputs = source.n_outputs
    to.arena = source.arena
    to.dtype = source.dtype
    if not ok:
        graph_release(to)
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for a copy of the graph")
    return CNN_OK


cdef int32_t activation_after(const Graph *g, const Node *node) noexcept nogil:
    """The activation that first takes the node's output; linear when none does."""
    cdef size_t i, j
    cdef const Node *n
    for i in range(g.n_nodes):
        n = &g.nodes[i]
        if n.op == CNN_OP_ACTIVATION and g.links[n.inputs] == node.output:
            return <int32_t>attribute_integer(g, n, CNN_ATTRIBUTE_ACTIVATION, CNN_LINEAR)
    return CNN_LINEAR


cdef cnn_status graph_finish(Graph *g, const int32_t *outputs, size_t n, int32_t dtype, cnn_error *error) noexcept nogil:
    """Checks and takes the outputs; resolves what depends on the whole graph."""
    cdef size_t i
    if dtype != CNN_FLOAT32 and dtype != CNN_FLOAT64:
        return cnn_fail(error, CNN_E_DTYPE, "a network's dtype is float32 or float64")
    if n == 0:
        return cnn_fail(error, CNN_E_ARGUMENT, "a network needs at least one output")
    if g.n_inputs == 0:
        return cnn_fail(error, CNN_E_ARGUMENT, "a network needs at least one Input")
    for i in range(n):
        if outputs[i] < 0 or <size_t>outputs[i] >= g.n_values:
            return cnn_fail(error, CNN_E_ARGUMENT, "output %z is the value %d; there are %z values", i, outputs[i], g.n_values)
        if g.values[outputs[i]].dtype != CNN_FLOAT32:
            return cnn_fail(error, CNN_E_DTYPE, "output %z holds integers; an output must be of the network's float type", i)
    if not make_room(g.allocator, <void **>&g.outputs, &g.room_outputs, 0, n, sizeof(int32_t)):
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for the graph")
    for i in range(n):
        g.outputs[i] = outputs[i]
    g.n_outputs = n
    g.dtype = dtype
    for i in range(g.n_blocks):
        if g.blocks[i].init == CNN_INIT_DEFAULT:
            g.blocks[i].init = default_init(activation_after(g, &g.nodes[g.blocks[i].node]))
    return CNN_OK
