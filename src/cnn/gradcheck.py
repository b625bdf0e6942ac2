"""Backpropagation against differences."""

from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core, losses

if TYPE_CHECKING:
    from .inspection import Inspection

_STEPS = (2e-3, 2e-4, 2e-5)


class GradientReport:
    """What `Network.check_gradients` found.

    Attributes
    ----------
    max_relative_error : float
        The largest of ``|a - n| / max(|a|, |n|, 1e-4 max|g| of the block)``, a by backpropagation, n by differences.
    worst : str
        Where: ``"dense_1.weight[3, 1]"``.
    errors : dict of str to float
        The largest of each parameter.
    kinks : list of str
        Places where the loss has a corner, so that there is no derivative to compare; they are not counted.
    zero : list of str
        Parameters all of whose gradients are 0, but for rounding: nothing was shown for them.
    checked : int
        How many numbers were compared.
    """

    def __init__(self) -> None:
        self.max_relative_error = 0.0
        self.worst = ""
        self.errors: dict[str, float] = {}
        self.kinks: list[str] = []
        self.zero: list[str] = []
        self.checked = 0

    @property
    def ok(self) -> bool:
        """Whether something was compared, all errors are at most 1e-6, and every parameter has a gradient."""
        return self.checked > 0 and self.max_relative_error <= 1e-6 and not self.zero

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        lines = [
            f"{self.checked} gradients compared: maximal relative error {self.max_relative_error:.2e} at {self.worst or '-'}"
        ]
        lines += [f"  {name:<24} {error:.2e}" for name, error in self.errors.items()]
        if self.zero:
            lines.append(f"  no gradient at all: {', '.join(self.zero)}")
        if self.kinks:
            lines.append(f"  at a kink, not counted: {', '.join(self.kinks)}")
        return "\n".join(lines)


def check(network: "Inspection", X: Any, y: Any, loss: Any, max_per_block: int) -> GradientReport:
    """The report for a float64 copy of the network; see `Network.check_gradients`.

    The derivative is the four-point formula ``(8 (f(+h) - f(-h)) - (f(+2h) - f(-2h))) / 12h``, whose error is of the order h^4, with the
    best of three h: where a kink lies near, a smaller one helps; where rounding counts, a larger.
    """
    from .network import Network

    copy = Network.__new__(Network)
    copy._begin()
    copy._clone_from(network, "float64")
    copy._functions = network._functions
    copy.loss = network.loss
    trainer = _core.Trainer(
        copy, [losses.spec(one) for one in copy._resolve_losses(loss)], "sgd", {}, max(len(copy._input_arrays(X)[0]), 1)
    )
    data = copy._data(trainer, copy._input_arrays(X), y, None, None)

    def value() -> float:
        data_term, penalty = trainer.step(data, training=True, apply=False)
        return data_term + penalty

    value()
    gradients = copy._gradients_of(trainer)
    report = GradientReport()
    rng = np.random.default_rng(copy.seed)
    largest = max((float(np.abs(g).max()) for g in gradients.values()), default=0.0)
    for index, block in enumerate(copy._block_table):
        name = block["name"]
        if name not in gradients:
            continue
        w, g = copy._block(index).reshape(-1), gradients[name].reshape(-1)
        size = float(np.abs(g).max())
        if not size > 1e-13 * largest:  # nothing but rounding, as of a bias before a BatchNorm
            report.zero.append(name)
            size = largest
        floor = 1e-4 * size
        places = (
            np.arange(w.size) if w.size <= max_per_block else np.sort(rng.choice(w.size, max_per_block, replace=False))
        )
        worst = 0.0
        for j in places:
            error, kink = _compare(value, w, int(j), float(g[j]), floor)
            label = f"{name}[{', '.join(str(i) for i in np.unravel_index(j, tuple(block['shape'])))}]"
            if kink:
                report.kinks.append(label)
                continue
            report.checked += 1
            if error > worst:
                worst = error
            if error > report.max_relative_error or not report.worst:
                report.max_relative_error, report.worst = max(error, report.max_relative_error), label
        report.errors[name] = worst
    return report


def _compare(value: Any, w: np.ndarray, j: int, a: float, floor: float) -> tuple[float, bool]:
    """(relative error, whether there is a kink)."""
    kept = float(w[j])
    size = max(1.0, abs(kept))
    best = n = np.inf

    def at(x: float) -> float:
        w[j] = x
        return float(value())

    def gap(h: float) -> float:
        """How much the slopes to both sides differ: about h f'' where there is no corner."""
        return abs(at(kept + h) + at(kept - h) - 2 * here) / h

    if not np.isfinite(a):
        return np.inf, False
    try:
        for step in _STEPS:
            h = step * size
            f1, b1, f2, b2 = at(kept + h), at(kept - h), at(kept + 2 * h), at(kept - 2 * h)
            n = (8 * (f1 - b1) - (f2 - b2)) / (12 * h)
            scale = max(abs(a), abs(n), floor)
            best = min(best, abs(a - n) / scale if scale > 0 else 0.0)
            if best <= 1e-8:
                break
        if best > 1e-6:
            # Without a corner within 2h the gap of a tenth of that is a tenth; and a corner explains an error no larger than the gap.
            here = at(kept)
            far, near = gap(2 * h), gap(0.2 * h)
            if far > abs(a - n) / 2 and not 8 * near < far < 12.5 * near:
                return best, True
        return best, False
    finally:
        w[j] = kept
