"""Sums that are computed again and again, or one member at a time."""

import ast

from bloomery.optimize.proposers.rewrites.aliases import binds, names
from bloomery.optimize.proposers.rewrites.catalogue import Catalogue, adding_to
from bloomery.optimize.proposers.rewrites.drafting import Draft
from bloomery.optimize.proposers.rewrites.kinds import exact, known, member
from bloomery.optimize.proposers.rewrites.matching import Match
from bloomery.optimize.proposers.rewrites.moving import (
    all_stay,
    before_loops,
    begins_as,
    is_set,
    left_by,
    stays,
    targets_stay_inside,
)
from bloomery.optimize.proposers.rewrites.scope import COMPREHENSIONS
from bloomery.optimize.proposers.rewrites.signs import at_least

SUMS: Catalogue = {}
rewrite = adding_to(SUMS)


def whole_numbers(d: Draft, node: ast.expr) -> None:
    """A list of whole numbers: their sum is the same in any order."""
    d.is_real("sum", "range", "len")
    d.need(isinstance(node, ast.Name), "not a variable")
    d.is_kind(node, "list", "tuple")
    inner = member(d.kind(node))
    d.need(inner.name in {"int", "?", "float"}, "not numbers")
    d.trust(inner.name == "int", f"{ast.unparse(node)} holds whole numbers")


@rewrite(
    "running-sum",
    "each inner sum begins anew; a running sum adds one member",
    "for J_ in range(I_ + 1, len(XS_) + 1):\n BODY_",
    "for J_ in range(I_, len(XS_)):\n BODY_",
    "for J_ in range(I_ + 1, len(XS_)):\n BODY_",
)
def running_sum(d: Draft, m: Match) -> None:
    loop, name, end, start = m.statements[0], m.name("XS_"), m.name("J_"), m.name("I_")
    assert isinstance(loop, ast.For)
    d.need(name and end and start and not loop.orelse, "not variables")
    assert name
    assert end
    assert start
    body = m.body("BODY_")
    wanted = f"sum({name}[{start}:{end}])" if m.shape != 1 else f"sum({name}[{start}:{end} + 1])"
    sums = [
        node
        for one in body
        for node in ast.walk(one)
        if isinstance(node, ast.Call) and ast.unparse(node) == wanted
    ]
    d.need(sums and m.shape != 2, "no sum inside")
    whole_numbers(d, m["XS_"])
    for one in (name, start):
        stays(d, one, *body)
    d.need(not binds(body, end) and at_least(d, m["I_"], 0), "it may begin at the end")
    left_by(d, loop, end)
    total, item = d.fresh("total"), d.fresh("item")
    for node in sums:
        d.replace(node, total)
    summed = {id(inner) for node in sums for inner in ast.walk(node)}
    reads = any(id(use) not in summed for use in names(body, end))
    d.before(loop, f"{total} = 0")
    d.replace(loop.target, f"{end}, {item}" if reads else item)
    first = d.fill("I_ + 1") if m.shape == 0 else start
    d.replace(loop.iter, f"enumerate({name}[{start}:], {first})" if reads else f"{name}[{start}:]")
    if reads:
        d.is_real("enumerate")
    d.before(body[0], f"{total} += {item}")


WINDOW = "sum(XS_[I_:I_ + K_])"


