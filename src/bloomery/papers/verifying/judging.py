"""The status of one equation: from its code, its tests, what became of them, and what they notice."""

from bloomery.papers.verifying.joined import Joined, Seen, cases, good_cases, run_functions
from bloomery.papers.verifying.joining import Definition, Oracle, shown
from bloomery.papers.verifying.mutation import KINDS
from bloomery.papers.verifying.noticing import by_definition, noticed
from bloomery.papers.verifying.verified import CodeSeen, EquationReport, Status, TestSeen

BAD = frozenset({"failed", "error", "xfailed", "xpassed", "not collected", "not run"})


def report(joined: Joined, seen: Seen) -> EquationReport:
    """What is to be said about an equation."""
    status, reason = judged(joined, seen)
    mutants, survivors = noticed(joined, seen)
    return EquationReport(
        paper=joined.paper,
        number=joined.printed.number,
        name=joined.printed.name,
        status=status,
        reason=reason,
        code=tuple(_code(joined, one, seen) for one in joined.code),
        tests=tuple(_test(joined, one, seen) for one in joined.oracles),
        mutants=mutants,
        survivors=survivors,
        readings=joined.readings,
        chosen=joined.choice.chosen if joined.choice else "",
        why=joined.choice.why if joined.choice else "",
    )


def judged(joined: Joined, seen: Seen) -> tuple[Status, str]:
    """The status with its reason, from the first thing that is not as it should be."""
    if joined.out_of_scope:
        return "out of scope", joined.out_of_scope
    real = [one for one in joined.code if not _is_placeholder(one, seen)]
    if not real:
        where = ", ".join(shown(seen.root, one.path) for one in joined.code)
        return "missing", f"only a placeholder in {where}" if where else "no code cites it"
    if not joined.oracles:
        return "uncovered", "no test is marked with it"
    if status := _of_tests(joined, seen):
        return status
    unrun = [one for one in real if not run_functions(joined, one, seen)]
    if len(unrun) == len(real):
        said = ", ".join(one.symbol or shown(seen.root, one.path) for one in real)
        return "uncovered", f"its tests pass and run no line of {said}"
    if gap := _reading_gap(joined, seen):
        return gap
    return _of_mutants(joined, seen)


def _of_tests(joined: Joined, seen: Seen) -> tuple[Status, str] | None:
    outcomes = [case for oracle in joined.oracles for case in cases(joined, oracle, seen.results)]
    bad = [one for one in outcomes if one.status in BAD]
    if bad:
        first = f"{bad[0].node}: {bad[0].status}"
        more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
        return "failing", f"{first}: {_first_line(bad[0].reason)}{more}"
    passed = [one for one in outcomes if one.status == "passed"]
    if not passed:
        why = next((one.reason for one in outcomes if one.reason), "none of its cases ran")
        return "skipped", why
    if not good_cases(joined, seen):
        reasons = [seen.unfailing[one.node] for one in joined.oracles if one.node in seen.unfailing]
        return "unfailing", "; ".join(dict.fromkeys(reasons))
    return None


def _reading_gap(joined: Joined, seen: Seen) -> tuple[Status, str] | None:
    """An equation with several readings needs code and a good test for each, and a recorded choice."""
    names = joined.readings
    if len(names) < 2:
        return None
    number = joined.printed.number
    for name in names:
        if not any(one.reads(number, name) for one in joined.code):
            return "missing", f"no code cites its reading '{name}'; write `eq. {number} ({name})`"
    good = good_cases(joined, seen)
    for name in names:
        nodes = [one for one in joined.oracles if name.lower() in one.readings]
        if not any(case.node in good for one in nodes for case in cases(joined, one, seen.results)):
            return "uncovered", f"no passing test is marked with reading='{name}'"
    if joined.choice is None:
        return (
            "uncovered",
            f"readings {', '.join(names)}: record the choice in paper.yaml, readings, '{number}'",
        )
    return None


def _of_mutants(joined: Joined, seen: Seen) -> tuple[Status, str]:
    if seen.trials is None:
        return "passing", "not mutated"
    mutants, _ = noticed(joined, seen)
    if not mutants:
        return "passing", _why_untried(joined, seen)
    if not any(one.killed for one in mutants):
        return "unfailing", f"its tests notice none of {sum(one.tried for one in mutants)} planted changes"
    for definition, trials in by_definition(joined, seen):
        named = [kind for kind in KINDS if any(one.kind == kind for one in trials)]
        killed = {one.kind for one in trials if one.state == "killed"}
        lost = [kind for kind in named if kind not in killed]
        if trials and (lost or not killed):
            what = ", ".join(lost) if lost else "any"
            return (
                "passing",
                f"its tests notice no {what} change in {definition.symbol or definition.path.name}",
            )
    return "mutation-tested", ", ".join(f"{one.killed} of {one.tried} {one.kind}" for one in mutants)


def _why_untried(joined: Joined, seen: Seen) -> str:
    untried = [one for _, trials in by_definition(joined, seen) for one in trials if one.state == "not_run"]
    if not untried:
        return "nothing in its functions could be mutated"
    why = "; ".join(dict.fromkeys(_first_line(one.reason) for one in untried if one.reason))
    return (
        f"none of the {len(untried)} changes of its functions could be tried: {why or 'no reason is known'}"
    )


def _is_placeholder(definition: Definition, seen: Seen) -> bool:
    return (definition.path, definition.symbol) in seen.placeholders


def _code(joined: Joined, definition: Definition, seen: Seen) -> CodeSeen:
    run = None if seen.covered is None else bool(run_functions(joined, definition, seen))
    return CodeSeen(shown(seen.root, definition.path), definition.line, definition.symbol, run)


def _test(joined: Joined, oracle: Oracle, seen: Seen) -> TestSeen:
    found = cases(joined, oracle, seen.results)
    worst = next((one for one in found if one.status in BAD), None)
    passed = next((one for one in found if one.status == "passed"), None)
    shown_case = worst or passed or (found[0] if found else None)
    outcome: str = shown_case.status if shown_case else "not run"
    if outcome == "passed" and oracle.node in seen.unfailing:
        outcome = "unfailing"
    reason = seen.unfailing.get(oracle.node) or (_first_line(shown_case.reason) if shown_case else "")
    return TestSeen(oracle.node, oracle.test.line, outcome, oracle.kind, reason)


def _first_line(text: str) -> str:
    return next(iter(text.strip().splitlines()), "")
