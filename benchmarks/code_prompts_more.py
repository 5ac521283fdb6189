"""Prompts outside the grammar: near misses, which must be refused, and the published benchmarks."""

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bloomery.diffusion.code.judging import Budget, Program, judge_each
from bloomery.diffusion.code.judging.benchmarks import Problem, benchmark
from bloomery.diffusion.code.judging.program import Language
from bloomery.diffusion.code.prompting.words import WORD, Words
from bloomery.diffusion.code.tasks.sampling import draw
from bloomery.diffusion.code.tasks.understanding import PromptRefused, plain_text, understand
from bloomery.diffusion.code.tasks.wording import wordings

STRANGE = ("prime", "average", "biggest", "every", "not", "median", "sorted", "evil", "please", "10")
OF_LANGUAGE: Mapping[str, tuple[str, ...]] = {
    "python": ("mbpp", "humaneval"),
    "javascript": ("mbxp", "humaneval-x"),
    "typescript": ("mbxp", "multilingual-humaneval"),
    "java": ("mbxp", "humaneval-x"),
    "go": ("mbxp", "humaneval-x"),
}


def near_misses(count: int = 300, seed: int = 3) -> dict[str, Any]:
    """Prompts with one thing changed; one that is understood must be a wording of what it is taken for."""
    rng, found = random.Random(seed), {}
    prompts = [one.prompt for one in draw(count, seed=seed, side="train")]
    for name, change in CHANGES.items():
        changed = [text for prompt in prompts if (text := change(prompt, rng)) != prompt]
        answered = [text for text in changed if _understood(text)]
        wrong = [text for text in answered if plain_text(text) not in set(wordings(understand(text)))]
        found[name] = {
            "asked": len(changed), "refused": len(changed) - len(answered),
            "are wordings": len(answered) - len(wrong), "guessed": len(wrong),
        }  # fmt: skip
    return found


def _understood(text: str) -> bool:
    try:
        understand(text)
    except PromptRefused:
        return False
    return True


def _changed_word(prompt: str, rng: random.Random) -> str:
    words = prompt.split()
    words[rng.randrange(len(words))] = rng.choice(STRANGE)
    return " ".join(words)


def _dropped_word(prompt: str, rng: random.Random) -> str:
    words = prompt.split()
    del words[rng.randrange(len(words))]
    return " ".join(words)


def _swapped_words(prompt: str, rng: random.Random) -> str:
    words = prompt.split()
    at = rng.randrange(len(words) - 1)
    words[at], words[at + 1] = words[at + 1], words[at]
    return " ".join(words)


def _other_number(prompt: str, rng: random.Random) -> str:
    return re.sub(r"\b\d\b", lambda _: str(rng.choice((0, 1, 10, 12, 100))), prompt)


def _added_step(prompt: str, rng: random.Random) -> str:
    return prompt.replace(" and return the result", ", double it and return the result")


CHANGES: Mapping[str, Callable[[str, random.Random], str]] = {
    "a word changed": _changed_word, "a word dropped": _dropped_word, "two words swapped": _swapped_words,
    "a number out of range": _other_number, "an unknown step added": _added_step,
}  # fmt: skip


def published(
    language: Language, arms: Mapping[str, Callable[..., tuple[list[str], int]]], most: int
) -> dict[str, Any]:
    """MBPP and HumanEval in a language: how many the grammar refuses, and what baselines that answer pass.

    A baseline reads those words that it knows; of others nothing reaches it.
    """
    found: dict[str, Any] = {}
    for name in OF_LANGUAGE[language]:
        told = benchmark(name, language)
        answered = [one for one in told.problems if _understood(one.prompt)]
        rows: dict[str, Any] = {
            "version": told.version, "problems": len(told.problems), "answered": len(answered),
            "passed": _passing(answered, arms["masked"], language) if answered else 0,
        }  # fmt: skip
        chosen = told.problems[:most]
        for arm in ("retrieval", "onward"):
            if arm in arms:
                rows[arm] = {"asked": len(chosen), "passed": _passing(chosen, arms[arm], language)}
        found[name] = rows
    return found


def _passing(
    problems: Sequence[Problem], arm: Callable[..., tuple[list[str], int]], language: Language
) -> int | None:
    told, _ = arm([" ".join(_known(one.prompt)) or "the" for one in problems], language)
    programs = [Program(language=language, source=text) for text in told]
    found = judge_each(programs, [one.examples for one in problems], budget=Budget(cpu_s=2, wait_s=10.0))
    return sum(one.passed for one in found) if all(one.was_run for one in found) else None


def _known(prompt: str, most: int = 30) -> Iterator[str]:
    words = Words.of_grammar().ids
    yield from [word for word in WORD.findall(plain_text(prompt)) if word in words][:most]
