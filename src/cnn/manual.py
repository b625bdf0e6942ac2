"""For a loss or a loop of one's own: forward, backward, step."""

from typing import Any

import numpy as np

from . import optimizers as optimizers_module
from .arrays import by_output
from .training import Training


class Manual(Training):
    """The parts of a training step."""

    def forward(self, X: Any, training: bool = False) -> Any:
        """The outputs for X; what `backward` needs is kept.

        Parameters
        ----------
        X : array-like (n, *input_shape)
        training : bool, default False
            Whether dropout and noise are at work.
        """
        arrays = self._input_arrays(X)
        if not len(arrays[0]):
            raise ValueError("X has no rows")
        before = self._choices()
        try:
            self._input_gradients = True
            if self._optimizer is None:
                self._choose(None, None, None)
            return self._one_or_list(self._ready_trainer(len(arrays[0])).forward(arrays, training))
        except BaseException:
            self._restore(before)
            raise

    def backward(self, dL_dy: Any, accumulate: bool = False) -> Any:
        """The gradients of the last `forward`: of the parameters in ``net.grads``, and of X, which is returned.

        Parameters
        ----------
        dL_dy : array-like like the output
            dL/d(output); a list for several outputs.
        accumulate : bool, default False
            Add to the gradients that are there.
        """
        if self._trainer is None or not self._input_gradients:
            raise RuntimeError("backward was called before forward")
        names = self._ends[2]
        given = [dL_dy] if len(names) == 1 else by_output(dL_dy, names, "dL_dy")
        found = self._trainer.backward([np.asarray(g, self.dtype) for g in given], accumulate)
        return self._one_or_list(found)

    @property
    def grads(self) -> dict[str, np.ndarray]:
        """Name to a copy of the gradient, as the last `backward` or step left it."""
        return {} if self._trainer is None else self._gradients_of(self._trainer)

    def step(self, optimizer: Any = None) -> None:
        """The optimizer's update, from ``net.grads``.

        Parameters
        ----------
        optimizer : str or Optimizer, optional
            None and the same object go on with the current one; a name or a new object begins afresh.
        """
        trainer = self._trainer
        if trainer is None:
            raise RuntimeError("step was called before backward")
        made = None if optimizer is None else optimizers_module.resolve(optimizer)
        if made is not None and made is not self._optimizer:
            if made.kind == "lbfgs":
                raise ValueError("LBFGS evaluates the loss itself: use it in fit")
            options = made._options()
            # By way of another kind, since one of the same kind would keep its state; the gradients stay.
            trainer.set_optimizer("adam" if made.kind == "sgd" else "sgd", {})
            trainer.set_optimizer(made.kind, {"lr": made.rate, **options})
            self._optimizer, self._optimizer_epoch = made, self._epochs
            self._trainer_key = (self._trainer_key[0], options)
        assert self._optimizer is not None
        if not callable(self._optimizer.lr):
            trainer.lr = self._optimizer.lr
        trainer.apply()
