"""Counting in lists, and what one pass does instead."""

import ast

from bloomery.optimize.proposers.rewrites.catalogue import Catalogue, adding_to
from bloomery.optimize.proposers.rewrites.drafting import Draft
from bloomery.optimize.proposers.rewrites.kinds import begun, member
from bloomery.optimize.proposers.rewrites.matching import Match
from bloomery.optimize.proposers.rewrites.moving import before_loops, targets_stay_inside
from bloomery.optimize.proposers.rewrites.owning import begins_empty, made_here

COUNTED: Catalogue = {}
rewrite = adding_to(COUNTED)
READ_OR_GROWN = {"append", "count", "index", "copy"}


@rewrite(
    "count-all",
    "each count goes through the whole list; one pass counts all",
    "{X_: XS_.count(X_) for X_ in XS_}",
    "{X_: XS_.count(X_) for X_ in set(XS_)}",
)
def count_all(d: Draft, m: Match) -> None:
    d.need(m.shape == 0, "the order of a set is its own")
    d.need(m.name("XS_"), "not a variable")
    d.is_real("dict")
    d.is_kind(m["XS_"], "list", "tuple")
    d.is_hashable(member(d.kind(m["XS_"])), "members")
    d.replace(m.node, d.fill(f"dict({d.use('collections.Counter')}(XS_))"))


@rewrite(
    "count-all-loop",
    "each count goes through the whole list; one pass counts all",
    "for X_ in XS_:\n COUNTS_[X_] = XS_.count(X_)",
    "for X_ in XS_:\n if X_ not in COUNTS_:\n  COUNTS_[X_] = XS_.count(X_)",
)
def count_all_loop(d: Draft, m: Match) -> None:
    loop = m.statements[0]
    assert isinstance(loop, ast.For)
    name = made_here(d, "COUNTS_", loop)
    d.variable(m.name("XS_"))
    begins_empty(d, name, loop, ast.Dict)
    d.is_real("dict")
    d.is_kind(m["XS_"], "list", "tuple")
    d.is_hashable(member(d.kind(m["XS_"])), "members")
    targets_stay_inside(d, loop)
    d.replace_run([loop], d.fill(f"{name} = dict({d.use('collections.Counter')}(XS_))"))


@rewrite("companion-counts", "counts beside the list answer how often something is in it", "OUT_.count(E_)")
def companion_counts(d: Draft, m: Match) -> None:
    name = made_here(d, "OUT_")
    d.need(d.scope.loops(m.node), "it stands in no loop")
    assigned = d.scope.assignments(name)
    d.need(len(assigned) == 1 and isinstance(assigned[0].value, ast.List), "no list")
    made = assigned[0].value
    assert isinstance(made, ast.List)
    counts = d.fresh(f"{name}_counts")
    appended = [_counted(d, use, counts) for use in d.scope.uses(name) if isinstance(use.ctx, ast.Load)]
    d.need(any(appended), "nothing is added")
    d.is_hashable(member(d.kind(m["OUT_"])), f"members of {name}")
    counter, inner = d.use("collections.Counter"), member(d.kind(m["OUT_"]))
    empty = begun(counts, f"{counter}[{{}}]", inner, f"{counter}()")
    d.after(assigned[0], f"{counts} = {counter}({name})" if made.elts else empty)


def _counted(d: Draft, use: ast.Name, counts: str) -> bool:
    """Whether the list grows there; the counts are asked, or grow, in its place. Refuses other changes."""
    outer = d.program.parents[use]
    if not isinstance(outer, ast.Attribute):
        stored = isinstance(outer, ast.Subscript) and not isinstance(outer.ctx, ast.Load)
        d.need(not stored and not isinstance(outer, ast.AugAssign), "other changes")
        return False
    call = d.program.parents[outer]
    d.need(isinstance(call, ast.Call) and call.func is outer and outer.attr in READ_OR_GROWN, "other changes")
    assert isinstance(call, ast.Call)
    if outer.attr not in ("append", "count"):
        return False
    d.need(len(call.args) == 1 and not isinstance(call.args[0], ast.Starred), "other arguments")
    d.is_hashable(d.kind(call.args[0]), ast.unparse(call.args[0]))
    if outer.attr == "count":
        d.replace(call, f"{counts}[{d.text(call.args[0])}]")
        return False
    d.need(isinstance(d.program.parents[call], ast.Expr), "shared")
    d.need(isinstance(call.args[0], ast.Name | ast.Constant), "computed twice")
    d.after(d.scope.statement(call), f"{counts}[{d.text(call.args[0])}] += 1")
    return True


@rewrite("count-once", "each count goes through the whole list; one pass counts all", "XS_.count(E_)")
def count_once(d: Draft, m: Match) -> None:
    name = d.variable(m.name("XS_"))
    d.is_kind(m["XS_"], "list", "tuple")
    d.is_hashable(member(d.kind(m["XS_"])), f"members of {name}")
    d.is_hashable(d.kind(m["E_"]), ast.unparse(m["E_"]))
    statement = before_loops(d, m.node, name)
    counts = d.fresh(f"{name}_counts")
    d.before(statement, f"{counts} = {d.use('collections.Counter')}({name})")
    d.replace(m.node, d.fill(f"{counts}[E_]"))
