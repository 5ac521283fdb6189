"""Runs inside the sandbox: loads the tests once, then tries each candidate in a fork of itself.

argv[1] names the job, a JSON file: `task` (survey, try, see), `project`, `roots`, `tests` (pytest's
arguments), `target` (the file under repair), `code` (its compiled, step-counting text), `order` (node ids),
`limit` and `trace` (steps of one test, and of a traced one), `cpu_s`, `trials`. What is found is written to
the first stdout as JSON lines; whatever the project prints goes nowhere. It imports nothing of Bloomery but
the modules beside it.
"""

import gc
import os
import resource
import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from bloomery_job import JOB, tell
from bloomery_surveying import survey
from bloomery_target import Known, functions, is_loaded
from bloomery_trying import attempt_all, see_all


class Session:
    """The plugin that does the job in the place of the tests' run."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        wanted = JOB["order"]
        chosen = [items[node] for node in wanted if node in items] if wanted is not None else session.items
        tell("collected", len(session.items), is_loaded())
        known = functions()  # before they are frozen, which hides them
        gc.collect()
        gc.freeze()
        TASKS[JOB["task"]](chosen, known)
        used = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        tell("used", *(one.ru_utime + one.ru_stime for one in used))
        return True

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            tell("not collected", report.nodeid, str(report.longrepr)[-2000:])


TASKS: dict[str, Callable[[Sequence[Any], Known], None]] = {
    "survey": survey,
    "try": attempt_all,
    "see": see_all,
}


def main() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.chdir(JOB["project"])
    sys.path[1:1] = JOB["roots"]
    code = pytest.main([*JOB["options"], *JOB["tests"]], plugins=[Session()])
    tell("finished", int(code))


if __name__ == "__main__":
    main()
