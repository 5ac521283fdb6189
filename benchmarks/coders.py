"""The coders on Gaussian weights: error against bits, what a Hessian buys, and how fast SeedLM is searched.

    python benchmarks/coders.py [--json PATH] [--points]

- SeedLM: relative Frobenius error against the careful replication of the paper (.123 at 4 bits, .226 at 3),
  the search timed against fitting every seed; block floating point, the plain baseline, beside it;
- VPTQ: proxy error tr(D H D') against plain k-means of the same vectors and codebooks, over several skewed
  Hessians; the same bytes from two processes;
- every coder of the registry: bits with all metadata, and the distance to the rate-distortion bound.
"""

import argparse
import hashlib
import json
import math
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bloomery.forge.coding import blockfloat, seedlm, vptq
from bloomery.forge.coding.registry import CODERS
from bloomery.forge.coding.weights import proxy_error
from bloomery.models.packed.coded import Coded
from bloomery.models.packed.container import size_bytes, to_bytes
from bloomery.models.packed.decoding import decode

BLOCKS = 4096
SEED_BARS = {"4-bit": ((8, 3), 0.123), "3-bit": ((12, 4), 0.226)}  # C, P and the replication's error
BASELINES = {"4-bit": 15, "3-bit": 7}  # levels of block floating point: 3.8 and 2.7 bits, entropy-coded
WITHIN = 0.05  # of the replication
SIZE = 256  # rows and columns of the matrix for VPTQ
VECTORS = {"length": 8, "size": 256}
HESSIANS = (1, 2, 3)
EXHAUSTIVE_BLOCKS = 16


