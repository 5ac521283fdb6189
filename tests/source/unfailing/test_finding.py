"""Planted tests that cannot fail are found with the reason; their sound twins are not."""

import textwrap
from pathlib import Path

import pytest

from bloomery.source.python import parse
from bloomery.source.unfailing import Finding, unfailing, unfailing_tests

HELPERS = """
    def approve(value):
        assert value > 0

    def look(value):
        return value
"""
CONFTEST = """
    import pytest

    @pytest.fixture
    def judge():
        def check_it(value):
            assert value
        return check_it

    @pytest.fixture
    def plain():
        return 1
"""


def found(tmp_path: Path, text: str, **files: str) -> list[Finding]:
    written = {"helpers.py": HELPERS, "conftest.py": CONFTEST, "test_it.py": text}
    for name, content in {**written, **files}.items():
        (tmp_path / name).write_text(textwrap.dedent(content))
    return list(unfailing(parse(tmp_path / "test_it.py"), tmp_path))


CANNOT_FAIL = {
    "def test_a(): f(1)": "it checks nothing",
    "def test_a(): f(1) == 2": "it checks nothing",
    "def test_a(): assert True": "True is a constant",
    "def test_a(): assert 'a message'": "constant",
    "def test_a(): assert (f(1) == 2, 'message')": "a tuple with elements is true",
    "def test_a(): assert (x == 1 for x in f(1))": "all(...) is missing",
    "def test_a(): assert 1 == 1.0": "1 and 1.0 are constants",
    "def test_a():\n    y = f(1)\n    assert y == y": "y is compared with itself",
    "def test_a(y): assert y.value <= y.value": "y.value is compared with itself",
    "def test_a(y): assert torch.allclose(y, y)": "compared with itself",
    "def test_a(y): assert (y == y).all()": "compared with itself",
    "def test_a(y): torch.testing.assert_close(y, y)": "compared with itself",
    "def test_a(): assert f(1) == f(1)": "f(1) is compared with itself",
    "def test_a():\n    a = f(1)\n    b = f(1)\n    assert a == b": "f(1) is compared with itself",
    "def test_a(): assert f(1) or True": "True is a constant",
    "def test_a(): assert not False": "False is a constant",
    "def helper(): return 1\ndef test_a(): assert helper": "the function helper is true",
    "def test_a(): assert lambda: f(1)": "a function is true",
    "def test_a(): assert len(f(1)) >= 0": "no length is less than 0",
    "def test_a(): assert isinstance(f(1), object)": "everything is an object",
    "def test_a():\n    if False:\n        assert f(1) == 2": "the condition on line 2 never lets it run",
    "def test_a():\n    for x in []:\n        assert f(x) == 2": "the loop on line 2 is over nothing",
    "def test_a():\n    return\n    assert f(1) == 2": "line 2 leaves the test before it",
    "def test_a():\n    pytest.skip('later')\n    assert f(1) == 2": "line 2 skips the test before it",
    "def test_a():\n    try:\n        assert f(1) == 2\n    except Exception:\n        pass": (
        "the except on line 4 swallows its failure"
    ),
    "def test_a():\n    try:\n        assert f(1) == 2\n    except AssertionError as e:\n        print(e)": (
        "the except on line 4 swallows"
    ),
    "def test_a():\n    with suppress(AssertionError):\n        assert f(1) == 2": "suppress on line 2",
    "def test_a():\n    try:\n        f(1)\n    except ValueError as e:\n        assert 'x' in str(e)": (
        "reached only if line 2 and on raise"
    ),
    "def test_a():\n    def inner():\n        assert f(1) == 2": "inner is never used",
    "@pytest.mark.skip\ndef test_a(): assert f(1) == 2": "always skipped",
    "@pytest.mark.skip(reason='r')\ndef test_a(): assert f(1) == 2": "always skipped",
    "@pytest.mark.skipif(True, reason='r')\ndef test_a(): assert f(1) == 2": "always skipped",
    "pytestmark = pytest.mark.skip(reason='r')\ndef test_a(): assert f(1) == 2": "always skipped",
    "@pytest.mark.xfail(reason='r')\ndef test_a(): assert f(1) == 2": "whatever comes out is accepted",
    "def test_a(): assert f(1)\ndef test_a(): assert f(2)": "line 2 defines a test of the same",
    "class TestA:\n    def __init__(self): pass\n    def test_a(self): assert f(1) == 2": "an __init__",
    "def test_a():\n    g = MagicMock(return_value=3)\n    assert g(1) == 3": "put the answer of g in place",
    "def test_a(monkeypatch):\n    monkeypatch.setattr(m.rules, 'f', lambda x: 3)\n    assert m.rules.f(1)": (
        "put the answer of m.rules.f in place"
    ),
    "def test_a():\n    with patch('my.rules.f', return_value=3):\n        assert rules.f(1) == 3": (
        "put the answer of rules.f in place"
    ),
    "@patch.object(rules, 'f')\ndef test_a(g):\n    y = rules.f(1)\n    assert y == g.return_value": (
        "put the answer of rules.f in place"
    ),
    "from helpers import look\ndef test_a(): look(1)": "it checks nothing",
    "def test_a(plain): f(plain)": "it checks nothing",
    "def own():\n    assert f(1)\ndef test_a(own): f(own)": "it checks nothing",
    "def test_a(): assert True and 1": "True is a constant",
    "def test_a():\n    with suppress(OSError, AssertionError):\n        assert f(1)": "suppress on line 2",
    "def test_a(mock): mock.assert_called_once": "it checks nothing",
}
CAN_FAIL = [
    "def test_a(): assert f(1) == 2",
    "def test_a(): assert f(1)",
    "def test_a(): assert False",
    "def test_a():\n    with pytest.raises(ValueError):\n        f(1)",
    "def test_a():\n    if f(1) != 2:\n        raise AssertionError",
    "def test_it_is_deterministic(): assert f(1) == f(1)",
    "def test_a(): assert Point(1) == Point(1)",
    "def test_a(): assert f(1) == f(2)",
    "def test_a():\n    a = f(1)\n    change()\n    b = f(1)\n    assert a == b",
    "def test_a(): assert f(1) is f(1)",
    "def test_a(): assert f(1) != f(1)",
    "def test_a(): assert [] == f(1)",
    "def test_a(): assert [x for x in f(1)]",
    "def test_a():\n    try:\n        assert f(1) == 2\n    except ValueError:\n        pass",
    "def test_a():\n    try:\n        assert f(1) == 2\n    except Exception:\n        raise",
    "def test_a():\n    e = []\n    try:\n        assert f(1)\n    except Exception as x:\n"
    "        e.append(x)\n    assert not e",
    "def test_a():\n    try:\n        f(1)\n        pytest.fail('no')\n    except ValueError as e:\n"
    "        assert 'x' in str(e)",
    "def test_a():\n    try:\n        f(1)\n    except ValueError:\n        pass\n    else:\n"
    "        assert f(2)",
    "def test_a():\n    try:\n        f(1)\n    except ValueError:\n        raise AssertionError",
    "def test_a():\n    def inner():\n        assert f(1) == 2\n    run(inner)",
    "def test_a():\n    class Spy:\n        def run(self):\n            assert f(1) == 2\n    use(Spy())",
    "def test_a():\n    with suppress(ValueError):\n        assert f(1) == 2",
    "def test_a():\n    if f(1):\n        pytest.skip('r')\n    assert f(1) == 2",
    "def test_a():\n    while True:\n        assert f(1) == 2\n        break",
    "from helpers import approve\ndef test_a(): approve(f(1))",
    "import helpers\ndef test_a(): helpers.approve(f(1))",
    "def approved(x):\n    assert x\ndef test_a(): approved(f(1))",
    "def twice(x):\n    once(x)\ndef once(x):\n    assert x\ndef test_a(): twice(f(1))",
    "def test_a(judge): judge(f(1))",
    "@pytest.fixture\ndef own():\n    yield\n    assert f(1)\ndef test_a(own): f(2)",
    "def test_a(): assert f(1) and True",
    "def test_a(): assert True and f(1)",
    "def test_a():\n    g = MagicMock(return_value=3)\n    assert g(1) == f(1)",
    "def test_a(monkeypatch):\n    monkeypatch.setattr(rules, 'f', fake)\n    assert rules.f(1) == 3",
    "class TestA(Base):\n    def test_a(self): self.judge(f(1))",
    "class TestA(TestCase):\n    def test_a(self): self.assertEqual(f(1), 2)",
    "def test_a(mock):\n    f(mock)\n    mock.assert_called_once()",
    "def test_a(): subprocess.run(['x'], check=True)",
    "def test_a(): gradcheck(f, x)",
    "def test_a(): assert_both(y, y)",
    "@pytest.mark.skipif(sys.platform == 'win32', reason='r')\ndef test_a(): assert f(1) == 2",
    "@pytest.mark.xfail(strict=True)\ndef test_a(): assert f(1) == 2",
    "@pytest.mark.xfail(sys.platform == 'win32', reason='r')\ndef test_a(): assert f(1) == 2",
    "@pytest.mark.xfail(raises=ValueError)\ndef test_a(): assert f(1) == 2",
    "if x:\n    def test_a(): assert f(1)\nelse:\n    def test_a(): assert f(2)",
    "def test_a(monkeypatch):\n    monkeypatch.setattr(rules, 'f', lambda x: 3)\n    assert rules.g(1) == 3",
    "def test_a(monkeypatch):\n    monkeypatch.setattr(rules, 'f', lambda x: g(x))\n"
    "    assert rules.f(1) == 3",
    "def test_a():\n    with patch('my.rules.f', wraps=real):\n        assert rules.f(1) == 3",
    "def test_a(helper):\n    assert helper\ndef helper(): pass",
]


