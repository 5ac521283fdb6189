"""Searching and counting in lists, and what hashing does instead."""

import ast

from bloomery.optimize.proposers.rewrites.aliases import names
from bloomery.optimize.proposers.rewrites.catalogue import Catalogue, adding_to
from bloomery.optimize.proposers.rewrites.drafting import Draft
from bloomery.optimize.proposers.rewrites.kinds import hashable, known, member
from bloomery.optimize.proposers.rewrites.matching import Match
from bloomery.optimize.proposers.rewrites.moving import before_loops, targets_stay_inside

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
    name = m.name("SEEN_")
    d.need(name and d.scope.is_own(name), "not a list made here")
    assert name
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
    loop, name = m.statements[0], m.name("OUT_")
    assert isinstance(loop, ast.For)
    d.need(name and d.scope.is_own(name) and not loop.orelse, "not a list made here")
    assert name
    d.is_real("list", "dict")
    first = d.scope.initial(name, loop)
    d.need(first and isinstance(first.value, ast.List) and not first.value.elts, "it does not begin empty")
    d.need(not d.scope.uses(name, [m["XS_"]]), "it runs over itself")
    d.simple(m["E_"])
    targets_stay_inside(d, loop)
    d.is_hashable(d.kind(m["E_"]), ast.unparse(m["E_"]))
    plain = ast.unparse(m["E_"]) == ast.unparse(m["X_"])
    source = d.fill("XS_") if plain else d.fill("[E_ for X_ in XS_]")
    d.replace_run([loop], f"{name} = list(dict.fromkeys({source}))")


@rewrite("companion-set", "a set beside the list answers what is in it", "E_ not in OUT_", "E_ in OUT_")
def companion_set(d: Draft, m: Match) -> None:
    name = m.name("OUT_")
    d.need(name and d.scope.is_own(name), "not a list made here")
    assert name
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
    begun = isinstance(made, ast.List) and made.elts
    d.after(assigned[0], f"{beside} = set({name})" if begun else f"{beside} = set()")
    d.is_hashable(member(d.kind(m["OUT_"])), f"members of {name}")


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
    loop, name = m.statements[0], m.name("COUNTS_")
    assert isinstance(loop, ast.For)
    d.need(name and d.scope.is_own(name) and m.name("XS_") and not loop.orelse, "not a dict made here")
    assert name
    first = d.scope.initial(name, loop)
    d.need(first and isinstance(first.value, ast.Dict) and not first.value.keys, "it does not begin empty")
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
