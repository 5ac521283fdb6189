"""Numbers that only speed depends on are proposed otherwise; what a result depends on is left alone."""

import io
from functools import lru_cache
from random import Random

import pytest

from bloomery.optimize.proposal import Target
from bloomery.optimize.proposers import proposer

COPIES = """CHUNK = 4


def copied(source, sink):
    while piece := source.read(CHUNK):
        sink.write(piece)


def counted(source):
    total = 0
    while True:
        piece = source.read(CHUNK)
        if not piece:
            break
        total += len(piece)
    return total
"""
SENDS = """def _send(rows, out, step=2):
    for at in range(0, len(rows), step):
        out.extend(rows[at : at + step])
"""
SORTS = """# below this threshold insertion is faster than merging
SHORT = 8


def sorted_of(xs):
    if len(xs) < SHORT:
        return by_insertion(xs)
    return by_merging(xs)
"""
CACHES = """from functools import lru_cache


@lru_cache(maxsize=2)
def square(n):
    return n * n
"""
PURE = """import math

SCALE = (1, 2, 3)


def weight(text: str, n: int) -> float:
    total = 0
    parts = []
    for letter in text.lower():
        total += ord(letter) * SCALE[n % 3]
        parts.append(letter)
    return math.sqrt(total + len(parts))
"""


def proposals(tmp_path, text, goal="speed", function=None, **others):
    for name, other in ({"shop": text} | others).items():
        (tmp_path / f"{name}.py").write_text(text if name == "shop" else other)
    target = Target(tmp_path, "shop.py", function)
    return list(proposer("tuning").propose(target, goal, rng=Random(0)))


def space_of(text):
    space = {}
    exec(text, space)
    return space


class Counted(io.BytesIO):
    reads = 0

    def read(self, *size):
        self.reads += 1
        return super().read(*size)


def test_larger_pieces_are_read_and_the_same_is_copied(tmp_path):
    found = proposals(tmp_path, COPIES)
    assert [one.operator for one in found] == ["buffer-size"] * 4
    reads = []
    for text in (COPIES, found[0].texts["shop.py"]):
        space, source, sink = space_of(text), Counted(bytes(range(200))), io.BytesIO()
        space["copied"](source, sink)
        assert sink.getvalue() == bytes(range(200))
        reads.append(source.reads)
        assert space["counted"](io.BytesIO(bytes(50))) == 50
    assert reads == [51, 5]  # of 4 and of 64 bytes, and one that finds the end


def test_a_default_of_a_private_helper_is_tried_at_other_values(tmp_path):
    found = proposals(tmp_path, SENDS)
    assert [one.texts["shop.py"].partition("step=")[2].partition(")")[0] for one in found] == [
        "32",
        "8",
        "128",
    ]
    for one in found:
        out = []
        space_of(one.texts["shop.py"])["_send"](list(range(7)), out)
        assert out == list(range(7))


def test_a_threshold_that_is_declared_so_is_tried_on_both_sides(tmp_path):
    found = proposals(tmp_path, SORTS)
    assert {one.operator for one in found} == {"threshold"}
    sizes = [int(one.texts["shop.py"].partition("SHORT = ")[2].split()[0]) for one in found]
    assert sizes == [32, 2, 16, 4, 128, 0]


def test_a_larger_cache_answers_what_a_small_one_forgot(tmp_path):
    found = proposals(tmp_path, CACHES)
    assert [one.operator for one in found] == ["cache-size"] * 3
    misses = []
    for text in (CACHES, found[0].texts["shop.py"]):
        square = space_of(text)["square"]
        assert [square(n) for n in (1, 2, 3, 1, 2, 3)] == [1, 4, 9, 1, 4, 9]
        misses.append(square.cache_info().misses)
    assert misses == [6, 3]


def test_a_cache_without_a_bound_gets_one_where_memory_is_the_goal(tmp_path):
    found = proposals(tmp_path, CACHES.replace("maxsize=2", "maxsize=None"), "memory")
    assert [one.texts["shop.py"].partition("maxsize=")[2].split(")")[0] for one in found] == ["1024", "128"]
    assert proposals(tmp_path, CACHES.replace("maxsize=2", "maxsize=None"), "speed") == []


