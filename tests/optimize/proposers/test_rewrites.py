"""Each rewrite fires on its pattern, keeps what the function does, and is refused near a broken condition."""

import copy
import io
import random
import re
import tokenize
from pathlib import Path

import numpy as np
import pytest

from bloomery.optimize.proposers.rewrites.catalogue import Rewritten, rewritten
from bloomery.optimize.proposers.rewrites.program import Program
from bloomery.optimize.proposers.rewriting import catalogue

CATALOGUE = catalogue().catalogue
INPUTS = 60


def read_cases():
    text = (Path(__file__).parent / "rewrites.txt").read_text()
    parts = re.split(r"^=== (.+)\n", text, flags=re.MULTILINE)[1:]
    return {parts[i]: re.split(r"^--- ", parts[i + 1], flags=re.MULTILINE) for i in range(0, len(parts), 2)}


CASES = read_cases()
NAMES = sorted(CASES)


def near_misses(kind):
    for name, (program, *sections) in CASES.items():
        for section in sections:
            head, _, body = section.partition("\n")
            if head.startswith(f"{kind}: "):
                changed = program
                for line in body.strip("\n").split("\n"):
                    old, _, put = line.replace("\\n", "\n").partition(" => ")
                    changed = changed.replace(old, put)
                yield pytest.param(name, program, changed, id=f"{name}: {head.removeprefix(f'{kind}: ')}")


def fired(case: str, program: str) -> list[Rewritten]:
    """`case` is a rewrite's name, or that and a variant: `name (variant)`."""
    name = case.partition(" ")[0]
    return list(rewritten(Program(program), {name: CATALOGUE[name]}))


def drawn(name: str, seed: int):
    rng = random.Random(seed)

    def number():
        return rng.randint(-4, 9)

    def ints():
        return [number() for _ in range(rng.randint(0, 7))]

    def word():
        return "".join(rng.choice("abcdé.") for _ in range(rng.randint(0, 6)))

    def words():
        return [word()[:2] for _ in range(rng.randint(0, 6))]

    known = {"rng": rng, "number": number, "ints": ints, "word": word, "words": words, "np": np}
    expression = next(part for part in CASES[name] if part.startswith("draw: ")).partition(": ")[2]
    return eval(expression, known)


def outcome(program: str, given):
    module = {}
    exec(program, module)
    given = copy.deepcopy(given)
    try:
        told = module["f"](*given)
    except Exception as error:  # edge: what a program raises is its answer
        return repr(error), repr(given)
    return repr(told), repr(given)


def comments(text: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return sorted(token.string for token in tokens if token.type == tokenize.COMMENT)


def test_every_rewrite_of_the_catalogue_has_a_case_here():
    assert {case.partition(" ")[0] for case in CASES} == set(CATALOGUE)
    assert len(CATALOGUE) >= 30


@pytest.mark.parametrize("name", NAMES)
def test_it_fires_on_its_pattern_and_says_whether_that_is_proven(name):
    found = fired(name, CASES[name][0])
    assert found, "it does not fire"
    candidate = any(part.startswith("candidate") for part in CASES[name])
    assert [bool(one.doubts) for one in found] == [candidate] * len(found), found[0].doubts


@pytest.mark.parametrize("name", NAMES)
def test_what_it_makes_behaves_like_the_original(name):
    program = CASES[name][0]
    for made in fired(name, program):
        for seed in range(INPUTS):
            given = drawn(name, seed)
            assert outcome(made.text, given) == outcome(program, given), (given, made.text)


@pytest.mark.parametrize("name", NAMES)
def test_comments_are_kept_and_what_is_elsewhere_byte_for_byte(name):
    tail = "\n\nKEPT = {  # why\n  'a' :1 ,\n}   # odd spacing\n"
    program = "# é first\n" + CASES[name][0].replace("\n    ", "\n    # inside\n    ", 1) + tail
    for made in fired(name, program):
        assert made.text.startswith("# é first\n")
        assert made.text.endswith(tail)
        assert comments(made.text) == comments(program)


@pytest.mark.parametrize("name", NAMES)
def test_it_does_not_fire_twice_on_what_it_made(name):
    made = fired(name, CASES[name][0])[0]
    assert made.text not in [again.text for again in fired(name, made.text)]


@pytest.mark.parametrize(("name", "program", "changed"), list(near_misses("refused")))
def test_a_near_miss_is_refused(name, program, changed):
    assert changed != program
    compile(changed, name, "exec")
    assert [(one.text, one.doubts) for one in fired(name, changed)] == []


@pytest.mark.parametrize(("name", "program", "changed"), list(near_misses("doubted")))
def test_a_near_miss_is_no_longer_called_proven(name, program, changed):
    assert changed != program
    found = fired(name, changed)
    assert found, "it does not fire at all"
    assert all(one.doubts for one in found)


@pytest.mark.parametrize("name", ["indexed-pair", "indexed-pair (any other)"])
def test_a_pair_that_is_found_at_once_needs_no_index(name):
    """What comes behind it is not looked at; it could not even be hashed."""
    program = CASES[name][0]
    (made,) = fired(name, program)
    assert outcome(made.text, ([1, 2, []], 3)) == outcome(program, ([1, 2, []], 3))


DEEP = """\
def f(n: int) -> int:
    if n <= 0:
        return 1
    return f(n - 1) + (f(n - 2) if n < 6 else 0)
"""
DEEP_INSIDE = """\
def f(n: int) -> int:
    def down(left: int) -> int:
        if left <= 0:
            return 1
        return down(left - 1) + (down(left - 2) if left < 6 else 0)

    return down(n)
"""


@pytest.mark.parametrize(("program", "frames"), [(DEEP, 1), (DEEP_INSIDE, 0)])
def test_what_remembers_answers_goes_as_deep_as_the_original(program, frames):
    """To the recursion limit; where the function becomes one inside of it, but for that one frame."""
    (made,) = fired("remembered-answers", program)

    def deepest(text):
        return next(n for n in range(980, 0, -1) if "RecursionError" not in outcome(text, (n,))[0])

    assert deepest(program) - deepest(made.text) == frames
