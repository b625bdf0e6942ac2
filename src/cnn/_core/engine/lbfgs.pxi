# L-BFGS: torch.optim.LBFGS (after minFunc), by the two-loop recursion (Nocedal & Wright, Numerical Optimization, algorithm 7.4) and the
# strong Wolfe line search (algorithms 3.5 and 3.6). A driver: it evaluates the loss itself, several times a step, always on one batch.
#
# It sees all parameters as one vector w with gradient g. Where the gradient has always been 0 (frozen weights, buffers, constants, the
# gaps between blocks) the direction is 0, and w is neither moved nor written, so that an evaluation may change buffers there.

cdef enum:
    LBFGS_BUFFERS = 6

# The loss at the present w, its gradient in g. A loss that is not finite is an answer, not a failure: the search steps back from it.
ctypedef cnn_status (*lbfgs_function)(void *user, double *loss) noexcept nogil

cdef struct LbfgsState:    # what goes on from step to step beside the vectors; any bits are safe
    uint64_t pairs         # (s, y) kept so far: the last `history` of them are there, pair i in place i % history
    uint64_t iterations, evaluations
    double t               # the last step was t * direction
    double scale           # of the initial inverse Hessian

cdef struct LbfgsBuffer:
    void *data
    size_t bytes

cdef struct Lbfgs:
    const cnn_kernels *kernels
    size_t n               # elements of w and g
    size_t stride          # between pairs, elements
    size_t item            # bytes of an element
    size_t history, max_iter, max_eval
    int32_t strong_wolfe
    double lr, tolerance_grad, tolerance_change
    LbfgsState state
    double *rho            # 1 / (y . s) of each pair
    double *alpha          # scratch of the recursion
    void *direction
    void *previous         # the gradient before the last step
    void *origin           # w before the last step
    void *ends[2]          # gradients at the ends of the bracket
    void *s                # changes of w,
    void *y                # and of its gradient

cdef struct Trial:         # a point of the search: origin + t direction
    double t, f, slope
    int32_t at             # whose gradient is in ends[at]; -1: in previous


