/* The safetensors container, written and read as bytes. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* for file_system.h: O_CLOEXEC, fsync */
#endif
#include "core/file.h"
#include "core/file_system.h"
#include "core/memory.h"
#include "core/status.h"
#include <stdatomic.h>
#include <string.h>

static const size_t LARGEST_HEADER = 100000000; /* as the safetensors library has it */

/* ---- The header ------------------------------------------------------------------------------------------------------------------ */

static const struct {
  char name[5];
  uint8_t bytes;
} dtypes[] = {
    [CNN_FLOAT32] = {"F32", 4}, [CNN_FLOAT64] = {"F64", 8}, [CNN_INT32] = {"I32", 4},  [CNN_INT64] = {"I64", 8},
    [CNN_UINT8] = {"U8", 1},    [CNN_INT8] = {"I8", 1},     [CNN_UINT16] = {"U16", 2}, [CNN_INT16] = {"I16", 2},
    [CNN_UINT32] = {"U32", 4},  [CNN_UINT64] = {"U64", 8},  [CNN_BOOL] = {"BOOL", 1},  [CNN_FLOAT16] = {"F16", 2},
};

/* Written twice: with at NULL it only counts. */
typedef struct {
  uint8_t *at;
  size_t n;
} sink;

static void emit(sink *s, const void *bytes, size_t n) {
  if (s->at) memcpy(s->at + s->n, bytes, n);
  s->n += n;
}

static void emit_text(sink *s, const char *text) { emit(s, text, strlen(text)); }

static void emit_size(sink *s, size_t value) {
  char digits[24];
  emit(s, digits, cnn_format(digits, sizeof digits, "%z", value));
}

static void emit_json_string(sink *s, const char *text) {
  emit_text(s, "\"");
  for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
    const char escaped[6] = {'\\', 'u', '0', '0', "0123456789abcdef"[*p >> 4], "0123456789abcdef"[*p & 15]};
    if (*p == '"' || *p == '\\') emit_text(s, "\\");
    if (*p < 32) emit(s, escaped, 6);
    else emit(s, p, 1);
  }
  emit_text(s, "\"");
}

static void emit_header(sink *s, const cnn_file_tensor *tensors, size_t n, const cnn_file_note *notes, size_t n_notes) {
  size_t offset = 0;
  emit_text(s, "{");
  if (n_notes) emit_text(s, "\"__metadata__\":{");
  for (size_t i = 0; i < n_notes; i++) {
    if (i) emit_text(s, ",");
    emit_json_string(s, notes[i].key);
    emit_text(s, ":");
    emit_json_string(s, notes[i].value);
  }
  if (n_notes) emit_text(s, "}");
  for (size_t i = 0; i < n; i++) {
    const cnn_file_tensor *t = &tensors[i];
    if (i || n_notes) emit_text(s, ",");
    emit_json_string(s, t->name);
    emit_text(s, ":{\"dtype\":\"");
    emit_text(s, dtypes[t->dtype].name);
    emit_text(s, "\",\"shape\":[");
    for (int32_t d = 0; d < t->rank; d++) {
      if (d) emit_text(s, ",");
      emit_size(s, t->dims[d]);
    }
    emit_text(s, "],\"data_offsets\":[");
    emit_size(s, offset);
    emit_text(s, ",");
    emit_size(s, offset += t->bytes);
    emit_text(s, "]}");
  }
  emit_text(s, "}");
}

