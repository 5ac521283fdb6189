"""What is wrong with the code and the tests of an equation, or strange about them, each with its line."""

from collections.abc import Iterator

from bloomery.papers.diagnostic import Diagnostic
from bloomery.papers.verifying.joined import Joined, Seen, run_functions
from bloomery.papers.verifying.joining import Definition, shown
from bloomery.papers.verifying.noticing import blind, deaf


def faults(joined: Joined, seen: Seen) -> Iterator[Diagnostic]:
    """Of one equation; what its tests leave unrun or unnoticed only where that was seen."""
    name = f"{joined.paper}:{joined.printed.number}"
    for one in joined.code:
        where = shown(seen.root, one.path)
        inside = [
            found
            for (path, symbol), found in seen.placeholders.items()
            if path == one.path and (symbol == one.symbol or symbol.startswith(f"{one.symbol}."))
        ]
        for found in inside:
            message = f"{found.symbol} cites {name} and stands for it only: {found.reason}; write it"
            yield Diagnostic(where, found.line, "error", "placeholder", message)
    if len(joined.code) > 1 and not all(_is_run(joined, one, seen) for one in joined.code):
        first, *others = joined.code
        also = ", ".join(f"{shown(seen.root, one.path)}:{one.line}" for one in others)
        message = (
            f"{name} is cited here and in {also}, and its tests do not run each; cite it where it is tested"
        )
        yield Diagnostic(shown(seen.root, first.path), first.line, "warning", "cited-twice", message)
    if joined.out_of_scope and joined.code:
        message = f"{name} is said to be out of scope and is cited here; correct one of them"
        place = shown(seen.root, joined.code[0].path)
        yield Diagnostic(place, joined.code[0].line, "warning", "in-scope", message)
    yield from _unrun(joined, seen, name)
    for definition, trials in blind(joined, seen) if seen.trials is not None else ():
        message = (
            f"the tests of {name} notice none of {len(trials)} planted changes in "
            f"{definition.symbol or 'this module'}, such as {trials[0].change}; check it against an oracle"
        )
        yield Diagnostic(shown(seen.root, definition.path), definition.line, "error", "oracle-blind", message)
    for oracle, met in deaf(joined, seen) if seen.trials is not None else ():
        message = (
            f"{oracle.test.node} is marked with {name} and notices none of the {len(met)} planted changes on "
            f"the lines that it runs, such as {met[0].change}; compare with what tells them apart"
        )
        yield Diagnostic(
            shown(seen.root, oracle.test.path), oracle.test.line, "warning", "oracle-deaf", message
        )


def _unrun(joined: Joined, seen: Seen, name: str) -> Iterator[Diagnostic]:
    """Some of the code that cites an equation is run by none of its tests."""
    run = [one for one in joined.code if run_functions(joined, one, seen)]
    for one in joined.code if run else ():
        if not _is_run(joined, one, seen):
            message = f"{one.symbol or 'this module'} cites {name}, and no passing test of it runs this"
            yield Diagnostic(shown(seen.root, one.path), one.line, "warning", "cited-unrun", message)


def _is_run(joined: Joined, definition: Definition, seen: Seen) -> bool:
    """Whether a passing test of the equation runs it, as far as that can be known."""
    return not definition.functions or bool(run_functions(joined, definition, seen))
