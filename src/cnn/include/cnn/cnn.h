/* cnn: train and run small neural networks from C.

   Contract
   - Handles are opaque; a NULL handle may be freed. What a function creates is freed by its *_free, with the allocator it came from.
   - Every function that can fail returns a cnn_status; 0 is success; the out-parameter is last and is left alone on failure. With
     options->error given, the same failure leaves one sentence in it. No function prints, exits, aborts, raises signals, touches the
     locale, or changes floating-point modes.
   - Arrays are row-major, samples first; x and y must not overlap; any alignment of the element type will do; nothing outside the
     stated extents is read or written.
   - A network is idle, has readers (sessions), or one writer (a trainer), for a whole call; sessions of one network may run at the
     same time, each in one thread. Without an executor all work is done by the calling thread.
   - Option structs begin with their size: set it to sizeof the struct, and fields added later keep their defaults (zero). */
#ifndef CNN_CNN_H
#define CNN_CNN_H
#include <stddef.h>
#include <stdint.h>

#if defined(CNN_STATIC) || !defined(_WIN32)
#if defined(__GNUC__)
#define CNN_API __attribute__((visibility("default")))
#else
#define CNN_API
#endif
#elif defined(CNN_BUILD)
#define CNN_API __declspec(dllexport)
#else
#define CNN_API __declspec(dllimport)
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define CNN_VERSION_MAJOR 0
#define CNN_VERSION_MINOR 1
#define CNN_VERSION_PATCH 0
#define CNN_ABI_VERSION 1

/* ---- Status ------------------------------------------------------------------------------------------------------------------- */

/* X(name, code, text) */
#define CNN_STATUS_LIST(X)                                                                       \
  X(CNN_OK, 0, "success")                                                                        \
  X(CNN_STOPPED, 1, "stopped by a hook")                                                         \
  X(CNN_E_ARGUMENT, 2, "an argument is out of its range")                                        \
  X(CNN_E_SHAPE, 3, "shapes do not fit")                                                         \
  X(CNN_E_DTYPE, 4, "the dtype does not fit")                                                    \
  X(CNN_E_VALUE, 5, "a value cannot be used: a NaN, an infinity, or a label out of range")       \
  X(CNN_E_NONFINITE, 6, "training produced a NaN or an infinity")                                \
  X(CNN_E_MEMORY, 7, "not enough memory")                                                        \
  X(CNN_E_IO, 8, "the file cannot be read or written")                                           \
  X(CNN_E_FILE, 9, "not a model file, or a damaged one")                                         \
  X(CNN_E_UNSUPPORTED, 10, "not possible here")                                                  \
  X(CNN_E_STATE, 11, "called in the wrong order")                                                \
  X(CNN_E_BUSY, 12, "the network is being trained in another thread")

typedef enum {
#define CNN_STATUS_ENUM(name, code, text) name = code,
  CNN_STATUS_LIST(CNN_STATUS_ENUM)
#undef CNN_STATUS_ENUM
} cnn_status;

typedef struct {
  size_t size;
  cnn_status status;
  int32_t node; /* the node of the graph at fault, -1 when none is */
  char text[240];
} cnn_error; /* the caller's own; UTF-8, ends in 0 */

CNN_API const char *cnn_status_message(cnn_status status);
CNN_API uint32_t cnn_version_number(void); /* major << 16 | minor << 8 | patch */
CNN_API uint32_t cnn_abi_version(void);

/* ---- Options, tensors, batches ------------------------------------------------------------------------------------------------ */

typedef struct {
  size_t size;
  void *user;
  void *(*allocate)(void *user, size_t bytes); /* any alignment of malloc; NULL when there is not enough */
  void (*release)(void *user, void *block);
} cnn_allocator;

/* A host's threads: run calls body(arg, member, members) for member 0..members-1, side by side or one after another, and returns when
   all have ended; threads is how many it can have. Small work stays on the caller's thread, and so do a trainer's steps while these measure
   faster there. */
typedef struct {
  size_t size;
  void *user;
  int32_t threads;
  void (*run)(void *user, int32_t members, void (*body)(void *arg, int32_t member, int32_t members), void *arg);
} cnn_executor;

