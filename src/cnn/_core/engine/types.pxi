# The engine's data: what a graph, its parameters, a plan and a running operation are.
#
# Everything is a plain C struct. Counts and places are size_t; what a graph refers to (values, nodes, blocks) are int32_t numbers.
# NONE marks a place that is not there. Text lives in one buffer of the graph and is named by its offset.

ctypedef fused real:
    float
    double

cdef enum:
    MAX_RANK = 8
    MAX_BLOCKS = 16        # parameter blocks of one node
    MAX_OUTPUTS = 4        # values of one node
    ALIGN = 16             # elements: every block of the arena begins at a multiple of it

cdef extern from *:
    """
    #define CNN_NONE ((size_t)-1)
    """
    size_t NONE "CNN_NONE"
    size_t OPEN "CNN_OPEN"


# ---- Graph: immutable once built ---------------------------------------------------------------------------------------------------

cdef struct Attribute:
    int32_t key            # CNN_ATTRIBUTE_*
    int64_t integer
    double number
    size_t text            # offset in graph.text, NONE
    size_t first, count    # of graph.ints

cdef struct Value:
    int32_t node           # that makes it
    int32_t dtype          # CNN_FLOAT32 stands for the network's own float type; or CNN_INT32, CNN_INT64
    int32_t rank
    size_t dims[MAX_RANK]  # dims[0] is OPEN where it is the batch

cdef struct Node:
    int32_t op             # CNN_OP_*
    int32_t n_inputs, n_outputs, n_attributes, n_blocks
    int32_t output         # first output value; the others follow
    int32_t shares         # the node whose blocks it uses, -1: its own
    size_t inputs          # first of n_inputs in graph.links
    size_t attributes      # first of n_attributes in graph.attributes
    size_t blocks          # first of n_blocks in graph.links
    size_t name            # in graph.text

cdef struct Block:
    size_t name
    int32_t node, kind     # CNN_BLOCK_WEIGHT, _BUFFER, _CONSTANT
    int32_t rank
    size_t dims[MAX_RANK]
    size_t offset, count   # elements in the arena
    int32_t init           # CNN_INIT_*, resolved (never DEFAULT)
    double fill            # added to every initial value: ONES is zeros + 1; NaN is possible
    size_t fan_in, fan_out
    int32_t trainable      # this and the next: of the network, not of the graph; surgery copies them
    double lr_scale
    double l1, l2, max_norm

cdef struct Graph:
    const cnn_allocator *allocator
    Node *nodes
    Value *values
    Attribute *attributes
    Block *blocks
    int32_t *links
    int64_t *ints
    char *text
    int32_t *inputs        # values, in the order of the INPUT nodes
    int32_t *outputs
    size_t n_nodes, n_values, n_attributes, n_blocks, n_links, n_ints, n_text, n_inputs, n_outputs
    size_t room_nodes, room_values, room_attributes, room_blocks, room_links, room_ints, room_text, room_inputs, room_outputs
    size_t arena           # elements
    int32_t dtype


# ---- Operations --------------------------------------------------------------------------------------------------------------------

cdef struct PlanValue:     # a value with every size bound; rows is what one tile holds
    int32_t dtype, rank
    size_t dims[MAX_RANK]
    int32_t batched        # dims[0] is the tile's rows
    int32_t last           # in memory a row lies channels last: (dims[2], ..., dims[1]); dims stay (rows, channels, ...)
    size_t row             # elements of a row (of the whole value when it is not batched)

# How an op takes values in memory: only as their dims say; any way, but all of its inputs and outputs the same way (element by element);
# each of them either way (PlanValue.last says which); or inputs either way, and outputs as their dims say; or each either way, and an input
# as its dims say costs nothing; or each either way, best like each other.
cdef enum:
    LAYOUT_PLAIN = 0
    LAYOUT_SAME = 1
    LAYOUT_EITHER = 2
    LAYOUT_TO_PLAIN = 3
    LAYOUT_ANY = 4
    LAYOUT_AS_INPUT = 5

cdef enum:
    PICKS_WEIGHTS = 1      # of its parameters
    PICKS_ALL = 2          # of its input, too

cdef enum:
    ROWS_FORWARD = 1
    ROWS_BACKWARD = 2

