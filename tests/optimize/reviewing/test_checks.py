"""Each check finds what was planted for it, at its line, and nothing where the same stood there before."""

import pytest

from bloomery.core.evidence import State
from bloomery.optimize.reviewing.checks.settling import settled

MANY = (
    "def many(x):\n"
    + "".join(f"    if x == {n}:\n        return {n * n}\n" for n in range(11))
    + "    return x\n"
)
SWALLOWS = "def read(p):\n    try:\n        return open(p)\n    except Exception:\n        pass\n"
COPY = "\n".join(f"    total += row.a{n} * row.b{n} - weights[{n}] // 7" for n in range(9))
TWICE = f"def one(row, weights):\n    total = 0\n{COPY}\n    return total\n"
KEY = "sk-" + "abcd1234" * 4
LATER = "def later(a):\n    raise NotImplementedError\n"
EMPTY = "def test_it():\n    area(2, 3)\n"
PLAIN = "def area(a, b):\n    return a * b\n"
PLANTED = {  # by check: a file, its text before, what is put behind it, the line, the severity, a word of it
    "syntax": ("shop.py", PLAIN, "def broken(:\n", 3, "error", "shop.py"),
    "secrets": ("setup.cfg", "[a]\n", f"key = {KEY}\n", 2, "error", "key"),
    "placeholders": (
        "shop.py",
        PLAIN,
        "def later(a):\n    raise NotImplementedError\n",
        3,
        "warning",
        "later",
    ),
    "public API": ("shop.py", PLAIN, "def fresh(a):\n    return a + 1\n", 3, "note", "fresh is new"),
    "complexity": ("shop.py", PLAIN, MANY, 3, "warning", "12 paths"),
    "quality": ("shop.py", PLAIN, SWALLOWS, 6, "warning", "broad"),
    "lint": ("shop.py", PLAIN, "import os\n", 3, "warning", "F401"),
    "security": ("shop.py", PLAIN, "def run(code):\n    return eval(code)\n", 4, "warning", "B307"),
    "tests that cannot fail": (
        "test_shop.py",
        PLAIN,
        "def test_it():\n    area(2, 3)\n",
        3,
        "error",
        "test_it",
    ),
}


@pytest.mark.parametrize("check", PLANTED)
def test_what_a_change_plants_is_found_at_its_line(site, check):
    path, before, more, line, severity, word = PLANTED[check]
    found = site.found(check, {path: before}, {path: before + more})
    assert [(one.path, one.line, one.severity) for one in found] == [(path, line, severity)]
    assert word in found[0].what
    assert found[0].do


@pytest.mark.parametrize(
    "check", sorted(set(PLANTED) - {"syntax"})
)  # a file that is broken still is told again
def test_what_stood_there_before_is_not_told_when_its_lines_move(site, check):
    path, before, more, *_ = PLANTED[check]
    moved = "# moved\n\n" + before + more
    assert site.found(check, {path: before + more}, {path: moved}) == []


def test_a_copy_of_what_is_there_is_told(site):
    found = site.found(
        "quality", {"a.py": TWICE}, {"b.py": TWICE.replace("one", "two"), "a.py": TWICE + "\n"}
    )
    assert {one.path for one in found} == {"a.py", "b.py"}
    assert all("duplication" in one.what for one in found)


def test_a_password_is_never_repeated(site):
    found = site.found("security", {}, {"shop.py": "password = 'hunter2-of-mine'\n"})
    assert [one.what for one in found] == ["B105: Possible hardcoded password"]


