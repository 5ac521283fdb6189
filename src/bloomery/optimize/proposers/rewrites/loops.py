"""Loops over indices and over counters, that can be loops over what is meant."""

import ast

from bloomery.optimize.proposers.rewrites.aliases import binds, names
from bloomery.optimize.proposers.rewrites.catalogue import Catalogue, adding_to
from bloomery.optimize.proposers.rewrites.drafting import Draft, Edit
from bloomery.optimize.proposers.rewrites.matching import Match
from bloomery.optimize.proposers.rewrites.moving import all_stay, left_by, stays, targets_stay_inside
from bloomery.optimize.proposers.rewrites.owning import begins_empty, made_here

LOOPED: Catalogue = {}
rewrite = adding_to(LOOPED)


@rewrite("index-to-member", "the members are meant, not their indices", "for I_ in range(len(XS_)):\n BODY_")
def index_to_member(d: Draft, m: Match) -> None:
    loop, name, index = m.statements[0], m.name("XS_"), m.name("I_")
    assert isinstance(loop, ast.For)
    d.need(name and index, "not variables")
    assert name
    assert index
    d.is_real("range", "len")
    body = m.body("BODY_")
    read = [
        node
        for statement in body
        for node in ast.walk(statement)
        if isinstance(node, ast.Subscript) and ast.unparse(node) == f"{name}[{index}]"
    ]
    d.need(read and len(read) == len(list(names(body, index))), "the index is needed")
    d.need(all(isinstance(node.ctx, ast.Load) for node in read), "stored to")
    d.need(not any(isinstance(inner, ast.Lambda) for one in body for inner in ast.walk(one)), "a lambda")
    d.is_kind(m["XS_"], "list", "tuple", "str", "range")
    stays(d, name, *body)
    left_by(d, loop, index)
    item = d.fresh("item")
    for node in read:
        d.replace(node, item)
    d.replace(loop.target, item)
    d.replace(loop.iter, name)


@rewrite(
    "while-to-range",
    "range counts without adding and comparing",
    "while I_ < N_:\n BODY_\n I_ += 1",
    "while I_ <= N_:\n BODY_\n I_ += 1",
)
def while_to_range(d: Draft, m: Match) -> None:
    loop, index = m.statements[0], m.name("I_")
    assert isinstance(loop, ast.While)
    d.need(index and d.scope.is_local(index) and not loop.orelse, "not a variable")
    assert index
    body = m.body("BODY_")
    d.need(not binds(body, index) and not _continues(body), "counted otherwise")
    first = d.scope.initial(index, loop)
    d.need(
        first and first.value is not None and isinstance(first.value, ast.Constant | ast.Name), "no beginning"
    )
    d.is_real("range")
    d.is_kind(m["I_"], "int")
    d.is_kind(m["N_"], "int")
    d.need(d.scope.is_simple(m["N_"]), "the bound is computed with effects")
    all_stay(d, m["N_"], *body)
    left_by(d, loop, index)
    assert first is not None
    assert first.value is not None
    start = d.text(first.value)
    end = d.fill("N_ + 1" if m.shape else "N_")
    last = loop.body[-1]
    d.remove(last)
    header_start, header_end = d.program.span(loop)[0], d.program.span(loop.test)[1]
    counted = end if start == "0" else f"{start}, {end}"
    d.edits.append(Edit(header_start, header_end, f"for {index} in range({counted})"))


def _continues(body: list[ast.stmt]) -> bool:
    return any(
        isinstance(node, ast.Continue | ast.Yield | ast.Await | ast.Try)
        for one in body
        for node in ast.walk(one)
    )


@rewrite(
    "counted-by-library",
    "Counter counts without running a loop",
    "for X_ in XS_:\n if E_ in D_:\n  D_[E_] += 1\n else:\n  D_[E_] = 1",
    "for X_ in XS_:\n if E_ not in D_:\n  D_[E_] = 1\n else:\n  D_[E_] += 1",
    "for X_ in XS_:\n if E_ not in D_:\n  D_[E_] = 0\n D_[E_] += 1",
    "for X_ in XS_:\n D_[E_] = D_.get(E_, 0) + 1",
    "for X_ in XS_:\n D_.setdefault(E_, 0)\n D_[E_] += 1",
)
def counted_by_library(d: Draft, m: Match) -> None:
    loop = m.statements[0]
    assert isinstance(loop, ast.For)
    name = made_here(d, "D_", loop)
    begins_empty(d, name, loop, ast.Dict)
    d.need(not d.scope.uses(name, [m["XS_"], m["E_"]]), "read inside")
    d.is_real("dict", "iter")
    d.simple(m["E_"])
    targets_stay_inside(d, loop)
    d.need(
        not any(isinstance(outer, ast.Try) for outer in d.scope.up(loop)),
        "an exception may show it unfinished",
    )
    counter = d.use("collections.Counter")
    plain = ast.unparse(m["E_"]) == ast.unparse(m["X_"])
    sure = d.kind(m["XS_"]).name in {"list", "tuple", "str", "set", "frozenset", "range"}
    source = d.fill("[E_ for X_ in XS_]") if not plain else d.fill("XS_" if sure else "iter(XS_)")
    d.replace_run([loop], d.fill(f"D_ = dict({counter}({source}))"))


@rewrite(
    "any-of-list",
    "a generator stops at the first that decides",
    "any([E_ for X_ in XS_])",
    "all([E_ for X_ in XS_])",
)
def any_of_list(d: Draft, m: Match) -> None:
    d.is_real("any", "all")
    d.simple(m["E_"])
    d.simple(m["XS_"])
    d.trust(
        not any(isinstance(inner, ast.BinOp | ast.Subscript | ast.Call) for inner in ast.walk(m["E_"])),
        "no later one raises",
    )
    function = "any" if m.shape == 0 else "all"
    d.replace(m.node, d.fill(f"{function}(E_ for X_ in XS_)"))
