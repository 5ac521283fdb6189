"""One call, and all that can be seen of it afterwards."""

import builtins
import io
import json
import opcode
import os
import random
import sys
import types
import warnings
from collections.abc import Callable
from typing import Any

import objects
from encoding import Encoder, drained, named, shortened

RAISING = tuple(opcode.opmap[name] for name in ("RAISE_VARARGS", "RERAISE"))
PROBES: tuple[tuple[Any, ...], ...] = ((), (3,), ("x",), (2, 5))


class Spoken(io.TextIOBase):
    """Output that takes its place among the other events."""

    def __init__(self, name: str) -> None:
        self.label = name + " "

    def write(self, text: str) -> int:
        if objects.events and objects.events[-1].startswith(self.label):
            objects.events[-1] += text
        else:
            objects.events.append(self.label + text)
        return len(text)

    def writable(self) -> bool:
        return True


class Logged:
    """A handler of the root logger, for modules that log."""

    level = 0

    def handle(self, record: Any) -> None:
        objects.events.append(f"log {record.name} {record.levelname} {record.getMessage()}")


def observe(module: Any, space: dict, step: dict, number: int, job: dict, tracer: Any) -> dict:
    """What the step's call returned or raised, and what it left behind."""
    objects.events.clear()
    try:
        for name, text in step["lets"]:
            space[name] = eval(text, space)
    except Exception as error:  # edge: the sandbox, inside; a value that cannot be built is no input
        return {"unbuilt": f"{type(error).__name__}: {error}"[:200]}
    random.seed(20_011)
    objects.events.clear()
    before = world()
    with Recording() as told:
        outcome, value = _called(step["call"], space, tracer)
        left: Any = None
        if outcome == "returned" and not step.get("hold"):
            left = _drawn(value, tracer)
    space[f"r{number}"] = value
    encoder = Encoder(_probe(module), module.__name__)
    roots = [[n, encoder.encode(space[n])] for n in _roots(space)]
    seen: dict[str, Any] = {"state": outcome, "roots": roots, "warnings": told}
    if outcome == "raised":
        seen["error"] = _error(value, module, encoder)
    elif step.get("hold"):
        seen["value"] = named(type(value))
    else:
        seen["value"] = encoder.encode(value) if left is None else left
    seen["events"] = list(objects.events)
    seen["contents"] = contents(module, job["globals"])
    seen["world"] = left_behind(before)
    return {key: _short(item) for key, item in seen.items()}


def _short(item: Any) -> Any:
    text = json.dumps(item)
    return item if len(text) < 4000 else shortened(text)


def _roots(space: dict) -> list[str]:
    """Names bound by steps: arguments `a..` and objects `o..`."""
    return sorted(name for name in space if name[0] in "ao" and name[1:].isdigit())


def _called(text: str, space: dict, tracer: Any) -> tuple[str, Any]:
    code = compile(text, "<call>", "eval")
    if tracer:
        tracer.start()
    try:
        value = eval(code, space)
        return "returned", _awaited(value) if isinstance(value, types.CoroutineType) else value
    except BaseException as error:  # edge: the sandbox, inside; whatever is raised is what was observed
        return "raised", error
    finally:
        if tracer:
            tracer.stop()


def _awaited(value: Any) -> Any:
    import asyncio

    return ("awaited", asyncio.run(value))


def _drawn(value: Any, tracer: Any) -> Any:
    """For a stream its items, each written down when it comes; None for all else."""
    if not hasattr(type(value), "__next__") or type(value).__module__ == "objects":
        return None
    out: list[Any] = ["stream", named(type(value))]
    encoder = Encoder()
    if tracer:
        tracer.start()
    for _ in range(200):
        objects.events.append("the next is asked for")
        item = drained(value, 1)
        out.append(encoder.encode(item))
        if item and isinstance(item[0], tuple) and item[0][:1] in (("the end",), ("raised",)):
            break
    if tracer:
        tracer.stop()
    return out


def _probe(module: types.ModuleType) -> Callable[[Any], list]:
    def probe(function: Any) -> list:
        if function.__module__ != module.__name__:
            return []
        return [_answer(function, given) for given in PROBES]

    return probe