typedef struct {
  size_t size;
  const cnn_allocator *allocator; /* NULL: malloc */
  const cnn_executor *executor;   /* NULL: the caller's thread */
  cnn_error *error;               /* NULL: the status alone */
} cnn_options;                    /* kept by pointer for the handle's life where a handle is made */

typedef enum {
  CNN_FLOAT32 = 0,
  CNN_FLOAT64 = 1,
  CNN_INT32 = 2,
  CNN_INT64 = 3,
  CNN_UINT8 = 4,
  CNN_INT8 = 5,
  CNN_UINT16 = 6,
  CNN_INT16 = 7,
  CNN_UINT32 = 8,
  CNN_UINT64 = 9,
  CNN_BOOL = 10,
  CNN_FLOAT16 = 11
} cnn_dtype;

#define CNN_MAX_RANK 8
#define CNN_OPEN ((size_t)-1) /* a dimension that is bound when the network runs */

typedef struct {
  const void *data;
  cnn_dtype dtype;
  int32_t rank;
  size_t dims[CNN_MAX_RANK];
} cnn_tensor; /* contiguous */

typedef struct {
  size_t size;
  const char *name; /* borrowed from the network */
  cnn_dtype dtype;
  int32_t rank;
  size_t dims[CNN_MAX_RANK]; /* CNN_OPEN where a size is bound when the network runs; the first is the batch */
} cnn_tensor_info;

typedef struct {
  size_t size, rows;
  const cnn_tensor *inputs, *targets; /* dims[0] is rows in each; integer targets are class labels where the loss takes classes */
  size_t n_inputs, n_targets;
  const void *sample_weight;          /* (rows,) in the network's dtype, or NULL: all 1 */
  const int32_t *lengths;             /* (rows,) valid time steps of each row, or NULL */
  uint64_t first_row, total_rows;     /* of the whole step, over all ranks; total_rows 0 means rows */
  double total_weight;                /* what the weighted sum is divided by; 0 means total_rows */
} cnn_batch;

/* ---- Vocabulary: the lists of the engine. Codes are frozen: files hold them. --------------------------------------------------- */

/* X(NAME, code, name): each is src/cnn/_core/engine/ops/<name>.pxi */
#define CNN_OP_LIST(X)                                                                                          \
  X(INPUT, 0, input)                                                                                            \
  X(DENSE, 1, dense)                                                                                            \
  X(ACTIVATION, 2, activation)                                                                                  \
  X(DROPOUT, 3, dropout)                                                                                        \
  X(GAUSSIAN_NOISE, 4, gaussian_noise)                                                                          \
  X(RESCALE, 5, rescale)                                                                                        \
  X(NORMALIZE, 6, normalize)                                                                                    \
  X(ONE_HOT, 7, one_hot)                                                                                        \
  X(FLATTEN, 8, flatten)                                                                                        \
  X(RESHAPE, 9, reshape)                                                                                        \
  X(ADD, 10, add)                                                                                               \
  X(MULTIPLY, 11, multiply)                                                                                     \
  X(CONCAT, 12, concat)                                                                                         \
  X(FUNCTION, 13, function)                                                                                     \
  X(CONV, 14, conv)                                                                                             \
  X(CONV_TRANSPOSE, 15, conv_transpose)                                                                         \
  X(MAX_POOL, 16, max_pool)                                                                                     \
  X(AVG_POOL, 17, avg_pool)                                                                                     \
  X(GLOBAL_AVG_POOL, 18, global_avg_pool)                                                                       \
  X(GLOBAL_MAX_POOL, 19, global_max_pool)                                                                       \
  X(BATCH_NORM, 20, batch_norm)                                                                                 \
  X(LAYER_NORM, 21, layer_norm)                                                                                 \
  X(GROUP_NORM, 22, group_norm)                                                                                 \
  X(PAD, 23, pad)                                                                                               \
  X(UPSAMPLE, 24, upsample)                                                                                     \
  X(PRELU, 25, prelu)

