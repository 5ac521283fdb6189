"""Runs behind the sandbox's walls: what pytest alone and the Hypothesis ghostwriter say of each candidate.

    python peers.py JOB OUT

pytest runs all tests at once; each written test is called in a forked process with a time limit. OUT holds 0
for each candidate that passed, or why it did not.
"""

import importlib
import importlib.util
import json
import os
import signal
import sys
import time
import types
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import pytest

if (
    importlib.util.find_spec("black") is None
):  # the ghostwriter's layout only: its texts run as they are written
    plain = types.ModuleType("black")
    plain.format_str = lambda text, mode: text  # type: ignore[attr-defined]
    plain.FileMode = plain.Mode = dict  # type: ignore[attr-defined]
    sys.modules["black"] = plain
from hypothesis.extra import ghostwriter

CPU_S, TIME_S, NO_TEST = 6.0, 60.0, 99
hypothesis.settings.register_profile(  # a failure need not be made small or explained to count
    "peers", database=None, deadline=None, phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate)
)


def main(job_path: str, out: str) -> None:
    job = json.loads(Path(job_path).read_text())
    _warmed()
    told: dict[str, int | str] = _by_pytest([one for one in job if not one["write"]])
    for one in job:
        if one["write"]:
            told[one["id"]] = _by_ghostwriter(one)
        Path(out).write_text(json.dumps(told))


@hypothesis.settings(database=None, deadline=None)
@hypothesis.given(st.lists(st.integers()), st.text(), st.dictionaries(st.text(), st.floats()))
def _warmed(numbers: list[int], text: str, table: dict[str, float]) -> None:
    """Once before forking, so that not every process loads what Hypothesis loads late."""


class Passed:
    """Notes the tests that passed, by the number of their file."""

    def __init__(self) -> None:
        self.told: dict[str, int | str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        number = Path(report.nodeid.partition("::")[0]).stem.rpartition("_")[2]
        self.told[number] = max(int(self.told.get(number, 0)), int(report.outcome != "passed"))


def _by_pytest(job: list[dict]) -> dict[str, int | str]:
    """Each test on its candidate, in one run of pytest; a file that cannot be collected is told by nobody."""
    folder = Path("alone").resolve()
    folder.mkdir()
    for one in job:
        for name, text in one["files"].items():
            module, number = Path(name).stem, one["id"]
            (folder / f"{module}_{number}.py").write_text(
                text.replace("from task import", f"from task_{number} import")
            )
    passed = Passed()
    sys.path.insert(0, str(folder))
    pytest.main(["-q", "-p", "no:cacheprovider", f"--rootdir={folder}", str(folder)], plugins=[passed])
    return passed.told


def _by_ghostwriter(one: dict) -> int | str:
    folder = Path(f"written{one['id']}").resolve()
    folder.mkdir()
    for name, text in one["files"].items():
        (folder / name).write_text(text)
    child = os.fork()
    if child == 0:
        os._exit(_written(folder, one["write"]))
    until = time.monotonic() + TIME_S
    while time.monotonic() < until and _cpu_s(child) < CPU_S:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "no end"


def _cpu_s(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _written(folder: Path, function: str) -> int:
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    hypothesis.settings.load_profile("peers")
    try:
        functions = [getattr(importlib.import_module(name), function) for name in ("task", "candidate")]
        Path("written.py").write_text(ghostwriter.equivalent(*functions))
        tests = vars(importlib.import_module("written"))
        named = [value for name, value in tests.items() if name.startswith("test_")]
    except Exception:  # edge: the sandbox, inside; a candidate may raise anything
        return NO_TEST
    try:
        for test in named:
            test()
    except BaseException:  # edge: the sandbox, inside; whatever a test raises, it has failed
        return 1
    return 0 if named else NO_TEST


if __name__ == "__main__":
    main(*sys.argv[1:3])