# What an op says of one use of it. plan fills it from concrete shapes; forward and backward find it again as op.plan.
cdef struct OpPlan:
    const Graph *graph
    const Node *node
    const cnn_kernels *kernels
    const PlanValue *values
    const int32_t *inputs
    int32_t output
    size_t rows            # of a tile
    int32_t training       # will be run forward and backward in training mode
    int32_t members        # threads that may work on slices of this op at once
    int32_t team           # and will: scratch is needed for each
    # out:
    size_t saved           # bytes kept from forward for backward
    size_t scratch         # bytes needed during forward or backward alone, for all members together
    int32_t view           # output 0 is input 0 in other clothes: same elements, same memory, forward does nothing
    int32_t in_place       # forward may write output 0 over input 0, and backward dx over dy (when nobody else needs them)
    int32_t keeps_input    # backward reads the inputs
    int32_t keeps_output   # backward reads the outputs
    int32_t couples        # rows of a batch depend on each other
    int32_t moves_buffers  # backward leaves what the node's buffers become (op_buffer)
    size_t least_rows      # a training batch of fewer has no statistics; 0: any will do
    int32_t by_rows        # ROWS_FORWARD | ROWS_BACKWARD: a team may run it on slices of rows; saved is then in proportion to rows
    size_t scratch_each    # bytes of one member's scratch, where by_rows
    int32_t by_parts       # forward can be done by parts of the output, as they lie in memory: whole pixels of images, channels last
    int32_t leads          # forward does those parts of the ops that follow it (Op.next) when it has made them
    int32_t takes_picks    # PICKS_*: of what it can make a gradient from that of a pool of maxima behind it
    int32_t gives_picks    # such a pool: at most PICKED_TAPS taps a window, all inside and apart, of which one is kept
    size_t tables          # bytes of constants, which prepare fills once for the plan
    size_t kept            # bytes of what keep makes of the parameters alone: a session holds it for as long as they stay as they are
    int32_t keeps_panels   # that is weights in another order for the sake of many rows (Run.panels)
    double flops           # multiply-adds of one row, forward
    int64_t integer[16]    # the op's own constants
    double number[4]
    void *code[2]          # functions that the op has chosen: forward, backward
    # of the plan:
    void *table            # the op's constants
    int32_t picked         # its gradient is taken by the op before: it keeps its taps, and makes none of its input's

cdef struct Run:           # one pass over one tile; shared by all its ops
    const cnn_kernels *kernels
    size_t rows
    int32_t training
    size_t all_rows        # of the whole call: ops may take another way where they are few
    int32_t fresh          # the first tile of a gradient: blocks overwrite instead of adding
    const cnn_executor *team   # on whose threads an op may do slices of its work, NULL: this thread alone. The bits are the same
    int32_t panels         # ops may read what they have kept as such
    const cnn_executor *few    # with team NULL: the same for dense products of a few rows, while the threads' own frames rest
    size_t apart           # bytes from a frame's memory to the next thread's
    uint64_t seed, epoch, step, first_row
    cnn_error *error

cdef struct Op:            # one node in a running plan
    const Graph *graph
    const Node *node
    int32_t index          # of the node
    const OpPlan *plan
    Run *run
    const int32_t *inputs  # values
    int32_t output
    const PlanValue *values
    void **data            # by value
    void **gradient        # by value; NULL where none is wanted
    const unsigned char *add       # a flag an input: 1 adds into its gradient, 0 overwrites
    const int32_t *blocks          # by number
    const unsigned char *wanted    # a flag for block number b: its gradient is wanted
    const unsigned char *again     # a flag for the node's i-th block: an earlier node has written its gradient in this pass
    void *saved
    void *scratch
    void *kept             # where OpPlan.kept
    const OpTable *table
    Op *next               # follows this one (OpPlan.leads)
    const Op *pool         # whose gradient it takes (OpPlan.takes_picks)
    const cnn_function *function

