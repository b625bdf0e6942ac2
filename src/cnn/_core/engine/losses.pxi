# Losses. Each <name>_loss sees `units` rows of `width` predictions p and targets: losses[i] = the loss of unit i, summed in double;
# dp (NULL: not wanted) = scale[i] * its gradient. A unit's bits depend on its own numbers and on width, never on its neighbours.
#
# mse, mae, huber, quantile, poisson, binary_cross_entropy and hinge are means over the unit's outputs, quadratic is half their sum.
# PyTorch's definitions where it has one.

cdef enum:
    LOSS_CHUNK = 256       # predictions whose exponentials are taken at once
    LOSS_WORK = 8          # of a prediction, in multiply-adds

cdef inline double loss_constant(int32_t kind, double constant) noexcept nogil:
    """The constant, 0 standing for the default."""
    if constant == 0:
        if kind == CNN_LOSS_HUBER:
            return 1
        if kind == CNN_LOSS_QUANTILE:
            return 0.5
    return constant


# ---- Terms: the loss of one output, and *slope = its derivative by p ----------------------------------------------------------------

cdef inline real mse_term(real y, real p, real *slope) noexcept nogil:
    """(p - y)^2; the slope's factor of 2 is loss_of_terms', where nobody waits for it"""
    slope[0] = p - y
    return (p - y) * (p - y)

cdef inline real quadratic_term(real y, real p, real *slope) noexcept nogil:
    """(p - y)^2 / 2: Nielsen's and Mazur's cost"""
    slope[0] = p - y
    return <real>0.5 * (p - y) * (p - y)

cdef inline real mae_term(real y, real p, real *slope) noexcept nogil:
    """|p - y|; the slope at 0 is 0."""
    slope[0] = 1 if p > y else (-1 if p < y else p - y)  # a NaN stays one
    return m_abs(p - y)

cdef inline real huber_term(real y, real p, real delta, real *slope) noexcept nogil:
    """e^2 / 2 for |e| <= delta, else delta (|e| - delta / 2), e = p - y (torch.nn.HuberLoss)"""
    cdef real e = p - y
    if m_abs(e) > delta:
        slope[0] = delta if e > 0 else -delta
        return delta * (m_abs(e) - <real>0.5 * delta)
    slope[0] = e
    return <real>0.5 * e * e

cdef inline real quantile_term(real y, real p, real q, real *slope) noexcept nogil:
    """Pinball: q (y - p) where y > p, (1 - q) (p - y) where y < p; the slope at y = p is 0."""
    slope[0] = -q if y > p else (1 - q if y < p else p - y)
    return q * (y - p) if y > p else (1 - q) * (p - y)

cdef inline real poisson_term(real y, real p, real *slope) noexcept nogil:
    """p - y log(p + 1e-8), p a rate (torch.nn.PoissonNLLLoss(log_input=False), without log y!)"""
    cdef real rate = p + <real>1e-8
    slope[0] = 1 - y / rate
    return p - y * m_log(rate)

cdef inline real hinge_term(real y, real p, real *slope) noexcept nogil:
    """max(0, 1 - t p), t = 1 where y > 0, else -1: labels 0/1 and -1/1 both serve. The slope at t p = 1 is 0."""
    cdef real t = 1 if y > 0 else -1
    cdef real margin = 1 - t * p
    slope[0] = 0 if margin <= 0 else -t
    return 0 if margin <= 0 else margin

cdef inline real loss_term(int32_t kind, real c, real y, real p, real *slope) noexcept nogil:
    if kind == CNN_LOSS_MSE:
        return mse_term(y, p, slope)
    if kind == CNN_LOSS_QUADRATIC:
        return quadratic_term(y, p, slope)
    if kind == CNN_LOSS_MAE:
        return mae_term(y, p, slope)
    if kind == CNN_LOSS_HUBER:
        return huber_term(y, p, c, slope)
    if kind == CNN_LOSS_QUANTILE:
        return quantile_term(y, p, c, slope)
    if kind == CNN_LOSS_POISSON:
        return poisson_term(y, p, slope)
    return hinge_term(y, p, slope)

