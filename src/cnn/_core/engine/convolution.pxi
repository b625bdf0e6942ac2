# Convolutions: their geometry, and the tables of pixels that the kernels read.
#
# Two images meet in one: the *wide*, on which windows lie, and the *narrow*, which has a pixel for each window. Along an axis window p
# takes the wide pixels p stride + u dilation - before, u < kernel. Three products follow (convolution_products.pxi):
#
#   gather   narrow = weights . windows of the wide      a convolution forward, and the gradient of a transposed one's input
#   scatter  wide = the transpose of that                the gradient of a convolution's input, and a transposed one forward
#   outer    the gradient of the weights from both       in either
#
# A scatter is gathered, too: wide pixel P (counted with the zeros before it) takes the windows (P - u dilation) / stride of those taps u
# for which that is whole. All pixels of one remainder P mod stride have the same taps: they are a *phase*, a convolution of its own.
# Where channels are few, or the narrow image is much smaller than the wide one, it is *spread* instead: each narrow pixel adds its window.

cdef enum:
    CONV_MOST = 1 << 30    # a kernel's size, stride, ...: sums and products of two of them cannot wrap
    WINOGRAD = 2            # outputs along an axis of a tile: with more float32 loses digits
    WINOGRAD_CHANNELS = 16  # on both sides: with fewer, turning images takes as long as is gained
    WINOGRAD_PIXELS = 64    # of an image: with fewer, turning weights does
    PLAIN_CHANNELS = 16     # so few are read from their planes; of more, elements of a window would be far apart

cdef struct ConvAxis:
    size_t wide, narrow, kernel, stride, dilation
    size_t before          # zeros before the wide image
    size_t padded          # the wide image with zeros on both sides, in which all windows lie
    size_t lead, spread    # zeros before the narrow image, and it with zeros on both sides, for scatters

cdef struct ConvPhase:
    size_t first, pixels   # of scatter_pixel and scatter_to
    size_t chunk, chunks, length  # of scatter_chunk
    size_t place           # of its first tap in the weights

cdef struct ConvSpan:      # of a depthwise convolution: outputs of an axis whose windows have the same taps inside the image
    int32_t first, step, count
    int32_t from_, from_step  # the pixel that the first tap of the first one meets; from there to that of the next output
    int32_t taps, tap_step
    int32_t weight, weight_step  # of the first tap, from 0 on; to the next
    int32_t before, after     # whether the first and the last output lack the outermost tap

cdef struct Conv:
    ConvAxis h, w
    size_t channels, filters, groups   # channels of the wide and of the narrow image
    size_t taps            # of the kernel
    int32_t depthwise      # a filter for each channel
    int32_t pointwise      # a product of matrices: one tap, and neither image is padded or transposed
    int32_t planes         # the narrow image lies plain, and lanes are its pixels: those of one channel are neighbours
    int32_t plain          # a gather reads the wide image plain
    int32_t scatters       # has the tables for it
    int32_t spreads        # window by window
    int32_t gather_turned, scatter_turned  # by Winograd's algorithm
    size_t gather_chunks, gather_length
    size_t n_phases
    size_t item            # bytes of a number
    size_t weights         # bytes of scratch, for them in the order of a kernel
    size_t turned          # behind them, for those of Winograd's algorithm
    size_t kept            # where a session keeps the last of these: its bytes, which are not in scratch
    size_t work            # behind these, of each member, for the same
    size_t source, target  # bytes of scratch of a member: an image that is read, and one that is written
    int32_t *pixel         # (narrow pixels,) where each window begins in the padded wide image
    int32_t *tap           # (taps,) where each tap lies in a window
    int32_t *run           # (gather_chunks,) the same, neighbours in memory as one; each channel of each where the image is plain
    int32_t *place         # (taps,) of each tap in the weights of a scatter; -1: no pixel meets it
    int32_t *scatter_pixel  # (wide pixels,) phase by phase
    int32_t *scatter_to    # (wide pixels,) where each lies in the wide image
    int32_t *scatter_chunk
    ConvPhase *phases
    size_t block           # depthwise: channels at a time
    int32_t doubles        # a scatter is one call of its kernel, of the spans of a gather
    int32_t joins          # outputs of 3 x 3, up to so many taps apart, are one call of the kernel with those at the border
    int32_t packs          # its images are copied, for their pixels would drive each other out of the first cache
    size_t spans[4]        # of a gather: along the height, along the width; of a scatter
    ConvSpan *span[4]
    int32_t *spread_pixel  # (narrow pixels,) what `pixel` is, column by column: neighbours here do not overlap
    int32_t *spread_from   # (narrow pixels,) where each lies in the narrow image


