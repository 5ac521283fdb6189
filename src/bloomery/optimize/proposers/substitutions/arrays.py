"""What numpy does for its own arrays; nothing is made an array that was none."""

import ast

from bloomery.optimize.proposers.rewrites.catalogue import Catalogue, adding_to
from bloomery.optimize.proposers.rewrites.drafting import Draft
from bloomery.optimize.proposers.rewrites.matching import Match
from bloomery.optimize.proposers.rewrites.moving import targets_stay_inside

ARRAYS: Catalogue = {}
substitution = adding_to(ARRAYS)


def is_array(d: Draft, node: ast.expr) -> None:
    """Annotated as one: nothing else tells an array from a list."""
    annotations = [
        ast.unparse(arg.annotation)
        for arg in d.scope.function.args.args
        if isinstance(node, ast.Name) and arg.arg == node.id and arg.annotation is not None
    ]
    d.need(annotations and "ndarray" in annotations[0], "not an array")


@substitution("numpy-reduction", "an array sums itself", "sum(A_)", "max(A_)", "min(A_)")
def reduced(d: Draft, m: Match) -> None:
    is_array(d, m["A_"])
    function = ("sum", "max", "min")[m.shape]
    d.is_real(function)
    d.trust(False, "the array has one dimension, and its sum may be grouped otherwise")
    d.replace(m.node, d.fill(f"A_.{function}()"))


@substitution(
    "numpy-sum-loop",
    "an array sums itself",
    "for X_ in A_:\n S_ += X_",
    "for I_ in range(len(A_)):\n S_ += A_[I_]",
)
def summed(d: Draft, m: Match) -> None:
    loop = m.statements[0]
    assert isinstance(loop, ast.For)
    is_array(d, m["A_"])
    d.need(m.name("S_") and m.name("S_") != m.name("A_") and not loop.orelse, "not a variable")
    targets_stay_inside(d, loop)
    d.trust(False, "the array has one dimension, and its sum may be grouped otherwise")
    d.replace_run([loop], d.fill("S_ += A_.sum()"))


@substitution(
    "numpy-dot-loop",
    "arrays multiply one another",
    "for I_ in range(len(A_)):\n S_ += A_[I_] * B_[I_]",
    "for X_, Y_ in zip(A_, B_):\n S_ += X_ * Y_",
)
def multiplied(d: Draft, m: Match) -> None:
    loop = m.statements[0]
    assert isinstance(loop, ast.For)
    is_array(d, m["A_"])
    is_array(d, m["B_"])
    d.need(m.name("S_") and not loop.orelse, "not a variable")
    targets_stay_inside(d, loop)
    d.trust(False, "both have one dimension and one length, and their sum may be grouped otherwise")
    d.replace_run([loop], d.fill("S_ += A_ @ B_"))
