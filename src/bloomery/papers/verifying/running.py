"""A command with a time limit whose lines are passed on as they come."""

import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

KEPT_LINES = 20
Say = Callable[[str], None]


@dataclass(frozen=True)
class Ended:
    """How a command ended: its status (None: the time was up) and the last lines that it printed."""

    returncode: int | None
    last: tuple[str, ...]

    def why(self, limit_s: float) -> str:
        """Why it brought nothing; empty where it ended well."""
        if self.returncode is None:
            return f"it was not done within {limit_s / 60:g} minutes"
        if self.returncode:
            said = next((line.strip() for line in reversed(self.last) if line.strip()), "it said nothing")
            return f"its command ended with status {self.returncode}: {said}"
        return ""


def stream(
    command: Sequence[str],
    folder: Path,
    *,
    limit_s: float,
    say: Say | None = None,
    env: Mapping[str, str] | None = None,
) -> Ended:
    """Run a command in a folder; at the limit it is ended with all that it has started."""
    try:
        process = subprocess.Popen(
            list(command),
            cwd=folder,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        return Ended(127, (f"{command[0]}: {error.strerror}",))
    late = threading.Event()

    def stop() -> None:
        late.set()
        _end_group(process)

    timer = threading.Timer(limit_s, stop)
    timer.start()
    last: deque[str] = deque(maxlen=KEPT_LINES)
    try:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                last.append(line.rstrip("\n"))
                if say:
                    say(last[-1])
        returncode = process.wait()
    finally:
        timer.cancel()
        _end_group(process)
    return Ended(None if late.is_set() else returncode, tuple(last))


def _end_group(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