@pytest.mark.parametrize(("text", "reason"), CANNOT_FAIL.items())
def test_a_test_that_cannot_fail_is_found(tmp_path: Path, text: str, reason: str) -> None:
    (one,) = found(tmp_path, text)
    assert one.whole
    assert reason in one.reason


@pytest.mark.parametrize("text", CAN_FAIL)
def test_a_test_that_can_fail_is_left_alone(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, text) == []


def test_one_idle_check_beside_a_sound_one_is_told_apart(tmp_path: Path) -> None:
    (one,) = found(tmp_path, "def test_a():\n    assert f(1) == 2\n    assert (f(1), 'is fine')\n")
    assert (one.line, one.whole) == (3, False)
    assert str(one).startswith(f"{tmp_path}/test_it.py:3: test_a: this check cannot fail: a tuple")


def test_a_strict_project_lets_no_expected_failure_pass(tmp_path: Path) -> None:
    text = "@pytest.mark.xfail(reason='r')\ndef test_a(): assert f(1) == 2\n"
    assert len(found(tmp_path, text)) == 1
    strict = "[tool.pytest.ini_options]\nxfail_strict = true\n"
    assert found(tmp_path, text, **{"pyproject.toml": strict}) == []
    ini = {"pyproject.toml": "", "pytest.ini": "[pytest]\nxfail_strict = true\n"}
    assert found(tmp_path, text, **ini) == []


def test_a_folder_is_searched_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    for name in ("test_b.py", "test_a.py", "other.py"):
        (tmp_path / "tests" / name).write_text("def test_it(): f(1)\n")
    assert [one.path.name for one in unfailing_tests(tmp_path)] == ["test_a.py", "test_b.py"]


def test_tests_of_this_room_are_sound() -> None:
    root = Path(__file__).parents[3]
    assert unfailing_tests(root, "tests/source") == ()
