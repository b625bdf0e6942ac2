/* One small pool of threads for the process, and the serial executor. */
#ifndef CNN_CORE_POOL_H
#define CNN_CORE_POOL_H
#include "cnn/cnn.h"

/* Calls body(arg, index) for index 0..count-1, each once, in any order, on at most the executor's threads (handed out by an atomic
   counter), and returns when all are done. A NULL executor, count 1, a call from inside a body (never nested) or a busy pool: the
   caller alone, in ascending order. */
void cnn_parallel_for(const cnn_executor *, size_t count, void (*body)(void *arg, size_t index, int32_t member), void *arg);
/* How many members such a call may have: sizes the per-member workspaces. 1 for NULL. */
int32_t cnn_executor_width(const cnn_executor *);

/* Whether work that takes one thread so many nanoseconds, not much more than it takes to wake another, is worth handing to the executor: the
   process's pool, with threads that spin, or asked again so soon that from now on they will. */
int cnn_executor_ready(const cnn_executor *, int64_t takes);
void cnn_executor_always_ready(int always); /* for tests: any executor is */

/* The process's pool. Workers start at first use, spin about 100 us after a job, then sleep on a futex or condition variable; a busy
   pool means that the caller works alone; after fork the child starts anew.
   The executor is a constant of the width that the pool has now: a later set_threads changes what cnn_pool returns, not what was
   returned, whose members two threads may then share. */
const cnn_executor *cnn_pool(void);
cnn_status cnn_pool_set_threads(int32_t n, cnn_error *); /* 1..256, clamped to nothing: an error outside */
int32_t cnn_pool_threads(void); /* from CNN_NUM_THREADS, else OMP_NUM_THREADS, else cnn_cpu_count(); */
const char *cnn_pool_environment_error(void); /* static text when CNN_NUM_THREADS is not a number of 1..256; NULL when all is well */
void cnn_pool_shutdown(void); /* joins the workers; they start again at the next use */
#endif
