"""Plus a constant: keys pressed to correct a text."""


def typing_cost(old, new):
    row = list(range(len(new) + 1))
    for at, letter in enumerate(old, 1):
        diagonal, row[0] = row[0], at
        for place, other in enumerate(new, 1):
            above = row[place]
            if letter == other:
                row[place] = diagonal
            else:
                row[place] = min(above, row[place - 1]) + 1
            diagonal = above
    return row[-1]


# What follows is no part of the program.

ENTRY = "typing_cost"
CORRECT = "row[place] = min(above, row[place - 1]) + 1"
BROKEN = "row[place] = min(above, row[place - 1])"
GIVEN = [
    (("", ""), 0),
    (("abc", "abc"), 0),
    (("abc", ""), 3),
    (("cat", "cut"), 2),
    (("sunday", "monday"), 4),
    (("ab", "ba"), 2),
]
HELD_OUT = [
    (("", "xy"), 2),
    (("kitten", "sitting"), 5),
    (("aaaa", "a"), 3),
    (("flaw", "lawn"), 2),
]


def draw(rng):
    def word():
        return "".join(rng.choice("abc") for _ in range(rng.randint(0, 7)))

    return word(), word()
