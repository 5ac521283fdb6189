"""The stage's steps but for the search: finding experts, teaching them, and what is claimed of the result.

Each function here is a step: a function of its context alone.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core import machine
from bloomery.core.errors import UserError
from bloomery.core.step import StepContext
from bloomery.forge.evolving.nsga import best_front, coverage, from_plain
from bloomery.forge.experts.adapting import few_shot_mixture
from bloomery.forge.experts.cells import Cell, cells, freeze
from bloomery.forge.experts.discovery import discover
from bloomery.forge.experts.dispatcher import fit_dispatcher
from bloomery.forge.experts.examining import bench_of, examine
from bloomery.forge.experts.folder import check_without_experts
from bloomery.forge.experts.searching import design_of
from bloomery.forge.experts.settings import Dispatch, FindConfig, TeachConfig
from bloomery.forge.experts.teaching import teach
from bloomery.forge.experts.writing import prompt_of
from bloomery.forge.fitting import set_threads
from bloomery.forge.folders import load_model
from bloomery.models.packed.experts import Experts, ExpertSet, stored, to_bytes
from bloomery.models.packed.svf import Attached, linear_layers
from bloomery.tasks.splitting import draw_from

SOLVED = 8  # training examples of each cell that a kind's mixture is adapted to
SHOWN = 48  # training prompts of each cell that the dispatcher learns from


def find(context: StepContext) -> None:
    """Which cells of the held-out tasks are one expert's, as JSON."""
    check_without_experts(context.inputs["model"])
    model, tokenizer, attached = _opened(context.inputs["model"], context.config["find"])
    given = cells(context.config["mixture"], context.config["exam"], "selection")
    found = discover(model, tokenizer, attached, given, context.config["find"], seed=context.seed)
    for number, gain in found.gains.items():
        context.metric("discovery/gain", gain, number)
    kinds = [[given[place].name for place in cluster] for cluster in found.clusters]
    context.facts |= {"experts": len(kinds), "kinds": kinds}
    table = {"kinds": kinds, "gains": {str(number): gain for number, gain in found.gains.items()}}
    (context.output / "kinds.json").write_text(json.dumps(table, indent=1, sort_keys=True))


def teach_experts(context: StepContext) -> None:
    """Each expert's vector, and the dispatcher to them."""
    config: TeachConfig = context.config["teach"]
    model, tokenizer, attached = _opened(context.inputs["model"], context.config["find"])
    given = cells(context.config["mixture"], context.config["exam"], "selection")
    kinds = kinds_of(context.inputs["kinds"], given)
    deltas = []
    for number, own in enumerate(kinds, start=1):
        deltas.append(
            teach(
                _of_all(context, number, len(kinds)),
                model,
                tokenizer,
                attached,
                own,
                config,
                name=f"expert-{number}",
                seed=context.seed + number,
            )
        )
        context.metric(
            "teaching/root_mean_square_of_z_minus_1", float(deltas[-1].square().mean().sqrt()), number
        )
    held = expert_set(model, tokenizer, attached, kinds, torch.stack(deltas), seed=context.seed)
    attached.remove()
    held = sent_by(config.dispatch, held, model, tokenizer, kinds, seed=context.seed)
    (context.output / "experts.safetensors").write_bytes(to_bytes(held))


def _of_all(context: StepContext, number: int, experts: int) -> StepContext:
    """One expert's progress as a part of that of all."""

    def watch(done: int, total: int, text: str) -> None:
        context.progress((number - 1) * total + done, experts * total, text)

    return replace(context, watch=watch)


