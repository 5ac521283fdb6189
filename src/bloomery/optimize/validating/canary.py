"""A test that must fail, run last in every process of tests: code that makes tests pass shows by it.

Not seen: code that finds out its name and spares it, or forges the record itself; who may apply a patch reads
it, and equivalence objects to whatever looks at who is asking.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bloomery.source.outcomes import Results

WHY = "a test that must fail did not fail beside it: something interferes with the tests"


@dataclass(frozen=True)
class Canary:
    """Its name, and the text of its file."""

    name: str

    @property
    def text(self) -> str:
        left, right = secrets.randbelow(10**6), 10**6 + secrets.randbelow(10**6)
        return f"def {self.name}():\n    assert {left} == {right}\n"

    def without(self, events: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """What was told of the others."""
        return [event for event in events if self.name not in str(event.get("node", ""))]

    def spared(self, events: Sequence[Mapping[str, Any]]) -> frozenset[str]:
        """The units that came to their end, and in which it did not fail as it must."""
        found, failed = set(), False
        for event in events:
            if event["event"] == "report" and self.name in str(event["node"]):
                failed |= event["when"] == "call" and event["outcome"] == "failed" and bool(event["checked"])
            elif event["event"] == "unit":
                if event["code"] == 0 and not failed:
                    found.add(event["unit"])
                failed = False
        return frozenset(found)


def new_canary(functions: Sequence[str] = ("test",)) -> Canary:
    """`functions`: how a project's tests are called, as prefixes or globs: pytest's `python_functions`."""
    first, token = functions[0] if functions else "test", secrets.token_hex(8)
    name = first.replace("*", f"_{token}_", 1) if "*" in first else f"{first}_{token}"
    return Canary(name if name.isidentifier() else f"test_{token}")


def doubted(results: Results, units: frozenset[str]) -> Results:
    """The results with the tests of some units told as not run."""
    return replace(
        results,
        outcomes=tuple(
            replace(one, status="not run", reason=WHY) if one.node.partition("::")[0] in units else one
            for one in results.outcomes
        ),
    )
