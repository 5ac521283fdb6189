"""Recall beyond the attention window: Cognate with its memory against the same model without, equal steps.

    python -m benchmarks.recall --json out.json

Training shows few and many pairs and asks for any of them, several times a prompt. The test asks once, for
one of the older half of many pairs (Recall(ask="oldest")), so that the answer always stands farther back than
all attention layers together reach: a layer sees `window - 1` tokens back, and stacked layers add up (the
backbone's and the recursion's calls). The distance is computed for every test example. "Without" is trained
from the start with memory="none"; it has fewer parameters, so that a third model without memory, but with a
wider feed-forward, has as many as ours. Chance is the commonest value among the pairs that may be asked for.
"""

import argparse
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

from benchmarks.small_models import TOKENIZER, counted, parameters, taught
from bloomery.models.configuration_cognate import CognateConfig
from bloomery.tasks.accuracy import accuracy
from bloomery.tasks.intervals import wilson
from bloomery.tasks.recall import Recall
from bloomery.tasks.splitting import examples
from bloomery.tasks.task import Example

SHOWN, SHOWN_PAIRS = Recall(questions=6), (4, 8, 12)
ASKED, ASKED_PAIRS = Recall(ask="oldest"), (12,)
STEPS, BATCH, SEEDS, TESTED = 220, 32, (1, 2, 3), 256
COMMON: dict[str, Any] = {"sliding_window": 4, "max_recursion": 1, "micro_steps": 1}
WIDER = 165  # feed-forward width at which the model without memory has as many parameters as ours
MODELS: dict[str, dict[str, Any]] = {
    "with memory": {},
    "without": {"memory": "none"},
    "without, as many parameters": {"memory": "none", "intermediate_size": WIDER},
}


def reach(config: CognateConfig) -> int:
    """How many tokens back attention can bring anything from, over all of its layers."""
    layers = config.num_hidden_layers + config.max_recursion * (config.micro_steps + 1)
    return layers * (config.sliding_window - 1)


def distance(example: Example) -> int:
    """Tokens from the answer's pair to the last token of the prompt (every character is one token)."""
    last = len(example.prompt) - 1
    value = example.prompt.index(example.prompt[-1]) + 1  # the key's first appearance is in its pair
    return last - value


def measure(steps: int, seeds: tuple[int, ...]) -> dict[str, Any]:
    given = examples(ASKED, "test", count=TESTED, seed=0, difficulties=ASKED_PAIRS)
    nearest = min(map(distance, given))
    found: dict[str, Any] = {"nearest": nearest, "models": {}}
    for name, changes in MODELS.items():
        runs = []
        for seed in seeds:
            model = taught(SHOWN, SHOWN_PAIRS, model=COMMON | changes, steps=steps, batch=BATCH, seed=seed)
            if reach(model.config) >= nearest:
                raise SystemExit(
                    f"attention reaches {reach(model.config)} tokens back, an answer is {nearest}"
                )
            result = accuracy(model, TOKENIZER, given, ASKED)
            runs.append({"seed": seed, "right": result.correct, "total": result.total})
            print(f"{name}, seed {seed}: {counted(result.correct, result.total)}", flush=True)
        found["models"][name] = {"parameters": parameters(model), "runs": runs}
        found |= {"chance": result.chance, "reach": reach(model.config)}
    return found


def row(found: Mapping[str, Any], peer: str) -> dict[str, Any]:
    ours, theirs = found["models"]["with memory"], found["models"][peer]
    pairs = list(zip(ours["runs"], theirs["runs"], strict=True))
    disjoint = all(_interval(a)[0] > _interval(b)[1] for a, b in pairs)
    rates = [sum(run["right"] for run in one["runs"]) / sum(run["total"] for run in one["runs"])
             for one in (ours, theirs)]  # fmt: skip
    each = "; ".join(f"seed {a['seed']}: {_shown(a)} and {_shown(b)}" for a, b in pairs)
    return {
        "what": f"recall {found['nearest']} or more tokens back: with memory against {peer}",
        "ours": rates[0],
        "peer": rates[1],
        "ratio": rates[0] / rates[1] if rates[1] else None,
        "unit": "accuracy",
        "bar": "95 % intervals disjoint for every seed",
        "higher_is_better": True,
        "met": disjoint,
        "note": f"attention reaches {found['reach']} tokens; chance {found['chance']:.3f}; "
        f"{ours['parameters']} and {theirs['parameters']} parameters; {each}",
    }


def _interval(run: Mapping[str, int]) -> tuple[float, float]:
    return wilson(run["right"], run["total"])


def _shown(run: Mapping[str, int]) -> str:
    return counted(run["right"], run["total"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write what was measured here")
    parser.add_argument("--steps", type=int, default=STEPS, help="optimizer steps of each run")
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="how many seeds")
    options = parser.parse_args()
    torch.set_num_threads(1)
    start = time.monotonic()
    found = measure(options.steps, SEEDS[: options.seeds])
    rows = [row(found, peer) for peer in MODELS if peer != "with memory"]
    for one in rows:
        print(f"{one['what']}: {one['ours']:.3f} and {one['peer']:.3f}; {one['note']}")
    if options.json:
        command = f"python -m benchmarks.recall --steps {options.steps} --seeds {options.seeds}"
        document = {"name": "recall", "command": command, "seconds": time.monotonic() - start, "rows": rows}
        options.json.write_text(json.dumps(document | {"details": found}, indent=2))


if __name__ == "__main__":
    main()
