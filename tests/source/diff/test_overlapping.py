"""Two changes of one symbol meet, wherever in it they are; two of different symbols do not."""

import pytest

from bloomery.source.diff import make
from bloomery.source.diff.overlapping import overlaps, symbol_overlaps, touched_symbols
from bloomery.source.languages.parsing import parse
from bloomery.source.languages.registry import language_of
from bloomery.source.languages.symbols import symbols

BASE = """import os

class Queue:
    limit = 3

    def push(self, x):
        check(x)
        step(1)
        step(2)
        step(3)
        step(4)
        self.items.append(x)

    def pop(self):
        return self.items.pop(0)


def free():
    return 1
"""


def _changed(after: str | None, before: str | None = BASE, path: str = "a.py"):
    """The diff, and the symbols of both sides as `touched_symbols` takes them."""
    sides = [{} if text is None else {path: text} for text in (before, after)]
    known = [() if text is None else symbols(parse(text, language_of(path))) for text in (before, after)]
    return make(*sides), {path: (known[0], known[1])}


def _touched(after: str | None, before: str | None = BASE) -> frozenset[str]:
    diff, known = _changed(after, before)
    return touched_symbols(diff, known)["a.py"]


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("check(x)", "assert x", {"Queue.push"}),
        (
            "        return self.items.pop(0)\n",
            "        return self.items.pop(0)\n        # end\n        g()\n",
            {"Queue.pop"},
        ),
        ("        check(x)\n", "", {"Queue.push"}),
        ("limit = 3", "limit = 4", {"Queue"}),
        ("import os", "import sys", set()),
        ("\n\ndef free", "\n\ndef other():\n    pass\n\n\ndef free", {"other"}),
        ("    def pop(self):\n        return self.items.pop(0)\n", "", {"Queue.pop"}),
        ("class Queue:", "@final\nclass Queue:", {"Queue"}),
    ],
)
def test_changed_lines_belong_to_the_innermost_symbol_of_their_side(old: str, new: str, names: set) -> None:
    assert old in BASE
    assert _touched(BASE.replace(old, new)) == names


def test_a_file_that_comes_or_goes_touches_all_that_it_defines() -> None:
    every = {"Queue", "Queue.push", "Queue.pop", "free"}
    assert _touched(BASE, None) == _touched(None, BASE) == every


def test_far_apart_changes_of_one_function_meet_as_symbols_and_not_as_hunks() -> None:
    first, one = _changed(BASE.replace("check(x)", "assert x"))
    second, other = _changed(BASE.replace("self.items.append(x)", "self.items += [x]"))
    assert overlaps(first, second) == ()
    found = symbol_overlaps(first, second, one, other)
    assert [(overlap.path, overlap.level, overlap.where) for overlap in found] == [
        ("a.py", "symbol", "Queue.push")
    ]
    third, more = _changed(BASE.replace("pop(0)", "popleft()"))
    assert symbol_overlaps(first, third, one, more) == ()


def test_a_file_whose_symbols_are_not_given_touches_none() -> None:
    diff, _ = _changed(BASE.replace("check(x)", "assert x"))
    assert touched_symbols(diff, {}) == {"a.py": frozenset()}


def test_changed_lines_that_meet_are_named() -> None:
    text = "".join(f"{i}\n" for i in range(1, 9))
    one = make({"f": text}, {"f": text.replace("3\n4\n5\n", "x\n")})
    other = make({"f": text}, {"f": text.replace("4\n5\n6\n", "y\n")})
    assert [overlap.where for overlap in overlaps(one, other)] == ["4-5"]
