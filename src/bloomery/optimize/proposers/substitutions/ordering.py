"""What heapq and bisect know about order."""

import ast

from bloomery.optimize.proposers.rewrites.aliases import mutations
from bloomery.optimize.proposers.rewrites.catalogue import Catalogue, adding_to
from bloomery.optimize.proposers.rewrites.drafting import Draft
from bloomery.optimize.proposers.rewrites.kinds import known, member, ordered
from bloomery.optimize.proposers.rewrites.matching import Match
from bloomery.optimize.proposers.rewrites.moving import left_by, stays
from bloomery.optimize.proposers.rewrites.owning import made_here
from bloomery.optimize.proposers.rewrites.signs import at_least

ORDERING: Catalogue = {}
substitution = adding_to(ORDERING)
SORTED = (
    "sorted(XS_)",
    "sorted(XS_, reverse=True)",
    "sorted(XS_, key=F_)",
    "sorted(XS_, key=F_, reverse=True)",
)
FEW = 64


@substitution("heapq-first", "the least is found in one pass", *(f"{one}[0]" for one in SORTED))
def first_of_sorted(d: Draft, m: Match) -> None:
    """`nsmallest(1, ...)[0]` raises IndexError for nothing, as the sorted list does; `min` would not."""
    _comparable(d, m)
    d.replace(m.node, d.fill(f"{_smallest(d, m, '1')}[0]"))


@substitution("heapq-few", "the few least are kept in one pass", *(f"{one}[:K_]" for one in SORTED))
def few_of_sorted(d: Draft, m: Match) -> None:
    count = m["K_"]
    _comparable(d, m)
    if isinstance(count, ast.Constant) and isinstance(count.value, int):
        d.need(0 < count.value <= FEW, "many")
        d.replace(m.node, _smallest(d, m, d.text(count)))
        return
    d.need(isinstance(count, ast.Name), "computed")
    d.is_kind(count, "int")
    if at_least(d, count, 0, m.node):
        d.replace(m.node, _smallest(d, m, d.text(count)))
        return
    d.need(not any(isinstance(inner, ast.Call) for inner in ast.walk(m["XS_"])), "computed in another order")
    d.replace(
        m.node, f"({_smallest(d, m, d.text(count))} if {d.text(count)} >= 0 else {d.program.text_of(m.node)})"
    )


@substitution(
    "heapq-few-of-variable",
    "only the few least of the sorted list are read",
    *(f"V_ = {one}" for one in SORTED),
)
def few_of_variable(d: Draft, m: Match) -> None:
    name = m.name("V_")
    d.need(name and d.scope.is_local(name) and len(d.scope.assignments(name)) == 1, "several values")
    assert name
    _comparable(d, m)
    most = 0
    for use in d.scope.uses(name):
        if isinstance(use.ctx, ast.Load):
            most = max(most, _reads(d, use))
    d.need(0 < most <= FEW, "not a few")
    assignment = m.statements[0]
    assert isinstance(assignment, ast.Assign)
    d.replace(assignment.value, _smallest(d, m, str(most)))


def _reads(d: Draft, use: ast.Name) -> int:
    """How many of the first members this use of the list looks at."""
    outer = d.program.parents[use]
    d.need(
        isinstance(outer, ast.Subscript) and outer.value is use and isinstance(outer.ctx, ast.Load),
        "read whole",
    )
    assert isinstance(outer, ast.Subscript)
    part = outer.slice
    if isinstance(part, ast.Slice):
        start = part.lower is None or (isinstance(part.lower, ast.Constant) and part.lower.value == 0)
        d.need(start and part.step is None, "not from the beginning")
        return _constant(d, part.upper, 1)
    return _constant(d, part, 0) + 1


def _constant(d: Draft, node: ast.expr | None, least: int) -> int:
    value = node.value if isinstance(node, ast.Constant) else None
    d.need(isinstance(value, int) and value >= least, "not a constant")
    assert isinstance(value, int)
    return value


def _comparable(d: Draft, m: Match) -> None:
    d.is_real("sorted")
    kind = member(d.kind(m["XS_"]))
    if "F_" in m:
        function = m["F_"]
        known_key = (
            isinstance(function, ast.Name) and function.id in {"len", "abs"} and d.scope.is_real(function.id)
        )
        keyed = isinstance(function, ast.Lambda) and ordered(d.kind(function.body))
        d.trust(keyed or (known_key and known(kind)), "keys are compared by a total order")
    else:
        d.trust(ordered(kind), "members are compared by a total order")


def _smallest(d: Draft, m: Match, count: str) -> str:
    name = d.use("heapq.nlargest" if m.shape % 2 else "heapq.nsmallest")
    key = ", key=F_" if "F_" in m else ""
    return d.fill(f"{name}({count}, XS_{key})")


