"""Which of the proved tests stay, where their file belongs, and what there is to say."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from bloomery.core.errors import UserError
from bloomery.source.mutating.mutants import Mutant
from bloomery.source.testing.preparing import Prepared
from bloomery.source.testing.proving import Proof
from bloomery.source.testing.searching import Found
from bloomery.source.testing.writing import Written


def test_path(project: Path, module: str) -> str:
    """Where the tests of a module belong: as the project has its tests, under a name that is still free."""
    *folders, name = module.split(".")
    base = Path("tests") if (project / "tests").is_dir() or not (project / "test").is_dir() else Path("test")
    inner = base.joinpath(*folders[1:]) if folders else base
    folder = inner if (project / inner).is_dir() else base
    for tail in ("", "_generated", *(f"_generated_{at}" for at in range(2, 99))):
        stem = f"test_{name}{tail}"
        if not (project / folder / f"{stem}.py").exists():
            return (folder / f"{stem}.py").as_posix()
    raise UserError(f"{folder}: every name for tests of {module} is taken")


def needed(written: Sequence[Written], proof: Proof, before: Proof) -> list[Written]:
    """Without what adds nothing: no mutant and no line that the rest and what there was do not have."""
    kept = [one for one in written if one.name in proof.kills]
    for one in sorted(kept, key=lambda test: (len(proof.kills[test.name]), -len(test.text))):
        rest = [other.name for other in kept if other is not one]
        mutants = killed_by(before).union(*(proof.kills[name] for name in rest))
        lines = run_by(before).union(*(proof.lines[name] for name in rest))
        if proof.kills[one.name] <= mutants and proof.lines[one.name] <= lines:
            kept = [other for other in kept if other is not one]
    return kept


def killed_by(proof: Proof) -> frozenset[Mutant]:
    return frozenset[Mutant]().union(*proof.kills.values())


def run_by(proof: Proof) -> frozenset[int]:
    return frozenset[int]().union(*proof.lines.values())


def notes(found: Found, prepared: Prepared) -> Iterable[str]:
    if found.wrote:
        yield f"importing the module writes files ({', '.join(found.wrote[:3])}): here in the sandbox only"
    if found.unstable:
        yield f"{len(found.unstable)} cases depend on their order or on the hash seed, and were left out"
    for name, count in found.lost.items():
        ended = any(found.cases[n].callee == name and found.usable(n) for n in found.cases)
        if not ended:
            yield f"{name}: none of {count} calls came to an end; it has no test"
    reached = {found.cases[n].callee for n in found.cases if found.usable(n)}
    silent = [name for name in prepared.drawing.callees if name not in reached and name not in found.lost]
    if silent:
        yield f"no arguments were found that these take: {', '.join(silent)}; types or examples would help"
