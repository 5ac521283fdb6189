"""Arithmetic on whole numbers that has a shorter way."""

import ast

from bloomery.optimize.proposers.rewrites.aliases import names
from bloomery.optimize.proposers.rewrites.catalogue import Catalogue, adding_to
from bloomery.optimize.proposers.rewrites.drafting import Draft
from bloomery.optimize.proposers.rewrites.matching import Match
from bloomery.optimize.proposers.rewrites.moving import targets_stay_inside
from bloomery.optimize.proposers.rewrites.signs import at_least

NUMBERS: Catalogue = {}
rewrite = adding_to(NUMBERS)


@rewrite("modular-power", "pow keeps the numbers small", "A_ ** B_ % M_", "pow(A_, B_) % M_")
def modular_power(d: Draft, m: Match) -> None:
    d.is_real("pow")
    for part in ("A_", "B_", "M_"):
        d.is_kind(m[part], "int")
        d.simple(m[part])
    safe = at_least(d, m["B_"], 0, m.node) and at_least(d, m["M_"], 1, m.node)
    fast = d.fill("pow(A_, B_, M_)")
    if safe:
        d.replace(m.node, fast)
        return
    plain = all(isinstance(m[part], ast.Name | ast.Constant) for part in ("A_", "B_", "M_"))
    d.need(plain, "computed twice")
    d.replace(m.node, d.fill(f"({fast} if B_ >= 0 and M_ else A_ ** B_ % M_)"))


@rewrite(
    "modular-power-loop",
    "pow squares instead of multiplying one by one",
    "for I_ in range(B_):\n R_ = R_ * A_ % M_",
    "for I_ in range(B_):\n R_ = (A_ * R_) % M_",
)
def modular_power_loop(d: Draft, m: Match) -> None:
    loop = m.statements[0]
    assert isinstance(loop, ast.For)
    result = m.name("R_")
    d.need(result and d.scope.is_local(result) and not loop.orelse, "not a variable")
    assert result
    d.is_real("range", "pow")
    for part in ("A_", "B_", "M_"):
        d.need(isinstance(m[part], ast.Name | ast.Constant), "computed each time")
        d.need(m.name(part) not in (result, m.name("I_")), "changes")
        d.is_kind(m[part], "int")
    d.is_kind(m["R_"], "int")
    targets_stay_inside(d, loop)
    power = "pow(A_, B_, M_)" if at_least(d, m["M_"], 1, loop) else "(pow(A_, B_, M_) if M_ else A_)"
    d.replace_run([loop], d.fill(f"if B_ > 0:\n    R_ = R_ * {power} % M_"))  # divided by 0 as it was


@rewrite("greatest-common-divisor", "the library knows Euclid", "while B_:\n A_, B_ = B_, A_ % B_")
def greatest_common_divisor(d: Draft, m: Match) -> None:
    a, b = m.name("A_"), m.name("B_")
    loop = m.statements[0]
    assert isinstance(loop, ast.While)
    d.need(a and b and d.scope.is_local(a) and d.scope.is_local(b) and not loop.orelse, "not variables")
    for part in ("A_", "B_"):
        d.is_kind(m[part], "int")
        d.trust(at_least(d, m[part], 0, loop), f"{ast.unparse(m[part])} is not negative")
    read = _read_later(d, loop, b or "")
    gcd = d.use("math.gcd")
    d.replace_run([loop], d.fill(f"A_, B_ = {gcd}(A_, B_), 0" if read else f"A_ = {gcd}(A_, B_)"))


def _read_later(d: Draft, loop: ast.stmt, name: str) -> bool:
    inside = {id(use) for use in names([loop], name)}
    again = bool(d.scope.loops(loop))
    return any(
        id(use) not in inside and isinstance(use.ctx, ast.Load) and (again or use.lineno > loop.lineno)
        for use in d.scope.uses(name)
    )


@rewrite("bit-count", "bit_count counts without writing the number down", 'bin(X_).count("1")')
def bit_count(d: Draft, m: Match) -> None:
    d.is_real("bin")
    d.is_kind(m["X_"], "int", "bool")
    d.need(not isinstance(m["X_"], ast.Constant), "a constant")
    d.replace(m.node, d.fill("X_.bit_count()"))
