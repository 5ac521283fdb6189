"""Wrong patches fall with a program that shows it, right ones pass, and what cannot be said is not run."""

import subprocess
import sys
from pathlib import Path

import pytest

from bloomery.core.evidence import State
from bloomery.optimize.equivalence import CHECKS, Effort, Verification, verify
from bloomery.optimize.proposal import Proposal, Target
from bloomery.source.recording import Recorded, RecordedCall

QUICK = Effort(shrink=False)
SLOW_SUM = (
    "def total(xs: list[int]) -> int:\n    out = 0\n    for x in xs:\n        out = out + x\n    return out\n"
)


def tried(folder: Path, original: str, candidate: str, effort: Effort = QUICK, **other: str) -> Verification:
    (folder / "m.py").write_text(original)
    for name, text in other.items():
        (folder / f"{name}.py").write_text(text)
    return verify(Target(folder, "m.py"), Proposal("t", "o", "why", {"m.py": candidate}), effort=effort)


def states(found: Verification) -> list[State]:
    return [one.state for one in found.evidence]


def test_a_right_patch_passes_every_check(tmp_path: Path) -> None:
    found = tried(tmp_path, SLOW_SUM, "def total(xs: list[int]) -> int:\n    return sum(xs)\n")
    assert states(found) == [State.PASSED] * len(CHECKS)
    assert found.accepted
    assert found.calls > 100


