"""Texts that grow piece by piece."""

import ast

from bloomery.optimize.proposers.rewrites.aliases import names, unknown_calls
from bloomery.optimize.proposers.rewrites.catalogue import Catalogue, adding_to
from bloomery.optimize.proposers.rewrites.drafting import Draft
from bloomery.optimize.proposers.rewrites.matching import Match
from bloomery.optimize.proposers.rewrites.moving import begins_as, growing_loop, stays, targets_stay_inside
from bloomery.optimize.proposers.rewrites.owning import seen_here
from bloomery.optimize.proposers.rewrites.patterns import same

JOINED: Catalogue = {}
rewrite = adding_to(JOINED)

GROWING = (
    "S_ += E_",
    "S_ = S_ + E_",
    "S_ = S_ + A_ + E_",
    "S_ = S_ + A_ + B_ + E_",
    "S_ = S_ + A_ + B_ + C_ + E_",
)


@rewrite(
    "joined-parts-at-once",
    "parts are joined once, instead of copying the text for each",
    *(f"for X_ in XS_:\n {one}" for one in GROWING),
)
def joined_parts_at_once(d: Draft, m: Match) -> None:
    loop = m.statements[0]
    assert isinstance(loop, ast.For)
    name = seen_here(d, "S_", loop)
    parts = [m[part] for part in ("A_", "B_", "C_", "E_") if part in m]
    d.need(not list(names([*parts, m["XS_"], m["X_"]], name)), "read inside")
    all_texts(d, name, parts)
    for part in parts:
        d.simple(part)
    targets_stay_inside(d, loop)
    not_caught(d, loop)
    made = " + ".join(map(d.text, parts))
    d.replace_run([loop], d.fill(f'S_ += "".join([{made} for X_ in XS_])'))


@rewrite("joined-parts", "parts are joined once, instead of copying the text for each", *GROWING)
def joined_parts(d: Draft, m: Match) -> None:
    name = seen_here(d, "S_")
    loop = growing_loop(d, m.nodes[0], name)
    grown = _growing(d, loop, name)
    d.need(len(d.scope.uses(name, [loop])) == sum(count for _, _, count in grown), "read inside the loop")
    not_caught(d, loop)
    parts = d.fresh(f"{name}_parts")
    for statement, added, _ in grown:
        all_texts(d, name, added)
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


def all_texts(d: Draft, name: str, parts: list[ast.expr]) -> None:
    begins_as(d, name, "str")
    d.is_kind(ast.Name(name, ast.Load()), "str")
    for part in parts:
        d.is_kind(part, "str")


def not_caught(d: Draft, loop: ast.stmt) -> None:
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
    not_caught(d, loop)
    stays(d, m.name("XS_") or target.value.id, m["X_"])
    d.trust(False, f"{ast.unparse(target)} is a plain attribute that holds a text")
    d.replace_run([loop], d.fill(f'{d.text(target)} += "".join([{" + ".join(parts)} for X_ in XS_])'))
