"""Where in a function a pattern stands."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bloomery.optimize.proposers.rewrites.patterns import Bound, match, match_run, pattern
from bloomery.optimize.proposers.rewrites.scope import Scope


@dataclass(frozen=True)
class Match:
    """`nodes` is one expression, or the run of statements; `shape` counts which of the patterns it was."""

    bound: Bound
    nodes: tuple[ast.AST, ...]
    shape: int

    def __getitem__(self, name: str) -> ast.expr:
        node = self.bound[name]
        assert isinstance(node, ast.expr)
        return node

    def __contains__(self, name: str) -> bool:
        return name in self.bound

    def body(self, name: str) -> list[ast.stmt]:
        body = self.bound[name]
        assert isinstance(body, list)
        return body

    def name(self, name: str) -> str | None:
        """The identifier, where a name is bound to it."""
        node = self.bound[name]
        return node.id if isinstance(node, ast.Name) else None

    @property
    def node(self) -> ast.expr:
        node = self.nodes[0]
        assert isinstance(node, ast.expr)
        return node

    @property
    def statements(self) -> list[ast.stmt]:
        return [node for node in self.nodes if isinstance(node, ast.stmt)]


def matches(scope: Scope, patterns: Sequence[str]) -> Iterator[Match]:
    for at, text in enumerate(patterns):
        shape = pattern(text)
        if isinstance(shape, ast.expr):
            for node in scope.nodes():
                if isinstance(node, ast.expr) and (bound := match(shape, node, scope.lengths)) is not None:
                    yield Match(bound, (node,), at)
            continue
        for block in scope.blocks():
            for start in range(len(block) - len(shape) + 1):
                run = block[start : start + len(shape)]
                if (bound := match_run(shape, run, scope.lengths)) is not None:
                    yield Match(bound, tuple(run), at)
