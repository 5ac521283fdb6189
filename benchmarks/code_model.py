"""Bits a byte of held-out files of Python's standard library: a masked code model, its rivals and floors.

    python -m benchmarks.code_model --json out.json --plot docs/assets/code_model.png
    python -m benchmarks.code_model --steps 60 --short 20 --draws 2          # to try it out

The masked model is the one of `bloomery diffuse train`; the autoregressive one has its net, windows, steps
and optimizer. Plain positions and those told lines, indents and scopes are compared over fewer steps, on the
same windows and masks. All are measured on the same held-out files, which chose nothing, everything counted
that restores their bytes. Each part is kept in the folder (default: .benchmarks/code_model): killed, the same
command goes on. The time told is that of the processor, over all threads, lost work included.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from safetensors.torch import load_file
from torch import nn

from benchmarks import telling
from benchmarks.code_floors import CountingDenoiser, ngram_bits, xz_bits
from bloomery.core.disk import write_atomically
from bloomery.core.log import set_level
from bloomery.diffusion.code.lexemes.tokenizer import LexemeTokenizer
from bloomery.diffusion.code.modelling.autoregressive import causal, cost_of, next_token_loss
from bloomery.diffusion.code.modelling.files import File, standard_library
from bloomery.diffusion.code.modelling.looking import Looks
from bloomery.diffusion.code.modelling.losses import masked_loss
from bloomery.diffusion.code.modelling.measuring import Cost, bits_per_byte, bound_of
from bloomery.diffusion.code.modelling.training import (
    ModellingConfig,
    fitting_config,
    fresh,
    optimizer_of,
    parts_of,
    train,
    windows_of,
)
from bloomery.diffusion.code.modelling.windows import Encoded, encode
from bloomery.diffusion.denoisers.fitting import fit
from bloomery.diffusion.denoisers.teaching import Loss

BAR, SEEDS = 2.67, (0, 1)
Part = dict[str, Any]


class Library(NamedTuple):
    """The standard library as files and as tokens of one vocabulary."""

    tokenizer: LexemeTokenizer
    learning: list[Encoded]
    choosing: list[Encoded]
    measuring: list[Encoded]
    texts: list[bytes]
    held: list[bytes]


class Spent:
    """Seconds of the processor that a part took, over all calls, kept in a file."""

    def __init__(self, path: Path) -> None:
        self.path, self.before = path, json.loads(path.read_text()) if path.is_file() else 0.0
        self.began = time.process_time()

    @property
    def seconds(self) -> float:
        return self.before + time.process_time() - self.began

    def tell(self, name: str, part: str, done: int, total: int, text: str) -> None:
        if part == "training" and done % 10 == 0:
            write_atomically(self.path, json.dumps(self.seconds).encode())
        if done % 50 == 0 or done == total:
            print(f"{name}: {part} {done}/{total} {text}", flush=True)


def masked(folder: Path, config: ModellingConfig) -> Part:
    spent = Spent(folder / "masked.seconds")
    found = train(standard_library(), folder / "masked", config, tell=partial(spent.tell, "masked"))
    return {
        "bits": asdict(found.bits), "steps": found.steps, "chosen": found.chosen,
        "parameters": found.model.net.num_parameters(), "processor_s": spent.seconds,
    }  # fmt: skip


def library(folder: Path, config: ModellingConfig) -> Library:
    """With the vocabulary of the masked model."""
    parts = parts_of(standard_library().files, config)
    tokenizer = LexemeTokenizer.load(folder / "masked")
    encoded = [encode(tokenizer, some) for some in (parts.learning, parts.choosing, parts.measuring)]

    def texts(files: Sequence[File]) -> list[bytes]:
        return [file.data for file in files]

    return Library(tokenizer, *encoded, texts([*parts.learning, *parts.choosing]), texts(parts.measuring))


def floors(given: Library, config: ModellingConfig) -> Part:
    whole, primer = b"".join(given.held), b"".join(given.texts)
    counting = CountingDenoiser([*given.learning, *given.choosing], len(given.tokenizer))
    measured = bits_per_byte(counting.cost, given.measuring, config.window, draws=config.draws)
    return {
        "ngrams": {str(order): ngram_bits(given.texts, given.held, order) for order in (1, 3, 5)},
        "xz": xz_bits(whole),
        "xz_primed": xz_bits(whole, primer),
        "counting": asdict(measured),
    }


def fitted(
    given: Library, folder: Path, name: str, config: ModellingConfig, net: nn.Module, loss: Loss, cost: Cost
) -> Part:
    """A net fitted as the masked model is, and measured so."""
    spent, batches = Spent(folder / f"{name}.seconds"), windows_of(given.learning, config)
    looks = Looks(cost, given.choosing, config.window, folder / name)
    fit(
        net, batches, loss, fitting_config(config, config.steps, batches.batch_size),
        folder=folder / name, validate=looks, metric=looks.note, optimizer=optimizer_of(net, config),
        progress=partial(spent.tell, name, "training"),
    )  # fmt: skip
    net.load_state_dict(load_file(looks.best))
    bits = bits_per_byte(cost, given.measuring, config.window, draws=config.draws)
    return {
        "bits": asdict(bits),
        "steps": config.steps,
        "chosen": looks.values,
        "processor_s": spent.seconds,
    }


def autoregressive(given: Library, folder: Path, config: ModellingConfig) -> Part:
    net = causal(fresh(given.tokenizer, given.learning, config).net)
    cost, loss = cost_of(net, given.tokenizer), next_token_loss(given.tokenizer)
    return fitted(given, folder, "autoregressive", replace(config, draws=1), net, loss, cost)


def places(given: Library, folder: Path, config: ModellingConfig, *, told: bool, seed: int) -> Part:
    """Seeds are those of weights, windows and masks; held-out files stay."""
    asked = replace(config, places=told, seed=seed)
    model = fresh(given.tokenizer, given.learning, asked)
    name = f"{'told' if told else 'plain'}-{seed}"
    return fitted(given, folder, name, asked, model.net, masked_loss(given.tokenizer), bound_of(model))


def kept(folder: Path, name: str, make: Callable[[], Part]) -> Part:
    """A part that was measured before, or is now."""
    path = folder / f"{name}.json"
    if not path.is_file():
        write_atomically(path, json.dumps(make(), indent=1).encode())
    found: Part = json.loads(path.read_text())
    return found


def measured(folder: Path, config: ModellingConfig, short: int, only: Sequence[str]) -> dict[str, Part]:
    """The parts that are asked for, and those that are there."""
    found = {"masked": kept(folder, "masked", lambda: masked(folder, config))}
    given, brief = library(folder, config), replace(config, steps=short)
    makers = {
        "floors": lambda: floors(given, config),
        "autoregressive": lambda: autoregressive(given, folder, config),
    } | {
        f"{'told' if told else 'plain'}-{seed}": partial(
            places, given, folder, brief, told=told, seed=seed
        )
        for seed in SEEDS
        for told in (False, True)
    }  # fmt: skip
    for name, make in makers.items():
        if name.partition("-")[0] in only or (folder / f"{name}.json").is_file():
            found[name] = kept(folder, name, make)
    return found


def rows(found: dict[str, Part]) -> list[telling.Row]:
    masks = found["masked"]
    ours = masks["bits"]["bits_per_byte"]
    told = [
        row("masked code model", ours, BAR, note=_note(masks)),
        *(row(name, ours, None, peer=value) for name, value in rivals(found).items()),
    ]
    for seed in SEEDS:
        pair = [found.get(f"{name}-{seed}") for name in ("told", "plain")]
        if all(pair):
            values = [part["bits"]["bits_per_byte"] for part in pair if part]
            steps = pair[0]["steps"] if pair[0] else 0
            what = f"places told, against plain positions, {steps} steps, seed {seed}"
            told.append(row(what, values[0], None, peer=values[1]))
    return told


def rivals(found: dict[str, Part]) -> dict[str, float]:
    """What the masked model is compared with, on the same files."""
    named = dict[str, float]()
    if "floors" in found:
        floor = found["floors"]
        named |= {f"against a byte {order}-gram": value for order, value in floor["ngrams"].items()}
        named |= {"against xz": floor["xz"], "against xz primed": floor["xz_primed"]}
        named |= {"against counted neighbours, masked": floor["counting"]["bits_per_byte"]}
    if "autoregressive" in found:
        named["against the same net, autoregressive"] = found["autoregressive"]["bits"]["bits_per_byte"]
    return named


def row(
    what: str, ours: float, bar: float | None, *, peer: float | None = None, note: str = ""
) -> telling.Row:
    given: dict[str, Any] = {"bar": f"below {bar}", "met": ours < bar} if bar else {}
    ratio = ours / peer if peer else None
    given |= {"peer": peer, "ratio": ratio, "higher_is_better": False}
    return telling.row(what, ours, "bits a byte", note, **given)


def _note(part: Part) -> str:
    bits = part["bits"]
    return (
        f"± {bits['error']:.3f} over {bits['draws']} draws; {part['steps']} steps, "
        f"{part['processor_s'] / 60:.0f} minutes of a core; {bits['files']} files, "
        f"{bits['size_bytes']:,} bytes"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", type=Path, help="write what was measured here")
    parser.add_argument("--plot", type=Path, help="draw it here (PNG)")
    parser.add_argument("--folder", type=Path, default=Path(".benchmarks/code_model"))
    parser.add_argument("--steps", type=int, default=2400, help="of the masked and autoregressive models")
    parser.add_argument("--short", type=int, default=600, help="of each model with and without places")
    parser.add_argument("--draws", type=int, default=20, help="of masks for each held-out window")
    names = ("floors", "autoregressive", "told", "plain")
    parser.add_argument(
        "--only", nargs="*", choices=names, default=names, help="parts besides the masked one"
    )
    arguments = parser.parse_args()
    set_level("warning")
    began = time.monotonic()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    config = ModellingConfig(steps=arguments.steps, minutes=0.0, draws=arguments.draws)
    found = measured(arguments.folder, config, arguments.short, arguments.only)
    told = rows(found)
    for one in told:
        print(one["what"], f"{one['ours']:.3f}", f"peer {one['peer']}", one["bar"], one["note"])
    if arguments.json:
        options = f"--steps {arguments.steps} --short {arguments.short} --draws {arguments.draws}"
        telling.write(arguments.json, "code_model", told, time.monotonic() - began, options)
    if arguments.plot:
        plot(found, arguments.plot)


def plot(found: dict[str, Part], path: Path) -> None:
    """Bits a byte of the files that chose over steps, with the floors as lines."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for name, part in found.items():
        if "chosen" in part:
            style = "-" if name in {"masked", "autoregressive"} else "--"
            (line,) = axes.plot(*zip(*part["chosen"], strict=True), style, label=name, linewidth=1.2)
            axes.plot(part["steps"], part["bits"]["bits_per_byte"], "o", color=line.get_color(), markersize=4)
    for name, value in rivals(found).items():
        if "autoregressive" not in name and "1-gram" not in name:
            axes.axhline(value, color="grey", linewidth=0.7, linestyle=":")
            given = {"transform": axes.get_yaxis_transform(), "va": "bottom", "color": "grey"}
            axes.text(0.01, value, name.removeprefix("against "), fontsize=6, **given)
    axes.set(xlabel="steps", ylabel="bits a byte")
    axes.set_title("lines: of files that chose the weights; dots and floors: of held-out files", fontsize=8)
    axes.legend(frameon=False, fontsize=7)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    main()
