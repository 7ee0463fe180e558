"""Reading the arrays of a PyTorch file, without PyTorch and without running code from the file.

Such a file consists of pickles [1]_, and a pickle may call any function. Here it may name five
globals, each of which is mapped to something harmless; anything else is an error.

References
----------
.. [1] The format before PyTorch 1.6, ``torch.save(..., _use_new_zipfile_serialization=False)``
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

__all__ = ["read_arrays"]

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_DTYPES: dict[str, np.dtype[Any]] = {
    "FloatStorage": np.dtype("<f4"),
    "LongStorage": np.dtype("<i8"),
}


def read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a state dict by their names.

    Raises
    ------
    ValueError
        If it is not such a file, or it is damaged.
    pickle.UnpicklingError
        If it holds anything but arrays.
    """
    with path.open("rb") as file:
        header = [_Unpickler(file).load() for _ in range(2)]
        if header != [_MAGIC, _PROTOCOL]:
            raise ValueError(f"{path.name} is not a file in PyTorch's legacy format")
        _Unpickler(file).load()  # Information about the system that wrote it.
        unpickler = _Unpickler(file)
        arrays = unpickler.load()
        for key in _Unpickler(file).load():
            unpickler.storages[key].fill(file)
    return {name: array.read() for name, array in arrays.items()}


class _Storage:
    """The data of one or more arrays."""

    def __init__(self, dtype: np.dtype[Any], size: int) -> None:
        self._dtype = dtype
        self._size = size
        self.values: npt.NDArray[Any] = np.empty(0, dtype)

    def fill(self, file: IO[bytes]) -> None:
        size = int.from_bytes(file.read(8), "little")
        data = file.read(size * self._dtype.itemsize)
        if size != self._size or len(data) != size * self._dtype.itemsize:
            raise ValueError("the file ends too early")
        self.values = np.frombuffer(data, self._dtype)


class _Array:
    """An array that is read after its storage."""

    def __init__(
        self,
        storage: _Storage,
        offset: int,
        shape: tuple[int, ...],
        strides: tuple[int, ...],
        *rest: object,
    ) -> None:
        self._storage = storage
        self._offset = offset
        self._shape = shape
        self._strides = strides

    def read(self) -> npt.NDArray[Any]:
        values = self._storage.values[self._offset :]
        last = sum((side - 1) * step for side, step in zip(self._shape, self._strides, strict=True))
        if last >= max(len(values), 1):
            raise ValueError("an array is larger than its storage")
        strides = tuple(step * values.itemsize for step in self._strides)
        return np.lib.stride_tricks.as_strided(values, self._shape, strides).copy()


class _Unpickler(pickle.Unpickler):
    """Creates only arrays and ordered dictionaries."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Callable[..., Any] | str:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _Array
        if module == "torch" and name in _DTYPES:
            return name
        raise pickle.UnpicklingError(f"{module}.{name} is neither an array nor a part of one")

    def persistent_load(self, reference: Any) -> _Storage:
        kind, storage, key, _, size, view = reference
        if kind != "storage" or view is not None or storage not in _DTYPES:
            raise pickle.UnpicklingError(f"{reference} is not a storage")
        return self.storages.setdefault(key, _Storage(_DTYPES[storage], size))
