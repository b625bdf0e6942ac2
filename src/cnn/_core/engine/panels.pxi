# Weights (units, features) as panels of columns of their transpose, which a product of many rows reads as they lie: what a session makes
# of them once, where each call would put them in that order again. Bits do not depend on it.

cdef enum:
    PANEL = 64             # columns, as many as the widest tile of a product has
    PANEL_LINE = 16        # a row of a panel is a multiple of so many elements long
    PANEL_ROWS = 16        # from so many rows on each thread reads all panels, for some rows; of fewer it reads some, for all
    PANEL_PACKED = 32768   # weights from which on threads share making them

cdef struct PanelsWork:
    const cnn_kernels *kernels
    size_t units, features, slice, item
    const void *weights
    void *panels


cdef inline size_t panel_lines(size_t columns) noexcept nogil:
    """So many, or more for whole lines."""
    return (columns + PANEL_LINE - 1) // PANEL_LINE * PANEL_LINE


cdef inline size_t panels_size(size_t units, size_t features) noexcept nogil:
    """Elements."""
    return panel_lines(units) * features


cdef inline size_t panels_stride(size_t units, size_t first) noexcept nogil:
    """Of the panel that begins with column `first`."""
    return PANEL if units - first >= PANEL else panel_lines(units - first)


cdef void panels_some(const PanelsWork *a, const real *weights, real *panels, size_t first, size_t end) noexcept nogil:
    """Panels first .. end - 1."""
    cdef size_t i, width
    for i in range(first, end):
        width = a.units - i * PANEL if a.units - i * PANEL < PANEL else PANEL
        k_transpose(a.kernels, width, a.features, weights + i * PANEL * a.features, a.features, panels + i * PANEL * a.features,
                    panels_stride(a.units, i * PANEL))

cdef void panels_slice(void *arg, size_t index, int32_t member) noexcept nogil:
    cdef const PanelsWork *a = <const PanelsWork *>arg
    cdef size_t all_ = (a.units + PANEL - 1) // PANEL, first = index * a.slice, end = first + a.slice if all_ - first > a.slice else all_
    if a.item == sizeof(float):
        panels_some(a, <const float *>a.weights, <float *>a.panels, first, end)
    else:
        panels_some(a, <const double *>a.weights, <double *>a.panels, first, end)

cdef void panels_make(const Op *op, size_t units, size_t features, const real *weights, real *panels) noexcept nogil:
    cdef PanelsWork a
    cdef size_t all_ = (units + PANEL - 1) // PANEL
    a.kernels = op.run.kernels
    a.units = units
    a.features = features
    a.item = sizeof(real)
    a.weights = weights
    a.panels = panels
    a.slice = all_ if op.run.team == NULL or units * features < PANEL_PACKED else 1
    cnn_parallel_for(op.run.team, (all_ + a.slice - 1) // a.slice, panels_slice, &a)


cdef void panels_product(const cnn_kernels *k, size_t m, size_t first, size_t n, size_t features, const real *x, const real *panels,
                         const real *start, real *y, size_t units) noexcept nogil:
    """Of y (m, units) = x weights' + start, columns first .. first + n - 1, which y and start begin with."""
    cdef size_t at, width, stride
    while n:
        at = first % PANEL
        width = n if n < PANEL - at else PANEL - at
        stride = panels_stride(units, first - at)
        k_gemm(k, 0, 0, m, width, features, x, features, panels + (first - at) * features + at, stride, y, units, 0, start, <real *>NULL)
        y += width
        first += width
        n -= width
        if start != NULL:
            start += width
