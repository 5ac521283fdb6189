"""What a training hands out: the model, what was measured, and the config as it took effect."""

import shutil
from pathlib import Path

import yaml

from bloomery.core.step import StepContext


def lay_out(context: StepContext) -> None:
    """One folder of files that no clock and no machine's paths have touched."""
    folder = context.output / "result"
    folder.mkdir()
    _copy(context.inputs["model"], folder)
    _copy(context.inputs["measured"], folder)
    text = yaml.safe_dump(context.config, sort_keys=False, allow_unicode=True)
    (folder / "training.yaml").write_text(text, encoding="utf-8")


def _copy(source: Path, folder: Path) -> None:
    for path in sorted(source.iterdir()):
        shutil.copyfile(path, folder / path.name)
