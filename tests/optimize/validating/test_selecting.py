import textwrap
from itertools import pairwise

import pytest

from bloomery.optimize.validating.recording import record
from bloomery.optimize.validating.selecting import Unknowable, changed_in, select
from bloomery.optimize.validating.testing import USUAL

MODULE = """\
import functools
import os

LIMIT = 3


def helper(x):
    def inner(y):
        return y + 1

    return inner(x)


class Shelf:
    size = 2

    def put(self, what, at=0):
        \"\"\"Put it there.\"\"\"
        return (what, at)

    @property
    def full(self):
        return self.size > LIMIT


@functools.wraps(helper)
def wrapped(x):
    return x


def count():
    yield 1
"""


@pytest.fixture
def module(tmp_path):
    (tmp_path / "m.py").write_text(MODULE)
    return lambda old, new: changed_in(tmp_path, "m.py", MODULE.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "functions"),
    [
        ("return y + 1", "return y + 2", {"helper"}),  # a function in a function belongs to the outer one
        ("return (what, at)", "return (at, what)", {"Shelf.put"}),
        ("self.size > LIMIT", "self.size >= LIMIT", {"Shelf.full"}),
        ("yield 1", "yield 2", {"count"}),
    ],
)
def test_a_change_within_bodies_names_its_functions(module, old, new, functions) -> None:
    assert module(old, new).names == functions


@pytest.mark.parametrize(
    ("old", "new", "other"),
    [
        ("return y + 1", "return y - 1", False),
        ("return y + 1", "return y + 2", True),
        ("return (what, at)", "return (at, what)", False),
        ("return inner(x)", "return inner(f'{x}')", False),
        ("yield 1", "yield 1.0", True),
        ("return inner(x)", "return inner(LIMIT - 1)", True),
    ],
)
def test_other_constants_are_seen(module, old, new, other) -> None:
    assert module(old, new).constants == other


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("LIMIT = 3", "LIMIT = 4", "outside of functions' bodies"),
        ("import os", "import os\nimport sys", "outside of functions' bodies"),
        ("size = 2", "size = 3", "outside of functions' bodies"),
        ("at=0", "at=1", "outside of functions' bodies"),
        ("Put it there", "Put it here", "outside of functions' bodies"),
        ("yield 1", "return [1]", "outside of functions' bodies"),
        ("def count", "def more():\n    pass\n\n\ndef count", "outside of functions' bodies"),
        ("    return x\n", "    return x + 1\n", "by its decorator functools.wraps"),
        ("LIMIT = 3\n", "LIMIT = 3\n\n", "in its layout alone"),
        ("yield 1", "yield (", "was never closed"),
    ],
)
def test_of_other_changes_nothing_is_known(module, old, new, why) -> None:
    with pytest.raises(Unknowable, match=why):
        module(old, new)


@pytest.mark.parametrize(
    ("path", "text", "why"),
    [
        ("data.json", "{}", "is no Python"),
        ("tests/conftest.py", "x = 1\n", "is for all tests"),
        ("new.py", "x = 1\n", "is new"),
        ("m.py", None, "is removed"),
    ],
)
def test_of_files_that_others_may_look_for_nothing_is_known(tmp_path, path, text, why) -> None:
    (tmp_path / "m.py").write_text(MODULE)
    with pytest.raises(Unknowable, match=why):
        changed_in(tmp_path, path, text)


