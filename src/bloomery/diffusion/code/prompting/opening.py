"""A writer of programs by name: a folder of a prompt model, or a diffusion language model of the Hub."""

from pathlib import Path

import torch

from bloomery.core.errors import MissingFile, UserError
from bloomery.diffusion.code.hub.model import HubModel
from bloomery.diffusion.code.hub.opening import open_model
from bloomery.diffusion.code.hub.writing import code_of
from bloomery.diffusion.code.judging.program import Language
from bloomery.diffusion.code.lexemes.tokenizer import FILE as LEXEMES
from bloomery.diffusion.code.prompting.model import FILE, PromptModel
from bloomery.diffusion.code.prompting.writing import Proposer

TOKENS, PASSES = 256, 64  # of an answer of a model of the Hub
ASKED = (
    "Write a {language} program with one function `solve` of one argument. It should {prompt}. "
    "Answer with code only."
)


def opened(name: str, *, trust_remote_code: bool = False) -> PromptModel | Proposer:
    """Raises: MissingFile for what is neither a folder with a model nor a name on the Hub; UserError for a
    model that reads no prompts; what opening either raises."""
    folder = Path(name)
    if (folder / FILE).is_file():
        return PromptModel.load(folder)
    if (folder / LEXEMES).is_file():
        raise UserError(
            f"{folder} holds a code model of `bloomery diffuse train`, which reads no prompts: it fills "
            "holes, `bloomery diffuse fill FILE --hole LINES --model ...`; for prompts, leave --model out"
        )
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise MissingFile(f"{folder} holds no model: neither {FILE} nor config.json")
    return of_hub(open_model(name, trust_remote_code=trust_remote_code))  # type: ignore[arg-type]


def of_hub(model: HubModel) -> Proposer:
    """Whatever it answers, without its fences; nothing is refused before a parser has seen it."""

    def propose(
        prompt: str, language: Language, *, count: int, generator: torch.Generator
    ) -> tuple[list[str], int]:
        asked = ASKED.format(language=language, prompt=prompt.strip().rstrip("."))
        told = [model.write(asked, length=TOKENS, steps=PASSES, generator=generator) for _ in range(count)]
        return [code_of(text) for text in told], PASSES * count

    return propose
