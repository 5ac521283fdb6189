"""bloomery merge: models of one architecture into one, tensor by tensor."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from bloomery.cli.options import DEFAULT_WORKSPACE, AsJson, Output, WorkspacePath, opened, print_json
from bloomery.cli.tables import print_fields
from bloomery.cli.wording import size
from bloomery.forge.merging.recipe import RANK, MergeRecipe

READ_BY = {  # options that do nothing for other methods
    "base": ("ties", "dare"),
    "weights": ("linear", "slerp", "ties", "dare"),
    "density": ("ties", "dare"),
    "t": ("slerp",),
    "lam": ("ties", "dare"),
    "rescale": ("dare",),
    "elect_signs": ("dare",),
    "normalize": ("linear", "ties"),
    "seed": ("dare",),
    "layers": ("frankenmerge", "dfs"),
}


Parents = Annotated[
    list[str], typer.Argument(help="Folders, CIDs or names of models; the first gives config and tokenizer.")
]
Ancestor = Annotated[
    str | None, typer.Option("--base", "-b", help="ties, dare: the model that the parents were trained from.")
]
Methods = Annotated[
    list[str],
    typer.Option(
        "--method",
        "-m",
        metavar="|".join(RANK),
        help="Given often: a blend, a sparse method and a layout, in this order.",
    ),
]
Weights = Annotated[
    list[float], typer.Option("--weight", help="One a parent, in their order. Default: equal.")
]
T = Annotated[float | None, typer.Option(help="slerp of two: 0 is the first, 1 the second.")]
Density = Annotated[
    float | None, typer.Option(help="Share of a task vector that is kept. Default: ties 0.2, dare 0.1.")
]
Lam = Annotated[float | None, typer.Option(help="ties, dare: factor of the summed task vectors. Default: 1.")]
Rescale = Annotated[
    Literal["inverse_density", "l1"] | None,
    typer.Option(help="dare: what makes up for what it drops. Default: inverse_density."),
]
ElectSigns = Annotated[
    bool | None, typer.Option("--elect-signs", help="dare: sum only entries of the elected sign.")
]
Normalize = Annotated[
    bool | None,
    typer.Option(
        "--normalize/--no-normalize", help="linear, ties: divide by the sum of the weights. Default: do."
    ),
]
Layers = Annotated[
    str | None,
    typer.Option(
        help="frankenmerge: a parent for each layer, as 0,0,1,1. dfs: PARENT:LAYER in the order in "
        "which they are walked, as 0:0,1:0,0:1. After another method, parent -1 is its result."
    ),
]
RecipeFile = Annotated[
    Path | None,
    typer.Option(
        "--recipe", help="YAML with methods and their coefficients, in place of the options for them."
    ),
]
Seed = Annotated[int | None, typer.Option(help="dare: which weights are dropped. Default: 0.", min=0)]


def merge(
    parents: Parents,
    output: Output,
    base: Ancestor = None,
    method: Methods = ["linear"],
    weight: Weights = [],
    t: T = None,
    density: Density = None,
    lam: Lam = None,
    rescale: Rescale = None,
    elect_signs: ElectSigns = None,
    normalize: Normalize = None,
    layers: Layers = None,
    seed: Seed = None,
    recipe_file: RecipeFile = None,
    workspace: WorkspacePath = DEFAULT_WORKSPACE,
    as_json: AsJson = False,
) -> None:
    """Merge models of one architecture and vocabulary into a new folder.

    Memory holds one tensor of each model, however many layers they have. The folder appears whole or not at
    all.
    """
    from bloomery.cli.progress import watching
    from bloomery.forge.library import model_folder
    from bloomery.forge.merging.merge_folders import merge_folders
    from bloomery.forge.packed_folder import weights_size

    given = {
        "base": base, "weights": tuple(weight) or None, "density": density, "t": t, "lam": lam, "seed": seed,
        "rescale": rescale, "elect_signs": elect_signs, "normalize": normalize, "layers": layers,
    }  # fmt: skip
    said = {name: value for name, value in given.items() if value is not None}
    recipe = _recipe(tuple(method), said) if recipe_file is None else _read(recipe_file, method, said)
    there = opened(workspace)
    folders = [model_folder(there, name) for name in parents]
    ancestor = None if base is None else model_folder(there, base)
    with watching({"merge": 1}) as watch:
        merge_folders(
            recipe, folders, ancestor, output,
            progress=lambda done, total: watch("merge", done, total, "tensors"),
        )  # fmt: skip
    made: dict[str, Any] = {"folder": output, "parents": parents, "base": base}
    weight_bytes = weights_size(output)
    if as_json:
        print_json(made | {"recipe": recipe, "weight_bytes": weight_bytes})
        return
    print_fields([("model", output), ("merged by", " then ".join(recipe.methods)), ("of", len(parents)),
                  ("weights", size(weight_bytes))])  # fmt: skip


def _recipe(methods: tuple[str, ...], given: dict[str, Any]) -> MergeRecipe:
    from bloomery.core.errors import ConfigError, UnknownName

    for method in methods:
        if method not in RANK:
            raise UnknownName("method", method, RANK)
    for name in given:
        if not set(methods) & set(READ_BY[name]):
            option = "weight" if name == "weights" else name.replace("_", "-")
            raise ConfigError(
                f"--{option} is for {' and '.join(READ_BY[name])} and the method {' then '.join(methods)}: "
                "leave it out"
            )
    layers, base = given.pop("layers", None), given.pop("base", None)
    if layers is not None:
        given |= _layout(layers, paired="dfs" in methods)
    recipe = MergeRecipe(methods=methods, **given)  # type: ignore[arg-type]  # they are ranked
    _check_base(recipe, base)
    return recipe


def _read(file: Path, methods: list[str], given: dict[str, Any]) -> MergeRecipe:
    from bloomery.core.config import build, load_recipe
    from bloomery.core.errors import ConfigError

    beside = [name for name in given if name != "base"]
    if beside or methods != ["linear"]:
        named = [
            f"--{name.replace('_', '-')}" for name in (["method"] if methods != ["linear"] else []) + beside
        ]
        raise ConfigError(f"{file} says how to merge: leave {' and '.join(named)} out")
    read = load_recipe(file)
    recipe = build(MergeRecipe, read.values, origin=read.origin)
    _check_base(recipe, given.get("base"))
    return recipe


def _check_base(recipe: MergeRecipe, base: str | None) -> None:
    from bloomery.core.errors import ConfigError

    if base is not None and not recipe.needs_base:
        first, second = recipe.methods[:2]
        raise ConfigError(f"after {first} the blend is what {second} starts from: leave --base out")


def _layout(layers: str, *, paired: bool) -> dict[str, Any]:
    from bloomery.core.errors import ConfigError

    try:
        entries = [tuple(int(part) for part in entry.split(":")) for entry in layers.split(",")]
    except ValueError:
        entries = []
    if not entries or any(len(entry) != 1 + paired for entry in entries):
        expected = "0:0,1:0,0:1 (parent:layer)" if paired else "0,0,1,1 (a parent for each layer)"
        raise ConfigError(f"--layers is {layers!r}, expected numbers as in {expected}")
    return {"path": tuple(entries)} if paired else {"sources": tuple(entry[0] for entry in entries)}
