"""Quality against forward passes: samplers and schedules of both processes, with perfect nets, no training.

    python -m benchmarks.diffusion_samplers --json out.json
    python -m benchmarks.diffusion_samplers --plot docs/assets/diffusion_samplers.png

Numbers: 20,000 samples of a mixture of three normal distributions in the plane, by the sliced Wasserstein
distance to exact draws. Tokens: 20,000 samples of a table of 625 sequences, by total variation. What exact
draws are off by is the floor. The nets are perfect, so that what is measured is the sampler's own error; a
trained net's comes on top. One seed, on one thread.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from bloomery.diffusion.drawing.schedules import draw_schedules
from bloomery.diffusion.processes.continuous import GaussianDiffusion
from bloomery.diffusion.processes.curves import CURVES, curve_named
from bloomery.diffusion.processes.known import NormalMixture, TokenTable
from bloomery.diffusion.processes.masked import MaskedDiffusion
from bloomery.diffusion.processes.process import Stepper
from bloomery.diffusion.processes.sampling import even_times, sample
from bloomery.diffusion.stepping.ancestral import ancestral
from bloomery.diffusion.stepping.ddim import ddim
from bloomery.diffusion.stepping.ddpm import ddpm
from bloomery.diffusion.stepping.dpm_solver import dpm_solver
from bloomery.diffusion.stepping.grids import even_log_snr
from bloomery.diffusion.stepping.passes import Counted
from bloomery.diffusion.stepping.remasking import remasking
from bloomery.diffusion.stepping.selecting import entropy_bound, leftmost, selecting, surest, threshold
from bloomery.diffusion.stepping.stopping import nothing_masked, settled

NUMBERS, TOKENS = 20_000, 20_000
PASSES, GRIDS = (5, 10, 20, 50, 100), ("t", "log-SNR")
MASK, LENGTH = 5, 4
SOURCE = "benchmarks.diffusion_samplers"


class Measured(NamedTuple):
    process: str
    sampler: str
    schedule: str
    passes: int
    distance: float


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def mixture() -> NormalMixture:
    means = [[-2.0, 0.0], [1.0, 1.0], [1.5, -2.0]]
    return NormalMixture(
        *(torch.tensor(x, dtype=torch.float64) for x in ([0.2, 0.5, 0.3], means, [0.3, 0.5, 0.2]))
    )


def table() -> TokenTable:
    """Four of five words that hang together: a chain, whose next word is mostly set by the last."""
    draw = torch.rand(MASK, MASK, generator=seeded(3), dtype=torch.float64) ** 6
    follow = draw / draw.sum(1, keepdim=True)
    p = torch.full((MASK,), 1 / MASK, dtype=torch.float64)
    for _ in range(LENGTH - 1):
        p = p[..., None] * follow
    return TokenTable(p)


def sliced(x: Tensor, y: Tensor) -> float:
    """The mean over 64 directions of how far the samples of one are to be moved to be those of the other."""
    angle = torch.arange(64, dtype=x.dtype) * (torch.pi / 64)
    ways = torch.stack([angle.cos(), angle.sin()])
    return float(((x @ ways).sort(0).values - (y @ ways).sort(0).values).abs().mean())


def numbers(name: str, make: Callable[[], Stepper], schedule: str, passes: int, grid: str) -> Measured:
    data, process = mixture(), GaussianDiffusion(curve=curve_named(schedule))
    times = even_times(passes) if grid == "t" else even_log_snr(process, passes)
    net = Counted(data.net(process))
    x = torch.randn(NUMBERS, 2, generator=seeded(0), dtype=torch.float64)
    x = sample(process, net, x, steps=times, generator=seeded(1), stepper=make())
    return Measured("numbers", f"{name}, even {grid}", schedule, net.passes, distance_of_numbers(x))


def distance_of_numbers(x: Tensor) -> float:
    return sliced(x, mixture().draw(NUMBERS, seeded(2)))


def tokens(name: str, make: Callable[[], Stepper], schedule: str, steps: int, **options: Any) -> Measured:
    data, process = table(), MaskedDiffusion(mask=MASK, curve=curve_named(schedule))
    net = Counted(data.net(MASK))
    x = process.prior((TOKENS, LENGTH), seeded(0))
    x = sample(process, net, x, steps=steps, generator=seeded(1), stepper=make(), **options)
    return Measured("tokens", name, schedule, net.passes, distance_of_tokens(x))


def distance_of_tokens(x: Tensor) -> float:
    data = table()
    return float((data.counts(x) / len(x) - data.p).abs().sum() / 2)


OF_NUMBERS: dict[str, Callable[[], Stepper]] = {
    "DDPM": ddpm,
    "DDIM": ddim,
    "DPM-Solver++(2M)": dpm_solver,
}


def all_numbers() -> list[Measured]:
    """Each sampler at each number of passes, and each schedule at 20."""
    every = [(name, make, n, grid) for name, make in OF_NUMBERS.items() for n in PASSES for grid in GRIDS]
    found = [numbers(name, make, "cosine", n, grid) for name, make, n, grid in every]
    return found + [numbers("DDIM", ddim, schedule, 20, "t") for schedule in CURVES if schedule != "cosine"]


def stopped_early() -> list[Measured]:
    """DDIM of 100 steps that commits when no guess of the whole batch moved by so much in 2 steps."""
    data, process = mixture(), GaussianDiffusion()
    found = []
    for tolerance in (0.1, 0.03, 0.01):
        net = Counted(data.net(process))
        x = torch.randn(NUMBERS, 2, generator=seeded(0), dtype=torch.float64)
        options = {"stepper": ddim(), "stop": settled(tolerance, 2)}
        x = sample(process, net, x, steps=100, generator=seeded(1), **options)
        name = f"DDIM of 100, settled to {tolerance}"
        found.append(Measured("numbers", name, "cosine", net.passes, distance_of_numbers(x)))
    return found


def all_tokens() -> list[Measured]:
    done = {"done": nothing_masked(MASK)}
    found = [tokens("ancestral (exact)", ancestral, "linear", n) for n in (1, 2, 4, 8, 16, 64)]
    found += [tokens("ReMDM, eta 0.3", lambda: remasking(0.3), "linear", n) for n in (4, 8, 16, 64)]
    found += [
        tokens("ancestral (exact)", ancestral, schedule, 4) for schedule in CURVES if schedule != "linear"
    ]
    for name, selector in (
        ("left to right, drawn", leftmost()),
        ("surest draw first, drawn", surest(1)),
        ("least entropy first, drawn", surest(1, "entropy")),
        ("threshold 0.9, drawn", threshold(0.9)),
        ("entropy bound 0.1, drawn", entropy_bound(0.1)),
        ("entropy bound 1.0, drawn", entropy_bound(1.0)),
    ):
        found.append(tokens(name, lambda s=selector: selecting(s, 1.0), "linear", LENGTH, **done))
    return [*found, tokens("surest first, likeliest", lambda: selecting(surest(1)), "linear", LENGTH)]


def floors() -> dict[str, float]:
    return {
        "numbers": distance_of_numbers(mixture().draw(NUMBERS, seeded(7))),
        "tokens": distance_of_tokens(table().draw(TOKENS, seeded(7))),
    }


def rows(found: list[Measured], floor: dict[str, float]) -> list[dict[str, Any]]:
    unit = {"numbers": "sliced Wasserstein distance", "tokens": "total variation"}
    return [
        {
            "what": f"{one.process}: {one.sampler}, {one.schedule}, {one.passes} passes",
            "ours": one.distance,
            "peer": floor[one.process],
            "ratio": None,
            "unit": unit[one.process],
            "bar": "",
            "higher_is_better": False,
            "met": None,
            "note": "the peer is that of exact draws",
        }
        for one in found
    ]


def plot(found: list[Measured], floor: dict[str, float], path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, process in zip(figure.subplots(1, 2), floor, strict=True):
        some = [one for one in found if one.process == process]
        for kind in dict.fromkeys((one.sampler, one.schedule) for one in some):
            line = sorted((one.passes, one.distance) for one in some if (one.sampler, one.schedule) == kind)
            style = "o-" if len(line) > 1 else "."
            axes.plot(*zip(*line, strict=True), style, label=", ".join(kind), markersize=3)
        axes.axhline(floor[process], color="grey", linewidth=0.8, linestyle=":", label="exact draws")
        axes.set(xscale="log", yscale="log", xlabel="forward passes", title=process)
        axes.legend(frameon=False, fontsize=5, loc="upper left", bbox_to_anchor=(1, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130, bbox_inches="tight", metadata={"Software": None})
    draw_schedules([curve_named(name) for name in CURVES], path.with_name(path.stem + "_schedules.png"))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="the file for the results")
    parser.add_argument("--plot", type=Path, help="a PNG of the results, and beside it one of the schedules")
    options = parser.parse_args()
    torch.set_num_threads(1)
    started = time.perf_counter()
    floor, found = floors(), [*all_numbers(), *stopped_early(), *all_tokens()]
    told = {"name": "diffusion_samplers", "command": f"python -m {SOURCE}"}
    told |= {"seconds": time.perf_counter() - started, "rows": rows(found, floor)}
    for one in found:
        print(f"{one.process:8} {one.sampler:36} {one.schedule:13} {one.passes:4} {one.distance:.4f}")
    print(f"exact draws: {floor}")
    if options.plot:
        plot(found, floor, options.plot)
    if options.json:
        options.json.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