cdef inline int64_t list_item(const Graph *g, const Node *node, int32_t key, size_t i, int64_t default) noexcept nogil:
    cdef const Attribute *a = attribute(g, node, key)
    return default if a == NULL or i >= a.count else g.ints[a.first + i]


cdef cnn_status conv_list(const Graph *g, const Node *node, int32_t key, size_t count, int64_t least, cnn_error *error) noexcept nogil:
    """A list that may be left out: count numbers of at least `least`."""
    cdef const Attribute *a = attribute(g, node, key)
    cdef size_t i
    if a == NULL:
        return CNN_OK
    if a.count != count:
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: %s has %z numbers; expected %z", node_name(g, node), attribute_name(key), a.count, count)
    for i in range(count):
        if g.ints[a.first + i] < least or g.ints[a.first + i] > CONV_MOST:
            return cnn_fail(error, CNN_E_ARGUMENT, "%s: %s has a %l; expected numbers from %l to %l", node_name(g, node), attribute_name(key),
                            g.ints[a.first + i], least, <int64_t>CONV_MOST)
    return CNN_OK


cdef void conv_axis(const Graph *g, const Node *node, size_t i, size_t size, int transposed, ConvAxis *a) noexcept nogil:
    """Axis i from the size of its input, as it would be: wide or narrow is 0 where nothing would be left."""
    cdef size_t after = <size_t>list_item(g, node, CNN_ATTRIBUTE_PADDING, 2 * i + 1, 0), span, whole, u, first, last, most = 0
    memset(a, 0, sizeof(ConvAxis))
    a.kernel = <size_t>list_item(g, node, CNN_ATTRIBUTE_KERNEL_SIZE, i, 1)
    a.stride = <size_t>list_item(g, node, CNN_ATTRIBUTE_STRIDE, i, 1)
    a.dilation = <size_t>list_item(g, node, CNN_ATTRIBUTE_DILATION, i, 1)
    a.before = <size_t>list_item(g, node, CNN_ATTRIBUTE_PADDING, 2 * i, 0)
    span = (a.kernel - 1) * a.dilation + 1
    if transposed:
        a.narrow = size
        whole = (size - 1) * a.stride + span + <size_t>list_item(g, node, CNN_ATTRIBUTE_OUTPUT_PADDING, i, 0)
        a.wide = whole - a.before - after if whole > a.before + after else 0
    else:
        a.wide = size
        if attribute_integer(g, node, CNN_ATTRIBUTE_SAME, 0):
            a.narrow = (size - 1) // a.stride + 1
            whole = (a.narrow - 1) * a.stride + span
            whole = whole - size if whole > size else 0
            a.before = whole // 2
            after = whole - a.before
        whole = a.before + size + after
        a.narrow = (whole - span) // a.stride + 1 if whole >= span else 0
    if a.wide == 0 or a.narrow == 0:
        return
    a.padded = (a.narrow - 1) * a.stride + span
    a.padded = a.padded if a.padded > a.before + a.wide else a.before + a.wide
    for u in range(a.kernel):  # first, last: the wide pixels that tap u meets; window (P - u dilation) / stride of pixel P
        first = a.before + (u * a.dilation % a.stride + a.stride - a.before % a.stride) % a.stride
        if first >= a.before + a.wide:
            continue
        last = first + (a.before + a.wide - 1 - first) // a.stride * a.stride
        if u * a.dilation > first and (u * a.dilation - first) // a.stride > a.lead:
            a.lead = (u * a.dilation - first) // a.stride
        if last >= u * a.dilation and (last - u * a.dilation) // a.stride > most:
            most = (last - u * a.dilation) // a.stride
    a.spread = a.lead + (most + 1 if most + 1 > a.narrow else a.narrow)


