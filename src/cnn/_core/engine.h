/* The private side of the engine: what the Python bindings (core.pyx) need beyond cnn.h. Not installed, not exported.

   Same contract as cnn.h. Defined in engine/api_private.pxi; the bindings never see the engine's structs. */
#ifndef CNN_ENGINE_H
#define CNN_ENGINE_H
#include "cnn/cnn.h"

/* ---- Data as it lies in the caller's memory: any strides, any dtype, either byte order; converted a batch at a time. */
typedef struct {
  const void *data;
  cnn_dtype dtype;
  int32_t swapped; /* not in this machine's byte order */
  int32_t rank;
  size_t dims[CNN_MAX_RANK];
  ptrdiff_t strides[CNN_MAX_RANK]; /* bytes */
} cnn_array;

typedef struct {
  size_t rows;
  size_t n_inputs, n_targets;
  const cnn_array *inputs, *targets; /* dims[0] is rows in each */
  const double *weights;             /* (rows, weight_width), already scaled; NULL: all 1 */
  size_t weight_width;               /* 1, or the steps of a row */
  const int32_t *lengths;
  uint64_t first_row,
      total_rows;    /* of a batch that is a share of a larger one (over ranks): its first row there, and all rows; 0: it is whole */
} cnn_data;

/* A data set: arrays held whole (next NULL), or batches from a hook. next fills *batch (its arrays live until the next call) and
   returns 0; 1 at the end of the epoch; anything else stops (CNN_STOPPED). `epoch` begins anew at batch 0. */
typedef struct {
  cnn_data data;
  int (*next)(void *user, uint64_t epoch, uint64_t batch, cnn_data *out);
  void *user;
} cnn_source;

/* First row and element (within the row) that is NaN or infinite in a float array; *row = rows when there is none. */
cnn_status cnn_array_find_nonfinite(const cnn_array *array, size_t *row, size_t *element);

/* ---- Networks */
enum { CNN_BLOCK_WEIGHT = 0, CNN_BLOCK_BUFFER = 1, CNN_BLOCK_CONSTANT = 2 };
typedef struct {
  const char *name;
  int32_t node, kind, rank;
  size_t dims[CNN_MAX_RANK];
  size_t offset, count; /* elements in the arena */
  int32_t trainable;
  double lr_scale, l1, l2, max_norm;
} cnn_block_info;
typedef struct {
  cnn_op op;
  const char *name;
  size_t n_inputs, n_outputs, n_attributes, n_blocks;
  const int32_t *inputs, *blocks;
  int32_t output; /* the first; the others follow */
  int32_t shares; /* the node whose blocks it uses, -1: its own */
} cnn_node_info;

size_t cnn_network_node_count(const cnn_network *);
size_t cnn_network_value_count(const cnn_network *);
cnn_status cnn_network_node(const cnn_network *, size_t index, cnn_node_info *out);
cnn_status cnn_network_node_attribute(const cnn_network *, size_t node, size_t index, cnn_attribute *out);
cnn_status cnn_network_value(const cnn_network *, size_t value, cnn_tensor_info *out);
int32_t cnn_network_input_value(const cnn_network *, size_t index);
int32_t cnn_network_output_value(const cnn_network *, size_t index);
cnn_status cnn_network_block(const cnn_network *, size_t index, cnn_block_info *out);
cnn_status cnn_network_set_block(cnn_network *, size_t index, int32_t trainable, double lr_scale);
void *cnn_network_arena(cnn_network *, size_t *bytes); /* never moves while the network lives */
uint64_t cnn_network_seed(const cnn_network *);
uint64_t cnn_network_version(const cnn_network *);
void cnn_network_touch(cnn_network *);                 /* the values were changed from outside: version + 1 */
/* The values of block `index`, and change to how many writable views are alive (-1: version + 1); while there are any, a session makes
   what it keeps of the values anew at each call. cnn_network_parameter_data is such a view for ever. */
void *cnn_network_view(cnn_network *, size_t index, int32_t change);
int64_t cnn_network_views(const cnn_network *);
cnn_status cnn_network_clone(const cnn_network *, cnn_dtype dtype, const cnn_options *,
                             cnn_network **out); /* same graph, values converted */
cnn_status cnn_network_initialize(cnn_network *, uint64_t seed); /* fresh initial values */
size_t cnn_network_metadata_count(const cnn_network *);
void cnn_network_metadata_at(const cnn_network *, size_t index, const char **key, const char **value);
/* A FUNCTION op's code. Arrays are contiguous, in the network's dtype; dims[0] is the rows of this call. Non-zero: the run ends with
   CNN_STOPPED (the hook keeps its own error). backward writes (not adds) dx[i] and dparameters[i] where not NULL. */
