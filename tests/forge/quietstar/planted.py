"""A stage run on a planted effect: sums that are too long for a tiny model that answers at once.

The given model has seen a few of them; chains of partial sums are easy for it, their end is the answer.
"""

from dataclasses import dataclass
from functools import partial

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from bloomery.core.config import build
from bloomery.core.evidence import Evidence, Verdict, gate
from bloomery.core.run import Run
from bloomery.core.workspace import Workspace
from bloomery.forge.data import training_data
from bloomery.forge.fitting import fit
from bloomery.forge.folders import save_model
from bloomery.forge.settings import FitConfig
from bloomery.forge.stage import StageRun, given
from bloomery.forge.stages.quietstar import STAGE, QuietstarStageConfig
from bloomery.tasks.tokenizer import train_tokenizer

MIXTURE = {"chained_sums": {"difficulties": [12], "options": {"largest": 1}}}
FIT = {
    "seq_len": 60,
    "muon_grokfast": {"lr": 2e-2},
    "schedule": {"kind": "cosine", "warmup_steps": 10, "final": 0.1},
    "train": {"micro_batch": 32, "report_every": 20, "checkpoint_every": 20},
}
VALUES = {
    "mixture": MIXTURE,
    "exam": {"selection": 32, "test": 96},
    "thoughts": {"strategies": {"chain_of_thought": 1.0}, "direct": 0.1, "filler": 0.1, "tokens": 32},
    "fit": {**FIT, "steps": 160},
    "bars": {"kept": 0.5},
}


def config(**changes) -> QuietstarStageConfig:
    return build(QuietstarStageConfig, {**VALUES, **changes})


def small_llama(vocab_size=259, width=32):
    torch.manual_seed(0)
    sizes = {"hidden_size": width, "intermediate_size": 2 * width, "num_hidden_layers": 2}
    words = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "tie_word_embeddings": True}
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocab_size, num_attention_heads=2, max_position_embeddings=128, **sizes, **words
        )
    )


def grow(context) -> None:
    """A model that answers sums at once, and hardly ever rightly."""
    tokenizer, model = train_tokenizer([]), small_llama()
    fitting = build(FitConfig, {**FIT, "steps": 20}).on(config().mixture)
    fit(context, model, training_data(fitting, tokenizer, seed=0), fitting)
    save_model(model, tokenizer, context.output / "model")


@dataclass
class Forged:
    """What a run of the stage left."""

    outputs: dict[str, str]
    evidence: dict[str, Evidence]
    verdict: Verdict
    workspace: Workspace
    given: str

    def folder(self, port):
        return self.workspace.store.path(self.outputs[port])


def forge(root, words: QuietstarStageConfig) -> Forged:
    """The stage as the pipeline runs it: forged, measured from disk, judged by its gate."""
    place = Workspace.open(root)
    with Run.start(place, recipe="planted", config={}, seed=3, engine="inline") as run:
        model = run.step("grow", grow).outputs["model"]
        at = StageRun(run=run, stage="quietstar", config=words, inputs={"model": model})
        outputs = dict(STAGE.forge(at))
        seen = partial(run.step, config=words, inputs={**outputs, given("model"): model})
        measured = seen("quietstar.measure", STAGE.measure)
        clocked = seen("quietstar.clock", STAGE.clock)
    evidence = {one.check: one for one in (*measured.evidence, *clocked.evidence)}
    return Forged(outputs, evidence, gate(measured.evidence, STAGE.checks(words)), place, model)
