# The three products of a convolution, of the images of a tile (convolution.pxi says what they are).
#
# Each image is read padded and channels last: where it lies, if it lies so, else from a copy in scratch, one for each member of a team.
# Threads take images of their own or, where there are fewer images than threads, pixels (or columns) of each; of the weights' gradient
# they take elements. Every number's sum has an order of its own, a function of shapes, so the bits are the same for any threads.

cdef enum:
    CONV_WEIGHT = 0
    CONV_BIAS = 1
    CONV_PACKED = 32768    # bytes of weights from which on threads share putting them in order
    CONV_FEW = 6           # pixels of a slice: below it an image is divided by columns
    CONV_COPIED = 4096     # numbers of an image from which on threads share copying it
    CONV_GRAIN = 16        # filters: of few, a thread takes a multiple of so many

cdef struct ConvWork:
    const Op *op
    const Conv *c
    int32_t scatter        # else a gather
    int32_t source_last, target_last  # in memory
    int32_t accumulate
    size_t source_row, target_row  # elements of an image
    const void *source     # the images
    void *target
    const void *other      # outer: the narrow images
    const void *weights    # of matrix products as they are, else in the order of a kernel
    void *packed           # while they are put in order: in that of a kernel, and for Winograd's algorithm
    void *turned
    const void *start
    const void *image      # of one image that is divided: as it is, then padded
    void *pixels           # and what becomes of it
    size_t row             # of it
    size_t slice           # images, pixels, columns or elements of one call


cdef inline char *conv_scratch_of(const Op *op, const Conv *c, int32_t member) noexcept nogil:
    return <char *>op.scratch + c.weights + c.turned + conv_workers(op.plan) * c.work + <size_t>member * (c.source + c.target)

cdef inline char *conv_work_of(const Op *op, const Conv *c, int32_t member) noexcept nogil:
    return <char *>op.scratch + c.weights + c.turned + <size_t>member * c.work


# ---- One image

cdef inline int conv_pads(const Conv *c, int narrow, int last) noexcept nogil:
    """Whether an image needs room: for zeros around it, or to lie channels last."""
    if narrow:
        return not last or c.h.spread != c.h.narrow or c.w.spread != c.w.narrow
    return not (last or c.plain) or c.h.padded != c.h.wide or c.w.padded != c.w.wide


cdef const real *conv_padded(const cnn_kernels *k, const Conv *c, int narrow, const real *x, int last, real *room, size_t first,
                             size_t end) noexcept nogil:
    """A wide image for a gather, or a narrow one for a scatter, with its zeros around it: itself where it needs none, else in room; of it,
    rows first .. end - 1 and the zeros before each of them, and those behind the last of all."""
    cdef const ConvAxis *h = &c.h
    cdef const ConvAxis *w = &c.w
    cdef size_t channels = c.filters if narrow else c.channels
    cdef size_t height = h.narrow if narrow else h.wide, width = w.narrow if narrow else w.wide, i
    cdef size_t whole = w.spread if narrow else w.padded, tall = h.spread if narrow else h.padded
    cdef size_t begin = (h.lead if narrow else h.before) * whole + (w.lead if narrow else w.before)
    if not conv_pads(c, narrow, last):
        return x
    if last:
        conv_pad(k, x, height, width * channels, room, begin * channels, whole * channels, tall * whole * channels, first, end)
    elif c.plain and not narrow:
        for i in range(channels):
            conv_pad(k, x + i * height * width, height, width, room + i * tall * whole, begin, whole, tall * whole, first, end)
    elif whole == width:
        k_transpose(k, channels, (end - first) * width, x + first * width, height * width, room + (begin + first * width) * channels, channels)
    else:
        for i in range(first, end):
            k_transpose(k, channels, width, x + i * width, height * width, room + (begin + i * whole) * channels, channels)
    return room


cdef void conv_pad(const cnn_kernels *k, const real *x, size_t height, size_t row, real *room, size_t begin, size_t whole, size_t size,
                   size_t first, size_t end) noexcept nogil:
    """Of a matrix of height rows, which lies from `begin` on in room's `size`, rows first .. end - 1 and their zeros."""
    cdef real *to = room + begin + first * whole
    if first:
        memset(to - (whole - row), 0, (whole - row) * sizeof(real))
    else:
        memset(room, 0, begin * sizeof(real))
    k_pad_rows(k, end - first, row, x + first * row, row, to, whole)
    if end == height:
        begin += (height - 1) * whole + row
        memset(room + begin, 0, (size - begin) * sizeof(real))


