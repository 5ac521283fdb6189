"""Cases drawn for what can be called: arguments by their types, objects by their constructors and methods."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from random import Random

from bloomery.source.testing.callees import OPERATED, Callee, Class, Parameter
from bloomery.source.testing.cases import Case, Origin, Seen
from bloomery.source.testing.pools import NEEDS, OPEN, Pools, guessed, joined

Types = tuple[ast.expr | None, ...]
MOST_GUESSES = 140
MOST_BEFORE = 4
WRONG_KIND = {
    "TypeError",
    "AttributeError",
    "NameError",
    "UnboundLocalError",
    "RecursionError",
    "ImportError",
}


class Drawing:
    """Draws cases; `learn` tells it which guessed types a function can do something with."""

    def __init__(
        self, callees: Iterable[Callee], classes: Mapping[str, Class], pools: Pools, rng: Random
    ) -> None:
        self.callees = {one.name: one for one in callees}
        self.classes, self.pools, self.rng = classes, pools, rng
        self.types = {one.name: list(_types(one.parameters, rng)) for one in self.callees.values()}
        self.guesses: dict[tuple[tuple[str, ...], str], tuple[str, Types]] = {}

    def of(self, name: str, count: int) -> Iterator[Case]:
        """Cases of one function; where its types are guessed, each guess comes once, first."""
        callee = self.callees[name]
        known = self.types[name]
        for at in range(max(count, len(known))):
            case = self.one(callee, known[at % len(known)], given=float(at) if at < 2 else 0.5)
            self.guesses.setdefault(case.key, (name, known[at % len(known)]))
            yield case

    def one(self, callee: Callee, types: Types, *, given: float = 0.5) -> Case:
        """`given`: how likely what has a default value is given all the same."""
        setup: list[str] = []
        taken = {*self.callees, *self.classes}
        receiver = self._receiver(callee, setup) if callee.kind in ("method", "property") else ""
        arguments = self._arguments(callee.parameters, types, given=given)
        inline = [(name, self._bound(name, text, setup, taken)) for name, text in arguments]
        watched = tuple(line.partition(" = ")[0] for line in setup if re.match(r"\w+ = ", line))
        call = _called(callee, receiver, inline)
        origin: Origin = "guess" if len(self.types[callee.name]) > 1 else "type"
        return finished(Case(callee.name, tuple(setup), call, watched, origin))

    def learn(self, cases: Mapping[int, Case], seen: Mapping[int, Seen]) -> None:
        """Keep the guessed types of a function with which a case came to something."""
        worked: dict[str, dict[int, Types]] = {}
        for number, one in seen.items():
            name, types = self.guesses.get(cases[number].key, ("", ()))
            if name and one.state in ("returned", "raised") and (one.said or one.kind not in WRONG_KIND):
                worked.setdefault(name, {})[id(types)] = types
        for name, known in worked.items():
            if len(self.types[name]) > 1:
                self.types[name] = list(known.values())

    def _receiver(self, callee: Callee, setup: list[str]) -> str:
        """An object, after some of its methods were called."""
        name = snake(callee.owner)
        types = self._some_types(f"{callee.owner}.__init__")
        made = self.classes[callee.owner].made or ()
        given = self._arguments(made, types)
        setup.append(f"{name} = {callee.owner}({joined(given, made)})")
        others = [
            one for one in self.callees.values()
            if one.owner == callee.owner and one.kind == "method" and not one.is_async
            and (one.short not in OPERATED or one.short == "__setitem__")
        ]  # fmt: skip
        for _ in range(self.rng.randrange(MOST_BEFORE) if others else 0):
            other = self.rng.choice(others)
            given = self._arguments(other.parameters, self._some_types(other.name))
            setup.append(_called(other, name, given))
        return name

    def _some_types(self, name: str) -> Types:
        known = self.types.get(name)
        return self.rng.choice(known) if known else ()

    def _arguments(
        self, parameters: tuple[Parameter, ...], types: Types, *, given: float = 0.5
    ) -> list[tuple[str, str]]:
        typed = [
            Parameter(one.name, known or one.annotation, one.default, one.required, one.named)
            for one, known in zip(parameters, types, strict=True)
        ] if len(types) == len(parameters) else list(parameters)  # fmt: skip
        return self.pools.arguments(tuple(typed), self.rng, given=given)

    def _bound(self, name: str, text: str, setup: list[str], taken: set[str]) -> str:
        """A name for what a function could change; other values stand in the call."""
        changeable = text[:1] in "[{" or text.startswith(("set(", "bytearray(", "deque(", "iter("))
        instance = text.partition("(")[0] in self.classes and "(" in text
        if not (changeable or instance) or name.startswith("*"):
            return text
        name = f"{name}_" if name in taken else name
        taken.add(name)
        setup.append(f"{name} = {text}")
        return name


def finished(case: Case) -> Case:
    """With the names that its texts need from elsewhere."""
    words = set(re.findall(r"\b[A-Za-z]\w*\b", "\n".join((*case.setup, case.call))))
    needs = tuple(sorted((word, NEEDS[word]) for word in words & NEEDS.keys()))
    return Case(case.callee, case.setup, case.call, case.watched, case.origin, needs)


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.lstrip("_")).lower()


def _called(callee: Callee, receiver: str, given: list[tuple[str, str]]) -> str:
    arguments = joined(given, callee.parameters)
    if callee.kind == "init":
        return f"{callee.owner}({arguments})"
    if callee.kind == "property":
        return f"{receiver}.{callee.short}"
    if callee.kind == "method" and callee.short in OPERATED:
        pattern = OPERATED[callee.short]
        values = [text for _, text in given]
        return (
            pattern.format(receiver, *(values + ["None"] * 3))
            if pattern != "{0}({1})"
            else f"{receiver}({arguments})"
        )
    target = callee.name if callee.kind in ("function", "static") else f"{receiver}.{callee.short}"
    call = f"{target}({arguments})"
    return f"asyncio.run({call})" if callee.is_async else call


def _types(parameters: tuple[Parameter, ...], rng: Random) -> Iterator[Types]:
    """The types to draw a function's arguments from: one tuple where all is said, else guesses."""
    unknown = [one for one in parameters if one.annotation is None and guessed(one) is None]
    if not unknown:
        yield tuple(one.annotation or guessed(one) for one in parameters)
        return
    kinds = [ast.parse(kind, mode="eval").body for kind in OPEN]
    guesses: list[list[ast.expr]] = [[kind] * len(unknown) for kind in kinds]
    if len(unknown) == 2:
        guesses += [[a, b] for a in kinds for b in kinds[:7] if a is not b]
    elif len(unknown) > 2:
        weights = range(len(kinds), 0, -1)
        guesses += [rng.choices(kinds, weights, k=len(unknown)) for _ in range(MOST_GUESSES)]
    for guess in guesses[:MOST_GUESSES]:
        taken = iter(guess)
        yield tuple(
            one.annotation or guessed(one) or next(taken) if one not in unknown else next(taken)
            for one in parameters
        )
