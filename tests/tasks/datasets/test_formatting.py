import re
from decimal import Decimal

import pytest

from bloomery.core.errors import UnknownName
from bloomery.tasks.datasets.catalog import SOURCES
from bloomery.tasks.datasets.formatting import (
    QUESTIONS,
    commonest_number,
    examples_of,
    final_number,
    questions_of,
    same_number,
    training_examples,
)
from bloomery.tasks.datasets.reading import Split, dataset
from bloomery.tasks.task import Example


def split_of(name, *records):
    return Split(name=name, split="test", benchmark="", licence="", content=list(records))


def test_gsm8k_loses_its_annotations_and_nothing_else():
    record = {"question": "How many? ", "answer": "2/2=<<2/2=1>>1 bolt\nSo 1,234\n#### 1,234"}
    (example,) = examples_of(split_of("gsm8k", record))
    assert example == Example("Question: How many?\nAnswer:", " 2/2=1 bolt\nSo 1,234\n#### 1,234", 0)
    assert final_number(example.answer) == 1234


def test_svamp_joins_body_and_question_and_writes_whole_numbers_whole():
    records = [
        {"Body": "A pack costs 76 dollars", "Question": "How much?", "Answer": 51.0},
        {"Body": "Half. ", "Question": "How much?", "Answer": 0.5},
    ]
    whole, half = examples_of(split_of("svamp", *records))
    assert whole == Example("Question: A pack costs 76 dollars. How much?\nAnswer:", " 51", 0)
    assert half == Example("Question: Half. How much?\nAnswer:", " 0.5", 0)


def test_mbpp_shows_its_tests_and_has_plain_line_ends():
    record = {"text": "Add.", "prompt": None, "test_list": ["assert f(1) == 2", "assert f(2) == 3"]}
    (example,) = examples_of(split_of("mbpp", record | {"code": "def f(x): \r\n\treturn x + 1\r\n"}))
    assert example.answer == "def f(x): \n\treturn x + 1\n"
    assert example.prompt.startswith("Add.\nYour code should pass these tests:\nassert f(1) == 2\n")


def test_arc_labels_may_be_letters_or_numbers():
    choices = [{"text": "iron", "label": "1"}, {"text": "coal ", "label": "2"}]
    record = {"question": {"stem": "Which burns?", "choices": choices}, "answerKey": "2"}
    (question,) = questions_of(split_of("arc-easy", record))
    assert (question.choices, question.right) == ((" iron", " coal"), 1)
    assert examples_of(split_of("arc-easy", record)) == [
        Example("Question: Which burns?\nAnswer:", " coal", 0)
    ]


def test_piqa_has_two_solutions():
    (question,) = questions_of(split_of("piqa", {"goal": "Cut.", "sol1": "bite", "sol2": "saw", "label": 1}))
    assert (question.prompt, question.choices, question.right) == (
        "Question: Cut.\nAnswer:",
        (" bite", " saw"),
        1,
    )


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("#### 18", 18),
        ("so 3 and 4", 4),
        ("1,234.50 dollars", "1234.5"),
        ("-7.", -7),
        ("$.75", "0.75"),
        ("5 #### six", None),
        ("1 #### 2 #### 3", 3),
        ("none", None),
        ("", None),
    ],
)
def test_the_final_number_of_a_text(text, number):
    assert final_number(text) == (None if number is None else Decimal(number))


def test_numbers_are_compared_as_numbers():
    example = Example("", "... #### 1,200", 0)
    assert same_number(example, "I think it is $1200.00") == 1.0
    for wrong in ("12", "1200 or 1201", "", "many"):
        assert same_number(example, wrong) == 0.0
    assert same_number(Example("", "nothing", 0), "nothing") == 0.0


def test_chance_is_the_commonest_number():
    assert commonest_number([Example("", text, 0) for text in ("1", "2", "1.0", "3")]) == 0.5


def test_data_sets_without_a_form_are_named():
    with pytest.raises(UnknownName, match="data set with choices 'gsm8k'"):
        questions_of(split_of("gsm8k"))
    with pytest.raises(UnknownName, match="'wikitext-2'"):
        examples_of(split_of("wikitext-2"))


def stems(name, split):
    """What is asked in the raw records, without looking at how it is formatted."""
    records = dataset(name, split, purpose="evaluate").records
    if name.startswith("arc"):
        return [row["question"]["stem"].strip() for row in records]
    return [(row.get("question") or row.get("text") or row["prompt"]).strip() for row in records]


@pytest.mark.parametrize(
    ("name", "repeated"), [("arc-easy", 11), ("arc-challenge", 6), ("gsm8k", 0), ("mbpp", 4)]
)
def test_what_is_asked_in_evaluation_is_not_trained_on(name, repeated, mirror):
    """ARC repeats some questions between its splits and parts, MBPP some texts with other tests."""
    families = {"arc": ["arc-easy", "arc-challenge"], "mbp": ["mbpp", "mbpp-sanitized"]}
    family = families.get(name[:3], [name])
    evaluated = {
        stem for one in family for split in set(SOURCES[one].splits) - {"train"} for stem in stems(one, split)
    }
    every = stems(name, "train")
    kept, dropped = training_examples(name)
    assert dropped == sum(stem in evaluated for stem in every) == repeated
    assert len(kept) == len(every) - repeated
    asked = {re.sub(r"^Question: |\n(Answer|Your code).*", "", one.prompt, flags=re.DOTALL) for one in kept}
    assert not asked & evaluated


def test_a_set_without_a_training_split_gives_no_training_examples(mirror):
    with pytest.raises(UnknownName, match="split of 'svamp' 'train'"):
        training_examples("svamp")


@pytest.mark.parametrize("name", sorted(QUESTIONS))
def test_every_question_of_the_mirror_has_its_right_answer_among_the_choices(name, mirror):
    questions = questions_of(dataset(name, "validation", purpose="evaluate"))
    assert all(0 <= one.right < len(one.choices) for one in questions)
    assert {len(one.choices) for one in questions} <= {2, 3, 4, 5}


def test_every_number_of_the_mirror_is_its_own_answer(mirror):
    for name in ("gsm8k", "svamp"):
        examples = examples_of(dataset(name, "test", purpose="evaluate"))
        assert all(same_number(one, one.answer) == 1.0 for one in examples)
        assert 0 < commonest_number(examples) < 0.1
