"""Proposals from a catalogue of rewrites: each alone, and all that fit together."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from bloomery.optimize.proposal import Goal, Proposal, Target
from bloomery.optimize.proposers.rewrites.catalogue import Catalogue, Rewritten, rewritten
from bloomery.optimize.proposers.rewrites.dispatching import for_plain_lists
from bloomery.optimize.proposers.rewrites.program import Program
from bloomery.source.python import parse_text

STEPS = 12
"""At most so many rewrites in one composition, against rewrites that undo one another."""


@dataclass(frozen=True)
class CatalogueProposer:
    """Proposes the greedy composition first, then the proven part of it, then every rewrite alone."""

    name: str
    catalogue: Catalogue

    def propose(self, target: Target, goal: Goal, *, rng: Random) -> Iterator[Proposal]:
        """Raises: NotPython. Equal targets make equal proposals whatever `rng` is; only speed is a goal."""
        if goal != "speed" or not target.path.endswith(".py"):
            return
        text = target.text
        parse_text(text, target.root / target.path)
        seen = {text}
        for proposal in (*self._composed(target, text), *self._single(target, text)):
            if proposal.texts[target.path] not in seen:
                seen.add(proposal.texts[target.path])
                yield proposal

    def _single(self, target: Target, text: str) -> Iterator[Proposal]:
        doubted = []
        for made in rewritten(Program(text), self.catalogue, target.function):
            yield self._proposal(target, [made])
            doubted += [made] if made.doubts else []
        for made in doubted:
            if (plain := for_plain_lists(text, made)) is not None:
                yield self._proposal(target, [plain])

    def _composed(self, target: Target, text: str) -> Iterator[Proposal]:
        for only_proven in (False, True):
            steps = compose(text, self.catalogue, target.function, only_proven=only_proven)
            if len(steps) > 1:
                yield self._proposal(target, steps)

    def _proposal(self, target: Target, steps: list[Rewritten]) -> Proposal:
        doubts = [doubt for step in steps for doubt in step.doubts]
        why = "; ".join(f"{step.function}, line {step.line}: {step.rewrite.why}" for step in steps)
        left = f" (not proven: {'; '.join(dict.fromkeys(doubts))})" if doubts else ""
        return Proposal(
            proposer=self.name,
            operator="+".join(step.rewrite.name for step in steps),
            why=why + left,
            texts={target.path: steps[-1].text},
            function=target.function or _common(steps),
            safety="candidate" if doubts else "proven",
        )


def compose(
    text: str, catalogue: Catalogue, function: str | None = None, *, only_proven: bool
) -> list[Rewritten]:
    """The first rewrite that applies, then the first that applies to the result, and so on."""
    steps: list[Rewritten] = []
    seen = {text}
    while len(steps) < STEPS:
        for made in rewritten(Program(text), catalogue, function):
            if made.text not in seen and not (only_proven and made.doubts):
                steps.append(made)
                text = made.text
                seen.add(text)
                break
        else:
            return steps
    return steps


def _common(steps: list[Rewritten]) -> str | None:
    functions = {step.function for step in steps}
    return functions.pop() if len(functions) == 1 else None
