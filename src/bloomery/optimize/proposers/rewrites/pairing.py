"""Loops over pairs, and what an index does instead."""

import ast

from bloomery.optimize.proposers.rewrites import aliases
from bloomery.optimize.proposers.rewrites.aliases import binds, names
from bloomery.optimize.proposers.rewrites.catalogue import Catalogue, adding_to
from bloomery.optimize.proposers.rewrites.drafting import Draft, Edit
from bloomery.optimize.proposers.rewrites.kinds import begun, exact, hashable, known, member, spelled
from bloomery.optimize.proposers.rewrites.matching import Match
from bloomery.optimize.proposers.rewrites.moving import all_stay, left_by, stays, targets_stay_inside

PAIRED: Catalogue = {}
rewrite = adding_to(PAIRED)

SUMS = ("XS_[I_] + XS_[J_] == T_", "XS_[J_] + XS_[I_] == T_")
TESTS = (*SUMS, "XS_[I_] == XS_[J_]", "T_ == XS_[I_] + XS_[J_]", "XS_[J_] - XS_[I_] == T_", SUMS[0])
PAIRS = "for I_ in range(len(XS_)):\n for J_ in range(I_ + 1, len(XS_)):\n  if {}:\n   return E_"
OTHERS = "for I_ in range(len(XS_)):\n for J_ in range(len(XS_)):\n  if I_ != J_ and {}:\n   return E_"


@rewrite(
    "any-equal-pair",
    "a set tells whether any two are equal",
    *(PAIRS.format(one) for one in ("XS_[I_] == XS_[J_]", "XS_[J_] == XS_[I_]")),
)
def any_equal_pair(d: Draft, m: Match) -> None:
    d.need(isinstance(m["E_"], ast.Constant), "which two matters")
    _pairs(d, m)
    d.is_real("set")
    d.replace_run(m.statements, d.fill("if len(set(XS_)) != len(XS_):\n    return E_"))


@rewrite(
    "indexed-pair",
    "an index by value finds the partner of each at once",
    *map(PAIRS.format, TESTS[:5]),
    OTHERS.format(TESTS[5]),
)
def indexed_pair(d: Draft, m: Match) -> None:
    """The partners of the first are looked for one by one: where it has one, no index is made for nothing.

    Then the last place of each value tells whether a partner comes later, and the first such place is asked
    for once. Where a pair may stand either way round, the first one that is met stands in order.
    """
    _pairs(d, m)
    d.is_real("enumerate", "dict", "zip")
    last, value = d.fresh("last"), d.fresh("one")
    partner = {2: value, 4: f"T_ + {value}"}.get(m.shape, f"T_ - {value}")
    if "T_" in m:
        d.simple(m["T_"])
        d.need(
            not list(names([m["T_"]], m.name("I_"))) and not list(names([m["T_"]], m.name("J_"))),
            "another each time",
        )
        for number in (d.kind(m["T_"]), member(d.kind(m["XS_"]))):
            d.need(exact(number) or not known(number), "differences are rounded")
            d.trust(exact(number), "all are whole numbers")
    d.replace_run(
        m.statements,
        d.fill(
            "I_ = 0\n"
            "for J_ in range(1, len(XS_)):\n"
            f"    if {TESTS[m.shape]}:\n"
            "        return E_\n"
            f"{last} = dict(zip(XS_, range(len(XS_))))\n"
            f"for I_, {value} in enumerate(XS_):\n"
            f"    if {last}.get({partner}, 0) > I_:\n"
            f"        J_ = XS_.index({partner}, I_ + 1)\n"
            "        return E_"
        ),
    )


ENDS = ("len(XS_)", "N_")
BEGINS = ("range({end})", "range(0, {end})", "range({end} - 1)", "range(0, {end} - 1)")
INNER = ("for J_ in range(I_ + 1, {end}):\n  if {test}:\n   BODY_",
         "K_ = I_ + 1\n for J_ in range(K_, {end}):\n  if {test}:\n   BODY_")  # fmt: skip
