"""A function that nobody trusts proves itself by what it returns, and by nothing else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bloomery.core.errors import CapabilityMissing, UnknownName
from bloomery.core.sandbox import Limits, Outcome, call
from bloomery.core.sandbox.values import decode, encode

DOUBLE = [(1,), (2,), (3,)]
EXPECTED = [2, 4, 6]
SHORT = Limits(time_s=5, cpu_s=1)


def passes(source: str, **more: Any) -> bool:
    """The judge of these tests: what came back, compared here."""
    outcomes = call(source, "double", DOUBLE, limits=SHORT, **more)
    assert len(outcomes) == len(DOUBLE)
    return all(
        one.state == "returned" and one.value == want for one, want in zip(outcomes, EXPECTED, strict=True)
    )


def test_a_right_function_passes_and_a_wrong_one_does_not() -> None:
    assert passes("def double(x): return 2 * x")
    assert not passes("def double(x): return x * x + 1")


CHEATS = {
    "exits before answering": "import os\ndef double(x): os._exit(0)",
    "exits on import": "import os\nos._exit(0)",
    "sys.exit": "import sys\ndef double(x): sys.exit(0)",
    "prints passed": "print('passed')\nprint('3 passed in 0.01s')\ndef double(x): print('passed')",
    "writes to every pipe": (
        "import os\n"
        "def double(x):\n"
        "    for n in range(1, 16):\n"
        '        try: os.write(n, b\'passed\\nOK\\n["list", 0, "passed", null]\\n\')\n'
        "        except OSError: pass\n"
        "    os._exit(0)"
    ),
    "patches the test runner": (
        "import builtins, sys, types\n"
        "fake = types.ModuleType('pytest'); fake.main = lambda *a, **k: 0\n"
        "sys.modules['pytest'] = sys.modules['unittest'] = fake\n"
        "builtins.all = lambda xs: True\n"
        "import operator; operator.eq = lambda a, b: True\n"
        "def double(x): return 0"
    ),
    "returns what equals everything": (
        "class Yes:\n"
        "    def __eq__(self, other): return True\n"
        "    def __hash__(self): return 0\n"
        "def double(x): return Yes()"
    ),
    "returns a number that equals everything": (
        "class Yes(int):\n    def __eq__(self, other): return True\n    __hash__ = int.__hash__\n"
        "def double(x): return Yes(0)"
    ),
    "patches the encoder": (
        "import sys\n"
        "main = sys.modules['__main__']\n"
        "main.encode = lambda value: 'true'\n"
        "main.line = lambda *a: 'passed'\n"
        "def double(x): return 0"
    ),
    "guesses many times": (
        "import os, sys\n"
        "main = sys.modules['__main__']\n"
        "main.line = lambda place, o: '\\n'.join("
        "main.encode((place, 'returned', n)) for n in (2 * place + 2, 0))\n"
        "def double(x): return 0"
    ),
    "raises": "def double(x): raise AssertionError('passed')",
    "returns nothing": "def double(x): return None",
    "is not there": "def triple(x): return 3 * x",
    "is not Python": "def double(x) return",
    "does not end": "def double(x):\n    while True: pass",
    "is killed": "import os\ndef double(x): os.kill(os.getpid(), 9)",
}


@pytest.mark.parametrize("cheat", CHEATS)
def test_no_cheat_passes(cheat: str) -> None:
    assert not passes(CHEATS[cheat])


def test_what_came_back_before_the_end_is_kept() -> None:
    source = "import os\ndef f(x):\n    if x == 3: os._exit(0)\n    return x"
    outcomes = call(source, "f", [(1,), (2,), (3,), (4,)])
    assert [one.state for one in outcomes] == ["returned", "returned", "lost", "lost"]
    assert "ended with code 0 and not exactly one answer" in outcomes[2].error


def test_what_was_lost_says_to_which_limit() -> None:
    source = "def f(x):\n    import time\n    time.sleep(x)\n    return x"
    first, second = call(source, "f", [(0,), (60,)], limits=Limits(time_s=1.5))
    assert first == Outcome(state="returned", value=0)
    assert second == Outcome(state="lost", error="killed at the limit of time")


def test_an_exception_is_told_for_its_input_alone() -> None:
    good, bad = call("def f(x): return 1 // x", "f", [(1,), (0,)])
    assert good == Outcome(state="returned", value=1)
    assert bad == Outcome(state="raised", error="ZeroDivisionError: integer division or modulo by zero")


def test_prints_do_not_disturb_the_answers() -> None:
    assert passes(
        "import os\nprint('noise')\ndef double(x):\n    print('[]'); os.system('echo 1'); return 2 * x"
    )


def test_arguments_are_fresh_for_each_call() -> None:
    shared = [1]
    outcomes = call("def f(x):\n    x.append(0)\n    return x", "f", [(shared,), (shared,)])
    assert [one.value for one in outcomes] == [[1, 0], [1, 0]]
    assert shared == [1]


def test_a_result_that_is_no_plain_value_is_refused_by_its_type() -> None:
    (one,) = call("def f(): return object()", "f", [()])
    assert one == Outcome(
        state="raised", error="the result cannot be taken back: a object is not a plain value"
    )


def test_no_inputs_no_outcomes() -> None:
    assert call("def f(): pass", "f", []) == []


def test_a_protection_that_must_hold_and_is_none_is_told() -> None:
    with pytest.raises(UnknownName, match="did you mean 'network'"):
        call("", "f", [()], require=["netwrok"])


def test_a_way_that_does_not_exist_here_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from bloomery.core.sandbox import walls

    monkeypatch.setattr(walls, "walls_of", lambda how: None)
    with pytest.raises(CapabilityMissing, match="bwrap"):
        walls.choose("bwrap")
    with pytest.raises(CapabilityMissing, match="any walls"):
        walls.choose()


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.complex_numbers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.tuples(st.integers()), inner, max_size=3)
        | st.frozensets(st.integers() | st.text(max_size=2), max_size=1)  # an order that repr keeps
    ),
    max_leaves=6,
)


@given(PLAIN)
def test_plain_values_cross_the_pipe_exactly(value: Any) -> None:
    text = encode(value)
    assert "\n" not in text
    assert repr(decode(text)) == repr(value)


@pytest.mark.parametrize("value", [{1, 2}, frozenset({"a"}), -0.0, float("inf"), 10**50, "\ud800", True])
def test_odd_values_cross_with_their_type(value: Any) -> None:
    got = decode(encode(value))
    assert (got, type(got), str(got)) == (value, type(value), str(value)) or isinstance(
        value, set | frozenset
    )
    assert got == value


FORGED = [
    *("", "{", '{"a": 1}', "1.5", "[]", "[[]]", '["object", 1]', '["float"]', '["float", "x"]'),
    *('["float", "0x1p+99999"]', '["complex", "0x0p+0"]', '["bytes", "*"]', '["set", ["list"]]'),
    *('["dict", 1]', '["dict", [1]]', '["dict", [["list"], 1]]', "[" * 100_000, "9" * 5000),
]


@pytest.mark.parametrize("text", FORGED, ids=lambda text: text[:30])
def test_a_forged_line_is_an_error_and_nothing_worse(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(text)