typedef struct {
  void *user;
  int (*forward)(void *user, int training, size_t n_x, const cnn_tensor *x, size_t n_parameters, const cnn_tensor *parameters,
                 const cnn_tensor *y);
  int (*backward)(void *user, size_t n_x, const cnn_tensor *x, const cnn_tensor *y, const cnn_tensor *dy, size_t n_parameters,
                  const cnn_tensor *parameters, const cnn_tensor *dx, const cnn_tensor *dparameters);
} cnn_function;
cnn_status cnn_network_set_function(cnn_network *, size_t node, const cnn_function *function);
/* A value's shape where the inputs have these sizes (dims of each without the batch), which are open in the graph. */
cnn_status cnn_network_bind(const cnn_network *, const size_t *const *input_dims, int32_t value, cnn_tensor_info *out, cnn_error *error);

/* ---- Sessions */
typedef struct {
  const cnn_options *options;
  int32_t live;            /* 1: runs on the network's own values; 0: a snapshot */
  int32_t training;        /* 1: dropout and noise as in training */
  size_t max_rows;         /* 0: as many as a tile holds; more rows than this run in tiles */
  const int32_t *values;   /* values wanted; NULL: the network's outputs */
  size_t n_values;
  const size_t *const *input_dims; /* concrete dims of each input without the batch, NULL when none is open */
} cnn_session_setup;
cnn_status cnn_session_new(const cnn_network *, const cnn_session_setup *, cnn_session **out);
/* Any number of rows, in tiles, over the executor's threads; outputs[i]: contiguous (rows, ...) in the value's dtype. */
cnn_status cnn_session_predict(cnn_session *, const cnn_data *data, void *const *outputs, cnn_error *error);
/* The exact case: one float input, one float output, contiguous in the network's dtype: nothing is checked. */
cnn_status cnn_session_predict_exact(cnn_session *, const void *x, size_t rows, void *y, cnn_error *error);
/* What a session would take: what it keeps of the parameters, workspace. Reads no values, so a trainer may be changing them. */
cnn_status cnn_session_memory(const cnn_network *, const cnn_session_setup *, size_t bytes[2], cnn_error *error);

/* ---- Losses, metrics, schedules */
/* Per-sample losses (rows,) and their gradients (rows, width) in the network's dtype; target and prediction as the engine holds them. */
typedef int (*cnn_loss_hook)(void *user, size_t output, const cnn_tensor *target, const cnn_tensor *prediction, double *losses,
                             void *gradients);
typedef struct {
  cnn_loss kind; /* CNN_LOSS_INFER with a hook: the hook */
  double constant, weight;
  cnn_loss_hook hook;
  void *user;
} cnn_loss_spec;
typedef struct {
  cnn_metric kind;
  double constant; /* k of top_k_accuracy (0: 5) */
  size_t output;
} cnn_metric_spec;
enum { CNN_LR_CONSTANT, CNN_LR_STEP, CNN_LR_EXPONENTIAL, CNN_LR_COSINE, CNN_LR_ONE_CYCLE, CNN_LR_HOOK };
typedef struct {
  int32_t kind;
  double lr;             /* the base rate */
  double constant
      [4]; /* STEP every, factor; EXPONENTIAL decay an epoch; COSINE epochs, final; ONE_CYCLE epochs, start share, warm share, final share */
  double warmup; /* epochs of linear rise from 0 to the schedule's own rate; 0: none */
  double (*hook)(void *user, double epoch);
  void *user;
} cnn_schedule;
double cnn_schedule_at(const cnn_schedule *, double epoch);
/* Whether a network's output value suits a loss: softmax or sigmoid under it are undone (trained on logits). CNN_LOSS_INFER is resolved.
   *logits = the value that the loss is computed on; *classes = targets are labels of so many classes (0: not a class loss). */
cnn_status cnn_loss_resolve(const cnn_network *, size_t output, cnn_loss *kind, int32_t *value, size_t *classes, cnn_error *error);

/* ---- Trainers */
typedef struct {
  const cnn_options *options;
  const cnn_loss_spec *losses; /* one an output; NULL: inferred, weight 1 */
  size_t n_losses;
  cnn_optimizer_options optimizer; /* kind CNN_OPTIMIZER_DEFAULT: Adam */
  size_t max_batch;
  int32_t input_gradients; /* backward also reaches the inputs */
  const size_t *const *input_dims;
} cnn_trainer_setup;
cnn_status cnn_trainer_new(cnn_network *, const cnn_trainer_setup *, cnn_trainer **out);

