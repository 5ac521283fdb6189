"""Git's own lock on a repository's index, taken for a change: while it is held no commit can be made."""

import os
import time
from contextlib import suppress
from pathlib import Path

from bloomery.core.errors import Failure, WorkspaceBusy

WAIT_S = 5.0  # `git status` takes it for a moment


def take(stage: Path, git_dir: Path) -> None:
    """By a link: it is there with its owner's mark, or not at all.

    Raises: WorkspaceBusy while git is at work; Failure on a disk that knows no links.
    """
    mark, lock = stage / "lock", git_dir / "index.lock"
    until = time.monotonic() + WAIT_S
    mark.touch()
    while not _owns(stage, git_dir):
        try:
            os.link(mark, lock)
        except FileExistsError:
            if time.monotonic() > until:
                raise WorkspaceBusy(
                    f"git is at work in {git_dir}, or died there: wait until it ends; if none runs, "
                    f"remove {lock}"
                ) from None
            time.sleep(0.05)
        except OSError as error:
            raise Failure(f"{git_dir} cannot hold a lock ({error}): move the repository") from error


def give_back(stage: Path, git_dir: Path) -> None:
    if _owns(stage, git_dir):
        (git_dir / "index.lock").unlink()


def _owns(stage: Path, git_dir: Path) -> bool:
    with suppress(FileNotFoundError):
        return (git_dir / "index.lock").samefile(stage / "lock")
    return False