/* X(NAME, code, name, type): type is integer, number, text or list. Every op reads its own; unknown ones are refused.
   name is any op's; share is the number (from 0, in the order of adding) of an earlier op whose parameters this one uses. */
#define CNN_ATTRIBUTE_LIST(X)                                                                                   \
  X(NAME, 0, name, text)                                                                                        \
  X(SHARE, 1, share, integer)                                                                                   \
  X(UNITS, 2, units, integer)                                                                                   \
  X(BIAS, 3, bias, integer)                                                                                     \
  X(INIT, 4, init, integer)                                                                                     \
  X(BIAS_INIT, 5, bias_init, integer)                                                                           \
  X(L1, 6, l1, number)                                                                                          \
  X(L2, 7, l2, number)                                                                                          \
  X(MAX_NORM, 8, max_norm, number)                                                                              \
  X(TRAINABLE, 9, trainable, integer)                                                                           \
  X(LR_SCALE, 10, lr_scale, number)                                                                             \
  X(ACTIVATION, 11, activation, integer)                                                                        \
  X(ALPHA, 12, alpha, number)                                                                                   \
  X(BETA, 13, beta, number)                                                                                     \
  X(RATE, 14, rate, number)                                                                                     \
  X(SCALE, 15, scale, number)                                                                                   \
  X(OFFSET, 16, offset, number)                                                                                 \
  X(SHAPE, 17, shape, list)                                                                                     \
  X(AXIS, 18, axis, integer)                                                                                    \
  X(CLASSES, 19, classes, list)                                                                                 \
  X(DTYPE, 20, dtype, integer)                                                                                  \
  X(FUNCTION, 21, function, text)                                                                               \
  X(BLOCK_NAMES, 22, block_names, text)                                                                         \
  X(BLOCK_SHAPES, 23, block_shapes, list)                                                                       \
  X(STD, 24, std, number)                                                                                       \
  X(FILTERS, 25, filters, integer)                                                                              \
  X(KERNEL_SIZE, 26, kernel_size, list)                                                                         \
  X(STRIDE, 27, stride, list)                                                                                   \
  X(PADDING, 28, padding, list)                                                                                 \
  X(SAME, 29, same, integer)                                                                                    \
  X(DILATION, 30, dilation, list)                                                                               \
  X(GROUPS, 31, groups, integer)                                                                                \
  X(OUTPUT_PADDING, 32, output_padding, list)                                                                   \
  X(CEIL_MODE, 33, ceil_mode, integer)                                                                          \
  X(COUNT_INCLUDE_PAD, 34, count_include_pad, integer)                                                          \
  X(MOMENTUM, 35, momentum, number)                                                                             \
  X(EPS, 36, eps, number)                                                                                       \
  X(MODE, 37, mode, integer)                                                                                    \
  X(VALUE, 38, value, number)                                                                                   \
  X(KEEP_DIMS, 39, keep_dims, integer)

/* X(NAME, code, name). PyTorch's definitions. Constants: leaky_relu alpha 0.01, elu alpha 1, softplus alpha (beta there) 1 and
   beta (its threshold) 20. */
#define CNN_ACTIVATION_LIST(X)                                                                                  \
  X(LINEAR, 0, linear)                                                                                          \
  X(SIGMOID, 1, sigmoid)                                                                                        \
  X(TANH, 2, tanh)                                                                                              \
  X(RELU, 3, relu)                                                                                              \
  X(LEAKY_RELU, 4, leaky_relu)                                                                                  \
  X(ELU, 5, elu)                                                                                                \
  X(SELU, 6, selu)                                                                                              \
  X(GELU, 7, gelu)                                                                                              \
  X(GELU_TANH, 8, gelu_tanh)                                                                                    \
  X(SILU, 9, silu)                                                                                              \
  X(SOFTPLUS, 10, softplus)                                                                                     \
  X(SOFTMAX, 11, softmax)                                                                                       \
  X(HARD_SIGMOID, 12, hard_sigmoid)                                                                             \
  X(HARD_SWISH, 13, hard_swish)

