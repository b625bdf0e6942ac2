# The types and constants of cnn.h and engine.h, for engine.pyx and core.pyx alike. The functions of cnn.h and engine.h are declared in
# cnn_functions.pxi, for core.pyx alone: the engine defines them.
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stddef cimport ptrdiff_t

cdef extern from "cnn/cnn.h" nogil:
    ctypedef enum cnn_status:
        CNN_OK
        CNN_STOPPED
        CNN_E_ARGUMENT
        CNN_E_SHAPE
        CNN_E_DTYPE
        CNN_E_VALUE
        CNN_E_NONFINITE
        CNN_E_MEMORY
        CNN_E_IO
        CNN_E_FILE
        CNN_E_UNSUPPORTED
        CNN_E_STATE
        CNN_E_BUSY
    ctypedef struct cnn_error:
        size_t size
        cnn_status status
        int32_t node
        char text[240]
    ctypedef struct cnn_allocator:
        size_t size
        void *user
        void *(*allocate)(void *user, size_t bytes) noexcept nogil
        void (*release)(void *user, void *block) noexcept nogil
    ctypedef struct cnn_executor:
        size_t size
        void *user
        int32_t threads
        void (*run)(void *user, int32_t members, void (*body)(void *arg, int32_t member, int32_t members) noexcept nogil, void *arg) noexcept nogil
    ctypedef struct cnn_options:
        size_t size
        const cnn_allocator *allocator
        const cnn_executor *executor
        cnn_error *error
    ctypedef enum cnn_dtype:
        CNN_FLOAT32
        CNN_FLOAT64
        CNN_INT32
        CNN_INT64
        CNN_UINT8
        CNN_INT8
        CNN_UINT16
        CNN_INT16
        CNN_UINT32
        CNN_UINT64
        CNN_BOOL
        CNN_FLOAT16
    ctypedef struct cnn_tensor:
        const void *data
        cnn_dtype dtype
        int32_t rank
        size_t dims[8]
    ctypedef struct cnn_tensor_info:
        size_t size
        const char *name
        cnn_dtype dtype
        int32_t rank
        size_t dims[8]
    ctypedef struct cnn_batch:
        size_t size, rows
        const cnn_tensor *inputs
        const cnn_tensor *targets
        size_t n_inputs, n_targets
        const void *sample_weight
        const int32_t *lengths
        uint64_t first_row, total_rows
        double total_weight
    ctypedef struct cnn_attribute:
        const char *name
        int64_t integer
        double number
        const char *text
        const int64_t *list
        size_t count
    ctypedef struct cnn_network:
        pass
    ctypedef struct cnn_builder:
        pass
    ctypedef struct cnn_session:
        pass
    ctypedef struct cnn_trainer:
        pass
    ctypedef struct cnn_session_options:
        size_t size
        const cnn_options *options
        size_t max_batch, max_time
    ctypedef struct cnn_optimizer_options:
        size_t size
        cnn_optimizer kind
        double lr, momentum, nesterov, weight_decay
        double alpha
        double beta1, beta2
        double eps
        double centered
        double eta_minus, eta_plus, step_min, step_max
        double initial
        double max_iter, max_eval, tolerance_grad, tolerance_change, history, strong_wolfe
        double clip_norm, clip_value
    enum:
        CNN_FILL_CONSTANT
        CNN_FILL_EDGE
        CNN_FILL_REFLECT
    ctypedef struct cnn_augment:
        size_t size
        int32_t flip_horizontal, flip_vertical
        double shift[2]
        int32_t fractional
        size_t crop[2]
        double rotate
        double scale[2]
        double noise
        int32_t fill
        double fill_value
    ctypedef struct cnn_trainer_options:
        size_t size
        const cnn_options *options
        cnn_loss loss
        double loss_constant
        const cnn_optimizer_options *optimizer
        size_t max_batch
        int32_t in_order
        const cnn_augment *augment
    size_t CNN_TRAINER_OPTIONS_FIRST "offsetof(cnn_trainer_options, augment)"
    ctypedef struct cnn_epoch_info:
        size_t size
        uint64_t epoch
        double loss, penalty, lr

include "engine/vocabulary.pxi"

