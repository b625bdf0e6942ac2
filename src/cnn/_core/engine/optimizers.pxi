# Optimizers: each one's element formula, written once. PyTorch's definitions (torch.optim, the _single_tensor_* functions) and defaults.
#
# An update is one pass over n parameters w with gradient g. slots: the span's part of each slot; h: the constants that
# optimizer_constants makes, h[0] the rate, h[1] the weight decay. Where the machine has an accelerated row, that runs instead; its
# constants are laid out as kernels.def says. L-BFGS is no update: lbfgs.pxi.

cdef enum:
    SGD_SMALL = 256        # parameters: a span of so few takes the definition everywhere, which the small-network path has inline

cdef inline real sgd_value(real w, real g, real rate, real decay) noexcept nogil:
    return w - rate * (g + decay * w) if decay != 0 else w - rate * g

cdef void sgd_update(const cnn_kernels *kernels, size_t n, real *w, const real *g, real **slots, const real *h) noexcept nogil:
    """g' = g + h1 w; w -= h0 g'."""
    cdef real rate = h[0], decay = h[1]
    cdef real *none = NULL
    cdef size_t i
    if r_sgd_update(kernels, n, w, g, none, none, h):
        return
    for i in range(n):
        w[i] = sgd_value(w[i], g[i], rate, decay)

cdef void momentum_update(const cnn_kernels *kernels, size_t n, real *w, const real *g, real **slots, const real *h) noexcept nogil:
    """v = h2 v + g'; w -= h0 v, or h0 (g' + h2 v) with Nesterov's look ahead (h3). v starts at 0, so its first value is g'."""
    cdef real rate = h[0], decay = h[1], momentum = h[2], gradient
    cdef int nesterov = h[3] != 0
    cdef real *v = slots[0]
    cdef real *none = NULL
    cdef size_t i
    if r_momentum_update(kernels, n, w, g, v, none, h):
        return
    for i in range(n):
        gradient = g[i] + decay * w[i]
        v[i] = momentum * v[i] + gradient
        w[i] -= rate * (gradient + momentum * v[i] if nesterov else v[i])

cdef void rmsprop_update(const cnn_kernels *kernels, size_t n, real *w, const real *g, real **slots, const real *h) noexcept nogil:
    """s = h2 s + (1 - h2) g'^2; w -= h0 g' / (sqrt(s) + h3). Tieleman & Hinton 2012."""
    cdef real rate = h[0], decay = h[1], alpha = h[2], rest = 1 - h[2], eps = h[3], gradient
    cdef real *s = slots[0]
    cdef real *none = NULL
    cdef size_t i
    if r_rmsprop_update(kernels, n, w, g, s, none, h):
        return
    for i in range(n):
        gradient = g[i] + decay * w[i]
        s[i] = alpha * s[i] + rest * (gradient * gradient)
        w[i] -= rate * gradient / (m_sqrt(s[i]) + eps)

cdef void rmsprop_full_update(const cnn_kernels *kernels, size_t n, real *w, const real *g, real **slots, const real *h) noexcept nogil:
    """RMSprop with momentum h4 (0: none) and, where h5 is 1, with the variance in place of the mean square (Graves 2013)."""
    cdef real rate = h[0], decay = h[1], alpha = h[2], rest = 1 - h[2], eps = h[3], momentum = h[4], gradient, spread, step
    cdef int centered = h[5] != 0
    cdef real *s = slots[0]
    cdef real *mean = slots[1] if centered else NULL
    cdef real *v = NULL
    cdef size_t i
    if momentum != 0:
        v = slots[2] if centered else slots[1]
    for i in range(n):
        gradient = g[i] + decay * w[i]
        s[i] = alpha * s[i] + rest * (gradient * gradient)
        spread = s[i]
        if centered:
            mean[i] = alpha * mean[i] + rest * gradient
            spread -= mean[i] * mean[i]
            if spread < 0:  # a variance, but for rounding
                spread = 0
        step = gradient / (m_sqrt(spread) + eps)
        if v != NULL:
            v[i] = momentum * v[i] + step
            step = v[i]
        w[i] -= rate * step

