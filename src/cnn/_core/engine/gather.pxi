# The one place where a caller's data become the engine's: rows chosen, any dtype, any strides, either byte order -> contiguous rows.

ctypedef fused stored:
    float
    double
    int8_t
    int16_t
    int32_t
    int64_t
    uint8_t
    uint16_t
    uint32_t
    uint64_t

ctypedef fused wanted_t:
    float
    double
    int32_t
    int64_t

cdef extern from *:
    """
    static inline float cnn_half_to_float(uint16_t h) {
      uint32_t sign = (uint32_t)(h & 0x8000) << 16, e = (h >> 10) & 31, m = h & 1023, bits;
      union { uint32_t u; float f; } v;
      if (e == 31) bits = sign | 0x7f800000u | m << 13;
      else if (e) bits = sign | (e + 112) << 23 | m << 13;
      else { v.f = (float)m * 5.9604644775390625e-8f; bits = sign | v.u; }
      v.u = bits;
      return v.f;
    }
    static inline void cnn_swap(void *to, const void *from, size_t n) {
      size_t i;
      for (i = 0; i < n; ++i) ((uint8_t *)to)[i] = ((const uint8_t *)from)[n - 1 - i];
    }
    """
    float cnn_half_to_float(uint16_t h) nogil
    void cnn_swap(void *to, const void *source, size_t n) nogil


cdef size_t dtype_size(int32_t dtype) noexcept nogil:
    if dtype == CNN_FLOAT64 or dtype == CNN_INT64 or dtype == CNN_UINT64:
        return 8
    if dtype == CNN_FLOAT32 or dtype == CNN_INT32 or dtype == CNN_UINT32:
        return 4
    if dtype == CNN_UINT16 or dtype == CNN_INT16 or dtype == CNN_FLOAT16:
        return 2
    if dtype == CNN_UINT8 or dtype == CNN_INT8 or dtype == CNN_BOOL:
        return 1
    return 0

cdef const char *dtype_name(int32_t dtype) noexcept nogil:
    if dtype == CNN_FLOAT32: return "float32"
    if dtype == CNN_FLOAT64: return "float64"
    if dtype == CNN_INT32: return "int32"
    if dtype == CNN_INT64: return "int64"
    if dtype == CNN_UINT8: return "uint8"
    if dtype == CNN_INT8: return "int8"
    if dtype == CNN_UINT16: return "uint16"
    if dtype == CNN_INT16: return "int16"
    if dtype == CNN_UINT32: return "uint32"
    if dtype == CNN_UINT64: return "uint64"
    if dtype == CNN_BOOL: return "bool"
    if dtype == CNN_FLOAT16: return "float16"
    return "an unknown dtype"


cdef struct Inner:         # the elements of a row behind one another: contiguous runs of `run` elements
    size_t row             # elements
    size_t run             # elements that lie side by side
    int32_t rank           # of the loop over runs
    size_t dims[MAX_RANK]
    ptrdiff_t strides[MAX_RANK]

cdef void inner_of(const cnn_array *a, Inner *o) noexcept nogil:
    cdef size_t item = dtype_size(a.dtype), i
    cdef int32_t d = a.rank - 1
    memset(o, 0, sizeof(Inner))
    o.row = 1
    for i in range(1, <size_t>a.rank):
        o.row *= a.dims[i]
    o.run = 1
    while d >= 1 and (a.dims[d] == 1 or a.strides[d] == <ptrdiff_t>(o.run * item)):
        o.run *= a.dims[d]
        d -= 1
    for i in range(1, <size_t>d + 1):
        o.dims[i - 1] = a.dims[i]
        o.strides[i - 1] = a.strides[i]
    o.rank = d if d > 0 else 0


cdef inline void convert_run(const stored *source, size_t n, wanted_t *out) noexcept nogil:
    cdef size_t i
    for i in range(n):
        out[i] = <wanted_t>source[i]

