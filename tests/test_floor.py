"""The floor counts lines as they ran."""

from pathlib import Path

import coverage
import pytest

from scripts import floor


def test_half_of_the_lines_is_fifty_percent(tmp_path: Path) -> None:
    ran = tmp_path / "ran.py"
    ran.write_text("x = 1\nif x:\n    x = 2\nelse:\n    x = 3\n    x = 4\n    x = 5\n")
    measured = coverage.Coverage(data_file=None, include=[str(ran)], config_file=False)
    measured.get_data().add_lines({str(ran): [1, 2, 3]})
    assert floor.line_percent(floor.counted(measured)) == pytest.approx(50)


def test_nothing_measured_is_nothing_covered(tmp_path: Path) -> None:
    measured = coverage.Coverage(data_file=None, config_file=False)
    assert floor.line_percent(floor.counted(measured)) == 0
