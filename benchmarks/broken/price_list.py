"""Method: columns of text."""


def price_list(prices):
    if not prices:
        return []
    wide = max(len(name) for name in prices)
    digits = max(len(str(price)) for price in prices.values())
    return [name.ljust(wide) + " " + str(price).rjust(digits) for name, price in prices.items()]


# What follows is no part of the program.

ENTRY = "price_list"
CORRECT = "str(price).rjust(digits)"
BROKEN = "str(price).ljust(digits)"
GIVEN = [
    (({},), []),
    (({"tea": 3},), ["tea 3"]),
    (({"tea": 3, "milk": 12},), ["tea   3", "milk 12"]),
    (({"a": 100, "bc": 99},), ["a  100", "bc  99"]),
]
HELD_OUT = [
    (({"a": 1, "b": 10, "c": 100},), ["a   1", "b  10", "c 100"]),
    (({"salt": 7, "oil": 2},), ["salt 7", "oil  2"]),
    (({"x": 0, "yyyy": 12345},), ["x        0", "yyyy 12345"]),
]


def draw(rng):
    return (
        {name: rng.randint(0, 10 ** rng.randint(1, 4)) for name in ["a", "bcd", "ef"][: rng.randint(0, 3)]},
    )