ALIKE = ("XS_[I_] == XS_[J_]", "XS_[I_] == XS_[J_] and C_", "XS_[J_] == XS_[I_]")
SUMMED = (
    "XS_[I_] + XS_[J_] == T_",
    "XS_[J_] + XS_[I_] == T_",
    "T_ == XS_[I_] + XS_[J_]",
    "XS_[I_] + XS_[J_] == T_ and C_",
)


@rewrite(
    "indexed-pairs",
    "an index by value finds the partners of each at once",
    *(
        f"for I_ in {begin.format(end=end)}:\n {inner.format(end=end, test=test)}"
        for test in (*ALIKE, *SUMMED)
        for end in ENDS
        for begin in BEGINS
        for inner in INNER
    ),
)
def indexed_pairs(d: Draft, m: Match) -> None:
    """The same pairs in the same order; what is done for each stays as it is."""
    loop, body = m.statements[0], m.body("BODY_")
    assert isinstance(loop, ast.For)
    inner = loop.body[-1]
    assert isinstance(inner, ast.For)
    test = inner.body[0]
    assert isinstance(test, ast.If)
    d.need(m.name("I_") and m.name("J_") and not loop.orelse and not inner.orelse, "not variables")
    d.need(not (len(body) == 1 and isinstance(body[0], ast.Return)), "there is a shorter way")
    table = d.variable(m.name("XS_"))
    _of_pairs(d, m, table)
    d.need(not aliases.suspends([loop]), "it awaits or yields")
    stays(d, table, loop)
    own = [name for name in ("I_", "J_", "K_") if name in m]
    for name in own:
        left_by(d, loop, m.name(name) or "")
        d.need(not binds(body, m.name(name) or ""), "bound inside")
    if "K_" in m:
        d.need(len(list(names([loop], m.name("K_")))) == 2, "the beginning is read")
    places = d.fresh("places")
    end = d.program.text_of(m["N_"]) if "N_" in m else f"len({table})"
    first, second = m.name("I_"), m.name("J_")
    partner = d.fill("XS_[I_]") if "T_" not in m else d.fill("T_ - XS_[I_]")
    d.before(
        loop,
        f"{begun(places, 'dict[{}, list[int]]', member(d.kind(m['XS_'])), '{}')}\n"
        f"for {first} in range({f'{end} if {end} > 1 else 0' if 'N_' in m else end}):\n"
        f"    {places}.setdefault({table}[{first}], []).append({first})",
    )
    asked = f"{places}.get({partner}, ())"
    d.replace(inner.iter, f"{asked} if {places} else ()" if "N_" in m else asked)  # one alone has no pair
    rest = f" and {d.text(m['C_'])}" if "C_" in m else ""
    d.replace(test.test, f"{second} > {first}{rest}")


def _of_pairs(d: Draft, m: Match, table: str) -> None:
    """The members are as an index needs them, and the sum asked for is the same each time."""
    d.is_real("range", "len")
    summed = "T_" in m
    d.is_kind(m["XS_"], "list", "tuple", *([] if summed else ["str"]))
    inner = member(d.kind(m["XS_"]))
    d.is_hashable(inner, "members")
    if "N_" in m:
        d.need(isinstance(m["N_"], ast.Name | ast.Constant), "another end each time")
        d.need(m.name("N_") not in d.scope.lengths, "it is the length")
        d.need(m.name("N_") is None or not binds(m.statements, m.name("N_") or ""), "the end changes")
        d.trust(False, f"{table} has as many members")
    if not summed:
        d.trust(hashable(inner) and "float" not in str(inner), "every member is equal to itself")
        return
    d.simple(m["T_"])
    all_stay(d, m["T_"], *m.statements)
    for number in (d.kind(m["T_"]), inner):
        d.need(exact(number) or not known(number), "differences are rounded")
        d.trust(exact(number), "all are whole numbers")


