"""A test that passed before and fails now is enough; what is said of it is true all the same."""

import pytest

from bloomery.core.evidence import State
from bloomery.optimize.validating.checks.existing import everything, touched
from bloomery.optimize.validating.testing import try_tests

TESTS = "from shop.prices import total\n\n\n" + "\n\n".join(
    f"def test_{at}():\n    assert total([{at}]) == {at}\n" for at in range(3)
)
LATER = "def test_later():\n    assert True\n"


@pytest.fixture
def more(shop):
    return shop.commit({"tests/test_all.py": TESTS, "tests/test_late.py": LATER})


def test_what_comes_after_a_decisive_failure_is_not_run(more) -> None:
    (more.root / "src/shop/prices.py").write_text("def total(prices):\n    return 1\n")
    names = [f"tests/test_all.py::test_{at}" for at in range(3)]
    every = try_tests(more.root, ["tests/test_all.py", "tests/test_late.py"]).statuses()
    assert [every[one] for one in names] == ["failed", "passed", "failed"]
    tried = try_tests(more.root, ["tests/test_all.py", "tests/test_late.py"], decisive=names)
    assert (tried.decided, tried.trouble) == (names[0], "")
    found = tried.statuses()
    assert [found[one] for one in (*names, "tests/test_late.py::test_later")] == ["failed", *["not run"] * 3]
    known_bad = try_tests(more.root, ["tests/test_all.py"], decisive=names[1:])
    assert [known_bad.statuses()[one] for one in names] == ["failed", "passed", "failed"]


@pytest.mark.parametrize("go_on", [False, True])
def test_the_verdict_is_the_same_and_says_that_not_all_were_run(more, go_on) -> None:
    with more.site(more.edited("found = found + one", "found = one - 1"), level="standard") as site:
        site.go_on = go_on
        (answer,) = touched(site)
    assert answer.evidence.state is State.FAILED
    assert ("is enough" in answer.evidence.how) != go_on
    assert answer.mend.startswith("tests/test_all.py::test_0 passed before the change: ")
    assert answer.lasting


@pytest.mark.slow  # waits for the time limit of a unit
def test_a_unit_that_hangs_decides(more, monkeypatch) -> None:
    monkeypatch.setattr("bloomery.optimize.validating.recording.LEAST_S", 1.0)
    with more.site(more.edited("found = found + one", "found = max(iter(int, 1))"), level="standard") as site:
        (answer,) = everything(site)
    assert answer.evidence.state is State.FAILED
    assert "did not end within the time limit" in answer.mend
    assert not answer.lasting


def test_a_word_that_something_was_decided_hides_nothing(more) -> None:
    """Code under test may write what it likes: without a failure that is told, what is missing fails."""
    forged = (
        "import json, os\n\n\ndef total(prices: list[int]) -> int:\n"
        "    with open(json.load(open(os.environ['BLOOMERY_JOB']))['record'], 'a') as record:\n"
        "        record.write(json.dumps({'event': 'decided', 'node': 'x'}) + chr(10))\n"
        "    os._exit(0)\n"
    )
    with more.site({"src/shop/prices.py": forged}, level="standard") as site:
        (answer,) = everything(site)
    assert answer.evidence.state is State.FAILED
