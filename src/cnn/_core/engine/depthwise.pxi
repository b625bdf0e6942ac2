# Depthwise convolutions, a filter for each channel: the three products of convolution.pxi in another way, for here memory is the limit.
#
# No image is padded. The outputs of an axis whose windows have the same taps inside the image are a *span*; a span of the height by one of
# the width is a call of the kernel, which leaves out the taps that would meet zeros. Of 3 x 3 neighbouring taps, outputs one apart or,
# where the instruction set has it, two, it does that itself at the border of an image, which then is one call. Images are read and written
# where they lie; those that are channels first, and those whose pixels would drive each other out of the first cache, by way of a block of
# channels in scratch.
# Threads take images of their own or, where there are fewer images than threads, rows of each: those that the convolutions before and
# behind give to the same thread. Channels know nothing of each other: of an image that needs scratch, and of the weights' gradient, they take
# those.

cdef enum:
    DEPTHWISE_BLOCK = 256     # bytes of a pixel in scratch
    DEPTHWISE_GRAIN = 64      # bytes of channels: a line of a cache belongs to one thread


cdef void depthwise_describe(const OpPlan *p, const PlanValue *wide, const PlanValue *narrow, Conv *c) noexcept nogil:
    """What a plan needs to know: blocks and scratch."""
    cdef const PlanValue *y = &p.values[p.output]
    if c.item == sizeof(float):
        depthwise_way(p, c, <const float *>NULL)
    else:
        depthwise_way(p, c, <const double *>NULL)
    c.block = c.channels
    if c.packs or not lies_last(wide) or not lies_last(narrow):
        c.block = DEPTHWISE_BLOCK // c.item if c.channels > DEPTHWISE_BLOCK // c.item else c.channels
        c.work = depthwise_room(c, c.h.wide * c.w.wide) + depthwise_room(c, c.h.narrow * c.w.narrow)
    if p.training and not lies_last(y):  # for the gradient of the bias
        c.target = rounded(y.row * c.item)

cdef void depthwise_way(const OpPlan *p, Conv *c, const real *tag) noexcept nogil:
    cdef size_t apart
    for apart in range(1, 3):
        if k_depthwise_joins(p.kernels, apart, tag):
            c.joins = <int32_t>apart
    apart = c.h.stride
    c.packs = k_depthwise_packs(p.kernels, c.channels, c.h.kernel == 3 and c.w.kernel == 3 and c.h.dilation * c.w.dilation == 1
                                and apart == c.w.stride and apart <= <size_t>c.joins, tag)
    c.doubles = k_depthwise_doubles(p.kernels, c.channels, tag)

cdef inline size_t depthwise_room(const Conv *c, size_t pixels) noexcept nogil:
    return rounded(pixels * c.block * c.item)

cdef inline size_t depthwise_tables(const Conv *c) noexcept nogil:
    return (c.h.narrow + c.w.narrow + (c.h.wide + c.w.wide if c.scatters else 0)) * sizeof(ConvSpan)

cdef void depthwise_prepare(Conv *c, ConvSpan *to) noexcept nogil:
    to = depthwise_axes(c, 0, to)
    c.doubles = c.doubles and depthwise_doubled(&c.h, c.span[0]) and depthwise_doubled(&c.w, c.span[1])
    if c.scatters and not c.doubles:
        depthwise_axes(c, 1, to)

cdef ConvSpan *depthwise_axes(Conv *c, int scatter, ConvSpan *to) noexcept nogil:
    """The spans of both. Returns where the next ones go."""
    cdef size_t i
    cdef int apart
    cdef ConvSpan whole[2]
    cdef ConvSpan **span = &c.span[2 * scatter]
    cdef size_t *spans = &c.spans[2 * scatter]
    for i in range(2):
        span[i] = to
        spans[i] = depthwise_spans(&c.w if i else &c.h, scatter, to)
        to += spans[i]
    apart = depthwise_joined(span[0], spans[0], &whole[0])
    if apart and apart <= c.joins and apart == depthwise_joined(span[1], spans[1], &whole[1]):
        for i in range(2):
            span[i][0] = whole[i]
            spans[i] = 1
    return to

