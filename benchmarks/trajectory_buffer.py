"""A trajectory buffer of a million entries: how long an addition and a draw take, one by one and in batches.

    python -m benchmarks.trajectory_buffer                       # one million entries, about a minute
    python -m benchmarks.trajectory_buffer --entries 100000
    python -m benchmarks.trajectory_buffer --json FILE

Entries are trajectories of 16 steps of 4 numbers, of 8 tasks. Their rewards are all different or, in the rows
that say so, 0 and 1 alone, so that every draw meets a tie of tens of thousands. The buffer is full: each
addition pushes an entry out. A batch is 256. Figures are microseconds an entry, medians over runs; those of
the processor's own time stand beside the wall's, in which other work on the machine counts too.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bloomery.core.machine import processor, threads
from bloomery.diffusion.buffer.contents import Field
from bloomery.diffusion.buffer.trajectories import BufferConfig, TrajectoryBuffer

BAR_US, TASKS, BATCH, CALLS, RUNS = 20.0, 8, 256, 1000, 15
SHAPE = (16, 4)
Figures = dict[str, Any]


class Stream:
    """Endless new trajectories, made ahead of the clock; rewards rise slowly, so that newcomers get in."""

    def __init__(self, rewards: str) -> None:
        self.rng, self.rewards, self.given = np.random.default_rng(0), rewards, 0

    def take(self, count: int) -> tuple[np.ndarray, list[float], list[str]]:
        numbers = np.arange(self.given, self.given + count)
        self.given += count
        rewards = (
            numbers % 3 < 1 if self.rewards == "0 and 1" else self.rng.normal(size=count) + numbers / 1e5
        )
        content = self.rng.random((count, *SHAPE), dtype=np.float32)
        return content, rewards.astype(float).tolist(), [f"task {number % TASKS}" for number in numbers]


def filled(stream: Stream, entries: int) -> TrajectoryBuffer:
    config = BufferConfig(capacity=entries, beta_draws=0)
    buffer = TrajectoryBuffer({"trajectory": Field(SHAPE)}, config, seed=0)
    for start in range(0, entries, 10_000):
        content, rewards, tasks = stream.take(min(10_000, entries - start))
        buffer.add_many({"trajectory": content}, rewards, tasks=tasks)
    return buffer


def timed(prepare: Callable[[], Any], work: Callable[[Any], None], entries: int) -> Figures:
    """Microseconds an entry: medians over runs, of wall and processor, and the fastest run."""
    walls, own = [], []
    for _ in range(RUNS):
        prepared = prepare()
        wall, cpu = time.perf_counter(), time.process_time()
        work(prepared)
        walls.append((time.perf_counter() - wall) / entries * 1e6)
        own.append((time.process_time() - cpu) / entries * 1e6)
    return {"wall": statistics.median(walls), "processor": statistics.median(own), "least": min(walls)}


def measured(entries: int, rewards: str) -> dict[str, Figures]:
    stream = Stream(rewards)
    buffer = filled(stream, entries)

    def add_one(given: Any) -> None:
        for content, reward, task in zip(*given, strict=True):
            buffer.add({"trajectory": content}, reward, task=task)

    def add_batch(given: Any) -> None:
        buffer.add_many({"trajectory": given[0]}, given[1], tasks=given[2])

    def draw_one(_: Any) -> None:
        for _ in range(CALLS):
            buffer.sample(1)

    def draw_batch(_: Any) -> None:
        for _ in range(8):
            buffer.sample(BATCH)

    return {
        "add, single": timed(lambda: stream.take(CALLS), add_one, CALLS),
        "add, batch": timed(lambda: stream.take(BATCH), add_batch, BATCH),
        "sample, single": timed(lambda: None, draw_one, CALLS),
        "sample, batch": timed(lambda: None, draw_batch, 8 * BATCH),
    }


def row(what: str, found: Figures) -> Figures:
    return {
        "what": what,
        "ours": found["wall"],
        "peer": None,
        "ratio": None,
        "unit": "us an entry",
        "bar": f"< {BAR_US:g} us",
        "higher_is_better": False,
        "met": found["wall"] < BAR_US,
        "note": f"processor {found['processor']:.1f} us, fastest run {found['least']:.1f} us; "
        f"load {os.getloadavg()[0]:.1f}",
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    began, rows = time.monotonic(), []
    print(f"{given.entries:,} entries; {processor()}; {threads()} thread(s)")
    for rewards in ("all different", "0 and 1"):
        for what, found in measured(given.entries, rewards).items():
            rows.append(row(f"{what}, rewards {rewards}", found))
            print(f"{rows[-1]['what']:38}{rows[-1]['ours']:7.1f} us  {rows[-1]['note']}")
    if given.json:
        command = f"python -m benchmarks.trajectory_buffer --entries {given.entries}"
        told = {"name": "trajectory_buffer", "command": command, "rows": rows, "processor": processor()}
        given.json.write_text(json.dumps(told | {"seconds": time.monotonic() - began}, indent=1) + "\n")
        return 0  # the rows say what was missed
    return 0 if all(one["met"] for one in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