cdef void conv_single_axis(ConvAxis *a) noexcept nogil:
    """The height of what has none."""
    memset(a, 0, sizeof(ConvAxis))
    a.wide = a.narrow = a.kernel = a.stride = a.dilation = a.padded = a.spread = 1


cdef int conv_fits(size_t height, size_t width, size_t channels) noexcept nogil:
    """The tables hold places in an image, and somewhat beyond it, in 31 bits."""
    cdef size_t n
    return cnn_size_mul(height, width, &n) and cnn_size_mul(n, channels, &n) and n < (<size_t>1 << 30)


cdef const char *conv_hint(const PlanValue *x) noexcept nogil:
    """For an image that looks like one whose channels come last."""
    cdef size_t last = x.dims[x.rank - 1]
    if x.rank == 4 and (last == 1 or last == 3 or last == 4) and x.dims[1] > 4 and x.dims[2] > 4:
        return "; that looks like channels last, and they come first: X.transpose(0, 3, 1, 2)"
    return ""


cdef cnn_status conv_sizes(const Graph *g, const Node *node, const PlanValue *x, const char *kind, int transposed, PlanValue *y,
                           cnn_error *error) noexcept nogil:
    """The output's shape, of images (rows, channels, height, width) and of series (rows, channels, length), and all checks."""
    cdef int64_t filters = attribute_integer(g, node, CNN_ATTRIBUTE_FILTERS, 0), groups = attribute_integer(g, node, CNN_ATTRIBUTE_GROUPS, 1)
    cdef const Attribute *kernel = attribute(g, node, CNN_ATTRIBUTE_KERNEL_SIZE)
    cdef size_t axes = kernel.count if kernel != NULL else 0, i, made
    cdef ConvAxis a[2]
    cdef cnn_status status = op_floats(g, node, x, kind, error)
    if status != CNN_OK:
        return status
    if axes != 1 and axes != 2:
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: kernel_size has %z numbers; %s takes one for a series, or height and width",
                        node_name(g, node), axes, kind)
    status = conv_list(g, node, CNN_ATTRIBUTE_KERNEL_SIZE, axes, 1, error)
    if status == CNN_OK:
        status = conv_list(g, node, CNN_ATTRIBUTE_STRIDE, axes, 1, error)
    if status == CNN_OK:
        status = conv_list(g, node, CNN_ATTRIBUTE_DILATION, axes, 1, error)
    if status == CNN_OK:
        status = conv_list(g, node, CNN_ATTRIBUTE_PADDING, 2 * axes, 0, error)
    if status == CNN_OK:
        status = conv_list(g, node, CNN_ATTRIBUTE_OUTPUT_PADDING, axes, 0, error)
    if status != CNN_OK:
        return status
    if attribute_integer(g, node, CNN_ATTRIBUTE_SAME, 0) and attribute(g, node, CNN_ATTRIBUTE_PADDING) != NULL:
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: same and padding are both given; same finds the padding itself", node_name(g, node))
    for i in range(axes):
        if (list_item(g, node, CNN_ATTRIBUTE_OUTPUT_PADDING, i, 0) >= list_item(g, node, CNN_ATTRIBUTE_STRIDE, i, 1)
                and list_item(g, node, CNN_ATTRIBUTE_OUTPUT_PADDING, i, 0) >= list_item(g, node, CNN_ATTRIBUTE_DILATION, i, 1)
                and list_item(g, node, CNN_ATTRIBUTE_OUTPUT_PADDING, i, 0)):
            return cnn_fail(error, CNN_E_ARGUMENT, "%s: output_padding is %l; it must be less than the stride, %l, or the dilation, %l",
                            node_name(g, node), list_item(g, node, CNN_ATTRIBUTE_OUTPUT_PADDING, i, 0),
                            list_item(g, node, CNN_ATTRIBUTE_STRIDE, i, 1), list_item(g, node, CNN_ATTRIBUTE_DILATION, i, 1))
    if filters < 1 or filters > CONV_MOST:
        return cnn_fail(error, CNN_E_ARGUMENT, "%s: filters is %l; it must be from 1 to %l", node_name(g, node), filters, <int64_t>CONV_MOST)
    if <size_t>x.rank != axes + 2 or x.dims[1] == OPEN:
        return cnn_fail(error, CNN_E_SHAPE, "%s: %s takes a fixed number of channels, then %s, as in cnn.Input(%s); its input has the shape %D",
                        node_name(g, node), kind, b"the length" if axes == 1 else b"height and width",
                        b"(3, 100)" if axes == 1 else b"(3, 32, 32)", <size_t>x.rank, x.dims)
    if groups < 1 or x.dims[1] % <size_t>groups or filters % groups:
        return cnn_fail(error, CNN_E_SHAPE, "%s: groups is %l; it must divide the %z channels of the input and the %l filters%s",
                        node_name(g, node), groups, x.dims[1], filters, conv_hint(x))
    y[0] = x[0]
    y.dims[1] = <size_t>filters
    conv_single_axis(&a[0])
    for i in range(axes):
        if x.dims[2 + i] == OPEN:
            continue
        if x.dims[2 + i] > CONV_MOST:
            return too_large(g, node, x, error)
        conv_axis(g, node, i, x.dims[2 + i], transposed, &a[2 - axes + i])
        y.dims[2 + i] = a[2 - axes + i].wide if transposed else a[2 - axes + i].narrow
    for i in range(axes):
        if y.dims[2 + i] == 0:
            return conv_nothing_left(g, node, x, kind, axes, i, transposed, error)
    if row_elements(x) != OPEN:
        made = <size_t>filters if transposed else x.dims[1]
        if (not conv_fits(a[0].padded, a[1].padded, made)
                or not conv_fits(a[0].spread, a[1].spread, x.dims[1] if transposed else <size_t>filters)):
            return cnn_fail(error, CNN_E_SHAPE, "%s: an image of %z x %z pixels, padding counted, and %z channels is too large", node_name(g, node),
                            a[0].padded, a[1].padded, made)
    return CNN_OK


