/* The system calls of file.c, and nothing else: two sets of the same functions. Included there alone. */
#ifndef CNN_CORE_FILE_SYSTEM_H
#define CNN_CORE_FILE_SYSTEM_H
#include "core/memory.h"
#include <string.h>

/* Each returns NULL, or the reason of its failure in words of our own (strerror speaks the host's language). */
typedef const char *reason;
static const char already_there[] = "a file of that name is there already"; /* told from other reasons by its address */
enum { OPEN_TO_READ, OPEN_NEW, OPEN_DEVICE };

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
typedef HANDLE os_file;

static reason why(void) {
  switch (GetLastError()) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND: return "no such file or directory";
    case ERROR_ACCESS_DENIED: return "permission denied";
    case ERROR_SHARING_VIOLATION:
    case ERROR_LOCK_VIOLATION: return "another program has it open";
    case ERROR_FILE_EXISTS:
    case ERROR_ALREADY_EXISTS: return already_there;
    case ERROR_DISK_FULL:
    case ERROR_HANDLE_DISK_FULL: return "no space left on the device";
    case ERROR_WRITE_PROTECT: return "the file system is read-only";
    case ERROR_INVALID_NAME:
    case ERROR_BAD_PATHNAME: return "not a valid path";
    case ERROR_FILENAME_EXCED_RANGE: return "the path is too long";
    default: return "the system reports an input or output error";
  }
}

static reason os_open(const char *path, int how, os_file *file) {
  const int n = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, NULL, 0);
  WCHAR *wide = n > 0 ? cnn_memory_new(NULL, (size_t)n * sizeof *wide) : NULL;
  if (!wide) return n > 0 ? "not enough memory" : "the path is not UTF-8";
  MultiByteToWideChar(CP_UTF8, 0, path, -1, wide, n);
  *file = how == OPEN_NEW ? CreateFileW(wide, GENERIC_WRITE, 0, NULL, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, NULL)
                          : CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, 0, NULL);
  reason failure = *file == INVALID_HANDLE_VALUE ? why() : NULL;
  cnn_memory_release(wide);
  return failure;
}

/* to NULL: removes from. */
static reason os_move(const char *from, const char *to) {
  const int n = MultiByteToWideChar(CP_UTF8, 0, from, -1, NULL, 0);
  const int m = to ? MultiByteToWideChar(CP_UTF8, 0, to, -1, NULL, 0) : 0;
  WCHAR *wide = cnn_memory_new(NULL, ((size_t)n + (size_t)m) * sizeof *wide);
  if (!wide) return "not enough memory";
  MultiByteToWideChar(CP_UTF8, 0, from, -1, wide, n);
  if (to) MultiByteToWideChar(CP_UTF8, 0, to, -1, wide + n, m);
  const BOOL done = to ? MoveFileExW(wide, wide + n, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH) : DeleteFileW(wide);
  reason failure = done ? NULL : why();
  cnn_memory_release(wide);
  return failure;
}

static reason os_write(os_file file, const uint8_t *bytes, size_t n) {
  for (DWORD done; n; bytes += done, n -= done)
    if (!WriteFile(file, bytes, n < 1 << 30 ? (DWORD)n : 1 << 30, &done, NULL)) return why();
  return NULL;
}

static reason os_read(os_file file, uint8_t *bytes, size_t n) {
  for (DWORD done; n; bytes += done, n -= done) {
    if (!ReadFile(file, bytes, n < 1 << 30 ? (DWORD)n : 1 << 30, &done, NULL)) return why();
    if (!done) return "it became shorter while it was read";
  }
  return NULL;
}

static reason os_size(os_file file, uint64_t *size) {
  LARGE_INTEGER n;
  if (GetFileType(file) != FILE_TYPE_DISK || !GetFileSizeEx(file, &n)) return "not a regular file";
  *size = (uint64_t)n.QuadPart;
  return NULL;
}

static reason os_sync(os_file file) { return FlushFileBuffers(file) ? NULL : why(); }
static reason os_close(os_file file) { return CloseHandle(file) ? NULL : why(); }
static void os_sync_directory_of(char *path) { (void)path; }
static reason os_writable(const char *path, int *device) {
  (void)path;
  *device = 0;
  return NULL;
}
static void os_like(os_file file, const char *path) {
  (void)file;
  (void)path;
}
static uint64_t os_process(void) { return GetCurrentProcessId(); }

