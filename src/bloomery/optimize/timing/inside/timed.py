"""Times the calls of one version of a module in this process, and writes down what it measured.

    python timed.py JOB OUT

With `ladders` in the job it only looks how long executions take: of each ladder one after another, in a fork
each, until one takes long enough or fails.

Every cold execution is the first one after the import, in a fork; the warm ones follow each other in one
fork more, each with arguments of its own. Another fork counts memory. Nothing here judges; what a module can
do to this process, it may, and the other side knows.
"""

import gc
import hashlib
import importlib
import itertools
import json
import marshal
import os
import random
import resource
import select
import signal
import sys
import time
import types
from typing import Any

HERE = os.path.dirname(os.path.realpath(__file__))  # noqa: PTH120 (pathlib is a fifth of the start)
sys.path.insert(0, HERE)
import objects  # noqa: E402
from encoding import Encoder  # noqa: E402

sys.path.remove(HERE)

processor, wall = time.thread_time_ns, time.perf_counter_ns
MOST_ITEMS = 1_000_000


def main(job_path: str, out_path: str) -> None:
    with open(job_path) as file:  # noqa: PTH123
        job = json.load(file)
    told: dict[str, Any] = {}
    began = processor()
    try:
        sys.path[:0] = job["roots"]
        module = importlib.import_module(job["module"])
        told["import_ns"] = processor() - began
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 (what is printed is compared elsewhere)
        gc.collect()
        gc.freeze()
        if "ladders" in job:
            told["ladders"] = _climbed(module, job)
        else:
            _measured(module, job, told)
    except BaseException as error:  # edge: the sandbox, inside; a module may raise anything at import
        told["trouble"] = f"{type(error).__name__}: {error}"[:500]
    with open(out_path, "w") as out:  # noqa: PTH123
        json.dump(told, out)


def _measured(module: types.ModuleType, job: dict, told: dict) -> None:
    calls = [_compiled(call) for call in job["calls"]]
    kinds = [("cold", once)] * job["cold"] + [("warm", again)] * (job["warm"] > 0)
    kinds += [("memory", weighed)] * job["memory"]
    for kind, work in kinds:
        seen = forked(lambda work=work: work(module, calls, job), job["time_s"])
        if "trouble" in seen:
            told["trouble"] = seen["trouble"]
            return
        told.setdefault(kind, []).append(seen)


def _climbed(module: types.ModuleType, job: dict) -> list[list[dict]]:
    left_s = job["total_s"]
    found: list[list[dict]] = []
    for ladder in job["ladders"]:
        found.append([])
        for rung in ladder:
            if left_s <= 0:
                break
            seen = forked(lambda rung=rung: once(module, list(map(_compiled, rung)), job), job["time_s"])
            left_s -= seen["own_s"]
            found[-1].append(seen)
            if "trouble" in seen or seen["processor_ns"] >= job["enough_ns"]:
                break
    return found


def _compiled(call: dict) -> tuple[str, list]:
    return call["function"], [(key, compile(text, "<given>", "eval")) for key, text in call["given"]]


def prepared(module: types.ModuleType, calls: list) -> list:
    """For each call its function, and arguments that nobody has had before."""
    ours = {name: value for name, value in vars(objects).items() if name[0] != "_"}
    space = {**ours, **vars(module)}
    return [(_found(module, name), *_values(given, space)) for name, given in calls]


def _found(module: types.ModuleType, name: str) -> Any:
    value: Any = module
    for part in name.split("."):
        value = getattr(value, part)
    return value.fget if isinstance(value, property) else value


def _values(given: list, space: dict) -> tuple[list, dict]:
    values = [(key, eval(code, space)) for key, code in given]
    return [value for key, value in values if not key], {key: value for key, value in values if key}


def executed(made: list) -> tuple[int, int, list]:
    """Processor time of this thread, time on the wall, and the answers."""
    random.seed(20_011)
    gc.collect()
    answers: list[Any] = [None] * len(made)
    begun, started = wall(), processor()
    for at, (function, given, named) in enumerate(made):
        answers[at] = answer(function, given, named)
    ended, done = processor(), wall()
    return ended - started, done - begun, answers


