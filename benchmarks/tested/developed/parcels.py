"""Prices of parcels."""


def price(weight: int, express: bool = False) -> float:
    """In euros.

    >>> price(30)
    12.5
    """
    if weight <= 0:
        raise ValueError("a parcel weighs something")
    base = 5.0 if weight < 20 else 12.5
    return base * 2 if express else base


class Till:
    def __init__(self, limit=3):
        self.limit = limit
        self.sold = []

    def sell(self, weight: int) -> float:
        if len(self.sold) >= self.limit:
            raise OverflowError(self.limit)
        self.sold.append(weight)
        return price(weight)


def drain(parcels: list[int]) -> int:
    total = 0
    while parcels:
        total += parcels.pop()
    return total
