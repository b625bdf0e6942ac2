# The machine: instruction sets, threads, random numbers, memory; and the kernels, for tests.

cdef extern from *:
    """
    #include "kernels/kernels.h"
    static const struct { const char *name; size_t f32, f64; } cnn_kernel_rows[] = {
    #define K(result, name, arguments) {#name, offsetof(cnn_kernels, f32.name), offsetof(cnn_kernels, f64.name)},
    #define R(result, name, arguments) K(result, name, arguments)
    #define L(result, name, arguments) K(result, name, arguments)
    #include "kernels/kernels.def"
    #undef K
    #undef R
    #undef L
    };
    static const size_t cnn_kernel_row_count = sizeof cnn_kernel_rows / sizeof *cnn_kernel_rows;
    """
    ctypedef struct cnn_kernels:
        pass
    ctypedef struct cnn_kernel_row:
        const char *name
        size_t f32, f64
    const cnn_kernel_row *cnn_kernel_rows
    size_t cnn_kernel_row_count
    const cnn_kernels *cnn_kernels_of(int isa) noexcept nogil

# Sessions and trainers are made for an instruction set, a number of threads, which blocks are trainable, and the code of Function layers;
# each change of one of these counts, and what was made before is made anew when it is next used.
cdef size_t configuration = 1


cdef int configuration_changed() except -1:
    global configuration
    configuration += 1
    return 0


def isa_available():
    """The instruction sets of this build that this machine has, the best last."""
    return [cnn_isa_name(i).decode() for i in range(CNN_ISA_COUNT) if cnn_isa_available(i)]


def isa_current():
    return cnn_isa_name(cnn_isa_current()).decode()


def isa_use(name):
    """Lowers (or, None, restores) the instruction set that is used from now on."""
    cdef cnn_error error
    cdef bytes text = b""
    if name is not None:
        if not isinstance(name, str):
            raise TypeError(f"name must be a string or None; {described(name)} was given")
        text = (<str>name).encode("utf-8", "replace")
    fresh(&error)
    check(cnn_isa_use(text, &error), &error)
    configuration_changed()


def environment_errors():
    """What is wrong with CNN_ISA and CNN_NUM_THREADS, as sentences."""
    cdef const char *a = cnn_isa_environment_error()
    cdef const char *b = cnn_pool_environment_error()
    return ([a.decode()] if a != NULL else []) + ([b.decode()] if b != NULL else [])


def pool_threads():
    return cnn_pool_threads()


def pool_set_threads(n):
    cdef cnn_error error
    fresh(&error)
    if not 1 <= n <= 256:
        raise ValueError(f"{n} threads were asked for; 1 to 256 are possible")
    check(cnn_pool_set_threads(n, &error), &error)
    configuration_changed()


def cpu_count():
    return cnn_cpu_count()


def version():
    """(major, minor, patch) of the engine."""
    cdef uint32_t n = cnn_version_number()
    return n >> 16, n >> 8 & 255, n & 255


# ---- Optimizers and schedules ------------------------------------------------------------------------------------------------------

# The numbers of cnn_optimizer_options, in its order: from lr on all are doubles.
cdef tuple OPTIMIZER_OPTIONS = ("lr", "momentum", "nesterov", "weight_decay", "alpha", "beta1", "beta2", "eps", "centered", "eta_minus", "eta_plus",
                                "step_min", "step_max", "initial", "max_iter", "max_eval", "tolerance_grad", "tolerance_change", "history",
                                "strong_wolfe", "clip_norm", "clip_value")


cdef int optimizer_from(object kind, object options, cnn_optimizer_options *out) except -1:
    """The defaults of a kind, and the options given."""
    cdef double *numbers = &out.lr
    cdef int code = number_of(OPTIMIZERS, kind, "optimizer")
    memset(out, 0, sizeof(cnn_optimizer_options))
    out.size = sizeof(cnn_optimizer_options)
    check(cnn_optimizer_defaults(<cnn_optimizer>code, out), NULL)
    out.kind = <cnn_optimizer>code
    for name, value in dict(options).items():
        if name not in OPTIMIZER_OPTIONS:
            raise ValueError(f"{kind} has no option {name!r}; there are {', '.join(OPTIMIZER_OPTIONS)}")
        numbers[<int>OPTIMIZER_OPTIONS.index(name)] = value
    return 0


