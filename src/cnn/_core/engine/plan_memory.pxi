# Where a plan's values, gradients, saved and scratch bytes lie: what is alive when, what is done together, what shares memory.

cdef enum:
    PAGE = 4096
    PAGES = 8        # bytes of an array from which on it begins at a place of its own in a page, in pages
    STAGGER = 576    # from the place of one to that of the next: a line of a cache, and some

cdef struct Lifetime:
    size_t bytes, begin, end, place


cdef int plan_follows(const Plan *p, int32_t leader, size_t i) noexcept nogil:
    """Whether step i can be done by parts, each as soon as the leader has made it: there is none but such steps in between."""
    cdef const PlanStep *s = &p.steps[i]
    cdef const PlanValue *y = &p.values[p.steps[leader].plan.output]
    cdef size_t j
    cdef int32_t v, k
    cdef int reads = 0
    if not s.plan.by_parts or p.values[s.plan.output].row != y.row or not p.values[s.plan.output].batched:
        return 0
    for j in range(<size_t>s.plan.node.n_inputs):
        v = s.plan.inputs[j]
        if p.values[v].row != y.row or not p.values[v].batched:
            return 0
        for k in range(leader, <int32_t>i):
            reads |= v == p.steps[k].plan.output
    return reads


cdef void plan_followers(Plan *p) noexcept nogil:
    """In prediction: what is done element by element behind an op that leads is done by the thread that has made the elements, from its
    cache. The bits are the same."""
    cdef size_t i
    cdef int32_t leader = -1
    for i in range(p.n_steps):
        if leader >= 0 and not p.training and plan_follows(p, leader, i):
            p.steps[i].leader = leader
        else:
            leader = <int32_t>i if p.steps[i].plan.leads else -1
            p.steps[i].leader = <int32_t>i


cdef void plan_picks(Plan *p, const PlanWish *wish, unsigned char *flows) noexcept nogil:
    """In training: an op that can make its gradient from that of the pool behind it does so, and its output has none."""
    cdef const PlanStep *s
    cdef PlanStep *c
    cdef size_t i, j
    cdef int32_t x
    for i in range(p.n_steps):
        p.steps[i].pool = -1
        s = &p.steps[i]
        if not s.backward or not s.plan.gives_picks or only_reader(p.graph, wish, s.plan.inputs[0]) < 0:
            continue
        x = s.plan.inputs[0]
        for j in range(i):
            c = &p.steps[j]
            if c.plan.output == x and c.plan.takes_picks and (c.plan.takes_picks == PICKS_ALL or not flows[c.plan.inputs[0]]):
                c.pool = <int32_t>i
                p.steps[i].plan.picked = 1
                flows[x] = 0


cdef size_t place_all(Lifetime *items, size_t n) noexcept nogil:
    """First fit: each item at the lowest place that no item alive at the same time covers. The bytes of all."""
    cdef size_t i, j, at, total = 0
    cdef int moved
    for i in range(n):
        if items[i].bytes == 0:
            continue
        at = 0
        moved = 1
        while moved:
            moved = 0
            for j in range(i):
                if (items[j].bytes and items[j].begin <= items[i].end and items[i].begin <= items[j].end
                        and at < items[j].place + items[j].bytes and items[j].place < at + items[i].bytes):
                    at = items[j].place + items[j].bytes
                    moved = 1
        items[i].place = at
        if at + items[i].bytes > total:
            total = at + items[i].bytes
    return total


cdef inline size_t apart(size_t bytes) noexcept nogil:
    """Room for an array. Large ones, which are often whole pages, would all begin at the same place of a page: what is written would meet
    in the first cache what is read for it."""
    return rounded(bytes) if bytes < PAGES * PAGE else (bytes + PAGE - 1) // PAGE * PAGE + STAGGER


cdef void extend(Lifetime *item, size_t begin, size_t end) noexcept nogil:
    if begin < item.begin:
        item.begin = begin
    if end > item.end:
        item.end = end


