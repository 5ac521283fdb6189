"""Texts that grow piece by piece, and letters that are looked at one by one."""

import ast
import re

from bloomery.optimize.proposers.rewrites.aliases import names, unknown_calls
from bloomery.optimize.proposers.rewrites.catalogue import Catalogue, adding_to
from bloomery.optimize.proposers.rewrites.drafting import Draft
from bloomery.optimize.proposers.rewrites.matching import Match
from bloomery.optimize.proposers.rewrites.moving import begins_as, growing_loop, stays, targets_stay_inside
from bloomery.optimize.proposers.rewrites.patterns import same

TEXTS: Catalogue = {}
rewrite = adding_to(TEXTS)
GROWING = (
    "S_ += E_",
    "S_ = S_ + E_",
    "S_ = S_ + A_ + E_",
    "S_ = S_ + A_ + B_ + E_",
    "S_ = S_ + A_ + B_ + C_ + E_",
)


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
    loop, name = m.statements[0], m.name("S_")
    assert isinstance(loop, ast.For)
    d.need(
        name and d.scope.is_local(name) and name not in d.scope.escaping and not loop.orelse, "seen elsewhere"
    )
    assert name
    d.need(not list(names([m["E_"], m["XS_"], m["X_"]], name)), "read inside")
    _all_texts(d, name, [m["E_"]])
    d.simple(m["E_"])
    targets_stay_inside(d, loop)
    _not_caught(d, loop)
    d.replace_run([loop], d.fill('S_ = "".join([E_ for X_ in XS_][::-1]) + S_'))


@rewrite("joined-reversed", "a slice turns a text at once", '"".join(reversed(TEXT_))')
def joined_reversed(d: Draft, m: Match) -> None:
    d.is_real("reversed")
    d.is_kind(m["TEXT_"], "str")
    d.replace(m.node, d.fill("TEXT_[::-1]"))


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


@rewrite(
    "joined-parts-at-once",
    "parts are joined once, instead of copying the text for each",
    *(f"for X_ in XS_:\n {one}" for one in GROWING),
)
def joined_parts_at_once(d: Draft, m: Match) -> None:
    loop, name = m.statements[0], m.name("S_")
    assert isinstance(loop, ast.For)
    d.need(
        name and d.scope.is_local(name) and name not in d.scope.escaping and not loop.orelse, "seen elsewhere"
    )
    assert name
    parts = [m[part] for part in ("A_", "B_", "C_", "E_") if part in m]
    d.need(not list(names([*parts, m["XS_"], m["X_"]], name)), "read inside")
    _all_texts(d, name, parts)
    for part in parts:
        d.simple(part)
    targets_stay_inside(d, loop)
    _not_caught(d, loop)
    made = " + ".join(map(d.text, parts))
    d.replace_run([loop], d.fill(f'S_ += "".join([{made} for X_ in XS_])'))


@rewrite("joined-parts", "parts are joined once, instead of copying the text for each", *GROWING)
def joined_parts(d: Draft, m: Match) -> None:
    name = m.name("S_")
    d.need(name and d.scope.is_local(name) and name not in d.scope.escaping, "seen elsewhere")
    assert name
    loop = growing_loop(d, m.nodes[0], name)
    grown = _growing(d, loop, name)
    d.need(len(d.scope.uses(name, [loop])) == sum(count for _, _, count in grown), "read inside the loop")
    _not_caught(d, loop)
    parts = d.fresh(f"{name}_parts")
    for statement, added, _ in grown:
        _all_texts(d, name, added)
        d.replace_run([statement], f"{parts}.append({' + '.join(map(d.text, added))})")
    d.before(loop, f"{parts} = [{name}]")
    d.after(loop, f'{name} = "".join({parts})')


def _growing(d: Draft, loop: ast.stmt, name: str) -> list[tuple[ast.stmt, list[ast.expr], int]]:
    """Statements that put something behind the text: what they put, and how often they name it."""
    found: list[tuple[ast.stmt, list[ast.expr], int]] = []
    for node in ast.walk(loop):
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
            if isinstance(node.target, ast.Name) and node.target.id == name:
                found.append((node, [node.value], 1))
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp) and len(node.targets) == 1:
            parts = _operands(node.value)
            if all(isinstance(one, ast.Name) and one.id == name for one in (node.targets[0], parts[0])):
                found.append((node, parts[1:], 2))
    return found