cdef int depthwise_doubled(const ConvAxis *a, const ConvSpan *s) noexcept nogil:
    """Whether the outputs of an axis are one span, two neighbouring pixels apart, that meets all pixels."""
    return (s.taps == 3 and s.tap_step == 1 and s.from_step == 2 and <size_t>s.count == a.narrow
            and a.wide == 2 * a.narrow + 1 - <size_t>(s.before + s.after))

cdef int depthwise_joined(const ConvSpan *s, size_t n, ConvSpan *whole) noexcept nogil:
    """How many taps apart outputs are where an axis is outputs of three taps but for a first and a last one that may lack the outermost: all as
    one span. 0: it is not."""
    cdef size_t i = 0 if s[0].taps == 3 else 1
    if i >= n or n > i + 2 or s[i].taps != 3 or s[i].step != 1 or s[i].from_step % s[i].tap_step:
        return 0
    whole[0] = s[i]
    if i:
        if s[0].taps != 2 or s[0].count != 1 or s[0].weight != s[i].weight + s[i].weight_step:
            return 0
        whole.first = s[0].first
        whole.from_ = s[0].from_
        whole.before = 1
    if n == i + 2:
        if s[i + 1].taps != 2 or s[i + 1].count != 1 or s[i + 1].weight != s[i].weight:
            return 0
        whole.after = 1
    whole.count += whole.before + whole.after
    return whole.from_step // whole.tap_step

cdef size_t depthwise_spans(const ConvAxis *a, int scatter, ConvSpan *to) noexcept nogil:
    """The spans of an axis, and how many there are. In scatters outputs of one phase are neighbours, and taps go downwards, as in
    conv_prepare_phases."""
    cdef size_t phases = 1, outputs = a.narrow, n = 0, i, output, begin
    cdef ConvSpan s
    cdef ConvSpan *last
    if scatter:
        outputs = a.wide
        phases = a.stride if a.stride < a.wide else a.wide
    for i in range(phases):
        begin = n
        output = i
        while output < outputs:
            s = depthwise_span(a, scatter, output)
            s.step = <int32_t>phases
            s.from_step = 1 if scatter else <int32_t>a.stride
            last = &to[n - 1]
            if n > begin and last.taps == s.taps and last.weight == s.weight:
                last.count += 1
            else:
                to[n] = s
                n += 1
            output += phases
    return n

