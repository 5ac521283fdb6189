"""A tensor as a scheme writes it down: symbols, and the few numbers that give them their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

# Each scheme's fields in the order of the container; a scheme's place in this table is its number there.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "float32": ("values",),
    "float16": ("values",),
    "ternary": ("trits", "scale"),
    "rows": ("levels", "scale"),
    "kmeans": ("indices", "codebook"),
    "blockfloat": ("mantissas", "exponents", "block", "offset"),
    "seedlm": ("seeds", "coefficients", "exponents", "sizes", "offset"),
    "vptq": ("indices", "codebook", "residual_indices", "residual_codebook", "scales", "length"),
    "hyper": ("indices", "classes", "nodes", "scale", "centre"),
}  # fmt: skip
DTYPES = tuple(np.dtype(name) for name in ("<u1", "<u2", "<u4", "<i1", "<i2", "<i4", "<f2", "<f4"))
MAX_ALPHABET = 2**31


@dataclass(frozen=True, eq=False)
class Symbols:
    """Small non-negative integers below `alphabet`, which the container entropy-codes.

    Raises: ValueError for a symbol that is not in the alphabet.
    """

    values: np.ndarray
    alphabet: int

    def __post_init__(self) -> None:
        if not 1 <= self.alphabet <= MAX_ALPHABET:
            raise ValueError(f"expected an alphabet of 1 to {MAX_ALPHABET} symbols, got {self.alphabet}")
        values = np.asarray(self.values).reshape(-1)
        if values.size and (values.min() < 0 or values.max() >= self.alphabet):
            raise ValueError(f"symbols {values.min()} to {values.max()} are not below {self.alphabet}")
        object.__setattr__(self, "values", values.astype(np.min_scalar_type(self.alphabet - 1)))

    def __len__(self) -> int:
        return len(self.values)


Field = np.ndarray | Symbols


@dataclass(frozen=True, eq=False)
class Coded:
    """One tensor of this shape, written by this scheme; arrays among the fields are flat and little-endian.

    Raises: ValueError for an unknown scheme, other fields than its own, a dtype that the container lacks.
    """

    scheme: str
    shape: tuple[int, ...]
    fields: Mapping[str, Field]

    def __post_init__(self) -> None:
        if self.scheme not in FIELDS:
            raise ValueError(f"unknown scheme '{self.scheme}'; known: {', '.join(FIELDS)}")
        if set(self.fields) != set(FIELDS[self.scheme]):
            raise ValueError(f"{self.scheme} has the fields {FIELDS[self.scheme]}, got {tuple(self.fields)}")
        ordered = {name: flat(self.fields[name]) for name in FIELDS[self.scheme]}
        object.__setattr__(self, "fields", ordered)
        object.__setattr__(self, "shape", tuple(int(size) for size in self.shape))

    @property
    def numel(self) -> int:
        return prod(self.shape)

    def array(self, name: str, size: int | None = None) -> np.ndarray:
        """The numbers of a plain field.

        Raises: ValueError where it holds symbols, or other than `size` numbers.
        """
        field = self.fields[name]
        if not isinstance(field, np.ndarray):
            raise ValueError(f"{self.scheme}: '{name}' should hold numbers, it holds symbols")
        self._expect(name, len(field), size)
        return field

    def symbols(self, name: str, size: int | None = None) -> Symbols:
        """The symbols of a field.

        Raises: ValueError where it holds numbers, or other than `size` symbols.
        """
        field = self.fields[name]
        if not isinstance(field, Symbols):
            raise ValueError(f"{self.scheme}: '{name}' should hold symbols, it holds numbers")
        self._expect(name, len(field), size)
        return field

    def _expect(self, name: str, found: int, size: int | None) -> None:
        if size is not None and found != size:
            raise ValueError(
                f"{self.scheme} of shape {self.shape}: '{name}' should hold {size}, holds {found}"
            )


def flat(field: Field) -> Field:
    if isinstance(field, Symbols):
        return field
    array = np.ascontiguousarray(field).reshape(-1)
    array = array.astype(array.dtype.newbyteorder("<"))
    if array.dtype not in DTYPES:
        raise ValueError(
            f"no place in the container for {array.dtype}; use one of {[d.name for d in DTYPES]}"
        )
    return array


def matrix_shape(shape: tuple[int, ...]) -> tuple[int, int]:
    """Rows and columns of a tensor as the schemes see it: leading dimensions together, the last one apart."""
    return (prod(shape[:-1]), shape[-1]) if shape else (1, 1)
