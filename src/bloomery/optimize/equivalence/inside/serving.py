"""Runs trials of one version of a module, each in a process of its own, and writes down what could be seen.

    python serving.py JOB OUT

A trial is a list of steps; a step binds names to values, evaluates one call and observes. What is written is
compared elsewhere: nothing here judges.
"""

import ast
import importlib
import importlib.util
import json
import os
import resource
import select
import signal
import sys
import time
import types
from pathlib import Path
from typing import Any

HERE = str(Path(__file__).resolve().parent)
sys.path.insert(0, HERE)
import objects  # noqa: E402
import observing  # noqa: E402
from tracing import Noting, Reached  # noqa: E402

sys.path.remove(HERE)

STOP_AFTER_LOST = 4


def main(job_path: str, out_path: str) -> None:
    job = json.loads(Path(job_path).read_text())
    with open(out_path, "w") as out:  # noqa: PTH123
        _serve(job, out)


def _serve(job: dict, out: Any) -> None:
    try:
        reached = Reached("", set(job["watched"]), {tuple(place) for place in job["places"]})
        module = load(job, reached if job["trace"] else None)
    except BaseException as error:  # edge: the sandbox, inside; a module may raise anything at import
        out.write(json.dumps({"import": f"{type(error).__name__}: {error}"[:500]}) + "\n")
        return
    reached.file = module.__file__ or ""
    lost = 0
    for trial in job["trials"]:
        if lost >= STOP_AFTER_LOST:
            break
        record = _tried(module, trial, job, reached)
        lost += bool(record.get("lost"))
        reached.forget(record["reached"])
        out.write(json.dumps(record) + "\n")
        out.flush()
    out.write(json.dumps({"finished": True, "first": observing.contents(module, job["globals"])}) + "\n")


def load(job: dict, reached: Reached | None) -> types.ModuleType:
    """Import the module under its own name, in the circumstances that the job names."""
    sys.path[:0] = job["roots"]
    if job["pretend"]:
        os.environ["PYTEST_CURRENT_TEST"] = "test_it.py::test_it (call)"
        sys.modules["pytest"] = types.ModuleType("pytest")
        sys.modules["_pytest"] = types.ModuleType("_pytest")
    return _noting(job["module"], reached) if reached else importlib.import_module(job["module"])


def _noting(name: str, reached: Reached) -> types.ModuleType:
    """The module with its comparisons noted; otherwise the same."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ImportError(f"there is no module {name}")
    tree = Noting().visit(ast.parse(Path(spec.origin).read_bytes(), spec.origin))
    module = importlib.util.module_from_spec(spec)
    module.__dict__["__noted__"] = reached.noted
    sys.modules[name] = module
    exec(compile(tree, spec.origin, "exec"), module.__dict__)
    return module


def _tried(module: types.ModuleType, trial: dict, job: dict, reached: Reached) -> dict:
    reader, writer = os.pipe()
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            _child(module, trial, job, reached, writer)
        finally:
            os._exit(0)
    os.close(writer)
    data, cut = _read(reader, began + trial["time_s"])
    os.close(reader)
    if cut:
        os.kill(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    steps, places = _parsed(data)
    record = {"id": trial["id"], "steps": steps, "reached": places, "seconds": time.monotonic() - began}
    record["peak"] = usage.ru_maxrss * 1024
    if len(steps) < len(trial["steps"]):
        record["lost"] = "time" if cut else f"its process ended with {os.waitstatus_to_exitcode(status)}"
    return record


def _child(module: types.ModuleType, trial: dict, job: dict, reached: Reached, writer: int) -> None:
    own = _own_memory()
    resource.setrlimit(resource.RLIMIT_AS, (own + trial["memory"], own + trial["memory"]))
    folder = Path(job["scratch"]) / f"{trial['id']}"
    folder.mkdir(exist_ok=True)
    os.chdir(folder)
    ours = {name: value for name, value in vars(objects).items() if name[0] != "_"}
    space: dict[str, Any] = {**ours, **vars(module)}
    reached.found = set()
    tracer = reached if job["trace"] else None
    for number, step in enumerate(trial["steps"]):
        seen = observing.observe(module, space, step, number, job, tracer)
        seen["reached"], reached.found = sorted(reached.found), set()
        _send(writer, seen)


def _send(writer: int, seen: dict) -> None:
    data = (json.dumps(seen) + "\n").encode("utf-8", "replace")
    while data:
        data = data[os.write(writer, data) :]


def _own_memory() -> int:
    with open("/proc/self/statm") as file:  # noqa: PTH123
        return int(file.read().split()[0]) * resource.getpagesize()


def _read(reader: int, until: float) -> tuple[bytes, bool]:
    data = b""
    while (left := until - time.monotonic()) > 0:
        if select.select([reader], [], [], left)[0]:
            more = os.read(reader, 65536)
            if not more:
                return data, False
            data += more
    return data, True


def _parsed(data: bytes) -> tuple[list, list]:
    steps, places = [], []
    for line in data.split(b"\n")[:-1]:
        step = json.loads(line)
        places += step.pop("reached")
        steps.append(step)
    return steps, places


if __name__ == "__main__":
    main(*sys.argv[1:3])