cdef void conv_zero(const Conv *c, int narrow, int last, real *room, size_t first, size_t end) noexcept nogil:
    """The zeros around images that conv_padded turns, which leaves them as they are: those before each of rows first .. end - 1, and those
    behind the last of all."""
    cdef size_t channels = c.filters if narrow else c.channels
    cdef size_t height = c.h.narrow if narrow else c.h.wide, width = c.w.narrow if narrow else c.w.wide, i
    cdef size_t whole = c.w.spread if narrow else c.w.padded, tall = c.h.spread if narrow else c.h.padded
    cdef size_t before = ((c.h.lead if narrow else c.h.before) * whole + (c.w.lead if narrow else c.w.before)) * channels, at
    if last or (c.plain and not narrow) or (tall == height and whole == width):
        return
    if first == 0:
        memset(room, 0, before * sizeof(real))
    for i in range(first if first else 1, end):  # what is right of a row, and left of the next
        at = before + ((i - 1) * whole + width) * channels
        memset(room + at, 0, (whole - width) * channels * sizeof(real))
    if end == height:
        at = before + ((height - 1) * whole + width) * channels
        memset(room + at, 0, (tall * whole * channels - at) * sizeof(real))


cdef void conv_gather(const cnn_kernels *k, const Conv *c, const real *x, const real *b, const real *start, real *y, size_t first, size_t n,
                      size_t column, size_t columns, int accumulate) noexcept nogil:
    """Narrow pixels first .. first + n - 1 of a padded wide image; of them, columns of each group."""
    cdef cnn_windows windows
    cdef size_t inner = c.channels // c.groups, outer = c.filters // c.groups, g
    cdef size_t group = inner * c.h.padded * c.w.padded if c.plain else inner  # elements of x from one to the next
    windows.pixels = n
    windows.pixel = c.pixel + first
    windows.chunks = c.gather_chunks
    windows.length = c.gather_length
    windows.chunk = c.run
    if start != NULL:
        start += column
    if c.planes:
        k_conv_planes(k, &windows, c.w.narrow, columns, x, b + column, c.filters, start, y + column * c.h.narrow * c.w.narrow + first,
                      c.h.narrow * c.w.narrow, accumulate)
        return
    y += first * c.filters + column
    b += column
    for g in range(c.groups):
        k_conv_forward(k, &windows, columns, x + g * group, b + g * c.taps * inner * outer, outer, start + g * outer if start != NULL else NULL,
                       y + g * outer, NULL, c.filters, accumulate)


cdef void conv_scatter(const cnn_kernels *k, const Conv *c, const real *x, const real *b, const real *start, real *y, size_t first, size_t n,
                       size_t column, size_t columns, int accumulate) noexcept nogil:
    """Wide pixels first .. first + n - 1, in the order of the phases, from a padded narrow image; of them, columns of each group."""
    cdef cnn_windows windows
    cdef const ConvPhase *f
    cdef const int32_t *to
    cdef const real *w
    cdef size_t inner = c.channels // c.groups, outer = c.filters // c.groups, i, g, begin, end
    if start != NULL:
        start += column
    for i in range(c.n_phases):
        f = &c.phases[i]
        begin = first if first > f.first else f.first
        end = first + n if first + n < f.first + f.pixels else f.first + f.pixels
        if begin >= end:
            continue
        windows.pixels = end - begin
        windows.pixel = c.scatter_pixel + begin
        windows.chunks = f.chunks
        windows.length = f.length
        windows.chunk = c.scatter_chunk + f.chunk
        to = c.scatter_to + begin
        w = b + f.place * inner * outer + column
        for g in range(c.groups):
            k_conv_forward(k, &windows, columns, x + g * outer, w + g * c.taps * inner * outer, inner, start + g * inner if start != NULL else NULL,
                           y + g * inner + column, to, c.channels, accumulate)


