/* Sentences without stdio: formatted by hand, so that neither a locale nor a host's stream is touched. */
#include "core/status.h"
#include <stdarg.h>
#include <string.h>

/* ---- A bounded text. n is the length wanted; what does not fit is counted and dropped. ---------------------------------------- */

typedef struct {
  char *at;
  size_t size, n;
} text;

static void put(text *t, char c) {
  if (t->n + 1 < t->size) t->at[t->n] = c;
  t->n++;
}

static void put_string(text *t, const char *s) {
  for (s = s ? s : "?"; *s; s++) put(t, *s);
}

static void put_unsigned(text *t, uint64_t value, int width) {
  char digits[20];
  int n = 0;
  do digits[n++] = (char)('0' + value % 10);
  while (value /= 10);
  while (n < width) digits[n++] = '0';
  while (n) put(t, digits[--n]);
}

static void put_signed(text *t, int64_t value) {
  if (value < 0) put(t, '-');
  put_unsigned(t, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 1);
}

/* As Python writes it: (), (3,), (3, ?, 4). */
static void put_shape(text *t, size_t rank, const size_t *dims) {
  put(t, '(');
  for (size_t i = 0; i < rank; i++) {
    if (i) put_string(t, ", ");
    if (dims[i] == CNN_OPEN) put(t, '?');
    else put_unsigned(t, dims[i], 1);
  }
  put_string(t, rank == 1 ? ",)" : ")");
}

/* ---- Doubles: the shortest digits that read back the same, and of those the nearest (Steele and White; Burger and Dybvig,
   "Printing floating-point numbers quickly and accurately", PLDI 1996), in exact integers of at most 1140 bits. ----------------- */

enum { BIG_WORDS = 40 };
typedef struct {
  uint32_t word[BIG_WORDS];
} big; /* little end first; leading zeros are kept: simple before fast */

static void big_scale(big *a, uint32_t factor) {
  uint64_t carry = 0;
  for (int i = 0; i < BIG_WORDS; i++, carry >>= 32) a->word[i] = (uint32_t)(carry += (uint64_t)a->word[i] * factor);
}

static big big_shifted(uint64_t value, int bits) {
  big a = {{0}};
  a.word[bits / 32] = (uint32_t)(value << bits % 32);
  a.word[bits / 32 + 1] = (uint32_t)(value >> (32 - bits % 32));
  a.word[bits / 32 + 2] = (uint32_t)(bits % 32 ? value >> (64 - bits % 32) : 0);
  return a;
}

/* The sign of a + b - c. */
static int big_compare_sum(const big *a, const big *b, const big *c) {
  int64_t borrow = 0;
  int nonzero = 0;
  for (int i = 0; i < BIG_WORDS; i++, borrow >>= 32) {
    borrow += (int64_t)a->word[i] + b->word[i] - c->word[i];
    nonzero |= (uint32_t)borrow != 0;
  }
  return borrow < 0 ? -1 : nonzero;
}

static void big_subtract(big *a, const big *b) {
  int64_t borrow = 0;
  for (int i = 0; i < BIG_WORDS; i++, borrow >>= 32) a->word[i] = (uint32_t)(borrow += (int64_t)a->word[i] - b->word[i]);
}

/* value > 0, finite = 0.d1 d2 d3 ... * 10^*point; returns how many digits. Throughout, value = r / s * 10^k, and the reals within
   (r - down) / s and (r + up) / s read back as value; the ends do so too when its fraction is even. */
static int shortest_digits(double value, char digits[17], int *point) {
  const big zero = {{0}};
  uint64_t bits;
  memcpy(&bits, &value, 8);
  int exponent = (int)(bits >> 52) & 2047;
  uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
  const int narrow_below = fraction == 0 && exponent > 1; /* a power of two: its lower neighbour is half as far */
  const int even = !(fraction & 1);
  if (exponent) fraction |= UINT64_C(1) << 52;
  exponent = (exponent ? exponent : 1) - 1075;

  const int raise = exponent > 0 ? exponent : 0, lower = exponent < 0 ? -exponent : 0;
  big r = big_shifted(fraction, raise + 1 + narrow_below), s = big_shifted(1, lower + 1 + narrow_below);
  big up = big_shifted(1, raise + narrow_below), down = big_shifted(1, raise);

  int n = 0, k = 0;
  while (big_compare_sum(&r, &up, &s) >= (even ? 0 : 1)) {
    big_scale(&s, 10);
    k++;
  }
  for (;; k--) {
    big r10 = r, up10 = up;
    big_scale(&r10, 10);
    big_scale(&up10, 10);
    if (big_compare_sum(&r10, &up10, &s) >= (even ? 0 : 1)) break;
    r = r10, up = up10;
    big_scale(&down, 10);
  }
  *point = k;

  for (;;) {
    int digit = 0;
    big_scale(&r, 10);
    big_scale(&up, 10);
    big_scale(&down, 10);
    for (; big_compare_sum(&r, &zero, &s) >= 0; digit++) big_subtract(&r, &s);
    const int low = big_compare_sum(&r, &zero, &down) <= (even ? 0 : -1);
    const int high = big_compare_sum(&r, &up, &s) >= (even ? 0 : 1);
    if (low || high) {
      const int half = big_compare_sum(&r, &r, &s);
      digits[n++] = (char)('0' + digit + (high && (!low || half > 0 || (half == 0 && digit % 2))));
      return n;
    }
    digits[n++] = (char)('0' + digit);
  }
}

