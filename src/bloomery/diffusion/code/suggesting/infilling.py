"""Statements that a code model finds unlikely, and what it would write in their place."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import torch

from bloomery.core.errors import FormatRefused, UnknownName, UserError
from bloomery.diffusion.code.decoding.filling import WINDOW, context, fill
from bloomery.diffusion.code.decoding.framing import framed
from bloomery.diffusion.code.decoding.holes import Hole
from bloomery.diffusion.code.modelling.model import MASK_ID, CodeModel
from bloomery.source.languages.faults import faults
from bloomery.source.languages.holes import holes
from bloomery.source.languages.parsing import parse
from bloomery.source.languages.registry import language as known_language
from bloomery.source.languages.symbols import definition

LONGEST = 40  # tokens of a statement that is looked at
STATEMENTS = {
    "python": {"expression_statement", "return_statement", "raise_statement", "assert_statement"},
    "javascript": {"expression_statement", "lexical_declaration", "return_statement"},
    "typescript": {"expression_statement", "lexical_declaration", "return_statement"},
    "java": {"expression_statement", "local_variable_declaration", "return_statement"},
    "go": {"expression_statement", "short_var_declaration", "assignment_statement", "return_statement"},
}

Rewrite = Callable[[str, str, str | None, int], Iterator[tuple[str, str]]]


class Statement(NamedTuple):
    """`log_p`: the mean log probability of its tokens, all of them masked, in nats.

    Line from 1, length in tokens.
    """

    hole: Hole
    line: int
    log_p: float
    length: int


class Rewritten(NamedTuple):
    text: str
    statement: Statement
    filling: str


def statements(text: str, language: str, function: str | None = None) -> list[Hole]:
    """Those of a text or of one function of it, without ones in which others stand.

    Raises: UnknownName for a function, and for a language whose statements are not known.
    """
    source = parse(text, known_language(language))
    if language not in STATEMENTS:
        raise UnknownName("language of statements", language, STATEMENTS)
    first, last = 0, len(text)
    if function is not None:
        node = definition(source, function)[1]
        first, last = source.offset(node.start_byte), source.offset(node.end_byte)
    all_of_them = holes(source, STATEMENTS[language])
    found = [hole for hole in all_of_them if first <= hole.start and hole.stop <= last]
    inner = [one for one in found if not any(_within(other, one) for other in found)]
    return [Hole(len(text[: one.start].encode()), len(text[: one.stop].encode())) for one in inner]


def _within(inner: tuple[int, int], outer: tuple[int, int]) -> bool:
    return inner != outer and outer[0] <= inner[0] and inner[1] <= outer[1]


def unlikely(
    model: CodeModel, text: str, language: str, function: str | None = None, *, most: int = 3
) -> list[Statement]:
    """The statements that the model would have expected least, the least first, of those that it can read."""
    data, found = text.encode(), list[Statement]()
    for hole in statements(text, language, function):
        try:
            frame = framed(model.tokenizer, data, hole, language)
        except UserError:  # one that begins or ends inside of a lexeme says nothing of the others
            continue
        was = frame.tokens(frame.was)
        if not 1 <= len(was) <= LONGEST:
            continue
        left, right = context(frame, len(was), WINDOW)
        ids = torch.tensor([[*left, *[MASK_ID] * len(was), *right]])
        with torch.no_grad():
            said = model.logits(ids, language=language)[0, len(left) : len(left) + len(was)].double()
        said[:, MASK_ID] = -torch.inf
        log_p = said.log_softmax(-1).gather(1, torch.tensor(was)[:, None]).mean()
        found.append(Statement(hole, data.count(b"\n", 0, hole.start) + 1, float(log_p), len(was)))
    return sorted(found, key=lambda one: one.log_p)[:most]


def rewritten(
    model: CodeModel,
    text: str,
    language: str,
    function: str | None = None,
    *,
    most: int = 3,
    samples: int = 1,
    seed: int = 0,
) -> Iterator[Rewritten]:
    """The text with one unlikely statement filled anew, so that it parses; other meanings are possible.

    Statements that cannot be filled are passed over.

    Raises: as `statements`; FormatRefused for a text that does not parse.
    """
    if wrong := faults(parse(text, known_language(language))):
        raise FormatRefused(f"the text does not parse, so none of its statements is filled anew: {wrong[0]}")
    data = text.encode()
    for number, statement in enumerate(unlikely(model, text, language, function, most=most)):
        near = range(max(statement.length - 1, 1), statement.length + 2)
        heat = 0.7 if samples > 1 else 0.0
        try:
            found = fill(
                model, data, statement.hole, language,
                lengths=near, samples=samples, temperature=heat, seed=100 * number + seed,
            )  # fmt: skip
        except UserError:  # its surroundings are in no grammar of ours: another's may be
            continue
        for candidate in found.candidates:
            if candidate.data != data:
                yield Rewritten(candidate.data.decode(), statement, candidate.text.decode())


def rewriter(folder: Path, *, most: int = 3) -> Rewrite:
    """What proposers ask: texts with one statement of a function filled anew, and why that one.

    Raises: as `CodeModel.load`.
    """
    model = CodeModel.load(folder)

    def rewrite(text: str, language: str, function: str | None, seed: int) -> Iterator[tuple[str, str]]:
        for one in rewritten(model, text, language, function, most=most, seed=seed):
            line, log_p = one.statement.line, one.statement.log_p
            yield one.text, f"line {line}, which the code model expects least ({log_p:.1f} nats a token)"

    return rewrite
