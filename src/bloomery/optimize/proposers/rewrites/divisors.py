"""Divisors of a number: none has to be looked for beyond its root."""

import ast

from bloomery.optimize.proposers.rewrites.aliases import binds, names
from bloomery.optimize.proposers.rewrites.catalogue import Catalogue, adding_to
from bloomery.optimize.proposers.rewrites.drafting import Draft
from bloomery.optimize.proposers.rewrites.matching import Match
from bloomery.optimize.proposers.rewrites.moving import left_by, targets_stay_inside
from bloomery.optimize.proposers.rewrites.signs import at_least

DIVISORS: Catalogue = {}
rewrite = adding_to(DIVISORS)
HALF = ("N_ // 2 + 1", "int(N_ / 2) + 1")
UP_TO = ("range(2, N_)", *(f"range(2, {half})" for half in HALF))
TESTED = ("N_ % D_ == 0", "not N_ % D_")
ALL = "range(1, N_ + 1)"
PROPER = ("range(1, N_)", *(f"range(1, {half})" for half in HALF))
"""Of all divisors the number itself is left out."""


@rewrite(
    "divide-up-to-root",
    "a number with a divisor has one no greater than its root",
    *(
        f"for D_ in {upto}:\n if {test}:\n  BODY_{rest}"
        for upto in UP_TO
        for test in TESTED
        for rest in ("", "\nelse:\n BODYELSE_")
    ),
)
def divide_up_to_root(d: Draft, m: Match) -> None:
    loop, body = m.statements[0], m.body("BODY_")
    assert isinstance(loop, ast.For)
    d.need(m.name("N_") and m.name("D_"), "not variables")
    d.is_real("range", "max")
    d.need(not binds(body, m.name("N_") or "") and not binds(body, m.name("D_") or ""), "bound inside")
    d.need(_plain(body) or isinstance(body[-1], ast.Return | ast.Break), "all divisors are used")
    d.need(_plain(body[:-1]), "other statements")
    returned = body[-1].value if isinstance(body[-1], ast.Return) else None
    d.need(returned is None or d.scope.is_simple(returned), "what is returned has effects")
    targets_stay_inside(d, loop)
    d.need(not list(names(loop.orelse, m.name("D_"))), "the divisor is read after the loop")
    d.is_kind(m["N_"], "int")
    _halved(d, loop.iter)
    d.replace(loop.iter, _to_root(d, m, 2))


def _halved(d: Draft, numbers: ast.expr) -> None:
    """Half a number as a float is the same up to what floats can hold."""
    halves = [one for one in ast.walk(numbers) if isinstance(one, ast.Div)]
    d.need(not halves or d.scope.is_real("int"), "int is not the builtin")
    d.trust(not halves, "the number is no larger than floats can hold")


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
    *(f"[D_ for D_ in {upto} if {test}]" for upto in (ALL, *PROPER) for test in TESTED),
)
def paired_divisors(d: Draft, m: Match) -> None:
    statement = d.scope.statement(m.node)
    simple = isinstance(statement, ast.Return | ast.Assign | ast.AnnAssign) and statement.value is m.node
    d.need(simple, "part of a greater expression")
    low = _low_divisors(d, m)
    d.before(statement, low[1])
    d.replace(m.node, _listed(d, m, low[0]))


def _listed(d: Draft, m: Match, low: str) -> str:
    every = d.fill(f"{low} + [N_ // D_ for D_ in reversed({low}) if D_ * D_ != N_]")
    return f"({every})[:-1]" if _is_proper(m) else every


def _is_proper(m: Match) -> bool:
    return m.shape >= len(TESTED)


@rewrite(
    "paired-divisors-loop",
    "each divisor below the root has its partner above",
    *(f"for D_ in {upto}:\n if {test}:\n  OUT_.append(D_)" for upto in (ALL, *PROPER) for test in TESTED),
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
    d.replace_run([loop], f"{code}\n{name} += {_listed(d, m, low)}")


@rewrite(
    "summed-divisors-loop",
    "each divisor below the root has its partner above",
    *(f"for D_ in {upto}:\n if {test}:\n  S_ += E_" for upto in (ALL, *PROPER) for test in TESTED),
)
def summed_divisors_loop(d: Draft, m: Match) -> None:
    loop, name = m.statements[0], m.name("S_")
    assert isinstance(loop, ast.For)
    d.need(name and d.scope.is_local(name) and not loop.orelse and name != m.name("N_"), "not a variable")
    one = isinstance(m["E_"], ast.Constant) and m["E_"].value == 1
    d.need(one or m.name("E_") == m.name("D_"), "another sum")
    d.is_kind(m["S_"], "int")
    targets_stay_inside(d, loop)
    d.replace_run([loop], d.fill(f"S_ += {_summed(d, m, counted=one)}"))


def _each(test: str, upto: str) -> tuple[str, ...]:
    """The sum of divisors in two ways, then their number in two ways."""
    tail = f"for D_ in {upto} if {test}"
    return f"sum(D_ {tail})", f"sum([D_ {tail}])", f"len([D_ {tail}])", f"sum(1 {tail})"


EACH = len(_each("", ""))


@rewrite(
    "summed-divisors",
    "each divisor below the root has its partner above",
    *(one for upto in (ALL, *PROPER) for test in TESTED for one in _each(test, upto)),
)
def summed_divisors(d: Draft, m: Match) -> None:
    counted = m.shape % EACH >= EACH // 2
    d.is_real("len" if m.shape % EACH == EACH // 2 else "sum")
    proper = m.shape >= EACH * len(TESTED)
    total = _summed(d, m, counted=counted, proper=proper)
    alone = not proper or isinstance(d.program.parents[m.node], ast.stmt)
    d.replace(m.node, total if alone else f"({total})")


def _summed(d: Draft, m: Match, *, counted: bool, proper: bool | None = None) -> str:
    """The sum or the number of the divisors, as one expression."""
    d.need(m.name("N_") and m.name("D_") and m.name("N_") != m.name("D_"), "not variables")
    d.is_real("range", "sum", "max")
    d.is_kind(m["N_"], "int")
    _halved(d, _numbers(m))
    pair = "1 + (D_ * D_ != N_)" if counted else "D_ + (N_ // D_ if D_ * D_ != N_ else 0)"
    whole = d.fill(f"sum({pair} for D_ in {_to_root(d, m, 1)} if N_ % D_ == 0)")
    if not (_is_proper(m) if proper is None else proper):
        return whole
    return d.fill(f"{whole} - (N_ > 0)" if counted else f"{whole} - max(N_, 0)")


def _numbers(m: Match) -> ast.expr:
    """Which are tried as divisors."""
    within = ast.walk(m.nodes[0])
    return next(one.iter for one in within if isinstance(one, ast.For | ast.comprehension))


def _low_divisors(d: Draft, m: Match) -> tuple[str, str]:
    d.need(m.name("N_") and m.name("D_") and m.name("N_") != m.name("D_"), "not variables")
    d.is_real("range", "reversed", "max")
    d.is_kind(m["N_"], "int")
    _halved(d, _numbers(m))
    low = d.fresh("low")
    return low, d.fill(f"{low} = [D_ for D_ in {_to_root(d, m, 1)} if N_ % D_ == 0]")
