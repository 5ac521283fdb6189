"""The whole search, in the sandbox, on programs of a few lines."""

from random import Random

import pytest

from bloomery.core.errors import MissingFile
from bloomery.optimize.proposal import Target
from bloomery.optimize.proposers.repair import CannotRepair, NothingToRepair, RepairSearch, repair

PROGRAM = """# a shop
RATE = 5


def total(prices):
    # the sum of all, and a discount from ten on
    whole = 0
    for price in prices:
        whole -= price
    return whole - RATE if whole >= 10 else whole


def unused(prices):
    return len(prices)
"""
TESTS = """
import pytest
from shop import total

@pytest.mark.parametrize(("prices", "due"), [([], 0), ([1, 2], 3), ([4, 6], 5), ([20], 15)])
def test_total(prices, due):
    assert total(prices) == due
"""


def project(folder, program=PROGRAM, tests=TESTS):
    (folder / "shop.py").write_text(program)
    (folder / "test_shop.py").write_text(tests)
    return folder


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    steps = []
    root = project(tmp_path_factory.mktemp("shop"))
    return repair(root, "shop.py", ["test_shop.py"], 300, seed=1, progress=steps.append), steps, root


def test_the_one_wrong_sign_is_mended_and_nothing_else_touched(found):
    assert found[0].ranked[0].text == PROGRAM.replace("-= price", "+= price")


def test_the_file_itself_is_not_changed(found):
    assert (found[2] / "shop.py").read_text() == PROGRAM
    assert sorted(path.name for path in found[2].iterdir()) == ["shop.py", "test_shop.py"]


def test_a_repair_says_where_and_by_what(found):
    first = found[0].ranked[0]
    assert (first.operator, first.line, first.unit) == ("arithmetic", 9, "total")
    assert len(found[0].failing) == 3


def test_the_search_stays_within_its_budget_and_tells_its_progress(found):
    told = [(one.tried, one.budget) for one in found[1]]
    assert told[-1] == (found[0].tried, 300)
    assert 0 < found[0].tried <= 300


@pytest.mark.slow
def test_equal_arguments_give_equal_repairs(found):
    again = repair(found[2], "shop.py", ["test_shop.py"], 300, seed=1)
    assert again.ranked == found[0].ranked
    assert again.tried == found[0].tried


@pytest.mark.slow
def test_with_nothing_found_nothing_is_claimed(tmp_path):
    tests = TESTS.replace("([20], 15)", "([20], 15), ([20], 'another answer')")
    found = repair(project(tmp_path, tests=tests), "shop.py", ["test_shop.py"], 20)
    assert (found.ranked, found.tried) == ((), 20)


@pytest.mark.slow
def test_a_program_that_never_ends_is_mended(tmp_path):
    endless = "def halvings(n):\n    times = 0\n    while n > 1:\n        n = n * 2\n        times += 1\n"
    endless += "    return times\n"
    tests = (
        "from shop import halvings\ndef test_one():\n    assert halvings(1) == 0\n"
        "def test_more():\n    assert [halvings(n) for n in (2, 5, 9, 64)] == [1, 2, 3, 6]\n"
    )
    found = repair(project(tmp_path, endless, tests), "shop.py", ["test_shop.py"], 400)
    assert found.ranked[0].text == endless.replace("n * 2", "n // 2")


def test_tests_that_ask_for_a_temporary_folder_pass_as_they_do_elsewhere(tmp_path):
    beside = "\n\ndef test_kept(tmp_path):\n    (tmp_path / 'x').write_text('1')\n    assert total([]) == 0\n"
    found = repair(project(tmp_path, tests=TESTS + beside), "shop.py", ["test_shop.py"])
    assert not any("test_kept" in one for one in found.failing)
    assert "whole += price" in found.ranked[0].text


def test_tests_that_pass_are_said_to(tmp_path):
    right = PROGRAM.replace("-= price", "+= price")
    with pytest.raises(NothingToRepair, match="all 4 tests pass"):
        repair(project(tmp_path, right), "shop.py", ["test_shop.py"])


def test_tests_that_cannot_be_collected_are_said_to(tmp_path):
    with pytest.raises(CannotRepair, match=r"cannot be collected.*no_such_module"):
        repair(project(tmp_path, tests="import no_such_module\n" + TESTS), "shop.py", ["test_shop.py"])


def test_a_failing_test_that_does_not_reach_the_file_is_said_to(tmp_path):
    tests = "import shop\ndef test_it():\n    assert 1 == 2\n"
    with pytest.raises(CannotRepair, match="no failing test reaches"):
        repair(project(tmp_path, tests=tests), "shop.py", ["test_shop.py"])


def test_a_test_that_only_sometimes_fails_is_said_to(tmp_path):
    """Both runs must differ for it to be seen: the draw is shared through a file, so that it always does."""
    tests = """
from pathlib import Path
import shop

def test_it():
    shop.unused([])
    mark = Path("ran")
    first = not mark.exists()
    mark.write_text("once")
    assert not first
"""
    with pytest.raises(CannotRepair, match="test_it: flaky"):
        repair(project(tmp_path, tests=tests), "shop.py", ["test_shop.py"])


def test_missing_tests_are_said_to_be(tmp_path):
    with pytest.raises(MissingFile, match="no such file with tests"):
        repair(project(tmp_path), "shop.py", ["test_none.py"])


@pytest.mark.slow
def test_the_proposer_gives_the_repairs_for_its_goal_alone(tmp_path):
    target = Target(project(tmp_path), "shop.py")
    proposer = RepairSearch(["test_shop.py"], budget=300)
    assert list(proposer.propose(target, "speed", rng=Random(1))) == []
    first = next(proposer.propose(target, "fix", rng=Random(1)))
    assert first.texts == {"shop.py": PROGRAM.replace("-= price", "+= price")}
    assert (first.proposer, first.safety, first.function) == ("repair", "candidate", "total")


COUNTING = "def counted(n):\n    whole = 0\n    for _ in range(n):\n        whole -= 1\n    return whole\n"
TESTS_OF_COUNTING = (
    "import pytest\nfrom shop import counted\n\n"
    '@pytest.mark.parametrize("n", [0, 3, 30_000])\ndef test_counted(n):\n    assert counted(n) == n\n'
)


@pytest.mark.slow
def test_a_failing_test_may_take_many_more_steps_than_the_passing_ones(tmp_path):
    found = repair(project(tmp_path, COUNTING, TESTS_OF_COUNTING), "shop.py", ["test_shop.py"], 100)
    assert found.ranked[0].text == COUNTING.replace("-=", "+=")
