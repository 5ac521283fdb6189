"""Counting in lists, and what one pass does instead."""

import ast

from bloomery.optimize.proposers.rewrites.catalogue import Catalogue, adding_to
from bloomery.optimize.proposers.rewrites.drafting import Draft
from bloomery.optimize.proposers.rewrites.kinds import member
from bloomery.optimize.proposers.rewrites.matching import Match
from bloomery.optimize.proposers.rewrites.moving import before_loops, targets_stay_inside
from bloomery.optimize.proposers.rewrites.owning import begins_empty, made_here

COUNTED: Catalogue = {}
rewrite = adding_to(COUNTED)


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