/* 0.1, 3, 12345.678, 1e-05, 1.5e+300, -0, nan, inf: Python's repr without its ".0". */
static void put_double(text *t, double value) {
  char digits[17];
  int point, n;
  uint64_t bits;
  memcpy(&bits, &value, 8);
  if (value != value) {
    put_string(t, "nan");
    return;
  }
  if (bits >> 63) {
    put(t, '-');
    value = -value;
  }
  if (value == 0) {
    put(t, '0');
    return;
  }
  if (value > 1.7976931348623157e308) {
    put_string(t, "inf");
    return;
  }

  n = shortest_digits(value, digits, &point);
  if (point < -3 || point > 16) {
    for (int i = 0; i < n; i++) {
      if (i == 1) put(t, '.');
      put(t, digits[i]);
    }
    put_string(t, point <= 0 ? "e-" : "e+");
    put_unsigned(t, (uint64_t)(point <= 0 ? 1 - point : point - 1), 2);
    return;
  }
  if (point <= 0) put_string(t, "0.");
  for (int i = point; i < 0; i++) put(t, '0');
  for (int i = 0; i < n || i < point; i++) {
    if (i == point && i > 0) put(t, '.');
    put(t, i < n ? digits[i] : '0');
  }
}

/* ---- Sentences ---------------------------------------------------------------------------------------------------------------- */

static size_t format_list(char *buffer, size_t size, const char *format, va_list list) {
  text t = {buffer, size, 0};
  for (const char *p = format; *p; p++) {
    if (*p != '%') {
      put(&t, *p);
      continue;
    }
    switch (*++p) {
      case 's': put_string(&t, va_arg(list, const char *)); break;
      case 'd': put_signed(&t, va_arg(list, int)); break;
      case 'l': put_signed(&t, va_arg(list, int64_t)); break;
      case 'z': put_unsigned(&t, va_arg(list, size_t), 1); break;
      case 'g': put_double(&t, va_arg(list, double)); break;
      case 'D': {
        size_t rank = va_arg(list, size_t);
        put_shape(&t, rank, va_arg(list, const size_t *));
        break;
      }
      case 0: p--; /* a lone % at the end */ /* fall through */
      default: put(&t, '%');
    }
  }
  if (size) {
    size_t end = t.n < size ? t.n : size - 1;
    if (t.n >= size) { /* cut between characters, not within one */
      size_t start = end;
      while (start && end - start < 4 && ((unsigned char)buffer[start - 1] & 0xc0) == 0x80) start--;
      if (start && (unsigned char)buffer[start - 1] >= 0xc0) {
        unsigned char lead = (unsigned char)buffer[start - 1];
        size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
        if (end - (start - 1) < length) end = start - 1;
      }
    }
    buffer[end] = 0;
  }
  return t.n;
}

size_t cnn_format(char *buffer, size_t size, const char *format, ...) {
  va_list list;
  va_start(list, format);
  size_t n = format_list(buffer, size, format, list);
  va_end(list);
  return n;
}

static cnn_status fail_list(cnn_error *error, cnn_status status, int32_t node, const char *format, va_list list) {
  if (!error || error->size < sizeof *error) return status;
  char sentence[sizeof error->text]; /* apart: an argument may be error->text itself, when a caller adds to it */
  format_list(sentence, sizeof sentence, format, list);
  for (char *p = sentence; *p; p++) /* one line, whatever is in the names of a damaged file */
    if ((unsigned char)*p < 32 || *p == 127) *p = '?';
  error->status = status;
  error->node = node;
  memcpy(error->text, sentence, sizeof sentence);
  return status;
}

cnn_status cnn_fail(cnn_error *error, cnn_status status, const char *format, ...) {
  va_list list;
  va_start(list, format);
  fail_list(error, status, -1, format, list);
  va_end(list);
  return status;
}

cnn_status cnn_fail_at(cnn_error *error, cnn_status status, int32_t node, const char *format, ...) {
  va_list list;
  va_start(list, format);
  fail_list(error, status, node, format, list);
  va_end(list);
  return status;
}

const char *cnn_status_message(cnn_status status) {
  switch (status) {
#define MESSAGE(name, code, message) case name: return message;
    CNN_STATUS_LIST(MESSAGE)
#undef MESSAGE
  }
  return "unknown status";
}

uint32_t cnn_version_number(void) { return CNN_VERSION_MAJOR << 16 | CNN_VERSION_MINOR << 8 | CNN_VERSION_PATCH; }

uint32_t cnn_abi_version(void) { return CNN_ABI_VERSION; }
