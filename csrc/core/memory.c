/* Aligned, zeroed blocks. In front of each lies what its release needs:

     origin ... padding ... | block_head | the caller's bytes, at a multiple of 64

   The head keeps the allocator's function and user, not its address, so the cnn_allocator itself may be gone by then. */
#define _DEFAULT_SOURCE /* madvise */
#include "core/memory.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <errno.h>
#include <sys/mman.h>
#endif

enum { LARGE_PAGE = 2 << 20 };

typedef struct {
  void *origin;
  void (*release)(void *user, void *block);
  void *user;
} block_head;

static atomic_size_t live, count;
static atomic_long fail_after = -1;

/* calloc, for the zero pages that the system gives away for nothing; in large pages where there are many: products walk over rows that
   are pages apart. */
static void *default_allocate(void *user, size_t bytes) {
  void *block = calloc(1, bytes);
  (void)user;
#ifdef MADV_HUGEPAGE
  if (block && bytes >= 2 * LARGE_PAGE) {
    const uintptr_t first = ((uintptr_t)block + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE,
                    last = ((uintptr_t)block + bytes) / LARGE_PAGE * LARGE_PAGE;
    const int error = errno;
    if (madvise((void *)first, last - first, MADV_HUGEPAGE)) errno = error; /* a wish */
  }
#endif
  return block;
}

static void default_release(void *user, void *block) {
  (void)user;
  free(block);
}

const cnn_allocator *cnn_memory_default(void) {
  static const cnn_allocator allocator = {sizeof allocator, NULL, default_allocate, default_release};
  return &allocator;
}

static int told_to_fail(void) { return atomic_load(&fail_after) >= 0 && atomic_fetch_sub(&fail_after, 1) == 0; }

void *cnn_memory_new(const cnn_allocator *allocator, size_t bytes) {
  const size_t extra = sizeof(block_head) + CNN_ALIGNMENT - 1;
  if (!allocator || allocator->size < sizeof *allocator || !allocator->allocate) allocator = cnn_memory_default();
  if (bytes > PTRDIFF_MAX - extra || told_to_fail()) return NULL;

  void *origin = allocator->allocate(allocator->user, bytes + extra);
  if (!origin) return NULL;
  unsigned char *block = (unsigned char *)origin + extra;
  block -= (uintptr_t)block % CNN_ALIGNMENT;
  ((block_head *)(void *)block)[-1] = (block_head){origin, allocator->release, allocator->user};
  if (allocator->allocate != default_allocate) memset(block, 0, bytes);
  atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
  atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
  return block;
}

void cnn_memory_release(void *block) {
  if (!block) return;
  block_head head = ((block_head *)block)[-1];
  atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
  if (head.release) head.release(head.user, head.origin); /* NULL: a host's arena, which ends as a whole */
}

int cnn_size_mul(size_t a, size_t b, size_t *out) {
  if (b && a > SIZE_MAX / b) return 0;
  *out = a * b;
  return 1;
}

int cnn_size_add(size_t a, size_t b, size_t *out) {
  if (a > SIZE_MAX - b) return 0;
  *out = a + b;
  return 1;
}

void cnn_memory_fail_after(long countdown) { atomic_store(&fail_after, countdown); }
size_t cnn_memory_live(void) { return atomic_load(&live); }
size_t cnn_memory_count(void) { return atomic_load(&count); }
