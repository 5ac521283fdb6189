"""A design at work: prompts in, answers out, and how many tokens were read and written under which expert."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from transformers import PreTrainedTokenizerBase

from bloomery.forge.experts.designs import TOOLS
from bloomery.forge.experts.dispatcher import dispatched, tokens_read
from bloomery.forge.experts.tooling import written_with_tools
from bloomery.forge.experts.writing import Prompt, Written, written
from bloomery.models.packed.experts import Experts
from bloomery.tasks.task import Example

Which = str | None  # an expert by name; None: the mixture
Check = Callable[[int, Written], bool]
THOUGHT, ANSWER = "<|thought|>", "<|/thought|>"


@dataclass
class Attempts:
    """The answers' ids, and the tokens that went through the model: under the mixture, under an expert of the
    prompt's own, and in first passes."""

    answers: list[list[int]] = field(default_factory=list)
    mixed: int = 0
    dispatched: int = 0
    first_pass: int = 0
    retried: int = 0


def attempt(
    experts: Experts,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Prompt],
    *,
    most: int,
    check: Check | None = None,
) -> Attempts:
    """Answers of at most so many tokens, as the experts' design says: plan, act, with tools, check, retry.

    `check` believes an answer or not, by its place, as a tool that computes it can; by default an answer is
    believed whose tokens are likely enough to the model itself. Of two answers that are not believed the
    likelier one counts.
    """
    told, done = experts.held.design, Attempts()
    steps = str(told["strategy"]).split()
    believed = check or (lambda _place, one: one.confidence >= told["threshold"])
    order: dict[int, list[int]] = {}
    if "plan" in steps:
        order = _plan(experts, tokenizer, prompts, range(len(prompts)), done)
    first: dict[int, Which] = {
        at: experts.names[order[at][0]] if at in order else None for at in range(len(prompts))
    }
    found = _act(experts, tokenizer, prompts, first, most, done)
    if "retry" in steps:
        doubted = [at for at, one in found.items() if not believed(at, one)]
        if "plan" not in steps:
            order = _plan(experts, tokenizer, prompts, doubted, done)
        other = 1 if "plan" in steps and len(experts.names) > 1 else 0
        again: dict[int, Which] = {at: experts.names[order[at][other]] for at in doubted}
        for at, one in _act(experts, tokenizer, prompts, again, most, done).items():
            if believed(at, one) or one.confidence > found[at].confidence:
                found[at] = one
        done.retried = len(doubted)
    done.answers = [found[at].ids for at in range(len(prompts))]
    return done


def _plan(
    experts: Experts,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Prompt],
    places: Sequence[int],
    done: Attempts,
) -> dict[int, list[int]]:
    if not places:
        return {}
    ids = [prompts[at].ids for at in places]
    done.first_pass += tokens_read(experts, tokenizer, ids)
    return dict(zip(places, dispatched(experts, tokenizer, ids), strict=True))


def _act(
    experts: Experts,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Prompt],
    whose: dict[int, Which],
    most: int,
    done: Attempts,
) -> dict[int, Written]:
    """Every prompt answered under its expert, those of one expert together."""
    found: dict[int, Written] = {}
    for which in sorted(set(whose.values()), key=str):
        places = [at for at, one in whose.items() if one == which]
        with experts.using(experts.held.mixture.tolist() if which is None else which):
            asked = _thought(experts, tokenizer, [prompts[at].ids for at in places])
            answers, tokens = _written(
                experts, tokenizer, asked, [prompts[at].example for at in places], most
            )
        done.mixed += tokens if which is None else 0
        done.dispatched += 0 if which is None else tokens
        found |= dict(zip(places, answers, strict=True))
    return found


def _written(
    experts: Experts, tokenizer: PreTrainedTokenizerBase, asked: list[list[int]], examples: list[Example],
    most: int,
) -> tuple[list[Written], int]:  # fmt: skip
    """Answers, and the tokens that were read and written for them; with tools where the design has them."""
    model: Any = experts.model
    if TOOLS in str(experts.held.design["strategy"]).split():
        return written_with_tools(model, tokenizer, asked, examples, max_new_tokens=most)
    answers = written(model, tokenizer, asked, max_new_tokens=most)
    return answers, sum(len(a) + len(b.ids) for a, b in zip(asked, answers, strict=True))


def _thought(
    experts: Experts, tokenizer: PreTrainedTokenizerBase, prompts: list[list[int]]
) -> list[list[int]]:
    """The prompts, each with a thought of the design's length, closed where it did not end by itself."""
    length: Any = experts.held.design["thoughts"]
    if not length:
        return prompts
    start, end = (int(tokenizer.get_vocab()[name]) for name in (THOUGHT, ANSWER))
    opened = [[*one, start] for one in prompts]
    model: Any = experts.model
    thoughts = written(model, tokenizer, opened, max_new_tokens=length, stop=end)
    return [
        [*a, *b.ids] if b.ids[-1] == end else [*a, *b.ids, end] for a, b in zip(opened, thoughts, strict=True)
    ]
