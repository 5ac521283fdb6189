"""Arithmetic on whole numbers that has a shorter way."""

import ast

from bloomery.optimize.proposers.rewrites.aliases import binds, names
from bloomery.optimize.proposers.rewrites.catalogue import Catalogue, adding_to
from bloomery.optimize.proposers.rewrites.drafting import Draft
from bloomery.optimize.proposers.rewrites.matching import Match
from bloomery.optimize.proposers.rewrites.moving import left_by, targets_stay_inside
from bloomery.optimize.proposers.rewrites.signs import at_least

NUMBERS: Catalogue = {}
rewrite = adding_to(NUMBERS)
UP_TO = ("range(2, N_)", "range(2, N_ // 2 + 1)")
TESTED = ("N_ % D_ == 0", "not N_ % D_")


@rewrite(
    "divide-up-to-root",
    "a number with a divisor has one no greater than its root",
    *(f"for D_ in {upto}:\n if {test}:\n  BODY_" for upto in UP_TO for test in TESTED),
)
def divide_up_to_root(d: Draft, m: Match) -> None:
    loop, body = m.statements[0], m.body("BODY_")
    assert isinstance(loop, ast.For)
    d.need(m.name("N_") and m.name("D_"), "not variables")
    d.is_real("range", "max")
    d.need(not loop.orelse or isinstance(body[-1], ast.Break), "an else")
    d.need(not binds(body, m.name("N_") or "") and not binds(body, m.name("D_") or ""), "bound inside")
    d.need(isinstance(body[-1], ast.Return | ast.Break), "all divisors are used")
    d.need(_plain(body[:-1]), "other statements")
    returned = body[-1].value if isinstance(body[-1], ast.Return) else None
    d.need(returned is None or d.scope.is_simple(returned), "what is returned has effects")
    targets_stay_inside(d, loop)
    d.is_kind(m["N_"], "int")
    d.replace(loop.iter, _to_root(d, m, 2))


def _plain(body: list[ast.stmt]) -> bool:
    return all(isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant) for one in body)


def _to_root(d: Draft, m: Match, start: int) -> str:
    root = d.use("math.isqrt")
    if at_least(d, m["N_"], 0, m.nodes[0]):
        return d.fill(f"range({start}, {root}(N_) + 1)")
    return d.fill(f"range({start}, {root}(max(N_, 0)) + 1)")


@rewrite(
    "divide-up-to-root-while",
    "a number with a divisor has one no greater than its root",
    *(f"while D_ < N_:\n if {test}:\n  BODY_\n D_ += 1" for test in TESTED),
)
def divide_up_to_root_while(d: Draft, m: Match) -> None:
    loop, body, divisor = m.statements[0], m.body("BODY_"), m.name("D_")
    assert isinstance(loop, ast.While)
    d.need(
        divisor and m.name("N_") and not binds(body, divisor) and not binds(body, m.name("N_") or ""),
        "bound inside",
    )
    assert divisor
    first = d.scope.initial(divisor, loop)
    d.need(
        first and isinstance(first.value, ast.Constant) and first.value.value == 2, "it does not begin with 2"
    )
    d.need(isinstance(body[-1], ast.Return | ast.Break) and _plain(body[:-1]), "all divisors are used")
    left_by(d, loop, divisor)
    d.is_kind(m["N_"], "int")
    d.is_real("range", "max")
    inner = loop.body[0]
    d.replace_run([loop], f"for {divisor} in {_to_root(d, m, 2)}:\n    {_relative(d, inner)}")


def _relative(d: Draft, statement: ast.stmt) -> str:
    """Its text as it stands, deeper by what the new header adds."""
    text = d.program.text_of(statement)
    d.need("#" not in text, "a comment stands inside it")
    own, loop = d.indent(statement), d.indent(d.match.statements[0])
    return "\n".join(
        line
        if i == 0
        else "    " + line.removeprefix(own)
        if line.startswith(own)
        else line.removeprefix(loop)
        for i, line in enumerate(text.splitlines())
    )


