"""Classifiers of images: trained, and judged from disk on the evaluation split. Each function is a step."""

import json
import time
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

from bloomery.core import machine
from bloomery.core.evidence import Check, Measured, judge
from bloomery.core.step import StepContext
from bloomery.forge.fitting import run_loop, set_threads
from bloomery.forge.folders import drop_machine_dependent
from bloomery.forge.supervised.architectures import IMAGES, SIGHTS, image_model
from bloomery.forge.supervised.confusion import Judge, draw
from bloomery.forge.supervised.settings import OptimizerConfig
from bloomery.tasks.datasets.reading import dataset
from bloomery.tasks.intervals import wilson
from bloomery.training.images import LabelledImages
from bloomery.training.loop import loader_for
from bloomery.training.muon_grokfast import matrices_decay

JUDGED_AT_ONCE = 1000


def train_on_images(context: StepContext) -> None:
    """The model, from random weights, on the training split."""
    set_threads(machine.threads())
    name, config = context.config["model"], context.config["images"]
    sight = SIGHTS[name]
    images, labels = as_tensors(*dataset(config.data, "train", purpose="train").images)
    learned = len(images) - config.validation
    torch.manual_seed(context.seed)
    model = image_model(name, context.config["architecture"])
    data = LabelledImages(
        images[:learned], labels[:learned], normalise=sight.normalise, augment=config.augment,
        seed=context.seed, fill=sight.outside,
    )  # fmt: skip
    held_out = (images[learned:], labels[learned:])
    loop = config.loop(steps=config.steps(), seed=context.seed)
    run_loop(
        context,
        model,
        loader_for(data, loop, collate=data.batch, visits=True),
        loop,
        optimizer=make_optimizer(model, config.optimizer),
        schedule=config.schedule,
        validate=partial(validated, name=name, given=held_out) if config.validation else None,
    )
    context.facts["parameters"] = sum(parameter.numel() for parameter in model.parameters())
    model.save_pretrained(context.output / "model")
    drop_machine_dependent(context.output / "model")


def examine_on_images(context: StepContext) -> None:
    """The model from disk on the evaluation split: accuracy, that of each class, who is taken for whom."""
    set_threads(machine.threads())
    name, config, (check,) = (context.config[key] for key in ("model", "images", "checks"))
    began = time.perf_counter()
    model = IMAGES[name].model.from_pretrained(context.inputs["model"], local_files_only=True)
    split = dataset(config.data, "test", purpose="evaluate")
    verdict = judged(model, name, *as_tensors(*split.images), progress=context.progress)
    low, high = wilson(verdict["correct"], verdict["total"])
    folder = context.output / "measured"
    folder.mkdir()
    figures = {"benchmark": split.benchmark, **verdict, "low": low, "high": high}
    (folder / "metrics.json").write_text(json.dumps(figures, indent=2) + "\n")
    names = [str(name) for name in (model.config.id2label or {}).values()]
    draw(verdict["confusion"], names, f"{split.benchmark}: {verdict['accuracy']:.2%} right", folder)
    _give_evidence(context, check, verdict, (low, high), time.perf_counter() - began)


def as_tensors(images: NDArray[Any], labels: NDArray[Any]) -> tuple[Tensor, Tensor]:
    """Copies: what is read from a file may not be written to."""
    return torch.from_numpy(np.array(images)), torch.from_numpy(np.array(labels, dtype=np.int64))


def make_optimizer(model: nn.Module, config: OptimizerConfig) -> Optimizer:
    groups = matrices_decay(list(model.parameters()), config.weight_decay)
    if config.kind == "sgd":
        return SGD(groups, lr=config.lr, momentum=config.momentum)
    return AdamW(groups, lr=config.lr)


def validated(model: nn.Module, *, name: str, given: tuple[Tensor, Tensor]) -> dict[str, float]:
    """The accuracy as a training's validation has it."""
    return {"accuracy": judged(model, name, *given)["accuracy"]}


def judged(
    model: nn.Module, name: str, images: Tensor, labels: Tensor, progress: Any = None
) -> dict[str, Any]:
    """The model's answers to the images, counted. Shapes: images (N, H, W), labels (N,)"""
    model.eval()
    normalise, device = SIGHTS[name].normalise, next(model.parameters()).device
    judge_: Judge | None = None
    for start in range(0, len(images), JUDGED_AT_ONCE):
        some = slice(start, start + JUDGED_AT_ONCE)
        with torch.no_grad():
            logits = model(normalise(images[some]).to(device)).logits.cpu()
        judge_ = judge_ or Judge(logits.shape[1])
        judge_.see(logits, labels[some])
        if progress is not None:
            progress(min(start + JUDGED_AT_ONCE, len(images)), len(images), "")
    if judge_ is None:
        raise ValueError("no images are given to judge the model by")
    return judge_.verdict()


def _give_evidence(
    context: StepContext,
    check: Check,
    verdict: dict[str, Any],
    interval: tuple[float, float],
    duration_s: float,
) -> None:
    found = Measured(value=verdict["accuracy"], interval=interval, chance=1 / len(verdict["confusion"]))
    how, cid = f"{__name__}.examine_on_images", context.inputs["model"].name
    context.evidence(judge(check, found, how=how, duration_s=duration_s, inputs=[cid]))
