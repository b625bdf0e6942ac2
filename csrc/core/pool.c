/* One small pool of threads.

   A job belongs to whoever takes `busy`; who finds it taken works alone. Each worker has a mailbox, a word on a cache line of its own:

     FREE --post--> JOB --worker or caller takes it--> FREE        QUIT ends the worker
     FREE --worker has spun long enough--> ASLEEP --post wakes it--> JOB

   so that a job of few members touches few workers, and engaging one that still spins costs one store and one load. A caller that is
   done with its own share takes back what no worker has begun: a machine that is busy with other things, or a job shorter than a
   wake-up, costs the caller no wait. `pending` counts the workers still to finish; its top bit says that the caller sleeps on it. Both
   words outlive every job: a late wake-up finds them. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* syscall, pthread_setname_np */
#endif
#define _CRT_SECURE_NO_WARNINGS /* getenv */
#include "core/pool.h"

#include "core/clock.h"
#include "core/cpu.h"
#include "core/environment.h"
#include "core/status.h"

enum { MAX_THREADS = 256, SPIN_NANOSECONDS = 100000 };
enum { CROWDED_SPIN = 10000, PUT_ASIDE = 1000000, CROWDED_SECOND = 1 << 10 /* of 2^20 ns */ };
enum { ASLEEP, FREE, JOB, QUIT }; /* 0: also what has not been started */
static const unsigned CALLER_SLEEPS = 1u << 31; /* in pending */

#if defined(_MSC_VER) && !defined(__clang__)
#define THREAD_LOCAL __declspec(thread)
#else
#define THREAD_LOCAL _Thread_local
#endif

/* ---- The platform: threads, park (sleep while *word == value; may return early), unpark ---------------------------------------- */

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
typedef HANDLE thread_handle;
#define THREAD_MAIN static DWORD WINAPI
static SRWLOCK parking_lock = SRWLOCK_INIT;
static CONDITION_VARIABLE parking = CONDITION_VARIABLE_INIT;
#define PARKING_LOCK() AcquireSRWLockExclusive(&parking_lock)
#define PARKING_UNLOCK() ReleaseSRWLockExclusive(&parking_lock)
#define PARKING_WAIT() SleepConditionVariableSRW(&parking, &parking_lock, INFINITE, 0)
#define PARKING_WAKE() WakeAllConditionVariable(&parking)

static int thread_start(thread_handle *thread, DWORD(WINAPI *body)(void *), void *arg) {
  *thread = CreateThread(NULL, 0, body, arg, 0, NULL);
  return *thread != NULL;
}
static void thread_join(thread_handle thread) {
  WaitForSingleObject(thread, INFINITE);
  CloseHandle(thread);
}
static void thread_name(void) {}
static void thread_yield(void) { SwitchToThread(); }
static void prepare_for_fork(void) {}

#else
#include <pthread.h>
#include <sched.h>
#include <signal.h>
typedef pthread_t thread_handle;
#define THREAD_MAIN static void *
static void after_fork(void);

/* Workers take no signals: a host's handlers run on the host's threads. */
static int thread_start(thread_handle *thread, void *(*body)(void *), void *arg) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int failed = pthread_create(thread, NULL, body, arg);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return !failed;
}
static void thread_join(thread_handle thread) { pthread_join(thread, NULL); }
static void thread_yield(void) { sched_yield(); }
static void prepare_for_fork(void) { pthread_atfork(NULL, NULL, after_fork); }

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
static void thread_name(void) { pthread_setname_np(pthread_self(), "cnn"); }
static void park(atomic_uint *word, unsigned value) { syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0); }
static void unpark(atomic_uint *word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0); }
#define HAVE_PARK 1
#else
static pthread_mutex_t parking_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t parking = PTHREAD_COND_INITIALIZER;
#define PARKING_LOCK() pthread_mutex_lock(&parking_lock)
#define PARKING_UNLOCK() pthread_mutex_unlock(&parking_lock)
#define PARKING_WAIT() pthread_cond_wait(&parking, &parking_lock)
#define PARKING_WAKE() pthread_cond_broadcast(&parking)
#if defined(__APPLE__)
static void thread_name(void) { pthread_setname_np("cnn"); }
#else
static void thread_name(void) {}
#endif
#endif
#endif

#if !defined(HAVE_PARK)
static void park(atomic_uint *word, unsigned value) {
  PARKING_LOCK();
  while (atomic_load(word) == value) PARKING_WAIT();
  PARKING_UNLOCK();
}
static void unpark(atomic_uint *word) {
  (void)word; /* one condition for all: few sleep, and each looks at its own word */
  PARKING_LOCK();
  PARKING_WAKE();
  PARKING_UNLOCK();
}
#endif

/* ---- The processor: a pause between two looks, and the rounding and denormal modes, which a job takes along so that no bit of a
   result depends on the thread that computed it. --------------------------------------------------------------------------------- */

