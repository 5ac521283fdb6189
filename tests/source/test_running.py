"""Every way in which a test can end is told apart, and none is taken for a pass."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from bloomery.core.errors import MissingFile
from bloomery.core.evidence import State
from bloomery.source.outcomes import Results
from bloomery.source.running import run_tests

MIXED = """
    import warnings
    from pathlib import Path

    import pytest


    @pytest.mark.equation("titans", 13)
    def test_passes():
        assert True

    def test_fails():
        assert 1 + 1 == 3, "arithmetic"

    def test_crashes():
        [][0]

    def test_did_not_raise():
        with pytest.raises(ValueError):
            pass

    @pytest.fixture
    def broken():
        raise OSError("no disk")

    def test_set_up(broken):
        pass

    @pytest.fixture
    def breaks_after():
        yield
        raise OSError("no disk")

    def test_tear_down(breaks_after):
        pass

    @pytest.mark.skip(reason="needs a GPU")
    def test_skipped():
        pass

    @pytest.mark.xfail(reason="known")
    def test_expected():
        assert False

    @pytest.mark.xfail(reason="thought so")
    def test_unexpected():
        pass

    @pytest.mark.xfail(strict=True)
    def test_strictly_unexpected():
        pass

    @pytest.mark.parametrize("n", [1, 2, pytest.param(3, marks=pytest.mark.skip(reason="slow"))])
    def test_cases(n):
        assert n < 5
