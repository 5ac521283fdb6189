"""Model folders merged tensor by tensor: memory holds one tensor of each model, whatever their depth."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from torch import Tensor

from bloomery.core.disk import new_folder
from bloomery.forge.folders import check_folder, check_free, drop_machine_dependent
from bloomery.forge.merging.arrangement import arrangement, check_depth, path_of
from bloomery.forge.merging.folder_checks import check_mergeable, config_of
from bloomery.forge.merging.layers import MERGED, Origin, depth_of, layer_of
from bloomery.forge.merging.recipe import MergeRecipe
from bloomery.forge.merging.relayered import relayered
from bloomery.forge.merging.tensorfile import SINGLE, Spec, TensorFolder, in_file_order, opened, write_tensors
from bloomery.forge.merging.tensorwise import copy_tensor, merge_tensor

Progress = Callable[[int, int], None]  # tensors written, tensors in all
COPIED = (".json", ".model", ".txt", ".jinja", ".py")  # config, tokenizer and code; no weights, no model card
LEGAL = ("LICENSE", "NOTICE")


def merge_folders(
    recipe: MergeRecipe,
    parents: Sequence[Path],
    base: Path | None,
    output: Path,
    *,
    progress: Progress | None = None,
) -> None:
    """The model of `merge`, to the bit, as a new folder: weights in one file, the rest as in parent 0.

    The folder appears whole or not at all.
    Raises: ConfigError for coefficients that do not fit; FormatRefused naming what differs or is not finite;
    MissingFile, DamagedArtifact for a folder that is not whole; UserError if `output` exists; DiskFull.
    """
    recipe.check_parents(len(parents), has_base=base is not None)
    check_free(output)
    used = [*parents, *([base] if base is not None and recipe.needs_base else [])]
    for folder in used:
        check_folder(folder)
    with ExitStack() as stack:
        models = [stack.enter_context(opened(folder)) for folder in used]
        check_mergeable(dict(zip(used, models, strict=True)))
        source = _Source(recipe, parents, models[: len(parents)], models[len(parents) :])
        _write(source, parents[0], output, progress)


class _Source:
    """The tensors of a merged model, made when they are asked for."""

    def __init__(
        self,
        recipe: MergeRecipe,
        folders: Sequence[Path],
        parents: Sequence[TensorFolder],
        base: Sequence[TensorFolder],
    ) -> None:
        names = list(parents[0].specs)
        check_depth(recipe, names)
        self.recipe, self._parents, self._base = recipe, parents, base
        self._labels = [f"model {number} ({folder})" for number, folder in enumerate(folders)]
        self._layers: Mapping[str, int] = layer_of(names)
        self._plan: Mapping[str, Origin] = arrangement(recipe, names, len(parents))

    @property
    def specs(self) -> dict[str, Spec]:
        like = self._parents[0].specs
        return in_file_order({name: like[origin.name] for name, origin in self._plan.items()})

    def path(self) -> tuple[int, ...] | None:
        """The layers that the merged model's layers come from, where the recipe chooses them freely."""
        if self.recipe.layout != "dfs":
            return None
        depth = depth_of(self._parents[0].specs)
        return tuple(layer for _, layer in path_of(self.recipe, depth, len(self._parents)))

    def depth(self) -> int:
        return depth_of(self._parents[0].specs)

    def tensor(self, name: str) -> Tensor:
        source, original = self._plan[name]
        if source != MERGED:
            tensor = self._parents[source].read(original)
            return copy_tensor(original, self._labels[source], tensor, self._parents[0].specs[original].dtype)
        parents = {
            label: parent.read(original) for label, parent in zip(self._labels, self._parents, strict=True)
        }
        base = self._base[0].read(original) if self._base else None
        return merge_tensor(self.recipe, original, self._layers.get(original), parents, base)


def _write(source: _Source, first: Path, output: Path, progress: Progress | None) -> None:
    with new_folder(output) as folder:
        _copy_rest(first, folder)
        if (path := source.path()) is not None:
            config = relayered(config_of(first), path, source.depth())
            (folder / "config.json").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n")
        drop_machine_dependent(folder)
        specs = source.specs
        write_tensors(folder / SINGLE, specs, _made(source, list(specs), progress))


def _made(source: _Source, names: Sequence[str], progress: Progress | None) -> Iterator[tuple[str, Tensor]]:
    for number, name in enumerate(names, start=1):
        yield name, source.tensor(name)
        if progress is not None:
            progress(number, len(names))


def _copy_rest(first: Path, folder: Path) -> None:
    for path in sorted(first.iterdir()):
        wanted = path.suffix in COPIED or path.name.startswith(LEGAL)
        if path.is_file() and wanted and not path.name.endswith(".safetensors.index.json"):
            shutil.copyfile(path, folder / path.name)