@rewrite(
    "sliding-windows",
    "windows overlap: two running totals give each by one subtraction",
    f"[{WINDOW} for I_ in range(len(XS_) - K_ + 1)]",
    f"({WINDOW} for I_ in range(len(XS_) - K_ + 1))",
    f"[{WINDOW} for I_ in range(0, len(XS_) - K_ + 1)]",
)
def sliding_windows(d: Draft, m: Match) -> None:
    whole_numbers(d, m["XS_"])
    _window(d, m)
    statement = d.scope.statement(m.node)
    d.need(not isinstance(statement, ast.While), "evaluated again")
    if m.shape == 1:
        call = d.program.parents[m.node]
        drained = (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Name)
            and call.func.id in {"max", "min", "sum", "list", "sorted"}
        )
        d.need(drained and d.scope.is_real(call.func.id), "it may be left unread")  # type: ignore[attr-defined]
    _keeps_order(d, m.node, statement)
    totals = d.fresh("totals")
    a, b = d.fresh("before"), d.fresh("after")
    is_set(d, m.name("XS_") or "", statement)
    d.need(
        not any(isinstance(outer, COMPREHENSIONS) for outer in d.scope.up(m.node)), "inside a comprehension"
    )
    d.before(statement, d.fill(f"{totals} = [0, *{d.use('itertools.accumulate')}(XS_)]"))
    made = d.fill(f"{b} - {a} for {a}, {b} in zip({totals}, {totals}[K_:])")
    d.is_real("zip")
    d.replace(m.node, f"([{made}])" if m.shape == 1 else f"[{made}]")


def _window(d: Draft, m: Match) -> None:
    d.need(isinstance(m["K_"], ast.Name | ast.Constant), "computed")
    d.is_kind(m["K_"], "int")
    d.trust(at_least(d, m["K_"], 0, m.nodes[0]), f"{ast.unparse(m['K_'])} is not negative")


def _keeps_order(d: Draft, node: ast.expr, statement: ast.stmt) -> None:
    """Nothing that the statement does before the node can change what is computed earlier now."""
    others = [
        use
        for use in ast.walk(statement)
        if isinstance(use, ast.Call | ast.NamedExpr | ast.Await | ast.Yield)
    ]
    inside = {id(inner) for inner in ast.walk(node)}
    for call in others:
        if id(call) not in inside:
            plain = (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Name)
                and d.scope.is_real(call.func.id)
            )
            method = (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Attribute)
                and known(d.kind(call.func.value))
            )
            d.need(plain or method, "something is called before")


@rewrite(
    "sliding-window-loop",
    "windows overlap: two running totals give each by one subtraction",
    f"for I_ in range(len(XS_) - K_ + 1):\n OUT_.append({WINDOW})",
    f"for I_ in range(0, len(XS_) - K_ + 1):\n OUT_.append({WINDOW})",
)
def sliding_window_loop(d: Draft, m: Match) -> None:
    loop, name = m.statements[0], m.name("OUT_")
    assert isinstance(loop, ast.For)
    d.need(
        name and d.scope.is_own(name) and not loop.orelse and name != m.name("XS_"), "not a list made here"
    )
    whole_numbers(d, m["XS_"])
    d.need(isinstance(m["K_"], ast.Name | ast.Constant), "computed")
    d.is_kind(m["K_"], "int")
    targets_stay_inside(d, loop)
    d.is_real("zip")
    totals, a, b = d.fresh("totals"), d.fresh("before"), d.fresh("after")
    fast = d.fill(
        f"{totals} = [0, *{d.use('itertools.accumulate')}(XS_)]\n"
        f"OUT_.extend([{b} - {a} for {a}, {b} in zip({totals}, {totals}[K_:])])"
    )
    if at_least(d, m["K_"], 0, loop):
        d.replace_run([loop], fast)
        return
    as_before = d.fill(f"OUT_.extend([{WINDOW} for I_ in range(len(XS_) - K_ + 1)])")
    branches = f"if K_ >= 0:\n{_in(fast)}\nelse:\n{_in(as_before)}"
    d.replace_run([loop], d.fill(branches))


def _in(code: str) -> str:
    return "\n".join("    " + line for line in code.splitlines())