#if defined(__SSE2__) || defined(_M_X64)
#include <immintrin.h>
static void pause_a_little(void) { _mm_pause(); }
static uint64_t float_mode(void) { return _mm_getcsr() & ~0x3fu; } /* without the sticky flags */
static void set_float_mode(uint64_t mode) { _mm_setcsr((unsigned)mode); }
#elif defined(__aarch64__)
static void pause_a_little(void) { __asm__ volatile("isb" ::: "memory"); } /* yield is a no-op on most cores */
static uint64_t float_mode(void) {
  uint64_t mode;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
static void set_float_mode(uint64_t mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode)); }
#else
static void pause_a_little(void) {}
static uint64_t float_mode(void) { return 0; }
static void set_float_mode(uint64_t mode) { (void)mode; }
#endif

/* ---- The pool ------------------------------------------------------------------------------------------------------------------- */

typedef struct {
  _Alignas(128) atomic_uint mail;
  int32_t member;
  thread_handle thread;
} worker;

static struct {
  atomic_int busy;
  atomic_int wanted;         /* threads, with the caller's; set at any time, obeyed at the next job */
  int32_t started;           /* workers; this and all below belong to the holder of busy */
  int32_t team;              /* threads at this job */
  atomic_int spin;           /* whether who waits spins before it sleeps: not when there are more threads than processors */
  _Atomic int64_t asked;     /* when somebody had to be told that no thread spins */
  atomic_uint crowded;       /* when a thread was last put aside for another process, in 2^20 ns */
  int32_t members;
  void (*body)(void *arg, int32_t member, int32_t members);
  void *arg;
  uint64_t mode;
  _Alignas(128) atomic_uint pending;
  worker workers[MAX_THREADS - 1];
} pool = {.spin = 1};

static THREAD_LOCAL int inside; /* this thread is in a body: what it starts is its own to do */
static atomic_uint forks;       /* a thread that comes back from a body as the only one of a child process sees it changed */

static int take(void) {
  int nobody = 0;
  return atomic_compare_exchange_strong(&pool.busy, &nobody, 1);
}

static void give_back(void) { atomic_store_explicit(&pool.busy, 0, memory_order_release); }

/* A thread for which it took so long to look again, or to end its share, was put aside, most likely. */
static void note_crowd(int64_t since, int64_t now) {
  if (now - since > PUT_ASIDE) atomic_store_explicit(&pool.crowded, (unsigned)(now >> 20), memory_order_relaxed);
}

/* In nanoseconds. Where others want the processors, it is a short while: the system takes what was spun away out of the thread's next share,
   for which the team then waits. */
static int64_t spin_limit(int64_t now) {
  const unsigned since = (unsigned)(now >> 20) - atomic_load_explicit(&pool.crowded, memory_order_relaxed);
  return since < CROWDED_SECOND ? CROWDED_SPIN : SPIN_NANOSECONDS;
}

/* Looks at *word for a while; whether it has left, or come to, the value that is waited for is the caller's to see. Returns when it began,
   0: it did not spin. */
static int64_t spin(atomic_uint *word, unsigned value, int until_equal) {
  if (!atomic_load_explicit(&pool.spin, memory_order_relaxed)) return 0;
  int64_t before, now = cnn_clock_nanoseconds();
  const int64_t began = now, limit = spin_limit(now);
  for (int looks = 1; (atomic_load_explicit(word, memory_order_acquire) == value) != until_equal; looks++) {
    pause_a_little();
    if (looks % 32) continue;
    before = now, now = cnn_clock_nanoseconds();
    note_crowd(before, now);
    if (now - began > limit) break;
  }
  return began;
}

/* JOB, QUIT, or FREE when a job was posted and taken back. */
static unsigned wait_for_mail(atomic_uint *mail) {
  unsigned found = FREE;
  spin(mail, FREE, 0);
  if (atomic_compare_exchange_strong(mail, &found, ASLEEP))
    while ((found = atomic_load(mail)) == ASLEEP) park(mail, ASLEEP);
  return found;
}

static void post(atomic_uint *mail, unsigned message) {
  if (atomic_exchange(mail, message) == ASLEEP) unpark(mail);
}

static int take_job(atomic_uint *mail) {
  unsigned job = JOB;
  return atomic_compare_exchange_strong(mail, &job, FREE);
}

static void wait_for_team(void) {
  const int64_t began = spin(&pool.pending, 0, 1);
  if (!atomic_fetch_or(&pool.pending, CALLER_SLEEPS)) return;
  for (unsigned left; (left = atomic_load(&pool.pending)) != CALLER_SLEEPS;) park(&pool.pending, left);
  if (began) note_crowd(began, cnn_clock_nanoseconds());
}

