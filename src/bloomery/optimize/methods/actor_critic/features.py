"""Code and proposals as numbers: what a policy and a critic see of them. Nothing is run."""

import ast
import math
from collections.abc import Mapping

from bloomery.optimize.proposal import Proposal
from bloomery.source.diff import make
from bloomery.source.python import FUNCTION, functions

LOOPS = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
CODE = (
    "bias", "lines", "loops", "depth of loops", "searches in loops", "concatenations in loops",
    "calls in loops", "slices in loops", "sorts", "powers and remainders", "recursion", "attributes",
)  # fmt: skip
"""The numbers of a function, in order; counts as log(1 + count) / 3, so that most are below 1."""


MET = ("depth of loops", "searches in loops", "concatenations in loops", "slices in loops")
"""What an operator's worth may depend on: each comes with each operator, too."""


def code_features(text: str, function: str | None) -> tuple[float, ...]:
    """The numbers of CODE, of a function or, without one, of the whole file."""
    tree = ast.parse(text)
    node: ast.AST = functions(tree).get(function, tree) if function else tree
    inside = [one for one, depth in _with_depth(node, 0) if depth > 0]
    counts = (
        getattr(node, "end_lineno", text.count("\n")) - getattr(node, "lineno", 0),
        sum(isinstance(one, LOOPS) for one in ast.walk(node)),
        max((depth for _, depth in _with_depth(node, 0)), default=0),
        sum(isinstance(one, ast.Compare) and any(_searches(op) for op in one.ops) for one in inside),
        sum(_concatenates(one) for one in inside),
        sum(isinstance(one, ast.Call) for one in inside),
        sum(isinstance(one, ast.Slice) for one in inside),
        sum(isinstance(one, ast.Call) and _called(one) in ("sorted", "sort") for one in ast.walk(node)),
        sum(isinstance(one, ast.BinOp) and isinstance(one.op, ast.Pow | ast.Mod) for one in ast.walk(node)),
        sum(isinstance(one, ast.Call) and _called(one) == _own(node) for one in ast.walk(node)),
        sum(isinstance(one, ast.Attribute) for one in ast.walk(node)),
    )
    return (1.0, *(math.log1p(max(0, count)) / 3 for count in counts))


def arm(proposal: Proposal) -> str:
    """What a policy chooses among: a proposer with one of its operators (not: a model's name of an idea)."""
    operator = proposal.operator.partition(":")[0]
    return f"{proposal.proposer}: {operator}"


def proposal_features(proposal: Proposal, before: Mapping[str, str], place: int = 0) -> dict[str, float]:
    """By name: the code, who proposes, which operators, how much it changes, whether it is called proven.

    `place`: how many of the same proposer for the same function came before it.
    """
    path = next(iter(proposal.texts))
    code = code_features(before.get(path, ""), proposal.function)
    found = dict(zip(CODE, code, strict=True))
    found[f"proposer {proposal.proposer}"] = 1.0
    for name in proposal.operator.partition(":")[0].split("+"):
        found[f"operator {name}"] = 1.0
    diff = make({one: before[one] for one in proposal.texts if one in before}, dict(proposal.texts))
    changed = sum(line[0] != " " for file in diff.files for hunk in file.hunks for line in hunk.lines)
    found["changed lines"] = math.log1p(changed) / 3
    found["proven"] = float(proposal.safety == "proven")
    found["first"] = 1 / (1 + place)
    operators = [name for name in found if name.startswith("operator ")]
    found["operators"] = math.log1p(len(operators)) / 3
    for met in MET:
        found |= {f"{name} with {met}": found[met] for name in operators}
    return found


def _with_depth(node: ast.AST, depth: int) -> list[tuple[ast.AST, int]]:
    """Everything below a node, with the number of loops around it."""
    found = []
    for child in ast.iter_child_nodes(node):
        inner = depth + isinstance(child, LOOPS)
        found.append((child, inner))
        found += _with_depth(child, inner)
    return found


def _searches(op: ast.cmpop) -> bool:
    return isinstance(op, ast.In | ast.NotIn)


def _concatenates(node: ast.AST) -> bool:
    return isinstance(node, ast.AugAssign | ast.BinOp) and isinstance(node.op, ast.Add)


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _own(node: ast.AST) -> str:
    return node.name if isinstance(node, FUNCTION) else "\0"
