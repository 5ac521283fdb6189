"""Lexemes without a token of their own: an opening token, which says what stands around them, and pieces."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

from bloomery.diffusion.code.lexemes.arranging import Item

_SPLIT = Regex(r"[ _]?[A-Za-z]+|[ _]?\d+| ?[^\sA-Za-z\d]+|\s+(?!\S)|\s+")
_BYTES = [chr(byte) for byte in range(256)]


class Form(NamedTuple):
    """A shape of lexemes that begin and end in one way."""

    shape: str
    before: str = ""
    after: str = ""

    def fits(self, item: Item) -> bool:
        text = item.text
        return (
            item.shape == self.shape
            and len(text) >= len(self.before) + len(self.after)
            and text.startswith(self.before)
            and text.endswith(self.after)
        )

    def inner(self, text: str) -> str:
        return text[len(self.before) : len(text) - len(self.after)]


def _forms() -> Iterator[Form]:
    for shape in ("word", "number", "string", "template", "regex", "sign", "comment", "block", "error"):
        yield Form(shape)
    for shape in ("space", "edge", "indent", "line", "nl", "newline", "dedent"):
        yield Form(shape)
    yield from (Form("line", "=\n"), Form("nl", "=\n"), Form("word", "_"), Form("word", "__", "__"))
    for prefix in ("", "r", "b", "f", "u", "rb", "br", "fr", "rf", "R", "B", "F"):
        for quote in ('"', "'", '"""', "'''"):
            yield Form("string", prefix + quote, quote)
    yield Form("string", "`", "`")
    for before in ("`", "}"):
        yield from (Form("template", before, "`"), Form("template", before, "${"))
    yield from (Form("comment", mark + space) for mark in ("#", "//") for space in ("", " "))
    yield from (Form("block", before, "*/") for before in ("/*", "/**"))


FORMS = tuple(sorted(set(_forms())))
_BY_SHAPE = {
    shape: sorted(
        (form for form in FORMS if form.shape == shape), key=lambda form: -len(form.before + form.after)
    )
    for shape in {form.shape for form in FORMS}
}


def form_of(item: Item) -> Form:
    """The closest form that fits."""
    return next(form for form in _BY_SHAPE[item.shape] if form.fits(item))


class Pieces:
    """Byte pair encoding of what stands between; no merge crosses a lexeme's border: none sees two."""

    def __init__(self, bpe: Tokenizer) -> None:
        self.bpe = bpe
        self.texts = [str(self.bpe.id_to_token(at)) for at in range(bpe.get_vocab_size())]
        self.of = functools.lru_cache(maxsize=2**16)(self._of)

    @classmethod
    def trained(cls, inners: Iterable[str], size: int) -> Pieces:
        bpe = Tokenizer(models.BPE())
        bpe.pre_tokenizer = pre_tokenizers.Split(_SPLIT, "isolated")
        trainer = trainers.BpeTrainer(
            vocab_size=size, initial_alphabet=_BYTES, show_progress=False, max_token_length=24
        )
        bpe.train_from_iterator(inners, trainer)
        return cls(bpe)

    @classmethod
    def loaded(cls, text: str) -> Pieces:
        return cls(Tokenizer.from_str(text))

    def saved(self) -> str:
        return self.bpe.to_str()

    def _of(self, inner: str) -> tuple[int, ...]:
        return tuple(self.bpe.encode(inner, add_special_tokens=False).ids)