/* X(NAME, code, name). All are means over the batch and the outputs, but quadratic: half the sum over outputs, mean over the batch.
   Constants: huber delta 1, quantile q 0.5, cross_entropy label_smoothing 0. */
#define CNN_LOSS_LIST(X)                                                                                        \
  X(MSE, 1, mse)                                                                                                \
  X(QUADRATIC, 2, quadratic)                                                                                    \
  X(MAE, 3, mae)                                                                                                \
  X(HUBER, 4, huber)                                                                                            \
  X(QUANTILE, 5, quantile)                                                                                      \
  X(POISSON, 6, poisson)                                                                                        \
  X(CROSS_ENTROPY, 7, cross_entropy)                                                                            \
  X(BINARY_CROSS_ENTROPY, 8, binary_cross_entropy)                                                              \
  X(HINGE, 9, hinge)

/* X(NAME, code, name). PyTorch's definitions and defaults. */
#define CNN_OPTIMIZER_LIST(X)                                                                                   \
  X(SGD, 1, sgd)                                                                                                \
  X(RMSPROP, 2, rmsprop)                                                                                        \
  X(ADAGRAD, 3, adagrad)                                                                                        \
  X(ADAM, 4, adam)                                                                                              \
  X(ADAMW, 5, adamw)                                                                                            \
  X(RPROP, 6, rprop)                                                                                            \
  X(LBFGS, 7, lbfgs)

/* X(NAME, code, name). DEFAULT suits the activation that follows. */
#define CNN_INIT_LIST(X)                                                                                        \
  X(DEFAULT, 0, default)                                                                                        \
  X(ZEROS, 1, zeros)                                                                                            \
  X(NORMAL, 2, normal)                                                                                          \
  X(GLOROT_UNIFORM, 3, glorot_uniform)                                                                          \
  X(GLOROT_NORMAL, 4, glorot_normal)                                                                            \
  X(HE_UNIFORM, 5, he_uniform)                                                                                  \
  X(HE_NORMAL, 6, he_normal)                                                                                    \
  X(LECUN_NORMAL, 7, lecun_normal)                                                                              \
  X(ORTHOGONAL, 8, orthogonal)                                                                                  \
  X(ONES, 9, ones)

/* X(NAME, code, name) */
#define CNN_METRIC_LIST(X)                                                                                      \
  X(ACCURACY, 1, accuracy)                                                                                      \
  X(TOP_K_ACCURACY, 2, top_k_accuracy)                                                                          \
  X(PRECISION, 3, precision)                                                                                    \
  X(RECALL, 4, recall)                                                                                          \
  X(F1, 5, f1)                                                                                                  \
  X(AUC, 6, auc)                                                                                                \
  X(MAE, 7, mae)                                                                                                \
  X(MSE, 8, mse)                                                                                                \
  X(R2, 9, r2)

#define CNN_VOCABULARY_OP(NAME, code, name) CNN_OP_##NAME = code,
#define CNN_VOCABULARY_ATTRIBUTE(NAME, code, name, type) CNN_ATTRIBUTE_##NAME = code,
#define CNN_VOCABULARY_ACTIVATION(NAME, code, name) CNN_##NAME = code,
#define CNN_VOCABULARY_LOSS(NAME, code, name) CNN_LOSS_##NAME = code,
#define CNN_VOCABULARY_OPTIMIZER(NAME, code, name) CNN_OPTIMIZER_##NAME = code,
#define CNN_VOCABULARY_INIT(NAME, code, name) CNN_INIT_##NAME = code,
#define CNN_VOCABULARY_METRIC(NAME, code, name) CNN_METRIC_##NAME = code,
typedef enum { CNN_OP_LIST(CNN_VOCABULARY_OP) CNN_OP_END } cnn_op;
typedef enum { CNN_ATTRIBUTE_LIST(CNN_VOCABULARY_ATTRIBUTE) CNN_ATTRIBUTE_END } cnn_attribute_key;
typedef enum { CNN_ACTIVATION_LIST(CNN_VOCABULARY_ACTIVATION) CNN_ACTIVATION_END } cnn_activation;
typedef enum { CNN_LOSS_INFER = 0, CNN_LOSS_LIST(CNN_VOCABULARY_LOSS) CNN_LOSS_END } cnn_loss;
typedef enum { CNN_OPTIMIZER_DEFAULT = 0, CNN_OPTIMIZER_LIST(CNN_VOCABULARY_OPTIMIZER) CNN_OPTIMIZER_END } cnn_optimizer;
typedef enum { CNN_INIT_LIST(CNN_VOCABULARY_INIT) CNN_INIT_END } cnn_init;
typedef enum { CNN_METRIC_LIST(CNN_VOCABULARY_METRIC) CNN_METRIC_END } cnn_metric;
#undef CNN_VOCABULARY_OP
#undef CNN_VOCABULARY_ATTRIBUTE
#undef CNN_VOCABULARY_ACTIVATION
#undef CNN_VOCABULARY_LOSS
#undef CNN_VOCABULARY_OPTIMIZER
#undef CNN_VOCABULARY_INIT
#undef CNN_VOCABULARY_METRIC

