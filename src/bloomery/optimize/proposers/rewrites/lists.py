"""Lists that are copied, shifted, filled or turned member by member."""

import ast

from bloomery.optimize.proposers.rewrites.aliases import binds, mutations
from bloomery.optimize.proposers.rewrites.catalogue import Catalogue, adding_to
from bloomery.optimize.proposers.rewrites.drafting import Draft
from bloomery.optimize.proposers.rewrites.kinds import Kind, immutable, known, member
from bloomery.optimize.proposers.rewrites.matching import Match
from bloomery.optimize.proposers.rewrites.moving import begins_as, growing_loop, stays, targets_stay_inside
from bloomery.optimize.proposers.rewrites.scope import LOOPS
from bloomery.optimize.proposers.rewrites.signs import at_least

LISTS: Catalogue = {}
rewrite = adding_to(LISTS)


@rewrite(
    "append-in-place",
    "the list is copied for each new member",
    "OUT_ = OUT_ + MORE_",
    "OUT_ = [*OUT_, MORE_]",
)
def append_in_place(d: Draft, m: Match) -> None:
    name, more = m.name("OUT_"), m["MORE_"]
    d.need(name and d.scope.is_own(name), "somebody else may hold the list")
    assert name
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
    name = m.name("Q_")
    d.need(name and d.scope.is_own(name), "not a list made here")
    assert name
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
    loop, name = m.statements[0], m.name("OUT_")
    assert isinstance(loop, ast.For)
    d.need(name and d.scope.is_own(name) and not loop.orelse, "not a list made here")
    assert name
    first = d.scope.initial(name, loop)
    d.need(first and isinstance(first.value, ast.List) and not first.value.elts, "it does not begin empty")
    d.need(not d.scope.uses(name, [m["XS_"], m["E_"]]), "read inside")
    d.is_real("list")
    targets_stay_inside(d, loop)
    plain = ast.unparse(m["E_"]) == ast.unparse(m["X_"])
    d.replace_run([loop], d.fill("OUT_ = list(XS_)[::-1]" if plain else "OUT_ = [E_ for X_ in XS_][::-1]"))


@rewrite("front-inserts", "each insertion at the front moves all the others", "OUT_.insert(0, E_)")
def front_inserts(d: Draft, m: Match) -> None:
    name = m.name("OUT_")
    d.need(name and d.scope.is_own(name), "not a list made here")
    assert name
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


@rewrite(
    "filled-list",
    "multiplying a list fills it at once",
    "for I_ in range(N_):\n OUT_.append(V_)",
    "while len(OUT_) < N_:\n OUT_.append(V_)",
)
def filled_list(d: Draft, m: Match) -> None:
    loop, name = m.statements[0], m.name("OUT_")
    assert isinstance(loop, LOOPS)
    d.need(name and d.scope.is_own(name) and not loop.orelse, "not a list made here")
    assert name
    d.is_real("range", "len")
    first = d.scope.initial(name, loop)
    d.need(first and isinstance(first.value, ast.List) and not first.value.elts, "it does not begin empty")
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


@rewrite("map-of-lambda", "a comprehension calls no function for each member", "list(map(F_, XS_))")
def map_of_lambda(d: Draft, m: Match) -> None:
    function = m["F_"]
    d.is_real("list", "map")
    d.need(isinstance(function, ast.Lambda), "not a lambda")
    assert isinstance(function, ast.Lambda)
    given = function.args
    plain = not (given.defaults or given.vararg or given.kwarg or given.kwonlyargs or given.posonlyargs)
    d.need(plain and len(given.args) == 1, "not of one argument")
    d.need(
        not any(isinstance(inner, ast.Lambda) for inner in ast.walk(function.body)), "a lambda in a lambda"
    )
    d.need(not isinstance(function.body, ast.NamedExpr | ast.Yield | ast.Await), "it binds a name")
    d.replace(m.node, f"[{d.program.text_of(function.body)} for {given.args[0].arg} in {d.text(m['XS_'])}]")


@rewrite("item-getter", "the library's getter calls no Python for each member", "lambda X_: X_[K_]")
def item_getter(d: Draft, m: Match) -> None:
    d.need(isinstance(m["K_"], ast.Constant) and isinstance(m["K_"].value, int | str), "not a constant")
    outer = d.program.parents[m.node]
    d.need(isinstance(outer, ast.keyword) and outer.arg == "key", "not a key")
    d.replace(m.node, d.fill(f"{d.use('operator.itemgetter')}(K_)"))


@rewrite(
    "dict-items",
    "items() gives the value without looking it up",
    "for K_ in D_:\n BODY_",
    "for K_ in D_.keys():\n BODY_",
)
def dict_items(d: Draft, m: Match) -> None:
    loop, key, table = m.statements[0], m.name("K_"), m.name("D_")
    assert isinstance(loop, ast.For)
    d.need(key and table, "not variables")
    assert key
    assert table
    d.is_kind(m["D_"], "dict")
    body = m.body("BODY_")
    d.need(not binds(body, key) and not binds(body, table), "bound again")
    d.need(table not in [held for held, _ in mutations(body)], "changed inside")
    looked_up = [
        node
        for statement in body
        for node in ast.walk(statement)
        if isinstance(node, ast.Subscript) and ast.unparse(node) == f"{table}[{key}]"
    ]
    d.need(looked_up and all(isinstance(node.ctx, ast.Load) for node in looked_up), "not looked up")
    stays(d, table, *body)
    value = d.fresh(f"{key}_value")
    for node in looked_up:
        d.replace(node, value)
    d.replace(loop.target, f"{key}, {value}")
    d.replace(loop.iter, f"{table}.items()")
