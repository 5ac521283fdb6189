"""Memories against what has none: many pairs recalled at once, and both at 4 times the trained length.

    python -m benchmarks.associative_recall --json out.json

Two tasks that Titans and MIRAS measure in the large. *Recall* (multi-query): pairs of a key and a value,
straw, then every key again in another order, each to be answered by its value; the straw is so long that no
answer is within reach of the window's layers together. *Far recall* examines the same weights with straw that
makes a sequence 4 times as long. *Needle* (as in S-NIAH): a mark and a value anywhere in straw, and the mark
again at the end; trained on 32 tokens, examined on 128.

Titans' four variants, MIRAS's memories and Hope stand against the same model with another mixer, which has no
fewer parameters than any of them. Windowed attention alone cannot see the answers: above it is whatever has
learned to carry anything. Two recurrent mixers carry a state, as the memories do: an LSTM, and gated linear
attention with the memories' projections, which adds what a memory learns. LMM, the MIRAS models and Hope have
no attention. All take equal steps at equal rates on the same batches. One question of each test sequence
counts, so that counts are independent. What was trained with this very code, these packages and this
processor is not trained again (build/associative_recall); it imports few modules, so that little makes that
stale. `recall_claims.py` makes papers' claims of it.
"""

import argparse
import functools
import hashlib
import itertools
import json
import os
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from torch import Tensor, nn

from benchmarks.far_questions import NO_ANSWER, VALUES, VOCABULARY, Needle, Pairs, Questions, Rows
from benchmarks.rival_mixers import GatedLinear, LongShortTerm, Rival, WindowAlone
from bloomery.core import machine
from bloomery.core.closure import Deferred, code_version
from bloomery.models.configuration_hope import HopeConfig
from bloomery.models.configuration_titans import TitansConfig
from bloomery.models.modeling_hope import HopeForCausalLM
from bloomery.models.modeling_titans import TitansForCausalLM
from bloomery.tasks.intervals import wilson

WINDOW, LAYERS, PAIRS = 8, 2, 8
REACH = LAYERS * (WINDOW - 1)  # tokens back from which windowed layers together bring anything
SEGMENT = 16  # of MAC, about as long; and chunks of the memories
STEPS, BATCH, SEEDS, TESTED, LR = 300, 16, (1, 2, 3), 512, 4e-3
TITANS, MIRAS = ("lmm", "mac", "mag", "mal"), ("yaad", "moneta", "memora")
MEASURED = (*TITANS, "yaad", "hope")
BASELINE, RECURRENT = "window", ("linear", "lstm")
RIVALS = (BASELINE, *RECURRENT)
WIDTH = 32  # of the models
WIDE = {"window": 168, "linear": 72, "lstm": 64}  # feed-forwards, which bring a rival to the memories' size
LEVEL = 48  # of each of Hope's two levels, which together are as large as the others' feed-forward
KEPT = Path(__file__).parents[1] / "build" / "associative_recall"


class Setting(NamedTuple):
    """Questions, and how many tokens a sequence has in training and in the examination."""

    questions: Questions
    trained: int
    examined: int


PAIRED, SHORTEST = Pairs(PAIRS), 3 * PAIRS + REACH
TASKS = {
    "recall": Setting(PAIRED, SHORTEST, SHORTEST),
    "needle": Setting(Needle(), 32, 128),
    "far recall": Setting(PAIRED, SHORTEST, 4 * SHORTEST),
}


def model(name: str, seed: int) -> TitansForCausalLM | HopeForCausalLM:
    """One of Titans' variants, of MIRAS's memories without attention, Hope, or a rival; not trained."""
    torch.manual_seed(seed)
    if name == "hope":
        return HopeForCausalLM(HopeConfig(
            vocab_size=VOCABULARY, embedding_rank=WIDTH, hidden_size=WIDTH, num_hidden_layers=LAYERS,
            memory_chunk=4, memory_options={"read": "before", "max_lr": 0.5}, memory_expansion=1.0,
            cms_size=LEVEL,
            use_cache=False,
        ))  # fmt: skip
    config = TitansConfig(
        variant=name if name in TITANS else "lmm", memory=name if name in MIRAS else "titans",
        vocab_size=VOCABULARY, embedding_rank=WIDTH, hidden_size=WIDTH, num_hidden_layers=LAYERS,
        memory_size=WIDTH, num_attention_heads=2, intermediate_size=WIDE.get(name, 2 * WIDTH),
        sliding_window=WINDOW, segment_size=SEGMENT, memory_chunk=SEGMENT, use_cache=False,
    )  # fmt: skip
    made = TitansForCausalLM(config)
    for layer in made.layers if name in RIVALS else ():
        layer.mixer = rival(name, config)
        layer.mixer.apply(made._init_weights)
    return made


def rival(name: str, config: TitansConfig) -> Rival:
    if name == "linear":
        return GatedLinear(config, heads=2, head_dim=WIDTH)
    return LongShortTerm(config, width=42) if name == "lstm" else WindowAlone(config)


