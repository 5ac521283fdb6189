"""Comparisons one after the other that one look-up answers."""

import ast

from bloomery.optimize.proposers.rewrites.aliases import names
from bloomery.optimize.proposers.rewrites.catalogue import Catalogue, adding_to
from bloomery.optimize.proposers.rewrites.drafting import Draft
from bloomery.optimize.proposers.rewrites.kinds import hashable, known, member
from bloomery.optimize.proposers.rewrites.matching import Match

COMPARED: Catalogue = {}
rewrite = adding_to(COMPARED)


@rewrite(
    "any-equal-to-in",
    "`in` compares without running a generator",
    "any(X_ == Y_ for X_ in XS_)",
    "any(Y_ == X_ for X_ in XS_)",
    "any([X_ == Y_ for X_ in XS_])",
)
def any_equal_to_in(d: Draft, m: Match) -> None:
    d.is_real("any")
    _membership(d, m)
    d.replace(m.node, d.fill("(Y_ in XS_)"))


@rewrite(
    "search-loop-to-in",
    "`in` compares without running a loop",
    "for X_ in XS_:\n if X_ == Y_:\n  return True\nreturn False",
    "for X_ in XS_:\n if Y_ == X_:\n  return True\nreturn False",
    "for X_ in XS_:\n if X_ == Y_:\n  return False\nreturn True",
)
def search_loop_to_in(d: Draft, m: Match) -> None:
    _membership(d, m)
    d.replace_run(m.statements, d.fill("return Y_ not in XS_" if m.shape == 2 else "return Y_ in XS_"))


def _membership(d: Draft, m: Match) -> None:
    """`in` asks identity before equality: of what is not equal to itself it says something else."""
    name = m.name("X_")
    d.need(name and not list(names([m["Y_"], m["XS_"]], name)), "not searched for one thing")
    d.simple(m["Y_"])
    d.is_kind(m["XS_"], "list", "tuple")
    for kind in (member(d.kind(m["XS_"])), d.kind(m["Y_"])):
        d.trust(hashable(kind) and "float" not in str(kind), "every member is equal to itself")
    d.need(not isinstance(m["Y_"], ast.IfExp | ast.Lambda), "not a value")


@rewrite("equality-chain", "one look-up for many comparisons", "X_ == A_ or X_ == B_ or X_ == C_")
def equality_chain_of_three(d: Draft, m: Match) -> None:
    _equality_chain(d, m, "X_ in {A_, B_, C_}")


@rewrite(
    "equality-chain-of-four",
    "one look-up for many comparisons",
    "X_ == A_ or X_ == B_ or X_ == C_ or X_ == D_",
)
def equality_chain_of_four(d: Draft, m: Match) -> None:
    _equality_chain(d, m, "X_ in {A_, B_, C_, D_}")


def _equality_chain(d: Draft, m: Match, template: str) -> None:
    d.need(m.name("X_"), "computed several times")
    values = [m[name] for name in ("A_", "B_", "C_", "D_") if name in m]
    constants = [value.value for value in values if isinstance(value, ast.Constant)]
    d.need(len(constants) == len(values) == len(set(constants)), "not distinct constants")
    d.need(all(isinstance(value, str | int) for value in constants), "not texts or whole numbers")
    d.is_hashable(d.kind(m["X_"]), ast.unparse(m["X_"]))
    d.replace(m.node, d.fill(f"({template})"))


@rewrite(
    "startswith-chain",
    "one call for several prefixes",
    "S_.startswith(A_) or S_.startswith(B_)",
    "S_.endswith(A_) or S_.endswith(B_)",
    "S_.startswith(A_) or S_.startswith(B_) or S_.startswith(C_)",
    "S_.endswith(A_) or S_.endswith(B_) or S_.endswith(C_)",
)
def startswith_chain(d: Draft, m: Match) -> None:
    d.need(m.name("S_"), "computed several times")
    d.is_kind(m["S_"], "str")
    values = [m[name] for name in ("A_", "B_", "C_") if name in m]
    d.need(
        all(isinstance(value, ast.Constant) and isinstance(value.value, str) for value in values),
        "not constants",
    )
    method = "startswith" if m.shape % 2 == 0 else "endswith"
    d.replace(m.node, d.fill(f"S_.{method}(({', '.join(map(d.text, values))}))"))


@rewrite(
    "copied-to-be-searched",
    "a copy is made only to be searched",
    "K_ in D_.keys()",
    "K_ not in D_.keys()",
    "K_ in list(D_)",
    "K_ not in list(D_)",
    "K_ in list(D_.keys())",
    "K_ not in list(D_.keys())",
)
def copied_to_be_searched(d: Draft, m: Match) -> None:
    d.is_real("list")
    kind = d.kind(m["D_"])
    if m.shape in (2, 3):
        d.is_kind(m["D_"], "dict", "set", "frozenset", "list", "tuple")
    else:
        d.is_kind(m["D_"], "dict")
    d.need(known(kind) or m["D_"], "unknown")
    if kind.name in {"dict", "set", "frozenset", "?"}:
        d.is_hashable(d.kind(m["K_"]), ast.unparse(m["K_"]))
    operator = "not in" if m.shape % 2 else "in"
    d.replace(m.node, d.fill(f"(K_ {operator} D_)"))
