"""What is timed is what tests call where that takes long enough, else inputs that grow until it does."""

from pathlib import Path
from random import Random

import pytest

from bloomery.optimize.equivalence.kinds import Classes, Kind
from bloomery.optimize.equivalence.mining import Mined
from bloomery.optimize.equivalence.values import Values
from bloomery.optimize.timing import Workload, spread, workloads
from bloomery.optimize.timing.sizes import sized
from bloomery.source.recording import Recorded, RecordedCall

PAIRS = """
def pairs(xs: list[int]) -> int:
    found = 0
    for x in xs:
        for y in xs:
            found += x + y == 7
    return found
"""


def found(folder: Path, text: str, recorded: Recorded | None = None, **tests: str) -> tuple[Workload, ...]:
    (folder / "m.py").write_text(text)
    for name, body in tests.items():
        (folder / f"{name}.py").write_text(body)
    paths = [folder / f"{name}.py" for name in tests]
    changed = text.replace("return", "return +", 1)
    return workloads(folder, "m.py", {"m.py": changed}, tests=paths, recorded=recorded or Recorded())


def call(text: str) -> Recorded:
    return Recorded({"m.py": (RecordedCall("pairs", (("", text),), "test_m.py::test", 1.0),)})


def test_inputs_grow_until_an_execution_takes_long_enough(tmp_path: Path) -> None:
    """A pair takes some 30 ns and 2 ms are wanted: hundreds of items, not thousands."""
    first = found(tmp_path, PAIRS)[0]
    assert first.source.startswith("generated, size")
    assert 50 < len(eval(first.calls[0].given[0][1])) < 1500


def test_what_tests_call_comes_first_where_it_is_long_enough(tmp_path: Path) -> None:
    long = found(tmp_path, PAIRS, call("[3, 4] * 150"))[0]
    assert (long.source, long.calls[0].given) == ("recorded from tests", (("", "[3, 4] * 150"),))
    assert found(tmp_path, PAIRS, call("[3, 4]"))[0].source.startswith("generated, size")


def test_inputs_of_unknown_form_are_repeated_and_calls_that_raise_are_not_timed(tmp_path: Path) -> None:
    text = (
        "def parse(text):\n    if set(text) != {'(', ')'}:\n        raise ValueError(text)\n"
        "    depth = 0\n    for c in text:\n        depth += 1 if c == '(' else -1\n    return depth\n"
    )
    test = "from m import parse\n\n\ndef test_it():\n    assert parse('(())') == 0\n    parse('x')\n"
    first = found(tmp_path, text, test_m=test)[0]
    assert first.source.startswith("its arguments")
    mined = [one for one in found(tmp_path, text, test_m=test) if "written" in one.source]
    assert [one.calls[0].given for one in mined] == [(("", "'(())'"),)]
    assert len(mined[0].calls) == 1


def test_methods_are_called_on_objects_of_their_class(tmp_path: Path) -> None:
    text = (
        "class Bag:\n    def __init__(self, items: list[int]) -> None:\n        self.items = items\n\n"
        "    def double(self) -> int:\n        return sum([self.items.count(x) for x in self.items])\n"
    )
    first = found(tmp_path, text)[0]
    assert first.calls[0].function == "Bag.double"
    assert first.calls[0].given[0][1].startswith("Bag([")


def test_each_function_is_timed_before_a_second_workload_of_any() -> None:
    """What is spare is timed only for a function that has nothing else."""
    some = [("f", False), ("f", False), ("g", True), ("f", True), ("g", True), ("f", False)]
    found = [Workload(name, (), str(at), spare) for at, (name, spare) in enumerate(some)]
    assert [one.source for one in spread(found, 3)] == ["0", "2", "1"]
    assert [one.source for one in spread(found, 9)] == ["0", "2", "1", "5"]


def test_small_inputs_are_made_up_only_where_large_ones_take_no_time_and_are_spare(tmp_path: Path) -> None:
    told = {one.source: one.spare for one in found(tmp_path, PAIRS)}
    assert [spare for source, spare in told.items() if "size" in source] == [False]
    assert not [source for source in told if "small" in source]
    text = "def last(xs: list[int]) -> int:\n    return xs[-1]\n"
    told = {one.source: one.spare for one in found(tmp_path, text)}
    assert [spare for source, spare in told.items() if "small" in source] == [True]


@pytest.mark.parametrize(
    ("kind", "length"),
    [
        (Kind("list", (Kind("int"),)), 400),
        (Kind("list", (Kind("list", (Kind("int"),)),)), 20),
        (Kind("dict", (Kind("str"), Kind("int"))), 400),
        (Kind("str"), 400),
    ],
)
def test_a_size_is_that_of_all_items_together(kind: Kind, length: int) -> None:
    value = eval(sized(kind, 400, Values(Random(0), Mined(), Classes({}, {}))))
    assert len(value) == length
    assert all(len(row) == length for row in value if isinstance(row, list))
