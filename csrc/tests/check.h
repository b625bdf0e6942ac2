/* What every check program needs. */
#ifndef CNN_CHECK_H
#define CNN_CHECK_H
#include <stdio.h>
#include <time.h>

static int passed, failed;
#define CHECK(condition) ((condition) ? (void)passed++ : (void)(failed++, printf("line %d: %s\n", __LINE__, #condition)))

static inline double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static inline int check_report(void) {
  printf("%d passed, %d failed\n", passed, failed);
  return failed != 0;
}
#endif
