"""What tests call is written down as expressions that build the same arguments again."""

import math
import sys
import types
from pathlib import Path

import pytest

from bloomery.source.recording import UNPICKLED, Recorded, record_calls

MODULE = """
class Point:
    def __init__(self, x, y=0):
        self.x, self.y = x, y

    def moved(self, by):
        return Point(self.x + by, self.y)

    @classmethod
    def origin(cls, far=0):
        return cls(far)


class Pixel(Point):
    pass


def total(xs, *more, start=0, **named):
    out = start
    for x in [*xs, *more, *named.values()]:
        out += x
    xs.clear()
    return out


def fall(n):
    return n if n < 1 else fall(n - 1)


def stream(n):
    for i in range(n):
        yield i


def silent(door):
    return door
"""
TESTS = """
import threading
from m import Pixel, Point, fall, silent, stream, total


def test_total():
    assert total([1, 2.5], 3, start=1, extra=True) == 8.5
    assert total([float("nan"), float("-inf")]) != 0


def test_objects():
    assert Point(1).moved(2).x == 3
    assert Point.origin(far=4).x == 4
    assert Pixel(7).x == 7


def test_others():
    assert fall(5) == 0
    assert list(stream(3)) == [0, 1, 2]
    silent(lambda: 1)
    other = threading.Thread(target=fall, args=(9,))
    other.start()
    other.join()


def test_fails():
    assert total([10]) == 11
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    folder = tmp_path_factory.mktemp("project")
    (folder / "m.py").write_text(MODULE)
    (folder / "test_m.py").write_text(TESTS)
    found = record_calls(folder, ["test_m.py"], {"m.py": ()}, time_limit_s=60)
    assert not found.trouble
    assert not (folder / "__pycache__").exists()
    return found


def given(recorded: Recorded, function: str) -> list[tuple[tuple[str, str], ...]]:
    return [one.given for one in recorded.of("m.py", function)]


def test_arguments_are_written_as_they_were_when_the_call_began(recorded: Recorded) -> None:
    """`total` empties its list."""
    wanted = (("", "[1, 2.5]"), ("", "3"), ("start", "1"), ("extra", "True"))
    assert wanted in given(recorded, "total")
    assert (("", "[10]"), ("start", "0")) in given(recorded, "total")


def test_floats_that_are_no_numbers_can_be_read_back(recorded: Recorded) -> None:
    texts = [one[0][1] for one in given(recorded, "total") if "float" in one[0][1]]
    values = eval(texts[0])
    assert math.isnan(values[0])
    assert values[1] == -math.inf


def test_objects_come_back_by_their_class_and_state(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    ((_, text), (_, by)) = given(recorded, "Point.moved")[0]
    module = types.ModuleType("m")
    exec(MODULE, module.__dict__)
    monkeypatch.setitem(sys.modules, "m", module)
    space: dict[str, object] = {}
    exec(UNPICKLED, space)
    point = eval(text, space)
    assert (type(point), vars(point), by) == (module.Point, {"x": 1, "y": 0}, "2")
    assert not recorded.of("m.py", "Point.moved")[0].plain


def test_constructors_are_calls_of_their_class_and_not_of_another_ones(recorded: Recorded) -> None:
    assert (("", "1"), ("", "0")) in given(recorded, "Point")
    assert (("", "7"), ("", "0")) not in given(recorded, "Point")
    assert given(recorded, "Point.origin") == [(("", "4"),)]


def test_only_outer_calls_are_kept_also_of_other_threads(recorded: Recorded) -> None:
    assert sorted(given(recorded, "fall")) == [(("", "5"),), (("", "9"),)]
    assert recorded.counts["m.py", "fall"] == 2


def test_a_generator_is_called_once(recorded: Recorded) -> None:
    assert given(recorded, "stream") == [(("", "3"),)]
    assert recorded.counts["m.py", "stream"] == 1


def test_what_cannot_be_written_is_counted(recorded: Recorded) -> None:
    assert not given(recorded, "silent")
    assert recorded.lost["m.py", "silent"] == 1
    assert recorded.counts["m.py", "silent"] == 1


def test_each_call_names_its_test(recorded: Recorded) -> None:
    assert recorded.of("m.py", "stream")[0].test == "test_m.py::test_others"


def test_of_many_calls_the_first_and_the_largest_are_kept(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("def f(xs):\n    return len(xs)\n")
    body = "from m import f\n\n\ndef test_f():\n    assert sum(f([0] * n) for n in range(50)) == 1225\n"
    (tmp_path / "test_m.py").write_text(body)
    found = record_calls(tmp_path, ["test_m.py"], {"m.py": ["f"]}, most=8, time_limit_s=60)
    lengths = sorted(len(eval(one.given[0][1])) for one in found.of("m.py", "f"))
    assert lengths == [0, 1, 2, 3, 46, 47, 48, 49]
    assert found.counts["m.py", "f"] == 50
