"""An array that grows by rows, in memory as long as it is small."""

from typing import IO, Any

import numpy as np

SPILL = 1 << 28  # bytes; more than that goes to a file


class Rows:
    """Collects blocks of rows of one width and dtype; beyond 256 MB in a temporary file, which goes when the array is released."""

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self._shape, self._dtype = shape, np.dtype(dtype)
        self._blocks: list[np.ndarray] = []
        self._file: IO[bytes] | None = None
        self._bytes = self._rows = 0

    def add(self, block: np.ndarray) -> None:
        self._rows += len(block)
        self._bytes += block.nbytes
        if self._file is not None:
            self._file.write(block.tobytes())
            return
        self._blocks.append(block)
        if self._bytes > SPILL:
            import tempfile

            self._file = tempfile.TemporaryFile(prefix="cnn-", suffix=".rows")  # noqa: SIM115 (array() closes it)
            for one in self._blocks:
                self._file.write(one.tobytes())
            self._blocks.clear()

    def array(self) -> np.ndarray:
        """All rows; a memory map when there is a file."""
        shape = (self._rows, *self._shape)
        if self._file is not None:
            self._file.flush()
            with self._file as file:
                return np.memmap(file, self._dtype, mode="r+", shape=shape)
        if len(self._blocks) == 1:
            return self._blocks[0]
        whole = np.empty(shape, self._dtype)
        at = 0
        self._blocks.reverse()
        while self._blocks:  # let go one by one, so that there are never two of them all
            block = self._blocks.pop()
            whole[at : at + len(block)] = block
            at += len(block)
        return whole
