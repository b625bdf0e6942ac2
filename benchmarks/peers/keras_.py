"""Keras, on the backend that is fastest here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from workloads import ADAM, Workload

from .base import Peer, Variant, Weights, channels_first, channels_last, one_cpu


class Library(Peer):
    """`compile(jit_compile=True, steps_per_execution=...)` and `fit`; for prediction `predict_on_batch` or the model called in a `jit`."""

    title = "Keras"
    packages = ("keras", "jax", "tensorflow-cpu")

    @classmethod
    def axes(cls, workload: Workload) -> dict[str, Sequence[Any]]:
        axes: dict[str, Sequence[Any]] = {"backend": ("tensorflow", "jax")}
        if workload.kind == "predict":
            axes["call"] = ("compiled", "predict_on_batch")
        else:
            axes["steps_per_execution"] = (1, 32) if workload.rows // workload.batch >= 64 else (1,)
        axes["threads"] = (2, 1) if workload.image else (1, 2)
        return axes

    @classmethod
    def environment(cls, variant: Variant) -> dict[str, str]:
        names = {"KERAS_BACKEND": variant["backend"], "TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu"}
        return {**super().environment(variant), **names}

    def tolerance(self) -> float:
        """Its rate is a float32: 1.5e-8 from 0.1."""
        return max(self.workload.tolerance, 1e-6)

    def prepare(self) -> None:
        if self.threads == 1:
            one_cpu()
        import keras

        w = self.workload
        keras.config.set_floatx(w.dtype)
        self.keras = keras
        if w.image:
            channels, height, width = w.image
            layers, shape, weights = self._images(), (height, width, channels), channels_last(w, w.weights())
        else:
            kinds = [w.hidden] * (len(w.sizes) - 2) + [w.output]
            layers = [keras.layers.Dense(n, activation=k) for n, k in zip(w.sizes[1:], kinds, strict=True)]
            shape, weights = w.sizes[:1], [(a.T, b) for a, b in w.weights()]
        self.net = keras.Sequential([keras.Input(shape, batch_size=None), *layers])
        self.initial = [a for pair in weights for a in pair]
        self.net.set_weights(self.initial)
        if w.kind == "predict":
            self.net.compile(jit_compile=True)
            return
        if w.optimizer == "sgd":
            optimizer = keras.optimizers.SGD(w.lr)
        else:
            optimizer = keras.optimizers.Adam(w.lr, beta_1=ADAM["beta1"], beta_2=ADAM["beta2"], epsilon=ADAM["eps"])
        loss = "sparse_categorical_crossentropy" if w.loss == "cross_entropy" else "mean_squared_error"
        self.net.compile(
            optimizer=optimizer, loss=loss, jit_compile=True, steps_per_execution=self.variant["steps_per_execution"]
        )
        optimizer.build(self.net.trainable_variables)
        self.state = [(v, np.array(v)) for v in optimizer.variables]

    def _images(self) -> list[Any]:
        kinds = self.keras.layers
        made: list[Any] = []
        for layer in self.workload.layers:
            if layer.kind == "conv":
                if layer.padding:
                    made.append(kinds.ZeroPadding2D(layer.padding))
                made.append(kinds.Conv2D(layer.units, layer.kernel, activation=layer.activation))
            elif layer.kind == "dense":
                made.append(kinds.Dense(layer.units, activation=layer.activation))
            else:
                pool = {"pool": kinds.MaxPooling2D, "average": kinds.GlobalAveragePooling2D, "flatten": kinds.Flatten}
                made.append(pool[layer.kind]())
        return made

    def laid(self, x: np.ndarray) -> np.ndarray:
        """Images (n, height, width, channels), once, before anything is timed."""
        return np.ascontiguousarray(x.transpose(0, 2, 3, 1)) if self.workload.image else x

    def load(self, x: np.ndarray, y: np.ndarray, epochs: int) -> None:
        self.data = (self.laid(x), y)
        self.epochs = epochs
        self.reset()
        self.train()  # compiles

    def reset(self) -> None:
        self.net.set_weights(self.initial)
        for variable, value in self.state:
            variable.assign(value)

    def train(self) -> None:
        self.net.fit(*self.data, batch_size=self.workload.batch, epochs=self.epochs, shuffle=False, verbose=0)

    def weights(self) -> Weights:
        flat = self.net.get_weights()
        pairs = list(zip(flat[::2], flat[1::2], strict=True))
        return channels_first(self.workload, pairs) if self.workload.image else [(w.T, b) for w, b in pairs]

    def predictor(self, x: list[np.ndarray]) -> tuple[Callable[[Any], Any], list[Any]]:
        x = [self.laid(a) for a in x]
        if self.variant["call"] == "predict_on_batch":
            return self.net.predict_on_batch, x
        if self.variant["backend"] == "tensorflow":
            import tensorflow as tf

            compiled = tf.function(self.net, jit_compile=True, reduce_retracing=True)
            return lambda a: compiled(tf.constant(a)).numpy(), x
        import jax

        state = ([v.value for v in self.net.trainable_variables], [v.value for v in self.net.non_trainable_variables])
        compiled = jax.jit(lambda state, a: self.net.stateless_call(*state, a)[0])
        return lambda a: np.asarray(compiled(state, a)), x
