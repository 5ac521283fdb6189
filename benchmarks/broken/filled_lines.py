"""Compared sum plus one: words set in lines."""


def filled_lines(words, width):
    lines, line, used = [], [], 0
    for word in words:
        if line and used + 1 + len(word) > width:
            lines.append(" ".join(line))
            line, used = [], 0
        used += len(word) + (1 if line else 0)
        line.append(word)
    if line:
        lines.append(" ".join(line))
    return lines


# What follows is no part of the program.

ENTRY = "filled_lines"
CORRECT = "if line and used + 1 + len(word) > width:"
BROKEN = "if line and used + len(word) > width:"
GIVEN = [
    (([], 5), []),
    ((["one"], 2), ["one"]),
    ((["to", "be", "or", "not"], 6), ["to be", "or not"]),
    ((["a", "b", "c"], 2), ["a", "b", "c"]),
    ((["hello", "world"], 11), ["hello world"]),
    ((["in", "the", "end"], 6), ["in the", "end"]),
]
HELD_OUT = [
    ((["aaa", "bb", "c"], 5), ["aaa", "bb c"]),
    ((["ab", "cd"], 4), ["ab", "cd"]),
    ((["a", "b", "c", "d"], 3), ["a b", "c d"]),
]


def draw(rng):
    return ["x" * rng.randint(1, 5) for _ in range(rng.randint(0, 8))], rng.randint(1, 12)