API = """def kept(a, b, *, c=1):
    return a


def gone(a):
    return a


class Queue:
    def put(self, item):
        pass


def _own(a):
    return a
"""
CHANGES = [
    ("def kept(a, b, *, c=1)", "def kept(a, b, d, *, c=1)", "warning", "needs `d` now"),
    ("def kept(a, b, *, c=1)", "def kept(b, a, *, c=1)", "warning", "`a` has another place"),
    ("def kept(a, b, *, c=1)", "def kept(a, *, b, c=1)", "warning", "`b` has to be named now"),
    ("def kept(a, b, *, c=1)", "def kept(a, /, b, *, c=1)", "warning", "`a` cannot be named any more"),
    ("def kept(a, b, *, c=1)", "def kept(a, b, *, c)", "warning", "`c` has to be given now"),
    ("def kept(a, b, *, c=1)", "def kept(a, b, *, c=2)", "note", "the default of `c` was 1 and is 2"),
    ("def kept(a, b, *, c=1)", "async def kept(a, b, *, c=1)", "warning", "`async def`"),
    ("def gone(a)", "def _gone(a)", "warning", "gone is gone"),
    ("def put(self, item)", "def put(self)", "warning", "takes no `item`"),
]


@pytest.mark.parametrize(("old", "new", "severity", "what"), CHANGES, ids=[one[1] for one in CHANGES])
def test_what_breaks_callers_is_told(site, old, new, severity, what):
    found = site.found("public API", {"shop.py": API}, {"shop.py": API.replace(old, new)})
    told = [one for one in found if what in one.what]
    assert [one.severity for one in told] == [severity]
    assert {one.severity for one in found if one not in told} <= {"warning"} - {severity} | {"warning"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def kept(a, b, *, c=1)", "def kept(a, b, e=0, *, c=1)"),
        ("def _own(a)", "def _other(a, b)"),
        ("def gone(a):\n    return a", "from elsewhere import gone"),
    ],
)
def test_what_breaks_nobody_is_not_told(site, old, new):
    assert site.found("public API", {"shop.py": API}, {"shop.py": API.replace(old, new)}) == []


@pytest.mark.slow
def test_types_are_checked_in_both_trees_and_only_new_errors_told(site):
    before = "def half(n: int) -> int:\n    return n / 2\n"
    after = "import os\n\n" + before + "\n\ndef name(n: int) -> str:\n    return n\n"
    found = site.found("types", {"shop.py": before}, {"shop.py": after})
    assert [(one.path, one.line, one.severity) for one in found] == [("shop.py", 8, "error")]
    assert "return-value" in found[0].what


@pytest.mark.slow
def test_an_old_type_error_that_a_new_file_lets_mypy_see_is_not_told(site):
    wrong = "def half(n: int) -> int:\n    return n / 2\n"
    found = site.found("types", {"old.py": wrong, "a.py": wrong}, {"new.py": "import old\n", "a.py": None})
    assert found == []


@pytest.mark.parametrize(
    "settings",
    [
        {"pyproject.toml": "[tool.mypy]\nfiles = ['src/shop/', 'tools/*.py']\n"},
        {"mypy.ini": "[mypy]\nfiles = src/shop, tools/*.py\n"},
        {"setup.cfg": "[mypy]\nfiles =\n    src/shop,\n    tools/*.py\n", "pyproject.toml": "no toml ["},
    ],
    ids=["pyproject", "mypy.ini", "setup.cfg"],
)
def test_types_are_checked_where_the_project_has_them_checked(site, settings):
    site.write(settings)
    wanted = settled(site.root)
    paths = ["src/shop/till.py", "src/shop.py", "tests/test_till.py", "tools/sell.py"]
    assert [wanted(path) for path in paths] == [True, False, False, True]


def test_types_are_checked_everywhere_where_nothing_is_named(site):
    assert settled(site.root)("tests/test_till.py")


def test_a_check_that_has_nothing_to_go_by_is_not_run(site):
    site.write({"shop.py": PLAIN})
    looked = site.review("", "untested lines").looked
    by_name = {one.check: one for one in looked}
    assert by_name["untested lines"].state is State.NOT_RUN
    assert "coverage" in by_name["untested lines"].not_run
    assert by_name["lint"].not_run == "it was left out, as asked"
