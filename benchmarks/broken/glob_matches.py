"""Guard: file name patterns."""


def glob_matches(pattern, name):
    if not pattern:
        return not name
    if pattern[0] == "*":
        return glob_matches(pattern[1:], name) or (bool(name) and glob_matches(pattern, name[1:]))
    return bool(name) and pattern[0] in ("?", name[0]) and glob_matches(pattern[1:], name[1:])


# What follows is no part of the program.

ENTRY = "glob_matches"
CORRECT = 'return bool(name) and pattern[0] in ("?", name[0])'
BROKEN = 'return pattern[0] in ("?", name[0])'
GIVEN = [
    (("", ""), True),
    (("a", "a"), True),
    (("a", "b"), False),
    (("*", "abc"), True),
    (("a?c", "abc"), True),
    (("ab", "a"), False),
    (("*.py", "x.py"), True),
    (("*.py", "x.c"), False),
]
HELD_OUT = [
    (("?", ""), False),
    (("a*b*", "aXbY"), True),
    (("a", ""), False),
    (("??", "a"), False),
    (("**", ""), True),
]


def draw(rng):
    pattern = "".join(rng.choice("ab?*") for _ in range(rng.randint(0, 5)))
    return pattern, "".join(rng.choice("ab") for _ in range(rng.randint(0, 5)))
