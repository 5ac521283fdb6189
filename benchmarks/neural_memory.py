"""Neural memory against titans-pytorch: the same function first, then CPU time, forward and backward.

    python benchmarks/neural_memory.py --json out.json

Runs inside the peer's environment (benchmarks/peers/titans) with Bloomery from the source tree, so that one
process times both, interleaved, on one thread. Three configurations are timed at (2, 512, 128), chunk 64:

- peer: titans-pytorch with `batch_size=chunk_size`, its default memory (residual and norm around the layers);
- same: our scan driven by the peer's own weights and conventions (mean loss, one momentum and one decay a
  chunk, reads of finished chunks only): the very same function, checked before it is timed;
- layer: our `NeuralMemory` as shipped (a decision a token, a read after every write, output gate and
  projection), which computes more than the peer.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from inside_peer import parsed_inside

BATCH, STEPS, DIM, CHUNK, EXPANSION = 2, 512, 128, 64, 4.0
MEMORIES = {"mlp": 2, "linear": 1}  # depth
BARS = {"mlp": 2.0, "linear": 4.0}  # times less CPU time than the peer
TOLERANCE = 1e-4  # float32 round-off over 8 dependent chunks, relative to the largest entry


def make_peer(depth: int) -> Any:
    from titans_pytorch import NeuralMemory

    model = {"depth": depth} if depth == 1 else {"depth": depth, "expansion_factor": EXPANSION}
    return NeuralMemory(DIM, chunk_size=CHUNK, batch_size=CHUNK, default_model_kwargs=model)


def run_same(peer: Any, x: Any) -> Any:
    """The peer's function by our scan: norms, projections and gates with the peer's weights and pooling."""
    import torch
    from torch.nn import functional

    from bloomery.models.memory_scan import Memory, Rule, scan
    from bloomery.models.surprise import Gates

    stored, retrieved = peer.store_norm(x), peer.retrieve_norm(x)
    k, v, q = peer.to_keys(stored), peer.to_values(stored), peer.to_queries(retrieved)
    theta = peer.to_adaptive_step(stored).sigmoid() / DIM  # the peer's loss is a mean over features
    pooled = stored.unflatten(1, (-1, CHUNK)).mean(2)
    log_eta = functional.logsigmoid(
        peer.to_momentum[0](pooled)
    )  # (B, chunks, 1): once a chunk, at its first token
    log_keep = functional.logsigmoid(-peer.to_decay_factor[0](pooled))  # once a chunk, at its last token
    gates = Gates(
        theta=theta,
        log_eta=functional.pad(log_eta, (0, CHUNK - 1)).flatten(1),
        log_keep=functional.pad(log_keep, (CHUNK - 1, 0)).flatten(1),
        counts=(torch.arange(STEPS) % CHUNK == CHUNK - 1)
        .to(x.dtype)
        .expand(len(x), -1),  # written at its end
    )
    scale, *layers = peer.memory_model_parameters
    rows = [w.transpose(1, 2).expand(len(x), -1, -1) for w in layers] + [scale.expand(len(x), -1)]
    chunks = ((slice(s, s + CHUNK), True) for s in range(0, STEPS, CHUNK))
    return scan(q, k, v, gates, Memory(rows, [], []), chunks, Rule("gelu", True, None))[0]


def make_layer(depth: int) -> Any:
    from bloomery.models.neural_memory import NeuralMemory

    return NeuralMemory(DIM, depth=depth, expansion=EXPANSION, chunk_size=CHUNK, residual_norm=True, conv=0)


def reference(peer: Any, x: Any) -> Any:
    """The peer's function token by token, from the paper's equations, gradients by autograd."""
    import torch
    from torch.nn import functional

    names = peer.memory_model_parameter_names
    stored, queries = peer.store_norm(x), peer.to_queries(peer.retrieve_norm(x))
    keys, values = peer.to_keys(stored), peer.to_values(stored)
    steps = peer.to_adaptive_step[0](stored).sigmoid()
    outputs = []
    for b in range(len(x)):
        W = {n: p[0].clone() for n, p in zip(names, peer.memory_model_parameters, strict=True)}
        S = {n: torch.zeros_like(p) for n, p in W.items()}
        for start in range(0, STEPS, CHUNK):
            pooled = stored[b, start : start + CHUNK].mean(0)
            eta, alpha = peer.to_momentum[0](pooled).sigmoid(), peer.to_decay_factor[0](pooled).sigmoid()
            S = {n: eta * s for n, s in S.items()}
            for t in range(start, start + CHUNK):
                at = {n: p.detach().requires_grad_() for n, p in W.items()}
                loss = functional.mse_loss(
                    torch.func.functional_call(peer.memory_model, at, keys[b, t][None]), values[b, t][None]
                )
                for n, g in zip(at, torch.autograd.grad(loss, list(at.values())), strict=True):
                    S[n] = S[n] - steps[b, t] * g
                if t == start + CHUNK - 1:
                    W = {n: (1 - alpha) * p + S[n] for n, p in W.items()}
                outputs.append(torch.func.functional_call(peer.memory_model, W, queries[b, t][None])[0])
    return torch.stack(outputs).unflatten(0, (len(x), STEPS))


def equality(depth: int) -> dict[str, float]:
    """Largest differences, relative to the largest entry: outputs, and gradients of every parameter."""
    import copy

    import torch

    torch.manual_seed(0)
    peer, x = make_peer(depth), torch.randn(BATCH, STEPS, DIM)
    upstream = torch.randn_like(x)
    with torch.no_grad():
        for parameter in peer.parameters():  # nothing at an initial zero
            parameter.add_(0.02 * torch.randn_like(parameter))

    def gradients(output: Any) -> list[Any]:
        used = [p for p in peer.parameters() if p.requires_grad]
        grads = torch.autograd.grad((output * upstream).sum(), used, allow_unused=True)
        return [torch.zeros_like(p) if g is None else g for p, g in zip(used, grads, strict=True)]

    theirs, ours = peer(x)[0], run_same(peer, x)
    wide = copy.deepcopy(peer).double()
    exact = reference(wide, x.double()).detach()
    pairs = zip(gradients(theirs), gradients(ours), strict=True)
    return {
        "ours_to_peer": difference(ours, theirs),
        "gradients_ours_to_peer": max(
            difference(o, t) for t, o in pairs if t.abs().max() > 0 or o.abs().max() > 0
        ),
        "ours_to_float64_reference": difference(ours, exact),
        "peer_to_float64_reference": difference(theirs, exact),
        "ours_in_float64_to_float64_reference": difference(run_same(wide, x.double()), exact),
    }


def difference(a: Any, b: Any) -> float:
    return float((a - b).abs().max() / b.abs().max())


def cpu_times(depth: int, repeats: int) -> dict[str, list[float]]:
    """CPU seconds of forward and backward, one run of each in turn."""
    import torch

    torch.manual_seed(0)
    peer, layer = make_peer(depth), make_layer(depth)
    x, upstream = torch.randn(2, BATCH, STEPS, DIM)
    runs: dict[str, tuple[Any, Callable[[Any], Any]]] = {
        "peer": (peer, lambda t: peer(t)[0]),
        "same": (peer, lambda t: run_same(peer, t)),
        "layer": (layer, lambda t: layer(t)[0]),
    }
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(repeats + 2):
        for name, (module, function) in runs.items():
            module.zero_grad()
            t = x.clone().requires_grad_()
            start = time.process_time()
            function(t).backward(upstream)
            if turn >= 2:  # the first two warm up
                times[name].append(time.process_time() - start)
    return times


def measure(repeats: int) -> dict[str, Any]:
    import torch

    torch.set_num_threads(1)
    results: dict[str, Any] = {"torch": torch.__version__, "shape": [BATCH, STEPS, DIM], "chunk": CHUNK}
    for name, depth in MEMORIES.items():
        equal = equality(depth)
        times = cpu_times(depth, repeats)
        figures: dict[str, Any] = {"equality": equal, "same_function": max(equal.values()) <= TOLERANCE}
        for run, seconds in times.items():
            figures[f"{run}_ms"] = {"min": 1e3 * min(seconds), "median": 1e3 * statistics.median(seconds)}
        for run in ("same", "layer"):
            figures[f"{run}_ratio"] = {
                "min": min(times["peer"]) / min(times[run]),
                "median": statistics.median(p / o for p, o in zip(times["peer"], times[run], strict=True)),
            }
        figures["bar"] = BARS[name]
        figures["reached"] = figures["same_function"] and figures["same_ratio"]["median"] >= BARS[name]
        results[name] = figures
    return results


def table(results: dict[str, Any]) -> str:
    lines = ["memory  what   CPU ms (min, median)   peer / ours (min, median)   bar"]
    for name in MEMORIES:
        figures = results[name]
        for run in ("peer", "same", "layer"):
            ms, ratio = figures[f"{run}_ms"], figures.get(f"{run}_ratio")
            against = f"{ratio['min']:.2f}, {ratio['median']:.2f}" if ratio else "-"
            bar = f">= {figures['bar']:g}" if run == "same" else "-"
            lines.append(
                f"{name:7} {run:6} {ms['min']:8.1f}, {ms['median']:8.1f}      {against:>12}            {bar}"
            )
        worst = max(figures["equality"].values())
        lines.append(f"{name:7} largest relative difference {worst:.1e} (at most {TOLERANCE:g})")
    return "\n".join(lines)


def as_benchmark(results: dict[str, Any], repeats: int, seconds: float) -> dict[str, Any]:
    """The figures as the harness reads them: medians, and the worst difference between the two functions."""
    rows = []
    for name in MEMORIES:
        figures = results[name]
        worst = max(figures["equality"].values())
        layer = figures["layer_ratio"]["median"]
        rows.append({
            "what": f"{name} memory, forward and backward: titans-pytorch against ours, the same function",
            "ours": figures["same_ms"]["median"],
            "peer": figures["peer_ms"]["median"],
            "ratio": figures["same_ratio"]["median"],
            "unit": "CPU ms",
            "bar": f">= {figures['bar']:g} times less",
            "higher_is_better": True,
            "met": figures["reached"] and figures["same_function"],
            "note": f"largest relative difference {worst:.1e}; the layer as shipped {layer:.2f} times",
        })  # fmt: skip
    command = f"python benchmarks/neural_memory.py --repeats {repeats}"
    return {
        "name": "neural_memory", "command": command, "rows": rows, "seconds": seconds, "details": results
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--repeats", type=int, default=20)
    arguments = parsed_inside(parser, "titans")
    started = time.perf_counter()
    results = measure(arguments.repeats)
    print(table(results))
    if arguments.json:
        found = as_benchmark(results, arguments.repeats, time.perf_counter() - started)
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")
    if not all(results[name]["same_function"] for name in MEMORIES):
        raise SystemExit("the two do not compute the same function: the times compare nothing")


if __name__ == "__main__":
    main()
