"""The project's own pytest settings hold, wherever they stand: what is a test, and how it ends."""

import pytest

from bloomery.optimize.validating.deciding import is_judge, patterns_of
from bloomery.optimize.validating.options import options
from bloomery.optimize.validating.testing import targets_of, try_tests

WORDS = {
    "testpaths": "checks",
    "python_files": "check_*.py",
    "python_functions": "check_*",
    "pythonpath": "lib",
    "addopts": "--strict-markers -x -m 'not late'",
    "markers": "late: takes long",
    "filterwarnings": "error",
    "xfail_strict": "true",
}
CHECKS = """\
import pytest
import shelf


def check_price():
    with pytest.raises(DeprecationWarning):
        shelf.price(1)


@pytest.mark.late
def check_late():
    raise SystemError


@pytest.mark.xfail
def check_known():
    assert shelf.weight(1) == 2


def check_after_a_failure():
    assert shelf.weight(1) == 2


def test_no_check():
    raise SystemError
"""
SHELF = """\
import warnings


def price(x):
    warnings.warn("old", DeprecationWarning, stacklevel=2)


def weight(x):
    return x * 2
"""


def ini(section: str) -> str:
    return f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in WORDS.items())


def toml(table: str) -> str:
    return f"[{table}]\n" + "".join(f'{key} = "{value}"\n' for key, value in WORDS.items())


SAID = {
    "pyproject.toml": toml("tool.pytest.ini_options"),
    "setup.cfg": ini("tool:pytest"),
    "tox.ini": ini("pytest"),
    "pytest.ini": ini("pytest"),
}


@pytest.fixture
def project(tmp_path):
    for path, text in {"lib/shelf.py": SHELF, "checks/check_shelf.py": CHECKS}.items():
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    "name", [one if one == "pyproject.toml" else pytest.param(one, marks=pytest.mark.slow) for one in SAID]
)
def test_tests_are_those_of_the_projects_settings_and_end_as_these_say(project, name) -> None:
    (project / name).write_text(SAID[name])
    targets = targets_of(project, ())
    tried = try_tests(project, targets)
    assert (targets, tried.trouble) == (("checks",), "")
    names = {node.partition("::")[2]: status for node, status in tried.statuses().items()}
    assert names == {"check_price": "passed", "check_known": "failed", "check_after_a_failure": "passed"}


@pytest.mark.parametrize("name", SAID)
def test_what_the_settings_call_a_test_decides_and_so_do_they(project, name) -> None:
    (project / name).write_text(SAID[name])
    assert patterns_of(project) == ("check_*.py",)
    decides = {
        one: is_judge(one, (), patterns_of(project))
        for one in ("checks/check_shelf.py", name, "lib/shelf.py")
    }
    assert decides == {"checks/check_shelf.py": True, name: True, "lib/shelf.py": False}


def test_the_settings_nearest_to_the_tests_hold(project) -> None:
    (project / "pyproject.toml").write_text(SAID["pyproject.toml"])
    (project / "checks/pytest.ini").write_text("[pytest]\npython_functions = inspect\n")
    words, functions = options(project, ["checks/check_shelf.py::check_price"])
    assert (words[words.index("-c") + 1], functions) == (str(project / "checks/pytest.ini"), ["inspect"])
    assert options(project, ["lib", "checks"])[1] == ["check_*"]


def test_a_name_for_every_file_makes_no_judge_of_the_sources(project) -> None:
    (project / "pytest.ini").write_text("[pytest]\npython_files = *.py\n")
    assert patterns_of(project) == ()