def test_a_pure_function_gets_a_cache_with_a_bound(tmp_path):
    found = proposals(tmp_path, PURE)
    assert [one.operator for one in found] == ["bounded-cache"]
    assert found[0].safety == "candidate"
    weight = space_of(found[0].texts["shop.py"])["weight"]
    assert weight.cache_parameters() == {"maxsize": 1024, "typed": True}
    plain = space_of(PURE)["weight"]
    assert [weight("Abc", 1), weight("Abc", 1), weight("Abc", True)] == [plain("Abc", 1)] * 3
    assert weight.cache_info().misses == 2  # True is another key than 1


IMPURE = {
    "it reads what others change": ("SCALE[n % 3]", "len(seen)", "seen = []\n"),
    "it prints": ("parts.append(letter)", "print(letter)", ""),
    "it changes its argument": ("parts.append(letter)", "text.append(letter)", ""),
    "it calls what is not known": ("ord(letter)", "cost(letter)", "from prices import cost\n"),
    "its module's number is set again": ("(1, 2, 3)", "[1, 2, 3]", ""),
    "it asks the clock": ("len(parts)", "time.time()", "import time\n"),
    "its argument can be no key": ("text: str", "text: list[str]", ""),
    "its argument's kind is not told": ("text: str", "text", ""),
    "two zeros are one key": ("n: int", "n: float", ""),
    "its result can be changed": ("-> float", "-> list[float]", ""),
    "it is a generator": ("parts.append(letter)", "yield letter", ""),
    "it calls an argument": ("ord(letter)", "n(letter)", ""),
    "a builtin is another one": ("ord(letter)", "ord(letter)", "def ord(x):\n    return x.y\n"),
    "it draws": ("len(parts)", "random.random()", "import random\n"),
}


@pytest.mark.parametrize(("old", "new", "head"), IMPURE.values(), ids=IMPURE)
def test_what_is_not_provably_pure_gets_no_cache(tmp_path, old, new, head):
    assert proposals(tmp_path, head + PURE.replace(old, new)) == []


def test_a_function_that_does_next_to_nothing_gets_no_cache(tmp_path):
    assert proposals(tmp_path, "def twice(n: int) -> int:\n    return 2 * n\n") == []


LOOP, ONCE = "while piece := source.read(CHUNK):\n        sink", "piece = source.read(CHUNK)\n    sink"
DECIDES = "if len(xs) < SHORT:\n        return by_insertion(xs)"
GROWS = "while len(xs) < SHORT:\n        xs.append(0)"
DEPENDS = {
    "one read is no stream": COPIES.replace(LOOP, ONCE),
    "the pieces themselves are kept": COPIES.replace("sink.write(piece)", "sink.append(piece)"),
    "the number is returned": COPIES.replace("return total", "return total * CHUNK"),
    "it is set again": COPIES + "\n\nCHUNK = 8\n",
    "it is exported": COPIES + "\n\n__all__ = ['CHUNK', 'copied']\n",
    "the slices do not meet": SENDS.replace("at + step]", "at + step - 1]"),
    "each slice is a result": SENDS.replace("out.extend", "out.append"),
    "anybody may call it": SENDS.replace("_send", "send"),
    "it is not said to be a threshold": SORTS.partition("\n")[2],
    "it decides what comes out": SORTS.replace(DECIDES, GROWS),
}


@pytest.mark.parametrize("text", DEPENDS.values(), ids=DEPENDS)
def test_a_number_that_a_result_depends_on_is_left_alone(tmp_path, text):
    assert proposals(tmp_path, text) == []


def test_a_number_that_another_file_uses_is_left_alone(tmp_path):
    assert proposals(tmp_path, COPIES, other="from shop import CHUNK\n") == []


def test_only_the_function_that_is_meant_is_tuned(tmp_path):
    assert proposals(tmp_path, CACHES + "\n\n" + SENDS, function="_send")[0].function == "_send"
    assert {one.function for one in proposals(tmp_path, CACHES + "\n\n" + SENDS)} == {"square", "_send"}


def test_for_other_goals_nothing_is_proposed(tmp_path):
    for goal in ("fix", "robustness", "security", "coverage"):
        assert proposals(tmp_path, COPIES + CACHES + PURE, goal) == []


def test_a_decorator_of_the_library_is_what_is_put_there(tmp_path):
    text = proposals(tmp_path, PURE)[0].texts["shop.py"]
    assert text.count("from functools import lru_cache\n") == 1
    assert (
        text.replace("from functools import lru_cache\n", "").replace(
            "@lru_cache(maxsize=1024, typed=True)\n", ""
        )
        == PURE
    )
    assert space_of(text)["lru_cache"] is lru_cache