cdef void adagrad_update(const cnn_kernels *kernels, size_t n, real *w, const real *g, real **slots, const real *h) noexcept nogil:
    """s += g'^2; w -= h0 g' / (sqrt(s) + h2). Duchi, Hazan & Singer 2011."""
    cdef real rate = h[0], decay = h[1], eps = h[2], gradient
    cdef real *s = slots[0]
    cdef real *none = NULL
    cdef size_t i
    if r_adagrad_update(kernels, n, w, g, s, none, h):
        return
    for i in range(n):
        gradient = g[i] + decay * w[i]
        s[i] += gradient * gradient
        w[i] -= rate * gradient / (m_sqrt(s[i]) + eps)

cdef void adam_update(const cnn_kernels *kernels, size_t n, real *w, const real *g, real **slots, const real *h) noexcept nogil:
    """s += (1 - h2)(g' - s); t = h3 t + (1 - h3) g'^2; w -= h5 s / (sqrt(t) h6 + h4): Adam (Kingma & Ba 2015).

    h5, h6 hold the bias corrections. h7: the decay is decoupled, w *= 1 - h0 h1 and g' = g: AdamW (Loshchilov & Hutter 2019)."""
    cdef int decoupled = h[7] != 0
    cdef real decay = 0 if decoupled else h[1], keep = 1 - h[0] * h[1] if decoupled else 1
    cdef real rest1 = 1 - h[2], beta2 = h[3], rest2 = 1 - h[3], eps = h[4], rate = h[5], correction = h[6], gradient
    cdef real *s = slots[0]
    cdef real *t = slots[1]
    cdef size_t i
    if r_adam_update(kernels, n, w, g, s, t, h):
        return
    for i in range(n):
        gradient = g[i] + decay * w[i]
        s[i] += rest1 * (gradient - s[i])
        t[i] = beta2 * t[i] + rest2 * (gradient * gradient)
        w[i] = w[i] * keep - rate * s[i] / (m_sqrt(t[i]) * correction + eps)

cdef inline real sign_of(real x) noexcept nogil:
    return <real>((x > 0) - (x < 0))

cdef void rprop_update(const cnn_kernels *kernels, size_t n, real *w, const real *g, real **slots, const real *h) noexcept nogil:
    """A step size of its own for every weight, grown by h3 while its gradient keeps its sign, shrunk by h2 where the sign turned,
    within [h4, h5]; after a turn this step is 0 and the next compares with 0. Riedmiller & Braun 1993, as torch has it."""
    cdef real shrink = h[2], grow = h[3], least = h[4], most = h[5], gradient, turn, size
    cdef real *before = slots[0]
    cdef real *sizes = slots[1]
    cdef size_t i
    for i in range(n):
        gradient = g[i]
        turn = sign_of(gradient) * sign_of(before[i])
        size = sizes[i]
        if turn > 0:
            size *= grow
        elif turn < 0:
            size *= shrink
            gradient = 0
        size = least if size < least else most if size > most else size
        w[i] -= sign_of(gradient) * size
        sizes[i] = size
        before[i] = gradient


# ---- Options -----------------------------------------------------------------------------------------------------------------------

cdef const char *optimizer_title(int32_t kind) noexcept nogil:
    """The class of the Python user."""
    if kind == CNN_OPTIMIZER_SGD: return "SGD"
    if kind == CNN_OPTIMIZER_RMSPROP: return "RMSprop"
    if kind == CNN_OPTIMIZER_ADAGRAD: return "Adagrad"
    if kind == CNN_OPTIMIZER_ADAM: return "Adam"
    if kind == CNN_OPTIMIZER_ADAMW: return "AdamW"
    if kind == CNN_OPTIMIZER_RPROP: return "Rprop"
    if kind == CNN_OPTIMIZER_LBFGS: return "LBFGS"
    return NULL

