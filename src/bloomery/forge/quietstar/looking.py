"""A folder that was taught to think beside the one that it was taught from, on held-out examples."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core import machine
from bloomery.core.errors import UserError
from bloomery.forge.editing import ternary_of
from bloomery.forge.exams import TaskExam, exams, sit
from bloomery.forge.fitting import set_threads
from bloomery.forge.folders import load_model
from bloomery.forge.full_models import load_full
from bloomery.forge.quietstar.conditions import CONDITIONS, Condition
from bloomery.forge.quietstar.examining import Thinking, examine, generated
from bloomery.forge.quietstar.measuring import worth
from bloomery.forge.settings import ExamConfig
from bloomery.forge.window import window_of
from bloomery.tasks.accuracy import Accuracy
from bloomery.tasks.batches import length_of, pieces
from bloomery.tasks.ingredient import Ingredient

AROUND = 2  # the tokens that begin and end a thought
RIVALS: tuple[Condition, ...] = ("without", "shuffled", "filler")  # those that the stage's gate asks for


@dataclass(frozen=True)
class Worth:
    """By how much own thoughts are better than a rival, over all tasks; the interval is of 95 %."""

    gain: float
    low: float
    high: float


def answered_before(
    folder: Path, mixture: Mapping[str, Ingredient], exam: ExamConfig, *, tokens: int
) -> dict[str, Accuracy]:
    """The accuracy of answering at once.

    Raises: ConfigError without a generated task; UserError where a prompt, a thought of so many tokens and an
    answer would be longer than the model's window; what `load_full` raises.
    """
    set_threads(machine.threads())
    model, tokenizer = load_full(folder)
    if ternary_of(folder) is not None:
        raise UserError(f"{folder} holds latent weights of trits; teach the model that they were made from")
    given = generated(exams(mixture, exam, "test", fewer_ok=True))
    check_window(model, tokenizer, given, tokens)
    return sit(model, tokenizer, given)


def check_window(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, given: Mapping[str, TaskExam], tokens: int
) -> None:
    """Raises: UserError where what is read and thought is longer than the model's window."""
    window = window_of(model)
    longest = max(length_of(pieces(one, tokenizer)) for exam in given.values() for one in exam.examples)
    needed = longest + AROUND + tokens
    if window is not None and needed > window:
        raise UserError(
            f"the longest example has {longest} tokens, which with {tokens} of a thought and {AROUND} around "
            f"it are {needed}, and the model's window is {window}: lower --tokens, or take easier tasks"
        )


def thought_after(
    folder: Path, mixture: Mapping[str, Ingredient], exam: ExamConfig, *, tokens: int
) -> dict[str, Thinking]:
    """The outcomes under every condition, with thoughts of at most so many tokens."""
    set_threads(machine.threads())
    model, tokenizer = load_model(folder)
    given = generated(exams(mixture, exam, "test", fewer_ok=True))
    return {
        name: examine(model, tokenizer, one, tokens=tokens, seed=exam.seed) for name, one in given.items()
    }


def worths(results: Mapping[str, Thinking]) -> dict[Condition, Worth]:
    """What own thoughts are worth over each rival."""
    own = [hit for one in results.values() for hit in one.right["own"]]
    found: dict[Condition, Worth] = {}
    for rival in (name for name in CONDITIONS if name != "own"):
        against = worth(results, rival)
        low, high = against.interval or (against.value, against.value)
        found[rival] = Worth(sum(own) / len(own) - (against.baseline or 0.0), low, high)
    return found


def is_worth_it(found: Mapping[Condition, Worth]) -> bool:
    """Whether own thoughts are clearly better than none, than others' and than filler."""
    return all(found[name].low > 0 for name in RIVALS)
