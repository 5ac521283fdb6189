"""Adaptive computation against always all recursion steps, on chained sums of mixed difficulty.

    python -m benchmarks.halting --json out.json

Two models begin with the same weights and see the same batches. One always takes all steps, in training and
in the test. The other lets tokens halt in half of its training steps, and in the test whenever it is sure
enough. Steps are counted over all tokens of the test examples, prompts included, and over the tokens that
predict answers; the smaller saving counts. Deeper on harder examples: the mean steps at the answers of the
longest sums less those of the shortest, with a 95 % interval over examples.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

from benchmarks.small_models import TOKENIZER, counted, parameters, taught
from bloomery.models.modeling_cognate import CognateForCausalLM
from bloomery.tasks.accuracy import evaluating, forced
from bloomery.tasks.batches import collate, row_of
from bloomery.tasks.chained_sums import ChainedSums
from bloomery.tasks.intervals import Z_95
from bloomery.tasks.splitting import examples
from bloomery.tasks.task import Example

TASK, TERMS = ChainedSums(), (3, 4, 5, 6, 7, 8)
STEPS, BATCH, SEEDS, TESTED, ALL = 600, 32, (1, 2), 600, 3
THRESHOLD, SHARE = 0.99, 0.5  # the threshold of the quick-start's adaptive specialist
COMMON: Mapping[str, Any] = {
    "sliding_window": 16, "max_recursion": ALL, "micro_steps": 1, "halt_threshold": THRESHOLD
}  # fmt: skip
BAR, WITHIN = 1.3, 0.03


def sat(model: CognateForCausalLM, given: Sequence[Example], **options: Any) -> list[dict[str, Any]]:
    """For each example: its difficulty, whether it was answered, steps per token, steps at its answer."""
    outcomes = []
    with evaluating(model):
        for terms in TERMS:
            some = [example for example in given if example.difficulty == terms]
            batch = collate(row_of(example, TOKENIZER, 64) for example in some)
            right, steps, _ = forced(model, batch, options)
            outcomes += [
                {"terms": terms, "right": hit, "steps": taken[0], "answer_steps": taken[1]}
                for hit, taken in zip(right, steps, strict=True)
            ]
    return outcomes


def measure(steps: int, seeds: tuple[int, ...]) -> dict[str, Any]:
    given = examples(TASK, "test", count=TESTED, seed=1, difficulties=TERMS, fewer_ok=True)
    found: dict[str, list[dict[str, Any]]] = {"adaptive": [], "always all": [], "adaptive, at all steps": []}
    for seed in seeds:
        for name, halting in (("adaptive", SHARE), ("always all", 0.0)):
            model = taught(
                TASK, TERMS, model=COMMON, steps=steps, batch=BATCH, seed=seed, seq_len=64, halting=halting
            )
            outcomes = sat(model, given, **({} if halting else {"recursion_steps": ALL}))
            found[name] += outcomes
            print(f"{name}, seed {seed}: {described(outcomes)}", flush=True)
            if halting:
                found["adaptive, at all steps"] += sat(model, given, recursion_steps=ALL)
    return {"outcomes": found, "parameters": parameters(model)}


def described(outcomes: Sequence[Mapping[str, Any]]) -> str:
    by_terms = ", ".join(f"{terms}: {depth:.2f}" for terms, depth in depths(outcomes).items())
    return f"{rate(outcomes)}; steps a token {mean(outcomes, 'steps'):.2f}, at answers by terms {by_terms}"


def rate(outcomes: Sequence[Mapping[str, Any]]) -> str:
    return counted(sum(one["right"] for one in outcomes), len(outcomes))


def mean(outcomes: Sequence[Mapping[str, Any]], what: str) -> float:
    return statistics.fmean(one[what] for one in outcomes)


def depths(outcomes: Sequence[Mapping[str, Any]]) -> dict[int, float]:
    return {terms: mean(_of(outcomes, terms), "answer_steps") for terms in TERMS}


def deepening(outcomes: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Mean steps at the answers of the longest sums less those of the shortest; half of its interval."""
    hard, easy = ([one["answer_steps"] for one in _of(outcomes, terms)] for terms in (max(TERMS), min(TERMS)))
    error = (statistics.variance(hard) / len(hard) + statistics.variance(easy) / len(easy)) ** 0.5
    return statistics.fmean(hard) - statistics.fmean(easy), Z_95 * error


def _of(outcomes: Sequence[Mapping[str, Any]], terms: int) -> list[Mapping[str, Any]]:
    return [one for one in outcomes if one["terms"] == terms]


def rows(outcomes: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    ours, theirs = outcomes["adaptive"], outcomes["always all"]
    saved = {what: ALL / mean(ours, what) for what in ("steps", "answer_steps")}
    deeper, half = deepening(ours)
    lost = mean(theirs, "right") - mean(ours, "right")
    by_terms = ", ".join(f"{terms} terms {depth:.2f}" for terms, depth in depths(ours).items())
    return [
        {
            "what": "recursion steps a token: adaptive against always all",
            "ours": mean(ours, "steps"), "peer": float(ALL), "ratio": min(saved.values()), "unit": "steps",
            "bar": f">= {BAR:g} times fewer", "higher_is_better": True, "met": min(saved.values()) >= BAR,
            "note": f"all tokens {saved['steps']:.2f} times, at answers {saved['answer_steps']:.2f} times",
        },
        {
            "what": "accuracy: adaptive against a model that always takes all steps",
            "ours": mean(ours, "right"), "peer": mean(theirs, "right"),
            "ratio": mean(ours, "right") / mean(theirs, "right") if mean(theirs, "right") else None,
            "unit": "accuracy", "bar": "within 0.03", "higher_is_better": True, "met": lost <= WITHIN,
            "note": f"{rate(ours)} and {rate(theirs)}; the adaptive model made to take all steps: "
            f"{rate(outcomes['adaptive, at all steps'])}",
        },
        {
            "what": f"deeper on harder examples: {max(TERMS)} terms against {min(TERMS)}, steps at answers",
            "ours": depths(ours)[max(TERMS)], "peer": depths(ours)[min(TERMS)],
            "ratio": depths(ours)[max(TERMS)] / depths(ours)[min(TERMS)], "unit": "steps",
            "bar": "more, interval above 0", "higher_is_better": True, "met": deeper - half > 0,
            "note": f"{deeper:+.3f} ± {half:.3f}; {by_terms}",
        },
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write what was measured here")
    parser.add_argument("--steps", type=int, default=STEPS, help="optimizer steps of each run")
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="how many seeds")
    options = parser.parse_args()
    torch.set_num_threads(1)
    start = time.monotonic()
    found = measure(options.steps, SEEDS[: options.seeds])
    table = rows(found["outcomes"])
    for one in table:
        print(
            f"{one['what']}: {one['ours']:.3f} and {one['peer']:.3f}, ratio {one['ratio']:.3f}; {one['note']}"
        )
    if options.json:
        command = f"python -m benchmarks.halting --steps {options.steps} --seeds {options.seeds}"
        document = {"name": "halting", "command": command, "seconds": time.monotonic() - start, "rows": table}
        options.json.write_text(json.dumps(document | {"parameters": found["parameters"]}, indent=2))


if __name__ == "__main__":
    main()
