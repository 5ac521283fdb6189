"""What a language model is asked about a function: each part that it has in a method has a prompt."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bloomery.agents.prompting import Prompt, prompt
from bloomery.optimize.proposal import Goal, Part, Proposal, Target
from bloomery.optimize.proposers.models.functions import Function, around, functions

MOST = 12_000
"""Characters of what was tried, or what rivals wrote, that are shown: the newest."""


@dataclass(frozen=True)
class Shown:
    """A function of a target with all that can be said of it; `own`: what this model proposed for it."""

    target: Target
    goal: Goal
    text: str
    function: Function
    approach: str
    wishes: str
    own: tuple[str, ...] = ()

    @property
    def common(self) -> dict[str, Any]:
        return {
            "function": self.function.name, "source": self.function.source, "wishes": self.wishes,
            "around": around(self.text, self.function),
        }  # fmt: skip

    def said(self, of: Mapping[str, Sequence[str]]) -> str:
        return newest(of.get(self.function.name, ()))

    @property
    def rivals(self) -> str:
        """The function as others wrote it, with what they say of it, and as this model did before."""
        found = [f"# {one.operator}: {one.why}\n{source}" for one in self.target.known.rivals
                 if (source := _source(one, self))]  # fmt: skip
        return newest(dict.fromkeys((*found, *self.own)))


def question(shown: Shown) -> Prompt:
    return _QUESTIONS[shown.target.known.part](shown)


def newest(texts: Sequence[str] | Mapping[str, Any]) -> str:
    """The last of these texts, whole, that fit into what is shown."""
    kept: list[str] = []
    for text in reversed(list(texts)):
        if kept and sum(map(len, kept)) + len(text) > MOST:
            break
        kept.append(text[:MOST])
    return "\n\n".join(reversed(kept))


def _source(proposal: Proposal, shown: Shown) -> str:
    """The function in a proposal, where that changes it."""
    try:
        found = functions(proposal.texts.get(shown.target.path, ""))
    except SyntaxError:
        return ""
    sources = [one.source for one in found if one.name == shown.function.name]
    return sources[-1] if sources and sources[-1] != shown.function.source else ""


def _alone(shown: Shown) -> Prompt:
    known = shown.target.known
    return prompt("optimise").fill(
        goal=shown.goal, path=shown.target.path, approach=shown.approach,
        failing=shown.said(known.failing), tried=shown.said(known.tried), **shown.common,
    )  # fmt: skip


def _rival(shown: Shown) -> Prompt:
    told = newest(shown.target.known.counterexamples)
    return prompt("rival").fill(
        goal=shown.goal, approach=shown.approach, rivals=shown.rivals, counterexamples=told, **shown.common
    )


def _actor(shown: Shown) -> Prompt:
    known = shown.target.known
    return prompt("actor").fill(
        goal=shown.goal, kind=known.kind or shown.approach, history=shown.said(known.tried),
        forecast=known.forecast, **shown.common,
    )  # fmt: skip


def _mender(shown: Shown) -> Prompt:
    known = shown.target.known
    tried = newest((*known.tried.get(shown.function.name, ()), *shown.own))
    return prompt("chaos").fill(weakness=known.weakness, approach=shown.approach, tried=tried, **shown.common)


_QUESTIONS: Mapping[Part, Callable[[Shown], Prompt]] = {
    "alone": _alone, "rival": _rival, "actor": _actor, "mender": _mender,
}  # fmt: skip
