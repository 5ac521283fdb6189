"""One `map` over candidates: in processes by joblib, on Ray by a flag, or in this process.

Candidates and results travel pickled on every engine, so that all engines give the same results and none
lets a candidate change what another one sees. What a candidate raises is its own outcome; so is the death of
its process. Threads of numerical libraries are pinned to one in workers; `inline` uses this process' own.

Differs: Ray's tasks are used as they are and not through its joblib backend, which returns nothing before
all is done and loses everything with one dead worker.
"""

import os
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal, get_args

import cloudpickle
import joblib
from joblib.externals.loky.process_executor import TerminatedWorkerError

from bloomery.core.errors import CapabilityMissing, Failure, UnknownName

EngineName = Literal["processes", "ray", "inline"]
Watch = Callable[[int, int, str], None]  # done, total, the candidate's name
PINNED = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "MKL", "OPENBLAS", "VECLIB", "NUMEXPR")}


@dataclass(frozen=True)
class Outcome:
    """What became of a candidate: a value, or an error with its traceback."""

    name: str
    value: Any
    error: str | None
    duration_s: float


def map(
    function: Callable[[Any], Any],
    candidates: Mapping[str, Any],
    *,
    engine: EngineName = "processes",
    workers: int | None = None,
    progress: Watch | None = None,
) -> list[Outcome]:
    """`function` of each candidate, in the order of the candidates; a failing one never loses the others.

    `workers` defaults to the cores that this process may use.
    Raises: UnknownName; CapabilityMissing where Ray is not installed.
    """
    if engine not in _ENGINES:
        raise UnknownName("engine", engine, get_args(EngineName))
    tasks, outcomes = _packed(function, candidates)
    workers = max(1, min(workers or len(os.sched_getaffinity(0)), len(tasks) or 1))
    if progress is not None:
        for done, name in enumerate(outcomes, start=1):
            progress(done, len(candidates), name)
    for outcome in _ENGINES[engine](tasks, workers):
        outcomes[outcome.name] = outcome
        if progress is not None:
            progress(len(outcomes), len(candidates), outcome.name)
    return [outcomes[name] for name in candidates]


def values_of(outcomes: Iterable[Outcome], doing: str) -> dict[str, Any]:
    """Every candidate's value. Raises: Failure naming those that could not do it, each with its error."""
    outcomes = list(outcomes)
    if failed := [outcome for outcome in outcomes if outcome.error is not None]:
        raise Failure("; ".join(f"{one.name} could not {doing}: {one.error}" for one in failed))
    return {outcome.name: outcome.value for outcome in outcomes}


@dataclass(frozen=True)
class _Task:
    name: str
    payload: bytes  # the pickled function and candidate


@dataclass(frozen=True)
class _Reply:
    payload: bytes | None  # the pickled value
    error: str | None
    duration_s: float


def _packed(
    function: Callable[[Any], Any], candidates: Mapping[str, Any]
) -> tuple[list[_Task], dict[str, Outcome]]:
    """Tasks ready to travel, and the outcomes of candidates that cannot."""
    tasks: list[_Task] = []
    failed: dict[str, Outcome] = {}
    for name, candidate in candidates.items():
        try:
            tasks.append(_Task(name, cloudpickle.dumps((function, candidate))))
        except Exception as error:  # edge: pickling runs the candidate's own code; it fails alone
            failed[name] = Outcome(name, None, _described(name, error), 0.0)
    return tasks, failed


def _work(task: _Task) -> _Reply:
    """Runs in the worker; whatever the candidate does comes back as a value."""
    started = time.perf_counter()
    try:
        function, candidate = cloudpickle.loads(task.payload)
        payload = cloudpickle.dumps(function(candidate))
    except KeyboardInterrupt:  # the user's, not the candidate's
        raise
    except BaseException as error:  # edge: the candidate's process; what it raises is its outcome
        return _Reply(None, _described(task.name, error), time.perf_counter() - started)
    return _Reply(payload, None, time.perf_counter() - started)


