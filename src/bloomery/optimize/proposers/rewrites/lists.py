"""Lists that are copied or shifted for each new member."""

import ast

from bloomery.optimize.proposers.rewrites.aliases import mutations
from bloomery.optimize.proposers.rewrites.catalogue import Catalogue, adding_to
from bloomery.optimize.proposers.rewrites.drafting import Draft
from bloomery.optimize.proposers.rewrites.matching import Match
from bloomery.optimize.proposers.rewrites.moving import begins_as, growing_loop, targets_stay_inside
from bloomery.optimize.proposers.rewrites.owning import begins_empty, made_here

LISTS: Catalogue = {}
rewrite = adding_to(LISTS)


@rewrite(
    "append-in-place",
    "the list is copied for each new member",
    "OUT_ = OUT_ + MORE_",
    "OUT_ = [*OUT_, MORE_]",
)
def append_in_place(d: Draft, m: Match) -> None:
    name, more = made_here(d, "OUT_"), m["MORE_"]
    d.need(d.scope.loops(m.nodes[0]), "it stands in no loop")
    begins_as(d, name, "list")
    for loop in d.scope.loops(m.nodes[0]):
        d.need(not (isinstance(loop, ast.For) and d.scope.uses(name, [loop.iter])), "the loop runs over it")
    d.need(not d.scope.uses(name, [more]), "it reads itself")
    if m.shape == 1:
        d.need(not isinstance(more, ast.Starred), "several")
        d.replace_run(m.statements, d.fill("OUT_.append(MORE_)"))
    elif isinstance(more, ast.List) and len(more.elts) == 1 and not isinstance(more.elts[0], ast.Starred):
        d.replace_run(m.statements, f"{name}.append({d.text(more.elts[0])})")
    else:
        d.is_kind(more, "list")
        d.replace_run(m.statements, d.fill("OUT_.extend(MORE_)"))


DEQUE_METHODS = {"append", "extend", "pop", "insert", "clear"}


@rewrite("list-to-deque", "taking the first of a list moves all the others", "Q_.pop(0)", "Q_.insert(0, X_)")
def list_to_deque(d: Draft, m: Match) -> None:
    name = made_here(d, "Q_")
    assigned = d.scope.assignments(name)
    d.need(all(isinstance(one, ast.AnnAssign) or len(one.targets) == 1 for one in assigned), "two names")
    d.need(
        len(assigned) == 1 and d.kind(m["Q_"]).name == "list" and d.scope.loops(m.node), "no list in a loop"
    )
    for use in d.scope.uses(name):
        if isinstance(use.ctx, ast.Load):
            _as_deque(d, use, name)
    first = assigned[0]
    assert first.value is not None
    inner = first.value
    listed = isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id == "list"
    deque = d.use("collections.deque")
    if listed and isinstance(inner, ast.Call) and d.scope.is_real("list"):
        d.replace(inner, f"{deque}({', '.join(map(d.text, inner.args))})")
    else:
        empty = isinstance(inner, ast.List) and not inner.elts
        d.replace(inner, f"{deque}()" if empty else f"{deque}({d.program.text_of(inner)})")
    if isinstance(first, ast.AnnAssign):
        _deque_annotation(d, first, deque)


def _deque_annotation(d: Draft, first: ast.AnnAssign, deque: str) -> None:
    text = d.program.text_of(first.annotation)
    d.need(text.partition("[")[0] in {"list", "List"}, "another annotation")
    d.replace(first.annotation, deque + text[len(text.partition("[")[0]) :])


def _as_deque(d: Draft, use: ast.Name, name: str) -> None:
    """What is done with the list can be done with a deque, or is written as that."""
    outer = d.program.parents[use]
    call = d.program.parents.get(outer)
    if isinstance(outer, ast.Attribute):
        d.need(
            outer.attr in DEQUE_METHODS and isinstance(call, ast.Call) and call.func is outer,
            "a list's method",
        )
        assert isinstance(call, ast.Call)
        at_front = bool(call.args) and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0
        if outer.attr == "pop" and call.args:
            d.need(at_front, "taken from the middle")
            d.replace(call, f"{name}.popleft()")
        elif outer.attr == "insert":
            d.need(at_front, "put into the middle")
            d.replace(call, f"{name}.appendleft({d.text(call.args[1])})")
    elif isinstance(outer, ast.Subscript):
        plain = isinstance(outer.slice, ast.Constant) and outer.slice.value in (0, 1, -1)
        ends = plain or (
            isinstance(outer.slice, ast.UnaryOp) and isinstance(outer.slice.operand, ast.Constant)
        )
        d.need(ends and isinstance(outer.ctx, ast.Load) and not isinstance(outer.slice, ast.Slice), "indexed")
    elif isinstance(outer, ast.Call):
        d.need(
            isinstance(outer.func, ast.Name)
            and outer.func.id in {"len", "list", "sorted", "sum", "min", "max"},
            "given",
        )
    elif isinstance(outer, ast.Compare):
        d.need(
            use is not outer.left and all(isinstance(op, ast.In | ast.NotIn) for op in outer.ops), "compared"
        )
    else:
        tested = isinstance(outer, ast.While | ast.If) or (
            isinstance(outer, ast.UnaryOp) and isinstance(outer.op, ast.Not)
        )
        boolean = isinstance(outer, ast.BoolOp) and isinstance(d.program.parents[outer], ast.While | ast.If)
        d.need(tested or boolean or isinstance(outer, ast.For), "used as a list")
        if isinstance(outer, ast.For):
            d.need(not list(mutations(outer.body, name)), "it changes while a loop runs over it")


@rewrite(
    "front-inserts-all",
    "each insertion at the front moves all the others",
    "for X_ in XS_:\n OUT_.insert(0, E_)",
)
def front_inserts_all(d: Draft, m: Match) -> None:
    loop = m.statements[0]
    assert isinstance(loop, ast.For)
    name = made_here(d, "OUT_", loop)
    begins_empty(d, name, loop)
    d.need(not d.scope.uses(name, [m["XS_"], m["E_"]]), "read inside")
    d.is_real("list")
    targets_stay_inside(d, loop)
    plain = ast.unparse(m["E_"]) == ast.unparse(m["X_"])
    d.replace_run([loop], d.fill("OUT_ = list(XS_)[::-1]" if plain else "OUT_ = [E_ for X_ in XS_][::-1]"))


@rewrite("front-inserts", "each insertion at the front moves all the others", "OUT_.insert(0, E_)")
def front_inserts(d: Draft, m: Match) -> None:
    name = made_here(d, "OUT_")
    loop = growing_loop(d, m.node, name)
    first = d.scope.initial(name, loop)
    d.need(
        first and isinstance(first.value, ast.List) and len(first.value.elts) <= 1, "it does not begin empty"
    )
    for use in d.scope.uses(name, [loop]):
        outer = d.program.parents[use]
        call = d.program.parents.get(outer)
        d.need(
            isinstance(call, ast.Call) and call.func is outer and isinstance(outer, ast.Attribute),
            "read inside",
        )
        assert isinstance(call, ast.Call)
        assert isinstance(outer, ast.Attribute)
        front = outer.attr == "insert" and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0
        d.need(front and isinstance(d.program.parents[call], ast.Expr), "other changes")
        d.replace(call, f"{name}.append({d.text(call.args[1])})")
    d.need(
        not any(isinstance(outer, ast.Try) for outer in d.scope.up(loop)), "an exception may show it unturned"
    )
    d.after(loop, f"{name}.reverse()")
