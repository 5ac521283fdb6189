"""Ternary layers against the BitNet code of transformers and torchao and gguf's ternary formats.

    python benchmarks/ternary.py --json out.json

Runs inside the peers' environment (benchmarks/peers/bitnet) with Bloomery from the source tree. Three parts:

- equal: quantized weights, layer outputs and both gradients, largest difference relative to the largest
  entry, on weights and inputs that are Gaussian, heavy-tailed and tiny; the peers run eagerly, not compiled;
- bytes: one packed 2048 x 2048 matrix with its scale, and the same trits read back by the peer's own code;
- time: products with 2048 x 2048 weights for 1 and 64 tokens, each backend and fp32 `F.linear` in turn, CPU
  time of one thread, each call right after an untimed one of the same: both find their weights in the cache
  that they fit (fp32 16 MiB, packed 1 MiB). Then 16 such layers in turn, as a model runs them, from memory.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from inside_peer import parsed_inside
from ternary_speed import LAYERS, WIDTH, Row, many_layers, one_layer, row, speeds

TOKENS = (1, 64)
TOLERANCE = 1e-5  # relative to the largest entry


def tensors() -> list[tuple[Any, Any]]:
    """Weights (256, 512) and inputs (3, 7, 512)."""
    import torch

    torch.manual_seed(0)
    pairs = [(torch.randn(256, 512), torch.randn(3, 7, 512)) for _ in range(3)]
    return [pairs[0], (pairs[1][0] ** 3, pairs[1][1] ** 3), (1e-5 * pairs[2][0], 1e-3 * pairs[2][1])]


def transformers_layer(weight: Any) -> Any:
    from transformers.integrations.bitnet import AutoBitLinear

    return with_weight(AutoBitLinear(weight.shape[1], weight.shape[0], bias=False, online_quant=True), weight)


def torchao_layer(weight: Any) -> Any:
    import torch
    from torchao.prototype.quantized_training import bitnet_training
    from torchao.quantization import quantize_

    layer = with_weight(torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False), weight)
    quantize_(layer, bitnet_training())
    return layer


def our_layer(weight: Any) -> Any:
    from bloomery.models.packed.ternary import TernaryLinear

    return with_weight(TernaryLinear(weight.shape[1], weight.shape[0], bias=False), weight)


def with_weight(layer: Any, weight: Any) -> Any:
    import torch

    layer.weight = torch.nn.Parameter(weight.clone())
    return layer


def their_weights(weight: Any) -> dict[str, Any]:
    """What each peer's code makes of a weight, dequantised."""
    from torchao.prototype.quantized_training.bitnet import get_bitnet_scale, quantize_bitnet_weight
    from transformers.integrations.bitnet import WeightQuant

    scale = get_bitnet_scale(weight)
    torchao = quantize_bitnet_weight(weight, scale) * scale.clip(1e-5)  # its layer leaves the scale unclipped
    return {"transformers": WeightQuant.apply(weight), "torchao": torchao}


def difference(a: Any, b: Any) -> float:
    return float((a - b).abs().max() / b.abs().max().clamp(min=1e-30))


def run(layer: Any, x: Any, upstream: Any) -> tuple[Any, Any, Any]:
    inner = x.clone().requires_grad_()
    y = layer(inner)
    y.backward(upstream)
    return y.detach(), inner.grad, layer.weight.grad


def equality() -> list[Row]:
    """Largest relative differences over all tensors, to each peer."""
    import torch

    from bloomery.models.packed.ternary import ternarize

    weights: dict[str, list[float]] = {}
    layers: dict[str, list[float]] = {}
    for weight, x in tensors():
        trits, scale = ternarize(weight)
        for peer, theirs in their_weights(weight).items():
            weights.setdefault(peer, []).append(difference(trits * scale, theirs))
        upstream = torch.randn(*x.shape[:-1], weight.shape[0])
        ours = run(our_layer(weight), x, upstream)
        for peer, make in {"transformers": transformers_layer, "torchao": torchao_layer}.items():
            if peer == "torchao" and weight.abs().mean() < 1e-5:
                continue  # its layer has the floor in the trits and not in the scale
            pairs = zip(ours, run(make(weight), x, upstream), strict=True)
            layers.setdefault(peer, []).append(max(difference(o, t) for o, t in pairs))
    return [
        row(f"{what}: largest relative difference to {peer}", worst := max(found), None, "",
            bar=f"<= {TOLERANCE:g}", met=worst <= TOLERANCE, note=f"{len(found)} kinds of tensors")
        for what, peers in (("ternary weights", weights), ("ternary layer, forward and backward", layers))
        for peer, found in peers.items()
    ]  # fmt: skip