def gaussian(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def relative_error(weight: torch.Tensor, coded: Coded) -> float:
    return float((weight - decode(coded)).norm() / weight.norm())


def bits(coded: Coded) -> float:
    return 8 * size_bytes(coded) / coded.numel


def row(what: str, ours: float, unit: str, bar: str, *, peer: float | None = None, met: bool | None = None,
        higher_is_better: bool = False, note: str = "") -> dict[str, Any]:  # fmt: skip
    ratio = ours / peer if peer else None
    return {"what": what, "ours": ours, "peer": peer, "ratio": ratio, "unit": unit, "bar": bar,
            "higher_is_better": higher_is_better, "met": met, "note": note}  # fmt: skip


def seed_rows() -> list[dict[str, Any]]:
    rows = []
    for name, ((C, P), bar) in SEED_BARS.items():
        weight = gaussian(C * BLOCKS)
        seedlm.projections(C, P, 16)  # a table that all tensors share
        start = time.process_time()
        coded = seedlm.encode(weight, C=C, P=P)
        seconds = time.process_time() - start
        error, exhaustive = relative_error(weight, coded), exhaustive_seconds(C, P)
        plain = blockfloat.encode(weight, levels=BASELINES[name])
        beside = f"{relative_error(weight, plain):.4f} at {bits(plain):.2f} bits"
        rows += [
            row(f"SeedLM {name}: relative error on Gaussian weights", error, "relative Frobenius",
                f"{bar} within 5 %", peer=bar, met=error <= bar * (1 + WITHIN),
                note=f"{bits(coded):.2f} bits, entropy-coded, all counted; block floating point {beside}"),
            row(f"SeedLM {name}: pruned search against fitting every seed", C * BLOCKS / seconds,
                "weights / CPU s", "same result", peer=C * EXHAUSTIVE_BLOCKS / exhaustive["seconds"],
                met=exhaustive["same"], higher_is_better=True,
                note=f"{EXHAUSTIVE_BLOCKS} blocks searched both ways, equal errors: {exhaustive['same']}"),
        ]  # fmt: skip
    return rows


def exhaustive_seconds(C: int, P: int) -> dict[str, Any]:
    """Fitting all 65535 seeds to a few blocks, and whether the pruned search finds the same least errors."""
    w = gaussian(EXHAUSTIVE_BLOCKS, C, seed=1).double().numpy()
    inverse = seedlm.projections(C, P, 16).inverse
    every = np.arange(len(inverse))
    start = time.process_time()
    errors = [seedlm.fit_seeds(np.tile(block, (len(every), 1)), every, inverse, 16).error for block in w]
    seconds = time.process_time() - start
    least = np.array([error.min() for error in errors])
    return {"seconds": seconds, "same": bool(np.array_equal(least, seedlm.search(w, P, 16).error))}


def skewed_hessian(columns: int, seed: int) -> torch.Tensor:
    """The second moment of correlated inputs whose sizes fall by a factor of ten from first to last."""
    x = gaussian(4 * columns, columns, seed=seed) @ gaussian(columns, columns, seed=100 + seed)
    x = x * torch.logspace(0, -1, columns)
    return x.T @ x / len(x)


def vptq_rows() -> list[dict[str, Any]]:
    weight = gaussian(SIZE, SIZE)
    found = []
    for seed in HESSIANS:
        hessian = skewed_hessian(SIZE, seed)
        none = proxy_error(weight, torch.zeros_like(weight), hessian)
        plain, weighted, full = (
            proxy_error(weight, decode(vptq.encode(weight, **VECTORS, hessian=given)), hessian) / none
            for given in (None, torch.diag(hessian.diagonal()), hessian)
        )
        found.append((full, weighted, plain))
    worst = max(full / plain for full, _, plain in found)
    full, weighted, plain = np.mean(found, axis=0)
    coded = vptq.encode(weight, **VECTORS, hessian=skewed_hessian(SIZE, 1))
    digests = {fingerprint_elsewhere() for _ in range(2)}
    return [
        row("VPTQ: proxy error against plain k-means of the same vectors", full, "of storing nothing",
            "below for every Hessian", peer=plain, met=worst < 1,
            note=f"{bits(coded):.2f} bits; weighted centroids alone {weighted:.4f}; worst ratio {worst:.3f}"),
        row("VPTQ: different codes from two processes", float(len(digests) - 1), "codes", "0",
            met=len(digests) == 1, note=f"sha256 {min(digests)[:16]}"),
    ]  # fmt: skip


def fingerprint() -> str:
    settings = {"length": 4, "size": 128, "residual": 64}
    coded = vptq.encode(gaussian(SIZE, SIZE), **settings, hessian=skewed_hessian(SIZE, 1))
    return hashlib.sha256(to_bytes([coded])).hexdigest()


def fingerprint_elsewhere() -> str:
    command = [sys.executable, __file__, "--fingerprint"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def registry_points() -> list[dict[str, Any]]:
    """Every coder on one Gaussian matrix; `above`: bits it takes above the bound for its error."""
    weight = 0.02 * gaussian(SIZE, SIZE)
    found = []
    for name, coder in CODERS.items():
        start = time.process_time()
        coded = coder.encode(weight)
        seconds, error = time.process_time() - start, relative_error(weight, coded)
        above = bits(coded) + math.log2(error) if 0 < error < 1 else None
        found.append({"coder": name, "bits": bits(coded), "relative_error": error, "R2": 1 - error**2,
                      "above": above, "CPU_s": seconds})  # fmt: skip
    return sorted(found, key=lambda one: -one["bits"])


def registry_row(points: list[dict[str, Any]]) -> dict[str, Any]:
    useful = [one for one in points if one["above"] is not None and one["R2"] > 0.5]
    best = min(useful, key=lambda one: one["above"])
    return row("the coder nearest to the rate-distortion bound (R2 above .5)", best["above"],
               "bits a weight above the bound", "-",
               note=f"{best['coder']}: {best['bits']:.2f} bits, R2 {best['R2']:.3f}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--points", action="store_true", help="print every coder's point")
    parser.add_argument("--fingerprint", action="store_true", help="print what one VPTQ code hashes to, only")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.fingerprint:
        print(fingerprint())
        return
    start = time.monotonic()
    points = registry_points()
    rows = [*seed_rows(), *vptq_rows(), registry_row(points)]
    for one in rows:
        print(f"{one['what']}: {one['ours']:.4g} (bar {one['bar']}, met {one['met']}); {one['note']}")
    for one in points if options.points else ():
        print(f"{one['coder']:20} {one['bits']:7.3f} bits  R2 {one['R2']:.4f}  {one['CPU_s']:.2f} CPU s")
    if options.json:
        document = {"name": "coders", "command": "python benchmarks/coders.py",
                    "seconds": time.monotonic() - start, "rows": rows,
                    "details": {"points": points}}  # fmt: skip
        options.json.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