cdef cnn_status conv_nothing_left(const Graph *g, const Node *node, const PlanValue *x, const char *kind, size_t axes, size_t i, int transposed,
                                  cnn_error *error) noexcept nogil:
    """The arithmetic of an axis without output."""
    cdef const char *axis = b"length" if axes == 1 else b"width" if i else b"height"
    cdef int64_t kernel = list_item(g, node, CNN_ATTRIBUTE_KERNEL_SIZE, i, 1), dilation = list_item(g, node, CNN_ATTRIBUTE_DILATION, i, 1)
    cdef int64_t before = list_item(g, node, CNN_ATTRIBUTE_PADDING, 2 * i, 0), after = list_item(g, node, CNN_ATTRIBUTE_PADDING, 2 * i + 1, 0)
    cdef int64_t span = (kernel - 1) * dilation + 1, stride = list_item(g, node, CNN_ATTRIBUTE_STRIDE, i, 1), size = <int64_t>x.dims[2 + i]
    if transposed:
        return cnn_fail(error, CNN_E_SHAPE, "%s: the %s of its output would be (%l - 1) x stride %l + %l of the kernel + output_padding %l"
                        " - padding %l - %l, which is not above 0", node_name(g, node), axis, size, stride, span,
                        list_item(g, node, CNN_ATTRIBUTE_OUTPUT_PADDING, i, 0), before, after)
    if dilation > 1:
        return cnn_fail(error, CNN_E_SHAPE, "%s: along the %s the kernel spans (%l - 1) x dilation %l + 1 = %l pixels, and the padded image"
                        " has %l + %l + %l = %l (input shape %D)%s", node_name(g, node), axis, kernel, dilation, span, before, size, after,
                        before + size + after, <size_t>x.rank, x.dims, conv_hint(x))
    return cnn_fail(error, CNN_E_SHAPE, "%s: along the %s the kernel spans %l pixels, and the padded image has %l + %l + %l = %l"
                    " (input shape %D)%s", node_name(g, node), axis, span, before, size, after, before + size + after,
                    <size_t>x.rank, x.dims, conv_hint(x))


