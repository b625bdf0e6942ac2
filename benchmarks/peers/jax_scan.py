"""JAX, with all that is timed in one compiled program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from workloads import ADAM, Workload

from .base import Peer, Variant, Weights, channels_first, channels_last, one_cpu


class Library(Peer):
    """One `jit` with donated buffers: a loop over epochs around one `lax.scan` over the batches, the optimizer written out in it."""

    title = "JAX, epoch in one scan"
    packages = ("jax", "jaxlib")

    @classmethod
    def axes(cls, workload: Workload) -> dict[str, Sequence[Any]]:
        axes: dict[str, Sequence[Any]] = {"threads": (1, 2)}
        if workload.kind == "train" and workload.period:
            scans = [{"unroll": n, "cycle": False} for n in (1, 4, 16)]
            axes["loop"] = (*scans, {"unroll": 1, "cycle": True}, {"unroll": 4, "cycle": True})
        elif workload.kind == "train" and workload.small:
            axes["unroll"] = (1, 4)
        if workload.image:
            axes = {"layout": ("NHWC", "NCHW"), "threads": (2, 1)}
        return axes

    @classmethod
    def environment(cls, variant: Variant) -> dict[str, str]:
        return {**super().environment(variant), "JAX_PLATFORMS": "cpu"}

    def prepare(self) -> None:
        if self.threads == 1:
            one_cpu()
        import jax
        import jax.numpy as jnp

        self.jax, self.jnp = jax, jnp
        w = self.workload
        if w.dtype == "float64":
            jax.config.update("jax_enable_x64", True)
        self.last = self.variant.get("layout") == "NHWC"
        self.initial = self._theirs(w.weights())
        hidden = {"relu": jax.nn.relu, "tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid}[w.hidden]

        def forward(params: Any, x: Any) -> Any:
            for a, b in params[:-1]:
                x = hidden(x @ a + b)
            a, b = params[-1]
            z = x @ a + b
            return jax.nn.sigmoid(z) if w.output == "sigmoid" else z

        def loss(params: Any, x: Any, y: Any) -> Any:
            z = self.forward(params, x)
            if w.loss == "cross_entropy":
                return -(jax.nn.log_softmax(z) * y).sum(axis=1).mean()
            return ((z - y) ** 2).mean()

        self.forward, self.loss = self._images() if w.image else forward, loss

    def _theirs(self, weights: Weights) -> Weights:
        """(in, out), and of images laid out (n, height, width, channels) what belongs to that."""
        if self.last:
            return channels_last(self.workload, weights)
        return [(a.T.copy() if a.ndim == 2 else a.copy(), b.copy()) for a, b in weights]

    def _images(self) -> Callable[[Any, Any], Any]:
        jax, w, last = self.jax, self.workload, self.last
        names = ("NHWC", "HWIO", "NHWC") if last else ("NCHW", "OIHW", "NCHW")
        two = (1, 2, 2, 1) if last else (1, 1, 2, 2)

        def forward(params: Any, x: Any) -> Any:
            left = iter(params)
            for layer in w.layers:
                if layer.kind == "conv":
                    a, b = next(left)
                    pads = [(layer.padding, layer.padding)] * 2
                    x = jax.lax.conv_general_dilated(x, a, (1, 1), pads, dimension_numbers=names)
                    x = x + (b if last else b[:, None, None])
                elif layer.kind == "pool":
                    x = jax.lax.reduce_window(x, -np.inf, jax.lax.max, two, two, "VALID")
                elif layer.kind == "average":
                    x = x.mean(axis=(1, 2) if last else (2, 3))
                elif layer.kind == "flatten":
                    x = x.reshape(len(x), -1)
                else:
                    a, b = next(left)
                    x = x @ a + b
                if layer.activation == "relu":
                    x = jax.nn.relu(x)
            return x

        return forward

    def laid(self, x: np.ndarray) -> np.ndarray:
        """Images in memory as the setting has it, once, before anything is timed."""
        return np.ascontiguousarray(x.transpose(0, 2, 3, 1)) if self.last else x

    def _adam(self, carry: Any, batch: Any) -> Any:
        tree = self.jax.tree.map
        lr, b1, b2, eps = self.workload.lr, ADAM["beta1"], ADAM["beta2"], ADAM["eps"]
        params, m, v, p1, p2 = carry
        g = self.jax.grad(self.loss)(params, *batch)
        p1, p2 = p1 * b1, p2 * b2
        m = tree(lambda m, g: b1 * m + (1 - b1) * g, m, g)
        v = tree(lambda v, g: b2 * v + (1 - b2) * g * g, v, g)
        rate, root = lr / (1 - p1), 1 / self.jnp.sqrt(1 - p2)
        params = tree(lambda p, m, v: p - rate * m / (self.jnp.sqrt(v) * root + eps), params, m, v)
        return (params, m, v, p1, p2), None

    def _sgd(self, carry: Any, batch: Any) -> Any:
        g = self.jax.grad(self.loss)(carry, *batch)
        return self.jax.tree.map(lambda p, g: p - self.workload.lr * g, carry, g), None

    def load(self, x: np.ndarray, y: np.ndarray, epochs: int) -> None:
        w, lax = self.workload, self.jax.lax
        if w.loss == "cross_entropy":  # one-hot beforehand: faster than a gather in each step
            y = np.eye(w.sizes[-1], dtype=w.dtype)[y]
        steps = len(x) // w.batch
        self.data = tuple(self.jax.device_put(a.reshape(steps, w.batch, *a.shape[1:])) for a in (self.laid(x), y))
        step = self._sgd if w.optimizer == "sgd" else self._adam
        unroll = min(self.variant.get("unroll", 1), steps)

        def run(carry: Any, data: Any) -> Any:
            def epoch(_: Any, carry: Any) -> Any:
                if steps == 1:
                    return step(carry, tuple(a[0] for a in data))[0]
                return lax.scan(step, carry, data, unroll=unroll)[0]

            return epoch(0, carry) if epochs == 1 else lax.fori_loop(0, epochs, epoch, carry)

        self.program = self.jax.jit(run, donate_argnums=(0,))
        self.reset()
        self.train()  # compiles

    def reset(self) -> None:
        put = self.jax.device_put
        params = put(self.initial, may_alias=False)
        if self.workload.optimizer == "sgd":
            self.carry = params
        else:
            zeros = lambda: put(self.jax.tree.map(np.zeros_like, self.initial), may_alias=False)  # noqa: E731
            one = lambda: put(np.float32(1), may_alias=False)  # noqa: E731
            self.carry = (params, zeros(), zeros(), one(), one())
        self.jax.block_until_ready(self.carry)

    def train(self) -> None:
        self.carry = self.jax.block_until_ready(self.program(self.carry, self.data))

    def weights(self) -> Weights:
        params = self.carry if self.workload.optimizer == "sgd" else self.carry[0]
        found = [(np.asarray(a), np.asarray(b)) for a, b in params]
        if self.last:
            return channels_first(self.workload, found)
        return [(a.T if a.ndim == 2 else a, b) for a, b in found]

    def predictor(self, x: list[np.ndarray]) -> tuple[Callable[[Any], Any], list[Any]]:
        params = self.jax.device_put(self.initial)
        compiled = self.jax.jit(lambda params, x: self.jax.nn.softmax(self.forward(params, x)))

        def predict(a: np.ndarray) -> np.ndarray:
            return np.asarray(compiled(params, a))

        return predict, [self.laid(a) for a in x]
