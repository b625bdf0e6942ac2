# Metrics, summed over the units (samples, or steps of them) of any number of batches; scikit-learn's definitions, zero_division 0.
#
# What is a class: one output is the probability of class 1; k outputs are scores of k classes, the largest wins, the first of equals; k
# outputs under binary_cross_entropy are k yes/no labels of their own (multilabel). Targets are labels, or as wide as the predictions.
# A unit of weight 0 is not there at all: it is padding.

cdef struct Scored:        # for auc: what a unit scores for a class, and its weight: > 0 where it is of the class, < 0 where not
    double score, weight

cdef struct Metric:
    int32_t kind
    int32_t multilabel
    size_t width           # outputs
    size_t classes         # 2 for one output
    size_t k               # top_k_accuracy
    double threshold       # outputs above it say yes: 0.5 of probabilities, 0 of logits
    double weight, total   # sum w, sum w value
    double *sums           # precision, recall, f1: Counts a class; r2: Moments an output
    Scored *scored         # auc: (n, columns)
    Scored *sorted         # one column, twice
    size_t n, room, columns
    const cnn_allocator *allocator
    cnn_status status

cdef struct Counts:        # of one class, weighted
    double hit, called, actual
    double seen            # 1: occurs among the targets or predictions

cdef struct Moments:       # of one output: the targets' mean and squared distance from it, and the squared error
    double mean, spread, error


cdef void metric_reset(Metric *m) noexcept nogil:
    m.weight = m.total = 0
    m.n = 0
    m.status = CNN_OK
    if m.sums != NULL:
        memset(m.sums, 0, m.classes * sizeof(Counts))


cdef void metric_free(Metric *m) noexcept nogil:
    cnn_memory_release(m.sums)
    cnn_memory_release(m.scored)
    cnn_memory_release(m.sorted)
    m.sums = NULL
    m.scored = m.sorted = NULL


cdef cnn_status metric_room(Metric *m, size_t rows) noexcept nogil:
    """Room for the scores of so many units; what is there stays."""
    cdef size_t bytes = 0, both = 0
    cdef Scored *scored = NULL
    cdef Scored *sorted = NULL
    if rows <= m.room:
        return CNN_OK
    if cnn_size_mul(rows, m.columns * sizeof(Scored), &bytes) and cnn_size_mul(rows, 2 * sizeof(Scored), &both):
        scored = <Scored *>cnn_memory_new(m.allocator, bytes)
        sorted = <Scored *>cnn_memory_new(m.allocator, both)
    if scored == NULL or sorted == NULL:
        cnn_memory_release(scored)
        cnn_memory_release(sorted)
        return CNN_E_MEMORY
    if m.n:
        memcpy(scored, m.scored, m.n * m.columns * sizeof(Scored))
    cnn_memory_release(m.scored)
    cnn_memory_release(m.sorted)
    m.scored = scored
    m.sorted = sorted
    m.room = rows
    return CNN_OK


