"""Proposals of language models: a changed function in its file; what they say of it decides nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from bloomery.agents.errors import BudgetSpent, NoAnswer, NoModel
from bloomery.agents.questions import Ask
from bloomery.core.errors import UserError
from bloomery.core.log import get_log
from bloomery.optimize.proposal import Goal, Proposal, Target
from bloomery.optimize.proposers.models.functions import Function, functions, objection, replaced
from bloomery.optimize.proposers.models.questions import Shown, question
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

    What a method knows about a target is in each question, by the prompt for the part that it has.
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
            own: tuple[str, ...] = ()
            for approach, variant in self._turns(target, goal, rng):
                shown = Shown(target, goal, text, function, approach, self.wishes, own)
                try:
                    made = self._asked(shown, variant)
                except (NoModel, BudgetSpent) as error:
                    _log.warning("no language model proposes anything", why=str(error))
                    return
                if made is None:
                    continue
                own += (made[1],)
                if made[0].texts[target.path] not in seen:
                    seen.add(made[0].texts[target.path])
                    yield made[0]

    def _turns(self, target: Target, goal: Goal, rng: Random) -> Iterator[tuple[str, int]]:
        """How it is asked in turn: a kind of change, and a number that tells equal questions apart."""
        kinds = [target.known.kind] if target.known.kind else APPROACHES[goal]
        approaches = rng.sample(kinds, len(kinds))
        for number in range(self.each):
            yield approaches[number % len(approaches)], rng.randrange(2**32)

    def _asked(self, shown: Shown, variant: int) -> tuple[Proposal, str] | None:
        """A proposal and the function in it; nothing where no model gave one in form, which is logged."""
        from bloomery.agents.answers import Change

        function = shown.function

        def object_to(change: Change) -> str:
            return objection(function, change.source, change.imports)

        try:
            answer = self.ask(question(shown), Change, object_to=object_to, variant=variant)
        except NoAnswer as error:
            _log.info("no change is proposed", function=function.name, why=str(error))
            return None
        change, kind = answer.value, shown.target.known.kind
        proposal = Proposal(
            proposer=self.name,
            operator=f"{kind}+{answer.model}: {change.idea}" if kind else f"{answer.model}: {change.idea}",
            why=change.why,
            texts={shown.target.path: replaced(shown.text, function, change.source, change.imports)},
            function=function.name,
        )
        return proposal, change.source


def _wanted(target: Target, text: str) -> list[Function]:
    """The function that is aimed at, those that a method names, or all, the longest first."""
    found = functions(text)
    if target.function is None and target.known.functions:
        by_name = {one.name: one for one in found}
        return [by_name[name] for name in target.known.functions if name in by_name]
    if target.function is None:
        return sorted(found, key=lambda one: (one.first - one.last, one.first))
    named = [one for one in found if one.name == target.function]
    if not named:
        known = ", ".join(one.name for one in found) or "none"
        raise UserError(f"{target.path} has no function '{target.function}'; it has: {known}")
    return named[-1:]  # of definitions of one name, the last is the one in force
