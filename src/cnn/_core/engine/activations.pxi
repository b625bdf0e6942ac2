# Activations, PyTorch's definitions: y = f(z) is <name>_value, dy/dz is <name>_slope.
#
# c: the constants of activation_constants. A slope reads y alone or z alone, as READS_OUTPUT of tools/activation_loops.py says; the
# other one is 0. At a kink the slope is PyTorch's. The loops over arrays, and the table of them all, are activation_loops.pxi.

cdef inline real linear_value(real z, const real *c) noexcept nogil:
    return z

cdef inline real linear_slope(real z, real y, const real *c) noexcept nogil:
    return 1


cdef inline real sigmoid_value(real z, const real *c) noexcept nogil:
    """1 / (1 + e^-z)"""
    return m_sigmoid(z)

cdef inline real sigmoid_slope(real z, real y, const real *c) noexcept nogil:
    return y * (1 - y)


cdef inline real tanh_value(real z, const real *c) noexcept nogil:
    return m_tanh(z)

cdef inline real tanh_slope(real z, real y, const real *c) noexcept nogil:
    """1 - y^2"""
    return (1 - y) * (1 + y)


cdef inline real relu_value(real z, const real *c) noexcept nogil:
    """max(0, z); a NaN stays one."""
    return 0 if z <= 0 else z

cdef inline real relu_slope(real z, real y, const real *c) noexcept nogil:
    return 1 if y > 0 else 0


cdef inline real leaky_relu_value(real z, const real *c) noexcept nogil:
    """z above 0, else c0 z; c0 >= 0, so that y has the sign of z."""
    return z if z > 0 else c[0] * z

cdef inline real leaky_relu_slope(real z, real y, const real *c) noexcept nogil:
    return 1 if y > 0 else c[0]


cdef inline real elu_value(real z, const real *c) noexcept nogil:
    """z above 0, else c0 (e^z - 1); c0 > 0. Clevert et al. 2016."""
    return z if z > 0 else c[0] * m_expm1(z)

cdef inline real elu_slope(real z, real y, const real *c) noexcept nogil:
    """1, else c0 e^z = y + c0"""
    return 1 if y > 0 else y + c[0]


cdef extern from *:
    """
    /* Klambauer et al. 2017, as torch.nn.SELU */
    #define CNN_SELU_SCALE 1.0507009873554804934193349852946
    #define CNN_SELU_ALPHA_SCALE (1.6732632423543772848170429916717 * CNN_SELU_SCALE)
    #define CNN_SQRT_HALF 0.70710678118654752440084436210485
    #define CNN_NORMAL_PEAK 0.39894228040143267793994605993438 /* 1 / sqrt(2 pi) */
    #define CNN_SQRT_2_BY_PI 0.79788456080286535587989211986876
    #define CNN_GELU_CUBE 0.044715 /* Hendrycks and Gimpel 2016 */
    """
    const double SELU_SCALE "CNN_SELU_SCALE"
    const double SELU_ALPHA_SCALE "CNN_SELU_ALPHA_SCALE"
    const double SQRT_HALF "CNN_SQRT_HALF"
    const double NORMAL_PEAK "CNN_NORMAL_PEAK"
    const double SQRT_2_BY_PI "CNN_SQRT_2_BY_PI"
    const double GELU_CUBE "CNN_GELU_CUBE"

cdef inline real selu_value(real z, const real *c) noexcept nogil:
    """scale (z above 0, else alpha (e^z - 1))"""
    return <real>SELU_SCALE * z if z > 0 else <real>SELU_ALPHA_SCALE * m_expm1(z)

cdef inline real selu_slope(real z, real y, const real *c) noexcept nogil:
    """scale, else scale alpha e^z = y + scale alpha"""
    return <real>SELU_SCALE if y > 0 else y + <real>SELU_ALPHA_SCALE


cdef inline real normal_cdf(real z) noexcept nogil:
    """(1 + erf(z / sqrt 2)) / 2"""
    return <real>0.5 * (1 + m_erf(z * <real>SQRT_HALF))

