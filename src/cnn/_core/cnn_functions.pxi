# The functions of cnn.h, engine.h and engine_file.h, which the engine defines, and what the bindings use of the machine floor. For
# core.pyx alone; the types are in cnn_types.pxi.

cdef extern from "cnn/cnn.h" nogil:
    const char *cnn_status_message(cnn_status status)
    uint32_t cnn_version_number()

    cnn_status cnn_builder_create(const cnn_options *options, cnn_builder **out)
    cnn_status cnn_builder_add(cnn_builder *builder, cnn_op op, const int32_t *inputs, size_t n_inputs, const cnn_attribute *attributes, size_t n, int32_t *value)
    cnn_status cnn_builder_finish(cnn_builder *builder, const int32_t *outputs, size_t n, cnn_dtype dtype, uint64_t seed, cnn_network **out)
    void cnn_builder_free(cnn_builder *builder)

    void cnn_memory_free(void *block)
    void cnn_network_free(cnn_network *network)
    cnn_dtype cnn_network_dtype(const cnn_network *network)
    size_t cnn_network_input_count(const cnn_network *network)
    size_t cnn_network_output_count(const cnn_network *network)
    size_t cnn_network_parameter_count(const cnn_network *network)
    void *cnn_network_parameter_data(cnn_network *network, size_t index)
    cnn_status cnn_network_set_metadata(cnn_network *network, const char *key, const char *value)

    void cnn_session_free(cnn_session *session)
    cnn_status cnn_session_refresh(cnn_session *session)
    void cnn_trainer_free(cnn_trainer *trainer)
    cnn_status cnn_trainer_apply(cnn_trainer *trainer)
    cnn_status cnn_trainer_set_lr(cnn_trainer *trainer, double lr)
    cnn_status cnn_optimizer_defaults(cnn_optimizer kind, cnn_optimizer_options *out)

cdef extern from "engine.h" nogil:
    size_t cnn_network_node_count(const cnn_network *network)
    size_t cnn_network_value_count(const cnn_network *network)
    cnn_status cnn_network_node(const cnn_network *network, size_t index, cnn_node_info *out)
    cnn_status cnn_network_node_attribute(const cnn_network *network, size_t node, size_t index, cnn_attribute *out)
    cnn_status cnn_network_value(const cnn_network *network, size_t value, cnn_tensor_info *out)
    int32_t cnn_network_input_value(const cnn_network *network, size_t index)
    int32_t cnn_network_output_value(const cnn_network *network, size_t index)
    cnn_status cnn_network_block(const cnn_network *network, size_t index, cnn_block_info *out)
    cnn_status cnn_network_set_block(cnn_network *network, size_t index, int32_t trainable, double lr_scale)
    void *cnn_network_arena(cnn_network *network, size_t *bytes)
    uint64_t cnn_network_seed(const cnn_network *network)
    uint64_t cnn_network_version(const cnn_network *network)
    void cnn_network_touch(cnn_network *network)
    void *cnn_network_view(cnn_network *network, size_t index, int32_t change)
    int64_t cnn_network_views(const cnn_network *network)
    cnn_status cnn_network_clone(const cnn_network *network, cnn_dtype dtype, const cnn_options *options, cnn_network **out)
    cnn_status cnn_network_initialize(cnn_network *network, uint64_t seed)
    size_t cnn_network_metadata_count(const cnn_network *network)
    void cnn_network_metadata_at(const cnn_network *network, size_t index, const char **key, const char **value)
    cnn_status cnn_network_set_function(cnn_network *network, size_t node, const cnn_function *function)

    cnn_status cnn_network_bind(const cnn_network *network, const size_t *const *input_dims, int32_t value, cnn_tensor_info *out, cnn_error *error)
    cnn_status cnn_session_new(const cnn_network *network, const cnn_session_setup *setup, cnn_session **out)
    cnn_status cnn_session_predict(cnn_session *session, const cnn_data *data, void *const *outputs, cnn_error *error)
    cnn_status cnn_session_predict_exact(cnn_session *session, const void *x, size_t rows, void *y, cnn_error *error)
    cnn_status cnn_session_memory(const cnn_network *network, const cnn_session_setup *setup, size_t *bytes, cnn_error *error)

    double cnn_schedule_at(const cnn_schedule *schedule, double epoch)
    cnn_status cnn_loss_resolve(const cnn_network *network, size_t output, cnn_loss *kind, int32_t *value, size_t *classes, cnn_error *error)

    cnn_status cnn_trainer_new(cnn_network *network, const cnn_trainer_setup *setup, cnn_trainer **out)
    cnn_status cnn_trainer_run(cnn_trainer *trainer, cnn_fit_options *options, cnn_error *error)
    cnn_status cnn_trainer_evaluate(cnn_trainer *trainer, const cnn_source *source, size_t batch_rows, const cnn_metric_spec *metrics, size_t n_metrics,
                                    double *record, double **predictions, double **targets, double *weights, const cnn_fit_hooks *hooks,
                                    cnn_error *error)
    cnn_status cnn_trainer_step_data(cnn_trainer *trainer, const cnn_data *data, int training, int apply, double *loss, double *penalty, cnn_error *error)
    cnn_status cnn_trainer_forward_data(cnn_trainer *trainer, const cnn_data *data, int training, void *const *outputs, cnn_error *error)
    cnn_status cnn_trainer_backward_data(cnn_trainer *trainer, const void *const *output_gradients, int accumulate, void *const *input_gradients, cnn_error *error)
    cnn_status cnn_augment_images(const cnn_augment *how, const cnn_array *images, uint64_t seed, uint64_t epoch, uint64_t step, cnn_dtype dtype, void *out, cnn_error *error)
    const void *cnn_trainer_gradient(const cnn_trainer *trainer, size_t block)
    double cnn_trainer_lr(const cnn_trainer *trainer)
    void cnn_trainer_memory(const cnn_trainer *trainer, size_t *bytes)
    int32_t cnn_trainer_pace(const cnn_trainer *trainer, double *costs)
    void cnn_trainer_set_pace(cnn_trainer *trainer, int32_t alone)
    cnn_status cnn_trainer_set_optimizer(cnn_trainer *trainer, const cnn_optimizer_options *options)
    void cnn_trainer_counters(const cnn_trainer *trainer, uint64_t *epoch, uint64_t *step, uint64_t *updates)
    void cnn_trainer_set_counters(cnn_trainer *trainer, uint64_t epoch, uint64_t step, uint64_t updates)
    size_t cnn_trainer_slot_count(const cnn_trainer *trainer)
    void *cnn_trainer_slot(cnn_trainer *trainer, size_t index, size_t *bytes)

