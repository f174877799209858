"""Safetensors files: written without copies, and read whatever may have happened to them.

The library reads a file through a memory map, and where another host replaces that over NFS, the process
ends. Its functions on bytes copy, and no other thread runs meanwhile: at 200 MB, for .3 to .7 s to write and
.5 s to read on two busy cores, in which the screen stands still; here, for less than .001 s. So a file is
read whole, and what its header says is checked here. Tests hold both ways to the library.

    bytes 0 to 7    length of the header, little-endian
    header          JSON: {"__metadata__": {name: text}, NAME: {"dtype", "shape", "data_offsets": [begin,
    end]}} data            the arrays, little-endian, at their offsets
"""

import contextlib
import hashlib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from tms_engine.errors import InputError
from tms_engine.files import open_file, physical_memory, reason

_DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip
_MOST_HEADER = 100_000_000  # as the library has it


class _Place(NamedTuple):
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    begin: int  # in the file
    end: int


def tensor_pieces(arrays: dict[str, np.ndarray], metadata: dict[str, str]) -> list[bytes | memoryview]:
    """A safetensors file, as pieces to write one after the other; those of arrays share their memory.

    The arrays are of the types in the table above, and are aligned as the library aligns them.
    """
    names = {np.dtype(code): name for name, code in _DTYPES.items()}
    header: dict[str, Any] = {"__metadata__": metadata}
    data: list[bytes | memoryview] = []
    begin = 0
    for name, array in sorted(arrays.items(), key=lambda item: (-item[1].itemsize, item[0])):
        end = begin + array.nbytes
        header[name] = {"dtype": names[array.dtype], "shape": array.shape, "data_offsets": (begin, end)}
        if array.nbytes:
            data.append(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        begin = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return [len(text).to_bytes(8, "little") + text, *data]


def read_tensors(path: Path, sha256: str = "") -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Arrays and metadata of a file; the arrays may be written to.

    Raises InputError, naming the file, where it cannot be read, is no safetensors file, or, if a hash is
    given, does not have it.
    """
    with _one_sentence(path), open_file(path) as (file, size):
        metadata, places = _header(file, size)
        if size > physical_memory():
            raise MemoryError
        content = bytearray(size)
        file.seek(0)
        if file.readinto(content) != size:
            raise ValueError("it has been cut off")
        if sha256 and hashlib.sha256(content).hexdigest() != sha256:
            raise ValueError("it is not the one that was saved with the state")
        arrays = {
            name: np.frombuffer(content, place.dtype, math.prod(place.shape), place.begin).reshape(
                place.shape
            )
            for name, place in places.items()
        }
        # The library aligns the data; another writer may not, and compiled code would be compiled anew.
        return {name: a if a.flags.aligned else a.copy() for name, a in arrays.items()}, metadata


def read_few_tensors(path: Path, names: tuple[str, ...]) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The metadata of a file, and those of its arrays that are named; the others are not read.

    Raises InputError, naming the file, where it cannot be read, is no safetensors file or lacks one of them.
    """
    with _one_sentence(path), open_file(path) as (file, size):
        metadata, places = _header(file, size)
        arrays = {}
        for name in names:
            file.seek(places[name].begin)
            content = file.read(places[name].end - places[name].begin)
            arrays[name] = np.frombuffer(content, places[name].dtype).reshape(places[name].shape)
        return arrays, metadata


@contextlib.contextmanager
def _one_sentence(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(f"{path} is damaged or no safetensors file: {reason(error)}") from None
    except MemoryError:
        raise InputError(f"there is not enough memory to read {path}") from None


def _header(file: IO[bytes], size: int) -> tuple[dict[str, str], dict[str, _Place]]:
    """Metadata and arrays. Raises ValueError, TypeError, KeyError or RecursionError for what is no header."""
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or not 2 <= length <= min(size - 8, _MOST_HEADER):
        raise ValueError("it has no header")
    header = json.loads(file.read(length))
    if not isinstance(header, dict):
        raise ValueError("it has no header")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise ValueError("its metadata are no text")
    places = {name: _place(entry, 8 + length, size) for name, entry in header.items()}
    if sum(place.end - place.begin for place in places.values()) != size - 8 - length:
        raise ValueError("it has been cut off, or its header is damaged")
    return metadata, places


def _place(entry: Any, start: int, size: int) -> _Place:
    begin, end = entry["data_offsets"]
    shape, dtype = entry["shape"], entry["dtype"]
    if dtype not in _DTYPES:
        raise ValueError(f"it holds numbers of a type that is not used here, {str(dtype)[:20]}")
    numbers = [begin, end, *shape]
    if len(shape) > 32 or any(type(number) is not int or not 0 <= number < 2**62 for number in numbers):
        raise ValueError("its header is damaged")
    place = _Place(np.dtype(_DTYPES[dtype]), tuple(shape), start + begin, start + end)
    if place.end > size or end - begin != math.prod(shape) * place.dtype.itemsize:
        raise ValueError("its header is damaged")
    return place
