"""Sums, extremes and calls that need no loop of their own, or not in every turn."""

import ast

from bloomery.optimize.proposers.rewrites.aliases import names
from bloomery.optimize.proposers.rewrites.catalogue import Catalogue, adding_to
from bloomery.optimize.proposers.rewrites.drafting import Draft
from bloomery.optimize.proposers.rewrites.kinds import exact, known, member
from bloomery.optimize.proposers.rewrites.matching import Match
from bloomery.optimize.proposers.rewrites.moving import (
    all_stay,
    before_loops,
    begins_as,
    targets_stay_inside,
)
from bloomery.optimize.proposers.rewrites.owning import seen_here

TOTALS: Catalogue = {}
rewrite = adding_to(TOTALS)


@rewrite(
    "sum-loop",
    "sum adds without running a loop",
    "for X_ in XS_:\n S_ += E_",
    "for X_ in XS_:\n S_ = S_ + E_",
    "for X_ in XS_:\n if C_:\n  S_ += E_",
)
def sum_loop(d: Draft, m: Match) -> None:
    loop = m.statements[0]
    assert isinstance(loop, ast.For)
    name = seen_here(d, "S_", loop)
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