@rewrite(
    "all-up-to-root",
    "a number with a divisor has one no greater than its root",
    *(
        f"{call}({test} for D_ in range(2, N_))"
        for call in ("any", "all")
        for test in ("N_ % D_ == 0", "N_ % D_", "N_ % D_ != 0")
    ),
)
def all_up_to_root(d: Draft, m: Match) -> None:
    d.need(m.shape in (0, 4, 5), "not about having a divisor")
    d.need(m.name("N_") and m.name("D_"), "not variables")
    d.is_real("any", "all", "range", "max")
    d.is_kind(m["N_"], "int")
    generator = next(inner for inner in ast.walk(m.node) if isinstance(inner, ast.comprehension))
    d.replace(generator.iter, _to_root(d, m, 2))


@rewrite(
    "paired-divisors",
    "each divisor below the root has its partner above",
    "[D_ for D_ in range(1, N_ + 1) if N_ % D_ == 0]",
    "[D_ for D_ in range(1, N_ + 1) if not N_ % D_]",
)
def paired_divisors(d: Draft, m: Match) -> None:
    statement = d.scope.statement(m.node)
    simple = isinstance(statement, ast.Return | ast.Assign | ast.AnnAssign) and statement.value is m.node
    d.need(simple, "part of a greater expression")
    low = _low_divisors(d, m)
    d.before(statement, low[1])
    d.replace(m.node, d.fill(f"{low[0]} + [N_ // D_ for D_ in reversed({low[0]}) if D_ * D_ != N_]"))


@rewrite(
    "paired-divisors-loop",
    "each divisor below the root has its partner above",
    "for D_ in range(1, N_ + 1):\n if N_ % D_ == 0:\n  OUT_.append(D_)",
    "for D_ in range(1, N_ + 1):\n if not N_ % D_:\n  OUT_.append(D_)",
)
def paired_divisors_loop(d: Draft, m: Match) -> None:
    loop, name = m.statements[0], m.name("OUT_")
    assert isinstance(loop, ast.For)
    d.need(
        name and d.scope.is_own(name) and d.kind(m["OUT_"]).name == "list" and not loop.orelse,
        "not a list made here",
    )
    targets_stay_inside(d, loop)
    low, code = _low_divisors(d, m)
    high = d.fill(f"OUT_ += {low} + [N_ // D_ for D_ in reversed({low}) if D_ * D_ != N_]")
    d.replace_run([loop], f"{code}\n{high}")


@rewrite(
    "summed-divisors-loop",
    "each divisor below the root has its partner above",
    "for D_ in range(1, N_ + 1):\n if N_ % D_ == 0:\n  S_ += E_",
)
def summed_divisors_loop(d: Draft, m: Match) -> None:
    loop, name = m.statements[0], m.name("S_")
    assert isinstance(loop, ast.For)
    d.need(name and d.scope.is_local(name) and not loop.orelse and name != m.name("N_"), "not a variable")
    one = isinstance(m["E_"], ast.Constant) and m["E_"].value == 1
    d.need(one or m.name("E_") == m.name("D_"), "another sum")
    d.is_kind(m["S_"], "int")
    targets_stay_inside(d, loop)
    low, code = _low_divisors(d, m)
    high = d.fill(f"[N_ // D_ for D_ in {low} if D_ * D_ != N_]")
    total = f"len({low}) + len({high})" if one else f"sum({low}) + sum({high})"
    d.is_real("len", "sum")
    d.replace_run([loop], d.fill(f"{code}\nS_ += {total}"))


def _low_divisors(d: Draft, m: Match) -> tuple[str, str]:
    d.need(m.name("N_") and m.name("D_") and m.name("N_") != m.name("D_"), "not variables")
    d.is_real("range", "reversed", "max")
    d.is_kind(m["N_"], "int")
    low = d.fresh("low")
    return low, d.fill(f"{low} = [D_ for D_ in {_to_root(d, m, 1)} if N_ % D_ == 0]")


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
    d.trust(at_least(d, m["M_"], 1, loop), f"{ast.unparse(m['M_'])} is not 0")
    d.replace_run([loop], d.fill("if B_ > 0:\n    R_ = R_ * pow(A_, B_, M_) % M_"))


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
