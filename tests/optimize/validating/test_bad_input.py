"""What a user may come with: a clear answer each, and nothing lost."""

import importlib.util
import subprocess
import sys
from functools import partial

import pytest

from bloomery.core.errors import UserError
from bloomery.core.evidence import State
from bloomery.core.workspace import Workspace
from bloomery.optimize.changes import open_ledger
from bloomery.optimize.validating import site as sites
from bloomery.optimize.validating.change import change_of_diff, change_of_texts, checked_out_both
from bloomery.optimize.validating.checks.existing import everything, touched
from bloomery.optimize.validating.checks.flow import flow
from bloomery.optimize.validating.checks.linting import security
from bloomery.optimize.validating.checks.text import clean
from bloomery.optimize.validating.levels import LEVELS, required
from bloomery.optimize.validating.recording import Record
from bloomery.optimize.validating.testing import Pace

RIGHT = ("sorted(prices)[0]", "min(prices)")


def test_other_uncommitted_changes_are_no_part_of_it_are_named_and_stay(shop) -> None:
    shop.write({"src/shop/__init__.py": "VERSION = 2\n", "src/shop/loose.py": "x = 1\n", "notes.txt": "me\n"})
    before = shop.snapshot()
    with shop.site(shop.edited(*RIGHT)) as site:
        (answer,) = clean(site)
        assert (site.trees.after / "src/shop/__init__.py").read_text() == ""
    assert answer.evidence.state is State.FAILED
    assert "src/shop/__init__.py, src/shop/loose.py" in answer.evidence.how
    assert "commit or stash" in answer.mend
    assert shop.snapshot() == before
    assert [level for level in LEVELS if "tree" in required(level, "speed")] == ["paranoid"]


@pytest.mark.slow  # five runs of pytest
def test_tests_that_failed_before_count_neither_for_nor_against_a_change_and_are_told(shop) -> None:
    shop.commit({"tests/test_broken.py": "def test_broken():\n    assert False\n"})
    verdict = shop.validate(shop.edited("found + one", "one + found"), claim=False)
    told = shop.validate(shop.edited("found + one", "found - one"), goal="fix")
    assert verdict.sound
    assert "1 failed before the change, too (first tests/test_broken.py::test_broken)" in (
        verdict.of("tests.all").how
    )
    assert told.of("tests.touched").measured == 1


@pytest.mark.slow  # three runs of pytest
def test_a_test_that_two_runs_disagree_about_is_called_flaky_and_does_not_count(shop) -> None:
    flaky = (
        "import sys\nfrom shop.prices import total\n\n\n"
        "def test_flaky():\n    assert total([1]) and 'coverage' in sys.modules\n"
    )
    shop.commit({"tests/test_flaky.py": flaky})
    verdict = shop.validate(shop.edited("found + one", "one + found"))
    assert verdict.sound
    assert "1 are flaky and do not count: tests/test_flaky.py::test_flaky" in verdict.of("tests.all").how


@pytest.mark.parametrize("path", ["../outside.py", "/etc/outside.py", ".git/hooks/post-commit"])
def test_a_path_outside_of_the_repository_is_refused(shop, path) -> None:
    with pytest.raises(UserError, match=r"not a path inside|belongs to git"):
        shop.validate({path: "x = 1\n"})


def test_a_binary_file_is_refused(shop) -> None:
    with pytest.raises(UserError, match="binary"):
        shop.validate({"src/shop/prices.py": "x = '\0'\n"})
    diff = "diff --git a/p.png b/p.png\nnew file mode 100644\nindex 0000000..1111111\nGIT binary patch\n"
    with pytest.raises(UserError):
        change_of_diff(shop.root, diff + "literal 1\nIcmZPo\n\nliteral 0\nHcmV?d00001\n\n")


def test_a_diff_that_does_not_fit_says_where(shop) -> None:
    diff = "--- a/src/shop/prices.py\n+++ b/src/shop/prices.py\n@@ -1,1 +1,1 @@\n-def other():\n+def new():\n"
    with pytest.raises(UserError, match=r"does not apply to its base: patch failed: src/shop/prices.py:1"):
        change_of_diff(shop.root, diff)