cdef cnn_status metric_make(const cnn_allocator *allocator, Metric *m, const cnn_metric_spec *spec, size_t width, size_t rows, int32_t loss,
                            int32_t logits, cnn_error *error) noexcept nogil:
    """rows: units that an epoch has, 0 when that is not known. loss: of this output. logits: the predictions are what that loss is
    computed on, so that cross_entropy's and binary_cross_entropy's are logits."""
    cdef double k = spec.constant if spec.constant != 0 else 5
    memset(m, 0, sizeof(Metric))
    m.kind = spec.kind
    m.allocator = allocator
    m.width = width
    m.classes = width if width > 1 else 2
    m.multilabel = loss == CNN_LOSS_BINARY_CROSS_ENTROPY and width > 1
    m.threshold = 0.5
    if loss == CNN_LOSS_HINGE or (logits and (loss == CNN_LOSS_CROSS_ENTROPY or loss == CNN_LOSS_BINARY_CROSS_ENTROPY)):
        m.threshold = 0
    if m.kind == CNN_METRIC_TOP_K_ACCURACY:
        if width == 1 or m.multilabel:
            return cnn_fail(error, CNN_E_ARGUMENT, "top_k_accuracy needs an output for each class; use accuracy")
        if not (1 <= k and k <= 2147483647 and k == m_floor(k)):
            return cnn_fail(error, CNN_E_ARGUMENT, "k of top_k_accuracy is %g; it must be a whole number, at least 1", k)
        m.k = <size_t>k
    elif m.kind == CNN_METRIC_AUC:
        m.columns = width if width > 2 or m.multilabel else 1
        if metric_room(m, rows) != CNN_OK:
            return cnn_fail(error, CNN_E_MEMORY, "not enough memory for auc, which keeps every score (%z units)", rows)
    elif m.kind == CNN_METRIC_PRECISION or m.kind == CNN_METRIC_RECALL or m.kind == CNN_METRIC_F1 or m.kind == CNN_METRIC_R2:
        m.sums = <double *>cnn_memory_new(allocator, m.classes * sizeof(Counts))
        if m.sums == NULL:
            return cnn_fail(error, CNN_E_MEMORY, "not enough memory for the metrics")
    elif m.kind != CNN_METRIC_ACCURACY and m.kind != CNN_METRIC_MAE and m.kind != CNN_METRIC_MSE:
        return cnn_fail(error, CNN_E_ARGUMENT, "there is no metric of number %d", m.kind)
    return CNN_OK


# ---- One unit ------------------------------------------------------------------------------------------------------------------------

cdef inline size_t largest(size_t n, const real *x) noexcept nogil:
    cdef size_t i, best = 0
    for i in range(1, n):
        if x[i] > x[best]:
            best = i
    return best

cdef inline size_t class_called(const Metric *m, const real *p) noexcept nogil:
    if m.width == 1:
        return 1 if p[0] > m.threshold else 0
    return largest(m.width, p)

cdef inline size_t class_given(const Metric *m, const int32_t *label, const real *y) noexcept nogil:
    """label: NULL when the target is y."""
    if label != NULL:
        return <size_t>label[0]
    if m.width == 1:
        return 1 if y[0] > <real>0.5 else 0
    return largest(m.width, y)

cdef inline int is_given(const Metric *m, size_t j, size_t given, const int32_t *label, const real *y) noexcept nogil:
    """Whether output j is to say yes."""
    return y[j] > <real>0.5 if m.multilabel and label == NULL else given == j

cdef inline double number_given(size_t j, size_t width, const int32_t *label, const real *y) noexcept nogil:
    if label == NULL:
        return y[j]
    return <double>label[0] if width == 1 else <double>(<size_t>label[0] == j)

cdef double accuracy_of(const Metric *m, size_t given, const int32_t *label, const real *y, const real *p) noexcept nogil:
    """Of several labels: the share that is right."""
    cdef size_t j, right = 0
    if not m.multilabel:
        return 1 if class_called(m, p) == given else 0
    for j in range(m.width):
        right += (p[j] > m.threshold) == is_given(m, j, given, label, y)
    return <double>right / <double>m.width

cdef double top_k_accuracy_of(const Metric *m, size_t given, const real *p) noexcept nogil:
    """1 when fewer than k classes score more; of equals the earlier counts as more, and so does a NaN."""
    cdef size_t j, above = 0
    if given >= m.width:
        return 0
    for j in range(m.width):
        if j != given and not (p[j] < p[given] or (p[j] == p[given] and j > given)):
            above += 1
    return 1 if above < m.k else 0

cdef double error_of(const Metric *m, const int32_t *label, const real *y, const real *p) noexcept nogil:
    """mae or mse: the mean over the outputs."""
    cdef size_t j
    cdef double e, total = 0
    for j in range(m.width):
        e = p[j] - number_given(j, m.width, label, y)
        total += fabs(e) if m.kind == CNN_METRIC_MAE else e * e
    return total / <double>m.width