/* UTF-8 without overlong forms, surrogates, or more than U+10FFFF: what a JSON reader will take. */
static int is_utf8(const char *text) {
  for (const unsigned char *p = (const unsigned char *)text; *p;) {
    const uint32_t lead = *p++;
    const int more = lead < 0x80 ? 0 : lead >> 5 == 6 ? 1 : lead >> 4 == 14 ? 2 : lead >> 3 == 30 ? 3 : -1;
    if (more < 0) return 0;
    uint32_t point = more ? lead & (0x3fu >> more) : lead;
    for (int i = 0; i < more; i++, p++) {
      if ((*p & 0xc0) != 0x80) return 0;
      point = point << 6 | (*p & 0x3fu);
    }
    const uint32_t least = more == 0 ? 0 : more == 1 ? 0x80 : more == 2 ? 0x800 : 0x10000;
    if (point < least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return 0;
  }
  return 1;
}

/* CNN_E_ARGUMENT unless all can be written; *bytes becomes the length of the data. */
static cnn_status check_contents(const cnn_file_tensor *tensors, size_t n, const cnn_file_note *notes, size_t n_notes, size_t *bytes,
                                 cnn_error *error) {
  *bytes = 0;
  for (size_t i = 0; i < n_notes; i++)
    if (!notes[i].key || !notes[i].value || !is_utf8(notes[i].key) || !is_utf8(notes[i].value))
      return cnn_fail(error, CNN_E_ARGUMENT, "note %z of the file is not UTF-8 text", i);
  for (size_t i = 0; i < n; i++) {
    const cnn_file_tensor *t = &tensors[i];
    if (!t->name || !is_utf8(t->name)) return cnn_fail(error, CNN_E_ARGUMENT, "the name of tensor %z is not UTF-8 text", i);
    if ((unsigned)t->dtype >= sizeof dtypes / sizeof *dtypes)
      return cnn_fail(error, CNN_E_ARGUMENT, "tensor '%s' has an unknown dtype, %d", t->name, (int)t->dtype);
    if (t->rank < 0 || t->rank > CNN_MAX_RANK)
      return cnn_fail(error, CNN_E_ARGUMENT, "tensor '%s' has %d dimensions; 0 to %d are possible", t->name, (int)t->rank, CNN_MAX_RANK);
    size_t size = dtypes[t->dtype].bytes;
    int fits = 1;
    for (int32_t d = 0; d < t->rank && fits; d++) fits = cnn_size_mul(size, t->dims[d], &size);
    if (!fits || size != t->bytes)
      return cnn_fail(error, CNN_E_ARGUMENT, "tensor '%s' of shape %D has %z bytes, which is not what its shape takes", t->name,
                      (size_t)t->rank, t->dims, t->bytes);
    if (!cnn_size_add(*bytes, size, bytes)) return cnn_fail(error, CNN_E_ARGUMENT, "the tensors together are too large");
  }
  return CNN_OK;
}

static cnn_status out_of_memory(cnn_error *error, size_t bytes) {
  return cnn_fail(error, CNN_E_MEMORY, "not enough memory for %z bytes", bytes);
}

/* The header, with room for the data behind it where they are wanted. */
static cnn_status make_header(const cnn_allocator *allocator, const cnn_file_tensor *tensors, size_t n, const cnn_file_note *notes,
                              size_t n_notes, int with_data, uint8_t **out, size_t *header_bytes, size_t *data_bytes, cnn_error *error) {
  cnn_status status = check_contents(tensors, n, notes, n_notes, data_bytes, error);
  if (status) return status;
  sink s = {NULL, 8};
  emit_header(&s, tensors, n, notes, n_notes);
  const size_t text = s.n, padded = (text + 63) & ~(size_t)63;
  if (padded - 8 > LARGEST_HEADER)
    return cnn_fail(error, CNN_E_ARGUMENT, "names and metadata take %z bytes; a file's header holds %z", text - 8, LARGEST_HEADER);
  size_t total = padded;
  if (with_data && !cnn_size_add(padded, *data_bytes, &total)) return cnn_fail(error, CNN_E_ARGUMENT, "the tensors together are too large");
  s = (sink){cnn_memory_new(allocator, total), 8};
  if (!s.at) return out_of_memory(error, total);
  emit_header(&s, tensors, n, notes, n_notes);
  memset(s.at + text, ' ', padded - text);
  for (int i = 0; i < 8; i++) s.at[i] = (uint8_t)((uint64_t)(padded - 8) >> 8 * i);
  *out = s.at, *header_bytes = padded;
  return CNN_OK;
}

cnn_status cnn_file_header(const cnn_allocator *allocator, const cnn_file_tensor *tensors, size_t n, const cnn_file_note *notes,
                           size_t n_notes, void **out, size_t *bytes, cnn_error *error) {
  uint8_t *header;
  size_t header_bytes, data_bytes;
  const cnn_status status = make_header(allocator, tensors, n, notes, n_notes, 0, &header, &header_bytes, &data_bytes, error);
  if (!status) *out = header, *bytes = header_bytes;
  return status;
}

/* ---- Writing --------------------------------------------------------------------------------------------------------------------- */

cnn_status cnn_file_write_memory(const cnn_allocator *allocator, const cnn_file_tensor *tensors, size_t n, const cnn_file_note *notes,
                                 size_t n_notes, void **out, size_t *bytes, cnn_error *error) {
  uint8_t *all;
  size_t header_bytes, data_bytes;
  const cnn_status status = make_header(allocator, tensors, n, notes, n_notes, 1, &all, &header_bytes, &data_bytes, error);
  if (status) return status;
  for (size_t i = 0, at = header_bytes; i < n; at += tensors[i++].bytes)
    if (tensors[i].bytes) memcpy(all + at, tensors[i].data, tensors[i].bytes);
  *out = all, *bytes = header_bytes + data_bytes;
  return CNN_OK;
}

/* The end of a long path, from the start of a character: a sentence has room for so much. */
static const char *shown(const char *path) {
  const size_t n = strlen(path), most = 130;
  if (n > most) path += n - most;
  while ((*path & 0xc0) == 0x80) path++;
  return path;
}

static cnn_status cannot(cnn_error *error, const char *verb, const char *path, reason failure) {
  const char *end = shown(path);
  return cnn_fail(error, CNN_E_IO, "cannot %s '%s%s': %s", verb, end == path ? "" : "...", end, failure);
}

static reason write_all(os_file file, const uint8_t *header, size_t header_bytes, const cnn_file_tensor *tensors, size_t n) {
  reason failure = os_write(file, header, header_bytes);
  for (size_t i = 0; i < n && !failure; i++) failure = os_write(file, tensors[i].data, tensors[i].bytes);
  return failure;
}

/* A file that is there is replaced in one step; a device is written to as it is. */
static reason write_path(const char *path, char *temporary, size_t size, const uint8_t *header, size_t header_bytes,
                         const cnn_file_tensor *tensors, size_t n) {
  static atomic_llong counter;
  int device, tries = 100; /* what a crashed process of our number has left is in the way */
  os_file file;
  reason failure = os_writable(path, &device);
  if (failure) return failure;
  do {
    cnn_format(temporary, size, "%s.tmp-%l-%l", path, (int64_t)os_process(), (int64_t)atomic_fetch_add(&counter, 1));
    failure = os_open(device ? path : temporary, device ? OPEN_DEVICE : OPEN_NEW, &file);
  } while (failure == already_there && --tries);
  if (failure) return failure;

  if (!device) os_like(file, path);
  failure = write_all(file, header, header_bytes, tensors, n);
  if (!failure && !device) failure = os_sync(file);
  const reason at_close = os_close(file);
  if (!failure) failure = at_close;
  if (device) return failure;
  if (!failure) failure = os_move(temporary, path);
  if (failure) (void)os_move(temporary, NULL);
  else os_sync_directory_of(temporary);
  return failure;
}

cnn_status cnn_file_write(const char *path, const cnn_file_tensor *tensors, size_t n, const cnn_file_note *notes, size_t n_notes,
                          cnn_error *error) {
  uint8_t *header;
  size_t header_bytes, data_bytes;
  if (!path || !path[0]) return cnn_fail(error, CNN_E_ARGUMENT, "the path is empty");
  const cnn_status status = make_header(NULL, tensors, n, notes, n_notes, 0, &header, &header_bytes, &data_bytes, error);
  if (status) return status;
  const size_t size = strlen(path) + 64;
  char *temporary = cnn_memory_new(NULL, size);
  reason failure = temporary ? write_path(path, temporary, size, header, header_bytes, tensors, n) : NULL;
  const int no_memory = !temporary;
  cnn_memory_release(temporary);
  cnn_memory_release(header);
  if (no_memory) return out_of_memory(error, size);
  return failure ? cannot(error, "write", path, failure) : CNN_OK;
}

/* ---- Reading --------------------------------------------------------------------------------------------------------------------- */

/* Finds header and data among the bytes, or says what is wrong with them. */
static cnn_status find_parts(const uint8_t *bytes, size_t size, cnn_file *out, cnn_error *error) {
  uint64_t length = 0;
  if (size < 10) return cnn_fail(error, CNN_E_FILE, "not a model file: it has %z bytes, and the shortest possible one 10", size);
  for (int i = 0; i < 8; i++) length |= (uint64_t)bytes[i] << 8 * i;
  if (bytes[8] != '{' || length < 2 || length > LARGEST_HEADER)
    return cnn_fail(error, CNN_E_FILE, "not a model file: it does not begin with the header of a safetensors file");
  if (length > size - 8)
    return cnn_fail(error, CNN_E_FILE, "the file is cut short or damaged: its header should have %z bytes, and %z are left", (size_t)length,
                    size - 8);
  const size_t header_bytes = 8 + (size_t)length;
  *out = (cnn_file){bytes, size, bytes, header_bytes, bytes + header_bytes, size - header_bytes, NULL};
  return CNN_OK;
}

cnn_status cnn_file_read_memory(const cnn_allocator *allocator, const void *bytes, size_t size, int copy, cnn_file *out, cnn_error *error) {
  cnn_file file;
  cnn_status status = find_parts(bytes, size, &file, error);
  if (status) return status;
  if (copy) {
    void *own = cnn_memory_new(allocator, size);
    if (!own) return out_of_memory(error, size);
    memcpy(own, bytes, size);
    find_parts(own, size, &file, NULL);
    file.owned = own;
  }
  *out = file;
  return CNN_OK;
}

cnn_status cnn_file_read(const cnn_allocator *allocator, const char *path, cnn_file *out, cnn_error *error) {
  os_file file;
  uint64_t size = 0;
  if (!path || !path[0]) return cnn_fail(error, CNN_E_ARGUMENT, "the path is empty");
  reason failure = os_open(path, OPEN_TO_READ, &file);
  if (failure) return cannot(error, "read", path, failure);

  uint8_t *bytes = NULL;
  failure = os_size(file, &size);
  const int fits = size <= PTRDIFF_MAX;
  if (!failure && fits && (bytes = cnn_memory_new(allocator, size ? (size_t)size : 1))) failure = os_read(file, bytes, (size_t)size);
  (void)os_close(file);

  cnn_status status;
  if (failure) status = cannot(error, "read", path, failure);
  else if (!bytes) status = out_of_memory(error, fits ? (size_t)size : SIZE_MAX);
  else if (!(status = find_parts(bytes, (size_t)size, out, error))) {
    out->owned = bytes;
    return CNN_OK;
  }
  cnn_memory_release(bytes);
  return status;
}

cnn_status cnn_file_check(const cnn_allocator *allocator, const cnn_file *file, const cnn_file_tensor *tensors, size_t n,
                          const cnn_file_note *notes, size_t n_notes, cnn_error *error) {
  uint8_t *header;
  size_t header_bytes, data_bytes, same = 0;
  cnn_status status = make_header(allocator, tensors, n, notes, n_notes, 0, &header, &header_bytes, &data_bytes, error);
  if (status == CNN_E_ARGUMENT) { /* what no writer would have written came from the file */
    if (error && error->size >= sizeof *error) error->status = CNN_E_FILE;
    return CNN_E_FILE;
  }
  if (status) return status;
  while (same < header_bytes && same < file->header_bytes && header[same] == file->header[same]) same++;
  const int equal = same == header_bytes && same == file->header_bytes;
  cnn_memory_release(header);
  if (!equal)
    return cnn_fail(error, CNN_E_FILE, "the file is damaged or was changed: at byte %z its header disagrees with what it holds", same);
  if (file->data_bytes != data_bytes)
    return cnn_fail(error, CNN_E_FILE, "the file is %s: %z bytes follow its header, which describes %z",
                    file->data_bytes < data_bytes ? "cut short" : "damaged", file->data_bytes, data_bytes);
  return CNN_OK;
}

void cnn_file_close(cnn_file *file) {
  if (!file) return;
  cnn_memory_release(file->owned);
  *file = (cnn_file){NULL, 0, NULL, 0, NULL, 0, NULL};
}

/* ---- Checksum: docs/format.md ------------------------------------------------------------------------------------------- */

static uint64_t little_end(const uint8_t *p) {
  return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 |
         (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

/* A bijection of either argument: one changed word always changes the result. */
static uint64_t mixed(uint64_t hash, uint64_t word) {
  hash ^= word;
  return (hash << 29 | hash >> 35) * UINT64_C(0x9E3779B97F4A7C15);
}

uint64_t cnn_checksum(const void *bytes, size_t n, uint64_t seed) {
  const uint8_t *p = bytes;
  uint64_t a = seed ^ 1, b = seed ^ 2, c = seed ^ 3, d = seed ^ 4; /* four chains, side by side */
  size_t left = n;
  for (; left >= 32; p += 32, left -= 32) {
    a = mixed(a, little_end(p)), b = mixed(b, little_end(p + 8));
    c = mixed(c, little_end(p + 16)), d = mixed(d, little_end(p + 24));
  }
  if (left) {
    uint8_t tail[32] = {0};
    memcpy(tail, p, left);
    a = mixed(a, little_end(tail)), b = mixed(b, little_end(tail + 8));
    c = mixed(c, little_end(tail + 16)), d = mixed(d, little_end(tail + 24));
  }
  uint64_t hash = mixed(mixed(mixed(mixed(n, a), b), c), d);
  hash = (hash ^ hash >> 32) * UINT64_C(0xBB67AE8584CAA73B);
  hash = (hash ^ hash >> 29) * UINT64_C(0xD2E7470EE14C6C93);
  return hash ^ hash >> 32;
}
