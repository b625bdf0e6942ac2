# Convolutions behind which there is a pool of maxima, in training: of each window of the pool one pixel of a filter has a gradient. The
# pool's backward would put it among zeros, which the convolution's would multiply; so they are one (plan_picks): the gradient of the pool's
# output and the taps that won are read by the convolution (Op.pool), and its own output's gradient is not made.

cdef enum:
    PICKED_TAPS = 16       # of a window of the pool, at most

cdef inline int picked_pays(const Conv *c) noexcept nogil:
    """Whether it takes clearly less time: vectors of the elements of a window, loaded for each filter, against those of the filters, for
    four times as many pixels."""
    cdef size_t runs = c.h.kernel, length = c.w.kernel * c.channels
    cdef double dense = 2 * <double>(c.taps * c.channels) * <double>((c.filters + 7) // 8)
    return dense > 1.3 * <double>(c.filters * runs) * <double>(1 if length <= 8 else (length + 15) // 16 * 2)

cdef int conv_takes_picks(const OpPlan *p, const Conv *c) noexcept nogil:
    """OpPlan.takes_picks"""
    if not p.training or p.team or c.groups > 1 or c.pointwise or c.w.dilation > 1 or not picked_pays(c):
        return 0
    return PICKS_ALL if c.spreads else PICKS_WEIGHTS

cdef inline size_t picked_run(const Conv *c) noexcept nogil:
    """Elements from the weights of a run of a window to the next: so that each begins a vector."""
    return (c.w.kernel * c.channels + 15) // 16 * 16


cdef void picks_of(const Op *op, const Conv *c, int32_t *shift, cnn_picks *k) noexcept nogil:
    cdef const Op *pool = op.pool
    cdef const int64_t *w = &pool.plan.integer[0]
    cdef size_t i, windows = <size_t>(w[WINDOW_ROWS] * w[WINDOW_COLUMNS]), wide = <size_t>w[WINDOW_WIDE]
    cdef int last = lies_last(&pool.values[pool.output]), planes = windows_paired(pool.plan)
    cdef ptrdiff_t down = <ptrdiff_t>(c.h.stride * c.w.padded * c.channels), across = <ptrdiff_t>(c.w.stride * c.channels)
    k.rows = <size_t>w[WINDOW_ROWS]
    k.columns = <size_t>w[WINDOW_COLUMNS]
    k.row = w[WINDOW_DOWN] * down
    k.column = w[WINDOW_ACROSS] * across
    k.taps = <size_t>(w[WINDOW_TALL] * w[WINDOW_WIDE])
    for i in range(k.taps):
        shift[i] = <int32_t>(<ptrdiff_t>(i // wide) * down + <ptrdiff_t>(i % wide) * across)
    k.shift = shift
    k.chunks = c.h.kernel
    k.length = c.w.kernel * c.channels
    k.chunk = <ptrdiff_t>(c.h.dilation * c.w.padded * c.channels)
    k.d_window = <ptrdiff_t>(c.filters if last else 1)
    k.d_column = <ptrdiff_t>(1 if last else windows)
    k.where_window = <ptrdiff_t>(1 if planes else c.filters)  # as the pool works, whichever way its output lies
    k.where_column = <ptrdiff_t>(windows if planes else 1)


cdef void picked_pack(const cnn_kernels *k, const Conv *c, const real *w, real *b, size_t first, size_t end) noexcept nogil:
    """(filters, channels, taps) to (filters, rows of the kernel, picked_run), the b of a scatter; filters first .. end - 1."""
    cdef size_t i, u, ld = picked_run(c)
    for i in range(first, end):
        for u in range(c.h.kernel):
            k_transpose(k, c.channels, c.w.kernel, w + i * c.channels * c.taps + u * c.w.kernel, c.taps, b + (i * c.h.kernel + u) * ld, c.channels)


cdef void picked_weights_gradient(const Op *op, const PlanValue *wide, const real *x, const real *d, real *dw, int adds) noexcept nogil:
    cdef const Conv *c = <const Conv *>op.plan.table
    cdef const cnn_kernels *k = op.run.kernels
    cdef const real *where = <const real *>op.pool.saved
    cdef real *room = <real *>conv_scratch_of(op, c, 0)
    cdef real *sum_ = dw if c.channels == 1 else <real *>op.scratch  # (filters, taps, channels)
    cdef size_t row = c.taps * c.channels, pooled = op_row_out(op.pool, 0), i, r
    cdef int last = lies_last(wide)
    cdef int32_t shift[PICKED_TAPS]
    cdef cnn_picks picks
    picks_of(op, c, shift, &picks)
    if adds and c.channels > 1:
        for i in range(c.filters):
            k_transpose(k, c.channels, c.taps, <const real *>dw + i * row, c.taps, sum_ + i * row, c.channels)
    conv_zero(c, 0, last, room, 0, c.h.wide)
    for r in range(op.run.rows):
        k_picked_outer(k, &picks, c.filters, conv_padded(k, c, 0, x + r * wide.row, last, room, 0, c.h.wide), d + r * pooled,
                       where + r * pooled, sum_, adds or r)
    if c.channels > 1:
        for i in range(c.filters):
            k_transpose(k, c.taps, c.channels, <const real *>sum_ + i * row, c.channels, dw + i * row, c.taps)
