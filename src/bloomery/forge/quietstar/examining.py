"""What a model's own thoughts are worth: its accuracy with them, without, and with what only looks like them.

A thought is written greedily after the token that begins one; then the answer is judged as it always is.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core import machine
from bloomery.core.engine import values_of
from bloomery.core.errors import ConfigError
from bloomery.core.step import StepContext
from bloomery.forge.exams import Exam, Part, TaskExam, exams
from bloomery.forge.fitting import set_threads
from bloomery.forge.folders import load_model
from bloomery.forge.quietstar.conditions import Condition, Ids, conditioned
from bloomery.forge.quietstar.rows import filler_ids
from bloomery.forge.quietstar.tokens import thought_ids
from bloomery.forge.settings import ExamConfig
from bloomery.tasks.accuracy import Accuracy, Answered, evaluating, forced, summarize
from bloomery.tasks.batches import Piece, collate, length_of, pad_id, pieces, row
from bloomery.tasks.chains.chain import last_value
from bloomery.tasks.generation import continued
from bloomery.tasks.ingredient import Ingredient
from bloomery.tasks.task import Example, Task, benchmark
from bloomery.tasks.tokenizer import check_vocabulary, encode, end

BATCH = 64
Scored = tuple[bool, float]  # whether greedy decoding writes it, and the probability of a token of it


@dataclass(frozen=True)
class Coherence:
    """How a model's thoughts hang together, each from 0 to 1; reported, never trained on.

    `ended`: share that it ended by itself; `agreed`: share that come to the answer it then gives; `likely`:
    the mean over thoughts of the probability of a token (geometric mean over its tokens).
    """

    ended: float
    agreed: float
    likely: float


@dataclass(frozen=True)
class Thinking:
    """One task's outcomes, by condition: accuracies, and which examples were right, in the same order."""

    accuracy: Mapping[Condition, Accuracy]
    right: Mapping[Condition, Sequence[bool]]
    coherence: Coherence
    tokens: float  # the mean length of a thought
    shown: tuple[tuple[str, str], ...]  # some prompts and the thoughts about them


def under(condition: Condition, results: Mapping[str, Thinking]) -> dict[str, Accuracy]:
    """Each task's accuracy under one condition."""
    return {task: one.accuracy[condition] for task, one in results.items()}


def think(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: Sequence[Ids], *, tokens: int
) -> list[list[int]]:
    """The thought after each prompt's tokens, by greedy decoding, at most so many tokens.

    Raises: FormatRefused where the tokenizer has no thought tokens, or is not the model's.
    """
    check_vocabulary(model, tokenizer)
    start, stop = thought_ids(tokenizer)
    ends, pad = [stop, *end(tokenizer)], pad_id(tokenizer)
    found: list[list[int]] = []
    with evaluating(model):
        for at in range(0, len(prompts), BATCH):
            batch = [[*prompt, start] for prompt in prompts[at : at + BATCH]]
            found += continued(model, batch, tokens, pad=pad, ends=ends)
    return found