cdef Lbfgs *lbfgs_new(const cnn_allocator *allocator, size_t n, size_t item, const cnn_optimizer_options *o, cnn_error *error) noexcept nogil:
    """For n elements of `item` bytes and options that optimizer_table has checked; all memory is taken here, in one block. NULL: not
    enough. lr may be changed between steps."""
    cdef size_t history = <size_t>o.history, stride, vector, vectors, bytes, head
    cdef Lbfgs *s = NULL
    cdef char *at
    head = (sizeof(Lbfgs) + 2 * history * sizeof(double) + 63) // 64 * 64
    if (cnn_size_add(n, ALIGN - 1, &stride) and cnn_size_mul(stride // ALIGN * ALIGN, item, &vector)
            and cnn_size_mul(vector, 2 * history + 5, &vectors) and cnn_size_add(vectors, head, &bytes)):
        s = <Lbfgs *>cnn_memory_new(allocator, bytes)
    if s == NULL:
        cnn_fail(error, CNN_E_MEMORY, "LBFGS: not enough memory for history=%z changes of %z parameters", history, n)
        return NULL
    s.kernels = cnn_kernels_current()
    s.n = n
    s.stride = stride // ALIGN * ALIGN
    s.item = item
    s.history = history
    s.max_iter = <size_t>o.max_iter
    s.max_eval = <size_t>o.max_eval if o.max_eval > 0 else s.max_iter * 5 // 4
    s.strong_wolfe = o.strong_wolfe != 0
    s.lr = o.lr
    s.tolerance_grad = o.tolerance_grad
    s.tolerance_change = o.tolerance_change
    s.state.scale = 1.0
    s.rho = <double *>(s + 1)
    s.alpha = s.rho + history
    at = <char *>s + head
    s.direction = at
    s.previous = at + vector
    s.origin = at + 2 * vector
    s.ends[0] = at + 3 * vector
    s.ends[1] = at + 4 * vector
    s.s = at + 5 * vector
    s.y = at + (5 + history) * vector
    return s

cdef void lbfgs_release(Lbfgs *s) noexcept nogil:
    cnn_memory_release(s)

cdef void lbfgs_buffers(Lbfgs *s, LbfgsBuffer *out) noexcept nogil:
    """Its whole memory from step to step, as LBFGS_BUFFERS byte ranges: state (words of 8 bytes), rho (float64), then direction,
    previous, s and y (the network's dtype)."""
    out[0].data = &s.state
    out[0].bytes = sizeof(LbfgsState)
    out[1].data = s.rho
    out[1].bytes = s.history * sizeof(double)
    out[2].data = s.direction
    out[3].data = s.previous
    out[2].bytes = out[3].bytes = s.n * s.item
    out[4].data = s.s
    out[5].data = s.y
    out[4].bytes = out[5].bytes = s.history * s.stride * s.item


cdef double largest_magnitude(size_t n, const real *x) noexcept nogil:
    cdef real most = 0, magnitude
    cdef size_t i
    for i in range(n):
        magnitude = m_abs(x[i])
        if magnitude > most or magnitude != magnitude:
            most = magnitude
    return most

cdef double sum_magnitudes(size_t n, const real *x) noexcept nogil:
    cdef double total = 0
    cdef size_t i
    for i in range(n):
        total += fabs(<double>x[i])
    return total

cdef void lbfgs_move(const Lbfgs *s, double t, real *w) noexcept nogil:
    """w = origin + t direction, where there is a direction."""
    cdef const real *origin = <const real *>s.origin
    cdef const real *d = <const real *>s.direction
    cdef size_t i
    for i in range(s.n):
        if d[i] != 0:
            w[i] = origin[i] + <real>t * d[i] if t != 0 else origin[i]

cdef void lbfgs_remember(Lbfgs *s, const real *g) noexcept nogil:
    """Keeps the pair of the last step where its curvature y . s is positive, in place of the oldest when all places are taken."""
    cdef real *step = <real *>s.ends[0]   # free between searches
    cdef real *change = <real *>s.ends[1]
    cdef const real *before = <const real *>s.previous
    cdef size_t place = <size_t>(s.state.pairs % s.history), i
    cdef double curvature
    k_scale(s.kernels, s.n, <real>s.state.t, <const real *>s.direction, step)
    for i in range(s.n):
        change[i] = g[i] - before[i]
    curvature = k_dot(s.kernels, s.n, <const real *>change, <const real *>step)
    if curvature > 1e-10:
        memcpy(<real *>s.s + place * s.stride, step, s.n * sizeof(real))
        memcpy(<real *>s.y + place * s.stride, change, s.n * sizeof(real))
        s.rho[place] = 1.0 / curvature
        s.state.pairs += 1
        s.state.scale = curvature / k_dot(s.kernels, s.n, <const real *>change, <const real *>change)

cdef void lbfgs_direction(Lbfgs *s, const real *g) noexcept nogil:
    """direction = -H g."""
    cdef real *d = <real *>s.direction
    cdef const real *step
    cdef const real *change
    cdef uint64_t count = s.state.pairs if s.state.pairs < s.history else s.history, i
    cdef size_t place
    cdef double beta
    k_scale(s.kernels, s.n, <real>-1, g, d)
    for i in range(count):  # from the newest pair to the oldest
        place = <size_t>((s.state.pairs - 1 - i) % s.history)
        step = <const real *>s.s + place * s.stride
        change = <const real *>s.y + place * s.stride
        s.alpha[place] = k_dot(s.kernels, s.n, step, <const real *>d) * s.rho[place]
        k_axpy(s.kernels, s.n, <real>-s.alpha[place], change, d)
    k_scale(s.kernels, s.n, <real>s.state.scale, <const real *>d, d)
    for i in range(count):  # and back
        place = <size_t>((s.state.pairs - count + i) % s.history)
        step = <const real *>s.s + place * s.stride
        change = <const real *>s.y + place * s.stride
        beta = k_dot(s.kernels, s.n, change, <const real *>d) * s.rho[place]
        k_axpy(s.kernels, s.n, <real>(s.alpha[place] - beta), step, d)


# ---- The line search ---------------------------------------------------------------------------------------------------------------

cdef double cubic_minimum(const Trial *a, const Trial *b, double low, double high) noexcept nogil:
    """Where the cubic through two values and slopes is least (Nocedal & Wright 3.59), within [low, high]; their middle if nowhere."""
    cdef const Trial *left = a if a.t <= b.t else b
    cdef const Trial *right = b if a.t <= b.t else a
    cdef double d1 = left.slope + right.slope - 3.0 * (left.f - right.f) / (left.t - right.t)
    cdef double square = d1 * d1 - left.slope * right.slope, d2, t
    if not square >= 0:
        return (low + high) / 2
    d2 = sqrt(square)
    t = right.t - (right.t - left.t) * ((right.slope + d2 - d1) / (right.slope - left.slope + 2.0 * d2))
    if m_isnan(t):  # an infinite loss at one end
        return (low + high) / 2
    t = t if t > low else low
    return t if t < high else high

cdef inline int32_t free_end(int32_t kept) noexcept nogil:
    """A place for a gradient that the point to be kept does not use."""
    return 1 if kept == 0 else 0

cdef inline int too_high(const Trial *trial, const Trial *start) noexcept nogil:
    return trial.f > start.f + 1e-4 * trial.t * start.slope

cdef inline int flat_enough(const Trial *trial, const Trial *start) noexcept nogil:
    return fabs(trial.slope) <= -0.9 * start.slope

cdef cnn_status lbfgs_try(Lbfgs *s, real *w, const real *g, lbfgs_function evaluate, void *user, double t,
                          Trial *trial) noexcept nogil:
    cdef cnn_status status
    lbfgs_move(s, t, w)
    trial.t = t
    status = evaluate(user, &trial.f)
    if status != CNN_OK:
        return status
    trial.slope = k_dot(s.kernels, s.n, g, <const real *>s.direction)
    if not m_isfinite(trial.f) or not m_isfinite(trial.slope):
        trial.f = M_INFINITY  # not finite: worse than any, so that it is never chosen (torch may choose it)
    return CNN_OK

cdef inline void keep_gradient(Lbfgs *s, const real *g, Trial *trial, int32_t at) noexcept nogil:
    trial.at = at
    memcpy(s.ends[at], g, s.n * sizeof(real))

cdef cnn_status lbfgs_search(Lbfgs *s, real *w, real *g, lbfgs_function evaluate, void *user, const Trial *start,
                             double size, size_t most, Trial *best, size_t *used) noexcept nogil:
    """From origin along direction, first by s.state.t, to a point that meets the strong Wolfe conditions, in about `most` evaluations.
    w, g and *best are that point's. size: the largest magnitude in direction."""
    cdef Trial ends[2]
    cdef Trial now
    cdef double t, left, right, margin
    cdef size_t rounds = 0, low, high
    cdef int done = 0, near, little_progress = 0
    cdef cnn_status status
    # bracket: longer and longer steps, until the least point must lie between the last two
    ends[0] = start[0]
    status = lbfgs_try(s, w, g, evaluate, user, s.state.t, &ends[1])
    used[0] = 1
    if status != CNN_OK:
        return status
    keep_gradient(s, g, &ends[1], 0)
    while rounds < most:
        if too_high(&ends[1], start) or (rounds > 1 and ends[1].f >= ends[0].f):
            break
        if flat_enough(&ends[1], start):
            done = 1
            break
        if ends[1].slope >= 0:
            break
        t = ends[1].t + 0.01 * (ends[1].t - ends[0].t)
        t = cubic_minimum(&ends[0], &ends[1], t, ends[1].t * 10)
        ends[0] = ends[1]
        status = lbfgs_try(s, w, g, evaluate, user, t, &ends[1])
        used[0] += 1
        if status != CNN_OK:
            return status
        keep_gradient(s, g, &ends[1], free_end(ends[0].at))
        rounds += 1
    if rounds == most:
        ends[0] = start[0]
    # zoom: shrink the bracket, whose better end is `low`; of equals the first
    low = 1 if done or ends[1].f < ends[0].f else 0
    while not done and rounds < most and fabs(ends[1].t - ends[0].t) * size >= s.tolerance_change:
        left = ends[0].t if ends[0].t < ends[1].t else ends[1].t
        right = ends[1].t if ends[0].t < ends[1].t else ends[0].t
        t = cubic_minimum(&ends[0], &ends[1], left, right)
        margin = 0.1 * (right - left)
        near = right - t < margin or t - left < margin
        if near and (little_progress or t >= right or t <= left):  # the second time, or at an end: keep away from it
            t = right - margin if fabs(t - right) < fabs(t - left) else left + margin
            near = 0
        little_progress = near
        status = lbfgs_try(s, w, g, evaluate, user, t, &now)
        used[0] += 1
        if status != CNN_OK:
            return status
        rounds += 1
        high = 1 - low
        if too_high(&now, start) or now.f >= ends[low].f:
            keep_gradient(s, g, &now, free_end(ends[low].at))
            ends[high] = now
            low = 0 if ends[0].f <= ends[1].f else 1
        else:
            done = flat_enough(&now, start)
            if not done and now.slope * (ends[high].t - ends[low].t) >= 0:
                ends[high] = ends[low]
            keep_gradient(s, g, &now, free_end(ends[high].at))
            ends[low] = now
    best[0] = ends[low]
    memcpy(g, s.previous if best.at < 0 else s.ends[best.at], s.n * sizeof(real))
    lbfgs_move(s, best.t, w)
    return CNN_OK


# ---- A step ------------------------------------------------------------------------------------------------------------------------

cdef cnn_status lbfgs_step(Lbfgs *s, real *w, real *g, lbfgs_function evaluate, void *user, double *loss) noexcept nogil:
    """Up to max_iter iterations; *loss is the loss before them. A loss or gradient that is not finite (but within a search, which steps
    back from it) is CNN_E_NONFINITE. An evaluation that fails ends the step with its status. w is then as the last whole iteration
    left it, and the next step goes on from there."""
    cdef Trial start, best
    cdef double before, size
    cdef size_t evaluations = 1, used = 0, iteration
    cdef cnn_status status = evaluate(user, &start.f)
    if status != CNN_OK:
        return status
    s.state.evaluations += 1
    loss[0] = start.f
    size = largest_magnitude(s.n, <const real *>g)
    if not m_isfinite(start.f) or not m_isfinite(size):
        return CNN_E_NONFINITE
    if size <= s.tolerance_grad:
        return CNN_OK
    start.t = 0
    start.at = -1
    for iteration in range(1, s.max_iter + 1):
        s.state.iterations += 1
        if s.state.iterations == 1:
            s.state.pairs = 0
            s.state.scale = 1
            k_scale(s.kernels, s.n, <real>-1, <const real *>g, <real *>s.direction)
            s.state.t = 1.0 / sum_magnitudes(s.n, <const real *>g)
            s.state.t = (s.state.t if s.state.t < 1 else 1.0) * s.lr
        else:
            lbfgs_remember(s, <const real *>g)
            lbfgs_direction(s, <const real *>g)
            s.state.t = s.lr
        memcpy(s.previous, g, s.n * sizeof(real))
        memcpy(s.origin, w, s.n * sizeof(real))
        start.slope = k_dot(s.kernels, s.n, <const real *>g, <const real *>s.direction)
        if start.slope > -s.tolerance_change:
            s.state.t = 0  # nothing was moved
            break
        size = largest_magnitude(s.n, <const real *>s.direction)
        before = start.f
        used = 0
        if s.strong_wolfe:
            status = lbfgs_search(s, w, g, evaluate, user, &start, size, s.max_eval - evaluations, &best, &used)
            if status == CNN_OK:
                s.state.t = best.t
                start.f = best.f
        else:
            lbfgs_move(s, s.state.t, w)
            if iteration < s.max_iter:  # the gradient at the last point would not be used
                status = evaluate(user, &start.f)
                if status == CNN_OK and not m_isfinite(start.f):
                    status = CNN_E_NONFINITE
                used = 1
        s.state.evaluations += used
        evaluations += used
        if status != CNN_OK:
            s.state.iterations -= 1  # undone
            s.state.t = 0
            lbfgs_move(s, 0, w)
            return status
        if (iteration == s.max_iter or evaluations >= s.max_eval or largest_magnitude(s.n, <const real *>g) <= s.tolerance_grad
                or fabs(s.state.t) * size <= s.tolerance_change or fabs(start.f - before) < s.tolerance_change):
            break
    return CNN_OK