cdef void conv_spread(const ConvWork *a, size_t row, real *room) noexcept nogil:
    """Image `row` of a scatter, window by window: in its place where it needs no zeros around it, else in room."""
    cdef const Conv *c = a.c
    cdef const cnn_kernels *k = a.op.run.kernels
    cdef cnn_windows windows
    cdef cnn_picks picks
    cdef int32_t shift[PICKED_TAPS]
    cdef const real *where
    cdef size_t width = c.w.wide * c.channels, ld = c.w.padded * c.channels, pixels = c.h.wide * c.w.wide, i
    cdef const real *dy = <const real *>a.source + row * a.source_row
    cdef real *to = <real *>a.target + row * a.target_row
    cdef real *x = to
    if not a.source_last and a.op.pool == NULL:
        to_last(k, c.filters, c.h.narrow * c.w.narrow, dy, <real *>(<char *>room + c.source))
        dy = <const real *>(<char *>room + c.source)
    if a.accumulate:
        x = <real *>conv_padded(k, c, 0, to, a.target_last, room, 0, c.h.wide)
    else:
        if not a.target_last or c.h.padded * ld != c.h.wide * width:
            x = room
        memset(x, 0, c.h.padded * ld * sizeof(real))
    if a.op.pool != NULL:
        picks_of(a.op, c, shift, &picks)
        where = <const real *>a.op.pool.saved + row * a.source_row
        k_picked_scatter(k, &picks, c.filters, dy, where, <const real *>a.weights, picked_run(c), x)
    else:
        windows.pixels = c.h.narrow * c.w.narrow
        windows.pixel = c.spread_pixel
        windows.chunks = c.gather_chunks
        windows.length = c.gather_length
        windows.chunk = c.run
        k_conv_scatter(k, &windows, c.filters, dy, c.spread_from, <const real *>a.weights, c.channels * c.taps, x)
    if x == to:
        return
    x += (c.h.before * c.w.padded + c.w.before) * c.channels
    for i in range(c.h.wide):
        if a.target_last:
            memcpy(to + i * width, x + i * ld, width * sizeof(real))
        else:
            k_transpose(k, c.w.wide, c.channels, x + i * ld, c.channels, to + i * c.w.wide, pixels)


cdef void conv_outer(const cnn_kernels *k, const Conv *c, const real *x, const real *dy, real *sum_, size_t first, size_t n, int accumulate) noexcept nogil:
    """Elements first .. first + n - 1 of the windows (of each group) of one image, into sum_."""
    cdef cnn_windows windows
    cdef size_t inner = c.channels // c.groups, outer = c.filters // c.groups, g, at, end = first + n, tap, from_
    windows.pixels = c.h.narrow * c.w.narrow
    windows.pixel = c.pixel
    windows.length = inner
    if c.planes:
        windows.chunks = n
        windows.chunk = c.tap + first
        k_conv_planes_outer(k, &windows, c.w.narrow, c.filters, x, dy, windows.pixels, sum_ + first * c.filters, c.filters, accumulate)
        return
    for g in range(c.groups):
        at = first
        while at < end:  # whole taps at once, and what is left of others
            tap = at // inner
            from_ = at % inner
            windows.chunk = c.tap + tap
            if from_ or end - at < inner:
                windows.chunks = 1
                windows.length = inner - from_ if end - at > inner - from_ else end - at
            else:
                windows.chunks = (end - at) // inner
                windows.length = inner
            k_conv_outer(k, &windows, outer, x + g * inner + from_, dy + g * outer, NULL, c.filters, sum_ + (g * c.taps * inner + at) * outer,
                         outer, accumulate)
            at += windows.chunks * windows.length


# ---- The images of a tile

cdef inline int conv_turned(const ConvWork *a) noexcept nogil:
    """By Winograd's algorithm."""
    return a.c.scatter_turned if a.scatter else a.c.gather_turned

cdef inline int conv_spread_out(const ConvWork *a) noexcept nogil:
    """Window by window: only whole images, for windows overlap."""
    return a.scatter and a.c.spreads

cdef void conv_rows(const ConvWork *a, const real *x, const real *start, real *y, size_t first, size_t n, int32_t member) noexcept nogil:
    """Pixels first .. first + n - 1, whole rows of tiles, by Winograd's algorithm."""
    cdef const Conv *c = a.c
    cdef const cnn_kernels *k = a.op.run.kernels
    cdef real *work = <real *>conv_work_of(a.op, c, member)
    if a.scatter:
        k_winograd_forward(k, n // c.w.wide, c.w.wide, c.filters, c.channels, x + c.scatter_pixel[first] + c.scatter_chunk[0],
                           c.w.spread * c.filters, <const real *>a.weights, start, y + first * c.channels, c.w.wide * c.channels, a.accumulate, work)
    else:
        k_winograd_forward(k, n // c.w.narrow, c.w.narrow, c.channels, c.filters, x + c.pixel[first], c.w.padded * c.channels,
                           <const real *>a.weights, start, y + first * c.filters, c.w.narrow * c.filters, a.accumulate, work)

