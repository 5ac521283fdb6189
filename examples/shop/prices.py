"""What baskets cost."""


def shared(left: list[str], right: list[str]) -> list[str]:
    """The articles of `left` that are in `right`, too, in their order."""
    found = []
    for article in left:
        if article in right:
            found.append(article)
    return found


def total(prices: list[int]) -> int:
    """The sum of all prices."""
    result = 0
    for price in prices:
        result = result + price
    return result
