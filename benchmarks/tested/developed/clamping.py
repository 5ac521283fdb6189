"""Numbers kept within bounds."""


def clamp(x, low, high):
    if x < low:
        return low
    if x > high:
        return high
    return x


def wrapped(x: int, size: int) -> int:
    """Into 0 .. size - 1, as an index of a ring."""
    if size <= 0:
        raise ValueError("a ring has a size")
    return x % size


def share(part: float, whole: float) -> float:
    """In percent, at most 100; of nothing, nothing."""
    if whole == 0:
        return 0.0
    return min(100.0, 100.0 * part / whole)
