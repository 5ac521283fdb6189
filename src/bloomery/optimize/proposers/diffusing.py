"""A code diffusion model as a proposer: statements that it would not have expected, written anew.

The model is handed in as a function: nothing here loads one. What it fills in may mean something else, so all
of it is a candidate, and is validated like any other.
"""

from collections.abc import Callable, Iterator
from random import Random

from bloomery.core.errors import UnknownName, UserError
from bloomery.optimize.proposal import Goal, Proposal, Target
from bloomery.source.languages.registry import language_of

Rewrite = Callable[[str, str, str | None, int], Iterator[tuple[str, str]]]
"""Text, language, function (none: any) and seed -> whole new texts with the reason for each."""

GOALS: tuple[Goal, ...] = ("speed", "memory", "fix", "robustness")


class CodeDiffusion:
    """`model`: names the model, so that what one proposed is not taken for what another does."""

    def __init__(self, rewrite: Rewrite, model: str) -> None:
        self.rewrite, self.name = rewrite, f"code diffusion {model}"

    def propose(self, target: Target, goal: Goal, *, rng: Random) -> Iterator[Proposal]:
        """Nothing for files in languages that are not known, nor where nothing can be rewritten."""
        if goal not in GOALS:
            return
        try:
            language = language_of(target.path).name
        except UnknownName:
            return
        seed = rng.randrange(2**31)
        functions = (target.function,) if target.function else target.known.functions or (None,)
        for function in functions:
            try:
                for text, why in self.rewrite(target.text, language, function, seed):
                    yield Proposal(self.name, "infill", why, {target.path: text}, function=function)
            except UserError:  # no such function, a text that does not parse: others may be rewritten
                continue
