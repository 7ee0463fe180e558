"""Reading the arrays of a file that PyTorch saved, without PyTorch and without running its code.

Such a file is made of pickles [1]_, and a pickle may call any function there is. This one may name
five things, each of which stands for something harmless here; anything else is an error.

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
        If it is no such file, or it is damaged.
    pickle.UnpicklingError
        Where it holds anything but arrays.
    """
    with path.open("rb") as file:
        header = [_Unpickler(file).load() for _ in range(2)]
        if header != [_MAGIC, _PROTOCOL]:
            raise ValueError(f"{path.name} is not a file of PyTorch's older format")
        _Unpickler(file).load()  # What machine wrote it.
        unpickler = _Unpickler(file)
        arrays = unpickler.load()
        for key in _Unpickler(file).load():
            unpickler.storages[key].fill(file)
    return {name: array.read() for name, array in arrays.items()}


class _Storage:
    """The numbers that one or more arrays are made of."""

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
    """An array that is read once its storage is there."""

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
    """Makes arrays and ordered dictionaries, and nothing else."""

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
            raise pickle.UnpicklingError(f"{reference} is no storage")
        return self.storages.setdefault(key, _Storage(_DTYPES[storage], size))