def _operands(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*_operands(node.left), node.right]
    return [node]


def _all_texts(d: Draft, name: str, parts: list[ast.expr]) -> None:
    begins_as(d, name, "str")
    d.is_kind(ast.Name(name, ast.Load()), "str")
    for part in parts:
        d.is_kind(part, "str")


def _not_caught(d: Draft, loop: ast.stmt) -> None:
    """What stops the loop halfway does not show the unfinished text."""
    d.need(
        not any(isinstance(outer, ast.Try) for outer in d.scope.up(loop)), "an exception may show the text"
    )
    d.need(
        not any(isinstance(inner, ast.Yield | ast.Await | ast.YieldFrom) for inner in ast.walk(loop)),
        "it yields",
    )


@rewrite("joined-attribute", "a text in an attribute is copied whole for each part", "for X_ in XS_:\n BODY_")
def joined_attribute(d: Draft, m: Match) -> None:
    loop, body = m.statements[0], m.body("BODY_")
    assert isinstance(loop, ast.For)
    d.need(not loop.orelse, "an else")
    parts: list[str] = []
    target: ast.Attribute | None = None
    for statement in body:
        d.need(isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Add), "other statements")
        assert isinstance(statement, ast.AugAssign)
        d.need(isinstance(statement.target, ast.Attribute), "other targets")
        assert isinstance(statement.target, ast.Attribute)
        d.need(isinstance(statement.target.value, ast.Name), "not an attribute of a name")
        d.need(target is None or same(target, statement.target), "several attributes")
        target = statement.target
        d.is_kind(statement.value, "str")
        d.simple(statement.value)
        parts.append(d.text(statement.value))
    assert target is not None
    assert isinstance(target.value, ast.Name)
    attribute = target.attr
    values = [part.value for part in body if isinstance(part, ast.AugAssign)]
    inner = (one for value in values for one in ast.walk(value))
    read = any(isinstance(one, ast.Attribute) and one.attr == attribute for one in inner)
    d.need(not read and not d.scope.uses(target.value.id, [m["XS_"], m["X_"]]), "read inside")
    d.need(not list(unknown_calls(body, d.scope.is_real)), "what is called may read it")
    targets_stay_inside(d, loop)
    _not_caught(d, loop)
    stays(d, m.name("XS_") or target.value.id, m["X_"])
    d.trust(False, f"{ast.unparse(target)} is a plain attribute that holds a text")
    d.replace_run([loop], d.fill(f'{d.text(target)} += "".join([{" + ".join(parts)} for X_ in XS_])'))


@rewrite(
    "compiled-once",
    "the pattern is compiled when the module is read, not looked up for each call",
    *(f"re.{name}(P_, S_)" for name in ("match", "search", "fullmatch", "findall", "finditer", "split")),
    "re.sub(P_, R_, S_)",
    "re.subn(P_, R_, S_)",
)
def compiled_once(d: Draft, m: Match) -> None:
    pattern = m["P_"]
    d.need(isinstance(pattern, ast.Constant) and isinstance(pattern.value, str | bytes), "not a constant")
    assert isinstance(pattern, ast.Constant)
    assert isinstance(m.node, ast.Call)
    assert isinstance(m.node.func, ast.Attribute)
    d.need(d.scope.loops(m.node), "it stands in no loop")
    whole = [
        one
        for one in d.program.tree.body
        if isinstance(one, ast.Import)
        for name in one.names
        if name.name == "re"
    ]
    bound = [name for name in d.program.bound if name == "re"]
    stored = [use for use in names([d.program.tree], "re") if not isinstance(use.ctx, ast.Load)]
    d.need(whole and bound and not stored, "re is not the module")
    try:
        re.compile(pattern.value if isinstance(pattern.value, bytes) else str(pattern.value))
    except re.error:
        d.need(False, "it does not compile, and would say so at another time")
    first = d.program.parents.get(d.scope.function)
    d.need(isinstance(first, ast.Module | ast.ClassDef), "a nested function")
    d.need(all(one.lineno < d.scope.function.lineno for one in whole), "re comes later")
    compiled = d.fresh("PATTERN")
    d.above_function(f"{compiled} = re.compile({d.text(pattern)})")
    rest = ", ".join(d.text(m[name]) for name in ("R_", "S_") if name in m)
    d.replace(m.node, f"{compiled}.{m.node.func.attr}({rest})")