def examine(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, exam: TaskExam, *, tokens: int, seed: int
) -> Thinking:
    """A model's accuracy in one exam under every condition. Raises: ConfigError without two examples."""
    examples = sorted((replace(one, worked=()) for one in exam.examples), key=lambda one: len(one.prompt))
    asked = [pieces(example, tokenizer) for example in examples]
    thoughts = think(model, tokenizer, [_ids(parts[:-1]) for parts in asked], tokens=tokens)
    rng = random.Random(f"conditions/{seed}")
    given = conditioned(examples, thoughts, filler_ids(1, tokenizer), rng)
    right = {
        name: [one for one, _ in _score(model, tokenizer, _answered(asked, ids, tokenizer))]
        for name, ids in given.items()
    }
    accuracy = {name: _summarized(exam, examples, hits) for name, hits in right.items()}
    texts = [str(tokenizer.decode(ids)) for ids in thoughts]
    shown = tuple(zip([one.prompt for one in examples], texts, strict=True))[:: len(examples) // 2]
    return Thinking(
        accuracy=accuracy,
        right=right,
        coherence=_coherence(model, tokenizer, exam.task, asked, thoughts, texts, tokens),
        tokens=fmean(map(len, thoughts)),
        shown=shown,
    )


def own_accuracy(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, exam: TaskExam, *, tokens: int
) -> float:
    """The share of examples that are right after the model's own thought."""
    asked = [pieces(replace(example, worked=()), tokenizer) for example in exam.examples]
    thoughts = think(model, tokenizer, [_ids(parts[:-1]) for parts in asked], tokens=tokens)
    return fmean(hit for hit, _ in _score(model, tokenizer, _answered(asked, thoughts, tokenizer)))


def examine_folders(
    context: StepContext,
    folders: Mapping[str, Path],
    mixture: Mapping[str, Ingredient],
    exam: ExamConfig,
    part: Part,
    *,
    tokens: int,
) -> dict[str, dict[str, Thinking]]:
    """Each model's outcomes in each exam of a generated task, in worker processes.

    Raises: Failure naming the models that could not be examined; ConfigError without such a task.
    """
    examining = partial(
        _examine_folder, mixture=mixture, exam=exam, part=part, tokens=tokens, threads=machine.threads()
    )
    return values_of(
        context.map(examining, {name: str(path) for name, path in folders.items()}), "be examined"
    )


def _examine_folder(
    folder: str,
    *,
    mixture: Mapping[str, Ingredient],
    exam: ExamConfig,
    part: Part,
    tokens: int,
    threads: int,
) -> dict[str, Thinking]:
    set_threads(threads)
    model, tokenizer = load_model(Path(folder))
    given = generated(exams(mixture, exam, part))
    return {
        name: examine(model, tokenizer, one, tokens=tokens, seed=exam.seed) for name, one in given.items()
    }


def generated(given: Mapping[str, Exam]) -> dict[str, TaskExam]:
    """The exams whose answers are exact. Raises: ConfigError where there are none."""
    found = {name: exam for name, exam in given.items() if isinstance(exam, TaskExam)}
    if not found:
        raise ConfigError("thoughts are examined on generated tasks; name one in the mixture")
    return found


def _ids(parts: Sequence[Piece]) -> list[int]:
    return [token for ids, _ in parts for token in ids]


def _answered(
    asked: Sequence[Sequence[Piece]], thoughts: Sequence[Ids | None], tokenizer: PreTrainedTokenizerBase
) -> list[list[Piece]]:
    """Prompt, thought and answer, of which the answer is judged."""
    start, stop = thought_ids(tokenizer)
    return [
        [*parts[:-1], *([] if ids is None else [([start, *ids, stop], False)]), parts[-1]]
        for parts, ids in zip(asked, thoughts, strict=True)
    ]


def _score(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: Sequence[Sequence[Piece]]
) -> Iterator[Scored]:
    """Of each row: whether greedy decoding writes what is asked, and how likely a token of it is."""
    with evaluating(model):
        for at in range(0, len(rows), BATCH):
            some = rows[at : at + BATCH]
            longest = max(map(length_of, some))
            batch = collate(row(parts, longest, pad_id(tokenizer)) for parts in some)
            right, _, likely = forced(model, batch, {})
            yield from zip(right, likely, strict=True)


def _summarized(exam: TaskExam, examples: Sequence[Example], right: Sequence[bool]) -> Accuracy:
    answered = [
        Answered(one.difficulty, exam.task.chance(one.difficulty), hit)
        for one, hit in zip(examples, right, strict=True)
    ]
    return summarize(answered, benchmark(exam.task))


def _coherence(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    task: Task,
    asked: Sequence[Sequence[Piece]],
    thoughts: Sequence[Ids],
    texts: Sequence[str],
    tokens: int,
) -> Coherence:
    start, stop = thought_ids(tokenizer)
    told = [
        [*parts[:-1], ([start], False), ([*ids, stop], True)]
        for parts, ids in zip(asked, thoughts, strict=True)
    ]
    claims = [[*parts[:-1], (encode(tokenizer, last_value(task, text)) + end(tokenizer), True)]
              for parts, text in zip(asked, texts, strict=True)]  # fmt: skip
    agreed = _score(model, tokenizer, _answered(claims, thoughts, tokenizer))
    return Coherence(
        ended=fmean(len(ids) < tokens for ids in thoughts),
        agreed=fmean(same for same, _ in agreed),
        likely=fmean(likely for _, likely in _score(model, tokenizer, told)),
    )
