/* What this processor has, and what we use of it: capability and policy apart. */
#ifndef CNN_CORE_CPU_H
#define CNN_CORE_CPU_H
#include "cnn/cnn.h"

/* Rows of isas.def, by index; CNN_ISA_COUNT of them in any build (a foreign family is never available). */
enum {
#define I(name, family) CNN_ISA_##name,
#include "isas.def"
#undef I
  CNN_ISA_COUNT
};

const char *cnn_isa_name(int isa);          /* NULL when out of range */
int cnn_isa_find(const char *name);         /* -1 when unknown */
int cnn_isa_available(int isa);             /* compiled in, and this processor and system have it (own cpuid and xgetbv) */
int cnn_isa_best(void);
/* The one in use: the best, unless lowered by CNN_ISA or cnn_isa_use. Read once from the environment; an unknown or unavailable
   CNN_ISA is reported by cnn_isa_environment_error (static text, NULL when all is well) and the best is used. */
int cnn_isa_current(void);
cnn_status cnn_isa_use(const char *name, cnn_error *error); /* NULL or "" goes back to the default */
const char *cnn_isa_environment_error(void);
/* Processors that this process may use: affinity and, on Linux, the cgroup quota. At least 1. */
int32_t cnn_cpu_count(void);
#endif
