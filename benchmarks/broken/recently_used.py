"""Attribute: a cache that forgets what was used least recently."""


class Recent:
    def __init__(self, most):
        self.most = most
        self.values = {}
        self.order = []

    def put(self, key, value):
        if key in self.values:
            self.order.remove(key)
        elif len(self.values) >= self.most:
            del self.values[self.order.pop(0)]
        self.values[key] = value
        self.order.append(key)

    def get(self, key):
        if key not in self.values:
            return None
        self.order.remove(key)
        self.order.append(key)
        return self.values[key]


# What follows is no part of the program.


def drive(most, moves):
    recent = Recent(most)
    said = [recent.get(key) if value is None else recent.put(key, value) for key, value in moves]
    return said, sorted(recent.values), recent.order


ENTRY = "drive"
CORRECT = "        self.order.remove(key)\n        self.order.append(key)\n        return"
BROKEN = "        self.order.remove(key)\n        return"
GIVEN = [
    (
        (2, [("a", 1), ("b", 2), ("a", None), ("c", 3), ("b", None), ("a", None)]),
        ([None, None, 1, None, None, 1], ["a", "c"], ["c", "a"]),
    ),
    ((1, [("a", 1), ("b", 2), ("a", None)]), ([None, None, None], ["b"], ["b"])),
    ((2, [("x", None)]), ([None], [], [])),
    ((3, [("a", 1), ("a", 2), ("a", None), ("a", None)]), ([None, None, 2, 2], ["a"], ["a"])),
]
HELD_OUT = [
    (
        (2, [("a", 1), ("b", 2), ("b", None), ("a", None), ("c", 3), ("b", None)]),
        ([None, None, 2, 1, None, None], ["a", "c"], ["a", "c"]),
    ),
    (
        (2, [("a", 1), ("a", None), ("b", 2), ("c", 3), ("c", None), ("a", None)]),
        ([None, 1, None, None, 3, None], ["b", "c"], ["b", "c"]),
    ),
]


def draw(rng):
    moves = [(rng.choice("abcd"), rng.choice([None, rng.randint(1, 9)])) for _ in range(rng.randint(0, 12))]
    return rng.randint(1, 3), moves
