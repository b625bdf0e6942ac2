/* Capability (what cpuid, the system and the build have) and policy (CNN_ISA, cnn_isa_use) apart. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* sched_getaffinity */
#endif
#define _CRT_SECURE_NO_WARNINGS /* getenv */
#include "core/cpu.h"
#include "core/environment.h"
#include "core/status.h"
#include "kernels/kernels.h"
#include <string.h>

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <unistd.h>
#endif
#if defined(__linux__)
#include <fcntl.h>
#include <sched.h>
#endif

#if defined(_M_X64) || defined(_M_IX86)
#include <immintrin.h>
#include <intrin.h>
#define X86 1
#elif defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#define X86 1
#endif

/* ---- Capability --------------------------------------------------------------------------------------------------------------- */

#if defined(X86)
typedef struct {
  uint32_t a, b, c, d;
} registers;

static registers cpuid(uint32_t leaf) {
  registers r = {0, 0, 0, 0};
#if defined(_MSC_VER) && !defined(__clang__)
  int out[4];
  __cpuid(out, 0);
  if ((uint32_t)out[0] < leaf) return r;
  __cpuidex(out, (int)leaf, 0);
  r = (registers){(uint32_t)out[0], (uint32_t)out[1], (uint32_t)out[2], (uint32_t)out[3]};
#else
  if ((uint32_t)__get_cpuid_max(0, NULL) >= leaf) __cpuid_count(leaf, 0, r.a, r.b, r.c, r.d);
#endif
  return r;
}

/* Which registers the system saves when it changes threads (XCR0). */
static uint32_t saved_state(void) {
#if defined(_MSC_VER) && !defined(__clang__)
  return (uint32_t)_xgetbv(0);
#else
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
#endif
}

static int has(uint32_t word, uint32_t bits) { return (word & bits) == bits; }
#endif

/* A bit an instruction set, by its index. macOS shows zmm state only once a thread has used it: there avx2 is the best. */
static unsigned detect(void) {
  unsigned found = 1u << CNN_ISA_scalar;
#if defined(X86)
  const registers one = cpuid(1), seven = cpuid(7);
  const uint32_t fma = 1u << 12, osxsave = 1u << 27, avx = 1u << 28, sse2 = 1u << 26;
  const uint32_t avx2 = 1u << 5, avx512_f_dq_bw_vl = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
  const uint32_t ymm_state = 0x06, zmm_state = 0xe6;
  const uint32_t saved = has(one.c, osxsave) ? saved_state() : 0;
  if (has(one.d, sse2)) found |= 1u << CNN_ISA_sse2;
  if (has(one.c, avx | fma) && has(seven.b, avx2) && has(saved, ymm_state)) {
    found |= 1u << CNN_ISA_avx2;
    if (has(seven.b, avx512_f_dq_bw_vl) && has(saved, zmm_state)) found |= 1u << CNN_ISA_avx512;
  }
#elif defined(__aarch64__) || defined(_M_ARM64)
  found |= 1u << CNN_ISA_neon; /* part of the architecture */
#endif
  return found;
}

static const char *const names[CNN_ISA_COUNT] = {
#define I(name, family) #name,
#include "isas.def"
#undef I
};

const char *cnn_isa_name(int isa) { return isa >= 0 && isa < CNN_ISA_COUNT ? names[isa] : NULL; }

int cnn_isa_find(const char *name) {
  for (int isa = 0; name && isa < CNN_ISA_COUNT; isa++)
    if (!strcmp(name, names[isa])) return isa;
  return -1;
}

int cnn_isa_available(int isa) {
  static atomic_uint known; /* cpuid is slow inside a virtual machine; never 0 once known, and the same whoever asks first */
  unsigned found = atomic_load_explicit(&known, memory_order_relaxed);
  if (!found) atomic_store_explicit(&known, found = detect(), memory_order_relaxed);
  return isa >= 0 && isa < CNN_ISA_COUNT && (found >> isa & 1) && cnn_kernels_of(isa);
}

int cnn_isa_best(void) {
  int best = CNN_ISA_scalar;
  for (int isa = 0; isa < CNN_ISA_COUNT; isa++)
    if (cnn_isa_available(isa)) best = isa;
  return best;
}

/* ---- Policy ------------------------------------------------------------------------------------------------------------------- */

static atomic_int environment_state, current;
static int environment_isa;
static char environment_error[200];

/* "CNN_ISA='foo' is not an instruction set; this machine has scalar, sse2, avx2" */
static void explain(char *sentence, size_t size, const char *setting, const char *name) {
  size_t n = cnn_format(sentence, size, "%s'%s' is not %s; this machine has ", setting, name,
                        cnn_isa_find(name) < 0 ? "an instruction set" : "available here");
  for (int isa = 0; isa < CNN_ISA_COUNT && n < size; isa++)
    if (cnn_isa_available(isa)) n += cnn_format(sentence + n, size - n, isa ? ", %s" : "%s", names[isa]);
}

static void read_environment(void) {
  char name[CNN_ENVIRONMENT_TEXT];
  environment_isa = cnn_isa_best();
  if (cnn_environment("CNN_ISA", name)) {
    const int isa = cnn_isa_find(name);
    if (cnn_isa_available(isa)) environment_isa = isa;
    else explain(environment_error, sizeof environment_error, "CNN_ISA=", name);
  }
  atomic_store(&current, environment_isa);
}

