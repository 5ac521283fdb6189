"""Peak memory of merging folders: that of one tensor of each model, however many layers there are.

    python benchmarks/merging_memory.py --json out.json

Random Llamas of 4 and of 32 equal layers (3 MiB each), float32, are merged by `merge_folders`, each merge in
a process of its own on one thread. Counted is how far the process's resident memory rises above where it
stood after the merge of a Llama of a few kilobytes (what is imported is in that). The same tensors merged in
memory are printed beside. Reads the counters of Linux (/proc), and runs nowhere else.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DEPTHS = (4, 32)
SIZES = {"vocab_size": 259, "hidden_size": 256, "intermediate_size": 688, "num_attention_heads": 4}
# method: what the recipe says; with two parents and a base
RECIPES: dict[str, dict[str, Any]] = {
    "linear": {"methods": ("linear",)},
    "ties": {"methods": ("ties",)},
    "slerp+dare+dfs": {"methods": ("slerp", "dare", "dfs")},
}
MOST = 1.25  # times the peak at 4 layers: it varies by a MiB or two between runs; growth would be 8 times
WARM_UP = "warm-up"
MIB = 2**20

Peaks = dict[int, float]  # MiB at each depth


def make_models(folder: Path, depth: int, **sizes: int) -> None:
    """A base and two parents near it, with a tokenizer."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from bloomery.forge.folders import save_model
    from bloomery.tasks.tokenizer import train_tokenizer

    torch.manual_seed(0)
    tokenizer = train_tokenizer([], SIZES["vocab_size"])
    model = LlamaForCausalLM(LlamaConfig(**{**SIZES, **sizes}, num_hidden_layers=depth))
    for name in ("base", "a", "b"):
        save_model(model, tokenizer, folder / name)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.01 * torch.randn_like(parameter))


def status(key: str) -> int:
    """A memory counter of this process, in bytes: VmRSS now, VmHWM at its highest."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(f"{key}:"))


def rise(name: str, warm_up: Path, folder: Path, output: Path, *, in_memory: bool) -> int:
    """How far resident memory rises in one merge, in bytes."""
    import torch
    from safetensors.torch import load_file

    from bloomery.forge.merging.merge import merge
    from bloomery.forge.merging.merge_folders import merge_folders
    from bloomery.forge.merging.recipe import MergeRecipe

    torch.set_num_threads(1)
    recipe = MergeRecipe(**RECIPES[name])

    def run(models: Path, to: Path) -> None:
        parents, base = [models / "a", models / "b"], models / "base"
        if in_memory:
            states = [load_file(path / "model.safetensors") for path in (*parents, base)]
            merge(recipe, states[:2], states[2])
        else:
            merge_folders(recipe, parents, base, to)

    run(warm_up, output / "first")
    before = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the highest so far is forgotten
    run(folder, output / "second")
    return status("VmHWM") - before


def measured(name: str, folder: Path, *, in_memory: bool) -> float:
    """MiB by which a fresh process's memory rises."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as output:
        inside = [name, str(folder.parent / WARM_UP), str(folder), output, str(int(in_memory))]
        command = [sys.executable, __file__, "--inside", *inside]
        env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "src")}
        done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    return int(done.stdout) / MIB


def row(name: str, peaks: Peaks, beside: Peaks, mib: Peaks) -> dict[str, Any]:
    few, many = DEPTHS
    ratio = peaks[many] / peaks[few]
    note = (
        f"{peaks[few]:.1f} MiB at {few} layers; each model {mib[few]:.0f} and {mib[many]:.0f} MiB; merged in "
        f"memory {beside[few]:.0f} and {beside[many]:.0f} MiB"
    )
    return {
        "what": f"peak memory of {name}, folders of {many} layers against {few}",
        "ours": peaks[many],
        "peer": None,
        "ratio": ratio,
        "unit": "MiB",
        "bar": f"<= {MOST:g} times",
        "higher_is_better": False,
        "met": ratio <= MOST,
        "note": note,
    }


def measure() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as place:
        models = {depth: Path(place) / str(depth) for depth in DEPTHS}
        for depth, folder in models.items():
            make_models(folder, depth)
        mib = {n: (folder / "a" / "model.safetensors").stat().st_size / MIB for n, folder in models.items()}
        make_models(Path(place) / WARM_UP, 2, hidden_size=16, intermediate_size=16)
        rows = []
        for name in RECIPES:
            peaks = {depth: measured(name, folder, in_memory=False) for depth, folder in models.items()}
            beside = {depth: measured(name, folder, in_memory=True) for depth, folder in models.items()}
            rows.append(row(name, peaks, beside, mib))
        return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--inside", nargs=5, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        name, warm_up, folder, output, in_memory = arguments.inside
        print(rise(name, Path(warm_up), Path(folder), Path(output), in_memory=in_memory == "1"))
        return
    started = time.perf_counter()
    rows = measure()
    for one in rows:
        print(f"{one['what']}: {one['ours']:.1f} MiB, {one['ratio']:.2f} times; {one['note']}")
    if arguments.json:
        found = {
            "name": "merging_memory", "command": "python benchmarks/merging_memory.py", "rows": rows,
            "seconds": time.perf_counter() - started,
        }  # fmt: skip
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
