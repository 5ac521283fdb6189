"""Runs trials of one module under faults, each in a process and a folder of its own, and writes down what
could be seen.

    python serving.py JOB OUT

What is written is judged elsewhere.
"""

import gc
import importlib
import json
import logging
import os
import random
import select
import shutil
import signal
import sys
import tempfile
import time
import types
from pathlib import Path
from typing import Any

HERE = str(Path(__file__).resolve().parent)
sys.path.insert(0, HERE)
import clock  # noqa: E402
import files  # noqa: E402
import injecting  # noqa: E402
import network  # noqa: E402
import recording  # noqa: E402
import system  # noqa: E402
import telling  # noqa: E402
from collecting import listed, run_test  # noqa: E402
from patience import PATIENCE  # noqa: E402

sys.path.remove(HERE)
READ, WRITE, MONOTONIC = os.read, os.write, time.monotonic
INJECTOR = injecting.INJECTOR
HIDDEN = ".bloomery"


def main(job_path: str, out_path: str) -> None:
    job = json.loads(Path(job_path).read_text())
    with open(out_path, "w") as out:  # noqa: PTH123
        _serve(job, out)


def _serve(job: dict, out: Any) -> None:
    recording.quiet()
    INJECTOR.active = False
    sys.path[:0] = job["roots"]
    if job["list"] or any(trial["test"] for trial in job["trials"]):
        importlib.import_module("pytest")  # first: it keeps the functions that it finds
    for part in (files, system, network, clock):
        part.install()
    try:
        module = importlib.import_module(job["module"])
    except BaseException as error:  # edge: the sandbox, inside; a module may raise anything at import
        out.write(json.dumps({"import": f"{type(error).__name__}: {error}"[:500]}) + "\n")
        return
    INJECTOR.files = frozenset({module.__file__ or ""})
    gc.collect()
    gc.freeze()  # what is there already need not be looked through in every trial
    for name in job["list"]:
        out.write(json.dumps({"tests": name, "found": _listed(name)}) + "\n")
    for trial in job["trials"]:
        out.write(json.dumps(_tried(module, trial, job)) + "\n")
        out.flush()
    out.write(json.dumps({"finished": True}) + "\n")


def _listed(name: str) -> list[tuple[str, int]]:
    try:
        return listed(importlib.import_module(name))
    except BaseException:  # edge: the sandbox, inside; a file of tests that cannot be imported has none
        return []


def _tried(module: types.ModuleType, trial: dict, job: dict) -> dict:
    """Steady state, fault and probe in a folder that is gone afterwards."""
    folder = Path(job["scratch"]) / str(trial["id"])
    _lay_out(folder, trial)
    record = _in_a_child(module, trial, job, folder)
    if record.get("killed"):
        record["left"] = telling.contents(str(folder / "here"))
    if (record.get("killed") or trial.get("twice")) and not trial["test"]:  # a test wants a folder of its own
        again = {**trial, "faults": [], "again": None}
        record["restart"] = _in_a_child(module, again, job, folder)
    shutil.rmtree(folder, ignore_errors=True)
    return {"id": trial["id"], **record}


def _lay_out(folder: Path, trial: dict) -> None:
    for name in ("here/tmp", "hidden"):
        (folder / name).mkdir(parents=True)
    for path, text in trial["files"].items():
        (folder / "here" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "here" / path).write_bytes(text.encode("latin-1"))


def _in_a_child(module: types.ModuleType, trial: dict, job: dict, folder: Path) -> dict:
    reader, writer = os.pipe()
    until = MONOTONIC() + trial["time_s"]
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            record = _child(module, trial, job, folder)
            data = json.dumps(record).encode("utf-8", "replace")
            while data:
                data = data[WRITE(writer, data) :]
        finally:
            os._exit(0)
    os.close(writer)
    data, cut = _read(reader, until)
    os.close(reader)
    if cut:
        os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == injecting.KILLED:
        return {"killed": True, "calls": []}
    try:
        return dict(json.loads(data))
    except ValueError:
        return {"lost": "time" if cut else f"its process ended with {code}", "calls": []}


def _child(module: types.ModuleType, trial: dict, job: dict, folder: Path) -> dict:
    here = folder / "here"
    os.chdir(here)
    os.environ["TMPDIR"] = tempfile.tempdir = str(here / "tmp")
    os.environ["HOME"] = str(here)
    files.WATCHED_FOLDER[0] = str(folder / "hidden")
    silence = open(os.devnull, "w")  # noqa: PTH123, SIM115
    recorder = recording.Recorder(str(here), trial)
    sys.stdout, sys.stderr = silence, _Heard(recorder)
    logging.getLogger().addHandler(recorder.loud)
    recording.watch(module, recorder)
    network.ANSWERS.clear()
    network.ANSWERS.update(trial["answers"])
    signal.signal(signal.SIGALRM, PATIENCE.look)
    random.seed(20_011)
    before = recorder.files()
    clock.CLOCK.begin()
    files.WATCHED.begin()
    INJECTOR.begin(trial["faults"])
    ended = _script(module, trial, recorder)
    return {
        "calls": recorder.calls,
        "ended": ended,
        "before": before,
        "crossings": INJECTOR.crossings,
        "fired": INJECTOR.fired,
        "hung": INJECTOR.hung,
        "whole": _relative(files.WATCHED.whole, here),
        "appended": sorted(os.path.relpath(path, here) for path in files.WATCHED.appended),
    }


def _relative(paths: dict[str, set[str]], here: Path) -> dict[str, list[str]]:
    return {os.path.relpath(path, here): sorted(held) for path, held in paths.items()}


def _script(module: types.ModuleType, trial: dict, recorder: Any) -> str:
    """How the scenario ended: empty, or what it raised."""
    try:
        if trial["test"]:
            run_test(trial["test"], Path.cwd())
        else:
            exec(compile(trial["text"], "<scenario>", "exec"), {**vars(module), "__name__": "scenario"})
    except BaseException as error:  # edge: the sandbox, inside; a scenario may end in any way
        return f"{type(error).__name__}: {error}"[:300]
    return ""


class _Heard:
    """Standard error: whether anything was said there."""

    encoding = "utf-8"

    def __init__(self, recorder: Any) -> None:
        self.recorder = recorder

    def write(self, text: str) -> int:
        self.recorder.errors_written += bool(text.strip())
        return len(text)

    def flush(self) -> None:
        """Nothing is kept back."""

    def isatty(self) -> bool:
        return False


def _read(reader: int, until: float) -> tuple[bytes, bool]:
    data = b""
    while (left := until - MONOTONIC()) > 0:
        if select.select([reader], [], [], left)[0]:
            more = READ(reader, 65536)
            if not more:
                return data, False
            data += more
    return data, True


if __name__ == "__main__":
    main(*sys.argv[1:3])
