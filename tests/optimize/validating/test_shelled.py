"""Which of bandit's mild objections a change that took a shell away is not to blame for."""

import pytest

from bloomery.optimize.validating.checks.shelled import left_of_shells
from bloomery.optimize.validating.objecting import Objection

SHELL = "import subprocess\n\n\ndef listed(path):\n    subprocess.run('ls ' + path, shell=True)\n"


@pytest.mark.parametrize(
    ("new", "excused"),
    [
        ("subprocess.run(['ls', str(path)])", True),
        ("subprocess.run(['/usr/bin/ls', path])", True),
        ("subprocess.run(['python3.11', '-c', path])", False),
        ("subprocess.run(['/bin/sh', '-c', path])", False),
        ("subprocess.run(path)", False),
        ("max(['ls']) and subprocess.run(path)", False),
        ("subprocess.run(['ls']) and subprocess.run(path)", False),
    ],
)
def test_a_program_by_name_in_the_shells_place_is_no_new_finding(tmp_path, new, excused):
    trees = tmp_path / "before", tmp_path / "after"
    for tree in trees:
        tree.mkdir()
    (trees[0] / "a.py").write_text(SHELL)
    (trees[1] / "a.py").write_text(SHELL.replace("subprocess.run('ls ' + path, shell=True)", new))
    was = Objection(path="a.py", line=5, code="B602", what="shell", severity="high")
    now = Objection(path="a.py", line=5, code="B603", what="process", severity="low")
    assert bool(left_of_shells(trees, [was], [now])) is excused
