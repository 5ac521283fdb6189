"""A small model that counts the ones in short rows of bits, and a stage that teaches it longer rows."""

import torch

from bloomery.core.step import StepContext
from bloomery.forge.cognate.growing import new_model
from bloomery.forge.curriculum.settings import (
    ClimbConfig,
    PrincipleConfig,
    PrinciplesConfig,
    SelfModelConfig,
    StaircaseConfig,
)
from bloomery.forge.fitting import make_optimizer
from bloomery.forge.settings import ExamConfig, FitConfig
from bloomery.forge.stages.curriculum import CurriculumBarsConfig, CurriculumStageConfig
from bloomery.tasks.batches import collate
from bloomery.tasks.ingredient import Ingredient
from bloomery.tasks.mixture import Mixture
from bloomery.tasks.registry import task
from bloomery.tasks.tokenizer import train_tokenizer
from bloomery.training.config import TrainConfig
from bloomery.training.loader import Loader
from bloomery.training.loop import train

BRIEF = PrincipleConfig(prompt="Be brief.", questions=tuple("abcd"), probes=("e", "f"))
SIZES = {
    "hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "num_hidden_layers": 2,
    "memory": "none", "memory_layers": [], "sliding_window": 64, "micro_steps": 1, "max_recursion": 1,
}  # fmt: skip
HOME = (7, 8)
COUNTING = {"chained_sums": Ingredient(difficulties=HOME, options={"largest": 1})}
TOKENIZER = train_tokenizer([])


def fitting(steps, **changes):
    words = {"lr": 5e-3, "lam": 0.3, **changes.pop("muon_grokfast", {})}
    return FitConfig(steps=steps, seq_len=48, muon_grokfast=words, train={"micro_batch": 16}, **changes)


def config(steps=6, **changes):
    """A stage of seconds: three rungs, few problems, one short prompt."""
    words = {
        "mixture": COUNTING,
        "exam": ExamConfig(selection=6, test=8),
        "fit": fitting(steps),
        "staircase": StaircaseConfig(at_once=8, most=80),
        "climb": ClimbConfig(
            rungs=3, hardest={"chained_sums": 11}, pool=12, round_steps=2, probes=4, kept=12, dreams=0.2
        ),
        "self_model": SelfModelConfig(steps=2, written=12, new_tokens=3),
        "principles": PrinciplesConfig(
            prompts={"brief": BRIEF},
            fit=FitConfig(steps=2, seq_len=32, preset="baking", train={"micro_batch": 4}),
            anchors=4,
        ),
        "examined": 6,
        "bars": CurriculumBarsConfig(rungs=0, kept=0.0),
    }
    return CurriculumStageConfig(**(words | changes))


def pupil(steps, *, seed=1, levels=HOME):
    """A model that was taught to count rows of these lengths for so many steps."""
    torch.manual_seed(seed)
    model = new_model("cognate-tiny", SIZES, TOKENIZER)
    counting = task("chained_sums", largest=1)
    stream = Mixture([(counting, 1.0, levels)], TOKENIZER, seq_len=32, seed=seed, length=32 * steps)
    train(
        model,
        Loader(stream, 32, seed=seed, collate=collate),
        optimizer=make_optimizer(model, fitting(steps, muon_grokfast={"lr": 1e-2})),
        config=TrainConfig(steps=steps, micro_batch=32, device="cpu", seed=seed),
    )
    return model


def context_in(folder, inputs, words, **options):
    for name in ("output", "checkpoint"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    parts = {name: folder / name for name in ("output", "checkpoint")}
    return StepContext(**parts, config=words, inputs=inputs, seed=1, **options)
