"""Sums of parts of a list that are computed again for each part."""

import ast

from bloomery.optimize.proposers.rewrites.aliases import binds, names
from bloomery.optimize.proposers.rewrites.catalogue import Catalogue, adding_to
from bloomery.optimize.proposers.rewrites.drafting import Draft
from bloomery.optimize.proposers.rewrites.kinds import known, member
from bloomery.optimize.proposers.rewrites.matching import Match
from bloomery.optimize.proposers.rewrites.moving import (
    before_loops,
    is_set,
    left_by,
    stays,
    targets_stay_inside,
)
from bloomery.optimize.proposers.rewrites.owning import made_here
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
    loop = m.statements[0]
    assert isinstance(loop, ast.For)
    name = made_here(d, "OUT_", loop)
    d.need(name != m.name("XS_"), "it runs over itself")
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
