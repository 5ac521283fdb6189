"""Letters that are looked at one by one."""

import ast

from bloomery.optimize.proposers.rewrites.catalogue import Catalogue, adding_to
from bloomery.optimize.proposers.rewrites.drafting import Draft
from bloomery.optimize.proposers.rewrites.matching import Match
from bloomery.optimize.proposers.rewrites.moving import targets_stay_inside
from bloomery.optimize.proposers.rewrites.patterns import same

LETTERS: Catalogue = {}
rewrite = adding_to(LETTERS)


@rewrite("letter-by-letter", "translate maps all letters at once", "for C_ in TEXT_:\n BODY_")
def letter_by_letter(d: Draft, m: Match) -> None:
    """`if c == "a": out += "1" elif ... else: out += c`."""
    loop, body, name = m.statements[0], m.body("BODY_"), m.name("C_")
    assert isinstance(loop, ast.For)
    d.need(name and len(body) == 1 and isinstance(body[0], ast.If) and not loop.orelse, "not one decision")
    assert name
    table, grown = _table(d, body[0], name)
    d.need(table and grown and d.scope.is_local(grown), "no table")
    assert grown
    d.is_kind(m["TEXT_"], "str")
    d.is_kind(ast.Name(grown, ast.Load()), "str")
    d.need(not d.scope.uses(grown, [m["TEXT_"]]), "it reads itself")
    targets_stay_inside(d, loop)
    pairs = ", ".join(f"{key}: {value}" for key, value in table.items())
    d.replace_run([loop], d.fill(f"{grown} += TEXT_.translate(str.maketrans({{{pairs}}}))"))
    d.is_real("str")


def _table(d: Draft, node: ast.stmt, letter: str) -> tuple[dict[str, str], str | None]:
    table: dict[str, str] = {}
    grown: set[str | None] = set()
    while True:
        d.need(isinstance(node, ast.If) and len(node.body) == 1 and len(node.orelse) == 1, "not a chain")
        assert isinstance(node, ast.If)
        test = node.test
        d.need(
            isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq) and len(test.ops) == 1,
            "not equality",
        )
        assert isinstance(test, ast.Compare)
        d.need(isinstance(test.left, ast.Name) and test.left.id == letter, "not the letter")
        key, (name, value) = test.comparators[0], _grown(d, node.body[0])
        for constant in (key, value):
            d.need(isinstance(constant, ast.Constant) and isinstance(constant.value, str), "not a constant")
        assert isinstance(key, ast.Constant)
        d.need(len(str(key.value)) == 1 and d.text(key) not in table, "not one letter")
        table[d.text(key)] = d.text(value)
        grown.add(name)
        node = node.orelse[0]
        if not isinstance(node, ast.If):
            name, value = _grown(d, node)
            d.need(isinstance(value, ast.Name) and value.id == letter, "others are not kept")
            grown.add(name)
            return table, grown.pop() if len(grown) == 1 else None


def _grown(d: Draft, node: ast.stmt) -> tuple[str | None, ast.expr]:
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add) and isinstance(node.target, ast.Name):
        return node.target.id, node.value
    d.need(
        isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.value, ast.BinOp), "other"
    )
    assert isinstance(node, ast.Assign)
    assert isinstance(node.value, ast.BinOp)
    target, value = node.targets[0], node.value
    d.need(
        isinstance(value.op, ast.Add) and isinstance(target, ast.Name) and same(value.left, target), "other"
    )
    assert isinstance(target, ast.Name)
    return target.id, value.right


@rewrite(
    "mapped-letters",
    "translate maps all letters at once",
    '"".join(TABLE_.get(C_, C_) for C_ in TEXT_)',
    '"".join([TABLE_.get(C_, C_) for C_ in TEXT_])',
)
def mapped_letters(d: Draft, m: Match) -> None:
    d.is_kind(m["TEXT_"], "str")
    assigned = d.scope.assignments(m.name("TABLE_") or "")
    literal = assigned[0].value if len(assigned) == 1 else m["TABLE_"]
    d.need(isinstance(literal, ast.Dict), "the table is not a literal")
    assert isinstance(literal, ast.Dict)
    d.need(m.name("TABLE_") is None or d.scope.is_own(m.name("TABLE_") or ""), "the table may change")
    for key, value in zip(literal.keys, literal.values, strict=True):
        plain = isinstance(key, ast.Constant) and isinstance(key.value, str) and len(key.value) == 1
        d.need(plain and isinstance(value, ast.Constant) and isinstance(value.value, str), "not letters")
    d.is_real("str")
    d.replace(m.node, d.fill("TEXT_.translate(str.maketrans(TABLE_))"))


@rewrite(
    "replace-chain",
    "translate replaces all letters in one pass",
    "T_.replace(A_, B_).replace(C_, D_).replace(E_, F_)",
)
def replace_chain(d: Draft, m: Match) -> None:
    outer = d.program.parents.get(m.node)
    d.need(not (isinstance(outer, ast.Attribute) and outer.attr == "replace"), "part of a longer chain")
    link, pairs = m.node, []
    while isinstance(link, ast.Call) and isinstance(link.func, ast.Attribute) and link.func.attr == "replace":
        d.need(len(link.args) == 2 and not link.keywords, "counted")
        pairs.append((link.args[0], link.args[1]))
        link = link.func.value
    pairs.reverse()
    d.is_kind(link, "str")
    seen: set[str] = set()
    written = ""
    for old, put in pairs:
        constants = [
            part.value
            for part in (old, put)
            if isinstance(part, ast.Constant) and isinstance(part.value, str)
        ]
        d.need(len(constants) == 2 and len(constants[0]) == 1, "not letters")
        d.need(constants[0] not in seen and constants[0] not in written, "one replacement feeds another")
        seen.add(constants[0])
        written += constants[1]
    d.is_real("str")
    table = ", ".join(f"{d.text(old)}: {d.text(put)}" for old, put in pairs)
    d.replace(m.node, f"{d.text(link)}.translate(str.maketrans({{{table}}}))")