cdef void conv_part(const ConvWork *a, const real *x, const real *start, real *y, size_t first, size_t n, size_t column, size_t columns,
                    int32_t member) noexcept nogil:
    if conv_turned(a):
        conv_rows(a, x, start, y, first, n, member)
    elif a.scatter:
        conv_scatter(a.op.run.kernels, a.c, x, <const real *>a.weights, start, y, first, n, column, columns, a.accumulate)
    else:
        conv_gather(a.op.run.kernels, a.c, x, <const real *>a.weights, start, y, first, n, column, columns, a.accumulate)

cdef inline size_t conv_pixels(const ConvWork *a) noexcept nogil:
    return a.c.h.wide * a.c.w.wide if a.scatter else a.c.h.narrow * a.c.w.narrow

cdef inline size_t conv_height(const ConvWork *a) noexcept nogil:
    """Of an image that is read."""
    return a.c.h.narrow if a.scatter else a.c.h.wide

cdef inline size_t conv_columns(const ConvWork *a) noexcept nogil:
    return (a.c.channels if a.scatter else a.c.filters) // a.c.groups

cdef inline int conv_direct(const ConvWork *a) noexcept nogil:
    """Whether pixels are written where they are to lie."""
    return a.target_last or (a.c.planes and not a.scatter)

cdef real *conv_target(const ConvWork *a, size_t row, real *room) noexcept nogil:
    """Where the pixels of image `row` are to be put."""
    cdef const Conv *c = a.c
    cdef real *y = <real *>a.target + row * a.target_row
    if conv_direct(a):
        return y
    room = <real *>(<char *>room + c.source)
    if a.accumulate:
        to_last(a.op.run.kernels, c.channels if a.scatter else c.filters, conv_pixels(a), y, room)
    return room

cdef const real *conv_begin(const ConvWork *a, size_t row, real *room, real **y) noexcept nogil:
    """The padded image `row`, and where its pixels are to be put."""
    cdef const Conv *c = a.c
    cdef const cnn_kernels *k = a.op.run.kernels
    y[0] = conv_target(a, row, room)
    return conv_padded(k, c, a.scatter, <const real *>a.source + row * a.source_row, a.source_last, room, 0, conv_height(a))

cdef void conv_end(const ConvWork *a, size_t row, const real *y) noexcept nogil:
    if not conv_direct(a):
        to_plain(a.op.run.kernels, a.c.channels if a.scatter else a.c.filters, conv_pixels(a), y, <real *>a.target + row * a.target_row)

cdef void conv_images(const ConvWork *a, const real *tag, size_t first, size_t end, int32_t member) noexcept nogil:
    cdef real *room = <real *>conv_scratch_of(a.op, a.c, member)
    cdef real *y
    cdef const real *x
    cdef size_t r
    if conv_spread_out(a):
        for r in range(first, end):
            conv_spread(a, r, room)
        return
    conv_zero(a.c, a.scatter, a.source_last, room, 0, conv_height(a))
    for r in range(first, end):
        x = conv_begin(a, r, room, &y)
        conv_part(a, x, <const real *>a.start, y, 0, conv_pixels(a), 0, conv_columns(a), member)
        conv_end(a, r, y)
        op_follow(a.op, tag, r * a.target_row, a.target_row)

cdef void conv_images_slice(void *arg, size_t index, int32_t member) noexcept nogil:
    cdef const ConvWork *a = <const ConvWork *>arg
    cdef size_t first = index * a.slice, end = first + a.slice if first + a.slice < a.op.run.rows else a.op.run.rows
    if a.c.item == sizeof(float):
        conv_images(a, <const float *>a.source, first, end, member)
    else:
        conv_images(a, <const double *>a.source, first, end, member)

