"""Parity with and without adaptive computation time: the share of wrong answers, in percent.

    python -m benchmarks.parity ponder 1    # a tanh cell that updates its state until it has had enough
    python -m benchmarks.parity once 1      # the same cell, which makes one update

A vector holds -1 or 1 at a random number of its places and 0 elsewhere; asked is whether the ones are odd in
number. Every vector is new. The paper's vectors have 64 elements and its networks see a million batches on
each of 16 threads; ours have 16 elements, as many as a cell learns in two minutes of one core. Elements,
rate, penalty and limit were tried on seed 0, which is not among the seeds that are measured; both networks
take them. Writes build/parity/<network>.json.
"""

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # its matrices are too small for more

import torch
from torch import Tensor, nn

from bloomery.models.pondering import PonderingCell, penalised

ELEMENTS, UNITS, BATCH = 16, 128, 128
BATCHES, LR, TAU, LIMIT = 30_000, 3e-3, 1e-3, 20
TESTED, TOLD = 10_000, 5_000
NETWORKS = {"ponder": LIMIT, "once": 1}  # updates at most
KEPT = Path(__file__).parents[1] / "build" / "parity"


def draw(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Vectors and whether their ones are odd in number. Shapes: (B, ELEMENTS), (B,)"""
    filled = torch.randint(1, ELEMENTS + 1, (count, 1), generator=generator)
    ranks = torch.rand(count, ELEMENTS, generator=generator).argsort(1).argsort(1)
    signs = torch.randint(0, 2, (count, ELEMENTS), generator=generator) * 2 - 1
    x = torch.where(ranks < filled, signs, 0)
    return x.float(), (x == 1).sum(1) % 2


def learned(network: str, seed: int) -> PonderingCell:
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    transition = nn.RNNCell(ELEMENTS + 1, UNITS, nonlinearity="tanh")
    cell = PonderingCell(transition, UNITS, 1, most=NETWORKS[network])
    optimizer = torch.optim.Adam(cell.parameters(), lr=LR)
    for at in range(1, BATCHES + 1):
        x, odd = draw(BATCH, generator)
        (_, y), times, _ = cell(x, torch.zeros(BATCH, UNITS))
        wrong = nn.functional.binary_cross_entropy_with_logits(y[:, 0], odd.float(), reduction="none")
        optimizer.zero_grad()
        penalised(wrong, times[:, None], TAU).mean().backward()
        optimizer.step()
        if at % TOLD == 0:
            print(f"{network}, seed {seed}, batch {at}: {wrong.mean():.3f} nats", flush=True)
    return cell


@torch.no_grad()
def examined(cell: PonderingCell) -> tuple[float, float]:
    """Wrong answers in percent, and updates a vector."""
    x, odd = draw(TESTED, torch.Generator().manual_seed(10**6))
    (_, y), _, updates = cell(x, torch.zeros(TESTED, UNITS))
    wrong = (y[:, 0] > 0) != (odd == 1)
    return 100 * float(wrong.double().mean()), float(updates.double().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("network", choices=tuple(NETWORKS))
    parser.add_argument("seed", type=int)
    given = parser.parse_args()
    torch.set_num_threads(1)
    error, updates = examined(learned(given.network, given.seed))
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / f"{given.network}.json").write_text(json.dumps({"value": error}) + "\n")
    print(f"{given.network}, seed {given.seed}: {error:.2f} % wrong after {updates:.2f} updates a vector")


if __name__ == "__main__":
    main()
