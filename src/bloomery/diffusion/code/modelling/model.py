"""The code model: what stands under the masks of a canvas of lexemes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from bloomery.core.disk import beside, full_disk_named, sync_tree
from bloomery.core.errors import FormatRefused, MissingFile, UnknownName, UserError
from bloomery.diffusion.code.lexemes.tokenizer import FILE, LexemeTokenizer
from bloomery.diffusion.code.lexemes.vocabulary import MASK, SPECIAL
from bloomery.diffusion.code.modelling.signals import signals_of
from bloomery.diffusion.denoisers.tokens import TokenDenoiser, TokenDenoiserConfig
from bloomery.diffusion.processes.masked import MaskedDiffusion
from bloomery.diffusion.processes.process import Net

CONFIG, WEIGHTS, PROMPTS = "config.json", "model.safetensors", "prompts.json"
MASK_ID = SPECIAL.index(MASK)
SIZES: Mapping[str, Mapping[str, int]] = {
    "tiny": {
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 256,
    },
    "small": {
        "hidden_size": 160,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "intermediate_size": 640,
    },
    "base": {
        "hidden_size": 256,
        "num_hidden_layers": 6,
        "num_attention_heads": 4,
        "intermediate_size": 1024,
    },
}
START = {"open_gates": True, "neighbours": 2}  # without these masks are learned of many times later
PLACES = {"lines": 64, "indents": 16, "scopes": 32}  # ids of each signal; further ones count as the last


@dataclass(frozen=True)
class CodeModel:
    """A net and the tokenizer of its tokens; `prompts` are the words of its conditions, by their ids."""

    net: TokenDenoiser
    tokenizer: LexemeTokenizer
    prompts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises: FormatRefused where net, tokenizer and prompts are not of one model."""
        config = self.net.config
        if config.vocab_size != len(self.tokenizer):
            raise FormatRefused(
                f"the net knows {config.vocab_size} tokens, the tokenizer has {len(self.tokenizer)}: they "
                "are not of one model"
            )
        if config.condition_vocab_size != len(self.prompts):
            raise FormatRefused(
                f"the net reads conditions of {config.condition_vocab_size} words, {len(self.prompts)} are "
                "given: they are not of one model"
            )

    @classmethod
    def fresh(
        cls,
        tokenizer: LexemeTokenizer,
        size: str = "small",
        *,
        prompts: Sequence[str] = (),
        places: bool = True,
        seed: int = 0,
        **options: Any,
    ) -> "CodeModel":
        """An untrained model of a size by name; `options` are those of `TokenDenoiserConfig`.

        `places`: whether the net is told lines, indents and scopes.

        Raises: UnknownName; UserError for options that no net has.
        """
        if size not in SIZES:
            raise UnknownName("size of a code model", size, SIZES)
        given = {**SIZES[size], **START, **(PLACES if places else {}), **options}
        try:
            config = TokenDenoiserConfig(
                vocab_size=len(tokenizer), condition_vocab_size=len(prompts), **given
            )
            with torch.random.fork_rng([]):
                torch.manual_seed(seed)
                return cls(TokenDenoiser(config).eval(), tokenizer, tuple(prompts))
        except (TypeError, ValueError) as error:
            raise UserError(f"no code model is of these options: {error}") from error

    @cached_property
    def process(self) -> MaskedDiffusion:
        return MaskedDiffusion(mask=MASK_ID)

    def signals(self, ids: Tensor, language: str | None = None) -> dict[str, Tensor]:
        """What the net is told of where these tokens stand. Shapes: ids (B, L) -> (B, L) each"""
        return signals_of(self.tokenizer, ids, self.net.signals, language)

    def logits(
        self,
        ids: Tensor,
        *,
        condition: Tensor | None = None,
        condition_seen: Tensor | None = None,
        language: str | None = None,
    ) -> Tensor:
        """Of the token at each place, that of a mask or what is there.

        Shapes: ids (B, L), condition and condition_seen (B, C) -> (B, L, V)
        """
        told = self.signals(ids, language)
        return self.net(ids, condition=condition, condition_seen=condition_seen, **told)

    def denoiser(self, condition: Tensor | None = None, condition_seen: Tensor | None = None) -> Net:
        """As processes and samplers take it: a net of (x, t) that does not look at t."""

        def net(x: Tensor, t: Tensor) -> Tensor:
            return self.logits(x, condition=condition, condition_seen=condition_seen)

        return net

    def save(self, folder: Path) -> None:
        """Writes `lexemes.json`, `config.json`, `model.safetensors` and, with prompts, `prompts.json`.

        Raises: DiskFull.
        """
        with full_disk_named(folder), beside(folder / CONFIG) as work:
            self.net.config.save_pretrained(work)
            save_file(self.net.state_dict(), work / WEIGHTS, {"format": "pt"})
            self.tokenizer.save(work)
            if self.prompts:
                (work / PROMPTS).write_text(json.dumps({"version": 1, "words": self.prompts}))
            sync_tree(work)
            (folder / PROMPTS).unlink(missing_ok=True)
            for path in sorted(work.iterdir()):
                path.replace(folder / path.name)

    @classmethod
    def load(cls, folder: Path) -> "CodeModel":
        """A saved model, in evaluation mode and of the same bits.

        Raises: MissingFile; FormatRefused for a folder that is damaged or of something else.
        """
        for name in (CONFIG, WEIGHTS, FILE):
            if not (folder / name).is_file():
                raise MissingFile(
                    f"a code model's folder holds {CONFIG}, {WEIGHTS} and {FILE}; {folder} has no {name}: "
                    "name a folder that `bloomery diffuse train --out` wrote"
                )
        try:
            return cls(_net(folder), LexemeTokenizer.load(folder), _prompts(folder))
        except (SafetensorError, ArithmeticError, LookupError, TypeError, ValueError, RuntimeError) as error:
            raise FormatRefused(f"{folder} holds no code model that can be read: {error}") from error


def _net(folder: Path) -> TokenDenoiser:
    told = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    kind = told.get("model_type") if isinstance(told, dict) else type(told).__name__
    if kind != TokenDenoiserConfig.model_type:
        raise ValueError(f"{CONFIG} is of a '{kind}', not of a '{TokenDenoiserConfig.model_type}'")
    net = TokenDenoiser(TokenDenoiserConfig.from_pretrained(folder, local_files_only=True))
    net.load_state_dict(load_file(folder / WEIGHTS))
    return net.eval()


def _prompts(folder: Path) -> tuple[str, ...]:
    path = folder / PROMPTS
    return tuple(json.loads(path.read_text(encoding="utf-8"))["words"]) if path.is_file() else ()
