/* What the machine can do at this moment, as one line of JSON.

     probes state     in which of its states the machine is: 0.1 s
     probes limits    multiply-add peaks and bandwidths, of one and of two threads: some seconds

   Built by benchmarks/machine.py with -O3 -march=native: the widest vectors that this machine has. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(__AVX512F__)
#define BYTES 64
#elif defined(__AVX__)
#define BYTES 32
#else
#define BYTES 16
#endif
#if BYTES == 64
#define REGISTER(x) "v"(x)
#else
#define REGISTER(x) "x"(x)
#endif
typedef float vf __attribute__((vector_size(BYTES)));
typedef double vd __attribute__((vector_size(BYTES)));

enum { MAX_THREADS = 2 };
static int cpus[MAX_THREADS], cpu_total;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

static void pin(int thread) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpus[thread], &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

/* ---- One cache line between two threads, there and back */

static struct {
  _Alignas(64) atomic_int turn;
  _Alignas(64) atomic_int stop;
} line;

static void *pong(void *unused) {
  (void)unused;
  pin(1);
  for (int i = 1; !atomic_load_explicit(&line.stop, memory_order_relaxed);) {
    if (atomic_load_explicit(&line.turn, memory_order_acquire) == i) {
      atomic_store_explicit(&line.turn, i + 1, memory_order_release);
      i += 2;
    }
  }
  return NULL;
}

static double ping_pong_ns(void) {
  enum { TRIPS = 4000, REPEATS = 5 };
  pthread_t thread;
  double best = 1e9;
  atomic_store(&line.turn, 0);
  atomic_store(&line.stop, 0);
  pin(0);
  if (pthread_create(&thread, NULL, pong, NULL)) return 0;
  int i = 0;
  for (int repeat = 0; repeat < REPEATS; repeat++) {
    const double start = now();
    for (int trip = 0; trip < TRIPS; trip++, i += 2) {
      atomic_store_explicit(&line.turn, i + 1, memory_order_release);
      while (atomic_load_explicit(&line.turn, memory_order_acquire) != i + 2) {}
    }
    const double ns = (now() - start) / TRIPS * 1e9;
    if (ns < best) best = ns;
  }
  atomic_store(&line.stop, 1);
  pthread_join(thread, NULL);
  return best;
}

/* ---- Kernels: each returns what it did (operations or bytes) in one call */

/* Every loop over an array of vectors is unrolled, or GCC leaves the array on the stack. */
#define TIMES(n, j) _Pragma(n) for (int j = 0; j < CHAINS; j++)
enum { CHAINS = 12 };
#define FMA_KERNEL(NAME, V, T)                                           \
  static double NAME(void *memory, size_t size) {                        \
    (void)size;                                                          \
    enum { STEPS = 20000 };                                              \
    V acc[CHAINS], a = (V){0} + (T)0.999, b = (V){0} + (T)0.001;         \
    TIMES("GCC unroll 12", j) acc[j] = (V){0} + (T)j;                    \
    for (int i = 0; i < STEPS; i++) {                                    \
      TIMES("GCC unroll 12", j) acc[j] = acc[j] * a + b;                 \
      __asm__ volatile("" : "+" REGISTER(a));                            \
    }                                                                    \
    V sum = {0};                                                         \
    TIMES("GCC unroll 12", j) sum += acc[j];                             \
    *(volatile T *)memory = sum[0];                                      \
    return 2.0 * STEPS * CHAINS * (BYTES / sizeof(T));                   \
  }
FMA_KERNEL(fma_f32, vf, float)
FMA_KERNEL(fma_f64, vd, double)

static double read_memory(void *memory, size_t size) {
  const vf *p = memory;
  vf s[8] = {{0}};
  for (size_t i = 0; i < size / BYTES; i += 8) _Pragma("GCC unroll 8") for (int j = 0; j < 8; j++) s[j] += p[i + j];
  _Pragma("GCC unroll 8") for (int j = 1; j < 8; j++) s[0] += s[j];
  __asm__ volatile("" ::REGISTER(s[0]) : "memory");
  return (double)size;
}

/* Reads and writes every number, as an optimizer does. Both directions count. */
static double update_memory(void *memory, size_t size) {
  vf *p = memory;
  for (size_t i = 0; i < size / BYTES; i += 8) _Pragma("GCC unroll 8") for (int j = 0; j < 8; j++) p[i + j] = p[i + j] + 1.0f;
  __asm__ volatile("" ::: "memory");
  return 2.0 * (double)size;
}

/* ---- So many threads at once, from one start, for so long; what they did together in a second */

typedef double Kernel(void *memory, size_t size);
typedef struct {
  Kernel *kernel;
  size_t size;
  int thread;
  double seconds, done, took;
  void *memory;
} Job;
static atomic_int waiting;

