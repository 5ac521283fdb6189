"""Safer forms as a proposer: all that fit together, all of one kind, and each alone."""

import ast
from collections.abc import Iterator, Sequence
from random import Random

from bloomery.optimize.proposal import Goal, Proposal, Target
from bloomery.optimize.proposers.robustness.source import NotMended, Source
from bloomery.optimize.proposers.security import FIXES
from bloomery.optimize.proposers.security.fix import Fix
from bloomery.source.python import parse_text

Named = tuple[str, Fix]


class Safer:
    """For the goal `security`: what bandit objects to, in a form in which it does not."""

    name = "security"

    def propose(self, target: Target, goal: Goal, *, rng: Random) -> Iterator[Proposal]:
        """Raises: NotPython. Equal targets make equal proposals whatever `rng` is."""
        if goal != "security" or not target.path.endswith(".py"):
            return
        source = Source(target.text)
        parse_text(source.text, target.root / target.path)
        found = [one for one in fixes(source) if target.function in (None, one[1].function)]
        kinds = [
            [one for one in found if one[0] == name] for name in dict.fromkeys(name for name, _ in found)
        ]
        seen = {source.text}
        for chosen in (found, *kinds, *([one] for one in found)):
            text = together(source, chosen)
            if text not in seen:
                seen.add(text)
                yield _proposal(target.path, chosen, text)


def fixes(source: Source) -> list[Named]:
    """All that there are, in the order of the catalogue."""
    return [(name, one) for name, made in FIXES.items() for one in made(source)]


def together(source: Source, chosen: Sequence[Named]) -> str:
    """The text with these fixes, without those that would change what another one does."""
    edits: list[tuple[int, int, str]] = []
    imports: dict[str, None] = {}
    for _, one in chosen:
        clash = any(a < other[1] and other[0] < b for a, b, _ in one.edits for other in edits)
        if not clash and _holds(source, one):
            edits += one.edits
            imports |= dict.fromkeys(one.imports)
    try:
        return source.edited(edits, *imports) if edits else source.text
    except NotMended:
        return source.text


def _holds(source: Source, one: Fix) -> bool:
    """Whether it parses by itself and its imports can be made."""
    try:
        ast.parse(source.edited(one.edits, *one.imports))
    except NotMended:
        return False
    return True


def _proposal(path: str, chosen: Sequence[Named], text: str) -> Proposal:
    functions = {one.function for _, one in chosen}
    return Proposal(
        proposer=Safer.name,
        operator="+".join(dict.fromkeys(name for name, _ in chosen)),
        why="; ".join(f"{one.function or 'module'}, line {one.line}: {one.why}" for _, one in chosen),
        texts={path: text},
        function=functions.pop() or None if len(functions) == 1 else None,
        safety="proven" if all(one.proven for _, one in chosen) else "candidate",
    )