def _outcome(task: _Task, reply: _Reply) -> Outcome:
    if reply.payload is None:
        return Outcome(task.name, None, reply.error, reply.duration_s)
    try:
        return Outcome(task.name, cloudpickle.loads(reply.payload), None, reply.duration_s)
    except Exception as error:  # edge: unpickling runs the candidate's own code; it fails alone
        return Outcome(task.name, None, _described(task.name, error), reply.duration_s)


def _described(name: str, error: BaseException) -> str:
    """The error with the candidate's name, and its traceback without the frames of this module."""
    trace = error.__traceback__.tb_next if error.__traceback__ else None
    lines = traceback.format_exception(type(error), error, trace)
    return f"candidate '{name}' raised {type(error).__name__}: {error}\n{''.join(lines)}"


def _died(task: _Task, how: object, duration_s: float) -> Outcome:
    detail = " ".join(str(how).split())
    return Outcome(task.name, None, f"candidate '{task.name}': its process died: {detail}", duration_s)


def _inline(tasks: Iterable[_Task], _workers: int) -> Iterator[Outcome]:
    for task in tasks:
        yield _outcome(task, _work(task))


def _processes(tasks: list[_Task], workers: int) -> Iterator[Outcome]:
    """A dead worker takes its pool with it; what was under way then runs alone, to find out whose it was."""
    waiting = {task.name: task for task in tasks}
    while waiting:
        under_way: dict[str, _Task] = {}
        try:
            for name, reply in _pool(_noting(list(waiting.values()), under_way), workers):
                del waiting[name]
                yield _outcome(under_way.pop(name), reply)
        except TerminatedWorkerError:
            for task in under_way.values():
                del waiting[task.name]
                yield _alone(task)


def _alone(task: _Task) -> Outcome:
    started = time.perf_counter()
    try:
        ((_, reply),) = _pool([task], 2)  # joblib would run a pool of one in this process
    except TerminatedWorkerError as death:
        return _died(task, death, time.perf_counter() - started)
    return _outcome(task, reply)


def _noting(tasks: Iterable[_Task], under_way: dict[str, _Task]) -> Iterator[_Task]:
    for task in tasks:
        under_way[task.name] = task
        yield task


def _pool(tasks: Iterable[_Task], workers: int) -> Iterator[tuple[str, _Reply]]:
    """Replies as they come; never more tasks under way than there are workers."""
    with joblib.parallel_config(backend="loky", n_jobs=max(2, workers), inner_max_num_threads=1):
        pool = joblib.Parallel(return_as="generator_unordered", pre_dispatch=workers, batch_size=1)
        yield from pool(joblib.delayed(_named_work)(task) for task in tasks)


def _named_work(task: _Task) -> tuple[str, _Reply]:
    return task.name, _work(task)


def _on_ray(tasks: list[_Task], workers: int) -> Iterator[Outcome]:
    ray = _ray(workers)
    remote = ray.remote(max_retries=0, num_cpus=1, runtime_env={"env_vars": PINNED})(_work)
    waiting = iter(tasks)
    under_way: dict[Any, _Task] = {}
    while True:
        while len(under_way) < workers and (task := next(waiting, None)) is not None:
            under_way[remote.remote(task)] = task
        if not under_way:
            return
        ready, _ = ray.wait(list(under_way), num_returns=1)
        task = under_way.pop(ready[0])
        try:
            yield _outcome(task, ray.get(ready[0]))
        except ray.exceptions.RayError as death:  # it crashed, or was killed for memory
            yield _died(task, death, 0.0)


def _ray(workers: int) -> Any:
    """The module, connected: to the cluster that RAY_ADDRESS names, else to one on this machine."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray = import_module("ray")
    except ModuleNotFoundError:
        raise CapabilityMissing(
            "the engine 'ray' needs a package: pip install 'bloomery[ray]', or use 'processes'"
        ) from None
    if not ray.is_initialized():
        here = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": workers, "include_dashboard": False}
        ray.init(log_to_driver=False, logging_level="ERROR", **here)
    return ray


_ENGINES: Mapping[str, Callable[[list[_Task], int], Iterator[Outcome]]] = {
    "processes": _processes,
    "ray": _on_ray,
    "inline": _inline,
}