@substitution(
    "bisect-insort",
    "a sorted list takes a new member without being sorted again",
    "XS_.append(X_)\nXS_.sort()",
    "XS_ = sorted(XS_ + [X_])",
    "XS_.append(X_)\nXS_ = sorted(XS_)",
    "XS_.append(X_)\nXS_.sort(key=F_)",
)
def insort_new(d: Draft, m: Match) -> None:
    name = made_here(d, "XS_")
    d.need(d.scope.loops(m.nodes[0]), "it stands in no loop")
    own = {id(inner) for node in m.nodes for inner in ast.walk(node)}
    for assigned in d.scope.assignments(name):
        if id(assigned) not in own:
            d.need(_sorted_already(assigned.value), "it does not begin sorted")
    for held, node in mutations([d.scope.function], name):
        removes = (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in {"pop", "remove", "clear"}
        )
        d.need(id(node) in own or removes, f"{held} is changed elsewhere")
    d.need(not d.scope.uses(name, [m["X_"]]) or isinstance(m["X_"], ast.Constant), "read inside")
    key = ", key=F_" if "F_" in m else ""
    if key:
        function = m["F_"]
        d.need(isinstance(function, ast.Lambda), "not a plain key")
        assert isinstance(function, ast.Lambda)
        d.trust(ordered(d.kind(function.body)), "keys are compared by a total order")
    else:
        d.trust(ordered(member(d.kind(m["XS_"]))), "members are compared by a total order")
    d.replace_run(m.statements, d.fill(f"{d.use('bisect.insort')}(XS_, X_{key})"))


def _sorted_already(value: ast.expr | None) -> bool:
    if isinstance(value, ast.List):
        return len(value.elts) <= 1
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        return (value.func.id == "sorted" and len(value.args) == 1 and not value.keywords) or not value.args
    return False


SEARCHED = "while P_ < len(XS_) and XS_[P_] {} V_:\n P_ += 1"


@substitution(
    "bisect-search",
    "a sorted list is searched by halving",
    SEARCHED.format("<"),
    SEARCHED.format("<="),
)
def searched_by_halving(d: Draft, m: Match) -> None:
    loop, name, place = m.statements[0], m.name("XS_"), m.name("P_")
    assert isinstance(loop, ast.While)
    d.need(name and place and not loop.orelse and d.scope.is_local(place), "not variables")
    assert name
    assert place
    first = d.scope.initial(place, loop)
    d.need(
        first and isinstance(first.value, ast.Constant) and first.value.value == 0, "it does not begin at 0"
    )
    _kept_sorted(d, name, loop)
    d.need(not d.scope.uses(place, [m["V_"]]), "another each time")
    d.simple(m["V_"])
    for kind in (member(d.kind(m["XS_"])), d.kind(m["V_"])):
        d.trust(ordered(kind), "members are compared by a total order")
    function = d.use("bisect.bisect_left" if m.shape == 0 else "bisect.bisect_right")
    d.replace_run([loop], d.fill(f"P_ = {function}(XS_, V_)"))


def _kept_sorted(d: Draft, name: str, loop: ast.stmt) -> None:
    assigned = d.scope.assignments(name)
    d.need(len(assigned) == 1, "several values")
    value = assigned[0].value
    d.need(isinstance(value, ast.Call) and isinstance(value.func, ast.Name), "not known to be sorted")
    assert isinstance(value, ast.Call)
    plain = ast.unparse(value.func) == "sorted" and len(value.args) == 1 and not value.keywords
    d.need(plain and d.scope.is_real("sorted"), "not known to be sorted")
    d.need(not list(mutations([d.scope.function], name)), "changed")
    d.need(d.scope.is_own(name), "somebody else may hold it")
    d.is_real("len")
    stays(d, name, loop)


@substitution(
    "bisect-search-loop",
    "a sorted list is searched by halving",
    "for I_ in range(len(XS_)):\n if XS_[I_] >= V_:\n  return I_\nreturn len(XS_)",
    "for I_, X_ in enumerate(XS_):\n if X_ >= V_:\n  return I_\nreturn len(XS_)",
    "for I_ in range(len(XS_)):\n if XS_[I_] > V_:\n  return I_\nreturn len(XS_)",
    "for I_, X_ in enumerate(XS_):\n if X_ > V_:\n  return I_\nreturn len(XS_)",
)
def searched_by_halving_loop(d: Draft, m: Match) -> None:
    loop, name = m.statements[0], m.name("XS_")
    d.need(name and m.name("I_"), "not variables")
    assert name
    _kept_sorted(d, name, loop)
    d.is_real("range", "enumerate")
    d.simple(m["V_"])
    for one in ("I_", "X_"):
        if one in m:
            left_by(d, loop, m.name(one) or "")
    for kind in (member(d.kind(m["XS_"])), d.kind(m["V_"])):
        d.trust(ordered(kind), "members are compared by a total order")
    function = d.use("bisect.bisect_left" if m.shape < 2 else "bisect.bisect_right")
    d.replace_run(m.statements, d.fill(f"return {function}(XS_, V_)"))
