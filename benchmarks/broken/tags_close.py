"""Constant to expression: opening and closing tags."""


def tags_close(tags):
    open_tags = []
    for tag in tags:
        if not tag.startswith("/"):
            open_tags.append(tag)
        elif not open_tags or open_tags.pop() != tag[1:]:
            return False
    return not open_tags


# What follows is no part of the program.

ENTRY = "tags_close"
CORRECT = "return not open_tags"
BROKEN = "return True"
GIVEN = [
    (([],), True),
    ((["b", "/b"],), True),
    ((["b"],), False),
    ((["b", "i", "/i", "/b"],), True),
    ((["b", "i", "/b", "/i"],), False),
    ((["/b"],), False),
]
HELD_OUT = [
    ((["p", "b", "/b"],), False),
    ((["p", "/p", "p", "/p"],), True),
    ((["p", "/p", "/p"],), False),
    ((["p", "/p", "p"],), False),
]


def draw(rng):
    return ([rng.choice(["b", "/b", "i", "/i"]) for _ in range(rng.choice([0, 1, 2, 2, 4]))],)
