"""The template `regression`: what each function gave, as one table a function."""

import ast
import re
from collections.abc import Iterable, Sequence

from bloomery.source.testing.cases import Case, Seen
from bloomery.source.testing.drawing import snake
from bloomery.source.testing.naming import unique
from bloomery.source.testing.writing import Written, equality, write

Chosen = tuple[Case, Seen, frozenset[str]]


def tabled(chosen: Sequence[Chosen], own: frozenset[str]) -> list[Written]:
    """A parametrized test for each function with two plain calls or more; the rest one by one."""
    taken: set[str] = set()
    rows: dict[str, list[Chosen]] = {}
    for one in chosen:
        if _is_row(*one):
            rows.setdefault(one[0].callee, []).append(one)
    found: list[Written] = []
    done: set[str] = set()
    for one in chosen:
        callee = one[0].callee
        if len(rows.get(callee, ())) < 2 or not _is_row(*one):
            found.append(write(*one, taken, own))
        elif callee not in done:
            done.add(callee)
            found.append(_table(callee, rows[callee], taken, own))
    return found


def _is_row(case: Case, seen: Seen, parts: frozenset[str]) -> bool:
    """Whether a case is a call with arguments by place that returns a value, and nothing else."""
    node = ast.parse(case.call, mode="eval").body
    plain = isinstance(node, ast.Call) and not node.keywords and ast.unparse(node.func) == case.callee
    return (
        plain and not case.setup and not parts and not seen.changed and not seen.stream
        and seen.state == "returned" and seen.text is not None and seen.text != 'float("nan")'
    )  # fmt: skip


def _table(callee: str, rows: Iterable[Chosen], taken: set[str], own: frozenset[str]) -> Written:
    lines = []
    needs: dict[str, str] = {"pytest": "pytest"}
    exact = True
    for case, seen, _ in rows:
        node = ast.parse(case.call, mode="eval").body
        assert isinstance(node, ast.Call)
        given = ", ".join(map(ast.unparse, node.args)) + ("," if len(node.args) == 1 else "")
        expected = equality(seen.text or "None")
        exact = exact and not expected.startswith("pytest.approx")
        lines.append(f"        (({given}), {expected}),")
        needs |= {**dict(case.needs), **seen.needs}
    name = unique(f"test_{snake(callee.replace('.', '_'))}_gives_what_it_gave", taken)
    text = (
        '@pytest.mark.parametrize(\n    ("given", "expected"),\n    [\n' + "\n".join(lines) + "\n    ],\n)\n"
        f"def {name}(given, expected):\n    assert {callee}(*given) == expected\n"
    )
    words = set(re.findall(r"\b[A-Za-z_]\w*\b", text))
    kept = {word: home for word, home in needs.items() if word in words and word not in own}
    return Written(name, text, kept | dict.fromkeys(words & own, ""), callee)
