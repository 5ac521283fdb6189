"""What itertools and functools know about sequences and about calls."""

import ast
from collections.abc import Callable

from bloomery.optimize.proposers.rewrites.aliases import FUNCTIONS, PURE, mutations, names, unknown_calls
from bloomery.optimize.proposers.rewrites.catalogue import Catalogue, adding_to
from bloomery.optimize.proposers.rewrites.drafting import Draft, Edit
from bloomery.optimize.proposers.rewrites.kinds import hashable, immutable, known, member
from bloomery.optimize.proposers.rewrites.matching import Match
from bloomery.optimize.proposers.rewrites.moving import begins_as, left_by, targets_stay_inside
from bloomery.optimize.proposers.rewrites.owning import made_here

ITERATING: Catalogue = {}
substitution = adding_to(ITERATING)


@substitution(
    "itertools-chain", "sum copies the list for each that it adds", "sum(XS_, [])", "sum(XS_, start=[])"
)
def chained(d: Draft, m: Match) -> None:
    d.is_real("sum", "list")
    inner = member(d.kind(m["XS_"]))
    d.need(inner.name in {"list", "?"}, "not of lists")
    d.trust(inner.name == "list", "all members are lists")
    d.replace(m.node, d.fill(f"list({d.use('itertools.chain')}.from_iterable(XS_))"))


@substitution(
    "itertools-chain-loop",
    "the list is copied for each that is added",
    "for X_ in XS_:\n OUT_ = OUT_ + X_",
    "for X_ in XS_:\n OUT_.extend(X_)",
    "for X_ in XS_:\n OUT_ += X_",
)
def chained_loop(d: Draft, m: Match) -> None:
    loop = m.statements[0]
    assert isinstance(loop, ast.For)
    name = made_here(d, "OUT_", loop)
    begins_as(d, name, "list")
    d.need(not d.scope.uses(name, [m["XS_"]]), "it reads itself")
    inner = member(d.kind(m["XS_"]))
    d.need(inner.name in {"list", "?"}, "not of lists")
    d.trust(inner.name == "list", "all members are lists")
    targets_stay_inside(d, loop)
    d.replace_run([loop], d.fill(f"OUT_.extend({d.use('itertools.chain')}.from_iterable(XS_))"))


PREFIXES = ("XS_[:I_ + 1]", "XS_[0:I_ + 1]")


@substitution(
    "itertools-accumulate",
    "each sum begins anew; accumulate goes on from the last",
    *(f"[sum({one}) for I_ in range(len(XS_))]" for one in PREFIXES),
    "[sum(XS_[:I_]) for I_ in range(1, len(XS_) + 1)]",
)
def accumulated(d: Draft, m: Match) -> None:
    d.replace(m.node, _accumulated(d, m))


@substitution(
    "itertools-accumulate-loop",
    "each sum begins anew; accumulate goes on from the last",
    *(f"for I_ in range(len(XS_)):\n OUT_.append(sum({one}))" for one in PREFIXES),
    "for I_ in range(1, len(XS_) + 1):\n OUT_.append(sum(XS_[:I_]))",
    "for I_ in range(len(XS_)):\n S_ = 0\n for J_ in range(I_ + 1):\n  S_ += XS_[J_]\n OUT_.append(S_)",
    "for I_ in range(len(XS_)):\n S_ = 0\n for X_ in XS_[:I_ + 1]:\n  S_ += X_\n OUT_.append(S_)",
)
def accumulated_loop(d: Draft, m: Match) -> None:
    loop = m.statements[0]
    assert isinstance(loop, ast.For)
    name = made_here(d, "OUT_", loop)
    d.need(name != m.name("XS_"), "it runs over itself")
    begins_as(d, name or "", "list")
    targets_stay_inside(d, loop)
    for inner in ("S_", "J_", "X_"):
        if inner in m:
            d.need(
                m.name(inner) and m.name(inner) not in (name, m.name("XS_"), m.name("I_")), "one name for two"
            )
            left_by(d, loop, m.name(inner) or "")
    d.replace_run([loop], d.fill(f"OUT_.extend({_accumulated(d, m)})"))


def _accumulated(d: Draft, m: Match) -> str:
    """From 0, as sum begins: so the first is a whole number even where the list holds a truth value."""
    d.need(m.name("XS_") and m.name("I_"), "not variables")
    d.is_real("sum", "range", "len", "list")
    d.is_kind(m["XS_"], "list", "tuple")
    inner = member(d.kind(m["XS_"]))
    d.need(inner.name in {"int", "?"}, "floats come out otherwise in another order")
    d.trust(inner.name == "int", "it holds whole numbers")
    return d.fill(f"list({d.use('itertools.accumulate')}(XS_, initial=0))[1:]")


@substitution(
    "functools-cache",
    "the same question is answered once in each call",
    "SELF_(A_)",
    "SELF_(A_, B_)",
    "SELF_(A_, B_, C_)",
)
def remembered(d: Draft, m: Match) -> None:
    """The cache lives as long as one call from outside, so that it cannot grow, and is cold each time."""
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
    d.trust(False, "it does not go so deep that the recursion limit is met elsewhere")
    if inside:  # it is made anew in each call of the function around it, and so is its cache
        d.before(function, f"@{d.use('functools.cache')}")
    else:
        _nested(d, function)


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


def _nested(d: Draft, function: ast.FunctionDef) -> None:
    program = d.program
    body = function.body
    docstring = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant) and len(body) > 1
    first = body[1] if docstring else body[0]
    outer, inner = d.indent(function), d.indent(first)
    d.need(len(inner) > len(outer) and first.lineno > function.lineno, "on one line")
    start = program.starts[first.lineno - 1]
    end = program.span(function)[1]
    lines = program.text[start:end].split("\n")
    d.need(
        '"""' not in program.text[start:end] and "'''" not in program.text[start:end],
        "a text of several lines",
    )
    step = inner.removeprefix(outer)
    arguments = ", ".join(arg.arg for arg in function.args.args)
    head = [f"{inner}@{d.use('functools.cache')}", f"{inner}def {function.name}({arguments}):"]
    deeper = [step + line if line.strip() else line for line in lines]
    tail = ["", f"{inner}return {function.name}({arguments})"]
    d.edits.append(Edit(start, end, "\n".join([*head, *deeper, *tail])))
