"""Tests as text: what is said of a case, under which name, and which cases are worth saying."""

import ast
from pathlib import Path

import pytest

from bloomery.source.mutating.mutants import mutants
from bloomery.source.python import parse_text
from bloomery.source.testing.callees import callees
from bloomery.source.testing.cases import Case, Seen
from bloomery.source.testing.choosing import choose, sayable
from bloomery.source.testing.laws import lawful, strategy
from bloomery.source.testing.naming import name_of, unique
from bloomery.source.testing.searching import Found
from bloomery.source.testing.tables import tabled
from bloomery.source.testing.writing import equality, file_text, write

OWN = frozenset({"f", "Queue", "Overdrawn"})
NONE: frozenset[str] = frozenset()


def returned(text: str, **more: object) -> Seen:
    return Seen("returned", text, "int", "builtins", text, **more)  # type: ignore[arg-type]


def body(case: Case, seen: Seen, parts: frozenset[str] = NONE) -> list[str]:
    text = write(case, seen, parts, set(), OWN).text
    return [line.strip() for line in text.splitlines()[1:]]


@pytest.mark.parametrize(
    ("call", "seen", "said"),
    [
        ("f(1)", returned("3"), ["assert f(1) == 3"]),
        ("f(1)", returned("True"), ["assert f(1) is True"]),
        ("f(1)", returned("None"), ["assert f(1) is None"]),
        ("f(1)", returned("0.30000000000000004"), ["assert f(1) == pytest.approx(0.30000000000000004)"]),
        ("f(1)", returned("0.25"), ["assert f(1) == 0.25"]),
        ("f(1)", returned('float("nan")'), ["assert math.isnan(f(1))"]),
        ("f(1)", returned("[1, 2]", stream=True), ["assert list(f(1)) == [1, 2]"]),
        (
            "f(1)",
            Seen("raised", "", "Overdrawn", "rules"),
            ["with pytest.raises(Overdrawn):", "f(1)"],
        ),
        (
            "f(1)",
            Seen("returned", "", "Queue", "rules", None, attributes={"size": "3"}),
            ["queue = f(1)", "assert queue.size == 3"],
        ),
    ],
)
def test_what_was_seen_is_what_is_asserted(call: str, seen: Seen, said: list[str]):
    assert body(Case("f", (), call), seen) == said


def test_a_changed_argument_is_asserted_and_one_left_alone_stands_in_the_call():
    case = Case("f", ("items = [2, 1]",), "f(items)", ("items",))
    changed = returned("None", after={"items": "[1, 2]"}, changed=("items",), before={"items": "[2, 1]"})
    assert body(case, changed) == ["items = [2, 1]", "f(items)", "assert items == [1, 2]"]
    alone = returned("3", after={"items": "[2, 1]"})
    assert body(case, alone) == ["assert f([2, 1]) == 3"]
    assert body(case, alone, frozenset({"after"}))[-1] == "assert items == [2, 1]"
    assert body(case, alone, frozenset({"type"}))[-1] == "assert type(result) is int"


def test_only_the_attributes_that_changed_are_asserted():
    case = Case("Queue.pop", ("queue = Queue(3)",), "queue.pop()", ("queue",))
    seen = returned(
        "1",
        after={"queue": {"items": "[]", "limit": "3"}},
        changed=("queue",),
        before={"queue": {"items": "[1]", "limit": "3"}},
    )
    assert body(case, seen) == ["queue = Queue(3)", "assert queue.pop() == 1", "assert queue.items == []"]


@pytest.mark.parametrize(
    ("case", "seen", "name"),
    [
        (Case("f", (), "f(1, -2)"), returned("3"), "test_f_of_1_and_minus_2_is_3"),
        (Case("f", (), "f([])"), returned("None"), "test_f_of_an_empty_list_is_none"),
        (
            Case("f", (), "f('')"),
            Seen("raised", "", "ValueError"),
            "test_f_of_an_empty_text_raises_value_error",
        ),
        (
            Case("Queue.pop", ("queue = Queue(2)", "queue.push(1)"), "queue.pop()"),
            returned("1"),
            "test_queue_pop_after_push_is_1",
        ),
        (Case("Queue.__len__", ("queue = Queue()",), "len(queue)"), returned("0"), "test_queue_len_is_0"),
    ],
)
def test_names_are_claims(case: Case, seen: Seen, name: str):
    assert name_of(case, seen, NONE) == name


