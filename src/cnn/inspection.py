"""Looking into a network: activations, traces, gradient checks, summaries."""

from typing import Any, TextIO

import numpy as np

from .training import Training


class Inspection(Training):
    """What a network shows of itself."""

    def activations(self, X: Any) -> dict[str, np.ndarray]:
        """The output of every layer for X, after its activation; of a shared layer at its first use.

        Returns
        -------
        dict of str to array (n, ...)
        """
        layers = self.layers
        found = self._run(self._input_arrays(X), [layer._output for layer in layers], False, None)
        return {str(layer.name): value for layer, value in zip(layers, found, strict=True)}

    def check_gradients(self, X: Any, y: Any, *, loss: Any = None, max_per_block: int = 200) -> Any:
        """Compare backpropagation with differences, in a float64 copy, with masks (dropout, noise) held fixed.

        Parameters
        ----------
        X, y, loss
            As in `fit`; a few rows are enough.
        max_per_block : int, default 200
            Of larger parameters so many numbers, chosen by the seed, are compared.

        Returns
        -------
        GradientReport
            ``.max_relative_error``, ``.worst``, ``.kinks``; printable.
        """
        from .gradcheck import check

        return check(self, X, y, loss, max_per_block)

    def trace(self, x: Any, y: Any, loss: Any = None, lr: float = 0.1, *, file: TextIO | None = None) -> Any:
        """Print one step of backpropagation with its numbers: sums, outputs, every factor of the chain rule, new weights.

        Parameters
        ----------
        x : array-like of one sample
        y : its target
        loss : optional
            As in `fit`.
        lr : float, default 0.1
            Of plain gradient descent. The network itself is not changed.
        file : text file, default sys.stdout

        Returns
        -------
        Trace
            The numbers: ``.loss``, ``.layers`` (a dict for each), ``.new_parameters``.
        """
        from .trace import trace

        found = trace(self, x, y, loss, lr)
        print(found, file=file)
        return found

    def summary(self, file: TextIO | None = None) -> None:
        """Print a table of the layers: output shapes, parameters, notes; then totals, and the memory of a training step and a prediction.

        The memory is what the engine takes, with the threads in use, for the last fit's batch size and optimizer (else 32 rows and Adam),
        and for predictions of any number of rows. Packed weights are copies in the order of the kernels, kept from one prediction to the
        next.

        Parameters
        ----------
        file : text file, default sys.stdout
        """
        from .summary import text

        print(text(self), file=file)

    def _repr_html_(self) -> str:
        """`summary` in a notebook."""
        from .summary import html

        return html(self)
