/* Trains XOR from C, saves the network, loads it again and predicts: cc xor.c libcnn.a -lm -pthread */
#include <stdio.h>
#include <string.h>

#include "cnn/cnn.h"

static int fail(const cnn_error *error) {
  fprintf(stderr, "%s\n", error->text);
  return 1;
}

int main(int argc, char **argv) {
  const char *path = argc > 1 ? argv[1] : "xor.cnn";
  const double x[4][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}}, y[4] = {0, 1, 1, 0};
  const size_t sizes[] = {2, 4, 1};
  double before[4], after[4];
  cnn_error error = {.size = sizeof error};
  cnn_options options = {.size = sizeof options, .error = &error};
  cnn_network *net = NULL, *loaded = NULL;
  cnn_trainer *trainer = NULL;
  cnn_session *session = NULL;

  cnn_optimizer_options sgd = {.size = sizeof sgd};
  cnn_optimizer_defaults(CNN_OPTIMIZER_SGD, &sgd);
  sgd.lr = 0.5;
  cnn_trainer_options training = {.size = sizeof training, .loss = CNN_LOSS_MSE, .optimizer = &sgd, .max_batch = 1};
  cnn_session_options running = {.size = sizeof running, .max_batch = 4};

  if (cnn_network_create_dense(sizes, 3, CNN_TANH, CNN_SIGMOID, CNN_FLOAT64, 1, &options, &net)) return fail(&error);
  if (cnn_trainer_create(net, &training, &trainer)) return fail(&error);
  if (cnn_trainer_fit_f64(trainer, x[0], y, 4, 2000, NULL, NULL)) return fail(&error);
  if (cnn_session_create(net, &running, &session) || cnn_session_run_f64(session, x[0], 4, before)) return fail(&error);
  cnn_session_free(session);

  if (cnn_network_save(net, path) || cnn_network_open(path, &options, &loaded)) return fail(&error);
  if (cnn_session_create(loaded, &running, &session) || cnn_session_run_f64(session, x[0], 4, after)) return fail(&error);
  cnn_session_free(session);
  cnn_trainer_free(trainer);
  cnn_network_free(loaded);
  cnn_network_free(net);

  int right = memcmp(before, after, sizeof before) == 0;
  for (int i = 0; i < 4; ++i) {
    printf("%g xor %g = %.4f\n", x[i][0], x[i][1], after[i]);
    right &= (after[i] > 0.5) == (y[i] == 1);
  }
  puts(right ? "right, and the same after save and load" : "wrong");
  return !right;
}