def test_long_names_lose_detail_and_equal_ones_get_numbers():
    many = Case("f", (), f"f({', '.join(repr('abcdefghijkl') for _ in range(9))})")
    assert len(name_of(many, returned("3"), NONE)) <= 88
    taken = {"test_f"}
    assert [unique("test_f", taken), unique("test_f", taken)] == ["test_f_case_2", "test_f_case_3"]


def test_a_file_imports_what_its_tests_use():
    tests = [
        write(
            Case("f", (), "f(Decimal('1'))", (), "type", (("Decimal", "decimal"),)),
            returned("3"),
            NONE,
            set(),
            OWN,
        ),
        write(Case("f", (), "f(2)"), Seen("raised", "", "Overdrawn", "rules"), NONE, set(), OWN),
    ]
    tree = ast.parse(file_text("shop.rules", tests))
    said = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert said == ["from decimal import Decimal", "import pytest", "from shop.rules import Overdrawn, f"]


def test_plain_calls_become_one_table():
    chosen = [
        (Case("f", (), "f(1)"), returned("2"), NONE),
        (Case("f", (), "f(2)"), returned("0.30000000000000004"), NONE),
        (Case("f", ("a = [1]",), "f(a)"), returned("3"), NONE),
    ]
    table, single = tabled(chosen, OWN)
    assert "((1,), 2)," in table.text
    assert "((2,), pytest.approx(0.30000000000000004))," in table.text
    assert "def test_f_gives_what_it_gave(given, expected):" in table.text
    assert "assert f([1]) == 3" in single.text


def test_laws_are_proposed_for_what_has_types_that_can_be_drawn():
    text = (
        "def encode(text: str) -> list[int]: ...\ndef decode(codes: list[int]) -> str: ...\n"
        "def larger(a: int, b: int) -> int: ...\ndef odd(x): ...\n"
    )
    parsed = parse_text(text, Path("rules.py"))
    names = {one.name for one in lawful(parsed, callees(parsed))}
    assert {"test_decode_undoes_encode", "test_encode_undoes_decode"} <= names
    assert {
        "test_larger_does_not_care_which_comes_first",
        "test_larger_of_equal_values_is_that_value",
    } <= names
    assert not any("odd" in name for name in names)
    assert strategy("dict[str, list[bool]]") is not None
    assert strategy("Path") is None


def test_few_and_simple_cases_are_chosen_that_notice_all():
    parsed = parse_text("def f(n):\n    return n + 1 if n > 2 else n - 1\n", Path("rules.py"))
    found = Found(mutants(parsed, "f"))
    for number, (call, lines) in enumerate(
        [("f(123456)", {2}), ("f(1)", {2}), ("f(3)", {2}), ("f(4)", {2, 9})]
    ):
        found.cases[number] = Case("f", (), call)
        found.seen[number] = Seen("returned", "1", "int", "builtins", "1", lines=frozenset(lines))
    value = frozenset({"value"})
    found.kills = {0: {0: value, 1: value}, 1: {2: value, 0: value}, 2: {1: value}}
    assert [one.number for one in choose(found, {0, 1, 2}, set())] == [1, 2]
    assert [one.number for one in choose(found, {0, 1, 2}, {9})] == [1, 2, 3]
    found.unstable.add(1)
    assert [one.number for one in choose(found, {0, 1}, set())] == [0]


def test_what_cannot_be_pinned_is_not_said():
    assert not sayable(returned("[" + "1, " * 200 + "]"))
    assert not sayable(returned('[float("nan")]'))
    assert not sayable(Seen("raised", "", "f.<locals>.Odd"))
    assert not sayable(Seen("returned", "", "Queue", "rules", None))
    assert equality("{'a': 1.123456789}") == "pytest.approx({'a': 1.123456789})"
    assert equality("[[1.123456789]]") == "[[1.123456789]]"
