"""What a prompt means, if it is a prompt of the grammar; nothing is guessed.

A prompt is read whole, in all ways that the grammar allows; there must be exactly one. Capitals at its start,
repeated spaces and a full stop make no difference.
"""

import re
from collections.abc import Iterator
from functools import cache

from bloomery.core.errors import UserError
from bloomery.diffusion.code.tasks.catalogue import OPERATIONS
from bloomery.diffusion.code.tasks.interpreting import MOST_DEPTH
from bloomery.diffusion.code.tasks.operation import PARAMETERS, Kind, Meaning, Operation, Step
from bloomery.diffusion.code.tasks.wording import ASKING, GIVING, NEXT, SHORT, TAKING

MOST_CHARACTERS = 400  # the longest wording has 234
NUMBER = rf"([{PARAMETERS[0]}-{PARAMETERS[-1]}])"


class PromptRefused(UserError):
    """A text that is no prompt of the grammar."""


def understand(prompt: str) -> Meaning:
    """Raises: PromptRefused, with what would be understood."""
    if len(prompt) > MOST_CHARACTERS:
        raise PromptRefused(
            f"a prompt has at most {MOST_CHARACTERS} characters; this has {len(prompt):,}; ask for one thing"
        )
    text = plain_text(prompt)
    found = set(_readings(text))
    if len(found) == 1:
        return found.pop()
    if found:
        raise PromptRefused(f"'{text}' could mean {len(found)} things; say it another way")
    raise PromptRefused(
        f"'{text[:120]}' is not understood, and nothing is guessed; {_hint(text)}. Examples: 'return the sum "
        "of the even numbers'; 'take the text, split it into words, then count them and return the result'"
    )


def plain_text(prompt: str) -> str:
    """Without what makes no difference."""
    text = " ".join(prompt.split()).removesuffix(".")
    return text[:1].lower() + text[1:]


def _readings(text: str) -> Iterator[Meaning]:
    for asking in ASKING:
        if text.startswith(f"{asking} "):
            yield from (meaning for _, meaning in _named(text[len(asking) + 1 :], MOST_DEPTH) if meaning)
    for taking in TAKING:
        for kind in Kind:
            opening, ending = f"{taking} {kind}, ", f" {GIVING}"
            if text.startswith(opening) and text.endswith(ending):
                yield from _told(text[len(opening) : -len(ending)], kind)


def _named(text: str, depth: int) -> Iterator[tuple[Kind, Meaning]]:
    """What a name of a value is the name of, and how it comes about; the input itself by no step."""
    yield from ((kind, ()) for kind in Kind if text == kind)
    if depth == 0:
        return
    for operation, pattern in _patterns("given"):
        if match := pattern.fullmatch(text):
            yield operation.gives, (_step(operation, match),)
    for operation, pattern in _patterns("nouns"):
        if match := pattern.match(text):
            for kind, meaning in _named(text[match.end() :], depth - 1):
                if kind is operation.takes and len(meaning) < depth:
                    yield operation.gives, (*meaning, _step(operation, match))


def _told(text: str, kind: Kind) -> Iterator[Meaning]:
    """The meanings of a row of clauses, all with the same word between them."""
    rows = {tuple(text.split(NEXT)), tuple(text.split(SHORT))}
    for row in rows:
        if len(row) <= MOST_DEPTH:
            yield from _row(row, kind)


def _row(clauses: tuple[str, ...], kind: Kind) -> Iterator[Meaning]:
    if not clauses:
        yield ()
        return
    for operation, pattern in _patterns("clauses"):
        if operation.takes is kind and (match := pattern.fullmatch(clauses[0])):
            for rest in _row(clauses[1:], operation.gives):
                yield (_step(operation, match), *rest)


@cache
def _patterns(which: str) -> list[tuple[Operation, re.Pattern[str]]]:
    end = " " if which == "nouns" else ""
    return [
        (operation, re.compile(re.escape(text).replace("%", NUMBER) + end))
        for operation in OPERATIONS.values()
        for text in getattr(operation, which)
    ]


def _step(operation: Operation, match: re.Match[str]) -> Step:
    return Step(operation.name, int(match[1]) if operation.has_parameter else None)


def _hint(text: str) -> str:
    """The part of the prompt that ends what is understood."""
    if not text.startswith(tuple(f"{opening} " for opening in (*ASKING, *TAKING))):
        return f"begin with one of: {', '.join((*ASKING, *TAKING))}"
    wrong = [int(number) for number in re.findall(r"\d+", text) if int(number) not in PARAMETERS]
    if wrong:
        return f"numbers go from {PARAMETERS[0]} to {PARAMETERS[-1]}, not {wrong[0]}"
    return f"it takes {', '.join(Kind)}, up to {MOST_DEPTH} steps, each in one of its wordings"
