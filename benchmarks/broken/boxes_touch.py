"""Attribute: boxes on a plane."""


class Box:
    def __init__(self, x, y, width, height):
        self.x, self.y = x, y
        self.width, self.height = width, height

    @property
    def right(self):
        return self.x + self.width

    @property
    def top(self):
        return self.y + self.height

    def touches(self, other):
        return self.x <= other.right and other.x <= self.right and self.y <= other.top and other.y <= self.top


# What follows is no part of the program.


def drive(one, other):
    return Box(*one).touches(Box(*other))


ENTRY = "drive"
CORRECT = "return self.y + self.height"
BROKEN = "return self.y + self.width"
GIVEN = [
    (((0, 0, 2, 2), (1, 1, 2, 2)), True),
    (((0, 0, 1, 1), (5, 0, 1, 1)), False),
    (((0, 0, 4, 1), (0, 3, 4, 1)), False),
    (((0, 0, 1, 4), (0, 3, 1, 1)), True),
    (((0, 0, 2, 2), (2, 2, 1, 1)), True),
]
HELD_OUT = [
    (((0, 0, 6, 2), (1, 3, 1, 1)), False),
    (((0, 0, 1, 9), (1, 8, 3, 1)), True),
    (((3, 3, 1, 1), (0, 0, 9, 2)), False),
]


def draw(rng):
    def box():
        return rng.randint(0, 6), rng.randint(0, 6), rng.randint(1, 6), rng.randint(1, 6)

    return box(), box()
