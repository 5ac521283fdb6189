"""Recursion that answers the same question once."""

import ast
from collections.abc import Callable, Sequence

from bloomery.optimize.proposers.rewrites.aliases import FUNCTIONS, PURE, mutations, names, unknown_calls
from bloomery.optimize.proposers.rewrites.catalogue import Catalogue, adding_to
from bloomery.optimize.proposers.rewrites.drafting import Draft, Edit
from bloomery.optimize.proposers.rewrites.kinds import hashable, immutable, known, of_annotation, spelled
from bloomery.optimize.proposers.rewrites.matching import Match

REMEMBERING: Catalogue = {}
substitution = adding_to(REMEMBERING)


@substitution(
    "remembered-answers",
    "the same question is answered once in each call",
    "SELF_(A_)",
    "SELF_(A_, B_)",
    "SELF_(A_, B_, C_)",
)
def remembered(d: Draft, m: Match) -> None:
    """What is remembered lives as long as one call from outside: it cannot grow, and is cold each time.

    It is looked up in the function itself: a cache of functools would stand between it and itself, and the
    recursion limit would be met at half of the depth.
    """
    function = d.scope.function
    inside = "<locals>" in d.scope.name
    d.need(m.name("SELF_") == function.name, "it does not call itself")
    d.need(inside or d.scope.name == function.name, "a method")
    calls = [node for node in ast.walk(function) if _calls(node, function.name)]
    d.need(m.node is calls[0] and (len(calls) > 1 or d.scope.loops(m.node)), "it asks once")
    given = function.args
    d.need(
        not (given.vararg or given.kwarg or given.kwonlyargs or given.defaults or function.decorator_list),
        "arguments",
    )
    for arg in given.args:
        kind = d.kind(ast.Name(arg.arg, ast.Load()))
        d.need(kind.name not in {"list", "dict", "set"}, "arguments cannot be hashed")
        d.trust(hashable(kind) and "float" not in str(kind), f"{arg.arg} can be hashed")
    assert isinstance(function, ast.FunctionDef)
    _pure(d, function, _fixed_around(d, function) if inside else set())
    for node in ast.walk(function):
        if isinstance(node, ast.Return) and node.value is not None:
            kind = d.kind(node.value)
            d.need(not known(kind) or immutable(kind), "what is returned can be changed")
            d.trust(known(kind), "what is returned cannot be changed")
    d.trust(inside, "the recursion limit is not met to the very frame")
    _looked_up(d, function, inside)


def _fixed_around(d: Draft, function: ast.FunctionDef) -> set[str]:
    """Names of the functions around it that are bound once and keep their value; it is only called there."""
    around = d.program.parents[function]
    while not isinstance(around, FUNCTIONS):
        around = d.program.parents[around]
    d.need(isinstance(around, ast.FunctionDef), "it is not made anew in each call")
    assert isinstance(around, ast.FunctionDef)
    held = [use for use in names([around], function.name) if use not in set(ast.walk(function))]
    functions = {node.func for node in ast.walk(around) if isinstance(node, ast.Call)}
    d.need(all(use in functions for use in held), "it is handed on")
    d.need(not any(isinstance(node, ast.Nonlocal) for node in ast.walk(around)), "bound again inside")
    called = list(unknown_calls(around.body, _real_or(d, function.name)))
    d.trust(not called, "what is called changes nothing")
    given = {arg.arg for arg in around.args.args}
    stores = [use.id for use in names([around]) if not isinstance(use.ctx, ast.Load)]
    plain = [one.targets for one in around.body if isinstance(one, ast.Assign)]  # in no loop
    bound = {target.id for targets in plain for target in targets if isinstance(target, ast.Name)}
    once = {name for name in given | bound if stores.count(name) + (name in given) == 1}
    return once - {name for name, _ in mutations(around.body) if name}


def _real_or(d: Draft, own: str) -> Callable[[str], bool]:
    return lambda name: name == own or d.scope.is_real(name)


