"""Experts of singular values against LoRA of as many parameters, and two passes against what they must beat.

    python -m benchmarks.experts --json out.json

For each seed a small Llama is trained on prompts marked a or b whose answer is the first or the last of
four digits, whatever the mark: it is right half of the time on either kind, and what helps with one kind
hurts with the other. An expert for each kind is then learned from the right answers, and one for a kind
that is new to the model (the second digit), by as many steps of the same batches: as a vector over the
singular values of every linear layer, and as LoRA (peft) of rank 1 in the first layers, so many that it has
at least as many parameters. Both have the best of three learning rates on selection examples, by accuracy
and then by the likelihood of the answers; what stands in the table is accuracy on test examples.
REINFORCE, which sees no answer but only whether it was right, has the stage's defaults. An expert for a kind
that is new to the model is a harder question, reported without a bar. Two passes are measured as the stage
measures them. Designs over the two experts are searched at the stage's default sizes, and drawn at random as
many times; what stands in the table is the hypervolume of either front by selection examples: the share
that it dominates of the box from the best values that either search saw to a tenth beyond the worst.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from peft import LoraConfig, get_peft_model
from torch.optim import AdamW
from transformers import LlamaForCausalLM

from benchmarks.design_search import front_volumes
from benchmarks.small_models import TOKENIZER
from benchmarks.torn_model import FIRST, LAST, NEW, Marked, cell, torn_model
from bloomery.core.step import StepContext
from bloomery.forge.experts.cells import Cell, answer_losses, batch_of, freeze, sat
from bloomery.forge.experts.comparing import compare
from bloomery.forge.experts.settings import TeachConfig
from bloomery.forge.experts.steps import expert_set
from bloomery.forge.experts.teaching import teach
from bloomery.models.packed.experts import Experts
from bloomery.models.packed.svf import Attached, linear_layers
from bloomery.tasks.mixture import Mixture

STEPS, BATCH, SEEDS = 40, 16, (1, 2, 3)
RATES = {"svf": (3e-2, 1e-1, 3e-1), "lora": (1e-2, 3e-2, 1e-1)}


def rate(model: Any, one: Cell) -> float:
    return statistics.fmean(right for right, _ in sat(model, TOKENIZER, one.examples))


def standing(model: Any, one: Cell) -> tuple[float, float]:
    """Accuracy, and of equal accuracies how likely the answers are."""
    right, likely = zip(*sat(model, TOKENIZER, one.examples), strict=True)
    return statistics.fmean(right), statistics.fmean(likely)


def learn(model: Any, parameters: Sequence[torch.nn.Parameter], task: Marked, lr: float, seed: int) -> None:
    """So many steps on the right answers, the same batches for whatever learns."""
    rows = Mixture([(task, 1.0, (1,))], TOKENIZER, seq_len=1, seed=seed, length=STEPS * BATCH)
    optimizer = AdamW(parameters, lr=lr, weight_decay=0.0)
    for step in range(STEPS):
        batch = batch_of([rows.example(step * BATCH + at) for at in range(BATCH)], TOKENIZER)
        optimizer.zero_grad()
        answer_losses(model, batch).mean().backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()


def by_svf(model: LlamaForCausalLM, task: Marked, seed: int) -> tuple[float, int, torch.Tensor]:
    """Test accuracy at the rate that does best on selection examples, parameters, and the vector."""
    chosen, tested = cell(task, seed)
    attached, found = Attached(model, dict.fromkeys(linear_layers(model))), []
    for lr in RATES["svf"]:
        attached.learn()
        learn(model, attached.parameters(), task, lr, seed)
        found.append((standing(model, chosen), rate(model, tested), attached.delta()))
    attached.remove()
    _, accuracy, delta = best_of(found)
    return accuracy, len(delta), delta


def by_lora(model: LlamaForCausalLM, task: Marked, seed: int, parameters: int) -> tuple[float, int]:
    """LoRA of rank 1 in the first layers, until it has at least as many parameters."""
    chosen, tested = cell(task, seed)
    names, size = [], 0
    for name, layer in linear_layers(model).items():
        if size < parameters:
            names.append(name)
            size += sum(layer.weight.shape)  # type: ignore[arg-type]
    found = []
    for lr in RATES["lora"]:
        torch.manual_seed(seed)
        adapted = get_peft_model(model, LoraConfig(r=1, lora_alpha=1, target_modules=names))
        trained = [one for one in adapted.parameters() if one.requires_grad]
        learn(adapted, trained, task, lr, seed)
        found.append((standing(adapted, chosen), rate(adapted, tested)))
        model = adapted.unload()
    return best_of(found)[1], size


def best_of(found: Sequence[Any]) -> Any:
    """By standing, which comes first. Test accuracy chooses nothing."""
    return max(found, key=lambda one: one[0])


def contest(seed: int) -> dict[str, Any]:
    model = torn_model(seed)
    score: dict[str, list[float]] = {"none": [], "svf": [], "lora": [], "reinforce": []}
    sizes, deltas = {}, []
    for task in (FIRST, LAST):
        score["none"].append(rate(model, cell(task, seed)[1]))
        accuracy, sizes["svf"], _ = by_svf(model, task, seed)
        score["svf"].append(accuracy)
        accuracy, sizes["lora"] = by_lora(model, task, seed, sizes["svf"])
        score["lora"].append(accuracy)
        freeze(model)
        accuracy, delta = by_reinforce(model, task, seed)
        score["reinforce"].append(accuracy)
        deltas.append(delta)
    means = {name: statistics.fmean(both) for name, both in score.items()}
    means["new svf"], size, _ = by_svf(model, NEW, seed)
    means["new lora"], _ = by_lora(model, NEW, seed, size)
    means["new none"] = rate(model, cell(NEW, seed)[1])
    freeze(model)
    return {"seed": seed, "parameters": sizes, "score": means, **passes_and_fronts(model, deltas, seed)}


def svf_over_lora(seed: int) -> float:
    """Accuracy of the vectors over LoRA's, mean of both kinds; what papers/transformer2 claims of it."""
    model, ours, theirs = torn_model(seed), [], []
    for task in (FIRST, LAST):
        accuracy, size, _ = by_svf(model, task, seed)
        ours.append(accuracy)
        theirs.append(by_lora(model, task, seed, size)[0])
    return statistics.fmean(ours) / statistics.fmean(theirs)