/* One thread's share: members first, first + step, ... */
static void work(int32_t first, int32_t step, int32_t members, void (*body)(void *, int32_t, int32_t), void *arg) {
  const int before = inside;
  inside = 1;
  for (int32_t member = first; member < members; member += step) body(arg, member, members);
  inside = before;
}

THREAD_MAIN worker_main(void *arg) {
  worker *self = arg;
  const unsigned born = atomic_load(&forks);
  uint64_t mode = float_mode();
  thread_name();
  while (wait_for_mail(&self->mail) != QUIT) {
    if (!take_job(&self->mail)) continue;
    if (mode != pool.mode) set_float_mode(mode = pool.mode);
    work(self->member, pool.team, pool.members, pool.body, pool.arg);
    if (atomic_load(&forks) != born) break;
    if (atomic_fetch_sub(&pool.pending, 1) == (CALLER_SLEEPS | 1)) unpark(&pool.pending);
  }
  return 0;
}

static void dismiss(int32_t keep) {
  while (pool.started > keep) {
    worker *last = &pool.workers[--pool.started];
    post(&last->mail, QUIT);
    thread_join(last->thread);
  }
}

/* Brings the workers in line with what is wanted and a job of so many members needs; returns its threads. A thread that the system
   refuses is done without, from then on. */
static int32_t assemble(int32_t members) {
  static atomic_int fork_state;
  int wanted = cnn_pool_threads();
  const int32_t team = members < wanted ? members : wanted, before = pool.started;
  dismiss(wanted - 1);
  while (pool.started < team - 1) {
    worker *next = &pool.workers[pool.started];
    cnn_once(&fork_state, prepare_for_fork);
    atomic_store(&next->mail, FREE);
    next->member = pool.started + 1;
    if (!thread_start(&next->thread, worker_main, next)) {
      atomic_compare_exchange_strong(&pool.wanted, &wanted, pool.started + 1);
      break;
    }
    pool.started++;
  }
  if (pool.started != before) atomic_store(&pool.spin, pool.started < cnn_cpu_count());
  return team <= pool.started ? team : pool.started + 1;
}

static void pool_run(void *user, int32_t members, void (*body)(void *arg, int32_t member, int32_t members), void *arg) {
  (void)user;
  if (members <= 1 || inside || !take()) {
    work(0, 1, members, body, arg);
    return;
  }
  const unsigned forks_before = atomic_load(&forks);
  const int32_t team = pool.team = assemble(members);
  pool.members = members, pool.body = body, pool.arg = arg, pool.mode = float_mode();
  atomic_store_explicit(&pool.pending, (unsigned)team - 1, memory_order_relaxed);
  for (int32_t i = 0; i < team - 1; i++) post(&pool.workers[i].mail, JOB);
  work(0, team, members, body, arg);
  for (int32_t i = team - 1; i-- > 0;)
    if (take_job(&pool.workers[i].mail)) {
      work(i + 1, team, members, body, arg);
      atomic_fetch_sub(&pool.pending, 1);
    }
  if (atomic_load(&forks) != forks_before) return; /* a child, forked by body: the others are not here */
  if (team > 1) wait_for_team();
  give_back();
}

#if !defined(_WIN32)
/* In the child only the forking thread lives. */
static void after_fork(void) {
#if !defined(HAVE_PARK)
  parking_lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
  parking = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
#endif
  pool.started = 0;
  inside = 0;
  atomic_fetch_add(&forks, 1);
  atomic_store(&pool.pending, 0);
  give_back();
}
#endif

void cnn_pool_shutdown(void) {
  if (inside) return;
  while (!take()) thread_yield();
  dismiss(0);
  give_back();
}

#if defined(__GNUC__) && !defined(_WIN32)
/* A host that unloads the library must not be left with threads whose code is gone. Not so on Windows, where a thread cannot end
   while a library is being unloaded: such hosts call cnn_pool_shutdown. */
__attribute__((destructor)) static void unload(void) {
  if (!inside && take()) dismiss(0); /* and busy for good */
}
#endif

/* ---- How many threads ------------------------------------------------------------------------------------------------------------ */

static char environment_error[120];

static int32_t number_at_start_of(const char *text) {
  int32_t value = 0;
  for (; *text >= '0' && *text <= '9' && value <= MAX_THREADS; text++) value = value * 10 + (*text - '0');
  return *text == 0 || *text == ',' ? value : 0; /* OMP_NUM_THREADS may list one number a level */
}

