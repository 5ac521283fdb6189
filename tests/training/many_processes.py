"""What each process of test_accelerated.py runs: a regression that ends as JSON on standard output."""

import itertools
import json
import sys
from pathlib import Path

import torch
from torch import nn
from torch.distributed.fsdp import fully_shard

from bloomery.training.accelerated import Accelerated
from bloomery.training.config import TrainConfig
from bloomery.training.loop import loader_for, train
from bloomery.training.muon_grokfast import MuonGrokfast
from bloomery.training.presets import MuonGrokfastConfig


class ShardedOnCpu(Accelerated):
    """Accelerate shards on accelerators only: here torch shards over gloo, the rest is what FSDP takes."""

    sharded = True

    def prepare(self, model, optimizer):
        sharded = fully_shard(model)
        return sharded, torch.optim.AdamW(sharded.parameters(), lr=0.01)

    def accumulating(self, model):
        model.set_requires_gradient_sync(False)
        return torch.enable_grad()


def main(kind, folder, accumulate, stop, precision, dropout):
    generator = torch.Generator().manual_seed(0)
    xs = torch.randn(64, 8, generator=generator)
    data = [{"x": x, "y": torch.tanh(2 * x[:1])} for x in xs]
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(8, 16), nn.GELU(), nn.Dropout(float(dropout)), nn.Linear(16, 4), nn.Linear(4, 1)
    )
    config = TrainConfig(
        steps=12,
        micro_batch=8,
        accumulate=int(accumulate),
        checkpoint_every=4,
        device="cpu",
        precision=precision,
    )
    seen = {}

    def loss(model, batch):
        output = model(batch["x"])
        seen["autocast"] = str(torch.get_autocast_dtype("cpu")) if torch.is_autocast_enabled("cpu") else "off"
        return ((output.float() - batch["y"]) ** 2).mean()

    muon = MuonGrokfast(model, MuonGrokfastConfig(lr=0.01))
    adamw = torch.optim.AdamW(model.parameters(), lr=0.01)
    asked = itertools.count(1)
    backend = ShardedOnCpu(config) if kind == "sharded" else Accelerated(config)
    outcome = train(
        model,
        loader_for(data, config),
        optimizer=adamw if "sharded" in kind else muon,
        config=config,
        loss=loss,
        checkpoint=Path(folder),
        should_stop=lambda: next(asked) == int(stop) and backend.rank == 0,
        backend=backend,
    )
    names = ("stopped", "resumed_from", "last_loss")
    said = (
        {"rank": backend.rank, "world": backend.world}
        | {name: getattr(outcome, name) for name in names}
        | seen
    )
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
