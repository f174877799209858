"""Arrays are numpy's on the CPU and torch's on every other device. Helpers for code that takes either.

The two share operators, indexing and most names, so the data laws and the models are written once, for the
array that they are given. On the CPU they are numpy's because torch takes over a second to import and is no
faster there.
"""

from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float32, Int64, Shaped

# A numpy array or a torch tensor: jaxtyping checks shape and dtype of either.
Array: TypeAlias = Any


def library_on(device: str) -> Any:
    """The library for arrays on a device: `library_on(d).empty(3, device=d)` makes one."""
    return np if device == "cpu" else _torch()


def library_of(array: Shaped[Array, "..."]) -> Any:
    """The library of an array, for functions that have the same name in both."""
    return np if isinstance(array, np.ndarray) else _torch()


def _torch() -> Any:
    import torch

    return torch


def placed_like(array: Shaped[Array, "..."], values: Shaped[np.ndarray, "*shape"]) -> Shaped[Array, "*shape"]:
    """Values from the host as an array of the same library, on the same device, as `array`."""
    if isinstance(array, np.ndarray):
        return values
    return library_of(array).tensor(values, device=array.device)


def single(values: Shaped[np.ndarray, "*shape"]) -> Float32[np.ndarray, "*shape"]:
    """Numbers in single precision: infinite where they are too large for it, without a warning."""
    with np.errstate(over="ignore"):
        return np.asarray(values, np.float32)


def different_rows(
    array: Shaped[np.ndarray, "rows ..."],
) -> tuple[Shaped[np.ndarray, "different ..."], Int64[np.ndarray, " rows"]]:
    """The rows that differ, in ascending order, and which of them each row is.

    np.unique with axis=0 finds the same, but of a million rows it keeps all other threads from running for
    two thirds of a second.
    """
    if not len(array) or (array == array[:1]).all():
        return array[:1], np.zeros(len(array), np.int64)
    columns = array.reshape(len(array), -1)
    order = np.lexsort(columns.T[::-1])
    is_new = np.append(True, (columns[order[1:]] != columns[order[:-1]]).any(1))
    which = np.empty(len(array), np.int64)
    which[order] = np.cumsum(is_new) - 1
    return array[order[is_new]], which


def places_of_each(which: Int64[np.ndarray, " rows"]) -> list[Int64[np.ndarray, " some"]]:
    """Where each of the numbers 0, 1, 2 … stands, all of which do."""
    order = np.argsort(which, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(which[order])) + 1)


def to_host(array: Shaped[Array, "*shape"]) -> Shaped[np.ndarray, "*shape"]:
    """An array as numpy's."""
    return array if isinstance(array, np.ndarray) else array.cpu().numpy()