static void read_environment(void) {
  char text[CNN_ENVIRONMENT_TEXT];
  int32_t n = 0;
  if (cnn_environment("CNN_NUM_THREADS", text)) {
    n = number_at_start_of(text);
    if (n < 1 || n > MAX_THREADS) {
      cnn_format(environment_error, sizeof environment_error, "CNN_NUM_THREADS='%s' is not a number of threads from 1 to %d", text,
                 MAX_THREADS);
      n = 0;
    }
  } else if (cnn_environment("OMP_NUM_THREADS", text)) n = number_at_start_of(text);
  if (n < 1) n = cnn_cpu_count();
  atomic_store(&pool.wanted, n < MAX_THREADS ? n : MAX_THREADS);
}

static atomic_int environment_state;

int32_t cnn_pool_threads(void) {
  cnn_once(&environment_state, read_environment);
  return atomic_load(&pool.wanted);
}

const char *cnn_pool_environment_error(void) {
  cnn_once(&environment_state, read_environment);
  return environment_error[0] ? environment_error : NULL;
}

cnn_status cnn_pool_set_threads(int32_t n, cnn_error *error) {
  cnn_once(&environment_state, read_environment);
  if (n < 1 || n > MAX_THREADS)
    return cnn_fail(error, CNN_E_ARGUMENT, "%d threads were asked for; the pool has 1 to %d", (int)n, MAX_THREADS);
  atomic_store(&pool.wanted, n);
  return CNN_OK;
}

/* One constant executor for each width: a caller that has sized its workspaces by one is not surprised by a later set_threads. */
#define E1(n) {sizeof(cnn_executor), NULL, n, pool_run},
#define E4(n) E1(n) E1(n + 1) E1(n + 2) E1(n + 3)
#define E16(n) E4(n) E4(n + 4) E4(n + 8) E4(n + 12)
#define E64(n) E16(n) E16(n + 16) E16(n + 32) E16(n + 48)
static const cnn_executor executors[MAX_THREADS] = {E64(1) E64(65) E64(129) E64(193)};

const cnn_executor *cnn_pool(void) { return &executors[cnn_pool_threads() - 1]; }

/* ---- Loops over any executor ------------------------------------------------------------------------------------------------------ */

int32_t cnn_executor_width(const cnn_executor *executor) {
  return executor && executor->size >= sizeof *executor && executor->run && executor->threads > 1 ? executor->threads : 1;
}

/* Each member has a share of its own, so that from loop to loop it comes back to the memory that is in its caches, and when it is done
   takes over what others have not begun. */
enum { MAX_SHARES = 64 };
typedef struct {
  _Alignas(64) atomic_size_t next;
  size_t end;
} share;
typedef struct {
  void (*body)(void *arg, size_t index, int32_t member);
  void *arg;
  int32_t members;
  share shares[MAX_SHARES]; /* of the members */
} loop;

static void loop_member(void *arg, int32_t member, int32_t members) {
  loop *all = arg;
  const int before = inside;
  (void)members; /* an executor's word; the shares are those of the loop */
  inside = 1;
  for (int32_t k = 0, of = member; k < all->members; k++, of = of + 1 < all->members ? of + 1 : 0) {
    share *s = &all->shares[of];
    for (size_t i; (i = atomic_fetch_add_explicit(&s->next, 1, memory_order_relaxed)) < s->end;) all->body(all->arg, i, member);
  }
  inside = before;
}

static atomic_int always_ready;
void cnn_executor_always_ready(int always) { atomic_store(&always_ready, always); }

int cnn_executor_ready(const cnn_executor *executor, int64_t takes) {
  const int32_t others = cnn_executor_width(executor) - 1;
  if (others > 0 && atomic_load_explicit(&always_ready, memory_order_relaxed)) return 1;
  if (others < 1 || inside || executor->run != pool_run || !atomic_load_explicit(&pool.spin, memory_order_relaxed)) return 0;
  for (int32_t i = 0; i < others; i++) {
    if (atomic_load_explicit(&pool.workers[i].mail, memory_order_relaxed) == FREE) continue;
    const int64_t now = cnn_clock_nanoseconds();
    return now - atomic_exchange_explicit(&pool.asked, now, memory_order_relaxed) < takes + spin_limit(now) / 2;
  }
  return 1;
}

void cnn_parallel_for(const cnn_executor *executor, size_t count, void (*body)(void *arg, size_t index, int32_t member), void *arg) {
  int32_t members = inside ? 1 : cnn_executor_width(executor);
  if (members > MAX_SHARES) members = MAX_SHARES;
  if (count < (size_t)members) members = (int32_t)count;
  if (members <= 1) {
    const int before = inside;
    inside = 1;
    for (size_t i = 0; i < count; i++) body(arg, i, 0);
    inside = before;
    return;
  }
  loop all;
  all.body = body, all.arg = arg, all.members = members;
  for (int32_t m = 0; m < members; m++) {
    atomic_init(&all.shares[m].next, count * (size_t)m / (size_t)members);
    all.shares[m].end = count * ((size_t)m + 1) / (size_t)members;
  }
  executor->run(executor->user, members, loop_member, &all);
}
