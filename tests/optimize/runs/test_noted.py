"""What a run finds wrong in the code as it is comes to the statistics, once however often it is run."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from bloomery.optimize.methods import Bench, Judged
from bloomery.optimize.noting import WEAKNESS
from bloomery.optimize.optimizing import optimize
from bloomery.optimize.statistics import statistics
from tests.optimize.runs.shops import OTHER, SLOW, Saying, decide

UNSAFE = "\n\ndef setting(text):\n    return eval(text)\n"


@dataclass
class Finding:
    """Finds one weakness, and asks for proposals."""

    name: str = "finding"

    def improve(self, bench: Bench) -> Iterator[Judged]:
        bench.note(WEAKNESS, bench.task.paths[0], of="leak", function="paid")
        yield from (Judged(one, bench.validate(one)) for one in bench.propose())


def figure(shop, name):
    return {one.name: one.value for one in statistics(shop.workspace)}[name]


def run(shop, goal):
    proposers = (Saying("teller", ()),)
    task = shop.task(goal, proposers=("teller",))
    return optimize(shop.workspace, task, method=Finding(), proposers=proposers, validate=decide)


@pytest.mark.usefixtures("quick")
def test_weaknesses_and_findings_count_once_and_where_nobody_looked_nothing_is_said(shop):
    shop.write("src/shop/orders.py", SLOW + OTHER + UNSAFE)
    shop.commit()
    run(shop, "speed")
    assert figure(shop, "security findings") is None
    for _ in range(2):
        run(shop, "security")
        assert figure(shop, "security findings") == 1
        assert figure(shop, "weaknesses that faults showed") == 1
    shop.write("src/shop/orders.py", SLOW + OTHER + UNSAFE + UNSAFE.replace("text", "more"))
    shop.commit()
    run(shop, "security")
    assert figure(shop, "security findings") == 2