enum { CNN_NAN_RAISE = 0, CNN_NAN_STOP = 1, CNN_NAN_IGNORE = 2 };
typedef struct {
  void *user;
  /* Each may be NULL; non-zero stops the fit with CNN_STOPPED after the last whole step. */
  int (*epoch_begin)(void *user, uint64_t epoch);
  int (*epoch_end)(void *user, uint64_t epoch, const double *record);
  int (*batch_begin)(void *user, uint64_t epoch, uint64_t batch);
  int (*batch_end)(void *user, uint64_t epoch, uint64_t batch, double loss);
  int (*tick)(void *user, uint64_t epoch, uint64_t batch, double loss); /* about every 20 ms: interrupts, progress */
  int (*reduce)(void *user, void *values, size_t count, cnn_dtype dtype); /* sums over ranks, in place */
} cnn_fit_hooks;

/* A record of an epoch: loss, penalty, lr, the metrics, then (with validation) val_loss and the metrics. */
typedef struct {
  cnn_source train;
  const cnn_source *validation; /* NULL: none */
  size_t epochs, batch_rows, steps_per_epoch; /* steps 0: all */
  size_t expected_steps; /* of a source of batches, for schedules in its first epoch; 0: not known */
  uint64_t first_epoch; /* counters go on from here */
  int32_t shuffle, on_nan;
  const cnn_metric_spec *metrics;
  size_t n_metrics;
  cnn_schedule schedule; /* kind CONSTANT with lr < 0: the trainer's own rate */
  cnn_fit_hooks hooks;
  double *records; /* (epochs, width) with width = 3 + n_metrics + (validation ? 1 + n_metrics : 0) */
  size_t epochs_done; /* out */
  /* Predictions and targets of the last epoch as seen, for metrics that are functions in Python: one array an output, or NULL. Rows of
     float64, (rows, width); a label target is one number. */
  double **train_predictions, **train_targets, **validation_predictions, **validation_targets;
  double *train_weights, *validation_weights;
  const cnn_augment *augment; /* of the training batches; NULL: the trainer's own, if it has one */
} cnn_fit_options;
cnn_status cnn_trainer_run(cnn_trainer *, cnn_fit_options *, cnn_error *error);

/* Loss (data term), then the metrics, of the network as it is; collected predictions and targets as above, or NULL; of the hooks (or NULL)
   only tick is called. */
cnn_status cnn_trainer_evaluate(cnn_trainer *, const cnn_source *, size_t batch_rows, const cnn_metric_spec *, size_t n_metrics,
                                double *record, double **predictions, double **targets, double *weights, const cnn_fit_hooks *hooks,
                                cnn_error *error);
/* One step; or, with apply 0, only the gradients. training 0: dropout off, running statistics used. */
cnn_status cnn_trainer_step_data(cnn_trainer *, const cnn_data *, int training, int apply, double *loss, double *penalty, cnn_error *error);
/* forward keeps activations for backward; values are the network's outputs, contiguous, in its dtype. */
cnn_status cnn_trainer_forward_data(cnn_trainer *, const cnn_data *, int training, void *const *outputs, cnn_error *error);
cnn_status cnn_trainer_backward_data(cnn_trainer *, const void *const *output_gradients, int accumulate, void *const *input_gradients,
                                     cnn_error *error);
/* Images (n, channels, height, width) as training changes them in this epoch and step, as rows 0 to n - 1 of its batch: out is
   contiguous, float or double. */
cnn_status cnn_augment_images(const cnn_augment *, const cnn_array *images, uint64_t seed, uint64_t epoch, uint64_t step, cnn_dtype dtype,
                              void *out, cnn_error *error);
const void *cnn_trainer_gradient(const cnn_trainer *, size_t block); /* NULL where the block has none */
double cnn_trainer_lr(const cnn_trainer *);
void cnn_trainer_memory(const cnn_trainer *,
                        size_t bytes[3]); /* gradients, optimizer, workspace; without what is made when first asked for */
/* Whether the next step is the caller's thread's alone (engine/pace.pxi), and what a row cost at last: milliseconds with the team and alone,
   0: not known. What is set holds until the trainer judges anew; no bit depends on it. */
int32_t cnn_trainer_pace(const cnn_trainer *, double costs[2]);
void cnn_trainer_set_pace(cnn_trainer *, int32_t alone);
cnn_status cnn_trainer_set_optimizer(cnn_trainer *, const cnn_optimizer_options *); /* same kind: slots stay; another: afresh */
/* Where random numbers stand, step counting from the epoch's beginning; and how many updates the optimizer has made. */
void cnn_trainer_counters(const cnn_trainer *, uint64_t *epoch, uint64_t *step, uint64_t *updates);
void cnn_trainer_set_counters(cnn_trainer *, uint64_t epoch, uint64_t step, uint64_t updates);
/* Optimizer slots, each a copy of the arena's layout; and the optimizer's own scalars (bias-correction powers, L-BFGS history...). */
size_t cnn_trainer_slot_count(const cnn_trainer *);
void *cnn_trainer_slot(cnn_trainer *, size_t index, size_t *bytes);
#endif
