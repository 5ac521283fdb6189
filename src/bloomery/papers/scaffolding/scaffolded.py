"""What scaffolding did, or would do."""

from dataclasses import dataclass
from typing import Literal

Action = Literal["written", "updated", "unchanged", "kept", "overwritten"]


@dataclass(frozen=True, kw_only=True)
class FileDone:
    """A file, and what became of it; `reason` says why one was kept."""

    path: str
    action: Action
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Scaffolded:
    """All files by path; `commits` are the subjects of what was committed, `publish` is never run."""

    output: str
    project: str
    dry_run: bool
    files: tuple[FileDone, ...]
    left: tuple[str, ...] = ()  # what somebody else writes, and how
    unplanned: tuple[str, ...] = ()  # written before, and no longer part of the plan
    commits: tuple[str, ...] = ()
    publish: str = ""
    notes: tuple[str, ...] = ()

    def of(self, *actions: Action) -> list[str]:
        """The paths of the files with these actions."""
        return [file.path for file in self.files if file.action in actions]

    @property
    def exit_code(self) -> int:
        """1 where a file was kept that the plan would have otherwise."""
        return 1 if self.of("kept") else 0


def render_scaffolded(done: Scaffolded) -> str:
    """A line for each file that is or would be touched, and what is left to do."""
    would = "would be " if done.dry_run else ""
    lines = [
        f"  {would}{file.action:<11} {file.path}" + (f": {file.reason}" if file.reason else "")
        for file in done.files
        if file.action != "unchanged"
    ]
    same = len(done.of("unchanged"))
    lines += [f"  {same} files are as they should be"] if same else []
    lines += [f"  no longer planned: {path}" for path in done.unplanned]
    lines += [f"  left to you: {text}" for text in done.left]
    lines += [f"  committed: {subject}" for subject in done.commits]
    lines += [f"  {note}" for note in done.notes]
    lines += [f"to publish: {done.publish}"] if done.publish else []
    return "\n".join([f"{done.project} in {done.output}", *lines]) + "\n"