cdef cnn_status optimizer_defaults(cnn_optimizer kind, cnn_optimizer_options *out) noexcept nogil:
    """PyTorch's defaults. DEFAULT is Adam."""
    if kind == CNN_OPTIMIZER_DEFAULT:
        kind = CNN_OPTIMIZER_ADAM
    if optimizer_title(kind) == NULL:
        return CNN_E_ARGUMENT
    memset(out, 0, sizeof(cnn_optimizer_options))
    out.size = sizeof(cnn_optimizer_options)
    out.kind = kind
    out.lr = 0.01
    if kind == CNN_OPTIMIZER_RMSPROP:
        out.alpha = 0.99
        out.eps = 1e-8
    elif kind == CNN_OPTIMIZER_ADAGRAD:
        out.eps = 1e-10
    elif kind == CNN_OPTIMIZER_ADAM or kind == CNN_OPTIMIZER_ADAMW:
        out.lr = 1e-3
        out.beta1 = 0.9
        out.beta2 = 0.999
        out.eps = 1e-8
        out.weight_decay = 0.01 if kind == CNN_OPTIMIZER_ADAMW else 0.0
    elif kind == CNN_OPTIMIZER_RPROP:
        out.eta_minus = 0.5
        out.eta_plus = 1.2
        out.step_min = 1e-6
        out.step_max = 50.0
    elif kind == CNN_OPTIMIZER_LBFGS:
        out.lr = 1.0
        out.max_iter = 20.0
        out.tolerance_grad = 1e-7
        out.tolerance_change = 1e-9
        out.history = 100.0
    return CNN_OK


cdef struct OptionCheck:   # the options of one optimizer under examination
    cnn_error *error
    const char *title
    int32_t failed

cdef void option_must(OptionCheck *c, int holds, const char *name, double value, const char *what) noexcept nogil:
    """The first option that breaks its rule is named: "Adam: beta1=1.5 is not in [0, 1)"."""
    if not holds and not c.failed:
        c.failed = 1
        cnn_fail(c.error, CNN_E_ARGUMENT, "%s: %s=%g is not %s", c.title, name, value, what)

cdef void option_not_negative(OptionCheck *c, const char *name, double value) noexcept nogil:
    option_must(c, value >= 0 and m_isfinite(value), name, value, "in [0, inf)")

cdef void option_positive(OptionCheck *c, const char *name, double value) noexcept nogil:
    """As float32 holds it, so that an optimizer suits both dtypes or neither."""
    option_must(c, <float>value > 0 and m_isfinite(value), name, value, "in (0, inf)")

cdef void option_below_one(OptionCheck *c, const char *name, double value) noexcept nogil:
    option_must(c, value >= 0 and value < 1, name, value, "in [0, 1)")

cdef void option_count(OptionCheck *c, const char *name, double value, double least) noexcept nogil:
    option_must(c, value >= least and value <= 1e6 and value == <double><int64_t>value, name, value,
                b"a whole number from 1 to 1000000" if least > 0 else b"a whole number from 0 to 1000000")

cdef void option_unused(OptionCheck *c, const char *name, double value) noexcept nogil:
    option_must(c, value == 0, name, value, "an option of this optimizer")