"""
FILES = {
    "tests/test_mixed.py": MIXED,
    "tests/test_skips.py": "import pytest\n\n@pytest.mark.skip(reason='all of it')\ndef test_a(): pass\n",
    "tests/test_module_skip.py": "import pytest\npytest.importorskip('no_such_module')\ndef test_a(): pass\n",
    "tests/test_import.py": "x = 1\nimport no_such_module\ndef test_a(): pass\n",
    "tests/test_syntax.py": "def test_a():\n    x = (\n",
    "tests/test_raises.py": "def f():\n    raise ValueError('planted')\n\nf()\ndef test_a(): pass\n",
    "tests/test_empty.py": "def helper(): pass\n",
}
GONE = ("tests/test_nowhere.py", "tests/test_mixed.py::test_absent")


@pytest.fixture(scope="module")
def project(write_project) -> Path:
    return write_project(FILES)


@pytest.fixture(scope="module")
def results(project: Path) -> Results:
    return run_tests(project, [*FILES, *GONE])


EXPECTED = {
    "test_passes": ("passed", ""),
    "test_fails": ("failed", "arithmetic"),
    "test_crashes": ("failed", "IndexError"),
    "test_did_not_raise": ("failed", "DID NOT RAISE"),
    "test_set_up": ("error", "no disk"),
    "test_tear_down": ("error", "no disk"),
    "test_skipped": ("skipped", "needs a GPU"),
    "test_expected": ("xfailed", "known"),
    "test_unexpected": ("xpassed", "thought so"),
    "test_strictly_unexpected": ("failed", "XPASS(strict)"),
    "test_cases[1]": ("passed", ""),
    "test_cases[2]": ("passed", ""),
    "test_cases[3]": ("skipped", "slow"),
    "test_absent": ("not collected", "tests/test_mixed.py holds no such test"),
}


def test_each_outcome_has_its_name_and_reason(results: Results) -> None:
    found = {one.node.partition("::")[2]: one for one in results.of("tests/test_mixed.py")}
    assert {name: one.status for name, one in found.items()} == {n: s for n, (s, _) in EXPECTED.items()}
    assert [name for name, one in found.items() if EXPECTED[name][1] not in one.reason] == []


def test_a_failed_check_is_told_from_a_crash(results: Results) -> None:
    found = {one.node.partition("::")[2]: (one.raised, one.checked) for one in results.outcomes}
    assert found["test_fails"] == ("AssertionError", True)
    assert found["test_did_not_raise"] == ("Failed", True)
    assert found["test_crashes"] == ("IndexError", False)


def test_collection_errors_are_named_with_their_line(results: Results) -> None:
    found = {error.path: (error.line, error.message) for error in results.errors}
    assert {path: line for path, (line, _) in found.items()} == {
        "tests/test_import.py": 2,
        "tests/test_syntax.py": 2,
        "tests/test_raises.py": 2,
    }
    assert "No module named 'no_such_module'" in found["tests/test_import.py"][1]
    assert "never closed" in found["tests/test_syntax.py"][1]
    assert "planted" in found["tests/test_raises.py"][1]


@pytest.mark.parametrize(
    ("target", "state"),
    [
        ("tests/test_mixed.py::test_passes", State.PASSED),
        ("tests/test_mixed.py::test_cases", State.PASSED),
        ("tests/test_mixed.py::test_cases[3]", State.NOT_RUN),
        ("tests/test_mixed.py::test_expected", State.FAILED),
        ("tests/test_mixed.py::test_unexpected", State.FAILED),
        ("tests/test_mixed.py", State.FAILED),
        ("tests/test_skips.py", State.NOT_RUN),
        ("tests/test_module_skip.py", State.NOT_RUN),
        ("tests/test_import.py", State.NOT_RUN),
        ("tests/test_empty.py", State.NOT_RUN),
        ("tests/test_nowhere.py", State.NOT_RUN),
        ("tests/test_mixed.py::test_absent", State.NOT_RUN),
        ("tests/test_never_asked_for.py", State.NOT_RUN),
    ],
)
def test_only_what_ran_and_passed_is_a_pass(results: Results, target: str, state: State) -> None:
    assert results.state(target) is state


def test_what_was_not_collected_says_why(results: Results) -> None:
    found = {one.node: one.reason for one in results.outcomes if one.status == "not collected"}
    assert found["tests/test_nowhere.py"] == "there is no file tests/test_nowhere.py"
    assert found["tests/test_empty.py"] == "tests/test_empty.py holds no test"
    assert found["tests/test_import.py"].startswith("tests/test_import.py:2: ")
    (skipped,) = results.of("tests/test_module_skip.py")
    assert "no_such_module" in skipped.reason


def test_markers_come_with_the_outcomes(results: Results) -> None:
    (one,) = results.of("tests/test_mixed.py::test_passes")
    assert one.equations == (("titans", "13"),)


def test_results_can_be_written_as_json(results: Results) -> None:
    written = json.loads(json.dumps(asdict(results)))
    assert [one["node"] for one in written["outcomes"]] == [one.node for one in results.outcomes]


def test_nothing_is_written_into_the_project(project: Path, results: Results) -> None:
    assert results.outcomes
    found = {path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()}
    assert found == {*FILES, "pyproject.toml"}


def test_a_process_that_dies_leaves_what_ran_before_and_says_which_test_it_was(write_project) -> None:
    text = """
        import os
        def test_before(): assert 2 > 1
        def test_dies(): os.kill(os.getpid(), 11)
        def test_after(): assert 2 > 1
    """
    results = run_tests(write_project({"test_it.py": text}), ["test_it.py"])
    found = {one.node.partition("::")[2]: (one.status, one.reason) for one in results.outcomes}
    assert found["test_before"] == ("passed", "")
    assert found["test_dies"][0] == found["test_after"][0] == "not run"
    assert "signal SIGSEGV" in found["test_dies"][1]
    assert "while it ran" in found["test_dies"][1]
    assert "before it" in found["test_after"][1]


def test_an_endless_test_ends_at_the_limit(write_project) -> None:
    text = "def test_quick(): assert 2 > 1\ndef test_endless():\n    while True: pass\n"
    results = run_tests(write_project({"test_it.py": text}), ["test_it.py"], time_limit_s=8)
    assert [one.status for one in results.outcomes] == ["passed", "not run"]
    assert "time limit of 8 s" in results.ended


def test_a_conftest_that_does_not_import_is_a_collection_error(write_project) -> None:
    files = {"test_it.py": "def test_a(): assert 2 > 1\n", "conftest.py": "x = 1\nimport no_such_module\n"}
    results = run_tests(write_project(files), ["test_it.py"])
    assert [(error.path, error.line) for error in results.errors] == [("conftest.py", 2)]
    assert "No module named 'no_such_module'" in results.errors[0].message
    assert [one.status for one in results.outcomes] == ["not collected"]


def test_a_missing_project_is_a_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match="nowhere"):
        run_tests(tmp_path / "nowhere", ["test_it.py"])


def test_what_uses_up_its_processor_time_fails_though_it_catches_errors_and_the_others_run(
    write_project,
) -> None:
    endless = """
        def test_ends():
            assert True

        def test_never_ends():
            while True:
                try:
                    sum(range(100))
                except Exception:
                    pass

        def test_comes_after():
            assert True
    """
    project = write_project({"tests/test_endless.py": endless})
    found = run_tests(project, ["tests"], job={"test_s": 0.3}, time_limit_s=60)
    assert [one.status for one in found.outcomes] == ["passed", "failed", "passed"]
    assert [one.took_too_long for one in found.outcomes] == [False, True, False]
    assert "did not end within 0.3 s of processor time" in found.outcomes[1].reason
    left = run_tests(project, ["tests"], job={"without": [found.outcomes[1].node]}, time_limit_s=60)
    assert [one.status for one in left.outcomes] == ["passed", "passed"]