cdef extern from "engine.h" nogil:
    ctypedef struct cnn_array:
        const void *data
        cnn_dtype dtype
        int32_t swapped, rank
        size_t dims[8]
        ptrdiff_t strides[8]
    ctypedef struct cnn_data:
        size_t rows
        size_t n_inputs, n_targets
        const cnn_array *inputs
        const cnn_array *targets
        const double *weights
        size_t weight_width
        const int32_t *lengths
        uint64_t first_row, total_rows
    ctypedef struct cnn_source:
        cnn_data data
        int (*next)(void *user, uint64_t epoch, uint64_t batch, cnn_data *out) noexcept nogil
        void *user
    enum:
        CNN_BLOCK_WEIGHT
        CNN_BLOCK_BUFFER
        CNN_BLOCK_CONSTANT
        CNN_NAN_RAISE
        CNN_NAN_STOP
        CNN_NAN_IGNORE
        CNN_LR_CONSTANT
        CNN_LR_STEP
        CNN_LR_EXPONENTIAL
        CNN_LR_COSINE
        CNN_LR_ONE_CYCLE
        CNN_LR_HOOK
    ctypedef struct cnn_block_info:
        const char *name
        int32_t node, kind, rank
        size_t dims[8]
        size_t offset, count
        int32_t trainable
        double lr_scale, l1, l2, max_norm
    ctypedef struct cnn_node_info:
        cnn_op op
        const char *name
        size_t n_inputs, n_outputs, n_attributes, n_blocks
        const int32_t *inputs
        const int32_t *blocks
        int32_t output, shares
    ctypedef struct cnn_function:
        void *user
        int (*forward)(void *user, int training, size_t n_x, const cnn_tensor *x, size_t n_parameters, const cnn_tensor *parameters, const cnn_tensor *y) noexcept nogil
        int (*backward)(void *user, size_t n_x, const cnn_tensor *x, const cnn_tensor *y, const cnn_tensor *dy, size_t n_parameters, const cnn_tensor *parameters, const cnn_tensor *dx, const cnn_tensor *dparameters) noexcept nogil
    ctypedef struct cnn_session_setup:
        const cnn_options *options
        int32_t live, training
        size_t max_rows
        const int32_t *values
        size_t n_values
        const size_t *const *input_dims
    ctypedef int (*cnn_loss_hook)(void *user, size_t output, const cnn_tensor *target, const cnn_tensor *prediction, double *losses, void *gradients) noexcept nogil
    ctypedef struct cnn_loss_spec:
        cnn_loss kind
        double constant, weight
        cnn_loss_hook hook
        void *user
    ctypedef struct cnn_metric_spec:
        cnn_metric kind
        double constant
        size_t output
    ctypedef struct cnn_schedule:
        int32_t kind
        double lr
        double constant[4]
        double warmup
        double (*hook)(void *user, double epoch) noexcept nogil
        void *user
    ctypedef struct cnn_trainer_setup:
        const cnn_options *options
        const cnn_loss_spec *losses
        size_t n_losses
        cnn_optimizer_options optimizer
        size_t max_batch
        int32_t input_gradients
        const size_t *const *input_dims
    ctypedef struct cnn_fit_hooks:
        void *user
        int (*epoch_begin)(void *user, uint64_t epoch) noexcept nogil
        int (*epoch_end)(void *user, uint64_t epoch, const double *record) noexcept nogil
        int (*batch_begin)(void *user, uint64_t epoch, uint64_t batch) noexcept nogil
        int (*batch_end)(void *user, uint64_t epoch, uint64_t batch, double loss) noexcept nogil
        int (*tick)(void *user, uint64_t epoch, uint64_t batch, double loss) noexcept nogil
        int (*reduce)(void *user, void *values, size_t count, cnn_dtype dtype) noexcept nogil
    ctypedef struct cnn_fit_options:
        cnn_source train
        const cnn_source *validation
        size_t epochs, batch_rows, steps_per_epoch, expected_steps
        uint64_t first_epoch
        int32_t shuffle, on_nan
        const cnn_metric_spec *metrics
        size_t n_metrics
        cnn_schedule schedule
        cnn_fit_hooks hooks
        double *records
        size_t epochs_done
        double **train_predictions
        double **train_targets
        double **validation_predictions
        double **validation_targets
        double *train_weights
        double *validation_weights
        const cnn_augment *augment
