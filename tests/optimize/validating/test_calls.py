"""Calls of what is changed are recorded from the tests, once for a base, and tried in both versions."""

import pytest

from bloomery.core.evidence import State
from bloomery.optimize.validating import site as sites
from bloomery.optimize.validating.caching import Cache
from bloomery.optimize.validating.calls import (
    FOR_TRIALS,
    MOST_OF_A_FUNCTION,
    _kept,
    for_trials,
    from_plain,
    to_plain,
)
from bloomery.optimize.validating.checks.meaning import meaning
from bloomery.source.recording import Recorded, RecordedCall

WEIGHT = 'return sum(len(part) for part in code.split("/"))'
LABELS = f"""\
def weight(code: str) -> int:
    {WEIGHT}


def ends(row):
    return (row.first, row.last)
"""
TESTS = """\
from types import SimpleNamespace

import pytest

from shop.labels import ends, weight


@pytest.mark.parametrize("code", ["a/b", "/".join("abcdefghijkl")])
def test_weight(code):
    assert weight(code) > 0


@pytest.mark.parametrize("last", [1, 700_001])
def test_ends(last):
    assert ends(SimpleNamespace(first=1, last=last))
"""
FEW_SLASHES = 'return len(code.replace("/", "", 9))'
ALL_SLASHES = 'return len(code.replace("/", ""))'
LABEL = "src/shop/labels.py"


@pytest.fixture
def labels(shop):
    return shop.commit({LABEL: LABELS, "tests/test_labels.py": TESTS})


def judged(labels, new: str, old: str = WEIGHT, **given):
    with labels.site(labels.edited(old, new, LABEL), tests=("tests/test_labels.py",), **given) as site:
        answers = meaning(site)
    return answers[2]


@pytest.mark.slow
def test_a_trap_that_only_a_recorded_input_opens_is_caught(labels, monkeypatch) -> None:
    """No generated text has ten slashes; the test that has them would let any positive number pass."""
    found = judged(labels, FEW_SLASHES, level="standard")
    assert found.evidence.state is State.FAILED
    assert "the returned value" in found.mend
    assert judged(labels, ALL_SLASHES, level="standard").evidence.state is State.PASSED
    monkeypatch.setattr(sites.Site, "recorded", Recorded(trouble="nothing is recorded"))
    assert judged(labels, FEW_SLASHES, level="standard").evidence.state is State.PASSED


@pytest.mark.slow  # two verifications that ask what a function takes
def test_inputs_that_nobody_can_generate_show_a_difference_and_alone_prove_nothing(labels) -> None:
    whole, part = "(row.first, row.last)", "(row.first, row.last % 700_000)"
    wrong = judged(labels, part, whole, level="standard")
    assert wrong.evidence.state is State.FAILED
    same = judged(labels, "tuple([row.first, row.last])", whole, level="standard")
    assert same.evidence.state is State.NOT_RUN
    assert "takes none of the values" in same.mend
    assert "2 inputs of them recorded from tests" in wrong.evidence.how


@pytest.mark.slow
def test_calls_are_recorded_once_for_a_base_and_not_at_level_basic(labels, tmp_path, monkeypatch) -> None:
    made = []
    real = sites.calls.calls_of
    monkeypatch.setattr(sites.calls, "calls_of", lambda *given: made.append(given) or real(*given))
    found = []
    for new, level in ((FEW_SLASHES, "basic"), (FEW_SLASHES, "standard"), (ALL_SLASHES, "strict")):
        with labels.site(labels.edited(WEIGHT, new, LABEL), level=level) as site:
            site.answers = Cache(tmp_path / "cache")
            found.append(site.recorded)
    assert len(made) == 1
    assert not found[0].calls
    assert found[1] == found[2]
    assert {one.given for one in found[1].of(LABEL, "weight")} == {
        (("", "'a/b'"),), (("", "'a/b/c/d/e/f/g/h/i/j/k/l'"),)
    }  # fmt: skip


def call(text: str, key: str = "", seconds: float = 0.0) -> RecordedCall:
    return RecordedCall("f", ((key, text),), "t", seconds)


def test_what_the_tests_process_wrote_is_kept_only_where_it_is_an_expression_of_some_length() -> None:
    deep = "[" * 100_000
    odd = [call("1;2"), call("x = 1"), call(deep), call("1", "a=1)"), call("1\0")]
    long = call(repr("x" * (MOST_OF_A_FUNCTION // 2)))
    assert list(_kept([*odd, call("1"), long, long, call("2")])) == [call("1"), long]


def test_long_calls_are_for_timing_alone() -> None:
    given = Recorded({"a.py": (call(repr("x" * FOR_TRIALS)), call("[1, 2]"), call("[1]", "k"))}, trouble="t")
    assert for_trials(given).calls == {"a.py": (call("[1]", "k"), call("[1, 2]"))}
    assert from_plain(to_plain(given)) == given
