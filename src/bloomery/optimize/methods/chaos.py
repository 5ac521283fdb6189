"""Chaos: what breaks under faults, mended, and the mends judged by the same faults.

A hypothesis is that under a fault a function still ends, and either does its work, says that it failed, or
leaves all as it was. Faults that refute it are weaknesses; a mend counts only if they find nothing any more.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bloomery.core.errors import CapabilityMissing, Failure, UserError
from bloomery.optimize.asking import MODELS
from bloomery.optimize.faults import Effort, Weakness
from bloomery.optimize.faults.comparing import compared
from bloomery.optimize.faults.experimenting import Experiment, experiment
from bloomery.optimize.faults.mending import Mended, is_mended, mended
from bloomery.optimize.faults.probing import weaknesses
from bloomery.optimize.methods.method import Bench, Judged
from bloomery.optimize.noting import WEAKNESS
from bloomery.optimize.proposal import Known, Proposal

OURS = "robustness"
EFFORT = Effort()


@dataclass
class Chaos:
    """`effort`: of the search for weaknesses, in each file and for each mend.

    Of the facts, `broken` holds each weakness in words with a small program that shows it.
    """

    name: str = "chaos"
    effort: Effort = EFFORT
    facts: dict[str, Any] = field(default_factory=dict)

    def improve(self, bench: Bench) -> Iterator[Judged]:
        self.facts.update(weaknesses=0, mended=0, schedules=0, broken={})
        for path in bench.task.paths:
            if path.endswith(".py"):
                yield from self._hardened(bench, path)

    def _hardened(self, bench: Bench, path: str) -> Iterator[Judged]:
        original = self._probed(bench, path)
        if original is None:
            return
        told = weaknesses(original)
        seen = tuple(told)
        wanted = seen + (told.advice if uses_tenacity(bench.task.root) else ())
        chain = list(self._mended(bench, path, original, wanted))
        whole = chain[-1] if chain else None
        if whole is not None:
            judged = self._judged(bench, _together(chain), chain)
            yield judged
            if len(chain) > 1 and not judged.verdict.accepted:
                yield from self._one_by_one(bench, original, chain)
        left = [one for one in seen if one not in [done.weakness for done in chain]]
        for one in left:
            bench.say("weakness not mended", what=str(one), program=one.program)
        for one in left:
            yield from self._by_models(bench, path, original, one)
        if left:
            yield from self._others(bench, path, original)

    def _probed(self, bench: Bench, path: str) -> Experiment | None:
        task = bench.task
        try:
            made = experiment(task.root, path, tests=task.tests, seed=task.seed, effort=self.effort)
            seen = weaknesses(made)
        except (CapabilityMissing, UserError, Failure) as error:
            bench.say("cannot be probed", path=path, reason=str(error))
            return None
        self.facts["weaknesses"] += len(seen)
        self.facts["broken"].update({str(one): one.program for one in seen})
        self.facts["schedules"] += seen.schedules
        counts = {"scenarios": seen.scenarios, "schedules": seen.schedules, "weaknesses": len(seen)}
        bench.say("probed", path=path, **counts, left_out=list(seen.left_out))
        for one in seen:
            bench.say("weakness", what=str(one), program=one.program)
            bench.note(WEAKNESS, path, of=one.kind, function=one.function)
        return made

    def _mended(
        self, bench: Bench, path: str, original: Experiment, found: Sequence[Weakness]
    ) -> Iterator[Mended]:
        """One mend upon the other, so that all of them are one change; at most as many as the task allows."""
        base = None
        for weakness in found[: bench.task.most]:
            done = mended(original, weakness, base)
            if done is not None:
                base = done.proposal.texts[path]
                self.facts["mended"] += 1
                yield done

    def _judged(self, bench: Bench, proposal: Proposal, done: Sequence[Mended]) -> Judged:
        facts = {
            "mended": [str(one.weakness) for one in done],
            "shown by": [one.weakness.program for one in done],
            "schedules": sum(one.seen.schedules for one in done),
        }
        return Judged(proposal, bench.validate(proposal), facts)

    def _one_by_one(self, bench: Bench, original: Experiment, chain: Sequence[Mended]) -> Iterator[Judged]:
        """Where all mends together are refused, each alone upon the original."""
        for one in chain:
            alone = mended(original, one.weakness)
            if alone is not None:
                yield self._judged(bench, alone.proposal, [alone])

    def _by_models(
        self, bench: Bench, path: str, original: Experiment, weakness: Weakness
    ) -> Iterator[Judged]:
        """Language models are asked to mend this one weakness, until a mend of theirs holds."""
        told = f"{weakness}\n\n{weakness.program}"
        named = tuple(dict.fromkeys((weakness.function.partition(".<locals>")[0], weakness.call)))
        known = Known(part="mender", functions=tuple(filter(None, named)), weakness=told)
        for proposal in bench.propose(proposer=MODELS, path=path, known=known):
            seen = compared(original, proposal.texts)
            if is_mended(weakness, seen):
                self.facts["mended by models"] = self.facts.get("mended by models", 0) + 1
                facts = {
                    "mended": [str(weakness)],
                    "shown by": [weakness.program],
                    "schedules": seen.schedules,
                }
                judged = Judged(proposal, bench.validate(proposal), facts)
                yield judged
                if judged.verdict.accepted:
                    return

    def _others(self, bench: Bench, path: str, original: Experiment) -> Iterator[Judged]:
        """Other proposers may know more; what they propose is validated where the faults find it better."""
        for proposal in bench.propose(path=path, without=(OURS, MODELS)):
            if set(proposal.texts) != {path}:
                continue
            seen = compared(original, proposal.texts)
            if seen.better and seen.evidence.measured == 0:
                facts = {"mended": [str(one) for one in seen.better], "schedules": seen.schedules}
                yield Judged(proposal, bench.validate(proposal), facts)


def uses_tenacity(root: Path) -> bool:
    """Whether a repository may be given retries by tenacity: its own settings name it."""
    places = [root / name for name in ("pyproject.toml", "setup.cfg", "setup.py", "Pipfile")]
    places += sorted(root.glob("requirements*.txt"))
    return any(re.search(r"\btenacity\b", one.read_text()) for one in places if one.is_file())


def _together(chain: Sequence[Mended]) -> Proposal:
    """The last text holds all mends; the words are those of all."""
    last = chain[-1].proposal
    return replace(
        last,
        operator="+".join(dict.fromkeys(one.proposal.operator for one in chain)),
        why="; ".join(one.proposal.why for one in chain),
        function=last.function if len({one.proposal.function for one in chain}) == 1 else None,
    )