cdef extern from "engine_file.h" nogil:
    ctypedef struct cnn_extra:
        const char *name
        cnn_tensor tensor
    ctypedef struct cnn_extras:
        pass
    size_t cnn_extras_count(const cnn_extras *extras)
    const cnn_extra *cnn_extras_at(const cnn_extras *extras, size_t index)
    void cnn_extras_free(cnn_extras *extras)
    cnn_status cnn_network_save_with(const cnn_network *network, const char *path, const cnn_extra *extras, size_t n, cnn_error *error)
    cnn_status cnn_network_save_memory_with(const cnn_network *network, const cnn_extra *extras, size_t n, void **bytes, size_t *size, cnn_error *error)
    cnn_status cnn_network_open_with(const char *path, const void *bytes, size_t size, const cnn_options *options, cnn_network **out, cnn_extras **extras, int32_t *foreign)
    cnn_status cnn_network_open_parts(const void *record, size_t size, size_t data_bytes, const cnn_options *options, cnn_network **out)
    cnn_status cnn_state_save(const cnn_network *network, const char *path, const cnn_extra *extras, size_t n, cnn_error *error)
    cnn_status cnn_state_open(const cnn_network *network, const char *path, const cnn_options *options, cnn_extras **out)


# ---- The machine floor -------------------------------------------------------------------------------------------------------------

cdef extern from "core/memory.h" nogil:
    void *cnn_memory_new(const cnn_allocator *allocator, size_t bytes)
    void cnn_memory_release(void *block)
    int cnn_size_mul(size_t a, size_t b, size_t *out)
    void cnn_memory_fail_after(long countdown)
    size_t cnn_memory_live()
    size_t cnn_memory_count()

cdef extern from "core/cpu.h" nogil:
    enum:
        CNN_ISA_COUNT
    const char *cnn_isa_name(int isa)
    int cnn_isa_find(const char *name)
    int cnn_isa_available(int isa)
    int cnn_isa_current()
    cnn_status cnn_isa_use(const char *name, cnn_error *error)
    const char *cnn_isa_environment_error()
    int32_t cnn_cpu_count()

cdef extern from "core/pool.h" nogil:
    const cnn_executor *cnn_pool()
    cnn_status cnn_pool_set_threads(int32_t n, cnn_error *error)
    int32_t cnn_pool_threads()
    const char *cnn_pool_environment_error()
    void cnn_executor_always_ready(int always)

cdef extern from "core/random.h" nogil:
    ctypedef struct cnn_random:
        uint64_t key[2]
        uint64_t counter[4]
    cnn_random cnn_random_at(uint64_t seed, uint32_t purpose, uint32_t node, uint64_t epoch, uint64_t step, uint64_t row)
    void cnn_random_block(const cnn_random *at, uint64_t block, uint64_t *out)
    void cnn_random_permutation(const cnn_random *at, size_t n, uint32_t *out)

cdef extern from "core/gate.h" nogil:
    ctypedef struct cnn_gate:
        pass
    ctypedef struct cnn_spares:
        pass
    enum:
        CNN_GATE_BUSY
        CNN_GATE_IN
        CNN_GATE_OWN
    int cnn_gate_read(cnn_gate *gate, size_t thread)
    void cnn_gate_read_end(cnn_gate *gate)
    int cnn_gate_write(cnn_gate *gate, size_t thread)
    int cnn_gate_wait(cnn_gate *gate, int64_t nanoseconds)
    void cnn_gate_write_end(cnn_gate *gate)
    void *cnn_spares_take(cnn_spares *spares)
    int cnn_spares_give(cnn_spares *spares, void *thing)