cdef cnn_status optimizer_check(const cnn_optimizer_options *o, cnn_error *error) noexcept nogil:
    cdef OptionCheck c
    cdef int32_t kind = o.kind
    c.error = error
    c.title = optimizer_title(kind)
    c.failed = 0
    if c.title == NULL:
        return cnn_fail(error, CNN_E_ARGUMENT, "optimizer %d is not known", <int>kind)
    option_not_negative(&c, "lr", o.lr)
    option_not_negative(&c, "clip_norm", o.clip_norm)
    option_not_negative(&c, "clip_value", o.clip_value)
    if kind == CNN_OPTIMIZER_RPROP or kind == CNN_OPTIMIZER_LBFGS:
        option_unused(&c, "weight_decay", o.weight_decay)
    else:
        option_not_negative(&c, "weight_decay", o.weight_decay)
    if kind == CNN_OPTIMIZER_SGD or kind == CNN_OPTIMIZER_RMSPROP:
        option_not_negative(&c, "momentum", o.momentum)
    else:
        option_unused(&c, "momentum", o.momentum)
    if kind == CNN_OPTIMIZER_SGD:
        if o.nesterov != 0:
            option_must(&c, o.momentum > 0, "momentum", o.momentum, "in (0, inf), which nesterov=True needs")
    else:
        option_unused(&c, "nesterov", o.nesterov)
    if kind == CNN_OPTIMIZER_RMSPROP:
        option_below_one(&c, "alpha", o.alpha)
    elif kind == CNN_OPTIMIZER_ADAGRAD:
        option_not_negative(&c, "lr_decay", o.alpha)
        option_not_negative(&c, "initial", o.initial)
    elif kind == CNN_OPTIMIZER_ADAM or kind == CNN_OPTIMIZER_ADAMW:
        option_below_one(&c, "beta1", o.beta1)
        option_below_one(&c, "beta2", o.beta2)
    elif kind == CNN_OPTIMIZER_RPROP:
        option_must(&c, o.eta_minus > 0 and o.eta_minus < 1, "eta_minus", o.eta_minus, "in (0, 1)")
        option_must(&c, o.eta_plus > 1 and m_isfinite(o.eta_plus), "eta_plus", o.eta_plus, "in (1, inf)")
        option_not_negative(&c, "step_min", o.step_min)
        option_must(&c, o.step_max >= o.step_min and m_isfinite(o.step_max), "step_max", o.step_max, "in [step_min, inf)")
    elif kind == CNN_OPTIMIZER_LBFGS:
        option_count(&c, "max_iter", o.max_iter, 1)
        option_count(&c, "max_eval", o.max_eval, 0)
        option_count(&c, "history", o.history, 1)
        option_not_negative(&c, "tolerance_grad", o.tolerance_grad)
        option_not_negative(&c, "tolerance_change", o.tolerance_change)
    if kind != CNN_OPTIMIZER_SGD and kind != CNN_OPTIMIZER_RPROP and kind != CNN_OPTIMIZER_LBFGS:
        option_positive(&c, "eps", o.eps)
    return CNN_E_ARGUMENT if c.failed else CNN_OK


cdef cnn_status optimizer_table(const cnn_optimizer_options *o, OptimizerTable *t, cnn_error *error) noexcept nogil:
    """The update that these options ask for, once they are known to be in range; *t is left alone when they are not."""
    cdef cnn_status status = optimizer_check(o, error)
    cdef int centered, momentum
    if status != CNN_OK:
        return status
    memset(t, 0, sizeof(OptimizerTable))
    t.steady = o.kind == CNN_OPTIMIZER_SGD or o.kind == CNN_OPTIMIZER_RMSPROP
    if o.kind == CNN_OPTIMIZER_SGD and o.momentum == 0:
        t.small = SGD_SMALL
        t.f32 = sgd_update[float]
        t.f64 = sgd_update[double]
    elif o.kind == CNN_OPTIMIZER_SGD:
        t.slots = 1
        t.f32 = momentum_update[float]
        t.f64 = momentum_update[double]
    elif o.kind == CNN_OPTIMIZER_RMSPROP:
        centered = o.centered != 0
        momentum = o.momentum != 0
        t.slots = 1 + centered + momentum
        t.f32 = rmsprop_full_update[float] if t.slots > 1 else rmsprop_update[float]
        t.f64 = rmsprop_full_update[double] if t.slots > 1 else rmsprop_update[double]
    elif o.kind == CNN_OPTIMIZER_ADAGRAD:
        t.slots = 1
        t.slot_fill[0] = o.initial
        t.f32 = adagrad_update[float]
        t.f64 = adagrad_update[double]
    elif o.kind == CNN_OPTIMIZER_ADAM or o.kind == CNN_OPTIMIZER_ADAMW:
        t.slots = 2
        t.f32 = adam_update[float]
        t.f64 = adam_update[double]
    elif o.kind == CNN_OPTIMIZER_RPROP:
        t.slots = 2
        t.slot_fill[1] = o.lr  # the first step size
        t.f32 = rprop_update[float]
        t.f64 = rprop_update[double]
    else:
        t.driver = 1
    return CNN_OK


