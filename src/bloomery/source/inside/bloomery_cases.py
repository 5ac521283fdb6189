"""Runs small programs on a module and on mutants of it, and writes down what could be seen.

    python bloomery_cases.py JOB OUT

The job (JSON): `module`, `roots`, `path`, `cases` (each with `id`, `setup`: statements, `call`: an
expression, `watched`: names whose values are looked at afterwards), `mutants` (each with `id`, `text`,
`cases`: ids), `most_steps` (lines of the module that one case may run), `cpu_s` (what a case may take on a
mutant), `import_s` (what importing may), `most_lost` (cases without an end). Standard library only. Each
version runs in a fork of a process that has imported what the module imports. Nothing here judges: what is
written is a proposal, and tests are proved by pytest afterwards.
"""

import importlib
import json
import os
import resource
import select
import signal
import sys
import time
import types
from collections.abc import Callable
from functools import partial
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

HERE = str(Path(__file__).resolve().parent)
sys.path.insert(0, HERE)
from bloomery_seeing import WALL_S, Counting, TooLong, seen_in, with_timer  # noqa: E402

sys.path.remove(HERE)

MOST_CRASHES = 8


def main(job_path: str, out_path: str) -> None:
    job = json.loads(Path(job_path).read_text())
    sys.path[:0] = job["roots"]
    with open(out_path, "w") as out:  # noqa: PTH123
        told = _looked(job)
        for line in told:
            out.write(json.dumps(line) + "\n")
        out.flush()
        seen = {line["id"]: line for line in told if "id" in line and line["state"] != "lost"}
        if job["mutants"]:
            _warm(job)
        for mutant in job["mutants"]:
            asked = set(mutant["cases"]) & seen.keys()
            cases = [case for case in job["cases"] if case["id"] in asked]
            lines = _forked(partial(_mutant, job, mutant, cases, seen), 2 * WALL_S, 2 * WALL_S)
            out.write(json.dumps({"mutant": mutant["id"], "kills": _differing(lines)}) + "\n")
            out.flush()
        out.write(json.dumps({"finished": True}) + "\n")


def _looked(job: dict) -> list[Any]:
    """What the original does in all cases; one that ends its process, or only ends with it, is lost."""
    told: list[Any] = []
    left = job["cases"]
    for _ in range(MOST_CRASHES):
        lines = _forked(partial(_original, {**job, "cases": left}), 3 * job["import_s"], 2 * WALL_S)
        told += lines
        seen = {line["id"] for line in lines if "id" in line}
        unseen = [case for case in left if case["id"] not in seen]
        told_all = {word for line in lines for word in line}
        if not unseen or "stopped" in told_all or "imported" not in told_all:
            break
        told.append({"id": unseen[0]["id"], "state": "lost", "value": "lost"})
        left = unseen[1:]
    return told


def _differing(lines: list[Any]) -> list[Any]:
    """Cases that tell the mutant from the original; one that it did not survive is among them."""
    found = [line for line in lines if line[1]]
    if lines and lines[-1][0] != "over" and not lines[-1][1]:
        found.append([lines[-1][0], ["value"]])
    return found


def _forked(work: Callable[[Callable[[Any], None]], None], first_s: float, idle_s: float) -> list[Any]:
    """What the work sends, line by line, until it ends, or is silent for too long and has to be ended."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            with os.fdopen(writer, "w") as pipe:
                work(partial(_say, pipe))
        finally:
            os._exit(0)
    os.close(writer)
    lines = _read(reader, first_s, idle_s).decode(errors="replace").splitlines()
    os.close(reader)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return [json.loads(line) for line in lines if line.endswith(("}", "]"))]


def _say(pipe: Any, line: Any) -> None:
    pipe.write(json.dumps(line) + "\n")
    pipe.flush()


def _read(reader: int, first_s: float, idle_s: float) -> bytes:
    """What comes until the other side closes, or is silent for too long."""
    data = bytearray()
    while select.select([reader], [], [], idle_s if data else first_s)[0]:
        more = os.read(reader, 65536)
        if not more:
            break
        data += more
    return bytes(data)


def _warm(job: dict) -> None:
    """Import all that the module needs, then forget the module itself."""
    quiet()
    importlib.import_module(job["module"])
    del sys.modules[job["module"]]


def quiet() -> None:
    """What the module prints goes nowhere; what it asks for, it does not get."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)


def _original(job: dict, send: Callable[[Any], None]) -> None:
    quiet()
    before = _files()
    began = time.process_time()
    try:
        load = partial(importlib.import_module, job["module"])
        module = with_timer(job["import_s"], load, wall_s=2 * job["import_s"])
    except TooLong:
        send({"import": f"it came to no end within {job['import_s']:g} s of the processor"})
        return
    except BaseException as error:  # edge: the sandbox, inside; a module may raise anything at import
        send({"import": f"{type(error).__name__}: {error}"[:500]})
        return
    send({"imported": True, "wrote": sorted(_files() - before), "cpu_s": time.process_time() - began})
    counting = Counting(job["path"], job["most_steps"])
    lost = 0
    for case in job["cases"]:
        seen = seen_in(module, case, counting, job["cpu_s"] * 4)
        send({"id": case["id"], **seen, "lines": sorted(counting.lines)})
        lost += seen["state"] == "lost"
        if lost >= job["most_lost"]:
            send({"stopped": True})
            return


def _files() -> set[str]:
    return {str(path) for path in Path().rglob("*") if path.is_file()}


def _mutant(job: dict, mutant: dict, cases: list, seen: dict, send: Callable[[Any], None]) -> None:
    """Sends [case, nothing] before each case, and [case, parts that differ] where some do; last ["over"]."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    path = os.path.realpath(job["path"])
    load = SourceFileLoader.get_code

    def get_code(loader: SourceFileLoader, name: str) -> types.CodeType | None:
        if os.path.realpath(loader.path) != path:
            return load(loader, name)
        return compile(mutant["text"], loader.path, "exec", dont_inherit=True)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign, assignment]
    try:
        with_timer(job["import_s"], partial(importlib.import_module, job["module"]))
    except BaseException:  # edge: the sandbox, inside; a mutant may fail at import in any way
        for case in cases:
            send([case["id"], ["value"]])
        send(["over", []])
        return
    module = sys.modules[job["module"]]
    for case in cases:
        send([case["id"], []])
        now = seen_in(module, case, None, job["cpu_s"])
        parts = [part for part in ("value", "type", "after") if now.get(part) != seen[case["id"]].get(part)]
        if parts:
            send([case["id"], parts])
        if now["state"] == "lost":
            break
    send(["over", []])


if __name__ == "__main__":
    main(*sys.argv[1:3])
