"""bloomery testgen, test and coverage."""

import json
from pathlib import Path

import pytest

RULES = """def sign(n: int) -> int:
    if n < 0:
        return -1
    return 1


def other():
    return 2
"""
TEST = "from rules import sign\n\n\ndef test_sign():\n    assert sign(-3) == -1\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project")
    for name, text in {
        "src/rules.py": RULES,
        "tests/test_sign.py": TEST,
        "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["src"]\n',
    }.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.slow
def test_tests_are_shown_and_written_only_when_asked_for(bloomery, project, tmp_path):
    output = tmp_path / "test_made.py"
    said = bloomery(
        "testgen",
        project / "src" / "rules.py",
        "--root",
        project,
        "--effort",
        "quick",
        "-o",
        output,
        "--json",
    )
    made = json.loads(said.out)
    assert said.code == 0
    assert made["generated"]["killed"] == made["generated"]["mutants"]
    assert made["written"] == str(output)
    assert output.read_text() == made["generated"]["text"]
    assert sorted(path.name for path in (project / "tests").iterdir()) == ["test_sign.py"]
    again = bloomery("testgen", "src/rules.py", "--root", project, "--effort", "quick", "-o", output)
    assert again.code == 2
    assert "exists; name another file" in again.err


def test_the_mistakes_of_testgen_are_said(bloomery, project, tmp_path):
    assert "is not inside of" in bloomery("testgen", tmp_path, "--root", project).err
    (tmp_path / "none.py").write_text("X = 1\n")
    said = bloomery("testgen", "none.py", "--root", tmp_path)
    assert (said.code, "nothing to test" in said.err) == (2, True)


@pytest.mark.slow
def test_gaps_and_the_page_come_from_one_run_of_the_tests(bloomery, project, tmp_path):
    said = bloomery("coverage", "gaps", "--root", project, "--json")
    found = json.loads(said.out)
    assert [(one["function"], one["missed"]) for one in found] == [("other", [8]), ("sign", [4])]
    page = tmp_path / "page.html"
    report = bloomery("coverage", "report", "src/rules.py", "--root", project, "-o", page)
    assert report.out.strip() == f"{page}: 1 files, 2 lines run by tests, 2 functions with gaps"
    assert "tests/test_sign.py::test_sign" in page.read_text()


def test_gaps_of_a_report_that_coverage_wrote_need_no_run(bloomery, project, tmp_path):
    report = tmp_path / "coverage.json"
    report.write_text(json.dumps({"files": {"src/rules.py": {"executed_lines": [2, 3, 8]}}}))
    said = bloomery("coverage", "gaps", "--root", project, "--from", report)
    assert said.out.splitlines()[1].split() == ["src/rules.py:1", "sign", "2", "67%", "1", "4"]
    assert bloomery("coverage", "gaps", "--from", tmp_path / "no.json", "--root", project).code == 2


def test_tests_run_in_three_states_and_failure_is_exit_code_1(bloomery, project):
    said = bloomery("test", "run", "--root", project)
    assert (said.code, said.out.strip()) == (0, "1 passed, 0 failed, 0 not_run")
    bad = project / "tests" / "test_bad.py"
    bad.write_text(
        "import pytest\ndef test_bad():\n    assert 1 == 2\n@pytest.mark.skip\ndef test_no():\n    pass\n"
    )
    said = bloomery("test", "run", "tests/test_bad.py", "--root", project, "--json")
    told = json.loads(said.out)
    bad.unlink()
    assert (said.code, told["state"]) == (1, "failed")
    assert [one["state"] for one in told["tests"]] == ["failed", "not_run"]


def test_discover_says_what_tests_touch(bloomery, project):
    said = bloomery("test", "discover", "--root", project)
    assert said.out.splitlines()[1].split() == [
        "tests/test_sign.py::test_sign",
        "passed",
        "src/rules.py:",
        "sign",
    ]


def test_changed_needs_a_repository(bloomery, project):
    said = bloomery("test", "run", "--changed", "--root", project)
    assert (said.code, "git cannot say" in said.err) == (2, True)


@pytest.mark.slow
def test_weak_tests_are_changed_only_when_asked_for(bloomery, project):
    weak = project / "tests" / "test_weak.py"
    weak.write_text("from rules import sign\n\n\ndef test_weak():\n    assert sign(3)\n")
    words = ["testgen", "src/rules.py", "--root", project, "--improve"]
    said = bloomery(*words, "-t", "tests/test_weak.py")
    assert "it says only that it is true" in said.out
    assert "  + assert sign(3) == 1" in said.out
    assert "assert sign(3)\n" in weak.read_text()
    said = bloomery(*words, "-t", "tests/test_weak.py", "--apply", "--json")
    text = weak.read_text()
    weak.unlink()
    assert json.loads(said.out)["applied"] is True
    assert text.endswith("    assert sign(3) == 1\n")
    assert "name them by --tests" in bloomery(*words).err
