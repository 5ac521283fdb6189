"""Attempts: what a model writes to the problems of a pool, and which of that is right."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.forge.curriculum.lessons import Lesson, lesson
from bloomery.forge.curriculum.pool import HINTS, Problem, hint
from bloomery.forge.curriculum.sampling import sampled, texts_of
from bloomery.tasks.task import Example, Task
from bloomery.tasks.tokenizer import encode


@dataclass(frozen=True)
class Reply:
    """A whole answer, its hint included; `shown` is the problem with what was called before, if anything."""

    text: str
    shown: Example | None = None


Attempt = Callable[[PreTrainedModel, PreTrainedTokenizerBase, Sequence[Problem], int], list[Reply]]


@dataclass(frozen=True)
class Tried:
    """A reply to a problem, and whether the task's scorer accepts it."""

    problem: Problem
    reply: Reply
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
    ) -> list[Reply]:
        given = [hint(problem) for problem in problems]
        length = max(len(encode(tokenizer, problem.example.answer)) for problem in problems)
        prompts = [one.example.prompt + shown for one, shown in zip(problems, given, strict=True)]
        rows = sampled(
            model, tokenizer, prompts,
            max_new_tokens=length + 1, temperature=self.temperature, seed=seed,
        )  # fmt: skip
        return [Reply(shown + text) for shown, text in zip(given, texts_of(tokenizer, rows), strict=True)]


def tried(
    attempt: Attempt,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    problems: Sequence[Problem],
    tasks: Mapping[str, Task],
    seed: int,
) -> list[Tried]:
    """An attempt at each problem, graded by its task's scorer."""
    replies = attempt(model, tokenizer, problems, seed)
    return [
        Tried(problem, reply, tasks[problem.task].score(problem.example, reply.text) >= 1.0)
        for problem, reply in zip(problems, replies, strict=True)
    ]


def solutions(attempts: Sequence[Tried]) -> list[Lesson]:
    """What is learned from attempts: verified texts, without their hints; after the last hint, the answer.

    Source: rejection sampling as in arXiv 2203.14465 (STaR), whose rationalisation is a hint of the answer
    """
    found = []
    for one in attempts:
        if one.right:
            found.append(lesson(one.reply.shown or one.problem.example, one.reply.text, one.problem.hints))
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

    The prompts are remembered, since a model that was taught answers cannot write prompts.
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
