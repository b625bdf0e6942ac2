/* Memory: every allocation of the machine and network floors goes through here. */
#ifndef CNN_CORE_MEMORY_H
#define CNN_CORE_MEMORY_H
#include "cnn/cnn.h"

enum { CNN_ALIGNMENT = 64 };

/* The allocator of malloc and free (aligned by hand), used wherever a NULL allocator is given. */
const cnn_allocator *cnn_memory_default(void);

/* bytes > 0, aligned to CNN_ALIGNMENT, contents zero; NULL when there is not enough. The allocator is remembered in front of the
   block, so that release needs the pointer alone. NULL may be released. */
void *cnn_memory_new(const cnn_allocator *, size_t bytes);
void cnn_memory_release(void *);

/* a * b and a + b without wrapping: 0 and *out untouched when the result does not fit. */
int cnn_size_mul(size_t a, size_t b, size_t *out);
int cnn_size_add(size_t a, size_t b, size_t *out);

/* For a thread that is about to write what another one has read or written: a store to every line of p .. p + bytes, which changes nothing.
   A processor asks for the line of a store when it comes to it; stores that follow one another are asked for together. A prefetch for
   writing does not: what is here to be read, it takes for present. */
static inline void cnn_memory_take(void *p, size_t bytes) {
  volatile char *at = (volatile char *)p;
  for (size_t i = 0; i < bytes; i += CNN_ALIGNMENT) at[i] = at[i];
}

/* For tests: after `countdown` further allocations the next one fails (once); negative turns it off. Blocks now live. */
void cnn_memory_fail_after(long countdown);
size_t cnn_memory_live(void);
size_t cnn_memory_count(void); /* allocations so far */
#endif