def sizes() -> list[Row]:
    """Bytes of one matrix with its scale; the peer's bytes must hold the same trits."""
    import gguf.quants
    import torch
    from gguf import GGMLQuantizationType
    from torchao.prototype.quantized_training.bitnet import _pack_i2_in_i8, _unpack_i2_in_i8
    from transformers.integrations.bitnet import pack_weights, unpack_weights

    from bloomery.models.packed.ternary import ternarize
    from bloomery.models.packed.trits import pack_2bit, pack_base3, unpack_2bit, unpack_base3

    torch.manual_seed(0)
    trits, scale = ternarize(torch.randn(WIDTH, WIDTH))
    base3, two_bit = pack_base3(trits), pack_2bit(trits)
    assert torch.equal(unpack_base3(base3, trits.shape), trits)
    assert torch.equal(unpack_2bit(two_bit, WIDTH), trits)
    theirs, torchao = pack_weights(trits.clone()), _pack_i2_in_i8(trits)
    pairs = [
        ("transformers", two_bit, theirs.nbytes + 4, unpack_weights(theirs, torch.int8)),
        ("torchao", two_bit, torchao.nbytes + 4, _unpack_i2_in_i8(torchao)),
    ]
    for name, ours in (("TQ2_0", two_bit), ("TQ1_0", base3)):
        kind = GGMLQuantizationType[name]
        blocks = gguf.quants.quantize((trits * scale).numpy(), kind)
        read = torch.from_numpy(gguf.quants.dequantize(blocks, kind)).sign().to(torch.int8)
        pairs.append((f"gguf {name}", ours, blocks.nbytes, read))
    return [
        size_row(peer, ours.nbytes + scale.nbytes, size, torch.equal(read, trits))
        for peer, ours, size, read in pairs
    ]


def size_row(peer: str, ours: int, theirs: int, same: bool) -> Row:
    read = "the same" if same else "OTHER"
    note = f"{8 * ours / WIDTH**2:.4f} bits a weight; their code reads {read} trits"
    met = same and ours <= theirs
    return row(f"packed bytes against {peer}", ours, theirs, "B", bar="no more", met=met, note=note)


def measure(repeats: int) -> list[Row]:
    import torch

    torch.set_num_threads(1)
    few, rows = max(repeats // 10, 3), [*equality(), *sizes()]
    with torch.inference_mode():
        for tokens in TOKENS:
            shape = f"[{tokens}, {WIDTH}] x [{WIDTH}, {WIDTH}]"
            rows += speeds(shape, one_layer(tokens), repeats if tokens == 1 else few, barred=tokens == 1)
        return rows + speeds(f"{LAYERS} layers of {WIDTH} x {WIDTH}, one token", many_layers(), few)


def show(one: Row) -> None:
    ratio = "" if one["ratio"] is None else f"ratio {one['ratio']:.3g}"
    met = {True: "met", False: "NOT MET", None: ""}[one["met"]]
    print(f"{one['what']}: {one['ours']:.4g} {one['unit']} {ratio} {one['bar']} {met} ({one['note']})")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--repeats", type=int, default=100)
    asked = parsed_inside(parser, "bitnet", TORCHDYNAMO_DISABLE="1")
    started, rows = time.perf_counter(), measure(asked.repeats)
    for one in rows:
        show(one)
    if asked.json:
        found = {"name": "ternary", "command": f"python benchmarks/ternary.py --repeats {asked.repeats}"}
        found |= {"rows": rows, "seconds": time.perf_counter() - started}
        asked.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
