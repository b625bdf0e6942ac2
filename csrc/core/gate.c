#define _POSIX_C_SOURCE 200809L
#include "core/gate.h"
#include "core/clock.h"

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
static void give_way(int long_wait) {
  if (long_wait) Sleep(1);
  else SwitchToThread();
}
#else
#include <sched.h>
#include <time.h>
static void give_way(int long_wait) {
  const struct timespec pause = {0, 200000};
  if (long_wait) nanosleep(&pause, NULL);
  else sched_yield();
}
#endif

static const unsigned WRITER = 1u << 31; /* in state */

int cnn_gate_read(cnn_gate *gate, uintptr_t thread) {
  if (!(atomic_fetch_add(&gate->state, 1) & WRITER)) return CNN_GATE_IN;
  atomic_fetch_sub(&gate->state, 1);
  return atomic_load(&gate->writer) == thread ? CNN_GATE_OWN : CNN_GATE_BUSY;
}

void cnn_gate_read_end(cnn_gate *gate) { atomic_fetch_sub(&gate->state, 1); }

int cnn_gate_write(cnn_gate *gate, uintptr_t thread) {
  if (atomic_fetch_or(&gate->state, WRITER) & WRITER) return atomic_load(&gate->writer) == thread ? CNN_GATE_OWN : CNN_GATE_BUSY;
  atomic_store(&gate->writer, thread);
  return CNN_GATE_IN;
}

/* Spins for as long as a small prediction takes, then sleeps in short naps: nobody would wake us. */
int cnn_gate_wait(cnn_gate *gate, int64_t nanoseconds) {
  int64_t now, start = 0;
  while (atomic_load(&gate->state) != WRITER) {
    now = cnn_clock_nanoseconds();
    if (!start) start = now;
    if (now - start >= nanoseconds) return 0;
    give_way(now - start > 50000);
  }
  return 1;
}

void cnn_gate_write_end(cnn_gate *gate) {
  atomic_store(&gate->writer, 0);
  atomic_fetch_and(&gate->state, ~WRITER);
}

void *cnn_spares_take(cnn_spares *spares) {
  for (int i = 0; i < CNN_SPARES; i++) {
    void *thing = atomic_load_explicit(&spares->at[i], memory_order_relaxed) ? atomic_exchange(&spares->at[i], NULL) : NULL;
    if (thing) return thing;
  }
  return NULL;
}

int cnn_spares_give(cnn_spares *spares, void *thing) {
  for (int i = 0; i < CNN_SPARES; i++) {
    void *none = NULL;
    if (atomic_compare_exchange_strong(&spares->at[i], &none, thing)) return 1;
  }
  return 0;
}

void cnn_flag_raise(cnn_flag *flag) { atomic_store_explicit(&flag->raised, 1, memory_order_relaxed); }
void cnn_flag_lower(cnn_flag *flag) { atomic_store_explicit(&flag->raised, 0, memory_order_relaxed); }
int cnn_flag_is_raised(const cnn_flag *flag) { return atomic_load_explicit(&flag->raised, memory_order_relaxed); }
