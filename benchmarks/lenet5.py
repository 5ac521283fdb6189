"""LeNet-5 on MNIST's test set: the share of wrong answers of one config and seed, in percent.

    python -m benchmarks.lenet5 papers/lenet5/original.yaml 0      # the network of 1998
    python -m benchmarks.lenet5 papers/lenet5/modern.yaml 0

`bloomery train` trains it, in the workspace build/lenet5, which remembers: what was trained with this very
code is not trained again. The answers of the weights that it leaves are counted here once more. Writes
build/lenet5/<config>.json.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import torch

from bloomery.models.modeling_lenet import LeNetForImageClassification, normalised
from bloomery.tasks.datasets.reading import dataset

ROOT = Path(__file__).parents[1]
WORKSPACE = ROOT / "build" / "lenet5"


def trained(config: Path, seed: int) -> Path:
    """The folder of the result."""
    command = ["train", config, "--set", f"seed={seed}", "--workspace", WORKSPACE, "--json"]
    said = subprocess.run(
        [sys.executable, "-m", "bloomery", *map(str, command)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    if not said.stdout:  # a missed bar prints its result all the same
        raise SystemExit(said.returncode or 1)
    return Path(json.loads(said.stdout)["folder"])


@torch.no_grad()
def error_rate(folder: Path) -> float:
    """In percent of MNIST's test images."""
    model = LeNetForImageClassification.from_pretrained(folder).eval()
    images, labels = dataset("mnist", "test", purpose="evaluate").images
    wrong = 0
    for start in range(0, len(images), 500):
        answers = model(normalised(torch.tensor(images[start : start + 500]))).logits.argmax(1)
        wrong += int((answers != torch.tensor(labels[start : start + 500])).sum())
    return 100 * wrong / len(images)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("seed", type=int)
    given = parser.parse_args()
    found = error_rate(trained(given.config, given.seed))
    written = json.dumps({"value": found, "data": ["mnist"]}) + "\n"
    (WORKSPACE / f"{given.config.stem}.json").write_text(written)
    print(f"{given.config}, seed {given.seed}: {found:.2f} % wrong")


if __name__ == "__main__":
    main()
