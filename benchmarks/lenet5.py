"""LeNet-5 on MNIST's test set: the error rate of one variant and seed, as `bloomery train` measures it.

    python -m benchmarks.lenet5 original 0      # the network of 1998
    python -m benchmarks.lenet5 modern 0

Trains in the workspace build/lenet5, which remembers: what was trained with this very code is not trained
again. Writes build/lenet5/<variant>.json: the share of wrong answers in percent, and the data that it is of.
"""

import argparse
import json
from pathlib import Path

from bloomery.core.workspace import Workspace
from bloomery.forge.supervised.training import plan, train

ROOT = Path(__file__).parents[1]
WORKSPACE = ROOT / "build" / "lenet5"


def error_rate(variant: str, seed: int) -> float:
    """In percent of MNIST's test images."""
    planned = plan(ROOT / "papers" / "lenet5" / f"{variant}.yaml", [f"seed={seed}"])
    trained = train(Workspace.open(WORKSPACE), planned)
    figures = json.loads((trained.folder / "metrics.json").read_text())
    return 100 * (figures["total"] - figures["correct"]) / figures["total"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("variant", choices=["modern", "original"])
    parser.add_argument("seed", type=int)
    given = parser.parse_args()
    found = error_rate(given.variant, given.seed)
    written = {"value": found, "data": ["mnist"]}
    (WORKSPACE / f"{given.variant}.json").write_text(json.dumps(written) + "\n")
    print(f"{given.variant}, seed {given.seed}: {found:.2f} % wrong")


if __name__ == "__main__":
    main()