cdef inline void loss_of_terms(int32_t kind, const Loss *loss, size_t units, const real *y, const real *p, const double *scale,
                               double *losses, real *dp) noexcept nogil:
    """kind is a constant wherever this is called, so that the compiler leaves one term in the loops."""
    cdef size_t n = loss.width, i, j
    cdef double share = 1 if kind == CNN_LOSS_QUADRATIC else 1 / <double>n
    cdef double slope_share = 2 * share if kind == CNN_LOSS_MSE else share
    cdef double total
    cdef real c = <real>loss_constant(kind, loss.constant)
    cdef real slope, factor
    for i in range(units):
        total = 0
        if dp != NULL:
            factor = <real>(scale[i] * slope_share)
            for j in range(n):
                total += loss_term(kind, c, y[j], p[j], &slope)
                dp[j] = factor * slope
            dp += n
        else:
            for j in range(n):
                total += loss_term(kind, c, y[j], p[j], &slope)
        losses[i] = total * share
        y += n
        p += n

cdef void mse_loss(const Loss *loss, size_t units, const void *target, const real *p, const double *scale, double *losses,
                   real *dp) noexcept nogil:
    loss_of_terms(CNN_LOSS_MSE, loss, units, <const real *>target, p, scale, losses, dp)

cdef void quadratic_loss(const Loss *loss, size_t units, const void *target, const real *p, const double *scale, double *losses,
                         real *dp) noexcept nogil:
    loss_of_terms(CNN_LOSS_QUADRATIC, loss, units, <const real *>target, p, scale, losses, dp)

cdef void mae_loss(const Loss *loss, size_t units, const void *target, const real *p, const double *scale, double *losses,
                   real *dp) noexcept nogil:
    loss_of_terms(CNN_LOSS_MAE, loss, units, <const real *>target, p, scale, losses, dp)

cdef void huber_loss(const Loss *loss, size_t units, const void *target, const real *p, const double *scale, double *losses,
                     real *dp) noexcept nogil:
    loss_of_terms(CNN_LOSS_HUBER, loss, units, <const real *>target, p, scale, losses, dp)

cdef void quantile_loss(const Loss *loss, size_t units, const void *target, const real *p, const double *scale, double *losses,
                        real *dp) noexcept nogil:
    loss_of_terms(CNN_LOSS_QUANTILE, loss, units, <const real *>target, p, scale, losses, dp)

cdef void poisson_loss(const Loss *loss, size_t units, const void *target, const real *p, const double *scale, double *losses,
                       real *dp) noexcept nogil:
    loss_of_terms(CNN_LOSS_POISSON, loss, units, <const real *>target, p, scale, losses, dp)

cdef void hinge_loss(const Loss *loss, size_t units, const void *target, const real *p, const double *scale, double *losses,
                     real *dp) noexcept nogil:
    loss_of_terms(CNN_LOSS_HINGE, loss, units, <const real *>target, p, scale, losses, dp)


# ---- From logits ---------------------------------------------------------------------------------------------------------------------
# Exponentials and logarithms are taken by kernels, of as many whole units at once as LOSS_CHUNK holds; a unit wider than that goes alone,
# in pieces. So a unit is cut at places that depend on width alone. dp serves as the buffer of exponentials where it is wanted.