cdef void count(Metric *m, double w, size_t given, const int32_t *label, const real *y, const real *p) noexcept nogil:
    cdef Counts *c = <Counts *>m.sums
    cdef size_t j, called
    cdef int yes, is_
    if m.multilabel:
        for j in range(m.width):
            yes = p[j] > m.threshold
            is_ = is_given(m, j, given, label, y)
            c[j].seen = 1
            c[j].hit += w if yes and is_ else 0
            c[j].called += w if yes else 0
            c[j].actual += w if is_ else 0
        return
    called = class_called(m, p)
    if given >= m.classes:
        return
    c[called].seen = c[given].seen = 1
    c[called].called += w
    c[given].actual += w
    if called == given:
        c[given].hit += w

cdef void gather_moments(Metric *m, double w, const int32_t *label, const real *y, const real *p) noexcept nogil:
    """West 1979: one pass, without the cancellation of sum w y^2 - (sum w y)^2 / sum w. m.weight includes w."""
    cdef Moments *s = <Moments *>m.sums
    cdef size_t j
    cdef double value, e
    for j in range(m.width):
        value = number_given(j, m.width, label, y)
        e = value - s[j].mean
        s[j].mean += e * (w / m.weight)
        s[j].spread += w * e * (value - s[j].mean)
        e = p[j] - value
        s[j].error += w * e * e

cdef void keep_scores(Metric *m, double w, size_t given, const int32_t *label, const real *y, const real *p) noexcept nogil:
    """Two classes have one score, class 1's. Logits of classes are compared between units as probabilities: by softmax, of two classes by
    their difference."""
    cdef Scored *s = m.scored + m.n * m.columns
    cdef size_t j
    cdef double top, sum = 0
    if m.columns == 1:
        s.score = p[m.width - 1]
        if m.width == 2 and m.threshold == 0:
            s.score -= p[0]
        s.weight = w if given == 1 else -w
    else:
        for j in range(m.columns):
            s[j].score = p[j]
            s[j].weight = w if is_given(m, j, given, label, y) else -w
        if m.threshold == 0 and not m.multilabel:
            top = p[largest(m.width, p)]
            for j in range(m.columns):
                s[j].score = cnn_exp_f64(s[j].score - top)
                sum += s[j].score
            for j in range(m.columns):
                s[j].score /= sum
    m.n += 1


cdef cnn_status metric_update(Metric *m, size_t units, size_t width, int labels, const void *target, const real *p, const double *weights,
                              double factor) noexcept nogil:
    """target: (units,) labels or (units, width) in real. A unit's weight is weights[i] * factor; NULL: 1. Only auc can fail, of memory."""
    cdef const int32_t *label = NULL
    cdef const real *y = NULL
    cdef size_t i, given = 0
    cdef int32_t kind = m.kind
    cdef double w = 1, value
    if m.status != CNN_OK:
        return m.status
    if kind == CNN_METRIC_AUC and m.n + units > m.room:
        m.status = metric_room(m, m.n + units if m.n + units > 2 * m.room else 2 * m.room)
        if m.status != CNN_OK:
            return m.status
    for i in range(units):
        if weights != NULL:
            w = weights[i] * factor
            if w == 0:
                continue
        if labels:
            label = <const int32_t *>target + i
        else:
            y = <const real *>target + i * width
        m.weight += w
        if kind == CNN_METRIC_MAE or kind == CNN_METRIC_MSE:
            m.total += w * error_of(m, label, y, p + i * width)
        elif kind == CNN_METRIC_R2:
            gather_moments(m, w, label, y, p + i * width)
        else:
            given = class_given(m, label, y)
            if kind == CNN_METRIC_ACCURACY:
                m.total += w * accuracy_of(m, given, label, y, p + i * width)
            elif kind == CNN_METRIC_TOP_K_ACCURACY:
                m.total += w * top_k_accuracy_of(m, given, p + i * width)
            elif kind == CNN_METRIC_AUC:
                keep_scores(m, w, given, label, y, p + i * width)
            else:
                count(m, w, given, label, y, p + i * width)
    return CNN_OK