static void *work(void *argument) {
  Job *job = argument;
  pin(job->thread);
  memset(job->memory, 0, job->size);
  job->kernel(job->memory, job->size);
  const int calls = job->size < 1 << 20 ? (1 << 20) / job->size : 1; /* looking at the clock takes time */
  atomic_fetch_sub(&waiting, 1);
  while (atomic_load(&waiting)) {}
  const double start = now(), end = start + job->seconds;
  double t;
  do
    for (int i = 0; i < calls; i++) job->done += job->kernel(job->memory, job->size);
  while ((t = now()) < end);
  job->took = t - start;
  return NULL;
}

/* The best of some repeats, in units of 1e9 a second. `size` is what each thread has of its own. */
static double rate(Kernel *kernel, size_t size, int threads, double seconds, int repeats) {
  double best = 0;
  Job jobs[MAX_THREADS];
  for (int i = 0; i < threads; i++) {
    jobs[i] = (Job){.kernel = kernel, .size = size, .thread = i, .seconds = seconds};
    if (posix_memalign(&jobs[i].memory, 4096, size)) exit(1);
  }
  for (int repeat = 0; repeat < repeats; repeat++) {
    pthread_t others[MAX_THREADS];
    double sum = 0;
    atomic_store(&waiting, threads);
    for (int i = 0; i < threads; i++) {
      jobs[i].done = 0;
      if (pthread_create(&others[i], NULL, work, &jobs[i])) exit(1);
    }
    for (int i = 0; i < threads; i++) {
      pthread_join(others[i], NULL);
      sum += jobs[i].done / jobs[i].took;
    }
    if (sum > best) best = sum;
  }
  for (int i = 0; i < threads; i++) free(jobs[i].memory);
  return best / 1e9;
}

/* Bytes of a cache. The system's files come first: sysconf may add up every L3 of the host. */
static size_t cache(int index, int name, size_t otherwise) {
  char path[80];
  snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", index);
  FILE *file = fopen(path, "r");
  long size = 0;
  if (file) {
    if (fscanf(file, "%ldK", &size) != 1) size = 0;
    fclose(file);
  }
  size = size ? size * 1024 : sysconf(name);
  return size > 0 ? (size_t)size : otherwise;
}

static void limits(void) {
  const size_t l1 = cache(0, _SC_LEVEL1_DCACHE_SIZE, 32 << 10), l2 = cache(2, _SC_LEVEL2_CACHE_SIZE, 1 << 20);
  const size_t l3 = cache(3, _SC_LEVEL3_CACHE_SIZE, 32 << 20);
  const struct {
    const char *name;
    size_t size;
  } levels[] = {{"l1", l1 / 2 / 4096 * 4096},
                {"l2", l2 / 2},
                {"l3", l3 / 4 > 2 * l2 ? l3 / 4 : 2 * l2},
                {"dram", 8 * l3 < (512u << 20) ? 8 * l3 : 512u << 20}};
  printf("{\"vector_bytes\": %d, \"l1_bytes\": %zu, \"l2_bytes\": %zu, \"l3_bytes\": %zu", BYTES, l1, l2, l3);
  for (int threads = 1; threads <= cpu_total; threads++) {
    printf(", \"threads_%d\": {\"fma_f32_gflops\": %.1f", threads, rate(fma_f32, 1 << 20, threads, 0.1, 5));
    printf(", \"fma_f64_gflops\": %.1f", rate(fma_f64, 1 << 20, threads, 0.1, 5));
    for (int i = 0; i < 4; i++) {
      printf(", \"%s_read_gb\": %.1f", levels[i].name, rate(read_memory, levels[i].size, threads, 0.1, 4));
      printf(", \"%s_update_gb\": %.1f", levels[i].name, rate(update_memory, levels[i].size, threads, 0.1, 4));
    }
    printf("}");
  }
  printf("}\n");
}

static void state(void) {
  printf("{\"fma_1_gflops\": %.1f", rate(fma_f32, 1 << 20, 1, 0.01, 2));
  if (cpu_total > 1) printf(", \"fma_2_gflops\": %.1f, \"ping_pong_ns\": %.1f", rate(fma_f32, 1 << 20, 2, 0.015, 2), ping_pong_ns());
  printf("}\n");
}

int main(int argc, char **argv) {
  cpu_set_t allowed;
  sched_getaffinity(0, sizeof allowed, &allowed);
  for (int i = 0; i < CPU_SETSIZE && cpu_total < MAX_THREADS; i++)
    if (CPU_ISSET(i, &allowed)) cpus[cpu_total++] = i;
  if (argc == 2 && !strcmp(argv[1], "state")) state();
  else if (argc == 2 && !strcmp(argv[1], "limits")) limits();
  else {
    fprintf(stderr, "usage: probes state|limits\n");
    return 2;
  }
  return 0;
}
