"""Denoisers as folders of config.json and model.safetensors, which `transformers` reads by its own door."""

from pathlib import Path

from transformers.models.auto.configuration_auto import AutoConfig
from transformers.models.auto.modeling_auto import AutoModel

from bloomery.core.errors import MissingFile

from .stack import Denoiser
from .tokens import TokenDenoiser, TokenDenoiserConfig
from .trajectories import (
    TemporalUNet,
    TemporalUNetConfig,
    TrajectoryTransformer,
    TrajectoryTransformerConfig,
)

for config, net in (
    (TokenDenoiserConfig, TokenDenoiser),
    (TemporalUNetConfig, TemporalUNet),
    (TrajectoryTransformerConfig, TrajectoryTransformer),
):
    AutoConfig.register(config.model_type, config, exist_ok=True)
    AutoModel.register(config, net, exist_ok=True)


def load(folder: Path) -> Denoiser:
    """The net that `save_pretrained` wrote, in evaluation mode and of the same bits.

    Raises: MissingFile.
    """
    if not (folder / "config.json").is_file():
        raise MissingFile(f"no denoiser at {folder}: it holds no config.json; name a folder that a fit wrote")
    net: Denoiser = AutoModel.from_pretrained(folder, local_files_only=True, dtype="auto")
    return net
