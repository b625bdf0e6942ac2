/* Checks of csrc/core/file.c: layout, hostile bytes, a system or an allocator that says no, checksums. Built as check_core.c is. */
#define _GNU_SOURCE
#include "check.h"
#include "core/file.h"
#include "core/memory.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const float floats[6] = {1, 2, 3, 4, 5, 6};
static const uint8_t blob[64] = {'C', 'N', 'N'};
static const size_t two_three[] = {2, 3}, sixty_four[] = {64}, none[] = {0, 5};
static const cnn_file_tensor tensors[] = {
    {"__cnn__", CNN_UINT8, 1, sixty_four, blob, 64},
    {"dense.weight \"\xc3\xa9\"\n\\", CNN_FLOAT32, 2, two_three, floats, 24},
    {"one", CNN_FLOAT64, 0, NULL, floats, 8},
    {"none", CNN_INT64, 2, none, NULL, 0},
};
static const cnn_file_note notes[] = {{"format", "cnn"}, {"model", "{\"a\":1}\t"}};
enum { TENSORS = 4, NOTES = 2 };
static const char expected_header[] =
    "{\"__metadata__\":{\"format\":\"cnn\",\"model\":\"{\\\"a\\\":1}\\u0009\"},"
    "\"__cnn__\":{\"dtype\":\"U8\",\"shape\":[64],\"data_offsets\":[0,64]},"
    "\"dense.weight \\\"\xc3\xa9\\\"\\u000a\\\\\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[64,88]},"
    "\"one\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[88,96]},"
    "\"none\":{\"dtype\":\"I64\",\"shape\":[0,5],\"data_offsets\":[96,96]}}";

static int files_in(const char *directory) {
  char command[200];
  int n = -1;
  snprintf(command, sizeof command, "ls -A %s | wc -l", directory);
  FILE *p = popen(command, "r");
  if (p && fscanf(p, "%d", &n) != 1) n = -1;
  if (p) pclose(p);
  return n;
}

static int fails(cnn_status status, cnn_status expected, const cnn_error *error, const char *part) {
  const int right = status == expected && error->status == expected && strstr(error->text, part);
  if (!right) printf("status %d, '%s', not %d, '%s'\n", (int)status, error->text, (int)expected, part);
  return right;
}

