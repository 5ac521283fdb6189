"""How a run shows itself: bars with the time left on a terminal, else a line now and then; on stderr."""

import math
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from bloomery.cli.wording import span

Watch = Callable[[str, int, int, str], None]
QUIET_S = 15.0
ALL = "all"
FORGET_S = 120.0  # what was seen so long ago weighs 1/e: machines become busy, and idle again


@contextmanager
def watching(work: Mapping[str, int]) -> Iterator[Watch]:
    """A watch for a run whose steps have so much work each, in the order of the steps."""
    if sys.stderr.isatty():
        with _bars(work) as watch:
            yield watch
    else:
        yield _lines(work)


class Pace:
    """How much of all work is done, and how long the rest takes.

    The speed is that of work that was seen being done, within steps: what was remembered, or done before a
    kill, took no time now and says nothing about speed.
    """

    def __init__(self, work: Mapping[str, int], clock: Callable[[], float] = time.monotonic) -> None:
        self.work = dict(work)
        self.total = sum(work.values())
        self.done = 0.0
        self._clock = clock
        self._gained, self._spent_s = 0.0, 0.0
        self._last: tuple[str, float, float] | None = None  # step, share of it, moment
        self._noted = clock()

    def see(self, step: str, done: int, total: int) -> None:
        """Take note of a step's progress; a total of 0 says that it began."""
        if step not in self.work:
            return
        now, share = self._clock(), done / total if total else 0.0
        if self._last is not None and self._last[0] == step and total:
            _, before, then = self._last
            kept = math.exp((then - now) / FORGET_S)
            self._gained = kept * self._gained + self.work[step] * max(0.0, share - before)
            self._spent_s = kept * self._spent_s + now - then
        self._last = (step, share, now) if total else None
        names = list(self.work)
        before_it = sum(self.work[name] for name in names[: names.index(step)])
        self.done, self._noted = before_it + self.work[step] * share, now

    @property
    def left_s(self) -> float | None:
        """Seconds to go; None as long as nobody knows."""
        if self.done >= self.total:
            return 0.0
        if self._gained <= 0 or self._spent_s <= 0:
            return None
        left_s = (self.total - self.done) * self._spent_s / self._gained
        return max(0.0, left_s - (self._clock() - self._noted))

    @property
    def left(self) -> str:
        if self.done >= self.total:
            return ""
        if self.left_s is None:
            return "time left unknown"
        return f"{span(self.left_s)} left" if self.left_s else "nearly done"


@contextmanager
def _bars(work: Mapping[str, int]) -> Iterator[Watch]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        ProgressColumn,
        Task,
        TaskID,
        TaskProgressColumn,
        TextColumn,
    )
    from rich.table import Column
    from rich.text import Text

    pace = Pace(work)

    class Said(ProgressColumn):
        """What a step says of itself, and the time left of all, which goes on while a step is silent."""

        def render(self, task: Task) -> Text:
            return Text(pace.left if task.description == ALL else task.fields["text"])

    width = max(len(name) for name in (ALL, *work))
    columns = (
        TextColumn("{task.description}", table_column=Column(width=width, no_wrap=True)),
        BarColumn(bar_width=16),
        TaskProgressColumn(),
        Said(table_column=Column(no_wrap=True)),
    )
    console = Console(stderr=True, highlight=False)
    with Progress(*columns, console=console, refresh_per_second=4) as progress:
        whole = progress.add_task(ALL, total=pace.total, text="")
        bars: dict[str, TaskID] = {}

        def watch(step: str, done: int, total: int, text: str) -> None:
            pace.see(step, done, total)
            if step not in bars:
                bars[step] = progress.add_task(step, total=total or None, text="")
            progress.update(bars[step], completed=done, total=total or None, text=text)
            progress.update(whole, completed=pace.done)

        yield watch


def _lines(work: Mapping[str, int]) -> Watch:
    pace, alone = Pace(work), threading.Lock()
    last: float | None = None

    def watch(step: str, done: int, total: int, text: str) -> None:
        nonlocal last
        with alone:
            pace.see(step, done, total)
            now = time.monotonic()
            ended = done == total == 1
            if last is not None and now - last < QUIET_S and not ended:
                return
            last = now
            said = f"{step} {done}/{total}" if total > 1 else step
            overall = f"{pace.done / pace.total:.0%} of all, {pace.left}".removesuffix(", ")
            sys.stderr.write(f"{f'{said} {text}'.rstrip()} | {overall}\n")  # at once: steps run side by side
            sys.stderr.flush()

    return watch
