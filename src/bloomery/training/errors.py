"""What can go wrong while training, and what to do about it.

    DivergenceError (ArithmeticError)    the loss, a gradient or a weight is no longer a number
    OutOfMemory (RuntimeError)           the step does not fit; names the settings that make it fit
    CheckpointDamaged (RuntimeError)     no checkpoint in the folder is whole
    CheckpointRefused (ValueError)       a pickle, or a checkpoint of another configuration
    PackageMissing (ImportError)         an optional package is not installed

`exit_code` is 2 where the caller can mend it, else 1.
"""

from pathlib import Path


class DivergenceError(ArithmeticError):
    """The loss or a gradient is not finite, and weights are those of before the step; or a weight is not."""

    exit_code = 1

    def __init__(self, step: int, where: str, last_good: Path | None) -> None:
        self.step = step
        self.where = where
        self.last_good = last_good
        kept = (
            f"the last good checkpoint is {last_good}" if last_good else "no checkpoint was written before it"
        )
        super().__init__(
            f"training diverged at step {step}: {where}; {kept}; "
            "lower the learning rate, set or lower clip_norm, or warm up longer"
        )


class OutOfMemory(RuntimeError):
    """A step does not fit in memory; the message names what to set, and to which value."""

    exit_code = 2


class CheckpointDamaged(RuntimeError):
    """Every checkpoint in the folder is truncated or altered."""

    exit_code = 1


class CheckpointRefused(ValueError):
    """A file that is not safetensors, or a checkpoint that belongs to another configuration."""

    exit_code = 2


class PackageMissing(ImportError):
    """An optional package is needed and is not installed."""

    exit_code = 1

    def __init__(self, package: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package '{package}': pip install 'bloomery[{package}]'", name=package
        )
