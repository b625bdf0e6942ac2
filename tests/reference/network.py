"""A small sequential network out of the reference's layers, activations, losses and optimizers.

    net = Network([{"kind": "dense", "weight": w, "bias": b, "activation": "relu", "l2": 1e-3},
                   {"kind": "dropout", "rate": 0.5, "mask": mask},
                   {"kind": "dense", "weight": w2, "activation": "softmax"}])

Kinds: dense (weight, bias=None, activation="linear", constants={}, l1, l2, max_norm), activation (activation,
constants), dropout (rate, mask), rescale (scale, offset), normalize (mean, std, fill), one_hot (classes), flatten,
reshape (shape). Parameters are float64 copies, named "dense_1.weight" in order.
"""

import numpy as np

from . import activations, layers
from .losses import FROM_LOGITS, LOSSES, batch_loss
from .optimizers import LBFGS


class Network:
    def __init__(self, specs):
        self.specs = [dict(spec) for spec in specs]
        self.parameters = {}
        counts = {}
        for spec in self.specs:
            kind = spec["kind"]
            counts[kind] = counts.get(kind, 0) + 1
            spec["name"] = f"{kind}_{counts[kind]}"
            for key in ("weight", "bias"):
                if spec.get(key) is not None:
                    spec[key] = np.array(spec[key], np.float64)
                    self.parameters[f"{spec['name']}.{key}"] = spec[key]

    @property
    def output(self) -> str:
        """The last layer's activation."""
        name = self.specs[-1].get("activation", "linear")
        return activations.ALIASES.get(name, name)

    def _run(self, x, training):
        """The output, and each layer's (input, sum before the activation)."""
        tape = []
        for spec in self.specs:
            kind, z = spec["kind"], x
            if kind == "dense":
                z = layers.dense(x, spec["weight"], spec.get("bias"))
            elif kind == "dropout":
                z = layers.dropout(x, spec["mask"], spec["rate"]) if training else x
            elif kind == "rescale":
                z = layers.rescale(x, spec["scale"], spec.get("offset", 0.0))
            elif kind == "normalize":
                z = layers.normalize(x, spec["mean"], spec["std"], spec.get("fill"))
            elif kind == "one_hot":
                z = layers.one_hot(x, spec["classes"])
            elif kind == "flatten":
                z = layers.flatten(x)
            elif kind == "reshape":
                z = layers.reshape(x, spec["shape"])
            elif kind != "activation":
                raise ValueError(f"unknown kind {kind!r}")
            tape.append((x, z))
            x = activations.forward(spec.get("activation", "linear"), z, **spec.get("constants", {}))
        return x, tape

    def forward(self, x, training=False):
        return self._run(np.asarray(x, np.float64), training)[0]

    def _back(self, tape, gradient, training, from_sum):
        """(dx, {parameter: gradient}) from dL/d(output), or from dL/d(last sum) if from_sum."""
        grads = {}
        for spec, (x, z) in zip(reversed(self.specs), reversed(tape), strict=True):
            if not from_sum:
                gradient = activations.backward(
                    spec.get("activation", "linear"), z, gradient, **spec.get("constants", {})
                )
            from_sum = False
            kind = spec["kind"]
            if kind == "dense":
                gradient, dweight, dbias = layers.dense_backward(x, spec["weight"], gradient)
                grads[f"{spec['name']}.weight"] = dweight
                if spec.get("bias") is not None:
                    grads[f"{spec['name']}.bias"] = dbias
            elif kind == "dropout" and training:
                gradient = layers.dropout_backward(spec["mask"], spec["rate"], gradient)
            elif kind == "rescale":
                gradient = layers.rescale_backward(spec["scale"], gradient)
            elif kind == "normalize":
                gradient = layers.normalize_backward(x, spec["std"], gradient, spec.get("fill"))
            elif kind == "one_hot":
                gradient = np.zeros(x.shape)
            elif kind in ("flatten", "reshape"):
                gradient = gradient.reshape(x.shape)
        return gradient, {name: grads[name] for name in self.parameters}

    def backward(self, x, dy, training=False):
        """(dx, {parameter: gradient}) from dL/d(output), without penalties."""
        tape = self._run(np.asarray(x, np.float64), training)[1]
        return self._back(tape, np.asarray(dy, np.float64), training, from_sum=False)

    def _loss(self, x, y, loss, sample_weight, training, params):
        """(loss, dloss/d(output or last sum), tape, from_sum)."""
        output, tape = self._run(np.asarray(x, np.float64), training)
        from_sum = loss in FROM_LOGITS
        if from_sum and self.output not in (FROM_LOGITS[loss], "linear"):
            raise ValueError(f"{loss} needs logits or {FROM_LOGITS[loss]}, not {self.output}")
        function = LOSSES[loss] if isinstance(loss, str) else loss
        losses, gradients = function(y, tape[-1][1] if from_sum else output, **params)
        value, gradient = batch_loss(losses, gradients, sample_weight)
        return value, gradient, tape, from_sum

    def loss(self, x, y, loss="mse", sample_weight=None, training=False, **params) -> float:
        """The data term: sum(w l) / n."""
        return self._loss(x, y, loss, sample_weight, training, params)[0]

    def penalty(self) -> float:
        """The sum over layers of l1 sum |w| + l2/2 sum w^2; biases are not penalised."""
        total = 0.0
        for spec in self.specs:
            if spec["kind"] == "dense":
                w = spec["weight"]
                total += spec.get("l1", 0.0) * np.abs(w).sum() + spec.get("l2", 0.0) / 2 * (w * w).sum()
        return total

    def gradients(self, x, y, loss="mse", sample_weight=None, training=False, **params):
        """(the data term, {parameter: gradient of data term + penalty})."""
        value, gradient, tape, from_sum = self._loss(x, y, loss, sample_weight, training, params)
        grads = self._back(tape, gradient, training, from_sum)[1]
        for spec in self.specs:
            if spec["kind"] == "dense":
                w = spec["weight"]
                grads[f"{spec['name']}.weight"] += spec.get("l1", 0.0) * np.sign(w) + spec.get("l2", 0.0) * w
        return value, grads

    def numerical_gradients(self, x, y, loss="mse", sample_weight=None, training=False, h=1e-6, **params):
        """The same by central differences of data term + penalty."""

        def objective():
            return self.loss(x, y, loss, sample_weight, training, **params) + self.penalty()

        return {name: central_difference(objective, p, h) for name, p in self.parameters.items()}

    def constrain(self):
        """max_norm: each row of a weight (one unit's incoming weights) longer than the limit is cut to it."""
        for spec in self.specs:
            if spec.get("max_norm") is not None:
                norms = np.sqrt((spec["weight"] ** 2).sum(axis=1, keepdims=True))
                spec["weight"] *= np.where(norms > spec["max_norm"], spec["max_norm"] / np.maximum(norms, 1e-300), 1.0)

    def step(self, optimizer, x, y, loss="mse", sample_weight=None, epoch=0.0, **params) -> float:
        """One step on one batch; the data term before it."""
        if isinstance(optimizer, LBFGS):
            values = []

            def closure():
                value, grads = self.gradients(x, y, loss, sample_weight, True, **params)
                values.append(value)
                return value + self.penalty(), list(grads.values())

            optimizer.step(closure, list(self.parameters.values()))
            value = values[0]
        else:
            value, grads = self.gradients(x, y, loss, sample_weight, True, **params)
            optimizer.step(list(self.parameters.values()), list(grads.values()), epoch)
        self.constrain()
        return value

    def fit(self, x, y, optimizer, batches, loss="mse", sample_weight=None, **params) -> list[float]:
        """Train on `batches`: for each epoch, the list of index arrays. The mean data term of each epoch, as trained.

        Weights are used as given. A schedule sees epoch + batch / batches.
        """
        x, y = np.asarray(x), np.asarray(y)
        w = None if sample_weight is None else np.asarray(sample_weight, np.float64)
        history = []
        for epoch, order in enumerate(batches):
            total = rows = 0
            for number, index in enumerate(order):
                at = epoch + number / len(order)
                value = self.step(optimizer, x[index], y[index], loss, None if w is None else w[index], at, **params)
                total += value * len(index)
                rows += len(index)
            history.append(total / rows)
        return history


def in_order(n, batch_size, epochs=1):
    """Batches of consecutive rows, the short last one kept."""
    return [[np.arange(i, min(i + batch_size, n)) for i in range(0, n, batch_size)]] * epochs


def central_difference(f, array, h=1e-6):
    """df/darray, f() reading the array, which is changed in place and put back: (f(a + h) - f(a - h)) / 2h."""
    gradient = np.zeros(array.shape)
    for i in np.ndindex(array.shape):
        value = array[i]
        array[i] = value + h
        above = f()
        array[i] = value - h
        below = f()
        array[i] = value
        gradient[i] = (above - below) / (2 * h)
    return gradient


def relative_error(a, n) -> float:
    """The worst |a - n| / max(|a|, |n|, 1e-4 max|n|) of a block (API.md, `check_gradients`)."""
    scale = np.maximum(np.maximum(np.abs(a), np.abs(n)), 1e-4 * max(np.abs(n).max(), 1e-300))
    return float((np.abs(a - n) / scale).max())