cdef inline real gelu_value(real z, const real *c) noexcept nogil:
    """z Phi(z), Phi the standard normal distribution"""
    return z * normal_cdf(z)

cdef inline real gelu_slope(real z, real y, const real *c) noexcept nogil:
    """Phi(z) + z phi(z), phi the normal density"""
    return normal_cdf(z) + z * (<real>NORMAL_PEAK * m_exp(<real>-0.5 * z * z))


cdef inline real gelu_tanh_inner(real z) noexcept nogil:
    """tanh(sqrt(2 / pi) (z + 0.044715 z^3))"""
    return m_tanh(<real>SQRT_2_BY_PI * z * (1 + <real>GELU_CUBE * z * z))

cdef inline real gelu_tanh_value(real z, const real *c) noexcept nogil:
    """z / 2 (1 + t), t the inner tanh"""
    return <real>0.5 * z * (1 + gelu_tanh_inner(z))

cdef inline real gelu_tanh_slope(real z, real y, const real *c) noexcept nogil:
    """(1 + t) / 2 + z / 2 (1 - t^2) u', t = tanh u"""
    cdef real t = gelu_tanh_inner(z)
    cdef real du = <real>SQRT_2_BY_PI * (1 + 3 * <real>GELU_CUBE * z * z)
    return <real>0.5 * (1 + t + z * ((1 - t) * (1 + t)) * du)


cdef inline real silu_value(real z, const real *c) noexcept nogil:
    """z s(z), s the sigmoid"""
    return z * m_sigmoid(z)

cdef inline real silu_slope(real z, real y, const real *c) noexcept nogil:
    """s + z s (1 - s)"""
    cdef real s = m_sigmoid(z)
    return s * (1 + z * (1 - s))


cdef inline real softplus_value(real z, const real *c) noexcept nogil:
    """log(1 + e^(c0 z)) / c0; z itself where c0 z > c1. As max(b, 0) + log1p(e^-|b|), which cannot overflow."""
    cdef real b = c[0] * z
    if b > c[1]:
        return z
    return ((b if b > 0 else 0) + m_log1p(m_exp(-m_abs(b)))) / c[0]

cdef inline real softplus_slope(real z, real y, const real *c) noexcept nogil:
    """s(c0 z), s the sigmoid"""
    cdef real b = c[0] * z
    return 1 if b > c[1] else m_sigmoid(b)


cdef inline real hard_sigmoid_value(real z, const real *c) noexcept nogil:
    """clip(z / 6 + 1 / 2, 0, 1); a NaN stays one."""
    if z <= -3:
        return 0
    return 1 if z >= 3 else (z + 3) / 6

cdef inline real hard_sigmoid_slope(real z, real y, const real *c) noexcept nogil:
    return <real>1 / 6 if -3 < z and z < 3 else 0


cdef inline real hard_swish_value(real z, const real *c) noexcept nogil:
    """z hard_sigmoid(z)"""
    if z <= -3:
        return 0
    return z if z >= 3 else z * (z + 3) / 6

cdef inline real hard_swish_slope(real z, real y, const real *c) noexcept nogil:
    """0 up to -3, z / 3 + 1 / 2 between, 1 from 3"""
    if z <= -3:
        return 0
    return 1 if z >= 3 else z / 3 + <real>0.5


# ---- Softmax: y_i = e^z_i / sum_j e^z_j, by rows of n ------------------------------------------------------------------------------

cdef inline void softmax_row(size_t n, const real *z, real *y) noexcept nogil:
    """Less the largest z, so that exp cannot overflow. y may be z."""
    cdef real top = z[0]
    cdef double sum = 0
    cdef real total
    cdef size_t i
    for i in range(1, n):
        top = z[i] if z[i] > top else top
    for i in range(n):
        y[i] = m_exp(z[i] - top)
        sum += y[i]
    total = <real>sum
    for i in range(n):
        y[i] = y[i] / total

