# Augmentation: images of a training batch are flipped, turned, scaled, moved and made noisy while they are gathered.
#
# What happens to a row is a function of (seed, epoch, step, the row's number), so not of tiles or threads. Each draw has its own place in
# the row's stream: an option more leaves the others' draws as they are. Every input of images is changed by the same draws.

cdef enum:
    DRAW_FLIP_ACROSS = 0
    DRAW_FLIP_DOWN = 1
    DRAW_SHIFT = 2         # down, across
    DRAW_CROP = 4
    DRAW_ANGLE = 6
    DRAW_SCALE = 7
    DRAWS = 8
    AUGMENT_NOISE = 256    # numbers at a time

cdef struct Augment:       # of a trainer
    cnn_augment how
    int32_t active
    void *scratch          # an image for each thread
    size_t room            # bytes of one

cdef struct Move:          # of one row: out[i][j] = x at (down[0] + down[1] i + down[2] j, across[0] + across[1] i + across[2] j)
    int32_t between        # the places are no whole numbers
    int32_t flip_down, flip_across
    ptrdiff_t by[2]        # whole pixels, after the flips
    double down[3]
    double across[3]

cdef struct Augmenting:    # the rows of one input, for several threads
    const Augment *augment
    const cnn_array *array
    const Inner *inner
    const uint32_t *rows
    void *to
    int32_t dtype, input
    size_t channels, height, width, first, n, slice
    uint64_t seed, epoch, step, first_row


cdef cnn_status augment_check(const cnn_augment *how, cnn_error *error) noexcept nogil:
    cdef cnn_status status = check_size(how.size, sizeof(cnn_augment), "cnn_augment", error)
    cdef int scaled = how.scale[0] != 0 or how.scale[1] != 0
    if status != CNN_OK:
        return status
    if not (how.shift[0] >= 0 and how.shift[1] >= 0 and m_isfinite(how.shift[0]) and m_isfinite(how.shift[1])):
        return cnn_fail(error, CNN_E_ARGUMENT, "augment: shift is %g, %g; it must be at least 0", how.shift[0], how.shift[1])
    if not (how.rotate >= 0 and how.rotate <= 180):
        return cnn_fail(error, CNN_E_ARGUMENT, "augment: rotate is %g degrees; it must be 0 to 180", how.rotate)
    if scaled and not (how.scale[0] >= 1e-6 and how.scale[0] <= how.scale[1] and how.scale[1] <= 1e6):
        return cnn_fail(error, CNN_E_ARGUMENT, "augment: scale is %g to %g; it must be from a factor of at least 1e-6 to one not below it, at most 1e6",
                        how.scale[0], how.scale[1])
    if not (how.noise >= 0 and m_isfinite(how.noise)):
        return cnn_fail(error, CNN_E_ARGUMENT, "augment: noise is %g; it must be at least 0", how.noise)
    if how.fill < CNN_FILL_CONSTANT or how.fill > CNN_FILL_REFLECT or not m_isfinite(how.fill_value):
        return cnn_fail(error, CNN_E_ARGUMENT, "augment: fill is %d, value %g; it must be CNN_FILL_CONSTANT (0) to CNN_FILL_REFLECT (2), the value finite",
                        <int>how.fill, how.fill_value)
    return CNN_OK


cdef cnn_status augment_fits(const cnn_augment *how, const char *name, size_t height, size_t width, cnn_error *error) noexcept nogil:
    """Some of every image is left."""
    cdef size_t size = height
    cdef double most
    cdef int i
    for i in range(2):
        most = how.shift[i] + <double>how.crop[i]
        if most >= <double>size:
            return cnn_fail(error, CNN_E_ARGUMENT, "augment: shift and crop move images by up to %g + %z pixels %s, and those of %s are %z %s",
                            how.shift[i], how.crop[i], b"across" if i else b"down", name, size, b"wide" if i else b"high")
        size = width
    return CNN_OK


cdef inline int is_images(const PlanValue *v) noexcept nogil:
    return v.rank == 4 and v.dtype == CNN_FLOAT32


cdef inline double augment_drawn(double uniform, double most) noexcept nogil:
    """Between -most and most."""
    return (2 * uniform - 1) * most

cdef inline ptrdiff_t augment_drawn_whole(double uniform, size_t most) noexcept nogil:
    return <ptrdiff_t>(uniform * <double>(2 * most + 1)) - <ptrdiff_t>most