def _calls(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def _pure(d: Draft, function: ast.FunctionDef, fixed: set[str]) -> None:
    own = {use.id for use in names([function]) if not isinstance(use.ctx, ast.Load)} | {
        a.arg for a in function.args.args
    }
    for node in ast.walk(function):
        state = (ast.Global, ast.Nonlocal, ast.Yield, ast.Await, ast.Attribute, ast.Lambda, ast.With, ast.Try)
        d.need(not isinstance(node, state), "it may have a state")
        if isinstance(node, ast.Subscript):
            d.need(isinstance(node.ctx, ast.Load), "it stores")
        if (
            isinstance(node, ast.Name)
            and node.id not in own
            and node.id != function.name
            and node not in _annotations(function)
        ):
            d.need(node.id in fixed or d.scope.is_real(node.id), "it reads what others may change")
        if isinstance(node, ast.Call):
            named = isinstance(node.func, ast.Name) and (
                node.func.id == function.name or node.func.id in PURE
            )
            d.need(named, "it calls others")
    d.need(
        d.program.used
        and sum(1 for n in ast.walk(d.program.tree) if getattr(n, "name", None) == function.name) == 1,
        "twice",
    )


def _annotations(function: ast.FunctionDef) -> set[ast.AST]:
    given = [arg.annotation for arg in function.args.args] + [function.returns]
    return {inner for one in given if one is not None for inner in ast.walk(one)}


def _looked_up(d: Draft, function: ast.FunctionDef, inside: bool) -> None:
    """What was answered is asked for first, and every answer that took a call is kept."""
    names_given = [arg.arg for arg in function.args.args]
    stored = {use.id for use in names([function]) if not isinstance(use.ctx, ast.Load)}
    d.need(not stored & set(names_given), "its arguments change")
    d.need(sum(isinstance(node, FUNCTIONS) for node in ast.walk(function)) == 1, "a function in it")
    found, one = d.fresh("known"), len(names_given) == 1
    asked = names_given[0] if one else f"({', '.join(names_given)})"
    first = _begun(d, function, found)
    look = f"if {asked} in {found}:\n    return {found}[{asked}]"
    kept = [
        Edit(*d.program.span(node.value), f"{found}.setdefault({asked}, {_text(d, node.value)})")
        for node in ast.walk(function)
        if isinstance(node, ast.Return)
        and node.value
        and any(isinstance(n, ast.Call) for n in ast.walk(node.value))
    ]
    if inside:  # it is made anew in each call of the function around it, and so is what it knows
        d.before(function, first)
        d.before(_first(function), look)
        d.edits.extend(kept)
    else:
        _nested(d, function, first, look, kept)


def _begun(d: Draft, function: ast.FunctionDef, name: str) -> str:
    """The empty dict, with its kinds where they are known."""
    kinds = [spelled(d.kind(ast.Name(arg.arg, ast.Load()))) for arg in function.args.args]
    answer = spelled(of_annotation(function.returns))
    if answer is None or None in kinds:
        return f"{name} = {{}}"
    key = kinds[0] if len(kinds) == 1 else f"tuple[{', '.join(filter(None, kinds))}]"
    return f"{name}: dict[{key}, {answer}] = {{}}"


def _text(d: Draft, value: ast.expr) -> str:
    text = d.program.text_of(value)
    d.need("#" not in text, "a comment stands inside it")
    return f"({text})" if isinstance(value, ast.Tuple) else text


def _first(function: ast.FunctionDef) -> ast.stmt:
    """The first statement that is no docstring."""
    body = function.body
    docstring = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant) and len(body) > 1
    return body[1] if docstring else body[0]


def _nested(d: Draft, function: ast.FunctionDef, begin: str, look: str, edits: Sequence[Edit]) -> None:
    program, first = d.program, _first(function)
    outer, inner = d.indent(function), d.indent(first)
    d.need(len(inner) > len(outer) and first.lineno > function.lineno, "on one line")
    start = program.starts[first.lineno - 1]
    end = program.span(function)[1]
    text = program.text[start:end]
    d.need('"""' not in text and "'''" not in text, "a text of several lines")
    for edit in sorted(edits, key=lambda one: -one.start):
        text = text[: edit.start - start] + edit.text + text[edit.end - start :]
    step = inner.removeprefix(outer)
    arguments = ", ".join(arg.arg for arg in function.args.args)
    head = [begin, "", f"def {function.name}({arguments}):", *(step + line for line in look.splitlines())]
    deeper = [step + line if line.strip() else line for line in text.split("\n")]
    tail = ["", f"{inner}return {function.name}({arguments})"]
    above = [inner + line if line else line for line in head]
    d.edits.append(Edit(start, end, "\n".join([*above, *deeper, *tail])))