int cnn_isa_current(void) {
  cnn_once(&environment_state, read_environment);
  return atomic_load_explicit(&current, memory_order_relaxed);
}

const char *cnn_isa_environment_error(void) {
  cnn_once(&environment_state, read_environment);
  return environment_error[0] ? environment_error : NULL;
}

cnn_status cnn_isa_use(const char *name, cnn_error *error) {
  cnn_once(&environment_state, read_environment);
  int isa = name && name[0] ? cnn_isa_find(name) : environment_isa;
  if (!cnn_isa_available(isa)) {
    char sentence[200];
    explain(sentence, sizeof sentence, "", name);
    return cnn_fail(error, CNN_E_ARGUMENT, "%s", sentence);
  }
  atomic_store(&current, isa);
  return CNN_OK;
}

/* ---- How many processors ------------------------------------------------------------------------------------------------------ */

#if defined(__linux__)
/* The beginning of a small file of /proc or /sys, as a string; 0 when it cannot be read. */
static int read_text(const char *path, char *text, size_t size) {
  size_t n = 0;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  for (ssize_t got; n < size - 1 && (got = read(file, text + n, size - 1 - n)) > 0;) n += (size_t)got;
  close(file);
  text[n] = 0;
  return n > 0;
}

/* Reads a number and the white space after it; 0 when there is none ("max", "-1"). */
static uint64_t read_number(const char **p) {
  uint64_t value = 0;
  for (; **p >= '0' && **p <= '9'; ++*p) value = value < UINT32_MAX ? value * 10 + (uint64_t)(**p - '0') : value;
  while (**p == ' ' || **p == '\n') ++*p;
  return value;
}

/* Whole processors that quota / period of time makes; 0 when there is no limit. */
static int64_t processors(uint64_t quota, uint64_t period) { return quota && period ? (int64_t)((quota + period - 1) / period) : 0; }

static int64_t quota_of_directory(const char *directory, int version) {
  char path[700], text[64], second[64];
  const char *p = text, *q = second;
  cnn_format(path, sizeof path, "%s/%s", directory, version == 2 ? "cpu.max" : "cpu.cfs_quota_us");
  if (!read_text(path, text, sizeof text)) return 0;
  uint64_t quota = read_number(&p);
  if (version == 2) return processors(quota, read_number(&p));
  cnn_format(path, sizeof path, "%s/cpu.cfs_period_us", directory);
  return read_text(path, second, sizeof second) ? processors(quota, read_number(&q)) : 0;
}

/* The least limit of a group and of those above it. Inside a container the group's own path may not be mounted; its root is. */
static int64_t quota_of_group(const char *mount, const char *group, int version) {
  char directory[600];
  const size_t root = strlen(mount);
  size_t length = strlen(group);
  if (root + length >= sizeof directory) length = 0;
  memcpy(directory, mount, root);
  memcpy(directory + root, group, length);
  int64_t least = 0;
  for (size_t end = root + length;;) {
    directory[end] = 0;
    int64_t limit = quota_of_directory(directory, version);
    if (limit && (!least || limit < least)) least = limit;
    if (end == root) return least;
    while (end > root && directory[--end] != '/') {}
  }
}

/* Lines of /proc/self/cgroup: "0::/group" (version 2), "4:cpu,cpuacct:/group" (version 1). 0 when nothing limits us. */
static int64_t cgroup_quota(void) {
  char text[4096];
  int64_t least = 0;
  if (!read_text("/proc/self/cgroup", text, sizeof text)) return 0;
  for (char *line = text, *next; *line; line = next) {
    const size_t length = strcspn(line, "\n");
    next = line + length + (line[length] != 0);
    line[length] = 0;
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group) continue;
    const int version_2 = group == controllers + 1;
    *controllers = *group = ','; /* now ",cpu,cpuacct,/group" */
    int64_t limit = 0;
    if (version_2) limit = quota_of_group("/sys/fs/cgroup", group + 1, 2);
    else if (strstr(controllers, ",cpu,")) limit = quota_of_group("/sys/fs/cgroup/cpu", group + 1, 1);
    if (limit && (!least || limit < least)) least = limit;
  }
  return least;
}

static int64_t affinity_count(void) {
  unsigned char set[8192]; /* 65536 processors: the kernel refuses a set smaller than its own */
  int64_t n = 0;
  memset(set, 0, sizeof set);
  if (sched_getaffinity(0, sizeof set, (cpu_set_t *)(void *)set)) return 0;
  for (size_t i = 0; i < sizeof set; i++)
    for (unsigned bits = set[i]; bits; bits &= bits - 1) n++;
  return n;
}
#endif

int32_t cnn_cpu_count(void) {
  int64_t n = 0;
#if defined(_WIN32)
  DWORD_PTR ours = 0, all = 0;
  if (GetProcessAffinityMask(GetCurrentProcess(), &ours, &all))
    for (; ours; ours &= ours - 1) n++;
  if (!n) n = (int64_t)GetActiveProcessorCount(ALL_PROCESSOR_GROUPS); /* 0: threads in several groups */
#else
#if defined(__linux__)
  n = affinity_count();
#endif
  if (!n) n = sysconf(_SC_NPROCESSORS_ONLN);
#if defined(__linux__)
  const int64_t quota = cgroup_quota();
  if (quota && quota < n) n = quota;
#endif
#endif
  return n < 1 ? 1 : n > INT32_MAX ? INT32_MAX : (int32_t)n;
}