cdef void augment_draw(const cnn_augment *how, const cnn_random *stream, size_t height, size_t width, Move *m) noexcept nogil:
    """Flips, then turning and scaling about the centre, then the shift."""
    cdef double u[DRAWS]
    cdef double by[2]
    cdef double angle, factor = 1, c, s
    cdef double middle_down = 0.5 * <double>(height - 1), middle_across = 0.5 * <double>(width - 1)
    cdef int i
    cnn_random_uniforms(stream, 0, DRAWS, u)
    m.flip_across = how.flip_horizontal and u[DRAW_FLIP_ACROSS] < 0.5
    m.flip_down = how.flip_vertical and u[DRAW_FLIP_DOWN] < 0.5
    for i in range(2):
        m.by[i] = augment_drawn_whole(u[DRAW_CROP + i], how.crop[i])
        if not how.fractional:
            m.by[i] += augment_drawn_whole(u[DRAW_SHIFT + i], <size_t>how.shift[i])
        by[i] = <double>m.by[i] + (augment_drawn(u[DRAW_SHIFT + i], how.shift[i]) if how.fractional else 0)
    m.between = how.rotate > 0 or how.scale[1] > 0 or (how.fractional and (how.shift[0] > 0 or how.shift[1] > 0))
    if not m.between:
        return
    angle = augment_drawn(u[DRAW_ANGLE], how.rotate) * 0.017453292519943295
    if how.scale[1] > 0:
        factor = how.scale[0] + u[DRAW_SCALE] * (how.scale[1] - how.scale[0])
    c = cnn_cos_f64(angle) / factor
    s = cnn_sin_f64(angle) / factor
    m.down[1] = c
    m.down[2] = s
    m.down[0] = middle_down - c * (middle_down + by[0]) - s * (middle_across + by[1])
    m.across[1] = -s
    m.across[2] = c
    m.across[0] = middle_across + s * (middle_down + by[0]) - c * (middle_across + by[1])
    if m.flip_down:
        m.down[0] = <double>(height - 1) - m.down[0]
        m.down[1] = -m.down[1]
        m.down[2] = -m.down[2]
    if m.flip_across:
        m.across[0] = <double>(width - 1) - m.across[0]
        m.across[1] = -m.across[1]
        m.across[2] = -m.across[2]


cdef inline ptrdiff_t augment_place(ptrdiff_t i, ptrdiff_t n, int32_t fill) noexcept nogil:
    """Where to look for pixel i of n; -1: there is none."""
    cdef ptrdiff_t period
    if i >= 0 and i < n:
        return i
    if fill == CNN_FILL_CONSTANT:
        return -1
    if fill == CNN_FILL_EDGE or n == 1:
        return 0 if i < 0 else n - 1
    period = 2 * (n - 1)
    i %= period
    if i < 0:
        i += period
    return i if i < n else period - i


cdef inline void augment_line(const cnn_augment *how, const Move *m, ptrdiff_t width, const real *x, real *y) noexcept nogil:
    """One line of an image, moved by whole pixels."""
    cdef ptrdiff_t by = m.by[1], first = by if by > 0 else 0, end = width + by if by < 0 else width, j, at, source
    if m.flip_across:
        for j in range(first, end):
            y[j] = x[width - 1 + by - j]
    else:
        memcpy(y + first, x + first - by, <size_t>(end - first) * sizeof(real))
    for j in range(first + width - end):
        at = j if j < first else end + j - first
        source = augment_place(at - by, width, how.fill)
        y[at] = <real>how.fill_value if source < 0 else x[width - 1 - source] if m.flip_across else x[source]


cdef void augment_whole(const cnn_augment *how, const Move *m, size_t channels, ptrdiff_t height, ptrdiff_t width, const real *x, real *y) noexcept nogil:
    cdef size_t k
    cdef ptrdiff_t i, j, at
    for k in range(channels):
        for i in range(height):
            at = augment_place(i - m.by[0], height, how.fill)
            if at < 0:
                for j in range(width):
                    y[j] = <real>how.fill_value
            else:
                augment_line(how, m, width, x + (height - 1 - at if m.flip_down else at) * width, y)
            y += width
        x += height * width


cdef inline real augment_pixel(const cnn_augment *how, ptrdiff_t height, ptrdiff_t width, const real *x, ptrdiff_t i, ptrdiff_t j) noexcept nogil:
    i = augment_place(i, height, how.fill)
    j = augment_place(j, width, how.fill)
    return <real>how.fill_value if i < 0 or j < 0 else x[i * width + j]


cdef inline ptrdiff_t augment_floor(double x) noexcept nogil:
    cdef ptrdiff_t i = <ptrdiff_t>x
    return i - 1 if <double>i > x else i


