# The machine floor, as the engine sees it: csrc/core. (Kernels: kernels.pxi, made from kernels.def.)

cdef extern from "core/memory.h" nogil:
    const cnn_allocator *cnn_memory_default()
    void *cnn_memory_new(const cnn_allocator *allocator, size_t bytes)
    void cnn_memory_release(void *block)
    void cnn_memory_take(void *p, size_t bytes)
    int cnn_size_mul(size_t a, size_t b, size_t *out)
    int cnn_size_add(size_t a, size_t b, size_t *out)

cdef extern from "core/status.h" nogil:
    cnn_status cnn_fail(cnn_error *error, cnn_status status, const char *format, ...)
    cnn_status cnn_fail_at(cnn_error *error, cnn_status status, int32_t node, const char *format, ...)
    size_t cnn_format(char *buffer, size_t size, const char *format, ...)

cdef extern from "core/random.h" nogil:
    enum:
        CNN_RANDOM_INIT
        CNN_RANDOM_SHUFFLE
        CNN_RANDOM_DROPOUT
        CNN_RANDOM_NOISE
        CNN_RANDOM_AUGMENT
        CNN_RANDOM_SPLIT
        CNN_RANDOM_USER
    ctypedef struct cnn_random:
        uint64_t key[2]
        uint64_t counter[4]
    cnn_random cnn_random_at(uint64_t seed, uint32_t purpose, uint32_t node, uint64_t epoch, uint64_t step, uint64_t row)
    double cnn_random_uniform(const cnn_random *at, uint64_t element)
    void cnn_random_uniforms(const cnn_random *at, uint64_t first, size_t n, double *out)
    void cnn_random_normals(const cnn_random *at, uint64_t first, size_t n, double *out)
    uint64_t cnn_random_below(const cnn_random *at, uint64_t element, uint64_t bound)
    void cnn_random_mask(const cnn_random *at, uint64_t first, size_t n, double rate, uint8_t *keep)
    void cnn_random_permutation(const cnn_random *at, size_t n, uint32_t *out)

cdef extern from "kernels/kernels.h" nogil:
    ctypedef struct cnn_windows:
        size_t pixels
        const int32_t *pixel
        size_t chunks
        size_t length
        const int32_t *chunk
    ctypedef struct cnn_picks:
        size_t rows, columns
        ptrdiff_t row, column
        size_t taps
        const int32_t *shift
        size_t chunks, length
        ptrdiff_t chunk, d_window, d_column, where_window, where_column
    ctypedef struct cnn_between:
        size_t low, high
        double part
    ctypedef struct cnn_taps:
        size_t rows, columns, height, width
        ptrdiff_t x_row, x_column, y_row, y_column, tap_row, tap_column, weight_row, weight_column
        int top, bottom, left, right

cdef extern from "core/pool.h" nogil:
    void cnn_parallel_for(const cnn_executor *executor, size_t count, void (*body)(void *arg, size_t index, int32_t member) noexcept nogil, void *arg)
    int cnn_executor_ready(const cnn_executor *executor, int64_t takes)
    int32_t cnn_executor_width(const cnn_executor *executor)

cdef extern from "core/file.h" nogil:
    ctypedef struct cnn_file_tensor:
        const char *name
        cnn_dtype dtype
        int32_t rank
        const size_t *dims
        const void *data
        size_t bytes
    ctypedef struct cnn_file_note:
        const char *key
        const char *value
    ctypedef struct cnn_file:
        const uint8_t *bytes
        size_t size
        const uint8_t *header
        size_t header_bytes
        const uint8_t *data
        size_t data_bytes
        void *owned
    cnn_status cnn_file_write(const char *path, const cnn_file_tensor *tensors, size_t n, const cnn_file_note *notes, size_t n_notes, cnn_error *error)
    cnn_status cnn_file_write_memory(const cnn_allocator *allocator, const cnn_file_tensor *tensors, size_t n, const cnn_file_note *notes, size_t n_notes, void **out, size_t *bytes, cnn_error *error)
    cnn_status cnn_file_read(const cnn_allocator *allocator, const char *path, cnn_file *out, cnn_error *error)
    cnn_status cnn_file_read_memory(const cnn_allocator *allocator, const void *bytes, size_t size, int copy, cnn_file *out, cnn_error *error)
    cnn_status cnn_file_check(const cnn_allocator *allocator, const cnn_file *file, const cnn_file_tensor *tensors, size_t n, const cnn_file_note *notes, size_t n_notes, cnn_error *error)
    void cnn_file_close(cnn_file *file)
    uint64_t cnn_checksum(const void *bytes, size_t n, uint64_t seed)

cdef extern from "kernels/scalar_math.h" nogil:
    float cnn_exp_f32(float x)
    double cnn_exp_f64(double x)
    float cnn_expm1_f32(float x)
    double cnn_expm1_f64(double x)
    float cnn_log_f32(float x)
    double cnn_log_f64(double x)
    float cnn_log1p_f32(float x)
    double cnn_log1p_f64(double x)
    float cnn_tanh_f32(float x)
    double cnn_tanh_f64(double x)
    float cnn_sigmoid_f32(float x)
    double cnn_sigmoid_f64(double x)
    float cnn_erf_f32(float x)
    double cnn_erf_f64(double x)
    double cnn_sin_f64(double x)
    double cnn_cos_f64(double x)
    double cnn_pow_f64(double x, double y)

cdef extern from "math.h" nogil:
    double sqrt(double x)
    float sqrtf(float x)
    double fabs(double x)
    float fabsf(float x)

cdef extern from "string.h" nogil:
    void *memcpy(void *to, const void *source, size_t n)
    void *memmove(void *to, const void *source, size_t n)
    void *memset(void *to, int value, size_t n)
    int memcmp(const void *a, const void *b, size_t n)
    size_t strlen(const char *s)
    int strcmp(const char *a, const char *b)

cdef extern from "core/clock.h" nogil:
    int64_t cnn_clock_nanoseconds()

cdef extern from "core/gate.h" nogil:
    ctypedef struct cnn_flag:
        pass
    void cnn_flag_raise(cnn_flag *flag)
    void cnn_flag_lower(cnn_flag *flag)
    int cnn_flag_is_raised(const cnn_flag *flag)
