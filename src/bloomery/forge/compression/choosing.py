"""compression's steps: what the layers are fed, every coder's version, and the smallest that is good enough.

Only versions of the given model are chosen from. The coders' branch is the model as it was before its trits:
it knows nothing of what later stages taught, which no check of accuracy has to notice, so it is compared.

Each function here is a step: a function of its context alone.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bloomery.core import machine
from bloomery.core.engine import values_of
from bloomery.core.step import StepContext
from bloomery.forge.compression.branches import (
    Items,
    best_by_size,
    coded_by,
    mixtures,
    places_of,
    points_of,
    smallest,
    spread,
)
from bloomery.forge.compression.calibrating import second_moments
from bloomery.forge.compression.calibration_rows import task_rows
from bloomery.forge.exams import exams, mean_rate, plain, sit
from bloomery.forge.fitting import set_threads
from bloomery.forge.folders import load_model
from bloomery.forge.packed_folder import from_items, save_packed, save_weights, weights_size
from bloomery.forge.sitting import Results, sit_folders
from bloomery.forge.stages.compression import CompressionStageConfig
from bloomery.models.packed.experts import FILE as EXPERTS
from bloomery.models.packed.experts import attach
from bloomery.models.packed.modeling_packed import WEIGHTS, read_items

TERNARY_CHOICES = 6  # budgets for what is no trit, between the coarsest coders and the most exact
AS_GIVEN, TRITS = "as given", "trits"


def calibrate(context: StepContext) -> None:
    """The second moment of each layer's inputs on training examples."""
    set_threads(machine.threads())
    config: CompressionStageConfig = context.config
    model, tokenizer = load_model(context.inputs["full"])
    rows = task_rows(
        tokenizer, mixture=config.mixture, seq_len=config.seq_len, examples=config.calibration,
        seed=context.seed,
    )  # fmt: skip
    moments = second_moments(model, rows)
    save_file(moments, context.output / "moments.safetensors")


def code(context: StepContext) -> None:
    """Every matrix of the full model by each coder, a packed file each."""
    names = {name: name for name in context.config.coders}
    full, moments = str(context.inputs["full"]), str(context.inputs["moments"])
    coded = values_of(context.map(partial(_code, full=full, moments=moments), names), "code the model")
    (context.output / "coded").mkdir()
    for name, items in coded.items():
        save_weights(items, context.output / "coded" / f"{name}.safetensors")


def _code(name: str, *, full: str, moments: str) -> Items:
    set_threads(1)
    return coded_by(name, places_of(load_model(Path(full))[0], load_file(moments)))


def choose(context: StepContext) -> None:
    """Both branches on the selection examples; of the given trits, the smallest that is good enough."""
    set_threads(machine.threads())
    config: CompressionStageConfig = context.config
    scratch = context.checkpoint / "candidates"
    scratch.mkdir(parents=True, exist_ok=True)
    latent, tokenizer = load_model(context.inputs["latent"])
    for name, items in (ternary_branch(context, latent) | _coder_branch(context)).items():
        save_weights(items, scratch / f"{name}.safetensors")
    files = {path.stem: path for path in sorted([*scratch.iterdir(), *context.inputs["coded"].iterdir()])}
    results = _examined(context, files)
    beside = {name: _experts(context, name) for name in files}
    sizes = {name: sum(path.stat().st_size for path in (files[name], *beside[name])) for name in files}
    rates = {name: mean_rate(result) for name, result in results.items()}
    for (family, size_bytes), rate in best_by_size(rates, sizes).items():
        context.metric(f"frontier/{family}", rate, size_bytes)
    before = {name: context.inputs[name] for name in ("given", "full")}
    given = sit_folders(context, before, config.mixture, config.exam, "selection")
    bars = config.bars
    bar = config.margin + max(
        bars.kept * mean_rate(given["given"]), bars.kept_in_all * mean_rate(given["full"])
    )
    own = {name: size for name, size in sizes.items() if name.startswith(TRITS)}
    best = smallest(own, lambda name: rates[name] >= bar) or AS_GIVEN
    _hand_on(context, tokenizer, latent, files, best, results | {AS_GIVEN: given["given"]}, sizes)


