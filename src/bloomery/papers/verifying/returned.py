"""What a command brought: numbers under the name of the data that they were measured on, or nothing."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bloomery.core.errors import BloomeryError
from bloomery.papers.verifying.claim import Claim

Curve = tuple[tuple[float, float], ...]


class NothingMeasured(BloomeryError):
    """A claim cannot be measured here, or its command brought no number."""


@dataclass(frozen=True)
class Returned:
    """The numbers of one repeat."""

    value: float | None
    curve: Curve


def read_returned(claim: Claim, returned: Any) -> Returned:
    """The numbers in what one repeat brought: one number, or `value`, `curve` and `data` by name.

    Raises: NothingMeasured.
    """
    values = returned if isinstance(returned, Mapping) else {"value": returned}
    if strange := set(values) - {"value", "curve", "data"}:
        raise NothingMeasured(f"it brought {sorted(strange)}; expected a number, or value, curve and data")
    if "data" in values and sorted(values["data"]) != sorted(claim.data):
        took, wanted = ", ".join(values["data"]) or "none", ", ".join(claim.data) or "none"
        raise NothingMeasured(f"it was measured on other data ({took}) than the claim's ({wanted})")
    value = values.get("value")
    try:
        curve = tuple((_number(at), _number(there)) for at, there in values.get("curve") or ())
        number = None if value is None else _number(value)
    except (TypeError, ValueError) as error:
        raise NothingMeasured(f"it brought no number: {error}") from error
    if (claim.value is not None and number is None) or (claim.curve and not curve):
        raise NothingMeasured(f"it brought {sorted(values)}, the claim needs {_needed(claim)}")
    return Returned(number, curve)


def mean_curve(curves: Sequence[Curve]) -> Curve:
    """The mean over the repeats, at the points that all of them have."""
    tables = [dict(curve) for curve in curves]
    places = [at for at in (tables[0] if tables else {}) if all(at in table for table in tables)]
    return tuple((at, math.fsum(table[at] for table in tables) / len(tables)) for at in places)


def _number(value: Any) -> float:
    if isinstance(value, bool | str) or not math.isfinite(float(value)):
        raise ValueError(f"{value!r} is no finite number")
    return float(value)


def _needed(claim: Claim) -> str:
    return " and ".join(["a value"] * (claim.value is not None) + ["a curve"] * bool(claim.curve))
