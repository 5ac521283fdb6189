"""Proposals of language models: a changed function in its file; what they say of it decides nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from bloomery.agents.errors import BudgetSpent, NoAnswer, NoModel
from bloomery.agents.prompting import Prompt, prompt
from bloomery.agents.questions import Ask
from bloomery.core.errors import UserError
from bloomery.core.log import get_log
from bloomery.optimize.proposal import Goal, Proposal, Target
from bloomery.optimize.proposers.models.functions import Function, around, functions, objection, replaced
from bloomery.source.python import parse_text

APPROACHES: dict[Goal, tuple[str, ...]] = {
    "speed": (
        "a better algorithm or data structure",
        "a function of the standard library that does the work in C",
        "less repeated work: what does not change is computed once",
    ),
    "memory": (
        "results that are made one at a time instead of all at once",
        "a smaller or shared representation of the data",
        "copies that are not needed",
    ),
    "fix": (
        "the smallest edit that makes the function do what its name, docstring and callers say",
        "a wrong comparison, bound, operator or variable",
        "a case that is not handled",
    ),
    "robustness": (
        "failures of files and connections: closed whatever happens, waited for with a timeout",
        "malformed input: refused at once with an error that names it",
        "results that are written whole or not at all",
    ),
    "security": (
        "input that reaches a shell, a query, a path or a deserialiser",
        "secrets, randomness and comparisons that must not leak",
        "the least rights that are enough",
    ),
}
_log = get_log("proposers")


@dataclass(frozen=True)
class ModelProposer:
    """Asks for changes of each function, by another approach each time; `wishes` is what the user wrote.

    Without a model or a budget it says so and proposes nothing: the others go on.
    """

    ask: Ask
    wishes: str = ""
    each: int = 3  # proposals a function
    name: str = "language models"

    def propose(self, target: Target, goal: Goal, *, rng: Random) -> Iterator[Proposal]:
        """Raises: NotPython; UserError for a function that the file does not have."""
        if goal not in APPROACHES or not target.path.endswith(".py"):
            return
        text = target.text
        parse_text(text, target.root / target.path)
        seen = {text}
        for function in _wanted(target, text):
            approaches = rng.sample(APPROACHES[goal], len(APPROACHES[goal]))
            for number in range(self.each):
                approach, variant = approaches[number % len(approaches)], rng.randrange(2**32)
                try:
                    made = self._asked(target, goal, text, function, approach, variant)
                except (NoModel, BudgetSpent) as error:
                    _log.warning("no language model proposes anything", why=str(error))
                    return
                if made is not None and made.texts[target.path] not in seen:
                    seen.add(made.texts[target.path])
                    yield made

    def _asked(
        self, target: Target, goal: Goal, text: str, function: Function, approach: str, variant: int
    ) -> Proposal | None:
        """Nothing where no model gave a change in form: that is logged by who asks."""
        from bloomery.agents.answers import Change

        def object_to(change: Change) -> str:
            return objection(function, change.source, change.imports)

        asked = self._prompt(target, goal, text, function, approach)
        try:
            answer = self.ask(asked, Change, object_to=object_to, variant=variant)
        except NoAnswer as error:
            _log.info("no change is proposed", function=function.name, why=str(error))
            return None
        change = answer.value
        return Proposal(
            proposer=self.name,
            operator=f"{answer.model}: {change.idea}",
            why=change.why,
            texts={target.path: replaced(text, function, change.source, change.imports)},
            function=function.name,
        )

    def _prompt(self, target: Target, goal: Goal, text: str, function: Function, approach: str) -> Prompt:
        return prompt("optimise").fill(
            goal=goal, path=target.path, function=function.name, source=function.source,
            around=around(text, function), wishes=self.wishes, approach=approach,
        )  # fmt: skip


def _wanted(target: Target, text: str) -> list[Function]:
    """The function that is aimed at, or all, the longest first."""
    found = functions(text)
    if target.function is None:
        return sorted(found, key=lambda one: (one.first - one.last, one.first))
    named = [one for one in found if one.name == target.function]
    if not named:
        known = ", ".join(one.name for one in found) or "none"
        raise UserError(f"{target.path} has no function '{target.function}'; it has: {known}")
    return named[-1:]  # of definitions of one name, the last is the one in force
