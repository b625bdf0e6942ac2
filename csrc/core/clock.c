#if defined(__linux__)
#define _GNU_SOURCE /* clock_gettime under -std=c11 */
#endif
#include "core/clock.h"

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

int64_t cnn_clock_nanoseconds(void) {
  LARGE_INTEGER ticks, rate;
  QueryPerformanceCounter(&ticks);
  QueryPerformanceFrequency(&rate);
  return (int64_t)((double)ticks.QuadPart * 1e9 / (double)rate.QuadPart);
}
#else
#include <time.h>

int64_t cnn_clock_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
#endif