def expert_set(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, attached: Attached,
    kinds: Sequence[Sequence[Cell]], deltas: Tensor, *, seed: int,
) -> ExpertSet:  # fmt: skip
    """The experts, all of them alike as mixture, and a dispatcher that has seen training prompts of each."""
    shown, labels = [], []
    for place, own in enumerate(kinds):
        for cell in own:
            rng = random.Random(f"dispatch/{cell.name}/{seed}")
            drawn = [draw_from(cell.task, "train", rng, cell.difficulty) for _ in range(SHOWN)]
            shown += [prompt_of(one, tokenizer).ids for one in drawn]
            labels += [place] * SHOWN
    ranks = attached.sizes()
    names = tuple(f"{at}-{'-'.join(_tasks(own))}" for at, own in enumerate(kinds, start=1))
    return ExpertSet(
        names=names, ranks=ranks, deltas=stored(deltas), mixture=torch.full((len(kinds),), 1 / len(kinds)),
        strengths=torch.ones(len(ranks)),
        dispatcher=fit_dispatcher(model, tokenizer, list(ranks), shown, labels, len(kinds)),
    )  # fmt: skip


def sent_by(
    dispatch: Dispatch, held: ExpertSet, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase,
    kinds: Sequence[Sequence[Cell]], *, seed: int,
) -> ExpertSet:  # fmt: skip
    """The set as prompts are sent to it: `prompt` asks the model; with `cem` each kind has a mixture.

    Differs: in transformer2 the task of a prompt is known where a mixture is adapted to it; here the
    classifier tells its kind.
    """
    if dispatch == "prompt":
        return replace(held, design={**held.design, "dispatch": dispatch})
    if dispatch == "classifier":
        return held
    experts, weights = Experts(model, held), []
    for place, own in enumerate(kinds):
        rng = random.Random(f"mixture/{place}/{seed}")
        shown = [draw_from(cell.task, "train", rng, cell.difficulty) for cell in own for _ in range(SOLVED)]
        weights.append(few_shot_mixture(experts, tokenizer, shown, seed=seed + place).weights)
    experts.remove()
    mixed = torch.tensor(weights, dtype=torch.float64) @ held.deltas.double()
    return replace(held, deltas=stored(mixed))


def _tasks(own: Sequence[Cell]) -> list[str]:
    return list(dict.fromkeys(cell.task.name for cell in own))


def kinds_of(path: Path, given: Sequence[Cell]) -> list[list[Cell]]:
    """Each expert's cells, from a kinds.json."""
    by_name = {cell.name: cell for cell in given}
    return [[by_name[name] for name in kind] for kind in json.loads(path.read_text())["kinds"]]


def claim(context: StepContext) -> None:
    """What the knee's design reaches on the selection examples, for the consumer to measure again."""
    bench = bench_of(context.inputs, context.config["mixture"], context.config["exam"], "selection")
    design = design_of(json.loads(context.inputs["designs"].read_text()))
    result = examine(design, bench=bench)
    claims = {"accuracy": result.accuracy, "flops": result.flops, "bytes": result.size, "over random": None}
    if "drawn" in context.inputs:
        ours, theirs = (
            best_front(from_plain(json.loads(context.inputs[name].read_text())["individuals"]))
            for name in ("designs", "drawn")
        )
        claims["over random"] = coverage(ours, theirs) - coverage(theirs, ours)
    (context.output / "claims.json").write_text(json.dumps(claims, indent=2, sort_keys=True))


def _opened(folder: Path, config: FindConfig) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, Attached]:
    """The frozen model with a vector beside each of the config's layers."""
    set_threads(machine.threads())
    model, tokenizer = load_model(folder)
    freeze(model)
    return model, tokenizer, attached_to(model, config)


def attached_to(model: PreTrainedModel, config: FindConfig) -> Attached:
    """A vector beside each of the config's layers. Raises: UserError where there is no such layer."""
    try:
        layers: dict[str, Any] = linear_layers(model, config.layers)
    except ValueError as error:
        raise UserError(f"find.layers: {error}") from error
    return Attached(model, {name: _rank(layer, config.rank) for name, layer in layers.items()})


def _rank(layer: Any, rank: int) -> int | None:
    return min(rank, layer.in_features, layer.out_features) or None
