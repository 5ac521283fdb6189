"""The exact step of masked diffusion: tokens are drawn from the process itself."""

from functools import partial

from bloomery.core.errors import UserError
from bloomery.diffusion.processes.masked import MaskedDiffusion
from bloomery.diffusion.processes.process import Process, Step, Stepper


def ancestral(eta: float = 0.0) -> Stepper:
    """Source: arXiv 2406.07524 (MDLM); with eta: arXiv 2503.00307 (ReMDM), its rescaled schedule"""

    def begin(process: Process) -> Step:
        return partial(masked_only(process, "ancestral").step, eta=eta)

    return begin


def masked_only(process: Process, sampler: str) -> MaskedDiffusion:
    """Raises: UserError of a process whose noise is not masks"""
    if not isinstance(process, MaskedDiffusion):
        raise UserError(f"the sampler {sampler} is for masks, not for {type(process).__name__}")
    return process
