"""When is modular addition grokked? MuonGrokfast against AdamW, and what of it is the filter, on equal steps.

    python benchmarks/grokking.py --json out.json

A one-layer transformer sees 70 % of all pairs (a, b) modulo P in full batches and must get the rest right.
Counted is the optimizer step at which held-out accuracy first passes 95 %; a run that does not get there
within STEPS counts as STEPS, and the note says so. Each optimizer is tuned over one grid of learning rates
and weight decays on one seed, then run on three others at its best. So that the whole takes a few minutes,
the modulus is small (31; papers take 97 or 113), and a cell of the grid is left once another has needed
fewer steps, which changes no choice:

- adamw: torch's, on all parameters;
- muon_grokfast: Muon and AdamW on gradients filtered as the preset "cognate" says (lambda 0.3);
- muon_grokfast, lambda 2: the same at the filter's published strength;
- muon: the same without the filter;
- muon, lr-matched: not tuned: without the filter, at 1.3 times the rate that is best with it.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from bloomery.training.muon_grokfast import MuonGrokfast, matrices_decay
from bloomery.training.presets import PRESETS, MuonGrokfastConfig

P, WIDTH, HEADS = 31, 64, 4
SHARE_SEEN = 0.7
STEPS, CHECK_EVERY, PASS = 800, 10, 0.95
LAM, PUBLISHED_LAM = PRESETS["cognate"].lam, 2.0
RATES = (1e-1, 3e-3, 1e-2, 3e-2, 3e-1, 1e-3)  # in an order that finds a good cell of either optimizer soon
DECAYS = (1.0, 3.0, 10.0, 0.3)
TUNING_SEED, SEEDS = 0, (1, 2, 3)
BETAS = (0.9, 0.98)

Make = Callable[[nn.Module, float, float], Optimizer]


class Adder(nn.Module):
    """Reads `a b =` and names (a + b) mod P at its last position: one block without norms."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(P + 1, WIDTH)
        self.places = nn.Embedding(3, WIDTH)
        for table in (self.tokens, self.places):
            nn.init.normal_(table.weight, std=WIDTH**-0.5)
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (
            nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(4)
        )
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)
        self.head = nn.Linear(WIDTH, P, bias=False)

    def forward(self, pairs: Tensor) -> Tensor:  # (N, 2) -> (N, P)
        equals = torch.full((len(pairs), 1), P)
        x = self.tokens(torch.cat([pairs, equals], 1)) + self.places.weight
        k, v = (f(x).unflatten(-1, (HEADS, -1)).transpose(1, 2) for f in (self.k_proj, self.v_proj))
        q = self.q_proj(x[:, -1:]).unflatten(-1, (HEADS, -1)).transpose(1, 2)
        x = x[:, -1] + self.o_proj(
            nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(1)
        )
        x = x + self.down(torch.relu(self.up(x)))
        return self.head(x)


def adamw(model: nn.Module, lr: float, decay: float) -> Optimizer:
    return AdamW(matrices_decay(model.parameters(), decay), lr=lr, betas=BETAS)


def muon(lam: float) -> Make:
    def make(model: nn.Module, lr: float, decay: float) -> Optimizer:
        config = MuonGrokfastConfig(lr=lr, weight_decay=decay, lam=lam, adamw_betas=BETAS, qk_clip_tau=None)
        return MuonGrokfast(model, config)

    return make


OPTIMIZERS: dict[str, Make] = {
    "adamw": adamw,
    "muon_grokfast": muon(LAM),
    "muon_grokfast, lambda 2": muon(PUBLISHED_LAM),
    "muon": muon(0.0),
}


def pairs(seed: int) -> tuple[Tensor, Tensor]:
    """All pairs, split into those that are seen and those that are not by the seed."""
    everything = torch.cartesian_prod(torch.arange(P), torch.arange(P))
    order = torch.randperm(len(everything), generator=torch.Generator().manual_seed(seed))
    count = int(SHARE_SEEN * len(everything))
    return everything[order[:count]], everything[order[count:]]