cdef void augment_between(const cnn_augment *how, const Move *m, size_t channels, ptrdiff_t height, ptrdiff_t width, const real *x, real *y) noexcept nogil:
    """Bilinear: each pixel from the four around its place."""
    cdef ptrdiff_t i, j, down, across, plane = height * width
    cdef size_t k
    cdef double at_down, at_across
    cdef real a, b, top, bottom
    cdef const real *p
    for i in range(height):
        for j in range(width):
            at_down = m.down[0] + m.down[1] * <double>i + m.down[2] * <double>j
            at_across = m.across[0] + m.across[1] * <double>i + m.across[2] * <double>j
            down = augment_floor(at_down)
            across = augment_floor(at_across)
            a = <real>(at_down - <double>down)
            b = <real>(at_across - <double>across)
            if down >= 0 and down < height - 1 and across >= 0 and across < width - 1:
                p = x + down * width + across
                for k in range(channels):
                    top = p[0] + b * (p[1] - p[0])
                    bottom = p[width] + b * (p[width + 1] - p[width])
                    y[<ptrdiff_t>k * plane] = top + a * (bottom - top)
                    p += plane
            else:
                p = x
                for k in range(channels):
                    top = augment_pixel(how, height, width, p, down, across)
                    top += b * (augment_pixel(how, height, width, p, down, across + 1) - top)
                    bottom = augment_pixel(how, height, width, p, down + 1, across)
                    bottom += b * (augment_pixel(how, height, width, p, down + 1, across + 1) - bottom)
                    y[<ptrdiff_t>k * plane] = top + a * (bottom - top)
                    p += plane
            y += 1


cdef void augment_noise(double std, const cnn_random *stream, size_t n, real *y) noexcept nogil:
    cdef double noise[AUGMENT_NOISE]
    cdef size_t first = 0, some, i
    while first < n:
        some = n - first if n - first < AUGMENT_NOISE else AUGMENT_NOISE
        cnn_random_normals(stream, first, some, noise)
        for i in range(some):
            y[first + i] += <real>(std * noise[i])
        first += some


cdef void augment_rows(const Augmenting *c, size_t at, size_t n, real *scratch) noexcept nogil:
    cdef const cnn_augment *how = &c.augment.how
    cdef const cnn_array *a = c.array
    cdef size_t row = c.inner.row, item = sizeof(real), i, r
    cdef const char *source
    cdef const real *x
    cdef real *y
    cdef cnn_random stream
    cdef Move m
    cdef int same = a.dtype == <int32_t>(CNN_FLOAT32 if sizeof(real) == sizeof(float) else CNN_FLOAT64) and not a.swapped and c.inner.rank == 0
    for i in range(at, at + n):
        r = c.rows[c.first + i] if c.rows != NULL else c.first + i
        source = <const char *>a.data + <ptrdiff_t>r * a.strides[0]
        if same and <size_t>source % item == 0:
            x = <const real *>source
        else:
            gather_row(a, c.inner, source, scratch)
            x = scratch
        y = <real *>c.to + i * row
        stream = cnn_random_at(c.seed, CNN_RANDOM_AUGMENT, 0, c.epoch, c.step, c.first_row + i)
        augment_draw(how, &stream, c.height, c.width, &m)
        if m.between:
            augment_between(how, &m, c.channels, <ptrdiff_t>c.height, <ptrdiff_t>c.width, x, y)
        else:
            augment_whole(how, &m, c.channels, <ptrdiff_t>c.height, <ptrdiff_t>c.width, x, y)
        if how.noise > 0:
            stream = cnn_random_at(c.seed, CNN_RANDOM_AUGMENT, 1 + <uint32_t>c.input, c.epoch, c.step, c.first_row + i)
            augment_noise(how.noise, &stream, row, y)


cdef void augment_slice(void *arg, size_t index, int32_t member) noexcept nogil:
    cdef const Augmenting *c = <const Augmenting *>arg
    cdef size_t at = index * c.slice, n = c.n - at if c.n - at < c.slice else c.slice
    cdef void *scratch = <char *>c.augment.scratch + <size_t>member * c.augment.room
    if c.dtype == CNN_FLOAT32:
        augment_rows(c, at, n, <float *>scratch)
    else:
        augment_rows(c, at, n, <double *>scratch)


cdef void augment_run(Augmenting *c, int32_t member, const cnn_executor *team, int32_t members) noexcept nogil:
    """All rows, by this thread or by all of a team."""
    c.slice = c.n
    if team == NULL or c.n * c.inner.row < 8192:
        augment_slice(c, 0, member)
    else:
        c.slice = (c.n + <size_t>members - 1) // <size_t>members
        cnn_parallel_for(team, (c.n + c.slice - 1) // c.slice, augment_slice, c)


cdef size_t augment_room(size_t row, int32_t dtype) noexcept nogil:
    return rounded(row * dtype_size(dtype))
