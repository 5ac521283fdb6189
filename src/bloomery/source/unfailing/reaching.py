"""The checks of a test, each with what keeps it from failing, if the text shows such a thing."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bloomery.source.python import FUNCTION, Function, called_name
from bloomery.source.unfailing.checks import Checks, calls
from bloomery.source.unfailing.mocking import asks_a_mock, mocked
from bloomery.source.unfailing.truths import Known, always, compares_with_itself

_CATCHES_CHECKS = {"AssertionError", "Exception", "BaseException"}
_COMPARING = {"assertEqual", "assertAlmostEqual", "assert_close", "assert_allclose", "assert_equal"}
_COMPARING |= {"assert_array_equal", "assert_almost_equal", "assert_array_almost_equal", "assert_frame_equal"}
_SILENT = {"print", "debug", "info", "warning", "warn", "exception", "error", "print_exc"}


@dataclass(frozen=True)
class Check:
    """`flaw` says why it cannot fail; `certain`: wherever it stands, not only in this run of events."""

    line: int
    flaw: str = ""
    certain: bool = True


class Reaching:
    """Walks the statements of one test."""

    def __init__(self, test: Function, checks: Checks) -> None:
        self.test, self.checks = test, checks
        module = [node.name for node in checks.parsed.tree.body if isinstance(node, FUNCTION)]
        self.known = Known(test, module)
        self.mocked = mocked(test)

    def found(self) -> list[Check]:
        return list(self._block(self.test.body, ""))

    def _block(self, body: Sequence[ast.stmt], flaw: str) -> Iterator[Check]:
        for statement in body:
            yield from self._statement(statement, flaw)
            flaw = flaw or _ends(statement)

    def _statement(self, node: ast.stmt, flaw: str) -> Iterator[Check]:
        match node:
            case ast.Assert(test=test):
                yield Check(node.lineno, flaw or self._vacuous(test))
            case ast.Raise():
                yield Check(node.lineno, flaw)
            case ast.If(test=test, body=body, orelse=orelse):
                truth = always(test, self.known)
                yield from self._calls([test], flaw)
                yield from self._block(body, flaw or _never(truth, False, node))
                yield from self._block(orelse, flaw or _never(truth, True, node))
            case ast.While(test=test, body=body, orelse=orelse):
                yield from self._calls([test], flaw)
                yield from self._block(body, flaw or _never(always(test, self.known), False, node))
                yield from self._block(orelse, flaw)
            case ast.For(iter=ast.List(elts=[]) | ast.Tuple(elts=[]), body=body):
                yield from self._block(body, flaw or f"the loop on line {node.lineno} is over nothing")
            case ast.For() | ast.AsyncFor():
                yield from self._calls([node.iter], flaw)
                yield from self._block([*node.body, *node.orelse], flaw)
            case ast.Try() | ast.TryStar():
                yield from self._try(node, flaw)
            case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
                yield from self._calls(items, flaw)
                yield from self._block(body, flaw or _suppressed(items))
            case ast.Match(cases=cases):
                for case in cases:
                    yield from self._block(case.body, flaw)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield from self._defined(node, flaw)
            case _:
                yield from self._calls([node], flaw)

    def _calls(self, nodes: Sequence[ast.AST], flaw: str) -> Iterator[Check]:
        for call in calls(nodes):
            if self.checks.is_check(call):
                yield Check(call.lineno, flaw or self._vacuous_call(call))

    def _try(self, node: ast.Try | ast.TryStar, flaw: str) -> Iterator[Check]:
        silent = [handler for handler in node.handlers if _swallows(handler)]
        swallowed = f"the except on line {silent[0].lineno} swallows its failure" if silent else ""
        yield from self._block(node.body, flaw or swallowed)
        must_raise = any(_is_failing(statement) for statement in [*node.body, *node.orelse])
        for handler in node.handlers:
            fails = must_raise or any(map(_is_failing, handler.body))  # what was raised must not be
            aside = "" if fails else f"it is reached only if line {node.lineno} and on raise"
            for check in self._block(handler.body, flaw or aside):
                yield Check(check.line, check.flaw, certain=check.flaw != aside or not aside)
        yield from self._block([*node.orelse, *node.finalbody], flaw)

    def _defined(self, node: Function | ast.ClassDef, flaw: str) -> Iterator[Check]:
        """What a function in the test checks counts where its name is used at all."""
        used = {n.id for n in ast.walk(self.test) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        unused = "" if node.name in used or node.decorator_list else f"{node.name} is never used"
        if isinstance(node, ast.ClassDef):
            methods = [inner for inner in node.body if isinstance(inner, FUNCTION)]
            for method in methods:  # called by what uses the class, by whatever name
                yield from self._block(method.body, flaw or unused)
        else:
            yield from self._block(node.body, flaw or unused)

    def _vacuous(self, test: ast.expr) -> str:
        truth = always(test, self.known)
        if truth is not None:
            return truth[1] if truth[0] else ""
        return asks_a_mock(test, self.mocked, self.known)

    def _vacuous_call(self, call: ast.Call) -> str:
        name = called_name(call)
        if name == "assertTrue" and call.args:
            return self._vacuous(call.args[0])
        if name in _COMPARING and name not in self.checks.functions and len(call.args) >= 2:
            return compares_with_itself(call.args[0], call.args[1], self.known)
        return ""


def _ends(statement: ast.stmt) -> str:
    """Why nothing after a statement runs; empty where it may."""
    match statement:
        case ast.Return() | ast.Raise():
            return f"line {statement.lineno} leaves the test before it"
        case ast.Expr(value=ast.Call() as call) if ast.unparse(call.func) in {"pytest.skip", "self.skipTest"}:
            return f"line {statement.lineno} skips the test before it"
    return ""


def _never(truth: tuple[bool, str] | None, value: bool, node: ast.stmt) -> str:
    """Why a branch never runs, if the condition of `node` is always `value`."""
    if truth is None or truth[0] is not value:
        return ""
    return f"the condition on line {node.lineno} never lets it run: {truth[1]}"


def _catches_checks(kind: ast.expr | None) -> bool:
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(one is None or getattr(one, "id", "") in _CATCHES_CHECKS for one in kinds)


def _swallows(handler: ast.ExceptHandler) -> bool:
    """Whether a handler lets a failed check pass and leaves no trace that a later check could see."""
    if not _catches_checks(handler.type):
        return False
    for statement in handler.body:
        match statement:
            case ast.Pass() | ast.Continue() | ast.Return(value=None) | ast.Expr(value=ast.Constant()):
                continue
            case ast.Expr(value=ast.Call() as call) if called_name(call) in _SILENT:
                continue
        return False
    return True


def _suppressed(items: Sequence[ast.withitem]) -> str:
    for item in items:
        call = item.context_expr
        if not isinstance(call, ast.Call) or called_name(call) != "suppress":
            continue
        if any(_catches_checks(kind) for kind in call.args):
            return f"suppress on line {call.lineno} swallows its failure"
    return ""


def _is_failing(statement: ast.stmt) -> bool:
    match statement:
        case ast.Raise() | ast.Assert(test=ast.Constant(value=False | 0)):
            return True
        case ast.Expr(value=ast.Call() as call):
            return called_name(call) == "fail"
    return False
