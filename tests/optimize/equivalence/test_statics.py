"""What the text of a candidate gives away without any input."""

import pytest

from bloomery.optimize.equivalence.statics import objections
from bloomery.optimize.equivalence.versions import Version

ORIGINAL = '''import math

def f(a: int, b: int = 1) -> int:
    """Adds."""
    return a + b

class C:
    @property
    def x(self):
        return 1
'''


def said(candidate: str, original: str = ORIGINAL) -> list[str]:
    return list(objections(Version(original, "m.py"), Version(candidate, "m.py"), ["m.py"], ["m.py"]))


def test_a_change_of_the_body_alone_is_not_objected_to() -> None:
    assert said(ORIGINAL.replace("a + b", "b + a")) == []
    assert said("import bisect, functools\n" + ORIGINAL) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("b: int = 1", "b: int = 2"),
        ("b: int", "c: int"),
        ("def f", "async def f"),
        ("return a + b", "yield a + b"),
        ('"""Adds."""', '"""Sums."""'),
        ("@property", "@staticmethod"),
        ("def f", "def g"),
        ("class C:", "class C(dict):"),
        ("return a + b", "return len"),
    ],
)
def test_another_interface_is_objected_to(old: str, new: str) -> None:
    text = ORIGINAL.replace(old, new)
    if new == "return len":
        text = ORIGINAL + "\nlen = 3\n"
    assert said(text)


@pytest.mark.parametrize(
    "line",
    [
        "import sys; a += 'pytest' in sys.modules",
        "import os; a += 'PYTEST_CURRENT_TEST' in os.environ",
        "from time import perf_counter; a += perf_counter() > 5",
        "import inspect; a += len(inspect.stack())",
        "a += len(__file__)",
        "a += len(globals())",
        "a += math.__loader__ is None",
        "a += __import__('sys').maxsize",
        "math.sqrt = abs",
        "a += f.__code__.co_argcount",
        "a += eval('1')",
        "a += getattr(math, 's' + 'qrt')(4)",
        "import json; a += len(json.decoder.scanner.sys.argv)",
        "from warnings import sys; a += 1",
    ],
)
def test_looking_at_who_is_asking_is_objected_to(line: str) -> None:
    assert said(ORIGINAL.replace("    return a + b", f"    {line}\n    return a + b"))


def test_what_the_original_looks_at_may_be_looked_at() -> None:
    original = ORIGINAL.replace("import math", "import sys").replace("a + b", "a + b + sys.maxsize")
    assert said(original.replace("a + b + sys.maxsize", "sys.maxsize + a + b"), original) == []
    assert said(original.replace("sys.maxsize", "len(sys.modules)"), original)
    assert said(original.replace("sys.maxsize", "len(vars(sys))"), original)


def test_another_file_is_objected_to() -> None:
    version = Version(ORIGINAL, "m.py")
    assert list(objections(version, version, ["m.py", "test_m.py"], ["m.py"]))
