"""A change of one place of a program: spans of text replaced, the rest of the file kept byte for byte."""

import ast
import io
import itertools
import re
import textwrap
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass, field

from bloomery.optimize.proposers.rewrites.importing import bound_once, with_imports
from bloomery.optimize.proposers.rewrites.kinds import Kind, hashable, known
from bloomery.optimize.proposers.rewrites.matching import Match
from bloomery.optimize.proposers.rewrites.patterns import HOLE
from bloomery.optimize.proposers.rewrites.program import Program
from bloomery.optimize.proposers.rewrites.scope import Scope

ATOMS = (
    ast.Name,
    ast.Constant,
    ast.Attribute,
    ast.Call,
    ast.Subscript,
    ast.List,
    ast.Dict,
    ast.Set,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.JoinedStr,
)


class Refused(Exception):
    """A safety condition that no measurement could make up for does not hold here."""


@dataclass(frozen=True)
class Edit:
    start: int
    end: int
    text: str


@dataclass
class Draft:
    """What one rewrite makes of one match: edits, imports, and the conditions that it could not prove."""

    scope: Scope
    match: Match
    edits: list[Edit] = field(default_factory=list)
    imports: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    @property
    def program(self) -> Program:
        return self.scope.program

    def need(self, holds: object, why: str) -> None:
        if not holds:
            raise Refused(why)

    def variable(self, name: str | None) -> str:
        """The name of what was matched. Raises: Refused where it is no variable."""
        if not name:
            raise Refused("not a variable")
        return name

    def trust(self, holds: object, doubt: str) -> None:
        """A condition that can be left to validation where it cannot be proven."""
        if not holds and doubt not in self.doubts:
            self.doubts.append(doubt)

    def kind(self, node: ast.AST) -> Kind:
        return self.scope.kind(node)

    def is_kind(self, node: ast.AST, *wanted: str) -> None:
        """Refuses another known kind, doubts an unknown one."""
        kind = self.kind(node)
        self.need(not known(kind) or kind.name in wanted, f"{ast.unparse(node)} is a {kind.name}")
        self.trust(known(kind), f"{ast.unparse(node)} is of kind {' or '.join(wanted)}")

    def is_real(self, *names: str) -> None:
        for name in names:
            self.need(self.scope.is_real(name), f"{name} is not the builtin")

    def is_hashable(self, kind: Kind, what: str) -> None:
        self.need(kind.name not in {"list", "dict", "set"}, f"{what} cannot be hashed")
        self.trust(hashable(kind), f"{what} can be hashed, and equal ones hash alike")

    def simple(self, node: ast.AST) -> None:
        """Evaluating the node at another time, or more or less often, is not seen by anybody."""
        self.need(not _suspends(node), "it awaits, yields or binds a name")
        self.trust(
            self.scope.is_simple(node) and self.scope.is_builtin(node), f"{ast.unparse(node)} has no effects"
        )

    def text(self, node: ast.AST) -> str:
        text = self.program.text_of(node)
        self.need("#" not in text or not _comments(text), "a comment stands inside it")
        if isinstance(node, ATOMS) and not (isinstance(node, ast.Constant) and _splits(node, text)):
            return text
        return f"({text})"

    def fill(self, template: str) -> str:
        def filled(hole: re.Match[str]) -> str:
            value = self.match.bound[hole[0]]
            assert not isinstance(value, list)
            return value if isinstance(value, str) else self.text(value)

        return HOLE.sub(filled, template)

    def fresh(self, wish: str) -> str:
        """A name that the module does not use yet."""
        name, count = wish, 1
        while name in self.program.used or name in self.names:
            count += 1
            name = f"{wish}_{count}"
        self.names.add(name)
        return name

    def use(self, path: str) -> str:
        """How to say `math.isqrt` here; imports it where that is needed."""
        module, _, name = path.rpartition(".")
        for statement in self.program.tree.body:
            if isinstance(statement, ast.ImportFrom) and statement.module == module and not statement.level:
                for alias in statement.names:
                    if alias.name == name and bound_once(self.program, alias.asname or name):
                        return alias.asname or name
            if isinstance(statement, ast.Import):
                for alias in statement.names:
                    said = alias.asname or module
                    if alias.name == module and "." not in said and bound_once(self.program, said):
                        return f"{said}.{name}"
        if name not in self.program.used:
            self.imports.append(f"from {module} import {name}")
            return name
        self.need(
            module not in self.program.used and "." not in module, f"neither {name} nor {module} is free"
        )
        self.imports.append(f"import {module}")
        return path

    def replace(self, node: ast.AST, code: str) -> None:
        start, end = self.program.span(node)
        self.need(not _comments(self.program.text[start:end]), "a comment stands inside it")
        self.edits.append(Edit(start, end, code))

    def replace_run(self, statements: Sequence[ast.stmt], code: str) -> None:
        """Comments inside go before the new statements: none is lost."""
        start, end = self.program.span(statements[0])[0], self.program.span(statements[-1])[1]
        above = _comments(self.program.text[start:end])
        lines = [*above, *code.splitlines()]
        self.edits.append(Edit(start, end, ("\n" + self.indent(statements[0])).join(lines)))

    def remove(self, statement: ast.stmt) -> None:
        """A statement that has its lines to itself."""
        start, end = self.program.span(statement)
        text = self.program.text
        first = text.rfind("\n", 0, start) + 1
        last = text.find("\n", end)
        self.need(
            not text[first:start].strip() and not text[end:last].strip() and last > 0, "it shares its line"
        )
        self.need(not _comments(text[start:end]), "a comment stands inside it")
        self.edits.append(Edit(first, last + 1, ""))

    def before(self, statement: ast.stmt, code: str) -> None:
        start = self.program.span(statement)[0]
        self.need(
            not self.program.text[self.program.text.rfind("\n", 0, start) + 1 : start].strip(), "shared line"
        )
        indent = self.indent(statement)
        self.edits.append(Edit(start, start, "".join(line + "\n" + indent for line in code.splitlines())))

    def after(self, statement: ast.stmt, code: str) -> None:
        end = self.program.span(statement)[1]
        rest = self.program.text[end:].partition("\n")[0]
        self.need(not rest.strip() or rest.lstrip().startswith("#"), "it shares its line")
        indent = self.indent(statement)
        self.edits.append(
            Edit(end + len(rest), end + len(rest), "".join(f"\n{indent}{line}" for line in code.splitlines()))
        )

    def above_function(self, code: str) -> None:
        """Before the outermost definition that holds the function."""
        nodes = [self.scope.function, *self.scope.up(self.scope.function)]
        outer = self.program.tree.body[0]
        for statement in self.program.tree.body:
            if any(inner is nodes[0] for inner in ast.walk(statement)):
                outer = statement
        decorators = getattr(outer, "decorator_list", [])
        line = min([outer.lineno, *(one.lineno for one in decorators)])
        start = self.program.offset(line, 0)
        self.edits.append(Edit(start, start, code + "\n\n\n"))

    def indent(self, statement: ast.stmt) -> str:
        line = self.program.starts[statement.lineno - 1]
        whole = self.program.text[line : self.program.span(statement)[0]]
        return whole if not whole.strip() else re.match(r"\s*", whole)[0]  # type: ignore[index]

    def apply(self) -> str:
        """Raises: Refused where the edits overlap or their result does not parse."""
        edits = sorted(
            {(edit.start, edit.end, edit.text): edit for edit in self.edits}.values(),
            key=lambda e: (e.start, e.end),
        )
        self.need(all(a.end <= b.start for a, b in itertools.pairwise(edits)), "edits overlap")
        text = self.program.text
        for edit in reversed(edits):
            text = text[: edit.start] + edit.text + text[edit.end :]
        try:
            ast.parse(text)
            text = with_imports(text, self.imports)
        except SyntaxError as error:
            raise Refused(f"the result does not parse: {error}") from None
        return text


def indented(code: str, by: str) -> str:
    return textwrap.indent(code, by)


def _comments(text: str) -> list[str]:
    if "#" not in text:
        return []
    found = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(f"(\n{text}\n)").readline):
            if token.type == tokenize.COMMENT:
                found.append(token.string)
    except tokenize.TokenError:
        pass
    except IndentationError:
        pass
    return found


def _splits(node: ast.Constant, text: str) -> bool:
    """Implicitly joined strings, or a number before a dot."""
    return isinstance(node.value, int | float) or "\n" in text or text.count('"') > 2 or text.count("'") > 2


def _suspends(node: ast.AST) -> bool:
    from bloomery.optimize.proposers.rewrites.aliases import suspends

    return suspends([node])
