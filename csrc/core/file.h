/* Named byte ranges in a file: the safetensors container, knowing nothing of networks.

   Layout (https://github.com/huggingface/safetensors): u64 little-endian header length, a JSON header, then the data. We pad the header
   with spaces so that data start at a multiple of 64. The writer makes the header; the reader never parses JSON: the engine describes
   the tensors that it expects (from the "__cnn__" tensor, first in the data), and cnn_file_check makes the same header anew and
   compares. Bytes are hostile until proven otherwise. */
#ifndef CNN_CORE_FILE_H
#define CNN_CORE_FILE_H
#include "cnn/cnn.h"

typedef struct {
  const char *name;
  cnn_dtype dtype;
  int32_t rank;
  const size_t *dims;
  const void *data;
  size_t bytes;
} cnn_file_tensor;
typedef struct {
  const char *key;
  const char *value;
} cnn_file_note; /* __metadata__: UTF-8 to UTF-8 */

/* Writes to a temporary name beside path, syncs, renames over path: a crash leaves the old file or the new one. Tensors are laid out in
   the order given. */
cnn_status cnn_file_write(const char *path_utf8, const cnn_file_tensor *, size_t n, const cnn_file_note *, size_t notes, cnn_error *);
/* The same bytes into memory from the allocator; the caller releases *out with cnn_memory_release. */
cnn_status cnn_file_write_memory(const cnn_allocator *, const cnn_file_tensor *, size_t n, const cnn_file_note *, size_t notes, void **out,
                                 size_t *bytes, cnn_error *);
/* Only the header text (length, JSON, padding), as both writers make it. */
cnn_status cnn_file_header(const cnn_allocator *, const cnn_file_tensor *, size_t n, const cnn_file_note *, size_t notes, void **out,
                           size_t *bytes, cnn_error *);

typedef struct {
  const uint8_t *bytes;
  size_t size;
  const uint8_t *header;
  size_t header_bytes;
  const uint8_t *data;
  size_t data_bytes;
  void *owned;
} cnn_file;
/* Reads the whole file (allocation in proportion to its size; not mapped) and finds header and data; bounds are checked, contents are not. */
cnn_status cnn_file_read(const cnn_allocator *, const char *path_utf8, cnn_file *out, cnn_error *);
/* The same for bytes in memory, copied or borrowed. */
cnn_status cnn_file_read_memory(const cnn_allocator *, const void *bytes, size_t size, int copy, cnn_file *out, cnn_error *);
/* CNN_E_FILE unless the file's header is byte for byte the one that these tensors and notes make. */
cnn_status cnn_file_check(const cnn_allocator *, const cnn_file *, const cnn_file_tensor *, size_t n, const cnn_file_note *, size_t notes,
                          cnn_error *);
void cnn_file_close(cnn_file *);
/* 64-bit checksum of bytes, chained by seed; specified in docs/format.md. */
uint64_t cnn_checksum(const void *bytes, size_t n, uint64_t seed);
#endif
