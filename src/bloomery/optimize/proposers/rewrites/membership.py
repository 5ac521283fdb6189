"""Searching in lists, and what hashing does instead."""

import ast

from bloomery.optimize.proposers.rewrites.aliases import names
from bloomery.optimize.proposers.rewrites.catalogue import Catalogue, adding_to
from bloomery.optimize.proposers.rewrites.drafting import Draft
from bloomery.optimize.proposers.rewrites.kinds import begun, hashable, member
from bloomery.optimize.proposers.rewrites.matching import Match
from bloomery.optimize.proposers.rewrites.moving import before_loops, targets_stay_inside
from bloomery.optimize.proposers.rewrites.owning import begins_empty, made_here

MEMBERSHIP: Catalogue = {}
rewrite = adding_to(MEMBERSHIP)
SHORT = 8  # a literal of fewer members is searched as fast as it is hashed


@rewrite(
    "list-to-set",
    "each search of a list looks at every member; a set is asked once",
    "X_ in XS_",
    "X_ not in XS_",
)
def list_to_set(d: Draft, m: Match) -> None:
    name = d.variable(m.name("XS_"))
    d.is_real("set")
    d.is_kind(m["XS_"], "list", "tuple")
    d.is_hashable(member(d.kind(m["XS_"])), f"members of {name}")
    d.is_hashable(d.kind(m["X_"]), ast.unparse(m["X_"]))
    for assigned in d.scope.assignments(name):
        d.need(
            not (isinstance(assigned.value, ast.List | ast.Tuple) and 0 < len(assigned.value.elts) < SHORT),
            "short",
        )
    statement = before_loops(d, m.node, name)
    hashed = d.fresh(f"{name}_set")
    d.before(statement, f"{hashed} = set({name})")
    for use in names([statement], name):
        test = d.program.parents[use]
        if (
            (
                isinstance(test, ast.Compare)
                and use in test.comparators
                and isinstance(test.ops[0], ast.In | ast.NotIn)
            )
            and len(test.ops) == 1
            and (test is m.node or hashable(d.kind(test.left)))
        ):
            d.replace(use, hashed)


@rewrite(
    "seen-list-to-set", "what is only added to and searched can be a set", "X_ in SEEN_", "X_ not in SEEN_"
)
def seen_list_to_set(d: Draft, m: Match) -> None:
    name = made_here(d, "SEEN_")
    d.is_real("set")
    assigned = d.scope.assignments(name)
    d.need(len(assigned) == 1 and isinstance(assigned[0].value, ast.List), "it does not begin as a list")
    made = assigned[0].value
    assert isinstance(made, ast.List)
    for use in d.scope.uses(name):
        outer = d.program.parents[use]
        if outer is assigned[0]:
            continue
        if isinstance(outer, ast.Compare):
            d.need(
                len(outer.ops) == 1
                and isinstance(outer.ops[0], ast.In | ast.NotIn)
                and use is not outer.left,
                "order",
            )
            d.is_hashable(d.kind(outer.left), ast.unparse(outer.left))
            continue
        call = d.program.parents[outer]
        adds = isinstance(outer, ast.Attribute) and outer.attr == "append" and isinstance(call, ast.Call)
        d.need(adds and isinstance(d.program.parents[call], ast.Expr), "used as a list")
        d.need(isinstance(call, ast.Call) and len(call.args) == 1, "used as a list")
        d.replace(outer, f"{name}.add")
    d.is_hashable(member(d.kind(ast.Name(name, ast.Load()))), f"members of {name}")
    d.need(len(d.edits) > 0, "nothing is added")
    members = ", ".join(map(d.text, made.elts))
    d.replace(made, f"{{{members}}}" if members else "set()")
    if isinstance(assigned[0], ast.AnnAssign):
        d.replace(
            assigned[0].annotation,
            d.text(assigned[0].annotation).replace("list", "set", 1).replace("List", "Set", 1),
        )


@rewrite(
    "ordered-unique",
    "a dict keeps the first of each, in order",
    "for X_ in XS_:\n if E_ not in OUT_:\n  OUT_.append(E_)",
    "for X_ in XS_:\n if E_ in OUT_:\n  continue\n OUT_.append(E_)",
)
def ordered_unique(d: Draft, m: Match) -> None:
    loop = m.statements[0]
    assert isinstance(loop, ast.For)
    name = made_here(d, "OUT_", loop)
    d.is_real("list", "dict")
    begins_empty(d, name, loop)
    d.need(not d.scope.uses(name, [m["XS_"]]), "it runs over itself")
    d.simple(m["E_"])
    targets_stay_inside(d, loop)
    d.is_hashable(d.kind(m["E_"]), ast.unparse(m["E_"]))
    plain = ast.unparse(m["E_"]) == ast.unparse(m["X_"])
    source = d.fill("XS_") if plain else d.fill("[E_ for X_ in XS_]")
    d.replace_run([loop], f"{name} = list(dict.fromkeys({source}))")


@rewrite("companion-set", "a set beside the list answers what is in it", "E_ not in OUT_", "E_ in OUT_")
def companion_set(d: Draft, m: Match) -> None:
    name = made_here(d, "OUT_")
    d.need(d.scope.loops(m.node), "it stands in no loop")
    d.is_real("set")
    assigned = d.scope.assignments(name)
    d.need(
        len(assigned) == 1 and isinstance(assigned[0].value, ast.List),
        "no list",
    )
    beside, appended = d.fresh(f"{name}_set"), 0
    for use in d.scope.uses(name):
        outer = d.program.parents[use]
        call = d.program.parents.get(outer)
        if isinstance(outer, ast.Attribute) and outer.attr not in {"count", "index", "copy"}:
            d.need(
                outer.attr == "append" and isinstance(call, ast.Call) and len(call.args) == 1, "other changes"
            )
            assert isinstance(call, ast.Call)
            d.need(isinstance(d.program.parents[call], ast.Expr), "shared")
            d.need(isinstance(call.args[0], ast.Name | ast.Constant), "computed twice")
            d.is_hashable(d.kind(call.args[0]), ast.unparse(call.args[0]))
            d.after(d.scope.statement(call), f"{beside}.add({d.text(call.args[0])})")
            appended += 1
        elif isinstance(outer, ast.Compare) and use in outer.comparators and len(outer.ops) == 1:
            if isinstance(outer.ops[0], ast.In | ast.NotIn):
                d.is_hashable(d.kind(outer.left), ast.unparse(outer.left))
                d.replace(use, beside)
        else:
            stored = isinstance(outer, ast.Subscript) and not isinstance(outer.ctx, ast.Load)
            d.need(not stored and not isinstance(outer, ast.AugAssign), "other changes")
    d.need(appended, "nothing is added")
    made = assigned[0].value
    filled = isinstance(made, ast.List) and made.elts
    empty = begun(beside, "set[{}]", member(d.kind(m["OUT_"])), "set()")
    d.after(assigned[0], f"{beside} = set({name})" if filled else empty)
    d.is_hashable(member(d.kind(m["OUT_"])), f"members of {name}")
