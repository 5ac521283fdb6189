"""The verdict on a candidate: what its text gives away, then the same trials in both versions."""

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

from bloomery.core.errors import CapabilityMissing
from bloomery.core.evidence import Check, Evidence, judge, not_run
from bloomery.optimize.equivalence.cases import Case, Effort, make_case, recorded_of
from bloomery.optimize.equivalence.executing import Circumstance, execute
from bloomery.optimize.equivalence.finding import REACH, SAME, UNTOLD, Finding, Verification
from bloomery.optimize.equivalence.statics import objections
from bloomery.optimize.equivalence.trials import Trial
from bloomery.optimize.equivalence.trying import (
    TRACED,
    Difference,
    NotTried,
    bounded,
    compared,
    confirmed,
    told,
    trials,
)
from bloomery.optimize.equivalence.versions import Version, same_code
from bloomery.optimize.proposal import Proposal, Target
from bloomery.source.python import NotPython, parse
from bloomery.source.recording import Recorded

OTHERWISE = (
    Circumstance(hash_seed=20_011, pretend_pytest=True, optimised=True),
    Circumstance(hash_seed=1),
    Circumstance(hash_seed=3, pretend_pytest=True),
    Circumstance(hash_seed=4, optimised=True),
)
HOW = "bloomery.optimize.equivalence.verify"
USUAL = Effort()
NO_CALLS = Recorded()


def verify(
    target: Target,
    proposal: Proposal,
    *,
    tests: Sequence[Path] = (),
    allowed: Collection[str] | None = None,
    effort: Effort = USUAL,
    recorded: Recorded = NO_CALLS,
) -> Verification:
    """Whether a proposal means the same as the original, in everything that can be observed.

    `tests` are read for calls, never run here; `recorded` are calls from running them, and are tried beside
    everything else, never in its place. `allowed`: the paths that may change; the target's alone if not
    given. Raises: UserError where the original is not a module that can be imported by name.
    """
    began = time.monotonic()
    allowed = {target.path} if allowed is None else set(allowed)
    texts = {path: text for path, text in proposal.texts.items() if _differs(target.root / path, text)}
    said = list(_objections(target, texts, allowed))
    if said:
        return _objected(said, began)
    runs = [_verified(target.root, path, texts, tests, effort, recorded) for path in sorted(texts)]
    return _joined(runs or [_nothing()], began)


def _differs(path: Path, text: str) -> bool:
    return not path.is_file() or path.read_text() != text


def _objections(target: Target, texts: dict[str, str], allowed: Collection[str]) -> Iterator[str]:
    for path in sorted(texts):
        if path not in allowed:
            yield f"it changes {path}, which is not among the files that may change"
        elif not path.endswith(".py") or not (target.root / path).is_file():
            yield f"{path} is no Python file of the original: what it changes cannot be tried"
        else:
            original = Version(parse(target.root / path).text, path)
            candidate = Version(texts[path], path)
            try:
                candidate.tree  # noqa: B018 (parsed here, so that what does not parse is told)
                compile(texts[path], path, "exec")
            except (NotPython, SyntaxError, ValueError) as error:
                yield str(error)
                continue
            yield from objections(original, candidate, [path], allowed)


def _objected(said: Sequence[str], began: float) -> Verification:
    duration = time.monotonic() - began
    evidence = (
        judge(UNTOLD, len(said), how=HOW, duration_s=duration),
        not_run(REACH, "its text is objected to", how=HOW),
        not_run(SAME, "its text is objected to", how=HOW),
    )
    return Verification(evidence, tuple(Finding(one) for one in said), 0, 0, (), duration)


def _nothing() -> Verification:
    evidence = tuple(
        judge(c, v, how="equal texts", duration_s=0) for c, v in ((UNTOLD, 0), (REACH, 1), (SAME, 0))
    )
    return Verification(evidence, (), 0, 0, (), 0.0)


def _verified(
    root: Path, path: str, texts: dict[str, str], tests: Sequence[Path], effort: Effort, recorded: Recorded
) -> Verification:
    began = time.monotonic()
    case = make_case(root, path, texts, [parse(one).tree for one in tests], effort)
    case.recorded = recorded_of(case, path, recorded)
    if same_code(case.original, case.candidate):
        return _nothing()
    finding: Finding | None = None
    try:
        if not (case.functions or case.classes):
            raise NotTried("nothing that can be called by name was changed")
        finding = _found(case)
        trouble = "" if finding else _too_little(case)
    except (NotTried, CapabilityMissing) as error:
        trouble = str(error)
    said = _verdict(case, finding, trouble, time.monotonic() - began)
    return replace(said, recorded=sum(map(len, case.recorded.values())))