cdef void convert_swapped(const char *source, stored tag, size_t n, wanted_t *out) noexcept nogil:
    cdef size_t i
    cdef stored value = tag
    for i in range(n):
        cnn_swap(&value, source + i * sizeof(stored), sizeof(stored))
        out[i] = <wanted_t>value

cdef void convert_unaligned(const char *source, stored tag, size_t n, wanted_t *out) noexcept nogil:
    cdef size_t i
    cdef stored value = tag
    for i in range(n):
        memcpy(&value, source + i * sizeof(stored), sizeof(stored))
        out[i] = <wanted_t>value

cdef void convert_half(const char *source, int swapped, size_t n, wanted_t *out) noexcept nogil:
    cdef size_t i
    cdef uint16_t h
    for i in range(n):
        if swapped:
            cnn_swap(&h, source + 2 * i, 2)
        else:
            memcpy(&h, source + 2 * i, 2)
        out[i] = <wanted_t>cnn_half_to_float(h)

cdef void convert_any(const char *source, stored tag, int swapped, size_t n, wanted_t *out) noexcept nogil:
    if swapped:
        convert_swapped(source, tag, n, out)
    elif <size_t>source % sizeof(stored):
        convert_unaligned(source, tag, n, out)
    else:
        convert_run(<const stored *>source, n, out)

cdef void convert(const cnn_array *a, const char *source, size_t n, wanted_t *out) noexcept nogil:
    """n elements of a, side by side at source."""
    if a.dtype == CNN_FLOAT32:
        convert_any(source, <float>0, a.swapped, n, out)
    elif a.dtype == CNN_FLOAT64:
        convert_any(source, <double>0, a.swapped, n, out)
    elif a.dtype == CNN_UINT8 or a.dtype == CNN_BOOL:
        convert_any(source, <uint8_t>0, a.swapped, n, out)
    elif a.dtype == CNN_INT64:
        convert_any(source, <int64_t>0, a.swapped, n, out)
    elif a.dtype == CNN_INT32:
        convert_any(source, <int32_t>0, a.swapped, n, out)
    elif a.dtype == CNN_INT8:
        convert_any(source, <int8_t>0, a.swapped, n, out)
    elif a.dtype == CNN_INT16:
        convert_any(source, <int16_t>0, a.swapped, n, out)
    elif a.dtype == CNN_UINT16:
        convert_any(source, <uint16_t>0, a.swapped, n, out)
    elif a.dtype == CNN_UINT32:
        convert_any(source, <uint32_t>0, a.swapped, n, out)
    elif a.dtype == CNN_UINT64:
        convert_any(source, <uint64_t>0, a.swapped, n, out)
    else:
        convert_half(source, a.swapped, n, out)


cdef void gather_row(const cnn_array *a, const Inner *o, const char *source, wanted_t *out) noexcept nogil:
    cdef size_t at[MAX_RANK]
    cdef size_t done = 0
    cdef int32_t d
    if o.rank == 0:
        convert(a, source, o.row, out)
        return
    memset(at, 0, sizeof(at))
    while done < o.row:
        convert(a, source, o.run, out + done)
        done += o.run
        d = o.rank - 1
        while d >= 0:
            at[d] += 1
            source += o.strides[d]
            if at[d] < o.dims[d]:
                break
            source -= <ptrdiff_t>o.dims[d] * o.strides[d]
            at[d] = 0
            d -= 1


