"""Texts that are turned, or grow in front."""

import ast

from bloomery.optimize.proposers.rewrites.aliases import names
from bloomery.optimize.proposers.rewrites.catalogue import Catalogue, adding_to
from bloomery.optimize.proposers.rewrites.drafting import Draft
from bloomery.optimize.proposers.rewrites.joining import all_texts, not_caught
from bloomery.optimize.proposers.rewrites.matching import Match
from bloomery.optimize.proposers.rewrites.moving import targets_stay_inside
from bloomery.optimize.proposers.rewrites.owning import seen_here

TEXTS: Catalogue = {}
rewrite = adding_to(TEXTS)


@rewrite("reversed-text", "a slice turns a text at once", "for C_ in TEXT_:\n S_ = C_ + S_")
def reversed_text(d: Draft, m: Match) -> None:
    loop, name = m.statements[0], m.name("S_")
    assert isinstance(loop, ast.For)
    d.need(name and m.name("C_") and name != m.name("C_") and not loop.orelse, "not a variable")
    assert name
    d.need(not d.scope.uses(name, [m["TEXT_"]]), "it turns itself")
    d.is_kind(m["TEXT_"], "str")
    d.is_kind(m["S_"], "str")
    targets_stay_inside(d, loop)
    d.need(d.scope.is_local(name), "seen elsewhere")
    first = d.scope.initial(name, loop)
    empty = first is not None and isinstance(first.value, ast.Constant) and first.value.value == ""
    d.replace_run([loop], d.fill("S_ = TEXT_[::-1]" if empty else "S_ = TEXT_[::-1] + S_"))


@rewrite(
    "joined-in-front", "the text is copied for each part put in front of it", "for X_ in XS_:\n S_ = E_ + S_"
)
def joined_in_front(d: Draft, m: Match) -> None:
    loop = m.statements[0]
    assert isinstance(loop, ast.For)
    name = seen_here(d, "S_", loop)
    d.need(not list(names([m["E_"], m["XS_"], m["X_"]], name)), "read inside")
    all_texts(d, name, [m["E_"]])
    d.simple(m["E_"])
    targets_stay_inside(d, loop)
    not_caught(d, loop)
    d.replace_run([loop], d.fill('S_ = "".join([E_ for X_ in XS_][::-1]) + S_'))


@rewrite("joined-reversed", "a slice turns a text at once", '"".join(reversed(TEXT_))')
def joined_reversed(d: Draft, m: Match) -> None:
    d.is_real("reversed")
    d.is_kind(m["TEXT_"], "str")
    d.replace(m.node, d.fill("TEXT_[::-1]"))
