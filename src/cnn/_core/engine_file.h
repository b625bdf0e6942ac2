/* Files with more in them than a network: the trainer's slots and counters, records, whatever the caller names. To be merged into
   engine.h. Same contract as cnn.h. Defined in engine/model_file.pxi. */
#ifndef CNN_ENGINE_FILE_H
#define CNN_ENGINE_FILE_H
#include "cnn/cnn.h"

/* A named tensor beside the network's own. Names are UTF-8, differ, and begin with "__" ("__state__.slot0"), as no layer's name does;
   at most 1024 of them; any dtype. */
typedef struct {
  const char *name;
  cnn_tensor tensor;
} cnn_extra;

/* The extras of a file that was opened, and what keeps them alive. */
typedef struct cnn_extras cnn_extras;
size_t cnn_extras_count(const cnn_extras *);
const cnn_extra *cnn_extras_at(const cnn_extras *, size_t index);        /* borrowed from the handle; in the order given to save */
const cnn_extra *cnn_extras_find(const cnn_extras *, const char *name);  /* NULL: there is none */
void cnn_extras_free(cnn_extras *);

/* A network and extras in one file, or in memory (the network's allocator; cnn_memory_free). */
cnn_status cnn_network_save_with(const cnn_network *, const char *path_utf8, const cnn_extra *extras, size_t n, cnn_error *error);
cnn_status cnn_network_save_memory_with(const cnn_network *, const cnn_extra *extras, size_t n, void **bytes, size_t *size,
                                        cnn_error *error);

/* Opens a file (path), or bytes in memory (path NULL; they are copied). extras and foreign may be NULL. Where CNN_E_FILE is returned,
   *foreign = 1 says that the file is a safetensors file at best but not laid out as we do it: another tool may have rewritten it, and
   whoever can read JSON finds the record in its tensor "__cnn__" (cnn_network_open_parts). *foreign = 0: it is damaged, or too new. */
cnn_status cnn_network_open_with(const char *path_utf8, const void *bytes, size_t size, const cnn_options *options, cnn_network **out,
                                 cnn_extras **extras, int32_t *foreign);
/* The network of a record, the bytes of the tensor "__cnn__", alone: values are zero, to be filled by name. data_bytes is how many bytes of
   tensors are at hand: a record that asks for more is refused before memory is taken for it. */
cnn_status cnn_network_open_parts(const void *record, size_t size, size_t data_bytes, const cnn_options *options, cnn_network **out);

/* A file of extras alone, for this network; one of another network (another graph or dtype) is refused. A file with a network in it, saved
   with extras, may be opened so too. */
cnn_status cnn_state_save(const cnn_network *, const char *path_utf8, const cnn_extra *extras, size_t n, cnn_error *error);
cnn_status cnn_state_open(const cnn_network *, const char *path_utf8, const cnn_options *options, cnn_extras **out);
#endif
