"""Merges in memory against mergekit: the same tensors first, then CPU time.

    python benchmarks/merging.py --json out.json

Two random Llamas of 4.2 million weights and their base, float32, merged by both in one process on one thread,
one after the other in turn; inside the peer's environment (benchmarks/peers/mergekit), with Bloomery from the
source tree. Ours also looks at every weight for NaN and infinity, which mergekit does not.

Equal means:
- ties: to the bit, but for entries that the method leaves open: in a model's task vector as large as the
  smallest entry that stays, while there is no room for all of that size. Both keep the same number of them,
  ours the first in row-major order, mergekit's sort any. What follows works entry by entry: no other differs;
- linear: to float32 rounding, since ours starts from the first model and adds weighted differences, so that
  equal models stay themselves to the bit, and mergekit divides a weighted sum;
- slerp: to float32 rounding, since ours takes the angle in float64;
- dare: to float32 rounding (its factor too is a float64 number here), with mergekit's rescaling ("l1") and
  our masks fed to mergekit. Its own come from torch's global generator and depend on the order of tensors.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from inside_peer import parsed_inside

SIZES = {
    "vocab_size": 2048, "hidden_size": 256, "intermediate_size": 688, "num_hidden_layers": 4,
    "num_attention_heads": 4,
}  # fmt: skip
W = {"a": 0.4, "b": 0.8}
T, DENSITY, LAM = 0.3, 0.2, 0.9
# method: our recipe's fields; mergekit's method, base and parameters; times less CPU time at least; tolerance
CASES: dict[str, tuple[dict[str, Any], str, str | None, dict[str, Any], float, float]] = {
    "linear": ({"methods": ("linear",)}, "linear", None, {"weight": W}, 1.0, 5e-7),
    "slerp": ({"methods": ("slerp",), "t": T}, "slerp", "a", {"t": T}, 1.0, 5e-7),
    "ties": (
        {"methods": ("ties",), "density": DENSITY, "lam": LAM}, "ties", "base",
        {"weight": W, "density": DENSITY, "lambda": LAM}, 4.0, 0.0,
    ),
    "dare": (
        {"methods": ("dare",), "density": DENSITY, "lam": LAM, "rescale": "l1"}, "dare_linear", "base",
        {"weight": W, "density": DENSITY, "lambda": LAM}, 1.0, 5e-7,
    ),
    "dare with signs": (
        {"methods": ("dare",), "density": DENSITY, "lam": LAM, "rescale": "l1", "elect_signs": True},
        "dare_ties", "base", {"weight": W, "density": DENSITY, "lambda": LAM}, 1.0, 5e-7,
    ),
}  # fmt: skip

State = dict[str, Any]


def models() -> dict[str, State]:
    """A base and two models near it: fresh copies, as a merge would find them."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    base = {k: v.clone() for k, v in LlamaForCausalLM(LlamaConfig(**SIZES)).state_dict().items()}
    near = [{k: v + 0.01 * torch.randn_like(v) for k, v in base.items()} for _ in range(2)]
    return {"base": base, "a": near[0], "b": near[1]}


def ours(case: str, all_models: dict[str, State]) -> State:
    from bloomery.forge.merging.merge import merge
    from bloomery.forge.merging.recipe import MergeRecipe

    fields = CASES[case][0]
    weights = {} if case == "slerp" else {"weights": tuple(W.values())}
    return merge(MergeRecipe(**fields, **weights), [all_models["a"], all_models["b"]], all_models["base"])


def theirs(case: str, all_models: dict[str, State]) -> State:
    from mergekit.merge_methods import merge_state_dicts

    _, method, base, parameters, *_ = CASES[case]
    used = {name: all_models[name] for name in (["base"] if base == "base" else []) + ["a", "b"]}
    return merge_state_dicts(used, method, base=base, parameters=parameters)


@contextmanager
def our_masks(name: str) -> Iterator[None]:
    """torch.bernoulli gives the masks that ours draws for this tensor, model after model."""
    import torch

    from bloomery.forge.merging.dare import kept_mask
    from bloomery.forge.merging.tensorwise import stream

    drawn, generator = torch.bernoulli, stream(0, name)
    torch.bernoulli = lambda p: kept_mask(p.shape, DENSITY, generator).to(p.dtype)  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.bernoulli = drawn