@pytest.mark.slow  # three runs of pytest
def test_a_module_with_side_effects_at_import_harms_a_copy_alone(shop, tmp_path) -> None:
    (tmp_path / "home").mkdir()
    shop.commit(
        shop.edited(
            "def total",
            "import os\nimport shutil\n\nshutil.rmtree('tests', ignore_errors=True)\n"
            f"os.system('touch {tmp_path}/home/owned {shop.root}/owned')\n\n\ndef total",
        )
    )
    before = shop.snapshot()
    verdict = shop.validate(shop.edited("found + one", "one + found"))
    assert shop.snapshot() == before
    assert not list((tmp_path / "home").iterdir())
    assert "all, since importing the tests" in verdict.of("tests.touched").how


def test_a_module_that_ends_the_process_at_import_is_no_pass(shop) -> None:
    verdict = shop.validate(shop.edited("def total", "import os\n\nos._exit(0)\n\n\ndef total"))
    assert verdict.of("tests.touched").state is State.FAILED
    assert "pytest ended with 0 before its tests did" in verdict.suggestions["tests.touched"]


def test_a_test_that_no_longer_ends_fails_for_that_reason(shop, monkeypatch) -> None:
    pace = property(lambda self: Pace(limits_s=dict.fromkeys(self.units, 1.5)))
    monkeypatch.setattr(Record, "pace", pace)
    verdict = shop.validate(shop.edited("found = found + one", "while True:\n            pass"))
    assert verdict.of("tests.touched").state is State.FAILED
    assert "did not end within the time limit" in verdict.suggestions["tests.touched"]


@pytest.mark.slow  # waits for it, three times
def test_a_test_that_hangs_before_any_change_is_told_and_the_others_are_judged(shop, monkeypatch) -> None:
    monkeypatch.setattr(sites, "Pace", partial(Pace, limit_s=1.5))
    shop.commit({"tests/test_hang.py": "import time\n\n\ndef test_hang():\n    time.sleep(600)\n"})
    verdict = shop.validate(shop.edited("found + one", "one + found"))
    assert verdict.sound
    assert "(first tests/test_hang.py::test_hang)" in verdict.of("tests.all").how


@pytest.mark.slow  # waits for it, twice
def test_an_import_that_hangs_is_ended_and_says_where(shop, monkeypatch) -> None:
    monkeypatch.setattr(sites, "Pace", partial(Pace, import_s=2.0))
    shop.commit(shop.edited("def total", "import time\n\ntime.sleep(600)\n\n\ndef total"))
    verdict = shop.validate(shop.edited("found + one", "one + found"))
    assert verdict.of("tests.touched").state is State.NOT_RUN
    assert "could not be run before the change: pytest ended with 1 before its tests did" in (
        verdict.of("tests.touched").reason
    )


def test_a_missing_tool_is_not_run_and_fails_where_it_is_required(shop, monkeypatch) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "bandit" else there(name))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    with shop.site(shop.edited(*RIGHT)) as site:
        (by_bandit,), (by_codeql,) = security(site), flow(site)
    assert by_bandit.evidence.state is by_codeql.evidence.state is State.NOT_RUN
    assert by_bandit.evidence.reason == "bandit is not installed: install bloomery[optimize]"
    assert (by_bandit.evidence.required, by_codeql.evidence.required) == (True, False)
    assert by_bandit.lacks
    assert by_codeql.lacks


def test_without_coverage_the_tests_are_not_run_and_that_is_said(shop, monkeypatch) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "coverage" else there(name))
    shop.commit({"src/shop/more.py": "MORE = 1\n"})  # nothing is known of this tree
    verdict = shop.validate(shop.edited("found + one", "one + found"))
    assert not verdict.sound
    assert verdict.of("tests.touched").reason == "existing tests need coverage: install bloomery[optimize]"
    assert verdict.lacking == {"tests.touched"}


