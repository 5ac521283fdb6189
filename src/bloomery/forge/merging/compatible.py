"""Whether models can be merged: the same tensors, of the same shapes."""

from collections.abc import Mapping, Sequence

from bloomery.core.errors import FormatRefused

Shapes = Mapping[str, tuple[int, ...]]
SHOWN = 3  # differences in a message


def check_same_tensors(models: Sequence[tuple[str, Shapes]]) -> None:
    """Every model (name, shapes) has the first one's tensors. Raises: FormatRefused naming what differs."""
    first, *others = models
    for other in others:
        if different := differences(first, other):
            more = f"; {len(different) - SHOWN} more" if len(different) > SHOWN else ""
            raise FormatRefused(
                f"{other[0]} and {first[0]} are of different architecture or vocabulary and do not merge: "
                + "; ".join(different[:SHOWN])
                + more
            )


def differences(one: tuple[str, Shapes], other: tuple[str, Shapes]) -> list[str]:
    """One phrase for each tensor that is missing from one of two models or has another shape there."""
    (a, shapes), (b, others) = one, other
    found = [f"{name} is missing from {b}" for name in shapes if name not in others]
    found += [f"{name} is missing from {a}" for name in others if name not in shapes]
    both = (name for name in shapes if name in others and shapes[name] != others[name])
    return found + [f"{name} is {shapes[name]} in {a} and {others[name]} in {b}" for name in both]