@functools.cache
def taught(name: str, questions: Questions, length: int, seed: int, steps: int) -> nn.Module:
    """Remembered within a process: tasks that differ in the examination alone share the training."""
    pupil, generator = model(name, seed), torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(pupil.parameters(), lr=LR, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, total_steps=steps, pct_start=0.1)
    for _ in range(steps):
        rows = questions.draw(BATCH, length, generator)
        optimizer.zero_grad()
        loss(pupil, rows).backward()
        nn.utils.clip_grad_norm_(pupil.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return pupil.eval()


def loss(pupil: nn.Module, rows: Rows) -> Tensor:
    """Nats a question."""
    asked = rows.answers != NO_ANSWER
    return nn.functional.cross_entropy(pupil(input_ids=rows.tokens).logits[asked], rows.answers[asked])


@torch.no_grad()
def right(pupil: nn.Module, setting: Setting, tested: int) -> int:
    """Of so many test sequences, the same for all, those whose last question is answered."""
    generator, found = torch.Generator().manual_seed(10**6), 0
    for start in range(0, tested, 128):
        rows = setting.questions.draw(min(128, tested - start), setting.examined, generator)
        answers = pupil(input_ids=rows.tokens, logits_to_keep=1).logits[:, -1].argmax(1)
        found += int((answers == rows.answers[:, -1]).sum())
    return found


def surroundings() -> str:
    """What a run depends on besides its arguments: our code, packages, Python, the processor."""
    code = code_version(Deferred("benchmarks.associative_recall", "measured"))
    return hashlib.sha256(f"{code} {machine.processor()}".encode()).hexdigest()


def measured(name: str, task: str, seed: int, *, steps: int = STEPS, kept: Path = KEPT) -> dict[str, Any]:
    """A model trained and examined: right answers of how many, and its parameters; remembered."""
    file = kept / f"{task.replace(' ', '-')}-{name}-{seed}-{steps}-{surroundings()[:16]}.json"
    if file.is_file():
        return dict(json.loads(file.read_text()))
    torch.set_num_threads(1)
    began = time.process_time()
    pupil = taught(name, TASKS[task].questions, TASKS[task].trained, seed, steps)
    size = sum(parameter.numel() for parameter in pupil.parameters())
    run = {"seed": seed, "right": right(pupil, TASKS[task], TESTED), "total": TESTED, "parameters": size}
    print(f"{task}, {name}, seed {seed}: {shown(run)}, {time.process_time() - began:.0f} CPU s", flush=True)
    kept.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(run))
    return run


def rate(run: Mapping[str, int]) -> float:
    return run["right"] / run["total"]


def shown(run: Mapping[str, int]) -> str:
    low, high = wilson(run["right"], run["total"])
    return f"{rate(run):.3f} [{low:.3f}, {high:.3f}]"


def above(run: Mapping[str, int], other: Mapping[str, int]) -> bool:
    """Whether the 95 % intervals are disjoint, and this one the higher."""
    return wilson(run["right"], run["total"])[0] > wilson(other["right"], other["total"])[1]


def row(
    task: str, name: str, rival: str, ours: Sequence[dict[str, Any]], peer: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    one, other = (statistics.fmean(map(rate, runs)) for runs in (ours, peer))
    each = "; ".join(f"seed {a['seed']}: {shown(a)} and {shown(b)}" for a, b in zip(ours, peer, strict=True))
    sizes = f"{ours[0]['parameters']} and {peer[0]['parameters']} parameters"
    return {
        "what": f"{WHAT[task]}: {name} against {PEERS[rival]}",
        "ours": one,
        "peer": other,
        "ratio": one / other if other else None,
        "unit": "accuracy",
        "bar": "95 % intervals disjoint for every seed",
        "higher_is_better": True,
        "met": all(above(a, b) for a, b in zip(ours, peer, strict=True)),
        "note": f"the window reaches {REACH} tokens; one value of all: {1 / VALUES:.3f}; {sizes}; {each}",
    }


WHAT = {
    "recall": f"recall of {PAIRS} pairs",
    "needle": "needle at 4 times the training length",
    "far recall": f"recall of {PAIRS} pairs at 4 times the training length",
}
PEERS = {"window": "a sliding window", "linear": "gated linear attention"}


def main() -> None:
    parser = argparse.ArgumentParser(description="memories against what has none")
    parser.add_argument("--json", type=Path, help="write what was measured here")
    parser.add_argument("--models", nargs="+", default=MEASURED, choices=(*TITANS, *MIRAS, "hope"))
    options = parser.parse_args()
    start, rows = time.monotonic(), []
    for task in TASKS:
        runs = {n: [measured(n, task, s) for s in SEEDS] for n in (*RIVALS, *options.models)}
        for peer, name in itertools.product(PEERS, ("lstm", *options.models)):
            rows.append(row(task, name, peer, runs[name], runs[peer]))
    for one in rows:
        print(f"{one['what']}: {one['ours']:.3f} and {one['peer']:.3f}; {one['note']}")
    if options.json:
        command = f"python -m benchmarks.associative_recall --models {' '.join(options.models)}"
        document = {"name": "associative_recall", "command": command, "seconds": time.monotonic() - start}
        options.json.write_text(json.dumps(document | {"rows": rows}, indent=2))


if __name__ == "__main__":
    main()