# ---- The end -------------------------------------------------------------------------------------------------------------------------

cdef inline double ratio(double a, double b) noexcept nogil:
    return a / b if b > 0 else 0

cdef double class_ratio(int32_t kind, const Counts *c) noexcept nogil:
    if kind == CNN_METRIC_PRECISION:
        return ratio(c.hit, c.called)
    if kind == CNN_METRIC_RECALL:
        return ratio(c.hit, c.actual)
    return ratio(2 * c.hit, c.called + c.actual)

cdef double ratios_end(const Metric *m) noexcept nogil:
    """Of class 1 where there are two; else the mean over the classes that occur (macro)."""
    cdef const Counts *c = <const Counts *>m.sums
    cdef size_t j, seen = 0
    cdef double total = 0
    if m.width <= 2 and not m.multilabel:
        return class_ratio(m.kind, &c[1])
    for j in range(m.width):
        if c[j].seen:
            seen += 1
            total += class_ratio(m.kind, &c[j])
    return total / <double>seen if seen else M_NAN

cdef double r2_end(const Metric *m) noexcept nogil:
    """1 - residual / total sum of squares, the mean over outputs; a constant target gives 1 if it is met, else 0."""
    cdef const Moments *s = <const Moments *>m.sums
    cdef size_t j
    cdef double total = 0
    for j in range(m.width):
        if s[j].spread > 0:
            total += 1 - s[j].error / s[j].spread
        elif s[j].error == 0:
            total += 1
        elif m_isnan(s[j].error):
            return M_NAN
    return total / <double>m.width

cdef Scored *sort_scores(size_t n, Scored *from_, Scored *to) noexcept nogil:
    """Ascending, equals in the order they came, so that the sums over them are the same each time. Merges runs of 1, 2, 4... to and fro;
    where the result lies."""
    cdef Scored *other
    cdef size_t run = 1, first, a, b, middle, end, i
    while run < n:
        first = 0
        while first < n:
            middle = first + run if first + run < n else n
            end = middle + run if middle + run < n else n
            a = first
            b = middle
            for i in range(first, end):
                if a < middle and (b == end or not from_[b].score < from_[a].score):
                    to[i] = from_[a]
                    a += 1
                else:
                    to[i] = from_[b]
                    b += 1
            first = end
        other = from_
        from_ = to
        to = other
        run *= 2
    return from_

cdef double auc_of(size_t n, const Scored *s) noexcept nogil:
    """The share of pairs (one of the class, one not) in which the first scores more, half of equals: the area under the ROC curve.
    NaN without both kinds."""
    cdef size_t i = 0, j
    cdef double inside, outside, below = 0, all = 0, pairs = 0
    while i < n:
        inside = outside = 0
        j = i
        while j < n and s[j].score == s[i].score:
            if s[j].weight > 0:
                inside += s[j].weight
            else:
                outside -= s[j].weight
            j += 1
        if j == i:
            return M_NAN  # a NaN is not equal to itself
        pairs += inside * (below + 0.5 * outside)
        below += outside
        all += inside
        i = j
    return pairs / (all * below) if all > 0 and below > 0 else M_NAN

cdef double auc_end(const Metric *m) noexcept nogil:
    """One class against the others, the mean over classes (macro)."""
    cdef size_t i, j
    cdef double total = 0
    for j in range(m.columns):
        for i in range(m.n):
            m.sorted[i] = m.scored[i * m.columns + j]
        total += auc_of(m.n, sort_scores(m.n, m.sorted, m.sorted + m.n))
    return total / <double>m.columns

cdef double metric_end(const Metric *m) noexcept nogil:
    """The metric of all units since metric_reset; NaN where there were none."""
    if m.status != CNN_OK or not m.weight > 0:
        return M_NAN
    if m.kind == CNN_METRIC_AUC:
        return auc_end(m)
    if m.kind == CNN_METRIC_R2:
        return r2_end(m)
    if m.sums != NULL:
        return ratios_end(m)
    return m.total / m.weight
