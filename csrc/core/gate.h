/* Who may use a thing that several threads share: any number of readers, or one writer. And a few places for spare things. */
#ifndef CNN_CORE_GATE_H
#define CNN_CORE_GATE_H
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  atomic_uint state;       /* readers inside, and the writer's bit */
  atomic_uintptr_t writer; /* the writer's thread */
} cnn_gate;                /* all zero: idle */

/* CNN_GATE_OWN: the calling thread is the writer itself; it may go on, and leaves nothing when it ends. `thread` is a number of the
   caller's for its thread, not 0. */
enum { CNN_GATE_BUSY, CNN_GATE_IN, CNN_GATE_OWN };
int cnn_gate_read(cnn_gate *, uintptr_t thread);
void cnn_gate_read_end(cnn_gate *);
/* Claims the gate: from now on readers find a writer. Those inside are waited for by cnn_gate_wait, for `nanoseconds` at most; it
   returns 1 when all have left. Either way cnn_gate_write_end gives the claim back. */
int cnn_gate_write(cnn_gate *, uintptr_t thread);
int cnn_gate_wait(cnn_gate *, int64_t nanoseconds);
void cnn_gate_write_end(cnn_gate *);

/* One thread's word to all others: stop. */
typedef struct {
  atomic_int raised;
} cnn_flag; /* all zero: lowered */
void cnn_flag_raise(cnn_flag *);
void cnn_flag_lower(cnn_flag *);
int cnn_flag_is_raised(const cnn_flag *);

/* Spare things: taken by one thread at a time, given back by any. */
enum { CNN_SPARES = 8 };
typedef struct {
  _Atomic(void *) at[CNN_SPARES];
} cnn_spares; /* all zero: none */
void *cnn_spares_take(cnn_spares *);            /* NULL: there is none */
int cnn_spares_give(cnn_spares *, void *thing); /* 0: no place left, it stays the caller's */
#endif
