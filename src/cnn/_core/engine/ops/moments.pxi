# What the normalizations share: checks, parameters, and how sums become a center, a scale and a shift.
#
# The mean is kept in two parts, a center in real and the rest of it: (x - center) scale + shift loses no digits where the mean is far
# larger than the deviation.

cdef enum:
    NORM_WEIGHT = 0
    NORM_BIAS = 1
    FOLD = 64              # columns: of fewer channels several positions lie side by side, which fills vectors and gives more chains

cdef inline size_t norm_fold(size_t channels) noexcept nogil:
    """Channels' columns in a wide row: a multiple of the channels."""
    return FOLD // channels * channels if channels < FOLD else channels

cdef inline double norm_sum(const double *sums, size_t width, size_t channels, size_t c) noexcept nogil:
    """Channel c's sum out of those of its columns."""
    cdef size_t j = c + channels
    cdef double total = sums[c]
    while j < width:
        total += sums[j]
        j += channels
    return total

cdef inline void norm_spread(size_t width, size_t channels, real *v) noexcept nogil:
    """What the first columns hold, in all columns of the same channel."""
    cdef size_t j
    for j in range(channels, width):
        v[j] = v[j - channels]

cdef inline double norm_each(double n, double sum_, double squares, real about, double eps, real *each) noexcept nogil:
    """each = (center, scale, shift) from the sums of n numbers' differences from `about`, and of their squares; their biased variance."""
    cdef double d = sum_ / n, mean = about + d, b = mean - about, rest = (about - (mean - b)) + (d - b), variance = (squares - sum_ * d) / n
    if variance < 0:
        variance = 0
    each[0] = <real>mean
    each[1] = <real>(1 / sqrt(variance + eps))
    each[2] = <real>(-((mean - each[0]) + rest) * each[1])
    return variance

cdef cnn_status norm_shape(Graph *g, const Node *node, const PlanValue *x, PlanValue *y, const char *kind, uint64_t keys, cnn_error *error) noexcept nogil:
    cdef double eps = attribute_number(g, node, CNN_ATTRIBUTE_EPS, 1e-5)
    cdef cnn_status status = op_takes(g, node, kind, 1, 1, keys | reads(CNN_ATTRIBUTE_EPS), error)
    if status == CNN_OK:
        status = op_floats(g, node, x, kind, error)
    if status != CNN_OK:
        return status
    if not (eps > 0) or not m_isfinite(eps):
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: eps is %g; it must be above 0 and finite", node_name(g, node), eps)
    if x.rank < 2:
        return cnn_fail(error, CNN_E_SHAPE, "%s: %s needs features or channels behind the batch; its input has the shape %D", node_name(g, node),
                        kind, <size_t>x.rank, x.dims)
    y[0] = x[0]
    return CNN_OK

cdef cnn_status norm_fixed_channels(const Graph *g, const Node *node, const PlanValue *x, const char *kind, cnn_error *error) noexcept nogil:
    if x.dims[1] == OPEN:
        return cnn_fail(error, CNN_E_SHAPE, "%s: %s needs a fixed number of channels on axis 1; its input has the shape %D", node_name(g, node),
                        kind, <size_t>x.rank, x.dims)
    return CNN_OK

cdef int32_t norm_parameters(Graph *g, int32_t index, int32_t rank, const size_t *dims, cnn_error *error) noexcept nogil:
    """A weight of ones, a bias of zeros; negative: failed."""
    cdef int32_t made = graph_add_block(g, index, "weight", CNN_BLOCK_WEIGHT, rank, dims, CNN_INIT_ZEROS, 1.0, dims[0], dims[0], error)
    if made >= 0:
        made = graph_add_block(g, index, "bias", CNN_BLOCK_WEIGHT, rank, dims, CNN_INIT_ZEROS, 0.0, dims[0], dims[0], error)
    return made

cdef int norm_frozen(const Graph *g, const Node *node) noexcept nogil:
    """Neither weight nor bias is trained. Fixed for a plan's life: whoever freezes a layer makes the trainer anew."""
    return not g.blocks[g.links[node.blocks + NORM_WEIGHT]].trainable and not g.blocks[g.links[node.blocks + NORM_BIAS]].trainable

cdef inline size_t real_bytes(const Graph *g) noexcept nogil:
    return sizeof(float) if g.dtype == CNN_FLOAT32 else sizeof(double)

cdef inline void add_or_set(real *to, double value, int add) noexcept nogil:
    to[0] = to[0] + <real>value if add else <real>value