def answer(function: Any, given: list, named: dict) -> Any:
    """A stream is read to its end, a coroutine is run."""
    try:
        value = function(*given, **named)
        if hasattr(type(value), "__next__"):
            return type(value).__name__, list(itertools.islice(value, MOST_ITEMS))
        return awaited(value) if isinstance(value, types.CoroutineType) else value
    except Exception as error:  # edge: the sandbox, inside; whatever is raised is the answer
        return error.with_traceback(None)


def awaited(value: Any) -> Any:
    import asyncio

    return "awaited", asyncio.run(value)


def digest(made: list, answers: list) -> str:
    """What came back, and what became of the arguments."""
    seen = hashlib.sha256()
    for (_, given, named), value in zip(made, answers, strict=True):
        seen.update(_written([value, given, named]))
    return seen.hexdigest()


def _written(value: Any) -> bytes:
    """Plain values whole and fast, in a form that tells types and ignores who is who; others encoded."""
    try:
        return marshal.dumps(value, 2)
    except ValueError:
        return json.dumps(Encoder().encode(value)).encode("utf-8", "replace")


def once(module: types.ModuleType, calls: list, job: dict) -> dict:
    made = prepared(module, calls)
    processor_ns, wall_ns, answers = executed(made)
    raised = [at for at, one in enumerate(answers) if isinstance(one, BaseException)]
    seen = {"processor_ns": processor_ns, "wall_ns": wall_ns, "raised": raised}
    return {**seen, "digest": digest(made, answers)}


def again(module: types.ModuleType, calls: list, job: dict) -> dict:
    """Later executions, `loops` of them in each measurement."""
    loops = job["loops"]
    executed(prepared(module, calls))
    seen: dict[str, list] = {"processor_ns": [], "wall_ns": [], "digests": []}
    for number in range(job["warm"]):
        made = [one for _ in range(loops) for one in prepared(module, calls)]
        processor_ns, wall_ns, answers = executed(made)
        seen["processor_ns"].append(processor_ns / loops)
        seen["wall_ns"].append(wall_ns / loops)
        if number == job["warm"] - 1:
            seen["digests"].append(digest(made[-len(calls) :], answers[-len(calls) :]))
    return seen


def weighed(module: types.ModuleType, calls: list, job: dict) -> dict:
    """The most bytes that Python's allocators had given out at once, beyond those of the arguments."""
    import tracemalloc

    made = prepared(module, calls)
    gc.collect()
    tracemalloc.start()
    executed(made)
    return {"peak_bytes": tracemalloc.get_traced_memory()[1]}


def forked(work: Any, time_s: float) -> dict:
    """What the work told, in a process of its own; with the most memory that this held, and its own time:
    what it ran and slept, `time_s` at most, without what it waited for a processor."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            _told(writer, work())
        except BaseException as error:  # edge: the sandbox, inside; told to the other side
            _told(writer, {"trouble": f"{type(error).__name__}: {error}"[:500]})
        finally:
            os._exit(0)
    os.close(writer)
    data, own_s = _read(reader, child, time_s)
    os.close(reader)
    if cut := own_s >= time_s:
        os.kill(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    if not data:
        code = os.waitstatus_to_exitcode(status)
        why = f"more than {time_s:.3g} s" if cut else f"its process ended with {code}"
        return {"trouble": why, "own_s": own_s}
    return {**json.loads(data), "rss_bytes": usage.ru_maxrss * 1024, "own_s": own_s}


def _told(writer: int, seen: dict) -> None:
    data = json.dumps(seen).encode("utf-8", "replace")
    while data:
        data = data[os.write(writer, data) :]


def _read(reader: int, child: int, time_s: float) -> tuple[bytes, float]:
    """What the child tells until it ends, and its own time; nothing once that is up."""
    data, began = b"", time.monotonic()
    while (own_s := time.monotonic() - began - _kept_waiting_s(child)) < time_s:
        if select.select([reader], [], [], min(time_s - own_s, 0.2))[0]:
            more = os.read(reader, 65536)
            if not more:
                return data, own_s
            data += more
    return b"", own_s


def _kept_waiting_s(process: int) -> float:
    """How long a process was ready and others ran; 0 where the system does not say."""
    try:
        with open(f"/proc/{process}/schedstat") as file:  # noqa: PTH123
            return int(file.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main(*sys.argv[1:3])
