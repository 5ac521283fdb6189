"""LeNet-5 of 1998 by passes over MNIST: the share of wrong answers after each, in percent.

    python -m benchmarks.lenet5_passes test 0        # of the test set, after each of 20 passes
    python -m benchmarks.lenet5_passes training 0    # of the training set, after the 19th

The learning rate falls by the paper's five stairs. Where it begins, momentum, patterns an update, rise and
criterion are those of papers/lenet5/original.yaml, as they were chosen there; nothing was chosen for these
curves. Both figures are of one training, which is not repeated for the other with this very code, these
packages and this processor. Writes build/lenet5/passes-<figure>.json.
"""

import argparse
import hashlib
import json
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # its layers are too small for more

import torch
from torch import Tensor

from bloomery.core import machine
from bloomery.core.closure import Deferred, code_version
from bloomery.models.configuration_lenet import LeNetConfig
from bloomery.models.modeling_lenet import LeNetForImageClassification, normalised
from bloomery.tasks.datasets.reading import dataset

STAIRS = ((2, 1.0), (5, 0.4), (8, 0.2), (12, 0.1), (20, 0.02))  # up to this pass: share of the first rate
PASSES = STAIRS[-1][0]
LR, MOMENTUM, BATCH, RISE = 1e-3, 0.9, 32, 200
TRAINING_AT = 19  # the pass after which the paper says the training set's error
KEPT = Path(__file__).parents[1] / "build" / "lenet5"

Curves = dict[str, list[tuple[int, float]]]


def share(update: int, updates_a_pass: int) -> float:
    """Of the first learning rate, at an update counted from 0."""
    at = update // updates_a_pass + 1
    stair = next(factor for last, factor in STAIRS if at <= last)
    return stair * min(1.0, (update + 1) / RISE)


def wrong(model: torch.nn.Module, pixels: Tensor, labels: Tensor) -> float:
    """In percent. Shapes: pixels (N, 1, 32, 32), labels (N,)"""
    with torch.no_grad():
        answers = [model(some).logits.argmax(1) for some in pixels.split(500)]
    return 100 * float((torch.cat(answers) != labels).double().mean())


def learned(train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], seed: int) -> Curves:
    """Both curves of one training."""
    torch.manual_seed(seed)
    model = LeNetForImageClassification(LeNetConfig(variant="original", criterion="map", j=1.0))
    optimizer = torch.optim.SGD(model.parameters(), lr=LR, momentum=MOMENTUM)
    pixels, labels = train
    updates = len(labels) // BATCH
    found: Curves = {"test": [], "training": []}
    for at in range(1, PASSES + 1):
        order = torch.randperm(len(labels))[: updates * BATCH].view(-1, BATCH)
        for place, rows in enumerate(order, start=(at - 1) * updates):
            optimizer.param_groups[0]["lr"] = LR * share(place, updates)
            optimizer.zero_grad()
            model(pixels[rows], labels[rows]).loss.backward()
            optimizer.step()
        found["test"].append((at, wrong(model, *test)))
        if at == TRAINING_AT:
            found["training"].append((at, wrong(model, *train)))
        print(f"seed {seed}, pass {at}: {found['test'][-1][1]:.2f} % of the test set wrong", flush=True)
    return found


def images(split: str, purpose: Any) -> tuple[Tensor, Tensor]:
    pixels, labels = dataset("mnist", split, purpose=purpose).images
    return normalised(torch.tensor(pixels)), torch.tensor(labels).long()


def curves(seed: int) -> Curves:
    """Of a seed; remembered."""
    code = code_version(Deferred("benchmarks.lenet5_passes", "curves"))
    name = hashlib.sha256(f"{code} {machine.processor()} {seed}".encode()).hexdigest()
    kept = KEPT / f"passes-{name}.json"
    if not kept.is_file():
        found = learned(images("train", "train"), images("test", "evaluate"), seed)
        KEPT.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(found) + "\n")
    read: Curves = json.loads(kept.read_text())
    return read


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("figure", choices=("test", "training"))
    parser.add_argument("seed", type=int)
    given = parser.parse_args()
    torch.set_num_threads(1)
    curve = curves(given.seed)[given.figure]
    (KEPT / f"passes-{given.figure}.json").write_text(json.dumps({"curve": curve, "data": ["mnist"]}) + "\n")
    print(f"seed {given.seed}, {given.figure}: " + ", ".join(f"{at}: {value:.2f} %" for at, value in curve))


if __name__ == "__main__":
    main()
