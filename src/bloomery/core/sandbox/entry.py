"""The door of the sandbox."""

from collections.abc import Collection, Sequence
from pathlib import Path

from bloomery.core.errors import MissingFile
from bloomery.core.sandbox.limits import How, Limits, SandboxResult
from bloomery.core.sandbox.process import execute
from bloomery.core.sandbox.trial import protections
from bloomery.core.sandbox.walls import choose

USUAL = Limits()


def run(
    argv: Sequence[str],
    *,
    folder: Path,
    limits: Limits = USUAL,
    stdin: str = "",
    require: Collection[str] = (),
    how: How | None = None,
) -> SandboxResult:
    """Runs a program that nobody trusts; `folder` is the only place that it can write.

    Raises: CapabilityMissing where a protection named in `require` is not in force on this machine, or `how`
    does not work here. A program that fails, or is killed at a limit, is a result.
    """
    folder = folder.resolve()
    if not folder.is_dir():
        raise MissingFile(f"the sandbox's folder '{folder}' is not a folder; make it first")
    standing = protections(how)
    standing.require(require)
    ended = execute(choose(how), argv, folder=folder, limits=limits, stdin=stdin)
    return SandboxResult(
        returncode=ended.returncode,
        stdout=ended.stdout,
        stderr=ended.stderr,
        killed_by=ended.killed_by,
        duration_s=ended.duration_s,
        protections=standing,
    )