typedef struct {
  const char *name;     /* as in CNN_ATTRIBUTE_LIST; the field of its type is read */
  int64_t integer;
  double number;
  const char *text;     /* UTF-8 */
  const int64_t *list;
  size_t count;         /* of list */
} cnn_attribute;

/* ---- Networks ----------------------------------------------------------------------------------------------------------------- */

typedef struct cnn_network cnn_network;
typedef struct cnn_builder cnn_builder;
typedef struct cnn_session cnn_session;
typedef struct cnn_trainer cnn_trainer;

/* A network of dense layers: sizes[0] inputs, sizes[count - 1] outputs. */
CNN_API cnn_status cnn_network_create_dense(const size_t *sizes, size_t count, cnn_activation hidden, cnn_activation output,
                                            cnn_dtype dtype, uint64_t seed, const cnn_options *options, cnn_network **out);
/* From a file; from bytes in memory, copied; or borrowed, which must outlive the network and makes it read-only. */
CNN_API cnn_status cnn_network_open(const char *path_utf8, const cnn_options *options, cnn_network **out);
CNN_API cnn_status cnn_network_open_memory(const void *bytes, size_t size, const cnn_options *options, cnn_network **out);
CNN_API cnn_status cnn_network_view_memory(const void *bytes, size_t size, const cnn_options *options, cnn_network **out);
CNN_API cnn_status cnn_network_save(const cnn_network *network, const char *path_utf8);
/* Into a block of the network's allocator; give it back with cnn_memory_free. */
CNN_API cnn_status cnn_network_save_memory(const cnn_network *network, void **bytes, size_t *size);
CNN_API void cnn_memory_free(void *block);
CNN_API void cnn_network_free(cnn_network *network);

CNN_API cnn_dtype cnn_network_dtype(const cnn_network *network);
CNN_API size_t cnn_network_input_count(const cnn_network *network);
CNN_API size_t cnn_network_output_count(const cnn_network *network);
CNN_API size_t cnn_network_parameter_count(const cnn_network *network); /* blocks: weights, buffers and constants */
CNN_API cnn_status cnn_network_input(const cnn_network *network, size_t index, cnn_tensor_info *out);
CNN_API cnn_status cnn_network_output(const cnn_network *network, size_t index, cnn_tensor_info *out);
CNN_API cnn_status cnn_network_parameter(const cnn_network *network, size_t index, cnn_tensor_info *out);
/* The values of block `index`, in the network's dtype; they may be written while no session or trainer runs. */
CNN_API void *cnn_network_parameter_data(cnn_network *network, size_t index);
/* What was saved with the network under a key ("preprocessing", "classes", ...): UTF-8, borrowed; NULL when there is none. */
CNN_API const char *cnn_network_metadata(const cnn_network *network, const char *key);
CNN_API cnn_status cnn_network_set_metadata(cnn_network *network, const char *key, const char *value); /* NULL removes */

/* Any graph: values are numbered as they are made; *value is the op's first output. An INPUT op has the attributes shape (without the
   batch; -1 for open sizes) and dtype. A failed call leaves the builder as it was. finish consumes nothing: the builder is freed apart. */