static void check_file(void) {
  char directory[] = "/tmp/check_file_XXXXXX", path[100], other[100], text[400];
  const size_t live = cnn_memory_live();
  cnn_error error = {.size = sizeof error};
  cnn_file file = {0};
  void *memory, *header;
  size_t bytes, header_bytes;
  if (!mkdtemp(directory)) exit(2);
  snprintf(path, sizeof path, "%s/model.cnn", directory);

  CHECK(cnn_file_write_memory(NULL, tensors, TENSORS, notes, NOTES, &memory, &bytes, &error) == CNN_OK);
  CHECK(cnn_file_header(NULL, tensors, TENSORS, notes, NOTES, &header, &header_bytes, &error) == CNN_OK);
  CHECK(header_bytes % 64 == 0 && bytes == header_bytes + 96 && !memcmp(memory, header, header_bytes));
  CHECK(!memcmp((char *)header + 8, expected_header, strlen(expected_header)));
  for (size_t i = 8 + strlen(expected_header); i < header_bytes; i++) CHECK(((char *)header)[i] == ' ');
  for (int again = 0; again < 2; again++) { /* new, then in place of the old */
    CHECK(cnn_file_write(path, tensors, TENSORS, notes, NOTES, &error) == CNN_OK && files_in(directory) == 1);
    CHECK(cnn_file_read(NULL, path, &file, &error) == CNN_OK && file.size == bytes && !memcmp(file.bytes, memory, bytes));
    CHECK(file.header_bytes == header_bytes && file.data_bytes == 96 && (uintptr_t)file.data % 64 == 0);
    CHECK(!memcmp(file.data, blob, 64) && !memcmp(file.data + 64, floats, 24) && !memcmp(file.data + 88, floats, 8));
    CHECK(cnn_file_check(NULL, &file, tensors, TENSORS, notes, NOTES, &error) == CNN_OK);
    CHECK(fails(cnn_file_check(NULL, &file, tensors, TENSORS - 1, notes, NOTES, &error), CNN_E_FILE, &error, "disagrees"));
    CHECK(fails(cnn_file_check(NULL, &file, tensors, TENSORS, notes, 1, &error), CNN_E_FILE, &error, "disagrees"));
    cnn_file_close(&file);
    CHECK(chmod(path, 0640) == 0);
  }
  struct stat about;
  CHECK(stat(path, &about) == 0 && (about.st_mode & 0777) == 0640);
  void *nothing_at_all;
  size_t nothing_bytes;
  CHECK(cnn_file_write_memory(NULL, NULL, 0, NULL, 0, &nothing_at_all, &nothing_bytes, NULL) == CNN_OK && nothing_bytes == 64);
  CHECK(cnn_file_read_memory(NULL, nothing_at_all, 64, 0, &file, NULL) == CNN_OK && !file.owned);
  CHECK(cnn_file_check(NULL, &file, NULL, 0, NULL, 0, NULL) == CNN_OK);
  cnn_memory_release(nothing_at_all);

  /* Hostile: cut everywhere, every bit of the header flipped, garbage behind. */
  for (size_t n = 0; n < bytes; n++) {
    uint8_t *cut = malloc(n ? n : 1); /* its own block, so that a sanitizer sees each byte too many */
    memcpy(cut, memory, n);
    cnn_status status = cnn_file_read_memory(NULL, cut, n, n % 2, &file, &error);
    if (!status) status = cnn_file_check(NULL, &file, tensors, TENSORS, notes, NOTES, &error), cnn_file_close(&file);
    CHECK(status == CNN_E_FILE && error.status == CNN_E_FILE && error.text[0]);
    free(cut);
  }
  for (size_t bit = 0; bit < header_bytes * 8; bit++) {
    ((uint8_t *)memory)[bit / 8] ^= (uint8_t)(1 << bit % 8);
    cnn_status status = cnn_file_read_memory(NULL, memory, bytes, 0, &file, &error);
    if (!status) status = cnn_file_check(NULL, &file, tensors, TENSORS, notes, NOTES, &error);
    CHECK(status == CNN_E_FILE);
    ((uint8_t *)memory)[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  uint8_t *longer = malloc(bytes + 1);
  memcpy(longer, memory, bytes), longer[bytes] = 0;
  CHECK(cnn_file_read_memory(NULL, longer, bytes + 1, 1, &file, &error) == CNN_OK);
  CHECK(fails(cnn_file_check(NULL, &file, tensors, TENSORS, notes, NOTES, &error), CNN_E_FILE, &error, "damaged"));
  cnn_file_close(&file);
  free(longer);

  /* What no file may hold. */
  const size_t huge[] = {SIZE_MAX / 2, 3}, many_dims[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  const cnn_file_tensor bad[] = {
      {"bad", CNN_FLOAT32, 2, two_three, floats, 23},
      {"bad", CNN_FLOAT32, 2, huge, floats, 24},
      {"bad", (cnn_dtype)99, 2, two_three, floats, 24},
      {"bad", (cnn_dtype)-1, 2, two_three, floats, 24},
      {"bad", CNN_FLOAT32, 9, many_dims, floats, 4},
      {"bad", CNN_FLOAT32, -1, many_dims, floats, 4},
      {"ba\xff", CNN_FLOAT32, 2, two_three, floats, 24},
      {"ba\xc0\x80", CNN_FLOAT32, 2, two_three, floats, 24},
      {"ba\xed\xa0\x80", CNN_FLOAT32, 2, two_three, floats, 24},
      {"ba\xe2\x82", CNN_FLOAT32, 2, two_three, floats, 24},
      {NULL, CNN_FLOAT32, 2, two_three, floats, 24},
  };
  CHECK(cnn_file_read_memory(NULL, memory, bytes, 0, &file, &error) == CNN_OK);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    CHECK(cnn_file_header(NULL, &bad[i], 1, NULL, 0, &nothing_at_all, &nothing_bytes, &error) == CNN_E_ARGUMENT);
    CHECK(cnn_file_check(NULL, &file, &bad[i], 1, NULL, 0, &error) == CNN_E_FILE && error.status == CNN_E_FILE);
  }
  const cnn_file_tensor all_of_it[] = {
      {"a", CNN_UINT8, 1, huge, NULL, huge[0]}, {"b", CNN_UINT8, 1, huge, NULL, huge[0]}, {"c", CNN_UINT8, 1, huge, NULL, huge[0]}};
  CHECK(fails(cnn_file_header(NULL, all_of_it, 3, NULL, 0, &nothing_at_all, &nothing_bytes, &error), CNN_E_ARGUMENT, &error, "too large"));

  /* The system says no. */
  snprintf(other, sizeof other, "%s/no/model.cnn", directory);
  CHECK(fails(cnn_file_write(other, tensors, TENSORS, notes, NOTES, &error), CNN_E_IO, &error, "no such file or directory"));
  snprintf(text, sizeof text, "cannot read '%s': no such file or directory", other);
  CHECK(fails(cnn_file_read(NULL, other, &file, &error), CNN_E_IO, &error, text));
  CHECK(fails(cnn_file_write(directory, tensors, TENSORS, notes, NOTES, &error), CNN_E_IO, &error, "it is a directory"));
  CHECK(fails(cnn_file_read(NULL, directory, &file, &error), CNN_E_IO, &error, "it is a directory"));
  snprintf(other, sizeof other, "%s/model.cnn/x", directory);
  CHECK(fails(cnn_file_write(other, tensors, TENSORS, notes, NOTES, &error), CNN_E_IO, &error, "not a directory"));
  CHECK(fails(cnn_file_write("", tensors, TENSORS, notes, NOTES, &error), CNN_E_ARGUMENT, &error, "empty"));
  CHECK(fails(cnn_file_read(NULL, NULL, &file, &error), CNN_E_ARGUMENT, &error, "empty"));
  char far_away[400];
  memset(far_away, 'x', 399), memcpy(far_away, "/", 1), far_away[399] = 0;
  CHECK(fails(cnn_file_read(NULL, far_away, &file, &error), CNN_E_IO, &error, "the path is too long"));
  CHECK(cnn_file_write("/dev/null", tensors, TENSORS, notes, NOTES, &error) == CNN_OK);
  CHECK(stat("/dev/null", &about) == 0 && S_ISCHR(about.st_mode));
  CHECK(fails(cnn_file_read(NULL, "/dev/null", &file, &error), CNN_E_IO, &error, "not a regular file"));
  if (access("/dev/full", W_OK) == 0)
    CHECK(fails(cnn_file_write("/dev/full", tensors, TENSORS, notes, NOTES, &error), CNN_E_IO, &error, "no space left"));
  if (geteuid()) {
    chmod(directory, 0500);
    CHECK(fails(cnn_file_write(path, tensors, TENSORS, notes, NOTES, &error), CNN_E_IO, &error, "permission denied"));
    chmod(directory, 0700);
  }
  snprintf(other, sizeof other, "%s/empty", directory);
  close(open(other, O_CREAT | O_WRONLY, 0600));
  CHECK(fails(cnn_file_read(NULL, other, &file, &error), CNN_E_FILE, &error, "not a model file"));
  unlink(other);

  /* No memory, at every step. */
  CHECK(cnn_file_read_memory(NULL, memory, bytes, 0, &file, &error) == CNN_OK);
  for (int which = 0; which < 6; which++)
    for (long step = 0;; step++) {
      cnn_status status;
      void *out = NULL;
      cnn_file read = {0};
      cnn_memory_fail_after(step);
      if (which == 0) status = cnn_file_write(path, tensors, TENSORS, notes, NOTES, &error);
      else if (which == 1) status = cnn_file_write_memory(NULL, tensors, TENSORS, notes, NOTES, &out, &nothing_bytes, &error);
      else if (which == 2) status = cnn_file_header(NULL, tensors, TENSORS, notes, NOTES, &out, &nothing_bytes, &error);
      else if (which == 3) status = cnn_file_read(NULL, path, &read, &error);
      else if (which == 4) status = cnn_file_read_memory(NULL, memory, bytes, 1, &read, &error);
      else status = cnn_file_check(NULL, &file, tensors, TENSORS, notes, NOTES, &error);
      cnn_memory_fail_after(-1);
      cnn_memory_release(out);
      cnn_file_close(&read);
      CHECK(files_in(directory) == 1);
      if (status == CNN_OK) break;
      CHECK(status == CNN_E_MEMORY && error.status == CNN_E_MEMORY);
    }

  /* The vectors of docs/format.md. */
  uint8_t counting[100];
  for (uint8_t i = 0; i < 100; i++) counting[i] = i;
  CHECK(cnn_checksum(NULL, 0, 0) == 0x2d7390d4a8b433ab && cnn_checksum("abc", 3, 0) == 0x0591d14781dbbe42);
  CHECK(cnn_checksum("abc", 3, 1) == 0x18dd154b1fb1d730 && cnn_checksum(counting, 100, 7) == 0x95b1e2fe80026989);
  for (int bit = 0; bit < 800; bit++) {
    counting[bit / 8] ^= (uint8_t)(1 << bit % 8);
    CHECK(cnn_checksum(counting, 100, 7) != 0x95b1e2fe80026989);
    counting[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
  enum { LARGE = 1 << 24 };
  void *large = cnn_memory_new(NULL, LARGE);
  memset(large, 1, LARGE);
  const double start = seconds();
  const uint64_t sum = cnn_checksum(large, LARGE, 0);
  printf("checksum: %.1f GB/s (%d)\n", LARGE * 1e-9 / (seconds() - start), (int)(sum & 1));
  cnn_memory_release(large);

  cnn_memory_release(memory);
  cnn_memory_release(header);
  unlink(path);
  CHECK(rmdir(directory) == 0 && cnn_memory_live() == live);
}

int main(void) {
  check_file();
  return check_report();
}