cdef inline size_t units_at_once(size_t units, size_t width) noexcept nogil:
    return min(units, max(<size_t>LOSS_CHUNK // width, <size_t>1))

cdef inline void exp_all(const cnn_kernels *k, size_t width, size_t n, real *x) noexcept nogil:
    """x = e^x. Units of one number take no kernel: one at a time, the call would cost more than the work."""
    cdef size_t i
    if width == 1:
        for i in range(n):
            x[i] = m_exp(x[i])
    else:
        k_exp(k, n, x, x)

cdef inline void log1p_all(const cnn_kernels *k, size_t width, size_t n, double *x) noexcept nogil:
    """x = log(1 + x), n <= LOSS_CHUNK: with u = 1 + x as rounded, log(u) x / (u - 1), whose errors cancel (Higham, Accuracy and Stability
    of Numerical Algorithms, 1.14.1)."""
    cdef double u[LOSS_CHUNK]
    cdef double l[LOSS_CHUNK]
    cdef size_t i
    for i in range(n):
        u[i] = 1 + x[i]
    if width == 1:
        for i in range(n):
            l[i] = m_log(u[i])
    else:
        k_log(k, n, u, l)
    for i in range(n):
        x[i] = x[i] if u[i] == 1 else l[i] * (x[i] / (u[i] - 1))

cdef void binary_cross_entropy_loss(const Loss *loss, size_t units, const void *target, const real *p, const double *scale,
                                    double *losses, real *dp) noexcept nogil:
    """-y log s(z) - (1 - y) log(1 - s(z)), z the logit and s the sigmoid (torch.nn.BCEWithLogitsLoss): max(z, 0) - y z + log(1 + e)
    with e = e^-|z|, which cannot overflow. Its derivative s(z) - y is brought over 1 + e, so that nothing cancels where y is 0 or 1.
    One logarithm serves many outputs: of the product of their 1 + e, none above 2; what is kept is that product less 1."""
    cdef const real *y = <const real *>target
    cdef size_t width = loss.width, i, j, at, first, n, rows, row
    cdef double share = 1 / <double>width
    cdef double total, over
    cdef double overs[LOSS_CHUNK]
    cdef real buffer[LOSS_CHUNK]
    cdef real *e
    cdef real t, yes, no, factor
    while units:
        rows = units_at_once(units, width)
        for i in range(rows):
            losses[i] = 0
        first = 0
        while first < rows * width:
            n = min(rows * width - first, <size_t>LOSS_CHUNK)
            row = n // rows  # the width, or a piece of it
            e = dp + first if dp != NULL else buffer
            for j in range(n):
                e[j] = -m_abs(p[first + j])
            exp_all(loss.kernels, width, n, e)
            for i in range(rows):
                total = over = 0
                for j in range(i * row, (i + 1) * row):
                    at = first + j
                    total += (p[at] if p[at] > 0 else 0) - y[at] * p[at]
                    over = over * (1 + <double>e[j]) + e[j]
                losses[i] += total
                overs[i] = over
            log1p_all(loss.kernels, width, rows, overs)
            for i in range(rows):
                losses[i] += overs[i]
                if dp != NULL:
                    factor = <real>(scale[i] * share)
                    for j in range(i * row, (i + 1) * row):
                        t = y[first + j]
                        yes = 1 if p[first + j] > 0 else e[j]  # s(z) = yes / (yes + no)
                        no = e[j] if p[first + j] > 0 else 1
                        e[j] = factor * (((1 - t) * yes - t * no) / (1 + e[j]))
            first += n
        for i in range(rows):
            losses[i] *= share
        units -= rows
        y += rows * width
        p += rows * width
        losses += rows
        if dp != NULL:
            scale += rows
            dp += rows * width


cdef inline double expected_logit(const Loss *loss, const int32_t *label, const real *y, const real *p, real top, double *mass) noexcept nogil:
    """sum t (p - top), and *mass = sum t: t is the distribution y or the one of a label, smoothed by the constant s: (1 - s) t + s / width."""
    cdef double keep = 1 - loss.constant, spread = loss.constant / <double>loss.width
    cdef double total = 0, t
    cdef size_t j
    if label != NULL:
        mass[0] = 1
        if spread != 0:
            for j in range(loss.width):
                total += p[j] - top
        return spread * total + keep * (p[label[0]] - top)
    mass[0] = 0
    for j in range(loss.width):
        t = keep * y[j] + spread
        mass[0] += t
        if t != 0:  # a class ruled out by z = -infinity costs nothing where t is 0
            total += t * (p[j] - top)
    return total

cdef inline void cross_entropy_slopes(const Loss *loss, const int32_t *label, const real *y, double scale, double mass, double sum,
                                      real *e) noexcept nogil:
    """e = scale (e mass / sum - t); e holds e^(p - top)."""
    cdef double keep = 1 - loss.constant, spread = loss.constant / <double>loss.width
    cdef double right
    cdef real gain = <real>(scale * mass / sum), less = <real>(scale * spread), share = <real>(scale * keep)
    cdef size_t j
    if label != NULL:
        right = e[label[0]] / sum - keep - spread  # in double: near 1 - 1 for what is learnt
        for j in range(loss.width):
            e[j] = gain * e[j] - less
        e[label[0]] = <real>(scale * right)
    else:
        for j in range(loss.width):
            e[j] = gain * e[j] - (share * y[j] + less)

cdef void cross_entropy_loss(const Loss *loss, size_t units, const void *target, const real *p, const double *scale, double *losses,
                             real *dp) noexcept nogil:
    """-sum t log softmax(z), z the logits, t as above (torch.nn.CrossEntropyLoss): log S sum t - sum t d with d = z - max z and
    S = sum e^d; its derivative is e^d / S sum t - t. A label that is no class (the engine has looked for them) makes a NaN, without
    gradient."""
    cdef const int32_t *label = NULL
    cdef const real *y = <const real *>target
    cdef size_t width = loss.width, i, j, first, n, rows, row
    cdef double sums[LOSS_CHUNK]
    cdef double logs[LOSS_CHUNK]
    cdef real tops[LOSS_CHUNK]
    cdef real buffer[LOSS_CHUNK]
    cdef real *e
    cdef real top
    cdef double mass, inner, sum
    if loss.labels:
        label = <const int32_t *>target
        if loss.constant == 0 and r_cross_entropy(loss.kernels, units, width, label, p, scale, losses, dp):
            return
    while units:
        rows = units_at_once(units, width)
        for i in range(rows):
            top = p[i * width]
            for j in range(i * width + 1, (i + 1) * width):
                top = p[j] if p[j] > top else top
            tops[i] = top
            sums[i] = 0
        first = 0
        while first < rows * width:
            n = min(rows * width - first, <size_t>LOSS_CHUNK)
            row = n // rows
            e = dp + first if dp != NULL else buffer
            for i in range(rows):
                for j in range(i * row, (i + 1) * row):
                    e[j] = p[first + j] - tops[i]
            k_exp(loss.kernels, n, e, e)
            for i in range(rows):
                sum = 0
                for j in range(i * row, (i + 1) * row):
                    sum += e[j]
                sums[i] += sum
            first += n
        k_log(loss.kernels, rows, sums, logs)
        for i in range(rows):
            if label != NULL and <size_t>label[0] >= width:
                losses[i] = M_NAN
                if dp != NULL:
                    memset(dp, 0, width * sizeof(real))
            else:
                inner = expected_logit(loss, label, y, p, tops[i], &mass)
                losses[i] = mass * logs[i] - inner
                if dp != NULL:
                    cross_entropy_slopes(loss, label, y, scale[i], mass, sums[i], dp)
            p += width
            if dp != NULL:
                dp += width
            if label != NULL:
                label += 1
            else:
                y += width
        units -= rows
        losses += rows
        if dp != NULL:
            scale += rows


# ---- Which loss, on which value ------------------------------------------------------------------------------------------------------

cdef int loss_table(int32_t kind, LossTable *t) noexcept nogil:
    """0: there is no such loss."""
    if kind == CNN_LOSS_MSE:
        t.f32 = mse_loss[float]
        t.f64 = mse_loss[double]
    elif kind == CNN_LOSS_QUADRATIC:
        t.f32 = quadratic_loss[float]
        t.f64 = quadratic_loss[double]
    elif kind == CNN_LOSS_MAE:
        t.f32 = mae_loss[float]
        t.f64 = mae_loss[double]
    elif kind == CNN_LOSS_HUBER:
        t.f32 = huber_loss[float]
        t.f64 = huber_loss[double]
    elif kind == CNN_LOSS_QUANTILE:
        t.f32 = quantile_loss[float]
        t.f64 = quantile_loss[double]
    elif kind == CNN_LOSS_POISSON:
        t.f32 = poisson_loss[float]
        t.f64 = poisson_loss[double]
    elif kind == CNN_LOSS_CROSS_ENTROPY:
        t.f32 = cross_entropy_loss[float]
        t.f64 = cross_entropy_loss[double]
    elif kind == CNN_LOSS_BINARY_CROSS_ENTROPY:
        t.f32 = binary_cross_entropy_loss[float]
        t.f64 = binary_cross_entropy_loss[double]
    elif kind == CNN_LOSS_HINGE:
        t.f32 = hinge_loss[float]
        t.f64 = hinge_loss[double]
    else:
        return 0
    return 1


cdef cnn_status loss_check(int32_t kind, double constant, cnn_error *error) noexcept nogil:
    """Whether the loss's constant (0: its default) can be used."""
    constant = loss_constant(kind, constant)
    if kind == CNN_LOSS_HUBER and not (constant > 0 and m_isfinite(constant)):
        return cnn_fail(error, CNN_E_ARGUMENT, "delta of huber is %g; it must be above 0", constant)
    if kind == CNN_LOSS_QUANTILE and not (constant > 0 and constant < 1):
        return cnn_fail(error, CNN_E_ARGUMENT, "q of quantile is %g; it must lie between 0 and 1", constant)
    if kind == CNN_LOSS_CROSS_ENTROPY and not (constant >= 0 and constant < 1):
        return cnn_fail(error, CNN_E_ARGUMENT, "label_smoothing is %g; it must be at least 0 and less than 1", constant)
    return CNN_OK


cdef cnn_status loss_resolve(const Graph *g, size_t output, cnn_loss *kind, int32_t *value, size_t *classes, cnn_error *error) noexcept nogil:
    """The loss of an output and the value that it is computed on: logits, where softmax or sigmoid make the output of them.

    CNN_LOSS_INFER becomes cross_entropy after softmax, binary_cross_entropy after sigmoid, else mse. Flatten and Reshape after a
    sigmoid are looked through: *value then has other dims than the output, but the same elements. *classes: 0 unless cross_entropy."""
    cdef LossTable table
    cdef const Node *node
    cdef const Value *v
    cdef const char *name
    cdef int32_t at, activation = CNN_LINEAR, wanted
    cdef int32_t chosen = kind[0]
    cdef int viewed = 0
    if output >= g.n_outputs:
        return cnn_fail(error, CNN_E_ARGUMENT, "there is no output %z; the network has %z", output, g.n_outputs)
    if chosen != CNN_LOSS_INFER and not loss_table(chosen, &table):
        return cnn_fail(error, CNN_E_ARGUMENT, "there is no loss of number %d", chosen)
    at = g.outputs[output]
    node = &g.nodes[g.values[at].node]
    while node.op == CNN_OP_FLATTEN or node.op == CNN_OP_RESHAPE:
        at = g.links[node.inputs]
        node = &g.nodes[g.values[at].node]
        viewed = 1
    if node.op == CNN_OP_ACTIVATION:
        activation = <int32_t>attribute_integer(g, node, CNN_ATTRIBUTE_ACTIVATION, CNN_LINEAR)
    name = node_name(g, node)
    if chosen == CNN_LOSS_INFER:
        if activation == CNN_SOFTMAX:
            chosen = CNN_LOSS_CROSS_ENTROPY
        elif activation == CNN_SIGMOID:
            chosen = CNN_LOSS_BINARY_CROSS_ENTROPY
        else:
            chosen = CNN_LOSS_MSE
    at = g.outputs[output]
    v = &g.values[at]
    if chosen == CNN_LOSS_CROSS_ENTROPY or chosen == CNN_LOSS_BINARY_CROSS_ENTROPY:
        wanted = CNN_SOFTMAX if chosen == CNN_LOSS_CROSS_ENTROPY else CNN_SIGMOID
        if activation != wanted and activation != CNN_LINEAR:
            return cnn_fail_at(error, CNN_E_ARGUMENT, g.values[at].node,
                               "%s needs %s or no activation at the output, and '%s' is %s; end the network in %s, or choose another loss",
                               loss_name(chosen), activation_name(wanted), name, activation_name(activation), activation_name(wanted))
        if activation == CNN_SOFTMAX and viewed:
            return cnn_fail_at(error, CNN_E_ARGUMENT, g.values[at].node,
                               "cross_entropy cannot look for classes behind a change of shape; put '%s' (softmax) after '%s'",
                               name, node_name(g, &g.nodes[v.node]))
        if activation == wanted:
            at = g.links[node.inputs]
    if chosen == CNN_LOSS_CROSS_ENTROPY:
        if v.rank < 2 or v.rank == 4 or v.dims[v.rank - 1] == OPEN:
            return cnn_fail_at(error, CNN_E_SHAPE, v.node, "cross_entropy needs an output of shape (n, classes) or (n, time, classes); that of '%s' is %D",
                               name, <size_t>v.rank, v.dims)
        if v.dims[v.rank - 1] == 1:
            return cnn_fail_at(error, CNN_E_SHAPE, v.node,
                               "cross_entropy needs an output for each class, and '%s' has only one; for yes or no use sigmoid and binary_cross_entropy", name)
    kind[0] = <cnn_loss>chosen
    value[0] = at
    classes[0] = v.dims[v.rank - 1] if chosen == CNN_LOSS_CROSS_ENTROPY else 0
    return CNN_OK