cdef void plan_share(Plan *p, const PlanWish *wish, const unsigned char *flows, int32_t *groot, size_t *uses, Lifetime *data,
                     Lifetime *gradient) noexcept nogil:
    """Lifetimes of values and gradients; views and in-place ops join them where nobody is harmed. uses: scratch, by value."""
    cdef const Graph *g = p.graph
    cdef const Node *node
    cdef size_t i, j, v, n = g.n_values, S = p.n_steps
    cdef int32_t x, y, a
    cdef int view, free
    for v in range(n):
        p.root[v] = groot[v] = <int32_t>v
        uses[v] = 0
        data[v].begin = gradient[v].begin = NONE
    for i in range(S):
        node = &g.nodes[p.steps[i].node]
        for y in range(node.output, node.output + node.n_outputs):
            extend(&data[y], <size_t>p.steps[i].leader, i)
            if flows[y]:
                extend(&gradient[y], 2 * S - i, 2 * S - i)
            if p.steps[i].backward and p.steps[i].plan.keeps_output:
                extend(&data[y], i, 2 * S - i)
        for j in range(<size_t>node.n_inputs):
            x = g.links[node.inputs + j]
            extend(&data[x], i, i)
            if p.steps[i].backward:
                if p.steps[i].plan.keeps_input:
                    extend(&data[x], i, 2 * S - i)
                if flows[x]:
                    uses[x] += 1
                    extend(&gradient[x], 2 * S - i, 2 * S - i)
        if p.steps[i].pool >= 0:
            extend(&gradient[p.steps[p.steps[i].pool].plan.output], 2 * S - i, 2 * S - i)
    for i in range(wish.n_values):
        extend(&data[wish.values[i]], S, S + 1)
    for i in range(wish.n_losses):
        extend(&data[wish.losses[i]], S, S + 1)
        if flows[wish.losses[i]]:
            uses[wish.losses[i]] += 1
            extend(&gradient[wish.losses[i]], S, S)
    for i in range(g.n_inputs):
        data[g.inputs[i]].begin = 0  # outside the frame, but its lifetime says who may write over it: nobody
        data[g.inputs[i]].end = NONE - 1
        if flows[g.inputs[i]]:
            extend(&gradient[g.inputs[i]], S, 2 * S + 1)
    for i in range(S):
        node = &g.nodes[p.steps[i].node]
        y = node.output
        view = p.steps[i].plan.view
        if node.n_outputs != 1 or node.n_inputs > 2 or (not view and not p.steps[i].plan.in_place):
            continue
        for j in range(<size_t>node.n_inputs):
            x = g.links[node.inputs + j]
            a = find_root(p.root, x)
            free = data[a].end <= i  # nothing of x's memory is read after this step,
            if p.steps[i].leader != <int32_t>i:
                free = free and data[a].begin >= <size_t>p.steps[i].leader  # nor by those that it follows
            if value_bytes(p, x, 1) == value_bytes(p, y, 1) and (view or free):
                p.root[y] = a
                if data[a].end != NONE - 1:
                    extend(&data[a], data[y].begin, data[y].end)
                break
        x = g.links[node.inputs]
        if node.n_inputs == 1 and p.steps[i].backward and flows[x] and uses[x] == 1 and value_bytes(p, x, 1) == value_bytes(p, y, 1):
            a = find_root(groot, x)
            groot[find_root(groot, y)] = a
    for v in range(n):
        a = find_root(groot, <int32_t>v)
        if a != <int32_t>v and gradient[v].begin != NONE:
            extend(&gradient[a], gradient[v].begin, gradient[v].end)


cdef cnn_status plan_memory(Plan *p, const PlanWish *wish, const unsigned char *flows, cnn_error *error) noexcept nogil:
    cdef const Graph *g = p.graph
    cdef size_t n = g.n_values, i, v, scratch = 0, S = p.n_steps
    cdef int32_t a
    cdef Lifetime *items = <Lifetime *>cnn_memory_new(p.allocator, (2 * n + S + 1) * sizeof(Lifetime))
    cdef int32_t *groot = <int32_t *>cnn_memory_new(p.allocator, n * sizeof(int32_t))
    cdef size_t *uses = <size_t *>cnn_memory_new(p.allocator, n * sizeof(size_t))
    if items == NULL or groot == NULL or uses == NULL:
        cnn_memory_release(items)
        cnn_memory_release(groot)
        cnn_memory_release(uses)
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for a plan")
    plan_share(p, wish, flows, groot, uses, items, items + n)
    for v in range(n):
        if p.root[v] == <int32_t>v and items[v].begin != NONE and items[v].end != NONE - 1:
            items[v].bytes = apart(value_bytes(p, <int32_t>v, p.rows))
        if groot[v] == <int32_t>v and items[n + v].begin != NONE:
            items[n + v].bytes = apart(value_bytes(p, <int32_t>v, p.rows))
    for i in range(S):
        if p.steps[i].plan.saved:
            items[2 * n + i].bytes = rounded(p.steps[i].plan.saved)
            items[2 * n + i].begin = i
            items[2 * n + i].end = 2 * S - i if p.training else i
            if p.steps[i].plan.picked:
                items[2 * n + i].end = 2 * S  # for a step before it
        if p.steps[i].plan.scratch > scratch:
            scratch = p.steps[i].plan.scratch
        p.steps[i].kept = p.kept
        p.kept += rounded(p.steps[i].plan.kept)
    p.scratch = place_all(items, 2 * n + S)
    p.frame = p.scratch + rounded(scratch)
    for i in range(g.n_inputs):
        p.place_input[g.inputs[i]] = p.frame
        p.frame += rounded(value_bytes(p, g.inputs[i], p.rows))
    for v in range(n):
        a = find_root(p.root, <int32_t>v)
        p.place[v] = items[a].place if items[a].bytes else NONE
        a = find_root(groot, <int32_t>v)
        p.gradient[v] = items[n + a].place if items[n + a].bytes and flows[v] else NONE
    for v in range(n):
        p.root[v] = find_root(p.root, <int32_t>v)
    for i in range(S):
        if items[2 * n + i].bytes:
            p.steps[i].saved = items[2 * n + i].place
    cnn_memory_release(items)
    cnn_memory_release(groot)
    cnn_memory_release(uses)
    return CNN_OK
