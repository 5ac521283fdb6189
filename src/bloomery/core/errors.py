"""What can go wrong, and whose it is to mend.

    BloomeryError
    ├── UserError            you can fix this: exit code 2, one line, never a traceback
    │   ├── ConfigError          a field, a value, a key that a recipe does not know
    │   ├── UnknownName          a name that is not in a list; says the nearest
    │   ├── MissingFile          a path that does not exist
    │   ├── FormatRefused        a file of a kind that is not accepted (a pickle, another vocabulary)
    │   └── WorkspaceBusy        another process is running in this workspace
    └── Failure              it is not your mistake: exit code 1
        ├── DamagedArtifact      bytes in the store that no longer have their name
        ├── DiskFull             no space left; what was there is intact
        ├── StepFailed           a step raised; its checkpoints are kept
        ├── GateFailed           nothing passed, and there is no earlier artifact to go back to
        └── CapabilityMissing    a tool or an optional package that is not installed

A message says what was expected, what came, where, and what to do.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class BloomeryError(Exception):
    """Base of every error that Bloomery raises on purpose."""

    exit_code = 1


class UserError(BloomeryError):
    """The caller can fix it."""

    exit_code = 2


class ConfigError(UserError):
    """A recipe or an override holds a key, type or value that is not accepted."""


class UnknownName(UserError):
    """A name that is not among the known ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.known = sorted(known)
        super().__init__(f"unknown {kind} '{name}'{suggestion(name, self.known)}")


class MissingFile(UserError):
    """A path that does not exist."""


class FormatRefused(UserError):
    """A file of a kind that is not accepted."""


class WorkspaceBusy(UserError):
    """Another process is running in this workspace."""


class Failure(BloomeryError):
    """Not the caller's mistake."""


class DamagedArtifact(Failure):
    """Bytes in the store that no longer have the name they are kept under."""


class DiskFull(Failure):
    """No space left on the device; nothing that was there before is lost."""


class StepFailed(Failure):
    """A step raised; its checkpoints are kept."""


class GateFailed(Failure):
    """A gate failed and there is no earlier artifact to go back to."""


class CapabilityMissing(Failure):
    """A tool or an optional package is needed and is not installed."""


def suggestion(name: str, known: Iterable[str]) -> str:
    """The tail of a message about an unknown name: the nearest known one, else all of them."""
    known = sorted(known)
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f"; known: {', '.join(known)}" if known else "; none is known"