cdef ConvSpan depthwise_span(const ConvAxis *a, int scatter, size_t output) noexcept nogil:
    """Of a single output."""
    cdef ConvSpan s
    cdef size_t i, u, at
    cdef int32_t pixel
    memset(&s, 0, sizeof(ConvSpan))
    s.first = <int32_t>output
    s.count = 1
    for i in range(a.kernel):
        u = a.kernel - 1 - i if scatter else i
        if scatter:
            at = output + a.before
            if at < u * a.dilation or (at - u * a.dilation) % a.stride or (at - u * a.dilation) // a.stride >= a.narrow:
                continue
            pixel = <int32_t>((at - u * a.dilation) // a.stride)
        else:
            at = output * a.stride + u * a.dilation
            if at < a.before or at - a.before >= a.wide:
                continue
            pixel = <int32_t>(at - a.before)
        if s.taps == 0:
            s.from_ = pixel
            s.weight = <int32_t>u
        elif s.taps == 1:
            s.tap_step = pixel - s.from_
            s.weight_step = <int32_t>u - s.weight
        s.taps += 1
    return s


# ---- One image

cdef void depthwise_rectangle(const Conv *c, int scatter, const ConvSpan *v, const ConvSpan *h, size_t ldx, size_t ldy, cnn_taps *g) noexcept nogil:
    cdef ptrdiff_t row = <ptrdiff_t>((c.w.narrow if scatter else c.w.wide) * ldx), row_out = <ptrdiff_t>((c.w.wide if scatter else c.w.narrow) * ldy)
    g.rows = <size_t>v.count
    g.columns = <size_t>h.count
    g.height = <size_t>v.taps
    g.width = <size_t>h.taps
    g.x_row = v.from_step * row
    g.x_column = h.from_step * <ptrdiff_t>ldx
    g.y_row = v.step * row_out
    g.y_column = h.step * <ptrdiff_t>ldy
    g.tap_row = v.tap_step * row
    g.tap_column = h.tap_step * <ptrdiff_t>ldx
    g.weight_row = v.weight_step * <ptrdiff_t>(c.w.kernel * c.channels)
    g.weight_column = h.weight_step * <ptrdiff_t>c.channels
    g.top = v.before
    g.bottom = v.after
    g.left = h.before
    g.right = h.after

cdef const real *depthwise_read(const ConvWork *a, const real *x, size_t pixels, int last, size_t first, size_t n, real *room, size_t *ld) noexcept nogil:
    """Channels first .. first + n - 1 of an image, channels last; ld: from a pixel to the next."""
    cdef size_t i
    ld[0] = a.c.channels
    if last and not a.c.packs:
        return x + first
    ld[0] = n
    if last:
        for i in range(pixels):
            memcpy(room + i * n, x + i * a.c.channels + first, n * sizeof(real))
    else:
        to_last(a.op.run.kernels, n, pixels, x + first * pixels, room)
    return room

cdef int depthwise_cut(const ConvSpan *s, size_t begin, size_t stop, ConvSpan *part) noexcept nogil:
    """What a span has of outputs begin .. stop - 1; 0: nothing."""
    cdef int32_t low = (<int32_t>begin - s.first + s.step - 1) // s.step if <int32_t>begin > s.first else 0
    cdef int32_t high = (<int32_t>stop - s.first + s.step - 1) // s.step if <int32_t>stop > s.first else 0
    part[0] = s[0]
    if high >= s.count:
        high = s.count
    else:
        part.after = 0
    if low >= high:
        return 0
    part.count = high - low
    if low:
        part.first += low * s.step
        part.from_ += low * s.from_step - s.before * s.tap_step
        part.before = 0
    return 1

cdef void depthwise_image(const ConvWork *a, const real *x, const real *start, real *y, size_t first, size_t end, size_t begin, size_t stop,
                          int32_t member) noexcept nogil:
    """Channels first .. end - 1 of rows begin .. stop - 1 (depthwise_height) of y, a gather or a scatter of x. Rows are all of them where y is
    not written in its place."""
    cdef const Conv *c = a.c
    cdef const cnn_kernels *k = a.op.run.kernels
    cdef size_t from_pixels = c.h.narrow * c.w.narrow if a.scatter else c.h.wide * c.w.wide, pixels = conv_pixels(a), n, ldx, ldy, i, j
    cdef size_t row = c.w.narrow if a.scatter else c.w.wide, row_out = c.w.wide if a.scatter else c.w.narrow, axis = 2 if a.scatter else 0
    cdef real *room = <real *>conv_work_of(a.op, c, member)
    cdef real *room_out = <real *>(<char *>room + depthwise_room(c, from_pixels))
    cdef real *to
    cdef const real *from_
    cdef const real *b
    cdef ConvSpan v
    cdef const ConvSpan *h
    cdef cnn_taps g
    while first < end:
        n = c.block if end - first > c.block else end - first
        from_ = depthwise_read(a, x, from_pixels, a.source_last, first, n, room, &ldx)
        to = y + first
        ldy = c.channels
        if not a.target_last:
            to = room_out
            ldy = n
            if a.accumulate:
                to_last(k, n, pixels, y + first * pixels, to)
        if a.scatter and c.doubles:
            depthwise_rectangle(c, 0, c.span[0], c.span[1], ldy, ldx, &g)
            l_depthwise_scatter(k, &g, begin, stop, n, from_, <const real *>a.weights + first, start + first if start != NULL else NULL, to,
                                a.accumulate)
        for i in range(0 if a.scatter and c.doubles else c.spans[axis]):
            if not depthwise_cut(&c.span[axis][i], begin, stop, &v):
                continue
            for j in range(c.spans[axis + 1]):
                h = &c.span[axis + 1][j]
                depthwise_rectangle(c, a.scatter, &v, h, ldx, ldy, &g)
                b = <const real *>a.weights + (<size_t>v.weight * c.w.kernel + <size_t>h.weight) * c.channels + first
                k_depthwise_forward(k, &g, n, from_ + (<size_t>v.from_ * row + <size_t>h.from_) * ldx, b, start + first if start != NULL else NULL,
                                    to + (<size_t>v.first * row_out + <size_t>h.first) * ldy, a.accumulate)
        if not a.target_last:
            to_plain(k, n, pixels, to, y + first * pixels)
        first += n

cdef void depthwise_image_outer(const ConvWork *a, const real *x, const real *dy, real *dw, size_t first, size_t end, int32_t member) noexcept nogil:
    """Channels first .. end - 1 of dw += the sum over the pixels of dy."""
    cdef const Conv *c = a.c
    cdef const cnn_kernels *k = a.op.run.kernels
    cdef size_t wide = c.h.wide * c.w.wide, narrow = c.h.narrow * c.w.narrow, n, ldx, ldy, i, j
    cdef real *room = <real *>conv_work_of(a.op, c, member)
    cdef const real *from_
    cdef const real *to
    cdef const ConvSpan *v
    cdef const ConvSpan *h
    cdef cnn_taps g
    while first < end:
        n = c.block if end - first > c.block else end - first
        from_ = depthwise_read(a, x, wide, a.source_last, first, n, room, &ldx)
        to = depthwise_read(a, dy, narrow, a.target_last, first, n, <real *>(<char *>room + depthwise_room(c, wide)), &ldy)
        for i in range(c.spans[0]):
            v = &c.span[0][i]
            for j in range(c.spans[1]):
                h = &c.span[1][j]
                depthwise_rectangle(c, 0, v, h, ldx, ldy, &g)
                k_depthwise_outer(k, &g, n, from_ + (<size_t>v.from_ * c.w.wide + <size_t>h.from_) * ldx,
                                  to + (<size_t>v.first * c.w.narrow + <size_t>h.first) * ldy,
                                  dw + (<size_t>v.weight * c.w.kernel + <size_t>h.weight) * c.channels + first)
        first += n


# ---- The images of a tile

cdef void depthwise_part(const ConvWork *a, const real *tag, size_t first_row, size_t end_row, size_t first, size_t end, int32_t member) noexcept nogil:
    """Channels first .. end - 1 of some images; the sum over them where a.other is theirs."""
    cdef const Conv *c = a.c
    cdef real *dw = <real *>a.target
    cdef size_t r
    if a.other != NULL and not a.accumulate:
        for r in range(c.taps):
            memset(dw + r * c.channels + first, 0, (end - first) * sizeof(real))
    for r in range(first_row, end_row):
        if a.other != NULL:
            depthwise_image_outer(a, <const real *>a.source + r * a.source_row, <const real *>a.other + r * a.target_row, dw, first, end, member)
        else:
            depthwise_image(a, <const real *>a.source + r * a.source_row, <const real *>a.start, <real *>a.target + r * a.target_row, first, end,
                            0, depthwise_height(a), member)
            if end - first == c.channels:
                op_follow(a.op, tag, r * a.target_row, a.target_row)

cdef inline size_t depthwise_height(const ConvWork *a) noexcept nogil:
    """Rows of y or, where a row of x makes two of them, of x."""
    return a.c.h.wide if a.scatter and not a.c.doubles else a.c.h.narrow

cdef void depthwise_rows(const ConvWork *a, const real *tag, size_t row, size_t begin, size_t stop, int32_t member) noexcept nogil:
    """Rows (depthwise_height) of one image, and of what follows."""
    cdef size_t of_row = a.target_row // (a.c.h.wide if a.scatter else a.c.h.narrow)
    depthwise_image(a, <const real *>a.source + row * a.source_row, <const real *>a.start, <real *>a.target + row * a.target_row, 0, a.c.channels,
                    begin, stop, member)
    if a.scatter and a.c.doubles:
        begin = 2 * begin - <size_t>a.c.span[0].before if begin else 0
        stop = 2 * stop - <size_t>a.c.span[0].before if stop < a.c.h.narrow else a.c.h.wide
    op_follow(a.op, tag, row * a.target_row + begin * of_row, (stop - begin) * of_row)

cdef void depthwise_rows_slice(void *arg, size_t index, int32_t member) noexcept nogil:
    cdef const ConvWork *a = <const ConvWork *>arg
    cdef size_t all_ = depthwise_height(a), parts = (all_ + a.slice - 1) // a.slice
    cdef size_t begin = index % parts * a.slice, stop = begin + a.slice if all_ - begin > a.slice else all_
    if a.c.item == sizeof(float):
        depthwise_rows(a, <const float *>NULL, index // parts, begin, stop, member)
    else:
        depthwise_rows(a, <const double *>NULL, index // parts, begin, stop, member)

cdef void depthwise_images_slice(void *arg, size_t index, int32_t member) noexcept nogil:
    cdef const ConvWork *a = <const ConvWork *>arg
    cdef size_t first = index * a.slice, end = first + a.slice if a.op.run.rows - first > a.slice else a.op.run.rows
    if a.c.item == sizeof(float):
        depthwise_part(a, <const float *>NULL, first, end, 0, a.c.channels, member)
    else:
        depthwise_part(a, <const double *>NULL, first, end, 0, a.c.channels, member)

cdef void depthwise_channels_slice(void *arg, size_t index, int32_t member) noexcept nogil:
    cdef const ConvWork *a = <const ConvWork *>arg
    cdef size_t first = index * a.slice, end = first + a.slice if a.c.channels - first > a.slice else a.c.channels
    if a.c.item == sizeof(float):
        depthwise_part(a, <const float *>NULL, 0, a.op.run.rows, first, end, member)
    else:
        depthwise_part(a, <const double *>NULL, 0, a.op.run.rows, first, end, member)

cdef void depthwise_by_channels(ConvWork *a, size_t slices) noexcept nogil:
    cdef size_t grain = DEPTHWISE_GRAIN // a.c.item
    a.slice = ((a.c.channels + slices - 1) // slices + grain - 1) // grain * grain
    if slices == 1:
        a.slice = a.c.channels
    cnn_parallel_for(a.op.run.team, (a.c.channels + a.slice - 1) // a.slice, depthwise_channels_slice, a)

cdef const void *depthwise_order(const Op *op, const Conv *c, const real *weights, void *to) noexcept nogil:
    """Puts the weights in the order of the kernel."""
    k_transpose(op.run.kernels, c.channels, c.taps, weights, c.taps, <real *>to, c.channels)
    return to

cdef void depthwise_apply(ConvWork *a, const real *tag, size_t slices) noexcept nogil:
    """A gather or a scatter of all images of the tile."""
    if slices > 1 and a.op.run.rows >= slices:
        a.slice = (a.op.run.rows + 2 * slices - 1) // (2 * slices)
        cnn_parallel_for(a.op.run.team, (a.op.run.rows + a.slice - 1) // a.slice, depthwise_images_slice, a)
    elif slices > 1 and a.source_last and a.target_last and not a.c.packs:
        a.slice = (depthwise_height(a) + slices - 1) // slices
        cnn_parallel_for(a.op.run.team, a.op.run.rows * ((depthwise_height(a) + a.slice - 1) // a.slice), depthwise_rows_slice, a)
    else:
        depthwise_by_channels(a, slices)
        if a.slice < a.c.channels:
            op_follow(a.op, tag, 0, a.op.run.rows * a.target_row)

cdef void depthwise_weights_gradient(ConvWork *a, real *dw, size_t slices) noexcept nogil:
    """dw (+)= the sum over images."""
    cdef const Conv *c = a.c
    cdef const cnn_kernels *k = a.op.run.kernels
    a.target = a.op.scratch
    if a.accumulate:
        k_transpose(k, c.channels, c.taps, dw, c.taps, <real *>a.target, c.channels)
    depthwise_by_channels(a, slices)
    k_transpose(k, c.taps, c.channels, <const real *>a.target, c.channels, dw, c.taps)
