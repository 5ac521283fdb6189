"""What was found wrong in code as it is, noted in the catalog for the statistics: each thing once."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from bloomery.core.tokens import mask
from bloomery.core.workspace import Workspace
from bloomery.optimize.remembering import key_of
from bloomery.optimize.validating.copying import workplace
from bloomery.optimize.validating.objecting import by_bandit

SECURITY, WEAKNESS = "security_found", "weakness_found"


def note(workspace: Workspace, root: str, kind: str, path: str, **about: Any) -> bool:
    """Whether it is new: what is equal in kind, place and all that is said about it was noted before."""
    key = key_of(kind=kind, root=root, path=path, about=about)
    facts = {name: mask(value) if isinstance(value, str) else value for name, value in about.items()}
    return workspace.catalog.events.note(kind, path, root=root, value=1, facts=facts, key=key)


def insecure(root: Path, paths: Sequence[str]) -> list[dict[str, str]]:
    """What bandit finds in files as they are, by path and place. Raises: CapabilityMissing."""
    with workplace(root, only=paths) as place:
        found = by_bandit(place, paths)
    texts = {path: (root / path).read_text() for path in paths}
    return [{"path": one.path, **place_of(one.code, one.line, texts[one.path])} for one in found]


def place_of(code: str, line: int, text: str) -> dict[str, str]:
    """What tells a linter's finding from others of its file, wherever its line has moved to.

    The line itself, which may hold a password, is not kept.
    """
    lines = text.splitlines()
    there = lines[line - 1].strip() if 0 < line <= len(lines) else ""
    return {"code": code, "line": sha256(there.encode()).hexdigest()[:16]}