@rewrite(
    "prefix-sums",
    "sums of slices are differences of running totals",
    "sum(XS_[A_:B_])",
)
def prefix_sums(d: Draft, m: Match) -> None:
    name = d.variable(m.name("XS_"))
    whole_numbers(d, m["XS_"])
    d.simple(m["A_"])
    d.simple(m["B_"])
    statement = before_loops(d, m.node, name)
    low = at_least(d, m["A_"], 0, m.node) and at_least(d, m["B_"], 0, m.node)
    d.trust(low, "no end of a slice is negative")
    d.trust(False, "the slice ends within the list, and not before it begins")
    totals = d.fresh(f"{name}_totals")
    d.before(statement, f"{totals} = [0, *{d.use('itertools.accumulate')}({name})]")
    d.replace(m.node, d.fill(f"({totals}[B_] - {totals}[A_])"))


@rewrite(
    "sum-loop",
    "sum adds without running a loop",
    "for X_ in XS_:\n S_ += E_",
    "for X_ in XS_:\n S_ = S_ + E_",
    "for X_ in XS_:\n if C_:\n  S_ += E_",
)
def sum_loop(d: Draft, m: Match) -> None:
    loop, name = m.statements[0], m.name("S_")
    assert isinstance(loop, ast.For)
    d.need(
        name and d.scope.is_local(name) and name not in d.scope.escaping and not loop.orelse, "seen elsewhere"
    )
    assert name
    d.is_real("sum")
    d.need(exact(d.kind(m["S_"])) or not known(d.kind(m["S_"])), "floats come out otherwise in another order")
    d.need(not list(names([m["E_"], m["XS_"], m["X_"]], name)), "read inside")
    for part in ("E_", "C_"):
        if part in m:
            d.need(not list(names([m[part]], name)), "read inside")
            d.simple(m[part])
    begins_as(d, name, "int")
    for number in ("S_", "E_"):
        d.trust(exact(d.kind(m[number])), f"{ast.unparse(m[number])} is a whole number")
    targets_stay_inside(d, loop)
    _not_shown(d, loop)
    plain = ast.unparse(m["E_"]) == ast.unparse(m["X_"]) and "C_" not in m
    counted = isinstance(m["E_"], ast.Constant) and m["E_"].value == 1 and "C_" in m
    if counted:
        d.is_real("len")
        d.replace_run([loop], d.fill("S_ += len([1 for X_ in XS_ if C_])"))
    elif plain:
        d.replace_run([loop], d.fill("S_ += sum(XS_)"))
    else:
        condition = " if C_" if "C_" in m else ""
        d.replace_run([loop], d.fill(f"S_ += sum([E_ for X_ in XS_{condition}])"))


def _not_shown(d: Draft, loop: ast.stmt) -> None:
    d.need(
        not any(isinstance(outer, ast.Try) for outer in d.scope.up(loop)),
        "an exception may show the unfinished sum",
    )


@rewrite(
    "sum-of-range",
    "the sum of consecutive numbers has a formula",
    "sum(range(N_))",
    "sum(range(A_, N_))",
    "sum(I_ for I_ in range(A_, N_))",
    "sum([I_ for I_ in range(A_, N_)])",
)
def sum_of_range(d: Draft, m: Match) -> None:
    d.is_real("sum", "range")
    d.replace(m.node, f"({_formula(d, m)})")


@rewrite(
    "sum-of-range-loop",
    "the sum of consecutive numbers has a formula",
    "for I_ in range(N_):\n S_ += I_",
    "for I_ in range(A_, N_):\n S_ += I_",
    "for I_ in range(A_, N_):\n S_ = S_ + I_",
)
def sum_of_range_loop(d: Draft, m: Match) -> None:
    loop, name = m.statements[0], m.name("S_")
    assert isinstance(loop, ast.For)
    d.need(name and name != m.name("I_") and not loop.orelse and d.scope.is_local(name), "not a variable")
    assert name
    d.is_real("range")
    d.need(not d.scope.uses(name, [loop.iter]), "read inside")
    d.need(exact(d.kind(m["S_"])) or not known(d.kind(m["S_"])), "floats are rounded at each step")
    begins_as(d, name, "int")
    d.trust(exact(d.kind(m["S_"])), f"{name} is a whole number")
    targets_stay_inside(d, loop)
    d.replace_run([loop], d.fill(f"S_ += {_formula(d, m)}"))