@pytest.mark.slow  # four runs of pytest
def test_where_pytest_cannot_start_nobody_is_told_to_write_a_test(shop) -> None:
    conftest = {"tests/conftest.py": "import shop.prices\n"}
    shop.commit(conftest)
    broken = shop.validate(shop.edited("def total", "raise ImportError('no till')\n\n\ndef total"))
    assert broken.of("tests.touched").state is State.FAILED
    assert "no till" in broken.suggestions["tests.touched"]
    shop.commit({"tests/conftest.py": "raise RuntimeError('no key')\n"})
    before = shop.validate(shop.edited("found + one", "one + found"))
    assert before.of("tests.touched").state is State.NOT_RUN
    assert "no key" in before.of("tests.touched").reason
    assert before.suggestions["tests.touched"].startswith("let pytest start and end by itself")
    assert not before.lacking


@pytest.mark.slow  # two runs of pytest, and four pairs of worktrees
def test_without_any_test_the_tests_are_required_from_level_strict_on(shop) -> None:
    for name in ("test_total.py", "test_cheapest.py"):
        (shop.root / "tests" / name).unlink()
    shop.commit({"tests/notes.txt": "none yet\n"})
    found = {}
    for level in LEVELS:
        with shop.site(shop.edited(*RIGHT), level=level) as site:
            found[level] = [*touched(site), *everything(site)]
    assert {answer.evidence.state for answers in found.values() for answer in answers} == {State.NOT_RUN}
    assert "there is no test in tests" in found["basic"][1].evidence.reason
    required = {level: {answer.evidence.required for answer in answers} for level, answers in found.items()}
    assert required == {"basic": {False}, "standard": {False}, "strict": {True}, "paranoid": {True}}


def test_a_file_as_it_was_committed_is_no_change(shop) -> None:
    path = "src/shop/prices.py"
    change = change_of_texts(shop.root, {path: (shop.root / path).read_text()})
    assert change.nothing
    assert change.paths == (path,)


def test_code_that_makes_every_test_pass_shows_by_one_that_must_fail(shop) -> None:
    evil = (
        "import _pytest.python\n\n_pytest.python.Function.runtest = lambda self: None\n\n\n"
        "def total(prices: list[int]) -> int:\n    return -1\n\n\ndef old"
    )
    verdict = shop.validate(shop.edited("def total", evil))
    assert verdict.of("tests.touched").state is State.FAILED
    assert "a test that must fail did not fail beside it" in verdict.suggestions["tests.touched"]


def test_a_project_in_a_folder_of_a_repository_is_validated_from_there(shop) -> None:
    shop.commit({"apps/shop/src/prices.py": "def one():\n    return 1\n"})
    root = shop.root / "apps/shop"
    diff = "--- a/apps/shop/src/prices.py\n+++ b/apps/shop/src/prices.py\n@@ -1,2 +1,2 @@\n def one():\n"
    by_texts = change_of_texts(root, {"src/prices.py": "def one():\n    return 2\n"})
    by_diff = change_of_diff(root, diff + "-    return 1\n+    return 2\n")
    assert by_texts == by_diff
    assert by_texts.paths == ("src/prices.py",)
    with checked_out_both(by_texts) as trees:
        assert "return 2" in (trees.after / "src/prices.py").read_text()
    with pytest.raises(UserError, match=r"tests/test_total.py lies outside of"):
        change_of_diff(
            root,
            "--- a/tests/test_total.py\n+++ /dev/null\n@@ -1,5 +0,0 @@\n"
            + "".join(f"-{line}\n" for line in (shop.root / "tests/test_total.py").read_text().splitlines()),
        )


def test_what_a_killed_validation_leaves_is_gone_at_the_next_start(shop, tmp_path) -> None:
    before = shop.snapshot()
    script = (
        "import sys, time\nfrom pathlib import Path\n"
        "from bloomery.optimize.validating.change import change_of_texts, checked_out_both\n"
        "with checked_out_both(change_of_texts(Path(sys.argv[1]), {'new.py': 'x = 1'})):\n"
        "    print('there', flush=True)\n    time.sleep(600)\n"
    )
    words = [sys.executable, "-c", script, str(shop.root)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        process.kill()
    assert shop.git("worktree", "list").count("\n") == 3
    open_ledger(Workspace.open(tmp_path / "home"), shop.root)
    assert shop.snapshot() == before
