"""Learning rates that change with the epoch: ``optimizers.Adam(schedules.Cosine(1e-3, epochs=20))``.

Each is a function of the epoch, a float: 3.5 is half way through the fourth. So may be any ``f(epoch) -> lr`` of one's own.
"""

from typing import Any

from . import _core
from .checks import number
from .names import Spelled

__all__ = ["Cosine", "Exponential", "OneCycle", "Schedule", "Step", "Warmup"]


class Schedule(Spelled):
    """What all schedules have: ``schedule(epoch) -> lr``."""

    kind = "constant"
    lr: float
    _constants: tuple[float, ...] = ()
    _warmup: float = 0.0

    def __call__(self, epoch: float) -> float:
        return float(_core.schedule_at(self._spec(), float(epoch)))

    def _spec(self) -> tuple[Any, ...]:
        """What the engine takes: (kind, lr, constants, warm-up epochs)."""
        return (self.kind, self.lr, self._constants, self._warmup)

    def _config(self) -> dict[str, Any]:
        """Constructor arguments, for files and `repr`."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self._config().items())})"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]


class Step(Schedule):
    """``lr * factor ** floor(epoch / every)`` (torch's StepLR)."""

    kind = "step"

    def __init__(self, lr: float, every: float, factor: float = 0.1) -> None:
        self.lr = number("lr", lr, 0)
        self.every = number("every", every, 0, above=True)
        self.factor = number("factor", factor, 0, above=True)
        self._constants = (self.every, self.factor)


class Exponential(Schedule):
    """``lr * decay ** epoch``: `decay` is the factor of one epoch (torch's ExponentialLR)."""

    kind = "exponential"

    def __init__(self, lr: float, decay: float) -> None:
        self.lr = number("lr", lr, 0)
        self.decay = number("decay", decay, 0, above=True)
        self._constants = (self.decay,)


class Cosine(Schedule):
    """Half a cosine from `lr` to `final` over `epochs`, then `final` (torch's CosineAnnealingLR without its rise)."""

    kind = "cosine"

    def __init__(self, lr: float, epochs: float, final: float = 0.0) -> None:
        self.lr = number("lr", lr, 0)
        self.epochs = number("epochs", epochs, 0, above=True)
        self.final = number("final", final, 0)
        self._constants = (self.epochs, self.final)


class OneCycle(Schedule):
    """Up to `peak` over the share `warmup` of `epochs`, then down, both along half a cosine (Smith & Topin 2018).

    It starts at ``peak / start_factor`` and ends at ``peak / start_factor / final_factor`` (torch's OneCycleLR, the rate only).
    """

    kind = "one_cycle"

    def __init__(
        self, peak: float, epochs: float, warmup: float = 0.3, start_factor: float = 25.0, final_factor: float = 1e4
    ) -> None:
        self.peak = number("peak", peak, 0)
        self.epochs = number("epochs", epochs, 0, above=True)
        self.warmup = number("warmup", warmup, 0, 1, above=True)
        self.start_factor = number("start_factor", start_factor, 0, above=True)
        self.final_factor = number("final_factor", final_factor, 0, above=True)
        self._constants = (self.epochs, 1 / self.start_factor, self.warmup, 1 / self.final_factor)

    @property
    def lr(self) -> float:  # type: ignore[override]
        """The peak."""
        return self.peak


class Warmup(Schedule):
    """A rate or another schedule, times ``min(1, epoch / epochs)``; the schedule sees the same epoch."""

    def __init__(self, schedule: Any, epochs: float) -> None:
        if isinstance(schedule, Warmup):
            raise ValueError("Warmup of a Warmup: give it the schedule itself")
        if not callable(schedule):
            schedule = number("schedule", schedule, 0)
        self.schedule = schedule
        self.epochs = number("epochs", epochs, 0, above=True)

    def __call__(self, epoch: float) -> float:
        if isinstance(self.schedule, float | Schedule):
            return super().__call__(epoch)
        return float(self.schedule(epoch)) * min(1.0, epoch / self.epochs)

    def _spec(self) -> tuple[Any, ...]:
        if isinstance(self.schedule, Schedule):
            return (*self.schedule._spec()[:3], self.epochs)
        if callable(self.schedule):
            return (self, self(0.0))
        return ("constant", self.schedule, (), self.epochs)


def spec_of(lr: Any) -> tuple[Any, ...] | None:
    """What the engine takes for an optimizer's `lr`; None for a plain number."""
    if isinstance(lr, Schedule):
        return lr._spec()
    return (lr, float(lr(0.0))) if callable(lr) else None


def to_json(lr: Any) -> Any:
    """A number or a schedule as JSON; a function of one's own cannot be saved: its rate at epoch 0 is."""
    if isinstance(lr, Schedule):
        config = {name: to_json(value) for name, value in lr._config().items()}
        return {"kind": type(lr).__name__, **config}
    return float(lr(0.0)) if callable(lr) else lr


def from_json(data: Any) -> Any:
    if isinstance(data, dict):
        config = {name: from_json(value) for name, value in data.items() if name != "kind"}
        return {c.__name__: c for c in (Step, Exponential, Cosine, OneCycle, Warmup)}[data["kind"]](**config)
    return data