def _formula(d: Draft, m: Match) -> str:
    for part in ("A_", "N_"):
        if part in m:
            d.simple(m[part])
            d.is_kind(m[part], "int", "bool")
    if "A_" not in m or ast.unparse(m["A_"]) in {"0", "1"}:
        d_low = 0
        plus = (
            isinstance(m["N_"], ast.BinOp)
            and isinstance(m["N_"].op, ast.Add)
            and ast.unparse(m["N_"].right) == "1"
        )
        if plus and isinstance(m["N_"], ast.BinOp):
            top = d.text(m["N_"].left)
            return f"{top} * ({top} + 1) // 2 if {top} > {d_low} else 0"
        return d.fill("N_ * (N_ - 1) // 2 if N_ > 0 else 0")
    return d.fill("(A_ + N_ - 1) * (N_ - A_) // 2 if N_ > A_ else 0")


@rewrite(
    "greater-of-two",
    "a comparison costs less than a call",
    "BEST_ = max(BEST_, E_)",
    "BEST_ = max(E_, BEST_)",
    "BEST_ = min(BEST_, E_)",
    "BEST_ = min(E_, BEST_)",
)
def greater_of_two(d: Draft, m: Match) -> None:
    d.is_real("max", "min")
    d.need(m.name("BEST_") and d.scope.loops(m.nodes[0]), "it stands in no loop")
    d.need(not isinstance(m["E_"], ast.Starred), "several")
    for node in ("BEST_", "E_"):
        kind = d.kind(m[node])
        d.need(kind.name in {"int", "?", "str"}, "equal ones may differ")
        d.trust(kind.name in {"int", "str"}, f"{ast.unparse(m[node])} is a whole number")
    sign = ">" if m.shape < 2 else "<"
    if isinstance(m["E_"], ast.Name):
        d.replace_run(m.statements, d.fill(f"if E_ {sign} BEST_:\n    BEST_ = E_"))
        return
    value = d.fresh("value")
    d.replace_run(m.statements, d.fill(f"{value} = E_\nif {value} {sign} BEST_:\n    BEST_ = {value}"))


@rewrite(
    "hoisted-call",
    "the same value is computed again in each turn of the loop",
    *(f"{name}(XS_)" for name in ("sum", "sorted", "set", "max", "min", "tuple", "list", "frozenset")),
    "len(set(XS_))",
)
def hoisted_call(d: Draft, m: Match) -> None:
    name = d.variable(m.name("XS_"))
    assert isinstance(m.node, ast.Call)
    assert isinstance(m.node.func, ast.Name)
    function = m.node.func.id
    d.is_real(function, "set", "len")
    d.is_kind(m["XS_"], "list", "tuple", "set", "frozenset", "dict")
    d.trust(known(member(d.kind(m["XS_"]))), f"what {name} holds is of builtin kinds")
    if function in {"sorted", "set", "list"}:
        outer = d.program.parents[m.node]
        tested = isinstance(outer, ast.Compare) and m.node in outer.comparators
        d.need(
            tested or (isinstance(outer, ast.Subscript) and not isinstance(outer.slice, ast.Slice)),
            "it may be changed",
        )
    if function in {"max", "min"}:
        d.trust(False, f"{name} is not empty, or the loop never runs")
    if function == "sorted":
        d.trust(member(d.kind(m["XS_"])).name in {"int", "str"}, "its members can be compared")
    statement = before_loops(d, m.node, name)
    all_stay(d, m["XS_"], statement)
    value = d.fresh(f"{name}_{function}")
    d.before(statement, f"{value} = {d.program.text_of(m.node)}")
    d.replace(m.node, value)
