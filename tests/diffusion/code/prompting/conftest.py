"""A model of prompts whose net knows: what it says is the canonical program of what a prompt means."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from bloomery.diffusion.code.prompting.cutting import Cutting, prepared
from bloomery.diffusion.code.prompting.layout import OPENING, SKETCH
from bloomery.diffusion.code.prompting.model import PromptModel
from bloomery.diffusion.code.tasks.catalogue import OPERATIONS
from bloomery.diffusion.code.tasks.operation import Step
from bloomery.diffusion.code.tasks.understanding import understand

TINY = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
SURE = 20.0


class Knowing(nn.Module):
    """Sure of the canonical token at each place. It reads ids as a net would: no text reaches it."""

    def __init__(self, model: PromptModel) -> None:
        super().__init__()
        self.model, self.config, self.calls = model, model.net.config, 0
        self.cutting = Cutting(model.tokenizer)
        self.languages = {layout.given: name for name, layout in model.layouts.items()}

    def forward(self, ids, condition=None, *, condition_seen=None, **signals):
        self.calls += 1
        rows = []
        for number, row in enumerate(ids.tolist()):
            language = self.languages[tuple(row[:OPENING])]
            if condition is not None:
                words = [self.model.words.known[one] for one in condition[number].tolist() if one]
                meaning = understand(" ".join(words).replace(" ,", ","))
                rows.append([*row[:OPENING], *self.model.sketches.encode(meaning)])
                continue
            meaning = self.meaning(row[OPENING : OPENING + SKETCH])
            regions = self.cutting.regions(meaning, language)
            names = [step.name for step in meaning]
            canvas = self.model.layouts[language].canvas(row[OPENING : OPENING + SKETCH], regions, names)
            rows.append(canvas + [0] * (len(row) - len(canvas)))
        said = torch.zeros(*ids.shape, self.config.vocab_size)
        return said.scatter(-1, torch.tensor(rows)[..., None], SURE)

    def meaning(self, sketch):
        named = {token: name for name, token in self.model.sketches.ids.items()}
        pairs = zip(sketch[::2], sketch[1::2], strict=True)
        return tuple(Step(named[name], named.get(k)) for name, k in pairs if name)


@pytest.fixture(scope="session")
def tiny():
    tokenizer, layouts = prepared()
    return PromptModel.fresh(tokenizer, layouts, operations=tuple(OPERATIONS), **TINY)


@pytest.fixture
def knowing(tiny):
    return replace(tiny, net=Knowing(tiny))
