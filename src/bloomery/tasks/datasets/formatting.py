"""Records of the data sets as prompts and answers, and as multiple-choice questions.

Every prompt of a question ends in "Answer:" and every answer begins with a space.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from bloomery.core.errors import UnknownName
from bloomery.tasks.choice import Question
from bloomery.tasks.datasets.catalog import SOURCES
from bloomery.tasks.datasets.reading import Record, Split, dataset
from bloomery.tasks.task import Example

T = TypeVar("T")
ANNOTATION = re.compile(r"<<[^>]*>>")
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?|-?\.\d+")


def examples_of(split: Split) -> list[Example]:
    """Prompts and answers to train on, or to answer in writing.

    Raises: UnknownName for a data set without such a form.
    """
    form = _form(split, EXAMPLES, "prompts and answers")
    return [form(record) for record in split.records]


def training_examples(name: str, *, cache: Path | None = None) -> tuple[list[Example], int]:
    """The training split without what an evaluation split asks too, and how many examples these were.

    ARC repeats some questions across its own splits and across Easy and Challenge, MBPP some texts with
    other tests.
    """
    every = dataset(name, "train", purpose="train", cache=cache)
    form = _form(every, EXAMPLES, "prompts and answers")
    family = next((some for some in FAMILIES if name in some), (name,))
    evaluated = {
        _what_is_asked(record)
        for member in family
        for split, part in SOURCES[member].splits.items()
        if not part.train
        for record in dataset(member, split, purpose="evaluate", cache=cache).records
    }
    kept = [form(record) for record in every.records if _what_is_asked(record) not in evaluated]
    return kept, len(every) - len(kept)


def _what_is_asked(record: Record) -> str:
    """The words of a question, in any case and spacing; of PIQA, whose goals recur, with solutions."""
    question = record.get("question") or record.get("text") or record.get("prompt")
    if isinstance(question, Mapping):
        question = question["stem"]
    words = question or f"{record['goal']} {record['sol1']} {record['sol2']}"
    return " ".join(words.lower().split())


def questions_of(split: Split) -> list[Question]:
    """Multiple-choice questions.

    Raises: UnknownName for a data set without choices.
    """
    form = _form(split, QUESTIONS, "choices")
    return [form(record) for record in split.records]


def final_number(text: str) -> Decimal | None:
    """The number after the last `####`, else the last number of all."""
    numbers = NUMBER.findall(text.rsplit("####", 1)[-1])
    return Decimal(numbers[-1].replace(",", "")) if numbers else None


def same_number(example: Example, text: str) -> float:
    """1 where the text ends in the number in which the example's answer ends, however it is written."""
    found = final_number(text)
    return float(found is not None and found == final_number(example.answer))


def commonest_number(examples: list[Example]) -> float:
    """The chance level of number answers: always the one that is commonest among these."""
    numbers = Counter(final_number(example.answer) for example in examples)
    return numbers.most_common(1)[0][1] / len(examples)


def _form(split: Split, forms: Mapping[str, Callable[[Record], T]], what: str) -> Callable[[Record], T]:
    if split.name not in forms:
        raise UnknownName(f"data set with {what}", split.name, forms)
    return forms[split.name]


def _asked(question: str) -> str:
    return f"Question: {question.strip()}\nAnswer:"


def _gsm8k(record: Record) -> Example:
    """Without the calculator annotations, which are no part of the text."""
    return Example(_asked(record["question"]), f" {ANNOTATION.sub('', record['answer'])}", 0)


def _svamp(record: Record) -> Example:
    body = record["Body"].strip()
    question = f"{body if body.endswith(('.', '?', '!')) else body + '.'} {record['Question'].strip()}"
    answer = Decimal(str(record["Answer"]))
    whole = answer == answer.to_integral_value()
    return Example(_asked(question), f" {int(answer) if whole else answer.normalize()}", 0)


def _mbpp(record: Record) -> Example:
    """Text and tests as in the paper that introduced it; the sanitized set calls the text its prompt."""
    text = record.get("text") or record["prompt"]
    tests = "\n".join(record["test_list"])
    return Example(
        f"{text}\nYour code should pass these tests:\n{tests}\nAnswer:\n", _code(record["code"]), 0
    )


def _code(code: str) -> str:
    return code.replace("\r\n", "\n").strip() + "\n"


def _arc(record: Record) -> Question:
    choices = record["question"]["choices"]
    labels = [choice["label"] for choice in choices]
    texts = tuple(f" {choice['text'].strip()}" for choice in choices)
    return Question(_asked(record["question"]["stem"]), texts, labels.index(record["answerKey"]))


def _piqa(record: Record) -> Question:
    texts = tuple(f" {record[key].strip()}" for key in ("sol1", "sol2"))
    return Question(_asked(record["goal"]), texts, record["label"])


def _right(form: Callable[[Record], Question]) -> Callable[[Record], Example]:
    """The question with its right choice, to train on."""

    def example(record: Record) -> Example:
        question = form(record)
        return Example(question.prompt, question.choices[question.right], 0)

    return example


FAMILIES = (("arc-challenge", "arc-easy"), ("mbpp", "mbpp-sanitized"))
QUESTIONS: Mapping[str, Callable[[Record], Question]] = {
    "arc-challenge": _arc,
    "arc-easy": _arc,
    "piqa": _piqa,
}
EXAMPLES: Mapping[str, Callable[[Record], Example]] = {
    "gsm8k": _gsm8k,
    "mbpp": _mbpp,
    "mbpp-sanitized": _mbpp,
    "svamp": _svamp,
    **{name: _right(form) for name, form in QUESTIONS.items()},
}
