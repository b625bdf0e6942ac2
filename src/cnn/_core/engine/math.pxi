# Scalar math in `real`: ours (scalar_math.h), so that the bits are the same everywhere; of libm only sqrt and fabs, which are exact.

cdef extern from "math.h" nogil:
    double M_NAN "NAN"
    double M_INFINITY "INFINITY"


cdef inline real m_exp(real x) noexcept nogil:
    if real is float:
        return cnn_exp_f32(x)
    else:
        return cnn_exp_f64(x)

cdef inline real m_expm1(real x) noexcept nogil:
    if real is float:
        return cnn_expm1_f32(x)
    else:
        return cnn_expm1_f64(x)

cdef inline real m_log(real x) noexcept nogil:
    if real is float:
        return cnn_log_f32(x)
    else:
        return cnn_log_f64(x)

cdef inline real m_log1p(real x) noexcept nogil:
    if real is float:
        return cnn_log1p_f32(x)
    else:
        return cnn_log1p_f64(x)

cdef inline real m_tanh(real x) noexcept nogil:
    if real is float:
        return cnn_tanh_f32(x)
    else:
        return cnn_tanh_f64(x)

cdef inline real m_sigmoid(real x) noexcept nogil:
    if real is float:
        return cnn_sigmoid_f32(x)
    else:
        return cnn_sigmoid_f64(x)

cdef inline real m_erf(real x) noexcept nogil:
    if real is float:
        return cnn_erf_f32(x)
    else:
        return cnn_erf_f64(x)

cdef inline real m_sqrt(real x) noexcept nogil:
    if real is float:
        return sqrtf(x)
    else:
        return sqrt(x)

cdef inline real m_abs(real x) noexcept nogil:
    if real is float:
        return fabsf(x)
    else:
        return fabs(x)

# Neither needs libm: a NaN differs from itself, and infinity less itself is a NaN.
cdef inline int m_isnan(real x) noexcept nogil:
    return x != x

cdef inline int m_isfinite(real x) noexcept nogil:
    return x - x == 0

cdef inline double m_floor(double x) noexcept nogil:
    """The largest whole number up to x, for 0 <= x; beyond 2^52 every double is whole."""
    return x if x >= 4503599627370496.0 else <double><int64_t>x
