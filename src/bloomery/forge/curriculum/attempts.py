"""Attempts: what a model writes to the problems of a pool, and which of that is right."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.forge.curriculum.lessons import Lesson, lesson
from bloomery.forge.curriculum.pool import HINTS, Problem, hint
from bloomery.forge.curriculum.sampling import sampled, texts_of
from bloomery.tasks.task import Task
from bloomery.tasks.tokenizer import encode

Attempt = Callable[[PreTrainedModel, PreTrainedTokenizerBase, Sequence[Problem], int], list[str]]


@dataclass(frozen=True)
class Tried:
    """The whole answer to a problem, its hint included, and whether the task's scorer accepts it."""

    problem: Problem
    text: str
    right: bool


@dataclass(frozen=True)
class OwnWords:
    """The model goes on from the prompt and the hint at a temperature, for as long as the answer is."""

    temperature: float

    def __call__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        problems: Sequence[Problem],
        seed: int,
    ) -> list[str]:
        given = [hint(problem) for problem in problems]
        length = max(len(encode(tokenizer, problem.example.answer)) for problem in problems)
        prompts = [one.example.prompt + shown for one, shown in zip(problems, given, strict=True)]
        rows = sampled(
            model, tokenizer, prompts,
            max_new_tokens=length + 1, temperature=self.temperature, seed=seed,
        )  # fmt: skip
        return [shown + text for shown, text in zip(given, texts_of(tokenizer, rows), strict=True)]


def tried(
    attempt: Attempt,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    problems: Sequence[Problem],
    tasks: Mapping[str, Task],
    seed: int,
) -> list[Tried]:
    """An attempt at each problem, graded by its task's scorer."""
    texts = attempt(model, tokenizer, problems, seed)
    return [
        Tried(problem, text, tasks[problem.task].score(problem.example, text) >= 1.0)
        for problem, text in zip(problems, texts, strict=True)
    ]


def solutions(attempts: Sequence[Tried]) -> list[Lesson]:
    """What is learned from attempts: verified texts, without their hints; after the last hint, the answer.

    Source: rejection sampling as in arXiv 2203.14465 (STaR), whose rationalisation is a hint of the answer
    """
    found = []
    for one in attempts:
        if one.right:
            found.append(lesson(one.problem.example, one.text, one.problem.hints))
        elif one.problem.hints == HINTS:
            found.append(lesson(one.problem.example, one.problem.example.answer, HINTS))
    return found


def dreams(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    about: Sequence[Lesson],
    *,
    count: int,
    temperature: float,
    seed: int,
) -> list[Lesson]:
    """The model's own answers, at a high temperature and ungraded, to prompts that it has seen.

    Differs from the seed: prompts are remembered, since a model that was taught answers cannot write prompts.
    """
    rng = random.Random(f"dreams/{seed}")
    chosen = rng.sample(about, min(count, len(about)))
    if not chosen:
        return []
    length = max(len(encode(tokenizer, one.answer)) for one in chosen)
    rows = sampled(
        model, tokenizer, [one.prompt for one in chosen],
        max_new_tokens=length + 1, temperature=temperature, seed=seed,
    )  # fmt: skip
    return [lesson(one.example(), text) for one, text in zip(chosen, texts_of(tokenizer, rows), strict=True)]
