"""Copies and pickles: the network as it lies in a file, and what a file does not hold."""

from typing import TYPE_CHECKING, Any

from .base import NetworkBase

if TYPE_CHECKING:
    from typing import Self


class Persistence(NetworkBase):
    """`copy`, the copy module, pickle."""

    def copy(self) -> "Self":
        """An independent network with the same values, choices and optimizer state."""
        other = type(self).__new__(type(self))
        other._begin()
        other._clone_from(self, None)
        other._take_state(self._state())
        return other

    def __copy__(self) -> "Self":
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> "Self":
        return self.copy()

    def _state(self) -> dict[str, Any]:
        """What the compiled part does not hold."""
        from copy import copy, deepcopy

        return {
            "loss": copy(self.loss),
            "metrics": copy(self.metrics),
            "history": deepcopy(self.history),
            "classes": deepcopy(self.classes),
            "metadata": dict(self.metadata),
            "preprocessing": deepcopy(self.preprocessing),
            "_optimizer": copy(self._optimizer),
            "_optimizer_epoch": self._optimizer_epoch,
            "_epochs": self._epochs,
            "_pending": self._pending if self._trainer is None else self._trainer.state(),
            "_functions": self._functions,
        }

    def _take_state(self, state: dict[str, Any]) -> None:
        functions = state.pop("_functions")
        vars(self).update(state)
        if functions:
            self._set_functions(functions)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_from_bytes, (type(self), self._save_bytes(None), self._state()))


def _from_bytes(kind: type[Persistence], data: bytes, state: dict[str, Any]) -> Persistence:
    network = kind.__new__(kind)
    network._begin()
    network._open_bytes(data)
    network._take_state(state)
    return network
