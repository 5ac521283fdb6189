"""Plans by diffusion: windows of noise become windows of states, with the start and the goal put back each
step.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from bloomery.core.errors import UserError
from bloomery.diffusion.processes.continuous import GaussianDiffusion
from bloomery.diffusion.processes.curves import cosine
from bloomery.diffusion.processes.process import Guide, Project, filled
from bloomery.diffusion.processes.sampling import even_times, sample
from bloomery.diffusion.stepping.ddim import ddim

from .data import rest_at
from .familiar import Familiar
from .mazes import Floats, Maze, is_free
from .recalling import Recalled
from .tracking import Plans
from .windows import STATE, WIDTH, Scale, Spec


def clean_data() -> GaussianDiffusion:
    """What planners here learn: a net that says the clean window."""
    return GaussianDiffusion(curve=cosine(), predicts="data")


@dataclass
class Planner:
    """A net of windows in one maze. `steps` of sampling; `eta` 0 is DDIM, 1 DDPM."""

    maze: Maze
    spec: Spec
    net: nn.Module
    familiar: Familiar
    process: GaussianDiffusion = field(default_factory=clean_data)
    steps: int = 16
    eta: float = 1.0
    recalled: Recalled | None = None  # windows that an adaptation remembered
    adapted_to: str = ""  # the task, also where no round was kept: then it differs in name alone

    @property
    def scale(self) -> Scale:
        return Scale.of(self.maze)

    def plans(
        self,
        starts: Floats,
        goals: Floats | None,
        generator: torch.Generator,
        *,
        guide: Guide | None = None,
        steps: int | None = None,
        eta: float | None = None,
    ) -> Plans:
        """One plan for each start; without goals each ends where it likes.

        Most plans of a way that is remembered grow out of that memory, unless they are guided.

        Shapes: starts (B, 4), goals (B, 2)
        Raises: UserError for a start or a goal inside a wall.
        """
        self.check(starts[:, :2], "start")
        if goals is not None:
            self.check(goals, "goal")
        ends = None if goals is None else rest_at(goals)
        project = put_back(self.scale, starts, ends)
        x = self.process.prior((len(starts), self.spec.horizon, WIDTH), generator)
        stepper = ddim(self.eta if eta is None else eta)
        times = even_times(steps or self.steps)
        self.net.eval()
        found = sample(
            self.process, self.net, x, steps=times, generator=generator, stepper=stepper, project=project,
            guide=guide,
        )  # fmt: skip
        if self.recalled is not None and goals is not None and guide is None:
            known = self.recalled.nearest(self.scale.inward(starts), self.scale.inward(goals), generator)
            x = self.process.corrupt(known.windows, filled(len(x), self.recalled.depth), generator)
            times = [self.recalled.depth * time for time in times]
            grown = sample(
                self.process, self.net, x, steps=times, generator=generator, stepper=stepper, project=project
            )
            found = torch.where(known.there[:, None, None], grown, found)
        return self.read(found)

    def read(self, windows: Tensor) -> Plans:
        """Shapes: (B, H, WIDTH), scaled"""
        found = self.scale.outward(windows)
        return Plans(found[..., :STATE], found[..., STATE:], self.spec.stride)

    def check(self, places: Floats, what: str) -> None:
        """Raises: UserError for a place inside a wall or outside of the maze."""
        finite = np.asarray(np.isfinite(places).all(axis=-1))
        good = np.asarray(finite & is_free(self.maze, np.where(finite[:, None], places, 0.0), 0.0))
        if not good.all():
            shown = ",".join(f"{one:g}" for one in places[int(good.argmin())])
            raise UserError(f"{what} {shown} lies inside a wall of '{self.maze.name}'; give a free place")


def put_back(scale: Scale, starts: Floats, ends: Floats | None) -> Project:
    """A projection that sets the first state of each window, and the last where there is one.

    Shapes: starts, ends (B, 4)
    """
    first = scale.inward(starts)
    last = None if ends is None else scale.inward(ends)

    def project(x: Tensor, s: Tensor) -> Tensor:
        x = x.clone()
        x[:, 0, :STATE] = first.to(x)
        if last is not None:
            x[:, -1, :STATE] = last.to(x)
        return x

    return project
