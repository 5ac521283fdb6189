"""Phase 3: the code, level by level from what needs nothing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import PurePosixPath

from bloomery.papers.planning.design import Design
from bloomery.papers.planning.judged import Check
from bloomery.papers.planning.phases.setup import CONFTEST
from bloomery.papers.planning.planned import Group, Part, Phase
from bloomery.papers.planning.tasks import Tasks


@dataclass(frozen=True)
class Ground:
    """A module that no paper describes and that others build on."""

    name: str
    test: str
    purpose: str
    for_models: bool


GROUND = (
    Ground("layers/attention.py", "test_attention.py", "scaled dot-product attention", True),
    Ground("layers/embeddings.py", "test_embeddings.py", "embeddings of tokens and positions", True),
    Ground("config.py", "test_config.py", "settings from YAML; unknown keys are errors", False),
)


def ground_of(design: Design) -> list[Ground]:
    """Attention and embeddings only where a model is assembled."""
    return [one for one in GROUND if design.has("model") or not one.for_models]


def core(design: Design, tasks: Tasks) -> Phase:
    groups = [_foundation(design, tasks)]
    whole = Counter(str(PurePosixPath(part.test).parent) for part in design.parts)
    for level, parts in groupby(design.parts, key=lambda part: part.level):
        groups.append(_level(tasks, level, list(parts), whole))
    return Phase(
        number=3,
        title="Core Implementation",
        about="Each module is written until its tests pass, in the order in which they stand on each other.",
        groups=tuple(groups),
    )


def _foundation(design: Design, tasks: Tasks) -> Group:
    for one in ground_of(design):
        tasks.add(
            "3.1",
            "foundation",
            one.purpose,
            after=(CONFTEST,),
            file=design.source(one.name),
            passes=f"tests/test_layers/{one.test}",
        )
    tests = [f"tests/test_layers/{one.test}" for one in ground_of(design)]
    return Group(
        number="3.1",
        title="Level 0 - Foundation",
        commands=pytest(tests),
        expected="All pass",
        checks=(Check(text="All foundation tests pass", of=tuple(tests)),),
    )


def _level(tasks: Tasks, level: int, parts: list[Part], whole: Counter[str]) -> Group:
    group = f"3.{level + 1}"
    for part in parts:
        tasks.add(
            group,
            part.kind,
            f"{part.label}: {part.name}" if part.name else part.label,
            key=f"code {part.id}",
            after=(f"test {part.id}", *(f"code {need}" for need in part.needs)),
            doubts=part.doubts,
            file=part.source,
            passes=part.test,
            equations=(part.id,) if part.kind == "equation" else (),
            priority=part.priority,
        )
    papers = ", ".join(dict.fromkeys(part.paper for part in parts))
    return Group(
        number=group,
        title=f"Level {level} - {papers}",
        commands=pytest(_folded([part.test for part in parts], whole)),
        expected="All pass",
        checks=(Check(text=f"All tests of level {level} pass", of=tuple(part.id for part in parts)),),
    )


def _folded(tests: Sequence[str], whole: Counter[str]) -> list[str]:
    """Folders instead of their files where a level has all of them."""
    here = Counter(str(PurePosixPath(test).parent) for test in tests)
    full = {folder for folder, count in here.items() if count == whole[folder]}
    named = (folder if (folder := str(PurePosixPath(test).parent)) in full else test for test in tests)
    return list(dict.fromkeys(named))


def pytest(tests: Sequence[str]) -> tuple[str, ...]:
    """One command over these tests, a line each where they are many."""
    if len(tests) <= 2:
        return (f"uv run pytest {' '.join(tests)} -v",)
    return ("uv run pytest -v \\", *(f"    {test} \\" for test in tests[:-1]), f"    {tests[-1]}")
