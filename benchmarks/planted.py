"""Units of generated programs, each with two changes that get in each other's way, and the right answers.

An answer is known with neither, either and both of the changes in; None says that both cannot be in: whoever
puts both in has made something wrong, and a person has to choose.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

Flags = tuple[bool, bool]
Values = dict[str, object]


@dataclass(frozen=True)
class Edit:
    """Texts to replace, the check that comes along, and what makes it wrong where the check does not look."""

    pairs: tuple[tuple[str, str], ...]
    check: str
    subtly: tuple[str, str] | None = None


@dataclass(frozen=True)
class Unit:
    kind: str
    text: str
    edits: tuple[Edit, Edit]
    expect: Callable[[Flags], Values | None]

    @property
    def can_be_both(self) -> bool:
        return self.expect((True, True)) is not None


def touching(n: int, a: int, b: int) -> Unit:
    text = f"def near{n}(x, y):\n    near = x * {a}  # {n}\n    near = near + y  # {n}\n    return near\n"
    one = Edit(
        ((f"x * {a}  # {n}", f"x * {a + 1}  # {n}"),),
        f"assert work.near{n}(1, 0) == {a + 1}",
        (f"x * {a + 1}  # {n}", f"x * x * {a + 1}  # {n}"),
    )
    other = Edit(((f"near + y  # {n}", f"near + y * {b}  # {n}"),), f"assert work.near{n}(0, 1) == {b}")
    return Unit(
        "lines that touch", text, (one, other),
        lambda on: {f"work.near{n}(3, 5)": 3 * (a + on[0]) + 5 * (b if on[1] else 1)},
    )  # fmt: skip


def one_function(n: int, a: int, b: int) -> Unit:
    text = (
        f"def far{n}(x, y):\n    first = x + {a}  # {n}\n    if x < 0:\n        return 0\n"
        f"    for step in range(3):\n        first += step\n    return first + y  # {n}\n"
    )
    one = Edit(((f"x + {a}  # {n}", f"x + {a + 2}  # {n}"),), f"assert work.far{n}(0, 0) >= {a + 5}")
    other = Edit(
        ((f"first + y  # {n}", f"first + y * {b}  # {n}"),),
        f"assert work.far{n}(-1, 9) == 0",
        (f"first + y * {b}  # {n}", f"first + y * y * {b}  # {n}"),
    )
    return Unit(
        "one function", text, (one, other),
        lambda on: {f"work.far{n}(2, 5)": 2 + a + 2 * on[0] + 3 + 5 * (b if on[1] else 1)},
    )  # fmt: skip


def imports(n: int, a: int, b: int) -> Unit:
    text = (
        f"def least{n}(xs):\n    return sorted(xs)[0] + {a}  # {n}\n\n\n"
        f"def place{n}(xs, x):\n    return xs.index(x) + {b}  # {n}\n"
    )
    one = Edit(
        (("import math\n", "import math\nimport heapq\n"),
         (f"sorted(xs)[0] + {a}  # {n}", f"heapq.nsmallest(1, xs)[0] + {a}  # {n}")),
        f"assert work.least{n}([2, 1]) == {a + 1}",
        (f"(1, xs)[0] + {a}  # {n}", f"(1, xs[-1:])[0] + {a}  # {n}"),
    )  # fmt: skip
    other = Edit(
        (("import math\n", "import math\nimport bisect\n"),
         (f"xs.index(x) + {b}  # {n}", f"bisect.bisect_left(xs, x) + {b}  # {n}")),
        f"assert work.place{n}([1, 2], 2) == {b + 1}",
    )  # fmt: skip
    return Unit(
        "imports in one place", text, (one, other),
        lambda on: {
            f"work.least{n}([5, 3, 9])": a + 3,
            f"work.place{n}([5, 7, 9], 7)": b + 1,
            f"'heapq' in work.least{n}.__code__.co_names": on[0],
            f"'bisect' in work.place{n}.__code__.co_names": on[1],
        },
    )  # fmt: skip


def methods(n: int, a: int, b: int) -> Unit:
    text = f"class Box{n}:\n    size = {a}  # {n}\n"
    line = f"    size = {a}  # {n}\n"
    edits = tuple(
        Edit(
            ((line, f"{line}\n    def {name}(self):\n        return self.size + {number}\n"),),
            f"assert work.Box{n}().{name}() == {a + number}",
        )
        for name, number in (("open", b), ("shut", b + 1))
    )
    return Unit(
        "new methods in one place", text, (edits[0], edits[1]),
        lambda on: {
            f"work.Box{n}.size": a,
            f"work.Box{n}().open()": a + b if on[0] else AttributeError,
            f"work.Box{n}().shut()": a + b + 1 if on[1] else AttributeError,
        },
    )  # fmt: skip


def entries(n: int, a: int, b: int) -> Unit:
    text = f'TABLE{n} = {{"n{n}": {a}}}\n'
    edits = tuple(
        Edit(((f'"n{n}": {a}', f'"n{n}": {a}, "{name}": {b}'),), f'assert work.TABLE{n}["{name}"] == {b}')
        for name in ("left", "right")
    )
    return Unit(
        "entries of one literal", text, (edits[0], edits[1]),
        lambda on: {f"len(work.TABLE{n})": 1 + on[0] + on[1], f'work.TABLE{n}["n{n}"]': a},
    )  # fmt: skip


def one_line(n: int, a: int, b: int) -> Unit:
    text = f"def both{n}(x, y):\n    return (x + {a}{n}) * (y + {b}{n})\n"
    big, small = int(f"{a}{n}"), int(f"{b}{n}")
    one = Edit(((f"(x + {big})", f"(x + {big} + 1)"),), f"assert work.both{n}({-big - 1}, 7) == 0")
    other = Edit(((f"(y + {small})", f"(y + {small} + 2)"),), f"assert work.both{n}(9, {-small - 2}) == 0")
    return Unit(
        "parts of one line", text, (one, other),
        lambda on: {f"work.both{n}(2, 3)": (2 + big + on[0]) * (3 + small + 2 * on[1])},
    )  # fmt: skip


def excluding(n: int, a: int, b: int) -> Unit:
    text = f"LIMIT{n} = {a}\n"
    values = (a + 1, a + 1 + b)
    edits = tuple(
        Edit(((f"LIMIT{n} = {a}\n", f"LIMIT{n} = {value}\n"),), f"assert work.LIMIT{n} == {value}")
        for value in values
    )
    return Unit(
        "two values for one constant", text, (edits[0], edits[1]),
        lambda on: None if all(on) else {f"work.LIMIT{n}": values[0] if on[0] else values[1] if on[1] else a},
    )  # fmt: skip


def signature(n: int, a: int, b: int) -> Unit:
    text = f"def scale{n}(x):\n    return x * {a}\n\n\nUSED{n} = scale{n}({b})\n"
    one = Edit(
        ((f"def scale{n}(x):\n    return x * {a}\n", f"def scale{n}(x, by):\n    return x * by\n"),
         (f"= scale{n}({b})", f"= scale{n}({b}, {a})")),
        f"assert work.scale{n}(2, 3) == 6",
    )  # fmt: skip
    line = f"USED{n} = "
    other = Edit(
        ((line, f"def twice{n}(x):\n    return 2 * scale{n}(x)\n\n\n{line}"),),
        f"assert work.twice{n}(1) == {2 * a}",
    )
    return Unit(
        "a new use of an old signature", text, (one, other),
        lambda on: None if all(on) else {
            f"work.USED{n}": a * b,
            f"work.scale{n}.__code__.co_argcount": 1 + on[0],
            f"work.twice{n}(3)": 6 * a if on[1] else AttributeError,
        },
    )  # fmt: skip


def meaning(n: int, a: int, b: int) -> Unit:
    text = f"def metres{n}(x):\n    return x * {a}  # m{n}\n\n\n"
    text += f"def told{n}(x):\n    return metres{n}(x)  # {n}\n"
    one = Edit(
        ((f"return x * {a}  # m{n}", f"return x * {a} * 1000  # m{n}"),
         (f"return metres{n}(x)  # {n}", f"return metres{n}(x) // 1000  # {n}")),
        f"assert work.metres{n}(1) == {a * 1000}",
    )  # fmt: skip
    line = f"def told{n}(x):\n"
    other = Edit(
        ((line, f"def sum{n}(x, y):\n    return metres{n}(x) + {b}\n\n\n{line}"),),
        f"assert work.sum{n}(1, 0) == {a + b}",
    )
    return Unit(
        "a new use of an old meaning", text, (one, other),
        lambda on: None if all(on) else {
            f"work.told{n}(4)": 4 * a,
            f"work.metres{n}(2)": 2 * a * (1000 if on[0] else 1),
            f"work.sum{n}(2, 0)": 2 * a + b if on[1] else AttributeError,
        },
    )  # fmt: skip


KINDS = (touching, one_function, imports, methods, entries, one_line, excluding, signature, meaning)


def planted(rng: random.Random, count: int) -> list[Unit]:
    """So many units, each kind as often as the others, in an order of the seed."""
    kinds = [KINDS[number % len(KINDS)] for number in range(count)]
    rng.shuffle(kinds)
    return [kind(number, rng.randrange(3, 9), rng.randrange(3, 9)) for number, kind in enumerate(kinds)]


def program(units: list[Unit]) -> str:
    return '"""Generated."""\n\nimport math\n\nPI = math.pi\n\n\n' + "\n\n".join(unit.text for unit in units)