cdef void conv_pad_slice(void *arg, size_t index, int32_t member) noexcept nogil:
    """Rows of an image that is divided."""
    cdef const ConvWork *a = <const ConvWork *>arg
    cdef const Conv *c = a.c
    cdef size_t first = index * a.slice, end = first + a.slice if first + a.slice < conv_height(a) else conv_height(a)
    cdef char *room = conv_scratch_of(a.op, c, 0)
    if c.item == sizeof(float):
        conv_zero(c, a.scatter, a.source_last, <float *>room, first, end)
        conv_padded(a.op.run.kernels, c, a.scatter, <const float *>a.image, a.source_last, <float *>room, first, end)
    else:
        conv_zero(c, a.scatter, a.source_last, <double *>room, first, end)
        conv_padded(a.op.run.kernels, c, a.scatter, <const double *>a.image, a.source_last, <double *>room, first, end)

cdef void conv_some_pixels(const ConvWork *a, const real *tag, size_t first, size_t n, int32_t member) noexcept nogil:
    cdef size_t columns = conv_columns(a) * a.c.groups
    conv_part(a, <const real *>a.image, <const real *>a.start, <real *>a.pixels, first, n, 0, conv_columns(a), member)
    if not a.scatter and not a.c.planes:  # whose pixels are not made in the order of memory
        op_follow(a.op, tag, a.row * a.target_row + first * columns, n * columns)

cdef void conv_pixels_slice(void *arg, size_t index, int32_t member) noexcept nogil:
    cdef const ConvWork *a = <const ConvWork *>arg
    cdef size_t all_ = conv_pixels(a), first = index * a.slice, n = a.slice if all_ - first > a.slice else all_ - first
    if a.c.item == sizeof(float):
        conv_some_pixels(a, <const float *>NULL, first, n, member)
    else:
        conv_some_pixels(a, <const double *>NULL, first, n, member)

cdef void conv_columns_slice(void *arg, size_t index, int32_t member) noexcept nogil:
    cdef const ConvWork *a = <const ConvWork *>arg
    cdef size_t all_ = conv_columns(a), first = index * a.slice, n = a.slice if all_ - first > a.slice else all_ - first
    if a.c.item == sizeof(float):
        conv_part(a, <const float *>a.image, <const float *>a.start, <float *>a.pixels, 0, conv_pixels(a), first, n, member)
    else:
        conv_part(a, <const double *>a.image, <const double *>a.start, <double *>a.pixels, 0, conv_pixels(a), first, n, member)

