"""DDIM: fewer steps, without fresh noise or with a share of it."""

from functools import partial

from bloomery.diffusion.processes.process import Process, Step, Stepper

from .ddpm import gaussian_only


def ddim(eta: float = 0.0) -> Stepper:
    """Source: arXiv 2010.02502 (DDIM), eq. 12 and eq. 16"""

    def begin(process: Process) -> Step:
        return partial(gaussian_only(process, "ddim").step, eta=eta)

    return begin
