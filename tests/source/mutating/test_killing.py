"""Kill tables of a small project whose mutants a person can judge."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from bloomery.core.evidence import State
from bloomery.source.covering import Covered, cover
from bloomery.source.mutating import KillTable, Trying, kill_table, kill_tables
from bloomery.source.python import parse

RULES = '''
import functools


def decay(state, rate):
    """Source: titans eq. 13"""
    return (1 - rate) * state


def weak(a, b):
    return a - b


def countdown(n):
    steps = 0
    while n > 0:
        n -= 1
        steps += 1
    return steps


def unused(n):
    return n + 1


def scaled(x, by=2.0):
    return by * x


def square(n):
    return n * n


SQUARES = [square(n) for n in range(4)]


def frozen(function):
    code = function.__code__.replace(co_name="copied")
    copy = type(function)(code, function.__globals__)
    copy.__wrapped__ = function
    return lambda *given: copy(*given)


@frozen
def kept(n):
    return n + 2


@functools.cache
def cached(n):
    return n + 3


class Memory:
    def __init__(self, value):
        self.value = value

    @property
    def twice(self):
        return 2 * self.value


def branches(n):
    if n < 0:
        return n - 1
    return n + 1


def deadly(n):
    return 1 / n
'''
TESTS = """
    import os

    import pytest
    from rules import SQUARES, Memory, branches, cached, countdown, deadly, decay, kept, scaled, weak

    def test_decay_of_nothing():
        assert decay(0.0, 0.3) == 0.0

    def test_decay_by_hand():
        assert decay(2.0, 0.25) == 1.5

    def test_weak_at_equal():
        assert weak(1, 1) == 0

    def test_weak_fails():
        assert weak(1, 2) == 1

    def test_countdown():
        assert countdown(3) == 3

    def test_scaled():
        assert scaled(3.0) == 6.0

    def test_squares():
        assert SQUARES == [0, 1, 4, 9]

    def test_kept():
        assert kept(1) == 3

    def test_cached():
        assert cached(1) == 4

    def test_twice():
        assert Memory(4).twice == 8

    def test_branches():
        assert branches(1) == 2

    def test_deadly():
        if deadly(2) != 0.5:
            os.abort()
        assert deadly(4) == 0.25