def test_a_wrong_patch_falls_with_a_program_that_shows_it(tmp_path: Path) -> None:
    wrong = "def total(xs: list[int]) -> int:\n    return sum(set(xs))\n"
    found = tried(tmp_path, SLOW_SUM, wrong, Effort())
    assert found.evidence[2].state is State.FAILED
    shown = []
    for text in (SLOW_SUM, wrong):
        (tmp_path / "m.py").write_text(text)
        (tmp_path / "show.py").write_text(found.findings[0].snippet)
        ran = subprocess.run(
            [sys.executable, "show.py"], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        shown.append(ran.stdout)
    assert shown[0] != shown[1]
    assert len(found.findings[0].steps) == 1
    assert len(found.findings[0].steps[0].lets[0][1]) <= len("[True, True]")


def test_code_that_no_input_reaches_is_not_run(tmp_path: Path) -> None:
    door = (
        "def total(xs: list[int]) -> int:\n    if len(xs) == 4_999:\n        return 0\n    return sum(xs)\n"
    )
    found = tried(tmp_path, SLOW_SUM, door.replace("4_999", "int('49' + '99')"))
    assert states(found) == [State.PASSED, State.NOT_RUN, State.NOT_RUN]
    assert not found.accepted
    assert any("return 0" in one or "0" in one for one in found.unreached)


def test_a_module_that_cannot_be_imported_is_not_run(tmp_path: Path) -> None:
    broken = "import nowhere_to_be_found\n" + SLOW_SUM
    found = tried(tmp_path, broken, broken.replace("out + x", "x + out"))
    assert found.evidence[2].state is State.NOT_RUN
    assert "nowhere_to_be_found" in found.evidence[2].reason


def test_a_candidate_that_does_not_parse_fails(tmp_path: Path) -> None:
    found = tried(tmp_path, SLOW_SUM, "def total(xs: list[int]) -> int:\n    return sum(xs\n")
    assert found.evidence[0].state is State.FAILED


def test_the_same_code_is_the_same(tmp_path: Path) -> None:
    assert tried(tmp_path, SLOW_SUM, SLOW_SUM + "# a remark\n").accepted


def test_a_patched_test_is_objected_to_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(SLOW_SUM)
    (tmp_path / "test_m.py").write_text("def test(): assert 1\n")
    texts = {"m.py": SLOW_SUM.replace("out + x", "x + out"), "test_m.py": "def test(): pass\n"}
    found = verify(Target(tmp_path, "m.py"), Proposal("t", "o", "why", texts))
    assert found.evidence[0].state is State.FAILED
    assert found.calls == 0


@pytest.mark.slow
def test_a_candidate_that_ends_the_process_is_not_believed(tmp_path: Path) -> None:
    original = SLOW_SUM.replace("def total", "import os\n\ndef total")
    leaving = "import os\n\ndef total(xs: list[int]) -> int:\n    os._exit(0)\n"
    with_exit = original.replace("return out", "return out if out is not None else os._exit(0)")
    found = tried(tmp_path, with_exit, leaving)
    assert not found.accepted


@pytest.mark.slow
def test_a_function_may_be_named_like_one_of_our_own(tmp_path: Path) -> None:
    original = SLOW_SUM.replace("total", "take")
    assert tried(tmp_path, original, original.replace("out + x", "x + out")).accepted
    assert not tried(tmp_path, original, original.replace("out + x", "out - x")).accepted


@pytest.mark.slow
def test_a_candidate_that_cannot_be_repeated_is_not_believed(tmp_path: Path) -> None:
    original = (
        "import random\n\ndef pick(n: int) -> int:\n    return n + 0 * random.SystemRandom().randrange(2)\n"
    )
    found = tried(tmp_path, original, original.replace("0 *", "1 *"))
    assert not found.accepted


@pytest.mark.slow
def test_modules_that_the_target_imports_go_with_it(tmp_path: Path) -> None:
    original = "from near import one\n\n" + SLOW_SUM.replace("out = 0", "out = one - 1")
    found = tried(tmp_path, original, original.replace("out + x", "x + out"), near="one = 1\n")
    assert found.accepted


@pytest.mark.slow
def test_an_original_that_disagrees_with_itself_decides_nothing(tmp_path: Path) -> None:
    original = "import uuid\n\ndef name(n: int) -> str:\n    return str(uuid.uuid4())\n"
    found = tried(
        tmp_path, original, original.replace("return str(uuid.uuid4())", "return str(uuid.uuid4())[:]")
    )
    assert found.evidence[2].state is State.NOT_RUN


def test_calls_recorded_from_tests_are_tried_too(tmp_path: Path) -> None:
    """No value that is drawn opens this door."""
    wrong = "def total(xs: list[int]) -> int:\n    return sum(xs) if sum(xs) != 48_611 else 0\n"
    wrong = wrong.replace("48_611", "int('48' + '611')")
    (tmp_path / "m.py").write_text(SLOW_SUM)
    proposal = Proposal("t", "o", "why", {"m.py": wrong})
    calls = (RecordedCall("total", (("", "[48_611]"),), "test_m.py::test", 0.1),)
    found = verify(Target(tmp_path, "m.py"), proposal, effort=QUICK, recorded=Recorded({"m.py": calls}))
    assert found.evidence[2].state is State.FAILED


def test_recorded_calls_alone_prove_nothing(tmp_path: Path) -> None:
    """Whatever is drawn is refused; only what tests called has an answer."""
    original = "KEY = int('48' + '611')\n\ndef opened(key: int) -> int:\n    return {KEY: 1}[key]\n"
    (tmp_path / "m.py").write_text(original)
    proposal = Proposal("t", "o", "why", {"m.py": original.replace("{KEY: 1}", "{KEY: 2 - 1}")})
    calls = tuple(RecordedCall("opened", (("", f"{48_611 - at} + {at}"),), "t", 0.1) for at in range(60))
    found = verify(Target(tmp_path, "m.py"), proposal, effort=QUICK, recorded=Recorded({"m.py": calls}))
    assert found.evidence[2].state is State.NOT_RUN
    assert "0 of which returned beside" in found.evidence[2].reason


@pytest.mark.slow  # asks twice what an unannotated function takes
def test_recorded_calls_are_tried_beside_what_can_be_generated_and_not_in_its_place(tmp_path: Path) -> None:
    """Tests call it with texts alone; what it does with lists counts all the same, as without them."""
    original = "def first(xs):\n    return xs[0]\n"
    wrong = "def first(xs):\n    return xs[0] if isinstance(xs, str) or len(xs) < 3 else xs[1]\n"
    (tmp_path / "m.py").write_text(original)
    proposal = Proposal("t", "o", "why", {"m.py": wrong})
    calls = tuple(RecordedCall("first", (("", repr(text)),), "t", 0.1) for text in ("a", "bc", "d"))
    target = Target(tmp_path, "m.py")
    for recorded in (Recorded(), Recorded({"m.py": calls})):
        found = verify(target, proposal, effort=QUICK, recorded=recorded)
        assert found.evidence[2].state is State.FAILED


@pytest.mark.parametrize(
    "given",
    ["ys, /, xs", *(pytest.param(one, marks=pytest.mark.slow) for one in ("ys, xs", "a, b, ys, xs"))],
)
def test_every_kind_that_a_place_takes_is_tried_there_however_many_places_there_are(
    tmp_path: Path, given: str
) -> None:
    """Of two open parameters the first takes lists of lists: a set of its members fails on them."""
    rest = "    for x in xs:\n        out.append(x)\n    return out\n"
    loop = "    out = []\n    for y in ys:\n        if y not in out:\n            out.append(y)\n"
    found = tried(
        tmp_path,
        f"def f({given}):\n{loop}{rest}",
        f"def f({given}):\n    out = list(dict.fromkeys(ys))\n{rest}",
    )
    assert found.findings
    assert not found.accepted


def test_a_cache_that_halves_the_depth_of_a_recursion_is_no_equal(tmp_path: Path) -> None:
    plain = "def down(n: int) -> int:\n    return 0 if n <= 0 else down(n - 1) + 1\n"
    cached = plain.replace("def down", "import functools\n\n@functools.cache\ndef down")
    found = tried(tmp_path, plain, cached)
    assert "RecursionError" in str(found.findings[0])
