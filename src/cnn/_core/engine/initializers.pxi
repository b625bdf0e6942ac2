# Initial values of parameters: the distributions of torch.nn.init, none of them truncated.
#
# Every number is drawn in double, as element e of the stream (seed, INIT, index), and then rounded: a float32 and a float64 network of one
# seed begin with the same numbers, whatever else is in the network.

cdef enum:
    INIT_CHUNK = 256

cdef int32_t default_init(int32_t activation) noexcept nogil:
    """What suits the activation that follows. The rectifier family passes on about half of the variance, which he_normal makes up for
    (He et al. 2015); selu keeps mean 0 and variance 1 only after lecun_normal (Klambauer et al. 2017); the saturating ones, softmax and
    linear outputs take glorot_uniform (Glorot & Bengio 2010)."""
    if activation == CNN_SELU:
        return CNN_INIT_LECUN_NORMAL
    if (activation == CNN_RELU or activation == CNN_LEAKY_RELU or activation == CNN_ELU or activation == CNN_GELU or activation == CNN_GELU_TANH
            or activation == CNN_SILU or activation == CNN_SOFTPLUS or activation == CNN_HARD_SWISH):
        return CNN_INIT_HE_NORMAL
    return CNN_INIT_GLOROT_UNIFORM


cdef void init_scale(const Block *b, double *std, double *bound) noexcept nogil:
    """The standard deviation of a normal initializer, or the bound of a uniform one on [-bound, bound); 0: not of that kind."""
    cdef double fan_in = <double>(b.fan_in if b.fan_in else 1), fan_out = <double>(b.fan_out if b.fan_out else 1)
    std[0] = 0
    bound[0] = 0
    if b.init == CNN_INIT_NORMAL:
        std[0] = 1
    elif b.init == CNN_INIT_GLOROT_UNIFORM:
        bound[0] = sqrt(6 / (fan_in + fan_out))
    elif b.init == CNN_INIT_GLOROT_NORMAL:
        std[0] = sqrt(2 / (fan_in + fan_out))
    elif b.init == CNN_INIT_HE_UNIFORM:
        bound[0] = sqrt(6 / fan_in)
    elif b.init == CNN_INIT_HE_NORMAL:
        std[0] = sqrt(2 / fan_in)
    elif b.init == CNN_INIT_LECUN_NORMAL:
        std[0] = sqrt(1 / fan_in)


cdef double dot_in_four(size_t n, const double *x, const double *y) noexcept nogil:
    """x . y in four running sums, which a compiler may keep side by side."""
    cdef double a = 0, b = 0, c = 0, d = 0
    cdef size_t i, whole = n // 4 * 4
    for i in range(0, whole, 4):
        a += x[i] * y[i]
        b += x[i + 1] * y[i + 1]
        c += x[i + 2] * y[i + 2]
        d += x[i + 3] * y[i + 3]
    for i in range(whole, n):
        a += x[i] * y[i]
    return (a + b) + (c + d)

cdef void orthonormalize(size_t count, size_t length, double *vectors) noexcept nogil:
    """Makes count <= length vectors orthonormal, by Gram-Schmidt, each against its forerunners twice ("twice is enough": Parlett, The
    Symmetric Eigenvalue Problem, 6-9). It is the Q of a QR factorization whose R has a positive diagonal: of a normal matrix, a Q that is
    uniform over all orthogonal ones, with no signs left to fix (Mezzadri 2007)."""
    cdef double *v
    cdef const double *u
    cdef double part
    cdef size_t i, j, k, twice
    for i in range(count):
        v = vectors + i * length
        for twice in range(2):
            for j in range(i):
                u = vectors + j * length
                part = dot_in_four(length, u, v)
                for k in range(length):
                    v[k] -= part * u[k]
        part = 1 / sqrt(dot_in_four(length, v, v))
        for k in range(length):
            v[k] *= part

cdef cnn_status initialize_orthogonal(const cnn_allocator *allocator, const Block *b, const cnn_random *stream, real *w,
                                      cnn_error *error) noexcept nogil:
    """The block as a matrix (dims[0], everything else): its rows, or where there are more of them its columns, are orthonormal."""
    cdef size_t rows = b.dims[0] if b.rank > 0 else 1, columns = b.count // rows, bytes, i, j
    cdef double *q = NULL
    if cnn_size_mul(b.count, sizeof(double), &bytes):
        q = <double *>cnn_memory_new(allocator, bytes)
    if q == NULL:
        return cnn_fail(error, CNN_E_MEMORY, "not enough memory for an orthogonal matrix of %z x %z", rows, columns)
    cnn_random_normals(stream, 0, b.count, q)
    if rows <= columns:
        orthonormalize(rows, columns, q)
        for i in range(b.count):
            w[i] = <real>(q[i] + b.fill)
    else:
        orthonormalize(columns, rows, q)
        for i in range(rows):
            for j in range(columns):
                w[i * columns + j] = <real>(q[j * rows + i] + b.fill)
    cnn_memory_release(q)
    return CNN_OK


cdef cnn_status initialize_block(const cnn_allocator *allocator, const Block *b, uint64_t seed, int32_t index, real *w,
                                 cnn_error *error) noexcept nogil:
    """w: the block's own place in the arena; index: its number. Only an orthogonal one needs memory, and can fail."""
    cdef double drawn[INIT_CHUNK]
    cdef double std, bound, base = b.fill + (1.0 if b.init == CNN_INIT_ONES else 0.0)
    cdef size_t first = 0, n, i
    cdef cnn_random stream = cnn_random_at(seed, CNN_RANDOM_INIT, <uint32_t>index, 0, 0, 0)
    if b.init == CNN_INIT_ORTHOGONAL and b.count:
        return initialize_orthogonal(allocator, b, &stream, w, error)
    init_scale(b, &std, &bound)
    while first < b.count:
        n = b.count - first if b.count - first < INIT_CHUNK else INIT_CHUNK
        if std > 0:
            cnn_random_normals(&stream, first, n, drawn)
            for i in range(n):
                w[first + i] = <real>(std * drawn[i] + base)
        elif bound > 0:
            cnn_random_uniforms(&stream, first, n, drawn)
            for i in range(n):
                w[first + i] = <real>(bound * (2 * drawn[i] - 1) + base)
        else:
            for i in range(n):
                w[first + i] = <real>base
        first += n
    return CNN_OK
