# Learning rates as functions of the epoch (3.5: half way through the fourth). tests/reference/schedules.py has the same.

cdef inline double schedule_or(double constant, double default) noexcept nogil:
    """0 stands for the default."""
    return constant if constant != 0 else default

cdef inline double half_cosine(double start, double end, double share) noexcept nogil:
    """From start at share 0 to end at share 1 and beyond, along half a cosine."""
    if share >= 1:
        return end
    return end + (start - end) * (1 + cnn_cos_f64(3.14159265358979323846 * share)) / 2

cdef double schedule_rate(const cnn_schedule *s, double epoch) noexcept nogil:
    """Without warm-up.

    STEP every, factor (0.1): lr factor^floor(epoch / every) (torch StepLR).
    EXPONENTIAL decay: lr decay^epoch (torch ExponentialLR).
    COSINE epochs, final: half a cosine from lr to the rate `final`, which then stays (torch CosineAnnealingLR without its rise).
    ONE_CYCLE epochs, start (1/25), warm (0.3), final (1e-4): lr start up to lr over the share `warm` of the epochs, then down to
    lr start final, both along half a cosine; that stays (torch OneCycleLR; Smith and Topin 2018)."""
    cdef const double *c = &s.constant[0]
    cdef double start, top
    if s.kind == CNN_LR_STEP:
        return s.lr * cnn_pow_f64(schedule_or(c[1], 0.1), m_floor(epoch / c[0]))
    if s.kind == CNN_LR_EXPONENTIAL:
        return s.lr * cnn_pow_f64(c[0], epoch)
    if s.kind == CNN_LR_COSINE:
        return half_cosine(s.lr, c[1], epoch / c[0])
    if s.kind == CNN_LR_ONE_CYCLE:
        start = s.lr * schedule_or(c[1], 0.04)
        top = schedule_or(c[2], 0.3) * c[0]
        if epoch < top:
            return half_cosine(start, s.lr, epoch / top)
        return half_cosine(s.lr, start * schedule_or(c[3], 1e-4), (epoch - top) / (c[0] - top))
    if s.kind == CNN_LR_HOOK:
        return s.hook(s.user, epoch)
    return s.lr

cdef double schedule_at(const cnn_schedule *s, double epoch) noexcept nogil:
    """The schedule's rate times min(1, epoch / warmup)."""
    cdef double rate = schedule_rate(s, epoch)
    return rate * (epoch / s.warmup) if epoch < s.warmup else rate

cdef cnn_status schedule_check(const cnn_schedule *s, cnn_error *error) noexcept nogil:
    cdef const double *c = &s.constant[0]
    cdef double warm = schedule_or(c[2], 0.3)
    if s.kind < CNN_LR_CONSTANT or s.kind > CNN_LR_HOOK:
        return cnn_fail(error, CNN_E_ARGUMENT, "there is no schedule of number %d", s.kind)
    if s.kind == CNN_LR_HOOK and s.hook == NULL:
        return cnn_fail(error, CNN_E_ARGUMENT, "a schedule of one's own needs its function")
    if s.kind != CNN_LR_HOOK and s.kind != CNN_LR_CONSTANT and not (s.lr >= 0 and m_isfinite(s.lr)):
        return cnn_fail(error, CNN_E_ARGUMENT, "the schedule's rate is %g; it must not be negative", s.lr)
    if not (s.warmup >= 0 and m_isfinite(s.warmup)):
        return cnn_fail(error, CNN_E_ARGUMENT, "a warm-up of %g epochs; it must not be negative", s.warmup)
    if s.kind == CNN_LR_STEP and not (c[0] > 0 and c[1] >= 0 and m_isfinite(c[1])):
        return cnn_fail(error, CNN_E_ARGUMENT, "a step of %g every %g epochs; both must be above 0", c[1], c[0])
    if s.kind == CNN_LR_EXPONENTIAL and not (c[0] > 0 and m_isfinite(c[0])):
        return cnn_fail(error, CNN_E_ARGUMENT, "a decay of %g an epoch; it must be above 0", c[0])
    if s.kind == CNN_LR_COSINE and not (c[0] > 0 and c[1] >= 0 and m_isfinite(c[1])):
        return cnn_fail(error, CNN_E_ARGUMENT, "a cosine over %g epochs to the rate %g; the epochs must be above 0, the rate not below", c[0], c[1])
    if s.kind == CNN_LR_ONE_CYCLE and not (c[0] > 0 and c[1] >= 0 and c[3] >= 0 and warm > 0 and warm < 1):
        return cnn_fail(error, CNN_E_ARGUMENT, "one cycle over %g epochs, %g of them rising; the first must be above 0, the second between 0 and 1",
                        c[0], warm)
    return CNN_OK
