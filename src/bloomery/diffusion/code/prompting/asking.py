"""Examples as a user gives them: `f([1, 2]) == 2`, or `[[1, 2], 2]` as JSON: input and result."""

import ast
import json
from collections.abc import Sequence

from bloomery.core.errors import FormatRefused
from bloomery.diffusion.code.judging.asserting import Unreadable, examples_of
from bloomery.diffusion.code.judging.program import Example
from bloomery.diffusion.code.tasks.interpreting import takes
from bloomery.diffusion.code.tasks.operation import Kind, Meaning

FORMS = "write it as 'f([1, 2]) == 3', or as JSON: '[[1, 2], 3]', which is input and result"
PYTHON: dict[Kind, type | tuple[type, type]] = {
    Kind.NUMBER: int, Kind.TEXT: str, Kind.NUMBERS: (list, int), Kind.STRINGS: (list, str),
}  # fmt: skip
MOST = 100


def examples_from(texts: Sequence[str]) -> list[Example]:
    """Raises: FormatRefused for a text that is no example, or too many of them."""
    if len(texts) > MOST:
        raise FormatRefused(f"at most {MOST} examples are run; {len(texts)} came")
    return [_example(text) for text in texts]


def fit_for(meaning: Meaning, examples: Sequence[Example]) -> None:
    """Raises: FormatRefused for an example whose input is not what the prompt takes."""
    kind = takes(meaning)
    for one in examples:
        if len(one.arguments) != 1 or not _is(one.arguments[0], kind):
            told = ", ".join(json.dumps(value) for value in one.arguments)
            raise FormatRefused(f"the prompt takes one input, {kind}; the example gives ({told})")


def _example(text: str) -> Example:
    try:
        pair = json.loads(text)
    except (ValueError, RecursionError):
        return _asserted(text)
    if not isinstance(pair, list) or len(pair) != 2:
        raise FormatRefused(f"'{text[:80]}' is no example: {FORMS}")
    return Example(arguments=(pair[0],), result=pair[1])


def _asserted(text: str) -> Example:
    try:
        ast.parse(text, mode="eval")
        (found,) = examples_of(f"assert {text}", "")
    except (SyntaxError, ValueError, Unreadable, MemoryError, RecursionError) as error:
        raise FormatRefused(f"'{text[:80]}' is no example ({str(error)[:80]}): {FORMS}") from error
    return found


def _is(value: object, kind: Kind) -> bool:
    wanted = PYTHON[kind]
    if isinstance(wanted, tuple):
        return isinstance(value, list) and all(type(item) is wanted[1] for item in value)
    return type(value) is wanted
