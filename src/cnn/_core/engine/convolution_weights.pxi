# The weights of a convolution in the order of the kernels that read them: of a gather, of a scatter by phases or window by window, and
# turned for Winograd's algorithm; and their gradient back again. Once a tile (conv_order) or kept by a session (conv_keep_as).

cdef void conv_pack(const cnn_kernels *k, const Conv *c, const real *w, real *b, size_t first, size_t end) noexcept nogil:
    """(filters, channels / groups, taps) to (groups, taps, channels / groups, filters / groups), the b of a gather; of channels first ..
    end - 1 of each group."""
    cdef size_t inner = c.channels // c.groups, outer = c.filters // c.groups, g, i
    for g in range(c.groups):
        if c.taps == 1:
            k_transpose(k, outer, end - first, w + first, inner, b + first * outer, outer)
        else:
            for i in range(first, end):
                k_transpose(k, outer, c.taps, w + i * c.taps, inner * c.taps, b + i * outer, inner * outer)
        w += outer * inner * c.taps
        b += outer * inner * c.taps


cdef void conv_unpack(const cnn_kernels *k, const Conv *c, const real *b, real *w) noexcept nogil:
    """The reverse."""
    cdef size_t inner = c.channels // c.groups, outer = c.filters // c.groups, g, i
    for g in range(c.groups):
        if c.taps == 1:
            k_transpose(k, inner, outer, b, outer, w, inner)
        else:
            for i in range(inner):
                k_transpose(k, c.taps, outer, b + i * outer, inner * outer, w + i * c.taps, inner * c.taps)
        w += outer * inner * c.taps
        b += outer * inner * c.taps


cdef void conv_pack_scatter(const Conv *c, const real *w, real *b, size_t first, size_t end) noexcept nogil:
    """(filters, channels / groups, taps) to (groups, places of the taps, filters / groups, channels / groups); of filters first .. end - 1
    of each group."""
    cdef size_t inner = c.channels // c.groups, outer = c.filters // c.groups, g, o, i, t
    cdef real *to
    for g in range(c.groups):
        for o in range(first, end):
            for t in range(c.taps):
                if c.place[t] >= 0:
                    to = b + (<size_t>c.place[t] * outer + o) * inner
                    for i in range(inner):
                        to[i] = w[(o * inner + i) * c.taps + t]
        w += outer * inner * c.taps
        b += outer * inner * c.taps


cdef void conv_pack_spread(const cnn_kernels *k, const Conv *c, const real *w, real *b, size_t first, size_t end) noexcept nogil:
    """(filters, channels, taps) to (filters, taps, channels), filters first .. end - 1."""
    cdef size_t i, row = c.channels * c.taps
    for i in range(first, end):
        k_transpose(k, c.channels, c.taps, w + i * row, c.taps, b + i * row, c.channels)


cdef void conv_pack_slice(void *arg, size_t index, int32_t member) noexcept nogil:
    cdef const ConvWork *a = <const ConvWork *>arg
    cdef const Conv *c = a.c
    cdef size_t all_ = conv_packed(a), first = index * a.slice, end = first + a.slice if all_ - first > a.slice else all_
    if c.item == sizeof(float):
        conv_pack_for(a, <const float *>a.weights, first, end)
    else:
        conv_pack_for(a, <const double *>a.weights, first, end)

cdef void conv_pack_for(const ConvWork *a, const real *w, size_t first, size_t end) noexcept nogil:
    cdef const Conv *c = a.c
    cdef const cnn_kernels *k = a.op.run.kernels
    cdef real *b = <real *>a.packed
    cdef real *u = <real *>a.turned
    if a.scatter and a.op.pool != NULL:
        picked_pack(k, c, w, b, first, end)
    elif a.scatter and c.spreads:
        conv_pack_spread(k, c, w, b, first, end)
    elif a.scatter:
        conv_pack_scatter(c, w, b, first, end)
    else:
        conv_pack(k, c, w, b, first, end)
    if a.scatter and c.scatter_turned:
        k_winograd_weights(k, c.filters, c.channels, b, c.channels, first, end, u)
    elif c.gather_turned and not a.scatter:
        k_winograd_weights(k, c.channels, c.filters, b, c.filters, first, end, u)

cdef inline size_t conv_packed(const ConvWork *a) noexcept nogil:
    """What a slice of the weights is a part of."""
    return a.c.filters // a.c.groups if a.scatter else a.c.channels // a.c.groups


cdef void conv_order(ConvWork *a, const void *weights, void *packed, void *turned) noexcept nogil:
    """Puts the weights in order, and into a."""
    cdef const Conv *c = a.c
    cdef size_t members = <size_t>a.op.plan.members if a.op.run.team != NULL else 1
    a.weights = weights
    a.packed = packed
    a.turned = turned
    a.slice = conv_packed(a) if c.weights + c.kept < CONV_PACKED else (conv_packed(a) + members - 1) // members
    cnn_parallel_for(a.op.run.team, (conv_packed(a) + a.slice - 1) // a.slice, conv_pack_slice, a)
    a.weights = turned if conv_turned(a) else packed


cdef void conv_keep_as(const Op *op, int scatter, const real *weights) noexcept nogil:
    cdef ConvWork a
    memset(&a, 0, sizeof(a))
    a.op = op
    a.c = <const Conv *>op.plan.table
    a.scatter = scatter
    if a.c.pointwise:
        panels_make(op, a.c.filters, a.c.channels, weights, <real *>op.kept)
        return
    if a.c.depthwise:
        depthwise_order(op, a.c, weights, op.kept)
        return
    conv_order(&a, weights, op.scratch if conv_turned(&a) else op.kept, op.kept)
