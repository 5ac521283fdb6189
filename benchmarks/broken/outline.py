"""Method: headings numbered as in a document."""


def outline(levels):
    counters, numbers = [], []
    for level in levels:
        if level > len(counters):
            counters.extend([0] * (level - len(counters)))
        else:
            del counters[level:]
        counters[level - 1] += 1
        numbers.append(".".join(str(counter) for counter in counters))
    return numbers


# What follows is no part of the program.

ENTRY = "outline"
CORRECT = "counters.extend([0] * (level - len(counters)))"
BROKEN = "counters.append([0] * (level - len(counters)))"
GIVEN = [
    (([],), []),
    (([1],), ["1"]),
    (([1, 1, 1],), ["1", "2", "3"]),
    (([1, 2, 2, 1],), ["1", "1.1", "1.2", "2"]),
    (([1, 2, 3, 2, 1, 2],), ["1", "1.1", "1.1.1", "1.2", "2", "2.1"]),
]
HELD_OUT = [
    (([1, 3, 3],), ["1", "1.0.1", "1.0.2"]),
    (([2, 1],), ["0.1", "1"]),
    (([1, 2, 3, 3, 1],), ["1", "1.1", "1.1.1", "1.1.2", "2"]),
    (([3, 1, 3],), ["0.0.1", "1", "1.0.1"]),
]


def draw(rng):
    return ([rng.randint(1, 4) for _ in range(rng.randint(0, 7))],)
