"""Every chain of every task in every strategy, against partial results that are found another way."""

import random
import re
from collections import Counter
from functools import cache
from itertools import product

import pytest

from bloomery.core.errors import UnknownName
from bloomery.tasks.chains.chain import STRATEGIES, chain, last_value, written
from bloomery.tasks.chains.working import WORKINGS
from bloomery.tasks.registry import TASKS, task
from bloomery.tasks.splitting import side_of
from bloomery.tasks.task import Example

VARIANTS = {
    **TASKS,
    "sums of two-digit numbers": task("chained_sums", largest=99),
    "modular mix": task("modular_arithmetic", modulus=10, operators="+-*"),
    "modular products": task("modular_arithmetic", modulus=6, operators="*"),
    "recall of two-letter keys": task("recall", key_length=2),
    "recall, three questions": task("recall", questions=3),
    "needle in small blocks": task("needle", block=3),
}

every_task = pytest.mark.parametrize("name", VARIANTS)


def drawn(name, count=6):
    """Examples from easy to hard."""
    subject = VARIANTS[name]
    for level in (*subject.difficulties[:4], subject.difficulties[-1]):
        rng = random.Random(f"{name}/{level}")
        for _ in range(count):
            yield subject.example(rng, level)


def from_left_to_right(expression, modulus):
    """Without any reduction before the end: brackets around each operation in turn."""
    first, *operations = re.findall(r"^\d+|[-+*]\d+", expression)
    return eval("(" * len(operations) + first + "".join(f"{one})" for one in operations)) % modulus


def in_order(digits):
    count = Counter(digits)
    return "".join(digit * count[digit] for digit in "0123456789")


def sums(_, prompt):
    terms = prompt[:-1].split("+")
    add = lambda some: str(eval("+".join(some)))  # noqa: E731
    ends = range(1, len(terms) + 1)
    half = len(terms) // 2
    return (
        [add(terms[:end]) for end in ends],
        [add(terms[-end:]) for end in ends],
        [add(terms[:half]), add(terms[half:]), add(terms)],
    )


def parity(_, prompt):
    odd = lambda bits: str(int(bits, 2).bit_count() % 2)  # noqa: E731
    bits = prompt[:-1]
    ends, half = range(1, len(bits) + 1), len(bits) // 2
    return (
        [odd(bits[:end]) for end in ends],
        [odd(bits[-end:]) for end in ends],
        [odd(bits[:half]), odd(bits[half:]), odd(bits)],
    )


def sorting(_, prompt):
    digits = prompt[:-1]
    ends, half = range(1, len(digits) + 1), len(digits) // 2
    return (
        [in_order(digits[:e]) for e in ends],
        [in_order(digits[-e:]) for e in ends],
        [in_order(digits[:half]), in_order(digits[half:]), in_order(digits)],
    )


def modular(subject, prompt):
    """From the end, the map x -> ax + b is the one that agrees with the operations wherever x begins."""
    first, *operations = re.findall(r"^\d+|[-+*]\d+", prompt)
    modulus, half = subject.modulus, len(operations) // 2

    def value(start, some):
        return from_left_to_right(f"{start}{''.join(some)}", modulus)

    def as_map(some):
        wanted = [value(x, some) for x in range(modulus)]
        every = product(range(modulus), repeat=2)
        ((a, b),) = [(a, b) for a, b in every if [(a * x + b) % modulus for x in range(modulus)] == wanted]
        return f"{a}x{b}" if "*" in subject.operators else str(b)

    values = [str(value(first, operations[:end])) for end in range(len(operations) + 1)]
    maps = [as_map(operations[start:]) for start in reversed(range(len(operations)))]
    return values, [*maps, values[-1]], [values[half], as_map(operations[half:]), values[-1]]


def recall(subject, prompt):
    pairs, *asked = prompt.split("?")
    shown = re.findall(rf"[a-z]{{{subject.key_length}}}\d", pairs)
    value = re.search(rf"(?:\d|^){asked[-1]}(\d)", pairs)[1]
    is_it = [one.startswith(asked[-1]) for one in shown]
    until, backwards = is_it.index(True), is_it[::-1].index(True)
    first = until < len(shown) // 2
    return (
        [*shown[: until + 1], value],
        [*shown[::-1][: backwards + 1], value],
        [value if first else "-", "-" if first else value, value],
    )