def optimizer_defaults(kind):
    """Every option of cnn_optimizer_options; those that the optimizer does not read are 0."""
    cdef cnn_optimizer_options options
    cdef const double *numbers = &options.lr
    cdef int i
    optimizer_from(kind, {}, &options)
    return {OPTIMIZER_OPTIONS[i]: numbers[i] for i in range(len(OPTIMIZER_OPTIONS))}


cdef dict SCHEDULES = {"constant": CNN_LR_CONSTANT, "step": CNN_LR_STEP, "exponential": CNN_LR_EXPONENTIAL, "cosine": CNN_LR_COSINE, "one_cycle": CNN_LR_ONE_CYCLE}


cdef int schedule_from(object spec, cnn_schedule *out) except -1:
    """(kind, lr, constants, warmup), or (callable, lr), whose hook the caller sets; None: the trainer's own rate."""
    cdef int i
    memset(out, 0, sizeof(cnn_schedule))
    out.kind = CNN_LR_CONSTANT
    out.lr = -1
    if spec is None:
        return 0
    spec = tuple(spec)
    if not 2 <= len(spec) <= 4:
        raise ValueError("a schedule is (kind, lr, constants, warmup), or (callable, lr)")
    out.lr = spec[1]
    if callable(spec[0]):
        out.kind = CNN_LR_HOOK
    else:
        out.kind = number_of(SCHEDULES, spec[0], "schedule")
    constants = tuple(spec[2]) if len(spec) > 2 else ()
    if len(constants) > 4:
        raise ValueError(f"a schedule has at most 4 constants; {len(constants)} were given")
    for i in range(len(constants)):
        out.constant[i] = constants[i]
    if len(spec) > 3:
        out.warmup = spec[3]
    return 0


def schedule_at(schedule, double epoch):
    """The rate of a schedule, as `Trainer.fit` takes it, at a point in time."""
    cdef cnn_schedule s
    schedule_from(schedule, &s)
    if s.kind == CNN_LR_HOOK:
        return float(schedule[0](epoch))
    return cnn_schedule_at(&s, epoch)


# ---- For tests ---------------------------------------------------------------------------------------------------------------------

def allocations():
    """(made so far, alive now) in the engine's allocator."""
    return cnn_memory_count(), cnn_memory_live()


def fail_allocation_after(long n):
    """After n further allocations of the engine one fails; negative: none."""
    cnn_memory_fail_after(n)


def threads_always_ready(bint always):
    """Predictions are divided among threads though they be asleep."""
    cnn_executor_always_ready(always)


def philox(counter, key, Py_ssize_t blocks):
    """uint64 (blocks, 4): the blocks at counter, counter + 1, ..."""
    cdef cnn_random r
    cdef uint64_t words[4]
    cdef Py_ssize_t i
    if len(counter) != 4 or len(key) != 2 or blocks < 0:
        raise ValueError("philox takes 4 counters, 2 keys, and a number of blocks")
    for i in range(4):
        r.counter[i] = counter[i]
    for i in range(2):
        r.key[i] = key[i]
    cdef object y = np_empty((blocks, 4), DTYPES[<int>CNN_UINT64])
    cdef Buffer b = take_flat(y)
    for i in range(blocks):
        cnn_random_block(&r, i, words)
        memcpy(<uint64_t *>b.view.buf + 4 * i, words, sizeof(words))
    return y


def random_permutation(seed, uint32_t purpose, uint64_t epoch, Py_ssize_t n):
    """uint32; purpose 2 is shuffling, 6 is splitting."""
    cdef cnn_random r = cnn_random_at(seed_of(seed), purpose, 0, epoch, 0, 0)
    if n < 0 or n > 0xffffffff:
        raise ValueError(f"n is {n}; it must be 0 to 2**32 - 1")
    cdef object y = np_empty((n,), DTYPES[<int>CNN_UINT32])
    cdef Buffer b = take_flat(y)
    cdef uint32_t *out = <uint32_t *>b.view.buf
    with nogil:
        cnn_random_permutation(&r, n, out)
    return y