SHELF = """\
import functools


def weight(x):
    return x * 2


@functools.lru_cache
def remembered(x):
    return weight(x)


def early():
    return 1


def price(x):
    return x + 1


CONSTANT = early()
"""
HEAD = "import shelf\n\n\n"
TESTS = {
    "test_calls": "def test_calls():\n    assert shelf.weight(1) == 2\n",
    # The second test finds what the first one left in a cache, and never runs `weight` by itself.
    "test_cache": (
        "def test_first():\n    assert shelf.remembered(1)\n\n\n"
        "def test_second():\n    assert shelf.remembered(1) == 2\n"
    ),
    "test_cached_elsewhere": "def test_elsewhere():\n    assert shelf.remembered(1) == 2\n",
    "test_process": (
        "import os\nimport subprocess\nimport sys\n\n\ndef test_process():\n"
        "    words = [sys.executable, '-c', 'import shelf; print(shelf.weight(1))']\n"
        "    assert subprocess.check_output(words, env={**os.environ, 'PYTHONPATH': 'src'}) == b'2\\n'\n"
    ),
    "test_text": "def test_text():\n    assert '* 2' in open('src/shelf.py').read()\n",
    "test_source": (
        "import inspect\n\n\ndef test_source():\n    assert '* 2' in inspect.getsource(shelf.weight)\n"
    ),
    "test_fixture": (
        "import pytest\n\n\n@pytest.fixture(scope='module')\ndef two():\n    return shelf.weight(1)\n\n\n"
        "def test_fixture(two):\n    assert two == 2\n"
    ),
    "test_thread": (
        "import threading\n\n\ndef test_thread():\n    seen = []\n"
        "    thread = threading.Thread(target=lambda: seen.append(shelf.weight(1)))\n"
        "    thread.start()\n    thread.join()\n    assert seen == [2]\n"
    ),
    "test_none": "def test_none():\n    assert shelf.price(1) == 2\n",
}


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    root = tmp_path_factory.mktemp("library")
    (root / "src").mkdir()
    (root / "tests").mkdir()
    (root / "src/shelf.py").write_text(SHELF)
    for name, text in TESTS.items():
        (root / f"tests/{name}.py").write_text(HEAD + textwrap.dedent(text))
    return root, record(root, ["tests"], USUAL)


def test_every_test_that_a_wrong_change_can_reach_is_selected_however_it_gets_there(known) -> None:
    root, seen = known
    assert set(seen.statuses.values()) == {"passed"}
    found = select(root, {"src/shelf.py": SHELF.replace("x * 2", "x * 3")}, seen)
    assert found.unknown == ""
    assert set(found.units) == {f"tests/{name}.py" for name in TESTS} - {"tests/test_none.py"}


def test_what_only_some_tests_run_selects_only_those_and_what_cannot_be_followed(known) -> None:
    root, seen = known
    found = select(root, {"src/shelf.py": SHELF.replace("x + 1", "x + 2")}, seen)
    expected = {"tests/test_none.py", "tests/test_process.py", "tests/test_text.py", "tests/test_source.py"}
    assert set(found.units) == expected


def test_what_runs_at_import_reaches_all(known) -> None:
    root, seen = known
    found = select(root, {"src/shelf.py": SHELF.replace("return 1", "return 2")}, seen)
    assert "runs early of src/shelf.py" in found.unknown
    assert set(found.tests) == set(seen.statuses)


def test_files_run_apart_so_that_none_finds_what_another_left(known) -> None:
    """In one process `test_elsewhere` would find a filled cache and not run `weight`."""
    _, seen = known
    assert "weight" in seen.did["tests/test_cached_elsewhere.py::test_elsewhere"].ran["src/shelf.py"]
    assert "src/shelf.py" not in seen.did["tests/test_cache.py::test_second"].ran


def test_tests_run_in_the_order_of_their_files(known) -> None:
    _, seen = known
    assert all(a <= b for a, b in pairwise(node.partition("::")[0] for node in seen.statuses))


def test_other_examples_are_drawn_only_where_other_constants_stand_in_a_file(tmp_path) -> None:
    """Hypothesis reads every module of the project, before the first test, for the constants in it."""
    (tmp_path / "shelf.py").write_text(SHELF)
    drawn = "from hypothesis import given, strategies\n\n\n@given(strategies.integers())\n"
    drawn += "def test_drawn(x):\n    assert shelf.price(x) == x + 1\n"
    for name, text in (("test_drawn", drawn), ("test_calls", TESTS["test_calls"])):
        (tmp_path / f"{name}.py").write_text(HEAD + text)
    seen = record(tmp_path, ["."], USUAL)
    same = select(tmp_path, {"shelf.py": SHELF.replace("x * 2", "2 * x")}, seen)
    assert (same.unknown, same.units) == ("", ("test_calls.py",))
    other = select(tmp_path, {"shelf.py": SHELF.replace("x * 2", "x * 3")}, seen)
    assert other.unknown == "Hypothesis draws other examples: other constants stand in shelf.py"
    assert set(other.units) == {"test_calls.py", "test_drawn.py"}