def _answer(function: Any, given: tuple[Any, ...]) -> Any:
    try:
        return Encoder().encode(function(*given))
    except Exception as error:  # edge: the sandbox, inside; whatever a returned function raises is its answer
        return ["raised", named(type(error))]


def _error(error: BaseException, module: types.ModuleType, encoder: Encoder) -> dict:
    """`said`: a raise statement of the module under test chose type and arguments."""
    trace, last = error.__traceback__, None
    while trace is not None:
        last, trace = trace, trace.tb_next
    frame = last.tb_frame if last else None
    said = frame is not None and last is not None and _raises(frame.f_code, last.tb_lasti)
    said = said and frame is not None and frame.f_code.co_filename == module.__file__
    cause = named(type(error.__cause__)) if error.__cause__ else ""
    return {"type": named(type(error)), "args": encoder.encode(error), "said": bool(said), "cause": cause}


def _raises(code: types.CodeType, at: int) -> bool:
    return code.co_code[at] in RAISING


def contents(module: types.ModuleType, names: list[str]) -> list:
    """The plain values that the module and its classes hold, and the defaults of its functions."""
    out = []
    for name in names:
        holder, _, last = name.rpartition(":")
        owner = getattr(module, holder, None) if holder else module
        if owner is None or not hasattr(owner, last):
            out.append([name, "absent"])
            continue
        value = unwrapped(getattr(owner, last))
        if isinstance(value, types.FunctionType):
            out.append([name, Encoder().encode([value.__defaults__, value.__kwdefaults__])])
        elif not isinstance(value, (types.ModuleType, type)):
            out.append([name, Encoder(own=module.__name__).encode(value)])
    return out


def unwrapped(value: Any) -> Any:
    for _ in range(20):
        if not callable(value) or not hasattr(value, "__wrapped__"):
            break
        value = value.__wrapped__
    return value


def world() -> dict[str, Any]:
    """What a call could leave changed outside of its arguments."""
    folder = os.getcwd()  # noqa: PTH109 (taken twice for every call)
    threading = sys.modules.get("threading")
    return {
        "environment": dict(os.environ),
        "folder": folder.rpartition("/")[2],
        "files": sorted((one.name, one.stat().st_size) for one in os.scandir(folder)),
        "open files": len(os.listdir("/proc/self/fd")),  # noqa: PTH208
        "threads": threading.active_count() if threading else 1,
        "random numbers": random.getstate(),
        "recursion limit": sys.getrecursionlimit(),
        "path": list(sys.path),
        "builtins": dict(vars(builtins)),
    }


def left_behind(before: dict[str, Any]) -> dict[str, Any]:
    """What is another now, in words that two processes can compare."""
    now = world()
    found = {key: value for key, value in now.items() if before[key] != value}
    if "random numbers" in found:
        found["random numbers"] = shortened(repr(found["random numbers"]))
    if "environment" in found:
        old = before["environment"]
        found["environment"] = sorted(f"{k}={v}" for k, v in now["environment"].items() if old.get(k) != v)
        found["environment"] += sorted(f"no {k}" for k in old if k not in now["environment"])
    if "builtins" in found:
        old = before["builtins"]
        found["builtins"] = sorted(k for k, v in now["builtins"].items() if k not in old or old[k] is not v)
    return found


class Recording:
    """Output, log and warnings of what runs within."""

    def __enter__(self) -> list:
        self.told: list[Any] = []
        self.streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = Spoken("stdout"), Spoken("stderr")
        self.caught = warnings.catch_warnings(record=True)
        self.warned = self.caught.__enter__()
        warnings.simplefilter("always")
        self.log = Logged()
        logging = sys.modules.get("logging")
        self.root = logging.getLogger() if logging else None
        if self.root:
            self.root.addHandler(self.log)
        return self.told

    def __exit__(self, *error: Any) -> None:
        if self.root:
            self.root.removeHandler(self.log)
        self.told += [[named(one.category), str(one.message)] for one in self.warned or ()]
        self.caught.__exit__(*error)
        sys.stdout, sys.stderr = self.streams