def needle(subject, prompt):
    straw, digit = prompt[:-1], re.search(r"#(\d)", prompt)[1]
    blocks = [straw[at : at + subject.block] for at in range(0, len(straw), subject.block)]
    told = [digit if "#" in block else "-" for block in blocks]
    halves = [digit if "#" in half else "-" for half in (straw[: len(straw) // 2], straw[len(straw) // 2 :])]
    return told[: told.index(digit) + 1], told[::-1][: told[::-1].index(digit) + 1], [*halves, digit]


ORACLES = {
    "chained_sums": sums,
    "modular_arithmetic": modular,
    "needle": needle,
    "parity": parity,
    "recall": recall,
    "sorting": sorting,
}


@cache
def expected(name, example):
    """The partial results from the beginning, those from the end, and those of the halves."""
    return ORACLES[VARIANTS[name].name](VARIANTS[name], example.prompt)


def between(name):
    """What stands between partial results: nothing, where each is one character and the task is parity."""
    return "" if name == "parity" else ","


def in_turn(name, text):
    return text.split(",") if between(name) else list(text)


def check_analogy(name, text, partials):
    """Another prompt that no test holds, rightly answered; then this one."""
    head, work = text.split("~")
    size = len(re.search(r"[^=]*$", head)[0]) if "=" in head else 1
    simple = Example(head[:-size], head[-size:], 0)
    assert in_turn(name, work) == partials
    assert expected(name, simple)[0][-1] == simple.answer
    assert side_of(simple.prompt) == "train"


def check_correction(name, text, partials):
    """The slip is none of what it stands for, and what stands behind it is."""
    before, after = (in_turn(name, half) for half in text.split("!"))
    *earlier, slip = before
    assert slip != after[0]
    assert [*earlier, *after] == partials


@every_task
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_partial_result_of_a_chain_is_right_and_the_last_is_the_answer(name, strategy):
    for example in drawn(name):
        partials, again, parts = expected(name, example)
        text = chain(VARIANTS[name], example, strategy, random.Random(example.prompt))
        match strategy:
            case "chain_of_thought":
                assert in_turn(name, text) == partials
            case "self_check":
                assert [in_turn(name, one) for one in text.split(";")] == [partials, again]
            case "decomposition":
                assert text.split("|") == parts
            case "analogy":
                check_analogy(name, text, partials)
            case "verification":
                assert text == f"{partials[-1]}?{between(name).join(partials)}"
            case "sketch":
                every_other = [one for at, one in enumerate(reversed(partials)) if at % 2 == 0][::-1]
                assert in_turn(name, text) == every_other
            case _:
                check_correction(name, text, partials)
        assert last_value(VARIANTS[name], text) == example.answer == partials[-1] == again[-1] == parts[-1]


@every_task
def test_a_slip_is_marked_in_one_strategy_and_only_there(name):
    for example in drawn(name, count=2):
        for strategy in STRATEGIES:
            found = written(VARIANTS[name], example, strategy, random.Random(1))
            if strategy != "self_correction":
                assert found.slip is None
                continue
            start, stop = found.slip
            assert found.text[stop] == "!"
            assert start == 0 or not between(name) or found.text[start - 1] == ","
            assert "," not in found.text[start:stop]


def test_slips_stand_anywhere_in_a_chain():
    example = Example("3+5+9+2=", "19", 4)
    places = {
        written(TASKS["chained_sums"], example, "self_correction", random.Random(seed))
        .text.split("!")[0]
        .count(",")
        for seed in range(40)
    }
    assert places == {0, 1, 2, 3}


@every_task
def test_equal_seeds_write_equal_chains(name):
    (example, *_) = drawn(name, count=1)
    for strategy in STRATEGIES:
        texts = [chain(VARIANTS[name], example, strategy, random.Random(5)) for _ in range(2)]
        assert texts[0] == texts[1]


def test_chains_are_as_the_strategies_page_shows_them():
    example = Example("3+5+9+2=", "19", 4)
    texts = {name: chain(TASKS["chained_sums"], example, name, random.Random(0)) for name in STRATEGIES}
    assert texts["chain_of_thought"] == "3,8,17,19"
    assert texts["self_check"] == "3,8,17,19;2,11,16,19"
    assert texts["decomposition"] == "8|11|19"
    assert texts["verification"] == "19?3,8,17,19"
    assert texts["sketch"] == "8,19"
    bits = Example("1011=", "1", 4)
    texts = {name: chain(TASKS["parity"], bits, name, random.Random(0)) for name in STRATEGIES}
    assert (texts["chain_of_thought"], texts["self_check"]) == ("1101", "1101;1001")
    assert (texts["decomposition"], texts["verification"], texts["sketch"]) == ("1|0|1", "1?1101", "11")


def test_every_task_of_the_registry_has_chains():
    assert set(WORKINGS) == set(TASKS)


def test_an_unknown_strategy_or_task_is_refused_with_the_nearest_name():
    example = Example("3+5=", "8", 2)
    with pytest.raises(UnknownName, match="self_check"):
        chain(TASKS["chained_sums"], example, "selfcheck", random.Random(0))

    class Strange:
        name = "chained_sum"

    with pytest.raises(UnknownName, match="chained_sums"):
        chain(Strange(), example, "sketch", random.Random(0))