cdef inline void softmax_row_back(size_t n, const real *dy, const real *y, real *dz, int accumulate) noexcept nogil:
    """J' dy with J = diag(y) - y y': y (dy - sum dy y). dz may be dy when it is overwritten."""
    cdef double sum = 0
    cdef real inner
    cdef size_t i
    for i in range(n):
        sum += <double>dy[i] * <double>y[i]
    inner = <real>sum
    if accumulate:
        for i in range(n):
            dz[i] += y[i] * (dy[i] - inner)
    else:
        for i in range(n):
            dz[i] = y[i] * (dy[i] - inner)

cdef void softmax_forward(const cnn_kernels *k, size_t rows, size_t n, const real *z, real *y) noexcept nogil:
    cdef size_t i
    if r_softmax_forward(k, rows, n, z, y):
        return
    for i in range(rows):
        softmax_row(n, z + i * n, y + i * n)

cdef void softmax_backward(const cnn_kernels *k, size_t rows, size_t n, const real *dy, const real *y, real *dz, int accumulate) noexcept nogil:
    cdef size_t i
    if r_softmax_backward(k, rows, n, dy, y, dz, accumulate):
        return
    for i in range(rows):
        softmax_row_back(n, dy + i * n, y + i * n, dz + i * n, accumulate)


# Softmax over the channels of images, (rows, channels, positions): SOFTMAX_BLOCK positions at a time are turned into rows, so that there
# is one definition, the accelerated one serves too, and memory is read along lines. scratch: 2 SOFTMAX_BLOCK channels elements.

cdef enum:
    SOFTMAX_BLOCK = 16

cdef inline void channels_to_rows(size_t channels, size_t positions, size_t n, const real *image, real *rows) noexcept nogil:
    cdef size_t i, j
    for j in range(channels):
        for i in range(n):
            rows[i * channels + j] = image[j * positions + i]

cdef void softmax_channels_forward(const cnn_kernels *k, size_t rows, size_t channels, size_t positions, const real *z, real *y,
                                   real *scratch) noexcept nogil:
    cdef size_t r, p, n, i, j
    for r in range(rows):
        p = 0
        while p < positions:
            n = min(positions - p, <size_t>SOFTMAX_BLOCK)
            channels_to_rows(channels, positions, n, z + r * channels * positions + p, scratch)
            softmax_forward(k, n, channels, scratch, scratch)
            for j in range(channels):
                for i in range(n):
                    y[(r * channels + j) * positions + p + i] = scratch[i * channels + j]
            p += n

cdef void softmax_channels_backward(const cnn_kernels *k, size_t rows, size_t channels, size_t positions, const real *dy, const real *y,
                                    real *dz, int accumulate, real *scratch) noexcept nogil:
    cdef real *d = scratch + <size_t>SOFTMAX_BLOCK * channels
    cdef size_t r, p, n, i, j, at
    for r in range(rows):
        p = 0
        while p < positions:
            n = min(positions - p, <size_t>SOFTMAX_BLOCK)
            channels_to_rows(channels, positions, n, y + r * channels * positions + p, scratch)
            channels_to_rows(channels, positions, n, dy + r * channels * positions + p, d)
            softmax_backward(k, n, channels, d, scratch, d, 0)
            for j in range(channels):
                for i in range(n):
                    at = (r * channels + j) * positions + p + i
                    dz[at] = dz[at] + d[i * channels + j] if accumulate else d[i * channels + j]
            p += n


# ---- Constants ---------------------------------------------------------------------------------------------------------------------

cdef inline int32_t activation_constants(int32_t kind, double *c) noexcept nogil:
    """The defaults, PyTorch's; how many there are."""
    c[0] = c[1] = 0
    if kind == CNN_LEAKY_RELU:
        c[0] = 0.01
        return 1
    if kind == CNN_ELU:
        c[0] = 1
        return 1
    if kind == CNN_SOFTPLUS:
        c[0] = 1
        c[1] = 20
        return 2
    return 0
