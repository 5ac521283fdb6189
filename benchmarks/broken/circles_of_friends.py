"""Replaced target: friends of friends."""


class Circles:
    def __init__(self, size):
        self.parent = list(range(size))

    def find(self, one):
        while self.parent[one] != one:
            self.parent[one] = self.parent[self.parent[one]]
            one = self.parent[one]
        return one

    def join(self, one, other):
        root, other_root = self.find(one), self.find(other)
        if root == other_root:
            return False
        self.parent[other_root] = root
        return True


# What follows is no part of the program.


def drive(size, pairs):
    circles = Circles(size)
    said = [circles.join(one, other) for one, other in pairs]
    return said, len({circles.find(one) for one in range(size)})


ENTRY = "drive"
CORRECT = "self.parent[other_root] = root"
BROKEN = "self.parent[other] = root"
GIVEN = [
    ((1, []), ([], 1)),
    ((3, [(0, 1)]), ([True], 2)),
    ((3, [(0, 1), (1, 2), (0, 2)]), ([True, True, False], 1)),
    ((4, [(0, 1), (2, 3), (0, 3)]), ([True, True, True], 1)),
    ((5, [(0, 1), (2, 3), (3, 4), (1, 4), (0, 2)]), ([True, True, True, True, False], 1)),
]
HELD_OUT = [
    ((4, [(0, 1), (2, 3), (1, 3), (0, 2)]), ([True, True, True, False], 1)),
    ((6, [(5, 4), (3, 4), (0, 1), (1, 3), (0, 5)]), ([True, True, True, True, False], 2)),
    ((2, [(1, 1), (0, 1)]), ([False, True], 1)),
]


def draw(rng):
    size = rng.randint(1, 7)
    return size, [(rng.randrange(size), rng.randrange(size)) for _ in range(rng.randint(0, 9))]