"""
NAMES = ["decay", "weak", "countdown", "unused", "cached", "Memory.twice", "branches", "deadly"]


@pytest.fixture(scope="module")
def project(write_project) -> Path:
    return write_project({"src/rules.py": RULES, "tests/test_rules.py": TESTS})


@pytest.fixture(scope="module")
def rules(project: Path) -> Path:
    return project / "src" / "rules.py"


@pytest.fixture(scope="module")
def covered(project: Path, rules: Path) -> Covered:
    return cover(project, ["tests"], [rules])


@pytest.fixture(scope="module")
def tables(project: Path, rules: Path, covered: Covered) -> dict[str, KillTable]:
    subjects = [(parse(rules), name) for name in NAMES]
    trying = Trying(full=True, limit_s=1)
    found = kill_tables(project, subjects, ["tests"], trying, covered=covered)
    return dict(zip(NAMES, found, strict=True))


def killers(table: KillTable, operator: str) -> list[set[str]]:
    chosen = [trial for trial in table.trials if trial.mutant.operator == operator]
    return [{kill.test.partition("::")[2] for kill in trial.kills} for trial in chosen]


def test_a_test_by_hand_kills_what_a_degenerate_one_lets_through(tables: dict[str, KillTable]) -> None:
    table = tables["decay"]
    assert killers(table, "decay") == [{"test_decay_by_hand"}]
    assert killers(table, "sign") == [{"test_decay_by_hand"}] * 2  # of the product, and 1 + rate
    assert table.state(["decay", "sign"]) is State.PASSED
    assert table.state(["decay", "index"]) is State.PASSED
    assert table.state(["index"]) is State.NOT_RUN
    degenerate = table.killed_by("tests/test_rules.py::test_decay_of_nothing")
    by_hand = table.killed_by("tests/test_rules.py::test_decay_by_hand")
    assert {one.operator for one in degenerate} == {"arithmetic"}  # which divides by nothing
    assert {one.operator for one in by_hand} >= {"decay", "sign"}
    assert table.own_process == ""


def test_tests_that_fail_unmutated_are_excluded_and_judge_nothing(tables: dict[str, KillTable]) -> None:
    table = tables["weak"]
    assert [one.node.partition("::")[2] for one in table.excluded] == ["test_weak_fails"]
    assert [test.partition("::")[2] for test in table.tests] == ["test_weak_at_equal"]


def test_a_mutant_that_the_test_cannot_see_survives(tables: dict[str, KillTable]) -> None:
    found = {str(t.mutant).partition("line ")[2]: t.state for t in tables["weak"].trials}
    assert found == {"10, sign: a - b -> a + b": "killed", "10, order: a - b -> b - a": "survived"}
    assert tables["weak"].state(["order"]) is State.FAILED


def test_an_endless_loop_is_killed_by_time_and_says_so(tables: dict[str, KillTable]) -> None:
    trials = {str(trial.mutant).partition(": ")[2]: trial for trial in tables["countdown"].trials}
    (kill,) = trials["n -= 1 -> n += 1"].kills
    assert (kill.how, kill.test) == ("time", "tests/test_rules.py::test_countdown")
    assert trials["n > 0 -> n >= 0"].kills[0].how == "check"
    assert "4 == 3" in trials["n > 0 -> n >= 0"].kills[0].message


def test_a_crash_is_a_kill_of_its_own_kind(tables: dict[str, KillTable]) -> None:
    assert {kill.how for trial in tables["deadly"].killed for kill in trial.kills} == {"crash"}


def test_a_function_that_no_test_runs_is_not_judged(tables: dict[str, KillTable]) -> None:
    assert {(t.state, t.reason) for t in tables["unused"].trials} == {
        ("not_run", "no passing test runs the function")
    }


def test_a_line_that_no_test_runs_cannot_be_noticed(tables: dict[str, KillTable]) -> None:
    reasons = {t.mutant.line: t.reason for t in tables["branches"].survivors if t.reason}
    assert reasons == {64: "no passing test runs line 64"}
    assert {t.mutant.line for t in tables["branches"].killed} == {63, 65}


@pytest.mark.parametrize("name", ["cached", "Memory.twice"])
def test_wrapped_functions_share_a_process(tables: dict[str, KillTable], name: str) -> None:
    assert tables[name].own_process == ""
    assert [trial.state for trial in tables[name].trials] == ["killed"] * len(tables[name].trials)


@pytest.mark.parametrize(
    ("name", "operator", "why"),
    [
        ("square", "arithmetic", "importing or collecting runs the function already"),
        ("kept", "arithmetic", "exchanging its code reaches no test: something keeps a copy of it"),
    ],
)
@pytest.mark.slow
def test_where_exchanging_code_is_not_sound_each_mutant_has_its_process(
    project: Path, rules: Path, covered: Covered, name: str, operator: str, why: str
) -> None:
    trying = Trying(operators=[operator], limit_s=1)
    table = kill_table(project, parse(rules), name, ["tests"], trying, covered=covered)
    assert table.own_process == why
    assert [trial.state for trial in table.trials] == ["killed"]


def test_a_mutated_default_is_tried_by_importing_it(project: Path, rules: Path, covered: Covered) -> None:
    trying = Trying(operators=["constant"], limit_s=1)
    table = kill_table(project, parse(rules), "scaled", ["tests"], trying, covered=covered)
    (trial,) = table.trials
    assert (str(trial.mutant), trial.state) == ("scaled, line 25, constant: 2.0 -> 3.0", "killed")
    assert trial.kills[0].how == "check"


def test_without_full_the_first_killer_ends_a_trial(project: Path, rules: Path, covered: Covered) -> None:
    trying = Trying(operators=["arithmetic"], limit_s=1)
    table = kill_table(project, parse(rules), "decay", ["tests"], trying, covered=covered)
    assert [len(trial.kills) for trial in table.trials] == [1] * len(table.trials)


def test_a_table_can_be_written_as_json(tables: dict[str, KillTable]) -> None:
    written = json.loads(json.dumps(asdict(tables["decay"]), default=str))
    assert len(written["trials"]) == len(tables["decay"].trials)


def test_no_file_of_the_project_is_changed_or_added(project: Path, tables: dict[str, KillTable]) -> None:
    assert tables
    assert (project / "src" / "rules.py").read_text() == RULES.lstrip("\n")
    found = {path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()}
    assert found == {"src/rules.py", "tests/test_rules.py", "pyproject.toml"}
