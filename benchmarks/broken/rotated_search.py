"""Variable: search in a sorted list that was rotated."""


def rotated_search(values, wanted):
    low, high = 0, len(values) - 1
    while low <= high:
        middle = (low + high) // 2
        if values[middle] == wanted:
            return middle
        if values[low] <= values[middle]:
            if values[low] <= wanted < values[middle]:
                high = middle - 1
            else:
                low = middle + 1
        elif values[middle] < wanted <= values[high]:
            low = middle + 1
        else:
            high = middle - 1
    return -1


# What follows is no part of the program.

ENTRY = "rotated_search"
CORRECT = "if values[low] <= values[middle]:"
BROKEN = "if values[low] <= values[high]:"
GIVEN = [
    (([], 3), -1),
    (([5], 5), 0),
    (([1, 3, 5, 7], 7), 3),
    (([4, 5, 6, 7, 0, 1, 2], 0), 4),
    (([4, 5, 6, 7, 0, 1, 2], 5), 1),
    (([4, 5, 6, 7, 0, 1, 2], 3), -1),
    (([6, 7, 1, 2, 3, 4], 6), 0),
]
HELD_OUT = [
    (([3, 1], 1), 1),
    (([3, 1], 3), 0),
    (([9, 1, 2, 3, 4, 5, 6, 7, 8], 9), 0),
    (([5, 6, 7, 8, 9, 1, 2], 6), 1),
    (([2, 3, 4, 5, 1], 2), 0),
]


def draw(rng):
    values = sorted(rng.sample(range(30), rng.randint(0, 9)))
    turn = rng.randint(0, len(values))
    return values[turn:] + values[:turn], rng.randint(0, 29)