cdef cnn_status conv_add_blocks(Graph *g, int32_t index, const PlanValue *x, const PlanValue *y, int transposed, cnn_error *error) noexcept nogil:
    """weight (channels of the narrow image, those of the wide / groups, kernel...), bias (filters,). Fans as PyTorch and Keras count them."""
    cdef const Node *node = &g.nodes[index]
    cdef size_t dims[4]
    cdef size_t groups = <size_t>attribute_integer(g, node, CNN_ATTRIBUTE_GROUPS, 1), axes = <size_t>x.rank - 2, taps = 1, i
    cdef int32_t init = <int32_t>attribute_integer(g, node, CNN_ATTRIBUTE_INIT, CNN_INIT_DEFAULT)
    cdef int32_t bias_init = <int32_t>attribute_integer(g, node, CNN_ATTRIBUTE_BIAS_INIT, CNN_INIT_ZEROS)
    cdef int bias = attribute_integer(g, node, CNN_ATTRIBUTE_BIAS, 1) != 0
    cdef int32_t made
    dims[0] = x.dims[1] if transposed else y.dims[1]
    dims[1] = (y.dims[1] if transposed else x.dims[1]) // groups
    for i in range(axes):
        dims[2 + i] = <size_t>list_item(g, node, CNN_ATTRIBUTE_KERNEL_SIZE, i, 1)
        taps *= dims[2 + i]
    made = graph_add_block(g, index, "weight", CNN_BLOCK_WEIGHT, <int32_t>(2 + axes), dims, init, 0.0, dims[1] * taps, dims[0] * taps, error)
    if made >= 0 and bias:
        made = graph_add_block(g, index, "bias", CNN_BLOCK_WEIGHT, 1, &y.dims[1], bias_init, 0.0, dims[1] * taps, dims[0] * taps, error)
    return <cnn_status>-made if made < 0 else CNN_OK


# ---- Plans

cdef size_t conv_turning(const OpPlan *p, const Conv *c, size_t height, size_t width, size_t channels, size_t n) noexcept nogil:
    """Bytes that Winograd's algorithm works in."""
    cdef size_t elements
    if c.item == sizeof(float):
        elements = k_winograd_scratch(p.kernels, height, width, channels, n, <const float *>NULL)
    else:
        elements = k_winograd_scratch(p.kernels, height, width, channels, n, <const double *>NULL)
    return rounded(elements * c.item)


