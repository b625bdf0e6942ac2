/* Trains a network on handwritten digits from C, saves it, opens it again and predicts.

     cc digits.c libcnn.a -lm -pthread -o digits
     ./digits digits.bin model.cnn [predictions.bin]

   digits.bin: for each digit 64 pixels of 0..16, then its label, one byte each (examples/embed_c/digits_bin.py writes it). The last 360 are
   held out. predictions.bin receives the probabilities of the held-out digits, 360 x 10 floats. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cnn/cnn.h"

enum { PIXELS = 64, CLASSES = 10, RECORD = PIXELS + 1, HELD_OUT = 360, MOST = 4096, EPOCHS = 40 };

static float x[MOST][PIXELS], probabilities[HELD_OUT][CLASSES], again[HELD_OUT][CLASSES];
static int32_t labels[MOST];

static int progress(void *user, const cnn_epoch_info *info) {
  (void)user;
  if (info->epoch % 10 == 9) printf("epoch %2d  loss %.4f\n", (int)info->epoch + 1, info->loss);
  return 0;
}

static size_t read_digits(const char *path) {
  unsigned char record[RECORD];
  size_t n = 0;
  FILE *file = fopen(path, "rb");
  if (file == NULL) return 0;
  while (n < MOST && fread(record, 1, RECORD, file) == RECORD) {
    for (int j = 0; j < PIXELS; ++j) x[n][j] = record[j] / 16.0f;
    labels[n++] = record[PIXELS];
  }
  fclose(file);
  return n;
}

static int largest(const float *row) {
  int best = 0;
  for (int j = 1; j < CLASSES; ++j)
    if (row[j] > row[best]) best = j;
  return best;
}

int main(int argc, char **argv) {
  const size_t sizes[] = {PIXELS, 64, CLASSES};
  cnn_error error = {.size = sizeof error};
  cnn_options options = {.size = sizeof options, .error = &error};
  cnn_trainer_options training = {.size = sizeof training, .loss = CNN_LOSS_CROSS_ENTROPY, .max_batch = 32};
  cnn_session_options running = {.size = sizeof running, .max_batch = HELD_OUT};
  cnn_network *net = NULL, *opened = NULL;
  cnn_trainer *trainer = NULL;
  cnn_session *session = NULL;
  size_t n, held_in, right = 0;
  int same;

  if (argc < 3 || (n = read_digits(argv[1])) <= HELD_OUT) {
    fprintf(stderr, "usage: digits digits.bin model.cnn [predictions.bin]\n");
    return 2;
  }
  held_in = n - HELD_OUT;
  if (cnn_network_create_dense(sizes, 3, CNN_RELU, CNN_SOFTMAX, CNN_FLOAT32, 7, &options, &net) ||
      cnn_trainer_create(net, &training, &trainer) || cnn_trainer_fit_labels(trainer, x[0], labels, held_in, EPOCHS, progress, NULL) ||
      cnn_session_create(net, &running, &session) || cnn_session_run(session, x[held_in], HELD_OUT, probabilities[0]) ||
      cnn_network_save(net, argv[2]) || cnn_network_open(argv[2], &options, &opened)) {
    fprintf(stderr, "%s\n", error.text);
    return 1;
  }
  cnn_session_free(session);
  session = NULL;
  if (cnn_session_create(opened, &running, &session) || cnn_session_run(session, x[held_in], HELD_OUT, again[0])) {
    fprintf(stderr, "%s\n", error.text);
    return 1;
  }
  same = memcmp(probabilities, again, sizeof again) == 0;
  for (size_t i = 0; i < HELD_OUT; ++i) right += largest(again[i]) == labels[held_in + i];
  printf("%zu of %d held-out digits right; the saved network %s\n", right, HELD_OUT, same ? "says the same" : "DIFFERS");
  if (argc > 3) {
    FILE *file = fopen(argv[3], "wb");
    if (file == NULL || fwrite(again, sizeof again, 1, file) != 1) return 1;
    fclose(file);
  }
  cnn_session_free(session);
  cnn_trainer_free(trainer);
  cnn_network_free(opened);
  cnn_network_free(net);
  return !(same && right >= HELD_OUT * 9 / 10);
}
