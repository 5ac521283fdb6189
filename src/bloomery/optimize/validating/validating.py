"""Validation: the checks that a level asks for, the cheapest first, several at once, in worktrees."""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from bloomery.core.errors import CapabilityMissing
from bloomery.core.evidence import Check, Evidence, State, not_run
from bloomery.optimize.proposal import Goal, Proposal
from bloomery.optimize.validating.caching import Answers, Forgetful, InProcess, remembered
from bloomery.optimize.validating.change import Change, change_of_texts, checked_out_both
from bloomery.optimize.validating.levels import CHECKS, is_measured
from bloomery.optimize.validating.site import Answer, Site, failed, not_made
from bloomery.optimize.validating.verdict import Level, Verdict
from bloomery.optimize.validating.waves import WAVES, Examination

Progress = Callable[[str, int, int, str], None]
USUAL = InProcess()
NOTHING_KEPT = Forgetful()


def validate(
    repository_root: Path,
    proposal: Proposal,
    *,
    goal: Goal,
    level: Level,
    tests: Sequence[str] = (),
    seed: int = 0,
    cache: Answers | None = None,
    progress: Progress | None = None,
    go_on: bool = False,
    claim: bool = True,
    every_test: bool = False,
    at_once: int = 2,
) -> Verdict:
    """What the checks of a level say of a proposal, applied to the last commit of a repository.

    Nothing is changed in the user's tree. After a wave of checks in which a required one did not pass, later
    ones are `not_run`, and after a test that passed before and fails now later tests are not, unless `go_on`.
    `cache` keeps answers by content: a `Cache` on disk, `Forgetful()` none; where it is not given, this
    process does. Without `claim` whether the goal is reached is not asked. `every_test` runs all tests, those
    too that the change cannot reach.
    Raises: UserError for a folder without a repository, a path outside of it, a file that is no text.
    """
    change = change_of_texts(repository_root, dict(proposal.texts))
    return validate_change(
        change, proposal, goal=goal, level=level, tests=tests, seed=seed, cache=cache, progress=progress,
        go_on=go_on, claim=claim, every_test=every_test, at_once=at_once,
    )  # fmt: skip


def validate_change(
    change: Change,
    proposal: Proposal,
    *,
    goal: Goal,
    level: Level,
    tests: Sequence[str] = (),
    seed: int = 0,
    cache: Answers | None = None,
    progress: Progress | None = None,
    go_on: bool = False,
    claim: bool = True,
    every_test: bool = False,
    at_once: int = 2,
) -> Verdict:
    """As `validate`, for a change that was read from a diff, too."""
    with checked_out_both(change) as trees:
        site = Site(
            change, trees, proposal, goal, level, tuple(tests), seed, cache or USUAL, claim, every_test, go_on
        )
        answers = list(_answers(site, progress or _say_nothing, go_on, at_once))
    mends = {one.evidence.check: one.mend for one in answers if one.mend}
    claims = frozenset({site.claim.name} if site.claim else ())
    lacking = frozenset(one.evidence.check for one in answers if one.lacks)
    return Verdict(level, tuple(one.evidence for one in answers), mends, claims, lacking)


def _say_nothing(check: str, done: int, total: int, text: str) -> None:
    pass


def _answers(site: Site, progress: Progress, go_on: bool, at_once: int) -> Iterable[Answer]:
    objection = ""
    for wave in WAVES:
        wanted = [one for one in wave if any(_wants(check, site) for check in one.checks)]
        if objection and not go_on:
            yield from (
                Answer(not_run(site.asked(check), objection))
                for one in wanted
                for check in one.checks
                if _wants(check, site)
            )
            continue
        for answers in _at_once(site, wanted, progress, at_once):
            yield from answers
            for one in answers:
                if failed(one.evidence) and not objection:
                    objection = f"skipped: {one.evidence.check} {_how_ended(one.evidence)}"


def _how_ended(evidence: Evidence) -> str:
    return "failed" if evidence.state is State.FAILED else "was not run, and is required"


def _wants(check: Check, site: Site) -> bool:
    if check in CHECKS:
        return is_measured(check, site.level, site.goal)
    return site.claim is check


def _at_once(
    site: Site, wanted: Sequence[Examination], progress: Progress, at_once: int
) -> Iterable[Sequence[Answer]]:
    def work(one: Examination) -> Sequence[Answer]:
        return _made(site, one, progress)

    if not wanted:
        return
    with ThreadPoolExecutor(min(at_once, len(wanted))) as pool:
        yield from pool.map(work, wanted)


def _made(site: Site, one: Examination, progress: Progress) -> Sequence[Answer]:
    name, began = one.checks[0].name, time.monotonic()
    progress(name, 0, 1, "")
    question = site.question(
        name,
        level=site.level,
        goal=site.goal,
        tests=site.tests,
        seed=site.seed,
        claim=site.claims,
        every=site.every_test,
        go_on=site.go_on,
    )

    made: list[Answer] = []

    def work() -> tuple[list[dict[str, object]], bool]:
        made[:] = [_timed(answer, time.monotonic() - began) for answer in _examined(site, one)]
        return [answer.to_plain() for answer in made], all(answer.lasting for answer in made)

    found, known = remembered(site.answers if one.keeps else NOTHING_KEPT, question, work)
    lacking = [one.evidence.check for one in made if one.lacks]
    answers = [Answer.from_plain(plain) for plain in found]
    answers = [replace(one, lacks=one.evidence.check in lacking) for one in answers]
    states = ", ".join(str(answer.evidence.state) for answer in answers)
    progress(name, 1, 1, f"remembered: {states}" if known else states)
    return answers


def _examined(site: Site, one: Examination) -> Sequence[Answer]:
    try:
        return one.examine(site)
    except CapabilityMissing as missing:
        wanted = [check for check in one.checks if _wants(check, site)]
        return [not_made(site.asked(check), missing) for check in wanted]


def _timed(answer: Answer, took_s: float) -> Answer:
    evidence = answer.evidence
    return replace(answer, evidence=replace(evidence, duration_s=evidence.duration_s or took_s))