cdef void gather(const cnn_array *a, const Inner *o, const uint32_t *rows, size_t first, size_t n, wanted_t *out) noexcept nogil:
    """Rows first .. first + n - 1 of a, or rows[first .. first + n - 1]."""
    cdef size_t i, j, r
    cdef const char *base = <const char *>a.data
    cdef const wanted_t *typed
    cdef int same = 0
    if wanted_t is float:
        same = a.dtype == CNN_FLOAT32
    elif wanted_t is double:
        same = a.dtype == CNN_FLOAT64
    elif wanted_t is int32_t:
        same = a.dtype == CNN_INT32
    else:
        same = a.dtype == CNN_INT64
    same = same and o.rank == 0 and not a.swapped
    if same and o.row <= 16 and <size_t>base % sizeof(wanted_t) == 0 and a.strides[0] % <ptrdiff_t>sizeof(wanted_t) == 0:
        for i in range(n):  # a few numbers: a call of memcpy would cost more
            r = rows[first + i] if rows != NULL else first + i
            typed = <const wanted_t *>(base + <ptrdiff_t>r * a.strides[0])
            for j in range(o.row):
                out[i * o.row + j] = typed[j]
        return
    for i in range(n):
        r = rows[first + i] if rows != NULL else first + i
        if same:
            memcpy(out + i * o.row, base + <ptrdiff_t>r * a.strides[0], o.row * sizeof(wanted_t))
        else:
            gather_row(a, o, base + <ptrdiff_t>r * a.strides[0], out + i * o.row)


cdef int is_direct(const cnn_array *a, const Inner *o, int32_t dtype) noexcept nogil:
    """Rows lie side by side in the dtype wanted: they may be used where they are."""
    cdef size_t item = dtype_size(dtype)
    return (a.dtype == dtype and not a.swapped and o.rank == 0 and (a.strides[0] == <ptrdiff_t>(o.row * item) or a.dims[0] == 1)
            and <size_t>a.data % item == 0)


cdef int find_nonfinite(const cnn_array *a, size_t *row, size_t *element) noexcept nogil:
    """Finds the first NaN or infinity of a float array; 0 when there is none."""
    cdef Inner o
    cdef size_t r, i
    cdef const cnn_kernels *k = cnn_kernels_current()
    cdef const char *base
    if a.dtype != CNN_FLOAT32 and a.dtype != CNN_FLOAT64 and a.dtype != CNN_FLOAT16:
        return 0
    inner_of(a, &o)
    if is_direct(a, &o, a.dtype) and a.dtype != CNN_FLOAT16:
        if a.dtype == CNN_FLOAT32:
            i = k_find_nonfinite(k, a.dims[0] * o.row, <const float *>a.data)
        else:
            i = k_find_nonfinite(k, a.dims[0] * o.row, <const double *>a.data)
        if i == a.dims[0] * o.row:
            return 0
        row[0] = i // o.row
        element[0] = i % o.row
        return 1
    for r in range(a.dims[0]):
        base = <const char *>a.data + <ptrdiff_t>r * a.strides[0]
        if o.rank == 0 and not a.swapped and a.dtype == CNN_FLOAT32 and <size_t>base % 4 == 0:
            i = k_find_nonfinite(k, o.row, <const float *>base)
        elif o.rank == 0 and not a.swapped and a.dtype == CNN_FLOAT64 and <size_t>base % 8 == 0:
            i = k_find_nonfinite(k, o.row, <const double *>base)
        else:
            i = find_nonfinite_slow(a, &o, base)
        if i < o.row:
            row[0] = r
            element[0] = i
            return 1
    return 0

cdef size_t find_nonfinite_slow(const cnn_array *a, const Inner *o, const char *source) noexcept nogil:
    cdef size_t at[MAX_RANK]
    cdef size_t done = 0, i
    cdef int32_t d
    cdef double value
    memset(at, 0, sizeof(at))
    while done < o.row:
        for i in range(o.run):
            convert(a, source + i * dtype_size(a.dtype), 1, &value)
            if value - value != 0:
                return done + i
        done += o.run
        d = o.rank - 1
        while d >= 0:
            at[d] += 1
            source += o.strides[d]
            if at[d] < o.dims[d]:
                break
            source -= <ptrdiff_t>o.dims[d] * o.strides[d]
            at[d] = 0
            d -= 1
    return o.row
