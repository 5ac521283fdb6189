"""Counter-examples: looked for with inputs that validation did not use, and each tried on every rival."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from bloomery.core.closure import code_version
from bloomery.core.errors import UserError
from bloomery.optimize.equivalence import Effort, verify
from bloomery.optimize.equivalence.cases import make_case
from bloomery.optimize.equivalence.executing import Circumstance, execute
from bloomery.optimize.equivalence.trials import Step, Trial
from bloomery.optimize.equivalence.trying import NotTried, compared, confirmed
from bloomery.optimize.proposal import Proposal, Target

TIME_S = 6.0
PLAIN = Circumstance()
KIND = "stress"
Once = Callable[..., Any]


@dataclass(frozen=True)
class CounterExample:
    """Steps after which a rival and the original differ; `of`: the rival that it was found against."""

    of: int
    steps: tuple[Step, ...]
    what: str


def stressed(
    target: Target, rivals: Sequence[Proposal], effort: Effort, once: Once
) -> tuple[list[CounterExample], dict[int, str]]:
    """Counter-examples against rivals, and by rival the words of the first that was found.

    `once` keeps what was found against each (as `Bench.once`), so that a stop loses one search at most.
    """
    found: list[CounterExample] = []
    fallen: dict[int, str] = {}
    about = {"version": code_version(verify), "path": target.path, "effort": asdict(effort)}
    for at, rival in enumerate(rivals):
        search = partial(_against, target, rival, effort)
        for what, steps in once(KIND, search, texts=dict(rival.texts), function=rival.function, **about):
            fallen.setdefault(at, what)
            found += [CounterExample(at, tuple(map(_step, steps)), what)] if steps else []
    return found, fallen


def _against(target: Target, rival: Proposal, effort: Effort) -> list[tuple[str, list[dict[str, Any]]]]:
    """What is found against a rival, as plain values; nothing where it cannot be tried."""
    try:
        seen = verify(target, rival, effort=effort)
    except UserError:
        return []
    return [(one.what, [step.to_plain() for step in one.steps]) for one in seen.findings]


def _step(plain: Mapping[str, Any]) -> Step:
    lets = tuple((name, text) for name, text in plain["lets"])
    return Step(lets, plain["call"], loose=plain["loose"], hold=plain["hold"])


def crossed(
    target: Target, rivals: Sequence[Proposal], examples: Sequence[CounterExample], effort: Effort
) -> dict[int, tuple[CounterExample, str]]:
    """By rival the first counter-example of another that tells it from the original, too, seen twice."""
    found = {}
    for at, rival in enumerate(rivals):
        others = [one for one in examples if one.of != at]
        for example, what in _told_apart(target, rival, others, effort):
            found[at] = (example, what)
            break
    return found


def _told_apart(
    target: Target, rival: Proposal, examples: Sequence[CounterExample], effort: Effort
) -> Iterator[tuple[CounterExample, str]]:
    if not examples:
        return
    try:
        case = make_case(target.root, target.path, _texts(rival), [], effort)
    except UserError:
        return
    trials = [Trial(at, one.steps, time_s=TIME_S) for at, one in enumerate(examples)]
    original, candidate = (execute(side, trials, PLAIN, limits=effort.limits) for side in case.sides)
    for one in compared(case, trials, original, candidate):
        example = examples[one.trial.id]
        try:
            again = confirmed(replace(case), [one], PLAIN)
        except NotTried:
            continue
        if again is not None:
            yield example, again.what


def _texts(rival: Proposal) -> Mapping[str, str]:
    return rival.texts