cdef double whole_power(double base, uint64_t n) noexcept nogil:
    """base^n by repeated squaring: the same bits everywhere."""
    cdef double power = 1.0
    while n:
        if n & 1:
            power *= base
        base *= base
        n >>= 1
    return power

cdef void optimizer_constants(const cnn_optimizer_options *o, double lr, uint64_t t, double *h) noexcept nogil:
    """h of step t (the first is 1) at the rate lr, for the updates above; the trainer casts it to its dtype."""
    memset(h, 0, MAX_CONSTANTS * sizeof(double))
    h[0] = lr
    h[1] = o.weight_decay
    if o.kind == CNN_OPTIMIZER_SGD:
        h[2] = o.momentum
        h[3] = 1.0 if o.nesterov != 0 else 0.0
    elif o.kind == CNN_OPTIMIZER_RMSPROP:
        h[2] = o.alpha
        h[3] = o.eps
        h[4] = o.momentum
        h[5] = 1.0 if o.centered != 0 else 0.0
    elif o.kind == CNN_OPTIMIZER_ADAGRAD:
        h[0] = lr / (1.0 + <double>(t - 1) * o.alpha)
        h[2] = o.eps
    elif o.kind == CNN_OPTIMIZER_ADAM or o.kind == CNN_OPTIMIZER_ADAMW:
        h[2] = o.beta1
        h[3] = o.beta2
        h[4] = o.eps
        h[5] = lr / (1.0 - whole_power(o.beta1, t))
        h[6] = 1.0 / sqrt(1.0 - whole_power(o.beta2, t))
        h[7] = 1.0 if o.kind == CNN_OPTIMIZER_ADAMW else 0.0
    elif o.kind == CNN_OPTIMIZER_RPROP:
        h[2] = o.eta_minus
        h[3] = o.eta_plus
        h[4] = o.step_min
        h[5] = o.step_max


# ---- Penalties, limits, clipping ---------------------------------------------------------------------------------------------------

cdef void penalty_add(const cnn_kernels *kernels, size_t n, double l1, double l2, const real *w, real *g) noexcept nogil:
    """g += the gradient of l1 sum |w| + l2/2 sum w^2; 0 is taken for the slope of |w| at 0."""
    cdef real slope = <real>l1
    cdef size_t i
    if l2 != 0:
        k_axpy(kernels, n, <real>l2, w, g)
    if l1 != 0:
        for i in range(n):
            g[i] += slope * sign_of(w[i])

cdef double penalty_value(size_t n, double l1, double l2, const real *w) noexcept nogil:
    """l1 sum |w| + l2/2 sum w^2."""
    cdef double magnitudes = 0.0, squares = 0.0
    cdef size_t i
    for i in range(n):
        magnitudes += fabs(<double>w[i])
        squares += <double>w[i] * <double>w[i]
    return l1 * magnitudes + 0.5 * l2 * squares

cdef void max_norm_rows(const cnn_kernels *kernels, size_t rows, size_t width, double limit, real *w) noexcept nogil:
    """Scales each row (the weights into one output unit) whose Euclidean norm is above limit down to it. limit 0: none."""
    cdef double norm
    cdef size_t i
    if limit <= 0:
        return
    for i in range(rows):
        norm = sqrt(k_sum_squares(kernels, width, w + i * width))
        if norm > limit:
            k_scale(kernels, width, <real>(limit / norm), w + i * width, w + i * width)

cdef double clip_scale(double norm, double limit) noexcept nogil:
    """What all gradients are multiplied by when their common norm may be `limit` at most (0: anything):
    torch.nn.utils.clip_grad_norm_, its 1e-6 included."""
    cdef double scale = limit / (norm + 1e-6)
    return scale if limit > 0 and scale < 1 else 1.0
