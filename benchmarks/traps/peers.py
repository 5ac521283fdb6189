"""Runs behind the sandbox's walls: what pytest alone and the Hypothesis ghostwriter say of each candidate.

    python peers.py JOB OUT

Each candidate is judged in a forked process with a time limit. OUT holds for each the exit status of pytest,
or why there is none.
"""

import importlib
import importlib.util
import json
import os
import signal
import sys
import time
import types
from pathlib import Path

import hypothesis
import pytest

if (
    importlib.util.find_spec("black") is None
):  # the ghostwriter's layout only: its texts run as they are written
    plain = types.ModuleType("black")
    plain.format_str = lambda text, mode: text  # type: ignore[attr-defined]
    plain.FileMode = plain.Mode = dict  # type: ignore[attr-defined]
    sys.modules["black"] = plain
from hypothesis.extra import ghostwriter

TIME_S = 30.0
hypothesis.settings.register_profile("peers", database=None, deadline=None)


def main(job: str, out: str) -> None:
    told = {}
    for one in json.loads(Path(job).read_text()):
        told[one["id"]] = _judged(one)
        Path(out).write_text(json.dumps(told))


def _judged(one: dict) -> int | str:
    folder = Path(one["id"]).resolve()
    folder.mkdir()
    for name, text in one["files"].items():
        (folder / name).write_text(text)
    child = os.fork()
    if child == 0:
        os._exit(_child(folder, one))
    until = time.monotonic() + TIME_S
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "no end"


def _child(folder: Path, one: dict) -> int:
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    if one["write"]:
        hypothesis.settings.load_profile("peers")
        try:
            functions = [
                getattr(importlib.import_module(name), one["write"]) for name in ("task", "candidate")
            ]
            Path("test_task.py").write_text(ghostwriter.equivalent(*functions))
        except Exception:  # edge: the sandbox, inside; a candidate may raise anything
            return 99
    return int(pytest.main(["-q", "-x", "-p", "no:cacheprovider", "--rootdir=.", "test_task.py"]))


if __name__ == "__main__":
    main(*sys.argv[1:3])
