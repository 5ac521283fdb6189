"""What itertools knows about sequences."""

import ast

from bloomery.optimize.proposers.rewrites.catalogue import Catalogue, adding_to
from bloomery.optimize.proposers.rewrites.drafting import Draft
from bloomery.optimize.proposers.rewrites.kinds import (
    member,
)
from bloomery.optimize.proposers.rewrites.matching import Match
from bloomery.optimize.proposers.rewrites.moving import begins_as, left_by, targets_stay_inside
from bloomery.optimize.proposers.rewrites.owning import made_here

ITERATING: Catalogue = {}
substitution = adding_to(ITERATING)


@substitution(
    "itertools-chain", "sum copies the list for each that it adds", "sum(XS_, [])", "sum(XS_, start=[])"
)
def chained(d: Draft, m: Match) -> None:
    d.is_real("sum", "list")
    inner = member(d.kind(m["XS_"]))
    d.need(inner.name in {"list", "?"}, "not of lists")
    d.trust(inner.name == "list", "all members are lists")
    d.replace(m.node, d.fill(f"list({d.use('itertools.chain')}.from_iterable(XS_))"))


@substitution(
    "itertools-chain-loop",
    "the list is copied for each that is added",
    "for X_ in XS_:\n OUT_ = OUT_ + X_",
    "for X_ in XS_:\n OUT_.extend(X_)",
    "for X_ in XS_:\n OUT_ += X_",
)
def chained_loop(d: Draft, m: Match) -> None:
    loop = m.statements[0]
    assert isinstance(loop, ast.For)
    name = made_here(d, "OUT_", loop)
    begins_as(d, name, "list")
    d.need(not d.scope.uses(name, [m["XS_"]]), "it reads itself")
    inner = member(d.kind(m["XS_"]))
    d.need(inner.name in {"list", "?"}, "not of lists")
    d.trust(inner.name == "list", "all members are lists")
    targets_stay_inside(d, loop)
    d.replace_run([loop], d.fill(f"OUT_.extend({d.use('itertools.chain')}.from_iterable(XS_))"))


PREFIXES = ("XS_[:I_ + 1]", "XS_[0:I_ + 1]")


@substitution(
    "itertools-accumulate",
    "each sum begins anew; accumulate goes on from the last",
    *(f"[sum({one}) for I_ in range(len(XS_))]" for one in PREFIXES),
    "[sum(XS_[:I_]) for I_ in range(1, len(XS_) + 1)]",
)
def accumulated(d: Draft, m: Match) -> None:
    d.replace(m.node, _accumulated(d, m))


@substitution(
    "itertools-accumulate-loop",
    "each sum begins anew; accumulate goes on from the last",
    *(f"for I_ in range(len(XS_)):\n OUT_.append(sum({one}))" for one in PREFIXES),
    "for I_ in range(1, len(XS_) + 1):\n OUT_.append(sum(XS_[:I_]))",
    "for I_ in range(len(XS_)):\n S_ = 0\n for J_ in range(I_ + 1):\n  S_ += XS_[J_]\n OUT_.append(S_)",
    "for I_ in range(len(XS_)):\n S_ = 0\n for X_ in XS_[:I_ + 1]:\n  S_ += X_\n OUT_.append(S_)",
)
def accumulated_loop(d: Draft, m: Match) -> None:
    loop = m.statements[0]
    assert isinstance(loop, ast.For)
    name = made_here(d, "OUT_", loop)
    d.need(name != m.name("XS_"), "it runs over itself")
    begins_as(d, name or "", "list")
    targets_stay_inside(d, loop)
    for inner in ("S_", "J_", "X_"):
        if inner in m:
            d.need(
                m.name(inner) and m.name(inner) not in (name, m.name("XS_"), m.name("I_")), "one name for two"
            )
            left_by(d, loop, m.name(inner) or "")
    d.replace_run([loop], d.fill(f"OUT_.extend({_accumulated(d, m)})"))


def _accumulated(d: Draft, m: Match) -> str:
    """From 0, as sum begins: so the first is a whole number even where the list holds a truth value."""
    d.need(m.name("XS_") and m.name("I_"), "not variables")
    d.is_real("sum", "range", "len", "list")
    d.is_kind(m["XS_"], "list", "tuple")
    inner = member(d.kind(m["XS_"]))
    d.need(inner.name in {"int", "?"}, "floats come out otherwise in another order")
    d.trust(inner.name == "int", "it holds whole numbers")
    return d.fill(f"list({d.use('itertools.accumulate')}(XS_, initial=0))[1:]")
