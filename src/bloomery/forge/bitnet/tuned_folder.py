"""A model folder trained towards trits and packed: the stage bitnet's training, outside a workspace."""

from pathlib import Path

from bloomery.core.step import Progress, nobody_watches
from bloomery.forge.bitnet.quantizing import items_of, make_ternary
from bloomery.forge.bitnet.tuning import tune
from bloomery.forge.folders import check_folder, check_free, load_model
from bloomery.forge.full_models import pack_folder
from bloomery.forge.resumable import forget_finished, resumable
from bloomery.forge.settings import FitConfig, TernaryConfig
from bloomery.forge.stages.bitnet import BitnetStageConfig


def tune_folder(
    base: Path,
    output: Path,
    config: TernaryConfig,
    fit: FitConfig,
    *,
    warmup: float = BitnetStageConfig.warmup,
    seed: int = 0,
    watch: Progress = nobody_watches,
) -> list[str]:
    """Quantization-aware fine-tuning of a model folder into a packed folder; the names of the ternary layers.

    `warmup` is the share of the steps over which the quantized share rises. Killed or paused, the same call
    goes on from its last checkpoint, which lies in `<output>.unfinished`.
    Raises: Paused; UserError, MissingFile, FormatRefused, DamagedArtifact, DiskFull; Failure for a training
    that diverges.
    """
    forget_finished(output)
    check_free(output)
    check_folder(base)
    words = {"fit": fit, "thoughts": None, "ternary": config, "warmup": warmup}
    with resumable(
        output, tune_folder, config=words, inputs={"model": base}, seed=seed, watch=watch
    ) as context:
        tune(context)
        model, tokenizer = load_model(context.output / "latent")
        turned = make_ternary(model, config)
        pack_folder(model, items_of(model, config.embedding_bits), tokenizer, base, output)
    return turned