def grok(make: Make, lr: float, decay: float, seed: int, steps: int) -> dict[str, Any]:
    """The step at which held-out accuracy passes the bar (None: not in `steps`), and the last accuracy."""
    torch.manual_seed(seed)
    model = Adder()
    optimizer = make(model, lr, decay)
    seen, held_out = pairs(seed)
    right = 0.0
    for step in range(1, steps + 1):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(seen), seen.sum(1) % P).backward()
        optimizer.step()
        if step % CHECK_EVERY == 0:
            with torch.no_grad():
                right = (model(held_out).argmax(1) == held_out.sum(1) % P).float().mean().item()
            if right > PASS:
                return {"step": step, "accuracy": right, "steps": step}
    return {"step": None, "accuracy": right, "steps": steps}


def counted(runs: Sequence[dict[str, Any]]) -> float:
    return statistics.median(run["step"] or STEPS for run in runs)


def tune(make: Make) -> tuple[tuple[float, float], list[dict[str, Any]]]:
    """The best learning rate and decay on the tuning seed, and the whole grid."""
    grid: list[dict[str, Any]] = []
    fewest = STEPS
    for decay, lr in product(DECAYS, RATES):
        cell = {"lr": lr, "decay": decay} | grok(make, lr, decay, TUNING_SEED, fewest)
        fewest = cell["step"] or fewest
        grid.append(cell)
    best = min(grid, key=lambda cell: (cell["step"] or STEPS + 1, -cell["accuracy"]))
    return (best["lr"], best["decay"]), grid


def measure() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, make in OPTIMIZERS.items():
        (lr, decay), grid = tune(make)
        found[name] = {"lr": lr, "decay": decay, "grid": grid}
        steps = ", ".join(f"{c['lr']:g}/{c['decay']:g}: {_step(c)}" for c in grid)
        print(f"{name}: tuning (lr/decay: step) {steps}", flush=True)
    matched = found["muon_grokfast"]
    found["muon, lr-matched"] = {"lr": matched["lr"] * (1 + LAM), "decay": matched["decay"], "grid": []}
    makes = OPTIMIZERS | {"muon, lr-matched": OPTIMIZERS["muon"]}
    for name, tuned in found.items():
        tuned["runs"] = [grok(makes[name], tuned["lr"], tuned["decay"], seed, STEPS) for seed in SEEDS]
        tuned["steps"] = counted(tuned["runs"])
        print(f"{name}: {_steps(tuned)}", flush=True)
    return found


def _step(run: dict[str, Any]) -> str:
    return str(run["step"] or f"not in {run['steps']} ({run['accuracy']:.0%})")


def _steps(tuned: dict[str, Any]) -> str:
    each = ", ".join(_step(run) for run in tuned["runs"])
    return f"{each} at lr {tuned['lr']:g}, decay {tuned['decay']:g}"


def row(found: dict[str, dict[str, Any]], peer: str, bar: float | None) -> dict[str, Any]:
    ours, theirs = found["muon_grokfast"], found[peer]
    ratio = theirs["steps"] / ours["steps"]
    return {
        "what": f"steps until modular addition is grokked: MuonGrokfast against {peer}",
        "ours": ours["steps"],
        "peer": theirs["steps"],
        "ratio": ratio,
        "unit": "optimizer steps",
        "bar": f"> {bar:g}x fewer" if bar else "printed",
        "higher_is_better": True,
        "met": ratio > bar if bar else None,
        "note": f"median of {len(SEEDS)} seeds; ours {_steps(ours)}; {peer} {_steps(theirs)}",
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write what was measured here")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    start = time.monotonic()
    found = measure()
    rows = [row(found, "adamw", 1.0)]
    rows += [row(found, peer, None) for peer in found if peer not in ("adamw", "muon_grokfast")]
    for one in rows:
        print(f"{one['what']}: {one['ours']:g} and {one['peer']:g}, ratio {one['ratio']:.2f}")
    if options.json:
        seconds = time.monotonic() - start
        command = "python benchmarks/grokking.py"
        document = {
            "name": "grokking",
            "command": command,
            "seconds": seconds,
            "rows": rows,
            "details": found,
        }
        options.json.write_text(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
