"""The catalogue of rewrites: each is one function that a decorator puts here, by name."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bloomery.optimize.proposers.rewrites.drafting import Draft, Refused
from bloomery.optimize.proposers.rewrites.matching import Match, matches
from bloomery.optimize.proposers.rewrites.program import Program
from bloomery.optimize.proposers.rewrites.scope import Scope

Make = Callable[[Draft, Match], None]


@dataclass(frozen=True)
class Rewrite:
    """`patterns` say where it applies; `make` drafts the change and refuses where a condition is broken."""

    name: str
    why: str
    patterns: tuple[str, ...]
    make: Make


@dataclass(frozen=True)
class Rewritten:
    """A program with one place rewritten; `doubts` are the safety conditions that could not be proven."""

    rewrite: Rewrite
    function: str
    text: str
    doubts: tuple[str, ...]
    line: int


Catalogue = dict[str, Rewrite]


def adding_to(catalogue: Catalogue) -> Callable[..., Callable[[Make], Make]]:
    """A decorator maker: `@rewrite("name", "why it is faster", "pattern", ...)`."""

    def rewrite(name: str, why: str, *patterns: str) -> Callable[[Make], Make]:
        def add(make: Make) -> Make:
            assert name not in catalogue, name
            catalogue[name] = Rewrite(name, why, patterns, make)
            return make

        return add

    return rewrite


def rewritten(program: Program, rewrites: Catalogue, function: str | None = None) -> Iterator[Rewritten]:
    """Every rewrite at every place where it applies, in the catalogue's order; none twice."""
    scopes = [Scope(program, name, node) for name, node in program.functions() if function in (None, name)]
    seen = {program.text}
    for rewrite in rewrites.values():
        for scope in scopes:
            for match in matches(scope, rewrite.patterns):
                if (made := apply(rewrite, scope, match)) and made.text not in seen:
                    seen.add(made.text)
                    yield made


def apply(rewrite: Rewrite, scope: Scope, match: Match) -> Rewritten | None:
    draft = Draft(scope, match)
    try:
        rewrite.make(draft, match)
        text = draft.apply()
    except Refused:
        return None
    first = match.nodes[0]
    line = first.lineno if isinstance(first, ast.expr | ast.stmt) else 0
    return Rewritten(rewrite, scope.name, text, tuple(draft.doubts), line)
