"""Changed lines that no test runs, from what coverage.py itself recorded."""

import json
import os

import coverage
import pytest

from bloomery.core.errors import FormatRefused, MissingFile
from bloomery.core.evidence import State

BEFORE = "def price(n):\n    return n * 3\n"
AFTER = """RATE = 3


def price(n):
    if n > 10:
        n = n - 1
        n = n - 1
    if n < 0:
        raise ValueError(n)  # pragma: no cover
    return n * RATE
"""


def recorded(site, *, in_test):
    """coverage.py's own data of importing the module and, in a context or not, of calling it with 2."""
    site.commit({"shop.py": BEFORE})
    site.write({"shop.py": AFTER})
    path = site.root / "shop.py"
    data = coverage.CoverageData(basename=str(site.root / ".coverage"))
    space = {1, 4}
    data.add_lines({str(path): space})
    data.set_context("test_shop.py::test_it|run" if in_test else "")
    data.add_lines({str(path): {5, 8, 10}})
    data.write()
    data.close()
    return path


@pytest.mark.parametrize("in_test", [True, False])
def test_only_changed_lines_that_nothing_ran_are_told_as_one_place(site, in_test):
    recorded(site, in_test=in_test)
    found = site.review("", "untested lines").findings
    assert [(one.line, one.what) for one in found] == [(6, "no test runs lines 6-7")]


def test_a_line_that_ran_only_outside_of_tests_is_run_by_none(site):
    path = recorded(site, in_test=True)
    data = coverage.CoverageData(basename=str(site.root / ".coverage"))
    data.read()
    data.set_context("")
    data.add_lines({str(path): {6, 7}})
    data.write()
    data.close()
    assert len(site.review("", "untested lines").findings) == 1


def test_a_coverage_file_that_is_older_than_the_text_tells_nothing(site):
    path = recorded(site, in_test=True)
    later = path.stat().st_mtime + 100
    os.utime(path, (later, later))
    looked = {one.check: one for one in site.review("", "untested lines").looked}["untested lines"]
    assert looked.state is State.NOT_RUN
    assert "older" in looked.not_run


def test_a_coverage_file_of_another_checkout_tells_nothing(site, tmp_path):
    recorded(site, in_test=True)
    (site.root / ".coverage").unlink()
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"files": {str(tmp_path / "shop.py"): {"executed_lines": [1]}}}))
    looked = {one.check: one for one in site.review("", "untested lines", coverage=report).looked}
    assert "another place" in looked["untested lines"].not_run


def test_a_report_as_json_is_read_too(site):
    recorded(site, in_test=True)
    (site.root / ".coverage").unlink()
    report = site.root / "report.json"
    contexts = {"4": [""], "5": ["test_it"], "6": [""], "8": ["test_it"], "10": ["test_it"]}
    report.write_text(
        json.dumps({"files": {"shop.py": {"executed_lines": [1, 4, 5, 6], "contexts": contexts}}})
    )
    found = site.review("", "untested lines", coverage=report).findings
    assert [one.what for one in found] == ["no test runs lines 6-7"]


def test_what_is_no_coverage_file_is_said_to_be(site, tmp_path):
    recorded(site, in_test=True)
    for name in ("a.json", "b.coverage"):
        (tmp_path / name).write_text("nothing")
        with pytest.raises(FormatRefused, match=name):
            site.review("", "untested lines", coverage=tmp_path / name)
    with pytest.raises(MissingFile):
        site.review("", coverage=tmp_path / "none")