ctypedef void (*row_map)(size_t n, const void *x, void *y) noexcept nogil
ctypedef void (*row_forward)(size_t n, const void *z, void *y, const void *c) noexcept nogil
ctypedef void (*row_backward)(size_t n, const void *dy, const void *z, const void *y, void *dz, const void *c, int accumulate) noexcept nogil
ctypedef void (*row_softmax)(size_t rows, size_t n, const void *z, void *y) noexcept nogil
ctypedef void (*row_softmax_back)(size_t rows, size_t n, const void *dy, const void *y, void *dz, int accumulate) noexcept nogil


def kernel(isa, name, *arrays):
    """One elementwise row of the kernel table on C-contiguous arrays of one dtype and shape, the last written:

        exp, log, tanh, sigmoid, erf: (x, y)        softmax_forward: (z, y)        softmax_backward: (dy, y, dz)
        <activation>_forward: (z, constants, y)     <activation>_backward: (dy, z, y, constants, dz)

    False when the instruction set has no such row."""
    cdef const cnn_kernels *table = NULL
    cdef void *f = NULL
    cdef const void *p[5]
    cdef list buffers = []
    cdef Buffer b
    cdef size_t i, n, width
    cdef int index = -1
    cdef bytes wanted = name.encode()
    for i in range(CNN_ISA_COUNT):
        if cnn_isa_name(i).decode() == isa and cnn_isa_available(i):
            table = cnn_kernels_of(i)
    if table == NULL:
        raise ValueError(f"instruction set {isa!r} is not available here")
    plain = name in ("exp", "log", "tanh", "sigmoid", "erf")
    softmax = name.startswith("softmax")
    backward = name.endswith("_backward")
    if not plain and not backward and not name.endswith("_forward"):
        raise ValueError(f"kernel {name!r} is not an elementwise one")
    count = 2 if plain else (3 if backward else 2) if softmax else 5 if backward else 3
    if len(arrays) != count:
        raise ValueError(f"kernel {name!r} takes {count} arrays; {len(arrays)} were given")
    for i in range(len(arrays)):
        constants = not plain and not softmax and i == <size_t>len(arrays) - 2
        b = take_exact(arrays[i], arrays[0].dtype, None if constants else arrays[0].shape, f"array {i}", i == <size_t>len(arrays) - 1)
        if constants and b.view.len < 2 * b.view.itemsize:
            raise ValueError("the constants of an activation are an array of at least 2")
        p[i] = b.view.buf
        buffers.append(b)
    if b.array.dtype > CNN_FLOAT64 or b.array.swapped:
        raise TypeError(f"kernels take float32 and float64, not {arrays[0].dtype}")
    for i in range(cnn_kernel_row_count):
        if strlen(cnn_kernel_rows[i].name) == <size_t>len(wanted) and memcmp(cnn_kernel_rows[i].name, <const char *>wanted, len(wanted)) == 0:
            index = i
    if index < 0:
        raise ValueError(f"kernel {name!r} is not known")
    f = (<void **>(<const char *>table + (cnn_kernel_rows[index].f32 if b.array.dtype == CNN_FLOAT32 else cnn_kernel_rows[index].f64)))[0]
    if f == NULL:
        return False
    n = b.view.len // b.view.itemsize
    width = b.array.dims[b.array.rank - 1]
    if n == 0:
        return True
    if plain:
        (<row_map>f)(n, p[0], <void *>p[1])
    elif softmax and backward:
        (<row_softmax_back>f)(n // width, width, p[0], p[1], <void *>p[2], 0)
    elif softmax:
        (<row_softmax>f)(n // width, width, p[0], <void *>p[1])
    elif backward:
        (<row_backward>f)(n, p[0], p[1], p[2], <void *>p[4], p[3], 0)
    else:
        (<row_forward>f)(n, p[0], <void *>p[2], p[1])
    return True