CNN_API cnn_status cnn_builder_create(const cnn_options *options, cnn_builder **out);
CNN_API cnn_status cnn_builder_add(cnn_builder *builder, cnn_op op, const int32_t *inputs, size_t n_inputs, const cnn_attribute *attributes,
                                   size_t n, int32_t *value);
CNN_API cnn_status cnn_builder_finish(cnn_builder *builder, const int32_t *outputs, size_t n, cnn_dtype dtype, uint64_t seed,
                                      cnn_network **out);
CNN_API void cnn_builder_free(cnn_builder *builder);

/* ---- Sessions: prediction ------------------------------------------------------------------------------------------------------- */

typedef struct {
  size_t size;
  const cnn_options *options; /* NULL: the network's */
  size_t max_batch;           /* rows that one run may have; 0 means 1 */
  size_t max_time;            /* bound of open sizes other than the batch */
} cnn_session_options;

/* A snapshot of the network: its weights are copied, and all the memory it will ever need is taken here. The network must outlive it. */
CNN_API cnn_status cnn_session_create(const cnn_network *network, const cnn_session_options *options, cnn_session **out);
CNN_API cnn_status cnn_session_size(const cnn_network *network, const cnn_session_options *options, size_t *bytes);
/* In the caller's block of at least cnn_session_size bytes (any alignment); cnn_session_free then frees nothing. */
CNN_API cnn_status cnn_session_create_in(const cnn_network *network, const cnn_session_options *options, void *block, size_t bytes,
                                         cnn_session **out);
CNN_API cnn_status cnn_session_refresh(cnn_session *session); /* takes the network's weights of now */
/* n rows of the one input to the one output: x[n][inputs] -> y[n][outputs]. No allocation, lock or system call without an executor. */
CNN_API cnn_status cnn_session_run(cnn_session *session, const float *x, size_t n, float *y);
CNN_API cnn_status cnn_session_run_f64(cnn_session *session, const double *x, size_t n, double *y);
/* Several inputs and outputs, any dtype: outputs[i].data is written (the network's dtype). */
CNN_API cnn_status cnn_session_run_batch(cnn_session *session, const cnn_batch *batch, const cnn_tensor *outputs, size_t n_outputs);
CNN_API void cnn_session_free(cnn_session *session);

/* ---- Trainers ----------------------------------------------------------------------------------------------------------------- */

typedef struct {
  size_t size;
  cnn_optimizer kind;
  double lr, momentum, nesterov, weight_decay;
  double alpha;        /* rmsprop: decay of the mean square; adagrad: lr_decay */
  double beta1, beta2; /* adam, adamw */
  double eps;
  double centered;                             /* rmsprop */
  double eta_minus, eta_plus, step_min, step_max; /* rprop */
  double initial;                              /* adagrad: initial accumulator */
  double max_iter, max_eval, tolerance_grad, tolerance_change, history, strong_wolfe; /* lbfgs; max_eval 0: 1.25 max_iter */
  double clip_norm, clip_value;                /* 0: none */
} cnn_optimizer_options;
CNN_API cnn_status cnn_optimizer_defaults(cnn_optimizer kind, cnn_optimizer_options *out);

/* Where an image is moved away: a value, the pixel at its edge, or its mirror image (which does not repeat the edge). */
enum { CNN_FILL_CONSTANT = 0, CNN_FILL_EDGE = 1, CNN_FILL_REFLECT = 2 };

/* Images of training batches, inputs of the shape (channels, height, width), changed at random as they are gathered: by (seed, epoch,
   step, row). First flips, then turning and scaling about the centre, then shift and crop, then noise; in units of the data as given.
   All 0: nothing happens. Pairs are down, across. */
