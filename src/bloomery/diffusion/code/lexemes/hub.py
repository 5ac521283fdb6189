"""The tokenizer as Hugging Face has them: `from_pretrained`, `save_pretrained`, batches, padding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizer

from bloomery.diffusion.code.lexemes.spelling import Form
from bloomery.diffusion.code.lexemes.tokenizer import FILE, LexemeTokenizer
from bloomery.diffusion.code.lexemes.vocabulary import END, MASK, PAD, Vocabulary


class HubLexemeTokenizer(PreTrainedTokenizer):
    """Text is encoded as UTF-8; bytes that are none come as surrogates (`surrogateescape`).

    Special tokens written in a text are text: no code makes one.
    """

    vocab_files_names = {"vocab_file": FILE}  # noqa: RUF012  (the base class's own form)
    model_input_names = ["input_ids", "attention_mask"]  # noqa: RUF012

    def __init__(self, vocab_file: str, language: str = "python", **options: Any) -> None:
        vocabulary = Vocabulary.loaded(Path(vocab_file).read_text(encoding="utf-8"))
        self.lexemes, self.language = LexemeTokenizer(vocabulary), language
        self.names = [_name(vocabulary.entry(token)) for token in range(len(vocabulary))]
        self.ids = {name: token for token, name in enumerate(self.names)}
        special = {"pad_token": PAD, "mask_token": MASK, "eos_token": END}
        super().__init__(language=language, **(special | options))

    @property
    def vocab_size(self) -> int:
        return len(self.names)

    def get_vocab(self) -> dict[str, int]:
        return dict(self.ids)

    def tokenize(self, text: str, *_: Any, **__: Any) -> list[str]:
        data = text.encode("utf-8", "surrogateescape")
        return [self.names[token] for token in self.lexemes.encode(data, self.language)]

    def _tokenize(self, text: str, **options: Any) -> list[str]:
        return self.tokenize(text, **options)

    def _convert_token_to_id(self, token: str) -> int:
        return self.ids[token]

    def _convert_id_to_token(self, index: int) -> str:
        return self.names[index]

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        data = self.lexemes.decode([self.ids[token] for token in tokens], self.language)
        return data.decode("utf-8", "surrogateescape")

    def _decode(self, token_ids: int | list[int], *_: Any, **__: Any) -> str:
        tokens = [token_ids] if isinstance(token_ids, int) else list(token_ids)
        return self.lexemes.decode(tokens, self.language).decode("utf-8", "surrogateescape")

    def save_vocabulary(self, save_directory: str, filename_prefix: str | None = None) -> tuple[str]:
        folder = Path(save_directory)
        self.lexemes.save(folder)
        return (str(folder / FILE),)


def _name(entry: object) -> str:
    """One name a token; special tokens have their own."""
    if isinstance(entry, str):
        return entry
    kind = "open" if isinstance(entry, Form) else ""
    return "\x1f".join([kind, *entry])  # type: ignore[misc]
