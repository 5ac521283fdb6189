"""What an entry holds: arrays of fixed shapes, by name, kept side by side for all entries."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bloomery.core.errors import UserError

Arrays = dict[str, NDArray[Any]]
KINDS = ("float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool")


@dataclass(frozen=True)
class Field:
    """One array of an entry. What is shorter is padded by who adds it, with a field of its own as a mask."""

    shape: tuple[int, ...]
    dtype: str = "float32"

    def __post_init__(self) -> None:
        if self.dtype not in KINDS:
            raise UserError(f"a field's type is one of {', '.join(KINDS)}; got '{self.dtype}'")


class Contents:
    """Room for the arrays of `capacity` entries; memory is taken as it is filled."""

    def __init__(self, fields: Mapping[str, Field], capacity: int) -> None:
        if not fields:
            raise UserError("an entry holds at least one field, such as 'trajectory'; none was named")
        self.fields = {name: fields[name] for name in sorted(fields)}
        self._forms = [(name, np.dtype(field.dtype), field.shape) for name, field in self.fields.items()]
        self.arrays = {name: np.zeros((capacity, *f.shape), f.dtype) for name, f in self.fields.items()}

    def checked(self, content: Mapping[str, Any], *, rows: int | None = None) -> Arrays:
        """The arrays as they will be kept, of one entry or of `rows`.

        Raises: UserError for other names, shapes or kinds of numbers, and for nan and infinity.
        """
        if content.keys() != self.fields.keys():
            raise UserError(f"an entry holds the fields {sorted(self.fields)}; got {sorted(content)}")
        lead = () if rows is None else (rows,)
        return {name: _checked(name, content[name], kind, lead + shape) for name, kind, shape in self._forms}

    def put(self, slot: int, arrays: Arrays) -> None:
        for name, array in self.arrays.items():
            array[slot] = arrays[name]

    def take(self, slots: Any) -> Arrays:
        """Copies. Shapes: (B,) -> (B, ...) each"""
        if isinstance(slots, slice):
            return {name: array[slots].copy() for name, array in self.arrays.items()}
        return {name: array[slots] for name, array in self.arrays.items()}


def digest(task: int, arrays: Arrays) -> bytes:
    """A name for the content of an entry of a task, fields in order: 16 bytes, as good as never shared."""
    hashed = hashlib.blake2b(task.to_bytes(8, "little"), digest_size=16)
    for array in arrays.values():
        hashed.update(array.tobytes())
    return hashed.digest()


def _checked(name: str, value: Any, kind: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    array = np.asarray(value)
    if array.dtype is not kind and array.dtype != kind:
        array = _converted(name, array, kind)
    if array.shape != shape:
        raise UserError(f"the field '{name}' has shape {shape}; got {array.shape}")
    if kind.kind == "f" and not np.isfinite(array).all():
        raise UserError(f"the field '{name}' holds nan or infinity; every number must be finite")
    return array


def _converted(name: str, array: NDArray[Any], kind: np.dtype[Any]) -> NDArray[Any]:
    if not np.can_cast(array.dtype, kind, casting="same_kind"):
        raise UserError(f"the field '{name}' holds {kind}; got {array.dtype}")
    with np.errstate(over="ignore"):  # told as infinity
        return array.astype(kind)
