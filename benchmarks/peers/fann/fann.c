/* FANN from C: incremental training is its step a sample. What it does not have in 2.2: ReLU, softmax, Adam, mini-batches. */
#include <doublefann.h>
#include <stddef.h>
#include <stdlib.h>

/* (out, in) weights and the bias of each layer, one after the other, in the order of the arrays. */
static size_t each_weight(struct fann *net, const unsigned *sizes, unsigned layers, double *values, int set) {
  struct fann_connection *connections = malloc(fann_get_total_connections(net) * sizeof *connections), *c = connections;
  size_t n = 0, from = 0;
  if (!set) fann_get_connection_array(net, connections);
  for (unsigned l = 1; l < layers; l++) {
    const size_t to = from + sizes[l - 1] + 1; /* a layer ends with its bias neuron */
    const size_t in = sizes[l - 1], out = sizes[l];
    for (size_t j = 0; j < out; j++)
      for (size_t i = 0; i <= in; i++, c++) {
        const size_t at = n + (i < in ? j * in + i : out * in + j);
        if (set) *c = (struct fann_connection){(unsigned)(from + i), (unsigned)(to + j), values[at]};
        else values[at] = c->weight;
      }
    n += (in + 1) * out;
    from = to;
  }
  if (set) fann_set_weight_array(net, connections, (unsigned)(c - connections));
  free(connections);
  return n;
}

struct fann *bench_create(const unsigned *sizes, unsigned layers, double rate) {
  struct fann *net = fann_create_standard_array(layers, sizes);
  if (!net) return NULL;
  fann_set_activation_function_hidden(net, FANN_SIGMOID);
  fann_set_activation_function_output(net, FANN_SIGMOID);
  fann_set_activation_steepness_hidden(net, 0.5); /* 1 / (1 + exp(-2 s x)) */
  fann_set_activation_steepness_output(net, 0.5);
  fann_set_training_algorithm(net, FANN_TRAIN_INCREMENTAL);
  fann_set_train_error_function(net, FANN_ERRORFUNC_LINEAR);
  fann_set_learning_momentum(net, 0);
  fann_set_learning_rate(net, (float)rate);
  return net;
}

void bench_set(struct fann *net, const unsigned *sizes, unsigned layers, double *values) { each_weight(net, sizes, layers, values, 1); }
void bench_get(struct fann *net, const unsigned *sizes, unsigned layers, double *values) { each_weight(net, sizes, layers, values, 0); }

void bench_train(struct fann *net, double *x, double *y, size_t n, size_t epochs) {
  const unsigned in = fann_get_num_input(net), out = fann_get_num_output(net);
  for (size_t epoch = 0; epoch < epochs; epoch++)
    for (size_t i = 0; i < n; i++) fann_train(net, x + i * in, y + i * out);
}
