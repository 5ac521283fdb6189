"""Regular expressions."""

import ast
import re

from bloomery.optimize.proposers.rewrites.aliases import names
from bloomery.optimize.proposers.rewrites.catalogue import Catalogue, adding_to
from bloomery.optimize.proposers.rewrites.drafting import Draft
from bloomery.optimize.proposers.rewrites.matching import Match

COMPILED: Catalogue = {}
rewrite = adding_to(COMPILED)


@rewrite(
    "compiled-once",
    "the pattern is compiled when the module is read, not looked up for each call",
    *(f"re.{name}(P_, S_)" for name in ("match", "search", "fullmatch", "findall", "finditer", "split")),
    "re.sub(P_, R_, S_)",
    "re.subn(P_, R_, S_)",
)
def compiled_once(d: Draft, m: Match) -> None:
    assert isinstance(m.node, ast.Call)
    assert isinstance(m.node.func, ast.Attribute)
    compiled = _compiled(d, m, f"re.compile({d.text(m['P_'])})")
    rest = ", ".join(d.text(m[name]) for name in ("R_", "S_") if name in m)
    d.replace(m.node, f"{compiled}.{m.node.func.attr}({rest})")


@rewrite(
    "compiled-before",
    "the pattern is compiled when the module is read, not in each turn of the loop",
    "re.compile(P_)",
    "re.compile(P_, F_)",
    "re.compile(P_, flags=F_)",
)
def compiled_before(d: Draft, m: Match) -> None:
    d.replace(m.node, _compiled(d, m, d.program.text_of(m.node)))


def _flags(node: ast.expr) -> int:
    """Of `re.I`, or several of them joined by `|`. Raises: ValueError for anything else."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _flags(node.left) | _flags(node.right)
    if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "re":
        flag = getattr(re, node.attr, None)
        if isinstance(flag, re.RegexFlag):
            return int(flag)
    raise ValueError(f"{ast.unparse(node)} is no flag")


def _compiled(d: Draft, m: Match, code: str) -> str:
    """The name of what stands above the function: the pattern, compiled."""
    pattern = m["P_"]
    d.need(isinstance(pattern, ast.Constant) and isinstance(pattern.value, str | bytes), "not a constant")
    assert isinstance(pattern, ast.Constant)
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
        flags = _flags(m["F_"]) if "F_" in m else 0
        re.compile(pattern.value if isinstance(pattern.value, bytes) else str(pattern.value), flags)
    except (re.error, ValueError):
        d.need(False, "it does not compile, and would say so at another time")
    first = d.program.parents.get(d.scope.function)
    d.need(isinstance(first, ast.Module | ast.ClassDef), "a nested function")
    d.need(all(one.lineno < d.scope.function.lineno for one in whole), "re comes later")
    compiled = d.fresh("PATTERN")
    d.above_function(f"{compiled} = {code}")
    return compiled
