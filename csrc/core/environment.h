/* Settings from the environment: each is read once a process, by whoever needs it first. */
#ifndef CNN_CORE_ENVIRONMENT_H
#define CNN_CORE_ENVIRONMENT_H
#include <stdatomic.h>
#include <stdlib.h>

/* Runs f once a process; callers that come meanwhile wait for it. *state starts at 0. */
static inline void cnn_once(atomic_int *state, void (*f)(void)) {
  int expected = 0;
  if (atomic_load_explicit(state, memory_order_acquire) == 2) return;
  if (atomic_compare_exchange_strong(state, &expected, 1)) {
    f();
    atomic_store_explicit(state, 2, memory_order_release);
  }
  while (atomic_load_explicit(state, memory_order_acquire) != 2) {}
}

enum { CNN_ENVIRONMENT_TEXT = 48 };

/* The variable's value, cut to the buffer, with ? for all that is not printable ASCII (it may end in an error sentence);
   0 when it is unset or empty. */
static inline int cnn_environment(const char *name, char text[CNN_ENVIRONMENT_TEXT]) {
  const char *value = getenv(name);
  size_t n = 0;
  if (!value || !value[0]) return 0;
  for (; value[n] && n < CNN_ENVIRONMENT_TEXT - 1; n++) text[n] = value[n] >= 32 && value[n] < 127 ? value[n] : '?';
  text[n] = 0;
  return 1;
}
#endif
