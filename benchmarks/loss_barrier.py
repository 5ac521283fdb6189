"""Why merged models share a base: the loss on the straight line between two models.

    python benchmarks/loss_barrier.py --json out.json
    python benchmarks/loss_barrier.py --plot docs/assets/loss_barrier.svg  # and draws the two lines

Two-layer Llamas learn two languages (random second-order Markov chains over 12 symbols): first half and half,
then a specialist of each from that base. The barrier is the largest amount by which the loss on the line
between two specialists (merged by `linear`, on held-out text of both languages) exceeds the line between
their losses: between specialists of one base, and of two bases that differ in their initialisation alone.

Source: Frankle et al. 1912.05671, section 2 (error barrier), on loss.
"""

import argparse
import copy
import json
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from bloomery.forge.merging.merge import merge
from bloomery.forge.merging.recipe import MergeRecipe

SYMBOLS, LENGTH, BATCH = 12, 32, 32
BASE_STEPS, OWN_STEPS = 300, 100
SEEDS = (0, 1, 2)
PLACES = tuple(step / 10 for step in range(11))  # on the line, from the first model to the second
SHARE = 0.8  # of its own language in what a specialist reads
HELD_OUT = 256  # rows


def language(generator: torch.Generator) -> Tensor:
    """P(next | last two), (12, 12, 12), most of it on a few symbols."""
    return (3.0 * torch.randn(SYMBOLS, SYMBOLS, SYMBOLS, generator=generator)).softmax(-1)


def text(chain: Tensor, rows: int, generator: torch.Generator) -> Tensor:
    """(rows, LENGTH) symbols of one language."""
    symbols = torch.randint(SYMBOLS, (rows, 2), generator=generator)
    for _ in range(LENGTH - 2):
        following = torch.multinomial(chain[symbols[:, -2], symbols[:, -1]], 1, generator=generator)
        symbols = torch.cat([symbols, following], dim=1)
    return symbols


def train(model: LlamaForCausalLM, chains: list[Tensor], shares: list[float], steps: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    counts = [round(share * BATCH) for share in shares]
    read = [text(c, steps * n, generator).view(steps, n, -1) for c, n in zip(chains, counts, strict=True)]
    for batch in torch.cat(read, dim=1):
        optimizer.zero_grad()
        model(input_ids=batch, labels=batch).loss.backward()
        optimizer.step()


def fresh(seed: int) -> LlamaForCausalLM:
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    torch.manual_seed(seed)  # transformers initialises from the global generator alone
    return LlamaForCausalLM(LlamaConfig(vocab_size=SYMBOLS, max_position_embeddings=LENGTH, **sizes))


def losses(a: LlamaForCausalLM, b: LlamaForCausalLM, held_out: Tensor) -> list[float]:
    """The merged model's loss, in nats a symbol, at each place on the line."""
    model, found = copy.deepcopy(a), []
    for place in PLACES:
        recipe = MergeRecipe(methods=("linear",), weights=(1.0 - place, place))
        model.load_state_dict(merge(recipe, [a.state_dict(), b.state_dict()]))
        with torch.no_grad():
            found.append(float(model(input_ids=held_out, labels=held_out).loss))
    return found


def barrier(curve: list[float]) -> float:
    return max(loss - (1 - x) * curve[0] - x * curve[-1] for x, loss in zip(PLACES, curve, strict=True))


def one_seed(seed: int) -> dict[str, list[float]]:
    """The losses along both lines; the second specialist differs in its base alone."""
    generator = torch.Generator().manual_seed(100 + seed)
    chains = [language(generator) for _ in range(2)]
    held_out = torch.cat([text(chain, HELD_OUT // 2, generator) for chain in chains])
    bases = [fresh(10 * seed + number) for number in range(2)]
    for base in bases:
        train(base, chains, [0.5, 0.5], BASE_STEPS, seed=200 + seed)
    first, near, far = (copy.deepcopy(base) for base in (bases[0], bases[0], bases[1]))
    train(first, chains, [SHARE, 1 - SHARE], OWN_STEPS, seed=300 + seed)
    for second in (near, far):
        train(second, chains, [1 - SHARE, SHARE], OWN_STEPS, seed=400 + seed)
    return {"shared base": losses(first, near, held_out), "independent": losses(first, far, held_out)}


def row(kind: str, curves: list[list[float]]) -> dict[str, Any]:
    found = [barrier(curve) for curve in curves]
    spread = f"{min(found):.3f} to {max(found):.3f} over {len(found)} seeds"
    drawn = ", ".join(f"{statistics.mean(points):.2f}" for points in zip(*curves, strict=True))
    return {
        "what": f"loss barrier between two specialists: {kind}",
        "ours": statistics.mean(found),
        "peer": None,
        "ratio": None,
        "unit": "nats",
        "bar": "drawn",
        "higher_is_better": False,
        "met": None,
        "note": f"{spread}; mean loss along the line: {drawn}",
    }


def draw(by_seed: list[dict[str, list[float]]], path: Path) -> None:
    """The loss along both lines: the seeds thin, their mean thick."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    matplotlib.rcParams["svg.hashsalt"] = "loss barrier"  # the same figures give the same file
    figure, axes = pyplot.subplots(figsize=(7, 3.6))
    for number, kind in enumerate(by_seed[0]):
        curves, color = [curves[kind] for curves in by_seed], f"C{number}"
        for curve in curves:
            axes.plot(PLACES, curve, color=color, linewidth=0.7, alpha=0.5)
        mean = [statistics.mean(points) for points in zip(*curves, strict=True)]
        found = statistics.mean(barrier(curve) for curve in curves)
        label = f"{kind}: barrier {found:.3f} nats"
        axes.plot(PLACES, mean, color=color, marker="o", markersize=4, linewidth=2, label=label)
    axes.set(xlabel="from one specialist (0) to the other (1)", ylabel="loss, nats a symbol")
    axes.grid(alpha=0.2)
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--plot", type=Path, help="draw the losses along the lines here")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    started = time.perf_counter()
    by_seed = [one_seed(seed) for seed in SEEDS]
    rows = [row(kind, [curves[kind] for curves in by_seed]) for kind in by_seed[0]]
    for one in rows:
        print(f"{one['what']}: {one['ours']:.3f} nats; {one['note']}")
    if arguments.plot:
        draw(by_seed, arguments.plot)
    if arguments.json:
        found = {
            "name": "loss_barrier", "command": "python benchmarks/loss_barrier.py", "rows": rows,
            "seconds": time.perf_counter() - started, "details": {"places": PLACES, "by_seed": by_seed},
        }  # fmt: skip
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
