"""A cell answers with what it prints and its last value; it ends, and touches nothing else."""

from dataclasses import replace

import pytest

from bloomery.tasks.tools import python_cell
from bloomery.tasks.tools.python_cell import python_cell as the_tool
from bloomery.tasks.tools.python_cell import run_cell
from bloomery.tasks.tools.tool import ToolFailed, World


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """A second of CPU time is enough to see that it ends."""
    monkeypatch.setattr(python_cell, "LIMITS", replace(python_cell.LIMITS, cpu_s=1))


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        ("print(6*7)", "42"),
        ("6*7", "42"),
        ("x = 6\nfor i in range(2): print(i)\nx * 7", "0\n1\n42"),
        ("x = 1", ""),
        ("def f(n): return n and n + f(n-1)\nf(10)", "55"),
        ("'a\\nb'", "a\nb"),
    ],
)
def test_the_answer_is_what_is_printed_and_the_last_value(code, answer):
    assert the_tool().start(World())(code=code) == answer


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("while True: pass", "ran too long"),
        ("sum(range(10**12))", "ran too long"),
        ("import sys\nsys.settrace(None)\nwhile True: pass", "ran too long"),
        ("try:\n  while True: pass\nexcept BaseException:\n  print('caught')", "ran too long"),
        ("while True: print('x' * 100)", "printed more than 4096 bytes"),
        ("'x' * 5000", "printed more than 4096 bytes"),
        ("x = [0] * 10**10", "MemoryError"),
        ("1/0", "ZeroDivisionError: division by zero"),
        ("raise ValueError", "ValueError"),
        ("print('so far')\nraise KeyError('k')", "KeyError: 'k'"),
        ("while", "SyntaxError"),
        ("import os\nos._exit(0)\n", None),
        ("import os\nos._exit(9)\n", "ended with code 9"),
        ("import os\nos.kill(os.getpid(), 9)", "ended with code 137"),
        ("exit()", "NameError"),
        ("import sys\nsys.exit(3)", "SystemExit: 3"),
        ("'\\ud800'", "UnicodeEncodeError"),
    ],
)  # fmt: skip
def test_a_program_that_fails_or_does_not_end_says_so(code, said):
    if said is None:  # an early exit is not an error of ours to invent: it printed nothing
        assert run_cell(code) == ""
        return
    with pytest.raises(ToolFailed, match=said):
        run_cell(code)


@pytest.mark.parametrize("code", ["while True: pass", "x = 0\nwhile True:\n  x = 1"])
def test_an_endless_program_ends_by_a_count_and_not_by_a_clock(monkeypatch, code):
    ended = []
    real = python_cell.run
    monkeypatch.setattr(python_cell, "run", lambda *a, **k: ended.append(real(*a, **k)) or ended[-1])
    python_cell._outcome.cache_clear()
    with pytest.raises(ToolFailed, match="ran too long"):
        run_cell(code)
    assert (ended[0].killed_by, ended[0].returncode) == (None, python_cell.TOO_LONG)


def test_nothing_outside_is_written_or_read(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    for code in (f"open({str(secret)!r}).read()", f"open({str(tmp_path / 'new')!r}, 'w').write('x')"):
        with pytest.raises(ToolFailed, match="Error"):
            run_cell(code)
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_no_cell_finds_what_another_left():
    run_cell("open('left', 'w').write('x')")
    assert run_cell("import os\nos.listdir()") == "[]"


def test_what_is_drawn_at_random_is_the_same_each_time():
    draw = "import random\nprint(random.random(), [*{'a', 'b', 'c', 'd', 'e'}], hash('a'))"
    first = run_cell(draw)
    python_cell._outcome.cache_clear()
    assert run_cell(draw) == first


def test_a_cell_runs_where_its_walls_stand_and_the_same_code_runs_once(monkeypatch):
    seen = []
    real = python_cell.run
    monkeypatch.setattr(python_cell, "run", lambda *a, **k: seen.append(k["require"]) or real(*a, **k))
    assert [run_cell("'once'"), run_cell("'once'")] == ["once", "once"]
    assert seen == [("network", "filesystem", "reading", "environment")]
