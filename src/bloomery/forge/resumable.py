"""A step outside a workspace: what a kill leaves beside its output, the same call goes on from."""

import fcntl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bloomery.core import machine
from bloomery.core.cid import cid_of_path
from bloomery.core.closure import code_version
from bloomery.core.config import canonical_json
from bloomery.core.disk import full_disk_named, remove_tree, write_atomically
from bloomery.core.errors import UserError, WorkspaceBusy
from bloomery.core.sigterm import sigterm_sets
from bloomery.core.step import Journal, Progress, StepContext, nobody_watches

SUFFIX, WORK = ".unfinished", "output"


@contextmanager
def resumable(
    output: Path,
    step: Callable[..., Any],
    *,
    config: Any,
    inputs: dict[str, Path],
    seed: int,
    watch: Progress = nobody_watches,
) -> Iterator[StepContext]:
    """A context whose checkpoints lie in `<output>.unfinished` until the block has ended well.

    SIGTERM asks the step to stop at its next checkpoint.
    Raises: UserError where the checkpoints are of another config, other inputs, another seed or of other
    code than `step` has; WorkspaceBusy where another process is at work on them; DiskFull.
    """
    folder = _beside(output)
    stop = threading.Event()
    with full_disk_named(folder), _held(folder), sigterm_sets(stop):
        _settle(folder, _identity(step, config, inputs, seed))
        work, checkpoint = folder / WORK, folder / "checkpoint"
        remove_tree(work)
        for needed in (work, checkpoint):
            needed.mkdir(exist_ok=True)
        try:
            yield StepContext(
                output=work, checkpoint=checkpoint, config=config, inputs=inputs, seed=seed,
                journal=Journal(folder / "journal.jsonl"), watch=watch, stopping=stop.is_set,
            )  # fmt: skip
        except BaseException:  # raised again: whatever ended the block, checkpoints decide what stays
            if not any(path.is_file() for path in checkpoint.rglob("*")):  # nothing to go on from
                remove_tree(folder)
            raise
        remove_tree(folder)


def forget_finished(output: Path) -> None:
    """Remove what a kill left beside an output that was written already, which appears whole or not at all.

    A step that had not come to its own output keeps its checkpoints, whatever stands at `output` since.
    Raises: WorkspaceBusy where another process is at work on them.
    """
    folder = _beside(output)
    if not (output.is_dir() and any(output.iterdir()) and folder.is_dir()):
        return
    with _held(folder):
        work = folder / WORK
        if work.is_dir() and any(work.iterdir()):
            remove_tree(folder)


def is_unfinished(output: Path) -> bool:
    """Whether a step has left something to go on from beside this output."""
    return _beside(output).is_dir()


def _beside(output: Path) -> Path:
    return output.absolute().with_name(output.absolute().name + SUFFIX)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WorkspaceBusy(f"another process is at work on {folder}; wait for it or stop it") from None
        yield


def _settle(folder: Path, identity: str) -> None:
    """The folder is this call's, or nobody's yet."""
    settings = folder / "settings.json"
    if not settings.exists():
        write_atomically(settings, identity.encode())
    elif settings.read_text() != identity:
        raise UserError(
            f"{folder} is what another command left unfinished (other options, another model, another "
            "version of the code, other threads or another processor): give the same command to go on, or "
            "remove that folder to begin anew"
        )


def _identity(step: Callable[..., Any], config: Any, inputs: dict[str, Path], seed: int) -> str:
    return canonical_json(
        {
            "code": code_version(step),
            "config": config,
            "inputs": {name: cid_of_path(path) for name, path in inputs.items()},
            "seed": seed,
            "threads": machine.threads(),
            "processor": machine.processor(),
        }
    )