def _found(case: Case) -> Finding | None:
    """A difference; None where there was none in any circumstance."""
    first = trials(case)
    kept, finding = _traced(case, first)
    for _ in range(2):
        if finding or not case.missing:
            break
        case.values.rng = Random(case.values.rng.random())
        more, finding = _traced(case, trials(case))
        kept += [trial for trial in more if trial.steps]
    for circumstance in OTHERWISE[: case.effort.circumstances] if not finding and not case.missing else ():
        finding = _tried(case, first, circumstance)
        if finding:
            break
    return finding


def _traced(case: Case, planned: Sequence[Trial]) -> tuple[list[Trial], Finding | None]:
    original = execute(case.sides[0], planned, TRACED, limits=case.effort.limits)
    if original.trouble and not original.records:
        raise NotTried(original.trouble)
    case.reached[0].update(original.reached)
    kept = bounded(planned, original)
    candidate = execute(case.sides[1], kept, TRACED, limits=case.effort.limits)
    case.reached[1].update(candidate.reached)
    if original.first is not None and candidate.first is not None and original.first != candidate.first:
        return kept, Finding("what the module holds after its import differs")
    if candidate.trouble and not candidate.records:
        return kept, Finding(f"the candidate cannot be run: {candidate.trouble}")
    return kept, _judged(case, list(compared(case, kept, original, candidate)), TRACED)


def _tried(case: Case, planned: Sequence[Trial], circumstance: Circumstance) -> Finding | None:
    original = execute(case.sides[0], planned, circumstance, limits=case.effort.limits)
    if original.trouble and not original.records:
        raise NotTried(f"{original.trouble} ({circumstance})")
    kept = bounded(planned, original)
    candidate = execute(case.sides[1], kept, circumstance, limits=case.effort.limits)
    if candidate.trouble and not original.trouble and not candidate.records:
        return Finding(f"the candidate cannot be run: {candidate.trouble} ({circumstance})")
    return _judged(case, list(compared(case, kept, original, candidate)), circumstance)


def _judged(case: Case, found: list[Difference], circumstance: Circumstance) -> Finding | None:
    found.sort(key=lambda one: (sum(step.length for step in one.trial.steps[: one.at + 1]), one.trial.id))
    seen = confirmed(case, found, circumstance) if found else None
    return told(case, seen, circumstance) if seen else None


def _too_little(case: Case) -> str:
    """Why what was tried is too little to say anything; empty where it is enough."""
    if case.unguessed:
        return case.unguessed
    least = case.effort.least_calls if any(case.entry(n).parameters for n in case.functions) else 3
    if case.proving < least or case.returned < least // 4:
        beside = f" beside {case.calls - case.proving} recorded ones" if case.calls > case.proving else ""
        return (
            f"only {case.proving} calls could be compared, {case.returned} of which returned{beside}; "
            f"at least {least}"
        )
    return ""


def _verdict(case: Case, finding: Finding | None, trouble: str, duration_s: float) -> Verification:
    missing, share = tuple(case.missing), case.share_reached
    text = judge(UNTOLD, 0, how=HOW, duration_s=0.0)
    unreached = (
        f"{len(missing)} pieces of changed lines were run by no input, first {missing[:1]}" if missing else ""
    )
    if unreached:
        reach = not_run(REACH, trouble or unreached, how=HOW)
    else:
        reach = judge(REACH, share, how=HOW, duration_s=0.0)
    if finding:
        same = judge(SAME, 1, how=HOW, duration_s=duration_s)
    elif trouble or unreached:
        same = not_run(SAME, trouble or unreached, how=HOW)
    else:
        same = judge(SAME, 0, how=HOW, duration_s=duration_s)
    found = (finding,) if finding else ()
    return Verification((text, reach, same), found, case.calls, case.unstable, missing, duration_s)


def _joined(runs: Sequence[Verification], began: float) -> Verification:
    evidence: list[Evidence] = []
    for check in (UNTOLD, REACH, SAME):
        evidence.append(
            _worst(check, [one for run in runs for one in run.evidence if one.check == check.name])
        )
    return Verification(
        tuple(evidence),
        tuple(finding for run in runs for finding in run.findings),
        sum(run.calls for run in runs),
        sum(run.unstable for run in runs),
        tuple(one for run in runs for one in run.unreached),
        time.monotonic() - began,
        sum(run.recorded for run in runs),
    )


def _worst(check: Check, found: Sequence[Evidence]) -> Evidence:
    order = {"failed": 0, "not_run": 1, "passed": 2}
    return min(found, key=lambda one: order[str(one.state)])
