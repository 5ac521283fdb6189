"""What was found out about a candidate, for people to read and to run."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bloomery.core.evidence import Bar, Check, Evidence, Verdict, gate
from bloomery.optimize.equivalence.trials import Step

OBJECTS = Path(__file__).parent / "inside" / "objects.py"

UNTOLD = Check(
    name="equivalence.text",
    bar=Bar(op="==", value=0),
    unit="objections",
    meaning="other files changed, another interface, a look at who is asking",
)
REACH = Check(
    name="equivalence.reach",
    bar=Bar(op=">=", value=1),
    unit="share",
    meaning="share of the expressions on changed lines, of both versions, that some input ran",
)
SAME = Check(
    name="equivalence.behaviour",
    bar=Bar(op="==", value=0),
    unit="differences",
    meaning="calls after which anything that can be observed differs from the original",
)
CHECKS = (UNTOLD, REACH, SAME)


@dataclass(frozen=True)
class Finding:
    """Why a candidate is wrong; `steps` lead to it, `snippet` is a program that shows it."""

    what: str
    steps: tuple[Step, ...] = ()
    snippet: str = ""

    def __str__(self) -> str:
        return self.what + (f"\n{self.snippet}" if self.snippet else "")


@dataclass(frozen=True)
class Verification:
    """Evidence in three states for each of `CHECKS`, what was found, and how much was tried.

    `recorded`: how many of the inputs were recorded from tests.
    """

    evidence: tuple[Evidence, ...]
    findings: tuple[Finding, ...]
    calls: int
    unstable: int
    unreached: tuple[str, ...]
    duration_s: float
    recorded: int = 0

    @property
    def verdict(self) -> Verdict:
        return gate(self.evidence, CHECKS)

    @property
    def accepted(self) -> bool:
        return self.verdict.passed


def snippet(module: str, function: str, steps: Sequence[Step], what: str) -> str:
    """A program that prints what each version does; run it with either on the path."""
    root = function.partition(".")[0]
    lines = [f"import {module}", f"from {module} import *", f"from {module} import {root}"]
    lines += _definitions(steps)
    for number, step in enumerate(steps):
        lines += [f"{name} = {text}" for name, text in step.lets]
        lines += ["try:", f"    r{number} = {step.call}", f"    print(repr(r{number}))"]
        lines += ["except Exception as error:", "    print(repr(error))"]
    names = dict.fromkeys(name for step in steps for name, _ in step.lets)
    lines += [f"print({', '.join(names)})"] if names else []
    said = "\n".join("# " + line for line in what.splitlines())
    text = f"{said}\n" + "\n".join(lines) + "\n"
    return text.encode("utf-8", "backslashreplace").decode()


def _definitions(steps: Sequence[Step]) -> list[str]:
    """Those of our own objects that the steps use, with what they need."""
    text = OBJECTS.read_text()
    parts: dict[str, ast.stmt] = {}
    for node in ast.parse(text).body:
        for name in _names(node):
            parts[name] = node
    used = {
        n for step in steps for source in (step.call, *(t for _, t in step.lets)) for n in _mentioned(source)
    }
    wanted: set[str] = set()
    while more := {n for n in used if n in parts} - wanted:
        wanted |= more
        used |= {n for name in more for n in _mentioned(ast.unparse(parts[name]))}
    nodes = list(dict.fromkeys(id(parts[name]) for name in parts if name in wanted))
    by_id = {id(node): node for node in parts.values()}
    return [ast.unparse(by_id[one]) for one in nodes]


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return [node.name]
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [alias.name for alias in node.names]
    return [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]


def _mentioned(source: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
