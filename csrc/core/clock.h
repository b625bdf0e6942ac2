/* A monotonic clock, for ticks and spins; its zero is arbitrary. */
#ifndef CNN_CORE_CLOCK_H
#define CNN_CORE_CLOCK_H
#include <stdint.h>
int64_t cnn_clock_nanoseconds(void);
#endif
