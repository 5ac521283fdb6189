"""Times of ternary products and layers, for `ternary.py`: each candidate and fp32 in turn, on one thread."""

import statistics
import time
from collections.abc import Callable
from typing import Any

WIDTH, LAYERS = 2048, 16
FASTER = 3.8
VECTORS = ("c avx512-vnni", "c avx2")  # the 2-bit kernels with intrinsics
LABELS = {"layer": "the packed layer, float32 in and out", "transformers": "transformers' packed BitLinear"}
Row = dict[str, Any]
Runs = dict[str, Callable[[], Any]]


def row(what: str, ours: float, peer: float | None, unit: str, **more: Any) -> Row:
    """The harness's row; a ratio is the peer's figure by ours, so that more is better."""
    filled = {"bar": "", "met": None, "note": "", "higher_is_better": True, "ratio": peer and peer / ours}
    return {"what": what, "ours": ours, "peer": peer, "unit": unit} | filled | more


def alternating(runs: Runs, repeats: int) -> dict[str, list[float]]:
    """CPU milliseconds of this thread, one timed call of each in turn, right after an untimed one."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, function in runs.items():
            function()
            started = time.thread_time()
            function()
            times[name].append(1e3 * (time.thread_time() - started))
    return times


def one_layer(tokens: int) -> Runs:
    """fp32, each backend's integer product, and whole layers."""
    import torch
    from torch.nn import functional
    from transformers.integrations.bitnet import BitLinear

    from bloomery.models.packed.compiled import Unavailable
    from bloomery.models.packed.packed_linear import PackedTernaryLinear
    from bloomery.models.packed.ternary import quantize_activations, ternarize
    from bloomery.models.packed.ternary_kernel import BACKENDS, product_by

    torch.manual_seed(0)
    weight, x = torch.randn(WIDTH, WIDTH), torch.randn(tokens, WIDTH)
    layer, codes = PackedTernaryLinear.from_trits(*ternarize(weight)), quantize_activations(x)[0]
    theirs = BitLinear(WIDTH, WIDTH, False, dtype=torch.float32)
    runs: Runs = {"fp32": lambda: functional.linear(x, weight)}
    for name in BACKENDS:
        try:
            product = product_by(name)
        except Unavailable as error:
            print(f"not here: {name}: {error}")
            continue
        runs[name] = lambda product=product: product(codes, layer.packed)
    return runs | {"layer": lambda: layer(x), "transformers": lambda: theirs(x)}


def many_layers() -> Runs:
    """One token through layers that no cache holds in fp32: 256 MiB, packed 16 MiB."""
    import torch
    from torch.nn import functional

    from bloomery.models.packed.packed_linear import PackedTernaryLinear
    from bloomery.models.packed.ternary import ternarize

    x, weights = torch.randn(1, WIDTH), [torch.randn(WIDTH, WIDTH) for _ in range(LAYERS)]
    layers = [PackedTernaryLinear.from_trits(*ternarize(weight)) for weight in weights]
    return {
        "fp32": lambda: [functional.linear(x, weight) for weight in weights],
        "layer": lambda: [layer(x) for layer in layers],
    }


def speeds(what: str, runs: Runs, repeats: int, *, barred: bool = False) -> list[Row]:
    times = alternating(runs, repeats)
    fp32 = times.pop("fp32")
    best = next((name for name in VECTORS if name in times), None) if barred else None
    ratios = {
        name: statistics.median(f / o for f, o in zip(fp32, found, strict=True))
        for name, found in times.items()
    }
    rows = []
    for name, found in times.items():
        ratio = ratios[name]
        more = {"bar": f">= {FASTER} times", "met": ratio >= FASTER} if name == best else {}
        more["note"] = f"least {min(found):.3g}, fp32 {min(fp32):.3g}"
        if name == best:
            more["note"] += f"; the whole layer {ratios['layer']:.3g} times"
        what_ran = f"{what}: fp32 F.linear against {LABELS.get(name, f'the integer product alone, {name}')}"
        ours, peer = statistics.median(found), statistics.median(fp32)
        rows.append(row(what_ran, ours, peer, "CPU ms", ratio=ratio, **more))
    return rows