def reinforced_over_none(seed: int) -> float:
    """Accuracy of experts that REINFORCE taught over that of the model alone, mean of both kinds."""
    model = torn_model(seed)
    before = [rate(model, cell(task, seed)[1]) for task in (FIRST, LAST)]
    freeze(model)
    taught = [by_reinforce(model, task, seed)[0] for task in (FIRST, LAST)]
    return statistics.fmean(taught) / statistics.fmean(before)


def by_reinforce(model: LlamaForCausalLM, task: Marked, seed: int) -> tuple[float, torch.Tensor]:
    """As the stage teaches, at its own defaults."""
    attached = Attached(model, dict.fromkeys(linear_layers(model)))
    with tempfile.TemporaryDirectory() as folder:
        context = StepContext(output=Path(folder), checkpoint=Path(folder))
        words = {"name": "expert", "seed": seed}
        delta = teach(context, model, TOKENIZER, attached, [cell(task, seed)[0]], TeachConfig(), **words)
    attached.put(delta)
    accuracy = rate(model, cell(task, seed)[1])
    attached.remove()
    return accuracy, delta


def passes_and_fronts(
    model: LlamaForCausalLM, deltas: Sequence[torch.Tensor], seed: int
) -> dict[str, dict[str, float]]:
    kinds = [cell(task, seed) for task in (FIRST, LAST)]
    attached = Attached(model, dict.fromkeys(linear_layers(model)))
    chosen = [[one] for one, _ in kinds]
    held = expert_set(model, TOKENIZER, attached, chosen, torch.stack(list(deltas)), seed=seed)
    attached.remove()
    experts = Experts(model, held)
    found = compare(experts, TOKENIZER, [tested for _, tested in kinds], [0, 1])
    fronts = front_volumes(experts, TOKENIZER, [one for one, _ in kinds], seed=seed)
    experts.remove()
    return {"passes": found._asdict(), "fronts": fronts}


def rows(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Means over the seeds; the bars are for the means."""
    sizes = found[0]["parameters"]
    told = f"{sizes['svf']} and {sizes['lora']} parameters"
    scores, passes, fronts = ([one[name] for one in found] for name in ("score", "passes", "fronts"))
    return [
        row("SVF against LoRA of equal parameters", scores, "svf", "lora", told, bar="no lower"),
        row("the same, a kind that is new to the model", scores, "new svf", "new lora", told),
        row("SVF against no experts, that kind", scores, "new svf", "new none", ""),
        row("SVF by REINFORCE against no experts", scores, "reinforce", "none", ""),
        row("two passes against no experts", passes, "two_pass", "none", ""),
        row("two passes against all experts alike", passes, "two_pass", "uniform", ""),
        row("two passes against a perfect dispatcher", passes, "two_pass", "oracle", ""),
        row("front of designs against random search at equal evaluations", fronts, "nsga", "random",
            f"{fronts[0]['evaluations']:.0f} evaluations each", unit="hypervolume"),
    ]  # fmt: skip


def row(
    what: str,
    scores: Sequence[Mapping[str, float]],
    mine: str,
    other: str,
    note: str,
    *,
    bar: str = "",
    unit: str = "accuracy",
) -> dict[str, Any]:
    ours, theirs = ([score[name] for score in scores] for name in (mine, other))
    by_seed = "by seed " + ", ".join(f"{a:.3f}/{b:.3f}" for a, b in zip(ours, theirs, strict=True))
    met = statistics.fmean(ours) >= statistics.fmean(theirs) if bar else None
    return {
        "what": what, "ours": statistics.fmean(ours), "peer": statistics.fmean(theirs),
        "ratio": statistics.fmean(ours) / statistics.fmean(theirs), "unit": unit, "bar": bar,
        "higher_is_better": True, "met": met, "note": "; ".join(filter(None, (by_seed, note))),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write what was measured here")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="which seeds")
    options = parser.parse_args()
    torch.set_num_threads(1)
    start, found = time.monotonic(), []
    for seed in options.seeds:
        found.append(contest(seed))
        print(json.dumps(found[-1]), flush=True)
    table = rows(found)
    for one in table:
        print(f"{one['what']}: {one['ours']:.3f} and {one['peer']:.3f}; {one['note']}")
    if options.json:
        command = f"python -m benchmarks.experts --seeds {' '.join(map(str, options.seeds))}"
        document = {"name": "experts", "command": command, "seconds": time.monotonic() - start, "rows": table}
        options.json.write_text(json.dumps(document | {"seeds": found}, indent=2))


if __name__ == "__main__":
    main()