cdef inline int conv_fills_rows(const Conv *c) noexcept nogil:
    """Whether fewer lanes stay empty along a row of pixels than along the filters, which may go by half vectors."""
    return c.filters * ((c.w.narrow + 15) // 16 * 16) < c.w.narrow * ((c.filters + 7) // 8 * 8)


cdef int conv_spreads(const Conv *c) noexcept nogil:
    """Whether a scatter takes clearly less time window by window: vectors of a run of a window, and a load and a store of each, against
    those of the channels, a window of the narrow image's zeros and all."""
    cdef double gathered, spread
    if c.groups > 1 or c.w.dilation > 1 or c.pointwise or c.scatter_turned:
        return 0
    gathered = <double>(c.h.wide * c.w.wide * c.taps) / <double>(c.h.stride * c.w.stride) * <double>((c.channels + 7) // 8 * 8 * c.filters)
    spread = <double>(c.h.narrow * c.w.narrow * c.h.kernel) * <double>((c.w.kernel * c.channels + 15) // 16 * 16 * (c.filters + 8))
    return gathered > 1.5 * spread


cdef inline int conv_reads_plain(const OpPlan *p, const Conv *c) noexcept nogil:
    return not (p.training or c.depthwise or c.pointwise or c.gather_turned) and c.channels <= PLAIN_CHANNELS


cdef void conv_describe(const OpPlan *p, int transposed, Conv *c) noexcept nogil:
    """All but the tables."""
    cdef const PlanValue *x = &p.values[p.inputs[0]]
    cdef const PlanValue *y = &p.values[p.output]
    cdef const PlanValue *wide = y if transposed else x
    cdef const PlanValue *narrow = x if transposed else y
    cdef size_t axes = <size_t>x.rank - 2, pixels
    memset(c, 0, sizeof(Conv))
    conv_single_axis(&c.h)
    if axes == 2:
        conv_axis(p.graph, p.node, 0, x.dims[2], transposed, &c.h)
    conv_axis(p.graph, p.node, axes - 1, x.dims[axes + 1], transposed, &c.w)
    c.channels = wide.dims[1]
    c.filters = narrow.dims[1]
    c.groups = <size_t>attribute_integer(p.graph, p.node, CNN_ATTRIBUTE_GROUPS, 1)
    c.taps = c.h.kernel * c.w.kernel
    c.item = item_bytes(p.graph, CNN_FLOAT32)
    c.depthwise = c.groups > 1 and c.groups == c.channels and c.groups == c.filters
    c.planes = not transposed and c.channels == 1 and c.groups == 1 and c.w.stride == 1 and conv_fills_rows(c)
    c.pointwise = (not c.planes and c.taps == 1 and c.groups == 1 and c.h.stride == 1 and c.w.stride == 1 and c.h.padded == c.h.narrow and c.w.padded == c.w.narrow
                   and c.h.wide == c.h.narrow and c.w.wide == c.w.narrow and lies_last(wide) and lies_last(narrow))
    c.scatters = not c.pointwise and (transposed or p.training)
    c.gather_chunks = c.taps
    c.gather_length = c.channels // c.groups
    if c.groups == 1 and c.w.dilation == 1:  # the taps of a row of the kernel are neighbours
        c.gather_chunks = c.h.kernel
        c.gather_length *= c.w.kernel
    if c.h.kernel == 3 and c.w.kernel == 3 and c.h.stride * c.w.stride * c.h.dilation * c.w.dilation == 1 and c.groups == 1 and c.channels >= WINOGRAD_CHANNELS and c.filters >= WINOGRAD_CHANNELS:
        c.gather_turned = c.h.narrow * c.w.narrow >= WINOGRAD_PIXELS and not (transposed and not p.training)
        c.scatter_turned = c.h.wide * c.w.wide >= WINOGRAD_PIXELS and c.scatters
    c.spreads = not transposed and c.scatters and conv_spreads(c)
    c.plain = not transposed and not lies_last(wide) and conv_reads_plain(p, c)
    if c.plain:
        c.gather_chunks = c.taps * (c.channels // c.groups)
        c.gather_length = 1
    if c.pointwise and not transposed and not p.training:
        c.kept = panels_size(c.filters, c.channels) * c.item
    c.n_phases = (c.h.stride if c.h.stride < c.h.wide else c.h.wide) * (c.w.stride if c.w.stride < c.w.wide else c.w.wide)
    if c.pointwise:
        return
    c.weights = rounded(c.taps * c.channels // c.groups * c.filters * c.item)
    if c.depthwise:
        depthwise_describe(p, wide, narrow, c)
        if not p.training:
            c.kept = c.weights
            c.weights = 0
        return
    if c.gather_turned or c.scatter_turned:
        c.turned = rounded((WINOGRAD + 2) * (WINOGRAD + 2) * c.channels * c.filters * c.item)
    if c.gather_turned:
        c.work = conv_turning(p, c, c.h.narrow, c.w.narrow, c.channels, c.filters)
    if c.scatter_turned:
        pixels = conv_turning(p, c, c.h.wide, c.w.wide, c.filters, c.channels)
        c.work = pixels if pixels > c.work else c.work
    if not p.training:
        c.kept = c.turned if c.turned else c.weights
        if c.turned:
            c.turned = 0
        else:
            c.weights = 0
    if not transposed or p.training:
        if not (lies_last(wide) or c.plain) or c.h.padded * c.w.padded != c.h.wide * c.w.wide:
            c.source = rounded(c.h.padded * c.w.padded * c.channels * c.item)
        if not lies_last(narrow) and (c.spreads or not c.planes):
            c.target = rounded(narrow.row * c.item)
    if c.spreads:
        pixels = rounded(c.filters * c.h.kernel * picked_run(c) * c.item)
        c.weights = pixels if pixels > c.weights else c.weights
        if not lies_last(wide) or c.h.padded * c.w.padded != c.h.wide * c.w.wide:
            c.source = rounded(c.h.padded * c.w.padded * c.channels * c.item)
    elif c.scatters:
        if not lies_last(narrow) or c.h.spread * c.w.spread != c.h.narrow * c.w.narrow:
            pixels = rounded(c.h.spread * c.w.spread * c.filters * c.item)
            c.source = pixels if pixels > c.source else c.source
        if not lies_last(wide):
            pixels = rounded(wide.row * c.item)
            c.target = pixels if pixels > c.target else c.target


cdef inline size_t conv_members(const OpPlan *p) noexcept nogil:
    """Who may work on images of their own at once; elsewhere what is divided has one row."""
    return <size_t>p.members if p.team and p.members > 1 else 1

cdef inline size_t conv_workers(const OpPlan *p) noexcept nogil:
    """Who may work at once, if only on parts of an image."""
    return <size_t>p.members if p.members > 1 else 1


cdef size_t conv_gemm_scratch(const OpPlan *p, const Conv *c, const real *tag) noexcept nogil:
    """Bytes for the largest of a pointwise convolution's products; a slice needs no more than the whole."""
    cdef size_t m = p.rows * c.h.wide * c.w.wide, most, n
    most = k_gemm_scratch(p.kernels, 0, 1, m, c.filters, c.channels, tag)
    n = k_gemm_scratch(p.kernels, 0, 0, m, c.channels, c.filters, tag)
    most = n if n > most else most
    if p.training:
        n = k_gemm_scratch(p.kernels, 1, 0, c.filters, c.channels, m, tag)
        most = n if n > most else most
    return rounded(most * sizeof(real))


cdef void conv_plan_as(OpPlan *p, int transposed) noexcept nogil:
    cdef Conv c
    conv_describe(p, transposed, &c)
    p.keeps_input = 1
    p.flops = (<double>c.h.narrow * <double>c.w.narrow * <double>c.filters) * <double>(c.channels // c.groups * c.taps)
    p.tables = rounded(sizeof(Conv))
    p.kept = c.kept
    if c.pointwise:
        p.leads = not p.training
        if p.kept:  # panels
            return
        if c.item == sizeof(float):
            p.scratch = conv_gemm_scratch(p, &c, <const float *>NULL)
        else:
            p.scratch = conv_gemm_scratch(p, &c, <const double *>NULL)
        p.integer[0] = <int64_t>p.scratch
        p.scratch *= conv_workers(p)
        return
    p.takes_picks = 0 if transposed else conv_takes_picks(p, &c)
    p.leads = not p.training and (lies_last(&p.values[p.output]) or c.planes)
    p.scratch = c.weights + c.turned + conv_workers(p) * c.work + conv_members(p) * (c.source + c.target)
    if c.depthwise:
        p.tables += depthwise_tables(&c)
        return
    p.tables += rounded((c.h.narrow * c.w.narrow + c.taps + c.gather_chunks) * sizeof(int32_t))
    if c.spreads:
        p.tables += 2 * c.h.narrow * c.w.narrow * sizeof(int32_t)
    elif c.scatters:
        p.tables += rounded((2 * c.h.wide * c.w.wide + 2 * c.taps) * sizeof(int32_t)) + c.n_phases * sizeof(ConvPhase)


cdef void conv_prepare_as(const OpPlan *p, int transposed, void *tables) noexcept nogil:
    cdef Conv *c = <Conv *>tables
    cdef size_t i, u, v, pixels, apart, of_tap
    conv_describe(p, transposed, c)
    if c.pointwise:
        return
    if c.depthwise:
        depthwise_prepare(c, <ConvSpan *>(<char *>tables + rounded(sizeof(Conv))))
        return
    pixels = c.h.narrow * c.w.narrow
    c.pixel = <int32_t *>(<char *>tables + rounded(sizeof(Conv)))
    c.tap = c.pixel + pixels
    c.run = c.tap + c.taps
    apart = 1 if c.plain else c.channels  # elements from a pixel to the next
    for i in range(pixels):
        c.pixel[i] = <int32_t>((i // c.w.narrow * c.h.stride * c.w.padded + i % c.w.narrow * c.w.stride) * apart)
    for u in range(c.h.kernel):
        for v in range(c.w.kernel):
            c.tap[u * c.w.kernel + v] = <int32_t>((u * c.h.dilation * c.w.padded + v * c.w.dilation) * apart)
    of_tap = c.channels // c.groups
    for i in range(c.gather_chunks):
        if c.plain:
            c.run[i] = c.tap[i // of_tap] + <int32_t>(i % of_tap * c.h.padded * c.w.padded)
        else:
            c.run[i] = c.tap[i * (c.taps // c.gather_chunks)]
    if c.spreads:
        c.spread_pixel = <int32_t *>(<char *>c.pixel + rounded((pixels + c.taps + c.gather_chunks) * sizeof(int32_t)))
        c.spread_from = c.spread_pixel + pixels
        conv_prepare_spread(c)
    elif c.scatters:
        c.phases = <ConvPhase *>(<char *>c.pixel + rounded((pixels + c.taps + c.gather_chunks) * sizeof(int32_t)))
        c.scatter_pixel = <int32_t *>(c.phases + c.n_phases)
        c.scatter_to = c.scatter_pixel + c.h.wide * c.w.wide
        c.scatter_chunk = c.scatter_to + c.h.wide * c.w.wide
        c.place = c.scatter_chunk + c.taps
        conv_prepare_phases(c)


cdef void conv_prepare_spread(Conv *c) noexcept nogil:
    """Column by column, and of columns only those together whose windows are apart."""
    cdef size_t skip = ((c.w.kernel - 1) * c.w.dilation + 1) // c.w.stride + 1, first, i, j, n = 0
    for first in range(skip if skip < c.w.narrow else c.w.narrow):
        j = first
        while j < c.w.narrow:
            for i in range(c.h.narrow):
                c.spread_pixel[n] = c.pixel[i * c.w.narrow + j]
                c.spread_from[n] = <int32_t>((i * c.w.narrow + j) * c.filters)
                n += 1
            j += skip


cdef void conv_prepare_phases(Conv *c) noexcept nogil:
    """Taps go downwards in each phase, so that the windows they take go upwards, and neighbours are one run where they can be."""
    cdef size_t i, j, rows, columns, P, Q, u, v, first = 0, place = 0, chunk = 0, n, of_row
    cdef int joined = c.groups == 1 and c.w.stride % c.w.dilation == 0
    cdef ConvPhase *f = c.phases
    for i in range(c.taps):
        c.place[i] = -1
    rows = c.h.stride if c.h.stride < c.h.wide else c.h.wide
    columns = c.w.stride if c.w.stride < c.w.wide else c.w.wide
    for i in range(rows):
        for j in range(columns):
            f.first = first
            P = c.h.before + i
            while P < c.h.before + c.h.wide:
                Q = c.w.before + j
                while Q < c.w.before + c.w.wide:  # where tap 0's window would be, rounded down: the taps' places below count from there
                    c.scatter_pixel[first] = <int32_t>(((P // c.h.stride + c.h.lead) * c.w.spread + Q // c.w.stride + c.w.lead) * c.filters)
                    c.scatter_to[first] = <int32_t>(((P - c.h.before) * c.w.wide + Q - c.w.before) * c.channels)
                    first += 1
                    Q += c.w.stride
                P += c.h.stride
            f.pixels = first - f.first
            f.place = place
            f.chunk = chunk
            n = 0
            for u in range(c.h.kernel, 0, -1):
                if (u - 1) * c.h.dilation % c.h.stride != (c.h.before + i) % c.h.stride:
                    continue
                of_row = 0
                for v in range(c.w.kernel, 0, -1):
                    if (v - 1) * c.w.dilation % c.w.stride != (c.w.before + j) % c.w.stride:
                        continue
                    c.place[(u - 1) * c.w.kernel + v - 1] = <int32_t>place
                    if not (joined and of_row):
                        c.scatter_chunk[chunk] = -<int32_t>(((u - 1) * c.h.dilation // c.h.stride * c.w.spread + (v - 1) * c.w.dilation // c.w.stride)
                                                            * c.filters)
                        chunk += 1
                    place += 1
                    of_row += 1
                    n += 1
            f.chunks = chunk - f.chunk
            f.length = c.filters // c.groups * (n // f.chunks if f.chunks else 0)
            f += 1