def _hand_on(
    context: StepContext,
    tokenizer: PreTrainedTokenizerBase,
    latent: PreTrainedModel,
    files: Mapping[str, Path],
    best: str,
    results: Mapping[str, Results],
    sizes: Mapping[str, int],
) -> None:
    """The chosen model and, to compare it with, the best of the coders' branch at no more bytes."""
    given = context.inputs["given"] / WEIGHTS
    limit = _write(context, tokenizer, latent, best, files.get(best, given), "model")
    others = [name for name in sizes if not name.startswith(TRITS)]
    within = [name for name in others if sizes[name] <= limit] or [min(others, key=lambda name: sizes[name])]
    rival = max(within, key=lambda name: mean_rate(results[name]))
    _write(context, tokenizer, latent, rival, files[rival], "rival")
    claims: dict[str, Any] = {
        "best": best,
        "rival": rival,
        "scores": {"choose": plain(results[best])},
        "frontier": {
            name: {"bytes": size, "accuracy": mean_rate(results[name])} for name, size in sizes.items()
        },
    }
    (context.output / "claims.json").write_text(json.dumps(claims, indent=2, sort_keys=True))
    context.facts |= {"coded by": best, "weight_bytes": limit}
    context.kinds["rival"] = "candidate"


def _write(
    context: StepContext,
    tokenizer: PreTrainedTokenizerBase,
    latent: PreTrainedModel,
    name: str,
    weights: Path,
    output: str,
) -> int:
    """A candidate's folder, with the experts that it was judged with; its bytes."""
    folder = context.output / output
    save_packed(latent.config, read_items(weights), tokenizer, folder)
    for path in _experts(context, name):
        shutil.copyfile(path, folder / path.name)
    return weights_size(folder)


def ternary_branch(context: StepContext, latent: PreTrainedModel) -> dict[str, Items]:
    """The given trits; for what is none, the latent weights by each coder, and by several at some budgets."""
    config: CompressionStageConfig = context.config
    items = read_items(context.inputs["given"] / WEIGHTS)
    places = places_of(latent, load_file(context.inputs["moments"]))
    open_ = [index for index, one in enumerate(places) if one.is_matrix and items[index].scheme != "ternary"]
    coded = {name: coded_by(name, [places[index] for index in open_]) for name in config.embedding_coders}
    points = points_of([places[index] for index in open_], coded)
    mixed = mixtures(points, spread(points, TERNARY_CHOICES))
    rest = {f"mixture-{budget}": [one.coded for one in choice.points] for budget, choice in mixed.items()}
    return {f"{TRITS}-{name}": _with(items, open_, some) for name, some in (coded | rest).items()}


def _with(items: Items, places: Sequence[int], others: Items) -> Items:
    """The items, with others in these places."""
    return [dict(zip(places, others, strict=True)).get(index, item) for index, item in enumerate(items)]


def _coder_branch(context: StepContext) -> dict[str, Items]:
    """The full model with one coder a tensor, at the bytes that the coders have alone."""
    full, _ = load_model(context.inputs["full"])
    places = places_of(full, load_file(context.inputs["moments"]))
    coded = {path.stem: read_items(path) for path in sorted(context.inputs["coded"].iterdir())}
    points = points_of(places, coded)
    found = mixtures(points, spread(points, context.config.mixtures))
    return {f"mixture-{budget}": [one.coded for one in choice.points] for budget, choice in found.items()}


def _examined(context: StepContext, files: Mapping[str, Path]) -> dict[str, Results]:
    config: CompressionStageConfig = context.config
    sitting = partial(_sit, folder=str(context.inputs["full"]), config=config, threads=machine.threads())
    paths = {name: [str(one) for one in (path, *_experts(context, name))] for name, path in files.items()}
    return values_of(context.map(sitting, paths), "be examined")


def _experts(context: StepContext, name: str) -> list[Path]:
    """The experts that the given trits have beside them: they turn these, and no other weights."""
    path = context.inputs["given"] / EXPERTS
    return [path] if name.startswith((TRITS, AS_GIVEN)) and path.is_file() else []


def _sit(files: Sequence[str], *, folder: str, config: CompressionStageConfig, threads: int) -> Results:
    set_threads(threads)
    full, tokenizer = load_model(Path(folder))
    model = from_items(full.config, read_items(Path(files[0])))
    for experts in files[1:]:
        attach(model, Path(experts))
    return sit(model, tokenizer, exams(config.mixture, config.exam, "selection"))
