"""A prompt baked into a model folder, outside a workspace."""

from pathlib import Path

from bloomery.core.disk import new_folder
from bloomery.core.step import Progress, nobody_watches
from bloomery.forge.baking.bake import Baked, Queries
from bloomery.forge.baking.in_turn import pursue
from bloomery.forge.baking.settings import BakeConfig
from bloomery.forge.editing import load_editable, pack_editable, save_editable
from bloomery.forge.folders import check_folder, check_free
from bloomery.forge.resumable import forget_finished, resumable
from bloomery.forge.settings import FitConfig


def bake_folder(
    base: Path,
    output: Path,
    prompt: str,
    queries: Queries,
    *,
    fitting: FitConfig,
    config: BakeConfig,
    rounds: int = 1,
    packed: bool = False,
    seed: int = 0,
    watch: Progress = nobody_watches,
) -> list[Baked]:
    """Bake a prompt into a model and write the model's folder; what was left of the prompt in each round.

    More `rounds` than one pursue the prompt. Of latent weights the folder has latent weights again, or with
    `packed` the trits that ship. Killed or paused, the same call goes on from its last checkpoint, which lies
    in `<output>.unfinished`.
    Raises: Paused; UserError, MissingFile, FormatRefused, DamagedArtifact, DiskFull; CapabilityMissing.
    """
    forget_finished(output)
    check_free(output)
    check_folder(base)
    words = {"prompt": prompt, "queries": queries, "fit": fitting, "bake": config, "rounds": rounds,
             "packed": packed}  # fmt: skip
    with resumable(
        output, bake_folder, config=words, inputs={"model": base}, seed=seed, watch=watch
    ) as context:
        edited = load_editable(base)
        found = pursue(
            context, edited.model, edited.tokenizer, prompt, queries, rounds=rounds, config=config,
            fitting=fitting,
        )  # fmt: skip
        with new_folder(output) as folder:
            (pack_editable if packed else save_editable)(edited, folder)
    return found
