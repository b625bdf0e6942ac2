# Rewriting: a plan's own graph, which gives the same values in less time. Values keep their numbers, and what the caller wants to see its
# meaning; only what lies between may be something else.

cdef int pool_shrinks(const Graph *g, const Node *node) noexcept nogil:
    """Whether it is a maximum of windows, and has fewer outputs than inputs."""
    cdef const Attribute *strides = attribute(g, node, CNN_ATTRIBUTE_STRIDE)
    cdef size_t i
    if node.op != CNN_OP_MAX_POOL:
        return node.op == CNN_OP_GLOBAL_MAX_POOL
    if strides == NULL:
        strides = attribute(g, node, CNN_ATTRIBUTE_KERNEL_SIZE)
    if strides != NULL:
        for i in range(strides.count):
            if g.ints[strides.first + i] > 1:
                return 1
    return 0


cdef int32_t only_reader(const Graph *g, const PlanWish *wish, int32_t value) noexcept nogil:
    """The one node that reads a value which nobody else sees; -1: there is none such."""
    cdef int32_t found = -1
    cdef size_t i, j
    for i in range(wish.n_values):
        if wish.values[i] == value:
            return -1
    for i in range(wish.n_losses):
        if wish.losses[i] == value:
            return -1
    for i in range(g.n_nodes):
        for j in range(<size_t>g.nodes[i].n_inputs):
            if g.links[g.nodes[i].inputs + j] == value:
                if found >= 0:
                    return -1
                found = <int32_t>i
    return found


cdef inline void exchange_ops(Node *a, Node *b) noexcept nogil:
    """Each does what the other did, with its own inputs and outputs."""
    cdef Node was = a[0]
    a[0] = b[0]
    a.inputs, a.n_inputs, a.output, a.n_outputs = was.inputs, was.n_inputs, was.output, was.n_outputs
    was.inputs, was.n_inputs, was.output, was.n_outputs = b.inputs, b.n_inputs, b.output, b.n_outputs
    b[0] = was


cdef cnn_status plan_rewrite(Plan *p, const PlanWish *wish, cnn_error *error) noexcept nogil:
    """The largest of some relu(z) is relu of the largest z, of which there are fewer; so is its gradient, for where relu has none it does
    not matter which z was the largest."""
    cdef const Graph *g = p.graph
    cdef const Node *node
    cdef Node *nodes
    cdef size_t i
    cdef int32_t pool
    for i in range(g.n_nodes):
        node = &g.nodes[i]
        if node.op != CNN_OP_ACTIVATION or attribute_integer(g, node, CNN_ATTRIBUTE_ACTIVATION, CNN_LINEAR) != CNN_RELU:
            continue
        pool = only_reader(g, wish, node.output)
        if pool < 0 or not pool_shrinks(g, &g.nodes[pool]):
            continue
        if p.rewritten == NULL:
            p.rewritten = <Graph *>cnn_memory_new(p.allocator, rounded(sizeof(Graph)) + g.n_nodes * sizeof(Node))
            if p.rewritten == NULL:
                return cnn_fail(error, CNN_E_MEMORY, "not enough memory for a plan")
            nodes = <Node *>(<char *>p.rewritten + rounded(sizeof(Graph)))
            memcpy(nodes, g.nodes, g.n_nodes * sizeof(Node))
            p.rewritten[0] = g[0]
            p.rewritten.nodes = nodes
            p.graph = g = p.rewritten
        exchange_ops(&nodes[i], &nodes[pool])
    return CNN_OK
