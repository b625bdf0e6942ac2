# Layouts: how the images of a plan lie in memory (PlanValue.last).

cdef int step_layout(Plan *p, size_t i) noexcept nogil:
    if p.steps[i].table.layout == NULL:
        return LAYOUT_PLAIN
    plan_describe(p, &p.steps[i])
    return p.steps[i].table.layout(&p.steps[i].plan)


cdef int layout_as_input(Plan *p, const PlanWish *wish, size_t i) noexcept nogil:
    """The output of step i stays plain where what takes it, perhaps behind an op that goes element by element, does not mind."""
    cdef int32_t y = p.steps[i].plan.output, reader = only_reader(p.graph, wish, y)
    cdef size_t j
    cdef int layout, plain = 0
    for j in range(i + 1, p.n_steps):
        if p.steps[j].node == reader:
            layout = step_layout(p, j)  # a convolution's answer depends on how its images lie
            plain = layout == LAYOUT_ANY or (layout == LAYOUT_SAME and p.graph.nodes[reader].n_inputs == 1 and layout_as_input(p, wish, j))
    if plain:
        p.values[y].last = 0
    return plain


cdef cnn_status plan_layouts(Plan *p, const PlanWish *wish, cnn_error *error) noexcept nogil:
    """Images lie channels last between ops that can take them so. Values that an element-by-element op ties together lie alike; what the
    caller sees, and what an op knows only by its dims, stays plain."""
    cdef const Graph *g = p.graph
    cdef const Node *node
    cdef size_t i, j, n = g.n_values
    cdef int32_t v, a
    cdef int layout
    cdef int32_t *tied = <int32_t *>cnn_memory_new(p.allocator, n * sizeof(int32_t))
    cdef unsigned char *plain = <unsigned char *>cnn_memory_new(p.allocator, n)
    if tied == NULL or plain == NULL:
        cnn_memory_release(tied)
        cnn_memory_release(plain)
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for a plan")
    for i in range(n):
        tied[i] = <int32_t>i
        plain[i] = 1
    for i in range(p.n_steps):  # only values of this plan
        node = &g.nodes[p.steps[i].node]
        for v in range(node.output, node.output + node.n_outputs):
            plain[v] = p.values[v].rank < 3 or not p.values[v].batched or p.values[v].row == p.values[v].dims[1] or p.values[v].dims[1] == 1
    for i in range(wish.n_values):
        plain[wish.values[i]] = 1
    for i in range(wish.n_losses):
        plain[wish.losses[i]] = 1
    for i in range(p.n_steps):
        node = &g.nodes[p.steps[i].node]
        layout = p.steps[i].layout = step_layout(p, i)
        if layout == LAYOUT_EITHER or layout == LAYOUT_ANY or layout == LAYOUT_AS_INPUT:
            continue
        for j in range(<size_t>node.n_inputs if layout == LAYOUT_TO_PLAIN else 0, <size_t>(node.n_inputs + node.n_outputs)):
            v = g.links[node.inputs + j] if j < <size_t>node.n_inputs else node.output + <int32_t>j - node.n_inputs
            if layout == LAYOUT_PLAIN or layout == LAYOUT_TO_PLAIN:
                plain[find_root(tied, v)] = 1
            elif p.values[v].row != p.values[v].dims[1]:  # one number a channel lies either way
                a = find_root(tied, node.output)
                plain[a] |= plain[find_root(tied, v)]
                tied[find_root(tied, v)] = a
    for i in range(n):
        p.values[i].last = not plain[find_root(tied, <int32_t>i)]
    for i in range(p.n_steps):
        if p.steps[i].layout == LAYOUT_AS_INPUT and not p.values[p.steps[i].plan.inputs[0]].last:
            layout_as_input(p, wish, i)
    cnn_memory_release(tied)
    cnn_memory_release(plain)
    return CNN_OK
