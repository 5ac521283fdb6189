"""The whole way, with everything real: the sandbox, equivalence, timing, repair. Slow."""

import pytest

from bloomery.optimize.optimizing import optimize
from bloomery.optimize.targets import named
from tests.optimize.runs.shops import OTHER, SLOW, TEST

pytestmark = pytest.mark.slow
WIDE = TEST + "\n\ndef test_many():\n    assert len(paid(list(range(400)), list(range(0, 800, 2)))) == 200\n"
OPTIMAL = SLOW.replace("number in paid_ids", "number in set_of").replace(
    "    kept = []\n", "    set_of = set(paid_ids)\n    kept = []\n"
)
BROKEN = OTHER.replace("return sum(amounts)", "return sum(amounts) - 1")


def run(shop, goal, text, method="test-driven"):
    shop.write("src/shop/orders.py", text)
    shop.write("tests/test_orders.py", WIDE)
    shop.commit()
    before = shop.files
    report = optimize(shop.workspace, named([shop.root / "src"], goal).task, method=method)
    assert shop.files == before
    return report


@pytest.mark.parametrize("method", ["test-driven", "adversarial", "actor-critic"])
def test_each_method_finds_what_is_slow(shop, method):
    report = run(shop, "speed", SLOW + OTHER, method)
    assert [one.function for one in report.kept] == ["paid"]
    assert report.kept[0].gain > 1.05


@pytest.mark.parametrize("method", ["test-driven", "adversarial", "actor-critic"])
def test_no_method_finds_anything_where_nothing_is_slow(shop, method):
    assert not run(shop, "speed", OPTIMAL + OTHER, method).kept


def test_a_planted_bug_is_mended(shop):
    report = run(shop, "fix", SLOW + BROKEN)
    assert [one.proposer for one in report.kept] == ["repair"]