def _pairs(d: Draft, m: Match) -> None:
    loop = m.statements[0]
    assert isinstance(loop, ast.For)
    d.need(m.name("I_") and m.name("J_") and m.name("XS_") and not loop.orelse, "not variables")
    d.is_real("range", "len")
    d.is_kind(m["XS_"], "list", "tuple")
    d.is_hashable(member(d.kind(m["XS_"])), "members")
    inner = loop.body[0]
    assert isinstance(inner, ast.For)
    d.need(not inner.orelse, "an else")
    for one in ("I_", "J_"):
        left_by(d, loop, m.name(one) or "")
    d.simple(m["E_"])


@rewrite(
    "joined-by-key",
    "an index by key finds the rows that match",
    "for B_ in YS_:\n if L_ == R_:\n  BODY_",
)
def joined_by_key(d: Draft, m: Match) -> None:
    inner, table = m.statements[0], m.name("YS_")
    assert isinstance(inner, ast.For)
    d.need(table and not inner.orelse, "not a variable")
    assert table
    outer = [loop for loop in d.scope.loops(inner) if isinstance(loop, ast.For | ast.While)]
    d.need(outer, "it stands in no loop")
    loop = outer[0]
    assert isinstance(loop, ast.For | ast.While)
    bound = {use.id for use in names([inner.target])}
    sides = [m["L_"], m["R_"]]
    of_row = [side for side in sides if {use.id for use in names([side])} & bound]
    d.need(len(of_row) == 1, "not a comparison of a row with something else")
    key, asked = of_row[0], next(side for side in sides if side is not of_row[0])
    d.need({use.id for use in names([key])} <= bound, "the key depends on more than the row")
    for side in sides:
        d.simple(side)
        d.is_hashable(d.kind(side), ast.unparse(side))
        d.trust(hashable(d.kind(side)) and "float" not in str(d.kind(side)), "every key is equal to itself")
    d.is_kind(m["YS_"], "list", "tuple")
    stays(d, table, loop)
    for name in sorted({use.id for use in names([asked])}):
        d.need(not binds(inner.body, name), f"{name} is bound inside")
    d.need(
        not any(
            isinstance(one, ast.Name) and not isinstance(one.ctx, ast.Load)
            for one in names(m.body("BODY_"))
            if one.id in bound
        ),
        "the row is bound inside",
    )
    targets_stay_inside(d, inner)
    index = d.fresh(f"{table}_by_key")
    row = d.program.text_of(inner.target)
    whole = row if isinstance(inner.target, ast.Name) else f"({row})"
    first = f"{index} = {{}}"
    if rows := spelled(member(d.kind(m["YS_"]))):
        first = begun(index, f"dict[{{}}, list[{rows}]]", d.kind(asked), "{}")
    d.before(
        loop,
        f"{first}\nfor {row} in {table}:\n    {index}.setdefault({d.text(key)}, []).append({whole})",
    )
    d.replace(inner.iter, f"{index}.get({d.text(asked)}, ())")
    test = inner.body[0]
    assert isinstance(test, ast.If)
    _unwrapped(d, test)


def _spans_lines(node: ast.AST) -> bool:
    texts = (ast.Constant, ast.JoinedStr)
    return any(isinstance(one, texts) and one.lineno != one.end_lineno for one in ast.walk(node))


def _unwrapped(d: Draft, test: ast.If) -> None:
    """The body in place of the decision, one level less deep; its comments stay."""
    program = d.program
    start, end = program.span(test)
    head = program.text.index("\n", program.span(test.test)[1])
    d.need(program.text[program.span(test.test)[1] : head].strip() == ":", "something follows the test")
    deep, shallow = d.indent(test.body[0]), d.indent(test)
    lines = program.text[head + 1 : end].split("\n")
    d.need(all(not line.strip() or line.startswith(deep) for line in lines), "lines that are not indented")
    d.need(not _spans_lines(test), "a text of several lines")
    made = [shallow + line.removeprefix(deep) if line.strip() else line for line in lines]
    made[0] = made[0].removeprefix(shallow)
    d.edits.append(Edit(start, end, "\n".join(made)))
