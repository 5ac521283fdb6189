"""Values of a kind, as Python expressions: the edges first, then drawn ones."""

import string
from dataclasses import dataclass, field
from random import Random

from bloomery.optimize.equivalence.edges import BIG_INTS, BYTES, FLOATS, INTS, OPEN_KINDS, STRINGS, WAYS
from bloomery.optimize.equivalence.kinds import ANY, Classes, Kind, Parameter
from bloomery.optimize.equivalence.mining import Mined


@dataclass
class Values:
    """Draws expressions; equal seeds draw equal ones."""

    rng: Random
    mined: Mined
    classes: Classes
    open_kinds: tuple[Kind, ...] = field(default=OPEN_KINDS)

    def edges(self, kind: Kind) -> list[str]:
        """Values at which implementations part: deterministic, the plain ones first."""
        match kind.name:
            case "int":
                return [*INTS, *self.mined.ints, *BIG_INTS]
            case "float":
                return [*FLOATS, *self.mined.floats]
            case "str":
                return [*STRINGS, *self.mined.strings, *self._around(), "'ab' * 700"]
            case "bytes":
                return list(BYTES)
            case "bool":
                return ["True", "False"]
            case "None":
                return ["None"]
            case "complex":
                return ["1j", "0j", "complex(nan, 1)"]
            case "literal":
                return [part.strip() for part in kind.text.strip("()").split(",") if part.strip()]
            case "union":
                return [edge for part in kind.parts for edge in self.edges(part)]
            case "Callable":
                return [f"Told('f', {way!r})" for way in WAYS]
            case "mixed":
                return ["1", "True", "1.0", "'1'", "None", "nan", "(1,)", "[1]", "0", "-0.0", "Touchy()"]
            case "same":
                return ["Same(1, 'x')", "Same(1, 'y')", "Same(0, 'z')"]
            case "any":
                return [edge for part in self.open_kinds[:14] for edge in self.edges(part)[:5]]
        return self._containers(kind)

    def draw(self, kind: Kind, depth: int = 0) -> str:
        """One value, small for the most part."""
        match kind.name:
            case "int":
                return self._int()
            case "float":
                return self._float()
            case "str":
                return self._str()
            case "union":
                return self.draw(self.rng.choice(kind.parts), depth)
            case "any":
                return self.draw(self.rng.choice(self.open_kinds), depth + 1) if depth < 2 else self._int()
            case "class":
                return self._instance(kind, depth)
            case "list" | "set" | "frozenset" | "tuple" | "dict" | "Iterable" | "Iterator" | "deque":
                return self._container(kind, depth)
        return self.rng.choice(self.edges(kind))

    def _around(self) -> list[str]:
        """Texts that hold the mined ones in their middle."""
        return [f"'q ' + {text} + ' q'" for text in self.mined.strings[:12]]

    def _int(self) -> str:
        if self.rng.random() < 0.25:
            return self.rng.choice([*INTS, *self.mined.ints])
        return str(
            self.rng.choice((self.rng.randint(-3, 6), self.rng.randint(-40, 40), self.rng.randint(0, 9)))
        )

    def _float(self) -> str:
        chance = self.rng.random()
        if chance < 0.25:
            return self.rng.choice([*FLOATS, *self.mined.floats])
        return repr(round(self.rng.uniform(-9, 9), 1) if chance < 0.7 else self.rng.uniform(-1e3, 1e3))

    def _str(self) -> str:
        chance = self.rng.random()
        if chance < 0.3:
            return self.rng.choice([*STRINGS, *self.mined.strings])
        alphabet = self.rng.choice(
            ("ab", "abc xyz", string.ascii_letters + string.digits + " .,-_", "aß²\n\té")
        )
        return repr("".join(self.rng.choice(alphabet) for _ in range(self.rng.randint(0, 9))))

    def _instance(self, kind: Kind, depth: int) -> str:
        if kind.text in self.classes.members:
            return f"{kind.text}.{self.rng.choice(self.classes.members[kind.text])}"
        return built(self, kind.text, self.classes.built[kind.text], depth)

    def _items(self, kind: Kind, depth: int, count: int) -> list[str]:
        drawn = [self.draw(kind, depth + 1) for _ in range(count)]
        if len(drawn) > 1 and self.rng.random() < 0.5:
            drawn[self.rng.randrange(len(drawn))] = self.rng.choice(drawn)
        return drawn

    def _container(self, kind: Kind, depth: int) -> str:
        count = self.rng.choice((0, 1, 2, 3, 3, 4, 5, 6, 8, 12)) if depth < 2 else self.rng.randint(0, 3)
        if kind.name == "dict":
            pairs = zip(
                self._items(kind.parts[0], depth, count),
                self._items(kind.parts[1], depth, count),
                strict=True,
            )
            return "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"
        if kind.name == "tuple" and kind.text == "each":
            return row([self.draw(part, depth + 1) for part in kind.parts])
        items = self._items(kind.parts[0], depth, count)
        return wrapped(kind, items, self.rng)

    def _containers(self, kind: Kind) -> list[str]:
        if kind.name == "class":
            return [self._instance(kind, 0) for _ in range(6)]
        if kind.name == "tuple" and kind.text == "each":
            edges = [self.edges(part) for part in kind.parts]
            return [
                row([one[at % len(one)] for one in edges]) for at in range(max(map(len, edges), default=0))
            ]
        if kind.name == "dict":
            return self._dicts(kind)
        inner = self.edges(kind.parts[0])
        lists = [[], *([one] for one in inner[:60]), [inner[0], inner[0]], inner[:3], inner[:3][::-1]]
        lists += [inner[at : at + 2] * 2 for at in range(min(len(inner) - 1, 30))]
        found = [wrapped(kind, items, self.rng) for items in lists]
        if kind.name == "list":
            found += self._odd_lists(kind.parts[0])
        if kind.name in ("Iterable", "Iterator"):
            some = ", ".join(self._items(kind.parts[0], 1, 4))
            found += [f"Watched([{some}])", f"Watched([{some}], breaks=True)", f"iter([{some}])"]
            found += [f"Again([{some}])", f"({some},)", f"[{some}]"] if kind.name == "Iterable" else []
        return found

    def _odd_lists(self, part: Kind) -> list[str]:
        some = ", ".join(self._items(part, 1, 3))
        found = [f"SubList([{some}])", f"[{some}] * 400"]
        if part.name in ("int", "float", "str"):
            found += [f"Loud([{some}])"]
            found += ["list(range(1500, 0, -1))", "[1] * 1500"] if part.name == "int" else []
        if part.name == "float":
            found += ["[0.1] * 10 + [1e16, 1.0, -1e16]", "[nan, nan]", "(lambda n: [n, n])(nan)"]
            found += ["[0.1, 0.2, 0.3, 1e9, -0.4, 7.7, 1e-9]"]
        if part.name in ("list", "dict", "set"):
            found.append(f"(lambda row: [row, row])({self.draw(part, 1)})")
        if part.name == "tuple" and part.parts:
            found += self._tied(part)
        return found

    def _tied(self, part: Kind) -> list[str]:
        """Records that agree in one field and differ in the others."""
        found = []
        for at in range(len(part.parts)):
            same = self.draw(part.parts[at], 2)
            rows = []
            for _ in range(4):
                cells = [self.draw(one, 2) for one in part.parts]
                rows.append(row([same if place == at else cell for place, cell in enumerate(cells)]))
            found.append("[" + ", ".join(rows) + "]")
        return found

    def _dicts(self, kind: Kind) -> list[str]:
        keys, values = self.edges(kind.parts[0]), self.edges(kind.parts[1])
        pairs = [f"{key}: {values[at % len(values)]}" for at, key in enumerate(keys[:12])]
        found = ["{}", *("{" + pair + "}" for pair in pairs[:6]), "{" + ", ".join(pairs) + "}"]
        found += ["{" + ", ".join(reversed(pairs[:5])) + "}", "SubDict({" + ", ".join(pairs[:3]) + "})"]
        found += ["Missing({" + ", ".join(pairs[:3]) + "})"]
        return (
            [*found, "fresh_({" + ", ".join(pairs[:3]) + "})"]
            if kind.parts[1].name in ("int", "any")
            else found
        )


def row(cells: list[str]) -> str:
    return "(" + ", ".join(cells) + ("," if len(cells) == 1 else "") + ")"


def wrapped(kind: Kind, items: list[str], rng: Random) -> str:
    inside = ", ".join(items)
    match kind.name:
        case "list":
            return f"[{inside}]"
        case "tuple":
            return row(items)
        case "set" | "frozenset" | "deque":
            return f"{kind.name}([{inside}])"
        case "Iterator":
            return rng.choice((f"Watched([{inside}])", f"iter([{inside}])"))
    return rng.choice((f"[{inside}]", f"Watched([{inside}])", f"({row(items)})", f"Again([{inside}])"))


def built(values: Values, name: str, parameters: tuple[Parameter, ...], depth: int = 0) -> str:
    """An expression that makes an object of a class of the module."""
    given = []
    for one in parameters:
        if one.way in ("many", "named") or (one.has_default and values.rng.random() < 0.4):
            continue
        prefix = "" if one.way == "positional" else f"{one.name}="
        given.append(prefix + values.draw(one.kind if one.kind != ANY else Kind("int"), depth + 1))
    return f"{name}({', '.join(given)})"