def theirs_with_our_masks(case: str, all_models: dict[str, State]) -> State:
    merged = {}
    for name in all_models["base"]:
        with our_masks(name):
            one = {model: {name: state[name]} for model, state in all_models.items()}
            merged[name] = theirs(case, one)[name]
    return merged


def equality(case: str, all_models: dict[str, State]) -> dict[str, Any]:
    """Entries that differ, the largest difference, and how many entries TIES leaves open."""
    import torch

    mine, other = ours(case, all_models), theirs_with_our_masks(case, all_models)
    differ = {name: mine[name] != other[name] for name in mine}
    largest = max(float((mine[name] - other[name]).abs().max()) for name in mine)
    found = {
        "entries": sum(x.numel() for x in mine.values()),
        "differ": sum(int(some.sum()) for some in differ.values()),
        "largest": largest,
    }
    if case == "ties":
        tied = {name: tied_entries(all_models, name) for name in mine}
        found["tied"] = sum(int(some.sum()) for some in tied.values())
        found["equal"] = not any(bool((differ[name] & ~tied[name]).any()) for name in mine)
    else:
        found["equal"] = largest <= CASES[case][5] * max(1.0, *(float(x.abs().max()) for x in mine.values()))
    return found | {"torch": torch.__version__}


def tied_entries(all_models: dict[str, State], name: str) -> Any:
    """Where a task vector is as large as its smallest entry that stays, and not all such entries stay.

    Shapes: the tensor's, bool.
    """
    import torch

    tied = torch.zeros_like(all_models["base"][name], dtype=torch.bool)
    for model in W:
        size = (all_models[model][name] - all_models["base"][name]).abs()
        keep = max(1, int(DENSITY * size.numel()))
        threshold = torch.sort(size.flatten(), descending=True).values[keep - 1]
        if int((size >= threshold).sum()) > keep:
            tied |= size == threshold
    return tied


def cpu_times(case: str, all_models: dict[str, State], repeats: int) -> dict[str, list[float]]:
    """CPU seconds of a merge, one of ours and one of theirs in turn."""
    runs: dict[str, Callable[[str, dict[str, State]], State]] = {"ours": ours, "peer": theirs}
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(repeats + 2):
        for name, function in runs.items():
            start = time.process_time()
            function(case, all_models)
            if turn >= 2:  # the first two warm up
                times[name].append(time.process_time() - start)
    return times


def measure(repeats: int) -> dict[str, Any]:
    import torch

    torch.set_num_threads(1)
    all_models = models()
    results = {}
    with torch.no_grad():
        for case in CASES:
            times = cpu_times(case, all_models, repeats)
            results[case] = {
                "equality": equality(case, all_models),
                "ours_ms": 1e3 * statistics.median(times["ours"]),
                "peer_ms": 1e3 * statistics.median(times["peer"]),
                "ratio": statistics.median(p / o for o, p in zip(times["ours"], times["peer"], strict=True)),
            }
    return results


def row(case: str, figures: dict[str, Any]) -> dict[str, Any]:
    least, same = CASES[case][4], figures["equality"]
    note = f"{same['differ']} of {same['entries']} entries differ, by at most {same['largest']:.1e}"
    if case == "ties":
        note += f"; {same['tied']} are tied at a threshold"
    if case.startswith("dare"):
        note += " under the same masks"
    return {
        "what": f"{case} of two Llamas in memory: mergekit against ours",
        "ours": figures["ours_ms"],
        "peer": figures["peer_ms"],
        "ratio": figures["ratio"],
        "unit": "CPU ms",
        "bar": f">= {least:g} times less, equal tensors",
        "higher_is_better": True,
        "met": bool(figures["ratio"] >= least and same["equal"]),
        "note": note,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--repeats", type=int, default=15)
    arguments = parsed_inside(parser, "mergekit")
    started = time.perf_counter()
    results = measure(arguments.repeats)
    rows = [row(case, figures) for case, figures in results.items()]
    for one in rows:
        print(f"{one['what']}: {one['ours']:.1f} and {one['peer']:.1f} ms, {one['ratio']:.2f}; {one['note']}")
    if arguments.json:
        found = {
            "name": "merging", "command": f"python benchmarks/merging.py --repeats {arguments.repeats}",
            "rows": rows, "seconds": time.perf_counter() - started, "details": results,
        }  # fmt: skip
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")
    if not all(figures["equality"]["equal"] for figures in results.values()):
        raise SystemExit("the two do not compute the same tensors: the times compare nothing")


if __name__ == "__main__":
    main()
