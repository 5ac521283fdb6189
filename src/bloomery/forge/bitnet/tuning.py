"""bitnet's steps: training a model towards trits, and packing what came of it.

Each function here is a step: a function of its context alone.
"""

import json
from functools import partial

from torch import nn

from bloomery.core import machine
from bloomery.core.step import StepContext
from bloomery.forge.bitnet.quantizing import items_of, make_ternary
from bloomery.forge.data import training_rows
from bloomery.forge.editing import Editable, save_editable
from bloomery.forge.exams import WHILE_TRAINING, exams, plain, rates
from bloomery.forge.fitting import fit, set_threads
from bloomery.forge.folders import load_model
from bloomery.forge.full_models import load_full
from bloomery.forge.packed_folder import save_packed, weights_size
from bloomery.forge.settings import FitConfig, TernaryConfig
from bloomery.forge.sitting import sit_folders
from bloomery.models.packed.converting import set_share, ternary_layers
from bloomery.training.callbacks import Callback, MetricSink
from bloomery.training.config import Progress


class WarmUp(Callback):
    """Raises the quantized share from 0 to 1, in equal steps over the first part of the training.

    Source: the lambda of Hugging Face's fine-tuning to 1.58 bits, there over 1000 steps
    """

    def __init__(self, steps: int, metric: MetricSink) -> None:
        self.steps, self.metric = steps, metric

    def on_start(self, model: nn.Module, progress: Progress) -> None:
        self.on_step(model, progress)

    def on_step(self, model: nn.Module, progress: Progress) -> None:
        set_share(model, self._share(progress.step))

    def on_report(self, model: nn.Module, progress: Progress) -> None:
        self.metric("train/quantized_share", self._share(progress.step), progress.step)

    def _share(self, step: int) -> float:
        return min(1.0, step / self.steps) if self.steps else 1.0


def tune(context: StepContext) -> None:
    """Quantization-aware training; what is kept are the latent weights."""
    set_threads(machine.threads())
    fitting: FitConfig = context.config["fit"]
    model, tokenizer = load_full(context.inputs["model"])
    make_ternary(model, context.config["ternary"], share=0.0)
    data = training_rows(fitting, tokenizer, context.config["thoughts"], seed=context.seed)
    given = exams(fitting.mixture, WHILE_TRAINING, "selection", fewer_ok=True)
    validate = partial(rates, tokenizer=tokenizer, given=given)
    warm_up = WarmUp(round(context.config["warmup"] * fitting.total_steps()), context.metric)
    fit(context, model, data, fitting, validate=validate, callbacks=[warm_up])
    context.kinds["latent"] = "latent model"
    edited = Editable(model=model, tokenizer=tokenizer, ternary=context.config["ternary"])
    save_editable(edited, context.output / "latent")


def pack(context: StepContext) -> None:
    """A model's linear layers as trits, in a packed folder."""
    set_threads(machine.threads())
    ternary: TernaryConfig = context.config
    model, tokenizer = load_model(context.inputs["model"])
    make_ternary(model, ternary)
    for name, layer in ternary_layers(model).items():
        context.metric(f"trits/zeros_{name}", float((layer.ternarized()[0] == 0).double().mean()), 0)
    save_packed(model.config, items_of(model, ternary.embedding_bits), tokenizer, context.output / "packed")
    context.kinds["packed"] = "model"
    context.facts["weight_bytes"] = weights_size(context.output / "packed")


def claim(context: StepContext) -> None:
    """What the packed models reach on the selection examples, for the consumer to measure again."""
    config = context.config
    scores = sit_folders(context, context.inputs, config["mixture"], config["exam"], "selection")
    claims = {"scores": {name: plain(results) for name, results in scores.items()}}
    (context.output / "claims.json").write_text(json.dumps(claims, indent=2, sort_keys=True))
