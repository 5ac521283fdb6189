"""Lists that are filled, copied or turned member by member."""

import ast

from bloomery.optimize.proposers.rewrites.catalogue import Catalogue, adding_to
from bloomery.optimize.proposers.rewrites.drafting import Draft
from bloomery.optimize.proposers.rewrites.kinds import Kind, immutable, known, member
from bloomery.optimize.proposers.rewrites.matching import Match
from bloomery.optimize.proposers.rewrites.moving import targets_stay_inside
from bloomery.optimize.proposers.rewrites.owning import begins_empty, made_here
from bloomery.optimize.proposers.rewrites.scope import LOOPS
from bloomery.optimize.proposers.rewrites.signs import at_least

FILLED: Catalogue = {}
rewrite = adding_to(FILLED)


@rewrite(
    "filled-list",
    "multiplying a list fills it at once",
    "for I_ in range(N_):\n OUT_.append(V_)",
    "while len(OUT_) < N_:\n OUT_.append(V_)",
)
def filled_list(d: Draft, m: Match) -> None:
    loop = m.statements[0]
    assert isinstance(loop, LOOPS)
    name = made_here(d, "OUT_", loop)
    d.is_real("range", "len")
    begins_empty(d, name, loop)
    _constant_member(d, m)
    d.need(not d.scope.uses(name, [m["N_"]]), "read inside")
    d.simple(m["N_"])
    d.is_kind(m["N_"], "int", "bool")
    if isinstance(loop, ast.For):
        targets_stay_inside(d, loop)
    d.replace_run([loop], d.fill("OUT_ = [V_] * N_"))


@rewrite("filled-comprehension", "multiplying a list fills it at once", "[V_ for I_ in range(N_)]")
def filled_comprehension(d: Draft, m: Match) -> None:
    d.is_real("range")
    _constant_member(d, m)
    d.is_kind(m["N_"], "int", "bool")
    d.replace(m.node, d.fill("[V_] * N_") if _stands_alone(d, m.node) else d.fill("([V_] * N_)"))


def _stands_alone(d: Draft, node: ast.expr) -> bool:
    return isinstance(d.program.parents[node], ast.Assign | ast.AnnAssign | ast.Return | ast.Call)


def _constant_member(d: Draft, m: Match) -> None:
    value = m["V_"]
    d.need(isinstance(value, ast.Constant | ast.Name), "made anew for each")
    d.need(m.name("V_") is None or ("I_" not in m) or m.name("V_") != m.name("I_"), "another each time")
    d.need(immutable(d.kind(value)) or isinstance(value, ast.Name), "it can be changed")
    d.need(not isinstance(value, ast.Name) or d.scope.is_local(value.id), "not this function's own")


@rewrite("strided-fill", "a slice is filled at once", "for I_ in range(A_, B_, S_):\n XS_[I_] = V_")
def strided_fill(d: Draft, m: Match) -> None:
    loop = m.statements[0]
    assert isinstance(loop, ast.For)
    d.need(m.name("XS_") and m.name("I_") and not loop.orelse, "not a variable")
    d.need(isinstance(m["V_"], ast.Constant), "made anew for each")
    d.is_real("range", "len")
    d.is_kind(m["XS_"], "list")
    for part in ("A_", "B_", "S_"):
        d.simple(m[part])
    targets_stay_inside(d, loop)
    whole = isinstance(m["B_"], ast.Call) and ast.unparse(m["B_"]) == f"len({m.name('XS_')})"
    d.trust(whole, "the end is within the list")
    forward = at_least(d, m["A_"], 0) and at_least(d, m["S_"], 1)
    d.trust(forward, "it goes forward, from no negative start")
    d.replace_run([loop], d.fill("XS_[A_:B_:S_] = [V_] * len(range(A_, B_, S_))"))


@rewrite(
    "deep-copy-of-rows",
    "rows of plain values need no deep copy",
    "copy.deepcopy(G_)",
    "deepcopy(G_)",
)
def deep_copy_of_rows(d: Draft, m: Match) -> None:
    call = "copy" if m.shape == 0 else "deepcopy"
    imported = any(
        (
            isinstance(one, ast.Import)
            and m.shape == 0
            and any(a.name == "copy" and not a.asname for a in one.names)
        )
        or (
            isinstance(one, ast.ImportFrom)
            and one.module == "copy"
            and any(a.name == call and not a.asname for a in one.names)
        )
        for one in d.program.tree.body
    )
    d.need(imported, "not the library's")
    grid = d.kind(m["G_"])
    d.need(grid.name in {"list", "?"}, "not a list")
    if immutable(member(grid)):
        d.replace(m.node, d.fill("G_[:]"))
        return
    d.need(member(grid).name in {"list", "?"} and not _three_deep(grid), "deeper than two levels")
    d.trust(
        known(grid) and immutable(member(member(grid))), "exactly two levels, of values that cannot change"
    )
    d.trust(False, "no row is there twice")
    row = d.fresh("row")
    d.replace(m.node, d.fill(f"[{row}[:] for {row} in G_]"))


def _three_deep(grid: Kind) -> bool:
    return known(member(member(grid))) and not immutable(member(member(grid)))


@rewrite(
    "transposed-by-zip",
    "zip turns rows into columns without indexing",
    "[[R_[I_] for R_ in G_] for I_ in range(len(G_[0]))]",
    "[[G_[J_][I_] for J_ in range(len(G_))] for I_ in range(len(G_[0]))]",
)
def transposed_by_zip(d: Draft, m: Match) -> None:
    _rows(d, m)
    column = d.fresh("column")
    d.replace(m.node, d.fill(f"[list({column}) for {column} in zip(*G_)]"))


@rewrite(
    "transposed-loop-by-zip",
    "zip turns rows into columns without indexing",
    "for I_ in range(len(G_[0])):\n C_ = []\n for R_ in G_:\n  C_.append(R_[I_])\n OUT_.append(C_)",
    "for I_ in range(len(G_[0])):\n C_ = []\n for J_ in range(len(G_)):\n  C_.append(G_[J_][I_])\n"
    " OUT_.append(C_)",
    "for I_ in range(len(G_[0])):\n OUT_.append([R_[I_] for R_ in G_])",
    "for I_ in range(len(G_[0])):\n OUT_.append([G_[J_][I_] for J_ in range(len(G_))])",
)
def transposed_loop_by_zip(d: Draft, m: Match) -> None:
    _rows(d, m)
    loop, name = m.statements[0], m.name("OUT_")
    assert isinstance(loop, ast.For)
    d.need(
        name and name != m.name("G_") and d.kind(m["OUT_"]).name == "list" and not loop.orelse, "not a list"
    )
    for target in ("I_", "C_", "R_", "J_"):
        if target in m and target in m.bound:
            d.need(
                m.name(target) and not d.scope.elsewhere(m.name(target) or "", loop), "read after the loop"
            )
    column = d.fresh("columns")
    d.replace_run([loop], d.fill(f"OUT_.extend([list({column}) for {column} in zip(*G_)])"))


def _rows(d: Draft, m: Match) -> None:
    d.need(m.name("G_"), "not a variable")
    d.is_real("list", "zip", "range", "len")
    rows = d.kind(m["G_"])
    d.need(
        rows.name in {"list", "tuple", "?"} and member(rows).name in {"list", "tuple", "str", "?"}, "not rows"
    )
    d.trust(False, "all rows are as long as the first, of which there is one")
