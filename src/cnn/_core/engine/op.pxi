# What an op's forward and backward read of themselves, and what every op needs of shapes and attributes.

cdef inline const real *op_x(const Op *op, size_t i, const real *tag) noexcept nogil:
    return <const real *>op.data[op.inputs[i]]

cdef inline real *op_y(const Op *op, size_t i, const real *tag) noexcept nogil:
    return <real *>op.data[op.output + i]

cdef inline real *op_dx(const Op *op, size_t i, const real *tag) noexcept nogil:
    """NULL: not wanted."""
    return <real *>op.gradient[op.inputs[i]]

cdef inline const real *op_dy(const Op *op, size_t i, const real *tag) noexcept nogil:
    return <const real *>op.gradient[op.output + i]

cdef inline size_t op_row(const Op *op, size_t i) noexcept nogil:
    """Elements of a row of input i."""
    return op.values[op.inputs[i]].row

cdef inline size_t op_row_out(const Op *op, size_t i) noexcept nogil:
    return op.values[op.output + i].row

cdef inline const real *op_w(const Op *op, size_t i, const real *parameters) noexcept nogil:
    return parameters + op.graph.blocks[op.blocks[i]].offset

cdef inline real *op_dw(const Op *op, size_t i, real *gradients) noexcept nogil:
    """The gradient of block i, NULL: not wanted."""
    return gradients + op.graph.blocks[op.blocks[i]].offset if op.wanted[op.blocks[i]] else NULL

cdef inline real *op_buffer(const Op *op, size_t i, real *gradients) noexcept nogil:
    """Where backward leaves what buffer i is to become when the step is made (OpPlan.moves_buffers): its place among the gradients, which
    nothing else uses. A second backward before the step (op_dw_adds) goes on from what the first has left."""
    return gradients + op.graph.blocks[op.blocks[i]].offset

cdef inline int op_dw_adds(const Op *op, size_t i) noexcept nogil:
    """1 when the gradient of block i holds a part already, 0 when it is to be overwritten."""
    return (not op.run.fresh) or op.again[i]

cdef inline cnn_random op_random(const Op *op, uint32_t purpose, size_t row) noexcept nogil:
    """The stream of row `row` of this tile: a function of (seed, purpose, node, epoch, step, global row)."""
    return cnn_random_at(op.run.seed, purpose, <uint32_t>op.index, op.run.epoch, op.run.step, op.run.first_row + row)

cdef inline const cnn_kernels *k_definitions() noexcept nogil:
    """A table without accelerated rows, for what is too small for them."""
    return cnn_kernels_of(0)

cdef inline void op_follow(const Op *op, const real *tag, size_t first, size_t n) noexcept nogil:
    """Elements first .. first + n - 1 of the output have been made: the same of the ops that follow."""
    cdef const Op *next = op.next
    while next != NULL:
        if real is float:
            next.table.part_f32(next, tag, first, n)
        else:
            next.table.part_f64(next, tag, first, n)
        next = next.next

cdef inline size_t rounded(size_t bytes) noexcept nogil:
    return (bytes + 63) // 64 * 64

cdef enum:
    TEAM_PARAMETERS = 32768  # from here on training divides the ops, not the batch
    SLICE_WORK = 60000     # multiply-adds, or as much in other work, that are worth handing to another thread
    SLICE_SPINNING = 25000  # ... of a single row's prediction, whose team spins
    SLICE_GRAIN = 64       # a slice is a multiple of it wide, as the tiles of the products are,
    SLICE_LEAST = 8        # or of less, down to this, where slices would differ by much

cdef inline size_t slice_count(const Op *op, const cnn_executor *team, double work) noexcept nogil:
    """Among how many threads of the team the op's work is divided."""
    cdef double least = SLICE_SPINNING if op.run.all_rows == 1 and not op.plan.training else SLICE_WORK
    if team == NULL or work < 2 * least:
        return 1
    return <size_t>op.plan.members if <double>op.plan.members < work / least else <size_t>(work / least)

cdef inline size_t slice_width(const Op *op, const cnn_executor *team, double work, size_t n) noexcept nogil:
    """How many of n columns (or units) one thread of the team takes when the op's work is divided; n: it is not."""
    cdef size_t slices = slice_count(op, team, work), width, grain = SLICE_GRAIN
    if slices == 1 or n < 2 * SLICE_LEAST:
        return n
    width = (n + slices - 1) // slices
    while grain > SLICE_LEAST and 16 * grain > width:
        grain //= 2
    return (width + grain - 1) // grain * grain

cdef inline size_t slice_rows(const Op *op, size_t rows, double work) noexcept nogil:
    """How many of some rows one thread takes at a time when their work is divided; all: it is not."""
    cdef size_t slices = 1
    if op.run.team != NULL and work >= 2 * SLICE_WORK:
        slices = 2 * <size_t>op.plan.members if 2 * <double>op.plan.members < work / SLICE_WORK else <size_t>(work / SLICE_WORK)
    return (rows + slices - 1) // slices if rows else 1


cdef inline const Attribute *attribute(const Graph *g, const Node *node, int32_t key) noexcept nogil:
    cdef size_t i
    for i in range(<size_t>node.n_attributes):
        if g.attributes[node.attributes + i].key == key:
            return &g.attributes[node.attributes + i]
    return NULL

cdef inline int64_t attribute_integer(const Graph *g, const Node *node, int32_t key, int64_t default) noexcept nogil:
    cdef const Attribute *a = attribute(g, node, key)
    return default if a == NULL else a.integer

cdef inline double attribute_number(const Graph *g, const Node *node, int32_t key, double default) noexcept nogil:
    cdef const Attribute *a = attribute(g, node, key)
    return default if a == NULL else a.number

cdef inline const char *node_name(const Graph *g, const Node *node) noexcept nogil:
    return g.text + node.name

cdef inline size_t row_elements(const PlanValue *v) noexcept nogil:
    """The product of the dims behind the first; the graph has checked that it does not wrap. OPEN where one of them is open."""
    cdef size_t n = 1, i
    for i in range(1, <size_t>v.rank):
        if v.dims[i] == OPEN:
            return OPEN
        n *= v.dims[i]
    return n

cdef inline cnn_status fail_at(cnn_error *error, cnn_status status, int32_t node, const char *text) noexcept nogil:
    cnn_fail(error, status, "%s", text)
    if error != NULL and error.size >= sizeof(cnn_error):
        error.node = node
    return status

# Adds a block to a node under construction (graph.pxi). name: "weight"; the block is called "<node's name>.<name>".
# cdef int32_t graph_add_block(Graph *g, int32_t node, const char *name, int32_t kind, int32_t rank, const size_t *dims,
#                              int32_t init, size_t fan_in, size_t fan_out, cnn_error *error) noexcept nogil   (-1: failed)
