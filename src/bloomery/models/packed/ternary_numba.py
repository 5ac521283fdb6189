"""The ternary product by numba, where it is installed and no C compiler is."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from .compiled import Unavailable


@cache
def compiled_product() -> Callable[[np.ndarray, np.ndarray, np.ndarray], None]:
    """Compiled at its first call, which takes seconds.

    Raises: Unavailable where numba is missing or does not fit this NumPy.
    """
    try:
        numba: Any = importlib.import_module("numba")
    except ImportError as error:
        raise Unavailable(f"numba: {error}") from error
    return numba.njit(nogil=True)(_product)


def _product(planes: np.ndarray, packed: np.ndarray, out: np.ndarray) -> None:
    """Shapes: planes (N, 4, ceil(K / 4)) int8, packed (M, ceil(K / 4)) uint8, out (N, M) int32.

    Codes are trit + 1, so each sum of code x is less the sum of x.
    """
    for t in range(planes.shape[0]):
        less = np.int32(0)
        for i in range(4):
            for j in range(planes.shape[2]):
                less += np.int32(planes[t, i, j])
        a, b, c, d = planes[t, 0], planes[t, 1], planes[t, 2], planes[t, 3]
        for m in range(packed.shape[0]):
            row, total = packed[m], np.int32(0)
            for j in range(row.shape[0]):
                low = np.int32(row[j] & 3) * np.int32(a[j]) + np.int32(row[j] >> 2 & 3) * np.int32(b[j])
                high = np.int32(row[j] >> 4 & 3) * np.int32(c[j]) + np.int32(row[j] >> 6) * np.int32(d[j])
                total += np.int32(low + high)
            out[t, m] = total - less