#else
#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* rename, no more */
#include <sys/stat.h>
#include <unistd.h>
typedef int os_file;

static reason why(void) {
  switch (errno) {
    case ENOENT: return "no such file or directory";
    case ENOTDIR: return "a part of the path is not a directory";
    case EEXIST: return already_there;
    case EISDIR: return "it is a directory";
    case EACCES:
    case EPERM: return "permission denied";
    case EROFS: return "the file system is read-only";
    case ENOSPC: return "no space left on the device";
#if defined(EDQUOT)
    case EDQUOT: return "the disk quota is used up";
#endif
    case EFBIG: return "the file is too large for the file system or the limits of this process";
    case ENAMETOOLONG: return "the path is too long";
    case ELOOP: return "too many symbolic links";
    case EMFILE:
    case ENFILE: return "too many open files";
    case ENOMEM: return "not enough memory";
    case EBUSY:
    case ETXTBSY: return "it is in use";
    case EXDEV: return "it is on another file system";
    case EIO: return "the device reports an input or output error";
    default: return "the system reports an input or output error";
  }
}

static reason os_open(const char *path, int how, os_file *file) {
  const int reading = O_RDONLY | O_NONBLOCK; /* a pipe must not hold us */
  const int flags = how == OPEN_NEW ? O_WRONLY | O_CREAT | O_EXCL : how == OPEN_DEVICE ? O_WRONLY : reading;
  do *file = open(path, flags | O_CLOEXEC, 0666);
  while (*file < 0 && errno == EINTR);
  return *file < 0 ? why() : NULL;
}

static reason os_move(const char *from, const char *to) { return (to ? rename(from, to) : unlink(from)) ? why() : NULL; }

static reason os_write(os_file file, const uint8_t *bytes, size_t n) {
  while (n) {
    const ssize_t done = write(file, bytes, n < 1 << 30 ? n : 1 << 30); /* macOS takes no more than 2 GB at once */
    if (done < 0 && errno != EINTR) return why();
    if (done > 0) bytes += done, n -= (size_t)done;
  }
  return NULL;
}

static reason os_read(os_file file, uint8_t *bytes, size_t n) {
  while (n) {
    const ssize_t done = read(file, bytes, n < 1 << 30 ? n : 1 << 30);
    if (done < 0 && errno != EINTR) return why();
    if (done == 0) return "it became shorter while it was read";
    if (done > 0) bytes += done, n -= (size_t)done;
  }
  return NULL;
}

static reason os_size(os_file file, uint64_t *size) {
  struct stat about;
  if (fstat(file, &about)) return why();
  if (S_ISDIR(about.st_mode)) return "it is a directory";
  if (!S_ISREG(about.st_mode)) return "not a regular file";
  *size = (uint64_t)about.st_size;
  return NULL;
}

static reason os_sync(os_file file) { return fsync(file) ? why() : NULL; }
static reason os_close(os_file file) { return close(file) && errno != EINTR ? why() : NULL; }

/* So that the new name survives a crash too; a file system that cannot do it has done what it can. */
static void os_sync_directory_of(char *path) {
  char *slash = strrchr(path, '/');
  if (slash) slash[slash == path] = 0;
  const int directory = open(slash ? path : ".", O_RDONLY | O_CLOEXEC);
  if (directory < 0) return;
  (void)fsync(directory);
  (void)close(directory);
}

/* A device or a pipe (/dev/null) must not be renamed over. */
static reason os_writable(const char *path, int *device) {
  struct stat about;
  *device = 0;
  if (stat(path, &about)) return NULL; /* not there yet; what else is wrong, open will say */
  if (S_ISDIR(about.st_mode)) return "it is a directory";
  *device = !S_ISREG(about.st_mode);
  return NULL;
}

/* The permissions of the file that is about to be replaced. */
static void os_like(os_file file, const char *path) {
  struct stat about;
  if (!stat(path, &about)) (void)!fchmod(file, about.st_mode & 0777);
}

static uint64_t os_process(void) { return (uint64_t)getpid(); }
#endif
#endif