typedef struct {
  size_t size;
  int32_t flip_horizontal, flip_vertical; /* 1: left and right, top and bottom are exchanged, half of the time */
  double shift[2];                        /* by up to so many pixels either way */
  int32_t fractional;                     /* 0: by whole pixels; 1: by any part, bilinear */
  size_t crop[2];                         /* so many pixels are added on each side, and a window of the image's size is cut out */
  double rotate;                          /* by up to so many degrees either way, bilinear */
  double scale[2];                        /* by a factor from, to; 0, 0: none; bilinear */
  double noise;                           /* standard deviation of normal noise */
  int32_t fill;                           /* CNN_FILL_* */
  double fill_value;                      /* of CNN_FILL_CONSTANT */
} cnn_augment;

typedef struct {
  size_t size;
  const cnn_options *options;            /* NULL: the network's */
  cnn_loss loss;                         /* CNN_LOSS_INFER: softmax -> cross_entropy, sigmoid -> binary_cross_entropy, else mse */
  double loss_constant;                  /* 0: the loss's default */
  const cnn_optimizer_options *optimizer; /* NULL: Adam, lr 0.001 */
  size_t max_batch;                      /* rows that one step may have; 0 means 32. fit uses batches of this size */
  int32_t in_order;                      /* fit: do not shuffle */
  const cnn_augment *augment;            /* of training batches, in fit and in the steps; NULL: none; copied */
} cnn_trainer_options;

typedef struct {
  size_t size;
  uint64_t epoch; /* from 0 */
  double loss, penalty, lr;
} cnn_epoch_info;

CNN_API cnn_status cnn_trainer_create(cnn_network *network, const cnn_trainer_options *options, cnn_trainer **out);
/* One step of the optimizer on n rows; *loss (may be NULL) is the loss before it. Targets are y[n][outputs], or class labels. */
CNN_API cnn_status cnn_trainer_step(cnn_trainer *trainer, const float *x, const float *y, size_t n, double *loss);
CNN_API cnn_status cnn_trainer_step_f64(cnn_trainer *trainer, const double *x, const double *y, size_t n, double *loss);
CNN_API cnn_status cnn_trainer_step_labels(cnn_trainer *trainer, const float *x, const int32_t *labels, size_t n, double *loss);
CNN_API cnn_status cnn_trainer_step_batch(cnn_trainer *trainer, const cnn_batch *batch, double *loss);
/* The parts of a step, for a loss of one's own: forward keeps what backward needs; backward takes dL/dy, adds into the gradients
   (accumulate 0: replaces them) and writes dL/dx where dx is not NULL; apply is the optimizer's update. Arrays are of the network's dtype. */
CNN_API cnn_status cnn_trainer_forward(cnn_trainer *trainer, const void *x, size_t n, void *y);
CNN_API cnn_status cnn_trainer_backward(cnn_trainer *trainer, const void *dy, int accumulate, void *dx);
CNN_API cnn_status cnn_trainer_apply(cnn_trainer *trainer);
CNN_API cnn_status cnn_trainer_set_lr(cnn_trainer *trainer, double lr);
/* Epochs over n rows, in batches of max_batch, shuffled by the network's seed. progress (may be NULL) is called after each epoch; when it
   returns non-zero, fit ends with CNN_STOPPED and the weights of the last whole step. */
CNN_API cnn_status cnn_trainer_fit(cnn_trainer *trainer, const float *x, const float *y, size_t n, size_t epochs,
                                   int (*progress)(void *user, const cnn_epoch_info *info), void *user);
CNN_API cnn_status cnn_trainer_fit_f64(cnn_trainer *trainer, const double *x, const double *y, size_t n, size_t epochs,
                                       int (*progress)(void *user, const cnn_epoch_info *info), void *user);
CNN_API cnn_status cnn_trainer_fit_labels(cnn_trainer *trainer, const float *x, const int32_t *labels, size_t n, size_t epochs,
                                          int (*progress)(void *user, const cnn_epoch_info *info), void *user);
/* Optimizer slots and counters: a file that another trainer of the same network and optimizer goes on from, bit for bit. */
CNN_API cnn_status cnn_trainer_save_state(const cnn_trainer *trainer, const char *path_utf8);
CNN_API cnn_status cnn_trainer_load_state(cnn_trainer *trainer, const char *path_utf8);
CNN_API void cnn_trainer_free(cnn_trainer *trainer);

#ifdef __cplusplus
}
#endif
#endif