ctypedef cnn_status (*op_shape)(Graph *graph, const Node *node, const PlanValue *inputs, PlanValue *outputs, cnn_error *error) noexcept nogil
ctypedef cnn_status (*op_blocks)(Graph *graph, int32_t node, const PlanValue *inputs, const PlanValue *outputs, cnn_error *error) noexcept nogil
ctypedef int (*op_layout)(const OpPlan *plan) noexcept nogil
ctypedef void (*op_plan)(OpPlan *plan) noexcept nogil
ctypedef void (*op_prepare)(const OpPlan *plan, void *tables) noexcept nogil
ctypedef void (*op_keep_f32)(Op *op, const float *parameters) noexcept nogil
ctypedef void (*op_keep_f64)(Op *op, const double *parameters) noexcept nogil
ctypedef void (*op_part_f32)(const Op *op, const float *tag, size_t first, size_t n) noexcept nogil
ctypedef void (*op_part_f64)(const Op *op, const double *tag, size_t first, size_t n) noexcept nogil
ctypedef cnn_status (*op_forward_f32)(Op *op, const float *parameters) noexcept nogil
ctypedef cnn_status (*op_forward_f64)(Op *op, const double *parameters) noexcept nogil
ctypedef cnn_status (*op_backward_f32)(Op *op, const float *parameters, float *gradients) noexcept nogil
ctypedef cnn_status (*op_backward_f64)(Op *op, const double *parameters, double *gradients) noexcept nogil

cdef struct OpTable:       # engine/registry.pxi fills it, from CNN_OP_LIST
    const char *name
    # Outputs' dims and dtypes from the inputs' (dims may be OPEN); checks the attributes. A node has as many outputs as it gives a rank to.
    op_shape shape
    op_blocks blocks       # NULL: no parameters
    op_layout layout       # LAYOUT_*; NULL: LAYOUT_PLAIN
    op_plan plan           # NULL: all zero
    op_prepare prepare     # NULL: no constants
    op_keep_f32 keep_f32   # NULL: nothing
    op_keep_f64 keep_f64
    op_part_f32 part_f32   # elements first .. first + n - 1 of the tile's output, from the same of its inputs; NULL: not so
    op_part_f64 part_f64
    op_forward_f32 forward_f32
    op_forward_f64 forward_f64
    op_backward_f32 backward_f32
    op_backward_f64 backward_f64


# ---- Losses ------------------------------------------------------------------------------------------------------------------------

# A loss bound to an output. Targets and predictions are seen as `units` rows of `width` numbers: a unit is a sample, or one step of it
# where targets or weights go step by step.
cdef struct Loss:
    int32_t kind           # CNN_LOSS_*, or CNN_LOSS_INFER: the hook
    double constant
    size_t width
    int32_t labels         # the target is one int32 class a unit; else `width` numbers in real
    const cnn_kernels *kernels

# losses[i] = the unit's loss, unweighted. dp (NULL: not wanted) = scale[i] * d losses[i] / dp, overwritten.
ctypedef void (*loss_f32)(const Loss *loss, size_t units, const void *target, const float *p, const double *scale, double *losses, float *dp) noexcept nogil
ctypedef void (*loss_f64)(const Loss *loss, size_t units, const void *target, const double *p, const double *scale, double *losses, double *dp) noexcept nogil

cdef struct LossTable:
    loss_f32 f32
    loss_f64 f64


# ---- Optimizers --------------------------------------------------------------------------------------------------------------------

cdef enum:
    MAX_SLOTS = 4
    MAX_CONSTANTS = 16

# One pass over a span of n parameters; slots are pointers to the span's part of each slot; h: constants, [0] the rate, [1] the decay.
ctypedef void (*update_f32)(const cnn_kernels *kernels, size_t n, float *w, const float *g, float **slots, const float *h) noexcept nogil
ctypedef void (*update_f64)(const cnn_kernels *kernels, size_t n, double *w, const double *g, double **slots, const double *h) noexcept nogil

cdef struct OptimizerTable:
    int32_t slots          # at most, for these options
    int32_t driver         # owns the evaluation (L-BFGS)
    int32_t small          # spans of so many parameters take the definition, not an accelerated row
    int32_t steady         # its constants depend on the rate alone, not on the number of the step
    double slot_fill[MAX_SLOTS]
    update_f32 f32
    update_f64 f64


# ---- Networks ----------------------------------------------------------------------------------------------------------------------

cdef struct Note:          # a key and a value of the file's metadata, each a block of its own
    char *key
    char *value

cdef struct Network:       # behind cnn_network *
    Graph graph
    void *arena            # graph.arena elements of graph.dtype, aligned; or inside `borrowed`
    size_t arena_bytes
    const void *borrowed   # view_memory: the network is read-only and block offsets are those of the file
    cnn_allocator allocator
    cnn_executor executor
    int32_t has_executor
    cnn_error *error
    cnn_function *functions        # by node; NULL: none
    Note *notes
    size_t n_notes, room_notes
    uint64_t seed, version
    int64_t views          # writable views of the values that are alive
    int32_t exposed        # a pointer to them was given away: they may change at any time between calls
