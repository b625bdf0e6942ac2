/* Errors: a status travels up, the sentence is written once, where the fault is seen, into the caller's cnn_error. */
#ifndef CNN_CORE_STATUS_H
#define CNN_CORE_STATUS_H
#include "cnn/cnn.h"

/* Writes the sentence and returns status. error may be NULL. Locale-free, no stdio. Conversions: %s string, %d int, %z size_t,
   %l int64_t, %g double (shortest that reads back the same), %D (size_t rank, const size_t *dims) a shape such as (3, ?, 4) where
   CNN_OPEN prints as ?, %% a percent sign. An argument may be error->text itself. Cut, never overrun, when it is too long. */
cnn_status cnn_fail(cnn_error *error, cnn_status status, const char *format, ...); /* error->node = -1 */
cnn_status cnn_fail_at(cnn_error *error, cnn_status status, int32_t node, const char *format, ...);
/* The same conversions into a buffer of size bytes; the length that was wanted, without the final 0. */
size_t cnn_format(char *buffer, size_t size, const char *format, ...);
#endif
