"""Progress: what share of the work is done, and how long the rest takes."""

import io
import os
import pty
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bloomery.cli import progress
from bloomery.cli.progress import Pace, watching

WORK = {"a": 100, "b": 300, "c": 100}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_time_left_is_the_work_left_at_the_speed_seen(clock):
    pace = Pace(WORK, clock)
    pace.see("a", 0, 0)
    pace.see("a", 0, 10)
    clock.now = 5.0
    pace.see("a", 5, 10)
    assert pace.done == 50
    assert pace.left_s == pytest.approx(45.0)  # 450 to go at 10 a second


def test_what_was_remembered_counts_as_done_and_not_as_speed(clock):
    pace = Pace(WORK, clock)
    pace.see("a", 1, 1)
    pace.see("b", 1, 1)
    assert (pace.done, pace.left_s) == (400, None)
    pace.see("c", 0, 0)
    pace.see("c", 50, 100)  # went on from a checkpoint
    clock.now = 10.0
    pace.see("c", 60, 100)
    assert pace.left_s == pytest.approx(40.0)  # 40 to go at 1 a second


def test_time_goes_on_while_a_step_is_silent(clock):
    pace = Pace(WORK, clock)
    pace.see("a", 0, 10)
    clock.now = 5.0
    pace.see("a", 5, 10)
    clock.now = 25.0
    assert pace.left_s == pytest.approx(25.0)
    clock.now = 500.0
    assert (pace.left_s, pace.left) == (0.0, "nearly done")


def test_a_machine_that_becomes_slower_is_noticed(clock):
    pace = Pace({"a": 10_000}, clock)
    for second in range(2000):
        clock.now = float(second)
        done = min(second, 1000) + max(0, second - 1000) // 10  # from second 1,000 on at a tenth of the speed
        pace.see("a", done, 10_000)
    to_go = 10_000 - done
    assert pace.left_s == pytest.approx(to_go / 0.1, rel=0.05)


def test_a_step_that_nobody_announced_changes_nothing(clock):
    pace = Pace(WORK, clock)
    pace.see("a", 1, 1)
    pace.see("unheard of", 1, 2)
    assert pace.done == 100


def test_all_is_done_at_the_end_and_nothing_is_left_to_say(clock):
    pace = Pace(WORK, clock)
    for step in WORK:
        pace.see(step, 1, 1)
    assert (pace.done, pace.left) == (500, "")


def test_without_a_terminal_each_step_gets_a_line_and_noise_is_held_back(capsys):
    with watching(WORK) as watch:
        watch("a", 1, 1, "remembered")
        for done in range(100):
            watch("b", done, 100, "loss 1.0")
        watch("b", 1, 1, "done")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[0] == "a remembered | 20% of all, time left unknown"
    assert captured.err.splitlines()[1].startswith("b done | 80% of all, ")
    assert len(captured.err.splitlines()) == 2


def test_a_long_step_speaks_now_and_then(capsys, monkeypatch):
    monkeypatch.setattr(progress, "QUIET_S", 0.0)
    with watching(WORK) as watch:
        watch("a", 3, 10, "loss 1.0")
    assert capsys.readouterr().err.startswith("a 3/10 loss 1.0 | 6% of all")


class Slow(io.StringIO):
    """Whoever writes in pieces is overtaken between them."""

    def write(self, text):
        time.sleep(0.01)
        return super().write(text)


def test_steps_that_end_at_the_same_time_have_a_line_each(monkeypatch):
    monkeypatch.setattr(sys, "stderr", said := Slow())
    with watching(dict.fromkeys("abcd", 1)) as watch, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: watch(name, 1, 1, "passed"), "abcd"))
    assert sorted(line[:10] for line in said.getvalue().splitlines()) == [f"{n} passed |" for n in "abcd"]


ON_A_TERMINAL = """
import time
from bloomery.cli.progress import watching
with watching({"a": 100, "cognate.adaptive_computation": 300, "c": 100}) as watch:
    watch("a", 1, 1, "remembered")
    watch("cognate.adaptive_computation", 0, 0, "")
    for done in range(11):
        watch("cognate.adaptive_computation", done, 10, "loss 1.2345")
        time.sleep(0.05)
    watch("cognate.adaptive_computation", 1, 1, "done")
    watch("c", 0, 0, "")
    time.sleep(0.3)
    watch("c", 1, 1, "done")
"""


def test_on_a_terminal_there_are_bars_with_the_time_left_within_80_columns():
    ours, theirs = pty.openpty()
    environment = os.environ | {"COLUMNS": "80", "LINES": "24", "TERM": "xterm"}
    child = subprocess.Popen([sys.executable, "-c", ON_A_TERMINAL], stderr=theirs, env=environment)
    os.close(theirs)
    screen = b""
    while True:
        try:
            screen += os.read(ours, 4096)
        except OSError:  # the other end was closed
            break
    os.close(ours)
    assert child.wait() == 0
    text = screen.decode()
    assert "s left" in text
    assert "loss 1.2345" in text
    last = text[text.rindex("all ") :]
    assert last.count("100%") == 4  # all, and each step
    assert "remembered" in last
