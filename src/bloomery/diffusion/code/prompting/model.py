"""The prompt model: what stands under the masks of a canvas, given a prompt; kept in a folder."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from bloomery.core.disk import write_atomically
from bloomery.core.errors import FormatRefused, MissingFile, UnknownName
from bloomery.diffusion.code.judging.program import Language
from bloomery.diffusion.code.lexemes.tokenizer import LexemeTokenizer
from bloomery.diffusion.code.prompting.layout import (
    MASK_ID,
    OPENING,
    PAD_ID,
    REGIONS,
    SKETCH,
    Layout,
    Sketches,
    places,
)
from bloomery.diffusion.code.prompting.words import Words
from bloomery.diffusion.denoisers.tokens import TokenDenoiser, TokenDenoiserConfig
from bloomery.diffusion.processes.masked import MaskedDiffusion

FILE, CONFIG, WEIGHTS, VERSION = "prompts.json", "config.json", "model.safetensors", 1
SIZES: Mapping[str, Any] = {
    "hidden_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4, "intermediate_size": 512,
    "condition_layers": 2, "open_gates": True,
}  # fmt: skip


@dataclass(frozen=True)
class PromptModel:
    """A net, the tokenizer of its programs, the words of its prompts and each language's layout."""

    net: TokenDenoiser
    tokenizer: LexemeTokenizer
    words: Words
    sketches: Sketches
    layouts: Mapping[Language, Layout]

    def __post_init__(self) -> None:
        """Raises: FormatRefused where the parts are not of one model."""
        config, tokens = self.net.config, len(self.tokenizer) + len(self.sketches)
        if (config.vocab_size, config.condition_vocab_size) != (tokens, len(self.words)):
            raise FormatRefused(
                f"the net knows {config.vocab_size} tokens and {config.condition_vocab_size} words, "
                f"{tokens} and {len(self.words)} are given: they are not of one model"
            )

    @classmethod
    def fresh(
        cls,
        tokenizer: LexemeTokenizer,
        layouts: Mapping[Language, Layout],
        *,
        operations: tuple[str, ...],
        seed: int = 0,
        **sizes: int,
    ) -> "PromptModel":
        """An untrained model of the grammar's words."""
        words, sketches = Words.of_grammar(), Sketches(len(tokenizer), operations)
        config = TokenDenoiserConfig(
            vocab_size=len(tokenizer) + len(sketches),
            condition_vocab_size=len(words),
            lines=REGIONS,
            scopes=len(operations) + 1,
            indents=max(max(one.head, one.tail, *one.steps.values()) for one in layouts.values()),
            **{**SIZES, **sizes},
        )
        with torch.random.fork_rng([]):
            torch.manual_seed(seed)
            return cls(TokenDenoiser(config).eval(), tokenizer, words, sketches, layouts)

    @property
    def process(self) -> MaskedDiffusion:
        return MaskedDiffusion(mask=MASK_ID)

    def layout(self, language: str) -> Layout:
        """Raises: UnknownName."""
        if language not in self.layouts:
            raise UnknownName("language", language, self.layouts)
        return self.layouts[language]  # type: ignore[index]

    def blank(self, sketches: Tensor, language: str) -> Tensor:
        """Canvases that open with these and whose programs are masks; behind their end, padding.

        Shapes: sketches (B, begin) -> (B, L)
        """
        sizes = self.sizes(sketches, language)
        x = torch.full((len(sketches), max(map(sum, sizes))), PAD_ID)
        for row, size in zip(x, sizes, strict=True):
            row[: sum(size)] = MASK_ID
        x[:, : sketches.shape[1]] = sketches
        return x

    def sizes(self, ids: Tensor, language: str) -> list[tuple[int, ...]]:
        """Of the regions of canvases, as their sketches say. Shapes: ids (B, L)"""
        layout, rows = self.layout(language), ids[:, OPENING : OPENING + SKETCH].tolist()
        return [layout.sizes(self.sketches.steps(row)) for row in rows]

    def allowed(self, length: int) -> Tensor:
        """Which tokens may stand where. Shapes: -> (L, V)"""
        at, ids = torch.arange(length)[:, None], torch.arange(self.net.config.vocab_size)
        in_sketch = (ids >= len(self.tokenizer)) | (ids == PAD_ID)
        return torch.where((at >= OPENING) & (at < OPENING + SKETCH), in_sketch, ids < len(self.tokenizer))

    def asked(self, ids: Tensor, condition: Tensor, seen: Tensor, language: str) -> Tensor:
        """Of the token at each place of canvases that end behind the sketch, given prompts.

        Shapes: ids (B, begin), condition and seen (B, C) -> (B, begin, V)
        """
        told = {
            name: one[:1, : ids.shape[1]].expand(len(ids), -1)
            for name, one in places([self.layout(language).sizes(())]).items()
        }
        del told["seen"]
        said = self.net(ids, condition=condition, condition_seen=seen, **told)
        return said.masked_fill(~self.allowed(ids.shape[1]), -torch.inf)

    def logits(self, ids: Tensor, language: str) -> Tensor:
        """Of the token at each place of canvases whose sketches are known.

        Shapes: ids (B, L) -> (B, L, V)
        """
        said = self.net(ids, **self.told(ids, language))
        return said.masked_fill(~self.allowed(ids.shape[1]), -torch.inf)

    def told(self, ids: Tensor, language: str) -> dict[str, Tensor]:
        """What the net takes beside whole canvases. Shapes: ids (B, L) -> (B, L) each"""
        rows = ids[:, OPENING : OPENING + SKETCH].tolist()
        operations = [self.sketches.numbers(self.sketches.steps(row)) for row in rows]
        return places(self.sizes(ids, language), operations)

    def source(self, row: Tensor, language: str) -> str:
        """The program on a canvas. Shapes: row (L,)"""
        tokens = [*row[:OPENING].tolist(), *row[OPENING + SKETCH :].tolist()]
        return self.tokenizer.decode(tokens, language).decode("utf-8", "replace")

    def save(self, folder: Path) -> None:
        """Written whole or not at all, `prompts.json` last."""
        folder.mkdir(parents=True, exist_ok=True)
        self.net.config.save_pretrained(folder)
        write_atomically(folder / WEIGHTS, save(self.net.state_dict(), {"format": "pt"}))
        self.tokenizer.save(folder)
        told = {
            "version": VERSION,
            "words": self.words.known,
            "operations": self.sketches.operations,
            "layouts": {language: asdict(layout) for language, layout in self.layouts.items()},
        }
        write_atomically(folder / FILE, (json.dumps(told, indent=1) + "\n").encode())

    @classmethod
    def load(cls, folder: Path) -> "PromptModel":
        """Raises: MissingFile; FormatRefused."""
        for name in (FILE, CONFIG, WEIGHTS):
            if not (folder / name).is_file():
                raise MissingFile(f"{folder} holds no {name}: it is no folder of a prompt model")
        tokenizer = LexemeTokenizer.load(folder)
        try:
            told = json.loads((folder / FILE).read_text(encoding="utf-8"))
            net = TokenDenoiser(TokenDenoiserConfig.from_json_file(folder / CONFIG)).eval()
            net.load_state_dict(load_file(folder / WEIGHTS))
            return cls(net, tokenizer, **_read(told, len(tokenizer)))
        except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise FormatRefused(f"{folder} is no prompt model that can be read: {error}") from error


def _read(told: dict[str, Any], first: int) -> dict[str, Any]:
    if told["version"] != VERSION:
        raise FormatRefused(f"expected a prompt model of version {VERSION}, this has {told['version']}")
    layouts = {
        language: Layout(**{**layout, "given": tuple(layout["given"])})
        for language, layout in told["layouts"].items()
    }
    sketches = Sketches(first, tuple(told["operations"]))
    return {"words": Words(told["words"]), "sketches": sketches, "layouts": layouts}