cdef void conv_divided(ConvWork *a, const real *tag) noexcept nogil:
    """Image after image, each divided among the threads."""
    cdef char *room = conv_scratch_of(a.op, a.c, 0)
    cdef real *y
    cdef size_t members = <size_t>a.op.plan.members, all_ = conv_pixels(a), tall = conv_height(a), r
    cdef size_t width = a.c.w.wide if a.scatter else a.c.w.narrow
    cdef int by_columns = all_ < members * CONV_FEW and a.c.groups == 1 and not conv_turned(a)
    for r in range(a.op.run.rows):
        a.row = r
        a.image = <const real *>a.source + r * a.source_row
        if conv_pads(a.c, a.scatter, a.source_last):
            a.slice = (tall + members - 1) // members if a.source_row >= CONV_COPIED else tall
            cnn_parallel_for(a.op.run.team, (tall + a.slice - 1) // a.slice, conv_pad_slice, a)
            a.image = room
        y = conv_target(a, r, <real *>room)
        a.pixels = y
        if by_columns:
            a.slice = ((conv_columns(a) + members - 1) // members + 15) // 16 * 16
            cnn_parallel_for(a.op.run.team, (conv_columns(a) + a.slice - 1) // a.slice, conv_columns_slice, a)
        else:
            a.slice = (all_ + members - 1) // members
            if conv_turned(a) or (a.c.planes and not a.scatter):  # whole rows
                width *= WINOGRAD if conv_turned(a) else 1
                a.slice = (a.slice + width - 1) // width * width
            cnn_parallel_for(a.op.run.team, (all_ + a.slice - 1) // a.slice, conv_pixels_slice, a)
        conv_end(a, r, y)
        if a.scatter or a.c.planes or by_columns:
            op_follow(a.op, tag, r * a.target_row, a.target_row)

cdef void conv_matrix(const ConvWork *a, const real *tag, size_t first, size_t n, int32_t member) noexcept nogil:
    """A pointwise convolution: pixels first .. first + n - 1 of all images."""
    cdef const Conv *c = a.c
    cdef size_t from_ = c.filters if a.scatter else c.channels, to = c.channels if a.scatter else c.filters
    if a.op.kept != NULL:
        panels_product(a.op.run.kernels, n, 0, to, from_, <const real *>a.source + first * from_, <const real *>a.op.kept, <const real *>a.start,
                       <real *>a.target + first * to, to)
    else:
        k_gemm(a.op.run.kernels, 0, not a.scatter, n, to, from_, <const real *>a.source + first * from_, from_, <const real *>a.weights, c.channels,
               <real *>a.target + first * to, to, a.accumulate, <const real *>a.start,
               <real *>(<char *>a.op.scratch + <size_t>member * <size_t>a.op.plan.integer[0]))
    op_follow(a.op, tag, first * to, n * to)

cdef void conv_matrix_slice(void *arg, size_t index, int32_t member) noexcept nogil:
    cdef const ConvWork *a = <const ConvWork *>arg
    cdef size_t all_ = a.op.run.rows * conv_pixels(a), first = index * a.slice, n = a.slice if all_ - first > a.slice else all_ - first
    if a.c.item == sizeof(float):
        conv_matrix(a, <const float *>a.source, first, n, member)
    else:
        conv_matrix(a, <const double *>a.source, first, n, member)

cdef size_t conv_slices(const Op *op) noexcept nogil:
    """Into how many parts the op's work is divided."""
    return slice_count(op, op.run.team, <double>op.run.rows * op.plan.flops)

cdef void conv_apply(const Op *op, int scatter, const PlanValue *from_, const real *source, const PlanValue *to, real *target, const real *weights,
                     const real *start, int accumulate) noexcept nogil:
    """A gather or a scatter of all images of the tile, to (+)= from."""
    cdef ConvWork a
    cdef const Conv *c = <const Conv *>op.plan.table
    cdef size_t slices = conv_slices(op), rows = op.run.rows, grain
    memset(&a, 0, sizeof(a))
    a.op = op
    a.c = c
    a.scatter = scatter
    a.source_last = lies_last(from_)
    a.target_last = lies_last(to)
    a.accumulate = accumulate
    a.source_row = from_.row
    a.target_row = to.row
    a.source = source
    a.target = target
    a.start = start
    if c.pointwise:
        a.weights = weights
        a.slice = (rows * conv_pixels(&a) + slices - 1) // slices
        if slices > 1:
            grain = SLICE_GRAIN if a.slice > 8 * SLICE_GRAIN else 1
            a.slice = (a.slice + grain - 1) // grain * grain
            cnn_parallel_for(op.run.team, (rows * conv_pixels(&a) + a.slice - 1) // a.slice, conv_matrix_slice, &a)
        else:
            conv_matrix_slice(&a, 0, 0)
        return
    if op.kept != NULL:
        a.weights = op.kept
    elif c.depthwise:
        a.weights = depthwise_order(op, c, weights, op.scratch)
    else:
        conv_order(&a, weights, op.scratch, <char *>op.scratch + c.weights)
    if c.depthwise:
        depthwise_apply(&a, source, slices)
        return
    if slices > 1 and rows < slices and not conv_spread_out(&a):
        conv_divided(&a, source)
    elif slices > 1 and conv_members(op.plan) > 1:
        a.slice = (rows + 2 * slices - 1) // (2 * slices)
        cnn_parallel_for(op.run.team, (rows + a.slice - 1) // a.slice, conv_images_slice, &a)
    else:
        a.slice = rows
        conv_images_slice(&a, 0, 0)


# ---- Gradients of the parameters

cdef void conv_weights_part(const ConvWork *a, const real *tag, size_t first, size_t n, int32_t member) noexcept nogil:
    """Elements first .. first + n - 1 of the windows, over all images."""
    cdef const Conv *c = a.c
    cdef const cnn_kernels *k = a.op.run.kernels
    cdef real *room = <real *>conv_scratch_of(a.op, c, member)
    cdef real *plain = <real *>(<char *>room + c.source)
    cdef const real *x
    cdef const real *dy
    cdef size_t r
    conv_zero(c, 0, a.source_last, room, 0, c.h.wide)
    for r in range(a.op.run.rows):
        x = conv_padded(k, c, 0, <const real *>a.source + r * a.source_row, a.source_last, room, 0, c.h.wide)
        dy = <const real *>a.other + r * a.target_row
        if not a.target_last and not c.planes:
            to_last(k, c.filters, c.h.narrow * c.w.narrow, dy, plain)
            dy = plain
        conv_outer(k, c, x, dy, <real *>a.target, first, n, a.accumulate or r)

cdef void conv_weights_slice(void *arg, size_t index, int32_t member) noexcept nogil:
    cdef const ConvWork *a = <const ConvWork *>arg
    cdef size_t all_ = a.c.taps * (a.c.channels // a.c.groups)
    cdef size_t first = index * a.slice, n = a.slice if all_ - first > a.slice else all_ - first
    if a.c.item == sizeof(float):
        conv_weights_part(a, <const float *>a.source, first, n, member)
    else:
        conv_weights_part(a, <const double *>a.source, first, n, member)

cdef void conv_matrix_weights(const ConvWork *a, const real *tag, size_t first, size_t n, int32_t member) noexcept nogil:
    """Of a pointwise convolution: filters first .. first + n - 1."""
    cdef const Conv *c = a.c
    k_gemm(a.op.run.kernels, 1, 0, n, c.channels, a.op.run.rows * c.h.wide * c.w.wide, <const real *>a.other + first, c.filters,
           <const real *>a.source, c.channels, <real *>a.target + first * c.channels, c.channels, a.accumulate, <const real *>NULL,
           <real *>(<char *>a.op.scratch + <size_t>member * <size_t>a.op.plan.integer[0]))

cdef void conv_matrix_weights_slice(void *arg, size_t index, int32_t member) noexcept nogil:
    cdef const ConvWork *a = <const ConvWork *>arg
    cdef size_t first = index * a.slice, n = a.slice if a.c.filters - first > a.slice else a.c.filters - first
    if a.c.item == sizeof(float):
        conv_matrix_weights(a, <const float *>a.source, first, n, member)
    else:
        conv_matrix_weights(a, <const double *>a.source, first, n, member)

cdef void conv_weights_gradient(const Op *op, const PlanValue *wide, const real *x, const PlanValue *narrow, const real *dy, real *dw, int adds) noexcept nogil:
    """dw (+)= the sum over images of wide windows x narrow pixels."""
    cdef ConvWork a
    cdef const Conv *c = <const Conv *>op.plan.table
    cdef size_t slices = conv_slices(op), all_ = c.taps * (c.channels // c.groups), grain
    memset(&a, 0, sizeof(a))
    a.op = op
    a.c = c
    a.source_last = lies_last(wide)
    a.target_last = lies_last(narrow)
    a.accumulate = adds
    a.source_row = wide.row
    a.target_row = narrow.row
    a.source = x
    a.other = dy
    if c.pointwise:
        a.target = dw
        a.slice = (c.filters + slices - 1) // slices
        grain = SLICE_GRAIN if a.slice > SLICE_GRAIN else CONV_GRAIN
        a.slice = (a.slice + grain - 1) // grain * grain
        cnn_parallel_for(op.run.team, (c.filters + a.slice - 1) // a.slice, conv_matrix_weights_slice, &a)
        return
    if c.depthwise:
        depthwise_weights_gradient(&a, dw, slices)
        return
    a.target = op.scratch
    if adds:
        conv_pack(op.run.kernels, c, <const real *>dw, <real *>op.scratch, 0, c.channels // c.groups)
    slices = slices if slices < conv_members(op.plan) else conv_members(op.plan)
    slices = slices if slices < all_ else all_
    a.slice = (all_ + slices - 1) // slices
    cnn_parallel_for(op.run.team, (all_ + a.slice - 1) // a.slice, conv_weights_slice, &a)
    conv_unpack(op.run.kernels, c, <const real *>op.scratch, dw)

cdef void conv_bias_gradient(const Op *op, const PlanValue *y, const real *dy, real *db, int adds) noexcept nogil:
    """db (+)= the sum over images and pixels."""
    cdef const Conv *c = <const Conv *>op.plan.table
    cdef size_t channels = y.dims[1], pixels = y.row // channels, r, i
    cdef real *room = <real *>conv_scratch_of(op, c, 0)
    if not adds:
        memset(db, 0, channels * sizeof(real))
    if lies_last(y):
        k_sum_rows(op.run.kernels, op.run.rows * pixels, channels, dy, channels, db)
        return
    for r in range(op.run.rows):
        if c.planes:
            for i in range(channels):
                db[i] += k_sum(op.run.kernels, pixels, dy + r * y.row + i * pixels)
            continue
        to_last(op.run.kernels, channels, pixels, dy + r * y.row, room)
        k_sum_rows(op.run.kernels, pixels, channels, <const real *>room, channels, db)
